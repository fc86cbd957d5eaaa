//! Hosts of the simulated network whose stack is elsewhere: a real kernel, or anything that speaks IP.
//!
//! What arrives at such a host is written down and handed out, what its stack sends is handed in and carried like
//! any other packet. So the link with all its faults, forged segments and ICMP errors are the same for every stack.
//! Nobody here knows what the stack does; its state is what the outside says.

use super::{Instant, Outgoing, Simulated, State};
use crate::trace::{Entry, HostId, PacketId, What};
use crate::wire;
use crate::worlds::{Call, Errno};

/// A packet that has reached a remote host, for its stack.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Delivered {
    /// The host.
    pub host: HostId,
    /// The packet; a damaged one as well, since its receiver is to find out.
    pub packet: PacketId,
    /// Where its arrival stands in the trace.
    entry: usize,
}

impl Simulated {
    /// From now on the stack of this host is elsewhere; to be said before anything happens.
    ///
    /// Its calls are not for [`World::call`](crate::worlds::World::call): whoever has the stack makes them there,
    /// and writes them down with [`record_remote_call`](Self::record_remote_call).
    pub fn make_remote(&mut self, host: HostId) {
        self.process(host).elsewhere = Some(State::Closed);
    }

    /// Whether the stack of this host is elsewhere.
    pub fn is_remote(&self, host: HostId) -> bool {
        self.processes[usize::from(host.0)].elsewhere.is_some()
    }

    /// The next packet for a stack that is elsewhere. After handing it over, [`told`](Self::told) says what
    /// became of that stack.
    pub fn take_delivered(&mut self) -> Option<Delivered> {
        self.delivered.pop_front()
    }

    /// This packet has been handed over, and the host is in this state now.
    pub fn told(&mut self, delivered: Delivered, state: State) {
        let Delivered { host, entry, .. } = delivered;
        self.process(host).elsewhere = Some(state);
        // What was written down meanwhile, a packet lost on its way to the host, is after the arrival.
        let (arrival, later) = self.trace.entries.split_at_mut(entry + 1);
        if let Some(arrival) = arrival.last_mut() {
            arrival.after = state;
        }
        for entry in later.iter_mut().filter(|entry| entry.host == host) {
            (entry.before, entry.after) = (state, state);
        }
    }

    /// The stack of a remote host sends this packet, and the host is in this state now.
    pub fn emit(&mut self, from: HostId, outgoing: Outgoing, state: State) {
        let before = self.shown_state(from);
        self.process(from).elsewhere = Some(state);
        self.depart(from, before, outgoing);
        if self.link.delay.is_zero() {
            // It is received before its sender goes on.
            self.flush();
        }
    }

    /// Writes down a call that was made at a remote host, which is in this state now; `returned` for one that
    /// blocked before.
    pub fn record_remote_call(&mut self, host: HostId, call: &Call, result: &Result<String, Errno>, returned: bool, state: State) {
        let result = result.clone().map_err(|errno| errno.name().to_owned());
        self.record_remote(host, What::Call { call: call.to_string(), result, returned }, state);
    }

    /// Writes down whatever else happened at a remote host, which is in this state now.
    pub fn record_remote(&mut self, host: HostId, what: What, state: State) {
        let before = self.shown_state(host);
        self.process(host).elsewhere = Some(state);
        let mut entry = Entry::bare(self.now, host, what, state);
        entry.before = before;
        self.trace.entries.push(entry);
    }

    /// What is due at the present moment leaves; to be said when all that was delivered has been answered.
    pub fn resume(&mut self) {
        self.flush();
    }

    /// The time is this now, or that of what is due before.
    pub fn advance(&mut self, now: Instant) {
        let due = self.next_moment().unwrap_or(now);
        self.now = self.now.max(now.min(due));
    }

    /// When the next thing is due in this world.
    pub fn poll_moment(&mut self) -> Option<Instant> {
        self.next_moment()
    }

    /// The state of a remote host as the outside has said; `None` for a host whose stack is here.
    pub fn remote_state(&self, host: HostId) -> Option<State> {
        self.processes[usize::from(host.0)].elsewhere
    }

    /// Whether a packet waits to be handed over.
    pub fn has_delivered(&self) -> bool {
        !self.delivered.is_empty()
    }

    /// A packet arrives at a host whose stack is elsewhere.
    pub(super) fn arrive_remote(&mut self, id: PacketId) {
        let packet = self.trace.packet(id);
        let host = packet.to;
        let broken = packet.damage.is_some() && !wire::is_intact(packet);
        let what = if broken { What::Rejection(id) } else { What::Arrival(id) };
        let state = self.shown_state(host);
        self.delivered.push_back(Delivered { host, packet: id, entry: self.trace.entries.len() });
        self.trace.entries.push(Entry::bare(self.now, host, what, state));
    }
}
