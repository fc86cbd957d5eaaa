//! The catalogue against `rfc/scenarios.csv`, line by line: direction, flags, numbers, length, fate,
//! options where the table has them, and both states after every line.

mod common {
    pub(crate) mod csv;
}

use std::collections::BTreeMap;

use common::csv::csv;
use synfin::engine::{Codepoint, Event, FastOpenCookie, Flags, State, Timer};
use synfin::ladder::{RungKind, Sign, Step, steps};
use synfin::sources::scenario::{Scenario, catalogue};
use synfin::trace::{End, HostId, Packet, PacketId, Trace, What};

/// Scenarios of the catalogue that are ours: the table has no lines for them.
const OWN: [&str; 13] = [
    "abort",
    "arp",
    "connect-multicast-refused",
    "corrupt-segment",
    "icmp-hard-error",
    "icmp-soft-error",
    "lossy-link",
    "ping",
    "port-in-use",
    "slow-link",
    "udp-echo",
    "udp-loss-reorder",
    "urgent-data",
];
/// Scenarios whose table lines are absolute numbers, as in the RFC's figure.
const ABSOLUTE: [&str; 3] = ["half-open-discovery", "half-open-active-side", "time-wait-syn-not-newer"];
/// Scenarios where a host that restarted is numbered from its earlier incarnation throughout.
const OLD_NUMBERS: [(&str, HostId); 1] = [("blind-syn-real-restart", HostId(0))];
/// A segment that the network holds up: the ladder draws it once, since neither host's own order is bent;
/// the table draws it where it leaves and where it arrives.
const HELD_UP: [(&str, Flags); 1] = [("old-duplicate-syn-race", Flags::RST)];
/// Two answers that cross: the table, whose latency is zero, has the second one leave when the first has arrived.
const CROSSED: [(&str, HostId, Flags); 1] = [("simultaneous-open-literal", HostId(1), Flags::ACK)];
/// How many segments fill a queue before the table begins.
const PRELUDE: [(&str, usize); 1] = [("backlog-overflow", 3)];
/// The table takes latency as zero; ours is some round trips of 10 ms.
const TOLERANCE: f64 = 0.1;

/// One line of the table, or what our trace has in its place.
#[derive(Clone, PartialEq, Debug)]
struct Line {
    time: Option<f64>,
    what: String,
    states: (State, State),
    options: String,
}

fn expected(name: &str) -> ((State, State), Vec<Line>) {
    let table = include_str!("rfc/scenarios.csv");
    let rows = csv(table);
    let rows: Vec<_> = rows.into_iter().filter(|row| row["scenario"] == name).collect();
    let state = |row: &BTreeMap<String, String>, column: &str| match row[column].as_str() {
        "-" => State::Closed,
        text => State::named(text).unwrap_or_else(|| panic!("{name}: state {text:?}")),
    };
    let states = |row| (state(row, "state_a"), state(row, "state_b"));
    let start = states(&rows[0]);
    let lines = rows[1..].iter().map(|row| {
        let what = if row["kind"] == "seg" {
            let fate = if row["from"] == "X" { "arrives late" } else { &row["fate"] };
            let from = if row["from"] == "X" { if row["to"] == "B" { "A" } else { "B" } } else { &row["from"] };
            format!("{from} {} SEQ={} ACK={} LEN={} {fate}", flags(&row["flags"]), row["seq"], row["ack"], row["len_or_text"])
        } else {
            let words = row["len_or_text"].replace(", 100 octets unread", "");
            format!("{} {} {words}", row["from"], row["kind"])
        };
        Line { time: row["time_s"].parse().ok(), what, states: states(row), options: row["options"].clone() }
    });
    (start, lines.collect())
}

/// The table's flags in our order.
fn flags(text: &str) -> String {
    let named = |flag| Flags::named(flag).unwrap_or_else(|| panic!("flag {flag:?}"));
    text.split(',').map(named).fold(Flags::NONE, Flags::with).to_string()
}

fn states_at(trace: &Trace, entry: usize) -> (State, State) {
    let of = |host: HostId| {
        let seen = trace.entries[..=entry].iter().rev().find(|entry| entry.host == host);
        seen.map_or(trace.host(host).initial_state, |entry| entry.after)
    };
    (of(HostId(0)), of(HostId(1)))
}

