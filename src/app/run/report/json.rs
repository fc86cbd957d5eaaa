//! One document with every script.

use serde::Serialize;

use crate::app::run::outcome::{Ran, Totals};

/// Changes when a field changes its meaning or goes away.
const SCHEMA_VERSION: u32 = 1;

#[derive(Serialize)]
struct Document<'a> {
    schema_version: u32,
    tool: &'static str,
    place: &'a str,
    scripts: Vec<Script<'a>>,
    passed: usize,
    failed: usize,
    unsupported: usize,
    unreadable: usize,
    seconds: f64,
}

#[derive(Serialize)]
struct Script<'a> {
    name: &'a str,
    verdict: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<&'a str>,
    events: usize,
    seconds: f64,
}

/// The document; `place` is where the scripts ran, `sim` or `kernel`.
pub(in crate::app::run) fn json(place: &str, all: &[Ran]) -> serde_json::Result<String> {
    let totals = Totals::of(all);
    let scripts = all.iter().map(|ran| Script {
        name: &ran.name,
        verdict: ran.verdict.word(),
        detail: ran.verdict.detail(),
        events: ran.events,
        seconds: ran.time.as_secs_f64(),
    });
    let document = Document {
        schema_version: SCHEMA_VERSION,
        tool: concat!("synfin ", env!("CARGO_PKG_VERSION")),
        place,
        scripts: scripts.collect(),
        passed: totals.passed,
        failed: totals.failed,
        unsupported: totals.unsupported,
        unreadable: totals.broken,
        seconds: totals.time.as_secs_f64(),
    };
    serde_json::to_string_pretty(&document).map(|text| text + "\n")
}
