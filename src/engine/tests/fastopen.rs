//! TCP fast open: RFC 7413.

use super::*;

fn cookie(octet: u8) -> FastOpenCookie {
    FastOpenCookie::new(&[octet; 8]).expect("a length cookies have")
}

/// An active OPEN with so much text; what leaves, with its options.
fn connecting(octets: u32, known: FastOpenTry) -> (Scripted, Vec<String>) {
    let mut a = Scripted::new(Profile::rfc9293());
    assert_eq!(a.connection.on_open_active_fast(a.now, a.open(), octets, known), Ok(octets));
    let left = out(&mut a);
    (a, left)
}

fn showing(octets: u32) -> (Scripted, Vec<String>) {
    connecting(octets, FastOpenTry::Show { cookie: cookie(7), mss: 1460 })
}

/// A listener that hears a SYN with text and says this to its cookie; what leaves, with its options.
fn answering(answer: FastOpenAnswer) -> (Scripted, Arrival, Vec<String>) {
    let mut b = Scripted::new(Profile::rfc9293());
    b.connection.on_open_passive(b.now, b.open()).expect("CLOSED");
    b.connection.answer_fast_open(answer);
    let mut options = TcpOptions::NONE.mss(1460);
    options.add_fast_open(&cookie(7), 0);
    let arrival = b.hear_with("<SEQ=300><LEN=50><CTL=SYN>", options.padded());
    let left = out(&mut b);
    (b, arrival, left)
}

fn opened_early() -> Scripted {
    let (b, arrival, left) = answering(FastOpenAnswer { take: true, grant: None });
    assert_eq!((arrival.take, left), (50, vec!["<SEQ=100><ACK=351><CTL=SYN,ACK> mss 1460".to_owned()]));
    assert_eq!((b.state(), b.walked()), (State::SynReceived, vec!["listen/fast-open"]));
    b
}

fn out(scripted: &mut Scripted) -> Vec<String> {
    scripted.segments().iter().map(|segment| format!("{segment} {}", segment.options)).collect()
}

#[test]
fn without_a_cookie_the_client_asks_and_its_text_waits() {
    // R7413-8.
    let (mut a, left) = connecting(100, FastOpenTry::Ask);
    assert_eq!(left, ["<SEQ=100><CTL=SYN> mss 1460,FO,eol"]);
    assert_eq!(a.connection.take_fast_open_outcome(), None, "nothing is known yet");
    let mut options = TcpOptions::NONE.mss(1200);
    options.add_fast_open(&cookie(9), 0);
    a.hear_with("<SEQ=300><ACK=101><CTL=SYN,ACK>", options.padded());
    assert_eq!(a.out(), ["<SEQ=101><ACK=301><LEN=100><CTL=PSH,ACK>"]);
    // R7413-3: the cookie, and the MSS beside it.
    let outcome = FastOpenOutcome { cookie: Some(cookie(9)), mss: 1200, asked: true, refused: false };
    assert_eq!((a.connection.take_fast_open_outcome(), a.connection.take_fast_open_outcome()), (Some(outcome), None));
}

#[test]
fn with_a_cookie_text_rides_in_the_syn() {
    // R7413-10: SND.NXT covers it.
    let (mut a, left) = showing(100);
    assert_eq!(left, ["<SEQ=100><LEN=100><CTL=SYN> mss 1460,FO 0707070707070707,eol"]);
    assert_eq!(a.connection.variables().snd_nxt, Some(SeqNumber::new(201)));
    let arrival = a.hear("<SEQ=300><ACK=201><CTL=SYN,ACK>");
    assert_eq!((arrival.acked, a.out()), (100, vec!["<SEQ=201><ACK=301><CTL=ACK>".to_owned()]));
    let outcome = a.connection.take_fast_open_outcome().expect("the SYN is answered");
    assert_eq!((outcome.cookie, outcome.refused), (None, false));
}

#[test]
fn a_syn_carries_as_much_text_as_the_cached_mss_allows() {
    // R7413-3: the MSS of the last time, less 16 octets of options.
    let (_, left) = showing(5000);
    assert_eq!(left, ["<SEQ=100><LEN=1444><CTL=SYN> mss 1460,FO 0707070707070707,eol"]);
}

#[test]
fn text_that_was_not_taken_leaves_again_with_the_first_ack() {
    // R7413-15, R7413-4.
    let (mut a, _) = showing(100);
    a.hear("<SEQ=300><ACK=101><CTL=SYN,ACK>");
    assert_eq!(a.out(), ["<SEQ=101><ACK=301><LEN=100><CTL=PSH,ACK>"]);
    assert!(a.connection.take_fast_open_outcome().expect("the SYN is answered").refused);
    assert_eq!(a.hear("<SEQ=301><ACK=201><CTL=ACK>").acked, 100);
}

