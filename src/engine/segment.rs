//! Segments as values: the header fields an endpoint acts on, without text and without checksums.

use std::fmt;
use std::ops::BitOr;

use super::options::TcpOptions;
use super::seq::{Ours, SeqNumber, Space};

/// A segment numbered in the space `S` of its sender, acknowledging in the other.
///
/// An endpoint emits `Segment<Ours>`; what arrives is the same value [`crossed`](Segment::crossed).
/// The text itself travels beside it; `len` says how many octets there are.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Segment<S: Space = Ours> {
    /// SEG.SEQ: the number of the first octet, or of the SYN.
    pub seq: SeqNumber<S>,
    /// SEG.ACK as it stands in the header; means something only with [`Flags::ACK`].
    pub ack: SeqNumber<S::Other>,
    /// The control bits.
    pub flags: Flags,
    /// SEG.WND as carried, unscaled.
    pub window: WireWindow,
    /// SEG.UP as carried; means something only with [`Flags::URG`].
    pub urgent: u16,
    /// Octets of text; SYN and FIN not counted.
    pub len: u32,
    /// The option area.
    pub options: TcpOptions,
}

impl<S: Space> Segment<S> {
    /// SEG.LEN: octets of text plus one each for SYN and FIN (RFC 9293 section 3.4).
    pub const fn seg_len(&self) -> u32 {
        self.len.saturating_add(self.flags.contains(Flags::SYN) as u32 + self.flags.contains(Flags::FIN) as u32)
    }

    /// The number after the last one this segment occupies.
    pub const fn end(&self) -> SeqNumber<S> {
        self.seq.plus(self.seg_len())
    }

    /// The number of the first octet of text: behind the SYN, if there is one.
    pub const fn text_seq(&self) -> SeqNumber<S> {
        self.seq.plus(self.flags.contains(Flags::SYN) as u32)
    }

    /// Whether all of `flags` are set.
    pub const fn has(&self, flags: Flags) -> bool {
        self.flags.contains(flags)
    }

    /// The same segment as the other side reads it.
    pub const fn crossed(&self) -> Segment<S::Other> {
        Segment {
            seq: self.seq.crossed(),
            ack: self.ack.crossed(),
            flags: self.flags,
            window: self.window,
            urgent: self.urgent,
            len: self.len,
            options: self.options,
        }
    }
}

impl<S: Space> fmt::Display for Segment<S> {
    /// The RFC's notation: `<SEQ=100><ACK=301><LEN=9><CTL=PSH,ACK>`; LEN only where there is text.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<SEQ={}>", self.seq)?;
        if self.has(Flags::ACK) {
            write!(f, "<ACK={}>", self.ack)?;
        }
        if self.len > 0 {
            write!(f, "<LEN={}>", self.len)?;
        }
        write!(f, "<CTL={}>", self.flags)
    }
}

impl<S: Space> fmt::Debug for Segment<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}<WND={}>{:?}", self.window.0, self.options)
    }
}

/// The window as 16 bits on the wire; a SYN's is never scaled (RFC 7323 section 2.2).
// MUST-1: unsigned.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct WireWindow(pub u16);

impl WireWindow {
    /// The octets it stands for, under a shift of 0 to 14.
    pub const fn scaled(self, shift: u8) -> u32 {
        (self.0 as u32) << shift
    }
}

/// The control bits of the header, AE (RFC 9768) included.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Flags(u16);

impl Flags {
    /// No bits.
    pub const NONE: Self = Self(0);
    /// No more data from sender.
    pub const FIN: Self = Self(0x01);
    /// Synchronize sequence numbers.
    pub const SYN: Self = Self(0x02);
    /// Reset the connection.
    pub const RST: Self = Self(0x04);
    /// Push.
    pub const PSH: Self = Self(0x08);
    /// The acknowledgment field is significant.
    pub const ACK: Self = Self(0x10);
    /// The urgent pointer field is significant.
    pub const URG: Self = Self(0x20);
    /// ECN-echo (RFC 3168).
    pub const ECE: Self = Self(0x40);
    /// Congestion window reduced (RFC 3168).
    pub const CWR: Self = Self(0x80);
    /// Accurate ECN (RFC 9768).
    pub const AE: Self = Self(0x100);

    /// Every bit with its name, in the order in which the RFC's figures write combinations.
    pub const NAMED: [(Self, &'static str); 9] = [
        (Self::AE, "AE"),
        (Self::CWR, "CWR"),
        (Self::ECE, "ECE"),
        (Self::SYN, "SYN"),
        (Self::RST, "RST"),
        (Self::PSH, "PSH"),
        (Self::URG, "URG"),
        (Self::FIN, "FIN"),
        (Self::ACK, "ACK"),
    ];

    /// The bits as in the header: FIN is bit 0, AE bit 8.
    pub const fn bits(self) -> u16 {
        self.0
    }

    /// The flags of these header bits; the three reserved ones are cut off.
    pub const fn from_bits(bits: u16) -> Self {
        Self(bits & 0x1ff)
    }

    /// Both sets together.
    #[must_use]
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Without those of `other`.
    #[must_use]
    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// Whether all of `other` are set.
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Whether any of `other` is set.
    pub const fn intersects(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// The flag with this RFC name, in any case.
    pub fn named(name: &str) -> Option<Self> {
        Self::NAMED.into_iter().find(|(_, known)| known.eq_ignore_ascii_case(name)).map(|(flag, _)| flag)
    }
}

impl BitOr for Flags {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        self.with(other)
    }
}

impl fmt::Display for Flags {
    /// `SYN,ACK`, `PSH,FIN,ACK`, or `none`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 == 0 {
            return write!(f, "none");
        }
        let mut separator = "";
        for (flag, name) in Self::NAMED {
            if self.contains(flag) {
                write!(f, "{separator}{name}")?;
                separator = ",";
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Flags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_are_spelled_as_in_the_figures() {
        for (flags, text) in [
            (Flags::SYN, "SYN"),
            (Flags::SYN | Flags::ACK, "SYN,ACK"),
            (Flags::FIN | Flags::ACK, "FIN,ACK"),
            (Flags::FIN | Flags::PSH | Flags::ACK, "PSH,FIN,ACK"),
            (Flags::RST | Flags::ACK, "RST,ACK"),
            (Flags::NONE, "none"),
        ] {
            assert_eq!(flags.to_string(), text);
        }
    }

    #[test]
    fn syn_and_fin_occupy_sequence_space() {
        let segment: Segment = Segment {
            seq: SeqNumber::new(u32::MAX),
            ack: SeqNumber::new(0),
            flags: Flags::SYN | Flags::FIN,
            window: WireWindow(0),
            urgent: 0,
            len: 10,
            options: TcpOptions::NONE,
        };
        assert_eq!(segment.seg_len(), 12);
        assert_eq!(segment.end().get(), 11);
        assert_eq!(segment.text_seq().get(), 0);
    }
}
