//! Asking a kernel, some scenarios at a time, and again where it was only late.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use synfin::engine::Profile;
use synfin::engine::profile::KNOBS;
use synfin::sinks::agreement::{Agreement, compare, compare_time_waits};
use synfin::sources::scenario::{Overrides, host_name, play_in, play_until};
use synfin::trace::{HostId, Trace};
use synfin::worlds::World as _;
use synfin::worlds::kernel::{Kernel, KernelError, KernelSetup};
use synfin::worlds::simulated::Simulated;
use synfin::worlds::wired::{Stack, Wired, WiredSetup};

use super::Item;
use super::plan::{Plan, Refusal, Way};
use super::reasons::{Reason, reason_for};

/// What a kernel did, and we.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) ours: Trace,
    pub(super) theirs: Trace,
    pub(super) agreement: Agreement,
    /// Which of its differences have a name, in their order.
    pub(super) reasons: Vec<Option<&'static Reason>>,
    /// How often it was asked until it agreed.
    pub(super) attempt: usize,
    /// How long that took.
    pub(super) took: Duration,
    /// Settings with which, or without which, it would agree.
    pub(super) hint: Option<String>,
}

/// What came of one scenario.
#[derive(Debug)]
pub(super) enum Outcome {
    Asked(Box<Asked>),
    NotAsked(Refusal),
    Failed(String),
}

impl Outcome {
    /// Whether a difference has no name.
    pub(super) fn is_different(&self) -> bool {
        matches!(self, Self::Asked(asked) if asked.reasons.iter().any(Option::is_none))
    }
}

/// How often a scenario is asked before a difference counts.
const ATTEMPTS: usize = 5;
/// How often one is that takes long.
const ATTEMPTS_OF_LONG: usize = 3;
/// What a kernel is about to do within this time is waited for, also where the simulation would do nothing.
const LEAST_PATIENCE: Duration = Duration::from_millis(1500);
/// As many at a time: they mostly wait.
const AT_A_TIME: usize = 16;

/// Asks about every scenario, each in a network of its own, some at a time.
pub(super) fn ask_all(items: &[Item]) -> Vec<Outcome> {
    let next = AtomicUsize::new(0);
    let outcomes: Vec<Mutex<Option<Outcome>>> = items.iter().map(|_| Mutex::new(None)).collect();
    // The longest first, so that none is left to run alone.
    let mut order: Vec<usize> = (0..items.len()).collect();
    order.sort_by_key(|position| {
        let takes = |plan: &Plan| plan.length + if plan.to_the_end { Duration::from_mins(1) } else { plan.silence };
        std::cmp::Reverse(items[*position].plan.as_ref().map_or(Duration::ZERO, |plan| takes(plan)))
    });
    let workers = AT_A_TIME.min(items.len());
    std::thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                while let Some(position) = order.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let outcome = match &items[*position].plan {
                        Ok(plan) => ask(plan),
                        Err(refusal) => Outcome::NotAsked(refusal.clone()),
                    };
                    if let Ok(mut slot) = outcomes[*position].lock() {
                        *slot = Some(outcome);
                    }
                }
            });
        }
    });
    let taken = outcomes.into_iter().map(|slot| slot.into_inner().ok().flatten());
    let outcomes = taken.map(|outcome| outcome.unwrap_or_else(|| Outcome::Failed("nobody asked".to_owned())));
    // What differs is asked once more with nothing beside it, so that it is not the crowd that differs.
    let alone = |(outcome, item): (Outcome, &Item)| match &item.plan {
        Ok(plan) if items.len() > 1 && (outcome.is_different() || matches!(outcome, Outcome::Failed(_))) => ask(plan),
        _ => outcome,
    };
    outcomes.zip(items).map(alone).collect()
}

fn ask(plan: &Plan) -> Outcome {
    let started = Instant::now();
    let attempts = if plan.to_the_end || plan.length > Duration::from_secs(5) { ATTEMPTS_OF_LONG } else { ATTEMPTS };
    let mut attempt = 1;
    loop {
        // A kernel has a clock, and a busy machine lets its timers overtake our calls: a difference
        // counts if it stays. Each asking needs a network, and so a thread, of its own.
        let asked = std::thread::scope(|scope| scope.spawn(|| kernel_and_simulation(plan)).join());
        match asked.unwrap_or_else(|_| Err("the comparison panicked".to_owned())) {
            Ok((ours, theirs)) => {
                let mut agreement = compare(&ours, &theirs);
                if plan.to_the_end {
                    compare_time_waits(&ours, &theirs, &mut agreement);
                }
                let reasons: Vec<_> = agreement.differences.iter().map(|difference| reason_for(plan, difference)).collect();
                let open = reasons.iter().any(Option::is_none);
                if !open || attempt == attempts {
                    let hint = if open { hint(plan, &theirs, agreement.differences.len()) } else { None };
                    let took = started.elapsed();
                    return Outcome::Asked(Box::new(Asked { ours, theirs, agreement, reasons, attempt, took, hint }));
                }
            }
            Err(why) if attempt == attempts => return Outcome::Failed(why),
            Err(_) => {}
        }
        attempt += 1;
    }
}

fn kernel_and_simulation(plan: &Plan) -> Result<(Trace, Trace), String> {
    match plan.way {
        Way::Loopback => over_loopback(plan),
        Way::Veth | Way::EngineA | Way::EngineB => over_our_link(plan),
    }
}

