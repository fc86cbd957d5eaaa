//! A TCP socket that never blocks, with the calls and the errno names of scenarios.

use std::net::SocketAddr;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::net::{
    AddressFamily, RecvFlags, SendFlags, Shutdown, SocketAddrAny, SocketFlags, SocketType, acceptfrom_with, bind, connect, getsockname,
    ipproto, listen, recv, send, sendto, shutdown, socket_with, sockopt,
};

use super::errno::Errno;
use super::sys;
use crate::trace::End;

/// The Internet protocol underneath.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Family {
    /// IPv4.
    V4,
    /// IPv6, and only that: such a socket takes no IPv4-mapped addresses.
    V6,
}

/// What the application says of the text it sends.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum More {
    /// Nothing: what is queued leaves as soon as it may.
    #[default]
    No,
    /// It has more to send at once (`MSG_MORE`): less than a full segment waits, for 200 ms at most.
    Follows,
    /// It is urgent (`MSG_OOB`): the urgent pointer goes behind its last octet.
    Urgent,
}

/// What to wait for.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Interest {
    /// Text, end of text, a connection to accept, or an error.
    Read,
    /// Room for text, the end of connecting, or an error.
    Write,
}

/// A TCP socket; dropping it is `close()`.
#[derive(Debug)]
pub struct TcpSocket(OwnedFd);

impl TcpSocket {
    /// A socket in the network namespace of the calling thread.
    ///
    /// # Errors
    /// The errno; `EAFNOSUPPORT` without the family.
    pub fn new(family: Family) -> Result<Self, Errno> {
        let domain = match family {
            Family::V4 => AddressFamily::INET,
            Family::V6 => AddressFamily::INET6,
        };
        let fd = socket_with(domain, SocketType::STREAM, FLAGS, Some(ipproto::TCP))?;
        if family == Family::V6 {
            sockopt::set_ipv6_v6only(&fd, true)?;
        }
        Ok(Self(fd))
    }

    /// Lets a bind succeed while old connections of the port are in TIME-WAIT (`SO_REUSEADDR`).
    ///
    /// # Errors
    /// The errno.
    pub fn reuse_address(&self, on: bool) -> Result<(), Errno> {
        Ok(sockopt::set_socket_reuseaddr(&self.0, on)?)
    }

    /// Takes this address and port; port 0 is any free one.
    ///
    /// # Errors
    /// The errno; `EADDRINUSE`, `EADDRNOTAVAIL`.
    pub fn bind(&self, local: End) -> Result<(), Errno> {
        Ok(bind(&self.0, &socket_address(local))?)
    }

    /// Passive OPEN with room for `backlog` connections nobody has accepted; the kernel takes one more.
    ///
    /// # Errors
    /// The errno.
    pub fn listen(&self, backlog: u16) -> Result<(), Errno> {
        Ok(listen(&self.0, i32::from(backlog))?)
    }

    /// Active OPEN.
    ///
    /// # Errors
    /// The errno; `EINPROGRESS` is the normal answer, even where the handshake is already over. Wait for
    /// [`Interest::Write`] and ask [`so_error`](Self::so_error), or connect again.
    pub fn connect(&self, remote: End) -> Result<(), Errno> {
        Ok(connect(&self.0, &socket_address(remote))?)
    }

    /// Active OPEN with text: it rides in the SYN where there is a cookie of this server, or where
    /// [`set_fast_open_without_cookie`](Self::set_fast_open_without_cookie) needs none (`MSG_FASTOPEN`).
    ///
    /// How many octets were queued.
    ///
    /// # Errors
    /// The errno; `EINPROGRESS` where only a cookie is asked for: the text is then still to be sent.
    pub fn connect_fast(&self, remote: End, text: &[u8]) -> Result<usize, Errno> {
        let flags = SendFlags::NOSIGNAL | SendFlags::from_bits_retain(libc::MSG_FASTOPEN.cast_unsigned());
        Ok(sendto(&self.0, text, flags, &socket_address(remote))?)
    }

    /// Lets text ride in the SYN without a cookie and without its option (`TCP_FASTOPEN_NO_COOKIE`).
    ///
    /// # Errors
    /// The errno.
    pub fn set_fast_open_without_cookie(&self) -> Result<(), Errno> {
        Ok(sys::set_option(self.0.as_fd(), libc::IPPROTO_TCP, libc::TCP_FASTOPEN_NO_COOKIE, 1)?)
    }

    /// Takes fast opens, at most so many under way at once (`TCP_FASTOPEN`); net.ipv4.tcp_fastopen must allow it.
    ///
    /// # Errors
    /// The errno.
    pub fn allow_fast_open(&self, pending: u16) -> Result<(), Errno> {
        Ok(sys::set_option(self.0.as_fd(), libc::IPPROTO_TCP, libc::TCP_FASTOPEN, i32::from(pending))?)
    }

    /// The next established connection, and its peer.
    ///
    /// # Errors
    /// The errno; `EAGAIN` if there is none yet.
    pub fn accept(&self) -> Result<(Self, End), Errno> {
        let (fd, peer) = acceptfrom_with(&self.0, FLAGS)?;
        let peer = peer.ok_or(rustix::io::Errno::NOTCONN)?;
        Ok((Self(fd), end_of(peer)?))
    }

    /// Queues text; how many octets found room.
    ///
    /// # Errors
    /// The errno; `EAGAIN` without any room, `EPIPE` after our FIN (no signal is raised).
    pub fn send(&self, octets: &[u8], more: More) -> Result<usize, Errno> {
        let flags = match more {
            More::No => SendFlags::NOSIGNAL,
            More::Follows => SendFlags::NOSIGNAL | SendFlags::MORE,
            More::Urgent => SendFlags::NOSIGNAL | SendFlags::OOB,
        };
        Ok(send(&self.0, octets, flags)?)
    }

