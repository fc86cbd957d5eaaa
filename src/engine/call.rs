//! The user's calls (RFC 9293 sections 3.10.1 to 3.10.6): each becomes one event, or is refused.

use std::time::Duration;

use super::seq::{Ours, SeqNumber};
use super::state::{Event, State};
use super::tcb::{Connection, Origin};
use super::time::{Instant, Timer, nanos};

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
pub enum CallError {
    /// No TCB: the call needs an OPEN first (RFC 9293 section 3.10).
    #[error("connection does not exist: {call} in CLOSED (RFC 9293 section {rfc})")]
    DoesNotExist {
        /// The call.
        call: &'static str,
        /// Where the RFC says so.
        rfc: &'static str,
    },
    /// OPEN on a connection that is open (RFC 9293 section 3.10.1).
    #[error("connection already exists: OPEN in {state} (RFC 9293 section 3.10.1)")]
    AlreadyExists {
        /// The state it is in.
        state: State,
    },
    /// SEND in LISTEN without a remote socket (RFC 9293 section 3.10.2).
    #[error("remote socket unspecified: {call} in LISTEN (RFC 9293 section {rfc})")]
    RemoteUnspecified {
        /// The call.
        call: &'static str,
        /// Where the RFC says so.
        rfc: &'static str,
    },
    /// This side has sent its FIN, or will (RFC 9293 sections 3.10.2 to 3.10.4).
    #[error("connection closing: {call} in {state} (RFC 9293 section {rfc})")]
    Closing {
        /// The call.
        call: &'static str,
        /// The state it is in.
        state: State,
        /// Where the RFC says so.
        rfc: &'static str,
    },
}

impl Connection {
    /// Passive OPEN: CLOSED becomes LISTEN (RFC 9293 section 3.10.1).
    ///
    /// `open` serves the SYN,ACK that will answer the first SYN.
    ///
    /// # Errors
    /// [`CallError::AlreadyExists`] in any other state.
    pub fn on_open_passive(&mut self, now: Instant, open: Open) -> Result<(), CallError> {
        self.open(Event::OpenPassive, Origin::Passive, now, open)
    }

    /// Active OPEN: the SYN goes out (RFC 9293 section 3.10.1). Also turns LISTEN into SYN-SENT.
    ///
    /// # Errors
    /// [`CallError::AlreadyExists`] in any state but CLOSED and LISTEN.
    pub fn on_open_active(&mut self, now: Instant, open: Open) -> Result<(), CallError> {
        self.open(Event::OpenActive, Origin::Active, now, open)
    }

