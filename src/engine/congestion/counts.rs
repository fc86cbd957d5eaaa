//! What is only counted: segments, octets and times that [`Info`](crate::engine::Info) tells of.

use std::time::Duration;

use super::cubic::Cubic;
use super::{CongestionState, INFINITE};
use crate::engine::info::Info;
use crate::engine::profile::CongestionControl;
use crate::engine::segment::Segment;
use crate::engine::seq::Theirs;
use crate::engine::state::State;
use crate::engine::tcb::{Connection, Origin};
use crate::engine::time::Instant;

/// Counted from the first segment on where [`Profile::counts`](crate::engine::Profile::counts) is set.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub(super) struct Counts {
    pub segs_in: u32,
    pub segs_out: u32,
    pub data_segs_in: u32,
    pub data_segs_out: u32,
    pub resent: u32,
    pub bytes_sent: u64,
    pub bytes_resent: u64,
    pub dsacks: u32,
    pub delivered_ce: u32,
    pub out_of_order: u32,
    /// When text last arrived, when an ACK did, in nanoseconds; 0 before.
    pub text_at: u64,
    pub ack_at: u64,
    /// Since when text was outstanding or waited, in nanoseconds; 0 while there is none. And how long it was before.
    pub busy_since: u64,
    pub busy: u64,
    /// Since when the peer's window alone has held text back; 0 while it does not. And how long it did before.
    pub limited_since: u64,
    pub limited: u64,
    /// Time-outs, and how many of them were the first in a row.
    pub timeouts: u32,
    pub timeout_rows: u32,
    /// When the present row began, in nanoseconds, 0 being none; and how long those before lasted.
    pub timeouts_since: u64,
    pub timed_out: u64,
}

impl Counts {
    /// Nothing is outstanding and nothing waits.
    pub(super) const fn rest(&mut self, now: u64) {
        if self.busy_since != 0 {
            self.busy += now.saturating_sub(self.busy_since);
            self.busy_since = 0;
        }
        self.note_limit(now, false);
    }

    /// The retransmission timer has expired, for the first time in a row or not (`tcp_update_rto_stats`).
    #[cold]
    pub(super) fn note_timeout(&mut self, now: u64, first: bool) {
        self.timeouts = self.timeouts.saturating_add(1);
        if first {
            self.timeout_rows = self.timeout_rows.saturating_add(1);
            self.timeouts_since = now.max(1);
        }
    }

    /// What had timed out is acknowledged.
    #[cold]
    pub(super) const fn end_timeouts(&mut self, now: u64) {
        // A path that turned out to be too short is no time-out.
        if self.timeouts_since != 0 {
            self.timed_out += now - self.timeouts_since;
            self.timeouts_since = 0;
        }
    }

    const fn note_limit(&mut self, now: u64, limited: bool) {
        match (limited, self.limited_since) {
            (true, 0) => self.limited_since = if now == 0 { 1 } else { now },
            (true, _) | (false, 0) => {}
            (false, since) => {
                self.limited += now.saturating_sub(since);
                self.limited_since = 0;
            }
        }
    }
}

impl Connection {
    /// A segment arrives.
    pub(in crate::engine) fn count_arrival(&mut self, segment: &Segment<Theirs>, now: Instant) {
        let ahead = self.rcv.nxt.before(segment.text_seq());
        if let Some(sender) = &mut self.sender {
            let counts = &mut sender.counts;
            counts.segs_in = counts.segs_in.wrapping_add(1);
            if segment.len > 0 {
                counts.data_segs_in = counts.data_segs_in.wrapping_add(1);
                counts.text_at = now.as_nanos();
                counts.out_of_order = counts.out_of_order.wrapping_add(ahead.into());
            }
        }
    }

    /// Whether the peer's window alone holds text back now.
    pub(in crate::engine) fn note_peer_limit(&mut self, now: Instant, limited: bool) {
        if let Some(sender) = &mut self.sender {
            sender.counts.note_limit(now.as_nanos(), limited);
        }
    }

    /// A segment leaves, with so much text.
    pub(in crate::engine) fn count_departure(&mut self, len: u32, now: Instant) {
        if let Some(sender) = &mut self.sender {
            let counts = &mut sender.counts;
            counts.segs_out = counts.segs_out.wrapping_add(1);
            if len > 0 {
                counts.data_segs_out = counts.data_segs_out.wrapping_add(1);
                counts.bytes_sent += u64::from(len);
                sender.sent_at = now.as_nanos();
            }
        }
    }

    /// A SYN leaves. To Linux the answers to one belong to the request, and not to what comes of it.
    #[cold]
    pub(in crate::engine) fn count_syn(&mut self) {
        if let Some(sender) = &mut self.sender {
            sender.counts.segs_out = sender.counts.segs_out.wrapping_add(1);
        }
    }

    /// A SYN or SYN,ACK has timed out, and leaves again.
    #[cold]
    pub(in crate::engine) fn count_syn_again(&mut self, now: Instant) {
        let first = self.backoff == 1;
        // Of what it made of a request Linux only knows when the first SYN,ACK left.
        let request = if self.origin == Origin::Passive { u64::from(self.rtt.rto) * 1000 } else { 0 };
        if let Some(sender) = &mut self.sender {
            sender.counts.resent = sender.counts.resent.wrapping_add(1);
            sender.counts.note_timeout(now.as_nanos() - request, first);
        }
    }

