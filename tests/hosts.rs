//! What a host and its process do around a connection: keep-alive, lingering, passive OPEN, backlog, cookies.

use std::time::Duration;

use synfin::engine::{Signal, State, Timer};
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
        What::Departure(id) if entry.host == host => {
            Some(format!("{} {}", entry.at.as_nanos() / 1_000_000, trace.packet(id).segment().expect("a segment")))
        }
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

// --- backlog ---------------------------------------------------------------------------------------

/// What the host noted, in order.
fn notes(trace: &Trace, host: HostId) -> Vec<String> {
    let notes = trace.entries.iter().filter(|entry| entry.host == host);
    notes.filter_map(|entry| if let What::Note(note) = &entry.what { Some(note.clone()) } else { None }).collect()
}

/// SYNs of so many peers that will never answer.
fn flood(peers: u16) -> String {
    (0..peers).map(|peer| format!("A inject from 198.51.100.7 port {} <SEQ={peer}000><CTL=SYN>\n", 4000 + peer)).collect()
}

fn answers(trace: &Trace) -> usize {
    sent(trace, B).iter().filter(|segment| segment.starts_with("0 ") && segment.contains("SYN,ACK")).count()
}

#[test]
fn a_larger_backlog_takes_a_larger_flood() {
    // R4987-1
    for (backlog, profile, answered) in [(1, "rfc9293", 1), (3, "rfc9293", 3), (9, "rfc9293", 5), (1, "linux", 2), (3, "linux", 4)] {
        let trace = run(&format!("profile {profile}\nB set syn-cookies=off\nB listen backlog {backlog}\n{}", flood(5)));
        assert_eq!(answers(&trace), answered, "backlog {backlog} as {profile}");
        let dropped = notes(&trace, B).iter().filter(|note| note.ends_with("half-open connections fill the backlog")).count();
        assert_eq!(dropped, 5 - answered);
    }
}

#[test]
fn a_shorter_timer_frees_the_backlog_sooner() {
    // R4987-2: with one retransmission a place is free after 3 s, with none after 1 s.
    for (retries, moment, open) in [(1, "2s", false), (1, "3100ms", true), (0, "1100ms", true)] {
        let lines = format!("B set syn-ack-retries={retries}\nB listen backlog 1\n{}A at {moment} connect\nA +100ms abort\n", flood(1));
        assert_eq!(sent(&run(&lines), A).iter().any(|segment| segment.contains("<CTL=ACK>")), open, "{retries} retries, {moment}");
    }
}

#[test]
fn the_oldest_half_open_connection_gives_way() {
    // R4987-3
    let trace = run(&format!("B set evict-half-open=on\nB listen backlog 2\n{}A connect\n", flood(2)));
    assert_eq!(notes(&trace, B), ["half-open connection with 198.51.100.7:4000 deleted: a new one needs its place"]);
    let evicted = trace.entries.iter().find(|entry| matches!(&entry.what, What::Note(note) if note.contains("deleted"))).expect("noted");
    assert_eq!(evicted.rules.iter().map(|rule| rule.name).collect::<Vec<_>>(), ["syn-received/evicted"]);
    assert_eq!(returned(&trace, A, "connect").1, Ok(String::new()));
}

/// Three handshakes where two may wait for `accept`; half-open connections have places of their own, as on Linux.
fn third_ack_too_many(knobs: &str) -> Trace {
    let syn = |peer: u16| format!("A inject from 198.51.100.{peer} port 4000 <SEQ=0><CTL=SYN>\n");
    let ack = |peer: u16, ack: u16| format!("A inject from 198.51.100.{peer} port 4000 <SEQ=1><ACK={ack}><CTL=ACK>\n");
    let acts = [syn(7), syn(8), ack(7, 301), syn(9), ack(8, 401), ack(9, 501)].concat();
    run(&format!("B iss 300 400 500\nB set backlog-counts-half-open=off\n{knobs}B listen backlog 2\n{acts}B at 500ms accept\n"))
}

#[test]
fn a_third_ack_that_finds_no_place_is_as_good_as_lost() {
    let trace = third_ack_too_many("");
    assert_eq!(notes(&trace, B), ["ACK from 198.51.100.9:4000 ignored: connections that wait for accept fill the backlog"]);
    let again = sent(&trace, B).into_iter().find(|segment| segment.starts_with("1000 ")).expect("the SYN,ACK comes again");
    assert_eq!(again, "1000 <SEQ=500><ACK=1><CTL=SYN,ACK>");
}

