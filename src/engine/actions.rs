//! What each action of the rule table does to the variables of a connection.

use super::arrival;
use super::call::Open;
use super::congestion::Sender;
use super::linux::Tuning;
use super::options::Offers;
use super::profile::{HoldSynText, Profile, WindowPolicy};
use super::segment::{Flags, Segment};
use super::seq::{SeqNumber, Theirs};
use super::state::{Action, Event, Signal, State};
use super::tcb::{Connection, Origin, PeerOffers, Receive, Reset, Send, first_rto};
use super::time::{Deadlines, Instant, Timer};

/// ACKs of stray ACKs in one interval, where those are not challenged: as many as no script asks for, and an end of two
/// sides that answer each other.
const STRAYS: u8 = 100;

/// What a row does, in order: a list to read, and the same as one function.
///
/// The function holds no choice between actions, and saves no register that its actions have no use for.
#[derive(Clone, Copy)]
pub struct Actions {
    list: &'static [Action],
    run: Run,
}

type Run = fn(&mut Connection, Instant, Option<&Segment<Theirs>>);

/// The [`Actions`] of these names.
macro_rules! does {
    [] => { $crate::engine::actions::Actions::new(&[], |_, _, _| ()) };
    [$($action:ident),+] => {
        $crate::engine::actions::Actions::new(&[$($crate::engine::state::Action::$action),+], |connection, now, segment| {
            $(connection.perform($crate::engine::state::Action::$action, now, segment);)+
        })
    };
}
pub(super) use does;

impl Actions {
    pub(super) const fn new(list: &'static [Action], run: Run) -> Self {
        Self { list, run }
    }

    /// Does them.
    #[inline]
    pub(super) fn run(&self, connection: &mut Connection, now: Instant, segment: Option<&Segment<Theirs>>) {
        (self.run)(connection, now, segment);
    }
}

impl std::ops::Deref for Actions {
    type Target = [Action];

    fn deref(&self) -> &[Action] {
        self.list
    }
}

/// The list says it all: the function is made of it.
impl PartialEq for Actions {
    fn eq(&self, other: &Self) -> bool {
        self.list == other.list
    }
}

impl Eq for Actions {}

impl std::fmt::Debug for Actions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.list.fmt(f)
    }
}

