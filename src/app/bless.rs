//! `simulate --bless`: the ladder in a scenario's file becomes what happened.

use std::path::Path;

use synfin::sinks::bless::{LineIs, blessed};
use synfin::sources::scenario::{LineKind, Scenario, catalogue};
use synfin::trace::Trace;

use super::{Failure, Verdict, output};

/// Rewrites the file `path` of `scenario`.
pub(crate) fn run(path: &Path, scenario: &Scenario, trace: &Trace) -> Result<Verdict, Failure> {
    // A name of the catalogue was read from there, whatever file has the same name.
    let built_in = path.to_str().is_some_and(|name| catalogue::text(name).is_some());
    if built_in || !path.is_file() {
        let why = if built_in { "it is built in" } else { "it is no file" };
        return Err(Failure::Request(format!("cannot bless {}: {why}; give the path of a scenario file", path.display())));
    }
    let body = scenario.lines.iter().map(|line| match line.what {
        LineKind::Action(_) => (line.number, LineIs::Action),
        LineKind::Rung(_) => (line.number, LineIs::Row),
    });
    let text = blessed(&scenario.text, &body.collect::<Vec<_>>(), trace, scenario.show_options);
    if text != scenario.text {
        output::to_file(path, |out| out.write_all(text.as_bytes()))?;
    }
    Ok(Verdict::Yes)
}