    /// Takes up to `max` octets of text; none is the end of text.
    ///
    /// # Errors
    /// The errno; `EAGAIN` if there is none yet.
    pub fn recv(&self, max: usize) -> Result<Vec<u8>, Errno> {
        let mut octets = vec![0; max];
        let (len, _) = recv(&self.0, &mut octets[..], RecvFlags::empty())?;
        octets.truncate(len);
        Ok(octets)
    }

    /// Closes one direction or both; the socket stays.
    ///
    /// # Errors
    /// The errno; `ENOTCONN` without a connection.
    pub fn shutdown(&self, how: Shutdown) -> Result<(), Errno> {
        Ok(shutdown(&self.0, how)?)
    }

    /// Closes the socket; the connection ends as `SO_LINGER` and unread text have it. Cannot fail.
    pub fn close(self) {}

    /// What close does with unsent text: `None` sends it behind our back, zero aborts (`SO_LINGER`).
    ///
    /// # Errors
    /// The errno.
    pub fn set_linger(&self, linger: Option<Duration>) -> Result<(), Errno> {
        Ok(sockopt::set_socket_linger(&self.0, linger)?)
    }

    /// How long a close waits for the peer, if it does.
    ///
    /// # Errors
    /// The errno.
    pub fn linger(&self) -> Result<Option<Duration>, Errno> {
        Ok(sockopt::socket_linger(&self.0)?)
    }

    /// Switches the Nagle algorithm off (`TCP_NODELAY`).
    ///
    /// # Errors
    /// The errno.
    pub fn set_nodelay(&self, on: bool) -> Result<(), Errno> {
        Ok(sockopt::set_tcp_nodelay(&self.0, on)?)
    }

    /// Limits the MSS we advertise and use, in octets (`TCP_MAXSEG`); before connect or listen.
    ///
    /// # Errors
    /// The errno; `EINVAL` below 88 and above 32767 octets.
    pub fn set_maxseg(&self, octets: u16) -> Result<(), Errno> {
        Ok(sys::set_option(self.0.as_fd(), libc::IPPROTO_TCP, libc::TCP_MAXSEG, i32::from(octets))?)
    }

    /// Whether ACKs go at once for now (`TCP_QUICKACK`); the kernel changes its mind later.
    ///
    /// # Errors
    /// The errno.
    pub fn set_quickack(&self, on: bool) -> Result<(), Errno> {
        Ok(sockopt::set_tcp_quickack(&self.0, on)?)
    }

    /// How long text may stay unacknowledged, in milliseconds; 0 is the kernel's own patience (`TCP_USER_TIMEOUT`).
    ///
    /// # Errors
    /// The errno.
    pub fn set_user_timeout(&self, millis: u32) -> Result<(), Errno> {
        Ok(sockopt::set_tcp_user_timeout(&self.0, millis)?)
    }

    /// Switches keep-alive on or off (`SO_KEEPALIVE`).
    ///
    /// # Errors
    /// The errno.
    pub fn set_keepalive(&self, on: bool) -> Result<(), Errno> {
        Ok(sockopt::set_socket_keepalive(&self.0, on)?)
    }

    /// How long nothing must be heard before the first probe, in whole seconds (`TCP_KEEPIDLE`).
    ///
    /// # Errors
    /// The errno; `EINVAL` below 1 s.
    pub fn set_keepidle(&self, idle: Duration) -> Result<(), Errno> {
        Ok(sockopt::set_tcp_keepidle(&self.0, idle)?)
    }

    /// How long a probe waits for its answer, in whole seconds (`TCP_KEEPINTVL`).
    ///
    /// # Errors
    /// The errno; `EINVAL` below 1 s.
    pub fn set_keepintvl(&self, interval: Duration) -> Result<(), Errno> {
        Ok(sockopt::set_tcp_keepintvl(&self.0, interval)?)
    }

    /// How many probes must go unanswered (`TCP_KEEPCNT`).
    ///
    /// # Errors
    /// The errno; `EINVAL` for none.
    pub fn set_keepcnt(&self, probes: u8) -> Result<(), Errno> {
        Ok(sockopt::set_tcp_keepcnt(&self.0, u32::from(probes))?)
    }

    /// The error that waits for the next call, taken (`SO_ERROR`); `None` if there is none.
    ///
    /// # Errors
    /// The errno of asking, not of the connection.
    pub fn so_error(&self) -> Result<Option<Errno>, Errno> {
        Ok(sockopt::socket_error(&self.0)?.err().map(Errno::from))
    }

    /// Our address and port.
    ///
    /// # Errors
    /// The errno.
    pub fn local(&self) -> Result<End, Errno> {
        end_of(getsockname(&self.0)?)
    }

    /// Waits until this socket is ready, at most this long; whether it is.
    ///
    /// # Errors
    /// The errno.
    pub fn ready(&self, interest: Interest, at_most: Duration) -> Result<bool, Errno> {
        let flags = match interest {
            Interest::Read => PollFlags::IN,
            Interest::Write => PollFlags::OUT,
        };
        let timeout = Timespec::try_from(at_most).map_err(|_| rustix::io::Errno::INVAL)?;
        Ok(poll(&mut [PollFd::new(&self.0, flags)], Some(&timeout))? > 0)
    }
}

impl AsFd for TcpSocket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

const FLAGS: SocketFlags = SocketFlags::CLOEXEC.union(SocketFlags::NONBLOCK);

fn socket_address(end: End) -> SocketAddr {
    SocketAddr::new(end.address, end.port)
}

fn end_of(address: SocketAddrAny) -> Result<End, Errno> {
    let address = SocketAddr::try_from(address)?;
    Ok(End { address: address.ip(), port: address.port() })
}
