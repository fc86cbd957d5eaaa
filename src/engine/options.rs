//! TCP options as an endpoint writes and reads them: the option area of a segment, in order.
//!
//! The area is kept as it stands on the wire (at most 40 octets, RFC 9293 section 3.1), because
//! order and padding are facts a trace must show and because unknown options must survive.

use std::fmt;

use super::fastopen::FastOpenCookie;

/// The option area of one segment: 0 to 40 octets, a multiple of 4 once [`TcpOptions::padded`].
#[derive(Clone, Copy)]
pub struct TcpOptions {
    area: [u8; Self::MAX],
    /// A whole word: segments are copied often, and a copy in words is much quicker than one in octets.
    len: usize,
}

/// The kind of options that are being tried, whose first octets say which (RFC 6994).
const EXPERIMENTAL: u8 = 254;
/// Those of fast open (RFC 7413 section 4.1.1).
const FAST_OPEN_MAGIC: [u8; 2] = [0xf9, 0x89];

/// TSval and TSecr (RFC 7323 section 3.2).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Timestamps {
    /// The sender's clock.
    pub val: u32,
    /// The peer's clock, echoed; meaningless without ACK.
    pub ecr: u32,
}

/// One option of the area.
// MUST-4: kinds 0, 1 and 2; R7323-1, R7323-9, R2018-1: kinds 3, 8 and 4.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum TcpOption<'a> {
    /// End of the option list, kind 0.
    EndOfList,
    /// No operation, kind 1.
    NoOperation,
    /// Maximum segment size in octets, kind 2 (RFC 9293 section 3.7.1).
    MaximumSegmentSize(u16),
    /// Window scale as a shift count, kind 3 (RFC 7323 section 2.2).
    WindowScale(u8),
    /// SACK permitted, kind 4 (RFC 2018 section 2).
    SackPermitted,
    /// SACK blocks as raw octets, 8 a block, kind 5 (RFC 2018 section 3).
    Sack(&'a [u8]),
    /// Timestamps, kind 8 (RFC 7323 section 3.2).
    Timestamps(Timestamps),
    /// Fast open, kind 34 or the experimental 254: a cookie, or nothing to ask for one (RFC 7413 section 4.1.1).
    FastOpen(FastOpenCookie),
    /// Any other kind, with its octets after the length.
    Unknown {
        /// The kind octet.
        kind: u8,
        /// What follows the length octet.
        data: &'a [u8],
    },
    /// Octets that are no option: a length below 2 or beyond the area (MUST-7: not a reason to crash).
    Malformed(&'a [u8]),
}

impl TcpOptions {
    /// The most octets the area can have: a data offset of 15 words less the fixed header.
    pub const MAX: usize = 40;
    /// No options.
    pub const NONE: Self = Self { area: [0; Self::MAX], len: 0 };

    /// The area with exactly these octets.
    ///
    /// Returns `None` for more than 40 octets.
    #[inline]
    pub fn from_octets(octets: &[u8]) -> Option<Self> {
        let mut options = Self::NONE;
        // As in nearly all segments of who uses no timestamps.
        if octets.is_empty() {
            return Some(options);
        }
        options.area.get_mut(..octets.len())?.copy_from_slice(octets);
        options.len = octets.len();
        Some(options)
    }

    /// The octets of the area.
    #[inline]
    pub fn octets(&self) -> &[u8] {
        &self.area[..self.len]
    }

    /// Writes over what the first option of this kind holds; `false` if there is none that holds as many octets.
    pub fn fill(&mut self, kind: u8, data: &[u8]) -> bool {
        let mut at = 0;
        while let Some(&found) = self.octets().get(at) {
            let len = match (found, self.octets().get(at + 1)) {
                (0, _) => return false,
                (1, _) => 1,
                (_, Some(&len)) if len >= 2 => usize::from(len),
                (_, _) => return false,
            };
            if found == kind && len == data.len() + 2 && at + len <= self.len {
                self.area[at + 2..at + len].copy_from_slice(data);
                return true;
            }
            at += len;
        }
        false
    }

    /// Whether there is no option.
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Puts these octets behind those that are there, if they fit.
    const fn append(&mut self, octets: &[u8]) {
        let start = self.len;
        if start + octets.len() > Self::MAX {
            return;
        }
        let mut i = 0;
        while i < octets.len() {
            self.area[start + i] = octets[i];
            i += 1;
        }
        self.len = start + octets.len();
    }

    /// Adds a no-operation behind.
    pub(super) const fn add_nop(&mut self) {
        self.append(&[1]);
    }

    /// Adds no-operations until the next option begins at `remainder` modulo `modulus`.
    pub(super) const fn align(&mut self, remainder: usize, modulus: usize) {
        while self.len % modulus != remainder {
            self.add_nop();
        }
    }

    /// Adds the maximum segment size behind, in octets.
    pub(super) const fn add_mss(&mut self, octets: u16) {
        let [high, low] = octets.to_be_bytes();
        self.append(&[2, 4, high, low]);
    }

    /// Adds the window scale behind, as a shift count.
    pub(super) const fn add_window_scale(&mut self, shift: u8) {
        self.append(&[3, 3, shift]);
    }

    /// Adds the window scale behind, if there is one, with a no-operation before it: four octets.
    pub(super) const fn add_scale_behind_nop(&mut self, shift: Option<u8>) {
        if let Some(shift) = shift {
            self.append(&[1, 3, 3, shift]);
        }
    }

    /// Adds SACK-permitted behind.
    pub(super) const fn add_sack_permitted(&mut self) {
        self.append(&[4, 2]);
    }

    /// Adds timestamps behind.
    pub(super) const fn add_timestamps(&mut self, ts: Timestamps) {
        let ([a, b, c, d], [e, f, g, h]) = (ts.val.to_be_bytes(), ts.ecr.to_be_bytes());
        self.append(&[8, 10, a, b, c, d, e, f, g, h]);
    }

    /// Adds a fast open cookie, or the request for one, behind, if so many octets stay free.
    pub(super) fn add_fast_open(&mut self, cookie: &FastOpenCookie, free: usize) {
        #[expect(clippy::cast_possible_truncation, reason = "16 at most")]
        let len = cookie.octets().len() as u8;
        let [high, low] = FAST_OPEN_MAGIC;
        let head: &[u8] = if cookie.is_experimental() { &[EXPERIMENTAL, 4 + len, high, low] } else { &[34, 2 + len] };
        // One that does not fit is not cut: it would be another.
        if self.len + head.len() + usize::from(len) + free <= Self::MAX {
            self.append(head);
            self.append(cookie.octets());
        }
    }

    /// Adds SACK blocks behind, two no-operations before them, as many as fit where so many octets stay free; nothing if
    /// there are none.
    pub(super) fn add_sack(&mut self, blocks: impl Iterator<Item = (u32, u32)>, free: usize) {
        let most = Self::MAX.saturating_sub(self.len + free + 4) / 8;
        let start = self.len;
        let mut len = 2;
        for (from, to) in blocks.take(most) {
            if len == 2 {
                self.append(&[1, 1, 5, 0]);
            }
            self.append(&from.to_be_bytes());
            self.append(&to.to_be_bytes());
            len += 8;
        }
        if len > 2 {
            self.area[start + 3] = len;
        }
    }

    /// Fills up with end-of-list octets to a multiple of 4.
    // MUST-69: behind the last option there are only zeros.
    pub(super) const fn pad(&mut self) {
        while !self.len.is_multiple_of(4) {
            self.append(&[0]);
        }
    }

    /// With a no-operation behind.
    #[must_use]
    pub const fn nop(mut self) -> Self {
        self.add_nop();
        self
    }

    /// With the maximum segment size behind, in octets.
    #[must_use]
    pub const fn mss(mut self, octets: u16) -> Self {
        self.add_mss(octets);
        self
    }

    /// With the window scale behind, as a shift count.
    #[must_use]
    pub const fn window_scale(mut self, shift: u8) -> Self {
        self.add_window_scale(shift);
        self
    }

    /// With SACK-permitted behind.
    #[must_use]
    pub const fn sack_permitted(mut self) -> Self {
        self.add_sack_permitted();
        self
    }

    /// With timestamps behind.
    #[must_use]
    pub const fn timestamps(mut self, ts: Timestamps) -> Self {
        self.add_timestamps(ts);
        self
    }

    /// With one SACK block behind, from `start` up to but not including `end`.
    #[must_use]
    pub const fn sack(mut self, start: u32, end: u32) -> Self {
        let ([a, b, c, d], [e, f, g, h]) = (start.to_be_bytes(), end.to_be_bytes());
        self.append(&[5, 10, a, b, c, d, e, f, g, h]);
        self
    }

    /// Filled with end-of-list octets to a multiple of 4.
    #[must_use]
    #[inline]
    pub const fn padded(mut self) -> Self {
        self.pad();
        self
    }

    /// The area that prints as `text`; `None` where no octets do, or where they are more than 40.
    pub fn spelled(text: &str) -> Option<Self> {
        let mut octets = Vec::new();
        for option in text.split(',').filter(|option| !option.is_empty()) {
            let words: Vec<&str> = option.split(' ').collect();
            match words[..] {
                ["nop"] => octets.push(1),
                ["eol"] => octets.push(0),
                ["sackOK"] => octets.extend([4, 2]),
                ["FO"] => octets.extend([34, 2]),
                ["FOEXP"] => octets.extend([EXPERIMENTAL, 4, FAST_OPEN_MAGIC[0], FAST_OPEN_MAGIC[1]]),
                ["FOEXP", cookie] => {
                    let cookie = hex(cookie)?;
                    octets.extend([EXPERIMENTAL, u8::try_from(4 + cookie.len()).ok()?, FAST_OPEN_MAGIC[0], FAST_OPEN_MAGIC[1]]);
                    octets.extend(cookie);
                }
                ["FO", cookie] => {
                    let cookie = hex(cookie)?;
                    octets.extend([34, u8::try_from(2 + cookie.len()).ok()?]);
                    octets.extend(cookie);
                }
                ["mss", mss] => {
                    octets.extend([2, 4]);
                    octets.extend(mss.parse::<u16>().ok()?.to_be_bytes());
                }
                ["wscale", shift] => octets.extend([3, 3, shift.parse().ok()?]),
                ["TS", "val", val, "ecr", ecr] => {
                    octets.extend([8, 10]);
                    octets.extend(val.parse::<u32>().ok()?.to_be_bytes());
                    octets.extend(ecr.parse::<u32>().ok()?.to_be_bytes());
                }
                ["sack", ref blocks @ ..] => {
                    octets.extend([5, u8::try_from(2 + 8 * blocks.len()).ok()?]);
                    for block in blocks {
                        let (from, to) = block.split_once(':')?;
                        octets.extend(from.parse::<u32>().ok()?.to_be_bytes());
                        octets.extend(to.parse::<u32>().ok()?.to_be_bytes());
                    }
                }
                ["kind", kind, data] => {
                    let data = hex(data)?;
                    octets.extend([kind.parse().ok()?, u8::try_from(2 + data.len()).ok()?]);
                    octets.extend(data);
                }
                ["malformed", data] => octets.extend(hex(data)?),
                _ => return None,
            }
        }
        Self::from_octets(&octets)
    }

    /// The options, in order; ends after end-of-list or at the first malformed one.
    pub fn iter(&self) -> impl Iterator<Item = TcpOption<'_>> {
        let mut rest = self.octets();
        std::iter::from_fn(move || {
            let (option, after) = first_option(rest)?;
            rest = after;
            Some(option)
        })
    }

    /// What the handshake negotiates, read in one pass; of what is repeated the last counts.
    pub fn offers(&self) -> Offers {
        let mut offers = Offers::default();
        for option in self.iter() {
            match option {
                TcpOption::MaximumSegmentSize(mss) => offers.mss = Some(mss),
                TcpOption::WindowScale(shift) => offers.window_scale = Some(shift),
                TcpOption::SackPermitted => offers.sack_permitted = true,
                TcpOption::Timestamps(ts) => offers.timestamps = Some(ts),
                TcpOption::FastOpen(_)
                | TcpOption::EndOfList
                | TcpOption::NoOperation
                | TcpOption::Sack(_)
                | TcpOption::Unknown { .. }
                | TcpOption::Malformed(_) => {}
            }
        }
        offers
    }

    /// The last fast open cookie, or request for one, if the area has either: few connections look for it.
    pub fn fast_open(&self) -> Option<FastOpenCookie> {
        self.iter().filter_map(|option| if let TcpOption::FastOpen(cookie) = option { Some(cookie) } else { None }).last()
    }

    /// The timestamps, if the area has them.
    #[inline]
    pub fn get_timestamps(&self) -> Option<Timestamps> {
        // RFC 7323 appendix A recommends this layout, and nearly every segment has it.
        if let [1, 1, 8, 10, rest @ ..] = self.octets() {
            return timestamps(rest);
        }
        self.find_timestamps()
    }

    /// The timestamps, wherever they stand.
    // Apart, so that whoever asks is not made long by it.
    #[cold]
    fn find_timestamps(&self) -> Option<Timestamps> {
        self.iter().find_map(|option| if let TcpOption::Timestamps(ts) = option { Some(ts) } else { None })
    }
}

