//! Whose numbers are which: sequence numbers, acknowledgements, SACK, timestamps, ports.

use super::*;
use crate::engine::Timestamps;

fn next(offset: u32) -> u32 {
    ISS.wrapping_add(offset)
}

#[test]
fn numbers_are_counted_from_each_sides_first() {
    // The script's side has ISN 700 here; the stack's own lies just below the wrap.
    let script = "
0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
+0 bind(3, ..., ...) = 0
+0 listen(3, 1) = 0
+0 < S 700:700(0) win 1000
+0 > S. 30:30(0) ack 701
+0 < P. 1:101(100) ack 1 win 1000
+0 > P. 1:21(20) ack 101
+0 < . 101:101(0) ack 21 win 1000
";
    let fake = Fake { answers: [Outcome::Returned(Answer::of(3))].into(), ..Fake::default() }
        .leaving(0, segment(Flags::SYN | Flags::ACK, ISS, 701, 0))
        .leaving(0, segment(Flags::PSH | Flags::ACK, next(1), 801, 20));
    let numbers: Vec<_> = passes(script, fake).came().iter().map(|segment| (segment.seq.get(), segment.ack.get())).collect();
    assert_eq!(numbers[..3], [(700, 0), (701, next(1)), (801, next(21))]);
}

#[test]
fn the_number_of_a_segment_without_ack_is_left_alone() {
    let fake = passes(&format!("{ACCEPTED}+0 < F 17:17(0) ack 34 win 5"), accepted());
    assert_eq!((fake.came()[2].seq.get(), fake.came()[2].ack.get(), fake.came()[2].flags), (17, 34, Flags::FIN));
    // One that leaves without ACK has 0 there, unless something else is written.
    let leaving = |ack| accepted().leaving(0, segment(Flags::RST, next(1), ack, 0));
    passes(&format!("{ACCEPTED}+0 > R 1:1(0)"), leaving(0));
    passes(&format!("{ACCEPTED}+0 > R 1:1(0) ack 7"), leaving(7));
    assert!(fails(&format!("{ACCEPTED}+0 > R 1:1(0)"), leaving(7)).contains("ack: expected: 0 vs actual: 7"));
}

#[test]
fn what_is_raw_stands_on_the_wire_as_written() {
    let script = &format!("{ACCEPTED}+0 < . 5:5(0)! ack 6! win 5\n+0 > . 4294967281:4294967281(0)! ack 9! win 500\n+0 > . ...(0) ack 9");
    let ack = segment(Flags::ACK, next(1), 9, 0);
    let fake = passes(script, accepted().leaving(0, ack).leaving(0, segment(Flags::ACK, 77, 9, 0)));
    assert_eq!((fake.came()[2].seq.get(), fake.came()[2].ack.get()), (5, 6));
}

#[test]
fn sack_blocks_are_mapped_like_the_acknowledgement() {
    let script = &format!("{ACCEPTED}+0 < . 1:1(0) ack 1 win 5 <nop,nop,sack 11:21 31:41>\n+0 > . 1:1(0) ack 1 <nop,nop,sack 101:201>");
    let sack = Segment { options: TcpOptions::NONE.nop().nop().sack(101, 201), ..segment(Flags::ACK, next(1), 1, 0) };
    let fake = passes(script, accepted().leaving(0, sack));
    let expected = TcpOptions::spelled(&format!("nop,nop,sack {}:{} {}:{}", next(11), next(21), next(31), next(41)));
    assert_eq!(Some(fake.came()[2].options), expected);
    let text = fails(&script.replace("101:201", "101:202"), accepted().leaving(0, sack));
    assert!(text.contains("option: expected: sack 101:202 vs actual: sack 101:201"), "{text}");
}

fn stamped(flags: Flags, seq: u32, val: u32) -> Segment {
    Segment { options: TcpOptions::NONE.nop().nop().timestamps(Timestamps { val, ecr: 5 }), ..segment(flags, seq, 1, 0) }
}

