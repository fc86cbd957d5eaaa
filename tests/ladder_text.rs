//! Laws of the ladder as text: what is printed is read back, blessing changes no run, the same run
//! has the same bytes, and no text makes the parser panic.

use std::fmt::Write as _;

use proptest::prelude::*;
use proptest::sample::{Index, select};
use synfin::ladder::rungs;
use synfin::sinks::bless::{LineIs, blessed};
use synfin::sinks::diff::compare;
use synfin::sinks::json;
use synfin::sinks::ladder::{Style, render};
use synfin::sinks::pcap::{self, Format, Tap};
use synfin::sources::scenario::{LineKind, Overrides, Scenario, catalogue};
use synfin::trace::{HostId, Trace};

// --- random scenarios ------------------------------------------------------------------------------

/// What may stand below the settings: an action, or a row that makes the next action wait.
const ROW: &str = "   CLOSED CLOSED";

fn when() -> impl Strategy<Value = String> {
    prop_oneof![
        6 => Just(String::new()),
        1 => (0..300_u32).prop_map(|millis| format!("at {millis}ms ")),
        2 => (0..3000_u32).prop_map(|millis| format!("+{millis}ms ")),
    ]
}

fn segment() -> impl Strategy<Value = String> {
    let kind = select(vec!["SYN", "SYN,ACK", "ACK", "FIN", "RST", "data", "any"]);
    (kind, 1..4_u32).prop_map(|(kind, nth)| if nth == 1 { kind.to_owned() } else { format!("{kind}#{nth}") })
}

fn forged() -> impl Strategy<Value = String> {
    let flags = select(vec!["SYN", "RST", "RST,ACK", "FIN,ACK", "ACK", "SYN,ACK", "PSH,ACK", "none"]);
    (80..500_u32, 80..500_u32, flags, 0..20_u32).prop_map(|(seq, ack, flags, len)| {
        let ack = if flags.contains("ACK") { format!("<ACK={ack}>") } else { String::new() };
        format!("<SEQ={seq}>{ack}<LEN={len}><CTL={flags}>")
    })
}

fn act() -> impl Strategy<Value = String> {
    prop_oneof![
        (segment(), 1..3_u32).prop_map(|(segment, times)| format!("lose {segment} times {times}")),
        (segment(), 0..2000_u32).prop_map(|(segment, millis)| format!("delay {segment} {millis}ms")),
        (segment(), 0..200_u32).prop_map(|(segment, millis)| format!("duplicate {segment} {millis}ms")),
        segment().prop_map(|segment| format!("reorder {segment}")),
        (segment(), 0..40_u32, 0..8_u32).prop_map(|(segment, octet, bit)| format!("corrupt {segment} octet {octet} bit {bit}")),
        forged().prop_map(|fields| format!("inject {fields}")),
    ]
}

fn call() -> impl Strategy<Value = String> {
    prop_oneof![
        6 => (0..5000_u32, any::<bool>()).prop_map(|(octets, more)| format!("send {octets}{}", if more { " more" } else { "" })),
        1 => "[a-zA-Z #(<]{0,12}".prop_map(|text| format!("send {text:?}")),
        2 => select(vec!["recv", "recv 100", "recv 4000"]).prop_map(str::to_owned),
        2 => select(vec!["shutdown write", "shutdown read", "shutdown both"]).prop_map(str::to_owned),
        4 => Just("close".to_owned()),
        2 => select(vec!["abort", "exit", "crash", "close listener", "accept"]).prop_map(str::to_owned),
        2 => select(vec!["listen", "connect", "connect from 7008", "connect port 7008 from 7007", "listen port 7008 backlog 1"])
            .prop_map(str::to_owned),
        1 => select(vec!["option nodelay on", "option quickack off", "option maxseg 536", "option linger 0", "option user-timeout 5s"])
            .prop_map(str::to_owned),
    ]
}

fn action() -> impl Strategy<Value = String> {
    let what = prop_oneof![3 => call(), 2 => act()];
    (select(vec!["A", "B"]), when(), what).prop_map(|(host, when, what)| format!("{host}  {when}{what}"))
}

