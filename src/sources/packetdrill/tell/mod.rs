//! A trace told as a script: what one host's program does, what reaches the host, and what it answers.
//!
//! A script is something that is to happen, so whoever makes one is a source, whatever it is made from. Here: whose
//! entries are told, in which order, and how times are written. Beside: the calls (`calls`), the packets (`packets`),
//! the calls of a program that nobody saw (`guess`), and the proof that a script passes (`proof`).
//!
//! What a script cannot say is an [`Untold`]; nothing is left out silently but what the host never saw.

mod calls;
mod guess;
mod packets;
mod proof;

use std::fmt::Write as _;
use std::time::Duration;

pub use guess::with_calls;
pub use proof::{Unproven, prove};

use super::RunsWith;
use super::syntax::Time;
use crate::engine::{Instant, Profile};
use crate::trace::{HostId, Neighbour, Packet, PacketId, Payload, Trace, What};
use calls::Process;
use packets::Numbers;

/// What a script is told with, beside the trace.
#[derive(Clone, Copy, Debug)]
pub struct Manner<'a> {
    /// What it is about, one line.
    pub title: &'a str,
    /// What it runs with.
    pub runs_with: &'a RunsWith,
    /// The link's MTU, octets.
    pub mtu: u16,
    /// Whether the windows of what leaves are told: they are known where the program's reads are.
    pub windows: bool,
}

/// Why a trace, or a part of it, cannot be told as a script.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Untold {
    /// There is nothing to tell.
    #[error("nothing happens at host {0}")]
    Silent(String),
    /// A call that no script has.
    #[error("{at} s: a script has no call for {call}: {why}")]
    Call {
        /// When.
        at: Instant,
        /// The call.
        call: String,
        /// Why.
        why: &'static str,
    },
    /// A packet that no script has.
    #[error("{at} s: {why}")]
    Packet {
        /// When.
        at: Instant,
        /// Why.
        why: &'static str,
    },
}

/// One line of a script.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Line {
    /// Lines stand in this order: twice the position of the entry, and one more for what begins behind it.
    order: usize,
    at: Instant,
    /// When a call that blocks returns.
    end: Option<Instant>,
    text: String,
}

/// The script of what happens at `host`.
///
/// # Errors
/// [`Untold`], with the reason.
pub fn tell(trace: &Trace, host: HostId, manner: &Manner<'_>) -> Result<String, Untold> {
    let freebsd = manner.runs_with.profile.as_deref() == Some(Profile::freebsd().name);
    let process = Process::new(trace, host, freebsd);
    let mut teller = Teller { trace, host, lines: Vec::new(), process, numbers: Numbers::default() };
    for index in 0..trace.entries.len() {
        teller.entry(index, manner)?;
    }
    teller.lines.sort_by_key(|line| line.order);
    last_return(&mut teller.lines);
    if teller.lines.is_empty() {
        return Err(Untold::Silent(trace.host(host).name.clone()));
    }
    let mut text = format!("{}\n", manner.runs_with);
    if !manner.title.is_empty() {
        let _ = writeln!(text, "// {}, at {}", manner.title.replace(['\n', '\r'], " "), trace.host(host).name);
    }
    if trace.host(host).address.is_ipv6() {
        text += "--ip_version=ipv6\n";
    }
    if manner.mtu != 1500 {
        let _ = writeln!(text, "--mtu={}", manner.mtu);
    }
    text.push('\n');
    if !freebsd && teller.lines.iter().any(|line| line.text.contains("FASTOPEN")) {
        // Linux wants to be told, beside what each socket says.
        text += "`sysctl -w net.ipv4.tcp_fastopen=3`\n\n";
    }
    written(&teller.lines, &mut text);
    Ok(text)
}

