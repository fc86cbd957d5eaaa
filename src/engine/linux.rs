//! How Linux chooses windows and the moment of an ACK, in its own integers.
//!
//! Measured on 6.18 and replayed against captures: `tcp_select_initial_window`, `tcp_select_window`,
//! `tcp_grow_window`, `tcp_event_data_recv`, `__tcp_ack_snd_check` and the delayed-ACK timer. Sizes
//! are octets; the kernel counts memory, and `ratio / 256` of it is taken for text.

use std::cmp::Ordering;
use std::time::Duration;

use super::profile::{AckPolicy, Profile, WindowPolicy};
use super::segment::{Flags, Segment};
use super::seq::Theirs;
use super::tcb::{Connection, Origin};
use super::time::{Instant, Timer, nanos};

/// Receive-side memory of the `linux` policies.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub(super) struct Tuning {
    /// Upper bound of the threshold (`window_clamp`).
    clamp: u32,
    /// When text last arrived, in ticks.
    last_text: u32,
    /// What waits in the receive queue: packets, or the memory they take, in [`STEP`]s, where that goes in steps.
    queued: u16,
    /// Room behind the text of the last of them, where that goes in steps.
    tail: u16,
    /// Text per 256 octets of memory (`scaling_ratio`).
    ratio: u8,
    /// The memory is no longer what the profile says: what is known of the reader has it.
    grown: bool,
    /// Guess at the text of the peer's full segments.
    rcv_mss: u16,
    /// Text of the last segment shorter than that (`last_seg_size`).
    short: u16,
    /// Delayed-ACK estimate in milliseconds; 0 before the first text.
    ato: u16,
}

/// The timer tick of the measured kernel: HZ=250.
const TICK: u64 = 4_000_000;
/// TCP_ATO_MIN, milliseconds.
const ATO_MIN: u16 = 40;
/// TCP_MSS_DEFAULT.
const DEFAULT_MSS: u32 = 536;
/// Packets whose text one head can hold (MAX_SKB_FRAGS).
const JOINED: u32 = 17;
/// Room before a packet's text, its headers in it (NET_SKB_PAD, IP and TCP).
const HEADERS: u32 = 104;
/// What stands behind it (struct skb_shared_info), and beside it (struct sk_buff).
const SHARED: u32 = 320;
const BUFFER: u32 = 256;
/// The least head (SKB_SMALL_HEAD_CACHE_SIZE).
const SMALL_HEAD: u32 = 576;
/// All of these are multiples of it.
const STEP: u32 = 64;
/// Also the size of a head that has pages beside it.
const PAGE: u32 = 4096;
/// Half of SOCK_MIN_RCVBUF.
const LEAST_CLAMP: u32 = 1152;
/// TCP_MIN_MSS.
const MIN_MSS: u32 = 88;

/// A buffer that holds not even one segment is offered as it is.
const fn whole_segments(octets: u32, mss: u32) -> u32 {
    match octets / mss {
        0 => octets,
        segments => segments * mss,
    }
}

impl Connection {
    /// Octets of text that `memory` octets have room for.
    fn space(&self, memory: u32) -> u32 {
        u32::try_from((u64::from(memory) * u64::from(self.tuning.ratio)) >> 8).unwrap_or(u32::MAX)
    }

    /// Octets of memory that so much text needs (`tcp_space_from_win`).
    pub(super) fn memory_for(&self, text: u64) -> u32 {
        u32::try_from(text * 256 / u64::from(self.tuning.ratio.max(1))).unwrap_or(u32::MAX)
    }

    /// Memory that what was not read takes, and what is held.
    fn used(&self) -> u32 {
        // What lies beside its head is joined to the packet before it (`tcp_try_coalesce`).
        let queued = u32::from(self.tuning.queued);
        if self.profile.packet_memory_steps {
            return (queued + u32::from(self.held_steps())) * STEP;
        }
        let heads = if self.profile.linear_packets { queued } else { queued.div_ceil(JOINED) };
        self.rcv.unread.saturating_add(heads.saturating_mul(self.profile.packet_overhead.into()))
    }

