//! Which way a scenario can be asked of a kernel, with what settings, and how long that takes; or why it cannot.

use std::fmt;
use std::time::Duration;

use synfin::engine::profile::Knob;
use synfin::engine::{Flags, Instant, Profile, Timer};
use synfin::sinks::agreement::compare;
use synfin::sources::scenario::{Action, LineKind, Overrides, Scenario, When, host_name, play_until};
use synfin::trace::{HostId, Trace, What};
use synfin::worlds::kernel::{as_kept_together, can_be_told, sysctls};
use synfin::worlds::simulated::{CookieAge, Simulated};
use synfin::worlds::{Call, SocketOption, World as _};

/// How a kernel is asked.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Way {
    /// Two processes over the loopback of one namespace.
    Loopback,
    /// Two namespaces, two kernels' stacks, and a link of ours between them.
    Veth,
    /// The engine is A, a kernel B, and a link of ours is between them.
    EngineA,
    /// The engine is B, a kernel A.
    EngineB,
}

impl Way {
    /// All of them, the plainest first: the first that can ask is taken.
    pub(super) const ALL: [Self; 4] = [Self::Loopback, Self::Veth, Self::EngineB, Self::EngineA];

    /// Its name in the output and on the command line.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Loopback => "loopback",
            Self::Veth => "veth",
            Self::EngineA => "engine A",
            Self::EngineB => "engine B",
        }
    }

    /// Whether a kernel plays this host.
    pub(super) fn is_kernel(self, host: HostId) -> bool {
        match self {
            Self::Loopback | Self::Veth => true,
            Self::EngineA => host == HostId(1),
            Self::EngineB => host == HostId(0),
        }
    }
}

impl fmt::Display for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// How a scenario is asked one way.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    pub(super) way: Way,
    /// The scenario as it is asked: with the settings that can be told, its waits shortened.
    pub(super) scenario: Scenario,
    /// What the simulation runs with, on top.
    pub(super) overrides: Overrides,
    /// What the kernels' sysctls are set to.
    pub(super) profiles: [Profile; 2],
    /// Settings of the scenario that no kernel can be told.
    pub(super) without: Vec<String>,
    /// Knobs that are shorter for both sides than they are.
    pub(super) shortened: Vec<String>,
    /// How long the simulation says it takes.
    pub(super) length: Duration,
    /// The longest silence in it.
    pub(super) silence: Duration,
    /// Whether the end of TIME-WAIT is waited for.
    pub(super) to_the_end: bool,
}

/// Why a scenario is not asked.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Refusal {
    /// It cannot be, this way.
    NotAskable(String),
    /// It can, but takes this long.
    Slow(Duration),
}

/// The longest a scenario may take without `--slow`.
const LIMIT: Duration = Duration::from_secs(13);
/// The longest it may take at all.
const SLOW_LIMIT: Duration = Duration::from_mins(5);
/// What is not over by then has no end: four hours.
const HORIZON: Instant = Instant::from_nanos(4 * 3600 * 1_000_000_000);
/// User timeouts are shortened to this.
const SHORT_USER_TIMEOUT: Duration = Duration::from_secs(3);

/// How to ask this scenario this way.
///
/// # Errors
/// Why it is not asked.
pub(super) fn plan(scenario: &Scenario, overrides: &Overrides, way: Way, slow: bool) -> Result<Plan, Refusal> {
    if let Some(why) = why_not(scenario, overrides, way) {
        return Err(Refusal::NotAskable(why));
    }
    let (told, without) = as_told(scenario, way).map_err(Refusal::NotAskable)?;
    let mut own = Overrides { profile: Some("linux".to_owned()), ..overrides.clone() };
    if way == Way::Loopback {
        own.delay = Some(Duration::ZERO);
    }
    if let Some(why) = misses_the_point(scenario, &told, &without, &own) {
        return Err(Refusal::NotAskable(why));
    }
    let (scenario, shortened) = shortened(&told, &own);
    // What is set on the command line is what is to be found out, so it is no matter of the kernel's.
    let kernels = Overrides { knobs: Vec::new(), ..own.clone() };
    let profile = |host| scenario.profile_of(host, &kernels).map_err(Refusal::NotAskable);
    let profiles = [profile(HostId(0))?, profile(HostId(1))?];
    if way == Way::Loopback && sysctls(&profiles[0]) != sysctls(&profiles[1]) {
        return Err(Refusal::NotAskable("the hosts are set differently, and both share one kernel".to_owned()));
    }
    let trace = simulated(&scenario, &own).map_err(Refusal::NotAskable)?;
    if let Some(host) = clock_goes_back(&trace).filter(|host| way.is_kernel(*host)) {
        let name = host_name(host);
        let why = format!("a timestamp of {name} older than the one before is what it is about, and a kernel's clock only goes on");
        return Err(Refusal::NotAskable(why));
    }
    let (length, silence) = length(&trace);
    if length > SLOW_LIMIT {
        let shown = humantime::format_duration(Duration::from_secs(length.as_secs()));
        return Err(Refusal::NotAskable(format!("it takes {shown} of a kernel's real time, which no sysctl shortens")));
    }
    if length > LIMIT && !slow {
        return Err(Refusal::Slow(length));
    }
    // A loopback's world looks at states between calls alone; over our link each is seen as it changes.
    let waits = trace.entries.iter().any(|entry| entry.what == What::Timer(Timer::TimeWait));
    let to_the_end = slow && waits && way != Way::Loopback;
    Ok(Plan { way, scenario, overrides: own, profiles, without, shortened, length, silence, to_the_end })
}

