//! What we write, read by others: tshark must find nothing to complain about and see what the trace says.

mod common {
    pub(crate) mod by_hand;
    pub(crate) mod tshark;
}

use std::fs::{self, File};
use std::io::BufWriter;
use std::path::{Path, PathBuf};

use synfin::sinks::pcap::{self, Format, Tap};
use synfin::sources::scenario::{Overrides, Scenario, catalogue};
use synfin::trace::{Trace, What};

use common::by_hand::{self, A, B};
use common::tshark;

const FOUR: [&str; 2] = ["10.0.0.1", "10.0.0.2"];
const SIX: [&str; 2] = ["fd00::1", "fd00::2"];

fn trace(addresses: [&str; 2]) -> Trace {
    by_hand::trace(addresses.map(|address| address.parse().expect("an address")))
}

/// The trace as a file, in the format its name says.
fn written(trace: &Trace, tap: Tap, folder: &Path, name: &str) -> PathBuf {
    let path = folder.join(name);
    let format = Format::of_path(&path).expect("a name with a format");
    let mut file = BufWriter::new(File::create(&path).expect("a temporary file"));
    pcap::write(trace, format, tap, &mut file).expect("the trace can be written");
    path
}

/// What a tap must see, frame by frame: the time in nanoseconds since 1970, SEQ, ACK and flags as in the header.
fn expected(trace: &Trace, tap: Tap) -> Vec<Vec<String>> {
    let mut frames = Vec::new();
    for entry in &trace.entries {
        let (What::Departure(id) | What::Arrival(id)) = entry.what else { continue };
        if tap == Tap::Both || tap == Tap::Host(entry.host) {
            let segment = trace.packet(id).segment().expect("a segment");
            let nanos = pcap::EPOCH.as_nanos() + u128::from(entry.at.as_nanos());
            let time = format!("{}.{:09}", nanos / 1_000_000_000, nanos % 1_000_000_000);
            let flags = format!("0x{:04x}", segment.flags.bits());
            frames.push(vec![time, segment.seq.to_string(), segment.ack.to_string(), flags]);
        }
    }
    frames
}

const SEEN: [&str; 4] = ["frame.time_epoch", "tcp.seq_raw", "tcp.ack_raw", "tcp.flags"];

#[test]
fn tshark_sees_in_both_formats_what_the_trace_says() {
    if !tshark::is_here_for("tshark_sees_in_both_formats_what_the_trace_says") {
        return;
    }
    let folder = tempfile::tempdir().expect("a temporary folder");
    for addresses in [FOUR, SIX] {
        let trace = trace(addresses);
        for (tap, name) in [
            (Tap::Host(A), "a.pcap"),
            (Tap::Host(B), "b.pcap"),
            (Tap::Host(A), "a.pcapng"),
            (Tap::Host(B), "b.pcapng"),
            (Tap::Both, "ab.pcapng"),
        ] {
            let path = written(&trace, tap, folder.path(), name);
            assert_eq!(tshark::malformed(&path), 0, "{name}");
            assert_eq!(tshark::bad_checksums(&path), 0, "{name}");
            assert_eq!(tshark::fields(&path, &SEEN), expected(&trace, tap), "{name}");
        }
    }
}

#[test]
fn tshark_warns_of_the_reset_only() {
    if !tshark::is_here_for("tshark_warns_of_the_reset_only") {
        return;
    }
    let folder = tempfile::tempdir().expect("a temporary folder");
    for addresses in [FOUR, SIX] {
        for name in ["a.pcap", "a.pcapng"] {
            let path = written(&trace(addresses), Tap::Host(A), folder.path(), name);
            assert_eq!(tshark::expert(&path), ["11: Connection reset (RST)"], "{name}");
        }
        // With both taps every packet is there twice; Wireshark notes the copies, but warns of none.
        let path = written(&trace(addresses), Tap::Both, folder.path(), "ab.pcapng");
        assert_eq!(tshark::expert(&path), ["21: Connection reset (RST)", "22: Connection reset (RST)"]);
    }
}

