//! What is left of a program that is killed in the middle of things: nothing.

mod common {
    pub(crate) mod example;
}

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

/// Kills it once it has hosts, cables and sockets, and looks for them.
fn killed(name: &str, mut command: Command) {
    let mut child = command.arg("stay").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("the program starts");
    let mut line = String::new();
    BufReader::new(child.stdout.take().expect("piped")).read_line(&mut line).expect("it says something");
    if line.starts_with("refused:") {
        child.wait().expect("it ends");
        return leave_out(name, line.trim());
    }
    let namespaces: Vec<String> =
        line.trim().strip_prefix("namespaces: ").expect(&line).split(' ').map(|number| format!("net:[{number}]")).collect();
    assert_eq!(namespaces.len(), 4, "the one it lives in, the middle, two hosts");
    let held = |process: &Path| namespaces.iter().filter(|namespace| holds(process, namespace)).count();
    let child_folder = Path::new("/proc").join(child.id().to_string());
    assert_eq!(held(&child_folder), 4, "or looking for them proves nothing");

    child.kill().expect("it is ours");
    child.wait().expect("it ends");
    assert!(!child_folder.join("fd").exists(), "no process of its number is left");
    // Numbers are used again, by whoever else works with namespaces just now; so it is looked for more than once.
    let until = Instant::now() + Duration::from_mins(1);
    loop {
        let holders: Vec<_> = processes().filter(|process| held(process) > 0).collect();
        if holders.is_empty() {
            break;
        }
        assert!(Instant::now() < until, "{holders:?} hold {namespaces:?}");
        std::thread::sleep(Duration::from_millis(20));
    }
    // Nothing had been made in the network of this machine in the first place.
    let interfaces = fs::read_to_string("/proc/net/dev").expect("/proc");
    assert!(!interfaces.contains("port0:") && !interfaces.contains("net0:"), "{interfaces}");
    let mounts = fs::read_to_string("/proc/self/mountinfo").expect("/proc");
    assert!(!namespaces.iter().any(|namespace| mounts.contains(namespace)), "{mounts}");
}

/// Whether a process is in this namespace, with any thread, or has it open.
fn holds(process: &Path, namespace: &str) -> bool {
    let links = |folder: &str| fs::read_dir(process.join(folder)).into_iter().flatten().flatten().map(|entry| entry.path());
    let is_it = |path: &Path| fs::read_link(path).is_ok_and(|target| target.as_os_str() == namespace);
    links("fd").any(|path| is_it(&path)) || links("task").any(|task| is_it(&task.join("ns/net")))
}

fn processes() -> impl Iterator<Item = std::path::PathBuf> {
    let entries = fs::read_dir("/proc").expect("/proc").flatten().map(|entry| entry.path());
    entries.filter(|path| path.file_name().is_some_and(|name| name.as_encoded_bytes().iter().all(u8::is_ascii_digit)))
}
