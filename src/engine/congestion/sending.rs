//! What may leave, and what left: new text within the congestion window, copies of what was lost, the probe of the tail.

use super::packets::{Limit, Plan};
use super::scoreboard::{Marks, Scoreboard};
use super::timing::Pending;
use super::{Sender, Seq};
use crate::engine::segment::Flags;
use crate::engine::tcb::Connection;
use crate::engine::time::Instant;

/// Numbers that leave once more.
#[derive(Clone, Copy)]
pub(in crate::engine) struct Copy {
    pub seq: Seq,
    pub len: u32,
    pub flags: Flags,
}

impl Sender {
    /// A segment leaves again, for the first time or not.
    fn count_copy(&mut self, index: usize, len: u32, now: u64) {
        // Nothing that was delivered already has left behind it, even where no time passes.
        self.board.resend(index, now.max(self.rack.latest() + 1));
        self.undo_resent = Some(self.undo_resent.unwrap_or(0) + 1);
        self.doubt_path_probe();
        if self.resent_at == 0 {
            self.resent_at = now;
        }
        if self.is_reducing() {
            self.prr_out += 1;
        }
        self.counts.resent += 1;
        self.counts.bytes_resent += u64::from(len);
    }
}

impl Connection {
    /// Whether new text, or our FIN, may leave as far as congestion is concerned.
    pub(in crate::engine) fn has_room(&mut self, now: Instant) -> bool {
        let rto = self.backed_off_rto();
        let Some(sender) = &mut self.sender else { return true };
        if self.profile.congestion_control == super::CongestionControl::Off {
            return true;
        }
        if self.profile.congestion_in_octets {
            return !self.counts_octets() || self.has_octets(now);
        }
        if sender.packet > 0 {
            return true;
        }
        if sender.board.queue.is_empty() {
            sender.restart(&self.profile, rto, now.as_nanos());
        }
        if sender.counts.busy_since == 0 {
            sender.counts.busy_since = now.as_nanos().max(1);
        }
        let probes = sender.probe_due && !sender.probe_copied;
        let path = sender.path.is_some();
        if path && !probes && self.prefers_path_probe(now) {
            self.note_peer_limit(now, false);
            return false;
        }
        let Some(sender) = &mut self.sender else { return true };
        if !probes && sender.room() == 0 {
            self.validate_window(now);
            self.note_peer_limit(now, false);
            return false;
        }
        let Some(sender) = &self.sender else { return true };
        let plan = if self.profile.burst_segments == 0 { Plan::Segment } else { self.plan(sender, self.snd.nxt, self.snd.unsent, now) };
        let Some(sender) = &mut self.sender else { return true };
        sender.packet_begun = false;
        match plan {
            Plan::Segment => true,
            Plan::Packet(octets) => {
                sender.packet = octets;
                true
            }
            Plan::Wait(limit) => {
                if limit == Limit::Congestion {
                    sender.validate(&self.profile, self.snd.una, self.snd.nxt, rto, true, now.as_nanos());
                } else {
                    // What has left before counts all the same.
                    self.validate_window(now);
                }
                self.note_peer_limit(now, limit == Limit::Peer);
                false
            }
        }
    }

    /// Octets of the packet that is leaving, if it has several segments.
    pub(in crate::engine) fn packet_left(&self) -> u32 {
        self.sender.as_ref().map_or(0, |sender| sender.packet)
    }

    /// Whether what leaves now is a probe of the tail, which Nagle does not hold back.
    pub(in crate::engine) fn is_probing_tail(&self) -> bool {
        self.sender.as_ref().is_some_and(|sender| sender.probe_due && !sender.probe_copied)
    }

    /// New text could not leave, or all of it has: what that says of the window.
    #[inline(never)]
    pub(in crate::engine) fn validate_window(&mut self, now: Instant) {
        let (una, nxt, rto) = (self.snd.una, self.snd.nxt, self.backed_off_rto());
        if let Some(sender) = &mut self.sender
            && (sender.unvalidated || sender.room() == 0)
        {
            sender.validate(&self.profile, una, nxt, rto, false, now.as_nanos());
        }
    }

