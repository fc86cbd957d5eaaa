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
mod envelope;
mod error;
mod icmp;
mod signature;
#[cfg(test)]
mod tests;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use etherparse::{
    EtherType, Ethernet2Header, Ethernet2HeaderSlice, IpNumber, IpSlice, Ipv4Header, Ipv6Header, TcpHeader, TcpSlice, UdpHeader,
};

use crate::engine::{Flags, Segment, SeqNumber, TcpOptions, WireWindow};
use crate::trace::{Damage, End, Envelope, Neighbour, Packet, Payload, Quote};

use checksum::Sum;

pub use envelope::{enclose, unwrap_udp};
pub use error::WireError;
pub use signature::{DIGEST, SIGNATURE, signature, signature_of};

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
    /// The other fields of the headers around it; a UDP header is a payload here until somebody [unwraps](unwrap_udp) it.
    pub envelope: Envelope,
}

/// Appends an IPv4 or IPv6 packet that carries `payload` to `out`, with right checksums.
///
/// Don't Fragment is set, the other fields are those of [`Envelope::PLAIN`]; [`enclose`] writes others. IPv6 has no
/// place for the `identification`. An option area whose length is no multiple of 4 is filled up with zeros, that
/// is with end-of-list.
///
/// # Errors
/// [`WireError::Families`] if one end is IPv4 and the other IPv6, [`WireError::TextLength`] if the text
/// has not `segment.len` octets, [`WireError::TooLong`] if the header's 16-bit length cannot say how
/// long the packet is, [`WireError::NoIcmpType`] for an error this version of IP has no number for,
/// [`WireError::NoPacket`] for ARP. `out` is as before then.
// MUST-2: the checksum is always filled in.
// A thin shell: what is generic is compiled anew in the crate of whoever calls it.
#[inline]
pub fn encode_packet<T: AsRef<[u8]>>(
    source: End,
    destination: End,
    identification: u16,
    payload: &Payload<T>,
    out: &mut Vec<u8>,
) -> Result<(), WireError> {
    match payload {
        Payload::Tcp { segment, text } => encode_tcp(source, destination, identification, segment, text.as_ref(), out),
        Payload::Udp { .. } | Payload::Icmp(_) | Payload::Neighbour(_) => encode_other(source, destination, identification, payload, out),
    }
}

/// A segment: most packets are one.
fn encode_tcp(
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
    let options = segment.options.octets();
    let padding = &[0; 3][..options.len().next_multiple_of(4) - options.len()];
    let offset = TcpHeader::MIN_LEN + options.len() + padding.len();
    let long = length(offset + text.len())?;
    let addresses = ip_header(source.address, destination.address, identification, IpNumber::TCP, Envelope::PLAIN.ttl, long, out)?;
    #[expect(clippy::cast_possible_truncation, reason = "options are at most 40 octets: the offset is at most 15 words")]
    let offset_and_flags = (offset as u16 / 4) << 12 | segment.flags.bits();
    // The sum is one of numbers where they are at hand: what has just been written is slow to read.
    let sum = addresses
        .add_short(IpNumber::TCP.0.into())
        .add_short(long)
        .add_short(source.port)
        .add_short(destination.port)
        .add_long(segment.seq.get())
        .add_long(segment.ack.get())
        .add_short(offset_and_flags)
        .add_short(segment.window.0)
        .add_short(segment.urgent);
    // RFC 9293 section 3.1. The same sum for IPv4 and IPv6; zeros do not count, and only text may be odd.
    let sum = if options.is_empty() { sum } else { sum.add(options) }.add(text);
    // etherparse has a `TcpHeader` for this, but it moves its 60 octets one at a time: with it, encoding took
    // three times as long.
    let mut header = [0; TcpHeader::MIN_LEN];
    header[0..2].copy_from_slice(&source.port.to_be_bytes());
    header[2..4].copy_from_slice(&destination.port.to_be_bytes());
    header[4..8].copy_from_slice(&segment.seq.get().to_be_bytes());
    header[8..12].copy_from_slice(&segment.ack.get().to_be_bytes());
    header[12..14].copy_from_slice(&offset_and_flags.to_be_bytes());
    header[14..16].copy_from_slice(&segment.window.0.to_be_bytes());
    header[16..18].copy_from_slice(&sum.field());
    header[18..20].copy_from_slice(&segment.urgent.to_be_bytes());
    out.extend_from_slice(&header);
    if !options.is_empty() {
        out.extend_from_slice(options);
        out.extend_from_slice(padding);
    }
    out.extend_from_slice(text);
    Ok(())
}

