//! Both ends' states, packet by packet, from what passed by.
//!
//! A bystander sees no calls and no timers. So each end has a shadow that walks the engine's transition table: what
//! it receives selects a row, what it sends shows which call was made, and where two rows are possible what it does
//! next decides. What nobody can see stays as it was: a TIME-WAIT that has ended, a process that has gone, until a
//! packet shows it. A connection whose beginning is not in the capture is ESTABLISHED, as seen.
//!
//! A rule stands beside a packet where exactly that row explains it.

use super::shadow::{Ahead, Shadow};
use crate::engine::{Flags, IcmpError, Segment, TABLE};
use crate::trace::{self, Entry, HostId, Icmp, PacketId, Payload, Quoted, Trace, What};

/// Fills in the states of a trace whose packets all pass between the same two ends, and the rules that explain them.
///
/// Of each entry `before`, `after` and `rules` are overwritten; calls and timers, if there are any, are not looked at.
pub fn infer(trace: &mut Trace) {
    connections(trace);
}

/// The same; returns the entries at which a connection begins that follows another one.
pub(super) fn connections(trace: &mut Trace) -> Vec<usize> {
    let futures = [HostId(0), HostId(1)].map(|host| Future::of(trace, host));
    let mut shadows = [Shadow::new(&TABLE), Shadow::new(&TABLE)];
    let mut begins = Vec::new();
    for index in 0..trace.entries.len() {
        let entry = &trace.entries[index];
        let host = usize::from(entry.host.0.min(1));
        let ahead = |segment: Option<&Segment>| futures[host].ahead(trace, index, segment);
        shadows[host].rest(futures[host].listens(index));
        let mut before = shadows[host].state();
        let rules = match entry.what {
            What::Departure(id) => match trace.packet(id).segment() {
                None => Vec::new(),
                Some(segment) => {
                    let syn = segment.has(Flags::SYN) && !segment.has(Flags::ACK) && shadows[host].is_news(segment);
                    if syn && shadows.iter().all(Shadow::is_over) && shadows.iter().any(Shadow::is_known) {
                        begins.push(index);
                    }
                    let peer_fin = shadows[1 - host].fin_crossed();
                    shadows[host].sends(segment, peer_fin)
                }
            },
            What::Arrival(id) => match &trace.packet(id).payload {
                Payload::Tcp { segment, .. } => {
                    let rules = shadows[host].receives(&segment.crossed(), &ahead(Some(segment)));
                    // Somebody listens where nothing was known, or nobody is there any more.
                    before = rules.first().filter(|_| before != rules[0].from).map_or(before, |rule| rule.from);
                    rules
                }
                Payload::Icmp(Icmp::Error { error, quote, .. }) => match quote.what {
                    Quoted::Tcp(seq) => shadows[host].hears(judged(*error), seq, &ahead(None)),
                    Quoted::Udp | Quoted::Echo { .. } | Quoted::Other(_) => Vec::new(),
                },
                Payload::Udp { .. } | Payload::Icmp(_) | Payload::Neighbour(_) => Vec::new(),
            },
            What::Loss(_) | What::Rejection(_) | What::Call { .. } | What::Timer(_) | What::Observation | What::Note(_) => Vec::new(),
        };
        before = shadows[host].take_assumed().unwrap_or(before);
        let after = shadows[host].state();
        let entry = &mut trace.entries[index];
        (entry.before, entry.after, entry.rules) = (before, after, rules);
    }
    begin(trace);
    begins
}

/// The states before the first entry.
fn begin(trace: &mut Trace) {
    for id in trace.host_ids().collect::<Vec<_>>() {
        if let Some(first) = trace.entries.iter().find(|entry| entry.host == id) {
            trace.hosts[usize::from(id.0)].initial_state = first.before;
        }
    }
}

/// Which errors end an attempt (RFC 9293 section 3.9.2.2).
const fn judged(error: trace::IcmpError) -> IcmpError {
    match error {
        trace::IcmpError::ProtocolUnreachable | trace::IcmpError::PortUnreachable => IcmpError::Hard,
        _ => IcmpError::Soft,
    }
}

