//! A network namespace as a value: any thread can go in, make sockets there, and come back.

use std::fmt;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::fs::{CWD, Mode, OFlags, fstat, openat};
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

use super::network::NetworkError;
use super::refusal::Refusal;
use super::{sys, sysctl};

/// A network namespace: interfaces, routes, sysctls and sockets of its own.
///
/// It lives as long as this value, a socket made in it or a process in it does, and not a moment longer:
/// no file names it, so nothing is left of it when the program is killed.
///
/// A socket belongs for good to the namespace its thread was in when it was made, and can be used
/// from anywhere. So one thread can be several hosts:
///
/// ```no_run
/// # use synfin::worlds::kernel::{Family, Namespace, TcpSocket, enter_user_namespace};
/// enter_user_namespace()?; // while there is one thread
/// let (one, other) = (Namespace::new()?, Namespace::new()?);
/// let listener = one.within(|| TcpSocket::new(Family::V4))?;
/// let client = other.within(|| TcpSocket::new(Family::V4))?;
/// # Ok::<(), synfin::worlds::kernel::Refusal>(())
/// ```
pub struct Namespace(OwnedFd);

impl Namespace {
    /// A new one, in which nothing is up, not even the loopback. The calling thread stays where it is.
    ///
    /// # Errors
    /// [`Refusal`] without the right to (see [`enter_user_namespace`](super::enter_user_namespace)).
    pub fn new() -> Result<Self, Refusal> {
        let before = Self::current()?;
        // To go back later wants the right to where one is; asked first, so that no thread is left astray.
        before.enter()?;
        let made = leave_for_new().and_then(|()| Self::current());
        before.enter()?;
        made
    }

    /// That of the calling thread.
    ///
    /// # Errors
    /// [`Refusal`] without `/proc`.
    pub fn current() -> Result<Self, Refusal> {
        let opened = openat(CWD, "/proc/thread-self/ns/net", OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty());
        opened.map(Self).map_err(|errno| Refusal::now("open the network namespace of a thread", errno))
    }

    /// Does something with the calling thread inside, and takes the thread back to where it was.
    ///
    /// # Errors
    /// [`Refusal`] if the thread may not go in, and then nothing was done, or not come back.
    pub fn within<T>(&self, act: impl FnOnce() -> T) -> Result<T, Refusal> {
        /// For a panic in `act`: its thread may be one that lives on.
        struct Back(Namespace);
        impl Drop for Back {
            fn drop(&mut self) {
                let _ = self.0.enter();
            }
        }
        let before = Self::current()?;
        before.enter()?;
        self.enter()?;
        let back = Back(before);
        let done = act();
        back.0.enter()?;
        Ok(done)
    }

    /// Moves the calling thread in, for good; programs and threads it starts are inside as well.
    ///
    /// # Errors
    /// [`Refusal`], if the namespace belongs to a user we are not.
    pub fn enter(&self) -> Result<(), Refusal> {
        move_into_link_name_space(self.0.as_fd(), Some(LinkNameSpaceType::Network))
            .map_err(|errno| Refusal::now("enter a network namespace", errno))
    }

    /// Writes a sysctl of this namespace: `net.ipv4.tcp_rmem`, `4096 131072 33554432`.
    ///
    /// # Errors
    /// [`NetworkError::Sysctl`], for names not under `net.` with `EINVAL`.
    pub fn set_sysctl(&self, name: &str, value: &str) -> Result<(), NetworkError> {
        self.within(|| sysctl::write(name, value))?
    }

    /// Writes several, in this order, up to the first that fails.
    ///
    /// # Errors
    /// As [`set_sysctl`](Self::set_sysctl).
    pub fn set_sysctls<N: AsRef<str>, V: AsRef<str>>(&self, sysctls: impl IntoIterator<Item = (N, V)>) -> Result<(), NetworkError> {
        self.within(|| sysctls.into_iter().try_for_each(|(name, value)| sysctl::write(name.as_ref(), value.as_ref())))?
    }

    /// Reads a sysctl of this namespace; blanks at the ends are cut off, tabs between numbers become blanks.
    ///
    /// # Errors
    /// As [`set_sysctl`](Self::set_sysctl).
    pub fn sysctl(&self, name: &str) -> Result<String, NetworkError> {
        self.within(|| sysctl::read(name))?
    }

    /// The number the kernel knows it by, as `readlink /proc/PID/ns/net` shows it; 0 if it does not say.
    pub fn number(&self) -> u64 {
        fstat(&self.0).map_or(0, |stat| stat.st_ino)
    }
}

impl AsFd for Namespace {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

impl fmt::Debug for Namespace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "net:[{}]", self.number())
    }
}

/// Moves the calling thread into a namespace that nobody else is in.
pub(super) fn leave_for_new() -> Result<(), Refusal> {
    let unshare = || sys::unshare_network().map_err(|errno| Refusal::now("make a network namespace", errno));
    // By default all namespaces share hash tables sized for the whole machine, and listing our few
    // sockets takes milliseconds. A namespace made from within one of ours can have its own.
    if sysctl::read(TABLE_OF_CHILDREN.0).is_ok_and(|entries| entries == TABLE_OF_CHILDREN.1) {
        return unshare();
    }
    unshare()?;
    // Only where the kernel has it (since 6.1), and /proc/sys can be written; without, listing is slow.
    if sysctl::write(TABLE_OF_CHILDREN.0, TABLE_OF_CHILDREN.1).is_ok() { unshare() } else { Ok(()) }
}

/// Moves the calling thread, and those it starts, into a namespace from which new ones are made fast.
pub(super) fn move_out() -> Result<(), Refusal> {
    sys::unshare_network().map_err(|errno| Refusal::now("make a network namespace", errno))?;
    let _ = sysctl::write(TABLE_OF_CHILDREN.0, TABLE_OF_CHILDREN.1);
    Ok(())
}

/// The sysctl that gives the namespaces made from within one TCP tables of their own, of so many buckets.
const TABLE_OF_CHILDREN: (&str, &str) = ("net.ipv4.tcp_child_ehash_entries", "256");
