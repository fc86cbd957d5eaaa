//! The stable, versioned JSON form of a trace: one document, integers for times and numbers.
//!
//! `sources::json` reads it back.

use serde::Serialize;

use crate::ladder::Message;
use crate::trace::{Entry, Envelope, Icmp, Neighbour, Payload, Trace, What};

/// Changes when a field changes its meaning or goes away; new fields do not change it.
pub const SCHEMA_VERSION: u32 = 1;

#[derive(Serialize)]
struct Document<'a> {
    schema_version: u32,
    tool: &'static str,
    recipe: Vec<[&'a str; 2]>,
    hosts: Vec<Host<'a>>,
    packets: Vec<Packet>,
    entries: Vec<Row<'a>>,
}

#[derive(Serialize)]
struct Host<'a> {
    name: &'a str,
    address: String,
    link_address: String,
    initial_state: &'static str,
}

#[derive(Serialize)]
struct Packet {
    id: usize,
    /// `null` for a forged one.
    from: Option<u8>,
    to: u8,
    source: String,
    destination: String,
    /// What it carries, if that is no TCP segment.
    #[serde(skip_serializing_if = "Option::is_none")]
    protocol: Option<&'static str>,
    /// The same in a ladder's notation.
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<String>,
    /// What the words of `message` leave out.
    #[serde(skip_serializing_if = "Option::is_none")]
    content: Option<Content>,
    #[serde(flatten)]
    segment: Option<Segment>,
    /// The octets of a segment, datagram or echo that belong to the application, in hexadecimal.
    #[serde(skip_serializing_if = "String::is_empty")]
    text: String,
}

/// What an ICMP message or a question for a link address says.
#[derive(Serialize)]
#[serde(rename_all = "lowercase")]
enum Content {
    Echo { reply: bool, id: u16, seq: u16 },
    Error { error: &'static str, parameter: u32, quote: String },
    Neighbour { reply: bool, link_address: String },
}

/// The fields of a packet that carries a segment.
#[derive(Serialize)]
#[expect(clippy::struct_field_names, reason = "the whole segment in the notation of a ladder")]
struct Segment {
    seq: u32,
    /// Relative to the first SYN of the sender in this trace.
    seq_relative: Option<i64>,
    ack: Option<u32>,
    ack_relative: Option<i64>,
    flags: Vec<&'static str>,
    window: u16,
    /// The urgent pointer, where it is not 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    urgent: Option<u16>,
    len: u32,
    options: String,
    segment: String,
    /// The ECN field of the IP header, where it is not Not-ECT.
    #[serde(skip_serializing_if = "Option::is_none")]
    ecn: Option<&'static str>,
    /// Time to live or hop limit, where it is not 64.
    #[serde(skip_serializing_if = "Option::is_none")]
    ttl: Option<u8>,
    /// The six bits before the ECN field, where they are not 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    dscp: Option<u8>,
    /// The flow label of IPv6, where it is not 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    flow_label: Option<u32>,
    /// The ports of the UDP header around the segment, source and destination, where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    udp: Option<[u16; 2]>,
    /// The bit that the wire turns: octet from the beginning of the TCP header, bit from the lowest.
    #[serde(skip_serializing_if = "Option::is_none")]
    damage: Option<[u16; 2]>,
}

#[derive(Serialize)]
struct Row<'a> {
    time_ns: u64,
    host: &'a str,
    endpoint: Option<u32>,
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    packet: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    call: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    result: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    timer: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<&'a str>,
    state_before: &'static str,
    state_after: &'static str,
    rules: Vec<RuleRow>,
    signals: Vec<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    variables: Option<Variables>,
}

#[derive(Serialize)]
struct RuleRow {
    name: &'static str,
    source: String,
}

#[derive(Serialize)]
struct Variables {
    iss: Option<u32>,
    irs: Option<u32>,
    snd_una: Option<u32>,
    snd_nxt: Option<u32>,
    snd_wnd: Option<u32>,
    rcv_nxt: Option<u32>,
    rcv_wnd: Option<u32>,
    unsent: u32,
    unread: u32,
    rto_ns: u64,
    timers_ns: std::collections::BTreeMap<&'static str, u64>,
}

/// The trace as one JSON document, ended by a newline.
///
/// # Errors
/// Whatever `out` says.
pub fn write(trace: &Trace, out: &mut impl std::io::Write) -> std::io::Result<()> {
    serde_json::to_writer_pretty(&mut *out, &document(trace)).map_err(std::io::Error::from)?;
    out.write_all(b"\n")
}

fn document(trace: &Trace) -> Document<'_> {
    Document {
        schema_version: SCHEMA_VERSION,
        tool: concat!("synfin ", env!("CARGO_PKG_VERSION")),
        recipe: trace.recipe.iter().map(|(key, value)| [key.as_str(), value.as_str()]).collect(),
        hosts: trace
            .hosts
            .iter()
            .map(|host| Host {
                name: &host.name,
                address: host.address.to_string(),
                link_address: link_address(host.link_address),
                initial_state: host.initial_state.name(),
            })
            .collect(),
        packets: (0..trace.packets.len()).map(|id| packet(trace, id)).collect(),
        entries: trace.entries.iter().map(|entry| row(trace, entry)).collect(),
    }
}

fn packet(trace: &Trace, id: usize) -> Packet {
    let packet = &trace.packets[id];
    Packet {
        id,
        from: packet.from.map(|host| host.0),
        to: packet.to.0,
        source: end(packet.source),
        destination: end(packet.destination),
        protocol: packet.segment().is_none().then(|| packet.payload.protocol()),
        message: packet.segment().is_none().then(|| Message::of(packet).to_string()),
        content: content(&packet.payload),
        segment: packet.segment().map(|carried| segment(trace, id, carried)),
        text: match &packet.payload {
            Payload::Icmp(Icmp::Error { .. }) => String::new(),
            payload => hex(payload.octets()),
        },
    }
}

