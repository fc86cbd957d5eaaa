//! From the command's start to the end of the recording: signals, the time allowed, the last packets.

use std::io::{BufRead as _, BufReader, Write as _};
use std::os::fd::AsFd as _;
use std::os::unix::net::UnixStream;
use std::sync::mpsc::{channel, sync_channel};
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::keeper::{Report, Word};
use super::signals::{PASSED_ON, Signals};
use super::stage::{self, Lines, Ready};
use super::tap::Signs;
use super::{Ended, GRACE, Plan, RecordError, Recording, rights, step};

/// Runs a command in a network of its own and records it, from its start until its last packets have passed.
///
/// To be called while the process has one thread. Signals that are sent to this process meanwhile are the
/// command's; those of the terminal reach it anyway.
///
/// # Errors
/// [`RecordError`]: namespaces refused, no such command, or the recording cannot be continued. The command
/// and all it started are gone then.
pub fn record(plan: &Plan) -> Result<Recording, RecordError> {
    // Before any thread: each inherits it, and none is to be interrupted.
    let signals = Signals::hold(&PASSED_ON)?;
    let rights = rights::gain()?;
    let (tell_ready, ready) = sync_channel(1);
    let (tell_outcome, outcome) = sync_channel(1);
    let (go_on, over) = channel::<()>();
    let lines = Lines { ready: tell_ready, go_on: over, outcome: tell_outcome };
    let plan_of_stage = plan.clone();
    let stage = std::thread::Builder::new()
        .name("stage".to_owned())
        .spawn(move || stage::run(&plan_of_stage, rights, lines))
        .map_err(step("start a thread"))?;
    let Ready { control, tap, notes } = ready.recv().unwrap_or(Err(RecordError::KeeperGone))?;

    let mut supervisor = Supervisor { signals, control: BufReader::new(control), line: String::new() };
    let held = supervisor.until_it_ends(&plan.program(), plan.timeout);
    let mut left_over = Vec::new();
    if held.is_ok() {
        supervisor.settle(&tap);
        left_over = supervisor.others();
    }
    // The last look and the last frame come before the others are ended, which has packets of its own.
    drop(go_on);
    let outcome = outcome.recv();
    supervisor.end_all();
    if let Err(panic) = stage.join() {
        std::panic::resume_unwind(panic);
    }
    let (ended, timed_out) = held?;
    let outcome = outcome.map_err(|_| RecordError::KeeperGone)??;
    Ok(Recording { ended, timed_out, heard: outcome.heard, sightings: outcome.sightings, left_over, notes })
}

struct Supervisor {
    signals: Signals,
    control: BufReader<UnixStream>,
    /// The beginning of a report whose end has not come.
    line: String,
}

/// What happens while one waits.
enum Event {
    Report(Report),
    Signal(Signal, bool),
    /// The keeper has closed its end.
    Gone,
    /// Nothing, for the time given.
    Silence,
}

impl Supervisor {
    /// Waits until something happens, at most so long; for ever without.
    fn next(&mut self, at_most: Option<Duration>) -> Event {
        let until = at_most.map(|at_most| Instant::now() + at_most);
        loop {
            let mut fds = [
                PollFd::from_borrowed_fd(self.control.get_ref().as_fd(), PollFlags::IN),
                PollFd::from_borrowed_fd(self.signals.as_fd(), PollFlags::IN),
            ];
            let left = until.map(|until| until.saturating_duration_since(Instant::now()));
            let timeout = left.and_then(|left| Timespec::try_from(left).ok());
            if self.control.buffer().is_empty() && poll(&mut fds, timeout.as_ref()).is_err() {
                continue; // interrupted
            }
            let [heard, _] = fds.map(|fd| !fd.revents().is_empty());
            if let Some((signal, by_terminal)) = self.signals.next() {
                return Event::Signal(signal, by_terminal);
            }
            if heard || !self.control.buffer().is_empty() {
                match self.control.read_line(&mut self.line) {
                    Ok(0) | Err(_) => return Event::Gone,
                    Ok(_) => {}
                }
                let line = std::mem::take(&mut self.line);
                if let Some(report) = Report::read(line.trim_end_matches('\n')) {
                    return Event::Report(report);
                }
            }
            if left.is_some_and(|left| left.is_zero()) {
                return Event::Silence;
            }
        }
    }

    /// Passes signals on and watches the clock until the command has ended; whether its time was over.
    fn until_it_ends(&mut self, command: &str, timeout: Option<Duration>) -> Result<(Ended, bool), RecordError> {
        let started = Instant::now();
        let mut told = false;
        let mut deadline = timeout;
        loop {
            let left = deadline.map(|deadline| deadline.saturating_sub(started.elapsed()));
            match self.next(left) {
                Event::Report(Report::Ended(ended)) => return Ok((ended, told)),
                Event::Report(Report::Failed(errno)) => return Err(RecordError::Command { command: command.to_owned(), errno }),
                Event::Report(Report::Others(_)) => {}
                Event::Signal(signal, by_terminal) => {
                    if !by_terminal {
                        self.say(Word::Pass(signal));
                    }
                }
                Event::Silence if told => {
                    self.say(Word::Pass(Signal::SIGKILL));
                    deadline = None;
                }
                Event::Silence => {
                    self.say(Word::TellAll);
                    (told, deadline) = (true, Some(started.elapsed() + GRACE));
                }
                Event::Gone => return Err(RecordError::KeeperGone),
            }
        }
    }

    /// Waits until nothing moves any more; whoever is in a hurry sends a signal.
    fn settle(&mut self, tap: &Signs) {
        let started = Instant::now();
        let (mut passed, mut stirred) = (tap.passed(), started);
        while started.elapsed() < LONGEST {
            let quiet = if passed == 0 { QUIET_FOR_NOTHING } else { QUIET };
            match self.next(Some(TICK)) {
                Event::Signal(Signal::SIGINT | Signal::SIGTERM | Signal::SIGQUIT | Signal::SIGHUP, _) | Event::Gone => return,
                Event::Signal(..) | Event::Report(_) | Event::Silence => {}
            }
            if tap.passed() != passed {
                (passed, stirred) = (tap.passed(), Instant::now());
            }
            if stirred.elapsed() >= quiet {
                return;
            }
        }
    }

    /// The processes that still run, by name.
    fn others(&mut self) -> Vec<String> {
        self.say(Word::List);
        loop {
            match self.next(Some(GRACE)) {
                Event::Report(Report::Others(Some(names))) => return names,
                Event::Report(Report::Others(None)) => return vec!["?".to_owned()],
                Event::Gone | Event::Silence => return Vec::new(),
                Event::Report(_) | Event::Signal(..) => {}
            }
        }
    }

    /// Ends all processes and waits until they are gone.
    fn end_all(&mut self) {
        self.say(Word::EndAll);
        while !matches!(self.next(None), Event::Gone) {}
    }

    /// A keeper that does not listen is gone, which is seen elsewhere.
    fn say(&mut self, word: Word) {
        let _ = self.control.get_ref().write_all(&[word.octet()]);
    }
}

/// How long the loopback must be silent before the recording ends: longer than any ACK is delayed (200 ms).
const QUIET: Duration = Duration::from_millis(250);
/// The same where not one packet has passed.
const QUIET_FOR_NOTHING: Duration = Duration::from_millis(30);
/// The longest wait for silence.
const LONGEST: Duration = Duration::from_secs(3);
/// How often silence is looked for.
const TICK: Duration = Duration::from_millis(10);
