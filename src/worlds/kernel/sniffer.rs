//! Everything that crosses an interface, as the kernel saw it.

use std::net::{Ipv4Addr, SocketAddrV4, UdpSocket};
use std::os::fd::{AsFd, BorrowedFd};
use std::time::Duration;

use super::links::{LOOPBACK, Links};
use super::packet::{Epoch, Frame, PacketSocket, SnifferError, Statistics, step};
use crate::engine::Instant;

/// A tap on an interface of the network namespace its thread was in.
///
/// Its queue holds some hundred small frames where the kernel grants no more; read it after every call,
/// and compare [`statistics`](Self::statistics) at the end.
#[derive(Debug)]
pub struct Sniffer {
    socket: PacketSocket,
    epoch: Epoch,
}

impl Sniffer {
    /// Opens one on the loopback, which must be up, and waits until the kernel stamps what passes.
    ///
    /// # Errors
    /// [`SnifferError`], if the kernel refuses a step or never stamps.
    pub fn open() -> Result<Self, SnifferError> {
        let mut socket = PacketSocket::open(LOOPBACK)?;
        wait_for_stamps(&mut socket)?;
        socket.forget()?;
        Ok(Self { socket, epoch: Epoch::now() })
    }

    /// Opens one on the interface of this name.
    ///
    /// Where the loopback is down the first frames may have the time they were read at.
    ///
    /// # Errors
    /// [`SnifferError`], if the kernel refuses a step or never stamps; `ENODEV` if there is no such interface.
    pub fn on(interface: &str) -> Result<Self, SnifferError> {
        let index = step("find the interface", || Links::open()?.index(interface))?;
        if index == LOOPBACK {
            return Self::open();
        }
        let mut socket = PacketSocket::open(index)?;
        // Stamping is switched on for all sockets of the machine at once, so it can be tried out elsewhere.
        if let Err(never @ SnifferError::NoStamps(_)) = wait_for_stamps(&mut PacketSocket::open(LOOPBACK)?) {
            return Err(never);
        }
        socket.forget()?;
        Ok(Self { socket, epoch: Epoch::now() })
    }

    /// When it was opened: what its frames' times are counted from.
    pub const fn epoch(&self) -> Epoch {
        self.epoch
    }

    /// The next frame, in the order of passing; `None` if there is none at the moment.
    ///
    /// # Errors
    /// [`SnifferError::TooLong`] for a frame no link would carry, else what the kernel answered.
    pub fn next_frame(&mut self) -> Result<Option<Frame>, SnifferError> {
        self.socket.next_frame(self.epoch)
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
        self.socket.wait(at_most)
    }

    /// What passed and what was missed so far.
    ///
    /// # Errors
    /// [`SnifferError::Call`], if the kernel does not tell.
    pub fn statistics(&mut self) -> Result<Statistics, SnifferError> {
        self.socket.statistics()
    }
}

impl AsFd for Sniffer {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

/// Sends datagrams over the loopback, which `socket` watches, until their stamps are of the sending.
///
/// The kernel switches stamping on some time after it is asked to; until then a frame gets the time at
/// which it is read, which would put a whole handshake into one moment.
fn wait_for_stamps(socket: &mut PacketSocket) -> Result<(), SnifferError> {
    let udp = step("send a datagram", || Ok(UdpSocket::bind(SocketAddrV4::new(Ipv4Addr::LOCALHOST, 0))?))?;
    let to = step("send a datagram", || Ok(udp.local_addr()?))?;
    for _ in 0..ATTEMPTS {
        let epoch = Epoch::now();
        step("send a datagram", || Ok(udp.send_to(b"synfin", to)?))?;
        std::thread::sleep(PAUSE);
        let mut stamped = false;
        while let Some(frame) = socket.next_frame(epoch)? {
            stamped |= frame.at.since(Instant::START) < PAUSE / 2;
        }
        if stamped {
            return Ok(());
        }
    }
    Err(SnifferError::NoStamps(PAUSE * ATTEMPTS))
}

/// How long a frame stays unread when stamps are tried out.
const PAUSE: Duration = Duration::from_millis(4);
const ATTEMPTS: u32 = 250;
