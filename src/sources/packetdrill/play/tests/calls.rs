//! What calls are given, and what of their answers is looked at.

use super::*;

fn answered(answer: Answer) -> Fake {
    accepted().answering([answer])
}

fn value(octets: &[u8]) -> Answer {
    Answer { output: Output::Value(octets.to_vec()), ..Answer::of(0) }
}

/// The call a line makes of a stack that answers so.
fn made(line: &str, answer: Answer) -> Call {
    let fake = passes(&format!("{ACCEPTED}+0 {line}"), answered(answer));
    fake.calls[4].1.clone()
}

#[test]
fn results_are_compared_and_told_with_errno() {
    let write = |line: &str, answer| {
        let mut fake = answered(answer);
        let report = played(&format!("{ACCEPTED}+0 {line}"), &mut fake);
        matches!(report.verdict, Verdict::Passed)
    };
    for (line, answer, right) in [
        ("write(4, ..., 10) = 10", Answer::of(10), true),
        ("write(4, ..., 10) = 10", Answer::of(9), false),
        ("write(4, ..., 10) = -1", Answer::failed(Errno::BrokenPipe), true),
        ("write(4, ..., 10) = -1 EPIPE (Broken pipe)", Answer::failed(Errno::BrokenPipe), true),
        ("write(4, ..., 10) = -1 EPIPE (Broken pipe)", Answer::failed(Errno::ConnectionReset), false),
        ("write(4, ..., 10) = -1 EWOULDBLOCK", Answer::failed(Errno::Again), true),
        ("fcntl(4, F_GETFL) = 0x2 (flags O_RDWR)", Answer::of(2), true),
        ("fcntl(4, F_GETFL) = O_RDWR|O_NONBLOCK", Answer::of(2050), true),
        ("write(4, ..., 0) = 0 EPIPE", Answer::of(0), false),
    ] {
        assert_eq!(write(line, answer), right, "{line}");
    }
    let text = fails(&format!("{ACCEPTED}+0 write(4, ..., 10) = 10"), answered(Answer::failed(Errno::BrokenPipe)));
    assert!(text.contains("runtime error in system call: Expected result 10 but got -1 EPIPE"), "{text}");
    let text = fails(&format!("{ACCEPTED}+0 write(4, ..., 10) = -1 EAGAIN"), answered(Answer::failed(Errno::BrokenPipe)));
    assert!(text.contains("Expected errno EAGAIN but got EPIPE"), "{text}");
}

#[test]
fn a_descriptor_is_called_by_the_number_the_script_writes() {
    let script = "
0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
+0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 4
+0 close(3) = 0
+0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
+0 close(3) = 0
+0 close(4) = 0
";
    let fake = || Fake::default().answering([17, 18, 0, 19].map(Answer::of));
    let closed: Vec<_> =
        passes(script, fake()).calls.iter().filter_map(|(_, call)| if let Call::Close { fd } = call { Some(*fd) } else { None }).collect();
    assert_eq!(closed, [17, 19, 18]);
    assert!(broken(&script.replace(") = 4", ") = 3"), fake()).contains("descriptor 3 is open in the script already"));
    assert!(broken(&script.replace("close(4)", "close(5)"), fake()).contains("descriptor 5 is not open in the script"));
    assert!(fails(script, Fake::default().answering([Answer::failed(Errno::TooManyOpen)])).contains("Expected result 3 but got -1 EMFILE"));
}

#[test]
fn what_is_obvious_is_supplied() {
    let domain =
        |version: &str| match &passes(&format!("--ip_version={version}\n0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3"), Fake::default())
            .calls[0]
            .1
        {
            Call::Socket { domain, kind, protocol } => {
                assert!(kind.has("SOCK_STREAM") && protocol.has("IPPROTO_TCP"));
                domain.names[0].clone()
            }
            other => panic!("{other:?}"),
        };
    assert_eq!(["ipv4", "ipv4-mapped-ipv6", "ipv6"].map(domain), ["AF_INET", "AF_INET6", "AF_INET6"]);
    let script =
        "--ip_version=ipv4-mapped-ipv6\n0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n+0 bind(3, ..., ...) = 0\n+0 connect(3, ..., ...) = 0";
    let fake = passes(script, Fake::default().answering([Answer::of(3)]));
    let mapped = |address: &str, port| End { address: address.parse().expect("an address"), port };
    assert_eq!(fake.calls[1].1, Call::Bind { fd: 3, to: mapped("::ffff:192.168.0.1", 8080) });
    assert_eq!(fake.calls[2].1, Call::Connect { fd: 3, to: Some(mapped("::ffff:192.0.2.1", 8080)) });
}