/// The same beside what only one host does: where the other's connection is over, a listener may have taken its
/// place, and the next thing that happens there says so.
fn states_beside(trace: &Trace, entry: usize) -> (State, State) {
    let (a, b) = states_at(trace, entry);
    let of = |host: HostId, state: State| {
        let next = trace.entries[entry + 1..].iter().find(|next| next.host == host);
        next.map(|next| next.before).filter(|next| state == State::Closed && *next == State::Listen).unwrap_or(state)
    };
    (of(HostId(0), a), of(HostId(1), b))
}

fn actual(name: &str, trace: &Trace) -> Vec<Line> {
    let mut lines: Vec<(usize, Line)> = Vec::new();
    // Segments stand where the ladder draws them, everything else where it happened.
    for step in &steps(trace, true) {
        if let Step::Remark(_, index) = step {
            lines.extend(remark(trace, *index).map(|line| (*index, line)));
        }
        if let Step::Rung(rung, index) = step
            && let RungKind::Segment { course, .. } = &rung.kind
        {
            let id = packet_of(trace, *index);
            let shown = states_at(trace, *index);
            let (left, right) = (rung.left.unwrap_or(shown.0), rung.right.unwrap_or(shown.1));
            let packet = trace.packet(id);
            let to_itself = packet.from == Some(packet.to);
            let fate = match (course.left, course.right) {
                (Sign::Lost, _) | (_, Sign::Lost) => "lost",
                (Sign::InNetwork, Sign::Leftward) | (Sign::Rightward, Sign::InNetwork) => "delayed",
                (Sign::InNetwork, Sign::Rightward) | (Sign::Leftward, Sign::InNetwork) => "arrives late",
                _ => "delivered",
            };
            // The table draws a segment to oneself once, where it has arrived.
            let fate = match (to_itself, fate) {
                (true, "delayed") => continue,
                (true, _) => "delivered",
                (false, fate) => fate,
            };
            let crossed = |of: &(&str, HostId, Flags)| *of == (name, packet.from.unwrap_or(packet.to), flags_of(packet));
            let fate = match (CROSSED.iter().any(crossed), fate) {
                (true, "delayed") => continue,
                (true, _) => "delivered",
                (false, fate) => fate,
            };
            let time = departure(trace, id).map_or(trace.entries[*index].at, |entry| trace.entries[entry].at).as_nanos();
            let line = |fate: &str, states| Line {
                time: Some(seconds(time)),
                what: format!("{} {fate}", numbers(name, trace, id)),
                states,
                options: options(trace, id),
            };
            if fate == "delivered" && HELD_UP.contains(&(name, flags_of(packet))) {
                let left_at = departure(trace, id).expect("it left");
                let place = lines.iter().position(|(entry, _)| *entry > left_at).unwrap_or(lines.len());
                lines.insert(place, (left_at, line("delayed", states_at(trace, left_at))));
                lines.push((*index, line("arrives late", (left, right))));
            } else {
                lines.push((*index, line(fate, (left, right))));
            }
        }
    }
    lines.into_iter().map(|(_, line)| line).collect()
}

/// A call or a timer, and the states once what it makes leave has left.
fn remark(trace: &Trace, index: usize) -> Option<Line> {
    let entry = &trace.entries[index];
    let what = match &entry.what {
        What::Call { call, result, returned } => call_words(call, result, *returned)?,
        What::Timer(Timer::Retransmission) if entry.rules.iter().any(|rule| rule.on == Event::RetransmissionR2) => {
            "timer rexmt-R2".to_owned()
        }
        What::Timer(timer) => format!("timer {}", timer.name()),
        _ => return None,
    };
    let leaves = |next: &&synfin::trace::Entry| next.at == entry.at && next.host == entry.host && matches!(next.what, What::Departure(_));
    let settled = index + trace.entries[index + 1..].iter().take_while(leaves).count();
    let what = format!("{} {what}", trace.host(entry.host).name);
    Some(Line { time: Some(seconds(entry.at.as_nanos())), what, states: states_beside(trace, settled), options: String::new() })
}

