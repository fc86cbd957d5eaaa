//! TCP segments.

use super::super::lex::{Kind, Token};
use super::super::syntax::{Diagnosis, Direction, Number, Options, Ports, Segment, SegmentFlags, Span, Spanned};
use super::{Parsed, Parser, shown, wrong};

const FLAGS: &str = "the flags: some of S F R P U E W A, . for ACK, a digit from 0 to 7, or - for none";

impl Parser<'_> {
    pub(super) fn segment(&mut self, direction: Direction) -> Parsed<Segment> {
        let has_ports = self.token.kind == Kind::Integer && self.peek().kind == Kind::Sign('>');
        let ports = if has_ports { Some(self.ports()?) } else { None };
        let flags = self.flags()?;
        let mut udp = self.encapsulation()?;
        let (seq, len) = if self.token.kind == Kind::Ellipsis {
            if direction == Direction::Inbound {
                return Err(self.unexpected("start:end(len), for ... is only for packets that are expected (>)"));
            }
            self.take();
            (None, self.length()?)
        } else {
            let (seq, len) = self.sequence("the sequence numbers, start:end(len)")?;
            (Some(seq), len)
        };
        // It is the text of the reset, and may stand where the text does.
        let mut diagnosis = if self.sign('[') { Some(self.diagnosis()?) } else { None };
        let ack = if self.name("ack") { Some(self.mapped("the number behind ack")?) } else { None };
        let window = if self.name("win") { Some(self.number_u16("the window")?) } else { None };
        if window.is_none() && direction == Direction::Inbound {
            return Err(self.unexpected_of("win N, which a packet to the stack under test needs", ["win", "ack"]));
        }
        let urgent = if self.name("urg") { Some(self.number_u16("the urgent pointer")?) } else { None };
        let options = if self.is_sign('<') { self.options(direction)? } else { Options::Listed(Vec::new()) };
        if udp.is_none() {
            udp = self.encapsulation()?;
        }
        if diagnosis.is_none() && self.sign('[') {
            diagnosis = Some(self.diagnosis()?);
        }
        if udp.is_none() {
            udp = self.encapsulation()?;
        }
        if matches!(self.token, Token { kind: Kind::Word, text: "ack" | "win" | "urg", .. }) || self.is_sign('<') {
            return Err(self.unexpected("the end of the packet, for ack, win, urg and <options> stand in this order, each once"));
        }
        Ok(Segment { ports, udp, flags, seq, len, ack, window, urgent, options, diagnosis })
    }

    /// The control bits, letter by letter.
    fn flags(&mut self) -> Parsed<Spanned<SegmentFlags>> {
        let Token { kind, text, span, defined } = self.token;
        let written = &self.lexer.text()[span.start..];
        let is_defined = defined && kind == Kind::Word;
        let run = if is_defined {
            text
        } else {
            &written[..written.find(|c: char| c.is_ascii_whitespace() || c == '/').unwrap_or(written.len())]
        };
        let end = if is_defined { span.end } else { span.start + run.len() };
        if run.contains(':') {
            return Err(wrong(Span { start: span.start, end }, FLAGS, &shown(run)));
        }
        let mut flags = SegmentFlags::default();
        let mut digit = None;
        for (at, letter) in run.char_indices() {
            let bit = match letter {
                'F' => SegmentFlags::FIN,
                'S' => SegmentFlags::SYN,
                'R' => SegmentFlags::RST,
                'P' => SegmentFlags::PSH,
                '.' => SegmentFlags::ACK,
                'U' => SegmentFlags::URG,
                'E' => SegmentFlags::ECE,
                'W' => SegmentFlags::CWR,
                'A' => SegmentFlags::AE,
                '-' if run.len() == 1 => 0,
                '0'..='7' if digit.is_none() => {
                    digit = letter.to_digit(8);
                    continue;
                }
                _ if at == 0 || is_defined => return Err(self.unexpected(FLAGS)),
                _ => {
                    let start = span.start + at;
                    return Err(wrong(Span { start, end: start + letter.len_utf8() }, FLAGS, &shown(&letter.to_string())));
                }
            };
            if flags.bits & bit != 0 {
                return Err(wrong(Span { start: span.start, end }, "each flag once", &shown(run)));
            }
            flags.bits |= bit;
        }
        if run.is_empty() {
            return Err(self.unexpected(FLAGS));
        }
        if digit.is_some() && flags.bits & (SegmentFlags::ECE | SegmentFlags::CWR | SegmentFlags::AE) != 0 {
            let expected = "either a digit or some of E, W and A, for the digit stands for these three";
            return Err(wrong(Span { start: span.start, end }, expected, &shown(run)));
        }
        // A 0 says nothing that the missing letters do not.
        flags.ace = digit.and_then(|digit| u8::try_from(digit).ok()).filter(|digit| *digit > 0);
        self.resume(end);
        Ok(Spanned { value: flags, span: Span { start: span.start, end } })
    }

    /// `/udp(a > b)`, if it stands here.
    fn encapsulation(&mut self) -> Parsed<Option<Ports>> {
        if !self.sign('/') {
            return Ok(None);
        }
        if !self.name("udp") {
            return Err(self.unexpected("udp, as in /udp(9899 > 9899)"));
        }
        self.expect_sign('(', "( and the ports, as in /udp(9899 > 9899)")?;
        let ports = self.ports()?;
        self.expect_sign(')', ") behind the ports")?;
        Ok(Some(ports))
    }

    /// `start:end(len)`, perhaps with a `!` behind it or behind its numbers.
    pub(super) fn sequence(&mut self, expected: &str) -> Parsed<(Spanned<Number>, u16)> {
        let start = self.token.span.start;
        if !matches!(self.token.kind, Kind::Integer) {
            return Err(self.unexpected(expected));
        }
        let value = self.number_u32("the sequence number")?;
        let mut raw = self.sign('!');
        self.expect_sign(':', ": and the end of the sequence numbers, start:end(len)")?;
        let end = self.number_u32("the end of the sequence numbers")?;
        raw |= self.sign('!');
        let end_end = self.end;
        let len = self.length()?;
        if value.wrapping_add(len.into()) != end {
            let expected = format!("{value}:{}({len}), for the end is the start plus the length", value.wrapping_add(len.into()));
            let span = Span { start, end: self.end };
            return Err(wrong(span, &expected, &shown(&self.lexer.text()[start..self.end])));
        }
        let behind = self.sign('!');
        raw |= behind;
        Ok((Spanned { value: Number { value, raw }, span: Span { start, end: if behind { self.end } else { end_end } } }, len))
    }

    /// A number with or without a `!`.
    pub(super) fn mapped(&mut self, what: &str) -> Parsed<Spanned<Number>> {
        let start = self.token.span.start;
        let value = self.number_u32(what)?;
        let raw = self.sign('!');
        Ok(Spanned { value: Number { value, raw }, span: Span { start, end: self.end } })
    }

    /// `code C, pen P]`.
    fn diagnosis(&mut self) -> Parsed<Diagnosis> {
        if !self.name("code") {
            return Err(self.unexpected("code and the reason of the reset, as in [code 1, pen 2]"));
        }
        let code = self.number_u32("the reason of the reset")?;
        let pen = if self.sign(',') {
            if !self.name("pen") {
                return Err(self.unexpected("pen and the number of an enterprise"));
            }
            Some(self.number_u32("the number of an enterprise")?)
        } else {
            None
        };
        self.expect_sign(']', "] behind the reason of the reset")?;
        Ok(Diagnosis { code, pen })
    }
}
