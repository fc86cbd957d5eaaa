//! What a stack tells of one connection beyond its variables: the numbers of `TCP_INFO`.
//!
//! A number that the engine does not know is absent, never guessed.

use std::time::Duration;

use super::state::State;
use super::tcb::{Connection, Origin};
use super::time::Instant;

/// Where the sender stands with congestion (Linux's `tcpi_ca_state`).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
#[repr(u8)]
pub enum CongestionState {
    /// Nothing is suspicious.
    #[default]
    Open,
    /// Duplicate ACKs or SACK blocks have come, but nothing counts as lost.
    Disorder,
    /// The network has told of congestion (ECN), and the window comes down.
    Cwr,
    /// Fast recovery: something was lost, and leaves again.
    Recovery,
    /// The retransmission timer has expired.
    Loss,
}

impl CongestionState {
    /// Its number in `tcp.h`: `TCP_CA_Open` is 0, `TCP_CA_Loss` 4.
    pub const fn number(self) -> u8 {
        self as u8
    }
}

/// What `TCP_INFO` tells, in its words. Times are durations, sizes octets, `segs` segments; [`None`] is not known.
///
/// The numbers of the congestion window and of what is under way exist where the profile has a congestion control,
/// those that count segments and times where [`Profile::counts`](super::Profile::counts) is set.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Info {
    /// The state.
    pub state: State,
    /// Where the sender stands with congestion.
    pub ca_state: Option<CongestionState>,
    /// Time-outs since the last new acknowledgment.
    pub retransmits: u8,
    /// Probes of a closed window, or keep-alives, that nothing has answered.
    pub probes: u8,
    /// Doublings of the retransmission timeout.
    pub backoff: u8,
    /// Whether timestamps are in use.
    pub timestamps: bool,
    /// Whether SACK is in use.
    pub sack: bool,
    /// Shift counts of the windows that arrive and of those that leave, if windows are scaled.
    pub window_scale: Option<(u8, u8)>,
    /// Whether ECN was agreed.
    pub ecn: bool,
    /// Whether it was the accurate one (RFC 9768).
    pub ecn_accurate: bool,
    /// Whether a packet with ECT or CE has arrived.
    pub ecn_seen: Option<bool>,
    /// Whether text of our SYN was acknowledged, or text of the peer's SYN taken.
    pub syn_data: Option<bool>,
    /// The retransmission timeout, its doublings included.
    pub rto: Duration,
    /// The delayed-ACK timeout that would be used next.
    pub ato: Option<Duration>,
    /// Text of a full segment we send.
    pub snd_mss: u32,
    /// The guess at the text of the peer's full segments.
    pub rcv_mss: Option<u32>,
    /// Segments sent and not acknowledged.
    pub unacked: Option<u32>,
    /// Of them, those that SACK blocks cover, or that duplicate ACKs stand for.
    pub sacked: Option<u32>,
    /// Of them, those that count as lost.
    pub lost: Option<u32>,
    /// Of them, those that were sent again and are under way.
    pub retrans: Option<u32>,
    /// Always 0 on Linux since it has RACK.
    pub fackets: Option<u32>,
    /// Since text last left.
    pub last_data_sent: Option<Duration>,
    /// Linux does not remember it, and says 0.
    pub last_ack_sent: Option<Duration>,
    /// Since text last arrived.
    pub last_data_recv: Option<Duration>,
    /// Since an ACK last arrived.
    pub last_ack_recv: Option<Duration>,
    /// The path's MTU; the host knows it.
    pub pmtu: Option<u32>,
    /// Upper bound of the window we offer.
    pub rcv_ssthresh: Option<u32>,
    /// Smoothed round trip, absent before the first sample.
    pub rtt: Option<Duration>,
    /// Its mean deviation, absent before the first sample.
    pub rttvar: Option<Duration>,
    /// Slow start threshold in segments; [`u32::MAX`] before any loss, where Linux says 2147483647.
    pub snd_ssthresh: Option<u32>,
    /// The congestion window in segments.
    pub snd_cwnd: Option<u32>,
    /// The threshold in octets, where it is counted so.
    pub snd_ssthresh_octets: Option<u32>,
    /// The congestion window in octets, where it is counted so; absent where it is in doubt.
    pub snd_cwnd_octets: Option<u32>,
    /// Our MSS less the options that every segment carries.
    pub advmss: u32,
    /// How far out of order segments may arrive before the first of them counts as lost.
    pub reordering: Option<u32>,
    /// The round trip as the receiver sees it.
    pub rcv_rtt: Option<Duration>,
    /// What the application reads in a round trip.
    pub rcv_space: Option<u32>,
    /// Segments that left again.
    pub total_retrans: Option<u32>,
    /// Octets the sender may put on the wire in a second.
    pub pacing_rate: Option<u64>,
    /// Its upper bound.
    pub max_pacing_rate: Option<u64>,
    /// Numbers of ours that are acknowledged, modulo 2^32; the SYN of an active OPEN is one of them.
    pub bytes_acked: u32,
    /// Numbers of the peer's that are taken, modulo 2^32; its SYN not.
    pub bytes_received: u32,
    /// Segments that left.
    pub segs_out: Option<u32>,
    /// Segments that arrived.
    pub segs_in: Option<u32>,
    /// Text that has not left.
    pub notsent_bytes: u32,
    /// The shortest round trip of the last five minutes.
    pub min_rtt: Option<Duration>,
    /// Segments with text that arrived.
    pub data_segs_in: Option<u32>,
    /// Segments with text that left.
    pub data_segs_out: Option<u32>,
    /// Octets delivered in a second.
    pub delivery_rate: Option<u64>,
    /// How long text was outstanding or waited.
    pub busy_time: Option<Duration>,
    /// How long the peer's window held it back.
    pub rwnd_limited: Option<Duration>,
    /// How long the send buffer did.
    pub sndbuf_limited: Option<Duration>,
    /// Segments of ours that arrived, as far as ACKs tell.
    pub delivered: Option<u32>,
    /// Of them, those that ACKs with ECE tell of.
    pub delivered_ce: Option<u32>,
    /// Octets of text that left, all copies counted.
    pub bytes_sent: Option<u64>,
    /// Of them, those that left again.
    pub bytes_retrans: Option<u64>,
    /// D-SACK blocks that arrived.
    pub dsack_dups: Option<u32>,
    /// How often segments turned out to have been reordered.
    pub reord_seen: Option<u32>,
    /// Segments that arrived before their turn.
    pub rcv_ooopack: Option<u32>,
    /// The window the peer offers.
    pub snd_wnd: u32,
    /// The window we offer.
    pub rcv_wnd: u32,
    /// Time-outs.
    pub total_rto: Option<u32>,
    /// Of them, those that nothing had timed out before, since the last acknowledgment.
    pub total_rto_recoveries: Option<u32>,
    /// How long it took until something was acknowledged after these.
    pub total_rto_time: Option<Duration>,
}

