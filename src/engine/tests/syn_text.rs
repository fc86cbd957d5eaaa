//! Text and FIN beside a SYN: queued until ESTABLISHED (RFC 9293 sections 3.10.7.2 and 3.10.7.3).

use super::*;

fn listening(knobs: &[(&str, &str)]) -> Scripted {
    let mut b = Scripted::new(profile(knobs));
    b.connection.on_open_passive(b.now, b.open()).expect("CLOSED");
    b
}

fn connecting_with(octets: u32) -> (Scripted, Vec<String>) {
    let mut a = Scripted::new(Profile::rfc9293());
    assert_eq!(a.connection.on_open_active_with(a.now, a.open(), octets), Ok(octets));
    let left = a.out();
    (a, left)
}

#[test]
fn text_of_a_syn_waits_for_established() {
    let mut b = listening(&[]);
    assert_eq!(b.hear("<SEQ=300><LEN=50><CTL=SYN>"), Arrival { hold: Hold { len: 50, at: 0 }, ..Arrival::default() });
    assert_eq!(b.out(), ["<SEQ=100><ACK=301><CTL=SYN,ACK>"], "the SYN alone is acknowledged");
    assert_eq!(b.connection.receive_buffered(), 0);
    assert_eq!(b.hear("<SEQ=351><ACK=101><CTL=ACK>").release, 50);
    assert_eq!(b.walked(), ["syn-received/ack", "established/text"]);
    assert_eq!((b.connection.receive_buffered(), b.out()), (50, vec!["<SEQ=101><ACK=351><CTL=ACK>".to_owned()]));
}

#[test]
fn text_of_a_syn_and_text_behind_it_are_in_order() {
    // The ACK was lost; what completes the handshake brings text that lies behind what is held.
    let mut b = listening(&[]);
    b.answer("<SEQ=300><LEN=50><CTL=SYN>");
    let arrival = b.hear("<SEQ=351><ACK=101><LEN=20><CTL=PSH,ACK>");
    assert_eq!(arrival, Arrival { hold: Hold { len: 20, at: 50 }, release: 70, ..Arrival::default() });
    // Or the text of the SYN once more, with more behind it.
    let mut b = listening(&[]);
    b.answer("<SEQ=300><LEN=50><CTL=SYN>");
    assert_eq!(b.hear("<SEQ=301><ACK=101><LEN=60><CTL=ACK>"), Arrival { take: 60, ..Arrival::default() });
}

#[test]
fn a_fin_behind_a_syn_waits_for_established() {
    let mut b = listening(&[("delayed-ack", "200ms"), ("delay-fin-ack", "on")]);
    assert_eq!(b.answer("<SEQ=300><CTL=SYN,FIN>"), ["<SEQ=100><ACK=301><CTL=SYN,ACK>"]);
    assert_eq!(b.answer("<SEQ=302><ACK=101><CTL=ACK>"), ["<SEQ=101><ACK=302><CTL=ACK>"]);
    assert_eq!((b.state(), b.walked()), (State::CloseWait, vec!["syn-received/ack", "established/fin"]));
}

#[test]
fn text_and_fin_of_a_crossing_syn_wait_too() {
    // RFC 9293 section 3.10.7.3, fourth.
    let mut a = Scripted::new(Profile::rfc9293());
    a.connection.on_open_active(a.now, a.open()).expect("CLOSED");
    a.out();
    assert_eq!(a.hear("<SEQ=300><LEN=5><CTL=SYN,FIN>").hold, Hold { len: 5, at: 0 });
    a.out();
    let arrival = a.hear("<SEQ=307><ACK=101><CTL=ACK>");
    assert_eq!((arrival.release, a.state()), (5, State::CloseWait));
    assert_eq!(a.walked(), ["syn-received/ack", "established/text", "established/fin"]);
}

#[test]
fn a_profile_may_ignore_the_text_and_drop_the_fin() {
    let mut b = listening(&[("hold-syn-text", "off")]);
    assert_eq!(b.hear("<SEQ=300><LEN=50><CTL=SYN>"), Arrival::default());
    b.out();
    assert_eq!(b.answer("<SEQ=351><ACK=101><CTL=ACK>"), NOTHING);
    assert_eq!(b.connection.receive_buffered(), 0);

    let mut b = listening(&[("drop-syn-fin", "on")]);
    assert_eq!(b.answer("<SEQ=300><CTL=SYN,FIN>"), NOTHING);
    assert_eq!((b.state(), b.walked()), (State::Listen, vec!["listen/syn-fin"]));
    assert_eq!(b.answer("<SEQ=300><CTL=SYN>"), ["<SEQ=100><ACK=301><CTL=SYN,ACK>"]);
}

