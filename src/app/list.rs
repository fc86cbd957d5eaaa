//! `synfin list`: what there is.

use std::fmt::Write as _;

use synfin::engine::profile::KNOBS;
use synfin::engine::{Profile, RULES, State};
use synfin::requirements;
use synfin::sources::scenario::{Scenario, catalogue};
use synfin::worlds::kernel::equivalent;

use super::args::{List, Listing};
use super::{Failure, Verdict, output};

pub(crate) fn run(arguments: &List) -> Result<Verdict, Failure> {
    let text = match arguments.what {
        Listing::Scenarios => scenarios()?,
        Listing::States => lines(State::ALL.iter().map(ToString::to_string)),
        Listing::Transitions => transitions(),
        Listing::Profiles => profiles(),
        Listing::Knobs => knobs(),
        Listing::Requirements => lines(
            requirements::all().map(|of| format!("{:<12} {:<10} RFC {:<5} {:<9} {}", of.id, of.level, of.rfc, of.section, of.summary)),
        ),
    };
    output::print(&text)?;
    Ok(Verdict::Yes)
}

fn scenarios() -> Result<String, Failure> {
    let width = catalogue::names().map(str::len).max().unwrap_or(0);
    let mut text = String::new();
    for name in catalogue::names() {
        let scenario = Scenario::load(name).map_err(Failure::request)?;
        let _ = writeln!(text, "{name:width$}  {}", scenario.title);
    }
    Ok(text)
}

fn transitions() -> String {
    let mut text = String::new();
    for rule in RULES.iter().filter(|rule| rule.changes_state()) {
        let _ = writeln!(text, "{:<12} -> {:<12}  {:<32} {}", rule.from, rule.to, rule.name, rule.rfc);
    }
    text
}

fn profiles() -> String {
    lines(known_profiles().map(|profile| format!("{:<8}  {}", profile.name, profile.about())))
}

fn known_profiles() -> impl Iterator<Item = Profile> {
    Profile::NAMES.iter().filter_map(|name| Profile::named(name))
}

fn lines(lines: impl Iterator<Item = String>) -> String {
    lines.fold(String::new(), |text, line| text + &line + "\n")
}

fn knobs() -> String {
    let mut text = String::new();
    for knob in KNOBS {
        let _ = writeln!(text, "{:<22} {}", knob.name, knob.about.trim());
        for profile in known_profiles() {
            let source = knob.own_source(profile.name).unwrap_or("as rfc9293");
            let _ = writeln!(text, "    {:<9} {:<10} {source}", profile.name, knob.get(&profile));
        }
        if let Some(row) = equivalent(knob.name) {
            let _ = writeln!(text, "    {:<9} {}", "asked by", row.name());
        }
    }
    text
}
