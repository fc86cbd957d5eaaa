//! What an arriving segment means: the checks of RFC 9293 section 3.10.7, in the RFC's order.
//!
//! Here: which events a segment carries. Not here: changing state (`rules`), variables (`tcb`).
//! A segment that acknowledges our FIN and carries the peer's is two events and walks two rows.

use super::options::TcpOptions;
use super::profile::{AckPolicy, HoldSynText, TimeWaitAcks, WindowPolicy};
use super::reassembly::Hold;
use super::segment::{Flags, Segment, WireWindow};
use super::seq::{Ours, SeqNumber, Theirs};
use super::state::{Event, State};
use super::tcb::{Connection, Reset};
use super::time::{Instant, Timer};

/// What an arriving segment brought: which octets of text can be read now, and which must wait.
///
/// The engine counts text and carries none, so whoever owns the buffers must do as it says, in this
/// order: append `take`, keep `hold`, append `release`. What is to be held and is not kept is lost:
/// the peer may never send it again.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct Arrival {
    /// Octets of the segment's text that were here already.
    pub skip: u32,
    /// Octets behind those that the application can read now.
    pub take: u32,
    /// Octets to keep for later: what lies before them is missing, or the connection is not open yet.
    pub hold: Hold,
    /// Octets kept earlier (or just now) that the application can read now, behind `take`.
    pub release: u32,
    /// Octets at the front of the send buffer that are acknowledged now.
    pub acked: u32,
}

/// The numbers of the reset that answers a segment nobody wants (RFC 9293 section 3.5.2, group 1); a RST is never answered.
pub(super) fn reset_numbers(segment: &Segment<Theirs>) -> Option<Reset> {
    let echo = segment.options.get_timestamps().map(|ts| ts.val);
    if segment.has(Flags::RST) {
        None
    } else if segment.has(Flags::ACK) {
        Some(Reset { seq: segment.ack, ack: None, echo })
    } else {
        Some(Reset { seq: SeqNumber::new(0), ack: Some(segment.end()), echo })
    }
}

impl Reset {
    pub(super) fn segment(&self) -> Segment<Ours> {
        Segment {
            seq: self.seq,
            ack: self.ack.unwrap_or(SeqNumber::new(0)),
            flags: if self.ack.is_some() { Flags::RST | Flags::ACK } else { Flags::RST },
            window: WireWindow(0),
            urgent: 0,
            len: 0,
            options: TcpOptions::NONE,
        }
    }
}

/// The acceptability test of RFC 9293 section 3.10.7.4, table 6: four cases by length and window.
pub(super) fn acceptable(len: u32, wnd: u32, seq: SeqNumber<Theirs>, nxt: SeqNumber<Theirs>) -> bool {
    match (len, wnd) {
        (0, 0) => seq == nxt,
        (0, wnd) => seq.within(nxt, wnd),
        (_, 0) => false,
        (len, wnd) => seq.within(nxt, wnd) || seq.plus(len - 1).within(nxt, wnd),
    }
}

impl Connection {
    /// A segment arrives (RFC 9293 section 3.10.7).
    ///
    /// Says which of its text is new; the caller keeps those octets for `on_receive`, and drops
    /// what is acknowledged from its send buffer.
    pub fn on_segment(&mut self, now: Instant, segment: &Segment<Theirs>) -> Arrival {
        self.begin();
        if self.sender.is_some() {
            self.count_arrival(segment, now);
        }
        match self.state {
            State::Closed | State::Listen | State::SynSent => self.arrives_first(now, segment),
            State::SynReceived
            | State::Established
            | State::FinWait1
            | State::FinWait2
            | State::CloseWait
            | State::Closing
            | State::LastAck
            | State::TimeWait => self.arrives(now, segment),
        }
    }

