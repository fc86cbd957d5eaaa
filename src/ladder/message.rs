//! The notation of packets that carry no segment: of the RFC's family, but their own fields.

use std::fmt;

use crate::trace::{Echo, End, Icmp, IcmpError, Neighbour, Packet, Payload, Quoted};

/// The fields of a datagram, an ICMP message or a question for a link address that a rung shows.
///
/// The first says what it is; the others are not compared where they are absent. What stands behind an ICMP error is
/// what it quotes.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Message {
    fields: Vec<(Name, String)>,
}

/// The names of fields.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Name {
    /// A datagram, from port to port: `49152 to 7007`.
    Udp,
    /// A quoted segment, from port to port.
    Tcp,
    /// An ICMP message, in words: `echo request`.
    Icmp,
    /// A question for the link address of an IPv4 address, or its answer: `who has 192.0.2.2`.
    Arp,
    /// The same for an IPv6 address.
    NeighbourDiscovery,
    /// Which process asks for an echo.
    Id,
    /// Which of its requests it is; of a quoted segment its SEG.SEQ.
    Seq,
    /// Octets of text.
    Len,
    /// The MTU of the next hop, octets.
    Mtu,
    /// The protocol of a quoted packet, by number.
    Protocol,
}

impl Name {
    /// All names.
    pub const ALL: [Self; 10] =
        [Self::Udp, Self::Tcp, Self::Icmp, Self::Arp, Self::NeighbourDiscovery, Self::Id, Self::Seq, Self::Len, Self::Mtu, Self::Protocol];

    /// As it is written.
    pub const fn text(self) -> &'static str {
        match self {
            Self::Udp => "UDP",
            Self::Tcp => "TCP",
            Self::Icmp => "ICMP",
            Self::Arp => "ARP",
            Self::NeighbourDiscovery => "ND",
            Self::Id => "ID",
            Self::Seq => "SEQ",
            Self::Len => "LEN",
            Self::Mtu => "MTU",
            Self::Protocol => "PROTO",
        }
    }

    /// The one that is written so.
    pub fn named(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|name| name.text() == text)
    }

    /// Whether a message can begin with it.
    pub const fn begins(self) -> bool {
        match self {
            Self::Udp | Self::Icmp | Self::Arp | Self::NeighbourDiscovery => true,
            Self::Tcp | Self::Id | Self::Seq | Self::Len | Self::Mtu | Self::Protocol => false,
        }
    }

    /// Whether `value` can stand behind it.
    pub fn takes(self, value: &str) -> bool {
        let number = |text: &str, most: u64| {
            text.parse().is_ok_and(|number: u64| number <= most && text.bytes().all(|octet| octet.is_ascii_digit()))
        };
        let short = |text: &str| number(text, u64::from(u16::MAX));
        match self {
            Self::Udp | Self::Tcp => value.split_once(" to ").is_some_and(|(from, to)| short(from) && short(to)),
            Self::Icmp => [REQUEST, REPLY].contains(&value) || IcmpError::named(value).is_some(),
            Self::Arp | Self::NeighbourDiscovery => neighbour_words(value),
            Self::Id | Self::Len => short(value),
            Self::Seq | Self::Mtu => number(value, u64::from(u32::MAX)),
            Self::Protocol => number(value, 255),
        }
    }

    /// What stands behind it, for a message that says what would be right.
    pub const fn expected(self) -> &'static str {
        match self {
            Self::Udp | Self::Tcp => "two ports, such as 49152 to 7007",
            Self::Icmp => "echo request, echo reply, or an error such as port unreachable",
            Self::Arp | Self::NeighbourDiscovery => "who has ADDRESS, or ADDRESS is at LINK ADDRESS",
            Self::Id | Self::Len => "a whole number from 0 to 65535",
            Self::Seq | Self::Mtu => "a whole number from 0 to 4294967295",
            Self::Protocol => "a whole number from 0 to 255",
        }
    }
}

const REQUEST: &str = "echo request";
const REPLY: &str = "echo reply";

/// Whether this is what a question for a link address, or its answer, reads like.
fn neighbour_words(value: &str) -> bool {
    let address = |text: &str| text.parse::<std::net::IpAddr>().is_ok();
    let octet = |text: &str| text.len() == 2 && text.bytes().all(|digit| digit.is_ascii_hexdigit());
    let link = |text: &str| text.split(':').count() == 6 && text.split(':').all(octet);
    match value.strip_prefix("who has ") {
        Some(wanted) => address(wanted),
        None => value.split_once(" is at ").is_some_and(|(whose, at)| address(whose) && link(at)),
    }
}

impl Message {
    /// All fields of what `packet` carries; none for a segment, which has fields of its own.
    pub fn of(packet: &Packet) -> Self {
        let mut message = Self::default();
        match &packet.payload {
            Payload::Tcp { .. } => {}
            Payload::Udp { text } => {
                message.push(Name::Udp, ports(packet.source, packet.destination));
                message.push(Name::Len, text.len().to_string());
            }
            Payload::Icmp(Icmp::EchoRequest(echo)) => message.echo(REQUEST, echo),
            Payload::Icmp(Icmp::EchoReply(echo)) => message.echo(REPLY, echo),
            Payload::Icmp(Icmp::Error { error, parameter, quote }) => {
                message.push(Name::Icmp, error.name().to_owned());
                if *error == IcmpError::FragmentationNeeded {
                    message.push(Name::Mtu, parameter.to_string());
                }
                match quote.what {
                    Quoted::Tcp(seq) => {
                        message.push(Name::Tcp, ports(quote.source, quote.destination));
                        message.push(Name::Seq, seq.get().to_string());
                    }
                    Quoted::Udp => message.push(Name::Udp, ports(quote.source, quote.destination)),
                    Quoted::Echo { id, seq } => {
                        message.push(Name::Id, id.to_string());
                        message.push(Name::Seq, seq.to_string());
                    }
                    Quoted::Other(protocol) => message.push(Name::Protocol, protocol.to_string()),
                }
            }
            Payload::Neighbour(neighbour) => {
                let name = if packet.source.address.is_ipv4() { Name::Arp } else { Name::NeighbourDiscovery };
                let words = match neighbour {
                    Neighbour::Request(_) => format!("who has {}", packet.destination.address),
                    Neighbour::Reply(link) => {
                        format!("{} is at {}", packet.source.address, link.map(|octet| format!("{octet:02x}")).join(":"))
                    }
                };
                message.push(name, words);
            }
        }
        message
    }

    fn echo(&mut self, words: &str, echo: &Echo) {
        self.push(Name::Icmp, words.to_owned());
        self.push(Name::Id, echo.id.to_string());
        self.push(Name::Seq, echo.seq.to_string());
        self.push(Name::Len, echo.text.len().to_string());
    }

    /// Appends a field.
    pub fn push(&mut self, name: Name, value: String) {
        self.fields.push((name, value));
    }

    /// Whether it has this field already.
    pub fn has(&self, name: Name) -> bool {
        self.fields.iter().any(|(own, _)| *own == name)
    }

    /// Whether `self`, an expectation, holds for `actual`, which has all fields.
    pub fn holds_for(&self, actual: &Self) -> bool {
        self.fields.iter().all(|field| actual.fields.contains(field))
    }
}

fn ports(source: End, destination: End) -> String {
    format!("{} to {}", source.port, destination.port)
}

impl fmt::Display for Message {
    /// `<UDP=49152 to 7007><LEN=5>`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.fields.iter().try_for_each(|(name, value)| write!(f, "<{}={value}>", name.text()))
    }
}
