//! Link addresses: ARP (RFC 826) and neighbour discovery (RFC 4861 section 7.2), which the first packet waits for.
//!
//! One link, and whoever is asked for is on it: no gateway, no entry that grows old. A question nobody answers
//! is asked three times, as `MAX_MULTICAST_SOLICIT` and `RETRANS_TIMER` of RFC 4861 section 10 have it.

use std::collections::{BTreeMap, VecDeque};
use std::net::IpAddr;
use std::time::Duration;

use super::{Outgoing, Simulated, State, host};
use crate::engine::Instant;
use crate::trace::{End, Envelope, HostId, IcmpError, Neighbour, Payload, What};

/// Packets that wait for one link address at most, the oldest gives way (RFC 4861 section 7.2.2; RFC 1122 section
/// 2.3.2.2 wants at least the latest).
const QUEUE_AT_MOST: usize = 16;
/// How often a question is asked.
const QUESTIONS: u8 = 3;
/// Time from one question to the next; RFC 1122 section 2.3.2.1 wants it no shorter.
const BETWEEN_QUESTIONS: Duration = Duration::from_secs(1);

/// What a host knows of the link address behind an address.
#[derive(Clone, Debug)]
enum Known {
    /// It has asked `questions` times, the next time is `deadline`, and these packets wait.
    Asked { waiting: VecDeque<Outgoing>, questions: u8, deadline: Instant },
    /// It has heard it.
    Heard,
}

/// The link addresses one host knows or asks for, and what leaves because of them.
#[derive(Clone, Debug)]
pub(super) struct Neighbours {
    address: IpAddr,
    link_address: [u8; 6],
    known: BTreeMap<IpAddr, Known>,
    outgoing: VecDeque<Outgoing>,
}

/// What became of a packet that was to leave.
enum Resolved {
    /// It can leave now.
    Leaves(Outgoing),
    /// It waits; this one was dropped to make room.
    Waits(Option<Outgoing>),
}

impl Neighbours {
    /// A host that knows nobody yet.
    pub(super) const fn new(address: IpAddr, link_address: [u8; 6]) -> Self {
        Self { address, link_address, known: BTreeMap::new(), outgoing: VecDeque::new() }
    }

    /// Nothing is known any more, and nothing waits.
    fn forget(&mut self) {
        self.known.clear();
        self.outgoing.clear();
    }

    /// Whether a question is open or something has yet to leave.
    pub(super) fn is_busy(&self) -> bool {
        !self.outgoing.is_empty() || self.poll_deadline().is_some()
    }

    /// When the next question is due, or the last one has waited long enough.
    pub(super) fn poll_deadline(&self) -> Option<Instant> {
        let deadline = |known: &Known| match known {
            Known::Asked { deadline, .. } => Some(*deadline),
            Known::Heard => None,
        };
        self.known.values().filter_map(deadline).min()
    }

    fn tell(&mut self, to: IpAddr, message: Neighbour) {
        self.outgoing.push_back(Outgoing {
            socket: None,
            source: End { address: self.address, port: 0 },
            destination: End { address: to, port: 0 },
            payload: Payload::Neighbour(message),
            envelope: Envelope::PLAIN,
        });
    }

    /// A packet is to leave: at once if its neighbour is known, else when it is.
    fn resolve(&mut self, now: Instant, packet: Outgoing) -> Resolved {
        let to = packet.destination.address;
        if to == self.address || !is_asked_for(to) {
            return Resolved::Leaves(packet);
        }
        match self.known.get_mut(&to) {
            Some(Known::Heard) => Resolved::Leaves(packet),
            Some(Known::Asked { waiting, .. }) => {
                let dropped = if waiting.len() < QUEUE_AT_MOST { None } else { waiting.pop_front() };
                waiting.push_back(packet);
                Resolved::Waits(dropped)
            }
            None => {
                let asked = Known::Asked { waiting: VecDeque::from([packet]), questions: 1, deadline: now + BETWEEN_QUESTIONS };
                self.known.insert(to, asked);
                self.tell(to, Neighbour::Request(self.link_address));
                Resolved::Waits(None)
            }
        }
    }

    /// A question or an answer arrives. Who asks for this host is learned too: an answer will go there (RFC 826).
    fn on_message(&mut self, source: IpAddr, destination: IpAddr, message: Neighbour) {
        if destination != self.address {
            return;
        }
        if let Some(Known::Asked { waiting, .. }) = self.known.insert(source, Known::Heard) {
            self.outgoing.extend(waiting);
        }
        match message {
            Neighbour::Request(_) => self.tell(source, Neighbour::Reply(self.link_address)),
            Neighbour::Reply(_) => {}
        }
    }

