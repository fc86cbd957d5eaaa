//! What happened in a run, as a trace: A is the stack under test, B speaks for the script.

use crate::engine::{Instant, State};
use crate::sources::capture::infer;
use crate::trace::{Entry, HostId, HostInfo, Packet, PacketId, Trace, What};
use crate::wire::{Checksums, decode_packet, unwrap_udp};

use super::settings::Settings;

/// The stack under test.
pub(super) const A: HostId = HostId(0);
/// The script.
pub(super) const B: HostId = HostId(1);

/// A trace that is being written.
#[derive(Debug)]
pub(super) struct Chronicle {
    trace: Trace,
    in_udp: bool,
    /// Octets of packets kept so far.
    octets: usize,
}

impl Chronicle {
    pub(super) fn new(name: &str, settings: &Settings, in_udp: bool) -> Self {
        let host = |name: &str, address, last| HostInfo {
            name: name.to_owned(),
            address,
            link_address: [2, 0, 0, 0, 0, last],
            initial_state: State::Closed,
        };
        let hosts = vec![host("A", settings.local, 1), host("B", settings.remote, 2)];
        let recipe = vec![("script".to_owned(), name.to_owned())];
        Self { trace: Trace { recipe, hosts, packets: Vec::new(), entries: Vec::new() }, in_udp, octets: 0 }
    }

    /// Octets of packets kept so far.
    pub(super) const fn octets(&self) -> usize {
        self.octets
    }

    /// A packet that leaves and arrives at the same moment; what nobody here can read is a note.
    pub(super) fn packet(&mut self, at: Instant, from: HostId, octets: &[u8]) {
        let to = if from == A { B } else { A };
        self.octets += octets.len();
        let decoded = match decode_packet(octets, Checksums::Trust) {
            Ok(decoded) if self.in_udp => unwrap_udp(&decoded).unwrap_or(decoded),
            Ok(decoded) => decoded,
            Err(error) => return self.entry(at, from, What::Note(format!("sends a packet that is not shown: {error}"))),
        };
        let id = PacketId(u32::try_from(self.trace.packets.len()).unwrap_or(u32::MAX));
        self.trace.packets.push(Packet {
            from: Some(from),
            to,
            source: decoded.source,
            destination: decoded.destination,
            payload: decoded.payload.to_owned(),
            envelope: decoded.envelope,
            damage: None,
        });
        self.entry(at, from, What::Departure(id));
        self.entry(at, to, What::Arrival(id));
    }

    /// A call, or the return of one that waited.
    pub(super) fn call(&mut self, at: Instant, call: String, result: Result<String, String>, returned: bool) {
        self.entry(at, A, What::Call { call, result, returned });
    }

    pub(super) fn note(&mut self, at: Instant, text: String) {
        self.entry(at, A, What::Note(text));
    }

    fn entry(&mut self, at: Instant, host: HostId, what: What) {
        // A kernel's packets carry the time they were captured at, which may lie before what has been written down.
        let at = self.trace.entries.last().map_or(at, |last| at.max(last.at));
        self.trace.entries.push(Entry::bare(at, host, what, State::Closed));
    }

    /// The trace, with the states a bystander sees.
    pub(super) fn finish(mut self) -> Trace {
        infer::infer(&mut self.trace);
        self.trace
    }
}
