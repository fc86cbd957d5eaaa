//! Segments in UDP, as FreeBSD has them.

use super::peer::{Alone, octets};
use super::*;
use crate::trace::{Envelope, Icmp, IcmpError, UdpPorts};
use crate::wire::{self, Checksums};

const OURS: u16 = 9899;
const THEIRS: u16 = 54_321;

fn freebsd(six: bool) -> Alone {
    let mut alone = Alone::of("freebsd", &[("udp-tunneling-port", "9899")], six);
    alone.envelope.udp = Some(UdpPorts { source: THEIRS, destination: OURS });
    alone
}

const BACK: Option<UdpPorts> = Some(UdpPorts { source: OURS, destination: THEIRS });

#[test]
fn who_is_spoken_to_in_udp_answers_in_udp_with_eight_octets_less() {
    for (six, mss) in [(false, 1452), (true, 1432)] {
        let mut alone = freebsd(six);
        let listener = alone.listener();
        alone.arrive(Flags::SYN, 0, 0, 0);
        let syn_ack = alone.next().expect("a SYN,ACK");
        let segment = *syn_ack.segment().expect("a segment");
        assert_eq!((syn_ack.envelope.udp, segment.options.offers().mss), (BACK, Some(mss)));
        alone.arrive(Flags::ACK, 1, segment.seq.get().wrapping_add(1), 0);
        let id = alone.host.accept(listener).expect("done");
        assert_eq!(alone.host.udp_encapsulation(id), Ok(THEIRS));
        alone.host.send(id, alone.now, b"text", false).expect("open");
        assert_eq!(alone.next().expect("text").envelope.udp, BACK);
    }
}

#[test]
fn who_connects_in_udp_names_the_port_of_the_peer() {
    let mut alone = freebsd(false);
    let id = alone.host.socket();
    assert_eq!(alone.host.set_udp_encapsulation(id, THEIRS), Ok(()));
    let peer = alone.peer();
    assert_eq!(alone.host.connect(id, alone.now, peer), Err(Errno::InProgress));
    let syn = alone.next().expect("a SYN");
    assert_eq!((syn.envelope.udp, syn.segment().expect("a segment").options.offers().mss), (BACK, Some(1452)));
    assert_eq!(alone.host.set_udp_encapsulation(id, 1), Err(Errno::Invalid), "there is a connection");
}

#[test]
fn without_a_port_of_its_own_a_host_has_no_segments_in_udp() {
    let mut alone = Alone::of("freebsd", &[], false);
    alone.listener();
    let id = alone.host.socket();
    assert_eq!(alone.host.set_udp_encapsulation(id, THEIRS), Err(Errno::Invalid));
    assert_eq!(alone.host.set_udp_encapsulation(id, 0), Ok(()));
    alone.envelope.udp = Some(UdpPorts { source: THEIRS, destination: OURS });
    alone.arrive(Flags::SYN, 0, 0, 0);
    assert_eq!(alone.next(), None);
}

#[test]
fn a_port_for_segments_in_udp_can_be_opened_later() {
    let mut alone = Alone::of("freebsd", &[], false);
    let id = alone.accepted();
    let mut profile = alone.host.profile().clone();
    profile.set("udp-tunneling-port", "9899").expect("a knob");
    alone.host.set_profile(Arc::new(profile));
    alone.envelope.udp = Some(UdpPorts { source: THEIRS, destination: OURS });
    alone.arrive(Flags::RST, 1, 0, 0);
    assert_eq!(alone.host.state(id), State::Established, "a connection that was there before is not reached so");
    alone.port += 1;
    alone.arrive(Flags::SYN, 0, 0, 0);
    assert_eq!(alone.next().expect("a SYN,ACK").envelope.udp, BACK);
}

#[test]
fn a_reset_for_nobody_goes_back_the_way_its_cause_came() {
    let mut alone = freebsd(false);
    alone.arrive(Flags::SYN, 0, 0, 0);
    let reset = alone.next().expect("a RST");
    assert_eq!((reset.envelope.udp, reset.segment().expect("a segment").flags), (BACK, Flags::RST | Flags::ACK));
}