    /// The SYN is acknowledged, at last.
    #[cold]
    pub(in crate::engine) fn count_late_syn(&mut self, now: Instant) {
        if let Some(sender) = &mut self.sender {
            sender.counts.end_timeouts(now.as_nanos());
        }
    }
}

/// A moment in nanoseconds, 0 being none, as the time since.
fn since(now: Instant, at: u64) -> Option<Duration> {
    (at != 0).then(|| Duration::from_nanos(now.as_nanos().saturating_sub(at)))
}

impl Connection {
    /// What the scoreboard, the windows and the counts add to what is told of a connection.
    #[cold]
    pub(in crate::engine) fn tell_of_sender(&self, now: Instant, info: &mut Info) {
        if let Some((cwnd, ssthresh)) = self.octets_known() {
            (info.snd_cwnd_octets, info.snd_ssthresh_octets) = (Some(cwnd), Some(ssthresh));
        }
        // When it is over, what the sender has come to is still told.
        let over =
            self.state == State::Closed && self.profile.congestion_control != CongestionControl::Off && !self.profile.congestion_in_octets;
        if !self.has_congestion_control() && !over {
            let asked = self.state == State::SynSent || (self.state == State::SynReceived && self.origin == Origin::Active);
            if asked && !self.profile.congestion_in_octets && self.profile.congestion_control != CongestionControl::Off {
                self.tell_of_syn(info);
            }
            self.tell_counts(now, info);
            return;
        }
        let Some(sender) = &self.sender else {
            // One segment at most has been under way at any time, and none was lost.
            let out = u32::from(self.snd.una != self.snd.nxt);
            info.ca_state = Some(CongestionState::Open);
            (info.unacked, info.sacked, info.lost, info.retrans, info.fackets) = (Some(out), Some(0), Some(0), Some(0), Some(0));
            (info.snd_cwnd, info.snd_ssthresh) = (Some(self.profile.initial_window.max(1)), Some(INFINITE));
            info.reordering = Some(self.profile.reordering.into());
            return;
        };
        let board = &sender.board;
        info.ca_state = Some(sender.state);
        info.retransmits = sender.timeouts;
        (info.unacked, info.sacked, info.lost) = (Some(board.out()), Some(board.sacked), Some(board.lost));
        (info.retrans, info.fackets) = (Some(board.resent), Some(0));
        (info.snd_cwnd, info.snd_ssthresh) = (Some(sender.cwnd), Some(sender.ssthresh));
        (info.reordering, info.reord_seen) = (Some(sender.reordering), Some(sender.reord_seen));
        // Where nothing was measured, it is reckoned with an eighth of a second.
        let unmeasured = if self.rtt.srtt == 0 { 125 } else { 1 };
        info.pacing_rate = Some(self.pacing_rate(sender) / unmeasured);
        self.tell_counts(now, info);
    }

    /// The SYN is a segment under way like any other, and lost once it has timed out.
    fn tell_of_syn(&self, info: &mut Info) {
        let lost = self.backoff > 0;
        let first = self.profile.initial_window.max(1);
        info.ca_state = Some(if lost { CongestionState::Loss } else { CongestionState::Open });
        if self.state == State::SynSent {
            info.backoff = self.backoff.saturating_sub(self.profile.syn_linear_timeouts);
        }
        (info.unacked, info.sacked, info.fackets) = (Some(1), Some(0), Some(0));
        (info.lost, info.retrans) = (Some(lost.into()), Some(lost.into()));
        info.snd_cwnd = Some(if lost { 1 } else { first });
        let reduced = match self.profile.congestion_control {
            CongestionControl::Cubic => Cubic::default().reduced(first),
            CongestionControl::Off | CongestionControl::Reno => (first / 2).max(2),
        };
        info.snd_ssthresh = Some(if lost { reduced } else { INFINITE });
        info.reordering = Some(self.profile.reordering.into());
    }

    fn tell_counts(&self, now: Instant, info: &mut Info) {
        let Some(sender) = self.sender.as_ref().filter(|_| self.profile.counts) else { return };
        let counts = &sender.counts;
        (info.segs_in, info.segs_out) = (Some(counts.segs_in), Some(counts.segs_out));
        (info.data_segs_in, info.data_segs_out) = (Some(counts.data_segs_in), Some(counts.data_segs_out));
        (info.total_retrans, info.bytes_retrans) = (Some(counts.resent), Some(counts.bytes_resent));
        info.bytes_sent = Some(counts.bytes_sent);
        info.rcv_ooopack = Some(counts.out_of_order);
        (info.total_rto, info.total_rto_recoveries) = (Some(counts.timeouts), Some(counts.timeout_rows));
        info.total_rto_time = Some(Duration::from_nanos(counts.timed_out) + since(now, counts.timeouts_since).unwrap_or_default());
        info.last_data_sent = since(now, sender.sent_at);
        info.last_data_recv = since(now, counts.text_at);
        info.last_ack_recv = since(now, counts.ack_at);
        info.min_rtt = (sender.min_rtt != 0).then(|| Duration::from_nanos(sender.min_rtt));
        if self.has_congestion_control() {
            (info.dsack_dups, info.delivered, info.delivered_ce) = (Some(counts.dsacks), Some(sender.delivered), Some(counts.delivered_ce));
            let busy = since(now, counts.busy_since).unwrap_or_default();
            info.busy_time = Some(busy + Duration::from_nanos(counts.busy));
            let limited = since(now, counts.limited_since).unwrap_or_default();
            info.rwnd_limited = Some(limited + Duration::from_nanos(counts.limited));
        }
    }
}
