//! A model as text, within 80 columns.

use std::collections::HashSet;
use std::fmt::Write as _;
use std::time::Duration;

use synfin::engine::Variables;
use synfin::ladder::{Fields, Message};
use synfin::sinks::ladder::{Style, render};
use synfin::trace::{Entry, HostId, Packet, PacketId, Trace, What};
use synfin::{Instant, Rule, Timer};

use super::model::{COMMANDS, Direction, Model, Screen, Side};

const COLUMNS: usize = 80;
/// Columns of the names of variables, and of one host's values.
const LABEL: usize = 12;
const VALUE: usize = 24;
/// Segments in flight that are listed one by one.
const IN_FLIGHT: usize = 8;

/// What there is to see.
pub(super) fn draw(model: &Model) -> String {
    match model.screen {
        Screen::Endpoints => endpoints(model),
        Screen::Ladder => ladder(model),
        Screen::Help => help(),
        Screen::NoFurther(Direction::Forwards) => "This is the end: nothing more happens. b goes back, q leaves.\n".to_owned(),
        Screen::NoFurther(Direction::Backwards) => "This is the beginning. n goes on, q leaves.\n".to_owned(),
    }
}

fn help() -> String {
    let mut text = String::new();
    for (short, long, takes, about) in COMMANDS {
        let _ = writeln!(text, "{:<7} {:<12} {about}", format!("{short}{takes}"), format!("{long}{takes}"));
    }
    text
}

fn ladder(model: &Model) -> String {
    if model.position == 0 {
        return "The ladder is empty: nothing has happened yet.\n".to_owned();
    }
    let mut so_far = model.trace.clone();
    so_far.entries.truncate(model.position);
    render(&so_far, Style::default())
}

fn endpoints(model: &Model) -> String {
    let now = model.last().map_or(Instant::START, |entry| entry.at);
    let mut text = String::new();
    let _ = writeln!(text, "{}, step {} of {}, {now} s", model.name, model.position, model.trace.entries.len());
    match model.last() {
        None if model.title.is_empty() => text += "Nothing has happened yet.\n",
        None => paragraph(&mut text, "", &model.title),
        Some(entry) => happened(&mut text, &model.trace, entry),
    }
    text.push('\n');
    table(&mut text, model, now);
    text.push('\n');
    in_flight(&mut text, model);
    match model.next() {
        None => text += "next        nothing: this is the end\n",
        Some(next) => {
            let wait = next.at.since(now);
            let when = if wait.is_zero() { String::new() } else { format!("in {} s, ", seconds(wait)) };
            paragraph(&mut text, "next        ", &(when + &words(&model.trace, next, false)));
        }
    }
    text
}

/// What an entry was, which rules answered it, what the user was told.
fn happened(text: &mut String, trace: &Trace, entry: &Entry) {
    paragraph(text, "", &words(trace, entry, true));
    if let What::Departure(id) | What::Arrival(id) | What::Rejection(id) | What::Loss(id) = entry.what {
        let extra = trace.packet(id).segment().map_or_else(String::new, |segment| Fields::of(segment, true).extra());
        paragraph(text, "            ", &extra);
    }
    for rule in &entry.rules {
        paragraph(text, "  rule      ", &format!("{}, {}", rule.name, rule.source()));
        paragraph(text, "            ", &effect(rule));
    }
    if entry.rules.is_empty() && entry.before != entry.after {
        paragraph(text, "            ", &format!("{} -> {}, by no rule of the table", entry.before, entry.after));
    }
    for signal in &entry.signals {
        paragraph(text, "  signal    ", &format!("to the user of {}: {signal}", trace.host(entry.host).name));
    }
}

fn effect(rule: &Rule) -> String {
    let does: Vec<_> = rule.does.iter().map(|action| action.name()).collect();
    let states = if rule.changes_state() { format!("{} -> {}", rule.from, rule.to) } else { format!("stays in {}", rule.from) };
    if does.is_empty() { states } else { format!("{states}: {}", does.join(", ")) }
}

/// What a packet carries, in a ladder's notation.
fn carried(packet: &Packet) -> String {
    packet.segment().map_or_else(|| Message::of(packet).to_string(), ToString::to_string)
}

