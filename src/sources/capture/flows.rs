//! Packets become connections: which belong together, who is A, what left and what arrived.
//!
//! A packet may be seen where it leaves, where it arrives, or once on its way; of a loopback and of two taps there
//! are two copies, which are found to be one packet. Made for live capture as well: packets come one by one.

use std::collections::{HashMap, HashSet, VecDeque};
use std::net::IpAddr;
use std::time::Duration;

use super::crossing::Arrivals;
use super::infer;
use crate::engine::{Flags, Instant, State};
use crate::trace::{End, Entry, HostId, HostInfo, Icmp, Packet, PacketId, Payload, Quoted, Trace, What};
use crate::wire::Decoded;

/// Where a copy of a packet was seen.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Seen {
    /// Where it is sent, as it leaves.
    Sent,
    /// Where it is received, as it arrives.
    Received,
    /// On its way, or nobody knows: it leaves and arrives in that moment, as far as one can see.
    Passing,
}

/// How much is kept.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Limits {
    /// Packets, copies counted.
    pub packets: usize,
    /// Octets of text.
    pub text: usize,
}

impl Default for Limits {
    /// A million packets and 256 MiB of text: less than a gigabyte of memory.
    fn default() -> Self {
        Self { packets: 1_000_000, text: 256 << 20 }
    }
}

/// What a flow speaks.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Protocol {
    /// A TCP connection, with the ICMP errors about it.
    Tcp,
    /// UDP datagrams between two ends, with the ICMP errors about them.
    Udp,
    /// Echoes between two addresses.
    Icmp,
    /// Questions for link addresses between two addresses.
    Neighbour,
}

impl Protocol {
    /// As a person names it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Tcp => "TCP",
            Self::Udp => "UDP",
            Self::Icmp => "ICMP",
            Self::Neighbour => "ARP",
        }
    }
}

/// One connection, or one exchange of datagrams.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Flow {
    /// What it speaks.
    pub protocol: Protocol,
    /// Its ends: that of A, who sent the first SYN or else the first packet, and that of B.
    pub ends: [End; 2],
    /// What happened, with the states that [`infer`](mod@infer) finds; time 0 is that of all flows.
    pub trace: Trace,
    /// The number in the capture of each packet of the trace: that of its first copy.
    pub numbers: Vec<u64>,
}

/// Packets on their way to become connections.
///
/// ```
/// use std::time::Duration;
/// use synfin::engine::{Flags, Segment, SeqNumber, TcpOptions, WireWindow};
/// use synfin::sources::capture::{Flows, Limits, Seen};
/// use synfin::trace::{End, Payload};
/// use synfin::wire::Decoded;
/// use synfin::{State, sinks::ladder};
///
/// let (a, b) = (End { address: [10, 0, 0, 1].into(), port: 49152 }, End { address: [10, 0, 0, 2].into(), port: 7 });
/// let (window, options) = (WireWindow(65535), TcpOptions::NONE);
/// let syn = Segment { seq: SeqNumber::new(100), ack: SeqNumber::new(0), flags: Flags::SYN, window, urgent: 0, len: 0, options };
/// let reset = Segment { seq: SeqNumber::new(0), ack: SeqNumber::new(101), flags: Flags::RST | Flags::ACK, ..syn };
/// let packet = |source, destination, segment| {
///     Decoded { source, destination, payload: Payload::Tcp { segment, text: &[][..] }, envelope: Default::default() }
/// };
///
/// let mut flows = Flows::new(Limits::default());
/// flows.packet(Duration::from_millis(5), Seen::Passing, &packet(a, b, syn));
/// flows.packet(Duration::from_millis(6), Seen::Passing, &packet(b, a, reset));
/// let connections = flows.finish();
/// assert_eq!(ladder::render(&connections[0].trace, Default::default()), "   \
///    SYN-SENT     --> <SEQ=100><CTL=SYN>                         --> CLOSED
///    CLOSED       <-- <SEQ=0><ACK=101><CTL=RST,ACK>              <-- CLOSED
/// ");
/// ```
#[derive(Clone, Debug)]
pub struct Flows {
    limits: Limits,
    origin: Option<Duration>,
    packets: usize,
    text: usize,
    left_out: u64,
    /// Every packet is expected to be seen twice.
    twice: bool,
    // The keyed default hasher: captures come from strangers.
    known: HashMap<(Protocol, [(IpAddr, u16); 2]), usize>,
    pairs: Vec<Pair>,
}

