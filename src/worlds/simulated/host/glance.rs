//! What a process can learn of its sockets without waiting, and what it can change of one at any time.

use std::net::IpAddr;
use std::sync::Arc;

use super::super::socket::Socket;
use super::{Host, SocketId};
use crate::engine::{Connection, FastOpenTry, Info, Instant, Profile, State};
use crate::trace::End;
use crate::worlds::Errno;

/// What `poll`, `ioctl` and a call that must not wait ask of a TCP socket.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Glance {
    /// The state.
    pub state: State,
    /// Local port, if it has one.
    pub port: Option<u16>,
    /// Whom it is, or was, connected to.
    pub remote: Option<End>,
    /// Octets that can be read.
    pub readable: u32,
    /// The peer has sent its FIN.
    pub at_end: bool,
    /// The process has shut down reading.
    pub read_shut: bool,
    /// The process has shut down writing.
    pub write_shut: bool,
    /// What the next call fails with.
    pub error: Option<Errno>,
    /// Connections that wait for `accept`.
    pub waiting: usize,
    /// How many places there are for them.
    pub places: u16,
    /// Octets of text that were not acknowledged, and those of them that have not left.
    pub unacknowledged: u32,
    /// Octets of text that have not left.
    pub unsent: u32,
    /// The number of the first of them, on the wire.
    pub text_start: u32,
    /// Packets under way, where several segments may leave in one (TSO).
    pub packets_under_way: u32,
    /// The largest window the peer has offered.
    pub largest_window: u32,
    /// Our FIN has not left, though it was asked for.
    pub fin_unsent: bool,
    /// It has not been acknowledged.
    pub fin_unacknowledged: bool,
    /// Octets the send buffer holds.
    pub send_buffer: u32,
    /// Octets until urgent data ends; 0 if there is none.
    pub urgent: u32,
}

impl Host {
    /// What a process can see of a socket.
    ///
    /// # Errors
    /// `EBADF`.
    pub fn glance(&self, id: SocketId) -> Result<Glance, Errno> {
        let socket = self.get(id)?;
        let connection = &socket.connection;
        let state = connection.state();
        Ok(Glance {
            state,
            port: socket.local_port,
            remote: socket.remote,
            readable: u32::try_from(socket.receive.len()).unwrap_or(u32::MAX),
            at_end: connection.peer_has_closed(),
            read_shut: socket.read_shut,
            write_shut: connection.has_closed() || socket.shut_early,
            error: socket.error,
            waiting: socket.accepted.len(),
            places: socket.backlog,
            unacknowledged: connection.send_buffered(),
            unsent: connection.variables().unsent,
            text_start: connection.first_unacknowledged().get(),
            packets_under_way: connection.packets_under_way(),
            largest_window: connection.largest_window(),
            fin_unsent: connection.is_fin_unsent(),
            fin_unacknowledged: match state {
                State::FinWait1 | State::Closing | State::LastAck => true,
                // Text before it may be held up.
                State::CloseWait => connection.is_fin_unsent(),
                State::Closed
                | State::Listen
                | State::SynSent
                | State::SynReceived
                | State::Established
                | State::FinWait2
                | State::TimeWait => false,
            },
            send_buffer: connection.send_capacity(),
            urgent: connection.urgent_left(),
        })
    }

    /// Whether a connection of this host has done what its profile does not model.
    pub fn is_in_doubt(&self) -> bool {
        self.sockets.iter().flatten().any(|socket| socket.connection.is_in_doubt())
    }

    /// What the next call fails with: it is that call, and the one after it does not.
    pub fn next_error(&mut self, id: SocketId) -> Option<Errno> {
        self.get_mut(id).ok()?.error.take()
    }

    /// `TCP_INFO`.
    ///
    /// # Errors
    /// `EBADF`.
    pub fn info(&self, id: SocketId, now: Instant) -> Result<Info, Errno> {
        Ok(self.get(id)?.connection.info(now))
    }

    /// Octets of memory for what was not read, once the peer's options are known (`sk_rcvbuf` of Linux).
    ///
    /// # Errors
    /// `EBADF`.
    pub fn receive_memory(&self, id: SocketId) -> Result<Option<u32>, Errno> {
        Ok(self.get(id)?.connection.receive_memory())
    }

    /// The process has set it, in octets (`SO_RCVBUF`).
    ///
    /// # Errors
    /// `EBADF`.
    pub fn set_receive_memory(&mut self, id: SocketId, memory: u32) -> Result<(), Errno> {
        self.get_mut(id)?.connection.set_receive_memory(memory);
        Ok(())
    }

