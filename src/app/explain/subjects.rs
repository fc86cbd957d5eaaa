//! What a word can be, and what is to be said of it; all of it read from the tables of the engine.

use synfin::Scenario;
use synfin::engine::profile::{KNOBS, Knob};
use synfin::engine::{Action, Event, Profile, RULES, Rule, Signal, State};
use synfin::requirements::{self, Requirement};
use synfin::sources::scenario::{Overrides, catalogue};
use synfin::trace::{HostId, Trace};
use synfin::worlds::kernel::equivalent;

use super::super::Failure;
use super::Explanation;

/// The control bits: name, what it means, where it is defined.
const FLAGS: [(&str, &str, &str); 9] = [
    ("AE", "Accurate ECN: with CWR and ECE a counter of marked packets.", "RFC 9768 section 3.1"),
    ("CWR", "Congestion window reduced: the sender has heeded ECE.", "RFC 3168 section 6.1"),
    ("ECE", "ECN echo: a packet arrived with a mark of congestion.", "RFC 3168 section 6.1"),
    ("URG", "The urgent pointer counts.", "RFC 9293 section 3.8.5"),
    ("ACK", "The acknowledgment number counts; in every segment but a first SYN and some RSTs.", "RFC 9293 section 3.1"),
    ("PSH", "Push: hand the text to the user without waiting for more.", "RFC 9293 section 3.9.1.2"),
    ("RST", "Reset the connection.", "RFC 9293 section 3.5.2"),
    ("SYN", "Synchronize sequence numbers: it takes one number, and so is acknowledged.", "RFC 9293 section 3.4"),
    ("FIN", "No more text from the sender: it takes one number, and so is acknowledged.", "RFC 9293 section 3.6"),
];

/// Every word that can be explained, for the hint.
pub(super) fn names() -> Vec<String> {
    let words = State::ALL.iter().map(|state| state.name()).chain(Event::ALL.iter().map(|event| event.name()));
    let words = words.chain(Signal::ALL.iter().map(|signal| signal.name())).chain(RULES.iter().map(|rule| rule.name));
    let words = words.chain(KNOBS.iter().map(|knob| knob.name)).chain(Profile::NAMES).chain(FLAGS.iter().map(|flag| flag.0));
    words.chain(catalogue::names()).map(str::to_owned).chain(requirements::all().map(|requirement| requirement.id)).collect()
}

/// What is to be said of a word; `None` if it is not known.
pub(super) fn explain(what: &str) -> Result<Option<Explanation>, Failure> {
    if let Some(state) = State::named(what) {
        return of_state(state).map(Some);
    }
    if let Some((from, to)) = what.split_once("->") {
        let (Some(from), Some(to)) = (State::named(from.trim()), State::named(to.trim())) else { return Ok(None) };
        return of_transition(from, to).map(Some);
    }
    if let Some(rule) = Rule::named(what) {
        return of_rule(rule).map(Some);
    }
    if catalogue::names().any(|name| name == what) {
        return of_scenario(what).map(Some);
    }
    let table = requirements::named(what).map(of_requirement);
    let knob = table.or_else(|| Knob::named(what).map(of_knob));
    let profile = knob.or_else(|| Profile::named(what).map(|profile| of_profile(&profile)));
    let event = profile.or_else(|| Event::named(what).map(of_event));
    let signal = event.or_else(|| Signal::named(what).map(of_signal));
    Ok(signal.or_else(|| FLAGS.into_iter().find(|flag| flag.0.eq_ignore_ascii_case(what)).map(of_flag)))
}

/// One row of the table in a sentence.
fn row(rule: &Rule) -> String {
    let guard = if rule.when == synfin::engine::Guard::Always { String::new() } else { format!(", if {}", rule.when) };
    let does: Vec<_> = rule.does.iter().map(|action| action.name()).collect();
    let does = if does.is_empty() { String::new() } else { format!(": {}", does.join(", ")) };
    format!("{} -> {} on {}{guard}{does} ({}; {})", rule.from, rule.to, rule.on, rule.name, section(rule.rfc))
}

fn section(rfc: &str) -> String {
    match rfc {
        "none" => "no RFC".to_owned(),
        rfc if rfc.starts_with("RFC") => rfc.to_owned(),
        section => format!("RFC 9293 section {section}"),
    }
}

/// The names of the scenarios of which something holds.
fn scenarios(holds: impl Fn(&Trace) -> bool) -> Result<Vec<String>, Failure> {
    let mut names = Vec::new();
    for name in catalogue::names() {
        let scenario = Scenario::load(name).map_err(Failure::request)?;
        if holds(&super::super::simulated(&scenario, &Overrides::default())?) {
            names.push(name.to_owned());
        }
    }
    Ok(if names.is_empty() { names } else { vec![names.join(", ")] })
}

fn rows(wanted: impl Fn(&Rule) -> bool) -> impl Iterator<Item = String> {
    RULES.iter().filter(move |rule| wanted(rule)).map(row)
}

fn of_state(state: State) -> Result<Explanation, Failure> {
    let shown = scenarios(|trace| [HostId(0), HostId(1)].into_iter().any(|host| trace.path(host).contains(&state)))?;
    let timers = RULES.iter().filter(|rule| rule.from == state && rule.on.name().starts_with("timeout")).map(|rule| rule.on);
    let mut timers: Vec<Event> = timers.collect();
    timers.dedup();
    Ok(Explanation::new("state", state.name(), state.about())
        .with("entered", rows(|rule| rule.to == state && rule.changes_state()))
        .with("left", rows(|rule| rule.from == state && rule.changes_state()))
        .with("timers", timers.into_iter().map(|event| format!("{event}: {}", event.about())))
        .with("shown by", shown))
}

