//! The captures in captures/: ours are made anew byte for byte, the kernel's are read back and must
//! still agree with ours, packet for packet.

use std::collections::HashMap;
use std::fs::{self, File};
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use pcap_file::pcap::PcapReader;
use synfin::Instant;
use synfin::engine::State;
use synfin::sinks::agreement::{Kind, compare};
use synfin::sinks::pcap::{self, EPOCH, Format, Tap};
use synfin::sources::scenario::{Overrides, Scenario};
use synfin::trace::{Entry, HostId, HostInfo, Packet, PacketId, Trace, What};
use synfin::wire::{Checksums, decode_frame};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("captures")
}

/// The scenarios that have a pair of captures.
fn names() -> Vec<String> {
    let files = fs::read_dir(folder()).expect("captures/").map(|entry| entry.expect("an entry").file_name().into_string().expect("UTF-8"));
    let mut names: Vec<_> = files.filter_map(|file| file.strip_suffix(".kernel.pcap").map(str::to_owned)).collect();
    names.sort();
    names
}

/// The scenarios of which there is what kernels did over our own link.
fn names_over_our_link() -> Vec<String> {
    let files = fs::read_dir(folder().join("veth")).expect("captures/veth/");
    let files = files.map(|entry| entry.expect("an entry").file_name().into_string().expect("UTF-8"));
    let mut names: Vec<_> = files.filter_map(|file| file.strip_suffix(".kernel.pcap").map(str::to_owned)).collect();
    names.sort();
    names
}

/// As `validate` runs it: the linux profile over a loopback.
fn ours(name: &str) -> Trace {
    let overrides = Overrides {
        profile: Some("linux".to_owned()),
        knobs: vec![(None, "packet-overhead".to_owned(), "832".to_owned())],
        delay: Some(Duration::ZERO),
        own_settings: false,
        ..Overrides::default()
    };
    let scenario = Scenario::load(name).expect("in the catalogue");
    scenario.simulate(&overrides).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// What the kernel's capture shows, as a trace of departures.
fn theirs(name: &str) -> Trace {
    let file = File::open(folder().join(format!("{name}.kernel.pcap"))).expect("the kernel's capture");
    let mut reader = PcapReader::new(file).expect("a pcap");
    let addresses: [IpAddr; 2] = [[192, 0, 2, 1].into(), [192, 0, 2, 2].into()];
    let host = |position: usize, name: &str| HostInfo {
        name: name.to_owned(),
        address: addresses[position],
        link_address: [0; 6],
        initial_state: State::Closed,
    };
    let mut trace = Trace { hosts: vec![host(0, "A"), host(1, "B")], ..Trace::default() };
    let mut seen: HashMap<Vec<u8>, usize> = HashMap::new();
    while let Some(packet) = reader.next_packet() {
        let packet = packet.expect("a whole packet");
        let decoded = decode_frame(packet.data(), Checksums::Verify).expect("a frame with right checksums");
        let of = |address| HostId(u8::from(address == addresses[1]));
        let (from, to) = (of(decoded.source.address), of(decoded.destination.address));
        // A host that talks to itself is seen twice at its own tap.
        let times = seen.entry(packet.data().to_vec()).or_insert(0);
        *times += 1;
        if from == to && times.is_multiple_of(2) {
            continue;
        }
        let id = PacketId(u32::try_from(trace.packets.len()).expect("few"));
        trace.packets.push(Packet {
            from: Some(from),
            to,
            source: decoded.source,
            destination: decoded.destination,
            payload: decoded.payload.to_owned(),
            envelope: decoded.envelope,
            damage: None,
        });
        let at = Instant::START + packet.timestamp().saturating_sub(EPOCH);
        trace.entries.push(Entry::bare(at, from, What::Departure(id), State::Closed));
    }
    trace
}

#[test]
fn ours_are_made_anew_byte_for_byte() {
    assert!(names().len() >= 8, "eight scenarios at least have their captures here");
    for name in names() {
        let mut octets = Vec::new();
        pcap::write(&ours(&name), Format::PcapNg, Tap::Host(HostId(0)), &mut octets).expect("memory takes it");
        let kept = fs::read(folder().join(format!("{name}.synfin.pcapng"))).expect("our capture");
        assert!(octets == kept, "{name}: made anew the capture differs; if it is meant to, run validate -w captures");
    }
}

#[test]
fn the_kernels_still_agree_with_ours() {
    for name in names() {
        let (ours, theirs) = (ours(&name), theirs(&name));
        let agreement = compare(&ours, &theirs);
        // A capture holds packets; calls and states are only seen while it is taken.
        let packets: Vec<_> =
            agreement.differences.iter().filter(|difference| !matches!(difference.kind, Kind::Call | Kind::State)).collect();
        assert!(packets.is_empty(), "{name}: {packets:#?}");
        assert_eq!(agreement.packets, theirs.packets.len(), "{name}");
    }
}

#[test]
fn every_capture_has_its_line_in_the_readme() {
    let readme = fs::read_to_string(folder().join("README.md")).expect("captures/README.md");
    for name in names() {
        assert!(readme.contains(&format!("| {name} |")), "{name} has no line");
        assert!(folder().join(format!("{name}.synfin.pcapng")).exists(), "{name} has no capture of ours");
    }
}

#[test]
fn what_kernels_did_over_our_own_link_is_what_the_profile_does() {
    let names = names_over_our_link();
    assert!(names.len() >= 20, "only {names:?}");
    let readme = fs::read_to_string(folder().join("README.md")).expect("captures/README.md");
    for name in names {
        assert!(readme.contains(&format!("| {name} |")), "{name} has no line");
        let output = Command::new(env!("CARGO_BIN_EXE_synfin"))
            .args(["diff", &format!("{name}@linux")])
            .arg(folder().join("veth").join(format!("{name}.kernel.pcap")))
            .args(["--set", "linear-packets=on", "--set", "burst-segments=0"])
            .output()
            .expect("it runs");
        assert!(output.status.success(), "{name}: {}", String::from_utf8_lossy(&output.stdout));
    }
}
