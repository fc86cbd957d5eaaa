//! Packets of a trace as lines of a script, with the numbers a script would give them.

use std::collections::BTreeSet;

use super::Untold;
use crate::engine::{Codepoint, Flags, Instant, Segment as Live};
use crate::sources::packetdrill::play::{icmp, options};
use crate::sources::packetdrill::syntax::{
    Body, Direction, Echoed, Ecn, IcmpMessage, IpInfo, Number, Options, Packet as Line, Segment, SegmentFlags, Span, Spanned, TcpOption,
};
use crate::trace::{End, HostId, Icmp, IcmpError, Packet, Payload, Quoted, Trace, What};
use crate::wire::encode_packet;

/// From what the numbers of a connection count, and whose they are; kept as a player of the script will.
#[derive(Clone, Debug, Default)]
pub(super) struct Numbers {
    /// The ISS of the host told of; 0 until its SYN.
    ours: Option<u32>,
    /// The number of the other side that is written as 0.
    theirs: Option<u32>,
    /// The two ends: the host's own, the other.
    ends: Option<(End, End)>,
    /// TSvals the host has shown.
    stamps: BTreeSet<u32>,
    /// Fast open cookies the host was given.
    cookies: BTreeSet<Vec<u8>>,
}

impl Numbers {
    /// Those of a connection that the host opens by the call at `index`: the answer to its SYN says where the other side
    /// begins.
    pub(super) fn of_connect(trace: &Trace, host: HostId, index: usize) -> Self {
        let coming = || {
            let entries = trace.entries[index..].iter().filter(|entry| entry.host == host);
            entries.filter_map(|entry| match &entry.what {
                What::Arrival(id) => trace.packet(*id).segment(),
                _ => None,
            })
        };
        let syn_ack = coming().find(|segment| segment.has(Flags::SYN) && segment.has(Flags::ACK));
        let first = syn_ack.or_else(|| coming().find(|segment| segment.has(Flags::SYN))).or_else(|| coming().next());
        Self { theirs: first.map(|segment| segment.seq.get()), ..Self::default() }
    }

    /// The line of a packet the host sends.
    pub(super) fn outbound(&mut self, at: Instant, packet: &Packet, windows: bool) -> Result<String, Untold> {
        self.belongs(at, packet.source, packet.destination)?;
        let body = match &packet.payload {
            Payload::Tcp { segment, .. } => {
                if segment.has(Flags::SYN) && *self.ours.get_or_insert(segment.seq.get()) != segment.seq.get() {
                    return Err(Untold::Packet {
                        at,
                        why: "a second connection of the same socket, whose first number nobody can foresee",
                    });
                }
                let strange = self.cookie(segment);
                if strange {
                    return Err(Untold::Packet { at, why: "a fast open cookie that the host was not given here: nobody can foresee it" });
                }
                if let Some(stamps) = segment.options.get_timestamps() {
                    self.stamps.insert(stamps.val);
                }
                let window = (windows && !segment.has(Flags::RST)).then_some(segment.window.0);
                Body::Tcp(self.segment(at, segment, window, true)?)
            }
            Payload::Udp { text } => Body::Udp { ports: None, len: length(at, text.len())? },
            Payload::Icmp(_) | Payload::Neighbour(_) => {
                return Err(Untold::Packet { at, why: "the host sends ICMP, which belongs to no socket of a script" });
            }
        };
        Ok(line(Direction::Outbound, packet, body))
    }

    /// The line of a packet the host receives.
    pub(super) fn inbound(&mut self, at: Instant, packet: &Packet) -> Result<String, Untold> {
        let body = match &packet.payload {
            Payload::Tcp { segment, .. } => {
                self.belongs(at, packet.destination, packet.source)?;
                self.theirs.get_or_insert(segment.seq.get());
                let cookie = cookie(segment);
                if cookie.is_some() && !segment.has(Flags::ACK) {
                    return Err(Untold::Packet { at, why: "a fast open cookie that the host gave earlier: another run gives another" });
                }
                self.cookies.extend(cookie);
                Body::Tcp(self.segment(at, segment, Some(segment.window.0), false)?)
            }
            Payload::Udp { text } => {
                self.belongs(at, packet.destination, packet.source)?;
                Body::Udp { ports: None, len: length(at, text.len())? }
            }
            Payload::Icmp(Icmp::Error { error, parameter, quote }) => {
                self.belongs(at, quote.source, quote.destination)?;
                Body::Icmp(self.complaint(at, packet, *error, *parameter, quote.what)?)
            }
            Payload::Icmp(Icmp::EchoRequest(_) | Icmp::EchoReply(_)) => {
                return Err(Untold::Packet { at, why: "hosts ask for echoes, and a script has no word for that" });
            }
            Payload::Neighbour(_) => return Err(Untold::Packet { at, why: "a script has no link addresses" }),
        };
        Ok(line(Direction::Inbound, packet, body))
    }

    /// Whether the segment shows a cookie that the host was not given.
    fn cookie(&self, segment: &Live) -> bool {
        cookie(segment).is_some_and(|cookie| !self.cookies.contains(&cookie))
    }

