//! From CLOSED to ESTABLISHED, and back to LISTEN: RFC 9293 sections 3.5 and 3.10.1.

use super::*;

#[test]
fn back_in_listen_the_next_syn_gets_the_iss_of_the_open() {
    // RFC 9293 3.10.7.4 second: a RST returns a passive SYN-RECEIVED to LISTEN (figure 8, line 6).
    let mut b = Scripted::new(Profile::rfc9293());
    b.connection.on_open_passive(b.now, b.open()).expect("CLOSED");
    assert_eq!(b.answer("<SEQ=90><CTL=SYN>"), ["<SEQ=100><ACK=91><CTL=SYN,ACK>"]);
    assert_eq!(b.answer("<SEQ=91><CTL=RST>"), NOTHING);
    assert_eq!((b.state(), b.connection.poll_deadline()), (State::Listen, None));
    assert_eq!(b.answer("<SEQ=300><CTL=SYN>"), ["<SEQ=100><ACK=301><CTL=SYN,ACK>"]);
    b.hear("<SEQ=301><ACK=101><CTL=ACK>");
    assert_eq!(b.state(), State::Established);
}

#[test]
fn a_connection_opened_again_remembers_nothing() {
    let ts = TcpOptions::NONE.mss(700).nop().nop().timestamps(Timestamps { val: 7, ecr: 0 }).nop().window_scale(3);
    let mut profile = Profile::rfc9293();
    profile.set("timestamps", "on").expect("a knob");
    profile.set("require-timestamps", "off").expect("a knob");
    let mut old = Scripted::new(profile.clone()).establish("<SEQ=300><ACK=101><CTL=SYN,ACK>", ts);
    old.send(100);
    old.wait();
    old.hear("<SEQ=301><ACK=101><LEN=5><CTL=ACK>");
    old.hear("<SEQ=306><ACK=101><CTL=RST>");
    assert_eq!(old.state(), State::Closed);
    old.out();
    while old.connection.poll_signal().is_some() {}
    old.connection.on_open_active(old.now, old.open()).expect("CLOSED");
    let mut fresh = Connection::new(Arc::new(profile));
    fresh.on_open_active(old.now, old.open()).expect("CLOSED");
    assert_eq!(old.connection, fresh);
}

#[test]
fn what_the_user_has_set_outlives_a_connection() {
    let mut a = Scripted::new(Profile::rfc9293());
    a.connection.set_no_delay(true);
    for _ in 0..2 {
        a = a.establish("<SEQ=300><ACK=101><CTL=SYN,ACK>", TcpOptions::NONE);
        assert_eq!((a.send(1).len(), a.send(1).len()), (1, 1), "no Nagle");
        a.hear("<SEQ=301><ACK=101><CTL=RST>");
    }
}

#[test]
fn the_literal_sequence_check_opens_by_the_acks_of_refused_syn_acks() {
    // MUST-10.
    // RFC 9293 3.10.7.4 first, appendix A.2: SEQ=IRS is below RCV.NXT.
    let mut profile = Profile::rfc9293();
    profile.set("crossed-syn-ack", "off").expect("a knob");
    let mut a = Scripted::new(profile);
    a.connection.on_open_active(a.now, a.open()).expect("CLOSED");
    a.out();
    assert_eq!(a.answer("<SEQ=300><CTL=SYN>"), ["<SEQ=100><ACK=301><CTL=SYN,ACK>"]);
    assert_eq!(a.answer("<SEQ=300><ACK=101><LEN=5><CTL=SYN,ACK>"), ["<SEQ=101><ACK=301><CTL=ACK>"]);
    assert_eq!((a.state(), a.connection.receive_buffered()), (State::SynReceived, 0));
    assert_eq!(a.answer("<SEQ=301><ACK=101><CTL=ACK>"), NOTHING);
    assert_eq!(a.state(), State::Established);
}

#[test]
fn a_close_queued_in_a_crossed_open_follows_the_text() {
    // RFC 9293 3.10.4, SYN-RECEIVED: a CLOSE behind text waits for ESTABLISHED, however that is reached.
    for completes in ["<SEQ=300><ACK=101><CTL=SYN,ACK>", "<SEQ=301><ACK=101><CTL=ACK>"] {
        let mut a = Scripted::new(Profile::rfc9293());
        a.connection.on_open_active(a.now, a.open()).expect("CLOSED");
        assert_eq!(a.out(), ["<SEQ=100><CTL=SYN>"]);
        assert_eq!(a.answer("<SEQ=300><CTL=SYN>"), ["<SEQ=100><ACK=301><CTL=SYN,ACK>"]);
        assert_eq!((a.send(5), a.close()), (Vec::new(), Vec::new()));
        assert_eq!(a.state(), State::SynReceived);
        assert_eq!(a.answer(completes), ["<SEQ=101><ACK=301><LEN=5><CTL=PSH,FIN,ACK>"]);
        assert_eq!(a.state(), State::FinWait1, "{completes}");
    }
}