#[test]
fn a_syn_that_was_not_answered_leaves_again_without_text_and_option() {
    // R7413-9, R7413-11, R7413-4.
    let (mut a, _) = showing(100);
    a.now = a.connection.poll_deadline().expect("the SYN is timed");
    a.connection.on_time(a.now);
    assert_eq!(out(&mut a), ["<SEQ=100><CTL=SYN> mss 1460"]);
    a.hear("<SEQ=300><ACK=101><CTL=SYN,ACK>");
    assert_eq!(a.out(), ["<SEQ=101><ACK=301><LEN=100><CTL=PSH,ACK>"]);
    assert!(a.connection.take_fast_open_outcome().expect("the SYN is answered").refused);
    // Nobody answers at all.
    let (mut a, _) = showing(100);
    while a.state() != State::Closed {
        a.wait();
    }
    assert!(a.connection.take_fast_open_outcome().expect("given up").refused);
}

#[test]
fn a_valid_cookie_lets_the_application_read_and_answer_before_the_handshake_ends() {
    // R7413-12, R7413-13.
    let mut b = opened_early();
    assert_eq!(b.connection.on_receive(b.now, 100), Ok(50));
    assert_eq!(b.send(20), ["<SEQ=101><ACK=351><LEN=20><CTL=PSH,ACK>"]);
    assert_eq!(b.hear("<SEQ=351><ACK=101><CTL=ACK>").acked, 0);
    assert_eq!((b.state(), b.connection.send_buffered()), (State::Established, 20));
    assert_eq!(b.hear("<SEQ=351><ACK=121><CTL=ACK>").acked, 20);
    assert_eq!(b.connection.poll_deadline(), None);
}

#[test]
fn another_cookie_is_answered_with_a_new_one_and_the_text_is_dropped() {
    // R7413-12.
    let (mut b, arrival, left) = answering(FastOpenAnswer { take: false, grant: Some(cookie(9)) });
    assert_eq!(left, ["<SEQ=100><ACK=301><CTL=SYN,ACK> mss 1460,FO 0909090909090909,eol"]);
    assert_eq!((arrival, b.connection.receive_buffered()), (Arrival::default(), 0));
    assert_eq!(b.hear("<SEQ=301><ACK=101><LEN=50><CTL=PSH,ACK>").take, 50);
}

#[test]
fn a_syn_ack_leaves_again_without_option_and_text() {
    // R7413-9, R7413-14.
    let mut b = opened_early();
    b.send(20);
    assert_eq!(b.wait(), (1000, vec!["<SEQ=100><ACK=351><CTL=SYN,ACK>".to_owned()]));
    let (mut b, ..) = answering(FastOpenAnswer { take: false, grant: Some(cookie(9)) });
    b.now = b.connection.poll_deadline().expect("the SYN,ACK is timed");
    b.connection.on_time(b.now);
    assert_eq!(out(&mut b), ["<SEQ=100><ACK=301><CTL=SYN,ACK> mss 1460"]);
}

#[test]
fn what_was_opened_early_does_not_go_back_to_listen() {
    // Its application has the connection already.
    let mut b = opened_early();
    assert_eq!(b.answer("<SEQ=351><CTL=RST>"), NOTHING);
    assert_eq!((b.state(), b.walked()), (State::Closed, vec!["syn-received/rst-fast-open"]));
    assert!(std::iter::from_fn(|| b.connection.poll_signal()).any(|signal| signal == Signal::Reset));
    let mut b = opened_early();
    assert_eq!(b.answer("<SEQ=360><CTL=SYN>"), ["<SEQ=101><ACK=351><CTL=ACK>"]);
    assert_eq!((b.state(), b.walked()), (State::SynReceived, vec!["syn-received/syn-fast-open"]));
    let mut b = opened_early();
    b.connection.on_icmp(b.now, IcmpError::Hard, SeqNumber::new(100));
    assert_eq!((b.state(), b.walked()), (State::Closed, vec!["syn-received/icmp-hard-fast-open"]));
}

