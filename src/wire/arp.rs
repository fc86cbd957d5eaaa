//! ARP for IPv4 on Ethernet (RFC 826).

use std::net::{IpAddr, Ipv4Addr};

use super::WireError;
use crate::trace::Neighbour;

/// Octets of a packet.
const LEN: usize = 28;

/// Ethernet, IPv4, and the lengths of their addresses.
const ADDRESSES: [u8; 6] = [0, 1, 8, 0, 6, 4];

/// Appends a request or a reply; `link_destination` is whom the reply is for, and not known in a request.
pub(super) fn encode(message: Neighbour, source: Ipv4Addr, destination: Ipv4Addr, link_destination: [u8; 6], out: &mut Vec<u8>) {
    let (operation, link, known) = match message {
        Neighbour::Request(link) => (1, link, [0; 6]),
        Neighbour::Reply(link) => (2, link, link_destination),
    };
    out.extend_from_slice(&ADDRESSES);
    out.extend_from_slice(&[0, operation]);
    out.extend_from_slice(&link);
    out.extend_from_slice(&source.octets());
    out.extend_from_slice(&known);
    out.extend_from_slice(&destination.octets());
}

/// Reads one; who sends, whom it is for or about, and what it says.
///
/// # Errors
/// [`WireError::Arp`].
pub(super) fn decode(octets: &[u8]) -> Result<(IpAddr, IpAddr, Neighbour), WireError> {
    let Some(packet) = octets.first_chunk::<LEN>().filter(|packet| packet[..6] == ADDRESSES) else {
        return Err(WireError::Arp { octets: octets.len(), operation: None });
    };
    let address = |at: usize| IpAddr::from([packet[at], packet[at + 1], packet[at + 2], packet[at + 3]]);
    let link = [packet[8], packet[9], packet[10], packet[11], packet[12], packet[13]];
    let message = match u16::from_be_bytes([packet[6], packet[7]]) {
        1 => Neighbour::Request(link),
        2 => Neighbour::Reply(link),
        operation => return Err(WireError::Arp { octets: octets.len(), operation: Some(operation) }),
    };
    Ok((address(14), address(24), message))
}
