//! The binary as its users meet it: exit codes, messages, outputs, and every kind of bad input.

mod common {
    pub(crate) mod dot;
}

use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::path::Path;

use assert_cmd::Command;
use synfin::sources::scenario::catalogue;
use tempfile::TempDir;

/// A scenario whose ladder comes true.
const TRUE: &str = "\
title Handshake
A  iss 100
B  iss 300
B  listen
A  connect
   SYN-SENT    --> <SEQ=100><CTL=SYN>              --> SYN-RECEIVED
   ESTABLISHED <-- <SEQ=300><ACK=101><CTL=SYN,ACK> <-- SYN-RECEIVED
   ESTABLISHED --> <SEQ=101><ACK=301><CTL=ACK>     --> ESTABLISHED
";

/// What a command left behind.
struct Ran {
    code: i32,
    stdout: Vec<u8>,
    stderr: String,
}

impl Ran {
    fn text(&self) -> &str {
        std::str::from_utf8(&self.stdout).expect("text")
    }

    /// Checks that the request was refused with a message that has all of `parts`, and nothing on stdout.
    #[track_caller]
    fn refused(&self, parts: &[&str]) {
        assert_eq!(self.code, 2, "{}", self.stderr);
        assert_eq!(self.text(), "");
        for part in parts {
            assert!(self.stderr.contains(part), "{part:?} is not in: {}", self.stderr);
        }
        assert!(!self.stderr.contains("panicked"), "{}", self.stderr);
    }

    #[track_caller]
    fn is(&self, code: i32) -> &Self {
        assert_eq!(self.code, code, "{}", self.stderr);
        self
    }
}

fn command(folder: &Path, arguments: &[&OsStr]) -> Command {
    let mut command = Command::new(assert_cmd::cargo::cargo_bin!("synfin"));
    command.current_dir(folder).args(arguments).env_remove("CLICOLOR_FORCE").env_remove("NO_COLOR");
    command
}

fn finished(mut command: Command) -> Ran {
    let output = command.output().expect("synfin starts");
    let code = output.status.code().expect("not ended by a signal");
    Ran { code, stdout: output.stdout, stderr: String::from_utf8_lossy(&output.stderr).into_owned() }
}

/// Runs `synfin` in `folder` with the words of `line`.
fn synfin_in(folder: &Path, line: &str) -> Ran {
    let words: Vec<&OsStr> = line.split_whitespace().map(OsStr::new).collect();
    finished(command(folder, &words))
}

/// The same in a folder of its own, where no file is looked at afterwards.
fn synfin(line: &str) -> Ran {
    synfin_in(temporary().path(), line)
}

/// A folder with `true.ladder`, which goes away with the test.
fn temporary() -> TempDir {
    let folder = TempDir::new().expect("a temporary folder");
    fs::write(folder.path().join("true.ladder"), TRUE).expect("a file");
    folder
}

