//! One test per rule, against a stack that does what the test says: answers calls in order, sends packets at its times.

mod calls;
mod commands;
mod hostile;
mod numbers;
mod packets;
mod simulated;
mod time;

use std::collections::VecDeque;

use super::*;
use crate::engine::{Flags, Segment, SeqNumber, TcpOptions, WireWindow};
use crate::sources::packetdrill::parse;
use crate::trace::{End, Payload};
use crate::wire::{Checksums, Decoded, decode_packet, encode_packet};
use crate::worlds::Errno;
use crate::worlds::stack::{Answer, Call, Fd, Outcome, Output, Stack, Unsupported, Virtual};

/// A stack that knows what will happen.
#[derive(Default)]
struct Fake {
    /// What the calls return, in order; 0 when there is no more.
    answers: VecDeque<Outcome>,
    /// What leaves, and when; in order.
    leaves: VecDeque<(Instant, Vec<u8>)>,
    /// When a call that waits returns, and what.
    returns: Option<(Instant, Answer)>,
    info: Vec<(&'static str, i64)>,
    sockets: Vec<(&'static str, usize)>,
    /// What happened to it.
    calls: Vec<(Instant, Call)>,
    arrived: Vec<(Instant, Vec<u8>)>,
    parameters: Vec<(String, String)>,
}

impl Stack for &mut Fake {
    fn call(&mut self, now: Instant, call: &Call) -> Outcome {
        self.calls.push((now, call.clone()));
        self.answers.pop_front().unwrap_or(Outcome::Returned(Answer::of(0)))
    }

    fn retry(&mut self, now: Instant, _: &Call) -> Outcome {
        match &self.returns {
            Some((at, answer)) if *at <= now => Outcome::Returned(answer.clone()),
            _ => Outcome::Blocked,
        }
    }

    fn on_packet(&mut self, now: Instant, packet: &[u8]) {
        self.arrived.push((now, packet.to_vec()));
    }

    fn poll_packet(&mut self, now: Instant, packet: &mut Vec<u8>) -> bool {
        let due = self.leaves.pop_front_if(|(at, _)| *at <= now);
        due.map(|(_, due)| *packet = due).is_some()
    }

    fn poll_deadline(&mut self) -> Option<Instant> {
        let leaves = self.leaves.front().map(|(at, _)| *at);
        let returns = self.returns.as_ref().map(|(at, _)| *at);
        leaves.into_iter().chain(returns).min()
    }

    fn on_time(&mut self, _: Instant) {}

    fn info(&mut self, _: Instant, _: Fd) -> Result<Vec<(&'static str, i64)>, Unsupported> {
        Ok(self.info.clone())
    }

    fn set_parameter(&mut self, _: Instant, name: &str, value: &str) -> Result<(), Unsupported> {
        if name.contains("nonsense") {
            return Err(Unsupported(format!("sysctl {name}")));
        }
        self.parameters.push((name.to_owned(), value.to_owned()));
        Ok(())
    }

    fn count_in_state(&mut self, state: &str, _: Option<u16>, _: bool) -> Result<usize, Unsupported> {
        Ok(self.sockets.iter().find(|(known, _)| *known == state).map_or(0, |(_, count)| *count))
    }
}

/// A connection whose handshake is done, accepted as 4: the stack's ISN is [`ISS`], the script's 0.
const ACCEPTED: &str = "
0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
+0 bind(3, ..., ...) = 0
+0 listen(3, 1) = 0
+0 < S 0:0(0) win 1000 <mss 1000>
+0 > S. 0:0(0) ack 1 <...>
+0 < . 1:1(0) ack 1 win 1000
+0 accept(3, ..., ...) = 4
";

/// The stack's initial sequence number.
const ISS: u32 = 0xffff_fff0;

/// What the stack answers to [`ACCEPTED`], and the SYN-ACK it sends.
fn accepted() -> Fake {
    let fake = Fake { answers: [3, 0, 0, 4].map(|result| Outcome::Returned(Answer::of(result))).into(), ..Fake::default() };
    fake.leaving(0, segment(Flags::SYN | Flags::ACK, ISS, 1, 0))
}

const fn segment(flags: Flags, seq: u32, ack: u32, len: u32) -> Segment {
    let (seq, ack) = (SeqNumber::new(seq), SeqNumber::new(ack));
    Segment { seq, ack, flags, window: WireWindow(500), urgent: 0, len, options: TcpOptions::NONE }
}

fn end(address: [u8; 4], port: u16) -> End {
    End { address: address.into(), port }
}

/// The stack's end, and the script's.
fn ends() -> [End; 2] {
    [end([192, 168, 0, 1], 8080), end([192, 0, 2, 1], 49152)]
}

fn octets(from: End, to: End, segment: Segment) -> Vec<u8> {
    let mut octets = Vec::new();
    let text = vec![0; segment.len as usize];
    encode_packet(from, to, 1, &Payload::Tcp { segment, text: &text[..] }, &mut octets).expect("a packet");
    octets
}

const fn millis(millis: u64) -> Instant {
    Instant::from_nanos(millis * 1_000_000)
}

impl Fake {
    /// A segment of the connection leaves so many milliseconds after the beginning.
    fn leaving(self, at: u64, segment: Segment) -> Self {
        let [local, remote] = ends();
        self.leaving_packet(at, octets(local, remote, segment))
    }

    fn leaving_packet(mut self, at: u64, packet: Vec<u8>) -> Self {
        self.leaves.push_back((millis(at), packet));
        self
    }

    fn answering(mut self, answers: impl IntoIterator<Item = Answer>) -> Self {
        self.answers.extend(answers.into_iter().map(Outcome::Returned));
        self
    }

    /// The segments that came, in order.
    fn came(&self) -> Vec<Segment> {
        let came = self.arrived.iter().map(|(_, packet)| decode_packet(packet, Checksums::Verify).expect("right checksums"));
        came.filter_map(|decoded| decoded.payload.segment().copied()).collect()
    }
}

impl Fake {
    /// What came as a packet of this position.
    fn packet(&self, index: usize) -> Decoded<'_> {
        decode_packet(&self.arrived[index].1, Checksums::Verify).expect("right checksums")
    }
}

fn context(text: &str) -> Context<'_> {
    Context { name: "t.pkt", text, ..Context::default() }
}

