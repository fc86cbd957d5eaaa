//! Where the RFC leaves room: every choice is a knob with a unit, a default per profile, a source.
//!
//! A [`Profile`] is the set of all knobs. [`KNOBS`] lists them as data, so that `--set`, the
//! listing and the documentation cannot drift from the fields.

use std::fmt;
use std::time::Duration;

use super::rules::{TABLE, Table};

/// A value a knob can have, as text and back.
pub trait KnobValue: Sized {
    /// What a person may write, for the error message.
    const EXPECTED: &'static str;

    /// Reads the value; `None` if the text is not of the form [`KnobValue::EXPECTED`] names.
    fn parse(text: &str) -> Option<Self>;

    /// Writes it so that [`KnobValue::parse`] reads it back.
    fn show(&self) -> String;
}

impl KnobValue for bool {
    const EXPECTED: &'static str = "on or off";

    fn parse(text: &str) -> Option<Self> {
        match text {
            "on" | "true" | "yes" | "1" => Some(true),
            "off" | "false" | "no" | "0" => Some(false),
            _ => None,
        }
    }

    fn show(&self) -> String {
        if *self { "on" } else { "off" }.to_owned()
    }
}

macro_rules! number_knob {
    ($($type:ty => $expected:literal),+) => {$(
        impl KnobValue for $type {
            const EXPECTED: &'static str = $expected;

            fn parse(text: &str) -> Option<Self> {
                text.parse().ok()
            }

            fn show(&self) -> String {
                self.to_string()
            }
        }
    )+};
}

number_knob!(u8 => "a whole number from 0 to 255", u16 => "a whole number from 0 to 65535", u32 => "a whole number from 0 to 4294967295");

impl KnobValue for Duration {
    const EXPECTED: &'static str = "a duration such as 200ms, 1s or 2min, a year at most";

    fn parse(text: &str) -> Option<Self> {
        // What is doubled and added on the way must not overflow.
        humantime::parse_duration(text).ok().filter(|duration| *duration <= Self::from_hours(366 * 24))
    }

    fn show(&self) -> String {
        humantime::format_duration(*self).to_string().replace(' ', "")
    }
}

/// A window scale shift count of 0 to 14, or none offered (RFC 7323 section 2.2).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Shift(pub Option<u8>);

impl KnobValue for Shift {
    const EXPECTED: &'static str = "off, or a shift count from 0 to 14";

    fn parse(text: &str) -> Option<Self> {
        match text {
            "off" => Some(Self(None)),
            _ => text.parse().ok().filter(|shift| *shift <= 14).map(|shift| Self(Some(shift))),
        }
    }

    fn show(&self) -> String {
        self.0.map_or("off".to_owned(), |shift| shift.to_string())
    }
}

/// In which order, and with what padding, options stand in a segment.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum OptionLayout {
    /// `mss`, `sackOK`, `TS`, `wscale`, each aligned by no-operations before it (RFC 7323 appendix A).
    Aligned,
    /// `mss,sackOK,TS,nop,wscale`; without timestamps `mss,nop,nop,sackOK,nop,wscale`.
    Linux,
}

impl KnobValue for OptionLayout {
    const EXPECTED: &'static str = "aligned or linux";

    fn parse(text: &str) -> Option<Self> {
        match text {
            "aligned" => Some(Self::Aligned),
            "linux" => Some(Self::Linux),
            _ => None,
        }
    }

    fn show(&self) -> String {
        match self {
            Self::Aligned => "aligned",
            Self::Linux => "linux",
        }
        .to_owned()
    }
}

/// How the window offered to the peer follows from the receive buffer.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum WindowPolicy {
    /// All free room, not moved by less than a segment or half the buffer (RFC 9293 section 3.8.6.2.2).
    Buffer,
    /// As Linux selects it: a threshold that grows with what arrives, rounded up to the scale.
    Linux,
}

impl KnobValue for WindowPolicy {
    const EXPECTED: &'static str = "buffer or linux";

    fn parse(text: &str) -> Option<Self> {
        match text {
            "buffer" => Some(Self::Buffer),
            "linux" => Some(Self::Linux),
            _ => None,
        }
    }