impl Flows {
    /// No packets yet.
    pub fn new(limits: Limits) -> Self {
        Self { limits, origin: None, packets: 0, text: 0, left_out: 0, twice: false, known: HashMap::new(), pairs: Vec::new() }
    }

    /// From now on every packet is seen where it is sent and where it is received, as on a loopback: one that is not
    /// received is lost, one that is not sent is forged. Without this, a pair of ends must show it first.
    pub fn expect_both_copies(&mut self) {
        self.twice = true;
    }

    /// A packet was seen `at` a moment, counted from whatever the caller counts from; the first is time 0 of all traces.
    ///
    /// Copies come in the order in which they were seen.
    pub fn packet(&mut self, at: Duration, seen: Seen, packet: &Decoded<'_>) {
        let number = self.packets as u64 + self.left_out + 1;
        self.numbered(&Sighting { number, at, seen, intact: true, mark: None }, packet);
    }

    /// How many packets were left out because the limit was reached.
    pub const fn left_out(&self) -> u64 {
        self.left_out
    }

    /// When the first packet was seen, as the caller counts.
    pub fn origin(&self) -> Duration {
        self.origin.unwrap_or_default()
    }

    pub(super) fn numbered(&mut self, sighting: &Sighting, packet: &Decoded<'_>) {
        if self.packets >= self.limits.packets || self.text >= self.limits.text {
            self.left_out += 1;
            return;
        }
        self.packets += 1;
        let origin = *self.origin.get_or_insert(sighting.at);
        let at = Instant::START + sighting.at.saturating_sub(origin);
        let (protocol, ends) = whose(packet);
        let mut key = ends.map(|end| (end.address, end.port));
        key.sort_unstable();
        let twice = self.twice;
        let pair = *self.known.entry((protocol, key)).or_insert_with(|| {
            self.pairs.push(Pair::new(protocol, ends, twice));
            self.pairs.len() - 1
        });
        self.text += self.pairs[pair].add(at, sighting, packet);
    }

    /// The connections and exchanges, in the order in which they began.
    pub fn finish(self) -> Vec<Flow> {
        let mut flows: Vec<Flow> = self.pairs.into_iter().flat_map(Pair::into_flows).collect();
        flows.sort_by_key(|flow| flow.numbers.first().copied());
        flows
    }
}

/// How a copy of a packet was seen.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sighting {
    /// Its number in the capture.
    pub number: u64,
    pub at: Duration,
    pub seen: Seen,
    /// Whether its checksums are right.
    pub intact: bool,
    /// What all copies of the packet have and no other packet.
    pub mark: Option<u64>,
}

/// To which pair of ends a packet belongs; the first is drawn left if the packet is the first of them.
fn whose(packet: &Decoded<'_>) -> (Protocol, [End; 2]) {
    let ends = [packet.source, packet.destination];
    match &packet.payload {
        // Who answers a SYN is not who sent it.
        Payload::Tcp { segment, .. } if segment.has(Flags::SYN | Flags::ACK) => (Protocol::Tcp, [packet.destination, packet.source]),
        Payload::Tcp { .. } => (Protocol::Tcp, ends),
        Payload::Udp { .. } => (Protocol::Udp, ends),
        Payload::Icmp(Icmp::Error { quote, .. }) => match quote.what {
            Quoted::Tcp(_) => (Protocol::Tcp, [quote.source, quote.destination]),
            Quoted::Udp => (Protocol::Udp, [quote.source, quote.destination]),
            Quoted::Echo { .. } | Quoted::Other(_) => (Protocol::Icmp, [quote.source, quote.destination]),
        },
        Payload::Icmp(Icmp::EchoRequest(_) | Icmp::EchoReply(_)) => (Protocol::Icmp, ends),
        Payload::Neighbour(_) => (Protocol::Neighbour, ends),
    }
}

/// How many packets that were sent are remembered until they are received.
const REMEMBERED: usize = 512;

