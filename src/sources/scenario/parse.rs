//! Text to [`Scenario`]: one line at a time, with errors that say where, what, and what would be right.
//!
//! The grammar is written down in docs/ladder-grammar.md; a test runs its examples.

use std::time::Duration;

use super::cursor::{Cursor, MAX_SEND, Parsed};
use super::{Action, ActionLine, HostPlan, Line, LineKind, Scenario, When, host_name, state_named};
use crate::engine::State;
use crate::ladder::{Course, Fields, Rung, RungKind, Sign};
use crate::mistake::{Mistake, ParseError};
use crate::trace::HostId;
use crate::worlds::simulated::CookieAge;
use crate::worlds::{Call, DEFAULT_PORT, Fault, How, SendFlag, UdpCall};

/// Most lines of a scenario; hostile input ends here.
const MAX_LINES: usize = 10_000;
const DIRECTIVES: [&str; 9] = ["title", "source", "teaches", "link", "ip", "seed", "profile", "show", "mtu"];
const ACTIONS: [&str; 23] = [
    "listen",
    "open",
    "connect",
    "accept",
    "send",
    "recv",
    "bind",
    "sendto",
    "recvfrom",
    "ping",
    "shutdown",
    "close",
    "abort",
    "exit",
    "crash",
    "option",
    "lose",
    "delay",
    "duplicate",
    "reorder",
    "corrupt",
    "inject",
    "netstat",
];
/// What others call it, and what it is called here.
const ELSEWHERE: [(&str, &str); 6] =
    [("socket", "listen or connect"), ("drop", "lose"), ("write", "send"), ("read", "recv"), ("receive", "recv"), ("setsockopt", "option")];
const SETTINGS: [&str; 6] = ["iss", "profile", "set", "timestamp", "cookie", "user"];
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
            resolve: false,
            faults: Vec::new(),
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
        octets: 0,
    };
    let error = |mistake| ParseError { name: name.to_owned(), mistake };
    let mut end = Cursor { number: 1, line: "", at: 0 };
    // Some editors begin a file with a byte order mark.
    for (line, number) in text.strip_prefix('\u{feff}').unwrap_or(text).lines().zip(1..) {
        let mut cursor = Cursor { number, line, at: 0 };
        if number > MAX_LINES {
            return Err(error(cursor.mistake_word(&format!("at most {MAX_LINES} lines"), [])));
        }
        reader.line(&mut cursor).map_err(error)?;
        end = cursor;
    }
    if reader.scenario.lines.is_empty() && !rows_only {
        end.finish();
        let mut mistake = end.mistake_word("an action such as A connect, or a row of a ladder", []);
        "the end of the file".clone_into(&mut mistake.found);
        return Err(error(mistake));
    }
    Ok(reader.scenario)
}