/// What one host is going to send.
struct Future {
    host: HostId,
    /// Of each entry, the next departure of a segment behind it.
    next: Vec<Option<u32>>,
    /// Up to which entry a SYN,ACK is still to come.
    listens: usize,
}

/// Resets in a row that are looked through for the answer to a segment.
const RESETS_AT_MOST: usize = 16;
/// Entries between a segment and its answer that are looked through for another one it could answer.
const ENTRIES_AT_MOST: usize = 64;

impl Future {
    fn of(trace: &Trace, host: HostId) -> Self {
        let mut future = Self { host, next: vec![None; trace.entries.len()], listens: 0 };
        let mut last = None;
        for (index, entry) in trace.entries.iter().enumerate().rev() {
            future.next[index] = last;
            if let Some(segment) = future.departs(trace, entry) {
                last = u32::try_from(index).ok();
                if segment.has(Flags::SYN | Flags::ACK) {
                    future.listens = future.listens.max(index);
                }
            }
        }
        future
    }

    fn departs<'a>(&self, trace: &'a Trace, entry: &Entry) -> Option<&'a Segment> {
        match entry.what {
            What::Departure(id) if entry.host == self.host => trace.packet(id).segment(),
            _ => None,
        }
    }

    fn listens(&self, index: usize) -> bool {
        index < self.listens
    }

    fn ahead<'a>(&self, trace: &'a Trace, index: usize, segment: Option<&Segment>) -> Ahead<'a> {
        let answer = self.next[index].and_then(|next| self.departs(trace, &trace.entries[next as usize]));
        let takes_syn = segment.is_some_and(|syn| self.takes_syn(trace, index, syn, answer));
        let reset = segment.and_then(|segment| self.reset(trace, index, segment));
        Ahead { answer, takes_syn, reset, listens: self.listens(index) }
    }

    /// The RST that answers this segment, and not one that arrives later.
    fn reset<'a>(&self, trace: &'a Trace, index: usize, segment: &Segment) -> Option<&'a Segment> {
        let departures = std::iter::successors(self.next[index], |index| self.next[*index as usize])
            .filter_map(|next| Some((next as usize, self.departs(trace, &trace.entries[next as usize])?)));
        let resets = departures.take(RESETS_AT_MOST).take_while(|(_, answer)| answer.has(Flags::RST));
        let resets: Vec<_> = resets.filter(|(_, reset)| answers(reset, segment)).collect();
        let &(first, reset) = resets.first()?;
        let arrives = |entry: &Entry| match entry.what {
            What::Arrival(id) if entry.host == self.host => trace.packet(id).segment(),
            _ => None,
        };
        let between = trace.entries[index + 1..first].iter().take(ENTRIES_AT_MOST).filter_map(arrives);
        let rivals = between.filter(|later| !later.has(Flags::RST) && answers(reset, later)).count();
        (resets.len() > rivals).then_some(reset)
    }

    /// Whether the next segment is a SYN,ACK for this SYN, and no other SYN comes before it.
    fn takes_syn(&self, trace: &Trace, index: usize, syn: &Segment, answer: Option<&Segment>) -> bool {
        let acknowledged = |answer: &Segment| {
            let ack = answer.ack.crossed();
            answer.has(Flags::SYN | Flags::ACK) && syn.seq.before(ack) && ack.at_or_before(syn.end())
        };
        if !syn.has(Flags::SYN) || syn.flags.intersects(Flags::ACK | Flags::RST) || !answer.is_some_and(acknowledged) {
            return false;
        }
        let until = self.next[index].map_or(index, |next| next as usize);
        !trace.entries[index + 1..until].iter().any(|entry| {
            let is_syn = |id: PacketId| trace.packet(id).segment().is_some_and(|other| other.has(Flags::SYN) && !other.has(Flags::ACK));
            matches!(entry.what, What::Arrival(id) if entry.host == self.host && is_syn(id))
        })
    }
}

/// Whether a RST has the numbers with which a TCP without a connection answers this segment (section 3.5.2, group 1).
fn answers(reset: &Segment, segment: &Segment) -> bool {
    if segment.has(Flags::ACK) {
        reset.seq == segment.ack.crossed() && !reset.has(Flags::ACK)
    } else {
        reset.seq.get() == 0 && reset.has(Flags::ACK) && reset.ack == segment.end().crossed()
    }
}