    /// Asks again what is due; returns the packets that waited for whom nobody answers.
    fn on_time(&mut self, now: Instant) -> Vec<Outgoing> {
        let (mut again, mut given_up) = (Vec::new(), Vec::new());
        for (address, known) in &mut self.known {
            match known {
                Known::Asked { questions, deadline, .. } if *deadline <= now && *questions < QUESTIONS => {
                    *questions += 1;
                    *deadline = now + BETWEEN_QUESTIONS;
                    again.push(*address);
                }
                Known::Asked { deadline, .. } if *deadline <= now => given_up.push(*address),
                Known::Asked { .. } | Known::Heard => {}
            }
        }
        for address in again {
            self.tell(address, Neighbour::Request(self.link_address));
        }
        let mut dropped = Vec::new();
        for address in given_up {
            if let Some(Known::Asked { waiting, .. }) = self.known.remove(&address) {
                dropped.extend(waiting);
            }
        }
        dropped
    }
}

/// Whether somebody on the link can be asked for this address.
fn is_asked_for(address: IpAddr) -> bool {
    let broadcast = matches!(address, IpAddr::V4(address) if address.is_broadcast());
    !broadcast && !address.is_multicast() && !address.is_loopback() && !address.is_unspecified()
}

/// A waiting packet as notes name it.
fn named(packet: &Outgoing) -> String {
    match packet.segment() {
        Some(segment) => segment.to_string(),
        None => packet.payload.protocol().to_owned(),
    }
}

impl Simulated {
    fn neighbours(&mut self, host: HostId) -> Option<&mut Neighbours> {
        self.neighbours.get_mut(usize::from(host.0))
    }

    /// A host that crashed knows nobody, and what waited there is gone.
    pub(super) fn forget_neighbours(&mut self, host: HostId) {
        if let Some(neighbours) = self.neighbours(host) {
            neighbours.forget();
        }
    }

    /// The next question, answer, or packet whose neighbour is known at last leaves; `false` if there is none.
    pub(super) fn depart_resolved(&mut self, host: HostId) -> bool {
        let Some(mut outgoing) = self.neighbours(host).and_then(|neighbours| neighbours.outgoing.pop_front()) else { return false };
        let before = self.shown_state(host);
        // The socket may be gone by now, as that of a RST is; its packet leaves all the same.
        outgoing.socket = outgoing.socket.filter(|id| self.host(host).inspect(*id).is_some());
        self.depart(host, before, outgoing);
        true
    }

    /// The packet if it can leave now; else it waits for the link address of its neighbour.
    pub(super) fn resolve(&mut self, host: HostId, before: State, outgoing: Outgoing) -> Option<Outgoing> {
        let now = self.now;
        let Some(neighbours) = self.neighbours(host) else { return Some(outgoing) };
        let (socket, to, name) = (outgoing.socket, outgoing.destination.address, named(&outgoing));
        let dropped = match neighbours.resolve(now, outgoing) {
            Resolved::Leaves(packet) => return Some(packet),
            Resolved::Waits(dropped) => dropped,
        };
        if before != self.shown_state(host) {
            // The FIN of CLOSE-WAIT walks its row when TCP hands it over.
            self.record(host, socket, before, What::Note(format!("{name} waits for the link address of {to}")), false);
        }
        if let Some(dropped) = dropped {
            self.note(host, format!("too many wait for the link address of {to}: {} dropped", named(&dropped)));
        }
        None
    }

    /// A question for a link address, or its answer, has arrived.
    pub(super) fn on_neighbour(&mut self, host: HostId, source: IpAddr, destination: IpAddr, message: Neighbour) {
        if let Some(neighbours) = self.neighbours(host) {
            neighbours.on_message(source, destination, message);
        }
    }

    /// Questions are asked again; what waited in vain is dropped, and who sent it hears so (RFC 4861 section 7.2.2).
    pub(super) fn fire_questions(&mut self, host: HostId) {
        let now = self.now;
        let dropped = self.neighbours(host).map(|neighbours| neighbours.on_time(now)).unwrap_or_default();
        for packet in dropped {
            let before = self.shown_state(host);
            let error = host::about(IcmpError::HostUnreachable, packet.source, packet.destination, &packet.payload);
            let own = packet.source;
            let told = error.and_then(|error| self.host_mut(host).on_packet(now, own, own, &Payload::Icmp(error)));
            if let Some(socket) = told {
                self.show(host, socket);
            }
            self.host_mut(host).take_touched();
            let text = format!("nobody tells the link address of {}: {} dropped", packet.destination.address, named(&packet));
            self.record(host, told, before, What::Note(text), told.is_none());
            self.return_to_listener(host);
            self.note_remarks(host);
        }
    }
}
