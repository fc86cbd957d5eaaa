//! What an ACK says of what is under way: SACK and D-SACK blocks, what is acknowledged, and what follows (`tcp_ack`).

use super::recovery::Resend;
use super::scoreboard::Marks;
use super::{CongestionState, Sender, Seq};
use crate::engine::profile::{CongestionControl, Profile};
use crate::engine::segment::{Flags, Segment};
use crate::engine::seq::Theirs;
use crate::engine::tcb::Connection;
use crate::engine::time::{Instant, Timer};

/// The variables before an ACK was taken.
#[derive(Clone, Copy)]
pub(in crate::engine) struct Before {
    pub(super) una: Seq,
    pub(super) wnd: u32,
    wl1: crate::engine::seq::SeqNumber<Theirs>,
    /// Something was under way.
    outstanding: bool,
}

/// When the first and the last of what was delivered had left.
#[derive(Clone, Copy)]
pub(super) struct Left {
    first: u64,
    last: u64,
}

impl Left {
    pub(super) fn note(left: &mut Option<Self>, at: u64) {
        left.get_or_insert(Self { first: at, last: at }).last = at;
    }
}

/// What one ACK has told.
pub(super) struct Heard {
    pub now: u64,
    pub una_was: Seq,
    /// SND.UNA advanced.
    pub advanced: bool,
    /// It says nothing new: what it answers arrived out of order.
    pub duplicate: bool,
    pub ece: bool,
    /// TSecr, if timestamps are in use.
    pub echo: Option<u32>,
    /// When what was delivered left last, in nanoseconds.
    pub newest: Option<u64>,
    /// A SACK block covers what none covered before.
    pub sacked_some: bool,
    /// Text was acknowledged.
    pub acked_some: bool,
    /// A D-SACK names what left twice.
    pub dsacked: bool,
    /// That is the probe of the tail.
    pub dsacked_probe: bool,
    /// Of what never left again something was delivered that lies below `high`.
    pub original_delivered: bool,
    /// The front was SACKed, and yet is not acknowledged.
    pub reneged: bool,
    /// A copy of what was lost was lost as well.
    pub copy_lost: bool,
    /// More counts as lost than before.
    pub lost_more: bool,
    /// The timer is to be started again.
    pub rearm: bool,
}

impl Sender {
    /// Duplicates stand for no more than may have arrived; where they do, segments were reordered (`tcp_limit_reno_sacked`).
    pub(super) fn limit_duplicates(&mut self, acked: u32, profile: &Profile) {
        let out = self.board.out();
        let holes = self.board.lost.max(1).min(out);
        if self.board.sacked + holes > out {
            self.board.sacked = out - holes;
            self.reordering = (out + acked).min(profile.max_reordering.into()).max(1);
            self.reord_seen += 1;
        }
    }
}

impl Connection {
    /// What has to be known of the time before an ACK.
    pub(in crate::engine) fn before_ack(&self) -> Before {
        Before { una: self.snd.una, wnd: self.snd.wnd, wl1: self.snd.wl1, outstanding: self.snd.una != self.snd.nxt }
    }

    /// An ACK was taken: what it says of congestion, and what leaves for it.
    #[inline(never)]
    pub(in crate::engine) fn heed_ack(&mut self, segment: &Segment<Theirs>, before: Before, ece: bool, now: Instant) {
        let Some(mut sender) = self.sender.take() else { return };
        self.heed(&mut sender, segment, before, ece, now);
        self.sender = Some(sender);
        if self.counts_octets() {
            self.heed_in_octets(segment, before, now);
        }
    }

