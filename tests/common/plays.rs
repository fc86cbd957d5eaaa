//! Random plays: what two applications and a network may do, as the text of a scenario.
//!
//! Every action has its moment, so that none waits for ever behind a call that blocks; long after the
//! last of them both processes end. Numbers stand relative to the ISSs, which may lie anywhere.

use std::fmt::Write as _;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use synfin::engine::{Instant, Segment};
use synfin::sources::scenario::{Overrides, Scenario, play_in};
use synfin::trace::{HostId, IcmpError, Trace};
use synfin::worlds::simulated::{NetstatRow, Simulated};
use synfin::worlds::{Call, Claim, NetworkAct, Outcome, SegmentKind, World};

/// A play, but for its place in sequence space.
#[derive(Clone, Debug)]
pub(crate) struct Play {
    settings: Vec<String>,
    actions: Vec<Action>,
}

#[derive(Clone, Debug)]
struct Action {
    millis: u32,
    host: &'static str,
    what: What,
}

#[derive(Clone, Debug)]
enum What {
    /// A call or an act of the network, as it is written.
    Words(String),
    /// SEG.SEQ and SEG.ACK relative to the ISSs of the host and of the other.
    Forged { seq: i32, ack: i32, flags: &'static str, len: u32 },
}

/// What a play may have in it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Kind {
    /// Forged segments.
    pub(crate) forged: bool,
    /// Chance: a network that never stops losing, though it does not lose all.
    pub(crate) chance: bool,
    /// Hosts that lose power.
    pub(crate) crashes: bool,
}

impl Kind {
    /// Whatever can happen.
    pub(crate) const ANY: Self = Self { forged: true, chance: true, crashes: true };
    /// The two applications and a network that harms a number of segments.
    pub(crate) const HONEST: Self = Self { forged: false, chance: false, crashes: false };
}

/// Where the ISSs of a play lie if nothing is said.
pub(crate) const ISS: [u32; 2] = [100, 300];

/// When both processes end: later than any R2 of the plays' profiles.
const END: &str = "5000s";

impl Play {
    /// The scenario with these ISSs.
    pub(crate) fn text(&self, iss: [u32; 2]) -> String {
        let mut text = self.settings.iter().fold(String::new(), |text, line| text + line + "\n");
        for (host, iss) in ["A", "B"].into_iter().zip(iss) {
            // As many as a play can need, so that none is chosen from the clock.
            let numbers: Vec<_> = (0..12_u32).map(|number| iss.wrapping_add(number * 1_000_000).to_string()).collect();
            let _ = writeln!(text, "{host} iss {}", numbers.join(" "));
        }
        for Action { millis, host, what } in &self.actions {
            let _ = match what {
                What::Words(words) => writeln!(text, "{host} at {millis}ms {words}"),
                What::Forged { seq, ack, flags, len } => {
                    let (ours, theirs) = if *host == "A" { (iss[0], iss[1]) } else { (iss[1], iss[0]) };
                    let (seq, ack) = (ours.wrapping_add_signed(*seq), theirs.wrapping_add_signed(*ack));
                    let ack = if flags.contains("ACK") { format!("<ACK={ack}>") } else { String::new() };
                    writeln!(text, "{host} at {millis}ms inject <SEQ={seq}>{ack}<LEN={len}><CTL={flags}>")
                }
            };
        }
        text + "A at " + END + " exit\nB at " + END + " exit\n"
    }

    /// The same, read.
    pub(crate) fn scenario(&self, iss: [u32; 2]) -> Scenario {
        let text = self.text(iss);
        Scenario::parse("play", &text).unwrap_or_else(|error| panic!("{error}\n{text}"))
    }

    /// Plays it and hands out what happened.
    pub(crate) fn trace(&self, iss: [u32; 2]) -> Trace {
        self.watched(iss, |_| {}).into_trace()
    }

    /// Plays it, shows the world to `look` after everything that happens, and hands it out as it is in the end.
    pub(crate) fn watched(&self, iss: [u32; 2], look: impl FnMut(&Simulated)) -> Simulated {
        let scenario = self.scenario(iss);
        let setup = scenario.setup(&Overrides::default()).unwrap_or_else(|why| panic!("{why}"));
        let watched = Watched { world: Simulated::new(&setup), look };
        let played = play_in(&scenario, watched).unwrap_or_else(|error| panic!("{error}\n{}", scenario.text));
        played.world
    }
}

