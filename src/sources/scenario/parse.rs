//! Text to [`Scenario`]: one line at a time, with errors that say where, what, and what would be right.
//!
//! The grammar is written down in docs/ladder-grammar.md; a test runs its examples.

use std::fmt;
use std::time::Duration;

use super::{Action, ActionLine, Forged, HostPlan, Line, LineKind, Scenario, When, host_name, set_knob, state_named, unknown_profile};
use crate::engine::{Flags, Profile, State};
use crate::ladder::{Course, Fields, Rung, RungKind, Sign};
use crate::nearest::nearest;
use crate::trace::HostId;
use crate::worlds::{Call, DEFAULT_PORT, Fate, How, NetworkAct, SegmentKind, SocketOption};

/// A mistake in a scenario: where, what was found, what would be right.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{name}:{mistake}")]
pub struct ParseError {
    /// What was read: a path or a name.
    pub name: String,
    /// The mistake.
    pub mistake: Box<Mistake>,
}

/// Where in a text, what was expected, what was found.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Mistake {
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// Characters the mistake covers.
    pub width: usize,
    /// The whole line.
    pub text: String,
    /// What would have been right.
    pub expected: String,
    /// What stands there.
    pub found: String,
    /// The nearest thing that exists.
    pub hint: Option<String>,
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: expected {}, found {}", self.line, self.column, self.expected, self.found)?;
        if let Some(hint) = &self.hint {
            write!(f, "; did you mean {hint}?")?;
        }
        let number = self.line.to_string();
        let gutter = " ".repeat(number.len());
        let indent = " ".repeat(self.column.saturating_sub(1));
        write!(f, "\n {gutter} |\n {number} | {}\n {gutter} | {indent}{}", self.text, "^".repeat(self.width.max(1)))
    }
}

/// Most lines of a scenario; hostile input ends here.
const MAX_LINES: usize = 10_000;
/// Most octets one `send` may have.
const MAX_SEND: u32 = 16 << 20;
/// Longest moment or duration a scenario may name: a year.
const MAX_DURATION: Duration = Duration::from_hours(366 * 24);

const DIRECTIVES: [&str; 9] = ["title", "source", "teaches", "link", "ip", "seed", "profile", "show", "mtu"];
const ACTIONS: [&str; 15] = [
    "listen",
    "connect",
    "accept",
    "send",
    "recv",
    "shutdown",
    "close",
    "abort",
    "exit",
    "crash",
    "option",
    "lose",
    "delay",
    "duplicate",
    "inject",
];
const SETTINGS: [&str; 4] = ["iss", "profile", "set", "timestamp"];
const KINDS: [(&str, SegmentKind); 7] = [
    ("SYN", SegmentKind::Syn),
    ("SYN,ACK", SegmentKind::SynAck),
    ("ACK", SegmentKind::Ack),
    ("FIN", SegmentKind::Fin),
    ("RST", SegmentKind::Rst),
    ("data", SegmentKind::Data),
    ("any", SegmentKind::Any),
];

/// Reads a scenario.
pub(super) fn scenario(name: &str, text: &str) -> Result<Scenario, ParseError> {
    read(name, text, false)
}

/// Reads the rows of a ladder with their line numbers; settings and actions are refused.
pub(super) fn ladder(name: &str, text: &str) -> Result<Vec<(usize, Rung)>, ParseError> {
    let only_row = |Line { number, what }| match what {
        LineKind::Rung(rung) => Some((number, rung)),
        LineKind::Action(_) => None,
    };
    Ok(read(name, text, true)?.lines.into_iter().filter_map(only_row).collect())
}

