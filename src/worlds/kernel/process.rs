//! The process of a host on the real kernel: the calls of a scenario as system calls on its two sockets.

use std::net::IpAddr;
use std::time::Duration;

use rustix::net::Shutdown;

use super::Errno;
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
        Self { addresses, own, listener: None, connection: None, progress: 0, pending: Vec::new(), ends: None, state: None }
    }

    /// Makes a call; what it returned, or why it failed or has to wait.
    ///
    /// # Errors
    /// The errno.
    pub(in crate::worlds) fn dispatch(&mut self, call: &Call) -> Result<String, Errno> {
        let nothing = |()| String::new();
        match call {
            Call::Listen { port, backlog, .. } => self.listen(*port, *backlog).map(nothing),
            Call::Connect { to, port, from_port, .. } => self.connect(*to, *port, *from_port).map(nothing),
            Call::Accept => self.accept().map(nothing),
            Call::Send { text, flag } => self.send(text, *flag == SendFlag::More),
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
                self.connection.take();
                self.listener.take();
                Ok(String::new())
            }
            Call::OpenPassive { .. } | Call::Crash | Call::Udp(_) | Call::Ping { .. } => Err(rustix::io::Errno::NOSYS.into()),
            Call::Set(option) => self.set_option(*option).map(nothing),
        }
    }

    fn listen(&mut self, port: u16, backlog: u16) -> Result<(), Errno> {
        let address = self.own;
        let socket = TcpSocket::new(family_of(address))?;
        socket.reuse_address(true)?;
        for option in std::mem::take(&mut self.pending) {
            apply(&socket, option)?;
        }
        socket.bind(End { address, port })?;
        socket.listen(backlog)?;
        self.listener = Some(socket);
        Ok(())
    }

    fn connect(&mut self, to: HostId, port: u16, from_port: Option<u16>) -> Result<(), Errno> {
        let address = self.own;
        let remote = End { address: self.addresses[usize::from(to.0.min(1))], port };
        let socket = TcpSocket::new(family_of(address))?;
        for option in std::mem::take(&mut self.pending) {
            apply(&socket, option)?;
        }
        if from_port.is_some() {
            socket.reuse_address(true)?;
        }
        socket.bind(End { address, port: from_port.unwrap_or(0) })?;
        let local = socket.local()?;
        let result = socket.connect(remote);
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

    fn send(&mut self, text: &[u8], more: bool) -> Result<String, Errno> {
        let more = if more { More::Follows } else { More::No };
        let mut progress = self.progress;
        let sent = blocking::send(&mut progress, text, |rest| self.connection()?.send(rest, more));
        self.progress = progress;
        sent?.ok_or_else(|| rustix::io::Errno::AGAIN.into())
    }

    fn recv(&mut self, want: Option<u32>) -> Result<String, Errno> {
        let mut progress = self.progress;
        let received = blocking::receive(&mut progress, want, |max| {
            let max = (max as usize).min(MOST_AT_ONCE);
            self.connection()?.recv(max).map(|text| text.len())
        });
        self.progress = progress;
        received
    }

    fn close(&mut self) -> Result<(), Errno> {
        match self.connection() {
            Ok(_) => {}
            // Nothing has come to be accepted: then it is the listening socket that is closed.
            Err(errno) if is_wait(errno) => {
                return self.listener.take().map(TcpSocket::close).ok_or_else(bad_descriptor);
            }
            Err(errno) => return Err(errno),
        }
        self.connection.take().map(TcpSocket::close).ok_or_else(bad_descriptor)
    }

    fn set_option(&mut self, option: SocketOption) -> Result<(), Errno> {
        if let Ok(socket) = self.connection() {
            return apply(socket, option);
        }
        self.pending.push(option);
        Ok(())
    }

    /// How a `connect` that was under way has ended.
    pub(in crate::worlds) fn connect_result(&mut self) -> Result<(), Errno> {
        let socket = self.connection.as_ref().ok_or_else(bad_descriptor)?;
        if let Some(errno) = socket.so_error()? {
            return Err(errno);
        }
        match tcp_info(socket)?.state {
            State::SynSent | State::SynReceived => Err(rustix::io::Errno::ALREADY.into()),
            State::Closed => Err(rustix::io::Errno::NOTCONN.into()),
            State::Listen
            | State::Established
            | State::FinWait1
            | State::FinWait2
            | State::CloseWait
            | State::Closing
            | State::LastAck
            | State::TimeWait => Ok(()),
        }
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
