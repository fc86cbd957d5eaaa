//! Process 1 of the command's process namespace: starts it, waits for it, passes signals on.
//!
//! It is this same program, executed anew: a copy by `fork` alone would share locks with threads that do
//! not exist in it. It talks with the supervisor over a socket, one line a message: words of the
//! supervisor are [`Word`]s, its own are [`Report`]s. When the socket is closed from the other side, or
//! the supervisor dies, everything in the namespace ends.

use std::ffi::OsString;
use std::fs;
use std::io::{Read as _, Write as _};
use std::os::fd::{AsFd as _, RawFd};
use std::os::unix::net::UnixStream;
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Command, ExitStatus};

use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::{FdFlags, fcntl_setfd};
use rustix::mount::{MountFlags, mount};
use rustix::process::{WaitOptions, set_parent_process_death_signal, wait};

use super::signals::PASSED_ON;
use super::{Ended, GRACE, RecordError, rights, step};
use crate::worlds::kernel::{Errno, sys};

/// What the supervisor says: one octet.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Word {
    /// Pass this signal on to the command.
    Pass(Signal),
    /// Tell every process to end.
    TellAll,
    /// Make every process end, and go. So does the end of the words.
    EndAll,
    /// Say which processes there are.
    List,
}

impl Word {
    pub(super) fn octet(self) -> u8 {
        match self {
            Self::Pass(signal) => u8::try_from(signal as i32).unwrap_or(0),
            Self::TellAll => b'T' + 64,
            Self::EndAll => b'E' + 64,
            Self::List => b'L' + 64,
        }
    }

    fn of(octet: u8) -> Option<Self> {
        let words = [Self::TellAll, Self::EndAll, Self::List];
        words.into_iter().find(|word| word.octet() == octet).or_else(|| Signal::try_from(i32::from(octet)).ok().map(Self::Pass))
    }
}

/// What the keeper says: a line each.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Report {
    /// The command could not be started.
    Failed(Errno),
    /// The command has ended; others may still run.
    Ended(Ended),
    /// The names of all others that run; `None` if there are some whose names cannot be known.
    Others(Option<Vec<String>>),
}

impl Report {
    fn line(&self) -> String {
        match self {
            Self::Failed(errno) => format!("failed {}\n", errno.value()),
            Self::Ended(Ended::Exit(code)) => format!("exit {code}\n"),
            Self::Ended(Ended::Signal(number)) => format!("signal {number}\n"),
            Self::Others(None) => "others ?\n".to_owned(),
            Self::Others(Some(names)) => format!("others {}\n", names.join("\t")),
        }
    }

    pub(super) fn read(line: &str) -> Option<Self> {
        let (word, rest) = line.split_once(' ')?;
        Some(match (word, rest) {
            ("failed", errno) => Self::Failed(std::io::Error::from_raw_os_error(errno.parse().ok()?).into()),
            ("exit", code) => Self::Ended(Ended::Exit(code.parse().ok()?)),
            ("signal", number) => Self::Ended(Ended::Signal(number.parse().ok()?)),
            ("others", "?") => Self::Others(None),
            ("others", names) => Self::Others(Some(names.split('\t').filter(|name| !name.is_empty()).map(str::to_owned).collect())),
            _ => return None,
        })
    }
}

/// Looks after `command` as process 1, on the word of whoever has the other end of the socket `control`.
///
/// Returns when every process it started is gone.
///
/// # Errors
/// [`RecordError`], if this is not process 1 of a namespace the recorder has made, or a system call fails.
pub fn keep(control: RawFd, command: &[OsString]) -> Result<(), RecordError> {
    let (1, [program, arguments @ ..]) = (std::process::id(), command) else {
        let errno = Errno::from(rustix::io::Errno::PERM);
        return Err(RecordError::Step { tried: "look after a command outside of a recording", errno });
    };
    set_parent_process_death_signal(Some(rustix::process::Signal::KILL)).map_err(step("ask for a signal when the recorder dies"))?;
    let control = sys::inherited(control).map_err(step("use the socket to the recorder"))?;
    fcntl_setfd(&control, FdFlags::CLOEXEC).map_err(step("keep the socket to the recorder"))?;
    // Programs look themselves up in /proc by the number they have; the outer one shows somebody else there.
    let own_proc = mount("proc", "/proc", "proc", MountFlags::NOSUID | MountFlags::NODEV | MountFlags::NOEXEC, None).is_ok();
    rights::give_up();

    // Inherited from the supervisor, who holds them back; the command is to have them. Process 1 is spared
    // what it has no handler for.
    SigSet::from_iter(PASSED_ON).thread_unblock().map_err(|errno| step::<std::io::Error>("let signals through")(errno.into()))?;
    let mut control = UnixStream::from(control);
    let child = match Command::new(program).args(arguments).spawn() {
        Ok(child) => child,
        Err(error) => {
            let _ = control.write_all(Report::Failed(error.into()).line().as_bytes());
            return Ok(());
        }
    };
    let failed = |errno: nix::errno::Errno| step::<std::io::Error>("wait for SIGCHLD")(errno.into());
    let awaited = SigSet::from(Signal::SIGCHLD);
    awaited.thread_block().map_err(failed)?;
    let children = SignalFd::with_flags(&awaited, SfdFlags::SFD_NONBLOCK | SfdFlags::SFD_CLOEXEC).map_err(failed)?;
    let mut keeper = Keeper { control, children, own_proc, command: Some(child.id().cast_signed()) };
    // Who ended before the signal was awaited is known nonetheless.
    keeper.reap();
    keeper.serve();
    keeper.end_all();
    Ok(())
}

