//! Packets as text.

use std::fmt;

use super::super::syntax::{
    Body, Diagnosis, Direction, Echoed, Ecn, IcmpMessage, IpInfo, Number, Options, Outer, Packet, Ports, Segment, SegmentFlags, TcpOption,
};
use super::super::words::{DSCP, EXPERIMENT};
use super::join;

impl fmt::Display for Packet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { direction, outer, ip, psp, body } = self;
        write!(f, "{direction} ")?;
        for header in outer {
            write!(f, "{} ", header.value)?;
        }
        if *ip != IpInfo::default() {
            write!(f, "{ip} ")?;
        }
        if let Some(spi) = psp {
            write!(f, "encap psp spi {} ", spi.value)?;
        }
        write!(f, "{body}")
    }
}

impl fmt::Display for Direction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Inbound => "<",
            Self::Outbound => ">",
        })
    }
}

/// With the colon that ends it.
impl fmt::Display for Outer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ip { info, source, destination } => {
                f.write_str(if source.is_ipv4() { "ipv4 " } else { "ipv6 " })?;
                if *info != IpInfo::default() {
                    write!(f, "{info} ")?;
                }
                write!(f, "{source} > {destination}:")
            }
            Self::Gre(text) => named(f, "gre", text),
            Self::Mpls(text) => named(f, "mpls", text),
        }
    }
}

fn named(f: &mut fmt::Formatter<'_>, name: &str, text: &str) -> fmt::Result {
    write!(f, "{name}{}{text}:", if text.is_empty() { "" } else { " " })
}

/// In brackets; nothing if it says nothing.
impl fmt::Display for IpInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { ecn, tos, dscp, ttl, flow_label } = self;
        let parts = [
            tos.map(|tos| format!("tos 0x{tos:02x}")),
            dscp.map(|dscp| match DSCP.iter().find(|(_, value)| *value == dscp) {
                Some((name, _)) => format!("dscp {name}"),
                None => format!("dscp 0x{dscp:02x}"),
            }),
            ecn.map(|ecn| ecn.to_string()),
            ttl.map(|ttl| format!("ttl {ttl}")),
            flow_label.map(|label| format!("flowlabel 0x{label:x}")),
        ];
        if parts.iter().all(Option::is_none) {
            return Ok(());
        }
        f.write_str("[")?;
        join(f, ",", parts.iter().flatten())?;
        f.write_str("]")
    }
}

impl fmt::Display for Ecn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotEct => "noecn",
            Self::Ect0 => "ect0",
            Self::Ect1 => "ect1",
            Self::Ect01 => "ect01",
            Self::Ce => "ce",
        })
    }
}

impl fmt::Display for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(segment) => segment.fmt(f),
            Self::Udp { ports: Some(ports), len } => write!(f, "udp {ports} ({len})"),
            Self::Udp { ports: None, len } => write!(f, "udp ({len})"),
            Self::Icmp(message) => message.fmt(f),
        }
    }
}

impl fmt::Display for Ports {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} > {}", self.source, self.destination)
    }
}

impl fmt::Display for Segment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { ports, udp, flags, seq, len, ack, window, urgent, options, diagnosis } = self;
        if let Some(ports) = ports {
            write!(f, "{ports} ")?;
        }
        write!(f, "{} ", flags.value)?;
        match seq {
            None => write!(f, "...({len})")?,
            Some(seq) => sequence(f, seq.value, *len)?,
        }
        if let Some(ack) = ack {
            write!(f, " ack {}", ack.value)?;
        }
        if let Some(window) = window {
            write!(f, " win {window}")?;
        }
        if let Some(urgent) = urgent {
            write!(f, " urg {urgent}")?;
        }
        if !options.is_empty() {
            write!(f, " {options}")?;
        }
        if let Some(ports) = udp {
            write!(f, " /udp({ports})")?;
        }
        if let Some(diagnosis) = diagnosis {
            write!(f, " {diagnosis}")?;
        }
        Ok(())
    }
}

fn sequence(f: &mut fmt::Formatter<'_>, seq: Number, len: u16) -> fmt::Result {
    let Number { value, raw } = seq;
    write!(f, "{value}:{}({len}){}", value.wrapping_add(len.into()), if raw { "!" } else { "" })
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.value, if self.raw { "!" } else { "" })
    }
}