/// Anything but a segment.
#[inline(never)]
fn encode_other<T: AsRef<[u8]>>(
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
        Payload::Tcp { segment, .. } => return encode_tcp(source, destination, identification, segment, octets, out),
        Payload::Udp { .. } => (IpNumber::UDP, UdpHeader::LEN, UDP_CHECKSUM),
        Payload::Icmp(_) if ipv6 => (IpNumber::IPV6_ICMP, icmp::HEADER, ICMP_CHECKSUM),
        Payload::Icmp(_) => (IpNumber::ICMP, icmp::HEADER, ICMP_CHECKSUM),
        Payload::Neighbour(_) if ipv6 => (IpNumber::IPV6_ICMP, icmp::NEIGHBOUR, ICMP_CHECKSUM),
        Payload::Neighbour(_) => return Err(WireError::NoPacket),
    };
    let (to, hop_limit) = match (payload, destination.address) {
        (Payload::Neighbour(Neighbour::Request(_)), IpAddr::V6(wanted)) => (icmp::solicited_node(wanted).into(), icmp::ONE_LINK),
        (Payload::Neighbour(_), to) => (to, icmp::ONE_LINK),
        (Payload::Tcp { .. } | Payload::Udp { .. } | Payload::Icmp(_), to) => (to, Envelope::PLAIN.ttl),
    };
    let long = length(header + octets.len())?;
    let addresses = ip_header(source.address, to, identification, protocol, hop_limit, long, out)?;
    let behind = out.len();
    match payload {
        Payload::Tcp { .. } | Payload::Udp { .. } => {
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
    // ICMP for IPv4 has no pseudo-header.
    let pseudo = if protocol == IpNumber::ICMP { Sum::ZERO } else { addresses.add_short(protocol.0.into()).add_short(long) };
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
fn ip_header(
    source: IpAddr,
    destination: IpAddr,
    identification: u16,
    protocol: IpNumber,
    hop_limit: u8,
    long: u16,
    out: &mut Vec<u8>,
) -> Result<Sum, WireError> {
    match (source, destination) {
        (IpAddr::V4(source), IpAddr::V4(destination)) => {
            let total = length(Ipv4Header::MIN_LEN + usize::from(long))?;
            let addresses = Sum::ZERO.add_long(source.to_bits()).add_long(destination.to_bits());
            let version_and_service = 0x4500;
            let dont_fragment = 0x4000;
            let life_and_protocol = u16::from_be_bytes([hop_limit, protocol.0]);
            let sum = addresses
                .add_short(version_and_service)
                .add_short(total)
                .add_short(identification)
                .add_short(dont_fragment)
                .add_short(life_and_protocol);
            let mut header = [0; Ipv4Header::MIN_LEN];
            header[0..2].copy_from_slice(&version_and_service.to_be_bytes());
            header[2..4].copy_from_slice(&total.to_be_bytes());
            header[4..6].copy_from_slice(&identification.to_be_bytes());
            header[6..8].copy_from_slice(&dont_fragment.to_be_bytes());
            header[8..10].copy_from_slice(&life_and_protocol.to_be_bytes());
            header[10..12].copy_from_slice(&sum.field());
            header[12..16].copy_from_slice(&source.octets());
            header[16..20].copy_from_slice(&destination.octets());
            out.extend_from_slice(&header);
            Ok(addresses)
        }
        (IpAddr::V6(source), IpAddr::V6(destination)) => Ok(ipv6_header(source, destination, protocol, hop_limit, long, out)),
        (source, destination) => Err(WireError::Families { source_address: source, destination_address: destination }),
    }
}

#[inline(never)]
fn ipv6_header(source: Ipv6Addr, destination: Ipv6Addr, protocol: IpNumber, hop_limit: u8, long: u16, out: &mut Vec<u8>) -> Sum {
    let ip = Ipv6Header {
        payload_length: long,
        next_header: protocol,
        hop_limit,
        source: source.octets(),
        destination: destination.octets(),
        ..Ipv6Header::default()
    };
    out.extend_from_slice(&ip.to_bytes());
    Sum::ZERO.add(&ip.source).add(&ip.destination)
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
    match plain_segment(octets, checksums) {
        Some((ip, behind)) => decode_tcp(&ip, behind, checksums),
        None => decode_any(octets, checksums),
    }
}

/// What an IP header says of the packet behind it.
struct Ip {
    source: IpAddr,
    destination: IpAddr,
    /// The sum of both.
    addresses: Sum,
    around: Envelope,
}

/// The packet that is nearly every one: IPv4 without options, not fragmented, undamaged, with TCP behind it.
///
/// `None` for all else; what exactly it is, or what is wrong with it, [`decode_any`] finds out.
#[inline]
fn plain_segment(octets: &[u8], checksums: Checksums) -> Option<(Ip, &[u8])> {
    let header = octets.first_chunk::<{ Ipv4Header::MIN_LEN }>()?;
    let &[0x45, service, high, low, _, _, flags, offset, ttl, protocol, _, _, a, b, c, d, e, f, g, h] = header else {
        return None;
    };
    let fragment = flags & 0x3f != 0 || offset != 0;
    let behind = octets.get(Ipv4Header::MIN_LEN..usize::from(u16::from_be_bytes([high, low])))?;
    let undamaged = checksums == Checksums::Trust || Sum::ZERO.add(header).is_right();
    if fragment || protocol != IpNumber::TCP.0 || !undamaged {
        return None;
    }
    let (source, destination) = (Ipv4Addr::new(a, b, c, d), Ipv4Addr::new(e, f, g, h));
    let ip = Ip {
        source: source.into(),
        destination: destination.into(),
        addresses: Sum::ZERO.add_long(source.to_bits()).add_long(destination.to_bits()),
        around: Envelope { ttl, ..Envelope::PLAIN }.with_tos(service),
    };
    Some((ip, behind))
}

#[inline(never)]
fn decode_any(octets: &[u8], checksums: Checksums) -> Result<Decoded<'_>, WireError> {
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
    let addresses = match &ip {
        IpSlice::Ipv4(packet) => Sum::ZERO.add(&packet.header().source()).add(&packet.header().destination()),
        IpSlice::Ipv6(packet) => Sum::ZERO.add(&packet.header().source()).add(&packet.header().destination()),
    };
    let (source, destination) = (ip.source_addr(), ip.destination_addr());
    let ip = Ip { source, destination, addresses, around: envelope::around(&ip) };
    let ipv6 = source.is_ipv6();
    match (payload.ip_number, ipv6) {
        (IpNumber::TCP, _) => decode_tcp(&ip, payload.payload, checksums),
        (IpNumber::UDP, _) => decode_udp(&ip, payload.payload, checksums),
        (IpNumber::ICMP, false) | (IpNumber::IPV6_ICMP, true) => decode_icmp(&ip, payload.payload, checksums),
        (IpNumber(protocol), ipv6) => Err(WireError::UnknownProtocol { protocol, ipv6 }),
    }
}

#[inline]
fn decode_tcp<'a>(ip: &Ip, octets: &'a [u8], checksums: Checksums) -> Result<Decoded<'a>, WireError> {
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
        source: End { address: ip.source, port: tcp.source_port() },
        destination: End { address: ip.destination, port: tcp.destination_port() },
        payload: Payload::Tcp { segment, text },
        envelope: ip.around,
    })
}

