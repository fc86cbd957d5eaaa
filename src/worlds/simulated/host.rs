//! An address with ports and sockets: demultiplexing, backlog, RST for nobody's segment.
//!
//! Sans-IO like the engine: packets and the time go in, packets and the next deadline come out.
//! Work per packet does not depend on how many sockets there are.

// As in the engine: nobody may have forgotten a state.
#![warn(clippy::wildcard_enum_match_arm)]

mod addresses;
mod around;
mod calls;
mod cookies;
mod due;
mod echo;
mod encapsulation;
mod errors;
mod fastopen;
mod glance;
mod listening;
mod passive;
mod path_mtu;
mod ports;
mod reopen;
mod signature;
mod udp;
mod view;

use std::cmp::Reverse;
use std::collections::hash_map::Entry;
use std::collections::{BinaryHeap, VecDeque};
use std::net::IpAddr;
use std::sync::Arc;

use rustc_hash::FxHashMap;

pub use calls::Sending;
pub(super) use errors::about;
use fastopen::KnownServer;
pub use glance::{DatagramGlance, Glance};
pub use listening::Remark;
pub use path_mtu::PathMtuDiscovery;
pub(super) use signature::Key;
pub use view::{Inspection, NetstatRow};

use addresses::is_unicast;
use due::Due;

use super::socket::{Socket, SocketId, Spare, copied};
use crate::engine::profile::Blackhole;
use crate::engine::seq::Theirs;
use crate::engine::{Connection, Flags, Instant, Profile, Segment, State};
use crate::trace::{End, Envelope, Icmp, Payload};
use crate::wire::DIGEST;
use crate::worlds::Errno;

/// A packet that leaves a host.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Outgoing {
    /// The socket it belongs to; `None` for the RST that answers nobody's segment.
    pub socket: Option<SocketId>,
    /// Local address and port.
    pub source: End,
    /// Remote address and port.
    pub destination: End,
    /// What it carries.
    pub payload: Payload,
    /// The other fields of its headers.
    pub envelope: Envelope,
}

impl Outgoing {
    /// The segment, if it carries one.
    pub const fn segment(&self) -> Option<&Segment> {
        self.payload.segment()
    }
}

/// Which connection a packet belongs to: local port, remote address and port.
type Flow = (u16, End);

/// One simulated host.
#[derive(Clone, Debug)]
pub struct Host {
    address: IpAddr,
    mtu: u16,
    profile: Arc<Profile>,
    secret: (u64, u64),
    /// ISSs a scenario prescribes, used up in order.
    prescribed_iss: VecDeque<u32>,
    /// What is added to the timestamp clock of a connection.
    timestamp_offset: u32,
    /// The same for the next connections, in order; the last one stays.
    timestamp_offsets: VecDeque<u32>,
    sockets: Vec<Option<Box<Socket>>>,
    free: Vec<u32>,
    /// Sockets that are gone, for their memory.
    spare: Spare,
    serials: u32,
    flows: FxHashMap<Flow, SocketId>,
    listeners: FxHashMap<u16, SocketId>,
    /// How many sockets hold each local port.
    ports: FxHashMap<u16, u32>,
    next_ephemeral: u16,
    /// Whether system ports are closed to its process.
    unprivileged: bool,
    udp: udp::Udp,
    /// The echoes a process waits for.
    ping: Option<echo::Ping>,
    /// How many pings there were, which is what tells them apart.
    pings: u16,
    ready: VecDeque<SocketId>,
    /// Packets that belong to no socket.
    strays: VecDeque<Outgoing>,
    deadlines: BinaryHeap<Reverse<Due>>,
    /// What routers have said of the ways to some hosts.
    path_mtus: FxHashMap<IpAddr, path_mtu::PathMtu>,
    /// What fast opens have taught of servers.
    known_servers: FxHashMap<IpAddr, KnownServer>,
    /// What fast open cookies are made with, where it is not the host's own secret.
    fast_open_keys: Vec<[u8; 16]>,
    /// What a person should know of decisions that belong to no connection's input.
    remarks: VecDeque<Remark>,
    /// Records in TIME-WAIT, counted only where a knob limits them.
    time_waits: u32,
    /// What stands around the packet at hand.
    around: Envelope,
    /// Whether a socket may ask more of what arrives than its numbers: a signature, a least TTL, a way it comes.
    guarded: bool,
    /// What answers a segment that is nobody's: always in CLOSED.
    nobody: Connection,
    /// The socket whose connection had an input since [`Host::take_touched`] was asked.
    touched: Option<SocketId>,
}

