//! `synfin step`: a scenario at a prompt, forwards and backwards.
//!
//! Here: reading lines and writing screens. `model` says what a command changes, `view` what is
//! shown; neither knows of a terminal.

mod model;
#[cfg(test)]
mod tests;
mod view;

use std::io::{self, BufRead, IsTerminal as _, Read as _, Write as _};

use synfin::Scenario;

use super::args::Step;
use super::{Failure, Verdict, output};
use model::{Command, Model, update};
use view::draw;

/// Longest line that is read as one command, octets.
const MAX_LINE: u64 = 1024;

pub(crate) fn run(arguments: &Step) -> Result<Verdict, Failure> {
    let overrides = arguments.settings.overrides().map_err(Failure::Request)?;
    let scenario = Scenario::load(&arguments.scenario).map_err(Failure::request)?;
    let trace = scenario.simulate(&overrides).map_err(|error| Failure::Request(format!("{}: {error}", scenario.name)))?;
    let mut model = Model::new(&scenario, trace);
    let mut input = io::stdin().lock();
    // A prompt is for somebody who types and looks; elsewhere it would only be noise between results.
    let prompt = input.is_terminal() && io::stderr().is_terminal();
    output::print(&draw(&model))?;
    loop {
        if prompt {
            let _ = write!(io::stderr(), "step> ");
        }
        let Some(line) = read_line(&mut input)? else {
            if prompt {
                // The shell's prompt belongs on a line of its own.
                let _ = writeln!(io::stderr());
            }
            break;
        };
        match Command::parse(&line) {
            Ok(Command::Quit) => break,
            Ok(command) => {
                model = update(model, command);
                output::print(&format!("\n{}", draw(&model)))?;
            }
            // Not a result, so not on stdout; and no reason to lose one's place.
            Err(mistake) => {
                let _ = writeln!(io::stderr(), "synfin: {mistake}");
            }
        }
    }
    Ok(Verdict::Yes)
}

/// The next line without its end, or `None` at the end of input.
fn read_line(input: &mut impl BufRead) -> Result<Option<String>, Failure> {
    let mut line = Vec::new();
    let read = input.take(MAX_LINE).read_until(b'\n', &mut line);
    let octets = read.map_err(|error| Failure::Request(format!("cannot read stdin: {error}")))?;
    Ok((octets > 0).then(|| String::from_utf8_lossy(&line).trim().to_owned()))
}
