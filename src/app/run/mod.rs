//! `synfin run`: packetdrill scripts, on the simulated host or on a live kernel.
//!
//! `collect` finds the scripts, `one` plays one of them, `report` tells what came of all.

pub(crate) mod args;
mod collect;
mod one;
mod outcome;
mod report;
mod update;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;

use synfin::sinks::ladder::{Style, render};
use synfin::sinks::pcap::{self, Format, Tap};
use synfin::trace::{HostId, Trace};
use synfin::worlds::kernel::enter_user_namespace;

use self::args::{Place, Run};
use self::collect::{Found, collect};
use self::one::{OnePlayed, Plan, trace_of};
use self::outcome::{Ran, Totals};
use self::report::Tap as TapDialect;
use self::update::updated;
use super::{Failure, Verdict, output};

pub(crate) fn run(arguments: &Run) -> Result<Verdict, Failure> {
    let plan = Plan::new(arguments).map_err(Failure::Request)?;
    let scripts = collect(&arguments.scripts)?;
    let captures = arguments.write.as_deref().map(|folder| captures(folder, &scripts)).transpose()?;
    if arguments.on == Place::Kernel {
        // Only a process with one thread may enter a user namespace, so this comes before any thread.
        enter_user_namespace().map_err(|refusal| Failure::Request(refusal.to_string()))?;
    }
    let as_text = !arguments.json && !arguments.tap && !arguments.ktap;
    let mut all = Vec::with_capacity(scripts.len());
    let mut failure = None;
    in_order(
        jobs(arguments, scripts.len()),
        &scripts,
        |found| plan.play(found),
        |index, played| {
            let told = tell(arguments, as_text, captures.as_deref().map(|captures| captures[index].as_path()), &played);
            all.push(played.ran);
            failure = told.err();
            failure.is_none()
        },
    );
    if let Some(failure) = failure {
        return Err(failure);
    }
    let totals = Totals::of(&all);
    if let Some(file) = &arguments.junit {
        let text = report::junit(&all).map_err(Failure::request)?;
        output::to_file(file, |out| out.write_all(text.as_bytes()))?;
    }
    if arguments.json {
        output::print(&report::json(place_word(arguments.on), &all).map_err(Failure::request)?)?;
    } else if arguments.tap || arguments.ktap {
        output::print(&report::tap(if arguments.ktap { TapDialect::Ktap } else { TapDialect::Tap }, &all))?;
    } else if all.len() > 1 {
        output::print(&report::summary(&totals))?;
    }
    Ok(verdict(arguments, &totals, &all))
}

/// What the exit code says.
fn verdict(arguments: &Run, totals: &Totals, all: &[Ran]) -> Verdict {
    if totals.broken > 0 {
        return Verdict::Code(2);
    }
    if totals.failed > 0 {
        return Verdict::No;
    }
    if arguments.ktap && totals.unsupported == all.len() {
        // KSFT_SKIP.
        return Verdict::Code(4);
    }
    Verdict::Yes
}

/// Says what came of one script, and writes what is wanted of it.
fn tell(arguments: &Run, as_text: bool, capture: Option<&Path>, played: &OnePlayed) -> Result<(), Failure> {
    if as_text {
        output::print(&report::line(&played.ran))?;
        if let (true, Some(trace)) = (arguments.ladder || arguments.theirs.verbose, trace_of(played)) {
            output::print(&ladder(trace))?;
        }
    }
    if let (Some(path), Some(trace)) = (capture, trace_of(played)) {
        write_capture(path, trace)?;
    }
    if let (true, Some(script), Some(report)) = (arguments.update, &played.script, &played.report)
        && let Some(anew) = updated(&played.text, script, report)
    {
        let path = &played.path;
        if path.as_os_str() == "-" {
            return output::print(&anew);
        }
        output::to_file(path, |out| out.write_all(anew.as_bytes()))?;
        if as_text {
            output::print("      updated\n")?;
        }
    }
    Ok(())
}

/// Plays all scripts on so many threads, and hands out what came of them in order, as soon as it is there; stops when
/// `take` says so.
fn in_order<T: Sync, R: Send>(jobs: usize, all: &[T], play: impl Fn(&T) -> R + Sync, mut take: impl FnMut(usize, R) -> bool) {
    let next = AtomicUsize::new(0);
    let (sender, receiver) = mpsc::sync_channel(4 * jobs);
    std::thread::scope(|scope| {
        for _ in 0..jobs {
            let (sender, next, play) = (sender.clone(), &next, &play);
            scope.spawn(move || {
                while let Some((index, one)) = {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    all.get(index).map(|one| (index, one))
                } {
                    if sender.send((index, play(one))).is_err() {
                        return;
                    }
                }
            });
        }
        drop(sender);
        let mut early = BTreeMap::new();
        let mut wanted = 0;
        for (index, result) in &receiver {
            early.insert(index, result);
            while let Some(result) = early.remove(&wanted) {
                if !take(wanted, result) {
                    // Whoever plays now finishes, and finds nobody to tell.
                    drop(receiver);
                    return;
                }
                wanted += 1;
            }
        }
    });
}

fn jobs(arguments: &Run, scripts: usize) -> usize {
    let cores = || std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    arguments.jobs.map_or_else(cores, usize::from).clamp(1, scripts.max(1))
}

const fn place_word(place: Place) -> &'static str {
    match place {
        Place::Sim => "sim",
        Place::Kernel => "kernel",
    }
}

/// Where the capture of each script goes: below `folder` as the script lies below the folder it was found by.
fn captures(folder: &Path, scripts: &[Found]) -> Result<Vec<PathBuf>, Failure> {
    let mut taken = BTreeMap::new();
    let paths = scripts.iter().map(|found| {
        let inside = found.path.strip_prefix(&found.root).unwrap_or(&found.path);
        let inside = if inside.as_os_str() == "-" { Path::new("stdin") } else { inside };
        let path = folder.join(inside).with_extension("pcapng");
        match taken.insert(path.clone(), &found.path) {
            Some(other) => Err(Failure::Request(format!(
                "{} and {} would both be written to {}; run them one after the other, into two folders",
                other.display(),
                found.path.display(),
                path.display()
            ))),
            None => Ok(path),
        }
    });
    paths.collect()
}

fn write_capture(path: &Path, trace: &Trace) -> Result<(), Failure> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(|error| Failure::Request(format!("{}: {error}", folder.display())))?;
    }
    output::to_file(path, |mut out| pcap::write(trace, Format::PcapNg, Tap::Host(HostId(0)), &mut out).map_err(std::io::Error::from))
}

/// The ladder of a run, below its line.
fn ladder(trace: &Trace) -> String {
    let ladder = render(trace, Style { options: true, bare: false });
    ladder.lines().map(|line| format!("      {line}").trim_end().to_owned() + "\n").collect()
}
