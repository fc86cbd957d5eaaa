//! The live kernel as a place where a script can run: one host in a network namespace of its own, and us at the other
//! end of its cable.
//!
//! Real time: packets have the kernel's stamps, calls are made on real sockets with the arguments as given. A call that
//! waits does so in a thread of its own.

mod calls;
mod control;
mod info;
mod link;
mod waiting;

use std::cell::OnceCell;
use std::collections::VecDeque;
use std::num::NonZeroU64;
use std::os::fd::AsFd as _;
use std::sync::Arc;
use std::time::Duration;

use calls::Process;
pub use link::UnderTest;
use waiting::{Begun, Bell, Waiting};

use super::diag::SocketTable;
use super::network::NetworkError;
use super::packet::{Epoch, wait_for_any};
use super::switch::{HostNetwork, Port, Switch};
use super::sys;
use super::tcp_info::info_octets;
use crate::engine::Instant;
use crate::worlds::stack::{Answer, Call, Departed, Fd, Outcome, Place, PlaceError, Unsupported};

/// The stack of this machine's kernel, in a network of its own.
///
/// Its clock starts when it is first asked for, or when the first call or packet is given: sysctls can be set before.
///
/// To be made after [`enter_user_namespace`](super::enter_user_namespace), on any thread; the thread stays where it is.
/// What is still open when this is dropped is aborted, and nobody hears of it.
#[derive(Debug)]
pub struct KernelPlace {
    /// Declared first, so that nobody hears what sockets say when they are closed.
    port: Port,
    process: Process,
    network: HostNetwork,
    _switch: Switch,
    began: OnceCell<Epoch>,
    bell: Arc<Bell>,
    waiting: Option<Waiting>,
    returned: Option<(Instant, Answer)>,
    departed: VecDeque<Departed>,
    trouble: Option<String>,
}

impl KernelPlace {
    /// A host that is set up so; its cable is up, and it is silent.
    ///
    /// # Errors
    /// [`NetworkError::Refused`] without the right to namespaces, or whatever else the kernel does not take.
    pub fn new(setup: &UnderTest) -> Result<Self, NetworkError> {
        // For this thread, which is not the worse for it. Where the one is refused we wake up 50 us late, where the other
        // is some milliseconds if the machine is busy.
        let _ = rustix::thread::set_current_timer_slack(NonZeroU64::new(1));
        let _ = rustix::process::getpriority_process(None).and_then(sys::take_short_turns);
        let switch = Switch::new()?;
        let (network, port) = link::hang(&switch, setup)?;
        let bell = Bell::new()?;
        Ok(Self {
            port,
            process: Process::default(),
            network,
            _switch: switch,
            began: OnceCell::new(),
            bell,
            waiting: None,
            returned: None,
            departed: VecDeque::new(),
            trouble: None,
        })
    }

    fn epoch(&self) -> Epoch {
        *self.began.get_or_init(Epoch::now)
    }

    /// Takes in what has left, and the end of the call that waits.
    fn settle(&mut self) {
        let epoch = self.epoch();
        loop {
            match self.port.next_frame_since(epoch) {
                Ok(Some(frame)) => {
                    if let Some(packet) = link::packet_of(&frame.octets) {
                        self.departed.push_back(Departed { at: frame.at, packet: packet.to_vec() });
                    }
                }
                Ok(None) => break,
                Err(error) => {
                    self.trouble = Some(error.to_string());
                    break;
                }
            }
        }
        if let Some((at, answer)) = self.waiting.as_ref().and_then(Waiting::end) {
            self.waiting = None;
            self.bell.silence();
            let answer = self.process.adopt(answer, epoch);
            self.returned = Some((at, answer));
        }
    }
}

impl Place for KernelPlace {
    fn now(&self) -> Instant {
        self.epoch().elapsed()
    }

    fn wait(&mut self, until: Instant) -> Result<(), PlaceError> {
        loop {
            self.settle();
            if let Some(trouble) = self.trouble.take() {
                return Err(PlaceError(trouble));
            }
            let now = self.now();
            if !self.departed.is_empty() || self.returned.is_some() || now >= until {
                return Ok(());
            }
            match until.since(now).checked_sub(SPIN) {
                Some(long) => {
                    let woken_by = [self.port.as_fd(), self.bell.as_fd()];
                    wait_for_any(&woken_by, long).map_err(|error| PlaceError(error.to_string()))?;
                }
                None => std::hint::spin_loop(),
            }
        }
    }

    /// A minute: somebody waits for it.
    fn longest_wait(&self) -> Duration {
        Duration::from_mins(1)
    }

