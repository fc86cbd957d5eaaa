//! A call that may have to wait, in a thread of its own.

use std::fs;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::atomic::{AtomicI32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use rustix::event::{EventfdFlags, eventfd};

use super::super::network::NetworkError;
use super::super::packet::{Epoch, SnifferError};
use super::calls::{Done, Job};
use crate::engine::Instant;

/// What a waiting call rings when it returns.
#[derive(Debug)]
pub(super) struct Bell(OwnedFd);

impl Bell {
    pub(super) fn new() -> Result<Arc<Self>, NetworkError> {
        let opened = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK);
        opened.map(|fd| Arc::new(Self(fd))).map_err(|errno| SnifferError::Call { tried: "open an eventfd", errno: errno.into() }.into())
    }

    fn ring(&self) {
        // It cannot be full: one call rings once.
        let _ = rustix::io::write(&self.0, &1_u64.to_ne_bytes());
    }

    pub(super) fn silence(&self) {
        // Nothing to read is as silent as it gets.
        let _ = rustix::io::read(&self.0, &mut [0; 8]);
    }
}

impl AsFd for Bell {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// A call that has not returned yet, when last looked.
#[derive(Debug)]
pub(super) struct Waiting(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    /// Of the thread, once it is about to make the call; 0 before.
    thread: AtomicI32,
    end: Mutex<Option<(Instant, Done)>>,
}

impl Shared {
    fn take(&self) -> Option<(Instant, Done)> {
        self.end.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// What came of beginning it.
#[derive(Debug)]
pub(super) enum Begun {
    /// It did not wait.
    Returned(Done),
    /// It does.
    Waits(Waiting),
}

impl Waiting {
    /// Makes the call; returns when it has, or when it sleeps.
    pub(super) fn begin(job: Job, epoch: Epoch, bell: &Arc<Bell>) -> Result<Begun, String> {
        let shared = Arc::new(Shared { thread: AtomicI32::new(0), end: Mutex::new(None) });
        let (inside, bell_inside) = (Arc::clone(&shared), Arc::clone(bell));
        let started = thread::Builder::new().name("call".to_owned()).spawn(move || {
            inside.thread.store(rustix::thread::gettid().as_raw_nonzero().get(), Ordering::Release);
            let done = job.make();
            let at = epoch.elapsed();
            *inside.end.lock().unwrap_or_else(PoisonError::into_inner) = Some((at, done));
            bell_inside.ring();
        });
        started.map_err(|error| format!("cannot start a thread for a call that may wait: {error}"))?;
        let mut asleep = 0;
        loop {
            if let Some((_, done)) = shared.take() {
                bell.silence();
                return Ok(Begun::Returned(done));
            }
            // A thread sleeps for other reasons too, if shortly: a page that is not there, a lock.
            asleep = if sleeps(shared.thread.load(Ordering::Acquire)) { asleep + 1 } else { 0 };
            if asleep >= LOOKS {
                return Ok(Begun::Waits(Self(shared)));
            }
            thread::sleep(BETWEEN);
        }
    }

    /// When it returned, and what came of it; `None` as long as it waits.
    pub(super) fn end(&self) -> Option<(Instant, Done)> {
        self.0.take()
    }
}

/// Whether this thread of ours waits for something.
fn sleeps(thread: i32) -> bool {
    let stat = fs::read_to_string(format!("/proc/self/task/{thread}/stat")).unwrap_or_default();
    // The state stands behind the name, which is in parentheses and may hold any.
    stat.rsplit_once(") ").is_some_and(|(_, rest)| rest.starts_with('S'))
}

/// So often a thread must be seen asleep.
const LOOKS: u32 = 3;
/// How long between looks.
const BETWEEN: Duration = Duration::from_micros(40);
