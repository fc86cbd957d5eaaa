//! No row of the transition table can be deleted or redirected without a test noticing.
//!
//! The checks of the grid, of the transitions, and of the catalogue (as it is, and under every other
//! profile) run once with the table as it is and say which rows they walked. Then each row is taken
//! out, and each is made to lead to every other state, in a table of its own that a profile puts in force; the
//! checks that had walked the row run again, and one of them must fail.

mod common {
    pub(crate) mod asides;
    pub(crate) mod csv;
    pub(crate) mod grid;
    pub(crate) mod transitions;
    pub(crate) mod walker;
}

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use synfin::engine::{Profile, RULES, Rule, State, Table};
use synfin::ladder::rungs;
use synfin::sinks::diff::compare;
use synfin::sinks::ladder::{Style, render};
use synfin::sources::scenario::{Overrides, Scenario, catalogue, play};
use synfin::trace::Trace;
use synfin::worlds::simulated::Simulated;

/// Something that is true of the table as it is.
struct Check {
    name: String,
    run: Box<dyn Fn(&'static Table) -> Result<Vec<&'static str>, String>>,
}

impl Check {
    fn new(name: &str, run: impl Fn(&'static Table) -> Result<Vec<&'static str>, String> + 'static) -> Self {
        Self { name: name.to_owned(), run: Box::new(run) }
    }

    /// Whether it holds; a panic is a failure as good as any.
    fn holds(&self, table: &'static Table) -> bool {
        catch_unwind(AssertUnwindSafe(|| (self.run)(table))).is_ok_and(|result| result.is_ok())
    }
}

fn in_force(table: &'static Table) -> Profile {
    Profile { table, ..Profile::rfc9293() }
}

fn simulate(scenario: &Scenario, profile: Option<&str>, table: &'static Table) -> Result<Trace, String> {
    let overrides = Overrides { profile: profile.map(str::to_owned), own_settings: profile.is_none(), ..Overrides::default() };
    let mut setup = scenario.setup(&overrides)?;
    for host in &mut setup.hosts {
        Arc::make_mut(&mut host.profile).table = table;
    }
    play(scenario, Simulated::new(&setup)).map_err(|error| error.to_string())
}

fn walked(trace: &Trace) -> Vec<&'static str> {
    trace.entries.iter().flat_map(|entry| entry.rules.iter().map(|rule| rule.name)).collect()
}

fn checks() -> Vec<Check> {
    let mut checks = Vec::new();
    for cell in common::grid::cells() {
        let name = format!("grid {}", cell.id);
        checks.push(Check::new(&name, move |table| cell.check(&in_force(table))));
    }
    for row in common::transitions::rows() {
        let name = format!("transition {}", row.id);
        checks.push(Check::new(&name, move |table| row.check(&in_force(table))));
    }
    for aside in common::asides::asides() {
        let name = format!("aside {}", aside.row);
        checks.push(Check::new(&name, move |table| aside.check(&in_force(table))));
    }
    for name in catalogue::names() {
        let scenario = Scenario::load(name).unwrap_or_else(|error| panic!("{error}"));
        checks.push(Check::new(&format!("scenario {name}"), move |table| {
            let trace = simulate(&scenario, None, table)?;
            let expected: Vec<_> = scenario.expectation().collect();
            match compare(&expected, &rungs(&trace, true)) {
                None => Ok(walked(&trace)),
                Some(mismatch) => Err(mismatch.to_string()),
            }
        }));
        for profile in Profile::NAMES.iter().skip(1) {
            let scenario = Scenario::load(name).unwrap_or_else(|error| panic!("{error}"));
            // The ladders of other profiles are reviewed as snapshots; here the table as it is stands for those.
            let Ok(usual) = simulate(&scenario, Some(profile), &synfin::engine::TABLE) else { continue };
            let usual = (render(&usual, Style { options: true, bare: false }), walked(&usual));
            checks.push(Check::new(&format!("scenario {name} under {profile}"), move |table| {
                let trace = simulate(&scenario, Some(profile), table)?;
                // Captures and JSON name the rows, so they count like what the ladder draws.
                let seen = (render(&trace, Style { options: true, bare: false }), walked(&trace));
                if seen == usual { Ok(seen.1) } else { Err("another ladder".to_owned()) }
            }));
        }
    }
    checks
}

/// The table with one row changed, or gone if it is `None`. Tables live for ever: a connection names its rows.
fn with(changed: &'static str, row: Option<Rule>) -> &'static Table {
    let rows: Vec<Rule> = RULES.iter().filter_map(|rule| if rule.name == changed { row } else { Some(*rule) }).collect();
    Box::leak(Box::new(Table::new(Vec::leak(rows))))
}

#[test]
fn what_the_tables_leave_out_is_walked_as_well() {
    let wrong: Vec<_> = common::asides::asides().iter().filter_map(|aside| aside.check(&Profile::rfc9293()).err()).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn no_row_can_be_deleted_or_redirected_unnoticed() {
    let checks = checks();
    let mut of_row: BTreeMap<&str, Vec<&Check>> = BTreeMap::new();
    for check in &checks {
        // Rows still to come have failing checks, which the grid's own test names.
        let Ok(mut rows) = (check.run)(&synfin::engine::TABLE) else { continue };
        rows.sort_unstable();
        rows.dedup();
        for row in rows {
            of_row.entry(row).or_default().push(check);
        }
    }
    // A broken table makes engine and checks panic; that is an answer, and not worth a page each.
    std::panic::set_hook(Box::new(|_| ()));
    let mut unnoticed = Vec::new();
    for rule in RULES {
        let Some(checks) = of_row.get(rule.name) else {
            unnoticed.push(format!("{}: no check walks it", rule.name));
            continue;
        };
        let fails = |table: &'static Table| checks.iter().any(|check| !check.holds(table));
        if !fails(with(rule.name, None)) {
            unnoticed.push(format!("{}: nobody misses it ({})", rule.name, named(checks)));
        }
        for &to in State::ALL.iter().filter(|state| **state != rule.to) {
            if !fails(with(rule.name, Some(Rule { to, ..*rule }))) {
                unnoticed.push(format!("{}: nobody minds that it leads to {to} ({})", rule.name, named(checks)));
            }
        }
    }
    let _ = std::panic::take_hook();
    assert!(unnoticed.is_empty(), "{} changes go unnoticed:\n{}", unnoticed.len(), unnoticed.join("\n"));
}

fn named(checks: &[&Check]) -> String {
    let mut names: Vec<_> = checks.iter().take(4).map(|check| check.name.as_str()).collect();
    if checks.len() > names.len() {
        names.push("...");
    }
    names.join(", ")
}
