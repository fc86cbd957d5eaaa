//! FreeBSD's congestion window, which is counted in octets (`tcp_input.c`, `tcp_timer.c`, `cc.c`, `cc_newreno.c`,
//! `cc_cubic.c`).
//!
//! Here: the initial window, slow start, newreno's congestion avoidance, limited transmit, the first copy of what is lost, and what a
//! time-out and an idle time make of the window.
//! Not here: what follows on that copy (recovery, PRR), and cubic's growth. A connection that comes so far is in doubt.

use super::Seq;
use super::arriving::Before;
use crate::engine::options::TcpOption;
use crate::engine::profile::{CongestionControl, Profile};
use crate::engine::segment::{Flags, Segment};
use crate::engine::seq::Theirs;
use crate::engine::tcb::Connection;
use crate::engine::time::{Instant, nanos};

/// The threshold before anything was lost: the largest window there is.
const INFINITE: u32 = (u16::MAX as u32) << 14;
/// An Ethernet segment, by which the initial window is bounded (RFC 6928 section 2).
const USUAL_MSS: u32 = 1460;
/// What cubic keeps of a window after a time-out, of 1024.
const CUBIC_BETA: u64 = 717;

/// The window of one connection, octets.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(super) struct Octets {
    /// 0 before the connection is open.
    cwnd: u32,
    ssthresh: u32,
    /// Acknowledged since the window last grew, in congestion avoidance (`t_bytes_acked`).
    acked: u32,
    /// ACKs in a row that say nothing new (`t_dupacks`).
    duplicates: u8,
    /// What was under way at the first of them.
    flight: u32,
    /// What may be under way for limited transmit; 0 at all other times.
    limited: u32,
    /// The first block of the last ACK.
    block: Option<(u32, u32)>,
    /// The first copy of a loss has left.
    recovering: bool,
    /// Something was decided that is not modelled.
    doubtful: bool,
}

impl Default for Octets {
    fn default() -> Self {
        Self {
            cwnd: 0,
            ssthresh: INFINITE,
            acked: 0,
            duplicates: 0,
            flight: 0,
            limited: 0,
            block: None,
            recovering: false,
            doubtful: false,
        }
    }
}

impl Octets {
    /// `tcp_compute_initwnd`.
    fn initial(profile: &Profile, mss: u32) -> u32 {
        let segments = profile.initial_window;
        segments.saturating_mul(mss).min((2 * mss).max(segments.saturating_mul(USUAL_MSS)))
    }

    /// So much was acknowledged, the peer's window being `wnd` (`cc_ack_received`).
    fn grow(&mut self, profile: &Profile, acked: u32, mss: u32, wnd: u32, again: bool, most: u32) {
        let avoids = self.cwnd > self.ssthresh;
        self.acked = if avoids { self.acked.saturating_add(acked) } else { 0 };
        let grown = match (avoids, profile.congestion_control) {
            _ if self.cwnd > wnd => 0,
            (false, _) => acked.min(mss.saturating_mul(if again { 1 } else { profile.abc_limit.into() })),
            (true, CongestionControl::Cubic) => {
                self.doubtful = true;
                0
            }
            (true, CongestionControl::Off | CongestionControl::Reno) if self.acked >= self.cwnd => {
                self.acked -= self.cwnd;
                mss
            }
            (true, CongestionControl::Off | CongestionControl::Reno) => 0,
        };
        self.cwnd = self.cwnd.saturating_add(grown).min(most.max(self.cwnd));
    }

    /// Half of the window in whole segments, two at least.
    fn halved(window: u32, mss: u32) -> u32 {
        (window / 2 / mss).max(2) * mss
    }
}

impl Connection {
    /// Whether the window is counted in octets, as FreeBSD does.
    pub(in crate::engine) fn counts_octets(&self) -> bool {
        self.profile.congestion_in_octets && self.profile.congestion_control != CongestionControl::Off && self.bits.syn_acked()
    }

