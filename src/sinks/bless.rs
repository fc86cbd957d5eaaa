//! The text of a scenario with its ladder made to say what happened.
//!
//! Settings, action lines, comments and remarks stay as they are. Rows go where rows were: between
//! the same actions, so that the next run begins each action when this one did; what happens after
//! the last block of rows is appended to it. A block that says it already keeps its layout.

use crate::ladder::{Step, steps};
use crate::sinks::ladder::lines;
use crate::trace::{Trace, What};

/// What a line of a scenario's body is.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum LineIs {
    /// Something a host or the network does.
    Action,
    /// A row of the ladder; the lines of its window and options are not counted.
    Row,
}

/// `text` with the rows of `trace` in place of its own.
///
/// `body` has the action lines and rows of the text in order, with their line numbers from 1.
pub fn blessed(text: &str, body: &[(usize, LineIs)], trace: &Trace, with_options: bool) -> String {
    let source: Vec<&str> = text.split_inclusive('\n').collect();
    let blocks = blocks(&source, body);
    let placed = placed(&blocks, trace, with_options);
    let newline = if source.first().is_some_and(|line| line.ends_with("\r\n")) { "\r\n" } else { "\n" };
    let mut blessed = String::new();
    let mut next = 0;
    for (block, rows) in blocks.iter().zip(&placed) {
        blessed.extend(source[next..block.first].iter().copied());
        next = block.end;
        let old = &source[block.first..block.end];
        if same(old, rows) {
            blessed.extend(old.iter().copied());
            continue;
        }
        if !blessed.is_empty() && !blessed.ends_with('\n') {
            blessed += newline;
        }
        for line in rows.iter().flat_map(|row| row.lines()) {
            blessed += line;
            blessed += newline;
        }
        // What a person wrote between the rows has no place of its own among the new ones.
        blessed.extend(old.iter().filter(|line| is_aside(line)).copied());
    }
    blessed.extend(source[next..].iter().copied());
    blessed
}

/// A run of rows in the text.
struct Block {
    /// Positions of its first line and of the line behind its last.
    first: usize,
    end: usize,
    /// How many actions stand above.
    actions_above: usize,
}

fn blocks(source: &[&str], body: &[(usize, LineIs)]) -> Vec<Block> {
    let mut blocks: Vec<Block> = Vec::new();
    let (mut actions, mut goes_on) = (0, false);
    for (number, is) in body {
        match is {
            LineIs::Action => actions += 1,
            LineIs::Row => {
                let more = source[*number..].iter().take_while(|line| line.trim_start().starts_with('<') && !is_leftward(line));
                let end = number + more.count();
                match blocks.last_mut() {
                    Some(block) if goes_on => block.end = end,
                    _ => blocks.push(Block { first: number - 1, end, actions_above: actions }),
                }
            }
        }
        goes_on = *is == LineIs::Row;
    }
    // What happens after the last action needs a place.
    if blocks.last().is_none_or(|block| block.actions_above < actions) {
        blocks.push(Block { first: source.len(), end: source.len(), actions_above: actions });
    }
    blocks
}

/// The rows that belong into each block, as text.
fn placed(blocks: &[Block], trace: &Trace, with_options: bool) -> Vec<Vec<String>> {
    let begins = |what: &What| matches!(what, What::Call { returned: false, .. } | What::Note(_));
    let positions = trace.entries.iter().enumerate().filter(|(_, entry)| begins(&entry.what));
    let begins: Vec<usize> = positions.map(|(position, _)| position).collect();
    let all = steps(trace, with_options);
    let rows: Vec<&Step> = all.iter().filter(|step| matches!(step, Step::Rung(..))).collect();
    let mut placed = vec![Vec::new(); blocks.len()];
    let mut at = 0;
    for (step, row) in rows.iter().zip(lines(rows.iter().copied())) {
        // Into the first block whose next action had not begun yet, but never above the row before.
        let is_over = |block: &Block| begins.get(block.actions_above).is_some_and(|next| step.entry() >= *next);
        while at + 1 < blocks.len() && is_over(&blocks[at]) {
            at += 1;
        }
        placed[at].push(row);
    }
    placed
}

/// Whether the rows of `old` say the same as `new`, however they are laid out.
fn same(old: &[&str], new: &[String]) -> bool {
    let old = old.iter().filter(|line| !is_aside(line) && !line.trim().is_empty());
    let words = |line: &str| line.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    old.map(|line| words(line)).eq(new.iter().flat_map(|row| row.lines()).map(words))
}

/// A comment or a remark.
fn is_aside(line: &str) -> bool {
    line.trim_start().starts_with(['#', '('])
}

fn is_leftward(line: &str) -> bool {
    line.trim_start().starts_with("<--")
}
