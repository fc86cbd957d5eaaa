//! Where an expected ladder and what happened part, shown line by line.

use std::fmt;

use similar::{ChangeTag, TextDiff};

use super::ladder::{line, width_of};
use crate::ladder::{Rung, RungKind};

/// The first place where an expected ladder does not hold, and both ladders side by side.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Mismatch {
    /// Line of the scenario (or row of the text, from 1) that does not hold; the last one if more happened.
    pub line: usize,
    /// The rung that was expected there.
    pub expected: Option<Rung>,
    /// What happened instead.
    pub actual: Option<Rung>,
    rows: Vec<Row>,
}

#[derive(Clone, PartialEq, Eq, Debug)]
struct Row {
    sign: char,
    number: Option<usize>,
    text: String,
}

/// Compares rows in order; `expected` brings its line numbers. `None` if all hold and nothing is left over.
pub fn compare(expected: &[(usize, &Rung)], actual: &[Rung]) -> Option<Mismatch> {
    let pairs = expected.iter().zip(actual);
    let agreeing = pairs.take_while(|((_, expected), actual)| expected.holds_for(actual)).count();
    if agreeing == expected.len() && agreeing == actual.len() {
        return None;
    }
    // Windows and options that no row speaks of would only hide the difference.
    let spoken_of = expected.iter().any(|(_, rung)| match &rung.kind {
        RungKind::Segment { fields, .. } => fields.window.is_some() || fields.options.is_some(),
        RungKind::Message { .. } | RungKind::States => false,
    });
    let bare: Vec<Rung> = actual.iter().cloned().map(|rung| if spoken_of { rung } else { without_options(rung) }).collect();
    let shown_of = |rung: &Rung| actual.iter().position(|actual| rung.holds_for(actual)).and_then(|index| bare.get(index));
    let width = width_of(expected.iter().map(|(_, rung)| *rung).chain(&bare));
    let actual_lines: Vec<String> = bare.iter().map(|rung| line(rung, width)).collect();
    // A row that leaves something open is shown as what it stood for, where it holds.
    let expected_lines: Vec<String> = expected
        .iter()
        .enumerate()
        .map(|(index, (_, rung))| match actual.get(index) {
            Some(actual) if rung.holds_for(actual) => line(&bare[index], width),
            _ => line(shown_of(rung).unwrap_or(rung), width),
        })
        .collect();
    let expected_slices: Vec<&str> = expected_lines.iter().map(String::as_str).collect();
    let actual_slices: Vec<&str> = actual_lines.iter().map(String::as_str).collect();
    let diff = TextDiff::from_slices(&expected_slices, &actual_slices);
    let rows = diff.iter_all_changes().map(|change| Row {
        sign: match change.tag() {
            ChangeTag::Equal => ' ',
            ChangeTag::Delete => '-',
            ChangeTag::Insert => '+',
        },
        number: change.old_index().and_then(|index| expected.get(index)).map(|(number, _)| *number),
        text: change.value().trim_end_matches('\n').to_owned(),
    });
    let last = expected.last().map_or(1, |(number, _)| *number);
    Some(Mismatch {
        line: expected.get(agreeing).map_or(last, |(number, _)| *number),
        expected: expected.get(agreeing).map(|(_, rung)| (*rung).clone()),
        actual: actual.get(agreeing).cloned(),
        rows: rows.collect(),
    })
}

fn without_options(mut rung: Rung) -> Rung {
    if let RungKind::Segment { fields, .. } = &mut rung.kind {
        fields.window = None;
        fields.options = None;
    }
    rung
}

impl Mismatch {
    /// One sentence: what was expected on which line, and what happened.
    pub fn headline(&self) -> String {
        match (&self.expected, &self.actual) {
            (Some(_), Some(_)) => format!("line {}: the ladder goes on differently", self.line),
            (Some(_), None) => format!("line {}: expected, but nothing more happened", self.line),
            (None, _) => format!("after line {}: more happened than expected", self.line),
        }
    }
}

impl fmt::Display for Mismatch {
    /// The headline, then both ladders: `-` expected, `+` happened; `>` marks the first wrong line.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.headline())?;
        writeln!(f, "  - expected, + happened")?;
        let mut marked = false;
        for row in &self.rows {
            let first = row.sign != ' ' && !marked;
            marked |= first;
            let mark = if first { '>' } else { ' ' };
            let number = row.number.map_or(String::new(), |number| number.to_string());
            for (index, text) in row.text.lines().enumerate() {
                let (mark, number) = if index == 0 { (mark, number.as_str()) } else { (' ', "") };
                writeln!(f, "{mark}{} {number:>4}{text}", row.sign)?;
            }
        }
        Ok(())
    }
}