fn read(name: &str, text: &str, rows_only: bool) -> Result<Scenario, ParseError> {
    let stem = std::path::Path::new(name).file_stem().map_or_else(|| name.to_owned(), |stem| stem.to_string_lossy().into_owned());
    let mut reader = Reader {
        scenario: Scenario {
            name: stem,
            title: String::new(),
            source: String::new(),
            teaches: String::new(),
            delay: Duration::from_millis(10),
            mtu: 1500,
            ipv6: false,
            seed: 1,
            profile: "rfc9293".to_owned(),
            show_options: false,
            hosts: [HostPlan::default(), HostPlan::default()],
            lines: Vec::new(),
            text: text.to_owned(),
        },
        given: Vec::new(),
        rows_only,
    };
    for (line, number) in text.lines().zip(1..) {
        let mut cursor = Cursor { number, line, at: 0 };
        let read =
            if number > MAX_LINES { Err(cursor.mistake_here(&format!("at most {MAX_LINES} lines"))) } else { reader.line(&mut cursor) };
        read.map_err(|mistake| ParseError { name: name.to_owned(), mistake })?;
    }
    Ok(reader.scenario)
}

type Parsed<T> = Result<T, Box<Mistake>>;

struct Reader {
    scenario: Scenario,
    /// Directives seen, with their lines, for the message on the second one.
    given: Vec<(String, usize)>,
    /// Only rows of a ladder have a place here.
    rows_only: bool,
}

impl Reader {
    fn line(&mut self, cursor: &mut Cursor<'_>) -> Parsed<()> {
        cursor.skip_space();
        let rest = cursor.rest();
        if rest.is_empty() || rest.starts_with('#') {
            return Ok(());
        }
        if rest.starts_with('(') {
            return if rest.trim_end().ends_with(')') { Ok(()) } else { Err(cursor.mistake_at_end("a closing parenthesis")) };
        }
        if rest.starts_with('<') && !rest.starts_with("<--") {
            return self.continuation(cursor);
        }
        let word = cursor.peek_word();
        match word {
            "A" if !self.rows_only => self.host_line(cursor, HostId(0)),
            "B" if !self.rows_only => self.host_line(cursor, HostId(1)),
            _ if word == "->" || Sign::ALL.iter().any(|sign| sign.text() == word) || state_named(word).is_some() => self.rung(cursor),
            _ if self.rows_only => {
                let states = State::ALL.iter().map(|state| state.name());
                Err(cursor.mistake_word("a row of a ladder (here are no settings and no actions)", states))
            }
            _ if DIRECTIVES.contains(&word) => self.directive(cursor),
            _ => {
                let known = DIRECTIVES.into_iter().chain(["A", "B"]).chain(State::ALL.iter().map(|state| state.name()));
                Err(cursor.mistake_word("a setting, a host (A or B), or a row of a ladder", known))
            }
        }
    }

    // --- settings ------------------------------------------------------------------------------

    fn directive(&mut self, cursor: &mut Cursor<'_>) -> Parsed<()> {
        let before = cursor.clone();
        let word = cursor.word();
        self.settings_come_first(&before)?;
        let key = if word == "link" || word == "show" { format!("{word} {}", cursor.peek_word()) } else { word.to_owned() };
        self.once(&before, &key)?;
        let scenario = &mut self.scenario;
        match word {
            "title" => scenario.title = cursor.text("a title")?,
            "source" => scenario.source = cursor.text("a source, such as RFC 9293 section 3.5")?,
            "teaches" => scenario.teaches = cursor.text("a sentence")?,
            "link" => match cursor.peek_word() {
                "delay" => {
                    cursor.word();
                    scenario.delay = cursor.duration()?;
                }
                "mtu" => {
                    cursor.word();
                    scenario.mtu = cursor.mtu()?;
                }
                _ => return Err(cursor.mistake_word("delay or mtu", ["delay", "mtu"])),
            },
            "mtu" => scenario.mtu = cursor.mtu()?,
            "ip" => {
                scenario.ipv6 = match cursor.peek_word() {
                    "4" => false,
                    "6" => true,
                    _ => return Err(cursor.mistake_word("4 or 6", [])),
                };
                cursor.word();
            }
            "seed" => scenario.seed = cursor.number("a seed, a whole number", u64::MAX)?,
            "profile" => scenario.profile = cursor.profile()?,
            _ => {
                if cursor.peek_word() != "options" {
                    return Err(cursor.mistake_word("options", ["options"]));
                }
                cursor.word();
                scenario.show_options = true;
            }
        }
        cursor.end()
    }