fn decode_udp<'a>(ip: &Ip, octets: &'a [u8], checksums: Checksums) -> Result<Decoded<'a>, WireError> {
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
    let none = [g, h] == [0, 0] && ip.source.is_ipv4();
    if checksums == Checksums::Verify && !none {
        verify_with_addresses(ip, datagram, UDP_CHECKSUM, "UDP", IpNumber::UDP)?;
    }
    Ok(Decoded {
        source: End { address: ip.source, port: u16::from_be_bytes([a, b]) },
        destination: End { address: ip.destination, port: u16::from_be_bytes([c, d]) },
        payload: Payload::Udp { text: &datagram[UdpHeader::LEN..] },
        envelope: ip.around,
    })
}

fn decode_icmp<'a>(ip: &Ip, octets: &'a [u8], checksums: Checksums) -> Result<Decoded<'a>, WireError> {
    if octets.len() < icmp::HEADER {
        return Err(WireError::Icmp { octets: octets.len() });
    }
    match (checksums, ip.source) {
        (Checksums::Trust, _) => {}
        (Checksums::Verify, IpAddr::V4(_)) => {
            let wrong = |(found, right)| WireError::Checksum { protocol: "ICMP", found, right };
            verify(Sum::ZERO, octets, ICMP_CHECKSUM).map_err(wrong)?;
        }
        (Checksums::Verify, IpAddr::V6(_)) => verify_with_addresses(ip, octets, ICMP_CHECKSUM, "ICMPv6", IpNumber::IPV6_ICMP)?,
    }
    let (source, destination, payload) = icmp::decode(octets, ip.around.ttl, ip.source, ip.destination)?;
    let end = |address| End { address, port: 0 };
    Ok(Decoded { source: end(source), destination: end(destination), payload, envelope: ip.around })
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
                envelope: Envelope::PLAIN,
            })
        }
        EtherType(ether_type) => Err(WireError::NotIp { ether_type }),
    }
}

