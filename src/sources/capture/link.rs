//! What stands before the IP packet: the headers of links, by the number that capture files give them.

use std::borrow::Cow;

use super::{Seen, Unread};
use crate::trace::Payload;
use crate::wire::{Checksums, Decoded, WireError, decode_ether, decode_packet};

/// The link types that are read, by the numbers of the registry (draft-ietf-opsawg-pcaplinktype).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) enum Link {
    /// 1: Ethernet.
    Ethernet,
    /// 101, and 12 and 14 as some BSDs number it; 228 and 229: an IP packet and nothing before it.
    Raw,
    /// 0 and 108: the address family in four octets, in the byte order of the host or of the network.
    Null,
    /// 113: Linux "cooked", what `tcpdump -i any` wrote for long.
    Cooked,
    /// 276: its second version.
    Cooked2,
}

impl Link {
    /// The link of this number; the upper half of the word tells of a frame check sequence and is not looked at.
    pub(super) const fn of(number: u32) -> Option<Self> {
        match number & 0xffff {
            1 => Some(Self::Ethernet),
            101 | 12 | 14 | 228 | 229 => Some(Self::Raw),
            0 | 108 => Some(Self::Null),
            113 => Some(Self::Cooked),
            276 => Some(Self::Cooked2),
            _ => None,
        }
    }

    /// The protocol behind the header, where that begins, and whether the frame was sent or received, where the header says.
    fn header(self, octets: &[u8]) -> Result<(Protocol, usize, Seen), Unread> {
        let word = |at: usize| octets.get(at..at + 2).map(|word| u16::from_be_bytes([word[0], word[1]])).ok_or(Unread::CutShort);
        match self {
            Self::Raw => Ok((Protocol::Ip, 0, Seen::Passing)),
            Self::Null => {
                let family = octets.first_chunk::<4>().ok_or(Unread::CutShort)?;
                let family = u32::from_be_bytes(*family).min(u32::from_le_bytes(*family));
                // AF_INET, and AF_INET6 of Linux, NetBSD and OpenBSD, FreeBSD, Darwin.
                if matches!(family, 2 | 10 | 24 | 28 | 30) { Ok((Protocol::Ip, 4, Seen::Passing)) } else { Err(Unread::Family { family }) }
            }
            Self::Ethernet => tagged(octets, 12, Seen::Passing),
            Self::Cooked => tagged(octets, 14, direction(word(0)?)),
            Self::Cooked2 => {
                let seen = direction(u16::from(*octets.get(10).ok_or(Unread::CutShort)?));
                let protocol = word(0)?;
                // A tag takes the place of the protocol, its rest begins where the packet would.
                if TAGS.contains(&protocol) { tagged(octets, 22, seen) } else { Ok((Protocol::Ether(protocol), 20, seen)) }
            }
        }
    }
}

enum Protocol {
    Ip,
    Ether(u16),
}

/// 802.1Q, 802.1ad and the number that was used for two tags before that.
const TAGS: [u16; 3] = [0x8100, 0x88a8, 0x9100];

/// The EtherType that stands at `at`, or behind the VLAN tags that stand there.
fn tagged(octets: &[u8], mut at: usize, seen: Seen) -> Result<(Protocol, usize, Seen), Unread> {
    loop {
        let word = octets.get(at..at + 2).ok_or(Unread::CutShort)?;
        let ether_type = u16::from_be_bytes([word[0], word[1]]);
        if !TAGS.contains(&ether_type) {
            return Ok((Protocol::Ether(ether_type), at + 2, seen));
        }
        at += 4;
    }
}

/// What the packet type of a cooked header says: 0 to 2 came for this host, 3 is for another, 4 is of this host.
fn direction(kind: u16) -> Seen {
    match kind {
        0..=2 => Seen::Received,
        4 => Seen::Sent,
        _ => Seen::Passing,
    }
}

/// A frame that was read.
pub(super) struct Frame<'a> {
    pub decoded: Decoded<'a>,
    /// Whether the header of the link says so.
    pub seen: Seen,
    /// Whether its checksums are right; a packet that is cut short is believed.
    pub intact: bool,
    /// The identification of an IPv4 packet, which tells a segment from the same segment sent again.
    pub identification: Option<u16>,
}

/// Octets as captured, with zeros for those that the capture left out, so that lengths can be believed.
pub(super) fn whole(octets: &[u8], original: u32) -> Cow<'_, [u8]> {
    let original = usize::try_from(original).unwrap_or(usize::MAX).min(LONGEST);
    if original <= octets.len() {
        return Cow::Borrowed(octets);
    }
    let mut whole = Vec::with_capacity(original);
    whole.extend_from_slice(octets);
    whole.resize(original, 0);
    Cow::Owned(whole)
}

/// The longest a frame can be that is read: the longest IP packet and any header.
const LONGEST: usize = 65_535 + 64;

/// Reads a frame of which `captured` octets are real, the others zeros.
pub(super) fn decode(link: Link, octets: &[u8], captured: usize) -> Result<Frame<'_>, Unread> {
    let (protocol, at, seen) = link.header(&octets[..captured.min(octets.len())])?;
    let behind = &octets[at..];
    let read = |checksums| match protocol {
        Protocol::Ip => decode_packet(behind, checksums),
        Protocol::Ether(ether_type) => decode_ether(ether_type, behind, checksums),
    };
    let identification = match behind {
        [version, _, _, _, high, low, ..] if version >> 4 == 4 => Some(u16::from_be_bytes([*high, *low])).filter(|number| *number != 0),
        _ => None,
    };
    let mut decoded = read(Checksums::Trust).map_err(Unread::Wire)?;
    if captured >= octets.len() {
        let wrong = |error| matches!(error, WireError::Checksum { .. } | WireError::HeaderChecksum { .. });
        let intact = !read(Checksums::Verify).is_err_and(wrong);
        return Ok(Frame { decoded, seen, intact, identification });
    }
    let (Payload::Tcp { text, .. } | Payload::Udp { text }) = &mut decoded.payload else { return Err(Unread::CutShort) };
    // Headers must be real; of the text what is there is kept.
    let begins = text.as_ptr() as usize - octets.as_ptr() as usize;
    let there = captured.checked_sub(begins).ok_or(Unread::CutShort)?;
    *text = &text[..text.len().min(there)];
    Ok(Frame { decoded, seen, intact: true, identification })
}