#[test]
fn a_reset_forgets_text_that_waits() {
    let mut b = listening(&[]);
    b.answer("<SEQ=300><LEN=50><CTL=SYN>");
    b.answer("<SEQ=301><CTL=RST>");
    assert_eq!(b.state(), State::Listen);
    assert!(b.connection.held.is_none());
}

#[test]
fn a_syn_sent_again_with_its_text_is_answered() {
    // Its text reaches into the window, its SYN does not: without a SYN nothing resets the handshake.
    let mut b = listening(&[]);
    b.answer("<SEQ=300><LEN=50><CTL=SYN>");
    assert_eq!(b.answer("<SEQ=300><LEN=50><CTL=SYN>"), ["<SEQ=101><ACK=301><CTL=ACK>"]);
    assert_eq!((b.state(), b.walked()), (State::SynReceived, vec!["syn-received/syn-again"]));
}

#[test]
fn a_syn_ack_may_bring_text_and_fin() {
    let mut a = Scripted::new(Profile::rfc9293());
    a.connection.on_open_active(a.now, a.open()).expect("CLOSED");
    a.out();
    assert_eq!(a.hear("<SEQ=300><ACK=101><LEN=20><CTL=SYN,PSH,FIN,ACK>"), Arrival { take: 20, ..Arrival::default() });
    assert_eq!(a.walked(), ["syn-sent/syn-ack", "established/text", "established/fin"]);
    assert_eq!((a.state(), a.out()), (State::CloseWait, vec!["<SEQ=101><ACK=322><CTL=ACK>".to_owned()]));
}

#[test]
fn text_rides_in_the_syn_and_stays_outstanding() {
    let (mut a, left) = connecting_with(100);
    assert_eq!(left, ["<SEQ=100><LEN=100><CTL=SYN>"]);
    assert_eq!(a.connection.variables().snd_nxt, Some(SeqNumber::new(201)));
    // SND.UNA < SEG.ACK =< SND.NXT, whether it covers the text or not.
    assert_eq!(a.answer("<SEQ=300><ACK=101><CTL=SYN,ACK>"), ["<SEQ=201><ACK=301><CTL=ACK>"]);
    assert_eq!(a.connection.send_buffered(), 100);
    assert_eq!(a.hear("<SEQ=301><ACK=201><CTL=ACK>").acked, 100);
    assert_eq!(a.connection.poll_deadline(), None);

    let (mut a, _) = connecting_with(100);
    assert_eq!(a.hear("<SEQ=300><ACK=201><CTL=SYN,ACK>").acked, 100);
    assert_eq!((a.state(), a.connection.send_buffered()), (State::Established, 0));
}

#[test]
fn text_of_a_syn_that_was_dropped_leaves_again() {
    let (mut a, _) = connecting_with(100);
    a.answer("<SEQ=300><ACK=101><CTL=SYN,ACK>");
    assert_eq!(a.wait(), (1000, vec!["<SEQ=101><ACK=301><LEN=100><CTL=PSH,ACK>".to_owned()]));
}

#[test]
fn linux_sends_text_that_a_syn_ack_leaves_out_with_its_ack() {
    let mut a = Scripted::new(Profile::linux());
    assert_eq!(a.connection.on_open_active_with(a.now, a.open(), 100), Ok(100));
    a.out();
    assert_eq!(a.answer("<SEQ=300><ACK=101><CTL=SYN,ACK>"), ["<SEQ=101><ACK=301><LEN=100><CTL=PSH,ACK>"]);
    assert_eq!(a.connection.send_buffered(), 100);

    let mut a = Scripted::new(Profile::linux());
    assert_eq!(a.connection.on_open_active_with(a.now, a.open(), 100), Ok(100));
    a.out();
    assert_eq!(a.answer("<SEQ=300><ACK=201><CTL=SYN,ACK>"), ["<SEQ=201><ACK=301><CTL=ACK>"], "all of it is acknowledged");
}