/// Where the checksum stands in a TCP header (RFC 9293 section 3.1).
const TCP_CHECKSUM: usize = 16;

/// Where it stands in a UDP header (RFC 768).
const UDP_CHECKSUM: usize = 6;

/// Where it stands in an ICMP message (RFC 792).
const ICMP_CHECKSUM: usize = 2;

/// Where it stands in an IPv4 header (RFC 791 section 3.1).
const IPV4_CHECKSUM: usize = 10;

fn flags(tcp: &TcpSlice<'_>) -> Flags {
    // Octets 12 and 13 of the header are data offset, reserved bits and flags; a slice has at least 20.
    let header = tcp.header_slice();
    Flags::from_bits(u16::from_be_bytes([header[12], header[13]]))
}

/// Looks at a checksum that covers the addresses too.
// MUST-3.
#[inline]
fn verify_with_addresses(ip: &Ip, octets: &[u8], field: usize, protocol: &'static str, number: IpNumber) -> Result<(), WireError> {
    let pseudo = ip.addresses.add_short(number.0.into()).add_short(length(octets.len())?);
    verify(pseudo, octets, field).map_err(|(found, right)| WireError::Checksum { protocol, found, right })
}

/// Looks at the checksum that stands at `field` and says, if it is wrong, what it is and what it ought to be.
#[inline]
fn verify(before: Sum, octets: &[u8], field: usize) -> Result<(), (u16, u16)> {
    if before.add(octets).is_right() { Ok(()) } else { Err(found_and_right(before, octets, field)) }
}

#[cold]
fn found_and_right(before: Sum, octets: &[u8], field: usize) -> (u16, u16) {
    let right = before.add(&octets[..field]).add(&octets[field + 2..]).field();
    (u16::from_be_bytes([octets[field], octets[field + 1]]), u16::from_be_bytes(right))
}

/// A length as IP headers say it.
#[inline]
fn length(octets: usize) -> Result<u16, WireError> {
    u16::try_from(octets).map_err(|_| too_long(octets))
}

fn too_long(octets: usize) -> WireError {
    WireError::TooLong { octets, at_most: u16::MAX }
}
