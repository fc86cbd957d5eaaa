//! A user namespace in which an ordinary user stays who he is.

use std::fs;

use rustix::process::{getegid, geteuid};
use rustix::thread::{CapabilitySet, capabilities, configure_capability_in_ambient_set, set_capabilities};

use crate::worlds::kernel::{Refusal, netns, sys};

/// Gains the rights to have namespaces; to be called while the process has one thread.
///
/// Who has them keeps his own user namespace: in a new one with a single user, files of all others would
/// belong to nobody, and the command would not see the machine as it is. Everybody else gets one that
/// maps him to himself.
pub(super) fn gain() -> Result<Rights, Refusal> {
    if is_administrator() {
        netns::move_out()?;
        return Ok(Rights::Administrator);
    }
    // Both are asked before: inside, an unmapped user is 65534 to itself.
    let (user, group) = (geteuid().as_raw(), getegid().as_raw());
    sys::unshare_user().map_err(|errno| Refusal::now("make a user namespace", errno))?;
    // An ordinary user may map a group only once setgroups is denied.
    let maps = [("setgroups", "deny".to_owned()), ("uid_map", format!("{user} {user} 1")), ("gid_map", format!("{group} {group} 1"))];
    for (file, map) in maps {
        fs::write(format!("/proc/self/{file}"), map)
            .map_err(|error| Refusal::now("map the user to itself in a new user namespace", error))?;
    }
    // From a network that belongs to others no thread could go elsewhere and come back.
    netns::move_out()?;
    Ok(Rights::Own { group })
}

/// What gave the right to namespaces.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Rights {
    /// There was no need for a user namespace.
    Administrator,
    /// A user namespace with one user and this group.
    Own {
        /// The group's number, inside as outside.
        group: u32,
    },
}

/// Lets the right to mount outlive the next `exec` of this thread, which else takes all rights from who is not root.
///
/// A failure is none: without it `/proc` stays the outer one.
pub(super) fn keep_for_the_keeper() {
    if let Ok(mut sets) = capabilities(None) {
        sets.inheritable |= CapabilitySet::SYS_ADMIN;
        if set_capabilities(None, sets).is_ok() {
            let _ = configure_capability_in_ambient_set(CapabilitySet::SYS_ADMIN, true);
        }
    }
}

/// Takes it away again.
pub(super) fn give_up() {
    let _ = configure_capability_in_ambient_set(CapabilitySet::SYS_ADMIN, false);
    if let Ok(mut sets) = capabilities(None) {
        sets.inheritable -= CapabilitySet::SYS_ADMIN;
        let _ = set_capabilities(None, sets);
    }
}

/// Whether namespaces of every kind we need, and taps in them, are ours for the asking.
fn is_administrator() -> bool {
    const NEEDED: CapabilitySet = CapabilitySet::SYS_ADMIN.union(CapabilitySet::NET_ADMIN).union(CapabilitySet::NET_RAW);
    capabilities(None).is_ok_and(|sets| sets.effective.contains(NEEDED))
}
