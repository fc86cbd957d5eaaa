//! The course of a script: one event after the other, each at its time.

use std::collections::VecDeque;

use super::calls::{Expects, Fds};
use super::chronicle::{A, B, Chronicle};
use super::clock::{self, LONGEST, Micros, Moment, instant, micros, seconds};
use super::inbound;
use super::mismatch::{Difference, Mismatch, Place as Position, Subject, Trouble};
use super::settings::{Dialect, Settings};
use super::socket::{Phase, Protocol, Socket};
use super::stop::Stop;
use super::{Context, Report, Seen, Verdict};
use crate::engine::{Flags, Instant, Segment, SeqNumber, TcpOptions, WireWindow};
use crate::sources::packetdrill::code::{Fault, Program, Value};
use crate::sources::packetdrill::syntax::{Body, Direction, Event, Packet, Script, Span, Spanned, SystemCall, What};
use crate::trace::{End, Payload, UdpPorts};
use crate::wire::encode_packet;
use crate::worlds::stack::{Answer, Departed, Place};

/// Most packets of a run.
const MOST_PACKETS: usize = 200_000;

/// Most octets of all its packets together: they are kept.
const MOST_OCTETS: usize = 64 << 20;

/// A call that waits.
#[derive(Debug)]
pub(super) struct Waiting<'a> {
    pub(super) call: &'a SystemCall,
    pub(super) span: Span,
    pub(super) expects: Expects<'a>,
    /// When it was made.
    pub(super) started: Micros,
    /// When it is to return, if it is written.
    pub(super) end: Option<Micros>,
    /// Which of the sockets it was about.
    pub(super) socket: Option<usize>,
}

/// What a snippet will see.
struct Snapshot<'a> {
    code: &'a Spanned<String>,
    numbers: Vec<(&'static str, i64)>,
}

/// A script under way.
pub(super) struct Player<'a> {
    pub(super) script: &'a Script,
    pub(super) context: &'a Context<'a>,
    pub(super) settings: Settings,
    pub(super) place: &'a mut dyn Place,
    pub(super) sockets: Vec<Socket>,
    /// Which of them packets are about.
    pub(super) under_test: Option<usize>,
    pub(super) fds: Fds,
    /// Packets that left and have not been looked at.
    pub(super) departed: VecDeque<Departed>,
    pub(super) waiting: Option<Waiting<'a>>,
    /// The event before: its nominal time, and whether it was an inbound packet.
    pub(super) before: Option<Micros>,
    after_inbound: bool,
    snapshots: Vec<Snapshot<'a>>,
    pub(super) chronicle: Chronicle,
    pub(super) seen: Vec<Seen>,
    forgiven: Vec<Mismatch>,
    pub(super) in_udp: bool,
    packets: usize,
    /// Files of commands read so far.
    pub(super) files: usize,
    /// What commands have asked for so far.
    pub(super) acts: usize,
    /// Octets the calls have written so far.
    pub(super) written: u64,
    next_port: u16,
    /// What is done from now on belongs to the script no more.
    over: bool,
}

/// The first port of the script's side where none is written (RFC 6335's dynamic ports).
const FIRST_PORT: u16 = 49152;

impl<'a> Player<'a> {
    pub(super) fn new(script: &'a Script, context: &'a Context<'a>, settings: Settings, place: &'a mut dyn Place) -> Self {
        let segments = script.events.iter().filter_map(|event| match &event.what.value {
            What::Packet(Packet { body: Body::Tcp(segment), .. }) => Some(segment),
            What::Packet(_) | What::Call(_) | What::Command(_) | What::Code(_) => None,
        });
        let in_udp = settings.in_udp || segments.into_iter().any(|segment| segment.udp.is_some());
        Self {
            chronicle: Chronicle::new(context.name, &settings, in_udp),
            script,
            context,
            settings,
            place,
            sockets: Vec::new(),
            under_test: None,
            fds: Fds::new(),
            departed: VecDeque::new(),
            waiting: None,
            before: None,
            after_inbound: false,
            snapshots: Vec::new(),
            seen: Vec::new(),
            forgiven: Vec::new(),
            in_udp,
            packets: 0,
            files: 0,
            acts: 0,
            written: 0,
            next_port: FIRST_PORT,
            over: false,
        }
    }

