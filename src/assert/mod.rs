//! Assertions on a [`Trace`], for tests: the whole ladder, one transition, one host's path.
//!
//! Here: what [`assert_ladder!`](crate::assert_ladder), [`assert_transition!`](crate::assert_transition)
//! and [`assert_path!`](crate::assert_path) do, and a twin of each that returns the [`Mismatch`]
//! instead of panicking. A failure shows the ladder with the wrong line marked by `>`.

use std::fmt::{self, Write as _};

use crate::engine::{Rule, State};
use crate::ladder::{RungKind, Step, rungs, steps};
use crate::sinks::{diff, ladder::lines};
use crate::sources::scenario::{ParseError, parse_ladder};
use crate::trace::{Entry, HostId, Trace, What};

/// Asserts that a trace reads as this ladder, row by row.
///
/// The text is written as in a scenario file, without settings and actions: remarks in parentheses
/// and `#` comments may stand between the rows. What a row leaves out (LEN where there is no CTL,
/// a state, the window, the options) may be anything.
///
/// # Panics
/// With both ladders as a diff and the first wrong line marked; with line and column of a row that
/// cannot be read.
///
/// ```
/// use synfin::prelude::*;
///
/// let trace = scenario("syn-to-closed-port")?.run();
/// assert_ladder!(trace, "
///     SYN-SENT --> <SEQ=100><CTL=SYN>              --> CLOSED
///     CLOSED   <-- <SEQ=0><ACK=101><CTL=RST,ACK>   <-- CLOSED
/// ");
/// # Ok::<(), synfin::LoadError>(())
/// ```
#[macro_export]
macro_rules! assert_ladder {
    ($trace:expr, $ladder:expr $(,)?) => {
        $crate::assert::assert_ladder(&$trace, $ladder)
    };
}

/// Asserts that a host once went from one state to another; with a section, that this section says so.
///
/// The states are variants of [`State`]. A segment that walks several rows makes each of their
/// transitions, and the one from the first state to the last. The section may be as precise as one
/// likes: `"RFC 9293 3.10.7.4"`, `"RFC 9293 section 3.10.7.4 eighth"`.
///
/// # Panics
/// With what that host did instead, and the ladder with the nearest transitions marked.
///
/// ```
/// use synfin::prelude::*;
///
/// let trace = scenario("half-close")?.run();
/// assert_transition!(trace, A: FinWait1 => FinWait2);
/// assert_transition!(trace, A: FinWait2 => TimeWait, "RFC 9293 3.10.7.4");
/// # Ok::<(), synfin::LoadError>(())
/// ```
#[macro_export]
macro_rules! assert_transition {
    ($trace:expr, $host:ident : $from:ident => $to:ident $(,)?) => {
        $crate::assert::assert_transition(&$trace, stringify!($host), $crate::State::$from, $crate::State::$to, None)
    };
    ($trace:expr, $host:ident : $from:ident => $to:ident, $section:expr $(,)?) => {
        $crate::assert::assert_transition(&$trace, stringify!($host), $crate::State::$from, $crate::State::$to, Some($section))
    };
}

/// Asserts the whole path of a host through the states, from the first to the last, none left out.
///
/// # Panics
/// With the expected path beside the one walked, and the ladder with the first wrong step marked.
///
/// ```
/// use synfin::prelude::*;
///
/// let trace = scenario("half-close")?.run();
/// assert_path!(trace, A: [Closed, SynSent, Established, FinWait1, FinWait2, TimeWait, Closed]);
/// # Ok::<(), synfin::LoadError>(())
/// ```
#[macro_export]
macro_rules! assert_path {
    ($trace:expr, $host:ident : [$($state:ident),* $(,)?] $(,)?) => {
        $crate::assert::assert_path(&$trace, stringify!($host), &[$($crate::State::$state),*])
    };
}

/// What [`assert_ladder!`](crate::assert_ladder) calls.
///
/// # Panics
/// With the [`Mismatch`] that [`check_ladder`] would return.
#[track_caller]
pub fn assert_ladder(trace: &Trace, expected: &str) {
    if let Err(mismatch) = check_ladder(trace, expected) {
        panic!("{mismatch}");
    }
}

