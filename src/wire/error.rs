//! What can be wrong with a packet, and what would be right.

use std::net::IpAddr;

use thiserror::Error;

use crate::trace::IcmpError;

/// Why a payload has no place in a packet, or why octets are no packet that is read here.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
pub enum WireError {
    /// One end is IPv4, the other IPv6.
    #[error("no packet goes from {source_address} to {destination_address}: both must be IPv4, or both IPv6")]
    Families {
        /// The source address.
        source_address: IpAddr,
        /// The destination address.
        destination_address: IpAddr,
    },
    /// The segment says another length than its text has.
    #[error("the segment says {len} octets of text, but there are {text}: both must be the same")]
    TextLength {
        /// What the segment says, in octets.
        len: u32,
        /// What there is, in octets.
        text: usize,
    },
    /// The length does not fit the IP header's 16 bits.
    #[error("{octets} octets are too long for an IP packet, whose header counts at most {at_most}")]
    TooLong {
        /// What the header had to say, in octets.
        octets: usize,
        /// What it can say, in octets.
        at_most: u16,
    },
    /// Less than an Ethernet header.
    #[error("{octets} octets are no Ethernet frame: its header alone has 14")]
    Frame {
        /// How many octets there are.
        octets: usize,
    },
    /// The frame carries something else than IP or ARP.
    #[error("the frame carries EtherType {ether_type:#06x}, not IPv4 (0x0800), ARP (0x0806) or IPv6 (0x86dd)")]
    NotIp {
        /// The protocol number in its header.
        ether_type: u16,
    },
    /// ARP goes without an IP packet.
    #[error("a question for an IPv4 address's link address is no IP packet: it is written as a frame")]
    NoPacket,
    /// The ARP packet is cut off, or not one of Ethernet and IPv4 that asks or answers.
    #[error("not a whole ARP request or reply for IPv4 on Ethernet: {octets} octets, operation {operation:?}")]
    Arp {
        /// How many octets there are; 28 would be enough.
        octets: usize,
        /// What it says it is: 1 asks, 2 answers; `None` if it is for other addresses or too short.
        operation: Option<u16>,
    },
    /// The IP headers are broken or cut off.
    #[error("not a whole IP packet: {cause}")]
    Ip {
        /// What exactly.
        cause: etherparse::err::ip::SliceError,
    },
    /// An IPv6 payload length of 0.
    #[error("the IPv6 header says a payload length of 0: jumbograms (RFC 2675) are not read, it must be 1 to 65535")]
    Jumbogram,
    /// The packet is a part of a larger one.
    #[error("the packet is a fragment: only whole packets are read, reassemble it first")]
    Fragment,
    /// The packet carries a protocol that is not read here.
    #[error("the packet carries IP protocol {protocol}, not TCP (6), UDP (17) or {icmp}", icmp = if *.ipv6 { "ICMPv6 (58)" } else { "ICMP (1)" })]
    UnknownProtocol {
        /// The protocol number in its header.
        protocol: u8,
        /// Whether it is an IPv6 packet.
        ipv6: bool,
    },
    /// The UDP header is cut off, or says another length than there is.
    #[error("the UDP header says {length} octets, but there are {octets}; it must be 8 at least and not more than there are")]
    Udp {
        /// What the header says; 0 if it is not whole.
        length: u16,
        /// How many octets there are.
        octets: usize,
    },
    /// Less than an ICMP header.
    #[error("{octets} octets are no ICMP message: its header alone has 8")]
    Icmp {
        /// How many octets there are.
        octets: usize,
    },
    /// An ICMP message that is not read here.
    #[error("the ICMP message has type {kind} and code {code}: neither echo, error, nor a question for a link address")]
    IcmpType {
        /// Its type.
        kind: u8,
        /// Its code.
        code: u8,
    },
    /// An ICMP error that has no number in this version of IP.
    #[error("ICMP{version} has no message for {error}", version = if *.ipv6 { "v6" } else { "" })]
    NoIcmpType {
        /// Which.
        error: IcmpError,
        /// Whether it was to go between IPv6 addresses.
        ipv6: bool,
    },
    /// An ICMP error that does not quote enough of a packet.
    #[error("the ICMP error quotes {octets} octets, which are not a whole IP header and 8 octets behind it")]
    Quote {
        /// How many octets it quotes.
        octets: usize,
    },
    /// A neighbour solicitation or advertisement without a link address, or one that came over a router.
    #[error("the neighbour message has {octets} octets and hop limit {hop_limit}; it must say a link address, with hop limit 255")]
    Neighbour {
        /// How many octets it has.
        octets: usize,
        /// The hop limit it came with.
        hop_limit: u8,
    },
    /// The TCP header is broken or cut off.
    #[error("not a whole TCP header: {cause}")]
    Tcp {
        /// What exactly.
        cause: etherparse::err::tcp::HeaderSliceError,
    },
    /// The checksum of the IPv4 header is wrong.
    #[error("the IPv4 header's checksum is {found:#06x}, it should be {right:#06x}")]
    HeaderChecksum {
        /// What the header says.
        found: u16,
        /// What it should say.
        right: u16,
    },
    /// The checksum of the TCP or UDP header, or of the ICMP message, is wrong.
    #[error("the {protocol} checksum is {found:#06x}, it should be {right:#06x} (or is it filled in later, by the sender's network card?)")]
    Checksum {
        /// Whose.
        protocol: &'static str,
        /// What the header says.
        found: u16,
        /// What it should say.
        right: u16,
    },
}