/// A call in the table's words, which are the RFC's.
fn call_words(call: &str, result: &Result<String, String>, returned: bool) -> Option<String> {
    let words: Vec<&str> = call.split_whitespace().collect();
    Some(match (words.as_slice(), result, returned) {
        (["connect", ..], _, false) => "call OPEN active".to_owned(),
        (["listen", ..] | ["open", "passive"], _, false) => "call OPEN passive".to_owned(),
        (["open", "passive", "peer", _], _, false) => "call OPEN passive, remote specified".to_owned(),
        (["send", octets, "eof"], _, false) => format!("call SEND {octets} and CLOSE"),
        (["send", octets, ..], _, false) => format!("call SEND {octets}"),
        (["close"] | ["shutdown", "write"] | ["close", "listener"], _, false) => "call CLOSE".to_owned(),
        (["abort"], _, false) => "call ABORT".to_owned(),
        (["exit"], _, false) => "app exit".to_owned(),
        (["accept"], Ok(_), _) => "app accept".to_owned(),
        (["crash"], ..) => "crash".to_owned(),
        (["recv", ..], Ok(text), _) if text == "end of file" => "app read eof".to_owned(),
        (["recv", ..], Ok(text), _) => format!("app read {text}"),
        _ => return None,
    })
}

fn flags_of(packet: &Packet) -> Flags {
    packet.segment().expect("a segment").flags
}

fn packet_of(trace: &Trace, entry: usize) -> PacketId {
    match trace.entries[entry].what {
        What::Departure(id) | What::Arrival(id) | What::Rejection(id) | What::Loss(id) => id,
        ref what => panic!("entry {entry} is no packet: {what:?}"),
    }
}

/// The entry where a packet leaves; a forged one never did.
fn departure(trace: &Trace, id: PacketId) -> Option<usize> {
    trace.entries.iter().position(|entry| entry.what == What::Departure(id))
}

#[expect(clippy::cast_precision_loss, reason = "compared with a tolerance")]
fn seconds(nanos: u64) -> f64 {
    nanos as f64 / 1e9
}

fn numbers(name: &str, trace: &Trace, id: PacketId) -> String {
    let packet = trace.packet(id);
    let segment = packet.segment().expect("a segment");
    // A forged segment is numbered as the host it pretends to come from would.
    let host = packet.from.unwrap_or(HostId(1 - packet.to.0));
    let other = if packet.from == Some(packet.to) { host } else { HostId(1 - host.0) };
    let relative = |number: u32, of: HostId, end: End| {
        if ABSOLUTE.contains(&name) {
            return i64::from(number);
        }
        let mut syns = trace.packets[..=id.0 as usize].iter().filter(|packet| packet.from == Some(of) && packet.has(Flags::SYN));
        let syn = if OLD_NUMBERS.contains(&(name, of)) { syns.next() } else { syns.next_back() };
        // Who never sent a SYN is numbered from the one somebody sent in its name.
        let forged = || trace.packets.iter().find(|packet| packet.from.is_none() && packet.source == end && packet.has(Flags::SYN));
        let syn = syn.or_else(forged);
        i64::from(number.wrapping_sub(syn.and_then(Packet::segment).map_or(0, |segment| segment.seq.get())).cast_signed())
    };
    let literal_zero = segment.has(Flags::RST) && segment.seq.get() == 0;
    let seq = if literal_zero { 0 } else { relative(segment.seq.get(), host, packet.source) };
    let ack = if segment.has(Flags::ACK) { relative(segment.ack.get(), other, packet.destination).to_string() } else { "-".to_owned() };
    format!("{} {} SEQ={seq} ACK={ack} LEN={}", trace.host(host).name, segment.flags, segment.len)
}

/// The options in the table's words, all that the segment has.
fn options(trace: &Trace, id: PacketId) -> String {
    let segment = trace.packet(id).segment().expect("a segment");
    let offers = segment.options.offers();
    let ip = match trace.packet(id).envelope.codepoint {
        Codepoint::NotEct => "not-ect",
        Codepoint::Ect1 => "ect1",
        Codepoint::Ect0 => "ect0",
        Codepoint::Ce => "ce",
    };
    let mut words = vec![format!("win={}", segment.window.0), format!("ip={ip}")];
    words.extend(offers.mss.map(|mss| format!("mss={mss}")));
    words.extend(offers.window_scale.map(|shift| format!("ws={shift}")));
    words.extend(offers.sack_permitted.then(|| "sackok".to_owned()));
    words.extend(offers.timestamps.map(|ts| format!("ts={}/{}", ts.val, ts.ecr)));
    words.extend(segment.options.fast_open().map(|cookie| fast_open(trace, id, cookie)));
    words.join(" ")
}