/// What [`assert_transition!`](crate::assert_transition) calls.
///
/// # Panics
/// With the [`Mismatch`] that [`check_transition`] would return.
#[track_caller]
pub fn assert_transition(trace: &Trace, host: &str, from: State, to: State, section: Option<&str>) {
    if let Err(mismatch) = check_transition(trace, host, from, to, section) {
        panic!("{mismatch}");
    }
}

/// What [`assert_path!`](crate::assert_path) calls.
///
/// # Panics
/// With the [`Mismatch`] that [`check_path`] would return.
#[track_caller]
pub fn assert_path(trace: &Trace, host: &str, expected: &[State]) {
    if let Err(mismatch) = check_path(trace, host, expected) {
        panic!("{mismatch}");
    }
}

/// Whether `trace` reads as this ladder; see [`assert_ladder!`](crate::assert_ladder).
///
/// # Errors
/// [`Mismatch::Unreadable`] if `expected` is no ladder, [`Mismatch::Ladder`] if another one was played.
pub fn check_ladder(trace: &Trace, expected: &str) -> Result<(), Mismatch> {
    let expected = parse_ladder("ladder", expected).map_err(Mismatch::Unreadable)?;
    let expected: Vec<_> = expected.iter().map(|(line, rung)| (*line, rung)).collect();
    // Windows and options that nobody asked for would only bury the difference.
    let with_options = expected.iter().any(|(_, rung)| match &rung.kind {
        RungKind::Segment { fields, .. } => fields.window.is_some() || fields.options.is_some(),
        RungKind::Message { .. } | RungKind::States => false,
    });
    diff::compare(&expected, &rungs(trace, with_options)).map_or(Ok(()), |mismatch| Err(Mismatch::Ladder(Box::new(mismatch))))
}

/// Whether `host` once went `from` one state `to` another; see [`assert_transition!`](crate::assert_transition).
///
/// Returns the position of the first entry of the trace in which it did.
///
/// # Errors
/// [`Mismatch::NoHost`], or [`Mismatch::Transition`] with what happened instead.
pub fn check_transition(trace: &Trace, host: &str, from: State, to: State, section: Option<&str>) -> Result<usize, Mismatch> {
    let id = host_named(trace, host)?;
    let moves = moves(trace, id);
    let wanted = |step: &&Move| step.from == from && step.to == to;
    let by_section = |step: &&Move| section.is_none_or(|section| step.rule.is_some_and(|rule| is_in_section(rule, section)));
    if let Some(found) = moves.iter().filter(wanted).find(by_section) {
        return Ok(found.index);
    }
    let mut happened = String::new();
    let mut near: Vec<&Move> = moves.iter().filter(wanted).collect();
    if near.is_empty() {
        let leaving: Vec<_> = moves.iter().filter(|step| step.from == from).collect();
        let entering: Vec<_> = moves.iter().filter(|step| step.to == to).collect();
        list(&mut happened, &format!("{host} left {from}"), &leaving);
        list(&mut happened, &format!("{host} came to {to}"), &entering);
        near = leaving.into_iter().chain(entering).collect();
    } else {
        list(&mut happened, "It happened, but in another section", &near);
    }
    let marked: Vec<_> = near.iter().map(|step| step.index).collect();
    Err(Mismatch::Transition {
        host: host.to_owned(),
        from,
        to,
        section: section.map(|section| bare_section(section).to_owned()),
        happened,
        ladder: marked_ladder(trace, &marked),
    })
}

