//! `synfin record`: any program in a network of its own, and what its sockets did.

pub(crate) mod args;
mod report;
mod testimony;

use std::path::{Path, PathBuf};

use synfin::sinks::pcap::Format;
use synfin::worlds::kernel::record::{self, GRACE, Plan, Recording};

use super::{Failure, Verdict, output, say};

use args::{KEEPER, Keep, Record};
use report::Report;

pub(crate) fn run(arguments: &Record) -> Result<Verdict, Failure> {
    let capture = arguments.write.as_deref().map(|path| Ok((path, format_of(arguments, path)?))).transpose()?;
    // A mistake in a name must not show when the command is done.
    for path in [arguments.output.as_deref(), arguments.write.as_deref()].into_iter().flatten() {
        check(path)?;
    }
    let plan = Plan {
        command: arguments.command.clone(),
        mtu: arguments.mtu,
        timeout: arguments.timeout,
        keeper: (PathBuf::from("/proc/self/exe"), vec![KEEPER.into()]),
    };
    let recording =
        record::record(&plan).map_err(|error| Failure::Request(format!("{error}; exit code 2 is synfin's, not the command's")))?;
    let code = recording.ended.code();
    match finish(arguments, capture, &recording) {
        Ok(()) | Err(Failure::ClosedPipe) => Ok(Verdict::Code(code)),
        Err(Failure::Request(why)) => Err(Failure::Request(format!("{why}; the command itself {}", report::how(&recording)))),
    }
}

/// Shows and writes what was recorded.
fn finish(arguments: &Record, capture: Option<(&Path, Format)>, recording: &Recording) -> Result<(), Failure> {
    for note in &recording.notes {
        say(&format!("note: {note}"));
    }
    if recording.timed_out {
        say(&format!("note: the command took longer than --timeout allows: it was sent SIGTERM, and SIGKILL after {GRACE:?}"));
    }
    let report = Report::of(&arguments.command, recording);
    if let Some((path, format)) = capture {
        output::to_file(path, |mut out| report.capture(recording, format, &mut out))?;
    }
    let shown = if arguments.json { report.json()? } else { report.text(arguments.options, arguments.absolute) };
    match arguments.output.as_deref() {
        None => output::to_stderr(&shown),
        Some(path) if path.as_os_str() == "-" => output::print(&shown),
        Some(path) => output::to_file(path, |out| out.write_all(shown.as_bytes())),
    }
}

fn format_of(arguments: &Record, path: &Path) -> Result<Format, Failure> {
    if path.as_os_str() == "-" {
        return Err(Failure::Request("-w -: stdout is the command's; give the capture a file".to_owned()));
    }
    output::format_of(path, arguments.format)
}

/// Refuses a path to which nothing can be written, as far as that can be known before.
fn check(path: &Path) -> Result<(), Failure> {
    if path.as_os_str() == "-" {
        return Ok(());
    }
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let why = if path.is_dir() {
        "it is a folder"
    } else if !folder.is_dir() {
        "there is no such folder"
    } else {
        return Ok(());
    };
    Err(Failure::Request(format!("cannot write {}: {why}; the command was not run", path.display())))
}

/// Process 1 of a recording, which [`run`] starts this program as.
pub(crate) fn keep(arguments: &Keep) -> Result<Verdict, Failure> {
    record::keep(arguments.control, &arguments.command).map_err(Failure::request)?;
    Ok(Verdict::Yes)
}
