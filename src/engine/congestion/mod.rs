//! Congestion control: how much may be under way, and what leaves again when something was lost.
//!
//! RFC 5681, 6582, 6675, 6937, 8985 and 5682 in the form that Linux gives them (`tcp_input.c`, `tcp_output.c`,
//! `tcp_recovery.c`, as measured on 6.18): windows are counted in segments, losses are told by time and order.
//!
//! What a connection knows of this stands in a box. A connection that never has more than one segment under way,
//! loses none and was not asked to count has no box, and pays one test for it.

mod arriving;
mod counts;
mod cubic;
mod hystart;
mod mtu_probe;
mod octets;
mod packets;
mod recovery;
mod sacking;
mod scoreboard;
mod sending;
mod timing;
mod window;

use super::info::CongestionState;
use super::profile::{CongestionControl, Profile};
use super::reading::Reading;
use super::seq::{Ours, SeqNumber};
use super::tcb::Connection;
use super::time::Instant;

use counts::Counts;
use cubic::Cubic;
use mtu_probe::Path;
use octets::Octets;
use scoreboard::{Marks, Scoreboard};
use timing::{Pending, Rack};

type Seq = SeqNumber<Ours>;

/// The slow start threshold before anything was lost.
const INFINITE: u32 = u32::MAX;

/// What one connection knows of the network between it and its peer.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(super) struct Sender {
    board: Scoreboard,
    state: CongestionState,
    /// The congestion window, in segments.
    cwnd: u32,
    /// The slow start threshold, in segments.
    ssthresh: u32,
    /// Segments acknowledged since the window last grew by one, in congestion avoidance.
    grown: u32,
    cubic: Cubic,
    /// SND.NXT when the present episode began: what lies below it is its business (`high_seq`).
    high: Seq,
    /// What both were before the episode, to return to.
    prior_cwnd: u32,
    prior_ssthresh: u32,
    /// Proportional rate reduction (RFC 6937): segments delivered, and left, in this recovery.
    prr_delivered: u32,
    prr_out: u32,
    /// How many segments out of order are no sign of loss yet.
    reordering: u32,
    reord_seen: u32,
    /// SND.UNA when the window last came down, as long as that may have been a mistake.
    undo_marker: Option<Seq>,
    /// Copies that no D-SACK has named yet; none: there were none to name.
    undo_resent: Option<u32>,
    /// When the first copy of this episode left, in nanoseconds; 0: none did.
    resent_at: u64,
    /// F-RTO (RFC 5682) waits for what two ACKs after a time-out say.
    frto: bool,
    /// Time-outs since something new was acknowledged.
    timeouts: u8,
    /// SND.NXT when the probe of the tail left, until that is acknowledged.
    probe_high: Option<Seq>,
    /// The probe was, or is to be, a copy.
    probe_copied: bool,
    /// A short segment waits for more, until an ACK arrives.
    pub held_for_call: bool,
    /// It has to leave.
    probe_due: bool,
    /// The front has to leave again, whatever is known of it and whatever the window says: the timeout wants so.
    front_due: bool,
    /// What the retransmission timer is running for.
    pending: Pending,
    rack: Rack,
    /// What is known of the reader, where segments are counted.
    pub(super) reading: Reading,
    /// The shortest round trip, in nanoseconds; 0: none was measured.
    min_rtt: u64,
    /// Segments that arrived, as far as ACKs tell.
    delivered: u32,
    /// The window was full when something last left.
    limited: bool,
    /// Most segments under way since `usage`, where the window was not full.
    max_out: u32,
    /// SND.NXT when that was noted.
    usage: Seq,
    /// Most segments under way since the window was last full.
    used: u32,
    /// When it was, in nanoseconds.
    used_at: u64,
    /// Something left since it was last looked at.
    unvalidated: bool,
    /// The number behind the last segment that could have been longer (Minshall's Nagle).
    short_end: Option<Seq>,
    /// When text last left, in nanoseconds.
    sent_at: u64,
    /// Octets that still leave in one packet of several segments, and whether any of it has left.
    packet: u32,
    packet_begun: bool,
    /// Where the last packet of what has not left begins, and how long those before it are.
    tail: Seq,
    longest: u32,
    /// Copies that leave in one packet with the last one, and whether that one is pushed.
    copies: u8,
    copies_push: bool,
    /// Answers that left soon after text came, one after the other (`pingpong`), where more than one is asked for.
    pub(super) answers: u8,
    /// What is found out of the path, where it is probed.
    path: Option<Box<Path>>,
    counts: Counts,
    /// The window where it is counted in octets; all of the above but `counts` is not in use then.
    octets: Octets,
}

