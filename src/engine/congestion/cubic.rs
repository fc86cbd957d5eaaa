//! CUBIC (RFC 9438) in the integers of Linux's `tcp_cubic.c`: a window that grows by a cubic function of time.

use super::hystart::{Delivery, HyStart};
use super::{Sender, Seq};

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
    /// The window before the last reduction; 0: there was none.
    last_max: u32,
    /// When this epoch began, in ticks.
    epoch: Option<u64>,
    /// The window at the plateau of the curve, and how long the way there is, in 1/1024 s.
    origin: u32,
    k: u64,
    /// ACKed segments for which the window grows by one.
    count: u32,
    /// Segments acknowledged in this epoch that Reno's window has not grown by, and that window.
    acked: u32,
    reno: u32,
    /// The window that `count` was reckoned for last, and in which tick.
    last_cwnd: u32,
    last_time: u64,
    /// The shortest round trip but for the first second of each epoch, in microseconds; 0: none.
    min_delay: u32,
    hystart: HyStart,
}

impl Cubic {
    /// What the threshold becomes when something was lost at this window.
    pub(super) fn reduced(&mut self, cwnd: u32) -> u32 {
        self.epoch = None;
        // Fast convergence: who has less than before leaves room to others.
        self.last_max = if cwnd < self.last_max { scaled(cwnd, 1024 + BETA, 2048) } else { cwnd };
        scaled(cwnd, BETA, 1024).max(2)
    }

    // MAY-18.
    /// How many segments have to be acknowledged before the window grows by one, at `now` in nanoseconds.
    pub(super) fn update(&mut self, cwnd: u32, acked: u32, now: u64) -> u32 {
        let tick = now / TICK;
        self.acked = self.acked.saturating_add(acked);
        if self.last_cwnd == cwnd && tick - self.last_time <= HZ / 32 {
            return self.count;
        }
        if self.epoch.is_none() || tick != self.last_time {
            self.last_cwnd = cwnd;
            self.last_time = tick;
            self.follow_curve(cwnd, acked, tick);
        }
        self.be_friendly(cwnd);
        self.count = self.count.max(2);
        self.count
    }

    fn follow_curve(&mut self, cwnd: u32, acked: u32, tick: u64) {
        let epoch = *self.epoch.get_or_insert_with(|| {
            self.acked = acked;
            self.reno = cwnd;
            self.k = cube_root((1 << 40) / SCALE * u64::from(self.last_max.saturating_sub(cwnd)));
            self.origin = self.last_max.max(cwnd);
            tick
        });
        // A round trip from now the window will be what it is to be.
        let since = (tick - epoch + (u64::from(self.min_delay) * 1000).div_ceil(TICK)) << SHIFT;
        let since = since / HZ;
        let target = match since.checked_sub(self.k) {
            Some(beyond) => self.origin.saturating_add(cubic(beyond)),
            None => self.origin.saturating_sub(cubic(self.k - since)),
        };
        self.count = if target > cwnd { cwnd / (target - cwnd) } else { cwnd.saturating_mul(100) };
        // Nothing was ever lost: the first search is not to be slow.
        if self.last_max == 0 {
            self.count = self.count.min(20);
        }
    }

    /// Never slower than Reno would be.
    fn be_friendly(&mut self, cwnd: u32) {
        const REST: u32 = 8 * (1024 + BETA) / 3 / (1024 - BETA);
        let delta = u32::try_from(u64::from(cwnd) * u64::from(REST) / 8).unwrap_or(u32::MAX);
        // A multiple of it waits until the next segment.
        let steps = self.acked.saturating_sub(1) / delta.max(1);
        self.acked -= steps * delta;
        self.reno = self.reno.saturating_add(steps);
        if self.reno > cwnd {
            self.count = self.count.min(cwnd / (self.reno - cwnd));
        }
    }

    /// A time-out: nothing that was learned holds.
    pub(super) fn reset(&mut self, nxt: Seq, now: u64) {
        *self = Self::default();
        self.hystart.begin_round(nxt, now / 1000);
    }

    /// Text leaves, and nothing was under way since `sent_at`: the time in between does not count as growth (`CA_EVENT_TX_START`).
    pub(super) fn resume(&mut self, sent_at: u64, now: u64) {
        if let Some(epoch) = &mut self.epoch {
            let tick = now / TICK;
            *epoch = (*epoch + (tick - sent_at / TICK)).min(tick);
        }
    }

    /// So long took a round trip, in microseconds (`cubictcp_acked`); says whether that counts.
    fn measure(&mut self, rtt: u32, now: u64) -> bool {
        // Right after a recovery queues are still short.
        if self.epoch.is_some_and(|epoch| now / TICK - epoch < HZ) {
            return false;
        }
        self.min_delay = if self.min_delay == 0 { rtt } else { self.min_delay.min(rtt) };
        true
    }
}

impl Sender {
    /// A segment was delivered that left at `sent_at`: slow start may end (`hystart`).
    pub(super) fn measure_for_cubic(&mut self, rate: u64, una: Seq, nxt: Seq, sent_at: u64, now: u64) {
        let rtt = u32::try_from(now / 1000 - sent_at / 1000).unwrap_or(u32::MAX).max(1);
        if self.cubic.measure(rtt, now) && self.cwnd < self.ssthresh {
            let delivery = Delivery { una, nxt, cwnd: self.cwnd, rtt, min_rtt: self.cubic.min_delay, now: now / 1000, rate };
            if self.cubic.hystart.ends_slow_start(delivery) {
                self.ssthresh = self.cwnd;
            }
        }
    }
}

