//! Path MTU discovery (RFC 1191, RFC 8201), as Linux 6.18 was measured to do it.

use super::peer::Alone;
use super::*;
use crate::trace::IcmpError;

/// A connection with so much text under way.
fn with_text(alone: &mut Alone, octets: usize) -> SocketId {
    let id = alone.accepted();
    alone.host.send(id, alone.now, &vec![0; octets], false).expect("open");
    assert!(!alone.all().is_empty());
    id
}

fn too_big(alone: &mut Alone, mtu: u32, seq: u32) {
    alone.icmp(IcmpError::FragmentationNeeded, mtu, seq);
}

#[test]
fn what_was_too_long_leaves_again_at_once_in_shorter_segments() {
    let mut alone = Alone::linux();
    let id = with_text(&mut alone, 1000);
    too_big(&mut alone, 600, 1);
    let first = alone.all().remove(0);
    assert_eq!(first, "<SEQ=1><ACK=1><LEN=560><CTL=ACK>");
    assert_eq!(alone.host.connection_mtu(id, alone.now), Ok(600));
    assert_eq!(alone.host.max_segment(id), Ok(560));
}

#[test]
fn without_a_word_of_how_much_the_least_is_believed() {
    for told in [0, 300] {
        let mut alone = Alone::linux();
        let id = with_text(&mut alone, 1000);
        too_big(&mut alone, told, 1);
        assert_eq!((alone.host.connection_mtu(id, alone.now), alone.host.max_segment(id)), (Ok(552), Ok(512)), "{told}");
    }
}

#[test]
fn a_number_that_is_not_under_way_is_not_believed() {
    // RFC 5927 section 4.1.
    for (seq, believed) in [(0, false), (1, true), (1000, true), (1002, false)] {
        let mut alone = Alone::linux();
        let id = with_text(&mut alone, 1000);
        too_big(&mut alone, 600, seq);
        assert_eq!(alone.host.connection_mtu(id, alone.now), Ok(if believed { 600 } else { 1500 }), "{seq}");
        assert_eq!(alone.all().is_empty(), !believed);
    }
}

#[test]
fn a_larger_mtu_than_that_of_the_path_changes_nothing() {
    let mut alone = Alone::linux();
    let id = with_text(&mut alone, 1460);
    too_big(&mut alone, 1500, 1);
    too_big(&mut alone, 2000, 1);
    assert_eq!(alone.all(), Vec::<String>::new());
    assert_eq!(alone.host.max_segment(id), Ok(1460));
}

#[test]
fn what_is_short_enough_does_not_leave_again() {
    let mut alone = Alone::linux();
    let id = with_text(&mut alone, 1000);
    too_big(&mut alone, 1400, 1);
    assert_eq!(alone.all(), Vec::<String>::new());
    assert_eq!(alone.host.max_segment(id), Ok(1360));
}

#[test]
fn an_ipv6_router_below_1280_is_not_believed() {
    // RFC 8200 section 5.
    for (told, mtu) in [(1279, 1500), (1280, 1280)] {
        let mut alone = Alone::of("linux", &[], true);
        let id = with_text(&mut alone, 1400);
        too_big(&mut alone, told, 1);
        assert_eq!(alone.host.connection_mtu(id, alone.now), Ok(mtu), "{told}");
    }
}

#[test]
fn the_next_connection_to_that_host_knows_the_path_for_ten_minutes() {
    for (later, mss) in [(0, 560), (599, 560), (601, 1460)] {
        let mut alone = Alone::linux();
        with_text(&mut alone, 1000);
        too_big(&mut alone, 600, 1);
        alone.all();
        alone.now = alone.now + Duration::from_secs(later);
        alone.port += 1;
        alone.arrive(Flags::SYN, 0, 0, 0);
        let syn_ack = loop {
            let out = alone.next().expect("a SYN,ACK");
            if out.destination.port == alone.port {
                break out;
            }
        };
        assert_eq!(syn_ack.segment().expect("a segment").options.offers().mss, Some(mss), "after {later} s");
    }
}

#[test]
fn who_does_not_ask_for_discovery_goes_on_as_before() {
    for number in 0..6 {
        let discovery = PathMtuDiscovery::of_number(number).expect("a mode");
        assert_eq!(discovery.number(), number);
        let mut alone = Alone::linux();
        let id = alone.accepted();
        alone.host.set_path_mtu_discovery(id, discovery).expect("held");
        alone.host.send(id, alone.now, &[0; 1460], false).expect("open");
        alone.all();
        too_big(&mut alone, 1000, 1);
        let follows = [1, 2, 3].contains(&number);
        assert_eq!(alone.host.max_segment(id), Ok(if follows { 960 } else { 1460 }), "{discovery:?}");
        assert_eq!(alone.host.connection_mtu(id, alone.now), Ok(1000), "the host knows it all the same");
    }
    assert_eq!(PathMtuDiscovery::of_number(6), None);
}

#[test]
fn a_request_has_no_path_to_discover() {
    let mut alone = Alone::linux();
    alone.listener();
    alone.arrive(Flags::SYN, 0, 0, 0);
    alone.iss = alone.next().expect("a SYN,ACK").segment().expect("a segment").seq.get();
    too_big(&mut alone, 600, 0);
    assert_eq!(alone.host.path_mtu(alone.peer().address, alone.now), 1500);
}

#[test]
fn a_syn_tells_of_a_shorter_path_only_what_comes_later() {
    let mut alone = Alone::linux();
    let id = alone.connecting();
    too_big(&mut alone, 1000, 0);
    assert_eq!(alone.all(), Vec::<String>::new(), "a SYN is short");
    assert_eq!((alone.host.state(id), alone.host.connection_mtu(id, alone.now)), (State::SynSent, Ok(1000)));
}

#[test]
fn where_the_standard_has_no_discovery_it_is_a_hard_error() {
    let mut alone = Alone::of("rfc9293", &[], false);
    let id = with_text(&mut alone, 1000);
    too_big(&mut alone, 600, 1);
    assert_eq!(alone.host.state(id), State::Closed);
}

#[test]
fn without_a_connection_there_is_no_path() {
    let mut alone = Alone::linux();
    let id = alone.host.socket();
    assert_eq!(alone.host.connection_mtu(id, alone.now), Err(Errno::NotConnected));
    assert_eq!(alone.host.max_segment(id), Ok(536));
    alone.host.set_option(id, alone.now, SocketOption::MaxSeg(800)).expect("held");
    assert_eq!(alone.host.max_segment(id), Ok(800));
}
