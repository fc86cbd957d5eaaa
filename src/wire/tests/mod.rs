use std::net::{Ipv4Addr, Ipv6Addr};

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;

mod around;
mod envelope;
mod signature;

use super::*;

const A: End = End { address: IpAddr::V4(Ipv4Addr::new(10, 0, 0, 1)), port: 49152 };
const B: End = End { address: IpAddr::V4(Ipv4Addr::new(10, 0, 0, 2)), port: 7 };
const SIX: End = End { address: IpAddr::V6(Ipv6Addr::new(0xfd00, 0, 0, 0, 0, 0, 0, 1)), port: 7 };
const LINK: [[u8; 6]; 2] = [[2, 0, 0, 0, 0, 1], [2, 0, 0, 0, 0, 2]];

fn syn() -> Segment {
    Segment {
        seq: SeqNumber::new(100),
        ack: SeqNumber::new(0),
        flags: Flags::SYN,
        window: WireWindow(65535),
        urgent: 0,
        len: 0,
        options: TcpOptions::NONE.mss(1460),
    }
}

fn packet(source: End, destination: End, segment: &Segment, text: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    encode_packet(source, destination, 1, &Payload::Tcp { segment: *segment, text }, &mut out).expect("encodes");
    out
}

fn any_ends() -> impl Strategy<Value = (End, End)> {
    let end = |(address, port): (IpAddr, u16)| End { address, port };
    let four = any::<(Ipv4Addr, u16)>().prop_map(|(address, port)| (IpAddr::V4(address), port));
    let six = any::<(Ipv6Addr, u16)>().prop_map(|(address, port)| (IpAddr::V6(address), port));
    let four = (four.clone(), four).prop_map(move |(a, b)| (end(a), end(b)));
    let six = (six.clone(), six).prop_map(move |(a, b)| (end(a), end(b)));
    prop_oneof![four, six]
}

prop_compose! {
    fn any_segment()(
        seq: u32, ack: u32, bits: u16, window: u16, urgent: u16,
        options in vec(any::<u8>(), 0..=40),
        text in vec(any::<u8>(), 0..200),
    ) -> (Segment, Vec<u8>) {
        let segment = Segment {
            seq: SeqNumber::new(seq),
            ack: SeqNumber::new(ack),
            flags: Flags::from_bits(bits),
            window: WireWindow(window),
            urgent,
            len: u32::try_from(text.len()).expect("short"),
            options: TcpOptions::from_octets(&options).expect("at most 40"),
        };
        (segment, text)
    }
}

proptest! {
    #[test]
    fn what_is_encoded_is_decoded((source, destination) in any_ends(), (segment, text) in any_segment(), identification: u16) {
        // MUST-2.
        let mut out = vec![0xEE; 3];
        encode_frame(LINK, source, destination, identification, &Payload::Tcp { segment, text: &text }, &mut out).expect("encodes");
        prop_assert_eq!(&out[..3], &[0xEE; 3], "appended, nothing overwritten");
        let segment = Segment { options: segment.options.padded(), ..segment };
        let right = Decoded { source, destination, payload: Payload::Tcp { segment, text: &text[..] }, envelope: Envelope::PLAIN };
        prop_assert_eq!(decode_frame(&out[3..], Checksums::Verify), Ok(right));
        out.extend_from_slice(&[0x55; 9]);
        prop_assert_eq!(decode_packet(&out[3 + 14..], Checksums::Verify), Ok(right), "padding is not text");
    }

    #[test]
    fn one_wrong_bit_of_the_tcp_part_is_an_error(
        (source, destination) in any_ends(),
        (segment, text) in any_segment(),
        place: Index,
    ) {
        // MUST-3.
        let mut octets = packet(source, destination, &segment, &text);
        let start = if source.address.is_ipv4() { 20 } else { 40 };
        let bit = place.index((octets.len() - start) * 8);
        octets[start + bit / 8] ^= 1 << (bit % 8);
        prop_assert!(decode_packet(&octets, Checksums::Verify).is_err());
    }

    #[test]
    fn one_wrong_bit_of_the_ipv4_header_is_an_error((segment, text) in any_segment(), bit in 0..160_usize) {
        let mut octets = packet(A, B, &segment, &text);
        octets[bit / 8] ^= 1 << (bit % 8);
        prop_assert!(decode_packet(&octets, Checksums::Verify).is_err());
    }

    #[test]
    fn no_octets_make_it_panic(
        mut octets in vec(any::<u8>(), 0..200),
        version in prop_oneof![Just(0x45_u8), Just(0x4f), Just(0x60), any::<u8>()],
    ) {
        if let Some(first) = octets.first_mut() {
            *first = version;
        }
        for checksums in [Checksums::Verify, Checksums::Trust] {
            let _ = decode_packet(&octets, checksums);
            let _ = decode_frame(&octets, checksums);
        }
    }

    #[test]
    fn no_damage_makes_it_panic(
        (source, destination) in any_ends(),
        (segment, text) in any_segment(),
        damage in vec(any::<(Index, u8)>(), 0..8),
        cut: Index,
    ) {
        let mut octets = packet(source, destination, &segment, &text);
        for (place, octet) in damage {
            let place = place.index(octets.len());
            octets[place] = octet;
        }
        octets.truncate(cut.index(octets.len() + 1));
        if let Ok(Decoded { payload: Payload::Tcp { segment, text }, .. }) = decode_packet(&octets, Checksums::Trust) {
            prop_assert_eq!(u32::try_from(text.len()), Ok(segment.len));
        }
    }
}

