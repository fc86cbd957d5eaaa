//! HyStart: slow start ends before something is lost, where ACKs come in a train as long as half of the round trip, or
//! where round trips become longer (RFC 9406's predecessor in `tcp_cubic.c`, with the defaults of its parameters).

use super::Seq;

/// A smaller window never ends slow start (`hystart_low_window`).
const LEAST_WINDOW: u32 = 16;
/// ACKs no further apart are one train, in microseconds (`hystart_ack_delta_us`).
const SPACING: u64 = 2000;
/// Round trips that are compared, in each round.
const SAMPLES: u8 = 8;
/// How much longer one has to be, in microseconds: an eighth, between these.
const LEAST_RISE: u32 = 4000;
const MOST_RISE: u32 = 16_000;
/// What a packet of many segments may be late, in microseconds; four of the largest packets, at the rate of sending.
const MOST_LATE: u64 = 1000;
const LARGEST: u64 = 4 * super::packets::LARGEST as u64;

/// A segment was delivered, while slow start lasted.
#[derive(Clone, Copy)]
pub(super) struct Delivery {
    pub una: Seq,
    pub nxt: Seq,
    pub cwnd: u32,
    /// Its round trip and the shortest one, in microseconds, and when this was.
    pub rtt: u32,
    pub min_rtt: u32,
    pub now: u64,
    /// Octets that leave in a second.
    pub rate: u64,
}

#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub(super) struct HyStart {
    /// Slow start has ended once; only a time-out begins it anew.
    found: bool,
    /// The round ends when this is acknowledged; none has begun before the first segment is delivered.
    end: Option<Seq>,
    /// When it began, and when its train of ACKs last went on, in microseconds.
    began: u64,
    train: u64,
    /// The shortest of its round trips, in microseconds, and how many were measured, as far as it matters.
    shortest: u32,
    samples: u8,
}

impl HyStart {
    pub(super) fn begin_round(&mut self, nxt: Seq, now: u64) {
        *self = Self { found: self.found, end: Some(nxt), began: now, train: now, shortest: u32::MAX, samples: 0 };
    }

    /// Whether slow start is over.
    pub(super) fn ends_slow_start(&mut self, delivery: Delivery) -> bool {
        let Delivery { una, nxt, cwnd, rtt, min_rtt, now, rate } = delivery;
        if self.found {
            return false;
        }
        if self.end.is_none_or(|end| una.after(end)) {
            self.begin_round(nxt, now);
        }
        if cwnd < LEAST_WINDOW {
            return false;
        }
        if now - self.train <= SPACING {
            self.train = now;
            let late = (LARGEST * 1_000_000).checked_div(rate).map_or(0, |late| late.min(MOST_LATE));
            self.found = now - self.began > u64::midpoint(min_rtt.into(), late);
        }
        self.shortest = self.shortest.min(rtt);
        if self.samples < SAMPLES {
            self.samples += 1;
        } else if self.shortest > min_rtt.saturating_add((min_rtt / 8).clamp(LEAST_RISE, MOST_RISE)) {
            self.found = true;
        }
        self.found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// In the middle of a round, whose shortest round trip is `min_rtt`; nothing is sent so fast that a packet takes time.
    fn delivery(min_rtt: u32, rtt: u32, now: u64) -> Delivery {
        Delivery { una: Seq::new(1), nxt: Seq::new(9000), cwnd: LEAST_WINDOW, rtt, min_rtt, now, rate: 0 }
    }

    #[test]
    fn acks_that_go_on_for_half_of_a_round_trip_end_slow_start() {
        for (spacing, ends) in [(2000, true), (2001, false)] {
            let mut hystart = HyStart::default();
            for number in 0..=5 {
                assert!(!hystart.ends_slow_start(delivery(20_000, 20_000, 7000 + number * spacing)), "{number}, {spacing} us apart");
            }
            assert_eq!(hystart.ends_slow_start(delivery(20_000, 20_000, 7000 + 6 * spacing)), ends, "{spacing} us apart");
        }
    }

    #[test]
    fn a_train_may_be_as_late_as_four_of_the_largest_packets_make_it() {
        // Four times 65279 octets, at this rate, are 500 us; a millisecond is the most. Half of it counts.
        for (rate, last) in [(522_232_000, 10_250), (1_000_000, 10_500), (0, 10_000)] {
            let mut hystart = HyStart::default();
            for now in [0, 2000, 4000, 6000, 8000, 10_000, last] {
                assert!(!hystart.ends_slow_start(Delivery { rate, ..delivery(20_000, 20_000, now) }), "{rate}: {now}");
            }
            assert!(hystart.ends_slow_start(Delivery { rate, ..delivery(20_000, 20_000, last + 1) }), "{rate}");
        }
    }

    #[test]
    fn round_trips_that_are_longer_by_an_eighth_end_slow_start() {
        // Of 4 ms at least and 16 at most; the ninth of a round tells.
        for (min_rtt, longest) in [(40_000, 45_000), (16_000, 20_000), (200_000, 216_000)] {
            for (rtt, ends) in [(longest, false), (longest + 1, true)] {
                let mut hystart = HyStart::default();
                for number in 0..8 {
                    assert!(!hystart.ends_slow_start(delivery(min_rtt, rtt, number * 5000)), "{rtt}: {number}");
                }
                assert_eq!(hystart.ends_slow_start(delivery(min_rtt, rtt, 40_000)), ends, "{rtt} instead of {min_rtt}");
            }
        }
    }

    #[test]
    fn a_small_window_stays_in_slow_start() {
        for (cwnd, ends) in [(15, false), (16, true)] {
            let mut hystart = HyStart::default();
            let found = (0..9).any(|number| hystart.ends_slow_start(Delivery { cwnd, ..delivery(10_000, 99_000, number * 5000) }));
            assert_eq!(found, ends, "{cwnd}");
        }
    }
}
