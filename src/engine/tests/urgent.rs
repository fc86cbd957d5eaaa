//! The urgent mechanism: RFC 9293 sections 3.8.5 and 3.10.7.4, sixth (MUST-30).

use super::*;

/// A segment with URG and this pointer arrives; what the user is told.
fn hear(a: &mut Scripted, text: &str, pointer: u16) -> Option<Signal> {
    let segment = Segment { urgent: pointer, ..a.read(text, TcpOptions::NONE) };
    while a.connection.poll_signal().is_some() {}
    a.connection.on_segment(a.now, &segment);
    a.connection.poll_signal()
}

#[test]
fn the_user_is_told_once_and_again_when_the_pointer_advances() {
    // MUST-30, MUST-32, MUST-33, MUST-62.
    let mut a = Scripted::established(Profile::rfc9293());
    assert_eq!(a.connection.urgent_left(), 0);
    assert_eq!(hear(&mut a, "<SEQ=301><ACK=101><LEN=10><CTL=PSH,URG,ACK>", 20), Some(Signal::Urgent));
    assert_eq!(a.walked(), ["established/ack-duplicate", "established/urgent", "established/text"]);
    assert_eq!(a.connection.urgent_left(), 20, "half of it has not arrived");
    assert_eq!(hear(&mut a, "<SEQ=301><ACK=101><LEN=10><CTL=PSH,URG,ACK>", 20), None);
    assert_eq!(hear(&mut a, "<SEQ=311><ACK=101><LEN=5><CTL=URG,ACK>", 10), None);
    assert_eq!(a.walked(), ["established/ack-duplicate", "established/urgent-again", "established/text"]);
    assert_eq!(hear(&mut a, "<SEQ=316><ACK=101><LEN=5><CTL=URG,ACK>", 15), Some(Signal::Urgent));
    assert_eq!(a.connection.urgent_left(), 30);
    a.connection.on_receive(a.now, 20).expect("open");
    assert_eq!(a.connection.urgent_left(), 10);
    a.answer("<SEQ=321><ACK=101><LEN=30><CTL=ACK>");
    a.connection.on_receive(a.now, 10).expect("open");
    assert_eq!(a.connection.urgent_left(), 0);
    assert!(a.connection.urgent.is_none());
    // A new sequence of urgent data, and one that is read already.
    assert_eq!(hear(&mut a, "<SEQ=351><ACK=101><LEN=5><CTL=URG,ACK>", 5), Some(Signal::Urgent));
    a.connection.on_receive(a.now, 100).expect("open");
    assert_eq!(hear(&mut a, "<SEQ=351><ACK=101><LEN=5><CTL=URG,ACK>", 5), None);
}

#[test]
fn urgent_data_may_be_of_any_length_and_lie_anywhere() {
    // MUST-31; the pointer alone, ahead of its text, and across the wrap.
    let mut a = Scripted::numbered(Profile::rfc9293(), 0, u32::MAX - 310).establish("<SEQ=300><ACK=101><CTL=SYN,ACK>", TcpOptions::NONE);
    assert_eq!(hear(&mut a, "<SEQ=301><ACK=101><CTL=URG,ACK>", u16::MAX), Some(Signal::Urgent));
    assert_eq!(a.connection.urgent_left(), 65_535);
}

#[test]
fn states_that_wait_for_a_fin_take_the_pointer_and_later_ones_ignore_it() {
    for (acknowledged, state) in [(101, State::FinWait1), (102, State::FinWait2)] {
        let mut a = Scripted::established(Profile::rfc9293());
        a.close();
        let told = hear(&mut a, &format!("<SEQ=301><ACK={acknowledged}><LEN=5><CTL=URG,ACK>"), 5);
        assert_eq!((a.state(), told, a.connection.urgent_left()), (state, Some(Signal::Urgent), 5));
    }
    let mut a = Scripted::established(Profile::rfc9293());
    a.answer("<SEQ=301><ACK=101><CTL=FIN,ACK>");
    a.send(10);
    assert_eq!(hear(&mut a, "<SEQ=302><ACK=111><CTL=URG,ACK>", 5), None);
    assert_eq!((a.walked(), a.connection.urgent_left()), (vec!["close-wait/ack", "close-wait/urgent"], 0));
    assert_eq!(a.connection.send_buffered(), 0, "the ACK field counts");
    assert_eq!(a.out(), NOTHING);
}

#[test]
fn a_closed_window_lets_the_pointer_through() {
    // MUST-66.
    let mut a = Scripted::established(profile(&[("receive-buffer", "10")]));
    a.answer("<SEQ=301><ACK=101><LEN=10><CTL=ACK>");
    assert_eq!(hear(&mut a, "<SEQ=311><ACK=101><LEN=5><CTL=URG,ACK>", 5), Some(Signal::Urgent));
    assert_eq!(a.connection.urgent_left(), 15);
    assert_eq!(a.out(), ["<SEQ=101><ACK=311><CTL=ACK>"]);
    assert_eq!(a.connection.receive_buffered(), 10, "and no text");
}

