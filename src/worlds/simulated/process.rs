//! The process of a host: it holds one listening and one connected socket, and makes the calls.

use super::{Simulated, SocketId};
use crate::engine::{Instant, State};
use crate::trace::{End, HostId};
use crate::worlds::{Call, Errno, How, SendFlag, SocketOption, blocking};

/// The sockets a host's process speaks of.
#[derive(Clone, Debug, Default)]
pub(super) struct Process {
    pub(super) listener: Option<SocketId>,
    pub(super) connection: Option<SocketId>,
    /// The local port of its UDP socket.
    pub(super) datagrams: Option<u16>,
    /// Octets the blocking call has sent or received so far.
    pub(super) progress: usize,
    /// The socket a lingering `close` waits for, and how long it will.
    pub(super) lingers: Option<(SocketId, Instant)>,
    /// Options set before the socket exists.
    pub(super) pending: Vec<SocketOption>,
    /// The endpoint a ladder shows for this host.
    pub(super) shown: Option<SocketId>,
    /// The state of a host whose stack is elsewhere, as the outside says; `None` for one whose stack is here.
    pub(super) elsewhere: Option<State>,
}

impl Simulated {
    pub(super) fn dispatch(&mut self, host: HostId, call: &Call) -> Result<String, Errno> {
        let now = self.now;
        let nothing = |()| String::new();
        match call {
            Call::Listen { port, backlog, fast_open } => self.listen(host, *port, *backlog, *fast_open).map(nothing),
            Call::OpenPassive { port, peer } => self.open_passive(host, *port, *peer).map(nothing),
            Call::Connect { to, address, port, from_port, text, fast } => {
                let remote = End { address: address.unwrap_or(self.host(*to).address()), port: *port };
                self.connect(host, remote, *from_port, text, *fast).map(nothing)
            }
            Call::Accept => self.accept(host).map(|_| String::new()),
            Call::Send { text, flag } => self.send(host, text, *flag),
            Call::Recv(want) => self.recv(host, *want),
            Call::Shutdown(how) => {
                let id = self.connection(host)?;
                self.host_mut(host).shutdown(id, now, *how).map(nothing)
            }
            Call::Close => self.close(host).map(nothing),
            Call::CloseListener => {
                let id = self.process(host).listener.take().ok_or(Errno::BadDescriptor)?;
                self.host_mut(host).close(id, now).map(nothing)
            }
            Call::Abort => {
                let id = self.connection(host)?;
                self.host_mut(host).set_option(id, now, SocketOption::Linger(Some(0)))?;
                self.close(host).map(nothing)
            }
            Call::Exit => {
                // The process ends, whatever it was waiting for.
                self.process(host).lingers = None;
                self.host_mut(host).stop_ping();
                if let Some(port) = self.process(host).datagrams.take() {
                    self.host_mut(host).udp_close(port)?;
                }
                let _ = self.connection(host);
                let listener = self.process(host).listener.take();
                let connection = self.process(host).connection.take();
                for id in connection.into_iter().chain(listener) {
                    self.host_mut(host).close(id, now)?;
                }
                Ok(String::new())
            }
            Call::Crash => {
                self.host_mut(host).crash();
                self.forget_neighbours(host);
                *self.process(host) = Process::default();
                Ok(String::new())
            }
            Call::Set(option) => self.set_option(host, *option).map(nothing),
            Call::Udp(call) => self.udp_call(host, call),
            Call::Ping { to, times } => self.start_ping(host, *to, *times),
        }
    }

    fn listen(&mut self, host: HostId, port: u16, backlog: u16, fast_open: Option<u16>) -> Result<(), Errno> {
        let now = self.now;
        let id = self.host_mut(host).socket();
        self.apply_pending(host, id)?;
        let bound = self.host_mut(host).bind(id, port).and_then(|_| self.host_mut(host).listen(id, now, backlog));
        if let Err(errno) = bound {
            // A program closes the socket it cannot use; one that listens already goes on.
            self.host_mut(host).close(id, now)?;
            return Err(errno);
        }
        if let Some(pending) = fast_open {
            self.host_mut(host).allow_fast_open(id, pending)?;
        }
        self.process(host).listener = Some(id);
        self.show(host, id);
        Ok(())
    }

    fn open_passive(&mut self, host: HostId, port: u16, peer: Option<(HostId, u16)>) -> Result<(), Errno> {
        let now = self.now;
        let remote = peer.map(|(peer, port)| End { address: self.host(peer).address(), port });
        let id = self.host_mut(host).socket();
        self.process(host).connection = Some(id);
        self.apply_pending(host, id)?;
        self.host_mut(host).bind(id, port)?;
        self.show(host, id);
        self.host_mut(host).open_passive(id, now, remote)
    }

