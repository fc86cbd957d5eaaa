//! The variables of one connection, what can be read from them, and the one place where its state changes.
//!
//! Not here: what each action of the rule table does to them (`actions`).

use std::sync::Arc;
use std::time::Duration;

use super::congestion::Sender;
use super::ecn::Ecn;
use super::fastopen::FastOpen;
use super::keepalive::KeepAlive;
use super::linux::Tuning;
use super::profile::Profile;
use super::reassembly::Held;
use super::rules::{Rule, RuleId, Table};
use super::segment::{Segment, WireWindow};
use super::seq::{Ours, SeqNumber, Theirs};
use super::signals::Signals;
use super::state::{Event, Guard, Signal, State};
use super::time::{Deadlines, Instant, Timer, nanos};
use super::timer::{self, GRANULARITY};
use super::urgent::Urgent;

/// How a connection began (MUST-11: a TCP remembers it).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Origin {
    /// By a passive OPEN.
    Passive,
    /// By an active OPEN.
    Active,
}

/// Send sequence variables (RFC 9293 section 3.3.1).
// REC-1: windows have 32 bits, unsigned.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub(super) struct Send {
    pub una: SeqNumber<Ours>,
    pub nxt: SeqNumber<Ours>,
    /// Octets, scaled.
    pub wnd: u32,
    /// The largest window seen, for RFC 5961 section 5.2.
    pub max_wnd: u32,
    pub wl1: SeqNumber<Theirs>,
    pub wl2: SeqNumber<Ours>,
    /// Octets of text given to SEND that have not left yet.
    pub unsent: u32,
    /// The largest segment the peer takes, options not counted.
    pub mss: u16,
    /// Shift of the windows the peer sends.
    pub shift: u8,
}

/// Receive sequence variables (RFC 9293 section 3.3.1).
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub(super) struct Receive {
    pub nxt: SeqNumber<Theirs>,
    /// Octets, as the peer understands our last window field.
    pub wnd: u32,
    /// Octets the application has not read.
    pub unread: u32,
    /// Upper bound of the window; grows with what arrives (Linux's `rcv_ssthresh`); 0 without such a policy.
    pub threshold: u32,
    /// Shift of the windows we send.
    pub shift: u8,
    /// ACKs of stray ACKs in the present interval, where those are not challenged.
    pub strays: u8,
}

/// What is known of the round trip (RFC 6298).
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(super) struct RoundTrip {
    /// Smoothed, in nanoseconds; 0 before the first sample.
    pub srtt: u64,
    /// The deviation, in quarters of a microsecond, as Linux keeps it.
    pub rttvar: u32,
    /// In microseconds, back-off not included; from the clock's granularity up to `rto_max`.
    pub rto: u32,
    /// The number whose acknowledgment ends the sample, and when it left; none while 0.
    pub timed: SeqNumber<Ours>,
    pub timed_at: u64,
    /// The profile's bounds of the RTO in microseconds, an hour at most: asked for at every ACK, and a `Duration` is not.
    // Whatever the knobs say, the upper one is no less than the granularity: a timer that is due at once would be due for ever.
    pub rto_max: u32,
    pub rto_min: u32,
    /// Linux's: what is added to SRTT, and the largest deviation of this round trip, in microseconds.
    pub spread: u32,
    pub widest: u32,
    /// Where this round trip ends.
    pub turn: SeqNumber<Ours>,
}

impl RoundTrip {
    /// Of a connection with this profile that has measured nothing.
    pub(super) fn new(profile: &Profile) -> Self {
        Self::between(micros(profile.rto_min), longest_rto(profile), profile)
    }

    /// The same for one whose bounds of the RTO were asked for already.
    pub(super) fn renewed(&self, profile: &Profile) -> Self {
        Self::between(self.rto_min, self.rto_max, profile)
    }

    fn between(rto_min: u32, rto_max: u32, profile: &Profile) -> Self {
        let (none, rto) = (SeqNumber::new(0), first_rto(profile.rto_initial, rto_max));
        Self { srtt: 0, rttvar: 0, rto, timed: none, timed_at: 0, rto_max, rto_min, spread: 0, widest: 0, turn: none }
    }
}

fn longest_rto(profile: &Profile) -> u32 {
    micros(profile.rto_max).max(GRANULARITY)
}

