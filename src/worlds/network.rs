//! What a network may do to the packets it carries: acts on single segments, and lasting impairments.
//!
//! Here: the words, and how a scenario writes them. Not here: doing it (`simulated::link`).

use std::fmt;
use std::time::Duration;

use crate::engine::Flags;
use crate::trace::{Damage, HostId, Icmp, Payload};

/// One thing the network does: to a segment by its name, or to whatever passes, by chance or by rate.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Fault {
    /// An act on segments to come.
    Act(NetworkAct),
    /// A property of the link.
    Link {
        /// Of the packets of this host alone; of both directions if `None`.
        from: Option<HostId>,
        /// What it is.
        what: Impairment,
    },
}

/// What the network does to a segment that is still to come.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NetworkAct {
    /// The host whose segment it is.
    pub from: HostId,
    /// Which of its segments.
    pub which: SegmentKind,
    /// How many that match are let through first.
    pub skip: u32,
    /// How many are treated so, counted after those.
    pub count: u32,
    /// What is done.
    pub fate: Fate,
}

/// Kinds of segments by which a network act picks.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum SegmentKind {
    /// SYN without ACK.
    Syn,
    /// SYN with ACK.
    SynAck,
    /// Neither SYN, FIN, RST nor text.
    Ack,
    /// FIN.
    Fin,
    /// RST.
    Rst,
    /// Text, with or without FIN.
    Data,
    /// Whatever comes next.
    Any,
    /// A UDP datagram.
    Udp,
    /// An ICMP echo request or reply.
    Echo,
    /// Any ICMP message.
    Icmp,
    /// A question for a link address or its answer, whether ARP or neighbour discovery.
    Neighbour,
}

/// What the network does to one segment.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Fate {
    /// The segment never arrives.
    Lose,
    /// It arrives this much later than the link alone would bring it.
    Delay(Duration),
    /// It arrives twice; the copy this much after the first.
    Duplicate(Duration),
    /// It arrives behind the next one of its direction.
    Reorder,
    /// It arrives with this bit turned; the last octet, where the segment has none of that number.
    Corrupt(Damage),
}

/// What `corrupt` does where nothing more is said: the last octet, its lowest bit.
pub const LAST_OCTET: Damage = Damage { octet: u16::MAX, bit: 0 };

/// What a link does to all packets of a direction.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Impairment {
    /// Some never arrive.
    Loss(Chance),
    /// Some arrive twice, the copy right behind the first.
    Duplicate(Chance),
    /// Some arrive behind the next one.
    Reorder(Chance),
    /// Some arrive with one bit of their segment turned.
    Corrupt(Chance),
    /// All take longer, by anything up to this; so one may overtake another.
    Jitter {
        /// At most.
        up_to: Duration,
        /// Chooses how much; that of the scenario if `None`.
        seed: Option<u64>,
    },
    /// Octets take time to leave, and packets wait for those before them.
    Rate(Rate),
}

/// How probable something is, and what decides.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Chance {
    /// How probable.
    pub probability: Probability,
    /// Decides, with the order of departures in a direction and nothing else; that of the scenario if `None`.
    pub seed: Option<u64>,
}

/// Parts of 1,000,000,000: a number of percent with at most seven decimals, exactly.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Probability(u32);

/// How fast a link takes octets, and how many may wait for it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Rate {
    /// Bits of IP packets in a second, 1 at least.
    pub bits_per_second: u64,
    /// Where the queue ends; what comes then is dropped. `None`: nowhere.
    pub queue: Option<Queue>,
}

/// What may wait behind the packet that is leaving.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Queue {
    /// So many packets.
    Packets(u32),
    /// So many octets of IP packets.
    Octets(u32),
}

impl Probability {
    /// Certainty.
    pub const ALWAYS: Self = Self(1_000_000_000);

    /// So many parts of 1,000,000,000, if it is no more than all of them.
    pub const fn of_billion(parts: u32) -> Option<Self> {
        if parts <= Self::ALWAYS.0 { Some(Self(parts)) } else { None }
    }

