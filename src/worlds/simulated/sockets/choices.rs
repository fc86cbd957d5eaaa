//! What the process has chosen by `setsockopt`, socket by socket.

use std::collections::BTreeMap;
use std::time::Duration;

use super::constants::System;
use super::options::rows::{Row, Setting};
use crate::engine::Profile;

/// The options of one socket; an accepted one has those of its listener.
#[derive(Clone, Debug, Default)]
pub(super) struct Choices {
    /// Whole numbers by the option's name.
    numbers: BTreeMap<&'static str, i64>,
    /// `SO_LINGER`: whether it is on, and the seconds.
    pub linger: (bool, i32),
    /// `SO_RCVTIMEO`.
    pub receive_timeout: Option<Duration>,
    /// `SO_SNDTIMEO`.
    pub send_timeout: Option<Duration>,
    /// `TCP_CONGESTION`, if it was set.
    pub congestion: Option<String>,
}

impl Choices {
    /// The number that was set, or else the system's own.
    pub(super) fn number(&self, row: &Row, profile: &Profile) -> i64 {
        self.numbers.get(row.name).copied().unwrap_or_else(|| (row.usual)(profile))
    }

    /// The number, if it was set.
    pub(super) fn set_number(&self, name: &str) -> Option<i64> {
        self.numbers.get(name).copied()
    }

    /// Whether a switch is on; all are off at first.
    pub(super) fn is_on(&self, name: &str) -> bool {
        self.numbers.get(name).is_some_and(|value| *value != 0)
    }

    pub(super) fn keep(&mut self, name: &'static str, value: i64) {
        self.numbers.insert(name, value);
    }

    /// As if it had never been set.
    pub(super) fn forget(&mut self, name: &str) {
        self.numbers.remove(name);
    }

    /// Every number that was set.
    pub(super) fn numbers(&self) -> impl Iterator<Item = (&'static str, i64)> + '_ {
        self.numbers.iter().map(|(name, value)| (*name, *value))
    }
}

/// What `getsockopt` shows of a number: FreeBSD shows a switch as the bit it keeps it in.
pub(super) fn shown(row: &Row, value: i64, system: System) -> i64 {
    match (row.setting, system) {
        (Setting::Switch, System::FreeBsd) if value != 0 => i64::from(row.bit),
        _ => value,
    }
}
