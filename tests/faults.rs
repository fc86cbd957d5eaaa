//! What a faulty network does to whole scenarios: to the ladder, the capture and the time.

use std::time::{Duration, Instant};

use synfin::ladder::rungs;
use synfin::sinks::ladder::{Style, render};
use synfin::sinks::pcap::{self, Format, Tap};
use synfin::sources::scenario::{Overrides, PlayError, Scenario, parse_fault};
use synfin::trace::{HostId, Trace, What};
use synfin::wire::{Checksums, WireError, decode_frame};

const OPENING: &str = "A iss 100\nB iss 300\nB listen\nA connect\n   CLOSED CLOSED\n";

fn played(text: &str) -> Trace {
    Scenario::parse("faults", text).unwrap_or_else(|error| panic!("{error}")).run()
}

fn bare(trace: &Trace) -> String {
    render(trace, Style { options: false, bare: true })
}

/// The frames of a capture at this tap.
fn frames(trace: &Trace, tap: Tap) -> Vec<Vec<u8>> {
    let mut octets = Vec::new();
    pcap::write(trace, Format::Pcap, tap, &mut octets).expect("a Vec takes everything");
    let mut rest = &octets[24..];
    let mut frames = Vec::new();
    while !rest.is_empty() {
        let length = u32::from_le_bytes(rest[8..12].try_into().expect("four")) as usize;
        frames.push(rest[16..16 + length].to_vec());
        rest = &rest[16 + length..];
    }
    frames
}

#[test]
fn a_wrong_checksum_is_dropped_without_a_word() {
    // MUST-3.
    let trace = played(&format!("{OPENING}corrupt A:data octet 4 bit 7\nA send 10\n"));
    let rejected = trace.entries.iter().find(|entry| matches!(entry.what, What::Rejection(_))).expect("it reached B");
    assert_eq!(rejected.host, HostId(1));
    assert!(rejected.rules.is_empty() && rejected.signals.is_empty() && rejected.before == rejected.after);
    let answers = trace.entries.iter().filter(|entry| entry.at == rejected.at && matches!(entry.what, What::Departure(_)));
    assert_eq!(answers.count(), 0);
    let rows: Vec<_> = bare(&trace).lines().skip(3).map(str::to_owned).collect();
    assert_eq!(rows.len(), 3, "{rows:#?}");
    assert!(rows[0].ends_with("XXX") && rows[1].ends_with("--> ESTABLISHED"), "{rows:#?}");
}

#[test]
fn a_capture_has_a_damaged_segment_as_it_was_on_the_wire() {
    // MUST-2: only the damaged one has a wrong checksum, and the same one at both taps.
    let trace = played(&format!("{OPENING}corrupt A:data octet 4 bit 7\nA send 10\n"));
    for tap in [HostId(0), HostId(1)] {
        let frames = frames(&trace, Tap::Host(tap));
        let wrong: Vec<_> = frames.iter().filter(|frame| decode_frame(frame, Checksums::Verify).is_err()).collect();
        let [wrong] = wrong[..] else { panic!("{} wrong frames at {tap:?}", wrong.len()) };
        assert!(matches!(decode_frame(wrong, Checksums::Verify), Err(WireError::Checksum { .. })));
        let seq = decode_frame(wrong, Checksums::Trust).expect("whole otherwise").payload.segment().expect("a segment").seq.get();
        assert_eq!(seq, 101 + (1 << 31));
    }
}

#[test]
fn every_single_bit_of_a_segment_is_covered_by_the_checksum() {
    // MUST-3; a damaged data offset makes no segment of it either.
    for octet in 0..30 {
        for bit in 0..8 {
            let trace = played(&format!("{OPENING}corrupt A:data octet {octet} bit {bit}\nA send 10\n"));
            assert!(trace.entries.iter().any(|entry| matches!(entry.what, What::Rejection(_))), "octet {octet}, bit {bit}");
        }
    }
}

#[test]
fn a_reordered_segment_arrives_behind_the_next() {
    let trace = played(&format!("{OPENING}A option nodelay on\nreorder A:data\nA send 10\nA send 20\nA send 30\n"));
    let arrived: Vec<_> = trace
        .entries
        .iter()
        .filter_map(|entry| match entry.what {
            What::Arrival(id) if entry.host == HostId(1) => Some(trace.packet(id).segment().expect("a segment").len),
            _ => None,
        })
        .filter(|len| *len > 0)
        .collect();
    assert_eq!(arrived, [20, 10, 30]);
}

