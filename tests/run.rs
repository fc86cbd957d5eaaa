//! `synfin run` as its users meet it: verdicts, exit codes, reports, what it writes.

use std::fs;
use std::path::Path;

use assert_cmd::Command;
use tempfile::TempDir;

/// A server that accepts, answers and closes.
const GOOD: &str = "\
// A request, an answer, and the server closes.
    0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
   +0 bind(3, ..., ...) = 0
   +0 listen(3, 1) = 0
   +0 < S 0:0(0) win 32792 <mss 1460>
   +0 > S. 0:0(0) ack 1 <mss 1460>
  +.1 < . 1:1(0) ack 1 win 32792
   +0 accept(3, ..., ...) = 4
   +0 < P. 1:501(500) ack 1 win 32792
   +0 > . 1:1(0) ack 501
   +0 read(4, ..., 1000) = 500
   +0 write(4, ..., 700) = 700
   +0 > P. 1:701(700) ack 501
  +.1 < . 501:501(0) ack 701 win 32792
   +0 close(4) = 0
   +0 > F. 701:701(0) ack 501
  +.1 < F. 501:501(0) ack 702 win 32792
   +0 > . 702:702(0) ack 502
";

/// What a command left behind.
struct Ran {
    code: Option<i32>,
    out: String,
    err: String,
}

fn run(folder: &Path, arguments: &[&str]) -> Ran {
    let mut command = Command::new(assert_cmd::cargo::cargo_bin!("synfin"));
    let output = command.current_dir(folder).arg("run").args(arguments).env("NO_COLOR", "1").output().expect("it runs");
    let text = |octets| String::from_utf8(octets).expect("text");
    Ran { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
}

/// A folder with these scripts.
fn folder(scripts: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, text) in scripts {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("room");
        fs::write(path, text).expect("room");
    }
    folder
}

#[test]
fn a_script_that_holds_passes() {
    let folder = folder(&[("good.pkt", GOOD)]);
    let ran = run(folder.path(), &["good.pkt"]);
    assert_eq!((ran.code, ran.out.as_str(), ran.err.as_str()), (Some(0), "pass  good.pkt  0.300 s\n", ""));
}