/// The endpoints of a host that are not over.
pub(crate) fn endpoints(world: &Simulated, host: HostId) -> Vec<NetstatRow> {
    world.host(host).netstat()
}

/// A world somebody looks at.
struct Watched<F> {
    world: Simulated,
    look: F,
}

impl<F: FnMut(&Simulated)> Watched<F> {
    fn looked_at<T>(&mut self, what: T) -> T {
        (self.look)(&self.world);
        what
    }
}

impl<F: FnMut(&Simulated)> World for Watched<F> {
    fn now(&self) -> Instant {
        self.world.now()
    }

    fn call(&mut self, host: HostId, call: &Call) -> Outcome {
        let outcome = self.world.call(host, call);
        self.looked_at(outcome)
    }

    fn retry(&mut self, host: HostId, call: &Call) -> Outcome {
        let outcome = self.world.retry(host, call);
        self.looked_at(outcome)
    }

    fn network(&mut self, act: &NetworkAct) -> Result<(), String> {
        self.world.network(act)
    }

    fn inject(&mut self, from: HostId, claim: Claim, segment: &Segment) -> Result<(), String> {
        let outcome = self.world.inject(from, claim, segment);
        self.looked_at(outcome)
    }

    fn report(&mut self, host: HostId, error: IcmpError, about: SegmentKind) -> Result<(), String> {
        let outcome = self.world.report(host, error, about);
        self.looked_at(outcome)
    }

    fn netstat(&mut self, host: HostId) -> Result<(), String> {
        self.world.netstat(host)
    }

    fn step(&mut self, until: Option<Instant>) -> bool {
        let more = self.world.step(until);
        self.looked_at(more)
    }

    fn is_settled(&self) -> bool {
        self.world.is_settled()
    }

    fn into_trace(self) -> Trace {
        self.world.into_trace()
    }
}

// --- what may be in a play --------------------------------------------------------------------------

fn host() -> impl Strategy<Value = &'static str> {
    select(vec!["A", "B"])
}

/// Often close to each other, so that things cross.
fn moment() -> impl Strategy<Value = u32> {
    prop_oneof![6 => 0..100_u32, 3 => 100..3000_u32, 1 => 3000..300_000_u32]
}

fn call(crashes: bool) -> impl Strategy<Value = String> {
    let last = if crashes { vec!["abort", "exit", "close listener", "crash"] } else { vec!["abort", "exit", "close listener"] };
    prop_oneof![
        6 => prop_oneof![Just(0_u32), 1..20_u32, 20..20_000_u32, 20_000..200_000_u32].prop_map(|octets| format!("send {octets}")),
        4 => prop_oneof![Just("recv".to_owned()), (1..20_000_u32).prop_map(|octets| format!("recv {octets}"))],
        3 => select(vec!["shutdown write", "shutdown read", "shutdown both"]).prop_map(str::to_owned),
        4 => Just("close".to_owned()),
        1 => select(last).prop_map(str::to_owned),
        1 => select(vec!["option nodelay on", "option quickack off", "option linger 0", "option user-timeout 5s"]).prop_map(str::to_owned),
    ]
}

fn segment() -> impl Strategy<Value = String> {
    let kind = select(vec!["SYN", "SYN,ACK", "ACK", "FIN", "RST", "data", "any"]);
    (host(), kind, 1..5_u32).prop_map(|(host, kind, nth)| format!("{host}:{kind}#{nth}"))
}

/// An act on a number of segments, to be armed before anything happens.
fn act() -> impl Strategy<Value = String> {
    let times = prop_oneof![4 => 1..3_u32, 1 => 3..6_u32];
    (segment(), times, 0..6_u8, 0..1500_u32).prop_map(|(segment, times, verb, millis)| {
        let act = match verb {
            0 | 1 => format!("lose {segment}"),
            2 => format!("delay {segment} {millis}ms"),
            3 => format!("duplicate {segment} {millis}ms"),
            4 => format!("reorder {segment}"),
            _ => format!("corrupt {segment} octet {} bit {}", millis % 60, millis % 8),
        };
        format!("{act} times {times}")
    })
}

