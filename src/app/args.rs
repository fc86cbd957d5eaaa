//! Arguments as typed.

use std::net::IpAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use synfin::sources::scenario::{Overrides, parse_fault};

use super::record::args::{KEEPER, Keep, Record};
use super::run::args::Run;

/// The life of a TCP connection, from SYN to the end of TIME-WAIT.
///
/// Exit codes: 0 it is so; 1 it is not so (a mismatch); 2 the request cannot be carried out.
#[derive(Parser, Debug)]
#[command(name = "synfin", version, propagate_version = true, max_term_width = 100)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Subcommand, Debug)]
pub(crate) enum Command {
    /// Run a scenario in virtual time and print its ladder.
    Simulate(Simulate),
    /// List scenarios, states, transitions, profiles, knobs or requirements.
    List(List),
    /// Say what a word means: a state, a transition, a scenario, a flag, a knob, a requirement.
    Explain(Explain),
    /// The state-transition graph, whole or as walked by a scenario.
    Graph(Graph),
    /// Run packetdrill scripts, in virtual time or on the live kernel.
    Run(Box<Run>),
    /// Ask the real Linux kernel: the same calls on its sockets, the two traces compared.
    Validate(Validate),
    /// Run any program in a network of its own and show what its sockets did.
    Record(Record),
    /// Be a host that real programs can talk to.
    Host(Host),
    /// What record starts a command with; of no use by itself.
    #[command(name = KEEPER, hide = true)]
    Keep(Keep),
    /// Compare two scenarios, captures or JSON traces: aligned ladders, and every difference by its kind.
    Diff(Diff),
    /// Tell a scenario, or a connection of a capture, as a packetdrill script.
    Convert(Convert),
    /// Step through a scenario at a prompt, forwards and backwards.
    Step(Step),
}

/// What a scenario runs with.
#[derive(Args, Debug, Default)]
pub(crate) struct Settings {
    /// The profile of both hosts: rfc9293, linux or freebsd.
    #[arg(long, value_name = "NAME")]
    pub(crate) profile: Option<String>,
    /// Set a knob, of both hosts or of one: msl=1s, A.syn-retries=3.
    #[arg(long, value_name = "[HOST.]KNOB=VALUE")]
    pub(crate) set: Vec<String>,
    /// What the network does, on one segment or by chance; may be given more than once:
    /// 'lose A:FIN#1', 'corrupt B:data', 'loss 2% seed 7', 'A>B jitter 3ms', 'rate 1Mbit queue 10'.
    #[arg(long, value_name = "FAULT")]
    pub(crate) fault: Vec<String>,
}

impl Settings {
    /// The settings, checked for their form; whether knob and value exist is checked with the profile.
    pub(crate) fn overrides(&self) -> Result<Overrides, String> {
        let mut knobs = Vec::new();
        for text in &self.set {
            let wrong = || format!("--set {text}: expected [HOST.]KNOB=VALUE, such as msl=1s or A.syn-retries=3");
            let (name, value) = text.split_once('=').ok_or_else(wrong)?;
            let (host, knob) = match name.split_once('.') {
                Some((host @ ("A" | "B"), knob)) => (Some(host.to_owned()), knob),
                Some((host, _)) => return Err(format!("--set {text}: there is no host {host:?}; expected A or B")),
                None => (None, name),
            };
            let twice = knobs.iter().any(|(of, known, known_value)| *of == host && known == knob && known_value != value);
            if twice {
                return Err(format!("--set {text}: {knob} is set twice, to different values"));
            }
            let knob = (host, knob.to_owned(), value.to_owned());
            if !knobs.contains(&knob) {
                knobs.push(knob);
            }
        }
        // What is said of one host holds for it, wherever it stands.
        knobs.sort_by_key(|(host, ..)| host.is_some());
        let fault = |text: &String| parse_fault("--fault", text).map_err(|error| error.to_string());
        let faults = self.fault.iter().map(fault).collect::<Result<_, _>>()?;
        Ok(Overrides { profile: self.profile.clone(), knobs, faults, ..Overrides::default() })
    }
}

