//! The clock on the wall, but for the time in which nobody let us look at it.
//!
//! Packets on our link and calls of a scenario are ours to time, and their order is what many scenarios are about:
//! a FIN that is under way when the other side closes. A machine that runs something else for 20 ms would let all
//! that is due in them happen at once. So this clock stands still while we are kept from working. The kernel's own
//! timers do not; they are some tens of milliseconds at least, and a scenario that is decided by less is asked again.

use std::time::Duration;

use crate::engine::Instant;

/// How far the clock goes on while frames are handed over and calls made, which takes microseconds.
const AT_WORK: Duration = Duration::from_millis(1);

/// A clock that goes on while we wait, no further than we wanted to, and a little while we work.
#[derive(Clone, Copy, Debug)]
pub(super) struct Clock {
    /// What it showed when we last began to work.
    pub(super) shown: Instant,
    /// When that was, on the wall.
    pub(super) at: Instant,
}

impl Clock {
    /// What it shows when this is the time on the wall.
    pub(super) fn now(&self, wall: Instant) -> Instant {
        self.shown + wall.since(self.at).min(AT_WORK)
    }

    /// So long was waited from the moment it showed `from`, in order to be woken at `until` at the latest.
    pub(super) fn waited(&mut self, from: Instant, long: Duration, until: Instant, wall: Instant) {
        self.shown = (from + long).min(until.max(from));
        self.at = wall;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Instant {
        Instant::START + Duration::from_millis(millis)
    }

    #[test]
    fn it_stands_still_while_we_are_kept_from_working() {
        let mut clock = Clock { shown: at(0), at: at(500) };
        assert_eq!(clock.now(at(500)), at(0));
        assert_eq!(clock.now(at(540)), at(1), "40 ms of somebody else's work");
        clock.waited(at(1), Duration::from_millis(4), at(6), at(544));
        assert_eq!(clock.now(at(544)), at(5), "a frame came early");
        clock.waited(at(5), Duration::from_millis(30), at(10), at(574));
        assert_eq!(clock.now(at(574)), at(10), "we were woken late");
    }

    #[test]
    fn it_never_runs_backwards() {
        let mut clock = Clock { shown: at(10), at: at(10) };
        clock.waited(at(11), Duration::from_millis(3), at(9), at(14));
        assert_eq!(clock.now(at(14)), at(11), "what was due is over");
        assert_eq!(clock.now(at(3)), at(11), "somebody has set the clock on the wall");
    }
}
