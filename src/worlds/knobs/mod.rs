//! What the systems call the knobs of a profile: which sysctl or socket option says the same.
//!
//! A scenario's own settings can be asked of a kernel where there is such a word, or where the value is the one
//! the kernel has anyway; a script's settings are read by the same rows. What is here of FreeBSD can only be read, as no
//! kernel of it is asked.

mod further;

use std::time::Duration;

use crate::engine::Profile;
use crate::engine::profile::{EcnPolicy, SynCookies};

pub(in crate::worlds) use further::{FREEBSD, LINUX, Reading};

/// So many records in TIME-WAIT are no limit to anybody here.
const PLENTY: u32 = 4096;

/// How the kernel is told of a knob.
#[derive(Clone, Copy, Debug)]
pub enum Told {
    /// By a sysctl of the network namespace.
    Sysctl {
        /// Its name.
        name: &'static str,
        /// What it is set to; `None` where the value cannot be said by it.
        show: fn(&Profile) -> Option<String>,
        /// The knob's value that such a setting means; `None` where it means none.
        read: fn(&str) -> Option<String>,
    },
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
            Told::Sysctl { name, .. } | Told::Option(name) | Told::Measured(name) => name,
        }
    }
}

/// The words the kernel has; all other knobs are as the kernel was built.
pub static EQUIVALENTS: &[Equivalent] = &[
    shortened("2", sysctl("syn-retries", "net.ipv4.tcp_syn_retries", |p| at_least_one(p.syn_retries), number)),
    shortened("1", sysctl("syn-linear-timeouts", "net.ipv4.tcp_syn_linear_timeouts", |p| Some(p.syn_linear_timeouts.to_string()), number)),
    shortened("2", sysctl("syn-ack-retries", "net.ipv4.tcp_synack_retries", |p| Some(p.syn_ack_retries.to_string()), number)),
    sysctl("data-retries", "net.ipv4.tcp_retries2", |p| Some(p.data_retries.to_string()), number),
    sysctl(
        "orphan-retries",
        "net.ipv4.tcp_orphan_retries",
        |p| Some(if p.orphan_retries == 8 { 0 } else { p.orphan_retries }.to_string()),
        |v| number(v).map(|v| if v == "0" { "8".to_owned() } else { v }),
    ),
    sysctl("tail-loss-probe", "net.ipv4.tcp_early_retrans", |p| Some(if p.tail_loss_probe { "3" } else { "0" }.to_owned()), probes),
    sysctl(
        "r1",
        "net.ipv4.tcp_retries1",
        |p| (p.r1 == Profile::linux().r1).then(|| "3".to_owned()),
        |v| (v == "3").then(|| Profile::linux().r1.to_string()),
    ),
    sysctl("rto-min", "net.ipv4.tcp_rto_min_us", |p| (!p.rto_min.is_zero()).then(|| p.rto_min.as_micros().to_string()), micros),
    sysctl(
        "rto-max",
        "net.ipv4.tcp_rto_max_ms",
        |p| (Duration::from_secs(1)..=Duration::from_mins(2)).contains(&p.rto_max).then(|| p.rto_max.as_millis().to_string()),
        millis,
    ),
    sysctl("challenge-interval", "net.ipv4.tcp_invalid_ratelimit", |p| Some(p.challenge_interval.as_millis().to_string()), millis),
    Equivalent { knob: "nagle", told: Told::Option("TCP_NODELAY"), shortened: None },
    Equivalent { knob: "send-buffer", told: Told::Option("SO_SNDBUF, net.ipv4.tcp_wmem"), shortened: None },
    sysctl("receive-buffer", "net.ipv4.tcp_rmem", receive_memory, |v| word(v, 1).map(|memory| (memory / 2).to_string())),
    sysctl("receive-memory-max", "net.ipv4.tcp_rmem", receive_memory, |v| word(v, 2).map(|memory| memory.to_string())),
    Equivalent { knob: "udp-receive-buffer", told: Told::Option("SO_RCVBUF"), shortened: None },
    Equivalent { knob: "packet-overhead", told: Told::Measured("SO_MEMINFO"), shortened: None },
    sysctl(
        "window-scale",
        "net.ipv4.tcp_window_scaling",
        |p| match p.window_scale.0 {
            None => Some("0".to_owned()),
            // The shift follows from the memory the buffer may grow to.
            Some(shift) => (shift == shift_of(p.receive_memory_max)).then(|| "1".to_owned()),
        },
        |v| match v {
            "0" => Some("off".to_owned()),
            "1" => Some(shift_of(Profile::linux().receive_memory_max).to_string()),
            _ => None,
        },
    ),
    sysctl("sack", "net.ipv4.tcp_sack", |p| Some(switch(p.sack)), on_off),
    sysctl("dsack", "net.ipv4.tcp_dsack", |p| Some(switch(p.dsack)), on_off),
    sysctl(
        "timestamps",
        "net.ipv4.tcp_timestamps",
        |p| Some(switch(p.timestamps)),
        |v| match v {
            // 2 is without the random offset, of which nobody asks.
            "2" => Some("on".to_owned()),
            _ => on_off(v),
        },
    ),
    sysctl("rfc1337", "net.ipv4.tcp_rfc1337", |p| Some(switch(p.rfc1337)), on_off),
    shortened("2s", sysctl("fin-wait-2-timeout", "net.ipv4.tcp_fin_timeout", |p| whole_seconds(p.fin_wait_2_timeout), seconds)),
    shortened("2s", sysctl("keepalive-idle", "net.ipv4.tcp_keepalive_time", |p| whole_seconds(p.keepalive_idle), seconds)),
    shortened("1s", sysctl("keepalive-interval", "net.ipv4.tcp_keepalive_intvl", |p| whole_seconds(p.keepalive_interval), seconds)),
    sysctl("keepalive-probes", "net.ipv4.tcp_keepalive_probes", |p| at_least_one(p.keepalive_probes), number),
    sysctl(
        "ecn",
        "net.ipv4.tcp_ecn",
        |p| match p.ecn {
            EcnPolicy::Off => Some("0".to_owned()),
            EcnPolicy::Ask => Some("1".to_owned()),
            EcnPolicy::Accept => Some("2".to_owned()),
            // 3 asks for it in kernels that can; 6.18 has the sysctls around it and refuses the value.
            EcnPolicy::Accurate | EcnPolicy::AcceptAccurate => None,
        },
        |v| {
            Some(
                match v {
                    "0" => "off",
                    "1" => "ask",
                    "2" => "accept",
                    "3" => "accurate",
                    _ => return None,
                }
                .to_owned(),
            )
        },
    ),
    sysctl("ecn-fallback", "net.ipv4.tcp_ecn_fallback", |p| (p.ecn_fallback <= 1).then(|| p.ecn_fallback.to_string()), number),
    sysctl("receive-buffer-grows", "net.ipv4.tcp_moderate_rcvbuf", |p| Some(switch(p.receive_buffer_grows)), on_off),
    sysctl("abort-on-overflow", "net.ipv4.tcp_abort_on_overflow", |p| Some(switch(p.abort_on_overflow)), on_off),
    sysctl(
        "syn-cookies",
        "net.ipv4.tcp_syncookies",
        |p| {
            let value = match p.syn_cookies {
                SynCookies::Off => 0,
                SynCookies::Pressure => 1,
                SynCookies::Always => 2,
            };
            Some(value.to_string())
        },
        |v| {
            Some(
                match v {
                    "0" => "off",
                    "1" => "pressure",
                    "2" => "always",
                    _ => return None,
                }
                .to_owned(),
            )
        },
    ),
    sysctl(
        "time-wait-limit",
        "net.ipv4.tcp_max_tw_buckets",
        |p| Some(if p.time_wait_limit == 0 { "262144".to_owned() } else { p.time_wait_limit.to_string() }),
        |v| number(v).map(|limit| if limit.parse::<u32>().is_ok_and(|limit| limit >= PLENTY) { "0".to_owned() } else { limit }),
    ),
    sysctl("ephemeral-first", "net.ipv4.ip_local_port_range", ports, |v| word(v, 0).map(|port| port.to_string())),
    sysctl("ephemeral-last", "net.ipv4.ip_local_port_range", ports, |v| word(v, 1).map(|port| port.to_string())),
];

