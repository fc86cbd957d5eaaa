//! The numbers of the flags that a simulated process uses, on either system.

use crate::worlds::stack::Constant;

/// Whose sockets API the process has.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum System {
    /// Linux's, which is also that of the base profile.
    Linux,
    /// FreeBSD's.
    FreeBsd,
}

/// A flag: its name and its number on either system; 0 where it has none.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Flag {
    name: &'static str,
    linux: u32,
    freebsd: u32,
}

impl Flag {
    /// Its number on this system.
    pub(super) const fn on(self, system: System) -> u32 {
        match system {
            System::Linux => self.linux,
            System::FreeBsd => self.freebsd,
        }
    }

    /// Whether it is in `flags`, by name or, where there are no names, by number.
    pub(super) fn is_in(self, flags: &Constant, system: System) -> bool {
        flags.has(self.name) || (flags.names.is_empty() && flags.value & i64::from(self.on(system)) != 0)
    }
}

macro_rules! flags {
    ($($name:ident $linux:literal $freebsd:literal,)+) => {
        $(pub(super) const $name: Flag = Flag { name: stringify!($name), linux: $linux, freebsd: $freebsd };)+
    };
}

flags! {
    MSG_OOB 0x1 0x1,
    MSG_PEEK 0x2 0x2,
    MSG_CTRUNC 0x8 0x20,
    MSG_TRUNC 0x20 0x10,
    MSG_DONTWAIT 0x40 0x80,
    MSG_EOR 0x80 0x8,
    MSG_WAITALL 0x100 0x40,
    MSG_EOF 0x200 0x100,
    MSG_MORE 0x8000 0,
    MSG_ERRQUEUE 0x2000 0,
    MSG_ZEROCOPY 0x400_0000 0,
    MSG_FASTOPEN 0x2000_0000 0,
    O_NONBLOCK 0x800 0x4,
    O_RDWR 0x2 0x2,
    O_WRONLY 0x1 0x1,
    SOCK_NONBLOCK 0x800 0x2000_0000,
    POLLIN 0x1 0x1,
    POLLPRI 0x2 0x2,
    POLLOUT 0x4 0x4,
    POLLERR 0x8 0x8,
    POLLHUP 0x10 0x10,
    POLLNVAL 0x20 0x20,
    POLLRDNORM 0x40 0x40,
    POLLWRNORM 0x100 0x4,
    POLLWRBAND 0x200 0x100,
    POLLRDHUP 0x2000 0x4000,
    EPOLLONESHOT 0x4000_0000 0x4000_0000,
    EPOLLET 0x8000_0000 0x8000_0000,
    SPLICE_F_NONBLOCK 0x2 0x2,
}

/// Which of these constants is meant: by name or, where there is none, by number.
pub(super) fn is(constant: &Constant, names: &[&str], value: i64) -> bool {
    names.iter().any(|name| constant.has(name)) || (constant.names.is_empty() && constant.value == value)
}