    pub(super) fn play(mut self) -> Report {
        let verdict = match self.course() {
            Ok(()) => Verdict::Passed,
            Err(stop) => verdict(stop, self.context),
        };
        let ended = self.place.now();
        Report { verdict, forgiven: self.forgiven, seen: self.seen, trace: self.chronicle.finish(), ended }
    }

    fn course(&mut self) -> Result<(), Stop> {
        let script = self.script;
        for path in self.settings.init_scripts.clone() {
            self.include(&path).map_err(|stop| stop.at(Span::default()))?;
        }
        if let Some(init) = &script.init {
            self.command(init).map_err(|stop| stop.at(init.span))?;
        }
        let happened = self.events();
        // It undoes what the first command did, whatever happened in between; nothing comes after it, so what of it is
        // not understood changes nothing.
        let cleaned = match &script.cleanup {
            Some(cleanup) if happened.is_ok() || script.init.is_some() => match self.command(cleanup) {
                Err(Stop::Unsupported { .. }) => Ok(()),
                done => done.map_err(|stop| stop.at(cleanup.span)),
            },
            Some(_) | None => Ok(()),
        };
        happened?;
        cleaned?;
        self.judge_snapshots()?;
        self.over = true;
        self.end()
    }

    fn events(&mut self) -> Result<(), Stop> {
        let script = self.script;
        for (index, event) in script.events.iter().enumerate() {
            self.event(index, event).map_err(|stop| stop.at(event.span))?;
        }
        // A call that still waits has a second to return.
        if self.waiting.is_some() {
            self.await_call(clock::micros(self.place.now()).saturating_add(A_SECOND))?;
        }
        Ok(())
    }

    fn event(&mut self, index: usize, event: &'a Event) -> Result<(), Stop> {
        self.collect()?;
        let now = micros(self.place.now());
        let inbound = matches!(&event.what.value, What::Packet(packet) if packet.direction == Direction::Inbound);
        let base = match self.before {
            Some(before) if inbound && self.after_inbound && self.settings.dialect == Dialect::Google => before,
            _ => now,
        };
        let moment = Moment::of(event.time.value, base, event.time.span)?;
        match &event.what.value {
            What::Packet(packet) if packet.direction == Direction::Outbound => {
                // What happens while it is waited for does not excuse what should have come before.
                let doubt = self.place.doubt();
                match self.expect(index, event, packet, moment, instant(base)) {
                    Err(Stop::Failed(_)) if let Some(what) = doubt => return Err(Stop::unsupported(event.what.span, what)),
                    Err(Stop::Failed(mismatch)) if self.settings.forgives_packets || self.context.go_on => self.forgiven.push(*mismatch),
                    outcome => outcome?,
                }
            }
            What::Packet(packet) => {
                self.wait_for(event, moment, Subject::Packet)?;
                self.send(packet)?;
            }
            What::Call(call) => {
                self.wait_for(event, moment, Subject::Call)?;
                self.call(event, call, moment, base)?;
            }
            What::Command(command) => {
                self.wait_for(event, moment, Subject::Command)?;
                self.command(command)?;
            }
            What::Code(code) => {
                self.wait_for(event, moment, Subject::Code)?;
                self.snapshot(code)?;
            }
        }
        self.before = Some(moment.nominal());
        self.after_inbound = inbound;
        Ok(())
    }

    /// Lets time pass until an event is due; fails if it is too late for it.
    fn wait_for(&mut self, event: &Event, moment: Moment, subject: Subject) -> Result<(), Stop> {
        if !matches!(moment, Moment::At(_)) {
            return Err(Stop::error(event.time.span, "only a packet of the stack may come at any time, or within a range"));
        }
        self.wait_until(moment.nominal())?;
        let now = micros(self.place.now());
        if self.before.is_none() {
            return Ok(());
        }
        moment.check(now, self.before, &self.settings).or_else(|expected| {
            let late = Difference::new("time", expected, format!("{} s", seconds(now)));
            let summary = format!("timing error: expected at {}, but it was not before {} s", late.expected, seconds(now));
            self.forgive(self.mismatch(event.span, subject, summary, vec![late]), subject)
        })
    }

