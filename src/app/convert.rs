//! `synfin convert`: one side of a scenario, or of a captured connection, as a packetdrill script.

use std::fs::File;
use std::io::{self, Read};

use synfin::engine::{Flags, Profile};
use synfin::sources::capture::{self, Flow, Limits, Protocol};
use synfin::sources::packetdrill::RunsWith;
use synfin::sources::packetdrill::tell::{Manner, Untold, prove, tell, with_calls};
use synfin::sources::scenario::{LoadError, Overrides, Scenario, host_name};
use synfin::trace::HostId;

use super::args::{Convert, HostArg};
use super::{Failure, Verdict, output, say};

pub(crate) fn run(arguments: &Convert) -> Result<Verdict, Failure> {
    let overrides = arguments.settings.overrides().map_err(Failure::Request)?;
    let host = HostId(u8::from(arguments.host == HostArg::B));
    let name = arguments.source.display().to_string();
    let text = match capture_in(arguments)? {
        Input::Capture(flows) => of_capture(arguments, &name, flows, host, &overrides)?,
        Input::Scenario(scenario) => {
            if arguments.connection.is_some() {
                return Err(Failure::Request("--connection is about captures; a scenario is told as a whole".to_owned()));
            }
            let text = of_scenario(&scenario, host, &overrides)?;
            proven(arguments, &name, text)?
        }
    };
    match &arguments.output {
        None => output::print(&text)?,
        Some(path) => output::to_file(path, |out| out.write_all(text.as_bytes()))?,
    }
    Ok(Verdict::Yes)
}

/// What is told.
enum Input {
    Scenario(Box<Scenario>),
    Capture(Vec<Flow>),
}

/// What pcap and pcapng files begin with, in either order of octets.
const CAPTURES: [[u8; 4]; 5] =
    [[0x0a, 0x0d, 0x0d, 0x0a], [0xa1, 0xb2, 0xc3, 0xd4], [0xd4, 0xc3, 0xb2, 0xa1], [0xa1, 0xb2, 0x3c, 0x4d], [0x4d, 0x3c, 0xb2, 0xa1]];

/// The capture or scenario that is meant; which of the two a file is shows in its first octets.
fn capture_in(arguments: &Convert) -> Result<Input, Failure> {
    let path = &arguments.source;
    let shown = path.display();
    let stdin = path.as_os_str() == "-";
    if !stdin && !path.is_file() {
        return super::load(path).map(|scenario| Input::Scenario(Box::new(scenario)));
    }
    let unreadable = |error: io::Error| Failure::Request(format!("cannot read {shown}: {error}"));
    let mut input: Box<dyn Read> = if stdin { Box::new(io::stdin().lock()) } else { Box::new(File::open(path).map_err(unreadable)?) };
    let mut begins = Vec::new();
    input.by_ref().take(4).read_to_end(&mut begins).map_err(unreadable)?;
    let is_capture = CAPTURES.iter().any(|magic| begins == magic);
    let all = io::Cursor::new(begins).chain(input);
    if is_capture {
        let capture = capture::read(all, Limits::default()).map_err(|error| Failure::Request(format!("{shown}: {error}")))?;
        if let Some(broken) = &capture.broken {
            say(&format!("note: {shown}: {broken}; what stands before it is told"));
        }
        return Ok(Input::Capture(capture.flows));
    }
    let name = if stdin { "stdin".to_owned() } else { shown.to_string() };
    match Scenario::read(&name, all) {
        Ok(scenario) => Ok(Input::Scenario(Box::new(scenario))),
        Err(error @ (LoadError::Unknown { .. } | LoadError::Unreadable { .. } | LoadError::Parse(_))) => Err(Failure::request(error)),
    }
}

fn of_scenario(scenario: &Scenario, host: HostId, overrides: &Overrides) -> Result<String, Failure> {
    let profile = scenario.profile_of(host, overrides).map_err(Failure::Request)?;
    let own = scenario.hosts[usize::from(host.0)].knobs.iter().cloned();
    let knobs = own.chain(knobs_of(host, overrides)).collect();
    let runs_with = RunsWith { profile: Some(profile.name.to_owned()), knobs };
    let trace = super::simulated(scenario, overrides)?;
    let manner = Manner { title: &scenario.title, runs_with: &runs_with, mtu: scenario.mtu, windows: true };
    tell(&trace, host, &manner).map_err(|untold| refused(&scenario.name, host, &untold))
}