#[test]
fn a_syn_takes_no_more_text_than_any_peer_must_take() {
    // MUST-15: 536 octets, of which 4 are the MSS option's.
    let (mut a, left) = connecting_with(1000);
    assert_eq!(left, ["<SEQ=100><LEN=532><CTL=SYN>"]);
    assert_eq!(a.wait(), (1000, vec!["<SEQ=100><LEN=532><CTL=SYN>".to_owned()]));
    a.hear_with("<SEQ=300><ACK=633><CTL=SYN,ACK>", TcpOptions::NONE.mss(1460));
    assert_eq!(a.out(), ["<SEQ=633><ACK=301><LEN=468><CTL=PSH,ACK>"]);
}

#[test]
fn a_syn_ack_that_waits_takes_text_and_fin_along() {
    let mut b = listening(&[("syn-ack-with-text", "on")]);
    assert_eq!(b.answer("<SEQ=300><CTL=SYN>"), NOTHING);
    b.connection.on_send(b.now, 20, false).expect("room");
    b.connection.on_close(b.now, false).expect("open");
    assert_eq!((b.state(), b.walked()), (State::FinWait1, vec!["syn-received/close-in-syn-ack"]));
    assert_eq!(b.out(), ["<SEQ=100><ACK=301><LEN=20><CTL=SYN,PSH,FIN,ACK>"]);
    let arrival = b.hear("<SEQ=301><ACK=122><CTL=ACK>");
    assert_eq!((arrival.acked, b.state()), (20, State::FinWait2));
}

#[test]
fn a_syn_ack_does_not_wait_for_ever() {
    let mut b = listening(&[("syn-ack-with-text", "on")]);
    b.answer("<SEQ=300><CTL=SYN>");
    assert_eq!(b.wait(), (1000, vec!["<SEQ=100><ACK=301><CTL=SYN,ACK>".to_owned()]));
}

#[test]
fn a_syn_ack_takes_no_text_along_unless_the_profile_says_so() {
    // Neither where text is ready before the SYN,ACK leaves, nor where the SYN crossed ours.
    let mut b = listening(&[]);
    b.hear("<SEQ=300><CTL=SYN>");
    b.connection.on_send(b.now, 20, false).expect("room");
    assert_eq!(b.out(), ["<SEQ=100><ACK=301><CTL=SYN,ACK>"]);
    let mut a = Scripted::new(profile(&[("syn-ack-with-text", "on")]));
    a.connection.on_open_active(a.now, a.open()).expect("CLOSED");
    a.out();
    a.connection.on_send(a.now, 20, false).expect("room");
    assert_eq!(a.answer("<SEQ=300><CTL=SYN>"), ["<SEQ=100><ACK=301><CTL=SYN,ACK>"]);
}

#[test]
fn a_syn_ack_takes_no_fin_along_where_the_window_ends_before_it() {
    // The FIN has a number, which the window of the SYN must hold as well.
    for (window, syn_ack, rest) in [
        (20, "<SEQ=100><ACK=301><LEN=20><CTL=SYN,PSH,ACK>", &["<SEQ=121><ACK=301><CTL=FIN,ACK>"][..]),
        (21, "<SEQ=100><ACK=301><LEN=20><CTL=SYN,PSH,FIN,ACK>", &[]),
    ] {
        let mut b = listening(&[("syn-ack-with-text", "on")]);
        b.hear(&format!("<SEQ=300><WND={window}><CTL=SYN>"));
        b.connection.on_send(b.now, 20, false).expect("room");
        b.connection.on_close(b.now, false).expect("open");
        assert_eq!(b.out(), [syn_ack]);
        assert_eq!(b.answer("<SEQ=301><ACK=121><CTL=ACK>"), rest);
    }
}

#[test]
fn a_close_rides_on_a_syn_ack_only_while_that_waits_for_it() {
    for (knob, left, rides) in [("on", false, true), ("on", true, false), ("off", false, false), ("off", true, false)] {
        let mut b = listening(&[("syn-ack-with-text", knob)]);
        b.hear("<SEQ=300><CTL=SYN>");
        if left {
            b.connection.on_send(b.now, 10, false).expect("room");
            assert!(!b.out().is_empty());
        }
        b.connection.on_close(b.now, false).expect("open");
        assert_eq!(b.walked() == ["syn-received/close-in-syn-ack"], rides, "{knob}, left: {left}");
    }
}
