//! Our own packetdrill scripts, `tests/scripts`: on simulated hosts of both profiles, and those of Linux on the kernel.
//!
//! The kernel is asked by a child process, because namespaces are entered by a process with one thread. Where they are
//! refused the test says `left out` and passes, unless `SYNFIN_ORACLES=require`.

#[path = "common/example.rs"]
mod example;
#[path = "common/left_out.rs"]
mod left_out;
#[allow(dead_code, reason = "an ordinary user plays no scripts here: tests/kernel_place.rs shows that one can")]
#[path = "common/probe.rs"]
mod probe;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use probe::probe;
use synfin::engine::Profile;
use synfin::sources::packetdrill::parse;
use synfin::sources::packetdrill::play::{Context, Verdict, play, settings};
use synfin::worlds::stack::Virtual;

const PROFILES: [&str; 2] = ["linux", "freebsd"];
const STATES: [&str; 11] = [
    "closed",
    "listen",
    "syn-sent",
    "syn-received",
    "established",
    "fin-wait-1",
    "fin-wait-2",
    "close-wait",
    "closing",
    "last-ack",
    "time-wait",
];
const SEGMENTS: [&str; 9] = ["syn", "syn-ack", "ack", "fin", "fin-ack", "rst", "rst-ack", "syn-fin", "no-flags"];

/// How often a script is played by itself before it has failed on the kernel: this machine may be busy.
const TRIES: usize = 5;
/// Scripts that wait side by side.
const SIDE_BY_SIDE: &str = "4";

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scripts")
}

/// All scripts of a profile, by their paths below its folder, `time-wait/syn.pkt`.
fn scripts(profile: &str) -> BTreeSet<String> {
    let root = folder().join(profile);
    let topics = fs::read_dir(&root).expect("a folder for each profile").map(|entry| entry.expect("an entry").path());
    let files = topics.flat_map(|topic| fs::read_dir(topic).expect("a folder for each topic")).map(|entry| entry.expect("an entry").path());
    files.map(|file| file.strip_prefix(&root).expect("below").to_str().expect("plain names").to_owned()).collect()
}

#[test]
fn every_state_meets_every_kind_of_segment() {
    for profile in PROFILES {
        let scripts = scripts(profile);
        for state in STATES {
            for segment in SEGMENTS {
                let alone = format!("{state}/{segment}.pkt");
                assert!(scripts.contains(&alone), "{profile}/{alone} is missing");
            }
        }
    }
}

#[test]
fn every_script_says_first_what_it_is_about() {
    for profile in PROFILES {
        for script in scripts(profile) {
            let text = fs::read_to_string(folder().join(profile).join(&script)).expect("readable");
            assert!(text.starts_with("// "), "{profile}/{script} begins without a comment");
            assert!(text.lines().filter(|line| line.starts_with("//")).all(|line| line.len() <= 80), "{profile}/{script} is wide");
        }
    }
}

/// What a simulated host of this profile makes of a script.
fn simulated(profile: &str, script: &str) -> Verdict {
    let name = format!("{profile}/{script}");
    let path = folder().join(&name);
    let text = fs::read_to_string(&path).expect("readable");
    let read = parse(&name, &text, &[]).unwrap_or_else(|error| panic!("{error}"));
    let freebsd = profile == "freebsd";
    let context = Context { name: &name, text: &text, freebsd, folder: path.parent(), ..Context::default() };
    let settings = settings(&read, &context).unwrap_or_else(|verdict| panic!("{name}: {verdict:?}"));
    let profile = if freebsd { Profile::freebsd() } else { Profile::linux() };
    let sockets = settings.sockets(profile, 1);
    play(&read, &context, &mut Virtual::new(sockets)).verdict
}

#[test]
fn simulated_hosts_do_as_the_scripts_say() {
    let mut wrong = Vec::new();
    for profile in PROFILES {
        for script in scripts(profile) {
            match simulated(profile, &script) {
                Verdict::Passed => {}
                Verdict::Failed(mismatch) => wrong.push(mismatch.to_string()),
                Verdict::Unsupported(trouble) => wrong.push(format!("unsupported: {trouble}")),
                Verdict::Error(trouble) => wrong.push(trouble.to_string()),
            }
        }
    }
    assert!(wrong.is_empty(), "{} of the scripts:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn linux_does_as_the_scripts_say() {
    let root = folder().join("linux");
    let play_all = |scripts: &BTreeSet<String>, threads: &str| {
        let files: Vec<_> = scripts.iter().map(|script| root.join(script)).collect();
        let facts = probe("scripts on the kernel", "script_probe", |program| {
            let mut command = Command::new(program);
            command.arg(threads).args(&files);
            command
        })?;
        Some((facts.of("passed").len(), facts.of("failed").into_iter().map(str::to_owned).collect::<Vec<_>>()))
    };
    let all = scripts("linux");
    let Some((passed, mut failed)) = play_all(&all, SIDE_BY_SIDE) else { return };
    assert_eq!(passed + failed.len(), all.len(), "each script is told of");
    for _ in 0..TRIES {
        if failed.is_empty() {
            return;
        }
        let again =
            failed.iter().filter_map(|line| line.strip_prefix(root.to_str()?)?.strip_prefix('/')?.split(": ").next().map(str::to_owned));
        let Some((_, still)) = play_all(&again.collect(), "1") else { return };
        failed = still;
    }
    assert!(failed.is_empty(), "{} of the scripts:\n{}", failed.len(), failed.join("\n"));
}