fn refused(name: &str, host: HostId, untold: &Untold) -> Failure {
    Failure::Request(format!("{name}: host {} cannot be told as a script: {untold}", host_name(host)))
}

/// The knobs a command line sets for this host.
fn knobs_of(host: HostId, overrides: &Overrides) -> impl Iterator<Item = (String, String)> {
    let of_host = overrides.knobs.iter().filter(move |(of, ..)| of.as_deref().is_none_or(|of| of == host_name(host)));
    of_host.map(|(_, knob, value)| (knob.clone(), value.clone()))
}

/// The script, if it passes, or if it is wanted all the same.
fn proven(arguments: &Convert, name: &str, text: String) -> Result<String, Failure> {
    match prove(&format!("{name}.pkt"), &text, Profile::linux().name) {
        Ok(_) => Ok(text),
        Err(why) if arguments.unproven => {
            say(&format!("note: the script does not pass: {why}"));
            Ok(text)
        }
        Err(why) => {
            let host = host_name(HostId(u8::from(arguments.host == HostArg::B)));
            Err(Failure::Request(format!(
                "{name}: host {host} told as a script does not pass, and is not written without --unproven: {why}"
            )))
        }
    }
}

fn of_capture(arguments: &Convert, name: &str, flows: Vec<Flow>, host: HostId, overrides: &Overrides) -> Result<String, Failure> {
    if !overrides.faults.is_empty() {
        return Err(Failure::Request("--fault is about scenarios; what a network did to a capture has happened".to_owned()));
    }
    let flow = chosen(arguments, name, flows)?;
    let trace = with_calls(&flow.trace, host).map_err(|untold| refused(name, host, &untold))?;
    let syn = flow.trace.packets.iter().filter(|packet| packet.from == Some(host)).find(|packet| packet.has(Flags::SYN));
    let mss = syn.and_then(|packet| packet.segment()).and_then(|segment| segment.options.offers().mss);
    let headers = if flow.ends[0].address.is_ipv6() { 60 } else { 40 };
    let mtu = mss.map_or(1500, |mss| mss.saturating_add(headers));
    let [a, b] = flow.ends;
    let title = format!("{name}: {a} to {b}");
    let knobs: Vec<_> = knobs_of(host, overrides).collect();
    let attempt = |profile: &str| {
        let runs_with = RunsWith { profile: Some(profile.to_owned()), knobs: knobs.clone() };
        tell(&trace, host, &Manner { title: &title, runs_with: &runs_with, mtu, windows: false })
    };
    let wanted = overrides.profile.as_deref();
    // Whose stack it was a capture does not say: the first that would have done the same is as good.
    for profile in ["linux", "freebsd", "rfc9293"].into_iter().filter(|_| wanted.is_none()) {
        let text = attempt(profile).map_err(|untold| refused(name, host, &untold))?;
        if prove(name, &text, profile).is_ok() {
            return Ok(text);
        }
    }
    let text = attempt(wanted.unwrap_or("linux")).map_err(|untold| refused(name, host, &untold))?;
    proven(arguments, name, text)
}

/// The connection that is meant.
fn chosen(arguments: &Convert, name: &str, flows: Vec<Flow>) -> Result<Flow, Failure> {
    let count = flows.len();
    let number = match arguments.connection {
        Some(number) => number as usize,
        None if count == 1 => 1,
        None if count == 0 => return Err(Failure::Request(format!("{name} holds no connection that could be told"))),
        None => {
            let ends = flows.iter().take(5).map(|flow| format!("{} {}", flow.ends[0], flow.ends[1])).collect::<Vec<_>>().join(", ");
            let more = if count > 5 { ", ..." } else { "" };
            return Err(Failure::Request(format!("{name} holds {count} connections; choose one by --connection N: {ends}{more}")));
        }
    };
    let flow = flows.into_iter().nth(number - 1);
    let flow = flow.ok_or_else(|| Failure::Request(format!("{name} has no connection {number}, only {count}")))?;
    if flow.protocol != Protocol::Tcp {
        return Err(Failure::Request(format!(
            "connection {number} of {name} is {}, and only TCP is told from a capture",
            flow.protocol.name()
        )));
    }
    Ok(flow)
}
