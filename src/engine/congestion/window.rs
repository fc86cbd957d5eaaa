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
        if self.cwnd < self.ssthresh {
            let grown = self.cwnd.saturating_add(acked).min(self.ssthresh);
            acked -= grown - self.cwnd;
            self.cwnd = grown;
            if acked == 0 {
                return;
            }
        }
        let step = match profile.congestion_control {
            CongestionControl::Cubic => self.cubic_step(acked, now),
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
    pub(super) const fn present_threshold(&self) -> u32 {
        let carried = self.cwnd / 2 + self.cwnd / 4;
        if self.is_reducing() || self.ssthresh > carried { self.ssthresh } else { carried }
    }

    /// Something left, or could not: what that says of the use of the window (RFC 2861, `tcp_cwnd_validate`).
    pub(super) fn validate(&mut self, profile: &Profile, una: Seq, nxt: Seq, rto: u64, now: u64) {
        self.unvalidated = false;
        let (out, full) = (self.board.out(), self.board.in_flight() >= self.cwnd);
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
        let mut left = idle;
        while left > rto && self.cwnd > least {
            left -= rto;
            self.cwnd /= 2;
        }
        self.cwnd = self.cwnd.max(least);
        self.used_at = now;
        self.used = 0;
    }
}
