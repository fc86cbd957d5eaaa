//! What passes an interface that is there already.

use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::signals::Signals;
use super::tap::Tap;
use super::{Heard, RecordError, step};
use crate::worlds::kernel::Sniffer;

/// What is to be listened to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Listening {
    /// The interface, by name.
    pub interface: String,
    /// How long.
    pub timeout: Option<Duration>,
    /// How many frames at most.
    pub count: Option<u64>,
}

/// Listens until SIGINT, SIGTERM or SIGHUP comes, the time is over or the frames are there; `begun` is called when
/// nothing will be missed any more.
///
/// To be called while the process has one thread.
///
/// # Errors
/// [`RecordError::Sniffer`], if there is no such interface, or no right to listen.
pub fn listen(plan: &Listening, begun: impl FnOnce()) -> Result<Heard, RecordError> {
    let signals = Signals::hold(&[Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP])?;
    let tap = Tap::start(Sniffer::on(&plan.interface)?).map_err(step("start a thread"))?;
    let signs = tap.signs();
    let started = Instant::now();
    begun();
    let is_over = || {
        let enough = plan.count.is_some_and(|count| signs.passed() >= count);
        enough || plan.timeout.is_some_and(|timeout| started.elapsed() >= timeout) || tap.has_ended()
    };
    while !is_over() && signals.next().is_none() {
        let tick = Timespec::try_from(TICK).ok();
        let _ = poll(&mut [PollFd::new(&signals, PollFlags::IN)], tick.as_ref());
    }
    let mut heard = tap.finish()?;
    if let Some(count) = plan.count.and_then(|count| usize::try_from(count).ok()) {
        heard.frames.truncate(count);
    }
    Ok(heard)
}

/// How often it is looked whether it is over.
const TICK: Duration = Duration::from_millis(10);
