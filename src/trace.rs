//! What happened: every call, packet, rule, state, loss and moment, in order.
//!
//! Sources and worlds write a [`Trace`]; sinks read one and never ask where it came from. It holds
//! values only: no files, no wire format, no serialization.

mod envelope;
mod payload;
mod relative;

use std::fmt;
use std::net::IpAddr;

pub use envelope::{Envelope, UdpPorts};
pub use payload::{Echo, Icmp, IcmpError, Neighbour, Payload, Quote, Quoted};
pub use relative::count_from;

use crate::engine::{Flags, Instant, Rule, Segment, Signal, State, Timer, Variables};

/// Everything one run left behind.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Trace {
    /// What was run, in the words of its source: name, profile, seed. One `key=value` each.
    pub recipe: Vec<(String, String)>,
    /// The hosts; [`HostId`] is a position in here.
    pub hosts: Vec<HostInfo>,
    /// Every packet that was ever under way; [`PacketId`] is a position in here.
    pub packets: Vec<Packet>,
    /// What happened, in the order in which it did; times never run backwards.
    pub entries: Vec<Entry>,
}

/// A host of a trace, by position.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct HostId(pub u8);

/// A packet of a trace, by position.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct PacketId(pub u32);

/// A host as a trace shows it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct HostInfo {
    /// `A` is drawn left, `B` right.
    pub name: String,
    /// Its IP address.
    pub address: IpAddr,
    /// Its link address.
    pub link_address: [u8; 6],
    /// The state it was in before the first entry.
    pub initial_state: State,
}

/// Address and port of one end.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct End {
    /// IP address.
    pub address: IpAddr,
    /// TCP or UDP port; 0 where the protocol has none.
    pub port: u16,
}

impl fmt::Display for End {
    /// `192.0.2.1:7007`, `[2001:db8::1]:7007`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        std::net::SocketAddr::new(self.address, self.port).fmt(f)
    }
}

/// A bit that is the other way round when a packet reaches the wire's other end.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Damage {
    /// Which octet of what IP carries: 0 is the first of the TCP header.
    pub octet: u16,
    /// Which of its bits; 0 is the lowest.
    pub bit: u8,
}

/// One IP packet, or the question for a link address that goes before it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Packet {
    /// Who put it on the link; `None` if it was injected by a third party.
    pub from: Option<HostId>,
    /// Whom it is addressed to.
    pub to: HostId,
    /// Source address and port.
    pub source: End,
    /// Destination address and port.
    pub destination: End,
    /// What it carries.
    pub payload: Payload,
    /// The other fields of its headers.
    pub envelope: Envelope,
    /// What the wire does to it; the fields above are as its sender meant them.
    pub damage: Option<Damage>,
}

impl Packet {
    /// The TCP segment it carries, if it is one.
    pub const fn segment(&self) -> Option<&Segment> {
        self.payload.segment()
    }

    /// Whether it carries a segment with this control bit.
    pub fn has(&self, flag: Flags) -> bool {
        self.segment().is_some_and(|segment| segment.has(flag))
    }
}

/// One thing that happened.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Entry {
    /// When.
    pub at: Instant,
    /// At which host; for the network, the host it was on its way to.
    pub host: HostId,
    /// The endpoint concerned, if there is one.
    pub endpoint: Option<EndpointId>,
    /// What.
    pub what: What,
    /// The state a ladder shows for this host before the entry.
    pub before: State,
    /// The same after it.
    pub after: State,
    /// The rules that fired, in order; empty where the world cannot know (a kernel).
    pub rules: Vec<&'static Rule>,
    /// What the user was told.
    pub signals: Vec<Signal>,
    /// The endpoint's variables after the entry, where the world can tell.
    pub variables: Option<Box<Variables>>,
}

impl Entry {
    /// An entry in which nothing changes and of which nothing more is known: no endpoint, rules, signals or variables.
    pub fn bare(at: Instant, host: HostId, what: What, state: State) -> Self {
        Self { at, host, endpoint: None, what, before: state, after: state, rules: Vec::new(), signals: Vec::new(), variables: None }
    }
}

/// An endpoint of a trace: the n-th one this run created on any host.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct EndpointId(pub u32);

