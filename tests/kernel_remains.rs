//! What is left of a program that is killed in the middle of things: nothing.

mod common {
    pub(crate) mod example;
    pub(crate) mod left_out;
}

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use common::example::{for_everyone, leave_out};

#[test]
fn a_killed_program_leaves_nothing() {
    let (_folder, program) = for_everyone("switch_probe");
    killed("a killed program", Command::new(program));
}

#[test]
fn a_program_of_an_ordinary_user_leaves_nothing() {
    let name = "a killed program of an ordinary user";
    if !rustix::process::geteuid().is_root() {
        return; // then the other test was about one
    }
    if Command::new("setpriv").arg("--version").output().is_err() {
        return leave_out(name, "no setpriv on this machine");
    }
    let (_folder, program) = for_everyone("switch_probe");
    let mut command = Command::new("setpriv");
    command.args(["--reuid=1000", "--regid=1000", "--clear-groups", "--inh-caps=-all"]).arg(program);
    killed(name, command);
}

#[test]
fn a_validation_that_is_killed_leaves_nothing() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_synfin")).arg("validate").stdout(Stdio::null()).spawn().expect("it starts");
    let process = Path::new("/proc").join(child.id().to_string());
    let ours = namespaces_of(Path::new("/proc/self"));
    // Killed while it is in the middle of several scenarios.
    let theirs = loop {
        let theirs: BTreeSet<_> = namespaces_of(&process).difference(&ours).cloned().collect();
        if theirs.len() > 2 {
            break theirs;
        }
        if let Some(status) = child.try_wait().expect("ours to ask") {
            return leave_out("a killed validation", &format!("it ended before it had namespaces: {status}"));
        }
        std::thread::sleep(Duration::from_millis(5));
    };
    child.kill().expect("it is ours");
    child.wait().expect("it ends");
    nobody_holds(&theirs);
}

/// Kills it once it has hosts, cables and sockets, and looks for them.
fn killed(name: &str, mut command: Command) {
    let mut child = command.arg("stay").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("the program starts");
    let mut line = String::new();
    BufReader::new(child.stdout.take().expect("piped")).read_line(&mut line).expect("it says something");
    if line.starts_with("refused:") {
        child.wait().expect("it ends");
        return leave_out(name, line.trim());
    }
    let namespaces: BTreeSet<_> =
        line.trim().strip_prefix("namespaces: ").expect(&line).split(' ').map(|number| format!("net:[{number}]")).collect();
    assert_eq!(namespaces.len(), 4, "the one it lives in, the middle, two hosts");
    let process = Path::new("/proc").join(child.id().to_string());
    assert!(namespaces_of(&process).is_superset(&namespaces), "or looking for them proves nothing");

    child.kill().expect("it is ours");
    child.wait().expect("it ends");
    nobody_holds(&namespaces);
    // Nothing had been made in the network of this machine in the first place.
    let interfaces = fs::read_to_string("/proc/net/dev").expect("/proc");
    assert!(!interfaces.contains("port0:") && !interfaces.contains("net0:"), "{interfaces}");
    let mounts = fs::read_to_string("/proc/self/mountinfo").expect("/proc");
    assert!(!namespaces.iter().any(|namespace| mounts.contains(namespace.as_str())), "{mounts}");
}

/// Looks for these network namespaces in all processes until they are gone.
fn nobody_holds(namespaces: &BTreeSet<String>) {
    // Numbers are used again, by whoever else works with namespaces just now; so it is looked for more than once.
    let until = Instant::now() + Duration::from_mins(1);
    loop {
        let holders: Vec<_> = processes().filter(|process| !namespaces_of(process).is_disjoint(namespaces)).collect();
        if holders.is_empty() {
            return;
        }
        assert!(Instant::now() < until, "{holders:?} hold some of {namespaces:?}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// The network namespaces that a process is in, with any thread, or has open.
fn namespaces_of(process: &Path) -> BTreeSet<String> {
    let links = |folder: &str| fs::read_dir(process.join(folder)).into_iter().flatten().flatten().map(|entry| entry.path());
    let named = links("fd").chain(links("task").map(|task| task.join("ns/net"))).filter_map(|path| fs::read_link(path).ok());
    named.filter_map(|target| target.into_os_string().into_string().ok()).filter(|target| target.starts_with("net:[")).collect()
}

fn processes() -> impl Iterator<Item = std::path::PathBuf> {
    let entries = fs::read_dir("/proc").expect("/proc").flatten().map(|entry| entry.path());
    entries.filter(|path| path.file_name().is_some_and(|name| name.as_encoded_bytes().iter().all(u8::is_ascii_digit)))
}