/// An RTO that nobody has measured.
pub(super) fn first_rto(rto: Duration, rto_max: u32) -> u32 {
    micros(rto).max(GRANULARITY).min(rto_max)
}

/// Whole microseconds, an hour at most.
fn micros(duration: Duration) -> u32 {
    // Not `as_micros`: its 128 bits cost more than all else here.
    u32::try_from(nanos(duration) / 1000).unwrap_or(u32::MAX).min(3_600_000_000)
}

/// Facts of one bit each.
// Octets, not one word: compilers set a bit in an octet of memory, and a processor that then reads the word has
// to wait until that octet has left its store buffer. What is looked at together is in one octet.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub(super) struct Bits([u8; 4]);

macro_rules! bits {
    ($($name:ident $set:ident $bit:ident: $about:literal,)+) => {
        /// Positions, in the order of the list.
        enum Bit { $($bit,)+ }

        const _: () = assert!([$(Bit::$bit as usize),+].len() <= 8 * size_of::<Bits>(), "more facts than bits");

        impl Bits {
            $(
                #[doc = $about]
                pub(super) const fn $name(self) -> bool { self.0[Bit::$bit.octet()] & Bit::$bit.mask() != 0 }
                pub(super) const fn $set(&mut self, value: bool) {
                    let octet = &mut self.0[Bit::$bit.octet()];
                    if value { *octet |= Bit::$bit.mask() } else { *octet &= !Bit::$bit.mask() }
                }
            )+
        }
    };
}

bits! {
    syn_due set_syn_due SynDue: "The SYN or SYN,ACK has to leave, first or again.",
    ack_due set_ack_due AckDue: "An ACK has to leave now.",
    front_due set_front_due FrontDue: "The front of the retransmission queue has to leave again.",
    probe_due set_probe_due ProbeDue: "A keep-alive probe has to leave.",
    fin_due set_fin_due FinDue: "A FIN stands behind the text and has not left yet.",
    fin_sent set_fin_sent FinSent: "It has left at least once.",
    close_queued set_close_queued CloseQueued: "CLOSE was called in SYN-RECEIVED and waits for ESTABLISHED.",
    hold_short set_hold_short HoldShort: "The last SEND announced more: a short segment waits (MSG_MORE).",
    no_delay set_no_delay NoDelay: "The user switched Nagle off.",
    pushed set_pushed Pushed: "Pushed text arrived since the last ACK (Linux).",
    timestamps set_timestamps Timestamps: "Both sides use timestamps.",
    user_closed set_user_closed UserClosed: "The user closed both directions: nobody will read.",
    syn_timed_out set_syn_timed_out SynTimedOut: "The SYN had to be sent more than once (RFC 6298 section 5.7).",
    interactive set_interactive Interactive: "The application answers what it reads, so ACKs can wait for the answer (Linux's pingpong).",
    probing set_probing Probing: "The window is closed and the retransmission timer probes it.",
    peer_fin set_peer_fin PeerFin: "The peer's FIN has been taken.",
    ack_soon set_ack_soon AckSoon: "Text or FIN arrived whose ACK is still owed.",
    pushed_twice set_pushed_twice PushedTwice: "More than once (Linux).",
    sack set_sack Sack: "Both sides permit SACK.",
    syn_acked set_syn_acked SynAcked: "Our SYN is acknowledged: SND.UNA is the number of text or FIN.",
    opened set_opened Opened: "It was opened before, so an OPEN must forget what there was.",
    short_under_way set_short_under_way ShortUnderWay: "A segment of text that could have been longer is unacknowledged.",
    syn_text set_syn_text SynText: "Our SYN takes along what text fits.",
    peer_known set_peer_known PeerKnown: "The user named the remote socket in LISTEN.",
    foreign set_foreign Foreign: "The segment at hand comes with a security label that is not ours.",
    opening_limited set_opening_limited OpeningLimited: "The user timeout is the profile's limit of an active OPEN.",
    fin_rides set_fin_rides FinRides: "The ACK that is due takes our FIN along once more.",
    answer_only set_answer_only AnswerOnly: "The ACK that is due is an answer made from the segment it is for (FreeBSD's `tcp_respond`).",
    mark_low set_mark_low MarkLow: "The segment at hand came with ECT(1) or CE.",
    mark_high set_mark_high MarkHigh: "It came with ECT(0) or CE.",
    first_pushed set_first_pushed FirstPushed: "The only segment under way carries PSH.",
    unpushed set_unpushed Unpushed: "The text of the last SEND is not pushed (MSG_MORE).",
}