    /// Our SYN is acknowledged, after so many time-outs: the window begins (`cc_conn_init`).
    #[cold]
    pub(in crate::engine) fn begin_octets(&mut self, timeouts: u8) {
        let mss = u32::from(self.effective_mss());
        let (profile, una) = (&self.profile, self.snd.una);
        let sender = self.sender.get_or_insert_with(|| Box::new(super::Sender::new(profile, una)));
        let small = timeouts >= profile.small_start_after;
        sender.octets = Octets { cwnd: if small { mss } else { Octets::initial(profile, mss) }, ..Octets::default() };
    }

    /// Whether so much new text may leave.
    pub(super) fn has_octets(&mut self, now: Instant) -> bool {
        let next = self.snd.unsent.min(self.effective_mss().into());
        let flight = self.snd.nxt.since(self.text_start());
        if flight == 0 {
            self.restart_octets(now);
            return true;
        }
        self.sender.as_ref().is_none_or(|sender| flight.saturating_add(next) <= sender.octets.cwnd.max(sender.octets.limited))
    }

    /// After an idle time the window is the initial one again, if it was larger (`cc_after_idle`).
    fn restart_octets(&mut self, now: Instant) {
        let mss = u32::from(self.effective_mss());
        // `TCPT_RANGESET` adds the slop once something was measured.
        let slop = if self.rtt.srtt == 0 { 0 } else { nanos(self.profile.rto_slop) };
        let rto = self.backed_off_rto().saturating_add(slop);
        let Some(sender) = &mut self.sender else { return };
        let counts = &sender.counts;
        let idle = |at: u64| at != 0 && now.as_nanos().saturating_sub(at) >= rto;
        if idle(counts.ack_at.max(counts.text_at)) || idle(sender.sent_at) {
            let octets = &mut sender.octets;
            octets.ssthresh = octets.ssthresh.max(octets.cwnd - octets.cwnd / 4);
            octets.cwnd = octets.cwnd.min(Octets::initial(&self.profile, mss));
        }
    }

    /// An ACK was taken: what it says of the window.
    pub(super) fn heed_in_octets(&mut self, segment: &Segment<Theirs>, before: Before, now: Instant) {
        let mss = u32::from(self.effective_mss());
        let (una, nxt, recover, most) = (self.snd.una, self.snd.nxt, self.recover, u32::from(u16::MAX) << self.snd.shift);
        // Our SYN is none of the text, nor of what the window is counted by.
        let acked = una.since(before.una) - u32::from(before.una == self.iss && una != before.una);
        let (flight, unsent) = (nxt.since(una), self.snd.unsent);
        let Some(sender) = self.sender.as_deref_mut() else { return };
        let octets = &mut sender.octets;
        octets.limited = 0;
        // Where there is nothing more to send, nothing is decided.
        octets.doubtful |= octets.recovering && (flight > mss || unsent > 0) && una != nxt;
        if acked > 0 {
            octets.duplicates = u8::from(first_block(segment).is_some());
            if octets.recovering {
                if recover.at_or_before(una) {
                    octets.recovering = false;
                    // `post_recovery`, where nothing is under way.
                    octets.cwnd = 2 * mss;
                }
                return;
            }
            octets.grow(&self.profile, acked, mss, before.wnd, una.before(recover), most);
            return;
        }
        if segment.has(Flags::FIN) && !self.bits.peer_fin() {
            octets.duplicates = 0;
            return;
        }
        let alone = segment.len == 0 && segment.ack == una;
        let same = self.bits.sack() || segment.window.scaled(self.snd.shift) == before.wnd;
        let block = first_block(segment);
        let news = block.is_none() || block != octets.block;
        // While a closed window is asked, nothing but probes is under way.
        if !alone || !same || !news || octets.recovering || una == nxt || self.bits.probing() {
            return;
        }
        octets.block = block;
        octets.duplicates = octets.duplicates.saturating_add(1);
        if octets.duplicates == 1 {
            octets.flight = nxt.since(una);
        }
        if octets.duplicates >= 3 || sacked(segment) > 2 * mss {
            self.copy_first(nxt, mss, now);
        } else if self.profile.limited_transmit {
            octets.limited = octets.flight.saturating_add(mss * u32::from(octets.duplicates));
        }
    }