/// All that passed between two ends.
#[derive(Clone, Debug)]
struct Pair {
    protocol: Protocol,
    ends: [End; 2],
    packets: Vec<Packet>,
    numbers: Vec<u64>,
    marks: Vec<Option<u64>>,
    copies: Vec<Copy>,
    /// Sent and not received yet, of each end.
    under_way: [VecDeque<u32>; 2],
    /// Received, of each end, as long as the network may have made another copy.
    arrived: [VecDeque<u32>; 2],
    /// Whether packets of each end are seen where they are sent and where they are received.
    twice: [bool; 2],
    /// Whether some packet of each end has right checksums: then a wrong one is damage, not an offloaded sum.
    summed: [bool; 2],
    /// Of each packet, whether its sender was seen sending it.
    sent: Vec<bool>,
}

#[derive(Clone, Copy, Debug)]
struct Copy {
    at: Instant,
    seen: Seen,
    packet: u32,
    intact: bool,
}

impl Pair {
    fn new(protocol: Protocol, ends: [End; 2], twice: bool) -> Self {
        Self {
            protocol,
            ends,
            packets: Vec::new(),
            numbers: Vec::new(),
            marks: Vec::new(),
            copies: Vec::new(),
            under_way: Default::default(),
            arrived: Default::default(),
            twice: [twice; 2],
            summed: [false; 2],
            sent: Vec::new(),
        }
    }

    /// Adds a copy; returns how much text is kept for it.
    fn add(&mut self, at: Instant, sighting: &Sighting, decoded: &Decoded<'_>) -> usize {
        let Sighting { number, mut seen, intact, mark, .. } = *sighting;
        // Who speaks to itself passes every tap twice, out and in.
        if seen == Seen::Passing && decoded.source == decoded.destination {
            seen = if self.under_way[0].is_empty() { Seen::Sent } else { Seen::Received };
        }
        let from = self.sender(decoded);
        let side = from.map_or(0, |host| usize::from(host.0));
        self.summed[side] |= intact;
        let at = self.copies.last().map_or(at, |last| at.max(last.at));
        let copy = |packet, pair: &mut Self| pair.copies.push(Copy { at, seen, packet, intact });
        if seen == Seen::Received && from.is_some() {
            let alike = |pair: &Self, id: &u32| {
                let (known, known_mark) = (&pair.packets[*id as usize], pair.marks[*id as usize]);
                let marked_alike = mark.is_none() || known_mark.is_none() || mark == known_mark;
                marked_alike
                    && (known.source, known.destination) == (decoded.source, decoded.destination)
                    && same(&known.payload, &decoded.payload)
            };
            if let Some(position) = self.under_way[side].iter().position(|id| alike(self, id)) {
                let id = self.under_way[side].remove(position).unwrap_or_default();
                remember(&mut self.arrived[side], id);
                self.twice[side] = true;
                copy(id, self);
                return 0;
            }
            // The network may deliver a packet twice.
            if self.twice[side]
                && let Some(&id) = self.arrived[side].iter().find(|id| alike(self, id))
            {
                copy(id, self);
                return 0;
            }
        }
        let id = u32::try_from(self.packets.len()).unwrap_or(u32::MAX);
        let to = self.receiver(decoded);
        let payload = decoded.payload.to_owned();
        let text = payload.octets().len();
        let Decoded { source, destination, envelope, .. } = *decoded;
        self.packets.push(Packet { from, to, source, destination, payload, envelope, damage: None });
        self.numbers.push(number);
        self.marks.push(mark);
        self.sent.push(seen != Seen::Received);
        if seen == Seen::Sent {
            remember(&mut self.under_way[side], id);
        }
        copy(id, self);
        text
    }

    /// Who put it on the link; `None` for a router.
    fn sender(&self, packet: &Decoded<'_>) -> Option<HostId> {
        if self.is_at_home() && matches!(packet.payload, Payload::Icmp(_)) {
            return Some(HostId(1 - self.receiver(packet).0));
        }
        if packet.payload.concerns_tcp() && packet.payload.segment().is_none() || self.protocol != Protocol::Tcp {
            let position = self.ends.iter().position(|end| end.address == packet.source.address);
            // Two ends of one address are told apart by their ports.
            let exact = self.ends.iter().position(|end| *end == packet.source);
            return exact.or(position).map(|position| HostId(u8::from(position == 1)));
        }
        Some(HostId(u8::from(packet.source != self.ends[0])))
    }

    /// Whether both ends have one address, as on a loopback: then it does not say who sends an ICMP message.
    fn is_at_home(&self) -> bool {
        self.ends[0].address == self.ends[1].address
    }