#[test]
fn a_close_without_text_in_syn_received_sends_fin_at_once() {
    // RFC 9293 3.10.4: figure 5's arrow from SYN-RECEIVED to FIN-WAIT-1.
    let mut b = Scripted::new(Profile::rfc9293());
    b.connection.on_open_passive(b.now, b.open()).expect("CLOSED");
    b.answer("<SEQ=300><CTL=SYN>");
    assert_eq!(b.close(), ["<SEQ=101><ACK=301><CTL=FIN,ACK>"]);
    assert_eq!(b.state(), State::FinWait1);
    // The SYN is the front of the queue until it is acknowledged, then the FIN.
    assert_eq!(b.wait().1, ["<SEQ=100><ACK=301><CTL=SYN,ACK>"]);
    assert_eq!(b.answer("<SEQ=301><ACK=101><CTL=ACK>"), NOTHING);
    assert_eq!(b.wait().1, ["<SEQ=101><ACK=301><CTL=FIN,ACK>"]);
    b.hear("<SEQ=301><ACK=102><CTL=ACK>");
    assert_eq!(b.state(), State::FinWait2);
}

#[test]
fn calls_that_come_too_early_or_too_late_say_so() {
    let mut a = Scripted::new(Profile::rfc9293());
    let now = a.now;
    assert!(matches!(a.connection.on_send(now, 1, false), Err(CallError { refusal: Refusal::Missing, .. })));
    assert!(matches!(a.connection.on_receive(now, 1), Err(CallError { refusal: Refusal::Missing, .. })));
    assert!(matches!(a.connection.on_close(now, false), Err(CallError { refusal: Refusal::Missing, .. })));
    assert!(matches!(a.connection.on_abort(now), Err(CallError { refusal: Refusal::Missing, .. })));
    a.connection.on_open_passive(now, a.open()).expect("CLOSED");
    assert!(matches!(a.connection.on_send(now, 1, false), Err(CallError { refusal: Refusal::Unspecified, .. })));
    assert!(matches!(a.connection.on_open_passive(now, a.open()), Err(CallError { refusal: Refusal::Exists, .. })));
    let mut a = Scripted::established(Profile::rfc9293());
    assert!(matches!(a.connection.on_open_active(now, a.open()), Err(CallError { refusal: Refusal::Exists, .. })));
    a.close();
    assert!(matches!(a.connection.on_send(now, 1, false), Err(CallError { refusal: Refusal::Closing, .. })));
    assert!(matches!(a.connection.on_close(now, false), Err(CallError { refusal: Refusal::Closing, .. })));
}

#[test]
fn an_iss_can_be_prepared_in_listen_alone() {
    let mut b = Scripted::new(Profile::rfc9293());
    b.connection.on_open_passive(b.now, b.open()).expect("CLOSED");
    b.connection.prepare_iss(SeqNumber::new(500));
    assert_eq!(b.answer("<SEQ=300><CTL=SYN>"), ["<SEQ=500><ACK=301><CTL=SYN,ACK>"]);
    b.connection.prepare_iss(SeqNumber::new(900));
    assert_eq!(b.connection.variables().iss, Some(SeqNumber::new(500)));
}

#[test]
fn variables_are_absent_until_they_mean_something() {
    let mut a = Scripted::new(Profile::rfc9293());
    let known = |a: &Scripted| {
        let variables = a.connection.variables();
        (variables.iss.is_some(), variables.snd_nxt.is_some(), variables.irs.is_some(), variables.rcv_nxt.is_some())
    };
    assert_eq!(known(&a), (false, false, false, false));
    a.connection.on_open_passive(a.now, a.open()).expect("CLOSED");
    assert_eq!(known(&a), (false, false, false, false), "LISTEN");
    let mut a = Scripted::new(Profile::rfc9293());
    a.connection.on_open_active(a.now, a.open()).expect("CLOSED");
    assert_eq!(known(&a), (true, true, false, false), "SYN-SENT");
    a.out();
    a.hear("<SEQ=300><ACK=101><CTL=SYN,ACK>");
    assert_eq!(known(&a), (true, true, true, true), "ESTABLISHED");
    let variables = a.connection.variables();
    assert_eq!((variables.srtt, variables.timers), (Some(Duration::from_nanos(1)), vec![]));
}

