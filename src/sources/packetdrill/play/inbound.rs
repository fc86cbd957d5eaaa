//! Packets the script sends to the stack under test.

use etherparse::PacketBuilder;

use super::icmp;
use super::options::{self, Mapping};
use super::settings::Settings;
use super::socket::{Protocol, Socket};
use super::stop::Stop;
use crate::engine::{Flags, Segment, SeqNumber, TcpOptions, WireWindow};
use crate::sources::packetdrill::syntax::{
    self, Body, Echoed, Ecn, IcmpMessage, IpInfo, Number, Options, Packet, SegmentFlags, Span, TcpOption,
};
use crate::trace::{End, Envelope, Payload, UdpPorts};
use crate::wire::{WireError, enclose, encode_packet, signature};

/// TTL of what a script sends: as if it came from next door, so that no least TTL refuses it.
const TTL: u8 = 255;

/// The port of TCP over UDP where none is written (RFC 6951's, which FreeBSD takes for TCP too).
pub(super) const UDP_PORT: u16 = 9899;

/// The octets of a packet line; and of a segment its numbers on the wire.
pub(super) fn build(packet: &Packet, socket: &Socket, settings: &Settings) -> Result<(Vec<u8>, Option<Segment>), Stop> {
    if let Some(outer) = packet.outer.first() {
        return Err(Stop::unsupported(outer.span, "packets in packets: GRE, MPLS, IP in IP"));
    }
    if let Some(psp) = &packet.psp {
        return Err(Stop::unsupported(psp.span, "PSP"));
    }
    let mut octets = Vec::new();
    let (from, to) = (socket.remote, socket.local);
    let plain = envelope(&packet.ip, None);
    match &packet.body {
        Body::Tcp(segment) => {
            let (from, to) = ports(segment.ports, from, to);
            let mut built = tcp(segment, socket, settings)?;
            let text = vec![0; usize::from(segment.len)];
            if let Some(span) = asks_for_signature(&segment.options) {
                let key = settings.md5_secret.as_ref().ok_or_else(|| Stop::error(span, "md5 valid needs --tcp_md5_secret"))?;
                let digest = signature(from, to, &built, &text, key.as_bytes()).map_err(|error| wire(&error))?;
                built.options = options::signed(&built.options, digest);
            }
            encode(from, to, &Payload::Tcp { segment: built, text: &text[..] }, &mut octets)?;
            let udp = segment.udp.map(|ports| UdpPorts { source: ports.source, destination: ports.destination });
            let standing = UdpPorts { source: UDP_PORT, destination: UDP_PORT };
            let udp = udp.or_else(|| settings.in_udp.then(|| socket.in_udp.unwrap_or(standing)));
            enclose(&mut octets, 0, &Envelope { udp, ..plain }).map_err(|error| wire(&error))?;
            Ok((octets, Some(built)))
        }
        Body::Udp { ports: written, len } => {
            let (from, to) = ports(*written, from, to);
            let text = vec![0; usize::from(*len)];
            encode(from, to, &Payload::Udp { text: &text[..] }, &mut octets)?;
            enclose(&mut octets, 0, &plain).map_err(|error| wire(&error))?;
            Ok((octets, None))
        }
        Body::Icmp(message) => {
            let octets = complaint(message, socket, &plain)?;
            Ok((octets, None))
        }
    }
}

fn wire(error: &WireError) -> Stop {
    Stop::error(None, error.to_string())
}

fn encode(from: End, to: End, payload: &Payload<&[u8]>, octets: &mut Vec<u8>) -> Result<(), Stop> {
    encode_packet(from, to, 0, payload, octets).map_err(|error| wire(&error))
}

/// The connection's ports, unless others are written.
pub(super) const fn ports(written: Option<syntax::Ports>, from: End, to: End) -> (End, End) {
    match written {
        Some(ports) => (End { port: ports.source, ..from }, End { port: ports.destination, ..to }),
        None => (from, to),
    }
}

/// What is written of the IP header.
fn envelope(info: &IpInfo, udp: Option<UdpPorts>) -> Envelope {
    let ecn = match info.ecn {
        None | Some(Ecn::NotEct) => 0,
        Some(Ecn::Ect1) => 1,
        Some(Ecn::Ect0 | Ecn::Ect01) => 2,
        Some(Ecn::Ce) => 3,
    };
    let tos = info.tos.unwrap_or(info.dscp.unwrap_or(0) << 2 | ecn);
    Envelope { ttl: info.ttl.unwrap_or(TTL), flow_label: info.flow_label.unwrap_or(0), udp, ..Envelope::PLAIN }.with_tos(tos)
}

/// The bits of the header: a counter of AccECN stands in AE, CWR and ECE.
pub(super) const fn bits(flags: SegmentFlags) -> u16 {
    match flags.ace {
        None => flags.bits,
        Some(ace) => {
            let ace = ace as u16;
            let counted = (ace >> 2 & 1) << 8 | (ace >> 1 & 1) << 7 | (ace & 1) << 6;
            flags.bits & !(SegmentFlags::AE | SegmentFlags::CWR | SegmentFlags::ECE) | counted
        }
    }
}

