//! Virtual time: one ordered queue, hosts and a link; writes the [`Trace`] as it goes.
//!
//! Same input, same bytes: no wall clock, no global randomness, no dependence on hash order.

mod datagrams;
mod half_open;
mod host;
mod link;
mod process;
mod remote;
mod resolve;
mod socket;
pub mod sockets;
#[cfg(test)]
mod tests;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, VecDeque};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

pub use host::{DatagramGlance, Glance, Host, Inspection, NetstatRow, Outgoing, PathMtuDiscovery, Remark, Sending};
use link::{Arrives, Leaving, Link, Passage, STEPS_BACK_AT_MOST};
use process::Process;
pub use remote::Delivered;
use resolve::Neighbours;
pub use socket::SocketId;

use super::{Call, Claim, Errno, Fault, NetworkAct, Outcome, SegmentKind, World};
use crate::engine::{Event, Instant, Profile, Segment, State, Timer};
use crate::trace::{End, EndpointId, Entry, Envelope, HostId, HostInfo, Icmp, IcmpError, Packet, PacketId, Payload, Trace, What};
use crate::wire;

/// How one host of a simulated world is set up.
#[derive(Clone, Debug)]
pub struct HostSetup {
    /// Its name; the first host is drawn left.
    pub name: String,
    /// Its IP address.
    pub address: IpAddr,
    /// Its link address.
    pub link_address: [u8; 6],
    /// How its TCP behaves.
    pub profile: Arc<Profile>,
    /// ISSs of its first connections, in order.
    pub iss: Vec<u32>,
    /// What the timestamp clock of its connections shows at the beginning, in order; the last one stays, none is 0.
    pub timestamps: Vec<u32>,
    /// The fast open cookie it has of the other host, if any.
    pub cookie: Option<CookieAge>,
    /// Whether its process runs without the right to the system ports.
    pub unprivileged: bool,
}

/// Whether a cookie from before the beginning is still good.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum CookieAge {
    /// Its maker takes it.
    Valid,
    /// Its maker takes it no more.
    Stale,
}

/// How a simulated world is set up.
#[derive(Clone, Debug)]
pub struct Setup {
    /// The hosts: one or two.
    pub hosts: Vec<HostSetup>,
    /// One-way delay of the link. Zero is a loopback: a packet is received before its sender goes on.
    pub delay: Duration,
    /// Largest IP packet in octets.
    pub mtu: u16,
    /// Whether a host asks for the link address of another before its first packet to it.
    pub resolve: bool,
    /// Feeds whatever is chosen by chance.
    pub seed: u64,
    /// What the network does from the beginning on.
    pub faults: Vec<Fault>,
    /// `key=value` pairs that say what is run.
    pub recipe: Vec<(String, String)>,
}

/// Most packets of one moment on a loopback; two hosts that answer each other for ever end here.
const MAX_BURST: usize = 100_000;

/// Hosts and a link in virtual time.
#[derive(Clone, Debug)]
pub struct Simulated {
    now: Instant,
    hosts: Vec<Host>,
    processes: Vec<Process>,
    /// What each host knows of link addresses; none has any where nobody asks for them.
    neighbours: Vec<Neighbours>,
    link: Link,
    /// Packets under way, by arrival; of one moment those on time before those delayed, then by departure.
    under_way: BinaryHeap<Reverse<(Instant, bool, u64, PacketId)>>,
    departures: u64,
    /// For each host the packet of its own that lets the next one pass, by its number in `under_way`.
    stepped_back: [Option<u64>; 2],
    endpoints: BTreeMap<(HostId, u32), EndpointId>,
    /// Packets that have reached hosts whose stack is elsewhere, and wait to be handed over.
    delivered: VecDeque<Delivered>,
    trace: Trace,
}

