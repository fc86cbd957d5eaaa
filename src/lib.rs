//! synfin: the life of a TCP connection, from SYN to the end of TIME-WAIT, as an executable.
//!
//! RFC 9293 draws connections as ladders (section 3.5, figures 6 to 14). This crate plays them: two
//! endpoints, a network between them and virtual time, every change of state one row of one table
//! that names its section. What happened is a value, the [`Trace`]; all else is made of it.
//!
//! ```text
//!   sources             worlds               trace               sinks
//!   what is to          where it             what                what is
//!   happen              happens              happened            made of it
//!
//!   scenario            simulated: hosts,                        ladder, diff
//!   (ladder files) ──>  link, virtual time ──>  Trace  ──────>   pcap, pcapng
//!                       kernel: the real     calls, packets,     JSON, graph
//!   capture, JSON ──>   sockets of Linux     rules, states       agreement
//! ```
//!
//! # A scenario, and what must be true of it
//!
//! ```
//! use synfin::prelude::*;
//!
//! # fn main() -> Result<(), synfin::LoadError> {
//! let trace = scenario("three-way-handshake")?.run();
//!
//! assert_path!(trace, A: [Closed, SynSent, Established]);
//! assert_transition!(trace, B: SynReceived => Established, "RFC 9293 3.10.7.4");
//! assert_ladder!(trace, "
//!     SYN-SENT    --> <SEQ=100><CTL=SYN>               --> SYN-RECEIVED
//!     ESTABLISHED <-- <SEQ=300><ACK=101><CTL=SYN,ACK>  <-- SYN-RECEIVED
//!     ESTABLISHED --> <SEQ=101><ACK=301><CTL=ACK>      --> ESTABLISHED
//!     (A: send 100)
//!     ESTABLISHED --> <SEQ=101><ACK=301><LEN=100>      --> ESTABLISHED
//!     ESTABLISHED <-- <SEQ=301><ACK=201><CTL=ACK>      <-- ESTABLISHED
//! ");
//! # Ok(())
//! # }
//! ```
//!
//! [`scenario`] knows the built-in ones and reads files; [`Scenario::parse`] reads a text. The
//! assertions are in [`assert`](mod@assert), each with a twin that returns the mismatch.
//!
//! # The engine alone
//!
//! A [`Connection`] is plain data without threads, clock or I/O: calls, segments and the time go in;
//! segments, deadlines and signals come out. `examples/bare_engine.rs` drives two of them by hand.
//!
//! ```
//! use std::sync::Arc;
//! use synfin::{Connection, Instant, Open, Profile, SeqNumber, State};
//!
//! let mut connection = Connection::new(Arc::new(Profile::rfc9293()));
//! let open = Open { iss: SeqNumber::new(100), mss: 1460, send_mss: 1460, default_mss: 536, ts_offset: 0 };
//! connection.on_open_active(Instant::START, open)?;
//! let syn = connection.poll_segment(Instant::START).expect("an active OPEN sends a SYN");
//! assert_eq!(syn.to_string(), "<SEQ=100><CTL=SYN>");
//! assert_eq!(connection.state(), State::SynSent);
//! # Ok::<(), synfin::engine::CallError>(())
//! ```
//!
//! # packetdrill scripts against any stack
//!
//! What implements [`Stack`](worlds::stack::Stack) can stand under a packetdrill script, in virtual time: calls and
//! packets go in, packets come out. Here it is the simulated host; `examples/smoltcp.rs` is all it takes for another stack.
//!
//! ```
//! use synfin::Profile;
//! use synfin::sources::packetdrill::parse;
//! use synfin::sources::packetdrill::play::{Context, Verdict, play, settings};
//! use synfin::worlds::stack::Virtual;
//!
//! let text = "
//!      0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
//!     +0 bind(3, ..., ...) = 0
//!     +0 listen(3, 1) = 0
//!     +0 < S 0:0(0) win 32792 <mss 1460>
//!     +0 > S. 0:0(0) ack 1 <mss 1460>
//! ";
//! let script = parse("answers.pkt", text, &[])?;
//! let context = Context { name: "answers.pkt", text, ..Context::default() };
//! let settings = settings(&script, &context).expect("it has no options");
//! let stack = settings.sockets(Profile::linux(), 1);
//! assert_eq!(play(&script, &context, &mut Virtual::new(stack)).verdict, Verdict::Passed);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Where things are
//!
//! | module | what lives there |
//! | --- | --- |
//! | [`engine`] | one connection: states, the rule table, sequence numbers, timers, profiles |
//! | [`wire`] | values to octets and back: Ethernet, IP, TCP, checksums |
//! | [`trace`] | what happened, in order |
//! | [`worlds`] | where it happens: hosts, a network and virtual time, or the real kernel |
//! | [`sources`] | what is to happen: scenarios; or what did, elsewhere: captures, JSON traces |
//! | [`ladder`] | how a trace reads in the RFC's notation, as a value |
//! | [`requirements`] | what the RFCs ask, where it is met, what proves it |
//! | [`sinks`] | what is made of a trace: ladder, capture, JSON, graph, differences |
//! | [`assert`](mod@assert) | assertions on a trace |
//! | [`prelude`] | what a test wants to import |

pub mod assert;
pub mod engine;
pub mod ladder;
pub mod mistake;
mod nearest;
pub mod requirements;
pub mod sinks;
pub mod sources;
pub mod trace;
pub mod wire;
pub mod worlds;

pub use engine::{Connection, Flags, Instant, Open, Profile, Rule, Segment, SeqNumber, Signal, State, Timer};
pub use nearest::nearest as nearest_name;
pub use sources::scenario::{LoadError, Overrides, Scenario};
pub use trace::Trace;
pub use worlds::World;

/// The scenario of the catalogue with this name, or the one in the file of this path.
///
/// # Errors
/// [`LoadError`], with the nearest name where there is one.
///
/// ```
/// let error = synfin::scenario("halfclose").unwrap_err();
/// assert_eq!(error.to_string(), r#"there is no scenario and no file "halfclose"; did you mean half-close?"#);
/// ```
pub fn scenario(name: &str) -> Result<Scenario, LoadError> {
    Scenario::load(name)
}

/// What a test of connections wants to import: `use synfin::prelude::*;`.
pub mod prelude {
    pub use crate::{Scenario, State, Trace, assert_ladder, assert_path, assert_transition, scenario};
}

/// The README's code is compiled as documentation is.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
pub struct Readme;
