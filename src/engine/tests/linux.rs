//! Where Linux differs from the base, one test for each difference that no other file is about.

use super::*;

#[test]
fn a_syn_that_comes_again_draws_the_syn_ack_again() {
    for (profile, answer) in [
        (Profile::rfc9293(), "<SEQ=101><ACK=301><CTL=ACK>"),
        (Profile::linux(), "<SEQ=100><ACK=301><CTL=SYN,ACK>"),
        (Profile::freebsd(), "<SEQ=100><ACK=301><CTL=SYN,ACK>"),
    ] {
        let mut b = requested(profile);
        b.pass(Duration::from_millis(400));
        assert_eq!(b.answer("<SEQ=300><CTL=SYN>"), [answer]);
        assert_eq!(b.state(), State::SynReceived);
    }
}

#[test]
fn the_timer_of_a_syn_ack_sent_again_starts_again() {
    let mut b = requested(Profile::linux());
    b.pass(Duration::from_millis(400));
    b.answer("<SEQ=300><CTL=SYN>");
    assert_eq!(b.wait(), (1000, vec!["<SEQ=100><ACK=301><CTL=SYN,ACK>".to_owned()]));
}

#[test]
fn a_syn_ack_sent_again_gives_no_sample() {
    // MUST-18: the ACK may be for either of them.
    let mut b = requested(Profile::linux());
    b.pass(Duration::from_millis(400));
    b.answer("<SEQ=300><CTL=SYN>");
    b.pass(Duration::from_millis(10));
    b.hear("<SEQ=301><ACK=101><CTL=ACK>");
    assert_eq!((b.state(), b.connection.variables().srtt), (State::Established, None));
}

#[test]
fn a_syn_in_the_window_of_a_request_resets_it() {
    for (profile, answer) in [(Profile::rfc9293(), &[][..]), (Profile::linux(), &["<SEQ=0><ACK=302><CTL=RST,ACK>"])] {
        let mut b = requested(profile);
        assert_eq!(b.answer("<SEQ=301><CTL=SYN>"), answer);
        assert_eq!(b.state(), State::Listen);
    }
}

#[test]
fn a_crossed_syn_is_answered_by_all_options() {
    let offered = TcpOptions::NONE.mss(1460).sack_permitted().nop().nop();
    for (profile, options, field) in
        [(Profile::linux(), "mss 1460,sackOK,TS val 0 ecr 0,nop,wscale 10", 63), (Profile::freebsd(), "mss 1460,sackOK,eol", 65_535)]
    {
        let mut a = crossed(profile, offered);
        let syn_ack = a.segments().remove(0);
        assert_eq!((syn_ack.to_string().as_str(), syn_ack.options.to_string().as_str()), ("<SEQ=100><ACK=301><CTL=SYN,ACK>", options));
        // Linux scales windows from now on, though the peer has not asked for it.
        a.hear("<SEQ=301><ACK=101><CTL=ACK>");
        a.connection.on_send(a.now, 1, false).expect("open");
        assert_eq!(a.segments()[0].window, WireWindow(field));
    }
}

/// In TIME-WAIT with SND.NXT = 102 and RCV.NXT = 302.
fn time_wait(profile: Profile) -> Scripted {
    let mut a = Scripted::established(profile);
    a.close();
    a.answer("<SEQ=301><ACK=102><CTL=FIN,ACK>");
    assert_eq!(a.state(), State::TimeWait);
    a
}

#[test]
fn an_ack_alone_in_time_wait_is_not_answered() {
    // At RCV.NXT: what it acknowledges does not matter to Linux.
    for (profile, acks) in [(Profile::rfc9293(), [0, 0, 1]), (Profile::linux(), [0, 0, 0]), (Profile::freebsd(), [1, 0, 1])] {
        for (ack, answered) in [101, 102, 103].into_iter().zip(acks) {
            let mut a = time_wait(profile.clone());
            let answer = a.answer(&format!("<SEQ=302><ACK={ack}><CTL=ACK>"));
            assert_eq!(answer, vec!["<SEQ=102><ACK=302><CTL=ACK>"; answered], "{} {ack}", profile.name);
        }
    }
}

#[test]
fn what_lies_elsewhere_in_time_wait_is_answered() {
    for (segment, answered) in [
        ("<SEQ=310><ACK=102><CTL=ACK>", [0, 1, 1]),
        ("<SEQ=302><ACK=102><LEN=5><CTL=PSH,ACK>", [0, 1, 1]),
        ("<SEQ=302><ACK=102><CTL=FIN,ACK>", [1, 1, 1]),
        ("<SEQ=300><ACK=101><CTL=ACK>", [1, 1, 1]),
        ("<SEQ=302><CTL=PSH>", [0, 0, 0]),
    ] {
        for (profile, answered) in [Profile::rfc9293(), Profile::linux(), Profile::freebsd()].into_iter().zip(answered) {
            let mut a = time_wait(profile.clone());
            assert_eq!(a.answer(segment).len(), answered, "{} {segment}", profile.name);
            assert_eq!(a.state(), State::TimeWait);
        }
    }
}

