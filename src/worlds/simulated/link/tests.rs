//! One test for each thing a link does, with packets of 1000 octets that leave one after the other.

use std::time::Duration;

use super::*;
use crate::engine::{Flags, Segment, SeqNumber, TcpOptions, WireWindow};
use crate::worlds::{Probability, Queue, Rate, SegmentKind};

const A: HostId = HostId(0);
const B: HostId = HostId(1);
const DELAY: Duration = Duration::from_millis(10);

fn text() -> Segment {
    Segment {
        seq: SeqNumber::new(1),
        ack: SeqNumber::new(1),
        flags: Flags::ACK,
        window: WireWindow(1000),
        urgent: 0,
        len: 960,
        options: TcpOptions::NONE,
    }
}

/// What becomes of a packet that `from` sends at this millisecond.
fn sent(link: &mut Link, from: HostId, millis: u64) -> Passage {
    let content = Payload::Tcp { segment: text(), text: Vec::new() };
    let at = Instant::START + Duration::from_millis(millis);
    link.pass(&Leaving { at, from, content: &content, octets: 1000, payload: 980, to_itself: false })
}

fn arrives(after: Duration) -> Arrives {
    Arrives { after, copy: None, damage: None, steps_back: false }
}

fn chance(percent: &str, seed: u64) -> Chance {
    Chance { probability: Probability::parse(percent).expect("a percentage"), seed: Some(seed) }
}

fn both(what: Impairment) -> Fault {
    Fault::Link { from: None, what }
}

fn act(which: SegmentKind, fate: Fate) -> Fault {
    Fault::Act(NetworkAct { from: A, which, skip: 1, count: 1, fate })
}

#[test]
fn a_link_without_faults_delays() {
    let mut link = Link::new(DELAY, &[], 1);
    assert_eq!(sent(&mut link, A, 0), Passage::Arrives(arrives(DELAY)));
}

#[test]
fn an_act_is_for_one_segment_of_one_host() {
    for (fate, passage) in [
        (Fate::Lose, Passage::Lost),
        (Fate::Delay(DELAY), Passage::Arrives(arrives(DELAY * 2))),
        (Fate::Duplicate(DELAY), Passage::Arrives(Arrives { copy: Some(DELAY * 2), ..arrives(DELAY) })),
        (Fate::Reorder, Passage::Arrives(Arrives { steps_back: true, ..arrives(DELAY) })),
        (
            Fate::Corrupt(crate::worlds::LAST_OCTET),
            Passage::Arrives(Arrives { damage: Some(Damage { octet: 979, bit: 0 }), ..arrives(DELAY) }),
        ),
    ] {
        let mut link = Link::new(DELAY, &[act(SegmentKind::Data, fate)], 1);
        let plain = Passage::Arrives(arrives(DELAY));
        assert_eq!([A, B, A, A].map(|from| sent(&mut link, from, 0)), [plain, plain, passage, plain], "{fate:?}");
    }
}

#[test]
fn chance_is_for_its_direction() {
    let loss = Impairment::Loss(chance("100%", 1));
    let mut link = Link::new(DELAY, &[Fault::Link { from: Some(B), what: loss }], 1);
    assert_eq!(sent(&mut link, A, 0), Passage::Arrives(arrives(DELAY)));
    assert_eq!(sent(&mut link, B, 0), Passage::Lost);
}

#[test]
fn the_later_of_two_counts() {
    let faults = [both(Impairment::Loss(chance("100%", 1))), Fault::Link { from: Some(A), what: Impairment::Loss(chance("0%", 1)) }];
    let mut link = Link::new(DELAY, &faults, 1);
    assert_eq!(sent(&mut link, A, 0), Passage::Arrives(arrives(DELAY)));
    assert_eq!(sent(&mut link, B, 0), Passage::Lost);
}

#[test]
fn what_chance_decides_depends_on_seed_and_order_alone() {
    let lost = |link: &mut Link, times: &mut dyn FnMut(u64) -> u64| -> Vec<bool> {
        (0..200).map(|number| sent(link, A, times(number)) == Passage::Lost).collect()
    };
    let fault = both(Impairment::Loss(chance("20%", 7)));
    let mut plain = Link::new(DELAY, std::slice::from_ref(&fault), 1);
    let expected = lost(&mut plain, &mut |number| number);
    // Other times, other chances beside it, another scenario's seed, traffic the other way: no difference.
    let others = [
        fault.clone(),
        both(Impairment::Duplicate(chance("50%", 7))),
        both(Impairment::Jitter { up_to: DELAY, seed: None }),
        both(Impairment::Corrupt(chance("50%", 9))),
        both(Impairment::Reorder(chance("50%", 7))),
    ];
    let mut busy = Link::new(Duration::ZERO, &others, 99);
    let mut seen = Vec::new();
    for number in 0..200 {
        sent(&mut busy, B, number);
        seen.push(sent(&mut busy, A, number * 1000) == Passage::Lost);
    }
    assert_eq!(seen, expected);
    let mut other = Link::new(DELAY, &[both(Impairment::Loss(chance("20%", 8)))], 1);
    assert_ne!(lost(&mut other, &mut |number| number), expected, "another seed, another choice");
}

#[test]
fn a_full_queue_drops_and_the_wire_takes_its_time() {
    // 1000 octets at 8 Mbit/s are a millisecond.
    let rate = Rate { bits_per_second: 8_000_000, queue: Some(Queue::Packets(1)) };
    let mut link = Link::new(DELAY, &[both(Impairment::Rate(rate))], 1);
    let after = |millis| Passage::Arrives(arrives(DELAY + Duration::from_millis(millis)));
    let passages = [0, 0, 0, 1].map(|millis| sent(&mut link, A, millis));
    assert_eq!(passages, [after(1), after(2), Passage::Dropped, after(2)]);
    assert_eq!(sent(&mut link, B, 0), after(1), "each direction has its own");
}

#[test]
fn damage_hits_every_octet_of_a_segment_and_no_other() {
    let mut link = Link::new(DELAY, &[both(Impairment::Corrupt(chance("100%", 1)))], 1);
    let mut segment = text();
    segment.len = 0;
    let content = Payload::Tcp { segment, text: Vec::new() };
    let mut hit = std::collections::BTreeSet::new();
    for _ in 0..5000 {
        let leaving = Leaving { at: Instant::START, from: A, content: &content, octets: 40, payload: 20, to_itself: false };
        let Passage::Arrives(Arrives { damage: Some(damage), .. }) = link.pass(&leaving) else { panic!("all are damaged") };
        hit.insert((damage.octet, damage.bit));
    }
    assert_eq!(hit, (0..20).flat_map(|octet| (0..8).map(move |bit| (octet, bit))).collect());
}

#[test]
fn a_host_that_talks_to_itself_needs_no_wire() {
    let mut link = Link::new(DELAY, &[both(Impairment::Loss(chance("100%", 1)))], 1);
    let content = Payload::Tcp { segment: text(), text: Vec::new() };
    let leaving = Leaving { at: Instant::START, from: A, content: &content, octets: 1000, payload: 980, to_itself: true };
    assert_eq!(link.pass(&leaving), Passage::Arrives(arrives(Duration::ZERO)));
}
