//! What `synfin record` makes of what it saw: connections, captures, JSON.
//!
//! Every test runs as whoever runs the tests, and as an ordinary user; without python3 they say `left out`.

mod common {
    pub(crate) mod left_out;
    pub(crate) mod recorder;
}

use std::fs;
use std::process::Command;

use common::recorder::{Recorder, leave_out, recorders, text};
use synfin::sources::capture::{self, Limits, Protocol};

/// Two connections of either family to a port below 1024, each from a process of its own, a datagram to a port that
/// nobody has, and a listener nobody closes.
const TALK: &str = r#"
import os, socket
left = socket.create_server(("127.0.0.1", 4711))
for family, address in [(socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")]:
    with socket.create_server((address, 7), family=family) as listener:
        for _ in range(2):
            child = os.fork()
            if child == 0:
                with socket.create_connection((address, 7)) as client:
                    client.sendall(b"hello")
                    while client.recv(100):
                        pass
                os._exit(0)
            connection, _ = listener.accept()
            with connection:
                connection.sendall(connection.recv(100).upper())
            os.waitpid(child, 0)
socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"x", ("127.0.0.1", 9))
print("done", flush=True)
os.kill(os.getpid(), 9)
"#;

/// Runs the above in a folder for everyone, with these arguments; the exit code is that of its SIGKILL.
fn talked(name: &str, arguments: &[&str], test: impl Fn(&Recorder, &str, &str)) {
    if Command::new("python3").arg("--version").output().is_err() {
        return leave_out(name, "no python3 on this machine");
    }
    for recorder in recorders(name).into_iter().flatten() {
        fs::write(recorder.folder().join("talk.py"), TALK).expect("a file");
        let mut command = recorder.record(arguments);
        let output = command.args(["--", "python3", "talk.py"]).output().expect("it runs");
        assert_eq!(output.status.code(), Some(137), "{}", text(&output.stderr));
        test(&recorder, text(&output.stdout), text(&output.stderr));
    }
}

/// Whether there is a ::1 here; without, record says so.
fn families(said: &str) -> usize {
    if said.contains("IPv6 is switched off") { 1 } else { 2 }
}

#[test]
fn every_connection_has_a_ladder_in_the_order_in_which_they_began() {
    talked("every_connection_has_a_ladder_in_the_order_in_which_they_began", &[], |_, out, said| {
        assert_eq!(out, "done\n");
        let begins: Vec<_> = said.lines().filter(|line| line.starts_with("connection ") || line.contains(" exchange ")).collect();
        let expected = ["connection 1: 127.0.0.1:", "connection 2: 127.0.0.1:", "connection 3: [::1]:", "connection 4: [::1]:"];
        let (connections, rest) = begins.split_at(2 * families(said));
        assert!(connections.iter().zip(expected).all(|(is, begins)| is.starts_with(begins)), "{said}");
        assert!(matches!(rest, [udp] if udp.starts_with("UDP exchange 1: 127.0.0.1:") && udp.ends_with(" -> 127.0.0.1:9")), "{said}");
        assert_eq!(said.matches("(still there at the end, says the kernel: B: TIME-WAIT)").count(), connections.len(), "{said}");
        assert!(said.contains("<ICMP=port unreachable>"), "{said}");
        assert!(!said.contains("; its packets say"), "no contradiction: {said}");
    });
}

#[test]
fn the_capture_reads_back_and_says_both_ends_states() {
    talked("the_capture_reads_back_and_says_both_ends_states", &["-w", "x.pcapng", "-o", "x.txt"], |recorder, _, said| {
        let file = fs::read(recorder.folder().join("x.pcapng")).expect("a capture");
        let read = capture::read(&file[..], Limits::default()).expect("readable");
        assert_eq!((read.unread, read.broken), (0, None));
        let connections = read.flows.iter().filter(|flow| flow.protocol == Protocol::Tcp).count();
        assert_eq!(connections, 2 * families(said));
        let shown = String::from_utf8_lossy(&file);
        for comment in ["A CLOSED -> SYN-SENT | snd SYN |", "-> SYN-RECEIVED | rcv SYN |", "B FIN-WAIT-1 -> ", "record -- python3 talk.py"]
        {
            assert!(shown.contains(comment), "{comment}");
        }
    });
}

#[test]
fn json_is_one_document() {
    talked("json_is_one_document", &["--json", "-o", "x.json", "-w", "x.pcap"], |recorder, _, said| {
        let file = fs::read(recorder.folder().join("x.json")).expect("a document");
        let document: serde_json::Value = serde_json::from_slice(&file).expect("JSON");
        assert_eq!(document["command"], "python3 talk.py");
        assert_eq!((&document["ended"]["exit_code"], &document["ended"]["signal"]), (&137.into(), &9.into()));
        let flows = document["flows"].as_array().expect("flows");
        assert_eq!(flows.len(), 2 * families(said) + 1);
        assert_eq!(flows[0]["kernel_at_end"], serde_json::json!([null, "TIME-WAIT"]));
        assert_eq!(flows[0]["trace"]["schema_version"], 1);
        assert_eq!(document["frames"]["missed"], 0);
        let capture = fs::read(recorder.folder().join("x.pcap")).expect("a capture");
        assert_eq!(capture[..4], [0x4d, 0x3c, 0xb2, 0xa1], "nanoseconds, little endian");
    });
}

/// Runs the rest of its command line at a terminal, types Ctrl-C when it has said ready, and prints all it says.
const TERMINAL: &str = r#"
import os, pty, sys
child, terminal = pty.fork()
if child == 0:
    os.execvp(sys.argv[1], sys.argv[1:])
said = b""
while True:
    try:
        said += os.read(terminal, 4096)
    except OSError:
        break
    if said.count(b"ready") == 1:
        os.write(terminal, b"\x03")
        said += b"(typed)"
        os.read(terminal, 2)
        said = said.replace(b"ready", b"READY")
print(said.decode(), os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"#;

/// Counts how often it is interrupted.
const INTERRUPTED: &str = r#"
import signal, sys, time
times = 0
def count(*_):
    global times
    times += 1
signal.signal(signal.SIGINT, count)
print("terminal" if sys.stdin.isatty() else "none", "ready", flush=True)
while not times:
    time.sleep(0.01)
time.sleep(0.3)
print("interrupted", times, flush=True)
sys.exit(9)
"#;

#[test]
fn at_a_terminal_the_command_is_in_the_foreground_and_interrupted_once() {
    let name = "at_a_terminal_the_command_is_in_the_foreground_and_interrupted_once";
    if Command::new("python3").arg("--version").output().is_err() {
        return leave_out(name, "no python3 on this machine");
    }
    for recorder in recorders(name).into_iter().flatten() {
        fs::write(recorder.folder().join("terminal.py"), TERMINAL).expect("a file");
        fs::write(recorder.folder().join("interrupted.py"), INTERRUPTED).expect("a file");
        let record = recorder.record(&["--timeout", "60s", "--", "python3", "interrupted.py"]);
        let mut terminal = Command::new("python3");
        terminal.arg("terminal.py").arg(record.get_program()).args(record.get_args()).current_dir(recorder.folder());
        let output = terminal.output().expect("it runs");
        let said = text(&output.stdout);
        assert!(said.contains("terminal READY") && said.contains("interrupted 1\r\n"), "{said}{}", text(&output.stderr));
        assert!(said.contains("# the command ended with exit code 9\r\n") && said.ends_with(" 9\n"), "{said}");
    }
}