impl Simulated {
    /// A world in which nothing has happened yet.
    pub fn new(setup: &Setup) -> Self {
        let mut hosts: Vec<Host> = setup
            .hosts
            .iter()
            .zip(0_u64..)
            .map(|(host, position)| {
                let mut made = Host::new(host.address, setup.mtu, Arc::clone(&host.profile), setup.seed.wrapping_add(position));
                made.prescribe_iss(host.iss.iter().copied());
                made.prescribe_timestamps(host.timestamps.iter().copied());
                made.set_unprivileged(host.unprivileged);
                made
            })
            .collect();
        for (position, host) in setup.hosts.iter().enumerate() {
            let (Some(age), Some(server)) = (host.cookie, hosts.get(1 - position.min(1))) else { continue };
            let cookie = match age {
                CookieAge::Valid => server.fast_open_cookie(host.address, Instant::START),
                CookieAge::Stale => server.stale_fast_open_cookie(host.address, Instant::START),
            };
            let server = server.address();
            let mss = setup.mtu.saturating_sub(if server.is_ipv4() { 40 } else { 60 });
            hosts[position].remember_cookie(server, cookie, mss);
        }
        let infos = setup.hosts.iter().map(|host| HostInfo {
            name: host.name.clone(),
            address: host.address,
            link_address: host.link_address,
            initial_state: State::Closed,
        });
        let mut world = Self {
            now: Instant::START,
            hosts,
            processes: vec![Process::default(); setup.hosts.len()],
            neighbours: setup.hosts.iter().filter(|_| setup.resolve).map(|host| Neighbours::new(host.address, host.link_address)).collect(),
            link: Link::new(setup.delay, &setup.faults, setup.seed),
            under_way: BinaryHeap::new(),
            departures: 0,
            stepped_back: [None, None],
            endpoints: BTreeMap::new(),
            delivered: VecDeque::new(),
            trace: Trace { recipe: setup.recipe.clone(), hosts: infos.collect(), ..Trace::default() },
        };
        for fault in &setup.faults {
            if let Fault::Act(act) = fault {
                world.note(act.from, act.to_string());
            }
        }
        world
    }

    /// The host at this position.
    pub fn host(&self, id: HostId) -> &Host {
        &self.hosts[usize::from(id.0)]
    }

    /// What has happened so far.
    pub fn trace(&self) -> &Trace {
        &self.trace
    }

    fn host_mut(&mut self, id: HostId) -> &mut Host {
        &mut self.hosts[usize::from(id.0)]
    }

    fn process(&mut self, id: HostId) -> &mut Process {
        &mut self.processes[usize::from(id.0)]
    }

    fn record_call(&mut self, host: HostId, call: &Call, before: State, result: &Result<String, Errno>, returned: bool) {
        let result = result.clone().map_err(|errno| errno.name().to_owned());
        let what = What::Call { call: call.to_string(), result, returned };
        // What fired is told by the socket the call has reached; one that failed has reached none.
        let reached = self.host_mut(host).take_touched();
        let shown = reached.or(self.processes[usize::from(host.0)].shown);
        self.record(host, shown, before, what, reached.is_none());
    }

    // --- the trace -----------------------------------------------------------------------------

    fn show(&mut self, host: HostId, id: SocketId) {
        self.process(host).shown = Some(id);
    }

    /// The state a ladder shows for this host: of the endpoint it was last about, else of its listener.
    fn shown_state(&self, host: HostId) -> State {
        let process = &self.processes[usize::from(host.0)];
        match process.shown {
            Some(id) if !self.host(host).is_child_undone(id) => self.host(host).state(id),
            None | Some(_) if process.listener.is_some() => State::Listen,
            None | Some(_) => process.elsewhere.unwrap_or(State::Closed),
        }
    }

    fn record(&mut self, host: HostId, socket: Option<SocketId>, before: State, what: What, quiet: bool) {
        let inspection = socket.and_then(|id| self.host(host).inspect(id));
        let after = self.shown_state(host);
        let endpoint = inspection.as_ref().map(|inspection| self.endpoint(host, inspection.serial));
        let (rules, signals, variables) = match inspection {
            None => (Vec::new(), Vec::new(), None),
            Some(told) if quiet => (Vec::new(), Vec::new(), Some(Box::new(told.variables))),
            Some(told) => (told.rules, told.signals, Some(Box::new(told.variables))),
        };
        self.trace.entries.push(Entry { at: self.now, host, endpoint, what, before, after, rules, signals, variables });
    }

    fn note(&mut self, host: HostId, text: String) {
        let state = self.shown_state(host);
        self.record(host, None, state, What::Note(text), true);
    }

