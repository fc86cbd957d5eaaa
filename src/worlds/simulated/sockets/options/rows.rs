//! The options whose value is one whole number: what they may be set to, and what they are at first.
//!
//! The bounds are those that Linux 6.18 was seen to keep. Where an option changes what a host does, `apply` says how;
//! one that is not there has no effect that a peer or a later call could see, and is only read back.

use super::super::constants::System;
use crate::engine::Profile;
use crate::worlds::stack::Constant;

/// Whose option it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in super::super) enum Level {
    /// `SOL_SOCKET`.
    Socket,
    /// `IPPROTO_TCP`.
    Tcp,
    /// `IPPROTO_IP`.
    Ip,
    /// `IPPROTO_IPV6`.
    Ipv6,
    /// `IPPROTO_UDP`.
    Udp,
}

/// What an option may be set to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in super::super) enum Setting {
    /// Whatever is not 0 is 1.
    Switch,
    /// From here to there; anything else is `EINVAL`.
    Within(i64, i64),
    /// Whatever is outside becomes the nearest bound.
    Clamped(i64, i64),
    /// Anything.
    Any,
    /// Nothing: it can only be read, and setting it is `ENOPROTOOPT`.
    Never,
}

/// Which systems have an option.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in super::super) enum On {
    Both,
    Linux,
    FreeBsd,
}

/// One option.
pub(in super::super) struct Row {
    pub level: Level,
    pub name: &'static str,
    pub on: On,
    pub setting: Setting,
    /// The value before any is set.
    pub usual: fn(&Profile) -> i64,
    /// The bit FreeBSD keeps a switch in.
    pub bit: u32,
}

use Level::{Ip, Ipv6, Socket, Tcp, Udp};
use On::{Both, FreeBsd, Linux};
use Setting::{Any, Clamped, Never, Switch, Within};

const INT: i64 = i32::MAX as i64;

const fn row(level: Level, name: &'static str, on: On, setting: Setting, usual: fn(&Profile) -> i64) -> Row {
    Row { level, name, on, setting, usual, bit: 1 }
}

const fn switch(level: Level, name: &'static str, on: On, bit: u32) -> Row {
    Row { level, name, on, setting: Switch, usual: zero, bit }
}

fn zero(_: &Profile) -> i64 {
    0
}

fn one(_: &Profile) -> i64 {
    1
}

fn unset(_: &Profile) -> i64 {
    -1
}

fn seconds(duration: std::time::Duration) -> i64 {
    i64::try_from(duration.as_secs()).unwrap_or(INT)
}

