//! The calls of a program that nobody saw, from its packets: what would make the stack send the same.
//!
//! A SYN that leaves is a `connect`, one that is answered comes to a listener. Text leaves because it was written, up to
//! where it is pushed; a FIN because of a `close`, or of a `shutdown` if text comes behind it. Before a program answers
//! or closes it has read what had come; when it really did nobody can tell, so no windows are told.

use std::collections::BTreeMap;
use std::time::Duration;

use super::Untold;
use crate::engine::{Flags, Instant, Segment};
use crate::trace::{Entry, HostId, PacketId, Trace, What};

/// The trace as `host` saw it, with calls that make it send what it sent.
///
/// Where the capture was taken elsewhere, the host's answer in the handshake comes late by the way there and back: by that
/// much all that reached the host counts as later.
///
/// # Errors
/// [`Untold`] if the capture does not hold the connection's beginning.
pub fn with_calls(trace: &Trace, host: HostId) -> Result<Trace, Untold> {
    let seen = as_seen(trace, host);
    let mut guess = Guess { trace, host, entries: Vec::new(), peer_next: None, waiting: BTreeMap::new(), unread: 0, sent: None, fin: None };
    let segments = || seen.iter().filter_map(|(at, what)| Some((*at, what, trace.packet(id_of(what)?).segment()?)));
    let Some((at, first, segment)) = segments().next() else {
        return Err(Untold::Silent(trace.host(host).name.clone()));
    };
    if !segment.has(Flags::SYN) || segment.has(Flags::ACK) {
        return Err(Untold::Packet { at, why: "the capture begins behind the connection's first SYN" });
    }
    let established = segments().find(|(_, what, segment)| matches!(what, What::Arrival(_)) && segment.has(Flags::ACK)).map(|(at, ..)| at);
    let refused = segments().find(|(_, _, segment)| segment.has(Flags::RST)).map(|(at, ..)| at);
    let mut opening = None;
    if matches!(first, What::Departure(_)) {
        opening = Some("connect");
        guess.call(at, "connect", Err("EINPROGRESS"));
    } else if segments().any(|(_, what, segment)| matches!(what, What::Departure(_)) && segment.has(Flags::SYN)) {
        guess.call(at, "listen", Ok(String::new()));
        if established.is_some() {
            opening = Some("accept");
            guess.call(at, "accept", Err("EAGAIN"));
        }
    }
    for (index, (at, what)) in seen.iter().enumerate() {
        let segment = id_of(what).and_then(|id| trace.packet(id).segment());
        if let (What::Departure(_), Some(segment)) = (what, segment) {
            guess.leaving(*at, segment, &seen[index..]);
        }
        guess.entries.push(Entry::bare(*at, host, what.clone(), trace.host(host).initial_state));
        if let (What::Arrival(_), Some(segment)) = (what, segment) {
            if let Some(call) = opening
                && segment.has(Flags::ACK)
            {
                let refused = segment.has(Flags::RST).then_some(*at).filter(|at| Some(*at) == refused);
                let result = if refused.is_some() { Err("ECONNREFUSED") } else { Ok(String::new()) };
                guess.returned(*at, call, result);
                opening = None;
            }
            guess.coming(segment);
        }
    }
    Ok(Trace { entries: guess.entries, ..trace.clone() })
}

const fn id_of(what: &What) -> Option<PacketId> {
    match what {
        What::Departure(id) | What::Arrival(id) | What::Rejection(id) => Some(*id),
        _ => None,
    }
}

/// What left and reached the host, at the times at which it did so there.
fn as_seen(trace: &Trace, host: HostId) -> Vec<(Instant, What)> {
    let left: BTreeMap<PacketId, Instant> = trace
        .entries
        .iter()
        .filter_map(|entry| match entry.what {
            What::Departure(id) => Some((id, entry.at)),
            _ => None,
        })
        .collect();
    // A packet that says nothing of the connection's begin or end arrives when it passes, if only one tap saw it.
    let two_taps = trace.entries.iter().any(|entry| match entry.what {
        What::Arrival(id) => {
            let plain = trace.packet(id).segment().is_some_and(|segment| !segment.flags.intersects(Flags::SYN | Flags::FIN | Flags::RST));
            plain && left.get(&id).is_some_and(|at| *at < entry.at)
        }
        _ => false,
    });
    let own = trace.entries.iter().filter(|entry| entry.host == host);
    let mut seen: Vec<(Instant, What)> = own
        .filter_map(|entry| {
            let id = id_of(&entry.what)?;
            let at = if two_taps { entry.at } else { left.get(&id).copied().unwrap_or(entry.at) };
            Some((at, entry.what.clone()))
        })
        .collect();
    seen.sort_by_key(|(at, _)| *at);
    if !two_taps {
        let way = way(trace, &seen);
        // Only the distances count: what arrives comes that much later, and what leaves stays where it is.
        for (at, _) in seen.iter_mut().filter(|(_, what)| !matches!(what, What::Departure(_))) {
            *at = *at + way;
        }
        seen.sort_by_key(|(at, _)| *at);
    }
    seen
}