    fn endpoint(&mut self, host: HostId, serial: u32) -> EndpointId {
        let next = EndpointId(u32::try_from(self.endpoints.len()).unwrap_or(u32::MAX));
        *self.endpoints.entry((host, serial)).or_insert(next)
    }

    // --- packets -------------------------------------------------------------------------------

    /// Everything the hosts want to send leaves, at the present moment.
    fn flush(&mut self) {
        if self.link.delay.is_zero() {
            self.flush_loopback();
            return;
        }
        for host in self.trace.host_ids() {
            while self.depart_one(host) {}
        }
    }

    /// On a loopback the receiver answers before the sender's next segment leaves.
    fn flush_loopback(&mut self) {
        let mut first = HostId(0);
        for _ in 0..MAX_BURST {
            if let Some(&Reverse((arrival, _, _, id))) = self.under_way.peek()
                && arrival <= self.now
            {
                self.under_way.pop();
                first = self.trace.packet(id).to;
                self.arrive(id);
                if !self.delivered.is_empty() {
                    // It has to be handed over before anything is answered.
                    return;
                }
                continue;
            }
            let others = self.trace.host_ids().filter(|host| *host != first);
            if !std::iter::once(first).chain(others).any(|host| self.depart_one(host)) {
                return;
            }
        }
    }

    /// The next packet this host wants to send leaves; `false` if there is none.
    fn depart_one(&mut self, host: HostId) -> bool {
        if self.depart_resolved(host) {
            return true;
        }
        let (before, now) = (self.shown_state(host), self.now);
        let outgoing = self.host_mut(host).poll_packet(now);
        let left = outgoing.is_some();
        if let Some(outgoing) = outgoing.and_then(|outgoing| self.resolve(host, before, outgoing)) {
            self.depart(host, before, outgoing);
        }
        self.note_remarks(host);
        left
    }

    fn depart(&mut self, from: HostId, before: State, outgoing: Outgoing) {
        let Outgoing { socket, source, destination, payload, envelope } = outgoing;
        let known = self.host_of(destination.address);
        // Nobody has the address: the packet goes out into the network, and is seen no more.
        let to = known.unwrap_or(HostId(1 - from.0.min(1)));
        let size = wire::payload_octets(&payload);
        let octets = wire::packet_octets(source.address, size);
        let leaving = Leaving { at: self.now, from, content: &payload, octets, payload: size, to_itself: to == from };
        let passage = if known.is_some() { self.link.pass(&leaving) } else { Passage::Lost };
        let damage = if let Passage::Arrives(Arrives { damage, .. }) = passage { damage } else { None };
        let id = self.add_packet(Packet { from: Some(from), to, source, destination, payload, envelope, damage });
        if let Some(socket) = socket
            && self.process(from).listener != Some(socket)
        {
            self.show(from, socket);
        }
        // What fired belongs to the input that made the segment leave; only the FIN of CLOSE-WAIT
        // walks a row by leaving.
        self.record(from, socket, before, What::Departure(id), false);
        if let Some(entry) = self.trace.entries.last_mut() {
            entry.rules.retain(|rule| rule.on == Event::FinSent && rule.from == before);
            entry.signals.clear();
        }
        self.carry(id, passage);
    }

    /// What the link decided of a packet happens to it.
    fn carry(&mut self, id: PacketId, passage: Passage) {
        let packet = self.trace.packet(id);
        let (from, to) = (packet.from.unwrap_or(packet.to), packet.to);
        match passage {
            Passage::Lost => self.lose(id, to),
            Passage::Dropped => {
                self.note(from, "the queue is full: dropped".to_owned());
                self.lose(id, to);
            }
            Passage::Arrives(Arrives { after, copy, steps_back, damage: _ }) => {
                let direction = usize::from(from.0.min(1));
                let alone = self.stepped_back[direction].is_none_or(|number| !self.is_under_way(number));
                if steps_back && alone {
                    self.stepped_back[direction] = Some(self.departures);
                    self.send_under_way(id, self.now + after + STEPS_BACK_AT_MOST, true);
                } else {
                    let late = after > self.link.delay;
                    self.send_under_way(id, self.now + after, late);
                    self.let_follow(direction, self.now + after, late);
                }
                if let Some(copy) = copy {
                    self.send_under_way(id, self.now + copy, true);
                }
            }
        }
    }

