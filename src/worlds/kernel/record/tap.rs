//! A thread that does nothing but empty the packet socket.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use super::Heard;
use crate::worlds::kernel::{Sniffer, SnifferError};

/// The running thread.
pub(super) struct Tap {
    thread: JoinHandle<Result<Heard, SnifferError>>,
    signs: Signs,
}

/// What others may know of it while it runs.
#[derive(Clone, Default)]
pub(super) struct Signs {
    stop: Arc<AtomicBool>,
    passed: Arc<AtomicU64>,
}

impl Tap {
    /// Starts it.
    pub(super) fn start(mut sniffer: Sniffer) -> io::Result<Self> {
        let signs = Signs::default();
        let theirs = signs.clone();
        let thread = std::thread::Builder::new().name("tap".to_owned()).spawn(move || listen(&mut sniffer, &theirs))?;
        Ok(Self { thread, signs })
    }

    pub(super) fn signs(&self) -> Signs {
        self.signs.clone()
    }

    /// Whether it has ended by itself: the interface has gone, say.
    pub(super) fn has_ended(&self) -> bool {
        self.thread.is_finished()
    }

    /// Ends it once nothing is left in the queue.
    pub(super) fn finish(self) -> Result<Heard, SnifferError> {
        self.signs.stop.store(true, Ordering::Relaxed);
        self.thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    }
}

impl Signs {
    /// How many frames have passed so far.
    pub(super) fn passed(&self) -> u64 {
        self.passed.load(Ordering::Relaxed)
    }
}

fn listen(sniffer: &mut Sniffer, signs: &Signs) -> Result<Heard, SnifferError> {
    let (mut frames, mut octets, mut not_kept) = (Vec::new(), 0, 0);
    loop {
        // Looked at before the queue: what was queued when the word came is still taken.
        let last = signs.stop.load(Ordering::Relaxed);
        if !last {
            sniffer.wait(TICK)?;
        }
        loop {
            let frame = match sniffer.next_frame() {
                Ok(Some(frame)) => frame,
                Ok(None) => break,
                // The kernel has merged packets before we saw them; one less, all others are as they were.
                Err(SnifferError::TooLong { .. }) => {
                    not_kept += 1;
                    continue;
                }
                Err(error) => return Err(error),
            };
            signs.passed.fetch_add(1, Ordering::Relaxed);
            octets += frame.octets.len() + FRAME;
            if octets <= KEPT {
                frames.push(frame);
            } else {
                not_kept += 1;
            }
        }
        if last {
            return Ok(Heard { epoch: sniffer.epoch(), frames, not_kept, statistics: sniffer.statistics()? });
        }
    }
}

/// The longest the thread sleeps before it looks whether it should end.
const TICK: Duration = Duration::from_millis(20);
/// Octets of memory for frames: what comes when they are used up is counted only.
const KEPT: usize = 512 << 20;
/// What a frame costs beyond its octets, in round figures.
const FRAME: usize = 64;