    /// RFC 9293 sections 3.10.7.1 to 3.10.7.3: nothing has been heard of the peer yet.
    // Apart, as it comes once in a life: what is inlined makes every segment save more registers.
    #[inline(never)]
    fn arrives_first(&mut self, now: Instant, segment: &Segment<Theirs>) -> Arrival {
        let front_was = self.text_start();
        if self.state == State::Listen {
            self.arrives_in_listen(now, segment);
        } else if self.state == State::SynSent {
            self.arrives_in_syn_sent(now, segment);
        } else {
            let event = if segment.has(Flags::RST) { Event::RstOutside } else { Event::Unacceptable };
            self.apply(event, now, Some(segment));
        }
        // Text behind a SYN,ACK is in order by definition; text behind a SYN has to wait,
        // unless a cookie spares it that.
        let hold = self.take_fresh_hold();
        let take = if matches!(self.state, State::SynReceived | State::Established | State::CloseWait) {
            self.rcv.nxt.since(self.irs).saturating_sub(1 + u32::from(self.bits.peer_fin()))
        } else {
            0
        };
        // The SYN may have taken text along.
        let acked = if self.state == State::Established || self.state == State::CloseWait { self.text_acked_since(front_was) } else { 0 };
        Arrival { take, hold, acked, ..Arrival::default() }
    }

    /// A segment whose packet bears another security label or compartment than the connection (RFC
    /// 9293 appendix A.1); without the knob `security` it is a segment like any other.
    pub fn on_foreign_segment(&mut self, now: Instant, segment: &Segment<Theirs>) -> Arrival {
        self.bits.set_foreign(self.profile.security);
        let arrival = self.on_segment(now, segment);
        self.bits.set_foreign(false);
        arrival
    }

    /// Text and FIN of the segment that brought the cookie back.
    pub(super) fn arrives_behind_cookie(&mut self, now: Instant, segment: &Segment<Theirs>) -> Arrival {
        let text_was = self.rcv.nxt;
        if self.state == State::Established {
            self.text_and_fin(now, segment);
        }
        let fin = u32::from(self.bits.peer_fin());
        // RCV.NXT is this segment's own number: nothing of it lies behind a gap, and has to be held.
        Arrival { take: self.rcv.nxt.since(text_was) - fin, ..Arrival::default() }
    }

    /// RFC 9293 section 3.10.7.2.
    fn arrives_in_listen(&mut self, now: Instant, segment: &Segment<Theirs>) {
        let event = if segment.has(Flags::RST) {
            Event::RstOutside
        } else if segment.has(Flags::SYN | Flags::ACK) {
            Event::SynAckUnexpected
        } else if segment.has(Flags::ACK) {
            Event::AckFuture
        } else if segment.has(Flags::SYN) && self.bits.foreign() {
            Event::BadSecurity
        } else if segment.has(Flags::SYN | Flags::FIN) && self.profile.drop_syn_fin {
            Event::SynWithFin
        } else if segment.has(Flags::SYN) && self.takes_syn_text() {
            Event::FastOpen
        } else if segment.has(Flags::SYN) {
            Event::Syn
        } else {
            Event::NoAck
        };
        self.apply(event, now, Some(segment));
    }

    /// RFC 9293 section 3.10.7.3: there is no window yet, so only SEG.ACK can be judged.
    fn arrives_in_syn_sent(&mut self, now: Instant, segment: &Segment<Theirs>) {
        let acknowledges = segment.has(Flags::ACK);
        let (ack_ok, rst, syn) = (self.acknowledges_something_new(segment.ack), segment.has(Flags::RST), segment.has(Flags::SYN));
        let event = match (acknowledges, ack_ok, rst, syn) {
            (true, false, true, _) => Event::RstOutside,
            (true, false, false, _) => Event::AckFuture,
            (true, true, true, _) => Event::RstExact,
            (false, _, true, _) => Event::RstInWindow,
            (_, _, false, _) if self.bits.foreign() => Event::BadSecurity,
            (true, true, false, true) => Event::SynAck,
            // MUST-10: two SYNs may cross.
            (false, _, false, true) => Event::Syn,
            (_, _, false, false) => Event::NoAck,
        };
        self.apply(event, now, Some(segment));
        if event == Event::SynAck {
            self.take_timestamp(segment, now);
            // Who takes no text of a SYN takes none of the SYN,ACK either.
            if self.may_go_on(segment) && self.profile.hold_syn_text != HoldSynText::Never {
                self.text_and_fin(now, segment);
            }
        }
        if acknowledges && !ack_ok {
            self.hurry_syn(now);
        }
    }

