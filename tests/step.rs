//! `synfin step` as a process: what comes out on which stream, and how it ends.

use std::io::Write as _;
use std::process::{Command, Output, Stdio};

fn step(scenario: &str, input: &[u8]) -> Output {
    let mut command = assert_cmd::Command::new(env!("CARGO_BIN_EXE_synfin"));
    command.args(["step", scenario]).write_stdin(input).output().expect("it runs")
}

fn text(octets: &[u8]) -> &str {
    std::str::from_utf8(octets).expect("UTF-8")
}

#[test]
fn piped_commands_give_screens_on_stdout_and_no_prompt() {
    let output = step("half-close", b"n\ng 20\nl\nq\nn\n");
    assert!(output.status.success());
    let stdout = text(&output.stdout);
    let heads: Vec<_> = stdout.lines().filter(|line| line.starts_with("half-close, ")).collect();
    assert_eq!(heads, ["half-close, step 0 of 37, 0.000 s", "half-close, step 1 of 37, 0.000 s", "half-close, step 20 of 37, 0.070 s"]);
    assert!(stdout.ends_with("   FIN-WAIT-2   <-- <SEQ=301><ACK=152><CTL=ACK>                <-- CLOSE-WAIT\n"), "{stdout}");
    assert_eq!(text(&output.stderr), "");
}

#[test]
fn the_end_of_input_is_a_quiet_end() {
    for input in [&b""[..], b"n", b"n\n"] {
        let output = step("half-close", input);
        assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
    }
}

#[test]
fn a_mistake_goes_to_stderr_and_the_session_goes_on() {
    let output = step("half-close", b"nxt\n\xff\xfe\ng 2\n");
    assert!(output.status.success());
    assert!(text(&output.stdout).contains("step 2 of 37"));
    assert!(text(&output.stderr).starts_with("synfin: there is no command \"nxt\"; did you mean next?\n"), "{output:?}");
}

#[test]
fn a_line_without_end_does_no_harm() {
    let output = step("half-close", &vec![b'n'; 100_000]);
    assert!(output.status.success());
    assert!(text(&output.stderr).lines().all(|line| line.len() <= 80), "{output:?}");
}

#[test]
fn a_reader_that_has_gone_is_a_quiet_end() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_synfin"));
    command.args(["step", "half-close"]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("it runs");
    drop(child.stdout.take());
    // It may be gone before the commands are written.
    let _ = child.stdin.take().expect("a pipe").write_all(b"n\nn\nn\n");
    let output = child.wait_with_output().expect("it ends");
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
}

#[test]
fn a_scenario_that_does_not_exist_is_an_error() {
    let output = step("halfclose", b"");
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(text(&output.stderr), "synfin: there is no scenario and no file \"halfclose\"; did you mean half-close?\n");
}

#[test]
fn a_damaged_segment_is_under_way_until_it_is_dropped() {
    let output = step("corrupt-segment", b"g 12\ng 13\n");
    let stdout = text(&output.stdout);
    let (_, screens) = stdout.split_once("step 12 of").expect("a screen");
    let (sent, dropped) = screens.split_once("step 13 of").expect("another");
    let words = |screen: &str| screen.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(words(sent).contains("whose octet 33, bit 0 the wire turns"), "{sent}");
    assert!(sent.contains("in flight   A --> B"), "{sent}");
    assert!(words(dropped).contains("B drops <SEQ=101><ACK=301><LEN=14><CTL=PSH,ACK>: its checksum is wrong"), "{dropped}");
    assert!(dropped.contains("in flight   nothing"), "{dropped}");
}
