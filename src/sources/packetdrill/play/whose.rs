//! Which system a script is written for, where nobody says.

use super::settings::is_nplabs;
use crate::sources::packetdrill::syntax::{Body, Direction, Options, Script, Segment, SegmentFlags, TcpOption, What};

/// What only FreeBSD has: its parameters, programs and names.
const FREEBSDS: [&str; 19] = [
    "net.inet.",
    "net.inet6.",
    "kern.ipc.",
    "sockstat ",
    "tcpdrop ",
    "setkey ",
    "kldload ",
    "TCPI_SYN_",
    "TCPI_ESTABLISHED",
    "TCPS_",
    "TCP_FUNCTION_BLK",
    "TCP_NOOPT",
    "TCP_NOPUSH",
    "TCP_KEEPINIT",
    "TCP_MAXUNACKTIME",
    "TCP_REMOTE_UDP_ENCAPS_PORT",
    "SO_REUSEPORT_LB",
    "FIONSPACE",
    "FIONWRITE",
];

/// What only Linux has.
const LINUXES: [&str; 14] = [
    "net.ipv4.",
    "net.core.",
    "/proc/",
    "defaults.sh",
    "set_sysctls",
    "tc qdisc",
    "tcp_metrics",
    "SOL_TCP",
    "MSG_FASTOPEN",
    "TCP_QUICKACK",
    "TCP_CORK",
    "SIOCINQ",
    "SIOCOUTQ",
    "epoll_",
];

/// Whether a script, or a part of it, is about FreeBSD by what it names.
pub fn speaks_of_freebsd(text: &str) -> bool {
    FREEBSDS.iter().any(|name| text.contains(name))
}

/// Whether a script that names nothing of either system is written in the language of FreeBSD's tests, or expects what a host
/// like FreeBSD sends: a SYN with its order of options, or with EOL, or one that offers 65535 octets where no buffer was set.
pub fn looks_like_freebsd(script: &Script, text: &str) -> bool {
    if LINUXES.iter().any(|name| text.contains(name)) || script.asked.iter().any(|name| name == "Linux") {
        return false;
    }
    let syns: Vec<_> = script.events.iter().filter_map(|event| expected_syn(&event.what.value)).collect();
    let mut windows = syns.iter().filter_map(|syn| syn.window).peekable();
    let offers_most = windows.peek().is_some() && windows.all(|window| window == u16::MAX) && !text.contains("SO_RCVBUF");
    offers_most || syns.iter().any(|syn| has_order_of_freebsd(syn)) || is_nplabs(script, &[])
}

/// A SYN that is expected of the stack under test.
fn expected_syn(what: &What) -> Option<&Segment> {
    match what {
        What::Packet(packet) if packet.direction == Direction::Outbound => match &packet.body {
            Body::Tcp(segment) if segment.flags.value.has(SegmentFlags::SYN) => Some(segment),
            Body::Tcp(_) | Body::Udp { .. } | Body::Icmp(_) => None,
        },
        What::Packet(_) | What::Call(_) | What::Command(_) | What::Code(_) => None,
    }
}

/// Whether its options end by EOL, or the scale stands before SACK or timestamps (`tcp_addoptions`).
fn has_order_of_freebsd(syn: &Segment) -> bool {
    let Options::Listed(options) = &syn.options else { return false };
    let scale = options.iter().position(|option| matches!(option.value, TcpOption::WindowScale(_)));
    let last = options.iter().rposition(|option| matches!(option.value, TcpOption::SackPermitted | TcpOption::Timestamps { .. }));
    options.iter().any(|option| option.value == TcpOption::Eol) || scale.zip(last).is_some_and(|(scale, last)| scale < last)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sources::packetdrill::parse;

    /// A client's beginning, with this SYN.
    fn looks(syn: &str, rest: &str) -> bool {
        let text = format!("0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n+0 > {syn}\n{rest}");
        looks_like_freebsd(&parse("t.pkt", &text, &[]).expect("a script"), &text)
    }

    #[test]
    fn a_script_looks_like_freebsd_by_the_syns_it_expects() {
        for syn in [
            "S 0:0(0) win 65535",
            "S 0:0(0) <mss 1460,nop,wscale 6,sackOK,TS val 1 ecr 0>",
            "S. 0:0(0) ack 1 <mss 1460,nop,wscale 6,nop,nop,TS val 1 ecr 0>",
            "S. 0:0(0) ack 1 <mss 1460,sackOK,eol,eol>",
        ] {
            assert!(looks(syn, ""), "{syn}");
        }
        for syn in
            ["S 0:0(0) win 64240", "S 0:0(0) <mss 1460,sackOK,TS val 1 ecr 0,nop,wscale 7>", "S 0:0(0) <...>", ". 1:1(0) ack 1 win 65535"]
        {
            assert!(!looks(syn, ""), "{syn}");
        }
    }

    #[test]
    fn what_is_said_of_linux_or_of_a_buffer_counts_for_more() {
        assert!(looks("S 0:0(0) win 65535", ""));
        for rest in [
            "+0 `sysctl -q net.ipv4.tcp_ecn=0`",
            "+0 setsockopt(3, SOL_SOCKET, SO_RCVBUF, [1], 4) = 0",
            "+0 > S. 0:0(0) ack 1 win 64240",
            "+0 setsockopt(3, SOL_TCP, TCP_NODELAY, [1], 4) = 0",
            "+0 sendto(3, ..., 10, MSG_FASTOPEN, ..., ...) = 10",
            "+0 epoll_create(1) = 4",
            "#ifdef Linux\n+0 close(3) = 0\n#endif\n",
        ] {
            assert!(!looks("S 0:0(0) win 65535", rest), "{rest}");
        }
    }

    #[test]
    fn the_language_of_its_tests_is_a_sign() {
        for rest in ["+0 < . 1:1(0)! ack 1 win 1", "+0 < . 1:1(0) ack 1 win 1 <md5 valid,nop,nop>", "+0 < . 1:1(0) ack 1 win 1/udp(1 > 2)"]
        {
            assert!(looks(". 1:1(0) ack 1", rest), "{rest}");
        }
        assert!(!looks(". 1:1(0) ack 1", "+0 < . 1:1(0) ack 1 win 1"));
    }
}
