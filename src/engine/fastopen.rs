//! TCP fast open (RFC 7413): a cookie that lets the text of a SYN be read before the handshake ends.
//!
//! The host makes, checks and remembers cookies, for it knows secrets, addresses and the time. Here
//! is what one connection does with them.

use std::fmt;

use super::call::{CallError, Open};
use super::options::TcpOptions;
use super::profile::OptionLayout;
use super::seq::{Ours, SeqNumber};
use super::state::State;
use super::tcb::{Connection, Origin};
use super::time::Instant;

/// What the fast open option carries: nothing, which asks for a cookie, or 4 to 16 octets.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct FastOpenCookie {
    octets: [u8; 16],
    len: u8,
    /// It stands in an option of kind 254, as before there was a kind of its own (RFC 7413 section 4.1.1, RFC 6994).
    experimental: bool,
}

impl FastOpenCookie {
    /// The empty one: a request.
    pub const REQUEST: Self = Self { octets: [0; 16], len: 0, experimental: false };

    /// The cookie with these octets; `None` for a length no cookie has (R7413-1).
    pub fn new(octets: &[u8]) -> Option<Self> {
        let fits = octets.is_empty() || ((4..=16).contains(&octets.len()) && octets.len().is_multiple_of(2));
        let len = u8::try_from(octets.len()).ok().filter(|_| fits)?;
        let mut cookie = Self { octets: [0; 16], len, experimental: false };
        cookie.octets[..octets.len()].copy_from_slice(octets);
        Some(cookie)
    }

    /// Its octets.
    pub fn octets(&self) -> &[u8] {
        &self.octets[..usize::from(self.len)]
    }

    /// The same in an option of the experimental kind, or of its own.
    #[must_use]
    pub const fn in_form(self, experimental: bool) -> Self {
        Self { experimental, ..self }
    }

    /// Whether it stands in an option of the experimental kind.
    pub const fn is_experimental(&self) -> bool {
        self.experimental
    }

    /// Whether it asks for one.
    pub const fn is_request(&self) -> bool {
        self.len == 0
    }
}

impl fmt::Debug for FastOpenCookie {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.octets().iter().try_for_each(|octet| write!(f, "{octet:02x}"))
    }
}

/// What a client knows of a server when it opens fast.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum FastOpenTry {
    /// Nothing: it asks for a cookie, and its text waits.
    Ask,
    /// That it does not speak of fast open but in the experimental option: it asks by that.
    AskExperimentally,
    /// That it wants no cookie: text rides in the SYN, which has no option.
    Bare,
    /// A cookie of an earlier connection: text rides in the SYN.
    Show {
        /// The cookie.
        cookie: FastOpenCookie,
        /// The MSS the server announced then (R7413-3): how much text a SYN may carry.
        mss: u16,
    },
}

/// What a server says to the option of a SYN.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct FastOpenAnswer {
    /// The cookie was ours: text is taken at once.
    pub take: bool,
    /// A cookie for the next time.
    pub grant: Option<FastOpenCookie>,
}

/// What a client learned, for the host to remember (R7413-3, R7413-4).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct FastOpenOutcome {
    /// The cookie that came.
    pub cookie: Option<FastOpenCookie>,
    /// The MSS beside it.
    pub mss: u16,
    /// A cookie was asked for, and no text shown.
    pub asked: bool,
    /// The text was not acknowledged, or the SYN was not answered as long as it was a fast one.
    pub refused: bool,
}

/// The fast open of one connection.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(super) struct FastOpen {
    /// What our first SYN or SYN,ACK carries.
    option: Option<FastOpenCookie>,
    /// Text is taken from the SYN, or rides in it.
    text: bool,
    /// How much a SYN may carry, before options.
    mss: u16,
    /// What the SYN,ACK brought.
    granted: Option<FastOpenCookie>,
    /// The SYN,ACK left text unacknowledged.
    refused: bool,
    /// The outcome was asked for.
    told: bool,
    /// Text of our SYN was acknowledged with it, or text of the peer's taken.
    taken: bool,
}

impl Connection {
    /// Active OPEN with fast open (RFC 7413 section 4.2): returns how much of the text was taken.
    ///
    /// A server may read the text of a SYN twice, so only an application that can bear this may
    /// ask for it (R7413-16).
    ///
    /// # Errors
    /// As [`on_open_active`](Self::on_open_active).
    pub fn on_open_active_fast(&mut self, now: Instant, open: Open, octets: u32, known: FastOpenTry) -> Result<u32, CallError> {
        self.on_open_active(now, open)?;
        self.snd.unsent = octets.min(self.profile.send_buffer);
        // R7413-8: without a cookie the option is empty, and no text rides. R7413-10: with one it does.
        let (option, text, mss) = match known {
            FastOpenTry::Ask => (Some(FastOpenCookie::REQUEST), false, 0),
            FastOpenTry::AskExperimentally => (Some(FastOpenCookie::REQUEST.in_form(true)), false, 0),
            FastOpenTry::Bare => (None, true, u16::MAX),
            FastOpenTry::Show { cookie, mss } => (Some(cookie), true, mss),
        };
        self.bits.set_syn_text(text);
        self.fast_open = Some(Box::new(FastOpen { option, text, mss, granted: None, refused: false, told: false, taken: false }));
        Ok(self.snd.unsent)
    }

