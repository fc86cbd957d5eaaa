//! Every knob: its base value, and the profiles that differ, each with its source.
//!
//! `rfc9293` is the base; a profile that a knob does not name has the base's value.

use std::time::Duration;

use super::values::{
    AckPolicy, Blackhole, CongestionControl, EcnPolicy, HoldSynText, IcmpRequests, KnobValue, LossDetection, MtuProbing, OptionLayout,
    Shift, SynCookies, TimeWaitAcks, TimeWaitReuse, WindowPolicy,
};
use super::{Knob, Layer};
use crate::engine::rules::{TABLE, Table};

macro_rules! knobs {
    ($($(#[doc = $about:literal])+ $field:ident: $type:ty = $name:literal {
        rfc9293: $base:expr, $base_source:literal;
        $($layer:ident: $value:expr, $source:literal;)*
    })+) => {
        /// How a host's TCP behaves where the RFC leaves room.
        #[derive(Clone, PartialEq, Eq, Hash, Debug)]
        pub struct Profile {
            /// The profile's name; stays when knobs are set.
            pub name: &'static str,
            /// The rows in force: [`TABLE`](crate::engine::rules::TABLE), unless somebody wants to see another at work.
            pub table: &'static Table,
            /// Whether each connection counts its segments and times from the first one on, for [`Info`](crate::engine::Info).
            pub counts: bool,
            /// Octets of the fixed headers of a packet: 40, and 60 of IPv6.
            pub headers: u8,
            $($(#[doc = $about])+ pub $field: $type,)+
        }

        impl Profile {
            /// The base, and what `layer` puts over it.
            pub(super) fn layered(layer: Layer) -> Self {
                let mut profile = Self { name: layer.name(), table: &TABLE, counts: false, headers: 40, $($field: $base,)+ };
                $($(if layer == Layer::$layer {
                    profile.$field = $value;
                })*)+
                profile
            }
        }

        /// Every knob, in the order of the fields of [`Profile`].
        pub static KNOBS: &[Knob] = &[$(Knob {
            name: $name,
            about: concat!($($about),+),
            expected: <$type as KnobValue>::EXPECTED,
            base_source: $base_source,
            layers: &[$((Layer::$layer, $source),)*],
            get: |profile| profile.$field.show(),
            set: |profile, text| <$type as KnobValue>::parse(text).map(|value| profile.$field = value).is_some(),
        },)+];
    };
}

const fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

const fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

knobs! {
    /// Maximum segment lifetime; TIME-WAIT lasts twice as long.
    msl: Duration = "msl" {
        rfc9293: seconds(120), "RFC 9293 section 3.4.2";
        linux: seconds(30), "TCP_TIMEWAIT_LEN is 60 s";
        freebsd: seconds(30), "net.inet.tcp.msl; TCPTV_MSL";
    }
    /// Retransmissions of a SYN that double the wait, before R2 (MUST-23: three minutes at least).
    syn_retries: u8 = "syn-retries" {
        rfc9293: 7, "RFC 9293 MUST-23: 1 + 2 + ... + 128 = 255 s";
        linux: 6, "net.ipv4.tcp_syn_retries; 131 s, below MUST-23";
        freebsd: 10, "its TCP tests: 10 at most, which net.inet.tcp.keepinit cuts short";
    }
    /// Retransmissions of a SYN that have all its options; the next ones have the MSS alone. 0 is for all of them.
    full_syn_retries: u8 = "full-syn-retries" {
        rfc9293: 0, "RFC 9293 knows no such thing";
        freebsd: 0, "net.inet.tcp.rexmit_drop_options=0; with 1 the fourth SYN has the MSS alone, as its TCP tests expect";
    }
    /// How long an active OPEN may take to reach ESTABLISHED; 0s is for as long as R2 allows.
    connect_timeout: Duration = "connect-timeout" {
        rfc9293: seconds(0), "RFC 9293 section 3.8.3: R2 of the SYN decides";
        freebsd: seconds(75), "net.inet.tcp.keepinit";
    }
    /// Retransmissions of a SYN at the first interval, before the doubling begins.
    syn_linear_timeouts: u8 = "syn-linear-timeouts" {
        rfc9293: 0, "RFC 6298 section 5.5: every time-out doubles";
        linux: 4, "net.ipv4.tcp_syn_linear_timeouts, since 6.5";
    }
    /// Retransmissions of a SYN,ACK before R2.
    // R4987-2.
    syn_ack_retries: u8 = "syn-ack-retries" {
        rfc9293: 7, "RFC 9293 MUST-23, as for the SYN";
        linux: 5, "net.ipv4.tcp_synack_retries; 63 s";
        freebsd: 3, "net.inet.tcp.syncache.rexmtlimit; SYNCACHE_MAXREXMTS";
    }
    /// Retransmissions of text and FIN before R2.
    // SHLD-11.
    data_retries: u8 = "data-retries" {
        rfc9293: 6, "RFC 9293 SHLD-11: at least 100 s; 1 + 2 + ... + 64 = 127 s";
        linux: 15, "net.ipv4.tcp_retries2";
        freebsd: 12, "net.inet.tcp.retries; TCP_MAXRXTSHIFT";
    }
    /// Retransmissions of text and FIN of a connection that nobody holds, before R2; 0 is as many as of any other.
    orphan_retries: u8 = "orphan-retries" {
        rfc9293: 0, "RFC 9293 knows no such difference";
        linux: 8, "net.ipv4.tcp_orphan_retries=0 means 8; measured";
    }
    /// Whether the first retransmission of text or FIN is a probe that doubles nothing (RFC 8985 section 7).
    tail_loss_probe: bool = "tail-loss-probe" {
        rfc9293: false, "RFC 8985 is optional to RFC 9293";
        linux: true, "net.ipv4.tcp_early_retrans=3, where SACK is agreed; measured: 0.2, 0.4, 0.8 s";
    }
    /// How much may be under way: what the peer's window allows, or what congestion control does.
    congestion_control: CongestionControl = "congestion-control" {
        rfc9293: CongestionControl::Off, "a choice of this project: ladders show states, and MUST-19 is had by reno";
        linux: CongestionControl::Cubic, "net.ipv4.tcp_congestion_control; with HyStart";
        freebsd: CongestionControl::Cubic, "net.inet.tcp.cc.algorithm, since 14; its growth beyond slow start is not modelled, and in doubt";
    }
    /// Whether the window is counted in octets, grows also where it was not used up, and what follows a loss is in doubt.
    congestion_in_octets: bool = "congestion-in-octets" {
        rfc9293: false, "a choice of this project: segments, as Linux counts";
        freebsd: true, "snd_cwnd; cc_ack_received";
    }
    /// Segments that one ACK may let the window grow by in slow start, where it is counted in octets.
    abc_limit: u8 = "abc-limit" {
        rfc9293: 2, "RFC 3465 section 2.2";
        freebsd: 2, "net.inet.tcp.abc_l_var";
    }
    /// Whether the first two duplicate ACKs let new text leave (RFC 3042), where the window is counted in octets.
    limited_transmit: bool = "limited-transmit" {
        rfc9293: true, "RFC 5681 section 3.2";
        freebsd: true, "net.inet.tcp.rfc3042";
    }
    /// Segments that may be under way at the beginning.
    initial_window: u32 = "initial-window" {
        rfc9293: 10, "RFC 6928 section 2";
        linux: 10, "TCP_INIT_CWND";
        freebsd: 10, "net.inet.tcp.initcwnd_segments; of 1460 octets, or two of their own length";
    }
    /// From how many retransmissions of SYN or SYN,ACK on the window begins with one segment.
    small_start_after: u8 = "small-start-after" {
        rfc9293: 1, "RFC 5681 section 3.1";
        linux: 2, "tcp_init_transfer; measured: ten segments after one retransmission, one after two";
    }
    /// Whether a congestion window that was not used, or not for an RTO, shrinks (RFC 2861).
    slow_start_after_idle: bool = "slow-start-after-idle" {
        rfc9293: true, "RFC 5681 section 4.1";
        linux: true, "net.ipv4.tcp_slow_start_after_idle";
    }
    /// How many segments may arrive out of order before one counts as lost.
    reordering: u8 = "reordering" {
        rfc9293: 3, "RFC 5681 section 3.2";
        linux: 3, "net.ipv4.tcp_reordering";
    }
    /// How many may at most, however they have arrived before; 1 at least.
    max_reordering: u16 = "max-reordering" {
        rfc9293: 300, "as Linux; RFC 5681 keeps to three";
        linux: 300, "net.ipv4.tcp_max_reordering";
    }
    /// What a segment is told to be lost by, where SACK is in use.
    loss_detection: LossDetection = "loss-detection" {
        rfc9293: LossDetection::Dupacks, "RFC 6675 section 4";
        linux: LossDetection::Rack, "net.ipv4.tcp_recovery=1";
    }
    /// Whether as many SACKed segments as `reordering` make RACK wait no longer for what lies below, as long as none was
    /// seen reordered (RFC 8985 section 6.2, step 4).
    rack_dupthresh: bool = "rack-dupthresh" {
        rfc9293: true, "RFC 8985 section 6.2";
        linux: true, "net.ipv4.tcp_recovery, where 4 switches it off; measured";
    }
    /// Whether D-SACKs make RACK wait longer for what was overtaken (RFC 8985 section 6.2, step 4).
    rack_widens: bool = "rack-widens" {
        rfc9293: true, "RFC 8985 section 6.2";
        linux: true, "net.ipv4.tcp_recovery, where 2 switches it off";
    }
    /// Whether two ACKs after a time-out are heard before all counts as lost (RFC 5682).
    frto: bool = "frto" {
        rfc9293: false, "RFC 5682 is optional to RFC 9293";
        linux: true, "net.ipv4.tcp_frto=2";
    }
    /// Least segments that leave in one packet, the last of which is pushed, where there are so many; 0: each leaves alone.
    burst_segments: u8 = "burst-segments" {
        rfc9293: 0, "RFC 9293 MUST-60 pushes the last segment of queued text alone";
        linux: 2, "net.ipv4.tcp_min_tso_segs; measured: tcp_tso_autosize, and PSH in each packet of several segments";
    }
    /// Retransmission timeout before the first round-trip sample.
    // R6298-1.
    rto_initial: Duration = "rto-initial" {
        rfc9293: seconds(1), "RFC 6298 section 2.1";
        linux: seconds(1), "TCP_TIMEOUT_INIT";
        freebsd: seconds(1), "net.inet.tcp.rexmit_initial";
    }
    /// Lower bound of the retransmission timeout.
    // R6298-4.
    rto_min: Duration = "rto-min" {
        rfc9293: seconds(1), "RFC 6298 section 2.4";
        linux: millis(200), "TCP_RTO_MIN, net.ipv4.tcp_rto_min_us";
        freebsd: millis(30), "net.inet.tcp.rexmit_min; TCPTV_MIN";
    }
    /// Whether `rto-min` is the least of four times RTTVAR, which is added to SRTT, and not of the sum.
    rto_min_of_variance: bool = "rto-min-of-variance" {
        rfc9293: false, "RFC 6298 section 2.4: the RTO is rounded up";
        linux: true, "tcp_rtt_estimator, __tcp_set_rto; from memory, not measured";
    }
    /// What is added to every doubled retransmission timeout and to every measured one.
    rto_slop: Duration = "rto-slop" {
        rfc9293: seconds(0), "RFC 6298 section 5.5: the RTO is doubled, and that is all";
        freebsd: millis(200), "net.inet.tcp.rexmit_slop: a SYN waits 1 s, then 2.2 s";
    }
    /// Shortest wait before a closed window is asked.
    persist_min: Duration = "persist-min" {
        rfc9293: seconds(0), "RFC 9293 SHLD-29: first after the RTO";
        freebsd: seconds(5), "net.inet.tcp.persmin; TCPTV_PERSMIN";
    }
    /// Longest wait before a closed window is asked again.
    persist_max: Duration = "persist-max" {
        rfc9293: seconds(240), "RFC 9293 SHLD-30: it grows as the RTO does";
        linux: seconds(120), "TCP_RTO_MAX";
        freebsd: seconds(60), "net.inet.tcp.persmax; TCPTV_PERSMAX";
    }
    /// Whether a closed window is probed by an old number without text, and one with too little room for what would leave is
    /// filled by a probe alone.
    window_probe_empty: bool = "window-probe-empty" {
        rfc9293: false, "RFC 9293 section 3.8.6.1: at least one octet of new data";
        linux: true, "measured: <SEQ=SND.UNA-1>; tcp_write_wakeup";
    }
    /// Upper bound of the retransmission timeout.
    // R6298-5.
    rto_max: Duration = "rto-max" {
        rfc9293: seconds(240), "RFC 6298 section 2.5: 60 s at least, if any; high enough not to cap the seventh SYN";
        linux: seconds(120), "TCP_RTO_MAX, net.ipv4.tcp_rto_max_ms";
        freebsd: seconds(64), "net.inet.tcp.rexmit_max; TCPTV_REXMTMAX";
    }
    /// Retransmission timeout for the first text after a SYN that timed out.
    rto_after_syn_loss: Duration = "rto-after-syn-loss" {
        rfc9293: seconds(3), "RFC 6298 section 5.7";
        linux: seconds(3), "TCP_TIMEOUT_FALLBACK; from memory, not measured";
        freebsd: seconds(0), "t_rxtcur stays as it is until something is measured";
    }
    /// Longest delay of an ACK; 0s acknowledges at once.
    // SHLD-18, MUST-40: 0.5 s at most.
    delayed_ack: Duration = "delayed-ack" {
        rfc9293: seconds(0), "RFC 9293 SHLD-18 and MUST-40 allow up to 500 ms; ladders read better without";
        linux: millis(40), "TCP_ATO_MIN";
        freebsd: millis(40), "net.inet.tcp.delacktime; TCPTV_DELACK";
    }
    /// How long an ACK that waits for text to ride on waits at most; no longer than the least RTO, either.
    delayed_ack_max: Duration = "delayed-ack-max" {
        rfc9293: millis(500), "RFC 9293 MUST-40";
        linux: millis(200), "TCP_DELACK_MAX_US; TCP_DELACK_MAX";
    }
    /// Answers that make a connection interactive, so that its ACKs wait for the next.
    interactive_after: u8 = "interactive-after" {
        rfc9293: 1, "RFC 9293 knows no such thing; as Linux";
        linux: 1, "net.ipv4.tcp_pingpong_thresh";
    }
    /// Whether time-outs do not double while few segments are under way.
    thin_linear_timeouts: bool = "thin-linear-timeouts" {
        rfc9293: false, "RFC 6298 section 5.5: every time-out doubles";
        linux: false, "net.ipv4.tcp_thin_linear_timeouts; the first six, of three segments at most";
    }
    /// Whether what is sent to a peer has the class that its SYN came with (RFC 2474).
    reflect_class: bool = "reflect-class" {
        rfc9293: false, "RFC 2474 section 3: who sends chooses it";
        linux: false, "net.ipv4.tcp_reflect_tos";
    }
    /// Whether a connection that nobody holds does not wait for the peer's FIN at all: it is reset once its own is acknowledged.
    fin_wait_2_forsaken: bool = "fin-wait-2-forsaken" {
        rfc9293: false, "RFC 9293 section 3.6: it waits";
        linux: false, "TCP_LINGER2 below 0; measured";
    }
    /// Challenge ACKs in one interval, at most.
    challenge_acks: u8 = "challenge-acks" {
        rfc9293: 10, "RFC 5961 section 7 gives 10 as its example";
        linux: 1, "net.ipv4.tcp_invalid_ratelimit, for each socket";
        freebsd: 5, "net.inet.tcp.ack_war_cnt";
    }
    /// How long a budget of challenge ACKs lasts.
    challenge_interval: Duration = "challenge-interval" {
        rfc9293: seconds(5), "RFC 5961 section 7 gives 5 s as its example";
        linux: millis(500), "net.ipv4.tcp_invalid_ratelimit";
        freebsd: seconds(1), "net.inet.tcp.ack_war_timewindow";
    }
    /// Whether ACKs go by the RFC's rule or by Linux's estimate.
    ack_policy: AckPolicy = "ack-policy" {
        rfc9293: AckPolicy::Rfc, "RFC 9293 section 3.8.6.3";
        linux: AckPolicy::Linux, "__tcp_ack_snd_check, tcp_send_delayed_ack";
        freebsd: AckPolicy::FreeBsd, "DELAY_ACK: every second segment, whatever its length";
    }
    /// Most ACKs that are not delayed at the beginning of a connection.
    quick_acks: u8 = "quick-acks" {
        rfc9293: 0, "RFC 9293 knows no such thing";
        linux: 16, "TCP_MAX_QUICKACKS";
    }
    /// Memory a received packet takes beyond its text, octets; only Linux's window looks at it.
    packet_overhead: u16 = "packet-overhead" {
        rfc9293: 0, "RFC 9293 counts text alone";
        linux: 832, "measured: sk_buff and head on loopback; depends on the build";
    }
    /// Whether a packet's text lies behind its headers, as in frames that a program writes, and not beside them, as on
    /// a loopback; only Linux's window looks at it.
    linear_packets: bool = "linear-packets" {
        rfc9293: false, "RFC 9293 counts text alone";
        linux: false, "measured: a loopback's are not, a TUN device's are; truesize_adjust, tcp_try_coalesce";
    }
    /// Whether a packet takes memory in the sizes an allocator has, and not its overhead beside its text; only Linux's window
    /// looks at it.
    packet_memory_steps: bool = "packet-memory-steps" {
        rfc9293: false, "RFC 9293 counts text alone";
        linux: false, "measured: 2304 octets for 1000 of text through a TUN device, where a script's packets come from; SKB_TRUESIZE";
    }
    /// Whether the receive buffer grows with what is read of it; only Linux's window looks at it.
    receive_buffer_grows: bool = "receive-buffer-grows" {
        rfc9293: false, "RFC 9293 knows no such thing";
        linux: true, "net.ipv4.tcp_moderate_rcvbuf";
    }
    /// Most octets the window may have, as a process can choose; 0 is no bound of its own. Only Linux's window looks at it.
    window_clamp: u32 = "window-clamp" {
        rfc9293: 0, "RFC 9293 knows no such thing";
        linux: 0, "TCP_WINDOW_CLAMP";
    }
    /// Most memory a receive buffer may grow to, octets; only Linux's window looks at it.
    receive_memory_max: u32 = "receive-memory-max" {
        rfc9293: 0, "RFC 9293 knows no such thing";
        linux: 33_554_432, "net.ipv4.tcp_rmem[2]";
    }
    /// Whether a smaller window is taken from a segment that says nothing else; a closed one always is.
    smaller_window: bool = "smaller-window" {
        rfc9293: true, "RFC 9293 section 3.10.7.4, fifth: SND.WL2 =< SEG.ACK";
        linux: false, "tcp_may_update_window; measured";
    }
    /// Whether CLOSE pushes text that a SEND with more to come held back.
    push_on_close: bool = "push-on-close" {
        rfc9293: true, "RFC 9293 MUST-60: the last segment of queued text is pushed";
        linux: false, "measured: FIN,ACK without PSH";
    }
    /// Whether a simultaneous open takes the SYN,ACK at SEQ=IRS; off is the literal sequence check.
    crossed_syn_ack: bool = "crossed-syn-ack" {
        rfc9293: true, "RFC 9293 figure 7, MUST-10; appendix A.2 admits that section 3.10.7.4 refuses it";
        linux: true, "measured: the SYN,ACK opens, and is acknowledged";
    }
    /// Whether the SYN,ACK that completes a crossed open is acknowledged at once, with a D-SACK.
    ack_crossed_syn_ack: bool = "ack-crossed-syn-ack" {
        rfc9293: false, "RFC 9293 figure 7 draws no such ACK";
        linux: true, "measured: sack of the SYN's own number (RFC 2883)";
        freebsd: true, "tcp_do_segment: its SYN lies before RCV.NXT, and what does is answered";
    }
    /// How soon a SYN that has not timed out yet is sent again after an ACK of what was never sent; 0s: when it times out.
    syn_after_bad_ack: Duration = "syn-after-bad-ack" {
        rfc9293: seconds(0), "RFC 9293 section 3.10.7.3, first: a reset is sent, and that is all";
        linux: millis(8), "TCP_TIMEOUT_MIN, two ticks; measured: the SYN follows its RST by 8 to 14 ms";
    }
    /// Whether text and FIN that come again are reported as received twice.
    dsack: bool = "dsack" {
        rfc9293: false, "RFC 2883 is not among the base's";
        linux: true, "net.ipv4.tcp_dsack; measured: the first SACK block is what came again";
        freebsd: true, "tcp_do_segment, tcp_update_sack_list";
    }
    /// Whether SACK blocks count a FIN that is held.
    sack_fin: bool = "sack-fin" {
        rfc9293: false, "RFC 2018 section 3 speaks of the sequence space, and this project of text";
        linux: true, "measured: the block ends behind the FIN, or is the FIN alone";
    }
    /// Whether the ACK of a FIN may be delayed like that of text.
    delay_fin_ack: bool = "delay-fin-ack" {
        rfc9293: false, "RFC 9293 section 3.10.7.4, eighth: an ACK for the FIN is sent";
        linux: true, "measured: a FIN in ESTABLISHED is acknowledged late, or by our FIN";
    }
    /// Whether text and FIN of a SYN wait for ESTABLISHED; otherwise the peer has to send them again.
    hold_syn_text: HoldSynText = "hold-syn-text" {
        rfc9293: HoldSynText::Always, "RFC 9293 section 3.10.7.2, third: other text and control are queued";
        linux: HoldSynText::Never, "measured: a SYN's text is ignored without fast open";
        freebsd: HoldSynText::Crossed, "its TCP tests: text of a crossing SYN is kept; in LISTEN it is dropped, a FIN everywhere";
    }
    /// Whether text of a SYN that the SYN,ACK leaves unacknowledged goes again with the first ACK, also without fast open.
    resend_syn_text: bool = "resend-syn-text" {
        rfc9293: false, "RFC 9293 section 3.10.7.2, third: the peer may hold it, and acknowledge it later";
        linux: true, "measured: the third segment carries it; tcp_rcv_fastopen_synack";
    }
    /// Whether a SYN with FIN is dropped in LISTEN.
    drop_syn_fin: bool = "drop-syn-fin" {
        rfc9293: false, "RFC 9293 section 3.10.7.2, third: other text and control are queued";
        linux: true, "measured: dropped silently";
    }
    /// Whether a SYN that comes again in SYN-RECEIVED is answered by the SYN,ACK again.
    repeat_syn_ack: bool = "repeat-syn-ack" {
        rfc9293: false, "RFC 9293 section 3.10.7.4, first: SEG.SEQ = IRS is not acceptable, an ACK is sent";
        linux: true, "measured: SYN,ACK at once";
        freebsd: true, "syncache_add";
    }
    /// Whether a SYN or SYN,ACK inside the window of a passive SYN-RECEIVED draws RST, and the request goes.
    syn_resets_request: bool = "syn-resets-request" {
        rfc9293: false, "RFC 9293 section 3.10.7.4, fourth: return to LISTEN, and no word of a reset";
        linux: true, "measured: RST,ACK at sequence number 0, of a SYN,ACK RST at SEG.ACK, and the request is gone";
    }
    /// Whether a SYN,ACK in LISTEN goes unanswered.
    ignore_syn_ack: bool = "ignore-syn-ack" {
        rfc9293: false, "RFC 9293 section 3.10.7.2, second: any acknowledgment is answered by a reset";
        linux: false, "measured: RST at SEG.ACK";
        freebsd: true, "its TCP tests: nothing leaves";
    }
    /// Whether the SYN,ACK of a simultaneous open repeats all that our SYN offered, and scales windows unasked.
    // R7323-2.
    crossed_syn_ack_offers_all: bool = "crossed-syn-ack-offers-all" {
        rfc9293: false, "RFC 7323 sections 2.2 and 3.2: only what the SYN that is answered offered";
        linux: true, "measured: the options of its SYN, and later windows scaled without the peer's offer";
        freebsd: false, "its TCP tests: only what the peer offered";
    }
    /// Whether a RST in CLOSE-WAIT is told the application as EPIPE.
    close_wait_reset_breaks_pipe: bool = "close-wait-reset-breaks-pipe" {
        rfc9293: false, "RFC 9293 section 3.10.7.4, second: connection reset";
        linux: true, "measured: EPIPE; tcp_reset";
        freebsd: false, "its TCP tests: ECONNRESET";
    }
    /// Whether a RST that comes after both sides have closed is told the application, while it still holds the connection.
    reset_told_late: bool = "reset-told-late" {
        rfc9293: false, "RFC 9293 section 3.10.7.4, second: in CLOSING and LAST-ACK the TCB is deleted, and that is all";
        linux: true, "measured: ECONNRESET; tcp_reset";
        freebsd: true, "its TCP tests: ECONNRESET; tcp_do_segment";
    }
    /// Whether a RST in SYN-RECEIVED refuses an active OPEN; otherwise it resets it.
    crossed_reset_refuses: bool = "crossed-reset-refuses" {
        rfc9293: true, "RFC 9293 section 3.10.7.4, second: connection refused";
        linux: false, "measured: ECONNRESET";
        freebsd: true, "its TCP tests: ECONNREFUSED";
    }
    /// Whether a SYN,ACK waits for the application, for one RTO at most, and takes its text and FIN along.
    syn_ack_with_text: bool = "syn-ack-with-text" {
        rfc9293: false, "RFC 9293 section 3.10.7.2: the SYN,ACK is sent";
        linux: false, "never";
    }
    /// Whether the text of a SYN leaves room for 40 octets of options, however many there are.
    syn_text_leaves_room: bool = "syn-text-leaves-room" {
        rfc9293: false, "RFC 7413 section 4.2.1: what the cached MSS takes";
        linux: true, "tcp_send_syn_data: MAX_TCP_OPTION_SPACE";
    }
    /// Whether fast open is also asked for and granted by the experimental option.
    fast_open_experimental: bool = "fast-open-experimental" {
        rfc9293: false, "RFC 7413 section 4.1.1: kind 34";
        linux: true, "TCPOPT_EXP, magic 0xf989";
    }
    /// How long a fast open cookie is good for, until twice as long; 0s is for ever.
    fast_open_cookie_life: Duration = "fast-open-cookie-life" {
        rfc9293: seconds(86_400), "RFC 7413 section 4.1.2: it expires; a day is a choice of this project";
        linux: seconds(0), "net.ipv4.tcp_fastopen_key: until the key is changed";
    }
    /// How long a client spares a server fast opens after one that was refused or not answered.
    fast_open_pause: Duration = "fast-open-pause" {
        rfc9293: seconds(3600), "RFC 7413 section 4.1.3.1: for a while; an hour is a choice of this project";
        linux: seconds(0), "measured: the next opens fast again; net.ipv4.tcp_fastopen_blackhole_timeout_sec=0";
    }
    /// Whether segments that are nobody's are dropped without an answer, as a filter in front of the host would: SYNs, or all.
    blackhole: Blackhole = "blackhole" {
        rfc9293: Blackhole::Off, "RFC 9293 section 3.10.7.1: a reset is sent";
        linux: Blackhole::Off, "tcp_v4_send_reset";
        freebsd: Blackhole::Off, "net.inet.tcp.blackhole";
    }
    /// Whether a short segment waits while others are unacknowledged.
    nagle: bool = "nagle" {
        rfc9293: true, "RFC 9293 SHLD-7";
        linux: true, "TCP_NODELAY switches it off";
    }
    /// Whether a short segment waits for short ones alone (Minshall's Nagle).
    nagle_short_only: bool = "nagle-short-only" {
        rfc9293: false, "RFC 9293 section 3.7.4: for everything unacknowledged";
        linux: true, "measured: the rest of a write leaves behind its full segments; tcp_minshall_check";
    }
    /// Whether a segment is at most half of the largest window the peer has shown.
    half_window_segments: bool = "half-window-segments" {
        rfc9293: false, "RFC 9293 section 3.8.6.2.1 asks that of short segments alone";
        linux: true, "measured: 500 of 1000 octets; tcp_bound_to_half_wnd";
    }
    /// Octets the send buffer holds.
    send_buffer: u32 = "send-buffer" {
        rfc9293: 65_536, "a choice of this project";
        linux: 2_626_560, "net.ipv4.tcp_wmem, net of overhead, as it grows on loopback";
        freebsd: 32_768, "net.inet.tcp.sendspace";
    }
    /// Octets of text the receive buffer holds; the first window offered.
    receive_buffer: u32 = "receive-buffer" {
        rfc9293: 65_535, "the largest window without scaling";
        linux: 65_536, "net.ipv4.tcp_rmem 131072, half of it for text";
        freebsd: 65_536, "net.inet.tcp.recvspace";
    }
    /// Octets of text that may wait at a UDP socket; a datagram that does not fit is dropped.
    udp_receive_buffer: u32 = "udp-receive-buffer" {
        rfc9293: 65_536, "RFC 768 says nothing of it";
        linux: 212_992, "net.core.rmem_default, of which Linux counts more than the text";
        freebsd: 42_080, "net.inet.udp.recvspace";
    }
    /// Window scale offered in the SYN, as a shift count.
    window_scale: Shift = "window-scale" {
        rfc9293: Shift(None), "RFC 7323 is optional to RFC 9293";
        linux: Shift(Some(10)), "net.ipv4.tcp_window_scaling and tcp_rmem";
        freebsd: Shift(Some(6)), "kern.ipc.maxsockbuf 2097152: the smallest shift with 65535 << shift at or above it";
    }
    /// Whether SYN segments carry the maximum segment size.
    mss_option: bool = "mss-option" {
        rfc9293: true, "RFC 9293 SHLD-5, MAY-3";
        linux: true, "always";
    }
    /// Whether SACK is offered.
    sack: bool = "sack" {
        rfc9293: false, "RFC 2018 is optional to RFC 9293";
        linux: true, "net.ipv4.tcp_sack";
        freebsd: true, "net.inet.tcp.sack.enable";
    }
    /// Whether timestamps are offered.
    timestamps: bool = "timestamps" {
        rfc9293: false, "RFC 7323 is optional to RFC 9293";
        linux: true, "net.ipv4.tcp_timestamps";
        freebsd: true, "net.inet.tcp.rfc1323";
    }
    /// Whether segments with a timestamp older than the newest taken are refused (PAWS).
    paws: bool = "paws" {
        rfc9293: true, "RFC 7323 section 5.3, where timestamps are negotiated";
        linux: true, "tcp_validate_incoming";
    }
    /// Whether the timestamp of a segment counts only once its ACK is acceptable.
    timestamp_after_ack: bool = "timestamp-after-ack" {
        rfc9293: false, "RFC 7323 section 4.3: with the sequence number, before the ACK";
        linux: true, "measured: not taken beside an ACK of what was not sent; tcp_ack";
    }
    /// Whether segments without the timestamps that were negotiated are dropped.
    // R7323-15.
    require_timestamps: bool = "require-timestamps" {
        rfc9293: true, "RFC 7323 section 3.2";
        linux: false, "tcp_validate_incoming looks at timestamps only where there are some";
    }
    /// Whether a RST carries timestamps, where they were negotiated or the segment it answers has them.
    // R7323-14, R7323-21.
    reset_timestamps: bool = "reset-timestamps" {
        rfc9293: true, "RFC 7323 sections 3.2 and 5.2";
        linux: false, "tcp_v4_send_reset; the RST of an ABORT is a segment like any other and has them";
    }
    /// Which SYN reopens a connection in TIME-WAIT.
    time_wait_reuse: TimeWaitReuse = "time-wait-reuse" {
        rfc9293: TimeWaitReuse::Rfc6191, "RFC 9293 SHLD-4 and MAY-2; RFC 6191 section 2";
        linux: TimeWaitReuse::Linux, "tcp_timewait_state_process: SEG.SEQ > RCV.NXT, or a newer timestamp";
        freebsd: TimeWaitReuse::Sequence, "its TCP tests: SEG.SEQ > RCV.NXT and a listener";
    }
    /// How far above SND.NXT of a connection in TIME-WAIT the ISS of the next one lies, in numbers; 0 asks the ISS generator.
    time_wait_iss_step: u32 = "time-wait-iss-step" {
        rfc9293: 0, "RFC 9293 MAY-2: larger than every number of the old connection";
        linux: 65_537, "tcp_timewait_state_process: tw_snd_nxt + 65535 + 2";
    }
    /// Whether a SYN in TIME-WAIT that does not reopen it is answered by a challenge ACK.
    time_wait_syn_ack: bool = "time-wait-syn-ack" {
        rfc9293: true, "RFC 9293 section 3.10.7.4, fourth; RFC 6191 section 2 would be silent";
        linux: true, "measured: ACK at SND.NXT";
        freebsd: false, "its TCP tests: ignored silently";
    }
    /// Which ACKs TIME-WAIT leaves unanswered.
    time_wait_acks: TimeWaitAcks = "time-wait-acks" {
        rfc9293: TimeWaitAcks::Rfc, "RFC 9293 section 3.10.7.4, fifth";
        linux: TimeWaitAcks::Number, "measured: an ACK alone is not answered, even beyond SND.NXT; tcp_timewait_state_process";
        freebsd: TimeWaitAcks::Exact, "its TCP tests: exactly RCV.NXT and SND.NXT without text; all others are answered";
    }
    /// Whether a RST with the number behind the window counts as inside, and one with the number of the peer's FIN as exact.
    reset_at_the_edges: bool = "reset-at-the-edges" {
        rfc9293: false, "RFC 5961 section 3.2: inside is RCV.NXT < SEG.SEQ < RCV.NXT+RCV.WND, exact is RCV.NXT";
        linux: true, "measured: both, the latter in CLOSE-WAIT, CLOSING and LAST-ACK; tcp_sequence, tcp_reset_check";
    }
    /// Whether a segment is acceptable as soon as it begins no later than the number behind the window and ends no earlier
    /// than the last ACK has said, once synchronized.
    lenient_sequence: bool = "lenient-sequence" {
        rfc9293: false, "RFC 9293 section 3.10.7.4, first: an octet of it lies in the window";
        linux: true, "measured: text beyond the window is taken while nothing is unread, its FIN always; tcp_sequence";
    }
    /// Whether a FIN behind the FIN the peer has sent already is ignored, and not answered.
    ignore_second_fin: bool = "ignore-second-fin" {
        rfc9293: false, "RFC 9293 section 3.10.7.4, eighth: it stays in its state; that an ACK tells the peer so is a choice of this project";
        linux: true, "measured: no reply in CLOSE-WAIT, CLOSING and LAST-ACK";
        freebsd: true, "its TCP tests: no reply; tcp_do_segment, TCPS_HAVERCVDFIN";
    }
    /// Whether text that begins before the peer's FIN and ends behind it resets the connection.
    reset_behind_fin: bool = "reset-behind-fin" {
        rfc9293: false, "RFC 9293 section 3.10.7.4, seventh: it should not occur, and is ignored";
        linux: true, "measured: reset, and EPIPE in CLOSE-WAIT; what begins behind the FIN is ignored; tcp_rcv_state_process";
    }
    /// Whether a segment without ACK, RST and SYN is dropped before its sequence number is judged, once synchronized.
    ack_before_sequence: bool = "ack-before-sequence" {
        rfc9293: false, "RFC 9293 section 3.10.7.4: first the sequence number, fifth the ACK";
        linux: true, "measured: no reply to segments without ACK";
    }
    /// Whether an ACK that leaves while our FIN is unacknowledged is our FIN again, unless it is an answer to a stray segment.
    acks_repeat_fin: bool = "acks-repeat-fin" {
        rfc9293: false, "RFC 9293 figure 13: a plain ACK";
        linux: false, "measured: a plain ACK";
        freebsd: true, "its TCP tests, of a FIN that crosses ours; tcp_outflags of FIN-WAIT-1, CLOSING and LAST-ACK";
    }
    /// Whether ACKs of what is merely outside the window are segments like any other, and only RST, SYN and old ACKs are
    /// challenged, by an answer made from their numbers.
    challenge_apart: bool = "challenge-apart" {
        rfc9293: false, "RFC 5961 section 7 limits all ACKs of what is not acceptable";
        freebsd: true, "dropafterack goes through tcp_output, tcp_send_challenge_ack through tcp_respond";
    }
    /// Whether an ACK of what precedes our first octet is challenged, as one that is too old.
    challenge_ghost_acks: bool = "challenge-ghost-acks" {
        rfc9293: false, "RFC 5961 section 5.2: SND.UNA - MAX.SND.WND decides";
        linux: true, "measured: below ISS+1, of an active OPEN below ISS; tcp_ack, bytes_acked";
        freebsd: true, "tcp_do_segment: SEG.ACK below ISS+1";
    }
    /// Whether an ACK of any age is taken, whatever RFC 5961 says.
    insecure_ack: bool = "insecure-ack" {
        rfc9293: false, "RFC 5961 section 5.2";
        freebsd: false, "net.inet.tcp.insecure_ack";
    }
    /// Whether a request in SYN-RECEIVED is an entry of a SYN cache: a SYN brings the SYN,ACK again whatever its number,
    /// a SYN,ACK and what has no ACK are not looked at.
    syn_cache: bool = "syn-cache" {
        rfc9293: false, "RFC 9293 section 3.10.7.4 judges it as any other state";
        freebsd: true, "tcp_input_with_port in LISTEN, syncache_add, syncache_expand";
    }
    /// Whether a lowered MSS (TCP_MAXSEG) also limits what this side sends.
    maxseg_limits_sending: bool = "maxseg-limits-sending" {
        rfc9293: false, "RFC 9293 section 3.7.1: the option speaks of receiving";
        linux: true, "measured";
    }
    /// The UDP port that segments in UDP come to; 0 is none.
    udp_tunneling_port: u16 = "udp-tunneling-port" {
        rfc9293: 0, "RFC 9293 section 3.9: IP carries segments";
        freebsd: 0, "net.inet.tcp.udp_tunneling_port; 9899 where it is used";
    }
    /// Whether signatures (RFC 2385) of what arrives in TIME-WAIT are not looked at.
    time_wait_unsigned: bool = "time-wait-unsigned" {
        rfc9293: false, "RFC 2385 section 2.0: every segment";
        linux: true, "measured: tcp_v4_rcv";
    }
    /// Whether a shutdown before the connection is open waits for that, and nobody hears of a close before it.
    half_close_waits: bool = "half-close-waits" {
        rfc9293: false, "RFC 9293 section 3.10.4: CLOSE in SYN-SENT deletes the TCB, in SYN-RECEIVED it sends FIN";
        freebsd: true, "tcp_usrclosed: TF_NEEDFIN in both states; tcp_disconnect: tcp_close";
    }
    /// What a peer takes over IPv4 that does not say, octets.
    default_mss: u16 = "default-mss" {
        rfc9293: 536, "RFC 9293 MUST-15";
        freebsd: 536, "net.inet.tcp.mssdflt; TCP_MSS";
    }
    /// What a peer takes over IPv6 that does not say, octets.
    default_mss_ipv6: u16 = "default-mss-ipv6" {
        rfc9293: 1220, "RFC 9293 MUST-15";
        freebsd: 1220, "net.inet.tcp.v6mssdflt; TCP6_MSS";
    }
    /// The least MSS of a peer that is believed; less is as much.
    min_mss: u16 = "min-mss" {
        rfc9293: 1, "RFC 9293 section 3.7.1 knows no least";
        linux: 48, "net.ipv4.tcp_min_snd_mss";
        freebsd: 216, "net.inet.tcp.minmss; tcp_mss_update";
    }
    /// Whether TCP_MAXSEG speaks of text and options together.
    max_segment_with_options: bool = "max-segment-with-options" {
        rfc9293: false, "RFC 9293 section 3.7.1: Eff.snd.MSS is less the options";
        freebsd: true, "tcp_default_ctloutput tells t_maxseg, which leaves room for no option";
    }
    /// Order and padding of options.
    option_layout: OptionLayout = "option-layout" {
        rfc9293: OptionLayout::Aligned, "RFC 7323 appendix A";
        linux: OptionLayout::Linux, "measured";
        freebsd: OptionLayout::FreeBsd, "tcp_addoptions, as its own tests expect it";
    }
    /// How the offered window follows from the buffer.
    window_policy: WindowPolicy = "window-policy" {
        rfc9293: WindowPolicy::Buffer, "RFC 9293 section 3.8.6.2.2";
        linux: WindowPolicy::Linux, "tcp_select_initial_window, __tcp_select_window";
        freebsd: WindowPolicy::FreeBsd, "its TCP tests: 65700 of 65536, field 1027 with scale 6; tcp_output closes it below a segment and a quarter of the buffer";
    }
    /// Whether CLOSE with unread text, and text after CLOSE, reset the connection.
    half_duplex_close: bool = "half-duplex-close" {
        rfc9293: false, "RFC 9293 MAY-1";
        linux: true, "close(2) makes the socket an orphan";
        freebsd: true, "tcp_do_segment: new text after close, unless a FIN has come (TF_CLOSED)";
    }
    /// Whether CLOSE with unread text resets the connection, where text after CLOSE does.
    reset_unread: bool = "reset-unread" {
        rfc9293: true, "RFC 1122 section 4.2.2.13: it should show that text was lost";
        freebsd: false, "tcp_disconnect flushes what is unread and sends FIN";
    }
    /// Whether the RST of an ABORT that carries an ACK tells the window as well; otherwise it says 0.
    abort_window: bool = "abort-window" {
        rfc9293: false, "RFC 9293 section 3.10.5 names no window";
        linux: true, "measured: the current window";
        freebsd: false, "its TCP tests: RST says 0";
    }
    /// Whether the RST of an ABORT carries an ACK.
    abort_acks: bool = "abort-acks" {
        rfc9293: false, "RFC 9293 section 3.10.5: <SEQ=SND.NXT><CTL=RST>";
        linux: true, "tcp_send_active_reset";
        freebsd: true, "tcp_drop, tcp_outflags of CLOSED: RST,ACK at SND.NXT";
    }
    /// Whether a RST must be exact and a SYN is answered by an ACK (RFC 5961 sections 3.2, 4.2 and 5.2).
    rfc5961: bool = "rfc5961" {
        rfc9293: true, "RFC 9293 section 3.10.7.4: stacks that implement RFC 5961";
        linux: true, "always";
        freebsd: true, "net.inet.tcp.insecure_rst and insecure_syn are 0";
    }
    /// Whether a RST anywhere in the window resets, whatever RFC 5961 says.
    insecure_reset: bool = "insecure-reset" {
        rfc9293: false, "RFC 9293 section 3.10.7.4, second: only the exact number resets";
        freebsd: false, "net.inet.tcp.insecure_rst";
    }
    /// Whether a SYN in the window ends the connection, whatever RFC 5961 says; in TIME-WAIT it does not.
    insecure_syn: bool = "insecure-syn" {
        rfc9293: false, "RFC 9293 section 3.10.7.4, fourth: an ACK is sent";
        freebsd: false, "net.inet.tcp.insecure_syn";
    }
    /// Whether TIME-WAIT ignores every RST.
    // R1337-2; off, R1337-1 is as the RFC tells it.
    rfc1337: bool = "rfc1337" {
        rfc9293: false, "RFC 9293 section 3.10.7.4, second: the TCB is deleted; RFC 1337 section 3 has the fix";
        linux: false, "net.ipv4.tcp_rfc1337";
        freebsd: true, "RST is ignored in TIME-WAIT in every case";
    }
    /// Whether a side that ABORT has reset keeps its state for 2 MSL.
    reset_keeps_state: bool = "reset-keeps-state" {
        rfc9293: false, "RFC 9293 section 3.10.5 deletes the TCB; figure 5, note 3 would keep it";
        linux: false, "tcp_done";
    }
    /// Whether security labels are compared at all.
    security: bool = "security" {
        rfc9293: false, "RFC 9293 appendix A.1: where multilevel security is in use";
        linux: false, "not in TCP";
    }
    /// Whether hard ICMP errors end a connection whose numbers are synchronized.
    icmp_hard_aborts: bool = "icmp-hard-aborts" {
        rfc9293: true, "RFC 9293 SHLD-26";
        linux: false, "tcp_v4_err, as RFC 5461 section 4.1 advises";
        freebsd: false, "tcp_drop_syn_sent: in SYN-SENT alone";
    }
    /// Whether ICMP errors may end or trouble a connection at all; a path MTU is heard of anyway.
    icmp_may_reset: bool = "icmp-may-reset" {
        rfc9293: true, "RFC 9293 section 3.9.2.2";
        freebsd: true, "net.inet.tcp.icmp_may_rst";
    }
    /// Whether only those ICMP errors end an opening that say nobody wants the connection (no such protocol or port,
    /// prohibited) or that time is exceeded; of others the last is why time is out, if that comes to pass.
    icmp_refusals_only: bool = "icmp-refusals-only" {
        rfc9293: false, "RFC 9293 section 3.9.2.2";
        freebsd: true, "its TCP tests, SYN-SENT: ECONNREFUSED, of time exceeded EHOSTUNREACH, and nothing of all others; tcp_notify";
    }
    /// Whether a RST that answers nobody's segment travels in the class (DSCP) that one came in.
    reset_keeps_dscp: bool = "reset-keeps-dscp" {
        rfc9293: false, "RFC 9293 section 3.9.1.6: the class is the application's, and here is none";
        linux: true, "measured: tcp_v4_send_reset";
    }
    /// Whether ICMP errors have more names to the application than refused and unreachable: ENOPROTOOPT, EHOSTDOWN and
    /// so on.
    fine_errnos: bool = "fine-errnos" {
        rfc9293: false, "RFC 9293 section 3.9.2.2 has no names; those of a refusal and of what cannot be reached";
        linux: true, "measured: icmp_err_convert";
    }
    /// Which ICMP errors end a request in SYN-RECEIVED: those that are hard, those that say that nobody is there, or none.
    icmp_requests: IcmpRequests = "icmp-requests" {
        rfc9293: IcmpRequests::Rfc, "RFC 9293 section 3.9.2.2";
        linux: IcmpRequests::Linux, "measured: tcp_req_err, silently by net or host unreachable, time exceeded, parameter problem";
        freebsd: IcmpRequests::Off, "syncache_unreach: not before the third retransmission, which is the last";
    }
    /// Whether fragmentation needed, or packet too big, lowers what is sent to that destination, and is no error else.
    path_mtu_discovery: bool = "path-mtu-discovery" {
        rfc9293: false, "RFC 9293 section 3.9.2.2: a hard error; section 3.7.2 recommends RFC 1191";
        linux: true, "net.ipv4.ip_no_pmtu_disc=0";
        freebsd: true, "net.inet.tcp.path_mtu_discovery";
    }
    /// The least MTU, in octets, that a router is believed to have on an IPv4 path.
    min_pmtu: u16 = "min-pmtu" {
        rfc9293: 68, "RFC 791 section 3.2: every router passes on 68";
        linux: 552, "net.ipv4.route.min_pmtu; measured";
        freebsd: 256, "tcp_next_pmtu, tcp_mtudisc: net.inet.tcp.minmss and two headers";
    }
    /// How long what a router has said of a path is kept.
    path_mtu_life: Duration = "path-mtu-life" {
        rfc9293: seconds(600), "RFC 1191 section 6.3: 10 minutes";
        linux: seconds(600), "net.ipv4.route.mtu_expires";
    }
    /// When the path MTU is probed by segments that are longer than the others: never, when nothing arrives any more, always.
    mtu_probing: MtuProbing = "mtu-probing" {
        rfc9293: MtuProbing::Off, "RFC 9293 section 3.7.2: RFC 4821 is recommended";
        linux: MtuProbing::Off, "net.ipv4.tcp_mtu_probing=0";
    }
    /// Octets of text in a segment that is thought to arrive, where the path is probed.
    mtu_probe_base: u16 = "mtu-probe-base" {
        rfc9293: 1024, "RFC 4821 section 7.2";
        linux: 1024, "net.ipv4.tcp_base_mss";
    }
    /// The least that time-outs bring it down to, octets.
    mtu_probe_floor: u16 = "mtu-probe-floor" {
        rfc9293: 48, "RFC 4821 section 7.7 leaves it open; as Linux";
        linux: 48, "net.ipv4.tcp_mtu_probe_floor";
    }
    /// Octets of doubt about the path MTU that are not worth a probe.
    mtu_probe_threshold: u16 = "mtu-probe-threshold" {
        rfc9293: 8, "RFC 4821 section 7.3 leaves it open; as Linux";
        linux: 8, "net.ipv4.tcp_probe_threshold";
    }
    /// How long what was found holds, before the path is probed anew.
    mtu_probe_interval: Duration = "mtu-probe-interval" {
        rfc9293: seconds(600), "RFC 4821 section 7.4: 10 minutes at least";
        linux: seconds(600), "net.ipv4.tcp_probe_interval";
    }
    /// ACKs of text out of order, beyond the first three, that one is sent for; 0 holds none back.
    sack_compression: u8 = "sack-compression" {
        rfc9293: 0, "RFC 5681 section 4.2: each is sent at once";
        linux: 44, "net.ipv4.tcp_comp_sack_nr";
    }
    /// How long they are held back at most.
    sack_compression_delay: Duration = "sack-compression-delay" {
        rfc9293: millis(1), "as Linux; none is held back";
        linux: millis(1), "net.ipv4.tcp_comp_sack_delay_ns; and no more than a twentieth of a round trip";
    }
    /// How much later their timer may be, and is.
    sack_compression_slack: Duration = "sack-compression-slack" {
        rfc9293: Duration::from_micros(100), "as Linux; none is held back";
        linux: Duration::from_micros(100), "net.ipv4.tcp_comp_sack_slack_ns; measured: it is, where nothing else happens";
    }
    /// Whether soft ICMP errors end a connection in SYN-SENT.
    icmp_soft_refuses: bool = "icmp-soft-refuses" {
        rfc9293: false, "RFC 9293 MUST-56";
        linux: true, "measured: connect fails at once with ENETUNREACH";
    }
    /// How long a connection in FIN-WAIT-2 that nobody holds waits for the peer's FIN; 0s is for ever.
    fin_wait_2_timeout: Duration = "fin-wait-2-timeout" {
        rfc9293: seconds(0), "RFC 9293 knows no such timer";
        linux: seconds(60), "net.ipv4.tcp_fin_timeout";
        freebsd: seconds(60), "net.inet.tcp.finwait2_timeout; TCPTV_FINWAIT2_TIMEOUT";
    }
    /// Whether it waits instead for as long as all keep-alive probes would take, and one more.
    fin_wait_2_by_keepalive: bool = "fin-wait-2-by-keepalive" {
        rfc9293: false, "RFC 9293 knows no such timer";
        freebsd: true, "net.inet.tcp.fast_finwait2_recycle=0: TP_MAXIDLE, after which tcp_timer_2msl waits for an interval more: 675 s";
    }
    /// Retransmissions after which the user is told that the peer does not answer; 0 never tells.
    // SHLD-10.
    r1: u8 = "r1" {
        rfc9293: 3, "RFC 9293 SHLD-10: at least 3";
        linux: 0, "net.ipv4.tcp_retries1 asks the route again, and nobody else";
    }
    /// How long nothing must be heard before the first keep-alive probe.
    keepalive_idle: Duration = "keepalive-idle" {
        rfc9293: seconds(7200), "RFC 9293 MUST-28: two hours at least";
        linux: seconds(7200), "net.ipv4.tcp_keepalive_time";
        freebsd: seconds(7200), "net.inet.tcp.keepidle";
    }
    /// How long a keep-alive probe waits for its answer.
    keepalive_interval: Duration = "keepalive-interval" {
        rfc9293: seconds(75), "a choice of this project";
        linux: seconds(75), "net.ipv4.tcp_keepalive_intvl";
        freebsd: seconds(75), "net.inet.tcp.keepintvl";
    }
    /// Keep-alive probes that must go unanswered before the connection is given up (MUST-29).
    keepalive_probes: u8 = "keepalive-probes" {
        rfc9293: 9, "a choice of this project";
        linux: 9, "net.ipv4.tcp_keepalive_probes";
        freebsd: 8, "net.inet.tcp.keepcnt";
    }
    /// Octets of garbage a keep-alive probe carries: 0 or 1.
    keepalive_garbage: bool = "keepalive-garbage" {
        rfc9293: false, "RFC 9293 SHLD-12; MAY-6 allows an octet";
        linux: false, "tcp_xmit_probe_skb";
    }
    /// Whether a peer that answers no keep-alive probe is told by RST.
    keepalive_reset: bool = "keepalive-reset" {
        rfc9293: false, "RFC 9293 section 3.8.4 names no segment";
        linux: true, "measured: RST,ACK at SND.NXT";
        freebsd: true, "tcp_timer_keep: tcp_drop, as for every connection that is given up";
    }
    /// Whether a peer that acknowledges nothing for too long is told by RST.
    timeout_reset: bool = "timeout-reset" {
        rfc9293: false, "RFC 9293 section 3.8.3: the connection is closed";
        linux: false, "measured: silence";
        freebsd: true, "tcp_timer_rexmt, tcp_timer_keep: tcp_drop sends RST,ACK once numbers are synchronized";
    }
    /// Whether ABORT sends a RST although both sides have closed.
    abort_resets_closing: bool = "abort-resets-closing" {
        rfc9293: false, "RFC 9293 section 3.10.5: CLOSING and LAST-ACK delete the TCB";
        freebsd: true, "tcp_disconnect: tcp_drop in every state from ESTABLISHED to LAST-ACK";
    }
    /// What is done about explicit congestion notification: nothing, accept it, ask for it (RFC 3168), or ask for
    /// the accurate form (RFC 9768) and accept either.
    ecn: EcnPolicy = "ecn" {
        rfc9293: EcnPolicy::Off, "a choice of this project: SHLD-8 is for who has a congestion window to halve";
        linux: EcnPolicy::Accept, "net.ipv4.tcp_ecn=2";
        freebsd: EcnPolicy::Accept, "net.inet.tcp.ecn.enable=2";
    }
    /// How many SYNs ask for ECN before the next one goes without; 0 asks for ever.
    ecn_fallback: u8 = "ecn-fallback" {
        rfc9293: 2, "RFC 9768 section 3.1.4.1: the first retransmission still asks";
        linux: 1, "net.ipv4.tcp_ecn_fallback: the first retransmission does not ask";
        freebsd: 2, "net.inet.tcp.ecn.maxretries=1";
    }
    /// Whether a SYN,ACK repeats the ECN bits of the SYN, as broken servers do.
    ecn_reflect: bool = "ecn-reflect" {
        rfc9293: false, "RFC 3168 section 6.1.1 tells of such servers";
    }
    /// Places in a backlog beyond the number that listen asks for.
    backlog_extra: u16 = "backlog-extra" {
        rfc9293: 0, "a choice of this project: the number is the number";
        linux: 1, "measured: a backlog of 1 holds 2; sk_acceptq_is_full";
    }
    /// Whether half-open connections take places in the backlog from those that wait for accept.
    backlog_counts_half_open: bool = "backlog-counts-half-open" {
        rfc9293: true, "RFC 4987 section 2: the backlog limits half-open connections";
        linux: false, "inet_csk_reqsk_queue_is_full: a limit of its own, as large; from memory, not measured";
        freebsd: false, "syncache: a table of its own";
    }
    /// Whether the third ACK is answered by RST when no place is left for its connection.
    abort_on_overflow: bool = "abort-on-overflow" {
        rfc9293: false, "a choice of this project: the peer may try again";
        linux: false, "net.ipv4.tcp_abort_on_overflow; from memory, not measured";
    }
    /// Whether the oldest half-open connection gives its place to a new one.
    evict_half_open: bool = "evict-half-open" {
        rfc9293: false, "RFC 4987 section 3.4: one defence of several";
        linux: false, "no such thing since the queue is a hash table; from memory, not measured";
    }
    /// When a SYN is answered by a cookie and nothing is kept.
    syn_cookies: SynCookies = "syn-cookies" {
        rfc9293: SynCookies::Off, "RFC 4987 section 3.6 is optional";
        linux: SynCookies::Pressure, "net.ipv4.tcp_syncookies";
        freebsd: SynCookies::Pressure, "net.inet.tcp.syncookies: where a row of the SYN cache overflows";
    }
    /// Whether the half-open connections of a listener that closes are told by RST.
    reset_half_open: bool = "reset-half-open" {
        rfc9293: true, "RFC 9293 section 3.10.5: ABORT in SYN-RECEIVED sends RST";
        linux: false, "measured: a pending request vanishes, and what comes later draws RST";
    }
    /// Records in TIME-WAIT a host keeps, the next one being deleted at once; 0 keeps all.
    time_wait_limit: u32 = "time-wait-limit" {
        rfc9293: 0, "RFC 9293 knows no limit";
        linux: 0, "net.ipv4.tcp_max_tw_buckets depends on memory, 262144 at most: too many to matter here";
    }
    /// First port of the ephemeral range.
    ephemeral_first: u16 = "ephemeral-first" {
        rfc9293: 49_152, "RFC 6335 section 6";
        linux: 32_768, "net.ipv4.ip_local_port_range";
        freebsd: 10_000, "net.inet.ip.portrange.first; from memory, not measured";
    }
    /// Last port of the ephemeral range.
    ephemeral_last: u16 = "ephemeral-last" {
        rfc9293: 65_535, "RFC 6335 section 6";
        linux: 60_999, "net.ipv4.ip_local_port_range";
        freebsd: 65_535, "net.inet.ip.portrange.last; from memory, not measured";
    }
}
