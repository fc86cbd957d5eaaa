//! What leaves next: resets, SYNs, what is lost, new text, FIN, and ACKs where nothing else carries them.

use super::options::TcpOptions;
use super::profile::{AckPolicy, CongestionControl};
use super::segment::{Flags, Segment, WireWindow};
use super::seq::{Ours, SeqNumber, Theirs};
use super::state::{Event, State};
use super::tcb::{Connection, Origin};
use super::time::{Instant, Timer};

/// What a segment takes along; the rest of its header is the same whatever it carries.
struct Cut {
    seq: SeqNumber<Ours>,
    len: u32,
    flags: Flags,
    /// Text that leaves for the first time, and no probe.
    fresh: bool,
}

impl Connection {
    /// The next segment that must leave at `now`, or `None` when there is nothing more to send.
    ///
    /// May walk a row: CLOSE-WAIT becomes LAST-ACK when its FIN leaves (RFC 9293 section 3.10.4).
    #[inline]
    pub fn poll_segment(&mut self, now: Instant) -> Option<Segment<Ours>> {
        // Most calls only ask whether that was all.
        if self.is_silent() { None } else { self.next_segment(now) }
    }

    /// Whether nothing waits to leave, whatever window and Nagle would say to it.
    const fn is_silent(&self) -> bool {
        self.reset.is_none() && self.snd.unsent == 0 && !self.bits.is_anything_due()
    }

    fn next_segment(&mut self, now: Instant) -> Option<Segment<Ours>> {
        if let Some(reset) = self.reset.take() {
            self.leave_unmarked();
            return Some(self.emit_reset(&reset, now));
        }
        if self.bits.syn_due() {
            return self.emit_syn(now);
        }
        if self.owes_syn_ack() {
            // Its timer goes on as it was.
            let timer = self.deadlines.get(Timer::Retransmission);
            let again = self.emit_syn(now);
            if let Some(at) = timer {
                self.deadlines.set(Timer::Retransmission, at);
            }
            return again;
        }
        let transmits = self.state.may_transmit() || self.is_open_early();
        let cut = if transmits
            && self.bits.front_due()
            && let Some(front) = self.cut_front(now)
        {
            front
        } else if transmits
            && self.has_new()
            && let Some(new) = self.cut_new(now, false)
        {
            new
        } else {
            self.cut_ack()?
        };
        self.segment(cut, now)
    }

    /// Which octets of the send buffer, counted from its front, this segment of ours carries.
    ///
    /// Only meaningful for a segment just given out by [`poll_segment`](Self::poll_segment); empty for one without text.
    pub fn text_range(&self, segment: &Segment<Ours>) -> std::ops::Range<usize> {
        // As of most segments.
        if segment.len == 0 {
            return 0..0;
        }
        let start = segment.text_seq().since(self.text_start()) as usize;
        start..start + segment.len as usize
    }

    /// SND.NXT for an ACK, or the right edge where a probe or a shrunken window leaves SND.NXT beyond it.
    ///
    /// Two sides that probe each other's closed window would refuse each other's ACKs otherwise,
    /// answer that with ACKs, and never come to an end.
    fn acceptable_seq(&self) -> SeqNumber<Ours> {
        let edge = self.snd.una.plus(self.snd.wnd);
        if edge.before(self.snd.nxt) { edge } else { self.snd.nxt }
    }

    #[cold]
    fn emit_reset(&mut self, reset: &super::tcb::Reset, now: Instant) -> Segment<Ours> {
        let mut segment = reset.segment();
        // An ABORT's RST belongs to the connection and looks like one of its segments; a reply to a
        // stray segment does not.
        if self.profile.abort_acks && reset.ack == Some(self.rcv.nxt) {
            if self.profile.abort_window {
                self.select_window();
                segment.window = Self::wire_window(self.rcv.wnd, self.rcv.shift);
            }
            segment.options = self.plain_options(now);
        } else if self.profile.reset_timestamps {
            segment.options = self.reset_options(reset, now);
        }
        segment
    }

