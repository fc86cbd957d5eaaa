//! A network of ours between stacks that are not: the same scenario, the same packets, whoever has the stack.
//!
//! First with stacks that are simulated elsewhere, of which everything is known; then with this machine's kernel, in
//! a child process, as only a process with one thread may enter namespaces. Where they are refused the latter say
//! `left out` and pass, unless `SYNFIN_ORACLES=require`.

mod common {
    pub(crate) mod elsewhere;
    pub(crate) mod example;
    pub(crate) mod left_out;
    pub(crate) mod probe;
}

use std::process::Command;
use std::time::Duration;

use common::elsewhere::Elsewhere;
use common::probe::{as_ordinary_user, probe};
use synfin::sources::scenario::{Overrides, Scenario, catalogue, play_in};
use synfin::trace::{Trace, What};
use synfin::worlds::simulated::Simulated;
use synfin::worlds::wired::Wired;

/// The ISSs that stacks elsewhere choose: what a scenario prescribes must come out all the same.
const CHOSEN: [u32; 4] = [0xffff_fff0, 5, 0x8000_0000, 77];

fn simulated(scenario: &Scenario) -> Trace {
    let setup = scenario.setup(&Overrides::default()).expect("a set-up");
    play_in(scenario, Simulated::new(&setup)).map(|world| world.trace().clone()).expect("it plays")
}

fn wired(scenario: &Scenario, remote: [bool; 2]) -> Result<Trace, String> {
    let setup = scenario.setup(&Overrides::default()).expect("a set-up");
    let outside = Elsewhere::new(&setup, remote, &CHOSEN);
    let world = Wired::around(&setup, remote, Duration::from_secs(10_000), outside);
    let world = play_in(scenario, world).map_err(|error| error.to_string())?;
    world.finish().map_err(|error| error.to_string())
}

/// Every packet that left and arrived, with its moment and the state of the host.
fn passed(trace: &Trace) -> Vec<String> {
    let line = |entry: &synfin::trace::Entry| {
        let (verb, id) = match entry.what {
            What::Departure(id) => ("leaves", id),
            What::Arrival(id) => ("reaches", id),
            What::Rejection(id) => ("is rejected by", id),
            What::Loss(id) => ("is lost before", id),
            What::Call { .. } | What::Timer(_) | What::Observation | What::Note(_) => return None,
        };
        let packet = trace.packet(id);
        let what = packet.segment().map_or_else(|| format!("{:?}", packet.payload), |segment| format!("{segment} {}", segment.options));
        let host = &trace.host(entry.host).name;
        Some(format!("{} {}>{} {what} {verb} {host} {}", entry.at, packet.source, packet.destination, entry.after))
    };
    trace.entries.iter().filter_map(line).collect()
}

#[test]
fn it_makes_no_difference_where_a_stack_is() {
    let mut wrong = String::new();
    // What a host says to itself never comes to a network.
    for name in catalogue::names().filter(|name| *name != "self-connect") {
        let scenario = Scenario::load(name).expect(name);
        let expected = passed(&simulated(&scenario));
        for remote in [[true, false], [false, true], [true, true]] {
            match wired(&scenario, remote) {
                Err(error) => wrong += &format!("{name} {remote:?}: {error}\n"),
                Ok(trace) => {
                    let seen = passed(&trace);
                    if let Some(position) = (0..expected.len().max(seen.len())).find(|at| expected.get(*at) != seen.get(*at)) {
                        wrong += &format!(
                            "{name} {remote:?}: {position}\n  expected {:?}\n  seen     {:?}\n",
                            expected.get(position),
                            seen.get(position)
                        );
                    }
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

/// What the kernel is asked in each role: openings, closings and what the network may do to them, and whatever a third
/// party forges.
const ASKED: [&str; 18] = [
    "three-way-handshake",
    "normal-close",
    "half-close",
    "syn-lost-once",
    "last-ack-lost",
    "fin-lost",
    "simultaneous-open",
    "simultaneous-close",
    "blind-rst-in-window",
    "blind-syn",
    "paws-drop",
    "duplicate-segment",
    "half-open-discovery",
    "blind-syn-real-restart",
    "old-duplicate-syn",
    "rst-bad-ack-syn-sent",
    "fin-ack-lost",
    "syn-cookie-ack-lost",
];

fn kernel_agrees(a: &str, b: &str) {
    let name = format!("{a} with {b} on our network");
    let facts = probe(&name, "wired_probe", |program| {
        let mut command = Command::new(program);
        command.args([a, b]).args(ASKED);
        command
    });
    let Some(facts) = facts else { return };
    let said: Vec<_> = ASKED.iter().flat_map(|name| facts.of(name).into_iter().map(move |fact| format!("{name}: {fact}"))).collect();
    let equal = ASKED.iter().all(|name| facts.of(name).first().is_some_and(|fact| fact.starts_with("equal")));
    assert!(equal, "{}", said.join("\n"));
}

#[test]
fn the_kernel_is_met_by_the_engine_as_passive_side() {
    kernel_agrees("kernel", "engine");
}

#[test]
fn the_kernel_is_met_by_the_engine_as_active_side() {
    kernel_agrees("engine", "kernel");
}

#[test]
fn two_kernels_agree_over_our_network() {
    kernel_agrees("kernel", "kernel");
}

#[test]
fn an_ordinary_user_may_do_the_same() {
    let Some(facts) = as_ordinary_user("kernels on our network as an ordinary user", "wired_probe") else { return };
    assert!(facts.of("three-way-handshake").iter().all(|fact| fact.starts_with("equal")));
}