    fn show(&self) -> String {
        match self {
            Self::Buffer => "buffer",
            Self::Linux => "linux",
        }
        .to_owned()
    }
}

/// How the moment of an ACK is chosen.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum AckPolicy {
    /// At once, or after the knob's delay, and for every second full segment (SHLD-19).
    Rfc,
    /// As Linux does: quick at first, then as the application's habits suggest.
    Linux,
}

impl KnobValue for AckPolicy {
    const EXPECTED: &'static str = "rfc or linux";

    fn parse(text: &str) -> Option<Self> {
        match text {
            "rfc" => Some(Self::Rfc),
            "linux" => Some(Self::Linux),
            _ => None,
        }
    }

    fn show(&self) -> String {
        match self {
            Self::Rfc => "rfc",
            Self::Linux => "linux",
        }
        .to_owned()
    }
}

/// One knob as data.
#[derive(Clone, Copy)]
pub struct Knob {
    /// Its name: `syn-retries`.
    pub name: &'static str,
    /// What it means, with its unit.
    pub about: &'static str,
    /// Where the default of `rfc9293` is from.
    pub rfc_source: &'static str,
    /// Where the default of `linux` is from.
    pub linux_source: &'static str,
    /// What values it takes.
    pub expected: &'static str,
    get: fn(&Profile) -> String,
    set: fn(&mut Profile, &str) -> bool,
}

impl Knob {
    /// The value of this knob in `profile`, as text.
    pub fn get(&self, profile: &Profile) -> String {
        (self.get)(profile)
    }
}

impl fmt::Debug for Knob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

/// A knob that does not exist, or a value it does not take.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum KnobError {
    /// No knob of this name.
    #[error("there is no knob {name:?}")]
    Unknown {
        /// The name that was asked for.
        name: String,
    },
    /// The knob takes other values.
    #[error("knob {name} cannot be {value:?}: expected {expected}")]
    Value {
        /// The knob.
        name: &'static str,
        /// The value that was given.
        value: String,
        /// What it takes.
        expected: &'static str,
    },
}

