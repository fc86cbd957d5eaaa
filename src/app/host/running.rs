//! The loop of a host that runs until it is told to stop: packets in, packets out, timers by the wall clock.

use std::io;
use std::time::Duration;

use synfin::Instant;
use synfin::engine::State;
use synfin::trace::{Envelope, HostId, Packet};
use synfin::wire::{self, Checksums, WireError};
use synfin::worlds::serving::Server;
use synfin::worlds::simulated::{Outgoing, Remark, SocketId};

use super::display::Display;

/// Where packets come from and go to.
pub(super) trait Device {
    /// Sends one IP packet; what does not fit is lost, as on any link.
    fn send(&mut self, packet: &[u8]) -> io::Result<()>;
    /// Fills `packet` with the next IP packet, if one is there.
    fn receive(&mut self, packet: &mut Vec<u8>) -> io::Result<bool>;
    /// Waits until a packet may be there, for this long at most.
    fn wait(&mut self, at_most: Duration) -> io::Result<()>;
}

/// What is told of each packet: its row, its octets, whether the host sent it.
pub(super) type Tell<'a> = dyn FnMut(&str, Option<(&[u8], bool)>) -> io::Result<()> + 'a;

/// Packets taken in before what answers them goes out.
const BATCH: usize = 32;
/// The longest wait, after which somebody may have asked to stop.
const TICK: Duration = Duration::from_millis(100);

/// A host at a device.
pub(super) struct Running<'a> {
    pub(super) server: Server,
    pub(super) device: Box<dyn Device>,
    pub(super) display: Display,
    pub(super) tell: &'a mut Tell<'a>,
    started: std::time::Instant,
    octets: Vec<u8>,
    /// Counts packets, for the identification field.
    sent: u16,
}

impl<'a> Running<'a> {
    pub(super) fn new(server: Server, device: Box<dyn Device>, display: Display, tell: &'a mut Tell<'a>) -> Self {
        Self { server, device, display, tell, started: std::time::Instant::now(), octets: Vec::new(), sent: 0 }
    }

    /// Runs until `stop` says so.
    pub(super) fn run(&mut self, stop: &mut dyn FnMut() -> bool) -> io::Result<()> {
        self.flush()?;
        while !stop() {
            let now = self.now();
            let wait = self.server.poll_deadline().map_or(TICK, |at| at.since(now).min(TICK));
            self.device.wait(wait)?;
            for _ in 0..BATCH {
                let mut octets = std::mem::take(&mut self.octets);
                let came = self.device.receive(&mut octets);
                let done = if matches!(came, Ok(true)) { self.arrive(&octets) } else { Ok(()) };
                self.octets = octets;
                done?;
                if !came? {
                    break;
                }
                self.flush()?;
            }
            self.fire_timers()?;
            self.flush()?;
        }
        Ok(())
    }

    fn now(&self) -> Instant {
        Instant::START + self.started.elapsed()
    }

    fn arrive(&mut self, octets: &[u8]) -> io::Result<()> {
        // A kernel may leave sums to the card that never comes; it says so only to cards.
        let decoded = match wire::decode_packet(octets, Checksums::Trust) {
            Ok(decoded) => decoded,
            // Group membership and the like are no business of this host.
            Err(WireError::UnknownProtocol { .. } | WireError::IcmpType { .. } | WireError::Neighbour { .. }) => return Ok(()),
            Err(error) => return (self.tell)(&format!("   (not understood, and dropped: {error})\n"), Some((octets, false))),
        };
        if decoded.destination.address != self.server.host().address() {
            return Ok(());
        }
        let (source, destination, envelope) = (decoded.source, decoded.destination, decoded.envelope);
        let payload = decoded.payload.to_owned();
        let id = self.server.on_packet(self.now(), source, destination, &payload, envelope);
        let packet = Packet { from: None, to: HostId(1), source, destination, payload, envelope, damage: None };
        let state = self.state_of(id, &packet);
        let rows = self.display.rows(&packet, false, state);
        (self.tell)(&rows, Some((octets, false)))?;
        self.server.work(self.now());
        self.remark()
    }

    /// The state to show beside a packet: none where no connection is concerned.
    fn state_of(&self, id: Option<SocketId>, packet: &Packet) -> Option<State> {
        packet.segment()?;
        Some(id.map_or(State::Closed, |id| self.server.state(id)))
    }

    fn flush(&mut self) -> io::Result<()> {
        while let Some(Outgoing { socket, source, destination, payload, envelope }) = self.server.poll_packet(self.now()) {
            self.sent = self.sent.wrapping_add(1);
            let mut octets = Vec::new();
            wire::encode_packet(source, destination, self.sent, &payload, &mut octets).map_err(io::Error::other)?;
            if envelope != Envelope::PLAIN {
                wire::enclose(&mut octets, 0, &envelope).map_err(io::Error::other)?;
            }
            self.device.send(&octets)?;
            let packet = Packet { from: Some(HostId(1)), to: HostId(0), source, destination, payload, envelope, damage: None };
            let state = self.state_of(socket, &packet);
            let rows = self.display.rows(&packet, true, state);
            (self.tell)(&rows, Some((&octets, true)))?;
        }
        self.remark()
    }

    fn fire_timers(&mut self) -> io::Result<()> {
        let now = self.now();
        while let Some(id) = self.server.on_time(now) {
            let inspected = self.server.host().inspect(id);
            for rule in inspected.iter().flat_map(|inspected| &inspected.rules).filter(|rule| rule.changes_state()) {
                (self.tell)(&format!("   ({}: {} -> {})\n", rule.on, rule.from, rule.to), None)?;
            }
        }
        self.server.work(now);
        self.remark()
    }

    fn remark(&mut self) -> io::Result<()> {
        while let Some(Remark { text, .. }) = self.server.poll_remark() {
            (self.tell)(&format!("   ({text})\n"), None)?;
        }
        Ok(())
    }
}