#[test]
fn a_connection_is_busy_while_something_is_outstanding_or_owed() {
    let mut a = Scripted::established(profile(&[("delayed-ack", "200ms")]));
    assert!(!a.connection.is_busy());
    a.hear("<SEQ=301><ACK=101><LEN=10><CTL=ACK>");
    assert!(a.connection.is_busy(), "an ACK is owed");
    a.wait();
    assert!(!a.connection.is_busy());
    a.send(10);
    assert!(a.connection.is_busy(), "text waits for its ACK");
    assert_eq!(a.connection.variables().timers, [(Timer::Retransmission, a.connection.poll_deadline().expect("it runs"))]);
}

#[test]
fn a_syn_offers_the_buffer_as_it_is() {
    for (buffer, window) in [("1000", 1000), ("1000000", u16::MAX)] {
        let mut a = Scripted::new(profile(&[("receive-buffer", buffer)]));
        a.connection.on_open_active(a.now, a.open()).expect("CLOSED");
        assert_eq!(a.segments()[0].window, WireWindow(window));
    }
}

#[test]
fn a_crossed_syn_is_reported_as_a_duplicate_only_with_an_ack_and_permission() {
    // RFC 2883.
    for (acks, permitted, left) in [
        ("on", TcpOptions::NONE.sack_permitted(), vec!["nop,nop,sack 300:301"]),
        ("on", TcpOptions::NONE, vec![""]),
        ("off", TcpOptions::NONE.sack_permitted(), vec![]),
    ] {
        let mut a = crossed(profile(&[("sack", "on"), ("ack-crossed-syn-ack", acks)]), permitted);
        a.out();
        a.hear("<SEQ=300><ACK=101><CTL=SYN,ACK>");
        let options: Vec<_> = a.segments().iter().map(|segment| segment.options.to_string()).collect();
        assert_eq!((a.state(), options.iter().map(String::as_str).collect::<Vec<_>>()), (State::Established, left));
        a.connection.on_send(a.now, 5, false).expect("room");
        assert_eq!(a.segments()[0].options.to_string(), "", "reported once, if at all");
    }
}

#[test]
fn back_in_listen_a_moment_the_user_named_stays_and_a_limit_of_delivery_ends() {
    let mut b = requested(Profile::rfc9293());
    let at = b.now + Duration::from_secs(9);
    b.connection.set_user_timeout(Some(at));
    b.answer("<SEQ=301><CTL=RST>");
    assert_eq!((b.state(), b.connection.deadline(Timer::User)), (State::Listen, Some(at)));
    let mut b = requested(Profile::rfc9293());
    b.connection.limit_delivery(b.now, Some(Duration::from_secs(9)));
    assert_eq!(b.connection.deadline(Timer::User), Some(at));
    b.answer("<SEQ=301><CTL=RST>");
    assert_eq!((b.state(), b.connection.deadline(Timer::User)), (State::Listen, None));
}

#[test]
fn the_profiles_limit_of_an_active_open_yields_to_the_users_own() {
    // RFC 9293 section 3.10.8: the user timeout is the user's.
    let seconds = Duration::from_secs;
    let limited = || Scripted::new(profile(&[("connect-timeout", "75s")]));
    let mut a = limited();
    a.connection.on_open_active(a.now, a.open()).expect("CLOSED");
    a.out();
    assert_eq!(a.connection.deadline(Timer::User), Some(a.now + seconds(75)), "the user has said nothing");
    let mut a = limited();
    a.connection.set_user_timeout(Some(a.now + seconds(200)));
    a.connection.on_open_active(a.now, a.open()).expect("CLOSED");
    a.out();
    assert_eq!(a.connection.deadline(Timer::User), Some(a.now + seconds(200)), "a moment the user named");
    let mut a = limited();
    a.connection.limit_delivery(a.now, Some(seconds(200)));
    a.connection.on_open_active(a.now, a.open()).expect("CLOSED");
    a.out();
    assert_eq!(a.connection.deadline(Timer::User), Some(a.now + seconds(200)), "a limit of delivery, from the SYN on");
}
