//! What came of a script, as every report tells it.

use std::time::Duration;

/// A script and what came of it.
#[derive(Clone, Debug)]
pub(super) struct Ran {
    /// Its path as it was given, or as found below a folder that was.
    pub(super) name: String,
    /// What came of it.
    pub(super) verdict: Verdict,
    /// How long it took by its own clock.
    pub(super) time: Duration,
    /// How many events of it were played.
    pub(super) events: usize,
}

/// What came of a script.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Verdict {
    /// All is as it says.
    Passed,
    /// Something is not; told in full, beginning with `FILE:LINE`.
    Failed(String),
    /// It asks for something that cannot be meant where it was to run; in words.
    Unsupported(String),
    /// It is no script, or cannot be read; told in full.
    Broken(String),
}

impl Verdict {
    /// In one word.
    pub(super) const fn word(&self) -> &'static str {
        match self {
            Self::Passed => "pass",
            Self::Failed(_) => "fail",
            Self::Unsupported(_) => "skip",
            Self::Broken(_) => "error",
        }
    }

    /// What there is to say of it besides.
    pub(super) fn detail(&self) -> Option<&str> {
        match self {
            Self::Passed => None,
            Self::Failed(detail) | Self::Unsupported(detail) | Self::Broken(detail) => Some(detail),
        }
    }
}

/// How many scripts came to what.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Totals {
    pub(super) passed: usize,
    pub(super) failed: usize,
    pub(super) unsupported: usize,
    pub(super) broken: usize,
    pub(super) time: Duration,
}

impl Totals {
    /// Counts them.
    pub(super) fn of(all: &[Ran]) -> Self {
        let mut totals = Self::default();
        for ran in all {
            totals.time += ran.time;
            *match ran.verdict {
                Verdict::Passed => &mut totals.passed,
                Verdict::Failed(_) => &mut totals.failed,
                Verdict::Unsupported(_) => &mut totals.unsupported,
                Verdict::Broken(_) => &mut totals.broken,
            } += 1;
        }
        totals
    }

    /// How many there were.
    pub(super) const fn all(&self) -> usize {
        self.passed + self.failed + self.unsupported + self.broken
    }
}