impl Host {
    /// A host with this address, behaving as `profile` says; `seed` feeds its ISS generator.
    pub fn new(address: IpAddr, mtu: u16, profile: Arc<Profile>, seed: u64) -> Self {
        let profile = path_mtu::with_headers(profile, address);
        let next_ephemeral = profile.ephemeral_first;
        let nobody = Connection::new(Arc::clone(&profile));
        let guarded = profile.udp_tunneling_port != 0;
        Self {
            address,
            mtu,
            profile,
            secret: (seed, seed ^ 0x5359_4e46_494e_2121),
            prescribed_iss: VecDeque::new(),
            timestamp_offset: 0,
            timestamp_offsets: VecDeque::new(),
            sockets: Vec::new(),
            free: Vec::new(),
            spare: Spare::default(),
            serials: 0,
            flows: FxHashMap::default(),
            listeners: FxHashMap::default(),
            ports: FxHashMap::default(),
            next_ephemeral,
            unprivileged: false,
            udp: udp::Udp::default(),
            ping: None,
            pings: 0,
            ready: VecDeque::new(),
            strays: VecDeque::new(),
            deadlines: BinaryHeap::new(),
            path_mtus: FxHashMap::default(),
            known_servers: FxHashMap::default(),
            fast_open_keys: Vec::new(),
            remarks: VecDeque::new(),
            time_waits: 0,
            around: Envelope::PLAIN,
            guarded,
            nobody,
            touched: None,
        }
    }

    /// Its address.
    pub const fn address(&self) -> IpAddr {
        self.address
    }

    /// Prescribes the ISSs of the next connections, in order; afterwards RFC 6528 chooses again.
    pub fn prescribe_iss(&mut self, iss: impl IntoIterator<Item = u32>) {
        self.prescribed_iss.extend(iss);
    }

    /// Prescribes what the timestamp clock would have shown at the beginning of the run: for the next
    /// connections, in order; the last one stays.
    pub fn prescribe_timestamps(&mut self, offsets: impl IntoIterator<Item = u32>) {
        self.timestamp_offsets.extend(offsets);
    }

    /// As [`on_packet`](Self::on_packet), of a packet whose headers say this.
    pub fn on_enveloped_packet(
        &mut self,
        now: Instant,
        source: End,
        destination: End,
        payload: &Payload,
        envelope: Envelope,
    ) -> Option<SocketId> {
        if envelope.udp.is_some_and(|ports| !self.is_tunnel(ports)) {
            return None;
        }
        self.around = envelope;
        let concerned = self.on_packet(now, source, destination, payload);
        self.around = Envelope::PLAIN;
        concerned
    }

    /// A packet arrives. Returns the socket it concerned, or `None` if it was nobody's.
    pub fn on_packet(&mut self, now: Instant, source: End, destination: End, payload: &Payload) -> Option<SocketId> {
        // Asked for before all else: nearly every packet is one.
        if let Payload::Tcp { segment, text } = payload {
            return self.on_segment(now, source, destination, segment, text);
        }
        self.on_other_packet(now, source, destination, payload)
    }

