//! FIN and what follows it: RFC 9293 sections 3.6 and 3.10.4.

use super::*;

#[test]
fn fin_stands_behind_the_text() {
    let mut a = Scripted::established(Profile::rfc9293());
    a.hear("<SEQ=301><ACK=101><WND=1000><CTL=ACK>");
    a.connection.on_send(a.now, 1000, false).expect("room");
    assert_eq!(a.close(), ["<SEQ=101><ACK=301><LEN=1000><CTL=PSH,ACK>"], "the FIN is beyond the window");
    assert_eq!(a.state(), State::FinWait1);
    assert_eq!(a.answer("<SEQ=301><ACK=1101><WND=1><CTL=ACK>"), ["<SEQ=1101><ACK=301><CTL=FIN,ACK>"]);
}

#[test]
fn text_held_back_leaves_with_the_close_even_if_the_fin_must_wait() {
    let mut linux = Profile::linux();
    linux.set("timestamps", "off").expect("a knob");
    let mut a = Scripted::new(linux).establish("<SEQ=300><ACK=101><CTL=SYN,ACK>", TcpOptions::NONE.mss(1460));
    a.hear("<SEQ=301><ACK=101><WND=100><CTL=ACK>");
    assert_eq!(a.connection.on_send(a.now, 100, true), Ok(100));
    assert_eq!(a.out(), NOTHING);
    assert_eq!(a.close(), ["<SEQ=101><ACK=301><LEN=100><CTL=ACK>"]);
    assert_eq!(a.answer("<SEQ=301><ACK=201><WND=100><CTL=ACK>"), ["<SEQ=201><ACK=301><CTL=FIN,ACK>"]);
}

#[test]
fn after_our_fin_text_is_still_received() {
    // RFC 9293 3.6.1: half-close.
    let mut a = Scripted::established(Profile::rfc9293());
    a.close();
    assert_eq!(a.answer("<SEQ=301><ACK=101><LEN=10><CTL=ACK>"), ["<SEQ=102><ACK=311><CTL=ACK>"]);
    assert_eq!(a.answer("<SEQ=311><ACK=102><LEN=10><CTL=ACK>"), ["<SEQ=102><ACK=321><CTL=ACK>"]);
    assert_eq!(a.state(), State::FinWait2);
    assert_eq!(a.connection.on_receive(a.now, 100), Ok(20));
    a.answer("<SEQ=321><ACK=102><LEN=5><CTL=FIN,ACK>");
    assert_eq!((a.state(), a.connection.on_receive(a.now, 100)), (State::TimeWait, Ok(5)));
}

#[test]
fn a_repeated_fin_is_acknowledged_and_restarts_2_msl() {
    // RFC 9293 3.10.7.4 eighth.
    let mut a = Scripted::established(Profile::rfc9293());
    a.close();
    assert_eq!(a.answer("<SEQ=301><ACK=102><LEN=4><CTL=FIN,ACK>"), ["<SEQ=102><ACK=306><CTL=ACK>"]);
    a.pass(Duration::from_secs(100));
    // With the text before it or alone.
    for again in ["<SEQ=301><ACK=102><LEN=4><CTL=FIN,ACK>", "<SEQ=305><ACK=102><CTL=FIN,ACK>"] {
        assert_eq!(a.answer(again), ["<SEQ=102><ACK=306><CTL=ACK>"]);
        assert_eq!(a.walked(), ["time-wait/fin-again"]);
        a.pass(Duration::from_secs(100));
    }
    // Nothing else restarts it: a bare ACK is not even answered.
    assert_eq!(a.answer("<SEQ=306><ACK=102><CTL=ACK>"), NOTHING);
    assert_eq!(a.wait(), (140_000, Vec::new()));
    assert_eq!(a.state(), State::Closed);
}

#[test]
fn a_second_fin_is_acknowledged_and_does_not_count() {
    for closes in [false, true] {
        let mut a = Scripted::established(Profile::rfc9293());
        a.answer("<SEQ=301><ACK=101><CTL=FIN,ACK>");
        if closes {
            a.close();
        }
        let state = a.state();
        let sent = a.connection.variables().snd_nxt.expect("numbered");
        assert_eq!(a.answer("<SEQ=302><ACK=101><CTL=FIN,ACK>"), [format!("<SEQ={sent}><ACK=302><CTL=ACK>")]);
        assert_eq!(a.state(), state);
    }
}

#[test]
fn text_after_the_peers_fin_is_ignored_but_its_ack_counts() {
    // RFC 9293 3.10.7.4 seventh.
    let mut a = Scripted::established(Profile::rfc9293());
    a.answer("<SEQ=301><ACK=101><CTL=FIN,ACK>");
    a.send(10);
    assert_eq!(a.hear("<SEQ=302><ACK=111><LEN=10><CTL=ACK>"), Arrival { acked: 10, ..Arrival::default() });
    assert_eq!(a.out(), NOTHING);
}

#[test]
fn simultaneous_close_passes_through_closing() {
    // Figure 13.
    let mut a = Scripted::established(Profile::rfc9293());
    a.close();
    assert_eq!(a.answer("<SEQ=301><ACK=101><CTL=FIN,ACK>"), ["<SEQ=102><ACK=302><CTL=ACK>"]);
    assert_eq!(a.state(), State::Closing);
    assert_eq!(a.answer("<SEQ=302><ACK=102><CTL=ACK>"), NOTHING);
    assert_eq!(a.state(), State::TimeWait);
}

