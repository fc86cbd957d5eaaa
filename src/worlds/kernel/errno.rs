//! What the kernel answered when it refused: errno values and the names scenarios use for them.

use std::fmt;

/// An errno value, shown by its name.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Errno(i32);

impl Errno {
    /// The value as the kernel gave it, positive.
    pub const fn value(self) -> i32 {
        self.0
    }

    /// Its name, `ECONNREFUSED`.
    pub fn name(self) -> &'static str {
        errno_name(self.0)
    }
}

impl From<rustix::io::Errno> for Errno {
    fn from(errno: rustix::io::Errno) -> Self {
        Self(errno.raw_os_error())
    }
}

impl From<std::io::Error> for Errno {
    /// Errors that did not come from a system call count as `EIO`.
    fn from(error: std::io::Error) -> Self {
        Self(error.raw_os_error().unwrap_or(libc::EIO))
    }
}

impl fmt::Display for Errno {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            UNKNOWN => write!(f, "errno {}", self.0),
            name => f.pad(name),
        }
    }
}

impl fmt::Debug for Errno {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl std::error::Error for Errno {}

/// What [`errno_name`] says of a value it has no name for.
const UNKNOWN: &str = "unknown errno";

/// The name of an errno value, `ECONNREFUSED` for 111; `unknown errno` beyond the usual ones.
///
/// `EWOULDBLOCK` and `EOPNOTSUPP` share their values with `EAGAIN` and `ENOTSUP`; the first of each in
/// the sockets API, `EAGAIN` and `EOPNOTSUPP`, is what comes back.
pub fn errno_name(errno: i32) -> &'static str {
    NAMED.iter().find(|(value, _)| *value == errno).map_or(UNKNOWN, |(_, name)| name)
}

macro_rules! named {
    ($($name:ident)+) => { &[$((libc::$name, stringify!($name)),)+] };
}

/// The values differ between architectures, so the names are the source.
static NAMED: &[(i32, &str)] = named! {
    EPERM ENOENT EINTR EIO ENXIO EBADF EAGAIN ENOMEM EACCES EFAULT EBUSY EEXIST ENODEV ENOTDIR EINVAL
    ENFILE EMFILE EFBIG ENOSPC EROFS EPIPE EDOM ERANGE ENOSYS EPROTO EOVERFLOW EUSERS
    ENOTSOCK EDESTADDRREQ EMSGSIZE EPROTOTYPE ENOPROTOOPT EPROTONOSUPPORT ESOCKTNOSUPPORT EOPNOTSUPP
    EPFNOSUPPORT EAFNOSUPPORT EADDRINUSE EADDRNOTAVAIL ENETDOWN ENETUNREACH ENETRESET ECONNABORTED
    ECONNRESET ENOBUFS EISCONN ENOTCONN ESHUTDOWN ETOOMANYREFS ETIMEDOUT ECONNREFUSED EHOSTDOWN ENOTTY ESPIPE ELOOP ENOKEY
    EHOSTUNREACH EALREADY EINPROGRESS ECANCELED
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sockets_names_are_known() {
        for (value, name) in [
            (libc::ECONNREFUSED, "ECONNREFUSED"),
            (libc::EINPROGRESS, "EINPROGRESS"),
            (libc::EWOULDBLOCK, "EAGAIN"),
            (libc::ENOTSUP, "EOPNOTSUPP"),
            (libc::EPIPE, "EPIPE"),
            (-1, "unknown errno"),
        ] {
            assert_eq!(errno_name(value), name);
        }
        assert_eq!(Errno(libc::ETIMEDOUT).to_string(), "ETIMEDOUT");
        assert_eq!(Errno(70_000).to_string(), "errno 70000");
    }

    #[test]
    fn no_value_has_two_names() {
        let mut values: Vec<i32> = NAMED.iter().map(|(value, _)| *value).collect();
        values.sort_unstable();
        values.dedup();
        assert_eq!(values.len(), NAMED.len());
    }
}
