//! Packet sockets: whole frames of one interface, as they are received and sent.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::net::sockopt::set_socket_recv_buffer_size;
use rustix::net::{AddressFamily, SendFlags, SocketFlags, SocketType, send, socket_with};
use rustix::time::{ClockId, clock_gettime};

use super::errno::Errno;
use super::refusal::{Need, Refusal};
use super::sys::{self, Direction, word};
use crate::engine::Instant;

/// One frame as it crossed an interface.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Frame {
    /// When, by the kernel's stamp, since the [`Epoch`].
    pub at: Instant,
    /// Whether it was being sent or received.
    pub direction: Direction,
    /// All of it, from the link header on. Checksums may not be filled in: within a machine none are needed.
    pub octets: Vec<u8>,
}

/// What passed and what was missed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Statistics {
    /// Frames that crossed the interface, each copy counted.
    pub seen: u64,
    /// Those of them that are lost to us because the queue was full.
    pub dropped: u64,
}

/// Why there is nothing to see.
#[derive(Debug, thiserror::Error)]
pub enum SnifferError {
    /// There are no packet sockets for us.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// A step of opening, reading or sending fails.
    #[error("cannot {tried}: {errno}; {}", hint(*.errno))]
    Call {
        /// The step, as an infinitive.
        tried: &'static str,
        /// What the kernel answered.
        errno: Errno,
    },
    /// The kernel sends frames without times.
    #[error("the kernel did not stamp frames within {0:?} of being asked to; is this machine overloaded?")]
    NoStamps(Duration),
    /// A frame is longer than any that should be on this link.
    #[error("a frame of {len} octets crossed the link, expected at most {limit}: segments were merged before we saw them")]
    TooLong {
        /// Its length in octets.
        len: usize,
        /// The longest that fits the buffer.
        limit: usize,
    },
}

/// What is likely wrong, given what the kernel answered.
fn hint(errno: Errno) -> &'static str {
    match errno.value() {
        libc::EPERM | libc::EACCES => {
            "it wants CAP_NET_RAW, which one has in a network namespace of one's own, or as root outside of a confined container"
        }
        libc::EAFNOSUPPORT => {
            "this kernel has no packet sockets; load them with `modprobe af_packet` as root, or run one with CONFIG_PACKET"
        }
        libc::ENETDOWN => "the interface is down",
        libc::ENODEV | libc::ENXIO => "there is no such interface; `ip link` lists those there are",
        libc::EMSGSIZE => "the frame is longer than the MTU of its link allows",
        _ => "packet sockets are needed, CONFIG_PACKET",
    }
}

/// The moment a run began, on the clock of the kernel's stamps.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Epoch(Duration);

impl Epoch {
    /// It begins now.
    pub fn now() -> Self {
        Self(now())
    }

    /// How long it is since, as the time of a run.
    pub fn elapsed(self) -> Instant {
        self.instant(now())
    }

    /// When the run began, since 1970.
    pub const fn since_1970(self) -> Duration {
        self.0
    }

    fn instant(self, since_1970: Duration) -> Instant {
        Instant::START + since_1970.saturating_sub(self.0)
    }
}

/// A socket that sees all frames of one interface, and can send any.
#[derive(Debug)]
pub(super) struct PacketSocket {
    fd: OwnedFd,
    statistics: Statistics,
    buffer: Vec<u8>,
}

impl PacketSocket {
    /// Opens one on an interface of the calling thread's network namespace.
    pub(super) fn open(interface: u32) -> Result<Self, SnifferError> {
        // Protocol 0 hears nothing until bound, so nothing of other interfaces slips in.
        let fd = socket_with(AddressFamily::PACKET, SocketType::RAW, SocketFlags::CLOEXEC | SocketFlags::NONBLOCK, None)
            .map_err(|errno| Refusal::of(Need::PacketSocket, "open a packet socket", errno))?;
        // Who administers the machine gets what he asks for; for all others the kernel cuts it down to
        // net.core.rmem_max without a word; drops are counted.
        let forced =
            i32::try_from(QUEUE).is_ok_and(|octets| sys::set_option(fd.as_fd(), libc::SOL_SOCKET, libc::SO_RCVBUFFORCE, octets).is_ok());
        if !forced {
            step("enlarge the queue of a packet socket", || Ok(set_socket_recv_buffer_size(&fd, QUEUE)?))?;
        }
        step("ask for kernel timestamps", || Ok(sys::set_option(fd.as_fd(), libc::SOL_SOCKET, libc::SO_TIMESTAMPNS, 1)?))?;
        step("bind a packet socket", || Ok(sys::bind_packet_socket(fd.as_fd(), interface)?))?;
        Ok(Self { fd, statistics: Statistics::default(), buffer: vec![0; LONGEST] })
    }

