//! `synfin record -i`, on interfaces that the tests make in namespaces of their own.
//!
//! Where namespaces are refused, or ip and python3 are not there, they say `left out` and pass, unless
//! `SYNFIN_ORACLES=require`.

mod common {
    pub(crate) mod left_out;
    pub(crate) mod recorder;
}

use std::process::Command;

use common::recorder::{Recorder, leave_out, recorders, text};

/// A server that says nothing and a client that connects and closes, at the address given.
const TALK: &str = r#"
import socket, sys, time
def server(address):
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    listener = socket.create_server((address, 7000), family=family)
    print("ready", flush=True)
    listener.accept()[0].recv(1)
def client(address):
    socket.create_connection((address, 7000)).close()
{"server": server, "client": client}[sys.argv[1]](sys.argv[2])
"#;

/// Runs a script as root of a user and a network namespace; `$1` is the program, `$2` the one that talks.
fn in_a_namespace(name: &str, recorder: &Recorder, script: &str) -> Option<String> {
    for needed in ["ip", "python3", "unshare", "nsenter"] {
        if Command::new(needed).arg("-V").output().is_err() {
            leave_out(name, &format!("no {needed} on this machine"));
            return None;
        }
    }
    std::fs::write(recorder.folder().join("talk.py"), TALK).expect("a file");
    let program = recorder.program();
    let mut command = recorder.command("unshare");
    command.args(["--user", "--map-root-user", "--net", "--pid", "--fork", "--kill-child", "--mount-proc", "sh", "-euc", script, "sh"]);
    let output = command.arg(program).arg("talk.py").output().expect("unshare runs");
    if text(&output.stderr).contains("unshare:") {
        leave_out(name, text(&output.stderr).trim());
        return None;
    }
    assert!(output.status.success(), "{}{}", text(&output.stdout), text(&output.stderr));
    Some(text(&output.stdout).to_owned())
}

/// Waits until a file says something, and then goes on; not for ever.
const UNTIL: &str =
    "await() { i=0; while ! grep -q \"$2\" \"$1\"; do sleep 0.02; i=$((i + 1)); [ $i -lt 1500 ] || { cat \"$1\" >&2; exit 9; }; done; }\n";

#[test]
fn what_passes_an_interface_is_shown_when_it_is_over() {
    let name = "what_passes_an_interface_is_shown_when_it_is_over";
    for recorder in recorders(name).into_iter().flatten() {
        for (options, end) in [("", "kill -INT $listening"), ("", "kill -TERM $listening"), ("--count 12", ":")] {
            let script = format!(
                r#"{UNTIL}
                ip link set lo up
                : >said; : >served
                "$1" record -i lo -w lo.pcapng {options} >shown 2>said & listening=$!
                await said 'listening on lo'
                python3 "$2" server ::1 >served & await served ready
                python3 "$2" client ::1
                wait $! || true
                {end}
                wait $listening
                cat shown"#
            );
            let Some(shown) = in_a_namespace(name, &recorder, &script) else { return };
            let first = shown.lines().position(|line| line.starts_with("connection 1: [::1]:"));
            let rows: Vec<_> =
                shown.lines().skip(first.expect(&shown) + 1).map(|line| line.trim().split_once(' ').expect("a state").0).collect();
            assert_eq!(rows[..4], ["SYN-SENT", "ESTABLISHED", "ESTABLISHED", "FIN-WAIT-1"], "{shown}");
            assert!(shown.starts_with("# synfin 0.1.0 record -i lo\n"), "{shown}");
            assert!(recorder.folder().join("lo.pcapng").exists());
        }
    }
}

#[test]
fn of_a_cable_one_end_is_seen() {
    let name = "of_a_cable_one_end_is_seen";
    for recorder in recorders(name).into_iter().flatten() {
        let script = format!(
            r#"{UNTIL}
            : >said; : >served
            unshare --net sleep 60 & other=$!
            ip link add v0 type veth peer name v1
            while kill -0 $other && [ "$(readlink /proc/$other/ns/net)" = "$(readlink /proc/self/ns/net)" ]; do sleep 0.02; done
            ip link set v1 netns $other
            ip addr add 10.9.0.1/24 dev v0; ip link set v0 up
            there() {{ nsenter --net=/proc/$other/ns/net "$@"; }}
            there ip addr add 10.9.0.2/24 dev v1; there ip link set v1 up
            "$1" record -i v0 -o shown -w v0.pcap 2>said & listening=$!
            await said 'listening on v0'
            there python3 "$2" server 10.9.0.2 >served & serving=$!
            await served ready
            python3 "$2" client 10.9.0.2
            wait $serving
            kill -INT $listening; wait $listening
            kill $other
            cat shown"#
        );
        let Some(shown) = in_a_namespace(name, &recorder, &script) else { return };
        assert!(shown.contains("-> 10.9.0.2:7000\n   SYN-SENT     --> <SEQ=0><CTL=SYN> "), "{shown}");
        assert!(shown.contains("TIME-WAIT    <-- "), "{shown}");
        assert!(shown.contains("ARP exchange 1: 10.9.0.1 -> 10.9.0.2\n"), "{shown}");
    }
}

#[test]
fn without_the_right_it_says_what_would_help() {
    let name = "without_the_right_it_says_what_would_help";
    for recorder in recorders(name).into_iter().flatten() {
        // In a user namespace of one's own one has no right to the network outside.
        let output = recorder
            .command("unshare")
            .args(["--user", "--"])
            .arg(recorder.program())
            .args(["record", "-i", "lo", "--timeout", "1s"])
            .output();
        let Ok(output) = output else { return leave_out(name, "no unshare on this machine") };
        if text(&output.stderr).contains("unshare:") {
            return leave_out(name, text(&output.stderr).trim());
        }
        assert_eq!((output.status.code(), text(&output.stdout)), (Some(2), ""));
        let said = text(&output.stderr);
        for part in ["synfin: cannot listen on lo: ", "EPERM", "CAP_NET_RAW", "sudo", "setcap cap_net_raw+ep"] {
            assert!(said.contains(part), "{part}: {said}");
        }
    }
}

#[test]
fn an_interface_that_is_not_there_is_named() {
    let name = "an_interface_that_is_not_there_is_named";
    for recorder in recorders(name).into_iter().flatten() {
        let script = r#""$1" record -i nosuch 2>&1 || echo "code $?""#;
        let Some(shown) = in_a_namespace(name, &recorder, script) else { return };
        assert!(shown.contains("cannot listen on nosuch: ") && shown.contains("there is no such interface"), "{shown}");
        assert!(shown.ends_with("code 2\n"), "{shown}");
    }
    for (arguments, expected) in [
        (&["record", "-i", "lo", "--", "true"][..], "cannot be used with"),
        (&["record", "--count", "3", "--", "true"], "cannot be used with"),
        (&["record", "--count", "3"], "--interface"),
        (&["record", "-i", "lo", "-w", "-", "-o", "-"], "both want stdout"),
        (&["record", "-i", "lo", "--mtu", "1500"], "cannot be used with"),
    ] {
        let output = Command::new(env!("CARGO_BIN_EXE_synfin")).args(arguments).output().expect("it runs");
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(text(&output.stderr).contains(expected), "{}", text(&output.stderr));
    }
}
