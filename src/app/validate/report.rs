//! What came of asking: as text for a person, as JSON for a program.

use std::fmt::Write as _;

use serde::Serialize;
use synfin::sinks::agreement::{Agreement, Shown};
use synfin::trace::{Trace, What};

use super::Item;
use super::ask::{Asked, Outcome};
use super::plan::{Plan, Refusal};

/// Columns of the text.
const WIDTH: usize = 80;

/// Changes when a field changes its meaning or goes away.
const SCHEMA_VERSION: u32 = 1;

/// The names of the reasons for the differences of a scenario, each once.
fn reasons_of(asked: &Asked) -> Vec<&'static str> {
    let mut names: Vec<_> = asked.reasons.iter().flatten().map(|reason| reason.name).collect();
    names.dedup();
    names.sort_unstable();
    names.dedup();
    names
}

/// The outcome in one or two words.
fn word(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Asked(asked) if asked.agreement.differences.is_empty() => "equal",
        Outcome::Asked(_) if outcome.is_different() => "different",
        Outcome::Asked(_) => "equal but for",
        Outcome::NotAsked(Refusal::NotAskable(_)) => "not askable",
        Outcome::NotAsked(Refusal::Slow(_)) => "slow",
        Outcome::Failed(_) => "failed",
    }
}

/// Why it is not asked, or what went wrong.
fn why(outcome: &Outcome) -> Option<String> {
    match outcome {
        Outcome::NotAsked(Refusal::NotAskable(why)) | Outcome::Failed(why) => Some(why.clone()),
        Outcome::NotAsked(Refusal::Slow(length)) => Some(format!("takes {} s; --slow asks it", length.as_secs())),
        Outcome::Asked(_) => None,
    }
}

/// Every scenario with its outcome, and what differs.
pub(super) fn text(items: &[Item], outcomes: &[Outcome], verbose: bool) -> String {
    let mut text = String::new();
    let width = items.iter().map(|item| item.scenario.name.len()).max().unwrap_or(0);
    for (item, outcome) in items.iter().zip(outcomes) {
        one(item, outcome, width, verbose, &mut text);
    }
    if items.len() > 1 {
        summary(outcomes, &mut text);
    }
    text
}

fn one(item: &Item, outcome: &Outcome, width: usize, verbose: bool, text: &mut String) {
    let name = &item.scenario.name;
    let way = item.plan.as_ref().map_or("-", |plan| plan.way.name());
    let _ = write!(text, "{name:<width$}  {way:<8}  {}", word(outcome));
    if let Outcome::Asked(asked) = outcome {
        let reasons = reasons_of(asked);
        if !reasons.is_empty() {
            let _ = write!(text, "{} {}", if outcome.is_different() { ", but for" } else { "" }, reasons.join(", "));
        }
    }
    text.push('\n');
    if let Some(why) = why(outcome) {
        indented(text, &why);
    }
    if let (Ok(plan), Outcome::Asked(asked)) = (&item.plan, outcome) {
        details(plan, asked, verbose || outcome.is_different(), verbose, text);
    }
}

fn details(plan: &Plan, asked: &Asked, packets: bool, verbose: bool, text: &mut String) {
    if verbose {
        let Agreement { packets, calls, states, .. } = asked.agreement;
        let times = if asked.attempt == 1 { String::new() } else { format!(", asked {} times", asked.attempt) };
        let seconds = asked.took.as_secs_f64();
        indented(text, &format!("{packets} packets, {calls} calls, {states} states, {seconds:.1} s{times}"));
    }
    for (difference, reason) in asked.agreement.differences.iter().zip(&asked.reasons) {
        match reason {
            None => indented(text, &difference.to_string()),
            Some(reason) if verbose => {
                indented(text, &difference.to_string());
                indented(text, &format!("  {}: {}", reason.name, reason.why));
            }
            Some(_) => {}
        }
    }
    if let Some(hint) = &asked.hint {
        indented(text, &format!("of these differences, {hint}"));
    }
    if !plan.without.is_empty() {
        indented(text, &format!("asked without {}", plan.without.join(" ")));
    }
    if !plan.shortened.is_empty() {
        indented(text, &format!("asked with {}", plan.shortened.join(" ")));
    }
    if packets {
        let _ = writeln!(text, "    ours:\n{}    theirs:\n{}", packets_of(&asked.ours), packets_of(&asked.theirs));
    }
}

