//! The cable of the host under test: its addresses, its routes, and the frames in it.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::os::fd::AsFd as _;

use super::super::links::{Cut, Links, Path, VethEnd};
use super::super::netns::Namespace;
use super::super::network::{NetworkError, ipv6_is_there};
use super::super::switch::{CABLE, HostNetwork, Port, Switch, cable, prepare, unusable};
use super::super::sysctl;

/// How the host under test is connected to the world, which is us.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct UnderTest {
    /// Its addresses with the bits of their prefixes; the first is the one scripts speak of.
    pub local: Vec<(IpAddr, u8)>,
    /// Whom it asks to carry what is for others than those of its prefixes, one for each family at most. One that is not
    /// within a prefix of the host, or is itself, is passed over: everybody is at the other end of the cable anyway.
    pub gateways: Vec<IpAddr>,
    /// The longest IP packet it sends, in octets. What it is sent may be longer.
    pub mtu: u16,
}

/// The frame that brings the host this packet.
pub(super) fn frame_around(packet: &[u8]) -> Vec<u8> {
    let kind: [u8; 2] = if packet.first().is_some_and(|first| first >> 4 == 6) { [0x86, 0xdd] } else { [0x08, 0x00] };
    [&HOST[..], &WORLD, &kind, packet].concat()
}

/// The IP packet in a frame, if it carries one.
pub(super) fn packet_of(frame: &[u8]) -> Option<&[u8]> {
    match frame.get(12..ETHERNET)? {
        [0x08, 0x00] | [0x86, 0xdd] => frame.get(ETHERNET..),
        _ => None,
    }
}

/// A new host at the end of a cable; its network is up, and the port in which the cable ends watched.
pub(super) fn hang(switch: &Switch, setup: &UnderTest) -> Result<(HostNetwork, Port), NetworkError> {
    let namespace = Namespace::new()?;
    let first = setup.local.first().map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |(address, _)| *address);
    let six = setup.local.iter().map(|(address, _)| *address).find(IpAddr::is_ipv6);
    let mut links = namespace.within(|| prepare(six.unwrap_or(first)))??;
    // A device that takes longer packets than it sends, as packetdrill's TUN device does: scripts have text arrive in
    // pieces that no link would carry. How long those are that it sends, its routes say.
    let end = VethEnd { namespace: namespace.as_fd(), name: CABLE, link_address: HOST, mtu: LONGEST, cut: Cut::Many };
    let port = switch.port(&mut links, end)?;
    if six.is_some() {
        ipv6_is_there()?;
    }
    let index = links.index(CABLE).map_err(cable("find the end of a veth pair"))?;
    links.fill_in_checksums(CABLE).map_err(cable("have checksums filled in on a veth pair"))?;
    let _ = links.make_no_addresses(index);
    links.raise_without_arp(index).map_err(cable("bring up the end of a veth pair"))?;
    connect(&mut links, index, setup)?;
    // This machine may have chosen another for itself; every kernel has this one.
    namespace.within(|| sysctl::write("net.ipv4.tcp_congestion_control", "reno").is_ok())?;
    port.wait_until_sending(switch)?;
    for (address, _) in &setup.local {
        links.wait_until_local(*address).map_err(|errno| unusable(*address, "a link", u32::from(setup.mtu))(errno))?;
    }
    Ok((HostNetwork::of(namespace), port))
}

/// Gives the interface its addresses, and says who is where.
fn connect(links: &mut Links, index: u32, setup: &UnderTest) -> Result<(), NetworkError> {
    let mtu = u32::from(setup.mtu);
    let mut everything = Vec::new();
    for (address, prefix) in &setup.local {
        let path = path_of(*address, mtu);
        let refused = |errno| unusable(*address, "a link", mtu)(errno);
        links.add_address_alone(index, *address, *prefix).map_err(refused)?;
        let network = network_of(*address, *prefix);
        if network.1 > 0 && network.1 < bits(*address) {
            links.route(index, network, None, path).map_err(refused)?;
        }
        if !everything.contains(&address.is_ipv4()) {
            everything.push(address.is_ipv4());
        }
    }
    for (address, _) in &setup.local {
        let Some(position) = everything.iter().position(|four| *four == address.is_ipv4()) else { continue };
        everything.remove(position);
        let reachable = |gateway: &&IpAddr| {
            gateway.is_ipv4() == address.is_ipv4()
                && setup.local.iter().all(|(own, _)| own != *gateway)
                && setup
                    .local
                    .iter()
                    .any(|(own, prefix)| own.is_ipv4() == gateway.is_ipv4() && network_of(*own, *prefix) == network_of(**gateway, *prefix))
        };
        let gateway = setup.gateways.iter().find(reachable).copied();
        let path = path_of(*address, mtu);
        links.route(index, (nobody(*address), 0), gateway, path).map_err(|errno| unusable(*address, "a link", mtu)(errno))?;
    }
    Ok(())
}

fn path_of(address: IpAddr, mtu: u32) -> Path {
    let headers = if address.is_ipv4() { 40 } else { 60 };
    Path { mtu, advmss: mtu.saturating_sub(headers).max(1) }
}

const fn bits(address: IpAddr) -> u8 {
    if address.is_ipv4() { 32 } else { 128 }
}

const fn nobody(like: IpAddr) -> IpAddr {
    if like.is_ipv4() { IpAddr::V4(Ipv4Addr::UNSPECIFIED) } else { IpAddr::V6(Ipv6Addr::UNSPECIFIED) }
}

/// The prefix of so many bits that an address is in.
fn network_of(address: IpAddr, prefix: u8) -> (IpAddr, u8) {
    let prefix = prefix.min(bits(address));
    let network = match address {
        IpAddr::V4(v4) => {
            let mask = u32::MAX.checked_shl(32 - u32::from(prefix)).unwrap_or(0);
            IpAddr::from((v4.to_bits() & mask).to_be_bytes())
        }
        IpAddr::V6(v6) => {
            let mask = u128::MAX.checked_shl(128 - u32::from(prefix)).unwrap_or(0);
            IpAddr::from((v6.to_bits() & mask).to_be_bytes())
        }
    };
    (network, prefix)
}

/// Link addresses of the host and of everybody else.
const HOST: [u8; 6] = [2, 0, 0, 0, 0, 1];
const WORLD: [u8; 6] = [2, 0, 0, 0, 0, 2];
/// Octets of an Ethernet header.
const ETHERNET: usize = 14;
/// The longest packet IPv4 has.
const LONGEST: u32 = 65_535;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_is_the_prefix_of_an_address() {
        let network = |address: &str, prefix| network_of(address.parse().expect("an address"), prefix).0.to_string();
        assert_eq!(network("192.168.77.3", 16), "192.168.0.0");
        assert_eq!(network("192.168.77.3", 0), "0.0.0.0");
        assert_eq!(network("192.168.77.3", 32), "192.168.77.3");
        assert_eq!(network("fd3d:fa7b:d17d:1::2", 48), "fd3d:fa7b:d17d::");
        assert_eq!(network("::1", 200), "::1");
    }

    #[test]
    fn a_frame_holds_its_packet() {
        for first in [0x45, 0x60] {
            let frame = frame_around(&[first, 1, 2]);
            assert_eq!(packet_of(&frame), Some(&[first, 1, 2][..]));
        }
        assert_eq!(packet_of(&[0; 14]), None, "no protocol of ours");
        assert_eq!(packet_of(&[0; 9]), None);
    }
}
