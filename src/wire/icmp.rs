//! ICMP (RFC 792), ICMPv6 (RFC 4443), and the part of the latter that finds neighbours (RFC 4861).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::WireError;
use crate::engine::SeqNumber;
use crate::trace::{Echo, End, Icmp, IcmpError, Neighbour, Payload, Quote, Quoted};

/// Octets of every ICMP header.
pub(super) const HEADER: usize = 8;

/// Octets of a neighbour solicitation or advertisement with one link address (RFC 4861 sections 4.3, 4.4, 4.6.1).
pub(super) const NEIGHBOUR: usize = 32;

/// The hop limit that shows that no router was in between (RFC 4861 section 7.1).
pub(super) const ONE_LINK: u8 = 255;

const ECHO_REQUEST: Number = (8, 0);
const ECHO_REPLY: Number = (0, 0);
const ECHO_REQUEST_6: Number = (128, 0);
const ECHO_REPLY_6: Number = (129, 0);
const SOLICITATION: Number = (135, 0);
const ADVERTISEMENT: Number = (136, 0);

/// A type and a code.
type Number = (u8, u8);

/// Type and code of every error in both versions (IANA's ICMP parameters); `None` where a version has no such message.
const fn numbers(error: IcmpError) -> (Option<Number>, Option<Number>) {
    match error {
        IcmpError::NetUnreachable => (Some((3, 0)), Some((1, 0))),
        IcmpError::HostUnreachable => (Some((3, 1)), Some((1, 3))),
        IcmpError::ProtocolUnreachable => (Some((3, 2)), Some((4, 1))),
        IcmpError::PortUnreachable => (Some((3, 3)), Some((1, 4))),
        IcmpError::FragmentationNeeded => (Some((3, 4)), Some((2, 0))),
        IcmpError::SourceRouteFailed => (Some((3, 5)), None),
        IcmpError::NetUnknown => (Some((3, 6)), None),
        IcmpError::HostUnknown => (Some((3, 7)), None),
        IcmpError::HostIsolated => (Some((3, 8)), None),
        IcmpError::NetProhibited => (Some((3, 9)), None),
        IcmpError::HostProhibited => (Some((3, 10)), None),
        IcmpError::NetUnreachableForService => (Some((3, 11)), None),
        IcmpError::HostUnreachableForService => (Some((3, 12)), None),
        IcmpError::Prohibited => (Some((3, 13)), Some((1, 1))),
        IcmpError::PrecedenceViolation => (Some((3, 14)), None),
        IcmpError::PrecedenceCutoff => (Some((3, 15)), None),
        IcmpError::BeyondScope => (None, Some((1, 2))),
        IcmpError::PolicyFailed => (None, Some((1, 5))),
        IcmpError::RouteRejects => (None, Some((1, 6))),
        IcmpError::SourceQuench => (Some((4, 0)), None),
        IcmpError::RedirectNet => (Some((5, 0)), None),
        IcmpError::RedirectHost => (Some((5, 1)), None),
        IcmpError::TimeExceeded => (Some((11, 0)), Some((3, 0))),
        IcmpError::ReassemblyTimeExceeded => (Some((11, 1)), Some((3, 1))),
        IcmpError::ParameterProblem => (Some((12, 0)), Some((4, 0))),
    }
}

fn number(error: IcmpError, ipv6: bool) -> Option<Number> {
    let (four, six) = numbers(error);
    if ipv6 { six } else { four }
}

/// Where a question for the link address of `target` is sent (RFC 4291 section 2.7.1).
pub(super) fn solicited_node(target: Ipv6Addr) -> Ipv6Addr {
    let [.., a, b, c] = target.octets();
    Ipv6Addr::from([0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xff, a, b, c])
}

