//! A packet of the stack under test, field by field, against what is written.

use super::icmp;
use super::inbound::bits;
use super::mismatch::Difference;
use super::options;
use super::packet::{Live, LiveBody};
use super::settings::{IpVersion, Settings};
use super::socket::Socket;
use super::stop::Stop;
use crate::engine::{Codepoint, Flags, Segment};
use crate::sources::packetdrill::syntax::{
    self, Body, Direction, Echoed, Ecn, IcmpMessage, IpInfo, Number, Options, Packet, Ports, SegmentFlags, Span, Spanned, TcpOption,
};
use crate::wire::signature;

/// What came of a comparison.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Compared {
    /// All that differs, in the order in which it is looked at.
    pub(super) differences: Vec<Difference>,
    /// The packet there was, in the script's words and numbers.
    pub(super) actual: Packet,
}

/// Compares a packet with its line; `since` says how long ago the script began, in microseconds.
pub(super) fn compare(script: &Packet, live: &Live, socket: &Socket, settings: &Settings, since: u64) -> Result<Compared, Stop> {
    let mut differences = Vec::new();
    let mut differ = |field: &str, expected: &dyn ToString, actual: &dyn ToString| {
        differences.push(Difference::new(field, expected.to_string(), actual.to_string()));
    };
    if let Some((found, right)) = live.header_checksum {
        differ("IPv4 header checksum", &format!("{right:#06x}"), &format!("{found:#06x}"));
    }
    let version = if settings.version == IpVersion::V6 { 6 } else { 4 };
    let actual_version = if live.source.address.is_ipv6() { 6 } else { 4 };
    if version != actual_version {
        differ("IP version", &version, &actual_version);
    }
    let actual = written(live, socket, script)?;
    if kind(&script.body) != kind(&actual.body) {
        differ("protocol", &kind(&script.body), &kind(&actual.body));
    }
    let (expected_len, actual_len) = (length(&script.body), length(&actual.body));
    if expected_len != actual_len {
        differ("payload length", &expected_len, &actual_len);
    }
    header(&script.ip, live, socket, &mut differ);
    match (&script.body, &live.body) {
        (Body::Tcp(expected), LiveBody::Tcp { segment, zeros, reserved }) => {
            let Body::Tcp(there) = &actual.body else { return Err(Stop::error(None, "a segment is no segment")) };
            tcp(expected, there, segment, *reserved, socket, &mut differ);
            if let Options::Listed(listed) = &expected.options {
                let found = options::decode(segment.options.octets(), socket, segment.has(Flags::SYN));
                compare_options(listed, &found, live, socket, settings, since, &mut differ)?;
            }
            if let (Some(written), Some(live)) = (expected.udp, live.envelope.udp) {
                let live = Ports { source: live.source, destination: live.destination };
                if written != live {
                    differ("UDP ports", &spell_ports(written), &spell_ports(live));
                }
            } else if expected.udp.is_some() != live.envelope.udp.is_some() && (expected.udp.is_some() || !settings.in_udp) {
                let word = |there: bool| if there { "TCP in UDP" } else { "TCP" };
                differ("encapsulation", &word(expected.udp.is_some()), &word(live.envelope.udp.is_some()));
            }
            if !zeros {
                differ("payload", &"zeros", &"other octets");
            }
        }
        (Body::Udp { .. }, LiveBody::Udp { zeros: false, .. }) => differ("payload", &"zeros", &"other octets"),
        (Body::Icmp(expected), LiveBody::Icmp { kind, code, word }) => {
            let ipv6 = live.source.address.is_ipv6();
            let (expected_kind, expected_code) = icmp::numbers(&expected.kind, expected.code.as_ref(), ipv6)?;
            if expected_kind != *kind {
                differ("ICMP type", &expected_kind, kind);
            }
            if expected_code != *code {
                differ("ICMP code", &expected_code, code);
            }
            if let Some(mtu) = expected.mtu.filter(|mtu| mtu != word) {
                differ("ICMP mtu", &mtu, word);
            }
            if let Some(id) = expected.id.filter(|id| u32::from(*id) != word >> 16) {
                differ("ICMP id", &id, &(word >> 16));
            }
        }
        _ => {}
    }
    Ok(Compared { differences, actual })
}

fn spell_ports(ports: Ports) -> String {
    ports.to_string()
}

const fn kind(body: &Body) -> &'static str {
    match body {
        Body::Tcp(_) => "TCP",
        Body::Udp { .. } => "UDP",
        Body::Icmp(_) => "ICMP",
    }
}

