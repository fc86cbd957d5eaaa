//! The Test Anything Protocol, and the kernel's dialect of it (KTAP).

use std::fmt::Write as _;

use crate::app::run::outcome::{Ran, Totals, Verdict};

/// Which dialect.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::app::run) enum Tap {
    /// TAP version 13.
    Tap,
    /// KTAP version 1, as the kernel's selftests speak it.
    Ktap,
}

/// The plan, a line per script with its diagnosis, and in KTAP the totals.
pub(in crate::app::run) fn tap(dialect: Tap, all: &[Ran]) -> String {
    let version = match dialect {
        Tap::Tap => "TAP version 13",
        Tap::Ktap => "KTAP version 1",
    };
    let mut text = format!("{version}\n1..{}\n", all.len());
    for (ran, number) in all.iter().zip(1..) {
        let good = matches!(ran.verdict, Verdict::Passed | Verdict::Unsupported(_));
        // A line is a test: what breaks lines in a name is spelled.
        let name = ran.name.replace('#', "\\#").replace('\n', "\\n").replace('\r', "\\r");
        // KTAP has its numbers before names without a dash in the kernel's own runners; both readers take this one.
        let _ = write!(text, "{} {number} {}{name}", if good { "ok" } else { "not ok" }, if dialect == Tap::Tap { "- " } else { "" });
        match &ran.verdict {
            Verdict::Passed => text.push('\n'),
            Verdict::Unsupported(words) => {
                let _ = writeln!(text, " # SKIP unsupported: {}", words.replace('\n', " "));
            }
            Verdict::Failed(detail) | Verdict::Broken(detail) => {
                text.push('\n');
                for line in detail.lines() {
                    let _ = writeln!(text, "{}", format!("# {line}").trim_end());
                }
            }
        }
    }
    if dialect == Tap::Ktap {
        let Totals { passed, failed, unsupported, broken, .. } = Totals::of(all);
        let _ = writeln!(text, "# Totals: pass:{passed} fail:{failed} xfail:0 xpass:0 skip:{unsupported} error:{broken}");
    }
    text
}
