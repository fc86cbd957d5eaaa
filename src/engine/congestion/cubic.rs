//! CUBIC (RFC 9438) in the integers of Linux's `tcp_cubic.c`: a window that grows by a cubic function of time.

use super::Sender;

/// Ticks of 4 milliseconds in a second, as on the measured kernel.
const HZ: u64 = 250;
const TICK: u64 = 1_000_000_000 / HZ;
/// Times are kept in units of 1/1024 second.
const SHIFT: u32 = 10;
/// C = 410/1024, in units of 1/1024.
const SCALE: u64 = 410;
/// Of a window that was too large, so much of 1024 remains.
const BETA: u32 = 717;

#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub(super) struct Cubic {
    /// The window before the last reduction.
    last_max: u32,
    /// When this epoch began, in ticks; 0: none has.
    epoch: u64,
    /// The window at the plateau of the curve, and how long the way there is.
    origin: u32,
    k: u64,
    /// ACKed segments for which the window grows by one.
    count: u32,
    /// Segments acknowledged in this epoch that Reno's window has not grown by, and that window.
    acked: u32,
    reno: u32,
    last_cwnd: u32,
    last_time: u64,
}

impl Cubic {
    /// What the threshold becomes when something was lost at this window.
    pub(super) fn reduced(&mut self, cwnd: u32) -> u32 {
        self.epoch = 0;
        // Fast convergence: who has less than before leaves room to others.
        self.last_max = if cwnd < self.last_max { scaled(cwnd, 1024 + BETA, 2048) } else { cwnd };
        scaled(cwnd, BETA, 1024).max(2)
    }

    // MAY-18.
    /// How many segments have to be acknowledged before the window grows by one.
    fn update(&mut self, cwnd: u32, acked: u32, now: u64, min_rtt: u64) -> u32 {
        let tick = now / TICK;
        self.acked = self.acked.saturating_add(acked);
        if self.last_cwnd == cwnd && tick.saturating_sub(self.last_time) <= HZ / 32 && self.count != 0 {
            return self.count;
        }
        if self.epoch == 0 || tick != self.last_time {
            self.last_cwnd = cwnd;
            self.last_time = tick;
            self.follow_curve(cwnd, acked, tick, min_rtt);
        }
        self.be_friendly(cwnd);
        self.count = self.count.max(2);
        self.count
    }

    fn follow_curve(&mut self, cwnd: u32, acked: u32, tick: u64, min_rtt: u64) {
        if self.epoch == 0 {
            self.epoch = tick.max(1);
            self.acked = acked;
            self.reno = cwnd;
            let missing = self.last_max.saturating_sub(cwnd);
            self.k = cube_root((1 << 40) / SCALE * u64::from(missing));
            self.origin = self.last_max.max(cwnd);
        }
        let since = ((tick - self.epoch.min(tick)) + min_rtt / TICK) << SHIFT;
        let since = since / HZ;
        let offset = u128::from(since.abs_diff(self.k));
        let delta = (u128::from(SCALE) * offset * offset * offset) >> (10 + 3 * SHIFT);
        let delta = u32::try_from(delta).unwrap_or(u32::MAX);
        let target = if since < self.k { self.origin.saturating_sub(delta) } else { self.origin.saturating_add(delta) };
        self.count = if target > cwnd { cwnd / (target - cwnd) } else { cwnd.saturating_mul(100) };
        // Nothing was ever lost: the first search is not to be slow.
        if self.last_max == 0 && self.count > 20 {
            self.count = 20;
        }
    }

    /// Never slower than Reno would be.
    fn be_friendly(&mut self, cwnd: u32) {
        const REST: u32 = 8 * (1024 + BETA) / 3 / (1024 - BETA);
        let delta = (u64::from(cwnd) * u64::from(REST) / 8).max(1);
        let delta = u32::try_from(delta).unwrap_or(u32::MAX);
        let steps = self.acked.saturating_sub(1) / delta;
        self.acked -= steps * delta;
        self.reno = self.reno.saturating_add(steps);
        if self.reno > cwnd {
            self.count = self.count.min(cwnd / (self.reno - cwnd));
        }
    }

    /// A time-out: nothing that was learned holds.
    pub(super) fn reset(&mut self) {
        *self = Self::default();
    }
}

impl Sender {
    pub(super) fn cubic_step(&mut self, acked: u32, now: u64) -> u32 {
        self.cubic.update(self.cwnd, acked, now, self.min_rtt)
    }
}

fn scaled(cwnd: u32, numerator: u32, denominator: u32) -> u32 {
    u32::try_from(u64::from(cwnd) * u64::from(numerator) / u64::from(denominator)).unwrap_or(u32::MAX)
}

/// The largest number whose cube is not above `value`.
fn cube_root(value: u64) -> u64 {
    let (mut low, mut high) = (0_u64, 1 << 22);
    while low < high {
        let middle = (low + high).div_ceil(2);
        if middle.saturating_mul(middle).saturating_mul(middle) <= value { low = middle } else { high = middle - 1 }
    }
    low
}
