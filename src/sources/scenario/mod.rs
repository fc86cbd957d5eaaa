//! Scenarios: what two applications do, what the network does, and the ladder that must result.
//!
//! The text form is the RFC's ladder with action lines between; docs/ladder-grammar.md writes it
//! down. Here: [`Scenario`] as a value. `parse` reads the text, `play` runs it in any world,
//! `catalogue` has the built-in ones.

pub mod catalogue;
mod cursor;
mod datagram;
mod faults;
mod parse;
mod play;

use std::fs::File;
use std::io::{self, Read};
use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

pub use crate::mistake::{Mistake, ParseError};
pub use play::{PlayError, play, play_in, play_until};

use crate::engine::{Flags, Profile, Segment, State, TcpOptions};
use crate::ladder::Rung;
use crate::trace::{HostId, IcmpError, Trace};
use crate::worlds::simulated::{CookieAge, HostSetup, Setup, Simulated};
use crate::worlds::{Call, Claim, Fault, NetworkAct, SegmentKind};

/// A scenario, read and checked.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Scenario {
    /// The file's stem, or the catalogue name.
    pub name: String,
    /// One line for a list.
    pub title: String,
    /// Where it is from: an RFC section, a figure.
    pub source: String,
    /// What it teaches, one sentence.
    pub teaches: String,
    /// One-way delay of the link.
    pub delay: Duration,
    /// Largest IP packet, octets.
    pub mtu: u16,
    /// Whether hosts ask for link addresses before the first packet.
    pub resolve: bool,
    /// IPv6 instead of IPv4.
    pub ipv6: bool,
    /// What the link does to what passes, from the beginning on.
    pub faults: Vec<Fault>,
    /// Feeds what is chosen by chance.
    pub seed: u64,
    /// The profile both hosts have unless told otherwise.
    pub profile: String,
    /// Whether ladders show option areas and windows.
    pub show_options: bool,
    /// `A` and `B`.
    pub hosts: [HostPlan; 2],
    /// What happens, in the order of the file.
    pub lines: Vec<Line>,
    /// The text it was read from, for blessing and for messages.
    pub text: String,
}

/// What a scenario says of a host before anything happens.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct HostPlan {
    /// Prescribed ISSs, in order.
    pub iss: Vec<u32>,
    /// What the timestamp clock of its connections shows at the beginning, in order.
    pub timestamps: Vec<u32>,
    /// The fast open cookie it has of the other host.
    pub cookie: Option<CookieAge>,
    /// Whether its process is an ordinary user's, without the right to ports below 1024.
    pub user: bool,
    /// Its own profile.
    pub profile: Option<String>,
    /// Knobs set on top.
    pub knobs: Vec<(String, String)>,
}

/// One line of the body.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Line {
    /// Line number in the file, from 1.
    pub number: usize,
    /// What it says.
    pub what: LineKind,
}

/// What a line of the body can say.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum LineKind {
    /// Something happens at a host, or the network is told.
    Action(ActionLine),
    /// A row of the ladder that must result.
    Rung(Rung),
}

/// An action line.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ActionLine {
    /// At which host.
    pub host: HostId,
    /// When.
    pub when: When,
    /// What.
    pub action: Action,
}

/// When an action begins.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum When {
    /// Right after what stands above.
    Next,
    /// Not before this long after the start of the run.
    At(Duration),
    /// Not before this long after the action above began.
    After(Duration),
}

/// What an action line does.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Action {
    /// The application calls.
    Call(Call),
    /// The network is told what to do with a segment to come.
    Network(NetworkAct),
    /// Somebody forges a segment in this host's name, or in that of whom it claims to come from.
    Inject(Claim, Forged),
    /// The network tells this host of an error about the last packet of its own of this kind.
    Report(IcmpError, SegmentKind),
    /// The sockets of this host are written down.
    Netstat,
}

