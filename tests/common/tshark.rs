//! tshark as an oracle: what Wireshark says about a capture file.
//!
//! A machine without tshark leaves its tests out and says so; with `SYNFIN_ORACLES=require` that is
//! a failure, so that a run meant to be complete cannot lose them in silence.

use std::ffi::OsStr;
use std::io::{self, Write};
use std::path::Path;
use std::process::Command;

/// Switches the checks on, for by default Wireshark believes every checksum; and asks no name server.
const CHECKED: [&str; 7] = ["-n", "-o", "tcp.check_checksum:TRUE", "-o", "udp.check_checksum:TRUE", "-o", "ip.check_checksum:TRUE"];

/// Between several values of one field: never within a value.
const UNIT: char = '\u{1f}';

/// Whether tshark is there; if not, says that `test` is left out.
///
/// # Panics
/// If it is not, and the environment says `SYNFIN_ORACLES=require`.
pub(crate) fn is_here_for(test: &str) -> bool {
    match Command::new("tshark").arg("--version").output() {
        Ok(output) => {
            assert!(output.status.success(), "tshark --version: {}", output.status);
            true
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let line = format!("left out: {test}: tshark is not installed (run .ci/run to have it)");
            assert!(std::env::var_os("SYNFIN_ORACLES").as_deref() != Some(OsStr::new("require")), "{line}");
            // Not `eprintln!`: the test harness would keep what a test that passes prints.
            let _ = writeln!(io::stderr(), "{line}");
            false
        }
        Err(error) => panic!("tshark does not start: {error}"),
    }
}

/// The values of `fields` for every frame, as tshark shows them; several of one field are joined by [`UNIT`].
pub(crate) fn fields(path: &Path, fields: &[&str]) -> Vec<Vec<String>> {
    selected(path, None, fields)
}

/// The same for the frames that a display filter selects.
fn selected(path: &Path, filter: Option<&str>, fields: &[&str]) -> Vec<Vec<String>> {
    let aggregator = format!("aggregator={UNIT}");
    let mut arguments: Vec<&str> = CHECKED.to_vec();
    arguments.extend(["-T", "fields", "-E", "separator=/t", "-E", "occurrence=a", "-E", &aggregator]);
    arguments.extend(fields.iter().flat_map(|field| ["-e", field]));
    arguments.extend(filter.iter().flat_map(|filter| ["-Y", filter]));
    run(path, &arguments).lines().map(|line| line.split('\t').map(str::to_owned).collect()).collect()
}

/// Every expert information of severity warning or error, as `frame: message`, checksums checked.
pub(crate) fn expert(path: &Path) -> Vec<String> {
    let frames = selected(path, Some("_ws.expert"), &["frame.number", "_ws.expert.severity", "_ws.expert.message"]);
    let mut found = Vec::new();
    for frame in &frames {
        let [number, severities, messages] = &frame[..] else { panic!("three fields: {frame:?}") };
        found.extend(severe(severities, messages).map(|message| format!("{number}: {message}")));
    }
    found
}

/// How many frames tshark calls malformed.
pub(crate) fn malformed(path: &Path) -> usize {
    selected(path, Some("_ws.malformed"), &["frame.number"]).len()
}

/// How many frames have a wrong IPv4 or TCP checksum, or one that was not checked.
pub(crate) fn bad_checksums(path: &Path) -> usize {
    let good = "tcp.checksum.status == \"Good\" && (ipv6 || ip.checksum.status == \"Good\")";
    selected(path, Some(&format!("!({good})")), &["frame.number"]).len()
}

/// Frames that are malformed, frames without a verified checksum, and the expert's warnings: all in one run.
pub(crate) fn complaints(path: &Path) -> Vec<String> {
    let carried = ["tcp.checksum.status", "udp.checksum.status", "icmp.checksum.status", "icmpv6.checksum.status"];
    let others = ["arp.opcode", "ip.checksum.status", "_ws.expert.severity", "_ws.expert.message"];
    let asked: Vec<_> = ["frame.number", "_ws.malformed"].into_iter().chain(carried).chain(others).collect();
    let mut found = Vec::new();
    for frame in selected(path, None, &asked) {
        let [number, malformed, carried @ .., arp, ip, severities, messages] = &frame[..] else { panic!("ten fields: {frame:?}") };
        if !malformed.is_empty() {
            found.push(format!("{number}: malformed"));
        }
        // An ICMP error has the header of another packet inside, so there may be several of a kind.
        let statuses: Vec<_> = carried.iter().flat_map(|field| field.split(UNIT)).filter(|status| !status.is_empty()).collect();
        let verified = statuses.iter().all(|status| *status == GOOD) && (!statuses.is_empty() || !arp.is_empty());
        if !verified || ip.split(UNIT).any(|status| !status.is_empty() && status != GOOD) {
            found.push(format!("{number}: checksum status {:?} {ip:?}", statuses.join(",")));
        }
        found.extend(severe(severities, messages).map(|message| format!("{number}: {message}")));
    }
    found
}

/// The number tshark has for a checksum it has verified.
const GOOD: &str = "1";

/// The messages of at least a warning's severity.
fn severe<'a>(severities: &'a str, messages: &'a str) -> impl Iterator<Item = &'a str> {
    /// The severity of a warning, as a number; an error's is greater, a note's less.
    const WARNING: u32 = 0x0060_0000;
    assert_eq!(severities.split(UNIT).count(), messages.split(UNIT).count(), "{severities:?} {messages:?}");
    let severe = |severity: &str| !severity.is_empty() && severity.parse::<u32>().expect("severities are numbers") >= WARNING;
    severities.split(UNIT).zip(messages.split(UNIT)).filter(move |(severity, _)| severe(severity)).map(|(_, message)| message)
}

fn run(path: &Path, arguments: &[&str]) -> String {
    let output = Command::new("tshark").arg("-r").arg(path).args(arguments).output().expect("tshark starts");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "tshark {arguments:?}: {}\n{stderr}", output.status);
    String::from_utf8(output.stdout).expect("tshark writes UTF-8")
}