/// What cannot be done this way, whatever the settings are.
fn why_not(scenario: &Scenario, overrides: &Overrides, way: Way) -> Option<String> {
    if way == Way::Loopback {
        if let Some(fault) = scenario.faults.iter().chain(&overrides.faults).next() {
            return Some(format!("a loopback cannot: {fault}"));
        }
        if scenario.resolve {
            return Some("a loopback has no link addresses".to_owned());
        }
    }
    for (line, action) in scenario.actions() {
        let why = match &action.action {
            Action::Network(act) => (way == Way::Loopback).then(|| format!("a loopback cannot {act}")),
            Action::Inject(..) => (way == Way::Loopback).then(|| "nobody forges segments on a loopback".to_owned()),
            Action::Report(..) => (way == Way::Loopback).then(|| "nobody forges ICMP errors on a loopback".to_owned()),
            Action::Netstat => (way == Way::Loopback).then(|| "both hosts share one kernel's table".to_owned()),
            Action::Call(Call::Crash) => (way == Way::Loopback).then(|| "both hosts share one kernel, which goes on".to_owned()),
            Action::Call(Call::Connect { to, .. }) if *to == action.host && way != Way::Loopback => {
                Some("what a host says to itself never comes to a link".to_owned())
            }
            Action::Call(call) if way.is_kernel(action.host) => call.beyond_sockets().map(str::to_owned),
            Action::Call(_) => None,
        };
        if let Some(why) = why {
            return Some(format!("line {line}: {why}"));
        }
    }
    if scenario.resolve {
        return Some("a kernel at the end of our cable neither asks nor answers for link addresses (IFF_NOARP)".to_owned());
    }
    let of = |host: HostId| scenario.hosts[usize::from(host.0)].cookie;
    let knows = [HostId(0), HostId(1)].into_iter().find(|host| of(*host).is_some())?;
    let server = HostId(1 - knows.0);
    if way.is_kernel(knows) {
        return Some(format!("{} would have to know a cookie before it begins", host_name(knows)));
    }
    // One that is lost on the way, or is no good anyway, may be any.
    let lost = scenario.actions().any(|(_, action)| matches!(&action.action, Action::Network(act) if act.to_string() == "lose SYN"));
    let must_be_good = of(knows) == Some(CookieAge::Valid) && way.is_kernel(server) && !lost;
    must_be_good.then(|| format!("the cookies of {}'s kernel are made with a key of its own", host_name(server)))
}

/// The scenario with those of its settings that can be told, and the others.
fn as_told(scenario: &Scenario, way: Way) -> Result<(Scenario, Vec<String>), String> {
    let mut told = scenario.clone();
    let mut without = Vec::new();
    for host in [HostId(0), HostId(1)] {
        let plan = &mut told.hosts[usize::from(host.0)];
        plan.profile = None;
        if !way.is_kernel(host) {
            continue;
        }
        let mut profile = Profile::linux();
        for (knob, value) in std::mem::take(&mut plan.knobs) {
            let mut changed = profile.clone();
            changed.set(&knob, &value).map_err(|error| error.to_string())?;
            let moved = as_kept_together(changed.clone());
            if !can_be_told(&knob, &moved) {
                without.push(format!("{}.{knob}={value}", host_name(host)));
                continue;
            }
            if moved.receive_memory_max != changed.receive_memory_max {
                plan.knobs.push(("receive-memory-max".to_owned(), moved.receive_memory_max.to_string()));
            }
            plan.knobs.push((knob, value));
            profile = moved;
        }
    }
    Ok((told, without))
}