impl Sender {
    fn new(profile: &Profile, una: Seq) -> Self {
        Self {
            board: Scoreboard::default(),
            state: CongestionState::Open,
            cwnd: profile.initial_window.max(1),
            ssthresh: INFINITE,
            grown: 0,
            cubic: Cubic::default(),
            high: una,
            prior_cwnd: 0,
            prior_ssthresh: 0,
            prr_delivered: 0,
            prr_out: 0,
            reordering: profile.reordering.into(),
            reord_seen: 0,
            undo_marker: None,
            undo_resent: None,
            resent_at: 0,
            frto: false,
            timeouts: 0,
            probe_high: None,
            probe_copied: false,
            held_for_call: false,
            probe_due: false,
            front_due: false,
            pending: Pending::Timeout,
            rack: Rack::new(una),
            reading: Reading::default(),
            min_rtt: 0,
            delivered: 1,
            limited: false,
            max_out: 0,
            usage: una,
            used: 0,
            used_at: 0,
            unvalidated: false,
            short_end: None,
            sent_at: 0,
            packet: 0,
            packet_begun: false,
            tail: una,
            longest: 0,
            copies: 0,
            copies_push: false,
            answers: 0,
            path: None,
            counts: Counts::default(),
            octets: Octets::default(),
        }
    }

    /// Of a connection that counts from the beginning.
    #[cold]
    pub(super) fn counting(profile: &Profile) -> Box<Self> {
        Box::new(Self::new(profile, SeqNumber::new(0)))
    }

    pub(super) fn note_round_trip(&mut self, rtt: u64) {
        self.min_rtt = if self.min_rtt == 0 { rtt } else { self.min_rtt.min(rtt) };
    }

    const fn count_delivered(&mut self, segments: u32, ece: bool) {
        self.delivered = self.delivered.wrapping_add(segments);
        if ece {
            self.counts.delivered_ce = self.counts.delivered_ce.wrapping_add(segments);
        }
    }

    /// Segments that may leave now.
    fn room(&self) -> u32 {
        self.cwnd.saturating_sub(self.board.in_flight())
    }

    /// Whether the window comes down, segment by segment, as ACKs arrive.
    const fn is_reducing(&self) -> bool {
        matches!(self.state, CongestionState::Cwr | CongestionState::Recovery)
    }
}

impl Connection {
    /// Whether the profile has a congestion control in segments, and the connection come so far that it applies.
    pub(super) fn has_congestion_control(&self) -> bool {
        self.profile.congestion_control != CongestionControl::Off && !self.profile.congestion_in_octets && self.bits.syn_acked()
    }

    /// Whether the scoreboard says what leaves again; while a closed window is probed, it does not.
    pub(super) fn has_scoreboard(&self) -> bool {
        self.sender.is_some() && self.has_congestion_control() && !self.bits.probing()
    }

    /// The retransmission timer has expired: from now on a scoreboard says what that means.
    #[cold]
    pub(super) fn notice_expiry(&mut self, now: Instant) {
        if self.has_congestion_control() && !self.bits.probing() {
            self.list_under_way(now);
        }
    }

    /// From now on there is a scoreboard, and all that is under way stands on it.
    #[cold]
    pub(super) fn list_under_way(&mut self, now: Instant) {
        if self.sender.is_none() {
            self.begin_congestion_control(now);
        }
        self.list_what_left(now.as_nanos());
    }

    /// Whether a segment of text that could have been longer is unacknowledged.
    pub(super) fn is_short_under_way(&self) -> bool {
        match &self.sender {
            Some(sender) if self.has_congestion_control() => sender.short_end.is_some_and(|end| end.after(self.snd.una)),
            _ => self.bits.short_under_way(),
        }
    }