impl Connection {
    // What ACKs and text do, of which most segments consist, is part of it; other actions of more than a few words are
    // functions of their own that are not inlined: otherwise every row would reckon ahead what only the rarest action asks for.
    #[expect(clippy::inline_always, reason = "each row names its actions: what is chosen here is chosen when it is compiled")]
    #[inline(always)]
    pub(super) fn perform(&mut self, action: Action, now: Instant, segment: Option<&Segment<Theirs>>) {
        match action {
            Action::SendSyn => {
                self.origin = Origin::Active;
                self.number_from_iss();
                self.bits.set_syn_due(true);
                self.limit_opening(now);
            }
            Action::SendSynAck => {
                // MUST-10: a SYN that crosses ours is answered by our SYN again, at ISS, with an ACK.
                if matches!(self.state, State::Listen | State::TimeWait) {
                    self.number_from_iss();
                } else if self.profile.rto_min_of_variance {
                    // Linux takes the round trip from the SYN that answers (`tcp_send_synack` stamps it anew).
                    self.rtt.timed_at = 0;
                }
                self.bits.set_syn_due(true);
            }
            Action::RecordSyn => {
                if let Some(segment) = segment {
                    self.record_syn(segment, now);
                }
            }
            Action::TakeAck => {
                if let Some(segment) = segment {
                    self.take_ack(segment, now);
                }
            }
            Action::TakeWindow => {
                if let Some(segment) = segment {
                    self.take_window(segment, now);
                }
            }
            Action::InitWindow => self.init_window(segment, now),
            Action::TakeText => {
                if let Some(segment) = segment {
                    self.take_text(segment, now);
                }
            }
            Action::TakeUrgent => {
                if let Some(segment) = segment {
                    self.take_urgent(segment);
                }
            }
            Action::HoldText => {
                if let Some(segment) = segment {
                    self.hold_text(segment, now);
                }
            }
            Action::HoldFin => {
                if let Some(segment) = segment {
                    self.hold_fin(segment);
                }
            }
            Action::HoldBehindSyn => {
                // Few SYNs take anything along.
                if let Some(segment) = segment.filter(|segment| segment.len > 0 || segment.has(Flags::FIN)) {
                    self.hold_behind_syn(segment, now);
                }
            }
            Action::TakeFin => {
                // A FIN that was held may come with a segment that has none of its own to answer.
                self.bits.set_ack_due(self.bits.ack_due() || self.holds_anything());
                self.rcv.nxt = self.rcv.nxt.plus(1);
                // Whose FIN that very segment acknowledges still has a buffer.
                let last = self.window_is_frozen() && self.fired().any(|rule| rule.on == Event::FinAcked);
                if last || !self.window_is_frozen() {
                    self.rcv.wnd = self.rcv.wnd.saturating_sub(1);
                }
                if last {
                    self.rcv.wnd = self.linux_select_window();
                }
                self.bits.set_peer_fin(true);
                if self.profile.window_policy == WindowPolicy::Linux {
                    self.forget_behind_fin();
                }
                self.linux_fin_arrived();
            }
            Action::SendAck => self.bits.set_ack_due(true),
            Action::ChallengeAck => {
                if self.may_challenge(now, segment) {
                    self.bits.set_ack_due(true);
                }
            }
            Action::AckCrossedSyn => {
                let ack = self.profile.ack_crossed_syn_ack;
                self.bits.set_ack_due(ack);
                if ack && self.bits.sack() && self.profile.window_policy != WindowPolicy::FreeBsd {
                    self.report_twice(self.irs, self.irs.plus(1));
                }
            }
            Action::ScheduleAck => self.schedule_ack(now, segment),
            Action::QueueFin => {
                // From now on something is outstanding, and that is retransmitted (MUST-26).
                self.deadlines.stop(Timer::KeepAlive);
                self.bits.set_fin_due(!self.bits.fin_sent());
                if self.profile.push_on_close {
                    self.bits.set_hold_short(false);
                    self.bits.set_unpushed(false);
                }
            }
            Action::QueueClose => self.bits.set_close_queued(true),
            Action::SendRst => {
                let ack = (self.profile.abort_acks && self.state != State::SynSent).then_some(self.rcv.nxt);
                self.reset = Some(Reset { seq: self.snd.nxt, ack, echo: None });
            }
            Action::ReplyRst => {
                // A stack that drops the connection for a SYN tells the peer as it does by ABORT.
                let drops = self.profile.insecure_syn && segment.is_some_and(|segment| segment.has(Flags::SYN));
                let own = || Reset { seq: self.snd.nxt, ack: self.profile.abort_acks.then_some(self.rcv.nxt), echo: None };
                self.reset = if drops { Some(own()) } else { segment.and_then(arrival::reset_numbers) };
            }
            Action::Retransmit => self.back_off(now),
            Action::StartTimeWait => self.start_time_wait(now),
            Action::ForgetPeer => self.forget_peer(),
            Action::SendAckWithFin => {
                self.bits.set_ack_due(true);
                self.bits.set_fin_rides(self.bits.fin_sent());
            }
            Action::RepeatSynAck => self.repeat_syn_ack(now),
            Action::DeleteTcb => self.delete_tcb(),
            Action::RebuildTcb => {
                if let Some(segment) = segment {
                    self.rebuild(segment, now);
                }
            }
            Action::RestorePrevious => self.restore_previous(),
            Action::StartOrphan => self.start_orphan(now),
            Action::ProbePeer => self.probe_peer(now),
            // The caller reads the refusal from the row.
            Action::RefuseMissing | Action::RefuseExists | Action::RefuseUnspecified | Action::RefuseClosing | Action::RefuseFull => {}
            Action::TellOpen => {
                self.tell(Signal::Open);
                self.begin_to_read(now);
            }
            Action::TellClosing => self.tell(Signal::Closing),
            Action::TellUrgent => self.tell(Signal::Urgent),
            Action::TellReset => self.tell(Signal::Reset),
            Action::TellRefused => self.tell(Signal::Refused),
            Action::TellTimeout => self.tell(Signal::Timeout),
            Action::TellClosed => self.tell(Signal::Closed),
            Action::TellUnreachable => self.tell(Signal::Unreachable),
            Action::TellSoftError => self.tell(Signal::SoftError),
            Action::FailCallsClosing => self.tell(Signal::CallsClosing),
            Action::FailCallsReset => self.tell(Signal::CallsReset),
        }
    }