macro_rules! knobs {
    ($($(#[doc = $about:literal])+ $field:ident: $type:ty = $name:literal {
        rfc: $rfc:expr, $rfc_source:literal;
        linux: $linux:expr, $linux_source:literal;
    })+) => {
        /// How a host's TCP behaves where the RFC leaves room.
        #[derive(Clone, PartialEq, Eq, Hash, Debug)]
        pub struct Profile {
            /// The profile's name; stays when knobs are set.
            pub name: &'static str,
            /// The rows in force: [`TABLE`](crate::engine::rules::TABLE), unless somebody wants to see another at work.
            pub table: &'static Table,
            $($(#[doc = $about])+ pub $field: $type,)+
        }

        impl Profile {
            /// The RFC's own words, and the choices this project makes where they leave room.
            pub fn rfc9293() -> Self {
                Self { name: "rfc9293", table: &TABLE, $($field: $rfc,)+ }
            }

            /// Linux as measured on 6.18 with default sysctls.
            pub fn linux() -> Self {
                Self { name: "linux", table: &TABLE, $($field: $linux,)+ }
            }
        }

        /// Every knob, in the order of the fields of [`Profile`].
        pub static KNOBS: &[Knob] = &[$(Knob {
            name: $name,
            about: concat!($($about),+),
            rfc_source: $rfc_source,
            linux_source: $linux_source,
            expected: <$type as KnobValue>::EXPECTED,
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
        rfc: seconds(120), "RFC 9293 section 3.4.2";
        linux: seconds(30), "TCP_TIMEWAIT_LEN is 60 s";
    }
    /// Retransmissions of a SYN that double the wait, before R2 (MUST-23: three minutes at least).
    syn_retries: u8 = "syn-retries" {
        rfc: 7, "RFC 9293 MUST-23: 1 + 2 + ... + 128 = 255 s";
        linux: 6, "net.ipv4.tcp_syn_retries; 131 s, below MUST-23";
    }
    /// Retransmissions of a SYN at the first interval, before the doubling begins.
    syn_linear_timeouts: u8 = "syn-linear-timeouts" {
        rfc: 0, "RFC 6298 section 5.5: every time-out doubles";
        linux: 4, "net.ipv4.tcp_syn_linear_timeouts, since 6.5";
    }
    /// Retransmissions of a SYN,ACK before R2.
    syn_ack_retries: u8 = "syn-ack-retries" {
        rfc: 7, "RFC 9293 MUST-23, as for the SYN";
        linux: 5, "net.ipv4.tcp_synack_retries; 63 s";
    }
    /// Retransmissions of text and FIN before R2.
    // SHLD-11.
    data_retries: u8 = "data-retries" {
        rfc: 6, "RFC 9293 SHLD-11: at least 100 s; 1 + 2 + ... + 64 = 127 s";
        linux: 15, "net.ipv4.tcp_retries2";
    }
    /// Retransmission timeout before the first round-trip sample.
    // R6298-1.
    rto_initial: Duration = "rto-initial" {
        rfc: seconds(1), "RFC 6298 section 2.1";
        linux: seconds(1), "TCP_TIMEOUT_INIT";
    }
    /// Lower bound of the retransmission timeout.
    // R6298-4.
    rto_min: Duration = "rto-min" {
        rfc: seconds(1), "RFC 6298 section 2.4";
        linux: millis(200), "TCP_RTO_MIN, net.ipv4.tcp_rto_min_us";
    }
    /// Upper bound of the retransmission timeout.
    // R6298-5.
    rto_max: Duration = "rto-max" {
        rfc: seconds(240), "RFC 6298 section 2.5: 60 s at least, if any; high enough not to cap the seventh SYN";
        linux: seconds(120), "TCP_RTO_MAX, net.ipv4.tcp_rto_max_ms";
    }
    /// Retransmission timeout for the first text after a SYN that timed out.
    rto_after_syn_loss: Duration = "rto-after-syn-loss" {
        rfc: seconds(3), "RFC 6298 section 5.7";
        linux: seconds(3), "TCP_TIMEOUT_FALLBACK";
    }
    /// Longest delay of an ACK; 0s acknowledges at once.
    // SHLD-18, MUST-40: 0.5 s at most.
    delayed_ack: Duration = "delayed-ack" {
        rfc: seconds(0), "RFC 9293 SHLD-18 and MUST-40 allow up to 500 ms; ladders read better without";
        linux: millis(40), "TCP_ATO_MIN";
    }
    /// Challenge ACKs in one interval, at most.
    challenge_acks: u8 = "challenge-acks" {
        rfc: 10, "RFC 5961 section 7 gives 10 as its example";
        linux: 1, "net.ipv4.tcp_invalid_ratelimit, for each socket";
    }
    /// How long a budget of challenge ACKs lasts.
    challenge_interval: Duration = "challenge-interval" {
        rfc: seconds(5), "RFC 5961 section 7 gives 5 s as its example";
        linux: millis(500), "net.ipv4.tcp_invalid_ratelimit";
    }
    /// Whether ACKs go by the RFC's rule or by Linux's estimate.
    ack_policy: AckPolicy = "ack-policy" {
        rfc: AckPolicy::Rfc, "RFC 9293 section 3.8.6.3";
        linux: AckPolicy::Linux, "__tcp_ack_snd_check, tcp_send_delayed_ack";
    }
    /// Most ACKs that are not delayed at the beginning of a connection.
    quick_acks: u8 = "quick-acks" {
        rfc: 0, "RFC 9293 knows no such thing";
        linux: 16, "TCP_MAX_QUICKACKS";
    }
    /// Memory a received packet takes beyond its text, octets; only Linux's window looks at it.
    packet_overhead: u16 = "packet-overhead" {
        rfc: 0, "RFC 9293 counts text alone";
        linux: 832, "measured: sk_buff and head on loopback; depends on the build";
    }
    /// Most memory a receive buffer may grow to, octets; only Linux's window looks at it.
    receive_memory_max: u32 = "receive-memory-max" {
        rfc: 0, "RFC 9293 knows no such thing";
        linux: 33_554_432, "net.ipv4.tcp_rmem[2]";
    }
    /// Whether CLOSE pushes text that a SEND with more to come held back.
    push_on_close: bool = "push-on-close" {
        rfc: true, "RFC 9293 MUST-60: the last segment of queued text is pushed";
        linux: false, "measured: FIN,ACK without PSH";
    }
    /// Whether a simultaneous open takes the SYN,ACK at SEQ=IRS; off is the literal sequence check.
    crossed_syn_ack: bool = "crossed-syn-ack" {
        rfc: true, "RFC 9293 figure 7, MUST-10; appendix A.2 admits that section 3.10.7.4 refuses it";
        linux: true, "measured: both sides are open after four segments";
    }
    /// Whether the SYN,ACK that completes a crossed open is acknowledged at once, with a D-SACK.
    ack_crossed_syn_ack: bool = "ack-crossed-syn-ack" {
        rfc: false, "RFC 9293 figure 7 draws no such ACK";
        linux: true, "measured: sack of the SYN's own number (RFC 2883)";
    }
    /// Whether the ACK of a FIN may be delayed like that of text.
    delay_fin_ack: bool = "delay-fin-ack" {
        rfc: false, "RFC 9293 section 3.10.7.4, eighth: an ACK for the FIN is sent";
        linux: true, "measured: a FIN in ESTABLISHED is acknowledged late, or by our FIN";
    }
    /// Whether text and FIN of a SYN wait for ESTABLISHED; otherwise the peer has to send them again.
    hold_syn_text: bool = "hold-syn-text" {
        rfc: true, "RFC 9293 section 3.10.7.2, third: other text and control are queued";
        linux: false, "a SYN's text is ignored without fast open";
    }
    /// Whether a SYN with FIN is dropped in LISTEN.
    drop_syn_fin: bool = "drop-syn-fin" {
        rfc: false, "RFC 9293 section 3.10.7.2, third: other text and control are queued";
        linux: true, "tcp_rcv_state_process: a SYN with FIN is discarded";
    }
    /// Whether a SYN,ACK waits for the application, for one RTO at most, and takes its text and FIN along.
    syn_ack_with_text: bool = "syn-ack-with-text" {
        rfc: false, "RFC 9293 section 3.10.7.2: the SYN,ACK is sent";
        linux: false, "never";
    }
    /// Whether a segment that is nobody's is dropped without an answer, as a filter in front of the host would.
    blackhole: bool = "blackhole" {
        rfc: false, "RFC 9293 section 3.10.7.1: a reset is sent";
        linux: false, "tcp_v4_send_reset";
    }
    /// Whether a short segment waits while others are unacknowledged.
    nagle: bool = "nagle" {
        rfc: true, "RFC 9293 SHLD-7";
        linux: true, "TCP_NODELAY switches it off";
    }
    /// Octets the send buffer holds.
    send_buffer: u32 = "send-buffer" {
        rfc: 65_536, "a choice of this project";
        linux: 2_626_560, "net.ipv4.tcp_wmem, net of overhead, as it grows on loopback";
    }
    /// Octets of text the receive buffer holds; the first window offered.
    receive_buffer: u32 = "receive-buffer" {
        rfc: 65_535, "the largest window without scaling";
        linux: 65_536, "net.ipv4.tcp_rmem 131072, half of it for text";
    }
    /// Window scale offered in the SYN, as a shift count.
    window_scale: Shift = "window-scale" {
        rfc: Shift(None), "RFC 7323 is optional to RFC 9293";
        linux: Shift(Some(10)), "net.ipv4.tcp_window_scaling and tcp_rmem";
    }
    /// Whether SYN segments carry the maximum segment size.
    mss_option: bool = "mss-option" {
        rfc: true, "RFC 9293 SHLD-5, MAY-3";
        linux: true, "always";
    }
    /// Whether SACK is offered.
    sack: bool = "sack" {
        rfc: false, "RFC 2018 is optional to RFC 9293";
        linux: true, "net.ipv4.tcp_sack";
    }
    /// Whether timestamps are offered.
    timestamps: bool = "timestamps" {
        rfc: false, "RFC 7323 is optional to RFC 9293";
        linux: true, "net.ipv4.tcp_timestamps";
    }
    /// Whether a lowered MSS (TCP_MAXSEG) also limits what this side sends.
    maxseg_limits_sending: bool = "maxseg-limits-sending" {
        rfc: false, "RFC 9293 section 3.7.1: the option speaks of receiving";
        linux: true, "measured";
    }
    /// Order and padding of options.
    option_layout: OptionLayout = "option-layout" {
        rfc: OptionLayout::Aligned, "RFC 7323 appendix A";
        linux: OptionLayout::Linux, "measured";
    }
    /// How the offered window follows from the buffer.
    window_policy: WindowPolicy = "window-policy" {
        rfc: WindowPolicy::Buffer, "RFC 9293 section 3.8.6.2.2";
        linux: WindowPolicy::Linux, "tcp_select_initial_window, __tcp_select_window";
    }
    /// Whether CLOSE with unread text, and text after CLOSE, reset the connection.
    half_duplex_close: bool = "half-duplex-close" {
        rfc: false, "RFC 9293 MAY-1";
        linux: true, "close(2) makes the socket an orphan";
    }
    /// Whether the RST of an ABORT carries an ACK.
    abort_acks: bool = "abort-acks" {
        rfc: false, "RFC 9293 section 3.10.5: <SEQ=SND.NXT><CTL=RST>";
        linux: true, "tcp_send_active_reset";
    }
    /// Whether a RST must be exact and a SYN is answered by an ACK (RFC 5961 sections 3.2, 4.2 and 5.2).
    rfc5961: bool = "rfc5961" {
        rfc: true, "RFC 9293 section 3.10.7.4: stacks that implement RFC 5961";
        linux: true, "always";
    }
    /// Whether TIME-WAIT ignores every RST.
    // R1337-2; off, R1337-1 is as the RFC tells it.
    rfc1337: bool = "rfc1337" {
        rfc: false, "RFC 9293 section 3.10.7.4, second: the TCB is deleted; RFC 1337 section 3 has the fix";
        linux: false, "net.ipv4.tcp_rfc1337";
    }
    /// Whether a side that ABORT has reset keeps its state for 2 MSL.
    reset_keeps_state: bool = "reset-keeps-state" {
        rfc: false, "RFC 9293 section 3.10.5 deletes the TCB; figure 5, note 3 would keep it";
        linux: false, "tcp_done";
    }
    /// Whether security labels are compared at all.
    security: bool = "security" {
        rfc: false, "RFC 9293 appendix A.1: where multilevel security is in use";
        linux: false, "not in TCP";
    }
    /// Whether hard ICMP errors end a connection whose numbers are synchronized.
    icmp_hard_aborts: bool = "icmp-hard-aborts" {
        rfc: true, "RFC 9293 SHLD-26";
        linux: false, "tcp_v4_err, as RFC 5461 section 4.1 advises";
    }
    /// Whether soft ICMP errors end a connection in SYN-SENT.
    icmp_soft_refuses: bool = "icmp-soft-refuses" {
        rfc: false, "RFC 9293 MUST-56";
        linux: true, "measured: connect fails at once with ENETUNREACH";
    }
    /// How long a connection in FIN-WAIT-2 that nobody holds waits for the peer's FIN; 0s is for ever.
    fin_wait_2_timeout: Duration = "fin-wait-2-timeout" {
        rfc: seconds(0), "RFC 9293 knows no such timer";
        linux: seconds(60), "net.ipv4.tcp_fin_timeout";
    }
    /// Retransmissions after which the user is told that the peer does not answer; 0 never tells.
    // SHLD-10.
    r1: u8 = "r1" {
        rfc: 3, "RFC 9293 SHLD-10: at least 3";
        linux: 0, "net.ipv4.tcp_retries1 asks the route again, and nobody else";
    }
    /// How long nothing must be heard before the first keep-alive probe.
    keepalive_idle: Duration = "keepalive-idle" {
        rfc: seconds(7200), "RFC 9293 MUST-28: two hours at least";
        linux: seconds(7200), "net.ipv4.tcp_keepalive_time";
    }
    /// How long a keep-alive probe waits for its answer.
    keepalive_interval: Duration = "keepalive-interval" {
        rfc: seconds(75), "a choice of this project";
        linux: seconds(75), "net.ipv4.tcp_keepalive_intvl";
    }
    /// Keep-alive probes that must go unanswered before the connection is given up (MUST-29).
    keepalive_probes: u8 = "keepalive-probes" {
        rfc: 9, "a choice of this project";
        linux: 9, "net.ipv4.tcp_keepalive_probes";
    }
    /// Octets of garbage a keep-alive probe carries: 0 or 1.
    keepalive_garbage: bool = "keepalive-garbage" {
        rfc: false, "RFC 9293 SHLD-12; MAY-6 allows an octet";
        linux: false, "tcp_xmit_probe_skb";
    }
    /// Whether a peer that answers no keep-alive probe is told by RST.
    keepalive_reset: bool = "keepalive-reset" {
        rfc: false, "RFC 9293 section 3.8.4 names no segment";
        linux: true, "measured: RST,ACK at SND.NXT";
    }
    /// First port of the ephemeral range.
    ephemeral_first: u16 = "ephemeral-first" {
        rfc: 49_152, "RFC 6335 section 6";
        linux: 32_768, "net.ipv4.ip_local_port_range";
    }
    /// Last port of the ephemeral range.
    ephemeral_last: u16 = "ephemeral-last" {
        rfc: 65_535, "RFC 6335 section 6";
        linux: 60_999, "net.ipv4.ip_local_port_range";
    }
}

impl Profile {
    /// The names of all profiles.
    pub const NAMES: [&'static str; 2] = ["rfc9293", "linux"];

    /// The profile with this name.
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "rfc9293" => Some(Self::rfc9293()),
            "linux" => Some(Self::linux()),
            _ => None,
        }
    }

    /// Sets a knob by name.
    ///
    /// # Errors
    /// [`KnobError::Unknown`] for a name that no knob has, [`KnobError::Value`] for a value it does not take.
    pub fn set(&mut self, name: &str, value: &str) -> Result<(), KnobError> {
        let knob = KNOBS.iter().find(|knob| knob.name == name).ok_or_else(|| KnobError::Unknown { name: name.to_owned() })?;
        if (knob.set)(self, value) {
            Ok(())
        } else {
            Err(KnobError::Value { name: knob.name, value: value.to_owned(), expected: knob.expected })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_knob_reads_back_what_it_shows() {
        for name in Profile::NAMES {
            let profile = Profile::named(name).expect("listed");
            for knob in KNOBS {
                let mut other = profile.clone();
                other.set(knob.name, &knob.get(&profile)).unwrap_or_else(|error| panic!("{error}"));
                assert_eq!(other, profile, "{}", knob.name);
            }
        }
    }

    #[test]
    fn the_defaults_keep_the_standards_bounds() {
        // MUST-23, MUST-28, MUST-40, SHLD-10, SHLD-11, R6298-1, R6298-4, R6298-5.
        let rfc = Profile::rfc9293();
        let sum = |times: u8| (0..=times).map(|doublings| (seconds(1) * (1 << doublings)).min(rfc.rto_max)).sum::<Duration>();
        assert!(sum(rfc.syn_retries) >= seconds(180) && sum(rfc.syn_ack_retries) >= seconds(180));
        assert!(rfc.r1 >= 3 && sum(rfc.data_retries) >= seconds(100));
        assert!(rfc.rto_initial >= seconds(1) && rfc.rto_min == seconds(1) && rfc.rto_max >= seconds(60));
        for name in Profile::NAMES {
            let profile = Profile::named(name).expect("listed");
            assert!(profile.delayed_ack < millis(500) && profile.keepalive_idle >= seconds(7200), "{name}");
        }
    }

    #[test]
    fn a_wrong_value_says_what_would_be_right() {
        let error = Profile::linux().set("window-scale", "15").expect_err("15 is too much");
        assert_eq!(error.to_string(), "knob window-scale cannot be \"15\": expected off, or a shift count from 0 to 14");
        assert!(matches!(Profile::linux().set("sin-retries", "1"), Err(KnobError::Unknown { .. })));
        assert!(matches!(Profile::linux().set("msl", "500000000000years"), Err(KnobError::Value { .. })));
    }
}
