//! Octets: a packet on the wire and as an Ethernet frame, there and back, with checksums.
//!
//! Here: IPv4 (RFC 791), IPv6 (RFC 8200), the TCP header (RFC 9293 section 3.1), UDP (RFC 768), ICMP, ARP,
//! neighbour discovery, Ethernet II.
//! Not here: what a segment means ([`crate::engine`]), capture files ([`crate::sinks::pcap`]).
//!
//! Decoding is made for what strangers send: it never panics, and every error says what stood
//! there and what would have been right. Both directions leave the heap alone, except that
//! encoding may grow the caller's buffer.
//!
//! ```
//! use synfin::engine::{Flags, Segment, SeqNumber, TcpOptions, WireWindow};
//! use synfin::trace::{End, Payload};
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
//! let syn = Payload::Tcp { segment: syn, text: &b""[..] };
//! let mut packet = Vec::new();
//! encode_packet(a, b, 1, &syn, &mut packet)?;
//! assert_eq!(packet.len(), 20 + 20 + 4);
//! assert_eq!(decode_packet(&packet, Checksums::Verify)?.payload, syn);
//! # Ok::<(), synfin::wire::WireError>(())
//! ```

mod arp;
mod checksum;
mod error;
mod icmp;
#[cfg(test)]
mod tests;

use std::net::IpAddr;

use etherparse::{
    EtherType, Ethernet2Header, Ethernet2HeaderSlice, IpNumber, IpSlice, Ipv4Header, Ipv6Header, TcpHeader, TcpSlice, UdpHeader,
};

use crate::engine::{Codepoint, Flags, Segment, SeqNumber, TcpOptions, WireWindow};
use crate::trace::{Damage, End, Neighbour, Packet, Payload, Quote};

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

/// A packet that was read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Decoded<'a> {
    /// Source address and port.
    pub source: End,
    /// Destination address and port.
    pub destination: End,
    /// What it carries; of a segment the three reserved bits are not kept.
    pub payload: Payload<&'a [u8]>,
    /// The ECN field of the IP header.
    pub codepoint: Codepoint,
}

/// Appends an IPv4 or IPv6 packet that carries `payload` to `out`, with right checksums.
///
/// Don't Fragment is set, the time to live is [`TIME_TO_LIVE`]. IPv6 has no place for the
/// `identification`. An option area whose length is no multiple of 4 is filled up with zeros, that
/// is with end-of-list.
///
/// # Errors
/// [`WireError::Families`] if one end is IPv4 and the other IPv6, [`WireError::TextLength`] if the text
/// has not `segment.len` octets, [`WireError::TooLong`] if the header's 16-bit length cannot say how
/// long the packet is, [`WireError::NoIcmpType`] for an error this version of IP has no number for,
/// [`WireError::NoPacket`] for ARP. `out` is as before then.
// MUST-2: the checksum is always filled in.
pub fn encode_packet<T: AsRef<[u8]>>(
    source: End,
    destination: End,
    identification: u16,
    payload: &Payload<T>,
    out: &mut Vec<u8>,
) -> Result<(), WireError> {
    let start = out.len();
    let octets = payload.octets();
    let ipv6 = source.address.is_ipv6();
    let (protocol, header, checksum) = match payload {
        Payload::Tcp { segment, .. } => {
            if u32::try_from(octets.len()) != Ok(segment.len) {
                return Err(WireError::TextLength { len: segment.len, text: octets.len() });
            }
            (IpNumber::TCP, TcpHeader::MIN_LEN + segment.options.octets().len().next_multiple_of(4), TCP_CHECKSUM)
        }
        Payload::Udp { .. } => (IpNumber::UDP, UdpHeader::LEN, UDP_CHECKSUM),
        Payload::Icmp(_) if ipv6 => (IpNumber::IPV6_ICMP, icmp::HEADER, ICMP_CHECKSUM),
        Payload::Icmp(_) => (IpNumber::ICMP, icmp::HEADER, ICMP_CHECKSUM),
        Payload::Neighbour(_) if ipv6 => (IpNumber::IPV6_ICMP, icmp::NEIGHBOUR, ICMP_CHECKSUM),
        Payload::Neighbour(_) => return Err(WireError::NoPacket),
    };
    let long = length(header + octets.len())?;
    let addresses = ip_header(source.address, destination.address, identification, protocol, payload, long, out)?;
    let behind = out.len();
    match payload {
        Payload::Tcp { segment, .. } => {
            let options = segment.options.padded();
            out.extend_from_slice(&tcp_header(source.port, destination.port, segment, options.octets().len()));
            out.extend_from_slice(options.octets());
            out.extend_from_slice(octets);
        }
        Payload::Udp { .. } => {
            for word in [source.port, destination.port, long, 0] {
                out.extend_from_slice(&word.to_be_bytes());
            }
            out.extend_from_slice(octets);
        }
        Payload::Icmp(message) => icmp::encode(message, ipv6, out).inspect_err(|_| out.truncate(start))?,
        Payload::Neighbour(message) => {
            if let (IpAddr::V6(source), IpAddr::V6(destination)) = (source.address, destination.address) {
                icmp::encode_neighbour(*message, source, destination, out);
            }
        }
    }
    // ICMP for IPv4 has no pseudo-header; the rest of it (RFC 9293 section 3.1) is the same sum for IPv4 and IPv6.
    let pseudo = if protocol == IpNumber::ICMP { Sum::ZERO } else { addresses.add(&[0, protocol.0]).add(&long.to_be_bytes()) };
    let mut sum = pseudo.add(&out[behind..]).field();
    if protocol == IpNumber::UDP && sum == [0, 0] {
        // Zero would mean that there is none (RFC 768).
        sum = [0xff, 0xff];
    }
    out[behind + checksum..][..2].copy_from_slice(&sum);
    Ok(())
}

