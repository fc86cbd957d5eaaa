//! The Internet checksum (RFC 1071): the ones' complement sum of 16-bit words.
//!
//! etherparse has one, but carries from word to word; this loop has no such chain, so the compiler makes
//! it four words wide, and a checksum takes a third of the time.

/// A sum under way, not folded yet. Octets are taken in the machine's order, which RFC 1071 section 2 (B)
/// allows: the result then stands in that order too.
#[derive(Clone, Copy)]
pub(super) struct Sum(u64);

impl Sum {
    pub(super) const ZERO: Self = Self(0);

    /// With these octets; an odd last one is followed by a zero.
    ///
    /// Only the last octets of a sum may be odd in number.
    #[inline]
    pub(super) fn add(self, octets: &[u8]) -> Self {
        let (words, rest) = octets.as_chunks::<4>();
        // Spelled out: copying so few octets would be a call.
        let last = match *rest {
            [a] => [a, 0, 0, 0],
            [a, b] => [a, b, 0, 0],
            [a, b, c] => [a, b, c, 0],
            _ => [0; 4],
        };
        // Each is below 2^32, so 2^32 of them fit.
        let sum: u64 = words.iter().map(|word| u64::from(u32::from_ne_bytes(*word))).sum();
        Self(self.0 + sum + u64::from(u32::from_ne_bytes(last)))
    }

    /// With a number of 16 bits, as it stands in a header: what is about to be written need not be read again.
    #[inline]
    pub(super) fn add_short(self, number: u16) -> Self {
        Self(self.0 + u64::from(number.to_be()))
    }

    /// With a number of 32 bits.
    #[inline]
    pub(super) fn add_long(self, number: u32) -> Self {
        Self(self.0 + u64::from(number.to_be()))
    }

    /// The checksum field that belongs to these octets.
    #[inline]
    pub(super) fn field(self) -> [u8; 2] {
        (!self.folded()).to_ne_bytes()
    }

    /// Whether the octets, their checksum field among them, are undamaged.
    #[inline]
    pub(super) fn is_right(self) -> bool {
        self.folded() == u16::MAX
    }

    #[inline]
    fn folded(self) -> u16 {
        // Each line halves it, but for a carry; no loop, as how often it runs would depend on the octets.
        let sum = (self.0 & u64::from(u32::MAX)) + (self.0 >> 32);
        let sum = (sum & u64::from(u16::MAX)) + (sum >> 16 & u64::from(u16::MAX)) + (sum >> 32);
        let sum = (sum & u64::from(u16::MAX)) + (sum >> 16);
        let sum = (sum & u64::from(u16::MAX)) + (sum >> 16);
        #[expect(clippy::cast_possible_truncation, reason = "nothing is left above")]
        {
            sum as u16
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_rfc_1071() {
        // Section 3: 0001, f203, f4f5 and f6f7 sum up to ddf2.
        let octets = [0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7];
        assert_eq!(Sum::ZERO.add(&octets).field(), (!0xddf2_u16).to_be_bytes());
    }

    #[test]
    fn a_sum_in_parts_is_the_sum_of_the_whole() {
        let octets: Vec<u8> = (0..=254).collect();
        for cut in (0..octets.len()).step_by(2) {
            let (front, back) = octets.split_at(cut);
            assert_eq!(Sum::ZERO.add(front).add(back).field(), Sum::ZERO.add(&octets).field(), "cut at {cut}");
        }
    }

    #[test]
    fn a_number_counts_as_its_octets_do() {
        let octets = [0x12, 0x34, 0xfe, 0xdc, 0xba, 0x98];
        let sum = Sum::ZERO.add_short(0x1234).add_long(0xfedc_ba98);
        assert_eq!(sum.field(), Sum::ZERO.add(&octets).field());
    }

    #[test]
    fn the_largest_sum_is_folded_whole() {
        for (sum, folded) in [(u64::MAX, 0xffff), (0xffff_ffff, 0xffff), (0x1_0000_0000, 1), (0xffff_fffe_ffff_ffff, 0xfffe), (0, 0)] {
            assert_eq!(Sum(sum).folded(), folded, "{sum:#x}");
        }
    }

    #[test]
    fn both_zeros_are_right() {
        // Ones' complement has two, and some senders write the other one (RFC 1071 section 2).
        for field in [[0, 0], [0xff, 0xff]] {
            assert!(Sum::ZERO.add(&[0x12, 0x34, 0xed, 0xcb]).add(&field).is_right());
        }
        assert!(!Sum::ZERO.add(&[0x12, 0x34, 0xed, 0xcb]).add(&[0, 1]).is_right());
    }
}