    /// Memory that a packet with so much text takes.
    fn packet_memory(&self, len: u32) -> u32 {
        if !self.profile.packet_memory_steps {
            return len.saturating_add(u32::from(self.profile.packet_overhead));
        }
        let beside = self.frame(len) - self.linear(len);
        self.head(len) + BUFFER + beside.next_multiple_of(PAGE)
    }

    /// Octets of a packet, with the room before it.
    fn frame(&self, len: u32) -> u32 {
        HEADERS + if self.bits.timestamps() { 12 } else { 0 } + len
    }

    /// Those of them that lie in its head; long text lies in pages beside it (`tun_alloc_skb`).
    fn linear(&self, len: u32) -> u32 {
        let frame = self.frame(len);
        if frame < PAGE { frame } else { PAGE - SHARED }
    }

    /// Memory of a packet's head.
    fn head(&self, len: u32) -> u32 {
        let size = self.linear(len).next_multiple_of(64) + SHARED;
        if size <= SMALL_HEAD { SMALL_HEAD } else { size.next_power_of_two() }
    }

    /// A packet is queued: a short one is copied behind the text of the last, where there is room (`skb_try_coalesce`).
    fn queue_packet(&mut self, len: u32) {
        if !self.profile.packet_memory_steps {
            self.tuning.queued = self.tuning.queued.saturating_add(1);
            return;
        }
        let short = u16::try_from(len).ok().filter(|short| *short <= self.tuning.tail && self.tuning.queued > 0);
        if let Some(short) = short {
            self.tuning.tail -= short;
            self.note_waiting(len, 0);
            return;
        }
        let room = self.head(len).saturating_sub(SHARED).saturating_sub(self.frame(len));
        self.tuning.tail = u16::try_from(room).unwrap_or(u16::MAX);
        let steps = self.linux_steps(len);
        self.tuning.queued = self.tuning.queued.saturating_add(steps);
        self.note_waiting(len, steps);
    }

    /// The window of a SYN: whole segments of the announced MSS.
    pub(super) fn linux_syn_window(profile: &Profile, mss: u16) -> u32 {
        whole_segments(profile.receive_buffer.min(profile.window_bound()), u32::from(mss).max(1))
    }

    /// The peer's options are known: the first window that counts.
    #[inline(never)]
    pub(super) fn linux_open_window(&mut self) {
        // Text takes half of the memory at first.
        let full = self.profile.receive_buffer;
        let advertised = self.advertised_mss();
        self.rcv.wnd = match self.origin {
            // Its own SYN has said it already, before timestamps were agreed.
            Origin::Active => Self::linux_syn_window(&self.profile, self.mss),
            Origin::Passive => whole_segments(full.min(self.profile.window_bound()), advertised),
        };
        // The peer reads no more than the field of a SYN can say; where the next can say more, Linux means all of it already.
        self.rcv.wnd = self.rcv.wnd.min(u32::from(u16::MAX) << self.rcv.shift);
        // A segment of the buffer stays free, but of two (`tcp_init_buffer_space`).
        let most = full.saturating_sub(advertised).max(2 * advertised);
        let clamp = full.min(self.profile.window_bound()).min(most);
        self.rcv.threshold = self.rcv.wnd.min(clamp);
        let guess = DEFAULT_MSS.min(advertised).min(u32::from(self.effective_mss())).min(self.rcv.wnd / 2).max(MIN_MSS);
        self.tuning = Tuning { clamp, ratio: 128, rcv_mss: u16::try_from(guess).unwrap_or(u16::MAX), ..Tuning::default() };
        self.quick_acks = 0;
        self.begin_reading();
    }

    /// What the peer's segments may carry is guessed from ours, which the window that has come now may bound
    /// (`tcp_initialize_rcv_mss`).
    pub(super) fn linux_bound_guess(&mut self) {
        let guess = u32::from(self.tuning.rcv_mss.min(self.effective_mss())).max(MIN_MSS);
        self.tuning.rcv_mss = u16::try_from(guess).unwrap_or(u16::MAX);
    }

    /// The memory is this much, if it was less: it follows what is read, and the window follows it.
    pub(super) fn widen_receive_memory(&mut self, memory: u32) {
        if memory > self.memory() {
            self.set_receive_memory(memory);
            self.tuning.clamp = self.space(memory);
        }
    }

