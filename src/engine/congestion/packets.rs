//! How much new text leaves in one packet that is cut into segments on its way (TSO), and when it waits for more.
//!
//! `tcp_write_xmit`, `tcp_tso_autosize`, `tcp_tso_should_defer` and `tcp_mss_split_point` of Linux 6.18. What has not left lies in
//! packets of its own, which `tcp_sendmsg_locked` fills and `tcp_grow_skb` fills up from the next one before it leaves.

use super::{CongestionState, Sender, Seq};
use crate::engine::segment::Segment;
use crate::engine::seq::Theirs;
use crate::engine::state::Event;
use crate::engine::tcb::{Connection, Origin};
use crate::engine::time::Instant;

/// No packet of several segments is larger: `GSO_LEGACY_MAX_SIZE` less `MAX_TCP_HEADER + 1`.
pub(super) const LARGEST: u32 = 65_279;

/// What leaves next.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Plan {
    /// One segment, if it is worth it.
    Segment,
    /// So many octets, in more than one segment.
    Packet(u32),
    /// Nothing: the next ACK will soon let more leave in one packet.
    Wait(Limit),
}

/// What keeps a packet from being as long as it may.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Limit {
    Congestion,
    Peer,
    Text,
}

/// The packet at the front of what has not left.
struct Front {
    from: Seq,
    /// Octets of it.
    len: u32,
    /// Nothing lies behind it.
    last: bool,
}

impl Sender {
    /// Text is added to the last packet as long as that has room, and to others behind it.
    pub(super) fn fill(&mut self, from: Seq, unsent: u32, more: u32, longest: u32) {
        let (end, begin) = (from.plus(unsent), self.tail.later_of(from));
        let begin = if end.since(begin) < longest { begin } else { end };
        let tail = begin.plus((end.since(begin) + more).saturating_sub(1) / longest * longest);
        if tail != self.tail {
            (self.tail, self.longest) = (tail, longest);
        }
    }
}

impl Connection {
    /// The longest packet that text is filled into: whole segments, and no more than half of the largest window (`tcp_xmit_size_goal`).
    pub(super) fn longest_packet(&self) -> u32 {
        let (mss, largest) = (u32::from(self.effective_mss()), self.snd.max_wnd);
        let half = if largest > 536 { largest / 2 } else { largest };
        (half.min(LARGEST) / mss).max(1) * mss
    }

    /// Text was queued.
    #[inline]
    pub(in crate::engine) fn fill_packets(&mut self, octets: u32) {
        if self.sender.is_some() {
            self.add_to_packets(octets);
        }
    }

    #[inline(never)]
    fn add_to_packets(&mut self, octets: u32) {
        let longest = self.longest_packet();
        let (from, unsent) = (self.snd.nxt, self.snd.unsent);
        if let Some(sender) = &mut self.sender {
            sender.fill(from, unsent, octets, longest);
        }
    }

    /// What is queued from now on begins a packet of its own.
    pub(in crate::engine) fn end_packet(&mut self) {
        let end = self.snd.nxt.plus(self.snd.unsent);
        if let Some(sender) = &mut self.sender {
            sender.tail = end;
        }
    }

    /// The front of so many octets that have not left from `from` on, which packets of the queue fill up to a full one (`tcp_grow_skb`).
    fn front(&self, sender: &Sender, from: Seq, unsent: u32, full: u32) -> Front {
        let before_tail = sender.tail.later_of(from).since(from).min(unsent);
        let (first, second) = if before_tail == 0 {
            (unsent, 0)
        } else {
            let first = (before_tail - 1) % sender.longest.max(1) + 1;
            (first, if first == before_tail { unsent - first } else { sender.longest })
        };
        let len = first.max(full.min(first + second)).min(self.record_left(from));
        Front { from, len, last: len == unsent }
    }

    /// What of it leaves now.
    pub(super) fn plan(&self, sender: &Sender, from: Seq, unsent: u32, now: Instant) -> Plan {
        let mss = u32::from(self.effective_mss());
        let most = self.burst_size(sender, u32::from(self.profile.burst_segments));
        let room = sender.room();
        let quota = room.min((sender.cwnd / 2).max(1)).min(most).max(u32::from(sender.probe_due));
        let front = self.front(sender, from, unsent, quota * mss);
        let usable = self.snd.una.plus(self.snd.wnd).since(from).cast_signed().max(0).cast_unsigned();
        if front.len <= mss || usable < mss {
            return Plan::Segment;
        }
        if !sender.probe_due
            && let Some(limit) = self.waits_for_more(sender, &front, (room * mss, usable), most * mss, now)
        {
            return Plan::Wait(limit);
        }
        let full = quota * mss;
        let octets = if full <= usable && !front.last { full.min(front.len) } else { self.split_point(sender, &front, full, usable) };
        if octets > mss { Plan::Packet(octets) } else { Plan::Segment }
    }

