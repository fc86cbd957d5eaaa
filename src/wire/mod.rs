//! Octets: a segment as an IP packet and as an Ethernet frame, there and back, with checksums.
//!
//! Here: IPv4 (RFC 791), IPv6 (RFC 8200), the TCP header (RFC 9293 section 3.1), Ethernet II.
//! Not here: what a segment means ([`crate::engine`]), capture files ([`crate::sinks::pcap`]).
//!
//! Decoding is made for what strangers send: it never panics, and every error says what stood
//! there and what would have been right. Both directions leave the heap alone, except that
//! encoding may grow the caller's buffer.
//!
//! ```
//! use synfin::engine::{Flags, Segment, SeqNumber, TcpOptions, WireWindow};
//! use synfin::trace::End;
//! use synfin::wire::{Checksums, decode_packet, encode_packet};
//!
//! let a = End { address: [10, 0, 0, 1].into(), port: 49152 };
//! let b = End { address: [10, 0, 0, 2].into(), port: 7 };
//! let syn = Segment {
//!     seq: SeqNumber::new(100),
//!     ack: SeqNumber::new(0),
//!     flags: Flags::SYN,
//!     window: WireWindow(65535),
//!     urgent: 0,
//!     len: 0,
//!     options: TcpOptions::NONE.mss(1460),
//! };
//! let mut packet = Vec::new();
//! encode_packet(a, b, 1, &syn, b"", &mut packet)?;
//! assert_eq!(packet.len(), 20 + 20 + 4);
//! assert_eq!(decode_packet(&packet, Checksums::Verify)?.segment, syn);
//! # Ok::<(), synfin::wire::WireError>(())
//! ```

mod checksum;
mod error;
#[cfg(test)]
mod tests;

use std::net::IpAddr;

use etherparse::{EtherType, Ethernet2Header, Ethernet2HeaderSlice, IpNumber, IpSlice, Ipv4Header, Ipv6Header, TcpHeader, TcpSlice};

use crate::engine::{Flags, Segment, SeqNumber, TcpOptions, WireWindow};
use crate::trace::{Damage, End, Packet};

use checksum::Sum;

pub use error::WireError;

/// Whether checksums are looked at when decoding.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Checksums {
    /// The IPv4 header's and TCP's must be right.
    Verify,
    /// Neither is looked at. A capture on the sending host is made before the network card fills
    /// them in, and on Linux's loopback nobody ever does.
    Trust,
}

/// What a packet carries.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Decoded<'a> {
    /// Source address and port.
    pub source: End,
    /// Destination address and port.
    pub destination: End,
    /// The segment, numbered as its sender does. The three reserved bits are not kept.
    pub segment: Segment,
    /// Its text, `segment.len` octets.
    pub text: &'a [u8],
}

/// Appends an IPv4 or IPv6 packet that carries `segment` to `out`, with right checksums.
///
/// Don't Fragment is set, the time to live is [`TIME_TO_LIVE`]. IPv6 has no place for the
/// `identification`. An option area whose length is no multiple of 4 is filled up with zeros, that
/// is with end-of-list.
///
/// # Errors
/// [`WireError::Families`] if one end is IPv4 and the other IPv6, [`WireError::TextLength`] if `text`
/// has not `segment.len` octets, [`WireError::TooLong`] if the header's 16-bit length cannot say how
/// long the packet is. `out` is as before then.
// MUST-2: the checksum is always filled in.
pub fn encode_packet(
    source: End,
    destination: End,
    identification: u16,
    segment: &Segment,
    text: &[u8],
    out: &mut Vec<u8>,
) -> Result<(), WireError> {
    if u32::try_from(text.len()) != Ok(segment.len) {
        return Err(WireError::TextLength { len: segment.len, text: text.len() });
    }
    let options = segment.options.padded();
    let octets = TcpHeader::MIN_LEN + options.octets().len() + text.len();
    let tcp_length = length(octets)?;
    let pseudo = match (source.address, destination.address) {
        (IpAddr::V4(source), IpAddr::V4(destination)) => {
            let total = length(Ipv4Header::MIN_LEN + octets)?;
            out.extend_from_slice(&ipv4_header(source.octets(), destination.octets(), identification, total));
            Sum::ZERO.add(&source.octets()).add(&destination.octets())
        }
        (IpAddr::V6(source), IpAddr::V6(destination)) => {
            let ip = Ipv6Header {
                payload_length: tcp_length,
                next_header: IpNumber::TCP,
                hop_limit: TIME_TO_LIVE,
                source: source.octets(),
                destination: destination.octets(),
                ..Ipv6Header::default()
            };
            out.extend_from_slice(&ip.to_bytes());
            Sum::ZERO.add(&ip.source).add(&ip.destination)
        }
        (source, destination) => return Err(WireError::Families { source_address: source, destination_address: destination }),
    };
    let start = out.len();
    out.extend_from_slice(&tcp_header(source.port, destination.port, segment, options.octets().len()));
    out.extend_from_slice(options.octets());
    out.extend_from_slice(text);
    // The rest of the pseudo-header (RFC 9293 section 3.1) is the same sum for IPv4 and IPv6.
    let sum = pseudo.add(&[0, IpNumber::TCP.0]).add(&tcp_length.to_be_bytes()).add(&out[start..]);
    out[start + CHECKSUM..][..2].copy_from_slice(&sum.field());
    Ok(())
}

