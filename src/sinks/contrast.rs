//! Two traces of one scenario, as their ladders differ: what two profiles make of the same calls.
//!
//! Two ladders do not fit beside each other, so they are woven into one: rows that both have stand
//! once, others below each other with `<` and `>`. Windows, options and times stand below a row only
//! where they differ.

use std::collections::BTreeSet;
use std::fmt;

use serde::Serialize;
use similar::{Algorithm, DiffOp, capture_diff_slices};

use super::ladder::{line, width_of};
use crate::engine::Instant;
use crate::ladder::{Fields, Rung, RungKind, Step, steps};
use crate::trace::Trace;

/// In what two ladders differ, in the order in which a person would look.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Aspect {
    /// A segment that only one has.
    Segments,
    /// The control bits of a segment.
    Flags,
    /// Sequence number, acknowledgment number or length.
    Numbers,
    /// A state beside a segment, or one that was reached without.
    States,
    /// What a call returned, or which timer expired.
    Remarks,
    /// The options of a segment.
    Options,
    /// The window of a segment, as carried.
    Windows,
    /// The text of a segment, its urgent pointer, or which segment its timestamp echoes.
    Contents,
    /// When a row happened.
    Times,
}

impl Aspect {
    const ALL: [Self; 9] = [
        Self::Segments,
        Self::Flags,
        Self::Numbers,
        Self::States,
        Self::Remarks,
        Self::Options,
        Self::Windows,
        Self::Contents,
        Self::Times,
    ];

    /// One word.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Segments => "segments",
            Self::Flags => "flags",
            Self::Numbers => "numbers",
            Self::States => "states",
            Self::Remarks => "remarks",
            Self::Options => "options",
            Self::Windows => "windows",
            Self::Contents => "contents",
            Self::Times => "times",
        }
    }
}

/// Two ladders woven into one.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Contrast {
    /// Whose ladders they are.
    pub names: [String; 2],
    /// In what they differ; empty if they are equal.
    pub differs_in: BTreeSet<Aspect>,
    /// The position in `rows` of the first that differs.
    pub first: Option<usize>,
    /// All rows, in order.
    pub rows: Vec<Woven>,
}

/// One row of the woven ladder.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Woven {
    /// Whose it is; `both` where they agree.
    pub of: Whose,
    /// The row, or what one of the two adds to the row above.
    pub text: String,
}

/// Whose a row is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Whose {
    /// Both have it.
    Both,
    /// Only the first.
    First,
    /// Only the second.
    Second,
}

/// A row of one ladder, split into what is compared first and what below it.
struct Item {
    text: String,
    rung: Option<Rung>,
    details: Fields,
    at: Instant,
}

/// Weaves the ladders of two traces into one.
pub fn contrast(names: [&str; 2], traces: [&Trace; 2]) -> Contrast {
    let both = traces.map(|trace| steps(trace, true));
    let rungs = both.iter().flatten().filter_map(|step| match step {
        Step::Rung(rung, _) => Some(rung),
        Step::Remark(..) => None,
    });
    let width = width_of(rungs);
    let [first, second] = [0, 1].map(|side| both[side].iter().map(|step| item(step, traces[side], width)).collect::<Vec<_>>());
    let mut woven = Contrast { names: names.map(str::to_owned), differs_in: BTreeSet::new(), first: None, rows: Vec::new() };
    let texts = |items: &[Item]| items.iter().map(|item| item.text.clone()).collect::<Vec<_>>();
    for op in capture_diff_slices(Algorithm::Myers, &texts(&first), &texts(&second)) {
        match op {
            DiffOp::Equal { old_index, new_index, len } => {
                for (ours, theirs) in first[old_index..old_index + len].iter().zip(&second[new_index..]) {
                    woven.agree(ours, theirs);
                }
            }
            DiffOp::Delete { .. } | DiffOp::Insert { .. } | DiffOp::Replace { .. } => {
                woven.part(&first[op.old_range()], &second[op.new_range()]);
            }
        }
    }
    woven
}

fn item(step: &Step, trace: &Trace, width: usize) -> Item {
    match step {
        Step::Remark(text, index) => {
            Item { text: format!("   ({text})"), rung: None, details: Fields::default(), at: trace.entries[*index].at }
        }
        Step::Rung(rung, index) => {
            let (mut bare, mut details) = (rung.clone(), Fields::default());
            if let RungKind::Segment { fields, .. } = &mut bare.kind {
                details = Fields { window: fields.window.take(), options: fields.options.take(), ..Fields::default() };
            }
            Item { text: line(&bare, width), rung: Some(bare), details, at: trace.entries[*index].at }
        }
    }
}

impl Contrast {
    /// Whether nothing differs.
    pub fn is_equal(&self) -> bool {
        self.differs_in.is_empty()
    }

    pub(super) fn push(&mut self, of: Whose, text: &str) {
        self.rows.push(Woven { of, text: text.to_owned() });
    }

    pub(super) fn mark(&mut self, aspect: Aspect) {
        self.differs_in.insert(aspect);
        self.first.get_or_insert(self.rows.len());
    }

    /// A row that both have; below it, what it leaves out and is not the same.
    fn agree(&mut self, first: &Item, second: &Item) {
        for (aspect, differs) in [
            (Aspect::Windows, first.details.window != second.details.window),
            (Aspect::Options, first.details.options != second.details.options),
            (Aspect::Times, first.at != second.at),
        ] {
            if differs {
                self.mark(aspect);
            }
        }
        self.push(Whose::Both, &first.text);
        for (of, own, other) in [(Whose::First, first, second), (Whose::Second, second, first)] {
            let details = if own.details == other.details { String::new() } else { own.details.extra() };
            let at = if own.at == other.at { String::new() } else { format!("at {} s", own.at) };
            let parts: Vec<_> = [details, at].into_iter().filter(|part| !part.is_empty()).collect();
            if !parts.is_empty() {
                self.push(of, &format!("     {}", parts.join(" ")));
            }
        }
    }