    fn heed(&mut self, sender: &mut Sender, segment: &Segment<Theirs>, before: Before, ece: bool, now: Instant) {
        let nanos = now.as_nanos();
        let delivered_before = sender.delivered;
        let old = segment.ack.before(before.una);
        let window = segment.window.scaled(self.snd.shift);
        let newer = self.snd.una != before.una
            || before.wl1.before(segment.seq)
            || (before.wl1 == segment.seq && (window > before.wnd || window == 0));
        let mut heard = Heard {
            now: nanos,
            una_was: before.una,
            advanced: self.snd.una != before.una,
            duplicate: false,
            ece,
            echo: segment.options.get_timestamps().filter(|ts| self.bits.timestamps() && ts.ecr != 0).map(|ts| ts.ecr),
            newest: None,
            sacked_some: false,
            acked_some: false,
            dsacked: false,
            dsacked_probe: false,
            original_delivered: false,
            reneged: false,
            copy_lost: false,
            lost_more: false,
            rearm: false,
        };
        sender.counts.ack_at = nanos;
        if sender.path.is_some() {
            self.heed_window_of_path(sender);
        }
        if heard.advanced {
            sender.timeouts = 0;
        }
        let mut sacked = None;
        // What fills a hole came late only where something above it was SACKed before this ACK (`prior_fack`).
        let highest = sender.board.highest_sacked(before.una);
        if self.bits.sack() && !segment.options.is_empty() {
            sacked = self.read_sack(sender, segment, before.una, &mut heard);
        }
        if !before.outstanding {
            if heard.dsacked {
                self.judge(sender, &mut heard, now);
            }
            return;
        }
        if old {
            if heard.sacked_some {
                let resend = self.judge(sender, &mut heard, now);
                self.resend(sender, resend);
            }
            return;
        }
        if heard.advanced {
            self.clean(sender, sacked, highest, &mut heard, now);
            if self.snd.una == self.snd.nxt && self.snd.unsent == 0 {
                sender.counts.rest(nanos);
            }
        } else if let Some(left) = sacked {
            // What left after the front did has arrived: that is no reason to wait longer for the front.
            let front = sender.board.queue.front().map_or(0, |sent| sent.at);
            self.sample_of(sender, left, nanos);
            heard.rearm = left.first < front;
        }
        if self.profile.rack_widens {
            sender.widen_reordering_window(heard.newest, nanos);
        }
        if sender.probe_high.is_some() {
            self.hear_of_probe(sender, segment.ack, newer || segment.len > 0, &heard, nanos);
        }
        let not_dup = segment.len > 0 || newer || heard.acked_some;
        let alert = heard.sacked_some || heard.ece || heard.dsacked;
        let mut resend = Resend::Nothing;
        if !not_dup || alert || sender.state != CongestionState::Open {
            heard.duplicate = !heard.advanced && !not_dup && !heard.dsacked;
            resend = self.judge(sender, &mut heard, now);
        }
        if heard.rearm {
            self.start_sender_timer(sender, true, now);
        }
        let delivered = sender.delivered.wrapping_sub(delivered_before);
        if sender.is_reducing() {
            sender.reduce(delivered, heard.lost_more, heard.advanced);
        } else {
            let reordered = sender.reordering > u32::from(self.profile.reordering);
            if heard.acked_some || (reordered && heard.sacked_some) {
                sender.grow(&self.profile, delivered, nanos);
            }
        }
        self.resend(sender, resend);
    }

    /// What may leave now that windows are known (`tcp_xmit_recovery`).
    fn resend(&mut self, sender: &mut Sender, resend: Resend) {
        match resend {
            Resend::Lost => self.bits.set_front_due(true),
            // New text that the window has no room for tells nothing.
            Resend::New if sender.room() == 0 => {
                sender.frto = false;
                self.bits.set_front_due(true);
            }
            Resend::Nothing | Resend::New => {}
        }
    }

    /// Segments arrived in another order: how far apart they were (`tcp_check_sack_reordering`).
    pub(super) fn note_reordering(&self, sender: &mut Sender, low: Seq, highest: Seq) {
        let mss = u32::from(self.effective_mss());
        if !low.before(highest) {
            return;
        }
        let distance = highest.since(low);
        if distance > sender.reordering.saturating_mul(mss) {
            sender.reordering = distance.div_ceil(mss).min(self.profile.max_reordering.into());
        }
        sender.reord_seen += 1;
    }

