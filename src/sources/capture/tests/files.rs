//! Files of every shape: link types, byte orders, stamps; what is cut off, broken or of another kind.

use std::time::Duration;

use super::super::{Capture, CaptureError, Limits, Unread, read};
use crate::engine::{Flags, Segment, SeqNumber, State, TcpOptions, WireWindow};
use crate::sinks::ladder;
use crate::sinks::pcap::{self, Format, Tap};
use crate::trace::{End, Envelope, HostId, Payload, What};
use crate::wire::{encode_frame, encode_packet};

const A: End = End { address: std::net::IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1)), port: 49152 };
const B: End = End { address: std::net::IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 2)), port: 7 };

fn segment(seq: u32, ack: u32, flags: Flags, len: u32) -> Segment {
    Segment {
        seq: SeqNumber::new(seq),
        ack: SeqNumber::new(ack),
        flags,
        window: WireWindow(65535),
        urgent: 0,
        len,
        options: TcpOptions::NONE,
    }
}

/// A handshake and ten octets of text.
fn handshake() -> Vec<(End, End, Segment)> {
    vec![
        (A, B, segment(100, 0, Flags::SYN, 0)),
        (B, A, segment(300, 101, Flags::SYN | Flags::ACK, 0)),
        (A, B, segment(101, 301, Flags::ACK, 0)),
        (A, B, segment(101, 301, Flags::PSH | Flags::ACK, 10)),
    ]
}

fn packet((source, destination, segment): &(End, End, Segment)) -> Vec<u8> {
    let mut octets = Vec::new();
    let text = vec![b'x'; segment.len as usize];
    encode_packet(*source, *destination, 1, &Payload::Tcp { segment: *segment, text }, &mut octets).expect("a packet");
    octets
}

/// A classic file in little endian; frames may be longer than what is kept of them.
fn pcap_file(magic: u32, link: u32, frames: &[(Vec<u8>, usize)]) -> Vec<u8> {
    let mut file = Vec::new();
    for word in [magic, 0x0004_0002, 0, 0, 65_535, link] {
        file.extend(word.to_le_bytes());
    }
    for (number, (frame, kept)) in (1_u32..).zip(frames) {
        let lengths = [*kept, frame.len()].map(|len| u32::try_from(len).expect("short"));
        for word in [1_700_000_000, number * 1000, lengths[0], lengths[1]] {
            file.extend(word.to_le_bytes());
        }
        file.extend(&frame[..*kept]);
    }
    file
}

const MICRO: u32 = 0xa1b2_c3d4;
const NANO: u32 = 0xa1b2_3c4d;

fn whole(frames: Vec<Vec<u8>>) -> Vec<(Vec<u8>, usize)> {
    frames
        .into_iter()
        .map(|frame| {
            let len = frame.len();
            (frame, len)
        })
        .collect()
}

fn opened(file: &[u8]) -> Capture {
    read(file, Limits::default()).expect("a capture")
}

#[track_caller]
fn is_the_handshake(capture: &Capture) {
    assert_eq!((capture.unread, &capture.broken), (0, &None), "{:?}", capture.reasons);
    assert_eq!(capture.flows.len(), 1);
    let style = ladder::Style { bare: true, ..ladder::Style::default() };
    let expected = "   \
   SYN-SENT     --> <SEQ=100><CTL=SYN>                         --> SYN-RECEIVED
   ESTABLISHED  <-- <SEQ=300><ACK=101><CTL=SYN,ACK>            <-- SYN-RECEIVED
   ESTABLISHED  --> <SEQ=101><ACK=301><CTL=ACK>                --> ESTABLISHED
   ESTABLISHED  --> <SEQ=101><ACK=301><LEN=10><CTL=PSH,ACK>    --> ESTABLISHED
";
    assert_eq!(ladder::render(&capture.flows[0].trace, style), expected);
}

