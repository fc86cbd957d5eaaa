//! One script: read, given a host, played.

use std::fs::File;
use std::io::{self, Read};
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use synfin::engine::{Instant, Profile};
use synfin::mistake::ParseError;
use synfin::sources::packetdrill::play::{
    Context, IpVersion, Report, Settings, Verdict as Played, looks_like_freebsd, play, settings, speaks_of_freebsd,
};
use synfin::sources::packetdrill::syntax::{Script, ScriptOption};
use synfin::sources::packetdrill::{MAX_OCTETS, RunsWith, parse};
use synfin::trace::Trace;
use synfin::worlds::kernel::{KernelPlace, UnderTest};
use synfin::worlds::simulated::sockets::Sockets;
use synfin::worlds::stack::{Place, Virtual};

use super::args::{self, Run};
use super::collect::{Found, folder_of};
use super::outcome::{Ran, Verdict};

/// What scripts run with, besides what stands in them.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) on: args::Place,
    /// The profile that was asked for.
    pub(super) profile: Option<Profile>,
    /// Knobs to set.
    pub(super) set: Vec<(String, String)>,
    /// Options of packetdrill on the command line.
    pub(super) overrides: Vec<ScriptOption>,
    /// Symbols from the command line.
    pub(super) defined: Vec<(String, String)>,
    /// Nothing is played.
    pub(super) dry: bool,
    /// What differs is written down, and the script goes on.
    pub(super) update: bool,
}

/// A script that was played, for those who want more than the verdict.
#[derive(Debug)]
pub(super) struct OnePlayed {
    pub(super) ran: Ran,
    /// Where the script is, `-` for stdin.
    pub(super) path: PathBuf,
    /// The script as it stands there.
    pub(super) text: String,
    pub(super) script: Option<Script>,
    pub(super) report: Option<Report>,
}

/// Symbols that scripts of suites use and leave to whoever runs them, for IPv4 and for IPv6.
const CUSTOMARY: &[(&str, &str, &str)] = &[("CMSG_LEVEL_IP", "SOL_IP", "SOL_IPV6"), ("CMSG_TYPE_RECVERR", "IP_RECVERR", "IPV6_RECVERR")];

/// The ISS generator's seed: which one does not matter, that it is the same each time does.
const SEED: u64 = 0x5359_4e46_494e;

impl Plan {
    /// What the command line says; a mistake in it must not look like a script's.
    pub(super) fn new(arguments: &Run) -> Result<Self, String> {
        let profile = arguments
            .profile
            .as_deref()
            .map(|name| Profile::named(name).ok_or_else(|| format!("no profile is called {name}; there are rfc9293, linux and freebsd")));
        let profile = profile.transpose()?;
        for (knob, value) in &arguments.set {
            profile.clone().unwrap_or_else(Profile::linux).set(knob, value).map_err(|error| error.to_string())?;
        }
        let defined = arguments.theirs.define.iter().map(|definition| {
            let (name, value) = definition.split_once('=').unwrap_or((definition, ""));
            (name.to_owned(), value.to_owned())
        });
        Ok(Self {
            on: arguments.on,
            profile,
            set: arguments.set.clone(),
            overrides: arguments.theirs.given(),
            defined: defined.collect(),
            dry: arguments.theirs.dry_run,
            update: arguments.update,
        })
    }

    /// Reads a script and plays it.
    pub(super) fn play(&self, found: &Found) -> OnePlayed {
        let name = if found.path.as_os_str() == "-" { "stdin".to_owned() } else { found.path.display().to_string() };
        let broken = |text: String, why: String| OnePlayed {
            ran: Ran { name: name.clone(), verdict: Verdict::Broken(why), time: Duration::ZERO, events: 0 },
            path: found.path.clone(),
            text,
            script: None,
            report: None,
        };
        let text = match read(&found.path) {
            Ok(text) => text,
            Err(error) => return broken(String::new(), format!("{name}: {error}")),
        };
        let runs_with = match RunsWith::of(&name, &text) {
            Ok(said) => said.unwrap_or_default(),
            Err(mistake) => return broken(text, mistake.to_string()),
        };
        let own = self.profile.clone().or_else(|| runs_with.profile.as_deref().and_then(Profile::named));
        let (script, freebsd) = match self.parse(&name, &text, own.as_ref()) {
            Ok(parsed) => parsed,
            Err(mistake) => return broken(text, mistake.to_string()),
        };
        let context = Context {
            name: &name,
            text: &text,
            overrides: &self.overrides,
            freebsd,
            folder: Some(folder_of(&found.path)),
            root: Some(&found.root),
            go_on: self.update,
        };
        let events = script.events.len();
        let knobs: Vec<_> = runs_with.knobs.into_iter().chain(self.set.iter().cloned()).collect();
        let (verdict, report) = match self.on_place(&script, &context, own, &knobs) {
            Ok(None) => (Verdict::Passed, None),
            Ok(Some(report)) => (told(&report.verdict), Some(report)),
            Err(verdict) => (verdict, None),
        };
        let time = report.as_ref().map_or(Duration::ZERO, |report| report.ended.since(Instant::START));
        OnePlayed { ran: Ran { name, verdict, time, events }, path: found.path.clone(), text, script: Some(script), report }
    }