    fn once(&mut self, cursor: &Cursor<'_>, key: &str) -> Parsed<()> {
        if let Some((_, line)) = self.given.iter().find(|(given, _)| given == key) {
            let expected = format!("{key} only once; line {line} gives it already");
            return Err(cursor.mistake_word(&expected, []));
        }
        self.given.push((key.to_owned(), cursor.number));
        Ok(())
    }

    fn settings_come_first(&self, cursor: &Cursor<'_>) -> Parsed<()> {
        if self.scenario.lines.is_empty() { Ok(()) } else { Err(cursor.mistake_word("settings before the first action", [])) }
    }

    // --- hosts ---------------------------------------------------------------------------------

    fn host_line(&mut self, cursor: &mut Cursor<'_>, host: HostId) -> Parsed<()> {
        let before = cursor.clone();
        cursor.word();
        let word = cursor.peek_word();
        if SETTINGS.contains(&word) {
            self.settings_come_first(&before)?;
            return self.host_setting(cursor, host);
        }
        let when = Self::when(cursor)?;
        let action = Self::action(cursor, host)?;
        cursor.end()?;
        self.push(cursor.number, LineKind::Action(ActionLine { host, when, action }));
        Ok(())
    }

    fn push(&mut self, number: usize, what: LineKind) {
        self.scenario.lines.push(Line { number, what });
    }

    fn host_setting(&mut self, cursor: &mut Cursor<'_>, host: HostId) -> Parsed<()> {
        let before = cursor.clone();
        let word = cursor.word().to_owned();
        if word != "set" {
            self.once(&before, &format!("{} {word}", host_name(host)))?;
        }
        let position = usize::from(host.0);
        match word.as_str() {
            "iss" => {
                let mut iss = vec![cursor.number_u32("an ISS")?];
                while !cursor.at_end() {
                    cursor.skip_comma();
                    iss.push(cursor.number_u32("another ISS")?);
                }
                self.scenario.hosts[position].iss = iss;
            }
            "timestamp" => {
                self.scenario.hosts[position].timestamp = cursor.number_u32("what the timestamp clock shows at the beginning")?;
            }
            "profile" => self.scenario.hosts[position].profile = Some(cursor.profile()?),
            _ => {
                let setting = cursor.clone();
                let word = cursor.word();
                let Some((knob, value)) = word.split_once('=') else {
                    return Err(setting.mistake_word("a knob and its value, such as msl=1s", []));
                };
                set_knob(&mut Profile::rfc9293(), knob, value).map_err(|why| setting.mistake_because(&why))?;
                let pair = (knob.to_owned(), value.to_owned());
                self.scenario.hosts[position].knobs.push(pair);
            }
        }
        cursor.end()
    }

    fn when(cursor: &mut Cursor<'_>) -> Parsed<When> {
        let word = cursor.peek_word();
        if word == "at" {
            cursor.word();
            return cursor.duration().map(When::At);
        }
        if word.starts_with('+') {
            cursor.skip_space();
            cursor.skip(1);
            return cursor.duration().map(When::After);
        }
        Ok(When::Next)
    }

