//! `synfin diff`: two scenarios, captures or JSON traces, aligned, and every difference by its kind.
//!
//! A world that tells of itself is compared with another as it is. With a capture it is compared on equal terms: it is
//! captured too, at the tap that fits best, and the states of both are inferred from what passed.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use serde::Serialize;
use synfin::sinks::pcap::{self, Format, Tap};
use synfin::sinks::trace_diff::{self, TraceDiff};
use synfin::sources::capture::{self, Capture, CaptureError, Flow, Limits, Protocol};
use synfin::sources::json;
use synfin::sources::scenario::{Overrides, Scenario};
use synfin::trace::{End, HostId, Trace};

use super::args::Diff;
use super::{Failure, Verdict, output, say};

pub(crate) fn run(arguments: &Diff) -> Result<Verdict, Failure> {
    if arguments.first.as_os_str() == "-" && arguments.second.as_os_str() == "-" {
        return Err(Failure::Request("only one of the two can be stdin".to_owned()));
    }
    let overrides = arguments.settings.overrides().map_err(Failure::Request)?;
    let asked = [&arguments.first, &arguments.second].map(|path| Asked::of(path, arguments.connection));
    let names = asked.each_ref().map(|asked| asked.name.clone());
    let [first, second] = asked;
    let sides = [first.side(&overrides)?, second.side(&overrides)?];
    let names = names.each_ref().map(String::as_str);
    let settings = trace_diff::Settings { tolerance: arguments.tolerance, absolute: arguments.absolute, remarks: false };
    let broken = sides.iter().find_map(Side::broken);
    let found = match sides {
        [Side::World(ours), Side::World(theirs)] => {
            let settings = trace_diff::Settings { remarks: true, ..settings };
            Found { connections: vec![Pair::whole(trace_diff::diff(names, [&ours, &theirs], &settings))], ..Found::default() }
        }
        [Side::World(ours), Side::Capture(theirs)] => {
            views(&ours)?.iter().map(|view| compare(names, [view, &theirs.flows], &settings)).min_by_key(Found::size).unwrap_or_default()
        }
        [Side::Capture(ours), Side::World(theirs)] => {
            views(&theirs)?.iter().map(|view| compare(names, [&ours.flows, view], &settings)).min_by_key(Found::size).unwrap_or_default()
        }
        [Side::Capture(ours), Side::Capture(theirs)] => compare(names, [&ours.flows, &theirs.flows], &settings),
    };
    let found = Found { equal: found.is_equal(), ..found };
    if arguments.json {
        output::print(&(serde_json::to_string_pretty(&found).map_err(Failure::request)? + "\n"))?;
    } else {
        output::print(&found.text(names))?;
    }
    // What stands behind the end of a broken file nobody knows.
    if let Some(why) = broken {
        return Err(Failure::Request(why));
    }
    if found.is_equal() && found.connections.iter().any(|pair| pair.diff.compared.is_some()) {
        return Err(Failure::Request("they are equal as far as they were compared, which is not to the end".to_owned()));
    }
    Ok(if found.is_equal() { Verdict::Yes } else { Verdict::No })
}

/// One of the two, as it was asked for.
struct Asked {
    name: String,
    path: PathBuf,
    profile: Option<String>,
    connection: Option<u32>,
}

impl Asked {
    /// `NAME`, `NAME@PROFILE`, `FILE#CONNECTION`; what exists as a file is one.
    fn of(path: &Path, connection: Option<u32>) -> Self {
        let name = path.display().to_string();
        let asked = Self { name: name.clone(), path: path.to_owned(), profile: None, connection };
        if path.exists() {
            return asked;
        }
        if let Some((file, number)) = name.rsplit_once('#')
            && let Ok(number @ 1..) = number.parse::<u32>()
        {
            return Self { path: file.into(), connection: Some(number), ..asked };
        }
        match name.rsplit_once('@') {
            Some((scenario, profile)) => Self { path: scenario.into(), profile: Some(profile.to_owned()), ..asked },
            None => asked,
        }
    }

