//! What an endpoint makes of a segment that reaches it: the checks of RFC 9293 section 3.10.7, by what is known.

use super::{Ahead, HELD_AT_MOST, Shadow};
use crate::engine::{Event, Flags, Ours, Rule, Segment, SeqNumber, State, Theirs};
use crate::engine::{Guard, IcmpError};

impl Shadow {
    /// A segment arrives; the rows it walks, where exactly those explain what follows.
    pub(in super::super) fn receives(&mut self, segment: &Segment<Theirs>, ahead: &Ahead<'_>) -> Vec<&'static Rule> {
        self.rest(ahead.listens);
        if let Some(rules) = self.is_gone(segment, ahead) {
            return rules;
        }
        if !self.known && is_under_way(segment, ahead) {
            self.assume(segment);
        }
        match self.state {
            State::Closed if ahead.takes_syn && segment.has(Flags::SYN) => {
                self.begin(State::Listen);
                self.in_listen(segment, ahead)
            }
            State::Closed => self.in_closed(segment, ahead),
            State::Listen => self.in_listen(segment, ahead),
            State::SynSent => self.in_syn_sent(segment, ahead),
            State::TimeWait if ahead.takes_syn && segment.has(Flags::SYN) => {
                let rules = self.walk(Event::SynNewer, ahead);
                self.requested(segment);
                self.reopened = true;
                rules
            }
            State::SynReceived
            | State::Established
            | State::FinWait1
            | State::FinWait2
            | State::CloseWait
            | State::Closing
            | State::LastAck
            | State::TimeWait => self.in_order(segment, ahead),
        }
    }

    /// An ICMP error arrives that quotes a segment of this number.
    pub(in super::super) fn hears(&mut self, error: IcmpError, quoted: SeqNumber<Ours>, ahead: &Ahead<'_>) -> Vec<&'static Rule> {
        let idle = self.una == self.nxt && quoted == self.nxt;
        if self.is_over() || !(idle || (self.una.at_or_before(quoted) && quoted.before(self.nxt))) {
            return Vec::new();
        }
        match error {
            // Who sends on has not been told to stop.
            IcmpError::Hard if ahead.answer.is_some_and(|answer| !answer.has(Flags::RST)) => Vec::new(),
            IcmpError::Hard => self.walk(Event::IcmpHard, ahead),
            IcmpError::Soft => self.walk(Event::IcmpSoft, ahead),
        }
    }

    /// Whoever answers as if there were no connection has none: a timer, a crash or an abort that nobody saw.
    fn is_gone(&mut self, segment: &Segment<Theirs>, ahead: &Ahead<'_>) -> Option<Vec<&'static Rule>> {
        if ahead.takes_syn && segment.has(Flags::SYN) && self.state.is_synchronized() && self.state != State::TimeWait {
            self.begin(State::Listen);
            return Some(self.in_listen(segment, ahead));
        }
        let reset = ahead.reset?;
        let unexpected = match self.state {
            State::Closed | State::Listen | State::SynReceived => false,
            // Only an ACK that is not for its SYN is reset.
            State::SynSent => !segment.has(Flags::ACK) || self.acknowledges_news(segment.ack),
            // An abort has the next number; where that is what the peer has acknowledged, it may be one.
            State::Established | State::CloseWait => reset.seq != self.nxt,
            State::FinWait1 | State::FinWait2 | State::Closing | State::LastAck | State::TimeWait => true,
        };
        if !unexpected || segment.has(Flags::RST) {
            return None;
        }
        // Whoever closed both directions resets text as well.
        let unread = matches!(self.state, State::FinWait1 | State::FinWait2) && segment.len > 0;
        self.begin(State::Closed);
        Some(if unread || segment.has(Flags::SYN) { Vec::new() } else { self.walk(Event::Unacceptable, ahead) })
    }

    /// Takes the numbers of a connection from its first segment that is seen.
    fn assume(&mut self, segment: &Segment<Theirs>) {
        let acked = segment.has(Flags::ACK).then_some(segment.ack);
        if segment.has(Flags::SYN) {
            self.begin(State::SynSent);
            self.assumed = Some(State::SynSent);
            self.iss = acked.map(|ack| ack.minus(1));
            self.una = segment.ack.minus(1);
            self.nxt = segment.ack;
            return;
        }
        self.assume_open();
        self.una = segment.ack;
        self.nxt = segment.ack;
        self.rcv_nxt = segment.seq;
        self.edge = segment.seq.plus(u32::from(u16::MAX) << super::UNKNOWN_SHIFT);
    }

    /// Nobody is there, or somebody who listens and does not show it: a RST for what has an ACK comes from either.
    fn in_closed(&mut self, segment: &Segment<Theirs>, ahead: &Ahead<'_>) -> Vec<&'static Rule> {
        let rst = segment.has(Flags::RST);
        let rules = self.walk(if rst { Event::RstOutside } else { Event::Unacceptable }, ahead);
        let only_closed = self.known || !(rst || segment.has(Flags::ACK));
        if only_closed && (rst || ahead.reset.is_some()) { rules } else { Vec::new() }
    }

    fn in_listen(&mut self, segment: &Segment<Theirs>, ahead: &Ahead<'_>) -> Vec<&'static Rule> {
        let event = if segment.has(Flags::RST) {
            Event::RstOutside
        } else if segment.has(Flags::SYN | Flags::ACK) {
            Event::SynAckUnexpected
        } else if segment.has(Flags::ACK) {
            Event::AckFuture
        } else if !segment.has(Flags::SYN) {
            Event::NoAck
        } else if ahead.takes_syn {
            let early = ahead.answer.is_some_and(|answer| segment.text_seq().before(answer.ack) && segment.len > 0);
            let rules = self.walk(if early { Event::FastOpen } else { Event::Syn }, ahead);
            self.requested(segment);
            return rules;
        } else {
            // Dropped: the backlog is full, or a firewall stands before it.
            return Vec::new();
        };
        self.walk(event, ahead)
    }

    /// A SYN has led to SYN-RECEIVED.
    fn requested(&mut self, segment: &Segment<Theirs>) {
        self.begin(State::SynReceived);
        self.passive = true;
        self.hear_syn(segment);
    }

    /// The peer's SYN: its numbers begin.
    fn hear_syn(&mut self, segment: &Segment<Theirs>) {
        self.irs = Some(segment.seq);
        self.rcv_nxt = segment.seq.plus(1);
        self.edge = self.rcv_nxt.plus(self.syn_window);
        self.last_ack = self.rcv_nxt;
        self.max_wnd = self.max_wnd.max(u32::from(segment.window.0));
        let offers = segment.options.offers();
        self.offered[1] = Some((offers.window_scale, offers.timestamps.is_some()));
        self.ts_recent = offers.timestamps.map(|ts| ts.val);
        if segment.seg_len() > 1 {
            self.behind_syn = Some((segment.text_seq(), segment.text_seq().plus(segment.len), segment.has(Flags::FIN)));
        }
    }

    /// Text and FIN of the SYN, if what it acknowledges next shows that they were kept.
    fn take_behind_syn(&mut self, ahead: &Ahead<'_>) -> Vec<&'static Rule> {
        let Some((start, end, fin)) = self.behind_syn.take() else { return Vec::new() };
        if !ahead.answer.is_some_and(|answer| answer.has(Flags::ACK) && start.before(answer.ack)) {
            return Vec::new();
        }
        self.held_fin = fin.then(|| end.plus(1));
        if !self.rcv_nxt.before(end) {
            return Vec::new();
        }
        self.hold(start, end);
        self.fill();
        self.walk(Event::Text, ahead)
    }

    fn in_syn_sent(&mut self, segment: &Segment<Theirs>, ahead: &Ahead<'_>) -> Vec<&'static Rule> {
        let ack = segment.has(Flags::ACK);
        let acceptable = ack && self.acknowledges_news(segment.ack);
        let (rst, syn) = (segment.has(Flags::RST), segment.has(Flags::SYN));
        let event = match (ack, acceptable, rst, syn) {
            (true, false, true, _) => Event::RstOutside,
            (true, false, false, _) => Event::AckFuture,
            (true, true, true, _) => Event::RstExact,
            (false, _, true, _) => Event::RstInWindow,
            (true, true, false, true) => Event::SynAck,
            (false, _, false, true) => Event::Syn,
            (_, _, false, false) => Event::NoAck,
        };
        if matches!(event, Event::SynAck | Event::Syn) {
            self.hear_syn(segment);
        }
        let mut rules = self.walk(event, ahead);
        if event == Event::SynAck {
            // What stands behind a SYN,ACK is in order by definition.
            self.behind_syn = None;
            self.una = segment.ack;
            rules.extend(self.text_and_fin(segment, ahead));
        }
        rules
    }

    /// RFC 9293 section 3.10.7.4.
    fn in_order(&mut self, segment: &Segment<Theirs>, ahead: &Ahead<'_>) -> Vec<&'static Rule> {
        let (rst, syn) = (segment.has(Flags::RST), segment.has(Flags::SYN));
        if !rst
            && self.uses_timestamps()
            && let Some(event) = self.timestamp_event(segment)
        {
            return self.walk(event, ahead);
        }
        let crossed = self.state == State::SynReceived && !self.passive && syn && !rst && self.irs == Some(segment.seq);
        if crossed && segment.has(Flags::ACK) && self.acknowledges_news(segment.ack) {
            let mut rules = self.walk(Event::SynAck, ahead);
            self.una = segment.ack;
            rules.extend(self.text_and_fin(segment, ahead));
            return rules;
        }
        if !self.is_acceptable(segment) {
            let rules = self.walk(self.refusal(segment), ahead);
            return if segment.has(Flags::URG) { Vec::new() } else { rules };
        }
        if rst {
            return self.walk(if segment.seq == self.rcv_nxt { Event::RstExact } else { Event::RstInWindow }, ahead);
        }
        if syn {
            let inside = segment.seq.within(self.rcv_nxt, self.window());
            let event = match (inside, segment.has(Flags::ACK)) {
                (false, _) => self.refusal(segment),
                (true, true) => Event::SynAckUnexpected,
                (true, false) => Event::Syn,
            };
            return self.walk(event, ahead);
        }
        if !segment.has(Flags::ACK) {
            return self.walk(Event::NoAck, ahead);
        }
        if self.state == State::SynReceived && self.still_waits(ahead) {
            return Vec::new();
        }
        self.take_timestamp(segment);
        self.max_wnd = self.max_wnd.max(segment.window.scaled(self.peer_shift()));
        let event = self.ack_event(segment.ack);
        let mut rules = self.walk(event, ahead);
        if matches!(event, Event::AckAcceptable | Event::FinAcked) {
            self.una = self.una.later_of(segment.ack);
        }
        if !matches!(event, Event::AckFuture | Event::AckTooOld) && self.state != State::Closed {
            rules.extend(self.text_and_fin(segment, ahead));
        }
        // Whether an urgent pointer says something new depends on what the user has read.
        if segment.has(Flags::URG) { Vec::new() } else { rules }
    }

    /// Whoever sends its SYN,ACK again has not taken the ACK that came: there was no room for another connection.
    fn still_waits(&self, ahead: &Ahead<'_>) -> bool {
        self.passive && ahead.answer.is_some_and(|answer| answer.has(Flags::SYN | Flags::ACK) && self.iss == Some(answer.seq))
    }

    fn window(&self) -> u32 {
        if self.rcv_nxt.before(self.edge) { self.edge.since(self.rcv_nxt) } else { 0 }
    }

    /// First: table 6, with the same allowances as the engine.
    fn is_acceptable(&self, segment: &Segment<Theirs>) -> bool {
        let (seq, wnd) = (segment.seq, self.window());
        let len = if segment.has(Flags::RST) { 0 } else { segment.seg_len() };
        match (len, wnd) {
            (0, 0) => seq == self.rcv_nxt,
            (0, wnd) => seq.within(self.rcv_nxt, wnd) || (seq == self.edge && !segment.has(Flags::RST)),
            (_, 0) => false,
            (len, wnd) => seq.within(self.rcv_nxt, wnd) || seq.plus(len - 1).within(self.rcv_nxt, wnd),
        }
    }

    /// What a segment is whose number is not acceptable.
    fn refusal(&self, segment: &Segment<Theirs>) -> Event {
        let syn = segment.has(Flags::SYN);
        if segment.has(Flags::RST) {
            Event::RstOutside
        } else if syn && self.state == State::SynReceived && self.irs == Some(segment.seq) && !segment.has(Flags::ACK) {
            Event::SynAgain
        } else if syn {
            Event::SynOutside
        } else if segment.has(Flags::FIN | Flags::ACK) && self.peer_fin && segment.end() == self.rcv_nxt {
            Event::FinAgain
        } else {
            Event::Unacceptable
        }
    }

    /// SND.UNA < SEG.ACK =< SND.NXT.
    fn acknowledges_news(&self, ack: SeqNumber<Ours>) -> bool {
        self.una.before(ack) && ack.at_or_before(self.nxt)
    }

    fn ack_event(&self, ack: SeqNumber<Ours>) -> Event {
        let news = self.acknowledges_news(ack);
        if self.state == State::SynReceived {
            return if news { Event::AckAcceptable } else { Event::AckFuture };
        }
        if self.nxt.before(ack) {
            Event::AckFuture
        } else if ack.before(self.una.minus(self.max_wnd)) {
            Event::AckTooOld
        } else if !news {
            Event::AckDuplicate
        } else if self.fin == Some(ack) {
            Event::FinAcked
        } else {
            Event::AckAcceptable
        }
    }

    fn timestamp_event(&self, segment: &Segment<Theirs>) -> Option<Event> {
        let syn = segment.has(Flags::SYN);
        match (segment.options.get_timestamps(), self.ts_recent) {
            (Some(ts), Some(recent)) if ts.val.wrapping_sub(recent).cast_signed() < 0 => {
                (!(syn && self.state == State::TimeWait)).then_some(Event::Paws)
            }
            (Some(_), _) => None,
            (None, _) => (!syn).then_some(Event::NoTimestamps),
        }
    }

    fn take_timestamp(&mut self, segment: &Segment<Theirs>) {
        if self.uses_timestamps()
            && let Some(ts) = segment.options.get_timestamps()
            && segment.seq.at_or_before(self.last_ack)
        {
            self.ts_recent = Some(ts.val);
        }
    }

    /// Text and FIN; both may have to wait for what is missing before them.
    fn text_and_fin(&mut self, segment: &Segment<Theirs>, ahead: &Ahead<'_>) -> Vec<&'static Rule> {
        let mut rules = self.take_behind_syn(ahead);
        let (start, end) = (segment.text_seq(), segment.text_seq().plus(segment.len));
        if self.state.takes_text() && segment.len > 0 {
            if self.rcv_nxt.before(start) {
                self.hold(start, end);
                rules.extend(self.walk(Event::TextOutOfOrder, ahead));
            } else if self.rcv_nxt.before(end) {
                rules.extend(self.walk(Event::Text, ahead));
                self.rcv_nxt = self.rcv_nxt.plus(end.since(self.rcv_nxt).min(self.window()));
                self.fill();
            }
        }
        if segment.has(Flags::FIN) && self.state != State::Closed {
            if end == self.rcv_nxt {
                rules.extend(self.take_fin(ahead));
            } else if self.rcv_nxt.before(end) {
                self.held_fin = Some(end.plus(1));
                rules.extend(self.walk(Event::FinOutOfOrder, ahead));
            } else if self.peer_fin && end.plus(1) == self.rcv_nxt {
                rules.extend(self.walk(Event::FinAgain, ahead));
            }
        }
        if self.held_fin == Some(self.rcv_nxt.plus(1)) && !self.peer_fin {
            rules.extend(self.take_fin(ahead));
        }
        rules
    }

    fn take_fin(&mut self, ahead: &Ahead<'_>) -> Vec<&'static Rule> {
        if self.peer_fin {
            return self.walk(Event::FinAgain, ahead);
        }
        self.peer_fin = true;
        self.rcv_nxt = self.rcv_nxt.plus(1);
        self.walk(Event::Fin, ahead)
    }

    fn hold(&mut self, start: SeqNumber<Theirs>, end: SeqNumber<Theirs>) {
        if self.held.len() < HELD_AT_MOST {
            self.held.push((start, end));
        }
    }

    /// What was held and is now in order.
    fn fill(&mut self) {
        while let Some(position) = self.held.iter().position(|(start, _)| start.at_or_before(self.rcv_nxt)) {
            let (_, end) = self.held.swap_remove(position);
            self.rcv_nxt = self.rcv_nxt.later_of(end);
        }
    }

    /// The row for an event, and its state; no row where others could be the one.
    pub(super) fn walk(&mut self, event: Event, ahead: &Ahead<'_>) -> Vec<&'static Rule> {
        let table = self.table;
        let (mut certain, mut chosen) = (true, None);
        for row in table.rows(self.state, event).1 {
            match self.holds(row.when, ahead) {
                Some(true) => {
                    chosen = Some(row);
                    break;
                }
                Some(false) => {}
                None => certain = false,
            }
        }
        let Some(row) = chosen else { return Vec::new() };
        if row.to == State::Closed && self.state != State::Closed {
            self.reset_in = Some(self.state);
        }
        self.state = row.to;
        if row.to == State::Listen {
            self.begin(State::Listen);
        }
        if certain { vec![row] } else { Vec::new() }
    }

    /// Whether a guard holds; `None` where a bystander cannot know. What is no profile's default is believed only if it shows.
    fn holds(&self, guard: Guard, ahead: &Ahead<'_>) -> Option<bool> {
        let answered_by = |flags| ahead.answer.is_some_and(|answer| answer.has(flags));
        match guard {
            Guard::Always => Some(true),
            Guard::Passive => Some(self.passive),
            Guard::Active => Some(!self.passive),
            // It would leave at once.
            Guard::CloseQueued => {
                if answered_by(Flags::FIN) {
                    None
                } else {
                    Some(false)
                }
            }
            Guard::OpenEarly => Some(self.irs.is_some_and(|irs| irs.plus(1).before(self.rcv_nxt)) && self.state == State::SynReceived),
            Guard::Reopened => Some(self.reopened),
            // Whoever answers afterwards is still there.
            Guard::Rfc1337 => ahead.answer.map(|answer| !answer.flags.intersects(Flags::SYN | Flags::RST)),
            Guard::SynUnanswered | Guard::SynAckIgnored => Some(ahead.answer.is_none()),
            Guard::RepeatsSynAck => Some(self.passive && answered_by(Flags::SYN | Flags::ACK)),
            Guard::SynResetsRequest => Some(self.passive && ahead.reset.is_some()),
            Guard::RepeatsFin => Some(answered_by(Flags::FIN)),
            Guard::HardIsSoft | Guard::SoftRefuses => None,
            // The calls that ask for these send nothing, or something else.
            Guard::TextQueued
            | Guard::UnreadText
            | Guard::Literal
            | Guard::NoReader
            | Guard::BehindFin
            | Guard::PeerKnown
            | Guard::CloseCalled
            | Guard::SynAckWaits
            | Guard::NoRoom
            | Guard::NothingUnread
            | Guard::Rfc5961Off
            | Guard::ResetKeepsState
            | Guard::SynCached
            | Guard::TimeoutReset
            | Guard::AbortResets
            | Guard::ResetTold
            | Guard::Forsaken
            | Guard::DeadPeerReset => Some(false),
        }
    }
}

/// Whether the segment belongs to a connection that was there before the capture.
fn is_under_way(segment: &Segment<Theirs>, ahead: &Ahead<'_>) -> bool {
    match (segment.has(Flags::SYN), segment.has(Flags::ACK)) {
        _ if segment.has(Flags::RST) || ahead.reset.is_some() => false,
        (true, acks) => acks && ahead.answer.is_some(),
        (false, _) => true,
    }
}
