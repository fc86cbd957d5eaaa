//! Sessions without a terminal: commands in, screens out.

use std::fmt::Write as _;

use synfin::Scenario;
use synfin::sources::scenario::{Overrides, catalogue};

use super::model::{Command, Model, Screen, update};
use super::view::draw;

fn model(name: &str, profile: &str) -> Model {
    let scenario = Scenario::load(name).expect("built in");
    let overrides = Overrides { profile: Some(profile.to_owned()), ..Overrides::default() };
    let trace = scenario.simulate(&overrides).expect("it plays");
    Model::new(&scenario, trace)
}

fn after(model: Model, commands: &[&str]) -> Model {
    commands.iter().fold(model, |model, line| update(model, Command::parse(line).expect("a command")))
}

/// Each command with the screen it leads to.
fn session(model: Model, commands: &[&str]) -> String {
    let mut text = String::new();
    commands.iter().fold(model, |model, line| {
        let model = after(model, &[line]);
        let _ = writeln!(text, "step> {line}\n{}", draw(&model));
        model
    });
    text
}

fn mistake(line: &str) -> String {
    Command::parse(line).expect_err("no command").to_string()
}

#[test]
fn half_close_from_the_beginning() {
    insta::assert_snapshot!(session(model("half-close", "rfc9293"), &["g 0", "n", "next", "n 2", "b"]), @"
    step> g 0
    half-close, step 0 of 37, 0.000 s
    Half-close: A stops sending, B keeps talking

                A                       B
    state       CLOSED                  CLOSED
    snd.una     -                       -
    snd.nxt     -                       -
    snd.wnd     -                       -
    rcv.nxt     -                       -
    rcv.wnd     -                       -
    iss         -                       -
    irs         -                       -
    rto         -                       -

    in flight   nothing
    next        B calls listen

    step> n
    half-close, step 1 of 37, 0.000 s
    B calls listen: done
      rule      closed/open-passive, RFC 9293 section 3.10.1
                CLOSED -> LISTEN

                A                       B
    state       CLOSED                  LISTEN *
    snd.una     -                       -
    snd.nxt     -                       -
    snd.wnd     -                       -
    rcv.nxt     -                       -
    rcv.wnd     -                       -
    iss         -                       -
    irs         -                       -
    rto         -                       -

    in flight   nothing
    next        A calls connect

    step> next
    half-close, step 2 of 37, 0.000 s
    A calls connect: it waits (EINPROGRESS)
      rule      closed/open-active, RFC 9293 section 3.10.1
                CLOSED -> SYN-SENT: send SYN

                A                       B
    state       SYN-SENT *              LISTEN
    snd.una     100 *                   -
    snd.nxt     101 *                   -
    snd.wnd     -                       -
    rcv.nxt     -                       -
    rcv.wnd     -                       -
    iss         100 *                   -
    irs         -                       -
    rto         1.000 s *               -

    in flight   nothing
    next        A sends <SEQ=100><CTL=SYN>

    step> n 2
    half-close, step 4 of 37, 0.010 s
    B receives <SEQ=100><CTL=SYN>
                <WND=65535><OPT=mss 1460>
      rule      listen/syn, RFC 9293 section 3.10.7.2 third
                LISTEN -> SYN-RECEIVED: record SYN, hold text and FIN of SYN, send
                SYN,ACK

                A                       B
    state       SYN-SENT                SYN-RECEIVED *
    snd.una     100                     300 *
    snd.nxt     101                     301 *
    snd.wnd     -                       65535 *
    rcv.nxt     -                       101 *
    rcv.wnd     -                       65535 *
    iss         100                     300 *
    irs         -                       100 *
    rto         1.000 s                 1.000 s *
    timer rexmt in 0.990 s              -

    in flight   nothing
    next        B sends <SEQ=300><ACK=101><CTL=SYN,ACK>

    step> b
    half-close, step 3 of 37, 0.000 s
    A sends <SEQ=100><CTL=SYN>
                <WND=65535><OPT=mss 1460>

                A                       B
    state       SYN-SENT                LISTEN
    snd.una     100                     -
    snd.nxt     101                     -
    snd.wnd     -                       -
    rcv.nxt     -                       -
    rcv.wnd     -                       -
    iss         100                     -
    irs         -                       -
    rto         1.000 s                 -
    timer rexmt in 1.000 s *            -

    in flight   A --> B <SEQ=100><CTL=SYN>
    next        in 0.010 s, B receives <SEQ=100><CTL=SYN>
    ");
}

#[test]
fn half_close_from_one_change_of_state_to_the_next() {
    insta::assert_snapshot!(session(model("half-close", "rfc9293"), &["g 14", "s", "s", "s", "S 2"]), @"
    step> g 14
    half-close, step 14 of 37, 0.050 s
    A receives <SEQ=301><ACK=151><CTL=ACK>
                <WND=65485>
      rule      established/ack, RFC 9293 section 3.10.7.4 fifth
                stays in ESTABLISHED: take ACK, take window

                A                       B
    state       ESTABLISHED             ESTABLISHED
    snd.una     151 *                   301
    snd.nxt     151                     301
    snd.wnd     65485 *                 65535
    rcv.nxt     301                     151
    rcv.wnd     65535                   65485
    iss         100                     300
    irs         300                     100
    rto         1.000 s                 1.000 s
    timer rexmt - *                     -

    in flight   nothing
    next        B calls recv 50

    step> s
    half-close, step 16 of 37, 0.050 s
    A calls shutdown write: done
      rule      established/close, RFC 9293 section 3.10.4
                ESTABLISHED -> FIN-WAIT-1: queue FIN

                A                       B
    state       FIN-WAIT-1 *            ESTABLISHED
    snd.una     151                     301
    snd.nxt     151                     301
    snd.wnd     65485                   65535
    rcv.nxt     301                     151
    rcv.wnd     65535                   65485
    iss         100                     300
    irs         300                     100
    rto         1.000 s                 1.000 s

    in flight   nothing
    next        A sends <SEQ=151><ACK=301><CTL=FIN,ACK>

    step> s
    half-close, step 18 of 37, 0.060 s
    B receives <SEQ=151><ACK=301><CTL=FIN,ACK>
                <WND=65535>
      rule      established/ack-duplicate, RFC 9293 section 3.10.7.4 fifth
                stays in ESTABLISHED: take window
      rule      established/fin, RFC 9293 section 3.10.7.4 eighth
                ESTABLISHED -> CLOSE-WAIT: take FIN, schedule ACK, signal closing
      signal    to the user of B: connection closing

                A                       B
    state       FIN-WAIT-1              CLOSE-WAIT *
    snd.una     151                     301
    snd.nxt     152                     301
    snd.wnd     65485                   65535
    rcv.nxt     301                     152 *
    rcv.wnd     65535                   65484 *
    iss         100                     300
    irs         300                     100
    rto         1.000 s                 1.000 s
    timer rexmt in 0.990 s              -

    in flight   nothing
    next        B sends <SEQ=301><ACK=152><CTL=ACK>

    step> s
    half-close, step 20 of 37, 0.070 s
    A receives <SEQ=301><ACK=152><CTL=ACK>
                <WND=65484>
      rule      fin-wait-1/fin-acked, RFC 9293 section 3.10.7.4 fifth
                FIN-WAIT-1 -> FIN-WAIT-2: take ACK, take window, start orphan timer

                A                       B
    state       FIN-WAIT-2 *            CLOSE-WAIT
    snd.una     152 *                   301
    snd.nxt     152                     301
    snd.wnd     65484 *                 65535
    rcv.nxt     301                     152
    rcv.wnd     65535                   65484
    iss         100                     300
    irs         300                     100
    rto         1.000 s                 1.000 s
    timer rexmt - *                     -

    in flight   nothing
    next        B calls send 400

    step> S 2
    half-close, step 16 of 37, 0.050 s
    A calls shutdown write: done
      rule      established/close, RFC 9293 section 3.10.4
                ESTABLISHED -> FIN-WAIT-1: queue FIN

                A                       B
    state       FIN-WAIT-1 *            ESTABLISHED
    snd.una     151                     301
    snd.nxt     151                     301
    snd.wnd     65485                   65535
    rcv.nxt     301                     151
    rcv.wnd     65535                   65485
    iss         100                     300
    irs         300                     100
    rto         1.000 s                 1.000 s

    in flight   nothing
    next        A sends <SEQ=151><ACK=301><CTL=FIN,ACK>
    ");
}

#[test]
fn half_close_to_its_end() {
    insta::assert_snapshot!(session(model("half-close", "rfc9293"), &["g 30", "s", "l", "g 99", "n"]), @"
    step> g 30
    half-close, step 30 of 37, 0.110 s
    B receives <SEQ=152><ACK=1101><CTL=ACK>
                <WND=64735>
      rule      close-wait/ack, RFC 9293 section 3.10.7.4 fifth
                stays in CLOSE-WAIT: take ACK, take window

                A                       B
    state       FIN-WAIT-2              CLOSE-WAIT
    snd.una     152                     1101 *
    snd.nxt     152                     1101
    snd.wnd     65484                   64735 *
    rcv.nxt     1101                    152
    rcv.wnd     64735                   65484
    iss         100                     300
    irs         300                     100
    rto         1.000 s                 1.000 s
    timer rexmt -                       - *

    in flight   nothing
    next        A calls recv 800

    step> s
    half-close, step 33 of 37, 0.110 s
    B sends <SEQ=1101><ACK=152><CTL=FIN,ACK>
                <WND=65484>
      rule      close-wait/fin-sent, RFC 9293 section 3.10.4
                CLOSE-WAIT -> LAST-ACK

                A                       B
    state       FIN-WAIT-2              LAST-ACK *
    snd.una     152                     1101
    snd.nxt     152                     1102 *
    snd.wnd     65484                   64735
    rcv.nxt     1101                    152
    rcv.wnd     64735                   65484
    iss         100                     300
    irs         300                     100
    rto         1.000 s                 1.000 s
    timer rexmt -                       in 1.000 s *

    in flight   B --> A <SEQ=1101><ACK=152><CTL=FIN,ACK>
    next        in 0.010 s, A receives <SEQ=1101><ACK=152><CTL=FIN,ACK>

    step> l
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
                    ... <SEQ=1101><ACK=152><CTL=FIN,ACK>           <-- LAST-ACK

    step> g 99
    half-close, step 37 of 37, 240.120 s
    A's 2 MSL timer expires
      rule      time-wait/2msl, RFC 9293 section 3.10.8
                TIME-WAIT -> CLOSED: delete TCB

                A                       B
    state       CLOSED *                CLOSED
    snd.una     - *                     -
    snd.nxt     - *                     -
    snd.wnd     - *                     -
    rcv.nxt     - *                     -
    rcv.wnd     - *                     -
    iss         - *                     -
    irs         - *                     -
    rto         - *                     -
    timer 2msl  - *                     -

    in flight   nothing
    next        nothing: this is the end

    step> n
    This is the end: nothing more happens. b goes back, q leaves.
    ");
}

#[test]
fn a_loss_and_a_retransmission() {
    insta::assert_snapshot!(session(model("fin-lost", "rfc9293"), &["g 11", "n", "n", "n"]), @r"
    step> g 11
    fin-lost, step 11 of 18, 0.030 s
    A calls close: done
      rule      established/close, RFC 9293 section 3.10.4
                ESTABLISHED -> FIN-WAIT-1: queue FIN

                A                       B
    state       FIN-WAIT-1 *            ESTABLISHED
    snd.una     101                     301
    snd.nxt     101                     301
    snd.wnd     65535                   65535
    rcv.nxt     301                     101
    rcv.wnd     65535                   65535
    iss         100                     300
    irs         300                     100
    rto         1.000 s                 1.000 s

    in flight   nothing
    next        A sends <SEQ=101><ACK=301><CTL=FIN,ACK>

    step> n
    fin-lost, step 12 of 18, 0.030 s
    A sends <SEQ=101><ACK=301><CTL=FIN,ACK>
                <WND=65535>

                A                       B
    state       FIN-WAIT-1              ESTABLISHED
    snd.una     101                     301
    snd.nxt     102 *                   301
    snd.wnd     65535                   65535
    rcv.nxt     301                     101
    rcv.wnd     65535                   65535
    iss         100                     300
    irs         300                     100
    rto         1.000 s                 1.000 s
    timer rexmt in 1.000 s *            -

    in flight   A --> B <SEQ=101><ACK=301><CTL=FIN,ACK>
    next        the network loses <SEQ=101><ACK=301><CTL=FIN,ACK> from A to B

    step> n
    fin-lost, step 13 of 18, 0.030 s
    the network loses <SEQ=101><ACK=301><CTL=FIN,ACK> from A to B
                <WND=65535>

                A                       B
    state       FIN-WAIT-1              ESTABLISHED
    snd.una     101                     301
    snd.nxt     102                     301
    snd.wnd     65535                   65535
    rcv.nxt     301                     101
    rcv.wnd     65535                   65535
    iss         100                     300
    irs         300                     100
    rto         1.000 s                 1.000 s
    timer rexmt in 1.000 s              -

    in flight   nothing
    next        in 1.000 s, A's retransmission timer expires

    step> n
    fin-lost, step 14 of 18, 1.030 s
    A's retransmission timer expires
      rule      fin-wait-1/retransmit, RFC 9293 section 3.10.8
                stays in FIN-WAIT-1: retransmit

                A                       B
    state       FIN-WAIT-1              ESTABLISHED
    snd.una     101                     301
    snd.nxt     102                     301
    snd.wnd     65535                   65535
    rcv.nxt     301                     101
    rcv.wnd     65535                   65535
    iss         100                     300
    irs         300                     100
    rto         2.000 s *               1.000 s
    timer rexmt in 2.000 s *            -

    in flight   nothing
    next        A sends <SEQ=101><ACK=301><CTL=FIN,ACK>
    ");
}

#[test]
fn going_back_undoes_going_forwards() {
    let start = model("half-close", "rfc9293");
    for there in ["n 7", "g 12", "s 4"] {
        let model = after(start.clone(), &[there]);
        let again = after(model.clone(), &["n 3", "b 3"]);
        assert_eq!(model, again, "{there}");
        let forth = after(model.clone(), &["s", "S", "s"]);
        assert_eq!(after(model, &["s"]), forth, "{there}");
    }
}

#[test]
fn nothing_lies_beyond_the_ends() {
    let start = model("half-close", "rfc9293");
    let end = start.trace.entries.len();
    for (commands, position) in [
        (&["b"][..], 0),
        (&["S"], 0),
        (&["n 18446744073709551615"], end),
        (&["g 18446744073709551615"], end),
        (&["s 1000"], end),
        (&["g 99", "n"], end),
        (&["g 99", "s"], end),
        (&["g 3", "b 18446744073709551615"], 0),
        (&["g 3", "S 1000"], 0),
        (&["n 0"], 0),
    ] {
        assert_eq!(after(start.clone(), commands).position, position, "{commands:?}");
    }
    assert!(matches!(after(start, &["b"]).screen, Screen::NoFurther(_)));
}

#[test]
fn commands_have_short_and_long_names_and_numbers() {
    for (line, command) in [
        ("", Command::Next(1)),
        ("n", Command::Next(1)),
        ("  next   5 ", Command::Next(5)),
        ("b 2", Command::Back(2)),
        ("state", Command::NextChange(1)),
        ("STATE 3", Command::PreviousChange(3)),
        ("g 12", Command::Jump(12)),
        ("ladder", Command::Ladder),
        ("h", Command::Help),
        ("quit", Command::Quit),
    ] {
        assert_eq!(Command::parse(line), Ok(command), "{line:?}");
    }
}

#[test]
fn a_line_that_is_no_command_is_answered_by_what_there_is() {
    insta::assert_snapshot!(mistake("nxt"), @r#"
    there is no command "nxt"; did you mean next?
      expected n next, b back, s state, S STATE, g go, l ladder, h help, q quit
    "#);
    insta::assert_snapshot!(mistake("N"), @r#"
    there is no command "N"; did you mean next?
      expected n next, b back, s state, S STATE, g go, l ladder, h help, q quit
    "#);
    insta::assert_snapshot!(mistake("x"), @r#"
    there is no command "x"
      expected n next, b back, s state, S STATE, g go, l ladder, h help, q quit
    "#);
    insta::assert_snapshot!(mistake("n five"), @r#"n: expected a whole number, or nothing, found "five""#);
    insta::assert_snapshot!(mistake("g"), @"g: expected the number of a step, found the end of the line");
    insta::assert_snapshot!(mistake("b -1"), @r#"b: expected a whole number, or nothing, found "-1""#);
    insta::assert_snapshot!(mistake("q now"), @r#"q: expected nothing, found "now""#);
    insta::assert_snapshot!(mistake(&"\u{7}long ".repeat(9).replace(' ', "-")), @r#"
    there is no command "\u{7}long-\u{7}long-\u{7}long-\u{7}l..."
      expected n next, b back, s state, S STATE, g go, l ladder, h help, q quit
    "#);
}

#[test]
fn every_screen_of_every_scenario_fits_80_columns() {
    for name in catalogue::names() {
        for profile in ["rfc9293", "linux"] {
            let mut model = model(name, profile);
            // Long transfers repeat themselves.
            for position in 0..=model.trace.entries.len().min(200) {
                model.position = position;
                for line in draw(&model).lines() {
                    assert!(line.chars().count() <= 80 && line.trim_end() == line, "{name}, {profile}, step {position}: {line:?}");
                }
            }
        }
    }
}

#[test]
fn a_long_list_of_segments_in_flight_is_cut() {
    let text = "A iss 4294960000\nB iss 4294967295\nB listen\nA connect\nA send 64000\n";
    let scenario = Scenario::parse("bulk", text).expect("a scenario");
    let mut model = Model::new(&scenario, scenario.run());
    let flying = |model: &Model| draw(model).lines().filter(|line| line.contains(" --> ")).count();
    let more = (0..=model.trace.entries.len()).find(|position| {
        model.position = *position;
        assert!(flying(&model) <= 8 && draw(&model).lines().all(|line| line.len() <= 80), "{}", draw(&model));
        draw(&model).contains("            and 35 more\n")
    });
    assert!(more.is_some(), "64000 octets are 44 segments");
}

#[test]
fn help_names_every_command() {
    insta::assert_snapshot!(draw(&after(model("half-close", "rfc9293"), &["help"])), @r"
    n [N]   next [N]     one step forwards, or N; also an empty line
    b [N]   back [N]     one step backwards, or N
    s [N]   state [N]    forwards to the next change of state, or the N-th
    S [N]   STATE [N]    backwards to the previous change of state, or the N-th
    g N     go N         to step N; 0 is before anything happened
    l       ladder       the ladder so far
    h       help         these commands
    q       quit         leave; so does the end of input
    ");
}
