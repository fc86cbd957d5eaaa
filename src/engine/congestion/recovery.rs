//! From the first sign of a loss to its end, or to the insight that there was none: the states of
//! [`CongestionState`], proportional rate reduction (RFC 6937), F-RTO (RFC 5682) and undo (RFC 3522, RFC 3708).

use super::arriving::Heard;
use super::scoreboard::Marks;
use super::{CongestionState, Sender};
use crate::engine::profile::Profile;
use crate::engine::state::{Signal, State};
use crate::engine::tcb::Connection;
use crate::engine::time::Instant;

/// What may leave after an ACK, before new text.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Resend {
    /// Nothing.
    Nothing,
    /// What counts as lost.
    Lost,
    /// New text, if there is any: F-RTO wants to hear what becomes of it.
    New,
}

impl Sender {
    /// The window is to come down to the new threshold in the course of a round trip (`tcp_init_cwnd_reduction`).
    fn begin_reduction(&mut self, profile: &Profile, nxt: super::Seq) {
        self.high = nxt;
        self.probe_high = None;
        self.grown = 0;
        self.prior_cwnd = self.cwnd;
        self.prr_delivered = 0;
        self.prr_out = 0;
        self.ssthresh = self.reduced(profile);
    }

    /// So many segments were delivered: how many may leave for them (RFC 6937 section 3, `tcp_cwnd_reduction`).
    pub(super) fn reduce(&mut self, delivered: u32, lost_more: bool, advanced: bool) {
        if delivered == 0 {
            return;
        }
        let in_flight = self.board.in_flight();
        self.prr_delivered += delivered;
        let spared = self.prr_delivered.saturating_sub(self.prr_out);
        let may_leave = if in_flight > self.ssthresh {
            let share = (u64::from(self.ssthresh) * u64::from(self.prr_delivered)).div_ceil(self.prior_cwnd.into());
            u32::try_from(share).unwrap_or(u32::MAX).saturating_sub(self.prr_out)
        } else {
            let grows = advanced && !lost_more;
            (spared.max(delivered) + u32::from(grows)).min(self.ssthresh - in_flight)
        };
        // The first copy leaves at once.
        let may_leave = may_leave.max(u32::from(self.prr_out == 0));
        self.cwnd = in_flight + may_leave;
    }

    /// The reduction is over (`tcp_end_cwnd_reduction`).
    fn end_reduction(&mut self, now: u64) {
        if self.state == CongestionState::Cwr || self.undo_marker.is_some() {
            self.cwnd = self.ssthresh;
            self.used_at = now;
        }
    }

    fn begin_undo(&mut self, una: super::Seq) {
        self.undo_marker = Some(una);
        let probe = u32::from(self.probe_high.is_some() && self.probe_copied);
        let copies = self.board.resent + probe;
        self.undo_resent = (copies > 0).then_some(copies);
    }

    /// Everything that was sent again arrived twice, as D-SACKs say.
    fn all_copies_were_needless(&self) -> bool {
        self.undo_marker.is_some() && self.undo_resent == Some(0)
    }

    /// Window and threshold are what they were (`tcp_undo_cwnd_reduction`).
    fn undo(&mut self, forgive: bool, now: u64) {
        if forgive {
            self.board.forgive();
        }
        if self.prior_ssthresh != 0 {
            self.cwnd = self.cwnd.max(self.prior_cwnd);
            self.ssthresh = self.ssthresh.max(self.prior_ssthresh);
        }
        self.used_at = now;
        self.undo_marker = None;
        self.rack.advanced = true;
    }

    /// OPEN, or DISORDER while something is out of order (`tcp_try_keep_open`).
    fn keep_open(&mut self, nxt: super::Seq) {
        let disorder = self.board.sacked + self.board.lost > 0 || self.board.any_resent();
        let state = if disorder { CongestionState::Disorder } else { CongestionState::Open };
        if self.state != state {
            self.state = state;
            self.high = nxt;
        }
    }
}

