//! A trace from its JSON form, as `synfin simulate --json` writes it.
//!
//! All of a trace comes back but the variables of its endpoints, which nothing that reads a trace needs: its
//! ladder, its capture and its differences are those of the trace that was written.
//!
//! ```
//! use synfin::sinks::{json, ladder};
//!
//! let trace = synfin::scenario("half-close")?.run();
//! let mut written = Vec::new();
//! json::write(&trace, &mut written)?;
//! let read = synfin::sources::json::read(&written[..])?;
//! assert_eq!(ladder::render(&read, Default::default()), ladder::render(&trace, Default::default()));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use std::fmt::Display;
use std::io::Read;
use std::net::{IpAddr, SocketAddr};

use serde::de::{Deserializer, Error as _};
use serde::{Deserialize, de};

use crate::engine::{Codepoint, Flags, Instant, Rule, Segment, SeqNumber, Signal, State, TcpOptions, Timer, WireWindow};
use crate::trace::{
    Damage, Echo, End, EndpointId, Entry, Envelope, HostId, HostInfo, Icmp, IcmpError, Neighbour, Packet, PacketId, Payload, Trace,
    UdpPorts, What,
};
use crate::wire;

/// The version of the form that is read; `sinks::json` writes it.
const SCHEMA_VERSION: u32 = 1;

/// Why a text is not a trace.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum JsonError {
    /// It is not JSON, or not of the form.
    #[error("{line}:{column}: {what}")]
    Form {
        /// Line, from 1; 0 where the input fails.
        line: usize,
        /// Column, from 1.
        column: usize,
        /// What is wrong there.
        what: String,
    },
    /// It is of another version.
    #[error("it has schema_version {version}; {SCHEMA_VERSION} is read")]
    Version {
        /// The version it says.
        version: u32,
    },
    /// What it says in one place contradicts another.
    #[error("{place}: {what}")]
    Contradiction {
        /// Where: `entries[3]`.
        place: String,
        /// What is wrong there.
        what: String,
    },
}

/// Reads one document.
///
/// # Errors
/// [`JsonError`], with line and column, or with the place in the document.
pub fn read(input: impl Read) -> Result<Trace, JsonError> {
    let document: Document = serde_json::from_reader(std::io::BufReader::new(input)).map_err(|error| {
        let text = error.to_string();
        let (line, column) = (error.line(), error.column());
        let what = text.strip_suffix(&format!(" at line {line} column {column}")).unwrap_or(&text).to_owned();
        JsonError::Form { line, column, what }
    })?;
    if document.schema_version != SCHEMA_VERSION {
        return Err(JsonError::Version { version: document.schema_version });
    }
    document.into_trace()
}

#[derive(Deserialize)]
struct Document {
    schema_version: u32,
    #[serde(default)]
    recipe: Vec<(String, String)>,
    hosts: Vec<Host>,
    packets: Vec<Carried>,
    entries: Vec<Row>,
}

#[derive(Deserialize)]
struct Host {
    name: String,
    address: IpAddr,
    link_address: Link,
    #[serde(default, deserialize_with = "some_state")]
    initial_state: Option<State>,
}

#[derive(Deserialize)]
struct Carried {
    from: Option<u8>,
    to: u8,
    source: SocketAddr,
    destination: SocketAddr,
    protocol: Option<String>,
    content: Option<Content>,
    seq: Option<u32>,
    ack: Option<u32>,
    flags: Option<Bits>,
    window: Option<u16>,
    #[serde(default)]
    urgent: u16,
    #[serde(default)]
    len: u32,
    options: Option<Options>,
    ecn: Option<String>,
    ttl: Option<u8>,
    #[serde(default)]
    dscp: u8,
    #[serde(default)]
    flow_label: u32,
    udp: Option<(u16, u16)>,
    damage: Option<(u16, u8)>,
    text: Option<Hex>,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Content {
    Echo { reply: bool, id: u16, seq: u16 },
    Error { error: String, parameter: u32, quote: Hex },
    Neighbour { reply: bool, link_address: Link },
}

#[derive(Deserialize)]
struct Row {
    time_ns: u64,
    host: String,
    endpoint: Option<u32>,
    kind: String,
    packet: Option<u32>,
    call: Option<String>,
    result: Option<String>,
    error: Option<String>,
    timer: Option<String>,
    note: Option<String>,
    #[serde(deserialize_with = "state")]
    state_before: State,
    #[serde(deserialize_with = "state")]
    state_after: State,
    #[serde(default)]
    rules: Vec<RuleRow>,
    #[serde(default)]
    signals: Vec<SignalName>,
}

#[derive(Deserialize)]
struct RuleRow {
    name: RuleName,
}

/// Words and numbers in a spelling of their own; each says itself what would be right, so that the error has its line.
macro_rules! spelled {
    ($($name:ident($inner:ty): $expected:literal, $read:expr;)+) => {
        $(
            struct $name($inner);

            impl<'de> Deserialize<'de> for $name {
                fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                    let text = String::deserialize(deserializer)?;
                    let read: fn(&str) -> Option<$inner> = $read;
                    read(&text).map(Self).ok_or_else(|| expected(&text, $expected))
                }
            }
        )+
    };
}

