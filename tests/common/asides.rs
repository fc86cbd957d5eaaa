//! What the RFC's own tables leave out: rows for knobs, silence, ICMP and calls made twice. Each is
//! walked, and next state, reply and the user's message are compared with what is written here.

use std::time::Duration;

use synfin::engine::profile::EcnPolicy;
use synfin::engine::{
    Arrival, FastOpenAnswer, Flags, IcmpError, Origin, Profile, Refusal, Rule, Segment, SeqNumber, Signal, State, Timer, Variables,
    WireWindow,
};

use super::walker::{IRS, ISS, Walker, open, segment, ways};

/// One row and what walking it must look like.
pub(crate) struct Aside {
    /// Its name.
    pub(crate) row: String,
    from: State,
    ask: Ask,
    to: State,
    tells: Option<Signal>,
    refuses: Option<Refusal>,
    /// The control bits of what leaves.
    replies: Vec<Flags>,
}

#[derive(Clone, Copy, PartialEq)]
enum Ask {
    IcmpHard,
    IcmpSoft,
    /// With the knob of this name set so.
    With(&'static str, &'static str, After),
    KeepAlive,
    KeepAliveDead,
    SendAfterClose,
    CloseAgain,
    CloseBehindText,
    CrossedSynAckAfterClose,
    ReceiveUnread,
    FinOutOfOrder,
    UrgentAgain,
    /// Of a connection whose SYN brought text beside a good cookie.
    Early(After),
    /// Text whose TSval is this, TS.Recent being 1000.
    Stamped(Option<u32>),
    /// A SYN or SYN,ACK that asks for accurate ECN, and the same once more with that of RFC 3168.
    MixedEcn(Origin),
}

#[derive(Clone, Copy, PartialEq)]
enum After {
    RstExact,
    SynInWindow,
    SynAgain,
    AckInWindow,
    Fin,
    TextBehindFin,
    IcmpHard,
    IcmpSoft,
    SynAckInWindow,
    RstInWindow,
    KeepAliveDead,
    DelayedAck,
    Silence,
    UserTimeout,
    Abort,
    CloseUnread,
    GivenUp,
}

use State::{CloseWait, Closed, Closing, Established, FinWait1, FinWait2, LastAck, Listen, SynReceived, SynSent, TimeWait};

const ACK: Flags = Flags::ACK;

