//! What a machine refuses, and what would help: settings, capabilities, modules, containers.

use std::fs;

use super::errno::Errno;

/// The kernel, or whoever configured it, does not let us have what a network of our own needs.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("cannot {tried}: {errno}; {remedy}")]
pub struct Refusal {
    /// What was tried, as an infinitive: `make a user namespace`.
    pub tried: &'static str,
    /// What the kernel answered.
    pub errno: Errno,
    /// What would help, as a sentence without its full stop.
    pub remedy: String,
}

/// What, other than namespaces, a network of our own needs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Need {
    /// Pairs of interfaces.
    Veth,
    /// The Internet Protocol, version 6.
    Ipv6,
    /// Sockets for whole frames.
    PacketSocket,
    /// Sockets to ask the kernel about interfaces by.
    Netlink,
    /// An interface whose other end is a program.
    Tun,
}

impl Refusal {
    /// The refusal of something else than a namespace.
    pub(super) fn of(need: Need, tried: &'static str, errno: impl Into<Errno>) -> Self {
        let errno = errno.into();
        Self { tried, errno, remedy: remedy_for(need, errno).to_owned() }
    }

    /// The refusal of `tried` with the remedy that fits what this machine says of itself.
    pub(super) fn now(tried: &'static str, errno: impl Into<Errno>) -> Self {
        let errno = errno.into();
        let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
        let remedy = remedy(errno, &|name| fs::read_to_string(format!("/proc/sys/{name}")).ok(), &status);
        Self { tried, errno, remedy }
    }
}

/// What would help against `errno`, given the settings `read` finds under `/proc/sys` and the status of this process.
fn remedy(errno: Errno, read: &dyn Fn(&str) -> Option<String>, status: &str) -> String {
    let set_to = |name: &str, value: &str| read(name).is_some_and(|text| text.trim() == value);
    if errno.value() == libc::EINVAL
        && let Some(threads @ 2..) = said(status, "Threads:")
    {
        return format!("this process has {threads} threads and the kernel wants one; enter the namespace before starting others");
    }
    for (name, refusing, allowing) in SWITCHES {
        if set_to(name, refusing) {
            return format!("allow it with `sysctl -w {}={allowing}` as root, or run as root", name.replace('/', "."));
        }
    }
    let filtered = said(status, "Seccomp:") == Some(2);
    match errno.value() {
        libc::EPERM | libc::ENOSYS if filtered => {
            "a seccomp filter confines this process, as in a container; allow unshare and setns (docker: \
             `--security-opt seccomp=unconfined`, or `--privileged`)"
        }
        libc::ENOSPC | libc::EUSERS => {
            "the limit of namespaces is reached; raise `sysctl user.max_user_namespaces` and `user.max_net_namespaces` as root"
        }
        libc::ENOSYS | libc::EINVAL => "this kernel was built without it; run on one with CONFIG_USER_NS, CONFIG_NET_NS and CONFIG_PACKET",
        _ => "in a container, allow unshare (docker: `--security-opt seccomp=unconfined`, or `--privileged`); elsewhere run as root",
    }
    .to_owned()
}

/// What would help against `errno` when `need` is refused.
fn remedy_for(need: Need, errno: Errno) -> &'static str {
    match (need, errno.value()) {
        (Need::Ipv6, _) => {
            "IPv6 is switched off, by `ipv6.disable=1` at the start of the kernel or by what confines this process; use IPv4, or switch it on"
        }
        (Need::PacketSocket, libc::EPERM | libc::EACCES) => {
            "it wants CAP_NET_RAW, which one has in a user namespace of one's own, and as root unless it was dropped (docker: `--cap-add NET_RAW`)"
        }
        (Need::PacketSocket, libc::EAFNOSUPPORT) => {
            "this kernel has no packet sockets; load them with `modprobe af_packet` as root, or run one with CONFIG_PACKET"
        }
        (Need::PacketSocket, _) => "packet sockets are needed, CONFIG_PACKET",
        (Need::Netlink, _) => "allow sockets of AF_NETLINK, if a filter or a container confines this process",
        (Need::Veth, libc::EPERM | libc::EACCES) => {
            "it wants CAP_NET_ADMIN, which one has in a user namespace of one's own, and as root unless it was dropped (docker: `--cap-add NET_ADMIN`)"
        }
        (Need::Veth, libc::EOPNOTSUPP) => {
            "this kernel has no veth devices; load them with `modprobe veth` as root, or run one with CONFIG_VETH"
        }
        (Need::Veth, libc::EEXIST) | (Need::Tun, libc::EBUSY) => {
            "there is an interface of that name; choose another, `ip link` lists those there are"
        }
        (Need::Veth, _) => {
            "an MTU is 68 to 65535 octets, for IPv6 at least 1280; a link address must not be a group's; a name has 1 to 15 octets"
        }
        (Need::Tun, libc::ENOENT | libc::ENODEV | libc::ENXIO) => {
            "there is no /dev/net/tun; load it with `modprobe tun` as root, in a container pass it in (docker: `--device /dev/net/tun`), or use a veth pair"
        }
        (Need::Tun, libc::EPERM | libc::EACCES) => {
            "it wants CAP_NET_ADMIN and a /dev/net/tun that we may open; run as root (docker: `--cap-add NET_ADMIN --device /dev/net/tun`), or use a veth pair"
        }
        (Need::Tun, libc::EIO) => "the interface is down",
        (Need::Tun, _) => "a name has 1 to 15 octets and no slash; an MTU is 68 to 65535 octets, for IPv6 at least 1280",
    }
}

