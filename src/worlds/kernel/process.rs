//! The process of a host on the real kernel: the calls of a scenario as system calls on its sockets.
//!
//! Those of UDP and `ping` are in the modules beside this one.

use std::net::{IpAddr, UdpSocket};
use std::thread::JoinHandle;
use std::time::Duration;

use rustix::net::Shutdown;
use rustix::thread::{CapabilitySet, capabilities, set_capabilities};

use super::Errno;
use super::ping::Ping;
use super::socket::{More, TcpSocket};
use super::tcp_info::tcp_info;
use super::world::{bad_descriptor, family_of, is_wait};
use crate::engine::State;
use crate::trace::{End, HostId};
use crate::worlds::{Call, How, SendFlag, SocketOption, blocking};

/// Octets one system call receives at most: its buffer is made for it.
const MOST_AT_ONCE: usize = 1 << 20;

/// One host's process: the sockets it has, and the calls on them.
///
/// It knows addresses and no world: sockets are made in the network namespace the calling thread is in.
#[derive(Debug)]
pub(in crate::worlds) struct Process {
    /// The addresses of the hosts by position.
    addresses: [IpAddr; 2],
    /// Which of them is its own.
    own: IpAddr,
    pub(in crate::worlds) listener: Option<TcpSocket>,
    pub(in crate::worlds) connection: Option<TcpSocket>,
    /// Its UDP socket.
    pub(super) datagrams: Option<UdpSocket>,
    /// Who sent the datagram that was read last, and the peer of the UDP socket.
    pub(super) correspondents: (Option<End>, Option<End>),
    /// The echoes it waits for.
    pub(super) ping: Option<Ping>,
    /// The close that waits, as `SO_LINGER` with a time makes it.
    lingers: Option<JoinHandle<()>>,
    /// Text that a connect could not queue yet.
    unsent: Vec<u8>,
    /// Whether it is an ordinary user's, without the right to ports below 1024.
    pub(in crate::worlds) ordinary: bool,
    pub(in crate::worlds) progress: usize,
    pending: Vec<SocketOption>,
    /// The ends of the connection, once known; the kernel's tables are asked for them.
    pub(in crate::worlds) ends: Option<(End, End)>,
    /// What was seen of it last.
    pub(in crate::worlds) state: Option<State>,
}

impl Process {
    /// A process without sockets, of the host at one of these addresses.
    pub(in crate::worlds) fn new(addresses: [IpAddr; 2], host: HostId) -> Self {
        let own = addresses[usize::from(host.0.min(1))];
        Self {
            addresses,
            own,
            listener: None,
            connection: None,
            datagrams: None,
            correspondents: (None, None),
            ping: None,
            lingers: None,
            unsent: Vec::new(),
            ordinary: false,
            progress: 0,
            pending: Vec::new(),
            ends: None,
            state: None,
        }
    }

    /// Makes a call; what it returned, or why it failed or has to wait.
    ///
    /// # Errors
    /// The errno.
    pub(in crate::worlds) fn dispatch(&mut self, call: &Call) -> Result<String, Errno> {
        let nothing = |()| String::new();
        match call {
            Call::Listen { port, backlog, fast_open } => self.listen(*port, *backlog, *fast_open).map(nothing),
            Call::Connect { to, address, port, from_port, text, fast } => {
                let remote = End { address: address.unwrap_or(self.address_of(*to)), port: *port };
                self.connect(remote, *from_port, text, *fast).map(nothing)
            }
            Call::Accept => self.accept().map(nothing),
            Call::Send { text, flag } => match flag {
                SendFlag::Plain => self.send(text, More::No),
                SendFlag::More => self.send(text, More::Follows),
                SendFlag::Urgent => self.send(text, More::Urgent),
                // There is no MSG_EOF.
                SendFlag::Last => Err(rustix::io::Errno::OPNOTSUPP.into()),
            },
            Call::Recv(want) => self.recv(*want),
            Call::Shutdown(how) => {
                let how = match how {
                    How::Read => Shutdown::Read,
                    How::Write => Shutdown::Write,
                    How::Both => Shutdown::Both,
                };
                self.connection()?.shutdown(how).map(nothing)
            }
            Call::Close => self.close().map(nothing),
            Call::CloseListener => self.listener.take().map(TcpSocket::close).map(nothing).ok_or_else(bad_descriptor),
            Call::Abort => {
                self.connection()?.set_linger(Some(Duration::ZERO))?;
                self.close().map(nothing)
            }
            Call::Exit => {
                // Also a connection nobody has accepted yet is closed like one, and not with its listener.
                let _ = self.connection();
                self.connection.take();
                self.listener.take();
                self.datagrams.take();
                self.ping.take();
                Ok(String::new())
            }
            Call::Udp(call) => self.udp_call(call),
            Call::Ping { to, times } => self.start_ping(*to, *times),
            Call::OpenPassive { .. } | Call::Crash => Err(rustix::io::Errno::NOSYS.into()),
            Call::Set(option) => self.set_option(*option).map(nothing),
        }
    }

