//! Stacks that are not ours on a network that is: a real kernel at one end or at both, the simulated link between.
//!
//! Every packet a kernel sends is taken at the end of its cable and carried by [`Simulated`], which loses, delays,
//! forges and reports as it always does; what arrives is handed to the kernel as a frame. The other host is the
//! engine in virtual time that keeps to the clock on the wall, or a second kernel. So scenarios with faults meet
//! real sockets, and each host's state is known packet by packet: a kernel has dealt with a frame when it has been
//! handed over, and is asked then.
//!
//! Numbers are shown as the scenario prescribes them, whatever the kernel chose (`numbers`); the captures of such a
//! run carry them too.

mod clock;
mod ends;
mod kernels;
mod numbers;
mod outside;

use std::time::Duration;

use ends::Shown;
pub use kernels::{Kernels, WiredSetup};
use numbers::Numbers;
pub use outside::{Look, Outside};

use crate::engine::{Instant, Segment, State, Timer};
use crate::trace::{End, HostId, IcmpError, Neighbour, PacketId, Payload, Trace, What};
use crate::wire::{self, Checksums, WireError, decode_frame, encode_frame};
use crate::worlds::kernel::KernelError;
use crate::worlds::simulated::{Delivered, Outgoing, Setup, Simulated};
use crate::worlds::{Call, Claim, Errno, NetworkAct, Outcome, SegmentKind, World};

/// How long all must be silent, with nothing left to be sent again, before nothing more is expected.
const OVER: Duration = Duration::from_millis(400);
/// How long a frame is waited for before calls that block are asked again.
const TICK: Duration = Duration::from_millis(5);
/// The same after a long silence.
const LONGEST_TICK: Duration = Duration::from_secs(1);
/// How often a silent kernel is asked whether its state has changed.
const LOOK: Duration = Duration::from_millis(50);
/// Most packets of one run; two stacks that answer each other for ever end here.
const MOST_PACKETS: usize = 100_000;
/// Octets of an Ethernet header.
const ETHERNET: usize = 14;

/// Where the stack of a host is.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Stack {
    /// The engine, in virtual time that keeps to the clock on the wall.
    Engine,
    /// A real kernel in a network namespace of its own.
    Kernel,
}

/// Why a wired world cannot be had, or its run is worth nothing.
#[derive(Debug, thiserror::Error)]
pub enum WiredError<E = KernelError> {
    /// What the stacks outside say.
    #[error(transparent)]
    Outside(E),
    /// A frame a stack has sent is not to be understood.
    #[error("a frame that {host} has sent cannot be read: {source}")]
    Frame {
        /// The host.
        host: String,
        /// What is wrong with it.
        source: WireError,
    },
    /// A packet cannot be put into a frame.
    #[error("a packet for {host} cannot be written: {source}")]
    Packet {
        /// The host.
        host: String,
        /// What is wrong with it.
        source: WireError,
    },
    /// Frames were missed.
    #[error("{0} frames were missed: the queue was full; is this machine overloaded?")]
    Missed(u64),
    /// The hosts answer each other for ever.
    #[error("stopped after {MOST_PACKETS} packets: this run has no end")]
    Endless,
}

/// A simulated network with at least one stack that is not simulated.
#[derive(Debug)]
pub struct Wired<O: Outside = Kernels> {
    sim: Simulated,
    outside: O,
    /// For each host whose stack is outside what it calls its numbers, and which connection is looked at.
    remotes: [Option<Remote>; 2],
    links: [[u8; 6]; 2],
    /// Whether questions for link addresses are part of the scenario.
    resolve: bool,
    /// The longest silence that is waited through when something is still to come.
    patience: Duration,
    /// When a frame last passed or a call was last made.
    stirred: Instant,
    /// When silent stacks were last looked at.
    looked: Instant,
    /// Whether nothing has passed for long enough, and no stack outside will send anything by itself.
    quiet: bool,
    identification: u16,
    failure: Option<WiredError<O::Error>>,
}

/// A host whose stack is outside.
#[derive(Debug, Default)]
struct Remote {
    numbers: Numbers,
    shown: Shown,
}

