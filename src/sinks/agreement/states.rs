//! Which states both traces show: where nothing moves, and packet by packet.

use std::time::Duration;

use super::{Agreement, Difference, Kind};
use crate::engine::{Instant, State, Timer};
use crate::trace::{HostId, PacketId, Trace, What};

/// The states of both hosts before one call, and whether somebody looked just then.
struct Look {
    place: String,
    states: [State; 2],
    observed: bool,
}

/// The states of both hosts before each call and at the end.
fn states(trace: &Trace) -> Vec<Look> {
    let mut now = [State::Closed; 2];
    let mut seen = Vec::new();
    let mut number = 0;
    let observed = |next: usize| next > 0 && matches!(trace.entries[next - 1].what, What::Observation);
    for (position, entry) in trace.entries.iter().enumerate() {
        if let What::Call { call, returned: false, .. } = &entry.what {
            number += 1;
            let place = format!("before call {number} ({}: {call})", trace.host(entry.host).name);
            seen.push(Look { place, states: now, observed: observed(position) });
        }
        // What comes of waiting for minutes is not asked of a kernel.
        if matches!(entry.what, What::Timer(Timer::TimeWait | Timer::FinWait2)) {
            continue;
        }
        if let Some(state) = now.get_mut(usize::from(entry.host.0)) {
            *state = entry.after;
        }
    }
    seen.push(Look { place: "at the end".to_owned(), states: now, observed: observed(trace.entries.len()) });
    seen
}

pub(super) fn compare(ours: &Trace, theirs: &Trace, agreement: &mut Agreement) {
    // A world that must be asked is asked only when nothing moves; one that tells is always right.
    let asked = theirs.entries.iter().any(|entry| entry.what == What::Observation);
    for (look, other) in states(ours).into_iter().zip(states(theirs)).filter(|(_, other)| other.observed || !asked) {
        let (place, a, b) = (look.place, look.states, other.states);
        for host in 0..2 {
            agreement.states += 1;
            if a[host] != b[host] {
                let name = ours.hosts.get(host).map_or("?", |host| host.name.as_str());
                let place = format!("{name} {place}");
                agreement.differences.push(Difference { kind: Kind::State, place, ours: a[host].to_string(), theirs: b[host].to_string() });
            }
        }
    }
}

/// The states after each packet left and after it arrived, where the other trace tells them: a world that looks only
/// when nothing moves does not.
pub(super) fn compare_by_packet((ours, mine): (&Trace, &[PacketId]), (theirs, other): (&Trace, &[PacketId]), agreement: &mut Agreement) {
    if theirs.entries.iter().any(|entry| entry.what == What::Observation) {
        return;
    }
    let (a, b) = (moments(ours), moments(theirs));
    for (number, (mine, other)) in (1..).zip(mine.iter().zip(other)) {
        for (verb, a, b) in [("leaves", &a.0, &b.0), ("reaches", &a.1, &b.1)] {
            let of = |moments: &[Vec<(HostId, State)>], id: &PacketId| moments.get(id.0 as usize).cloned().unwrap_or_default();
            for ((host, a), (_, b)) in of(a, mine).into_iter().zip(of(b, other)) {
                agreement.states += 1;
                if a != b {
                    let place = format!("packet {number} {verb} {}", ours.host(host).name);
                    agreement.differences.push(Difference { kind: Kind::State, place, ours: a.to_string(), theirs: b.to_string() });
                }
            }
        }
    }
}

/// What an end of TIME-WAIT may be late by, as a part of what it lasts: a kernel's long timers are that coarse.
const COARSE: u32 = 8;