#[test]
fn a_wrong_line_is_shown_with_what_there_was_instead() {
    let folder = folder(&[("bad.pkt", &GOOD.replace("> P. 1:701(700) ack 501", "> P. 1:701(700) ack 401"))]);
    let ran = run(folder.path(), &["bad.pkt"]);
    assert_eq!((ran.code, ran.err.as_str()), (Some(1), ""));
    insta::assert_snapshot!(ran.out, @"
    fail  bad.pkt  0.100 s
          bad.pkt:13:7: error handling packet:
            live packet field ack: expected: 401 vs actual: 501
              |
           13 |    +0 > P. 1:701(700) ack 401
              |       ^^^^^^^^^^^^^^^^^^^^^^^
            script packet: > P. 1:701(700) ack 401
            actual packet: 0.100 > P. 1:701(700) ack 501 win 63784
                 expected  actual
            ack  401       501
    ");
}

#[test]
fn a_mistake_in_a_script_is_shown_where_it_stands() {
    let folder = folder(&[("typo.pkt", &GOOD.replace("listen(3, 1) = 0", "listen(3, 1 = 0"))]);
    let ran = run(folder.path(), &["typo.pkt"]);
    assert_eq!((ran.code, ran.err.as_str()), (Some(2), ""));
    insta::assert_snapshot!(ran.out, @r#"
    error typo.pkt
          typo.pkt:4:19: expected , or ) behind an argument, found "="
             |
           4 |    +0 listen(3, 1 = 0
             |                   ^
    "#);
}

#[test]
fn what_cannot_be_meant_is_skipped_and_never_executed() {
    let folder = folder(&[("shell.pkt", &GOOD.replace("   +0 accept", "   +0 `touch witness`\n   +0 accept"))]);
    let ran = run(folder.path(), &["shell.pkt"]);
    assert_eq!(ran.code, Some(0));
    assert_eq!(ran.out, "skip  shell.pkt  unsupported: the command touch witness (shell.pkt:8:7)\n");
    assert!(!folder.path().join("witness").exists());
}

#[test]
fn a_folder_is_told_in_order_for_any_number_of_threads() {
    let scripts = [("a/one.pkt", GOOD), ("a/two.pkt", "0 socket(..., SOCK_STREAM, IPPROTO_TCP) = -1\n"), ("three.pkt", GOOD)];
    let folder = folder(&scripts);
    let one = run(folder.path(), &["-j1", "."]);
    assert_eq!(one.code, Some(1));
    insta::assert_snapshot!(one.out, @"
    pass  ./a/one.pkt  0.300 s
    fail  ./a/two.pkt  0.000 s
          ./a/two.pkt:1:3: runtime error in system call: Expected result -1 but got 3
             |
           1 | 0 socket(..., SOCK_STREAM, IPPROTO_TCP) = -1
             |   ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
                    expected  actual
            result  -1        3
    pass  ./three.pkt  0.300 s
    2 passed, 1 failed of 3 scripts, 0.6 s by their own clocks
    ");
    for jobs in ["-j2", "-j16"] {
        assert_eq!(run(folder.path(), &[jobs, "."]).out, one.out);
    }
}

#[test]
fn what_differed_is_written_anew() {
    let wrong = GOOD.replace("> P. 1:701(700) ack 501", ">   . 1:701(700) ack 401 // not so").replace("+0 > F.", "+.5 > F.");
    let folder = folder(&[("old.pkt", &wrong)]);
    let ran = run(folder.path(), &["--update", "old.pkt"]);
    assert!(ran.out.ends_with("      updated\n"), "{}", ran.out);
    let anew = fs::read_to_string(folder.path().join("old.pkt")).expect("a script");
    assert_eq!(anew, GOOD.replace("> P. 1:701(700) ack 501", "> P. 1:701(700) ack 501 // not so"));
    assert_eq!(run(folder.path(), &["old.pkt"]).code, Some(0));
}

#[test]
fn a_script_by_its_bare_name_reads_the_commands_beside_it() {
    let folder = folder(&[("ecn.pkt", &format!("`./ecn.sh`\n{GOOD}")), ("ecn.sh", "#!/bin/sh\nsysctl -q net.ipv4.tcp_ecn=0\n")]);
    for name in ["ecn.pkt", "./ecn.pkt"] {
        let ran = run(folder.path(), &[name]);
        assert_eq!((ran.code, ran.out), (Some(0), format!("pass  {name}  0.300 s\n")));
    }
}

#[test]
fn a_wish_for_a_valid_signature_is_not_written_anew() {
    let good = "\
--tcp_md5_secret=secret
    0 `sysctl -w net.inet.tcp.sack.enable=1`
   +0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
   +0 setsockopt(3, IPPROTO_TCP, TCP_MD5SIG, [1], 4) = 0
   +0 bind(3, ..., ...) = 0
   +0 listen(3, 1) = 0
   +0 < S 0:0(0) win 65535 <mss 1460,nop,nop,md5 valid>
   +0 > S. 0:0(0) ack 1 win 65535 <mss 1460,nop,nop,md5 valid>
";
    let folder = folder(&[("old.pkt", &good.replace("ack 1 win 65535", "ack 9 win 65535"))]);
    assert!(run(folder.path(), &["--update", "old.pkt"]).out.ends_with("      updated\n"));
    assert_eq!(fs::read_to_string(folder.path().join("old.pkt")).expect("a script"), good);
}

#[test]
fn a_capture_of_each_script_is_written() {
    let folder = folder(&[("x/a.pkt", GOOD), ("b.pkt", GOOD)]);
    assert_eq!(run(folder.path(), &["-w", "seen", "."]).code, Some(0));
    for name in ["seen/x/a.pcapng", "seen/b.pcapng"] {
        assert!(fs::metadata(folder.path().join(name)).expect("a capture").len() > 1000, "{name}");
    }
    let ran = run(folder.path(), &["-w", "seen", "x/a.pkt", "x/../x/a.pkt"]);
    assert_eq!(ran.code, Some(2));
    assert!(ran.err.contains("would both be written to seen/a.pcapng"), "{}", ran.err);
}

#[test]
fn options_of_packetdrill_override_those_of_the_script() {
    let six = GOOD.replace("mss 1460", "mss 1440");
    let folder = folder(&[("six.pkt", &format!("--ip_version=ipv4\n{six}"))]);
    assert_eq!(run(folder.path(), &["six.pkt"]).code, Some(1));
    assert_eq!(run(folder.path(), &["--ip_version=ipv6", "six.pkt"]).code, Some(0));
    assert_eq!(run(folder.path(), &["--mtu=1480", "six.pkt"]).code, Some(0));
}

/// What a script may say of itself can be said of it, too.
#[test]
fn options_of_packetdrill_are_taken_on_the_command_line() {
    let folder = folder(&[("good.pkt", GOOD)]);
    let passes = [
        "--speed=1000",
        "--mss=1000",
        "--is_anyip",
        "--send_omit_free",
        "--psp_udp_port=1000",
        "--debug",
        "--verbose",
        "--no_cleanup",
        "--code_command=python",
        "--code_format=python",
        "--code_sockopt=TCP_INFO",
        "--tun_dev=tun0",
        "--persistent_tun_dev=1",
        "--wire_server_port=8081",
        "--wire_client_dev=eth0",
        "--wire_server_dev=eth0",
        "--so_flags=x",
        "--gateway_ip=192.168.0.1",
        "--netmask_ip=255.255.0.0",
        "--define=A=1",
        "-DA=1",
        "--strict_segments",
        "--tcp_ts_ecr_scaled",
        "--non_fatal=packet,syscall",
        "--tolerance_usecs=1",
        "--tolerance_percent=1.5",
        "--tcp_ts_tick_usecs=1000",
        "--bind_port=80",
        "--connect_port=81",
    ];
    for option in passes {
        assert_eq!(run(folder.path(), &[option, "good.pkt"]).code, Some(0), "{option}");
    }
    for option in ["--wire_client", "--wire_server", "--wire_server_ip=192.0.2.9", "--wire_server_at=192.0.2.9", "--so_filename=stack.so"] {
        let ran = run(folder.path(), &[option, "--ktap", "good.pkt"]);
        assert_eq!(ran.code, Some(4), "{option}");
        assert!(ran.out.contains("# SKIP unsupported: --"), "{option}: {}", ran.out);
    }
}

#[test]
fn a_dry_run_only_reads() {
    let folder = folder(&[("fails.pkt", "0 socket(..., SOCK_STREAM, IPPROTO_TCP) = -1\n")]);
    assert_eq!(run(folder.path(), &["--dry_run", "fails.pkt"]).code, Some(0));
}

#[test]
fn ktap_says_by_its_exit_code_that_all_was_skipped() {
    let folder = folder(&[("shell.pkt", "0 `true`\n+0 `reboot`\n")]);
    let ran = run(folder.path(), &["--ktap", "shell.pkt"]);
    assert_eq!(ran.code, Some(4));
    assert!(ran.out.starts_with("KTAP version 1\n1..1\nok 1 shell.pkt # SKIP unsupported: the command reboot"), "{}", ran.out);
}

#[test]
fn stdin_is_a_script() {
    let mut command = Command::new(assert_cmd::cargo::cargo_bin!("synfin"));
    let output = command.args(["run", "-"]).write_stdin(GOOD).output().expect("it runs");
    assert_eq!(String::from_utf8_lossy(&output.stdout), "pass  stdin  0.300 s\n");
}

#[test]
fn what_is_not_there_is_named() {
    let folder = folder(&[]);
    let ran = run(folder.path(), &["none.pkt"]);
    assert_eq!((ran.code, ran.out.as_str()), (Some(2), "error none.pkt\n      none.pkt: No such file or directory (os error 2)\n"));
    let ran = run(folder.path(), &["--profile", "plan9", "none.pkt"]);
    assert_eq!(ran.code, Some(2));
    assert!(ran.err.contains("no profile is called plan9; there are rfc9293, linux and freebsd"), "{}", ran.err);
}