fn length(body: &Body) -> u32 {
    match body {
        Body::Tcp(segment) => segment.len.into(),
        Body::Udp { len, .. } => (*len).into(),
        Body::Icmp(_) => 0,
    }
}

type Differ<'a> = dyn FnMut(&str, &dyn ToString, &dyn ToString) + 'a;

/// TOS, ECN, TTL and flow label, where they are written.
fn header(info: &IpInfo, live: &Live, socket: &Socket, differ: &mut Differ<'_>) {
    let envelope = &live.envelope;
    if let Some(tos) = info.tos.filter(|tos| *tos != envelope.tos()) {
        differ("tos", &format!("{tos:#04x}"), &format!("{:#04x}", envelope.tos()));
    }
    if let Some(dscp) = info.dscp.filter(|dscp| *dscp != envelope.dscp) {
        differ("dscp", &dscp, &envelope.dscp);
    }
    if let Some(ecn) = info.ecn {
        let right = match ecn {
            Ecn::NotEct => envelope.codepoint == Codepoint::NotEct,
            Ecn::Ect0 => envelope.codepoint == Codepoint::Ect0,
            Ecn::Ect1 => envelope.codepoint == Codepoint::Ect1,
            Ecn::Ect01 => matches!(envelope.codepoint, Codepoint::Ect0 | Codepoint::Ect1),
            Ecn::Ce => envelope.codepoint == Codepoint::Ce,
        };
        if !right {
            let words = ["noecn", "ect1", "ect0", "ce"];
            let expected = match ecn {
                Ecn::NotEct => "noecn",
                Ecn::Ect0 => "ect0",
                Ecn::Ect1 => "ect1",
                Ecn::Ect01 => "ect0 or ect1",
                Ecn::Ce => "ce",
            };
            differ("ecn", &expected, &words[usize::from(envelope.codepoint.bits() & 3)]);
        }
    }
    if let Some(ttl) = info.ttl.filter(|ttl| *ttl != envelope.ttl) {
        differ("ttl", &ttl, &envelope.ttl);
    }
    // Its value is the stack's own choice: what can be said is whether it is that of the packet before.
    if let (Some(label), Some((before, live_before))) = (info.flow_label, socket.flow)
        && (label == before) != (envelope.flow_label == live_before)
    {
        let word = |same: bool| if same { "the same as before" } else { "another than before" };
        differ("flow label", &word(label == before), &word(envelope.flow_label == live_before));
    }
}

fn tcp(expected: &syntax::Segment, there: &syntax::Segment, live: &Segment, reserved: u8, socket: &Socket, differ: &mut Differ<'_>) {
    let (wanted, found) = (bits(expected.flags.value), live.flags.bits());
    if wanted != found {
        differ("flags", &expected.flags.value, &there.flags.value);
    }
    if reserved != 0 {
        differ("reserved bits", &0, &reserved);
    }
    let syn = live.has(Flags::SYN);
    if let Some(seq) = &expected.seq {
        let actual = if seq.value.raw { live.seq.get() } else { socket.numbers.local_written(live.seq.get(), syn) };
        if actual != seq.value.value {
            differ("seq", &seq.value.value, &actual);
        }
    }
    let ack = expected.ack.as_ref().map_or(Number { value: 0, raw: false }, |ack| ack.value);
    let raw = ack.raw || !live.has(Flags::ACK);
    let actual = if raw { live.ack.get() } else { socket.numbers.remote_written(live.ack.get(), syn) };
    if actual != ack.value {
        differ("ack", &ack.value, &actual);
    }
    if let Some(window) = expected.window.filter(|window| *window != live.window.0) {
        differ("win", &window, &live.window.0);
    }
    let urgent = expected.urgent.unwrap_or(0);
    if urgent != live.urgent {
        differ("urg", &urgent, &live.urgent);
    }
}