/// Appends a message without its checksum, which stands in octets 2 and 3.
///
/// # Errors
/// [`WireError::NoIcmpType`]; `out` is as before then.
pub(super) fn encode<T: AsRef<[u8]>>(message: &Icmp<T>, ipv6: bool, out: &mut Vec<u8>) -> Result<(), WireError> {
    let (kind, code, rest, octets): (u8, u8, [u8; 4], &[u8]) = match message {
        Icmp::EchoRequest(echo) => {
            let (kind, code) = if ipv6 { ECHO_REQUEST_6 } else { ECHO_REQUEST };
            (kind, code, echo_numbers(echo), echo.text.as_ref())
        }
        Icmp::EchoReply(echo) => {
            let (kind, code) = if ipv6 { ECHO_REPLY_6 } else { ECHO_REPLY };
            (kind, code, echo_numbers(echo), echo.text.as_ref())
        }
        Icmp::Error { error, parameter, quote } => {
            let (kind, code) = number(*error, ipv6).ok_or(WireError::NoIcmpType { error: *error, ipv6 })?;
            // RFC 792 has the pointer in the first octet; the MTU of RFC 1191 is in the last two.
            let rest = if *error == IcmpError::ParameterProblem && !ipv6 { parameter << 24 } else { *parameter };
            (kind, code, rest.to_be_bytes(), quote.octets.as_ref())
        }
    };
    out.extend_from_slice(&[kind, code, 0, 0]);
    out.extend_from_slice(&rest);
    out.extend_from_slice(octets);
    Ok(())
}

fn echo_numbers<T>(echo: &Echo<T>) -> [u8; 4] {
    let ([a, b], [c, d]) = (echo.id.to_be_bytes(), echo.seq.to_be_bytes());
    [a, b, c, d]
}

/// Reads a message; `source` and `destination` are those of the packet, and of the payload unless it says others.
///
/// # Errors
/// [`WireError::Icmp`], [`WireError::IcmpType`], [`WireError::Quote`] and [`WireError::Neighbour`].
pub(super) fn decode(
    octets: &[u8],
    hop_limit: u8,
    source: IpAddr,
    destination: IpAddr,
) -> Result<(IpAddr, IpAddr, Payload<&[u8]>), WireError> {
    let ipv6 = source.is_ipv6();
    let Some((header, rest)) = octets.split_first_chunk::<HEADER>() else {
        return Err(WireError::Icmp { octets: octets.len() });
    };
    let [kind, code, _, _, word @ ..] = *header;
    let (echo_request, echo_reply) = if ipv6 { (ECHO_REQUEST_6, ECHO_REPLY_6) } else { (ECHO_REQUEST, ECHO_REPLY) };
    let echo = Echo { id: u16::from_be_bytes([word[0], word[1]]), seq: u16::from_be_bytes([word[2], word[3]]), text: rest };
    if (kind, code) == echo_request {
        return Ok((source, destination, Payload::Icmp(Icmp::EchoRequest(echo))));
    }
    if (kind, code) == echo_reply {
        return Ok((source, destination, Payload::Icmp(Icmp::EchoReply(echo))));
    }
    if ipv6 && [SOLICITATION, ADVERTISEMENT].contains(&(kind, code)) {
        return neighbour(octets, hop_limit, source, destination);
    }
    let error = IcmpError::ALL.iter().copied().find(|error| number(*error, ipv6) == Some((kind, code)));
    let error = error.ok_or(WireError::IcmpType { kind, code })?;
    let parameter = u32::from_be_bytes(word);
    let parameter = if error == IcmpError::ParameterProblem && !ipv6 { parameter >> 24 } else { parameter };
    Ok((source, destination, Payload::Icmp(Icmp::Error { error, parameter, quote: quote(rest)? })))
}