#[test]
fn a_fin_behind_the_text_of_a_fast_syn_waits() {
    let mut b = Scripted::new(Profile::rfc9293());
    b.connection.on_open_passive(b.now, b.open()).expect("CLOSED");
    b.connection.answer_fast_open(FastOpenAnswer { take: true, grant: None });
    assert_eq!(b.hear("<SEQ=300><LEN=50><CTL=SYN,FIN>").take, 50);
    assert_eq!(b.out(), ["<SEQ=100><ACK=351><CTL=SYN,ACK>"]);
    assert_eq!(b.answer("<SEQ=352><ACK=101><CTL=ACK>"), ["<SEQ=101><ACK=352><CTL=ACK>"]);
    assert_eq!(b.state(), State::CloseWait);
}

#[test]
fn linux_pads_the_cookie_by_no_operations() {
    // Measured: FO and NOPs to 4 octets behind the window scale; other layouts end the list.
    for (profile, layout) in [
        (Profile::linux(), "mss 1460,sackOK,TS val 0 ecr 0,nop,wscale 10,FO 0707070707070707,nop,nop"),
        (Profile::rfc9293(), "mss 1460,FO 0707070707070707,eol"),
    ] {
        let mut a = Scripted::new(profile);
        let known = FastOpenTry::Show { cookie: cookie(7), mss: 1460 };
        assert_eq!(a.connection.on_open_active_fast(a.now, a.open(), 0, known), Ok(0));
        assert_eq!(a.segments()[0].options.to_string(), layout);
    }
}

#[test]
fn a_fin_that_left_before_the_syn_was_answered_is_no_text_that_was_refused() {
    // R7413-15 is about the text of a SYN; who asked for a cookie sent none.
    let (mut a, _) = connecting(0, FastOpenTry::Ask);
    assert_eq!(a.answer("<SEQ=300><CTL=SYN>"), ["<SEQ=100><ACK=301><CTL=SYN,ACK>"]);
    assert_eq!(a.close(), ["<SEQ=101><ACK=301><CTL=FIN,ACK>"]);
    assert_eq!(a.answer("<SEQ=301><ACK=101><CTL=ACK>"), NOTHING, "the FIN is under way");
    assert_eq!(a.connection.take_fast_open_outcome().map(|outcome| outcome.refused), Some(false));
}

#[test]
fn the_text_of_a_fast_syn_takes_of_the_window() {
    // RFC 9293 section 3.10.7.4, seventh; Linux's first window is told by the SYN,ACK, behind the text (measured).
    for (profile, with_text, without) in [(Profile::rfc9293(), 65_485, 65_535), (Profile::linux(), 64_240, 64_240)] {
        for (len, window) in [(50, with_text), (0, without)] {
            let mut b = Scripted::new(profile.clone());
            b.connection.on_open_passive(b.now, b.open()).expect("CLOSED");
            b.connection.answer_fast_open(FastOpenAnswer { take: true, grant: None });
            b.hear_with(&format!("<SEQ=300><LEN={len}><CTL=SYN>"), TcpOptions::NONE.mss(1460));
            let syn_ack = b.segments()[0];
            assert_eq!((syn_ack.ack.get(), syn_ack.window.0), (301 + len, window), "{}", profile.name);
            assert_eq!(b.connection.variables().rcv_wnd, Some(window.into()), "{}", profile.name);
        }
    }
}

#[test]
fn both_sides_can_tell_whether_the_text_of_a_syn_arrived() {
    // TCPI_OPT_SYN_DATA, measured: all of it, or nothing is said.
    let told = |a: &Scripted| a.connection.info(a.now).syn_data;
    let (taken, ..) = answering(FastOpenAnswer { take: true, grant: None });
    let (dropped, ..) = answering(FastOpenAnswer { take: false, grant: Some(cookie(9)) });
    assert_eq!((told(&taken), told(&dropped)), (Some(true), Some(false)));
    for (ack, arrived) in [(101, false), (102, false), (200, false), (201, true)] {
        let (mut a, _) = showing(100);
        assert_eq!(told(&a), Some(false), "nothing is acknowledged yet");
        a.hear(&format!("<SEQ=300><ACK={ack}><CTL=SYN,ACK>"));
        assert_eq!(told(&a), Some(arrived), "{ack}");
    }
    // What a server sends before the handshake ends is no text of a SYN.
    let (mut b, ..) = answering(FastOpenAnswer { take: true, grant: None });
    b.send(20);
    let mut none = Scripted::new(Profile::rfc9293());
    none.connection.on_open_passive(none.now, none.open()).expect("CLOSED");
    none.connection.answer_fast_open(FastOpenAnswer { take: true, grant: None });
    none.hear("<SEQ=300><CTL=SYN>");
    none.out();
    none.send(20);
    none.hear("<SEQ=301><ACK=121><CTL=ACK>");
    assert_eq!((none.state(), told(&none)), (State::Established, Some(false)));
}
