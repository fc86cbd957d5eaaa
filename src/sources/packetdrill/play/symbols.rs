//! The constants a script may name, with the numbers two systems have for them.
//!
//! A stack in user space goes by the names; so a script that says a number is given the names back.

mod freebsd;
mod linux;

use crate::worlds::stack::Constant;

/// Whose numbers a script means.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum System {
    /// Linux.
    #[default]
    Linux,
    /// FreeBSD.
    FreeBsd,
}

/// A table, sorted by name.
macro_rules! constants {
    ($($name:ident $value:literal)+) => { &[$((stringify!($name), $value),)+] };
}
use constants;

impl System {
    fn tables(self) -> [&'static [(&'static str, i64)]; 2] {
        match self {
            Self::Linux => [linux::CONSTANTS, freebsd::CONSTANTS],
            Self::FreeBsd => [freebsd::CONSTANTS, linux::CONSTANTS],
        }
    }

    /// The number of this name. What only the other system has keeps its number there: it is the name that counts.
    pub fn value(self, name: &str) -> Option<i64> {
        self.tables().into_iter().find_map(|table| table.binary_search_by_key(&name, |(known, _)| known).ok().map(|at| table[at].1))
    }

    /// The constant of this name, with the names that mean the same.
    pub fn named(self, name: &str) -> Option<Constant> {
        let value = self.value(name)?;
        let mut names = vec![name.to_owned()];
        let same = SYNONYMS.iter().filter(|same| same.contains(&name)).flat_map(|same| same.iter());
        names.extend(same.filter(|other| **other != name).map(|other| (*other).to_owned()));
        Some(Constant { value, names })
    }

    /// A number as a constant of this kind: with the names it has there.
    pub fn numbered(self, value: i64, kind: Kind) -> Constant {
        let known = |wanted: i64| {
            let mut named = self.tables()[0].iter().filter(move |(name, value)| *value == wanted && kind.has(name));
            named.next().map(|(name, _)| *name)
        };
        let names = match known(value) {
            Some(name) => self.named(name).map_or_else(Vec::new, |constant| constant.names),
            None if kind.is_set() => {
                let bits = (0..32).map(|bit| 1_i64 << bit).filter(|bit| value & bit != 0);
                bits.filter_map(known).filter_map(|name| self.named(name)).flat_map(|constant| constant.names).collect()
            }
            None => Vec::new(),
        };
        Constant { value, names }
    }

    /// Every name that is known, this system's first.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        self.tables().into_iter().flatten().map(|(name, _)| *name)
    }
}

/// What a number is a number of.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Kind {
    /// `AF_INET`.
    Family,
    /// `SOCK_STREAM`.
    Socket,
    /// `IPPROTO_TCP`.
    Protocol,
    /// `SOL_SOCKET`.
    Level,
    /// An option of `SOL_SOCKET`.
    SocketOption,
    /// An option of `SOL_TCP`.
    TcpOption,
    /// An option of `SOL_IP`.
    IpOption,
    /// An option of `SOL_IPV6`.
    Ipv6Option,
    /// An option of a level that is not known here.
    OtherOption,
    /// `MSG_PEEK`.
    Message,
    /// `O_NONBLOCK`.
    Open,
    /// `F_GETFL`.
    Fcntl,
    /// `SIOCINQ`.
    Ioctl,
    /// `SHUT_RD`.
    Shutdown,
    /// `POLLIN`.
    Poll,
    /// `EPOLLIN`.
    Epoll,
    /// `EPOLL_CTL_ADD`.
    EpollControl,
    /// `SPLICE_F_MOVE`.
    Splice,
    /// A control message's type.
    Control,
}

impl Kind {
    fn has(self, name: &str) -> bool {
        let begins = |prefixes: &[&str]| prefixes.iter().any(|prefix| name.starts_with(prefix));
        match self {
            Self::Family => begins(&["AF_"]),
            Self::Socket => begins(&["SOCK_"]),
            Self::Protocol => begins(&["IPPROTO_"]),
            // 1 is SOL_SOCKET on Linux: nobody sets options of ICMP.
            Self::Level => begins(&["SOL_", "IPPROTO_"]) && name != "IPPROTO_ICMP",
            Self::SocketOption => begins(&["SO_"]) && !begins(&["SO_EE_"]),
            Self::TcpOption => {
                let (no_option, states) = (["TCP_CA_", "TCP_NLA_", "TCP_REPAIR_O", "TCP_CM_"], STATES.contains(&name));
                begins(&["TCP_"]) && !begins(&no_option) && !states
            }
            Self::IpOption => begins(&["IP_"]) && !begins(&["IP_PMTUDISC_"]),
            Self::Ipv6Option => begins(&["IPV6_"]) && !begins(&["IPV6_PMTUDISC_", "IPV6_FL_", "IPV6_FLOWINFO_F", "IPV6_FLOWINFO_P"]),
            Self::OtherOption => false,
            Self::Message => begins(&["MSG_"]),
            Self::Open => begins(&["O_"]) && name != "O_ACCMODE",
            Self::Fcntl => begins(&["F_"]),
            Self::Ioctl => begins(&["SIOC", "FIO", "TIOC"]),
            Self::Shutdown => begins(&["SHUT_"]),
            Self::Poll => begins(&["POLL"]),
            Self::Epoll => begins(&["EPOLL"]) && !begins(&["EPOLL_"]),
            Self::EpollControl => begins(&["EPOLL_CTL_"]),
            Self::Splice => begins(&["SPLICE_F_"]),
            Self::Control => begins(&["SCM_", "TCP_CM_", "IP_RECVERR", "IP_TOS", "IP_TTL"]),
        }
    }

