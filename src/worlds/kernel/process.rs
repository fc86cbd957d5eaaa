//! The process of a host on the real kernel: the calls of a scenario as system calls on its two sockets.

use std::time::Duration;

use rustix::net::Shutdown;

use super::Errno;
use super::socket::{More, TcpSocket};
use super::tcp_info::tcp_info;
use super::world::{Kernel, bad_descriptor, family_of, is_wait};
use crate::engine::State;
use crate::trace::{End, HostId};
use crate::worlds::{Call, How, SendFlag, SocketOption, blocking};

/// Octets one system call receives at most: its buffer is made for it.
const MOST_AT_ONCE: usize = 1 << 20;

/// The sockets of one host's process.
#[derive(Debug, Default)]
pub(super) struct Process {
    pub(super) listener: Option<TcpSocket>,
    pub(super) connection: Option<TcpSocket>,
    pub(super) progress: usize,
    pub(super) pending: Vec<SocketOption>,
    /// The ends of the connection, once known; the kernel's tables are asked for them.
    pub(super) ends: Option<(End, End)>,
    /// What was seen of it last.
    pub(super) state: Option<State>,
}

impl Kernel {
    pub(super) fn dispatch(&mut self, host: HostId, call: &Call) -> Result<String, Errno> {
        let nothing = |()| String::new();
        match call {
            Call::Listen { port, backlog, .. } => self.listen(host, *port, *backlog).map(nothing),
            Call::Connect { to, port, from_port, .. } => self.connect(host, *to, *port, *from_port).map(nothing),
            Call::Accept => self.accept(host).map(nothing),
            Call::Send { text, flag } => self.send(host, text, *flag == SendFlag::More),
            Call::Recv(want) => self.recv(host, *want),
            Call::Shutdown(how) => {
                let how = match how {
                    How::Read => Shutdown::Read,
                    How::Write => Shutdown::Write,
                    How::Both => Shutdown::Both,
                };
                self.connection(host)?.shutdown(how).map(nothing)
            }
            Call::Close => self.close(host).map(nothing),
            Call::CloseListener => self.process(host).listener.take().map(TcpSocket::close).map(nothing).ok_or_else(bad_descriptor),
            Call::Abort => {
                self.connection(host)?.set_linger(Some(Duration::ZERO))?;
                self.close(host).map(nothing)
            }
            Call::Exit => {
                let process = self.process(host);
                process.connection.take();
                process.listener.take();
                Ok(String::new())
            }
            Call::OpenPassive { .. } | Call::Crash | Call::Udp(_) | Call::Ping { .. } => Err(rustix::io::Errno::NOSYS.into()),
            Call::Set(option) => self.set_option(host, *option).map(nothing),
        }
    }

    fn listen(&mut self, host: HostId, port: u16, backlog: u16) -> Result<(), Errno> {
        let address = self.address(host);
        let socket = TcpSocket::new(family_of(address))?;
        socket.reuse_address(true)?;
        for option in std::mem::take(&mut self.process(host).pending) {
            apply(&socket, option)?;
        }
        socket.bind(End { address, port })?;
        socket.listen(backlog)?;
        self.process(host).listener = Some(socket);
        Ok(())
    }

    fn connect(&mut self, host: HostId, to: HostId, port: u16, from_port: Option<u16>) -> Result<(), Errno> {
        let address = self.address(host);
        let remote = End { address: self.address(to), port };
        let socket = TcpSocket::new(family_of(address))?;
        for option in std::mem::take(&mut self.process(host).pending) {
            apply(&socket, option)?;
        }
        if from_port.is_some() {
            socket.reuse_address(true)?;
        }
        socket.bind(End { address, port: from_port.unwrap_or(0) })?;
        let local = socket.local()?;
        let result = socket.connect(remote);
        let process = self.process(host);
        process.ends = Some((local, remote));
        process.connection = Some(socket);
        result
    }

    fn accept(&mut self, host: HostId) -> Result<(), Errno> {
        let listener = self.process(host).listener.as_ref().ok_or_else(|| Errno::from(rustix::io::Errno::INVAL))?;
        let (child, remote) = listener.accept()?;
        let local = child.local()?;
        for option in std::mem::take(&mut self.process(host).pending) {
            apply(&child, option)?;
        }
        let process = self.process(host);
        process.ends = Some((local, remote));
        process.connection = Some(child);
        Ok(())
    }

    /// The connected socket of the process; accepts one if the process only listens so far.
    fn connection(&mut self, host: HostId) -> Result<&TcpSocket, Errno> {
        if self.process(host).connection.is_none() && self.process(host).listener.is_some() {
            self.accept(host)?;
        }
        self.process(host).connection.as_ref().ok_or_else(bad_descriptor)
    }

    fn send(&mut self, host: HostId, text: &[u8], more: bool) -> Result<String, Errno> {
        let more = if more { More::Follows } else { More::No };
        let mut progress = self.process(host).progress;
        let sent = blocking::send(&mut progress, text, |rest| self.connection(host)?.send(rest, more));
        self.process(host).progress = progress;
        sent?.ok_or_else(|| rustix::io::Errno::AGAIN.into())
    }

    fn recv(&mut self, host: HostId, want: Option<u32>) -> Result<String, Errno> {
        let mut progress = self.process(host).progress;
        let received = blocking::receive(&mut progress, want, |max| {
            let max = (max as usize).min(MOST_AT_ONCE);
            self.connection(host)?.recv(max).map(|text| text.len())
        });
        self.process(host).progress = progress;
        received
    }

    fn close(&mut self, host: HostId) -> Result<(), Errno> {
        match self.connection(host) {
            Ok(_) => {}
            // Nothing has come to be accepted: then it is the listening socket that is closed.
            Err(errno) if is_wait(errno) => {
                return self.process(host).listener.take().map(TcpSocket::close).ok_or_else(bad_descriptor);
            }
            Err(errno) => return Err(errno),
        }
        self.process(host).connection.take().map(TcpSocket::close).ok_or_else(bad_descriptor)
    }

    fn set_option(&mut self, host: HostId, option: SocketOption) -> Result<(), Errno> {
        if let Ok(socket) = self.connection(host) {
            return apply(socket, option);
        }
        self.process(host).pending.push(option);
        Ok(())
    }

    /// How a `connect` that was under way has ended.
    pub(super) fn connect_result(&mut self, host: HostId) -> Result<(), Errno> {
        let socket = self.process(host).connection.as_ref().ok_or_else(bad_descriptor)?;
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