/// The names in a folder; a file half written would be among them.
fn names(folder: &Path) -> Vec<OsString> {
    let mut names: Vec<_> = fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").file_name()).collect();
    names.sort();
    names
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

// --- faults -----------------------------------------------------------------------------------------

#[test]
fn a_fault_of_the_command_line_is_played_and_told() {
    let folder = temporary();
    let run = |command: &str, faults: &[&str]| {
        let mut words: Vec<&OsStr> = command.split_whitespace().map(OsStr::new).collect();
        words.extend(faults.iter().flat_map(|fault| ["--fault", fault]).map(OsStr::new));
        finished(self::command(folder.path(), &words))
    };
    let ran = run("simulate true.ladder", &["lose A:SYN", "A>B jitter 0ms seed 7"]);
    insta::assert_snapshot!(ran.is(0).text());
    assert!(ran.stderr.contains("note: the ladder of true is for a network without --fault"), "{}", ran.stderr);
    let json: serde_json::Value = serde_json::from_slice(&run("simulate true.ladder --json", &["loss 2% seed 7"]).stdout).expect("JSON");
    assert!(json["recipe"].as_array().is_some_and(|recipe| recipe.contains(&serde_json::json!(["fault", "link loss 2% seed 7"]))));
    run("simulate true.ladder", &["loss 2% seed"]).refused(&["--fault:1:13: expected a seed, a whole number", "loss 2% seed\n"]);
    run("simulate true.ladder --bless", &["loss 2%"]).refused(&["--fault"]);
}

#[test]
fn a_damaged_segment_is_in_every_view() {
    let folder = temporary();
    let json = synfin("simulate corrupt-segment --json");
    let json: serde_json::Value = serde_json::from_slice(&json.is(0).stdout).expect("JSON");
    let damaged = json["packets"].as_array().expect("packets").iter().filter(|packet| packet["damage"].is_array()).count();
    let rejected = json["entries"].as_array().expect("entries").iter().filter(|entry| entry["kind"] == "rejection").count();
    assert_eq!((damaged, rejected), (2, 2));
    insta::assert_snapshot!(synfin_in(folder.path(), "simulate corrupt-segment").is(0).text());
}

// --- scenarios --------------------------------------------------------------------------------------

#[test]
fn a_ladder_that_comes_true_is_printed() {
    let ran = synfin("simulate true.ladder");
    ran.is(0);
    assert!(ran.text().starts_with("# Handshake\n# synfin "), "{}", ran.text());
    assert!(ran.text().contains("SYN-SENT     --> <SEQ=100><CTL=SYN>"), "{}", ran.text());
    assert_eq!(ran.stderr, "");
}

#[test]
fn an_unknown_name_is_refused_with_the_nearest() {
    synfin("simulate halfclose").refused(&["there is no scenario and no file \"halfclose\"; did you mean half-close?"]);
    synfin("graph three-way-handshak").refused(&["did you mean three-way-handshake?"]);
    synfin("simulate xyzzy").refused(&["no file \"xyzzy\"", "synfin list"]);
    synfin("simulate no/such.ladder").refused(&["no file \"no/such.ladder\""]);
}

#[test]
fn a_broken_ladder_is_refused_with_line_column_and_caret() {
    let folder = temporary();
    fs::write(folder.path().join("broken.ladder"), "B\tlisten\nA\tconect\n").expect("a file");
    let ran = synfin_in(folder.path(), "simulate broken.ladder");
    ran.refused(&["synfin: broken.ladder:2:3: expected a call", "found \"conect\"; did you mean connect?"]);
    // The caret stands below its word, whatever the terminal makes of the tab.
    assert!(ran.stderr.ends_with("\n   |\n 2 | A\tconect\n   |  \t^^^^^^\n"), "{:?}", ran.stderr);
}

#[test]
fn what_is_no_text_is_refused_with_its_place() {
    let folder = temporary();
    fs::write(folder.path().join("latin-1.ladder"), b"A connect\n# \xe4\n").expect("a file");
    synfin_in(folder.path(), "simulate latin-1.ladder").refused(&["latin-1.ladder:2:3: expected text in UTF-8, found the octet 0xe4"]);
    fs::write(folder.path().join("empty.ladder"), "").expect("a file");
    synfin_in(folder.path(), "simulate empty.ladder").refused(&["empty.ladder:1:1: expected an action", "found the end of the file"]);
    synfin_in(folder.path(), "simulate .").refused(&["cannot read .", "directory"]);
    synfin_in(folder.path(), "simulate /dev/zero").refused(&["cannot read /dev/zero", "1 MiB"]);
}

#[test]
fn file_names_need_not_be_text() {
    let folder = temporary();
    let name = OsStr::from_bytes(b"\xff.ladder");
    fs::write(folder.path().join(name), TRUE).expect("a file");
    let capture = OsStr::from_bytes(b"\xfe.pcapng");
    finished(command(folder.path(), &[OsStr::new("simulate"), name, OsStr::new("-w"), capture])).is(0);
    assert!(folder.path().join(capture).exists());
    let ran = finished(command(folder.path(), &[OsStr::new("graph"), OsStr::from_bytes(b"\xfd")]));
    ran.refused(&["there is no scenario and no file"]);
}

#[test]
fn a_scenario_may_come_from_stdin() {
    let folder = temporary();
    let mut command = command(folder.path(), &["simulate", "-"].map(OsStr::new));
    command.write_stdin(TRUE);
    let ran = finished(command);
    ran.is(0);
    assert!(ran.text().contains("scenario=stdin"), "{}", ran.text());
}

#[test]
fn a_mismatch_shows_both_ladders_and_the_line() {
    let folder = temporary();
    fs::write(folder.path().join("false.ladder"), TRUE.replace("<SEQ=300>", "<SEQ=301>")).expect("a file");
    let ran = synfin_in(folder.path(), "simulate false.ladder");
    ran.is(1);
    assert!(ran.text().contains("<SEQ=300>"), "what happened is printed all the same");
    let expected = "\
synfin: false: line 7: the ladder goes on differently
  - expected, + happened
      6   SYN-SENT     --> <SEQ=100><CTL=SYN>                         --> SYN-RECEIVED
>-    7   ESTABLISHED  <-- <SEQ=301><ACK=101><CTL=SYN,ACK>            <-- SYN-RECEIVED
 +        ESTABLISHED  <-- <SEQ=300><ACK=101><CTL=SYN,ACK>            <-- SYN-RECEIVED
      8   ESTABLISHED  --> <SEQ=101><ACK=301><CTL=ACK>                --> ESTABLISHED
";
    assert_eq!(ran.stderr, expected);
}

#[test]
fn a_ladder_for_other_settings_is_not_compared_and_that_is_said() {
    let folder = temporary();
    fs::write(folder.path().join("false.ladder"), TRUE.replace("<SEQ=300>", "<SEQ=301>")).expect("a file");
    let ran = synfin_in(folder.path(), "simulate false.ladder --profile linux");
    ran.is(0);
    assert!(ran.stderr.contains("is for other settings, and is not compared"), "{}", ran.stderr);
    // Settings that change nothing are no others.
    synfin_in(folder.path(), "simulate false.ladder --profile rfc9293").is(1);
}

#[test]
fn blessing_makes_a_ladder_true_and_touches_no_true_one() {
    let folder = temporary();
    let path = folder.path().join("false.ladder");
    fs::write(&path, TRUE.replace("<SEQ=300>", "<SEQ=301>").replace('\n', "\r\n")).expect("a file");
    synfin_in(folder.path(), "simulate false.ladder --bless").is(0);
    synfin_in(folder.path(), "simulate false.ladder").is(0);
    let text = fs::read_to_string(&path).expect("a file");
    assert!(text.contains("<SEQ=300>") && text.lines().count() == text.matches("\r\n").count(), "{text:?}");
    let before = fs::metadata(folder.path().join("true.ladder")).expect("a file").ino();
    synfin_in(folder.path(), "simulate true.ladder --bless").is(0);
    assert_eq!(fs::metadata(folder.path().join("true.ladder")).expect("a file").ino(), before);
    assert_eq!(fs::read_to_string(folder.path().join("true.ladder")).expect("a file"), TRUE);
    synfin_in(folder.path(), "simulate half-close --bless").refused(&["cannot bless half-close: it is built in"]);
}

// --- options ----------------------------------------------------------------------------------------

#[test]
fn contradictory_options_are_refused_before_anything_is_written() {
    let folder = temporary();
    for (line, message) in [
        ("simulate true.ladder --tap both -w x.pcap", "a .pcap has one interface"),
        ("simulate true.ladder --tap both -w x.pcapng -F pcap", "a .pcap has one interface"),
        ("simulate true.ladder --tap both", "--write <FILE>"),
        ("simulate true.ladder -F pcap", "--write <FILE>"),
        ("simulate true.ladder --json -w -", "both want stdout"),
        ("simulate true.ladder --json --options", "cannot be used with"),
        ("simulate true.ladder --bless --json", "cannot be used with"),
        ("simulate true.ladder --bless -w x.pcap", "cannot be used with"),
        ("simulate true.ladder --bless --set msl=1s", "cannot be used with"),
        ("simulate true.ladder --bless --profile linux", "cannot be used with"),
        ("simulate true.ladder --set msl=1s --set msl=2s", "msl is set twice, to different values"),
        ("simulate true.ladder --set A.msl=1s --set A.msl=2s", "msl is set twice, to different values"),
        ("simulate true.ladder --set mls=1s", "there is no knob \"mls\"; did you mean msl?"),
        ("simulate true.ladder --set C.msl=1s", "there is no host \"C\"; expected A or B"),
        ("simulate true.ladder --set msl", "expected [HOST.]KNOB=VALUE"),
        ("simulate true.ladder --set msl=soon", "knob msl cannot be \"soon\": expected a duration"),
        ("simulate true.ladder --profile linus", "there is no profile \"linus\"; did you mean linux?"),
        ("simulate true.ladder -w x.cap", "cannot tell the format of x.cap: name it .pcap or .pcapng, or say -F pcap"),
        ("simulate true.ladder -w x -F cap", "invalid value 'cap'"),
        ("graph --set msl=1s", "name one"),
        ("graph --profile linux", "name one"),
        ("simulate", "<NAME|FILE>"),
        ("simulate a b", "unexpected argument 'b'"),
        ("simulat half-close", "simulate"),
        ("list colours", "[possible values: scenarios, states, transitions, profiles, knobs, requirements]"),
    ] {
        synfin_in(folder.path(), line).refused(&[message]);
        assert_eq!(names(folder.path()), ["true.ladder"], "{line}");
    }
}

#[test]
fn what_is_said_of_one_host_holds_for_it_wherever_it_stands() {
    let ladder =
        |line: &str| synfin(&format!("simulate true.ladder --options {line}")).text().lines().skip(3).collect::<Vec<_>>().join("\n");
    let one = ladder("--set A.receive-buffer=1000 --set receive-buffer=2000");
    assert_eq!(one, ladder("--set receive-buffer=2000 --set A.receive-buffer=1000"));
    assert!(one.contains("<WND=1000>") && one.contains("<WND=2000>"), "{one}");
}

#[test]
fn help_and_version_are_results_and_misuse_is_not() {
    let help = synfin("--help");
    help.is(0);
    assert!(help.text().contains("Exit codes: 0 it is so; 1 it is not so"), "{}", help.text());
    assert_eq!(synfin("--version").is(0).text(), concat!("synfin ", env!("CARGO_PKG_VERSION"), "\n"));
    for command in ["simulate", "list", "graph", "step"] {
        assert!(synfin(&format!("{command} --help")).is(0).text().contains("Usage: synfin"));
    }
    synfin("").refused(&["Usage: synfin"]);
    synfin("--no-such").refused(&["unexpected argument"]);
}

#[test]
fn no_color_means_no_color() {
    for line in ["", "--help", "simulate nothing", "list", "simulate true.ladder"] {
        let words: Vec<&OsStr> = line.split_whitespace().map(OsStr::new).collect();
        let folder = temporary();
        let mut command = command(folder.path(), &words);
        command.env("NO_COLOR", "1").env("CLICOLOR_FORCE", "1");
        let ran = finished(command);
        assert!(!ran.stdout.contains(&0x1b) && !ran.stderr.contains('\u{1b}'), "{line}");
    }
}

// --- outputs ----------------------------------------------------------------------------------------

#[test]
fn the_format_of_a_capture_follows_its_name_or_the_option() {
    let folder = temporary();
    let first = |name: &str| fs::read(folder.path().join(name)).expect("a file")[..4].to_vec();
    let (pcapng, pcap) = ([0x0a, 0x0d, 0x0d, 0x0a], [0x4d, 0x3c, 0xb2, 0xa1]);
    for (line, name, magic) in [
        ("-w a.pcap", "a.pcap", pcap),
        ("-w b.pcapng", "b.pcapng", pcapng),
        ("-w C.PCAP", "C.PCAP", pcap),
        ("-w d -F pcap", "d", pcap),
        ("-w e.cap -F pcapng --tap both", "e.cap", pcapng),
        ("-w f.pcap -F pcapng", "f.pcap", pcapng),
        ("-w g -F nsecpcap --tap b", "g", pcap),
    ] {
        let ran = synfin_in(folder.path(), &format!("simulate true.ladder {line}"));
        assert!(ran.is(0).text().contains("SYN-SENT"), "the ladder is printed as well");
        assert_eq!(first(name), magic, "{line}");
    }
}

#[test]
fn a_capture_on_stdout_is_the_same_as_in_a_file() {
    let folder = temporary();
    synfin_in(folder.path(), "simulate true.ladder -w x.pcapng --tap both").is(0);
    let ran = synfin_in(folder.path(), "simulate true.ladder -w - --tap both");
    ran.is(0);
    assert_eq!(ran.stdout, fs::read(folder.path().join("x.pcapng")).expect("a file"));
    let mut rest = &ran.stdout[..];
    let mut blocks = Vec::new();
    while !rest.is_empty() {
        let (left, block) = pcap_parser::pcapng::parse_block_le(rest).expect("a block of pcapng");
        blocks.push(block.magic());
        rest = left;
    }
    // Section, two interfaces, and each of three packets at both taps.
    assert_eq!(blocks, [0x0a0d_0d0a, 1, 1, 6, 6, 6, 6, 6, 6]);
    synfin_in(folder.path(), "simulate true.ladder -w x.pcap").is(0);
    let ran = synfin_in(folder.path(), "simulate true.ladder -w - -F pcap");
    assert_eq!(ran.stdout, fs::read(folder.path().join("x.pcap")).expect("a file"));
}

#[test]
fn what_cannot_be_written_is_refused_and_leaves_nothing() {
    let folder = temporary();
    fs::create_dir(folder.path().join("d.pcap")).expect("a folder");
    let run = |line: &str| synfin_in(folder.path(), line);
    run("simulate true.ladder -w no/x.pcap").refused(&["cannot write no/x.pcap: no file can be made in no: No such file"]);
    run("simulate true.ladder -w d.pcap").refused(&["cannot write d.pcap: it is a folder"]);
    run("simulate true.ladder -w true.ladder/x.pcap").refused(&["cannot write true.ladder/x.pcap: Not a directory"]);
    run("graph -o no/x.dot").refused(&["cannot write no/x.dot"]);
    run("graph -o d.pcap").refused(&["cannot write d.pcap: it is a folder"]);
    symlink("loop.pcap", folder.path().join("loop.pcap")).expect("a link");
    run("simulate true.ladder -w loop.pcap").refused(&["cannot write loop.pcap"]);
    assert_eq!(names(folder.path()), ["d.pcap", "loop.pcap", "true.ladder"]);
    assert_eq!(names(&folder.path().join("d.pcap")), [""; 0]);
    if is_root() {
        return; // To whom everything is permitted.
    }
    let locked = folder.path().join("locked");
    fs::create_dir(&locked).expect("a folder");
    fs::write(locked.join("old.pcap"), "old").expect("a file");
    fs::write(folder.path().join("read-only.pcap"), "old").expect("a file");
    fs::set_permissions(folder.path().join("read-only.pcap"), fs::Permissions::from_mode(0o444)).expect("permissions");
    fs::set_permissions(&locked, fs::Permissions::from_mode(0o555)).expect("permissions");
    for name in ["locked/x.pcap", "locked/old.pcap", "read-only.pcap"] {
        run(&format!("simulate true.ladder -w {name}")).refused(&[&format!("cannot write {name}"), "ermission denied"]);
    }
    assert_eq!(fs::read(folder.path().join("read-only.pcap")).expect("a file"), b"old");
    fs::set_permissions(&locked, fs::Permissions::from_mode(0o755)).expect("permissions");
    assert_eq!(names(&locked), ["old.pcap"]);
}

#[test]
fn a_full_disk_is_an_error_everywhere() {
    let folder = temporary();
    let full = || fs::OpenOptions::new().write(true).open("/dev/full").expect("Linux has it");
    for line in
        ["simulate true.ladder", "simulate true.ladder --json", "simulate true.ladder -w -", "list", "list knobs", "graph", "--help"]
    {
        let words: Vec<&str> = line.split_whitespace().collect();
        let mut command = std::process::Command::new(assert_cmd::cargo::cargo_bin!("synfin"));
        let output = command.current_dir(folder.path()).args(words).stdout(full()).output().expect("synfin starts");
        assert_eq!(output.status.code(), Some(2), "{line}");
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(line == "--help" || stderr.starts_with("synfin: cannot write stdout: No space left on device"), "{line}: {stderr}");
    }
    synfin_in(folder.path(), "graph -o /dev/full").refused(&["cannot write /dev/full: No space left on device"]);
    synfin_in(folder.path(), "simulate true.ladder -w /dev/full -F pcap").refused(&["cannot write /dev/full: No space left on device"]);
    // Where even the complaint cannot be written, the exit code is left.
    let mut command = std::process::Command::new(assert_cmd::cargo::cargo_bin!("synfin"));
    let status = command.args(["simulate", "nothing"]).stderr(full()).status().expect("synfin starts");
    assert_eq!(status.code(), Some(2));
}

/// What a shell does with `script`, in which `$0` is synfin.
fn shell(folder: &Path, script: &str) -> std::process::Output {
    let mut shell = std::process::Command::new("sh");
    shell.current_dir(folder).args(["-c", script]).arg(assert_cmd::cargo::cargo_bin!("synfin"));
    shell.output().expect("sh starts")
}

#[test]
fn a_failure_in_the_middle_leaves_the_old_file_and_nothing_else() {
    let folder = temporary();
    fs::write(folder.path().join("old.pcapng"), "old").expect("a file");
    for name in ["old.pcapng", "new.pcapng"] {
        // No file may grow; the signal that says so is ignored, so that writing fails instead.
        let output = shell(folder.path(), &format!("trap '' 25; ulimit -f 0; exec \"$0\" simulate true.ladder -w {name} | cat"));
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(stderr.contains(&format!("cannot write {name}: File too large")), "{stderr}");
    }
    assert_eq!(fs::read(folder.path().join("old.pcapng")).expect("a file"), b"old");
    assert_eq!(names(folder.path()), ["old.pcapng", "true.ladder"]);
}

#[test]
fn a_closed_pipe_is_a_quiet_end() {
    let folder = temporary();
    let lines = ["simulate true.ladder", "simulate true.ladder --json", "simulate true.ladder -w -", "list transitions", "graph", "--help"];
    for line in lines {
        let (reader, writer) = std::io::pipe().expect("a pipe");
        drop(reader);
        let mut command = std::process::Command::new(assert_cmd::cargo::cargo_bin!("synfin"));
        let output = command.current_dir(folder.path()).args(line.split_whitespace()).stdout(writer).output().expect("synfin starts");
        assert_eq!(output.status.code(), Some(0), "{line}");
        assert_eq!(String::from_utf8_lossy(&output.stderr), "", "{line}");
    }
}

#[test]
fn a_link_stays_a_link() {
    let folder = temporary();
    let at = |name: &str| folder.path().join(name);
    fs::create_dir(at("deep")).expect("a folder");
    fs::write(at("deep/old.pcap"), "old").expect("a file");
    symlink("deep/old.pcap", at("to-old.pcap")).expect("a link");
    symlink("deep/new.pcap", at("to-new.pcap")).expect("a link");
    symlink("to-new.pcap", at("to-link.pcap")).expect("a link");
    for name in ["to-old.pcap", "to-link.pcap"] {
        synfin_in(folder.path(), &format!("simulate true.ladder -w {name}")).is(0);
        assert!(fs::symlink_metadata(at(name)).expect("a link").is_symlink(), "{name}");
    }
    assert_eq!(fs::read(at("deep/old.pcap")).expect("a file"), fs::read(at("deep/new.pcap")).expect("a file"));
    assert_eq!(names(&at("deep")), ["new.pcap", "old.pcap"]);
}

#[test]
fn permissions_are_those_of_the_old_file_or_of_the_umask() {
    let folder = temporary();
    let at = |name: &str| folder.path().join(name);
    let mode = |name: &str| fs::metadata(at(name)).expect("a file").permissions().mode() & 0o7777;
    fs::write(at("old.pcap"), "old").expect("a file");
    fs::set_permissions(at("old.pcap"), fs::Permissions::from_mode(0o604)).expect("permissions");
    let output = shell(
        folder.path(),
        "umask 027; for f in old.pcap new.pcap; do \"$0\" simulate true.ladder -w $f; done; umask 077; \"$0\" graph -o g.dot",
    );
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!((mode("old.pcap"), mode("new.pcap"), mode("g.dot")), (0o604, 0o640, 0o600));
}

#[test]
fn a_device_is_written_to_and_not_replaced() {
    let folder = temporary();
    synfin_in(folder.path(), "simulate true.ladder -w /dev/null -F pcap").is(0);
    assert!(!fs::metadata("/dev/null").expect("a device").is_file());
    let output = shell(folder.path(), "\"$0\" graph -o /dev/stdout | head -c 7");
    assert_eq!(String::from_utf8_lossy(&output.stdout), "digraph");
}

// --- two profiles ------------------------------------------------------------------------------------

#[test]
fn two_profiles_stand_against_each_other() {
    let differ = synfin("simulate abort --profile linux --against freebsd");
    insta::assert_snapshot!(differ.is(1).text());
    synfin("simulate abort --profile freebsd --against freebsd").is(0);
    let json: serde_json::Value =
        serde_json::from_slice(&synfin("simulate abort --profile linux --against freebsd --json").is(1).stdout).expect("JSON");
    assert_eq!(json["names"], serde_json::json!(["linux", "freebsd"]));
    assert!(json["first"].is_u64() && json["rows"].as_array().is_some_and(|rows| !rows.is_empty()));
    let wrong = synfin("simulate abort --against freebds");
    assert!(wrong.is(2).stderr.contains("did you mean freebsd?"), "{}", wrong.stderr);
}

// --- explain -----------------------------------------------------------------------------------------

#[test]
fn a_state_is_explained_by_its_rows() {
    let explained = synfin("explain time-wait");
    // Which scenarios show it changes with every one that is added.
    let (rows, shown) = explained.is(0).text().split_once("\nshown by\n").expect("some scenario ends there");
    insta::assert_snapshot!(rows);
    assert!(shown.contains("normal-close") && !shown.contains("three-way-handshake"), "{shown}");
}

#[test]
fn whatever_is_listed_can_be_explained_within_80_columns() {
    for kind in ["scenarios", "states", "profiles", "requirements"] {
        let listed = synfin(&format!("list {kind}"));
        // Every tenth is enough; each is a process of its own.
        for line in listed.is(0).text().lines().step_by(10) {
            let name = line.split_whitespace().next().expect("a name");
            let explained = synfin(&format!("explain {name}"));
            let text = explained.is(0).text();
            assert!(text.starts_with(name), "{text}");
            let long = text.lines().find(|line| line.chars().count() > 80 && line.trim().contains(' '));
            assert_eq!(long, None, "{name}");
        }
    }
}

#[test]
fn every_kind_of_word_is_explained() {
    for (word, kind, has) in [
        ("ESTABLISHED->CLOSE-WAIT", "transition", "established/fin"),
        ("established/fin", "transition", "seg-FIN: FIN in order."),
        ("half-close", "scenario", "synfin simulate half-close"),
        ("fin", "flag", "RFC 9293 section 3.6"),
        ("msl", "knob", "TCP_TIMEWAIT_LEN"),
        ("freebsd", "profile", "window-scale=6 (rfc9293: off)"),
        ("seg-FIN", "event", "established/fin"),
        ("must-10", "requirement", "MUST, RFC 9293 section 3.5: Support simultaneous open."),
    ] {
        let explained = synfin(&format!("explain {word}"));
        let text = explained.is(0).text();
        assert!(text.lines().next().is_some_and(|line| line.ends_with(&format!("({kind})"))), "{text}");
        assert!(text.contains(has), "{text}");
        let json: serde_json::Value = serde_json::from_slice(&synfin(&format!("explain {word} --json")).is(0).stdout).expect("JSON");
        assert_eq!(json["kind"], kind);
    }
}

#[test]
fn an_unknown_word_has_a_nearest_one() {
    let unknown = synfin("explain TIMEWAIT");
    assert!(unknown.is(2).stderr.contains("did you mean TIME-WAIT?"), "{}", unknown.stderr);
    let nowhere = synfin("explain CLOSED->TIME-WAIT");
    assert!(nowhere.is(2).stderr.contains("no event leads from CLOSED to TIME-WAIT"), "{}", nowhere.stderr);
}

// --- lists and graphs -------------------------------------------------------------------------------

#[test]
fn lists_have_a_line_for_everything() {
    let lines = |line: &str| synfin(line).is(0).text().lines().map(str::to_owned).collect::<Vec<_>>();
    let scenarios = lines("list");
    assert_eq!(scenarios, lines("list scenarios"));
    assert_eq!(scenarios.len(), catalogue::names().count());
    for (line, name) in scenarios.iter().zip(catalogue::names()) {
        assert!(line.starts_with(name) && line.len() > name.len() + 4, "{line}");
    }
    assert_eq!(lines("list states").len(), 11);
    assert_eq!(lines("list profiles").len(), 3);
}

#[test]
fn transitions_are_as_reviewed() {
    insta::assert_snapshot!(synfin("list transitions").is(0).text());
}

#[test]
fn knobs_are_as_reviewed() {
    insta::assert_snapshot!(synfin("list knobs").is(0).text());
}

#[test]
fn the_whole_graph_is_as_reviewed() {
    insta::assert_snapshot!(synfin("graph").is(0).text());
}

#[test]
fn the_graph_of_half_close_marks_its_walk() {
    let ran = synfin("graph half-close");
    insta::assert_snapshot!(ran.is(0).text());
    for step in ["A1: call-OPEN-active", "B2: seg-SYN-inwindow", "A6: timeout-2msl", "B6: seg-ACK-of-FIN"] {
        assert!(ran.text().contains(step), "{step} is not marked");
    }
    assert_eq!(ran.text().matches("class=\"walked\"").count(), 12);
}

#[test]
fn the_json_of_half_close_is_as_reviewed() {
    let ran = synfin("simulate half-close --json");
    assert_ne!(ran.code, 2, "{}", ran.stderr);
    let document: serde_json::Value = serde_json::from_slice(&ran.stdout).expect("JSON");
    assert_eq!(document["schema_version"], 1);
    insta::assert_snapshot!(ran.text());
}

#[test]
fn dot_draws_every_graph() {
    if !common::dot::is_here_for("dot_draws_every_graph") {
        return;
    }
    let whole = common::dot::svg(&synfin("graph").is(0).stdout);
    // One node for each state, and CLOSED once more at the end.
    assert_eq!(whole.matches("class=\"node state\"").count(), 12);
    for name in catalogue::names() {
        let svg = common::dot::svg(&synfin(&format!("graph {name}")).is(0).stdout);
        // Where nobody is, a segment changes no state.
        let walks = synfin::sources::scenario::Scenario::load(name).expect("in the catalogue").run().transitions().next().is_some();
        assert!(svg.contains("class=\"node visited\"") && svg.contains("class=\"edge walked\"") == walks, "{name}");
    }
}

// --- diff --------------------------------------------------------------------------------------

#[test]
fn a_scenario_under_two_profiles_differs_where_they_do() {
    insta::assert_snapshot!(synfin("diff abort@linux abort@freebsd").is(1).text());
    synfin("diff abort@linux abort --profile linux").is(0);
    synfin("diff abort@linus abort").refused(&["linus"]);
}

#[test]
fn a_scenario_is_equal_to_its_own_capture_at_every_tap() {
    let folder = temporary();
    for name in ["half-close", "simultaneous-close", "udp-echo", "syn-to-closed-port", "arp"] {
        for write in ["own.pcapng --tap a", "own.pcapng --tap b", "own.pcapng --tap both", "own.pcap"] {
            synfin_in(folder.path(), &format!("simulate {name} -w {write}")).is(0);
            let file = write.split(' ').next().expect("a name");
            let ran = synfin_in(folder.path(), &format!("diff {name} {file}"));
            assert!(ran.is(0).text().contains(" agree\n"), "{name} {write}: {}", ran.text());
        }
    }
    // Where nothing passed nothing is equal.
    synfin_in(folder.path(), "simulate self-connect -w own.pcapng --tap b").is(0);
    let nothing = synfin_in(folder.path(), "diff self-connect own.pcapng");
    assert_eq!(nothing.is(1).text(), "# only in self-connect: TCP 192.0.2.1:7008 192.0.2.1:7008\n");
}

#[test]
fn what_the_kernel_did_is_what_the_linux_profile_does() {
    let captures = Path::new(env!("CARGO_MANIFEST_DIR")).join("captures");
    for name in ["half-close", "server-closes-first", "abort", "time-wait-reuse", "self-connect"] {
        synfin_in(&captures, &format!("diff {name}@linux {name}.kernel.pcap")).is(0);
    }
}

#[test]
fn a_lost_segment_is_one_difference() {
    let folder = temporary();
    let mut lossy = command(folder.path(), &["simulate", "half-close", "-w", "lossy.pcapng", "--tap", "both", "--fault"].map(OsStr::new));
    lossy.arg("lose A:data#1");
    finished(lossy).is(0);
    insta::assert_snapshot!(synfin_in(folder.path(), "diff half-close lossy.pcapng").is(1).text());
}

#[test]
fn the_same_options_in_another_order_are_called_so() {
    let folder = temporary();
    for layout in ["linux", "freebsd"] {
        let file = format!("simulate three-way-handshake --profile linux --set option-layout={layout} -w {layout}.pcap");
        synfin_in(folder.path(), &file).is(0);
    }
    insta::assert_snapshot!(synfin_in(folder.path(), "diff linux.pcap freebsd.pcap").is(1).text());
    let found: serde_json::Value =
        serde_json::from_slice(&synfin_in(folder.path(), "diff linux.pcap freebsd.pcap --json").is(1).stdout).expect("JSON");
    assert_eq!(found["equal"], false);
    assert_eq!(found["connections"][0]["differences"][0]["class"], "option-order");
}

#[test]
fn a_json_trace_is_compared_by_what_it_says() {
    let folder = temporary();
    let trace = synfin("simulate half-close --json").is(0).text().to_owned();
    fs::write(folder.path().join("half-close.json"), &trace).expect("written");
    synfin_in(folder.path(), "diff half-close.json half-close").is(0);
    fs::write(folder.path().join("other.json"), trace.replacen("\"FIN-WAIT-2\"", "\"FIN-WAIT-1\"", 1)).expect("written");
    let ran = synfin_in(folder.path(), "diff half-close.json other.json");
    assert!(ran.is(1).text().contains("# differences: 1 state"), "{}", ran.text());
    // By its first octets, from stdin too.
    let mut piped = command(folder.path(), &["diff", "-", "half-close"].map(OsStr::new));
    piped.write_stdin(trace);
    finished(piped).is(0);
    fs::write(folder.path().join("cut.json"), "{\n  \"schema_version\": 1,\n").expect("written");
    synfin_in(folder.path(), "diff cut.json half-close").refused(&["cut.json:3:0: EOF while parsing"]);
}

#[test]
fn times_are_compared_only_with_a_tolerance() {
    let folder = temporary();
    fs::write(folder.path().join("near.ladder"), format!("link delay 10ms\n{TRUE}")).expect("written");
    fs::write(folder.path().join("far.ladder"), format!("link delay 14ms\n{TRUE}")).expect("written");
    synfin_in(folder.path(), "diff near.ladder far.ladder").is(0);
    synfin_in(folder.path(), "diff near.ladder far.ladder --tolerance 12ms").is(0);
    let ran = synfin_in(folder.path(), "diff near.ladder far.ladder --tolerance 5ms");
    assert!(ran.is(1).text().ends_with("# differ in times\n# differences: 2 timings\n"), "{}", ran.text());
    synfin("diff half-close half-close --tolerance soon").refused(&["expected a time such as 5ms"]);
}

#[test]
fn numbers_are_relative_unless_they_are_asked_for() {
    let folder = temporary();
    fs::write(folder.path().join("one.ladder"), TRUE).expect("written");
    let moved = TRUE.lines().filter(|line| !line.starts_with(' ')).map(|line| line.replace("iss 100", "iss 4294967295") + "\n");
    fs::write(folder.path().join("two.ladder"), moved.collect::<String>()).expect("written");
    synfin_in(folder.path(), "diff one.ladder two.ladder").is(0);
    let ran = synfin_in(folder.path(), "diff one.ladder two.ladder --absolute");
    assert!(ran.is(1).text().contains("# differ in numbers"), "{}", ran.text());
}

#[test]
fn a_file_that_cannot_be_compared_is_refused() {
    let folder = temporary();
    synfin_in(folder.path(), "simulate half-close -w whole.pcap").is(0);
    let whole = fs::read(folder.path().join("whole.pcap")).expect("readable");
    fs::write(folder.path().join("empty.pcap"), "").expect("written");
    fs::write(folder.path().join("header.pcap"), &whole[..20]).expect("written");
    fs::write(folder.path().join("zip.pcap"), [0x1f, 0x8b, 8, 0]).expect("written");
    fs::write(folder.path().join("scenario.pcap"), "A  iss\n").expect("written");
    for (line, parts) in [
        ("diff half-close missing.pcap", &["cannot read missing.pcap: No such file"][..]),
        ("diff half-close halfclose", &["did you mean half-close?"]),
        ("diff half-close .", &[". is a folder"]),
        ("diff half-close empty.pcap", &["empty.pcap is empty"]),
        ("diff half-close header.pcap", &["header.pcap: the capture is cut off in packet 1"]),
        ("diff half-close zip.pcap", &["zip.pcap: not a capture: it begins with 1f8b0800", "gunzip"]),
        ("diff half-close scenario.pcap", &["scenario.pcap:1:7"]),
        ("diff half-close whole.pcap#2", &["whole.pcap has no connection 2: it holds 1 connection"]),
        ("diff - -", &["only one of the two can be stdin"]),
    ] {
        synfin_in(folder.path(), line).refused(parts);
    }
}

#[test]
fn of_a_capture_cut_off_what_is_there_is_compared_and_the_exit_code_says_so() {
    let folder = temporary();
    synfin_in(folder.path(), "simulate three-way-handshake -w whole.pcap").is(0);
    let whole = fs::read(folder.path().join("whole.pcap")).expect("readable");
    fs::write(folder.path().join("cut.pcap"), &whole[..whole.len() - 1]).expect("written");
    let ran = synfin_in(folder.path(), "diff three-way-handshake cut.pcap");
    insta::assert_snapshot!(ran.is(2).text());
    assert!(ran.stderr.contains("cut.pcap: the capture is cut off in packet 5: the file ends in the middle of it"), "{}", ran.stderr);
    // What is there may well be the same.
    synfin_in(folder.path(), "diff cut.pcap cut.pcap").is(2);
}

#[test]
fn connections_are_compared_in_order_or_one_by_number() {
    let folder = temporary();
    synfin_in(folder.path(), "simulate time-wait-reuse -w reuse.pcapng").is(0);
    let all = synfin_in(folder.path(), "diff reuse.pcapng reuse.pcapng");
    assert!(all.is(0).text().contains("## 2: TCP 192.0.2.1:"), "{}", all.text());
    assert!(all.stderr.contains("holds 2 connections and exchanges, which are compared in order"), "{}", all.stderr);
    assert!(!synfin_in(folder.path(), "diff reuse.pcapng reuse.pcapng --connection 2").is(0).text().contains("##"));
    synfin_in(folder.path(), "diff reuse.pcapng#1 reuse.pcapng#2").is(1);
}