spelled! {
    Link([u8; 6]): "a link address such as 02:00:00:00:00:01", link_address;
    Hex(Vec<u8>): "octets in hexadecimal, two digits each", octets;
    Options(TcpOptions): "TCP options as a ladder writes them, such as mss 1460,sackOK", TcpOptions::spelled;
    RuleName(&'static Rule): "the name of a rule; synfin list transitions shows them", Rule::named;
    SignalName(Signal): "a signal such as connection opened", Signal::named;
}

struct Bits(Flags);

impl<'de> Deserialize<'de> for Bits {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let names = Vec::<String>::deserialize(deserializer)?;
        let with =
            |bits: Flags, name: &String| Flags::named(name).map(|flag| bits | flag).ok_or_else(|| expected(name, "a flag such as SYN"));
        names.iter().try_fold(Flags::NONE, with).map(Self)
    }
}

fn expected<E: de::Error>(found: &str, expected: impl Display) -> E {
    E::custom(format!("found {found:?}, expected {expected}"))
}

fn state<'de, D: Deserializer<'de>>(deserializer: D) -> Result<State, D::Error> {
    let text = String::deserialize(deserializer)?;
    State::named(&text).ok_or_else(|| expected(&text, "a state such as SYN-SENT"))
}

fn some_state<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<State>, D::Error> {
    state(deserializer).map(Some).map_err(D::Error::custom)
}

fn octets(text: &str) -> Option<Vec<u8>> {
    let digits: Vec<u8> = text.chars().map(|digit| digit.to_digit(16).and_then(|digit| u8::try_from(digit).ok())).collect::<Option<_>>()?;
    digits.len().is_multiple_of(2).then(|| digits.chunks_exact(2).map(|pair| pair[0] << 4 | pair[1]).collect())
}

fn link_address(text: &str) -> Option<[u8; 6]> {
    let parts = text.split(':').map(|part| if part.len() == 2 { octets(part)?.pop() } else { None }).collect::<Option<Vec<u8>>>()?;
    parts.try_into().ok()
}

fn wrong(place: &str, index: usize, what: String) -> JsonError {
    JsonError::Contradiction { place: format!("{place}[{index}]"), what }
}

impl Document {
    fn into_trace(self) -> Result<Trace, JsonError> {
        let Self { recipe, hosts, packets, entries, .. } = self;
        let hosts: Vec<HostInfo> = hosts
            .into_iter()
            .map(|Host { name, address, link_address, initial_state }| HostInfo {
                name,
                address,
                link_address: link_address.0,
                initial_state: initial_state.unwrap_or(State::Closed),
            })
            .collect();
        if hosts.is_empty() || hosts.len() > 2 {
            return Err(JsonError::Contradiction {
                place: "hosts".to_owned(),
                what: format!("{} hosts; expected one or two", hosts.len()),
            });
        }
        let mut trace = Trace { recipe, hosts, packets: Vec::new(), entries: Vec::new() };
        for (index, carried) in packets.into_iter().enumerate() {
            let packet = carried.into_packet(trace.hosts.len()).map_err(|what| wrong("packets", index, what))?;
            trace.packets.push(packet);
        }
        for (index, row) in entries.into_iter().enumerate() {
            let entry = row.into_entry(&trace).map_err(|what| wrong("entries", index, what))?;
            if trace.entries.last().is_some_and(|last| last.at > entry.at) {
                return Err(wrong("entries", index, "it is earlier than the entry before it".to_owned()));
            }
            trace.entries.push(entry);
        }
        Ok(trace)
    }
}