    fn receiver(&self, packet: &Decoded<'_>) -> HostId {
        match &packet.payload {
            // Whoever asked first is A.
            Payload::Icmp(Icmp::EchoRequest(_)) if self.is_at_home() => HostId(1),
            Payload::Icmp(Icmp::EchoReply(_)) if self.is_at_home() => HostId(0),
            Payload::Icmp(Icmp::Error { quote, .. }) if self.protocol != Protocol::Icmp => HostId(u8::from(quote.source != self.ends[0])),
            _ => {
                let exact = self.ends.iter().position(|end| *end == packet.destination);
                HostId(u8::from(exact == Some(1)))
            }
        }
    }

    fn into_flows(self) -> Vec<Flow> {
        let mut pair = self;
        let trace = pair.trace();
        let Self { protocol, ends, numbers, .. } = pair;
        let mut whole = Flow { protocol, ends, trace, numbers };
        if protocol != Protocol::Tcp {
            return vec![whole];
        }
        let begins = infer::connections(&mut whole.trace);
        match begins[..] {
            [] => vec![whole],
            _ => cut(&whole, &begins),
        }
    }

    /// All copies as what they mean for the hosts: departures, arrivals, losses.
    fn trace(&mut self) -> Trace {
        let host = |name: &str, end: End| HostInfo {
            name: name.to_owned(),
            address: end.address,
            link_address: [0; 6],
            initial_state: State::Closed,
        };
        let mut trace = Trace {
            recipe: vec![("A".to_owned(), self.ends[0].to_string()), ("B".to_owned(), self.ends[1].to_string())],
            hosts: vec![host("A", self.ends[0]), host("B", self.ends[1])],
            packets: Vec::new(),
            entries: Vec::new(),
        };
        let lost = self.lost();
        let seen_once = |copy: &Copy| {
            let side = self.side(copy.packet);
            (copy.packet, (!self.twice[side]).then_some(side))
        };
        let mut arrivals = Arrivals::of(&self.packets, &self.copies.iter().map(seen_once).collect::<Vec<_>>());
        let mut entries = Vec::with_capacity(self.copies.len() * 2);
        let mut forged = Vec::new();
        let mut entry = |at, host, what| entries.push(Entry::bare(at, host, what, State::Closed));
        for (position, copy) in self.copies.iter().enumerate() {
            for held in arrivals.before(position) {
                entry(copy.at, self.packets[held as usize].to, What::Arrival(PacketId(held)));
            }
            let id = PacketId(copy.packet);
            let Packet { from, to, .. } = self.packets[copy.packet as usize];
            let side = self.side(copy.packet);
            let arrives = if copy.intact || !self.summed[side] { What::Arrival(id) } else { What::Rejection(id) };
            let (leaves, reaches) = match copy.seen {
                Seen::Sent if self.twice[side] => (true, false),
                Seen::Received if self.twice[side] => (false, true),
                Seen::Sent | Seen::Received | Seen::Passing => (true, !arrivals.is_held(copy.packet)),
            };
            // What nobody is seen sending was put there by a third party.
            if let Some(from) = from.filter(|_| leaves) {
                entry(copy.at, from, What::Departure(id));
            } else if from.is_some() && !self.sent[copy.packet as usize] {
                forged.push(copy.packet);
            }
            if reaches {
                entry(copy.at, to, arrives);
            }
            if lost.contains(&copy.packet) {
                entry(copy.at, to, What::Loss(id));
            }
        }
        let end = self.copies.last().map_or(Instant::START, |copy| copy.at);
        for held in arrivals.before(self.copies.len()) {
            entry(end, self.packets[held as usize].to, What::Arrival(PacketId(held)));
        }
        trace.entries = entries;
        trace.packets = std::mem::take(&mut self.packets);
        for packet in forged {
            trace.packets[packet as usize].from = None;
        }
        trace
    }

    /// The position in `ends` of who sent a packet; 0 for a router.
    fn side(&self, packet: u32) -> usize {
        self.packets[packet as usize].from.map_or(0, |host| usize::from(host.0))
    }

