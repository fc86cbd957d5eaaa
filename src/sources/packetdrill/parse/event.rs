//! Events: when, and what.

use std::time::Duration;

use super::super::lex::{Kind, Token};
use super::super::syntax::{Direction, Event, Packet, Span, Spanned, Time, What};
use super::{Parsed, Parser, shown, wrong};

/// The longest time that is understood.
const MAX_TIME: Duration = Duration::from_hours(365 * 24);

const TIMES: &str = "a time such as 0.1, +.1, 0.1~0.2, +.1~+.2 or *";

impl Parser<'_> {
    pub(super) fn event(&mut self, before: &[Event]) -> Parsed<Event> {
        self.check_stray(before)?;
        self.began = self.token.span.start;
        let time = self.time()?;
        self.check_time(&time, before)?;
        let end = if self.token.kind == Kind::Ellipsis { Some(self.call_end(&time)?) } else { None };
        let start = self.token.span.start;
        let what = match self.token.kind {
            Kind::Word if self.is_packet_keyword() => {
                return Err(self.unexpected("< or > before a packet"));
            }
            Kind::Word => What::Call(self.system_call(end.clone())?),
            _ if end.is_some() => return Err(self.unexpected("a system call, which alone can last until another time")),
            Kind::Sign('<' | '>') => What::Packet(self.packet()?),
            Kind::Command => What::Command(self.command()),
            Kind::Code => {
                let token = self.take();
                What::Code(Spanned { value: token.text.to_owned(), span: token.span })
            }
            _ => return Err(self.unexpected("a packet (< or >), a system call, a command in backticks or code in %{ }%")),
        };
        let is_expected = matches!(what, What::Packet(Packet { direction: Direction::Outbound, .. }));
        if !is_expected && !matches!(time.value, Time::Absolute(_) | Time::Relative(_)) {
            return Err(self.only_outbound(&time));
        }
        let what = Spanned { value: what, span: Span { start, end: self.end } };
        Ok(Event { span: Span { start: time.span.start, end: self.end }, time, what })
    }

    /// What stands behind an event on its line has to be the next one's time.
    fn check_stray(&self, before: &[Event]) -> Parsed<()> {
        let Some(previous) = before.last() else { return Ok(()) };
        let begins = matches!(self.token.kind, Kind::Integer | Kind::Float | Kind::Sign('+' | '*' | '-') | Kind::Bad { .. });
        if begins || !self.is_on_this_line() {
            return Ok(());
        }
        let (what, names) = match previous.what.value {
            What::Packet(_) => ("packet", &["ack", "win", "urg"][..]),
            What::Call(_) => ("call", &[][..]),
            What::Command(_) => ("command", &[][..]),
            What::Code(_) => ("code", &[][..]),
        };
        Err(self.unexpected_of(&format!("the end of the {what}, or the time of what comes next"), names.iter().copied()))
    }

    fn is_packet_keyword(&self) -> bool {
        matches!(self.token.text, "icmp" | "udp" | "ipv4" | "ipv6" | "gre" | "mpls") && self.token.kind == Kind::Word
    }

    fn time(&mut self) -> Parsed<Spanned<Time>> {
        let start = self.token.span.start;
        if self.is_sign('-') && self.at_option() {
            return Err(self.unexpected("options before the first command and the first event"));
        }
        let value = if self.sign('*') {
            Time::Any
        } else if self.sign('+') {
            let from = self.moment("a time behind the +, such as +.1")?;
            if self.sign('~') {
                self.expect_sign('+', "+ and the end of the range, for its beginning has a + too")?;
                let to = self.moment("the end of the range, such as +.1~+.2")?;
                self.check_range(from, to, start)?;
                Time::RelativeRange(from, to)
            } else {
                Time::Relative(from)
            }
        } else {
            if self.token.kind == Kind::Command {
                return Err(self.unexpected("a time before a command that is neither the first line nor the last"));
            }
            let from = self.moment(TIMES)?;
            if self.sign('~') {
                if self.is_sign('+') {
                    return Err(self.unexpected("the end of the range without a +, for its beginning has none"));
                }
                let to = self.moment("the end of the range, such as 0.1~0.2")?;
                self.check_range(from, to, start)?;
                Time::Range(from, to)
            } else {
                Time::Absolute(from)
            }
        };
        Ok(Spanned { value, span: Span { start, end: self.end } })
    }

    /// Seconds, cut to microseconds.
    fn moment(&mut self, expected: &str) -> Parsed<Duration> {
        let Token { kind, text, span, .. } = self.token;
        let negative = match kind {
            Kind::Integer => text.starts_with('-'),
            Kind::Sign('-') => matches!(self.peek().kind, Kind::Float | Kind::Integer),
            _ => false,
        };
        if negative {
            return Err(self.unexpected("a time that is not negative"));
        }
        if !matches!(kind, Kind::Integer | Kind::Float) {
            return Err(self.unexpected(expected));
        }
        let Some(time) = seconds(text).filter(|time| *time <= MAX_TIME) else {
            return Err(wrong(span, "a time of a year at most", &shown(text)));
        };
        self.take();
        Ok(time)
    }

    fn check_range(&self, from: Duration, to: Duration, start: usize) -> Parsed<()> {
        if from <= to {
            return Ok(());
        }
        let span = Span { start, end: self.end };
        Err(wrong(span, "a range whose end is not before its beginning", &shown(self.written(span))))
    }

    fn written(&self, span: Span) -> &str {
        &self.lexer.text()[span.start..span.end]
    }

    /// `...END` of a call that blocks.
    fn call_end(&mut self, time: &Spanned<Time>) -> Parsed<Spanned<Duration>> {
        let (Time::Absolute(from) | Time::Relative(from)) = time.value else {
            return Err(self.unexpected("what happens, for a call begins at one moment"));
        };
        self.take();
        let start = self.token.span.start;
        if self.is_sign('+') {
            return Err(self.unexpected("when the call returns, without a +: it counts from where its beginning does"));
        }
        let value = self.moment("when the call returns, such as 0.1...0.2")?;
        let span = Span { start, end: self.end };
        if value < from {
            return Err(wrong(span, "a time that is not before the call begins", &shown(self.written(span))));
        }
        Ok(Spanned { value, span })
    }

    fn check_time(&self, time: &Spanned<Time>, before: &[Event]) -> Parsed<()> {
        let found = || shown(self.written(time.span));
        let Some(last) = before.last() else {
            let begins = matches!(time.value, Time::Absolute(Duration::ZERO) | Time::Relative(Duration::ZERO));
            return if begins { Ok(()) } else { Err(wrong(time.span, "the first event at 0 or +0", &found())) };
        };
        let (Time::Absolute(at) | Time::Range(at, _)) = time.value else { return Ok(()) };
        match last.time.value {
            Time::Absolute(previous) | Time::Range(previous, _) if at < previous => {
                let expected = format!("a time that is not before that of the previous event, {}", self.written(last.time.span));
                Err(wrong(time.span, &expected, &found()))
            }
            _ => Ok(()),
        }
    }

    pub(super) fn only_outbound(&self, time: &Spanned<Time>) -> Box<super::Trouble> {
        wrong(time.span, "one moment, for only a packet that is expected (>) may come at several", &shown(self.written(time.span)))
    }
}

/// Decimal seconds, cut to microseconds.
fn seconds(text: &str) -> Option<Duration> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let whole = if whole.is_empty() { 0 } else { whole.parse().ok()? };
    let micros = fraction.bytes().chain(std::iter::repeat(b'0')).take(6).fold(0, |micros, digit| micros * 10 + u32::from(digit - b'0'));
    Some(Duration::new(whole, micros * 1000))
}
