//! Making a kernel behave as a profile says, and which of its knobs can be told it.
//!
//! Which sysctl says the same as a knob stands in [`EQUIVALENTS`]; here is what a namespace is set to.

use crate::engine::Profile;
use crate::engine::profile::KNOBS;
use crate::worlds::knobs::{EQUIVALENTS, Equivalent, Told, equivalent, shift_of};

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
    usual || matches!(equivalent(knob), Some(Equivalent { told: Told::Sysctl { show, .. }, .. }) if show(profile).is_some())
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
        if let Told::Sysctl { name, show, .. } = row.told
            && !all.iter().any(|(known, _)| *known == name)
            && let Some(value) = show(profile)
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