fn over_loopback(plan: &Plan) -> Result<(Trace, Trace), String> {
    let scenario = &plan.scenario;
    let setup = scenario.setup(&plan.overrides)?;
    let kernel_setup = KernelSetup {
        addresses: [setup.hosts[0].address, setup.hosts[1].address],
        mtu: setup.mtu,
        recipe: recipe(plan),
        profile: plan.profiles[0].clone(),
        ordinary: [setup.hosts[0].unprivileged, setup.hosts[1].unprivileged],
        patience: patience(plan),
    };
    let mut kernel = Kernel::new(kernel_setup).map_err(|error: KernelError| error.to_string())?;
    let overhead = kernel.packet_overhead().map_err(|error: KernelError| error.to_string())?;
    let ours = simulated(plan, &[(None, "packet-overhead".to_owned(), overhead.to_string())])?;
    let theirs = play_in(scenario, kernel).map_err(|error| format!("in the kernel: {error}"))?;
    Ok((ours, theirs.finish().map_err(|error: KernelError| error.to_string())?))
}

fn over_our_link(plan: &Plan) -> Result<(Trace, Trace), String> {
    let hosts = [HostId(0), HostId(1)];
    // What is set on the command line is for the simulation alone.
    let told = Overrides { knobs: Vec::new(), ..plan.overrides.clone() };
    let mut setup = plan.scenario.setup(&told)?;
    setup.recipe = recipe(plan);
    let wired = WiredSetup {
        stacks: hosts.map(|host| if plan.way.is_kernel(host) { Stack::Kernel } else { Stack::Engine }),
        setup,
        sysctls: [Vec::new(), Vec::new()],
        patience: if plan.to_the_end { WiredSetup::SLOW } else { patience(plan).max(LEAST_PATIENCE) },
    };
    let world = Wired::new(&wired).map_err(|error| error.to_string())?;
    // What we write into a cable lies in one piece in the kernel's memory, and our cable takes each segment by itself.
    let facts = [("linear-packets", "on"), ("burst-segments", "0")];
    let kernels = hosts.into_iter().filter(|host| plan.way.is_kernel(*host));
    let knobs: Vec<_> =
        kernels.flat_map(|host| facts.map(|(knob, value)| (Some(host_name(host).to_owned()), knob.to_owned(), value.to_owned()))).collect();
    let ours = simulated(plan, &knobs)?;
    let theirs = play_in(&plan.scenario, world).map_err(|error| format!("at the kernel: {error}"))?;
    Ok((ours, theirs.finish().map_err(|error| error.to_string())?))
}

/// What we say happens, with these knobs unless the command line says otherwise.
fn simulated(plan: &Plan, knobs: &[(Option<String>, String, String)]) -> Result<Trace, String> {
    let mut overrides = plan.overrides.clone();
    for knob in knobs {
        if !overrides.knobs.iter().any(|(_, name, _)| *name == knob.1) {
            overrides.knobs.push(knob.clone());
        }
    }
    let setup = plan.scenario.setup(&overrides)?;
    play_in(&plan.scenario, Simulated::new(&setup)).map(Simulated::into_trace).map_err(|error| error.to_string())
}

/// How long a kernel may be silent before all is over: as long as the simulation is, its timers being late.
fn patience(plan: &Plan) -> Duration {
    plan.silence + plan.silence / 4 + Duration::from_millis(400)
}

fn recipe(plan: &Plan) -> Vec<(String, String)> {
    let mut recipe = vec![
        ("scenario".to_owned(), plan.scenario.name.clone()),
        ("world".to_owned(), "kernel".to_owned()),
        ("way".to_owned(), plan.way.name().to_owned()),
    ];
    if let Ok(release) = std::fs::read_to_string("/proc/sys/kernel/osrelease") {
        recipe.push(("kernel".to_owned(), release.trim().to_owned()));
    }
    recipe
}

/// Which one knob, set otherwise, makes the differences fewer: of those on the command line, or of all.
fn hint(plan: &Plan, theirs: &Trace, differences: usize) -> Option<String> {
    let count = |overrides: &Overrides| {
        let setup = plan.scenario.setup(overrides).ok()?;
        // A knob may make a run endless; then it is not the one.
        let horizon = synfin::engine::Instant::START + plan.length * 4 + Duration::from_mins(2);
        let ours = play_until(&plan.scenario, Simulated::new(&setup), horizon).ok()?.into_trace();
        Some(compare(&ours, theirs).differences.len())
    };
    let mut better: Vec<(usize, String)> = Vec::new();
    for position in 0..plan.overrides.knobs.len() {
        let mut fewer = plan.overrides.clone();
        let (host, knob, value) = fewer.knobs.remove(position);
        let scope = host.map_or(String::new(), |host| format!("{host}."));
        better.extend(count(&fewer).map(|count| (count, format!("without {scope}{knob}={value}"))));
    }
    if plan.overrides.knobs.is_empty() {
        for knob in KNOBS {
            let usual = knob.get(&Profile::linux());
            let mut values: Vec<String> = [Profile::rfc9293(), Profile::freebsd()].iter().map(|profile| knob.get(profile)).collect();
            values.extend(match usual.as_str() {
                "on" => Some("off".to_owned()),
                "off" => Some("on".to_owned()),
                _ => None,
            });
            values.retain(|value| *value != usual);
            values.dedup();
            for value in values {
                let mut other = plan.overrides.clone();
                other.knobs.push((None, knob.name.to_owned(), value.clone()));
                better.extend(count(&other).map(|count| (count, format!("with {}={value}", knob.name))));
            }
        }
    }
    better.retain(|(count, _)| *count < differences);
    let (count, what) = better.into_iter().min()?;
    Some(if count == 0 { format!("{what} there is none") } else { format!("{what} there are {count} instead of {differences}") })
}
