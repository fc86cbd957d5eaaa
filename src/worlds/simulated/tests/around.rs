//! The IP header fields a socket asks for, and those it asks of others.

use super::peer::Alone;
use super::*;
use crate::engine::Codepoint;
use crate::trace::Envelope;

#[test]
fn ttl_and_class_of_a_listener_are_those_of_its_children() {
    let mut alone = Alone::linux();
    let listener = alone.listener();
    alone.host.set_ttl(listener, Some(33)).expect("held");
    alone.host.set_tos(listener, 0x4b).expect("held");
    alone.arrive(Flags::SYN, 0, 0, 0);
    let syn_ack = alone.next().expect("a SYN,ACK");
    assert_eq!(syn_ack.envelope, Envelope { ttl: 33, dscp: 0x48 >> 2, ..Envelope::PLAIN });
    alone.arrive(Flags::ACK, 1, syn_ack.segment().expect("a segment").seq.get() + 1, 0);
    let id = alone.host.accept(listener).expect("done");
    assert_eq!(alone.host.envelope(id).map(|envelope| (envelope.ttl, envelope.tos())), Ok((33, 0x48)));
    alone.host.set_ttl(id, None).expect("held");
    alone.host.send(id, alone.now, b"text", false).expect("open");
    assert_eq!(alone.next().expect("text").envelope.ttl, 64);
}

#[test]
fn a_cookie_leaves_as_its_listener_wants() {
    let mut alone = Alone::of("linux", &[("syn-cookies", "always")], false);
    let listener = alone.listener();
    alone.host.set_ttl(listener, Some(33)).expect("held");
    alone.arrive(Flags::SYN, 0, 0, 0);
    assert_eq!(alone.next().expect("a cookie").envelope.ttl, 33);
}

#[test]
fn the_ecn_field_is_tcps_and_not_the_applications() {
    let mut alone = Alone::linux();
    let listener = alone.listener();
    alone.arrive(Flags::SYN | Flags::ECE | Flags::CWR, 0, 0, 0);
    let iss = alone.next().expect("a SYN,ACK").segment().expect("a segment").seq.get();
    alone.arrive(Flags::ACK, 1, iss.wrapping_add(1), 0);
    let id = alone.host.accept(listener).expect("done");
    alone.host.set_tos(id, 0xb8).expect("held");
    alone.host.send(id, alone.now, b"text", false).expect("open");
    let out = alone.next().expect("text");
    assert_eq!((out.envelope.tos(), out.envelope.codepoint), (0xba, Codepoint::Ect0));
}

#[test]
fn what_comes_from_too_far_away_is_dropped() {
    // RFC 5082 section 3.
    let mut alone = Alone::linux();
    let id = alone.accepted();
    alone.host.set_min_ttl(id, 60).expect("held");
    alone.envelope.ttl = 59;
    let ack = alone.iss.wrapping_add(1);
    assert_eq!(alone.arrive(Flags::ACK | Flags::PSH, 1, ack, 3), None);
    assert_eq!(alone.host.recv(id, alone.now, 10), Err(Errno::Again));
    alone.envelope.ttl = 60;
    alone.arrive(Flags::ACK | Flags::PSH, 1, ack, 3);
    assert_eq!(alone.host.recv(id, alone.now, 10).map(|text| text.len()), Ok(3));
}

#[test]
fn a_listener_hears_no_syn_from_too_far_away() {
    let mut alone = Alone::linux();
    let listener = alone.listener();
    alone.host.set_min_ttl(listener, 65).expect("held");
    alone.arrive(Flags::SYN, 0, 0, 0);
    assert_eq!(alone.next(), None);
}

#[test]
fn a_reset_for_nobody_keeps_the_class_of_what_it_answers_on_linux() {
    for (profile, class) in [("linux", 0xb8), ("rfc9293", 0)] {
        let mut alone = Alone::of(profile, &[], false);
        alone.envelope = Envelope::PLAIN.with_tos(0xb9);
        alone.arrive(Flags::SYN, 0, 0, 0);
        assert_eq!(alone.next().expect("a RST").envelope.tos(), class, "{profile}");
    }
}

#[test]
fn a_flow_label_has_20_bits() {
    let mut alone = Alone::of("linux", &[], true);
    let id = alone.accepted();
    alone.host.set_flow_label(id, 0x12_3456).expect("held");
    alone.host.send(id, alone.now, b"text", false).expect("open");
    assert_eq!(alone.next().expect("text").envelope.flow_label, 0x2_3456);
}