/// An entry in a sentence; how a call ends is said only once it has happened.
fn words(trace: &Trace, entry: &Entry, happened: bool) -> String {
    let host = &trace.host(entry.host).name;
    let name = |id: HostId| &trace.host(id).name;
    match &entry.what {
        What::Call { call, result, returned } => {
            let verb = if *returned { "returns from" } else { "calls" };
            let outcome = match result {
                _ if !happened => String::new(),
                Ok(value) if value.is_empty() => ": done".to_owned(),
                Ok(value) => format!(": {value}"),
                Err(errno) if ["EINPROGRESS", "EAGAIN", "EALREADY"].contains(&errno.as_str()) => format!(": it waits ({errno})"),
                Err(errno) => format!(": {errno}"),
            };
            format!("{host} {verb} {call}{outcome}")
        }
        What::Departure(id) => {
            let packet = trace.packet(*id);
            let damage = packet.damage.map(|damage| format!(", whose octet {}, bit {} the wire turns", damage.octet, damage.bit));
            let marked = match packet.envelope.codepoint {
                synfin::engine::Codepoint::NotEct => String::new(),
                codepoint => format!(", {}", codepoint.name()),
            };
            format!("{host} sends {}{marked}{}", carried(packet), damage.unwrap_or_default())
        }
        What::Arrival(id) => {
            let packet = trace.packet(*id);
            let forged = if packet.from.is_none() { "the forged " } else { "" };
            format!("{host} receives {forged}{}", carried(packet))
        }
        What::Loss(id) => {
            let packet = trace.packet(*id);
            let from = packet.from.map_or("nobody", |from| name(from));
            format!("the network loses {} from {from} to {}", carried(packet), name(packet.to))
        }
        What::Rejection(id) => format!("{host} drops {}: its checksum is wrong", carried(trace.packet(*id))),
        What::Timer(timer) => format!("{host}'s {} timer expires", timer_name(*timer)),
        What::Observation => format!("{host} is seen in {}", entry.after),
        What::Note(note) => format!("{host}: {note}"),
    }
}

const fn timer_name(timer: Timer) -> &'static str {
    match timer {
        Timer::Retransmission => "retransmission",
        Timer::DelayedAck => "delayed ACK",
        Timer::TimeWait => "2 MSL",
        Timer::User => "user timeout",
        Timer::FinWait2 => "FIN-WAIT-2",
        Timer::KeepAlive => "keep-alive",
    }
}

/// A row of the table.
struct Row {
    label: &'static str,
    /// One for each host.
    cells: Vec<Cell>,
}

#[derive(Clone, PartialEq, Eq, Default)]
struct Cell {
    /// What is shown; `-` if nothing.
    shown: Option<String>,
    /// What tells a change: for a timer when it is due, as the time left always changes.
    due: Option<Instant>,
}

impl Cell {
    fn differs(&self, other: &Self) -> bool {
        self.due != other.due || (self.due.is_none() && self.shown != other.shown)
    }
}

/// Both endpoints, one line per variable; `*` marks what the last step changed.
fn table(text: &mut String, model: &Model, now: Instant) {
    let rows = rows(&model.sides(model.position), now);
    let earlier = model.position.checked_sub(1).map_or_else(Vec::new, |earlier| self::rows(&model.sides(earlier), now));
    let heads: Vec<_> = model.trace.hosts.iter().map(|host| format!("{:<VALUE$}", host.name)).collect();
    let _ = writeln!(text, "{}", format!("{:LABEL$}{}", "", heads.concat()).trim_end());
    for (index, row) in rows.iter().enumerate() {
        let before = earlier.get(index);
        let absent = |row: &Row| row.cells.iter().all(|cell| cell.shown.is_none());
        // A timer is worth a line while it runs, and when it has just stopped.
        if row.label.starts_with("timer") && absent(row) && before.is_none_or(absent) {
            continue;
        }
        let mut line = format!("{:<LABEL$}", row.label);
        for (host, cell) in row.cells.iter().enumerate() {
            let changed = before.is_some_and(|before| before.cells[host].differs(cell));
            let value = format!("{}{}", cell.shown.as_deref().unwrap_or("-"), if changed { " *" } else { "" });
            let _ = write!(line, "{value:<VALUE$}");
        }
        let _ = writeln!(text, "{}", line.trim_end());
    }
}

