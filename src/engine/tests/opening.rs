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