    #[inline(never)]
    fn emit_syn(&mut self, now: Instant) -> Option<Segment<Ours>> {
        let (flags, answering) = match self.state {
            State::Closed | State::Listen | State::TimeWait | State::FinWait2 => {
                self.bits.set_syn_due(false);
                return None;
            }
            State::SynSent => (Flags::SYN, None),
            State::SynReceived | State::Established | State::FinWait1 | State::CloseWait | State::Closing | State::LastAck => {
                (Flags::SYN | Flags::ACK, Some(self.offers))
            }
        };
        if answering.is_some() && self.syn_ack_waits() {
            if !self.deadlines.is_running(Timer::Retransmission) {
                self.start_retransmission(now);
            }
            return None;
        }
        self.bits.set_syn_due(false);
        let ecn = if answering.is_some() { self.syn_ack_ecn() } else { self.syn_ecn() };
        // Some answer a crossing SYN by all that their own has offered.
        let offers_all = self.origin == Origin::Active && self.profile.crossed_syn_ack_offers_all;
        let options = self.syn_options(answering.filter(|_| !offers_all), now);
        // Few take anything along.
        let may_carry = self.bits.syn_text() || self.profile.syn_ack_with_text;
        let (len, more) = if may_carry { self.cut_syn(options.octets().len()) } else { (0, Flags::NONE) };
        let segment = Segment {
            seq: self.iss,
            ack: if answering.is_some() { self.rcv.nxt } else { SeqNumber::new(0) },
            flags: flags | more | ecn,
            window: self.first_window(answering.is_some()),
            urgent: 0,
            len,
            options,
        };
        if self.sender.is_some() && answering.is_none() {
            self.count_syn();
        }
        // What leaves again has its timer, and gives no sample.
        if self.backoff == 0 && !self.bits.syn_timed_out() {
            // An entry of a SYN cache knows no time.
            if !(self.profile.syn_cache && self.origin == Origin::Passive) {
                self.time_segment(self.iss.plus(1), now);
            }
            self.start_retransmission(now);
        }
        self.bits.set_ack_due(false);
        Some(segment)
    }

    /// Whether the SYN,ACK still waits for what the application has to say; the timer of its
    /// retransmission ends that.
    fn syn_ack_waits(&self) -> bool {
        self.profile.syn_ack_with_text
            && self.state == State::SynReceived
            && self.origin == Origin::Passive
            && self.backoff == 0
            && self.snd.unsent == 0
    }

    /// Text, and FIN, that a SYN or SYN,ACK takes along beside so many octets of options: what is new, or left with it before.
    #[inline(never)]
    fn cut_syn(&mut self, options: usize) -> (u32, Flags) {
        if self.state == State::SynSent {
            if !self.bits.syn_text() {
                return (0, Flags::NONE);
            }
            // Nobody has said yet what the peer takes.
            // Some leave room for all the options a router may put there.
            let options = if self.profile.syn_text_leaves_room { TcpOptions::MAX } else { options };
            let most = u32::from(self.syn_room().min(self.send_mss)).saturating_sub(u32::try_from(options).unwrap_or(0));
            let len = if self.backoff == 0 { self.snd.unsent.min(most) } else { 0 };
            self.snd.unsent -= len;
            self.snd.nxt = self.snd.nxt.plus(len);
            // R7413-11: a fast SYN that was not answered leaves again without text.
            let again = self.backoff == 0 || self.fast_open.is_none();
            return (if again { self.text_in_flight() } else { 0 }, Flags::NONE);
        }
        if !self.profile.syn_ack_with_text || self.origin == Origin::Active || self.snd.nxt != self.iss.plus(1) {
            return (0, Flags::NONE);
        }
        let len = self.snd.unsent.min(u32::from(self.effective_mss())).min(self.snd.wnd);
        self.snd.unsent -= len;
        self.snd.nxt = self.snd.nxt.plus(len);
        let mut flags = Flags::NONE;
        if self.snd.unsent == 0 && len > 0 {
            flags = flags | Flags::PSH;
        }
        if self.snd.unsent == 0 && self.bits.fin_due() && self.snd.wnd > len {
            flags = flags | Flags::FIN;
            self.bits.send_fin();
            self.snd.nxt = self.snd.nxt.plus(1);
        }
        (len, flags)
    }

    fn first_window(&mut self, answering: bool) -> WireWindow {
        let octets = if answering { self.rcv.wnd } else { self.syn_window() };
        Self::wire_window(octets, 0)
    }

