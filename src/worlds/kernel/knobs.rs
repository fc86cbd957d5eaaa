//! What a knob of the simulation is called by the kernel: which sysctl or socket option says the same.
//!
//! A scenario's own settings can be asked of a kernel where there is such a word, or where the value is the one
//! the kernel has anyway. Here: the list, and what a namespace is set to. Not here: who asks for which value.

use std::time::Duration;

use crate::engine::Profile;
use crate::engine::profile::{EcnPolicy, KNOBS, SynCookies};

/// How the kernel is told of a knob.
#[derive(Clone, Copy, Debug)]
pub enum Told {
    /// By a sysctl of the network namespace; `None` where the value cannot be said by it.
    Sysctl(&'static str, fn(&Profile) -> Option<String>),
    /// By a socket option of the application, which is not set for it: its default is the profile's value.
    Option(&'static str),
    /// Not at all, but it can be measured; the simulation is told.
    Measured(&'static str),
}

/// A knob and how the kernel is told of it.
#[derive(Clone, Copy, Debug)]
pub struct Equivalent {
    /// The knob.
    pub knob: &'static str,
    /// How the kernel is told.
    pub told: Told,
    /// How it is shortened where a scenario would wait for it: to this, for both sides alike.
    pub shortened: Option<&'static str>,
}

impl Equivalent {
    /// The sysctl or socket option, by its name.
    pub fn name(&self) -> &'static str {
        match self.told {
            Told::Sysctl(name, _) | Told::Option(name) | Told::Measured(name) => name,
        }
    }
}

/// The words the kernel has; all other knobs are as the kernel was built.
pub static EQUIVALENTS: &[Equivalent] = &[
    shortened("syn-retries", "net.ipv4.tcp_syn_retries", "2", |p| at_least_one(p.syn_retries)),
    shortened("syn-linear-timeouts", "net.ipv4.tcp_syn_linear_timeouts", "1", |p| Some(p.syn_linear_timeouts.to_string())),
    shortened("syn-ack-retries", "net.ipv4.tcp_synack_retries", "2", |p| Some(p.syn_ack_retries.to_string())),
    sysctl("data-retries", "net.ipv4.tcp_retries2", |p| Some(p.data_retries.to_string())),
    sysctl("orphan-retries", "net.ipv4.tcp_orphan_retries", |p| Some(if p.orphan_retries == 8 { 0 } else { p.orphan_retries }.to_string())),
    sysctl("tail-loss-probe", "net.ipv4.tcp_early_retrans", |p| Some(if p.tail_loss_probe { "3" } else { "0" }.to_owned())),
    sysctl("r1", "net.ipv4.tcp_retries1", |p| (p.r1 == Profile::linux().r1).then(|| "3".to_owned())),
    sysctl("rto-min", "net.ipv4.tcp_rto_min_us", |p| (!p.rto_min.is_zero()).then(|| p.rto_min.as_micros().to_string())),
    sysctl("rto-max", "net.ipv4.tcp_rto_max_ms", |p| {
        (Duration::from_secs(1)..=Duration::from_mins(2)).contains(&p.rto_max).then(|| p.rto_max.as_millis().to_string())
    }),
    sysctl("challenge-interval", "net.ipv4.tcp_invalid_ratelimit", |p| Some(p.challenge_interval.as_millis().to_string())),
    Equivalent { knob: "nagle", told: Told::Option("TCP_NODELAY"), shortened: None },
    Equivalent { knob: "send-buffer", told: Told::Option("SO_SNDBUF, net.ipv4.tcp_wmem"), shortened: None },
    sysctl("receive-buffer", "net.ipv4.tcp_rmem", receive_memory),
    sysctl("receive-memory-max", "net.ipv4.tcp_rmem", receive_memory),
    Equivalent { knob: "udp-receive-buffer", told: Told::Option("SO_RCVBUF"), shortened: None },
    Equivalent { knob: "packet-overhead", told: Told::Measured("SO_MEMINFO"), shortened: None },
    sysctl("window-scale", "net.ipv4.tcp_window_scaling", |p| match p.window_scale.0 {
        None => Some("0".to_owned()),
        // The shift follows from the memory the buffer may grow to.
        Some(shift) => (shift == shift_of(p.receive_memory_max)).then(|| "1".to_owned()),
    }),
    sysctl("sack", "net.ipv4.tcp_sack", |p| Some(switch(p.sack))),
    sysctl("dsack", "net.ipv4.tcp_dsack", |p| Some(switch(p.dsack))),
    sysctl("timestamps", "net.ipv4.tcp_timestamps", |p| Some(switch(p.timestamps))),
    sysctl("rfc1337", "net.ipv4.tcp_rfc1337", |p| Some(switch(p.rfc1337))),
    shortened("fin-wait-2-timeout", "net.ipv4.tcp_fin_timeout", "2s", |p| whole_seconds(p.fin_wait_2_timeout)),
    shortened("keepalive-idle", "net.ipv4.tcp_keepalive_time", "2s", |p| whole_seconds(p.keepalive_idle)),
    shortened("keepalive-interval", "net.ipv4.tcp_keepalive_intvl", "1s", |p| whole_seconds(p.keepalive_interval)),
    sysctl("keepalive-probes", "net.ipv4.tcp_keepalive_probes", |p| at_least_one(p.keepalive_probes)),
    sysctl("ecn", "net.ipv4.tcp_ecn", |p| match p.ecn {
        EcnPolicy::Off => Some("0".to_owned()),
        EcnPolicy::Ask => Some("1".to_owned()),
        EcnPolicy::Accept => Some("2".to_owned()),
        // 3 asks for it in kernels that can; 6.18 has the sysctls around it and refuses the value.
        EcnPolicy::Accurate => None,
    }),
    sysctl("ecn-fallback", "net.ipv4.tcp_ecn_fallback", |p| (p.ecn_fallback <= 1).then(|| p.ecn_fallback.to_string())),
    sysctl("abort-on-overflow", "net.ipv4.tcp_abort_on_overflow", |p| Some(switch(p.abort_on_overflow))),
    sysctl("syn-cookies", "net.ipv4.tcp_syncookies", |p| {
        let value = match p.syn_cookies {
            SynCookies::Off => 0,
            SynCookies::Pressure => 1,
            SynCookies::Always => 2,
        };
        Some(value.to_string())
    }),
    sysctl("time-wait-limit", "net.ipv4.tcp_max_tw_buckets", |p| {
        Some(if p.time_wait_limit == 0 { "262144".to_owned() } else { p.time_wait_limit.to_string() })
    }),
    sysctl("ephemeral-first", "net.ipv4.ip_local_port_range", ports),
    sysctl("ephemeral-last", "net.ipv4.ip_local_port_range", ports),
];

const fn sysctl(knob: &'static str, name: &'static str, value: fn(&Profile) -> Option<String>) -> Equivalent {
    Equivalent { knob, told: Told::Sysctl(name, value), shortened: None }
}

const fn shortened(knob: &'static str, name: &'static str, to: &'static str, value: fn(&Profile) -> Option<String>) -> Equivalent {
    Equivalent { knob, told: Told::Sysctl(name, value), shortened: Some(to) }
}

fn switch(on: bool) -> String {
    u8::from(on).to_string()
}

fn at_least_one(number: u8) -> Option<String> {
    (number > 0).then(|| number.to_string())
}

fn whole_seconds(duration: Duration) -> Option<String> {
    (duration.subsec_nanos() == 0 && !duration.is_zero()).then(|| duration.as_secs().to_string())
}

fn receive_memory(profile: &Profile) -> Option<String> {
    // The least is below the usual 4096 so that small buffers stay as small as they are asked for.
    let buffer = profile.receive_buffer.saturating_mul(2);
    (buffer > 0).then(|| format!("{} {buffer} {}", buffer.min(4096), profile.receive_memory_max.max(buffer)))
}

fn ports(profile: &Profile) -> Option<String> {
    (profile.ephemeral_first <= profile.ephemeral_last).then(|| format!("{} {}", profile.ephemeral_first, profile.ephemeral_last))
}

/// The shift that offers as much memory: the least with which 65535 octets reach it.
fn shift_of(memory: u32) -> u8 {
    (0..14).find(|shift| u64::from(u16::MAX) << shift >= u64::from(memory)).unwrap_or(14)
}

/// The row of this knob.
pub fn equivalent(knob: &str) -> Option<&'static Equivalent> {
    EQUIVALENTS.iter().find(|row| row.knob == knob)
}

/// The profile with those knobs moved along that the kernel does not keep apart.
pub fn as_kept_together(mut profile: Profile) -> Profile {
    if let Some(shift) = profile.window_scale.0
        && shift != shift_of(profile.receive_memory_max)
    {
        profile.receive_memory_max = u32::from(u16::MAX) << shift;
    }
    profile
}

/// Whether a kernel can be made to behave as the profile says of this knob: by a sysctl, or because it does anyway.
pub fn can_be_told(knob: &str, profile: &Profile) -> bool {
    let usual = KNOBS.iter().find(|known| known.name == knob).is_some_and(|known| known.get(profile) == known.get(&Profile::linux()));
    usual || matches!(equivalent(knob), Some(Equivalent { told: Told::Sysctl(_, value), .. }) if value(profile).is_some())
}

/// What every namespace of ours has, whatever the profile: nothing is remembered from one connection to the
/// next but cookies, who asks for fast opens or echoes gets them, and no ICMP error is held back.
const ALWAYS: [(&str, &str); 5] = [
    ("net.ipv4.tcp_no_metrics_save", "1"),
    ("net.ipv4.tcp_fastopen", "3"),
    ("net.ipv4.ping_group_range", "0 0"),
    ("net.ipv4.icmp_ratelimit", "0"),
    ("net.ipv6.icmp.ratelimit", "0"),
];

/// The sysctls that make a namespace behave as the profile says, whatever the machine's own are.
///
/// A value that no sysctl can say leaves the kernel's default in force; [`can_be_told`] asks before.
pub fn sysctls(profile: &Profile) -> Vec<(&'static str, String)> {
    let mut all: Vec<(&'static str, String)> = ALWAYS.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
    for row in EQUIVALENTS {
        if let Told::Sysctl(name, value) = row.told
            && !all.iter().any(|(known, _)| *known == name)
            && let Some(value) = value(profile)
        {
            all.push((name, value));
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_is_of_a_knob_and_no_knob_has_two() {
        for (position, row) in EQUIVALENTS.iter().enumerate() {
            assert!(KNOBS.iter().any(|knob| knob.name == row.knob), "{}", row.knob);
            assert!(EQUIVALENTS[..position].iter().all(|other| other.knob != row.knob), "{} twice", row.knob);
            assert!(can_be_told(row.knob, &Profile::linux()), "{}", row.knob);
        }
    }

    #[test]
    fn what_a_knob_is_shortened_to_can_be_said() {
        for row in EQUIVALENTS {
            let Some(short) = row.shortened else { continue };
            let mut profile = Profile::linux();
            profile.set(row.knob, short).expect("a value of the knob");
            assert!(can_be_told(row.knob, &profile), "{} {short}", row.knob);
        }
    }

    #[test]
    fn the_defaults_of_the_profile_are_those_of_the_kernel() {
        let all = sysctls(&Profile::linux());
        for (name, value) in [
            ("net.ipv4.tcp_rmem", "4096 131072 33554432"),
            ("net.ipv4.tcp_ecn", "2"),
            ("net.ipv4.tcp_window_scaling", "1"),
            ("net.ipv4.tcp_retries2", "15"),
            ("net.ipv4.tcp_rto_min_us", "200000"),
            ("net.ipv4.tcp_rto_max_ms", "120000"),
            ("net.ipv4.tcp_invalid_ratelimit", "500"),
            ("net.ipv4.ip_local_port_range", "32768 60999"),
        ] {
            assert!(all.contains(&(name, value.to_owned())), "{name} {all:?}");
        }
    }

    #[test]
    fn a_shift_moves_the_memory_it_follows_from() {
        let mut profile = Profile::linux();
        profile.set("window-scale", "7").expect("a shift");
        assert!(!can_be_told("window-scale", &profile));
        let moved = as_kept_together(profile);
        assert_eq!(moved.receive_memory_max, 65_535 << 7);
        assert!(can_be_told("window-scale", &moved));
    }

    #[test]
    fn a_value_without_a_word_is_not_asked() {
        let mut profile = Profile::linux();
        for (knob, value) in [("ecn", "accurate"), ("mss-option", "off"), ("msl", "1s"), ("keepalive-idle", "1500ms"), ("syn-retries", "0")]
        {
            profile.set(knob, value).expect("a value of the knob");
            assert!(!can_be_told(knob, &profile), "{knob}={value}");
        }
    }
}
