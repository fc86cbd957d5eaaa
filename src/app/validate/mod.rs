//! `synfin validate`: the same calls on the real kernel, and every difference by its name.
//!
//! `plan` says which way a scenario can be asked, `ask` asks, `reasons` knows the differences that are
//! explained, `report` tells what came of it.

mod ask;
mod plan;
mod reasons;
mod report;

use std::path::Path;

use synfin::sinks::pcap::{self, Format, Tap};
use synfin::sources::scenario::{Overrides, Scenario, catalogue};
use synfin::trace::{HostId, Trace};
use synfin::worlds::kernel::enter_user_namespace;

use self::ask::{Outcome, ask_all};
use self::plan::{Plan, Refusal, Way, plan};
use super::args::{Peer, Validate, WayArg};
use super::{Failure, Verdict, output};

/// One scenario, and how it is asked; or why not.
struct Item {
    scenario: Scenario,
    plan: Result<Box<Plan>, Refusal>,
}

pub(crate) fn run(arguments: &Validate) -> Result<Verdict, Failure> {
    let names: Vec<String> = if arguments.names.is_empty() || arguments.all {
        let own = arguments.names.iter().filter(|name| !catalogue::names().any(|known| known == name.as_str()));
        catalogue::names().map(str::to_owned).chain(own.cloned()).collect()
    } else {
        arguments.names.clone()
    };
    let scenarios = names.iter().map(|name| Scenario::load(name)).collect::<Result<Vec<_>, _>>().map_err(Failure::request)?;
    let overrides = arguments.settings.overrides().map_err(Failure::Request)?;
    if overrides.profile.as_deref().is_some_and(|profile| profile != "linux") {
        return Err(Failure::Request("validate compares the linux profile with Linux; leave --profile out".to_owned()));
    }
    // A mistake in --set must not look like a difference of every scenario.
    for scenario in &scenarios {
        scenario.setup(&overrides).map_err(Failure::Request)?;
    }
    // Only a process with one thread may enter a user namespace, so this comes before any thread.
    enter_user_namespace().map_err(|refusal| Failure::Request(refusal.to_string()))?;
    let items: Vec<Item> = scenarios.iter().flat_map(|scenario| items(scenario, &overrides, arguments)).collect();
    let outcomes = ask_all(&items);
    let text = if arguments.json { report::json(&items, &outcomes) } else { report::text(&items, &outcomes, arguments.verbose) };
    if let Some(folder) = &arguments.write {
        for (item, outcome) in items.iter().zip(&outcomes) {
            if let Outcome::Asked(asked) = outcome {
                write_captures(folder, &item.scenario.name, &asked.ours, &asked.theirs)?;
            }
        }
    }
    output::print(&text)?;
    let broken = items.iter().zip(&outcomes).find_map(|(item, outcome)| match outcome {
        Outcome::Failed(why) => Some(format!("{}: {why}", item.scenario.name)),
        Outcome::Asked(_) | Outcome::NotAsked(_) => None,
    });
    match broken {
        Some(why) => Err(Failure::Request(why)),
        None if outcomes.iter().any(Outcome::is_different) => Ok(Verdict::No),
        None => Ok(Verdict::Yes),
    }
}

/// Scenarios in which timers of both hosts fall into one moment, and the way that does not leave it to chance whose is first:
/// an engine's timer is exact, a kernel's a tick late.
const TIES: [(&str, Way); 1] = [("syn-ack-lost", Way::EngineA)];

/// The ways in which this scenario is asked: one, or one for each role of the engine.
fn items(scenario: &Scenario, overrides: &Overrides, arguments: &Validate) -> Vec<Item> {
    let ways: Vec<Way> = match (arguments.way, arguments.peer) {
        (Some(way), _) => vec![Way::from(way)],
        (None, Some(Peer::Engine)) => vec![Way::EngineA, Way::EngineB],
        (None, Some(Peer::Kernel)) => vec![Way::Loopback, Way::Veth],
        (None, None) => TIES.iter().find(|(name, _)| *name == scenario.name).map_or(Way::ALL.to_vec(), |(_, way)| vec![*way]),
    };
    let plans: Vec<_> = ways.iter().map(|way| plan(scenario, overrides, *way, arguments.slow).map(Box::new)).collect();
    let item = |plan| Item { scenario: scenario.clone(), plan };
    if arguments.peer == Some(Peer::Engine) && arguments.way.is_none() && plans.iter().any(Result::is_ok) {
        return plans.into_iter().filter(Result::is_ok).map(item).collect();
    }
    vec![item(best(plans))]
}

/// The plan that leaves out the least, the plainest of those; or the reason that tells most.
fn best(plans: Vec<Result<Box<Plan>, Refusal>>) -> Result<Box<Plan>, Refusal> {
    let mut chosen: Option<Result<Box<Plan>, Refusal>> = None;
    for plan in plans {
        let better = match (&chosen, &plan) {
            (None, _) | (Some(Err(_)), Ok(_)) | (Some(Err(Refusal::NotAskable(_))), Err(_)) => true,
            (Some(Ok(before)), Ok(now)) => now.without.len() < before.without.len(),
            (Some(Ok(_) | Err(Refusal::Slow(_))), Err(_)) => false,
        };
        if better {
            chosen = Some(plan);
        }
    }
    chosen.unwrap_or_else(|| Err(Refusal::NotAskable("there is no way".to_owned())))
}

impl From<WayArg> for Way {
    fn from(way: WayArg) -> Self {
        match way {
            WayArg::Loopback => Self::Loopback,
            WayArg::Veth => Self::Veth,
            WayArg::EngineA => Self::EngineA,
            WayArg::EngineB => Self::EngineB,
        }
    }
}

/// Both captures of a scenario: what the kernel did, and what we say it does.
fn write_captures(folder: &Path, name: &str, ours: &Trace, theirs: &Trace) -> Result<(), Failure> {
    let file = |suffix: &str| folder.join(format!("{name}.{suffix}"));
    // Without comments: the kernel does not say which rule it followed.
    output::to_file(&file("kernel.pcap"), |mut out| {
        pcap::write(theirs, Format::Pcap, Tap::Host(HostId(0)), &mut out).map_err(std::io::Error::from)
    })?;
    output::to_file(&file("synfin.pcapng"), |mut out| {
        pcap::write(ours, Format::PcapNg, Tap::Host(HostId(0)), &mut out).map_err(std::io::Error::from)
    })
}