    /// What was sent and had time to arrive, and did not.
    fn lost(&self) -> HashSet<u32> {
        let mut left = HashMap::new();
        let mut longest = [Duration::ZERO; 2];
        for copy in self.copies.iter().filter(|copy| self.twice[self.side(copy.packet)]) {
            match copy.seen {
                Seen::Sent => {
                    left.insert(copy.packet, copy.at);
                }
                Seen::Received | Seen::Passing => {
                    if let Some(at) = left.remove(&copy.packet) {
                        let side = self.side(copy.packet);
                        longest[side] = longest[side].max(copy.at.since(at));
                    }
                }
            }
        }
        let end = self.copies.last().map_or(Instant::START, |copy| copy.at);
        left.into_iter().filter(|(packet, at)| end.since(*at) > longest[self.side(*packet)]).map(|(packet, _)| packet).collect()
    }
}

fn remember(queue: &mut VecDeque<u32>, packet: u32) {
    if queue.len() >= REMEMBERED {
        queue.pop_front();
    }
    queue.push_back(packet);
}

/// Whether two copies carry the same; of one the capture may have kept less.
fn same(known: &Payload, copy: &Payload<&[u8]>) -> bool {
    match (known, copy) {
        (Payload::Tcp { segment, text }, Payload::Tcp { segment: other, text: other_text }) => {
            let shared = text.len().min(other_text.len());
            segment == other && text[..shared] == other_text[..shared]
        }
        _ => *known == (*copy).to_owned(),
    }
}

/// The connections of one pair of ends, which follow each other; `begins` are the entries at which the next one begins.
fn cut(whole: &Flow, begins: &[usize]) -> Vec<Flow> {
    let edges: Vec<usize> = std::iter::once(0).chain(begins.iter().copied()).chain([whole.trace.entries.len()]).collect();
    // Of a host of which a part shows nothing, the state it was left in.
    let mut left_in = [State::Closed; 2];
    let mut flows = Vec::new();
    for edge in edges.windows(2).filter(|edge| edge[0] < edge[1]) {
        flows.push(part(whole, &whole.trace.entries[edge[0]..edge[1]], left_in));
        for entry in &whole.trace.entries[edge[0]..edge[1]] {
            left_in[usize::from(entry.host.0.min(1))] = entry.after;
        }
    }
    flows
}

/// These entries as a flow of their own; whoever sends the first SYN is A.
fn part(whole: &Flow, entries: &[Entry], left_in: [State; 2]) -> Flow {
    let id_of = |entry: &Entry| match entry.what {
        What::Departure(id) | What::Arrival(id) | What::Rejection(id) | What::Loss(id) => Some(id),
        What::Call { .. } | What::Timer(_) | What::Observation | What::Note(_) => None,
    };
    let opener = entries.iter().find_map(id_of).map(|id| whole.trace.packet(id));
    let swapped = opener.is_some_and(|packet| packet.from == Some(HostId(1)) && !packet.has(Flags::SYN | Flags::ACK));
    let host = |host: HostId| if swapped { HostId(1 - host.0.min(1)) } else { host };
    let mut flow = Flow { protocol: whole.protocol, ends: whole.ends, trace: Trace::default(), numbers: Vec::new() };
    if swapped {
        flow.ends.reverse();
    }
    flow.trace.recipe = vec![("A".to_owned(), flow.ends[0].to_string()), ("B".to_owned(), flow.ends[1].to_string())];
    let mut ids: HashMap<PacketId, PacketId> = HashMap::new();
    for entry in entries {
        let mut entry = entry.clone();
        entry.host = host(entry.host);
        if let What::Departure(id) | What::Arrival(id) | What::Rejection(id) | What::Loss(id) = &mut entry.what {
            *id = *ids.entry(*id).or_insert_with(|| {
                let mut packet = whole.trace.packet(*id).clone();
                packet.from = packet.from.map(host);
                packet.to = host(packet.to);
                flow.trace.packets.push(packet);
                flow.numbers.push(whole.numbers[id.0 as usize]);
                PacketId(u32::try_from(flow.trace.packets.len() - 1).unwrap_or(u32::MAX))
            });
        }
        flow.trace.entries.push(entry);
    }
    for (id, name) in [(HostId(0), "A"), (HostId(1), "B")] {
        let whole_id = host(id);
        let first = entries.iter().find(|entry| entry.host == whole_id);
        let state = first.map_or(left_in[usize::from(whole_id.0)], |entry| entry.before);
        let info = whole.trace.host(whole_id);
        flow.trace.hosts.push(HostInfo { name: name.to_owned(), initial_state: state, ..info.clone() });
    }
    flow
}
