//! Moments and deadlines as values. Nobody here looks at a clock: the caller brings the time.

use std::fmt;
use std::ops::{Add, Sub};
use std::time::Duration;

/// A moment: nanoseconds since the run began.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Instant(u64);

impl Instant {
    /// The beginning of the run.
    pub const START: Self = Self(0);

    /// The moment `nanos` nanoseconds after the run began.
    pub const fn from_nanos(nanos: u64) -> Self {
        Self(nanos)
    }

    /// Nanoseconds since the run began.
    pub const fn as_nanos(self) -> u64 {
        self.0
    }

    /// Whole milliseconds since the run began.
    pub const fn as_millis(self) -> u64 {
        self.0 / 1_000_000
    }

    /// Time since `earlier`; zero if that lies in the future.
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }
}

/// Nanoseconds in `duration`, at most 2^64 - 1 (584 years).
pub(crate) const fn nanos(duration: Duration) -> u64 {
    // Not `as_nanos`: its 128 bits cost more than the rest of starting a timer.
    duration.as_secs().saturating_mul(1_000_000_000).saturating_add(duration.subsec_nanos() as u64)
}

impl Add<Duration> for Instant {
    type Output = Self;

    fn add(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(nanos(duration)))
    }
}

impl Sub<Duration> for Instant {
    type Output = Self;

    fn sub(self, duration: Duration) -> Self {
        Self(self.0.saturating_sub(nanos(duration)))
    }
}

impl fmt::Display for Instant {
    /// Seconds with as many decimals as needed, at least three: `0.010`, `1.0000005`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (seconds, nanos) = (self.0 / 1_000_000_000, self.0 % 1_000_000_000);
        let digits = format!("{nanos:09}");
        let (shown, rest) = digits.split_at(3);
        write!(f, "{seconds}.{shown}{}", rest.trim_end_matches('0'))
    }
}

impl fmt::Debug for Instant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self} s")
    }
}

/// The timers of one connection.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Timer {
    /// Retransmission of the front of the queue, or the zero-window probe (RFC 6298; RFC 9293 section 3.8.6.1).
    Retransmission,
    /// A delayed ACK (RFC 9293 section 3.8.6.3).
    DelayedAck,
    /// 2 MSL in TIME-WAIT (RFC 9293 section 3.6.1).
    TimeWait,
    /// The user timeout (RFC 9293 section 3.10.8).
    User,
    /// An orphan in FIN-WAIT-2; no RFC has it, every stack does.
    FinWait2,
    /// The next keep-alive probe (RFC 9293 section 3.8.4).
    KeepAlive,
}

impl Timer {
    /// Every timer, in the order in which they fire when due at the same moment.
    pub const ALL: [Self; 6] = [Self::User, Self::Retransmission, Self::DelayedAck, Self::TimeWait, Self::FinWait2, Self::KeepAlive];

    /// Those that run side by side, in that order; the others stand in for [`Timer::TimeWait`].
    const SLOTS: [Self; 4] = [Self::User, Self::Retransmission, Self::DelayedAck, Self::TimeWait];

    /// Where its deadline is kept. The last three never run together: which of them a deadline
    /// means follows from the state.
    const fn slot(self) -> usize {
        match self {
            Self::User => 0,
            Self::Retransmission => 1,
            Self::DelayedAck => 2,
            Self::TimeWait | Self::FinWait2 | Self::KeepAlive => 3,
        }
    }

    /// A short name: `rexmt`, `delayed-ack`, `2msl`, `user`, `finwait2`, `keepalive`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Retransmission => "rexmt",
            Self::DelayedAck => "delayed-ack",
            Self::TimeWait => "2msl",
            Self::User => "user",
            Self::FinWait2 => "finwait2",
            Self::KeepAlive => "keepalive",
        }
    }
}

/// When each timer of a connection is due: plain values, so they can be compared and copied.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Deadlines([u64; Timer::SLOTS.len()]);

const OFF: u64 = u64::MAX;

impl Deadlines {
    pub(crate) const NONE: Self = Self([OFF; Timer::SLOTS.len()]);

    pub(crate) fn set(&mut self, timer: Timer, at: Instant) {
        self.0[timer.slot()] = at.0;
    }

    pub(crate) fn stop(&mut self, timer: Timer) {
        self.0[timer.slot()] = OFF;
    }

    pub(crate) fn get(&self, timer: Timer) -> Option<Instant> {
        let at = self.0[timer.slot()];
        (at != OFF).then_some(Instant(at))
    }

    pub(crate) fn is_running(&self, timer: Timer) -> bool {
        self.0[timer.slot()] != OFF
    }

    #[inline]
    pub(crate) fn next(&self) -> Option<Instant> {
        let [a, b, c, d] = self.0;
        let at = a.min(b).min(c.min(d));
        (at != OFF).then_some(Instant(at))
    }

    /// Takes the first timer due at `now`; of those that share a slot, the one it is called by.
    pub(crate) fn take_due(&mut self, now: Instant) -> Option<Timer> {
        let timer = Timer::SLOTS.into_iter().find(|&timer| self.0[timer.slot()] <= now.0 && self.is_running(timer))?;
        self.stop(timer);
        Some(timer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_shown_in_seconds() {
        for (nanos, text) in [(0, "0.000"), (10_000_000, "0.010"), (1_000_000_500, "1.0000005"), (240 * 1_000_000_000, "240.000")] {
            assert_eq!(Instant::from_nanos(nanos).to_string(), text);
        }
    }

    #[test]
    fn timers_fire_once_and_only_when_due() {
        let mut deadlines = Deadlines::NONE;
        deadlines.set(Timer::Retransmission, Instant(5));
        deadlines.set(Timer::TimeWait, Instant(3));
        assert_eq!(deadlines.next(), Some(Instant(3)));
        assert_eq!(deadlines.take_due(Instant(2)), None);
        assert_eq!(deadlines.take_due(Instant(9)), Some(Timer::Retransmission));
        assert_eq!(deadlines.take_due(Instant(9)), Some(Timer::TimeWait));
        assert_eq!(deadlines.take_due(Instant(9)), None);
    }
}
