//! What a packet carries: a TCP segment, a UDP datagram, an ICMP message, or a question for a link address.
//!
//! Values only, as all of a trace: which octets stand for them is `crate::wire`'s business.

use std::fmt;

use super::End;
use crate::engine::{Ours, Segment, SeqNumber};

/// What a packet carries; `T` holds octets, owned in a trace, borrowed where a packet is read or written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Payload<T = Vec<u8>> {
    /// A TCP segment (RFC 9293).
    Tcp {
        /// The segment, numbered as its sender (or forger) does.
        segment: Segment,
        /// The text it carries, `segment.len` octets.
        text: T,
    },
    /// A UDP datagram (RFC 768).
    Udp {
        /// What the application put into it.
        text: T,
    },
    /// An ICMP message (RFC 792), or ICMPv6 (RFC 4443) between IPv6 addresses.
    Icmp(Icmp<T>),
    /// A question for a link address, or the answer: ARP (RFC 826), or neighbour discovery (RFC 4861) for IPv6.
    ///
    /// The source address is who asks or answers; the destination address is whose link address is wanted, or who
    /// is told.
    Neighbour(Neighbour),
}

/// An ICMP message.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Icmp<T = Vec<u8>> {
    /// Asks for an echo.
    EchoRequest(Echo<T>),
    /// The echo.
    EchoReply(Echo<T>),
    /// Says that a packet came to nothing.
    Error {
        /// What went wrong.
        error: IcmpError,
        /// The MTU of the next hop for [`IcmpError::FragmentationNeeded`], in octets; which octet of the packet is
        /// wrong for [`IcmpError::ParameterProblem`]; 0 otherwise.
        parameter: u32,
        /// The packet that did.
        quote: Quote<T>,
    },
}

/// The part an echo has in common with its request.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Echo<T = Vec<u8>> {
    /// Which process asks.
    pub id: u16,
    /// Which of its requests this is.
    pub seq: u16,
    /// What is to come back unchanged.
    pub text: T,
}

/// The beginning of a packet, as an ICMP error quotes it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Quote<T = Vec<u8>> {
    /// Who sent the quoted packet; port 0 where it has none.
    pub source: End,
    /// Whom it was for.
    pub destination: End,
    /// What it carried.
    pub what: Quoted,
    /// Its octets from the IP header on, cut where the quoting host cuts.
    pub octets: T,
}

/// What the first octets behind the IP header of a quoted packet say.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Quoted {
    /// A segment with this sequence number, as its sender counts.
    Tcp(SeqNumber<Ours>),
    /// A datagram.
    Udp,
    /// A message that asks for an echo, or is one.
    Echo {
        /// Which process asked.
        id: u16,
        /// Which of its requests this was.
        seq: u16,
    },
    /// Another protocol, by its number in the IP header.
    Other(u8),
}

/// A question for a link address, or its answer.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Neighbour {
    /// Who has the destination address? To all on the link; with the link address of who asks.
    Request([u8; 6]),
    /// The source address is at this link address.
    Reply([u8; 6]),
}