    /// Fails, unless such failures are forgiven.
    pub(super) fn forgive(&mut self, mismatch: Mismatch, subject: Subject) -> Result<(), Stop> {
        let forgives = match subject {
            Subject::Packet => self.settings.forgives_packets || self.context.go_on,
            Subject::Call => self.settings.forgives_calls,
            Subject::Command | Subject::Code => false,
        };
        if !forgives {
            return Err(mismatch.into());
        }
        self.forgiven.push(mismatch);
        Ok(())
    }

    pub(super) fn mismatch(&self, span: Span, subject: Subject, summary: String, differences: Vec<Difference>) -> Mismatch {
        let place = Position::of(self.context.name, self.context.text, span);
        Mismatch { place, subject, summary, expected: None, actual: None, differences }
    }

    /// Lets time pass until then, while packets leave and a call may return.
    pub(super) fn wait_until(&mut self, until: Micros) -> Result<(), Stop> {
        loop {
            self.collect()?;
            if micros(self.place.now()) >= until {
                return Ok(());
            }
            self.place.wait(instant(until))?;
        }
    }

    /// Takes what left and what returned.
    pub(super) fn collect(&mut self) -> Result<(), Stop> {
        while let Some(departed) = self.place.next_packet() {
            self.count(departed.packet.len())?;
            if !self.over {
                self.chronicle.packet(departed.at, A, &departed.packet);
                self.departed.push_back(departed);
            }
        }
        while let Some((at, answer)) = self.place.take_returned() {
            self.returned(at, &answer)?;
        }
        Ok(())
    }

    fn returned(&mut self, at: Instant, answer: &Answer) -> Result<(), Stop> {
        match self.waiting.take() {
            Some(waiting) if !self.over => self.judge_call(&waiting, at, answer, true),
            Some(_) | None => Ok(()),
        }
    }

    fn count(&mut self, octets: usize) -> Result<(), Stop> {
        self.packets += 1;
        if self.packets > MOST_PACKETS {
            return Err(Stop::error(None, format!("more than {MOST_PACKETS} packets")));
        }
        if self.chronicle.octets().saturating_add(octets) > MOST_OCTETS {
            return Err(Stop::error(None, format!("packets of more than {} MiB", MOST_OCTETS >> 20)));
        }
        Ok(())
    }

    /// Waits for the call that waits, until then at the latest.
    pub(super) fn await_call(&mut self, until: Micros) -> Result<(), Stop> {
        loop {
            self.collect()?;
            let Some(waiting) = &self.waiting else { return Ok(()) };
            if micros(self.place.now()) >= until {
                let (span, name) = (waiting.span, &waiting.call.name.value);
                let summary = format!("{name} still waits at {} s", seconds(until));
                return Err(self.mismatch(span, Subject::Call, summary, Vec::new()).into());
            }
            self.place.wait(instant(until))?;
        }
    }

    /// How long to wait for what may take as long as it likes.
    pub(super) fn patience(&self) -> Micros {
        let longest = clock::written(self.place.longest_wait());
        micros(self.place.now()).saturating_add(longest).min(LONGEST.saturating_mul(2))
    }

    /// A packet of the script's side.
    fn send(&mut self, packet: &Packet) -> Result<(), Stop> {
        let index = self.receiver(packet)?;
        let (octets, segment) = inbound::build(packet, &self.sockets[index], &self.settings)?;
        let socket = &mut self.sockets[index];
        if let Some(segment) = segment {
            let (syn, ack) = (segment.has(Flags::SYN), segment.has(Flags::ACK));
            match socket.phase {
                Phase::SynAckSent if ack => socket.phase = Phase::SynAckAcked,
                Phase::SynSent if syn && ack => {
                    socket.phase = Phase::SynAcked;
                    socket.numbers.begin_remote(segment.seq.get());
                }
                Phase::PacketReceived if socket.sent_to.is_none() => socket.numbers.begin_remote(segment.seq.get()),
                _ => {}
            }
            socket.sent_to = Some((segment.end().get(), segment.ack.get()));
        }
        if let Body::Tcp(segment) = &packet.body
            && let Some(ports) = segment.udp
        {
            socket.in_udp = Some(UdpPorts { source: ports.source, destination: ports.destination });
        }
        self.count(octets.len())?;
        self.chronicle.packet(self.place.now(), B, &octets);
        self.place.inject(&octets)?;
        Ok(())
    }