    /// Somebody has answered an older connection of these ends: its peer will be ready for ours when it has heard our
    /// RST, or is already if it has sent one.
    fn hurry_syn(&mut self, now: Instant) {
        let wait = self.profile.syn_after_bad_ack;
        if !wait.is_zero() && self.state == State::SynSent && self.backoff == 0 {
            self.deadlines.set(Timer::Retransmission, now + wait);
        }
    }

    /// RFC 9293 section 3.10.7.4.
    fn arrives(&mut self, now: Instant, segment: &Segment<Theirs>) -> Arrival {
        let (text_was, front_was, fin_was) = (self.rcv.nxt, self.text_start(), self.bits.peer_fin());
        let may_bring_text = segment.len > 0 || self.held.is_some();
        self.check_in_order(now, segment);
        let over = match self.state {
            State::Closed | State::Listen => true,
            // A connection that the reset has brought back has other numbers.
            State::TimeWait => segment.has(Flags::RST),
            State::SynSent
            | State::SynReceived
            | State::Established
            | State::FinWait1
            | State::FinWait2
            | State::CloseWait
            | State::Closing
            | State::LastAck => false,
        };
        if over {
            return Arrival::default();
        }
        let acked = self.text_acked_since(front_was);
        if !may_bring_text {
            return Arrival { acked, ..Arrival::default() };
        }
        let fin = u32::from(self.bits.peer_fin() && !fin_was);
        let fresh = self.rcv.nxt.since(text_was).saturating_sub(fin);
        let skip = text_was.since(segment.text_seq());
        // All that became readable is this segment's, unless something was held.
        let (take, hold) = match self.held {
            None => (fresh, Hold::default()),
            Some(_) => (fresh.min(segment.len.saturating_sub(skip)), self.take_fresh_hold()),
        };
        let skip = if take == 0 { 0 } else { skip };
        Arrival { skip, take, hold, release: fresh - take, acked }
    }

    /// Octets of text at the front of the send buffer that are acknowledged, counted from where it began.
    fn text_acked_since(&self, front_was: SeqNumber<Ours>) -> u32 {
        let acked = self.text_start().since(front_was);
        let fin = acked > 0 && self.bits.fin_sent() && self.snd.una == self.snd.nxt;
        acked - u32::from(fin)
    }

    fn check_in_order(&mut self, now: Instant, segment: &Segment<Theirs>) {
        // R7323-23: before the sequence number. R7323-22: a RST is exempt; R7323-17: and who did not negotiate.
        if self.bits.timestamps()
            && !segment.has(Flags::RST)
            && let Some(event) = self.timestamp_event(now, segment)
        {
            self.note_repeat(segment);
            self.apply(event, now, Some(segment));
            return;
        }
        if self.state == State::SynReceived
            && self.profile.syn_cache
            && let Some(event) = self.request_event(segment)
        {
            self.apply(event, now, Some(segment));
            return;
        }
        // Nearly every segment has an ACK and neither SYN nor RST: checks two to four are not for it.
        let plain = !segment.flags.intersects(Flags::SYN | Flags::RST) && segment.has(Flags::ACK) && !self.bits.foreign();
        if plain && !self.is_acceptable(segment) {
            self.refuse(now, segment);
        } else if plain || self.passes_all(now, segment) {
            self.take_acknowledged(now, segment);
        }
    }