impl Connection {
    /// What `TCP_INFO` tells at `now`.
    pub fn info(&self, now: Instant) -> Info {
        let octets = |numbers: u32| if self.state.knows_peer() { numbers } else { 0 };
        let syn = u32::from(self.origin == Origin::Passive);
        let mut info = Info {
            state: self.state,
            ca_state: None,
            retransmits: self.backoff,
            probes: self.unanswered,
            backoff: self.backoff,
            timestamps: self.bits.timestamps(),
            sack: self.bits.sack(),
            window_scale: (self.profile.window_scale.0.is_some() && self.offers.shift.is_some())
                .then_some((self.snd.shift, self.rcv.shift)),
            ecn: self.ecn_mode() != super::EcnMode::Off,
            ecn_accurate: self.ecn_mode() == super::EcnMode::Accurate,
            ecn_seen: None,
            syn_data: Some(self.syn_text_arrived()),
            rto: Duration::from_nanos(self.backed_off_rto()),
            ato: self.linux_ack_delay(),
            snd_mss: u32::from(self.effective_mss()),
            rcv_mss: self.linux_rcv_mss(),
            unacked: None,
            sacked: None,
            lost: None,
            retrans: None,
            fackets: None,
            last_data_sent: None,
            last_ack_sent: None,
            last_data_recv: self.linux_since_text(now),
            last_ack_recv: None,
            pmtu: None,
            rcv_ssthresh: (self.rcv.threshold != 0).then_some(self.rcv.threshold),
            rtt: (self.rtt.srtt != 0).then_some(Duration::from_nanos(self.rtt.srtt)),
            rttvar: (self.rtt.srtt != 0).then_some(Duration::from_nanos(u64::from(self.rtt.rttvar) * 250)),
            snd_ssthresh: None,
            snd_cwnd: None,
            snd_ssthresh_octets: None,
            snd_cwnd_octets: None,
            advmss: self.advertised_mss(),
            reordering: None,
            rcv_rtt: self.reading_told().map(|(round_trip, _)| Duration::from_micros(round_trip.into())),
            rcv_space: self.reading_told().map(|(_, space)| space),
            total_retrans: None,
            pacing_rate: None,
            max_pacing_rate: None,
            bytes_acked: octets(self.snd.una.since(self.iss).saturating_sub(syn)),
            bytes_received: octets(self.rcv.nxt.since(self.irs).wrapping_sub(1)),
            segs_out: None,
            segs_in: None,
            notsent_bytes: self.snd.unsent + u32::from(self.bits.fin_due()),
            min_rtt: None,
            data_segs_in: None,
            data_segs_out: None,
            delivery_rate: None,
            busy_time: None,
            rwnd_limited: None,
            sndbuf_limited: None,
            delivered: None,
            delivered_ce: None,
            bytes_sent: None,
            bytes_retrans: None,
            dsack_dups: None,
            reord_seen: None,
            rcv_ooopack: None,
            snd_wnd: octets(self.snd.wnd),
            rcv_wnd: octets(self.rcv.wnd),
            total_rto: None,
            total_rto_recoveries: None,
            total_rto_time: None,
        };
        self.tell_of_sender(now, &mut info);
        self.tell_of_end(&mut info);
        info
    }

    /// What Linux has forgotten with its queue (`tcp_write_queue_purge`), and the state that it enters at the CLOSE, whether
    /// the FIN can leave or not (`tcp_close_state`).
    fn tell_of_end(&self, info: &mut Info) {
        if self.state == State::Closed {
            info.unacked = info.unacked.map(|_| 0);
            info.backoff = 0;
        }
        if self.state == State::CloseWait && self.bits.fin_queued() {
            info.state = State::LastAck;
        }
    }
}
