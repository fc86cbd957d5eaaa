//! Whether two traces of the same scenario agree, packet for packet, call for call, state for state.
//!
//! What no two runs share is matched up to renaming: ports are sides, sequence numbers count from
//! each side's SYN, timestamps are compared by which segment they echo. Times are not compared, nor is the
//! order of packets that crossed.

mod order;
mod states;

use std::fmt;

use crate::engine::{Flags, TcpOption};
use crate::trace::{End, HostId, Icmp, Packet, PacketId, Payload, Trace, What};

/// One thing in which two traces differ.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Difference {
    /// What kind of thing it is; excuses go by this name.
    pub kind: Kind,
    /// Where: `packet 5`, `call 3`.
    pub place: String,
    /// What our trace has there.
    pub ours: String,
    /// What the other has.
    pub theirs: String,
}

/// The kinds of differences.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Kind {
    /// A packet only one of them has, or another one.
    Packet,
    /// Who sent it.
    Direction,
    /// The control bits.
    Flags,
    /// SEG.SEQ, relative.
    Seq,
    /// SEG.ACK, relative.
    Ack,
    /// Octets of text.
    Length,
    /// SEG.WND as carried.
    Window,
    /// Options, their order or values.
    Options,
    /// Which segment a timestamp echoes.
    Echo,
    /// The urgent pointer.
    Urgent,
    /// The text itself.
    Text,
    /// What a call returned.
    Call,
    /// A state: where nothing moved, or after a packet where the other trace tells it.
    State,
}

impl Kind {
    /// The name an excuse goes by.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Packet => "packet",
            Self::Direction => "direction",
            Self::Flags => "flags",
            Self::Seq => "seq",
            Self::Ack => "ack",
            Self::Length => "length",
            Self::Window => "window",
            Self::Options => "options",
            Self::Echo => "echo",
            Self::Urgent => "urgent",
            Self::Text => "text",
            Self::Call => "call",
            Self::State => "state",
        }
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}: ours {}, theirs {}", self.place, self.kind.name(), self.ours, self.theirs)
    }
}

/// What was compared, and what differs.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Agreement {
    /// Packets compared.
    pub packets: usize,
    /// Calls compared.
    pub calls: usize,
    /// States compared.
    pub states: usize,
    /// Every difference, in order.
    pub differences: Vec<Difference>,
}

/// Compares two traces of the same scenario.
pub fn compare(ours: &Trace, theirs: &Trace) -> Agreement {
    let mut agreement = Agreement::default();
    let mine = departures(ours);
    let other = order::aligned((ours, &mine), (theirs, departures(theirs)));
    compare_packets((ours, &mine), (theirs, &other), &mut agreement);
    compare_calls(ours, theirs, &mut agreement);
    states::compare(ours, theirs, &mut agreement);
    states::compare_by_packet((ours, &mine), (theirs, &other), &mut agreement);
    agreement
}

/// Compares when TIME-WAIT ended, where both traces go on for so long: for which hosts, and how long after their last packet.
pub fn compare_time_waits(ours: &Trace, theirs: &Trace, agreement: &mut Agreement) {
    states::compare_time_waits(ours, theirs, agreement);
}

/// The packets of a trace as departures order them.
fn departures(trace: &Trace) -> Vec<PacketId> {
    let departed = trace.entries.iter().filter_map(|entry| match entry.what {
        What::Departure(id) => Some(id),
        _ => None,
    });
    departed.collect()
}

fn compare_packets((ours, mine): (&Trace, &[PacketId]), (theirs, other): (&Trace, &[PacketId]), agreement: &mut Agreement) {
    for position in 0..mine.len().max(other.len()) {
        let place = format!("packet {}", position + 1);
        let mut differ =
            |kind, ours: String, theirs: String| agreement.differences.push(Difference { kind, place: place.clone(), ours, theirs });
        let (a, b) = match (mine.get(position), other.get(position)) {
            (Some(a), Some(b)) => (Shown::of(ours, *a), Shown::of(theirs, *b)),
            (Some(a), None) => {
                differ(Kind::Packet, Shown::of(ours, *a).to_string(), "nothing".to_owned());
                continue;
            }
            (None, Some(b)) => {
                differ(Kind::Packet, "nothing".to_owned(), Shown::of(theirs, *b).to_string());
                continue;
            }
            (None, None) => continue,
        };
        agreement.packets += 1;
        let found = a.differences(&b);
        // Of another packet altogether it is said once.
        let another = found.iter().any(|(kind, ..)| matches!(kind, Kind::Packet | Kind::Direction));
        let messages = a.message.is_some() && b.message.is_some();
        if messages && found.is_empty() && text_of(ours.packet(mine[position])) != text_of(theirs.packet(other[position])) {
            differ(Kind::Packet, a.to_string(), b.to_string());
        }
        for (kind, ours, theirs) in found {
            differ(kind, ours, theirs);
        }
        if messages || another {
            continue;
        }
        if ours.packet(mine[position]).payload.octets() != theirs.packet(other[position]).payload.octets() {
            differ(Kind::Text, "other octets".to_owned(), "other octets".to_owned());
        }
        let (echo_a, echo_b) = (echoes(ours, mine, position), echoes(theirs, other, position));
        let same = match (&echo_a, &echo_b) {
            (Some(a), Some(b)) => a.is_empty() && b.is_empty() || a.iter().any(|segment| b.contains(segment)),
            (None, None) => true,
            _ => false,
        };
        if !same {
            differ(Kind::Echo, packets_shown(echo_a.as_deref()), packets_shown(echo_b.as_deref()));
        }
    }
}

