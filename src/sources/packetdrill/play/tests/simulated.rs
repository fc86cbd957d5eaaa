//! Whole scripts on the simulated host.

use super::*;
use crate::engine::{Profile, State};
use crate::trace::HostId;

fn on(profile: Profile, text: &str) -> Report {
    let freebsd = profile.name == Profile::freebsd().name;
    let context = Context { freebsd, ..context(text) };
    let script = parse("t.pkt", text, &[]).unwrap_or_else(|error| panic!("{error}"));
    let settings = settings(&script, &context).unwrap_or_else(|verdict| panic!("{}", told(&verdict)));
    let stack = settings.sockets(profile, 1);
    play(&script, &context, &mut Virtual::new(stack))
}

fn passes_on(profile: Profile, text: &str) -> Report {
    let report = on(profile, text);
    assert_eq!(report.verdict, Verdict::Passed, "{}", told(&report.verdict));
    report
}

/// As it stands in packetdrill's own documentation of what it is for: a passive open, data, a close.
const SERVER: &str = "
0   socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
+0  setsockopt(3, SOL_SOCKET, SO_REUSEADDR, [1], 4) = 0
+0  bind(3, ..., ...) = 0
+0  listen(3, 1) = 0
+0  < S 0:0(0) win 32792 <mss 1000,sackOK,nop,nop,nop,wscale 7>
+0  > S. 0:0(0) ack 1 <...>
+.1 < . 1:1(0) ack 1 win 257
+0  accept(3, ..., ...) = 4
+0  write(4, ..., 1000) = 1000
+0  > P. 1:1001(1000) ack 1
+.1 < . 1:1(0) ack 1001 win 257
+0  close(4) = 0
+0  > F. 1001:1001(0) ack 1
+.1 < F. 1:1(0) ack 1002 win 257
+0  > . 1002:1002(0) ack 2
";

#[test]
fn a_server_passes_on_both_profiles() {
    for profile in [Profile::linux(), Profile::freebsd()] {
        let report = passes_on(profile, SERVER);
        assert_eq!(report.seen.len(), 4);
        let path = report.trace.path(HostId(0));
        assert_eq!(path.last(), Some(&State::TimeWait), "{path:?}");
    }
}

#[test]
fn a_client_passes() {
    let script = "
0   socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
+0  fcntl(3, F_SETFL, O_RDWR|O_NONBLOCK) = 0
+0  connect(3, ..., ...) = -1 EINPROGRESS (Operation now in progress)
+0  > S 0:0(0) <...>
+.1 < S. 0:0(0) ack 1 win 5792 <mss 1460,sackOK,nop,nop,nop,wscale 7>
+0  > . 1:1(0) ack 1 <...>
+0  getsockopt(3, SOL_SOCKET, SO_ERROR, [0], [4]) = 0
+0  write(3, ..., 3000) = 3000
+0  > P. 1:3001(3000) ack 1
+.1 < . 1:1(0) ack 3001 win 200
+0  %{ assert tcpi_state == TCP_ESTABLISHED, tcpi_state }%
+0  < F. 1:1(0) ack 3001 win 200
+0  > . 3001:3001(0) ack 2
+0  read(3, ..., 10) = 0
+0  close(3) = 0
+0  > F. 3001:3001(0) ack 2
";
    let report = passes_on(Profile::linux(), script);
    assert_eq!(report.trace.path(HostId(0)).last(), Some(&State::LastAck));
}

#[test]
fn a_retransmission_comes_when_it_is_due() {
    let script = &SERVER.replace("+.1 < . 1:1(0) ack 1001 win 257", "+.3~+.32 > P. 1:1001(1000) ack 1\n+.1 < . 1:1(0) ack 1001 win 257");
    passes_on(Profile::linux(), script);
}

#[test]
fn a_connection_that_blocks_is_made_in_its_time() {
    let script = "
0     socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
+0...0.1 connect(3, ..., ...) = 0
+0    > S 0:0(0) <...>
0.1   < S. 0:0(0) ack 1 win 5792 <mss 1460>
+0    > . 1:1(0) ack 1
+0...0.2 read(3, ..., 1000) = 100
+.2   < P. 1:101(100) ack 1 win 100
+0    > . 1:1(0) ack 101
";
    passes_on(Profile::linux(), script);
}

#[test]
fn ipv6_and_mapped_addresses_are_the_same_to_a_script() {
    for version in ["ipv4", "ipv4-mapped-ipv6", "ipv6"] {
        passes_on(Profile::linux(), &format!("--ip_version={version}\n{SERVER}"));
    }
}

#[test]
fn a_script_speaks_of_freebsd_by_what_only_freebsd_has() {
    for text in ["`sysctl -w net.inet.tcp.sack.enable=0`", "setsockopt(3, IPPROTO_TCP, TCP_NOPUSH, [1], 4) = 0", "`tcpdrop -a`"] {
        assert!(speaks_of_freebsd(text), "{text}");
    }
    assert!(!speaks_of_freebsd(SERVER));
    assert!(!speaks_of_freebsd("`sysctl -w net.ipv4.tcp_sack=0`"));
}

#[test]
fn the_scripts_key_is_the_key_of_freebsds_sockets() {
    let script = "
0  socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
+0 setsockopt(3, IPPROTO_TCP, TCP_MD5SIG, [1], 4) = 0
+0 fcntl(3, F_SETFL, O_RDWR|O_NONBLOCK) = 0
+0 connect(3, ..., ...) = -1 EINPROGRESS (Operation now in progress)
+0 > S 0:0(0) <mss 1460,nop,wscale 6,sackOK,TS val 100 ecr 0,nop,nop,md5 valid>
";
    passes_on(Profile::freebsd(), &format!("--tcp_md5_secret=guess\n{script}"));
    assert!(told(&on(Profile::freebsd(), script).verdict).contains("without a key"), "there is none to sign with");
}

/// A server whose peer tells of a loss, and then of another; `last` is expected at the end.
fn after_losses(last: &str) -> Verdict {
    let text = format!(
        "
0   socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
+0  bind(3, ..., ...) = 0
+0  listen(3, 1) = 0
+0  < S 0:0(0) win 65535 <mss 1000>
+0  > S. 0:0(0) ack 1 <...>
+.1 < . 1:1(0) ack 1 win 65535
+0  accept(3, ..., ...) = 4
+0  write(4, ..., 3000) = 3000
+0  > . 1:1001(1000) ack 1
+0  > . 1001:2001(1000) ack 1
+0  > P. 2001:3001(1000) ack 1
+.1 < . 1:1(0) ack 1 win 65535
+0  < . 1:1(0) ack 1 win 65535
+0  < . 1:1(0) ack 1 win 65535
+0  > . 1:1001(1000) ack 1
{last}
"
    );
    on(Profile::freebsd(), &text).verdict
}

#[test]
fn what_fails_where_the_stack_is_in_doubt_is_no_verdict() {
    // The time-out that comes while it is waited for is in no doubt itself.
    let known = after_losses("+0 > . 1001:2001(1000) ack 1");
    assert!(matches!(known, Verdict::Failed(_)), "{}", told(&known));
    let doubtful = after_losses("+.1 < . 1:1(0) ack 1001 win 65535\n+0 > R 1:1(0)");
    assert!(told(&doubtful).contains("congestion control of FreeBSD beyond"), "{}", told(&doubtful));
    let fine = after_losses("+.1 < . 1:1(0) ack 1001 win 65535\n+0 > . 1001:2001(1000) ack 1");
    assert_eq!(fine, Verdict::Passed, "{}", told(&fine));
}