    /// The checks of section 3.10.7.4 from the first up to the fifth, for a segment that needs them all:
    /// whether its ACK is looked at, and what stands behind it.
    #[inline(never)]
    fn passes_all(&mut self, now: Instant, segment: &Segment<Theirs>) -> bool {
        let (rst, syn) = (segment.has(Flags::RST), segment.has(Flags::SYN));
        // Figure 7, line 6: the SYN,ACK of a simultaneous open repeats a SYN that is already accounted
        // for, one below RCV.NXT; the literal sequence check would refuse it (appendix A.2 admits so).
        let completes_crossed_open = self.state == State::SynReceived
            && self.origin() == super::Origin::Active
            && syn
            && !rst
            && segment.has(Flags::ACK)
            && segment.seq == self.irs
            && self.acknowledges_something_new(segment.ack);
        if completes_crossed_open {
            self.apply(Event::SynAck, now, Some(segment));
            // Where the literal sequence check refused it, nothing of it is taken.
            if self.state != State::SynReceived {
                self.take_timestamp(segment, now);
                self.text_and_fin(now, segment);
            }
            return false;
        }
        if syn
            && !rst
            && self.ecn.is_some()
            && let Some(event) = self.syn_again(segment)
        {
            self.apply(event, now, Some(segment));
            return false;
        }
        if rst
            && self.profile.reset_at_the_edges
            && let Some(event) = self.reset_at_an_edge(segment)
        {
            self.apply(event, now, Some(segment));
            return false;
        }
        // First: the sequence number.
        if !self.is_acceptable(segment) {
            self.refuse(now, segment);
            return false;
        }
        // R7323-22: timestamps are looked at behind this, so that a RST neither needs nor moves them.
        // Second: RST. Only the exact number resets (RFC 5961 section 3.2).
        if rst {
            // Without RFC 5961 all of the window is exact enough.
            let exact = segment.seq == self.rcv.nxt || !self.profile.rfc5961 || self.profile.insecure_reset;
            let event = match (exact, self.state, self.profile.time_wait_acks) {
                (true, ..) => Event::RstExact,
                // What is left of the connection there knows no window.
                (false, State::TimeWait, TimeWaitAcks::Number) => Event::RstOutside,
                (false, ..) => Event::RstInWindow,
            };
            self.apply(event, now, Some(segment));
            return false;
        }
        // Third: security.
        if self.bits.foreign() {
            self.apply(Event::BadSecurity, now, Some(segment));
            return false;
        }
        // Fourth: SYN. Of a SYN sent again with text the SYN itself lies before the window: trimming would
        // leave no SYN, and its sender waits for an ACK.
        if syn && !segment.seq.within(self.rcv.nxt, self.rcv.wnd) {
            self.apply(self.syn_outside_event(segment), now, Some(segment));
            return false;
        }
        if syn {
            let event = if segment.has(Flags::ACK) { Event::SynAckUnexpected } else { Event::Syn };
            self.apply(event, now, Some(segment));
            return false;
        }
        // Fifth: ACK.
        if !segment.has(Flags::ACK) {
            // Linux judges by the number alone there, as it does with an ACK.
            let by_number = self.state == State::TimeWait && self.profile.time_wait_acks == TimeWaitAcks::Number;
            let is_expected = segment.seq == self.rcv.nxt && segment.seg_len() == 0;
            let event = if by_number && !is_expected { Event::Unacceptable } else { Event::NoAck };
            self.apply(event, now, Some(segment));
            return false;
        }
        true
    }

    /// What a RST is where the profile is more generous than RFC 5961: at the number behind the window, and at that of the
    /// peer's FIN, where some peers have not counted it.
    fn reset_at_an_edge(&self, segment: &Segment<Theirs>) -> Option<Event> {
        let behind = self.rcv.wnd > 0 && segment.seq == self.rcv.nxt.plus(self.rcv.wnd);
        let of_fin = self.bits.peer_fin() && segment.seq.plus(1) == self.rcv.nxt;
        match self.state {
            State::CloseWait | State::Closing | State::LastAck if of_fin => Some(Event::RstExact),
            State::SynReceived
            | State::Established
            | State::FinWait1
            | State::FinWait2
            | State::CloseWait
            | State::Closing
            | State::LastAck => behind.then_some(Event::RstInWindow),
            State::Closed | State::Listen | State::SynSent | State::TimeWait => None,
        }
    }

    /// First: whether SEG.SEQ is acceptable. Of a RST it counts alone, text or not and window or not
    /// (RFC 5961 section 3.2, SHLD-2, MUST-66).
    #[inline]
    pub(super) fn is_acceptable(&self, segment: &Segment<Theirs>) -> bool {
        // In order and with room for all of it, as nearly all are.
        (segment.seq == self.rcv.nxt && segment.len <= self.rcv.wnd && self.rcv.wnd != 0) || self.is_acceptable_elsewhere(segment)
    }

