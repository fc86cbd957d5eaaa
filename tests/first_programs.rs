//! The walk through the first programs of a sockets course shows what really happens.
//!
//! Every command of docs/first-programs.md is run, as whoever runs the tests and as an ordinary user, and what the
//! page shows is compared with what came out: ports the kernel chose become PORT, all else must be equal. On a busy
//! machine an ACK may come by itself where the page has it ride on text; so a difference counts if it stays.
//! `UPDATE_DOCS=1` writes what comes out into the page. Without python3 the test says `left out`.

mod common {
    pub(crate) mod left_out;
    pub(crate) mod recorder;
}

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use common::recorder::{Recorder, leave_out, recorders, text};

/// A command of the page and what it shows behind it.
struct Shown {
    command: String,
    output: String,
}

fn page() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/first-programs.md")
}

/// Everything in blocks that begin with `$ `, up to the next command or the end of the block.
fn shown(page: &str) -> Vec<Shown> {
    let blocks = page.split("```").skip(1).step_by(2).filter_map(|block| block.strip_prefix("text\n$ "));
    let commands = blocks.flat_map(|block| block.split("\n$ ").map(str::to_owned).collect::<Vec<_>>());
    commands
        .map(|command| {
            let (command, output) = command.split_once('\n').unwrap_or((&command, ""));
            Shown { command: command.to_owned(), output: output.trim_end().to_owned() }
        })
        .collect()
}

/// What the command prints, on both streams, in a folder that has the programs.
fn run(recorder: &Recorder, command: &str) -> String {
    let path = format!("{}:{}", recorder.folder().display(), std::env::var("PATH").unwrap_or_default());
    // One pipe for both, so that all stays in order.
    let mut sh = recorder.command("sh");
    sh.args(["-c", &format!("exec 2>&1; {command}")]).env("PATH", path).stdin(Stdio::null());
    let output = sh.output().expect("sh runs");
    normalized(text(&output.stdout), recorder.folder())
}

/// Ports from the ephemeral range become PORT, in order of their length; the folder goes away.
fn normalized(output: &str, folder: &Path) -> String {
    let folder = format!("{}/", folder.display());
    let output = output.replace(&folder, "");
    let mut ports = BTreeSet::new();
    for word in output.split(|c: char| !c.is_ascii_digit()) {
        if word.parse::<u32>().is_ok_and(|number| (32_768..=60_999).contains(&number)) {
            ports.insert(word.to_owned());
        }
    }
    // Five digits, as the port had: the ladder stays in its columns.
    let output = ports.iter().zip(1..).fold(output, |output, (port, number)| output.replace(port.as_str(), &format!("4000{number}")));
    output.trim_end().to_owned()
}

fn programs(recorder: &Recorder) {
    let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/programs");
    for entry in fs::read_dir(from).expect("the programs").map(|entry| entry.expect("an entry")) {
        fs::copy(entry.path(), recorder.folder().join(entry.file_name())).expect("a copy");
    }
}

#[test]
fn the_page_shows_what_happens() {
    let name = "the_page_shows_what_happens";
    if Command::new("python3").arg("--version").output().is_err() {
        return leave_out(name, "no python3 on this machine");
    }
    let Some(recorders) = recorders(name) else { return };
    let mut text = fs::read_to_string(page()).expect("the page");
    let all = shown(&text);
    assert!(all.len() >= 7, "only {} commands", all.len());
    for recorder in &recorders {
        programs(recorder);
        for Shown { command, output } in &all {
            let mut happened = run(recorder, command);
            for _ in 1..ATTEMPTS {
                if happened == *output {
                    break;
                }
                happened = run(recorder, command);
            }
            if std::env::var_os("UPDATE_DOCS").is_some() {
                let (before, after) = text.split_once(&format!("$ {command}\n{output}")).expect("it was read there");
                text = format!("{before}$ {command}\n{happened}\n{}", after.trim_start_matches('\n'));
            } else {
                assert_eq!(happened, *output, "{command}, as {:?}", recorder.user);
            }
        }
        if std::env::var_os("UPDATE_DOCS").is_some() {
            return fs::write(page(), text).expect("the page");
        }
    }
}

/// How often a command is run before a difference counts.
const ATTEMPTS: usize = 5;

#[test]
fn every_program_is_in_the_page_and_every_line_of_the_page_fits() {
    let text = fs::read_to_string(page()).expect("the page");
    let programs = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/programs");
    for entry in fs::read_dir(programs).expect("the programs").map(|entry| entry.expect("an entry")) {
        let name = entry.file_name().into_string().expect("UTF-8");
        assert!(text.contains(&format!("(programs/{name})")), "{name} has no link");
        assert!(shown(&text).iter().any(|shown| shown.command.contains(&name)), "{name} is not run");
    }
    for Shown { output, .. } in shown(&text) {
        for line in output.lines() {
            assert!(line.chars().count() <= 80 || !line.starts_with("   "), "{line}");
        }
    }
}
