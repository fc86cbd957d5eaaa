//! Any program in a network of its own, and everything its sockets send; or what passes an interface there is.
//!
//! ```text
//!  synfin ──┬─ main thread      signals, the time allowed, what the command came to      (supervisor)
//!           └─ stage thread     makes the new network, in which these are:               (stage)
//!                ├─ tap thread      drains the packet socket, nothing else               (tap)
//!                ├─ watcher thread  asks the kernel for its sockets                      (watcher)
//!                └─ process 1 of a process namespace, which dies with the stage thread   (keeper)
//!                     └─ the command, and whatever it starts
//! ```
//!
//! The command keeps its user, folder, files, terminal and process group; its network is a loopback, and
//! its processes are numbered anew. When process 1 ends, however it ends, the kernel ends all of them, and
//! with the last the namespaces go: nothing is left to clean up.

mod interface;
mod keeper;
mod rights;
mod signals;
mod stage;
mod supervisor;
mod tap;
mod watcher;

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use super::{Epoch, Errno, Frame, NetworkError, Refusal, Row, SnifferError, Statistics};

use crate::engine::Instant;

pub use interface::{Listening, listen};
pub use keeper::keep;
pub use supervisor::record;

/// What is to be recorded.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Plan {
    /// The program and its arguments; the program is looked for in `PATH` as a shell does.
    pub command: Vec<OsString>,
    /// MTU of the loopback, in octets.
    pub mtu: u32,
    /// How long the command may take; then it is told to end, and after [`GRACE`] made to.
    pub timeout: Option<Duration>,
    /// A program and arguments that lead to [`keep`]: a descriptor's number and the command are added to them.
    pub keeper: (PathBuf, Vec<OsString>),
}

impl Plan {
    /// The program's name, as a person may read it.
    fn program(&self) -> String {
        self.command.first().map(|program| program.to_string_lossy().into_owned()).unwrap_or_default()
    }
}

/// How long processes that were told to end may take.
pub const GRACE: Duration = Duration::from_secs(2);

/// What was recorded.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Recording {
    /// How the command ended.
    pub ended: Ended,
    /// Whether it was told to end because its time was over.
    pub timed_out: bool,
    /// What crossed the loopback.
    pub heard: Heard,
    /// The kernel's own words on its sockets, whenever they had changed; the last is of the end.
    pub sightings: Vec<Sighting>,
    /// Processes that still ran when the command had ended, by name; they were ended then.
    pub left_over: Vec<String>,
    /// What a person should know of the network.
    pub notes: Vec<String>,
}

/// What passed an interface.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Heard {
    /// When time 0 of the frames was.
    pub epoch: Epoch,
    /// The frames, in order; of a loopback each as it was sent and as it was received.
    pub frames: Vec<Frame>,
    /// What passed, and what was missed.
    pub statistics: Statistics,
    /// Frames that passed and were not kept: to bound memory, or because they were longer than any packet.
    pub not_kept: u64,
}

/// How a command ended.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Ended {
    /// It left with this code.
    Exit(u8),
    /// A signal of this number ended it.
    Signal(u8),
}

impl Ended {
    /// The exit code a shell would give: its own, or 128 and the signal's number.
    pub const fn code(self) -> u8 {
        match self {
            Self::Exit(code) => code,
            Self::Signal(number) => 128_u8.saturating_add(number),
        }
    }
}

/// All TCP endpoints of the network at one time.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Sighting {
    /// Before the kernel was asked.
    pub from: Instant,
    /// When it had answered.
    pub until: Instant,
    /// Its answer.
    pub rows: Vec<Row>,
}

/// Why nothing could be recorded.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// Namespaces are refused.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// There is no network to be had.
    #[error(transparent)]
    Network(#[from] NetworkError),
    /// The loopback cannot be watched.
    #[error(transparent)]
    Sniffer(#[from] SnifferError),
    /// The command cannot be started.
    #[error("cannot run {command}: {errno}; {}", hint(*.errno))]
    Command {
        /// The program, as given.
        command: String,
        /// What the kernel answered.
        errno: Errno,
    },
    /// A step of the preparations fails.
    #[error("cannot {tried}: {errno}")]
    Step {
        /// What was tried, as an infinitive.
        tried: &'static str,
        /// What the kernel answered.
        errno: Errno,
    },
    /// The process that looks after the command is gone, and the command with it.
    #[error("the recording was cut short: the process that holds the command was killed from outside, and the command with it")]
    KeeperGone,
}

impl RecordError {
    /// What the kernel answered, if it was the kernel who refused.
    pub const fn errno(&self) -> Option<Errno> {
        match self {
            Self::Sniffer(SnifferError::Call { errno, .. }) | Self::Command { errno, .. } | Self::Step { errno, .. } => Some(*errno),
            Self::Refused(refusal) | Self::Sniffer(SnifferError::Refused(refusal)) | Self::Network(NetworkError::Refused(refusal)) => {
                Some(refusal.errno)
            }
            Self::Network(_) | Self::Sniffer(_) | Self::KeeperGone => None,
        }
    }
}

/// What is likely wrong with a program that cannot be started.
fn hint(errno: Errno) -> &'static str {
    match errno.value() {
        libc::ENOENT => "there is no such program, or its interpreter is missing; give a path, or a name that PATH leads to",
        libc::EACCES => "it may not be executed by this user",
        libc::ENOEXEC => "it is neither a program for this machine nor a script that names its interpreter",
        _ => "does it run without recording?",
    }
}

/// Makes an error of a step that has failed.
fn step<E: Into<Errno>>(tried: &'static str) -> impl FnOnce(E) -> RecordError {
    move |error| RecordError::Step { tried, errno: error.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exit_codes_are_as_shells_give_them() {
        assert_eq!(Ended::Exit(3).code(), 3);
        assert_eq!(Ended::Signal(15).code(), 143);
        assert_eq!(Ended::Signal(200).code(), 255);
    }
}