    /// Octets of memory there are for what was not read (`sk_rcvbuf`).
    fn memory(&self) -> u32 {
        if self.tuning.grown { self.grown_memory() } else { self.profile.receive_buffer.saturating_mul(2) }
    }

    /// Octets of memory for what was not read, once the peer's options are known (`sk_rcvbuf`).
    pub fn receive_memory(&self) -> Option<u32> {
        (self.tuning.clamp != 0).then(|| self.memory())
    }

    /// The process has set how much memory there is (`SO_RCVBUF`).
    pub fn set_receive_memory(&mut self, memory: u32) {
        if self.tuning.clamp != 0 && self.note_memory(memory) {
            self.tuning.grown = true;
        }
    }

    /// The process waits for so much text at once (`SO_RCVLOWAT`): there is memory for it.
    pub fn expect_text(&mut self, octets: u32) {
        let memory = self.memory_for(octets.into());
        if self.tuning.clamp != 0 && memory > self.memory() {
            self.set_receive_memory(memory);
            self.tuning.clamp = self.tuning.clamp.max(octets);
        }
    }

    /// Octets the window may have at most, once the peer's options are known (`TCP_WINDOW_CLAMP`).
    pub fn window_clamp(&self) -> Option<u32> {
        (self.tuning.clamp != 0).then_some(self.tuning.clamp)
    }

    /// Bounds the window (`tcp_set_window_clamp`).
    pub fn set_window_clamp(&mut self, octets: u32) {
        let clamp = octets.max(LEAST_CLAMP);
        self.rcv.threshold = match clamp.cmp(&self.tuning.clamp) {
            Ordering::Less => self.rcv.threshold.min(clamp),
            Ordering::Equal => self.rcv.threshold,
            Ordering::Greater => self.rcv.threshold.max(self.offered_window().min(clamp)),
        };
        self.tuning.clamp = clamp;
    }

    /// The window for a segment that leaves now; `(new, before it was kept from shrinking)`.
    fn linux_window(&mut self) -> (u32, u32) {
        let shift = self.rcv.shift;
        let unit = 1_u32 << shift;
        let round_up = |octets: u32| octets.saturating_add(unit - 1) & !(unit - 1);
        let current = self.rcv.wnd;
        let full = self.space(self.memory());
        let top = self.tuning.clamp.min(full);
        let mut free = self.space(self.memory().saturating_sub(self.used()));
        let mss = u32::from(self.tuning.rcv_mss).min(top);
        let mut closed = false;
        if free < top / 2 {
            self.quick_acks = 0;
            free &= !(unit - 1);
            closed = free < full / 16 || free < mss;
        }
        free = free.min(self.rcv.threshold);
        let offered = self.offered_window();
        let computed = if closed {
            0
        } else if shift > 0 {
            round_up(free)
        } else if offered <= free.saturating_sub(mss) || offered > free {
            free / mss.max(1) * mss
        } else if mss == top && free > offered + top / 2 {
            free
        } else {
            offered
        };
        (computed.max(round_up(current)), computed)
    }

    /// The window of the last ACK, not yet reduced by what arrived since (`rcv_wnd`).
    pub(super) fn offered_window(&self) -> u32 {
        self.rcv.wnd + self.rcv.nxt.since(self.last_ack_sent)
    }

    #[inline(never)]
    pub(super) fn linux_select_window(&mut self) -> u32 {
        let (window, _) = self.linux_window();
        window.min(u32::from(u16::MAX) << self.rcv.shift)
    }

    /// Text arrived: guesses at the peer's segments, the ACK estimate, and the threshold follow.
    #[inline(never)]
    pub(super) fn linux_text_arrived(&mut self, len: u32, segment: &Segment<Theirs>, now: Instant) {
        if self.profile.counts {
            self.measure_echo(segment, self.rcv.unread > len, now);
        }
        self.queue_packet(len);
        self.guess_rcv_mss(len, segment.has(Flags::PSH));
        if self.profile.counts {
            self.measure_window(now);
        }
        self.estimate_ack_delay(now);
        if len >= 128 {
            self.linux_grow_threshold(len);
        }
    }

