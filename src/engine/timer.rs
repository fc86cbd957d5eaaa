//! What a timer means: RFC 9293 section 3.10.8, RFC 6298 for the retransmission timer.

use super::options::Timestamps;
use super::profile::AckPolicy;
use super::segment::Segment;
use super::seq::{Ours, SeqNumber, Theirs};
use super::state::{Event, Signal, State};
use super::tcb::{Connection, Origin, RoundTrip};
use super::time::{Instant, Timer, nanos};

/// The event a timer stands for, applied.
pub(super) fn fire(connection: &mut Connection, timer: Timer, now: Instant) {
    if timer == Timer::Retransmission {
        connection.notice_expiry(now);
    }
    let event = match connection.meaning(timer) {
        Timer::Retransmission if connection.is_exhausted() => Event::RetransmissionR2,
        Timer::Retransmission => Event::Retransmission,
        Timer::DelayedAck => Event::DelayedAck,
        Timer::TimeWait => Event::TwoMsl,
        Timer::User => Event::UserTimeout,
        Timer::FinWait2 => Event::FinWait2Timeout,
        Timer::KeepAlive if connection.is_peer_dead() => Event::KeepAliveDead,
        Timer::KeepAlive => Event::KeepAlive,
    };
    if timer == Timer::DelayedAck && connection.profile.ack_policy == AckPolicy::Linux && !connection.holds_back_acks() {
        connection.linux_delayed_ack_fired();
    }
    connection.apply(event, now, None);
}

/// An eighth of a microsecond, in nanoseconds.
const EIGHTH: u64 = 125;

/// Nanoseconds in microseconds, the last one begun counting whole.
fn whole_micros(nanos: u64) -> u32 {
    // Not `div_ceil`, which would divide and then ask for the remainder.
    u32::try_from(nanos.saturating_add(999) / 1000).unwrap_or(u32::MAX)
}

/// The clock granularity G of RFC 6298, in microseconds: 1 ms, as the timestamp clock's.
pub(super) const GRANULARITY: u32 = 1000;

impl Connection {
    /// Whether the retransmission timer has expired often enough to give up: R2 (RFC 9293 section 3.8.3).
    fn is_exhausted(&self) -> bool {
        if self.has_scoreboard() {
            return self.timeouts().is_some_and(|count| count >= self.r2());
        }
        // MUST-35, MUST-37: a closed window is probed for as long as the peer answers.
        let count = if self.bits.probing() { self.unanswered } else { self.backoff };
        count >= self.r2()
    }

    fn r2(&self) -> u8 {
        let profile = &self.profile;
        match self.state {
            State::SynSent => profile.syn_retries.saturating_add(profile.syn_linear_timeouts),
            State::SynReceived if self.origin == Origin::Passive => profile.syn_ack_retries,
            State::SynReceived => profile.syn_retries,
            State::Closed
            | State::Listen
            | State::Established
            | State::FinWait1
            | State::FinWait2
            | State::CloseWait
            | State::Closing
            | State::LastAck
            | State::TimeWait => {
                let orphan = self.is_orphan() && profile.orphan_retries != 0;
                let retries = if orphan { profile.orphan_retries } else { profile.data_retries };
                retries.saturating_add(self.tail_probes())
            }
        }
    }

    /// The retransmission timer expired below R2: resend the front, double the timeout (RFC 6298 section 5).
    // R6298-13, R6298-14, R6298-15.
    #[cold]
    pub(super) fn back_off(&mut self, now: Instant) {
        if self.has_scoreboard() && (self.snd.wnd != 0 || (self.profile.window_probe_empty && self.lists_text())) {
            self.expire(now);
            return;
        }
        self.backoff = self.backoff.saturating_add(1);
        // MUST-20, SHLD-9: at R1 the user, and through it IP, hears that something is wrong.
        if self.backoff == self.profile.r1 {
            self.tell(Signal::Unresponsive);
        }
        // Karn: a segment sent twice gives no sample (MUST-18).
        self.rtt.timed_at = 0;
        if self.bits.syn_acked() {
            self.bits.set_front_due(true);
            if self.counts_octets() && self.snd.wnd != 0 && !self.bits.probing() {
                self.time_out_octets();
            }
            // SHLD-17: what a shrunken window shuts out must not end a connection whose peer answers.
            if self.snd.wnd == 0 && !self.bits.probing() {
                self.bits.set_probing(true);
                self.unanswered = self.backoff;
            } else if self.bits.probing() {
                self.unanswered = self.unanswered.saturating_add(1);
            } else {
                self.recover = self.snd.nxt;
            }
        } else {
            self.bits.set_syn_due(true);
            self.bits.set_syn_timed_out(true);
            self.count_syn_again(now);
        }
        self.start_retransmission(now);
    }

    /// Whether it is a closed window that the retransmission timer runs for.
    fn persists(&self) -> bool {
        self.snd.wnd == 0 && self.bits.probing()
    }

