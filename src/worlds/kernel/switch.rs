//! Hosts with a network namespace each, and between them nothing but us.

use std::net::IpAddr;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use super::errno::Errno;
use super::links::{Cut, LOOPBACK, Links, VethEnd};
use super::netns::Namespace;
use super::network::{NetworkError, ipv6_is_there};
use super::packet::{Epoch, Frame, PacketSocket, SnifferError, Statistics};
use super::refusal::{Need, Refusal};
use super::sysctl;

/// The namespace in the middle, where every host's cable ends.
///
/// Its kernel has no address, forwards nothing and says nothing: a frame goes from one [`Port`] to
/// another only if we take it from the one and send it by the other.
#[derive(Debug)]
pub struct Switch {
    namespace: Namespace,
    epoch: Epoch,
    ports: AtomicU32,
}

/// What a host with a stack of the kernel's is to be.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct HostSetup {
    /// Its address, on an interface called `net0`; everything else counts as being on the same link.
    pub address: IpAddr,
    /// Its link address.
    pub link_address: [u8; 6],
    /// MTU of its link, octets.
    pub mtu: u32,
    /// Address and link address of the host it talks to.
    pub peer: (IpAddr, [u8; 6]),
}

/// A host whose stack is the kernel's, in a network namespace of its own.
#[derive(Debug)]
pub struct HostNetwork {
    namespace: Namespace,
}

/// Where the cable of a host ends: what it sends can be taken here, and what is sent here it receives.
#[derive(Debug)]
pub struct Port {
    /// Its number in the namespace of the switch.
    index: u32,
    socket: PacketSocket,
    epoch: Epoch,
}

impl Switch {
    /// One without ports; the calling thread stays where it is.
    ///
    /// # Errors
    /// [`NetworkError::Refused`] without the right to namespaces.
    pub fn new() -> Result<Self, NetworkError> {
        let namespace = Namespace::new()?;
        Ok(Self { namespace, epoch: Epoch::now(), ports: AtomicU32::new(0) })
    }

    /// Its namespace.
    pub const fn namespace(&self) -> &Namespace {
        &self.namespace
    }

    /// What the times of its ports' frames are counted from.
    pub const fn epoch(&self) -> Epoch {
        self.epoch
    }

    /// A new host, its loopback and its cable up, and the port in which the cable ends.
    ///
    /// The host says nothing by itself: it knows its peer's link address, asks for no other, neither solicits
    /// routers nor reports groups, and its IPv6 address was never looked for. Its packets carry one segment each.
    ///
    /// # Errors
    /// [`NetworkError`]: no veth devices in this kernel, no IPv6, or an address or MTU the kernel does not take.
    pub fn connect(&self, setup: &HostSetup) -> Result<(HostNetwork, Port), NetworkError> {
        let namespace = Namespace::new()?;
        let mut links = namespace.within(|| prepare(setup.address))??;
        let end = VethEnd { namespace: namespace.as_fd(), name: CABLE, link_address: setup.link_address, mtu: setup.mtu, cut: Cut::One };
        // The port is up and watched before the host's end comes up: nothing it says is missed.
        let port = self.port(&mut links, end)?;
        let index = plug(&mut links, CABLE, if setup.address.is_ipv4() { 32 } else { 128 }, setup)?;
        links.route_everything(index, setup.address).map_err(unusable(setup.address, "a link", setup.mtu))?;
        port.wait_until_sending(self)?;
        Ok((HostNetwork { namespace }, port))
    }

    /// A port for a namespace that is there already: an interface called `name` in it leads to the port, and with a
    /// prefix of so many bits to `setup.peer`, which whoever has the port plays.
    ///
    /// Nothing else in that namespace is changed, and when the switch is gone, or its process, so is the interface.
    /// Of others within the prefix it does not ask the link addresses either: their packets are sent to its own.
    ///
    /// # Errors
    /// [`NetworkError`]: no veth devices in this kernel, no right to that namespace, a name that is taken, an address
    /// or MTU the kernel does not take.
    pub fn lead_from(&self, namespace: &Namespace, name: &str, prefix: u8, setup: &HostSetup) -> Result<Port, NetworkError> {
        let mut links = namespace.within(Links::open)?.map_err(no_netlink)?;
        let end = VethEnd { namespace: namespace.as_fd(), name, link_address: setup.link_address, mtu: setup.mtu, cut: Cut::One };
        let port = self.port(&mut links, end)?;
        if setup.address.is_ipv6() {
            ipv6_is_there()?;
        }
        plug(&mut links, name, prefix, setup)?;
        port.wait_until_sending(self)?;
        Ok(port)
    }

    /// Makes a cable with this end, and the port its other end is in; the port is up, the cable's end still down.
    pub(super) fn port(&self, links: &mut Links, end: VethEnd<'_>) -> Result<Port, NetworkError> {
        let name = format!("port{}", self.ports.fetch_add(1, Ordering::Relaxed));
        let [first, .., last] = end.link_address;
        // The port has an address of its own that no frame is sent to, so the stack here drops them all.
        let link_address = [(first | 2) & !1, b'p', b'o', b'r', b't', !last];
        links
            .make_veth(end, VethEnd { namespace: self.namespace.as_fd(), name: &name, link_address, ..end })
            .map_err(cable("make a veth pair"))?;
        let (index, socket) = self.namespace.within(|| open_port(&name))??;
        Ok(Port { index, socket, epoch: self.epoch })
    }
}

impl HostNetwork {
    /// The host in this namespace.
    pub(super) const fn of(namespace: Namespace) -> Self {
        Self { namespace }
    }

