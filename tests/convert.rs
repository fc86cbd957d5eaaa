//! `synfin convert`: scenarios and captures told as scripts, which pass.

use std::path::Path;

use assert_cmd::Command;
use synfin::sinks::pcap::{self, Format, Tap};
use synfin::sources::capture::{self, Limits};
use synfin::sources::packetdrill::RunsWith;
use synfin::sources::packetdrill::tell::{Manner, prove, tell, with_calls};
use synfin::sources::scenario::{Overrides, Scenario, catalogue};
use synfin::trace::{HostId, Trace};

mod common {
    pub(crate) mod left_out;
}
use common::left_out::leave_out;

const HOSTS: [HostId; 2] = [HostId(0), HostId(1)];

/// What cannot be told as a script: the scenario, the host, and words of the reason that is given.
const UNTOLD: &[(&str, &str, &str)] = &[
    ("arp", "A", "hosts ask for link addresses"),
    ("arp", "B", "hosts ask for link addresses"),
    ("backlog-overflow", "B", "a packet of another connection"),
    ("blind-syn-real-restart", "A", "a host that loses power is no system call"),
    ("blind-syn-real-restart", "B", "a second connection of the same socket"),
    ("close-in-syn-received", "B", "they have no passive OPEN"),
    ("connect-multicast-refused", "A", "to a socket that is its own host"),
    ("connect-multicast-refused", "B", "a packet of another connection"),
    ("connect-timeout", "B", "nothing happens at host"),
    ("corrupt-segment", "A", "a damaged packet arrives"),
    ("corrupt-segment", "B", "a damaged packet arrives"),
    ("half-open-active-side", "A", "a host that loses power is no system call"),
    ("half-open-discovery", "A", "a host that loses power is no system call"),
    ("icmp-hard-error", "B", "nothing happens at host"),
    ("last-ack-gives-up", "A", "a host that loses power is no system call"),
    ("listen-send-active", "A", "they have no passive OPEN"),
    ("old-duplicate-syn", "B", "a second connection of the same socket"),
    ("old-duplicate-syn-race", "B", "a second connection of the same socket"),
    ("ping", "A", "a script does not ask for echoes"),
    ("ping", "B", "hosts ask for echoes"),
    ("port-in-use", "B", "who may listen where is no matter of packets"),
    ("rst-to-closed-port", "A", "nothing happens at host"),
    ("rst-to-listen", "A", "nothing happens at host"),
    ("self-connect", "A", "a host speaks to itself"),
    ("self-connect", "B", "nothing happens at host"),
    ("syn-ack-gives-up", "A", "nothing happens at host"),
    ("syn-ack-with-fin", "B", "only FreeBSD has MSG_EOF"),
    ("syn-flood", "B", "a packet of another connection"),
    ("syn-with-data", "A", "no socket sends text in its SYN"),
    ("tfo-cookie-invalid", "A", "a fast open cookie that the host was not given here"),
    ("tfo-cookie-invalid", "B", "a fast open cookie that the host gave earlier"),
    ("tfo-cookie-request", "B", "a fast open cookie that the host was not given here"),
    ("tfo-data-in-syn", "A", "a fast open cookie that the host was not given here"),
    ("tfo-data-in-syn", "B", "a fast open cookie that the host gave earlier"),
    ("tfo-syn-timeout", "A", "a fast open cookie that the host was not given here"),
    ("time-wait-reuse", "B", "a second connection of the same socket"),
    ("time-wait-syn-not-newer", "B", "a second connection of the same socket"),
    ("udp-echo", "B", "a packet of another connection"),
];

/// What is told from captures at any place: ordinary connections, and some that fail in an ordinary way.
const FROM_CAPTURES: &[&str] = &[
    "three-way-handshake",
    "syn-to-closed-port",
    "option-negotiation-all",
    "option-negotiation-declined",
    "ecn-negotiated",
    "normal-close",
    "half-close",
    "server-closes-first",
    "three-segment-close",
    "fin-with-data",
    "both-read-eof",
    "abort",
    "syn-cookie",
    "user-timeout",
];

fn runs_with(scenario: &Scenario, host: HostId) -> RunsWith {
    let profile = scenario.profile_of(host, &Overrides::default()).expect("a profile").name;
    RunsWith { profile: Some(profile.to_owned()), knobs: scenario.hosts[usize::from(host.0)].knobs.clone() }
}