/// Which earlier packets of the other side a packet's timestamp may echo; `None` without timestamps.
fn echoes(trace: &Trace, order: &[PacketId], position: usize) -> Option<Vec<usize>> {
    let packet = trace.packet(order[position]);
    let timestamps = |packet: &Packet| packet.segment()?.options.get_timestamps();
    let echoed = timestamps(packet)?.ecr;
    let from_other = |id: &PacketId| {
        let earlier = trace.packet(*id);
        earlier.source == packet.destination && timestamps(earlier).is_some_and(|ts| ts.val == echoed)
    };
    Some(order[..position].iter().zip(1..).filter(|(id, _)| from_other(id)).map(|(_, number)| number).collect())
}

fn packets_shown(packets: Option<&[usize]>) -> String {
    match packets {
        None => "no timestamp".to_owned(),
        Some([]) => "no packet".to_owned(),
        Some(packets) => packets.iter().map(|number| format!("packet {number}")).collect::<Vec<_>>().join(" or "),
    }
}

fn shown(number: Option<i64>) -> String {
    number.map_or("-".to_owned(), |number| number.to_string())
}

/// What a packet without a segment is, without the ports and numbers that differ from run to run.
fn message_shown(packet: &Packet) -> String {
    match &packet.payload {
        Payload::Icmp(Icmp::Error { error, .. }) => format!("ICMP {error}"),
        payload => format!("{} len {}", payload.protocol(), payload.octets().len()),
    }
}

/// The octets an application put into a packet.
pub(super) fn text_of(packet: &Packet) -> &[u8] {
    match &packet.payload {
        // How much is quoted, and with which identification and time to live, is nobody's text.
        Payload::Icmp(Icmp::Error { .. }) => &[],
        payload => payload.octets(),
    }
}

/// A packet as it is compared.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Shown {
    from: String,
    /// What it is, if it carries no segment; nothing below counts then.
    message: Option<String>,
    flags: Flags,
    seq: i64,
    ack: Option<i64>,
    len: u32,
    window: u16,
    urgent: u16,
    options: String,
}

impl Shown {
    /// The packet with everything that differs from run to run renamed.
    pub fn of(trace: &Trace, id: PacketId) -> Self {
        let position = id.0 as usize;
        Self::numbered(trace, id, &|of| trace.iss_before(position, of).unwrap_or(0), &|_| "TS".to_owned())
    }

    /// The packet with the numbers it has; of timestamps that they are there, or what they are.
    pub(super) fn as_it_stands(trace: &Trace, id: PacketId, with_timestamps: bool) -> Self {
        let shown = |option: &TcpOption<'_>| if with_timestamps { option.to_string() } else { "TS".to_owned() };
        Self::numbered(trace, id, &|_| 0, &shown)
    }

