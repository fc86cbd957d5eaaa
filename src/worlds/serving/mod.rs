//! A simulated host whose ports are served, so that any real program has somebody to talk to.
//!
//! Sans-IO like the host itself: packets and the time go in, packets and deadlines come out. Whoever has a
//! device that real programs reach (a TUN device, one end of a veth pair) carries the packets.

mod service;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

pub use service::Service;
use service::Talk;

use super::Errno;
use super::simulated::{Host, Outgoing, Remark, SocketId};
use crate::engine::{Instant, State};
use crate::trace::{End, Envelope, Payload};

/// Connections served at a time; more wait in the backlog, as with a process that has no descriptor left.
const MOST_TALKS: usize = 1024;
/// Connections that may wait to be accepted, of each port.
const BACKLOG: u16 = 128;

/// A host with a server on some of its ports.
#[derive(Clone, Debug)]
pub struct Server {
    host: Host,
    listeners: Vec<(SocketId, Service)>,
    datagrams: Vec<(u16, Service)>,
    talks: BTreeMap<SocketId, Talk>,
    /// Sockets that had an input since the services were last let work.
    stirred: Vec<SocketId>,
}

impl Server {
    /// A server with no port open yet.
    pub fn new(host: Host) -> Self {
        Self { host, listeners: Vec::new(), datagrams: Vec::new(), talks: BTreeMap::new(), stirred: Vec::new() }
    }

    /// Opens a port for connections, and for datagrams where the service knows an answer to one.
    ///
    /// # Errors
    /// `EADDRINUSE` for a port that is open already, `EINVAL` for port 0.
    pub fn serve(&mut self, now: Instant, port: u16, service: Service) -> Result<(), Errno> {
        if port == 0 {
            return Err(Errno::Invalid);
        }
        let id = self.host.socket();
        self.host.bind(id, port)?;
        self.host.listen(id, now, BACKLOG)?;
        self.listeners.push((id, service));
        if service.answer(b"").is_some() || service == Service::Discard {
            self.host.udp_bind(port)?;
            self.datagrams.push((port, service));
        }
        Ok(())
    }

    /// A packet arrives. Returns the socket it concerned, or `None` if it was nobody's. What the services make of it
    /// comes with [`work`](Self::work), so that one can look at what the stack made of it first.
    pub fn on_packet(&mut self, now: Instant, source: End, destination: End, payload: &Payload, envelope: Envelope) -> Option<SocketId> {
        let id = self.host.on_enveloped_packet(now, source, destination, payload, envelope);
        if matches!(payload, Payload::Udp { .. }) {
            self.answer_datagrams(destination.port);
        }
        self.stirred.extend(id);
        id
    }

    /// Fires the timers of one socket that are due; returns it, or `None` when none is left. [`work`](Self::work) is next here too.
    pub fn on_time(&mut self, now: Instant) -> Option<SocketId> {
        let id = self.host.on_time(now)?;
        self.stirred.push(id);
        Some(id)
    }

    /// The services read, answer, close and accept whatever they can since there was an input.
    pub fn work(&mut self, now: Instant) {
        while let Some(id) = self.stirred.pop() {
            self.go_on(now, id);
        }
        // Whatever has ended has made room.
        self.accept(now);
    }

    /// When [`on_time`](Self::on_time) must be called; perhaps a little early, never late.
    pub fn poll_deadline(&mut self) -> Option<Instant> {
        self.host.poll_deadline()
    }

    /// The next packet that leaves, or `None`.
    pub fn poll_packet(&mut self, now: Instant) -> Option<Outgoing> {
        self.host.poll_packet(now)
    }

    /// What a person should know of decisions that belong to no connection's input; to be asked after every input, as it is
    /// kept until then.
    pub fn poll_remark(&mut self) -> Option<Remark> {
        self.host.poll_remark()
    }

    /// The state of a socket; CLOSED for one that is gone.
    pub fn state(&self, id: SocketId) -> State {
        self.host.state(id)
    }

    /// The host, to look at.
    pub fn host(&self) -> &Host {
        &self.host
    }

    fn accept(&mut self, now: Instant) {
        for position in 0..self.listeners.len() {
            let (listener, service) = self.listeners[position];
            while self.talks.len() < MOST_TALKS
                && let Ok(id) = self.host.accept(listener)
            {
                self.talks.insert(id, Talk::new(service));
                self.go_on(now, id);
            }
        }
    }

    fn go_on(&mut self, now: Instant, id: SocketId) {
        if let Some(talk) = self.talks.get_mut(&id)
            && !talk.go_on(&mut self.host, id, now)
        {
            self.talks.remove(&id);
        }
    }

    /// Datagrams that wait at this port are read and, where the service does so, answered to whom they came from.
    fn answer_datagrams(&mut self, port: u16) {
        let Some((_, service)) = self.datagrams.iter().find(|(known, _)| *known == port) else { return };
        while let Ok(datagram) = self.host.udp_recv(port, None) {
            let to = self.host.udp_correspondent(port);
            if let (Some(answer), Some(to)) = (service.answer(&datagram), to) {
                // What is too long for one packet cannot have come in one either.
                let _ = self.host.udp_send(port, &answer, Some(to));
            }
        }
    }
}
