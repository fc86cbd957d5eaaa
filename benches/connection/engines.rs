//! Two bare [`Connection`]s with an owner each, and a wire of values or of bytes.
//!
//! The owners do what the engine leaves to them: they keep the text in buffers of their own, cut it out
//! for each segment, put what arrives into the other buffer, and wake the engine when a timer is due.

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use synfin::engine::{Connection, Instant, Open, Profile, Segment, SeqNumber, Signal, State};
use synfin::trace::End;
use synfin::wire::{Checksums, decode_packet, encode_packet};

use super::{ANSWER, DELAY, REQUEST, Side, World};

/// Carries segments in order; what it needs for that it allocates once.
pub(crate) trait Wire: Default {
    /// Takes a segment along, with its text.
    fn put(&mut self, from: Side, segment: &Segment, text: &[u8]);
    /// Shows the first one to `read` and forgets it; `false` if there is none.
    fn take(&mut self, read: impl FnOnce(&Segment, &[u8])) -> bool;
}

/// Segments as values, their text copied.
#[derive(Default)]
pub(crate) struct Values {
    queue: VecDeque<(Segment, Vec<u8>)>,
    spare: Vec<Vec<u8>>,
}

impl Wire for Values {
    fn put(&mut self, _: Side, segment: &Segment, text: &[u8]) {
        let mut copy = self.spare.pop().unwrap_or_default();
        copy.clear();
        copy.extend_from_slice(text);
        self.queue.push_back((*segment, copy));
    }

    fn take(&mut self, read: impl FnOnce(&Segment, &[u8])) -> bool {
        let Some((segment, text)) = self.queue.pop_front() else { return false };
        read(&segment, &text);
        self.spare.push(text);
        true
    }
}

/// Segments as IPv4 packets with checksums, which are verified.
#[derive(Default)]
pub(crate) struct Bytes {
    queue: VecDeque<Vec<u8>>,
    spare: Vec<Vec<u8>>,
    identification: u16,
}

impl Wire for Bytes {
    fn put(&mut self, from: Side, segment: &Segment, text: &[u8]) {
        let client = End { address: [10, 0, 0, 1].into(), port: 49_152 };
        let server = End { address: [10, 0, 0, 2].into(), port: 7007 };
        let (source, destination) = match from {
            Side::Client => (client, server),
            Side::Server => (server, client),
        };
        let mut packet = self.spare.pop().unwrap_or_default();
        packet.clear();
        self.identification = self.identification.wrapping_add(1);
        encode_packet(source, destination, self.identification, segment, text, &mut packet).expect("fits");
        self.queue.push_back(packet);
    }

    fn take(&mut self, read: impl FnOnce(&Segment, &[u8])) -> bool {
        let Some(packet) = self.queue.pop_front() else { return false };
        let decoded = decode_packet(&packet, Checksums::Verify).expect("as encoded");
        read(&decoded.segment, decoded.text);
        self.spare.push(packet);
        true
    }
}

/// Two owners with one connection each; a new one for each life, which costs no allocation.
pub(crate) struct Engines<W> {
    now: Instant,
    profile: Arc<Profile>,
    client: Owner,
    server: Owner,
    wire: W,
    iss: u32,
    carried: u64,
}

struct Owner {
    connection: Connection,
    send: Vec<u8>,
    receive: Vec<u8>,
    /// The last thing the connection told.
    told: Option<Signal>,
}

impl<W: Wire> Engines<W> {
    pub(crate) fn new(profile: Arc<Profile>) -> Self {
        let owner = || Owner { connection: Connection::new(Arc::clone(&profile)), send: Vec::new(), receive: Vec::new(), told: None };
        Self { now: Instant::START, client: owner(), server: owner(), wire: W::default(), iss: 1, carried: 0, profile }
    }

    fn open(&mut self) -> Open {
        self.iss = self.iss.wrapping_add(64_001);
        Open { iss: SeqNumber::new(self.iss), mss: 1460, default_mss: 536, ts_offset: 0 }
    }
}

impl<W: Wire> World for Engines<W> {
    fn connect(&mut self, _: usize) {
        let (ours, theirs) = (self.open(), self.open());
        self.client.connection = Connection::new(Arc::clone(&self.profile));
        self.server.connection = Connection::new(Arc::clone(&self.profile));
        self.server.connection.on_open_passive(self.now, theirs).expect("closed");
        self.client.connection.on_open_active(self.now, ours).expect("closed");
    }

    fn request(&mut self, _: usize) {
        assert_eq!(self.client.told, Some(Signal::Open));
        self.client.send(self.now, &REQUEST);
    }

    fn answer(&mut self, _: usize) {
        self.server.receive(self.now, &REQUEST);
        self.server.send(self.now, &ANSWER);
    }

    fn close(&mut self, _: usize) {
        self.client.receive(self.now, &ANSWER);
        self.client.connection.on_close(self.now, true).expect("open");
    }

    fn close_back(&mut self, _: usize) {
        assert_eq!(self.server.told, Some(Signal::Closing));
        self.server.connection.on_close(self.now, true).expect("open");
    }

    fn settle(&mut self, first: Side) {
        let mut speaks = first;
        loop {
            let (this, other, next) = match speaks {
                Side::Client => (&mut self.client, &mut self.server, Side::Server),
                Side::Server => (&mut self.server, &mut self.client, Side::Client),
            };
            this.wake(self.now);
            let mut silent = true;
            while let Some(segment) = this.connection.poll_segment(self.now) {
                self.wire.put(speaks, &segment, &this.send[this.connection.text_range(&segment)]);
                self.carried += 1;
                silent = false;
            }
            if silent {
                return;
            }
            self.now = self.now + DELAY;
            while self.wire.take(|segment, text| other.hear(self.now, segment, text)) {}
            speaks = next;
        }
    }

    fn rest(&mut self) {
        self.now = self.now + Duration::from_secs(1);
        self.settle(Side::Client);
    }

    fn bury(&mut self, _: Range<usize>) {
        assert_eq!(self.client.connection.state(), State::TimeWait);
        assert_eq!(self.server.connection.state(), State::Closed);
        // 2 MSL pass in no time.
        self.now = self.client.connection.poll_deadline().expect("2 MSL");
        self.client.wake(self.now);
        assert_eq!(self.client.connection.state(), State::Closed);
    }

    fn carried(&self) -> u64 {
        self.carried
    }
}

impl Owner {
    fn send(&mut self, now: Instant, text: &[u8]) {
        let taken = self.connection.on_send(now, u32::try_from(text.len()).expect("short"), false).expect("open");
        self.send.extend_from_slice(&text[..taken as usize]);
    }

    fn receive(&mut self, now: Instant, expected: &[u8]) {
        let count = self.connection.on_receive(now, u32::MAX).expect("open") as usize;
        let mut text = [0; ANSWER.len()];
        text[..count].copy_from_slice(&self.receive[..count]);
        self.receive.drain(..count);
        assert_eq!(&text[..count], expected);
    }

    fn wake(&mut self, now: Instant) {
        if self.connection.poll_deadline().is_some_and(|deadline| deadline <= now) {
            self.connection.on_time(now);
        }
    }

    fn hear(&mut self, now: Instant, segment: &Segment, text: &[u8]) {
        let arrival = self.connection.on_segment(now, &segment.crossed());
        self.send.drain(..arrival.acked as usize);
        self.receive.extend_from_slice(&text[arrival.skip as usize..][..arrival.take as usize]);
        while let Some(signal) = self.connection.poll_signal() {
            self.told = Some(signal);
        }
    }
}