macro_rules! icmp_errors {
    ($($(#[$doc:meta])* $variant:ident = $name:literal,)+) => {
        /// What an ICMP error complains of (RFC 792, RFC 1122 section 3.2.2, RFC 1812 section 5.2.7; RFC 4443).
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
        pub enum IcmpError { $($(#[$doc])* $variant,)+ }

        impl IcmpError {
            /// All of them, in the order of their numbers in IPv4.
            pub const ALL: &[Self] = &[$(Self::$variant,)+];

            /// As ladders and scenarios write it.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)+ }
            }
        }
    };
}

icmp_errors! {
    /// No way to that network.
    NetUnreachable = "net unreachable",
    /// The host does not answer on its own link.
    HostUnreachable = "host unreachable",
    /// The host does not speak that protocol.
    ProtocolUnreachable = "protocol unreachable",
    /// Nobody has that port.
    PortUnreachable = "port unreachable",
    /// It is too long for the next hop and must not be cut; ICMPv6 calls it packet too big.
    FragmentationNeeded = "fragmentation needed",
    /// The way its sender prescribed ends.
    SourceRouteFailed = "source route failed",
    /// There is no such network.
    NetUnknown = "net unknown",
    /// There is no such host.
    HostUnknown = "host unknown",
    /// The sender's own host is cut off (obsolete).
    HostIsolated = "source host isolated",
    /// The sender may not speak to that network.
    NetProhibited = "net prohibited",
    /// The sender may not speak to that host.
    HostProhibited = "host prohibited",
    /// No way to that network for this type of service.
    NetUnreachableForService = "net unreachable for service",
    /// No way to that host for this type of service.
    HostUnreachableForService = "host unreachable for service",
    /// A filter forbids it.
    Prohibited = "prohibited",
    /// Its precedence is not permitted there.
    PrecedenceViolation = "precedence violation",
    /// Its precedence is below what the network's operators let pass.
    PrecedenceCutoff = "precedence cutoff",
    /// The destination is beyond the scope of the source address (ICMPv6).
    BeyondScope = "beyond scope",
    /// The source address failed a policy on what comes or goes (ICMPv6).
    PolicyFailed = "policy failed",
    /// The route there is one that rejects (ICMPv6).
    RouteRejects = "route rejects",
    /// Send less (deprecated by RFC 6633).
    SourceQuench = "source quench",
    /// There is a shorter way to that network.
    RedirectNet = "redirect net",
    /// There is a shorter way to that host.
    RedirectHost = "redirect host",
    /// It went over too many hops.
    TimeExceeded = "time exceeded",
    /// Some of its fragments are missing.
    ReassemblyTimeExceeded = "reassembly time exceeded",
    /// An octet of its header cannot be.
    ParameterProblem = "parameter problem",
}

impl IcmpError {
    /// The one of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|error| error.name() == name)
    }
}

impl<T> Payload<T> {
    /// The segment, if it is one.
    pub const fn segment(&self) -> Option<&Segment> {
        match self {
            Self::Tcp { segment, .. } => Some(segment),
            Self::Udp { .. } | Self::Icmp(_) | Self::Neighbour(_) => None,
        }
    }

    /// Whether it is a segment, or an ICMP error about one.
    pub const fn concerns_tcp(&self) -> bool {
        match self {
            Self::Tcp { .. } => true,
            Self::Icmp(Icmp::Error { quote, .. }) => matches!(quote.what, Quoted::Tcp(_)),
            Self::Udp { .. } | Self::Icmp(Icmp::EchoRequest(_) | Icmp::EchoReply(_)) | Self::Neighbour(_) => false,
        }
    }

    /// The protocol, as a person names it.
    pub const fn protocol(&self) -> &'static str {
        match self {
            Self::Tcp { .. } => "TCP",
            Self::Udp { .. } => "UDP",
            Self::Icmp(_) => "ICMP",
            Self::Neighbour(_) => "ARP",
        }
    }

    /// The same with its octets in another form.
    pub fn map<U>(self, octets: impl FnOnce(T) -> U) -> Payload<U> {
        match self {
            Self::Tcp { segment, text } => Payload::Tcp { segment, text: octets(text) },
            Self::Udp { text } => Payload::Udp { text: octets(text) },
            Self::Icmp(Icmp::EchoRequest(echo)) => Payload::Icmp(Icmp::EchoRequest(echo.map(octets))),
            Self::Icmp(Icmp::EchoReply(echo)) => Payload::Icmp(Icmp::EchoReply(echo.map(octets))),
            Self::Icmp(Icmp::Error { error, parameter, quote: Quote { source, destination, what, octets: quoted } }) => {
                Payload::Icmp(Icmp::Error { error, parameter, quote: Quote { source, destination, what, octets: octets(quoted) } })
            }
            Self::Neighbour(neighbour) => Payload::Neighbour(neighbour),
        }
    }
}

impl<T: AsRef<[u8]>> Payload<T> {
    /// The octets it takes along: the text of a segment, a datagram or an echo; what an error quotes.
    #[inline]
    pub fn octets(&self) -> &[u8] {
        match self {
            Self::Tcp { text, .. } | Self::Udp { text } => text.as_ref(),
            Self::Icmp(Icmp::EchoRequest(echo) | Icmp::EchoReply(echo)) => echo.text.as_ref(),
            Self::Icmp(Icmp::Error { quote, .. }) => quote.octets.as_ref(),
            Self::Neighbour(_) => &[],
        }
    }
}

impl Payload<&[u8]> {
    /// The same with octets of its own.
    pub fn to_owned(self) -> Payload {
        self.map(<[u8]>::to_vec)
    }
}

impl<T> Echo<T> {
    fn map<U>(self, octets: impl FnOnce(T) -> U) -> Echo<U> {
        Echo { id: self.id, seq: self.seq, text: octets(self.text) }
    }
}

impl fmt::Display for IcmpError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}
