//! Tests that this machine cannot run.

use std::io::Write as _;

/// Says so past the harness, which hides what a passing test prints; fails where nothing may be left out.
pub(crate) fn leave_out(name: &str, reason: &str) {
    let _ = writeln!(std::io::stderr(), "left out: {name}: {reason}");
    assert!(std::env::var("SYNFIN_ORACLES").as_deref() != Ok("require"), "left out: {name}: {reason}");
}