    #[inline(never)]
    fn is_acceptable_elsewhere(&self, segment: &Segment<Theirs>) -> bool {
        // R5961-1: a RST is judged in three steps.
        let rst = segment.has(Flags::RST);
        if self.profile.lenient_sequence && !rst && self.has_socket() {
            return self.is_leniently_acceptable(segment);
        }
        let len = if rst { 0 } else { segment.seg_len() };
        // An ACK alone at the right edge comes from a peer whose full window was lost. Table 6 refuses it;
        // where both windows were lost, each side would answer the other's ACKs for ever.
        acceptable(len, self.rcv.wnd, segment.seq, self.rcv.nxt) || (len == 0 && !rst && segment.seq == self.rcv.nxt.plus(self.rcv.wnd))
    }

    /// The same as Linux judges it (`tcp_sequence`): what begins beyond the window is refused, and what ends beyond it
    /// while something is unread; the FIN does not count.
    fn is_leniently_acceptable(&self, segment: &Segment<Theirs>) -> bool {
        let (edge, end) = (self.rcv.nxt.plus(self.rcv.wnd), segment.end());
        let text_end = segment.text_seq().plus(segment.len);
        let fits = !edge.before(text_end) || (!edge.before(segment.seq) && self.rcv.unread == 0);
        fits && !end.before(self.last_ack_sent)
    }

    /// Whether Linux would keep all it knows of a connection in this state: not of a request, nor of one that nobody
    /// holds in FIN-WAIT-2, nor in TIME-WAIT.
    pub(super) fn has_socket(&self) -> bool {
        match self.state {
            State::FinWait2 => !self.bits.user_closed(),
            State::Established | State::FinWait1 | State::CloseWait | State::Closing | State::LastAck => true,
            State::Closed | State::Listen | State::SynSent | State::SynReceived | State::TimeWait => false,
        }
    }

    /// SEG.SEQ is not acceptable.
    #[cold]
    fn refuse(&mut self, now: Instant, segment: &Segment<Theirs>) {
        if self.is_repeat_with_ack(segment) {
            self.note_repeat(segment);
            if self.may_challenge(now, Some(segment)) {
                self.bits.set_ack_due(true);
            }
            self.take_acknowledged(now, segment);
            return;
        }
        let syn = segment.has(Flags::SYN);
        let fin_again = segment.has(Flags::FIN) && !syn && self.bits.peer_fin() && segment.end() == self.rcv.nxt;
        let event = if segment.has(Flags::RST) {
            Event::RstOutside
        } else if syn {
            self.syn_outside_event(segment)
        } else if fin_again && segment.has(Flags::ACK) {
            Event::FinAgain
        } else if !segment.has(Flags::ACK) && self.drops_without_ack() {
            Event::NoAck
        } else {
            Event::Unacceptable
        };
        if matches!(event, Event::Unacceptable | Event::FinAgain) {
            self.note_repeat(segment);
            if segment.seg_len() > 0 && segment.seq.before(self.rcv.nxt) && self.has_socket() {
                self.linux_hurry_acks();
            }
        }
        if event == Event::Unacceptable && self.is_late_ack(segment) {
            self.walk_ack(self.ack_event(segment), segment, false, now);
        }
        // MUST-66: a closed window shuts out text, but no urgent pointer.
        let at_closed_window = self.rcv.wnd == 0 && segment.seq == self.rcv.nxt && !syn;
        if at_closed_window && segment.has(Flags::URG | Flags::ACK) && self.state.takes_text() {
            self.urgent_pointer(now, segment);
        }
        self.apply(event, now, Some(segment));
    }

    /// Fifth, the ACK, and what stands behind it.
    #[expect(clippy::inline_always, reason = "nearly every segment comes here, from one place; the other is for what was refused")]
    #[inline(always)]
    fn take_acknowledged(&mut self, now: Instant, segment: &Segment<Theirs>) {
        if self.bits.timestamps() && !(self.profile.timestamp_after_ack && self.snd.nxt.before(segment.ack)) {
            self.take_timestamp(segment, now);
        }
        let congested = self.ecn.is_some() && self.heed_ecn(segment, now);
        if self.keepalive.is_some() {
            self.start_keepalive(now);
        }
        let event = self.ack_event(segment);
        if event == Event::AckDuplicate && self.sender.is_none() && self.snd.una != self.snd.nxt {
            self.notice_duplicate(segment, now);
        }
        self.walk_ack(event, segment, congested, now);
        // Of an ACK alone that was all.
        if self.may_go_on(segment) && !matches!(event, Event::AckFuture | Event::AckTooOld) && self.state != State::Closed {
            self.text_and_fin(now, segment);
        }
    }