impl Connection {
    /// What the next new text says of a window that came down (RFC 3168).
    fn tell_reduction(&mut self) {
        if self.ecn.is_some() {
            self.promise_cwr();
        }
    }

    pub(super) fn enter_recovery(&mut self, sender: &mut Sender, ece: bool) {
        if !sender.board.any_resent() {
            sender.resent_at = 0;
        }
        sender.prior_ssthresh = 0;
        sender.begin_undo(self.snd.una);
        if !sender.is_reducing() {
            if !ece {
                sender.prior_ssthresh = sender.present_threshold();
            }
            sender.begin_reduction(&self.profile, self.snd.nxt);
            self.tell_reduction();
        }
        sender.state = CongestionState::Recovery;
    }

    /// Segments under way that are longer than this are lost, though not for congestion: they leave again, and the window
    /// stays (`tcp_simple_retransmit`).
    #[cold]
    pub(in crate::engine) fn lose_longer_than(&mut self, most: u32, now: Instant) {
        let Some(mut sender) = self.sender.take() else { return };
        self.lose_longer(&mut sender, most, now);
        self.sender = Some(sender);
    }

    /// Text of our SYN was not taken, though for no congestion: it is lost, and the window stays.
    #[cold]
    pub(in crate::engine) fn lose_syn_text(&mut self, now: Instant) {
        self.bits.set_first_pushed(self.snd.unsent == 0);
        self.list_under_way(now);
        let Some(mut sender) = self.sender.take() else { return };
        for index in 0..sender.board.queue.len() {
            sender.board.lose(index);
        }
        self.lose_longer(&mut sender, self.effective_mss().into(), now);
        self.sender = Some(sender);
    }

    pub(super) fn lose_longer(&mut self, sender: &mut Sender, most: u32, now: Instant) {
        let nxt = self.snd.nxt;
        sender.board.cut_anew(most);
        if sender.board.lost == 0 {
            return;
        }
        if sender.state != CongestionState::Loss {
            sender.high = nxt;
            sender.ssthresh = sender.present_threshold();
            sender.prior_ssthresh = 0;
            sender.undo_marker = None;
            sender.state = CongestionState::Loss;
            sender.cubic.reset(nxt, now.as_nanos());
        }
        self.bits.set_front_due(true);
    }

    /// The network has told of congestion, and nothing was lost (`tcp_enter_cwr`).
    fn enter_cwr(&mut self, sender: &mut Sender) {
        sender.prior_ssthresh = 0;
        if sender.state < CongestionState::Cwr {
            sender.undo_marker = None;
            sender.begin_reduction(&self.profile, self.snd.nxt);
            self.tell_reduction();
            sender.state = CongestionState::Cwr;
        }
    }

    /// Whether the ACK at hand answers what left before the first copy did, as its timestamp says (RFC 3522), or there was none.
    fn is_delayed(&self, sender: &Sender, heard: &Heard) -> bool {
        match (sender.resent_at, heard.echo) {
            // Without SACK it is forgotten at `high`, as the state stays.
            (0, _) => self.bits.sack() || self.snd.una.before(sender.high),
            (first, Some(echo)) => {
                let stamp = self.timestamps_now(Instant::from_nanos(first)).val;
                echo.wrapping_sub(stamp).cast_signed() < 0
            }
            (_, None) => false,
        }
    }

    fn may_undo(&self, sender: &Sender, heard: &Heard) -> bool {
        sender.undo_marker.is_some() && (sender.undo_resent == Some(0) || self.is_delayed(sender, heard))
    }

    /// Without SACK the old state stays until something above `high` is acknowledged (RFC 6582 section 3.2, step 1).
    fn stays_for_new_reno(&self, sender: &mut Sender) -> bool {
        if self.snd.una != sender.high || self.bits.sack() {
            return false;
        }
        if !sender.board.any_resent() {
            sender.resent_at = 0;
        }
        true
    }