    /// The process waits for so many octets at once (`SO_RCVLOWAT`): there is memory for them.
    ///
    /// # Errors
    /// `EBADF`.
    pub fn expect_text(&mut self, id: SocketId, octets: u32) -> Result<(), Errno> {
        self.get_mut(id)?.connection.expect_text(octets);
        Ok(())
    }

    /// Octets the window may have at most, once the peer's options are known (`TCP_WINDOW_CLAMP`).
    ///
    /// # Errors
    /// `EBADF`.
    pub fn window_clamp(&self, id: SocketId) -> Result<Option<u32>, Errno> {
        Ok(self.get(id)?.connection.window_clamp())
    }

    /// Bounds it.
    ///
    /// # Errors
    /// `EBADF`.
    pub fn clamp_window(&mut self, id: SocketId, octets: u32) -> Result<(), Errno> {
        self.get_mut(id)?.connection.set_window_clamp(octets);
        Ok(())
    }

    /// What the timestamp clock of this socket's connection shows, in milliseconds.
    ///
    /// # Errors
    /// `EBADF`.
    pub fn timestamp_of(&self, id: SocketId, now: Instant) -> Result<u32, Errno> {
        Ok(self.get(id)?.connection.timestamp_clock(now))
    }

    /// Whether a socket has this local port.
    pub fn has_port(&self, port: u16) -> bool {
        self.ports.contains_key(&port)
    }

    /// The connections that wait for `accept` of this listener, the first one first.
    pub fn waiting(&self, listener: SocketId) -> impl Iterator<Item = SocketId> + '_ {
        self.get(listener).into_iter().flat_map(|listener| listener.accepted.iter().copied())
    }

    /// How the host behaves towards sockets that are made from now on.
    pub fn set_profile(&mut self, profile: Arc<Profile>) {
        if (self.profile.ephemeral_first, self.profile.ephemeral_last) != (profile.ephemeral_first, profile.ephemeral_last) {
            self.next_ephemeral = profile.ephemeral_first;
        }
        let profile = super::path_mtu::with_headers(profile, self.address);
        self.nobody = Connection::new(Arc::clone(&profile));
        self.guarded |= profile.udp_tunneling_port != 0;
        self.profile = profile;
    }

    /// How the host behaves.
    pub fn profile(&self) -> &Profile {
        &self.profile
    }

    /// How this one socket behaves.
    ///
    /// # Errors
    /// `EBADF`.
    pub fn profile_of(&self, id: SocketId) -> Result<&Profile, Errno> {
        Ok(self.get(id)?.connection.profile())
    }

    /// Lets one socket, and the connections it will accept, behave otherwise than the host.
    ///
    /// # Errors
    /// `EBADF`.
    pub fn adjust(&mut self, id: SocketId, change: impl FnOnce(&mut Profile)) -> Result<(), Errno> {
        let socket = self.get_mut(id)?;
        let mut profile = socket.connection.profile().clone();
        change(&mut profile);
        socket.connection.adopt(Arc::new(profile));
        socket.adjusted = true;
        Ok(())
    }

    /// A child behaves as its listener, where that is not as the host does.
    pub(super) fn behave_alike(&mut self, child: SocketId, listener: SocketId) {
        let own = self.get(listener).ok().filter(|listener| listener.adjusted).map(|listener| listener.connection.profile().clone());
        if let Some(own) = own {
            // Both are there.
            let _ = self.adjust(child, |profile| *profile = own);
        }
    }

    /// `connect` to `AF_UNSPEC`: the connection ends as by ABORT, and the socket is as new; its port stays.
    ///
    /// # Errors
    /// `EBADF`.
    pub fn disconnect(&mut self, id: SocketId, now: Instant) -> Result<(), Errno> {
        if self.get(id)?.connection.state() == State::Listen {
            self.close_listener(id, now);
        } else {
            // Refused where there is nothing to end.
            let _ = self.get_mut(id)?.connection.on_abort(now);
        }
        while let Some(last) = self.segment_of(id, now) {
            let packet = self.packet_of(id, last);
            self.strays.extend(packet);
        }
        self.leave_flow(id);
        let socket = self.get_mut(id)?;
        let profile = Arc::new(socket.connection.profile().clone());
        socket.connection = Connection::new(profile);
        let Socket { remote, send, receive, early, error, read_shut, shut_early, unreachable, .. } = socket;
        *shut_early = false;
        *remote = None;
        *error = None;
        *unreachable = None;
        *read_shut = false;
        send.clear();
        receive.clear();
        early.clear();
        self.after_input(id);
        Ok(())
    }

    /// Ends every connection in `state` without a word, as FreeBSD's `tcpdrop` does, and as a process that holds it sees it.
    pub fn drop_in(&mut self, state: State, now: Instant) {
        let ids: Vec<SocketId> = (0_u32..)
            .zip(&self.sockets)
            .filter_map(|(slot, socket)| socket.as_ref().map(|socket| (slot, socket)))
            .filter(|(_, socket)| socket.connection.state() == state)
            .map(|(slot, socket)| SocketId { slot, serial: socket.serial })
            .collect();
        for id in ids {
            if state == State::Listen {
                self.close_listener(id, now);
                continue;
            }
            let Ok(socket) = self.get_mut(id) else { continue };
            socket.connection.on_evict(now);
            if socket.connection.state() == state {
                let _ = socket.connection.on_abort(now);
            }
            self.after_input(id);
        }
    }

    /// Forgets what connections have taught of their peers.
    pub fn forget_peers(&mut self) {
        self.known_servers.clear();
        self.forget_paths();
    }
}