impl Carried {
    fn into_packet(self, hosts: usize) -> Result<Packet, String> {
        let host = |id: u8| {
            if usize::from(id) < hosts { Ok(HostId(id)) } else { Err(format!("host {id} is not in hosts, which has {hosts}")) }
        };
        let (from, to) = (self.from.map(host).transpose()?, host(self.to)?);
        let end = |at: SocketAddr| End { address: at.ip(), port: at.port() };
        let (source, destination) = (end(self.source), end(self.destination));
        let codepoint = self.ecn.as_deref().map_or(Ok(Codepoint::NotEct), |name| {
            let known = (0..4).map(Codepoint::from_bits).find(|codepoint| codepoint.name() == name);
            known.ok_or_else(|| format!("ecn {name:?}: expected ECT(0), ECT(1) or CE"))
        })?;
        let envelope = Envelope {
            ttl: self.ttl.unwrap_or(Envelope::PLAIN.ttl),
            dscp: self.dscp & 0x3f,
            codepoint,
            flow_label: self.flow_label & 0xf_ffff,
            udp: self.udp.map(|(source, destination)| UdpPorts { source, destination }),
        };
        let damage = self.damage.map(|(octet, bit)| Damage { octet, bit });
        let payload = self.into_payload()?;
        Ok(Packet { from, to, source, destination, payload, envelope, damage })
    }

    fn into_payload(self) -> Result<Payload, String> {
        let text = self.text.map(|text| text.0).unwrap_or_default();
        match (self.protocol.as_deref(), self.content) {
            (None | Some("TCP"), _) => {
                let missing = |field: &str| format!("a segment without {field}");
                let segment = Segment {
                    seq: SeqNumber::new(self.seq.ok_or_else(|| missing("seq"))?),
                    ack: SeqNumber::new(self.ack.unwrap_or(0)),
                    flags: self.flags.ok_or_else(|| missing("flags"))?.0,
                    window: WireWindow(self.window.ok_or_else(|| missing("window"))?),
                    urgent: self.urgent,
                    len: self.len,
                    options: self.options.map_or(TcpOptions::NONE, |options| options.0),
                };
                // Text that is not told may be anything, and is shown as nothing.
                if text.len() > segment.len as usize {
                    return Err(format!("{} octets of text in a segment of {}", text.len(), segment.len));
                }
                Ok(Payload::Tcp { segment, text })
            }
            (Some("UDP"), _) => Ok(Payload::Udp { text }),
            (Some(_), Some(Content::Echo { reply, id, seq })) => {
                let echo = Echo { id, seq, text };
                Ok(Payload::Icmp(if reply { Icmp::EchoReply(echo) } else { Icmp::EchoRequest(echo) }))
            }
            (Some(_), Some(Content::Error { error, parameter, quote })) => {
                let known = IcmpError::named(&error).ok_or_else(|| format!("there is no ICMP error {error:?}"))?;
                let quote = wire::quote(&quote.0, quote.0.len()).map_err(|error| error.to_string())?;
                Ok(Payload::Icmp(Icmp::Error { error: known, parameter, quote }).map(<[u8]>::to_vec))
            }
            (Some(_), Some(Content::Neighbour { reply, link_address: Link(link) })) => {
                Ok(Payload::Neighbour(if reply { Neighbour::Reply(link) } else { Neighbour::Request(link) }))
            }
            (Some(protocol), None) => Err(format!("protocol {protocol:?} without content; expected TCP, UDP, ICMP or ARP")),
        }
    }
}

