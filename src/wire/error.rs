//! What can be wrong with a packet, and what would be right.

use std::net::IpAddr;

use thiserror::Error;

/// Why a segment has no place in a packet, or why octets are no packet with a segment.
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
    /// The frame carries something else than IP.
    #[error("the frame carries EtherType {ether_type:#06x}, not IPv4 (0x0800) or IPv6 (0x86dd)")]
    NotIp {
        /// The protocol number in its header.
        ether_type: u16,
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
    /// The packet carries something else than TCP.
    #[error("the packet carries IP protocol {protocol}, not TCP (6)")]
    NotTcp {
        /// The protocol number in its header.
        protocol: u8,
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
    /// The checksum of the TCP header is wrong.
    #[error("the TCP checksum is {found:#06x}, it should be {right:#06x} (or is it filled in later, by the sender's network card?)")]
    TcpChecksum {
        /// What the header says.
        found: u16,
        /// What it should say.
        right: u16,
    },
}
