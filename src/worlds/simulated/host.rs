//! An address with ports and sockets: demultiplexing, backlog, RST for nobody's segment, netstat.
//!
//! Sans-IO like the engine: packets and the time go in, packets and the next deadline come out.
//! Work per packet does not depend on how many sockets there are.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::hash::Hasher;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use rustc_hash::FxHashMap;
use siphasher::sip::SipHasher13;

use super::socket::{Socket, SocketId, copied};
use crate::engine::{Connection, Flags, Instant, Open, Profile, Rule, Segment, SeqNumber, Signal, State, Timer, Variables};
use crate::trace::End;
use crate::worlds::{Errno, How, SocketOption};

/// A packet that leaves a host.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Outgoing {
    /// The socket it belongs to; `None` for the RST that answers nobody's segment.
    pub socket: Option<SocketId>,
    /// Local address and port.
    pub source: End,
    /// Remote address and port.
    pub destination: End,
    /// The segment.
    pub segment: Segment,
    /// Its text.
    pub text: Vec<u8>,
}

/// One row of [`Host::netstat`].
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NetstatRow {
    /// Octets that arrived and were not read.
    pub receive_queue: u32,
    /// Octets not acknowledged.
    pub send_queue: u32,
    /// Local end.
    pub local: End,
    /// Remote end, if known.
    pub remote: Option<End>,
    /// The state.
    pub state: State,
}

/// What the last input did at a socket, for whoever keeps a trace.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Inspection {
    /// Which endpoint of the host, counted from 0 and never reused.
    pub serial: u32,
    /// The state now.
    pub state: State,
    /// The rows that fired.
    pub rules: Vec<&'static Rule>,
    /// What the user was told.
    pub signals: Vec<Signal>,
    /// The variables now.
    pub variables: Variables,
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
    timestamp_offset: u32,
    sockets: Vec<Option<Box<Socket>>>,
    free: Vec<u32>,
    serials: u32,
    flows: FxHashMap<Flow, SocketId>,
    listeners: FxHashMap<u16, SocketId>,
    /// How many sockets hold each local port.
    ports: FxHashMap<u16, u32>,
    next_ephemeral: u16,
    ready: VecDeque<SocketId>,
    /// Resets that belong to no socket.
    strays: VecDeque<Outgoing>,
    deadlines: BinaryHeap<Reverse<(Instant, SocketId)>>,
    /// What answers a segment that is nobody's: always in CLOSED.
    nobody: Connection,
    /// The socket whose connection had an input since [`Host::take_touched`] was asked.
    touched: Option<SocketId>,
}

