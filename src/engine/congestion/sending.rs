//! What may leave, and what left: new text within the congestion window, copies of what was lost, the probe of the tail.

use super::scoreboard::{Marks, Scoreboard};
use super::timing::Pending;
use super::{Sender, Seq};
use crate::engine::segment::Flags;
use crate::engine::tcb::{Connection, Origin};
use crate::engine::time::Instant;

/// Numbers that leave once more.
#[derive(Clone, Copy)]
pub(in crate::engine) struct Copy {
    pub seq: Seq,
    pub len: u32,
    pub flags: Flags,
}

/// No packet of several segments is larger (`sk_gso_max_size`).
pub(super) const LARGEST_BURST: u64 = 65_535;

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
        if sender.board.queue.is_empty() {
            sender.restart(&self.profile, rto, now.as_nanos());
        }
        if sender.counts.busy_since == 0 {
            sender.counts.busy_since = now.as_nanos().max(1);
        }
        let probes = sender.probe_due && !sender.probe_copied;
        let path = sender.path.is_some();
        if path && !probes && self.prefers_path_probe(now) {
            return false;
        }
        let Some(sender) = &mut self.sender else { return true };
        let room = probes || sender.room() > 0;
        if room && !probes && self.waits_for_more(now) {
            // What has left before counts all the same.
            self.validate_window(now);
            return false;
        }
        let Some(sender) = &mut self.sender else { return true };
        if !room {
            sender.burst = 0;
            self.validate_window(now);
        }
        room
    }

    /// Whether a part of what waits is kept back, as the next ACK will soon let more of it leave in one packet (`tcp_tso_should_defer`).
    fn waits_for_more(&mut self, now: Instant) -> bool {
        /// Of the window so much is worth a packet (`tcp_tso_win_divisor`).
        const SHARE: u64 = 3;
        const RECENT: u64 = 1_000_000;
        let least = u32::from(self.profile.burst_segments);
        let mss = u64::from(self.effective_mss());
        let Some(sender) = &self.sender else { return false };
        if least == 0 || sender.burst > 0 || sender.state >= super::CongestionState::Recovery {
            return false;
        }
        let Some(front) = sender.board.queue.front() else { return false };
        let unsent = u64::from(self.snd.unsent.min(self.record_room(self.snd.nxt)));
        let usable = self.snd.una.plus(self.snd.wnd).since(self.snd.nxt).cast_signed().max(0);
        let (by_peer, by_path) = (u64::from(usable.cast_unsigned()), u64::from(sender.room()) * mss);
        let limit = by_peer.min(by_path);
        let window = u64::from(self.snd.wnd).min(u64::from(sender.cwnd) * mss);
        let nanos = now.as_nanos();
        let worth = unsent <= mss
            || nanos.saturating_sub(sender.sent_at) > RECENT
            || limit >= mss * u64::from(self.burst_size(sender, least))
            || limit >= window / SHARE
            || (front.at + self.rtt.srtt).saturating_sub(nanos) > (self.rtt.srtt / 2).min(RECENT);
        let waits = !worth && if by_path < by_peer { by_path <= unsent } else { by_peer <= unsent };
        if waits && by_path < by_peer {
            let (una, nxt, rto) = (self.snd.una, self.snd.nxt, self.backed_off_rto());
            if let Some(sender) = &mut self.sender {
                sender.validate(&self.profile, una, nxt, rto, nanos);
                sender.limited = true;
                sender.used_at = nanos;
            }
        }
        waits
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
            sender.validate(&self.profile, una, nxt, rto, now.as_nanos());
        }
    }

    /// New text has left: it stands on the scoreboard, and its timer runs. Says whether it ends a packet of several
    /// segments, which Linux pushes.
    #[inline(never)]
    pub(in crate::engine) fn note_new(&mut self, seq: Seq, len: u32, flags: Flags, now: Instant) -> bool {
        let Some(mut sender) = self.sender.take() else { return false };
        let nanos = now.as_nanos();
        let ends_burst = self.goes_in_burst(&mut sender, len);
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
            .with(Marks::JOINED, sender.burst_joins);
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
        ends_burst
    }

    /// The timeout that runs becomes a probe, where one may leave before.
    fn probe_instead(&mut self, sender: &mut Sender, now: Instant) {
        let calm = matches!(sender.state, super::CongestionState::Open | super::CongestionState::Cwr);
        if calm {
            self.start_sender_timer(sender, false, now);
        }
    }

    /// Counts the segments of a packet that is cut on its way (TSO, `tcp_write_xmit`); `true` at the last of several.
    pub(super) fn goes_in_burst(&self, sender: &mut Sender, len: u32) -> bool {
        let least = u32::from(self.profile.burst_segments);
        let mss = u32::from(self.effective_mss());
        // A probe of tail or path is alone.
        if least == 0 || sender.probe_due || len > mss {
            sender.burst_joins = false;
            return false;
        }
        if sender.burst == 0 {
            // What it takes along beside the segment that has just been cut.
            let usable = self.snd.una.plus(self.snd.wnd).since(self.snd.nxt).cast_signed().max(0).cast_unsigned();
            let left = self.snd.unsent.min(self.record_left(self.snd.nxt));
            let rest = left.min(usable);
            let whole = rest / mss + u32::from(rest > 0 && rest == left && !rest.is_multiple_of(mss));
            let room = sender.room().min((sender.cwnd / 2).max(1));
            let most = self.burst_size(sender, least).min(room);
            let segments = if len < mss { 1 } else { (whole + 1).min(most.max(1)) };
            sender.burst = u8::try_from(segments).unwrap_or(u8::MAX);
            sender.burst_pushes = segments > 1;
            sender.burst_joins = false;
        } else {
            sender.burst_joins = true;
        }
        sender.burst -= 1;
        sender.burst == 0 && sender.burst_pushes
    }

    /// How many segments go into one packet, by the rate at which they leave (`tcp_tso_autosize`).
    fn burst_size(&self, sender: &Sender, least: u32) -> u32 {
        let mss = u64::from(self.effective_mss());
        // A millisecond's worth, and more on a short path.
        let rate = self.pacing_rate(sender);
        let bonus = LARGEST_BURST.checked_shr(u32::try_from(sender.min_rtt / 512_000).unwrap_or(u32::MAX)).unwrap_or(0);
        let octets = (rate / 1024).saturating_add(bonus).min(LARGEST_BURST);
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
        let mut index = sender.board.queue.len().checked_sub(1)?;
        let mss = u32::from(self.effective_mss());
        let last = sender.board.queue[index];
        // What was acknowledged of it is gone.
        let mut start = last.start.later_of(self.snd.una);
        let text = last.end.since(start) - u32::from(last.marks.has(Marks::FIN));
        if text > mss {
            start = start.plus((text - 1) / mss * mss);
            sender.board.split(index, start);
            index += 1;
        }
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
        let index = if std::mem::take(&mut sender.front_due) && !sender.board.queue.is_empty() {
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
