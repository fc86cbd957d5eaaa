//! Shell commands and snippets.

use super::*;

#[test]
fn sysctls_reach_the_stack() {
    let script = "`sysctl -q -w net.ipv4.tcp_ecn=0`\n0 `sysctl -w net.ipv4.tcp_sack=1 net.ipv4.tcp_rmem=\"4096 8192 16384\"`\n+0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3";
    let fake = passes(script, Fake::default());
    let set: Vec<_> = fake.parameters.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    assert_eq!(set, [("net.ipv4.tcp_ecn", "0"), ("net.ipv4.tcp_sack", "1"), ("net.ipv4.tcp_rmem", "4096 8192 16384")]);
    assert!(unsupported("0 `sysctl -w net.ipv4.nonsense=0`", Fake::default()).contains("sysctl net.ipv4.nonsense"));
}

#[test]
fn nothing_is_executed() {
    let dir = tempfile::tempdir().expect("a folder");
    let file = dir.path().join("made");
    let script = format!("0 `touch {}`", file.display());
    assert!(unsupported(&script, Fake::default()).contains("the command touch"));
    assert!(!file.exists());
}

#[test]
fn sockets_in_a_state_are_counted() {
    let script = "0 `sockstat -4 -P tcp -p 8080 -s | grep -c TIME_WAIT | grep 1`";
    let fake = |count| Fake { sockets: vec![("TIME-WAIT", count)], ..Fake::default() };
    passes(script, fake(1));
    assert!(fails(script, fake(2)).contains("expected 1 sockets in TIME-WAIT, but there are 2"));
}

#[test]
fn time_passes_while_a_command_sleeps() {
    let script = "0 `sleep 2`\n+1 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3";
    assert_eq!(passes(script, Fake::default()).calls[0].0, millis(3000));
}

#[test]
fn files_of_commands_are_read_below_the_folder_only() {
    let dir = tempfile::tempdir().expect("a folder");
    let suite = dir.path().join("suite");
    std::fs::create_dir_all(suite.join("a")).expect("folders");
    std::fs::create_dir_all(suite.join("common")).expect("folders");
    let write = |path: &str, text: &str| std::fs::write(dir.path().join(path), text).expect("written");
    write("suite/common/defaults.sh", "#!/bin/sh\nsysctl -q net.ipv4.tcp_ecn=0\n");
    write("suite/a/own.sh", "sysctl -q net.ipv4.tcp_ecn=1\n");
    write("suite/a/loop.sh", "./loop.sh\n");
    write("outside.sh", "sysctl -q net.ipv4.tcp_ecn=2\n");
    let folder = suite.join("a");
    let verdict = |path: &str, root: Option<&Path>| {
        let text = format!("`{path}`\n0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3");
        let mut fake = Fake::default();
        let report = played_with(&Context { folder: Some(&folder), root, ..context(&text) }, &mut fake);
        (told(&report.verdict), fake.parameters.pop().map(|(_, value)| value))
    };
    assert_eq!(verdict("./own.sh", None), ("passed".to_owned(), Some("1".to_owned())));
    assert_eq!(verdict("../common/defaults.sh", Some(&suite)), ("passed".to_owned(), Some("0".to_owned())));
    assert_eq!(verdict("../common/defaults.sh", None), ("passed".to_owned(), Some("0".to_owned())), "what a suite shares");
    write("suite/b.sh", "sysctl -q net.ipv4.tcp_ecn=2\n");
    std::fs::create_dir_all(suite.join("common/deep")).expect("folders");
    write("suite/common/deep/c.sh", "sysctl -q net.ipv4.tcp_ecn=2\n");
    for (path, root) in [
        ("../b.sh", None),
        ("../common/deep/c.sh", None),
        ("../common/../b.sh", None),
        ("./../common/defaults.sh", None),
        ("../../outside.sh", Some(suite.as_path())),
        ("/etc/profile.sh", Some(suite.as_path())),
    ] {
        let (verdict, set) = verdict(path, root);
        assert!(verdict.starts_with("unsupported: t.pkt:1:1: the file "), "{verdict}");
        assert_eq!(set, None);
    }
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink(dir.path().join("outside.sh"), folder.join("link.sh")).expect("a link");
        std::os::unix::fs::symlink(dir.path().join("outside.sh"), suite.join("common/link.sh")).expect("a link");
        for link in ["./link.sh", "../common/link.sh"] {
            assert!(verdict(link, None).0.contains("only files below the script's folder are read"), "{link}");
        }
    }
    assert!(verdict("./loop.sh", None).0.contains("they include each other"));
    assert!(verdict("./missing.sh", None).0.starts_with("unsupported: "));
}