/// A remark below a scenario, wrapped.
fn indented(text: &mut String, remark: &str) {
    let mut line = String::from("   ");
    for word in remark.split(' ') {
        if line.len() + 1 + word.len() > WIDTH && !line.trim().is_empty() {
            let _ = writeln!(text, "{}", line.trim_end());
            line = String::from("     ");
        }
        line.push(' ');
        line.push_str(word);
    }
    let _ = writeln!(text, "{}", line.trim_end());
}

/// How many there are of each outcome.
fn summary(outcomes: &[Outcome], text: &mut String) {
    let words = ["equal", "equal but for", "different", "slow", "not askable", "failed"];
    let counts = words.iter().filter_map(|wanted| {
        let count = outcomes.iter().filter(|outcome| word(outcome) == *wanted).count();
        let shown = if *wanted == "equal but for" { "equal but for named reasons" } else { wanted };
        (count > 0).then(|| format!("{count} {shown}"))
    });
    let _ = writeln!(text, "\n{}", counts.collect::<Vec<_>>().join(", "));
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

#[derive(Serialize)]
struct Document<'a> {
    schema_version: u32,
    tool: &'static str,
    kernel: String,
    scenarios: Vec<Row<'a>>,
}

#[derive(Serialize)]
struct Row<'a> {
    name: &'a str,
    way: Option<&'static str>,
    outcome: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<String>,
    reasons: Vec<&'static str>,
    without: &'a [String],
    shortened: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<&'a str>,
    differences: Vec<Differs<'a>>,
    #[serde(flatten)]
    counts: Option<Counts>,
}

#[derive(Serialize)]
struct Counts {
    packets: usize,
    calls: usize,
    states: usize,
    attempts: usize,
    seconds: f64,
}

#[derive(Serialize)]
struct Differs<'a> {
    place: &'a str,
    kind: &'static str,
    ours: &'a str,
    theirs: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<Named>,
}

#[derive(Serialize)]
struct Named {
    name: &'static str,
    why: &'static str,
}

/// The same as one JSON document.
pub(super) fn json(items: &[Item], outcomes: &[Outcome]) -> String {
    let kernel = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default().trim().to_owned();
    let scenarios = items.iter().zip(outcomes).map(|(item, outcome)| row(item, outcome)).collect();
    let document = Document { schema_version: SCHEMA_VERSION, tool: concat!("synfin ", env!("CARGO_PKG_VERSION")), kernel, scenarios };
    serde_json::to_string_pretty(&document).map_or_else(|error| format!("{{\"error\":\"{error}\"}}\n"), |text| text + "\n")
}

fn row<'a>(item: &'a Item, outcome: &'a Outcome) -> Row<'a> {
    let plan = item.plan.as_deref().ok();
    let asked = match outcome {
        Outcome::Asked(asked) => Some(asked.as_ref()),
        Outcome::NotAsked(_) | Outcome::Failed(_) => None,
    };
    let differs = |asked: &'a Asked| {
        asked.agreement.differences.iter().zip(&asked.reasons).map(|(difference, reason)| Differs {
            place: &difference.place,
            kind: difference.kind.name(),
            ours: &difference.ours,
            theirs: &difference.theirs,
            reason: reason.map(|reason| Named { name: reason.name, why: reason.why }),
        })
    };
    Row {
        name: &item.scenario.name,
        way: plan.map(|plan| plan.way.name()),
        outcome: word(outcome),
        why: why(outcome),
        reasons: asked.map(reasons_of).unwrap_or_default(),
        without: plan.map_or(&[], |plan| &plan.without),
        shortened: plan.map_or(&[], |plan| &plan.shortened),
        hint: asked.and_then(|asked| asked.hint.as_deref()),
        differences: asked.into_iter().flat_map(differs).collect(),
        counts: asked.map(|asked| Counts {
            packets: asked.agreement.packets,
            calls: asked.agreement.calls,
            states: asked.agreement.states,
            attempts: asked.attempt,
            seconds: asked.took.as_secs_f64(),
        }),
    }
}
