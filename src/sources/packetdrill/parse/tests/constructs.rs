//! Each construct once.

use std::time::Duration;

use super::*;

#[test]
fn an_ordinary_script_reads() {
    let script = read(
        r#"// A server answers, reads and closes.
--mtu=1500
--local_ip=192.168.0.1   // ours
--define=PORT=8080
`sysctl -q -w net.ipv4.tcp_ecn=0
 true`

0    socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
+0   setsockopt(3, SOL_SOCKET, SO_REUSEADDR, [1], 4) = 0
+0   bind(3, {sa_family = AF_INET, sin_port = htons(PORT), sin_addr = inet_addr("192.168.0.1")}, ...) = 0
+0   listen(3, 1) = 0
+0   fcntl(3, F_SETFL, O_RDWR|O_NONBLOCK) = 0 (flags O_RDWR)
+0   < S 0:0(0) win 32792 <mss 1460,sackOK,TS val 100 ecr 0,nop,wscale 7>
+0   > S. 0:0(0) ack 1 win 65535 <...>
+.1  < [ect0] P.5 1:1001(1000) ack 1 win 257 <nop,nop,sack 1:2 5:7>
*    > . 1:1(0) ack 1001
+0...0.2 read(4, ..., 1000) = 1000
+0   %{ assert tcpi_state == TCP_ESTABLISHED, tcpi_state }%
+0   close(4) = -1 EBADF (Bad file descriptor)
1.0~1.2 > F. 1:1(0) ack 1001 win 500
+.1  < icmp unreachable frag_needed mtu 1200 [1:1001(1000)]
+.1 `true`

`sysctl -q -w net.ipv4.tcp_ecn=2`
"#,
    );
    insta::assert_snapshot!(script, @r#"
    --mtu=1500
    --local_ip=192.168.0.1
    --define=PORT=8080

    `sysctl -q -w net.ipv4.tcp_ecn=0
     true`

        0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
       +0 setsockopt(3, SOL_SOCKET, SO_REUSEADDR, [1], 4) = 0
       +0 bind(3, {sa_family=AF_INET, sin_port=htons(8080), sin_addr=inet_addr("192.168.0.1")}, ...) = 0
       +0 listen(3, 1) = 0
       +0 fcntl(3, F_SETFL, O_RDWR|O_NONBLOCK) = 0 (flags O_RDWR)
       +0 < S 0:0(0) win 32792 <mss 1460,sackOK,TS val 100 ecr 0,nop,wscale 7>
       +0 > S. 0:0(0) ack 1 win 65535 <...>
      +.1 < [ect0] P.5 1:1001(1000) ack 1 win 257 <nop,nop,sack 1:2 5:7>
        * > . 1:1(0) ack 1001
    +0...0.2 read(4, ..., 1000) = 1000
       +0 %{ assert tcpi_state == TCP_ESTABLISHED, tcpi_state }%
       +0 close(4) = -1 EBADF (Bad file descriptor)
    1~1.2 > F. 1:1(0) ack 1001 win 500
      +.1 < icmp unreachable frag_needed mtu 1200 [1:1001(1000)]
      +.1 `true`

    `sysctl -q -w net.ipv4.tcp_ecn=2`
    "#);
}

#[test]
fn options_take_values_of_every_kind() {
    let script = read(
        "--verbose\n--tolerance_usecs=10000 --tolerance_percent=12.5\n--ip_version=ipv4-mapped-ipv6\n--local_ip=fd3d:fa7b:d17d::1\n\
         --code-command=\"python3 -u\"// a comment\n--non_fatal=packet,syscall\n--define=A=b\n--define B=\"c d\"\n--define=C=`true`\n--define=D\n0 f() = 0",
    );
    let options: Vec<_> = script.options.iter().map(|option| (option.value.name.as_str(), option.value.value.as_deref())).collect();
    let expected = [
        ("verbose", None),
        ("tolerance_usecs", Some("10000")),
        ("tolerance_percent", Some("12.5")),
        ("ip_version", Some("ipv4-mapped-ipv6")),
        ("local_ip", Some("fd3d:fa7b:d17d::1")),
        ("code_command", Some("python3 -u")),
        ("non_fatal", Some("packet,syscall")),
        ("define", Some("A=b")),
        ("define", Some("B=\"c d\"")),
        ("define", Some("C=`true`")),
        ("define", Some("D")),
    ];
    assert_eq!(options, expected);
}

#[test]
fn an_option_spans_what_is_written_of_it() {
    let text = "--mtu=1500 // wide\n0 f() = 0";
    let span = read(text).options[0].span;
    assert_eq!(&text[span.start..span.end], "--mtu=1500");
}

#[test]
fn the_first_command_without_a_time_sets_up_and_the_last_one_clears_away() {
    let commands = |text: &str| {
        let script = read(text);
        (script.init.map(|init| init.value), script.cleanup.map(|cleanup| cleanup.value))
    };
    let some = |text: &str| Some(text.to_owned());
    assert_eq!(commands("`a` 0 f() = 0"), (some("a"), None));
    assert_eq!(commands("0 f() = 0 `b`"), (None, some("b")));
    assert_eq!(commands("`a\n  \\`c\\``\n0 `x`\n`b`"), (some("a\n  \\`c\\`"), some("b")));
}

#[test]
fn a_time_has_every_form_and_is_cut_to_microseconds() {
    let micros = Duration::from_micros;
    let table = [
        ("1.5 f() = 0", Time::Absolute(micros(1_500_000))),
        ("2 f() = 0", Time::Absolute(micros(2_000_000))),
        (".25 f() = 0", Time::Absolute(micros(250_000))),
        ("0.0000019 f() = 0", Time::Absolute(micros(1))),
        ("+.1 f() = 0", Time::Relative(micros(100_000))),
        ("+ 1 f() = 0", Time::Relative(micros(1_000_000))),
        ("* > . 1:1(0)", Time::Any),
        ("1.0~1.2 > . 1:1(0)", Time::Range(micros(1_000_000), micros(1_200_000))),
        ("+.1~+.2 > . 1:1(0)", Time::RelativeRange(micros(100_000), micros(200_000))),
    ];
    for (line, time) in table {
        assert_eq!(last(line).time.value, time, "{line}");
    }
}

#[test]
fn a_call_that_blocks_says_when_it_returns() {
    let end = |line| match last(line).what.value {
        What::Call(call) => call.end.map(|end| end.value),
        other => panic!("{other:?}"),
    };
    assert_eq!(end("0...0.2 f() = 0"), Some(Duration::from_millis(200)));
    assert_eq!(end("+.1...0.2 f() = 0"), Some(Duration::from_millis(200)));
    assert_eq!(end("+.1....2 f() = 0"), Some(Duration::from_millis(200)));
    assert_eq!(end("1.0 ... 2 f() = 0"), Some(Duration::from_secs(2)));
    assert_eq!(end("+.1 f() = 0"), None);
}

#[test]
fn an_event_spans_its_time_and_what_happens() {
    let text = "0 f() = 0\n +.1  > . 1:1(0) <...>  // so\n+0 g() = 1 (note)";
    let script = read(text);
    let written = |span: Span| &text[span.start..span.end];
    let spans: Vec<_> = script.events.iter().map(|event| [event.span, event.time.span, event.what.span].map(written)).collect();
    assert_eq!(
        spans,
        [
            ["0 f() = 0", "0", "f() = 0"],
            ["+.1  > . 1:1(0) <...>", "+.1", "> . 1:1(0) <...>"],
            ["+0 g() = 1 (note)", "+0", "g() = 1 (note)"]
        ]
    );
}

#[test]
fn an_event_may_stand_on_several_lines_between_comments() {
    let script = read("0 /* now\n*/ f(1, // one\n 2) =\n 0 /* two */ 1 > .\n 1:1(0)\n\n ack 1//end");
    assert_eq!(script.events.len(), 2);
    assert_eq!(script.events[1].what.value.to_string(), "> . 1:1(0) ack 1");
}

#[test]
fn flags_stand_in_any_order() {
    let flags = |letters: &str| segment(&format!("> {letters} 1:1(0)")).flags.value;
    let bits = |bits| SegmentFlags { bits, ace: None };
    let table = [
        ("-", 0),
        (".", SegmentFlags::ACK),
        ("S", SegmentFlags::SYN),
        ("S.", SegmentFlags::SYN | SegmentFlags::ACK),
        ("FP.", SegmentFlags::FIN | SegmentFlags::PSH | SegmentFlags::ACK),
        (".PF", SegmentFlags::FIN | SegmentFlags::PSH | SegmentFlags::ACK),
        ("R.", SegmentFlags::RST | SegmentFlags::ACK),
        ("SEW", SegmentFlags::SYN | SegmentFlags::ECE | SegmentFlags::CWR),
        ("SEWA", SegmentFlags::SYN | SegmentFlags::ECE | SegmentFlags::CWR | SegmentFlags::AE),
        ("U.", SegmentFlags::URG | SegmentFlags::ACK),
        ("SF", SegmentFlags::SYN | SegmentFlags::FIN),
        // A counter of 0 says nothing.
        (".0", SegmentFlags::ACK),
    ];
    for (letters, expected) in table {
        assert_eq!(flags(letters), bits(expected), "{letters}");
    }
    let counted = |bits, ace| SegmentFlags { bits, ace: Some(ace) };
    assert_eq!(flags("P.5"), counted(SegmentFlags::PSH | SegmentFlags::ACK, 5));
    assert_eq!(flags(".5"), counted(SegmentFlags::ACK, 5));
    assert_eq!(flags("5."), counted(SegmentFlags::ACK, 5));
    assert_eq!(flags("7"), counted(0, 7));
}

#[test]
fn numbers_are_mapped_raw_or_not_looked_at() {
    let number = |value, raw| Some(Number { value, raw });
    let seq = |line| segment(line).seq.map(|seq| seq.value);
    assert_eq!(seq("> P. 1:1001(1000) ack 1"), number(1, false));
    assert_eq!(seq("> R 5:5(0)! ack 7"), number(5, true));
    assert_eq!(seq("> . ...(10) ack 7"), None);
    assert_eq!(segment("> . ...(10) ack 7").len, 10);
    assert_eq!(seq("> . 4294967295:9(10)"), number(u32::MAX, false));
    assert_eq!(segment("> . 1:1(0) ack 7!").ack.map(|ack| ack.value), number(7, true));
    assert_eq!(segment("> . 1:1(0)").ack, None);
}

#[test]
fn a_segment_has_ports_window_urgent_pointer_encapsulation_and_diagnosis() {
    let all = segment("< 8081 > 8080 PU. 1:11(10) ack 5 win 100 urg 9 <nop,nop,nop,nop> /udp(9899 > 9900) [code 3, pen 7]");
    assert_eq!(all.ports, Some(Ports { source: 8081, destination: 8080 }));
    assert_eq!((all.window, all.urgent), (Some(100), Some(9)));
    assert_eq!(all.udp, Some(Ports { source: 9899, destination: 9900 }));
    assert_eq!(all.diagnosis, Some(Diagnosis { code: 3, pen: Some(7) }));
    for line in ["> S/udp(1 > 2) 0:0(0)", "> S 0:0(0)/udp(1 > 2)", "> S 0:0(0) <...>/udp(1 > 2)", "> R 0:0(0) [code 1] /udp(1 > 2)"] {
        assert_eq!(segment(line).udp, Some(Ports { source: 1, destination: 2 }), "{line}");
    }
    for line in ["> R 1:1(0) [code 1] ack 1", "> R 1:1(0) ack 1 win 5 [code 1]"] {
        assert_eq!(segment(line).diagnosis, Some(Diagnosis { code: 1, pen: None }), "{line}");
    }
    let none = segment("> . 1:1(0)");
    assert_eq!((none.ports, none.window, none.urgent, none.udp, none.diagnosis), (None, None, None, None, None));
}

#[test]
fn what_is_said_of_an_ip_header_is_read_in_both_dialects() {
    let none = IpInfo::default();
    let table = [
        ("", none),
        ("[noecn]", IpInfo { ecn: Some(Ecn::NotEct), ..none }),
        ("(ect0)", IpInfo { ecn: Some(Ecn::Ect0), ..none }),
        ("[ect1]", IpInfo { ecn: Some(Ecn::Ect1), ..none }),
        ("[ect01]", IpInfo { ecn: Some(Ecn::Ect01), ..none }),
        ("[ce]", IpInfo { ecn: Some(Ecn::Ce), ..none }),
        ("[tos 0x1f]", IpInfo { tos: Some(0x1f), ..none }),
        ("[flowlabel 0xabcde]", IpInfo { flow_label: Some(0xabcde), ..none }),
        ("[ttl 64]", IpInfo { ttl: Some(64), ..none }),
        ("[ect0,flowlabel 0x1]", IpInfo { ecn: Some(Ecn::Ect0), flow_label: Some(1), ..none }),
        ("(hlim 255)", IpInfo { ttl: Some(255), ..none }),
        ("(class 0x02)", IpInfo { tos: Some(2), ..none }),
        ("(dscp af41, ecn ect0, ttl 1)", IpInfo { dscp: Some(34), ecn: Some(Ecn::Ect0), ttl: Some(1), ..none }),
        ("(dscp ef)", IpInfo { dscp: Some(46), ..none }),
        ("(dscp cs7, ecn 3)", IpInfo { dscp: Some(56), ecn: Some(Ecn::Ce), ..none }),
        ("(dscp 0x01)", IpInfo { dscp: Some(1), ..none }),
    ];
    for (info, expected) in table {
        assert_eq!(packet(&format!("> {info} . 1:1(0)")).ip, expected, "{info}");
    }
}

#[test]
fn headers_stand_around_a_packet() {
    let packet = packet(
        "< ipv4 [ttl 3] 192.0.2.1 > 192.0.2.2: ipv6 2001:db8::1 > 2001:db8:::gre flags 0x2000 proto 0x0800: mpls (label 5, tc 0, [S], ttl 64): \
         (ect0) encap psp spi 0x10 S 0:0(0) win 1",
    );
    let outer: Vec<_> = packet.outer.iter().map(|outer| outer.value.to_string()).collect();
    assert_eq!(
        outer,
        [
            "ipv4 [ttl 3] 192.0.2.1 > 192.0.2.2:",
            "ipv6 2001:db8::1 > 2001:db8:::",
            "gre flags 0x2000 proto 0x0800:",
            "mpls (label 5, tc 0, [S], ttl 64):"
        ]
    );
    assert_eq!(packet.psp.map(|spi| spi.value), Some(16));
    assert_eq!(packet.ip.ecn, Some(Ecn::Ect0));
}

fn option(text: &str) -> TcpOption {
    let mut padded = (0..4).map(|pads| format!("> . 1:1(0) <{text}{}>", ",nop".repeat(pads)));
    let read = padded.find_map(|line| parse("script.pkt", &format!("0 {line}"), &[]).ok()).unwrap_or_else(|| panic!("{text}"));
    let What::Packet(Packet { body: Body::Tcp(Segment { options: Options::Listed(options), .. }), .. }) = &read.events[0].what.value else {
        panic!("{read:?}")
    };
    options[0].value.clone()
}

#[test]
fn every_tcp_option_is_read_in_both_dialects() {
    let number = |value| Number { value, raw: false };
    let table = [
        ("nop", TcpOption::Nop),
        ("eol", TcpOption::Eol),
        ("mss 1460", TcpOption::Mss(1460)),
        ("wscale 7", TcpOption::WindowScale(7)),
        ("sackOK", TcpOption::SackPermitted),
        ("sack 1:3", TcpOption::Sack(vec![(number(1), number(3))])),
        ("sack 1:3 7:9 11:12", TcpOption::Sack(vec![(number(1), number(3)), (number(7), number(9)), (number(11), number(12))])),
        ("TS val 100 ecr 5", TcpOption::Timestamps { val: Some(100), ecr: number(5) }),
        ("TS val ... ecr 5!", TcpOption::Timestamps { val: None, ecr: Number { value: 5, raw: true } }),
        ("md5 00112233445566778899aabbccddeeff", TcpOption::Md5(Some((0..16).map(|nibble| nibble * 0x11).collect()))),
        ("md5", TcpOption::Md5(Some(vec![]))),
        ("md5 valid", TcpOption::Md5(None)),
        ("FO", TcpOption::FastOpen(vec![])),
        ("FO 00ab12cd", TcpOption::FastOpen(vec![0, 0xab, 0x12, 0xcd])),
        ("FO 0012", TcpOption::FastOpen(vec![0, 0x12])),
        ("FO ABCDEF12", TcpOption::FastOpen(vec![0xab, 0xcd, 0xef, 0x12])),
        ("FOEXP", TcpOption::ExperimentalFastOpen(vec![])),
        ("FOEXP 12e4", TcpOption::ExperimentalFastOpen(vec![0x12, 0xe4])),
        ("EXP-FO 1234", TcpOption::ExperimentalFastOpen(vec![0x12, 0x34])),
        ("exp-FO 1234", TcpOption::ExperimentalFastOpen(vec![0x12, 0x34])),
        ("ECN e0b 1 ceb 2 e1b 3", TcpOption::AccEcn { order: 0, counters: vec![1, 2, 3], experimental: false }),
        ("ECN e1b 1", TcpOption::AccEcn { order: 1, counters: vec![1], experimental: false }),
        ("AccECN0", TcpOption::AccEcn { order: 0, counters: vec![], experimental: false }),
        ("AccECN1 ee1b 1 eceb 2 ee0b 16777215", TcpOption::AccEcn { order: 1, counters: vec![1, 2, 0xff_ffff], experimental: false }),
        ("AccECN0 ee0b 1, eceb 2", TcpOption::AccEcn { order: 0, counters: vec![1, 2], experimental: false }),
        ("exp-AccECN0 ee0b 1", TcpOption::AccEcn { order: 0, counters: vec![1], experimental: true }),
        ("exp-tarr", TcpOption::AckRate(None)),
        ("exp-tarr 5", TcpOption::AckRate(Some(5))),
        ("gen-77 0102", TcpOption::Generic { kind: 77, data: vec![1, 2] }),
        ("gen-0x1e", TcpOption::Generic { kind: 30, data: vec![] }),
        ("exp-00ac 05", TcpOption::Generic { kind: 254, data: vec![0, 0xac, 5] }),
        ("exp-1234", TcpOption::Generic { kind: 254, data: vec![0x12, 0x34] }),
        ("020405b4", TcpOption::Raw(vec![2, 4, 5, 0xb4])),
        ("00000000", TcpOption::Raw(vec![0; 4])),
        ("fe04ab12", TcpOption::Raw(vec![0xfe, 4, 0xab, 0x12])),
    ];
    for (text, expected) in table {
        assert_eq!(option(text), expected, "{text}");
    }
}

#[test]
fn udp_and_icmp_are_packets_too() {
    let table = [
        "> udp (100)",
        "< udp 5000 > 6000 (0)",
        "< icmp unreachable",
        "< icmp unreachable frag_needed mtu 1200 [1:1461(1460)]",
        "< icmp unreachable port_unreachable [udp (10)]",
        "< icmp packet_too_big mtu 1280 [0:0(0)!]",
        "< icmp parameter_problem unknown_next_header [raw (8)]",
        "< icmp echo_request id 7",
        "< icmp type_3 code_13 [1:1(0)]",
        "> [ttl 255] icmp time_exceeded ttl_exceeded_in_transit",
    ];
    for line in table {
        assert_eq!(packet(line).to_string(), line);
    }
    let Body::Icmp(message) = packet("< icmp unreachable frag_needed mtu 1200 [1:1461(1460)]").body else { panic!("no ICMP") };
    assert_eq!((message.mtu, message.echoed), (Some(1200), Echoed::Tcp { seq: Number { value: 1, raw: false }, len: 1460 }));
}

#[test]
fn a_call_takes_values_of_every_kind() {
    let table = [
        "socket(..., SOCK_STREAM|SOCK_NONBLOCK, 0) = 3",
        "setsockopt(3, SOL_SOCKET, SO_LINGER, {onoff=1, linger=0}, 8) = 0",
        "setsockopt(3, IPPROTO_TCP, TCP_CONGESTION, \"reno\", 5) = 0",
        "setsockopt(3, 0x10, ~0x1|FLAG, NULL, -1) = 0",
        "connect(3, {sa_family=AF_INET6, sin_port=htons(80), sin_addr=inet6_addr(\"::1\")}, ...) = -1",
        "connect(3, 192.0.2.1, fd3d:fa7b:d17d::1) = 0",
        "poll([{fd=3, events=POLLIN|POLLOUT, revents=POLLOUT}], 1, 0) = 1",
        "sendmsg(4, {msg_name(...)=..., msg_iov(1)=[{..., 1000}], msg_flags=0}, MSG_ZEROCOPY) = 1000",
        "recvmsg(4, {msg_control=[{cmsg_level=SOL_TCP, cmsg_type=TCP_CM_INQ, cmsg_data=u32(5)}, \
         {cmsg_level=1, cmsg_type=2, cmsg_data={scm_sec=0, scm_nsec=1}}]}, 0) = 0",
        "epoll_ctl(5, EPOLL_CTL_ADD, 4, {events=EPOLLOUT, fd=4}) = 0",
        "epoll_wait(5, {events=EPOLLERR, ptr=0x10}, 1, 0) = 1",
        "ioctl(3, SIOCINQ, [1000]) = 0",
        "pipe([4, 5]) = 0",
        "f([], {}, [[1], [{a=[...]}]]) = -1",
    ];
    for line in table {
        assert_eq!(call(line).to_string(), line);
    }
}

#[test]
fn strings_beside_each_other_are_one() {
    let call = call("f(\"a\\\"b\" \"c\"\n\"d\") = 0");
    assert_eq!(call.arguments.len(), 1);
    assert_eq!(call.arguments[0].value, Expression::Text("a\\\"bcd".to_owned()));
}

#[test]
fn a_result_has_an_error_and_a_note_of_free_words() {
    let parts = |line| {
        let SystemCall { result, errno, note, .. } = call(line);
        (result.value.to_string(), errno.map(|errno| errno.value), note)
    };
    let part =
        |result: &str, errno: Option<&str>, note: Option<&str>| (result.to_owned(), errno.map(str::to_owned), note.map(str::to_owned));
    assert_eq!(parts("f() = 3"), part("3", None, None));
    assert_eq!(parts("f () = -1 EAGAIN"), part("-1", Some("EAGAIN"), None));
    assert_eq!(
        parts("f() = -1 EINPROGRESS (Operation now in progress)"),
        part("-1", Some("EINPROGRESS"), Some("Operation now in progress"))
    );
    assert_eq!(parts("f() = 0 (flags O_RDWR|O_NONBLOCK, it's `fine`)"), part("0", None, Some("flags O_RDWR|O_NONBLOCK, it's `fine`")));
    assert_eq!(parts("f() = 0x8002 (flags (all ack)\n)"), part("0x8002", None, Some("flags (all ack)")));
    assert_eq!(parts("f() = O_RDWR|O_NONBLOCK (flags O_RDWR)"), part("O_RDWR|O_NONBLOCK", None, Some("flags O_RDWR")));
    assert_eq!(parts("f() = ..."), part("...", None, None));
}

#[test]
fn code_and_commands_are_kept_as_they_are() {
    let text = |line| match last(line).what.value {
        What::Code(text) | What::Command(text) => text.value,
        other => panic!("{other:?}"),
    };
    assert_eq!(text("+0 %{ \t assert a == \"b}\", `c` \t }%"), "assert a == \"b}\", `c`");
    assert_eq!(text("+0 %{\nif a:\n  print(a)\n}%"), "\nif a:\n  print(a)\n");
    assert_eq!(text("+0 `sysctl -w a=b; \\`true\\``"), "sysctl -w a=b; \\`true\\`");
    assert_eq!(text("+0 `../common/defaults.sh\n  ../common/set_sysctls.py a=1`"), "../common/defaults.sh\n  ../common/set_sysctls.py a=1");
}

fn defined(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

#[test]
fn a_word_that_is_defined_is_replaced_once_by_what_its_value_looks_like() {
    let names = defined(&[
        ("TEXT", "\"a b\""),
        ("RUN", "`true`"),
        ("NUMBER", "-5"),
        ("HEX", "0x1f"),
        ("WORD", "TEXT"),
        ("FLAGS", "P."),
        ("COOKIE", "00ab"),
        ("NAME", "nop"),
        ("EMPTY", ""),
        ("ack", "7"),
    ]);
    let text = "0 f(TEXT, NUMBER, HEX, WORD, EMPTY) = 0\n+0 RUN\n+0 > FLAGS 1:1(0) ack 1 <FO COOKIE,NAME,nop,nop,nop>";
    let script = parse("script.pkt", text, &names).unwrap_or_else(|error| panic!("{error}"));
    let whats: Vec<_> = script.events.iter().map(|event| event.what.value.to_string()).collect();
    assert_eq!(whats, ["f(\"a b\", -5, 0x1f, TEXT, EMPTY) = 0", "`true`", "> P. 1:1(0) ack 1 <FO 00ab,nop,nop,nop,nop>"]);
    // The span is that of the word, for what is replaced in the file is what stands there.
    let span = script.events[1].what.span;
    assert_eq!(&text[span.start..span.end], "RUN");
}

#[test]
fn a_script_defines_names_but_whoever_runs_it_knows_better() {
    let text = "--define=A=1\n--define=A=2\n--define=B=1\n0 f(A, B) = 0";
    let names = defined(&[("B", "7")]);
    let script = parse("script.pkt", text, &names).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(script.events[0].what.value.to_string(), "f(2, 7) = 0");
}

#[test]
fn only_what_is_defined_is_read_of_an_ifdef() {
    let text = "--mtu=1500\n#ifdef FreeBSD\n--mss=1\n`a`\n#endif\n#ifdef Linux\n`b`\n#endif\n0 f(\n#ifdef Linux\n1\n#endif\n#ifdef FreeBSD\n 2 /* ` */\n  #endif\n) = 0\n\
                #ifdef FreeBSD\nno script %{ at all\n#endif // FreeBSD";
    let names = defined(&[("Linux", "")]);
    let script = parse("script.pkt", text, &names).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(script.options.len(), 1);
    assert_eq!(script.init.map(|init| init.value).as_deref(), Some("b"));
    assert_eq!(script.events[0].what.value.to_string(), "f(1) = 0");
    assert_eq!(script.asked, ["FreeBSD", "Linux"]);
}

#[test]
fn a_script_may_define_what_its_ifdef_asks_for() {
    let script = read("--define=STANDARD=1\n#ifdef STANDARD\n0 f() = 0\n#endif\n");
    assert_eq!(script.events.len(), 1);
}

#[test]
fn an_address_needs_its_colons_and_numbers_keep_theirs() {
    let number = Number { value: 1, raw: false };
    assert_eq!(
        option("sack 1:3 7:9"),
        TcpOption::Sack(vec![
            (number, Number { value: 3, raw: false }),
            (Number { value: 7, raw: false }, Number { value: 9, raw: false })
        ])
    );
    assert_eq!(call("f(1:2:3:4:5:6:7:8, ::, ::ffff:1.2.3.4) = 0").arguments.len(), 3);
}

#[test]
fn a_byte_order_mark_and_line_ends_of_windows_are_white_space() {
    let script = read("\u{feff}--mtu=1500\r\n0 f() = -1 EBADF (note)\r\n+0 > . 1:1(0)\r\n");
    assert_eq!(script.options[0].value.value.as_deref(), Some("1500"));
    assert_eq!(script.events.len(), 2);
}

#[test]
fn an_ifdef_may_stand_behind_whatever_is_read_letter_by_letter() {
    let begun = ["--a=\"b\"", "--a=b", "--define=A=\"b\"", "--define=A=b"];
    let ended = [
        "0 > S\n#ifdef Linux\n#endif\n 0:0(0)",
        "0 > gre:\n#ifdef Linux\n . 0:0(0)\n#endif",
        "0 f() = 0 (so)",
        "0 > . 1:1(0) <nop,nop,nop,nop\n#ifdef Linux\n>\n#endif",
    ];
    let names = defined(&[("Linux", "")]);
    for (begun, ended) in begun.iter().flat_map(|begun| ended.map(|ended| (begun, ended))) {
        let text = format!("{begun}\n#ifdef Linux\n`a`\n#endif\n{ended}\n#ifdef Linux\n+0 f() = 0\n#endif");
        let script = parse("script.pkt", &text, &names).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!((script.options.len(), script.init.is_some(), script.events.len()), (1, true, 2), "{text}");
    }
}

#[test]
fn what_the_reference_shows_is_so() {
    let reference = include_str!("../../../../../docs/packetdrill.md");
    let shown: Vec<_> = reference.split("```text\n").skip(1).filter_map(|rest| Some(rest.split_once("```")?.0)).collect();
    assert_eq!(read(shown[0]).events.len(), 8);
    assert_eq!(call(&shown[2][3..]).errno.map(|errno| errno.value).as_deref(), Some("EINPROGRESS"));
    let told = parse("close.pkt", "0 f() = 0\n+0 f() = 0\n+0 f() = 0\n+0 > . 1:1000(1000) ack 1", &[]).expect_err("a mistake").to_string();
    assert_eq!(told, shown[3].trim_end());
}