struct Reader {
    scenario: Scenario,
    /// Directives seen, with their lines, for the message on the second one.
    given: Vec<(String, usize)>,
    /// Only rows of a ladder have a place here.
    rows_only: bool,
    /// Octets that are sent and forged so far.
    octets: u32,
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
            _ if Sign::ALL.iter().any(|sign| sign.text() == word) || state_named(word).is_some() => self.rung(cursor),
            _ if self.rows_only => {
                let states = State::ALL.iter().map(|state| state.name());
                Err(cursor.mistake_word("a row of a ladder (here are no settings and no actions)", states))
            }
            _ if cursor.begins_act() => self.act_line(cursor),
            _ if cursor.begins_impairment() => self.impairment_line(cursor),
            _ if DIRECTIVES.contains(&word) => self.directive(cursor),
            _ => Err(Self::no_such_line(cursor)),
        }
    }

    #[expect(clippy::unnecessary_box_returns, reason = "a mistake is made to be the error of a `Parsed`")]
    /// The mistake of a line that begins with none of the words a line can begin with.
    fn no_such_line(cursor: &Cursor<'_>) -> Box<Mistake> {
        let mut behind = cursor.clone();
        behind.word();
        // What a host does, but of no host there is.
        if ACTIONS.contains(&behind.peek_word()) || SETTINGS.contains(&behind.peek_word()) {
            let lower = cursor.peek_word().to_uppercase();
            return cursor.mistake_word("a host, A or B", ["A", "B"].into_iter().filter(|host| **host == lower));
        }
        let mut mistake = cursor.mistake_word("a setting, a host (A or B), or a row of a ladder", line_beginnings());
        if ACTIONS.contains(&cursor.peek_word()) {
            mistake.hint = Some(format!("A {}", cursor.peek_word()));
        }
        mistake
    }

    /// `lose A:FIN#1`: the same as `A lose FIN#1`.
    fn act_line(&mut self, cursor: &mut Cursor<'_>) -> Parsed<()> {
        let act = cursor.act_with_host()?;
        cursor.end()?;
        let line = ActionLine { host: act.from, when: When::Next, action: Action::Network(act) };
        self.push(cursor.number, LineKind::Action(line));
        Ok(())
    }

    // --- settings ------------------------------------------------------------------------------

    /// What the link does to all that passes; each thing once for each direction.
    fn impairment_line(&mut self, cursor: &mut Cursor<'_>) -> Parsed<()> {
        let before = cursor.clone();
        self.settings_come_first(&before)?;
        let fault = cursor.impairment()?;
        cursor.end()?;
        if let Fault::Link { from, what } = &fault {
            let what = what.to_string();
            let kind = what.split(' ').next().unwrap_or_default();
            for direction in ["A>B", "B>A"].into_iter().zip(0..).filter(|(_, host)| from.is_none_or(|from| from.0 == *host)) {
                self.once(&before, &format!("link {} {kind}", direction.0))?;
            }
        }
        self.scenario.faults.push(fault);
        Ok(())
    }

    fn directive(&mut self, cursor: &mut Cursor<'_>) -> Parsed<()> {
        let before = cursor.clone();
        let word = cursor.word();
        self.settings_come_first(&before)?;
        if word == "link" && !["delay", "mtu", "resolve"].contains(&cursor.peek_word()) {
            return self.impairment_line(cursor);
        }
        let key = match (word, cursor.peek_word()) {
            ("link" | "show", what) => format!("{word} {what}"),
            ("mtu", _) => "link mtu".to_owned(),
            _ => word.to_owned(),
        };
        self.once(&before, &key)?;
        let scenario = &mut self.scenario;
        match word {
            "title" => scenario.title = cursor.text("a title")?,
            "source" => scenario.source = cursor.text("a source, such as RFC 9293 section 3.5")?,
            "teaches" => scenario.teaches = cursor.text("a sentence")?,
            "link" if cursor.peek_word() == "resolve" => {
                cursor.word();
                scenario.resolve = true;
            }
            "link" if cursor.word() == "delay" => scenario.delay = cursor.duration()?,
            "link" | "mtu" => scenario.mtu = cursor.mtu()?,
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
        if self.scenario.lines.is_empty() {
            return Ok(());
        }
        Err(cursor.mistake_word("an action or a row here (settings stand above the first of them)", []))
    }

    // --- hosts ---------------------------------------------------------------------------------

    fn host_line(&mut self, cursor: &mut Cursor<'_>, host: HostId) -> Parsed<()> {
        cursor.word();
        let word = cursor.peek_word();
        if SETTINGS.contains(&word) {
            self.settings_come_first(cursor)?;
            return self.host_setting(cursor, host);
        }
        let when = Self::when(cursor)?;
        let before = cursor.clone();
        let action = Self::action(cursor, host)?;
        cursor.end()?;
        self.octets += match &action {
            Action::Call(Call::Send { text, .. } | Call::Connect { text, .. } | Call::Udp(UdpCall::SendTo { text, .. })) => {
                u32::try_from(text.len()).unwrap_or(u32::MAX)
            }
            Action::Inject(_, forged) => forged.len,
            Action::Call(_) | Action::Network(_) | Action::Report(..) | Action::Netstat => 0,
        };
        if self.octets > MAX_SEND {
            return Err(before.mistake_word(&format!("at most {MAX_SEND} octets in all"), []));
        }
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
            "iss" => self.scenario.hosts[position].iss = cursor.numbers_u32("an ISS")?,
            "timestamp" => {
                self.scenario.hosts[position].timestamps = cursor.numbers_u32("what the timestamp clock shows at the beginning")?;
            }
            "cookie" => {
                let ages = [("valid", CookieAge::Valid), ("stale", CookieAge::Stale)];
                self.scenario.hosts[position].cookie = Some(cursor.choice("valid or stale", &ages)?);
            }
            "user" => self.scenario.hosts[position].user = true,
            "profile" => self.scenario.hosts[position].profile = Some(cursor.profile()?),
            _ => {
                let setting = cursor.clone();
                let pair = cursor.knob()?;
                self.once(&setting, &format!("{} set {}", host_name(host), pair.0))?;
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
                let (mut port, mut backlog, mut fast_open) = (None, None, None);
                while !cursor.at_end() {
                    match cursor.peek_word() {
                        "port" if port.is_none() => port = Some(cursor.argument("a port")?),
                        "backlog" if backlog.is_none() => backlog = Some(cursor.argument("a backlog")?),
                        "fastopen" if fast_open.is_none() => fast_open = Some(cursor.argument("how many fast opens may be under way")?),
                        _ => {
                            let names = ["port", "backlog", "fastopen"];
                            return Err(cursor.mistake_word("port, backlog, fastopen (each once), or the end of the line", names));
                        }
                    }
                }
                let (port, backlog) = (port.unwrap_or(DEFAULT_PORT), backlog.unwrap_or(DEFAULT_BACKLOG));
                Call::Listen { port, backlog, fast_open }
            }
            "open" => {
                cursor.choice("passive (connect is the active OPEN)", &[("passive", ())])?;
                let (mut port, mut peer) = (None, None);
                while !cursor.at_end() {
                    match cursor.peek_word() {
                        "port" if port.is_none() => port = Some(cursor.argument("a port")?),
                        "peer" if peer.is_none() => peer = Some(cursor.argument("the remote port")?),
                        _ => return Err(cursor.mistake_word("port, peer (each once), or the end of the line", ["port", "peer"])),
                    }
                }
                Call::OpenPassive { port: port.unwrap_or(DEFAULT_PORT), peer: peer.map(|port| (other, port)) }
            }
            "bind" => {
                cursor.choice("udp (listen binds a TCP socket, connect from another)", &[("udp", ())])?;
                Call::Udp(UdpCall::Bind { port: cursor.port_or_end()?.unwrap_or(DEFAULT_PORT) })
            }
            "connect" if cursor.peek_word() == "udp" => {
                cursor.word();
                Call::Udp(UdpCall::Connect { to: other, port: cursor.port_or_end()?.unwrap_or(DEFAULT_PORT) })
            }
            "sendto" => {
                let text = cursor.send_text()?;
                Call::Udp(UdpCall::SendTo { to: other, port: cursor.port_or_end()?, text })
            }
            "recvfrom" => Call::Udp(UdpCall::RecvFrom(cursor.octets_or_end()?)),
            "ping" => {
                let times = if cursor.at_end() { 1 } else { cursor.ping_times()? };
                Call::Ping { to: other, times }
            }
            "connect" => {
                let (mut to, mut address, mut port, mut from_port, mut text, mut fast) = (None, None, None, None, None, false);
                while !cursor.at_end() {
                    match cursor.peek_word() {
                        "port" if port.is_none() => port = Some(cursor.argument("a port")?),
                        "from" if from_port.is_none() => from_port = Some(cursor.argument("a local port")?),
                        "to" if address.is_none() && to.is_none() => address = Some(cursor.address()?),
                        "itself" if to.is_none() && address.is_none() => {
                            cursor.word();
                            to = Some(host);
                        }
                        "fast" if !fast => {
                            cursor.word();
                            fast = true;
                        }
                        "with" if text.is_none() => {
                            cursor.word();
                            text = Some(cursor.send_text()?);
                        }
                        _ => {
                            let names = ["to", "port", "from", "itself", "fast", "with"];
                            let expected = "to or itself, port, from, fast, with (each once), or the end of the line";
                            return Err(cursor.mistake_word(expected, names));
                        }
                    }
                }
                let (to, port) = (to.unwrap_or(other), port.unwrap_or(DEFAULT_PORT));
                Call::Connect { to, address, port, from_port, text: text.unwrap_or_default(), fast }
            }
            "accept" => Call::Accept,
            "send" => {
                let text = cursor.send_text()?;
                let flag = if cursor.at_end() {
                    SendFlag::Plain
                } else {
                    cursor.choice("more, urgent or eof, or the end of the line", &SendFlag::NAMED)?
                };
                Call::Send { text, flag }
            }
            "recv" => Call::Recv(cursor.octets_or_end()?),
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
            verb @ ("lose" | "delay" | "duplicate" | "reorder" | "corrupt") => return cursor.network_act(verb, host).map(Action::Network),
            "inject" if cursor.peek_word() == "icmp" => return cursor.icmp_error().map(|(error, about)| Action::Report(error, about)),
            "inject" => {
                let claims = cursor.claim()?;
                return Ok(Action::Inject(claims, cursor.forged()?));
            }
            "netstat" => return Ok(Action::Netstat),
            _ => {
                let expected = format!("a call or an act of the network ({})", ACTIONS.join(", "));
                let mut mistake = before.mistake_word(&expected, ACTIONS.into_iter().chain(SETTINGS));
                if let Some((_, instead)) = ELSEWHERE.iter().find(|(word, _)| *word == before.peek_word()) {
                    mistake.hint = Some((*instead).to_owned());
                }
                return Err(mistake);
            }
        };
        Ok(Action::Call(call))
    }

    // --- ladders -------------------------------------------------------------------------------

    fn rung(&mut self, cursor: &mut Cursor<'_>) -> Parsed<()> {
        let left = cursor.state();
        let kind = if let Some(sign) = cursor.sign() {
            let message = cursor.message()?;
            let fields = if message.is_some() { Fields::default() } else { cursor.fields()? };
            let right_sign = cursor.clone();
            let Some(right) = cursor.sign() else {
                return Err(right_sign.mistake_word("-->, <--, ... or XXX behind the segment", []));
            };
            let course = Course { left: sign, right };
            if !course.is_possible() {
                let possible = Sign::ALL.into_iter().filter(|&right| Course { left: sign, right }.is_possible());
                let possible: Vec<_> = possible.map(Sign::text).collect();
                return Err(right_sign.mistake_word(&format!("{} to go with {sign} on the left", possible.join(" or ")), []));
            }
            match message {
                Some(message) => RungKind::Message { course, message },
                None => RungKind::Segment { course, fields },
            }
        } else {
            RungKind::States
        };
        let right = cursor.state();
        if cursor.rest().trim_start().starts_with('(') && cursor.rest().trim_end().ends_with(')') {
            cursor.finish();
        }
        if !cursor.at_end() {
            let states = State::ALL.iter().map(|state| state.name());
            return Err(match kind {
                RungKind::States if right.is_none() => {
                    let expected = "a sign (-->, <--, ... or XXX), the other host's state, or the end of the line";
                    cursor.mistake_word(expected, Sign::ALL.into_iter().map(Sign::text).chain(states))
                }
                _ => cursor.mistake_word("a state, or the end of the line", states),
            });
        }
        self.push(cursor.number, LineKind::Rung(Rung { kind, left, right, beside: None }));
        Ok(())
    }

    /// A line of `<WND=...><OPT=...>` below the rung it belongs to.
    fn continuation(&mut self, cursor: &mut Cursor<'_>) -> Parsed<()> {
        let start = cursor.clone();
        let more = cursor.fields()?;
        cursor.end()?;
        if more.seq.is_some() || more.ack.is_some() || more.len.is_some() || more.urgent.is_some() || more.flags.is_some() {
            return Err(start.mistake_word("only WND and OPT below a row; SEQ, ACK, LEN, UP and CTL stand in it", []));
        }
        match self.scenario.lines.last_mut() {
            Some(Line { what: LineKind::Rung(Rung { kind: RungKind::Segment { fields, .. }, .. }), number }) => {
                if fields.window.is_some() && more.window.is_some() || fields.options.is_some() && more.options.is_some() {
                    return Err(start.mistake_word(&format!("each field only once; line {number} or one below it has it already"), []));
                }
                fields.window = fields.window.or(more.window);
                fields.options = fields.options.take().or(more.options);
                Ok(())
            }
            _ => Err(start.mistake_word("a row with a segment above the line of its fields", [])),
        }
    }
}

/// The words a line can begin with.
fn line_beginnings() -> impl Iterator<Item = &'static str> {
    let signs = Sign::ALL.into_iter().map(Sign::text);
    DIRECTIVES.into_iter().chain(super::faults::IMPAIRMENTS).chain(State::ALL.iter().map(|state| state.name())).chain(signs)
}

/// Connections that may wait for `accept` if `listen` does not say.
const DEFAULT_BACKLOG: u16 = 5;