    fn open(&mut self, event: Event, origin: Origin, now: Instant, open: Open) -> Result<(), CallError> {
        self.begin();
        let state = self.state;
        let refused = CallError::AlreadyExists { state };
        // MUST-41, MUST-42: an existing record is never touched.
        match (self.state, event) {
            (State::Closed, _) | (State::Listen, Event::OpenActive) => {}
            _ => return Err(refused),
        }
        // One that was never open has nothing of an earlier connection but, perhaps, a reset for a stray.
        if self.bits.opened() {
            self.renew();
        }
        self.reset = None;
        self.bits.set_opened(true);
        self.take_open(open);
        self.origin = origin;
        self.state = state;
        self.apply(event, now, None).map(|_| ()).ok_or(refused)
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
    /// [`CallError::DoesNotExist`] in CLOSED, [`CallError::RemoteUnspecified`] in LISTEN,
    /// [`CallError::Closing`] once this side has closed.
    pub fn on_send(&mut self, now: Instant, octets: u32, more: bool) -> Result<u32, CallError> {
        self.begin();
        let (call, rfc) = ("SEND", "3.10.2");
        match self.state {
            State::Closed => return Err(CallError::DoesNotExist { call, rfc }),
            State::Listen => return Err(CallError::RemoteUnspecified { call, rfc }),
            State::FinWait1 | State::FinWait2 | State::Closing | State::LastAck | State::TimeWait => {
                return Err(CallError::Closing { call, state: self.state, rfc });
            }
            State::SynSent | State::SynReceived | State::Established | State::CloseWait
                if self.bits.fin_queued() || self.bits.close_queued() =>
            {
                return Err(CallError::Closing { call, state: self.state, rfc });
            }
            State::SynSent | State::SynReceived | State::Established | State::CloseWait => {}
        }
        let room = self.profile.send_buffer.saturating_sub(self.send_buffered());
        let taken = octets.min(room);
        self.snd.unsent += taken;
        self.bits.set_hold_short(more);
        self.apply(Event::Send, now, None);
        Ok(taken)
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
        let taken = octets.min(self.profile.send_buffer);
        self.snd.unsent = taken;
        self.apply(Event::Send, now, None);
        Ok(taken)
    }

    /// RECEIVE: the application takes up to `octets` of what arrived; returns how many there were.
    ///
    /// 0 means nothing is there yet, or, after the peer's FIN, nothing will come.
    ///
    /// # Errors
    /// [`CallError::DoesNotExist`] in CLOSED; [`CallError::Closing`] after the peer's FIN once all is read.
    pub fn on_receive(&mut self, now: Instant, octets: u32) -> Result<u32, CallError> {
        self.begin();
        let (call, rfc) = ("RECEIVE", "3.10.3");
        if self.rcv.unread == 0 {
            match self.state {
                State::Closed => return Err(CallError::DoesNotExist { call, rfc }),
                State::CloseWait | State::Closing | State::LastAck | State::TimeWait => {
                    return Err(CallError::Closing { call, state: self.state, rfc });
                }
                State::Listen | State::SynSent | State::SynReceived | State::Established | State::FinWait1 | State::FinWait2 => {}
            }
        }
        let taken = octets.min(self.rcv.unread);
        self.rcv.unread -= taken;
        self.linux_text_read();
        self.apply(Event::Receive, now, None);
        if self.state.takes_text() && self.window_update_due() {
            self.bits.set_ack_due(true);
        }
        Ok(taken)
    }

    /// CLOSE: what is queued still leaves, then FIN (RFC 9293 section 3.10.4).
    ///
    /// Receiving goes on until the peer's FIN: this is the half-close of section 3.6.1. With
    /// `both` the application gives up reading too, as close(2) does; that matters only to a
    /// profile that closes half-duplex (MAY-1).
    ///
    /// # Errors
    /// [`CallError::DoesNotExist`] in CLOSED, [`CallError::Closing`] once this side has closed.
    pub fn on_close(&mut self, now: Instant, both: bool) -> Result<(), CallError> {
        self.begin();
        let (call, rfc) = ("CLOSE", "3.10.4");
        if both {
            self.bits.set_user_closed(true);
        }
        let closing = CallError::Closing { call, state: self.state, rfc };
        match self.state {
            State::Closed => Err(CallError::DoesNotExist { call, rfc }),
            State::FinWait1 | State::FinWait2 | State::Closing | State::LastAck | State::TimeWait => Err(closing),
            State::SynReceived | State::CloseWait if self.bits.fin_queued() || self.bits.close_queued() => Err(closing),
            State::Listen | State::SynSent | State::SynReceived | State::Established | State::CloseWait => {
                self.apply(Event::Close, now, None).map(|_| ()).ok_or(closing)
            }
        }
    }

    /// ABORT: everything is forgotten; the peer hears RST if it knows of us (RFC 9293 section 3.10.5).
    ///
    /// # Errors
    /// [`CallError::DoesNotExist`] in CLOSED.
    pub fn on_abort(&mut self, now: Instant) -> Result<(), CallError> {
        self.begin();
        let refused = CallError::DoesNotExist { call: "ABORT", rfc: "3.10.5" };
        self.apply(Event::Abort, now, None).map(|_| ()).ok_or(refused)
    }

    /// Sets or, with `None`, ends the user timeout, counted from `now` (RFC 9293 section 3.10.8).
    pub fn set_user_timeout(&mut self, at: Option<Instant>) {
        match at {
            Some(at) => self.deadlines.set(Timer::User, at),
            None => self.deadlines.stop(Timer::User),
        }
    }

    /// Aborts, from now on, when what was sent waits longer than `limit` for its acknowledgment (`TCP_USER_TIMEOUT`).
    ///
    /// The timeout of RFC 9293 section 3.9.1.1 for "all data submitted": while nothing is outstanding
    /// it does not run. `None` waits for as long as R2 allows.
    pub fn limit_delivery(&mut self, now: Instant, limit: Option<Duration>) {
        self.delivery_limit = limit.map_or(0, |limit| nanos(limit).max(1));
        let outstanding = self.deadlines.is_running(Timer::Retransmission);
        self.set_user_timeout(limit.filter(|_| outstanding).map(|limit| now + limit));
    }

    /// Switches Nagle off or on for this connection (MUST-17).
    pub fn set_no_delay(&mut self, no_delay: bool) {
        self.bits.set_no_delay(no_delay);
    }

    /// Lets ACKs go at once, or lets them wait for text to ride on (`TCP_QUICKACK`).
    pub fn set_quick_ack(&mut self, quick: bool) {
        self.bits.set_interactive(!quick);
        self.quick_acks = if quick { self.profile.quick_acks.max(1) } else { 0 };
    }
}
