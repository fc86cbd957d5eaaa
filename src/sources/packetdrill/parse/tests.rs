//! The language, construct by construct; and what a person is told of each mistake.

use super::*;
use crate::sources::packetdrill::syntax::*;
use std::time::Duration;

fn read(text: &str) -> Script {
    parse("script.pkt", text, &[]).unwrap_or_else(|error| panic!("{error}"))
}

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
    assert_eq!(script.options.len(), 3);
    assert_eq!(script.init.as_ref().map(|init| init.value.as_str()), Some("sysctl -q -w net.ipv4.tcp_ecn=0\n true"));
    assert_eq!(script.events.len(), 15);
    assert!(script.cleanup.is_some());
    assert_eq!(script.events[10].time.value, Time::Relative(Duration::ZERO));
}