/// How far the curve is from its plateau, so long before or after it.
fn cubic(time: u64) -> u32 {
    let time = u128::from(time);
    u32::try_from((u128::from(SCALE) * time * time * time) >> (10 + 3 * SHIFT)).unwrap_or(u32::MAX)
}

fn scaled(cwnd: u32, numerator: u32, denominator: u32) -> u32 {
    u32::try_from(u64::from(cwnd) * u64::from(numerator) / u64::from(denominator)).unwrap_or(u32::MAX)
}

/// As many 64ths, and ten more, is about the cube root of the index (`tcp_cubic.c`).
const ROOTS: [u8; 64] = [
    0, 54, 54, 54, 118, 118, 118, 118, 123, 129, 134, 138, 143, 147, 151, 156, 157, 161, 164, 168, 170, 173, 176, 179, 181, 185, 187, 190,
    192, 194, 197, 199, 200, 202, 204, 206, 209, 211, 213, 215, 217, 219, 221, 222, 224, 225, 227, 229, 231, 232, 234, 236, 237, 239, 240,
    242, 244, 245, 246, 248, 250, 251, 252, 254,
];

/// The cube root as Linux has it: a look at a table of the leading digits, and one step of Newton's.
fn cube_root(value: u64) -> u64 {
    // No missing window is so small that its cube is in the table itself.
    if value == 0 {
        return 0;
    }
    // A third of the digits.
    let digits = u64::from(u64::BITS - value.leading_zeros()) * 84 / 256 - 1;
    let leading = usize::try_from(value >> (3 * digits)).unwrap_or(0);
    let guess = ((u64::from(ROOTS[leading]) + 10) << digits) >> 6;
    // The last factor is a third of 1024.
    ((2 * guess + value / (guess * (guess - 1))) * 341) >> 10
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::profile::Profile;

    const MILLISECOND: u64 = 1_000_000;

    #[test]
    fn who_has_as_much_as_before_leaves_no_room_to_others() {
        // RFC 9438 section 4.7: of a window that did not reach the last one, (1 + 0.7) / 2 is remembered.
        let mut cubic = Cubic::default();
        for (cwnd, remembered, reduced) in [(100, 100, 70), (100, 100, 70), (99, 84, 69), (101, 101, 70)] {
            assert_eq!((cubic.reduced(cwnd), cubic.last_max), (reduced, remembered), "{cwnd}");
        }
    }

    #[test]
    fn the_window_grows_as_often_as_renos_would_where_the_curve_is_flat() {
        // RFC 9438 section 4.3: Reno's window would be 72, after two times 70 * 15 / 8 segments and more.
        let mut cubic = Cubic::default();
        assert_eq!(cubic.reduced(100), 70);
        cubic.update(70, 1, 0);
        assert_eq!(cubic.update(70, 300, 32 * MILLISECOND), 70 / (72 - 70));
        assert_eq!((cubic.reno, cubic.acked), (72, 301 - 2 * 131));
    }

    #[test]
    fn no_round_trip_counts_in_the_first_second_of_an_epoch() {
        let mut cubic = Cubic { epoch: Some(100), min_delay: 7000, ..Cubic::default() };
        for (tick, rtt, counts, shortest) in [(100, 10, false, 7000), (349, 10, false, 7000), (350, 8000, true, 7000), (351, 10, true, 10)]
        {
            assert_eq!((cubic.measure(rtt, tick * TICK), cubic.min_delay), (counts, shortest), "tick {tick}");
        }
    }

    #[test]
    fn a_time_out_begins_a_round_and_forgets_all_else() {
        let mut cubic = Cubic { last_max: 9, epoch: Some(9), min_delay: 9, ..Cubic::default() };
        cubic.reset(Seq::new(500), 3 * MILLISECOND);
        let mut hystart = HyStart::default();
        hystart.begin_round(Seq::new(500), 3000);
        assert_eq!(cubic, Cubic { hystart, ..Cubic::default() });
    }

    #[test]
    fn a_train_of_acks_makes_the_window_the_threshold() {
        // A segment a millisecond, of a round trip of 20 ms: more than half of it.
        let (una, nxt) = (Seq::new(1), Seq::new(9000));
        let mut sender = Sender::new(&Profile::linux(), una);
        sender.cwnd = 16;
        for millisecond in 0..=11 {
            assert_eq!(sender.ssthresh, super::super::INFINITE, "after {millisecond} ms");
            sender.measure_for_cubic(0, una, nxt, millisecond * MILLISECOND, (20 + millisecond) * MILLISECOND);
        }
        assert_eq!(sender.ssthresh, 16);
    }

    #[test]
    fn beyond_slow_start_nothing_looks_for_its_end() {
        let una = Seq::new(1);
        let mut sender = Sender::new(&Profile::linux(), una);
        (sender.cwnd, sender.ssthresh) = (20, 20);
        sender.measure_for_cubic(0, una, una, 0, 20 * MILLISECOND);
        assert_eq!((sender.cubic.min_delay, sender.cubic.hystart), (20_000, HyStart::default()));
    }
}
