//! `synfin validate` on the kernel of this machine, for real: as whoever runs the tests, and as an ordinary user.
//!
//! Where namespaces are refused the tests say `left out` and pass, unless `SYNFIN_ORACLES=require`.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use synfin::sources::scenario::catalogue;

const PROGRAM: &str = env!("CARGO_BIN_EXE_synfin");

/// Says past the harness that a test was left out; fails where nothing may be.
fn leave_out(name: &str, reason: &str) {
    let _ = writeln!(std::io::stderr(), "left out: {name}: {reason}");
    assert!(std::env::var("SYNFIN_ORACLES").as_deref() != Ok("require"), "left out: {name}: {reason}");
}

fn text(octets: &[u8]) -> &str {
    std::str::from_utf8(octets).expect("UTF-8")
}

/// Runs it; `None` where this machine refuses namespaces.
fn asked(name: &str, command: &mut Command) -> Option<Output> {
    let output = command.output().expect("it runs");
    let refused = output.status.code() == Some(2) && text(&output.stderr).contains("namespace");
    if refused {
        leave_out(name, text(&output.stderr).trim());
        return None;
    }
    Some(output)
}

/// The program where another user can run it, whatever the build folder's permissions are.
fn program_for_others(folder: &Path) -> PathBuf {
    let program = folder.join("synfin");
    fs::copy(PROGRAM, &program).expect("a copy");
    for path in [folder, &program] {
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).expect("ours to change");
    }
    program
}

/// The first word behind each scenario's name.
fn verdicts(output: &Output) -> Vec<(String, String)> {
    let lines = text(&output.stdout).lines().filter(|line| !line.starts_with(' '));
    lines
        .map(|line| {
            let mut words = line.split_whitespace();
            (words.next().unwrap_or_default().to_owned(), words.next().unwrap_or_default().to_owned())
        })
        .collect()
}

fn check(output: &Output) {
    assert_eq!(output.status.code(), Some(0), "{}{}", text(&output.stdout), text(&output.stderr));
    let verdicts = verdicts(output);
    let names: Vec<_> = verdicts.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, catalogue::names().collect::<Vec<_>>(), "every scenario has a verdict");
    let equal = verdicts.iter().filter(|(_, verdict)| verdict == "equal").count();
    assert_eq!(equal, 17, "{}", text(&output.stdout));
    assert!(verdicts.iter().all(|(_, verdict)| verdict == "equal" || verdict == "not"), "no excuse is in use");
}

#[test]
fn the_kernel_agrees_packet_for_packet() {
    let Some(output) = asked("the_kernel_agrees_packet_for_packet", Command::new(PROGRAM).arg("validate")) else { return };
    check(&output);
}

#[test]
fn an_ordinary_user_may_ask() {
    let name = "an_ordinary_user_may_ask";
    if !rustix::process::geteuid().is_root() {
        return; // then the test above was about one
    }
    if Command::new("setpriv").arg("--version").output().is_err() {
        return leave_out(name, "no setpriv on this machine");
    }
    let folder = tempfile::tempdir().expect("a temporary folder");
    let program = program_for_others(folder.path());
    let mut command = Command::new("setpriv");
    command.args(["--reuid=1000", "--regid=1000", "--clear-groups", "--inh-caps=-all"]).arg(program).arg("validate");
    let Some(output) = asked(name, &mut command) else { return };
    check(&output);
}

#[test]
fn ipv6_agrees_too() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("six.ladder");
    let scenario = "ip 6\nB listen\nA connect\n CLOSED CLOSED\nA send 1000\n CLOSED CLOSED\nB recv 1000\nB send 100\n CLOSED CLOSED\nA recv 100\nA close\n CLOSED CLOSED\nB close\n CLOSED CLOSED\n";
    fs::write(&path, scenario).expect("a scenario");
    let Some(output) = asked("ipv6_agrees_too", Command::new(PROGRAM).arg("validate").arg(&path)) else { return };
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stdout));
    assert!(text(&output.stdout).contains("equal"), "{}", text(&output.stdout));
}

#[test]
fn a_wrong_knob_shows_up_as_a_named_difference() {
    let mut command = Command::new(PROGRAM);
    command.args(["validate", "half-close", "--set", "option-layout=aligned", "--set", "B.delayed-ack=0s"]);
    let Some(output) = asked("a_wrong_knob_shows_up_as_a_named_difference", &mut command) else { return };
    assert_eq!(output.status.code(), Some(1), "{}", text(&output.stdout));
    let shown = text(&output.stdout);
    let difference = "packet 1: options: ours mss 1460,nop,nop,sackOK,nop,nop,TS,nop,wscale 10, theirs mss 1460,sackOK,TS,nop,wscale 10";
    assert!(shown.contains("DIFFERENT") && shown.contains(difference), "{shown}");
}

#[test]
fn a_refusal_says_what_was_tried_and_what_would_help() {
    let name = "a_refusal_says_what_was_tried_and_what_would_help";
    // In a user namespace of its own that allows no further ones, as some distributions set it up.
    let folder = tempfile::tempdir().expect("a temporary folder");
    let program = program_for_others(folder.path());
    let script =
        "echo 0 > /proc/sys/user/max_user_namespaces && exec setpriv --bounding-set=-all --inh-caps=-all \"$0\" validate half-close";
    let output = Command::new("unshare").args(["--user", "--map-root-user", "sh", "-c", script]).arg(&program).output();
    let Ok(output) = output else { return leave_out(name, "no unshare on this machine") };
    if text(&output.stderr).contains("unshare:") || text(&output.stderr).contains("setpriv:") {
        return leave_out(name, text(&output.stderr).trim());
    }
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    let message = text(&output.stderr);
    assert!(message.contains("namespace") && message.contains("max_user_namespaces"), "{message}");
    assert!(output.stdout.is_empty());
}
