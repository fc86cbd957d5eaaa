//! Packet lines: who sends, the headers around, what is carried.

use std::net::IpAddr;

use super::super::lex::Kind;
use super::super::syntax::{Body, Direction, Ecn, IpInfo, Outer, Packet, Ports, Span, Spanned};
use super::super::words::DSCP;
use super::{Parsed, Parser, behind, shown, wrong};

/// Largest flow label.
const MAX_FLOW_LABEL: u64 = 0xf_ffff;

/// What may stand in parentheses.
const IP_INFO: &[&str] = &["noecn", "ect0", "ect1", "ect01", "ce", "tos", "class", "dscp", "ecn", "ttl", "hlim", "flowlabel"];

impl Parser<'_> {
    pub(super) fn packet(&mut self) -> Parsed<Packet> {
        let direction = if self.sign('<') { Direction::Inbound } else { Direction::Outbound };
        if direction == Direction::Outbound {
            self.expect_sign('>', "< or > before a packet")?;
        }
        let mut outer = Vec::new();
        while let Some(header) = self.outer(direction)? {
            if outer.len() == MAX_OUTER {
                return Err(self.unexpected(&format!("at most {MAX_OUTER} headers around a packet")));
            }
            outer.push(header);
        }
        let ip = self.ip_info(direction)?;
        let psp = if self.is_name("encap") { Some(self.psp()?) } else { None };
        let body = if self.name("icmp") {
            Body::Icmp(self.icmp()?)
        } else if self.name("udp") {
            let ports = if self.token.kind == Kind::Integer { Some(self.ports()?) } else { None };
            Body::Udp { ports, len: self.length()? }
        } else {
            Body::Tcp(self.segment(direction)?)
        };
        Ok(Packet { direction, outer, ip, psp, body })
    }

    /// A header around the packet, with the colon that ends it.
    fn outer(&mut self, direction: Direction) -> Parsed<Option<Spanned<Outer>>> {
        if self.token.kind != Kind::Word {
            return Ok(None);
        }
        let start = self.token.span.start;
        let value = match self.token.text {
            "ipv4" => self.ip_header(direction, IpAddr::is_ipv4, "an IPv4 address")?,
            "ipv6" => self.ip_header(direction, IpAddr::is_ipv6, "an IPv6 address")?,
            "gre" => Outer::Gre(self.header_text("the : at the end of the GRE header")?),
            "mpls" => Outer::Mpls(self.header_text("the : at the end of the MPLS header")?),
            _ => return Ok(None),
        };
        Ok(Some(Spanned { value, span: Span { start, end: self.end } }))
    }

    fn ip_header(&mut self, direction: Direction, is_family: fn(&IpAddr) -> bool, expected: &str) -> Parsed<Outer> {
        self.take();
        let info = self.ip_info(direction)?;
        let source = self.address(is_family, expected)?;
        self.expect_sign('>', "> between the addresses")?;
        let destination = self.address(is_family, expected)?;
        self.expect_sign(':', "the : at the end of the IP header")?;
        Ok(Outer::Ip { info, source, destination })
    }

    fn address(&mut self, is_family: fn(&IpAddr) -> bool, expected: &str) -> Parsed<IpAddr> {
        let address = if self.token.kind == Kind::Address { self.token.text.parse().ok().filter(is_family) } else { None };
        let address = address.ok_or_else(|| self.unexpected(expected))?;
        self.take();
        Ok(address)
    }

    /// What stands between the name of a header and its colon.
    fn header_text(&mut self, expected: &str) -> Parsed<String> {
        let text = self.lexer.text();
        let start = self.token.span.end;
        let end = behind(text, start, |c| matches!(c, ':' | '\n'));
        if !text[end..].starts_with(':') {
            let end = start + text[start..end].trim_ascii_end().len();
            return Err(wrong(Span { start: end, end }, expected, "the end of the line"));
        }
        self.resume(end + 1);
        Ok(text[start..end].trim_ascii().to_owned())
    }

    /// What stands in `( )` or `[ ]`, if anything does.
    fn ip_info(&mut self, direction: Direction) -> Parsed<IpInfo> {
        let mut info = IpInfo::default();
        let close = match self.token.kind {
            Kind::Sign('(') => ')',
            Kind::Sign('[') => ']',
            _ => return Ok(info),
        };
        self.take();
        loop {
            self.ip_item(direction, &mut info)?;
            if self.sign(close) {
                return Ok(info);
            }
            if !self.sign(',') && self.token.kind != Kind::Word {
                return Err(self.unexpected(&format!(", or {close} behind what is said of the IP header")));
            }
        }
    }

    fn ip_item(&mut self, direction: Direction, info: &mut IpInfo) -> Parsed<()> {
        let start = self.token.span.start;
        let word = if self.token.kind == Kind::Word { self.token.text } else { "" };
        let again = match word {
            "tos" | "class" => {
                self.take();
                info.tos.replace(self.number_u8("the octet behind tos")?).is_some()
            }
            "ttl" | "hlim" => {
                self.take();
                info.ttl.replace(self.number_u8("the time to live")?).is_some()
            }
            "flowlabel" => {
                self.take();
                let label = self.number("the flow label", MAX_FLOW_LABEL)?;
                info.flow_label.replace(u32::try_from(label).unwrap_or(0)).is_some()
            }
            "dscp" => {
                self.take();
                info.dscp.replace(self.dscp()?).is_some()
            }
            "ecn" => {
                self.take();
                info.ecn.replace(self.ecn(direction)?).is_some()
            }
            "noecn" | "ect0" | "ect1" | "ect01" | "ce" => info.ecn.replace(self.ecn(direction)?).is_some(),
            _ => {
                let expected = "noecn, ect0, ect1, ect01, ce, tos, dscp, ecn, ttl, hlim, class or flowlabel";
                return Err(self.unexpected_of(expected, IP_INFO.iter().copied()));
            }
        };
        if again {
            let span = Span { start, end: self.end };
            return Err(wrong(span, "each field of the IP header once", &format!("{} again", shown(word))));
        }
        Ok(())
    }

    fn ecn(&mut self, direction: Direction) -> Parsed<Ecn> {
        const EXPECTED: &str = "noecn, ect0, ect1, ect01 or ce";
        // A number is that of the two bits.
        let ecn = match (self.token.kind, self.token.text) {
            (Kind::Word, "noecn") | (Kind::Integer, "0") => Ecn::NotEct,
            (Kind::Word, "ect0") | (Kind::Integer, "2") => Ecn::Ect0,
            (Kind::Word, "ect1") | (Kind::Integer, "1") => Ecn::Ect1,
            (Kind::Word, "ect01") => Ecn::Ect01,
            (Kind::Word, "ce") | (Kind::Integer, "3") => Ecn::Ce,
            _ => return Err(self.unexpected_of(EXPECTED, EXPECTED.split([',', ' ']))),
        };
        if ecn == Ecn::Ect01 && direction == Direction::Inbound {
            return Err(self.unexpected("ect0 or ect1, for ect01 (either) is only for packets that are expected (>)"));
        }
        self.take();
        Ok(ecn)
    }

    fn dscp(&mut self) -> Parsed<u8> {
        if self.token.kind == Kind::Word {
            let known = DSCP.iter().find(|(name, _)| *name == self.token.text);
            let names = DSCP.iter().map(|(name, _)| *name);
            let (_, value) = known.ok_or_else(|| self.unexpected_of("a code point such as cs0, af11, ef or le", names))?;
            self.take();
            return Ok(*value);
        }
        self.number("a code point such as cs0, af11, ef or le, or a number", 63).map(|value| u8::try_from(value).unwrap_or(0))
    }

    fn psp(&mut self) -> Parsed<Spanned<u32>> {
        let start = self.token.span.start;
        self.take();
        for word in ["psp", "spi"] {
            if !self.name(word) {
                return Err(self.unexpected(&format!("{word}, as in encap psp spi 1")));
            }
        }
        let value = self.number_u32("the security parameter index")?;
        Ok(Spanned { value, span: Span { start, end: self.end } })
    }

    /// `a > b`.
    pub(super) fn ports(&mut self) -> Parsed<Ports> {
        let source = self.number_u16("the source port")?;
        self.expect_sign('>', "> between the ports")?;
        let destination = self.number_u16("the destination port")?;
        Ok(Ports { source, destination })
    }

    /// `(len)`.
    pub(super) fn length(&mut self) -> Parsed<u16> {
        self.expect_sign('(', "( and the length of the text, such as (1000)")?;
        let len = self.number_u16("the length of the text")?;
        self.expect_sign(')', ") behind the length")?;
        Ok(len)
    }
}

/// Most headers around a packet.
const MAX_OUTER: usize = 16;
