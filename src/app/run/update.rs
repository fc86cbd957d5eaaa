//! `--update`: what a script expects to leave is written anew by what left; all else stays as it stands.

use std::collections::HashMap;
use std::time::Duration;

use synfin::sources::packetdrill::play::{Report, Verdict};
use synfin::sources::packetdrill::syntax::{Event, Script, Span, Time, What};

/// The text of the script as it would have passed; `None` if there is nothing to change.
///
/// A packet is written anew where something in it was not as expected, its time where that was not. What never came, and
/// what nobody expected, is left to whoever wrote the script.
pub(super) fn updated(text: &str, script: &Script, report: &Report) -> Option<String> {
    // What was not as expected, by the line that expects it: whether the packet, whether its time.
    let mut wrong: HashMap<usize, (bool, bool)> = HashMap::new();
    let failed = match &report.verdict {
        Verdict::Failed(mismatch) => Some(mismatch.as_ref()),
        Verdict::Passed | Verdict::Unsupported(_) | Verdict::Error(_) => None,
    };
    for mismatch in report.forgiven.iter().chain(failed) {
        let (packet, time) = wrong.entry(mismatch.place.line).or_default();
        for difference in &mismatch.differences {
            *(if difference.field == "time" { &mut *time } else { &mut *packet }) = true;
        }
    }
    let mut changes: Vec<(Span, String)> = Vec::new();
    for seen in &report.seen {
        let Some(event) = script.events.get(seen.event) else { continue };
        let line = text[..event.time.span.start].matches('\n').count() + 1;
        let Some(&(packet, time)) = wrong.get(&line) else { continue };
        if time && let Some(anew) = time_of(event, seen.at.as_nanos(), seen.base.as_nanos()) {
            changes.push((event.time.span, anew.to_string()));
        }
        if packet && matches!(event.what.value, What::Packet(_)) {
            changes.push((event.what.span, seen.packet.to_string()));
        }
    }
    changes.sort_unstable_by_key(|(span, _)| span.start);
    let mut anew = String::with_capacity(text.len());
    let mut from = 0;
    for (span, replacement) in changes {
        anew += text.get(from..span.start)?;
        anew += &replacement;
        from = span.end;
    }
    anew += &text[from..];
    (anew != text).then_some(anew)
}

/// The time as it would have been right, written as it was; microseconds, which is what scripts know.
fn time_of(event: &Event, at: u64, base: u64) -> Option<Time> {
    let micros = |nanos: u64| Duration::from_micros(nanos / 1000);
    match event.time.value {
        Time::Absolute(_) | Time::Range(..) => Some(Time::Absolute(micros(at))),
        Time::Relative(_) | Time::RelativeRange(..) => Some(Time::Relative(micros(at.saturating_sub(base)))),
        Time::Any => None,
    }
}