    /// Whether anything stands on the scoreboard.
    pub(super) fn lists_text(&self) -> bool {
        self.sender.as_ref().is_some_and(|sender| !sender.board.queue.is_empty())
    }

    /// Packets that are under way with text, where several segments leave in one that is cut on its way (TSO).
    pub fn packets_under_way(&self) -> u32 {
        let board = self.sender.as_ref().map(|sender| &sender.board.queue).filter(|queue| !queue.is_empty());
        let Some(queue) = board else { return u32::from(self.text_in_flight() > 0) };
        let behind = queue.iter().skip(1).filter(|sent| !sent.marks.has(Marks::JOINED)).count();
        u32::try_from(behind).unwrap_or(u32::MAX).saturating_add(1)
    }

    /// The number of the first octet of text that is not acknowledged.
    pub fn first_unacknowledged(&self) -> Seq {
        self.text_start()
    }

    /// The largest window that the peer has offered, in octets.
    pub fn largest_window(&self) -> u32 {
        self.snd.max_wnd
    }

    /// Nothing is under way any more; what was counted stays.
    pub(super) fn rest_sender(&mut self) {
        if self.profile.counts {
            if let Some(sender) = &mut self.sender {
                sender.board = Scoreboard::default();
            }
        } else {
            self.sender = None;
        }
    }

    /// Time-outs in a row, if the retransmission timer that has expired was one.
    pub(super) fn timeouts(&self) -> Option<u8> {
        self.sender.as_ref().filter(|sender| sender.pending == Pending::Timeout).map(|sender| sender.timeouts)
    }

    /// From now on the connection keeps a scoreboard: of what is under way it knows the numbers, and when the first of it left.
    #[cold]
    pub(super) fn begin_congestion_control(&mut self, now: Instant) {
        let mut sender = Box::new(Sender::new(&self.profile, self.snd.una));
        // As many as a window has that has not grown much.
        sender.board.queue.reserve_exact(16);
        sender.used_at = now.as_nanos();
        sender.sent_at = now.as_nanos();
        // The one segment that may be under way has begun the sample, and its timer stands for a probe.
        if self.probes_tail() && self.backoff == 0 {
            sender.pending = Pending::Probe;
        }
        sender.min_rtt = self.rtt.srtt;
        sender.short_end = self.bits.short_under_way().then_some(self.snd.nxt);
        let at = if self.rtt.timed_at == 0 { now.as_nanos() } else { self.rtt.timed_at };
        if at == now.as_nanos() && !self.bits.first_pushed() {
            // What leaves now continues its packet.
            self.continue_packet(&mut sender, now);
        }
        self.sender = Some(sender);
        self.list_what_left(at);
    }

    /// The handshake had to be sent again: the window begins with one segment (RFC 5681 section 3.1).
    #[cold]
    pub(super) fn start_small(&mut self, now: Instant) {
        if self.sender.is_none() {
            self.begin_congestion_control(now);
        }
        if let Some(sender) = &mut self.sender {
            sender.cwnd = 1;
        }
    }

    /// Puts what has left and does not stand on the scoreboard there, as text that left at `at`.
    pub(super) fn list_what_left(&mut self, at: u64) {
        let (una, nxt, mss, fin) = (self.text_start(), self.snd.nxt, u32::from(self.effective_mss()), self.bits.fin_sent());
        let Some(sender) = &mut self.sender else { return };
        let mut start = sender.board.queue.back().map_or(una, |sent| sent.end);
        if !una.at_or_before(start) || !start.at_or_before(nxt) {
            sender.board = Scoreboard::default();
            start = una;
        }
        while start != nxt {
            let left = nxt.since(start);
            // The FIN has a number, and takes no text.
            let most = if fin && left == mss + 1 { mss + 1 } else { mss };
            let end = start.plus(left.min(most));
            let last = end == nxt;
            let text = end != start.plus(u32::from(fin));
            let marks = Marks::default().with(Marks::FIN, fin && last).with(Marks::PUSH, last && text && self.bits.first_pushed());
            sender.board.push(start, end, at, marks);
            start = end;
        }
    }
}