/// Options one by one, in order.
fn compare_options(
    listed: &[Spanned<TcpOption>],
    found: &[TcpOption],
    live: &Live,
    socket: &Socket,
    settings: &Settings,
    since: u64,
    differ: &mut Differ<'_>,
) -> Result<(), Stop> {
    let expected: Vec<_> = listed.iter().map(|option| option.value.clone()).collect();
    let spelled = |options: &[TcpOption]| spell_options(options);
    if expected.iter().any(|option| matches!(option, TcpOption::Raw(_))) {
        if options::octets_as_written(&expected) != options::octets_as_written(found) {
            differ("options", &spelled(&expected), &spelled(found));
        }
        return Ok(());
    }
    // Where kinds and places agree, only what differs is told; otherwise both areas whole.
    let kinds = |options: &[TcpOption]| options.iter().map(std::mem::discriminant).collect::<Vec<_>>();
    if kinds(&expected) != kinds(found) {
        differ("options", &spelled(&expected), &spelled(found));
        return Ok(());
    }
    for (index, wanted) in expected.iter().enumerate() {
        let Some(there) = found.get(index) else { break };
        let same = match (wanted, there) {
            (TcpOption::Timestamps { val, .. }, TcpOption::Timestamps { val: live, .. }) => {
                if let (Some(val), Some(live)) = (val, live)
                    && let Some(difference) = stamp(*val, *live, socket, settings, since)
                {
                    differ("TS val", &difference.0, &difference.1);
                }
                true
            }
            (TcpOption::Md5(None), TcpOption::Md5(Some(digest))) => {
                let asked = || Stop::error(listed[index].span, "md5 valid needs --tcp_md5_secret");
                let key = settings.md5_secret.as_ref().ok_or_else(asked)?;
                let Some(segment) = live.segment() else { return Ok(()) };
                let text = vec![0; usize::try_from(segment.len).unwrap_or(0)];
                let right = signature(live.source, live.destination, segment, &text, key.as_bytes());
                let right = right.map_err(|error| Stop::error(listed[index].span, error.to_string()))?;
                if right[..] != digest[..] {
                    differ("MD5 signature", &"a valid one", &"another");
                }
                true
            }
            (TcpOption::Sack(blocks), TcpOption::Sack(live)) => {
                let syn_offset = |number: &Number, there: &Number| {
                    let actual = if number.raw { socket.numbers.remote_live(*there, false) } else { there.value };
                    number.value == actual
                };
                let pairs = blocks.iter().zip(live);
                blocks.len() == live.len() && pairs.into_iter().all(|(a, b)| syn_offset(&a.0, &b.0) && syn_offset(&a.1, &b.1))
            }
            (wanted, there) => wanted == there,
        };
        if !same {
            differ("option", wanted, there);
        }
    }
    Ok(())
}

/// How far a TSval is from where the clock behind it should be, where that is looked at.
fn stamp(written: u32, actual: u32, socket: &Socket, settings: &Settings, since: u64) -> Option<(String, String)> {
    let tick = settings.timestamp_tick?;
    socket.stamps.first()?;
    // Both count from the first: `actual` is given in the script's numbers.
    let away = u64::from(written.wrapping_sub(actual).cast_signed().unsigned_abs());
    let tick_micros = u64::try_from(tick.as_micros()).unwrap_or(u64::MAX);
    let tolerance = settings.tolerance_after(std::time::Duration::from_micros(since));
    let wrong = u128::from(away) * u128::from(tick_micros) > tolerance.as_micros();
    wrong.then(|| (written.to_string(), actual.to_string()))
}

/// Options as a script writes them.
fn spell_options(options: &[TcpOption]) -> String {
    if options.is_empty() {
        return "none".to_owned();
    }
    Options::Listed(options.iter().cloned().map(here).collect()).to_string()
}

const fn here<T>(value: T) -> Spanned<T> {
    Spanned { value, span: Span { start: 0, end: 0 } }
}

/// A live packet in the script's words: with those fields that its line writes, and all of TCP's.
fn written(live: &Live, socket: &Socket, script: &Packet) -> Result<Packet, Stop> {
    let envelope = &live.envelope;
    let ip = IpInfo {
        ecn: script.ip.ecn.map(|_| match envelope.codepoint {
            Codepoint::NotEct => Ecn::NotEct,
            Codepoint::Ect0 => Ecn::Ect0,
            Codepoint::Ect1 => Ecn::Ect1,
            Codepoint::Ce => Ecn::Ce,
        }),
        tos: script.ip.tos.map(|_| envelope.tos()),
        dscp: script.ip.dscp.map(|_| envelope.dscp),
        ttl: script.ip.ttl.map(|_| envelope.ttl),
        flow_label: script.ip.flow_label.map(|_| envelope.flow_label),
    };
    let ports = Ports { source: live.source.port, destination: live.destination.port };
    let body = match &live.body {
        LiveBody::Tcp { segment, .. } => {
            let expected = match &script.body {
                Body::Tcp(expected) => Some(expected),
                Body::Udp { .. } | Body::Icmp(_) => None,
            };
            Body::Tcp(written_segment(segment, socket, expected, live, ports)?)
        }
        LiveBody::Udp { len, .. } => {
            let asked = matches!(script.body, Body::Udp { ports: Some(_), .. });
            Body::Udp { ports: asked.then_some(ports), len: u16::try_from(*len).unwrap_or(u16::MAX) }
        }
        LiveBody::Icmp { kind, code, word } => {
            let ipv6 = live.source.address.is_ipv6();
            let (name, code_name) = icmp::names(*kind, *code, ipv6);
            Body::Icmp(IcmpMessage {
                kind: here(name),
                code: code_name.map(here),
                mtu: icmp::says_mtu(*kind, *code, ipv6).then_some(*word),
                id: icmp::is_echo(*kind, ipv6).then(|| u16::try_from(word >> 16).unwrap_or(0)),
                echoed: Echoed::Nothing,
            })
        }
    };
    Ok(Packet { direction: Direction::Outbound, outer: Vec::new(), ip, psp: None, body })
}