/// Appends an IP header; returns the sum of its addresses.
#[inline]
fn ip_header<T>(
    source: IpAddr,
    destination: IpAddr,
    identification: u16,
    protocol: IpNumber,
    payload: &Payload<T>,
    long: u16,
    out: &mut Vec<u8>,
) -> Result<Sum, WireError> {
    match (source, destination) {
        (IpAddr::V4(source), IpAddr::V4(destination)) => {
            let total = length(Ipv4Header::MIN_LEN + usize::from(long))?;
            out.extend_from_slice(&ipv4_header(source.octets(), destination.octets(), identification, protocol, total));
            Ok(Sum::ZERO.add(&source.octets()).add(&destination.octets()))
        }
        (IpAddr::V6(source), IpAddr::V6(destination)) => {
            let (destination, hop_limit) = match payload {
                Payload::Neighbour(Neighbour::Request(_)) => (icmp::solicited_node(destination), icmp::ONE_LINK),
                Payload::Neighbour(Neighbour::Reply(_)) => (destination, icmp::ONE_LINK),
                Payload::Tcp { .. } | Payload::Udp { .. } | Payload::Icmp(_) => (destination, TIME_TO_LIVE),
            };
            let ip = Ipv6Header {
                payload_length: long,
                next_header: protocol,
                hop_limit,
                source: source.octets(),
                destination: destination.octets(),
                ..Ipv6Header::default()
            };
            out.extend_from_slice(&ip.to_bytes());
            Ok(Sum::ZERO.add(&ip.source).add(&ip.destination))
        }
        (source, destination) => Err(WireError::Families { source_address: source, destination_address: destination }),
    }
}