    #[inline(never)]
    fn init_window(&mut self, segment: Option<&Segment<Theirs>>, now: Instant) {
        if let Some(segment) = segment {
            // What Linux keeps of a request has no such mark: the ACK shows the first window that counts.
            if self.profile.half_window_segments && self.origin == Origin::Passive {
                self.snd.max_wnd = 0;
            }
            self.set_window(segment);
        }
        if self.profile.window_policy == WindowPolicy::Linux {
            self.linux_bound_guess();
        }
        self.begin_transfer();
        if self.profile.window_policy == WindowPolicy::FreeBsd {
            self.freebsd_take_room();
        }
        self.previous = None;
        self.begin_path_probing(now);
        self.begin_silence(now);
    }

    #[inline(never)]
    fn hold_behind_syn(&mut self, segment: &Segment<Theirs>, now: Instant) {
        let (text, fin) = match self.profile.hold_syn_text {
            HoldSynText::Always => (true, true),
            HoldSynText::Crossed => (self.state == State::SynSent, false),
            HoldSynText::Never => (false, false),
        };
        // R7413-12: text beside a cookie that is not ours is dropped.
        if text && self.fast_open.is_none() {
            self.hold_text(segment, now);
        }
        if fin && segment.has(Flags::FIN) {
            self.hold_fin(segment);
        }
    }

    #[inline(never)]
    fn start_time_wait(&mut self, now: Instant) {
        self.deadlines = Deadlines::NONE;
        self.rest_ecn();
        self.rest_sender();
        self.deadlines.set(Timer::TimeWait, now + self.profile.msl.saturating_mul(2));
    }

    #[cold]
    fn forget_peer(&mut self) {
        self.renew(self.opened_with());
    }

    #[cold]
    fn repeat_syn_ack(&mut self, now: Instant) {
        self.bits.set_syn_due(true);
        // Karn: nobody can tell which of them the ACK is for (MUST-18).
        self.bits.set_syn_timed_out(true);
        self.rtt.timed_at = 0;
        self.start_retransmission(now);
    }

    #[inline(never)]
    fn delete_tcb(&mut self) {
        self.deadlines = Deadlines::NONE;
        self.snd.unsent = 0;
        self.held = None;
        self.urgent = None;
        // R3168-9.
        self.ecn = None;
        self.rest_sender();
        self.previous = None;
        self.bits.forget_pending();
    }

    /// Whether the budget of challenge ACKs allows another (RFC 5961 section 7).
    ///
    /// Text and FIN that were sent again are always answered: their sender waits for that ACK. Without
    /// the budget two ends that disagree about their numbers would answer each other for ever.
    // R5961-10: for each connection, so that nobody else can count them.
    #[cold]
    pub(super) fn may_challenge(&mut self, now: Instant, segment: Option<&Segment<Theirs>>) -> bool {
        let apart = self.profile.challenge_apart;
        let challenged = segment.is_some_and(|segment| self.is_challenged(segment));
        let over = self.state == State::TimeWait;
        if apart {
            self.bits.set_answer_only(challenged || over);
        }
        // What is merely outside is told where it should be, unless it might be such an answer itself.
        let bare = segment.is_some_and(|segment| segment.seg_len() == 0);
        let again = segment.is_some_and(|segment| {
            let heard = segment.end().at_or_before(self.rcv.nxt);
            segment.seg_len() > 0 && !segment.flags.intersects(Flags::SYN | Flags::RST) && (heard || !self.is_acceptable(segment))
        });
        if (apart && !bare && (!challenged || over)) || (!apart && again) {
            return true;
        }
        #[expect(clippy::cast_possible_truncation, reason = "a difference is taken of it, far shorter than 49 days")]
        let clock = now.as_millis() as u32;
        let passed = u128::from(clock.wrapping_sub(self.challenged));
        if (self.challenges == 0 && self.rcv.strays == 0) || passed >= self.profile.challenge_interval.as_millis() {
            self.challenged = clock;
            (self.challenges, self.rcv.strays) = (0, 0);
        }
        let stray = apart && (!challenged || over);
        let (count, most) = if stray { (&mut self.rcv.strays, STRAYS) } else { (&mut self.challenges, self.profile.challenge_acks) };
        let allowed = *count < most;
        *count = count.saturating_add(u8::from(allowed));
        allowed
    }