impl<O: Outside> Wired<O> {
    /// The world of this set-up in which the hosts that are said to be `remote` have their stacks `outside`.
    pub fn around(setup: &Setup, remote: [bool; 2], patience: Duration, outside: O) -> Self {
        let mut sim = Simulated::new(setup);
        let mut remotes = [None, None];
        let mut links = [[0; 6]; 2];
        for (position, host) in setup.hosts.iter().enumerate().take(2) {
            links[position] = host.link_address;
            if remote[position] {
                sim.make_remote(id(position));
                remotes[position] = Some(Remote { numbers: Numbers::new(&host.iss, &host.timestamps), shown: Shown::default() });
            }
        }
        let now = outside.now();
        Self {
            sim,
            outside,
            remotes,
            links,
            resolve: setup.resolve,
            patience,
            stirred: now,
            looked: now,
            quiet: false,
            identification: 0,
            failure: None,
        }
    }

    /// What happened, or why that cannot be said.
    ///
    /// # Errors
    /// [`WiredError`]: what went wrong on the way, or frames that were missed.
    pub fn finish(mut self) -> Result<Trace, WiredError<O::Error>> {
        self.go_on();
        if let Some(failure) = self.failure {
            return Err(failure);
        }
        match self.outside.missed() {
            Ok(0) => Ok(self.sim.into_trace()),
            Ok(missed) => Err(WiredError::Missed(missed)),
            Err(error) => Err(WiredError::Outside(error)),
        }
    }

    fn remote(&mut self, host: HostId) -> Option<&mut Remote> {
        self.remotes[usize::from(host.0.min(1))].as_mut()
    }

    fn is_remote(&self, host: HostId) -> bool {
        self.remotes[usize::from(host.0.min(1))].is_some()
    }

    fn name(&self, host: HostId) -> String {
        self.sim.trace().host(host).name.clone()
    }

    /// What the outside answers, if it does; the first thing that goes wrong ends the run.
    fn heard<T>(&mut self, answer: Result<T, O::Error>) -> Option<T> {
        answer.map_err(|error| self.failure.get_or_insert(WiredError::Outside(error))).ok()
    }

    /// The state of a remote host now.
    fn state(&mut self, host: HostId) -> State {
        let look = self.look(host);
        self.remote(host).map_or(State::Closed, |remote| remote.shown.state(look))
    }

    fn look(&mut self, host: HostId) -> Look {
        let flow = self.remote(host).and_then(|remote| remote.shown.flow());
        let look = self.outside.look(host, flow);
        self.heard(look).unwrap_or_default()
    }

    // --- packets -------------------------------------------------------------------------------

    /// Everything that is due until now happens, and all that was sent is on its way.
    fn go_on(&mut self) {
        let now = self.outside.now();
        if self.sim.step(Some(now)) {
            self.stir(now);
        }
        self.pass_on();
        self.quiet = self.silence() >= O::SETTLED && !self.looks().into_iter().any(|look| look.is_busy);
    }

    /// What has arrived is handed over, what is sent is carried, until nothing more is due.
    fn pass_on(&mut self) {
        while self.failure.is_none() {
            if self.sim.trace().packets.len() > MOST_PACKETS {
                self.failure = Some(WiredError::Endless);
                return;
            }
            let now = self.outside.now();
            if let Some(delivered) = self.sim.take_delivered() {
                self.hand_over(delivered);
                self.stir(now);
                continue;
            }
            // Of what leaves at one moment, that of the first host comes first, as in a world that is all simulated.
            if self.let_leave(HostId(0)) || self.let_leave(HostId(1)) || self.sim.has_delivered() {
                continue;
            }
            if !self.sim.step(Some(now)) {
                return;
            }
            self.stir(now);
        }
    }

    /// What a host wants to send leaves; whether that was a frame from outside, behind which there may be more.
    fn let_leave(&mut self, host: HostId) -> bool {
        if !self.is_remote(host) {
            self.sim.resume();
            return false;
        }
        let frame = self.outside.next_frame(host);
        let Some(frame) = self.heard(frame).flatten() else { return false };
        self.carry(host, &frame);
        true
    }

    /// A packet that has arrived is handed to its stack.
    fn hand_over(&mut self, delivered: Delivered) {
        let host = delivered.host;
        let Some(octets) = self.frame_for(host, delivered.packet) else { return };
        let handed = self.outside.deliver(host, &octets);
        self.heard(handed);
        let state = self.state(host);
        self.sim.told(delivered, state);
    }