const fn sysctl(
    knob: &'static str,
    name: &'static str,
    show: fn(&Profile) -> Option<String>,
    read: fn(&str) -> Option<String>,
) -> Equivalent {
    Equivalent { knob, told: Told::Sysctl { name, show, read }, shortened: None }
}

const fn shortened(to: &'static str, row: Equivalent) -> Equivalent {
    Equivalent { shortened: Some(to), ..row }
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
pub(in crate::worlds) fn shift_of(memory: u32) -> u8 {
    (0..14).find(|shift| u64::from(u16::MAX) << shift >= u64::from(memory)).unwrap_or(14)
}

/// A whole number, in decimal or with `0x`.
pub(in crate::worlds) fn whole(text: &str) -> Option<u64> {
    match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        Some(digits) => u64::from_str_radix(digits, 16).ok(),
        None => text.parse().ok(),
    }
}

fn number(text: &str) -> Option<String> {
    whole(text).map(|number| number.to_string())
}

fn on_off(text: &str) -> Option<String> {
    match whole(text)? {
        0 => Some("off".to_owned()),
        1 => Some("on".to_owned()),
        _ => None,
    }
}

/// Early retransmits are long gone: 3 and 4 are probes, and all else is none.
fn probes(text: &str) -> Option<String> {
    Some(if matches!(whole(text)?, 3 | 4) { "on" } else { "off" }.to_owned())
}

