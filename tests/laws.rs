//! Laws that hold for every play of two applications on a faulty network, and for what they say to each other.
//!
//! For other plays than those of every day: `PROPTEST_RNG_SEED=7 PROPTEST_CASES=5000 cargo test --release --test laws`.

mod common {
    pub(crate) mod plays;
    pub(crate) mod talk;
}

use std::thread;

use common::plays::{ISS, Kind, Play, endpoints, play};
use common::talk::{Fate, octet, talk};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::Config;
use synfin::State;
use synfin::engine::{Flags, Profile};
use synfin::sinks::json;
use synfin::sinks::pcap::{self, Format, Tap};
use synfin::trace::{Entry, HostId, Packet, Trace, What};
use synfin::worlds::World as _;
use synfin::worlds::simulated::{NetstatRow, Simulated};

const HOSTS: [HostId; 2] = [HostId(0), HostId(1)];

fn cases(cases: u32) -> Config {
    let given = Config::default();
    let cases = if std::env::var_os("PROPTEST_CASES").is_some() { given.cases } else { cases };
    Config { cases, failure_persistence: None, ..given }
}

/// A packet with its numbers relative to the ISSs.
fn relative(packet: &Packet, iss: [u32; 2]) -> String {
    let segment = packet.segment().expect("a segment");
    // A forged segment comes in the other's name.
    let from = usize::from(packet.from.map_or(1 - packet.to.0, |from| from.0));
    let theirs = iss[usize::from(packet.to.0)];
    // SEQ 0 of a RST that answers a segment without ACK is a number of its own.
    let stray = segment.has(Flags::RST) && segment.has(Flags::ACK) && segment.seq.get() == 0;
    let seq = if stray { 0 } else { segment.seq.get().wrapping_sub(iss[from]) };
    let ack = if segment.has(Flags::ACK) { segment.ack.get().wrapping_sub(theirs) } else { 0 };
    format!("{from} SEQ={seq} ACK={ack} LEN={} {} WND={}", segment.len, segment.flags, segment.window.0)
}

/// Whether a RST whose SEQ is 0 because it answers a segment without ACK meets a receive window: then it
/// depends on the ISS whether 0 lies in it, as the RFC has it.
fn is_judged_by_zero(trace: &Trace, entry: &Entry) -> bool {
    let What::Arrival(id) = entry.what else { return false };
    let segment = trace.packet(id).segment().expect("a segment");
    let zero = segment.has(Flags::RST) && segment.has(Flags::ACK) && segment.seq.get() == 0;
    zero && !matches!(entry.before, State::Closed | State::Listen | State::SynSent)
}

/// What happened, but for the place in sequence space.
fn course(trace: &Trace, iss: [u32; 2]) -> Vec<String> {
    let told = |entry: &Entry| {
        let what = match &entry.what {
            What::Departure(id) => format!("departure {}", relative(trace.packet(*id), iss)),
            What::Arrival(id) => format!("arrival {}", relative(trace.packet(*id), iss)),
            // The text of a note about a forged segment has its numbers.
            What::Note(_) => "note".to_owned(),
            other => format!("{other:?}"),
        };
        let rules: Vec<_> = entry.rules.iter().map(|rule| rule.name).collect();
        format!("{} {} {what} {} -> {} {rules:?} {:?}", entry.at, entry.host.0, entry.before, entry.after, entry.signals)
    };
    trace.entries.iter().take_while(|entry| !is_judged_by_zero(trace, entry)).map(told).collect()
}

fn bytes(trace: &Trace) -> Vec<u8> {
    let mut bytes = Vec::new();
    pcap::write(trace, Format::PcapNg, Tap::Both, &mut bytes).expect("a Vec takes everything");
    json::write(trace, &mut bytes).expect("a Vec takes everything");
    bytes
}

/// The other end of a connection, if that host still knows of it.
fn peer(world: &Simulated, row: &NetstatRow) -> Option<NetstatRow> {
    let all = HOSTS.into_iter().flat_map(|host| endpoints(world, host));
    all.into_iter().find(|other| row.remote == Some(other.local) && other.remote == Some(row.local))
}

/// Why an endpoint can stand still for ever, if it can.
fn stuck(world: &Simulated, row: &NetstatRow) -> Option<String> {
    let excused = match row.state {
        State::Closed | State::Listen => true,
        // Its user may send or close; what was sent already needs a timer.
        State::Established | State::CloseWait => row.send_queue == 0 || row.deadline.is_some(),
        State::SynSent | State::SynReceived | State::FinWait1 | State::Closing | State::LastAck | State::TimeWait => row.deadline.is_some(),
        // It waits for the other's FIN, which a call or a timer there will send. If the other knows nothing
        // (its RST was lost, it crashed), the RFC has no timer for it; profiles may (section 3.6).
        State::FinWait2 => {
            let peer = peer(world, row).map(|peer| peer.state);
            row.deadline.is_some() || matches!(peer, None | Some(State::CloseWait | State::LastAck | State::Closing))
        }
    };
    (!excused).then(|| format!("{row:?}, peer {:?}", peer(world, row)))
}

