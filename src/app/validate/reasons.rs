//! Differences that are known, and why they are there. Each shows up in the output by its name.

use synfin::sinks::agreement::{Difference, Kind};

use super::plan::{Plan, Way};

/// A difference that is known.
#[derive(Debug)]
pub(super) struct Reason {
    /// What it is called.
    pub(super) name: &'static str,
    /// The ways in which it shows up.
    ways: &'static [Way],
    /// The scenarios in which it shows up.
    scenarios: &'static [&'static str],
    /// The kinds of difference it makes.
    kinds: &'static [Kind],
    /// Why it is there, and which fact says so.
    pub(super) why: &'static str,
}

/// All of them; one that no scenario needs fails a test.
pub(super) static REASONS: &[Reason] = &[];

/// The reason for this difference, if it has one.
pub(super) fn reason_for(plan: &Plan, difference: &Difference) -> Option<&'static Reason> {
    REASONS.iter().find(|reason| {
        reason.ways.contains(&plan.way)
            && reason.scenarios.contains(&plan.scenario.name.as_str())
            && reason.kinds.contains(&difference.kind)
    })
}
