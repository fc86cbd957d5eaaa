//! Two bare [`Connection`]s with an owner each, and a wire of values or of bytes.
//!
//! The owners do what the engine leaves to them: they keep the text in buffers of their own, cut it out
//! for each segment, put what arrives into the other buffer, and wake the engine when a timer is due.

use std::hint::black_box;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use synfin::engine::{Connection, Instant, Open, Profile, Segment, SeqNumber, Signal, State, Theirs};
use synfin::trace::{End, Payload};
use synfin::wire::{Checksums, decode_packet, encode_packet};

use super::{ANSWER, DELAY, REQUEST, Side, World};

/// Carries segments in order; what it needs for that it allocates once.
pub(crate) trait Wire: Default {
    /// Takes a segment along, with its text.
    fn put(&mut self, from: Side, segment: Segment, text: &[u8]);
    /// Shows all that are under way to `read`, as the other end sees them, and forgets them.
    fn deliver(&mut self, read: impl FnMut(&Segment<Theirs>, &[u8]));
}

/// Segments as values, their text copied.
#[derive(Default)]
pub(crate) struct Values {
    /// Those under way, and behind them old ones whose buffers wait for use.
    slots: Vec<(Segment<Theirs>, Vec<u8>)>,
    under_way: usize,
}

impl Wire for Values {
    fn put(&mut self, _: Side, segment: Segment, text: &[u8]) {
        if let Some((slot, copy)) = self.slots.get_mut(self.under_way) {
            *slot = segment.crossed();
            copy.clear();
            copy.extend_from_slice(text);
        } else {
            self.slots.push((segment.crossed(), text.to_vec()));
        }
        self.under_way += 1;
    }

    fn deliver(&mut self, mut read: impl FnMut(&Segment<Theirs>, &[u8])) {
        for (segment, text) in &self.slots[..self.under_way] {
            read(segment, text);
        }
        self.under_way = 0;
    }
}

/// Segments as IPv4 packets with checksums, which are verified.
#[derive(Default)]
pub(crate) struct Bytes {
    /// Those under way, and behind them old ones whose buffers wait for use.
    slots: Vec<Vec<u8>>,
    under_way: usize,
    identification: u16,
}

impl Wire for Bytes {
    fn put(&mut self, from: Side, segment: Segment, text: &[u8]) {
        let client = End { address: [10, 0, 0, 1].into(), port: 49_152 };
        let server = End { address: [10, 0, 0, 2].into(), port: 7007 };
        let (source, destination) = match from {
            Side::Client => (client, server),
            Side::Server => (server, client),
        };
        if self.under_way == self.slots.len() {
            self.slots.push(Vec::new());
        }
        let packet = &mut self.slots[self.under_way];
        packet.clear();
        self.identification = self.identification.wrapping_add(1);
        encode_packet(source, destination, self.identification, &Payload::Tcp { segment, text }, packet).expect("fits");
        self.under_way += 1;
    }

    fn deliver(&mut self, mut read: impl FnMut(&Segment<Theirs>, &[u8])) {
        for packet in &self.slots[..self.under_way] {
            let decoded = decode_packet(packet, Checksums::Verify).expect("as encoded");
            let Payload::Tcp { segment, text } = decoded.payload else { unreachable!("a segment was encoded") };
            read(&segment.crossed(), text);
        }
        self.under_way = 0;
    }
}

/// Two owners with one connection each, opened anew for each life, as smoltcp's sockets are.
pub(crate) struct Engines<W> {
    now: Instant,
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
    /// The application's own buffer.
    read: [u8; ANSWER.len()],
    /// The last thing the connection told.
    told: Option<Signal>,
}

impl<W: Wire> Engines<W> {
    pub(crate) fn new(profile: Arc<Profile>) -> Self {
        let owner = |profile| Owner {
            connection: Connection::new(profile),
            send: Vec::new(),
            receive: Vec::new(),
            read: [0; ANSWER.len()],
            told: None,
        };
        let (client, server) = (owner(Arc::clone(&profile)), owner(profile));
        Self { now: Instant::START, client, server, wire: W::default(), iss: 1, carried: 0 }
    }

    fn open(&mut self) -> Open {
        self.iss = self.iss.wrapping_add(64_001);
        Open { iss: SeqNumber::new(self.iss), mss: 1460, send_mss: 1460, default_mss: 536, ts_offset: 0 }
    }
}

impl<W: Wire> World for Engines<W> {
    fn connect(&mut self, _: usize) {
        let (ours, theirs) = (self.open(), self.open());
        self.server.connection.on_open_passive(self.now, theirs).expect("closed");
        self.client.connection.on_open_active(self.now, ours).expect("closed");
    }

    fn request(&mut self, _: usize) {
        assert_eq!(self.client.told, Some(Signal::Open));
        self.client.send(self.now, &REQUEST);
    }

    fn answer(&mut self, _: usize) {
        assert_eq!(self.server.receive(self.now), REQUEST.len());
        self.server.send(self.now, &ANSWER);
    }

    fn close(&mut self, _: usize) {
        assert_eq!(self.client.receive(self.now), ANSWER.len());
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
                let text = this.connection.text_range(&segment);
                self.wire.put(speaks, segment, &this.send[text]);
                self.carried += 1;
                silent = false;
            }
            if silent {
                return;
            }
            self.now = self.now + DELAY;
            self.wire.deliver(|segment, text| other.hear(self.now, segment, text));
            speaks = next;
        }
    }

    fn rest(&mut self) {
        self.now = self.now + Duration::from_secs(1);
        self.settle(Side::Client);
    }

    fn bury(&mut self, _: Range<usize>) {
        black_box((&self.client.read, &self.server.read));
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

    fn receive(&mut self, now: Instant) -> usize {
        let count = self.connection.on_receive(now, u32::MAX).expect("open") as usize;
        self.read[..count].copy_from_slice(&self.receive[..count]);
        self.receive.drain(..count);
        count
    }

    fn wake(&mut self, now: Instant) {
        if self.connection.poll_deadline().is_some_and(|deadline| deadline <= now) {
            self.connection.on_time(now);
        }
    }

    fn hear(&mut self, now: Instant, segment: &Segment<Theirs>, text: &[u8]) {
        let arrival = self.connection.on_segment(now, segment);
        // Most segments bring nothing of the kind.
        if arrival.acked > 0 {
            self.send.drain(..arrival.acked as usize);
        }
        if arrival.take > 0 {
            self.receive.extend_from_slice(&text[arrival.skip as usize..][..arrival.take as usize]);
        }
        while let Some(signal) = self.connection.poll_signal() {
            self.told = Some(signal);
        }
    }
}