/// The options that take part in the handshake, as one segment carries them.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct Offers {
    /// Maximum segment size in octets.
    pub mss: Option<u16>,
    /// Window scale shift count, as written; RFC 7323 section 2.3 reads more than 14 as 14.
    pub window_scale: Option<u8>,
    /// SACK permitted.
    pub sack_permitted: bool,
    /// Timestamps.
    pub timestamps: Option<Timestamps>,
}

fn timestamps(octets: &[u8]) -> Option<Timestamps> {
    let (val, rest) = octets.split_first_chunk::<4>()?;
    let (ecr, _) = rest.split_first_chunk::<4>()?;
    Some(Timestamps { val: u32::from_be_bytes(*val), ecr: u32::from_be_bytes(*ecr) })
}

/// The octets of so many pairs of hexadecimal digits.
fn hex(text: &str) -> Option<Vec<u8>> {
    let digit = |octet: u8| char::from(octet).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let (pairs, []) = text.as_bytes().as_chunks::<2>() else { return None };
    pairs.iter().map(|&[high, low]| Some(digit(high)? << 4 | digit(low)?)).collect()
}

// MUST-5, MUST-6, MUST-64, MUST-68: any option in any segment and at any place; but for kinds 0 and 1 it has a length, by which an unknown one is skipped.
// Inlined, or a whole `TcpOption` would be written to memory for each octet of padding.
#[expect(clippy::inline_always, reason = "measured: reading the options of a SYN takes a third of the time")]
#[inline(always)]
fn first_option(area: &[u8]) -> Option<(TcpOption<'_>, &[u8])> {
    let (&kind, after_kind) = area.split_first()?;
    match kind {
        0 => return Some((TcpOption::EndOfList, &[])),
        1 => return Some((TcpOption::NoOperation, after_kind)),
        _ => {}
    }
    let body = after_kind.split_first().and_then(|(&len, rest)| rest.split_at_checked(usize::from(len).checked_sub(2)?));
    let Some((data, after)) = body else {
        return Some((TcpOption::Malformed(area), &[]));
    };
    let option = match (kind, data) {
        (2, &[high, low]) => TcpOption::MaximumSegmentSize(u16::from_be_bytes([high, low])),
        (3, &[shift]) => TcpOption::WindowScale(shift),
        (4, []) => TcpOption::SackPermitted,
        (5, blocks) if blocks.len().is_multiple_of(8) => TcpOption::Sack(blocks),
        (8, data) if data.len() == 8 => timestamps(data).map_or(TcpOption::Unknown { kind, data }, TcpOption::Timestamps),
        // R7413-1: of another length it is no cookie, and ignored.
        (EXPERIMENTAL, &[high, low, ref cookie @ ..]) if [high, low] == FAST_OPEN_MAGIC => {
            FastOpenCookie::new(cookie).map_or(TcpOption::Unknown { kind, data }, |cookie| TcpOption::FastOpen(cookie.in_form(true)))
        }
        (34, data) => FastOpenCookie::new(data).map_or(TcpOption::Unknown { kind, data }, TcpOption::FastOpen),
        _ => TcpOption::Unknown { kind, data },
    };
    Some((option, after))
}