impl Bit {
    const fn octet(self) -> usize {
        self as usize / 8
    }

    const fn mask(self) -> u8 {
        1 << (self as u8 % 8)
    }
}

impl Bits {
    /// Whether a SYN, an ACK, the front of the queue or a new FIN has to leave.
    pub(super) const fn is_anything_due(self) -> bool {
        const DUE: u8 = Bit::SynDue.mask() | Bit::AckDue.mask() | Bit::FrontDue.mask() | Bit::ProbeDue.mask() | Bit::FinDue.mask();
        const { assert!(Bit::SynDue.octet() + Bit::AckDue.octet() + Bit::FrontDue.octet() + Bit::ProbeDue.octet() + Bit::FinDue.octet() == 0) };
        self.0[0] & DUE != 0
    }

    /// Whether a FIN stands behind the text, be it sent or not.
    pub(super) const fn fin_queued(self) -> bool {
        self.fin_due() || self.fin_sent()
    }

    /// The FIN leaves for the first time.
    pub(super) const fn send_fin(&mut self) {
        self.set_fin_due(false);
        self.set_fin_sent(true);
    }

    /// Nothing leaves any more, but a reset: how the connection spoke (timestamps), and that the peer had ended, stays known.
    pub(super) fn forget_pending(&mut self) {
        let mut kept = self.options();
        kept.set_timestamps(self.timestamps());
        kept.set_peer_fin(self.peer_fin());
        *self = kept;
    }

    /// What the user has set, which outlives a connection.
    pub(super) fn options(self) -> Self {
        let mut kept = Self::default();
        kept.set_no_delay(self.no_delay());
        kept.set_interactive(self.interactive());
        kept.set_opened(self.opened());
        kept
    }
}

/// A reset that waits to leave: an answer, not a state.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(super) struct Reset {
    pub seq: SeqNumber<Ours>,
    pub ack: Option<SeqNumber<Theirs>>,
    /// TSval of the segment it answers, for TSecr.
    pub echo: Option<u32>,
}

/// The rows that fired since the last `on_*`, in order.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub(super) struct Walk {
    ids: [RuleId; Self::MAX],
    len: u16,
}

impl Walk {
    /// More than any segment can fire: two from SYN-SENT, text, FIN, and one from transmission.
    const MAX: usize = 7;

    fn push(&mut self, id: RuleId) {
        if usize::from(self.len) < Self::MAX {
            self.ids[usize::from(self.len)] = id;
            self.len += 1;
        }
    }

