//! `synfin validate`: the same calls on the real kernel, and every difference by its name.

use std::fmt::Write as _;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use synfin::engine::Flags;
use synfin::sinks::agreement::{Agreement, Difference, Kind, Shown, compare};
use synfin::sinks::pcap::{self, Format, Tap};
use synfin::sources::scenario::{Action, Overrides, Scenario, When, catalogue, host_name, play_in};
use synfin::trace::{HostId, Trace, What};
use synfin::worlds::kernel::{Kernel, KernelError, KernelSetup, enter_user_namespace};
use synfin::worlds::simulated::Simulated;
use synfin::worlds::{Call, World as _};

use super::args::Validate;
use super::{Failure, Verdict, output};

/// A difference that is known, and why it is there.
struct Excuse {
    name: &'static str,
    scenario: &'static str,
    kind: Kind,
    reason: &'static str,
}

/// Differences that are explained. Each shows up in the output by its name; none is dropped silently.
const EXCUSES: &[Excuse] = &[];

/// What came of asking the kernel about one scenario.
enum Outcome {
    Asked { ours: Box<Trace>, theirs: Box<Trace>, agreement: Agreement, without: Vec<String>, attempt: usize },
    NotAsked(String),
    Failed(String),
}

pub(crate) fn run(arguments: &Validate) -> Result<Verdict, Failure> {
    let names: Vec<String> =
        if arguments.names.is_empty() { catalogue::names().map(str::to_owned).collect() } else { arguments.names.clone() };
    let scenarios = names.iter().map(|name| Scenario::load(name)).collect::<Result<Vec<_>, _>>().map_err(Failure::request)?;
    let overrides = arguments.settings.overrides().map_err(Failure::Request)?;
    if overrides.profile.as_deref().is_some_and(|profile| profile != "linux") {
        return Err(Failure::Request("validate compares the linux profile with Linux; leave --profile out".to_owned()));
    }
    // A mistake in --set must not look like a difference of every scenario.
    let overrides =
        Overrides { profile: Some("linux".to_owned()), delay: Some(std::time::Duration::ZERO), own_settings: false, ..overrides };
    for scenario in &scenarios {
        scenario.setup(&overrides).map_err(Failure::Request)?;
    }
    // Only a process with one thread may enter a user namespace, so this comes before any thread.
    enter_user_namespace().map_err(|refusal| Failure::Request(refusal.to_string()))?;
    let outcomes = ask_all(&scenarios, &overrides);
    let (mut text, mut verdict) = (String::new(), Verdict::Yes);
    let mut broken = None;
    for (scenario, outcome) in scenarios.iter().zip(outcomes) {
        match report(scenario, &outcome, arguments, &mut text) {
            Verdict::Yes => {}
            Verdict::No => verdict = Verdict::No,
        }
        if let Outcome::Failed(why) = &outcome {
            broken = Some(format!("{}: {why}", scenario.name));
        }
        if let (Some(folder), Outcome::Asked { ours, theirs, .. }) = (&arguments.write, &outcome) {
            write_captures(folder, &scenario.name, ours, theirs)?;
        }
    }
    output::print(&text)?;
    match broken {
        Some(why) => Err(Failure::Request(why)),
        None => Ok(verdict),
    }
}

/// Asks about every scenario, each in a network of its own, some at a time.
fn ask_all(scenarios: &[Scenario], overrides: &Overrides) -> Vec<Outcome> {
    let next = AtomicUsize::new(0);
    let outcomes: Vec<Mutex<Option<Outcome>>> = scenarios.iter().map(|_| Mutex::new(None)).collect();
    let workers = std::thread::available_parallelism().map_or(2, usize::from).clamp(1, 4);
    std::thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                let turn = || scenarios.iter().zip(&outcomes).nth(next.fetch_add(1, Ordering::Relaxed));
                while let Some((scenario, slot)) = turn() {
                    let outcome = ask(scenario, overrides);
                    if let Ok(mut slot) = slot.lock() {
                        *slot = Some(outcome);
                    }
                }
            });
        }
    });
    let taken = outcomes.into_iter().map(|slot| slot.into_inner().ok().flatten());
    taken.map(|outcome| outcome.unwrap_or_else(|| Outcome::Failed("nobody asked".to_owned()))).collect()
}