fn seconds(text: &str) -> Option<String> {
    whole(text).map(|seconds| format!("{seconds}s"))
}

fn millis(text: &str) -> Option<String> {
    whole(text).map(|millis| format!("{millis}ms"))
}

fn micros(text: &str) -> Option<String> {
    whole(text).map(|micros| format!("{micros}us"))
}

/// One of several whole numbers.
pub(in crate::worlds) fn word(text: &str, position: usize) -> Option<u64> {
    whole(text.split_whitespace().nth(position)?)
}

/// The row of this knob.
pub fn equivalent(knob: &str) -> Option<&'static Equivalent> {
    EQUIVALENTS.iter().find(|row| row.knob == knob)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::profile::KNOBS;

    #[test]
    fn what_a_kernel_is_told_reads_as_the_same_knob() {
        let profile = Profile::linux();
        for row in EQUIVALENTS {
            let Told::Sysctl { name, show, read } = row.told else { continue };
            let text = show(&profile).expect("the defaults can be said");
            let value = read(&text).unwrap_or_else(|| panic!("{name}={text}"));
            let mut other = profile.clone();
            other.set(row.knob, &value).unwrap_or_else(|error| panic!("{name}={text}: {error}"));
            assert_eq!(other, profile, "{name}={text}");
        }
    }

    #[test]
    fn what_can_only_be_read_is_of_a_knob_and_takes_its_default() {
        for (rows, profile) in [(LINUX, Profile::linux()), (FREEBSD, Profile::freebsd())] {
            for Reading { knob, name, usual, read } in rows {
                let known = KNOBS.iter().find(|known| known.name == *knob).unwrap_or_else(|| panic!("{knob}"));
                let mut other = profile.clone();
                let value = read(usual).unwrap_or_else(|| panic!("{name}={usual}"));
                other.set(knob, &value).unwrap_or_else(|error| panic!("{name}={usual}: {error}"));
                assert_eq!(known.get(&other), known.get(&profile), "{name}={usual}");
            }
        }
    }
}
