//! How Linux ends a connection, where it does otherwise than the base.

use super::*;

/// Linux, but for this switch.
fn but(knob: &str) -> Profile {
    let mut profile = Profile::linux();
    profile.set(knob, "off").expect("a switch");
    profile
}

/// Both sides have closed, and the FINs have crossed; the peer's took the number 301.
fn closing(profile: Profile) -> Scripted {
    let mut a = Scripted::established(profile);
    a.close();
    assert_eq!(a.answer("<SEQ=301><ACK=101><CTL=FIN,ACK>"), ["<SEQ=102><ACK=302><CTL=ACK>"]);
    assert_eq!(a.state(), State::Closing);
    a.connection.take_signals();
    a
}

/// The peer has closed first.
fn last_ack(profile: Profile) -> Scripted {
    let mut a = Scripted::established(profile);
    a.hear("<SEQ=301><ACK=101><CTL=FIN,ACK>");
    a.close();
    assert_eq!(a.state(), State::LastAck);
    a.connection.take_signals();
    a
}

#[test]
fn a_reset_is_told_after_both_sides_have_closed() {
    for (profile, told) in [(Profile::linux(), Some(Signal::Reset)), (but("reset-told-late"), None), (Profile::rfc9293(), None)] {
        for mut a in [closing(profile.clone()), last_ack(profile)] {
            assert_eq!(a.answer("<SEQ=302><CTL=RST>"), NOTHING);
            assert_eq!((a.state(), a.connection.poll_signal()), (State::Closed, told));
        }
    }
}

#[test]
fn a_second_fin_of_the_peer_is_ignored_and_the_first_is_acknowledged_again() {
    let ack = "<SEQ=102><ACK=302><CTL=ACK>";
    for (profile, second) in [(Profile::linux(), vec![]), (but("ignore-second-fin"), vec![ack]), (Profile::rfc9293(), vec![ack])] {
        for mut a in [closing(profile.clone()), last_ack(profile)] {
            assert_eq!(a.answer("<SEQ=302><ACK=101><CTL=FIN,ACK>"), second);
            for _ in 0..3 {
                assert_eq!(a.answer("<SEQ=301><ACK=101><CTL=FIN,ACK>"), [ack], "who sends it again has not heard the ACK");
            }
        }
    }
}

#[test]
fn a_fin_that_comes_again_may_bring_the_ack_of_ours() {
    // What ends no earlier than the last ACK has said passes the first check, and the fifth is reached.
    let mut a = closing(Profile::linux());
    assert_eq!(a.answer("<SEQ=301><ACK=102><CTL=FIN,ACK>"), NOTHING, "measured: TIME-WAIT answers the next one");
    assert_eq!(a.state(), State::TimeWait);
    let mut a = closing(but("lenient-sequence"));
    assert_eq!(a.answer("<SEQ=301><ACK=102><CTL=FIN,ACK>"), ["<SEQ=102><ACK=302><CTL=ACK>"]);
    assert_eq!(a.state(), State::Closing);
}

#[test]
fn close_with_unread_text_resets_whatever_was_sent() {
    // MAY-1, SHLD-3.
    for (fin, answer, state) in [
        ("<SEQ=301><ACK=101><LEN=10><CTL=PSH,ACK>", "<SEQ=102><ACK=311><CTL=ACK>", State::FinWait1),
        ("<SEQ=301><ACK=102><LEN=10><CTL=PSH,ACK>", "<SEQ=102><ACK=311><CTL=ACK>", State::FinWait2),
        ("<SEQ=301><ACK=101><LEN=10><CTL=FIN,PSH,ACK>", "<SEQ=102><ACK=312><CTL=ACK>", State::Closing),
    ] {
        let mut a = Scripted::established(Profile::linux());
        a.close();
        assert_eq!((a.answer(fin), a.state()), (vec![answer.to_owned()], state));
        a.connection.on_close(a.now, true).expect("open");
        assert_eq!(a.out(), [answer.replace("=ACK>", "=RST,ACK>")]);
        assert_eq!(a.state(), State::Closed);
    }
}