#[test]
fn a_segment_without_ack_is_dropped_whatever_its_number() {
    for (profile, answer) in [(Profile::rfc9293(), &["<SEQ=101><ACK=301><CTL=ACK>"][..]), (Profile::linux(), &[])] {
        for segment in ["<SEQ=290><CTL=PSH>", "<SEQ=290><LEN=5><CTL=PSH>", "<SEQ=290><CTL=FIN>"] {
            let mut a = Scripted::established(profile.clone());
            assert_eq!(a.answer(segment), answer, "{segment}");
        }
    }
}

#[test]
fn the_least_rto_is_added_to_the_round_trip() {
    // SRTT is the first round trip, RTTVAR half of it (RFC 6298 section 2.2).
    for (profile, round_trip, rto) in [
        (profile(&[("rto-min", "200ms")]), 100, 300),
        (Profile::linux(), 100, 300),
        (profile(&[("rto-min", "200ms")]), 20, 200),
        (Profile::linux(), 20, 220),
    ] {
        let mut a = Scripted::new(profile);
        a.pass(Duration::from_millis(1));
        a.connection.on_open_active(a.now, a.open()).expect("CLOSED");
        a.out();
        a.pass(Duration::from_millis(round_trip));
        a.answer("<SEQ=300><ACK=101><CTL=SYN,ACK>");
        assert_eq!(a.connection.variables().rto.as_millis(), rto);
    }
}

#[test]
fn only_the_ack_timer_ends_the_wait_for_an_answer() {
    // Request and answer: the ACK of the next request waits for its answer, whatever other timers did meanwhile.
    let mut b = requested(Profile::linux());
    b.hear("<SEQ=301><ACK=101><CTL=ACK>");
    assert_eq!(b.answer("<SEQ=301><ACK=101><LEN=100><CTL=PSH,ACK>"), ["<SEQ=101><ACK=401><CTL=ACK>"]);
    assert_eq!(b.send(50), ["<SEQ=101><ACK=401><LEN=50><CTL=PSH,ACK>"]);
    let (_, left) = b.wait();
    assert_eq!((left, b.walked()), (vec!["<SEQ=101><ACK=401><LEN=50><CTL=PSH,ACK>".to_owned()], vec!["established/retransmit"]));
    assert_eq!(b.answer("<SEQ=401><ACK=151><LEN=100><CTL=PSH,ACK>"), NOTHING);
    assert_eq!((b.wait().1, b.walked()), (vec!["<SEQ=151><ACK=501><CTL=ACK>".to_owned()], vec!["established/delayed-ack"]));
    // The answer took too long; the ACK after it does not wait.
    assert_eq!(b.answer("<SEQ=501><ACK=151><LEN=100><CTL=PSH,ACK>"), ["<SEQ=151><ACK=601><CTL=ACK>"]);
}

#[test]
fn a_reset_that_answers_bears_neither_timestamps_nor_a_window() {
    // tcp_v4_send_reset; the RST of an ABORT is a segment of the connection and has both.
    let stamped = TcpOptions::NONE.mss(1460).timestamps(Timestamps { val: 1000, ecr: 0 });
    let mut b = Scripted::new(Profile::linux());
    b.connection.on_open_passive(b.now, b.open()).expect("CLOSED");
    b.hear_with("<SEQ=300><CTL=SYN>", stamped);
    b.out();
    b.hear_with("<SEQ=301><ACK=9000><CTL=ACK>", stamped);
    let reset = b.segments()[0];
    assert_eq!((reset.to_string().as_str(), reset.window, reset.options), ("<SEQ=9000><CTL=RST>", WireWindow(0), TcpOptions::NONE));
    b.hear_with("<SEQ=301><ACK=101><CTL=ACK>", stamped);
    b.connection.on_abort(b.now).expect("open");
    let reset = b.segments()[0];
    assert_eq!(
        (reset.to_string().as_str(), reset.options.to_string().as_str()),
        ("<SEQ=101><ACK=301><CTL=RST,ACK>", "nop,nop,TS val 0 ecr 1000")
    );
    assert_ne!(reset.window, WireWindow(0));
}

#[test]
fn a_fin_alone_is_no_answer() {
    // What comes behind it is acknowledged at once; text would have been an answer, and the next ACK wait for another.
    for (text, acks) in [(0, 1), (10, 0)] {
        let mut b = requested(Profile::linux());
        b.hear("<SEQ=301><ACK=101><CTL=ACK>");
        b.answer("<SEQ=301><ACK=101><LEN=100><CTL=PSH,ACK>");
        if text > 0 {
            b.send(text);
        }
        b.close();
        assert_eq!(b.answer(&format!("<SEQ=401><ACK={}><LEN=100><CTL=PSH,ACK>", 102 + text)).len(), acks, "{text}");
    }
}
