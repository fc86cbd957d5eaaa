//! Sequence numbers: arithmetic modulo 2^32, typed by the space they live in (RFC 9293 section 3.4).
//!
//! Here: [`SeqNumber`] and its comparisons by name. Not here: an order. Modulo 2^32 there is none
//! (0 < 0x6000_0000 < 0xC000_0000 < 0), so neither `Ord` nor `From<u32>` exist.

use std::fmt;
use std::hash::Hash;
use std::marker::PhantomData;

/// One of the two sequence spaces of a connection, as one endpoint sees them.
pub trait Space: Copy + Eq + Hash + fmt::Debug + Default + 'static {
    /// The space in which a segment numbered in this one acknowledges.
    type Other: Space<Other = Self>;
}

/// Numbers this endpoint gives out: `iss`, `snd.una`, `snd.nxt`, the ACK field of what arrives.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct Ours;

/// Numbers the peer gives out: `irs`, `rcv.nxt`, the SEQ field of what arrives.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct Theirs;

impl Space for Ours {
    type Other = Theirs;
}

impl Space for Theirs {
    type Other = Ours;
}

/// A sequence number in the space `S`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct SeqNumber<S: Space>(u32, PhantomData<S>);

impl<S: Space> SeqNumber<S> {
    /// The number with this value on the wire.
    pub const fn new(value: u32) -> Self {
        Self(value, PhantomData)
    }

    /// The value on the wire.
    pub const fn get(self) -> u32 {
        self.0
    }

    /// The number `octets` further on, modulo 2^32.
    #[must_use]
    pub const fn plus(self, octets: u32) -> Self {
        Self::new(self.0.wrapping_add(octets))
    }

    /// The number `octets` further back, modulo 2^32.
    #[must_use]
    pub const fn minus(self, octets: u32) -> Self {
        Self::new(self.0.wrapping_sub(octets))
    }

    /// Octets from `earlier` to `self`, modulo 2^32; 0 to 2^32 - 1.
    pub const fn since(self, earlier: Self) -> u32 {
        self.0.wrapping_sub(earlier.0)
    }

    /// Whether `self` comes before `other`, for distances below 2^31 (RFC 9293 section 3.4).
    pub const fn before(self, other: Self) -> bool {
        (self.0.wrapping_sub(other.0)).cast_signed() < 0
    }

    /// Whether `self` is `other` or comes before it.
    pub const fn at_or_before(self, other: Self) -> bool {
        !other.before(self)
    }

    /// Whether `self` comes after `other`.
    pub const fn after(self, other: Self) -> bool {
        other.before(self)
    }

    /// Whether `start =< self < start+octets`, the form of every window test in section 3.10.7.4.
    pub const fn within(self, start: Self, octets: u32) -> bool {
        self.since(start) < octets
    }

    /// The later of two numbers less than 2^31 apart.
    #[must_use]
    pub const fn later_of(self, other: Self) -> Self {
        if self.before(other) { other } else { self }
    }

    /// The same wire value, read in the other space: what one side sends is what the other receives.
    pub const fn crossed(self) -> SeqNumber<S::Other> {
        SeqNumber::new(self.0)
    }
}

impl<S: Space> fmt::Debug for SeqNumber<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

impl<S: Space> fmt::Display for SeqNumber<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Seq = SeqNumber<Ours>;

    #[test]
    fn comparison_survives_the_wrap() {
        for (a, b) in [(0_u32, 1_u32), (u32::MAX, 0), (0x7fff_ffff, 0x8000_0000), (0xffff_fff0, 0x10)] {
            let (a, b) = (Seq::new(a), Seq::new(b));
            assert!(a.before(b) && b.after(a) && a.at_or_before(b) && !b.at_or_before(a), "{a} < {b}");
            assert_eq!(a.later_of(b), b);
        }
    }

    #[test]
    fn a_window_includes_its_left_edge_and_not_its_right() {
        let start = Seq::new(u32::MAX - 1);
        for (offset, inside) in [(0, true), (1, true), (4, true), (5, false)] {
            assert_eq!(start.plus(offset).within(start, 5), inside, "offset {offset}");
        }
        assert!(!start.minus(1).within(start, 5));
        assert!(!start.within(start, 0));
    }

    #[test]
    fn there_is_no_order_modulo_two_to_the_32() {
        let [a, b, c] = [0, 0x6000_0000, 0xC000_0000].map(Seq::new);
        assert!(a.before(b) && b.before(c) && c.before(a));
    }
}
