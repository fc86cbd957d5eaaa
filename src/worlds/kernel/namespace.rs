//! Becoming root of nothing: a user namespace in which an ordinary user may have networks of its own.

use std::fs;

use rustix::process::{getegid, geteuid};
use rustix::thread::{CapabilitySet, capabilities};

use super::errno::Errno;
use super::{netns, sys};

/// The kernel, or whoever configured it, does not let us have namespaces of our own.
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

/// Moves this process into a user namespace of its own, in which it is root, and out of the machine's network.
///
/// Nothing of that network can be seen or touched from then on, except by sockets that are open already.
/// To be called before the process has a second thread. A process that may not have user namespaces
/// but has `CAP_SYS_ADMIN` goes on without one, as that suffices for network namespaces.
///
/// # Errors
/// [`Refusal`], if the kernel says no, with what would change its mind.
pub fn enter_user_namespace() -> Result<(), Refusal> {
    // Both are asked before: inside, an unmapped user is 65534 to itself.
    let (user, group) = (geteuid().as_raw(), getegid().as_raw());
    match sys::unshare_user() {
        Ok(()) => map_to_root(user, group)?,
        Err(_) if is_administrator() => {}
        Err(errno) => return Err(Refusal::now("make a user namespace", errno)),
    }
    // Out of the network we came from: it belongs to others, so a thread that went elsewhere could not come back.
    netns::move_out()
}

/// Writes the maps that make us root inside; `setgroups` must be denied before an ordinary user may map a group.
fn map_to_root(user: u32, group: u32) -> Result<(), Refusal> {
    let maps = [("setgroups", "deny".to_owned()), ("uid_map", format!("0 {user} 1")), ("gid_map", format!("0 {group} 1"))];
    for (file, map) in maps {
        fs::write(format!("/proc/self/{file}"), map)
            .map_err(|error| Refusal::now("map the user to root in a new user namespace", error))?;
    }
    Ok(())
}

/// What, other than namespaces, a network of our own needs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Need {
    /// Pairs of interfaces.
    Veth,
    /// The Internet Protocol, version 6.
    Ipv6,
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
        let remedy = remedy(errno, &|name| fs::read_to_string(format!("/proc/sys/{name}")).ok(), threads());
        Self { tried, errno, remedy }
    }
}

/// What would help against `errno`, given the settings `read` finds under `/proc/sys` and the threads of this process.
fn remedy(errno: Errno, read: &dyn Fn(&str) -> Option<String>, threads: Option<u32>) -> String {
    let set_to = |name: &str, value: &str| read(name).is_some_and(|text| text.trim() == value);
    if errno.value() == libc::EINVAL
        && let Some(threads @ 2..) = threads
    {
        return format!("this process has {threads} threads and the kernel wants one; enter the namespace before starting others");
    }
    for (name, refusing, allowing) in SWITCHES {
        if set_to(name, refusing) {
            return format!("allow it with `sysctl -w {}={allowing}` as root, or run as root", name.replace('/', "."));
        }
    }
    match errno.value() {
        libc::ENOSPC | libc::EUSERS => {
            "the limit of namespaces is reached; raise `sysctl user.max_user_namespaces` and `user.max_net_namespaces` as root".to_owned()
        }
        libc::ENOSYS | libc::EINVAL => {
            "this kernel was built without it; run on one with CONFIG_USER_NS, CONFIG_NET_NS and CONFIG_PACKET".to_owned()
        }
        _ => "in a container, allow unshare (docker: `--security-opt seccomp=unconfined`, or `--privileged`); elsewhere run as root"
            .to_owned(),
    }
}

/// What would help against `errno` when `need` is refused.
fn remedy_for(need: Need, errno: Errno) -> &'static str {
    match (need, errno.value()) {
        (_, libc::EPERM | libc::EACCES) if need != Need::Ipv6 => {
            "it wants CAP_NET_ADMIN, which one has in a network namespace of one's own; outside of one run as root"
        }
        (Need::Veth, libc::EOPNOTSUPP) => {
            "this kernel has no veth devices; load them with `modprobe veth` as root, or run one with CONFIG_VETH"
        }
        (Need::Veth, libc::EEXIST) => "there is an interface of this name already; choose another, or end what made it",
        (Need::Veth, _) => "an MTU is 68 to 65535 octets, for IPv6 at least 1280, and a link address must not be one of a group",
        (Need::Ipv6, _) => "IPv6 is switched off in this kernel; start it without `ipv6.disable=1`, or use IPv4",
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

/// Whether network namespaces are ours for the asking.
fn is_administrator() -> bool {
    capabilities(None).is_ok_and(|sets| sets.effective.contains(CapabilitySet::SYS_ADMIN))
}

/// Threads of this process, if `/proc` tells.
fn threads() -> Option<u32> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    status.lines().find_map(|line| line.strip_prefix("Threads:"))?.trim().parse().ok()
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
            let text = remedy(errno(libc::EPERM), &read, Some(1));
            assert!(text.contains(expected), "{set}: {text}");
        }
    }

    #[test]
    fn a_process_with_threads_is_told_so() {
        let text = remedy(errno(libc::EINVAL), &|_| None, Some(3));
        assert!(text.contains("3 threads"), "{text}");
        let refusal = Refusal { tried: "make a user namespace", errno: errno(libc::EINVAL), remedy: text };
        assert!(refusal.to_string().starts_with("cannot make a user namespace: EINVAL; this process"), "{refusal}");
    }

    #[test]
    fn this_very_process_has_threads_and_is_refused() {
        // The harness runs tests beside its main thread, so nothing can have been entered.
        if threads().is_some_and(|threads| threads > 1) && !is_administrator() {
            let refusal = enter_user_namespace().expect_err("several threads");
            assert!(refusal.remedy.contains("threads"), "{refusal}");
        }
    }
}