    /// The script, and whether it is about FreeBSD, with the profile the command line says, or else the script.
    fn parse(&self, name: &str, text: &str, own: Option<&Profile>) -> Result<(Script, bool), ParseError> {
        let freebsd = match own {
            Some(profile) => profile.name == Profile::freebsd().name,
            None => speaks_of_freebsd(text),
        };
        let script = parse(name, text, &self.known(freebsd, text))?;
        let asks = script.asked.iter().any(|name| name == "FreeBSD");
        if own.is_none() && !freebsd && (asks || (self.on == args::Place::Sim && looks_like_freebsd(&script, text))) {
            return Ok((parse(name, text, &self.known(true, text))?, true));
        }
        Ok((script, freebsd))
    }

    /// The system, what was defined, and what runners of whole suites define if nobody else has.
    fn known(&self, freebsd: bool, text: &str) -> Vec<(String, String)> {
        let system = (if freebsd { "FreeBSD" } else { "Linux" }.to_owned(), String::new());
        let six = |option: &ScriptOption| option.name == "ip_version" && option.value.as_deref() == Some("ipv6");
        let six = self.overrides.iter().any(six) || text.contains("--ip_version=ipv6");
        let missing = |(name, ..): &&(&str, &str, &str)| {
            !self.defined.iter().any(|(known, _)| known == name) && text.contains(name) && !text.contains(&format!("{name}="))
        };
        let customary = CUSTOMARY.iter().filter(missing);
        let customary = customary.map(|(name, v4, v6)| ((*name).to_owned(), if six { *v6 } else { *v4 }.to_owned()));
        self.defined.iter().cloned().chain(customary).chain([system]).collect()
    }

    fn on_place(
        &self,
        script: &Script,
        context: &Context<'_>,
        own: Option<Profile>,
        knobs: &[(String, String)],
    ) -> Result<Option<Report>, Verdict> {
        let freebsd = context.freebsd;
        let settings = settings(script, context).map_err(|verdict| told(&verdict))?;
        if self.dry {
            return Ok(None);
        }
        let mut place: Box<dyn Place> = match self.on {
            args::Place::Sim => Box::new(simulated(&settings, own, knobs, freebsd)),
            args::Place::Kernel if freebsd => return Err(Verdict::Unsupported("FreeBSD on the kernel of Linux".to_owned())),
            args::Place::Kernel => Box::new(kernel(&settings).map_err(Verdict::Broken)?),
        };
        Ok(Some(play(script, context, place.as_mut())))
    }
}

/// A simulated host with the script's address, and this profile, or the one that is the script's by what it asks for.
fn simulated(settings: &Settings, own: Option<Profile>, knobs: &[(String, String)], freebsd: bool) -> Virtual<Sockets> {
    let mut profile = own.unwrap_or_else(if freebsd { Profile::freebsd } else { Profile::linux });
    for (knob, value) in knobs {
        // Whoever said so has tried them.
        let _ = profile.set(knob, value);
    }
    Virtual::new(settings.sockets(profile, SEED))
}

/// A live kernel whose host has the script's address.
fn kernel(settings: &Settings) -> Result<KernelPlace, String> {
    let gateway: [IpAddr; 2] = [[192, 168, 0, 1].into(), [0xfd3d, 0xfa7b, 0xd17d, 0x8888, 0, 0, 0, 0].into()];
    let prefix = if settings.version == IpVersion::V6 { 48 } else { 16 };
    let gateways = gateway.into_iter().filter(|gateway| gateway.is_ipv4() == settings.local.is_ipv4());
    let setup = UnderTest { local: vec![(settings.local, prefix)], gateways: gateways.collect(), mtu: settings.mtu };
    KernelPlace::new(&setup).map_err(|error| error.to_string())
}

/// The text of a script; stdin for `-`.
fn read(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    // One octet more than it may have, so that the parser sees that it is too long, and says so.
    let limit = MAX_OCTETS as u64 + 1;
    if path.as_os_str() == "-" {
        io::stdin().lock().take(limit).read_to_string(&mut text)?;
    } else {
        File::open(path)?.take(limit).read_to_string(&mut text)?;
    }
    Ok(text)
}

/// The player's verdict as reports tell it.
fn told(verdict: &Played) -> Verdict {
    match verdict {
        Played::Passed => Verdict::Passed,
        Played::Failed(mismatch) => Verdict::Failed(mismatch.to_string()),
        Played::Unsupported(trouble) => Verdict::Unsupported(format!("{} ({})", trouble.what, trouble.place)),
        Played::Error(trouble) => Verdict::Broken(trouble.to_string()),
    }
}

/// What happened, if anything did.
pub(super) fn trace_of(played: &OnePlayed) -> Option<&Trace> {
    played.report.as_ref().map(|report| &report.trace)
}