/// Appends the same packet behind an Ethernet II header to `out`; ARP as well, which needs no packet.
///
/// A question for a link address goes to all: to Ethernet's broadcast address, or to the group of those whose
/// IPv6 address ends alike (RFC 2464 section 7), whatever `link_destination` says.
///
/// The frame is not padded to Ethernet's 60 octets: the network card does that, so a capture at the
/// sender sees frames without padding. There is no frame check sequence either.
///
/// # Errors
/// Those of [`encode_packet`].
pub fn encode_frame<T: AsRef<[u8]>>(
    [link_source, link_destination]: [[u8; 6]; 2],
    source: End,
    destination: End,
    identification: u16,
    payload: &Payload<T>,
    out: &mut Vec<u8>,
) -> Result<(), WireError> {
    let start = out.len();
    let asks = matches!(payload, Payload::Neighbour(Neighbour::Request(_)));
    let (ether_type, to_all) = match (payload, destination.address) {
        (Payload::Neighbour(_), IpAddr::V4(_)) => (EtherType::ARP, [0xff; 6]),
        (_, IpAddr::V4(_)) => (EtherType::IPV4, [0xff; 6]),
        (_, IpAddr::V6(address)) => {
            let [.., a, b, c] = address.octets();
            (EtherType::IPV6, [0x33, 0x33, 0xff, a, b, c])
        }
    };
    let to = if asks { to_all } else { link_destination };
    out.extend_from_slice(&Ethernet2Header { source: link_source, destination: to, ether_type }.to_bytes());
    if let (Payload::Neighbour(message), IpAddr::V4(source), IpAddr::V4(destination)) = (payload, source.address, destination.address) {
        arp::encode(*message, source, destination, link_destination, out);
        return Ok(());
    }
    encode_packet(source, destination, identification, payload, out).inspect_err(|_| out.truncate(start))
}

/// What an ICMP error that is about `packet` quotes: the packet, at most `limit` octets of it.
///
/// # Errors
/// [`WireError::Quote`] for a packet that is no whole IP header with 8 octets behind it.
pub fn quote(packet: &[u8], limit: usize) -> Result<Quote<&[u8]>, WireError> {
    icmp::quote(&packet[..packet.len().min(limit)])
}

/// Octets of a payload on the wire, behind the IP header: header, options, text.
pub fn payload_octets<T: AsRef<[u8]>>(payload: &Payload<T>) -> u32 {
    let header = match payload {
        Payload::Tcp { segment, .. } => TcpHeader::MIN_LEN + segment.options.octets().len().next_multiple_of(4),
        Payload::Udp { .. } => UdpHeader::LEN,
        Payload::Icmp(_) => icmp::HEADER,
        Payload::Neighbour(_) => icmp::NEIGHBOUR,
    };
    u32::try_from(header + payload.octets().len()).unwrap_or(u32::MAX)
}

/// Octets of the IP packet between such addresses that carries so many.
pub fn packet_octets(address: IpAddr, payload: u32) -> u32 {
    let header = if address.is_ipv4() { Ipv4Header::MIN_LEN } else { Ipv6Header::LEN };
    payload.saturating_add(u32::try_from(header).unwrap_or(u32::MAX))
}

/// Writes the codepoint into the IP packet in `octets`, one of ours and so far Not-ECT (RFC 3168 section 5).
pub fn mark(octets: &mut [u8], codepoint: Codepoint) {
    let ipv6 = octets.first().is_some_and(|first| first >> 4 == 6);
    if ipv6 && let Some(class) = octets.get_mut(1) {
        // The traffic class is the low half of the first octet and the high half of this one.
        *class |= codepoint.bits() << 4;
    } else if let Some(header) = octets.get_mut(..Ipv4Header::MIN_LEN).filter(|_| !ipv6) {
        header[1] |= codepoint.bits();
        header[IPV4_CHECKSUM..][..2].fill(0);
        let checksum = Sum::ZERO.add(header).field();
        header[IPV4_CHECKSUM..][..2].copy_from_slice(&checksum);
    }
}