    fn side(self, overrides: &Overrides) -> Result<Side, Failure> {
        let shown = self.path.display().to_string();
        if self.path.as_os_str() == "-" {
            return self.read("stdin", io::stdin().lock(), overrides);
        }
        match File::open(&self.path) {
            Ok(file) if file.metadata().is_ok_and(|about| about.is_dir()) => Err(Failure::Request(format!("{shown} is a folder"))),
            Ok(file) => self.read(&shown, file, overrides),
            Err(error) if error.kind() == io::ErrorKind::NotFound && !is_file_name(&self.path) => {
                let scenario = super::load(&self.path)?;
                self.play(&scenario, overrides)
            }
            Err(error) => Err(Failure::Request(format!("cannot read {shown}: {error}"))),
        }
    }

    /// What it is shows in its first octets.
    fn read(&self, shown: &str, mut input: impl Read, overrides: &Overrides) -> Result<Side, Failure> {
        let mut begins = Vec::new();
        input.by_ref().take(SNIFFED).read_to_end(&mut begins).map_err(|error| Failure::Request(format!("cannot read {shown}: {error}")))?;
        let all = io::Cursor::new(begins.clone()).chain(input);
        let text = begins.iter().find(|octet| !octet.is_ascii_whitespace());
        match (begins.first(), text) {
            (Some(0xa1 | 0xd4 | 0x4d | 0x0a), _) if begins.iter().take(4).any(|octet| !octet.is_ascii()) || begins.starts_with(SECTION) => {
                self.capture(shown, all)
            }
            (_, Some(b'{')) => json::read(all).map(Side::World).map_err(|error| Failure::Request(format!("{shown}:{error}"))),
            // Nothing of a scenario looks like this, and a capture is the likeliest.
            (_, Some(octet)) if !octet.is_ascii() || octet.is_ascii_control() => self.capture(shown, all),
            (_, None) => Err(Failure::Request(format!("{shown} is empty: neither a scenario, a capture nor a JSON trace"))),
            (_, Some(_)) => {
                let scenario = Scenario::read(shown, all).map_err(Failure::request)?;
                self.play(&scenario, overrides)
            }
        }
    }

    fn play(&self, scenario: &Scenario, overrides: &Overrides) -> Result<Side, Failure> {
        if self.connection.is_some() && self.name.contains('#') {
            return Err(Failure::Request(format!(
                "{}: a scenario is compared as a whole; only a capture has numbered connections",
                self.name
            )));
        }
        let overrides = Overrides { profile: self.profile.clone().or_else(|| overrides.profile.clone()), ..overrides.clone() };
        super::simulated(scenario, &overrides).map(Side::World)
    }

    fn capture(&self, shown: &str, input: impl Read) -> Result<Side, Failure> {
        let mut capture = capture::read(input, Limits::default()).map_err(|error| Failure::Request(format!("{shown}: {error}")))?;
        if capture.unread > 0 {
            let (number, why) = &capture.reasons[0];
            say(&format!("note: {shown}: {} of {} packets are not read; packet {number}: {why}", capture.unread, capture.packets));
        }
        if capture.left_out > 0 {
            say(&format!("note: {shown}: its last {} packets are left out: only so many are kept", capture.left_out));
        }
        if let Some(broken) = &capture.broken {
            say(&format!("note: {shown}: {broken}; what stands before is compared"));
        }
        let several = capture.flows.len();
        if let Some(number) = self.connection {
            let Some(flow) = capture.flows.get(number as usize - 1) else {
                let held = if several == 1 { "1 connection".to_owned() } else { format!("{several} connections") };
                return Err(Failure::Request(format!("{shown} has no connection {number}: it holds {held}")));
            };
            capture.flows = vec![flow.clone()];
        } else if several > 1 {
            say(&format!(
                "note: {shown} holds {several} connections and exchanges, which are compared in order; --connection N chooses one"
            ));
        }
        Ok(Side::Capture(Box::new(capture)))
    }
}

const SNIFFED: u64 = 64;
/// What a pcapng begins with.
const SECTION: &[u8] = &[0x0a, 0x0d, 0x0d, 0x0a];

/// Whether a name can only be that of a file, so that its absence is what there is to say.
fn is_file_name(path: &Path) -> bool {
    let known = |ending: &std::ffi::OsStr| ["pcap", "pcapng", "cap", "json"].iter().any(|known| ending.eq_ignore_ascii_case(known));
    path.extension().is_some_and(known)
}

enum Side {
    /// It tells of itself: calls, states, both ends.
    World(Trace),
    /// It shows packets.
    Capture(Box<Capture>),
}

impl Side {
    fn broken(&self) -> Option<String> {
        match self {
            Self::World(_) => None,
            Self::Capture(capture) => capture.broken.as_ref().map(CaptureError::to_string),
        }
    }
}

