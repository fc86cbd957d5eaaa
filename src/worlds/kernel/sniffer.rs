//! Everything that crosses the loopback, as the kernel saw it.

use std::net::{Ipv4Addr, SocketAddrV4, UdpSocket};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::net::sockopt::set_socket_recv_buffer_size;
use rustix::net::{AddressFamily, SocketFlags, SocketType, socket_with};
use rustix::time::{ClockId, clock_gettime};

use super::errno::Errno;
use super::netlink::LOOPBACK;
use super::sys::{self, Direction, word};
use crate::engine::Instant;

/// One frame as it crossed the loopback.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Frame {
    /// When, by the kernel's stamp, since the sniffer was opened.
    pub at: Instant,
    /// Whether it was being sent or received.
    pub direction: Direction,
    /// All of it, from the Ethernet header on. Checksums are not filled in: `lo` needs none.
    pub octets: Vec<u8>,
}

/// What passed and what was missed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Statistics {
    /// Frames that crossed the loopback since the sniffer was opened, each copy counted.
    pub seen: u64,
    /// Those of them that are lost to us because the queue was full.
    pub dropped: u64,
}

/// Why there is nothing to see.
#[derive(Debug, thiserror::Error)]
pub enum SnifferError {
    /// A step of opening or reading fails.
    #[error("cannot {tried} on the loopback: {errno}; a sniffer needs a network namespace of its own and CONFIG_PACKET")]
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
    #[error("a frame of {len} octets crossed the loopback, expected at most {limit}: segments were merged before we saw them")]
    TooLong {
        /// Its length in octets.
        len: usize,
        /// The longest that fits the buffer.
        limit: usize,
    },
}

/// A tap on the loopback of the calling thread's network namespace.
///
/// Its queue holds some hundred small frames where the kernel grants no more; read it after every call,
/// and compare [`statistics`](Self::statistics) at the end.
#[derive(Debug)]
pub struct Sniffer {
    fd: OwnedFd,
    /// Since 1970.
    start: Duration,
    statistics: Statistics,
    buffer: Vec<u8>,
}

impl Sniffer {
    /// Opens one on the loopback, which must be up, and waits until the kernel stamps what passes.
    ///
    /// # Errors
    /// [`SnifferError`], if the kernel refuses a step or never stamps.
    pub fn open() -> Result<Self, SnifferError> {
        let fd = step("open a packet socket", || {
            // Protocol 0 hears nothing until bound, so nothing of other interfaces slips in.
            Ok(socket_with(AddressFamily::PACKET, SocketType::RAW, SocketFlags::CLOEXEC | SocketFlags::NONBLOCK, None)?)
        })?;
        // The kernel cuts this down to net.core.rmem_max without a word; drops are counted.
        step("enlarge the queue of a packet socket", || Ok(set_socket_recv_buffer_size(&fd, QUEUE)?))?;
        step("ask for kernel timestamps", || Ok(sys::set_option(fd.as_fd(), libc::SOL_SOCKET, libc::SO_TIMESTAMPNS, 1)?))?;
        step("bind a packet socket", || Ok(sys::bind_packet_socket(fd.as_fd(), i32::from(LOOPBACK))?))?;
        let mut sniffer = Self { fd, start: Duration::ZERO, statistics: Statistics::default(), buffer: vec![0; LONGEST] };
        sniffer.wait_for_stamps()?;
        sniffer.statistics()?;
        sniffer.statistics = Statistics::default();
        sniffer.start = now();
        Ok(sniffer)
    }

    /// The next frame, in the order of passing; `None` if there is none at the moment.
    ///
    /// # Errors
    /// [`SnifferError::TooLong`] for a frame no link would carry, else what the kernel answered.
    pub fn next_frame(&mut self) -> Result<Option<Frame>, SnifferError> {
        let limit = self.buffer.len();
        match sys::receive_frame(self.fd.as_fd(), &mut self.buffer) {
            Err(rustix::io::Errno::AGAIN) => Ok(None),
            Err(errno) => Err(SnifferError::Call { tried: "read a frame", errno: errno.into() }),
            Ok(received) if received.len > limit => Err(SnifferError::TooLong { len: received.len, limit }),
            Ok(received) => {
                let since = received.stamp.unwrap_or_else(now).saturating_sub(self.start);
                let at = Instant::START + since;
                Ok(Some(Frame { at, direction: received.direction, octets: self.buffer[..received.len].to_vec() }))
            }
        }
    }