    /// Whether several are joined by `|`.
    const fn is_set(self) -> bool {
        matches!(self, Self::Socket | Self::Message | Self::Open | Self::Poll | Self::Epoll | Self::Splice)
    }
}

/// The states Linux names like options.
const STATES: [&str; 12] = [
    "TCP_ESTABLISHED",
    "TCP_SYN_SENT",
    "TCP_SYN_RECV",
    "TCP_FIN_WAIT1",
    "TCP_FIN_WAIT2",
    "TCP_TIME_WAIT",
    "TCP_CLOSE",
    "TCP_CLOSE_WAIT",
    "TCP_LAST_ACK",
    "TCP_LISTEN",
    "TCP_CLOSING",
    "TCP_NEW_SYN_RECV",
];

/// Names that mean the same.
const SYNONYMS: [&[&str]; 12] = [
    &["SOL_TCP", "IPPROTO_TCP"],
    &["SOL_UDP", "IPPROTO_UDP"],
    &["SOL_IP", "IPPROTO_IP"],
    &["SOL_IPV6", "IPPROTO_IPV6"],
    &["AF_INET", "PF_INET"],
    &["AF_INET6", "PF_INET6"],
    &["SIOCINQ", "FIONREAD", "TIOCINQ"],
    &["SIOCOUTQ", "TIOCOUTQ"],
    &["O_NONBLOCK", "O_NDELAY"],
    &["EAGAIN", "EWOULDBLOCK"],
    &["EOPNOTSUPP", "ENOTSUP"],
    &["AF_UNIX", "AF_LOCAL"],
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_sorted_and_no_name_is_there_twice() {
        for table in System::Linux.tables() {
            assert!(table.is_sorted_by(|(a, _), (b, _)| a < b));
        }
    }

    #[test]
    fn a_name_has_the_number_of_its_system() {
        for (name, linux, freebsd) in [
            ("SOL_SOCKET", 1, 0xffff),
            ("SO_REUSEADDR", 2, 4),
            ("TCP_INFO", 11, 32),
            ("TCP_KEEPCNT", 6, 1024),
            ("ECONNREFUSED", 111, 61),
            ("O_NONBLOCK", 2048, 4),
            ("SIOCINQ", 0x541b, 0x541b),
            ("TCP_FUNCTION_BLK", 8192, 8192),
        ] {
            assert_eq!((System::Linux.value(name), System::FreeBsd.value(name)), (Some(linux), Some(freebsd)), "{name}");
        }
        assert_eq!(System::Linux.value("SO_NONSENSE"), None);
    }

    #[test]
    fn the_machine_under_the_tests_agrees() {
        for (name, value) in [
            ("SO_LINGER", libc::SO_LINGER),
            ("TCP_USER_TIMEOUT", libc::TCP_USER_TIMEOUT),
            ("EAGAIN", libc::EAGAIN),
            ("ENOTCONN", libc::ENOTCONN),
            ("MSG_DONTWAIT", libc::MSG_DONTWAIT),
            ("EPOLLRDHUP", libc::EPOLLRDHUP),
        ] {
            assert_eq!(System::Linux.value(name), Some(value.into()), "{name}");
        }
    }

    #[test]
    fn a_number_is_given_its_names_back() {
        assert!(System::Linux.numbered(6, Kind::Level).has("SOL_TCP"));
        assert_eq!(System::Linux.numbered(1, Kind::Level).names, ["SOL_SOCKET"]);
        assert!(System::FreeBsd.numbered(6, Kind::Level).has("SOL_TCP"));
        assert!(System::Linux.numbered(6, Kind::TcpOption).has("TCP_KEEPCNT"));
        assert!(System::Linux.numbered(8, Kind::TcpOption).has("TCP_LINGER2"), "no state");
        let both = System::Linux.numbered(2050, Kind::Open);
        assert!(both.has("O_RDWR") && both.has("O_NONBLOCK") && !both.has("O_APPEND"));
        assert_eq!(System::Linux.numbered(12345, Kind::Fcntl).names, [""; 0]);
    }
}
