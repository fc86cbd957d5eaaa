//! `synfin list`: what there is.

use std::fmt::Write as _;

use synfin::engine::profile::KNOBS;
use synfin::engine::{Profile, RULES, State};
use synfin::sources::scenario::{Scenario, catalogue};

use super::args::{List, Listing};
use super::{Failure, Verdict, output};

pub(crate) fn run(arguments: &List) -> Result<Verdict, Failure> {
    let text = match arguments.what {
        Listing::Scenarios => scenarios()?,
        Listing::States => lines(State::ALL.iter().map(ToString::to_string)),
        Listing::Transitions => transitions(),
        Listing::Profiles => profiles(),
        Listing::Knobs => knobs(),
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
    let about = |name: &str| match name {
        "linux" => "Linux as measured on 6.18 with default sysctls",
        _ => "the RFC's own words; this project's choice where they leave room",
    };
    lines(Profile::NAMES.iter().map(|name| format!("{name:<8}  {}", about(name))))
}

fn lines(lines: impl Iterator<Item = String>) -> String {
    lines.fold(String::new(), |text, line| text + &line + "\n")
}

fn knobs() -> String {
    let (rfc, linux) = (Profile::rfc9293(), Profile::linux());
    let mut text = format!("{:<22} {:<10} {:<10} about\n", "knob", "rfc9293", "linux");
    for knob in KNOBS {
        let _ = writeln!(text, "{:<22} {:<10} {:<10}{}", knob.name, knob.get(&rfc), knob.get(&linux), knob.about);
        let _ = writeln!(text, "{:<22} rfc9293: {}", "", knob.rfc_source);
        let _ = writeln!(text, "{:<22} linux:   {}", "", knob.linux_source);
    }
    text
}