    /// Its parts of 1,000,000,000.
    pub const fn parts(self) -> u32 {
        self.0
    }

    /// What a scenario writes: `2%`, `0.1%`; at most seven decimals.
    pub fn parse(text: &str) -> Option<Self> {
        let (whole, decimals) = text.strip_suffix('%').map(|number| number.split_once('.').unwrap_or((number, "0")))?;
        let digits = |text: &str, most: usize| (1..=most).contains(&text.len()) && text.bytes().all(|octet| octet.is_ascii_digit());
        if !digits(whole, 3) || !digits(decimals, 7) {
            return None;
        }
        let parts = format!("{whole}{decimals:0<7}").parse::<u64>().ok()?;
        u32::try_from(parts).ok().and_then(Self::of_billion)
    }
}

impl fmt::Display for Probability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, rest) = (self.0 / 10_000_000, self.0 % 10_000_000);
        let decimals = format!(".{rest:07}");
        write!(f, "{whole}{}%", decimals.trim_end_matches('0').trim_end_matches('.'))
    }
}

impl SegmentKind {
    /// All kinds.
    pub const ALL: [Self; 11] = [
        Self::Syn,
        Self::SynAck,
        Self::Ack,
        Self::Fin,
        Self::Rst,
        Self::Data,
        Self::Udp,
        Self::Echo,
        Self::Icmp,
        Self::Neighbour,
        Self::Any,
    ];

    /// As a scenario writes it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Syn => "SYN",
            Self::SynAck => "SYN,ACK",
            Self::Ack => "ACK",
            Self::Fin => "FIN",
            Self::Rst => "RST",
            Self::Data => "data",
            Self::Any => "any",
            Self::Udp => "UDP",
            Self::Echo => "echo",
            Self::Icmp => "ICMP",
            Self::Neighbour => "ARP",
        }
    }

    /// Whether `payload` is of this kind.
    pub fn matches(self, payload: &Payload) -> bool {
        let Some(segment) = payload.segment() else {
            return match self {
                Self::Any => true,
                Self::Udp => matches!(payload, Payload::Udp { .. }),
                Self::Echo => matches!(payload, Payload::Icmp(Icmp::EchoRequest(_) | Icmp::EchoReply(_))),
                Self::Icmp => matches!(payload, Payload::Icmp(_)),
                Self::Neighbour => matches!(payload, Payload::Neighbour(_)),
                Self::Syn | Self::SynAck | Self::Ack | Self::Fin | Self::Rst | Self::Data => false,
            };
        };
        let (syn, ack) = (segment.has(Flags::SYN), segment.has(Flags::ACK));
        match self {
            Self::Syn => syn && !ack,
            Self::SynAck => syn && ack,
            Self::Ack => ack && !segment.flags.intersects(Flags::SYN | Flags::FIN | Flags::RST) && segment.len == 0,
            Self::Fin => segment.has(Flags::FIN),
            Self::Rst => segment.has(Flags::RST),
            Self::Data => segment.len > 0,
            Self::Any => true,
            Self::Udp | Self::Echo | Self::Icmp | Self::Neighbour => false,
        }
    }
}

impl fmt::Display for NetworkAct {
    /// As a scenario writes it behind the host: `lose FIN#2`, `delay SYN 30ms`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let nth = if self.skip == 0 { String::new() } else { format!("#{}", u64::from(self.skip) + 1) };
        let which = self.which.name();
        match self.fate {
            Fate::Lose => write!(f, "lose {which}{nth}")?,
            Fate::Delay(by) => write!(f, "delay {which}{nth} {}", humantime::format_duration(by))?,
            Fate::Duplicate(by) => write!(f, "duplicate {which}{nth} {}", humantime::format_duration(by))?,
            Fate::Reorder => write!(f, "reorder {which}{nth}")?,
            Fate::Corrupt(LAST_OCTET) => write!(f, "corrupt {which}{nth}")?,
            Fate::Corrupt(Damage { octet: u16::MAX, bit }) => write!(f, "corrupt {which}{nth} bit {bit}")?,
            Fate::Corrupt(Damage { octet, bit }) => write!(f, "corrupt {which}{nth} octet {octet} bit {bit}")?,
        }
        if self.count == 1 { Ok(()) } else { write!(f, " times {}", self.count) }
    }
}

