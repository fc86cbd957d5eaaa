//! What was recorded, as text, JSON and a capture.

use std::collections::HashMap;
use std::ffi::OsString;
use std::fmt::Write as _;
use std::io;
use std::time::Duration;

use serde_json::{Value, json};
use synfin::engine::State;
use synfin::sinks::json;
use synfin::sinks::ladder::{Style, render};
use synfin::sinks::pcap::{self, Format, LinkHeader, SeenFrame};
use synfin::sources::capture::{Flow, Flows, Limits, Protocol, Seen};
use synfin::trace::End;
use synfin::wire::{Checksums, Decoded, decode_frame, decode_packet};
use synfin::worlds::kernel::Direction;
use synfin::worlds::kernel::record::{Ended, Heard, Sighting};

use super::super::Failure;
use super::testimony::{Testimony, successors};

/// What was recorded, sorted by connection.
pub(crate) struct Report {
    subject: Subject,
    seen: u64,
    missed: u64,
    not_kept: u64,
    unread: u64,
    flows: Vec<Flow>,
    /// For each flow, what the kernel said of its ends when the recording ended.
    at_the_end: Vec<[Option<State>; 2]>,
    listening: Vec<End>,
    /// For each packet that was given to the flows, which frame it was.
    frame_of_packet: Vec<usize>,
    header: LinkHeader,
}

/// What was recorded of whom.
pub(crate) enum Subject {
    /// A command, in a network of its own.
    Command {
        /// As a shell takes it.
        command: String,
        ended: Ended,
        timed_out: bool,
        /// Processes that outlived it, by name.
        left_over: Vec<String>,
    },
    /// An interface of the machine.
    Interface(String),
}

impl Subject {
    /// How a command ended, as a sentence; nothing of an interface.
    pub(crate) fn how(&self) -> String {
        let Self::Command { ended, timed_out, .. } = self else { return String::new() };
        let how = match ended {
            Ended::Exit(code) => format!("the command ended with exit code {code}"),
            Ended::Signal(number) => format!("the command was ended by signal {number}{}", signal_name(*number)),
        };
        if *timed_out { how + " when its time was over" } else { how }
    }

    /// The command line that would do it again.
    fn line(&self) -> String {
        match self {
            Self::Command { command, .. } => format!("record -- {command}"),
            Self::Interface(interface) => format!("record -i {interface}"),
        }
    }

    fn interface(&self) -> &str {
        match self {
            Self::Command { .. } => "lo",
            Self::Interface(interface) => interface,
        }
    }
}

/// Reads a frame; those of a device without link headers are packets.
fn decode(octets: &[u8]) -> Option<(Decoded<'_>, LinkHeader)> {
    // Nobody fills in checksums on a loopback, and a card does it behind our back.
    let framed = decode_frame(octets, Checksums::Trust).map(|decoded| (decoded, LinkHeader::Ethernet));
    framed.or_else(|_| decode_packet(octets, Checksums::Trust).map(|decoded| (decoded, LinkHeader::None))).ok()
}

impl Report {
    pub(crate) fn of(subject: Subject, heard: &Heard, sightings: &[Sighting]) -> Self {
        let mut flows = Flows::new(Limits::default());
        let mut frame_of_packet = Vec::new();
        let (mut unread, mut header) = (0, LinkHeader::Ethernet);
        for (position, frame) in heard.frames.iter().enumerate() {
            let Some((decoded, stands_before)) = decode(&frame.octets) else {
                unread += 1;
                continue;
            };
            header = stands_before;
            let seen = match frame.direction {
                Direction::Sent => Seen::Sent,
                Direction::Received => Seen::Received,
            };
            frame_of_packet.push(position);
            flows.packet(Duration::from_nanos(frame.at.as_nanos()), seen, &decoded);
        }
        let not_kept = heard.not_kept + flows.left_out();
        let testimony = Testimony::of(sightings, flows.origin());
        let mut flows = flows.finish();
        let successors = successors(&flows);
        let mut at_the_end = vec![[None; 2]; flows.len()];
        for ((flow, until), at_the_end) in flows.iter_mut().zip(successors).zip(&mut at_the_end) {
            if flow.protocol == Protocol::Tcp {
                testimony.examine(flow, until);
                // Where another connection took the same ends, the last word is about that one.
                if until.is_none() {
                    *at_the_end = testimony.at_the_end(flow);
                }
            }
        }
        let (seen, missed) = (heard.statistics.seen, heard.statistics.dropped);
        let listening = testimony.listening();
        Self { subject, seen, missed, not_kept, unread, flows, at_the_end, listening, frame_of_packet, header }
    }