    /// The row of an ACK, and what its connection's scoreboard makes of it.
    #[inline]
    fn walk_ack(&mut self, event: Event, segment: &Segment<Theirs>, congested: bool, now: Instant) {
        let before = if self.sender.is_some() { Some(self.before_ack()) } else { None };
        self.apply(event, now, Some(segment));
        if let Some(before) = before
            && !matches!(event, Event::AckFuture | Event::AckTooOld)
        {
            self.heed_ack(segment, before, congested, now);
            self.let_short_go(segment, event);
        }
    }

    /// Whether the sixth check and those behind it find anything to do.
    fn may_go_on(&self, segment: &Segment<Theirs>) -> bool {
        segment.len > 0 || segment.flags.intersects(Flags::URG | Flags::FIN) || self.held.is_some()
    }

    /// Whether a segment without ACK is dropped before its number is judged.
    fn drops_without_ack(&self) -> bool {
        match self.state {
            State::TimeWait => self.profile.time_wait_acks == TimeWaitAcks::Exact,
            State::Established | State::FinWait1 | State::FinWait2 | State::CloseWait | State::Closing | State::LastAck => {
                self.profile.ack_before_sequence
            }
            State::Closed | State::Listen | State::SynSent | State::SynReceived => false,
        }
    }

    fn syn_outside_event(&self, segment: &Segment<Theirs>) -> Event {
        let again = self.state == State::SynReceived && segment.seq == self.irs && !segment.has(Flags::ACK);
        let stray = self.state == State::TimeWait && segment.has(Flags::ACK) && self.profile.time_wait_acks == TimeWaitAcks::Exact;
        match (again, stray) {
            (true, _) => Event::SynAgain,
            (false, true) => Event::SynAckUnexpected,
            (false, false) => Event::SynOutside,
        }
    }

    /// Whether this ACK alone left before its sender knew that a probe beyond its window had been taken.
    ///
    /// RFC 9293 section 3.10.7.4, first, makes an allowance for valid ACKs where a closed window
    /// refuses them. Without it two sides that have taken each other's probes, and lost the ACKs, would
    /// refuse all that could tell them.
    fn is_late_ack(&self, segment: &Segment<Theirs>) -> bool {
        let behind = self.rcv.nxt.since(segment.seq);
        self.state.is_synchronized()
            && segment.seg_len() == 0
            && segment.has(Flags::ACK)
            && behind <= u32::from(u16::MAX) << self.rcv.shift
            && self.acknowledges_something_new(segment.ack)
    }

    /// SND.UNA < SEG.ACK =< SND.NXT.
    fn acknowledges_something_new(&self, ack: SeqNumber<Ours>) -> bool {
        self.snd.una.before(ack) && ack.at_or_before(self.snd.nxt)
    }

    #[expect(clippy::inline_always, reason = "as take_acknowledged, of which it is part")]
    #[inline(always)]
    fn ack_event(&self, segment: &Segment<Theirs>) -> Event {
        let ack = segment.ack;
        let new = self.acknowledges_something_new(ack);
        if self.state == State::SynReceived {
            return if new { Event::AckAcceptable } else { Event::AckFuture };
        }
        if self.state == State::TimeWait && self.profile.time_wait_acks != TimeWaitAcks::Rfc {
            return self.time_wait_ack_event(segment);
        }
        // Most are new, and so neither of the future nor too old.
        if new {
            return if self.bits.fin_sent() && ack == self.snd.nxt { Event::FinAcked } else { Event::AckAcceptable };
        }
        if self.snd.nxt.before(ack) {
            Event::AckFuture
        // MAY-12, R5961-8.
        } else if self.is_old_ack(ack) {
            Event::AckTooOld
        } else {
            Event::AckDuplicate
        }
    }