    /// Asks a call that had to wait again.
    ///
    /// # Errors
    /// As [`dispatch`](Self::dispatch).
    pub(in crate::worlds) fn dispatch_again(&mut self, call: &Call) -> Result<String, Errno> {
        match call {
            Call::Connect { .. } => self.connect_result().map(|()| String::new()),
            Call::Ping { .. } => self.ping_result(),
            Call::Close | Call::Abort if self.lingers.is_some() => self.lingered().map(|()| String::new()),
            _ => self.dispatch(call),
        }
    }

    pub(super) fn address_of(&self, host: HostId) -> IpAddr {
        self.addresses[usize::from(host.0.min(1))]
    }

    pub(super) fn own_address(&self) -> IpAddr {
        self.own
    }

    fn listen(&mut self, port: u16, backlog: u16, fast_open: Option<u16>) -> Result<(), Errno> {
        let address = self.own;
        let socket = TcpSocket::new(family_of(address))?;
        for option in std::mem::take(&mut self.pending) {
            apply(&socket, option)?;
        }
        self.named(|| socket.bind(End { address, port }))?;
        if let Some(pending) = fast_open {
            socket.allow_fast_open(pending)?;
        }
        socket.listen(backlog)?;
        self.listener = Some(socket);
        Ok(())
    }

    /// Does what an ordinary user may not always do as that user.
    fn named<T>(&self, act: impl FnOnce() -> Result<T, Errno>) -> Result<T, Errno> {
        if !self.ordinary {
            return act();
        }
        // Capabilities are a thread's own; only the effective one is put away, so it can be taken up again.
        let mut sets = capabilities(None)?;
        let had = sets.effective;
        sets.effective.remove(CapabilitySet::NET_BIND_SERVICE);
        set_capabilities(None, sets)?;
        let result = act();
        sets.effective = had;
        set_capabilities(None, sets)?;
        result
    }

    fn connect(&mut self, remote: End, from_port: Option<u16>, text: &[u8], fast: bool) -> Result<(), Errno> {
        let address = self.own;
        let socket = TcpSocket::new(family_of(address))?;
        for option in std::mem::take(&mut self.pending) {
            apply(&socket, option)?;
        }
        if from_port.is_some() {
            socket.reuse_address(true)?;
        }
        self.named(|| socket.bind(End { address, port: from_port.unwrap_or(0) }))?;
        let local = socket.local()?;
        let result = if fast || !text.is_empty() {
            if !fast {
                socket.set_fast_open_without_cookie()?;
            }
            let queued = socket.connect_fast(remote, text);
            self.unsent = text[queued.unwrap_or(0).min(text.len())..].to_vec();
            queued.and_then(|_| Err(rustix::io::Errno::INPROGRESS.into()))
        } else {
            socket.connect(remote)
        };
        self.ends = Some((local, remote));
        self.connection = Some(socket);
        result
    }

    fn accept(&mut self) -> Result<(), Errno> {
        let listener = self.listener.as_ref().ok_or_else(|| Errno::from(rustix::io::Errno::INVAL))?;
        let (child, remote) = listener.accept()?;
        let local = child.local()?;
        for option in std::mem::take(&mut self.pending) {
            apply(&child, option)?;
        }
        self.ends = Some((local, remote));
        self.connection = Some(child);
        Ok(())
    }

    /// The connected socket of the process; accepts one if the process only listens so far.
    fn connection(&mut self) -> Result<&TcpSocket, Errno> {
        if self.connection.is_none() && self.listener.is_some() {
            self.accept()?;
        }
        self.connection.as_ref().ok_or_else(bad_descriptor)
    }