/// Reads as much of a quoted packet as is needed to find whose it was.
///
/// # Errors
/// [`WireError::Quote`] for less than an IP header and 8 octets behind it (RFC 792; MUST of RFC 1122 section 3.2.2).
pub(super) fn quote(octets: &[u8]) -> Result<Quote<&[u8]>, WireError> {
    let short = || WireError::Quote { octets: octets.len() };
    let address_at = |at: usize| octets.get(at..at + 4).and_then(|octets| <[u8; 4]>::try_from(octets).ok()).map(Ipv4Addr::from);
    let address_6_at = |at: usize| octets.get(at..at + 16).and_then(|octets| <[u8; 16]>::try_from(octets).ok()).map(Ipv6Addr::from);
    let first = *octets.first().ok_or_else(short)?;
    let (protocol, header, source, destination): (u8, usize, IpAddr, IpAddr) = match (first >> 4, usize::from(first & 15) * 4) {
        (4, header @ 20..) => {
            let (source, destination) = address_at(12).zip(address_at(16)).ok_or_else(short)?;
            (octets[9], header, source.into(), destination.into())
        }
        (6, _) => {
            let (source, destination) = address_6_at(8).zip(address_6_at(24)).ok_or_else(short)?;
            (octets[6], 40, source.into(), destination.into())
        }
        _ => return Err(short()),
    };
    let &[a, b, c, d, e, f, g, h] = octets.get(header..).and_then(<[u8]>::first_chunk::<8>).ok_or_else(short)?;
    let (first, second) = (u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d]));
    let (what, ports) = match (protocol, source) {
        (6, _) => (Quoted::Tcp(SeqNumber::new(u32::from_be_bytes([e, f, g, h]))), (first, second)),
        (17, _) => (Quoted::Udp, (first, second)),
        (1, IpAddr::V4(_)) | (58, IpAddr::V6(_)) if is_echo(a, source) => {
            (Quoted::Echo { id: u16::from_be_bytes([e, f]), seq: u16::from_be_bytes([g, h]) }, (0, 0))
        }
        _ => (Quoted::Other(protocol), (0, 0)),
    };
    let (source, destination) = (End { address: source, port: ports.0 }, End { address: destination, port: ports.1 });
    Ok(Quote { source, destination, what, octets })
}

fn is_echo(kind: u8, source: IpAddr) -> bool {
    let kinds = if source.is_ipv6() { [ECHO_REQUEST_6.0, ECHO_REPLY_6.0] } else { [ECHO_REQUEST.0, ECHO_REPLY.0] };
    kinds.contains(&kind)
}

/// Appends a neighbour solicitation or advertisement without its checksum.
pub(super) fn encode_neighbour(message: Neighbour, source: Ipv6Addr, destination: Ipv6Addr, out: &mut Vec<u8>) {
    // An advertisement is solicited and overrides what was known: the flags S and O.
    let ((kind, code), flags, target, option, link) = match message {
        Neighbour::Request(link) => (SOLICITATION, 0, destination, 1, link),
        Neighbour::Reply(link) => (ADVERTISEMENT, 0x60, source, 2, link),
    };
    out.extend_from_slice(&[kind, code, 0, 0, flags, 0, 0, 0]);
    out.extend_from_slice(&target.octets());
    // Its kind, its length in units of 8 octets, the link address.
    out.extend_from_slice(&[option, 1]);
    out.extend_from_slice(&link);
}

fn neighbour(octets: &[u8], hop_limit: u8, source: IpAddr, destination: IpAddr) -> Result<(IpAddr, IpAddr, Payload<&[u8]>), WireError> {
    let wrong = WireError::Neighbour { octets: octets.len(), hop_limit };
    if hop_limit != ONE_LINK {
        return Err(wrong);
    }
    let Some((target, mut options)) = octets[HEADER..].split_first_chunk::<16>() else { return Err(wrong) };
    let target = IpAddr::from(*target);
    let asks = octets[0] == SOLICITATION.0;
    let wanted = if asks { 1 } else { 2 };
    while let [kind, units, ..] = *options {
        // An option without length would never end (RFC 4861 section 4.6).
        let Some((option, rest)) = options.split_at_checked(usize::from(units) * 8).filter(|_| units > 0) else { break };
        if kind == wanted
            && let Ok(link) = <[u8; 6]>::try_from(&option[2..])
        {
            let (source, destination) = if asks { (source, target) } else { (target, destination) };
            let message = if asks { Neighbour::Request(link) } else { Neighbour::Reply(link) };
            return Ok((source, destination, Payload::Neighbour(message)));
        }
        options = rest;
    }
    Err(wrong)
}