fn settings() -> impl Strategy<Value = String> {
    let profiles = (select(vec!["rfc9293", "linux"]), select(vec!["", "rfc9293", "linux"]));
    (profiles, 0..50_u32, any::<bool>(), any::<bool>(), select(vec![100_u32, u32::MAX - 50])).prop_map(
        |((profile, of_b), delay, options, six, iss)| {
            let mut text = format!("profile {profile}\nlink delay {delay}ms\nA iss {iss} 5000\nB iss 300 400\n");
            if !of_b.is_empty() {
                let _ = writeln!(text, "B profile {of_b}");
            }
            text += if options { "show options\n" } else { "" };
            text + if six { "ip 6\n" } else { "" }
        },
    )
}

/// The text of a scenario; with rows among the actions if asked for.
fn scenario(with_rows: bool) -> impl Strategy<Value = String> {
    let line = prop_oneof![4 => action(), 2 => Just(if with_rows { ROW.to_owned() } else { String::new() })];
    let beginning =
        select(vec!["B  listen\nA  connect\n", "B  listen\n", "A  connect from 7008\nB  connect port 7008 from 7007\n", "A  connect\n"]);
    let acts = proptest::collection::vec((select(vec!["A", "B"]), act()), 0..2);
    (settings(), acts, beginning, proptest::collection::vec(line, 0..10)).prop_map(|(settings, acts, beginning, lines)| {
        let acts: Vec<String> = acts.into_iter().map(|(host, act)| format!("{host}  {act}\n")).collect();
        settings + &acts.concat() + beginning + &lines.join("\n")
    })
}

fn parsed(text: &str) -> Scenario {
    Scenario::parse("random", text).unwrap_or_else(|error| panic!("{error}"))
}

/// The trace of a scenario; `None` if an action can never begin, which is no law's business, and if
/// more happens than a scenario file may have lines for (a forged FIN can set two endpoints to
/// acknowledging each other without end).
fn played(scenario: &Scenario) -> Option<Trace> {
    scenario.simulate(&Overrides::default()).ok().filter(|trace| trace.packets.len() < 2000)
}

fn bless(scenario: &Scenario, trace: &Trace) -> String {
    let body = scenario.lines.iter().map(|line| match line.what {
        LineKind::Action(_) => (line.number, LineIs::Action),
        LineKind::Rung(_) => (line.number, LineIs::Row),
    });
    blessed(&scenario.text, &body.collect::<Vec<_>>(), trace, scenario.show_options)
}