    fn action(cursor: &mut Cursor<'_>, host: HostId) -> Parsed<Action> {
        let other = HostId(1 - host.0);
        let before = cursor.clone();
        let call = match cursor.word() {
            "listen" => {
                let (mut port, mut backlog) = (DEFAULT_PORT, DEFAULT_BACKLOG);
                while !cursor.at_end() {
                    match cursor.peek_word() {
                        "port" => {
                            cursor.word();
                            port = cursor.number_u16("a port")?;
                        }
                        "backlog" => {
                            cursor.word();
                            backlog = cursor.number_u16("a backlog")?;
                        }
                        _ => return Err(cursor.mistake_word("port, backlog, or the end of the line", ["port", "backlog"])),
                    }
                }
                Call::Listen { port, backlog }
            }
            "connect" => {
                let (mut to, mut port, mut from_port) = (other, DEFAULT_PORT, None);
                while !cursor.at_end() {
                    match cursor.peek_word() {
                        "port" => {
                            cursor.word();
                            port = cursor.number_u16("a port")?;
                        }
                        "from" => {
                            cursor.word();
                            from_port = Some(cursor.number_u16("a local port")?);
                        }
                        "itself" => {
                            cursor.word();
                            to = host;
                        }
                        _ => return Err(cursor.mistake_word("port, from, itself, or the end of the line", ["port", "from", "itself"])),
                    }
                }
                Call::Connect { to, port, from_port }
            }
            "accept" => Call::Accept,
            "send" => {
                let text = cursor.send_text()?;
                let more = cursor.peek_word() == "more";
                if more {
                    cursor.word();
                }
                Call::Send { text, more }
            }
            "recv" => Call::Recv(if cursor.at_end() { None } else { Some(cursor.number_u32("how many octets, or the end of the line")?) }),
            "shutdown" => {
                Call::Shutdown(cursor.choice("read, write or both", &[("read", How::Read), ("write", How::Write), ("both", How::Both)])?)
            }
            "close" => {
                if cursor.at_end() {
                    Call::Close
                } else {
                    cursor.choice("listener, or the end of the line", &[("listener", ())])?;
                    Call::CloseListener
                }
            }
            "abort" => Call::Abort,
            "exit" => Call::Exit,
            "crash" => Call::Crash,
            "option" => Call::Set(cursor.socket_option()?),
            "lose" | "delay" | "duplicate" => return Self::network(&before, cursor, host),
            "inject" => return cursor.forged().map(Action::Inject),
            _ => {
                let expected = format!("a call or an act of the network ({})", ACTIONS.join(", "));
                return Err(before.mistake_word(&expected, ACTIONS.into_iter().chain(SETTINGS)));
            }
        };
        Ok(Action::Call(call))
    }

    fn network(before: &Cursor<'_>, cursor: &mut Cursor<'_>, from: HostId) -> Parsed<Action> {
        let (which, skip) = cursor.segment_kind()?;
        let fate = match before.peek_word() {
            "lose" => Fate::Lose,
            "delay" => Fate::Delay(cursor.duration()?),
            _ => Fate::Duplicate(if cursor.at_end() { Duration::ZERO } else { cursor.duration()? }),
        };
        let mut count = 1;
        if cursor.peek_word() == "times" {
            cursor.word();
            count = cursor.number_u32("how many times")?;
        }
        Ok(Action::Network(NetworkAct { from, which, skip, count, fate }))
    }

    // --- ladders -------------------------------------------------------------------------------

    fn rung(&mut self, cursor: &mut Cursor<'_>) -> Parsed<()> {
        let left = cursor.state();
        let start = cursor.clone();
        let kind = if let Some(sign) = cursor.sign() {
            let fields = cursor.fields()?;
            let right_sign = cursor.clone();
            let Some(right) = cursor.sign() else {
                return Err(right_sign.mistake_word("-->, <--, ... or XXX behind the segment", []));
            };
            let course = Course { left: sign, right };
            if !course.is_possible() {
                return Err(start.mistake_because(&format!("{sign} on the left does not go with {right} on the right")));
            }
            RungKind::Segment { course, fields }
        } else {
            if left.is_none() {
                return Err(cursor.mistake_word("a state, -->, <--, ... or XXX", State::ALL.iter().map(|state| state.name())));
            }
            RungKind::States
        };
        let right = cursor.state();
        if cursor.rest().trim_start().starts_with('(') && cursor.rest().trim_end().ends_with(')') {
            cursor.finish();
        }
        if !cursor.at_end() {
            let states = State::ALL.iter().map(|state| state.name());
            return Err(cursor.mistake_word("a state, or the end of the line", states));
        }
        self.push(cursor.number, LineKind::Rung(Rung { kind, left, right }));
        Ok(())
    }