fn of_transition(from: State, to: State) -> Result<Explanation, Failure> {
    let name = format!("{from}->{to}");
    let found: Vec<_> = rows(|rule| rule.from == from && rule.to == to).collect();
    if found.is_empty() {
        return Err(Failure::Request(format!("no event leads from {from} to {to}; synfin list transitions has those that exist")));
    }
    let shown = scenarios(|trace| trace.transitions().any(|step| (step.from, step.to) == (from, to)))?;
    let about = format!("From \"{}\" to \"{}\"", gist(from.about()), gist(to.about()));
    Ok(Explanation::new("transition", name, about).with("rows", found).with("shown by", shown))
}

fn of_rule(rule: &'static Rule) -> Result<Explanation, Failure> {
    let shown = scenarios(|trace| trace.entries.iter().flat_map(|entry| &entry.rules).any(|walked| walked.name == rule.name))?;
    let condition =
        if rule.when == synfin::engine::Guard::Always { String::new() } else { format!("{}: {}", rule.when, rule.when.about()) };
    Ok(Explanation::new("transition", rule.name, row(rule))
        .with("event", [format!("{}: {}", rule.on, rule.on.about())])
        .with("condition", [condition])
        .with("actions", rule.does.iter().map(|action| format!("{action}: {}", action.about())))
        .with("shown by", shown))
}

fn of_scenario(name: &str) -> Result<Explanation, Failure> {
    let scenario = Scenario::load(name).map_err(Failure::request)?;
    let trace = super::super::simulated(&scenario, &Overrides::default())?;
    let path = |host| trace.path(host).iter().map(|state| state.name()).collect::<Vec<_>>().join(" -> ");
    Ok(Explanation::new("scenario", name, format!("{}. {}", scenario.title, scenario.teaches))
        .with("source", [scenario.source.clone()])
        .with("states", [format!("A: {}", path(HostId(0))), format!("B: {}", path(HostId(1)))])
        .with("see", [format!("synfin simulate {name}")]))
}

fn of_requirement(requirement: Requirement) -> Explanation {
    let Requirement { id, level, rfc, section, summary, scope, notes, met, proved } = requirement;
    let met_title = if proved.is_empty() { "not met here" } else { "met at" };
    let places = |text: String| text.split("; ").map(|place| place.replace('`', "")).collect::<Vec<_>>();
    Explanation::new("requirement", id, format!("{level}, RFC {rfc} section {section}: {summary}."))
        .with("scope", [scope])
        .with("notes", [notes])
        .with(met_title, places(met))
        .with("tested by", places(proved))
}

fn of_knob(knob: &'static Knob) -> Explanation {
    let profiles = Profile::NAMES.iter().filter_map(|name| Profile::named(name));
    let values = profiles.map(|profile| {
        let source = knob.own_source(profile.name).unwrap_or("as rfc9293");
        format!("{:<8} {:<10} {source}", profile.name, knob.get(&profile))
    });
    let kernel = equivalent(knob.name).map(|row| row.name().to_owned());
    Explanation::new("knob", knob.name, knob.about.trim())
        .with("takes", [knob.expected.to_owned()])
        .with("values", values)
        .with("asked by", kernel)
}

fn of_profile(profile: &Profile) -> Explanation {
    let base = Profile::rfc9293();
    let differing = KNOBS.iter().filter(|knob| knob.get(profile) != knob.get(&base));
    let lines =
        differing.map(|knob| format!("{}={} (rfc9293: {}): {}", knob.name, knob.get(profile), knob.get(&base), knob.source(profile.name)));
    Explanation::new("profile", profile.name, profile.about()).with("differs from rfc9293 in", lines)
}

fn of_event(event: Event) -> Explanation {
    Explanation::new("event", event.name(), event.about()).with("answers", rows(|rule| rule.on == event))
}

fn of_signal(signal: Signal) -> Explanation {
    let told_by = match signal {
        Signal::Open => Action::TellOpen,
        Signal::Closing => Action::TellClosing,
        Signal::Reset => Action::TellReset,
        Signal::Refused => Action::TellRefused,
        Signal::Timeout => Action::TellTimeout,
        Signal::Closed => Action::TellClosed,
        Signal::Unreachable => Action::TellUnreachable,
        Signal::SoftError => Action::TellSoftError,
        // At R1.
        Signal::Unresponsive => Action::Retransmit,
        Signal::Urgent => Action::TellUrgent,
        Signal::CallsClosing => Action::FailCallsClosing,
        Signal::CallsReset => Action::FailCallsReset,
    };
    Explanation::new("signal", signal.name(), signal.about()).with("told by", rows(|rule| rule.does.contains(&told_by)))
}

fn of_flag((name, about, defined): (&'static str, &'static str, &'static str)) -> Explanation {
    let events = Event::ALL.iter().filter(|event| event.name().split('-').any(|word| word == name));
    Explanation::new("flag", name, about)
        .with("defined in", [defined.to_owned()])
        .with("events", events.map(|event| format!("{event}: {}", event.about())))
}

/// The first sentence, without its full stop.
fn gist(text: &str) -> &str {
    text.split_once(". ").map_or(text, |(first, _)| first).trim_end_matches('.')
}
