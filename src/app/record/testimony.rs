//! The kernel's own word on its sockets, held against what their packets betray.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use synfin::engine::{Instant, State};
use synfin::sources::capture::{Flow, Protocol};
use synfin::trace::{End, Entry, HostId, What};
use synfin::worlds::kernel::record::Sighting;

/// What the kernel said whenever it was asked.
pub(crate) struct Testimony(Vec<Look>);

/// Once.
struct Look {
    /// Before it was asked and when it had answered, as the flows count.
    from: Instant,
    until: Instant,
    /// The state of every endpoint that had one, by its local and its remote end.
    states: HashMap<(End, End), State>,
}

impl Testimony {
    /// `origin` is when time 0 of the flows is, as the sightings count.
    pub(crate) fn of(sightings: &[Sighting], origin: Duration) -> Self {
        let moment = |at: Instant| Instant::START + Duration::from_nanos(at.as_nanos()).saturating_sub(origin);
        let looks = sightings.iter().map(|sighting| {
            let states = sighting.rows.iter().map(|row| ((plain(row.local), plain(row.remote)), row.state)).collect();
            Look { from: moment(sighting.from), until: moment(sighting.until), states }
        });
        Self(looks.collect())
    }

    /// What the kernel says of both ends at the end of recording; `None` for an end it does not know any more.
    pub(crate) fn at_the_end(&self, flow: &Flow) -> [Option<State>; 2] {
        let Some(Look { states, .. }) = self.0.last() else { return [None; 2] };
        sides(flow).map(|side| states.get(&side).copied())
    }

    /// Puts a note into the trace wherever the kernel contradicts it; a contradiction that lasts is noted once.
    ///
    /// Looked at are moments at which no packet of the connection was near. `until` is when the next connection
    /// between the same ends began: what the kernel says from then on is about that one.
    pub(crate) fn examine(&self, flow: &mut Flow, until: Option<Instant>) {
        let Some(begin) = flow.trace.entries.first().map(|entry| entry.at) else { return };
        let (mut notes, mut said) = (Vec::new(), BTreeSet::new());
        for Look { from, until: to, states } in &self.0 {
            if *from < begin || until.is_some_and(|until| *to + NEAR >= until) {
                continue;
            }
            let entries = &flow.trace.entries;
            let before = entries.partition_point(|entry| entry.at < *from);
            let near = |entry: &Entry| entry.at + NEAR >= *from && entry.at <= *to + NEAR;
            if entries[..before].last().is_some_and(near) || entries.get(before).is_some_and(near) {
                continue;
            }
            for (host, side) in [HostId(0), HostId(1)].into_iter().zip(sides(flow)) {
                let earlier = entries[..before].iter().rev().find(|entry| entry.host == host);
                let Some(inferred) = earlier.map(|entry| entry.after) else { continue };
                let word = states.get(&side).copied().unwrap_or(State::Closed);
                // An endpoint that is not there and one that was never opened look alike.
                if word == inferred || (word == State::Closed && inferred == State::Listen) {
                    continue;
                }
                if !said.insert((host, word.name(), inferred.name())) {
                    continue;
                }
                // A timer of the kernel's, which no packet tells of, is no contradiction.
                let (note, after) = match (inferred, word) {
                    (State::TimeWait | State::FinWait2, State::Closed) => (format!("{inferred} is over, says the kernel"), word),
                    (_, State::Closed) => (format!("gone, says the kernel; its packets say {inferred}"), word),
                    _ => (format!("{word}, says the kernel; its packets say {inferred}"), inferred),
                };
                notes.push(Entry { after, ..Entry::bare(*to, host, What::Note(note), inferred) });
            }
        }
        for note in notes {
            let position = flow.trace.entries.partition_point(|entry| entry.at <= note.at);
            flow.trace.entries.insert(position, note);
        }
    }

    /// Ends that were still listening at the end of recording.
    pub(crate) fn listening(&self) -> Vec<End> {
        let Some(Look { states, .. }) = self.0.last() else { return Vec::new() };
        let mut ends: Vec<End> = states.iter().filter(|(_, state)| **state == State::Listen).map(|((local, _), _)| *local).collect();
        ends.sort_unstable_by_key(|end| (end.port, end.address));
        ends
    }
}

/// Local and remote end of each host.
fn sides(flow: &Flow) -> [(End, End); 2] {
    let [a, b] = flow.ends;
    [(a, b), (b, a)]
}

/// An IPv4 address that a socket of IPv6 has, as packets show it.
fn plain(end: End) -> End {
    End { address: end.address.to_canonical(), ..end }
}

/// The kernel is asked some time after what it answers; within this a packet may be on either side of it.
const NEAR: Duration = Duration::from_millis(3);

/// For each connection, when the next one between the same ends began.
pub(crate) fn successors(flows: &[Flow]) -> Vec<Option<Instant>> {
    let mut next: HashMap<[(std::net::IpAddr, u16); 2], Instant> = HashMap::new();
    let mut all: Vec<_> = flows
        .iter()
        .rev()
        .map(|flow| {
            if flow.protocol != Protocol::Tcp {
                return None;
            }
            let mut key = flow.ends.map(|end| (end.address, end.port));
            key.sort_unstable();
            let began = flow.trace.entries.first().map_or(Instant::START, |entry| entry.at);
            next.insert(key, began)
        })
        .collect();
    all.reverse();
    all
}