/// Why nothing is learned about a scenario without those of its settings that no kernel can be told: other packets pass.
fn misses_the_point(scenario: &Scenario, told: &Scenario, without: &[String], overrides: &Overrides) -> Option<String> {
    if without.is_empty() {
        return None;
    }
    let settings = without.join(" ");
    let (Ok(meant), Ok(asked)) = (simulated(scenario, overrides), simulated(told, overrides)) else {
        return Some(format!("Linux has no word for {settings}"));
    };
    let differs = !compare(&meant, &asked).differences.is_empty();
    differs.then(|| format!("Linux has no word for {settings}, which is what it is about"))
}

/// What we say happens, if it is over within hours.
fn simulated(scenario: &Scenario, overrides: &Overrides) -> Result<Trace, String> {
    let setup = scenario.setup(overrides)?;
    play_until(scenario, Simulated::new(&setup), HORIZON).map(Simulated::into_trace).map_err(|error| error.to_string())
}

/// The scenario with its long waits shortened by the knobs they wait for, if it is long, and those knobs.
fn shortened(scenario: &Scenario, overrides: &Overrides) -> (Scenario, Vec<String>) {
    let length_of = |scenario: &Scenario| simulated(scenario, overrides).ok().map(|trace| length(&trace).0);
    let Some(long) = length_of(scenario).filter(|long| *long > LIMIT) else { return (scenario.clone(), Vec::new()) };
    let mut chosen: Vec<Shortening> = Shortening::ALL.to_vec();
    let with = |chosen: &[Shortening]| chosen.iter().fold(scenario.clone(), |scenario, one| one.of(&scenario, overrides));
    let Some(short) = length_of(&with(&chosen)).filter(|short| *short < long) else { return (scenario.clone(), Vec::new()) };
    // Only those that make a difference.
    for one in Shortening::ALL {
        let fewer: Vec<_> = chosen.iter().copied().filter(|other| *other != one).collect();
        if length_of(&with(&fewer)).is_some_and(|length| length <= short) {
            chosen = fewer;
        }
    }
    let shown = chosen.iter().map(|one| one.shown()).collect();
    (with(&chosen), shown)
}

/// One way to make a scenario shorter, for both sides alike.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Shortening {
    /// The knob of this row gets its short value.
    Knob(&'static str, &'static str),
    /// `TCP_USER_TIMEOUT` is shorter.
    UserTimeout,
}

impl Shortening {
    const ALL: [Self; 7] = [
        Self::Knob("fin-wait-2-timeout", "2s"),
        Self::Knob("keepalive-idle", "2s"),
        Self::Knob("keepalive-interval", "1s"),
        Self::Knob("syn-retries", "2"),
        Self::Knob("syn-linear-timeouts", "1"),
        Self::Knob("syn-ack-retries", "2"),
        Self::UserTimeout,
    ];

    fn shown(self) -> String {
        match self {
            Self::Knob(knob, value) => format!("{knob}={value}"),
            Self::UserTimeout => format!("user-timeout {}", humantime::format_duration(SHORT_USER_TIMEOUT)),
        }
    }

    /// The scenario with it.
    fn of(self, scenario: &Scenario, overrides: &Overrides) -> Scenario {
        let mut shorter = scenario.clone();
        match self {
            Self::Knob(knob, value) => {
                let known = scenario.profile_of(HostId(0), overrides).ok();
                let long = known.and_then(|profile| Knob::named(knob).map(|knob| knob.get(&profile)));
                for host in &mut shorter.hosts {
                    host.knobs.retain(|(name, _)| name != knob);
                    host.knobs.push((knob.to_owned(), value.to_owned()));
                }
                let parsed = |text: &str| humantime::parse_duration(text).ok();
                if let (Some(long), Some(short)) = (long.as_deref().and_then(parsed), parsed(value)) {
                    shorten_waits(&mut shorter, long, short);
                }
            }
            Self::UserTimeout => {
                for line in &mut shorter.lines {
                    if let LineKind::Action(action) = &mut line.what
                        && let Action::Call(Call::Set(SocketOption::UserTimeout(millis))) = &mut action.action
                        && Duration::from_millis(u64::from(*millis)) > SHORT_USER_TIMEOUT
                    {
                        *millis = u32::try_from(SHORT_USER_TIMEOUT.as_millis()).unwrap_or(*millis);
                    }
                }
            }
        }
        shorter
    }
}