#[test]
fn a_third_ack_that_finds_no_place_ends_the_connection_where_the_knob_says_so() {
    let trace = third_ack_too_many("B set abort-on-overflow=on\n");
    assert_eq!(notes(&trace, B), ["connection with 198.51.100.9:4000 aborted: connections that wait for accept fill the backlog"]);
    assert_eq!(sent(&trace, B).last().expect("it is told"), "0 <SEQ=501><CTL=RST>");
}

#[test]
fn a_listener_that_closes_tells_its_half_open_connections_or_does_not() {
    for (reset, last) in [("on", "0 <SEQ=301><CTL=RST>"), ("off", "0 <SEQ=300><ACK=1><CTL=SYN,ACK>")] {
        let trace = run(&format!("B iss 300\nB set reset-half-open={reset}\nB listen\n{}B close listener\n", flood(1)));
        assert_eq!(sent(&trace, B).last().expect("it answered the SYN"), last);
        assert_eq!(last_state(&trace, B), State::Closed);
    }
}

#[test]
fn a_record_too_many_in_time_wait_is_deleted() {
    let text = "A iss 100 200\nB iss 300 400\nB listen\nA connect from 7008\nESTABLISHED ESTABLISHED\nA close\nB close\nTIME-WAIT CLOSED\nA connect from 7009\nESTABLISHED ESTABLISHED\nA close\nB close\n";
    let evicted = |trace: &Trace| trace.entries.iter().position(|entry| entry.rules.iter().any(|rule| rule.name == "time-wait/evicted"));
    for enough in [0, 2] {
        assert_eq!(evicted(&run(&format!("A set time-wait-limit={enough}\n{text}"))), None, "{enough}");
    }
    let trace = run(&format!("A set time-wait-limit=1\n{text}"));
    let entry = &trace.entries[evicted(&trace).expect("one too many")];
    assert_eq!((entry.before, entry.after), (State::TimeWait, State::Closed));
    assert!(sent(&trace, A).last().expect("its ACK").ends_with("<SEQ=202><ACK=402><CTL=ACK>"), "the last ACK leaves first");
    let waits = trace.entries.iter().filter(|entry| entry.host == A && entry.what == What::Timer(Timer::TimeWait)).count();
    assert_eq!(waits, 1, "the first stays for its 2 MSL");
}

// --- SYN cookies -----------------------------------------------------------------------------------

const COOKIES: &str = "B set syn-cookies=always\n";

/// The segment that `host` sent as number `nth`, from 0.
fn nth_segment(trace: &Trace, host: HostId, nth: usize) -> synfin::engine::Segment {
    let mut departures = trace.entries.iter().filter_map(|entry| match entry.what {
        What::Departure(id) if entry.host == host => trace.packet(id).segment().copied(),
        _ => None,
    });
    departures.nth(nth).expect("so many")
}

#[test]
fn a_cookie_is_answered_with_nothing_kept() {
    // R4987-5: no record, so no timer, and any number of SYNs.
    let trace = run(&format!("{COOKIES}B listen backlog 1\n{}B netstat\n", flood(9)));
    assert_eq!(sent(&trace, B).len(), 9, "none is sent again");
    let netstat: Vec<_> = notes(&trace, B).into_iter().filter(|note| note.starts_with("tcp ")).collect();
    assert_eq!(netstat, ["tcp 0 0 192.0.2.2:7007 *:* LISTEN"]);
}

#[test]
fn cookies_begin_where_there_is_no_room() {
    // R4987-6
    let trace = run(&format!("B iss 300 400\nB set syn-cookies=pressure\nB listen backlog 2\n{}A connect\n", flood(2)));
    assert_eq!(nth_segment(&trace, B, 1).seq.get(), 400, "a record is kept while there is room");
    assert_eq!(notes(&trace, B), ["SYN from 192.0.2.1:49152 answered by a cookie: nothing is kept"]);
    assert_eq!(last_state(&trace, A), State::Established);
    let rebuilt = trace.entries.iter().any(|entry| entry.rules.iter().any(|rule| rule.name == "listen/cookie"));
    assert!(rebuilt);
}

#[test]
fn the_mss_of_a_cookie_is_rounded_down() {
    // R4987-5
    for (announced, sent_by_b) in [(1460, 1460), (1459, 1440), (1000, 536), (536, 536)] {
        let trace = run(&format!("{COOKIES}B listen\nA option maxseg {announced}\nA connect\nESTABLISHED ESTABLISHED\nB send 3000\n"));
        assert_eq!(nth_segment(&trace, B, 1).len, sent_by_b, "{announced}");
    }
}