/// The codepoint in the header of an IP packet.
fn codepoint(ip: &IpSlice<'_>) -> Codepoint {
    match ip {
        IpSlice::Ipv4(packet) => Codepoint::from_bits(packet.header().slice()[1]),
        IpSlice::Ipv6(packet) => Codepoint::from_bits(packet.header().slice()[1] >> 4),
    }
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
    if encode_packet(packet.source, packet.destination, 0, &packet.payload, &mut octets).is_err() {
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
/// [`WireError::UnknownProtocol`] for another protocol, [`WireError::Fragment`] for a part of a packet,
/// [`WireError::HeaderChecksum`] and [`WireError::Checksum`] if asked to verify, and for octets that are no packet
/// or not a whole one that which says where.
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
    let ipv6 = matches!(ip, IpSlice::Ipv6(_));
    match (payload.ip_number, ipv6) {
        (IpNumber::TCP, _) => decode_tcp(&ip, payload.payload, checksums),
        (IpNumber::UDP, _) => decode_udp(&ip, payload.payload, checksums),
        (IpNumber::ICMP, false) | (IpNumber::IPV6_ICMP, true) => decode_icmp(&ip, payload.payload, checksums),
        (IpNumber(protocol), ipv6) => Err(WireError::UnknownProtocol { protocol, ipv6 }),
    }
}

fn decode_tcp<'a>(ip: &IpSlice<'a>, octets: &'a [u8], checksums: Checksums) -> Result<Decoded<'a>, WireError> {
    let tcp = TcpSlice::from_slice(octets).map_err(|cause| WireError::Tcp { cause })?;
    if checksums == Checksums::Verify {
        verify_with_addresses(ip, tcp.slice(), TCP_CHECKSUM, "TCP", IpNumber::TCP)?;
    }
    let text = tcp.payload();
    let segment = Segment {
        seq: SeqNumber::new(tcp.sequence_number()),
        ack: SeqNumber::new(tcp.acknowledgment_number()),
        flags: flags(&tcp),
        window: WireWindow(tcp.window_size()),
        urgent: tcp.urgent_pointer(),
        len: u32::try_from(text.len()).map_err(|_| too_long(text.len()))?,
        options: TcpOptions::from_octets(tcp.options()).unwrap_or_default(),
    };
    Ok(Decoded {
        source: End { address: ip.source_addr(), port: tcp.source_port() },
        destination: End { address: ip.destination_addr(), port: tcp.destination_port() },
        payload: Payload::Tcp { segment, text },
        codepoint: codepoint(ip),
    })
}

fn decode_udp<'a>(ip: &IpSlice<'a>, octets: &'a [u8], checksums: Checksums) -> Result<Decoded<'a>, WireError> {
    let Some(&[a, b, c, d, e, f, g, h]) = octets.first_chunk::<{ UdpHeader::LEN }>() else {
        return Err(WireError::Udp { length: 0, octets: octets.len() });
    };
    let long = u16::from_be_bytes([e, f]);
    let wrong = WireError::Udp { length: long, octets: octets.len() };
    // What is behind the length it says is padding (RFC 768 counts header and text).
    let Some(datagram) = octets.get(..usize::from(long)).filter(|datagram| datagram.len() >= UdpHeader::LEN) else {
        return Err(wrong);
    };
    // Zero says that the sender made no checksum, which IPv6 does not allow (RFC 8200 section 8.1).
    let none = [g, h] == [0, 0] && matches!(ip, IpSlice::Ipv4(_));
    if checksums == Checksums::Verify && !none {
        verify_with_addresses(ip, datagram, UDP_CHECKSUM, "UDP", IpNumber::UDP)?;
    }
    Ok(Decoded {
        source: End { address: ip.source_addr(), port: u16::from_be_bytes([a, b]) },
        destination: End { address: ip.destination_addr(), port: u16::from_be_bytes([c, d]) },
        payload: Payload::Udp { text: &datagram[UdpHeader::LEN..] },
        codepoint: codepoint(ip),
    })
}

fn decode_icmp<'a>(ip: &IpSlice<'a>, octets: &'a [u8], checksums: Checksums) -> Result<Decoded<'a>, WireError> {
    if octets.len() < icmp::HEADER {
        return Err(WireError::Icmp { octets: octets.len() });
    }
    let hop_limit = match ip {
        IpSlice::Ipv4(packet) => packet.header().ttl(),
        IpSlice::Ipv6(packet) => packet.header().hop_limit(),
    };
    match (checksums, ip) {
        (Checksums::Trust, _) => {}
        (Checksums::Verify, IpSlice::Ipv4(_)) => {
            let wrong = |(found, right)| WireError::Checksum { protocol: "ICMP", found, right };
            verify(Sum::ZERO, octets, ICMP_CHECKSUM).map_err(wrong)?;
        }
        (Checksums::Verify, IpSlice::Ipv6(_)) => verify_with_addresses(ip, octets, ICMP_CHECKSUM, "ICMPv6", IpNumber::IPV6_ICMP)?,
    }
    let (source, destination, payload) = icmp::decode(octets, hop_limit, ip.source_addr(), ip.destination_addr())?;
    let end = |address| End { address, port: 0 };
    Ok(Decoded { source: end(source), destination: end(destination), payload, codepoint: codepoint(ip) })
}

/// Reads the same behind an Ethernet II header, whatever its addresses (on a loopback all zero).
///
/// # Errors
/// Those of [`decode_packet`]; [`WireError::Frame`] for less than a header, [`WireError::Arp`] for an ARP packet
/// that neither asks nor answers, [`WireError::NotIp`] for another protocol, 802.1Q tags among them.
pub fn decode_frame(octets: &[u8], checksums: Checksums) -> Result<Decoded<'_>, WireError> {
    let Ok(link) = Ethernet2HeaderSlice::from_slice(octets) else {
        return Err(WireError::Frame { octets: octets.len() });
    };
    let EtherType(ether_type) = link.ether_type();
    decode_ether(ether_type, &octets[Ethernet2Header::LEN..], checksums)
}

