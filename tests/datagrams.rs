//! What hosts do beside TCP: UDP sockets, echoes, and what ICMP errors do to either and to connections.

use std::time::Duration;

use synfin::engine::{Signal, State};
use synfin::sources::scenario::Scenario;
use synfin::trace::{HostId, Icmp, IcmpError, Payload, Trace, What};

const A: HostId = HostId(0);
const B: HostId = HostId(1);

fn run(text: &str) -> Trace {
    Scenario::parse("test", text).unwrap_or_else(|error| panic!("{error}")).run()
}

/// What every call of `host` with these words came to, in order; calls that block not before they return.
fn results<'t>(trace: &'t Trace, host: HostId, words: &str) -> Vec<Result<&'t str, &'t str>> {
    let wanted = |entry: &&synfin::trace::Entry| entry.host == host;
    let results = trace.entries.iter().filter(wanted).filter_map(|entry| match &entry.what {
        What::Call { call, result, .. } if call == words => Some(result.as_deref().map_err(String::as_str)),
        _ => None,
    });
    results.filter(|result| !matches!(result, Err("EAGAIN" | "EINPROGRESS"))).collect()
}

/// Every error that left `host`, with the octets it quotes.
fn errors(trace: &Trace, host: HostId) -> Vec<(IcmpError, usize)> {
    let sent = trace.packets.iter().filter(|packet| packet.from == Some(host));
    let errors = sent.filter_map(|packet| match &packet.payload {
        Payload::Icmp(Icmp::Error { error, quote, .. }) => Some((*error, quote.octets.len())),
        _ => None,
    });
    errors.collect()
}

fn last_state(trace: &Trace, host: HostId) -> State {
    trace.entries.iter().rev().find(|entry| entry.host == host).expect("it did something").after
}

// --- UDP ---------------------------------------------------------------------------------------------

#[test]
fn a_datagram_is_read_whole_and_never_with_the_next() {
    let trace = run("B bind udp\nA sendto 10\nA sendto 20\nCLOSED\nB recvfrom\nB recvfrom\n");
    assert_eq!(results(&trace, B, "recvfrom"), [Ok("10"), Ok("20")]);
}

#[test]
fn what_a_read_leaves_of_a_datagram_is_gone() {
    let trace = run("B bind udp\nA sendto 10\nA sendto 20\nCLOSED\nB recvfrom 3\nB recvfrom\n");
    assert_eq!((results(&trace, B, "recvfrom 3"), results(&trace, B, "recvfrom")), (vec![Ok("3")], vec![Ok("20")]));
}

#[test]
fn a_datagram_may_be_empty() {
    let trace = run("B bind udp\nA sendto 0\nB recvfrom\n");
    assert_eq!(results(&trace, B, "recvfrom"), [Ok("0")]);
}

#[test]
fn a_full_receive_queue_drops_the_datagram_and_tells_nobody() {
    let trace = run("B set udp-receive-buffer=25\nB bind udp\nA sendto 10\nA sendto 20\nA sendto 15\nCLOSED\nB recvfrom\nB recvfrom\n");
    assert_eq!(results(&trace, B, "recvfrom"), [Ok("10"), Ok("15")]);
    assert_eq!(errors(&trace, B), []);
    let dropped = |entry: &&synfin::trace::Entry| matches!(&entry.what, What::Note(note) if note.contains("the receive queue is full"));
    assert_eq!(trace.entries.iter().filter(dropped).count(), 1);
}

#[test]
fn an_answer_goes_to_whoever_sent_what_was_read_last() {
    let trace = run("B bind udp\nA bind udp port 9\nA sendto 1 port 7007\nB recvfrom\nB sendto 2\nA recvfrom\n");
    assert_eq!(results(&trace, A, "recvfrom"), [Ok("2")]);
    let answer = trace.packets.last().expect("an answer");
    assert_eq!((answer.source.port, answer.destination.port), (7007, 9));
}

