//! Losses told by time: RACK (RFC 8985), the probe of the tail, and the retransmission timer.

use super::scoreboard::{Marks, Sent};
use super::{CongestionState, Sender, Seq};
use crate::engine::profile::{LossDetection, Profile};
use crate::engine::seq::{Ours, SeqNumber};
use crate::engine::tcb::Connection;
use crate::engine::time::{Instant, Timer, nanos};

/// What the retransmission timer is running for.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) enum Pending {
    /// The retransmission timeout.
    Timeout,
    /// The probe of the tail (RFC 8985 section 7).
    Probe,
    /// The moment when what was overtaken counts as lost (RFC 8985 section 6.3).
    Reordering,
}

/// No timer of a lost segment is shorter (TCP_TIMEOUT_MIN_US).
const LEAST: u64 = 2_000_000;
/// What Linux rounds such a time up to: its timer tick, HZ=250.
const TICK: u64 = 4_000_000;

/// What the segment delivered last, in the order of leaving, tells (RFC 8985 section 5.2).
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(super) struct Rack {
    /// When it left, and the number behind it.
    at: u64,
    end: Seq,
    /// How long its round trip was; 0 before there was one.
    rtt: u64,
    /// It was not looked at yet what that means for others.
    pub advanced: bool,
    /// Quarters of the shortest round trip that reordering may take.
    steps: u8,
    /// Recoveries for which `steps` stays.
    pub persist: u8,
    /// A D-SACK came since `adjusted`, a round trip ago at least.
    pub dsack_seen: bool,
    /// When `steps` became more last, in nanoseconds.
    adjusted: u64,
}

/// Recoveries after which a wider reordering window is forgotten.
pub(super) const PERSISTENCE: u8 = 16;

impl Rack {
    pub(super) const fn new(una: SeqNumber<Ours>) -> Self {
        Self { at: 0, end: una, rtt: 0, advanced: false, steps: 1, persist: 0, dsack_seen: false, adjusted: 0 }
    }

    /// A recovery was undone: what was learned of reordering holds for one more.
    pub(super) fn persist_longer(&mut self) {
        self.persist = (self.persist + 1).min(PERSISTENCE);
    }

    /// When the one that left last of all delivered did.
    pub(super) const fn latest(&self) -> u64 {
        self.at
    }

    /// Whether a segment left before the one that was delivered last.
    const fn overtook(&self, sent: &Sent) -> bool {
        self.at > sent.at || (self.at == sent.at && self.end.after(sent.end))
    }
}

impl Sender {
    /// A segment was delivered: it may be the one that left last of all delivered.
    pub(super) fn advance_rack(&mut self, sent: &Sent, now: u64) {
        let rtt = now.saturating_sub(sent.at);
        // Sooner than any round trip: it was the first copy that arrived.
        if rtt < self.min_rtt && sent.marks.has(Marks::EVER_RESENT) {
            return;
        }
        let rack = &mut self.rack;
        rack.advanced = true;
        rack.rtt = rtt;
        if sent.at > rack.at || (sent.at == rack.at && sent.end.after(rack.end)) {
            rack.at = sent.at;
            rack.end = sent.end;
        }
    }

    /// How late an overtaken segment may be (`tcp_rack_reo_wnd`).
    fn reordering_window(&self, profile: &Profile, srtt: u64) -> u64 {
        let many = profile.rack_dupthresh && self.board.sacked >= self.reordering;
        let suspicious = self.state >= CongestionState::Recovery || many;
        if self.reord_seen == 0 && suspicious {
            return 0;
        }
        // A round trip takes time everywhere but on a network of which a script says that nothing passes.
        (self.min_rtt / 4 * u64::from(self.rack.steps)).min(srtt).max(1)
    }

    /// How long a segment may still be on its way, at least, beyond `window`: 0 if it is late.
    fn left_to_wait(&self, sent: &Sent, window: u64, now: u64) -> u64 {
        (sent.at + self.rack.rtt + window).saturating_sub(now)
    }

    /// Whether the front may count as lost at a time-out: what left lately may not.
    pub(super) fn is_late(&self, sent: &Sent, now: u64) -> bool {
        self.left_to_wait(sent, 0, now) == 0
    }

    /// Marks what was overtaken too long ago as lost; says how long the rest may still take, 0 if there is none.
    fn detect_losses(&mut self, profile: &Profile, srtt: u64, now: u64) -> u64 {
        let window = self.reordering_window(profile, srtt);
        let mut wait = 0;
        for index in 0..self.board.queue.len() {
            let sent = self.board.queue[index];
            let told = sent.marks.has(Marks::SACKED) || sent.marks.has(Marks::SETTLED);
            let settled = told || (sent.marks.has(Marks::LOST) && !sent.marks.has(Marks::RESENT));
            if settled || !self.rack.overtook(&sent) {
                continue;
            }
            match self.left_to_wait(&sent, window, now) {
                0 => {
                    self.board.lose(index);
                    // An undo takes back that it is lost, and not this.
                    self.board.queue[index].marks.add(Marks::SETTLED);
                }
                left => wait = left.max(wait),
            }
        }
        wait
    }