    /// Where the last packet is cut that a window ends, or is not full: a short segment goes along where Nagle lets it (`tcp_mss_split_point`).
    fn split_point(&self, sender: &Sender, front: &Front, full: u32, usable: u32) -> u32 {
        let needed = front.len.min(usable);
        if full <= needed {
            return full;
        }
        let nagle = self.profile.nagle && !self.bits.no_delay() && !sender.probe_due;
        let short_waits = self.bits.hold_short()
            || (nagle && !sender.board.queue.is_empty() && sender.short_end.is_some_and(|end| end.after(self.snd.una)));
        if short_waits { needed - needed % u32::from(self.effective_mss()) } else { needed }
    }

    /// Whether the front is kept back, as the next ACK will soon let more of it leave in one packet (`tcp_tso_should_defer`), and what
    /// keeps it from being full.
    fn waits_for_more(&self, sender: &Sender, front: &Front, (by_path, by_peer): (u32, u32), full: u32, now: Instant) -> Option<Limit> {
        /// Of the window so much is worth a packet (`tcp_tso_win_divisor`).
        const SHARE: u32 = 3;
        const RECENT: u64 = 1_000_000;
        let nanos = now.as_nanos();
        let oldest = sender.board.queue.front()?;
        let limit = by_peer.min(by_path);
        let window = self.snd.wnd.min(sender.cwnd.saturating_mul(u32::from(self.effective_mss())));
        let ack_in = (oldest.at + self.rtt.srtt).saturating_sub(nanos);
        if sender.state >= CongestionState::Recovery
            || nanos.saturating_sub(sender.sent_at) > RECENT
            || limit >= full
            || (!front.last && limit >= front.len)
            || limit >= window / SHARE
            || ack_in > (self.rtt.srtt / 2).min(RECENT)
        {
            return None;
        }
        if limit <= front.len {
            return Some(if by_path < by_peer { Limit::Congestion } else { Limit::Peer });
        }
        let ends = (front.last && self.bits.fin_due()) || self.record_ending(front.from.plus(front.len)).is_some();
        if ends { None } else { Some(Limit::Text) }
    }

    /// The one segment that has left begins a packet.
    #[cold]
    pub(super) fn continue_packet(&self, sender: &mut Sender, now: Instant) {
        let from = self.text_start();
        let len = self.snd.nxt.since(from);
        sender.fill(from, 0, len + self.snd.unsent, self.longest_packet());
        if self.profile.burst_segments > 0
            && let Plan::Packet(octets) = self.plan(sender, from, len + self.snd.unsent, now)
        {
            sender.packet = octets - len;
            sender.packet_begun = true;
        }
    }

    /// Whether the next segment of text leaves in one packet with the last one.
    #[cfg(test)]
    pub(in crate::engine) fn is_amid_packet(&self) -> bool {
        match &self.sender {
            Some(sender) => sender.packet > 0,
            None => !self.bits.first_pushed(),
        }
    }

    /// What a call held back leaves with an ACK, though not with one that only stands beside text.
    pub(in crate::engine) fn let_short_go(&mut self, segment: &Segment<Theirs>, event: Event) {
        if let Some(sender) = &mut self.sender
            && sender.held_for_call
            && (segment.len == 0 || event == Event::AckAcceptable)
        {
            sender.held_for_call = false;
            self.bits.set_hold_short(false);
        }
    }

    /// How many segments go into one packet, by the rate at which they leave (`tcp_tso_autosize`).
    pub(super) fn burst_size(&self, sender: &Sender, least: u32) -> u32 {
        let mss = u64::from(self.effective_mss());
        // A millisecond's worth, and more on a short path.
        let rate = self.pacing_rate(sender);
        let bonus = u64::from(LARGEST).checked_shr(u32::try_from(sender.min_rtt / 512_000).unwrap_or(u32::MAX)).unwrap_or(0);
        let octets = (rate / 1024).saturating_add(bonus).min(LARGEST.into());
        u32::try_from(octets / mss).unwrap_or(u32::MAX).max(least)
    }

    /// Octets that may leave in a second, if they were paced (`tcp_update_pacing_rate`): a window in less than a round trip.
    pub(super) fn pacing_rate(&self, sender: &Sender) -> u64 {
        // The SYN,ACK is reckoned with before its MSS is known.
        let first = self.origin == Origin::Active && self.snd.una == self.iss.plus(1);
        let timestamps = if self.bits.timestamps() { 12 } else { 0 };
        let mss = u64::from(if first { self.send_mss.saturating_sub(timestamps) } else { self.effective_mss() });
        let window = u64::from(sender.cwnd.max(sender.board.out()));
        let percent = if sender.cwnd < sender.ssthresh / 2 { 200 } else { 120 };
        mss.saturating_mul(window).saturating_mul(percent * 10_000_000) / self.rtt.srtt.max(1)
    }
}