#[derive(Args, Debug)]
pub(crate) struct Simulate {
    /// A scenario of the catalogue, a file, or - for stdin.
    #[arg(value_name = "NAME|FILE")]
    pub(crate) scenario: PathBuf,
    #[command(flatten)]
    pub(crate) settings: Settings,
    /// Write a capture; .pcap or .pcapng by its name, - for a pcapng on stdout.
    #[arg(short = 'w', long = "write", value_name = "FILE")]
    pub(crate) write: Option<PathBuf>,
    /// Where the capture is taken: at host a, at host b, or at both (pcapng only).
    #[arg(long, value_enum, default_value_t = TapArg::A, requires = "write")]
    pub(crate) tap: TapArg,
    /// Format of the capture, whatever its name says.
    #[arg(short = 'F', long = "format", value_enum, requires = "write")]
    pub(crate) format: Option<FormatArg>,
    /// Print the trace as JSON instead of a ladder.
    #[arg(long)]
    pub(crate) json: bool,
    /// Show window and options of each segment.
    #[arg(long, conflicts_with = "json")]
    pub(crate) options: bool,
    /// A second profile: the two ladders woven into one, and in what they differ.
    #[arg(long, value_name = "NAME", conflicts_with_all = ["write", "options", "bless"])]
    pub(crate) against: Option<String>,
    /// Rewrite the ladder in the scenario's file to what happened.
    #[arg(long, conflicts_with_all = ["json", "write", "options", "profile", "set", "fault"])]
    pub(crate) bless: bool,
}

#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum TapArg {
    A,
    B,
    Both,
}

#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum FormatArg {
    // Nanoseconds always; mergecap and editcap give that a name of its own.
    #[value(alias = "nsecpcap")]
    Pcap,
    Pcapng,
}

#[derive(Args, Debug)]
pub(crate) struct List {
    /// What to list.
    #[arg(value_enum, default_value_t = Listing::Scenarios)]
    pub(crate) what: Listing,
}

#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Listing {
    Scenarios,
    States,
    Transitions,
    Profiles,
    Knobs,
    Requirements,
}

#[derive(Args, Debug)]
pub(crate) struct Explain {
    /// TIME-WAIT, ESTABLISHED->CLOSE-WAIT, established/fin, half-close, FIN, msl, freebsd, seg-FIN, a requirement's label.
    #[arg(value_name = "WHAT")]
    pub(crate) what: String,
    /// Print it as JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Args, Debug)]
pub(crate) struct Graph {
    /// A scenario whose walk is marked (a name, a file, or - for stdin); without it the whole graph.
    #[arg(value_name = "NAME|FILE")]
    pub(crate) scenario: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) settings: Settings,
    /// Write to this file instead of stdout.
    #[arg(short = 'o', long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
}

#[derive(Args, Debug)]
pub(crate) struct Validate {
    /// Scenarios of the catalogue, or files; all of the catalogue without.
    #[arg(value_name = "NAME|FILE")]
    pub(crate) names: Vec<String>,
    #[command(flatten)]
    pub(crate) settings: Settings,
    /// All scenarios of the catalogue, as without a name.
    #[arg(long)]
    pub(crate) all: bool,
    /// Also those that take minutes of real time.
    #[arg(long)]
    pub(crate) slow: bool,
    /// Who is at the other end: a second kernel, or our engine, in each role it can play.
    #[arg(long, value_enum, value_name = "WHO")]
    pub(crate) peer: Option<Peer>,
    /// The one way to ask; without, the plainest that can ask the scenario.
    #[arg(long, value_enum, value_name = "WAY", conflicts_with = "peer")]
    pub(crate) way: Option<WayArg>,
    /// Show counts, seconds, reasons and both packet lists also where they agree.
    #[arg(short, long, conflicts_with = "json")]
    pub(crate) verbose: bool,
    /// Print the outcomes as JSON.
    #[arg(long)]
    pub(crate) json: bool,
    /// Write both captures of every scenario into this folder.
    #[arg(short = 'w', long = "write", value_name = "FOLDER")]
    pub(crate) write: Option<PathBuf>,
}

#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Peer {
    Engine,
    Kernel,
}

#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum WayArg {
    /// Two processes over the loopback of one namespace.
    Loopback,
    /// Two namespaces, and a link of ours between them.
    Veth,
    /// The engine is A, the kernel B.
    EngineA,
    /// The engine is B, the kernel A.
    EngineB,
}