    /// Rows that only one has; of those that stand opposite each other it is said in what they differ.
    fn part(&mut self, first: &[Item], second: &[Item]) {
        for index in 0..first.len().max(second.len()) {
            match (first.get(index), second.get(index)) {
                (Some(ours), Some(theirs)) => aspects(ours, theirs).into_iter().for_each(|aspect| self.mark(aspect)),
                (Some(alone), None) | (None, Some(alone)) => self.mark(kind_of(alone)),
                (None, None) => {}
            }
        }
        for (of, items) in [(Whose::First, first), (Whose::Second, second)] {
            for item in items {
                self.push(of, &item.text);
            }
        }
    }
}

/// What it means that one ladder has a row and the other has none like it.
fn kind_of(item: &Item) -> Aspect {
    match item.rung.as_ref().map(|rung| &rung.kind) {
        None => Aspect::Remarks,
        Some(RungKind::States) => Aspect::States,
        Some(RungKind::Segment { .. } | RungKind::Message { .. }) => Aspect::Segments,
    }
}

fn aspects(first: &Item, second: &Item) -> Vec<Aspect> {
    let (Some(ours), Some(theirs)) = (&first.rung, &second.rung) else {
        // A remark ends in its moment.
        let words = |item: &Item| item.text.rsplit_once(", ").map(|(words, _)| words.to_owned());
        let only_later = first.rung.is_none() && second.rung.is_none() && words(first).is_some() && words(first) == words(second);
        return if only_later { vec![Aspect::Times] } else { vec![kind_of(first), kind_of(second)] };
    };
    let (RungKind::Segment { course, fields }, RungKind::Segment { course: other_course, fields: other }) = (&ours.kind, &theirs.kind)
    else {
        return vec![kind_of(first), kind_of(second)];
    };
    if course != other_course {
        return vec![Aspect::Segments];
    }
    [
        (Aspect::Flags, fields.flags != other.flags),
        (Aspect::Numbers, (fields.seq, fields.ack, fields.len) != (other.seq, other.ack, other.len)),
        (Aspect::States, (ours.left, ours.right) != (theirs.left, theirs.right)),
    ]
    .into_iter()
    .filter_map(|(aspect, differs)| differs.then_some(aspect))
    .collect()
}

impl fmt::Display for Contrast {
    /// What the marks mean, the rows, and in what they differ; within 80 columns where the rows are.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [first, second] = &self.names;
        if self.is_equal() {
            writeln!(f, "# {first} and {second} agree")?;
        } else {
            writeln!(f, "# < {first}   > {second}   * the first difference")?;
        }
        let width = self.rows.iter().map(|row| row.text.len()).max().unwrap_or(0);
        if width > 80 {
            writeln!(f, "# {width} columns wide")?;
        }
        writeln!(f)?;
        for (index, row) in self.rows.iter().enumerate() {
            let star = if self.first == Some(index) { '*' } else { ' ' };
            let sign = match row.of {
                Whose::Both => ' ',
                Whose::First => '<',
                Whose::Second => '>',
            };
            // The first two columns of a row are free.
            writeln!(f, "{}", format!("{star}{sign}{}", row.text.get(2..).unwrap_or_default()).trim_end())?;
        }
        if !self.is_equal() {
            let words: Vec<_> = Aspect::ALL.iter().filter(|aspect| self.differs_in.contains(aspect)).map(|aspect| aspect.name()).collect();
            writeln!(f, "\n# differ in {}", words.join(", "))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{Aspect, Contrast, Whose, contrast};
    use crate::sources::scenario::{Overrides, Scenario};

    fn of(name: &str, settings: [&[(&str, &str)]; 2]) -> Contrast {
        let scenario = Scenario::load(name).expect("of the catalogue");
        let traces = settings.map(|knobs| {
            let knobs = knobs.iter().map(|(knob, value)| (None, (*knob).to_owned(), (*value).to_owned())).collect();
            scenario.simulate(&Overrides { knobs, ..Overrides::default() }).expect("can be played")
        });
        contrast(["one", "other"], [&traces[0], &traces[1]])
    }

    #[test]
    fn a_run_does_not_differ_from_itself() {
        let same = of("half-close", [&[], &[]]);
        assert!(same.is_equal() && same.first.is_none());
        assert!(same.rows.iter().all(|row| row.of == Whose::Both));
    }

    #[test]
    fn each_difference_has_its_word() {
        let words = |name, knob, value| of(name, [&[], &[(knob, value)]]).differs_in.into_iter().collect::<Vec<_>>();
        assert_eq!(words("half-close", "msl", "1s"), [Aspect::Times]);
        assert_eq!(words("three-way-handshake", "sack", "on"), [Aspect::Options]);
        assert_eq!(words("three-way-handshake", "receive-buffer", "1000"), [Aspect::Windows]);
        assert_eq!(words("abort", "abort-acks", "on"), [Aspect::Flags, Aspect::Numbers]);
        assert!(words("syn-lost-once", "rto-initial", "2s").contains(&Aspect::Times));
    }

    #[test]
    fn the_first_difference_is_marked_once() {
        let text = of("abort", [&[], &[("abort-acks", "on")]]).to_string();
        assert_eq!(text.lines().filter(|line| line.starts_with('*')).count(), 1, "{text}");
        assert!(text.lines().any(|line| line.starts_with("*<") && line.contains("<CTL=RST>")), "{text}");
        assert!(text.lines().any(|line| line.starts_with(" >") && line.contains("<CTL=RST,ACK>")), "{text}");
    }
}
