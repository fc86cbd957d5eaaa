//! Becoming root of nothing: a user namespace in which an ordinary user may have networks of its own.

use std::fs;

use rustix::process::{getegid, geteuid};
use rustix::thread::{CapabilitySet, capabilities};

use super::refusal::Refusal;
use super::{netns, sys};

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

/// Whether network namespaces are ours for the asking.
fn is_administrator() -> bool {
    capabilities(None).is_ok_and(|sets| sets.effective.contains(CapabilitySet::SYS_ADMIN))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_very_process_has_threads_and_is_refused() {
        // The harness runs tests beside its main thread, so nothing can have been entered.
        if !is_administrator() {
            let refusal = enter_user_namespace().expect_err("several threads");
            assert!(refusal.remedy.contains("threads"), "{refusal}");
        }
    }
}
