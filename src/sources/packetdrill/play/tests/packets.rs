//! What of a packet is looked at, and what is sent.

use super::*;
use crate::engine::Codepoint;
use crate::engine::State::{Established, FinWait1, Listen, SynReceived};
use crate::trace::{Envelope, Icmp, IcmpError, UdpPorts};
use crate::wire::{enclose, signature, signature_of, unwrap_udp};

fn next(offset: u32) -> u32 {
    ISS.wrapping_add(offset)
}

/// The field that is named when this segment leaves where that line stands.
fn field(line: &str, segment: Segment) -> Option<String> {
    let script = &format!("{ACCEPTED}+0 > {line}");
    let mut fake = accepted().leaving(0, segment);
    match played(script, &mut fake).verdict {
        Verdict::Passed => None,
        Verdict::Failed(mismatch) => Some(mismatch.differences.first().map_or(mismatch.summary.clone(), |first| first.field.clone())),
        other => panic!("{}", told(&other)),
    }
}

#[test]
fn each_field_is_looked_at() {
    let plain = segment(Flags::PSH | Flags::ACK, next(1), 1, 100);
    let line = "P. 1:101(100) ack 1 win 500";
    assert_eq!(field(line, plain), None);
    for flag in [Flags::FIN, Flags::SYN, Flags::RST, Flags::PSH, Flags::URG, Flags::ECE, Flags::CWR, Flags::AE] {
        let flags = if plain.has(flag) { plain.flags.without(flag) } else { plain.flags | flag };
        // A SYN's numbers are absolute, but the flags come first.
        assert_eq!(field(line, Segment { flags, ..plain }).as_deref(), Some("flags"), "{flag}");
    }
    let cases = [
        ("payload length", Segment { len: 99, ..plain }),
        ("seq", Segment { seq: SeqNumber::new(next(2)), ..plain }),
        ("ack", Segment { ack: SeqNumber::new(2), ..plain }),
        ("win", Segment { window: WireWindow(501), ..plain }),
        ("urg", Segment { urgent: 1, ..plain }),
        ("options", Segment { options: TcpOptions::NONE.nop().nop().nop().nop(), ..plain }),
    ];
    for (name, segment) in cases {
        assert_eq!(field(line, segment).as_deref(), Some(name));
    }
    // What is not written is not looked at: the window, options in `<...>`.
    assert_eq!(field("P. 1:101(100) ack 1", Segment { window: WireWindow(501), ..plain }), None);
    assert_eq!(field("P. 1:101(100) ack 1 <...>", Segment { options: TcpOptions::NONE.mss(5), ..plain }), None);
}

