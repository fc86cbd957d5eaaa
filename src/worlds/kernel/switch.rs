//! Hosts with a network namespace each, and between them nothing but us.

use std::net::IpAddr;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use rustix::net::{AddressFamily, SocketFlags, SocketType, socket_with};

use super::errno::Errno;
use super::links::{LOOPBACK, Links, VethEnd};
use super::namespace::{Need, Refusal};
use super::netns::Namespace;
use super::network::NetworkError;
use super::packet::{Epoch, Frame, PacketSocket, SnifferError, Statistics};
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
        namespace.within(do_without_ipv6)??;
        Ok(Self { namespace, epoch: Epoch::now(), ports: AtomicU32::new(0) })
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
        let mut links = namespace.within(|| prepare(setup))??;
        let port = self.cable(&mut links, &namespace, CABLE, setup)?;
        plug(&mut links, setup)?;
        Ok((HostNetwork { namespace }, port))
    }

    /// A port for a namespace that is there already: an interface called `name` in it leads to the port, and with a
    /// prefix of so many bits to `setup.peer`, which whoever has the port plays.
    ///
    /// Nothing else in that namespace is changed, and when the port is gone, or its process, so is the interface.
    ///
    /// # Errors
    /// [`NetworkError`]: no veth devices in this kernel, no right to that namespace, a name that is taken, an address
    /// or MTU the kernel does not take.
    pub fn lead_from(&self, namespace: &Namespace, name: &str, prefix: u8, setup: &HostSetup) -> Result<Port, NetworkError> {
        let refused = |tried: &'static str| move |errno| NetworkError::Refused(Refusal::of(Need::Veth, tried, errno));
        let mut links = namespace.within(Links::open)?.map_err(refused("open a netlink socket"))?;
        let port = self.cable(&mut links, namespace, name, setup)?;
        let index = links.index(name).map_err(refused("find the end of a veth pair"))?;
        links.raise_without_arp(index).map_err(refused("bring up the end of a veth pair"))?;
        let address = |address, interface| move |errno| NetworkError::Address { address, interface, mtu: setup.mtu, errno };
        links.add_address(index, setup.address, prefix).map_err(address(setup.address, "a link"))?;
        links.set_neighbour(index, setup.peer.0, setup.peer.1).map_err(address(setup.peer.0, "a neighbour"))?;
        Ok(port)
    }

    /// A cable between an interface called `name` in that namespace, still down, and a new port, up and watched.
    fn cable(&self, links: &mut Links, namespace: &Namespace, name: &str, setup: &HostSetup) -> Result<Port, NetworkError> {
        let number = self.ports.fetch_add(1, Ordering::Relaxed);
        let port = format!("port{number}");
        let [first, .., last] = setup.link_address;
        // The switch's end has an address of its own that no frame is sent to, so the stack here drops them all.
        let other = [(first | 2) & !1, b'p', b'o', b'r', b't', !last];
        links
            .make_veth(
                VethEnd { namespace: namespace.as_fd(), name, link_address: setup.link_address, mtu: setup.mtu },
                VethEnd { namespace: self.namespace.as_fd(), name: &port, link_address: other, mtu: setup.mtu },
            )
            .map_err(|errno| Refusal::of(Need::Veth, "make a veth pair", errno))?;
        // The port is up and watched before the host's end comes up: nothing it says is missed.
        let socket = self.namespace.within(|| open_port(&port))??;
        Ok(Port { socket, epoch: self.epoch })
    }
}

impl HostNetwork {
    /// Its namespace: to make sockets in, to set sysctls of.
    pub const fn namespace(&self) -> &Namespace {
        &self.namespace
    }
}

impl Port {
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
fn prepare(setup: &HostSetup) -> Result<Links, NetworkError> {
    let lo = |errno| NetworkError::Loopback { mtu: LOOPBACK_MTU, errno };
    let mut links = Links::open().map_err(lo)?;
    if setup.address.is_ipv6() {
        ipv6_is_there()?;
        sysctl::write_all("net.ipv6.conf", &SILENT_IPV6)?;
    } else {
        do_without_ipv6()?;
    }
    // What a forged packet claims as its source must not matter.
    sysctl::write_all("net.ipv4.conf", &[("rp_filter", "0")])?;
    links.raise(LOOPBACK, LOOPBACK_MTU).map_err(lo)?;
    Ok(links)
}

/// In the namespace of the switch: brings a port up, and opens it.
fn open_port(name: &str) -> Result<PacketSocket, NetworkError> {
    let mut links = Links::open().map_err(cable("open a netlink socket"))?;
    let index = links.index(name).map_err(cable("find the end of a veth pair"))?;
    links.raise_without_arp(index).map_err(cable("bring up the end of a veth pair"))?;
    let socket = PacketSocket::open(index)?;
    socket.ignore_outgoing()?;
    Ok(socket)
}

/// Brings the host's end of its cable up, and tells the host who is where.
fn plug(links: &mut Links, setup: &HostSetup) -> Result<(), NetworkError> {
    let HostSetup { address, mtu, peer: (peer, peer_link_address), .. } = *setup;
    let unusable = |errno| NetworkError::Address { address, interface: "a link", mtu, errno };
    let index = links.index(CABLE).map_err(cable("find the end of a veth pair"))?;
    // A kernel leaves checksums to the receiver of a veth, which then believes what never travelled. Ours travels.
    links.fill_in_checksums(CABLE).map_err(cable("have checksums filled in on a veth pair"))?;
    links.raise_without_arp(index).map_err(cable("bring up the end of a veth pair"))?;
    links.add_address(index, address, if address.is_ipv4() { 32 } else { 128 }).map_err(unusable)?;
    links.route_everything(index, address).map_err(unusable)?;
    links.set_neighbour(index, peer, peer_link_address).map_err(|errno| NetworkError::Address {
        address: peer,
        interface: "a neighbour",
        mtu,
        errno,
    })
}

/// The refusal of a step with a veth pair.
fn cable(tried: &'static str) -> impl Fn(Errno) -> NetworkError {
    move |errno| Refusal::of(Need::Veth, tried, errno).into()
}

/// Whether this kernel speaks IPv6 at all.
///
/// # Errors
/// [`Refusal`] if it was built without it, or started with it switched off.
pub fn ipv6_is_there() -> Result<(), Refusal> {
    match socket_with(AddressFamily::INET6, SocketType::DGRAM, SocketFlags::CLOEXEC, None) {
        Ok(_) => Ok(()),
        Err(errno) => Err(Refusal::of(Need::Ipv6, "use IPv6", errno)),
    }
}

/// Keeps the interfaces that will be in this namespace from having any IPv6, and so from saying anything of it.
fn do_without_ipv6() -> Result<(), NetworkError> {
    if ipv6_is_there().is_err() {
        return Ok(());
    }
    sysctl::write_all("net.ipv6.conf", &[("disable_ipv6", "1")])
}

/// IPv6 that only does what it is told to: no addresses of its own making, no looking for routers or duplicates.
const SILENT_IPV6: [(&str, &str); 6] = [
    ("disable_ipv6", "0"),
    ("addr_gen_mode", "1"),
    ("accept_ra", "0"),
    ("autoconf", "0"),
    ("router_solicitations", "0"),
    ("dad_transmits", "0"),
];

/// The name of the host's end of its cable.
const CABLE: &str = "net0";
/// The kernel's own, in octets.
const LOOPBACK_MTU: u32 = 65_536;