/// A wait for a little more than `long` becomes one for a little more than `short`.
fn shorten_waits(scenario: &mut Scenario, long: Duration, short: Duration) {
    for line in &mut scenario.lines {
        let LineKind::Action(action) = &mut line.what else { continue };
        let (When::At(wait) | When::After(wait)) = &mut action.when else { continue };
        if *wait > long && *wait < long * 2 {
            let beyond = wait.saturating_sub(long);
            *wait = short + beyond.min(Duration::from_secs(1));
        }
    }
}

/// When the last thing happens that one would wait for, and the longest silence before it.
fn length(trace: &Trace) -> (Duration, Duration) {
    let mut last = Duration::ZERO;
    let mut silence = Duration::ZERO;
    for entry in &trace.entries {
        // TIME-WAIT lasts a minute in any kernel, and its end is waited for only where one is asked to.
        if matches!(entry.what, What::Timer(Timer::TimeWait) | What::Observation | What::Note(_)) {
            continue;
        }
        let at = Duration::from_nanos(entry.at.as_nanos());
        silence = silence.max(at.saturating_sub(last));
        last = last.max(at);
    }
    (last, silence)
}

/// The host of which a SYN bears an older timestamp than an earlier SYN of it, if there is one.
fn clock_goes_back(trace: &Trace) -> Option<HostId> {
    let of = |host: HostId| {
        let sent = trace.packets.iter().filter(move |packet| packet.from == Some(host));
        let syns = sent.filter_map(|packet| packet.segment().filter(|segment| segment.has(Flags::SYN)));
        syns.filter_map(|segment| segment.options.get_timestamps()).map(|ts| ts.val).collect::<Vec<_>>()
    };
    let older = |pair: &[u32]| pair[1].wrapping_sub(pair[0]).cast_signed() < 0;
    trace.host_ids().find(|host| of(*host).windows(2).any(older))
}

#[cfg(test)]
mod tests {
    use synfin::worlds::kernel::EQUIVALENTS;

    use super::*;

    fn load(name: &str) -> Scenario {
        Scenario::load(name).expect("in the catalogue")
    }

    #[test]
    fn what_is_shortened_is_what_the_kernel_can_be_told() {
        for one in Shortening::ALL {
            let Shortening::Knob(knob, value) = one else { continue };
            let row = EQUIVALENTS.iter().find(|row| row.knob == knob).expect("a row");
            assert_eq!(row.shortened, Some(value), "{knob}");
        }
    }

    #[test]
    fn a_wait_for_a_timer_is_shortened_with_its_timer() {
        let plan = plan(&load("keepalive-probe"), &Overrides::default(), Way::Loopback, false).expect("askable");
        assert_eq!(plan.shortened, ["keepalive-idle=2s"]);
        assert!(plan.length < Duration::from_secs(4), "{:?}", plan.length);
        assert_eq!(plan.profiles[0].keepalive_idle, Duration::from_secs(2));
    }

    #[test]
    fn hosts_that_are_set_differently_need_a_kernel_each() {
        let overrides = Overrides::default();
        let refused = plan(&load("ecn-negotiated"), &overrides, Way::Loopback, false).expect_err("one kernel");
        assert!(matches!(&refused, Refusal::NotAskable(why) if why.contains("share one kernel")), "{refused:?}");
        plan(&load("ecn-negotiated"), &overrides, Way::Veth, false).expect("a kernel each");
    }

    #[test]
    fn what_no_kernel_can_be_told_is_asked_of_the_engine() {
        let overrides = Overrides::default();
        let scenario = load("option-negotiation-declined");
        let veth = plan(&scenario, &overrides, Way::Veth, false).expect_err("a kernel sends the MSS");
        assert_eq!(veth, Refusal::NotAskable("Linux has no word for B.mss-option=off, which is what it is about".to_owned()));
        let engine = plan(&scenario, &overrides, Way::EngineB, false).expect("askable");
        assert!(engine.without.is_empty() && engine.profiles[0].receive_memory_max == 65_535 << 7);
    }

    #[test]
    fn calls_that_no_socket_makes_are_the_engines() {
        let scenario = load("close-in-syn-received");
        let overrides = Overrides::default();
        for way in [Way::Loopback, Way::Veth, Way::EngineA] {
            assert!(plan(&scenario, &overrides, way, false).is_err(), "{way}");
        }
        plan(&scenario, &overrides, Way::EngineB, false).expect("the engine has passive OPEN");
    }
}
