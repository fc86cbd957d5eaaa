//! The user's calls (RFC 9293 sections 3.10.1 to 3.10.6): each becomes one event, or is refused.

use std::time::Duration;

use super::options::TcpOptions;
use super::rules::Rule;
use super::seq::{Ours, SeqNumber};
use super::state::{Event, Refusal, State};
use super::tcb::{Connection, Origin};
use super::time::{Instant, Timer};

/// What an active OPEN brings along: the things an engine without clock and randomness cannot know.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Open {
    /// Initial send sequence number; RFC 6528 says how to choose it.
    pub iss: SeqNumber<Ours>,
    /// Octets of text this endpoint can receive in one segment: MTU less 40 (IPv4) or 60 (IPv6).
    pub mss: u16,
    /// Octets of text this endpoint sends in one segment at most, whatever it announces.
    pub send_mss: u16,
    /// What the peer takes if it does not say: 536 (IPv4) or 1220 (IPv6), MUST-15.
    pub default_mss: u16,
    /// Added to the timestamp clock (RFC 7323 section 7.1).
    pub ts_offset: u32,
}

/// A call the connection refuses, in the RFC's words.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, thiserror::Error)]
#[error("{refusal}: {} in {state} (RFC 9293 section {rfc})", call.name().trim_start_matches("call-"))]
pub struct CallError {
    /// Why.
    pub refusal: Refusal,
    /// The call.
    pub call: Event,
    /// The state it was made in, and stays in.
    pub state: State,
    /// Where the RFC says so.
    pub rfc: &'static str,
}

impl Connection {
    /// Passive OPEN: CLOSED becomes LISTEN (RFC 9293 section 3.10.1).
    ///
    /// `open` serves the SYN,ACK that will answer the first SYN.
    ///
    /// # Errors
    /// [`Refusal::Exists`] in any other state.
    pub fn on_open_passive(&mut self, now: Instant, open: Open) -> Result<(), CallError> {
        self.open(Event::OpenPassive, Origin::Passive, now, open)
    }

    /// Active OPEN: the SYN goes out (RFC 9293 section 3.10.1). Also turns LISTEN into SYN-SENT.
    ///
    /// # Errors
    /// [`Refusal::Exists`] in any state but CLOSED and LISTEN.
    pub fn on_open_active(&mut self, now: Instant, open: Open) -> Result<(), CallError> {
        self.open(Event::OpenActive, Origin::Active, now, open)
    }

    /// Active OPEN with text to send (RFC 9293 section 3.10.1): what fits rides in the SYN; returns how much was taken.
    ///
    /// The peer may deliver it only in ESTABLISHED, or drop it: then it leaves again like text that was lost.
    ///
    /// # Errors
    /// As [`on_open_active`](Self::on_open_active).
    pub fn on_open_active_with(&mut self, now: Instant, open: Open, octets: u32) -> Result<u32, CallError> {
        self.on_open_active(now, open)?;
        self.snd.unsent = octets.min(self.profile.send_buffer);
        self.bits.set_syn_text(true);
        Ok(self.snd.unsent)
    }

    /// Active OPEN that does not say to whom: always refused (RFC 9293 section 3.10.1).
    ///
    /// # Errors
    /// [`Refusal::Unspecified`], or [`Refusal::Exists`] once there is a connection.
    pub fn on_open_unspecified(&mut self, now: Instant) -> Result<(), CallError> {
        self.begin();
        self.call(Event::OpenUnspecified, now)
    }

    fn open(&mut self, event: Event, origin: Origin, now: Instant, open: Open) -> Result<(), CallError> {
        self.begin();
        // MUST-41, MUST-42: an existing record is never touched.
        let Some((id, rule)) = self.row(event).filter(|(_, rule)| rule.refusal().is_none()) else {
            return self.call(event, now);
        };
        // One that was never open has nothing of an earlier connection but, perhaps, a reset for a stray.
        if self.bits.opened() {
            let state = self.state;
            self.renew(open);
            self.state = state;
        } else {
            self.take_open(open);
        }
        self.reset = None;
        self.bits.set_opened(true);
        self.origin = origin;
        self.walk_row(id, rule, now, None);
        Ok(())
    }

    /// Walks the row that answers a call; if the row refuses it, says so.
    // Inlined, so that the place of the call's cell is known where it is made; refusals are rare and stand apart.
    #[inline]
    fn call(&mut self, call: Event, now: Instant) -> Result<(), CallError> {
        match self.apply(call, now, None) {
            Some(rule) if rule.refusal().is_none() => Ok(()),
            // A row that refuses stays where it is.
            rule => Err(refused(call, self.state, rule)),
        }
    }

    /// In LISTEN: the ISS for the SYN that comes next. It is chosen when that SYN has come (RFC 9293
    /// section 3.10.7.2, third), and anew after a return to LISTEN; in any other state nothing happens.
    pub fn prepare_iss(&mut self, iss: SeqNumber<Ours>) {
        if self.state == State::Listen {
            self.iss = iss;
        }
    }