#[test]
fn the_window_that_a_process_has_left_stands_still() {
    for (acks, window) in
        [(&["<SEQ=301><ACK=102><CTL=ACK>", "<SEQ=301><ACK=102><CTL=FIN,ACK>"][..], 64_240), (&["<SEQ=301><ACK=102><CTL=FIN,ACK>"], 64_239)]
    {
        let mut a = Scripted::established(Profile::linux());
        a.connection.on_close(a.now, true).expect("open");
        a.out();
        let left: Vec<_> = acks
            .iter()
            .flat_map(|ack| {
                a.hear(ack);
                a.segments()
            })
            .collect();
        assert_eq!(left.iter().map(|segment| segment.window.0).collect::<Vec<_>>(), [window]);
        assert_eq!(a.state(), State::TimeWait);
        a.hear("<SEQ=301><ACK=102><CTL=FIN,ACK>");
        assert_eq!(a.segments().iter().map(|segment| segment.window.0).collect::<Vec<_>>(), [window]);
    }
}

#[test]
fn a_syn_ack_inside_the_window_of_a_request_resets_it() {
    let mut b = requested(Profile::linux());
    assert_eq!(b.answer("<SEQ=301><ACK=101><CTL=SYN,ACK>"), ["<SEQ=101><CTL=RST>"]);
    assert_eq!((b.state(), b.walked()), (State::Listen, vec!["syn-received/syn-ack-passive-reset"]));
    let mut b = requested(Profile::linux());
    assert_eq!(b.answer("<SEQ=300><ACK=101><CTL=SYN,ACK>"), ["<SEQ=101><ACK=301><CTL=ACK>"], "below it");
    assert_eq!(b.state(), State::SynReceived);
}

#[test]
fn text_beyond_the_window_is_taken_while_nothing_is_unread() {
    let mut a = Scripted::established(Profile::linux());
    let window = a.connection.variables().rcv_wnd.expect("open");
    assert_eq!(window, 64_240);
    let beyond = |seq: u32, len: u32| format!("<SEQ={seq}><ACK=101><LEN={len}><CTL=PSH,ACK>");
    assert_eq!(a.hear(&beyond(301, 65_000)).take, 65_000);
    a.out();
    assert_eq!(a.hear(&beyond(65_301, 64_000)).take, 0, "something is unread");
    assert_eq!(a.out(), ["<SEQ=101><ACK=65301><CTL=ACK>"]);
    assert_eq!(a.connection.on_receive(a.now, 65_000), Ok(65_000));
    a.out();
    assert_eq!(a.hear(&beyond(65_301, 65_000)).take, 65_000);
    let mut a = Scripted::established(but("lenient-sequence"));
    assert_eq!(a.hear(&beyond(301, 65_000)).take, 64_240);
}

#[test]
fn what_begins_behind_the_window_is_refused() {
    for (seq, len, walked) in
        [(64_541, 10, vec!["established/ack-duplicate", "established/text-out-of-order"]), (64_542, 10, vec!["established/unacceptable"])]
    {
        let mut a = Scripted::established(Profile::linux());
        assert_eq!(a.answer(&format!("<SEQ={seq}><ACK=101><LEN={len}><CTL=PSH,ACK>")), ["<SEQ=101><ACK=301><CTL=ACK>"]);
        a.hear(&format!("<SEQ={seq}><ACK=101><LEN={len}><CTL=PSH,ACK>"));
        assert_eq!(a.walked(), walked);
    }
}