#[test]
fn every_link_type_is_read() {
    let ethernet = |tag: &[u8]| {
        let header = [&[2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1], tag, &[0x08, 0x00]].concat();
        handshake().iter().map(|sent| [header.clone(), packet(sent)].concat()).collect::<Vec<_>>()
    };
    let behind = |header: &[u8]| handshake().iter().map(|sent| [header, &packet(sent)].concat()).collect::<Vec<_>>();
    let cooked = [&[0, 0, 0, 1, 0, 6, 2, 0, 0, 0, 0, 1, 0, 0][..], &[8, 0]].concat();
    let cooked_2 = [&[8, 0, 0, 0, 0, 0, 0, 2, 0, 1, 3, 6][..], &[0; 8]].concat();
    let cooked_2_tagged = [&[0x81, 0, 0, 0, 0, 0, 0, 2, 0, 1, 3, 6][..], &[0; 8], &[0, 5, 8, 0]].concat();
    for (link, frames) in [
        (1, ethernet(&[])),
        (1, ethernet(&[0x81, 0x00, 0, 5])),
        (1, ethernet(&[0x88, 0xa8, 0, 9, 0x81, 0x00, 0, 5])),
        (101, behind(&[])),
        (12, behind(&[])),
        (228, behind(&[])),
        (0, behind(&[2, 0, 0, 0])),
        (108, behind(&[0, 0, 0, 2])),
        (113, behind(&cooked)),
        (276, behind(&cooked_2)),
        (276, behind(&cooked_2_tagged)),
        // With a frame check sequence of four octets, as the upper half of the word says.
        (0x2400_0001, ethernet(&[])),
    ] {
        is_the_handshake(&opened(&pcap_file(MICRO, link, &whole(frames))));
    }
}

#[test]
fn stamps_of_both_kinds_are_times_since_the_first_packet() {
    let frames: Vec<_> = handshake().iter().map(packet).collect();
    for (magic, unit) in [(MICRO, Duration::from_millis(1)), (NANO, Duration::from_micros(1))] {
        let capture = opened(&pcap_file(magic, 101, &whole(frames.clone())));
        assert_eq!(capture.origin, Duration::from_secs(1_700_000_000) + unit);
        assert_eq!(capture.flows[0].trace.entries.last().expect("packets").at.since(crate::Instant::START), unit * 3);
    }
    // Big endian.
    let mut file = pcap_file(MICRO, 101, &whole(frames));
    let mut at = 0;
    while at < file.len() {
        let (words, data) =
            if at == 0 { (6, 0) } else { (4, file[at + 8..at + 12].iter().rev().fold(0, |len, octet| len << 8 | usize::from(*octet))) };
        file[at..at + 4 * words].chunks_exact_mut(4).for_each(<[u8]>::reverse);
        if at == 0 {
            file[4..8].rotate_left(2);
        }
        at += 4 * words + data;
    }
    is_the_handshake(&opened(&file));
}

#[test]
fn of_a_packet_cut_short_the_headers_are_enough() {
    let frames: Vec<_> = handshake().iter().map(packet).collect();
    // Of each packet 44 octets: headers, and four of the ten octets of text.
    let kept: Vec<_> = frames
        .iter()
        .cloned()
        .map(|frame| {
            let len = frame.len().min(44);
            (frame, len)
        })
        .collect();
    let capture = opened(&pcap_file(MICRO, 101, &kept));
    is_the_handshake(&capture);
    assert_eq!(capture.flows[0].trace.packets[3].payload.octets(), b"xxxx");
    // And 39: less than the headers.
    let kept: Vec<_> = frames.into_iter().map(|frame| (frame, 39)).collect();
    let capture = opened(&pcap_file(MICRO, 101, &kept));
    assert_eq!((capture.packets, capture.unread), (4, 4));
    assert_eq!(capture.reasons[3], (4, Unread::CutShort));
}

#[test]
fn what_is_not_read_is_counted_with_its_number_and_why() {
    let mut fragment = packet(&handshake()[0]);
    fragment[6] = 0x20;
    let mut gre = packet(&handshake()[0]);
    gre[9] = 47;
    let frames = vec![packet(&handshake()[0]), fragment, gre, b"nonsense".to_vec(), packet(&handshake()[1])];
    let capture = opened(&pcap_file(MICRO, 101, &whole(frames)));
    assert_eq!((capture.packets, capture.unread, capture.flows.len()), (5, 3, 1));
    let said: Vec<String> = capture.reasons.iter().map(|(number, why)| format!("{number}: {why}")).collect();
    assert!(said[0].starts_with("2: the packet is a fragment"), "{said:?}");
    assert!(said[1].starts_with("3: the packet carries IP protocol 47"), "{said:?}");
    assert!(said[2].starts_with("4: not a whole IP packet"), "{said:?}");
    let capture = opened(&pcap_file(MICRO, 127, &whole(vec![packet(&handshake()[0])])));
    assert_eq!(
        capture.reasons[0].1.to_string(),
        "its link type is 127: Ethernet (1), raw IP (101), null and loopback (0, 108), Linux cooked (113, 276) are read"
    );
}

