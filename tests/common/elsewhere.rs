//! Stacks elsewhere that are no kernels: each is a simulated host in a world of its own, behind frames.
//!
//! So what a wired world makes of a stack is known exactly: what the simulated world does with the same host.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::time::Duration;

use synfin::engine::{Instant, State};
use synfin::trace::{End, HostId, Payload, What};
use synfin::wire::{Checksums, decode_frame, enclose, encode_frame};
use synfin::worlds::simulated::{Outgoing, Setup, Simulated};
use synfin::worlds::wired::{Look, Outside};
use synfin::worlds::{Call, Errno, Outcome, World as _};

/// A host of its own and the other one, which is only a name for the cable.
struct Stack {
    world: Simulated,
    own: HostId,
    opened: Option<(End, End)>,
    /// Entries whose packets are in frames already.
    seen: usize,
    /// A timer has fired since somebody waited: a call may return that blocked.
    has_moved: bool,
}

/// The stacks of one or two hosts, in virtual time.
pub(crate) struct Elsewhere {
    now: Instant,
    stacks: Vec<Stack>,
    frames: VecDeque<(HostId, Vec<u8>)>,
}

impl Elsewhere {
    /// The hosts of this set-up that are `remote`, numbering their connections from elsewhere.
    pub(crate) fn new(setup: &Setup, remote: [bool; 2], iss: &[u32]) -> Self {
        let stack = |own: HostId| {
            let mut alone = Setup { delay: Duration::ZERO, faults: Vec::new(), ..setup.clone() };
            let host = &mut alone.hosts[usize::from(own.0)];
            host.iss = iss.to_vec();
            host.timestamps = vec![0xffff_ff00];
            let mut world = Simulated::new(&alone);
            world.make_remote(HostId(1 - own.0));
            Stack { world, own, opened: None, seen: 0, has_moved: false }
        };
        let stacks = [HostId(0), HostId(1)].into_iter().filter(|host| remote[usize::from(host.0)]).map(stack).collect();
        Self { now: Instant::START, stacks, frames: VecDeque::new() }
    }

    fn stack(&mut self, host: HostId) -> &mut Stack {
        self.stacks.iter_mut().find(|stack| stack.own == host).expect("a stack elsewhere")
    }

    /// What a stack has sent becomes frames.
    fn collect(&mut self) {
        for stack in &mut self.stacks {
            // What has arrived on the other side of the cable is in a frame, and so is what nobody there is meant by.
            while stack.world.take_delivered().is_some() {
                stack.world.resume();
            }
            let trace = stack.world.trace();
            for entry in &trace.entries[stack.seen..] {
                let What::Departure(id) = entry.what else { continue };
                let packet = trace.packet(id);
                // A host talks to itself without a cable.
                if entry.host != stack.own || packet.to == stack.own {
                    continue;
                }
                let mut octets = Vec::new();
                encode_frame([[0; 6]; 2], packet.source, packet.destination, 0, &packet.payload, &mut octets).expect("a frame");
                if !matches!(packet.payload, Payload::Neighbour(_)) {
                    enclose(&mut octets, 14, &packet.envelope).expect("there is room");
                }
                self.frames.push_back((stack.own, octets));
            }
            stack.seen = trace.entries.len();
        }
    }
}

/// What a call came to, as a stack that cannot wait says it.
fn result(outcome: &Outcome) -> Result<String, Errno> {
    match outcome {
        Outcome::Done(text) => Ok(text.clone()),
        Outcome::Failed(errno) => Err(*errno),
        Outcome::Blocked => Err(Errno::Again),
    }
}

impl Stack {
    fn state(&self) -> State {
        self.world.trace().entries.iter().rev().find(|entry| entry.host == self.own).map_or(State::Closed, |entry| entry.after)
    }
}

impl Outside for Elsewhere {
    type Error = Infallible;

    const SETTLED: Duration = Duration::ZERO;

    fn now(&self) -> Instant {
        self.now
    }

    fn wait(&mut self, until: Instant) -> Result<(), Infallible> {
        let due = self.stacks.iter_mut().filter_map(|stack| stack.world.poll_moment()).min();
        for stack in &mut self.stacks {
            stack.has_moved = false;
        }
        self.now = self.now.max(due.map_or(until, |due| due.min(until)));
        Ok(())
    }

    fn next_frame(&mut self, host: HostId) -> Result<Option<Vec<u8>>, Infallible> {
        // What arrives at a moment does so before the timers of that moment fire.
        for stack in &mut self.stacks {
            while stack.world.step(Some(self.now)) {
                stack.has_moved = true;
            }
        }
        self.collect();
        let position = self.frames.iter().position(|(from, _)| *from == host);
        Ok(position.and_then(|position| self.frames.remove(position)).map(|(_, frame)| frame))
    }

    fn deliver(&mut self, host: HostId, frame: &[u8]) -> Result<(), Infallible> {
        let now = self.now;
        let stack = self.stack(host);
        stack.world.advance(now);
        // A stack that cannot read it drops it.
        if let Ok(decoded) = decode_frame(frame, Checksums::Verify) {
            let (source, destination, envelope) = (decoded.source, decoded.destination, decoded.envelope);
            let outgoing = Outgoing { socket: None, source, destination, payload: decoded.payload.to_owned(), envelope };
            stack.world.emit(HostId(1 - host.0), outgoing, State::Closed);
            stack.world.resume();
        }
        self.collect();
        Ok(())
    }

    fn call(&mut self, host: HostId, call: &Call) -> Result<Result<String, Errno>, Infallible> {
        let now = self.now;
        let stack = self.stack(host);
        stack.world.advance(now);
        let outcome = stack.world.call(host, call);
        let result = result(&outcome);
        if let (Call::Connect { .. }, Some(syn)) = (call, stack.world.trace().packets.last()) {
            stack.opened = Some((syn.source, syn.destination));
        }
        self.collect();
        Ok(result)
    }

    fn retry(&mut self, host: HostId, call: &Call) -> Result<Result<String, Errno>, Infallible> {
        let stack = self.stack(host);
        let outcome = stack.world.retry(host, call);
        let result = result(&outcome);
        self.collect();
        Ok(result)
    }

    fn opened(&self, host: HostId) -> Option<(End, End)> {
        self.stacks.iter().find(|stack| stack.own == host).and_then(|stack| stack.opened)
    }

    fn look(&mut self, host: HostId, _flow: Option<(End, End)>) -> Result<Look, Infallible> {
        let now = self.now;
        let stack = self.stack(host);
        let state = stack.state();
        let own = stack.world.host(host);
        let is_busy = own.is_busy();
        let next = if stack.has_moved { Some(Duration::ZERO) } else { stack.world.poll_moment().map(|at| at.since(now)) };
        let state = Some(state).filter(|state| !matches!(state, State::Closed | State::Listen));
        Ok(Look { state, listens: stack.state() == State::Listen, is_busy, next })
    }

    fn netstat(&mut self, host: HostId) -> Result<Vec<String>, Infallible> {
        let rows = self.stack(host).world.host(host).netstat();
        Ok(rows.iter().map(ToString::to_string).collect())
    }

    fn missed(&mut self) -> Result<u64, Infallible> {
        Ok(0)
    }
}