    /// Without RACK: lost is what three SACKed segments lie above (RFC 6675 section 4, `IsLost`).
    fn count_losses(&mut self) {
        let mut above = 0;
        for index in (0..self.board.queue.len()).rev() {
            let marks = self.board.queue[index].marks;
            if marks.has(Marks::SACKED) {
                above += 1;
            } else if above >= self.reordering && !marks.has(Marks::LOST) {
                self.board.lose(index);
            }
        }
    }

    /// D-SACKs after reordering widen the window of reordering (`tcp_rack_update_reo_wnd`).
    ///
    /// `newest` is when what the ACK at hand delivers left last; one that delivers nothing leaves it to the next.
    pub(super) fn widen_reordering_window(&mut self, newest: Option<u64>, now: u64) {
        let Some(newest) = newest else { return };
        let rack = &mut self.rack;
        // Not twice in a round trip.
        if newest < rack.adjusted {
            rack.dsack_seen = false;
        }
        if rack.dsack_seen {
            rack.steps = rack.steps.saturating_add(1);
            rack.dsack_seen = false;
            rack.adjusted = now;
            rack.persist = PERSISTENCE;
        } else if rack.persist == 0 {
            rack.steps = 1;
        }
    }
}

impl Connection {
    /// Whether the tail is probed before the retransmission timer expires.
    pub(in crate::engine) fn probes_tail(&self) -> bool {
        self.profile.tail_loss_probe && self.bits.sack()
    }

    /// After how long the tail is probed (`tcp_schedule_loss_probe`), in nanoseconds.
    fn probe_delay(&self, out: u32) -> u64 {
        if self.rtt.srtt == 0 {
            return nanos(self.profile.rto_initial);
        }
        // One segment alone may wait for a delayed ACK.
        let spare = if out == 1 { u64::from(self.rtt.rto_min) * 1000 } else { LEAST };
        self.rtt.srtt.saturating_mul(2).saturating_add(spare)
    }

    /// As [`start_retransmission`](Self::start_retransmission) of the only segment under way, which is probed first; a closed
    /// window has probes of its own.
    #[inline]
    pub(in crate::engine) fn probe_of_one(&self, rto: u64) -> u64 {
        // Most have no tail to probe.
        let probes = self.probes_tail() && self.has_congestion_control() && !self.bits.probing();
        if probes { rto.min(self.probe_delay(1)) } else { rto }
    }

    /// The timer for what is under way: a probe where there may be one, else the timeout.
    pub(super) fn start_sender_timer(&mut self, sender: &mut Sender, advancing: bool, now: Instant) {
        let out = sender.board.out();
        let calm = matches!(sender.state, CongestionState::Open | CongestionState::Cwr);
        if out == 0 || !self.probes_tail() || !calm {
            self.rearm_timeout(sender, now);
            return;
        }
        let rto = if advancing { self.backed_off_rto() } else { self.timeout_left(sender, now) };
        let delay = self.probe_delay(out);
        let delay = if rto > 0 { delay.min(rto) } else { delay };
        sender.pending = Pending::Probe;
        self.arm_retransmission(now, delay);
    }

    /// What is left of the timeout that began when the front left last; 0 if that is over.
    fn timeout_left(&self, sender: &Sender, now: Instant) -> u64 {
        let began = sender.board.queue.front().map_or(now.as_nanos(), |sent| sent.at);
        began.saturating_add(self.backed_off_rto()).saturating_sub(now.as_nanos())
    }

    /// The retransmission timeout, from now or, where another timer ran, from when the front left.
    pub(super) fn rearm_timeout(&mut self, sender: &mut Sender, now: Instant) {
        if sender.board.queue.is_empty() {
            sender.pending = Pending::Timeout;
            self.deadlines.stop(Timer::Retransmission);
            return;
        }
        let rto = match sender.pending {
            Pending::Timeout => self.backed_off_rto(),
            Pending::Probe | Pending::Reordering => self.timeout_left(sender, now).max(1),
        };
        sender.pending = Pending::Timeout;
        self.arm_retransmission(now, rto);
    }

