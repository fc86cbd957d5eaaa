//! A process and a peer by turns. The host's numbers begin at 100, the peer's at 300.

use std::time::Duration;

use crate::engine::{Flags, Instant, Profile, Segment, SeqNumber, TcpOptions, WireWindow};
use crate::trace::{End, Payload};
use crate::wire::{Checksums, decode_packet, encode_packet};
use crate::worlds::simulated::sockets::Sockets;
use crate::worlds::stack::{Call, Constant, Fd, Outcome, Output, PollFd, ReceiveForm, SendForm, Stack};

pub(super) const HERE: End = End { address: std::net::IpAddr::V4(std::net::Ipv4Addr::new(192, 168, 0, 1)), port: 8080 };
pub(super) const THERE: End = End { address: std::net::IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1)), port: 8080 };

/// A constant by its names, joined by `|`; or a number.
pub(super) fn name(text: &str) -> Constant {
    if let Ok(value) = text.parse() {
        return Constant { value, names: Vec::new() };
    }
    let numbers =
        [("POLLIN", 1), ("POLLPRI", 2), ("POLLOUT", 4), ("POLLRDHUP", 0x2000), ("EPOLLIN", 1), ("EPOLLOUT", 4), ("EPOLLRDHUP", 0x2000)];
    let more = [("EPOLLET", 1_i64 << 31), ("EPOLLONESHOT", 1 << 30)];
    let names: Vec<String> = text.split('|').filter(|name| !name.is_empty()).map(str::to_owned).collect();
    let value = names
        .iter()
        .map(|name| numbers.iter().chain(&more).find(|(known, _)| known == name).map_or(0, |(_, number)| *number))
        .fold(0, |sum, number| sum | number);
    Constant { value, names }
}

pub(super) struct Dialogue {
    pub(super) stack: Sockets,
    pub(super) now: Instant,
    /// What the last call was that blocked.
    waiting: Option<Call>,
    peer_port: u16,
    host_port: u16,
}

impl Dialogue {
    pub(super) fn new(profile: Profile) -> Self {
        let mut stack = Sockets::new(HERE.address, 1500, profile, 1);
        stack.host_mut().prescribe_iss([100; 16]);
        Self { stack, now: Instant::START, waiting: None, peer_port: 40_000, host_port: HERE.port }
    }

    pub(super) fn linux() -> Self {
        Self::new(Profile::linux())
    }

    pub(super) fn freebsd() -> Self {
        Self::new(Profile::freebsd())
    }

    /// Makes a call: `3`, `-1 EAGAIN`, `blocked`, `unsupported: ...`.
    pub(super) fn call(&mut self, call: &Call) -> String {
        let outcome = self.stack.call(self.now, call);
        if outcome == Outcome::Blocked {
            self.waiting = Some(call.clone());
        }
        spelled(&outcome)
    }

    /// Asks the call that waits.
    pub(super) fn again(&mut self) -> String {
        let call = self.waiting.clone().expect("a call waits");
        spelled(&self.stack.retry(self.now, &call))
    }

    /// Lets time pass; what leaves meanwhile is of no interest.
    pub(super) fn pass(&mut self, millis: u64) {
        let end = self.now + Duration::from_millis(millis);
        let mut packet = Vec::new();
        while self.stack.poll_packet(self.now, &mut packet) {}
        while let Some(at) = self.stack.poll_deadline().filter(|at| *at <= end) {
            self.now = at.max(self.now);
            self.stack.on_time(self.now);
            while self.stack.poll_packet(self.now, &mut packet) {}
            if let Some(call) = self.waiting.clone()
                && self.stack.retry(self.now, &call) != Outcome::Blocked
            {
                break;
            }
        }
        self.now = end;
    }

    pub(super) fn socket(&mut self) -> Fd {
        self.socket_of("AF_INET", "SOCK_STREAM")
    }

    pub(super) fn socket_of(&mut self, domain: &str, kind: &str) -> Fd {
        let text = self.call(&Call::Socket { domain: name(domain), kind: name(kind), protocol: name("0") });
        text.parse().expect("a descriptor")
    }

    pub(super) fn bind(&mut self, fd: Fd) -> String {
        self.call(&Call::Bind { fd, to: HERE })
    }

    pub(super) fn listen(&mut self, fd: Fd) -> String {
        self.call(&Call::Listen { fd, backlog: 1 })
    }

    pub(super) fn accept(&mut self, fd: Fd) -> String {
        self.call(&Call::Accept { fd })
    }

    pub(super) fn connect(&mut self, fd: Fd) -> String {
        self.call(&Call::Connect { fd, to: Some(THERE) })
    }

    pub(super) fn close(&mut self, fd: Fd) -> String {
        self.call(&Call::Close { fd })
    }

    pub(super) fn shutdown(&mut self, fd: Fd, how: &str) -> String {
        self.call(&Call::Shutdown { fd, how: name(how) })
    }

    pub(super) fn nonblocking(&mut self, fd: Fd) {
        assert_eq!(self.call(&Call::Fcntl { fd, command: name("F_SETFL"), argument: Some(name("O_RDWR|O_NONBLOCK")) }), "0");
    }

    pub(super) fn read(&mut self, fd: Fd, count: u32) -> String {
        self.recv(fd, count, "0")
    }

    pub(super) fn recv(&mut self, fd: Fd, count: u32, flags: &str) -> String {
        let form = ReceiveForm::Recv;
        self.call(&Call::Receive { form, fd, buffers: Some(vec![count]), count, flags: name(flags), control: 0 })
    }