#[derive(Args, Debug)]
pub(crate) struct Diff {
    /// What to compare: a scenario (half-close, my.ladder; half-close@linux under that profile), a capture (x.pcapng, or
    /// x.pcapng#2 for its second connection), a JSON trace, or - for stdin.
    #[arg(value_name = "A")]
    pub(crate) first: PathBuf,
    /// What to compare it with.
    #[arg(value_name = "B")]
    pub(crate) second: PathBuf,
    #[command(flatten)]
    pub(crate) settings: Settings,
    /// Compare only this connection of captures that hold several, counted from 1.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) connection: Option<u32>,
    /// Compare times too, since the first packet; up to this much is no difference: 5ms, 0s for none at all.
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    pub(crate) tolerance: Option<std::time::Duration>,
    /// Compare sequence numbers and timestamps as they are, not as each side counts.
    #[arg(long)]
    pub(crate) absolute: bool,
    /// Print it as JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Tell one host's side of a scenario, or of a connection in a capture, as a packetdrill script that passes synfin run.
///
/// The script's first line says with which profile and knobs. A capture has no calls: they are made up so that the stack
/// sends the same. What a script cannot say (a crash, damaged segments, several connections at a time) is an error that
/// names it, exit code 2; so is a script that does not pass.
#[derive(Args, Debug)]
pub(crate) struct Convert {
    /// A scenario of the catalogue or in a file, a capture, or - for stdin.
    #[arg(value_name = "NAME|FILE")]
    pub(crate) source: PathBuf,
    /// Whose side is told; A of a capture is who sent the first SYN.
    #[arg(long, value_enum, ignore_case = true, default_value_t = HostArg::A)]
    pub(crate) host: HostArg,
    /// Which connection of a capture that holds several, counted from 1.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) connection: Option<u32>,
    #[command(flatten)]
    pub(crate) settings: Settings,
    /// Write the script, although it does not pass; why is told.
    #[arg(long)]
    pub(crate) unproven: bool,
    /// Write the script there instead of to stdout.
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
}

#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum HostArg {
    A,
    B,
}

fn parse_time(text: &str) -> Result<std::time::Duration, String> {
    humantime::parse_duration(text).map_err(|error| format!("{error}; expected a time such as 5ms"))
}

#[derive(Args, Debug)]
pub(crate) struct Step {
    /// A scenario of the catalogue, or a file.
    #[arg(value_name = "NAME|FILE")]
    pub(crate) scenario: String,
    #[command(flatten)]
    pub(crate) settings: Settings,
}

#[derive(Args, Debug)]
pub(crate) struct Host {
    /// A port that is open, and what serves it: echo, upper, discard, chargen, close, reset or hold;
    /// may be given more than once.
    #[arg(short, long, value_name = "PORT[=SERVICE]", default_value = "7")]
    pub(crate) listen: Vec<String>,
    /// How the host's TCP behaves: rfc9293, linux or freebsd.
    #[arg(long, value_name = "NAME", default_value = "rfc9293")]
    pub(crate) profile: String,
    /// Set a knob: msl=1s, syn-retries=3.
    #[arg(long, value_name = "KNOB=VALUE", value_parser = knob)]
    pub(crate) set: Vec<(String, String)>,
    /// The host's address.
    #[arg(long, value_name = "ADDRESS", default_value = "192.0.2.2")]
    pub(crate) address: IpAddr,
    /// The address of the machine on the way to it; the first of the same /24 or /64 without.
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) machine: Option<IpAddr>,
    /// The name of the interface that leads to it.
    #[arg(long, value_name = "NAME", default_value = "synfin0")]
    pub(crate) device: String,
    /// What kind of interface: one end of a veth pair, or a TUN device.
    #[arg(long, value_enum, default_value_t = Via::Veth)]
    pub(crate) via: Via,
    /// Write a capture; .pcap or .pcapng by its name, - for a pcapng on stdout.
    #[arg(short = 'w', long = "write", value_name = "FILE")]
    pub(crate) write: Option<PathBuf>,
    /// Format of the capture, whatever its name says.
    #[arg(short = 'F', long = "format", value_enum, requires = "write")]
    pub(crate) format: Option<FormatArg>,
    /// Show sequence numbers as they are, not counted from each side's SYN.
    #[arg(long)]
    pub(crate) absolute: bool,
    /// Show window and options of each segment.
    #[arg(long)]
    pub(crate) options: bool,
    /// End after this time: 30s, 5m.
    #[arg(long, value_name = "TIME")]
    pub(crate) timeout: Option<humantime::Duration>,
}

#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Via {
    Veth,
    Tun,
}

/// A knob and its value.
pub(crate) fn knob(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("expected KNOB=VALUE, such as msl=1s")?;
    Ok((name.to_owned(), value.to_owned()))
}