    /// Starts the retransmission timer from `now`.
    // R6298-9, R6298-10.
    // Not inlined: five places call it, and hot code that is long does not stay in a processor's cache.
    #[inline(never)]
    pub(super) fn start_retransmission(&mut self, now: Instant) {
        // Most have nothing of the kind, and nothing to save for it.
        let adjusts = !self.profile.rto_slop.is_zero() || self.profile.tail_loss_probe || self.persists();
        if self.backoff != 0 || adjusts {
            self.start_adjusted(now, adjusts);
        } else {
            self.arm_retransmission(now, self.backed_off_rto());
        }
    }

    /// The same with doublings, and as the profile stretches it.
    #[inline(never)]
    fn start_adjusted(&mut self, now: Instant, adjusts: bool) {
        let rto = self.backed_off_rto();
        let rto = if adjusts { self.adjusted_rto(rto) } else { rto };
        self.arm_retransmission(now, rto);
    }

    /// The RTO as the profile stretches it, for a probe, or for the tail.
    fn adjusted_rto(&self, mut rto: u64) -> u64 {
        // SHLD-29, SHLD-30: a probe waits as long as a retransmission.
        // Not so the very first time, when nothing is measured or doubled.
        let slop = self.profile.rto_slop;
        let unusual = u64::from(self.rtt.rto) * 1000 > nanos(self.profile.rto_initial);
        if !slop.is_zero() && (self.rtt.srtt != 0 || self.backoff != 0 || unusual) {
            rto = rto.saturating_add(nanos(slop)).min(u64::from(self.rtt.rto_max) * 1000);
        }
        if self.persists() {
            rto = rto.clamp(nanos(self.profile.persist_min), nanos(self.profile.persist_max.max(self.profile.persist_min)));
        }
        if self.backoff == 0 {
            rto = self.probe_of_one(rto);
        }
        rto
    }

    /// The retransmission timer runs, for so many nanoseconds; and the user's timeout of what is outstanding, if there is one.
    pub(super) fn arm_retransmission(&mut self, now: Instant, delay: u64) {
        let at = now.as_nanos().saturating_add(delay);
        self.deadlines.set(Timer::Retransmission, Instant::from_nanos(at));
        if self.delivery_limit != 0 && !self.deadlines.is_running(Timer::User) {
            let at = now.as_nanos().saturating_add(u64::from(self.delivery_limit) * 1_000_000);
            self.deadlines.set(Timer::User, Instant::from_nanos(at));
        }
    }

    /// Retransmissions of text or FIN that do not count: the probe of the tail, whose loss says nothing yet.
    fn tail_probes(&self) -> u8 {
        u8::from(self.probes_tail() && !self.has_congestion_control() && !self.bits.probing())
    }

    /// The RTO in nanoseconds with the doublings so far, bounded by the profile.
    #[inline]
    pub(super) fn backed_off_rto(&self) -> u64 {
        // Most often there are none.
        let rto = u64::from(self.rtt.rto) * 1000;
        if self.backoff == 0 { rto } else { self.doubled(rto) }
    }

    #[cold]
    fn doubled(&self, rto: u64) -> u64 {
        let linear = match self.state {
            State::SynSent => self.profile.syn_linear_timeouts,
            State::SynReceived => 0,
            State::Closed
            | State::Listen
            | State::Established
            | State::FinWait1
            | State::FinWait2
            | State::CloseWait
            | State::Closing
            | State::LastAck
            | State::TimeWait => self.tail_probes(),
        };
        let doublings = u32::from(self.backoff.saturating_sub(linear)).min(32);
        rto.saturating_mul(1_u64 << doublings).min(u64::from(self.rtt.rto_max) * 1000)
    }

    /// Begins a round-trip sample that ends when `end` is acknowledged, unless one is under way.
    // R6298-7: the next segment that leaves begins the next sample.
    pub(super) fn time_segment(&mut self, end: SeqNumber<Ours>, now: Instant) {
        if self.rtt.timed_at == 0 {
            // 0 means "none"; a segment that leaves in the very first nanosecond is timed as if in the second.
            self.rtt.timed_at = now.as_nanos().max(1);
            self.rtt.timed = end;
        }
    }

    /// Ends the sample under way, if `ack` covers it; says whether it did.
    pub(super) fn sample_timed(&mut self, ack: SeqNumber<Ours>, now: Instant) -> bool {
        let ends = self.rtt.timed_at != 0 && self.rtt.timed.at_or_before(ack);
        if ends {
            // The first nanosecond stands for the very first moment.
            let sample = now.as_nanos().saturating_sub(self.rtt.timed_at & !1);
            self.rtt.timed_at = 0;
            self.sample(sample);
        }
        ends
    }

    /// Gives up the sample under way, if what it waits for lies before `end` and leaves again (Karn).
    // R6298-6.
    pub(super) fn spoil_sample(&mut self, end: SeqNumber<Ours>) {
        if self.rtt.timed.at_or_before(end) {
            self.rtt.timed_at = 0;
        }
    }