impl std::fmt::Display for Action {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Call(call) => call.fmt(f),
            Self::Network(act) => act.fmt(f),
            Self::Inject(claims, forged) => write!(f, "inject {claims}{}", forged.segment()),
            Self::Report(error, about) => write!(f, "inject icmp {} quoting {}", error.name().replace(' ', "-"), about.name()),
            Self::Netstat => write!(f, "netstat"),
        }
    }
}

/// A forged segment as a scenario writes it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Forged {
    /// SEG.SEQ, absolute.
    pub seq: u32,
    /// SEG.ACK, absolute, where the ACK bit is set.
    pub ack: u32,
    /// The control bits.
    pub flags: Flags,
    /// Octets of text.
    pub len: u32,
    /// SEG.UP, where the URG bit is set.
    pub urgent: u16,
    /// SEG.WND.
    pub window: u16,
    /// The option area, padded.
    pub options: TcpOptions,
}

/// Why a scenario cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// There is no such name in the catalogue and no such file.
    #[error("there is no scenario and no file {name:?}{}", hint(.nearest.as_deref()))]
    Unknown {
        /// What was asked for.
        name: String,
        /// The catalogue name most like it.
        nearest: Option<String>,
    },
    /// The file cannot be read.
    #[error("cannot read {path}: {source}")]
    Unreadable {
        /// The file.
        path: String,
        /// Why.
        source: io::Error,
    },
    /// The text is no scenario.
    #[error(transparent)]
    Parse(#[from] ParseError),
}

fn hint(nearest: Option<&str>) -> String {
    nearest.map_or(String::new(), |name| format!("; did you mean {name}?"))
}

/// Longest scenario file that is read, octets: some thousand lines.
const MAX_FILE: u64 = 1 << 20;

impl Scenario {
    /// Reads a scenario from text; `name` is what messages call it.
    ///
    /// # Errors
    /// [`ParseError`] with line, column and what was expected.
    pub fn parse(name: &str, text: &str) -> Result<Self, ParseError> {
        parse::scenario(name, text)
    }

    /// The scenario of the catalogue with this name, or the one in the file of this path.
    ///
    /// # Errors
    /// [`LoadError`], with the nearest name where there is one.
    pub fn load(name: &str) -> Result<Self, LoadError> {
        match catalogue::text(name) {
            Some(text) => Ok(Self::parse(name, text)?),
            None => Self::read_file(Path::new(name)),
        }
    }