    /// What the last OPEN brought along.
    pub(super) fn opened_with(&self) -> Open {
        let Self { iss, mss, send_mss, default_mss, ts_offset, .. } = *self;
        Open { iss, mss, send_mss, default_mss, ts_offset }
    }

    pub(super) fn take_open(&mut self, open: Open) {
        self.iss = open.iss;
        self.mss = open.mss;
        self.send_mss = open.send_mss;
        self.default_mss = open.default_mss;
        self.ts_offset = open.ts_offset;
    }

    /// SEND: queues up to `octets` of text (RFC 9293 section 3.10.2) and returns how many fit.
    ///
    /// With `more` the end of a record is not reached: a short segment may wait for the next call,
    /// and carries no PSH until then.
    ///
    /// # Errors
    /// [`Refusal::Missing`] in CLOSED, [`Refusal::Unspecified`] in LISTEN, [`Refusal::Closing`] once this
    /// side has closed, [`Refusal::Full`] if not even one octet fits.
    pub fn on_send(&mut self, now: Instant, octets: u32, more: bool) -> Result<u32, CallError> {
        self.begin();
        self.call(Event::Send, now)?;
        let taken = octets.min(self.send_room());
        self.fill_packets(taken);
        self.snd.unsent += taken;
        self.bits.set_hold_short(more);
        self.bits.set_unpushed(more);
        Ok(taken)
    }

    /// Whether a short segment waits for more, whether or not the text of the last SEND is pushed where it ends (`TCP_CORK`).
    pub fn hold_short(&mut self, holds: bool) {
        self.bits.set_hold_short(holds);
        if let Some(sender) = &mut self.sender {
            sender.held_for_call = false;
        }
    }

    /// As [`hold_short`](Self::hold_short), until an ACK arrives: what it lets go is not of the call that announced more (Linux's
    /// `MSG_MORE`; `tcp_data_snd_check`). Only where there is a scoreboard, or segments are counted.
    pub fn hold_short_until_ack(&mut self) {
        self.bits.set_hold_short(true);
        if let Some(sender) = &mut self.sender {
            sender.held_for_call = true;
        }
    }

    /// Octets the send buffer has room for.
    pub(super) fn send_room(&self) -> u32 {
        self.send_capacity().saturating_sub(self.send_buffered())
    }

    /// SEND on a listener whose peer is known turns it active (RFC 9293 section 3.10.2).
    ///
    /// # Errors
    /// As [`on_send`](Self::on_send).
    pub fn on_send_from_listen(&mut self, now: Instant, open: Open, octets: u32) -> Result<u32, CallError> {
        if self.state != State::Listen {
            return self.on_send(now, octets, false);
        }
        self.begin();
        self.take_open(open);
        self.bits.set_peer_known(true);
        self.call(Event::Send, now)?;
        let taken = octets.min(self.profile.send_buffer);
        self.snd.unsent = taken;
        Ok(taken)
    }

    /// RECEIVE: the application takes up to `octets` of what arrived; returns how many there were.
    ///
    /// 0 means nothing is there yet. What arrived before the peer's FIN is delivered in every state
    /// that follows it; section 3.10.3 would have it lost in CLOSING, LAST-ACK and TIME-WAIT.
    ///
    /// # Errors
    /// [`Refusal::Missing`] in CLOSED; [`Refusal::Closing`] after the peer's FIN once all is read.
    pub fn on_receive(&mut self, now: Instant, octets: u32) -> Result<u32, CallError> {
        self.begin();
        self.call(Event::Receive, now)?;
        let taken = octets.min(self.rcv.unread);
        self.rcv.unread -= taken;
        if self.urgent.is_some() {
            self.forget_urgent();
        }
        let first = self.linux_text_read(taken);
        if self.profile.counts && taken > 0 {
            self.adjust_to_reader(first, taken, now);
        }
        if self.state.takes_text() && self.window_update_due() {
            self.bits.set_ack_due(true);
        }
        Ok(taken)
    }

    /// CLOSE: what is queued still leaves, then FIN (RFC 9293 section 3.10.4).
    ///
    /// Receiving goes on until the peer's FIN: this is the half-close of section 3.6.1. With
    /// `both` the application gives up reading too, as close(2) does; that matters to a profile that
    /// closes half-duplex (MAY-1), and starts the timer of orphans in FIN-WAIT-2, where there is one.
    ///
    /// # Errors
    /// [`Refusal::Missing`] in CLOSED, [`Refusal::Closing`] once this side has closed.
    pub fn on_close(&mut self, now: Instant, both: bool) -> Result<(), CallError> {
        self.begin();
        if both {
            self.bits.set_user_closed(true);
        }
        self.call(Event::Close, now)
    }