    fn connect(&mut self, host: HostId, remote: End, from_port: Option<u16>, text: &[u8], fast: bool) -> Result<(), Errno> {
        let now = self.now;
        let id = self.host_mut(host).socket();
        self.process(host).connection = Some(id);
        self.apply_pending(host, id)?;
        if let Some(port) = from_port {
            self.host_mut(host).reuse_address(id)?;
            self.host_mut(host).bind(id, port)?;
        }
        self.show(host, id);
        self.host_mut(host).connect_with(id, now, remote, text, fast)
    }

    fn apply_pending(&mut self, host: HostId, id: SocketId) -> Result<(), Errno> {
        let now = self.now;
        for option in std::mem::take(&mut self.process(host).pending) {
            self.host_mut(host).set_option(id, now, option)?;
        }
        Ok(())
    }

    fn accept(&mut self, host: HostId) -> Result<SocketId, Errno> {
        let listener = self.process(host).listener.ok_or(Errno::Invalid)?;
        let child = self.host_mut(host).accept(listener)?;
        self.process(host).connection = Some(child);
        self.apply_pending(host, child)?;
        Ok(child)
    }

    /// The connected socket of the process; accepts one if the process only listens so far.
    pub(super) fn connection(&mut self, host: HostId) -> Result<SocketId, Errno> {
        let process = self.process(host);
        match (process.connection, process.listener) {
            (Some(id), _) => Ok(id),
            (None, Some(_)) => self.accept(host),
            (None, None) => Err(Errno::BadDescriptor),
        }
    }

    fn send(&mut self, host: HostId, text: &[u8], flag: SendFlag) -> Result<String, Errno> {
        if let Some(port) = self.only_udp(host) {
            return self.udp_send(host, port, text);
        }
        let now = self.now;
        let id = self.connection(host)?;
        let mut progress = self.process(host).progress;
        let sent = blocking::send(&mut progress, text, |rest| {
            let host = self.host_mut(host);
            let sent =
                if flag == SendFlag::Urgent { host.send_urgent(id, now, rest) } else { host.send(id, now, rest, flag == SendFlag::More) };
            sent.map(|octets| octets as usize)
        });
        self.process(host).progress = progress;
        let sent = sent?.ok_or(Errno::Again)?;
        if flag == SendFlag::Last {
            self.host_mut(host).shutdown(id, now, How::Write)?;
        }
        Ok(sent)
    }

    fn recv(&mut self, host: HostId, want: Option<u32>) -> Result<String, Errno> {
        if let Some(port) = self.only_udp(host) {
            return self.udp_recv(host, port, want);
        }
        let now = self.now;
        let id = self.connection(host)?;
        let mut progress = self.process(host).progress;
        let received = blocking::receive(&mut progress, want, |max| self.host_mut(host).recv(id, now, max).map(|text| text.len()));
        self.process(host).progress = progress;
        received
    }

    fn close(&mut self, host: HostId) -> Result<(), Errno> {
        if let Some(port) = self.only_udp(host) {
            self.process(host).datagrams = None;
            return self.host_mut(host).udp_close(port);
        }
        let now = self.now;
        let id = match self.connection(host) {
            Ok(id) => {
                self.process(host).connection = None;
                id
            }
            // Nothing has come to be accepted: then it is the listening socket that is closed.
            Err(Errno::Again) => self.process(host).listener.take().ok_or(Errno::BadDescriptor)?,
            Err(error) => return Err(error),
        };
        self.host_mut(host).close(id, now)?;
        // SO_LINGER with a time: close(2) waits until the peer has acknowledged everything, FIN included.
        if let Some(patience) = self.host(host).lingers(id) {
            self.process(host).lingers = Some((id, now + patience));
        }
        self.lingered(host)
    }

    /// Whether a `close` under way is over: all is acknowledged, or the time is.
    pub(super) fn lingered(&mut self, host: HostId) -> Result<(), Errno> {
        let now = self.now;
        let waits = |&(id, until): &(SocketId, Instant)| now < until && self.host(host).is_unacknowledged(id);
        if self.processes[usize::from(host.0)].lingers.as_ref().is_some_and(waits) {
            return Err(Errno::Again);
        }
        self.process(host).lingers = None;
        Ok(())
    }

    fn set_option(&mut self, host: HostId, option: SocketOption) -> Result<(), Errno> {
        let now = self.now;
        if let Ok(id) = self.connection(host) {
            return self.host_mut(host).set_option(id, now, option);
        }
        self.process(host).pending.push(option);
        Ok(())
    }
}