    /// As new, for this OPEN: no number, timer or option of an earlier connection remains, only what the user has set.
    ///
    /// In place, for a program that opens the same connection again and again.
    pub(super) fn renew(&mut self, open: Open) {
        // A limit of delivery ends with what was to be delivered; a moment the user named stays.
        let named = if self.delivery_limit == 0 && !self.bits.opening_limited() { self.deadlines.get(Timer::User) } else { None };
        self.take_open(open);
        // By name, so that no field can be forgotten: first what stays.
        let Self {
            profile,
            table: _,
            delivery_limit: _,
            keepalive: _,
            walk: _,
            signals: _,
            reserved: _,
            quick_acks: _,
            iss: _,
            mss: _,
            send_mss: _,
            default_mss: _,
            ts_offset: _,
            deadlines,
            rtt,
            snd,
            rcv,
            irs,
            recover,
            reset,
            held,
            fast_open,
            urgent,
            previous,
            ts_recent,
            ts_recent_at,
            last_ack_sent,
            offers,
            ecn,
            sender,
            tuning,
            bits,
            state,
            origin,
            challenged,
            challenges,
            backoff,
            unanswered,
        } = self;
        *deadlines = Deadlines::NONE;
        if let Some(at) = named {
            deadlines.set(Timer::User, at);
        }
        *rtt = rtt.renewed(profile);
        *snd = Send { mss: 536, ..Send::default() };
        *rcv = Receive::default();
        *irs = SeqNumber::new(0);
        *recover = SeqNumber::new(0);
        *reset = None;
        *held = None;
        *fast_open = None;
        *urgent = None;
        *previous = None;
        (*ts_recent, *ts_recent_at) = (0, 0);
        *last_ack_sent = SeqNumber::new(0);
        *offers = PeerOffers::default();
        *ecn = None;
        *sender = profile.counts.then(|| Sender::counting(profile));
        *tuning = Tuning::default();
        *bits = bits.options();
        (*state, *origin) = (State::Closed, Origin::Passive);
        (*challenged, *challenges, *backoff, *unanswered) = (0, 0, 0, 0);
    }

    pub(super) fn tell(&mut self, signal: Signal) {
        self.signals.add(signal);
    }

    pub(super) fn number_from_iss(&mut self) {
        self.snd.una = self.iss;
        self.snd.nxt = self.iss.plus(1);
        self.recover = self.iss;
        self.bits.set_syn_acked(false);
    }