fn bytes(trace: &Trace) -> Vec<u8> {
    let mut bytes = Vec::new();
    let (a, b) = (Tap::Host(HostId(0)), Tap::Host(HostId(1)));
    for (format, tap) in [(Format::PcapNg, Tap::Both), (Format::PcapNg, a), (Format::Pcap, a), (Format::Pcap, b)] {
        pcap::write(trace, format, tap, &mut bytes).expect("a Vec takes everything");
    }
    json::write(trace, &mut bytes).expect("a Vec takes everything");
    bytes
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, max_global_rejects: 3000, ..ProptestConfig::default() })]

    #[test]
    fn what_is_printed_is_accepted_below_its_actions(text in scenario(false), options: bool, bare: bool) {
        let Some(trace) = played(&parsed(&text)) else { return Err(TestCaseError::reject("cannot be played")) };
        let printed = render(&trace, Style { options, bare });
        let pasted = parsed(&format!("{text}\n{printed}"));
        let expected: Vec<_> = pasted.expectation().collect();
        prop_assert_eq!(expected.len(), rungs(&trace, options).len());
        // Read back, it says what it said: nothing is lost on the way.
        let read: Vec<_> = expected.iter().map(|(_, rung)| (*rung).clone()).collect();
        prop_assert_eq!(&read, &rungs(&trace, options));
        if let Some(mismatch) = compare(&expected, &rungs(&trace, true)) {
            return Err(TestCaseError::fail(mismatch.to_string()));
        }
        // The ladder stands below all actions, so it changes nothing.
        let again = played(&pasted).expect("it could be played before");
        prop_assert_eq!(again.entries, trace.entries);
    }

    #[test]
    fn blessing_changes_no_run_and_is_idempotent(text in scenario(true)) {
        let first = parsed(&text);
        let Some(trace) = played(&first) else { return Err(TestCaseError::reject("cannot be played")) };
        let blessed_text = bless(&first, &trace);
        let second = parsed(&blessed_text);
        let again = played(&second).expect("it could be played before");
        prop_assert_eq!(&again, &trace, "{}", blessed_text);
        let expected: Vec<_> = second.expectation().collect();
        if let Some(mismatch) = compare(&expected, &rungs(&again, true)) {
            return Err(TestCaseError::fail(format!("{mismatch}\n{blessed_text}")));
        }
        prop_assert_eq!(bless(&second, &again), blessed_text);
    }

    #[test]
    fn the_same_scenario_has_the_same_bytes(text in scenario(true)) {
        let Some(trace) = played(&parsed(&text)) else { return Err(TestCaseError::reject("cannot be played")) };
        let again = played(&parsed(&text)).expect("it could be played before");
        prop_assert!(bytes(&trace) == bytes(&again));
    }

    #[test]
    fn a_wrong_row_is_found_and_shown(text in scenario(false), which: Index, leave_out: bool) {
        let Some(trace) = played(&parsed(&text)) else { return Err(TestCaseError::reject("cannot be played")) };
        let actual = rungs(&trace, true);
        prop_assume!(!actual.is_empty());
        let mut expected = actual.clone();
        let which = which.index(expected.len());
        if leave_out {
            expected.remove(which);
        } else {
            let twin = expected[which].clone();
            expected.insert(which, twin);
        }
        let numbered: Vec<_> = (1..).zip(&expected).collect();
        let mismatch = compare(&numbered, &actual).expect("one row less or more cannot be right");
        let shown = mismatch.to_string();
        let marked = shown.lines().filter(|line| line.starts_with('>')).count();
        prop_assert_eq!(marked, 1, "{}", shown);
        prop_assert!(shown.lines().any(|line| line.starts_with(if leave_out { ">+" } else { ">-" })), "{}", shown);
    }
}

// --- hostile text ----------------------------------------------------------------------------------

/// A change to a text, at any of its characters.
#[derive(Clone, Debug)]
enum Change {
    Delete(Index, usize),
    Insert(Index, String),
    Double(Index, usize),
}

fn change() -> impl Strategy<Value = Change> {
    let words = prop_oneof![
        any::<char>().prop_map(String::from),
        select(vec![
            "<",
            ">",
            "=",
            "\"",
            "#",
            "(",
            ")",
            "-->",
            "<--",
            "...",
            "XXX",
            "\n",
            "\r\n",
            "\t",
            "\u{feff}",
            "4294967296",
            "0",
            "999999999999999999999",
            "at ",
            "+",
            " times 0",
            "<OPT=>",
            "<CTL=>",
            "A ",
            "B ",
            "\u{0}",
            "ä",
            "\u{202e}",
            "1y",
            "18446744073709551615s",
        ])
        .prop_map(str::to_owned),
    ];
    prop_oneof![
        (any::<Index>(), 1..20_usize).prop_map(|(at, length)| Change::Delete(at, length)),
        (any::<Index>(), words).prop_map(|(at, text)| Change::Insert(at, text)),
        (any::<Index>(), 1..60_usize).prop_map(|(at, length)| Change::Double(at, length)),
    ]
}

fn changed(text: &str, changes: &[Change]) -> String {
    let mut text: Vec<char> = text.chars().collect();
    for change in changes {
        match change {
            Change::Delete(at, length) if !text.is_empty() => {
                let at = at.index(text.len());
                text.drain(at..(at + length).min(text.len()));
            }
            Change::Delete(..) => {}
            Change::Insert(at, insert) => {
                let at = at.index(text.len() + 1);
                text.splice(at..at, insert.chars());
            }
            Change::Double(at, length) => {
                let at = at.index(text.len() + 1);
                let again: Vec<char> = text[at..].iter().copied().take(*length).collect();
                text.splice(at..at, again);
            }
        }
    }
    text.into_iter().collect()
}