#[test]
fn a_fin_that_comes_before_ours_could_leave_still_leads_to_closing() {
    let mut a = Scripted::established(Profile::rfc9293());
    a.hear("<SEQ=301><ACK=101><WND=0><CTL=ACK>");
    a.send(5);
    a.close();
    a.answer("<SEQ=301><ACK=101><WND=0><CTL=FIN,ACK>");
    assert_eq!(a.state(), State::Closing);
    assert_eq!(a.answer("<SEQ=302><ACK=101><CTL=ACK>"), ["<SEQ=101><ACK=302><LEN=5><CTL=PSH,FIN,ACK>"]);
    a.hear("<SEQ=302><ACK=107><CTL=ACK>");
    assert_eq!(a.state(), State::TimeWait);
}

#[test]
fn an_orphan_waits_for_the_peers_fin_as_long_as_the_knob_says() {
    let mut a = Scripted::established(profile(&[("fin-wait-2-timeout", "60s")]));
    a.pass(Duration::from_secs(100));
    a.connection.on_close(a.now, true).expect("open");
    a.out();
    a.hear("<SEQ=301><ACK=102><CTL=ACK>");
    assert_eq!((a.state(), a.connection.deadline(Timer::FinWait2)), (State::FinWait2, Some(a.now + Duration::from_mins(1))));
    assert_eq!(a.wait(), (60_000, vec![]));
    assert_eq!(a.state(), State::Closed);
}

#[test]
fn only_text_that_nobody_will_read_turns_a_close_into_a_reset() {
    // RFC 1122 4.2.2.13: "If such a host issues a CLOSE call while received data is still pending".
    for (knob, both, read, left) in [
        ("on", true, 10, "<SEQ=101><ACK=311><CTL=FIN,ACK>"),
        ("on", true, 9, "RST"),
        ("on", false, 9, "<SEQ=101><ACK=311><CTL=FIN,ACK>"),
        ("off", true, 9, "<SEQ=101><ACK=311><CTL=FIN,ACK>"),
    ] {
        let mut a = Scripted::established(profile(&[("half-duplex-close", knob)]));
        a.answer("<SEQ=301><ACK=101><LEN=10><CTL=ACK>");
        assert_eq!(a.connection.on_receive(a.now, read), Ok(read));
        a.connection.on_close(a.now, both).expect("open");
        let out = a.out();
        assert!(out.len() == 1 && out[0].contains(left), "{out:?}: knob {knob}, both {both}, {read} read");
        if left != "RST" {
            // What arrives now has a reader unless both directions are closed and the knob is on.
            let answer = a.answer("<SEQ=311><ACK=102><LEN=10><CTL=ACK>");
            assert_eq!(answer[0].contains("RST"), knob == "on" && both, "{answer:?}");
        }
    }
}

#[test]
fn what_was_to_leave_is_forgotten_with_the_connection() {
    // Two connections that have ended are the same one, whether the last retransmission still left or not.
    let ended = |drained: bool| {
        let mut a = Scripted::established(Profile::rfc9293());
        a.send(10);
        a.now = a.connection.poll_deadline().expect("the retransmission timer");
        a.connection.on_time(a.now);
        if drained {
            assert_eq!(a.out(), ["<SEQ=101><ACK=301><LEN=10><CTL=PSH,ACK>"]);
        }
        a.connection.on_abort(a.now).expect("open");
        assert_eq!(a.out(), ["<SEQ=111><CTL=RST>"]);
        a.connection
    };
    assert_eq!(ended(true), ended(false));
}

#[test]
fn only_the_fin_itself_restarts_time_wait() {
    // RFC 9293 section 3.10.7.4, eighth: a retransmission of the remote FIN, not whatever lies before RCV.NXT.
    for (segment, restarts) in [
        ("<SEQ=301><ACK=102><CTL=FIN,ACK>", true),
        ("<SEQ=291><ACK=102><LEN=10><CTL=FIN,ACK>", true),
        ("<SEQ=290><ACK=102><CTL=FIN,ACK>", false),
        ("<SEQ=292><ACK=102><LEN=10><CTL=ACK>", false),
    ] {
        let mut a = Scripted::established(Profile::rfc9293());
        a.close();
        a.answer("<SEQ=301><ACK=102><CTL=FIN,ACK>");
        let ends = a.connection.deadline(Timer::TimeWait).expect("TIME-WAIT");
        a.pass(Duration::from_secs(1));
        assert_eq!(a.answer(segment), ["<SEQ=102><ACK=302><CTL=ACK>"], "{segment}");
        assert_eq!(a.connection.deadline(Timer::TimeWait) != Some(ends), restarts, "{segment}");
    }
}

#[test]
fn text_that_nobody_will_read_is_refused_once_our_fin_has_left() {
    let mut a = Scripted::established(Profile::linux());
    a.connection.refuse_text();
    assert_eq!(a.hear("<SEQ=301><ACK=101><LEN=5><CTL=ACK>").take, 5, "before, it is taken");
    a.out();
    assert_eq!(a.connection.on_receive(a.now, 5), Ok(5));
    a.close();
    assert_eq!(a.answer("<SEQ=306><ACK=102><CTL=ACK>"), NOTHING);
    assert_eq!(a.answer("<SEQ=306><ACK=102><LEN=5><CTL=ACK>"), ["<SEQ=102><CTL=RST>"]);
    assert_eq!(a.state(), State::Closed);
    let mut a = Scripted::established(Profile::linux());
    a.close();
    a.hear("<SEQ=301><ACK=102><LEN=5><CTL=ACK>");
    assert_eq!(a.state(), State::FinWait2, "somebody may read");
}