    /// Its namespace: to make sockets in, to set sysctls of.
    pub const fn namespace(&self) -> &Namespace {
        &self.namespace
    }
}

impl Port {
    /// Waits until what is sent here arrives, the other end of the cable being up.
    pub(super) fn wait_until_sending(&self, switch: &Switch) -> Result<(), NetworkError> {
        let mut links = switch.namespace.within(Links::open)?.map_err(no_netlink)?;
        links.wait_until_sending(self.index).map_err(cable("see a veth pair connected"))
    }

    /// Hands a frame to the host, Ethernet header first, checksums filled in.
    ///
    /// The host has dealt with it when this returns: what it says to it can be taken at once, and its
    /// sockets are in the states it leads to.
    ///
    /// # Errors
    /// [`SnifferError::Call`]: `EMSGSIZE` if it is longer than the MTU allows, `ENETDOWN` if the host has gone.
    pub fn send(&self, frame: &[u8]) -> Result<(), SnifferError> {
        self.socket.send(frame)
    }

    /// The next frame the host has sent; `None` if there is none at the moment.
    ///
    /// Its checksums are filled in, so another port may [`send`](Self::send) it as it is.
    ///
    /// # Errors
    /// [`SnifferError`], if the kernel does not give it.
    pub fn next_frame(&mut self) -> Result<Option<Frame>, SnifferError> {
        self.socket.next_frame(self.epoch)
    }

    /// The same, its time since this moment.
    pub(super) fn next_frame_since(&mut self, epoch: Epoch) -> Result<Option<Frame>, SnifferError> {
        self.socket.next_frame(epoch)
    }

    /// Waits for a frame, at most this long; whether there is one. [`wait_for_any`](super::wait_for_any) waits at several.
    ///
    /// # Errors
    /// [`SnifferError::Call`], if the kernel refuses to wait.
    pub fn wait(&self, at_most: Duration) -> Result<bool, SnifferError> {
        self.socket.wait(at_most)
    }

    /// What the host has sent so far, and what of it was missed.
    ///
    /// # Errors
    /// [`SnifferError::Call`], if the kernel does not tell.
    pub fn statistics(&mut self) -> Result<Statistics, SnifferError> {
        self.socket.statistics()
    }
}

impl AsFd for Port {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

/// In the host's namespace: its loopback, and the defaults its interface will start with.
pub(super) fn prepare(address: IpAddr) -> Result<Links, NetworkError> {
    let mut links = Links::open().map_err(no_netlink)?;
    if address.is_ipv6() {
        ipv6_is_there()?;
        // Machines may hand a switch of theirs down to new namespaces. If it cannot be turned back, the address says so.
        let _ = sysctl::write_all("net.ipv6.conf", &[("disable_ipv6", "0")]);
    }
    // What a forged packet claims as its source must not matter. Where /proc/sys is read-only it may, a little.
    let _ = sysctl::write_all("net.ipv4.conf", &[("rp_filter", "0")]);
    links.raise(LOOPBACK, LOOPBACK_MTU).map_err(|errno| NetworkError::Loopback { mtu: LOOPBACK_MTU, errno })?;
    Ok(links)
}

/// In the namespace of the switch: brings a port up, and opens it.
fn open_port(name: &str) -> Result<(u32, PacketSocket), NetworkError> {
    let mut links = Links::open().map_err(no_netlink)?;
    let index = links.index(name).map_err(cable("find the end of a veth pair"))?;
    // Refused by a kernel without IPv6, where there is nothing to keep from it.
    let _ = links.make_no_addresses(index);
    links.raise_without_arp(index).map_err(cable("bring up the end of a veth pair"))?;
    let socket = PacketSocket::open(index)?;
    socket.ignore_outgoing()?;
    Ok((index, socket))
}

/// Brings the host's end of its cable up, and says who is where; its number.
fn plug(links: &mut Links, name: &str, prefix: u8, setup: &HostSetup) -> Result<u32, NetworkError> {
    let HostSetup { address, mtu, peer: (peer, peer_link_address), .. } = *setup;
    let index = links.index(name).map_err(cable("find the end of a veth pair"))?;
    // A kernel leaves checksums to the receiver of a veth, which then believes what never travelled. Ours travels.
    links.fill_in_checksums(name).map_err(cable("have checksums filled in on a veth pair"))?;
    let _ = links.make_no_addresses(index);
    links.raise_without_arp(index).map_err(cable("bring up the end of a veth pair"))?;
    links.add_address(index, address, prefix).map_err(unusable(address, "a link", mtu))?;
    links.set_neighbour(index, peer, peer_link_address).map_err(unusable(peer, "a neighbour", mtu))?;
    Ok(index)
}

/// The refusal of an address.
pub(super) fn unusable(address: IpAddr, interface: &'static str, mtu: u32) -> impl Fn(Errno) -> NetworkError {
    move |errno| NetworkError::Address { address, interface, mtu, errno }
}

/// The refusal of a socket to ask the kernel by.
pub(super) fn no_netlink(errno: Errno) -> NetworkError {
    Refusal::of(Need::Netlink, "open a netlink socket", errno).into()
}

/// The refusal of a step with a veth pair.
pub(super) fn cable(tried: &'static str) -> impl Fn(Errno) -> NetworkError {
    move |errno| Refusal::of(Need::Veth, tried, errno).into()
}

/// The name of the host's end of its cable.
pub(super) const CABLE: &str = "net0";
/// The kernel's own, in octets.
const LOOPBACK_MTU: u32 = 65_536;