fn ask(scenario: &Scenario, overrides: &Overrides) -> Outcome {
    if let Some(why) = why_not(scenario, overrides) {
        return Outcome::NotAsked(why);
    }
    let mut attempt = 1;
    loop {
        // A kernel has a clock, and a busy machine lets its timers overtake our calls: a difference
        // counts if it stays. Each asking needs a network, and so a thread, of its own.
        let asked = std::thread::scope(|scope| scope.spawn(|| kernel_and_simulation(scenario, overrides)).join());
        match asked.unwrap_or_else(|_| Err("the comparison panicked".to_owned())) {
            Ok((ours, theirs)) => {
                let agreement = compare(&ours, &theirs);
                if agreement.differences.is_empty() || attempt == ATTEMPTS {
                    return Outcome::Asked {
                        ours: Box::new(ours),
                        theirs: Box::new(theirs),
                        agreement,
                        without: dropped_settings(scenario),
                        attempt,
                    };
                }
            }
            Err(why) if attempt == ATTEMPTS => return Outcome::Failed(why),
            Err(_) => {}
        }
        attempt += 1;
    }
}

/// How often a scenario is asked before a difference counts.
const ATTEMPTS: usize = 5;

/// Why a scenario cannot be asked of a kernel over its own loopback.
fn why_not(scenario: &Scenario, overrides: &Overrides) -> Option<String> {
    if let Some(fault) = scenario.faults.iter().chain(&overrides.faults).next() {
        return Some(format!("the kernel's network cannot: {fault}"));
    }
    if scenario.hosts.iter().any(|host| host.user) {
        return Some("in a namespace of its own a process has every right".to_owned());
    }
    if scenario.resolve {
        return Some("the kernel's network cannot: link resolve".to_owned());
    }
    for (line, action) in scenario.actions() {
        if let When::At(wait) | When::After(wait) = action.when
            && wait > LONGEST_WAIT
        {
            return Some(format!("line {line}: a kernel would take {} of real time", humantime::format_duration(wait)));
        }
        match &action.action {
            Action::Network(act) => return Some(format!("line {line}: the kernel's network cannot {act}")),
            Action::Inject(..) => return Some(format!("line {line}: nobody forges segments on a loopback")),
            Action::Report(..) => return Some(format!("line {line}: nobody forges ICMP errors on a loopback")),
            Action::Netstat => return Some(format!("line {line}: the kernel has a netstat of its own")),
            Action::Call(Call::Crash) => return Some(format!("line {line}: the kernel itself would have to crash")),
            Action::Call(call) if call.is_beyond_kernel() => return Some(format!("line {line}: the kernel is not asked for {call}")),
            Action::Call(_) => {}
        }
    }
    let point = ["mss-option", "receive-buffer", "ecn", "ecn-reflect", "syn-cookies"];
    let telling = |(knob, value): &(String, String)| point.contains(&knob.as_str()).then(|| format!("{knob}={value}"));
    let knob = scenario.hosts.iter().flat_map(|host| &host.knobs).find_map(telling);
    if let Some(knob) = knob {
        return Some(format!("{knob} at one host is what it is about, and both share one kernel"));
    }
    let trace = scenario.simulate(overrides).ok()?;
    clock_goes_back(&trace)
        .then(|| "a timestamp older than the one before is what it is about, and a kernel's clock only goes on".to_owned())
}

/// The longest an action may wait for its moment; a kernel's clock is everybody's.
const LONGEST_WAIT: Duration = Duration::from_secs(10);

/// Whether a SYN of some host bears an older timestamp than an earlier SYN of the same host.
fn clock_goes_back(trace: &Trace) -> bool {
    let of = |host: HostId| {
        let sent = trace.packets.iter().filter(move |packet| packet.from == Some(host));
        let syns = sent.filter_map(|packet| packet.segment().filter(|segment| segment.has(Flags::SYN)));
        syns.filter_map(|segment| segment.options.get_timestamps()).map(|ts| ts.val).collect::<Vec<_>>()
    };
    let older = |pair: &[u32]| pair[1].wrapping_sub(pair[0]).cast_signed() < 0;
    trace.host_ids().any(|host| of(host).windows(2).any(older))
}

/// Settings of the scenario that are left out: they are for another profile, and the kernel has its own.
fn dropped_settings(scenario: &Scenario) -> Vec<String> {
    let of = |host: HostId| {
        let name = host_name(host);
        scenario.hosts[usize::from(host.0)].knobs.iter().map(move |(knob, value)| format!("{name}.{knob}={value}"))
    };
    of(HostId(0)).chain(of(HostId(1))).collect()
}