fn impairment() -> impl Strategy<Value = String> {
    let chance = (select(vec!["loss", "duplicate", "reorder", "corrupt"]), 0..30_u32, any::<u64>())
        .prop_map(|(what, percent, seed)| format!("{what} {percent}% seed {seed}"));
    let time = prop_oneof![
        (0..100_u32, any::<u64>()).prop_map(|(millis, seed)| format!("jitter {millis}ms seed {seed}")),
        (20..2000_u32, 1..20_u32).prop_map(|(kbit, queue)| format!("rate {kbit}kbit queue {queue}")),
    ];
    prop_oneof![3 => chance, 1 => time]
}

fn forged() -> impl Strategy<Value = What> {
    let flags = select(vec!["SYN", "RST", "RST,ACK", "FIN,ACK", "ACK", "SYN,ACK", "PSH,ACK", "none"]);
    let near = || prop_oneof![3 => -3..6_i32, 1 => -3000..30_000_i32, 1 => any::<i32>()];
    (near(), near(), flags, 0..20_u32).prop_map(|(seq, ack, flags, len)| What::Forged { seq, ack, flags, len })
}

fn settings() -> impl Strategy<Value = Vec<String>> {
    let knob = select(vec![
        "receive-buffer=4000",
        "delayed-ack=0s",
        "delayed-ack=500ms",
        "timestamps=on",
        "window-scale=7",
        "window-scale=off",
        "sack=on",
        "msl=1s",
        "syn-retries=2",
        "data-retries=3",
    ]);
    let profile = || select(vec!["rfc9293", "linux", "freebsd"]);
    let delay = prop_oneof![1 => Just(0_u32), 6 => 1..50_u32, 1 => 50..700_u32];
    (profile(), profile(), delay, any::<bool>(), vec((host(), knob), 0..3)).prop_map(|(a, b, delay, six, knobs)| {
        let mut lines = vec![format!("A profile {a}"), format!("B profile {b}"), format!("link delay {delay}ms")];
        if six {
            lines.push("ip 6".to_owned());
        }
        let mut given: Vec<String> = Vec::new();
        for (host, knob) in knobs {
            let name = format!("{host} set {}=", knob.split('=').next().unwrap_or_default());
            if !given.contains(&name) {
                lines.push(format!("{host} set {knob}"));
                given.push(name);
            }
        }
        lines
    })
}

/// A play with what `kind` allows.
pub(crate) fn play(kind: Kind) -> impl Strategy<Value = Play> {
    let opening = select(vec![
        &[("B", "listen"), ("A", "connect")][..],
        &[("B", "listen"), ("A", "connect")],
        &[("A", "connect from 7008"), ("B", "connect port 7008 from 7007")],
        &[("A", "connect")],
        &[("A", "connect from 7008 itself port 7008")],
    ]);
    let calls = vec((host(), moment(), call(kind.crashes)), 0..10);
    let acts = vec(act(), 0..4);
    let impairments = vec((select(vec!["A>B", "B>A"]), impairment()), 0..=if kind.chance { 3 } else { 0 });
    let forgeries = vec((host(), moment(), forged()), 0..=if kind.forged { 3 } else { 0 });
    (settings(), opening, calls, acts, impairments, forgeries).prop_map(|(mut settings, opening, calls, acts, impairments, forgeries)| {
        let mut given: Vec<String> = Vec::new();
        for (direction, impairment) in impairments {
            let key = format!("{direction} {}", impairment.split(' ').next().unwrap_or_default());
            if !given.contains(&key) {
                settings.push(format!("link {direction} {impairment}"));
                given.push(key);
            }
        }
        // An act is an action at the beginning: `lose A:FIN#1 times 2` as `A at 0ms lose FIN#1 times 2`.
        let mut actions: Vec<Action> = acts
            .iter()
            .map(|act| {
                let host = if act.contains(" A:") { "A" } else { "B" };
                Action { millis: 0, host, what: What::Words(act.replacen(&format!(" {host}:"), " ", 1)) }
            })
            .collect();
        actions.extend(opening.iter().map(|(host, words)| Action { millis: 0, host, what: What::Words((*words).to_owned()) }));
        let mut later: Vec<Action> =
            calls.into_iter().map(|(host, millis, words)| Action { millis, host, what: What::Words(words) }).collect();
        later.extend(forgeries.into_iter().map(|(host, millis, what)| Action { millis, host, what }));
        later.sort_by_key(|action| action.millis);
        actions.extend(later);
        Play { settings, actions }
    })
}
