//! The shell commands of scripts, read as what they are about: parameters, and sockets in a state.
//!
//! Nothing is ever executed. Tests of TCP call the shell to set sysctls, to include files that set sysctls, and to look
//! whether a socket is in a state; that much is understood, in the words of Linux and of FreeBSD. Everything else is
//! unsupported.

mod commands;
#[cfg(test)]
mod tests;
mod words;

use std::time::Duration;

/// What a command asks for, one thing at a time.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Act {
    /// A parameter of the whole stack, by its name with dots.
    Set {
        /// `net.ipv4.tcp_ecn`, `net.inet.tcp.rfc1323`.
        name: String,
        /// Its value; several numbers have one space between.
        value: String,
    },
    /// There must be so many sockets in this state.
    Count {
        /// As the RFC spells it: `TIME-WAIT`.
        state: String,
        /// Of this local or remote port only.
        port: Option<u16>,
        /// Only those that a process still holds.
        held: bool,
        /// How many.
        count: usize,
    },
    /// All connections in this state end without a word.
    Drop {
        /// As the RFC spells it.
        state: String,
    },
    /// What earlier connections have taught of their peers is forgotten.
    ForgetPeers,
    /// Time passes.
    Sleep(Duration),
    /// Another file of commands, by its path as written.
    Include(String),
}

/// What a command, or a file of commands, asks for, in order.
///
/// # Errors
/// What is not understood, in words to stand behind "unsupported: ".
pub fn read(command: &str) -> Result<Vec<Act>, String> {
    let mut acts = Vec::new();
    for pipeline in words::pipelines(command)? {
        commands::mean(&pipeline, &mut acts)?;
    }
    Ok(acts)
}
