//! `synfin validate` on the kernel of this machine, for real: as whoever runs the tests, and as an ordinary user.
//!
//! Where namespaces are refused the tests say `left out` and pass, unless `SYNFIN_ORACLES=require`.

mod common {
    pub(crate) mod left_out;
}

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::{Mutex, PoisonError};

use common::left_out::leave_out;

use serde_json::Value;
use synfin::sources::scenario::catalogue;

const PROGRAM: &str = env!("CARGO_BIN_EXE_synfin");

fn text(octets: &[u8]) -> &str {
    std::str::from_utf8(octets).expect("UTF-8")
}

/// Runs it, one at a time, as each fills the machine; `None` where this machine refuses namespaces.
fn asked(name: &str, command: &mut Command) -> Option<Output> {
    static ALONE: Mutex<()> = Mutex::new(());
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
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

/// Where the table stands.
fn document() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/kernel-agreement.md")
}

/// The rows of the table by scenario, from what the program says of all of them; nothing that differs from run to run.
fn rows(output: &Output) -> Vec<(String, String)> {
    let document: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let scenarios = document["scenarios"].as_array().expect("a list of scenarios");
    let word = |row: &Value, field: &str| row[field].as_str().unwrap_or("").to_owned();
    let words = |row: &Value, field: &str| -> Vec<String> {
        row[field].as_array().map_or_else(Vec::new, |list| list.iter().map(|item| item.as_str().unwrap_or("").to_owned()).collect())
    };
    let row = |row: &Value| {
        let settings = |field: &str, with: &str| {
            let list = words(row, field);
            if list.is_empty() { None } else { Some(format!("{with} {}", list.join(", "))) }
        };
        let reasons = words(row, "reasons");
        let parts = [
            (!reasons.is_empty()).then(|| reasons.join(", ")),
            settings("without", "asked without"),
            settings("shortened", "asked with"),
            row["why"].as_str().map(str::to_owned),
        ];
        let reason: Vec<_> = parts.into_iter().flatten().collect();
        let (name, way, outcome) = (word(row, "name"), word(row, "way"), word(row, "outcome"));
        let line = format!("| {name} | {way} | {outcome} | {} |", reason.join("; ").replace('|', "\\|"));
        (name, line)
    };
    scenarios.iter().map(row).collect()
}

/// The names of the differences that are explained, each with its explanation.
fn reasons(output: &Output) -> BTreeMap<String, String> {
    let document: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let scenarios = document["scenarios"].as_array().expect("a list of scenarios").iter();
    let differences = scenarios.flat_map(|row| row["differences"].as_array().into_iter().flatten());
    differences
        .filter_map(|difference| {
            let reason = &difference["reason"];
            Some((reason["name"].as_str()?.to_owned(), reason["why"].as_str()?.to_owned()))
        })
        .collect()
}

/// The table as a document.
fn written(output: &Output) -> String {
    let mut text = INTRODUCTION.to_owned();
    for (_, line) in rows(output) {
        text.push_str(&line);
        text.push('\n');
    }
    let reasons = reasons(output);
    if !reasons.is_empty() {
        text.push_str("\n## Differences that have a name\n\n");
    }
    for (name, why) in reasons {
        let _ = std::fmt::Write::write_fmt(&mut text, format_args!("* **{name}**: {why}.\n"));
    }
    text
}

const INTRODUCTION: &str = "# Where the kernel agrees

What `synfin validate --slow` says of each scenario of the catalogue: the `linux` profile in virtual time against Linux
itself, packet for packet, call for call, state for state. Written by `RENEW=1 cargo test --test kernel`, and compared
by the same test in CI, as root and as an ordinary user.

The ways: over a `loopback` two processes share one kernel; with `veth` there are two network namespaces with a link of
ours between them; with `engine A` or `engine B` that host is the simulated one, and the other a kernel. `asked with`
names knobs that both sides have shorter, so that nobody waits for hours; `asked without` names settings of the scenario
for which Linux has no word.

| scenario | way | outcome | reason |
| --- | --- | --- | --- |
";

/// Every scenario has the outcome that the document says; those that take minutes are asked only where it is written.
fn check(output: &Output) {
    assert_eq!(output.status.code(), Some(0), "{}{}", text(&output.stdout), text(&output.stderr));
    let kept = fs::read_to_string(document()).expect("docs/kernel-agreement.md");
    let rows = rows(output);
    let names: Vec<_> = rows.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, catalogue::names().collect::<Vec<_>>(), "every scenario has an outcome");
    for (name, line) in &rows {
        let kept = kept.lines().find(|kept| kept.starts_with(&format!("| {name} |"))).unwrap_or("no row");
        assert!(line.contains("| slow |") || kept == line, "kept {kept}\n now {line}");
    }
    for (name, why) in reasons(output) {
        assert!(kept.contains(&format!("* **{name}**: {why}.")), "{name} is not explained");
    }
}

fn renewed() -> bool {
    std::env::var_os("RENEW").is_some()
}

#[test]
fn the_kernel_agrees_as_the_document_says() {
    let mut command = Command::new(PROGRAM);
    command.args(["validate", "--all", "--json"]);
    if renewed() {
        command.arg("--slow");
    }
    let Some(output) = asked("the_kernel_agrees_as_the_document_says", &mut command) else { return };
    if renewed() {
        fs::write(document(), written(&output)).expect("the document");
    }
    check(&output);
}

#[test]
fn an_ordinary_user_may_ask() {
    let name = "an_ordinary_user_may_ask";
    if !rustix::process::geteuid().is_root() || renewed() {
        return; // then the test above was about one
    }
    if Command::new("setpriv").arg("--version").output().is_err() {
        return leave_out(name, "no setpriv on this machine");
    }
    let folder = tempfile::tempdir().expect("a temporary folder");
    let program = program_for_others(folder.path());
    let mut command = Command::new("setpriv");
    command.args(["--reuid=1000", "--regid=1000", "--clear-groups", "--inh-caps=-all"]).arg(program).args(["validate", "--json"]);
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
    assert!(shown.contains("different") && shown.replace("\n     ", "").contains(difference), "{shown}");
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