#[test]
fn a_file_that_ends_too_early_says_in_which_packet() {
    let file = pcap_file(MICRO, 101, &whole(handshake().iter().map(packet).collect()));
    let capture = opened(&file[..file.len() - 1]);
    assert_eq!(capture.packets, 3);
    assert_eq!(capture.broken, Some(CaptureError::CutOff { packets: 3 }));
    assert_eq!(capture.broken.expect("broken").to_string(), "the capture is cut off in packet 4: the file ends in the middle of it");
    assert_eq!(read(&file[..30], Limits::default()), Err(CaptureError::CutOff { packets: 0 }));
}

#[test]
fn what_is_no_capture_is_told_by_its_first_octets() {
    for (octets, message) in [
        (&b""[..], "it begins with nothing"),
        (b"title Handshake\n", "it begins with 7469746c, a pcap or pcapng with one of"),
        (&[0x1f, 0x8b, 8, 0, 0], "unpack it with gunzip first"),
    ] {
        let error = read(octets, Limits::default()).expect_err("no capture").to_string();
        assert!(error.contains(message), "{error}");
    }
}

#[test]
fn no_prefix_and_no_turned_octet_makes_it_panic() {
    let trace = crate::scenario("syn-to-closed-port").expect("of the catalogue").run();
    for format in [Format::Pcap, Format::PcapNg] {
        let mut file = Vec::new();
        pcap::write(&trace, format, Tap::Host(HostId(0)), &mut file).expect("can be written");
        let limits = Limits { packets: 100, text: 1000 };
        for end in 0..file.len() {
            let _ = read(&file[..end], limits);
        }
        for at in 0..file.len() {
            for value in [0, 0xff, file[at] ^ 1] {
                let mut hostile = file.clone();
                hostile[at] = value;
                let _ = read(&hostile[..], limits);
            }
        }
    }
}

#[test]
fn beyond_the_limit_packets_are_left_out_and_counted() {
    let file = pcap_file(MICRO, 101, &whole(handshake().iter().map(packet).collect()));
    let capture = read(&file[..], Limits { packets: 3, text: 1000 }).expect("a capture");
    assert_eq!((capture.packets, capture.left_out, capture.flows[0].numbers.as_slice()), (4, 1, &[1, 2, 3][..]));
}

#[test]
fn interfaces_of_one_pcapng_have_their_own_links_and_units() {
    let block = |kind: u32, body: &[u8]| {
        let len = u32::try_from(body.len() + 12).expect("short").to_le_bytes();
        [&kind.to_le_bytes(), &len[..], body, &len].concat()
    };
    let words = |words: &[u32]| words.iter().flat_map(|word| word.to_le_bytes()).collect::<Vec<u8>>();
    let mut file = block(0x0a0d_0d0a, &[words(&[0x1a2b_3c4d, 1]), vec![0xff; 8]].concat());
    // Raw IP in microseconds, which is the default; Ethernet in nanoseconds.
    file.extend(block(1, &words(&[101, 0])));
    file.extend(block(1, &[words(&[1, 0]), vec![9, 0, 1, 0, 9, 0, 0, 0, 0, 0, 0, 0]].concat()));
    let mut ethernet = Vec::new();
    let [syn, syn_ack, ..] = &handshake()[..] else { unreachable!() };
    let payload = Payload::Tcp { segment: syn_ack.2, text: Vec::new() };
    encode_frame([[2; 6], [4; 6]], syn_ack.0, syn_ack.1, 1, &payload, &mut ethernet).expect("a frame");
    for (interface, time, mut frame) in [(0, 5_u64, packet(syn)), (1, 6_000, ethernet)] {
        let len = u32::try_from(frame.len()).expect("short");
        frame.resize(frame.len().next_multiple_of(4), 0);
        let [high, low] = [time >> 32, time & 0xffff_ffff].map(|half| u32::try_from(half).expect("half"));
        file.extend(block(6, &[words(&[interface, high, low, len, len]), frame].concat()));
    }
    // A block of a kind nobody knows.
    file.extend(block(0x0bad_cafe, &[1, 2, 3, 4]));
    let capture = opened(&file);
    assert_eq!((capture.packets, capture.unread, &capture.broken), (2, 0, &None));
    assert_eq!(capture.flows[0].trace.entries.last().expect("packets").at.as_nanos(), 1000);
}

