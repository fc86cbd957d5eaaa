//! The congestion window: slow start, congestion avoidance, and what a window is worth that was not used.

use super::{CongestionState, Sender, Seq};
use crate::engine::profile::{CongestionControl, Profile};

impl Sender {
    /// Whether the window was full since the last time it mattered (`tcp_is_cwnd_limited`).
    const fn is_limited(&self) -> bool {
        // In slow start it may become twice what was used.
        self.limited || (self.cwnd < self.ssthresh && self.cwnd < self.max_out.saturating_mul(2))
    }

    // MUST-19.
    /// So many segments were acknowledged: the window grows (RFC 5681 section 3.1), by as many in slow start.
    pub(super) fn grow(&mut self, profile: &Profile, mut acked: u32, now: u64) {
        self.used_at = now;
        if !self.is_limited() {
            return;
        }
        let grown = self.cwnd.saturating_add(acked).min(self.ssthresh).max(self.cwnd);
        acked -= grown - self.cwnd;
        self.cwnd = grown;
        if acked == 0 {
            return;
        }
        let step = match profile.congestion_control {
            CongestionControl::Cubic => self.cubic.update(self.cwnd, acked, now),
            CongestionControl::Off | CongestionControl::Reno => self.cwnd,
        };
        self.avoid(step, acked);
    }

    /// Congestion avoidance: one segment more for every `step` that are acknowledged (`tcp_cong_avoid_ai`).
    fn avoid(&mut self, step: u32, acked: u32) {
        if self.grown >= step {
            self.grown = 0;
            self.cwnd += 1;
        }
        self.grown = self.grown.saturating_add(acked);
        if self.grown >= step {
            self.cwnd = self.cwnd.saturating_add(self.grown / step);
            self.grown %= step;
        }
    }

    /// What the threshold becomes when congestion is seen at this window.
    pub(super) fn reduced(&mut self, profile: &Profile) -> u32 {
        match profile.congestion_control {
            CongestionControl::Cubic => self.cubic.reduced(self.cwnd),
            CongestionControl::Off | CongestionControl::Reno => (self.cwnd / 2).max(2),
        }
    }

    /// What the threshold should be, by what the path has carried (`tcp_current_ssthresh`).
    pub(super) fn present_threshold(&self) -> u32 {
        let carried = self.cwnd / 2 + self.cwnd / 4;
        if self.is_reducing() { self.ssthresh } else { self.ssthresh.max(carried) }
    }

    /// Something left, or could not: what that says of the use of the window (RFC 2861, `tcp_cwnd_validate`).
    pub(super) fn validate(&mut self, profile: &Profile, una: Seq, nxt: Seq, rto: u64, waits: bool, now: u64) {
        self.unvalidated = false;
        let (out, full) = (self.board.out(), waits || self.board.in_flight() >= self.cwnd);
        if self.usage.at_or_before(una) || full || (!self.limited && out > self.max_out) {
            self.limited = full;
            self.max_out = out;
            self.usage = nxt;
        }
        if self.is_limited() {
            self.used = 0;
            self.used_at = now;
        } else {
            self.used = self.used.max(out);
            if profile.slow_start_after_idle && now.saturating_sub(self.used_at) >= rto {
                self.shrink_unused(profile, now);
            }
        }
    }

    /// Half of what is beyond what was used goes.
    fn shrink_unused(&mut self, profile: &Profile, now: u64) {
        if self.state == CongestionState::Open {
            let used = self.used.max(profile.initial_window);
            if used < self.cwnd {
                self.ssthresh = self.present_threshold();
                self.cwnd = u32::midpoint(self.cwnd, used);
            }
            self.used = 0;
        }
        self.used_at = now;
    }