    fn lose(&mut self, id: PacketId, to: HostId) {
        let state = self.shown_state(to);
        self.trace.entries.push(Entry::bare(self.now, to, What::Loss(id), state));
    }

    fn is_under_way(&self, number: u64) -> bool {
        self.under_way.iter().any(|Reverse((_, _, own, _))| *own == number)
    }

    /// The packet of this direction that stepped back arrives right behind the one that arrives `at` that moment.
    fn let_follow(&mut self, direction: usize, at: Instant, late: bool) {
        let Some(number) = self.stepped_back[direction].take() else { return };
        let waiting = self.under_way.iter().find(|Reverse((_, _, own, _))| *own == number);
        if let Some(&Reverse((bound, _, _, id))) = waiting {
            self.under_way.retain(|Reverse((_, _, own, _))| *own != number);
            self.send_under_way(id, at.min(bound), late);
        }
    }

    fn add_packet(&mut self, packet: Packet) -> PacketId {
        let id = PacketId(u32::try_from(self.trace.packets.len()).unwrap_or(u32::MAX));
        self.trace.packets.push(packet);
        id
    }

    fn send_under_way(&mut self, id: PacketId, at: Instant, late: bool) {
        self.under_way.push(Reverse((at, late, self.departures, id)));
        self.departures += 1;
    }

    fn host_of(&self, address: IpAddr) -> Option<HostId> {
        let position = self.hosts.iter().position(|host| host.address() == address)?;
        u8::try_from(position).ok().map(HostId)
    }

    fn arrive(&mut self, id: PacketId) {
        let packet = self.trace.packet(id);
        let to = packet.to;
        if self.is_remote(to) {
            self.arrive_remote(id);
            return;
        }
        // MUST-3: what is wrong is dropped, and nobody is told.
        if packet.damage.is_some() && !wire::is_intact(packet) {
            let state = self.shown_state(to);
            self.trace.entries.push(Entry::bare(self.now, to, What::Rejection(id), state));
            return;
        }
        // The endpoint the packet is for is the one to look at from now on; nobody's packet meets the listener.
        let concerned = match &packet.payload {
            Payload::Tcp { .. } => self.host(to).lookup(packet.source, packet.destination),
            Payload::Icmp(Icmp::Error { quote, .. }) => self.host(to).quoted(quote),
            Payload::Udp { .. } | Payload::Icmp(Icmp::EchoRequest(_) | Icmp::EchoReply(_)) | Payload::Neighbour(_) => None,
        };
        let is_segment = packet.segment().is_some() && self.host(to).is_between_hosts(packet.source, packet.destination);
        if is_segment || concerned.is_some() {
            self.process(to).shown = concerned;
        }
        let before = self.shown_state(to);
        let Packet { source, destination, payload, envelope, .. } = self.trace.packet(id);
        let socket = self.hosts[usize::from(to.0)].on_enveloped_packet(self.now, *source, *destination, payload, *envelope);
        if let Some(socket) = socket
            && self.process(to).listener != Some(socket)
        {
            self.show(to, socket);
        }
        self.host_mut(to).take_touched();
        self.record(to, socket, before, What::Arrival(id), false);
        if is_segment && socket.is_none() && concerned.is_none() {
            let rules = self.host(to).nobodys_rules();
            if let Some(entry) = self.trace.entries.last_mut() {
                entry.rules = rules;
            }
        }
        self.return_to_listener(to);
        self.note_remarks(to);
        let Packet { source, destination, payload, .. } = self.trace.packet(id);
        if let Payload::Neighbour(message) = *payload {
            let (source, destination) = (source.address, destination.address);
            self.on_neighbour(to, source, destination, message);
        }
    }

    /// What the host decided stands in the trace behind what made it decide.
    fn note_remarks(&mut self, host: HostId) {
        while let Some(Remark { text, ended }) = self.host_mut(host).poll_remark() {
            let after = self.shown_state(host);
            let shown = self.processes[usize::from(host.0)].shown;
            let before = ended.as_ref().filter(|(id, ..)| Some(*id) == shown).map_or(after, |(_, before, _)| *before);
            let mut entry = Entry::bare(self.now, host, What::Note(text), after);
            entry.before = before;
            if let Some((_, _, told)) = ended {
                entry.endpoint = Some(self.endpoint(host, told.serial));
                entry.rules = told.rules;
                entry.signals = told.signals;
                entry.variables = Some(Box::new(told.variables));
            }
            self.trace.entries.push(entry);
            self.return_to_listener(host);
        }
    }