    fn call(&mut self, call: &Call) -> Result<Outcome, PlaceError> {
        let epoch = self.epoch();
        if self.waiting.is_some() && !matches!(call, Call::Close { .. } | Call::Shutdown { .. }) {
            self.settle();
        }
        let outcome = match self.process.prepare(&self.network, call) {
            Ok(job) if job.may_wait() => match Waiting::begin(job, epoch, &self.bell).map_err(PlaceError)? {
                Begun::Returned(done) => Outcome::Returned(self.process.adopt(done, epoch)),
                Begun::Waits(waiting) if self.waiting.is_none() => {
                    self.waiting = Some(waiting);
                    Outcome::Blocked
                }
                Begun::Waits(_) => Outcome::Unsupported("a second call that waits".to_owned()),
            },
            Ok(job) => {
                let done = job.make();
                Outcome::Returned(self.process.adopt(done, epoch))
            }
            Err(calls::Refused::Answered(answer)) => Outcome::Returned(answer),
            Err(calls::Refused::Unsupported(what)) => Outcome::Unsupported(what),
            Err(calls::Refused::Place(what)) => return Err(PlaceError(what)),
        };
        Ok(outcome)
    }

    fn take_returned(&mut self) -> Option<(Instant, Answer)> {
        self.settle();
        self.returned.take()
    }

    fn inject(&mut self, packet: &[u8]) -> Result<(), PlaceError> {
        self.epoch();
        let frame = link::frame_around(packet);
        self.port.send(&frame).map_err(|error| PlaceError(error.to_string()))
    }

    fn next_packet(&mut self) -> Option<Departed> {
        self.settle();
        self.departed.pop_front()
    }

    fn info(&mut self, fd: Fd) -> Result<Vec<(&'static str, i64)>, Unsupported> {
        let Some(socket) = self.process.get(fd) else { return Err(Unsupported("TCP_INFO of what is not open".to_owned())) };
        let octets = info_octets(socket.as_fd()).map_err(|errno| Unsupported(format!("TCP_INFO: {errno}")))?;
        Ok(info::numbers(&octets))
    }

    fn set_parameter(&mut self, name: &str, value: &str) -> Result<(), Unsupported> {
        let namespace = self.network.namespace();
        let Err(error) = namespace.set_sysctl(name, value) else {
            if name == CONGESTION_CONTROL {
                value.clone_into(&mut self.process.congestion_control);
            }
            return Ok(());
        };
        // What belongs to the whole machine cannot be set from here, and need not be where it is so already.
        let same = |is: String| is.split_whitespace().eq(value.split_whitespace());
        if name == CONGESTION_CONTROL && namespace.sysctl(AVAILABLE).is_ok_and(|all| all.split(' ').any(|one| one == value)) {
            // No default of a namespace is what only administrators may choose; a socket of ours may.
            value.clone_into(&mut self.process.congestion_control);
            return Ok(());
        }
        if namespace.sysctl(name).is_ok_and(same) { Ok(()) } else { Err(Unsupported(error.to_string())) }
    }

    fn count_in_state(&mut self, state: &str, port: Option<u16>, held: bool) -> Result<usize, Unsupported> {
        if held {
            return Err(Unsupported("listing the sockets of one process of a kernel".to_owned()));
        }
        let unlisted = |error: &dyn std::fmt::Display| Unsupported(format!("listing sockets: {error}"));
        let table = self.network.namespace().within(SocketTable::open).map_err(|refusal| unlisted(&refusal))?;
        let rows = table.and_then(|mut table| table.tcp()).map_err(|error| unlisted(&error))?;
        let here = |row: &&super::diag::Row| port.is_none_or(|port| row.local.port == port || row.remote.port == port);
        Ok(rows.iter().filter(here).filter(|row| row.state.to_string() == state).count())
    }

    fn drop_in_state(&mut self, state: &str) -> Result<(), Unsupported> {
        Err(Unsupported(format!("dropping the connections in {state} of a kernel")))
    }

    /// Before the first socket there is nothing to forget, as the network is new. Later the kernel lets only who
    /// administers the machine do it, whatever rights one has in a namespace.
    fn forget_peers(&mut self) -> Result<(), Unsupported> {
        if self.process.is_new() {
            return Ok(());
        }
        Err(Unsupported("having a kernel forget what connections of this very script have taught it".to_owned()))
    }
}

impl Drop for KernelPlace {
    /// Whoever waits is woken, and what is open aborted: a connection that is closed would go on for minutes, and its
    /// namespace with it.
    fn drop(&mut self) {
        self.process.abort_all();
    }
}

const CONGESTION_CONTROL: &str = "net.ipv4.tcp_congestion_control";
const AVAILABLE: &str = "net.ipv4.tcp_available_congestion_control";
/// How long before its time a wait no longer sleeps, as waking up takes as long.
const SPIN: Duration = Duration::from_micros(200);