fn written_segment(
    segment: &Segment,
    socket: &Socket,
    expected: Option<&syntax::Segment>,
    live: &Live,
    ports: Ports,
) -> Result<syntax::Segment, Stop> {
    let syn = segment.has(Flags::SYN);
    let flags = segment.flags.bits();
    let accurate = expected.is_some_and(|expected| expected.flags.value.ace.is_some());
    let shown = if accurate {
        let ace = u8::try_from(flags >> 8 & 1).unwrap_or(0) << 2 | u8::try_from(flags >> 6 & 3).unwrap_or(0);
        SegmentFlags { bits: flags & !(SegmentFlags::AE | SegmentFlags::CWR | SegmentFlags::ECE), ace: Some(ace) }
    } else {
        SegmentFlags { bits: flags, ace: None }
    };
    let number = |asked: Option<&Spanned<Number>>, live: u32, written: u32| {
        let raw = asked.is_some_and(|asked| asked.value.raw);
        here(Number { value: if raw { live } else { written }, raw })
    };
    let seq = number(
        expected.and_then(|expected| expected.seq.as_ref()),
        segment.seq.get(),
        socket.numbers.local_written(segment.seq.get(), syn),
    );
    let ack = segment.ack.get();
    let ack = if segment.has(Flags::ACK) {
        Some(number(expected.and_then(|expected| expected.ack.as_ref()), ack, socket.numbers.remote_written(ack, syn)))
    } else {
        (ack != 0).then(|| here(Number { value: ack, raw: false }))
    };
    let options = options::decode(segment.options.octets(), socket, syn);
    let len = u16::try_from(segment.len).map_err(|_| Stop::error(None, "a segment is longer than 65535 octets"))?;
    Ok(syntax::Segment {
        ports: expected.and_then(|expected| expected.ports).map(|_| ports),
        udp: live.envelope.udp.map(|udp| Ports { source: udp.source, destination: udp.destination }),
        flags: here(shown),
        seq: Some(seq),
        len,
        ack,
        window: Some(segment.window.0),
        urgent: (segment.urgent != 0).then_some(segment.urgent),
        options: Options::Listed(options.into_iter().map(here).collect()),
        diagnosis: None,
    })
}

/// The line as it would have to be: the packet there was, without what the line leaves open.
pub(super) fn rewritten(script: &Packet, actual: &Packet) -> Packet {
    let mut packet = actual.clone();
    if let (Body::Tcp(expected), Body::Tcp(segment)) = (&script.body, &mut packet.body) {
        if expected.window.is_none() {
            segment.window = None;
        }
        if expected.seq.is_none() {
            segment.seq = None;
        }
        if expected.udp.is_none() {
            segment.udp = None;
        }
        match (&expected.options, &mut segment.options) {
            (Options::Any, options) => *options = Options::Any,
            (Options::Listed(listed), Options::Listed(found)) => {
                // TSecr is never compared, TSval only by its clock: the script's own stand.
                // So does the wish for a valid signature: which one is valid changes with every number.
                for (written, there) in listed.iter().zip(found) {
                    if let (TcpOption::Timestamps { .. }, TcpOption::Timestamps { .. }) | (TcpOption::Md5(None), TcpOption::Md5(_)) =
                        (&written.value, &there.value)
                    {
                        there.value = written.value.clone();
                    }
                }
            }
            (Options::Listed(_), Options::Any) => {}
        }
    }
    packet
}