/// The switches known to forbid namespaces: name under `/proc/sys`, the value that does, one that does not.
const SWITCHES: [(&str, &str, &str); 4] = [
    ("kernel/unprivileged_userns_clone", "0", "1"),
    ("user/max_user_namespaces", "0", "1000"),
    ("user/max_net_namespaces", "0", "1000"),
    // Last, as it is on by default where it exists, and then usually the reason.
    ("kernel/apparmor_restrict_unprivileged_userns", "1", "0"),
];

/// A number that `/proc/self/status` says of this process.
fn said(status: &str, name: &str) -> Option<u32> {
    status.lines().find_map(|line| line.strip_prefix(name))?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn errno(value: i32) -> Errno {
        std::io::Error::from_raw_os_error(value).into()
    }

    #[test]
    fn the_remedy_names_the_switch_that_is_off() {
        for (set, value, expected) in [
            ("kernel/apparmor_restrict_unprivileged_userns", "1\n", "sysctl -w kernel.apparmor_restrict_unprivileged_userns=0"),
            ("kernel/unprivileged_userns_clone", "0\n", "sysctl -w kernel.unprivileged_userns_clone=1"),
            ("user/max_user_namespaces", "0\n", "sysctl -w user.max_user_namespaces=1000"),
            ("none", "", "seccomp=unconfined"),
        ] {
            let read = |name: &str| (name == set).then(|| value.to_owned());
            let text = remedy(errno(libc::EPERM), &read, "Threads:\t1\n");
            assert!(text.contains(expected), "{set}: {text}");
        }
    }

    #[test]
    fn a_process_with_threads_is_told_so() {
        let text = remedy(errno(libc::EINVAL), &|_| None, "Name:\tx\nThreads:\t3\n");
        assert!(text.contains("3 threads"), "{text}");
        let refusal = Refusal { tried: "make a user namespace", errno: errno(libc::EINVAL), remedy: text };
        assert!(refusal.to_string().starts_with("cannot make a user namespace: EINVAL; this process"), "{refusal}");
    }

    #[test]
    fn a_confined_process_is_told_so() {
        let text = |value| remedy(errno(value), &|_| None, "Threads:\t1\nSeccomp:\t2\nSeccomp_filters:\t1\n");
        assert!(text(libc::EPERM).contains("a seccomp filter confines"), "{}", text(libc::EPERM));
        assert!(!text(libc::ENOSPC).contains("seccomp filter"), "{}", text(libc::ENOSPC));
    }

    #[test]
    fn what_is_missing_has_a_remedy_of_its_own() {
        for (need, value, expected) in [
            (Need::Veth, libc::EOPNOTSUPP, "modprobe veth"),
            (Need::Veth, libc::EPERM, "CAP_NET_ADMIN"),
            (Need::Veth, libc::EINVAL, "MTU"),
            (Need::PacketSocket, libc::EPERM, "CAP_NET_RAW"),
            (Need::PacketSocket, libc::EAFNOSUPPORT, "CONFIG_PACKET"),
            (Need::Ipv6, libc::EAFNOSUPPORT, "use IPv4"),
            (Need::Ipv6, libc::EPERM, "use IPv4"),
            (Need::Tun, libc::ENOENT, "modprobe tun"),
            (Need::Tun, libc::EACCES, "use a veth pair"),
            (Need::Tun, libc::EBUSY, "choose another"),
        ] {
            let refusal = Refusal::of(need, "do it", errno(value));
            assert!(refusal.to_string().contains(expected), "{refusal}");
        }
    }
}