fn kernel_and_simulation(scenario: &Scenario, overrides: &Overrides) -> Result<(Trace, Trace), String> {
    let setup = scenario.setup(overrides)?;
    let addresses = [setup.hosts[0].address, setup.hosts[1].address];
    let mut recipe = vec![("scenario".to_owned(), scenario.name.clone()), ("world".to_owned(), "kernel".to_owned())];
    if let Ok(release) = std::fs::read_to_string("/proc/sys/kernel/osrelease") {
        recipe.push(("kernel".to_owned(), release.trim().to_owned()));
    }
    // The kernel behaves as it does; only a namespace's sysctls are set, to the profile as measured.
    let profile = synfin::engine::Profile::linux();
    let mut kernel =
        Kernel::new(KernelSetup { addresses, mtu: setup.mtu, recipe, profile }).map_err(|error: KernelError| error.to_string())?;
    let overhead = kernel.packet_overhead().map_err(|error: KernelError| error.to_string())?;
    let said = overrides.knobs.iter().any(|(_, knob, _)| knob == "packet-overhead");
    let mut ours = overrides.clone();
    if !said {
        ours.knobs.push((None, "packet-overhead".to_owned(), overhead.to_string()));
    }
    let ours = scenario.setup(&ours)?;
    let ours = play_in(scenario, Simulated::new(&ours)).map_err(|error| error.to_string())?;
    let theirs = play_in(scenario, kernel).map_err(|error| format!("in the kernel: {error}"))?;
    Ok((ours.into_trace(), theirs.finish().map_err(|error: KernelError| error.to_string())?))
}

fn excuse(scenario: &Scenario, difference: &Difference) -> Option<&'static Excuse> {
    EXCUSES.iter().find(|excuse| (excuse.scenario == scenario.name || excuse.scenario == "*") && excuse.kind == difference.kind)
}

fn report(scenario: &Scenario, outcome: &Outcome, arguments: &Validate, text: &mut String) -> Verdict {
    let name = &scenario.name;
    match outcome {
        Outcome::NotAsked(why) => {
            let _ = writeln!(text, "{name:<28} not asked  {why}");
            Verdict::Yes
        }
        Outcome::Failed(why) => {
            let _ = writeln!(text, "{name:<28} failed     {why}");
            Verdict::No
        }
        Outcome::Asked { ours, theirs, agreement, without, attempt } => {
            let (excused, open): (Vec<_>, Vec<_>) =
                agreement.differences.iter().partition(|difference| excuse(scenario, difference).is_some());
            let word = match (open.is_empty(), excused.is_empty()) {
                (true, true) => "equal",
                (true, false) => "excused",
                (false, _) => "DIFFERENT",
            };
            let Agreement { packets, calls, states, .. } = agreement;
            let again = if *attempt == 1 { String::new() } else { format!(" (asked {attempt} times)") };
            let _ = writeln!(text, "{name:<28} {word:<10} {packets} packets, {calls} calls, {states} states{again}");
            for difference in &open {
                let _ = writeln!(text, "    {difference}");
            }
            for difference in excused {
                if let Some(excuse) = excuse(scenario, difference) {
                    let _ = writeln!(text, "    {difference}\n      excused by {}: {}", excuse.name, excuse.reason);
                }
            }
            if !without.is_empty() {
                let _ = writeln!(text, "    asked without: {}", without.join(" "));
            }
            if arguments.verbose || !open.is_empty() {
                let _ = writeln!(text, "    ours:\n{}    theirs:\n{}", packets_of(ours), packets_of(theirs));
            }
            if open.is_empty() { Verdict::Yes } else { Verdict::No }
        }
    }
}

fn packets_of(trace: &Trace) -> String {
    let departures = trace.entries.iter().filter_map(|entry| match entry.what {
        What::Departure(id) => Some((entry.at, id)),
        _ => None,
    });
    departures
        .zip(1..)
        .fold(String::new(), |text, ((at, id), number)| text + &format!("      {number:>2} {at:>9} {}\n", Shown::of(trace, id)))
}

/// Both captures of a scenario: what the kernel did, and what we say it does.
fn write_captures(folder: &Path, name: &str, ours: &Trace, theirs: &Trace) -> Result<(), Failure> {
    let file = |suffix: &str| folder.join(format!("{name}.{suffix}"));
    let io = |error| match error {
        pcap::PcapError::Io(error) => error,
        error => std::io::Error::other(error),
    };
    // Without comments: the kernel does not say which rule it followed.
    output::to_file(&file("kernel.pcap"), |mut out| pcap::write(theirs, Format::Pcap, Tap::Host(HostId(0)), &mut out).map_err(io))?;
    output::to_file(&file("synfin.pcapng"), |mut out| pcap::write(ours, Format::PcapNg, Tap::Host(HostId(0)), &mut out).map_err(io))
}
