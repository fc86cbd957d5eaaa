//! The RFC's passive OPEN: one TCB that waits in LISTEN and becomes the connection itself.
//!
//! A listener of the sockets API lives on and forks a child instead (`host`).

use super::addresses::is_unicast;
use super::{Host, SocketId};
use crate::engine::{Instant, Segment, SeqNumber, State};
use crate::trace::End;
use crate::worlds::Errno;

impl Host {
    /// Passive OPEN (RFC 9293 section 3.10.1) of a bound socket; with `remote`, only this one may connect.
    ///
    /// # Errors
    /// `EINVAL` for a socket without port or with a connection, `EADDRINUSE` if another one listens on the port,
    /// `ENETUNREACH` for a remote address no single host can have.
    pub fn open_passive(&mut self, id: SocketId, now: Instant, remote: Option<End>) -> Result<(), Errno> {
        // MUST-46: SEND may make it an active OPEN.
        if remote.is_some_and(|remote| !is_unicast(remote.address, self.address)) {
            return Err(Errno::NetworkUnreachable);
        }
        let port = self.get(id)?.local_port.ok_or(Errno::Invalid)?;
        if self.listeners.contains_key(&port) {
            return Err(Errno::AddressInUse);
        }
        let open = self.open_parameters(id, None, now, 0);
        let socket = self.get_mut(id)?;
        socket.connection.on_open_passive(now, open).map_err(|_| Errno::Invalid)?;
        socket.single = true;
        socket.expects = remote;
        self.listeners.insert(port, id);
        self.after_input(id);
        Ok(())
    }

    /// SEND in LISTEN with a known remote socket: the connection becomes active (RFC 9293 section 3.10.2).
    pub(super) fn send_from_listen(&mut self, id: SocketId, now: Instant, octets: u32) -> Result<u32, Errno> {
        let socket = self.get(id)?;
        let (port, remote) = (socket.local_port.ok_or(Errno::Invalid)?, socket.expects.ok_or(Errno::NotConnected)?);
        if self.flows.contains_key(&(port, remote)) {
            return Err(Errno::AddressNotAvailable);
        }
        let iss = self.choose_iss(now, port, remote);
        self.reserve_signature(id, remote);
        let open = self.open_parameters(id, Some(remote), now, iss);
        let socket = self.get_mut(id)?;
        let taken = socket.connection.on_send_from_listen(now, open, octets).map_err(|_| Errno::BrokenPipe)?;
        socket.remote = Some(remote);
        self.flows.insert((port, remote), id);
        Ok(taken)
    }

    /// The socket in LISTEN that a segment from `source` to `port` is for, if it belongs to no connection.
    pub(super) fn listener_for(&self, source: End, port: u16) -> Option<SocketId> {
        let &id = self.listeners.get(&port)?;
        let socket = self.get(id).ok()?;
        let waits = !socket.single || (socket.connection.state() == State::Listen && socket.expects.is_none_or(|end| end == source));
        waits.then_some(id)
    }

    /// A segment reaches the one TCB in LISTEN.
    pub(super) fn on_single_packet(&mut self, id: SocketId, now: Instant, source: End, destination: End, segment: &Segment, text: &[u8]) {
        let opens = self.opens(segment);
        if opens {
            let iss = self.choose_iss(now, destination.port, source);
            self.flows.insert((destination.port, source), id);
            if let Ok(socket) = self.get_mut(id) {
                socket.remote = Some(source);
                socket.connection.prepare_iss(SeqNumber::new(iss));
            }
            self.reserve_signature(id, source);
        }
        let mark = self.around.codepoint;
        let Ok(socket) = self.get_mut(id) else { return };
        let arrival = socket.connection.on_marked_segment(now, mark, &segment.crossed());
        socket.take(&arrival, text);
        if !opens && let Some(reset) = socket.connection.poll_segment(now) {
            self.answer(id, source, destination, reset, self.around_answer());
        }
        self.after_input(id);
    }

    /// The one TCB is in LISTEN again: anybody it may talk to can open it anew.
    pub(super) fn listens_again(&mut self, id: SocketId) {
        self.leave_flow(id);
        if let Ok(socket) = self.get_mut(id) {
            socket.remote = None;
        }
    }

    /// The one TCB is gone: nobody listens on its port any more.
    pub(super) fn leave_port(&mut self, id: SocketId) {
        if let Ok(&super::super::socket::Socket { single: true, local_port: Some(port), .. }) = self.get(id)
            && self.listeners.get(&port) == Some(&id)
        {
            self.listeners.remove(&port);
        }
    }
}
