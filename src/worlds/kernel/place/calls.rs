//! The calls of a script on real descriptors, their arguments as given.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroU32;
use std::os::fd::{AsFd, AsRawFd as _, BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::time::Duration;

use rustix::buffer::spare_capacity;
use rustix::event::{Timespec, epoll};
use rustix::fs::{MemfdFlags, OFlags, fcntl_getfl, fcntl_setfl, ftruncate, memfd_create};
use rustix::io::{FdFlags, fcntl_getfd, fcntl_setfd};
use rustix::net::{
    AddressFamily, Protocol, SocketFlags, SocketType, accept_with, bind, connect, connect_unspec, listen, socket_with, sockopt,
};
use rustix::pipe::{PipeFlags, SpliceFlags, pipe_with, splice};

use super::super::errno;
use super::super::packet::Epoch;
use super::super::switch::HostNetwork;
use super::super::sys::{self, Buffers};
use super::control;
use crate::trace::End;
use crate::worlds::Errno;
use crate::worlds::stack::{Answer, Call, Constant, EpollEvent, Fd, Output};

/// What the process of a script has open.
#[derive(Debug)]
pub(super) struct Process {
    open: BTreeMap<Fd, Arc<OwnedFd>>,
    /// Sockets of IPv6, which may speak IPv4.
    six: BTreeSet<Fd>,
    /// Whether there has been a socket.
    has_spoken: bool,
    /// What sockets begin with, whatever the default of this machine is.
    pub congestion_control: String,
}

impl Default for Process {
    fn default() -> Self {
        let (open, six) = (BTreeMap::new(), BTreeSet::new());
        Self { open, six, has_spoken: false, congestion_control: "cubic".to_owned() }
    }
}

/// Why there is no [`Job`].
#[derive(Debug)]
pub(super) enum Refused {
    /// There is an answer already.
    Answered(Answer),
    /// There is no such call here.
    Unsupported(String),
    /// The network is not ours to enter.
    Place(String),
}

/// A call that can be made from any thread.
#[derive(Debug)]
pub(super) struct Job {
    call: Call,
    /// The descriptors it speaks of, in the order in which it does. They stay open as long as it is under way, as in a
    /// kernel, whoever closes them meanwhile.
    fds: Vec<Arc<OwnedFd>>,
    /// Whether an address of IPv4 is written as one of IPv6.
    six: bool,
}

/// What came of a call.
#[derive(Debug)]
pub(super) struct Done {
    answer: Answer,
    opened: Vec<OwnedFd>,
    six: bool,
}

type Made = Result<Answer, rustix::io::Errno>;

impl Process {
    /// Whether it has never had a socket.
    pub(super) const fn is_new(&self) -> bool {
        !self.has_spoken
    }

    pub(super) fn get(&self, fd: Fd) -> Option<&Arc<OwnedFd>> {
        self.open.get(&fd)
    }

    /// Looks up whom a call is about; a socket is made at once, as it must be inside the network.
    pub(super) fn prepare(&mut self, network: &HostNetwork, call: &Call) -> Result<Job, Refused> {
        if let Call::Socket { domain, kind, protocol } = call {
            self.has_spoken = true;
            let made = network
                .namespace()
                .within(|| make_socket(domain, kind, protocol, &self.congestion_control))
                .map_err(|refusal| Refused::Place(refusal.to_string()))?;
            let answer = made.map_or_else(failed, |fd| {
                let number = fd.as_raw_fd();
                if int(domain) == libc::AF_INET6 {
                    self.six.insert(number);
                }
                self.open.insert(number, Arc::new(fd));
                Answer::of(i64::from(number))
            });
            return Err(Refused::Answered(answer));
        }
        if let Call::CapSet { .. } = call {
            return Err(Refused::Unsupported("cap_set: the rights of this process are its network's".to_owned()));
        }
        if let Call::Poll { .. } = call {
            return Ok(Job { call: self.with_open_numbers(call), fds: self.open.values().cloned().collect(), six: false });
        }
        let about: Vec<Fd> = subjects(call);
        let fds: Option<Vec<_>> = about.iter().map(|fd| self.open.get(fd).cloned()).collect();
        let fds = fds.ok_or(Refused::Answered(Answer::failed(Errno::BadDescriptor)))?;
        let six = about.first().is_some_and(|fd| self.six.contains(fd));
        if let Call::Close { fd } = call {
            self.open.remove(fd);
            self.six.remove(fd);
        }
        Ok(Job { call: call.clone(), fds, six })
    }

    /// Descriptors that are not the script's are none.
    fn with_open_numbers(&self, call: &Call) -> Call {
        let mut call = call.clone();
        if let Call::Poll { fds, .. } = &mut call {
            for entry in fds.iter_mut().filter(|entry| entry.fd >= 0 && !self.open.contains_key(&entry.fd)) {
                entry.fd = Fd::MAX;
            }
        }
        call
    }

    /// Takes over what a call opened; its answer, with times as those of a run that began with `epoch`.
    pub(super) fn adopt(&mut self, done: Done, epoch: Epoch) -> Answer {
        for fd in done.opened {
            let number = fd.as_raw_fd();
            if done.six {
                self.six.insert(number);
            }
            self.open.insert(number, Arc::new(fd));
        }
        let mut answer = done.answer;
        if let Output::Message { control, .. } = &mut answer.output {
            for message in control {
                control::count_from(message, epoch.since_1970());
            }
        }
        answer
    }

    /// Has every connection end with a RST, and wakes whoever waits for one.
    pub(super) fn abort_all(&mut self) {
        for fd in self.open.values() {
            // Pipes and files have neither, and what is over already neither any more.
            let _ = sockopt::set_socket_linger(fd, Some(Duration::ZERO));
            let _ = sys::shut_down(fd.as_fd(), libc::SHUT_RDWR);
        }
        self.open.clear();
    }
}

impl Job {
    /// Whether it could wait for the network, as far as can be told without making it.
    pub(super) fn may_wait(&self) -> bool {
        let blocks = || self.fds.iter().any(|fd| fcntl_getfl(fd).is_ok_and(|flags| !flags.contains(OFlags::NONBLOCK)));
        match &self.call {
            Call::Accept { .. } | Call::Connect { .. } | Call::Sendfile { .. } | Call::Splice { .. } => blocks(),
            Call::Receive { flags, .. } | Call::Send { flags, .. } => int(flags) & libc::MSG_DONTWAIT == 0 && blocks(),
            Call::Poll { timeout, .. } | Call::EpollWait { timeout, .. } => *timeout != 0,
            Call::Close { .. } => {
                self.fds.first().is_some_and(|fd| sockopt::socket_linger(fd).is_ok_and(|linger| linger.is_some_and(|time| !time.is_zero())))
            }
            Call::Socket { .. }
            | Call::Bind { .. }
            | Call::Listen { .. }
            | Call::Shutdown { .. }
            | Call::GetOption { .. }
            | Call::SetOption { .. }
            | Call::Fcntl { .. }
            | Call::Ioctl { .. }
            | Call::Open { .. }
            | Call::Pipe
            | Call::EpollCreate { .. }
            | Call::EpollControl { .. }
            | Call::CapSet { .. } => false,
        }
    }

    /// Makes it.
    pub(super) fn make(mut self) -> Done {
        let mut opened = Vec::new();
        let answer = self.dispatch(&mut opened).unwrap_or_else(failed);
        Done { answer, opened, six: self.six }
    }

    fn fd(&self, position: usize) -> Result<BorrowedFd<'_>, rustix::io::Errno> {
        self.fds.get(position).map(|fd| fd.as_fd()).ok_or(rustix::io::Errno::BADF)
    }

    fn dispatch(&mut self, opened: &mut Vec<OwnedFd>) -> Made {
        if let Call::Close { .. } = self.call {
            self.fds.clear();
            return Ok(Answer::of(0));
        }
        let fd = self.fd(0);
        match &self.call {
            Call::Bind { to, .. } => bind(fd?, &self.address(*to)).map(|()| Answer::of(0)),
            Call::Listen { backlog, .. } => listen(fd?, *backlog).map(|()| Answer::of(0)),
            Call::Accept { .. } => accept_with(fd?, SocketFlags::CLOEXEC).map(|fd| keep(fd, opened)),
            Call::Connect { to: Some(to), .. } => connect(fd?, &self.address(*to)).map(|()| Answer::of(0)),
            Call::Connect { to: None, .. } => connect_unspec(fd?).map(|()| Answer::of(0)),
            Call::Receive { form, buffers, count, flags, control, .. } => {
                let mut into = memory(buffers.as_deref(), *count, MOST_READ)?;
                let mut room = vec![0_u64; (*control as usize).min(MOST_CONTROL).div_ceil(8)];
                let taken = sys::receive(fd?, *form, &mut into, int(flags), &mut room)?;
                let output = Output::Message { flags: taken.flags.cast_unsigned(), control: control::read(&room, taken.control) };
                Ok(Answer { output, ..Answer::of(i64::try_from(taken.len).unwrap_or(i64::MAX)) })
            }
            Call::Send { form, buffers, count, flags, to, control, .. } => {
                let mut from = memory(buffers.as_deref(), *count, MOST_WRITTEN)?;
                let (mut words, len) = control::written(control);
                let to = to.map(|end| self.address(end));
                sys::send(fd?, *form, &mut from, int(flags), to, &mut words, len).map(counted)
            }
            Call::Sendfile { offset, count, .. } => {
                let mut offset = offset.cast_unsigned();
                rustix::fs::sendfile(fd?, self.fd(1)?, Some(&mut offset), *count as usize).map(counted)
            }
            Call::Shutdown { how, .. } => sys::shut_down(fd?, int(how)).map(|()| Answer::of(0)),
            Call::GetOption { level, name, len, .. } => {
                let mut octets = vec![0; (*len as usize).min(MOST_OPTION)];
                let len = sys::option(fd?, int(level), int(name), &mut octets)?;
                octets.truncate(len);
                Ok(Answer { output: Output::Value(octets), ..Answer::of(0) })
            }
            Call::SetOption { level, name, value, len, .. } => {
                let mut value = value.clone();
                value.resize((*len as usize).min(MOST_OPTION), 0);
                sys::set_option_octets(fd?, int(level), int(name), &value).map(|()| Answer::of(0))
            }
            Call::Fcntl { command, argument, .. } => control_descriptor(fd?, int(command), argument.as_ref().map_or(0, int)),
            Call::Ioctl { request, argument, .. } => {
                let number = argument.unwrap_or(0) & 0xffff_ffff;
                let (result, number) = sys::ioctl_number(fd?, request.value, u32::try_from(number).unwrap_or(0).cast_signed())?;
                Ok(Answer { output: Output::Number(i64::from(number)), ..Answer::of(i64::from(result)) })
            }
            Call::Poll { fds, timeout } => {
                let asked: Vec<_> = fds.iter().map(|entry| (entry.fd, low(&entry.events))).collect();
                let (ready, revents) = sys::poll(&asked, *timeout)?;
                Ok(Answer { output: Output::Poll(revents), ..Answer::of(i64::from(ready)) })
            }
            Call::Open { .. } => {
                let file = memfd_create("zeros", MemfdFlags::CLOEXEC)?;
                ftruncate(&file, ZEROS)?;
                Ok(keep(file, opened))
            }
            Call::Pipe => {
                let (reads, writes) = pipe_with(PipeFlags::CLOEXEC)?;
                let output = Output::Pair(reads.as_raw_fd(), writes.as_raw_fd());
                opened.extend([reads, writes]);
                Ok(Answer { output, ..Answer::of(0) })
            }
            Call::Splice { count, flags, .. } => {
                let flags = SpliceFlags::from_bits_retain(int(flags).cast_unsigned());
                splice(fd?, None, self.fd(1)?, None, *count as usize, flags).map(counted)
            }
            Call::EpollCreate { size } if *size <= 0 => Err(rustix::io::Errno::INVAL),
            Call::EpollCreate { .. } => epoll::create(epoll::CreateFlags::CLOEXEC).map(|fd| keep(fd, opened)),
            Call::EpollControl { operation, events, data, .. } => {
                let (epoll, subject) = (fd?, self.fd(1)?);
                let data = epoll::EventData::new_u64(*data);
                let events = epoll::EventFlags::from_bits_retain(int(events).cast_unsigned());
                match int(operation) {
                    libc::EPOLL_CTL_ADD => epoll::add(epoll, subject, data, events),
                    libc::EPOLL_CTL_MOD => epoll::modify(epoll, subject, data, events),
                    libc::EPOLL_CTL_DEL => epoll::delete(epoll, subject),
                    _ => Err(rustix::io::Errno::INVAL),
                }
                .map(|()| Answer::of(0))
            }
            Call::EpollWait { max, timeout, .. } => {
                let room = usize::try_from(*max).ok().filter(|max| *max > 0).ok_or(rustix::io::Errno::INVAL)?;
                let mut events = Vec::with_capacity(room.min(MOST_EVENTS));
                let timeout = u64::try_from(*timeout).ok().and_then(|millis| Timespec::try_from(Duration::from_millis(millis)).ok());
                epoll::wait(fd?, spare_capacity(&mut events), timeout.as_ref())?;
                let told: Vec<_> = events.iter().map(|event| (event.flags, event.data)).collect();
                let told: Vec<_> = told.iter().map(|(flags, data)| EpollEvent { events: flags.bits(), data: data.u64() }).collect();
                Ok(Answer { result: i64::try_from(told.len()).unwrap_or(i64::MAX), errno: None, output: Output::Epoll(told) })
            }
            Call::Socket { .. } | Call::Close { .. } | Call::CapSet { .. } => Err(rustix::io::Errno::NOSYS),
        }
    }

    /// An address as the socket has it: one of IPv6 speaks IPv4 by addresses of a form of their own.
    fn address(&self, end: End) -> SocketAddr {
        let address = match end.address {
            IpAddr::V4(v4) if self.six => IpAddr::V6(v4.to_ipv6_mapped()),
            address => address,
        };
        SocketAddr::new(address, end.port)
    }
}

