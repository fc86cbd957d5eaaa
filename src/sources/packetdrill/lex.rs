//! The words of a script: what stands between white space and comments, with `#ifdef` obeyed and definitions replaced.
//!
//! Here: what a token is by itself. Not here: what it means where it stands (`parse`), which also asks for some places
//! to be read letter by letter ([`Lexer::rest`]), for a script's flags and options follow rules of their own.

use std::collections::{HashMap, HashSet};
use std::net::IpAddr;

use super::syntax::Span;

/// What a token is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Kind {
    /// Letters, digits and `_`, not all of them digits.
    Word,
    /// Digits, perhaps with a `-` before them.
    Integer,
    /// `0x` and digits.
    Hex,
    /// `.1`, `0.25`.
    Float,
    /// An IPv4 or IPv6 address.
    Address,
    /// In `"`.
    Text,
    /// In backticks.
    Command,
    /// In `%{ }%`.
    Code,
    /// `...`.
    Ellipsis,
    /// Any other character.
    Sign(char),
    /// Nothing is left.
    End,
    /// No token.
    Bad {
        /// What would be right there.
        expected: &'static str,
        /// What is instead; `None` for what stands there.
        found: Option<&'static str>,
    },
}

/// A token.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Token<'a> {
    /// What it is.
    pub(super) kind: Kind,
    /// What it says: without quotes, backticks or `%{ }%`, and what a defined word stands for.
    pub(super) text: &'a str,
    /// Where it stands.
    pub(super) span: Span,
    /// Whether it is a word that a definition replaced.
    pub(super) defined: bool,
}

/// How far a script is read.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Position {
    /// Octets read.
    pub(super) octet: usize,
    /// Where the `#ifdef` stands whose `#endif` is still to come.
    inside: Option<usize>,
}

/// Reads a script token by token.
#[derive(Debug)]
pub(super) struct Lexer<'a> {
    text: &'a str,
    position: Position,
    /// What names stand for, and whether the script itself says so.
    definitions: HashMap<&'a str, (&'a str, bool)>,
    /// The names that `#ifdef`s asked for, in order.
    asked: Vec<String>,
    known: HashSet<&'a str>,
}

impl<'a> Lexer<'a> {
    pub(super) fn new(text: &'a str, defined: &'a [(String, String)]) -> Self {
        let definitions = defined.iter().map(|(name, value)| (name.as_str(), (value.as_str(), false))).collect();
        let octet = if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
        let position = Position { octet, inside: None };
        Self { text, position, definitions, asked: Vec::new(), known: HashSet::new() }
    }

    /// What the script itself defines; whoever runs it may have said otherwise, and then knows better.
    pub(super) fn define(&mut self, name: &'a str, value: &'a str) {
        let defined = self.definitions.entry(name).or_insert((value, true));
        if defined.1 {
            defined.0 = value;
        }
    }

    /// The names that `#ifdef`s asked for, in order, each once.
    pub(super) fn into_asked(self) -> Vec<String> {
        self.asked
    }

    pub(super) fn position(&self) -> Position {
        self.position
    }

    /// Goes on reading from there.
    pub(super) fn go_to(&mut self, position: Position) {
        self.position = position;
    }

    /// Goes on reading from there, in the same `#ifdef`.
    pub(super) fn go_to_octet(&mut self, octet: usize) {
        self.position.octet = octet;
    }