#[test]
fn a_packet_is_what_the_rfcs_say() {
    let octets = packet(A, B, &syn(), b"");
    #[rustfmt::skip]
    let right = [
        0x45, 0, 0, 44,  0, 1, 0x40, 0,  64, 6, 0x26, 0xc9,  10, 0, 0, 1,  10, 0, 0, 2,   // RFC 791 section 3.1
        0xc0, 0, 0, 7,  0, 0, 0, 100,  0, 0, 0, 0,  0x60, 2, 0xff, 0xff,                  // RFC 9293 section 3.1
        octets[36], octets[37], 0, 0,  2, 4, 5, 180,
    ];
    assert_eq!(octets, right);
}

#[test]
fn a_packet_that_cannot_be_leaves_the_buffer_alone() {
    let mut out = vec![1, 2, 3];
    let long = |octets: usize| (Segment { len: u32::try_from(octets).expect("short"), ..syn() }, vec![0; octets]);
    let mut errors = Vec::new();
    for (source, destination, (segment, text)) in [
        (A, SIX, (syn(), vec![])),
        (SIX, A, (syn(), vec![])),
        (A, B, (syn(), vec![0])),
        (A, B, long(65535 - 20 - 24 + 1)),
        (SIX, SIX, long(65535 - 24 + 1)),
    ] {
        let error = encode_frame(LINK, source, destination, 0, &Payload::Tcp { segment, text }, &mut out).expect_err("cannot be");
        errors.push(error.to_string());
        assert_eq!(out, [1, 2, 3]);
    }
    assert_eq!(
        errors,
        [
            "no packet goes from 10.0.0.1 to fd00::1: both must be IPv4, or both IPv6",
            "no packet goes from fd00::1 to 10.0.0.1: both must be IPv4, or both IPv6",
            "the segment says 0 octets of text, but there are 1: both must be the same",
            "65536 octets are too long for an IP packet, whose header counts at most 65535",
            "65536 octets are too long for an IP packet, whose header counts at most 65535",
        ]
    );
    for (source, destination, octets) in [(A, B, 65535 - 20 - 24), (SIX, SIX, 65535 - 24)] {
        let (segment, text) = long(octets);
        let octets = packet(source, destination, &segment, &text);
        assert!(decode_packet(&octets, Checksums::Verify).is_ok_and(|decoded| decoded.payload.octets() == text));
    }
}

#[test]
fn trust_reads_what_the_network_card_has_not_finished() {
    let mut octets = packet(A, B, &syn(), b"");
    octets[36] ^= 0xff;
    let error = decode_packet(&octets, Checksums::Verify).expect_err("checked");
    assert!(matches!(error, WireError::Checksum { protocol: "TCP", .. }), "{error}");
    assert_eq!(decode_packet(&octets, Checksums::Trust).expect("not checked").payload.segment(), Some(&syn()));

    let mut octets = packet(A, B, &syn(), b"");
    octets[10] ^= 0xff;
    assert_eq!(decode_packet(&octets, Checksums::Verify), Err(WireError::HeaderChecksum { found: 0xd9c9, right: 0x26c9 }));
    assert!(decode_packet(&octets, Checksums::Trust).is_ok());
}

#[test]
fn a_loopback_frame_has_no_addresses() {
    let mut out = Vec::new();
    encode_frame([[0; 6]; 2], SIX, SIX, 0, &Payload::Tcp { segment: syn(), text: b"" }, &mut out).expect("encodes");
    assert_eq!(decode_frame(&out, Checksums::Verify).expect("decodes").source, SIX);
}

/// `octets` with the octet at `place` replaced.
fn with(mut octets: Vec<u8>, place: usize, octet: u8) -> Vec<u8> {
    octets[place] = octet;
    octets
}

#[test]
fn errors_say_what_would_be_right() {
    let (four, six) = (packet(A, B, &syn(), b""), packet(SIX, SIX, &syn(), b""));
    for (octets, right) in [
        (with(four.clone(), 9, 47), "the packet carries IP protocol 47, not TCP (6), UDP (17) or ICMP (1)"),
        (with(four.clone(), 9, 58), "the packet carries IP protocol 58, not TCP (6), UDP (17) or ICMP (1)"),
        (with(six.clone(), 6, 1), "the packet carries IP protocol 1, not TCP (6), UDP (17) or ICMPv6 (58)"),
        (with(four.clone(), 6, 0x20), "the packet is a fragment: only whole packets are read, reassemble it first"),
        (with(six.clone(), 5, 0), "the IPv6 header says a payload length of 0: jumbograms (RFC 2675) are not read, it must be 1 to 65535"),
        (four[..30].to_vec(), "not a whole IP packet: "),
        (with(four.clone(), 0, 0x75), "not a whole IP packet: "),
        (vec![], "not a whole IP packet: "),
        (with(four.clone(), 32, 0xf0), "not a whole TCP header: "),
        (with(four, 32, 0x40), "not a whole TCP header: "),
    ] {
        let error = decode_packet(&octets, Checksums::Trust).expect_err(right).to_string();
        assert!(error.starts_with(right), "{error}");
    }
    for (octets, right) in [
        (&[0; 13][..], "13 octets are no Ethernet frame: its header alone has 14"),
        (&[0; 60][..], "the frame carries EtherType 0x0000, not IPv4 (0x0800), ARP (0x0806) or IPv6 (0x86dd)"),
    ] {
        assert_eq!(decode_frame(octets, Checksums::Trust).expect_err(right).to_string(), right);
    }
}
