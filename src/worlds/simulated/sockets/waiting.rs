//! A call that waits: since when, for how long, and how far it has got.

use std::time::Duration;

use super::super::SocketId;
use super::{Done, Sockets, Stop};
use crate::engine::Instant;

/// The call that is being made, or waits.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Waiting {
    /// When it was made.
    pub since: Instant,
    /// When it gives up.
    pub deadline: Option<Instant>,
    /// Octets it has sent or received.
    pub progress: u32,
    /// The connection that a lingering `close` waits for: its descriptor is gone.
    pub lingers: Option<SocketId>,
    /// How long that may take.
    pub patience: Option<Duration>,
    /// Whether it is asked again: what is checked once has been checked.
    pub again: bool,
}

impl Waiting {
    /// A call made at `now`.
    pub(super) fn since(now: Instant) -> Self {
        Self { since: now, ..Self::default() }
    }
}

impl Sockets {
    /// The call waits, `patience` at most (for ever if `None`), and then comes to what `gives_up` says.
    pub(super) fn wait(&mut self, now: Instant, patience: Option<Duration>, gives_up: impl FnOnce(&mut Self) -> Done) -> Done {
        let deadline = patience.map(|patience| self.waiting.since + patience);
        if deadline.is_some_and(|deadline| deadline <= now) {
            return gives_up(self);
        }
        self.waiting.deadline = deadline;
        self.waiting.again = true;
        Err(Stop::Wait)
    }
}
