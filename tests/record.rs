//! `synfin record`, for real: what it leaves alone, what it passes on, and that nothing is left of it.
//!
//! Every test runs as whoever runs the tests, and as an ordinary user. Where namespaces are refused they say
//! `left out` and pass, unless `SYNFIN_ORACLES=require`.

mod common {
    pub(crate) mod left_out;
    pub(crate) mod recorder;
}

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use common::recorder::{Recorder, User, leave_out, recorders, text};

/// Runs `test` for every user.
fn as_everyone(name: &str, test: impl Fn(&Recorder)) {
    for recorder in recorders(name).into_iter().flatten() {
        test(&recorder);
    }
}

/// `synfin record` with these arguments, finished.
fn recorded(recorder: &Recorder, arguments: &[&str]) -> Output {
    recorder.record(arguments).output().expect("it runs")
}

/// Waits until it is so, on however busy a machine.
fn eventually(what: &str, mut is_so: impl FnMut() -> bool) {
    let started = Instant::now();
    while !is_so() {
        assert!(started.elapsed() < Duration::from_mins(1), "never: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Whether a process with this word on its command line is alive anywhere.
fn lives(word: &str) -> bool {
    let entries = fs::read_dir("/proc").expect("proc").filter_map(Result::ok);
    entries
        .filter(|entry| entry.file_name().to_str().is_some_and(|name| name.parse::<u32>().is_ok()))
        .filter_map(|entry| fs::read(entry.path().join("cmdline")).ok())
        .any(|line| line.split(|octet| *octet == 0).any(|argument| argument == word.as_bytes()))
}

/// Starts it and waits for its first line.
fn started(recorder: &Recorder, arguments: &[&str]) -> (Child, BufReader<std::process::ChildStdout>, String) {
    let mut child = recorder.record(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it runs");
    let mut out = BufReader::new(child.stdout.take().expect("piped"));
    let mut line = String::new();
    out.read_line(&mut line).expect("it speaks");
    (child, out, line.trim().to_owned())
}

#[test]
fn the_exit_code_is_the_commands() {
    as_everyone("the_exit_code_is_the_commands", |recorder| {
        for (script, code, said) in [
            ("exit 0", 0, "ended with exit code 0"),
            ("exit 3", 3, "ended with exit code 3"),
            ("exit 255", 255, "ended with exit code 255"),
            ("kill -TERM $$", 143, "was ended by signal 15 (SIGTERM)"),
            ("kill -KILL $$", 137, "was ended by signal 9 (SIGKILL)"),
        ] {
            let output = recorded(recorder, &["--", "sh", "-c", script]);
            assert_eq!(output.status.code(), Some(code), "{script}: {}", text(&output.stderr));
            assert!(text(&output.stderr).contains(&format!("# the command {said}\n")), "{}", text(&output.stderr));
        }
    });
}

#[test]
fn standard_streams_are_the_commands() {
    as_everyone("standard_streams_are_the_commands", |recorder| {
        let mut command = recorder.record(&["-o", "shown", "--", "sh", "-c", "cat; echo beside >&2"]);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it runs");
        child.stdin.take().expect("piped").write_all(b"through\0and through").expect("it reads");
        let output = child.wait_with_output().expect("it ends");
        assert_eq!(output.stdout, b"through\0and through");
        assert_eq!(text(&output.stderr), "beside\n");
        let shown = fs::read_to_string(recorder.folder().join("shown")).expect("a file");
        let expected = "record -- sh -c 'cat; echo beside >&2'\n# the command ended with exit code 0\n# nothing passed the loopback\n";
        assert!(shown.ends_with(expected), "{shown}");
    });
}

#[test]
fn the_user_and_the_folder_stay_what_they_are() {
    as_everyone("the_user_and_the_folder_stay_what_they_are", |recorder| {
        let script = "id -u; id -g; pwd; umask; touch made";
        let outside = recorder.command("sh").args(["-c", script]).output().expect("sh");
        let inside = recorded(recorder, &["--", "sh", "-c", &script.replace("made", "recorded")]);
        assert_eq!(text(&inside.stdout), text(&outside.stdout));
        let owner = |name: &str| fs::metadata(recorder.folder().join(name)).map(|about| (about.uid(), about.gid())).expect(name);
        assert_eq!(owner("recorded"), owner("made"));
        if recorder.user == User::Ordinary {
            assert_eq!(owner("recorded"), (1000, 1000));
        }
    });
}

#[test]
fn an_ordinary_user_gains_no_rights() {
    as_everyone("an_ordinary_user_gains_no_rights", |recorder| {
        if recorder.user == User::Same && rustix::process::geteuid().is_root() {
            return;
        }
        let output = recorded(recorder, &["--", "grep", "^Cap[IPEA]", "/proc/self/status"]);
        let sets: Vec<_> = text(&output.stdout).lines().filter_map(|line| line.split_whitespace().nth(1)).collect();
        assert_eq!(sets, ["0000000000000000"; 4], "{}", text(&output.stdout));
    });
}

#[test]
fn the_network_is_a_loopback_and_the_processes_are_the_commands() {
    as_everyone("the_network_is_a_loopback_and_the_processes_are_the_commands", |recorder| {
        let output = recorded(recorder, &["--", "sh", "-c", "cut -d: -f1 /proc/net/dev | tail -n +3; echo /proc/[0-9]*"]);
        let shown = text(&output.stdout);
        let (interfaces, processes) = shown.trim().split_once('\n').unwrap_or_else(|| panic!("{shown}"));
        assert_eq!(interfaces.trim(), "lo");
        assert!(processes.split(' ').count() <= 4 && processes.starts_with("/proc/1 /proc/2"), "{processes}");
    });
}

#[test]
fn what_cannot_be_run_is_exit_code_2_and_says_that_it_is_ours() {
    as_everyone("what_cannot_be_run_is_exit_code_2_and_says_that_it_is_ours", |recorder| {
        fs::write(recorder.folder().join("plain"), "no program").expect("a file");
        for (program, expected) in [("./nonsense", "ENOENT; there is no such program"), ("./plain", "EACCES; it may not be executed")] {
            let output = recorded(recorder, &["--", program]);
            assert_eq!((output.status.code(), text(&output.stdout)), (Some(2), ""));
            let said = text(&output.stderr);
            assert!(said.contains(&format!("synfin: cannot run {program}: {expected}")), "{said}");
            assert!(said.contains("exit code 2 is synfin's, not the command's"), "{said}");
        }
        for (arguments, expected) in [
            (
                &["-w", "no/such/x.pcapng", "--", "touch", "ran"][..],
                "cannot write no/such/x.pcapng: there is no such folder; nothing was run",
            ),
            (&["-o", ".", "--", "touch", "ran"], "cannot write .: it is a folder; nothing was run"),
            (&["-w", "x.cap", "--", "touch", "ran"], "name it .pcap or .pcapng"),
            (&["-w", "-", "--", "touch", "ran"], "stdout is the command's"),
            (&[], "COMMAND"),
        ] {
            let output = recorded(recorder, arguments);
            assert_eq!(output.status.code(), Some(2), "{arguments:?}");
            assert!(text(&output.stderr).contains(expected), "{}", text(&output.stderr));
            assert!(!recorder.folder().join("ran").exists(), "{arguments:?}");
        }
    });
}

#[test]
fn a_command_that_never_ends_is_told_to_and_then_made_to() {
    as_everyone("a_command_that_never_ends_is_told_to_and_then_made_to", |recorder| {
        for (script, code) in
            [("sleep 7101; :", 143), ("trap '' TERM; while :; do sleep 7102; done", 137), ("trap 'exit 5' TERM; sleep 7103 & wait", 5)]
        {
            let output = recorded(recorder, &["--timeout", "300ms", "--", "sh", "-c", script]);
            let said = text(&output.stderr);
            assert_eq!(output.status.code(), Some(code), "{script}: {said}");
            assert!(said.contains("longer than --timeout allows") && said.contains("when its time was over"), "{said}");
        }
        for word in ["7101", "7102", "7103"] {
            assert!(!lives(word), "{word}");
        }
    });
}

#[test]
fn signals_sent_to_the_recorder_are_the_commands() {
    as_everyone("signals_sent_to_the_recorder_are_the_commands", |recorder| {
        for (signal, code) in [("INT", 42), ("TERM", 43), ("HUP", 44), ("USR1", 45), ("WINCH", 46), ("QUIT", 47)] {
            let script = format!("trap 'exit {code}' {signal}; echo ready; while :; do sleep 0.05; done");
            let (mut child, _out, line) = started(recorder, &["--", "sh", "-c", &script]);
            assert_eq!(line, "ready");
            // setpriv has become synfin by now, so the number is that of the recorder.
            let sent = Command::new("kill").args([&format!("-{signal}"), &child.id().to_string()]).status();
            assert!(sent.is_ok_and(|status| status.success()));
            assert_eq!(child.wait().expect("it ends").code(), Some(code), "{signal}");
        }
    });
}

#[test]
fn processes_that_outlive_the_command_are_named_and_ended() {
    as_everyone("processes_that_outlive_the_command_are_named_and_ended", |recorder| {
        let output = recorded(recorder, &["--", "sh", "-c", "setsid sleep 7201 & sleep 7202 & (sleep 7203 &) ; exit 4"]);
        assert_eq!(output.status.code(), Some(4));
        let said = text(&output.stderr);
        assert!(said.contains("# still running when the command had ended, and ended then: sleep, sleep, sleep\n"), "{said}");
        for word in ["7201", "7202", "7203"] {
            assert!(!lives(word), "{word}");
        }
    });
}

#[test]
fn nothing_is_left_of_a_recorder_that_is_killed() {
    as_everyone("nothing_is_left_of_a_recorder_that_is_killed", |recorder| {
        let names = || fs::read_dir(recorder.folder()).expect("a folder").flatten().count();
        let before = names();
        let script = "readlink /proc/self/ns/net; setsid sleep 7301 & sleep 7302";
        let (mut child, mut out, network) = started(recorder, &["-w", "x.pcapng", "-o", "x.txt", "--", "sh", "-c", script]);
        assert!(network.starts_with("net:["), "{network}");
        eventually("it runs", || lives("7301") && lives("7302"));
        assert!(in_network(&network), "somebody is in there");
        child.kill().expect("SIGKILL");
        child.wait().expect("dead");
        // Everybody who held its stdout is gone when it ends; then look.
        out.read_to_end(&mut Vec::new()).expect("the end");
        eventually("no process of it", || !lives("7301") && !lives("7302"));
        eventually("nobody in its network", || !in_network(&network));
        assert_eq!(names(), before, "no file");
    });
}

/// Whether any process we can look at is in this network namespace.
fn in_network(network: &str) -> bool {
    let entries = fs::read_dir("/proc").expect("proc").filter_map(Result::ok);
    entries.filter_map(|entry| fs::read_link(entry.path().join("ns/net")).ok()).any(|name| name == Path::new(network))
}

#[test]
fn a_killed_keeper_is_said() {
    as_everyone("a_killed_keeper_is_said", |recorder| {
        let (child, _out, line) = started(recorder, &["--", "sh", "-c", "echo ready; sleep 7401"]);
        assert_eq!(line, "ready");
        let children = fs::read_to_string(format!("/proc/{0}/task/{0}/children", child.id()));
        // The keeper is a child of another thread than the first.
        let tasks = fs::read_dir(format!("/proc/{}/task", child.id())).expect("tasks").filter_map(Result::ok);
        let keeper =
            tasks.filter_map(|task| fs::read_to_string(task.path().join("children")).ok()).find(|children| !children.trim().is_empty());
        let Some(keeper) = keeper else { return leave_out("a_killed_keeper_is_said", &format!("no list of children: {children:?}")) };
        assert!(Command::new("kill").args(["-KILL", keeper.trim()]).status().is_ok_and(|status| status.success()));
        let output = child.wait_with_output().expect("it ends");
        assert_eq!(output.status.code(), Some(2));
        assert!(text(&output.stderr).contains("cut short"), "{}", text(&output.stderr));
        eventually("no process of it", || !lives("7401"));
    });
}

#[test]
fn the_keeper_is_of_no_use_to_others() {
    let output = Command::new(env!("CARGO_BIN_EXE_synfin")).args(["record-keeper", "0", "--", "touch", "x"]).output().expect("it runs");
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("outside of a recording"), "{}", text(&output.stderr));
}

#[test]
fn a_refusal_says_what_was_tried_and_what_would_help() {
    let name = "a_refusal_says_what_was_tried_and_what_would_help";
    let Some(recorders) = recorders(name) else { return };
    // In a user namespace of its own that allows no further ones, as some distributions set it up.
    let script =
        "echo 0 > /proc/sys/user/max_user_namespaces && exec setpriv --bounding-set=-all --inh-caps=-all \"$0\" record -- touch ran";
    let recorder = &recorders[0];
    let output = recorder.command("unshare").args(["--user", "--map-root-user", "sh", "-c", script]).arg(recorder.program()).output();
    let Ok(output) = output else { return leave_out(name, "no unshare on this machine") };
    if text(&output.stderr).contains("unshare:") || text(&output.stderr).contains("setpriv:") {
        return leave_out(name, text(&output.stderr).trim());
    }
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    let message = text(&output.stderr);
    assert!(message.contains("namespace") && message.contains("max_user_namespaces"), "{message}");
    assert!(!recorder.folder().join("ran").exists());
}
