//! Timers of long silence: keep-alive (RFC 9293 section 3.8.4) and the orphan in FIN-WAIT-2.

use std::time::Duration;

use super::state::State;
use super::tcb::Connection;
use super::time::{Instant, Timer};

/// Keep-alive as the user of one connection wants it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct KeepAlive {
    /// Silence before the first probe (MUST-27, MUST-28).
    pub idle: Duration,
    /// Silence between probes.
    pub interval: Duration,
    /// Probes that must go unanswered (MUST-29).
    pub probes: u8,
    /// How many have.
    sent: u8,
}

impl KeepAlive {
    /// Keep-alive with these times; `probes` of zero give up at the first silence.
    pub const fn new(idle: Duration, interval: Duration, probes: u8) -> Self {
        Self { idle, interval, probes, sent: 0 }
    }
}

impl Connection {
    /// Switches keep-alive on, with the profile's times where `None` is inside, or off (MUST-24).
    ///
    /// It is off until somebody asks for it (MUST-25).
    // MAY-5.
    pub fn set_keepalive(&mut self, now: Instant, keepalive: Option<KeepAlive>) {
        let ran = self.meaning(Timer::TimeWait) == Timer::KeepAlive;
        self.keepalive = keepalive.map(Box::new);
        if self.keepalive.is_some() {
            self.start_keepalive(now);
        } else if ran {
            self.deadlines.stop(Timer::KeepAlive);
        }
    }

    /// What the profile says of keep-alive, for a user who only wants it on.
    pub fn default_keepalive(&self) -> KeepAlive {
        KeepAlive::new(self.profile.keepalive_idle, self.profile.keepalive_interval, self.profile.keepalive_probes)
    }

    /// Something was heard: the silence begins anew (MUST-26).
    #[cold]
    pub(super) fn start_keepalive(&mut self, now: Instant) {
        if self.may_probe_peer() {
            self.begin_silence(now);
        }
    }

    /// As [`start_keepalive`](Self::start_keepalive), on the way into a state that keep-alive looks after.
    pub(super) fn begin_silence(&mut self, now: Instant) {
        if let Some(keepalive) = &mut self.keepalive {
            keepalive.sent = 0;
            self.deadlines.set(Timer::KeepAlive, now + keepalive.idle);
        }
    }

    /// Whether the connection is one that keep-alive looks after: open, and not an orphan that has a timer of its own.
    const fn may_probe_peer(&self) -> bool {
        match self.state {
            State::Established | State::CloseWait => true,
            State::FinWait2 => !self.is_orphan(),
            State::Closed
            | State::Listen
            | State::SynSent
            | State::SynReceived
            | State::FinWait1
            | State::Closing
            | State::LastAck
            | State::TimeWait => false,
        }
    }

    pub(super) const fn is_orphan(&self) -> bool {
        self.bits.user_closed()
    }

    /// Whether the last probe that is to be sent has gone unanswered.
    pub(super) fn is_peer_dead(&self) -> bool {
        self.keepalive.as_ref().is_some_and(|keepalive| keepalive.sent >= keepalive.probes)
    }

    /// The silence was long enough: a probe leaves, unless something of ours is on its way anyhow (MUST-26).
    #[cold]
    pub(super) fn probe_peer(&mut self, now: Instant) {
        let outstanding = self.deadlines.is_running(Timer::Retransmission);
        if let Some(keepalive) = &mut self.keepalive {
            let wait = if outstanding { keepalive.idle } else { keepalive.interval };
            keepalive.sent += u8::from(!outstanding);
            self.deadlines.set(Timer::KeepAlive, now + wait);
            self.bits.set_probe_due(!outstanding);
        }
    }

    /// In FIN-WAIT-2 only the peer's FIN is missing. If the user has given the connection up, it waits
    /// no longer than the knob says; otherwise keep-alive looks after it again.
    #[inline(never)]
    pub(super) fn start_orphan(&mut self, now: Instant) {
        let wait = if self.profile.fin_wait_2_by_keepalive { self.longest_silence() } else { self.profile.fin_wait_2_timeout };
        if !self.is_orphan() {
            self.begin_silence(now);
        } else if wait.is_zero() {
            self.deadlines.stop(Timer::FinWait2);
        } else {
            self.deadlines.set(Timer::FinWait2, now + wait);
        }
    }

    /// What all keep-alive probes would take, and one more.
    fn longest_silence(&self) -> Duration {
        let KeepAlive { interval, probes, .. } = self.keepalive.as_deref().copied().unwrap_or_else(|| self.default_keepalive());
        interval.saturating_mul(u32::from(probes) + 1)
    }

    /// Which timer a deadline stands for: three of them share one place.
    pub(super) const fn meaning(&self, timer: Timer) -> Timer {
        match timer {
            Timer::User | Timer::Retransmission | Timer::DelayedAck => timer,
            Timer::TimeWait | Timer::FinWait2 | Timer::KeepAlive => match self.state {
                State::TimeWait => Timer::TimeWait,
                State::FinWait1 | State::FinWait2 if self.is_orphan() => Timer::FinWait2,
                State::Closed
                | State::Listen
                | State::SynSent
                | State::SynReceived
                | State::Established
                | State::FinWait1
                | State::FinWait2
                | State::CloseWait
                | State::Closing
                | State::LastAck => Timer::KeepAlive,
            },
        }
    }

    /// The timers that run, and when they are due.
    pub(super) fn timers(&self) -> Vec<(Timer, Instant)> {
        Timer::ALL.into_iter().filter_map(|timer| Some((timer, self.deadline(timer)?))).collect()
    }
}
