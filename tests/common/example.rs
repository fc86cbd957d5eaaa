//! Examples as programs to be run: where any user can, and built if need be.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Command;

pub(crate) use super::left_out::leave_out;

/// An example where any user can run it, whatever the build folder's permissions, as long as the folder lives.
pub(crate) fn for_everyone(example: &str) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).expect("our own folder");
    let program = folder.path().join(example);
    // By a program of its own: a child that another test starts meanwhile would hold what we write open, and nobody can
    // run a file that somebody may write to.
    let copied = Command::new("cp").arg(built(example)).arg(&program).status().expect("cp is there");
    assert!(copied.success(), "cargo has built the example");
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).expect("our own file");
    (folder, program)
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
