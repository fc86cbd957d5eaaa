//! The notation of packets that carry no segment: written, read back, compared.

use synfin::engine::SeqNumber;
use synfin::ladder::{Message, RungKind};
use synfin::sources::scenario::parse_ladder;
use synfin::trace::{Echo, End, Envelope, HostId, Icmp, IcmpError, Neighbour, Packet, Payload, Quote, Quoted};

fn packet(payload: Payload) -> Packet {
    let end = |last, port| End { address: [192, 0, 2, last].into(), port };
    Packet {
        from: Some(HostId(0)),
        to: HostId(1),
        source: end(1, 49_152),
        destination: end(2, 7007),
        payload,
        envelope: Envelope::PLAIN,
        damage: None,
    }
}

fn quote(what: Quoted) -> Quote {
    let Packet { source, destination, .. } = packet(Payload::Udp { text: vec![] });
    Quote { source, destination, what, octets: vec![] }
}

fn all() -> Vec<(Payload, &'static str)> {
    let error = |error, parameter, what| Payload::Icmp(Icmp::Error { error, parameter, quote: quote(what) });
    let echo = Echo { id: 1, seq: 2, text: vec![0; 56] };
    vec![
        (Payload::Udp { text: b"hello".to_vec() }, "<UDP=49152 to 7007><LEN=5>"),
        (Payload::Icmp(Icmp::EchoRequest(echo.clone())), "<ICMP=echo request><ID=1><SEQ=2><LEN=56>"),
        (Payload::Icmp(Icmp::EchoReply(echo)), "<ICMP=echo reply><ID=1><SEQ=2><LEN=56>"),
        (error(IcmpError::PortUnreachable, 0, Quoted::Udp), "<ICMP=port unreachable><UDP=49152 to 7007>"),
        (
            error(IcmpError::FragmentationNeeded, 1400, Quoted::Tcp(SeqNumber::new(100))),
            "<ICMP=fragmentation needed><MTU=1400><TCP=49152 to 7007><SEQ=100>",
        ),
        (error(IcmpError::HostUnreachable, 0, Quoted::Echo { id: 1, seq: 2 }), "<ICMP=host unreachable><ID=1><SEQ=2>"),
        (error(IcmpError::TimeExceeded, 0, Quoted::Other(47)), "<ICMP=time exceeded><PROTO=47>"),
        (Payload::Neighbour(Neighbour::Request([2, 0, 0, 0, 0, 1])), "<ARP=who has 192.0.2.2>"),
        (Payload::Neighbour(Neighbour::Reply([2, 0, 0, 0, 0, 0xa])), "<ARP=192.0.2.1 is at 02:00:00:00:00:0a>"),
    ]
}

#[test]
fn every_message_reads_back_as_it_is_written() {
    for (payload, written) in all() {
        let message = Message::of(&packet(payload));
        assert_eq!(message.to_string(), written);
        let rows = parse_ladder("row", &format!("--> {written} -->")).unwrap_or_else(|error| panic!("{error}"));
        let RungKind::Message { message: read, .. } = &rows[0].1.kind else { panic!("{rows:?}") };
        assert_eq!(*read, message);
    }
}

#[test]
fn what_an_expectation_leaves_out_may_be_anything() {
    let read = |row: &str| {
        let rows = parse_ladder("row", &format!("--> {row} -->")).expect("a row");
        rows[0].1.clone()
    };
    let actual = read("<UDP=49152 to 7007><LEN=5>");
    assert!(read("<UDP=49152 to 7007>").holds_for(&actual));
    assert!(!read("<UDP=49153 to 7007>").holds_for(&actual));
    assert!(!read("<UDP=49152 to 7007><LEN=6>").holds_for(&actual));
    assert!(!read("<SEQ=1>").holds_for(&actual));
}

#[test]
fn a_mistake_in_a_message_says_what_would_be_right() {
    for (row, right) in [
        ("<UDP=7007>", "two ports, such as 49152 to 7007, found \"7007\""),
        ("<ICMP=port unreachble>", "echo request, echo reply, or an error such as port unreachable"),
        ("<ARP=who has nobody>", "who has ADDRESS, or ADDRESS is at LINK ADDRESS"),
        ("<UDP=1 to 2><LEN=70000>", "a whole number from 0 to 65535"),
        ("<UDP=1 to 2><LEN=7><LEN=7>", "each field only once"),
        ("<UDP=1 to 2><ACK=7>", "found \"ACK\""),
    ] {
        let error = parse_ladder("row", &format!("--> {row} -->")).expect_err(row).to_string();
        assert!(error.contains(right), "{error}");
    }
}