    /// Takes IRS and RCV.NXT from a SYN, and what it offers (RFC 9293 sections 3.10.7.2, 3.10.7.3).
    #[inline(never)]
    fn record_syn(&mut self, segment: &Segment<Theirs>, now: Instant) {
        let Offers { mss, window_scale, sack_permitted, timestamps } = segment.options.offers();
        self.irs = segment.seq;
        self.rcv.nxt = segment.seq.plus(1);
        self.last_ack_sent = self.rcv.nxt;
        // MUST-15: without the option the peer takes 536 octets (IPv4) or 1220 (IPv6).
        self.snd.mss = mss.filter(|mss| *mss > 0).map_or(self.default_mss, |mss| mss.max(self.profile.min_mss)).max(1);
        // RFC 7323 section 2.3: more than 14 is read as 14.
        // R7323-5.
        let shift = window_scale.map(|shift| shift.min(14));
        self.offers = PeerOffers { mss: mss.is_some(), shift, sack: sack_permitted, timestamps: timestamps.is_some() };
        self.bits.set_sack(self.profile.sack && sack_permitted);
        // R7323-12, R7323-17: used only if both sides have offered them.
        let asked = self.state == State::SynSent;
        self.bits.set_timestamps(self.profile.timestamps && timestamps.is_some() && self.affords_timestamps(asked || sack_permitted));
        if let Some(ts) = timestamps {
            self.set_ts_recent(ts.val, now);
        }
        // R7323-3.
        if let (Some(ours), Some(theirs)) = (self.profile.window_scale.0, self.offers.shift) {
            self.rcv.shift = ours;
            self.snd.shift = theirs;
        }
        // Who answers a crossing SYN by all it offers itself believes that it was agreed to.
        if self.offers_all(segment.flags)
            && let Some(ours) = self.profile.window_scale.0
        {
            self.rcv.shift = ours;
        }
        self.take_cookie(&segment.options);
        self.negotiate_ecn(segment);
        self.open_window();
        self.set_window(segment);
    }

    /// Whether a SYN with these flags crosses ours, and the profile answers such by all its options.
    fn offers_all(&self, flags: Flags) -> bool {
        matches!(self.state, State::SynSent) && !flags.contains(Flags::ACK) && self.profile.crossed_syn_ack_offers_all
    }

    /// SND.UNA = SEG.ACK, and all that follows from it (RFC 9293 section 3.10.7.4, fifth; RFC 6298).
    // R7323-18: only an ACK of something new gives a sample.
    #[inline]
    fn take_ack(&mut self, segment: &Segment<Theirs>, now: Instant) {
        let was_syn = !self.bits.syn_acked();
        self.bits.set_syn_acked(true);
        // The right edge stays where the peer has put it, until this or a newer segment moves it.
        self.snd.wnd = self.snd.wnd.saturating_sub(segment.ack.since(self.snd.una));
        self.snd.una = segment.ack;
        // A mark that is left behind would lie ahead again, 2^31 octets later.
        self.recover = self.recover.later_of(self.snd.una);
        if self.sender.is_some() && !was_syn && self.has_congestion_control() {
            // The rest is said by the scoreboard, once the window is known.
            self.rtt.timed_at = 0;
            self.bits.set_probing(false);
            if self.delivery_limit != 0 {
                self.deadlines.stop(Timer::User);
            }
            return;
        }
        let stamped = !was_syn || (self.profile.syn_cache && self.origin == Origin::Passive);
        let sampled = if self.bits.timestamps() && stamped {
            // A clock of microseconds is better than one of milliseconds, if what left can be told from a copy.
            (self.profile.rto_min_of_variance && self.sample_timed(segment.ack, now)) || self.sample_timestamp(segment, now)
        } else {
            self.sample_timed(segment.ack, now)
        };
        if !sampled {
            // Only a sample collapses what time-outs have doubled (RFC 6298 sections 5.5 and 5.7).
            self.rtt.rto = u32::try_from(self.backed_off_rto() / 1000).unwrap_or(u32::MAX);
        }
        let timeouts = std::mem::take(&mut self.backoff);
        self.bits.set_probing(false);
        if self.delivery_limit != 0 {
            self.deadlines.stop(Timer::User);
        }
        // R6298-11, R6298-12.
        if self.snd.una == self.snd.nxt {
            self.deadlines.stop(Timer::Retransmission);
        } else {
            self.start_retransmission(now);
            // What was outstanding when the timer expired is presumed lost as well.
            self.bits.set_front_due(self.snd.una.before(self.recover));
        }
        if was_syn {
            // Without SACK it is only over when text is acknowledged.
            if timeouts > 0 && (self.bits.sack() || self.origin == Origin::Passive) {
                self.count_late_syn(now);
            }
            self.heed_ack_of_syn_text(segment.ack);
            if timeouts >= self.profile.small_start_after && self.has_congestion_control() {
                self.start_small(now);
            }
            if self.counts_octets() {
                self.begin_octets(timeouts);
            }
            self.bits.set_syn_due(false);
            self.resend_syn_text(now);
        }
    }