/// What captures of a trace show, at both hosts and at each.
fn views(trace: &Trace) -> Result<Vec<Vec<Flow>>, Failure> {
    let mut views = Vec::new();
    for tap in [Tap::Both, Tap::Host(HostId(0)), Tap::Host(HostId(1))] {
        let at_nobody = matches!(tap, Tap::Host(host) if usize::from(host.0) >= trace.hosts.len());
        if at_nobody {
            continue;
        }
        let mut file = Vec::new();
        pcap::write(trace, Format::PcapNg, tap, &mut file).map_err(Failure::request)?;
        let seen = capture::read(&file[..], Limits::default()).map_err(Failure::request)?.flows;
        // A tap that saw nothing would be equal to any capture of nothing.
        if !seen.is_empty() {
            views.push(seen);
        }
    }
    if views.is_empty() {
        views.push(Vec::new());
    }
    Ok(views)
}

/// Connections with connections, in order; exchanges of another protocol among themselves.
fn compare(names: [&str; 2], flows: [&[Flow]; 2], settings: &trace_diff::Settings) -> Found {
    let mut found = Found::default();
    for protocol in [Protocol::Tcp, Protocol::Udp, Protocol::Icmp, Protocol::Neighbour] {
        let [ours, theirs] = flows.map(|flows| flows.iter().filter(|flow| flow.protocol == protocol).collect::<Vec<_>>());
        for (ours, theirs) in ours.iter().zip(&theirs) {
            let diff = trace_diff::diff(names, [&ours.trace, &theirs.trace], settings);
            found.connections.push(Pair { protocol: Some(protocol.name()), ends: Some([shown_ends(ours), shown_ends(theirs)]), diff });
        }
        let shared = ours.len().min(theirs.len());
        for (only, rest) in found.only_in.iter_mut().zip([&ours[shared..], &theirs[shared..]]) {
            found.packets_alone += rest.iter().map(|flow| flow.trace.packets.len()).sum::<usize>();
            only.extend(rest.iter().map(|flow| format!("{} {}", protocol.name(), shown_ends(flow))));
        }
    }
    found
}

fn shown_ends(flow: &Flow) -> String {
    let shown = |end: End| if end.port == 0 { end.address.to_string() } else { end.to_string() };
    let [a, b] = flow.ends.map(shown);
    format!("{a} {b}")
}

/// All that was compared.
#[derive(Serialize, Default)]
struct Found {
    equal: bool,
    connections: Vec<Pair>,
    /// The connections that only the first or only the second has.
    only_in: [Vec<String>; 2],
    /// How many packets those have.
    #[serde(skip)]
    packets_alone: usize,
}

#[derive(Serialize)]
struct Pair {
    #[serde(skip_serializing_if = "Option::is_none")]
    protocol: Option<&'static str>,
    /// The ends of both, A first.
    #[serde(skip_serializing_if = "Option::is_none")]
    ends: Option<[String; 2]>,
    #[serde(flatten)]
    diff: TraceDiff,
}

impl Pair {
    fn whole(diff: TraceDiff) -> Self {
        Self { protocol: None, ends: None, diff }
    }
}

impl Found {
    fn is_equal(&self) -> bool {
        self.size() == 0
    }

    /// How much there is to explain.
    fn size(&self) -> usize {
        self.connections.iter().map(|pair| pair.diff.differences.len()).sum::<usize>() + self.packets_alone
    }

    fn text(&self, names: [&str; 2]) -> String {
        let several = self.connections.len() + self.only_in.iter().map(Vec::len).sum::<usize>();
        let mut text = if several == 0 { "# neither has a packet that is read\n".to_owned() } else { String::new() };
        for (number, pair) in (1..).zip(&self.connections) {
            if let (true, Some([ours, theirs])) = (several > 1, &pair.ends) {
                let separator = if text.is_empty() { "" } else { "\n" };
                let protocol = pair.protocol.unwrap_or_default();
                text += &format!("{separator}## {number}: {protocol} {ours}");
                text += &if ours == theirs { "\n".to_owned() } else { format!(" and {theirs}\n") };
            }
            text += &pair.diff.to_string();
        }
        for (name, only) in names.iter().zip(&self.only_in) {
            for flow in only {
                text += &format!("# only in {name}: {flow}\n");
            }
        }
        text
    }
}