/// Reads what stands behind a link header that names its protocol by an EtherType, as nearly all do.
///
/// # Errors
/// Those of [`decode_packet`]; [`WireError::Arp`] and [`WireError::NotIp`] as [`decode_frame`].
pub fn decode_ether(ether_type: u16, octets: &[u8], checksums: Checksums) -> Result<Decoded<'_>, WireError> {
    match EtherType(ether_type) {
        EtherType::IPV4 | EtherType::IPV6 => decode_packet(octets, checksums),
        EtherType::ARP => {
            let (source, destination, message) = arp::decode(octets)?;
            let end = |address| End { address, port: 0 };
            Ok(Decoded {
                source: end(source),
                destination: end(destination),
                payload: Payload::Neighbour(message),
                codepoint: Codepoint::NotEct,
            })
        }
        EtherType(ether_type) => Err(WireError::NotIp { ether_type }),
    }
}

/// Time to live of every packet written here (hop limit, in IPv6): 64, IANA's recommended default.
pub const TIME_TO_LIVE: u8 = 64;

/// Where the checksum stands in a TCP header (RFC 9293 section 3.1).
const TCP_CHECKSUM: usize = 16;

/// Where it stands in a UDP header (RFC 768).
const UDP_CHECKSUM: usize = 6;

/// Where it stands in an ICMP message (RFC 792).
const ICMP_CHECKSUM: usize = 2;

/// Where it stands in an IPv4 header (RFC 791 section 3.1).
const IPV4_CHECKSUM: usize = 10;

/// An IPv4 header without options; in place of etherparse's for the same reason as [`tcp_header`].
#[inline]
fn ipv4_header(source: [u8; 4], destination: [u8; 4], identification: u16, protocol: IpNumber, total: u16) -> [u8; Ipv4Header::MIN_LEN] {
    let mut header = [0; Ipv4Header::MIN_LEN];
    // Version 4, five words.
    header[0] = 0x45;
    header[2..4].copy_from_slice(&total.to_be_bytes());
    header[4..6].copy_from_slice(&identification.to_be_bytes());
    // Don't Fragment.
    header[6] = 0x40;
    header[8] = TIME_TO_LIVE;
    header[9] = protocol.0;
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
#[inline]
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

/// Looks at a checksum that covers the addresses too.
// MUST-3.
fn verify_with_addresses(ip: &IpSlice<'_>, octets: &[u8], field: usize, protocol: &'static str, number: IpNumber) -> Result<(), WireError> {
    let addresses = match ip {
        IpSlice::Ipv4(packet) => Sum::ZERO.add(&packet.header().source()).add(&packet.header().destination()),
        IpSlice::Ipv6(packet) => Sum::ZERO.add(&packet.header().source()).add(&packet.header().destination()),
    };
    let pseudo = addresses.add(&[0, number.0]).add(&length(octets.len())?.to_be_bytes());
    verify(pseudo, octets, field).map_err(|(found, right)| WireError::Checksum { protocol, found, right })
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
#[inline]
fn length(octets: usize) -> Result<u16, WireError> {
    u16::try_from(octets).map_err(|_| too_long(octets))
}

fn too_long(octets: usize) -> WireError {
    WireError::TooLong { octets, at_most: u16::MAX }
}