    fn fire_timers(&mut self) {
        let now = self.now;
        for host in self.trace.host_ids() {
            self.fire_questions(host);
            loop {
                let before = self.shown_state(host);
                let Some(socket) = self.host_mut(host).on_time(now) else { break };
                let timer = self
                    .host(host)
                    .inspect(socket)
                    .and_then(|inspection| inspection.rules.first().and_then(|rule| rule.on.timer()))
                    .unwrap_or(Timer::Retransmission);
                self.show(host, socket);
                self.record(host, Some(socket), before, What::Timer(timer), false);
                self.return_to_listener(host);
            }
        }
    }

    /// A child whose handshake came to nothing is gone; its listener is what remains.
    fn return_to_listener(&mut self, host: HostId) {
        let Some(shown) = self.process(host).shown else { return };
        if self.host(host).is_child_undone(shown) {
            self.process(host).shown = None;
        }
    }

    /// What arrives now, at most one packet a host: neither side's answer can come before what
    /// happens at the same moment at the other. Returns whether anything arrived.
    fn arrivals_of_the_moment(&mut self) -> bool {
        let mut last = None;
        while let Some(&Reverse((at, _, _, id))) = self.under_way.peek() {
            let to = self.trace.packet(id).to;
            if at > self.now || last == Some(to) {
                break;
            }
            self.under_way.pop();
            self.arrive(id);
            last = Some(to);
        }
        last.is_some()
    }

    fn next_moment(&mut self) -> Option<Instant> {
        let packet = self.under_way.peek().map(|Reverse((at, ..))| *at);
        let timer = self.hosts.iter_mut().filter_map(Host::poll_deadline).min();
        let lingering =
            self.processes.iter().filter_map(|process| process.lingers).map(|(_, until)| until).filter(|until| *until > self.now).min();
        let ping = self.hosts.iter().filter_map(Host::ping_deadline).filter(|at| *at > self.now).min();
        let question = self.neighbours.iter().filter_map(Neighbours::poll_deadline).min();
        [packet, timer, lingering, ping, question].into_iter().flatten().min()
    }
}

impl World for Simulated {
    fn now(&self) -> Instant {
        self.now
    }

    fn call(&mut self, host: HostId, call: &Call) -> Outcome {
        let before = self.shown_state(host);
        self.process(host).progress = 0;
        let result = self.dispatch(host, call);
        self.record_call(host, call, before, &result, false);
        self.flush();
        Outcome::of(result)
    }

    fn retry(&mut self, host: HostId, call: &Call) -> Outcome {
        let before = self.shown_state(host);
        let result = match call {
            Call::Connect { .. } => match self.process(host).connection {
                Some(id) => self.host_mut(host).connect_result(id).map(|()| String::new()),
                None => Err(Errno::BadDescriptor),
            },
            Call::Ping { .. } => {
                let now = self.now;
                self.host_mut(host).ping_result(now)
            }
            Call::Close if self.process(host).lingers.is_some() => self.lingered(host).map(|()| String::new()),
            _ => self.dispatch(host, call),
        };
        if !matches!(result, Err(errno) if errno.is_wait()) {
            self.record_call(host, call, before, &result, true);
        }
        // A call that goes on waiting may have handed over a part of its text, which leaves now: nothing
        // else may be left to happen.
        self.flush();
        Outcome::of(result)
    }

    fn network(&mut self, act: &NetworkAct) -> Result<(), String> {
        self.link.arm(act.clone());
        self.note(act.from, act.to_string());
        Ok(())
    }

