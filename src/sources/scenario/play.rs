//! Playing a scenario in any world: which action begins when.
//!
//! Each host is one process that makes its calls in turn and waits for each to return. An action
//! without a time begins as soon as (a) every line above has begun, (b) the host's earlier call has
//! returned, and (c) where rows of a ladder stand between it and the action above, the network is
//! silent and nothing is owed. What those rows say is never looked at: taking a ladder out of a
//! scenario, or making a mistake in it, does not change what happens.

use super::{Action, ActionLine, Line, LineKind, Scenario, When};
use crate::engine::Instant;
use crate::trace::{HostId, Trace};
use crate::worlds::{Call, Outcome, World};

/// Why a scenario could not be played to its end.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum PlayError {
    /// The hosts cannot be set up as asked.
    #[error("{0}")]
    Setup(String),
    /// An action waits for a call that never returns.
    #[error("line {line}: {action} never begins: {host} still waits in {blocked}")]
    NeverBegins {
        /// Its line.
        line: usize,
        /// The action, as written.
        action: String,
        /// The host.
        host: &'static str,
        /// The call that blocks.
        blocked: String,
    },
    /// The world cannot do this.
    #[error("line {line}: {why}")]
    Impossible {
        /// The line.
        line: usize,
        /// Why.
        why: String,
    },
    /// More happens than any scenario needs.
    #[error("stopped after {steps} steps at {at} s: this run has no end")]
    Endless {
        /// How many.
        steps: usize,
        /// When.
        at: Instant,
    },
}

/// Most steps of one run: hostile scenarios end here.
const MAX_STEPS: usize = 1_000_000;

/// Plays `scenario` in `world` until nothing is left to happen.
///
/// # Errors
/// [`PlayError`] if an action can never begin, the world cannot do it, or the run has no end.
pub fn play<W: World>(scenario: &Scenario, world: W) -> Result<Trace, PlayError> {
    play_in(scenario, world).map(W::into_trace)
}

/// The same, handing the world back, for those that have more to say than a trace.
///
/// # Errors
/// As [`play`].
pub fn play_in<W: World>(scenario: &Scenario, world: W) -> Result<W, PlayError> {
    play_until(scenario, world, Instant::from_nanos(u64::MAX))
}

/// The same, for a run that must be over by `horizon`.
///
/// # Errors
/// As [`play`]; [`PlayError::Endless`] if it is not over by then.
pub fn play_until<W: World>(scenario: &Scenario, world: W, horizon: Instant) -> Result<W, PlayError> {
    let mut player = Player { world, blocked: [None, None], previous: None, steps: 0, horizon };
    let mut after_ladder = false;
    for Line { number, what } in &scenario.lines {
        match what {
            LineKind::Rung(_) => after_ladder = true,
            LineKind::Action(action) => {
                player.wait_for(*number, action, after_ladder)?;
                player.begin(*number, action)?;
                after_ladder = false;
            }
        }
    }
    player.finish()?;
    Ok(player.world)
}

struct Player<W> {
    world: W,
    /// The call each host waits in.
    blocked: [Option<Call>; 2],
    /// When the action above began.
    previous: Option<Instant>,
    steps: usize,
    /// When it must be over.
    horizon: Instant,
}

impl<W: World> Player<W> {
    /// Lets things happen until the action may begin.
    fn wait_for(&mut self, number: usize, line: &ActionLine, after_ladder: bool) -> Result<(), PlayError> {
        let not_before = match line.when {
            When::Next => None,
            When::At(moment) => Some(Instant::START + moment),
            When::After(pause) => Some(self.previous.unwrap_or(Instant::START) + pause),
        };
        loop {
            self.retry();
            let ready = match not_before {
                // A moment is a moment, whatever the process is waiting for.
                Some(moment) => self.world.now() >= moment,
                None => self.may_begin(line) && (!after_ladder || self.world.is_settled()),
            };
            if ready {
                return Ok(());
            }
            let stuck = !self.step(not_before)?;
            if stuck && not_before.is_none() {
                self.retry();
                if self.may_begin(line) {
                    return Ok(());
                }
                return Err(self.never_begins(number, line));
            }
        }
    }

    /// Whether the process of the host is free to make another call.
    fn may_begin(&self, line: &ActionLine) -> bool {
        !matches!(line.action, Action::Call(_)) || self.blocked[usize::from(line.host.0)].is_none()
    }

    fn never_begins(&self, line: usize, action: &ActionLine) -> PlayError {
        let blocked = self.blocked[usize::from(action.host.0)].as_ref().map_or(String::new(), ToString::to_string);
        PlayError::NeverBegins { line, action: action.action.to_string(), host: super::host_name(action.host), blocked }
    }

    fn begin(&mut self, number: usize, line: &ActionLine) -> Result<(), PlayError> {
        self.previous = Some(self.world.now());
        let impossible = |why| PlayError::Impossible { line: number, why };
        match &line.action {
            Action::Call(call) => {
                let outcome = self.world.call(line.host, call);
                // A call at a set moment may come while another blocks; the later one is then the one to wait for.
                self.blocked[usize::from(line.host.0)] = match outcome {
                    Outcome::Blocked => Some(call.clone()),
                    Outcome::Done(_) | Outcome::Failed(_) if matches!(call, Call::Close | Call::Abort | Call::Exit | Call::Crash) => None,
                    Outcome::Done(_) | Outcome::Failed(_) => self.blocked[usize::from(line.host.0)].take(),
                };
                Ok(())
            }
            Action::Network(act) => self.world.network(act).map_err(impossible),
            Action::Inject(claims, forged) => self.world.inject(line.host, *claims, &forged.segment()).map_err(impossible),
            Action::Report(error, about) => self.world.report(line.host, *error, *about).map_err(impossible),
            Action::Netstat => self.world.netstat(line.host).map_err(impossible),
        }
    }

    /// Asks every call that blocks whether it returns now.
    fn retry(&mut self) {
        for host in [HostId(0), HostId(1)] {
            if let Some(call) = self.blocked[usize::from(host.0)].take()
                && self.world.retry(host, &call) == Outcome::Blocked
            {
                self.blocked[usize::from(host.0)] = Some(call);
            }
        }
    }

    fn step(&mut self, until: Option<Instant>) -> Result<bool, PlayError> {
        self.steps += 1;
        if self.steps > MAX_STEPS || self.world.now() > self.horizon {
            return Err(PlayError::Endless { steps: self.steps - 1, at: self.world.now() });
        }
        Ok(self.world.step(until))
    }

    /// All actions have begun: lets the rest happen, TIME-WAIT included.
    fn finish(&mut self) -> Result<(), PlayError> {
        loop {
            self.retry();
            if !self.step(None)? {
                self.retry();
                return Ok(());
            }
        }
    }
}