impl Host {
    /// A host with this address, behaving as `profile` says; `seed` feeds its ISS generator.
    pub fn new(address: IpAddr, mtu: u16, profile: Arc<Profile>, seed: u64) -> Self {
        let next_ephemeral = profile.ephemeral_first;
        let nobody = Connection::new(Arc::clone(&profile));
        Self {
            address,
            mtu,
            profile,
            secret: (seed, seed ^ 0x5359_4e46_494e_2121),
            prescribed_iss: VecDeque::new(),
            timestamp_offset: 0,
            sockets: Vec::new(),
            free: Vec::new(),
            serials: 0,
            flows: FxHashMap::default(),
            listeners: FxHashMap::default(),
            ports: FxHashMap::default(),
            next_ephemeral,
            ready: VecDeque::new(),
            strays: VecDeque::new(),
            deadlines: BinaryHeap::new(),
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

    /// Sets what the timestamp clock shows at the beginning of the run.
    pub fn set_timestamp_offset(&mut self, offset: u32) {
        self.timestamp_offset = offset;
    }

    // --- the sockets API -----------------------------------------------------------------------

    /// `socket`: a TCP socket without name and connection.
    pub fn socket(&mut self) -> SocketId {
        let serial = self.serials;
        self.serials += 1;
        let socket = Box::new(Socket::new(Connection::new(Arc::clone(&self.profile)), serial));
        if let Some(slot) = self.free.pop() {
            self.sockets[slot as usize] = Some(socket);
            return SocketId { slot, serial };
        }
        self.sockets.push(Some(socket));
        #[expect(clippy::cast_possible_truncation, reason = "memory runs out long before")]
        let slot = (self.sockets.len() - 1) as u32;
        SocketId { slot, serial }
    }

    /// `bind` to a local port; 0 chooses an ephemeral one.
    ///
    /// # Errors
    /// `EADDRINUSE` if another socket has the port, `EINVAL` if this one has a name already.
    pub fn bind(&mut self, id: SocketId, port: u16) -> Result<u16, Errno> {
        if self.get(id)?.local_port.is_some() {
            return Err(Errno::Invalid);
        }
        let port = if port == 0 { self.ephemeral_port()? } else { port };
        if self.ports.contains_key(&port) && !self.may_share(port, self.get(id)?.reuse_address) {
            return Err(Errno::AddressInUse);
        }
        self.hold_port(id, port)?;
        Ok(port)
    }

    /// `SO_REUSEADDR`: a port whose connections are all beyond LISTEN may be bound again.
    ///
    /// # Errors
    /// `EBADF`.
    pub fn reuse_address(&mut self, id: SocketId) -> Result<(), Errno> {
        self.get_mut(id)?.reuse_address = true;
        Ok(())
    }

    /// `listen`.
    ///
    /// # Errors
    /// `EINVAL` for a connected socket, `EADDRINUSE` if another one listens on the port.
    pub fn listen(&mut self, id: SocketId, now: Instant, backlog: u16) -> Result<(), Errno> {
        if self.get(id)?.connection.state() != State::Closed {
            return Err(Errno::Invalid);
        }
        let port = match self.get(id)?.local_port {
            Some(port) => port,
            None => self.bind(id, 0)?,
        };
        if self.listeners.contains_key(&port) {
            return Err(Errno::AddressInUse);
        }
        let open = self.open_parameters(self.get(id)?.mss, 0);
        let socket = self.get_mut(id)?;
        socket.backlog = backlog;
        socket.connection.on_open_passive(now, open).map_err(|_| Errno::Invalid)?;
        self.listeners.insert(port, id);
        self.after_input(id);
        Ok(())
    }

    /// `connect`: the SYN leaves; the result comes later.
    ///
    /// # Errors
    /// `EINPROGRESS` once the SYN is on its way, `EALREADY` while it is, `EISCONN` when it has been
    /// answered, and afterwards whatever ended the attempt.
    pub fn connect(&mut self, id: SocketId, now: Instant, remote: End) -> Result<(), Errno> {
        match self.get(id)?.connection.state() {
            State::Closed => {}
            State::SynSent | State::SynReceived => return Err(Errno::Already),
            _ => return Err(Errno::IsConnected),
        }
        if remote.address.is_ipv4() != self.address.is_ipv4() {
            return Err(Errno::NetworkUnreachable);
        }
        let port = match self.get(id)?.local_port {
            Some(port) => port,
            None => self.bind(id, 0)?,
        };
        // A socket whose connection has ended may connect again; nothing of the old one must remain.
        self.leave_flow(id);
        if self.flows.contains_key(&(port, remote)) {
            return Err(Errno::AddressNotAvailable);
        }
        let iss = self.choose_iss(now, port, remote);
        let open = self.open_parameters(self.get(id)?.mss, iss);
        self.flows.insert((port, remote), id);
        let socket = self.get_mut(id)?;
        socket.remote = Some(remote);
        socket.send.clear();
        socket.receive.clear();
        socket.error = None;
        socket.read_shut = false;
        socket.connection.on_open_active(now, open).map_err(|_| Errno::IsConnected)?;
        self.after_input(id);
        Err(Errno::InProgress)
    }

    /// How a `connect` under way has ended.
    ///
    /// # Errors
    /// `EALREADY` while it has not; else the error of the socket.
    pub fn connect_result(&mut self, id: SocketId) -> Result<(), Errno> {
        let socket = self.get_mut(id)?;
        match socket.connection.state() {
            State::SynSent | State::SynReceived => Err(Errno::Already),
            State::Closed => Err(socket.error.take().unwrap_or(Errno::NotConnected)),
            _ => Ok(()),
        }
    }

    /// `accept`.
    ///
    /// # Errors
    /// `EAGAIN` while none waits, `EINVAL` if the socket does not listen.
    pub fn accept(&mut self, id: SocketId) -> Result<SocketId, Errno> {
        let socket = self.get_mut(id)?;
        if socket.connection.state() != State::Listen {
            return Err(Errno::Invalid);
        }
        let child = socket.accepted.pop_front().ok_or(Errno::Again)?;
        let accepted = self.get_mut(child)?;
        accepted.held = true;
        accepted.waits = false;
        Ok(child)
    }

    /// `send`: queues what fits and returns how many octets that were. With `more` (`MSG_MORE`) a
    /// short segment waits for what follows.
    ///
    /// # Errors
    /// `ENOTCONN`, `EPIPE` after the send side was closed, `EAGAIN` while the buffer is full, or
    /// whatever ended the connection.
    pub fn send(&mut self, id: SocketId, now: Instant, text: &[u8], more: bool) -> Result<u32, Errno> {
        let socket = self.get_mut(id)?;
        if let Some(error) = socket.error.take() {
            return Err(error);
        }
        let octets = u32::try_from(text.len()).unwrap_or(u32::MAX);
        let taken = match socket.connection.state() {
            State::Closed if socket.remote.is_none() => return Err(Errno::NotConnected),
            State::Listen => return Err(Errno::NotConnected),
            _ => socket.connection.on_send(now, octets, more).map_err(|_| Errno::BrokenPipe)?,
        };
        if taken == 0 && octets > 0 {
            return Err(Errno::Again);
        }
        socket.send.extend(&text[..taken as usize]);
        self.after_input(id);
        Ok(taken)
    }

    /// `recv`: up to `max` octets; empty at end of file.
    ///
    /// # Errors
    /// `EAGAIN` while nothing is there, `ENOTCONN`, or whatever ended the connection.
    pub fn recv(&mut self, id: SocketId, now: Instant, max: u32) -> Result<Vec<u8>, Errno> {
        let socket = self.get_mut(id)?;
        let state = socket.connection.state();
        if socket.receive.is_empty() {
            if let Some(error) = socket.error.take() {
                return Err(error);
            }
            return match state {
                _ if socket.read_shut || socket.connection.peer_has_closed() => Ok(Vec::new()),
                State::Listen => Err(Errno::NotConnected),
                State::Closed if socket.remote.is_none() => Err(Errno::NotConnected),
                State::Closed => Ok(Vec::new()),
                _ => Err(Errno::Again),
            };
        }
        let count = socket.receive.len().min(max as usize);
        let text = copied(&socket.receive, 0..count);
        socket.receive.drain(..count);
        if state != State::Closed {
            // Refused only when nothing is on hand, and something is.
            let _ = socket.connection.on_receive(now, u32::try_from(count).unwrap_or(u32::MAX));
            self.after_input(id);
        }
        Ok(text)
    }

    /// `shutdown`.
    ///
    /// # Errors
    /// `ENOTCONN` without a connection.
    pub fn shutdown(&mut self, id: SocketId, now: Instant, how: How) -> Result<(), Errno> {
        let socket = self.get_mut(id)?;
        if !socket.connection.state().is_synchronized() && socket.connection.state() != State::SynReceived {
            return Err(Errno::NotConnected);
        }
        if matches!(how, How::Read | How::Both) {
            socket.read_shut = true;
        }
        if matches!(how, How::Write | How::Both) {
            // A second shutdown is no error for the sockets API.
            let _ = socket.connection.on_close(now, false);
            self.after_input(id);
        }
        Ok(())
    }

    /// `close`: the descriptor goes; the connection ends as CLOSE, or as ABORT with `SO_LINGER` 0.
    ///
    /// # Errors
    /// `EBADF`.
    pub fn close(&mut self, id: SocketId, now: Instant) -> Result<(), Errno> {
        let socket = self.get_mut(id)?;
        if !socket.held {
            return Err(Errno::BadDescriptor);
        }
        socket.held = false;
        if socket.connection.state() == State::Listen {
            self.close_listener(id, now);
            return Ok(());
        }
        if socket.linger == Some(0) {
            let _ = socket.connection.on_abort(now);
        } else {
            // Refused in states where the FIN has left, which is fine: nothing is left to do.
            let _ = socket.connection.on_close(now, true);
        }
        self.after_input(id);
        Ok(())
    }

    /// Ends a listening socket; what waits for `accept` is reset, as no process will ever take it. A
    /// handshake that is not done is forgotten, as Linux does: what the peer sends next is nobody's.
    fn close_listener(&mut self, id: SocketId, now: Instant) {
        let waiting: Vec<_> = self.get_mut(id).map(|socket| socket.accepted.drain(..).collect()).unwrap_or_default();
        for child in waiting {
            if let Ok(child) = self.get_mut(child) {
                let _ = child.connection.on_abort(now);
                child.waits = false;
            }
            self.after_input(child);
        }
        let half_open = self.ids().filter(|child| self.get(*child).is_ok_and(|child| child.parent == Some(id))).collect::<Vec<_>>();
        for child in half_open {
            self.leave_flow(child);
            self.forget(child);
        }
        if let Ok(socket) = self.get_mut(id) {
            let _ = socket.connection.on_close(now, true);
        }
        self.listeners.retain(|_, listener| *listener != id);
        self.after_input(id);
    }

    /// The host loses power and comes back: every socket is gone, no segment leaves.
    pub fn crash(&mut self) {
        let mut fresh = Self::new(self.address, self.mtu, Arc::clone(&self.profile), self.secret.0);
        fresh.prescribed_iss = std::mem::take(&mut self.prescribed_iss);
        fresh.timestamp_offset = self.timestamp_offset;
        fresh.serials = self.serials;
        *self = fresh;
    }

    /// `setsockopt`.
    ///
    /// # Errors
    /// `EBADF`.
    pub fn set_option(&mut self, id: SocketId, now: Instant, option: SocketOption) -> Result<(), Errno> {
        let socket = self.get_mut(id)?;
        match option {
            SocketOption::NoDelay(on) => socket.connection.set_no_delay(on),
            SocketOption::QuickAck(on) => socket.connection.set_quick_ack(on),
            SocketOption::MaxSeg(octets) => socket.mss = Some(octets),
            SocketOption::Linger(linger) => socket.linger = linger,
            SocketOption::UserTimeout(millis) => {
                let limit = (millis > 0).then(|| Duration::from_millis(u64::from(millis)));
                socket.connection.limit_delivery(now, limit);
            }
        }
        self.enqueue(id);
        Ok(())
    }

    // --- packets and time ----------------------------------------------------------------------

    /// A packet arrives. Returns the socket it concerned, or `None` if it was nobody's.
    pub fn on_packet(&mut self, now: Instant, source: End, destination: End, segment: &Segment, text: &[u8]) -> Option<SocketId> {
        let arriving = segment.crossed();
        if let Some(&id) = self.flows.get(&(destination.port, source)) {
            let socket = self.get_mut(id).ok()?;
            let was_open = socket.connection.state().is_synchronized();
            let arrival = socket.connection.on_segment(now, &arriving);
            socket.send.drain(..(arrival.acked as usize).min(socket.send.len()));
            let start = arrival.skip as usize;
            // After SHUT_RD as well: Linux still hands it out, and it fills the window either way.
            if let Some(fresh) = text.get(start..start + arrival.take as usize) {
                socket.receive.extend(fresh);
            }
            if !was_open && socket.connection.state().is_synchronized() {
                self.completed(id);
            }
            self.after_input(id);
            return Some(id);
        }
        if let Some(&id) = self.listeners.get(&destination.port) {
            return self.on_listener_packet(id, now, source, destination, segment);
        }
        self.nobody.on_segment(now, &arriving);
        if let Some(reset) = self.nobody.poll_segment(now) {
            self.strays.push_back(Outgoing { socket: None, source: destination, destination: source, segment: reset, text: Vec::new() });
        }
        None
    }

    /// A listener lives on and forks a child for the SYN; anything else it answers itself.
    fn on_listener_packet(&mut self, id: SocketId, now: Instant, source: End, destination: End, segment: &Segment) -> Option<SocketId> {
        let opens = segment.has(Flags::SYN) && !segment.flags.intersects(Flags::ACK | Flags::RST);
        let listener = self.get_mut(id).ok()?;
        if !opens {
            listener.connection.on_segment(now, &segment.crossed());
            if let Some(reset) = listener.connection.poll_segment(now) {
                self.strays.push_back(Outgoing {
                    socket: Some(id),
                    source: destination,
                    destination: source,
                    segment: reset,
                    text: Vec::new(),
                });
            }
            return Some(id);
        }
        // The standard is silent on a full backlog; practice drops the SYN and lets the client retry.
        // Handshakes under way count, or a burst of SYNs would fill the queue beyond its end.
        if listener.accepted.len() + usize::from(listener.half_open) > usize::from(listener.backlog) {
            return None;
        }
        listener.half_open += 1;
        let mss = listener.mss;
        let child = self.socket();
        let iss = self.choose_iss(now, destination.port, source);
        let open = self.open_parameters(mss, iss);
        self.hold_port(child, destination.port).ok()?;
        self.flows.insert((destination.port, source), child);
        let socket = self.get_mut(child).ok()?;
        socket.held = false;
        socket.remote = Some(source);
        socket.parent = Some(id);
        socket.connection.on_open_passive(now, open).ok()?;
        socket.connection.on_segment(now, &segment.crossed());
        self.after_input(child);
        Some(child)
    }

    /// The handshake of a child is done: it waits for `accept`.
    fn completed(&mut self, id: SocketId) {
        let parent = self.get_mut(id).ok().and_then(|socket| socket.parent.take());
        if let Some(parent) = parent.and_then(|parent| self.get_mut(parent).ok()) {
            parent.half_open -= 1;
            parent.accepted.push_back(id);
            if let Ok(child) = self.get_mut(id) {
                child.waits = true;
            }
        }
    }

    /// Fires the timers of one socket that are due; returns it, or `None` when none is left.
    pub fn on_time(&mut self, now: Instant) -> Option<SocketId> {
        while let Some(&Reverse((at, id))) = self.deadlines.peek() {
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
        while let Some(&Reverse((at, id))) = self.deadlines.peek() {
            let actual =
                self.get(id).ok().filter(|socket| socket.scheduled == Some(at)).and_then(|socket| socket.connection.poll_deadline());
            if actual == Some(at) {
                return Some(at);
            }
            self.deadlines.pop();
            if let Ok(socket) = self.get_mut(id)
                && socket.scheduled == Some(at)
            {
                socket.scheduled = None;
                self.schedule(id);
            }
        }
        None
    }

    /// The next packet that leaves, or `None`.
    pub fn poll_packet(&mut self, now: Instant) -> Option<Outgoing> {
        if let Some(stray) = self.strays.pop_front() {
            return Some(stray);
        }
        while let Some(&id) = self.ready.front() {
            if let Some(packet) = self.packet_of(id, now) {
                return Some(packet);
            }
            self.ready.pop_front();
            self.settle_socket(id);
        }
        None
    }

    fn packet_of(&mut self, id: SocketId, now: Instant) -> Option<Outgoing> {
        let address = self.address;
        let socket = self.get_mut(id).ok()?;
        if !socket.held && !socket.waits && socket.connection.receive_buffered() > 0 {
            // No process will read it; kept, it would close the window before the peer's FIN.
            socket.receive.clear();
            let _ = socket.connection.on_receive(now, u32::MAX);
        }
        let segment = socket.connection.poll_segment(now)?;
        let text = if segment.len == 0 { Vec::new() } else { copied(&socket.send, socket.connection.text_range(&segment)) };
        let source = End { address, port: socket.local_port? };
        Some(Outgoing { socket: Some(id), source, destination: socket.remote?, segment, text })
    }

    /// All that a socket wanted to send has left: schedule its timers, or forget it if it is over.
    fn settle_socket(&mut self, id: SocketId) {
        self.schedule(id);
        let Ok(socket) = self.get_mut(id) else { return };
        socket.queued = false;
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
        let needed = socket.held || socket.waits;
        self.leave_flow(id);
        if !needed {
            self.forget(id);
        }
    }

    /// The connection of a socket is over: its packets are nobody's, unless a newer one has its ends.
    fn leave_flow(&mut self, id: SocketId) {
        let Ok(&Socket { local_port: Some(port), remote: Some(remote), .. }) = self.get(id) else { return };
        if self.flows.get(&(port, remote)) == Some(&id) {
            self.flows.remove(&(port, remote));
        }
    }

    fn forget(&mut self, id: SocketId) {
        if self.get(id).is_err() {
            return;
        }
        let Some(socket) = self.sockets[id.slot as usize].take() else { return };
        if let Some(parent) = socket.parent.and_then(|parent| self.get_mut(parent).ok()) {
            parent.half_open -= 1;
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
    }

    fn schedule(&mut self, id: SocketId) {
        let Ok(socket) = self.get_mut(id) else { return };
        let Some(deadline) = socket.connection.poll_deadline() else { return };
        // A later deadline needs no entry of its own: the earlier one wakes us, and we look again.
        if socket.scheduled.is_none_or(|scheduled| deadline < scheduled) {
            socket.scheduled = Some(deadline);
            self.deadlines.push(Reverse((deadline, id)));
        }
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

    // --- ports and numbers ---------------------------------------------------------------------

    fn may_share(&self, port: u16, reuse: bool) -> bool {
        reuse
            && !self.listeners.contains_key(&port)
            && self
                .sockets
                .iter()
                .flatten()
                .filter(|socket| socket.local_port == Some(port))
                // MUST-42: also beside a connection in SYN-SENT or SYN-RECEIVED.
                .all(|socket| !matches!(socket.connection.state(), State::Closed | State::Listen))
    }

    fn hold_port(&mut self, id: SocketId, port: u16) -> Result<(), Errno> {
        self.get_mut(id)?.local_port = Some(port);
        *self.ports.entry(port).or_insert(0) += 1;
        Ok(())
    }

    fn ephemeral_port(&mut self) -> Result<u16, Errno> {
        // Port 0 is nobody's, whatever the knob says.
        let (first, last) = (self.profile.ephemeral_first.max(1), self.profile.ephemeral_last);
        let range = u32::from(last.saturating_sub(first)) + 1;
        for _ in 0..range {
            let port = self.next_ephemeral.max(first);
            self.next_ephemeral = if port >= last { first } else { port + 1 };
            if !self.ports.contains_key(&port) {
                return Ok(port);
            }
        }
        Err(Errno::AddressNotAvailable)
    }

    /// The ISS of RFC 6528 section 3: a clock of 4 microseconds plus a keyed hash of the four-tuple.
    fn choose_iss(&mut self, now: Instant, port: u16, remote: End) -> u32 {
        if let Some(iss) = self.prescribed_iss.pop_front() {
            return iss;
        }
        let mut hasher = SipHasher13::new_with_keys(self.secret.0, self.secret.1);
        for address in [self.address, remote.address] {
            match address {
                IpAddr::V4(v4) => hasher.write(&v4.octets()),
                IpAddr::V6(v6) => hasher.write(&v6.octets()),
            }
        }
        hasher.write(&port.to_be_bytes());
        hasher.write(&remote.port.to_be_bytes());
        #[expect(clippy::cast_possible_truncation, reason = "both wrap by design")]
        let (clock, hash) = ((now.as_nanos() / 4_000) as u32, hasher.finish() as u32);
        clock.wrapping_add(hash)
    }

    fn open_parameters(&self, limit: Option<u16>, iss: u32) -> Open {
        // MUST-15: what a peer takes that does not say; MUST-67: what we can receive.
        let (headers, default_mss) = if self.address.is_ipv4() { (40, 536) } else { (60, 1220) };
        let mss = self.mtu.saturating_sub(headers).max(1);
        let announced = limit.map_or(mss, |limit| mss.min(limit));
        let send_mss = if self.profile.maxseg_limits_sending { announced } else { mss };
        Open { iss: SeqNumber::new(iss), mss: announced, send_mss, default_mss, ts_offset: self.timestamp_offset }
    }

    fn ids(&self) -> impl Iterator<Item = SocketId> {
        (0..).zip(&self.sockets).filter_map(|(slot, socket)| Some(SocketId { slot, serial: socket.as_deref()?.serial }))
    }

    // --- looking -------------------------------------------------------------------------------

    fn get(&self, id: SocketId) -> Result<&Socket, Errno> {
        let socket = self.sockets.get(id.slot as usize).and_then(Option::as_deref);
        socket.filter(|socket| socket.serial == id.serial).ok_or(Errno::BadDescriptor)
    }

    fn get_mut(&mut self, id: SocketId) -> Result<&mut Socket, Errno> {
        let socket = self.sockets.get_mut(id.slot as usize).and_then(Option::as_deref_mut);
        socket.filter(|socket| socket.serial == id.serial).ok_or(Errno::BadDescriptor)
    }

    /// Whether nothing is left of any socket: no port, no flow, no deadline, nothing to send.
    #[cfg(test)]
    pub(super) fn is_empty(&mut self) -> bool {
        let deadline = self.poll_deadline();
        deadline.is_none()
            && self.sockets.iter().all(Option::is_none)
            && self.free.len() == self.sockets.len()
            && self.flows.is_empty()
            && self.listeners.is_empty()
            && self.ports.is_empty()
            && self.ready.is_empty()
            && self.strays.is_empty()
            && self.deadlines.is_empty()
    }

    /// The state of a socket; CLOSED for one that is gone.
    pub fn state(&self, id: SocketId) -> State {
        self.get(id).map_or(State::Closed, |socket| socket.connection.state())
    }

    /// Whether something is about to happen at this host without anybody's call.
    pub fn is_busy(&self) -> bool {
        self.sockets.iter().flatten().any(|socket| socket.connection.is_busy())
    }

    /// Local and remote end of a socket, as far as known.
    pub fn ends(&self, id: SocketId) -> (Option<u16>, Option<End>) {
        self.get(id).map_or((None, None), |socket| (socket.local_port, socket.remote))
    }

    /// The socket a packet with these ends would concern, a listener only if it has no connection for it.
    pub fn lookup(&self, source: End, destination: End) -> Option<SocketId> {
        self.flows.get(&(destination.port, source)).or_else(|| self.listeners.get(&destination.port)).copied()
    }

    /// The socket that listens on `port`.
    pub fn listener(&self, port: u16) -> Option<SocketId> {
        self.listeners.get(&port).copied()
    }

    /// What the last input did at this socket.
    pub fn inspect(&self, id: SocketId) -> Option<Inspection> {
        let socket = self.get(id).ok()?;
        Some(Inspection {
            serial: socket.serial,
            state: socket.connection.state(),
            rules: socket.connection.fired().collect(),
            signals: socket.told.clone(),
            variables: socket.connection.variables(),
        })
    }

    /// The socket whose connection had an input since this was last asked; a call that fails has none.
    pub fn take_touched(&mut self) -> Option<SocketId> {
        self.touched.take()
    }

    /// The rules that answered the last segment that was nobody's.
    pub fn nobodys_rules(&self) -> Vec<&'static Rule> {
        self.nobody.fired().collect()
    }

    /// When this timer of a socket is due.
    pub fn deadline(&self, id: SocketId, timer: Timer) -> Option<Instant> {
        self.get(id).ok()?.connection.deadline(timer)
    }

    /// The sockets of this host as `netstat` lists them: listeners first, then by local port.
    pub fn netstat(&self) -> Vec<NetstatRow> {
        let mut rows: Vec<_> = self
            .sockets
            .iter()
            .flatten()
            .filter_map(|socket| {
                let state = socket.connection.state();
                Some(NetstatRow {
                    receive_queue: socket.connection.receive_buffered(),
                    send_queue: socket.connection.send_buffered(),
                    local: End { address: self.address, port: socket.local_port? },
                    remote: socket.remote.filter(|_| state != State::Listen),
                    state,
                })
            })
            .filter(|row| row.state != State::Closed)
            .collect();
        rows.sort_by_key(|row| (row.state != State::Listen, row.local.port, row.remote.map(|end| (end.address, end.port))));
        rows
    }
}