/// The descriptors a call speaks of.
fn subjects(call: &Call) -> Vec<Fd> {
    match call {
        Call::Socket { .. } | Call::Poll { .. } | Call::Open { .. } | Call::Pipe | Call::EpollCreate { .. } | Call::CapSet { .. } => {
            Vec::new()
        }
        Call::Bind { fd, .. }
        | Call::Listen { fd, .. }
        | Call::Accept { fd }
        | Call::Connect { fd, .. }
        | Call::Receive { fd, .. }
        | Call::Send { fd, .. }
        | Call::Shutdown { fd, .. }
        | Call::Close { fd }
        | Call::GetOption { fd, .. }
        | Call::SetOption { fd, .. }
        | Call::Fcntl { fd, .. }
        | Call::Ioctl { fd, .. } => vec![*fd],
        Call::Sendfile { to, from, .. } => vec![*to, *from],
        Call::Splice { from, to, .. } => vec![*from, *to],
        Call::EpollControl { epoll, fd, .. } => vec![*epoll, *fd],
        Call::EpollWait { epoll, .. } => vec![*epoll],
    }
}

fn make_socket(domain: &Constant, kind: &Constant, protocol: &Constant, congestion_control: &str) -> rustix::io::Result<OwnedFd> {
    let domain = AddressFamily::from_raw(u16::try_from(domain.value).map_err(|_| rustix::io::Errno::AFNOSUPPORT)?);
    let bits = int(kind).cast_unsigned();
    let flags = SocketFlags::from_bits_truncate(bits);
    let kind = SocketType::from_raw(bits & !SocketFlags::all().bits());
    let protocol = NonZeroU32::new(int(protocol).cast_unsigned()).map(Protocol::from_raw);
    let fd = socket_with(domain, kind, flags | SocketFlags::CLOEXEC, protocol)?;
    // What is no TCP has none.
    let _ = sockopt::set_tcp_congestion(&fd, congestion_control);
    Ok(fd)
}