/// What `poll` and `ioctl` ask of a UDP socket.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct DatagramGlance {
    /// Octets of the datagram that is read next, if one has come.
    pub first: Option<u32>,
    /// What the next call fails with.
    pub error: Option<Errno>,
}

impl Host {
    /// The largest packet of its link, in octets.
    pub const fn mtu(&self) -> u16 {
        self.mtu
    }

    /// `SO_REUSEADDR`, on or off.
    ///
    /// # Errors
    /// `EBADF`.
    pub fn set_reuse_address(&mut self, id: SocketId, on: bool) -> Result<(), Errno> {
        self.get_mut(id)?.reuse_address = on;
        Ok(())
    }

    /// `listen` on a socket that listens already: it has other places now.
    ///
    /// # Errors
    /// `EBADF`.
    pub fn set_backlog(&mut self, id: SocketId, backlog: u16) -> Result<(), Errno> {
        self.get_mut(id)?.backlog = backlog;
        Ok(())
    }

    /// A socket whose connection is over forgets with whom it was: it may listen.
    ///
    /// # Errors
    /// `EBADF`.
    pub fn disown_remote(&mut self, id: SocketId) -> Result<(), Errno> {
        self.leave_flow(id);
        self.get_mut(id)?.remote = None;
        Ok(())
    }

    /// The next call on this socket fails so.
    ///
    /// # Errors
    /// `EBADF`.
    pub fn set_error(&mut self, id: SocketId, errno: Errno) -> Result<(), Errno> {
        self.get_mut(id)?.error = Some(errno);
        Ok(())
    }

    /// `TCP_FASTOPEN` of 0: the listener takes no fast opens.
    ///
    /// # Errors
    /// `EBADF`.
    pub fn forbid_fast_open(&mut self, id: SocketId) -> Result<(), Errno> {
        self.get_mut(id)?.fast_open = None;
        Ok(())
    }

    /// Whether a SYN of this socket to this server takes text along: it has a cookie to show, or wants none.
    pub fn knows_cookie(&self, id: SocketId, server: IpAddr, now: Instant) -> bool {
        matches!(self.try_fast(id, server, now), Some(FastOpenTry::Show { .. } | FastOpenTry::Bare))
    }

    /// How much text a SYN of this socket to this server can carry; `None` if it has to ask for a cookie first.
    pub fn fast_open_room(&self, id: SocketId, server: IpAddr, now: Instant) -> Option<u32> {
        // All options a SYN may have room for are taken off, as Linux does.
        const OPTIONS: u16 = 40;
        let mss = match self.try_fast(id, server, now)? {
            FastOpenTry::Show { mss, .. } => mss,
            FastOpenTry::Bare => u16::MAX,
            FastOpenTry::Ask | FastOpenTry::AskExperimentally => return None,
        };
        let headers = if server.is_ipv4() { 40 } else { 60 };
        Some(mss.min(self.path_mtu(server, now).saturating_sub(headers)).saturating_sub(OPTIONS).into())
    }

    /// What a process can see of the UDP socket at this port.
    pub fn udp_glance(&self, port: u16) -> DatagramGlance {
        self.udp.glance(port)
    }

    /// What the next call on it would fail with; it will not any more.
    pub fn udp_take_error(&mut self, port: u16) -> Option<Errno> {
        self.udp.take_error(port)
    }

    /// `connect` to `AF_UNSPEC`: anybody's datagrams are taken again.
    ///
    /// # Errors
    /// `EBADF`.
    pub fn udp_disconnect(&mut self, port: u16) -> Result<(), Errno> {
        self.udp.disconnect(port)
    }
}
