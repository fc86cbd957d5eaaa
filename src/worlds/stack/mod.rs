//! A TCP stack under test, as whoever drives it sees it: calls in, packets in and out, the time given.
//!
//! [`Stack`] is what the author of a stack in user space implements to have packetdrill scripts run
//! against it in virtual time; the simulated host implements it too. [`Place`] is one level above: somewhere that
//! has a clock, so that a live kernel can stand where a stack and a virtual clock do ([`Virtual`]).

mod call;
mod place;

pub use call::{Answer, Call, Constant, ControlMessage, EpollEvent, Fd, Outcome, Output, PollFd, ReceiveForm, SendForm};
pub use place::{Departed, Place, PlaceError, Virtual};

use crate::engine::Instant;

/// What a stack cannot mean: a call, an option, a command; in words, to stand behind "unsupported: ".
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("unsupported: {0}")]
pub struct Unsupported(pub String);

/// A TCP/IP stack with the sockets of one process, without I/O and without a clock.
///
/// Packets are IPv4 or IPv6 packets from the first octet of the IP header on. Whatever a method returns, the driver then
/// polls: [`poll_packet`](Self::poll_packet) until nothing more leaves, [`poll_deadline`](Self::poll_deadline) for
/// the moment of the next [`on_time`](Self::on_time). Time never runs backwards.
pub trait Stack {
    /// The process makes a call. A call that has to wait answers [`Outcome::Blocked`] and is asked again with
    /// [`retry`](Self::retry); there is at most one such call at a time.
    fn call(&mut self, now: Instant, call: &Call) -> Outcome;

    /// Asks a call that blocked again; `call` is what [`call`](Self::call) was given.
    fn retry(&mut self, now: Instant, call: &Call) -> Outcome;

    /// A packet arrives.
    fn on_packet(&mut self, now: Instant, packet: &[u8]);

    /// Writes the next packet that leaves over what is in `packet`; `false` if none does.
    fn poll_packet(&mut self, now: Instant, packet: &mut Vec<u8>) -> bool;

    /// When [`on_time`](Self::on_time) must be called; `None` if no timer runs.
    fn poll_deadline(&mut self) -> Option<Instant>;

    /// The time has come: timers that are due fire.
    fn on_time(&mut self, now: Instant);

    /// The numbers of a socket by the names `struct tcp_info` and its relatives have for them (`tcpi_snd_cwnd`), each
    /// in the unit it has there; what is not known is not in the list.
    ///
    /// # Errors
    /// [`Unsupported`] if the stack has no such view.
    fn info(&mut self, now: Instant, fd: Fd) -> Result<Vec<(&'static str, i64)>, Unsupported> {
        let _ = (now, fd);
        Err(Unsupported("TCP_INFO of this stack".to_owned()))
    }

    /// Sets a parameter of the whole stack by the name `sysctl` has for it: `net.ipv4.tcp_ecn`, `1`.
    ///
    /// # Errors
    /// [`Unsupported`] if the stack has none of this name, or does not take the value.
    fn set_parameter(&mut self, now: Instant, name: &str, value: &str) -> Result<(), Unsupported> {
        let _ = (now, value);
        Err(Unsupported(format!("sysctl {name}")))
    }

    /// How many sockets are in this state, spelled as the RFC does (`TIME-WAIT`); with a port, only those that have it; with
    /// `held`, only those that the process has a descriptor of.
    ///
    /// # Errors
    /// [`Unsupported`] if the stack has no such view.
    fn count_in_state(&mut self, state: &str, port: Option<u16>, held: bool) -> Result<usize, Unsupported> {
        let _ = (state, port, held);
        Err(Unsupported("listing the sockets of this stack".to_owned()))
    }

    /// Ends all connections in this state without a word, as FreeBSD's `tcpdrop -s` does.
    ///
    /// # Errors
    /// [`Unsupported`] if the stack cannot.
    fn drop_in_state(&mut self, now: Instant, state: &str) -> Result<(), Unsupported> {
        let _ = (now, state);
        Err(Unsupported("dropping the connections of this stack".to_owned()))
    }

    /// What the stack has done by rules that it knows not to be those of the system it stands for, if it has: an expectation that
    /// fails then is no verdict.
    fn doubt(&self) -> Option<String> {
        None
    }

    /// Forgets what earlier connections have taught of their peers, as `ip tcp_metrics flush` does.
    ///
    /// # Errors
    /// [`Unsupported`] if the stack cannot.
    fn forget_peers(&mut self) -> Result<(), Unsupported> {
        Ok(())
    }
}