    /// The frame that carries a packet to a remote host, with what the wire has done to it.
    fn frame_for(&mut self, host: HostId, id: PacketId) -> Option<Vec<u8>> {
        let packet = self.sim.trace().packet(id);
        let (source, destination, envelope, damage) = (packet.source, packet.destination, packet.envelope, packet.damage);
        let mut payload = packet.payload.clone();
        if let Some(remote) = self.remote(host) {
            if payload.segment().is_some() {
                remote.shown.receive((destination, source));
            }
            remote.numbers.arriving(source, destination, &mut payload);
        }
        let own = usize::from(host.0.min(1));
        let mut octets = Vec::new();
        self.identification = self.identification.wrapping_add(1);
        let link = [self.links[1 - own], self.links[own]];
        if let Err(source) = encode_frame(link, source, destination, self.identification, &payload, &mut octets) {
            let host = self.name(host);
            self.failure.get_or_insert(WiredError::Packet { host, source });
            return None;
        }
        if !matches!(payload, Payload::Neighbour(_))
            && let Err(source) = wire::enclose(&mut octets, ETHERNET, &envelope)
        {
            let host = self.name(host);
            self.failure.get_or_insert(WiredError::Packet { host, source });
            return None;
        }
        if let Some(damage) = damage {
            wire::damage(&mut octets[ETHERNET..], damage);
        }
        Some(octets)
    }

    /// A stack has sent a frame: its packet leaves into the network.
    fn carry(&mut self, host: HostId, frame: &[u8]) {
        let decoded = match decode_frame(frame, Checksums::Trust) {
            Ok(decoded) => decoded,
            // Group membership, router solicitations and the like are none of our business.
            Err(WireError::UnknownProtocol { .. } | WireError::IcmpType { .. } | WireError::Neighbour { .. } | WireError::NotIp { .. }) => {
                return;
            }
            Err(source) => {
                let host = self.name(host);
                self.failure.get_or_insert(WiredError::Frame { host, source });
                return;
            }
        };
        let (source, destination, envelope) = (decoded.source, decoded.destination, decoded.envelope);
        if source.address != self.sim.host(host).address() {
            return;
        }
        if let Payload::Neighbour(message) = decoded.payload
            && !self.resolve
        {
            self.answer(host, source, destination, message);
            return;
        }
        let mut payload = decoded.payload.to_owned();
        let now = self.outside.now();
        // It leaves now, not at the moment of what was done last.
        self.sim.advance(now);
        self.stir(now);
        if let Some(remote) = self.remote(host) {
            remote.numbers.leaving(now, source, destination, &mut payload);
            if payload.segment().is_some() {
                remote.shown.turn_to((source, destination));
            }
        }
        let state = self.state(host);
        self.sim.emit(host, Outgoing { socket: None, source, destination, payload, envelope }, state);
    }

    /// Who asks for a link address is told that of the other host, whoever was asked for: all the world is behind it.
    fn answer(&mut self, host: HostId, source: End, asked: End, message: Neighbour) {
        let Neighbour::Request(_) = message else { return };
        let own = usize::from(host.0.min(1));
        let link = [self.links[1 - own], self.links[own]];
        let reply = Payload::<Vec<u8>>::Neighbour(Neighbour::Reply(self.links[1 - own]));
        let mut octets = Vec::new();
        if encode_frame(link, asked, source, 0, &reply, &mut octets).is_ok() {
            let told = self.outside.deliver(host, &octets);
            self.heard(told);
        }
    }

    // --- silence -------------------------------------------------------------------------------

    /// Something happens.
    fn stir(&mut self, now: Instant) {
        self.stirred = now;
        self.quiet = false;
    }

    fn silence(&self) -> Duration {
        self.outside.now().since(self.stirred)
    }

    /// What the stacks outside are about to do by themselves.
    fn looks(&mut self) -> Vec<Look> {
        let mut looks = Vec::new();
        for host in [HostId(0), HostId(1)] {
            if self.is_remote(host) {
                looks.push(self.look(host));
            }
        }
        looks
    }

    /// What changes while nothing passes, as TIME-WAIT ends, is written down when it is seen.
    fn look_around(&mut self) {
        let now = self.outside.now();
        if now.since(self.looked) < LOOK || self.silence() < LOOK {
            return;
        }
        self.looked = now;
        for host in [HostId(0), HostId(1)] {
            if !self.is_remote(host) {
                continue;
            }
            let before = self.sim.remote_state(host);
            let state = self.state(host);
            if before != Some(state) {
                let what = match before {
                    Some(State::TimeWait) => What::Timer(Timer::TimeWait),
                    Some(State::FinWait2) if state == State::Closed => What::Timer(Timer::FinWait2),
                    _ => What::Note("its state has changed by itself".to_owned()),
                };
                self.sim.record_remote(host, what, state);
            }
        }
    }

