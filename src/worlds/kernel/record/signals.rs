//! Signals that come as values instead of ending the process.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};

use nix::sys::signal::{SigSet, SigmaskHow, Signal, pthread_sigmask};
use nix::sys::signalfd::{SfdFlags, SignalFd};

use super::{RecordError, step};

/// Signals that are not to end this process, held back from this process as long as the value lives.
pub(super) struct Signals {
    fd: SignalFd,
    before: SigSet,
}

impl Signals {
    /// Holds these back, from this thread and those it will start.
    pub(super) fn hold(signals: &[Signal]) -> Result<Self, RecordError> {
        let failed = |errno: nix::errno::Errno| step::<io::Error>("hold back signals")(errno.into());
        let held = signals.iter().copied().collect::<SigSet>();
        let mut before = SigSet::empty();
        pthread_sigmask(SigmaskHow::SIG_BLOCK, Some(&held), Some(&mut before)).map_err(failed)?;
        let fd = SignalFd::with_flags(&held, SfdFlags::SFD_NONBLOCK | SfdFlags::SFD_CLOEXEC).map_err(failed)?;
        Ok(Self { fd, before })
    }

    /// The next that came; whether the terminal sent it, and so to the command as well.
    pub(super) fn next(&self) -> Option<(Signal, bool)> {
        let info = self.fd.read_signal().ok()??;
        let signal = i32::try_from(info.ssi_signo).ok().and_then(|number| Signal::try_from(number).ok())?;
        // Above 0 are the kernel's reasons; `kill` and its like are 0 and below.
        Some((signal, info.ssi_code > 0))
    }
}

impl Drop for Signals {
    fn drop(&mut self) {
        // What still waits here was seen to already, and must not end this process now.
        while self.next().is_some() {}
        let _ = pthread_sigmask(SigmaskHow::SIG_SETMASK, Some(&self.before), None);
    }
}

impl AsFd for Signals {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

/// What is passed on; SIGTSTP and SIGCONT stop and continue this process together with the command.
pub(super) const PASSED_ON: [Signal; 7] =
    [Signal::SIGHUP, Signal::SIGINT, Signal::SIGQUIT, Signal::SIGTERM, Signal::SIGUSR1, Signal::SIGUSR2, Signal::SIGWINCH];