impl Default for TcpOptions {
    fn default() -> Self {
        Self::NONE
    }
}

impl PartialEq for TcpOptions {
    fn eq(&self, other: &Self) -> bool {
        self.octets() == other.octets()
    }
}

impl Eq for TcpOptions {}

impl std::hash::Hash for TcpOptions {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.octets().hash(state);
    }
}

impl fmt::Display for TcpOption<'_> {
    /// The words packetdrill uses: `mss 1460`, `sackOK`, `TS val 1 ecr 0`, `nop`, `wscale 7`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hex = |f: &mut fmt::Formatter<'_>, octets: &[u8]| octets.iter().try_for_each(|octet| write!(f, "{octet:02x}"));
        match self {
            Self::EndOfList => write!(f, "eol"),
            Self::NoOperation => write!(f, "nop"),
            Self::MaximumSegmentSize(mss) => write!(f, "mss {mss}"),
            Self::WindowScale(shift) => write!(f, "wscale {shift}"),
            Self::SackPermitted => write!(f, "sackOK"),
            Self::Sack(blocks) => {
                write!(f, "sack")?;
                for block in blocks.chunks_exact(8) {
                    let edge = |at: usize| u32::from_be_bytes([block[at], block[at + 1], block[at + 2], block[at + 3]]);
                    write!(f, " {}:{}", edge(0), edge(4))?;
                }
                Ok(())
            }
            Self::Timestamps(ts) => write!(f, "TS val {} ecr {}", ts.val, ts.ecr),
            Self::FastOpen(cookie) => {
                let name = if cookie.is_experimental() { "FOEXP" } else { "FO" };
                if cookie.is_request() { write!(f, "{name}") } else { write!(f, "{name} {cookie:?}") }
            }
            Self::Unknown { kind, data } => {
                write!(f, "kind {kind} ")?;
                hex(f, data)
            }
            Self::Malformed(octets) => {
                write!(f, "malformed ")?;
                hex(f, octets)
            }
        }
    }
}