    /// All of the episode is acknowledged; says whether its state stays nevertheless (`tcp_try_undo_recovery`).
    fn finish_recovery(&mut self, sender: &mut Sender, heard: &Heard) -> bool {
        if self.may_undo(sender, heard) {
            self.undo_reduction(sender, false, heard.now);
        } else {
            sender.rack.persist = sender.rack.persist.saturating_sub(1);
        }
        if self.stays_for_new_reno(sender) {
            return true;
        }
        sender.state = CongestionState::Open;
        false
    }

    fn undo_reduction(&mut self, sender: &mut Sender, forgive: bool, now: u64) {
        let raises = sender.prior_ssthresh > sender.ssthresh;
        sender.undo(forgive, now);
        if raises && self.ecn.is_some() {
            self.withdraw_cwr();
        }
    }

    fn undo_by_dsack(&mut self, sender: &mut Sender, heard: &Heard) -> bool {
        let undone = sender.all_copies_were_needless();
        if undone {
            sender.rack.persist_longer();
            self.undo_reduction(sender, false, heard.now);
        }
        undone
    }

    /// The time-out was spurious: nothing is lost (`tcp_try_undo_loss`).
    fn undo_loss(&mut self, sender: &mut Sender, by_frto: bool, heard: &Heard) -> bool {
        if !by_frto && !self.may_undo(sender, heard) {
            return false;
        }
        self.undo_reduction(sender, true, heard.now);
        sender.timeouts = 0;
        if self.stays_for_new_reno(sender) {
            return true;
        }
        if by_frto || self.bits.sack() {
            sender.state = CongestionState::Open;
        }
        true
    }

    /// A hole was filled by what came late, not by its copy (`tcp_try_undo_partial`); says whether to wait.
    fn undo_partly(&mut self, sender: &mut Sender, heard: &Heard) -> bool {
        if sender.undo_marker.is_none() || !self.is_delayed(sender, heard) {
            return false;
        }
        let highest = sender.board.highest_sacked(self.snd.una);
        self.note_reordering(sender, heard.una_was, highest);
        if sender.board.resent > 0 {
            return true;
        }
        if !sender.board.any_resent() {
            sender.resent_at = 0;
        }
        self.undo_reduction(sender, true, heard.now);
        sender.keep_open(self.snd.nxt);
        false
    }

    /// The probe of the tail has repaired a loss: the window comes down at once (`tcp_process_tlp_ack`).
    pub(super) fn answer_for_probe(&mut self, sender: &mut Sender, now: u64) {
        sender.begin_reduction(&self.profile, self.snd.nxt);
        self.tell_reduction();
        sender.state = CongestionState::Cwr;
        sender.end_reduction(now);
        sender.keep_open(self.snd.nxt);
    }

    fn try_to_open(&mut self, sender: &mut Sender, heard: &Heard) {
        if !sender.board.any_resent() {
            sender.resent_at = 0;
        }
        if heard.ece {
            self.enter_cwr(sender);
        }
        if sender.state != CongestionState::Cwr {
            sender.keep_open(self.snd.nxt);
        }
    }