/// Plays a script on this stack.
fn played(text: &str, fake: &mut Fake) -> Report {
    played_with(&context(text), fake)
}

fn played_with(context: &Context<'_>, fake: &mut Fake) -> Report {
    let script = parse("t.pkt", context.text, &[]).unwrap_or_else(|error| panic!("{error}"));
    play(&script, context, &mut Virtual::new(fake))
}

/// Plays a script that must pass.
fn passes(text: &str, mut fake: Fake) -> Fake {
    let report = played(text, &mut fake);
    assert_eq!(report.verdict, Verdict::Passed, "{}", told(&report.verdict));
    fake
}

/// Plays a script that must fail; its message.
fn fails(text: &str, mut fake: Fake) -> String {
    match played(text, &mut fake).verdict {
        Verdict::Failed(mismatch) => mismatch.to_string(),
        other => panic!("it must fail, but: {}", told(&other)),
    }
}

/// Plays a script that cannot be meant; what is told of it.
fn unsupported(text: &str, mut fake: Fake) -> String {
    match played(text, &mut fake).verdict {
        Verdict::Unsupported(trouble) => trouble.to_string(),
        other => panic!("it must be unsupported, but: {}", told(&other)),
    }
}

/// Plays a script that is broken; what is told of it.
fn broken(text: &str, mut fake: Fake) -> String {
    match played(text, &mut fake).verdict {
        Verdict::Error(trouble) => trouble.to_string(),
        other => panic!("it must be an error, but: {}", told(&other)),
    }
}

fn told(verdict: &Verdict) -> String {
    match verdict {
        Verdict::Passed => "passed".to_owned(),
        Verdict::Failed(mismatch) => mismatch.to_string(),
        Verdict::Unsupported(trouble) => format!("unsupported: {trouble}"),
        Verdict::Error(trouble) => format!("error: {trouble}"),
    }
}