/// `fcntl` as far as it does not lead out of this process or to memory.
fn control_descriptor(fd: BorrowedFd<'_>, command: i32, argument: i32) -> Made {
    let answer = match command {
        libc::F_GETFL => fcntl_getfl(fd)?.bits().into(),
        libc::F_SETFL => fcntl_setfl(fd, OFlags::from_bits_retain(argument.cast_unsigned())).map(|()| 0)?,
        libc::F_GETFD => fcntl_getfd(fd)?.bits().into(),
        libc::F_SETFD => fcntl_setfd(fd, FdFlags::from_bits_retain(argument.cast_unsigned())).map(|()| 0)?,
        _ => return Err(rustix::io::Errno::INVAL),
    };
    Ok(Answer::of(answer))
}

/// Zeros to be written, or room to read into, of these lengths.
fn memory(lengths: Option<&[u32]>, count: u32, most: usize) -> Result<Buffers, rustix::io::Errno> {
    let Some(lengths) = lengths else { return Ok(Buffers::Null(count as usize)) };
    if let [_] = lengths {
        // One that is said to be longer than it is would be read or written beyond its end.
        return Ok(Buffers::Parts(vec![vec![0; (count as usize).min(most)]]));
    }
    let mut left = most;
    let mut parts = Vec::with_capacity(lengths.len());
    for len in lengths {
        left = left.checked_sub(*len as usize).ok_or(rustix::io::Errno::NOMEM)?;
        parts.push(vec![0; *len as usize]);
    }
    Ok(Buffers::Parts(parts))
}

