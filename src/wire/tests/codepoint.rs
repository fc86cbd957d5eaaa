//! The ECN field of both IP headers.

use super::*;

#[test]
fn a_codepoint_is_written_and_read_and_the_header_checksum_stays_right() {
    let four = End { address: [192, 0, 2, 1].into(), port: 7 };
    for end in [four, SIX] {
        for codepoint in [Codepoint::NotEct, Codepoint::Ect1, Codepoint::Ect0, Codepoint::Ce] {
            let payload = Payload::Tcp { segment: syn(), text: &b""[..] };
            let mut octets = Vec::new();
            encode_packet(end, end, 1, &payload, &mut octets).expect("encodes");
            mark(&mut octets, codepoint);
            let decoded = decode_packet(&octets, Checksums::Verify).expect("the checksum is right");
            assert_eq!((decoded.codepoint, decoded.payload), (codepoint, payload), "{end}");
        }
    }
}

#[test]
fn a_codepoint_is_the_low_two_bits_of_tos_and_of_traffic_class() {
    // RFC 3168 section 5: ECT(0) is 10.
    let four = End { address: [192, 0, 2, 1].into(), port: 7 };
    for (end, first_two) in [(four, [0x45, 0x02]), (SIX, [0x60, 0x20])] {
        let mut octets = Vec::new();
        encode_packet(end, end, 1, &Payload::Tcp { segment: syn(), text: &b""[..] }, &mut octets).expect("encodes");
        mark(&mut octets, Codepoint::Ect0);
        assert_eq!(octets[..2], first_two);
    }
}