/// Parses; a mistake must be shown, on a line and in a column that are there.
fn read(text: &str) -> Result<Option<Scenario>, TestCaseError> {
    match Scenario::parse("hostile", text) {
        Ok(scenario) => Ok(Some(scenario)),
        Err(error) => {
            let line = text.strip_prefix('\u{feff}').unwrap_or(text).lines().nth(error.mistake.line - 1).unwrap_or_default();
            prop_assert_eq!(&error.mistake.text, line);
            prop_assert!((1..=line.chars().count() + 1).contains(&error.mistake.column), "{}", error);
            let shown = error.to_string();
            prop_assert!(shown.len() < 3000, "{}", shown);
            prop_assert!(!shown.contains(|c: char| c.is_control() && c != '\n' && c != '\t'), "{:?}", shown);
            Ok(None)
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]

    #[test]
    fn any_text_is_read_or_refused(text in "(?s).{0,400}") {
        read(&text)?;
    }

    #[test]
    fn any_line_of_words_is_read_or_refused(
        words in proptest::collection::vec(
            select("A B at + 5ms iss set msl=1s connect listen port 7 send recv 100 \"x\" lose SYN FIN#2 times reorder corrupt A:FIN loss 2% rate 1kbit queue jitter seed A>B octet bit inject <SEQ=5> <CTL=SYN> --> <-- ... XXX \
                CLOSED ESTABLISHED ( ) # \n \t profile linux link delay mtu show options <WND=5> <OPT=nop> duplicate delay option linger"
                .split(' ').collect::<Vec<_>>()),
            0..30,
        ),
    ) {
        read(&words.join(" "))?;
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, ..ProptestConfig::default() })]

    #[test]
    fn a_damaged_file_is_read_or_refused_and_what_is_read_can_be_run(
        name in select(catalogue::names().collect::<Vec<_>>()),
        changes in proptest::collection::vec(change(), 1..5),
    ) {
        let text = changed(catalogue::text(name).expect("it is listed"), &changes);
        if let Some(scenario) = read(&text)? {
            // An error is an answer, too.
            let _ = scenario.simulate(&Overrides::default());
        }
    }
}

#[test]
fn a_row_may_name_the_state_beside_the_network_as_figure_13_does() {
    let rows = "
        SYN-SENT    --> <SEQ=100><CTL=SYN>               --> SYN-RECEIVED
        ESTABLISHED <-- <SEQ=300><ACK=101><CTL=SYN,ACK>  <-- SYN-RECEIVED
        ESTABLISHED --> <SEQ=101><ACK=301><CTL=ACK>      --> ESTABLISHED
        FIN-WAIT-1  --> <SEQ=101><ACK=301><CTL=FIN,ACK>  ... OTHER
        CLOSING     <-- <SEQ=301><ACK=101><CTL=FIN,ACK>  <-- FIN-WAIT-1
        CLOSING     ... <SEQ=101><ACK=301><CTL=FIN,ACK>  --> CLOSING
        CLOSING     --> <SEQ=102><ACK=302><CTL=ACK>      ... CLOSING
        TIME-WAIT   <-- <SEQ=302><ACK=102><CTL=ACK>      <-- CLOSING
        TIME-WAIT   ... <SEQ=102><ACK=302><CTL=ACK>      --> TIME-WAIT
        CLOSED                                               TIME-WAIT
        CLOSED                                               CLOSED
    ";
    let trace = synfin::scenario("simultaneous-close").expect("in the catalogue").run();
    let check = |other: &str| synfin::assert::check_ladder(&trace, &rows.replace("OTHER", other));
    check("ESTABLISHED").expect("B had not closed when the FIN of A left");
    check("FIN-WAIT-1").expect_err("a wrong state beside ... does not hold");
}

#[test]
fn a_row_that_shows_the_window_shows_that_there_are_no_options() {
    let trace = synfin::scenario("syn-to-closed-port").expect("in the catalogue").run();
    let rows = "
        SYN-SENT    --> <SEQ=100><CTL=SYN>               --> CLOSED
                        <WND=65535>
        CLOSED      <-- <SEQ=0><ACK=101><CTL=RST,ACK>    <-- CLOSED
    ";
    synfin::assert::check_ladder(&trace, rows).expect_err("the SYN has an MSS");
    let rows = rows.replace("<WND=65535>", "<WND=65535><OPT=mss 1460>");
    synfin::assert::check_ladder(&trace, &rows).expect("as it happened");
}