    /// Text arrived before its turn, and so much of it is held (`tcp_data_queue_ofo`).
    #[inline(never)]
    pub(super) fn linux_text_held(&mut self, len: u32, segment: &Segment<Theirs>, now: Instant) {
        if self.profile.counts {
            self.measure_echo(segment, self.rcv.unread > 0, now);
        }
        self.guess_rcv_mss(len, segment.has(Flags::PSH));
        // Its ACK counts as one of those that do not wait.
        self.bits.set_ack_soon(true);
        // Without SACK only duplicate ACKs tell of a loss, and those have no news of the window.
        if self.bits.sack() {
            self.linux_grow_threshold(len);
        }
    }

    /// Memory of a packet with so much text, in [`STEP`]s, where that goes in steps; else 0.
    pub(super) fn linux_steps(&self, len: u32) -> u16 {
        if self.profile.packet_memory_steps { u16::try_from(self.packet_memory(len) / STEP).unwrap_or(u16::MAX) } else { 0 }
    }

    /// What was held can be read now, in packets that were full, as far as anybody knows.
    #[cold]
    pub(super) fn linux_text_released(&mut self, octets: u32, steps: u16) {
        self.tuning.tail = 0;
        let packets = u16::try_from(octets.div_ceil(u32::from(self.tuning.rcv_mss).max(1))).unwrap_or(u16::MAX).clamp(1, steps);
        let (mut left, mut memory) = (octets, steps);
        for rest in (1..=packets).rev() {
            let (text, share) = (left.div_ceil(rest.into()), memory.div_ceil(rest));
            self.note_waiting(text, share);
            (left, memory) = (left - text, memory - share);
        }
    }

    /// What was held takes the same memory in the queue.
    pub(super) fn linux_keep_memory(&mut self, steps: u16) {
        self.tuning.queued = self.tuning.queued.saturating_add(steps);
    }

    /// A FIN takes a packet of memory too, until it is read past; behind text it is joined to that.
    pub(super) fn linux_fin_arrived(&mut self) {
        if self.tuning.queued == 0 {
            self.queue_packet(0);
        }
    }

    /// The application has read `octets`: packets leave the queue with the last of their text; where nobody knows which
    /// those are, a share of them leaves with a share of it. Says how much of it was the first packet's.
    pub(super) fn linux_text_read(&mut self, octets: u32) -> u32 {
        // Nobody else counts packets, and dividing takes long.
        if self.tuning.queued == 0 {
            return octets;
        }
        if self.profile.packet_memory_steps
            && let Some((freed, first)) = self.note_read(octets)
        {
            self.tuning.queued = self.tuning.queued.saturating_sub(freed);
            return first;
        }
        let (left, queued) = (u64::from(self.rcv.unread), u64::from(self.tuning.queued));
        let left_of = (queued * left).div_ceil((left + u64::from(octets)).max(1));
        self.tuning.queued = u16::try_from(left_of).unwrap_or(u16::MAX);
        octets
    }

    /// `tcp_measure_rcv_mss`.
    fn guess_rcv_mss(&mut self, len: u32, push: bool) {
        let last = std::mem::take(&mut self.tuning.short);
        let rcv_mss = u32::from(self.tuning.rcv_mss);
        let short = u16::try_from(len).unwrap_or(u16::MAX);
        if len >= rcv_mss {
            if len != rcv_mss {
                self.rescale(len);
            }
            self.tuning.rcv_mss = u16::try_from(len.min(self.advertised_mss())).unwrap_or(u16::MAX);
            if push {
                self.bits.set_pushed(true);
            }
            return;
        }
        let with_header = len + if self.bits.timestamps() { 32 } else { 20 };
        if with_header >= DEFAULT_MSS + 20 || (with_header >= MIN_MSS + 20 && !push) {
            self.tuning.short = short;
            if short == last {
                self.tuning.rcv_mss = short;
                return;
            }
        }
        if self.bits.pushed() {
            self.bits.set_pushed_twice(true);
        }
        self.bits.set_pushed(true);
    }

    /// What a full segment costs is known better now (`tcp_scaling_ratio`).
    fn rescale(&mut self, len: u32) {
        let cost = u64::from(self.packet_memory(len));
        let ratio = u8::try_from(u64::from(len) * 256 / cost.max(1)).unwrap_or(u8::MAX).max(1);
        if ratio == self.tuning.ratio {
            return;
        }
        self.tuning.ratio = ratio;
        self.set_window_clamp(self.space(self.memory()));
        self.bound_reading(self.tuning.clamp);
    }

