//! What Linux makes of segments that come again, or that it cannot take.

use super::*;

/// In ESTABLISHED, with SACK.
fn with_sack() -> Scripted {
    Scripted::new(Profile::linux()).establish("<SEQ=300><ACK=101><CTL=SYN,ACK>", TcpOptions::NONE.mss(1460).sack_permitted().padded())
}

/// The options of the only segment that answers.
fn told(a: &mut Scripted, text: &str) -> String {
    a.hear(text);
    let left = a.segments();
    assert_eq!(left.len(), 1, "{left:?}");
    left[0].options.to_string()
}

#[test]
fn a_peer_that_sends_again_is_owed_no_late_ack() {
    // Measured: an ACK of a lone FIN leaves within a tick, and takes 40 ms once something came that was not to be taken.
    // tcp_send_dupack and tcp_data_queue hurry for text from before RCV.NXT, and for what begins right behind the window.
    for (before, least) in [
        (None, 0),
        (Some("<SEQ=300><ACK=101><LEN=1><CTL=ACK>"), 40),
        (Some("<SEQ=290><ACK=101><LEN=5><CTL=ACK>"), 40),
        (Some("<SEQ=290><ACK=101><CTL=ACK>"), 0),
        (Some("<SEQ=64541><ACK=101><LEN=1><CTL=ACK>"), 40),
        (Some("<SEQ=64541><ACK=101><CTL=FIN,ACK>"), 40),
        (Some("<SEQ=64542><ACK=101><LEN=1><CTL=ACK>"), 0),
        (Some("<SEQ=64542><ACK=101><CTL=ACK>"), 0),
    ] {
        let mut a = Scripted::established(Profile::linux());
        if let Some(before) = before {
            assert_eq!(a.answer(before).len(), 1);
        }
        assert_eq!(a.answer("<SEQ=301><ACK=101><CTL=FIN,ACK>"), NOTHING);
        let (waited, left) = a.wait();
        assert_eq!(left, ["<SEQ=101><ACK=302><CTL=ACK>"]);
        assert!((least..least + 5).contains(&waited), "{waited} ms after {before:?}");
    }
}

#[test]
fn an_ack_alone_is_not_answered_while_something_is_held() {
    // RFC 9293 section 3.10.7.4: it occupies no numbers, so that nothing of it came again.
    let mut a = Scripted::established(Profile::linux());
    assert_eq!(a.answer("<SEQ=311><ACK=101><LEN=10><CTL=PSH,ACK>").len(), 1);
    assert_eq!(a.answer("<SEQ=301><ACK=101><CTL=ACK>"), NOTHING);
}

#[test]
fn only_the_fin_that_was_taken_is_the_fin_again() {
    for (again, walked) in [
        ("<SEQ=311><ACK=101><CTL=FIN,ACK>", "close-wait/fin-again"),
        ("<SEQ=301><ACK=101><LEN=10><CTL=FIN,ACK>", "close-wait/fin-again"),
        ("<SEQ=310><ACK=101><LEN=1><CTL=PSH,ACK>", "close-wait/unacceptable"),
    ] {
        let mut a = Scripted::established(Profile::linux());
        a.hear("<SEQ=301><ACK=101><LEN=10><CTL=FIN,PSH,ACK>");
        a.wait();
        a.hear(again);
        assert_eq!(a.walked().last(), Some(&walked), "{again}");
    }
    // No FIN was taken before the text that precedes it.
    let mut a = Scripted::established(Profile::linux());
    a.answer("<SEQ=301><ACK=101><LEN=10><CTL=PSH,ACK>");
    a.hear("<SEQ=301><ACK=101><LEN=9><CTL=FIN,PSH,ACK>");
    assert_eq!(a.walked().last(), Some(&"established/unacceptable"));
}

#[test]
fn a_closed_window_takes_nothing_until_the_peer_hears_that_it_is_open() {
    // tcp_data_queue: a window of 0 is out of room, read or not.
    let mut a = Scripted::established(Profile::linux());
    assert_eq!(a.hear("<SEQ=301><ACK=101><LEN=65000><CTL=PSH,ACK>").take, 65_000);
    assert_eq!(a.connection.on_receive(a.now, 65_000), Ok(65_000));
    assert_eq!(a.connection.variables().rcv_wnd, Some(0), "no segment has left since");
    assert_eq!(a.hear("<SEQ=65301><ACK=101><LEN=10><CTL=PSH,ACK>").take, 0);
    a.out();
    assert_eq!(a.hear("<SEQ=65301><ACK=101><LEN=10><CTL=PSH,ACK>").take, 10);
}

#[test]
fn an_exact_reset_is_exact_at_a_closed_window_too() {
    // The number behind a window that is closed is RCV.NXT.
    let mut a = Scripted::established(Profile::linux());
    a.hear("<SEQ=301><ACK=101><LEN=65000><CTL=PSH,ACK>");
    a.out();
    assert_eq!(a.connection.variables().rcv_wnd, Some(0));
    assert_eq!(a.answer("<SEQ=65301><CTL=RST>"), NOTHING);
    assert_eq!(a.state(), State::Closed);
}

#[test]
fn behind_a_fin_a_reset_is_exact_at_two_numbers_alone() {
    let challenge = "<SEQ=101><ACK=302><CTL=ACK>";
    for (seq, answer, state) in [
        (300, vec![], State::CloseWait),
        (301, vec![], State::Closed),
        (302, vec![], State::Closed),
        (303, vec![challenge], State::CloseWait),
        (64_000, vec![challenge], State::CloseWait),
    ] {
        let mut a = Scripted::established(Profile::linux());
        a.hear("<SEQ=301><ACK=101><CTL=FIN,ACK>");
        a.wait();
        assert_eq!(
            (a.answer(&format!("<SEQ={seq}><CTL=RST>")), a.state()),
            (answer.iter().map(ToString::to_string).collect(), state),
            "{seq}"
        );
    }
}

#[test]
fn who_has_only_shut_its_sending_side_receives_as_ever() {
    // In FIN-WAIT-2: text beyond the window while nothing is unread, and D-SACK for what comes again.
    let mut a = with_sack();
    a.close();
    a.hear("<SEQ=301><ACK=102><CTL=ACK>");
    assert_eq!(a.state(), State::FinWait2);
    assert_eq!(a.hear("<SEQ=301><ACK=102><LEN=10><CTL=PSH,ACK>").take, 10);
    assert_eq!(told(&mut a, "<SEQ=301><ACK=102><LEN=10><CTL=PSH,ACK>"), "nop,nop,sack 301:311");
    assert_eq!(a.connection.on_receive(a.now, 10), Ok(10));
    a.out();
    assert_eq!(a.hear("<SEQ=311><ACK=102><LEN=65000><CTL=PSH,ACK>").take, 65_000);
}

#[test]
fn what_was_held_and_comes_again_with_what_precedes_it_is_told_of() {
    // tcp_ofo_queue: a range that the new text covers, in whole or in part.
    for (held, repeated) in [("<SEQ=311><ACK=101><LEN=10><CTL=ACK>", "311:321"), ("<SEQ=315><ACK=101><LEN=10><CTL=ACK>", "315:321")] {
        let mut a = with_sack();
        a.answer(held);
        assert_eq!(told(&mut a, "<SEQ=301><ACK=101><LEN=20><CTL=PSH,ACK>"), format!("nop,nop,sack {repeated}"));
    }
}
