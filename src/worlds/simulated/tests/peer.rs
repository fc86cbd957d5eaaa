//! One host, and a peer whose segments are written by hand.

use super::*;
use crate::trace::{Envelope, Icmp, IcmpError, Quote, Quoted};
use crate::wire;

/// The host under test, and what its peer needs to know of it.
pub(super) struct Alone {
    pub host: Host,
    pub now: Instant,
    pub six: bool,
    /// What stands around the peer's segments.
    pub envelope: Envelope,
    /// The peer's address, if not the usual.
    pub peer_address: Option<IpAddr>,
    /// The peer's port.
    pub port: u16,
    /// The port the host is spoken to at.
    pub own_port: u16,
    /// The peer's option area, in all its segments.
    pub options: TcpOptions,
    /// The host's ISS, once its SYN was seen.
    pub iss: u32,
}

impl Alone {
    pub(super) fn of(profile: &str, knobs: &[(&str, &str)], six: bool) -> Self {
        let mut profile = Profile::named(profile).expect("a profile");
        for (name, value) in knobs {
            profile.set(name, value).expect("a knob");
        }
        let host = Host::new(address(1, six), 1500, Arc::new(profile), 1);
        let now = Instant::START + Duration::from_secs(1);
        Self {
            host,
            now,
            six,
            envelope: Envelope::PLAIN,
            peer_address: None,
            port: 4000,
            own_port: PORT,
            options: TcpOptions::NONE,
            iss: 0,
        }
    }

    pub(super) fn linux() -> Self {
        Self::of("linux", &[], false)
    }

    pub(super) fn peer(&self) -> End {
        End { address: self.peer_address.unwrap_or(address(2, self.six)), port: self.port }
    }

    fn own(&self) -> End {
        End { address: self.host.address(), port: self.own_port }
    }

    /// The peer's segment arrives, with numbers as they are.
    pub(super) fn arrive(&mut self, flags: Flags, seq: u32, ack: u32, len: u32) -> Option<SocketId> {
        let segment = Segment {
            seq: SeqNumber::new(seq),
            ack: SeqNumber::new(ack),
            flags,
            window: WireWindow(u16::MAX),
            urgent: 0,
            len,
            options: self.options,
        };
        let payload = Payload::Tcp { segment, text: vec![0; len as usize] };
        self.host.on_enveloped_packet(self.now, self.peer(), self.own(), &payload, self.envelope)
    }

    /// What leaves next.
    pub(super) fn next(&mut self) -> Option<Outgoing> {
        self.host.poll_packet(self.now)
    }

    /// All that leaves now, as `<SEQ=...>` relative to the ISS.
    pub(super) fn all(&mut self) -> Vec<String> {
        let mut all = Vec::new();
        while let Some(out) = self.next() {
            let mut segment = *out.segment().expect("a segment");
            segment.seq = SeqNumber::new(segment.seq.get().wrapping_sub(self.iss));
            all.push(segment.to_string());
        }
        all
    }

    /// A listener, and a connection it has accepted: the peer's ISS is 0, its MSS 1460.
    pub(super) fn accepted(&mut self) -> SocketId {
        let listener = self.listener();
        self.accept_from(listener)
    }

    pub(super) fn listener(&mut self) -> SocketId {
        let id = self.host.socket();
        self.host.bind(id, PORT).expect("free");
        self.host.listen(id, self.now, 5).expect("bound");
        id
    }

    pub(super) fn accept_from(&mut self, listener: SocketId) -> SocketId {
        let options = self.options;
        self.options = TcpOptions::from_octets(&[&[2, 4, 5, 180], options.octets()].concat()).expect("short");
        self.arrive(Flags::SYN, 0, 0, 0);
        self.options = options;
        self.iss = self.next().expect("a SYN,ACK").segment().expect("a segment").seq.get();
        self.arrive(Flags::ACK, 1, self.iss.wrapping_add(1), 0);
        self.host.accept(listener).expect("the handshake is done")
    }

    /// A socket whose SYN has left.
    pub(super) fn connecting(&mut self) -> SocketId {
        let id = self.host.socket();
        let peer = self.peer();
        assert_eq!(self.host.connect(id, self.now, peer), Err(Errno::InProgress));
        let out = self.next().expect("a SYN");
        self.own_port = out.source.port;
        self.iss = out.segment().expect("a segment").seq.get();
        id
    }

    /// A router speaks of a segment of the host with this number relative to the ISS.
    pub(super) fn icmp(&mut self, error: IcmpError, parameter: u32, seq: u32) -> Option<SocketId> {
        let seq = SeqNumber::new(self.iss.wrapping_add(seq));
        let quote = Quote { source: self.own(), destination: self.peer(), what: Quoted::Tcp(seq), octets: Vec::new() };
        let (router, to) = (End { address: address(254, self.six), port: 0 }, End { port: 0, ..self.own() });
        self.host.on_packet(self.now, router, to, &Payload::Icmp(Icmp::Error { error, parameter, quote }))
    }

    /// Time passes; what is due fires.
    pub(super) fn wait(&mut self, time: Duration) {
        let end = self.now + time;
        while let Some(at) = self.host.poll_deadline().filter(|at| *at <= end) {
            self.now = self.now.max(at);
            while self.host.on_time(self.now).is_some() {}
        }
        self.now = end;
    }
}

/// The packet as it stands on the wire.
pub(super) fn octets(out: &Outgoing) -> Vec<u8> {
    let mut octets = Vec::new();
    wire::encode_packet(out.source, out.destination, 1, &out.payload, &mut octets).expect("encodes");
    wire::enclose(&mut octets, 0, &out.envelope).expect("there is room");
    octets
}