impl fmt::Display for SegmentFlags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let letters = [
            (Self::FIN, 'F'),
            (Self::SYN, 'S'),
            (Self::RST, 'R'),
            (Self::PSH, 'P'),
            (Self::URG, 'U'),
            (Self::ECE, 'E'),
            (Self::CWR, 'W'),
            (Self::AE, 'A'),
            (Self::ACK, '.'),
        ];
        let mut text: String = letters.iter().filter(|(bit, _)| self.has(*bit)).map(|(_, letter)| letter).collect();
        if let Some(ace) = self.ace {
            text += &ace.to_string();
        }
        f.write_str(if text.is_empty() { "-" } else { &text })
    }
}

impl Options {
    /// Whether none are written.
    pub fn is_empty(&self) -> bool {
        matches!(self, Self::Listed(options) if options.is_empty())
    }
}

/// In `<` and `>`; nothing if none are written.
impl fmt::Display for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any => f.write_str("<...>"),
            Self::Listed(options) if options.is_empty() => Ok(()),
            Self::Listed(options) => {
                f.write_str("<")?;
                join(f, ",", options.iter().map(|option| &option.value))?;
                f.write_str(">")
            }
        }
    }
}

impl fmt::Display for TcpOption {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nop => f.write_str("nop"),
            Self::Eol => f.write_str("eol"),
            Self::Mss(mss) => write!(f, "mss {mss}"),
            Self::WindowScale(shift) => write!(f, "wscale {shift}"),
            Self::SackPermitted => f.write_str("sackOK"),
            Self::Sack(blocks) => {
                f.write_str("sack")?;
                blocks.iter().try_for_each(|(left, right)| write!(f, " {left}:{right}"))
            }
            Self::Timestamps { val: Some(val), ecr } => write!(f, "TS val {val} ecr {ecr}"),
            Self::Timestamps { val: None, ecr } => write!(f, "TS val ... ecr {ecr}"),
            Self::Md5(None) => f.write_str("md5 valid"),
            Self::Md5(Some(digest)) => with_octets(f, "md5", digest),
            Self::FastOpen(cookie) => with_octets(f, "FO", cookie),
            Self::ExperimentalFastOpen(cookie) => with_octets(f, "FOEXP", cookie),
            Self::AccEcn { order, counters, experimental } => acc_ecn(f, *order, counters, *experimental),
            Self::AckRate(None) => f.write_str("exp-tarr"),
            Self::AckRate(Some(rate)) => write!(f, "exp-tarr {rate}"),
            Self::Generic { kind: EXPERIMENT, data } if let Some((number, data)) = data.split_at_checked(2) => {
                with_octets(f, &format!("exp-{}", hex(number)), data)
            }
            Self::Generic { kind, data } => with_octets(f, &format!("gen-{kind}"), data),
            Self::Raw(octets) => f.write_str(&hex(octets)),
        }
    }
}

fn acc_ecn(f: &mut fmt::Formatter<'_>, order: u8, counters: &[u32], experimental: bool) -> fmt::Result {
    // Only the one dialect writes it without counters, or as an experiment.
    let short = !experimental && !counters.is_empty();
    match (short, experimental) {
        (true, _) => f.write_str("ECN")?,
        (false, true) => write!(f, "exp-AccECN{order}")?,
        (false, false) => write!(f, "AccECN{order}")?,
    }
    let names = if order == 0 { ["e0b", "ceb", "e1b"] } else { ["e1b", "ceb", "e0b"] };
    names.iter().zip(counters).try_for_each(|(name, counter)| write!(f, " {}{name} {counter}", if short { "" } else { "e" }))
}

fn with_octets(f: &mut fmt::Formatter<'_>, name: &str, octets: &[u8]) -> fmt::Result {
    write!(f, "{name}{}{}", if octets.is_empty() { "" } else { " " }, hex(octets))
}

fn hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}

impl fmt::Display for Diagnosis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[code {}", self.code)?;
        if let Some(pen) = self.pen {
            write!(f, ", pen {pen}")?;
        }
        f.write_str("]")
    }
}

impl fmt::Display for IcmpMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kind, code, mtu, id, echoed } = self;
        write!(f, "icmp {}", kind.value)?;
        if let Some(code) = code {
            write!(f, " {}", code.value)?;
        }
        if let Some(mtu) = mtu {
            write!(f, " mtu {mtu}")?;
        }
        if let Some(id) = id {
            write!(f, " id {id}")?;
        }
        match echoed {
            Echoed::Nothing => Ok(()),
            Echoed::Tcp { seq, len } => {
                f.write_str(" [")?;
                sequence(f, *seq, *len)?;
                f.write_str("]")
            }
            Echoed::Udp { len } => write!(f, " [udp ({len})]"),
            Echoed::Raw { len } => write!(f, " [raw ({len})]"),
        }
    }
}