#[test]
fn a_datagram_for_nobodys_port_is_answered_with_an_error_that_quotes_it() {
    // IP header, UDP header and text; of a long one no more than makes an error of 576 octets (RFC 1812 section 4.3.2.3).
    assert_eq!(errors(&run("A sendto 10\n"), B), [(IcmpError::PortUnreachable, 38)]);
    assert_eq!(errors(&run("A sendto 1000\n"), B), [(IcmpError::PortUnreachable, 548)]);
    assert_eq!(errors(&run("ip 6\nA sendto 10\n"), B), [(IcmpError::PortUnreachable, 58)]);
}

#[test]
fn only_a_connected_socket_hears_of_port_unreachable_and_once() {
    let trace = run("A connect udp\nA send 5\nCLOSED\nA send 6\nA send 7\n");
    let sends = ["send 5", "send 6", "send 7"].map(|words| results(&trace, A, words));
    assert_eq!(sends, [[Ok("5")], [Err("ECONNREFUSED")], [Ok("7")]]);
    let trace = run("A sendto 5\nCLOSED\nA sendto 6\n");
    assert_eq!(results(&trace, A, "sendto 6"), [Ok("6")]);
}

#[test]
fn port_unreachable_wakes_a_connected_reader() {
    let trace = run("A connect udp\nA send 5\nA recv\n");
    assert_eq!(results(&trace, A, "recv"), [Err("ECONNREFUSED")]);
}

#[test]
fn a_connected_socket_hears_its_peer_alone() {
    let trace = run("B bind udp\nB connect udp port 9\nA bind udp port 8\nA sendto 5 port 7007\n");
    assert_eq!(errors(&trace, B), [(IcmpError::PortUnreachable, 33)]);
}

#[test]
fn a_port_of_udp_is_not_one_of_tcp() {
    let trace = run("B listen\nB bind udp\nA connect\n");
    assert_eq!((results(&trace, B, "bind udp"), results(&trace, A, "connect")), (vec![Ok("")], vec![Ok("")]));
}

#[test]
fn a_datagram_longer_than_a_packet_is_refused() {
    // 1500 octets less 28 of headers.
    let trace = run("B bind udp\nA sendto 1472\nA sendto 1473\n");
    assert_eq!((results(&trace, A, "sendto 1472"), results(&trace, A, "sendto 1473")), (vec![Ok("1472")], vec![Err("EMSGSIZE")]));
}

#[test]
fn without_a_peer_or_a_socket_a_call_says_so() {
    assert_eq!(results(&run("A bind udp\nA send 5\n"), A, "send 5"), [Err("ENOTCONN")]);
    assert_eq!(results(&run("A recvfrom\n"), A, "recvfrom"), [Err("EBADF")]);
}

// --- echo --------------------------------------------------------------------------------------------

#[test]
fn a_ping_returns_the_round_trip_in_either_family() {
    for family in ["4", "6"] {
        let trace = run(&format!("ip {family}\nlink delay 15ms\nA ping\n"));
        assert_eq!(results(&trace, A, "ping"), [Ok("30ms")]);
    }
}

#[test]
fn a_ping_counts_what_is_lost_and_asks_once_a_second() {
    let trace = run("B lose echo\nA ping times 2\n");
    assert_eq!(results(&trace, A, "ping times 2"), [Ok("lost, 20ms")]);
    // The second request leaves after a second, and two round trips are less than another one.
    assert_eq!(trace.entries.last().map(|entry| entry.at.as_nanos()), Some(2_000_000_000));
}

#[test]
fn a_ping_that_nobody_answers_gives_up_after_ten_seconds() {
    let trace = run("A lose echo\nA ping\n");
    assert_eq!(results(&trace, A, "ping"), [Err("ETIMEDOUT")]);
    let ten = Duration::from_secs(10).as_nanos();
    assert_eq!(trace.entries.last().map(|entry| u128::from(entry.at.as_nanos())), Some(ten));
}

#[test]
fn an_error_about_an_echo_request_ends_the_ping() {
    let trace = run("A lose echo\nA ping\nA at 1ms inject icmp host-unreachable quoting echo\n");
    assert_eq!(results(&trace, A, "ping"), [Err("EHOSTUNREACH")]);
}

// --- errors and connections --------------------------------------------------------------------------

/// A connects and loses its SYN; this error about it comes back.
fn connecting(error: &str) -> Trace {
    run(&format!("B listen\nA lose SYN\nA connect\nA at 5ms inject icmp {error} quoting SYN\n"))
}