/// Whether `host` walked exactly this path; see [`assert_path!`](crate::assert_path).
///
/// # Errors
/// [`Mismatch::NoHost`], or [`Mismatch::Path`] with the path it walked.
pub fn check_path(trace: &Trace, host: &str, expected: &[State]) -> Result<(), Mismatch> {
    let id = host_named(trace, host)?;
    let walk = trace.walk(id);
    let walked: Vec<State> = walk.iter().map(|(state, _)| *state).collect();
    if walked == expected {
        return Ok(());
    }
    let wrong = walked.iter().zip(expected).take_while(|(walked, expected)| walked == expected).count();
    // Where the walk is too short, its last step is the place to look at.
    let marked = walk.get(wrong).or(walk.last()).and_then(|(_, index)| *index);
    Err(Mismatch::Path {
        host: host.to_owned(),
        expected: expected.to_vec(),
        walked,
        wrong,
        ladder: marked_ladder(trace, marked.as_slice()),
    })
}

/// Why an assertion on a trace does not hold.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Mismatch {
    /// The expectation is no ladder.
    #[error("the expected ladder cannot be read\n{0}")]
    Unreadable(ParseError),
    /// The ladder goes on differently.
    #[error("{0}")]
    Ladder(Box<diff::Mismatch>),
    /// No host of the trace has this name.
    #[error("there is no host {name}; this trace has {}", .known.join(", "))]
    NoHost {
        /// The name asked for.
        name: String,
        /// The names there are.
        known: Vec<String>,
    },
    /// A host never made this transition, or another section made it.
    #[error("{host} never went {from} => {to}{}\n{happened}\n{ladder}", said_by(.section.as_deref()))]
    Transition {
        /// The host.
        host: String,
        /// The state before.
        from: State,
        /// The state after.
        to: State,
        /// The section that was to say so, without "RFC 9293 section".
        section: Option<String>,
        /// What it did instead, as lines of text.
        happened: String,
        /// The ladder, what it did instead marked by `>`.
        ladder: String,
    },
    /// A host walked another path.
    #[error("{}\n{ladder}", Walks { host, expected, walked, wrong: *wrong })]
    Path {
        /// The host.
        host: String,
        /// The path it was to walk.
        expected: Vec<State>,
        /// The path it walked.
        walked: Vec<State>,
        /// Position of the first wrong state in both.
        wrong: usize,
        /// The ladder, the first wrong step marked by `>`.
        ladder: String,
    },
}

fn said_by(section: Option<&str>) -> String {
    section.map_or(String::new(), |section| format!(" by RFC 9293 section {section}"))
}

/// Two paths beside each other.
struct Walks<'a> {
    host: &'a str,
    expected: &'a [State],
    walked: &'a [State],
    wrong: usize,
}

impl fmt::Display for Walks<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { host, expected, walked, wrong } = self;
        let after = wrong.checked_sub(1).map_or("first".to_owned(), |last| format!("after {}", walked[last]));
        match (expected.get(*wrong), walked.get(*wrong)) {
            (Some(expected), Some(walked)) => writeln!(f, "{host} walked another path: {after} came {walked}, not {expected}")?,
            (Some(expected), None) => writeln!(f, "{host} walked a shorter path: {after} came nothing, not {expected}")?,
            (None, walked) => {
                let more = walked.map_or(String::new(), ToString::to_string);
                writeln!(f, "{host} walked a longer path: {after} came {more}, not the end")?;
            }
        }
        writeln!(f, "   {:<14}walked", "expected")?;
        let name = |path: &[State], at: usize| path.get(at).map_or("", |state| state.name());
        for at in 0..expected.len().max(walked.len()) {
            let mark = if at == *wrong { '>' } else { ' ' };
            writeln!(f, "{}", format!("{mark}  {:<14}{}", name(expected, at), name(walked, at)).trim_end())?;
        }
        Ok(())
    }
}

fn host_named(trace: &Trace, name: &str) -> Result<HostId, Mismatch> {
    let known = || trace.hosts.iter().map(|host| host.name.clone()).collect();
    trace.host_named(name).ok_or_else(|| Mismatch::NoHost { name: name.to_owned(), known: known() })
}

/// One change of state of a host.
struct Move<'a> {
    from: State,
    to: State,
    /// The row that led to the new state, where the world knows it.
    rule: Option<&'static Rule>,
    index: usize,
    entry: &'a Entry,
}