    /// What is acknowledged leaves the scoreboard (`tcp_clean_rtx_queue`).
    fn clean(&mut self, sender: &mut Sender, sacked: Option<Left>, highest: Seq, heard: &mut Heard, now: Instant) {
        let (una, nanos, sack) = (self.snd.una, now.as_nanos(), self.bits.sack());
        let (mut acked, mut left, mut copies, mut reordered) = (0_u32, None, false, None);
        while let Some(&sent) = sender.board.queue.front() {
            if una.before(sent.end) {
                heard.reneged = sack && sent.marks.has(Marks::SACKED);
                sender.board.trim_front(una, acked > 0);
                break;
            }
            sender.board.queue.pop_front();
            if sent.marks.has(Marks::EVER_RESENT) {
                copies = true;
            } else if !(sack && sent.marks.has(Marks::SACKED)) {
                Left::note(&mut left, sent.at);
                reordered.get_or_insert(sent.start);
                heard.original_delivered |= sent.end.at_or_before(sender.high);
            }
            if sack && !sent.marks.has(Marks::SACKED) {
                sender.count_delivered(1, heard.ece);
                heard.newest = heard.newest.max(Some(sent.at));
                // Where the echo is older than the copy, it was the first one that arrived.
                let stamp = self.timestamps_now(Instant::from_nanos(sent.at)).val;
                let older = heard.echo.is_some_and(|echo| echo.wrapping_sub(stamp).cast_signed() < 0);
                if !(older && sent.marks.has(Marks::EVER_RESENT)) {
                    sender.advance_rack(&sent, nanos);
                }
            }
            sender.board.uncount(&sent, sack);
            acked += 1;
        }
        if sender.board.queue.is_empty() {
            sender.board.resent = 0;
        }
        heard.acked_some = acked > 0;
        if let Some(left) = left.filter(|_| !copies).or(sacked) {
            // The shortest round trip is that of what left last.
            self.sample_of(sender, Left { last: sacked.unwrap_or(left).last, ..left }, nanos);
        } else if acked > 0
            && let Some(echo) = heard.echo
        {
            let elapsed = self.timestamps_now(now).val.wrapping_sub(echo);
            // As long as 2^31 microseconds is no round trip.
            if elapsed < i32::MAX.cast_unsigned() / 1000 {
                let at = nanos.saturating_sub(u64::from(elapsed.max(1)) * 1_000_000);
                self.sample_of(sender, Left { first: at, last: at }, nanos);
            }
        }
        if acked == 0 {
            // What a closed window kept from being listed was acknowledged: nothing is left to wait for.
            heard.rearm |= heard.advanced && self.snd.una == self.snd.nxt;
            return;
        }
        if sender.path.is_some() {
            self.heed_path_probe(sender);
        }
        heard.rearm = true;
        if sack {
            if let Some(low) = reordered.filter(|low| low.before(highest)) {
                let highest = sender.board.highest_sacked(una);
                self.note_reordering(sender, low, highest);
            }
        } else {
            self.take_duplicates_back(sender, acked, heard);
            if copies {
                heard.original_delivered = false;
            }
        }
    }

    /// Without SACK: one of the acknowledged filled the hole, the others are those duplicates stood for (`tcp_remove_reno_sacks`).
    fn take_duplicates_back(&self, sender: &mut Sender, acked: u32, heard: &Heard) {
        let delivered = acked.saturating_sub(sender.board.sacked).max(1);
        sender.count_delivered(delivered, heard.ece);
        sender.board.sacked = sender.board.sacked.saturating_sub(acked - 1);
        sender.limit_duplicates(acked, &self.profile);
    }

    /// A round trip was measured; only that collapses what time-outs have doubled.
    fn sample_of(&mut self, sender: &mut Sender, left: Left, now: u64) {
        sender.note_round_trip(now.saturating_sub(left.last).max(1));
        if self.profile.congestion_control == CongestionControl::Cubic {
            let rate = self.pacing_rate(sender);
            sender.measure_for_cubic(rate, self.snd.una, self.snd.nxt, left.last, now);
        }
        self.backoff = 0;
        self.sample(now.saturating_sub(left.first).max(1));
    }

    /// The probe of the tail is acknowledged, or answered by a duplicate (`tcp_process_tlp_ack`).
    fn hear_of_probe(&mut self, sender: &mut Sender, ack: Seq, not_dup: bool, heard: &Heard, now: u64) {
        let Some(high) = sender.probe_high else { return };
        if ack.before(high) {
            return;
        }
        if !sender.probe_copied || heard.dsacked_probe {
            sender.probe_high = None;
        } else if ack.after(high) {
            // The probe has repaired a loss, which the window must answer for.
            self.answer_for_probe(sender, now);
        } else if !heard.advanced && !not_dup && !heard.sacked_some {
            sender.probe_high = None;
        }
    }

    /// Whether the ACK that is about to be taken concerns congestion: then there is a scoreboard from now on.
    #[cold]
    pub(in crate::engine) fn notice_duplicate(&mut self, segment: &Segment<Theirs>, now: Instant) {
        let alone = segment.len == 0 && !segment.has(Flags::FIN);
        if alone && self.has_congestion_control() && self.deadlines.is_running(Timer::Retransmission) && !self.bits.probing() {
            self.begin_congestion_control(now);
        }
    }
}