    /// `tcp_event_data_recv`: quick ACKs at the beginning and after a pause, an estimate between.
    fn estimate_ack_delay(&mut self, now: Instant) {
        #[expect(clippy::cast_possible_truncation, reason = "jiffies wrap as well")]
        let tick = (now.as_nanos() / TICK) as u32;
        let rto = u16::try_from(self.rtt.rto / 1000).unwrap_or(u16::MAX);
        let ato = self.tuning.ato;
        if ato == 0 {
            self.grant_quick_acks();
            self.tuning.ato = ATO_MIN;
        } else {
            let pause = u16::try_from(u64::from(tick.wrapping_sub(self.tuning.last_text)) * (TICK / 1_000_000)).unwrap_or(u16::MAX);
            if pause <= ATO_MIN / 2 {
                self.tuning.ato = ato / 2 + ATO_MIN / 2;
            } else if pause < ato {
                self.tuning.ato = (ato / 2).saturating_add(pause).min(rto);
            } else if pause > rto {
                self.grant_quick_acks();
            }
        }
        self.tuning.last_text = tick;
    }

    /// What arrived was here already, or lies beyond the window: the peer may not have our ACKs, and those that follow
    /// do not wait (`tcp_enter_quickack_mode`).
    pub(super) fn linux_hurry_acks(&mut self) {
        if self.profile.ack_policy == AckPolicy::Linux {
            self.grant_quick_acks();
            self.end_dialogue();
            self.tuning.ato = ATO_MIN;
        }
    }

    /// ACKs wait for answers no longer, until there have been some again.
    pub(super) fn end_dialogue(&mut self) {
        self.bits.set_interactive(false);
        if let Some(sender) = &mut self.sender {
            sender.answers = 0;
        }
    }

    /// Another answer leaves: whether that makes the connection interactive.
    #[cold]
    fn has_answered_often(&mut self) -> bool {
        let enough = self.profile.interactive_after;
        self.sender.as_mut().is_none_or(|sender| {
            sender.answers = sender.answers.saturating_add(1);
            sender.answers >= enough
        })
    }

    fn grant_quick_acks(&mut self) {
        let by_window = self.offered_window() / (2 * u32::from(self.tuning.rcv_mss).max(1));
        let grant = if by_window == 0 { 2 } else { by_window }.min(u32::from(self.profile.quick_acks));
        self.quick_acks = self.quick_acks.max(u8::try_from(grant).unwrap_or(u8::MAX));
    }

    /// `tcp_grow_window`.
    fn linux_grow_threshold(&mut self, len: u32) {
        let room = self.tuning.clamp.min(self.space(self.memory().saturating_sub(self.used()))).saturating_sub(self.rcv.threshold);
        if room == 0 {
            return;
        }
        // A head that holds no text is not counted (`truesize_adjust`).
        let cost = if self.profile.linear_packets { self.packet_memory(len) } else { len };
        let gain = if self.space(cost) <= len { 2 * self.advertised_mss() } else { self.gain_of_costly(cost, len) };
        if gain > 0 {
            self.rcv.threshold += room.min(gain.max(2 * len));
            self.quick_acks |= 1;
        }
    }

    /// A packet that takes more memory than its text deserves opens the window only while it is small.
    fn gain_of_costly(&self, cost: u32, len: u32) -> u32 {
        let (mut cost, mut window) = (self.space(cost) / 2, self.space(self.profile.receive_memory_max) / 2);
        while self.rcv.threshold <= window {
            if cost <= len {
                return 2 * u32::from(self.tuning.rcv_mss);
            }
            cost /= 2;
            window /= 2;
        }
        0
    }