#[test]
fn an_echoed_timestamp_is_the_one_that_was_seen() {
    let script = "
0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
+0 bind(3, ..., ...) = 0
+0 listen(3, 1) = 0
+0 < S 0:0(0) win 1000 <TS val 700 ecr 0,eol,eol>
+0 > S. 0:0(0) ack 1 <nop,nop,TS val 100 ecr 700>
+0 < . 1:1(0) ack 1 win 1000 <nop,nop,TS val 701 ecr 100>
+1 > . 1:1(0) ack 1 <nop,nop,TS val 200 ecr 99>
+0 < . 1:1(0) ack 1 win 1000 <nop,nop,TS val 702 ecr 200>
";
    let fake = || {
        let fake = Fake { answers: [Outcome::Returned(Answer::of(3))].into(), ..Fake::default() };
        fake.leaving(0, stamped(Flags::SYN | Flags::ACK, ISS, 9_000)).leaving(1000, stamped(Flags::ACK, next(1), 9_999))
    };
    let echoes: Vec<_> = passes(script, fake()).came().iter().filter_map(|segment| segment.options.get_timestamps()).collect();
    let pairs: Vec<_> = echoes.iter().map(|ts| (ts.val, ts.ecr)).collect();
    assert_eq!(pairs[..3], [(700, 0), (701, 9_000), (702, 9_999)]);
    // The second TSval is 999 further where 100 are written: of no interest, unless the clock is known.
    let text = fails(&format!("--tcp_ts_tick_usecs=1000\n{script}"), fake());
    assert!(text.contains("TS val: expected: 200 vs actual: 1099"), "{text}");
    passes(&format!("--tcp_ts_tick_usecs=1000\n{}", script.replace("val 200", "val 1099").replace("ecr 200", "ecr 1099")), fake());
    // What nobody has sent cannot be echoed, unless it may be counted on.
    let unseen = &script.replace("ecr 200", "ecr 150");
    assert!(broken(unseen, fake()).contains("no packet had TS val 150"));
    let fake = passes(&format!("--tcp_ts_ecr_scaled\n{unseen}"), fake());
    assert_eq!(fake.came()[2].options.get_timestamps().map(|ts| ts.ecr), Some(9_050));
    let raw = script
        .replace("+0 < . 1:1(0) ack 1 win 1000 <nop,nop,TS val 702 ecr 200>", "+0 < . 1:1(0) ack 1 win 1 <nop,nop,TS val 702 ecr 8!>");
    let fake = Fake { answers: [Outcome::Returned(Answer::of(3))].into(), ..Fake::default() };
    let fake = fake.leaving(0, stamped(Flags::SYN | Flags::ACK, ISS, 9_000)).leaving(1000, stamped(Flags::ACK, next(1), 9_999));
    assert_eq!(passes(&raw, fake).came()[2].options.get_timestamps().map(|ts| ts.ecr), Some(8));
}

#[test]
fn an_active_open_learns_port_and_numbers_from_the_syns() {
    let script = "
0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
+0 connect(3, ..., ...) = -1 EINPROGRESS
+0 > S 100:100(0)
+0 < S. 700:700(0) ack 101 win 1000
+0 > . 1:1(0) ack 1
+0 < R. 1:1(0) ack 1 win 5
";
    let [_, remote] = ends();
    let (local, remote) = (end([192, 168, 0, 1], 40_001), End { port: 8080, ..remote });
    let other = End { port: 40_002, ..local };
    let fake = Fake::default()
        .answering([Answer::of(3), Answer::failed(Errno::InProgress)])
        .leaving_packet(0, octets(local, remote, segment(Flags::SYN, ISS, 0, 0)))
        // Of another connection: nobody looks at it.
        .leaving_packet(0, octets(other, remote, segment(Flags::SYN, 5, 0, 0)))
        .leaving_packet(0, octets(local, remote, segment(Flags::ACK, next(1), 701, 0)));
    let fake = passes(script, fake);
    assert_eq!((fake.packet(0).source, fake.packet(0).destination), (remote, local));
    let numbers: Vec<_> = fake.came().iter().map(|segment| (segment.seq.get(), segment.ack.get())).collect();
    assert_eq!(numbers[..2], [(700, next(1)), (701, next(1))]);
}

