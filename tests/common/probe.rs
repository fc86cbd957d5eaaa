//! Examples that enter namespaces and print facts, run as child processes.
//!
//! Children because namespaces are entered by a process with one thread, which no test has.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// What the child reports, `name: value` a line.
pub(crate) struct Facts(Vec<String>);

impl Facts {
    /// All values of a name, in order.
    pub(crate) fn of(&self, name: &str) -> Vec<&str> {
        self.0.iter().filter_map(|line| line.strip_prefix(name)?.strip_prefix(": ")).collect()
    }
}

/// An example where any user can run it, whatever the build folder's permissions, as long as the folder lives.
pub(crate) fn for_everyone(example: &str) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).expect("our own folder");
    let program = folder.path().join(example);
    fs::copy(built(example), &program).expect("cargo has built the example");
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).expect("our own file");
    (folder, program)
}

/// Runs the example, as `command` has it; `None` where namespaces are refused.
pub(crate) fn probe(name: &str, example: &str, command: impl FnOnce(&Path) -> Command) -> Option<Facts> {
    let (_folder, program) = for_everyone(example);
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

/// Runs the example as a user without any rights; `None` also if we are such a one already, and it was run so before.
pub(crate) fn as_ordinary_user(name: &str, example: &str) -> Option<Facts> {
    if !rustix::process::geteuid().is_root() {
        return None;
    }
    if Command::new("setpriv").arg("--version").output().is_err() {
        leave_out(name, "no setpriv on this machine");
        return None;
    }
    probe(name, example, |program| {
        let mut command = Command::new("setpriv");
        command.args(["--reuid=1000", "--regid=1000", "--clear-groups", "--inh-caps=-all"]).arg(program);
        command
    })
}

/// The example beside this test: `target/debug/deps/kernel-0` and `target/debug/examples/kernel_probe`.
///
/// `cargo test` builds it; `cargo test --test kernel` alone does not, so it is built here.
fn built(example: &str) -> PathBuf {
    let this = std::env::current_exe().expect("a test knows itself");
    let profile = this.ancestors().nth(2).expect("deps is in a profile's folder");
    let release = if profile.ends_with("release") { &["--release"][..] } else { &[] };
    let built = Command::new(env!("CARGO"))
        .args(["build", "--quiet", "--example", example, "--manifest-path", concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml")])
        .args(release)
        .arg("--target-dir")
        .arg(profile.parent().expect("a profile's folder is in the target folder"))
        .status();
    assert!(built.is_ok_and(|status| status.success()), "cargo build --example {example}");
    profile.join("examples").join(example)
}

/// Says so past the harness, which hides what a passing test prints; fails where nothing may be left out.
pub(crate) fn leave_out(name: &str, reason: &str) {
    let _ = writeln!(std::io::stderr(), "left out: {name}: {reason}");
    assert!(std::env::var("SYNFIN_ORACLES").as_deref() != Ok("require"), "left out: {name}: {reason}");
}