    fn rules(self, table: &'static Table) -> impl Iterator<Item = &'static Rule> + use<> {
        let Self { ids, len } = self;
        ids.into_iter().take(usize::from(len)).map(|id| table.rule(id))
    }
}

/// One connection of RFC 9293, as plain data.
///
/// Feed it with calls ([`on_open_active`](Self::on_open_active), [`on_send`](Self::on_send), ...),
/// [`on_segment`](Self::on_segment) and [`on_time`](Self::on_time). After each of these, in this order:
///
/// 1. [`fired`](Self::fired) names the rows that were walked, [`poll_signal`](Self::poll_signal)
///    says what the user must know (until `None`);
/// 2. [`poll_segment`](Self::poll_segment) gives what must leave, until `None`; it may walk a row
///    itself (the FIN of CLOSE-WAIT);
/// 3. [`poll_deadline`](Self::poll_deadline) says when `on_time` has to be called next.
///
/// Text is counted, not carried: [`text_range`](Self::text_range) says which octets of the send
/// buffer a segment takes along, and [`Arrival`](super::Arrival) which octets of an arriving one are new.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Connection {
    pub(super) profile: Arc<Profile>,
    /// The rows in force: those of the profile.
    pub(super) table: &'static Table,
    pub(super) deadlines: Deadlines,
    pub(super) rtt: RoundTrip,
    /// How long text, SYN or FIN may wait for its acknowledgment, in milliseconds; 0 is for ever.
    pub(super) delivery_limit: u32,
    pub(super) snd: Send,
    pub(super) rcv: Receive,
    pub(super) iss: SeqNumber<Ours>,
    pub(super) irs: SeqNumber<Theirs>,
    /// SND.NXT when the retransmission timer last expired: what lies below is resent as ACKs arrive.
    pub(super) recover: SeqNumber<Ours>,
    pub(super) reset: Option<Reset>,
    /// Text and FIN whose turn has not come.
    pub(super) held: Option<Box<Held>>,
    /// Fast open, where a side asks for it.
    pub(super) fast_open: Option<Box<FastOpen>>,
    /// Urgent data, of either side, where records end, and whether anybody reads.
    pub(super) urgent: Option<Box<Urgent>>,
    /// What stood in TIME-WAIT until a SYN reopened it, as long as that SYN may be an old duplicate (MAY-2).
    pub(super) previous: Option<Box<Connection>>,
    pub(super) ts_recent: u32,
    /// When TS.Recent was taken, in ticks of 2^30 nanoseconds (RFC 7323 section 5.5).
    pub(super) ts_recent_at: u32,
    pub(super) ts_offset: u32,
    /// RCV.NXT of the last ACK sent, for TS.Recent (RFC 7323 section 4.3).
    pub(super) last_ack_sent: SeqNumber<Theirs>,
    /// What the peer's SYN offered; all none before it arrives.
    pub(super) offers: PeerOffers,
    /// Our own MSS: what we can receive.
    pub(super) mss: u16,
    /// What we send at most, whatever we announce.
    pub(super) send_mss: u16,
    pub(super) default_mss: u16,
    /// Keep-alive, where the user has switched it on.
    pub(super) keepalive: Option<Box<KeepAlive>>,
    /// Explicit congestion notification, where a side asks for it.
    pub(super) ecn: Option<Box<Ecn>>,
    /// What is known of the network, where more than one segment at a time has been under way.
    pub(super) sender: Option<Box<Sender>>,
    pub(super) tuning: Tuning,
    pub(super) bits: Bits,
    pub(super) walk: Walk,
    pub(super) signals: Signals,
    pub(super) state: State,
    pub(super) origin: Origin,
    /// When the present budget of challenge ACKs began, in milliseconds; comes round in 49 days.
    pub(super) challenged: u32,
    /// Challenge ACKs since.
    pub(super) challenges: u8,
    /// Octets of each option area that somebody else fills before the segment leaves.
    pub(super) reserved: u8,
    /// Time-outs in a row.
    pub(super) backoff: u8,
    /// Probes of a closed window in a row that nothing has answered.
    pub(super) unanswered: u8,
    /// ACKs that may still go out without delay.
    pub(super) quick_acks: u8,
}

/// What the peer's SYN offered, packed.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub(super) struct PeerOffers {
    pub mss: bool,
    pub shift: Option<u8>,
    pub sack: bool,
    pub timestamps: bool,
}

impl Connection {
    /// A connection in CLOSED with this profile.
    #[inline]
    pub fn new(profile: Arc<Profile>) -> Self {
        let zero = SeqNumber::new(0);
        Self {
            deadlines: Deadlines::NONE,
            rtt: RoundTrip::new(&profile),
            snd: Send { mss: 536, ..Send::default() },
            rcv: Receive::default(),
            iss: SeqNumber::new(0),
            irs: zero,
            recover: SeqNumber::new(0),
            reset: None,
            held: None,
            fast_open: None,
            urgent: None,
            previous: None,
            ts_recent: 0,
            ts_recent_at: 0,
            ts_offset: 0,
            last_ack_sent: zero,
            offers: PeerOffers::default(),
            mss: 536,
            send_mss: 536,
            default_mss: 536,
            keepalive: None,
            ecn: None,
            sender: if profile.counts { Some(Sender::counting(&profile)) } else { None },
            tuning: Tuning::default(),
            bits: Bits::default(),
            walk: Walk::default(),
            signals: Signals::default(),
            state: State::Closed,
            origin: Origin::Passive,
            challenged: 0,
            challenges: 0,
            reserved: 0,
            delivery_limit: 0,
            backoff: 0,
            unanswered: 0,
            quick_acks: profile.quick_acks,
            table: profile.table,
            profile,
        }
    }

    /// The state it is in.
    pub const fn state(&self) -> State {
        self.state
    }

    /// How it began.
    pub const fn origin(&self) -> Origin {
        self.origin
    }

    /// Its profile.
    pub fn profile(&self) -> &Profile {
        &self.profile
    }

