//! UDP, ICMP, ARP and neighbour discovery.

use super::*;
use crate::trace::{Echo, Icmp, IcmpError, Quoted};

fn frame(source: End, destination: End, payload: &Payload) -> Vec<u8> {
    let mut out = Vec::new();
    encode_frame(LINK, source, destination, 1, payload, &mut out).expect("encodes");
    out
}

fn end(text: &str) -> End {
    End { address: text.parse().expect("an address"), port: 0 }
}

fn any_echo() -> impl Strategy<Value = Icmp> {
    (any::<bool>(), any::<u16>(), any::<u16>(), vec(any::<u8>(), 0..100)).prop_map(|(reply, id, seq, text)| {
        let echo = Echo { id, seq, text };
        if reply { Icmp::EchoReply(echo) } else { Icmp::EchoRequest(echo) }
    })
}

/// Everything but segments, with ends that suit it.
fn any_other() -> impl Strategy<Value = (End, End, Payload)> {
    let quoted = (any_ends(), any_segment(), 0..3_u8).prop_map(|((source, destination), (segment, text), kind)| {
        let mut octets = Vec::new();
        let payload = match kind {
            0 => Payload::Tcp { segment, text },
            1 => Payload::Udp { text },
            _ => Payload::Icmp(Icmp::EchoRequest(Echo { id: segment.window.0, seq: segment.urgent, text })),
        };
        encode_packet(source, destination, 7, &payload, &mut octets).expect("encodes");
        octets
    });
    let error = (0..IcmpError::ALL.len(), any::<u32>(), quoted, 48..600_usize).prop_map(|(error, parameter, octets, limit)| {
        let error = IcmpError::ALL[error];
        let parameter = if error == IcmpError::ParameterProblem { parameter & 0xff } else { parameter };
        Payload::Icmp(Icmp::Error { error, parameter, quote: quote(&octets, limit).expect("a packet") }).map(<[u8]>::to_vec)
    });
    let payload = prop_oneof![
        vec(any::<u8>(), 0..200).prop_map(|text| Payload::Udp { text }),
        any_echo().prop_map(Payload::Icmp),
        error,
        any::<(bool, [u8; 6])>().prop_map(|(asks, link)| Payload::Neighbour(if asks {
            Neighbour::Request(link)
        } else {
            Neighbour::Reply(link)
        })),
    ];
    (any_ends(), payload).prop_map(|((source, destination), payload)| match payload {
        Payload::Udp { .. } => (source, destination, payload),
        payload => (End { port: 0, ..source }, End { port: 0, ..destination }, payload),
    })
}

proptest! {
    #[test]
    fn what_is_encoded_is_decoded((source, destination, payload) in any_other()) {
        let mut octets = Vec::new();
        match encode_frame(LINK, source, destination, 1, &payload, &mut octets) {
            Ok(()) => {}
            Err(WireError::NoIcmpType { ipv6, error }) => {
                let only_six = [IcmpError::BeyondScope, IcmpError::PolicyFailed, IcmpError::RouteRejects].contains(&error);
                prop_assert!(ipv6 != only_six && octets.is_empty(), "IPv4 has all others");
                return Ok(());
            }
            Err(error) => panic!("{error}"),
        }
        let decoded = decode_frame(&octets, Checksums::Verify).map_err(|error| TestCaseError::fail(error.to_string()))?;
        prop_assert_eq!((decoded.source, decoded.destination), (source, destination));
        prop_assert_eq!(decoded.payload.to_owned(), payload);
    }

    #[test]
    fn one_wrong_bit_behind_the_ip_header_is_an_error((source, destination, payload) in any_other(), place: Index) {
        prop_assume!(!matches!(payload, Payload::Neighbour(_)));
        let mut octets = Vec::new();
        prop_assume!(encode_packet(source, destination, 1, &payload, &mut octets).is_ok());
        let start = if source.address.is_ipv4() { 20 } else { 40 };
        let bit = place.index((octets.len() - start) * 8);
        octets[start + bit / 8] ^= 1 << (bit % 8);
        if let Ok(decoded) = decode_packet(&octets, Checksums::Verify) {
            // All but one: a UDP checksum of a single bit, taken away, says that there is none.
            prop_assert!(matches!(payload, Payload::Udp { .. }) && octets[26..28] == [0, 0], "{decoded:?}");
        }
    }

    #[test]
    fn no_damage_makes_it_panic((source, destination, payload) in any_other(), damage in vec(any::<(Index, u8)>(), 0..8), cut: Index) {
        let mut octets = Vec::new();
        prop_assume!(encode_frame(LINK, source, destination, 1, &payload, &mut octets).is_ok());
        for (place, octet) in damage {
            let place = place.index(octets.len());
            octets[place] = octet;
        }
        octets.truncate(cut.index(octets.len() + 1));
        for checksums in [Checksums::Verify, Checksums::Trust] {
            if let Ok(decoded) = decode_frame(&octets, checksums) {
                prop_assert!(decoded.payload.octets().len() <= octets.len());
            }
        }
    }
}

#[test]
fn a_datagram_is_what_rfc_768_says() {
    let octets = frame(A, B, &Payload::Udp { text: b"abc".to_vec() });
    let datagram = &octets[14 + 20..];
    assert_eq!(datagram[..6], [0xc0, 0, 0, 7, 0, 11], "ports, and a length that counts the header");
    assert_eq!((&datagram[8..], octets[14 + 9]), (&b"abc"[..], 17));
}