struct Keeper {
    control: UnixStream,
    children: SignalFd,
    own_proc: bool,
    /// Its number, while it runs.
    command: Option<i32>,
}

impl Keeper {
    /// Waits for words and for children until there is nothing more to say.
    fn serve(&mut self) {
        loop {
            let mut fds = [PollFd::new(&self.control, PollFlags::IN), PollFd::from_borrowed_fd(self.children.as_fd(), PollFlags::IN)];
            if poll(&mut fds, None).is_err() {
                continue; // interrupted
            }
            let [heard, bereft] = fds.map(|fd| !fd.revents().is_empty());
            if bereft {
                self.reap();
            }
            if heard && !self.obey() {
                return;
            }
        }
    }

    /// Does what the next word says; whether to go on.
    fn obey(&mut self) -> bool {
        let mut octet = [0];
        match self.control.read(&mut octet) {
            Ok(1..) => {}
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => return true,
            Ok(0) | Err(_) => return false,
        }
        match Word::of(octet[0]) {
            Some(Word::Pass(signal)) => {
                if let Some(command) = self.command {
                    send(command, signal);
                }
            }
            Some(Word::TellAll) => send(ALL, Signal::SIGTERM),
            Some(Word::List) => {
                let others = Report::Others(self.others());
                self.say(&others);
            }
            Some(Word::EndAll) | None => return false,
        }
        true
    }

    /// Buries the dead, and says so of the command.
    fn reap(&mut self) {
        while self.children.read_signal().is_ok_and(|signal| signal.is_some()) {}
        while let Ok(Some((pid, status))) = wait(WaitOptions::NOHANG) {
            if self.command == Some(pid.as_raw_nonzero().get()) {
                self.command = None;
                let status = ExitStatus::from_raw(status.as_raw());
                let number = |number: i32| u8::try_from(number).unwrap_or(u8::MAX);
                let ended = match (status.code(), status.signal()) {
                    (Some(code), _) => Ended::Exit(number(code)),
                    (None, signal) => Ended::Signal(number(signal.unwrap_or(0))),
                };
                self.say(&Report::Ended(ended));
            }
        }
    }

    /// The names of all other processes.
    fn others(&self) -> Option<Vec<String>> {
        if nix::sys::signal::kill(nix::unistd::Pid::from_raw(ALL), None).is_err() {
            return Some(Vec::new());
        }
        if !self.own_proc {
            return None;
        }
        let entries = fs::read_dir("/proc").ok()?.filter_map(Result::ok);
        let numbers = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok()).filter(|number| *number != 1);
        let name = |number: u32| fs::read_to_string(format!("/proc/{number}/comm")).ok();
        // A name is any octets; a line must stay one.
        let clean = |name: String| name.trim_end().chars().map(|c| if c.is_control() { '_' } else { c }).collect();
        Some(numbers.filter_map(name).map(clean).collect())
    }

    /// Tells all to end, waits a little, and makes them.
    fn end_all(&mut self) {
        send(ALL, Signal::SIGTERM);
        let started = std::time::Instant::now();
        loop {
            match wait(WaitOptions::NOHANG) {
                // No child left, adopted ones included, means no process left.
                Err(rustix::io::Errno::CHILD) => return,
                Ok(Some(_)) => continue,
                Ok(None) | Err(_) => {}
            }
            let left = GRACE.saturating_sub(started.elapsed());
            if left.is_zero() {
                send(ALL, Signal::SIGKILL);
            }
            let timeout = Timespec::try_from(left.max(TICK)).ok();
            let _ = poll(&mut [PollFd::from_borrowed_fd(self.children.as_fd(), PollFlags::IN)], timeout.as_ref());
            while self.children.read_signal().is_ok_and(|signal| signal.is_some()) {}
        }
    }

    /// Nobody who listens is no reason to stop: the end of the words comes next.
    fn say(&mut self, report: &Report) {
        let _ = self.control.write_all(report.line().as_bytes());
    }
}

/// A signal to a process of this namespace, or to [`ALL`] but oneself; one that has just ended is no failure.
fn send(to: i32, signal: Signal) {
    let _ = nix::sys::signal::kill(nix::unistd::Pid::from_raw(to), signal);
}

/// What `kill` calls everybody.
const ALL: i32 = -1;
/// How long to wait for processes that are being killed.
const TICK: std::time::Duration = std::time::Duration::from_millis(10);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_reports_come_out_as_they_went_in() {
        for word in [Word::TellAll, Word::EndAll, Word::List, Word::Pass(Signal::SIGTERM), Word::Pass(Signal::SIGWINCH)] {
            assert_eq!(Word::of(word.octet()), Some(word));
        }
        let names = |names: &[&str]| Some(names.iter().map(|name| (*name).to_owned()).collect());
        for report in [
            Report::Failed(rustix::io::Errno::NOENT.into()),
            Report::Ended(Ended::Exit(7)),
            Report::Ended(Ended::Signal(9)),
            Report::Others(None),
            Report::Others(names(&[])),
            Report::Others(names(&["python3", "a b"])),
        ] {
            let line = report.line();
            assert_eq!(Report::read(line.trim_end_matches('\n')), Some(report), "{line}");
        }
        for line in ["", "exit", "exit x", "exit 300", "nonsense 1"] {
            assert_eq!(Report::read(line), None, "{line}");
        }
    }

    #[test]
    fn nobody_but_process_1_keeps() {
        let error = keep(0, &["true".into()]).expect_err("this is a test");
        assert!(error.to_string().contains("outside of a recording"), "{error}");
    }
}
