//! Sysctls that are read where a script sets them, and that no kernel is told of.

use super::{millis, number, on_off, seconds, whole};

/// A sysctl that means a knob.
#[derive(Clone, Copy, Debug)]
pub(in crate::worlds) struct Reading {
    /// The knob.
    pub knob: &'static str,
    /// The sysctl.
    pub name: &'static str,
    /// What it is at first.
    #[cfg_attr(not(test), expect(dead_code, reason = "a test asks that it reads as what the profile has"))]
    pub usual: &'static str,
    /// The knob's value that such a setting means; `None` where it means none.
    pub read: fn(&str) -> Option<String>,
}

const fn row(knob: &'static str, name: &'static str, usual: &'static str, read: fn(&str) -> Option<String>) -> Reading {
    Reading { knob, name, usual, read }
}

fn off_on(text: &str) -> Option<String> {
    match whole(text)? {
        0 => Some("on".to_owned()),
        1 => Some("off".to_owned()),
        _ => None,
    }
}

/// `net.inet.tcp.retries`: 1 to 12.
fn retries(text: &str) -> Option<String> {
    whole(text).filter(|count| (1..=12).contains(count)).map(|count| count.to_string())
}

/// An MSS, of which FreeBSD wants 64 octets at least.
fn mss(text: &str) -> Option<String> {
    whole(text).filter(|octets| (64..=65_535).contains(octets)).map(|octets| octets.to_string())
}

/// `tcp_recovery` without this bit; RACK itself cannot be switched off since 6.17.
fn without_bit(text: &str, bit: u64) -> Option<String> {
    let bits = whole(text).filter(|bits| *bits < 256)?;
    Some(if bits & bit == 0 { "on" } else { "off" }.to_owned())
}

/// Linux's, beside those a kernel is told of.
pub(in crate::worlds) static LINUX: &[Reading] = &[
    row("slow-start-after-idle", "net.ipv4.tcp_slow_start_after_idle", "1", on_off),
    row("reordering", "net.ipv4.tcp_reordering", "3", |text| number(text).filter(|count| count != "0")),
    row("max-reordering", "net.ipv4.tcp_max_reordering", "300", |text| number(text).filter(|count| count != "0")),
    row("rack-widens", "net.ipv4.tcp_recovery", "1", |text| without_bit(text, 2)),
    row("rack-dupthresh", "net.ipv4.tcp_recovery", "1", |text| without_bit(text, 4)),
    row("frto", "net.ipv4.tcp_frto", "2", |text| match whole(text)? {
        0 => Some("off".to_owned()),
        1 | 2 => Some("on".to_owned()),
        _ => None,
    }),
    row("burst-segments", "net.ipv4.tcp_min_tso_segs", "2", |text| number(text).filter(|count| count != "0")),
    row("path-mtu-discovery", "net.ipv4.ip_no_pmtu_disc", "0", off_on),
    row("min-pmtu", "net.ipv4.route.min_pmtu", "552", number),
    row("mtu-probing", "net.ipv4.tcp_mtu_probing", "0", |text| match whole(text)? {
        0 => Some("off".to_owned()),
        1 => Some("black-hole".to_owned()),
        2 => Some("always".to_owned()),
        _ => None,
    }),
    row("mtu-probe-base", "net.ipv4.tcp_base_mss", "1024", |text| number(text).filter(|octets| octets != "0")),
    row("mtu-probe-floor", "net.ipv4.tcp_mtu_probe_floor", "48", number),
    row("mtu-probe-threshold", "net.ipv4.tcp_probe_threshold", "8", number),
    row("mtu-probe-interval", "net.ipv4.tcp_probe_interval", "600", seconds),
    row("min-mss", "net.ipv4.tcp_min_snd_mss", "48", |text| {
        whole(text).filter(|octets| (48..=65_535).contains(octets)).map(|octets| octets.to_string())
    }),
    row("interactive-after", "net.ipv4.tcp_pingpong_thresh", "1", |text| {
        whole(text).filter(|count| (1..=255).contains(count)).map(|count| count.to_string())
    }),
    row("thin-linear-timeouts", "net.ipv4.tcp_thin_linear_timeouts", "0", on_off),
    row("reflect-class", "net.ipv4.tcp_reflect_tos", "0", on_off),
    row("sack-compression", "net.ipv4.tcp_comp_sack_nr", "44", |text| {
        whole(text).filter(|count| *count < 256).map(|count| count.to_string())
    }),
    row("sack-compression-delay", "net.ipv4.tcp_comp_sack_delay_ns", "1000000", |text| whole(text).map(|nanos| format!("{nanos}ns"))),
    row("sack-compression-slack", "net.ipv4.tcp_comp_sack_slack_ns", "100000", |text| whole(text).map(|nanos| format!("{nanos}ns"))),
    row("path-mtu-life", "net.ipv4.route.mtu_expires", "600", seconds),
    row("path-mtu-life", "net.ipv6.route.mtu_expires", "600", seconds),
];