    /// ABORT: everything is forgotten; the peer hears RST if it knows of us (RFC 9293 section 3.10.5).
    ///
    /// # Errors
    /// [`Refusal::Missing`] in CLOSED.
    pub fn on_abort(&mut self, now: Instant) -> Result<(), CallError> {
        self.begin();
        self.call(Event::Abort, now)
    }

    /// STATUS: the state (RFC 9293 section 3.10.6); [`variables`](Self::variables) has the rest.
    ///
    /// # Errors
    /// [`Refusal::Missing`] in CLOSED.
    pub fn on_status(&mut self, now: Instant) -> Result<State, CallError> {
        self.begin();
        self.call(Event::Status, now).map(|()| self.state)
    }

    /// The implementation takes the record back, for its place is needed: the oldest half-open
    /// connection of a full backlog (RFC 4987 section 3.4), or one of too many in TIME-WAIT.
    ///
    /// In any other state nothing happens.
    pub fn on_evict(&mut self, now: Instant) {
        self.begin();
        self.apply(Event::Evict, now, None);
    }

    /// Sets or, with `None`, ends the user timeout, counted from `now` (RFC 9293 section 3.10.8).
    pub fn set_user_timeout(&mut self, at: Option<Instant>) {
        self.bits.set_opening_limited(false);
        match at {
            Some(at) => self.deadlines.set(Timer::User, at),
            None => self.deadlines.stop(Timer::User),
        }
    }

    /// Aborts, from now on, when what was sent waits longer than `limit` for its acknowledgment (`TCP_USER_TIMEOUT`).
    ///
    /// The timeout of RFC 9293 section 3.9.1.1 for "all data submitted": while nothing is outstanding
    /// it does not run. It is counted in milliseconds, 49 days at most. `None` waits for as long as R2 allows.
    // MUST-21.
    pub fn limit_delivery(&mut self, now: Instant, limit: Option<Duration>) {
        self.delivery_limit = limit.map_or(0, |limit| u32::try_from(limit.as_millis()).unwrap_or(u32::MAX).max(1));
        let outstanding = self.deadlines.is_running(Timer::Retransmission);
        self.set_user_timeout(limit.filter(|_| outstanding).map(|limit| now + limit));
    }

    /// The user reads no more, though it has not closed (`shutdown` of the receiving side, as Linux takes it): once our
    /// FIN has left, a profile that closes half-duplex refuses text that comes (MAY-1).
    pub fn refuse_text(&mut self) {
        self.urgent.get_or_insert_default().refuses = true;
    }

    pub(super) fn refuses_text(&self) -> bool {
        self.urgent.as_ref().is_some_and(|points| points.refuses)
    }

    /// Switches Nagle off or on for this connection (MUST-17).
    pub fn set_no_delay(&mut self, no_delay: bool) {
        self.bits.set_no_delay(no_delay);
    }

    /// How often the SYN,ACK was due again.
    pub fn syn_ack_timeouts(&self) -> u8 {
        if self.state == State::SynReceived { self.backoff } else { 0 }
    }

    /// In SYN-RECEIVED: the SYN,ACK that is due does not leave; its timer runs on.
    pub fn withhold_syn_ack(&mut self) {
        if self.state == State::SynReceived {
            self.bits.set_syn_due(false);
        }
    }

    /// Leaves so many octets of every option area free: whoever sends the segments on fills them (a signature, which
    /// is made over octets that are not known here). Segments carry less text and fewer SACK blocks, and a SYN that
    /// has no room for all offers no timestamps.
    pub fn reserve_options(&mut self, octets: u8) {
        const MOST: u8 = 40;
        const { assert!(MOST as usize == TcpOptions::MAX) };
        self.reserved = octets.min(MOST);
    }

    /// What the peer says it takes counts up to so many octets only, where it has not said it yet (`TCP_MAXSEG`).
    pub fn limit_segments(&mut self, octets: u16) {
        if self.state == State::SynSent && self.profile.maxseg_limits_sending {
            self.send_mss = self.send_mss.min(octets);
        }
    }

    /// Lets ACKs go at once, or lets them wait for text to ride on (`TCP_QUICKACK`).
    pub fn set_quick_ack(&mut self, quick: bool) {
        self.end_dialogue();
        self.bits.set_interactive(!quick);
        self.quick_acks = if quick { self.profile.quick_acks.max(1) } else { 0 };
    }
}

/// Why this row refuses the call; without a row, it is as if there were no connection.
#[cold]
fn refused(call: Event, state: State, rule: Option<&Rule>) -> CallError {
    // Only a table somebody has taken rows from has none.
    let (refusal, rfc) = rule.and_then(|rule| Some((rule.refusal()?, rule.rfc))).unwrap_or((Refusal::Missing, "3.10"));
    CallError { refusal, call, state, rfc }
}
