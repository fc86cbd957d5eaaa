//! Links, addresses, routes and neighbours of one network namespace, set by rtnetlink.

use std::net::IpAddr;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::time::Duration;

use netlink_packet_core::{NLM_F_CREATE, NLM_F_EXCL, NLM_F_REPLACE};
use netlink_packet_route::address::{AddressAttribute, AddressFlags, AddressHeaderFlags, AddressMessage, AddressScope};
use netlink_packet_route::link::{
    AfSpecInet6, AfSpecUnspec, In6AddrGenMode, InfoData, InfoKind, InfoVeth, LinkAttribute, LinkFlags, LinkInfo, LinkMessage,
};
use netlink_packet_route::neighbour::{NeighbourAddress, NeighbourAttribute, NeighbourMessage, NeighbourState};
use netlink_packet_route::route::{
    RouteAddress, RouteAttribute, RouteHeader, RouteMessage, RouteMetric, RouteProtocol, RouteScope, RouteType,
};
use netlink_packet_route::{AddressFamily, RouteNetlinkMessage};
use rustix::net::netdevice::name_to_index;

use super::errno::Errno;
use super::netlink::Netlink;
use super::sys;

/// The loopback is the first interface of every network namespace.
pub(super) const LOOPBACK: u32 = 1;

/// The queueing discipline of an interface that has no carrier yet.
const LOSES_ALL: &str = "noop";
/// Milliseconds; it takes one or two.
const PATIENCE: u32 = 10_000;

/// One end of a veth pair that is to be made.
#[derive(Clone, Copy, Debug)]
pub(super) struct VethEnd<'a> {
    /// The namespace it goes to.
    pub(super) namespace: BorrowedFd<'a>,
    /// Its name there, at most 15 octets.
    pub(super) name: &'a str,
    /// Its link address.
    pub(super) link_address: [u8; 6],
    /// Its MTU in octets.
    pub(super) mtu: u32,
    /// How TCP cuts what it sends by it.
    pub(super) cut: Cut,
}

/// Who cuts a long text into segments.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Cut {
    /// TCP itself, each by itself.
    One,
    /// TCP hands several at once to whatever sends them, as it does on real interfaces; they still leave one by one, as
    /// this end cannot send checksums, and so no segments, that others have to fill in.
    Many,
}

/// What a route says of those behind it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Path {
    /// Octets of an IP packet.
    pub(super) mtu: u32,
    /// The MSS that is told to them.
    pub(super) advmss: u32,
}

/// A socket to the kernel's tables of one namespace.
#[derive(Debug)]
pub(super) struct Links(Netlink);

impl Links {
    /// Those of the calling thread's network namespace, even when the thread has left it.
    pub(super) fn open() -> Result<Self, Errno> {
        Netlink::open(None).map(Self)
    }

    /// The number of the interface of this name; `ENODEV` if there is none.
    pub(super) fn index(&self, name: &str) -> Result<u32, Errno> {
        Ok(name_to_index(self.0.fd(), name)?)
    }

    /// Brings an interface up, with this MTU in octets, and forbids packets of several segments.
    ///
    /// Without the latter a long text leaves in packets of up to 64 KiB, which no network would
    /// carry; with at most one segment a packet, TCP cuts every one itself and sends it by itself.
    pub(super) fn raise(&mut self, index: u32, mtu: u32) -> Result<(), Errno> {
        let mut link = up(index);
        link.attributes = vec![LinkAttribute::Mtu(mtu), LinkAttribute::GsoMaxSegs(1)];
        self.0.change(RouteNetlinkMessage::NewLink(link), 0)
    }

    /// Keeps an interface, still down, from giving itself an IPv6 address, and so from looking for routers from there.
    pub(super) fn make_no_addresses(&mut self, index: u32) -> Result<(), Errno> {
        let mut link = LinkMessage::default();
        link.header.index = index;
        let mode = AfSpecInet6::AddrGenMode(In6AddrGenMode::None);
        link.attributes = vec![LinkAttribute::AfSpecUnspec(vec![AfSpecUnspec::Inet6(vec![mode])])];
        self.0.change(RouteNetlinkMessage::NewLink(link), 0)
    }