/// All of them.
pub(in super::super) static ROWS: &[Row] = &[
    switch(Socket, "SO_DEBUG", Both, 0x1),
    switch(Socket, "SO_REUSEADDR", Both, 0x4),
    switch(Socket, "SO_KEEPALIVE", Both, 0x8),
    switch(Socket, "SO_DONTROUTE", Both, 0x10),
    switch(Socket, "SO_BROADCAST", Both, 0x20),
    switch(Socket, "SO_USELOOPBACK", FreeBsd, 0x40),
    switch(Socket, "SO_OOBINLINE", Both, 0x100),
    switch(Socket, "SO_REUSEPORT", Both, 0x200),
    switch(Socket, "SO_TIMESTAMP", Both, 0x400),
    switch(Socket, "SO_NOSIGPIPE", FreeBsd, 0x800),
    switch(Socket, "SO_BINTIME", FreeBsd, 0x2000),
    switch(Socket, "SO_NO_OFFLOAD", FreeBsd, 0x4000),
    switch(Socket, "SO_NO_DDP", FreeBsd, 0x8000),
    switch(Socket, "SO_REUSEPORT_LB", FreeBsd, 0x1_0000),
    switch(Socket, "SO_NO_CHECK", Linux, 1),
    switch(Socket, "SO_TIMESTAMPNS", Linux, 1),
    switch(Socket, "SO_RXQ_OVFL", Linux, 1),
    switch(Socket, "SO_NOFCS", Linux, 1),
    switch(Socket, "SO_SELECT_ERR_QUEUE", Linux, 1),
    switch(Socket, "SO_PREFER_BUSY_POLL", Linux, 1),
    switch(Socket, "SO_RCVMARK", Linux, 1),
    row(Socket, "SO_BSDCOMPAT", Linux, Clamped(0, 0), zero),
    row(Socket, "SO_PRIORITY", Linux, Any, zero),
    row(Socket, "SO_MARK", Linux, Any, zero),
    row(Socket, "SO_PEEK_OFF", Linux, Any, unset),
    row(Socket, "SO_INCOMING_CPU", Linux, Any, unset),
    row(Socket, "SO_MAX_PACING_RATE", Both, Any, unset),
    row(Socket, "SO_BUSY_POLL", Linux, Within(0, INT), zero),
    row(Socket, "SO_ZEROCOPY", Linux, Within(0, 1), zero),
    row(Socket, "SO_TXREHASH", Linux, Within(-1, 1), one),
    row(Socket, "SO_BUFLOCK", Linux, Within(0, 3), zero),
    row(Socket, "SO_RCVLOWAT", Both, Any, one),
    row(Socket, "SO_LOCK_FILTER", Linux, Never, zero),
    row(Socket, "SO_SNDLOWAT", Linux, Never, one),
    row(Socket, "SO_SNDLOWAT", FreeBsd, Any, |_| 2048),
    row(Socket, "SO_BPF_EXTENSIONS", Linux, Never, |_| 64),
    row(Socket, "SO_INCOMING_NAPI_ID", Linux, Never, zero),
    row(Socket, "SO_USER_COOKIE", FreeBsd, Any, zero),
    row(Socket, "SO_SETFIB", FreeBsd, Within(0, 0), zero),
    switch(Tcp, "TCP_NODELAY", Both, 0x4),
    switch(Tcp, "TCP_CORK", Linux, 1),
    switch(Tcp, "TCP_NOPUSH", FreeBsd, 0x1000),
    switch(Tcp, "TCP_NOOPT", FreeBsd, 0x8),
    switch(Tcp, "TCP_MD5SIG", FreeBsd, 1),
    switch(Tcp, "TCP_QUICKACK", Linux, 1),
    row(Tcp, "TCP_MAXSEG", Linux, Any, |_| 536),
    row(Tcp, "TCP_MAXSEG", FreeBsd, Any, |_| 536),
    row(Tcp, "TCP_KEEPIDLE", Linux, Within(1, 32_767), |profile| seconds(profile.keepalive_idle)),
    row(Tcp, "TCP_KEEPINTVL", Linux, Within(1, 32_767), |profile| seconds(profile.keepalive_interval)),
    row(Tcp, "TCP_KEEPCNT", Linux, Within(1, 127), |profile| profile.keepalive_probes.into()),
    // TCPTV times are kept in ticks; more seconds than that many are refused.
    row(Tcp, "TCP_KEEPIDLE", FreeBsd, Within(0, INT / 1000), |profile| seconds(profile.keepalive_idle)),
    row(Tcp, "TCP_KEEPINTVL", FreeBsd, Within(0, INT / 1000), |profile| seconds(profile.keepalive_interval)),
    row(Tcp, "TCP_KEEPCNT", FreeBsd, Within(0, INT), |profile| profile.keepalive_probes.into()),
    row(Tcp, "TCP_KEEPINIT", FreeBsd, Within(0, INT / 1000), |profile| seconds(profile.connect_timeout)),
    row(Tcp, "TCP_REMOTE_UDP_ENCAPS_PORT", FreeBsd, Within(0, 65_535), zero),
    row(Tcp, "TCP_DELACK", FreeBsd, Any, one),
    row(Tcp, "TCP_MAXUNACKTIME", FreeBsd, Within(0, INT / 1000), zero),
    row(Tcp, "TCP_SYNCNT", Linux, Within(1, 127), |profile| profile.syn_retries.into()),
    row(Tcp, "TCP_LINGER2", Linux, Any, |profile| seconds(profile.fin_wait_2_timeout)),
    row(Tcp, "TCP_DEFER_ACCEPT", Linux, Any, zero),
    row(Tcp, "TCP_WINDOW_CLAMP", Linux, Any, zero),
    row(Tcp, "TCP_USER_TIMEOUT", Linux, Within(0, INT), zero),
    row(Tcp, "TCP_FASTOPEN", Linux, Within(0, INT), zero),
    switch(Tcp, "TCP_FASTOPEN", FreeBsd, 1),
    row(Tcp, "TCP_FASTOPEN_CONNECT", Linux, Within(0, 1), zero),
    row(Tcp, "TCP_FASTOPEN_NO_COOKIE", Linux, Within(0, 1), zero),
    row(Tcp, "TCP_NOTSENT_LOWAT", Linux, Any, zero),
    row(Tcp, "TCP_SAVE_SYN", Linux, Within(0, 2), zero),
    row(Tcp, "TCP_INQ", Linux, Within(0, 1), zero),
    row(Tcp, "TCP_TX_DELAY", Linux, Within(0, INT - 1), zero),
    row(Tcp, "TCP_THIN_LINEAR_TIMEOUTS", Linux, Within(0, 1), zero),
    // Linux forgot it, and says 0 whatever it was told.
    row(Tcp, "TCP_THIN_DUPACK", Linux, Within(0, 1), zero),
    row(Tcp, "TCP_RTO_MAX_MS", Linux, Within(1000, 120_000), |profile| i64::try_from(profile.rto_max.as_millis()).unwrap_or(INT)),
    row(Tcp, "TCP_RTO_MIN_US", Linux, Within(1, 200_000), |profile| i64::try_from(profile.rto_min.as_micros()).unwrap_or(INT)),
    row(Tcp, "TCP_DELACK_MAX_US", Linux, Within(1, 200_000), |_| 200_000),
    row(Tcp, "TCP_IS_MPTCP", Linux, Never, zero),
    row(Ip, "IP_TOS", Both, Any, zero),
    row(Ip, "IP_TTL", Both, Within(1, 255), |_| 64),
    row(Ip, "IP_MINTTL", Both, Within(0, 255), zero),
    row(Ip, "IP_MTU_DISCOVER", Linux, Within(0, 5), one),
    row(Ip, "IP_MULTICAST_LOOP", Linux, Clamped(0, 1), one),
    switch(Ip, "IP_RECVERR", Linux, 1),
    switch(Ip, "IP_RECVTTL", Both, 1),
    switch(Ip, "IP_RECVTOS", Both, 1),
    switch(Ip, "IP_PKTINFO", Linux, 1),
    switch(Ip, "IP_RECVOPTS", Both, 1),
    switch(Ip, "IP_RETOPTS", Both, 1),
    switch(Ip, "IP_FREEBIND", Linux, 1),
    switch(Ip, "IP_TRANSPARENT", Linux, 1),
    switch(Ip, "IP_BIND_ADDRESS_NO_PORT", Linux, 1),
    switch(Ip, "IP_DONTFRAG", FreeBsd, 1),
    switch(Ipv6, "IPV6_RECVERR", Linux, 1),
    switch(Ipv6, "IPV6_RECVPKTINFO", Both, 1),
    switch(Ipv6, "IPV6_RECVHOPLIMIT", Both, 1),
    switch(Ipv6, "IPV6_RECVTCLASS", Both, 1),
    switch(Ipv6, "IPV6_FLOWINFO_SEND", Linux, 1),
    switch(Ipv6, "IPV6_FLOWINFO", Linux, 1),
    switch(Ipv6, "IPV6_DONTFRAG", Both, 1),
    row(Ipv6, "IPV6_AUTOFLOWLABEL", Both, Clamped(0, 1), one),
    row(Ipv6, "IPV6_V6ONLY", Linux, Clamped(0, 1), zero),
    row(Ipv6, "IPV6_V6ONLY", FreeBsd, Clamped(0, 1), one),
    row(Ipv6, "IPV6_UNICAST_HOPS", Both, Within(-1, 255), |_| 64),
    row(Ipv6, "IPV6_TCLASS", Both, Within(-1, 255), zero),
    row(Ipv6, "IPV6_MINHOPCOUNT", Linux, Within(0, 255), zero),
    row(Ipv6, "IPV6_MTU_DISCOVER", Linux, Within(0, 5), one),
    switch(Udp, "UDP_CORK", Linux, 1),
];

