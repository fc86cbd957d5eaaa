//! The README tells the truth: its ladder is what comes out, and its commands do what it says of them.

use std::fs;
use std::path::Path;

use assert_cmd::Command;

fn readme() -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).expect("a README")
}

/// The text between two marks.
fn between<'a>(text: &'a str, start: &str, end: &str) -> &'a str {
    let (_, rest) = text.split_once(start).unwrap_or_else(|| panic!("no {start:?}"));
    rest.split_once(end).unwrap_or_else(|| panic!("no {end:?} behind {start:?}")).0
}

fn synfin() -> Command {
    Command::new(env!("CARGO_BIN_EXE_synfin"))
}

#[test]
fn the_ladder_is_what_simulate_prints() {
    let readme = readme();
    let shown = between(&readme, "$ synfin simulate half-close\n", "```");
    synfin().args(["simulate", "half-close"]).assert().success().stdout(shown.to_owned());
}

#[test]
fn the_first_command_writes_the_capture_it_names() {
    let readme = readme();
    let command = between(&readme, "cargo run --release -- ", "\n");
    let folder = tempfile::tempdir().expect("a temporary folder");
    synfin().current_dir(folder.path()).args(command.split_whitespace()).assert().success();
    assert!(folder.path().join("half-close.pcapng").exists(), "{command}");
}

#[test]
fn the_example_is_a_mismatch_until_it_is_blessed() {
    let readme = readme();
    let scenario = between(&readme, "<<'END'\n", "END\n");
    let folder = tempfile::tempdir().expect("a temporary folder");
    fs::write(folder.path().join("reset.ladder"), scenario).expect("a scenario");
    let run = |arguments: &[&str]| synfin().current_dir(folder.path()).args(arguments).assert();
    let output = run(&["simulate", "reset.ladder"]).code(1).get_output().clone();
    assert!(String::from_utf8_lossy(&output.stderr).contains("line 6"), "{output:?}");
    run(&["simulate", "--bless", "reset.ladder"]).success();
    run(&["simulate", "reset.ladder"]).success();
}

#[test]
fn every_command_is_in_the_table_and_every_link_leads_somewhere() {
    let readme = readme();
    for command in ["simulate", "list", "graph", "step", "validate", "record"] {
        assert!(readme.contains(&format!("| `synfin {command}")), "{command}");
    }
    for link in readme.split("](").skip(1).map(|rest| rest.split(')').next().unwrap_or_default()).filter(|link| !link.contains("://")) {
        assert!(Path::new(env!("CARGO_MANIFEST_DIR")).join(link).exists(), "{link}");
    }
}