#[test]
fn a_soft_error_while_connecting_is_told_and_the_connection_opens() {
    // MUST-47, MUST-54, MUST-56, SHLD-25.
    for error in ["net-unreachable", "host-unreachable", "source-route-failed", "time-exceeded", "parameter-problem"] {
        let trace = connecting(error);
        let told = trace.entries.iter().any(|entry| entry.signals.contains(&Signal::SoftError));
        assert_eq!((told, results(&trace, A, "connect"), last_state(&trace, A)), (true, vec![Ok("")], State::Established), "{error}");
    }
}

#[test]
fn a_hard_error_while_connecting_ends_the_attempt_by_its_name() {
    // MUST-54, SHLD-26.
    for (error, errno) in
        [("protocol-unreachable", "ECONNREFUSED"), ("port-unreachable", "ECONNREFUSED"), ("fragmentation-needed", "EMSGSIZE")]
    {
        let trace = connecting(error);
        assert_eq!((results(&trace, A, "connect"), last_state(&trace, A)), (vec![Err(errno)], State::Closed), "{error}");
    }
}

#[test]
fn linux_takes_an_unreachable_network_for_an_answer_to_its_syn() {
    for (error, errno) in [("net-unreachable", "ENETUNREACH"), ("host-unreachable", "EHOSTUNREACH"), ("time-exceeded", "EHOSTUNREACH")] {
        let trace = run(&format!("A profile linux\nA lose SYN times 9\nA connect\nA at 5ms inject icmp {error} quoting SYN\n"));
        assert_eq!(results(&trace, A, "connect"), [Err(errno)], "{error}");
    }
}

#[test]
fn freebsd_takes_a_refusal_for_an_answer_and_only_doubts_for_the_rest() {
    let connecting =
        |error: &str| run(&format!("A profile freebsd\nB listen\nA lose SYN\nA connect\nA at 5ms inject icmp {error} quoting SYN\n"));
    for error in ["port-unreachable", "protocol-unreachable", "net-prohibited", "host-prohibited", "prohibited"] {
        assert_eq!(results(&connecting(error), A, "connect"), [Err("ECONNREFUSED")], "{error}");
    }
    assert_eq!(results(&connecting("time-exceeded"), A, "connect"), [Err("EHOSTUNREACH")]);
    let doubts = ["net-unreachable", "host-unreachable", "source-route-failed", "parameter-problem"].map(|error| (error, true));
    for (error, doubted) in doubts.into_iter().chain([("fragmentation-needed", false)]) {
        let trace = connecting(error);
        let told = trace.entries.iter().any(|entry| entry.signals.contains(&Signal::SoftError));
        assert_eq!((told, results(&trace, A, "connect")), (doubted, vec![Ok("")]), "{error}");
    }
}

#[test]
fn an_open_connection_survives_a_refusal_on_linux_and_freebsd() {
    let sending = |profile: &str, error: &str| {
        let opened = format!("A profile {profile}\nB listen\nA connect\nESTABLISHED ESTABLISHED\n");
        run(&format!("{opened}A lose data\nA send 5\nA inject icmp {error} quoting data\nESTABLISHED ESTABLISHED\nA send 6\n"))
    };
    for (profile, survives) in [("rfc9293", false), ("linux", true), ("freebsd", true)] {
        let trace = sending(profile, "port-unreachable");
        assert_eq!(last_state(&trace, A) == State::Established, survives, "{profile}");
    }
}

#[test]
fn a_source_quench_changes_nothing() {
    // MUST-55.
    let trace = connecting("source-quench");
    assert!(trace.entries.iter().all(|entry| !entry.signals.contains(&Signal::SoftError)));
    assert_eq!(last_state(&trace, A), State::Established);
}

#[test]
fn an_error_about_what_was_never_sent_cannot_be_told() {
    let scenario = Scenario::parse("test", "A inject icmp port-unreachable quoting SYN\n").expect("a scenario");
    let error = scenario.simulate(&synfin::sources::scenario::Overrides::default()).expect_err("nothing was sent");
    assert_eq!(error.to_string(), "line 1: no SYN has left this host yet that an error could be about");
}