/// A call that returns behind the last line would not be waited for: whoever made it closes its socket then.
fn last_return(lines: &mut Vec<Line>) {
    let Some(last) = lines.last().map(|last| (last.order, last.at)) else { return };
    let Some((end, call)) = lines.iter().filter_map(|line| Some((line.end?, line))).max_by_key(|(end, _)| *end) else { return };
    let fd = call.text.split_once('(').and_then(|(_, arguments)| arguments.split_once(',')).map(|(fd, _)| fd.to_owned());
    if let Some(fd) = fd.filter(|_| end > last.1) {
        lines.push(Line { order: last.0, at: end, end: None, text: format!("close({fd}) = 0") });
    }
}

/// The lines with the time of each counted from the line before, as a person would.
fn written(lines: &[Line], text: &mut String) {
    let micros = |at: Instant| at.as_nanos() / 1000;
    let start = lines.first().map_or(0, |first| micros(first.at));
    let mut before = start;
    for (position, line) in lines.iter().enumerate() {
        let behind = |at: Instant| Duration::from_micros(micros(at).saturating_sub(before));
        let time = if position == 0 { Time::Absolute(Duration::ZERO) } else { Time::Relative(behind(line.at)) };
        let mut time = time.to_string();
        if let Some(end) = line.end {
            let _ = write!(time, "...{}", Time::Absolute(behind(end)));
        }
        let _ = writeln!(text, "{time:>5} {}", line.text);
        before = micros(line.at);
    }
}

struct Teller<'a> {
    trace: &'a Trace,
    host: HostId,
    lines: Vec<Line>,
    process: Process<'a>,
    numbers: Numbers,
}

impl<'a> Teller<'a> {
    fn entry(&mut self, index: usize, manner: &Manner<'_>) -> Result<(), Untold> {
        let entry = &self.trace.entries[index];
        if entry.host != self.host {
            return Ok(());
        }
        match &entry.what {
            What::Call { call, result, returned: false } => {
                let fresh = self.process.call(index, call, result.as_deref(), &mut self.lines)?;
                if fresh {
                    self.numbers = Numbers::of_connect(self.trace, self.host, index);
                }
                Ok(())
            }
            What::Departure(id) => self.departure(index, *id, manner),
            What::Arrival(id) => self.arrival(index, *id),
            What::Rejection(_) => Err(Untold::Packet { at: entry.at, why: "a damaged packet arrives, and a script can send none" }),
            // What is lost nobody sees; timers, looks and notes are the host's own.
            What::Call { returned: true, .. } | What::Loss(_) | What::Timer(_) | What::Observation | What::Note(_) => Ok(()),
        }
    }

    fn departure(&mut self, index: usize, id: PacketId, manner: &Manner<'_>) -> Result<(), Untold> {
        let at = self.trace.entries[index].at;
        let packet = self.told(at, id)?;
        if packet.from == Some(self.host) {
            let text = self.numbers.outbound(at, packet, manner.windows)?;
            self.lines.push(Line { order: 2 * index, at, end: None, text });
        }
        Ok(())
    }

    fn arrival(&mut self, index: usize, id: PacketId) -> Result<(), Untold> {
        let at = self.trace.entries[index].at;
        let packet = self.told(at, id)?;
        let text = self.numbers.inbound(at, packet)?;
        self.lines.push(Line { order: 2 * index, at, end: None, text });
        Ok(())
    }

    /// A packet that a script has words for.
    fn told(&self, at: Instant, id: PacketId) -> Result<&'a Packet, Untold> {
        let packet = self.trace.packet(id);
        let because = |why| Err(Untold::Packet { at, why });
        if packet.from == Some(self.host) && packet.to == self.host {
            return because("a host speaks to itself, and a script stands between two");
        }
        if packet.envelope.udp.is_some() {
            return because("segments travel in UDP");
        }
        match &packet.payload {
            Payload::Neighbour(Neighbour::Request(_) | Neighbour::Reply(_)) => {
                because("hosts ask for link addresses, and a script has no link")
            }
            Payload::Tcp { .. } | Payload::Udp { .. } | Payload::Icmp(_) => Ok(packet),
        }
    }
}