#[test]
fn an_address_may_be_written() {
    let script = "
0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
+0 bind(3, {sa_family = AF_INET, sin_port = htons(99), sin_addr = inet_addr(\"192.168.0.1\")}, ...) = 0
+0 connect(3, AF_UNSPEC, ...) = 0
";
    let fake = passes(script, Fake::default().answering([Answer::of(3)]));
    assert_eq!(fake.calls[1].1, Call::Bind { fd: 3, to: end([192, 168, 0, 1], 99) });
    assert_eq!(fake.calls[2].1, Call::Connect { fd: 3, to: None });
}

#[test]
fn options_are_set_as_they_lie_in_memory() {
    let octets = |line: &str| match made(line, Answer::of(0)) {
        Call::SetOption { value, len, level, name, .. } => (value, len, level.names[0].clone(), name.names.first().cloned()),
        other => panic!("{other:?}"),
    };
    let (value, len, level, name) = octets("setsockopt(4, SOL_TCP, TCP_NODELAY, [1], 4) = 0");
    assert_eq!((value, len, level.as_str(), name.as_deref()), (vec![1, 0, 0, 0], 4, "SOL_TCP", Some("TCP_NODELAY")));
    let (_, _, level, name) = octets("setsockopt(4, 6, 1, [1], 4) = 0");
    assert_eq!((level.as_str(), name.as_deref()), ("IPPROTO_TCP", Some("TCP_NODELAY")), "a number has its name");
    let linger = octets("setsockopt(4, SOL_SOCKET, SO_LINGER, {onoff=1, linger=5}, 8) = 0");
    assert_eq!((linger.0, linger.1), (vec![1, 0, 0, 0, 5, 0, 0, 0], 8));
    let text = octets("setsockopt(4, SOL_TCP, TCP_CONGESTION, \"reno\", 4) = 0");
    assert_eq!((text.0.as_slice(), text.1), (&b"reno"[..], 4));
}

#[test]
fn an_options_value_and_length_are_compared() {
    let line = |text: &str| format!("{ACCEPTED}+0 {text}");
    for (text, answer) in [
        ("getsockopt(4, SOL_TCP, TCP_MAXSEG, [1460], [4]) = 0", value(&1460_i32.to_le_bytes())),
        ("getsockopt(4, SOL_TCP, TCP_CONGESTION, \"reno\", [16]) = 0", value(b"reno\0\0\0\0\0\0\0\0\0\0\0\0")),
        ("getsockopt(4, SOL_SOCKET, SO_LINGER, {onoff=1, linger=5}, [8]) = 0", value(&[1, 0, 0, 0, 5, 0, 0, 0])),
        ("getsockopt(4, SOL_TCP, TCP_INFO, ..., ...) = 0", value(&[0; 104])),
        ("getsockopt(4, IPPROTO_IP, IP_TOS, [-1], [4]) = 0", value(&[255; 4])),
    ] {
        passes(&line(text), answered(answer));
    }
    let maxseg = line("getsockopt(4, SOL_TCP, TCP_MAXSEG, [1460], [4]) = 0");
    assert!(fails(&maxseg, answered(value(&1400_i32.to_le_bytes()))).contains("Expected value 1460 but got 1400"));
    let text = fails(&line("getsockopt(4, SOL_TCP, TCP_CONGESTION, \"reno\", ...) = 0"), answered(value(b"cubic\0")));
    assert!(text.contains("Expected value \"reno\" but got \"cubic\""), "{text}");
    let text = fails(&line("getsockopt(4, SOL_SOCKET, SO_LINGER, {onoff=1, linger=5}, ...) = 0"), answered(value(&[0; 8])));
    assert!(text.contains("Expected value {1, 5} but got {0, 0}"), "{text}");
    let text = fails(&maxseg, answered(value(&1460_i64.to_le_bytes())));
    assert!(text.contains("Expected optlen 4 but got 8"), "{text}");
}

#[test]
fn numbers_in_memory_are_compared() {
    let ioctl = |number| Answer { output: Output::Number(number), ..Answer::of(0) };
    let script = &format!("{ACCEPTED}+0 ioctl(4, SIOCINQ, [100]) = 0");
    passes(script, answered(ioctl(100)));
    assert!(fails(script, answered(ioctl(99))).contains("Expected value 100 but got 99"));
}

#[test]
fn poll_tells_what_it_finds() {
    let poll = |revents| Answer { output: Output::Poll(vec![revents]), ..Answer::of(1) };
    let script = &format!("{ACCEPTED}+0 poll([{{fd=4, events=POLLIN|POLLOUT, revents=POLLIN}}], 1, 0) = 1");
    let fake = passes(script, answered(poll(1)));
    assert!(
        matches!(&fake.calls[4].1, Call::Poll { fds, timeout: 0 } if fds[0].fd == 4 && fds[0].events.has("POLLIN") && fds[0].events.has("POLLOUT"))
    );
    assert!(fails(script, answered(poll(4))).contains("Expected revents of entry 0 0x1 but got 0x4"));
}

#[test]
fn messages_have_buffers_flags_and_control_messages() {
    let script = &format!(
        "{ACCEPTED}+0 recvmsg(4, {{msg_name(...)=..., msg_iov(2)=[{{..., 10}}, {{..., 20}}], msg_flags=MSG_TRUNC}}, MSG_PEEK) = 30"
    );
    let message = |flags| Answer { output: Output::Message { flags, control: Vec::new() }, ..Answer::of(30) };
    let fake = passes(script, answered(message(0x20)));
    match &fake.calls[4].1 {
        Call::Receive { buffers, count: 30, flags, .. } => {
            assert_eq!(buffers.as_deref(), Some(&[10, 20][..]));
            assert!(flags.has("MSG_PEEK"));
        }
        other => panic!("{other:?}"),
    }
    assert!(fails(script, answered(message(0))).contains("Expected msg_flags 0x20 but got 0x0"));
    let script = &format!("{ACCEPTED}+0 writev(4, [{{..., 10}}, {{..., 20}}], 2) = 30");
    let fake = passes(script, answered(Answer::of(30)));
    assert!(matches!(&fake.calls[4].1, Call::Send { count: 30, to: None, .. }));
}

#[test]
fn a_null_pointer_is_no_buffer() {
    for line in ["read(4, NULL, 10) = -1 EFAULT", "read(4, 0, 10) = -1 EFAULT"] {
        assert!(matches!(made(line, Answer::failed(Errno::Fault)), Call::Receive { buffers: None, count: 10, .. }), "{line}");
    }
}

#[test]
fn a_send_with_an_address_connects() {
    let script = "
0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
+0 sendto(3, ..., 100, MSG_FASTOPEN, ..., ...) = 100
+0 > S 0:100(100)
";
    let (local, remote) = (end([192, 168, 0, 1], 40_001), end([192, 0, 2, 1], 8080));
    let fake = Fake::default().answering([3, 100].map(Answer::of));
    let fake = passes(script, fake.leaving_packet(0, octets(local, remote, segment(Flags::SYN, ISS, 0, 100))));
    assert!(matches!(&fake.calls[1].1, Call::Send { to: Some(to), flags, .. } if *to == remote && flags.has("MSG_FASTOPEN")));
}

#[test]
fn constants_have_the_systems_numbers() {
    let script = &format!("{ACCEPTED}+0 setsockopt(4, SOL_SOCKET, SO_KEEPALIVE, [1], 4) = 0");
    for (freebsd, level) in [(false, 1), (true, 0xffff)] {
        let mut fake = accepted();
        let report = played_with(&Context { freebsd, ..context(script) }, &mut fake);
        assert_eq!(report.verdict, Verdict::Passed);
        assert!(matches!(&fake.calls[4].1, Call::SetOption { level: found, .. } if found.value == level && found.has("SOL_SOCKET")));
    }
}

#[test]
fn constants_may_be_written_as_numbers() {
    let call = made("setsockopt(4, 1, 9, [1], 4) = 0", Answer::of(0));
    assert!(matches!(&call, Call::SetOption { level, name, .. } if level.names == ["SOL_SOCKET"] && name.has("SO_KEEPALIVE")), "{call:?}");
    let call = made("setsockopt(4, 6, 1, [1], 4) = 0", Answer::of(0));
    assert!(matches!(&call, Call::SetOption { level, name, .. } if level.has("SOL_TCP") && name.has("TCP_NODELAY")), "{call:?}");
}

#[test]
fn what_is_not_known_is_unsupported_and_what_is_wrong_an_error() {
    let line = |text: &str| format!("{ACCEPTED}+0 {text}");
    for (text, what) in [
        ("setsockopt(4, SOL_TCP, TCP_NODELY, [1], 4) = 0", "the constant TCP_NODELY; is it TCP_NODELAY?"),
        ("write(4, ..., 10) = -1 ENONSENSE", "the errno ENONSENSE"),
        ("sctp_bindx(4, ..., 1, 0) = 0", "the call sctp_bindx"),
        ("wirte(4, ..., 10) = 10", "the call wirte; is it write?"),
    ] {
        let text = unsupported(&line(text), accepted());
        assert!(text.contains(what), "{text}");
    }
    for (text, what) in [
        ("write(4, ...) = 0", "write takes 3 arguments, found 2"),
        ("listen(4, ...) = 0", "there is no obvious one"),
        ("write(4, ..., -1) = 0", "expected a number of octets"),
    ] {
        let text = broken(&line(text), accepted());
        assert!(text.contains(what), "{text}");
    }
    let mut fake = accepted();
    fake.answers.push_back(Outcome::Unsupported("TCP_REPAIR".to_owned()));
    let text = unsupported(&line("setsockopt(4, SOL_TCP, TCP_REPAIR, [1], 4) = 0"), fake);
    assert!(text.starts_with("t.pkt:9:4: TCP_REPAIR"), "{text}");
}

#[test]
fn failures_of_calls_can_be_forgiven() {
    let text = &format!("--non_fatal=syscall\n{ACCEPTED}+0 write(4, ..., 10) = 11\n+0 close(4) = 0");
    let mut fake = answered(Answer::of(10));
    let report = played(text, &mut fake);
    assert_eq!((report.verdict, report.forgiven.len()), (Verdict::Passed, 1));
}

#[test]
fn who_writes_more_than_there_is_memory_is_stopped() {
    let line = "+0 write(4, ..., 1000000000) = 1000000000\n".repeat(2);
    let fake = accepted().answering([Answer::of(1_000_000_000), Answer::of(1_000_000_000)]);
    assert!(broken(&format!("{ACCEPTED}{line}"), fake).contains("writes more than 1024 MiB"));
}
