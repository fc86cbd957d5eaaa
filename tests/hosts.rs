//! What a host and its process do around a connection: keep-alive, lingering, passive OPEN, backlog, cookies.

use std::time::Duration;

use synfin::engine::State;
use synfin::sources::scenario::Scenario;
use synfin::trace::{HostId, Trace, What};

const A: HostId = HostId(0);
const B: HostId = HostId(1);

/// The run of these lines, after a handshake with A at ISS 100 and B at ISS 300.
fn established(lines: &str) -> Trace {
    run(&format!("A iss 100\nB iss 300\nB listen\nA connect\nESTABLISHED ESTABLISHED\n{lines}"))
}

fn run(text: &str) -> Trace {
    Scenario::parse("test", text).unwrap_or_else(|error| panic!("{error}")).run()
}

/// When the call of `host` returned that was made last with these words, and with what.
fn returned(trace: &Trace, host: HostId, words: &str) -> (Duration, Result<String, String>) {
    let found = trace.entries.iter().rev().find_map(|entry| match &entry.what {
        What::Call { call, result, .. } if entry.host == host && call == words => Some((entry.at, result.clone())),
        _ => None,
    });
    let (at, result) = found.unwrap_or_else(|| panic!("{words} was never called"));
    (Duration::from_nanos(at.as_nanos()), result)
}

/// Every segment that left `host`, as ladders write it, with the time in milliseconds.
fn sent(trace: &Trace, host: HostId) -> Vec<String> {
    let departures = trace.entries.iter().filter_map(|entry| match entry.what {
        What::Departure(id) if entry.host == host => Some(format!("{} {}", entry.at.as_nanos() / 1_000_000, trace.packet(id).segment)),
        _ => None,
    });
    departures.collect()
}

fn last_state(trace: &Trace, host: HostId) -> State {
    trace.entries.iter().rev().find(|entry| entry.host == host).expect("it did something").after
}

const MS: Duration = Duration::from_millis(1);

// --- close and SO_LINGER ---------------------------------------------------------------------------

#[test]
fn a_lingering_close_returns_when_all_is_acknowledged() {
    let trace = established("A option linger 5\nA send 100\nA close\n");
    let (at, result) = returned(&trace, A, "close");
    assert_eq!(result, Ok(String::new()));
    // The handshake takes 30 ms, the ACK of the FIN another round trip.
    assert_eq!(at, 50 * MS);
}

#[test]
fn a_lingering_close_returns_when_its_time_is_over_and_the_connection_goes_on() {
    let trace = established("A option linger 5\nB lose any times 100\nA close\nA connect from 7009\n");
    assert_eq!(returned(&trace, A, "close"), (5030 * MS, Ok(String::new())));
    let fins = sent(&trace, A).into_iter().filter(|segment| segment.contains("FIN")).count();
    assert_eq!(fins, 7, "the FIN is sent again until R2, after close has returned as well");
    let after = trace.entries.iter().find(|entry| matches!(&entry.what, What::Call { call, .. } if call == "connect from 7009"));
    assert_eq!(after.map(|entry| entry.at.as_nanos()), Some(5_030_000_000), "the process was waiting");
}

#[test]
fn without_a_time_close_does_not_wait() {
    for linger in ["", "A option linger off\n", "A option linger 0\n"] {
        let trace = established(&format!("{linger}A close\n"));
        assert_eq!(returned(&trace, A, "close").0, 30 * MS, "{linger}");
    }
}

#[test]
fn the_end_of_a_process_does_not_wait_for_its_lingering_close() {
    let trace = established("A option linger 60\nB lose any times 100\nA close\nA +10ms exit\n");
    assert_eq!(returned(&trace, A, "exit").0, 40 * MS);
}

// --- passive OPEN ----------------------------------------------------------------------------------

#[test]
fn a_passive_open_is_one_connection_and_then_nobody_listens() {
    // The second SYN comes from another port: the one TCB is taken.
    let trace = run("A iss 100 200\nB iss 300\nB open passive\nA connect\nESTABLISHED ESTABLISHED\nA at 1s connect from 7009\n");
    assert_eq!(returned(&trace, A, "connect from 7009").1, Err("ECONNREFUSED".to_owned()));
    assert_eq!(sent(&trace, B).last().expect("it answers"), "1010 <SEQ=0><ACK=201><CTL=RST,ACK>");
}