#[test]
fn a_segment_that_comes_another_way_than_its_connection_is_nobodys() {
    let mut alone = freebsd(false);
    let id = alone.accepted();
    let ack = alone.iss.wrapping_add(1);
    for udp in [None, Some(UdpPorts { source: 1, destination: OURS })] {
        alone.envelope.udp = udp;
        alone.arrive(Flags::ACK | Flags::PSH, 1, ack, 3);
        let reset = alone.next().expect("a RST");
        assert_eq!(reset.segment().expect("a segment").flags, Flags::RST);
        assert_eq!(reset.envelope.udp, udp.map(|ports| UdpPorts { source: ports.destination, destination: ports.source }));
        assert_eq!(alone.host.state(id), State::Established);
    }
}

#[test]
fn what_leaves_is_a_datagram_and_what_arrives_may_be_one() {
    let mut alone = freebsd(false);
    let listener = alone.listener();
    // Two hosts and the octets between them: the other is the same with the ports turned round.
    let mut profile = Profile::named("freebsd").expect("a profile");
    profile.set("udp-tunneling-port", "54321").expect("a knob");
    let mut other = freebsd(false);
    other.host = Host::new(address(2, false), 1500, Arc::new(profile), 2);
    let id = other.host.socket();
    other.host.set_udp_encapsulation(id, OURS).expect("it has a port");
    let to = End { address: alone.host.address(), port: PORT };
    assert_eq!(other.host.connect(id, other.now, to), Err(Errno::InProgress));
    loop {
        let (out, host) = match (other.next(), alone.next()) {
            (Some(out), _) => (out, &mut alone.host),
            (None, Some(out)) => (out, &mut other.host),
            (None, None) => break,
        };
        let octets = octets(&out);
        let decoded = wire::decode_packet(&octets, Checksums::Verify).expect("a packet");
        assert!(matches!(decoded.payload, Payload::Udp { .. }), "{decoded:?}");
        host.on_packet(other.now, decoded.source, decoded.destination, &decoded.payload.to_owned());
    }
    assert!(alone.host.accept(listener).is_ok());
    assert_eq!(other.host.connect_result(id), Ok(()));
}

#[test]
fn an_icmp_error_quotes_the_datagram_and_means_the_connection() {
    let mut alone = freebsd(false);
    let id = alone.host.socket();
    alone.host.set_udp_encapsulation(id, THEIRS).expect("it has a port");
    let peer = alone.peer();
    assert_eq!(alone.host.connect(id, alone.now, peer), Err(Errno::InProgress));
    let syn = octets(&alone.next().expect("a SYN"));
    let router = End { address: address(254, false), port: 0 };
    let to = End { address: alone.host.address(), port: 0 };
    // Not enough of it to find the segment's number, and enough.
    for (quoted, state) in [(20 + 8 + 7, State::SynSent), (20 + 8 + 8, State::Closed)] {
        let quote = wire::quote(&syn[..quoted], quoted).expect("a header and more");
        let error = Payload::Icmp(Icmp::Error { error: IcmpError::PortUnreachable, parameter: 0, quote }).to_owned();
        alone.host.on_packet(alone.now, router, to, &error);
        assert_eq!(alone.host.state(id), state, "{quoted} octets");
    }
    assert_eq!(alone.host.take_error(id), Ok(Some(Errno::ConnectionRefused)));
}

#[test]
fn a_plain_connection_is_not_reached_in_udp() {
    let mut alone = freebsd(false);
    alone.envelope = Envelope::PLAIN;
    let id = alone.accepted();
    alone.envelope.udp = Some(UdpPorts { source: THEIRS, destination: OURS });
    alone.arrive(Flags::RST, 1, 0, 0);
    assert_eq!((alone.host.state(id), alone.next()), (State::Established, None));
}