impl fmt::Display for TcpOptions {
    /// The options in order, separated by commas; trailing end-of-list padding is one `eol`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, option) in self.iter().enumerate() {
            write!(f, "{}{option}", if index == 0 { "" } else { "," })?;
        }
        Ok(())
    }
}

impl fmt::Debug for TcpOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<{self}>")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_back() {
        // MUST-4, R7323-1, R7323-9, R2018-1.
        let ts = Timestamps { val: 1000, ecr: 7 };
        let options = TcpOptions::NONE.mss(1460).sack_permitted().timestamps(ts).nop().window_scale(7);
        assert_eq!(options.octets().len(), 20);
        assert_eq!(options.to_string(), "mss 1460,sackOK,TS val 1000 ecr 7,nop,wscale 7");
        assert_eq!(options.offers(), Offers { mss: Some(1460), window_scale: Some(7), sack_permitted: true, timestamps: Some(ts) });
    }

    #[test]
    fn what_is_printed_is_spelled_back() {
        let ts = Timestamps { val: 1000, ecr: 7 };
        for options in [
            TcpOptions::NONE,
            TcpOptions::NONE.mss(1460).sack_permitted().timestamps(ts).nop().window_scale(7),
            TcpOptions::NONE.nop().nop().sack(1, u32::MAX).padded(),
            TcpOptions::NONE.mss(1460).window_scale(7).padded(),
            TcpOptions::from_octets(&[5, 18, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 4]).expect("short enough"),
            TcpOptions::from_octets(&[77, 4, 1, 0xab, 8, 1]).expect("short enough"),
            TcpOptions::from_octets(&[77, 5, 1, 2, 0xab]).expect("short enough"),
            TcpOptions::from_octets(&[34, 2, 34, 6, 1, 2, 0xab, 0xff]).expect("short enough"),
        ] {
            assert_eq!(TcpOptions::spelled(&options.to_string()), Some(options));
        }
        for text in ["mss 65536", "mss", "wscale 256", "TS val 1", "sack 1", "kind 77 0", "kind 77 zz", "malformed +1"] {
            assert_eq!(TcpOptions::spelled(text), None, "{text}");
        }
    }

    #[test]
    fn illegal_lengths_end_the_list_without_a_panic() {
        // MUST-7: an option with an illegal length must not crash the receiver.
        for octets in [&[2_u8][..], &[2, 0], &[2, 1, 5], &[8, 10, 1, 2], &[254, 40, 0], &[1, 1, 8, 10, 0]] {
            let options = TcpOptions::from_octets(octets).expect("short enough");
            assert!(matches!(options.iter().last(), Some(TcpOption::Malformed(_))), "{octets:?}");
            assert_eq!(options.get_timestamps(), None);
        }
    }

    #[test]
    fn unknown_options_are_kept_and_skipped() {
        // MUST-64, MUST-68: the length says where the next one begins, at whatever place.
        // MUST-6: an unknown option is ignored, and what follows is still read.
        let options = TcpOptions::from_octets(&[77, 4, 1, 2, 2, 4, 5, 180]).expect("short enough");
        assert_eq!(options.offers().mss, Some(1460));
        assert_eq!(options.to_string(), "kind 77 0102,mss 1460");
    }

    #[test]
    fn a_fast_open_option_of_a_wrong_length_is_ignored() {
        // R7413-1: length 2, or 6 to 18 and even.
        for len in 0..=20_u8 {
            let mut area = vec![34, len + 2];
            area.extend(vec![0xab; usize::from(len)]);
            let options = TcpOptions::from_octets(&area).expect("short enough");
            let right = len == 0 || ((4..=16).contains(&len) && len % 2 == 0);
            assert_eq!(options.fast_open().is_some(), right, "{options}");
            let text = if len == 0 { "FO".to_owned() } else { format!("FO {}", "ab".repeat(usize::from(len))) };
            assert_eq!(options.to_string() == text, right);
        }
    }

    #[test]
    fn a_cookie_in_the_experimental_option_is_a_cookie_all_the_same() {
        let area = [254, 8, 0xf9, 0x89, 1, 2, 3, 4];
        let options = TcpOptions::from_octets(&area).expect("short enough");
        let cookie = options.fast_open().expect("a cookie");
        assert_eq!((cookie.octets(), cookie.is_experimental()), (&[1, 2, 3, 4][..], true));
        let mut again = TcpOptions::NONE;
        again.add_fast_open(&cookie, 0);
        assert_eq!(again, options);
        for (text, area) in [("FOEXP 01020304", &area[..]), ("FOEXP", &[254, 4, 0xf9, 0x89])] {
            let options = TcpOptions::from_octets(area).expect("short enough");
            assert_eq!((options.to_string(), TcpOptions::spelled(text)), (text.to_owned(), Some(options)));
        }
        for other in [&[254, 8, 0xf9, 0x88, 1, 2, 3, 4][..], &[254, 7, 0xf9, 0x89, 1, 2, 3, 0], &[254, 3, 0xf9, 0]] {
            assert_eq!(TcpOptions::from_octets(other).expect("short enough").fast_open(), None, "{other:02x?}");
        }
    }

    #[test]
    fn forty_octets_fit_and_no_more() {
        assert!(TcpOptions::from_octets(&[1; 40]).is_some());
        assert!(TcpOptions::from_octets(&[1; 41]).is_none());
        let full = TcpOptions::from_octets(&[1; 40]).expect("fits");
        assert_eq!(full.mss(1), full);
    }
}