#[test]
fn commands_without_end_end() {
    let verdict = |command: &str| {
        let mut fake = Fake::default();
        told(&played(&format!("`{command}`\n0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3"), &mut fake).verdict)
    };
    let setting = "sysctl -q net.ipv4.tcp_ecn=0\n";
    assert_eq!(verdict(&setting.repeat(10_000)), "passed");
    assert!(verdict(&setting.repeat(10_001)).contains("the script has commands do more than 10000 things"));
    assert!(verdict(&setting.repeat(40_000)).contains("unsupported: t.pkt:1:1: a command of more than 1024 KiB"));
}

#[test]
fn the_last_command_is_done_at_the_end_and_after_a_failure() {
    let script = |result: i64| {
        format!("`sysctl -q net.ipv4.tcp_ecn=0`\n0 socket(..., SOCK_STREAM, IPPROTO_TCP) = {result}\n`sysctl -q net.ipv4.tcp_ecn=2`")
    };
    for (result, passed) in [(3, true), (-1, false)] {
        let mut fake = Fake::default();
        let report = played(&script(result), &mut fake);
        assert_eq!(report.verdict == Verdict::Passed, passed);
        assert_eq!(fake.parameters.last().map(|(_, value)| value.as_str()), Some("2"));
    }
    // Nothing comes after it: what it does to a machine need not be understood.
    passes("0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n`rm -rf /tmp/what_a_script_left`", Fake::default());
}

fn asserting(code: &str) -> (String, Fake) {
    let mut fake = accepted();
    fake.info = vec![("tcpi_snd_cwnd", 10), ("tcpi_state", 1)];
    (format!("{ACCEPTED}+0 %{{ {code} }}%\n"), fake)
}

#[test]
fn snippets_speak_of_the_connections_numbers() {
    for code in ["assert tcpi_snd_cwnd == 10, tcpi_snd_cwnd", "assert tcpi_state == TCP_ESTABLISHED and 9 < tcpi_snd_cwnd <= 10"] {
        let (script, fake) = asserting(code);
        passes(&script, fake);
    }
    let (script, fake) = asserting("assert tcpi_snd_cwnd == 11, tcpi_snd_cwnd");
    let text = fails(&script, fake);
    assert!(text.contains("t.pkt:9:") && text.contains("assertion failed") && text.contains("tcpi_snd_cwnd is 10"), "{text}");
    let (script, fake) = asserting("assert tcpi_nonsense == 1");
    assert!(unsupported(&script, fake).contains("tcpi_nonsense"));
    let (script, fake) = asserting("while tcpi_snd_cwnd: pass");
    assert!(unsupported(&script, fake).contains("while in code"));
}

#[test]
fn snippets_are_judged_behind_the_last_event() {
    let (script, fake) = asserting("assert 1 == 2");
    let text = fails(&format!("{script}+0 close(4) = 5"), fake);
    assert!(text.contains("Expected result 5 but got 0"), "{text}");
}

#[test]
fn each_snippet_sees_the_numbers_of_its_time() {
    let script = &format!("{ACCEPTED}+0 %{{ a = tcpi_snd_cwnd }}%\n+1 %{{ assert a == 10 and tcpi_snd_cwnd == 10 }}%");
    let mut fake = accepted();
    fake.info = vec![("tcpi_snd_cwnd", 10)];
    passes(script, fake);
}