#[test]
fn tshark_shows_interface_direction_number_and_comment() {
    if !tshark::is_here_for("tshark_shows_interface_direction_number_and_comment") {
        return;
    }
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = written(&trace(FOUR), Tap::Both, folder.path(), "ab.pcapng");
    let right: Vec<Vec<String>> = trace(FOUR)
        .entries
        .iter()
        .filter_map(|entry| {
            let name = if entry.host == A { "A" } else { "B" };
            let (direction, id) = match entry.what {
                What::Departure(id) => ("0x00000002", id),
                What::Arrival(id) => ("0x00000001", id),
                What::Call { .. } | What::Loss(_) | What::Rejection(_) | What::Timer(_) | What::Note(_) | What::Observation => return None,
            };
            Some(vec![name.to_owned(), direction.to_owned(), id.0.to_string()])
        })
        .collect();
    assert_eq!(tshark::fields(&path, &["frame.interface_name", "frame.packet_flags_direction", "frame.packet_id"]), right);

    let comments: Vec<String> = tshark::fields(&path, &["frame.comment"]).concat();
    assert_eq!(comments.len(), right.len());
    assert_eq!(
        comments[15..19],
        [
            "A FIN-WAIT-2 -> TIME-WAIT | rcv FIN,ACK | fin-wait-2/fin | RFC 9293 3.10.7.4 eighth",
            "A TIME-WAIT -> TIME-WAIT | snd ACK | fin-wait-2/fin | RFC 9293 3.10.7.4 eighth",
            "B LAST-ACK -> CLOSED | rcv ACK | last-ack/fin-acked | RFC 9293 3.10.7.4 fifth",
            "A SYN-SENT -> SYN-SENT | snd SYN | closed/open-active | RFC 9293 3.10.1 | after: timer 2msl (TIME-WAIT -> CLOSED by time-wait/2msl), \
             call connect (CLOSED -> SYN-SENT by closed/open-active)",
        ]
    );
}

#[test]
fn the_oracle_sees_a_wrong_checksum() {
    if !tshark::is_here_for("the_oracle_sees_a_wrong_checksum") {
        return;
    }
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = written(&trace(FOUR), Tap::Host(A), folder.path(), "a.pcap");
    let mut octets = fs::read(&path).expect("just written");
    // The first frame's source port: behind the file's header, the packet's, Ethernet's and IP's.
    octets[24 + 16 + 14 + 20] ^= 1;
    fs::write(&path, octets).expect("a temporary file");
    assert_eq!(tshark::bad_checksums(&path), 1);
    assert!(tshark::expert(&path).iter().any(|line| line.starts_with("1: Bad checksum")), "{:?}", tshark::expert(&path));
}

/// What Wireshark remarks on scenarios that mean to provoke it; anything else is a mistake of ours.
const MEANT: &[(&str, &[&str])] = &[
    ("old-duplicate-syn", &[RESET, UNSEEN, UNSEEN_ACK]),
    ("half-open-discovery", &[RESET]),
    ("half-open-active-side", &[RESET]),
    ("syn-to-closed-port", &[RESET]),
    ("linger-zero-abort", &[RESET]),
    ("abort", &[RESET]),
    ("close-with-unread-data", &[RESET]),
    ("data-after-close", &[RESET]),
    ("close-listener", &[RESET]),
    ("simultaneous-open-refused", &[RESET]),
    ("old-duplicate-two-passive", &[RESET]),
    ("ack-to-closed-port", &[RESET]),
    ("rst-to-closed-port", &[RESET]),
    ("rst-to-listen", &[RESET]),
    ("ack-to-listen", &[RESET]),
    ("time-wait-assassination", &[RESET]),
    ("time-wait-assassination-defended", &[RESET]),
    ("blind-rst-in-window", &[RESET]),
    ("blind-rst-outside", &[RESET]),
    ("blind-rst-exact", &[RESET]),
    ("challenge-ack-throttle", &[RESET]),
    ("old-duplicate-syn-race", &[RESET, UNSEEN, UNSEEN_ACK]),
    // The second connection has the ports of the first, and numbers of its own.
    ("blind-syn-real-restart", &[RESET, UNSEEN, UNSEEN_ACK]),
    // The forged RST acknowledges what nobody sent.
    ("rst-bad-ack-syn-sent", &[RESET, UNSEEN_ACK]),
    ("blind-data-injection", &[UNSEEN_ACK]),
    // Linux reports what it has received twice.
    ("duplicate-segment", &[DUPLICATE]),
    ("fin-ack-lost", &[DUPLICATE]),
    // A tail-loss probe leaves, or a copy of what was overtaken: it comes twice.
    ("fin-before-data", &[UNSEEN, DUPLICATE]),
    ("reordered-segments", &[UNSEEN, DUPLICATE]),
    // The queue in between drops what a window sends at once.
    ("slow-link", &[UNSEEN]),
    ("zero-window-probe", &[WINDOW_FULL, WINDOW_ZERO]),
    ("urgent-data", &[WINDOW_FULL, WINDOW_ZERO]),
    ("rst-zero-window", &[WINDOW_FULL, WINDOW_ZERO, RESET]),
    ("syn-ack-with-fin", &[UNSEEN_ACK]),
    ("syn-fin", &[RESET, UNSEEN, UNSEEN_ACK]),
    ("abort-in-closing", &[RESET]),
    ("close-in-syn-sent", &[RESET]),
    ("fin-wait-2-orphan", &[RESET]),
    ("keepalive-dead-peer", &[RESET]),
    ("last-ack-gives-up", &[RESET]),
    ("process-exit", &[RESET]),
    ("syn-flood", &[RESET]),
    ("syn-cookie-bad-ack", &[RESET]),
    ("rst-in-fin-wait-1", &[RESET]),
    // What was not captured is the number of the lost FIN.
    ("simultaneous-close-fin-lost", &[UNSEEN]),
    // The forged text and RST; and the forged acknowledgment of what nobody sent.
    ("paws-drop", &[RESET]),
    ("timestamp-missing", &[UNSEEN_ACK]),
    // The second connection has the ports of the first, and numbers of its own.
    ("time-wait-syn-not-newer", &[RESET, UNSEEN_ACK]),
    ("simultaneous-open", &[DSACK]),
    ("corrupt-segment", &[CHECKSUM, BAD_CHECKSUM]),
    ("lossy-link", &[UNSEEN, OUT_OF_ORDER]),
    ("self-connect", &[DSACK]),
];
// Linux acknowledges the SYN,ACK of a crossed open so.
const DSACK: &str = "D-SACK Sequence";
// MUST-2: what was damaged is damaged in the capture.
const CHECKSUM: &str = "checksum status \"0\"";
const BAD_CHECKSUM: &str = "Bad checksum";
const OUT_OF_ORDER: &str = "This frame is a (suspected) out-of-order segment";
const WINDOW_FULL: &str = "TCP window specified by the receiver is now completely full";
const WINDOW_ZERO: &str = "TCP Zero Window segment";
const DUPLICATE: &str = "D-SACK Sequence";
const RESET: &str = "Connection reset (RST)";
// The old duplicate is acknowledged, and A's tap never saw it leave.
const UNSEEN: &str = "Previous segment(s) not captured (common at capture start)";
const UNSEEN_ACK: &str = "ACKed segment that wasn't captured (common at capture start)";