/// Appends the same packet behind an Ethernet II header to `out`.
///
/// The frame is not padded to Ethernet's 60 octets: the network card does that, so a capture at the
/// sender sees frames without padding. There is no frame check sequence either.
///
/// # Errors
/// Those of [`encode_packet`].
#[expect(clippy::too_many_arguments, reason = "two more than `encode_packet`, in the order of the wire")]
pub fn encode_frame(
    link_source: [u8; 6],
    link_destination: [u8; 6],
    source: End,
    destination: End,
    identification: u16,
    segment: &Segment,
    text: &[u8],
    out: &mut Vec<u8>,
) -> Result<(), WireError> {
    let ether_type = if source.address.is_ipv4() { EtherType::IPV4 } else { EtherType::IPV6 };
    let start = out.len();
    out.extend_from_slice(&Ethernet2Header { source: link_source, destination: link_destination, ether_type }.to_bytes());
    encode_packet(source, destination, identification, segment, text, out).inspect_err(|_| out.truncate(start))
}

/// Octets of a segment on the wire: header, options, text.
pub fn segment_octets(segment: &Segment) -> u32 {
    let header = TcpHeader::MIN_LEN + segment.options.padded().octets().len();
    segment.len.saturating_add(u32::try_from(header).unwrap_or(u32::MAX))
}

/// Octets of the IP packet between such addresses that carries so many.
pub fn packet_octets(address: IpAddr, payload: u32) -> u32 {
    let header = if address.is_ipv4() { Ipv4Header::MIN_LEN } else { Ipv6Header::LEN };
    payload.saturating_add(u32::try_from(header).unwrap_or(u32::MAX))
}

/// Does to the IP packet in `octets`, one of ours, what the wire does to it; nothing where it has no such octet.
pub fn damage(octets: &mut [u8], damage: Damage) {
    let header = if octets.first().is_some_and(|first| first >> 4 == 6) { Ipv6Header::LEN } else { Ipv4Header::MIN_LEN };
    if let Some(octet) = octets.get_mut(header + usize::from(damage.octet)) {
        *octet ^= 1 << (damage.bit & 7);
    }
}

/// Whether the receiver of a packet finds its checksums right, and the packet whole (MUST-3).
pub fn is_intact(packet: &Packet) -> bool {
    let mut octets = Vec::new();
    if encode_packet(packet.source, packet.destination, 0, &packet.segment, &packet.text, &mut octets).is_err() {
        return false;
    }
    if let Some(done) = packet.damage {
        damage(&mut octets, done);
    }
    decode_packet(&octets, Checksums::Verify).is_ok()
}

/// Reads the IP packet that `octets` begin with; what follows it is padding and not looked at.
///
/// IPv4 options and IPv6 extension headers are skipped.
///
/// # Errors
/// [`WireError::NotTcp`] for another protocol, [`WireError::Fragment`] for a part of a packet,
/// [`WireError::HeaderChecksum`] and [`WireError::TcpChecksum`] if asked to verify, [`WireError::Ip`],
/// [`WireError::Jumbogram`] and [`WireError::Tcp`] for octets that are no packet or not a whole one.
pub fn decode_packet(octets: &[u8], checksums: Checksums) -> Result<Decoded<'_>, WireError> {
    let ip = IpSlice::from_slice(octets).map_err(|cause| WireError::Ip { cause })?;
    if let IpSlice::Ipv6(packet) = &ip
        && packet.header().payload_length() == 0
    {
        // etherparse would take all octets to the end of the buffer, padding included.
        return Err(WireError::Jumbogram);
    }
    if let (IpSlice::Ipv4(packet), Checksums::Verify) = (&ip, checksums) {
        verify(Sum::ZERO, packet.header().slice(), IPV4_CHECKSUM).map_err(|(found, right)| WireError::HeaderChecksum { found, right })?;
    }
    let payload = ip.payload();
    if payload.fragmented {
        return Err(WireError::Fragment);
    }
    if payload.ip_number != IpNumber::TCP {
        return Err(WireError::NotTcp { protocol: payload.ip_number.0 });
    }
    let tcp = TcpSlice::from_slice(payload.payload).map_err(|cause| WireError::Tcp { cause })?;
    if checksums == Checksums::Verify {
        verify_tcp(&ip, &tcp)?;
    }
    let text = tcp.payload();
    Ok(Decoded {
        source: End { address: ip.source_addr(), port: tcp.source_port() },
        destination: End { address: ip.destination_addr(), port: tcp.destination_port() },
        segment: Segment {
            seq: SeqNumber::new(tcp.sequence_number()),
            ack: SeqNumber::new(tcp.acknowledgment_number()),
            flags: flags(&tcp),
            window: WireWindow(tcp.window_size()),
            urgent: tcp.urgent_pointer(),
            len: u32::try_from(text.len()).map_err(|_| too_long(text.len()))?,
            options: TcpOptions::from_octets(tcp.options()).unwrap_or_default(),
        },
        text,
    })
}