    /// Behaves as another profile says from now on; what has happened stays.
    pub fn adopt(&mut self, profile: Arc<Profile>) {
        self.rtt.rto_max = longest_rto(&profile);
        self.rtt.rto_min = micros(profile.rto_min);
        if self.state == State::Closed {
            self.rtt.rto = first_rto(profile.rto_initial, self.rtt.rto_max);
            self.quick_acks = profile.quick_acks;
            self.sender = profile.counts.then(|| Sender::counting(&profile));
        }
        self.table = profile.table;
        self.profile = profile;
    }

    /// The rows that fired since the last `on_*`, in order.
    pub fn fired(&self) -> impl Iterator<Item = &'static Rule> + use<> {
        self.walk.rules(self.table)
    }

    /// What the user must be told next, or `None`.
    // SHLD-20: who does not ask is not told.
    #[inline]
    pub fn poll_signal(&mut self) -> Option<Signal> {
        self.signals.take_first()
    }

    /// All of that at once.
    #[inline]
    pub fn take_signals(&mut self) -> Signals {
        std::mem::take(&mut self.signals)
    }

    /// When [`on_time`](Self::on_time) must be called, or `None` while no timer runs.
    #[inline]
    pub fn poll_deadline(&self) -> Option<Instant> {
        self.deadlines.next()
    }

    /// When this timer is due, or `None` while it does not run.
    pub fn deadline(&self, timer: Timer) -> Option<Instant> {
        (self.meaning(timer) == timer).then(|| self.deadlines.get(timer)).flatten()
    }

    /// Octets of text in the send buffer: unacknowledged and unsent.
    pub fn send_buffered(&self) -> u32 {
        self.text_in_flight() + self.snd.unsent
    }

    /// Octets of text the application has not read.
    pub const fn receive_buffered(&self) -> u32 {
        self.rcv.unread
    }

    /// Whether the peer has sent its FIN.
    pub const fn peer_has_closed(&self) -> bool {
        self.bits.peer_fin()
    }

    /// Whether CLOSE was called: no text of ours follows what was given to SEND.
    pub fn has_closed(&self) -> bool {
        self.bits.fin_queued() || self.bits.close_queued()
    }

    /// Whether the FIN stands behind our text, and has not left.
    pub fn is_fin_unsent(&self) -> bool {
        self.bits.fin_due()
    }

    /// Whether text or FIN of ours is still unacknowledged, or an ACK is owed: something is about to happen.
    pub fn is_busy(&self) -> bool {
        self.deadlines.is_running(Timer::Retransmission) || self.deadlines.is_running(Timer::DelayedAck)
    }

    /// SND.NXT, where there is one.
    pub fn snd_nxt(&self) -> Option<SeqNumber<Ours>> {
        (!matches!(self.state, State::Closed | State::Listen)).then_some(self.snd.nxt)
    }

    /// RCV.NXT, once anything was heard of the peer.
    pub fn rcv_nxt(&self) -> Option<SeqNumber<Theirs>> {
        self.state.knows_peer().then_some(self.rcv.nxt)
    }

    /// A copy of what a person would look at.
    pub fn variables(&self) -> Variables {
        let exists = self.state != State::Closed;
        let numbered = exists && self.state != State::Listen;
        let heard = self.state.knows_peer();
        Variables {
            iss: numbered.then_some(self.iss),
            irs: heard.then_some(self.irs),
            snd_una: numbered.then_some(self.snd.una),
            snd_nxt: self.snd_nxt(),
            snd_wnd: heard.then_some(self.snd.wnd),
            rcv_nxt: self.rcv_nxt(),
            rcv_wnd: heard.then_some(self.rcv.wnd),
            mss: heard.then_some(self.effective_mss()),
            unsent: self.snd.unsent,
            unread: self.rcv.unread,
            rto: Duration::from_nanos(self.backed_off_rto()),
            srtt: (self.rtt.srtt != 0).then_some(Duration::from_nanos(self.rtt.srtt)),
            timers: self.timers(),
        }
    }

    /// `event` happens, one row answers: the one place where a state changes.
    ///
    /// Returns the row, or `None` if the table has none: then nothing happens.
    // One function for all who come here: a life walks two dozen rows of as many places, and what stands at each of them no
    // processor keeps at hand.
    #[inline(never)]
    pub(super) fn apply(&mut self, event: Event, now: Instant, segment: Option<&Segment<Theirs>>) -> Option<&'static Rule> {
        let (id, rows) = self.table.rows(self.state, event);
        let rule = rows.first()?;
        // As most are; whoever has no guard to ask has fewer registers to save.
        if rule.when == Guard::Always { Some(self.walk_row(id, rule, now, segment)) } else { self.apply_guarded(event, now, segment) }
    }

    /// The same where the first row of the cell has a guard.
    #[inline(never)]
    fn apply_guarded(&mut self, event: Event, now: Instant, segment: Option<&Segment<Theirs>>) -> Option<&'static Rule> {
        let (id, rule) = self.row(event)?;
        Some(self.walk_row(id, rule, now, segment))
    }

    #[expect(clippy::inline_always, reason = "the end of apply, in both of its forms")]
    #[inline(always)]
    pub(super) fn walk_row(&mut self, id: RuleId, rule: &'static Rule, now: Instant, segment: Option<&Segment<Theirs>>) -> &'static Rule {
        self.walk.push(id);
        rule.does.run(self, now, segment);
        self.state = rule.to;
        rule
    }

    /// The row that answers `event` now.
    #[inline]
    pub(super) fn row(&self, event: Event) -> Option<(RuleId, &'static Rule)> {
        let (mut id, rows) = self.table.rows(self.state, event);
        for rule in rows {
            if rule.when == Guard::Always || self.holds(rule.when) {
                return Some((id, rule));
            }
            id += 1;
        }
        None
    }

    /// Forgets which rows fired; every `on_*` begins with it.
    pub(super) fn begin(&mut self) {
        self.walk = Walk::default();
    }

    // Not inlined into the loop over the rows of a cell: whatever any guard looks at would be fetched before it.
    #[inline(never)]
    fn holds(&self, guard: Guard) -> bool {
        match guard {
            Guard::Always => true,
            Guard::Passive => self.origin == Origin::Passive,
            Guard::Active => self.origin == Origin::Active,
            Guard::CloseQueued => self.bits.close_queued(),
            Guard::TextQueued => self.snd.unsent > 0,
            Guard::UnreadText => {
                self.bits.user_closed() && self.profile.half_duplex_close && self.profile.reset_unread && self.rcv.unread > 0
            }
            Guard::Literal => !self.profile.crossed_syn_ack,
            Guard::NoReader => (self.bits.user_closed() || self.refuses_text()) && self.profile.half_duplex_close,
            Guard::BehindFin => self.profile.reset_behind_fin,
            Guard::PeerKnown => self.bits.peer_known(),
            Guard::CloseCalled => self.bits.fin_queued() || self.bits.close_queued(),
            Guard::SynAckWaits => self.bits.syn_due() && self.profile.syn_ack_with_text,
            Guard::OpenEarly => self.is_open_early(),
            Guard::NoRoom => self.send_room() == 0,
            Guard::NothingUnread => self.rcv.unread == 0,
            // TIME-WAIT has a policy of its own for SYNs.
            Guard::Rfc5961Off => !self.profile.rfc5961 || (self.profile.insecure_syn && self.state != State::TimeWait),
            Guard::Rfc1337 => self.profile.rfc1337,
            Guard::ResetKeepsState => self.profile.reset_keeps_state,
            Guard::HardIsSoft => !self.profile.icmp_hard_aborts,
            Guard::SoftRefuses => self.profile.icmp_soft_refuses,
            Guard::Reopened => self.previous.is_some(),
            Guard::SynUnanswered => !self.profile.time_wait_syn_ack,
            Guard::RepeatsSynAck => self.origin == Origin::Passive && self.profile.repeat_syn_ack,
            Guard::SynResetsRequest => self.origin == Origin::Passive && self.profile.syn_resets_request,
            Guard::RepeatsFin => self.profile.acks_repeat_fin,
            Guard::SynAckIgnored => self.profile.ignore_syn_ack,
            Guard::SynCached => self.origin == Origin::Passive && self.profile.syn_cache,
            Guard::TimeoutReset => self.profile.timeout_reset,
            Guard::AbortResets => self.profile.abort_resets_closing,
            Guard::ResetTold => self.profile.reset_told_late,
            Guard::Forsaken => self.profile.fin_wait_2_forsaken && self.bits.user_closed(),
            Guard::DeadPeerReset => self.profile.keepalive_reset,
        }
    }

    /// Octets of text that left and are not acknowledged.
    pub(super) fn text_in_flight(&self) -> u32 {
        if matches!(self.state, State::Closed | State::Listen) {
            return 0;
        }
        let syn = u32::from(!self.bits.syn_acked());
        let fin = u32::from(self.bits.fin_sent() && self.snd.una != self.snd.nxt);
        self.snd.nxt.since(self.snd.una).saturating_sub(syn + fin)
    }

    /// The number of the first octet in the send buffer.
    pub(super) fn text_start(&self) -> SeqNumber<Ours> {
        self.snd.una.plus(u32::from(!self.bits.syn_acked()))
    }

    /// Octets of text a full segment carries (RFC 9293 section 3.7.1: Eff.snd.MSS).
    pub(super) fn effective_mss(&self) -> u16 {
        // R6691-2: options are taken off where they are sent, not where the MSS is announced (R6691-1).
        let options = if self.bits.timestamps() { 12 } else { 0 };
        // MUST-16: the smaller of what the peer takes and what we can send.
        let mss = self.snd.mss.min(self.send_mss).saturating_sub(options + u16::from(self.reserved));
        self.within_half_window(mss).saturating_sub(self.sack_octets()).max(1)
    }

    /// No more than half of the largest window of the peer, where the profile wants two segments in each.
    fn within_half_window(&self, mss: u16) -> u16 {
        let largest = self.snd.max_wnd;
        if !self.profile.half_window_segments || largest == 0 {
            return mss;
        }
        // A window that small is taken whole.
        let most = if largest > 536 { largest / 2 } else { largest };
        mss.min(u16::try_from(most.max(48)).unwrap_or(u16::MAX))
    }

    /// Octets of text a full segment carries where there is no SACK block beside it: what `TCP_MAXSEG` says.
    pub fn max_segment(&self) -> u16 {
        // Some leave the options out of it; those of our SYN count until it is answered.
        let offered = self.state == State::SynSent && self.profile.timestamps;
        let options = if (self.bits.timestamps() || offered) && !self.profile.max_segment_with_options { 12 } else { 0 };
        self.within_half_window(self.snd.mss.min(self.send_mss).saturating_sub(options)).max(1)
    }

    /// Octets of text a full segment of the peer carries: MSS announced, less what timestamps take.
    pub(super) fn advertised_mss(&self) -> u32 {
        u32::from(self.mss).saturating_sub(if self.bits.timestamps() { 12 } else { 0 }).max(1)
    }

    /// The window for a segment that leaves: field, and what the peer will make of it.
    // R7323-6: our windows, scaled; MUST-1, as the field is unsigned.
    pub(super) fn wire_window(octets: u32, shift: u8) -> WireWindow {
        WireWindow(u16::try_from(octets >> shift).unwrap_or(u16::MAX))
    }
}