    /// New text has left: it stands on the scoreboard, and its timer runs. Says whether it ends a packet of several
    /// segments, which Linux pushes.
    #[inline(never)]
    pub(in crate::engine) fn note_new(&mut self, seq: Seq, len: u32, flags: Flags, now: Instant) -> bool {
        let Some(mut sender) = self.sender.take() else { return false };
        let nanos = now.as_nanos();
        let joined = sender.packet > 0 && sender.packet_begun;
        sender.packet_begun = true;
        sender.packet = sender.packet.saturating_sub(len);
        let end = self.snd.nxt;
        if sender.board.queue.back().is_some_and(|last| last.end != seq) || (sender.board.queue.is_empty() && self.text_start() != seq) {
            // What left otherwise, as a window probe does, comes first.
            sender.board = Scoreboard::default();
            let start = self.text_start();
            sender.board.push(start, seq, nanos, Marks::default());
        }
        let first = sender.board.queue.is_empty();
        if sender.board.in_flight() == 0 {
            sender.cubic.resume(sender.sent_at, nanos);
        }
        let marks = Marks::default()
            .with(Marks::FIN, flags.contains(Flags::FIN))
            .with(Marks::PUSH, flags.contains(Flags::PSH))
            .with(Marks::JOINED, joined);
        sender.board.push(seq, end, nanos, marks);
        sender.unvalidated = true;
        if len > 0 && len < u32::from(self.effective_mss()) {
            sender.short_end = Some(end);
        }
        if sender.is_reducing() {
            sender.prr_out += 1;
        }
        if sender.probe_due {
            sender.probe_due = false;
            sender.probe_high = Some(end);
            sender.pending = Pending::Timeout;
            self.rearm_timeout(&mut sender, now);
        } else {
            if first || sender.pending == Pending::Probe {
                self.rearm_timeout(&mut sender, now);
            }
            if self.probes_tail() {
                self.probe_instead(&mut sender, now);
            }
        }
        self.sender = Some(sender);
        if self.snd.unsent == 0 {
            self.validate_window(now);
        }
        joined && self.packet_left() == 0
    }

    /// The timeout that runs becomes a probe, where one may leave before.
    fn probe_instead(&mut self, sender: &mut Sender, now: Instant) {
        let calm = matches!(sender.state, super::CongestionState::Open | super::CongestionState::Cwr);
        if calm {
            self.start_sender_timer(sender, false, now);
        }
    }

    /// What counts as lost leaves again, as far as the window has room; or the tail, as a probe (`tcp_xmit_retransmit_queue`).
    #[cold]
    pub(in crate::engine) fn cut_lost(&mut self, now: Instant) -> Option<Copy> {
        let mut sender = self.sender.take()?;
        let copy = if sender.probe_due { self.copy_tail(&mut sender, now) } else { self.copy_lost(&mut sender, now) };
        self.sender = Some(sender);
        if copy.is_none() {
            self.bits.set_front_due(false);
        }
        copy
    }

    fn copy_tail(&mut self, sender: &mut Sender, now: Instant) -> Option<Copy> {
        sender.probe_due = false;
        let index = sender.board.queue.len().checked_sub(1)?;
        // What was acknowledged of it is gone.
        let start = sender.board.queue[index].start.later_of(self.snd.una);
        self.fit(sender, index, start, self.effective_mss().into());
        let sent = &mut sender.board.queue[index];
        sent.at = now.as_nanos();
        sent.marks.add(Marks::EVER_RESENT);
        let sent = *sent;
        sender.doubt_path_probe();
        sender.probe_copied = true;
        sender.probe_high = Some(self.snd.nxt);
        sender.counts.resent += 1;
        let copy = copy_of(start, &sent);
        sender.counts.bytes_resent += u64::from(copy.len);
        self.rtt.timed_at = 0;
        Some(copy)
    }

