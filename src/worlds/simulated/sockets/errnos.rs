//! The numbers of errors, which `SO_ERROR` tells.

use super::constants::System;
use crate::worlds::Errno;

/// The errors a socket can have of its own, with their numbers on Linux and on FreeBSD.
const NUMBERS: &[(Errno, i64, i64)] = &[
    (Errno::AccessDenied, 13, 13),
    (Errno::Invalid, 22, 22),
    (Errno::BrokenPipe, 32, 32),
    (Errno::Protocol, 71, 92),
    (Errno::MessageTooLong, 90, 40),
    (Errno::NoProtocol, 92, 42),
    (Errno::NotSupported, 95, 45),
    (Errno::NetworkDown, 100, 50),
    (Errno::NetworkUnreachable, 101, 51),
    (Errno::Aborted, 103, 53),
    (Errno::ConnectionReset, 104, 54),
    (Errno::NotConnected, 107, 57),
    (Errno::TimedOut, 110, 60),
    (Errno::ConnectionRefused, 111, 61),
    (Errno::HostDown, 112, 64),
    (Errno::HostUnreachable, 113, 65),
];

/// The number of an error; any that no socket has is `EIO`.
pub(super) fn number(errno: Errno, system: System) -> i64 {
    NUMBERS.iter().find(|(known, ..)| *known == errno).map_or(5, |(_, linux, freebsd)| match system {
        System::Linux => *linux,
        System::FreeBsd => *freebsd,
    })
}
