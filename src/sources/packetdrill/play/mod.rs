//! Scripts played: calls made, packets sent and awaited, numbers translated, all held against what is written.
//!
//! Here: whose packet is whose, initial sequence numbers, timestamps, descriptors, time and its tolerances, what of a
//! packet is looked at, `%{ }%`, shell words.
//! Not here: what stands in a script (`syntax`, `parse`), what a stack does ([`crate::worlds::stack`]).
//!
//! A verdict is never a guess: what the place, or this player, cannot mean is [`Verdict::Unsupported`].

mod calls;
mod chronicle;
mod clock;
mod compare;
pub(super) mod icmp;
mod inbound;
mod mismatch;
pub(super) mod options;
mod outbound;
mod packet;
mod player;
mod settings;
mod shell;
mod socket;
mod stop;
mod symbols;
mod syscall;
#[cfg(test)]
mod tests;
mod values;
mod whose;

use std::path::Path;

pub use mismatch::{Difference, Mismatch, Place as Position, Subject, Trouble};
pub use settings::{Dialect, IpVersion, Settings};
pub use symbols::{Kind, System};
pub use whose::{looks_like_freebsd, speaks_of_freebsd};

use super::syntax::{Packet, Script, ScriptOption};
use crate::engine::Instant;
use crate::trace::Trace;
use crate::worlds::stack::Place;

/// What a script is played with.
#[derive(Clone, Copy, Debug, Default)]
pub struct Context<'a> {
    /// The script's name, for messages.
    pub name: &'a str,
    /// Its text, for messages; may be empty.
    pub text: &'a str,
    /// Options that override the script's own: the command line's.
    pub overrides: &'a [ScriptOption],
    /// Whether the stack is one like FreeBSD's: constants have its numbers, and segments are not joined.
    pub freebsd: bool,
    /// The folder in which the script lies: what its commands name by relative paths lies below.
    pub folder: Option<&'a Path>,
    /// The folder no file may lie outside of; the script's own where there is none.
    pub root: Option<&'a Path>,
    /// Go on behind packets that are not as expected, to see what comes of them all.
    pub go_on: bool,
}

/// What came of a script.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// All went as it is written.
    Passed,
    /// Something did not.
    Failed(Box<Mismatch>),
    /// Something in it cannot be meant here.
    Unsupported(Box<Trouble>),
    /// It is broken, or the place is.
    Error(Box<Trouble>),
}

/// A packet that came where one was expected.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Seen {
    /// Which event of the script expects it.
    pub event: usize,
    /// When it left.
    pub at: Instant,
    /// When the event before had happened: what a relative time counts from.
    pub base: Instant,
    /// What the line would have to say: the packet there was, without what the line leaves open.
    pub packet: Packet,
}

/// What a run left behind.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Report {
    /// The verdict.
    pub verdict: Verdict,
    /// What else was not as expected, and forgiven (`--non_fatal`, or [`Context::go_on`]).
    pub forgiven: Vec<Mismatch>,
    /// Each packet that came where one was expected, in order.
    pub seen: Vec<Seen>,
    /// All calls and packets: A is the stack under test, B speaks for the script.
    pub trace: Trace,
    /// How long it took, on the place's clock.
    pub ended: Instant,
}

/// What a script's options and those that override them say: whoever makes the place must know addresses and MTU.
///
/// # Errors
/// An option that does not exist, or a value that is none, with its position; boxed as it stands in a report.
pub fn settings(script: &Script, context: &Context<'_>) -> Result<Settings, Verdict> {
    Settings::of(script, context.overrides, context.freebsd).map_err(|stop| player::verdict(stop, context))
}

/// Plays a script.
pub fn play(script: &Script, context: &Context<'_>, place: &mut dyn Place) -> Report {
    match Settings::of(script, context.overrides, context.freebsd) {
        Ok(settings) => player::Player::new(script, context, settings, place).play(),
        Err(stop) => Report {
            verdict: player::verdict(stop, context),
            forgiven: Vec::new(),
            seen: Vec::new(),
            trace: Trace::default(),
            ended: Instant::START,
        },
    }
}