proptest! {
    #![proptest_config(cases(150))]

    #[test]
    fn the_place_in_sequence_space_changes_nothing(
        play in play(Kind::ANY),
        a in prop_oneof![any::<u32>(), (u32::MAX - 100_000)..],
        b in prop_oneof![any::<u32>(), (u32::MAX - 100_000)..],
    ) {
        let (here, there) = (course(&play.trace(ISS), ISS), course(&play.trace([a, b]), [a, b]));
        for (here, there) in here.iter().zip(&there) {
            prop_assert_eq!(here, there, "{}", play.text([a, b]));
        }
        prop_assert_eq!(here.len(), there.len());
    }

    #[test]
    fn a_network_that_stops_losing_leaves_nobody_waiting(play in play(Kind { crashes: true, ..Kind::HONEST })) {
        ends(&play)?;
    }

    #[test]
    fn nobody_waits_for_ever_on_a_network_that_loses_by_chance(play in play(Kind { forged: false, ..Kind::ANY })) {
        ends(&play)?;
    }

    #[test]
    fn no_reset_answers_a_reset(play in play(Kind::ANY)) {
        // RFC 9293 section 3.5.2.
        let trace = play.trace(ISS);
        let mut answering = [false; 2];
        for entry in &trace.entries {
            let host = usize::from(entry.host.0);
            match entry.what {
                What::Arrival(id) => answering[host] = trace.packet(id).has(Flags::RST),
                What::Departure(id) => {
                    let reset = trace.packet(id).has(Flags::RST);
                    prop_assert!(!(answering[host] && reset), "at {}: {}\n{}", entry.at, trace.packet(id).segment().expect("a segment"), play.text(ISS));
                }
                What::Call { .. } | What::Timer(_) => answering[host] = false,
                What::Loss(_) | What::Rejection(_) | What::Observation | What::Note(_) => {}
            }
        }
    }

    #[test]
    fn no_state_is_without_a_timer_or_somebody_who_can_move_it(play in play(Kind { forged: false, ..Kind::ANY })) {
        let mut found = None;
        play.watched(ISS, |world| {
            for row in HOSTS.into_iter().flat_map(|host| endpoints(world, host)) {
                if let Some(why) = stuck(world, &row) {
                    found.get_or_insert_with(|| format!("at {}: {why}", world.now()));
                }
            }
        });
        prop_assert_eq!(found, None, "{}", play.text(ISS));
    }

    #[test]
    fn the_same_play_has_the_same_bytes_in_every_thread(play in play(Kind::ANY)) {
        let here = bytes(&play.trace(ISS));
        let elsewhere = play.clone();
        let there = thread::spawn(move || bytes(&elsewhere.trace(ISS))).join().expect("no panic");
        prop_assert!(here == bytes(&play.trace(ISS)), "{}", play.text(ISS));
        prop_assert!(here == there, "{}", play.text(ISS));
    }
}

/// After how many retransmissions of text the least patient profile gives up.
const FEWEST_RETRIES: usize = 6;

fn fate() -> impl Strategy<Value = Fate> {
    prop_oneof![4 => Just(Fate::Pass), 2 => Just(Fate::Lose), 1 => Just(Fate::Twice), 2 => (0..2000_u16).prop_map(Fate::Late)]
}

fn profile() -> impl Strategy<Value = Profile> {
    let knobs = (select(vec!["rfc9293", "linux", "freebsd"]), select(vec!["4000", "20000", "65536"]), select(vec!["off", "0", "7"]));
    knobs.prop_map(|(name, buffer, shift)| {
        let mut profile = Profile::named(name).expect("a profile");
        profile.set("receive-buffer", buffer).expect("a knob");
        profile.set("window-scale", shift).expect("a knob");
        profile
    })
}

proptest! {
    #![proptest_config(cases(150))]

    #[test]
    fn octets_arrive_in_order_once_and_unchanged_or_the_user_is_told(
        a in profile(),
        b in profile(),
        texts in (0..100_000_usize, prop_oneof![Just(0), 0..30_000_usize]),
        bite in prop_oneof![1..3000_u32, Just(u32::MAX)],
        fates in vec(fate(), 0..80),
    ) {
        let sides = talk([a, b], [texts.0, texts.1], bite, &fates);
        for (at, side) in sides.iter().enumerate() {
            let other = &sides[1 - at];
            prop_assert!(side.heard.len() <= other.sent, "more than was sent");
            let right = side.heard.iter().zip(0..).all(|(heard, place)| *heard == octet(1 - at, place));
            prop_assert!(right, "what {at} heard is not what the other said");
            let whole = side.heard.len() == other.to_send;
            // The end of file says that this was all; an error that it was not, to one of them at least.
            prop_assert!(!side.end_of_file || whole, "the end of file after {} of {}", side.heard.len(), other.to_send);
            // Who has closed cannot be told any more that its last words were lost as often as it takes to give up.
            let gave_up = other.closed && fates.iter().filter(|fate| **fate == Fate::Lose).count() > FEWEST_RETRIES;
            let told = side.error.is_some() || other.error.is_some();
            prop_assert!(side.end_of_file || told || gave_up, "nobody was told: {:?}", side.error);
        }
    }
}

/// Both ends are over, or the RFC has nothing that would end them; and who was cut off was told.
fn ends(play: &Play) -> Result<(), TestCaseError> {
    let world = play.watched(ISS, |_| {});
    for row in HOSTS.into_iter().flat_map(|host| endpoints(&world, host)) {
        let waits = row.state == State::FinWait2 && row.deadline.is_none() && peer(&world, &row).is_none();
        prop_assert!(row.state == State::Listen || waits, "{row:?}\n{}", play.text(ISS));
    }
    // Whoever has closed its socket is no user any more; a reader that has seen the end of file knows it all.
    let mut left = [false; 2];
    for entry in world.into_trace().entries {
        if let What::Call { call, .. } = &entry.what {
            left[usize::from(entry.host.0)] |= ["close", "close listener", "abort", "exit", "crash"].contains(&call.as_str());
        }
        let cut_off = entry.after == State::Closed && entry.before.is_synchronized();
        let over = matches!(entry.before, State::TimeWait | State::LastAck | State::Closing) || left[usize::from(entry.host.0)];
        prop_assert!(!cut_off || over || !entry.signals.is_empty(), "{entry:?}\n{}", play.text(ISS));
    }
    Ok(())
}
