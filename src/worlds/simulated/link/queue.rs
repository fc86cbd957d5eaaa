//! How fast a wire takes octets, and what waits for it: whole nanoseconds, no rounding that adds up.

use std::collections::VecDeque;
use std::time::Duration;

use crate::engine::Instant;
use crate::worlds::{Queue, Rate};

/// What puts packets on a wire, one after the other.
#[derive(Clone, Debug)]
pub(super) struct Transmitter {
    rate: Rate,
    /// When the last octet it has taken has left.
    free_at: Instant,
    /// Bits of the nanosecond after `free_at` that are taken, times 10^9: what a whole number cannot say.
    rest: u64,
    /// When each waiting packet begins to leave, and its octets.
    waiting: VecDeque<(Instant, u32)>,
    waiting_octets: u64,
}

impl Transmitter {
    pub(super) fn new(rate: Rate) -> Self {
        Self { rate, free_at: Instant::START, rest: 0, waiting: VecDeque::new(), waiting_octets: 0 }
    }

    /// Takes a packet; returns when its last octet has left, or `None` if the queue is full: drop-tail.
    pub(super) fn take(&mut self, now: Instant, octets: u32) -> Option<Instant> {
        while let Some(&(begins, waiting)) = self.waiting.front()
            && begins <= now
        {
            self.waiting.pop_front();
            self.waiting_octets -= u64::from(waiting);
        }
        if self.free_at <= now {
            (self.free_at, self.rest) = (now, 0);
        } else {
            let full = match self.rate.queue {
                None => false,
                Some(Queue::Packets(most)) => self.waiting.len() >= most as usize,
                Some(Queue::Octets(most)) => self.waiting_octets + u64::from(octets) > u64::from(most),
            };
            if full {
                return None;
            }
            self.waiting.push_back((self.free_at, octets));
            self.waiting_octets += u64::from(octets);
        }
        // A packet behind another begins within a nanosecond, not at the next whole one.
        let bits = self.rate.bits_per_second.max(1);
        let product = u128::from(octets) * 8 * 1_000_000_000 + u128::from(self.rest);
        let nanos = u64::try_from(product / u128::from(bits)).unwrap_or(u64::MAX);
        self.rest = u64::try_from(product % u128::from(bits)).unwrap_or(0);
        self.free_at = self.free_at + Duration::from_nanos(nanos);
        Some(self.free_at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn transmitter(bits_per_second: u64, queue: Option<Queue>) -> Transmitter {
        Transmitter::new(Rate { bits_per_second, queue })
    }

    fn at(nanos: u64) -> Instant {
        Instant::from_nanos(nanos)
    }

    #[test]
    fn a_packet_leaves_behind_the_one_before_it() {
        let mut wire = transmitter(1_000_000, None);
        assert_eq!(wire.take(at(0), 125), Some(at(1_000_000)));
        assert_eq!(wire.take(at(500_000), 250), Some(at(3_000_000)));
        assert_eq!(wire.take(at(9_000_000), 125), Some(at(10_000_000)), "idle in between");
    }

    #[test]
    fn a_full_queue_drops_the_newest() {
        let mut wire = transmitter(8000, Some(Queue::Packets(2)));
        let left: Vec<_> = (0..5).map(|_| wire.take(at(0), 1)).collect();
        assert_eq!(left, [Some(at(1_000_000)), Some(at(2_000_000)), Some(at(3_000_000)), None, None]);
        assert_eq!(wire.take(at(1_000_000), 1), Some(at(4_000_000)), "one has begun to leave");
        assert_eq!(wire.take(at(1_000_000), 1), None);
    }

    #[test]
    fn a_queue_may_be_counted_in_octets_and_be_nothing() {
        let mut wire = transmitter(8000, Some(Queue::Octets(100)));
        assert!(wire.take(at(0), 1500).is_some(), "the wire is free");
        assert!(wire.take(at(0), 60).is_some());
        assert_eq!(wire.take(at(0), 60), None);
        assert!(wire.take(at(0), 40).is_some());
        let mut none = transmitter(8000, Some(Queue::Packets(0)));
        assert_eq!((none.take(at(0), 1), none.take(at(0), 1)), (Some(at(1_000_000)), None));
    }

    #[test]
    fn parts_of_a_nanosecond_are_not_lost() {
        // An octet at 3 Gbit/s takes 2.666... ns: three of them 8 ns, and 3 million 8 ms.
        let mut wire = transmitter(3_000_000_000, None);
        let last = (0..3_000_000).map(|_| wire.take(at(0), 1)).last().flatten();
        assert_eq!(last, Some(at(8_000_000)));
    }

    #[test]
    fn the_slowest_wire_has_an_end() {
        let mut wire = transmitter(1, None);
        let last = (0..1_000_000).map(|_| wire.take(at(0), u32::MAX)).last().flatten();
        assert_eq!(last, Some(at(u64::MAX)), "time stops at its end");
    }
}
