//! The proof that a script passes: it is played on the simulated host.

use super::super::play::{Context, Report, Verdict, play, settings};
use super::super::{RunsWith, parse};
use crate::engine::Profile;
use crate::worlds::stack::Virtual;

/// Why a script does not pass.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Unproven {
    /// It cannot be read, or what it runs with does not exist.
    #[error("{0}")]
    Broken(String),
    /// What happens is something else.
    #[error("{0}")]
    Failed(String),
}

/// Which ISSs the host chooses does not matter: scripts count from them.
const SEED: u64 = 1;

/// Plays a script, with what its first line says it runs with, and `otherwise` where it says no profile.
///
/// # Errors
/// [`Unproven`], in words that begin with `NAME:LINE`.
pub fn prove(name: &str, text: &str, otherwise: &str) -> Result<Report, Unproven> {
    let runs_with = RunsWith::of(name, text).map_err(|error| Unproven::Broken(error.to_string()))?.unwrap_or_default();
    let profile = runs_with.profile(otherwise).map_err(Unproven::Broken)?;
    let freebsd = profile.name == Profile::freebsd().name;
    let system = (if freebsd { "FreeBSD" } else { "Linux" }.to_owned(), String::new());
    let script = parse(name, text, &[system]).map_err(|error| Unproven::Broken(error.to_string()))?;
    let context = Context { name, text, freebsd, ..Context::default() };
    let settings = settings(&script, &context).map_err(|verdict| Unproven::Broken(told(&verdict)))?;
    let host = settings.sockets(profile, SEED);
    let report = play(&script, &context, &mut Virtual::new(host));
    match &report.verdict {
        Verdict::Passed => Ok(report),
        verdict => Err(Unproven::Failed(told(verdict))),
    }
}

fn told(verdict: &Verdict) -> String {
    match verdict {
        Verdict::Passed => String::new(),
        Verdict::Failed(mismatch) => mismatch.to_string(),
        Verdict::Unsupported(trouble) => format!("unsupported: {trouble}"),
        Verdict::Error(trouble) => trouble.to_string(),
    }
}