    fn numbered(trace: &Trace, id: PacketId, base: &dyn Fn(End) -> u32, timestamps: &dyn Fn(&TcpOption<'_>) -> String) -> Self {
        let packet = trace.packet(id);
        let from = packet.from.map_or("X".to_owned(), |host| trace.host(host).name.clone());
        let Some(segment) = packet.segment() else { return Self { from, message: Some(message_shown(packet)), ..Self::default() } };
        let relative = |number: u32, of| i64::from(number.wrapping_sub(base(of)).cast_signed());
        // A reset built with SEQ=0 says zero, not a number of the connection.
        let literal = segment.has(Flags::RST) && segment.seq.get() == 0;
        let seq = if literal { 0 } else { relative(segment.seq.get(), packet.source) };
        let options = segment.options.iter().map(|option| match option {
            option @ TcpOption::Timestamps(_) => timestamps(&option),
            // Every server has a key of its own, so only whether it is one can be compared.
            TcpOption::FastOpen(cookie) if !cookie.is_request() => format!("FO cookie of {}", cookie.octets().len()),
            TcpOption::Sack(blocks) => {
                let edges = blocks.chunks_exact(4).map(|edge| {
                    let number = u32::from_be_bytes([edge[0], edge[1], edge[2], edge[3]]);
                    relative(number, packet.destination).to_string()
                });
                format!("sack {}", edges.collect::<Vec<_>>().join(":"))
            }
            option => option.to_string(),
        });
        Self {
            from,
            message: None,
            flags: segment.flags,
            seq,
            ack: segment.has(Flags::ACK).then(|| relative(segment.ack.get(), packet.destination)),
            len: segment.len,
            window: segment.window.0,
            urgent: segment.urgent,
            options: options.collect::<Vec<_>>().join(","),
        }
    }
}

impl Shown {
    /// In what two packets differ, text and echoes left out: the kind, what this one has and what the other has.
    ///
    /// Another packet altogether is one difference, not seven.
    pub(super) fn differences(&self, other: &Self) -> Vec<(Kind, String, String)> {
        let (a, b) = (self, other);
        if a.message.is_some() || b.message.is_some() {
            return if a == b { Vec::new() } else { vec![(Kind::Packet, a.to_string(), b.to_string())] };
        }
        if a.from != b.from || a.flags != b.flags && a.seq != b.seq {
            let kind = if a.from == b.from { Kind::Packet } else { Kind::Direction };
            return vec![(kind, a.to_string(), b.to_string())];
        }
        let fields = [
            (Kind::Flags, a.flags.to_string(), b.flags.to_string()),
            (Kind::Seq, a.seq.to_string(), b.seq.to_string()),
            (Kind::Ack, shown(a.ack), shown(b.ack)),
            (Kind::Length, a.len.to_string(), b.len.to_string()),
            (Kind::Window, a.window.to_string(), b.window.to_string()),
            (Kind::Options, a.options.clone(), b.options.clone()),
            (Kind::Urgent, a.urgent.to_string(), b.urgent.to_string()),
        ];
        fields.into_iter().filter(|(_, ours, theirs)| ours != theirs).collect()
    }

    /// Who sent it, what it is and where it stands: what makes two packets of two runs the same, whatever else differs.
    pub(super) fn identity(&self) -> String {
        let Self { from, message, flags, seq, len, .. } = self;
        message.as_ref().map_or_else(|| format!("{from} {flags} {seq} {len}"), |message| format!("{from} {message}"))
    }

    /// Who sent it and of what kind it is.
    pub(super) fn kind(&self) -> String {
        let Self { from, message, flags, len, .. } = self;
        let (syn, fin, rst) = (flags.contains(Flags::SYN), flags.contains(Flags::FIN), flags.contains(Flags::RST));
        message.as_ref().map_or_else(|| format!("{from} {syn} {fin} {rst} {}", *len > 0), |message| format!("{from} {message}"))
    }
}

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(message) = &self.message {
            return write!(f, "{} {message}", self.from);
        }
        write!(f, "{} {} seq {} ack {} len {} win {}", self.from, self.flags, self.seq, shown(self.ack), self.len, self.window)?;
        if self.options.is_empty() { Ok(()) } else { write!(f, " <{}>", self.options) }
    }
}

/// Calls with what they finally returned: a call that blocked counts when it returns.
fn calls(trace: &Trace) -> Vec<(String, String)> {
    let mut calls: Vec<(HostId, String, String)> = Vec::new();
    for entry in &trace.entries {
        let What::Call { call, result, returned } = &entry.what else { continue };
        let result = match result {
            Ok(text) if text.is_empty() => "ok".to_owned(),
            // Round trips differ from run to run; whether there was one does not.
            Ok(text) if call.starts_with("ping") => {
                let word = |word: &str| if word.starts_with(|c: char| c.is_ascii_digit()) { "reply" } else { word }.to_owned();
                text.split(", ").map(word).collect::<Vec<_>>().join(", ")
            }
            Ok(text) => text.clone(),
            Err(errno) if matches!(errno.as_str(), "EAGAIN" | "EINPROGRESS" | "EALREADY") => "blocks".to_owned(),
            Err(errno) => errno.clone(),
        };
        if *returned
            && let Some(made) =
                calls.iter_mut().rev().find(|(host, made, result)| *host == entry.host && made == call && result == "blocks")
        {
            made.2 = result;
        } else {
            calls.push((entry.host, call.clone(), result));
        }
    }
    calls.into_iter().map(|(host, call, result)| (format!("{}: {call}", trace.host(host).name), result)).collect()
}

fn compare_calls(ours: &Trace, theirs: &Trace, agreement: &mut Agreement) {
    let (mine, other) = (calls(ours), calls(theirs));
    let nothing = || ("no call".to_owned(), String::new());
    for position in 0..mine.len().max(other.len()) {
        let (a, b) = (mine.get(position).cloned().unwrap_or_else(nothing), other.get(position).cloned().unwrap_or_else(nothing));
        agreement.calls += 1;
        if a != b {
            let place = format!("call {} ({})", position + 1, a.0);
            let theirs = if a.0 == b.0 { b.1 } else { format!("{} {}", b.0, b.1) };
            agreement.differences.push(Difference { kind: Kind::Call, place, ours: a.1, theirs });
        }
    }
}
