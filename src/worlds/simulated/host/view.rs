//! Looking at a host: states, netstat, and what the last input did.

use std::fmt;
use std::time::Duration;

use super::{Host, SocketId};
use crate::engine::profile::Blackhole;
use crate::engine::{Instant, Rule, Signal, State, Timer, Variables};
use crate::trace::End;

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
    /// When its next timer is due, if one is running.
    pub deadline: Option<Instant>,
}

impl fmt::Display for NetstatRow {
    /// `tcp 0 0 192.0.2.2:7007 192.0.2.1:49152 ESTABLISHED`: octets to read, octets not acknowledged, both ends, the state.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { receive_queue, send_queue, local, remote, state, deadline: _ } = self;
        let remote = remote.map_or_else(|| "*:*".to_owned(), |remote| remote.to_string());
        write!(f, "tcp {receive_queue} {send_queue} {local} {remote} {state}")
    }
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

impl Host {
    /// Whether nothing is left of any socket: no port, no flow, no deadline, nothing to send.
    #[cfg(test)]
    pub(in super::super) fn is_empty(&mut self) -> bool {
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

    /// Whether this is a child of a listener whose handshake has come to nothing: it is about to be forgotten.
    ///
    /// The RFC's one TCB would be in LISTEN again, or gone; of a listener that forks, LISTEN is what remains.
    pub fn is_child_undone(&self, id: SocketId) -> bool {
        self.get(id).is_ok_and(|socket| socket.parent.is_some() && matches!(socket.connection.state(), State::Closed | State::Listen))
    }

    /// How long `close` of this socket waits (`SO_LINGER` with a time), if it does.
    pub fn lingers(&self, id: SocketId) -> Option<Duration> {
        let seconds = self.get(id).ok()?.linger.filter(|seconds| *seconds > 0)?;
        Some(Duration::from_secs(u64::from(seconds)))
    }

    /// Whether text or FIN of this socket still waits for its acknowledgment.
    pub fn is_unacknowledged(&self, id: SocketId) -> bool {
        self.get(id).is_ok_and(|socket| match socket.connection.state() {
            State::SynReceived | State::Established | State::CloseWait | State::FinWait1 | State::Closing | State::LastAck => true,
            State::Closed | State::Listen | State::SynSent | State::FinWait2 | State::TimeWait => false,
        })
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
        self.flows.get(&(destination.port, source)).copied().or_else(|| self.listener_for(source, destination.port))
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
            signals: socket.told.iter().collect(),
            variables: socket.connection.variables(),
        })
    }

    /// The socket whose connection had an input since this was last asked; a call that fails has none.
    pub fn take_touched(&mut self) -> Option<SocketId> {
        self.touched.take()
    }

    /// The rules that answered the last segment that was nobody's.
    pub fn nobodys_rules(&self) -> Vec<&'static Rule> {
        if self.profile.blackhole == Blackhole::All { Vec::new() } else { self.nobody.fired().collect() }
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
                    remote: socket.remote.filter(|_| state != State::Listen).or(socket.expects),
                    state,
                    deadline: socket.connection.poll_deadline(),
                })
            })
            .filter(|row| row.state != State::Closed)
            .collect();
        rows.sort_by_key(|row| (row.state != State::Listen, row.local.port, row.remote.map(|end| (end.address, end.port))));
        rows
    }
}