    /// Something is lost: the front leaves again, and nothing else (`tcp_do_segment`, `enter_recovery`).
    fn copy_first(&mut self, nxt: Seq, mss: u32, now: Instant) {
        let Some(sender) = self.sender.as_deref_mut() else { return };
        let octets = &mut sender.octets;
        octets.ssthresh = match self.profile.congestion_control {
            // Of the first loss ever; of later ones there is doubt.
            CongestionControl::Cubic => (octets.cwnd / 2).max(2 * mss),
            CongestionControl::Off | CongestionControl::Reno => Octets::halved(octets.cwnd, mss),
        };
        octets.cwnd = mss;
        octets.recovering = true;
        self.recover = nxt;
        self.rtt.timed_at = 0;
        self.bits.set_front_due(true);
        self.start_retransmission(now);
    }

    /// The retransmission timer has expired (`tcp_timer_rexmt`, `CC_RTO`).
    pub(in crate::engine) fn time_out_octets(&mut self) {
        let (mss, flight, wnd) = (u32::from(self.effective_mss()), self.snd.nxt.since(self.text_start()), self.snd.wnd);
        let Some(sender) = self.sender.as_deref_mut() else { return };
        let octets = &mut sender.octets;
        octets.ssthresh = match self.profile.congestion_control {
            CongestionControl::Cubic => u32::try_from(u64::from(octets.cwnd) * CUBIC_BETA / 1024).unwrap_or(u32::MAX),
            CongestionControl::Off | CongestionControl::Reno => Octets::halved(octets.cwnd.min(wnd), mss),
        };
        octets.cwnd = mss;
        octets.acked = 0;
        octets.duplicates = 0;
        octets.recovering = false;
        // All of it leaves again, two segments for each ACK.
        octets.doubtful |= flight > mss;
    }

    /// What is under way is longer than the path takes, and all of it leaves again at once there (`tcp_mtudisc`).
    pub(in crate::engine) fn doubt_octets(&mut self) {
        if let Some(sender) = self.sender.as_deref_mut() {
            sender.octets.doubtful = true;
        }
    }

    /// Window and threshold, octets, as long as they are known for certain.
    pub(super) fn octets_known(&self) -> Option<(u32, u32)> {
        let sender = self.sender.as_ref().filter(|_| self.counts_octets())?;
        (!sender.octets.doubtful && !sender.octets.recovering).then_some((sender.octets.cwnd, sender.octets.ssthresh))
    }

    /// Whether what leaves, and when, goes by rules that are not modelled.
    pub fn is_in_doubt(&self) -> bool {
        self.counts_octets() && self.sender.as_ref().is_some_and(|sender| sender.octets.doubtful)
    }
}

/// The edges of the SACK blocks of a segment.
fn blocks(segment: &Segment<Theirs>) -> impl Iterator<Item = (u32, u32)> + '_ {
    segment.options.iter().filter_map(|option| if let TcpOption::Sack(octets) = option { Some(octets) } else { None }).flat_map(|octets| {
        let edges: Vec<(u32, u32)> = octets
            .chunks_exact(8)
            .map(|block| {
                let edge = |at: usize| u32::from_be_bytes([block[at], block[at + 1], block[at + 2], block[at + 3]]);
                (edge(0), edge(4))
            })
            .collect();
        edges
    })
}

fn first_block(segment: &Segment<Theirs>) -> Option<(u32, u32)> {
    blocks(segment).next()
}

/// Octets that the blocks of a segment cover.
fn sacked(segment: &Segment<Theirs>) -> u32 {
    blocks(segment).map(|(left, right)| right.wrapping_sub(left)).fold(0, u32::saturating_add)
}
