//! When something is to happen, in microseconds since the script began.

use std::time::Duration;

use super::settings::Settings;
use super::stop::Stop;
use crate::engine::Instant;
use crate::sources::packetdrill::syntax::{Span, Time};

/// Microseconds since the script began.
pub(super) type Micros = u64;

/// The longest a script may last: a week. Who writes more means something else, and it would have to be waited for.
pub(super) const LONGEST: Micros = 7 * 24 * 3600 * 1_000_000;

pub(super) const fn micros(at: Instant) -> Micros {
    at.as_nanos() / 1000
}

pub(super) const fn instant(micros: Micros) -> Instant {
    Instant::from_nanos(micros.saturating_mul(1000))
}

/// A time as written, cut to microseconds.
pub(super) fn written(duration: Duration) -> Micros {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

/// When an event is to happen.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Moment {
    /// Then.
    At(Micros),
    /// At some time from the first to the second.
    Between(Micros, Micros),
    /// Whenever, from then on.
    From(Micros),
}

impl Moment {
    /// The moment that is written, where relative times begin at `base`.
    pub(super) fn of(time: Time, base: Micros, span: Span) -> Result<Self, Stop> {
        let behind = |duration| base.saturating_add(written(duration));
        let moment = match time {
            Time::Absolute(at) => Self::At(written(at)),
            Time::Relative(after) => Self::At(behind(after)),
            Time::Any => Self::From(base),
            Time::Range(from, to) => Self::Between(written(from), written(to)),
            Time::RelativeRange(from, to) => Self::Between(behind(from), behind(to)),
        };
        if moment.last() > LONGEST {
            return Err(Stop::error(span, "the script is to last longer than a week, which is all there is"));
        }
        Ok(moment)
    }

    /// The time it goes by for what follows.
    pub(super) const fn nominal(self) -> Micros {
        match self {
            Self::At(at) | Self::Between(at, _) | Self::From(at) => at,
        }
    }

    pub(super) const fn last(self) -> Micros {
        match self {
            Self::At(at) | Self::Between(_, at) | Self::From(at) => at,
        }
    }

    /// By how much it may be missed, where `before` is the event before.
    fn tolerance(self, before: Option<Micros>, settings: &Settings) -> Micros {
        let distance = before.map_or(0, |before| self.nominal().saturating_sub(before));
        written(settings.tolerance_after(Duration::from_micros(distance)))
    }

    /// Whether something that happened at `actual` happened then; if not, what was expected, in words.
    pub(super) fn check(self, actual: Micros, before: Option<Micros>, settings: &Settings) -> Result<(), String> {
        let tolerance = self.tolerance(before, settings);
        let (from, to) = match self {
            Self::From(_) => return Ok(()),
            Self::At(at) => (at, at),
            Self::Between(from, to) => (from, to),
        };
        if from.saturating_sub(tolerance) <= actual && actual <= to.saturating_add(tolerance) {
            return Ok(());
        }
        let when = if from == to { seconds(from) } else { format!("{}~{}", seconds(from), seconds(to)) };
        Err(format!("{when} s, give or take {}", seconds(tolerance)))
    }
}

/// Seconds with as many decimals as needed, at least three.
pub(super) fn seconds(micros: Micros) -> String {
    instant(micros).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_relative_time_begins_at_its_base() {
        let span = Span::default();
        let of = |time| Moment::of(time, 500, span).expect("short");
        assert_eq!(of(Time::Absolute(Duration::from_nanos(1_999))), Moment::At(1), "cut, not rounded");
        assert_eq!(of(Time::Relative(Duration::from_micros(7))), Moment::At(507));
        assert_eq!(of(Time::Any), Moment::From(500));
        assert_eq!(of(Time::RelativeRange(Duration::ZERO, Duration::from_micros(7))), Moment::Between(500, 507));
        assert!(Moment::of(Time::Absolute(Duration::from_hours(8 * 24)), 0, span).is_err());
        assert!(Moment::of(Time::Relative(Duration::MAX), 1, span).is_err());
    }

    #[test]
    fn a_moment_may_be_missed_by_the_tolerance_and_no_more() {
        let settings = Settings::default();
        let missed = |moment: Moment, actual, before| moment.check(actual, Some(before), &settings).is_err();
        // 4 ms, or 12.5 percent of the time since the event before.
        for (actual, wrong) in [(996_000, false), (995_999, true), (1_004_000, false), (1_004_001, true)] {
            assert_eq!(missed(Moment::At(1_000_000), actual, 999_000), wrong, "{actual}");
        }
        for (actual, wrong) in [(875_000, false), (874_999, true), (1_125_000, false), (1_125_001, true)] {
            assert_eq!(missed(Moment::At(1_000_000), actual, 0), wrong, "{actual}");
        }
        for (actual, wrong) in [(6_000, false), (5_999, true), (24_000, false), (24_001, true)] {
            assert_eq!(missed(Moment::Between(10_000, 20_000), actual, 9_000), wrong, "{actual}");
        }
        assert!(!missed(Moment::From(5), u64::MAX, 0));
    }
}