    /// A packet arrives that is no segment.
    #[inline(never)]
    fn on_other_packet(&mut self, now: Instant, source: End, destination: End, payload: &Payload) -> Option<SocketId> {
        match payload {
            Payload::Icmp(Icmp::Error { error, parameter, quote }) => self.on_icmp_error(now, *error, *parameter, quote),
            Payload::Udp { text } => {
                if let Some(inner) = self.tunnelled(source, destination, text) {
                    return self.on_enveloped_packet(now, inner.source, inner.destination, &inner.payload.to_owned(), inner.envelope);
                }
                if self.is_between_hosts(source, destination) {
                    self.on_datagram(source, destination, text);
                }
                None
            }
            Payload::Icmp(Icmp::EchoRequest(echo)) => {
                if self.is_between_hosts(source, destination) {
                    self.on_echo_request(source, destination, echo);
                }
                None
            }
            Payload::Icmp(Icmp::EchoReply(echo)) => {
                self.on_echo_reply(now, echo);
                None
            }
            Payload::Tcp { .. } | Payload::Neighbour(_) => None,
        }
    }

    /// Whether a segment between these ends is one TCP looks at.
    pub(super) fn is_between_hosts(&self, source: End, destination: End) -> bool {
        // Most segments are for this very address.
        (destination.address == self.address || is_unicast(destination.address, self.address)) && is_unicast(source.address, self.address)
    }

    fn on_segment(&mut self, now: Instant, source: End, destination: End, segment: &Segment, text: &[u8]) -> Option<SocketId> {
        let known = self.flows.get(&(destination.port, source)).copied();
        // MUST-57, MUST-63: what is not between two hosts is no segment to answer. The peer of a connection was judged
        // when it began.
        let judged = known.is_some() && destination.address == self.address;
        if !judged && !self.is_between_hosts(source, destination) {
            return None;
        }
        let arriving = segment.crossed();
        if let Some(id) = known {
            let plain = !self.guarded && segment.options.octets().len() <= DIGEST;
            if !plain && !self.may_enter(id, now, source, destination, segment, text) {
                return None;
            }
            if let Some(why) = self.stays_request(id, &arriving) {
                return self.keep_request(why, id, now, source);
            }
            if segment.has(Flags::SYN)
                && let Some(reopened) = self.reopen(id, now, source, destination, segment, text)
            {
                return Some(reopened);
            }
            if self.ends_without_heir(id, source, destination, &arriving) {
                self.get_mut(id).ok()?.connection.on_evict(now);
            }
            let mark = self.around.codepoint;
            let socket = self.get_mut(id).ok()?;
            let was_open = socket.connection.state().is_synchronized();
            let arrival = socket.connection.on_marked_segment(now, mark, &arriving);
            socket.take(&arrival, text);
            if socket.soft_error.is_some() {
                socket.forget_soft_error(&arriving);
            }
            let learned = socket.connection.take_fast_open_outcome();
            let state = socket.connection.state();
            if !was_open && state == State::TimeWait {
                // What a SYN reopened is in TIME-WAIT again: the listener has nothing to do with it.
                self.disown(id);
            } else if !was_open && state.is_synchronized() {
                self.completed(id);
                self.close_shut_early(id, now);
            }
            if let Some(outcome) = learned {
                self.learn(source.address, outcome, now);
            }
            self.after_input(id);
            return Some(id);
        }
        if let Some(id) = self.listener_for(source, destination.port) {
            if self.came_too_far(id) || !self.is_rightly_signed(Some(id), source, destination, segment, text) {
                return None;
            }
            if self.get(id).is_ok_and(|socket| socket.single) {
                self.on_single_packet(id, now, source, destination, segment, text);
                return Some(id);
            }
            return self.on_listener_packet(id, now, source, destination, segment, text);
        }
        let dropped = match self.profile.blackhole {
            Blackhole::Off => false,
            Blackhole::Syn => segment.has(Flags::SYN),
            Blackhole::All => true,
        };
        if dropped || !self.is_rightly_signed(None, source, destination, segment, text) {
            return None;
        }
        self.refuse_segment(now, source, destination, &arriving);
        None
    }

    /// Answers a segment as one in CLOSED is answered.
    fn refuse_segment(&mut self, now: Instant, source: End, destination: End, arriving: &Segment<Theirs>) {
        self.nobody.on_segment(now, arriving);
        if let Some(reset) = self.nobody.poll_segment(now) {
            self.strays.push_back(Outgoing {
                socket: None,
                source: destination,
                destination: source,
                payload: bare(reset),
                envelope: self.around_answer(),
            });
        }
    }

