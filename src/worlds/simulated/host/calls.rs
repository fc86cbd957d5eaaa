//! The sockets API of a host.

use std::sync::Arc;
use std::time::Duration;

use super::super::socket::copied;
use super::addresses::is_unicast;
use super::{Host, SocketId};
use crate::engine::{CallError, Connection, Instant, Origin, Refusal, State};
use crate::trace::End;
use crate::worlds::{Errno, How, SocketOption};

/// What a `send` says of its text beside how much there is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Sending {
    /// A short segment waits for what follows.
    pub holds: bool,
    /// But only until an ACK arrives.
    pub until_ack: bool,
    /// The text carries PSH where it ends, even so.
    pub pushed: bool,
    /// What is sent after it begins a segment of its own (`MSG_EOR`).
    pub ends_record: bool,
}

impl Host {
    /// `socket`: a TCP socket without name and connection.
    pub fn socket(&mut self) -> SocketId {
        let serial = self.serials;
        self.serials += 1;
        let socket = self.spare.take(Connection::new(Arc::clone(&self.profile)), serial);
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
    /// `EADDRINUSE` if another socket has the port, `EINVAL` if this one has a name already, `EACCES` for a
    /// system port without the right to it.
    pub fn bind(&mut self, id: SocketId, port: u16) -> Result<u16, Errno> {
        if self.get(id)?.local_port.is_some() {
            return Err(Errno::Invalid);
        }
        let port = if port == 0 {
            self.ephemeral_port()?
        } else {
            self.may_name(port)?;
            port
        };
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
        let open = self.open_parameters(id, None, now, 0);
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
        self.connect_with(id, now, remote, &[], false)
    }

    /// `connect` and `send` in one call: as much of `text` as fits rides in the SYN; with `fast`
    /// (`MSG_FASTOPEN`) only beside a cookie, for which the server may read it at once.
    ///
    /// # Errors
    /// As [`connect`](Self::connect).
    pub fn connect_with(&mut self, id: SocketId, now: Instant, remote: End, text: &[u8], fast: bool) -> Result<(), Errno> {
        let state = self.get(id)?.connection.state();
        if state != State::Closed {
            return Err(if state.is_opening() { Errno::Already } else { Errno::IsConnected });
        }
        // MUST-46: nor to what no single host can have.
        if remote.address.is_ipv4() != self.address.is_ipv4() || !is_unicast(remote.address, self.address) {
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
        let open = self.open_parameters(id, Some(remote), now, iss);
        self.flows.insert((port, remote), id);
        self.reserve_signature(id, remote);
        let attempt = if fast { self.try_fast(id, remote.address, now) } else { None };
        let socket = self.get_mut(id)?;
        socket.remote = Some(remote);
        socket.send.clear();
        socket.receive.clear();
        socket.early.clear();
        socket.error = None;
        socket.read_shut = false;
        let octets = u32::try_from(text.len()).unwrap_or(u32::MAX);
        let connection = &mut socket.connection;
        let taken = match attempt {
            Some(known) => connection.on_open_active_fast(now, open, octets, known),
            None if !fast && octets > 0 => connection.on_open_active_with(now, open, octets),
            None => {
                connection.on_open_active(now, open).and_then(|()| if octets > 0 { connection.on_send(now, octets, false) } else { Ok(0) })
            }
        };
        let taken = taken.map_err(|_| Errno::IsConnected)?;
        socket.send.extend(&text[..taken as usize]);
        self.after_input(id);
        Err(Errno::InProgress)
    }

    /// `TCP_FASTOPEN` of a listener: how many fast opens may be under way at once.
    ///
    /// # Errors
    /// `EBADF`.
    pub fn allow_fast_open(&mut self, id: SocketId, pending: u16) -> Result<(), Errno> {
        self.get_mut(id)?.fast_open = Some(pending);
        Ok(())
    }

    /// How a `connect` under way has ended.
    ///
    /// # Errors
    /// `EALREADY` while it has not; else the error of the socket.
    pub fn connect_result(&mut self, id: SocketId) -> Result<(), Errno> {
        let socket = self.get_mut(id)?;
        let state = socket.connection.state();
        if state.is_opening() {
            return Err(Errno::Already);
        }
        if state == State::Closed {
            return Err(socket.error.take().unwrap_or(Errno::NotConnected));
        }
        Ok(())
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
        self.send_by(id, now, text, |connection, octets| connection.on_send(now, octets, more))
    }

    /// `send` in all the ways that Linux has.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub fn send_in(&mut self, id: SocketId, now: Instant, text: &[u8], manner: Sending) -> Result<u32, Errno> {
        self.send_by(id, now, text, |connection, octets| {
            let taken = connection.on_send(now, octets, !manner.pushed)?;
            if manner.holds && manner.until_ack {
                connection.hold_short_until_ack();
            } else {
                connection.hold_short(manner.holds);
            }
            if manner.ends_record {
                connection.end_record();
            }
            Ok(taken)
        })
    }

    /// A short segment waits no more for what follows (`TCP_CORK` is switched off).
    ///
    /// # Errors
    /// `EBADF`.
    pub fn let_short_go(&mut self, id: SocketId) -> Result<(), Errno> {
        self.get_mut(id)?.connection.hold_short(false);
        self.after_input(id);
        Ok(())
    }

    /// `send` with `MSG_OOB`: the peer is told at once that there is text to read up to the end of this.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub fn send_urgent(&mut self, id: SocketId, now: Instant, text: &[u8]) -> Result<u32, Errno> {
        self.send_by(id, now, text, |connection, octets| connection.on_send_urgent(now, octets))
    }