/// Every row there can be, always the same ones in the same order.
fn rows(sides: &[Side<'_>], now: Instant) -> Vec<Row> {
    type Get = fn(&Variables) -> Option<String>;
    const VARIABLES: [(&str, Get); 8] = [
        ("snd.una", |of| of.snd_una.map(|number| number.get().to_string())),
        ("snd.nxt", |of| of.snd_nxt.map(|number| number.get().to_string())),
        ("snd.wnd", |of| of.snd_wnd.map(|octets| octets.to_string())),
        ("rcv.nxt", |of| of.rcv_nxt.map(|number| number.get().to_string())),
        ("rcv.wnd", |of| of.rcv_wnd.map(|octets| octets.to_string())),
        ("iss", |of| of.iss.map(|number| number.get().to_string())),
        ("irs", |of| of.irs.map(|number| number.get().to_string())),
        // Without numbers there is nothing to retransmit.
        ("rto", |of| of.iss.map(|_| format!("{} s", seconds(of.rto)))),
    ];
    let state = |side: &Side<'_>| Cell { shown: Some(side.state.to_string()), due: None };
    let mut rows = vec![Row { label: "state", cells: sides.iter().map(state).collect() }];
    for (label, get) in VARIABLES {
        let cell = |side: &Side<'_>| Cell { shown: side.variables.and_then(get), due: None };
        rows.push(Row { label, cells: sides.iter().map(cell).collect() });
    }
    for timer in Timer::ALL {
        let cell = |side: &Side<'_>| {
            let due = side.variables.and_then(|of| of.timers.iter().find(|(running, _)| *running == timer)).map(|(_, due)| *due);
            Cell { shown: due.map(|due| format!("in {} s", seconds(due.since(now)))), due }
        };
        let cells: Vec<_> = sides.iter().map(cell).collect();
        // Few connections ever have one of these.
        let rare = matches!(timer, Timer::FinWait2 | Timer::KeepAlive);
        if !rare || cells.iter().any(|cell| cell.due.is_some()) {
            rows.push(Row { label: timer_label(timer), cells });
        }
    }
    rows
}

const fn timer_label(timer: Timer) -> &'static str {
    match timer {
        Timer::Retransmission => "timer rexmt",
        Timer::DelayedAck => "timer ack",
        Timer::TimeWait => "timer 2msl",
        Timer::User => "timer user",
        Timer::FinWait2 => "timer finwait2",
        Timer::KeepAlive => "timer alive",
    }
}

/// What has left and has neither arrived nor been lost; a duplicated packet arrives more than once.
fn in_flight(text: &mut String, model: &Model) {
    let (happened, coming) = model.trace.entries.split_at(model.position);
    let ended = |entries: &[Entry]| -> HashSet<PacketId> {
        let end = |entry: &Entry| match entry.what {
            What::Arrival(id) | What::Rejection(id) | What::Loss(id) => Some(id),
            _ => None,
        };
        entries.iter().filter_map(end).collect()
    };
    let (ended, to_come) = (ended(happened), ended(coming));
    // What never ends in this trace is under way for good.
    let under_way = |id: &PacketId| to_come.contains(id) || !ended.contains(id);
    let departed = happened.iter().filter_map(|entry| match entry.what {
        What::Departure(id) => Some(id),
        _ => None,
    });
    let flying: Vec<_> = departed.filter(under_way).collect();
    if flying.is_empty() {
        text.push_str("in flight   nothing\n");
    }
    for (index, id) in flying.iter().take(IN_FLIGHT).enumerate() {
        let packet = model.trace.packet(*id);
        let from = packet.from.map_or("?", |from| model.trace.host(from).name.as_str());
        let label = if index == 0 { "in flight   " } else { "            " };
        paragraph(text, label, &format!("{from} --> {} {}", model.trace.host(packet.to).name, carried(packet)));
    }
    if flying.len() > IN_FLIGHT {
        let _ = writeln!(text, "            and {} more", flying.len() - IN_FLIGHT);
    }
}

/// Seconds as [`Instant`] shows them.
fn seconds(duration: Duration) -> Instant {
    Instant::START + duration
}

/// Appends words behind a label, broken into lines of 80 columns; nothing if there are no words.
fn paragraph(text: &mut String, label: &str, words: &str) {
    let indent = label.len().max(2);
    let mut line = label.to_owned();
    let mut empty = true;
    for word in pieces(words) {
        if !empty && line.len() + word.trim_end().len() > COLUMNS {
            let _ = writeln!(text, "{}", line.trim_end());
            line = " ".repeat(indent);
        }
        line += word;
        empty = false;
    }
    if !empty {
        let _ = writeln!(text, "{}", line.trim_end());
    }
}

/// Where a line may be broken: at a space outside of a field, before a field of options, and inside
/// of it at a comma.
fn pieces(words: &str) -> Vec<&str> {
    let mut pieces = Vec::new();
    let (mut start, mut in_field, mut in_options) = (0, false, false);
    for (at, c) in words.char_indices() {
        match c {
            '<' => (in_field, in_options) = (true, words[at..].starts_with("<OPT")),
            '>' => (in_field, in_options) = (false, false),
            _ => {}
        }
        let next = at + c.len_utf8();
        let before_options = c == '>' && words[next..].starts_with("<OPT");
        if (c == ' ' && !in_field) || (c == ',' && in_options) || before_options {
            pieces.push(&words[start..next]);
            start = next;
        }
    }
    pieces.push(&words[start..]);
    pieces.retain(|piece| !piece.is_empty());
    pieces
}