/// A cookie is stale if the server answers it with another.
fn fast_open(trace: &Trace, id: PacketId, cookie: FastOpenCookie) -> String {
    let from = trace.packet(id).from;
    let mut later = trace.packets[id.0 as usize..].iter().filter(|packet| packet.from != from);
    let given = later.find_map(|packet| packet.segment().expect("a segment").options.fast_open());
    let word = match given {
        _ if cookie.is_request() => "request",
        Some(given) if given != cookie => "stale",
        _ => "cookie",
    };
    format!("tfo={word}")
}

fn is_segment(line: &Line) -> bool {
    line.what.contains("SEQ=")
}

fn check(name: &str) -> Result<usize, String> {
    let scenario = Scenario::load(name).expect("in the catalogue");
    let trace = scenario.run();
    let (start, expected) = expected(name);
    let all = actual(name, &trace);
    // What leads to the starting states of the table is not its subject.
    let begin = if start == (State::Closed, State::Closed) {
        0
    } else {
        1 + all.iter().position(|line| line.states == start).ok_or_else(|| format!("{name}: never in {start:?}"))?
    };
    let prelude = PRELUDE.iter().find(|(with, _)| *with == name).map_or(0, |(_, segments)| *segments);
    let begin = match all.iter().enumerate().skip(begin).filter(|(_, line)| is_segment(line)).nth(prelude) {
        Some((first, _)) if prelude > 0 => first,
        _ => begin,
    };
    let actual = &all[begin..];
    let report = |at: usize, line: &Line, found: &str| {
        let ours: Vec<_> =
            actual.iter().map(|line| format!("  {:?} {} {:?} [{}]", line.time, line.what, line.states, line.options)).collect();
        format!("{name}: line {}: expected\n  {line:?}\nfound {found}; ours:\n{}", at + 1, ours.join("\n"))
    };
    let mut position = 0;
    let mut clock: Option<(f64, f64)> = None;
    for (at, line) in expected.iter().enumerate() {
        // Calls and timers the table does not mention may stand between; segments may not.
        let rest = &actual[position..];
        if line.what.contains(" app ") {
            // An application reads when it wakes; the stack may have answered by then.
            if rest.iter().any(|ours| ours.what == line.what && ours.states == line.states) {
                continue;
            }
            return Err(report(at, line, "nothing like it"));
        }
        let found = if is_segment(line) {
            rest.iter().position(is_segment)
        } else {
            rest.iter().position(|ours| ours.what == line.what || is_segment(ours))
        };
        let Some(ours) = found.map(|found| &rest[found]) else { return Err(report(at, line, "nothing")) };
        if ours.what != line.what || ours.states != line.states {
            return Err(report(at, line, &format!("{ours:?}")));
        }
        for option in line.options.split_whitespace() {
            if !ours.options.split_whitespace().any(|ours| ours == option) {
                return Err(report(at, line, &format!("options {}", ours.options)));
            }
        }
        if let (Some(theirs), Some(ours)) = (line.time, ours.time) {
            let (their_first, our_first) = *clock.get_or_insert((theirs, ours));
            if ((theirs - their_first) - (ours - our_first)).abs() > TOLERANCE {
                return Err(report(at, line, &format!("time {ours}")));
            }
        }
        position += found.unwrap_or(0) + 1;
    }
    match actual[position..].iter().find(|line| is_segment(line)) {
        Some(extra) => Err(format!("{name}: more than the table has: {extra:?}")),
        None => Ok(expected.len()),
    }
}

#[test]
fn every_scenario_is_the_tables_line_by_line() {
    let names: Vec<_> = catalogue::names().filter(|name| !OWN.contains(name)).collect();
    let (mut failures, mut lines) = (Vec::new(), 0);
    for name in &names {
        match check(name) {
            Ok(checked) => lines += checked,
            Err(failure) => failures.push(failure),
        }
    }
    assert!(failures.is_empty(), "{} of {} scenarios differ:\n{}", failures.len(), names.len(), failures.join("\n\n"));
    assert!(names.len() >= 16, "the first catalogue has at least 16 scenarios of the table");
    assert!(lines >= 150, "only {lines} lines were compared");
}