/// How much longer than at the host its answer to the other side's SYN takes at the tap.
fn way(trace: &Trace, seen: &[(Instant, What)]) -> Duration {
    let segment = |what: &What| id_of(what).and_then(|id| trace.packet(id).segment());
    let syn =
        seen.iter().position(|(_, what)| matches!(what, What::Arrival(_)) && segment(what).is_some_and(|found| found.has(Flags::SYN)));
    let Some(syn) = syn else { return Duration::ZERO };
    let answer = seen[syn..].iter().find(|(_, what)| matches!(what, What::Departure(_)));
    answer.map_or(Duration::ZERO, |(at, _)| at.since(seen[syn].0))
}

struct Guess<'a> {
    trace: &'a Trace,
    host: HostId,
    entries: Vec<Entry>,
    /// What the other side's text has come to without a gap.
    peer_next: Option<u32>,
    /// Text behind a gap: where it begins, its length.
    waiting: BTreeMap<u32, u32>,
    unread: u32,
    /// Behind the last octet the program has written.
    sent: Option<u32>,
    fin: Option<u32>,
}

impl Guess<'_> {
    fn call(&mut self, at: Instant, call: &str, result: Result<String, &str>) {
        self.push(at, call, result, false);
    }

    fn returned(&mut self, at: Instant, call: &str, result: Result<String, &str>) {
        self.push(at, call, result, true);
    }

    fn push(&mut self, at: Instant, call: &str, result: Result<String, &str>, returned: bool) {
        let what = What::Call { call: call.to_owned(), result: result.map_err(str::to_owned), returned };
        self.entries.push(Entry::bare(at, self.host, what, self.trace.host(self.host).initial_state));
    }

    /// Text that comes is there to be read once nothing is missing before it.
    fn coming(&mut self, segment: &Segment) {
        if segment.has(Flags::SYN) {
            self.peer_next = Some(segment.seq.get().wrapping_add(1));
        }
        let Some(mut next) = self.peer_next else { return };
        let start = if segment.has(Flags::SYN) { next } else { segment.seq.get() };
        if segment.len > 0 && self.waiting.len() < 1000 {
            self.waiting.insert(start, segment.len);
        }
        while let Some((start, len)) = self.waiting.iter().map(|(start, len)| (*start, *len)).find(|(start, _)| is_up_to(*start, next)) {
            self.waiting.remove(&start);
            let end = start.wrapping_add(len);
            if is_up_to(next, end) {
                self.unread += end.wrapping_sub(next);
                next = end;
            }
        }
        self.peer_next = Some(next);
    }

    /// What the program did so that this segment leaves.
    fn leaving(&mut self, at: Instant, segment: &Segment, from_here: &[(Instant, What)]) {
        let begins = segment.seq.get().wrapping_add(u32::from(segment.has(Flags::SYN)));
        if segment.has(Flags::SYN) {
            self.sent.get_or_insert(begins);
        }
        let Some(sent) = self.sent else { return };
        let ends = begins.wrapping_add(segment.len);
        let fresh = segment.len > 0 && ends != sent && is_up_to(sent, ends);
        let closes = segment.has(Flags::FIN) && self.fin.is_none();
        if segment.has(Flags::RST) {
            // One that answers nothing is the program's.
            let answers = self.entries.last().is_some_and(|entry| entry.at == at && matches!(entry.what, What::Arrival(_)));
            if !answers && self.fin.is_none() {
                self.call(at, "abort", Ok(String::new()));
            }
            return;
        }
        if (fresh || closes) && self.unread > 0 {
            let octets = self.unread.to_string();
            self.call(at, &format!("recv {octets}"), Ok(octets));
            self.unread = 0;
        }
        if fresh {
            let (end, with_fin) = self.written(sent, from_here);
            let octets = end.wrapping_sub(sent).to_string();
            let more = if with_fin && closes { " more" } else { "" };
            self.call(at, &format!("send {octets}{more}"), Ok(octets));
            self.sent = Some(end);
        }
        if closes {
            self.fin = Some(ends);
            let text_comes = from_here.iter().any(|(_, what)| match what {
                What::Arrival(id) => self.trace.packet(*id).segment().is_some_and(|segment| segment.len > 0),
                _ => false,
            });
            self.call(at, if text_comes { "shutdown write" } else { "close" }, Ok(String::new()));
        }
    }

    /// How far the text goes that was written at once: up to what is pushed; and whether a FIN goes with its end.
    fn written(&self, sent: u32, from_here: &[(Instant, What)]) -> (u32, bool) {
        let mut end = sent;
        for (_, what) in from_here {
            let What::Departure(id) = what else { continue };
            let Some(segment) = self.trace.packet(*id).segment() else { continue };
            let next = segment.end().get().wrapping_sub(u32::from(segment.has(Flags::FIN)));
            if segment.len == 0 || !is_up_to(end, next) {
                continue;
            }
            end = next;
            if segment.has(Flags::FIN) || segment.has(Flags::PSH) {
                return (end, segment.has(Flags::FIN));
            }
        }
        (end, false)
    }
}

/// Whether `number` does not lie behind `end`, in sequence space.
const fn is_up_to(number: u32, end: u32) -> bool {
    end.wrapping_sub(number) < 1 << 31
}