    /// Takes a sample from the echoed timestamp (RFC 7323 section 4.1), in milliseconds; says whether there was one.
    // Apart: most that ask have no timestamps.
    #[inline(never)]
    pub(super) fn sample_timestamp(&mut self, segment: &Segment<Theirs>, now: Instant) -> bool {
        self.rtt.timed_at = 0;
        let echoed = segment.options.get_timestamps().map(|ts| ts.ecr).filter(|ecr| *ecr != 0);
        // An echo from the future, or hours old, is forged or broken.
        let elapsed = echoed.map(|ecr| self.timestamps_now(now).val.wrapping_sub(ecr)).filter(|elapsed| *elapsed < 1 << 24);
        if let Some(elapsed) = elapsed {
            self.sample(u64::from(elapsed) * 1_000_000);
        }
        elapsed.is_some()
    }

    /// RFC 6298 section 2.2 and 2.3, in nanoseconds.
    // R6298-2, R6298-3, R6298-4, R6298-5, R6298-8.
    pub(super) fn sample(&mut self, rtt: u64) {
        let rtt = rtt.max(1);
        if let Some(sender) = &mut self.sender {
            sender.note_round_trip(rtt);
        }
        if self.profile.rto_min_of_variance {
            self.estimate_as_linux(rtt);
            return;
        }
        // In quarters of a microsecond.
        let quarters = |nanos: u64| u32::try_from(nanos / 250).unwrap_or(u32::MAX);
        if self.rtt.srtt == 0 {
            self.rtt.srtt = rtt;
            self.rtt.rttvar = quarters(rtt / 2);
        } else {
            self.rtt.rttvar = quarters((3 * u64::from(self.rtt.rttvar) * 250 + self.rtt.srtt.abs_diff(rtt)) / 4);
            self.rtt.srtt = (7 * self.rtt.srtt + rtt) / 8;
        }
        // Four times a quarter.
        let rto = whole_micros(self.rtt.srtt).saturating_add(self.rtt.rttvar.max(GRANULARITY));
        self.rtt.rto = rto.max(self.rtt.rto_min).min(self.rtt.rto_max);
    }

    /// As RFC 6298, but a deviation counts at once, is forgotten once in a round trip, and is never less than the least
    /// RTO (`tcp_rtt_estimator`, in its integers: SRTT in eighths of a microsecond).
    // Apart, so that who does not is not made long by it.
    #[inline(never)]
    fn estimate_as_linux(&mut self, rtt: u64) {
        let RoundTrip { rto_min, rto_max, .. } = self.rtt;
        let sample = u32::try_from(rtt / 1000).unwrap_or(u32::MAX).clamp(1, 1 << 28);
        let known = &mut self.rtt;
        if known.srtt == 0 {
            known.srtt = u64::from(sample) * 1000;
            known.rttvar = sample * 2;
            known.spread = known.rttvar.max(rto_min);
            known.widest = known.spread;
            known.turn = self.snd.nxt;
        } else {
            let srtt = i64::try_from(known.srtt / EIGHTH).unwrap_or(i64::MAX);
            let error = i64::from(sample) - (srtt >> 3);
            known.srtt = (srtt + error).max(1).cast_unsigned() * EIGHTH;
            let further = error.abs() - i64::from(known.rttvar >> 2);
            // A round trip that is shorter than usual is no reason to expect a longer one.
            let further = if error.is_negative() && further.is_positive() { further >> 3 } else { further };
            known.rttvar = u32::try_from(i64::from(known.rttvar) + further).unwrap_or(u32::MAX);
            known.widest = known.widest.max(known.rttvar);
            known.spread = known.spread.max(known.widest);
            if self.snd.una.after(known.turn) {
                known.spread -= (known.spread - known.widest) >> 2;
                known.turn = self.snd.nxt;
                known.widest = rto_min;
            }
        }
        self.rtt.rto = whole_micros(self.rtt.srtt).saturating_add(self.rtt.spread).min(rto_max);
    }

    /// What the timestamp clock of this connection shows, in milliseconds (RFC 7323 section 5.4).
    pub fn timestamp_clock(&self, now: Instant) -> u32 {
        self.timestamps_now(now).val
    }

    /// What the timestamp option says now: milliseconds, from an offset of this connection's own.
    // R7323-26: 1 ms a tick; it comes round in 49 days. R7323-10, R7323-11: TSecr echoes TS.Recent, which is 0 before anything was heard.
    pub(super) fn timestamps_now(&self, now: Instant) -> Timestamps {
        #[expect(clippy::cast_possible_truncation, reason = "a timestamp clock wraps (RFC 7323 section 5.4)")]
        let val = self.ts_offset.wrapping_add(now.as_millis() as u32);
        Timestamps { val, ecr: self.ts_recent }
    }
}