/// Every aside.
pub(crate) fn asides() -> Vec<Aside> {
    let mut all = Vec::new();
    let mut add = |name: &str, from: State, ask: Ask, to: State, tells: Option<Signal>, replies: Vec<Flags>| {
        let row = format!("{}/{name}", from.name().to_lowercase());
        all.push(Aside { row, from, ask, to, tells, refuses: None, replies });
    };
    // RFC 9293 section 3.9.2.2: soft errors are told and end nothing (MUST-56), hard ones end (SHLD-26).
    for from in [SynSent, SynReceived, Established, FinWait1, FinWait2, CloseWait, Closing, LastAck] {
        add("icmp-soft", from, Ask::IcmpSoft, from, Some(Signal::SoftError), vec![]);
    }
    for from in [Established, FinWait1, FinWait2, CloseWait, Closing, LastAck] {
        let soft = Ask::With("icmp-hard-aborts", "off", After::IcmpHard);
        add("icmp-hard-is-soft", from, soft, from, Some(Signal::SoftError), vec![]);
    }
    add("icmp-hard-passive", SynReceived, Ask::IcmpHard, Listen, None, vec![]);
    let active = Ask::With("icmp-hard-aborts", "on", After::IcmpHard);
    add("icmp-hard", SynReceived, active, Closed, Some(Signal::Unreachable), vec![]);
    let refused = Ask::With("icmp-soft-refuses", "on", After::IcmpSoft);
    add("icmp-soft-refused", SynSent, refused, Closed, Some(Signal::Unreachable), vec![]);
    for (name, ask) in [("icmp-hard", Ask::IcmpHard), ("icmp-soft", Ask::IcmpSoft)] {
        add(name, TimeWait, ask, TimeWait, None, vec![]);
    }
    // RFC 5961 switched off: a SYN,ACK inside the window resets, as a SYN does.
    for from in [Established, FinWait1, FinWait2, CloseWait, Closing, LastAck, TimeWait] {
        let off = Ask::With("rfc5961", "off", After::SynAckInWindow);
        add("syn-ack-5961-off", from, off, Closed, Some(Signal::Reset), vec![Flags::RST]);
    }
    add("rst-in-window-1337", TimeWait, Ask::With("rfc1337", "on", After::RstInWindow), TimeWait, None, vec![]);
    // RFC 6191 section 2: what is not taken for a new connection is answered, or not.
    let unanswered = Ask::With("time-wait-syn-ack", "off", After::SynInWindow);
    add("syn-unanswered", TimeWait, unanswered, TimeWait, None, vec![]);
    add("syn", TimeWait, Ask::With("time-wait-reuse", "off", After::SynInWindow), TimeWait, None, vec![ACK]);
    // Practice: a request that is asked for again, or reset by a SYN; a SYN,ACK nobody asked for.
    let off = Ask::With("repeat-syn-ack", "off", After::SynAgain);
    add("syn-again", SynReceived, off, SynReceived, None, vec![ACK]);
    let on = Ask::With("repeat-syn-ack", "on", After::SynAgain);
    add("syn-again-repeats", SynReceived, on, SynReceived, None, vec![Flags::SYN | ACK]);
    let reset = Ask::With("syn-resets-request", "on", After::SynInWindow);
    add("syn-passive-reset", SynReceived, reset, Listen, None, vec![Flags::RST | ACK]);
    for (name, ignored, replies) in [("syn-ack", "off", vec![Flags::RST]), ("syn-ack-ignored", "on", vec![])] {
        add(name, Listen, Ask::With("ignore-syn-ack", ignored, After::SynAckInWindow), Listen, None, replies);
    }
    let reset = Ask::With("syn-resets-request", "on", After::SynAckInWindow);
    add("syn-ack-passive-reset", SynReceived, reset, Listen, None, vec![Flags::RST]);
    for from in [Closing, LastAck] {
        let told = Ask::With("reset-told-late", "on", After::RstExact);
        add("rst-told", from, told, Closed, Some(Signal::Reset), vec![]);
    }
    // MAY-1: who gives up reading with text unread resets, whatever he has sent.
    for from in [FinWait1, FinWait2, Closing, LastAck] {
        let half = Ask::With("half-duplex-close", "on", After::CloseUnread);
        add("close-unread", from, half, Closed, None, vec![Flags::RST]);
    }
    // Practice: who sends on behind its own FIN is reset.
    for from in [CloseWait, Closing, LastAck] {
        let reset = Ask::With("reset-behind-fin", "on", After::TextBehindFin);
        add("text-behind-fin", from, reset, Closed, Some(Signal::Reset), vec![Flags::RST]);
    }
    // Practice: nobody waits for the FIN of a peer that has acknowledged ours.
    for (name, from) in [("fin-acked-forsaken", FinWait1), ("close-forsaken", FinWait2)] {
        let forsaken = Ask::With("fin-wait-2-forsaken", "on", After::GivenUp);
        add(name, from, forsaken, Closed, None, vec![Flags::RST]);
    }
    add("ack-stray", TimeWait, Ask::With("time-wait-acks", "number", After::AckInWindow), TimeWait, None, vec![ACK]);
    let again = Ask::With("acks-repeat-fin", "on", After::Fin);
    add("fin-repeated", FinWait1, again, Closing, Some(Signal::Closing), vec![Flags::FIN | ACK]);
    // RFC 7323 sections 5.3 and 3.2.
    for from in [SynReceived, Established, FinWait1, FinWait2, CloseWait, Closing, LastAck, TimeWait] {
        add("paws", from, Ask::Stamped(Some(999)), from, None, vec![ACK]);
        add("no-timestamps", from, Ask::Stamped(None), from, None, vec![]);
    }
    // RFC 9293 section 3.8.4.
    for from in [Established, FinWait2, CloseWait] {
        add("keepalive", from, Ask::KeepAlive, from, None, vec![ACK]);
        add("keepalive-dead", from, Ask::KeepAliveDead, Closed, Some(Signal::Timeout), vec![]);
        let told = Ask::With("keepalive-reset", "on", After::KeepAliveDead);
        add("keepalive-dead-reset", from, told, Closed, Some(Signal::Timeout), vec![Flags::RST]);
    }
    // Practice: who gives up, or aborts, says so.
    for from in [Established, FinWait1, CloseWait, Closing, LastAck] {
        let told = Ask::With("timeout-reset", "on", After::Silence);
        add("r2-reset", from, told, Closed, Some(Signal::Timeout), vec![Flags::RST]);
    }
    let told = Ask::With("timeout-reset", "on", After::UserTimeout);
    add("user-timeout-reset", SynReceived, told, Closed, Some(Signal::Timeout), vec![Flags::RST]);
    for from in [Closing, LastAck] {
        let told = Ask::With("abort-resets-closing", "on", After::Abort);
        add("abort-reset", from, told, Closed, Some(Signal::CallsReset), vec![Flags::RST]);
    }
    let cached = Ask::With("syn-cache", "on", After::SynAckInWindow);
    add("syn-ack-cached", SynReceived, cached, SynReceived, None, vec![]);
    // RFC 9293 section 3.8.6.3.
    for from in [Established, FinWait1, FinWait2] {
        add("delayed-ack", from, Ask::With("delayed-ack", "40ms", After::DelayedAck), from, None, vec![ACK]);
    }
    for from in [FinWait1, FinWait2] {
        add("fin-out-of-order", from, Ask::FinOutOfOrder, from, None, vec![ACK]);
    }
    // Section 3.8.5: the user hears of an urgent sequence once.
    for from in [Established, FinWait1, FinWait2] {
        add("urgent-again", from, Ask::UrgentAgain, from, None, vec![ACK]);
    }
    // RFC 9768 section 3.1.5.
    add("ecn-mixed-passive", SynReceived, Ask::MixedEcn(Origin::Passive), Listen, None, vec![Flags::RST | ACK]);
    add("ecn-mixed", SynReceived, Ask::MixedEcn(Origin::Active), Closed, Some(Signal::Reset), vec![Flags::RST | ACK]);
    add("ecn-mixed", Established, Ask::MixedEcn(Origin::Active), Closed, Some(Signal::Reset), vec![Flags::RST]);
    // RFC 7413: what the application has been given does not go back to LISTEN.
    add("rst-fast-open", SynReceived, Ask::Early(After::RstExact), Closed, Some(Signal::Reset), vec![]);
    add("syn-fast-open", SynReceived, Ask::Early(After::SynInWindow), SynReceived, None, vec![ACK]);
    add("icmp-hard-fast-open", SynReceived, Ask::Early(After::IcmpHard), Closed, Some(Signal::Unreachable), vec![]);
    // Section 3.10.3: what arrived before the FIN can still be read.
    for from in [Closing, LastAck, TimeWait] {
        add("receive", from, Ask::ReceiveUnread, from, None, vec![]);
    }
    add("close-queued", SynReceived, Ask::CloseBehindText, SynReceived, None, vec![]);
    // The text first, then the FIN behind it.
    add(
        "syn-ack-close-queued",
        SynReceived,
        Ask::CrossedSynAckAfterClose,
        FinWait1,
        Some(Signal::Open),
        vec![Flags::PSH | Flags::FIN | ACK],
    );
    for from in [SynReceived, CloseWait] {
        for (name, ask) in [("send-closed", Ask::SendAfterClose), ("close-again", Ask::CloseAgain)] {
            add(name, from, ask, from, None, vec![]);
        }
    }
    for aside in &mut all {
        if matches!(aside.ask, Ask::SendAfterClose | Ask::CloseAgain) {
            aside.refuses = Some(Refusal::Closing);
        }
    }
    all
}