    /// The scenario in the file of this path.
    ///
    /// # Errors
    /// [`LoadError`], with the nearest name of the catalogue if there is no such file.
    pub fn read_file(path: &Path) -> Result<Self, LoadError> {
        let name = path.display().to_string();
        match File::open(path) {
            Ok(file) => Self::read(&name, file),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let nearest = crate::nearest::nearest(&name, catalogue::names());
                Err(LoadError::Unknown { name, nearest })
            }
            Err(source) => Err(LoadError::Unreadable { path: name, source }),
        }
    }

    /// The scenario that `from` holds; `name` is what messages call it.
    ///
    /// # Errors
    /// [`LoadError`] if it cannot be read, is no text, or no scenario.
    pub fn read(name: &str, from: impl Read) -> Result<Self, LoadError> {
        let mut octets = Vec::new();
        // Not its size: that of a device or a pipe is nothing, and what comes may have no end.
        let read = from.take(MAX_FILE + 1).read_to_end(&mut octets);
        let too_long = || io::Error::other("it is longer than 1 MiB, which no scenario is");
        match read {
            Ok(length) if length as u64 <= MAX_FILE => {}
            Ok(_) => return Err(LoadError::Unreadable { path: name.to_owned(), source: too_long() }),
            Err(source) => return Err(LoadError::Unreadable { path: name.to_owned(), source }),
        }
        let text = std::str::from_utf8(&octets)
            .map_err(|error| ParseError { name: name.to_owned(), mistake: Box::new(Mistake::no_text(&octets, error.valid_up_to())) })?;
        Ok(Self::parse(name, text)?)
    }

    /// The profile of a host with its knobs, given the overrides of the command line.
    ///
    /// # Errors
    /// A sentence that says which knob or profile is wrong and what would be right.
    pub fn profile_of(&self, host: HostId, overrides: &Overrides) -> Result<Profile, String> {
        let plan = &self.hosts[usize::from(host.0)];
        let name = overrides.profile.as_deref().or(plan.profile.as_deref()).unwrap_or(&self.profile);
        let own = plan.knobs.iter().filter(|_| overrides.own_settings).map(|(knob, value)| (knob.as_str(), value.as_str()));
        let letter = host_name(host);
        let said = overrides.knobs.iter().filter(|(of, ..)| of.as_deref().is_none_or(|of| of == letter));
        profile(name, own.chain(said.map(|(_, knob, value)| (knob.as_str(), value.as_str()))))
    }

    /// The set-up of a simulated world for this scenario.
    ///
    /// # Errors
    /// As [`Scenario::profile_of`].
    pub fn setup(&self, overrides: &Overrides) -> Result<Setup, String> {
        let mut hosts = Vec::new();
        for (id, last) in [(HostId(0), 1), (HostId(1), 2)] {
            let plan = &self.hosts[usize::from(id.0)];
            hosts.push(HostSetup {
                name: host_name(id).to_owned(),
                address: address(id, self.ipv6),
                link_address: [2, 0, 0, 0, 0, last],
                profile: Arc::new(self.profile_of(id, overrides)?),
                iss: plan.iss.clone(),
                timestamps: plan.timestamps.clone(),
                cookie: plan.cookie,
                unprivileged: plan.user,
            });
        }
        let mut recipe = vec![("scenario".to_owned(), self.name.clone())];
        let profile = |host: usize| hosts[host].profile.name;
        let profiles = if profile(0) == profile(1) { profile(0).to_owned() } else { format!("{},{}", profile(0), profile(1)) };
        recipe.push(("profile".to_owned(), profiles));
        recipe.push(("seed".to_owned(), self.seed.to_string()));
        for (host, knob, value) in &overrides.knobs {
            let scope = host.as_ref().map_or(String::new(), |host| format!("{host}."));
            recipe.push(("set".to_owned(), format!("{scope}{knob}={value}")));
        }
        // The command line's acts stand above the file's, its impairments replace them.
        let faults = self.faults.iter().chain(&overrides.faults).cloned().collect();
        for fault in &overrides.faults {
            recipe.push(("fault".to_owned(), fault.to_string()));
        }
        Ok(Setup {
            hosts,
            delay: overrides.delay.unwrap_or(self.delay),
            mtu: self.mtu,
            resolve: self.resolve,
            seed: self.seed,
            faults,
            recipe,
        })
    }

    /// Runs the scenario in virtual time.
    ///
    /// # Errors
    /// [`PlayError`] if an action can never happen or the run has no end.
    pub fn simulate(&self, overrides: &Overrides) -> Result<Trace, PlayError> {
        let setup = self.setup(overrides).map_err(PlayError::Setup)?;
        play(self, Simulated::new(&setup))
    }

    /// Runs the scenario in virtual time with its own profile.
    ///
    /// # Panics
    /// If the scenario cannot be played; the message says why. [`Scenario::simulate`] returns it instead.
    #[track_caller]
    pub fn run(&self) -> Trace {
        match self.simulate(&Overrides::default()) {
            Ok(trace) => trace,
            // Not in a closure: the caller's place would be lost.
            Err(error) => panic!("{}: {error}", self.name),
        }
    }

    /// The rows of the ladder that must result, in order.
    pub fn expectation(&self) -> impl Iterator<Item = (usize, &Rung)> {
        self.lines.iter().filter_map(|line| match &line.what {
            LineKind::Rung(rung) => Some((line.number, rung)),
            LineKind::Action(_) => None,
        })
    }

    /// The action lines, in order.
    pub fn actions(&self) -> impl Iterator<Item = (usize, &ActionLine)> {
        self.lines.iter().filter_map(|line| match &line.what {
            LineKind::Action(action) => Some((line.number, action)),
            LineKind::Rung(_) => None,
        })
    }
}