    /// Fires the timers of one socket that are due; returns it, or `None` when none is left.
    pub fn on_time(&mut self, now: Instant) -> Option<SocketId> {
        while let Some(&Reverse(due)) = self.deadlines.peek() {
            let (at, id) = due.parts();
            if at > now {
                return None;
            }
            self.deadlines.pop();
            let Ok(socket) = self.get_mut(id) else { continue };
            if socket.scheduled != Some(at) {
                continue;
            }
            socket.scheduled = None;
            let due = socket.connection.poll_deadline().is_some_and(|deadline| deadline <= now);
            if due {
                socket.connection.on_time(now);
                socket.withhold_syn_ack();
                let learned = socket.connection.take_fast_open_outcome();
                if let (Some(outcome), Some(server)) = (learned, socket.remote) {
                    self.learn(server.address, outcome, now);
                }
            }
            self.after_input(id);
            if due {
                return Some(id);
            }
        }
        None
    }

    /// When [`on_time`](Self::on_time) must be called; perhaps a little early, never late.
    pub fn poll_deadline(&mut self) -> Option<Instant> {
        while let Some(&Reverse(due)) = self.deadlines.peek() {
            let (at, id) = due.parts();
            let actual =
                self.get(id).ok().filter(|socket| socket.scheduled == Some(at)).and_then(|socket| socket.connection.poll_deadline());
            if actual == Some(at) {
                return Some(at);
            }
            self.deadlines.pop();
            if let Some(socket) = socket_at(&mut self.sockets, id)
                && socket.scheduled == Some(at)
            {
                socket.scheduled = None;
                schedule(&mut self.deadlines, socket, id);
            }
        }
        None
    }

    /// The next packet that leaves, or `None`.
    pub fn poll_packet(&mut self, now: Instant) -> Option<Outgoing> {
        if !self.strays.is_empty() {
            return self.strays.pop_front();
        }
        while let Some(&id) = self.ready.front() {
            if let Some(segment) = self.segment_of(id, now) {
                return self.packet_of(id, segment);
            }
            self.ready.pop_front();
            self.settle_socket(id, now);
        }
        None
    }

    /// The next segment of a socket.
    #[inline]
    fn segment_of(&mut self, id: SocketId, now: Instant) -> Option<Segment> {
        let socket = self.get_mut(id).ok()?;
        if !socket.held && !socket.waits && socket.connection.receive_buffered() > 0 {
            // No process will read it; kept, it would close the window before the peer's FIN.
            socket.receive.clear();
            let _ = socket.connection.on_receive(now, u32::MAX);
        }
        socket.connection.poll_segment(now)
    }

    /// The packet that carries it; whoever has a segment to send has both ends.
    #[expect(clippy::inline_always, reason = "measured: a packet that is handed on through one more function is copied, and it is long")]
    #[inline(always)]
    fn packet_of(&self, id: SocketId, segment: Segment) -> Option<Outgoing> {
        let socket = self.get(id).ok()?;
        let text = if segment.len == 0 { Vec::new() } else { copied(&socket.send, socket.connection.text_range(&segment)) };
        let (source, destination) = (End { address: self.address, port: socket.local_port? }, socket.remote?);
        let envelope = Envelope { codepoint: socket.connection.codepoint(), ..socket.envelope };
        if !socket.keys.is_empty() {
            return Some(self.signed(id, source, destination, segment, text, envelope));
        }
        Some(Outgoing { socket: Some(id), source, destination, payload: Payload::Tcp { segment, text }, envelope })
    }

    /// All that a socket wanted to send has left: schedule its timers, or forget it if it is over.
    fn settle_socket(&mut self, id: SocketId, now: Instant) {
        let Some(socket) = socket_at(&mut self.sockets, id) else { return };
        socket.queued = false;
        schedule(&mut self.deadlines, socket, id);
        let goes_on = !matches!(socket.connection.state(), State::Closed | State::Listen);
        if !goes_on || self.profile.time_wait_limit > 0 {
            self.settle_further(id, now);
        }
    }