    /// The front of the retransmission queue, which is due, if there is one (RFC 6298 section 5.4).
    // SHLD-16: old text inside the window that is left.
    #[cold]
    fn cut_front(&mut self, now: Instant) -> Option<Cut> {
        if self.has_scoreboard() && self.lists_text() {
            let copy = self.cut_lost(now)?;
            return Some(Cut { seq: copy.seq, len: copy.len, flags: copy.flags, fresh: false });
        }
        self.bits.set_front_due(false);
        let in_flight = self.text_in_flight();
        let fin_outstanding = self.bits.fin_sent() && self.snd.una != self.snd.nxt;
        if in_flight == 0 && !fin_outstanding {
            return if self.bits.probing() { self.cut_probe(now) } else { None };
        }
        let most = u32::from(self.effective_mss()).min(self.snd.wnd.max(1)).min(self.record_room(self.text_start()));
        let mut len = in_flight.min(most);
        let last = len == in_flight;
        if in_flight == 1 && !self.bits.fin_sent() {
            // The octet of a window probe leaves together with what it was cut from.
            let more = self.snd.unsent.min(most - len);
            self.snd.unsent -= more;
            self.snd.nxt = self.snd.nxt.plus(more);
            len += more;
        }
        let mut flags = Flags::ACK;
        if last && self.snd.unsent == 0 && len > 0 {
            flags = flags | Flags::PSH;
        }
        if last && fin_outstanding {
            flags = flags | Flags::FIN;
        }
        let start = self.text_start();
        self.spoil_sample(start.plus(len + u32::from(last && fin_outstanding)));
        Some(Cut { seq: start, len, flags, fresh: false })
    }

    /// Whether the window has room for what would leave next: for any of it, or for a whole segment where the profile asks so.
    pub(super) fn is_window_open(&self) -> bool {
        let least = if self.profile.window_probe_empty { self.snd.unsent.min(u32::from(self.effective_mss())).max(1) } else { 1 };
        self.snd.wnd >= least
    }

    /// One octet beyond a closed window, so that the peer answers (MUST-36).
    #[cold]
    fn cut_probe(&mut self, now: Instant) -> Option<Cut> {
        let seq = self.snd.nxt;
        if self.profile.window_probe_empty {
            if self.snd.wnd == 0 {
                return Some(Cut { seq: self.snd.una.minus(1), len: 0, flags: Flags::ACK, fresh: false });
            }
            self.bits.set_probing(false);
            self.backoff = 0;
            self.unanswered = 0;
            self.deadlines.stop(Timer::Retransmission);
            return if self.has_new() { self.cut_new(now, true) } else { None };
        }
        if self.snd.unsent > 0 {
            self.snd.unsent -= 1;
            self.snd.nxt = seq.plus(1);
            let push = if self.snd.unsent == 0 { Flags::PSH } else { Flags::NONE };
            return Some(Cut { seq, len: 1, flags: Flags::ACK | push, fresh: false });
        }
        // The FIN has a number too; without text before it, it probes the window itself.
        if !self.bits.fin_due() {
            return None;
        }
        self.bits.send_fin();
        self.snd.nxt = seq.plus(1);
        self.apply(Event::FinSent, now, None);
        Some(Cut { seq, len: 0, flags: Flags::FIN | Flags::ACK, fresh: false })
    }

    /// Whether there is text or a FIN that has not left yet.
    const fn has_new(&self) -> bool {
        self.snd.unsent > 0 || self.bits.fin_due()
    }

