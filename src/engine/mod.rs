//! One TCP connection as plain data: the state machine of RFC 9293, without I/O.
//!
//! Three things go in (a call, a segment, the time) and three come out (segments, the next
//! deadline, signals). The engine knows no clock, no socket, no randomness and no text: octets of
//! text are counted here and carried by whoever owns the buffers.
//!
//! ```text
//!  call ──> call.rs ────┐                       ┌──> actions.rs   variables (tcb.rs)
//!  segment > arrival.rs ├─> events ─> rules.rs ─┤                       │
//!  time ──> timer.rs ───┘   in order  one row   └──> transmit.rs  segments, deadlines, signals
//!                                     per event
//! ```
//!
//! A state changes in one place only, `tcb::Connection::apply`, with the one row of
//! [`rules::RULES`] that answers an event.

// Nobody may have forgotten a state or an event.
#![warn(clippy::wildcard_enum_match_arm)]

mod actions;
mod arrival;
mod call;
mod congestion;
mod cookie;
mod ecn;
mod fastopen;
mod freebsd;
mod icmp;
mod info;
mod keepalive;
mod layout;
mod linux;
pub mod options;
pub mod profile;
mod reading;
mod reassembly;
mod records;
mod reuse;
pub mod rules;
mod sack_compression;
pub mod segment;
pub mod seq;
mod signals;
pub mod state;
mod tcb;
pub mod time;
mod timer;
mod timestamps;
mod transmit;
mod urgent;
mod window;

#[cfg(test)]
mod tests;

pub use actions::Actions;
pub use arrival::Arrival;
pub use call::{CallError, Open};
pub use cookie::Cookie;
pub use ecn::{Codepoint, EcnCounters, EcnMode};
pub use fastopen::{FastOpenAnswer, FastOpenCookie, FastOpenOutcome, FastOpenTry};
pub use icmp::IcmpError;
pub use info::{CongestionState, Info};
pub use keepalive::KeepAlive;
pub use options::{TcpOption, TcpOptions, Timestamps};
pub use profile::Profile;
pub use reassembly::Hold;
pub use rules::{RULES, Rule, TABLE, Table};
pub use segment::{Flags, Segment, WireWindow};
pub use seq::{Ours, SeqNumber, Space, Theirs};
pub use signals::Signals;
pub use state::{Action, Event, Guard, Refusal, Signal, State};
pub use tcb::{Connection, Origin, Variables};
pub use time::{Instant, Timer};
