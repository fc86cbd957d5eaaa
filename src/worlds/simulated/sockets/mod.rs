//! The sockets of one process on a simulated host: descriptors, calls that wait, options, `poll`, parameters.
//!
//! [`Sockets`] is a [`Host`] behind the [`Stack`] that a script drives. What a call of the sockets API answers where the
//! connection has no say, a wrong descriptor, an option's value, the bits of `poll`, is decided here, as Linux or as
//! FreeBSD decide it; all that concerns TCP is the host's.

mod choices;
mod constants;
mod control;
mod errnos;
mod files;
mod info;
mod memory;
mod opening;
mod options;
mod parameters;
mod polling;
mod reading;
mod saved_syn;
mod stamps;
mod states;
mod table;
#[cfg(test)]
mod tests;
mod waiting;
mod writing;

use std::collections::{BTreeMap, VecDeque};
use std::net::IpAddr;
use std::sync::Arc;

pub use constants::System;

use super::{Host, Outgoing};
use crate::engine::{Instant, Profile};
use crate::trace::Payload;
use crate::wire::{self, Checksums};
use crate::worlds::Errno;
use crate::worlds::stack::{Answer, Call, Fd, Outcome, Output, Stack, Unsupported};
use parameters::Parameters;
use table::File;
use waiting::Waiting;

/// A simulated host and the descriptors of the one process on it.
#[derive(Clone, Debug)]
pub struct Sockets {
    host: Host,
    system: System,
    files: BTreeMap<Fd, File>,
    /// The call that is being made, or waits.
    waiting: Waiting,
    parameters: Parameters,
    /// Packets that have left before whoever drives this asked for them.
    leaving: VecDeque<Outgoing>,
    /// Of the next packet.
    identification: u16,
    /// The SYNs of connections that nobody has accepted, where a listener wants them kept.
    saved_syns: BTreeMap<(IpAddr, u16), Vec<u8>>,
    /// The key of all signatures, where it is not the process that knows it.
    secret: Option<Vec<u8>>,
}

/// Why a call does not return an answer.
#[derive(Clone, PartialEq, Eq, Debug)]
enum Stop {
    /// It failed.
    Errno(Errno),
    /// It waits.
    Wait,
    /// It cannot be meant here.
    Unsupported(String),
}

impl From<Errno> for Stop {
    fn from(errno: Errno) -> Self {
        Self::Errno(errno)
    }
}

/// What a call comes to.
type Done = Result<Answer, Stop>;

/// What the timestamp clock shows when a script begins.
const CLOCK: u32 = 1_000_000;

impl Sockets {
    /// A host with this address that behaves as `profile` says, and a process without a descriptor; `seed` feeds the
    /// generator of initial sequence numbers.
    pub fn new(address: IpAddr, mtu: u16, mut profile: Profile, seed: u64) -> Self {
        let system = if profile.name == Profile::freebsd().name { System::FreeBsd } else { System::Linux };
        // What TCP_INFO tells must have been counted from the first segment on.
        profile.counts = true;
        if system == System::Linux && profile.send_buffer == Profile::linux().send_buffer {
            // What is written is bounded by the memory it takes.
            profile.send_buffer = MOST_TEXT;
        }
        if system == System::Linux {
            // Its packets come from a program, and not over a loopback.
            (profile.linear_packets, profile.packet_memory_steps) = (true, true);
        }
        let mut host = Host::new(address, mtu, Arc::new(profile), seed);
        // No system's clock begins at 0, of which no peer's echo says anything.
        host.prescribe_timestamps([CLOCK]);
        Self {
            host,
            system,
            files: BTreeMap::new(),
            waiting: Waiting::default(),
            parameters: Parameters::default(),
            leaving: VecDeque::new(),
            identification: 0,
            saved_syns: BTreeMap::new(),
            secret: None,
        }
    }

    /// The key that FreeBSD's host signs with, for every peer: there a socket only says that it wants to.
    pub fn set_signature_secret(&mut self, secret: &[u8]) {
        self.secret = Some(secret.to_vec());
    }

    /// The host, to look at.
    pub const fn host(&self) -> &Host {
        &self.host
    }

    /// The host, to prescribe what it would choose.
    pub fn host_mut(&mut self) -> &mut Host {
        &mut self.host
    }

    fn perform(&mut self, now: Instant, call: &Call) -> Outcome {
        match self.try_perform(now, call) {
            Ok(answer) => Outcome::Returned(answer),
            Err(Stop::Errno(errno)) => Outcome::Returned(Answer::failed(errno)),
            Err(Stop::Wait) => Outcome::Blocked,
            Err(Stop::Unsupported(what)) => Outcome::Unsupported(what),
        }
    }