    /// The socket a packet of the script's side is for. The first one for a listener, or for a port where nobody listens,
    /// begins a connection.
    fn receiver(&mut self, packet: &Packet) -> Result<usize, Stop> {
        let under_test = self.under_test.map(|index| (index, &self.sockets[index]));
        let Body::Tcp(segment) = &packet.body else {
            return match under_test {
                Some((index, _)) => {
                    if self.sockets[index].remote.port == 0 {
                        self.sockets[index].remote.port = self.fresh_port();
                    }
                    Ok(index)
                }
                None => Err(Stop::error(None, "there is no socket for this packet: make one by socket() first")),
            };
        };
        let (parent, bound) = match under_test {
            None => (None, false),
            Some((_, socket)) if socket.phase == Phase::Listening => (Some(socket), false),
            // Its numbers stand on the wire as written.
            Some((_, socket)) if socket.phase == Phase::New && socket.protocol == Protocol::Tcp => (Some(socket), true),
            // The SYN has left, although no line expects it: the script answers what it does not look at.
            Some((index, socket)) if socket.phase == Phase::Connecting && socket.local.port == 0 => return self.connecting(index),
            Some((index, _)) => return Ok(index),
        };
        let local = parent.map_or(End { address: self.settings.local, port: self.settings.bind_port }, |parent| parent.local);
        let in_udp = parent.and_then(|parent| parent.in_udp);
        let port = segment.ports.map_or_else(|| self.fresh_port(), |ports| ports.source);
        let remote = End { address: self.settings.remote, port };
        let local = segment.ports.map_or(local, |ports| End { port: ports.destination, ..local });
        let mut child = Socket::new(Protocol::Tcp, None, local, remote);
        child.in_udp = in_udp;
        child.phase = Phase::PacketReceived;
        // What comes to a port where nobody listens stands on the wire as written: only what follows counts from it.
        if !bound {
            child.numbers.begin_remote(segment.seq.as_ref().map_or(0, |seq| seq.value.value));
        }
        self.sockets.push(child);
        self.under_test = Some(self.sockets.len() - 1);
        Ok(self.sockets.len() - 1)
    }

    /// A connecting socket whose SYN no line has expected: its port and number are those of the SYN that left.
    fn connecting(&mut self, index: usize) -> Result<usize, Stop> {
        let socket = &self.sockets[index];
        let lives = self.departed.iter().filter_map(|departed| super::packet::Live::read(&departed.packet, self.in_udp));
        let mut lives = lives.filter(|live| live.destination.address == socket.remote.address);
        let syn = lives.find(|live| live.segment().is_some_and(|segment| segment.has(Flags::SYN)));
        let Some(syn) = syn else {
            return Err(Stop::error(None, "the socket has sent no SYN yet, so nobody knows its port"));
        };
        let (port, first) = (syn.source.port, syn.segment().map_or(0, |segment| segment.seq.get()));
        let socket = &mut self.sockets[index];
        (socket.local.port, socket.numbers.live_local) = (port, first);
        Ok(index)
    }

    pub(super) fn fresh_port(&mut self) -> u16 {
        let port = self.next_port;
        self.next_port = self.next_port.checked_add(1).unwrap_or(FIRST_PORT);
        port
    }