    /// After an idle time the window is halved for every RTO of it (`tcp_cwnd_restart`).
    pub(super) fn restart(&mut self, profile: &Profile, rto: u64, now: u64) {
        let idle = now.saturating_sub(self.sent_at);
        if !profile.slow_start_after_idle || !self.board.queue.is_empty() || idle <= rto {
            return;
        }
        let least = profile.initial_window.min(self.cwnd);
        self.ssthresh = self.present_threshold();
        // The last RTO counts when it is over.
        let halvings = (idle - 1) / rto.max(1);
        self.cwnd = (self.cwnd >> halvings.min(31)).max(least);
        self.used_at = now;
        self.used = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::congestion::INFINITE;

    const RTO: u64 = 200;

    fn at(number: u32) -> Seq {
        Seq::new(number)
    }

    /// Reno's, with a window of 10 segments at first.
    fn profile() -> Profile {
        Profile { congestion_control: CongestionControl::Reno, initial_window: 10, ..Profile::linux() }
    }

    fn sender(cwnd: u32, ssthresh: u32) -> Sender {
        let mut sender = Sender::new(&profile(), at(0));
        (sender.cwnd, sender.ssthresh, sender.limited) = (cwnd, ssthresh, true);
        sender
    }

    /// So many segments of one octet are under way.
    fn under_way(sender: &mut Sender, segments: u32) {
        sender.board.queue.clear();
        for number in 0..segments {
            sender.board.push(at(number), at(number + 1), 0, super::super::Marks::default());
        }
    }

    #[test]
    fn slow_start_ends_at_the_threshold_and_the_rest_is_avoidance() {
        // tcp_reno_cong_avoid: what slow start does not use up counts for congestion avoidance.
        for (cwnd, ssthresh, acked, grown, left) in
            [(4, 10, 6, 10, 0), (4, 10, 8, 10, 2), (10, 10, 3, 10, 3), (10, 10, 10, 11, 0), (12, 10, 5, 12, 5), (4, INFINITE, 9, 13, 0)]
        {
            let mut sender = sender(cwnd, ssthresh);
            sender.grow(&profile(), acked, 0);
            assert_eq!((sender.cwnd, sender.grown), (grown, left), "{acked} acknowledged at {cwnd}, threshold {ssthresh}");
        }
    }

    #[test]
    fn what_was_acknowledged_at_a_larger_window_counts_once() {
        // tcp_cong_avoid_ai: the window came down in between.
        let mut sender = sender(5, 2);
        sender.grown = 7;
        sender.grow(&profile(), 1, 0);
        assert_eq!((sender.cwnd, sender.grown), (6, 1));
    }

    #[test]
    fn a_window_that_was_not_full_grows_in_slow_start_alone_to_twice_what_was_used() {
        // tcp_is_cwnd_limited.
        for (ssthresh, used, grown) in [(INFINITE, 5, 10), (INFINITE, 6, 11), (11, 6, 11), (10, 6, 10)] {
            let mut sender = sender(10, ssthresh);
            (sender.limited, sender.max_out) = (false, used);
            sender.grow(&profile(), 1, 0);
            assert_eq!((sender.cwnd, sender.grown), (grown, 0), "threshold {ssthresh}, {used} used");
        }
    }

    #[test]
    fn the_threshold_is_three_quarters_of_the_window_unless_that_comes_down() {
        // tcp_current_ssthresh.
        for (state, ssthresh, threshold) in [
            (CongestionState::Open, 2, 15),
            (CongestionState::Open, 16, 16),
            (CongestionState::Cwr, 2, 2),
            (CongestionState::Recovery, 2, 2),
            (CongestionState::Loss, 2, 15),
        ] {
            let mut sender = sender(21, ssthresh);
            sender.state = state;
            assert_eq!(sender.present_threshold(), threshold, "{state:?}, {ssthresh}");
        }
    }

    #[test]
    fn the_use_of_a_window_is_noted_once_a_round_trip_or_where_it_is_more() {
        // tcp_cwnd_validate: (acknowledged, under way, full before, most before) and what is noted: (full, most, until).
        for (una, out, limited, most, noted) in [
            (49, 3, false, 4, (false, 4, 50)),
            (49, 4, false, 4, (false, 4, 50)),
            (49, 5, false, 4, (false, 5, 99)),
            (49, 5, true, 4, (true, 4, 50)),
            (49, 10, true, 4, (true, 10, 99)),
            (50, 3, true, 4, (false, 3, 99)),
        ] {
            let mut sender = sender(10, INFINITE);
            under_way(&mut sender, out);
            (sender.limited, sender.max_out, sender.usage) = (limited, most, at(50));
            sender.validate(&profile(), at(una), at(99), RTO, false, 0);
            assert_eq!((sender.limited, sender.max_out, sender.usage.get()), noted, "{out} under way, full before: {limited}");
        }
    }

    #[test]
    fn half_of_what_a_round_trip_did_not_use_goes() {
        // RFC 2861, tcp_cwnd_application_limited: (state, window, used), and window and threshold afterwards.
        for (state, cwnd, used, after) in [
            (CongestionState::Open, 40, 20, (30, 30)),
            (CongestionState::Open, 40, 5, (25, 30)),
            (CongestionState::Open, 20, 20, (20, 2)),
            (CongestionState::Open, 20, 30, (20, 2)),
            (CongestionState::Disorder, 40, 20, (40, 2)),
        ] {
            let mut sender = sender(cwnd, 2);
            sender.state = state;
            (sender.limited, sender.usage, sender.used) = (false, at(50), used);
            under_way(&mut sender, 1);
            let mut early = sender.clone();
            sender.validate(&profile(), at(0), at(99), RTO, false, RTO);
            assert_eq!((sender.cwnd, sender.ssthresh, sender.used_at), (after.0, after.1, RTO), "{used} of {cwnd}, {state:?}");
            assert_eq!(sender.used, if state == CongestionState::Open { 0 } else { used });
            early.validate(&profile(), at(0), at(99), RTO, false, RTO - 1);
            assert_eq!((early.cwnd, early.used, early.used_at), (cwnd, used, 0), "before the RTO is over");
        }
    }

    #[test]
    fn an_idle_time_halves_the_window_for_every_timeout_of_it() {
        // RFC 5681 section 4.1, tcp_cwnd_restart.
        for (idle, cwnd) in
            [(RTO, 80), (RTO + 1, 40), (2 * RTO, 40), (2 * RTO + 1, 20), (3 * RTO + 1, 10), (4 * RTO + 1, 10), (u64::MAX, 10)]
        {
            let mut idler = sender(80, 2);
            idler.used = 7;
            let mut busy = idler.clone();
            idler.restart(&profile(), RTO, idle);
            let after = if cwnd == 80 { (80, 2, 7, 0) } else { (cwnd, 60, 0, idle) };
            assert_eq!((idler.cwnd, idler.ssthresh, idler.used, idler.used_at), after, "{idle}");
            // Not while anything is under way, nor where a sysctl says so.
            under_way(&mut busy, 1);
            busy.restart(&profile(), RTO, idle);
            assert_eq!(busy.cwnd, 80);
            busy.board.queue.clear();
            busy.restart(&Profile { slow_start_after_idle: false, ..profile() }, RTO, idle);
            assert_eq!(busy.cwnd, 80);
        }
        // A window that is smaller than the first stays.
        let mut small = sender(4, 2);
        small.restart(&profile(), RTO, 9 * RTO);
        assert_eq!(small.cwnd, 4);
    }
}
