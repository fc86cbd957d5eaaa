//! The language, construct by construct; and what a person is told of each mistake.

mod constructs;
mod hostile;
mod mistakes;

use super::*;
use crate::sources::packetdrill::syntax::*;

fn read(text: &str) -> Script {
    parse("script.pkt", text, &[]).unwrap_or_else(|error| panic!("{error}"))
}

/// What happens at the end of a script whose other events do not matter.
fn last(line: &str) -> Event {
    read(&format!("0 true() = 0\n{line}\n")).events.pop().expect("an event")
}

fn packet(line: &str) -> Packet {
    match last(&format!("+0 {line}")).what.value {
        What::Packet(packet) => packet,
        other => panic!("{other:?}"),
    }
}

fn segment(line: &str) -> Segment {
    match packet(line).body {
        Body::Tcp(segment) => segment,
        other => panic!("{other:?}"),
    }
}

fn call(line: &str) -> SystemCall {
    match last(&format!("+0 {line}")).what.value {
        What::Call(call) => call,
        other => panic!("{other:?}"),
    }
}

/// What a person is told of a script.
fn told(text: &str) -> String {
    parse("script.pkt", text, &[]).expect_err("a mistake").to_string()
}

/// What a person is told of a line that something else stands before.
fn told_of(line: &str) -> String {
    told(&format!("0 true() = 0\n{line}\n"))
}
