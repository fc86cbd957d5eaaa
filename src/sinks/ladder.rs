//! The RFC's ladder as plain text: what `simulate` prints, and what a scenario accepts back.

use std::fmt::Write as _;

use crate::ladder::{Rung, RungKind, Step, steps};
use crate::trace::Trace;

/// How a ladder is laid out.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct Style {
    /// Show window and options of each segment, on a line of their own.
    pub options: bool,
    /// Leave out the remarks in parentheses.
    pub bare: bool,
}

/// Columns of the longest state name.
const STATE: usize = 12;
/// Columns of a field list that keep a line within 80.
const FIELDS: usize = 42;

/// The ladder of a whole trace, one line per rung or remark, each ended by a newline.
pub fn render(trace: &Trace, style: Style) -> String {
    let steps = steps(trace, style.options);
    let shown = |step: &&Step| !style.bare || matches!(step, Step::Rung(..));
    lines(steps.iter().filter(shown)).into_iter().fold(String::new(), |text, line| text + &line + "\n")
}

/// Steps as lines of text, without newlines; aligned with each other.
pub fn lines<'a>(steps: impl Iterator<Item = &'a Step> + Clone) -> Vec<String> {
    let rungs = steps.clone().filter_map(|step| match step {
        Step::Rung(rung, _) => Some(rung),
        Step::Remark(..) => None,
    });
    let width = width_of(rungs);
    steps
        .map(|step| match step {
            Step::Rung(rung, _) => line(rung, width),
            Step::Remark(text, _) => format!("   ({text})"),
        })
        .collect()
}

/// Columns the field lists of these rungs need.
pub fn width_of<'a>(rungs: impl Iterator<Item = &'a Rung>) -> usize {
    let needed = rungs.map(|rung| match &rung.kind {
        RungKind::Segment { fields, .. } => fields.main().len(),
        RungKind::Message { message, .. } => message.to_string().len(),
        RungKind::States => 0,
    });
    needed.max().unwrap_or(0).max(FIELDS)
}

/// One rung as text, its fields padded to `width`; two lines where window and options are shown.
pub fn line(rung: &Rung, width: usize) -> String {
    let name = |state: Option<crate::engine::State>| state.map_or("", crate::engine::State::name);
    let mut text = String::new();
    let (left, right) = (name(rung.left), name(rung.right));
    match &rung.kind {
        RungKind::States => {
            let _ = write!(text, "   {left:<STATE$} {:width$}         {right}", "");
        }
        RungKind::Segment { course, fields } => {
            let _ = write!(text, "   {left:<STATE$} {} {:<width$} {} {right}", course.left, fields.main(), course.right);
        }
        RungKind::Message { course, message } => {
            let _ = write!(text, "   {left:<STATE$} {} {:<width$} {} {right}", course.left, message.to_string(), course.right);
        }
    }
    text.truncate(text.trim_end().len());
    if let RungKind::Segment { fields, .. } = &rung.kind
        && !fields.extra().is_empty()
    {
        let _ = write!(text, "\n   {:STATE$}     {}", "", fields.extra());
    }
    text
}
