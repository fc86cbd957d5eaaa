//! `synfin record`: any program in a network of its own, or an interface of the machine, and what passed.

pub(crate) mod args;
mod report;
mod testimony;

use std::path::{Path, PathBuf};

use synfin::sinks::pcap::Format;
use synfin::worlds::kernel::Errno;
use synfin::worlds::kernel::record::{self, Ended, GRACE, Heard, Listening, Plan, Recording};

use super::{Failure, Verdict, output, say};

use args::{KEEPER, Keep, Record};
use report::{Report, Subject};

pub(crate) fn run(arguments: &Record) -> Result<Verdict, Failure> {
    let capture = arguments.write.as_deref().map(|path| Ok((path, format_of(arguments, path)?))).transpose()?;
    // A mistake in a name must not show when all is done.
    for path in [arguments.output.as_deref(), arguments.write.as_deref()].into_iter().flatten() {
        check(path)?;
    }
    match &arguments.interface {
        Some(interface) => listen(arguments, interface, capture),
        None => execute(arguments, capture),
    }
}

/// Records a command; its exit code is ours.
fn execute(arguments: &Record, capture: Option<(&Path, Format)>) -> Result<Verdict, Failure> {
    let plan = Plan {
        command: arguments.command.clone(),
        mtu: arguments.mtu,
        timeout: arguments.timeout,
        keeper: (PathBuf::from("/proc/self/exe"), vec![KEEPER.into()]),
    };
    let recorded = record::record(&plan);
    let recording = recorded.map_err(|error| Failure::Request(format!("{error}; exit code 2 is synfin's, not the command's")))?;
    for note in &recording.notes {
        say(&format!("note: {note}"));
    }
    if recording.timed_out {
        say(&format!("note: the command took longer than --timeout allows: it was sent SIGTERM, and SIGKILL after {GRACE:?}"));
    }
    let Recording { ended, timed_out, heard, sightings, left_over, .. } = recording;
    let subject = Subject::Command { command: report::line(&arguments.command), ended, timed_out, left_over };
    let how = subject.how();
    match finish(arguments, capture, &heard, &Report::of(subject, &heard, &sightings)) {
        Ok(()) | Err(Failure::ClosedPipe) => Ok(Verdict::Code(Ended::code(ended))),
        Err(Failure::Request(why)) => Err(Failure::Request(format!("{why}; {how}"))),
    }
}

/// Records what passes an interface.
fn listen(arguments: &Record, interface: &str, capture: Option<(&Path, Format)>) -> Result<Verdict, Failure> {
    let plan = Listening { interface: interface.to_owned(), timeout: arguments.timeout, count: arguments.count };
    let heard = record::listen(&plan, || say(&format!("listening on {interface}; end with Ctrl-C"))).map_err(|error| {
        let right = match error.errno().map(Errno::value) {
            Some(libc::EPERM | libc::EACCES) => "; run it with sudo, or give the program the right once with `setcap cap_net_raw+ep`",
            _ => "",
        };
        Failure::Request(format!("cannot listen on {interface}: {error}{right}"))
    })?;
    finish(arguments, capture, &heard, &Report::of(Subject::Interface(interface.to_owned()), &heard, &[]))?;
    Ok(Verdict::Yes)
}

/// Shows and writes what was recorded.
fn finish(arguments: &Record, capture: Option<(&Path, Format)>, heard: &Heard, report: &Report) -> Result<(), Failure> {
    let to_stdout = |path: &Path| path.as_os_str() == "-";
    match capture {
        None => {}
        Some((path, format)) if to_stdout(path) => output::to_stdout(|mut out| report.capture(heard, format, &mut out))?,
        Some((path, format)) => output::to_file(path, |mut out| report.capture(heard, format, &mut out))?,
    }
    let shown = if arguments.json { report.json()? } else { report.text(arguments.options, arguments.absolute) };
    let stdout_taken = capture.is_some_and(|(path, _)| to_stdout(path));
    match arguments.output.as_deref() {
        Some(path) if to_stdout(path) => output::print(&shown),
        Some(path) => output::to_file(path, |out| out.write_all(shown.as_bytes())),
        // Stdout is a command's own.
        None if arguments.interface.is_none() || stdout_taken => output::to_stderr(&shown),
        None => output::print(&shown),
    }
}

fn format_of(arguments: &Record, path: &Path) -> Result<Format, Failure> {
    if path.as_os_str() == "-" {
        let other = arguments.output.as_deref().is_some_and(|output| output.as_os_str() == "-");
        match arguments.interface {
            None => return Err(Failure::Request("-w -: stdout is the command's; give the capture a file".to_owned())),
            Some(_) if other => return Err(Failure::Request("-o - and -w - both want stdout; give one of them a file".to_owned())),
            Some(_) => {}
        }
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
    Err(Failure::Request(format!("cannot write {}: {why}; nothing was run", path.display())))
}

/// Process 1 of a recording, which [`execute`] starts this program as.
pub(crate) fn keep(arguments: &Keep) -> Result<Verdict, Failure> {
    record::keep(arguments.control, &arguments.command).map_err(Failure::request)?;
    Ok(Verdict::Yes)
}