    /// Whether an ACK lies so far back that nobody who is part of this connection sends it now.
    pub(super) fn is_old_ack(&self, ack: SeqNumber<Ours>) -> bool {
        let profile = &self.profile;
        if !profile.rfc5961 || profile.insecure_ack {
            return false;
        }
        // Ghosts: nothing before our first octet can ever have been acknowledged; Linux counts the SYN of an active OPEN as
        // one (`bytes_acked`). Further on the other bound is the stricter one.
        let counted = profile.window_policy == WindowPolicy::Linux && self.origin == super::Origin::Active;
        let first = self.iss.plus(u32::from(!counted));
        let near = profile.challenge_ghost_acks && self.bits.syn_acked() && self.snd.una.since(first) <= self.snd.max_wnd;
        let least = if near { first } else { self.snd.una.minus(self.snd.max_wnd) };
        ack.before(least)
    }

    /// In TIME-WAIT, where the profile tells the ACK that led there from all others.
    #[cold]
    fn time_wait_ack_event(&self, segment: &Segment<Theirs>) -> Event {
        let bare = segment.seq == self.rcv.nxt && segment.seg_len() == 0;
        let exact = match self.profile.time_wait_acks {
            TimeWaitAcks::Rfc | TimeWaitAcks::Number => bare,
            TimeWaitAcks::Exact => bare && segment.ack == self.snd.nxt,
        };
        if exact { Event::AckDuplicate } else { Event::AckStray }
    }

    /// Sixth to eighth: URG, text, then FIN. SHLD-31: what is out of order is held, and its turn comes here.
    // MAY-13.
    fn text_and_fin(&mut self, now: Instant, segment: &Segment<Theirs>) {
        if self.profile.lenient_sequence && segment.seg_len() > 0 && self.was_heard(now, segment) {
            return;
        }
        if segment.has(Flags::URG) {
            self.urgent_pointer(now, segment);
        }
        if self.state.takes_text() {
            if segment.len > 0 {
                self.text(now, segment);
            }
            // Text of a SYN has waited for this state.
            if self.held.is_some() && self.is_held_text_due() {
                self.apply(Event::Text, now, Some(segment));
            }
        } else if self.is_behind_fin(segment) {
            self.apply(Event::Text, now, Some(segment));
        }
        if segment.has(Flags::FIN) && self.state != State::Closed {
            let fin = segment.text_seq().plus(segment.len);
            if self.bits.peer_fin() && self.profile.ignore_second_fin && self.has_socket() {
                return;
            }
            if fin == self.rcv.nxt {
                let event = if self.bits.peer_fin() { Event::FinAgain } else { Event::Fin };
                self.apply(event, now, Some(segment));
            } else if self.rcv.nxt.before(fin) {
                self.hurry_acks_beyond_window(segment);
                self.apply(Event::FinOutOfOrder, now, Some(segment));
            }
        }
        if self.held.is_some() && self.is_held_fin_due() {
            self.apply(Event::Fin, now, Some(segment));
        }
    }

    /// Whether text goes on where the peer has said that it ends, and the profile takes offence.
    fn is_behind_fin(&self, segment: &Segment<Theirs>) -> bool {
        let end = segment.text_seq().plus(segment.len);
        self.profile.reset_behind_fin && self.has_socket() && segment.text_seq().before(self.rcv.nxt) && self.rcv.nxt.before(end)
    }

    /// Text and FIN that came before are answered, where they pass the first check; says whether that was all.
    fn was_heard(&mut self, now: Instant, segment: &Segment<Theirs>) -> bool {
        // The SYN,ACK of a crossed open has just been heard for the first time.
        let heard = self.has_socket() && segment.end().at_or_before(self.rcv.nxt) && !segment.has(Flags::SYN);
        if heard {
            self.note_repeat(segment);
            self.linux_hurry_acks();
            let again = self.bits.peer_fin() && segment.has(Flags::FIN) && segment.end() == self.rcv.nxt;
            self.apply(if again { Event::FinAgain } else { Event::Unacceptable }, now, Some(segment));
        }
        heard
    }

    /// Sixth: what URG says, where somebody can still be told.
    #[cold]
    fn urgent_pointer(&mut self, now: Instant, segment: &Segment<Theirs>) {
        let nothing_new = self.state.takes_text() && !self.is_urgent_news(segment);
        self.apply(if nothing_new { Event::UrgentAgain } else { Event::Urgent }, now, Some(segment));
    }

