//! `simulate --bless`: the ladder in a scenario's file becomes what happened.
//!
//! Action lines, settings and comments stay as they are. Rows go where rows were: between the same
//! actions, so that blessing never changes when an action begins; what happens after the last
//! block of rows is appended to it.

use std::path::Path;

use synfin::ladder::{Step, steps};
use synfin::sinks::ladder::lines;
use synfin::sources::scenario::{LineKind, Scenario, catalogue};
use synfin::trace::{Trace, What};

use super::{Failure, Verdict, output};

/// Rewrites the file `path` of `scenario`.
pub(crate) fn run(path: &Path, scenario: &Scenario, trace: &Trace) -> Result<Verdict, Failure> {
    // A name of the catalogue was read from there, whatever file has the same name.
    let built_in = path.to_str().is_some_and(|name| catalogue::text(name).is_some());
    if built_in || !path.is_file() {
        let why = if built_in { "it is built in" } else { "it is no file" };
        return Err(Failure::Request(format!("cannot bless {}: {why}; give the path of a scenario file", path.display())));
    }
    let text = blessed(scenario, trace);
    if text != scenario.text {
        output::to_file(path, |out| out.write_all(text.as_bytes()))?;
    }
    Ok(Verdict::Yes)
}

/// The text of `scenario` with the rows of `trace` in place of its own.
pub(crate) fn blessed(scenario: &Scenario, trace: &Trace) -> String {
    // The entry of the trace with which each action began.
    let begins: Vec<usize> = trace
        .entries
        .iter()
        .enumerate()
        .filter(|(_, entry)| matches!(entry.what, What::Call { returned: false, .. } | What::Note(_)))
        .map(|(index, _)| index)
        .collect();
    let blocks = blocks(scenario);
    let all = steps(trace, scenario.show_options);
    let rungs: Vec<&Step> = all.iter().filter(|step| matches!(step, Step::Rung(..))).collect();
    let laid_out = lines(rungs.iter().copied());
    let mut placed: Vec<Vec<&str>> = vec![Vec::new(); blocks.len()];
    for (step, text) in rungs.iter().zip(&laid_out) {
        // Into the first block whose following action had not begun yet.
        let block = blocks.iter().position(|block| begins.get(block.actions_before).is_none_or(|next| step.entry() < *next));
        if let Some(block) = placed.get_mut(block.unwrap_or(blocks.len() - 1)) {
            block.push(text);
        }
    }
    rewrite(scenario, &blocks, &placed)
}

/// A run of ladder lines in the file.
struct Block {
    /// Lines of the file, from 1: the first and the one after the last.
    first: usize,
    end: usize,
    /// How many actions stand above.
    actions_before: usize,
}

fn blocks(scenario: &Scenario) -> Vec<Block> {
    let mut blocks: Vec<Block> = Vec::new();
    let (mut actions, mut in_block) = (0, false);
    for line in &scenario.lines {
        match line.what {
            LineKind::Action(_) => {
                actions += 1;
                in_block = false;
            }
            LineKind::Rung(_) => {
                match blocks.last_mut() {
                    Some(block) if in_block => block.end = line.number + 1,
                    _ => blocks.push(Block { first: line.number, end: line.number + 1, actions_before: actions }),
                }
                in_block = true;
            }
        }
    }
    // What happens after the last action needs a place.
    if blocks.last().is_none_or(|block| block.actions_before < actions) {
        let end = scenario.text.lines().count() + 1;
        blocks.push(Block { first: end, end, actions_before: actions });
    }
    blocks
}

fn rewrite(scenario: &Scenario, blocks: &[Block], placed: &[Vec<&str>]) -> String {
    let mut text = String::new();
    let source: Vec<&str> = scenario.text.lines().collect();
    let mut next = 1;
    for (block, rows) in blocks.iter().zip(placed) {
        for line in &source[next - 1..(block.first - 1).min(source.len())] {
            text += line;
            text.push('\n');
        }
        for row in rows {
            text += row;
            text.push('\n');
        }
        // Remarks and comments inside a block survive below its rows, continuation lines do not.
        let inside = source.get(block.first - 1..(block.end - 1).min(source.len())).unwrap_or_default();
        for line in inside.iter().filter(|line| line.trim_start().starts_with('#')) {
            text += line;
            text.push('\n');
        }
        next = block.end;
        while source.get(next - 1).is_some_and(|line| line.trim_start().starts_with('<') && !line.trim_start().starts_with("<--")) {
            next += 1;
        }
    }
    for line in source.get(next - 1..).unwrap_or_default() {
        text += line;
        text.push('\n');
    }
    text
}
