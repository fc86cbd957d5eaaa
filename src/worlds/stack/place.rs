//! Somewhere a script can run: a stack together with a clock.

use std::time::Duration;

use super::{Answer, Call, Fd, Outcome, Stack, Unsupported};
use crate::engine::Instant;

/// A packet that left the stack.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Departed {
    /// When.
    pub at: Instant,
    /// From the first octet of its IP header on.
    pub packet: Vec<u8>,
}

/// Why a place cannot go on: the kernel refuses a packet, a descriptor, a thread.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct PlaceError(pub String);

/// A stack with a clock of its own: virtual beside a [`Stack`], the wall's beside a kernel.
pub trait Place {
    /// The time since the run began.
    fn now(&self) -> Instant;

    /// Lets time pass until `until`, or until a packet leaves or the call that waits returns, if that is sooner.
    ///
    /// It returns at once while [`next_packet`](Self::next_packet) or [`take_returned`](Self::take_returned) has something.
    /// What a timer does at `until` itself comes behind what is done there: a kernel's timers are late, too.
    ///
    /// # Errors
    /// Whatever the system refuses.
    fn wait(&mut self, until: Instant) -> Result<(), PlaceError>;

    /// Makes a call now. One that waits answers [`Outcome::Blocked`]; [`take_returned`](Self::take_returned) has its end.
    ///
    /// # Errors
    /// Whatever the system refuses.
    fn call(&mut self, call: &Call) -> Result<Outcome, PlaceError>;

    /// When the call that waited returned, and what.
    fn take_returned(&mut self) -> Option<(Instant, Answer)>;

    /// Gives the stack a packet now.
    ///
    /// # Errors
    /// Whatever the system refuses.
    fn inject(&mut self, packet: &[u8]) -> Result<(), PlaceError>;

    /// The next packet that left, in order.
    fn next_packet(&mut self) -> Option<Departed>;

    /// How long to wait for what may come at any time, before it counts as never coming.
    fn longest_wait(&self) -> Duration {
        Duration::from_hours(24)
    }

    /// As [`Stack::info`].
    ///
    /// # Errors
    /// As there.
    fn info(&mut self, fd: Fd) -> Result<Vec<(&'static str, i64)>, Unsupported>;

    /// As [`Stack::set_parameter`].
    ///
    /// # Errors
    /// As there.
    fn set_parameter(&mut self, name: &str, value: &str) -> Result<(), Unsupported>;

    /// As [`Stack::count_in_state`].
    ///
    /// # Errors
    /// As there.
    fn count_in_state(&mut self, state: &str, port: Option<u16>, held: bool) -> Result<usize, Unsupported>;

    /// As [`Stack::drop_in_state`].
    ///
    /// # Errors
    /// As there.
    fn drop_in_state(&mut self, state: &str) -> Result<(), Unsupported>;

    /// As [`Stack::doubt`].
    fn doubt(&self) -> Option<String> {
        None
    }

    /// As [`Stack::forget_peers`].
    ///
    /// # Errors
    /// As there.
    fn forget_peers(&mut self) -> Result<(), Unsupported>;
}

/// How often a stack may ask to be woken in one moment without anything coming of it.
const MOST_IDLE: u32 = 10_000;

/// A stack in virtual time: nothing takes any, but waiting.
#[derive(Debug)]
pub struct Virtual<S> {
    stack: S,
    now: Instant,
    waiting: Option<Call>,
    returned: Option<(Instant, Answer)>,
    refused: Option<String>,
    departed: std::collections::VecDeque<Departed>,
}

impl<S: Stack> Virtual<S> {
    /// This stack at the beginning of time.
    pub fn new(stack: S) -> Self {
        Self { stack, now: Instant::START, waiting: None, returned: None, refused: None, departed: std::collections::VecDeque::new() }
    }

    /// Collects what left, and asks the call that waits, until neither has anything new.
    fn settle(&mut self) {
        loop {
            let mut packet = Vec::new();
            while self.stack.poll_packet(self.now, &mut packet) {
                self.departed.push_back(Departed { at: self.now, packet: std::mem::take(&mut packet) });
            }
            let Some(call) = &self.waiting else { return };
            match self.stack.retry(self.now, call) {
                Outcome::Returned(answer) => {
                    self.returned = Some((self.now, answer));
                    self.waiting = None;
                }
                Outcome::Blocked => return,
                Outcome::Unsupported(words) => {
                    self.refused = Some(format!("unsupported: {words}"));
                    self.waiting = None;
                }
            }
        }
    }
}

impl<S: Stack> Place for Virtual<S> {
    fn now(&self) -> Instant {
        self.now
    }

    fn wait(&mut self, until: Instant) -> Result<(), PlaceError> {
        let mut idle = 0;
        if let Some(words) = self.refused.take() {
            return Err(PlaceError(words));
        }
        while self.departed.is_empty() && self.returned.is_none() && self.now < until {
            match self.stack.poll_deadline() {
                Some(deadline) if deadline < until => {
                    idle = if deadline > self.now { 0 } else { idle + 1 };
                    if idle > MOST_IDLE {
                        return Err(PlaceError(format!("the stack wants to be woken at {} s again and again", self.now)));
                    }
                    self.now = self.now.max(deadline);
                    self.stack.on_time(self.now);
                }
                Some(_) | None => self.now = until,
            }
            self.settle();
        }
        Ok(())
    }

    fn call(&mut self, call: &Call) -> Result<Outcome, PlaceError> {
        let outcome = self.stack.call(self.now, call);
        if outcome == Outcome::Blocked {
            self.waiting = Some(call.clone());
        }
        self.settle();
        Ok(outcome)
    }

    fn take_returned(&mut self) -> Option<(Instant, Answer)> {
        self.returned.take()
    }

    fn inject(&mut self, packet: &[u8]) -> Result<(), PlaceError> {
        self.stack.on_packet(self.now, packet);
        self.settle();
        Ok(())
    }

    fn next_packet(&mut self) -> Option<Departed> {
        self.departed.pop_front()
    }

    fn info(&mut self, fd: Fd) -> Result<Vec<(&'static str, i64)>, Unsupported> {
        self.stack.info(self.now, fd)
    }

    fn set_parameter(&mut self, name: &str, value: &str) -> Result<(), Unsupported> {
        let set = self.stack.set_parameter(self.now, name, value);
        self.settle();
        set
    }

    fn count_in_state(&mut self, state: &str, port: Option<u16>, held: bool) -> Result<usize, Unsupported> {
        self.stack.count_in_state(state, port, held)
    }

    fn drop_in_state(&mut self, state: &str) -> Result<(), Unsupported> {
        let dropped = self.stack.drop_in_state(self.now, state);
        self.settle();
        dropped
    }

    fn doubt(&self) -> Option<String> {
        self.stack.doubt()
    }

    fn forget_peers(&mut self) -> Result<(), Unsupported> {
        self.stack.forget_peers()
    }
}
