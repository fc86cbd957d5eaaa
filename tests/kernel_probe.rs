//! The kernel's side of a comparison, for real: a child process enters namespaces and says what it sees.
//!
//! It is a child because namespaces are entered by a process with one thread, which no test has. Where
//! they are refused the tests say `left out` and pass, unless `SYNFIN_ORACLES=require`.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// What the child reports.
struct Facts(Vec<String>);

impl Facts {
    fn of(&self, name: &str) -> Vec<&str> {
        self.0.iter().filter_map(|line| line.strip_prefix(name)?.strip_prefix(": ")).collect()
    }
}

#[test]
fn namespaces_sockets_and_sniffer_agree() {
    let Some(facts) = probe("kernel probe", |program| Command::new(program)) else { return };
    check(&facts);
}

#[test]
fn an_ordinary_user_may_do_the_same() {
    if !rustix::process::geteuid().is_root() {
        return; // then the other test was about one
    }
    let name = "kernel probe as an ordinary user";
    if Command::new("setpriv").arg("--version").output().is_err() {
        return leave_out(name, "no setpriv on this machine");
    }
    let as_user = |program: &Path| {
        let mut command = Command::new("setpriv");
        command.args(["--reuid=1000", "--regid=1000", "--clear-groups", "--inh-caps=-all"]).arg(program);
        command
    };
    let Some(facts) = probe(name, as_user) else { return };
    check(&facts);
}

/// The facts of two connections, one for each family.
fn check(facts: &Facts) {
    assert_eq!(facts.of("network").iter().map(|fact| &fact[..2]).collect::<Vec<_>>(), ["V4", "V6"]);
    assert_eq!(facts.of("connect"), ["EINPROGRESS"; 2]);
    assert_eq!(facts.of("again"), ["EAGAIN"; 2]);
    assert_eq!(facts.of("error"), ["None"; 2]);
    for name in ["writable", "peer", "both copies", "in order", "end of text"] {
        assert!(facts.of(name).len() >= 2 && facts.of(name).iter().all(|fact| *fact == "true"), "{name}: {:?}", facts.of(name));
    }

    let segments = facts.of("segment");
    let (v4, v6) = segments.split_at(segments.len() / 2);
    for (segments, mss) in [(v4, 1460), (v6, 1440)] {
        let begins: Vec<_> = segments.iter().map(|line| line.split(" win").next().unwrap_or_default()).collect();
        assert_eq!(begins[..3], ["A SYN len 0", "B SYN,ACK len 0", "A ACK len 0"]);
        assert!(segments[..2].iter().all(|line| line.contains(&format!("mss {mss},sackOK,TS,nop,wscale"))), "{segments:?}");
        // B closes while its ACK of A's FIN is delayed: three segments, unless this machine slept for 40 ms.
        let close: Vec<_> = begins[3..].iter().filter(|line| **line != "B ACK len 0").collect();
        assert_eq!(close, [&"A FIN,ACK len 0", &"B FIN,ACK len 0", &"A ACK len 0"]);
    }

    let states: Vec<_> = facts.of("state").iter().map(|fact| fact.split(" mss").next().unwrap_or_default()).collect();
    assert_eq!(states, ["ESTABLISHED", "ESTABLISHED", "CLOSE-WAIT"].repeat(2));
    let mut table = facts.of("table");
    table.sort_unstable();
    assert_eq!(table, ["false TIME-WAIT", "false TIME-WAIT", "true LISTEN", "true LISTEN"]);

    // 20000 octets in one send, and no packet larger than the MTU: segments are not merged.
    assert_eq!(facts.of("got"), ["20001"; 2]);
    assert_eq!(facts.of("longest frame"), ["1514"; 2]);
    assert!(facts.of("dropped").iter().all(|fact| fact.starts_with("0 of")), "{:?}", facts.of("dropped"));
}

/// Runs the example, as `command` has it; `None` where namespaces are refused.
fn probe(name: &str, command: impl FnOnce(&Path) -> Command) -> Option<Facts> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    // Copied to where another user may run it, whatever the build folder's permissions.
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).expect("our own folder");
    let program = folder.path().join("kernel_probe");
    fs::copy(example(), &program).expect("cargo has built the example");
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).expect("our own file");

    let output: Output = command(&program).output().expect("the program starts");
    let text = String::from_utf8_lossy(&output.stdout);
    match output.status.code() {
        Some(0) => Some(Facts(text.lines().map(str::to_owned).collect())),
        Some(2) => {
            leave_out(name, text.trim());
            None
        }
        _ => panic!("{name}: {}: {text}{}", output.status, String::from_utf8_lossy(&output.stderr)),
    }
}

/// The example beside this test: `target/debug/deps/kernel-0` and `target/debug/examples/kernel_probe`.
///
/// `cargo test` builds it; `cargo test --test kernel` alone does not, so it is built here.
fn example() -> PathBuf {
    let this = std::env::current_exe().expect("a test knows itself");
    let profile = this.ancestors().nth(2).expect("deps is in a profile's folder");
    let release = if profile.ends_with("release") { &["--release"][..] } else { &[] };
    let built = Command::new(env!("CARGO"))
        .args(["build", "--quiet", "--example", "kernel_probe", "--manifest-path", concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml")])
        .args(release)
        .arg("--target-dir")
        .arg(profile.parent().expect("a profile's folder is in the target folder"))
        .status();
    assert!(built.is_ok_and(|status| status.success()), "cargo build --example kernel_probe");
    profile.join("examples").join("kernel_probe")
}

/// Says so, and fails where nothing may be left out.
fn leave_out(name: &str, reason: &str) {
    // Past the harness, which hides what a passing test prints.
    let _ = writeln!(std::io::stderr(), "left out: {name}: {reason}");
    assert!(std::env::var("SYNFIN_ORACLES").as_deref() != Ok("require"), "left out: {name}: {reason}");
}
