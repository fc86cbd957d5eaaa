//! Our own packetdrill scripts for Linux, read and played on the simulated host on one thread: scripts per second.
//!
//! Compared with the sum of the scripts' own time, which is what whoever waits for a real clock waits for. Run `cargo bench
//! --bench scripts`; the last line has the comparison. The binary's start is not part of it: `time synfin run -j1
//! tests/scripts` has that.

use std::fs;
use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::time::Duration;

use criterion::{Criterion, Throughput};
use synfin::engine::{Instant, Profile};
use synfin::sources::packetdrill::parse;
use synfin::sources::packetdrill::play::{Context, play, settings};
use synfin::worlds::stack::Virtual;

/// A script's path and text.
type Source = (PathBuf, String);

fn main() {
    let scripts = read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scripts/linux"));
    let mut criterion = Criterion::default().configure_from_args();
    let mut group = criterion.benchmark_group("scripts");
    group.throughput(Throughput::Elements(scripts.len() as u64));
    group.bench_function("linux", |bencher| bencher.iter(|| black_box(play_all(&scripts))));
    group.finish();
    criterion.final_summary();

    let began = std::time::Instant::now();
    let by_their_own = play_all(&scripts);
    let took = began.elapsed();
    println!(
        "{} scripts: {:.0} a second; {:.1} s by their own clocks in {:.3} s, {:.0} times as fast",
        scripts.len(),
        f64::from(u32::try_from(scripts.len()).expect("they are few")) / took.as_secs_f64(),
        by_their_own.as_secs_f64(),
        took.as_secs_f64(),
        by_their_own.as_secs_f64() / took.as_secs_f64()
    );
}

/// Reads and plays them, one after the other; returns how long they took by their own clocks.
fn play_all(scripts: &[Source]) -> Duration {
    scripts.iter().map(|(path, text)| play_one(path, text)).sum()
}

fn play_one(path: &Path, text: &str) -> Duration {
    let name = path.to_string_lossy();
    let script = parse(&name, text, &[("Linux".to_owned(), String::new())]).expect("our own scripts are sound");
    let context = Context { name: &name, text, folder: path.parent(), ..Context::default() };
    let settings = settings(&script, &context).expect("their options are sound");
    let mut place = Virtual::new(settings.sockets(Profile::linux(), 1));
    play(&script, &context, &mut place).ended.since(Instant::START)
}

fn read(folder: &Path) -> Vec<Source> {
    let entries = fs::read_dir(folder).expect("the folder of scripts").map(|entry| entry.expect("an entry").path());
    let mut paths: Vec<_> = entries.collect();
    paths.sort_unstable();
    let mut scripts = Vec::new();
    for path in paths {
        if path.is_dir() {
            scripts.extend(read(&path));
        } else if path.extension().is_some_and(|ending| ending == "pkt") {
            let text = fs::read_to_string(&path).expect("a script");
            scripts.push((path, text));
        }
    }
    scripts
}
