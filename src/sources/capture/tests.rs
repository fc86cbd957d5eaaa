//! The oracle: what is inferred of a scenario's packets alone is what the simulation says of itself.

mod files;

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::infer::infer;
use super::{Limits, Protocol, read};
use crate::engine::Instant;
use crate::engine::State::{self, *};
use crate::sinks::pcap::{self, Format, Tap};
use crate::sources::scenario::{Overrides, Scenario, catalogue};
use crate::trace::{Entry, Packet, Trace, What};

fn simulated(name: &str, profile: Option<&str>) -> Trace {
    let overrides = Overrides { profile: profile.map(str::to_owned), ..Overrides::default() };
    Scenario::load(name).expect("of the catalogue").simulate(&overrides).expect("can be played")
}

fn packet_of<'a>(trace: &'a Trace, entry: &Entry) -> Option<&'a Packet> {
    match entry.what {
        What::Departure(id) | What::Arrival(id) | What::Rejection(id) => Some(trace.packet(id)),
        _ => None,
    }
}

/// The connections of a trace, each with nothing left of it but packets, and with where its entries stand.
fn forgotten(trace: &Trace) -> Vec<(Trace, Vec<usize>)> {
    let mut pairs: BTreeMap<_, (Vec<Entry>, Vec<usize>)> = BTreeMap::new();
    for (index, entry) in trace.entries.iter().enumerate() {
        let Some(packet) = packet_of(trace, entry).filter(|packet| packet.segment().is_some()) else { continue };
        let mut ends = [packet.source, packet.destination].map(|end| (end.address, end.port));
        ends.sort_unstable();
        let (entries, places) = pairs.entry(ends).or_default();
        entries.push(Entry::bare(entry.at, entry.host, entry.what.clone(), State::Closed));
        places.push(index);
    }
    let bare = |entries| Trace { entries, ..Trace { entries: Vec::new(), ..trace.clone() } };
    pairs.into_values().map(|(entries, places)| (bare(entries), places)).collect()
}

/// A difference between what is inferred and what was, that no bystander can avoid.
struct Exception {
    scenario: &'static str,
    /// What is and what is inferred.
    states: (State, State),
    reason: &'static str,
}

const fn exception(scenario: &'static str, is: State, inferred: State, reason: &'static str) -> Exception {
    Exception { scenario, states: (is, inferred), reason }
}

#[rustfmt::skip]
const EXCEPTIONS: &[Exception] = &[
    exception("simultaneous-open-literal", SynReceived, Established, "the SYN,ACK is refused, and what is sent then is what would be sent if it were not"),
    exception("half-open-active-side",     Closed,      Established, "a crash shows no earlier than the RST, which may be an abort"),
    exception("old-duplicate-two-passive", Listen,      Closed,      "a listener that only ever sends RST is nobody"),
    exception("rst-to-listen",             Listen,      Closed,      "a listener that answers nothing is nobody"),
    exception("ack-to-listen",             Listen,      Closed,      "a listener that only ever sends RST is nobody"),
    exception("syn-cookie-bad-ack",        Listen,      Closed,      "a listener that only ever sends RST is nobody"),
    exception("syn-fin",                   Listen,      Closed,      "a listener that only ever sends RST is nobody"),
    exception("syn-fin",                   Closed,      Established, "a host of which nothing is captured may be part of a connection"),
    exception("syn-flood",                 Listen,      Closed,      "that somebody listens shows in other connections only"),
    exception("connect-multicast-refused", Listen,      Closed,      "that somebody listens shows in other connections only"),
    exception("syn-flood",                 Listen,      SynReceived, "a cookie keeps no state, and looks like a request that does"),
    exception("syn-cookie",                Listen,      SynReceived, "a cookie keeps no state, and looks like a request that does"),
    exception("syn-cookie-ack-lost",       Listen,      SynReceived, "a cookie keeps no state, and looks like a request that does"),
    exception("time-wait-assassination-defended", TimeWait, Closed,  "that a RST was not heeded does not show if nothing follows"),
    exception("syn-ack-with-fin",          Established, CloseWait,   "text and FIN of a SYN,ACK that Linux drops are taken for taken"),
    exception("lossy-link",                FinWait1,    Established, "a FIN behind text that FreeBSD's window keeps back shows when it leaves"),
    exception("syn-ack-with-fin",          FinWait1,    Established, "a FIN that FreeBSD kept back for the handshake shows when it leaves"),
    exception("simultaneous-open-refused", Closed,      Established, "FreeBSD tells nobody of a close before the handshake is done"),
    exception("abort-in-closing",          TimeWait,    Closed,      "that a RST was not heeded does not show if nothing follows"),
    exception("simultaneous-close",        TimeWait,    Closing,     "FreeBSD takes the ACK of a FIN that comes again, which the first check refuses"),
    exception("self-connect",              TimeWait,    Closing,     "FreeBSD takes the ACK of a FIN that comes again, which the first check refuses"),
    exception("time-wait-stray-ack",       TimeWait,    Closing,     "FreeBSD takes the ACK of a FIN that comes again, which the first check refuses"),
    exception("old-duplicate-syn-race",    SynReceived, Listen,      "FreeBSD answers another SYN by the SYN,ACK again, and returns to no LISTEN"),
];