#[test]
fn the_first_difference_is_told_first_and_all_are_listed() {
    let script = &format!("{ACCEPTED}+.1 > FP. 1:101(100) ack 1 win 500 <nop,nop,sackOK>");
    let other = Segment { window: WireWindow(7), ..segment(Flags::ACK, next(2), 3, 50) };
    let text = fails(script, accepted().leaving(200, other));
    insta::assert_snapshot!(text, @"
    t.pkt:9:5: error handling packet:
      live packet field payload length: expected: 100 vs actual: 50
       |
     9 | +.1 > FP. 1:101(100) ack 1 win 500 <nop,nop,sackOK>
       |     ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
      script packet: > FP. 1:101(100) ack 1 win 500 <nop,nop,sackOK>
      actual packet: 0.200 > . 2:52(50) ack 3 win 7
                      expected                      actual
      payload length  100                           50
      flags           FP.                           .
      seq             1                             2
      ack             1                             3
      win             500                           7
      options         <nop,nop,sackOK>              none
      time            0.100 s, give or take 0.0125  0.200 s
    ");
}

#[test]
fn options_are_compared_in_order() {
    let options = |text: &str| Segment { options: TcpOptions::spelled(text).expect("options"), ..segment(Flags::ACK, next(1), 1, 0) };
    for (line, there, right) in [
        ("mss 1460", "mss 1460", true),
        ("mss 1460", "mss 1461", false),
        ("nop,wscale 7", "wscale 7,nop", false),
        ("nop,wscale 7", "nop,wscale 7", true),
        ("sackOK,eol,eol", "sackOK,eol", true),
        ("sackOK,nop,nop", "sackOK,eol", false),
        ("FO aabbccdd,nop,nop", "FO aabbccdd,nop,nop", true),
        ("FO aabbccdd,nop,nop", "FO aabbccde,nop,nop", false),
        ("gen-77 0102", "kind 77 0102", true),
        ("FOEXP aabbccdd", "kind 254 f989aabbccdd", true),
        ("ECN e1b 1 ceb 0", "kind 174 000001000000", true),
        ("ECN e1b 1 ceb 0", "kind 172 000001000000", false),
    ] {
        let found = field(&format!(". 1:1(0) ack 1 <{line}>"), options(there));
        assert_eq!(found.is_none(), right, "{line} {there}: {found:?}");
    }
}

#[test]
fn consecutive_segments_may_stand_for_one() {
    let script = &format!("{ACCEPTED}+0 > P. 1:2501(2500) ack 1");
    let parts = |last: Segment| {
        let fake = accepted().leaving(0, segment(Flags::ACK, next(1), 1, 1000)).leaving(0, segment(Flags::ACK, next(1001), 1, 1000));
        fake.leaving(0, last)
    };
    let last = segment(Flags::PSH | Flags::ACK, next(2001), 1, 500);
    passes(script, parts(last));
    for option in ["--strict_segments", "--no_cleanup"] {
        let text = fails(&format!("{option}\n{script}"), parts(last));
        assert!(text.contains("payload length: expected: 2500 vs actual: 1000"), "{option}: {text}");
    }
    // All but the last are equally long, and there is no gap.
    for last in [segment(Flags::PSH | Flags::ACK, next(2002), 1, 500), segment(Flags::PSH | Flags::ACK, next(2001), 2, 500)] {
        assert!(fails(script, parts(last)).contains("actual: 2000"));
    }
    let longer = accepted().leaving(0, segment(Flags::ACK, next(1), 1, 1000)).leaving(0, segment(Flags::ACK, next(1001), 1, 1500));
    assert!(fails(script, longer).contains("actual: 1000"));
    // PSH and FIN are the last one's.
    assert!(fails(script, parts(Segment { flags: Flags::ACK, ..last })).contains("flags: expected: P. vs actual: ."));
    passes(&script.replace("P.", "FP."), parts(Segment { flags: Flags::FIN | Flags::PSH | Flags::ACK, ..last }));
}

#[test]
fn packets_are_taken_strictly_in_order() {
    let script = &format!("{ACCEPTED}+0 > . 1:1(0) ack 5");
    let fake = accepted().leaving(0, segment(Flags::ACK, next(1), 1, 0)).leaving(0, segment(Flags::ACK, next(1), 5, 0));
    assert!(fails(script, fake).contains("ack: expected: 5 vs actual: 1"));
}

#[test]
fn text_is_zeros() {
    let [local, remote] = ends();
    let mut packet = octets(local, remote, segment(Flags::ACK, next(1), 1, 10));
    *packet.last_mut().expect("text") = 1;
    let text = fails(&format!("{ACCEPTED}+0 > . 1:11(10) ack 1"), accepted().leaving_packet(0, packet));
    assert!(text.contains("payload: expected: zeros vs actual: other octets"), "{text}");
}

#[test]
fn a_wrong_header_checksum_is_told_before_all_else() {
    let [local, remote] = ends();
    let mut packet = octets(local, remote, segment(Flags::ACK, next(1), 1, 0));
    packet[10] ^= 1;
    let text = fails(&format!("{ACCEPTED}+0 > F. 1:1(0) ack 1"), accepted().leaving_packet(0, packet));
    assert!(text.contains("live packet field IPv4 header checksum"), "{text}");
}

fn enclosed(envelope: Envelope) -> Vec<u8> {
    let [local, remote] = ends();
    let mut packet = octets(local, remote, segment(Flags::ACK, next(1), 1, 0));
    enclose(&mut packet, 0, &envelope).expect("room");
    packet
}

#[test]
fn ecn_tos_and_ttl_are_looked_at_where_they_are_written() {
    let marked = |codepoint| enclosed(Envelope { ttl: 17, ..Envelope::marked(codepoint) });
    let verdict = |info: &str, packet| {
        let mut fake = accepted().leaving_packet(0, packet);
        let report = played(&format!("{ACCEPTED}+0 > {info} . 1:1(0) ack 1"), &mut fake);
        matches!(report.verdict, Verdict::Passed)
    };
    for (info, codepoint, right) in [
        ("", Codepoint::Ce, true),
        ("[ect0]", Codepoint::Ect0, true),
        ("[ect0]", Codepoint::Ect1, false),
        ("[ect1]", Codepoint::Ect1, true),
        ("[ect01]", Codepoint::Ect0, true),
        ("[ect01]", Codepoint::Ect1, true),
        ("[ect01]", Codepoint::Ce, false),
        ("[noecn]", Codepoint::NotEct, true),
        ("[noecn]", Codepoint::Ect0, false),
        ("[ce]", Codepoint::Ce, true),
        ("[ttl 17]", Codepoint::NotEct, true),
        ("[ttl 18]", Codepoint::NotEct, false),
        ("[tos 0x02]", Codepoint::Ect0, true),
        ("[tos 0x03]", Codepoint::Ect0, false),
    ] {
        assert_eq!(verdict(info, marked(codepoint)), right, "{info} {codepoint:?}");
    }
}

#[test]
fn what_is_written_of_the_header_is_sent() {
    let script =
        &format!("{ACCEPTED}+0 < [ce] . 1:1(0) ack 1 win 5\n+0 < (tos 0x10) . 1:1(0) ack 1 win 5\n+0 < (ttl 3) . 1:1(0) ack 1 win 5");
    let fake = passes(script, accepted());
    let envelopes: Vec<_> = (1..5).map(|index| fake.packet(index).envelope).collect();
    let told: Vec<_> = envelopes.iter().map(|envelope| (envelope.tos(), envelope.ttl)).collect();
    assert_eq!(told, [(0, 255), (3, 255), (0x10, 255), (0, 3)]);
}

#[test]
fn flags_of_accurate_ecn_are_a_counter() {
    let counted = segment(Flags::ACK | Flags::AE | Flags::ECE, next(1), 1, 0);
    assert_eq!(field(".5 1:1(0) ack 1", counted), None);
    assert_eq!(field(".4 1:1(0) ack 1", counted).as_deref(), Some("flags"));
    assert_eq!(field("EA. 1:1(0) ack 1", counted), None);
    let fake = passes(&format!("{ACCEPTED}+0 < .3 1:1(0) ack 1 win 5"), accepted());
    assert_eq!(fake.came()[2].flags, Flags::ACK | Flags::CWR | Flags::ECE);
}

#[test]
fn an_icmp_error_quotes_the_stacks_own_packet() {
    let script = &format!("{ACCEPTED}+0 < icmp unreachable frag_needed mtu 1200 [1:1001(1000)]\n+0 < icmp unreachable host_unreachable");
    let fake = passes(script, accepted());
    let [local, remote] = ends();
    let told = |index: usize| match fake.packet(index).payload {
        Payload::Icmp(Icmp::Error { error, parameter, quote }) => {
            (error, parameter, quote.source, quote.destination, quote.what, quote.octets.len())
        }
        other => panic!("{other:?}"),
    };
    let seq = |offset| crate::trace::Quoted::Tcp(SeqNumber::new(next(offset)));
    assert_eq!(told(2), (IcmpError::FragmentationNeeded, 1200, local, remote, seq(1), 28));
    assert_eq!(told(3), (IcmpError::HostUnreachable, 0, local, remote, seq(0), 28));
    assert!(
        unsupported(&format!("{ACCEPTED}+0 < icmp unreachable no_route"), accepted()).contains("ICMP unreachable has no code no_route")
    );
}

#[test]
fn an_icmp_error_of_ipv6_has_its_own_numbers() {
    let local = "fd3d:a0b:17d6::1".parse().expect("an address");
    let remote = "fd3d:fa7b:d17d::1".parse().expect("an address");
    let (local, remote) = (End { address: local, port: 8080 }, End { address: remote, port: 49152 });
    let mut fake = accepted();
    fake.leaves[0].1 = octets(local, remote, segment(Flags::SYN | Flags::ACK, ISS, 1, 0));
    let script =
        &format!("--ip_version=ipv6\n{ACCEPTED}+0 < icmp packet_too_big mtu 1280 [1:1001(1000)]\n+0 < icmp unreachable port_unreachable");
    let fake = passes(script, fake);
    let told = |index: usize| match fake.packet(index).payload {
        Payload::Icmp(Icmp::Error { error, parameter, quote }) => (error, parameter, quote.octets.len()),
        other => panic!("{other:?}"),
    };
    assert_eq!((told(2), told(3)), ((IcmpError::FragmentationNeeded, 1280, 48), (IcmpError::PortUnreachable, 0, 48)));
}

#[test]
fn datagrams_are_sent_and_expected() {
    let script = "
0 socket(..., SOCK_DGRAM, IPPROTO_UDP) = 3
+0 bind(3, ..., ...) = 0
+0 connect(3, ..., ...) = 0
+0 write(3, ..., 100) = 100
+0 > udp (100)
+0 < udp (50)
+0 < icmp unreachable port_unreachable
";
    let (local, remote) = (end([192, 168, 0, 1], 8080), end([192, 0, 2, 1], 8080));
    let mut packet = Vec::new();
    encode_packet(local, remote, 1, &Payload::Udp { text: &[0; 100][..] }, &mut packet).expect("a packet");
    let fake =
        || Fake::default().answering([Answer::of(3), Answer::of(0), Answer::of(0), Answer::of(100)]).leaving_packet(0, packet.clone());
    let fake_after = passes(script, fake());
    assert!(matches!(fake_after.packet(0).payload, Payload::Udp { text } if text.len() == 50));
    assert!(matches!(fake_after.packet(1).payload, Payload::Icmp(Icmp::Error { quote, .. }) if quote.what == crate::trace::Quoted::Udp));
    assert!(fails(&script.replace("> udp (100)", "> udp (101)"), fake()).contains("payload length: expected: 101 vs actual: 100"));
}

#[test]
fn segments_travel_in_udp_where_it_is_written() {
    let script = &ACCEPTED.replace("<mss 1000>", "<mss 1000> /udp(1234 > 9899)").replace("<...>", "<...> /udp(9899 > 1234)");
    let script = &script.replace("ack 1 win 1000", "ack 1 win 1000 /udp(1234 > 9899)");
    let udp = Some(UdpPorts { source: 9899, destination: 1234 });
    let mut fake = accepted();
    enclose(&mut fake.leaves[0].1, 0, &Envelope { udp, ..Envelope::PLAIN }).expect("room");
    let fake = passes(script, fake);
    let first = unwrap_udp(&fake.packet(0)).expect("in UDP");
    assert_eq!(first.envelope.udp, Some(UdpPorts { source: 1234, destination: 9899 }));
    assert!(matches!(first.payload, Payload::Tcp { segment, .. } if segment.flags == Flags::SYN));
}

#[test]
fn a_valid_signature_is_made_and_judged() {
    let script = &ACCEPTED.replace("<mss 1000>", "<nop,nop,md5 valid>").replace("<...>", "<nop,nop,md5 valid>");
    let script = &format!("--tcp_md5_secret=guess\n{script}");
    let [local, remote] = ends();
    let options = TcpOptions::from_octets(&[&[1, 1, 19, 18][..], &[0; 16]].concat()).expect("20 octets");
    let unsigned = Segment { options, ..segment(Flags::SYN | Flags::ACK, ISS, 1, 0) };
    let signed = |key: &[u8]| {
        let digest = signature(local, remote, &unsigned, &[], key).expect("a digest");
        let mut fake = accepted();
        fake.leaves[0].1 = octets(local, remote, Segment { options: options::signed(&options, digest), ..unsigned });
        fake
    };
    let first = passes(script, signed(b"guess")).came()[0];
    let right = signature(remote, local, &first, &[], b"guess").expect("a digest");
    assert_eq!(signature_of(&first.options), Some(&right[..]));
    assert!(fails(script, signed(b"other")).contains("MD5 signature: expected: a valid one vs actual: another"));
    assert!(broken(&script.replace("--tcp_md5_secret=guess", ""), signed(b"guess")).contains("md5 valid needs --tcp_md5_secret"));
}

#[test]
fn what_has_no_meaning_here_is_unsupported() {
    for (line, what) in [
        ("+0 < gre: . 1:1(0) ack 1 win 5", "packets in packets"),
        ("+0 < ipv4 1.2.3.4 > 5.6.7.8: . 1:1(0) ack 1 win 5", "packets in packets"),
        ("+0 < encap psp spi 5 . 1:1(0) ack 1 win 5", "PSP"),
        ("+0 > encap psp spi 5 . 1:1(0) ack 1", "PSP"),
    ] {
        let Ok(_) = parse("t.pkt", &format!("{ACCEPTED}{line}"), &[]) else { continue };
        assert!(unsupported(&format!("{ACCEPTED}{line}"), accepted()).contains(what), "{line}");
    }
}

#[test]
fn what_came_is_kept_for_whoever_writes_the_script_anew() {
    let script = &format!("{ACCEPTED}+0 > F. 1:1(0) ack 1\n+0 > . 2:2(0) ack 1 <...>");
    let mut fake = accepted()
        .leaving(0, segment(Flags::PSH | Flags::ACK, next(1), 1, 7))
        .leaving(0, Segment { options: TcpOptions::NONE.mss(5), ..segment(Flags::ACK, next(8), 1, 0) });
    let report = played_with(&Context { go_on: true, ..context(script) }, &mut fake);
    assert_eq!(report.verdict, Verdict::Passed);
    assert_eq!(report.forgiven.len(), 2);
    let packets: Vec<_> = report.seen.iter().map(|seen| (seen.event, seen.packet.to_string())).collect();
    assert_eq!(packets[1..], [(7, "> P. 1:8(7) ack 1".to_owned()), (8, "> . 8:8(0) ack 1 <...>".to_owned())]);
}

#[test]
fn a_trace_has_all_calls_and_packets_and_the_states_a_bystander_sees() {
    let script = &format!("{ACCEPTED}+.1 close(4) = 0\n+0 > F. 1:1(0) ack 1");
    let report = played(script, &mut accepted().leaving(100, segment(Flags::FIN | Flags::ACK, next(1), 1, 0)));
    assert_eq!(report.verdict, Verdict::Passed, "{}", told(&report.verdict));
    let trace = &report.trace;
    assert_eq!(trace.packets.len(), 4, "what is done behind the script is not told");
    let calls = trace.entries.iter().filter_map(|entry| match &entry.what {
        crate::trace::What::Call { call, result: Ok(result), .. } => Some(format!("{call} = {result}")),
        _ => None,
    });
    let calls: Vec<_> = calls.collect();
    assert_eq!(calls[3..], ["accept(3, ..., ...) = 4", "close(4) = 0"]);
    assert_eq!(trace.path(crate::trace::HostId(0)), [Listen, SynReceived, Established, FinWait1]);
}
