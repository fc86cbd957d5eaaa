//! A place in one line of a scenario: the words, numbers and fields that can stand there.
//!
//! Not here: what a whole line means (`parse`), how a mistake is shown (`mistake`).
#![expect(clippy::unnecessary_box_returns, reason = "a mistake is made to be the error of a `Parsed`")]

use std::net::IpAddr;
use std::time::Duration;

use super::{Forged, state_named};
use crate::engine::profile::{KNOBS, KnobError};
use crate::engine::{Flags, Profile, State, TcpOptions};
use crate::ladder::{Fields, Message, Name, Sign};
use crate::mistake::Mistake;
use crate::nearest::nearest;
use crate::worlds::{Claim, SegmentKind, SocketOption};

/// What was read, or the mistake that was found instead.
pub(super) type Parsed<T> = Result<T, Box<Mistake>>;

/// A place in one line.
#[derive(Clone)]
pub(super) struct Cursor<'a> {
    pub(super) number: usize,
    pub(super) line: &'a str,
    /// Octets read.
    pub(super) at: usize,
}

impl<'a> Cursor<'a> {
    pub(super) fn rest(&self) -> &'a str {
        &self.line[self.at..]
    }

    pub(super) fn skip(&mut self, octets: usize) {
        self.at += octets;
    }

    pub(super) fn skip_space(&mut self) {
        self.at = self.line.len() - self.rest().trim_start().len();
    }

    pub(super) fn finish(&mut self) {
        self.at = self.line.len();
    }

    /// The next word without taking it; ends at white space or at `<`.
    pub(super) fn peek_word(&self) -> &'a str {
        let rest = self.rest().trim_start();
        let end = rest.char_indices().find(|(at, c)| c.is_whitespace() || (*c == '<' && *at > 0)).map_or(rest.len(), |(at, _)| at);
        &rest[..end]
    }

    pub(super) fn word(&mut self) -> &'a str {
        self.skip_space();
        let word = self.peek_word();
        self.skip(word.len());
        word
    }

    /// Whether nothing but white space or a comment is left.
    pub(super) fn at_end(&self) -> bool {
        let rest = self.rest().trim_start();
        rest.is_empty() || rest.starts_with('#')
    }

    pub(super) fn end(&self) -> Parsed<()> {
        if self.at_end() { Ok(()) } else { Err(self.mistake_word("the end of the line", [])) }
    }

    pub(super) fn text(&mut self, expected: &str) -> Parsed<String> {
        let text = self.rest().trim();
        if text.is_empty() {
            return Err(self.mistake_at_end(expected));
        }
        self.finish();
        Ok(text.to_owned())
    }

    pub(super) fn duration(&mut self) -> Parsed<Duration> {
        let before = self.clone();
        let word = self.word();
        let parsed = humantime::parse_duration(word).ok().filter(|duration| *duration <= MAX_DURATION);
        parsed.ok_or_else(|| before.mistake_word("a duration such as 10ms or 1s, a year at most", []))
    }

    pub(super) fn number(&mut self, expected: &str, max: u64) -> Parsed<u64> {
        let before = self.clone();
        whole(self.word()).filter(|number| *number <= max).ok_or_else(|| {
            let limit = if max == u64::MAX { String::new() } else { format!(", a whole number from 0 to {max}") };
            before.mistake_word(&format!("{expected}{limit}"), [])
        })
    }

    pub(super) fn number_u32(&mut self, expected: &str) -> Parsed<u32> {
        self.number(expected, u64::from(u32::MAX)).map(|number| u32::try_from(number).unwrap_or(u32::MAX))
    }

    /// Numbers to the end of the line, separated by white space, a comma, or both.
    pub(super) fn numbers_u32(&mut self, expected: &str) -> Parsed<Vec<u32>> {
        let mut numbers = Vec::new();
        loop {
            self.skip_space();
            let word = self.peek_word();
            let word = &word[..word.find(',').unwrap_or(word.len())];
            let Some(number) = whole(word).and_then(|number| u32::try_from(number).ok()) else {
                let expected = format!("{expected}, a whole number from 0 to {}", u32::MAX);
                return Err(if word.is_empty() {
                    self.mistake_word(&expected, [])
                } else {
                    self.mistake_span(word.len(), &expected, [].into_iter())
                });
            };
            numbers.push(number);
            self.skip(word.len());
            self.skip_space();
            if self.rest().starts_with(',') {
                self.skip(1);
            } else if self.at_end() {
                return Ok(numbers);
            }
        }
    }

    pub(super) fn number_u16(&mut self, expected: &str) -> Parsed<u16> {
        self.number(expected, u64::from(u16::MAX)).map(|number| u16::try_from(number).unwrap_or(u16::MAX))
    }

    /// A number that is not zero.
    pub(super) fn number_from_1<T: TryFrom<u64> + Into<u64>>(&mut self, expected: &str, max: T) -> Parsed<T> {
        let before = self.clone();
        let max = max.into();
        let number = whole(self.word()).filter(|number| (1..=max).contains(number)).and_then(|number| T::try_from(number).ok());
        number.ok_or_else(|| before.mistake_word(&format!("{expected}, a whole number from 1 to {max}"), []))
    }

    /// A word, and the IP address behind it.
    pub(super) fn address(&mut self) -> Parsed<IpAddr> {
        self.word();
        let before = self.clone();
        self.word().parse().map_err(|_| before.mistake_word("an IP address, such as 198.51.100.7", []))
    }

    /// The number behind a word, and the word.
    pub(super) fn argument(&mut self, expected: &str) -> Parsed<u16> {
        self.word();
        self.number_u16(expected)
    }

    pub(super) fn mtu(&mut self) -> Parsed<u16> {
        let before = self.clone();
        let mtu = self.number_u16("an MTU")?;
        // RFC 791: every link carries 68 octets.
        if mtu < 68 { Err(before.mistake_word("an MTU of at least 68 octets", [])) } else { Ok(mtu) }
    }

    pub(super) fn profile(&mut self) -> Parsed<String> {
        let before = self.clone();
        let word = self.word();
        if Profile::named(word).is_none() {
            return Err(before.mistake_word(&Profile::NAMES.join(" or "), Profile::NAMES));
        }
        Ok(word.to_owned())
    }

    /// `msl=1s`: a knob that exists and a value it takes.
    pub(super) fn knob(&mut self) -> Parsed<(String, String)> {
        let before = self.clone();
        let word = self.word();
        let Some((name, value)) = word.split_once('=') else {
            return Err(before.mistake_word("a knob and its value, such as msl=1s", []));
        };
        let mut at = Cursor { at: self.at - word.len(), ..self.clone() };
        match Profile::rfc9293().set(name, value) {
            Ok(()) => Ok((name.to_owned(), value.to_owned())),
            Err(KnobError::Unknown { .. }) => {
                let names = KNOBS.iter().map(|knob| knob.name);
                Err(at.mistake_span(name.len(), "a knob (synfin list knobs has them)", names))
            }
            Err(KnobError::Value { expected, .. }) => {
                at.skip(name.len() + 1);
                Err(at.mistake_span(value.len(), &format!("{expected} for {name}"), [].into_iter()))
            }
        }
    }

    pub(super) fn choice<T: Copy>(&mut self, expected: &str, choices: &[(&'static str, T)]) -> Parsed<T> {
        let before = self.clone();
        let word = self.word();
        let found = choices.iter().find(|(name, _)| *name == word);
        found.map(|(_, value)| *value).ok_or_else(|| before.mistake_word(expected, choices.iter().map(|(name, _)| *name)))
    }

    pub(super) fn socket_option(&mut self) -> Parsed<SocketOption> {
        let on_off: &[(&'static str, bool)] = &[("on", true), ("off", false)];
        let before = self.clone();
        Ok(match self.word() {
            "nodelay" => SocketOption::NoDelay(self.choice("on or off", on_off)?),
            "quickack" => SocketOption::QuickAck(self.choice("on or off", on_off)?),
            "maxseg" => {
                let before = self.clone();
                let octets = self.number_u16("octets")?;
                if octets == 0 {
                    return Err(before.mistake_word("at least 1 octet", []));
                }
                SocketOption::MaxSeg(octets)
            }
            "linger" if self.peek_word() == "off" => {
                self.word();
                SocketOption::Linger(None)
            }
            "linger" => SocketOption::Linger(Some(self.number_u16("off, or seconds")?)),
            "user-timeout" => {
                let millis = self.duration()?.as_millis();
                SocketOption::UserTimeout(u32::try_from(millis).unwrap_or(u32::MAX))
            }
            "keepalive" => SocketOption::KeepAlive(self.choice("on or off", on_off)?),
            "keepidle" => SocketOption::KeepIdle(self.number_from_1("seconds", u16::MAX)?),
            "keepintvl" => SocketOption::KeepInterval(self.number_from_1("seconds", u16::MAX)?),
            "keepcnt" => SocketOption::KeepCount(self.number_from_1("probes", u8::MAX)?),
            _ => {
                let names = ["nodelay", "quickack", "maxseg", "linger", "user-timeout", "keepalive", "keepidle", "keepintvl", "keepcnt"];
                let expected = "nodelay, quickack, maxseg, linger, user-timeout, keepalive, keepidle, keepintvl or keepcnt";
                return Err(before.mistake_word(expected, names));
            }
        })
    }

    /// `100`, or `"text"` in double quotes.
    pub(super) fn send_text(&mut self) -> Parsed<Vec<u8>> {
        self.skip_space();
        if let Some(quoted) = self.rest().strip_prefix('"') {
            let Some(end) = quoted.find('"') else {
                return Err(self.mistake_at_end("a closing quotation mark"));
            };
            self.skip(end + 2);
            return Ok(quoted.as_bytes()[..end].to_vec());
        }
        let before = self.clone();
        let octets = self.number_u32("how many octets (or a text in quotation marks)")?;
        if octets > MAX_SEND {
            return Err(before.mistake_word(&format!("at most {MAX_SEND} octets"), []));
        }
        // Letters, so that a capture shows where in the stream a segment stands.
        Ok((b'a'..=b'z').cycle().take(octets as usize).collect())
    }

    /// `FIN`, or `FIN#2` for the second one to come.
    pub(super) fn segment_kind(&mut self) -> Parsed<(SegmentKind, u32)> {
        let before = self.clone();
        let word = self.word();
        let (name, nth) = word.split_once('#').unwrap_or((word, "1"));
        let kind = SegmentKind::ALL.into_iter().find(|known| known.name().eq_ignore_ascii_case(name));
        let names = SegmentKind::ALL.map(SegmentKind::name);
        let expected = "a kind of packet (SYN, SYN,ACK, ACK, FIN, RST, data, UDP, echo, ICMP, ARP or any), the second one as FIN#2";
        let kind = kind.ok_or_else(|| before.mistake_word(expected, names))?;
        let nth = whole(nth).and_then(|nth| u32::try_from(nth).ok()).filter(|nth| *nth > 0);
        let nth = nth.ok_or_else(|| before.mistake_word("a number from 1 behind the #, as in FIN#2", []))?;
        // White space before the number would make a comment of it, and the first segment the one meant.
        if self.rest().trim_start().strip_prefix('#').is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit())) {
            self.skip_space();
            let found = self.peek_word();
            return Err(self.mistake_span(
                found.len(),
                &format!("{name}{found} in one word, or a comment with a space behind the #"),
                [].into_iter(),
            ));
        }
        Ok((kind, nth - 1))
    }

    /// `from ADDRESS` and `port NUMBER` before a forged segment, each once, if at all.
    pub(super) fn claim(&mut self) -> Parsed<Claim> {
        let mut claim = Claim::default();
        loop {
            match self.peek_word() {
                "from" if claim.address.is_none() => {
                    let address = self.address()?;
                    claim.address = Some(address);
                }
                "port" if claim.port.is_none() => claim.port = Some(self.argument("a port")?),
                word if word.starts_with('<') => return Ok(claim),
                _ => return Err(self.mistake_word("from, port (each once), or a segment such as <SEQ=100><CTL=SYN>", ["from", "port"])),
            }
        }
    }

    pub(super) fn forged(&mut self) -> Parsed<Forged> {
        let before = self.clone();
        let fields = self.fields()?;
        let (Some(seq), Some(flags)) = (fields.seq, fields.flags) else {
            return Err(before.mistake_word("a segment with at least <SEQ=number> and <CTL=flags>", []));
        };
        if flags.contains(Flags::ACK) && fields.ack.is_none() {
            return Err(before.mistake_word("<ACK=number> in a segment with CTL ACK", []));
        }
        if flags.contains(Flags::URG) != fields.urgent.is_some() {
            return Err(before.mistake_word("<UP=number> in a segment with CTL URG, and in no other", []));
        }
        let options = fields.options.as_deref().map_or(Some(TcpOptions::NONE), TcpOptions::spelled);
        let Some(options) = options.map(TcpOptions::padded) else {
            return Err(before.mistake_word("options of a forged segment that fit 40 octets", []));
        };
        let len = fields.len.unwrap_or(0);
        if len > MAX_FORGED {
            return Err(before.mistake_word(&format!("a LEN that fits one IP packet, {MAX_FORGED} at most"), []));
        }
        let (urgent, window) = (fields.urgent.unwrap_or(0), fields.window.unwrap_or(u16::MAX));
        Ok(Forged { seq, ack: fields.ack.unwrap_or(0), flags, len, urgent, window, options })
    }

    pub(super) fn state(&mut self) -> Option<State> {
        let state = state_named(self.peek_word())?;
        self.word();
        Some(state)
    }

    pub(super) fn sign(&mut self) -> Option<Sign> {
        let rest = self.rest().trim_start();
        let sign = Sign::ALL.into_iter().find(|sign| rest.starts_with(sign.text()))?;
        self.skip_space();
        self.skip(sign.text().len());
        Some(sign)
    }

    /// A run of `<NAME=value>`.
    pub(super) fn fields(&mut self) -> Parsed<Fields> {
        let mut fields = Fields::default();
        let mut any = false;
        loop {
            self.skip_space();
            let rest = self.rest();
            if !rest.starts_with('<') || rest.starts_with("<--") {
                break;
            }
            any = true;
            self.field(&mut fields)?;
        }
        if any { Ok(fields) } else { Err(self.mistake_word("a segment such as <SEQ=100><CTL=SYN>", [])) }
    }

    /// The fields of a packet that is no segment, if the next field is one that such a packet begins with.
    pub(super) fn message(&mut self) -> Parsed<Option<Message>> {
        self.skip_space();
        let first = |rest: &str| Name::named(rest.strip_prefix('<')?.split_once('=')?.0);
        if !first(self.rest()).is_some_and(Name::begins) {
            return Ok(None);
        }
        let mut message = Message::default();
        while let rest = self.rest()
            && rest.starts_with('<')
            && !rest.starts_with("<--")
        {
            let Some(end) = rest.find('>') else { return Err(self.mistake_at_end("> behind the field")) };
            self.skip(1);
            let inner = &rest[1..end];
            let (name, value) = inner.split_once('=').unwrap_or((inner, ""));
            let known = Name::named(name).ok_or_else(|| {
                let names = Name::ALL.map(Name::text);
                self.mistake_span(name.len(), &names.join(", "), names.into_iter())
            })?;
            if message.has(known) {
                return Err(self.mistake_span(name.len(), "each field only once", [].into_iter()));
            }
            if !known.takes(value) {
                let at_value = Cursor { at: self.at + (name.len() + 1).min(inner.len()), ..self.clone() };
                return Err(at_value.mistake_span(value.len(), known.expected(), [].into_iter()));
            }
            message.push(known, value.to_owned());
            self.skip(inner.len() + 1);
            self.skip_space();
        }
        Ok(Some(message))
    }

    pub(super) fn field(&mut self, fields: &mut Fields) -> Parsed<()> {
        let inner = &self.rest()[1..];
        let Some(end) = inner.find('>') else {
            return Err(self.mistake_at_end("> behind the field"));
        };
        let inner = &inner[..end];
        // The next > is of the next field, or of a sign: this field has none.
        if let Some(end) = inner.find('<').or_else(|| inner.strip_suffix("--").map(|inner| inner.trim_end().len())) {
            self.skip(1 + end);
            return Err(self.mistake_span(0, "> behind the field", [].into_iter()));
        }
        self.skip(1);
        let Some((name, value)) = inner.split_once('=') else {
            let mut mistake = self.mistake_span(inner.len(), "NAME=value between < and >", [].into_iter());
            // The RFC's figures write <DATA>; here the octets are counted.
            mistake.hint = (inner == "DATA").then(|| "LEN=1".to_owned());
            return Err(mistake);
        };
        let at_value = Cursor { at: self.at + name.len() + 1, ..self.clone() };
        let number = |max: u32| {
            let parsed = whole(value).and_then(|number| u32::try_from(number).ok()).filter(|number| *number <= max);
            parsed.ok_or_else(|| at_value.mistake_span(value.len(), &format!("a whole number from 0 to {max}"), [].into_iter()))
        };
        let again = match name {
            "SEQ" => fields.seq.replace(number(u32::MAX)?).is_some(),
            "ACK" => fields.ack.replace(number(u32::MAX)?).is_some(),
            "LEN" => fields.len.replace(number(u32::MAX)?).is_some(),
            "UP" => fields.urgent.replace(u16::try_from(number(u32::from(u16::MAX))?).unwrap_or(u16::MAX)).is_some(),
            "WND" => fields.window.replace(u16::try_from(number(u32::from(u16::MAX))?).unwrap_or(u16::MAX)).is_some(),
            "CTL" => fields.flags.replace(at_value.flags(value)?).is_some(),
            "OPT" => fields.options.replace(at_value.options(value)?).is_some(),
            _ => {
                let names = ["SEQ", "ACK", "LEN", "UP", "CTL", "WND", "OPT"];
                return Err(self.mistake_span(name.len(), "SEQ, ACK, LEN, UP, CTL, WND or OPT", names.into_iter()));
            }
        };
        if again {
            return Err(self.mistake_span(name.len(), "each field only once", [].into_iter()));
        }
        if fields.len == Some(0) {
            fields.len = None;
        }
        self.skip(inner.len() + 1);
        Ok(())
    }

    pub(super) fn flags(&self, value: &str) -> Parsed<Flags> {
        if value == "none" {
            return Ok(Flags::NONE);
        }
        let mut flags = Flags::NONE;
        let mut cursor = self.clone();
        for name in value.split(',') {
            let Some(flag) = Flags::named(name) else {
                return Err(cursor.mistake_span(name.len(), "flags such as SYN,ACK", Flags::NAMED.map(|(_, name)| name).into_iter()));
            };
            flags = flags | flag;
            cursor.skip(name.len() + 1);
        }
        Ok(flags)
    }

    /// Options as a ladder prints them: `mss 1460,sackOK`, without white space around the commas.
    fn options(&self, value: &str) -> Parsed<String> {
        let mut cursor = self.clone();
        for option in value.split(',') {
            let words: Vec<&str> = option.split(' ').collect();
            let number = |word: &&str| whole(word).is_some();
            let hex = |word: &&str| word.bytes().all(|octet| octet.is_ascii_hexdigit());
            let right = match words[..] {
                ["nop" | "eol" | "sackOK" | "FO"] => true,
                ["FO", ref cookie] => hex(cookie),
                ["mss" | "wscale", ref number_word] => number(number_word),
                ["TS", "val", ref val, "ecr", ref ecr] => number(val) && number(ecr),
                ["sack", ref blocks @ ..] => {
                    blocks.iter().all(|block| block.split_once(':').is_some_and(|(from, to)| number(&from) && number(&to)))
                }
                ["kind", ref kind, ref data] => number(kind) && hex(data),
                ["malformed", ref data] => hex(data),
                _ => false,
            };
            if !right {
                let names = ["mss 1460", "sackOK", "TS val 1 ecr 0", "wscale 7", "nop", "eol", "sack 1:2"];
                return Err(cursor.mistake_span(
                    option.len(),
                    "an option as a ladder prints it, such as mss 1460 or sackOK",
                    names.into_iter(),
                ));
            }
            cursor.skip(option.len() + 1);
        }
        Ok(value.to_owned())
    }

    // --- mistakes ------------------------------------------------------------------------------

    /// A mistake in the next word; at the end of the line where there is none, a comment being none.
    pub(super) fn mistake_word<'n>(&self, expected: &str, names: impl IntoIterator<Item = &'n str>) -> Box<Mistake> {
        if self.at_end() {
            return self.mistake_at_end(expected);
        }
        let mut at = self.clone();
        at.skip_space();
        at.mistake_span(at.peek_word().len(), expected, names.into_iter())
    }

    /// A mistake in the next `octets` octets.
    pub(super) fn mistake_span<'n>(&self, octets: usize, expected: &str, names: impl Iterator<Item = &'n str>) -> Box<Mistake> {
        let rest = self.rest();
        // Where something is missing, what stands in its place is what was found.
        let octets = if octets == 0 { rest.chars().next().map_or(0, char::len_utf8) } else { octets };
        let found = rest.get(..octets).unwrap_or(rest);
        let cropped = match found.char_indices().nth(MAX_FOUND) {
            None => format!("{found:?}"),
            Some((at, _)) => format!("{:?}...", &found[..at]),
        };
        Box::new(Mistake {
            line: self.number,
            column: self.line[..self.at].chars().count() + 1,
            width: found.chars().count().max(1),
            text: self.line.to_owned(),
            expected: expected.to_owned(),
            found: if found.is_empty() { "the end of the line".to_owned() } else { cropped },
            hint: nearest(found, names).filter(|near| near != found),
        })
    }

    /// A mistake where the line ends, or its comment begins.
    pub(super) fn mistake_at_end(&self, expected: &str) -> Box<Mistake> {
        let content = if self.at_end() { &self.line[..self.at] } else { self.line };
        let at = Cursor { line: content.trim_end(), at: content.trim_end().len(), ..self.clone() };
        let mut mistake = at.mistake_span(0, expected, [].into_iter());
        self.line.clone_into(&mut mistake.text);
        mistake
    }
}

/// A whole number in decimal digits and nothing else: no sign, no separators.
fn whole(text: &str) -> Option<u64> {
    text.bytes().all(|octet| octet.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

/// Most characters of what was found that a message repeats.
const MAX_FOUND: usize = 40;
/// Most octets one `send` may have.
pub(super) const MAX_SEND: u32 = 16 << 20;
/// Most octets of text a forged segment may have: one IP packet, whatever the headers.
const MAX_FORGED: u32 = 65_000;
/// Longest moment or duration a scenario may name: a year.
const MAX_DURATION: Duration = Duration::from_hours(366 * 24);
