//! A TUN device: an interface whose packets go to this program and come from it.

use std::net::IpAddr;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::fs::{CWD, Mode, OFlags, openat};
use rustix::io::{read, write};

use super::errno::Errno;
use super::links::Links;
use super::network::{NetworkError, ipv6_is_there};
use super::refusal::{Need, Refusal};
use super::sys;

/// An interface of the network namespace its thread was in; whatever is routed to it arrives here.
///
/// Any program of that namespace can talk to who is played here. It lives as long as this value:
/// when the program ends, however it ends, the interface is gone, with its address and routes.
#[derive(Debug)]
pub struct Tun {
    fd: OwnedFd,
    links: Links,
    name: String,
    index: u32,
    buffer: Vec<u8>,
}

impl Tun {
    /// Makes one, still down; in its name, of at most 15 octets, `%d` becomes the first number that is free.
    ///
    /// # Errors
    /// [`Refusal`]: no `/dev/net/tun`, or not for us, or the name is taken. A veth pair does without the
    /// device: see [`Switch::lead_from`](super::Switch::lead_from).
    pub fn open(name: &str) -> Result<Self, Refusal> {
        let refused = |tried: &'static str| move |errno| Refusal::of(Need::Tun, tried, errno);
        let fd = openat(CWD, "/dev/net/tun", OFlags::RDWR | OFlags::CLOEXEC | OFlags::NONBLOCK, Mode::empty())
            .map_err(refused("open /dev/net/tun"))?;
        let name = sys::make_tun(fd.as_fd(), name).map_err(refused("make a TUN interface"))?;
        let asked = |errno: Errno| Refusal::of(Need::Tun, "find the TUN interface just made", errno);
        let links = Links::open().map_err(asked)?;
        let index = links.index(&name).map_err(asked)?;
        Ok(Self { fd, links, name, index, buffer: vec![0; LONGEST] })
    }

    /// The interface's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Brings it up and gives it an address; the kernel then sends the rest of the prefix, of so many bits, here.
    ///
    /// # Errors
    /// [`NetworkError`] for an address or MTU (octets) the kernel does not take, and without the right to.
    pub fn raise(&mut self, address: IpAddr, prefix: u8, mtu: u32) -> Result<(), NetworkError> {
        if address.is_ipv6() {
            ipv6_is_there()?;
        }
        // Refused by a kernel without IPv6, where nobody would look for routers anyway.
        let _ = self.links.make_no_addresses(self.index);
        self.links.raise(self.index, mtu).map_err(|errno| Refusal::of(Need::Tun, "bring up a TUN interface", errno))?;
        let unusable = |errno| NetworkError::Address { address, interface: "a TUN interface", mtu, errno };
        self.links.add_address(self.index, address, prefix).map_err(unusable)
    }

    /// The next packet, IP header first and checksums filled in; `None` if there is none at the moment.
    ///
    /// # Errors
    /// [`Refusal`] with what the kernel answered.
    pub fn next_packet(&mut self) -> Result<Option<Vec<u8>>, Refusal> {
        match read(&self.fd, &mut self.buffer[..]) {
            Ok(len) => Ok(Some(self.buffer[..len].to_vec())),
            Err(rustix::io::Errno::AGAIN | rustix::io::Errno::INTR) => Ok(None),
            Err(errno) => Err(Refusal::of(Need::Tun, "read from a TUN interface", errno)),
        }
    }

    /// Hands the kernel a packet, as if it had arrived at the interface; it has been dealt with when this returns.
    ///
    /// # Errors
    /// [`Refusal`]: `EIO` while the interface is down, `EINVAL` for what is no IP packet.
    pub fn send(&self, packet: &[u8]) -> Result<(), Refusal> {
        write(&self.fd, packet).map(drop).map_err(|errno| Refusal::of(Need::Tun, "write to a TUN interface", errno))
    }
}

impl AsFd for Tun {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

/// The longest packet there can be, octets.
const LONGEST: usize = 65_535;