/// The level this constant names.
pub(in super::super) fn level(constant: &Constant, system: System) -> Option<Level> {
    let socket = match system {
        System::Linux => 1,
        System::FreeBsd => 0xffff,
    };
    let levels: [(&[&str], i64, Level); 5] = [
        (&["SOL_SOCKET"], socket, Socket),
        (&["SOL_TCP", "IPPROTO_TCP"], 6, Tcp),
        (&["SOL_IP", "IPPROTO_IP"], 0, Ip),
        (&["SOL_IPV6", "IPPROTO_IPV6"], 41, Ipv6),
        (&["SOL_UDP", "IPPROTO_UDP"], 17, Udp),
    ];
    levels.into_iter().find(|(names, value, _)| super::super::constants::is(constant, names, *value)).map(|(_, _, level)| level)
}

/// The row of an option on this system.
pub(in super::super) fn find(level: Level, name: &Constant, system: System) -> Option<&'static Row> {
    let here = |on: On| match system {
        System::Linux => on != FreeBsd,
        System::FreeBsd => on != Linux,
    };
    ROWS.iter().find(|row| row.level == level && here(row.on) && name.has(row.name))
}

/// What an option becomes that is set to `value`; `None` if it is refused.
pub(in super::super) fn taken(row: &Row, value: i64) -> Option<i64> {
    match row.setting {
        Switch => Some(i64::from(value != 0)),
        Within(least, most) => (least..=most).contains(&value).then_some(value),
        Clamped(least, most) => Some(value.clamp(least, most)),
        Any => Some(value),
        Never => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_option_stands_twice_on_one_system() {
        for (at, row) in ROWS.iter().enumerate() {
            let twins = ROWS[..at].iter().filter(|other| other.name == row.name && other.level == row.level);
            for twin in twins {
                assert!(twin.on != row.on && twin.on != Both && row.on != Both, "{}", row.name);
            }
        }
    }
}