    /// All frames that are there now.
    ///
    /// # Errors
    /// As [`next_frame`](Self::next_frame).
    pub fn drain(&mut self) -> Result<Vec<Frame>, SnifferError> {
        std::iter::from_fn(|| self.next_frame().transpose()).collect()
    }

    /// Waits for a frame, at most this long; whether there is one.
    ///
    /// # Errors
    /// [`SnifferError::Call`], if the kernel refuses to wait.
    pub fn wait(&self, at_most: Duration) -> Result<bool, SnifferError> {
        step("wait for a frame", || readable(self.fd.as_fd(), at_most))
    }

    /// What passed and what was missed so far.
    ///
    /// # Errors
    /// [`SnifferError::Call`], if the kernel does not tell.
    pub fn statistics(&mut self) -> Result<Statistics, SnifferError> {
        // struct tpacket_stats: frames passed, those dropped among them; reading sets both to 0.
        let mut octets = [0; 8];
        step("read the statistics of a packet socket", || {
            Ok(sys::option(self.fd.as_fd(), libc::SOL_PACKET, libc::PACKET_STATISTICS, &mut octets)?)
        })?;
        self.statistics.seen += u64::from(word(&octets, 0).unwrap_or(0));
        self.statistics.dropped += u64::from(word(&octets, 4).unwrap_or(0));
        Ok(self.statistics)
    }

    /// Sends datagrams to itself until their stamps are of the sending.
    ///
    /// The kernel switches stamping on some time after it is asked to; until then a frame gets the time at
    /// which it is read, which would put a whole handshake into one moment.
    fn wait_for_stamps(&mut self) -> Result<(), SnifferError> {
        let udp = step("send a datagram", || Ok(UdpSocket::bind(SocketAddrV4::new(Ipv4Addr::LOCALHOST, 0))?))?;
        let to = step("send a datagram", || Ok(udp.local_addr()?))?;
        for _ in 0..ATTEMPTS {
            let sent = now();
            step("send a datagram", || Ok(udp.send_to(b"synfin", to)?))?;
            std::thread::sleep(PAUSE);
            let mut stamped = false;
            while let Ok(received) = sys::receive_frame(self.fd.as_fd(), &mut self.buffer) {
                stamped |= received.stamp.is_some_and(|stamp| stamp.saturating_sub(sent) < PAUSE / 2);
            }
            if stamped {
                return Ok(());
            }
        }
        Err(SnifferError::NoStamps(PAUSE * ATTEMPTS))
    }
}

impl AsFd for Sniffer {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

fn step<T>(tried: &'static str, act: impl FnOnce() -> Result<T, Errno>) -> Result<T, SnifferError> {
    act().map_err(|errno| SnifferError::Call { tried, errno })
}

/// Whether `fd` is readable within this time.
fn readable(fd: BorrowedFd<'_>, at_most: Duration) -> Result<bool, Errno> {
    let timeout = Timespec::try_from(at_most).map_err(|_| rustix::io::Errno::INVAL)?;
    let mut fds = [PollFd::from_borrowed_fd(fd, PollFlags::IN)];
    Ok(poll(&mut fds, Some(&timeout))? > 0)
}

/// Wall-clock time since 1970, the clock of kernel stamps.
fn now() -> Duration {
    Duration::try_from(clock_gettime(ClockId::Realtime)).unwrap_or_default()
}

/// Octets of queue asked for.
const QUEUE: usize = 64 << 20;
/// The longest frame: the largest MTU a loopback can have, and the Ethernet header.
const LONGEST: usize = 65_536 + 14;
/// How long a frame stays unread when stamps are tried out.
const PAUSE: Duration = Duration::from_millis(4);
const ATTEMPTS: u32 = 250;