    /// What counts as lost now (`tcp_identify_packet_loss`). Says whether a copy that was under way turned out to be lost,
    /// and whether the timer for overtaken segments has been started.
    pub(super) fn identify_losses(&mut self, sender: &mut Sender, advanced: bool, now: Instant) -> (bool, bool) {
        if sender.board.queue.is_empty() {
            return (false, false);
        }
        let copies = sender.board.resent;
        let mut waits = false;
        if !self.bits.sack() {
            let lost = match sender.state {
                CongestionState::Open | CongestionState::Disorder | CongestionState::Cwr => sender.board.sacked >= sender.reordering,
                CongestionState::Recovery => advanced,
                CongestionState::Loss => false,
            };
            if lost && !sender.board.queue[0].marks.has(Marks::LOST) {
                sender.board.lose(0);
            }
        } else if self.profile.loss_detection == LossDetection::Dupacks {
            sender.count_losses();
        } else if std::mem::take(&mut sender.rack.advanced) {
            let wait = sender.detect_losses(&self.profile, self.rtt.srtt, now.as_nanos());
            if wait > 0 {
                waits = true;
                sender.pending = Pending::Reordering;
                self.arm_retransmission(now, (wait + LEAST).next_multiple_of(TICK));
            }
        }
        (copies > sender.board.resent, waits)
    }

    /// The retransmission timer has expired, whatever it was running for.
    #[cold]
    pub(in crate::engine) fn expire(&mut self, now: Instant) {
        let Some(mut sender) = self.sender.take() else { return };
        match sender.pending {
            Pending::Timeout => self.time_out(&mut sender, now),
            Pending::Probe => self.probe_tail(&mut sender, now),
            Pending::Reordering => self.settle_reordering(&mut sender, now),
        }
        self.sender = Some(sender);
    }

    /// What was overtaken has had its time (`tcp_rack_reo_timeout`).
    fn settle_reordering(&mut self, sender: &mut Sender, now: Instant) {
        let before = sender.board.in_flight();
        sender.detect_losses(&self.profile, self.rtt.srtt, now.as_nanos());
        if sender.board.in_flight() != before {
            if sender.state != CongestionState::Recovery {
                self.enter_recovery(sender, false);
                sender.reduce(1, true, false);
            }
            self.bits.set_front_due(true);
        }
        self.rearm_timeout(sender, now);
    }

    /// New text leaves, whatever the window of congestion says, or the last segment once more (`tcp_send_loss_probe`).
    fn probe_tail(&mut self, sender: &mut Sender, now: Instant) {
        if sender.probe_high.is_none() {
            let usable = self.snd.una.plus(self.snd.wnd).since(self.snd.nxt).cast_signed();
            let text = self.snd.unsent.min(u32::from(self.effective_mss()));
            // A FIN alone has a number, too.
            let next = text.max(self.bits.fin_due().into());
            let fits = (1..=usable).contains(&next.cast_signed());
            // What leaves is chosen when it is asked for.
            sender.probe_due = true;
            sender.probe_copied = !fits;
            if !fits {
                self.bits.set_front_due(true);
            }
            sender.pending = Pending::Timeout;
        }
        self.rearm_timeout(sender, now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sender() -> Sender {
        Sender::new(&Profile::linux(), Seq::new(1))
    }

    #[test]
    fn the_reordering_window_widens_once_a_round_trip() {
        // tcp_rack_update_reo_wnd: (when what was delivered left, quarters of a round trip afterwards).
        let mut sender = sender();
        for (newest, now, steps) in
            [(Some(7), 100, 2), (Some(99), 150, 2), (None, 150, 2), (Some(100), 200, 3), (Some(150), 250, 3), (Some(201), 300, 4)]
        {
            sender.rack.dsack_seen = true;
            sender.widen_reordering_window(newest, now);
            assert_eq!((sender.rack.steps, sender.rack.dsack_seen), (steps, newest.is_none()), "{newest:?} at {now}");
        }
    }

    #[test]
    fn what_an_undone_recovery_has_taught_holds_longer() {
        let mut rack = Rack::new(Seq::new(1));
        for (persist, after) in [(0, 1), (14, 15), (15, 16), (16, 16)] {
            rack.persist = persist;
            rack.persist_longer();
            assert_eq!(rack.persist, after);
        }
    }

    #[test]
    fn a_copy_that_is_answered_sooner_than_any_segment_was_needless() {
        // RFC 8985 section 6.2, step 2.
        for (now, at) in [(1099, 0), (1100, 1000)] {
            let mut sender = sender();
            sender.min_rtt = 100;
            let copy = Sent { start: Seq::new(1), end: Seq::new(101), at: 1000, marks: Marks::EVER_RESENT };
            sender.advance_rack(&copy, now);
            assert_eq!((sender.rack.at, sender.rack.advanced), (at, at > 0), "at {now}");
        }
    }
}