/// The kinds of things that happen.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum What {
    /// The application calls.
    Call {
        /// The call with its arguments, as a scenario writes it: `connect`, `send 100`.
        call: String,
        /// What it returned: `Ok` text such as `100`, or an errno name.
        result: Result<String, String>,
        /// Whether this is the return of a call that blocked, recorded earlier with `EINPROGRESS` or `EAGAIN`.
        returned: bool,
    },
    /// A packet leaves its sender.
    Departure(PacketId),
    /// A packet reaches its receiver.
    Arrival(PacketId),
    /// The network loses a packet for good.
    Loss(PacketId),
    /// A damaged packet reaches its receiver, who finds its checksum wrong and drops it (MUST-3).
    Rejection(PacketId),
    /// A timer fires.
    Timer(Timer),
    /// Somebody looked at the state, as must be done in a world that does not tell of itself.
    Observation,
    /// Something a person should know, of no other kind.
    Note(String),
}

impl Trace {
    /// The packet of this id.
    ///
    /// # Panics
    /// If the id is of another trace.
    pub fn packet(&self, id: PacketId) -> &Packet {
        &self.packets[id.0 as usize]
    }

    /// The host of this id.
    ///
    /// # Panics
    /// If the id is of another trace.
    pub fn host(&self, id: HostId) -> &HostInfo {
        &self.hosts[usize::from(id.0)]
    }

    /// The ISS of the last SYN that left `end` at or before packet number `before`; for relative numbers.
    pub fn iss_before(&self, before: usize, end: End) -> Option<u32> {
        let earlier = self.packets.iter().take(before + 1).rev().filter(|packet| packet.from.is_some());
        let mut syns = earlier.filter(|packet| packet.source == end && packet.has(Flags::SYN));
        syns.next().and_then(Packet::segment).map(|segment| segment.seq.get())
    }

    /// The ids of all hosts, in order.
    pub fn host_ids(&self) -> impl Iterator<Item = HostId> + use<> {
        (0..=u8::MAX).map(HostId).take(self.hosts.len())
    }

    /// The host with this name.
    pub fn host_named(&self, name: &str) -> Option<HostId> {
        let position = self.hosts.iter().position(|host| host.name == name)?;
        u8::try_from(position).ok().map(HostId)
    }

    /// The states `host` went through, the initial one first, repetitions left out.
    ///
    /// A segment that walks several rows shows every state it passed through.
    pub fn path(&self, host: HostId) -> Vec<State> {
        self.walk(host).into_iter().map(|(state, _)| state).collect()
    }

    /// The [`path`](Self::path) of `host`, each state with the position of the entry that led there.
    pub fn walk(&self, host: HostId) -> Vec<(State, Option<usize>)> {
        let mut walk = vec![(self.host(host).initial_state, None)];
        for (index, entry) in self.entries.iter().enumerate().filter(|(_, entry)| entry.host == host) {
            let mut enter = |state: State| {
                if walk.last().is_none_or(|(last, _)| *last != state) {
                    walk.push((state, Some(index)));
                }
            };
            if entry.rules.iter().any(|rule| rule.changes_state()) && entry.rules.first().is_some_and(|rule| rule.from == entry.before) {
                entry.rules.iter().for_each(|rule| enter(rule.to));
            }
            enter(entry.after);
        }
        walk
    }

    /// Every change of state with its entry: host, before, after and the rule, where known.
    pub fn transitions(&self) -> impl Iterator<Item = Transition<'_>> {
        self.entries.iter().flat_map(|entry| {
            let walked = entry.rules.iter().filter(|rule| rule.changes_state());
            let from_rules = walked.map(|rule| Transition { entry, from: rule.from, to: rule.to, rule: Some(*rule) });
            let unexplained = entry.rules.is_empty() && entry.before != entry.after;
            let bare = unexplained.then_some(Transition { entry, from: entry.before, to: entry.after, rule: None });
            from_rules.chain(bare)
        })
    }
}

/// One change of state.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Transition<'a> {
    /// Where it happened.
    pub entry: &'a Entry,
    /// The state before.
    pub from: State,
    /// The state after.
    pub to: State,
    /// The row, where the world knows it.
    pub rule: Option<&'static Rule>,
}