    /// Whether nothing more is to be expected, or not soon enough.
    fn is_over(&mut self) -> bool {
        let silence = self.silence();
        if self.failure.is_some() || silence >= self.patience {
            return true;
        }
        let now = self.outside.now();
        let ours = self.sim.poll_moment().map(|at| at.since(now));
        if silence < OVER || ours.is_some_and(|wait| wait <= self.patience) {
            return false;
        }
        let patience = self.patience;
        !self.looks().into_iter().any(|look| look.next.is_some_and(|wait| wait <= patience))
    }
}

impl<O: Outside> World for Wired<O> {
    fn now(&self) -> Instant {
        self.outside.now()
    }

    fn call(&mut self, host: HostId, call: &Call) -> Outcome {
        self.go_on();
        if !self.is_remote(host) {
            let outcome = self.sim.call(host, call);
            self.go_on();
            return outcome;
        }
        let result = self.outside.call(host, call);
        let result = self.heard(result).unwrap_or(Err(Errno::Invalid));
        let opened = self.outside.opened(host);
        if let Some(remote) = self.remote(host) {
            match (call, opened) {
                (Call::Crash, _) => {
                    remote.numbers.forget();
                    remote.shown.forget();
                }
                (Call::Listen { .. }, _) if result.is_ok() => remote.shown.turn_to_listener(),
                (Call::Connect { .. }, Some(flow)) => remote.shown.turn_to(flow),
                _ => {}
            }
        }
        self.record(host, call, &result, false);
        Outcome::of(result)
    }

    fn retry(&mut self, host: HostId, call: &Call) -> Outcome {
        if !self.is_remote(host) {
            let outcome = self.sim.retry(host, call);
            self.go_on();
            return outcome;
        }
        let result = self.outside.retry(host, call);
        let result = self.heard(result).unwrap_or(Err(Errno::Invalid));
        let outcome = Outcome::of(result.clone());
        if outcome == Outcome::Blocked {
            self.go_on();
        } else {
            self.record(host, call, &result, true);
        }
        outcome
    }

    fn network(&mut self, act: &NetworkAct) -> Result<(), String> {
        self.go_on();
        self.sim.network(act)
    }

    fn inject(&mut self, from: HostId, claims: Claim, segment: &Segment) -> Result<(), String> {
        self.go_on();
        let done = self.sim.inject(from, claims, segment);
        self.go_on();
        done
    }

    fn report(&mut self, host: HostId, error: IcmpError, about: SegmentKind) -> Result<(), String> {
        self.go_on();
        let done = self.sim.report(host, error, about);
        self.go_on();
        done
    }

    fn step(&mut self, until: Option<Instant>) -> bool {
        let now = self.outside.now();
        if self.failure.is_some() || until.is_some_and(|until| now >= until) {
            return false;
        }
        // The longer nothing has happened, the less it matters when something is seen.
        let tick = (self.silence() / 10).clamp(TICK, LONGEST_TICK);
        let wake = [Some(now + tick), until, self.sim.poll_moment()].into_iter().flatten().min().unwrap_or(now);
        let waited = self.outside.wait(wake.max(now));
        self.heard(waited);
        self.go_on();
        self.look_around();
        until.is_some() || !self.is_over()
    }

    fn netstat(&mut self, host: HostId) -> Result<(), String> {
        self.go_on();
        if !self.is_remote(host) {
            return self.sim.netstat(host);
        }
        let rows = self.outside.netstat(host);
        let rows = self.heard(rows).unwrap_or_default();
        let state = self.state(host);
        for line in std::iter::once("netstat".to_owned()).chain(rows) {
            self.sim.record_remote(host, What::Note(line), state);
        }
        Ok(())
    }

    fn is_settled(&self) -> bool {
        self.sim.is_settled() && self.quiet
    }

    fn into_trace(self) -> Trace {
        self.sim.into_trace()
    }
}

impl<O: Outside> Wired<O> {
    /// Writes down a call that was made outside, and lets what it has caused leave.
    fn record(&mut self, host: HostId, call: &Call, result: &Result<String, Errno>, returned: bool) {
        let state = self.state(host);
        self.sim.record_remote_call(host, call, result, returned, state);
        self.stir(self.outside.now());
        self.go_on();
    }
}

/// The host at this position.
const fn id(position: usize) -> HostId {
    HostId(if position == 0 { 0 } else { 1 })
}