/// What a person would look at: a copy, in the RFC's names. Absent while it has no meaning yet.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Variables {
    /// Initial send sequence number.
    pub iss: Option<SeqNumber<Ours>>,
    /// Initial receive sequence number.
    pub irs: Option<SeqNumber<Theirs>>,
    /// Oldest unacknowledged number.
    pub snd_una: Option<SeqNumber<Ours>>,
    /// Next number to send.
    pub snd_nxt: Option<SeqNumber<Ours>>,
    /// Send window, octets.
    pub snd_wnd: Option<u32>,
    /// Next number expected.
    pub rcv_nxt: Option<SeqNumber<Theirs>>,
    /// Receive window, octets.
    pub rcv_wnd: Option<u32>,
    /// Octets of text a full segment carries.
    pub mss: Option<u16>,
    /// Octets given to SEND that have not left.
    pub unsent: u32,
    /// Octets that arrived and were not read.
    pub unread: u32,
    /// Retransmission timeout, back-off included.
    pub rto: Duration,
    /// Smoothed round trip.
    pub srtt: Option<Duration>,
    /// Running timers and when they are due.
    pub timers: Vec<(Timer, Instant)>,
}

impl Connection {
    /// Time passes: fires every timer that is due at `now`.
    pub fn on_time(&mut self, now: Instant) {
        self.begin();
        while let Some(timer) = self.deadlines.take_due(now) {
            timer::fire(self, timer, now);
        }
    }
}