    /// Shows only what arrives at the interface, not what leaves by it.
    pub(super) fn ignore_outgoing(&self) -> Result<(), SnifferError> {
        step("ask for arriving frames only", || Ok(sys::set_option(self.fd.as_fd(), libc::SOL_PACKET, libc::PACKET_IGNORE_OUTGOING, 1)?))
    }

    /// The next frame, in the order of passing; `None` if there is none at the moment.
    pub(super) fn next_frame(&mut self, epoch: Epoch) -> Result<Option<Frame>, SnifferError> {
        let limit = self.buffer.len();
        match sys::receive_frame(self.fd.as_fd(), &mut self.buffer) {
            Err(rustix::io::Errno::AGAIN) => Ok(None),
            Err(errno) => Err(SnifferError::Call { tried: "read a frame", errno: errno.into() }),
            Ok(received) if received.len > limit => Err(SnifferError::TooLong { len: received.len, limit }),
            Ok(received) => {
                let at = epoch.instant(received.stamp.unwrap_or_else(now));
                Ok(Some(Frame { at, direction: received.direction, octets: self.buffer[..received.len].to_vec() }))
            }
        }
    }

    /// Sends a frame, link header and all.
    pub(super) fn send(&self, octets: &[u8]) -> Result<(), SnifferError> {
        step("send a frame", || Ok(send(&self.fd, octets, SendFlags::DONTWAIT)?)).map(drop)
    }

    /// Waits for a frame, at most this long; whether there is one.
    pub(super) fn wait(&self, at_most: Duration) -> Result<bool, SnifferError> {
        wait_for_any(&[self.fd.as_fd()], at_most)
    }

    /// What passed and what was missed since it was opened.
    pub(super) fn statistics(&mut self) -> Result<Statistics, SnifferError> {
        // struct tpacket_stats: frames passed, those dropped among them; reading sets both to 0.
        let mut octets = [0; 8];
        step("read the statistics of a packet socket", || {
            Ok(sys::option(self.fd.as_fd(), libc::SOL_PACKET, libc::PACKET_STATISTICS, &mut octets)?)
        })?;
        self.statistics.seen += u64::from(word(&octets, 0).unwrap_or(0));
        self.statistics.dropped += u64::from(word(&octets, 4).unwrap_or(0));
        Ok(self.statistics)
    }

    /// Forgets what has passed so far, read or unread.
    pub(super) fn forget(&mut self) -> Result<(), SnifferError> {
        while self.next_frame(Epoch::now())?.is_some() {}
        self.statistics()?;
        self.statistics = Statistics::default();
        Ok(())
    }
}

impl AsFd for PacketSocket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

/// Waits until one of these can be read, at most so long; whether one can.
///
/// # Errors
/// [`SnifferError::Call`], if the kernel refuses to wait.
pub fn wait_for_any(fds: &[BorrowedFd<'_>], at_most: Duration) -> Result<bool, SnifferError> {
    step("wait for a frame", || {
        let timeout = Timespec::try_from(at_most).map_err(|_| rustix::io::Errno::INVAL)?;
        let mut fds: Vec<_> = fds.iter().map(|fd| PollFd::from_borrowed_fd(*fd, PollFlags::IN)).collect();
        match poll(&mut fds, Some(&timeout)) {
            // A signal that somebody handles ends the wait early, and nothing else.
            Err(rustix::io::Errno::INTR) => Ok(false),
            Err(errno) => Err(errno.into()),
            Ok(ready) => Ok(ready > 0),
        }
    })
}

pub(super) fn step<T>(tried: &'static str, act: impl FnOnce() -> Result<T, Errno>) -> Result<T, SnifferError> {
    act().map_err(|errno| SnifferError::Call { tried, errno })
}

/// Wall-clock time since 1970, the clock of kernel stamps.
fn now() -> Duration {
    Duration::try_from(clock_gettime(ClockId::Realtime)).unwrap_or_default()
}

/// Octets of queue asked for.
const QUEUE: usize = 64 << 20;
/// The longest frame: the largest MTU a loopback can have, and the Ethernet header.
const LONGEST: usize = 65_536 + 14;
