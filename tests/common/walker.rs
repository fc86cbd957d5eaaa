//! One connection, led through the rule graph by calls, segments and time; the peer is whoever writes
//! the segments. No field is ever written.

#![allow(dead_code, reason = "each test uses what it needs")]

use std::collections::VecDeque;
use std::sync::Arc;

use synfin::engine::{
    Arrival, Connection, Event, Flags, Guard, Instant, Open, Profile, RULES, Rule, Segment, SeqNumber, Signal, State, TcpOptions, Theirs,
    Timestamps, Variables, WireWindow,
};

/// Our ISS and the peer's; far from zero, so that what is subtracted from them stays readable.
pub(crate) const ISS: u32 = 1_000_000;
/// The peer's.
pub(crate) const IRS: u32 = 3_000_000;
/// The window every segment of the peer offers.
pub(crate) const WINDOW: u16 = 65_535;

/// What an OPEN of ours brings along.
pub(crate) fn open() -> Open {
    Open { iss: SeqNumber::new(ISS), mss: 1460, send_mss: 1460, default_mss: 536, ts_offset: 0 }
}

/// A segment of the peer.
pub(crate) fn segment(flags: Flags, seq: u32, ack: u32, len: u32) -> Segment<Theirs> {
    Segment {
        seq: SeqNumber::new(seq),
        ack: SeqNumber::new(if flags.contains(Flags::ACK) { ack } else { 0 }),
        flags,
        window: WireWindow(WINDOW),
        urgent: 0,
        len,
        options: TcpOptions::NONE,
    }
}

/// Every shortest way from CLOSED to `state`, as rows of RFC 9293 itself that no switch guards.
pub(crate) fn ways(state: State) -> Vec<Vec<&'static Rule>> {
    let own = |rule: &&Rule| rule.is_of_rfc9293();
    let free = |rule: &&Rule| matches!(rule.when, Guard::Always | Guard::Passive | Guard::Active);
    let mut found: Vec<Vec<&'static Rule>> = Vec::new();
    let mut queue = VecDeque::from([(State::Closed, Vec::new())]);
    while let Some((at, way)) = queue.pop_front() {
        if found.first().is_some_and(|shortest| shortest.len() < way.len()) {
            break;
        }
        if at == state {
            found.push(way);
            continue;
        }
        let visited = |to: State| way.iter().any(|rule: &&Rule| rule.from == to);
        for rule in RULES.iter().filter(|rule| rule.from == at && rule.changes_state()).filter(own).filter(free) {
            // A guard of origin must hold on this very way.
            let active = way.first().is_some_and(|first| first.on == Event::OpenActive) || at == State::Closed;
            let fits = match rule.when {
                Guard::Passive => !active,
                Guard::Active => active,
                _ => true,
            };
            if fits && !visited(rule.to) && rule.to != at {
                let mut longer = way.clone();
                longer.push(rule);
                queue.push_back((rule.to, longer));
            }
        }
    }
    found
}

/// A connection and its time.
pub(crate) struct Walker {
    /// The connection under test.
    pub(crate) connection: Connection,
    /// The time.
    pub(crate) now: Instant,
    /// The rows that fired since the beginning.
    pub(crate) walked: Vec<&'static str>,
    /// Whether a CLOSE ends reading as well, as close(2) does.
    pub(crate) gives_up: bool,
    /// TSval of what the peer sends, where timestamps are in use.
    pub(crate) stamp: Option<u32>,
}

impl Walker {
    /// In CLOSED.
    pub(crate) fn new(profile: &Profile) -> Self {
        Self {
            connection: Connection::new(Arc::new(profile.clone())),
            now: Instant::START,
            walked: Vec::new(),
            gives_up: false,
            stamp: profile.timestamps.then_some(1000),
        }
    }