/// Reads the same behind an Ethernet II header, whatever its addresses (on a loopback all zero).
///
/// # Errors
/// Those of [`decode_packet`]; [`WireError::Frame`] for less than a header, [`WireError::NotIp`] for
/// another protocol, 802.1Q tags among them.
pub fn decode_frame(octets: &[u8], checksums: Checksums) -> Result<Decoded<'_>, WireError> {
    let Ok(link) = Ethernet2HeaderSlice::from_slice(octets) else {
        return Err(WireError::Frame { octets: octets.len() });
    };
    match link.ether_type() {
        EtherType::IPV4 | EtherType::IPV6 => decode_packet(&octets[Ethernet2Header::LEN..], checksums),
        EtherType(ether_type) => Err(WireError::NotIp { ether_type }),
    }
}

/// Time to live of every packet written here (hop limit, in IPv6): 64, IANA's recommended default.
pub const TIME_TO_LIVE: u8 = 64;

/// Where the checksum stands in a TCP header (RFC 9293 section 3.1).
const CHECKSUM: usize = 16;

/// Where it stands in an IPv4 header (RFC 791 section 3.1).
const IPV4_CHECKSUM: usize = 10;

/// An IPv4 header without options; in place of etherparse's for the same reason as [`tcp_header`].
fn ipv4_header(source: [u8; 4], destination: [u8; 4], identification: u16, total: u16) -> [u8; Ipv4Header::MIN_LEN] {
    let mut header = [0; Ipv4Header::MIN_LEN];
    // Version 4, five words.
    header[0] = 0x45;
    header[2..4].copy_from_slice(&total.to_be_bytes());
    header[4..6].copy_from_slice(&identification.to_be_bytes());
    // Don't Fragment.
    header[6] = 0x40;
    header[8] = TIME_TO_LIVE;
    header[9] = IpNumber::TCP.0;
    header[12..16].copy_from_slice(&source);
    header[16..20].copy_from_slice(&destination);
    let checksum = Sum::ZERO.add(&header).field();
    header[IPV4_CHECKSUM..][..2].copy_from_slice(&checksum);
    header
}

/// The fixed part of a TCP header, without checksum.
///
/// etherparse has a `TcpHeader` for this, but it moves its 60 octets one at a time: with it, encoding took
/// three times as long.
fn tcp_header(source_port: u16, destination_port: u16, segment: &Segment, options: usize) -> [u8; TcpHeader::MIN_LEN] {
    #[expect(clippy::cast_possible_truncation, reason = "options are at most 40 octets: the offset is at most 15 words")]
    let offset = (TcpHeader::MIN_LEN + options) as u16 / 4;
    let mut header = [0; TcpHeader::MIN_LEN];
    header[0..2].copy_from_slice(&source_port.to_be_bytes());
    header[2..4].copy_from_slice(&destination_port.to_be_bytes());
    header[4..8].copy_from_slice(&segment.seq.get().to_be_bytes());
    header[8..12].copy_from_slice(&segment.ack.get().to_be_bytes());
    header[12..14].copy_from_slice(&(offset << 12 | segment.flags.bits()).to_be_bytes());
    header[14..16].copy_from_slice(&segment.window.0.to_be_bytes());
    header[18..20].copy_from_slice(&segment.urgent.to_be_bytes());
    header
}

fn flags(tcp: &TcpSlice<'_>) -> Flags {
    // Octets 12 and 13 of the header are data offset, reserved bits and flags; a slice has at least 20.
    let header = tcp.header_slice();
    Flags::from_bits(u16::from_be_bytes([header[12], header[13]]))
}

// MUST-3.
fn verify_tcp(ip: &IpSlice<'_>, tcp: &TcpSlice<'_>) -> Result<(), WireError> {
    let addresses = match ip {
        IpSlice::Ipv4(packet) => Sum::ZERO.add(&packet.header().source()).add(&packet.header().destination()),
        IpSlice::Ipv6(packet) => Sum::ZERO.add(&packet.header().source()).add(&packet.header().destination()),
    };
    let pseudo = addresses.add(&[0, IpNumber::TCP.0]).add(&length(tcp.slice().len())?.to_be_bytes());
    verify(pseudo, tcp.slice(), CHECKSUM).map_err(|(found, right)| WireError::TcpChecksum { found, right })
}

/// Looks at the checksum that stands at `field` and says, if it is wrong, what it is and what it ought to be.
fn verify(before: Sum, octets: &[u8], field: usize) -> Result<(), (u16, u16)> {
    if before.add(octets).is_right() {
        return Ok(());
    }
    let right = before.add(&octets[..field]).add(&octets[field + 2..]).field();
    Err((u16::from_be_bytes([octets[field], octets[field + 1]]), u16::from_be_bytes(right)))
}

/// A length as IP headers say it.
fn length(octets: usize) -> Result<u16, WireError> {
    u16::try_from(octets).map_err(|_| too_long(octets))
}

fn too_long(octets: usize) -> WireError {
    WireError::TooLong { octets, at_most: u16::MAX }
}