    fn snapshot(&mut self, code: &'a Spanned<String>) -> Result<(), Stop> {
        let fd = self.under_test.and_then(|index| self.sockets[index].fd);
        let fd = fd.ok_or_else(|| Stop::error(code.span, "there is no socket whose numbers this could be about"))?;
        let numbers = match self.place.info(fd) {
            Ok(numbers) => numbers,
            // Code may speak of other things than the connection.
            Err(_) if !code.value.contains("tcpi_") => Vec::new(),
            Err(unsupported) => return Err(unsupported.into()),
        };
        self.snapshots.push(Snapshot { code, numbers });
        Ok(())
    }

    /// All snippets are one program, run behind the last event.
    fn judge_snapshots(&mut self) -> Result<(), Stop> {
        if self.snapshots.is_empty() {
            return Ok(());
        }
        let mut program = Program::new();
        for name in self.settings.system.names() {
            if let Some(value) = self.settings.system.value(name) {
                program.define(name, Value::Int(value.into()));
            }
        }
        let mut stale: Vec<(&str, i64)> = Vec::new();
        for Snapshot { code, numbers } in std::mem::take(&mut self.snapshots) {
            for (name, _) in std::mem::replace(&mut stale, numbers.clone()) {
                program.forget(name);
            }
            for (name, value) in &numbers {
                program.define(name, Value::Int((*value).into()));
            }
            if let Err(error) = program.run(&code.value) {
                // The code stands behind `%{` and perhaps spaces: where exactly is found in the text.
                let text = self.context.text.get(code.span.start..code.span.end).unwrap_or_default();
                let shift = code.span.start + text.find(code.value.as_str()).unwrap_or(0);
                let span = Span { start: shift + error.span.start, end: shift + error.span.end };
                return Err(match error.fault {
                    Fault::Untrue(words) => {
                        let said = code.value.get(error.span.clone()).unwrap_or(&code.value);
                        self.mismatch(span, Subject::Code, format!("{said}: {words}"), Vec::new()).into()
                    }
                    Fault::Unsupported(what) => Stop::unsupported(span, what),
                    Fault::Malformed(what) => Stop::error(span, format!("in %{{ }}%: {what}")),
                });
            }
        }
        Ok(())
    }

    /// Closes what is open and resets what is connected, so that a real stack keeps nothing of it.
    fn end(&mut self) -> Result<(), Stop> {
        for fd in std::mem::take(&mut self.fds).into_values() {
            self.place.call(&crate::worlds::stack::Call::Close { fd })?;
        }
        for socket in std::mem::take(&mut self.sockets) {
            if socket.protocol != Protocol::Tcp || !socket.has_connection() || socket.local.port == 0 {
                continue;
            }
            let (seq, ack, flags) = match (self.settings.dialect, socket.sent_to, socket.acked) {
                (Dialect::Nplab, _, Some(acked)) => (acked, 0, Flags::RST),
                (_, Some((seq, ack)), _) => (seq, ack, Flags::RST | Flags::ACK),
                (_, None, _) => (0, 0, Flags::RST | Flags::ACK),
            };
            let (seq, ack) = (SeqNumber::new(seq), SeqNumber::new(ack));
            let reset = Segment { seq, ack, flags, window: WireWindow(0), urgent: 0, len: 0, options: TcpOptions::NONE };
            let mut octets = Vec::new();
            let payload = Payload::Tcp { segment: reset, text: &[][..] };
            if encode_packet(socket.remote, socket.local, 0, &payload, &mut octets).is_ok() {
                self.place.inject(&octets)?;
            }
        }
        self.collect()
    }
}

/// What a call that still waits has left when others are to begin.
pub(super) const A_SECOND: Micros = 1_000_000;

/// The verdict on a script that does not go on.
pub(super) fn verdict(stop: Stop, context: &Context<'_>) -> Verdict {
    let trouble = |span: Option<Span>, what: String| {
        Box::new(Trouble { place: Position::of(context.name, context.text, span.unwrap_or_default()), what })
    };
    match stop {
        Stop::Failed(mismatch) => Verdict::Failed(mismatch),
        Stop::Unsupported { span, what } => Verdict::Unsupported(trouble(span, what)),
        Stop::Error { span, what } => Verdict::Error(trouble(span, what)),
    }
}