fn content(payload: &Payload) -> Option<Content> {
    match payload {
        Payload::Tcp { .. } | Payload::Udp { .. } => None,
        Payload::Icmp(Icmp::EchoRequest(echo)) => Some(Content::Echo { reply: false, id: echo.id, seq: echo.seq }),
        Payload::Icmp(Icmp::EchoReply(echo)) => Some(Content::Echo { reply: true, id: echo.id, seq: echo.seq }),
        Payload::Icmp(Icmp::Error { error, parameter, quote }) => {
            Some(Content::Error { error: error.name(), parameter: *parameter, quote: hex(&quote.octets) })
        }
        Payload::Neighbour(Neighbour::Request(link)) => Some(Content::Neighbour { reply: false, link_address: link_address(*link) }),
        Payload::Neighbour(Neighbour::Reply(link)) => Some(Content::Neighbour { reply: true, link_address: link_address(*link) }),
    }
}

fn hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}

fn link_address(octets: [u8; 6]) -> String {
    octets.map(|octet| format!("{octet:02x}")).join(":")
}

fn segment(trace: &Trace, id: usize, segment: &crate::engine::Segment) -> Segment {
    let packet = &trace.packets[id];
    let relative = |number: u32, base: Option<u32>| base.map(|base| i64::from(number.wrapping_sub(base).cast_signed()));
    let ack = segment.has(crate::engine::Flags::ACK).then_some(segment.ack.get());
    Segment {
        seq: segment.seq.get(),
        seq_relative: relative(segment.seq.get(), trace.iss_before(id, packet.source)),
        ack,
        ack_relative: ack.and_then(|ack| relative(ack, trace.iss_before(id, packet.destination))),
        flags: crate::engine::Flags::NAMED.into_iter().filter(|(flag, _)| segment.has(*flag)).map(|(_, name)| name).collect(),
        window: segment.window.0,
        urgent: (segment.urgent != 0).then_some(segment.urgent),
        len: segment.len,
        options: segment.options.to_string(),
        segment: segment.to_string(),
        ecn: (packet.envelope.codepoint != crate::engine::Codepoint::NotEct).then(|| packet.envelope.codepoint.name()),
        ttl: (packet.envelope.ttl != Envelope::PLAIN.ttl).then_some(packet.envelope.ttl),
        dscp: (packet.envelope.dscp != 0).then_some(packet.envelope.dscp),
        flow_label: (packet.envelope.flow_label != 0).then_some(packet.envelope.flow_label),
        udp: packet.envelope.udp.map(|ports| [ports.source, ports.destination]),
        damage: packet.damage.map(|damage| [damage.octet, damage.bit.into()]),
    }
}

fn end(end: crate::trace::End) -> String {
    std::net::SocketAddr::new(end.address, end.port).to_string()
}

fn row<'a>(trace: &'a Trace, entry: &'a Entry) -> Row<'a> {
    let mut row = Row {
        time_ns: entry.at.as_nanos(),
        host: &trace.host(entry.host).name,
        endpoint: entry.endpoint.map(|endpoint| endpoint.0),
        kind: "",
        packet: None,
        call: None,
        result: None,
        error: None,
        timer: None,
        note: None,
        state_before: entry.before.name(),
        state_after: entry.after.name(),
        rules: entry.rules.iter().map(|rule| RuleRow { name: rule.name, source: rule.source() }).collect(),
        signals: entry.signals.iter().map(|signal| signal.name()).collect(),
        variables: entry.variables.as_deref().map(variables),
    };
    match &entry.what {
        What::Call { call, result, returned } => {
            row.kind = if *returned { "return" } else { "call" };
            row.call = Some(call);
            match result {
                Ok(value) => row.result = Some(value),
                Err(errno) => row.error = Some(errno),
            }
        }
        What::Departure(id) => (row.kind, row.packet) = ("departure", Some(id.0)),
        What::Arrival(id) => (row.kind, row.packet) = ("arrival", Some(id.0)),
        What::Rejection(id) => (row.kind, row.packet) = ("rejection", Some(id.0)),
        What::Loss(id) => (row.kind, row.packet) = ("loss", Some(id.0)),
        What::Timer(timer) => (row.kind, row.timer) = ("timer", Some(timer.name())),
        What::Observation => row.kind = "observation",
        What::Note(note) => (row.kind, row.note) = ("note", Some(note.as_str())),
    }
    row
}

fn variables(variables: &crate::engine::Variables) -> Variables {
    Variables {
        iss: variables.iss.map(crate::engine::SeqNumber::get),
        irs: variables.irs.map(crate::engine::SeqNumber::get),
        snd_una: variables.snd_una.map(crate::engine::SeqNumber::get),
        snd_nxt: variables.snd_nxt.map(crate::engine::SeqNumber::get),
        snd_wnd: variables.snd_wnd,
        rcv_nxt: variables.rcv_nxt.map(crate::engine::SeqNumber::get),
        rcv_wnd: variables.rcv_wnd,
        unsent: variables.unsent,
        unread: variables.unread,
        rto_ns: u64::try_from(variables.rto.as_nanos()).unwrap_or(u64::MAX),
        timers_ns: variables.timers.iter().map(|(timer, at)| (timer.name(), at.as_nanos())).collect(),
    }
}