    fn send(&mut self, text: &[u8], more: More) -> Result<String, Errno> {
        if let Some(socket) = self.only_udp() {
            return Ok(socket.send(text)?.to_string());
        }
        let mut progress = self.progress;
        let sent = blocking::send(&mut progress, text, |rest| self.connection()?.send(rest, more));
        self.progress = progress;
        sent?.ok_or_else(|| rustix::io::Errno::AGAIN.into())
    }

    fn recv(&mut self, want: Option<u32>) -> Result<String, Errno> {
        if self.only_udp().is_some() {
            return self.udp_recv(want);
        }
        let mut progress = self.progress;
        let received = blocking::receive(&mut progress, want, |max| {
            let max = (max as usize).min(MOST_AT_ONCE);
            self.connection()?.recv(max).map(|text| text.len())
        });
        self.progress = progress;
        received
    }

    fn close(&mut self) -> Result<(), Errno> {
        if self.only_udp().is_some() {
            self.datagrams = None;
            return Ok(());
        }
        match self.connection() {
            Ok(_) => {}
            // Nothing has come to be accepted: then it is the listening socket that is closed.
            Err(errno) if is_wait(errno) => {
                return self.listener.take().map(TcpSocket::close).ok_or_else(bad_descriptor);
            }
            Err(errno) => return Err(errno),
        }
        let socket = self.connection.take().ok_or_else(bad_descriptor)?;
        if socket.linger()?.is_some_and(|patience| !patience.is_zero()) {
            // Even a socket that never blocks waits in such a close, so another thread closes it.
            self.lingers = Some(std::thread::spawn(move || socket.close()));
            return self.lingered();
        }
        socket.close();
        Ok(())
    }

    /// Whether the close that lingers is over.
    fn lingered(&mut self) -> Result<(), Errno> {
        match self.lingers.take_if(|closing| closing.is_finished()) {
            Some(_) => Ok(()),
            None => Err(rustix::io::Errno::AGAIN.into()),
        }
    }

    /// The UDP socket, if `send`, `recv` and `close` speak of it: the process has none of TCP.
    fn only_udp(&self) -> Option<&UdpSocket> {
        self.datagrams.as_ref().filter(|_| self.connection.is_none() && self.listener.is_none())
    }

    fn set_option(&mut self, option: SocketOption) -> Result<(), Errno> {
        if let Ok(socket) = self.connection() {
            return apply(socket, option);
        }
        self.pending.push(option);
        Ok(())
    }

    /// How a `connect` that was under way has ended.
    fn connect_result(&mut self) -> Result<(), Errno> {
        let socket = self.connection.as_ref().ok_or_else(bad_descriptor)?;
        if let Some(errno) = socket.so_error()? {
            return Err(errno);
        }
        let state = tcp_info(socket)?.state;
        if state.is_opening() {
            return Err(rustix::io::Errno::ALREADY.into());
        }
        if state == State::Closed {
            return Err(rustix::io::Errno::NOTCONN.into());
        }
        // Only a cookie was asked for, or nothing could be queued: now it can.
        let unsent = std::mem::take(&mut self.unsent);
        if !unsent.is_empty() {
            socket.send(&unsent, More::No)?;
        }
        Ok(())
    }
}

fn apply(socket: &TcpSocket, option: SocketOption) -> Result<(), Errno> {
    match option {
        SocketOption::NoDelay(on) => socket.set_nodelay(on),
        SocketOption::QuickAck(on) => socket.set_quickack(on),
        SocketOption::MaxSeg(octets) => socket.set_maxseg(octets),
        SocketOption::Linger(seconds) => socket.set_linger(seconds.map(|seconds| Duration::from_secs(u64::from(seconds)))),
        SocketOption::UserTimeout(millis) => socket.set_user_timeout(millis),
        SocketOption::KeepAlive(on) => socket.set_keepalive(on),
        SocketOption::KeepIdle(seconds) => socket.set_keepidle(Duration::from_secs(u64::from(seconds))),
        SocketOption::KeepInterval(seconds) => socket.set_keepintvl(Duration::from_secs(u64::from(seconds))),
        SocketOption::KeepCount(probes) => socket.set_keepcnt(probes),
    }
}