    /// All packets of a script are those of one connection at a time.
    fn belongs(&mut self, at: Instant, local: End, remote: End) -> Result<(), Untold> {
        if *self.ends.get_or_insert((local, remote)) == (local, remote) {
            return Ok(());
        }
        Err(Untold::Packet { at, why: "a packet of another connection, and a script has one at a time" })
    }

    fn segment(&self, at: Instant, live: &Live, window: Option<u16>, outbound: bool) -> Result<Segment, Untold> {
        let (ours, theirs) = (self.ours.unwrap_or(0), self.theirs.unwrap_or(0));
        let (own, other) = if outbound { (ours, theirs) } else { (theirs, ours) };
        let ack = live.has(Flags::ACK).then(|| here(plain(live.ack.get().wrapping_sub(other))));
        // A RST for nobody's segment has the number 0 itself, wherever the host's own begin.
        let raw = outbound && live.has(Flags::RST) && live.seq.get() == 0 && ours != 0;
        let seq = if raw { Number { value: 0, raw } } else { plain(live.seq.get().wrapping_sub(own)) };
        let unsolicited = (!live.has(Flags::ACK) && live.ack.get() != 0).then(|| here(plain(live.ack.get())));
        let mut options = options::read(live.options.octets(), &|edge| edge.wrapping_sub(other), &|stamp| stamp);
        for option in &mut options {
            // An echo of what the host has never said cannot be translated: it stands on the wire as written.
            if let TcpOption::Timestamps { ecr, .. } = option
                && !outbound
                && live.has(Flags::ACK)
                && !self.stamps.contains(&ecr.value)
            {
                ecr.raw = true;
            }
        }
        Ok(Segment {
            ports: None,
            udp: None,
            flags: here(SegmentFlags { bits: live.flags.bits(), ace: None }),
            seq: Some(here(seq)),
            len: length(at, live.len as usize)?,
            ack: ack.or(unsolicited),
            window,
            urgent: (live.urgent != 0).then_some(live.urgent),
            options: Options::Listed(options.into_iter().map(here).collect()),
            diagnosis: None,
        })
    }

    fn complaint(&self, at: Instant, packet: &Packet, error: IcmpError, parameter: u32, what: Quoted) -> Result<IcmpMessage, Untold> {
        let ipv6 = packet.source.address.is_ipv6();
        // Type and code are the wire's business: they are the first two octets behind the IP header.
        let mut octets = Vec::new();
        let header = if ipv6 { 40 } else { 20 };
        let written = encode_packet(packet.source, packet.destination, 0, &packet.payload, &mut octets).ok();
        let numbers = written.and_then(|()| octets.get(header).copied().zip(octets.get(header + 1).copied()));
        let (kind, code) = numbers.ok_or(Untold::Packet { at, why: "an ICMP message that its version of IP has not" })?;
        let (kind, code) = icmp::names(kind, code, ipv6);
        let echoed = match what {
            Quoted::Tcp(seq) => Echoed::Tcp { seq: plain(seq.get().wrapping_sub(self.ours.unwrap_or(0))), len: 0 },
            Quoted::Udp => Echoed::Udp { len: 0 },
            Quoted::Echo { .. } | Quoted::Other(_) => {
                return Err(Untold::Packet { at, why: "an ICMP error about something that is neither TCP nor UDP" });
            }
        };
        let mtu = (error == IcmpError::FragmentationNeeded).then_some(parameter);
        Ok(IcmpMessage { kind: here(kind), code: code.map(here), mtu, id: None, echoed })
    }
}

/// The fast open cookie a segment carries, if it carries one.
fn cookie(segment: &Live) -> Option<Vec<u8>> {
    options::read(segment.options.octets(), &|edge| edge, &|stamp| stamp).into_iter().find_map(|option| match option {
        TcpOption::FastOpen(cookie) | TcpOption::ExperimentalFastOpen(cookie) => Some(cookie).filter(|cookie| !cookie.is_empty()),
        _ => None,
    })
}

fn line(direction: Direction, packet: &Packet, body: Body) -> String {
    let ecn = match packet.envelope.codepoint {
        Codepoint::NotEct => None,
        Codepoint::Ect0 => Some(Ecn::Ect0),
        Codepoint::Ect1 => Some(Ecn::Ect1),
        Codepoint::Ce => Some(Ecn::Ce),
    };
    let dscp = (packet.envelope.dscp != 0).then(|| packet.envelope.tos());
    let ip = match dscp {
        Some(tos) => IpInfo { tos: Some(tos), ..IpInfo::default() },
        None => IpInfo { ecn, ..IpInfo::default() },
    };
    Line { direction, outer: Vec::new(), ip, psp: None, body }.to_string()
}

const fn plain(value: u32) -> Number {
    Number { value, raw: false }
}

const fn here<T>(value: T) -> Spanned<T> {
    Spanned { value, span: Span { start: 0, end: 0 } }
}

/// Octets of text as a script can write them.
fn length(at: Instant, octets: usize) -> Result<u16, Untold> {
    u16::try_from(octets).map_err(|_| Untold::Packet { at, why: "a packet longer than 65535 octets" })
}
