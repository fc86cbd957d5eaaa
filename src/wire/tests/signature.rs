//! Signatures, held against two SYN,ACKs that Linux 6.18 has signed.

use super::*;

const KEY: &[u8] = b"0123456789";
const SIGNED: [&str; 3] = [
    "45000044000040004006b809c0a80001c00002011b580fa16cab6c4f00000065c012faf092b60000010113124d7179fe332140d806f43a0d9326faab\
     020405b401010402",
    "45000040001b40004006b7f2c0a80001c00002011b580fa16cab6c5000000065a018faf0fde6000001011312ce16f6e0deb9ced2f4c14622d35e5e23\
     74657874",
    "600646d900300640fd3d0a0b17d600000000000000000001fd3dfa7bd17d000000000000000000011b580fa1cb4a623000000065c012fd206b0e0000\
     010113128b1bebf8dd5683d83495b10836258194020405a001010402",
];

fn octets(hex: &str) -> Vec<u8> {
    let hex: Vec<u8> = hex.bytes().filter(u8::is_ascii_hexdigit).collect();
    hex.chunks(2).map(|pair| u8::from_str_radix(std::str::from_utf8(pair).expect("ASCII"), 16).expect("hex")).collect()
}

#[test]
fn a_kernels_signature_is_the_one_that_is_right() {
    for packet in SIGNED.map(octets) {
        let decoded = decode_packet(&packet, Checksums::Verify).expect("a packet");
        let Payload::Tcp { segment, text } = decoded.payload else { panic!("{decoded:?}") };
        let shown = signature_of(&segment.options).expect("it is signed").to_vec();
        let digest = |key: &[u8]| signature(decoded.source, decoded.destination, &segment, text, key).expect("encodes").to_vec();
        assert_eq!(digest(KEY), shown);
        assert_ne!(digest(b"another"), shown);
    }
}

#[test]
fn the_signature_covers_ends_header_and_text_but_not_the_options() {
    let packet = octets(SIGNED[1]);
    let decoded = decode_packet(&packet, Checksums::Verify).expect("a packet");
    let Payload::Tcp { segment, text } = decoded.payload else { panic!("{decoded:?}") };
    let of = |source, segment: &Segment, text: &[u8]| signature(source, decoded.destination, segment, text, KEY).expect("encodes");
    let right = of(decoded.source, &segment, text);
    assert_ne!(of(End { port: 1, ..decoded.source }, &segment, text), right);
    assert_ne!(of(decoded.source, &Segment { window: WireWindow(0), ..segment }, text), right);
    assert_ne!(of(decoded.source, &segment, b"tex!"), right);
    let mut other = segment;
    assert!(other.options.fill(SIGNATURE, &[0; DIGEST]));
    assert_eq!(of(decoded.source, &other, text), right);
}

#[test]
fn ends_of_two_families_have_no_signature() {
    let four = End { address: [192, 0, 2, 1].into(), port: 7 };
    assert!(matches!(signature(four, SIX, &syn(), b"", KEY), Err(WireError::Families { .. })));
}