/// What a command line changes about a scenario.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Overrides {
    /// Another profile for both hosts.
    pub profile: Option<String>,
    /// Knobs: host (both if `None`), name, value.
    pub knobs: Vec<(Option<String>, String, String)>,
    /// Another one-way delay.
    pub delay: Option<Duration>,
    /// More that the network does, from the beginning on.
    pub faults: Vec<Fault>,
    /// Whether the scenario's own profiles and knobs count.
    pub own_settings: bool,
}

impl Default for Overrides {
    fn default() -> Self {
        Self { profile: None, knobs: Vec::new(), delay: None, faults: Vec::new(), own_settings: true }
    }
}

/// The profile of this name with these knobs, each with its value, set in order.
///
/// # Errors
/// A sentence that says which knob or profile is wrong and what would be right.
pub fn profile<'a>(name: &str, knobs: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<Profile, String> {
    let mut profile = Profile::named(name).ok_or_else(|| unknown_profile(name))?;
    knobs.into_iter().try_for_each(|(knob, value)| set_knob(&mut profile, knob, value))?;
    Ok(profile)
}

fn set_knob(profile: &mut Profile, knob: &str, value: &str) -> Result<(), String> {
    profile.set(knob, value).map_err(|error| {
        let nearest = crate::nearest::nearest(knob, crate::engine::profile::KNOBS.iter().map(|knob| knob.name));
        match (&error, nearest) {
            (crate::engine::profile::KnobError::Unknown { .. }, Some(nearest)) => format!("{error}; did you mean {nearest}?"),
            _ => error.to_string(),
        }
    })
}

fn unknown_profile(name: &str) -> String {
    let nearest = crate::nearest::nearest(name, Profile::NAMES);
    format!("there is no profile {name:?}{}; expected one of {}", hint(nearest.as_deref()), Profile::NAMES.join(", "))
}

/// `A` for the first host, `B` for the second.
pub fn host_name(host: HostId) -> &'static str {
    if host.0 == 0 { "A" } else { "B" }
}

/// The addresses of documentation (RFC 5737, RFC 3849): A ends in 1, B in 2.
pub fn address(host: HostId, ipv6: bool) -> IpAddr {
    let last = host.0 + 1;
    if ipv6 { IpAddr::from([0x2001, 0xdb8, 0, 0, 0, 0, 0, u16::from(last)]) } else { IpAddr::from([192, 0, 2, last]) }
}

impl Forged {
    /// The segment, numbered as the host in whose name it comes would.
    pub fn segment(&self) -> Segment {
        Segment {
            seq: crate::engine::SeqNumber::new(self.seq),
            ack: crate::engine::SeqNumber::new(self.ack),
            flags: self.flags,
            window: crate::engine::WireWindow(self.window),
            urgent: self.urgent,
            len: self.len,
            options: self.options,
        }
    }
}

/// Reads the rows of a ladder alone, each with its line in `text`, from 1; `name` is what messages call it.
///
/// Remarks in parentheses, comments and empty lines are allowed, settings and actions are not.
///
/// # Errors
/// [`ParseError`] with line, column and what was expected.
pub fn parse_ladder(name: &str, text: &str) -> Result<Vec<(usize, Rung)>, ParseError> {
    parse::ladder(name, text)
}

/// Reads one fault as a command line gives it: `lose A:FIN#1`, `loss 2% seed 7`; `name` is what messages call it.
///
/// # Errors
/// [`ParseError`] with column and what was expected.
pub fn parse_fault(name: &str, text: &str) -> Result<Fault, ParseError> {
    faults::fault(name, text)
}

/// Names of states as a ladder may write them.
pub(crate) fn state_named(text: &str) -> Option<State> {
    State::named(text)
}