    pub(super) fn write(&mut self, fd: Fd, count: u32) -> String {
        self.send(fd, count, "0")
    }

    pub(super) fn send(&mut self, fd: Fd, count: u32, flags: &str) -> String {
        let form = SendForm::Send;
        self.call(&Call::Send { form, fd, buffers: Some(vec![count]), count, flags: name(flags), to: None, control: Vec::new() })
    }

    pub(super) fn set(&mut self, fd: Fd, level: &str, option: &str, value: i32) -> String {
        let value = value.to_ne_bytes().to_vec();
        self.call(&Call::SetOption { fd, level: name(level), name: name(option), value, len: 4 })
    }

    pub(super) fn get(&mut self, fd: Fd, level: &str, option: &str) -> String {
        self.call(&Call::GetOption { fd, level: name(level), name: name(option), len: 4 })
    }

    pub(super) fn ioctl(&mut self, fd: Fd, request: &str) -> String {
        self.call(&Call::Ioctl { fd, request: name(request), argument: None })
    }

    /// `poll` without waiting: the bits it finds, in hexadecimal.
    pub(super) fn poll(&mut self, fd: Fd, events: &str) -> String {
        let call = Call::Poll { fds: vec![PollFd { fd, events: name(events) }], timeout: 0 };
        match self.stack.call(self.now, &call) {
            Outcome::Returned(answer) => match answer.output {
                Output::Poll(bits) => format!("{:#x}", bits[0]),
                other => format!("{other:?}"),
            },
            other => format!("{other:?}"),
        }
    }

    /// The peer sends `len` octets at 300 plus `seq`, and acknowledges 100 plus `ack`.
    pub(super) fn arrives(&mut self, flags: Flags, seq: u32, ack: u32, len: u32) {
        self.arrives_with(flags, seq, ack, len, 0);
    }

    fn arrives_with(&mut self, flags: Flags, seq: u32, ack: u32, len: u32, urgent: u16) {
        let options = if flags.contains(Flags::SYN) { TcpOptions::NONE.mss(1000) } else { TcpOptions::NONE };
        let ack = if flags.contains(Flags::ACK) { 100 + ack } else { 0 };
        let seq = SeqNumber::new(300 + seq);
        let segment = Segment { seq, ack: SeqNumber::new(ack), flags, window: WireWindow(65_535), urgent, len, options };
        let (from, to) = (End { port: self.peer_port, ..THERE }, End { port: self.host_port, ..HERE });
        let mut packet = Vec::new();
        encode_packet(from, to, 1, &Payload::Tcp { segment, text: vec![0; len as usize] }, &mut packet).expect("a packet");
        self.stack.on_packet(self.now, &packet);
    }

    /// The same of text up to whose `urgent`th octet is urgent.
    pub(super) fn arrives_urgent(&mut self, seq: u32, len: u32, urgent: u16) {
        self.arrives_with(Flags::ACK | Flags::URG, seq, 1, len, urgent);
    }

    /// What leaves: each segment without its options, `S 100:100(0) win 64240`.
    pub(super) fn leaves(&mut self) -> Vec<String> {
        let mut packet = Vec::new();
        let mut all = Vec::new();
        while self.stack.poll_packet(self.now, &mut packet) {
            let decoded = decode_packet(&packet, Checksums::Verify).expect("a right packet");
            let Payload::Tcp { segment, .. } = decoded.payload else {
                all.push(decoded.payload.protocol().to_owned());
                continue;
            };
            (self.host_port, self.peer_port) = (decoded.source.port, decoded.destination.port);
            let letters = [(Flags::SYN, 'S'), (Flags::FIN, 'F'), (Flags::RST, 'R'), (Flags::PSH, 'P'), (Flags::ACK, '.')];
            let flags: String = letters.iter().filter(|(flag, _)| segment.flags.contains(*flag)).map(|(_, letter)| *letter).collect();
            let seq = segment.seq.get();
            all.push(format!("{flags} {seq}:{}({})", seq.wrapping_add(segment.len), segment.len));
        }
        all
    }

    /// Whatever leaves is of no interest.
    pub(super) fn silence(&mut self) {
        self.leaves();
    }

    /// A listener, and a connection it has not accepted yet.
    pub(super) fn passive(&mut self) -> Fd {
        let listener = self.socket();
        assert_eq!(self.bind(listener), "0");
        assert_eq!(self.listen(listener), "0");
        self.arrives(Flags::SYN, 0, 0, 0);
        self.silence();
        self.arrives(Flags::ACK, 1, 1, 0);
        listener
    }

    /// An accepted connection.
    pub(super) fn accepted(&mut self) -> Fd {
        let listener = self.passive();
        self.accept(listener).parse().expect("a descriptor")
    }
}

/// An outcome in words.
pub(super) fn spelled(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Blocked => "blocked".to_owned(),
        Outcome::Unsupported(what) => format!("unsupported: {what}"),
        Outcome::Returned(answer) => match (&answer.errno, &answer.output) {
            (Some(errno), _) => format!("{} {errno}", answer.result),
            (None, Output::Value(octets)) => match octets[..] {
                [a, b, c, d] => format!("[{}]", i32::from_ne_bytes([a, b, c, d])),
                _ => format!("{octets:?}"),
            },
            (None, Output::Number(number)) => format!("[{number}]"),
            (None, _) => answer.result.to_string(),
        },
    }
}