#[test]
fn tshark_has_nothing_to_say_of_the_catalogue_but_what_is_meant() {
    if !tshark::is_here_for("tshark_has_nothing_to_say_of_the_catalogue_but_what_is_meant") {
        return;
    }
    let folder = tempfile::tempdir().expect("a temporary folder");
    let names: Vec<_> = catalogue::names().collect();
    // Nearly all of the time is tshark's start.
    let workers = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let share = |worker: usize| names.iter().skip(worker).step_by(workers);
    let unmeant: std::collections::BTreeSet<String> = std::thread::scope(|scope| {
        let path = folder.path();
        let shares: Vec<_> = (0..workers)
            .map(|worker| scope.spawn(move || share(worker).flat_map(|name| unmeant_notes(name, path)).collect::<Vec<_>>()))
            .collect();
        shares.into_iter().flat_map(|share| share.join().expect("it has said why")).collect()
    });
    assert!(unmeant.is_empty(), "{unmeant:#?}");
}

/// What tshark says of this scenario beyond what is meant: under two profiles and both versions of IP, at both taps.
fn unmeant_notes(name: &str, folder: &Path) -> Vec<String> {
    let scenario = Scenario::load(name).expect("in the catalogue");
    let meant = MEANT.iter().find(|(meant, _)| *meant == name).map_or(&[][..], |(_, notes)| notes);
    let mut unmeant = Vec::new();
    for (profile, ipv6) in [("rfc9293", false), ("rfc9293", true), ("linux", false)] {
        let scenario = Scenario { ipv6, ..scenario.clone() };
        let overrides = Overrides { profile: Some(profile.to_owned()), ..Overrides::default() };
        let trace = scenario.simulate(&overrides).unwrap_or_else(|error| panic!("{name} as {profile}: {error}"));
        for (tap, file) in [(Tap::Host(A), "a.pcapng"), (Tap::Host(B), "b.pcap")] {
            let path = written(&trace, tap, folder, &format!("{name}.{file}"));
            let notes = tshark::complaints(&path).into_iter().filter(|note| !meant.iter().any(|meant| note.contains(meant)));
            unmeant.extend(notes.map(|note| format!("{name} as {profile}, {file}: {note}")));
        }
    }
    unmeant
}
