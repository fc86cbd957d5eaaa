//! A live packet, as far as a script can speak of it.

use crate::engine::Segment;
use crate::trace::{End, Envelope, Payload};
use crate::wire::{Checksums, Decoded, WireError, decode_packet, unwrap_udp};

/// A packet of the stack under test, or one the script sends to it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Live {
    pub(super) source: End,
    pub(super) destination: End,
    pub(super) envelope: Envelope,
    pub(super) body: LiveBody,
    /// The checksum of its IPv4 header, and what it should be, if it is wrong.
    pub(super) header_checksum: Option<(u16, u16)>,
}

/// What it carries.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum LiveBody {
    Tcp {
        segment: Segment,
        /// Whether its text is zeros, as all text of a script is.
        zeros: bool,
        /// The three bits between data offset and AE.
        reserved: u8,
    },
    Udp {
        /// Octets of text.
        len: usize,
        zeros: bool,
    },
    Icmp {
        kind: u8,
        code: u8,
        /// What stands behind the checksum: an MTU, an id.
        word: u32,
    },
}

impl Live {
    /// Reads a packet; `None` for one no script speaks of.
    ///
    /// TCP's and UDP's checksums are not looked at: a network card may fill them in later.
    pub(super) fn read(octets: &[u8], in_udp: bool) -> Option<Self> {
        let mut header_checksum = None;
        let decoded = match decode_packet(octets, Checksums::Verify) {
            Err(WireError::HeaderChecksum { found, right }) => {
                header_checksum = Some((found, right));
                decode_packet(octets, Checksums::Trust)
            }
            Err(WireError::Checksum { .. }) => decode_packet(octets, Checksums::Trust),
            other => other,
        };
        let (ip, behind) = ip_header(octets)?;
        match decoded {
            Ok(decoded) => {
                let decoded = if in_udp { unwrap_udp(&decoded).unwrap_or(decoded) } else { decoded };
                let around_tcp = if decoded.envelope.udp.is_some() { 8 } else { 0 };
                let body = match decoded.payload {
                    Payload::Tcp { segment, text } => {
                        let reserved = octets.get(behind + around_tcp + 12).map_or(0, |octet| octet >> 1 & 7);
                        LiveBody::Tcp { segment, zeros: is_zeros(text), reserved }
                    }
                    Payload::Udp { text } => LiveBody::Udp { len: text.len(), zeros: is_zeros(text) },
                    Payload::Icmp(_) => icmp(octets, behind)?,
                    Payload::Neighbour(_) => return None,
                };
                let Decoded { source, destination, envelope, .. } = decoded;
                Some(Self { source, destination, envelope, body, header_checksum })
            }
            // A message without a name here may have a number in the script.
            Err(WireError::IcmpType { .. } | WireError::Quote { .. }) => {
                let (source, destination, envelope) = ip;
                Some(Self { source, destination, envelope, body: icmp(octets, behind)?, header_checksum })
            }
            Err(_) => None,
        }
    }

    /// The segment, if it is one.
    pub(super) const fn segment(&self) -> Option<&Segment> {
        match &self.body {
            LiveBody::Tcp { segment, .. } => Some(segment),
            LiveBody::Udp { .. } | LiveBody::Icmp { .. } => None,
        }
    }
}

fn is_zeros(text: &[u8]) -> bool {
    text.iter().all(|octet| *octet == 0)
}

type IpHeader = (End, End, Envelope);

/// The addresses and the envelope of an IP header, and where it ends; extension headers are not passed over.
fn ip_header(octets: &[u8]) -> Option<(IpHeader, usize)> {
    let end = |address: &[u8]| {
        let four = <[u8; 4]>::try_from(address).map(std::net::IpAddr::from);
        let address = four.or_else(|_| <[u8; 16]>::try_from(address).map(std::net::IpAddr::from)).ok()?;
        Some(End { address, port: 0 })
    };
    let first = *octets.first()?;
    if first >> 4 == 6 {
        let envelope = Envelope { ttl: *octets.get(7)?, ..Envelope::PLAIN }.with_tos(first << 4 | octets.get(1)? >> 4);
        Some(((end(octets.get(8..24)?)?, end(octets.get(24..40)?)?, envelope), 40))
    } else {
        let envelope = Envelope { ttl: *octets.get(8)?, ..Envelope::PLAIN }.with_tos(*octets.get(1)?);
        Some(((end(octets.get(12..16)?)?, end(octets.get(16..20)?)?, envelope), usize::from(first & 15) * 4))
    }
}

fn icmp(octets: &[u8], behind: usize) -> Option<LiveBody> {
    let &[kind, code, _, _, a, b, c, d, ..] = octets.get(behind..)? else { return None };
    Some(LiveBody::Icmp { kind, code, word: u32::from_be_bytes([a, b, c, d]) })
}