    fn inject(&mut self, from: HostId, claims: Claim, segment: &Segment) -> Result<(), String> {
        let to = HostId(1 - from.0.min(1));
        self.note(from, format!("inject {claims}{segment}"));
        let (source, destination) = self.forged_ends(from, to);
        let address = match (claims.address, destination.address) {
            // RFC 3849: the addresses of documentation end in this one, so that a scenario can be played in either family.
            (Some(IpAddr::V4(v4)), IpAddr::V6(_)) => IpAddr::V6(((0x2001_0db8_u128 << 96) | u128::from(u32::from(v4))).into()),
            (Some(address @ IpAddr::V6(_)), IpAddr::V4(to)) => return Err(format!("{address} cannot send to {to}")),
            (claimed, _) => claimed.unwrap_or(source.address),
        };
        let source = End { address, port: claims.port.unwrap_or(source.port) };
        let payload = Payload::Tcp { segment: *segment, text: vec![b'x'; segment.len as usize] };
        let id = self.add_packet(Packet { from: None, to, source, destination, payload, envelope: Envelope::PLAIN, damage: None });
        self.arrive(id);
        self.flush();
        Ok(())
    }

    fn netstat(&mut self, host: HostId) -> Result<(), String> {
        self.note(host, "netstat".to_owned());
        for row in self.host(host).netstat() {
            self.note(host, row.to_string());
        }
        Ok(())
    }

    fn report(&mut self, host: HostId, error: IcmpError, about: SegmentKind) -> Result<(), String> {
        let own = |packet: &&Packet| packet.from == Some(host) && about.matches(&packet.payload);
        let packet = self.trace.packets.iter().rev().find(own);
        let Some(Packet { source, destination, payload, .. }) = packet else {
            return Err(format!("no {} has left this host yet that an error could be about", about.name()));
        };
        let told = host::about(error, *source, *destination, payload);
        let told = told.ok_or_else(|| format!("this version of IP has no {error}"))?;
        let (reporter, to) = (reporter(error, destination.address), End { port: 0, ..*source });
        self.note(host, format!("inject icmp {} quoting {}", error.name().replace(' ', "-"), about.name()));
        let payload = Payload::Icmp(told);
        let id = self.add_packet(Packet {
            from: None,
            to: host,
            source: reporter,
            destination: to,
            payload,
            envelope: Envelope::PLAIN,
            damage: None,
        });
        self.arrive(id);
        self.flush();
        Ok(())
    }

    fn step(&mut self, until: Option<Instant>) -> bool {
        let Some(at) = self.next_moment().filter(|at| until.is_none_or(|until| *at <= until)) else {
            if let Some(until) = until {
                self.now = self.now.max(until);
            }
            return false;
        };
        self.now = self.now.max(at);
        if !self.arrivals_of_the_moment() {
            self.fire_timers();
        }
        if self.delivered.is_empty() {
            self.flush();
        }
        true
    }

    fn is_settled(&self) -> bool {
        self.under_way.is_empty() && self.hosts.iter().all(|host| !host.is_busy()) && !self.neighbours.iter().any(Neighbours::is_busy)
    }

    fn into_trace(self) -> Trace {
        self.trace
    }
}

/// Who tells of an error: the host the packet was for, where only that one can know; else a router.
fn reporter(error: IcmpError, destination: IpAddr) -> End {
    let address = match (error, destination) {
        (IcmpError::ProtocolUnreachable | IcmpError::PortUnreachable | IcmpError::ReassemblyTimeExceeded, _) => destination,
        (_, IpAddr::V4(address)) => {
            let [a, b, c, _] = address.octets();
            IpAddr::from([a, b, c, 254])
        }
        (_, IpAddr::V6(address)) => {
            let mut segments = address.segments();
            segments[7] = 0xfe;
            IpAddr::from(segments)
        }
    };
    End { address, port: 0 }
}

impl Simulated {
    /// The ends a forged segment claims: those of the connection the two hosts have, had, or would have.
    fn forged_ends(&self, from: HostId, to: HostId) -> (End, End) {
        let (mine, theirs) = (self.host(from).address(), self.host(to).address());
        let known = self.trace.packets.iter().rev().filter(|packet| packet.segment().is_some()).find_map(|packet| {
            if packet.source.address == mine && packet.destination.address == theirs {
                Some((packet.source, packet.destination))
            } else if packet.source.address == theirs && packet.destination.address == mine {
                Some((packet.destination, packet.source))
            } else {
                None
            }
        });
        known.unwrap_or((End { address: mine, port: 49_152 }, End { address: theirs, port: super::DEFAULT_PORT }))
    }
}