/// FreeBSD's.
pub(in crate::worlds) static FREEBSD: &[Reading] = &[
    row("msl", "net.inet.tcp.msl", "30000", millis),
    row("connect-timeout", "net.inet.tcp.keepinit", "75000", millis),
    row("keepalive-idle", "net.inet.tcp.keepidle", "7200000", millis),
    row("keepalive-interval", "net.inet.tcp.keepintvl", "75000", millis),
    row("keepalive-probes", "net.inet.tcp.keepcnt", "8", number),
    row("rto-initial", "net.inet.tcp.rexmit_initial", "1000", millis),
    row("rto-min", "net.inet.tcp.rexmit_min", "30", millis),
    row("rto-slop", "net.inet.tcp.rexmit_slop", "200", millis),
    row("persist-min", "net.inet.tcp.persmin", "5000", millis),
    row("persist-max", "net.inet.tcp.persmax", "60000", millis),
    row("rto-max", "net.inet.tcp.rexmit_max", "64000", millis),
    row("data-retries", "net.inet.tcp.retries", "12", retries),
    // What its TCP tests see of a SYN is fewer.
    row("syn-retries", "net.inet.tcp.retries", "12", |text| retries(text).map(|text| if text.len() > 1 { "10".to_owned() } else { text })),
    row("insecure-ack", "net.inet.tcp.insecure_ack", "0", on_off),
    row("insecure-reset", "net.inet.tcp.insecure_rst", "0", on_off),
    row("insecure-syn", "net.inet.tcp.insecure_syn", "0", on_off),
    row("udp-tunneling-port", "net.inet.tcp.udp_tunneling_port", "0", number),
    row("syn-ack-retries", "net.inet.tcp.syncache.rexmtlimit", "3", number),
    row("fin-wait-2-timeout", "net.inet.tcp.finwait2_timeout", "60000", millis),
    row("fin-wait-2-by-keepalive", "net.inet.tcp.fast_finwait2_recycle", "0", off_on),
    row("receive-buffer", "net.inet.tcp.recvspace", "65536", number),
    row("send-buffer", "net.inet.tcp.sendspace", "32768", number),
    row("udp-receive-buffer", "net.inet.udp.recvspace", "42080", number),
    row("window-scale", "net.inet.tcp.rfc1323", "1", |text| match whole(text)? {
        // 3 is for timestamps alone, and all beyond for both.
        0 | 3 => Some("off".to_owned()),
        _ => Some("6".to_owned()),
    }),
    row("timestamps", "net.inet.tcp.rfc1323", "1", |text| match whole(text)? {
        0 | 2 => Some("off".to_owned()),
        _ => Some("on".to_owned()),
    }),
    row("sack", "net.inet.tcp.sack.enable", "1", on_off),
    row("ecn", "net.inet.tcp.ecn.enable", "2", |text| {
        Some(
            match whole(text)? {
                0 => "off",
                1 => "ask",
                2 => "accept",
                3 => "accurate",
                4 => "accept-accurate",
                _ => return None,
            }
            .to_owned(),
        )
    }),
    // It counts the SYNs that ask after the first.
    row("ecn-fallback", "net.inet.tcp.ecn.maxretries", "1", |text| whole(text)?.checked_add(1).map(|syns| syns.to_string())),
    row("delayed-ack", "net.inet.tcp.delacktime", "40", millis),
    row("syn-cookies", "net.inet.tcp.syncookies", "1", |text| {
        Some(
            match whole(text)? {
                0 => "off",
                1 => "pressure",
                _ => return None,
            }
            .to_owned(),
        )
    }),
    row("drop-syn-fin", "net.inet.tcp.drop_synfin", "0", on_off),
    row("blackhole", "net.inet.tcp.blackhole", "0", |text| match whole(text)? {
        0 => Some("off".to_owned()),
        1 => Some("syn".to_owned()),
        2 | 3 => Some("on".to_owned()),
        _ => None,
    }),
    row("icmp-may-reset", "net.inet.tcp.icmp_may_rst", "1", on_off),
    row("full-syn-retries", "net.inet.tcp.rexmit_drop_options", "0", |text| match whole(text)? {
        0 => Some("0".to_owned()),
        1 => Some("2".to_owned()),
        _ => None,
    }),
    row("challenge-acks", "net.inet.tcp.ack_war_cnt", "5", |text| match whole(text)? {
        0 => Some("255".to_owned()),
        count => Some(count.min(255).to_string()),
    }),
    row("challenge-interval", "net.inet.tcp.ack_war_timewindow", "1000", millis),
    row("require-timestamps", "net.inet.tcp.tolerate_missing_ts", "0", off_on),
    row("path-mtu-discovery", "net.inet.tcp.path_mtu_discovery", "1", on_off),
    row("initial-window", "net.inet.tcp.initcwnd_segments", "10", |text| number(text).filter(|count| count != "0")),
    row("abc-limit", "net.inet.tcp.abc_l_var", "2", |text| number(text).filter(|count| count != "0")),
    row("limited-transmit", "net.inet.tcp.rfc3042", "1", on_off),
    row("default-mss", "net.inet.tcp.mssdflt", "536", mss),
    row("default-mss-ipv6", "net.inet.tcp.v6mssdflt", "1220", mss),
    row("min-mss", "net.inet.tcp.minmss", "216", mss),
    row("min-pmtu", "net.inet.tcp.minmss", "216", |text| mss(text)?.parse::<u16>().ok()?.checked_add(40).map(|mtu| mtu.to_string())),
    row("ephemeral-first", "net.inet.ip.portrange.first", "10000", number),
    row("ephemeral-last", "net.inet.ip.portrange.last", "65535", number),
];