impl fmt::Display for Impairment {
    /// As a scenario writes it behind the direction: `loss 2% seed 7`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Loss(chance) => write!(f, "loss {chance}"),
            Self::Duplicate(chance) => write!(f, "duplicate {chance}"),
            Self::Reorder(chance) => write!(f, "reorder {chance}"),
            Self::Corrupt(chance) => write!(f, "corrupt {chance}"),
            Self::Jitter { up_to, seed } => write!(f, "jitter {}{}", humantime::format_duration(*up_to), Seed(*seed)),
            Self::Rate(rate) => write!(f, "rate {rate}"),
        }
    }
}

impl fmt::Display for Chance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.probability, Seed(self.seed))
    }
}

/// ` seed 7`, or nothing.
struct Seed(Option<u64>);

impl fmt::Display for Seed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.map_or(Ok(()), |seed| write!(f, " seed {seed}"))
    }
}

impl Rate {
    /// The units of a rate, largest first, with their bits per second.
    pub const UNITS: [(&str, u64); 4] = [("Gbit", 1_000_000_000), ("Mbit", 1_000_000), ("kbit", 1000), ("bit", 1)];
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fits = |(_, bits): &&(&str, u64)| self.bits_per_second.is_multiple_of(*bits);
        let (unit, bits) = Self::UNITS.iter().find(fits).unwrap_or(&("bit", 1));
        write!(f, "{}{unit}", self.bits_per_second / bits)?;
        match self.queue {
            None => Ok(()),
            Some(Queue::Packets(packets)) => write!(f, " queue {packets}"),
            Some(Queue::Octets(octets)) => write!(f, " queue {octets} octets"),
        }
    }
}

impl fmt::Display for Fault {
    /// As a scenario writes it: `lose A:FIN#2`, `link A>B loss 2% seed 7`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = |host: HostId| if host.0 == 0 { "A" } else { "B" };
        match self {
            Self::Act(act) => {
                let text = act.to_string();
                let (verb, rest) = text.split_once(' ').unwrap_or((&text, ""));
                write!(f, "{verb} {}:{rest}", name(act.from))
            }
            Self::Link { from: None, what } => write!(f, "link {what}"),
            Self::Link { from: Some(from), what } => {
                write!(f, "link {}>{} {what}", name(*from), name(HostId(1 - from.0.min(1))))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentage_is_kept_exactly() {
        for text in ["0%", "2%", "0.1%", "100%", "0.0000001%", "99.9999999%", "12.5%"] {
            assert_eq!(Probability::parse(text).expect(text).to_string(), text);
        }
        assert_eq!(Probability::parse("0.1%").map(Probability::parts), Some(1_000_000));
        assert_eq!(Probability::parse("100%"), Some(Probability::ALWAYS));
    }

    #[test]
    fn what_is_no_percentage_is_none() {
        for text in ["", "%", "2", ".5%", "2.%", "100.0000001%", "101%", "-1%", "1e2%", "0.00000001%", "+1%", "1 %"] {
            assert_eq!(Probability::parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_rate_is_written_in_its_largest_whole_unit() {
        let rate = |bits_per_second, queue| Rate { bits_per_second, queue }.to_string();
        assert_eq!(rate(1_000_000, Some(Queue::Packets(10))), "1Mbit queue 10");
        assert_eq!(rate(1500, Some(Queue::Octets(3000))), "1500bit queue 3000 octets");
        assert_eq!(rate(64_000, None), "64kbit");
    }
}
