//! What the wired world needs of the stacks that are not ours: frames both ways, calls, states, and a clock.

use std::time::Duration;

use crate::engine::{Instant, State};
use crate::trace::{End, HostId};
use crate::worlds::{Call, Errno};

/// The stacks behind the ports of a wired world, and the time they live in.
pub trait Outside {
    /// Why they cannot be asked.
    type Error: std::error::Error + 'static;

    /// How long a stack must be silent before nothing is owed: longer than it delays an ACK.
    const SETTLED: Duration;

    /// The time now, since the beginning.
    fn now(&self) -> Instant;

    /// Waits for a frame, until this moment at the latest.
    ///
    /// # Errors
    /// What the outside cannot do.
    fn wait(&mut self, until: Instant) -> Result<(), Self::Error>;

    /// The next frame the stack of this host has sent; `None` if there is none at the moment.
    ///
    /// # Errors
    /// What the outside cannot do.
    fn next_frame(&mut self, host: HostId) -> Result<Option<Vec<u8>>, Self::Error>;

    /// Hands a frame to a stack, which has dealt with it when this returns.
    ///
    /// # Errors
    /// What the outside cannot do.
    fn deliver(&mut self, host: HostId, frame: &[u8]) -> Result<(), Self::Error>;

    /// Makes a call, which never blocks: what would is `EAGAIN` or `EINPROGRESS`.
    ///
    /// # Errors
    /// What the outside cannot do; that the call failed is inside.
    fn call(&mut self, host: HostId, call: &Call) -> Result<Result<String, Errno>, Self::Error>;

    /// Asks a call that blocked again.
    ///
    /// # Errors
    /// As [`call`](Self::call).
    fn retry(&mut self, host: HostId, call: &Call) -> Result<Result<String, Errno>, Self::Error>;

    /// The ends of the connection the host's process has opened or accepted last, its own first.
    fn opened(&self, host: HostId) -> Option<(End, End)>;

    /// What there is at a host; `flow` is the connection its last segment was of, local end first.
    ///
    /// # Errors
    /// What the outside cannot do.
    fn look(&mut self, host: HostId, flow: Option<(End, End)>) -> Result<Look, Self::Error>;

    /// The sockets of a host, one a line, as `netstat` has them.
    ///
    /// # Errors
    /// What the outside cannot do.
    fn netstat(&mut self, host: HostId) -> Result<Vec<String>, Self::Error>;

    /// Frames that were missed so far; they make a trace worthless.
    ///
    /// # Errors
    /// What the outside cannot do.
    fn missed(&mut self) -> Result<u64, Self::Error>;
}

/// What a stack says of one connection of a host.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Look {
    /// The state of the connection that was asked about; `None` if the stack knows none.
    pub state: Option<State>,
    /// Whether the host's process listens.
    pub listens: bool,
    /// Whether something is still to be acknowledged, and will be sent again if it is not.
    pub is_busy: bool,
    /// How long it is until the stack does something by itself, be it the end of TIME-WAIT; `None`: nothing.
    pub next: Option<Duration>,
}