    /// At the end of `way`. With `text` the user sends ten octets before he closes, or once he can,
    /// that nobody has acknowledged.
    ///
    /// # Errors
    /// The row that did not lead where it should.
    pub(crate) fn led(profile: &Profile, way: &[&'static Rule], text: bool) -> Result<Self, String> {
        Self::led_so(profile, way, text, false)
    }

    /// As [`led`](Self::led), and perhaps the user gives up reading when he closes.
    ///
    /// # Errors
    /// The row that did not lead where it should.
    pub(crate) fn led_so(profile: &Profile, way: &[&'static Rule], text: bool, gives_up: bool) -> Result<Self, String> {
        let mut walker = Self { gives_up, ..Self::new(profile) };
        for rule in way {
            if text && matches!(rule.on, Event::Close | Event::FinSent) && rule.from != State::SynReceived {
                walker.send_text()?;
            }
            walker.follow(rule)?;
        }
        if text && matches!(walker.state(), State::Established | State::CloseWait) {
            walker.send_text()?;
        }
        walker.signals();
        Ok(walker)
    }

    /// In ESTABLISHED or CLOSE-WAIT with ten octets the user has not read.
    ///
    /// # Errors
    /// The row that did not lead where it should.
    pub(crate) fn unread(profile: &Profile, state: State) -> Result<Self, String> {
        let way = ways(State::Established);
        let mut walker = Self::led_so(profile, way.first().ok_or("no way")?, false, true)?;
        let variables = walker.variables();
        let (expected, una) = (variables.rcv_nxt.map_or(0, SeqNumber::get), variables.snd_una.map_or(0, SeqNumber::get));
        let fin = if state == State::CloseWait { Flags::FIN } else { Flags::NONE };
        walker.hear(segment(Flags::ACK | Flags::PSH | fin, expected, una, 10));
        walker.segments();
        walker.signals();
        if walker.state() == state { Ok(walker) } else { Err(format!("{} instead of {state}", walker.state())) }
    }

    /// The state.
    pub(crate) fn state(&self) -> State {
        self.connection.state()
    }

    /// Ten octets, sent and on their way.
    pub(crate) fn send_text(&mut self) -> Result<(), String> {
        let sent = self.connection.on_send(self.now, 10, false);
        self.take_note();
        self.segments();
        sent.map(|_| ()).map_err(|error| error.to_string())
    }

    /// CLOSE, and the FIN on its way.
    pub(crate) fn close(&mut self) -> Result<(), String> {
        let closed = self.connection.on_close(self.now, false);
        self.take_note();
        self.segments();
        closed.map_err(|error| error.to_string())
    }

    /// Makes happen what the row waits for.
    fn follow(&mut self, rule: &'static Rule) -> Result<(), String> {
        if self.state() != rule.from {
            return Err(format!("{} begins in {}, and this is {}", rule.name, rule.from, self.state()));
        }
        let variables = self.connection.variables();
        let expected = variables.rcv_nxt.map_or(IRS, SeqNumber::get);
        let (una, nxt) = (variables.snd_una.map_or(0, SeqNumber::get), variables.snd_nxt.map_or(0, SeqNumber::get));
        let (now, noted) = (self.now, self.walked.len());
        let refused = match rule.on {
            Event::OpenPassive => self.connection.on_open_passive(now, open()).err(),
            Event::OpenActive => self.connection.on_open_active(now, open()).err(),
            Event::Close | Event::FinSent => self.connection.on_close(now, self.gives_up).err(),
            Event::Syn => {
                self.hear(segment(Flags::SYN, IRS, 0, 0));
                None
            }
            Event::SynAck => {
                self.hear(segment(Flags::SYN | Flags::ACK, IRS, nxt, 0));
                None
            }
            Event::AckAcceptable | Event::FinAcked => {
                self.hear(segment(Flags::ACK, expected, nxt, 0));
                None
            }
            Event::Fin => {
                let ack = if rule.from == State::FinWait2 { nxt } else { una };
                self.hear(segment(Flags::FIN | Flags::ACK, expected, ack, 0));
                None
            }
            other => return Err(format!("no shortest way leads over {other}")),
        };
        if self.walked.len() == noted {
            self.take_note();
        }
        self.segments();
        match refused {
            Some(error) => Err(error.to_string()),
            None if self.state() == rule.to => Ok(()),
            None => Err(format!("{} leads to {}, and this is {}", rule.name, rule.to, self.state())),
        }
    }

    /// Remembers which rows fired.
    pub(crate) fn take_note(&mut self) {
        self.walked.extend(self.connection.fired().map(|rule| rule.name));
    }

    /// A segment arrives.
    pub(crate) fn hear(&mut self, mut segment: Segment<Theirs>) -> Arrival {
        if let Some(val) = self.stamp {
            segment.options = TcpOptions::NONE.nop().nop().timestamps(Timestamps { val, ecr: 0 });
        }
        let arrival = self.connection.on_segment(self.now, &segment);
        self.take_note();
        arrival
    }

    /// A segment arrives, and a listener stands behind the connection (RFC 6191).
    pub(crate) fn hear_before_listener(&mut self, segment: Segment<Theirs>) -> Arrival {
        let arrival = self.connection.on_reopening(self.now, &segment, open());
        self.take_note();
        arrival
    }

    /// What leaves now.
    pub(crate) fn segments(&mut self) -> Vec<Segment> {
        let left = std::iter::from_fn(|| self.connection.poll_segment(self.now)).take(100).collect();
        // Leaving may walk a row itself: the FIN of CLOSE-WAIT.
        if let Some(last) = self.connection.fired().last().filter(|rule| rule.on == Event::FinSent) {
            self.walked.push(last.name);
        }
        left
    }

    /// What the user is told.
    pub(crate) fn signals(&mut self) -> Vec<Signal> {
        std::iter::from_fn(|| self.connection.poll_signal()).collect()
    }

    /// The variables.
    pub(crate) fn variables(&self) -> Variables {
        self.connection.variables()
    }

    /// Lets the next timer fire; `false` if none runs.
    pub(crate) fn wait(&mut self) -> bool {
        let Some(deadline) = self.connection.poll_deadline() else { return false };
        self.now = self.now.max(deadline);
        self.connection.on_time(self.now);
        self.take_note();
        true
    }
}