#[test]
fn the_window_follows_what_is_read_until_nobody_holds_the_connection() {
    // tcp_time_wait keeps what the peer was told, less what has arrived since: room that reading made is nobody's.
    let mut a = Scripted::established(Profile::linux());
    a.close();
    a.hear("<SEQ=301><ACK=102><CTL=ACK>");
    a.connection.set_quick_ack(false);
    assert_eq!(a.answer("<SEQ=301><ACK=102><LEN=1000><CTL=PSH,ACK>"), NOTHING);
    assert_eq!(a.connection.on_receive(a.now, 1000), Ok(1000));
    assert_eq!((a.out(), a.connection.variables().rcv_wnd), (vec![], Some(63_240)));
    let window = |mut a: Scripted| {
        a.hear("<SEQ=1301><ACK=102><CTL=FIN,ACK>");
        a.segments().last().map(|segment| segment.window.0)
    };
    assert_eq!(window(a.clone()), Some(65_535), "who has shut its sending side alone holds it still");
    // Of our FIN nothing is left to do, which the call says.
    assert!(a.connection.on_close(a.now, true).is_err());
    assert_eq!(window(a), Some(63_240));
}

#[test]
fn a_fin_tells_of_the_room_that_reading_made() {
    // Before our FIN is acknowledged the connection has its buffer, whoever has left it.
    let mut a = Scripted::established(Profile::linux());
    a.connection.set_quick_ack(false);
    assert_eq!(a.answer("<SEQ=301><ACK=101><LEN=1000><CTL=PSH,ACK>"), NOTHING);
    assert_eq!(a.connection.on_receive(a.now, 1000), Ok(1000));
    assert_eq!((a.out(), a.connection.variables().rcv_wnd), (vec![], Some(63_240)));
    a.connection.on_close(a.now, true).expect("open");
    assert_eq!(a.segments().iter().map(|segment| segment.window.0).collect::<Vec<_>>(), [65_535]);
}

#[test]
fn a_syn_ack_that_time_wait_does_not_expect_is_no_syn() {
    // FreeBSD: every segment with an ACK is answered, unless it is the one expected.
    for (profile, walked) in [
        (Profile::rfc9293(), "time-wait/syn-outside"),
        (Profile::linux(), "time-wait/syn-outside"),
        (Profile::freebsd(), "time-wait/syn-ack"),
    ] {
        let mut a = Scripted::established(profile);
        a.close();
        a.answer("<SEQ=301><ACK=102><CTL=FIN,ACK>");
        a.hear("<SEQ=5><ACK=102><CTL=SYN,ACK>");
        assert_eq!(a.walked(), [walked]);
    }
}

#[test]
fn text_that_goes_on_behind_a_fin_resets_and_what_begins_there_is_ignored() {
    for (profile, answer, state) in
        [(Profile::linux(), vec!["<SEQ=101><CTL=RST>"], State::Closed), (but("reset-behind-fin"), vec![], State::CloseWait)]
    {
        let mut a = Scripted::established(profile);
        a.answer("<SEQ=301><ACK=101><CTL=FIN,ACK>");
        assert_eq!(a.answer("<SEQ=302><ACK=101><LEN=10><CTL=PSH,ACK>"), NOTHING, "all of it lies behind");
        assert_eq!(a.answer("<SEQ=301><ACK=101><LEN=0><CTL=ACK>"), NOTHING);
        assert_eq!(a.state(), State::CloseWait);
        assert_eq!(a.answer("<SEQ=301><ACK=101><LEN=2><CTL=PSH,ACK>"), answer);
        assert_eq!(a.state(), state);
    }
}

#[test]
fn text_that_ends_with_the_fin_is_a_repetition() {
    let mut a = Scripted::established(Profile::linux());
    a.answer("<SEQ=301><ACK=101><LEN=5><CTL=FIN,PSH,ACK>");
    assert_eq!(a.answer("<SEQ=301><ACK=101><LEN=6><CTL=PSH,ACK>"), ["<SEQ=101><ACK=307><CTL=ACK>"]);
    assert_eq!(a.state(), State::CloseWait);
}
