//! System calls made, and what they change in what the script's packets are about.

use super::calls::{Around, Expects, check, prepare};
use super::clock::{self, Micros, Moment, micros, seconds};
use super::mismatch::{Difference, Subject};
use super::player::{A_SECOND, Player, Waiting};
use super::socket::{Phase, Protocol, Socket};
use super::stop::Stop;
use super::values::number;
use crate::engine::Instant;
use crate::sources::packetdrill::syntax::{Event, Expression, Span, Spanned, SystemCall, Time};
use crate::trace::End;
use crate::worlds::stack::{Answer, Call, Fd, Outcome, Output};

/// Most octets that all calls of a script may write together.
const MOST_WRITTEN: u64 = 1 << 30;

impl<'a> Player<'a> {
    /// Makes a call; what it returns is judged at once, or when it returns.
    pub(super) fn call(&mut self, event: &'a Event, call: &'a SystemCall, moment: Moment, base: Micros) -> Result<(), Stop> {
        if self.waiting.is_some() {
            self.await_call(micros(self.place.now()).saturating_add(A_SECOND))?;
        }
        let around = Around { fds: &self.fds, settings: &self.settings };
        let (made, expects) = prepare(call, &around)?;
        if let Call::Send { count, .. } | Call::Sendfile { count, .. } | Call::Splice { count, .. } = &made {
            self.written = self.written.saturating_add((*count).into());
            if self.written > MOST_WRITTEN {
                return Err(Stop::error(call.name.span, format!("the script writes more than {} MiB", MOST_WRITTEN >> 20)));
            }
        }
        let socket = self.begin(&made);
        let end = call.end.as_ref().map(|end| {
            let relative = matches!(event.time.value, Time::Relative(_));
            clock::written(end.value).saturating_add(if relative { base } else { 0 })
        });
        if end.is_some_and(|end| end < moment.nominal()) {
            let span = call.end.as_ref().map_or(call.name.span, |end| end.span);
            return Err(Stop::error(span, "the call is to return before it is made"));
        }
        let waiting = Waiting { call, span: event.what.span, expects, started: moment.nominal(), end, socket };
        match self.place.call(&made)? {
            Outcome::Returned(answer) => {
                let at = self.place.now();
                self.judge_call(&waiting, at, &answer, false)
            }
            Outcome::Blocked => {
                let errno = if matches!(made, Call::Connect { .. }) { "EINPROGRESS" } else { "EAGAIN" };
                self.chronicle.call(self.place.now(), self.words(call), Err(errno.to_owned()), false);
                let returns_at_once = waiting.end.is_none();
                self.waiting = Some(waiting);
                // Nothing but the lateness of the next event says that it takes too long.
                if returns_at_once { self.await_call(self.patience()) } else { Ok(()) }
            }
            Outcome::Unsupported(words) => Err(Stop::unsupported(call.name.span, words)),
        }
    }

    /// The call in the script's words.
    fn words(&self, call: &SystemCall) -> String {
        let (start, end) = (call.name.span.start, call.result.span.start);
        let text = self.context.text.get(start..end).unwrap_or_default().trim_end().trim_end_matches('=');
        let words: Vec<_> = text.split_whitespace().collect();
        if words.is_empty() { format!("{}()", call.name.value) } else { words.join(" ") }
    }

    /// Whom of the sockets a call is about; what it begins it begins before it returns.
    fn begin(&mut self, call: &Call) -> Option<usize> {
        let of = |sockets: &[Socket], fd: Fd| sockets.iter().rposition(|socket| socket.fd == Some(fd));
        match call {
            Call::Connect { fd, to } => {
                let index = of(&self.sockets, *fd)?;
                if let Some(to) = to {
                    self.connects(index, *to);
                }
                Some(index)
            }
            Call::Send { fd, to: Some(to), .. } => {
                let index = of(&self.sockets, *fd)?;
                if self.sockets[index].phase == Phase::New {
                    self.connects(index, *to);
                }
                Some(index)
            }
            Call::Bind { fd, .. } | Call::Listen { fd, .. } | Call::Close { fd } => of(&self.sockets, *fd),
            _ => None,
        }
    }

    fn connects(&mut self, index: usize, to: End) {
        let socket = &mut self.sockets[index];
        socket.remote = End { address: to.address.to_canonical(), ..to };
        if socket.protocol == Protocol::Tcp && socket.phase == Phase::New {
            socket.phase = Phase::Connecting;
        }
    }