#[test]
fn a_udp_checksum_of_zero_is_sent_as_all_ones() {
    // This text makes the sum of everything else all ones.
    let payload = |last: [u8; 2]| Payload::Udp { text: last.to_vec() };
    let checksum = |octets: &[u8]| [octets[14 + 20 + 6], octets[14 + 20 + 7]];
    let complement = checksum(&frame(A, B, &payload([0, 0])));
    let octets = frame(A, B, &payload(complement));
    assert_eq!(checksum(&octets), [0xff, 0xff]);
    assert!(decode_frame(&octets, Checksums::Verify).is_ok());
}

#[test]
fn a_datagram_without_checksum_is_read_in_ipv4_alone() {
    let none = |source, destination, header: usize| {
        let mut octets = frame(source, destination, &Payload::Udp { text: b"abc".to_vec() });
        octets[14 + header + 6..][..2].fill(0);
        decode_frame(&octets, Checksums::Verify).map(|_| ())
    };
    assert_eq!(none(A, B, 20), Ok(()));
    assert!(matches!(none(SIX, SIX, 40), Err(WireError::Checksum { protocol: "UDP", found: 0, .. })), "RFC 8200 section 8.1");
}

#[test]
fn an_arp_request_is_what_rfc_826_says() {
    let octets = frame(end("10.0.0.1"), end("10.0.0.2"), &Payload::Neighbour(Neighbour::Request(LINK[0])));
    #[rustfmt::skip]
    let right = [
        0xff, 0xff, 0xff, 0xff, 0xff, 0xff,  2, 0, 0, 0, 0, 1,  8, 6,
        0, 1,  8, 0,  6, 4,  0, 1,  2, 0, 0, 0, 0, 1,  10, 0, 0, 1,  0, 0, 0, 0, 0, 0,  10, 0, 0, 2,
    ];
    assert_eq!(octets, right);
    let mut out = Vec::new();
    let asked = Payload::Neighbour::<Vec<u8>>(Neighbour::Request(LINK[0]));
    assert_eq!(encode_packet(end("10.0.0.1"), end("10.0.0.2"), 1, &asked, &mut out), Err(WireError::NoPacket));
}

#[test]
fn a_solicitation_goes_to_the_group_of_its_target() {
    let octets = frame(end("fd00::1"), end("fd00::12:3456"), &Payload::Neighbour(Neighbour::Request(LINK[0])));
    assert_eq!(octets[..6], [0x33, 0x33, 0xff, 0x12, 0x34, 0x56]);
    assert_eq!((octets[14 + 6], octets[14 + 7]), (58, 255), "ICMPv6, hop limit 255");
    assert_eq!(octets[14 + 24..14 + 40], "ff02::1:ff12:3456".parse::<Ipv6Addr>().expect("an address").octets());
    let error = decode_frame(&with(octets, 14 + 7, 64), Checksums::Trust).expect_err("it came over a router").to_string();
    assert_eq!(error, "the neighbour message has 32 octets and hop limit 64; it must say a link address, with hop limit 255");
}

#[test]
fn a_quote_says_whose_packet_it_was() {
    let of = |payload: Payload, limit: usize| {
        let mut octets = Vec::new();
        encode_packet(A, B, 1, &payload, &mut octets).expect("encodes");
        quote(&octets, limit).map(|quote| (quote.source, quote.destination, quote.what, quote.octets.len()))
    };
    // RFC 792 quotes the header and 8 octets, which is as far as the sequence number.
    assert_eq!(of(Payload::Tcp { segment: syn(), text: vec![] }, 28), Ok((A, B, Quoted::Tcp(SeqNumber::new(100)), 28)));
    assert_eq!(of(Payload::Udp { text: vec![0; 900] }, 576), Ok((A, B, Quoted::Udp, 576)));
    assert_eq!(of(Payload::Udp { text: vec![0; 900] }, 27), Err(WireError::Quote { octets: 27 }));
    assert_eq!(quote(&[], 576), Err(WireError::Quote { octets: 0 }));
    assert_eq!(quote(&[0x4f; 60], 576), Err(WireError::Quote { octets: 60 }), "a header of 60 octets and nothing behind it");
}

#[test]
fn errors_say_what_would_be_right_around_tcp() {
    let udp = frame(A, B, &Payload::Udp { text: b"abc".to_vec() });
    let ping = frame(A, B, &Payload::Icmp(Icmp::EchoRequest(Echo { id: 1, seq: 1, text: vec![] })));
    let arp = frame(end("10.0.0.1"), end("10.0.0.2"), &Payload::Neighbour(Neighbour::Request(LINK[0])));
    for (octets, right) in [
        (
            with(udp.clone(), 14 + 25, 12),
            "the UDP header says 12 octets, but there are 11; it must be 8 at least and not more than there are",
        ),
        (with(udp, 14 + 25, 7), "the UDP header says 7 octets, but there are 11; it must be 8 at least and not more than there are"),
        (
            with(ping.clone(), 14 + 20, 13),
            "the ICMP message has type 13 and code 0: neither echo, error, nor a question for a link address",
        ),
        (
            with(with(ping, 14 + 20, 3), 14 + 21, 3),
            "the ICMP error quotes 0 octets, which are not a whole IP header and 8 octets behind it",
        ),
        (with(arp.clone(), 14 + 7, 3), "not a whole ARP request or reply for IPv4 on Ethernet: 28 octets, operation Some(3)"),
        (arp[..30].to_vec(), "not a whole ARP request or reply for IPv4 on Ethernet: 16 octets, operation None"),
    ] {
        assert_eq!(decode_frame(&octets, Checksums::Trust).expect_err(right).to_string(), right);
    }
}