    /// New text, and the FIN behind it, as window, MSS and Nagle allow; a probe takes what the window has room for, however little.
    // MUST-38, SHLD-27, SHLD-28: full segments where there is text, PSH in the last; MUST-60, MUST-61, MAY-15, MAY-16.
    #[expect(clippy::inline_always, reason = "new text comes from one place; the other is for a probe")]
    #[inline(always)]
    fn cut_new(&mut self, now: Instant, probe: bool) -> Option<Cut> {
        let fin_waits = self.bits.fin_due();
        if self.sender.is_some() && !self.has_room(now) {
            return self.cut_path_probe(now);
        }
        let in_flight = self.snd.nxt.since(self.text_start());
        let usable = self.snd.wnd.saturating_sub(in_flight);
        let mss = u32::from(self.effective_mss());
        let record = self.record_room(self.snd.nxt);
        let packet = self.packet_left();
        let len = self.snd.unsent.min(mss).min(usable).min(record).min(if packet > 0 { packet } else { u32::MAX });
        let all = len == self.snd.unsent;
        let ends_record = len == record;
        let fin = fin_waits && all && usable > len;
        let idle = in_flight == 0;
        // A record that ended is as full as it gets; only the last of them may wait for company under way.
        let worth = (ends_record && !all) || self.worth_sending(len, mss, all, fin, idle);
        let worth = worth || (len > 0 && (probe || packet > 0 || self.is_probing_tail()));
        if !worth {
            if self.sender.is_some() {
                self.validate_window(now);
                self.note_peer_limit(now, usable < self.snd.unsent.min(mss).min(record));
            }
            let shut = usable == 0 || (self.profile.window_probe_empty && len == usable && !all);
            if idle && shut && !self.deadlines.is_running(Timer::Retransmission) {
                self.bits.set_probing(true);
                self.start_retransmission(now);
            }
            return None;
        }
        // A second segment under way is the beginning of congestion control.
        if !idle && self.sender.is_none() && self.has_congestion_control() {
            self.begin_congestion_control(now);
            if !self.has_room(now) {
                return None;
            }
        }
        let mut flags = Flags::ACK;
        let pushed = if ends_record { self.record_ending(self.snd.nxt.plus(len)) } else { None };
        if pushed.unwrap_or(all && len > 0 && !self.bits.unpushed()) || (probe && !all) {
            flags = flags | Flags::PSH;
        }
        if fin {
            flags = flags | Flags::FIN;
            self.bits.send_fin();
        }
        let seq = self.snd.nxt;
        self.snd.nxt = self.snd.nxt.plus(len + u32::from(fin));
        self.snd.unsent -= len;
        if len > 0 {
            self.bits.set_short_under_way(len < mss || (!idle && self.bits.short_under_way()));
            if self.profile.ack_policy == AckPolicy::Linux {
                self.linux_text_sent(now);
            }
        }
        if self.sender.is_some() && self.has_congestion_control() {
            self.note_peer_limit(now, false);
            if self.note_new(seq, len, flags, now) {
                flags = flags | Flags::PSH;
            }
            if fin {
                self.apply(Event::FinSent, now, None);
            }
            return Some(Cut { seq, len, flags, fresh: len > 0 });
        }
        if self.profile.congestion_control != CongestionControl::Off {
            self.bits.set_first_pushed(flags.contains(Flags::PSH));
        }
        self.time_segment(self.snd.nxt, now);
        if !self.deadlines.is_running(Timer::Retransmission) {
            self.start_retransmission(now);
        }
        if fin {
            self.apply(Event::FinSent, now, None);
        }
        Some(Cut { seq, len, flags, fresh: len > 0 })
    }

    /// A probe of the path, if it is that which keeps other text from leaving: longer than a full segment.
    #[cold]
    fn cut_path_probe(&mut self, now: Instant) -> Option<Cut> {
        let (seq, len) = (self.snd.nxt, self.take_path_probe()?);
        self.snd.nxt = seq.plus(len);
        self.snd.unsent -= len;
        if self.profile.ack_policy == AckPolicy::Linux {
            self.linux_text_sent(now);
        }
        self.note_new(seq, len, Flags::ACK, now);
        Some(Cut { seq, len, flags: Flags::ACK, fresh: true })
    }

    /// A keep-alive probe: an old number, with an octet of garbage where the knob wants one (SHLD-12, MAY-6).
    #[cold]
    fn cut_probe_of_peer(&mut self) -> Cut {
        self.bits.set_probe_due(false);
        self.bits.set_answer_only(self.profile.answers_from_numbers());
        Cut { seq: self.snd.nxt.minus(1), len: u32::from(self.profile.keepalive_garbage), flags: Flags::ACK, fresh: false }
    }

    /// An ACK alone, where nothing else carries it.
    fn cut_ack(&mut self) -> Option<Cut> {
        if self.bits.probe_due() && self.state != State::Closed {
            return Some(self.cut_probe_of_peer());
        }
        // MUST-58, MUST-59: all that has arrived is acknowledged at once.
        let owed = self.bits.ack_due() && self.state != State::Closed;
        let rides = self.bits.fin_rides() || (self.profile.acks_repeat_fin && !self.bits.answer_only() && self.is_fin_outstanding());
        if owed && rides {
            // Our FIN has the last number that left; its ACK may be for either of them (Karn).
            self.spoil_sample(self.snd.nxt);
            return Some(Cut { seq: self.snd.nxt.minus(1), len: 0, flags: Flags::FIN | Flags::ACK, fresh: false });
        }
        owed.then(|| Cut { seq: self.acceptable_seq(), len: 0, flags: Flags::ACK, fresh: false })
    }

    /// Whether our FIN has left and is not acknowledged.
    fn is_fin_outstanding(&self) -> bool {
        matches!(self.state, State::FinWait1 | State::Closing | State::LastAck) && self.bits.fin_sent()
    }