#[test]
fn a_reordered_segment_does_not_wait_for_ever() {
    let trace = played(&format!("{OPENING}reorder A:data\nA send 10\n"));
    let sent = trace
        .entries
        .iter()
        .find(|entry| matches!(entry.what, What::Departure(id) if trace.packet(id).segment().expect("a segment").len > 0));
    let came = trace
        .entries
        .iter()
        .find(|entry| matches!(entry.what, What::Arrival(id) if trace.packet(id).segment().expect("a segment").len > 0));
    let took = came.expect("it arrives").at.since(sent.expect("it left").at);
    assert_eq!(took, Duration::from_millis(110));
}

#[test]
fn two_spellings_of_an_act_are_one() {
    let line = played(&format!("{OPENING}lose A:FIN times 2\nA close\n"));
    let behind = played(&format!("{OPENING}A lose FIN times 2\nA close\n"));
    assert_eq!(line, behind);
    let given = Overrides { faults: vec![parse_fault("--fault", "lose A:FIN times 2").expect("a fault")], ..Overrides::default() };
    let scenario = Scenario::parse("faults", &format!("{OPENING}A close\n")).expect("a scenario");
    assert_eq!(rungs(&scenario.simulate(&given).expect("it plays"), true), rungs(&line, true));
}

#[test]
fn the_command_line_replaces_what_a_file_says_of_the_link() {
    let scenario = Scenario::parse("faults", &format!("link loss 100%\n{OPENING}")).expect("a scenario");
    let lost = |overrides: &Overrides| {
        let trace = scenario.simulate(overrides).expect("it plays");
        trace.entries.iter().filter(|entry| matches!(entry.what, What::Loss(_))).count()
    };
    assert!(lost(&Overrides::default()) > 0);
    let faults = vec![parse_fault("--fault", "loss 0%").expect("a fault")];
    assert_eq!(lost(&Overrides { faults, ..Overrides::default() }), 0);
}

#[test]
fn a_dropped_packet_is_a_loss_with_a_note() {
    let trace = synfin::scenario("slow-link").expect("in the catalogue").run();
    let full: Vec<_> =
        (0..trace.entries.len()).filter(|at| trace.entries[*at].what == What::Note("the queue is full: dropped".to_owned())).collect();
    assert!(!full.is_empty());
    assert!(full.iter().all(|at| matches!(trace.entries[at + 1].what, What::Loss(_))));
}

#[test]
fn bandwidth_is_exact() {
    // A SYN with MSS is 44 octets: 352 bits, 352 ms at 1 kbit/s; and 10 ms on the way.
    let trace = played(&format!("link A>B rate 1kbit\n{OPENING}"));
    let came = trace.entries.iter().find(|entry| matches!(entry.what, What::Arrival(_))).expect("the SYN arrives");
    assert_eq!(came.at.as_nanos(), 362_000_000);
}

#[test]
fn hostile_settings_come_to_an_end() {
    let began = Instant::now();
    for faults in [
        "link rate 1bit",
        "link rate 1bit queue 0",
        "link rate 1bit queue 0 octets",
        "link duplicate 100%",
        "link reorder 100%",
        "link corrupt 100%",
        "link loss 100%",
        "link jitter 1year",
        "link delay 1year",
        "link duplicate 100%\nlink reorder 100%\nlink jitter 1h\nlink rate 1bit",
        "link delay 0s\nlink duplicate 100%\nlink reorder 50%",
        "profile linux\nlink duplicate 100%\nlink corrupt 50%\nlink jitter 10s",
    ] {
        let text = format!("{faults}\n{OPENING}A send 50000\nB send 50000\nA close\nB close\n");
        let scenario = Scenario::parse("hostile", &text).unwrap_or_else(|error| panic!("{error}"));
        match scenario.simulate(&Overrides::default()) {
            Ok(_) | Err(PlayError::Endless { .. } | PlayError::NeverBegins { .. }) => {}
            Err(error) => panic!("{faults}: {error}"),
        }
    }
    assert!(began.elapsed() < Duration::from_mins(1), "{:?}", began.elapsed());
}

#[test]
fn a_send_that_waits_for_room_lets_go_of_what_fits() {
    // RFC 9293 section 3.9.1.2. B's buffer takes all but an octet as soon as the connection is open, and nothing else is left to happen.
    let trace = played("B set send-buffer=1000\nB listen\nA connect\nB send 1001\nA recv 1001\n");
    let received = trace.entries.iter().any(|entry| matches!(&entry.what, What::Call { call, result: Ok(_), .. } if call == "recv 1001"));
    assert!(received, "{}", bare(&trace));
}