#[test]
fn urgent_text_is_marked_up_to_its_end() {
    // MUST-62, RFC 9293 section 3.10.2: the pointer is that of the octet after the urgent data.
    let mut a = Scripted::established(profile(&[("nagle", "off")]));
    assert_eq!(a.connection.on_send_urgent(a.now, 2000), Ok(2000));
    let left = a.segments();
    let pointers: Vec<_> = left.iter().map(|segment| (segment.to_string(), segment.urgent)).collect();
    assert_eq!(
        pointers,
        [("<SEQ=101><ACK=301><LEN=1460><CTL=URG,ACK>".to_owned(), 2000), ("<SEQ=1561><ACK=301><LEN=540><CTL=PSH,URG,ACK>".to_owned(), 540)]
    );
    // What follows is not urgent; what was lost still is.
    assert_eq!(a.send(10), ["<SEQ=2101><ACK=301><LEN=10><CTL=PSH,ACK>"]);
    let (_, again) = a.wait();
    assert_eq!(again, ["<SEQ=101><ACK=301><LEN=1460><CTL=URG,ACK>"]);
    a.answer("<SEQ=301><ACK=2111><CTL=ACK>");
    assert_eq!(a.send(10), ["<SEQ=2111><ACK=301><LEN=10><CTL=PSH,ACK>"]);
    a.connection.on_receive(a.now, 1).expect("open");
    assert!(a.connection.urgent.is_none());
}

#[test]
fn a_pointer_too_far_for_its_field_says_as_much_as_it_can() {
    let mut a = Scripted::established(profile(&[("send-buffer", "100000")]));
    a.connection.on_send_urgent(a.now, 100_000).expect("room");
    let left = a.segments();
    assert_eq!((left[0].urgent, left[40].urgent), (u16::MAX, 41_600));
    // It is known to the peer before the window lets its text through.
    assert!(left.iter().all(|segment| segment.has(Flags::URG)));
}

#[test]
fn only_a_closed_window_lets_the_pointer_through_and_only_where_text_is_taken() {
    // MUST-66. Outside an open window, without URG, and behind the peer's FIN the segment is refused, and that is all.
    let closed = |fin: &str| {
        let mut a = Scripted::established(profile(&[("receive-buffer", "10")]));
        a.answer(&format!("<SEQ=301><ACK=101><LEN=9><CTL={fin}ACK>"));
        a
    };
    let mut open = Scripted::established(Profile::rfc9293());
    hear(&mut open, "<SEQ=200><ACK=101><LEN=5><CTL=URG,ACK>", 5);
    assert_eq!(open.walked(), ["established/unacceptable"]);
    let mut full = Scripted::established(profile(&[("receive-buffer", "10")]));
    full.answer("<SEQ=301><ACK=101><LEN=10><CTL=ACK>");
    hear(&mut full, "<SEQ=311><ACK=101><LEN=5><CTL=ACK>", 5);
    assert_eq!(full.walked(), ["established/unacceptable"]);
    hear(&mut full, "<SEQ=312><ACK=101><LEN=5><CTL=URG,ACK>", 5);
    assert_eq!(full.walked(), ["established/unacceptable"]);
    let mut behind = closed("FIN,");
    assert_eq!((behind.state(), behind.connection.variables().rcv_wnd), (State::CloseWait, Some(0)));
    hear(&mut behind, "<SEQ=311><ACK=101><LEN=5><CTL=URG,ACK>", 5);
    assert_eq!(behind.walked(), ["close-wait/unacceptable"]);
}

#[test]
fn what_follows_urgent_text_is_not_held_back_until_that_is_acknowledged() {
    let mut a = Scripted::established(Profile::linux());
    a.connection.on_send_urgent(a.now, 10).expect("open");
    assert_eq!(a.out(), ["<SEQ=101><ACK=301><LEN=10><CTL=PSH,URG,ACK>"]);
    assert_eq!(a.send(20), ["<SEQ=111><ACK=301><LEN=20><CTL=PSH,ACK>"], "Nagle would wait for the ACK");
    assert_eq!(a.answer("<SEQ=301><ACK=110><CTL=ACK>"), NOTHING);
    assert_eq!(a.send(20), ["<SEQ=131><ACK=301><LEN=20><CTL=PSH,ACK>"]);
    assert_eq!(a.answer("<SEQ=301><ACK=111><CTL=ACK>"), NOTHING);
    assert_eq!(a.send(20), NOTHING);
    assert_eq!(a.answer("<SEQ=301><ACK=151><CTL=ACK>"), ["<SEQ=151><ACK=301><LEN=20><CTL=PSH,ACK>"]);
    a.answer("<SEQ=301><ACK=171><CTL=ACK>");
    a.connection.on_send_urgent(a.now, 10).expect("open");
    a.out();
    a.connection.on_send(a.now, 20, true).expect("open");
    assert_eq!(a.out(), ["<SEQ=181><ACK=301><LEN=20><CTL=ACK>"], "whatever it announces");
}