    /// Nagle (SHLD-7) and the sender's silly window avoidance (MUST-38, RFC 9293 section 3.8.6.2.1).
    fn worth_sending(&self, len: u32, mss: u32, all: bool, fin: bool, idle: bool) -> bool {
        if fin || len == mss {
            return true;
        }
        if len == 0 {
            return false;
        }
        if all {
            let urgent = self.is_urgent_under_way();
            let nagle = self.profile.nagle && !self.bits.no_delay() && !urgent;
            let idle = idle || (self.profile.nagle_short_only && !self.is_short_under_way());
            // Behind a CLOSE nothing more can come to fill a short segment.
            let held = self.bits.hold_short() && !self.bits.fin_queued() && !urgent;
            return !held && (idle || !nagle);
        }
        (idle || len >= self.snd.max_wnd / 2) && !self.profile.window_probe_empty
    }

    /// A segment of this connection; it carries the newest ACK, so none is owed afterwards.
    #[expect(clippy::unnecessary_wraps, reason = "measured: one that is wrapped elsewhere is copied")]
    #[inline]
    fn segment(&mut self, Cut { seq, len, flags, fresh }: Cut, now: Instant) -> Option<Segment<Ours>> {
        let answer = self.bits.answer_only() && len == 0;
        if !answer {
            self.select_window();
        }
        if self.profile.ack_policy == AckPolicy::Linux {
            self.linux_ack_sent();
        }
        if answer {
            // An ACK that waits goes on to do so.
            self.bits.set_answer_only(false);
        } else {
            self.deadlines.stop(Timer::DelayedAck);
            self.bits.set_ack_soon(false);
        }
        self.bits.set_ack_due(false);
        self.bits.set_fin_rides(false);
        self.last_ack_sent = self.rcv.nxt;
        if self.sender.is_some() {
            self.count_departure(len, now);
        }
        let optional = self.bits.timestamps() || self.held.is_some();
        // What few connections have is asked for before: a segment that is changed once it is built is copied.
        let (urg, urgent) = if self.urgent.is_some() { self.mark_urgent(seq) } else { (Flags::NONE, 0) };
        let ecn = if self.ecn.is_some() { self.mark_ecn(fresh) } else { Flags::NONE };
        let window = if answer { self.freebsd_answer_window() } else { Self::wire_window(self.rcv.wnd, self.rcv.shift) };
        let (ack, flags) = (self.rcv.nxt, flags | urg | ecn);
        // Twice, as options that may or may not be there would be put together elsewhere and copied.
        if optional {
            return Some(Segment { seq, ack, flags, window, urgent, len, options: self.plain_options(now) });
        }
        Some(Segment { seq, ack, flags, window, urgent, len, options: TcpOptions::NONE })
    }

    /// An ACK for what has just arrived: at once, or when text can carry it, or when the knob's time is over.
    // SHLD-18, MUST-58, MUST-59: an ACK that waits is one ACK for all that has come.
    #[inline]
    pub(super) fn schedule_ack(&mut self, now: Instant, segment: Option<&Segment<Theirs>>) {
        let delay = self.profile.delayed_ack;
        self.bits.set_ack_soon(true);
        if self.profile.ack_policy == AckPolicy::Linux {
            // Text and FIN of one segment are two events; the second call sees the FIN already taken.
            let fin = self.bits.peer_fin() && segment.is_some_and(|segment| segment.has(Flags::FIN));
            self.linux_schedule_ack(fin, now);
            return;
        }
        let fin = segment.is_some_and(|segment| segment.has(Flags::FIN));
        // A side that has closed itself may be in TIME-WAIT before the delay is over, where nothing leaves late.
        let late_fin = self.profile.delay_fin_ack && self.state == State::Established;
        if delay.is_zero() || (fin && !late_fin) {
            self.bits.set_ack_due(true);
            return;
        }
        let every_second = self.profile.ack_policy == AckPolicy::FreeBsd;
        let joined = segment.is_some_and(|segment| segment.len > u32::from(self.snd.mss.min(self.send_mss)));
        if every_second && (joined || self.deadlines.is_running(Timer::DelayedAck)) {
            self.bits.set_ack_due(true);
        } else if self.rcv.nxt.since(self.last_ack_sent) >= 2 * self.advertised_mss() {
            // SHLD-19: at least every second full-sized segment, by our own MSS (RMSS), not by the peer's.
            self.bits.set_ack_due(true);
        } else if !self.deadlines.is_running(Timer::DelayedAck) {
            self.deadlines.set(Timer::DelayedAck, now + delay);
        }
    }
}
