//! What came of scripts: as text for a person, and in the forms that test runners read.

mod json;
mod junit;
mod tap;
#[cfg(test)]
mod tests;
mod text;

pub(super) use json::json;
pub(super) use junit::junit;
pub(super) use tap::{Tap, tap};
pub(super) use text::{line, summary};
