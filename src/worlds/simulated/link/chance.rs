//! What falls by chance, and only as a seed says: the same on every machine and in every version.
//!
//! `ChaCha8` with a key made here from the seed, one stream for each kind of chance and direction. Its
//! octets are fixed by its definition; the test below has some of them, so that a change cannot slip in.

use std::time::Duration;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng as _, SeedableRng as _};

use crate::worlds::Probability;

/// What is decided; the number of its stream, for good.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum What {
    Loss = 0,
    Duplicate = 1,
    Reorder = 2,
    Corrupt = 3,
    Jitter = 4,
}

/// Says the key is made in this way; another way is another version.
const VERSION: &[u8; 16] = b"synfin link v1\0\0";

/// A source of decisions.
#[derive(Clone, Debug)]
pub(super) struct Dice {
    stream: ChaCha8Rng,
    probability: Probability,
}

impl Dice {
    pub(super) fn new(probability: Probability, seed: u64, what: What, direction: u8) -> Self {
        let mut key = [0; 32];
        key[..8].copy_from_slice(&seed.to_le_bytes());
        key[16..].copy_from_slice(VERSION);
        let mut stream = ChaCha8Rng::from_seed(key);
        stream.set_stream(what as u64 * 2 + u64::from(direction));
        Self { stream, probability }
    }

    pub(super) fn jitter(seed: u64, direction: u8) -> Self {
        Self::new(Probability::ALWAYS, seed, What::Jitter, direction)
    }

    /// Whether it happens this time.
    pub(super) fn falls(&mut self) -> bool {
        self.below(u64::from(Probability::ALWAYS.parts())) < u64::from(self.probability.parts())
    }

    /// A number below `end`; 0 if that is 0. Some numbers are likelier than others by at most `end` in 2^64.
    pub(super) fn below(&mut self, end: u64) -> u64 {
        let drawn = u128::from(self.stream.next_u64()) * u128::from(end);
        u64::try_from(drawn >> 64).unwrap_or(0)
    }

    /// A time from nothing to `longest`, both possible, in nanoseconds.
    pub(super) fn up_to(&mut self, longest: Duration) -> Duration {
        let nanos = u64::try_from(longest.as_nanos()).unwrap_or(u64::MAX);
        Duration::from_nanos(self.below(nanos.saturating_add(1)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dice(percent: &str, seed: u64, direction: u8) -> Dice {
        Dice::new(Probability::parse(percent).expect("a percentage"), seed, What::Loss, direction)
    }

    #[test]
    fn the_octets_of_a_seed_are_these_for_good() {
        let drawn = |seed, what, direction| {
            let mut dice = Dice::new(Probability::ALWAYS, seed, what, direction);
            [(); 4].map(|()| dice.below(1_000_000))
        };
        assert_eq!(drawn(7, What::Loss, 0), KNOWN[0]);
        assert_eq!(drawn(7, What::Loss, 1), KNOWN[1]);
        assert_eq!(drawn(u64::MAX, What::Jitter, 0), KNOWN[2]);
    }

    const KNOWN: [[u64; 4]; 3] =
        [[48909, 910_876, 87175, 37964], [317_272, 320_022, 189_949, 380_788], [894_840, 553_123, 740_743, 476_145]];

    #[test]
    fn nothing_and_everything_are_meant_literally() {
        let (mut never, mut always) = (dice("0%", 1, 0), dice("100%", 1, 0));
        for _ in 0..10_000 {
            assert!(!never.falls());
            assert!(always.falls());
        }
    }

    #[test]
    fn a_fifth_is_about_a_fifth_and_not_the_same_fifth_in_both_directions() {
        let falls = |direction| {
            let mut dice = dice("20%", 3, direction);
            (0..10_000).map(|_| dice.falls()).collect::<Vec<_>>()
        };
        let (there, back) = (falls(0), falls(1));
        for direction in [&there, &back] {
            let count = direction.iter().filter(|falls| **falls).count();
            assert!((1800..2200).contains(&count), "{count}");
        }
        assert_ne!(there, back);
    }

    #[test]
    fn jitter_is_never_longer_than_said() {
        let mut dice = Dice::jitter(1, 0);
        let seen: Vec<_> = (0..1000).map(|_| dice.up_to(Duration::from_nanos(3)).as_nanos()).collect();
        assert_eq!((seen.iter().min(), seen.iter().max()), (Some(&0), Some(&3)));
        assert_eq!(dice.up_to(Duration::ZERO), Duration::ZERO);
    }
}