    fn send_by(
        &mut self,
        id: SocketId,
        now: Instant,
        text: &[u8],
        call: impl FnOnce(&mut Connection, u32) -> Result<u32, CallError>,
    ) -> Result<u32, Errno> {
        let socket = self.get_mut(id)?;
        if let Some(error) = socket.error.take() {
            return Err(error);
        }
        let octets = u32::try_from(text.len()).unwrap_or(u32::MAX);
        let state = socket.connection.state();
        let whom = if state == State::Listen { socket.expects.is_some() } else { state != State::Closed || socket.remote.is_some() };
        if !whom {
            return Err(Errno::NotConnected);
        }
        let taken = if state == State::Listen {
            self.send_from_listen(id, now, octets)?
        } else {
            call(&mut socket.connection, octets).map_err(|error| match error.refusal {
                Refusal::Full => Errno::Again,
                Refusal::Missing | Refusal::Exists | Refusal::Unspecified | Refusal::Closing => Errno::BrokenPipe,
            })?
        };
        self.get_mut(id)?.send.extend(&text[..taken as usize]);
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
            if socket.read_shut || socket.connection.peer_has_closed() {
                return Ok(Vec::new());
            }
            let idle = if state == State::Listen { !socket.single } else { state == State::Closed && socket.remote.is_none() };
            if idle {
                return Err(Errno::NotConnected);
            }
            return if state == State::Closed { Ok(Vec::new()) } else { Err(Errno::Again) };
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
        let state = socket.connection.state();
        let waits = socket.connection.profile().half_close_waits && matches!(state, State::SynSent | State::SynReceived);
        if !state.is_synchronized() && state != State::SynReceived && !waits {
            return Err(Errno::NotConnected);
        }
        if matches!(how, How::Read | How::Both) {
            socket.read_shut = true;
        }
        if waits {
            socket.shut_early |= matches!(how, How::Write | How::Both);
            return Ok(());
        }
        if matches!(how, How::Write | How::Both) {
            // A second shutdown is no error for the sockets API.
            let _ = socket.connection.on_close(now, false);
            self.after_input(id);
        }
        Ok(())
    }

    /// The connection is open: a `SHUT_WR` from before that happens now.
    pub(super) fn close_shut_early(&mut self, id: SocketId, now: Instant) {
        if let Ok(socket) = self.get_mut(id)
            && socket.shut_early
        {
            // It is open.
            let _ = socket.connection.on_close(now, false);
        }
    }

    /// `shutdown` of the receiving side as Linux takes it: once our FIN has left, text that comes ends the connection.
    ///
    /// # Errors
    /// `EBADF`.
    pub fn refuse_text(&mut self, id: SocketId) -> Result<(), Errno> {
        self.get_mut(id)?.connection.refuse_text();
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
        let crossed = socket.connection.state() == State::SynReceived && socket.connection.origin() == Origin::Active;
        if crossed && socket.connection.profile().half_close_waits {
            // Nobody hears of a connection that was never open.
            socket.connection.on_evict(now);
        } else if socket.linger == Some(0) {
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
    pub(super) fn close_listener(&mut self, id: SocketId, now: Instant) {
        let waiting: Vec<_> = self.get_mut(id).map(|socket| socket.accepted.drain(..).collect()).unwrap_or_default();
        for child in waiting {
            if let Ok(child) = self.get_mut(child) {
                let _ = child.connection.on_abort(now);
                child.waits = false;
            }
            self.after_input(child);
        }
        let half_open = self.get_mut(id).map(|socket| std::mem::take(&mut socket.half_open)).unwrap_or_default();
        for child in half_open {
            if self.profile.reset_half_open {
                if let Ok(child) = self.get_mut(child) {
                    let _ = child.connection.on_abort(now);
                    child.parent = None;
                }
                self.after_input(child);
                continue;
            }
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
        fresh.timestamp_offsets = std::mem::take(&mut self.timestamp_offsets);
        fresh.serials = self.serials;
        fresh.unprivileged = self.unprivileged;
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
            SocketOption::MaxSeg(octets) => {
                socket.mss = Some(octets);
                socket.connection.limit_segments(octets);
            }
            SocketOption::Linger(linger) => socket.linger = linger,
            SocketOption::UserTimeout(millis) => {
                let limit = (millis > 0).then(|| Duration::from_millis(u64::from(millis)));
                socket.connection.limit_delivery(now, limit);
            }
            SocketOption::KeepAlive(on) => socket.keepalive.on = on,
            SocketOption::KeepIdle(seconds) => socket.keepalive.idle = Some(Duration::from_secs(u64::from(seconds))),
            SocketOption::KeepInterval(seconds) => socket.keepalive.interval = Some(Duration::from_secs(u64::from(seconds))),
            SocketOption::KeepCount(probes) => socket.keepalive.probes = Some(probes),
        }
        if matches!(
            option,
            SocketOption::KeepAlive(_) | SocketOption::KeepIdle(_) | SocketOption::KeepInterval(_) | SocketOption::KeepCount(_)
        ) {
            socket.set_keepalive(now);
        }
        self.enqueue(id);
        Ok(())
    }
}
