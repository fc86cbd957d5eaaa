//! The comment on a packet: one line of ASCII, by the grammar in the head of [`super`].

use std::fmt::{self, Display, Formatter, Write};

use crate::engine::{Codepoint, Rule, Signal};
use crate::ladder::Message;
use crate::trace::{Entry, Trace, What};

use super::{Direction, Seen};

/// What happened at a host since its last frame and had no packet of its own.
#[derive(Clone, Default)]
pub(super) struct Since<'a> {
    entries: Vec<&'a Entry>,
    more: usize,
    /// The last rule that fired at the host: what lets the next packet leave. It outlives frames.
    cause: Option<&'static Rule>,
}

/// An option has at most 65535 octets, so a comment says this many things and counts the rest.
const MOST: usize = 64;

/// The same for one call or note, in characters.
const LONGEST: usize = 80;

impl<'a> Since<'a> {
    /// Begins anew behind a frame.
    pub(super) fn clear(&mut self) {
        self.entries.clear();
        self.more = 0;
    }

    pub(super) fn fired(&mut self, entry: &Entry) {
        self.cause = entry.rules.last().copied().or(self.cause);
    }

    pub(super) fn note(&mut self, entry: &'a Entry) {
        match entry.what {
            // The packet is seen elsewhere; here it would be a frame.
            What::Departure(_) | What::Arrival(_) | What::Rejection(_) | What::Observation => {}
            What::Call { .. } | What::Loss(_) | What::Timer(_) | What::Note(_) if self.entries.len() < MOST => self.entries.push(entry),
            What::Call { .. } | What::Loss(_) | What::Timer(_) | What::Note(_) => self.more += 1,
        }
    }
}

/// Appends the comment for `seen`, with what happened `since` the frame before it.
pub(super) fn write(trace: &Trace, seen: Seen<'_>, since: &Since<'_>, out: &mut String) {
    let entry = seen.entry;
    let host = &trace.host(entry.host).name;
    let verb = match (seen.direction, &entry.what) {
        (Direction::Inbound, What::Rejection(_)) => "drop",
        (Direction::Inbound, _) => "rcv",
        (Direction::Outbound, _) => "snd",
    };
    let packet = trace.packet(seen.packet);
    let what = packet.segment().map_or_else(|| Message::of(packet).to_string(), |segment| segment.flags.to_string());
    let codepoint =
        if packet.envelope.codepoint == Codepoint::NotEct { String::new() } else { format!(" {}", packet.envelope.codepoint.name()) };
    // A packet leaves because of a rule that fired before; only the FIN of CLOSE-WAIT walks one by leaving.
    let cause = since.cause.as_slice();
    let fired = if entry.rules.is_empty() && seen.direction == Direction::Outbound { cause } else { &entry.rules };
    let (rules, sections) = (Rules(fired), Sections(fired));
    // Writing to a string cannot fail; the same holds below.
    let _ = write!(out, "{} {} -> {} | {verb} {what}{codepoint} | {rules} | {sections}", Name(host), entry.before, entry.after);
    if !entry.signals.is_empty() {
        let _ = write!(out, " | signal: {}", Signals(&entry.signals));
    }
    for (position, entry) in since.entries.iter().enumerate() {
        let _ = write!(out, "{}{}", if position == 0 { " | after: " } else { ", " }, Event(entry));
    }
    if since.more > 0 {
        let _ = write!(out, ", {} more", since.more);
    }
}

/// An entry without a packet.
struct Event<'a>(&'a Entry);

impl Display for Event<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Entry { what, before, after, rules, signals, .. } = self.0;
        match what {
            What::Call { call, result, returned } => {
                write!(f, "{} {}", if *returned { "return" } else { "call" }, Words(call))?;
                if let Err(errno) = result {
                    write!(f, " = {}", Name(errno))?;
                }
            }
            What::Timer(timer) => write!(f, "timer {}", timer.name())?,
            What::Loss(packet) => write!(f, "loss {}", packet.0)?,
            What::Note(text) => write!(f, "note {}", Words(text))?,
            What::Departure(_) | What::Arrival(_) | What::Rejection(_) | What::Observation => {}
        }
        if before != after {
            write!(f, " ({before} -> {after} by {})", Rules(rules))?;
        }
        for signal in signals {
            write!(f, ", signal {signal}")?;
        }
        Ok(())
    }
}

/// The names of rules, joined by `+`.
struct Rules<'a>(&'a [&'static Rule]);

impl Display for Rules<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        joined(f, self.0.iter().map(|rule| rule.name), "+")
    }
}

/// The sections of the same rules, in the same order.
struct Sections<'a>(&'a [&'static Rule]);

impl Display for Sections<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let mut told = false;
        for (index, rule) in self.0.iter().enumerate() {
            let own = rule.is_of_rfc9293();
            let source = if own && !told { "RFC 9293 " } else { "" };
            told = own;
            write!(f, "{}{source}{}", if index == 0 { "" } else { "; " }, rule.rfc)?;
        }
        Ok(())
    }
}

struct Signals<'a>(&'a [Signal]);

impl Display for Signals<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        joined(f, self.0.iter().map(|signal| signal.name()), ", ")
    }
}

/// The words with `separator` between them; `-` for none.
fn joined<'a>(f: &mut Formatter<'_>, words: impl Iterator<Item = &'a str>, separator: &str) -> fmt::Result {
    let mut before = None;
    for word in words {
        write!(f, "{}{word}", before.unwrap_or(""))?;
        before = Some(separator);
    }
    if before.is_none() { f.write_str("-") } else { Ok(()) }
}

/// Text from elsewhere, on one line of ASCII and without the grammar's own signs.
struct Words<'a>(&'a str);

impl Display for Words<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let mut characters = self.0.chars();
        for character in characters.by_ref().take(LONGEST) {
            f.write_char(plain(character))?;
        }
        if characters.next().is_some() { f.write_str("...") } else { Ok(()) }
    }
}

/// The same as one word.
struct Name<'a>(&'a str);

impl Display for Name<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_char('_');
        }
        self.0.chars().take(LONGEST).map(plain).try_for_each(|character| f.write_char(if character == ' ' { '_' } else { character }))
    }
}

fn plain(character: char) -> char {
    match character {
        ',' | '|' | '(' | ')' => '_',
        ' '..='~' => character,
        _ => '_',
    }
}
