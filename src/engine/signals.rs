//! Several things a user must know, as one number: a connection tells, and whoever listens repeats, without a list.

use super::state::Signal;

/// A set of [`Signal`]s.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct Signals(u16);

impl Signals {
    /// Whether there is none.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Each of them, in the order of [`Signal::ALL`].
    pub fn iter(mut self) -> impl Iterator<Item = Signal> {
        std::iter::from_fn(move || self.take_first())
    }

    pub(super) const fn add(&mut self, signal: Signal) {
        self.0 |= 1 << signal as u8;
    }

    /// Takes out the one that [`Signal::ALL`] has first.
    #[inline]
    pub(super) fn take_first(&mut self) -> Option<Signal> {
        if self.is_empty() {
            return None;
        }
        let signal = Signal::ALL[self.0.trailing_zeros() as usize];
        self.0 &= self.0 - 1;
        Some(signal)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signals_come_once_and_in_their_own_order() {
        let mut signals = Signals::default();
        assert!(signals.is_empty());
        for signal in [Signal::CallsReset, Signal::Open, Signal::Reset, Signal::Open] {
            signals.add(signal);
        }
        assert!(!signals.is_empty());
        assert_eq!(signals.iter().collect::<Vec<_>>(), [Signal::Open, Signal::Reset, Signal::CallsReset]);
    }
}
