//! The cells of `rfc/event-matrix.csv` and how each is asked.

use std::collections::BTreeMap;
use std::time::Duration;

use synfin::engine::{CallError, Flags, Guard, Profile, RULES, Refusal, Rule, Segment, SeqNumber, Signal, State, Theirs, Timer, Variables};

use super::csv::csv;
use super::walker::{IRS, ISS, Walker, open, segment, ways};

/// More time-outs than any knob asks for.
const MANY: usize = 300;

/// One cell of the grid.
pub(crate) struct Cell {
    /// `M001` to `M363`.
    pub(crate) id: String,
    /// The state it begins in.
    pub(crate) state: State,
    /// The event, in the table's words.
    pub(crate) event: String,
    row: BTreeMap<String, String>,
}

/// Every cell of the table.
pub(crate) fn cells() -> Vec<Cell> {
    let rows = csv(include_str!("../rfc/event-matrix.csv")).into_iter();
    rows.map(|row| Cell { id: row["id"].clone(), state: State::named(&row["state"]).expect("a state"), event: row["event"].clone(), row })
        .collect()
}

/// What came of one event.
#[derive(Default)]
struct Seen {
    /// What a call returned.
    call: Option<Result<(), CallError>>,
    signals: Vec<Signal>,
    reply: Vec<Segment>,
    /// Octets of text that became readable, and that were acknowledged.
    taken: u32,
    acked: u32,
}

/// One way to make the event of a cell happen.
struct Asked {
    what: String,
    segment: Option<Segment<Theirs>>,
    before: Variables,
    after: Variables,
    state: State,
    seen: Seen,
    /// The rows that answered.
    fired: Vec<&'static Rule>,
    walker: Walker,
}

impl Cell {
    /// Whether the table says that this cannot happen.
    pub(crate) fn is_impossible(&self) -> bool {
        self.row["basis"] == "n/a"
    }