#[test]
fn what_else_the_syn_offered_rides_in_the_timestamp_or_is_lost() {
    // R4987-5
    for (timestamps, kept) in [("on", true), ("off", false)] {
        let trace = run(&format!(
            "profile linux\nA set timestamps={timestamps}\n{COOKIES}B listen\nA connect\nESTABLISHED ESTABLISHED\nA send 5\n"
        ));
        let offers = nth_segment(&trace, B, 0).options.offers();
        assert_eq!((offers.window_scale.is_some(), offers.sack_permitted, offers.timestamps.is_some()), (kept, kept, kept));
        assert_eq!(offers.mss, Some(1460));
        // 64 KiB or so as carried, scaled or not.
        let window = nth_segment(&trace, B, 1).window.0;
        assert_eq!(window < 1000, kept, "{window}");
    }
}

#[test]
fn a_cookie_is_good_for_its_ends_and_its_time_only() {
    // R4987-5: each is answered by RST, as any ACK in LISTEN is.
    let cookie = nth_segment(&run(&format!("{COOKIES}B listen\n{}", flood(1))), B, 0).seq.get();
    let right = cookie.wrapping_add(1);
    for (port, seq, ack, wait, opens) in [
        (4000, 1, right, "1s", true),
        (4000, 1, right, "127s", true),
        (4000, 1, right, "128s", false),
        (4001, 1, right, "1s", false),
        (4000, 2, right, "1s", false),
        (4000, 1, right.wrapping_add(1), "1s", false),
        (4000, 1, right ^ 1 << 24, "1s", false),
    ] {
        let back = format!("A at {wait} inject from 198.51.100.7 port {port} <SEQ={seq}><ACK={ack}><CTL=ACK>\n");
        let trace = run(&format!("{COOKIES}B listen\n{}{back}", flood(1)));
        let state = if opens { State::Established } else { State::Listen };
        assert_eq!(last_state(&trace, B), state, "{back}");
        assert_eq!(sent(&trace, B).last().expect("the SYN,ACK at least").contains("RST"), !opens, "{back}");
    }
}

#[test]
fn a_cookie_that_comes_back_with_text_and_fin_brings_both() {
    let trace = run(&format!("{COOKIES}B listen\nA lose ACK\nA connect\nA send 50 more\nA close\nB recv\n"));
    assert_eq!(returned(&trace, B, "recv").1, Ok("50".to_owned()));
    assert_eq!(last_state(&trace, B), State::CloseWait);
}

/// What the calls of a host returned, in order: `ok`, or an errno.
fn results(trace: &Trace, host: &str) -> Vec<String> {
    let host = trace.host_named(host).expect("a host");
    let calls = trace.entries.iter().filter(|entry| entry.host == host).filter_map(|entry| match &entry.what {
        What::Call { call, result, .. } => Some(format!("{call}: {}", result.as_ref().map_or_else(String::as_str, |_| "ok"))),
        _ => None,
    });
    calls.collect()
}

#[test]
fn a_port_is_named_by_who_has_the_right_and_held_until_it_is_free() {
    // MUST-41: the listener that is there is not touched. RFC 6335 section 6: system ports end at 1023.
    let trace = Scenario::load("port-in-use").expect("in the catalogue").run();
    let listens: Vec<_> = results(&trace, "B").into_iter().filter(|call| call.starts_with("listen")).collect();
    assert_eq!(listens, ["listen port 80: EACCES", "listen: ok", "listen: EADDRINUSE", "listen: EADDRINUSE"]);
    let named = |port: u16, user: &str| {
        let text = format!("B  iss 300\n{user}B  listen port {port}\n");
        results(&Scenario::parse("t", &text).expect("a scenario").run(), "B")
    };
    for (port, user, errno) in [(1023, "B  user\n", "EACCES"), (1024, "B  user\n", "ok"), (1023, "", "ok"), (1, "", "ok")] {
        assert_eq!(named(port, user), [format!("listen port {port}: {errno}")]);
    }
}

#[test]
fn an_open_to_no_single_host_is_an_error_and_sends_nothing() {
    // MUST-46, MUST-57: and what comes from such an address is not heard.
    let trace = Scenario::load("connect-multicast-refused").expect("in the catalogue").run();
    let refused: Vec<_> = results(&trace, "A").into_iter().filter(|call| call.contains(" to ")).collect();
    let expected = ["224.0.0.1", "255.255.255.255", "0.0.0.0"].map(|address| format!("connect to {address}: ENETUNREACH"));
    assert_eq!(refused, expected);
    // The forged SYN and the three segments of the handshake; nobody answered the group.
    assert_eq!(trace.packets.len(), 4);
}

// --- link addresses --------------------------------------------------------------------------------

