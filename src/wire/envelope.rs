//! The header fields around a payload that do not follow from it: written into a packet that is there, and read.

use etherparse::{IpNumber, IpSlice, Ipv4Header, Ipv6Header, UdpHeader};

use super::checksum::Sum;
use super::{Checksums, Decoded, IPV4_CHECKSUM, TCP_CHECKSUM, UDP_CHECKSUM, WireError, length};
use crate::trace::{Envelope, Payload, UdpPorts};

/// Where the length stands in an IPv4 header, and in an IPv6 header.
const IPV4_LENGTH: usize = 2;
const IPV6_LENGTH: usize = 4;
/// Where the time to live, and the protocol behind it, stand in an IPv4 header.
const IPV4_TTL: usize = 8;
/// Where the next header, and the hop limit behind it, stand in an IPv6 header.
const IPV6_NEXT: usize = 6;

/// Writes the envelope into the IP packet that begins at `start`, one of ours and plain so far.
///
/// A UDP header in it comes between the IP header and the segment, whose own checksum is zero then: UDP's covers all of
/// it, and FreeBSD neither makes nor verifies the other.
///
/// # Errors
/// [`WireError::TooLong`] where the UDP header has no room; `out` is as before then.
pub fn enclose(out: &mut Vec<u8>, start: usize, envelope: &Envelope) -> Result<(), WireError> {
    let Some(first) = out.get(start) else { return Ok(()) };
    let ipv6 = first >> 4 == 6;
    let header = if ipv6 { Ipv6Header::LEN } else { Ipv4Header::MIN_LEN };
    if out.len() < start + header {
        return Ok(());
    }
    if let Some(ports) = envelope.udp {
        wrap_in_udp(out, start, header, ports)?;
    }
    let ip = &mut out[start..start + header];
    let class = envelope.tos();
    if ipv6 {
        // Version, traffic class, flow label: 4, 8 and 20 bits.
        let [_, a, b, c] = (envelope.flow_label & 0xf_ffff).to_be_bytes();
        ip[..4].copy_from_slice(&[0x60 | class >> 4, class << 4 | a, b, c]);
        ip[IPV6_NEXT + 1] = envelope.ttl;
    } else {
        ip[1] = class;
        ip[IPV4_TTL] = envelope.ttl;
        ip[IPV4_CHECKSUM..][..2].fill(0);
        let checksum = Sum::ZERO.add(ip).field();
        ip[IPV4_CHECKSUM..][..2].copy_from_slice(&checksum);
    }
    Ok(())
}

fn wrap_in_udp(out: &mut Vec<u8>, start: usize, header: usize, ports: UdpPorts) -> Result<(), WireError> {
    let behind = start + header;
    let long = length(UdpHeader::LEN + out.len() - behind)?;
    let total = length(header + usize::from(long))?;
    if let Some(checksum) = out.get_mut(behind + TCP_CHECKSUM..behind + TCP_CHECKSUM + 2) {
        checksum.fill(0);
    }
    let mut udp = [0; UdpHeader::LEN];
    for (at, word) in [ports.source, ports.destination, long].into_iter().enumerate() {
        udp[2 * at..][..2].copy_from_slice(&word.to_be_bytes());
    }
    out.splice(behind..behind, udp);
    let ip = &mut out[start..behind];
    let addresses = if header == Ipv6Header::LEN {
        ip[IPV6_LENGTH..][..2].copy_from_slice(&long.to_be_bytes());
        ip[IPV6_NEXT] = IpNumber::UDP.0;
        Sum::ZERO.add(&ip[8..40])
    } else {
        ip[IPV4_LENGTH..][..2].copy_from_slice(&total.to_be_bytes());
        ip[IPV4_TTL + 1] = IpNumber::UDP.0;
        Sum::ZERO.add(&ip[12..20])
    };
    let sum = addresses.add_short(IpNumber::UDP.0.into()).add_short(long).add(&out[behind..]).field();
    // Zero would mean that there is none (RFC 768).
    let sum = if sum == [0, 0] { [0xff, 0xff] } else { sum };
    out[behind + UDP_CHECKSUM..][..2].copy_from_slice(&sum);
    Ok(())
}

/// The segment that a datagram carries, as FreeBSD has TCP over UDP; what was read is no datagram, or carries no whole
/// TCP header: `None`.
pub fn unwrap_udp<'a>(datagram: &Decoded<'a>) -> Option<Decoded<'a>> {
    let Payload::Udp { text } = datagram.payload else { return None };
    let ip = super::Ip {
        source: datagram.source.address,
        destination: datagram.destination.address,
        addresses: Sum::ZERO,
        around: datagram.envelope,
    };
    let mut decoded = super::decode_tcp(&ip, text, Checksums::Trust).ok()?;
    decoded.envelope.udp = Some(UdpPorts { source: datagram.source.port, destination: datagram.destination.port });
    Some(decoded)
}

/// What the header of an IP packet says.
pub(super) fn around(ip: &IpSlice<'_>) -> Envelope {
    match ip {
        IpSlice::Ipv4(packet) => {
            let header = packet.header();
            Envelope { ttl: header.ttl(), ..Envelope::PLAIN }.with_tos(header.slice()[1])
        }
        IpSlice::Ipv6(packet) => {
            let header = packet.header();
            let envelope = Envelope { ttl: header.hop_limit(), flow_label: header.flow_label().value(), ..Envelope::PLAIN };
            envelope.with_tos(header.traffic_class())
        }
    }
}