    /// Ladders, one after another, and what else there is to say.
    pub(crate) fn text(&self, options: bool, absolute: bool) -> String {
        let mut text = format!("# synfin {} {}\n", env!("CARGO_PKG_VERSION"), self.subject.line());
        if let Subject::Command { .. } = self.subject {
            let _ = writeln!(text, "# {}", self.subject.how());
        }
        for (missing, why) in [
            (self.missed, "were missed: they came faster than they could be read; ladders may have gaps"),
            (self.not_kept, "were not kept: there were too many for memory, or they were too long; ladders may end early"),
            (self.unread, "are neither TCP, UDP nor ICMP, or only a part of a packet, and not shown"),
        ] {
            if missing > 0 {
                let _ = writeln!(text, "# {missing} frames {why}");
            }
        }
        if self.flows.is_empty() {
            let where_to = if let Subject::Interface(interface) = &self.subject { interface } else { "the loopback" };
            let _ = writeln!(text, "# nothing passed {where_to}");
        }
        let (mut connections, mut exchanges) = (0, 0);
        for (flow, at_the_end) in self.flows.iter().zip(&self.at_the_end) {
            let [a, b] = flow.ends;
            if flow.protocol == Protocol::Tcp {
                connections += 1;
                let _ = writeln!(text, "\nconnection {connections}: {a} -> {b}");
            } else {
                exchanges += 1;
                let name = flow.protocol.name();
                // ICMP has no ports.
                let ends = if flow.protocol == Protocol::Udp { format!("{a} -> {b}") } else { format!("{} -> {}", a.address, b.address) };
                let _ = writeln!(text, "\n{name} exchange {exchanges}: {ends}");
            }
            let style = Style { options, bare: false };
            text += &if absolute { render(&flow.trace, style) } else { render(&flow.trace.with_relative_numbers(), style) };
            let still: Vec<_> =
                ["A", "B"].into_iter().zip(at_the_end).filter_map(|(name, state)| Some(format!("{name}: {}", (*state)?))).collect();
            if !still.is_empty() {
                let _ = writeln!(text, "   (still there at the end, says the kernel: {})", still.join(", "));
            }
        }
        let mut rest = Vec::new();
        if !self.listening.is_empty() {
            rest.push(format!("still listening at the end: {}", joined(&self.listening)));
        }
        if let Subject::Command { left_over, .. } = &self.subject
            && !left_over.is_empty()
        {
            rest.push(format!("still running when the command had ended, and ended then: {}", left_over.join(", ")));
        }
        if !rest.is_empty() {
            text.push('\n');
        }
        for line in rest {
            let _ = writeln!(text, "# {line}");
        }
        text
    }

    /// The same as one JSON document.
    pub(crate) fn json(&self) -> Result<String, Failure> {
        let flows = self.flows.iter().zip(&self.at_the_end).map(|(flow, at_the_end)| {
            let mut trace = Vec::new();
            json::write(&flow.trace, &mut trace).map_err(Failure::request)?;
            let trace: Value = serde_json::from_slice(&trace).map_err(Failure::request)?;
            Ok(json!({
                "protocol": flow.protocol.name(),
                "ends": flow.ends.map(|end| end.to_string()),
                "kernel_at_end": at_the_end.map(|state| state.map(State::name)),
                "trace": trace,
            }))
        });
        let flows = flows.collect::<Result<Vec<_>, Failure>>()?;
        let Self { seen, missed, not_kept, unread, .. } = self;
        let mut document = json!({
            "schema_version": json::SCHEMA_VERSION,
            "tool": concat!("synfin ", env!("CARGO_PKG_VERSION")),
            "frames": { "seen": seen, "missed": missed, "not_kept": not_kept, "unread": unread },
            "flows": flows,
        });
        match &self.subject {
            Subject::Interface(interface) => document["interface"] = json!(interface),
            Subject::Command { command, ended, timed_out, left_over } => {
                let signal = if let Ended::Signal(number) = ended { Some(number) } else { None };
                document["command"] = json!(command);
                document["ended"] = json!({ "exit_code": ended.code(), "signal": signal, "timed_out": timed_out });
                document["listening"] = json!(self.listening.iter().map(ToString::to_string).collect::<Vec<_>>());
                document["left_over"] = json!(left_over);
            }
        }
        Ok(serde_json::to_string_pretty(&document).map_err(Failure::request)? + "\n")
    }

    /// Every packet once, where it was sent, with what both ends made of it.
    pub(crate) fn capture(&self, heard: &Heard, format: Format, out: &mut dyn io::Write) -> io::Result<()> {
        let mut comments: HashMap<usize, Vec<String>> = HashMap::new();
        for flow in &self.flows {
            for (packet, comment) in pcap::comments(&flow.trace) {
                let number = flow.numbers.get(packet.0 as usize).and_then(|number| usize::try_from(*number).ok()).unwrap_or(0);
                if let Some(frame) = number.checked_sub(1).and_then(|index| self.frame_of_packet.get(index)) {
                    comments.entry(*frame).or_default().push(comment);
                }
            }
        }
        let frames = heard.frames.iter().enumerate();
        // Of a loopback, the copies that were received are the same packets once more.
        let all = !matches!(self.subject, Subject::Command { .. }) && self.subject.interface() != "lo";
        let once = frames.filter(|(position, frame)| all || frame.direction == Direction::Sent || comments.contains_key(position));
        let seen = once.map(|(position, frame)| SeenFrame {
            at: heard.epoch.since_1970() + Duration::from_nanos(frame.at.as_nanos()),
            octets: &frame.octets,
            comments: comments.get(&position).cloned().unwrap_or_default(),
        });
        let mut out = out;
        pcap::write_seen(seen, format, (self.subject.interface(), self.header), &self.subject.line(), &mut out).map_err(io::Error::from)
    }
}

fn signal_name(number: u8) -> String {
    const NAMES: [(u8, &str); 12] = [
        (1, "HUP"),
        (2, "INT"),
        (3, "QUIT"),
        (4, "ILL"),
        (6, "ABRT"),
        (8, "FPE"),
        (9, "KILL"),
        (11, "SEGV"),
        (13, "PIPE"),
        (14, "ALRM"),
        (15, "TERM"),
        (7, "BUS"),
    ];
    NAMES.iter().find(|(known, _)| *known == number).map_or_else(String::new, |(_, name)| format!(" (SIG{name})"))
}

/// A command as a shell takes it.
pub(crate) fn line(command: &[OsString]) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=@%+,".contains(c);
    let words = command.iter().map(|word| {
        let word = word.to_string_lossy();
        let shown: String = word.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        if !shown.is_empty() && shown.chars().all(plain) { shown } else { format!("'{}'", shown.replace('\'', r"'\''")) }
    });
    words.collect::<Vec<_>>().join(" ")
}

fn joined(ends: &[End]) -> String {
    ends.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}