    /// What an ACK that is not quite ordinary leads to (`tcp_fastretrans_alert`).
    pub(super) fn judge(&mut self, sender: &mut Sender, heard: &mut Heard, now: Instant) -> Resend {
        if heard.ece {
            sender.prior_ssthresh = 0;
        }
        if heard.reneged && heard.advanced {
            // RFC 2018 section 8: what was SACKed and is not any more is sent again, by the timer soon.
            sender.pending = super::timing::Pending::Timeout;
            self.arm_retransmission(now, (self.rtt.srtt / 2).max(10_000_000));
            heard.rearm = false;
            return Resend::Nothing;
        }
        if sender.state == CongestionState::Open {
            sender.resent_at = 0;
        } else if sender.high.at_or_before(self.snd.una) {
            match sender.state {
                // Something above must be acknowledged, so that CWR has arrived.
                CongestionState::Cwr if self.snd.una != sender.high => {
                    sender.end_reduction(heard.now);
                    sender.state = CongestionState::Open;
                }
                CongestionState::Recovery => {
                    if !self.bits.sack() {
                        sender.board.sacked = 0;
                    }
                    if self.finish_recovery(sender, heard) {
                        return Resend::Nothing;
                    }
                    sender.end_reduction(heard.now);
                }
                CongestionState::Open | CongestionState::Disorder | CongestionState::Cwr | CongestionState::Loss => {}
            }
        }
        match sender.state {
            CongestionState::Recovery => {
                if !heard.advanced {
                    self.count_duplicate(sender, heard);
                } else if self.undo_partly(sender, heard) {
                    return Resend::Nothing;
                }
                if self.undo_by_dsack(sender, heard) {
                    self.try_to_open(sender, heard);
                }
                self.find_losses(sender, heard, now);
                if sender.state != CongestionState::Recovery {
                    if sender.board.lost == 0 {
                        return Resend::Nothing;
                    }
                    self.enter_recovery(sender, heard.ece);
                }
            }
            CongestionState::Loss => {
                let resend = self.go_on_after_timeout(sender, heard);
                if sender.state != CongestionState::Loss {
                    sender.counts.end_timeouts(heard.now);
                }
                self.find_losses(sender, heard, now);
                if sender.state != CongestionState::Open && !heard.copy_lost {
                    return resend;
                }
                return self.judge_calm(sender, heard, now, resend);
            }
            CongestionState::Open | CongestionState::Disorder | CongestionState::Cwr => {
                return self.judge_calm(sender, heard, now, Resend::Nothing);
            }
        }
        Resend::Lost
    }

    /// Outside of an episode: does one begin?
    fn judge_calm(&mut self, sender: &mut Sender, heard: &mut Heard, now: Instant, resend: Resend) -> Resend {
        if !self.bits.sack() && heard.advanced {
            sender.board.sacked = 0;
        }
        self.count_duplicate(sender, heard);
        if sender.state <= CongestionState::Disorder {
            self.undo_by_dsack(sender, heard);
        }
        self.find_losses(sender, heard, now);
        if sender.board.lost == 0 {
            self.try_to_open(sender, heard);
            return resend;
        }
        if sender.path.is_some() && self.loses_path_probe(sender, now) {
            return Resend::Lost;
        }
        self.enter_recovery(sender, heard.ece);
        Resend::Lost
    }

    fn find_losses(&mut self, sender: &mut Sender, heard: &mut Heard, now: Instant) {
        let lost_before = sender.board.lost;
        let (copy_lost, waits) = self.identify_losses(sender, heard.advanced, now);
        heard.copy_lost |= copy_lost;
        heard.rearm &= !waits;
        heard.lost_more |= copy_lost || sender.board.lost > lost_before;
    }

    /// Without SACK a duplicate stands for a segment that arrived (`tcp_add_reno_sack`).
    fn count_duplicate(&mut self, sender: &mut Sender, heard: &mut Heard) {
        if self.bits.sack() || !heard.duplicate {
            return;
        }
        let before = sender.board.sacked;
        sender.board.sacked += 1;
        sender.limit_duplicates(0, &self.profile);
        let counted = sender.board.sacked.saturating_sub(before);
        sender.count_delivered(counted, heard.ece);
    }

    /// An ACK after a time-out (`tcp_process_loss`).
    fn go_on_after_timeout(&mut self, sender: &mut Sender, heard: &mut Heard) -> Resend {
        let recovered = sender.high.at_or_before(self.snd.una);
        if heard.advanced && self.undo_loss(sender, false, heard) {
            return Resend::Nothing;
        }
        if sender.frto {
            // RFC 5682 section 3.1, step 3.b: what never left again has arrived.
            if heard.original_delivered && self.undo_loss(sender, true, heard) {
                return Resend::Nothing;
            }
            if self.snd.nxt.after(sender.high) {
                if heard.sacked_some || heard.duplicate {
                    sender.frto = false;
                }
            } else if heard.advanced && !recovered {
                sender.high = self.snd.nxt;
                // Step 2.b.
                let window = self.snd.una.plus(self.snd.wnd).after(self.snd.nxt);
                if self.snd.unsent > 0 && window {
                    return Resend::New;
                }
                sender.frto = false;
            }
        }
        if recovered {
            self.finish_recovery(sender, heard);
            return Resend::Nothing;
        }
        if !self.bits.sack() {
            if self.snd.nxt.after(sender.high) && heard.duplicate {
                self.count_duplicate(sender, heard);
            } else if heard.advanced {
                sender.board.sacked = 0;
            }
        }
        Resend::Lost
    }