/// One host of a scenario as a script that passes, or why it is none.
fn told(scenario: &Scenario, trace: &Trace, host: HostId) -> Result<(), String> {
    let manner = Manner { title: &scenario.title, runs_with: &runs_with(scenario, host), mtu: scenario.mtu, windows: true };
    let text = tell(trace, host, &manner).map_err(|untold| untold.to_string())?;
    // One that does not pass is no reason: nothing in the table says so.
    prove(&scenario.name, &text, "linux").map(drop).map_err(|why| format!("{why}\n{text}"))
}

#[test]
fn every_scenario_told_as_a_script_passes_or_the_reason_stands_in_the_table() {
    let mut wrong = Vec::new();
    for name in catalogue::names() {
        let scenario = Scenario::load(name).expect("a scenario");
        let trace = scenario.run();
        for host in HOSTS {
            let letter = trace.host(host).name.as_str();
            let reason = UNTOLD.iter().find(|(of, at, _)| *of == name && *at == letter).map(|(.., reason)| *reason);
            match (told(&scenario, &trace, host), reason) {
                (Ok(()), None) => {}
                (Err(why), Some(reason)) if why.contains(reason) => {}
                (Ok(()), Some(reason)) => wrong.push(format!("{name} {letter} is told now, but the table says: {reason}")),
                (Err(why), _) => wrong.push(format!("{name} {letter}: {why}")),
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn no_row_of_the_table_is_about_nothing() {
    for (name, host, _) in UNTOLD {
        assert!(catalogue::names().any(|known| known == *name) && ["A", "B"].contains(host), "{name} {host}");
    }
}

/// A scenario's capture at these taps, read again and told as the script of one host.
fn told_from_capture(scenario: &Scenario, trace: &Trace, tap: Tap, host: HostId) -> Result<(), String> {
    let mut file = Vec::new();
    pcap::write(trace, Format::PcapNg, tap, &mut file).map_err(|error| error.to_string())?;
    let capture = capture::read(&file[..], Limits::default()).map_err(|error| error.to_string())?;
    let [flow] = capture.flows.as_slice() else { return Err("not one connection".to_owned()) };
    let trace = with_calls(&flow.trace, host).map_err(|untold| untold.to_string())?;
    let manner = Manner { title: "", runs_with: &runs_with(scenario, host), mtu: scenario.mtu, windows: false };
    let text = tell(&trace, host, &manner).map_err(|untold| untold.to_string())?;
    prove(&scenario.name, &text, "linux").map(drop).map_err(|why| format!("{why}\n{text}"))
}

#[test]
fn a_captured_connection_told_as_a_script_passes_wherever_it_was_captured() {
    let mut wrong = Vec::new();
    for name in FROM_CAPTURES {
        let scenario = Scenario::load(name).expect("a scenario");
        let trace = scenario.run();
        for host in HOSTS {
            for tap in [Tap::Host(HostId(0)), Tap::Host(HostId(1)), Tap::Both] {
                if let Err(why) = told_from_capture(&scenario, &trace, tap, host) {
                    wrong.push(format!("{name} {host:?} {tap:?}: {why}"));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What a command left behind.
struct Ran {
    code: Option<i32>,
    out: String,
    err: String,
}

fn synfin(folder: &Path, arguments: &[&str]) -> Ran {
    let mut command = Command::new(assert_cmd::cargo::cargo_bin!("synfin"));
    let output = command.current_dir(folder).args(arguments).env("NO_COLOR", "1").output().expect("it runs");
    let text = |octets| String::from_utf8(octets).expect("text");
    Ran { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
}

#[test]
fn a_scenario_reads_like_a_script_that_a_person_wrote() {
    let folder = tempfile::tempdir().expect("a folder");
    let ran = synfin(folder.path(), &["convert", "three-way-handshake", "--set", "A.msl=1s"]);
    let script = "\
// synfin: --profile rfc9293 --set msl=1s
// Basic three-way handshake, at A

    0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
+0...0.02 connect(3, ..., ...) = 0
   +0 > S 0:0(0) win 65535 <mss 1460>
 +.02 < S. 0:0(0) ack 1 win 65535 <mss 1460>
   +0 > . 1:1(0) ack 1 win 65535
 +.01 write(3, ..., 100) = 100
   +0 > P. 1:101(100) ack 1 win 65535
 +.02 < . 1:1(0) ack 101 win 65435
";
    assert_eq!((ran.code, ran.out.as_str(), ran.err.as_str()), (Some(0), script, ""));
}

#[test]
fn what_is_written_passes_with_what_its_first_line_says_unless_the_command_line_says_otherwise() {
    let folder = tempfile::tempdir().expect("a folder");
    let ran = synfin(folder.path(), &["convert", "half-close", "--host", "b", "--profile", "freebsd", "-o", "b.pkt"]);
    assert_eq!((ran.code, ran.out.as_str(), ran.err.as_str()), (Some(0), "", ""));
    assert_eq!(synfin(folder.path(), &["run", "b.pkt"]).code, Some(0));
    let otherwise = synfin(folder.path(), &["run", "--profile", "linux", "b.pkt"]);
    assert_eq!(otherwise.code, Some(1), "{}", otherwise.out);
}

#[test]
fn a_first_line_that_says_nothing_sensible_is_a_mistake_with_its_place() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("t.pkt"), "// synfin: --profile linx\n0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n").expect("room");
    let ran = synfin(folder.path(), &["run", "t.pkt"]);
    assert_eq!(ran.code, Some(2));
    let told = ran.out + &ran.err;
    assert!(told.contains("t.pkt:1:22: expected a profile") && told.contains("did you mean linux?"), "{told}");
}

#[test]
fn a_capture_is_told_from_its_packets() {
    let folder = tempfile::tempdir().expect("a folder");
    assert_eq!(synfin(folder.path(), &["simulate", "half-close", "-w", "h.pcapng", "--profile", "linux"]).code, Some(0));
    for host in ["A", "B"] {
        let ran = synfin(folder.path(), &["convert", "h.pcapng", "--host", host, "-o", "h.pkt"]);
        assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""));
        let script = std::fs::read_to_string(folder.path().join("h.pkt")).expect("written");
        assert!(script.starts_with("// synfin: --profile linux\n// h.pcapng: 192.0.2.1:"), "{script}");
        let ran = synfin(folder.path(), &["run", "h.pkt"]);
        assert_eq!(ran.code, Some(0), "{}", ran.out);
    }
    let ran = synfin(folder.path(), &["convert", "h.pcapng", "--connection", "2"]);
    assert_eq!((ran.code, ran.err.as_str()), (Some(2), "synfin: h.pcapng has no connection 2, only 1\n"));
}

#[test]
fn what_cannot_be_told_is_named() {
    let folder = tempfile::tempdir().expect("a folder");
    let ran = synfin(folder.path(), &["convert", "half-open-discovery", "-o", "x.pkt"]);
    let reason = "half-open-discovery: host A cannot be told as a script: 0.030 s: a script has no call for crash: a host that loses power is no \
                  system call";
    assert_eq!((ran.code, ran.err), (Some(2), format!("synfin: {reason}\n")));
    assert!(!folder.path().join("x.pkt").exists(), "nothing is written");
    let ran = synfin(folder.path(), &["convert", "half-clos"]);
    assert!(ran.code == Some(2) && ran.err.contains("did you mean half-close?"), "{}", ran.err);
}

#[test]
fn the_same_script_does_the_same_on_the_simulated_host_and_on_the_kernel() {
    let folder = tempfile::tempdir().expect("a folder");
    let names = ["half-close", "normal-close", "server-closes-first", "fin-with-data"];
    // A busy machine may be late; what is compared is what happens.
    let patient = "--tolerance_usecs=10000000";
    for (name, host) in names.into_iter().flat_map(|name| [(name, "A"), (name, "B")]) {
        let script = format!("{name}-{host}.pkt");
        let capture = format!("{name}-{host}.pcapng");
        assert_eq!(synfin(folder.path(), &["convert", name, "--host", host, "--profile", "linux", "-o", &script]).code, Some(0));
        assert_eq!(synfin(folder.path(), &["run", "-w", "sim", &script]).code, Some(0));
        let ran = synfin(folder.path(), &["run", "--on", "kernel", patient, "-w", "kernel", &script]);
        if ran.code == Some(2) {
            return leave_out("the_same_script_does_the_same_on_the_simulated_host_and_on_the_kernel", (ran.out + &ran.err).trim());
        }
        assert_eq!(ran.code, Some(0), "{}", ran.out);
        let diff = synfin(folder.path(), &["diff", &format!("sim/{capture}"), &format!("kernel/{capture}")]);
        assert_eq!(diff.code, Some(0), "{}", diff.out);
    }
}
