//! Which states both traces show: where nothing moves, and packet by packet.

use super::{Agreement, Difference, Kind};
use crate::engine::{State, Timer};
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
