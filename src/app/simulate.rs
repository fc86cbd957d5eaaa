//! `synfin simulate`: a scenario in virtual time, as a ladder, a capture or JSON.

use std::fmt::Write as _;
use std::io;
use std::path::Path;

use synfin::ladder::rungs;
use synfin::sinks::contrast::contrast;
use synfin::sinks::diff::compare;
use synfin::sinks::json;
use synfin::sinks::ladder::{Style, render};
use synfin::sinks::pcap::{self, Format, Tap};
use synfin::sources::scenario::{Overrides, Scenario};
use synfin::trace::{HostId, Trace};

use super::args::{Simulate, TapArg};
use super::{Failure, Verdict, bless, output, say};

pub(crate) fn run(arguments: &Simulate) -> Result<Verdict, Failure> {
    let capture = arguments.write.as_deref().map(|path| Capture::plan(path, arguments)).transpose()?;
    let stdout_taken = capture.as_ref().is_some_and(|capture| capture.path.is_none());
    if stdout_taken && arguments.json {
        return Err(Failure::Request("--json and -w - both want stdout; give -w a file".to_owned()));
    }
    let overrides = arguments.settings.overrides().map_err(Failure::Request)?;
    let scenario = super::load(&arguments.scenario)?;
    let trace = super::simulated(&scenario, &overrides)?;
    if let Some(other) = &arguments.against {
        return against(arguments, &scenario, &overrides, &trace, other);
    }
    if arguments.bless {
        return bless::run(&arguments.scenario, &scenario, &trace);
    }
    if let Some(capture) = &capture {
        capture.write(&trace)?;
    }
    if arguments.json {
        output::to_stdout(|mut out| json::write(&trace, &mut out))?;
    } else if !stdout_taken {
        let style = Style { options: arguments.options || scenario.show_options, bare: false };
        output::print(&(heading(&scenario, &trace) + &render(&trace, style)))?;
    }
    verdict(&scenario, &overrides, &trace)
}

/// Holds the ladder against that of another profile; settings of hosts and command line hold for both.
fn against(arguments: &Simulate, scenario: &Scenario, overrides: &Overrides, trace: &Trace, other: &str) -> Result<Verdict, Failure> {
    let theirs = Overrides { profile: Some(other.to_owned()), ..overrides.clone() };
    let own = scenario.profile_of(HostId(0), overrides).map_err(Failure::Request)?.name;
    let contrast = contrast([own, other], [trace, &super::simulated(scenario, &theirs)?]);
    if arguments.json {
        output::print(&(serde_json::to_string_pretty(&contrast).map_err(Failure::request)? + "\n"))?;
    } else {
        output::print(&format!("# {}\n{contrast}", scenario.title))?;
    }
    Ok(if contrast.is_equal() { Verdict::Yes } else { Verdict::No })
}

/// The lines above a ladder: comments for the scenario language, so the whole can be pasted.
fn heading(scenario: &Scenario, trace: &Trace) -> String {
    let mut text = String::new();
    for line in [&scenario.title, &scenario.source].into_iter().filter(|line| !line.is_empty()) {
        let _ = writeln!(text, "# {line}");
    }
    let recipe: Vec<_> = trace.recipe.iter().map(|(key, value)| format!("{key}={value}")).collect();
    let _ = writeln!(text, "# synfin {} {}\n", env!("CARGO_PKG_VERSION"), recipe.join(" "));
    text
}

/// Holds the expected ladder against what happened; a ladder for another profile says nothing here.
fn verdict(scenario: &Scenario, overrides: &Overrides, trace: &Trace) -> Result<Verdict, Failure> {
    let expected: Vec<_> = scenario.expectation().collect();
    if expected.is_empty() {
        return Ok(Verdict::Yes);
    }
    if !overrides.faults.is_empty() {
        say(&format!("note: the ladder of {} is for a network without --fault, and is not compared", scenario.name));
        return Ok(Verdict::Yes);
    }
    for host in [HostId(0), HostId(1)] {
        let own = scenario.profile_of(host, &Overrides::default());
        if scenario.profile_of(host, overrides).map_err(Failure::Request)? != own.map_err(Failure::Request)? {
            say(&format!("note: the ladder of {} is for other settings, and is not compared", scenario.name));
            return Ok(Verdict::Yes);
        }
    }
    match compare(&expected, &rungs(trace, true)) {
        None => Ok(Verdict::Yes),
        Some(mismatch) => {
            say(&format!("{}: {mismatch}", scenario.name));
            Ok(Verdict::No)
        }
    }
}

/// Where a capture goes, and how; checked before anything runs.
struct Capture<'a> {
    /// `None` is stdout.
    path: Option<&'a Path>,
    format: Format,
    tap: Tap,
}

impl<'a> Capture<'a> {
    fn plan(path: &'a Path, arguments: &Simulate) -> Result<Self, Failure> {
        let stdout = path.as_os_str() == "-";
        let format = output::format_of(path, arguments.format)?;
        let tap = match arguments.tap {
            TapArg::A => Tap::Host(HostId(0)),
            TapArg::B => Tap::Host(HostId(1)),
            TapArg::Both => Tap::Both,
        };
        if format == Format::Pcap && tap == Tap::Both {
            return Err(Failure::Request("a .pcap has one interface: use .pcapng for --tap both, or tap a or b".to_owned()));
        }
        Ok(Self { path: (!stdout).then_some(path), format, tap })
    }

    fn write(&self, trace: &Trace) -> Result<(), Failure> {
        let write = |mut out: &mut dyn io::Write| pcap::write(trace, self.format, self.tap, &mut out).map_err(io::Error::from);
        match self.path {
            None => output::to_stdout(write),
            Some(path) => output::to_file(path, write),
        }
    }
}