    /// What is not read yet.
    pub(super) fn rest(&self) -> &'a str {
        &self.text[self.position.octet..]
    }

    pub(super) fn text(&self) -> &'a str {
        self.text
    }

    /// What a word stands for, where it is defined.
    pub(super) fn definition(&self, word: &str) -> Option<&'a str> {
        let value = self.definitions.get(word).map(|(value, _)| *value).filter(|value| !value.is_empty())?;
        (!RESERVED.contains(&word)).then_some(value)
    }

    /// The next token.
    pub(super) fn token(&mut self) -> Token<'a> {
        if let Err(bad) = self.skip() {
            return bad;
        }
        let rest = self.rest();
        let Some(first) = rest.chars().next() else { return self.end() };
        match first {
            '"' => self.enclosed("\"", "\"", Kind::Text, "the \" at the end of the string"),
            '`' => self.enclosed("`", "`", Kind::Command, "the ` at the end of the command"),
            '%' if rest.starts_with("%{") => {
                let mut token = self.enclosed("%{", "}%", Kind::Code, "the }% at the end of the code");
                token.text = token.text.trim_matches([' ', '\t']);
                token
            }
            '.' if rest.starts_with("...") => self.take(Kind::Ellipsis, 3),
            _ if let Some(len) = address(rest) => self.take(Kind::Address, len),
            '.' if digits(&rest[1..]) > 0 => self.take(Kind::Float, 1 + digits(&rest[1..])),
            '-' if digits(&rest[1..]) > 0 => self.take(Kind::Integer, 1 + digits(&rest[1..])),
            _ if is_word(first) => self.word(),
            _ => self.take(Kind::Sign(first), first.len_utf8()),
        }
    }

    fn take(&mut self, kind: Kind, len: usize) -> Token<'a> {
        let start = self.position.octet;
        self.position.octet += len;
        Token { kind, text: &self.text[start..start + len], span: Span { start, end: start + len }, defined: false }
    }

    fn word(&mut self) -> Token<'a> {
        let rest = self.rest();
        let len = rest.find(|c| !is_word(c)).unwrap_or(rest.len());
        let word = &rest[..len];
        if word.bytes().all(|octet| octet.is_ascii_digit()) {
            let fraction = rest[len..].strip_prefix('.').map_or(0, digits);
            return if fraction > 0 { self.take(Kind::Float, len + 1 + fraction) } else { self.take(Kind::Integer, len) };
        }
        let kind = if is_hex(word) { Kind::Hex } else { Kind::Word };
        let token = self.take(kind, len);
        match self.definition(word) {
            Some(value) => {
                let (kind, text) = meaning(value);
                Token { kind, text, defined: true, ..token }
            }
            None => token,
        }
    }

    /// What stands between two signs; a character behind a backslash ends nothing, but in code.
    fn enclosed(&mut self, open: &str, close: &str, kind: Kind, expected: &'static str) -> Token<'a> {
        let inside = &self.rest()[open.len()..];
        let found = if kind == Kind::Code { inside.find(close) } else { unescaped(inside, close.as_bytes()[0]) };
        let Some(len) = found else {
            return self.endless(self.position.octet, open.len(), expected);
        };
        let token = self.take(kind, open.len() + len + close.len());
        Token { text: &inside[..len], ..token }
    }

    /// Skips white space, comments, and what an `#ifdef` leaves out.
    fn skip(&mut self) -> Result<(), Token<'a>> {
        loop {
            let rest = self.rest();
            let space = rest.len() - rest.trim_ascii_start().len();
            self.position.octet += space;
            let rest = &rest[space..];
            if rest.starts_with("//") {
                self.position.octet += rest.find('\n').unwrap_or(rest.len());
            } else if let Some(comment) = rest.strip_prefix("/*") {
                let Some(len) = comment.find("*/") else {
                    return Err(self.endless(self.position.octet, 2, "the */ at the end of the comment"));
                };
                self.position.octet += len + 4;
            } else if rest.starts_with('#') {
                self.directive()?;
            } else {
                return Ok(());
            }
        }
    }

    /// `#ifdef` and `#endif`.
    fn directive(&mut self) -> Result<(), Token<'a>> {
        let start = self.position.octet;
        let rest = &self.rest()[1..];
        let name = &rest[..rest.find(|c| !is_word(c)).unwrap_or(rest.len())];
        let len = 1 + name.len();
        match (name, self.position.inside) {
            ("ifdef", None) => {}
            ("ifdef", Some(_)) => return Err(self.bad(start, len, "#endif before the next #ifdef, for they do not nest")),
            ("endif", Some(_)) => {
                self.position = Position { octet: start + len, inside: None };
                return Ok(());
            }
            ("endif", None) => return Err(self.bad(start, len, "an #ifdef before its #endif")),
            ("else", _) => return Err(self.bad(start, len, "#endif and the #ifdef of another name, for there is no #else")),
            _ => return Err(self.bad(start, len, "#ifdef NAME or #endif; a comment begins with //")),
        }
        let line = &rest[name.len()..];
        let space = line.len() - line.trim_start_matches([' ', '\t']).len();
        let line = &line[space..];
        let asked = &line[..line.find(|c| !is_word(c)).unwrap_or(line.len())];
        let end = start + len + space + asked.len();
        if asked.is_empty() {
            return Err(self.bad(start, len, "#ifdef and a name"));
        }
        if self.known.insert(asked) {
            self.asked.push(asked.to_owned());
        }
        self.position = Position { octet: end, inside: Some(start) };
        if self.definitions.contains_key(asked) {
            return Ok(());
        }
        // Left out up to the line that the `#endif` begins.
        let mut at = end;
        for line in self.text[end..].split_inclusive('\n') {
            let trimmed = line.trim_ascii_start();
            let begins = at + line.len() - trimmed.len();
            let directive = |name: &str| trimmed.strip_prefix(name).is_some_and(|behind| !behind.starts_with(is_word));
            if directive("#endif") {
                self.position = Position { octet: begins, inside: Some(start) };
                return Ok(());
            }
            if directive("#ifdef") {
                return Err(self.bad(begins, 6, "#endif before the next #ifdef, for they do not nest"));
            }
            if directive("#else") {
                return Err(self.bad(begins, 5, "#endif and the #ifdef of another name, for there is no #else"));
            }
            at += line.len();
        }
        Err(self.endless(start, len, "an #endif behind this #ifdef"))
    }

    fn end(&self) -> Token<'a> {
        if let Some(start) = self.position.inside {
            return self.endless(start, "#ifdef".len(), "an #endif behind this #ifdef");
        }
        let end = self.text.len();
        Token { kind: Kind::End, text: "", span: Span { start: end, end }, defined: false }
    }

    fn bad(&self, start: usize, len: usize, expected: &'static str) -> Token<'a> {
        let kind = Kind::Bad { expected, found: None };
        Token { kind, text: &self.text[start..start + len], span: Span { start, end: start + len }, defined: false }
    }

    /// What begins there has no end.
    fn endless(&self, start: usize, len: usize, expected: &'static str) -> Token<'a> {
        Token { kind: Kind::Bad { expected, found: Some("none") }, ..self.bad(start, len, expected) }
    }
}

/// What a definition's value stands for.
fn meaning(value: &str) -> (Kind, &str) {
    let within = |sign: char| value.strip_prefix(sign).and_then(|value| value.strip_suffix(sign));
    if let Some(text) = within('"') {
        (Kind::Text, text)
    } else if let Some(command) = within('`') {
        (Kind::Command, command)
    } else if value.parse::<i64>().is_ok() {
        (Kind::Integer, value)
    } else if is_hex(value) {
        (Kind::Hex, value)
    } else {
        (Kind::Word, value)
    }
}

pub(super) fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

fn is_hex(word: &str) -> bool {
    let digits = word.strip_prefix("0x").or_else(|| word.strip_prefix("0X"));
    digits.is_some_and(|digits| !digits.is_empty() && digits.bytes().all(|octet| octet.is_ascii_hexdigit()))
}

/// How many digits a text begins with.
fn digits(text: &str) -> usize {
    text.bytes().take_while(u8::is_ascii_digit).count()
}

/// Where a sign stands first that no backslash stands before.
fn unescaped(text: &str, sign: u8) -> Option<usize> {
    let mut octets = text.bytes().enumerate();
    while let Some((at, octet)) = octets.next() {
        if octet == b'\\' {
            octets.next();
        } else if octet == sign {
            return Some(at);
        }
    }
    None
}

/// How long the address is that a text begins with.
///
/// An IPv6 address needs `::` or all its groups, so that the `1:1001` of a segment is none; a colon behind one ends
/// a header.
fn address(text: &str) -> Option<usize> {
    let run = text.bytes().take(LONGEST_ADDRESS + 1).take_while(|octet| octet.is_ascii_hexdigit() || matches!(octet, b':' | b'.')).count();
    let run = &text[..run];
    let count = |sign| run.bytes().filter(|octet| *octet == sign).count();
    if count(b':') < 2 && count(b'.') < 3 {
        return None;
    }
    let is_address = |run: &str| run.parse::<IpAddr>().is_ok();
    if is_address(run) {
        return (!text[run.len()..].starts_with(is_word)).then_some(run.len());
    }
    run.strip_suffix(':').filter(|run| is_address(run)).map(str::len)
}

/// Most octets of an address, an IPv4 one at the end of an IPv6 one among them, and the colon behind it.
const LONGEST_ADDRESS: usize = 46;

/// Words of the language, which nothing can be defined for.
pub(super) const RESERVED: &[&str] = &[
    "ECN",
    "FO",
    "FOEXP",
    "Flags",
    "GREv0",
    "TS",
    "ack",
    "ce",
    "ceb",
    "checksum",
    "cmsg_data",
    "cmsg_level",
    "cmsg_type",
    "e0b",
    "e1b",
    "ecr",
    "ect0",
    "ect01",
    "ect1",
    "encap",
    "eol",
    "events",
    "fd",
    "flags",
    "flowlabel",
    "gre",
    "htons",
    "icmp",
    "id",
    "inet6_addr",
    "inet_addr",
    "ipv4",
    "ipv6",
    "key",
    "label",
    "linger",
    "md5",
    "mpls",
    "msg_control",
    "msg_flags",
    "msg_iov",
    "msg_name",
    "mss",
    "mtu",
    "noecn",
    "none",
    "nop",
    "off",
    "onoff",
    "present",
    "psp",
    "ptr",
    "raw",
    "revents",
    "sa_family",
    "sack",
    "sackOK",
    "scm_nsec",
    "scm_sec",
    "seq",
    "sin_addr",
    "sin_port",
    "spi",
    "sum",
    "tc",
    "tos",
    "ttl",
    "u32",
    "u64",
    "udp",
    "urg",
    "val",
    "win",
    "wscale",
];
