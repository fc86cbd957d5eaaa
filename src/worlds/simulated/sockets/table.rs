//! What the descriptors of the process stand for.

use std::net::IpAddr;

use super::super::SocketId;
use super::choices::Choices;
use super::files::Pipe;
use super::memory::Memory;
use super::polling::Epoll;
use super::stamps::Stamps;
use super::{Sockets, Stop};
use crate::engine::Instant;
use crate::trace::End;
use crate::worlds::Errno;
use crate::worlds::stack::Fd;

/// The first descriptor the process is given: 0, 1 and 2 are open already.
const FIRST: Fd = 3;
/// Descriptors a process may have (`RLIMIT_NOFILE`).
const MOST: usize = 1024;

/// What a descriptor stands for.
#[derive(Clone, Debug)]
pub(super) enum File {
    /// A TCP socket.
    Stream(Stream),
    /// A UDP socket.
    Datagram(Datagram),
    /// A file of zeros, and where in it the process is.
    Zeros(u64),
    /// The end of a pipe that is read, or the one that is written.
    Pipe(Pipe),
    /// A list of descriptors to wait for.
    Epoll(Epoll),
}

/// Which addresses a socket takes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Family {
    /// `AF_INET`.
    V4,
    /// `AF_INET6`; IPv4 addresses are written as mapped ones.
    V6,
}

/// How far `connect` has got, as Linux's `socket` remembers beside the connection's own state.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Progress {
    /// It was not called, or came to nothing and somebody was told.
    Unconnected,
    /// It was, and nobody was told of its end.
    Connecting,
    /// It succeeded.
    Connected,
}

/// A TCP socket of the process.
#[derive(Clone, Debug)]
pub(super) struct Stream {
    pub id: SocketId,
    pub family: Family,
    pub nonblocking: bool,
    pub choices: Choices,
    pub progress: Progress,
    /// Whereto the first `write` connects (`TCP_FASTOPEN_CONNECT`).
    pub deferred: Option<End>,
    /// Octets the process has read.
    pub read: u64,
    /// The mark whose urgent octet it has read, counted in octets from the first one.
    pub urgent_read: Option<u64>,
    /// When text that waits for more leaves anyway.
    pub held_until: Option<Instant>,
    /// What was written and takes memory.
    pub memory: Box<Memory>,
    /// What times of it the process is told.
    pub stamps: Box<Stamps>,
    /// It was shut down for reading: text that comes once it has sent its FIN ends the connection (Linux).
    pub deaf: bool,
    /// It was bound by name: its port outlives a connection.
    pub bound: Option<IpAddr>,
    /// The headers of the SYN it began with, until the process has read them.
    pub saved_syn: Option<Vec<u8>>,
    /// What connections that wait for `accept` have of their listener, where it has chosen otherwise since.
    pub passed_on: Vec<(SocketId, Choices)>,
}

impl Stream {
    /// Whether a short segment waits until the option is taken back: `TCP_CORK`, or `TCP_NOPUSH` as FreeBSD calls it.
    pub(super) fn is_corked(&self) -> bool {
        self.choices.is_on("TCP_CORK") || self.choices.is_on("TCP_NOPUSH")
    }
}

/// A UDP socket of the process.
#[derive(Clone, Debug)]
pub(super) struct Datagram {
    /// Its port at the host, once it has one.
    pub port: Option<u16>,
    pub peer: Option<End>,
    pub family: Family,
    pub nonblocking: bool,
    pub choices: Choices,
    pub read_shut: bool,
    pub write_shut: bool,
}

impl Sockets {
    /// A descriptor for this.
    pub(super) fn give_out(&mut self, file: File) -> Result<Fd, Errno> {
        if self.files.len() >= MOST {
            return Err(Errno::TooManyOpen);
        }
        let fd = (FIRST..Fd::MAX).find(|fd| !self.files.contains_key(fd)).ok_or(Errno::TooManyOpen)?;
        self.files.insert(fd, file);
        Ok(fd)
    }

    pub(super) fn file(&self, fd: Fd) -> Result<&File, Errno> {
        self.files.get(&fd).ok_or(Errno::BadDescriptor)
    }

    /// The TCP socket of this descriptor.
    pub(super) fn stream(&self, fd: Fd) -> Result<&Stream, Errno> {
        match self.file(fd)? {
            File::Stream(stream) => Ok(stream),
            File::Datagram(_) => Err(Errno::NotSupported),
            File::Zeros(_) | File::Pipe(_) | File::Epoll(_) => Err(Errno::NotSocket),
        }
    }

    pub(super) fn stream_mut(&mut self, fd: Fd) -> Result<&mut Stream, Errno> {
        match self.files.get_mut(&fd).ok_or(Errno::BadDescriptor)? {
            File::Stream(stream) => Ok(stream),
            File::Datagram(_) => Err(Errno::NotSupported),
            File::Zeros(_) | File::Pipe(_) | File::Epoll(_) => Err(Errno::NotSocket),
        }
    }

    pub(super) fn datagram_mut(&mut self, fd: Fd) -> Result<&mut Datagram, Errno> {
        match self.files.get_mut(&fd).ok_or(Errno::BadDescriptor)? {
            File::Datagram(datagram) => Ok(datagram),
            File::Stream(_) => Err(Errno::NotSupported),
            File::Zeros(_) | File::Pipe(_) | File::Epoll(_) => Err(Errno::NotSocket),
        }
    }

    /// Whether the descriptor is a socket's.
    pub(super) fn must_be_socket(&self, fd: Fd) -> Result<(), Errno> {
        match self.file(fd)? {
            File::Stream(_) | File::Datagram(_) => Ok(()),
            File::Zeros(_) | File::Pipe(_) | File::Epoll(_) => Err(Errno::NotSocket),
        }
    }

    /// What the process has chosen for this socket.
    pub(super) fn choices(&self, fd: Fd) -> Result<&Choices, Errno> {
        match self.file(fd)? {
            File::Stream(stream) => Ok(&stream.choices),
            File::Datagram(datagram) => Ok(&datagram.choices),
            File::Zeros(_) | File::Pipe(_) | File::Epoll(_) => Err(Errno::NotSocket),
        }
    }

    pub(super) fn choices_mut(&mut self, fd: Fd) -> Result<&mut Choices, Errno> {
        match self.files.get_mut(&fd).ok_or(Errno::BadDescriptor)? {
            File::Stream(stream) => Ok(&mut stream.choices),
            File::Datagram(datagram) => Ok(&mut datagram.choices),
            File::Zeros(_) | File::Pipe(_) | File::Epoll(_) => Err(Errno::NotSocket),
        }
    }

    /// Whether calls on this descriptor never wait.
    pub(super) fn is_nonblocking(&self, fd: Fd) -> bool {
        match self.files.get(&fd) {
            Some(File::Stream(stream)) => stream.nonblocking,
            Some(File::Datagram(datagram)) => datagram.nonblocking,
            Some(File::Pipe(pipe)) => pipe.nonblocking,
            Some(File::Zeros(_) | File::Epoll(_)) | None => false,
        }
    }

    /// The address as the host knows it; a mapped IPv4 address is that address.
    pub(super) fn address(family: Family, end: End) -> Result<End, Stop> {
        match (family, end.address) {
            (Family::V4, IpAddr::V6(_)) => Err(Errno::FamilyNotSupported.into()),
            // On a socket of IPv6 it is meant as a mapped one.
            (Family::V4 | Family::V6, IpAddr::V4(_)) => Ok(end),
            (Family::V6, IpAddr::V6(v6)) => Ok(End { address: v6.to_canonical(), ..end }),
        }
    }
}