/// What left either host, with the time in milliseconds: segments as ladders write them, other packets by protocol.
fn departures(trace: &Trace) -> Vec<String> {
    let departures = trace.entries.iter().filter_map(|entry| match entry.what {
        What::Departure(id) => {
            let packet = trace.packet(id);
            let what = packet.segment().map_or_else(|| packet.payload.protocol().to_owned(), ToString::to_string);
            Some(format!("{} {} {what}", entry.at.as_nanos() / 1_000_000, ["A", "B"][usize::from(entry.host.0)]))
        }
        _ => None,
    });
    departures.collect()
}

#[test]
fn the_first_packet_waits_for_the_link_address_and_who_was_asked_need_not_ask() {
    for ip in ["ip 4", "ip 6"] {
        let trace = run(&format!("{ip}\nlink resolve\nA iss 100\nB iss 300\nB listen\nA connect\nESTABLISHED ESTABLISHED\nA send 5\n"));
        let expected = [
            "0 A ARP",
            "10 B ARP",
            "20 A <SEQ=100><CTL=SYN>",
            "30 B <SEQ=300><ACK=101><CTL=SYN,ACK>",
            "40 A <SEQ=101><ACK=301><CTL=ACK>",
            "50 A <SEQ=101><ACK=301><LEN=5><CTL=PSH,ACK>",
        ];
        assert_eq!(departures(&trace)[..6], expected, "{ip}");
    }
}

#[test]
fn what_waits_leaves_in_order() {
    let trace = run("link resolve\nA iss 100\nA lose ARP\nB listen\nA connect\nESTABLISHED ESTABLISHED\n");
    // The SYN is sent again after a second, when the question is too.
    let first: Vec<_> = departures(&trace).into_iter().take(5).collect();
    assert_eq!(first, ["0 A ARP", "1000 A ARP", "1010 B ARP", "1020 A <SEQ=100><CTL=SYN>", "1020 A <SEQ=100><CTL=SYN>"]);
}

#[test]
fn what_waits_for_a_neighbour_who_never_answers_is_dropped_and_tcp_hears_of_it() {
    let trace = run("link resolve\nA iss 100\nB iss 300\nA lose ARP times 3\nB listen\nA connect\nESTABLISHED ESTABLISHED\n");
    // The third SYN, three seconds later, asks again: a soft error ends nothing (MUST-56).
    let expected = ["0 A ARP", "1000 A ARP", "2000 A ARP", "3000 A ARP", "3010 B ARP", "3020 A <SEQ=100><CTL=SYN>"];
    assert_eq!(departures(&trace)[..6], expected);
    let dropped = "nobody tells the link address of 192.0.2.2: <SEQ=100><CTL=SYN> dropped";
    assert_eq!(notes(&trace, A).iter().filter(|note| *note == dropped).count(), 2, "{:?}", notes(&trace, A));
    assert_eq!((last_state(&trace, A), last_state(&trace, B)), (State::Established, State::Established));

    let told = trace.entries.iter().filter(|entry| matches!(&entry.what, What::Note(note) if note == dropped));
    assert!(
        told.clone().all(|entry| entry.host == A && entry.signals == [Signal::SoftError] && entry.rules[0].name == "syn-sent/icmp-soft")
    );

    let trace = run("link resolve\nA lose ARP times 1000\nB listen\nA connect\n");
    assert_eq!(returned(&trace, A, "connect").1, Err("ETIMEDOUT".to_owned()));
    assert!(departures(&trace).iter().all(|departure| departure.ends_with("A ARP")));
}

#[test]
fn at_most_16_packets_wait_and_the_oldest_gives_way() {
    let datagrams: String = (1..=18).map(|len| format!("A sendto {len}\n")).collect();
    let trace = run(&format!("link resolve\nB bind udp\n{datagrams}"));
    let dropped = "too many wait for the link address of 192.0.2.2: UDP dropped";
    assert_eq!(notes(&trace, A), [dropped, dropped]);
    let texts = trace.packets.iter().filter(|packet| packet.from == Some(A)).map(|packet| packet.payload.octets().len());
    assert_eq!(texts.collect::<Vec<_>>(), [0].into_iter().chain(3..=18).collect::<Vec<_>>());
}

#[test]
fn a_host_that_crashed_asks_again() {
    let trace = run("link resolve\nB listen\nA ping\nA crash\nA ping\n");
    assert_eq!(departures(&trace), ["0 A ARP", "10 B ARP", "20 A ICMP", "30 B ICMP", "40 A ARP", "50 B ARP", "60 A ICMP", "70 B ICMP"]);
}