#[test]
fn a_passive_open_returns_to_listen_and_chooses_another_iss() {
    // MUST-11: a passive OPEN that a RST ends before the handshake is done goes back to LISTEN.
    let trace = run("A iss 100 200\nB iss 300 400\nB open passive\nA connect\nA at 5ms abort\nCLOSED LISTEN\nA at 1s connect\n");
    let answers: Vec<_> = sent(&trace, B).into_iter().filter(|segment| segment.contains("SYN")).collect();
    assert_eq!(answers, ["10 <SEQ=300><ACK=101><CTL=SYN,ACK>", "1010 <SEQ=400><ACK=201><CTL=SYN,ACK>"]);
    assert_eq!((last_state(&trace, A), last_state(&trace, B)), (State::Established, State::Established));
    let path = trace.path(B);
    let expected = [State::Closed, State::Listen, State::SynReceived, State::Listen, State::SynReceived, State::Established];
    assert_eq!(path, expected);
}

#[test]
fn a_passive_open_with_a_peer_takes_nobody_else() {
    let trace = run("A iss 100 200\nB iss 300\nB open passive peer 7008\nA connect from 7009\nCLOSED LISTEN\nA connect from 7008\n");
    assert_eq!(returned(&trace, A, "connect from 7009").1, Err("ECONNREFUSED".to_owned()));
    assert_eq!(returned(&trace, A, "connect from 7008").1, Ok(String::new()));
}

#[test]
fn a_passive_open_without_a_peer_cannot_send() {
    let trace = run("A open passive\nA send 5\n");
    assert_eq!(returned(&trace, A, "send 5").1, Err("ENOTCONN".to_owned()));
}

#[test]
fn a_port_has_one_listener_of_either_kind() {
    assert_eq!(returned(&run("A listen\nA open passive\n"), A, "open passive").1, Err("EADDRINUSE".to_owned()));
    assert_eq!(returned(&run("A open passive\nA listen\n"), A, "listen").1, Err("EADDRINUSE".to_owned()));
}

// --- keep-alive ------------------------------------------------------------------------------------

/// The times of A's probes in seconds: segments at SND.NXT-1.
fn probes(trace: &Trace) -> Vec<u64> {
    let probe = |segment: &String| segment.contains("<SEQ=100><ACK=");
    sent(trace, A)
        .iter()
        .filter(|segment| probe(segment))
        .map(|segment| segment.split(' ').next().expect("a time").parse::<u64>().expect("a number") / 1000)
        .collect()
}

#[test]
fn keep_alive_is_off_until_asked_for() {
    // MUST-25
    let trace = established("A at 5h option nodelay on\n");
    assert!(probes(&trace).is_empty());
}

#[test]
fn keep_alive_is_switched_for_one_connection() {
    // MUST-24, MUST-28: A asks for it, B does not; the first probe comes after two hours.
    let trace = established("A option keepalive on\nA at 7201s option keepalive off\n");
    assert_eq!(probes(&trace), [7200]);
    assert_eq!(sent(&trace, B).len(), 2, "SYN,ACK and the answer to the probe");
    // SHLD-12: a probe carries no octet.
    assert_eq!(sent(&trace, A)[2], "7200030 <SEQ=100><ACK=301><CTL=ACK>");
}

#[test]
fn the_times_of_keep_alive_are_the_users() {
    // MUST-27
    let trace =
        established("A option keepidle 10\nA option keepintvl 3\nA option keepcnt 2\nA option keepalive on\nB lose any times 9\nA recv\n");
    assert_eq!(probes(&trace), [10, 13]);
    // MUST-29: one unanswered probe was not enough.
    assert_eq!(returned(&trace, A, "recv"), (16_030 * MS, Err("ETIMEDOUT".to_owned())));
    assert_eq!(sent(&trace, A).len(), 4, "no segment at the end");
}

#[test]
fn linux_tells_a_dead_peer_by_rst() {
    let trace = run(
        "profile linux\nA iss 100\nB iss 300\nB listen\nA connect\nESTABLISHED ESTABLISHED\nA option keepidle 2\nA option keepintvl 1\nA option keepcnt 3\nA option keepalive on\nB lose any times 9\nA recv\n",
    );
    assert_eq!(probes(&trace), [2, 3, 4]);
    assert_eq!(returned(&trace, A, "recv"), (5_030 * MS, Err("ETIMEDOUT".to_owned())));
    assert_eq!(sent(&trace, A).last().expect("many"), "5030 <SEQ=101><ACK=301><CTL=RST,ACK>");
}

#[test]
fn what_is_heard_puts_the_probe_off() {
    // MUST-26
    let trace = established("A option keepidle 10\nA option keepalive on\nB at 6s send 1\nA at 17s option keepalive off\n");
    assert_eq!(probes(&trace), [16], "counted from the segment that was heard");
}

#[test]
fn while_something_is_outstanding_no_probe_leaves() {
    // MUST-26
    let trace =
        established("A option keepidle 10\nA option keepalive on\nA lose data times 4\nA at 9s send 1\nA at 22s option keepalive off\n");
    assert!(probes(&trace).is_empty());
}