    fn try_perform(&mut self, now: Instant, call: &Call) -> Done {
        match call {
            Call::Socket { domain, kind, protocol } => self.socket(domain, kind, protocol),
            Call::Bind { fd, to } => self.bind(*fd, *to),
            Call::Listen { fd, backlog } => self.listen(*fd, now, *backlog),
            Call::Accept { fd } => self.accept(*fd, now),
            Call::Connect { fd, to } => self.connect(*fd, now, *to),
            Call::Shutdown { fd, how } => self.shutdown(*fd, now, how),
            Call::Close { fd } => self.close(*fd, now),
            Call::Receive { form, fd, buffers, count, flags, control } => {
                self.receive(now, *fd, &reading::Request { form: *form, null: buffers.is_none(), count: *count, flags, control: *control })
            }
            Call::Send { form, fd, buffers, count, flags, to, control } => {
                let request = writing::Request { form: *form, null: buffers.is_none(), count: *count, flags, to: *to, control };
                self.send(now, *fd, &request)
            }
            Call::Sendfile { to, from, offset, count } => self.sendfile(now, *to, *from, *offset, *count),
            Call::Splice { from, to, count, flags } => self.splice(now, *from, *to, *count, flags),
            Call::Open { path: _, flags } => self.open(flags),
            Call::Pipe => self.pipe(),
            Call::GetOption { fd, level, name, len } => self.get_option(now, *fd, level, name, *len),
            Call::SetOption { fd, level, name, value, len } => self.set_option(now, *fd, level, name, value, *len),
            Call::Fcntl { fd, command, argument } => self.fcntl(*fd, command, argument.as_ref()),
            Call::Ioctl { fd, request, argument } => self.ioctl(*fd, request, *argument),
            Call::Poll { fds, timeout } => self.poll(now, fds, *timeout),
            Call::EpollCreate { size } => self.epoll_create(*size),
            Call::EpollControl { epoll, operation, fd, events, data } => self.epoll_control(*epoll, operation, *fd, events, *data),
            Call::EpollWait { epoll, max, timeout } => self.epoll_wait(now, *epoll, *max, *timeout),
            // What the process may do is not what a script about segments asks of this host.
            Call::CapSet { .. } => Ok(Answer::of(0)),
        }
    }
}

impl Stack for Sockets {
    fn call(&mut self, now: Instant, call: &Call) -> Outcome {
        self.waiting = Waiting::since(now);
        self.perform(now, call)
    }

    fn retry(&mut self, now: Instant, call: &Call) -> Outcome {
        self.waiting.deadline = None;
        self.perform(now, call)
    }

    fn on_packet(&mut self, now: Instant, packet: &[u8]) {
        // MUST-3: what is damaged is dropped silently; so is what is no packet this host speaks.
        let Ok(decoded) = wire::decode_packet(packet, Checksums::Verify) else { return };
        if decoded.destination.address != self.host.address() {
            return;
        }
        let payload: Payload = decoded.payload.to_owned();
        self.save_syn(packet, &decoded);
        let deaf = self.deaf_ones();
        self.host.on_enveloped_packet(now, decoded.source, decoded.destination, &payload, decoded.envelope);
        self.note_refused(&deaf);
        self.note_arrival(now);
        self.note_changes(now);
    }

    fn poll_packet(&mut self, now: Instant, packet: &mut Vec<u8>) -> bool {
        while let Some(leaving) = self.leaving.pop_front().or_else(|| self.take_leaving(now)) {
            packet.clear();
            self.identification = self.identification.wrapping_add(1);
            let encoded = wire::encode_packet(leaving.source, leaving.destination, self.identification, &leaving.payload, packet);
            // What has no octets, an answer to a stranger of the other family, cannot leave.
            if encoded.and_then(|()| wire::enclose(packet, 0, &leaving.envelope)).is_ok() {
                return true;
            }
        }
        packet.clear();
        // What has not left by now is held back.
        self.note_held(now);
        self.grow_memory(now, false);
        false
    }

    fn poll_deadline(&mut self) -> Option<Instant> {
        [self.host.poll_deadline(), self.waiting.deadline, self.held_until()].into_iter().flatten().min()
    }

    fn on_time(&mut self, now: Instant) {
        while self.host.on_time(now).is_some() {}
        self.release_held(now);
        self.note_changes(now);
    }

    fn info(&mut self, now: Instant, fd: Fd) -> Result<Vec<(&'static str, i64)>, Unsupported> {
        self.info_of(now, fd)
    }

    fn set_parameter(&mut self, _: Instant, name: &str, value: &str) -> Result<(), Unsupported> {
        self.set_parameter_named(name, value)
    }

    fn count_in_state(&mut self, state: &str, port: Option<u16>, held: bool) -> Result<usize, Unsupported> {
        self.count(state, port, held)
    }

    fn drop_in_state(&mut self, now: Instant, state: &str) -> Result<(), Unsupported> {
        self.drop_in(now, state)
    }

    fn doubt(&self) -> Option<String> {
        let doubtful = self.host.is_in_doubt();
        doubtful.then(|| "congestion control of FreeBSD beyond slow start and the first copy of a loss".to_owned())
    }

    fn forget_peers(&mut self) -> Result<(), Unsupported> {
        self.host.forget_peers();
        Ok(())
    }
}

/// Octets a connection of Linux may have queued, whatever memory that takes.
const MOST_TEXT: u32 = 1 << 30;

/// Success that wrote this into the process's memory.
fn wrote(result: i64, output: Output) -> Answer {
    Answer { result, errno: None, output }
}