#[test]
fn crossed_segments_are_crossed_at_one_tap_too() {
    for (name, expected) in [("simultaneous-open", [State::Established; 2]), ("simultaneous-close", [State::TimeWait; 2])] {
        let trace = crate::scenario(name).expect("of the catalogue").run();
        for tap in [HostId(0), HostId(1)] {
            let mut file = Vec::new();
            pcap::write(&trace, Format::Pcap, Tap::Host(tap), &mut file).expect("can be written");
            let capture = opened(&file);
            let [flow] = &capture.flows[..] else { panic!("one connection") };
            let last = [HostId(0), HostId(1)].map(|host| flow.trace.path(host).pop());
            assert_eq!(last, expected.map(Some), "{name} at {tap:?}");
            let seen = flow.trace.path(HostId(0));
            let crossing = if name == "simultaneous-open" { State::SynReceived } else { State::Closing };
            assert!(seen.contains(&crossing), "{name} at {tap:?}: {seen:?}");
        }
    }
}

#[test]
fn a_loopback_with_both_copies_loses_nothing_and_doubles_nothing() {
    use super::super::{Flows, Seen};
    use crate::wire::Decoded;
    let mut flows = Flows::new(Limits::default());
    flows.expect_both_copies();
    for (number, (source, destination, segment)) in (1..).zip(handshake()) {
        let text = vec![b'x'; segment.len as usize];
        let packet = Decoded { source, destination, payload: Payload::Tcp { segment, text: &text[..] }, envelope: Envelope::PLAIN };
        flows.packet(Duration::from_millis(number), Seen::Sent, &packet);
        // The last one is lost.
        if number != 4 {
            flows.packet(Duration::from_millis(number), Seen::Received, &packet);
        }
    }
    let (source, destination, segment) = (B, A, segment(301, 101, Flags::ACK, 0));
    let late = Decoded { source, destination, payload: Payload::Tcp { segment, text: &[][..] }, envelope: Envelope::PLAIN };
    flows.packet(Duration::from_millis(9), Seen::Sent, &late);
    let flow = &flows.finish()[0];
    assert_eq!(flow.trace.packets.len(), 5);
    let lost: Vec<_> = flow.trace.entries.iter().filter(|entry| matches!(entry.what, What::Loss(_))).collect();
    assert_eq!(lost.len(), 1);
    assert_eq!(lost[0].at.as_millis(), 3);
}

#[test]
fn a_connection_whose_beginning_is_missing_is_established_as_seen() {
    use State::{CloseWait, Closed, Established, FinWait1, FinWait2, LastAck, TimeWait};
    let close = [
        (A, B, segment(111, 301, Flags::FIN | Flags::ACK, 0)),
        (B, A, segment(301, 112, Flags::ACK, 0)),
        (B, A, segment(301, 112, Flags::FIN | Flags::ACK, 0)),
        (A, B, segment(112, 302, Flags::ACK, 0)),
    ];
    let frames: Vec<_> = handshake()[3..].iter().chain(&close).map(packet).collect();
    let capture = opened(&pcap_file(MICRO, 101, &whole(frames)));
    let [flow] = &capture.flows[..] else { panic!("one connection") };

    assert_eq!(flow.trace.path(HostId(0)), [Established, FinWait1, FinWait2, TimeWait]);
    assert_eq!(flow.trace.path(HostId(1)), [Established, CloseWait, LastAck, Closed]);
}

#[test]
fn a_new_syn_after_the_end_begins_a_connection_of_its_own() {
    let refused = |iss: u32| {
        let reset = segment(0, iss + 1, Flags::RST | Flags::ACK, 0);
        [(A, B, segment(iss, 0, Flags::SYN, 0)), (B, A, reset)]
    };
    let frames: Vec<_> = refused(100).iter().chain(&refused(9000)).chain(&handshake()).map(packet).collect();
    let capture = opened(&pcap_file(MICRO, 101, &whole(frames)));
    let numbers: Vec<_> = capture.flows.iter().map(|flow| flow.numbers.clone()).collect();
    assert_eq!(numbers, [vec![1, 2], vec![3, 4], vec![5, 6, 7, 8]]);
    assert_eq!(capture.flows[2].trace.path(HostId(1)), [State::Listen, State::SynReceived, State::Established]);
}