fn keep(fd: OwnedFd, opened: &mut Vec<OwnedFd>) -> Answer {
    let number = fd.as_raw_fd();
    opened.push(fd);
    Answer::of(i64::from(number))
}

fn counted(octets: usize) -> Answer {
    Answer::of(i64::try_from(octets).unwrap_or(i64::MAX))
}

fn failed(errno: rustix::io::Errno) -> Answer {
    let name = errno::Errno::from(errno).name();
    Answer::failed(Errno::named(name).unwrap_or(Errno::InputOutput))
}

/// A constant as an `int`, the way C would pass it.
fn int(constant: &Constant) -> i32 {
    u32::try_from(constant.value & 0xffff_ffff).unwrap_or(0).cast_signed()
}

/// A constant as a `short`.
fn low(constant: &Constant) -> i16 {
    u16::try_from(constant.value & 0xffff).unwrap_or(0).cast_signed()
}

/// Octets that are read at a time at most; no receive buffer is larger.
const MOST_READ: usize = 64 << 20;
/// Octets that are written at a time at most. They take no memory, as nobody writes into them.
const MOST_WRITTEN: usize = 1 << 30;
/// Octets of control messages; the kernel takes less.
const MOST_CONTROL: usize = 1 << 16;
/// Octets of an option; the kernel's longest are a few thousand.
const MOST_OPTION: usize = 1 << 16;
/// Events that are told at a time at most.
const MOST_EVENTS: usize = 1024;
/// Octets of a file.
const ZEROS: u64 = 64 << 20;