    fn copy_lost(&mut self, sender: &mut Sender, now: Instant) -> Option<Copy> {
        let index = if std::mem::take(&mut sender.front_due) {
            0
        } else if sender.room() == 0 || (sender.copies == 0 && !sender.board.wants_copies()) {
            return None;
        } else {
            sender.board.first_lost()?
        };
        let (una, edge, mss) = (self.snd.una, self.snd.una.plus(self.snd.wnd), u32::from(self.effective_mss()));
        let start = sender.board.queue[index].start.later_of(una);
        let most = if start.before(edge) {
            edge.since(start).min(mss)
        } else if start == una {
            // The window was taken back: what leaves is a probe of it.
            mss
        } else {
            return None;
        };
        self.fit(sender, index, start, most);
        let mut copy = copy_of(start, &sender.board.queue[index]);
        if self.goes_joined(sender, index) {
            copy.flags = copy.flags | Flags::PSH;
        }
        sender.count_copy(index, copy.len, now.as_nanos());
        if index == 0 && sender.pending != Pending::Reordering {
            sender.pending = Pending::Timeout;
            let rto = self.backed_off_rto();
            self.arm_retransmission(now, rto);
        }
        self.rtt.timed_at = 0;
        Some(copy)
    }

    /// Counts the copies that leave in one packet, as the originals did; `true` at the last of several.
    fn goes_joined(&self, sender: &mut Sender, index: usize) -> bool {
        let least = u32::from(self.profile.burst_segments);
        if least == 0 {
            return false;
        }
        if sender.copies == 0 || !sender.board.queue[index].marks.has(Marks::JOINED) {
            let most = self.burst_size(sender, least).min(sender.room());
            let with = |sent: &&super::scoreboard::Sent| {
                sent.marks.has(Marks::JOINED) && sent.marks.has(Marks::LOST) && !sent.marks.has(Marks::RESENT)
            };
            let more = sender.board.queue.iter().skip(index + 1).take(most.saturating_sub(1) as usize).take_while(with).count();
            sender.board.queue[index].marks.remove(Marks::JOINED);
            sender.copies = u8::try_from(more + 1).unwrap_or(u8::MAX);
            sender.copies_push = more > 0;
        }
        sender.copies -= 1;
        if sender.copies == 0
            && let Some(next) = sender.board.queue.get_mut(index + 1)
        {
            next.marks.remove(Marks::JOINED);
        }
        sender.copies == 0 && sender.copies_push
    }

    /// A copy is a full segment where it can be: what is too long is cut, what is short takes along what stands behind it.
    fn fit(&self, sender: &mut Sender, index: usize, start: Seq, most: u32) {
        let sent = sender.board.queue[index];
        let text = sent.end.since(start) - u32::from(sent.marks.has(Marks::FIN));
        if text > most {
            sender.board.split(index, start.plus(most));
            return;
        }
        if index > 0 && sent.marks.has(Marks::JOINED) {
            // The end of a packet of several is as long as it was.
            return;
        }
        let mut left = most - text;
        while let Some(&next) = sender.board.queue.get(index + 1) {
            let more = next.len() - u32::from(next.marks.has(Marks::FIN));
            let apart = next.marks.has(Marks::SACKED) || next.marks.has(Marks::JOINED) || self.record_ending(next.start).is_some();
            if left == 0 || apart || more > left || sender.board.queue[index].marks.has(Marks::FIN) {
                break;
            }
            left -= more;
            sender.board.uncount(&next, true);
            sender.board.queue.remove(index + 1);
            let front = &mut sender.board.queue[index];
            front.end = next.end;
            for mark in [Marks::FIN, Marks::PUSH, Marks::EVER_RESENT] {
                front.marks = front.marks.with(mark, next.marks.has(mark));
            }
        }
    }

    /// The peer's window is open again: what lay beyond it was not taken.
    #[cold]
    pub(in crate::engine) fn resend_behind_window(&mut self) {
        let only_probe = self.text_in_flight() <= 1;
        let Some(sender) = &mut self.sender else { return };
        if only_probe {
            sender.board = Scoreboard::default();
            return;
        }
        for index in 0..sender.board.queue.len() {
            sender.board.lose(index);
        }
    }
}

/// A segment as it leaves again, from `start` on.
fn copy_of(start: Seq, sent: &super::scoreboard::Sent) -> Copy {
    let fin = sent.marks.has(Marks::FIN);
    let len = sent.end.since(start) - u32::from(fin);
    let mut flags = Flags::ACK;
    if sent.marks.has(Marks::PUSH) {
        flags = flags | Flags::PSH;
    }
    if fin {
        flags = flags | Flags::FIN;
    }
    Copy { seq: start, len, flags }
}
