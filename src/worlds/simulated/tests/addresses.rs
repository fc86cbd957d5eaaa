//! Addresses TCP has nothing to do with, and ICMP errors on their way to a connection.

use super::*;
use crate::trace::{Icmp, IcmpError, Quote, Quoted};

const NO_HOST: [[u8; 4]; 4] = [[224, 0, 0, 1], [255, 255, 255, 255], [192, 0, 2, 255], [0, 0, 0, 0]];

/// A and B in the network whose broadcast address is among [`NO_HOST`].
fn net() -> Net {
    let host = |last: u8| Host::new([192, 0, 2, last].into(), 1500, Arc::new(Profile::rfc9293()), u64::from(last));
    Net::of(host(1), host(2))
}

fn syn() -> Payload {
    let segment = Segment {
        seq: SeqNumber::new(100),
        ack: SeqNumber::new(0),
        flags: Flags::SYN,
        window: WireWindow(1000),
        urgent: 0,
        len: 0,
        options: TcpOptions::NONE,
    };
    Payload::Tcp { segment, text: Vec::new() }
}

#[test]
fn no_connection_is_opened_to_what_is_no_host() {
    // MUST-46.
    for address in NO_HOST {
        let mut net = net();
        let id = net.hosts[0].socket();
        let remote = End { address: address.into(), port: PORT };
        assert_eq!(net.hosts[0].connect(id, net.now, remote), Err(Errno::NetworkUnreachable), "{address:?}");
        assert!(net.hosts[0].poll_packet(net.now).is_none(), "nothing leaves for {address:?}");
    }
}

#[test]
fn nobody_waits_for_what_is_no_host() {
    // MUST-46: with text to send a passive OPEN becomes an active one.
    for address in NO_HOST {
        let mut net = net();
        let id = net.hosts[0].socket();
        net.hosts[0].bind(id, PORT).expect("free");
        let remote = End { address: address.into(), port: PORT };
        assert_eq!(net.hosts[0].open_passive(id, net.now, Some(remote)), Err(Errno::NetworkUnreachable), "{address:?}");
        let peer = net.end(1, PORT);
        assert_eq!(net.hosts[0].open_passive(id, net.now, Some(peer)), Ok(()), "it may still wait for a host");
    }
}

#[test]
fn a_segment_of_a_connection_to_all_is_discarded_as_well() {
    // MUST-57: its peer is known, the address it is sent to is not ours.
    let (mut net, id, quote) = opening();
    let syn_ack = Segment {
        flags: Flags::SYN | Flags::ACK,
        ack: SeqNumber::new(sequence(&quote).wrapping_add(1)),
        ..*syn().segment().expect("a segment")
    };
    let syn_ack = Payload::Tcp { segment: syn_ack, text: Vec::new() };
    for address in NO_HOST {
        let destination = End { address: address.into(), ..quote.source };
        assert_eq!(net.hosts[0].on_packet(net.now, quote.destination, destination, &syn_ack), None, "{address:?}");
        assert_eq!(net.hosts[0].state(id), State::SynSent);
    }
    net.hosts[0].on_packet(net.now, quote.destination, quote.source, &syn_ack);
    assert_eq!(net.hosts[0].state(id), State::Established, "to this host it is taken");
}

fn sequence(quote: &Quote) -> u32 {
    let Quoted::Tcp(seq) = quote.what else { panic!("a segment is quoted") };
    seq.get()
}

#[test]
fn a_segment_to_all_is_discarded_without_a_word() {
    // MUST-57: neither a SYN,ACK from who listens nor a reset from who does not.
    for address in NO_HOST {
        for listens in [true, false] {
            let mut net = net();
            if listens {
                net.listen(5);
            }
            let (source, destination) = (net.end(0, 4000), End { address: address.into(), port: PORT });
            assert_eq!(net.hosts[1].on_packet(net.now, source, destination, &syn()), None);
            assert!(net.hosts[1].poll_packet(net.now).is_none(), "{address:?}, listens: {listens}");
        }
    }
}

#[test]
fn a_syn_from_what_is_no_host_is_ignored() {
    // MUST-63.
    for address in NO_HOST {
        let mut net = net();
        net.listen(5);
        let (source, destination) = (End { address: address.into(), port: 4000 }, net.end(1, PORT));
        assert_eq!(net.hosts[1].on_packet(net.now, source, destination, &syn()), None);
        assert!(net.hosts[1].poll_packet(net.now).is_none(), "{address:?}");
    }
    let mut net = net();
    net.listen(5);
    let (source, destination) = (net.end(0, 4000), net.end(1, PORT));
    net.hosts[1].on_packet(net.now, source, destination, &syn());
    assert!(net.hosts[1].poll_packet(net.now).is_some(), "the same from a host is answered");
}

/// A connection in SYN-SENT at A, and what an error about its SYN quotes.
fn opening() -> (Net, SocketId, Quote) {
    let mut net = net();
    let id = net.connect(0);
    let packet = net.hosts[0].poll_packet(net.now).expect("a SYN");
    let seq = packet.segment().expect("a segment").seq;
    let quote = Quote { source: packet.source, destination: packet.destination, what: Quoted::Tcp(seq), octets: Vec::new() };
    (net, id, quote)
}

fn tell(net: &mut Net, error: IcmpError, quote: Quote) -> Option<SocketId> {
    let (source, destination) = (net.end(1, 0), net.end(0, 0));
    net.hosts[0].on_packet(net.now, source, destination, &Payload::Icmp(Icmp::Error { error, parameter: 0, quote }))
}

#[test]
fn a_hard_error_ends_the_connection_it_quotes() {
    // MUST-54, SHLD-26.
    for error in [IcmpError::ProtocolUnreachable, IcmpError::PortUnreachable, IcmpError::FragmentationNeeded] {
        let (mut net, id, quote) = opening();
        assert_eq!(tell(&mut net, error, quote), Some(id));
        assert_eq!(net.hosts[0].state(id), State::Closed, "{error}");
        assert!(net.hosts[0].connect_result(id).is_err());
    }
}

#[test]
fn a_soft_error_ends_nothing() {
    // MUST-56.
    for error in IcmpError::ALL.iter().copied() {
        let hard = [IcmpError::ProtocolUnreachable, IcmpError::PortUnreachable, IcmpError::FragmentationNeeded].contains(&error);
        let (mut net, id, quote) = opening();
        tell(&mut net, error, quote);
        assert_eq!(net.hosts[0].state(id), if hard { State::Closed } else { State::SynSent }, "{error}");
    }
}

#[test]
fn source_quench_reaches_no_connection() {
    // MUST-55.
    let (mut net, id, quote) = opening();
    assert_eq!(tell(&mut net, IcmpError::SourceQuench, quote), None);
    assert_eq!(net.hosts[0].state(id), State::SynSent);
}

#[test]
fn an_error_about_another_flow_reaches_nobody() {
    // MUST-54: other port, other peer, another sender, another protocol, a number that is not in flight.
    let wrong: [fn(&mut Quote); 5] = [
        |quote| quote.source.port += 1,
        |quote| quote.destination.port += 1,
        |quote| quote.source.address = [192, 0, 2, 9].into(),
        |quote| quote.what = Quoted::Udp,
        |quote| quote.what = Quoted::Tcp(SeqNumber::new(1)),
    ];
    for (number, spoil) in wrong.into_iter().enumerate() {
        let (mut net, id, mut quote) = opening();
        spoil(&mut quote);
        tell(&mut net, IcmpError::PortUnreachable, quote);
        assert_eq!(net.hosts[0].state(id), State::SynSent, "number {number}");
    }
}
