//! How FreeBSD chooses windows, and which of its ACKs are made from the segment they answer alone.
//!
//! From `tcp_output`, `tcp_respond`, `tcp_do_segment`, `tcp_send_challenge_ack` and the SYN cache of FreeBSD 15. What
//! leaves through `tcp_output` is a segment of the connection: its FIN rides along until it is acknowledged, and its
//! window is rounded up to the scale. What leaves through `tcp_respond` is an answer: numbers, timestamps and a window
//! that is cut down to the scale.

use super::profile::WindowPolicy;
use super::segment::{Flags, Segment, WireWindow};
use super::seq::Theirs;
use super::state::{Event, State};
use super::tcb::{Connection, Origin};

impl Connection {
    /// The buffer, grown to whole segments as the peer takes them; timestamps do not count.
    ///
    /// Who opened, and was not told an MSS, keeps it as it is.
    pub(super) fn rounded_buffer(&self) -> u32 {
        if self.origin == Origin::Active && !self.offers.mss {
            return self.profile.receive_buffer;
        }
        let mss = u32::from(self.snd.mss.min(self.send_mss)).max(1);
        self.profile.receive_buffer.div_ceil(mss).saturating_mul(mss)
    }

    /// The send buffer; FreeBSD's grows to whole segments, too, once the peer has said what it takes (`tcp_mss`).
    pub fn send_capacity(&self) -> u32 {
        let buffer = self.profile.send_buffer;
        if self.profile.window_policy != WindowPolicy::FreeBsd {
            return buffer;
        }
        let mss = u32::from(self.snd.mss.min(self.send_mss)).max(1);
        let told = self.origin != Origin::Active || self.offers.mss;
        if !self.state.is_synchronized() || !told {
            return buffer;
        }
        match buffer / mss {
            0 => buffer,
            _ => buffer.div_ceil(mss).saturating_mul(mss),
        }
    }

    /// Room in the receive buffer.
    fn free_room(&self) -> u32 {
        self.rounded_buffer().saturating_sub(self.rcv.unread)
    }

    /// What the buffer takes lies in the window, whatever the peer was told of it.
    pub(super) fn freebsd_take_room(&mut self) {
        self.rcv.wnd = self.rcv.wnd.max(self.free_room());
    }

    /// All free room, unless it is less than a segment and a quarter of the buffer; rounded up to the scale.
    ///
    /// The field says 65535 units at most, and what lies in the buffer beyond is still taken.
    #[inline(never)]
    pub(super) fn freebsd_window(&self) -> u32 {
        let free = self.free_room();
        let silly = free < self.rounded_buffer() / 4 && free < u32::from(self.mss);
        let unit = 1_u32 << self.rcv.shift;
        let offered = if silly { 0 } else { free.max(self.rcv.wnd) };
        self.rcv.wnd.max(offered.div_ceil(unit).saturating_mul(unit))
    }

    /// The window of an answer: all free room, cut down to the scale.
    pub(super) fn freebsd_answer_window(&self) -> WireWindow {
        Self::wire_window(self.free_room(), self.rcv.shift)
    }

    /// Whether the room that reading has made is worth a segment of its own: two segments, and a quarter of the buffer
    /// or a buffer that is nearly full; or half the buffer.
    pub(super) fn freebsd_update_due(&self) -> bool {
        if self.bits.ack_soon() {
            return false;
        }
        let (buffer, mss) = (self.rounded_buffer(), u32::from(self.snd.mss.min(self.send_mss)));
        let offered = self.free_room().min(u32::from(u16::MAX) << self.rcv.shift);
        let grown = offered.saturating_sub(self.rcv.wnd);
        if (self.rcv.wnd + grown) >> self.rcv.shift <= self.rcv.wnd >> self.rcv.shift {
            return false;
        }
        // A buffer of no more than eight segments, of which FreeBSD speaks as well, has a quarter of two at most.
        let worth = grown >= buffer / 4 || offered <= buffer / 8;
        (grown >= 2 * mss && worth) || 2 * grown >= buffer
    }

    /// What this segment is in SYN-RECEIVED, where the RFC's order of checks does not come to the same.
    #[cold]
    pub(super) fn request_event(&self, segment: &Segment<Theirs>) -> Option<Event> {
        if segment.has(Flags::RST) || self.is_open_early() {
            return None;
        }
        match self.origin {
            Origin::Passive => self.cached_request_event(segment),
            Origin::Active => self.crossed_request_event(segment),
        }
    }

    /// What this segment is to a request in the SYN cache, which is judged as it is nowhere else.
    ///
    /// A SYN brings the SYN,ACK again, whatever its number; without ACK, or with SYN and ACK, nothing is looked at.
    fn cached_request_event(&self, segment: &Segment<Theirs>) -> Option<Event> {
        match (segment.has(Flags::SYN), segment.has(Flags::ACK)) {
            (true, true) => Some(Event::SynAckUnexpected),
            (true, false) if segment.has(Flags::FIN) && self.profile.drop_syn_fin => Some(Event::NoAck),
            (true, false) => Some(Event::SynAgain),
            (false, false) => Some(Event::NoAck),
            (false, true) => {
                let behind = segment.seq == self.rcv.nxt.plus(self.rcv.wnd);
                behind.then_some(Event::Unacceptable)
            }
        }
    }

    /// What this segment is where two SYNs have crossed and SYN,ACKs are owed: first of all the ACK is looked at, and a SYN
    /// in the window is nothing.
    fn crossed_request_event(&self, segment: &Segment<Theirs>) -> Option<Event> {
        let acknowledges = segment.has(Flags::ACK);
        let bad_ack = acknowledges && !(self.snd.una.before(segment.ack) && segment.ack.at_or_before(self.snd.nxt));
        if bad_ack || segment.seq.before(self.irs) {
            return Some(Event::AckFuture);
        }
        let inside = segment.seq.within(self.rcv.nxt, self.rcv.wnd + 1);
        (segment.has(Flags::SYN) && !acknowledges && inside).then_some(Event::NoAck)
    }

    /// Whether the ACK that is due is the SYN,ACK again: nothing else leaves before the handshake is complete.
    pub(super) fn owes_syn_ack(&self) -> bool {
        self.profile.syn_cache
            && self.bits.ack_due()
            && self.state == State::SynReceived
            && self.origin == Origin::Active
            && !self.bits.answer_only()
    }

    /// Whether an ACK of this segment is an answer that RFC 5961 speaks of: to a RST, a SYN, or an ACK of old numbers.
    pub(super) fn is_challenged(&self, segment: &Segment<Theirs>) -> bool {
        let old = segment.has(Flags::ACK) && self.is_acceptable(segment) && self.is_old_ack(segment.ack);
        let request = self.state == State::SynReceived;
        let syn = segment.has(Flags::SYN) && !request;
        syn || segment.has(Flags::RST) || old || (request && self.origin == Origin::Passive)
    }

    /// Whether nothing of this segment is new but, perhaps, its ACK, which is looked at all the same.
    pub(super) fn is_repeat_with_ack(&self, segment: &Segment<Theirs>) -> bool {
        let nxt = self.rcv.nxt;
        let request = self.state == State::SynReceived && self.origin == Origin::Passive;
        self.profile.challenge_apart
            && self.state != State::TimeWait
            && !request
            && segment.has(Flags::ACK)
            && !segment.flags.intersects(Flags::SYN | Flags::RST)
            && segment.seq.before(nxt)
            && segment.text_seq().plus(segment.len).at_or_before(nxt)
    }
}