    fn text(&mut self, now: Instant, segment: &Segment<Theirs>) {
        let end = segment.text_seq().plus(segment.len);
        if self.rcv.nxt.before(segment.text_seq()) {
            self.hurry_acks_beyond_window(segment);
            let owed = self.bits.ack_due();
            self.apply(Event::TextOutOfOrder, now, Some(segment));
            if !owed && self.profile.sack_compression > 0 {
                self.hold_back_ack(now);
            }
        } else if self.rcv.nxt.before(end) {
            let repeats = segment.text_seq() != self.rcv.nxt;
            if repeats {
                self.note_repeat(segment);
            }
            self.apply(Event::Text, now, Some(segment));
            if repeats && self.profile.ack_policy == AckPolicy::FreeBsd && self.bits.sack() {
                // The next segment in order would clear the block that tells of it.
                self.bits.set_ack_due(true);
            }
        } else {
            self.note_repeat(segment);
            self.linux_hurry_acks();
            self.bits.set_ack_due(true);
        }
    }

    /// What begins behind the window comes from a peer that does not know it (`tcp_data_queue`).
    fn hurry_acks_beyond_window(&mut self, segment: &Segment<Theirs>) {
        if !segment.text_seq().before(self.rcv.nxt.plus(self.rcv.wnd)) {
            self.linux_hurry_acks();
        }
    }

    /// The text of a fast SYN takes nothing of Linux's first window, which its SYN,ACK will be the first to tell.
    #[cold]
    fn take_syn_text(&mut self) {
        if self.rcv.nxt != self.irs.plus(1) {
            self.note_syn_text();
        }
        if self.profile.window_policy == WindowPolicy::Linux {
            self.last_ack_sent = self.rcv.nxt;
        } else {
            self.rcv.wnd = self.rcv.wnd.saturating_sub(self.rcv.nxt.since(self.irs) - 1);
        }
    }

    /// RCV.NXT over the part of the text that is new, in order and inside the window, and over what was held behind it.
    #[inline]
    pub(super) fn take_text(&mut self, segment: &Segment<Theirs>, now: Instant) {
        let skip = self.rcv.nxt.since(segment.text_seq());
        let mut fresh = segment.len.saturating_sub(skip);
        // Who takes what lies partly beyond its window takes all of it.
        if !(self.profile.lenient_sequence && self.rcv.wnd > 0) {
            fresh = fresh.min(self.rcv.wnd);
        }
        self.rcv.nxt = self.rcv.nxt.plus(fresh);
        let (own, mut released) = (fresh, (0, 0));
        if self.holds_anything() {
            let (octets, steps) = self.release_text();
            fresh += octets;
            released = (octets, steps);
            self.linux_keep_memory(steps);
            // RFC 5681 section 4.2: what fills a gap, all of it or a part, is acknowledged at once.
            self.bits.set_ack_due(true);
        }
        if self.state == State::Listen {
            self.take_syn_text();
        } else {
            self.rcv.wnd = self.rcv.wnd.saturating_sub(fresh);
        }
        self.rcv.unread += fresh;
        if self.profile.window_policy == WindowPolicy::Linux {
            self.linux_text_arrived(own, segment, now);
            if released.1 > 0 {
                self.linux_text_released(released.0, released.1);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn acceptability_is_table_6() {
        // RFC 9293 section 3.10.7.4, table 6, RCV.NXT = 300.
        for (len, wnd, seq, ok) in [
            (0, 0, 300, true),
            (0, 0, 301, false),
            (0, 9, 299, false),
            (0, 9, 300, true),
            (0, 9, 308, true),
            (0, 9, 309, false),
            (1, 0, 300, false),
            (5, 9, 295, false),
            (5, 9, 296, true),
            (5, 9, 308, true),
            (5, 9, 309, false),
        ] {
            let nxt = SeqNumber::new(300);
            assert_eq!(acceptable(len, wnd, SeqNumber::new(seq), nxt), ok, "SEG.LEN={len} RCV.WND={wnd} SEG.SEQ={seq}");
        }
    }
}
