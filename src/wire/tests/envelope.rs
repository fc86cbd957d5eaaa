//! The fields of both IP headers that are not addresses, and segments in UDP.

use super::*;
use crate::engine::Codepoint;
use crate::trace::UdpPorts;

const FOUR: End = End { address: IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1)), port: 7 };

fn enclosed(end: End, payload: &Payload<&[u8]>, envelope: &Envelope) -> Vec<u8> {
    let mut octets = vec![0xaa; 3];
    encode_packet(end, end, 1, payload, &mut octets).expect("encodes");
    enclose(&mut octets, 3, envelope).expect("there is room");
    octets.split_off(3)
}

#[test]
fn an_envelope_is_written_and_read_and_the_checksums_stay_right() {
    let payload = Payload::Tcp { segment: syn(), text: &b""[..] };
    for end in [FOUR, SIX] {
        for codepoint in [Codepoint::NotEct, Codepoint::Ect1, Codepoint::Ect0, Codepoint::Ce] {
            for (ttl, dscp) in [(64, 0), (255, 46), (1, 63)] {
                let flow_label = if end == SIX { 0xa_bcde } else { 0 };
                let envelope = Envelope { ttl, dscp, codepoint, flow_label, udp: None };
                let octets = enclosed(end, &payload, &envelope);
                let decoded = decode_packet(&octets, Checksums::Verify).expect("the checksum is right");
                assert_eq!((decoded.envelope, decoded.payload), (envelope, payload), "{end}");
            }
        }
    }
}

#[test]
fn a_plain_envelope_changes_nothing() {
    let payload = Payload::Tcp { segment: syn(), text: &b""[..] };
    for end in [FOUR, SIX] {
        let mut plain = Vec::new();
        encode_packet(end, end, 1, &payload, &mut plain).expect("encodes");
        assert_eq!(enclosed(end, &payload, &Envelope::PLAIN), plain);
    }
}

#[test]
fn a_codepoint_is_the_low_two_bits_of_tos_and_of_traffic_class() {
    // RFC 3168 section 5: ECT(0) is 10.
    for (end, first_two) in [(FOUR, [0x45, 0x02]), (SIX, [0x60, 0x20])] {
        let octets = enclosed(end, &Payload::Tcp { segment: syn(), text: &b""[..] }, &Envelope::marked(Codepoint::Ect0));
        assert_eq!(octets[..2], first_two);
    }
}

#[test]
fn a_flow_label_stands_behind_the_traffic_class() {
    // RFC 8200 section 3: version 6, class 0xb9, label 0xfedcb.
    let envelope = Envelope { flow_label: 0xf_edcb, ..Envelope::PLAIN.with_tos(0xb9) };
    let octets = enclosed(SIX, &Payload::Tcp { segment: syn(), text: &b""[..] }, &envelope);
    assert_eq!(octets[..4], [0x6b, 0x9f, 0xed, 0xcb]);
}

#[test]
fn a_segment_in_udp_is_a_datagram_until_it_is_unwrapped() {
    let mut segment = syn();
    segment.len = 3;
    let payload = Payload::Tcp { segment, text: &b"abc"[..] };
    for end in [FOUR, SIX] {
        let udp = Some(UdpPorts { source: 9899, destination: 54321 });
        let octets = enclosed(end, &payload, &Envelope { udp, ttl: 9, ..Envelope::PLAIN });
        let datagram = decode_packet(&octets, Checksums::Verify).expect("UDP's checksum is right");
        assert!(matches!(datagram.payload, Payload::Udp { .. }), "{datagram:?}");
        assert_eq!((datagram.source.port, datagram.destination.port), (9899, 54321));
        let inner = unwrap_udp(&datagram).expect("a segment is in it");
        assert_eq!((inner.payload, inner.source, inner.destination), (payload, end, end));
        assert_eq!((inner.envelope.udp, inner.envelope.ttl), (udp, 9));
    }
}

#[test]
fn a_segment_in_udp_has_no_checksum_of_its_own() {
    let udp = Some(UdpPorts { source: 9899, destination: 9899 });
    let octets = enclosed(FOUR, &Payload::Tcp { segment: syn(), text: &b""[..] }, &Envelope { udp, ..Envelope::PLAIN });
    assert_eq!(octets[9], 17, "UDP");
    assert_eq!(octets[28 + TCP_CHECKSUM..][..2], [0, 0]);
}

#[test]
fn a_udp_header_needs_room_in_the_packet() {
    let text = vec![0; 65_535 - 20 - 20 - 4];
    let mut segment = syn();
    segment.options = TcpOptions::NONE;
    segment.len = u32::try_from(text.len()).expect("short");
    let mut octets = Vec::new();
    encode_packet(FOUR, FOUR, 1, &Payload::Tcp { segment, text: &text }, &mut octets).expect("fits");
    let before = octets.clone();
    let envelope = Envelope { udp: Some(UdpPorts { source: 1, destination: 2 }), ..Envelope::PLAIN };
    assert!(matches!(enclose(&mut octets, 0, &envelope), Err(WireError::TooLong { .. })));
    assert_eq!(octets, before);
}

#[test]
fn a_datagram_that_is_no_segment_is_not_unwrapped() {
    let datagram = Decoded { source: FOUR, destination: FOUR, payload: Payload::Udp { text: &b"short"[..] }, envelope: Envelope::PLAIN };
    assert_eq!(unwrap_udp(&datagram), None);
}