#[test]
fn in_a_simultaneous_open_the_scripts_side_counts_from_zero() {
    let script = "
0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
+0 connect(3, ..., ...) = -1 EINPROGRESS
+0 > S 0:0(0)
+0 < S 0:0(0) win 1000
+0 > S. 0:0(0) ack 1
+0 < . 1:1(0) ack 1 win 1000
";
    let (local, remote) = (end([192, 168, 0, 1], 40_001), end([192, 0, 2, 1], 8080));
    let fake = Fake::default()
        .answering([Answer::of(3), Answer::failed(Errno::InProgress)])
        .leaving_packet(0, octets(local, remote, segment(Flags::SYN, ISS, 0, 0)))
        .leaving_packet(0, octets(local, remote, segment(Flags::SYN | Flags::ACK, ISS, 1, 0)));
    let numbers: Vec<_> = passes(script, fake).came().iter().map(|segment| (segment.seq.get(), segment.ack.get())).collect();
    assert_eq!(numbers[..2], [(0, 0), (1, next(1))]);
}

#[test]
fn a_port_where_nobody_listens_is_sent_numbers_as_written() {
    let script = "
0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
+0 bind(3, ..., ...) = 0
+0 < . 17:17(0) ack 34 win 5
+0 > R 34:34(0)
";
    let fake = Fake { answers: [Outcome::Returned(Answer::of(3))].into(), ..Fake::default() };
    let fake = passes(script, fake.leaving(0, segment(Flags::RST, 34, 0, 0)));
    assert_eq!((fake.came()[0].seq.get(), fake.came()[0].ack.get()), (17, 34));
}

#[test]
fn ports_that_are_written_are_those_of_the_packet() {
    let script = &ACCEPTED.replace("< S ", "< 5555 > 8080 S ").replace("+0 < . 1:1", "+0 < 5555 > 8080 . 1:1");
    let mut fake = accepted();
    let local = end([192, 168, 0, 1], 8080);
    fake.leaves[0].1 = octets(local, end([192, 0, 2, 1], 5555), segment(Flags::SYN | Flags::ACK, ISS, 1, 0));
    let fake = passes(script, fake);
    assert!(fake.arrived.len() == 3 && (0..3).all(|index| fake.packet(index).source.port == 5555));
}

#[test]
fn options_say_which_addresses_and_ports_there_are() {
    let script = &format!("--local_ip=10.0.0.1\n--remote_ip=10.9.0.1/24\n--bind_port=99\n{ACCEPTED}");
    let mut fake = accepted();
    let (local, remote) = (end([10, 0, 0, 1], 99), end([10, 9, 0, 1], 49152));
    fake.leaves[0].1 = octets(local, remote, segment(Flags::SYN | Flags::ACK, ISS, 1, 0));
    let fake = passes(script, fake);
    assert_eq!((fake.packet(0).source, fake.packet(0).destination), (remote, local));
    assert!(fake.calls.iter().any(|(_, call)| *call == Call::Bind { fd: 3, to: local }));
}

#[test]
fn the_command_lines_options_override_the_scripts() {
    let text = &format!("--bind_port=99\n{ACCEPTED}");
    let overrides = [ScriptOption { name: "bind_port".to_owned(), value: Some("8080".to_owned()) }];
    let report = played_with(&Context { overrides: &overrides, ..context(text) }, &mut accepted());
    assert_eq!(report.verdict, Verdict::Passed, "{}", told(&report.verdict));
}

#[test]
fn the_reset_at_the_end_is_the_dialects() {
    let sent = |script: &str| {
        let fake = passes(script, accepted());
        *fake.came().last().expect("a reset")
    };
    let google = sent(ACCEPTED);
    assert_eq!((google.flags, google.seq.get(), google.ack.get()), (Flags::RST | Flags::ACK, 1, next(1)));
    let nplab = sent(&format!("--no_cleanup\n{ACCEPTED}"));
    assert_eq!((nplab.flags, nplab.seq.get()), (Flags::RST, 1));
}