#[test]
fn states_are_those_of_the_simulation() {
    let mut wrong = String::new();
    let mut used = vec![false; EXCEPTIONS.len()];
    for (name, profile) in catalogue::names().flat_map(|name| [None, Some("linux"), Some("freebsd")].map(|profile| (name, profile))) {
        let trace = simulated(name, profile);
        for (mut seen, places) in forgotten(&trace) {
            infer(&mut seen);
            for (entry, place) in seen.entries.iter().zip(places) {
                let truth = &trace.entries[place];
                let known = EXCEPTIONS.iter().position(|known| known.scenario == name && known.states == (truth.after, entry.after));
                if let Some(known) = known {
                    used[known] = true;
                } else if entry.after != truth.after {
                    let _ = writeln!(wrong, "{name} {profile:?} {}: is {}, inferred {}", shown(&trace, truth), truth.after, entry.after);
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
    for (known, used) in EXCEPTIONS.iter().zip(used) {
        assert!(used, "{}: {:?} is no exception any more ({})", known.scenario, known.states, known.reason);
    }
}

/// What a flow or a part of a trace says: when, whose packet, where, and the state it leads to.
fn told<'a>(trace: &'a Trace, entries: impl Iterator<Item = &'a Entry>, since: Instant) -> Vec<String> {
    let line = |entry: &Entry| {
        let packet = packet_of(trace, entry)?;
        let verb = match entry.what {
            What::Departure(_) => "snd",
            What::Arrival(_) => "rcv",
            _ => "drop",
        };
        Some(format!("{:?} {} {verb} {} {}", entry.at.since(since), packet.source, packet.segment()?, entry.after))
    };
    entries.filter_map(line).collect()
}

#[test]
fn a_capture_at_both_hosts_tells_as_much_as_the_packets_themselves() {
    let mut wrong = String::new();
    // What a turned bit has made of a segment is not what its sender meant.
    for name in catalogue::names().filter(|name| *name != "corrupt-segment") {
        let trace = simulated(name, None);
        let mut file = Vec::new();
        pcap::write(&trace, Format::PcapNg, Tap::Both, &mut file).expect("can be written");
        let capture = read(&file[..], Limits::default()).expect("a capture");
        assert_eq!((capture.unread, capture.left_out, &capture.broken), (0, 0, &None), "{name}: {:?}", capture.reasons);
        let Some(first) = trace.entries.iter().find(|entry| packet_of(&trace, entry).is_some()) else { continue };
        let mut expected: Vec<_> = forgotten(&trace)
            .into_iter()
            .map(|(mut seen, _)| {
                infer(&mut seen);
                told(&seen, seen.entries.iter(), first.at)
            })
            .collect();
        let flows: Vec<_> = capture.flows.iter().filter(|flow| flow.protocol == Protocol::Tcp).collect();
        let mut pairs: BTreeMap<_, Vec<String>> = BTreeMap::new();
        for flow in flows {
            let mut ends = flow.ends.map(|end| (end.address, end.port));
            ends.sort_unstable();
            pairs.entry(ends).or_default().extend(told(&flow.trace, flow.trace.entries.iter(), Instant::START));
        }
        let mut found: Vec<_> = pairs.into_values().collect();
        expected.sort();
        found.sort();
        if found != expected {
            let _ = writeln!(wrong, "{name}:\n{expected:#?}\n{found:#?}");
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

fn shown(trace: &Trace, entry: &Entry) -> String {
    let segment = packet_of(trace, entry).and_then(Packet::segment).map(ToString::to_string).unwrap_or_default();
    let verb = if matches!(entry.what, What::Departure(_)) { "snd" } else { "rcv" };
    format!("{} {} {verb} {segment}", entry.at, trace.host(entry.host).name)
}

#[test]
fn rules_that_are_named_are_those_that_fired() {
    let (mut wrong, mut named, mut all) = (String::new(), 0, 0);
    for name in catalogue::names().filter(|name| EXCEPTIONS.iter().all(|known| known.scenario != *name)) {
        let trace = simulated(name, None);
        for (mut seen, places) in forgotten(&trace) {
            infer(&mut seen);
            for (entry, place) in seen.entries.iter().zip(places) {
                let truth = &trace.entries[place];
                if !matches!(entry.what, What::Arrival(_)) {
                    continue;
                }
                all += 1;
                named += usize::from(!entry.rules.is_empty());
                if !entry.rules.is_empty() && entry.rules != truth.rules {
                    let rules = |entry: &Entry| entry.rules.iter().map(|rule| rule.name).collect::<Vec<_>>();
                    let _ = writeln!(wrong, "{name} {}: {:?}, inferred {:?}", shown(&trace, truth), rules(truth), rules(entry));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
    // 9 in 10 and more have exactly one explanation.
    assert!(named * 10 > all * 9, "{named} of {all}");
}