impl Aside {
    /// Walks the row.
    ///
    /// # Errors
    /// What was otherwise.
    pub(crate) fn check(&self, base: &Profile) -> Result<Vec<&'static str>, String> {
        let context = |error: String| format!("{}: {error}", self.row);
        let mut profile = base.clone();
        if let Ask::With(knob, value, _) = self.ask {
            profile.set(knob, value).map_err(|error| context(error.to_string()))?;
        }
        profile.timestamps |= matches!(self.ask, Ask::Stamped(_));
        let mut walker = self.begin(&profile).map_err(context)?;
        if walker.state() != self.from {
            return Err(context(format!("{} instead of {}", walker.state(), self.from)));
        }
        let begun = walker.walked.len();
        let refused = self.happen(&mut walker).map_err(context)?;
        let fired = walker.walked[begun..].contains(&self.row.as_str());
        let (signals, state) = (walker.signals(), walker.state());
        let replies: Vec<_> = walker.segments().iter().map(|segment| segment.flags).collect();
        let told = self.tells.map_or(signals.is_empty(), |signal| signals.contains(&signal));
        if fired && state == self.to && replies == self.replies && told && refused == self.refuses {
            Ok(walker.walked)
        } else {
            Err(context(format!("{state}, {signals:?}, {replies:?}, {refused:?}, walked {:?}", &walker.walked[begun..])))
        }
    }

    fn begin(&self, profile: &Profile) -> Result<Walker, String> {
        let lead = |state: State, passive: bool, text: bool| {
            let all = ways(state);
            let begun_by = |way: &&Vec<&'static Rule>| way.first().is_none_or(|first| (first.name == "closed/open-passive") == passive);
            Walker::led(profile, all.iter().find(begun_by).or(all.first()).ok_or("no way")?, text)
        };
        match self.ask {
            Ask::ReceiveUnread | Ask::With(_, _, After::CloseUnread) => {
                let mut walker = Walker::unread(profile, Established)?;
                if self.from == LastAck {
                    walker = Walker::unread(profile, CloseWait)?;
                }
                walker.close()?;
                let variables = walker.variables();
                let (expected, una, to_send) = numbers(&variables);
                match self.from {
                    Closing => walker.hear(segment(Flags::FIN | ACK, expected, una, 0)),
                    TimeWait => walker.hear(segment(Flags::FIN | ACK, expected, to_send, 0)),
                    FinWait2 => walker.hear(segment(ACK, expected, to_send, 0)),
                    _ => Arrival::default(),
                };
                walker.segments();
                walker.signals();
                Ok(walker)
            }
            // A peer whose window is closed, so that what is queued cannot leave.
            Ask::SendAfterClose | Ask::CloseAgain if self.from == CloseWait => {
                let mut walker = lead(CloseWait, false, true)?;
                let (expected, una, _) = numbers(&walker.variables());
                walker.hear(Segment { window: WireWindow(0), ..segment(ACK, expected, una + 10, 0) });
                walker.connection.on_send(walker.now, 10, false).map_err(|error| error.to_string())?;
                walker.connection.on_close(walker.now, false).map_err(|error| error.to_string())?;
                walker.segments();
                walker.signals();
                Ok(walker)
            }
            Ask::SendAfterClose | Ask::CloseAgain | Ask::CrossedSynAckAfterClose => {
                let mut walker = lead(self.from, false, false)?;
                walker.connection.on_send(walker.now, 10, false).map_err(|error| error.to_string())?;
                walker.connection.on_close(walker.now, false).map_err(|error| error.to_string())?;
                walker.segments();
                walker.signals();
                Ok(walker)
            }
            Ask::KeepAlive | Ask::KeepAliveDead | Ask::With(_, _, After::KeepAliveDead) => {
                let mut walker = lead(self.from, false, false)?;
                let keepalive = walker.connection.default_keepalive();
                walker.connection.set_keepalive(walker.now, Some(keepalive));
                Ok(walker)
            }
            Ask::UrgentAgain => {
                let mut walker = lead(self.from, false, false)?;
                let (expected, una, _) = numbers(&walker.variables());
                walker.hear(Segment { urgent: 20, ..segment(Flags::URG | ACK, expected, una, 10) });
                let told = walker.signals();
                walker.segments();
                if told == [Signal::Urgent] { Ok(walker) } else { Err(format!("told {told:?}")) }
            }
            Ask::Early(_) => {
                let mut walker = Walker::new(profile);
                walker.connection.on_open_passive(walker.now, open()).map_err(|error| error.to_string())?;
                walker.take_note();
                walker.connection.answer_fast_open(FastOpenAnswer { take: true, grant: None });
                walker.hear(segment(Flags::SYN, IRS, 0, 10));
                walker.segments();
                Ok(walker)
            }
            Ask::MixedEcn(origin) => {
                let mut walker = Walker::new(&Profile { ecn: EcnPolicy::Accurate, ..profile.clone() });
                let opened = match origin {
                    Origin::Passive => walker.connection.on_open_passive(walker.now, open()),
                    Origin::Active => walker.connection.on_open_active(walker.now, open()),
                };
                opened.map_err(|error| error.to_string())?;
                walker.take_note();
                walker.segments();
                let accurate = Flags::AE | Flags::CWR | Flags::ECE;
                walker.hear(match self.from {
                    Established => segment(Flags::SYN | ACK | Flags::CWR, IRS, ISS + 1, 0),
                    _ => segment(Flags::SYN | accurate, IRS, 0, 0),
                });
                walker.segments();
                walker.signals();
                Ok(walker)
            }
            Ask::IcmpHard | Ask::IcmpSoft | Ask::With(..) | Ask::Stamped(_) | Ask::CloseBehindText | Ask::FinOutOfOrder => {
                let request = matches!(self.ask, Ask::IcmpHard | Ask::With("repeat-syn-ack" | "syn-resets-request" | "syn-cache", ..));
                lead(self.from, self.from == SynReceived && request, false)
            }
        }
    }

    fn happen(&self, walker: &mut Walker) -> Result<Option<Refusal>, String> {
        let (expected, una, to_send) = numbers(&walker.variables());
        let now = walker.now;
        let quoted = SeqNumber::new(una);
        let connection = &mut walker.connection;
        match self.ask {
            Ask::IcmpHard | Ask::With(_, _, After::IcmpHard) | Ask::Early(After::IcmpHard) => {
                connection.on_icmp(now, IcmpError::Hard, quoted);
            }
            Ask::IcmpSoft | Ask::With(_, _, After::IcmpSoft) => connection.on_icmp(now, IcmpError::Soft, quoted),
            Ask::Stamped(val) => {
                walker.stamp = val;
                walker.hear(segment(Flags::PSH | ACK, expected, to_send, 10));
                return Ok(None);
            }
            Ask::With(_, _, After::SynAckInWindow) => {
                walker.hear(segment(Flags::SYN | ACK, expected + 7, una, 0));
                return Ok(None);
            }
            Ask::With(_, _, After::RstExact) | Ask::Early(After::RstExact) => {
                walker.hear(segment(Flags::RST, expected, 0, 0));
                return Ok(None);
            }
            Ask::With(_, _, After::SynInWindow) | Ask::Early(_) => {
                walker.hear(segment(Flags::SYN, expected + 7, 0, 0));
                return Ok(None);
            }
            Ask::With(_, _, After::SynAgain) => {
                walker.hear(segment(Flags::SYN, expected.wrapping_sub(1), 0, 0));
                return Ok(None);
            }
            Ask::With(_, _, After::AckInWindow) => {
                walker.hear(segment(ACK, expected + 7, to_send, 0));
                return Ok(None);
            }
            Ask::With(_, _, After::Fin) => {
                walker.hear(segment(Flags::FIN | ACK, expected, una, 0));
                return Ok(None);
            }
            Ask::With(_, _, After::TextBehindFin) => {
                walker.hear(segment(Flags::PSH | ACK, expected.wrapping_sub(1), una, 10));
                return Ok(None);
            }
            Ask::With(_, _, After::Silence) => {
                if matches!(self.from, Established | CloseWait) {
                    walker.send_text()?;
                    walker.segments();
                }
                for _ in 0..100 {
                    walker.wait();
                    if walker.state() == Closed {
                        break;
                    }
                    walker.segments();
                }
                return Ok(None);
            }
            Ask::With(_, _, After::UserTimeout) => {
                let at = now + Duration::from_millis(10);
                connection.set_user_timeout(Some(at));
                connection.on_time(at);
            }
            Ask::With(_, _, After::Abort) => connection.on_abort(now).map_err(|error| error.to_string())?,
            Ask::With(_, _, After::GivenUp) => {
                // Refused where the FIN has left before; nobody holds the connection in any case.
                let _ = connection.on_close(now, true);
                walker.take_note();
                if self.from == FinWait1 {
                    walker.hear(segment(ACK, expected, to_send, 0));
                }
                return Ok(None);
            }
            Ask::With(_, _, After::RstInWindow) => {
                walker.hear(segment(Flags::RST, expected + 7, 0, 0));
                return Ok(None);
            }
            Ask::With(_, _, After::DelayedAck) => {
                walker.hear(segment(Flags::PSH | ACK, expected, una, 10));
                if !walker.segments().is_empty() {
                    return Err("the ACK was not delayed".to_owned());
                }
                let deadline = walker.connection.deadline(Timer::DelayedAck).ok_or("no ACK is owed")?;
                walker.now = deadline;
                walker.connection.on_time(deadline);
                walker.take_note();
                return Ok(None);
            }
            Ask::MixedEcn(_) => {
                walker.hear(match self.from {
                    Established => segment(Flags::SYN | ACK | Flags::ECE, IRS, ISS + 1, 0),
                    _ => segment(Flags::SYN | Flags::CWR | Flags::ECE, IRS, 0, 0),
                });
                return Ok(None);
            }
            Ask::FinOutOfOrder => {
                walker.hear(segment(Flags::FIN | ACK, expected + 50, una, 0));
                return Ok(None);
            }
            Ask::UrgentAgain => {
                // The rest of the same sequence: its end is where it was said to be.
                walker.hear(Segment { urgent: 10, ..segment(Flags::URG | ACK, expected, una, 10) });
                return Ok(None);
            }
            Ask::KeepAlive => {
                walker.wait();
                return Ok(None);
            }
            Ask::KeepAliveDead | Ask::With(_, _, After::KeepAliveDead) => {
                let begun = walker.now;
                for _ in 0..100 {
                    walker.wait();
                    if walker.state() == Closed {
                        break;
                    }
                    // A probe is an old number without text (SHLD-12), and unanswered.
                    let probe = walker.segments();
                    let [probe] = probe.as_slice() else { return Err(format!("{} probes at once", probe.len())) };
                    if (probe.seq.get(), probe.len) != (to_send.wrapping_sub(1), 0) {
                        return Err(format!("{probe} is no probe"));
                    }
                }
                let silence = Duration::from_secs(7200 + 9 * 75);
                return if walker.now == begun + silence { Ok(None) } else { Err(format!("gave up at {}", walker.now)) };
            }
            Ask::CloseBehindText => {
                connection.on_send(now, 10, false).map_err(|error| error.to_string())?;
                connection.on_close(now, false).map_err(|error| error.to_string())?;
            }
            Ask::CrossedSynAckAfterClose => {
                let irs = walker.variables().irs.map_or(0, SeqNumber::get);
                walker.hear(segment(Flags::SYN | ACK, irs, ISS + 1, 0));
                return Ok(None);
            }
            Ask::ReceiveUnread => {
                let read = connection.on_receive(now, 100);
                walker.take_note();
                return if read == Ok(10) { Ok(None) } else { Err(format!("{read:?} read")) };
            }
            Ask::With(_, _, After::CloseUnread) => connection.on_close(now, true).map_err(|error| error.to_string())?,
            Ask::SendAfterClose => {
                let refused = connection.on_send(now, 5, false).err().map(|error| error.refusal);
                walker.take_note();
                return Ok(refused);
            }
            Ask::CloseAgain => {
                let refused = connection.on_close(now, false).err().map(|error| error.refusal);
                walker.take_note();
                return Ok(refused);
            }
        }
        walker.take_note();
        Ok(None)
    }
}

/// RCV.NXT, SND.UNA, SND.NXT.
fn numbers(variables: &Variables) -> (u32, u32, u32) {
    let next = variables.rcv_nxt.map_or(0, SeqNumber::get);
    (next, variables.snd_una.map_or(ISS, SeqNumber::get), variables.snd_nxt.map_or(ISS + 1, SeqNumber::get))
}