    /// A line of `<WND=...><OPT=...>` below the rung it belongs to.
    fn continuation(&mut self, cursor: &mut Cursor<'_>) -> Parsed<()> {
        let start = cursor.clone();
        let more = cursor.fields()?;
        cursor.end()?;
        match self.scenario.lines.last_mut() {
            Some(Line { what: LineKind::Rung(Rung { kind: RungKind::Segment { fields, .. }, .. }), .. }) => {
                fields.window = fields.window.or(more.window);
                fields.options = fields.options.take().or(more.options);
                Ok(())
            }
            _ => Err(start.mistake_word("a row with a segment above the line of its fields", [])),
        }
    }
}

/// Connections that may wait for `accept` if `listen` does not say.
const DEFAULT_BACKLOG: u16 = 5;

/// A place in one line.
#[derive(Clone)]
struct Cursor<'a> {
    number: usize,
    line: &'a str,
    /// Octets read.
    at: usize,
}

impl<'a> Cursor<'a> {
    fn rest(&self) -> &'a str {
        &self.line[self.at..]
    }

    fn skip(&mut self, octets: usize) {
        self.at += octets;
    }

    fn skip_space(&mut self) {
        self.at = self.line.len() - self.rest().trim_start().len();
    }

    fn skip_comma(&mut self) {
        self.skip_space();
        if self.rest().starts_with(',') {
            self.skip(1);
        }
    }

    fn finish(&mut self) {
        self.at = self.line.len();
    }

    /// The next word without taking it; ends at white space or at `<`.
    fn peek_word(&self) -> &'a str {
        let rest = self.rest().trim_start();
        let end = rest.char_indices().find(|(at, c)| c.is_whitespace() || (*c == '<' && *at > 0)).map_or(rest.len(), |(at, _)| at);
        &rest[..end]
    }

    fn word(&mut self) -> &'a str {
        self.skip_space();
        let word = self.peek_word();
        self.skip(word.len());
        word
    }

    /// Whether nothing but white space or a comment is left.
    fn at_end(&self) -> bool {
        let rest = self.rest().trim_start();
        rest.is_empty() || rest.starts_with('#')
    }

    fn end(&self) -> Parsed<()> {
        if self.at_end() { Ok(()) } else { Err(self.mistake_word("the end of the line", [])) }
    }

    fn text(&mut self, expected: &str) -> Parsed<String> {
        let text = self.rest().trim();
        if text.is_empty() {
            return Err(self.mistake_at_end(expected));
        }
        self.finish();
        Ok(text.to_owned())
    }

    fn duration(&mut self) -> Parsed<Duration> {
        let before = self.clone();
        let word = self.word();
        let parsed = humantime::parse_duration(word).ok().filter(|duration| *duration <= MAX_DURATION);
        parsed.ok_or_else(|| before.mistake_word("a duration such as 10ms or 1s, a year at most", []))
    }

    fn number(&mut self, expected: &str, max: u64) -> Parsed<u64> {
        let before = self.clone();
        self.word().parse().ok().filter(|number| *number <= max).ok_or_else(|| {
            let limit = if max == u64::MAX { String::new() } else { format!(" from 0 to {max}") };
            before.mistake_word(&format!("{expected}{limit}"), [])
        })
    }

    fn number_u32(&mut self, expected: &str) -> Parsed<u32> {
        let before = self.clone();
        let word = self.word();
        let word = word.strip_suffix(',').unwrap_or(word);
        self.at = before.line.len() - before.rest().trim_start().len() + word.len();
        word.parse().map_err(|_| before.mistake_word(&format!("{expected}, a whole number from 0 to {}", u32::MAX), []))
    }

    fn number_u16(&mut self, expected: &str) -> Parsed<u16> {
        self.number(expected, u64::from(u16::MAX)).map(|number| u16::try_from(number).unwrap_or(u16::MAX))
    }

    fn mtu(&mut self) -> Parsed<u16> {
        let before = self.clone();
        let mtu = self.number_u16("an MTU")?;
        // RFC 791: every link carries 68 octets.
        if mtu < 68 { Err(before.mistake_word("an MTU of at least 68 octets", [])) } else { Ok(mtu) }
    }

    fn profile(&mut self) -> Parsed<String> {
        let before = self.clone();
        let word = self.word();
        if Profile::named(word).is_none() {
            let why = unknown_profile(word);
            return Err(before.mistake_because(&why));
        }
        Ok(word.to_owned())
    }

    fn choice<T: Copy>(&mut self, expected: &str, choices: &[(&'static str, T)]) -> Parsed<T> {
        let before = self.clone();
        let word = self.word();
        let found = choices.iter().find(|(name, _)| *name == word);
        found.map(|(_, value)| *value).ok_or_else(|| before.mistake_word(expected, choices.iter().map(|(name, _)| *name)))
    }

    fn socket_option(&mut self) -> Parsed<SocketOption> {
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
            _ => {
                let names = ["nodelay", "quickack", "maxseg", "linger", "user-timeout"];
                return Err(before.mistake_word("nodelay, quickack, maxseg, linger or user-timeout", names));
            }
        })
    }

    /// `100`, or `"text"` in double quotes.
    fn send_text(&mut self) -> Parsed<Vec<u8>> {
        self.skip_space();
        if let Some(quoted) = self.rest().strip_prefix('"') {
            let Some(end) = quoted.find('"') else {
                return Err(self.mistake_at_end("a closing quotation mark"));
            };
            self.skip(end + 2);
            return Ok(quoted.as_bytes()[..end].to_vec());
        }
        let before = self.clone();
        let octets = self.number_u32("how many octets, or a text in quotation marks")?;
        if octets > MAX_SEND {
            return Err(before.mistake_word(&format!("at most {MAX_SEND} octets"), []));
        }
        // Letters, so that a capture shows where in the stream a segment stands.
        Ok((b'a'..=b'z').cycle().take(octets as usize).collect())
    }

    /// `FIN`, or `FIN#2` for the second one to come.
    fn segment_kind(&mut self) -> Parsed<(SegmentKind, u32)> {
        let before = self.clone();
        let word = self.word();
        let (name, nth) = word.split_once('#').unwrap_or((word, "1"));
        let kind = KINDS.into_iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, kind)| kind);
        let names = KINDS.map(|(name, _)| name);
        let expected = "a kind of segment (SYN, SYN,ACK, ACK, FIN, RST, data or any), the second one as FIN#2";
        let kind = kind.ok_or_else(|| before.mistake_word(expected, names))?;
        let nth: u32 = nth.parse().ok().filter(|nth| *nth > 0).ok_or_else(|| before.mistake_word(expected, []))?;
        Ok((kind, nth - 1))
    }

    fn forged(&mut self) -> Parsed<Forged> {
        let before = self.clone();
        let fields = self.fields()?;
        let (Some(seq), Some(flags)) = (fields.seq, fields.flags) else {
            return Err(before.mistake_word("a segment with at least <SEQ=number> and <CTL=flags>", []));
        };
        if flags.contains(Flags::ACK) && fields.ack.is_none() {
            return Err(before.mistake_word("<ACK=number> in a segment with CTL ACK", []));
        }
        let len = fields.len.unwrap_or(0);
        if len > 65_000 {
            return Err(before.mistake_word("a LEN that fits one IP packet, 65000 at most", []));
        }
        Ok(Forged { seq, ack: fields.ack.unwrap_or(0), flags, len, window: fields.window.unwrap_or(u16::MAX) })
    }

    fn state(&mut self) -> Option<State> {
        let state = state_named(self.peek_word())?;
        self.word();
        Some(state)
    }

    fn sign(&mut self) -> Option<Sign> {
        let rest = self.rest().trim_start();
        let sign = Sign::ALL.into_iter().find(|sign| rest.starts_with(sign.text()))?;
        self.skip_space();
        self.skip(sign.text().len());
        Some(sign)
    }

    /// A run of `<NAME=value>`.
    fn fields(&mut self) -> Parsed<Fields> {
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

    fn field(&mut self, fields: &mut Fields) -> Parsed<()> {
        let inner = &self.rest()[1..];
        let Some(end) = inner.find('>') else {
            return Err(self.mistake_at_end("> behind the field"));
        };
        let inner = &inner[..end];
        self.skip(1);
        let Some((name, value)) = inner.split_once('=') else {
            return Err(self.mistake_span(inner.len(), "NAME=value between < and >", [].into_iter()));
        };
        let at_value = Cursor { at: self.at + name.len() + 1, ..self.clone() };
        let number = |max: u32| {
            let parsed = value.trim().parse::<u32>().ok().filter(|number| *number <= max);
            parsed.ok_or_else(|| at_value.mistake_span(value.len(), &format!("a whole number from 0 to {max}"), [].into_iter()))
        };
        let again = match name {
            "SEQ" => fields.seq.replace(number(u32::MAX)?).is_some(),
            "ACK" => fields.ack.replace(number(u32::MAX)?).is_some(),
            "LEN" => fields.len.replace(number(u32::MAX)?).is_some(),
            "WND" => fields.window.replace(u16::try_from(number(u32::from(u16::MAX))?).unwrap_or(u16::MAX)).is_some(),
            "CTL" => fields.flags.replace(at_value.flags(value)?).is_some(),
            "OPT" => fields.options.replace(value.to_owned()).is_some(),
            _ => {
                let names = ["SEQ", "ACK", "LEN", "CTL", "WND", "OPT"];
                return Err(self.mistake_span(name.len(), "SEQ, ACK, LEN, CTL, WND or OPT", names.into_iter()));
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

    fn flags(&self, value: &str) -> Parsed<Flags> {
        if value == "none" {
            return Ok(Flags::NONE);
        }
        let mut flags = Flags::NONE;
        let mut cursor = self.clone();
        for name in value.split(',') {
            let Some(flag) = Flags::named(name.trim()) else {
                return Err(cursor.mistake_span(name.len(), "flags such as SYN,ACK", Flags::NAMED.map(|(_, name)| name).into_iter()));
            };
            flags = flags | flag;
            cursor.skip(name.len() + 1);
        }
        Ok(flags)
    }

    // --- mistakes ------------------------------------------------------------------------------

    fn mistake_word<'n>(&self, expected: &str, names: impl IntoIterator<Item = &'n str>) -> Box<Mistake> {
        let mut at = self.clone();
        at.skip_space();
        at.mistake_span(at.peek_word().len(), expected, names.into_iter())
    }

    fn mistake_span<'n>(&self, octets: usize, expected: &str, names: impl Iterator<Item = &'n str>) -> Box<Mistake> {
        let rest = self.rest();
        let found = rest.get(..octets).unwrap_or(rest);
        Box::new(Mistake {
            line: self.number,
            column: self.line[..self.at].chars().count() + 1,
            width: found.chars().count().max(1),
            text: self.line.to_owned(),
            expected: expected.to_owned(),
            found: if found.is_empty() { "the end of the line".to_owned() } else { format!("{found:?}") },
            hint: nearest(found, names).filter(|near| near != found),
        })
    }

    fn mistake_here(&self, expected: &str) -> Box<Mistake> {
        self.mistake_word(expected, [])
    }

    fn mistake_at_end(&self, expected: &str) -> Box<Mistake> {
        let mut at = self.clone();
        at.at = at.line.trim_end().len();
        at.mistake_span(0, expected, [].into_iter())
    }

    /// A mistake whose explanation is already a sentence.
    fn mistake_because(&self, why: &str) -> Box<Mistake> {
        let mut mistake = self.mistake_word("something else", []);
        why.clone_into(&mut mistake.expected);
        mistake.expected = format!("a valid setting ({why})");
        mistake
    }
}
