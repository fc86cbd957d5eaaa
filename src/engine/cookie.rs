//! A connection that begins with the third segment: the TCB rebuilt from a SYN cookie (RFC 4987 section 3.6).
//!
//! The host makes cookies and verifies them, for it knows addresses, secrets and the time. Here is
//! what a verified one says about the connection.

use super::arrival::Arrival;
use super::call::Open;
use super::segment::Segment;
use super::seq::Theirs;
use super::state::{Event, State};
use super::tcb::{Connection, Origin, PeerOffers};
use super::time::Instant;

/// What a cookie, and the timestamp beside it, still know of the SYN.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct Cookie {
    /// The peer's MSS, rounded down to one of the few a cookie can hold.
    pub mss: u16,
    /// Its window scale.
    pub shift: Option<u8>,
    /// Whether it permits SACK.
    pub sack: bool,
}

impl Connection {
    /// An ACK arrives in LISTEN whose number is one past a cookie of ours, as the host has verified.
    ///
    /// LISTEN becomes ESTABLISHED; text and FIN of the same segment are taken as always. `open`
    /// brings what the OPEN would have; its ISS is the cookie, SEG.ACK-1.
    pub fn on_cookie(&mut self, now: Instant, open: Open, cookie: Cookie, segment: &Segment<Theirs>) -> Arrival {
        self.begin();
        self.take_open(open);
        self.snd.mss = cookie.mss.max(1);
        let timestamps = self.profile.timestamps && segment.options.get_timestamps().is_some();
        self.offers = PeerOffers { mss: true, shift: cookie.shift, sack: cookie.sack, timestamps };
        if self.state == State::Listen {
            self.apply(Event::CookieAck, now, Some(segment));
        }
        self.arrives_behind_cookie(now, segment)
    }

    /// ISS = SEG.ACK-1, IRS = SEG.SEQ-1, and everything up to here is acknowledged.
    #[cold]
    pub(super) fn rebuild(&mut self, segment: &Segment<Theirs>, now: Instant) {
        self.origin = Origin::Passive;
        self.number_from_iss();
        self.snd.una = self.snd.nxt;
        self.bits.set_syn_acked(true);
        self.irs = segment.seq.minus(1);
        self.rcv.nxt = segment.seq;
        self.last_ack_sent = segment.seq;
        let PeerOffers { shift, sack, timestamps, .. } = self.offers;
        self.bits.set_sack(self.profile.sack && sack);
        self.bits.set_timestamps(timestamps);
        if let Some(ts) = segment.options.get_timestamps().filter(|_| timestamps) {
            self.ts_recent = ts.val;
        }
        if let (Some(ours), Some(theirs)) = (self.profile.window_scale.0, shift) {
            self.rcv.shift = ours;
            self.snd.shift = theirs;
        }
        self.open_window();
        self.set_window(segment);
        self.begin_transfer();
        self.begin_silence(now);
    }
}