/// For each end of TIME-WAIT its host and how long it came after that host's last packet.
fn time_waits(trace: &Trace) -> Vec<(HostId, Duration)> {
    let mut last = vec![Instant::START; trace.hosts.len()];
    let mut ends = Vec::new();
    for entry in &trace.entries {
        let Some(last) = last.get_mut(usize::from(entry.host.0)) else { continue };
        match entry.what {
            What::Departure(_) | What::Arrival(_) => *last = entry.at,
            What::Timer(Timer::TimeWait) => ends.push((entry.host, entry.at.since(*last))),
            _ => {}
        }
    }
    ends.sort_unstable();
    ends
}

pub(super) fn compare_time_waits(ours: &Trace, theirs: &Trace, agreement: &mut Agreement) {
    for host in ours.host_ids() {
        let of = |trace| time_waits(trace).into_iter().filter(|(of, _)| *of == host).map(|(_, lasted)| lasted).collect::<Vec<_>>();
        let (mine, other) = (of(ours), of(theirs));
        agreement.states += 1;
        let alike = |(a, b): (&Duration, &Duration)| a.abs_diff(*b) <= *a / COARSE;
        if mine.len() != other.len() || !mine.iter().zip(&other).all(alike) {
            let shown = |ends: &[Duration]| match ends {
                [] => "no end of it".to_owned(),
                ends => ends.iter().map(|end| format!("CLOSED after {:.1} s", end.as_secs_f64())).collect::<Vec<_>>().join(", "),
            };
            let place = format!("TIME-WAIT of {}", ours.host(host).name);
            agreement.differences.push(Difference { kind: Kind::State, place, ours: shown(&mine), theirs: shown(&other) });
        }
    }
}

/// At which hosts each packet left and arrived, and the states it left them in.
type Moments = Vec<Vec<(HostId, State)>>;

fn moments(trace: &Trace) -> (Moments, Moments) {
    let (mut left, mut arrived) = (vec![Vec::new(); trace.packets.len()], vec![Vec::new(); trace.packets.len()]);
    for entry in &trace.entries {
        let (of, id) = match entry.what {
            What::Departure(id) => (&mut left, id),
            What::Arrival(id) => (&mut arrived, id),
            What::Call { .. } | What::Loss(_) | What::Rejection(_) | What::Timer(_) | What::Observation | What::Note(_) => continue,
        };
        if let Some(moments) = of.get_mut(id.0 as usize) {
            moments.push((entry.host, entry.after));
        }
    }
    (left, arrived)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::{Entry, HostInfo};

    /// A trace in which B's TIME-WAIT ends so long after its last packet.
    fn ending(after: Option<Duration>) -> Trace {
        let host = |name: &str| HostInfo {
            name: name.to_owned(),
            address: [192, 0, 2, 1].into(),
            link_address: [0; 6],
            initial_state: State::Closed,
        };
        let last = Instant::START + Duration::from_secs(3);
        let mut entries = vec![Entry::bare(last, HostId(1), What::Arrival(PacketId(0)), State::TimeWait)];
        entries.extend(after.map(|after| Entry::bare(last + after, HostId(1), What::Timer(Timer::TimeWait), State::Closed)));
        Trace { hosts: vec![host("A"), host("B")], entries, ..Trace::default() }
    }

    fn differences(ours: Option<u64>, theirs: Option<u64>) -> Vec<String> {
        let mut agreement = Agreement::default();
        compare_time_waits(&ending(ours.map(Duration::from_secs)), &ending(theirs.map(Duration::from_secs)), &mut agreement);
        agreement.differences.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn time_wait_must_end_in_both_and_after_as_long() {
        assert!(differences(Some(60), Some(60)).is_empty());
        assert!(differences(Some(60), Some(64)).is_empty(), "long timers of a kernel are coarse");
        assert!(differences(None, None).is_empty());
        for (theirs, shown) in [(Some(30), "CLOSED after 30.0 s"), (Some(120), "CLOSED after 120.0 s"), (None, "no end of it")] {
            let differences = differences(Some(60), theirs);
            assert_eq!(differences, [format!("TIME-WAIT of B: state: ours CLOSED after 60.0 s, theirs {shown}")]);
        }
    }
}