    /// Holds what a call returned against its line.
    pub(super) fn judge_call(&mut self, waiting: &Waiting<'a>, at: Instant, answer: &Answer, returned: bool) -> Result<(), Stop> {
        let Waiting { call, span, expects, started, end, socket } = waiting;
        let result = match answer.errno {
            Some(errno) => Err(errno.name().to_owned()),
            None => Ok(answer.result.to_string()),
        };
        self.chronicle.call(at, self.words(call), result, returned);
        let late = end.and_then(|end| Moment::At(end).check(micros(at), Some(*started), &self.settings).err());
        let mut differences = Vec::new();
        if let Some(expected) = late {
            differences.push(Difference::new("return", expected, format!("{} s", seconds(micros(at)))));
        }
        let system = self.settings.system;
        let about = call.arguments.first().and_then(|fd| number(fd, system).ok()).and_then(|fd| self.fds.get(&fd)).copied();
        let place = &mut *self.place;
        let mut info = || {
            let fd = about.ok_or_else(|| Stop::error(call.name.span, "there is no such descriptor"))?;
            place.info(fd).map_err(Stop::from)
        };
        differences.extend(check(call, answer, expects, &self.settings, &mut info)?);
        self.took_effect(call, answer, expects, *socket)?;
        let Some(first) = differences.first() else { return Ok(()) };
        let summary = match first.field.as_str() {
            "return" => format!("timing error: expected system call return at {} but happened at {}", first.expected, first.actual),
            "result" => format!("Expected result {} but got {}", first.expected, first.actual),
            "errno" => format!("Expected errno {} but got {}", first.expected, first.actual),
            field => format!("Expected {field} {} but got {}", first.expected, first.actual),
        };
        self.forgive(self.mismatch(*span, Subject::Call, summary, differences), Subject::Call)
    }

    /// What a call changed for those that follow.
    fn took_effect(&mut self, call: &SystemCall, answer: &Answer, expects: &Expects<'_>, socket: Option<usize>) -> Result<(), Stop> {
        if answer.result < 0 {
            return Ok(());
        }
        let live = i32::try_from(answer.result).unwrap_or(-1);
        match call.name.value.as_str() {
            "socket" => {
                self.open(&call.result, call.result.span, live)?;
                let word = |index: usize| self.argument(call, index);
                let protocol = match (word(1), word(2)) {
                    (Some(kind), _) if kind & 0xf == STREAM => Protocol::Tcp,
                    (Some(kind), _) if kind & 0xf == DATAGRAM => Protocol::Udp,
                    _ => Protocol::Other,
                };
                let end = |address, port| End { address, port };
                let (local, remote) = (end(self.settings.local, 0), end(self.settings.remote, 0));
                self.sockets.push(Socket::new(protocol, Some(live), local, remote));
                self.under_test = Some(self.sockets.len() - 1);
            }
            "accept" => {
                self.open(&call.result, call.result.span, live)?;
                let is_child = |socket: &Socket| {
                    !socket.accepted && matches!(socket.phase, Phase::PacketReceived | Phase::SynAckSent | Phase::SynAckAcked)
                };
                let current = self.under_test.filter(|index| is_child(&self.sockets[*index]));
                if let Some(index) = current.or_else(|| self.sockets.iter().rposition(is_child)) {
                    let child = &mut self.sockets[index];
                    (child.fd, child.accepted) = (Some(live), true);
                }
            }
            "open" | "epoll_create" => self.open(&call.result, call.result.span, live)?,
            "pipe" => {
                if let (Expects::Pair(first, second), Output::Pair(read, write)) = (expects, &answer.output) {
                    self.open(first, first.span, *read)?;
                    self.open(second, second.span, *write)?;
                }
            }
            "bind" => {
                if let Some(index) = socket {
                    let around = Around { fds: &self.fds, settings: &self.settings };
                    if let (Call::Bind { to, .. }, _) = prepare(call, &around)? {
                        let socket = &mut self.sockets[index];
                        socket.local.port = to.port;
                        let address = to.address.to_canonical();
                        if !address.is_unspecified() {
                            socket.local.address = address;
                        }
                    }
                }
            }
            "listen" => {
                if let Some(index) = socket {
                    self.sockets[index].phase = Phase::Listening;
                }
            }
            "close" => {
                if let Some(written) = self.argument(call, 0) {
                    self.fds.remove(&written);
                }
                if let Some(index) = socket {
                    self.sockets[index].fd = None;
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn argument(&self, call: &SystemCall, index: usize) -> Option<i64> {
        call.arguments.get(index).and_then(|argument| number(argument, self.settings.system).ok())
    }

    /// Calls a live descriptor by the number the script writes.
    fn open(&mut self, written: &Spanned<Expression>, span: Span, live: Fd) -> Result<(), Stop> {
        let written = if written.value == Expression::Ellipsis { live.into() } else { number(written, self.settings.system)? };
        if written >= 0 && self.fds.insert(written, live).is_some() {
            return Err(Stop::error(span, format!("descriptor {written} is open in the script already")));
        }
        Ok(())
    }
}

/// `SOCK_STREAM` and `SOCK_DGRAM`, everywhere.
const STREAM: i64 = 1;
const DATAGRAM: i64 = 2;
