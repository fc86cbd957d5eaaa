//! One line per script, what was wrong below it, and how many there were of each kind.

use std::fmt::Write as _;

use crate::app::run::outcome::{Ran, Totals, Verdict};

/// The line of a script, with what was wrong below it.
pub(in crate::app::run) fn line(ran: &Ran) -> String {
    let Ran { name, verdict, time, .. } = ran;
    let mut text = match verdict {
        Verdict::Passed | Verdict::Failed(_) => format!("{:<5} {name}  {:.3} s\n", verdict.word(), time.as_secs_f64()),
        Verdict::Unsupported(words) => format!("{:<5} {name}  unsupported: {words}\n", verdict.word()),
        Verdict::Broken(_) => format!("{:<5} {name}\n", verdict.word()),
    };
    if let Verdict::Failed(detail) | Verdict::Broken(detail) = verdict {
        for line in detail.lines() {
            let _ = writeln!(text, "{}", format!("      {line}").trim_end());
        }
    }
    text
}

/// How many scripts came to what, and how long they took by their own clocks.
pub(in crate::app::run) fn summary(totals: &Totals) -> String {
    let counts = [(totals.passed, "passed"), (totals.failed, "failed"), (totals.unsupported, "unsupported"), (totals.broken, "unreadable")];
    let counts: Vec<_> = counts.iter().filter(|(count, _)| *count > 0).map(|(count, word)| format!("{count} {word}")).collect();
    format!("{} of {} scripts, {:.1} s by their own clocks\n", counts.join(", "), totals.all(), totals.time.as_secs_f64())
}