fn tcp(segment: &syntax::Segment, socket: &Socket, settings: &Settings) -> Result<Segment, Stop> {
    let flags = Flags::from_bits(bits(segment.flags.value));
    let (syn, ack) = (flags.contains(Flags::SYN), flags.contains(Flags::ACK));
    if segment.diagnosis.is_some() {
        return Err(Stop::unsupported(segment.flags.span, "a reset that tells its reason"));
    }
    let seq = segment.seq.as_ref().ok_or_else(|| Stop::error(segment.flags.span, "expected a sequence number, found ..."))?;
    let written_ack = segment.ack.as_ref().map_or(Number { value: 0, raw: false }, |ack| ack.value);
    let ack_number = if ack { socket.numbers.local_live(written_ack, syn) } else { written_ack.value };
    let options = match &segment.options {
        Options::Listed(listed) => options::encode(listed, &Mapping { socket, syn, ack, scales_ecr: settings.scales_ecr })?,
        Options::Any => return Err(Stop::error(segment.flags.span, "<...> says nothing of what to send")),
    };
    Ok(Segment {
        seq: SeqNumber::new(socket.numbers.remote_live(seq.value, syn)),
        ack: SeqNumber::new(ack_number),
        flags,
        window: WireWindow(segment.window.unwrap_or(0)),
        urgent: segment.urgent.unwrap_or(0),
        len: segment.len.into(),
        options,
    })
}

/// Where a valid signature is asked for.
fn asks_for_signature(options: &Options) -> Option<Span> {
    let Options::Listed(listed) = options else { return None };
    listed.iter().find(|option| option.value == TcpOption::Md5(None)).map(|option| option.span)
}

/// An ICMP message, about a packet of the stack under test unless it is an echo.
fn complaint(message: &IcmpMessage, socket: &Socket, around: &Envelope) -> Result<Vec<u8>, Stop> {
    let ipv6 = socket.local.address.is_ipv6();
    let (kind, code) = icmp::numbers(&message.kind, message.code.as_ref(), ipv6)?;
    let quoted = if icmp::is_echo(kind, ipv6) { Vec::new() } else { quoted(message, socket)? };
    let word = match (message.mtu, message.id) {
        (Some(mtu), _) => mtu.to_be_bytes(),
        (None, Some(id)) => (u32::from(id) << 16).to_be_bytes(),
        (None, None) => [0; 4],
    };
    let mut octets = Vec::new();
    let written = match (socket.remote.address, socket.local.address) {
        (std::net::IpAddr::V4(from), std::net::IpAddr::V4(to)) => {
            PacketBuilder::ipv4(from.octets(), to.octets(), around.ttl).icmpv4_raw(kind, code, word).write(&mut octets, &quoted)
        }
        (std::net::IpAddr::V6(from), std::net::IpAddr::V6(to)) => {
            PacketBuilder::ipv6(from.octets(), to.octets(), around.ttl).icmpv6_raw(kind, code, word).write(&mut octets, &quoted)
        }
        _ => return Err(Stop::error(message.kind.span, "the addresses are not of one version of IP")),
    };
    written.map_err(|error| Stop::error(message.kind.span, error.to_string()))?;
    enclose(&mut octets, 0, around).map_err(|error| wire(&error))?;
    Ok(octets)
}

/// The beginning of the packet complained of: its IP header and 8 octets.
fn quoted(message: &IcmpMessage, socket: &Socket) -> Result<Vec<u8>, Stop> {
    let zero = Number { value: 0, raw: false };
    let echoed = match (&message.echoed, socket.protocol) {
        (Echoed::Nothing, Protocol::Udp) => &Echoed::Udp { len: 0 },
        (Echoed::Nothing, Protocol::Tcp | Protocol::Other) => &Echoed::Tcp { seq: zero, len: 0 },
        (written, _) => written,
    };
    let mut octets = Vec::new();
    match *echoed {
        Echoed::Tcp { seq, len } => {
            let text = vec![0; usize::from(len)];
            let segment = Segment {
                seq: SeqNumber::new(socket.numbers.local_live(seq, false)),
                ack: SeqNumber::new(0),
                flags: Flags::NONE,
                window: WireWindow(0),
                urgent: 0,
                len: len.into(),
                options: TcpOptions::NONE,
            };
            encode(socket.local, socket.remote, &Payload::Tcp { segment, text: &text[..] }, &mut octets)?;
            if let Some(ports) = socket.in_udp {
                // The stack's own packets go the other way.
                let udp = Some(UdpPorts { source: ports.destination, destination: ports.source });
                enclose(&mut octets, 0, &Envelope { udp, ..Envelope::PLAIN }).map_err(|error| wire(&error))?;
            }
        }
        Echoed::Udp { len } => {
            let text = vec![0; usize::from(len)];
            encode(socket.local, socket.remote, &Payload::Udp { text: &text[..] }, &mut octets)?;
        }
        Echoed::Raw { .. } | Echoed::Nothing => return Err(Stop::unsupported(message.kind.span, "ICMP about raw packets")),
    }
    octets.truncate(if socket.local.address.is_ipv6() { 40 } else { 20 } + 8);
    Ok(octets)
}