    /// Says, in LISTEN and before the SYN is given to [`on_segment`](Self::on_segment), what to do about its cookie.
    pub fn answer_fast_open(&mut self, answer: FastOpenAnswer) {
        let FastOpenAnswer { take, grant } = answer;
        self.fast_open =
            Some(Box::new(FastOpen { option: grant, text: take, mss: 0, granted: None, refused: false, told: true, taken: false }));
    }

    /// What this client learned, once, as soon as its SYN is answered or given up.
    #[inline]
    pub fn take_fast_open_outcome(&mut self) -> Option<FastOpenOutcome> {
        if self.fast_open.is_none() { None } else { self.fast_open_outcome() }
    }

    fn fast_open_outcome(&mut self) -> Option<FastOpenOutcome> {
        let (mss, given_up, late) = (self.snd.mss, self.state == State::Closed, self.bits.syn_timed_out());
        let fast = self.fast_open.as_mut().filter(|fast| !fast.told && self.state != State::SynSent)?;
        fast.told = true;
        let asked = fast.option.is_some_and(|option| option.is_request());
        Some(FastOpenOutcome { cookie: fast.granted, mss, asked, refused: fast.refused || given_up || late })
    }

    /// Whether the SYN that has arrived showed a cookie of ours.
    pub(super) fn takes_syn_text(&self) -> bool {
        self.fast_open.as_ref().is_some_and(|fast| fast.text)
    }

    /// Whether text of a SYN arrived with it: ours, or the peer's (`TCPI_OPT_SYN_DATA`).
    pub(super) fn syn_text_arrived(&self) -> bool {
        self.fast_open.as_ref().is_some_and(|fast| fast.taken)
    }

    /// The text of the peer's SYN is taken.
    pub(super) fn note_syn_text(&mut self) {
        if let Some(fast) = &mut self.fast_open {
            fast.taken = true;
        }
    }

    /// Our SYN is acknowledged, up to this number: with all its text, or not.
    pub(super) fn heed_ack_of_syn_text(&mut self, ack: SeqNumber<Ours>) {
        if self.origin == Origin::Active && ack.after(self.iss.plus(1)) && ack == self.snd.nxt {
            self.note_syn_text();
        }
    }

    /// Whether the application was given the text of the SYN, and may answer before the handshake ends (R7413-13).
    pub(super) fn is_open_early(&self) -> bool {
        self.state == State::SynReceived && self.origin == Origin::Passive && self.takes_syn_text()
    }

    /// Puts the option into a SYN or SYN,ACK, if it is the first (R7413-9, R7413-11, R7413-14), and fills the area up as Linux does.
    #[cold]
    pub(super) fn add_fast_open(&self, options: &mut TcpOptions) {
        if self.backoff == 0
            && let Some(cookie) = self.fast_open.as_ref().and_then(|fast| fast.option)
        {
            options.add_fast_open(&cookie, self.reserved.into());
        }
        while self.profile.option_layout == OptionLayout::Linux && !options.octets().len().is_multiple_of(4) {
            options.add_nop();
        }
    }

    /// How much text a SYN may carry, before options.
    pub(super) fn syn_room(&self) -> u16 {
        self.fast_open.as_ref().map_or(self.default_mss, |fast| fast.mss)
    }

    /// A SYN,ACK brings a cookie, or none.
    pub(super) fn take_cookie(&mut self, options: &TcpOptions) {
        if let Some(fast) = &mut self.fast_open
            && self.origin == Origin::Active
        {
            fast.granted = options.fast_open().filter(|cookie| !cookie.is_request());
        }
    }

    /// The SYN is acknowledged; text that rode in it and is not leaves again with the first ACK (R7413-15).
    pub(super) fn resend_syn_text(&mut self, now: Instant) {
        if self.origin != Origin::Active {
            return;
        }
        let left = self.snd.una != self.snd.nxt;
        match &mut self.fast_open {
            Some(fast) if fast.text => {
                fast.refused = left;
                self.bits.set_front_due(left);
                if left && self.sender.is_some() && self.has_congestion_control() {
                    self.lose_syn_text(now);
                }
            }
            None if left && self.profile.resend_syn_text && self.bits.syn_text() => self.bits.set_front_due(true),
            Some(_) | None => {}
        }
    }
}