    /// SND.WND, if the segment is newer than the one it was last taken from (RFC 9293 section 3.10.7.4, fifth).
    // MUST-34, SHLD-15, R7323-7: a right edge that goes back only shuts out what has not left.
    #[inline]
    fn take_window(&mut self, segment: &Segment<Theirs>, now: Instant) {
        let newer = self.snd.wl1.before(segment.seq) || (self.snd.wl1 == segment.seq && self.snd.wl2.at_or_before(segment.ack));
        if newer && self.snd.una.at_or_before(segment.ack) && !self.refuses_window(segment) {
            self.set_window(segment);
            self.unanswered = 0;
            if self.bits.probing() {
                self.take_answer_to_probe(now);
            }
        }
    }

    /// The peer answers a probe of its closed window.
    #[cold]
    fn take_answer_to_probe(&mut self, now: Instant) {
        if !self.is_window_open() {
            // The next probe is counted from the answer to the last one.
            if self.profile.window_probe_empty {
                self.start_retransmission(now);
            }
            return;
        }
        self.bits.set_probing(false);
        self.backoff = 0;
        if self.snd.una == self.snd.nxt {
            self.deadlines.stop(Timer::Retransmission);
        } else {
            // What lay beyond the closed window, the probe's octet at least, was not taken.
            self.recover = self.snd.nxt;
            if self.sender.is_some() {
                self.resend_behind_window();
            }
            self.bits.set_front_due(true);
            self.start_retransmission(now);
        }
    }

    /// Whether all that a segment says is a smaller window, and the profile does not take that.
    #[inline]
    fn refuses_window(&self, segment: &Segment<Theirs>) -> bool {
        let window = segment.window.scaled(self.snd.shift);
        (1..self.snd.wnd).contains(&window) && !self.profile.smaller_window && self.snd.wl1 == segment.seq && self.snd.wl2 == segment.ack
    }

    pub(super) fn set_window(&mut self, segment: &Segment<Theirs>) {
        // The window of a SYN is never scaled (RFC 7323 section 2.2).
        // R7323-4, R7323-6.
        let shift = if segment.has(Flags::SYN) { 0 } else { self.snd.shift };
        self.snd.wnd = segment.window.scaled(shift);
        // R5961-9.
        self.snd.max_wnd = self.snd.max_wnd.max(self.snd.wnd);
        self.snd.wl1 = segment.seq;
        self.snd.wl2 = segment.ack;
    }

    /// The profile's limit of an active OPEN, unless the user has set a timeout of his own.
    #[inline(never)]
    fn limit_opening(&mut self, now: Instant) {
        let limit = self.profile.connect_timeout;
        let free = self.delivery_limit == 0 && !self.deadlines.is_running(Timer::User);
        if free && !limit.is_zero() {
            self.bits.set_opening_limited(true);
            self.deadlines.set(Timer::User, now + limit);
        }
    }

    /// ESTABLISHED is reached: the RTO for text begins.
    // R6298-16.
    pub(super) fn begin_transfer(&mut self) {
        self.bits.set_close_queued(false);
        if self.bits.opening_limited() {
            self.bits.set_opening_limited(false);
            self.deadlines.stop(Timer::User);
        }
        if self.bits.syn_timed_out() && self.rtt.srtt == 0 {
            let Profile { rto_initial, rto_after_syn_loss, .. } = *self.profile;
            if !rto_after_syn_loss.is_zero() {
                self.rtt.rto = first_rto(rto_initial.max(rto_after_syn_loss), self.rtt.rto_max);
            } else if self.origin == Origin::Passive {
                self.rtt.rto = first_rto(rto_initial, self.rtt.rto_max);
            }
        }
    }
}