    /// Text or FIN arrived: an ACK at once, or later (`__tcp_ack_snd_check`, `tcp_send_delayed_ack`).
    #[inline(never)]
    pub(super) fn linux_schedule_ack(&mut self, fin: bool, now: Instant) {
        if fin {
            // A FIN of a peer that closes first makes us wait for our own answer to it.
            self.bits.set_interactive(true);
            self.bits.set_ack_due(false);
        }
        if self.acks_at_once() {
            self.bits.set_ack_due(true);
            return;
        }
        let delay = u64::from(self.tuning.ato.min(ATO_MIN)) * 1_000_000;
        let mut delay = delay.min((self.rtt.srtt).max(nanos(self.profile.delayed_ack)));
        if self.profile.counts {
            delay = delay.min(self.longest_ack_delay());
        }
        let due = Instant::from_nanos((now.as_nanos() / TICK + delay / TICK + 1) * TICK);
        match self.deadlines.get(Timer::DelayedAck) {
            Some(set) if nanos(set.since(now)) <= delay / 4 => self.bits.set_ack_due(true),
            Some(set) if set <= due => {}
            _ => self.deadlines.set(Timer::DelayedAck, due),
        }
    }

    /// No ACK waits longer, so that none comes later than the peer's least RTO (`tcp_delack_max`).
    fn longest_ack_delay(&self) -> u64 {
        let below_rto = (u64::from(self.rtt.rto_min) * 1000).max(2 * TICK) - TICK;
        nanos(self.profile.delayed_ack_max).min(below_rto)
    }

    /// Whether no ACK waits: more than a segment is not acknowledged, or the connection is new (`__tcp_ack_snd_check`).
    pub(super) fn acks_at_once(&mut self) -> bool {
        let unacked = self.rcv.nxt.since(self.last_ack_sent);
        let full = unacked > u32::from(self.tuning.rcv_mss) && self.linux_window().1 >= self.offered_window();
        full || (self.quick_acks > 0 && !self.bits.interactive())
    }

    /// The delayed-ACK timer fired (`tcp_delack_timer_handler`).
    pub(super) fn linux_delayed_ack_fired(&mut self) {
        let rto = u16::try_from(self.rtt.rto / 1000).unwrap_or(u16::MAX);
        if self.bits.interactive() {
            self.end_dialogue();
            self.tuning.ato = ATO_MIN;
        } else {
            self.tuning.ato = (self.tuning.ato.saturating_mul(2)).min(rto);
        }
    }

    /// A segment with an ACK leaves (`tcp_event_ack_sent`).
    #[inline(never)]
    pub(super) fn linux_ack_sent(&mut self) {
        if self.quick_acks > 0 && self.bits.ack_soon() {
            self.quick_acks -= 1;
            if self.quick_acks == 0 {
                self.tuning.ato = ATO_MIN;
            }
        }
        self.bits.set_pushed(false);
        self.bits.set_pushed_twice(false);
    }

    /// Text leaves soon after text came: request and answer, so ACKs can wait for the answer.
    #[inline(never)]
    pub(super) fn linux_text_sent(&mut self, now: Instant) {
        let tick = now.as_nanos() / TICK;
        let pause = (tick.saturating_sub(u64::from(self.tuning.last_text))) * (TICK / 1_000_000);
        if pause < u64::from(self.tuning.ato) && (self.profile.interactive_after <= 1 || self.has_answered_often()) {
            self.bits.set_interactive(true);
        }
    }

    /// What `tcpi_ato` says, once text has arrived.
    pub(super) fn linux_ack_delay(&self) -> Option<Duration> {
        (self.profile.ack_policy == AckPolicy::Linux && self.tuning.ato != 0).then(|| Duration::from_millis(self.tuning.ato.into()))
    }

    /// What `tcpi_last_data_recv` says: whole ticks, once text has arrived.
    pub(super) fn linux_since_text(&self, now: Instant) -> Option<Duration> {
        self.linux_ack_delay()?;
        #[expect(clippy::cast_possible_truncation, reason = "jiffies wrap as well")]
        let ticks = ((now.as_nanos() / TICK) as u32).wrapping_sub(self.tuning.last_text);
        Some(Duration::from_nanos(u64::from(ticks) * TICK))
    }

    /// What `tcpi_rcv_mss` says.
    pub(super) fn linux_rcv_mss(&self) -> Option<u32> {
        (self.profile.window_policy == WindowPolicy::Linux && self.tuning.rcv_mss != 0).then_some(self.tuning.rcv_mss.into())
    }