    /// Brings an interface up that neither asks nor answers who has an address (`IFF_NOARP`).
    pub(super) fn raise_without_arp(&mut self, index: u32) -> Result<(), Errno> {
        let mut link = up(index);
        link.header.flags |= LinkFlags::Noarp;
        link.header.change_mask |= LinkFlags::Noarp;
        self.0.change(RouteNetlinkMessage::NewLink(link), 0)
    }

    /// Waits until an interface whose cable was just plugged in at the other end really sends.
    ///
    /// The kernel notes that a while later (linkwatch), and up to then loses without a word what it is given.
    pub(super) fn wait_until_sending(&mut self, index: u32) -> Result<(), Errno> {
        for _ in 0..PATIENCE {
            let mut link = LinkMessage::default();
            link.header.index = index;
            let Some(RouteNetlinkMessage::NewLink(link)) = self.0.get(RouteNetlinkMessage::GetLink(link))? else {
                return Err(rustix::io::Errno::PROTO.into());
            };
            if !link.attributes.iter().any(|attribute| matches!(attribute, LinkAttribute::Qdisc(name) if name == LOSES_ALL)) {
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        Err(rustix::io::Errno::TIMEDOUT.into())
    }

    /// Waits until what is for this address of the host's own is taken by it: IPv6 sees to that a while after it has
    /// taken the address.
    pub(super) fn wait_until_local(&mut self, address: IpAddr) -> Result<(), Errno> {
        for _ in 0..PATIENCE {
            let mut question = RouteMessage::default();
            question.header.address_family = family(address);
            question.header.destination_prefix_length = if address.is_ipv4() { 32 } else { 128 };
            question.attributes = vec![RouteAttribute::Destination(route_address(address))];
            let Some(RouteNetlinkMessage::NewRoute(route)) = self.0.get(RouteNetlinkMessage::GetRoute(question))? else {
                return Err(rustix::io::Errno::PROTO.into());
            };
            if route.header.kind == RouteType::Local {
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        Err(rustix::io::Errno::TIMEDOUT.into())
    }

    /// Has checksums filled in before a frame leaves by this interface, so that any stack will take it.
    pub(super) fn fill_in_checksums(&self, name: &str) -> Result<(), Errno> {
        Ok(sys::fill_in_checksums(self.0.fd().as_fd(), name)?)
    }

    /// Gives an interface an address within a prefix of so many bits, usable at once.
    pub(super) fn add_address(&mut self, index: u32, address: IpAddr, prefix: u8) -> Result<(), Errno> {
        let mut message = AddressMessage::default();
        message.header.family = family(address);
        message.header.prefix_len = prefix;
        // No duplicate address detection: an IPv6 address would not be usable for a second.
        message.header.flags = AddressHeaderFlags::Nodad;
        message.header.scope = AddressScope::Universe;
        message.header.index = index;
        message.attributes = vec![AddressAttribute::Local(address), AddressAttribute::Address(address)];
        self.0.change(RouteNetlinkMessage::NewAddress(message), NLM_F_CREATE | NLM_F_EXCL)
    }

    /// Sends everything of the family of `like` that goes nowhere else to this interface, as if all the world were on its link.
    pub(super) fn route_everything(&mut self, index: u32, like: IpAddr) -> Result<(), Errno> {
        let mut message = RouteMessage::default();
        message.header.address_family = family(like);
        message.header.table = RouteHeader::RT_TABLE_MAIN;
        message.header.protocol = RouteProtocol::Static;
        message.header.scope = RouteScope::Link;
        message.header.kind = RouteType::Unicast;
        message.attributes = vec![RouteAttribute::Oif(index)];
        self.0.change(RouteNetlinkMessage::NewRoute(message), NLM_F_CREATE | NLM_F_EXCL)
    }

    /// Gives an interface an address, and leaves it to [`route`](Self::route) to say who else is there.
    pub(super) fn add_address_alone(&mut self, index: u32, address: IpAddr, prefix: u8) -> Result<(), Errno> {
        let mut message = AddressMessage::default();
        message.header.family = family(address);
        message.header.prefix_len = prefix;
        message.header.scope = AddressScope::Universe;
        message.header.index = index;
        let flags = AddressFlags::Nodad | AddressFlags::Noprefixroute;
        message.attributes = vec![AddressAttribute::Local(address), AddressAttribute::Address(address), AddressAttribute::Flags(flags)];
        self.0.change(RouteNetlinkMessage::NewAddress(message), NLM_F_CREATE | NLM_F_EXCL)
    }

    /// Sends what is for a prefix to this interface, perhaps by way of a gateway; a prefix of no bits is everything.
    pub(super) fn route(&mut self, index: u32, to: (IpAddr, u8), gateway: Option<IpAddr>, path: Path) -> Result<(), Errno> {
        let (destination, prefix) = to;
        let mut message = RouteMessage::default();
        message.header.address_family = family(destination);
        message.header.destination_prefix_length = prefix;
        message.header.table = RouteHeader::RT_TABLE_MAIN;
        message.header.protocol = RouteProtocol::Static;
        message.header.scope = if gateway.is_some() { RouteScope::Universe } else { RouteScope::Link };
        message.header.kind = RouteType::Unicast;
        let metrics = vec![RouteMetric::Mtu(path.mtu), RouteMetric::Advmss(path.advmss)];
        message.attributes = vec![RouteAttribute::Oif(index), RouteAttribute::Metrics(metrics)];
        if prefix > 0 {
            message.attributes.push(RouteAttribute::Destination(route_address(destination)));
        }
        message.attributes.extend(gateway.map(|gateway| RouteAttribute::Gateway(route_address(gateway))));
        self.0.change(RouteNetlinkMessage::NewRoute(message), NLM_F_CREATE | NLM_F_EXCL)
    }

    /// Says for good at which link address a neighbour is.
    pub(super) fn set_neighbour(&mut self, index: u32, address: IpAddr, link_address: [u8; 6]) -> Result<(), Errno> {
        let destination = match address {
            IpAddr::V4(v4) => NeighbourAddress::Inet(v4),
            IpAddr::V6(v6) => NeighbourAddress::Inet6(v6),
        };
        let mut message = NeighbourMessage::default();
        message.header.family = family(address);
        message.header.ifindex = index;
        message.header.state = NeighbourState::Permanent;
        message.header.kind = RouteType::Unicast;
        message.attributes =
            vec![NeighbourAttribute::Destination(destination), NeighbourAttribute::LinkLayerAddress(link_address.to_vec())];
        self.0.change(RouteNetlinkMessage::NewNeighbour(message), NLM_F_CREATE | NLM_F_REPLACE)
    }

    /// Makes a pair of interfaces, each sending to the other, both still down.
    pub(super) fn make_veth(&mut self, one: VethEnd<'_>, other: VethEnd<'_>) -> Result<(), Errno> {
        let mut peer = LinkMessage::default();
        peer.attributes = end_of_veth(other);
        let mut link = LinkMessage::default();
        link.attributes = end_of_veth(one);
        link.attributes
            .push(LinkAttribute::LinkInfo(vec![LinkInfo::Kind(InfoKind::Veth), LinkInfo::Data(InfoData::Veth(InfoVeth::Peer(peer)))]));
        self.0.change(RouteNetlinkMessage::NewLink(link), NLM_F_CREATE | NLM_F_EXCL)
    }
}

/// The request that an interface be up, all else as it is.
fn up(index: u32) -> LinkMessage {
    let mut link = LinkMessage::default();
    link.header.index = index;
    link.header.flags = LinkFlags::Up;
    link.header.change_mask = LinkFlags::Up;
    link
}

fn end_of_veth(end: VethEnd<'_>) -> Vec<LinkAttribute> {
    let mut attributes = vec![
        LinkAttribute::IfName(end.name.to_owned()),
        LinkAttribute::NetNsFd(end.namespace.as_raw_fd()),
        LinkAttribute::Address(end.link_address.to_vec()),
        LinkAttribute::Mtu(end.mtu),
    ];
    if end.cut == Cut::One {
        attributes.push(LinkAttribute::GsoMaxSegs(1));
    }
    attributes
}

fn route_address(address: IpAddr) -> RouteAddress {
    match address {
        IpAddr::V4(v4) => RouteAddress::Inet(v4),
        IpAddr::V6(v6) => RouteAddress::Inet6(v6),
    }
}

fn family(address: IpAddr) -> AddressFamily {
    if address.is_ipv4() { AddressFamily::Inet } else { AddressFamily::Inet6 }
}
