//! What holds, and what a failure says.

use super::*;
use crate::prelude::*;

fn half_close() -> Trace {
    scenario("half-close").expect("built in").run()
}

fn failure<T>(checked: Result<T, Mismatch>) -> String {
    checked.err().expect("a mismatch").to_string()
}

/// What a panicking assertion says.
fn message(assertion: impl FnOnce() + std::panic::UnwindSafe) -> String {
    let payload = std::panic::catch_unwind(assertion).expect_err("it fails");
    payload.downcast_ref::<String>().expect("a formatted message").clone()
}

#[test]
fn a_ladder_holds_with_remarks_and_with_what_it_leaves_open() {
    let trace = scenario("syn-to-closed-port").expect("built in").run();
    assert_ladder!(
        trace,
        "
        # nobody listens
        (A: connect)
        SYN-SENT --> <SEQ=100><CTL=SYN>            --> CLOSED
        CLOSED   <-- <SEQ=0><CTL=RST,ACK>          <--
        "
    );
    assert_ladder!(trace, "--> <SEQ=100><WND=65535> -->\n<-- <CTL=RST,ACK> <--");
}

#[test]
fn a_wrong_ladder_is_shown_as_a_diff() {
    let trace = scenario("syn-to-closed-port").expect("built in").run();
    insta::assert_snapshot!(message(move || assert_ladder!(trace, "
        SYN-SENT --> <SEQ=100><CTL=SYN>            --> CLOSED
        CLOSED   <-- <SEQ=7><ACK=101><CTL=RST,ACK> <-- CLOSED
    ")), @r"
    line 3: the ladder goes on differently
      - expected, + happened
          2   SYN-SENT     --> <SEQ=100><CTL=SYN>                         --> CLOSED
    >-    3   CLOSED       <-- <SEQ=7><ACK=101><CTL=RST,ACK>              <-- CLOSED
     +        CLOSED       <-- <SEQ=0><ACK=101><CTL=RST,ACK>              <-- CLOSED
    ");
}

#[test]
fn a_ladder_that_cannot_be_read_says_where() {
    let trace = half_close();
    insta::assert_snapshot!(failure(check_ladder(&trace, "SYN-SENT --> <SEQ=100><CTL=SIN> --> SYN-RECEIVED")), @r#"
    the expected ladder cannot be read
    ladder:1:28: expected flags such as SYN,ACK, found "SIN"; did you mean FIN?
       |
     1 | SYN-SENT --> <SEQ=100><CTL=SIN> --> SYN-RECEIVED
       |                            ^^^
    "#);
    insta::assert_snapshot!(failure(check_ladder(&trace, "\nA connect\n")), @r#"
    the expected ladder cannot be read
    ladder:2:1: expected a row of a ladder (here are no settings and no actions), found "A"
       |
     2 | A connect
       | ^
    "#);
    insta::assert_snapshot!(failure(check_ladder(&trace, "seed 3")), @r#"
    the expected ladder cannot be read
    ladder:1:1: expected a row of a ladder (here are no settings and no actions), found "seed"
       |
     1 | seed 3
       | ^^^^
    "#);
    insta::assert_snapshot!(failure(check_ladder(&trace, "ESTABLISED --> <SEQ=100> -->")), @r#"
    the expected ladder cannot be read
    ladder:1:1: expected a row of a ladder (here are no settings and no actions), found "ESTABLISED"; did you mean ESTABLISHED?
       |
     1 | ESTABLISED --> <SEQ=100> -->
       | ^^^^^^^^^^
    "#);
}

#[test]
fn transitions_hold_by_row_by_walk_and_by_section() {
    let trace = half_close();
    assert_transition!(trace, A: FinWait2 => TimeWait);
    assert_transition!(trace, A: FinWait2 => TimeWait, "RFC 9293 3.10.7.4");
    assert_transition!(trace, A: FinWait2 => TimeWait, "RFC 9293 section 3.10.7.4 eighth",);
    assert_transition!(trace, A: FinWait2 => TimeWait, "3.10.7");
    assert_transition!(trace, B: CloseWait => LastAck, "RFC 9293, section 3.10.4");
    let trace = scenario("three-segment-close").expect("built in").run();
    assert_transition!(trace, A: FinWait1 => FinWait2);
    assert_transition!(trace, A: FinWait2 => TimeWait);
    assert_transition!(trace, A: FinWait1 => TimeWait, "RFC 9293 3.10.7.4 eighth");
}

#[test]
fn a_section_is_no_part_of_a_longer_number() {
    let rule = Rule::named("fin-wait-2/fin").expect("a row");
    for (section, holds) in [("3.10.7.4", true), ("3.10.7.4 eighth", true), ("3.1", false), ("3.10.7.4 e", false), ("RFC 793 3.9", false)] {
        assert_eq!(is_in_section(rule, section), holds, "{section}");
    }
    let rule = Rule::named("syn-received/ack-close-queued").expect("a row");
    assert!(is_in_section(rule, "3.10.4") && is_in_section(rule, "RFC 9293 3.10.7.4"), "{}", rule.rfc);
}

#[test]
fn a_transition_that_never_happened_is_answered_by_the_nearest_ones() {
    let trace = half_close();
    insta::assert_snapshot!(message(move || assert_transition!(trace, A: FinWait1 => Closing)), @"
    A never went FIN-WAIT-1 => CLOSING
    A left FIN-WAIT-1:
       FIN-WAIT-1 => FIN-WAIT-2, 0.070 s, RFC 9293 section 3.10.7.4 fifth
    A came to CLOSING: never

       (B: listen)
       (A: connect)
       SYN-SENT     --> <SEQ=100><CTL=SYN>                         --> SYN-RECEIVED
       ESTABLISHED  <-- <SEQ=300><ACK=101><CTL=SYN,ACK>            <-- SYN-RECEIVED
       ESTABLISHED  --> <SEQ=101><ACK=301><CTL=ACK>                --> ESTABLISHED
       (A: send 50)
       ESTABLISHED  --> <SEQ=101><ACK=301><LEN=50><CTL=PSH,ACK>    --> ESTABLISHED
       ESTABLISHED  <-- <SEQ=301><ACK=151><CTL=ACK>                <-- ESTABLISHED
       (B: recv 50)
       (A: shutdown write)
       FIN-WAIT-1   --> <SEQ=151><ACK=301><CTL=FIN,ACK>            --> CLOSE-WAIT
    >  FIN-WAIT-2   <-- <SEQ=301><ACK=152><CTL=ACK>                <-- CLOSE-WAIT
       (B: send 400)
       FIN-WAIT-2   <-- <SEQ=301><ACK=152><LEN=400><CTL=PSH,ACK>   <-- CLOSE-WAIT
       FIN-WAIT-2   --> <SEQ=152><ACK=701><CTL=ACK>                --> CLOSE-WAIT
       (B: send 400)
       FIN-WAIT-2   <-- <SEQ=701><ACK=152><LEN=400><CTL=PSH,ACK>   <-- CLOSE-WAIT
       FIN-WAIT-2   --> <SEQ=152><ACK=1101><CTL=ACK>               --> CLOSE-WAIT
       (A: recv 800)
       (B: close)
       TIME-WAIT    <-- <SEQ=1101><ACK=152><CTL=FIN,ACK>           <-- LAST-ACK
       TIME-WAIT    --> <SEQ=152><ACK=1102><CTL=ACK>               --> CLOSED
       (A: 2 MSL, 240.120 s)
       CLOSED                                                          CLOSED
    ");
}

#[test]
fn a_transition_by_another_section_is_named() {
    let trace = half_close();
    insta::assert_snapshot!(message(move || assert_transition!(trace, B: CloseWait => LastAck, "RFC 9293 section 3.10.7.4")), @"
    B never went CLOSE-WAIT => LAST-ACK by RFC 9293 section 3.10.7.4
    It happened, but in another section:
       CLOSE-WAIT => LAST-ACK, 0.110 s, RFC 9293 section 3.10.4

       (B: listen)
       (A: connect)
       SYN-SENT     --> <SEQ=100><CTL=SYN>                         --> SYN-RECEIVED
       ESTABLISHED  <-- <SEQ=300><ACK=101><CTL=SYN,ACK>            <-- SYN-RECEIVED
       ESTABLISHED  --> <SEQ=101><ACK=301><CTL=ACK>                --> ESTABLISHED
       (A: send 50)
       ESTABLISHED  --> <SEQ=101><ACK=301><LEN=50><CTL=PSH,ACK>    --> ESTABLISHED
       ESTABLISHED  <-- <SEQ=301><ACK=151><CTL=ACK>                <-- ESTABLISHED
       (B: recv 50)
       (A: shutdown write)
       FIN-WAIT-1   --> <SEQ=151><ACK=301><CTL=FIN,ACK>            --> CLOSE-WAIT
       FIN-WAIT-2   <-- <SEQ=301><ACK=152><CTL=ACK>                <-- CLOSE-WAIT
       (B: send 400)
       FIN-WAIT-2   <-- <SEQ=301><ACK=152><LEN=400><CTL=PSH,ACK>   <-- CLOSE-WAIT
       FIN-WAIT-2   --> <SEQ=152><ACK=701><CTL=ACK>                --> CLOSE-WAIT
       (B: send 400)
       FIN-WAIT-2   <-- <SEQ=701><ACK=152><LEN=400><CTL=PSH,ACK>   <-- CLOSE-WAIT
       FIN-WAIT-2   --> <SEQ=152><ACK=1101><CTL=ACK>               --> CLOSE-WAIT
       (A: recv 800)
       (B: close)
    >  TIME-WAIT    <-- <SEQ=1101><ACK=152><CTL=FIN,ACK>           <-- LAST-ACK
       TIME-WAIT    --> <SEQ=152><ACK=1102><CTL=ACK>               --> CLOSED
       (A: 2 MSL, 240.120 s)
       CLOSED                                                          CLOSED
    ");
}

#[test]
fn an_unknown_host_is_named() {
    insta::assert_snapshot!(failure(check_path(&half_close(), "C", &[])), @"there is no host C; this trace has A, B");
}

#[test]
fn paths_hold_whole() {
    let trace = half_close();
    assert_path!(trace, A: [Closed, SynSent, Established, FinWait1, FinWait2, TimeWait, Closed]);
    assert_path!(trace, B: [Closed, Listen, SynReceived, Established, CloseWait, LastAck, Closed]);
}

#[test]
fn another_path_is_shown_beside_the_expected_one() {
    let trace = half_close();
    insta::assert_snapshot!(message(move || assert_path!(trace, A: [Closed, SynSent, Established, CloseWait, LastAck, Closed])), @"
    A walked another path: after ESTABLISHED came FIN-WAIT-1, not CLOSE-WAIT
       expected      walked
       CLOSED        CLOSED
       SYN-SENT      SYN-SENT
       ESTABLISHED   ESTABLISHED
    >  CLOSE-WAIT    FIN-WAIT-1
       LAST-ACK      FIN-WAIT-2
       CLOSED        TIME-WAIT
                     CLOSED

       (B: listen)
       (A: connect)
       SYN-SENT     --> <SEQ=100><CTL=SYN>                         --> SYN-RECEIVED
       ESTABLISHED  <-- <SEQ=300><ACK=101><CTL=SYN,ACK>            <-- SYN-RECEIVED
       ESTABLISHED  --> <SEQ=101><ACK=301><CTL=ACK>                --> ESTABLISHED
       (A: send 50)
       ESTABLISHED  --> <SEQ=101><ACK=301><LEN=50><CTL=PSH,ACK>    --> ESTABLISHED
       ESTABLISHED  <-- <SEQ=301><ACK=151><CTL=ACK>                <-- ESTABLISHED
       (B: recv 50)
       (A: shutdown write)
    >  FIN-WAIT-1   --> <SEQ=151><ACK=301><CTL=FIN,ACK>            --> CLOSE-WAIT
       FIN-WAIT-2   <-- <SEQ=301><ACK=152><CTL=ACK>                <-- CLOSE-WAIT
       (B: send 400)
       FIN-WAIT-2   <-- <SEQ=301><ACK=152><LEN=400><CTL=PSH,ACK>   <-- CLOSE-WAIT
       FIN-WAIT-2   --> <SEQ=152><ACK=701><CTL=ACK>                --> CLOSE-WAIT
       (B: send 400)
       FIN-WAIT-2   <-- <SEQ=701><ACK=152><LEN=400><CTL=PSH,ACK>   <-- CLOSE-WAIT
       FIN-WAIT-2   --> <SEQ=152><ACK=1101><CTL=ACK>               --> CLOSE-WAIT
       (A: recv 800)
       (B: close)
       TIME-WAIT    <-- <SEQ=1101><ACK=152><CTL=FIN,ACK>           <-- LAST-ACK
       TIME-WAIT    --> <SEQ=152><ACK=1102><CTL=ACK>               --> CLOSED
       (A: 2 MSL, 240.120 s)
       CLOSED                                                          CLOSED
    ");
}

#[test]
fn a_path_that_goes_on_and_one_that_ends_are_told_apart() {
    let trace = scenario("syn-to-closed-port").expect("built in").run();
    insta::assert_snapshot!(failure(check_path(&trace, "A", &[State::Closed, State::SynSent])), @r"
    A walked a longer path: after SYN-SENT came CLOSED, not the end
       expected      walked
       CLOSED        CLOSED
       SYN-SENT      SYN-SENT
    >                CLOSED

       (A: connect)
       SYN-SENT     --> <SEQ=100><CTL=SYN>                         --> CLOSED
    >  CLOSED       <-- <SEQ=0><ACK=101><CTL=RST,ACK>              <-- CLOSED
       (A: connect: ECONNREFUSED)
    ");
    insta::assert_snapshot!(failure(check_path(&trace, "A", &[State::Closed, State::SynSent, State::Closed, State::Listen])), @r"
    A walked a shorter path: after CLOSED came nothing, not LISTEN
       expected      walked
       CLOSED        CLOSED
       SYN-SENT      SYN-SENT
       CLOSED        CLOSED
    >  LISTEN

       (A: connect)
       SYN-SENT     --> <SEQ=100><CTL=SYN>                         --> CLOSED
    >  CLOSED       <-- <SEQ=0><ACK=101><CTL=RST,ACK>              <-- CLOSED
       (A: connect: ECONNREFUSED)
    ");
}