/// Every change of state of `host`: row by row, and the net effect of each walk over several rows.
fn moves(trace: &Trace, host: HostId) -> Vec<Move<'_>> {
    let mut moves = Vec::new();
    for (index, entry) in trace.entries.iter().enumerate().filter(|(_, entry)| entry.host == host) {
        let rows: Vec<_> = entry.rules.iter().copied().filter(|rule| rule.changes_state()).collect();
        moves.extend(rows.iter().map(|rule| Move { from: rule.from, to: rule.to, rule: Some(rule), index, entry }));
        let net_is_a_row = rows.iter().any(|rule| rule.from == entry.before && rule.to == entry.after);
        if entry.before != entry.after && !net_is_a_row {
            let rule = rows.last().copied().filter(|rule| rule.to == entry.after);
            moves.push(Move { from: entry.before, to: entry.after, rule, index, entry });
        }
    }
    moves
}

fn list(text: &mut String, what: &str, moves: &[&Move<'_>]) {
    if moves.is_empty() {
        let _ = writeln!(text, "{what}: never");
        return;
    }
    let _ = writeln!(text, "{what}:");
    for Move { from, to, rule, entry, .. } in moves {
        let _ = match rule {
            Some(rule) => writeln!(text, "   {from} => {to}, {} s, {}", entry.at, rule.source()),
            None => writeln!(text, "   {from} => {to}, {} s, by no rule", entry.at),
        };
    }
}

/// Whether a row is from this section, which may be less precise than the row.
fn is_in_section(rule: &Rule, section: &str) -> bool {
    let wanted = bare_section(section);
    rule.rfc.split(", ").any(|cited| {
        // 3.1 is no part of 3.10.
        cited.strip_prefix(wanted).is_some_and(|rest| wanted.is_empty() || rest.is_empty() || rest.starts_with(['.', ' ']))
    })
}

/// `3.10.7.4` of `RFC 9293 section 3.10.7.4`.
fn bare_section(section: &str) -> &str {
    let section = section.trim();
    let section = section.strip_prefix("RFC 9293").map_or(section, |rest| rest.trim_start_matches([',', ' ']));
    section.strip_prefix("section").unwrap_or(section).trim_start()
}

/// The ladder of a trace, `>` before the rows in which these entries show.
fn marked_ladder(trace: &Trace, entries: &[usize]) -> String {
    let steps = steps(trace, false);
    let rows: Vec<_> = entries.iter().filter_map(|entry| row_of(trace, &steps, *entry)).collect();
    let mut text = String::new();
    for (row, line) in lines(steps.iter()).into_iter().enumerate() {
        let mark = if rows.contains(&row) { '>' } else { ' ' };
        let _ = writeln!(text, "{mark}{}", line.strip_prefix(' ').unwrap_or(&line));
    }
    text
}

/// The row that shows the state after an entry: its own rung, that of the segment it sends, or its remark.
fn row_of(trace: &Trace, steps: &[Step], index: usize) -> Option<usize> {
    let rung_of = |index: usize| steps.iter().position(|step| matches!(step, Step::Rung(_, entry) if *entry == index));
    let entry = &trace.entries[index];
    let segment = || {
        let at_once = |next: &&Entry| next.at == entry.at;
        let sent = trace.entries[index..].iter().take_while(at_once).find_map(|next| match next.what {
            What::Departure(id) if next.host == entry.host => Some(id),
            _ => None,
        })?;
        let is_about = |entry: &Entry| matches!(entry.what, What::Departure(id) | What::Arrival(id) | What::Rejection(id) | What::Loss(id) if id == sent);
        (index..trace.entries.len()).filter(|at| is_about(&trace.entries[*at])).find_map(rung_of)
    };
    let answers_by_segment = !matches!(entry.what, What::Arrival(_));
    rung_of(index).or_else(|| answers_by_segment.then(segment).flatten()).or_else(|| steps.iter().position(|step| step.entry() == index))
}

#[cfg(test)]
mod tests;