    /// Asks the cell in every way there is.
    ///
    /// # Errors
    /// What was answered otherwise than the table says.
    pub(crate) fn check(&self, profile: &Profile) -> Result<Vec<&'static str>, String> {
        let mut walked = Vec::new();
        let mut asked = 0;
        // Labels are compared only where multilevel security is in use (appendix A.1).
        let profile = &Profile { security: self.event == "seg-bad-security", ..profile.clone() };
        for way in ways(self.state) {
            // The crossed open is the one that knows a SYN,ACK at SEG.SEQ=IRS.
            let passive = way.first().is_some_and(|first| first.name == "closed/open-passive");
            if self.event == "seg-SYN-ACK-acceptable" && self.state == State::SynReceived && passive {
                continue;
            }
            let names: Vec<_> = way.iter().map(|rule| rule.name).collect();
            let context = |error: String| format!("{} {} {}, by {}: {error}", self.id, self.state, self.event, names.join(", "));
            for text in [false, true] {
                let start = || Walker::led(profile, &way, text).map_err(context);
                let ready = start()?;
                if self.is_impossible() {
                    self.check_impossible(ready).map_err(context)?;
                    asked += 1;
                    continue;
                }
                for variant in 0..self.variants(&ready.variables(), ready.state()) {
                    let Some(answer) = self.ask(start()?, variant) else { continue };
                    self.judge(&answer, passive).map_err(|error| context(format!("{}: {error}", answer.what)))?;
                    walked.extend(answer.walker.walked);
                    asked += 1;
                }
            }
        }
        // Where the table has rows for just this event, it is one of those that answered, once at least.
        // A SYN inside the window always reopens TIME-WAIT where somebody listens: its other row is an aside.
        let own: Vec<_> = RULES.iter().filter(|rule| rule.from == self.state && rule.on.name() == self.event).collect();
        if self.id != "M343" && own.iter().any(|rule| rule.when == Guard::Always) && !own.iter().any(|rule| walked.contains(&rule.name)) {
            return Err(format!("{} {} {}: {} had no part in it", self.id, self.state, self.event, own[0].name));
        }
        if asked == 0 { Err(format!("{} {} {}: nobody asked", self.id, self.state, self.event)) } else { Ok(walked) }
    }

    /// A timer the table calls not applicable does not run, and no time makes it.
    fn check_impossible(&self, mut ready: Walker) -> Result<(), String> {
        let timer = match self.event.as_str() {
            "timeout-user" => Timer::User,
            "timeout-rexmt" | "timeout-rexmt-R2" => Timer::Retransmission,
            "timeout-2msl" => Timer::TimeWait,
            _ => return Ok(()),
        };
        if ready.connection.deadline(timer).is_some() {
            return Err(format!("the {} timer runs", timer.name()));
        }
        // A day later whatever runs has fired, and none of it was this timer.
        ready.now = ready.now + Duration::from_hours(24);
        ready.connection.on_time(ready.now);
        let fired: Vec<_> = ready.connection.fired().filter(|rule| rule.on.timer() == Some(timer)).collect();
        if fired.is_empty() { Ok(()) } else { Err(format!("time alone walked {fired:?}")) }
    }

    fn variants(&self, variables: &Variables, state: State) -> usize {
        let calls = match (self.event.as_str(), state) {
            // With the remote socket known and without; with room and without.
            ("call-SEND", State::Listen | State::SynSent | State::SynReceived | State::Established | State::CloseWait)
            // With text on hand and without.
            | ("call-RECEIVE", State::CloseWait) => 2,
            _ => 1,
        };
        self.segments(variables, state).len().max(calls)
    }

    /// The segments the table's event describes, for a connection with these variables.
    fn segments(&self, variables: &Variables, state: State) -> Vec<Segment<Theirs>> {
        let next = variables.rcv_nxt.map_or(IRS + 1, SeqNumber::get);
        let window = variables.rcv_wnd.unwrap_or(1000);
        let una = variables.snd_una.map_or(ISS, SeqNumber::get);
        let to_send = variables.snd_nxt.map_or(ISS + 1, SeqNumber::get);
        let unsynchronized = matches!(state, State::Closed | State::Listen | State::SynSent);
        let (syn, ack, fin, rst, psh, urg) = (Flags::SYN, Flags::ACK, Flags::FIN, Flags::RST, Flags::PSH, Flags::URG);
        // A number that is valid and does not cover our FIN; in SYN-RECEIVED and SYN-SENT it must cover the SYN.
        let valid = if matches!(state, State::SynReceived | State::SynSent) { to_send } else { una };
        let at = |flags, seq, ack| segment(flags, seq, ack, 0);
        match self.event.as_str() {
            "seg-unacceptable" => {
                let mut beyond = vec![at(ack, next.wrapping_add(window + 1), to_send), segment(ack | psh, next - 1000, to_send, 500)];
                if unsynchronized {
                    beyond.truncate(1);
                }
                beyond
            }
            "seg-RST-outside" if state == State::SynSent => vec![at(rst | ack, 0, una), at(rst | ack, IRS, to_send + 1)],
            "seg-RST-outside" => vec![at(rst, next - 1, 0), at(rst, next.wrapping_add(window), 0), at(rst | ack, next - 1, to_send)],
            "seg-RST-exact" if state == State::SynSent => vec![at(rst | ack, 0, to_send), at(rst | ack, IRS, to_send)],
            "seg-RST-exact" => vec![at(rst, next, 0), at(rst | ack, next, to_send), segment(rst, next, 0, 20)],
            "seg-RST-inwindow" if state == State::SynSent => vec![at(rst, 0, 0), at(rst, IRS, 0)],
            "seg-RST-inwindow" => vec![at(rst, next + 1, 0), at(rst | ack, next + window - 1, to_send)],
            "seg-SYN-inwindow" => vec![at(syn, next + 5, 0), segment(syn, next + 9, 0, 0)],
            "seg-SYN-outside" => vec![at(syn, IRS, 0), at(syn, next.wrapping_add(window + 10), 0)],
            "seg-SYN-ACK-acceptable" => vec![at(syn | ack, IRS, if unsynchronized || state == State::SynReceived { to_send } else { una })],
            "seg-SYN-ACK-unacceptable" => {
                let mut wrong = vec![at(syn | ack, IRS, ISS), at(syn | ack, IRS, to_send + 1)];
                if !unsynchronized {
                    wrong.push(at(syn | ack, next + 7, ISS));
                }
                wrong
            }
            "seg-bad-security" if state == State::Listen => vec![at(syn, IRS, 0)],
            "seg-bad-security" if state == State::SynSent => vec![at(syn | ack, IRS, to_send), at(syn, IRS, 0)],
            "seg-bad-security" => vec![at(ack, next, valid)],
            "seg-no-ACK" => vec![at(Flags::NONE, next, 0), segment(psh, next, 0, 10), at(fin, next, 0)],
            "seg-ACK-acceptable" => {
                // All that is outstanding but a FIN; part of it, if it is text.
                let outstanding = to_send.wrapping_sub(una);
                let closed = matches!(state, State::FinWait1 | State::Closing | State::LastAck);
                let most = if closed { to_send.wrapping_sub(1) } else { to_send };
                let mut acks = Vec::new();
                if outstanding > u32::from(closed) || unsynchronized {
                    acks.push(at(ack, next, most));
                }
                if outstanding >= 10 {
                    acks.push(at(ack, next, una + 4));
                }
                acks
            }
            "seg-ACK-of-FIN" => vec![at(ack, next, to_send)],
            "seg-ACK-duplicate" if matches!(state, State::SynSent | State::SynReceived) => {
                vec![at(ack, next, una), at(ack, next, una - 10)]
            }
            "seg-ACK-duplicate" => vec![at(ack, next, una), at(ack, next, una - 10), at(ack, next, una - 65_535)],
            "seg-ACK-too-old" => vec![at(ack, next, una - 65_536), at(ack, next, una - 500_000)],
            "seg-ACK-future" => vec![at(ack, next, to_send + 1), segment(ack | psh, next, to_send + 1000, 10)],
            "seg-data" => vec![segment(ack | psh, next, valid, 10)],
            "seg-data-out-of-order" => vec![segment(ack | psh, next + 50, valid, 10)],
            "seg-URG" => vec![Segment { urgent: 10, ..segment(ack | psh | urg, next, valid, 10) }],
            "seg-FIN" => vec![at(fin | ack, next, valid)],
            "seg-FIN-ACK" => vec![at(fin | ack, next, to_send)],
            "seg-FIN-again" => vec![at(fin | ack, next - 1, valid)],
            _ => Vec::new(),
        }
    }

    /// Makes the event happen; `None` if this connection has nothing it could happen to.
    fn ask(&self, mut walker: Walker, variant: usize) -> Option<Asked> {
        let mut seen = Seen::default();
        let state = walker.state();
        let mut what = self.event.clone();
        let mut chosen = None;
        let now = walker.now;
        let mut before = walker.variables();
        if self.event.starts_with("seg-") {
            let segment = *self.segments(&before, state).get(variant)?;
            what = segment.to_string();
            chosen = Some(segment);
            let arrival = if self.event == "seg-bad-security" {
                walker.connection.on_foreign_segment(now, &segment)
            } else {
                // A SYN in TIME-WAIT finds a listener behind, where there is one (RFC 6191).
                if matches!(self.id.as_str(), "M343" | "M344") {
                    walker.connection.on_reopening(now, &segment, open())
                } else {
                    walker.connection.on_segment(now, &segment)
                }
            };
            (seen.taken, seen.acked) = (arrival.take, arrival.acked);
        } else {
            let connection = &mut walker.connection;
            match self.event.as_str() {
                "call-OPEN-passive" => seen.call = Some(connection.on_open_passive(now, open())),
                "call-OPEN-active" => seen.call = Some(connection.on_open_active(now, open())),
                "call-OPEN-active-unspecified" => seen.call = Some(connection.on_open_unspecified(now)),
                "call-SEND" if state == State::Listen && variant == 0 => {
                    seen.call = Some(connection.on_send_from_listen(now, open(), 5).map(|_| ()));
                }
                "call-SEND" => {
                    if variant == 1 && state != State::Listen {
                        let _ = (0..3).take_while(|_| connection.on_send(now, u32::MAX, false).is_ok()).count();
                        what.push_str(", no room");
                        seen.call = Some(connection.on_send(now, 1, false).map(|_| ()));
                    } else {
                        seen.call = Some(connection.on_send(now, 5, false).map(|_| ()));
                    }
                }
                "call-RECEIVE" => {
                    if variant == 1 {
                        // Text before the FIN, so one way back.
                        return Self::ask_unread(&walker);
                    }
                    seen.call = Some(connection.on_receive(now, 5).map(|_| ()));
                }
                "call-CLOSE" => seen.call = Some(connection.on_close(now, false)),
                "call-ABORT" => seen.call = Some(connection.on_abort(now)),
                "call-STATUS" => {
                    let status = connection.on_status(now);
                    if let Ok(status) = status {
                        what = format!("state = {status}");
                    }
                    seen.call = Some(status.map(|_| ()));
                }
                "timeout-user" => {
                    connection.set_user_timeout(Some(now + Duration::from_millis(1)));
                    walker.now = now + Duration::from_millis(1);
                    walker.connection.on_time(walker.now);
                }
                "timeout-rexmt" | "timeout-rexmt-R2" => {
                    connection.deadline(Timer::Retransmission)?;
                    walker.wait();
                    for _ in 0..MANY {
                        if self.event != "timeout-rexmt-R2" || walker.state() != state {
                            break;
                        }
                        walker.segments();
                        before = walker.variables();
                        if !walker.wait() {
                            return None;
                        }
                    }
                }
                "timeout-2msl" => {
                    walker.wait();
                }
                other => panic!("{other}: nothing here makes it happen"),
            }
        }
        walker.take_note();
        let fired = walker.connection.fired().collect();
        let (signals, reached) = (walker.signals(), walker.state());
        let after = walker.variables();
        seen.signals = signals;
        seen.reply = walker.segments();
        // The FIN of CLOSE-WAIT changes the state by leaving.
        let reached = if walker.state() == State::LastAck { State::LastAck } else { reached };
        Some(Asked { what, segment: chosen, before, after, state: reached, seen, fired, walker })
    }

    /// RECEIVE in CLOSE-WAIT with ten octets unread.
    fn ask_unread(fresh: &Walker) -> Option<Asked> {
        let mut walker = Walker::unread(fresh.connection.profile(), State::CloseWait).ok()?;
        let before = walker.variables();
        let call = Some(walker.connection.on_receive(walker.now, 5).map(|_| ()));
        let (state, after) = (walker.state(), walker.variables());
        let fired = walker.connection.fired().collect();
        walker.take_note();
        let reply = walker.segments();
        Some(Asked {
            what: "RECEIVE, text unread".to_owned(),
            segment: None,
            before,
            after,
            state,
            seen: Seen { call, reply, ..Seen::default() },
            fired,
            walker,
        })
    }

    fn judge(&self, asked: &Asked, passive: bool) -> Result<(), String> {
        let no_room = asked.what.ends_with("no room");
        self.judge_state(asked, passive)?;
        self.judge_rows(asked)?;
        if !no_room {
            self.judge_reply(asked)?;
        }
        self.judge_message(asked, passive, no_room)
    }

    fn judge_state(&self, asked: &Asked, passive: bool) -> Result<(), String> {
        let expected = match (self.id.as_str(), passive) {
            // SEND on a listener that knows its peer; the other variant stays and says why.
            ("M037", _) if asked.seen.call.is_some_and(|call| call.is_err()) => State::Listen,
            // "passive origin: back to LISTEN; active origin: ..."
            ("M110" | "M112", true) => State::Listen,
            ("M110", false) => State::Closed,
            ("M112", false) => State::SynReceived,
            // RFC 6191's rules hold for a SYN without timestamps that is at or beyond RCV.NXT.
            ("M343" | "M344", _) => {
                let newer = asked.segment.zip(asked.before.rcv_nxt).is_some_and(|(segment, next)| next.at_or_before(segment.seq));
                if newer { State::SynReceived } else { State::TimeWait }
            }
            _ => State::named(&self.row["next_state"]).ok_or("the table names two states")?,
        };
        let reached = asked.state;
        if reached == expected { Ok(()) } else { Err(format!("{reached} instead of {expected}")) }
    }

    /// A row answered, of this state, and one of those that fired has a section the table names too.
    fn judge_rows(&self, asked: &Asked) -> Result<(), String> {
        let section = |text: &str| text.trim_start_matches("RFC ").split([' ', ',']).next().unwrap_or_default().to_owned();
        let named: Vec<_> = asked.fired.iter().flat_map(|rule| rule.rfc.split(", ")).map(section).collect();
        let agree = named.iter().any(|named| self.row["rfc_section"].contains(named.as_str()));
        let begins = asked.fired.first().is_some_and(|rule| rule.from == self.state);
        let moved = self.event != "seg-ACK-acceptable" || self.state == State::SynSent || asked.state == State::Closed;
        let una = asked.segment.map(|segment| segment.ack);
        if !moved && asked.after.snd_una != una && self.basis_is_rfc() {
            return Err(format!("SND.UNA is {:?}, not {una:?}", asked.after.snd_una));
        }
        if begins && agree { Ok(()) } else { Err(format!("walked {:?}, of {named:?}", asked.fired)) }
    }

    fn basis_is_rfc(&self) -> bool {
        self.row["basis"] == "rfc" && !matches!(self.state, State::Closed | State::Listen)
    }

    fn judge_reply(&self, asked: &Asked) -> Result<(), String> {
        let Asked { seen, before, after, .. } = asked;
        let segment = asked.segment;
        let refused = seen.call.is_some_and(|call| call.is_err());
        let flags = match self.row["reply_flags"].as_str() {
            // A refused call sends nothing, whatever the row's other case would.
            _ if refused => vec![],
            "none" | "ACK only if a window update is due" => vec![],
            "ACK (+PSH on the last segment)" => {
                // Ten octets that wait for their ACK hold a short segment back: Nagle (SHLD-7).
                if before.snd_una == before.snd_nxt { vec![Flags::PSH | Flags::ACK] } else { vec![] }
            }
            "front of queue: ACK with data" => vec![Flags::PSH | Flags::ACK],
            "front of queue; FIN,ACK when only the FIN is left" => vec![Flags::FIN | Flags::ACK],
            "none or ACK" => {
                if asked.state == State::Listen {
                    vec![]
                } else {
                    vec![Flags::ACK]
                }
            }
            "SYN,ACK or ACK" => vec![if asked.state == State::TimeWait { Flags::ACK } else { Flags::SYN | Flags::ACK }],
            "RST or RST,ACK" => {
                vec![if segment.is_some_and(|segment| segment.has(Flags::ACK)) { Flags::RST } else { Flags::RST | Flags::ACK }]
            }
            text => {
                let plain = text.split(" (").next().unwrap_or(text);
                let named = plain.split(',').map(|flag| Flags::named(flag).ok_or(format!("the table writes {text:?}")));
                vec![named.collect::<Result<Vec<_>, _>>()?.into_iter().fold(Flags::NONE, Flags::with)]
            }
        };
        let shown = |segments: &[Segment]| segments.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ");
        // What is queued behind the FIN's own segment may ride along; PSH is the sender's own affair there.
        let alike = |reply: &Segment, flags: &Flags| {
            reply.flags == *flags || (flags.contains(Flags::FIN) && reply.len > 0 && reply.flags == flags.with(Flags::PSH))
        };
        // A retransmission that finds the SYN still unacknowledged begins with it.
        let syn_first = self.row["reply_flags"].starts_with("front of queue") && before.snd_una == before.iss;
        let fits = seen.reply.len() == flags.len() && seen.reply.iter().zip(&flags).all(|(reply, flags)| alike(reply, flags));
        let syn_again = syn_first && matches!(seen.reply.as_slice(), [first] if first.has(Flags::SYN | Flags::ACK));
        if !fits && !syn_again {
            return Err(format!("replied [{}] instead of {}", shown(&seen.reply), self.row["reply_flags"]));
        }
        let Some(reply) = seen.reply.first() else { return Ok(()) };
        let ours = |value: Option<SeqNumber<_>>| value.map(SeqNumber::get);
        let ends = |segment: Segment<Theirs>| segment.end().get();
        let seq = match self.row["reply_seq"].as_str() {
            "ISS" => Some(ISS),
            "SND.UNA" => ours(before.snd_una),
            "0" => Some(0),
            "SEG.ACK" => segment.map(|segment| segment.ack.get()),
            "SEG.ACK if ACK=1, else 0" => segment.map(|segment| if segment.has(Flags::ACK) { segment.ack.get() } else { 0 }),
            "new ISS or SND.NXT" if reply.has(Flags::SYN) => return self.judge_new_iss(reply, before),
            "SND.NXT" | "new ISS or SND.NXT" => ours(before.snd_nxt),
            text => return Err(format!("the table writes {text:?} for SEQ")),
        };
        if seq != Some(reply.seq.get()) {
            return Err(format!("replied {reply}, SEQ {:?} expected ({})", seq, self.row["reply_seq"]));
        }
        let ack = match self.row["reply_ack"].as_str() {
            "" => None,
            "RCV.NXT" => after.rcv_nxt.or(before.rcv_nxt).map(SeqNumber::get),
            "SEG.SEQ+SEG.LEN" => segment.map(ends),
            "SEG.SEQ+SEG.LEN if ACK=0" => segment.filter(|segment| !segment.has(Flags::ACK)).map(ends),
            text => return Err(format!("the table writes {text:?} for ACK")),
        };
        let carried = reply.has(Flags::ACK).then(|| reply.ack.get());
        if carried == ack { Ok(()) } else { Err(format!("replied {reply}, ACK {ack:?} expected ({})", self.row["reply_ack"])) }
    }

    /// The ISS of a new incarnation is larger than any number of the old one (MAY-2).
    fn judge_new_iss(&self, reply: &Segment, before: &Variables) -> Result<(), String> {
        match before.snd_nxt {
            Some(old) if old.before(reply.seq) => Ok(()),
            _ => Err(format!("{}: replied {reply}, a number of the old incarnation", self.id)),
        }
    }

    fn judge_message(&self, asked: &Asked, passive: bool, no_room: bool) -> Result<(), String> {
        let Asked { seen, what, .. } = asked;
        let refusal = seen.call.and_then(Result::err).map(|error| error.refusal);
        let told = |signal: Signal| if seen.signals.contains(&signal) { Ok(()) } else { Err(format!("the user was not told {signal:?}")) };
        let refused = |wanted: Option<Refusal>| {
            if refusal == wanted { Ok(()) } else { Err(format!("refused with {refusal:?} instead of {wanted:?}")) }
        };
        if no_room {
            return refused(Some(Refusal::Full));
        }
        for message in self.row["user_message"].split("; ").filter(|_| self.id != "M037") {
            match message {
                "error: connection already exists" | "this project uses \"error: connection already exists\"" => {
                    refused(Some(Refusal::Exists))?;
                }
                "error: connection does not exist" => refused(Some(Refusal::Missing))?,
                "error: remote socket unspecified" => refused(Some(Refusal::Unspecified))?,
                "error: connection closing" | "error: connection closing (\"ok\" is acceptable)" => refused(Some(Refusal::Closing))?,
                "error: connection closing (only when nothing is left)" => {
                    refused((!what.ends_with("unread")).then_some(Refusal::Closing))?;
                }
                "" | "error: insufficient resources (only when there is no room)" | "ok" => refused(None)?,
                "error: closing (to outstanding RECEIVEs)" | "error: closing (to queued SENDs and RECEIVEs)" => told(Signal::CallsClosing)?,
                "error: connection reset (to outstanding RECEIVEs)" | "connection reset (to queued SENDs and RECEIVEs)" => {
                    told(Signal::CallsReset)?;
                }
                "error: connection reset" | "connection reset" => told(Signal::Reset)?,
                "connection refused (active origin only)" => {
                    if passive != seen.signals.is_empty() {
                        return Err(format!("told {:?}", seen.signals));
                    }
                    if !passive {
                        told(Signal::Refused)?;
                    }
                }
                "error: connection aborted due to user timeout" | "report to the user (string not named)" => told(Signal::Timeout)?,
                "open completed" => told(Signal::Open)?,
                "connection closing" => told(Signal::Closing)?,
                "urgent data" | "urgent data (once per urgent sequence)" => told(Signal::Urgent)?,
                "connection closed (completion of the CLOSE call" => told(Signal::Closed)?,
                "data available" if seen.taken == 10 => {}
                // The call that waits for "ok" has long returned; the others end a sentence begun above.
                "ok (to the CLOSE call)" | "unspecified" | "no string named)" => {}
                "ok (for fully acknowledged SENDs)" => {
                    // In FIN-WAIT-1 what is acknowledged may be the SYN.
                    let syn = asked.before.snd_una == asked.before.iss;
                    if seen.acked == 0 && !syn {
                        return Err("no octet is acknowledged".to_owned());
                    }
                }
                text if text.starts_with("state = ") && what == text => {}
                text => return Err(format!("the table wants {text:?}; seen: {:?}, {} octets", seen.signals, seen.taken)),
            }
        }
        if self.id == "M037" && seen.call.is_some_and(|call| call.is_err()) {
            return refused(Some(Refusal::Unspecified));
        }
        Ok(())
    }
}