    /// The same for who may be over.
    #[inline(never)]
    fn settle_further(&mut self, id: SocketId, now: Instant) {
        if self.profile.time_wait_limit > 0 {
            self.limit_time_wait(id, now);
        }
        let Ok(socket) = self.get(id) else { return };
        let state = socket.connection.state();
        let over = state == State::Closed && socket.remote.is_some();
        // A child that went back to LISTEN is not needed: the listener never left that state.
        let returned = state == State::Listen && socket.remote.is_some();
        if !over && !returned {
            if state == State::Closed && !socket.held {
                self.forget(id);
            }
            return;
        }
        if returned && socket.single {
            self.listens_again(id);
            return;
        }
        let needed = socket.held || socket.waits;
        self.leave_flow(id);
        self.leave_port(id);
        if !needed {
            self.forget(id);
        }
    }

    /// The connection of a socket is over: its packets are nobody's, unless a newer one has its ends.
    fn leave_flow(&mut self, id: SocketId) {
        let Ok(&Socket { local_port: Some(port), remote: Some(remote), .. }) = self.get(id) else { return };
        if let Entry::Occupied(flow) = self.flows.entry((port, remote))
            && *flow.get() == id
        {
            flow.remove();
        }
    }

    fn forget(&mut self, id: SocketId) {
        if self.get(id).is_err() {
            return;
        }
        self.end_fast(id);
        let Some(socket) = self.sockets[id.slot as usize].take() else { return };
        self.time_waits -= u32::from(socket.in_time_wait);
        if let Some(parent) = socket.parent.and_then(|parent| self.get_mut(parent).ok()) {
            parent.half_open.remove(id);
        }
        if let Some(port) = socket.local_port
            && let Some(holders) = self.ports.get_mut(&port)
        {
            *holders -= 1;
            if *holders == 0 {
                self.ports.remove(&port);
            }
        }
        self.free.push(id.slot);
        self.spare.put(socket);
    }

    /// The connection of a socket had an input: its user hears of it, and what it wants to send is asked for.
    fn after_input(&mut self, id: SocketId) {
        self.touched = Some(id);
        self.enqueue(id);
    }

    fn enqueue(&mut self, id: SocketId) {
        let Ok(socket) = self.get_mut(id) else { return };
        socket.hear();
        if !socket.queued {
            socket.queued = true;
            self.ready.push_back(id);
        }
    }

    fn get(&self, id: SocketId) -> Result<&Socket, Errno> {
        let socket = self.sockets.get(id.slot as usize).and_then(Option::as_deref);
        socket.filter(|socket| socket.serial == id.serial).ok_or(Errno::BadDescriptor)
    }

    fn get_mut(&mut self, id: SocketId) -> Result<&mut Socket, Errno> {
        socket_at(&mut self.sockets, id).ok_or(Errno::BadDescriptor)
    }
}

fn socket_at(sockets: &mut [Option<Box<Socket>>], id: SocketId) -> Option<&mut Socket> {
    let socket = sockets.get_mut(id.slot as usize).and_then(Option::as_deref_mut);
    socket.filter(|socket| socket.serial == id.serial)
}

/// Sees to it that the host wakes the socket in time.
fn schedule(deadlines: &mut BinaryHeap<Reverse<Due>>, socket: &mut Socket, id: SocketId) {
    let Some(deadline) = socket.connection.poll_deadline() else { return };
    // A later deadline needs no entry of its own: the earlier one wakes us, and we look again.
    if socket.scheduled.is_none_or(|scheduled| deadline < scheduled) {
        socket.scheduled = Some(deadline);
        deadlines.push(Reverse(Due::new(deadline, id)));
    }
}

/// A segment without text.
fn bare(segment: Segment) -> Payload {
    Payload::Tcp { segment, text: Vec::new() }
}