    /// The application read something: whether an ACK should tell the peer (`tcp_cleanup_rbuf`).
    #[inline(never)]
    pub(super) fn linux_ack_after_read(&mut self) -> bool {
        if self.bits.ack_soon() {
            let full = self.rcv.nxt.since(self.last_ack_sent) > u32::from(self.tuning.rcv_mss);
            let pushed = self.bits.pushed_twice() || (self.bits.pushed() && !self.bits.interactive());
            if full || (self.used() == 0 && pushed) {
                return true;
            }
        }
        let current = self.rcv.wnd;
        if current.saturating_mul(2) > self.tuning.clamp {
            return false;
        }
        let (_, computed) = self.linux_window();
        computed > 0 && computed >= current.saturating_mul(2)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    /// Of Linux, where packets come from a program.
    fn receiver(timestamps: bool) -> Connection {
        let mut connection = Connection::new(Arc::new(Profile { packet_memory_steps: true, ..Profile::linux() }));
        connection.bits.set_timestamps(timestamps);
        connection
    }

    /// Memory that packets of these lengths take, one after the other, as `SO_MEMINFO` tells it.
    fn taken(mut connection: Connection, lengths: &[u32]) -> Vec<u32> {
        let queue = |len: &u32| {
            connection.queue_packet(*len);
            connection.used()
        };
        lengths.iter().map(queue).collect()
    }

    #[test]
    fn a_packet_takes_a_head_of_an_allocators_size_and_pages_beside_it() {
        // Measured on 6.18: one packet through a TUN device, read by nobody; without timestamps and with them.
        for (len, bare, stamped) in [
            (1, 832, 832),
            (140, 832, 832),
            (141, 832, 1280),
            (152, 832, 1280),
            (153, 1280, 1280),
            (588, 1280, 1280),
            (589, 1280, 2304),
            (600, 1280, 2304),
            (601, 2304, 2304),
            (1612, 2304, 2304),
            (1613, 2304, 4352),
            (1624, 2304, 4352),
            (1625, 4352, 4352),
            (3660, 4352, 4352),
            (3661, 4352, 8448),
            (3672, 4352, 8448),
            (3673, 8448, 8448),
            (3991, 8448, 8448),
            (3992, 8448, 8448),
            (7756, 8448, 8448),
            (7757, 8448, 12_544),
            (7768, 8448, 12_544),
            (7769, 12_544, 12_544),
        ] {
            assert_eq!((taken(receiver(false), &[len]), taken(receiver(true), &[len])), (vec![bare], vec![stamped]), "{len}");
        }
    }

    #[test]
    fn short_text_is_copied_behind_the_last_where_its_head_has_room() {
        // Measured as above.
        for (lengths, memory) in [
            (&[100, 52, 1][..], &[832, 832, 1664][..]),
            (&[100, 53, 1], &[832, 1664, 1664]),
            (&[140, 12, 1], &[832, 832, 1664]),
            (&[600, 1], &[1280, 2112]),
            (&[500, 100, 1], &[1280, 1280, 2112]),
            (&[500, 101], &[1280, 2112]),
            (&[1000, 624, 1], &[2304, 2304, 3136]),
            (&[1000, 625], &[2304, 4608]),
            (&[1000, 10, 10, 604], &[2304, 2304, 2304, 2304]),
            (&[1000, 10, 10, 605], &[2304, 2304, 2304, 4608]),
            (&[3672, 1], &[4352, 5184]),
            (&[3991, 1], &[8448, 8448]),
            // Not behind pages.
            (&[3992, 1], &[8448, 9280]),
            (&[4000, 10], &[8448, 9280]),
        ] {
            assert_eq!(taken(receiver(false), lengths), memory, "{lengths:?}");
        }
        let tens: Vec<_> = taken(receiver(false), &[10; 16]);
        assert_eq!((&tens[..15], tens[15]), (&[832; 15][..], 1664), "142 octets are behind the first");
    }

    #[test]
    fn nothing_is_copied_behind_what_was_read() {
        let mut connection = receiver(false);
        connection.queue_packet(100);
        connection.linux_text_read(100);
        assert_eq!(connection.used(), 0);
        assert_eq!(taken(connection, &[10, 10]), [832, 832]);
    }
}
