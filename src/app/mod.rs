//! The binary: one function per command, each of them a source, a world and a sink; the exit code.

mod args;
mod bless;
mod convert;
mod diff;
mod explain;
mod graph;
mod host;
mod list;
mod output;
mod record;
mod run;
mod simulate;
mod step;
mod validate;

use std::ffi::OsString;
use std::io::{self, Write as _};
use std::path::Path;
use std::process::ExitCode;

use clap::Parser;
use synfin::sources::scenario::{LoadError, Overrides, Scenario};
use synfin::trace::Trace;

use args::{Arguments, Command};

/// How a command that could be carried out has ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Verdict {
    /// It is so.
    Yes,
    /// It is not so: a mismatch, a violation.
    No,
    /// As a command that was run has ended.
    Code(u8),
}

/// Why a command could not be carried out.
#[derive(Debug)]
pub(crate) enum Failure {
    /// Something is wrong with the request; the text says what, where, and what would be right.
    Request(String),
    /// Whoever read our output has gone: a normal end.
    ClosedPipe,
}

impl Failure {
    fn request(error: impl std::fmt::Display) -> Self {
        Self::Request(error.to_string())
    }
}

/// Carries out what the command line asks for; prints an error once, and chooses the exit code.
pub(crate) fn run(arguments: impl Iterator<Item = OsString>) -> ExitCode {
    let parsed = match Arguments::try_parse_from(arguments) {
        Ok(parsed) => parsed,
        Err(error) => {
            // Help and version are results; everything else is a mistake in the request.
            let code = if error.use_stderr() { 2 } else { 0 };
            return match error.print() {
                Err(error) if error.kind() != io::ErrorKind::BrokenPipe => ExitCode::from(2),
                _ => ExitCode::from(code),
            };
        }
    };
    let result = match &parsed.command {
        Command::Simulate(simulate) => simulate::run(simulate),
        Command::List(list) => list::run(list),
        Command::Explain(explain) => explain::run(explain),
        Command::Graph(graph) => graph::run(graph),
        Command::Host(host) => host::run(host),
        Command::Record(arguments) => record::run(arguments),
        Command::Run(arguments) => run::run(arguments),
        Command::Convert(convert) => convert::run(convert),
        Command::Keep(keep) => record::keep(keep),
        Command::Diff(diff) => diff::run(diff),
        Command::Step(step) => step::run(step),
        Command::Validate(validate) => validate::run(validate),
    };
    match result {
        Ok(Verdict::Yes) | Err(Failure::ClosedPipe) => ExitCode::SUCCESS,
        Ok(Verdict::No) => ExitCode::from(1),
        Ok(Verdict::Code(code)) => ExitCode::from(code),
        Err(Failure::Request(message)) => {
            say(&message);
            ExitCode::from(2)
        }
    }
}

/// Tells a person something, on stderr; if nobody can be told, the exit code must do.
pub(crate) fn say(message: &str) {
    let _ = writeln!(anstream::stderr(), "synfin: {}", message.trim_end());
}

/// The scenario a command line names: of the catalogue, in a file, or on stdin.
pub(crate) fn load(name: &Path) -> Result<Scenario, Failure> {
    let loaded = match name.to_str() {
        Some("-") => Scenario::read("stdin", io::stdin().lock()),
        Some(name) => Scenario::load(name),
        None => Scenario::read_file(name),
    };
    loaded.map_err(|error| match error {
        LoadError::Unknown { nearest: None, .. } => Failure::Request(format!("{error}; synfin list shows the scenarios")),
        error => Failure::request(error),
    })
}

/// What happens in a scenario, in virtual time.
pub(crate) fn simulated(scenario: &Scenario, overrides: &Overrides) -> Result<Trace, Failure> {
    scenario.simulate(overrides).map_err(|error| Failure::Request(format!("{}: {error}", scenario.name)))
}