    /// The retransmission timeout (`tcp_retransmit_timer`, `tcp_enter_loss`).
    // R6298-13, R6298-14, R6298-15.
    pub(super) fn time_out(&mut self, sender: &mut Sender, now: Instant) {
        self.suspect_black_hole(sender, now);
        self.enter_loss(sender, now);
        sender.counts.note_timeout(now.as_nanos(), sender.timeouts == 0);
        sender.timeouts = sender.timeouts.saturating_add(1);
        self.backoff = if self.profile.thin_linear_timeouts && self.is_thin(sender) { 0 } else { self.backoff.saturating_add(1) };
        // MUST-20, SHLD-9.
        if sender.timeouts == self.profile.r1 {
            self.tell(Signal::Unresponsive);
        }
        // Karn (MUST-18).
        self.rtt.timed_at = 0;
        sender.front_due = true;
        self.bits.set_front_due(true);
        sender.pending = super::timing::Pending::Timeout;
        self.start_retransmission(now);
    }

    /// Whether so little is under way that time-outs need not double yet (`tcp_stream_is_thin`).
    #[cold]
    fn is_thin(&self, sender: &Sender) -> bool {
        /// Segments, and time-outs (TCP_THIN_LINEAR_RETRIES).
        const SEGMENTS: u32 = 4;
        const TIMEOUTS: u8 = 6;
        self.state == State::Established && sender.board.out() < SEGMENTS && sender.timeouts <= TIMEOUTS
    }

    fn enter_loss(&mut self, sender: &mut Sender, now: Instant) {
        let fresh = sender.state < CongestionState::Recovery;
        let calm = sender.state <= CongestionState::Disorder;
        let duplicates = sender.board.sacked;
        self.mark_all_lost(sender, now);
        if calm || !sender.high.after(self.snd.una) || (sender.state == CongestionState::Loss && sender.timeouts == 0) {
            sender.prior_ssthresh = sender.present_threshold();
            sender.prior_cwnd = sender.cwnd;
            sender.ssthresh = sender.reduced(&self.profile);
            sender.begin_undo(self.snd.una);
        }
        sender.cwnd = sender.board.in_flight() + 1;
        sender.grown = 0;
        sender.used_at = now.as_nanos();
        let usual = u32::from(self.profile.reordering);
        if calm && duplicates >= usual {
            sender.reordering = sender.reordering.min(usual);
        }
        sender.state = CongestionState::Loss;
        sender.high = self.snd.nxt;
        sender.probe_high = None;
        sender.probe_due = false;
        sender.cubic.reset(self.snd.nxt, now.as_nanos());
        self.tell_reduction();
        sender.frto = self.profile.frto && (fresh || sender.timeouts > 0);
    }

    /// Everything but what left lately counts as lost (`tcp_timeout_mark_lost`).
    fn mark_all_lost(&mut self, sender: &mut Sender, now: Instant) {
        let board = &mut sender.board;
        let reneged = self.bits.sack() && board.queue.front().is_some_and(|sent| sent.marks.has(Marks::SACKED));
        if reneged || !self.bits.sack() {
            board.sacked = 0;
        }
        // The front is lost in any case, and so is what left in one packet with it.
        let mut front = true;
        for index in 0..sender.board.queue.len() {
            let sent = sender.board.queue[index];
            front &= index == 0 || sent.marks.has(Marks::JOINED);
            if reneged {
                sender.board.queue[index].marks.remove(Marks::SACKED);
            } else if !front && self.bits.sack() && !sender.is_late(&sent, now.as_nanos()) {
                continue;
            }
            sender.board.lose(index);
        }
    }
}