impl Row {
    fn into_entry(self, trace: &Trace) -> Result<Entry, String> {
        let host = trace.host_named(&self.host).ok_or_else(|| format!("there is no host {:?}", self.host))?;
        let packet = |id: Option<u32>| match id {
            Some(id) if (id as usize) < trace.packets.len() => Ok(PacketId(id)),
            Some(id) => Err(format!("packet {id} is not in packets, which has {}", trace.packets.len())),
            None => Err(format!("{} of no packet", self.kind)),
        };
        let what = match self.kind.as_str() {
            "departure" => What::Departure(packet(self.packet)?),
            "arrival" => What::Arrival(packet(self.packet)?),
            "rejection" => What::Rejection(packet(self.packet)?),
            "loss" => What::Loss(packet(self.packet)?),
            "observation" => What::Observation,
            "note" => What::Note(self.note.ok_or("a note without words")?),
            "timer" => {
                let name = self.timer.ok_or("an expired timer without a name")?;
                let timer = Timer::ALL.into_iter().find(|timer| timer.name() == name);
                What::Timer(timer.ok_or_else(|| format!("there is no timer {name:?}"))?)
            }
            "call" | "return" => {
                let result = match (self.result, self.error) {
                    (Some(value), None) => Ok(value),
                    (None, Some(errno)) => Err(errno),
                    _ => return Err("a call has either a result or an error".to_owned()),
                };
                What::Call { call: self.call.ok_or("a call without a name")?, result, returned: self.kind == "return" }
            }
            kind => return Err(format!("there is no kind {kind:?} of entry")),
        };
        Ok(Entry {
            at: Instant::from_nanos(self.time_ns),
            host,
            endpoint: self.endpoint.map(EndpointId),
            what,
            before: self.state_before,
            after: self.state_after,
            rules: self.rules.iter().map(|rule| rule.name.0).collect(),
            signals: self.signals.iter().map(|signal| signal.0).collect(),
            variables: None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{JsonError, read};
    use crate::sinks::json;
    use crate::sources::scenario::{Scenario, catalogue};
    use crate::trace::Trace;

    fn written(trace: &Trace) -> String {
        let mut octets = Vec::new();
        json::write(trace, &mut octets).expect("a Vec takes everything");
        String::from_utf8(octets).expect("JSON is UTF-8")
    }

    fn simulated(name: &str) -> Trace {
        Scenario::load(name).expect("of the catalogue").run()
    }

    #[test]
    fn every_scenario_comes_back_but_for_variables() {
        for name in catalogue::names() {
            let mut trace = simulated(name);
            trace.entries.iter_mut().for_each(|entry| entry.variables = None);
            let read = read(written(&trace).as_bytes()).unwrap_or_else(|error| panic!("{name}: {error}"));
            assert_eq!(written(&read), written(&trace), "{name}");
            assert_eq!(read.entries, trace.entries, "{name}");
            assert_eq!(read.hosts, trace.hosts, "{name}");
        }
    }

    #[test]
    fn a_mistake_is_told_with_its_place() {
        let good = written(&simulated("three-way-handshake"));
        for (from, to, message) in [
            ("\"SYN-SENT\"", "\"SYN-SEND\"", "found \"SYN-SEND\", expected a state such as SYN-SENT"),
            ("\"flags\": [\n        \"SYN\"", "\"flags\": [\n        \"SYM\"", "found \"SYM\", expected a flag such as SYN"),
            ("closed/open-active", "closed/open", "expected the name of a rule"),
            ("02:00:00:00:00:01", "02:00:00:00:00", "expected a link address such as"),
            ("mss 1460", "mss", "expected TCP options"),
            ("192.0.2.1:49152", "192.0.2.1", "invalid socket address"),
        ] {
            assert!(good.contains(from), "{from}");
            let error = read(good.replacen(from, to, 1).as_bytes()).expect_err(to);
            assert!(matches!(error, JsonError::Form { line, column, .. } if line > 1 && column > 1), "{error:?}");
            assert!(error.to_string().contains(message), "{error}");
        }
        for (from, to, message) in [
            ("\"schema_version\": 1", "\"schema_version\": 2", "it has schema_version 2; 1 is read"),
            ("\"from\": 0", "\"from\": 2", "packets[0]: host 2 is not in hosts, which has 2"),
            ("\"packet\": 0", "\"packet\": 99", "packet 99 is not in packets"),
            ("\"host\": \"A\"", "\"host\": \"C\"", "there is no host \"C\""),
            ("\"kind\": \"departure\"", "\"kind\": \"flight\"", "there is no kind \"flight\" of entry"),
            ("\"len\": 100", "\"len\": 99", "100 octets of text in a segment of 99"),
        ] {
            let error = read(good.replacen(from, to, 1).as_bytes()).expect_err(to);
            assert!(error.to_string().contains(message), "{error}");
        }
        let cut = &good[..good.len() / 2];
        assert!(read(cut.as_bytes()).expect_err("half a document").to_string().contains("EOF while parsing"));
    }
}
