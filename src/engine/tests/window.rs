//! The window, both ways: RFC 9293 sections 3.8.6 and 3.7.4.

use super::*;

#[test]
fn text_never_goes_beyond_the_peers_window() {
    // MUST-38.
    let mut a = Scripted::established(Profile::rfc9293());
    a.hear("<SEQ=301><ACK=101><WND=2000><CTL=ACK>");
    assert_eq!(a.send(3000), ["<SEQ=101><ACK=301><LEN=1460><CTL=ACK>"], "540 octets of room are no full segment (MUST-38)");
    assert_eq!(
        a.answer("<SEQ=301><ACK=1561><WND=1500><CTL=ACK>"),
        ["<SEQ=1561><ACK=301><LEN=1460><CTL=ACK>"],
        "the last 80 octets wait: 40 have room"
    );
    assert_eq!(a.answer("<SEQ=301><ACK=3021><WND=80><CTL=ACK>"), ["<SEQ=3021><ACK=301><LEN=80><CTL=PSH,ACK>"]);
}

#[test]
fn a_closed_window_is_probed_at_doubling_intervals_for_as_long_as_the_peer_answers() {
    // MUST-36, MUST-37, SHLD-29, SHLD-30.
    let mut a = Scripted::established(profile(&[("data-retries", "2")]));
    a.hear("<SEQ=301><ACK=101><WND=0><CTL=ACK>");
    assert_eq!(a.send(10), NOTHING);
    for interval in [1000, 2000, 4000, 8000, 16_000] {
        assert_eq!(a.wait(), (interval, vec!["<SEQ=101><ACK=301><LEN=1><CTL=ACK>".to_owned()]));
        assert_eq!(a.answer("<SEQ=301><ACK=101><WND=0><CTL=ACK>"), NOTHING);
    }
}

#[test]
fn a_peer_that_answers_no_probe_is_given_up() {
    // MUST-20: R2 holds for probes as well; only answers keep the connection open.
    let mut a = Scripted::established(profile(&[("data-retries", "2")]));
    a.hear("<SEQ=301><ACK=101><WND=0><CTL=ACK>");
    a.send(10);
    a.wait();
    a.wait();
    assert_eq!(a.state(), State::Established);
    a.wait();
    assert_eq!((a.state(), a.walked()), (State::Closed, vec!["established/r2"]));
}

#[test]
fn when_the_window_opens_the_refused_probe_leaves_again_with_what_it_was_cut_from() {
    let mut a = Scripted::established(Profile::rfc9293());
    a.hear("<SEQ=301><ACK=101><WND=0><CTL=ACK>");
    a.send(10);
    a.wait();
    a.hear("<SEQ=301><ACK=101><WND=0><CTL=ACK>");
    assert_eq!(
        a.answer("<SEQ=301><ACK=101><WND=1000><CTL=ACK>"),
        ["<SEQ=101><ACK=301><LEN=10><CTL=PSH,ACK>"],
        "one segment, as if it had never been cut"
    );
    assert_eq!(a.answer("<SEQ=301><ACK=111><WND=1000><CTL=ACK>"), NOTHING);
    assert_eq!(a.connection.poll_deadline(), None);
}

#[test]
fn a_probe_that_is_taken_lets_the_next_one_wait_anew() {
    let mut a = Scripted::established(Profile::rfc9293());
    a.hear("<SEQ=301><ACK=101><WND=0><CTL=ACK>");
    a.send(3);
    a.wait();
    a.wait();
    // Taken, and the window is closed still.
    assert_eq!(a.answer("<SEQ=301><ACK=102><WND=0><CTL=ACK>"), NOTHING);
    assert_eq!(a.wait().1, ["<SEQ=102><ACK=301><LEN=1><CTL=ACK>"]);
}

#[test]
fn a_fin_alone_probes_a_closed_window() {
    let mut a = Scripted::established(Profile::rfc9293());
    a.hear("<SEQ=301><ACK=101><WND=0><CTL=ACK>");
    assert_eq!(a.close(), NOTHING);
    assert_eq!(a.wait(), (1000, vec!["<SEQ=101><ACK=301><CTL=FIN,ACK>".to_owned()]));
    a.hear("<SEQ=301><ACK=101><WND=0><CTL=ACK>");
    assert_eq!(a.wait(), (2000, vec!["<SEQ=101><ACK=301><CTL=FIN,ACK>".to_owned()]));
    assert_eq!(a.answer("<SEQ=301><ACK=101><WND=10><CTL=ACK>"), ["<SEQ=101><ACK=301><CTL=FIN,ACK>"]);
    a.hear("<SEQ=301><ACK=102><WND=9><CTL=ACK>");
    assert_eq!(a.state(), State::FinWait2);
}

#[test]
fn the_fin_of_close_wait_probes_too_and_leads_to_last_ack() {
    let mut a = Scripted::established(Profile::rfc9293());
    a.answer("<SEQ=301><ACK=101><WND=0><CTL=FIN,ACK>");
    assert_eq!(a.close(), NOTHING);
    assert_eq!(a.state(), State::CloseWait);
    assert_eq!(a.wait().1, ["<SEQ=101><ACK=302><CTL=FIN,ACK>"]);
    assert_eq!(a.state(), State::LastAck);
}

#[test]
fn a_window_that_shrinks_shuts_out_text_but_does_not_end_the_connection() {
    // R7323-7.
    // SHLD-16.
    // MUST-34, MUST-35, SHLD-15, SHLD-17: a negative usable window, probed in the standard way.
    let mut a = Scripted::established(profile(&[("data-retries", "2")]));
    a.send(2000);
    assert_eq!(a.answer("<SEQ=301><ACK=101><WND=0><CTL=ACK>"), NOTHING);
    for _ in 0..5 {
        assert_eq!(a.wait().1, ["<SEQ=101><ACK=301><LEN=1><CTL=ACK>"]);
        assert_eq!(a.answer("<SEQ=301><ACK=101><WND=0><CTL=ACK>"), NOTHING);
    }
    assert_eq!(a.answer("<SEQ=301><ACK=101><CTL=ACK>"), ["<SEQ=101><ACK=301><LEN=1460><CTL=ACK>"]);
    assert_eq!(a.answer("<SEQ=301><ACK=1561><CTL=ACK>"), ["<SEQ=1561><ACK=301><LEN=540><CTL=PSH,ACK>"]);
    a.hear("<SEQ=301><ACK=2101><CTL=ACK>");
    assert_eq!(a.connection.poll_deadline(), None);
}

fn windows(segments: &[Segment]) -> Vec<u16> {
    segments.iter().map(|segment| segment.window.0).collect()
}

#[test]
fn reading_opens_the_window_by_a_segment_or_half_the_buffer() {
    // R7323-8.
    // MUST-39, SHLD-14: the right edge waits for a step worth having, and never moves left.
    let mut b = Scripted::established(profile(&[("receive-buffer", "1000")]));
    b.hear("<SEQ=301><ACK=101><LEN=1000><CTL=ACK>");
    assert_eq!(windows(&b.segments()), [0]);
    assert_eq!(b.connection.on_receive(b.now, 499), Ok(499));
    assert_eq!(b.out(), NOTHING);
    assert_eq!(b.connection.on_receive(b.now, 1), Ok(1));
    assert_eq!(windows(&b.segments()), [500], "an ACK of its own tells the peer");
    b.hear("<SEQ=1301><ACK=101><LEN=100><CTL=ACK>");
    assert_eq!(b.connection.on_receive(b.now, 100), Ok(100));
    assert_eq!(windows(&b.segments()), [400], "the right edge stays where it was");
}

#[test]
fn text_beyond_the_window_is_cut_off() {
    let mut b = Scripted::established(profile(&[("receive-buffer", "1000")]));
    let arrival = b.hear("<SEQ=301><ACK=101><LEN=1400><CTL=ACK>");
    assert_eq!(arrival, Arrival { take: 1000, ..Arrival::default() });
    assert_eq!(b.out(), ["<SEQ=101><ACK=1301><CTL=ACK>"]);
    // Closed: a probe is answered and not taken.
    assert_eq!(b.hear("<SEQ=1301><ACK=101><LEN=1><CTL=ACK>").take, 0);
    assert_eq!(b.out(), ["<SEQ=101><ACK=1301><CTL=ACK>"]);
}

#[test]
fn only_what_is_new_of_a_segment_is_taken() {
    let mut b = Scripted::established(Profile::rfc9293());
    b.answer("<SEQ=301><ACK=101><LEN=10><CTL=ACK>");
    assert_eq!(b.hear("<SEQ=306><ACK=101><LEN=10><CTL=ACK>"), Arrival { skip: 5, take: 5, ..Arrival::default() });
    assert_eq!(b.out(), ["<SEQ=101><ACK=316><CTL=ACK>"]);
    assert_eq!(b.hear("<SEQ=320><ACK=101><LEN=10><CTL=ACK>"), Arrival { hold: Hold { len: 10, at: 4 }, ..Arrival::default() });
    assert_eq!(b.out(), ["<SEQ=101><ACK=316><CTL=ACK>"]);
}

#[test]
fn nagle_lets_one_short_segment_out_and_holds_the_next() {
    // SHLD-7.
    let mut a = Scripted::established(Profile::rfc9293());
    assert_eq!(a.send(10), ["<SEQ=101><ACK=301><LEN=10><CTL=PSH,ACK>"]);
    assert_eq!(a.send(10), NOTHING);
    assert_eq!(a.send(10), NOTHING);
    assert_eq!(a.answer("<SEQ=301><ACK=111><CTL=ACK>"), ["<SEQ=111><ACK=301><LEN=20><CTL=PSH,ACK>"]);
    // A full segment never waits.
    assert_eq!(a.send(1460), ["<SEQ=131><ACK=301><LEN=1460><CTL=PSH,ACK>"]);
}

#[test]
fn nagle_can_be_switched_off() {
    // MUST-17.
    let mut a = Scripted::established(Profile::rfc9293());
    a.connection.set_no_delay(true);
    assert_eq!(a.send(10), ["<SEQ=101><ACK=301><LEN=10><CTL=PSH,ACK>"]);
    assert_eq!(a.send(10), ["<SEQ=111><ACK=301><LEN=10><CTL=PSH,ACK>"]);
}

#[test]
fn a_record_that_goes_on_is_held_and_not_pushed() {
    // MAY-15, MAY-16.
    // MUST-60, MUST-61: PSH stands in the last segment of what the user has finished.
    let mut a = Scripted::established(Profile::rfc9293());
    assert_eq!(a.connection.on_send(a.now, 1500, true), Ok(1500));
    assert_eq!(a.out(), ["<SEQ=101><ACK=301><LEN=1460><CTL=ACK>"]);
    a.hear("<SEQ=301><ACK=1561><CTL=ACK>");
    assert_eq!(a.out(), NOTHING);
    assert_eq!(a.send(10), ["<SEQ=1561><ACK=301><LEN=50><CTL=PSH,ACK>"]);
}

#[test]
fn two_sides_that_probe_closed_windows_do_not_answer_each_other_for_ever() {
    let mut pair = Pair::established(profile(&[("receive-buffer", "100")]));
    for side in [&mut pair.a, &mut pair.b] {
        assert_eq!(side.on_send(pair.now, 150, false), Ok(150));
    }
    pair.settle();
    pair.seen.clear();
    pair.now = pair.a.poll_deadline().expect("a probe is due");
    pair.a.on_time(pair.now);
    pair.b.on_time(pair.now);
    pair.settle();
    assert!(pair.seen.len() <= 6, "{:?}", pair.seen);
    assert_eq!((pair.a.on_receive(pair.now, 100), pair.b.on_receive(pair.now, 100)), (Ok(100), Ok(100)));
    pair.settle();
    assert_eq!((pair.a.receive_buffered(), pair.b.receive_buffered()), (50, 50));
}

#[test]
fn an_ack_at_the_right_edge_counts() {
    // Two sides that have lost a full window each must not answer each other's ACKs for ever.
    let mut pair = Pair::established(Profile::rfc9293());
    for side in [&mut pair.a, &mut pair.b] {
        side.on_send(pair.now, 65_535, false).expect("room");
        while side.poll_segment(pair.now).is_some() {}
    }
    pair.now = pair.a.poll_deadline().expect("text is outstanding");
    pair.a.on_time(pair.now);
    pair.b.on_time(pair.now);
    pair.settle();
    assert_eq!((pair.a.receive_buffered(), pair.b.receive_buffered()), (65_535, 65_535));
    assert!(pair.seen.len() < 400, "{} segments", pair.seen.len());
}

#[test]
fn a_window_with_its_highest_bit_set_is_no_negative_one() {
    // MUST-1: the field is unsigned; REC-1: as is what it is kept in.
    let mut a = Scripted::new(Profile::rfc9293()).establish("<SEQ=300><ACK=101><WND=65535><CTL=SYN,ACK>", TcpOptions::NONE.mss(1460));
    assert_eq!(a.connection.variables().snd_wnd, Some(65_535));
    assert_eq!(a.connection.on_send(a.now, 58_400, false), Ok(58_400));
    assert_eq!(a.out().len(), 40, "all of it fits");
}

#[test]
fn the_syn_ack_brings_the_first_send_window() {
    // R793-1122-1: SND.WND, SND.WL1 and SND.WL2 come from the SYN,ACK on the way to ESTABLISHED.
    let mut a = Scripted::new(Profile::rfc9293()).establish("<SEQ=300><ACK=101><WND=10><CTL=SYN,ACK>", TcpOptions::NONE);
    assert_eq!(a.connection.on_send(a.now, 100, false), Ok(100));
    assert_eq!(a.out(), ["<SEQ=101><ACK=301><LEN=10><CTL=ACK>"]);
    // SND.WL1 is the SYN's number: an older segment does not move the window.
    a.hear("<SEQ=299><ACK=101><WND=500><CTL=ACK>");
    assert_eq!(a.connection.variables().snd_wnd, Some(10));
}

#[test]
fn a_window_of_a_whole_segment_is_no_news() {
    // It never stopped the peer, so reading sends nothing.
    let mut b = Scripted::established(profile(&[("receive-buffer", "2920")]));
    b.hear("<SEQ=301><ACK=101><LEN=1460><CTL=ACK>");
    assert_eq!(windows(&b.segments()), [1460]);
    assert_eq!(b.connection.on_receive(b.now, 1460), Ok(1460));
    assert_eq!(b.out(), NOTHING);
}

#[test]
fn a_record_that_is_held_starts_no_timer() {
    // Nothing is outstanding, and the window is open: there is nothing to send again or to probe.
    let mut a = Scripted::established(Profile::rfc9293());
    assert_eq!(a.connection.on_send(a.now, 10, true), Ok(10));
    assert_eq!((a.out().len(), a.connection.poll_deadline()), (0, None));
}

#[test]
fn an_ack_that_overtakes_the_next_probe_leaves_nothing_to_probe_with() {
    // The last octet was the probe; its ACK comes between the timer and what the timer would have sent.
    let mut a = Scripted::established(Profile::rfc9293());
    a.hear("<SEQ=301><ACK=101><WND=0><CTL=ACK>");
    a.send(1);
    assert_eq!(a.wait().1, ["<SEQ=101><ACK=301><LEN=1><CTL=PSH,ACK>"]);
    a.now = a.connection.poll_deadline().expect("the next probe");
    a.connection.on_time(a.now);
    assert_eq!(a.answer("<SEQ=301><ACK=102><WND=0><CTL=ACK>"), NOTHING);
    assert_eq!(a.connection.poll_deadline(), None);
}

#[test]
fn half_of_the_largest_window_is_worth_a_segment() {
    // MUST-38; RFC 9293 section 3.8.6.2.1, (3): SND.WND was 1000 at most, Nagle is off.
    for (first, second) in [(500, &["<SEQ=601><ACK=301><LEN=500><CTL=ACK>"][..]), (501, &[])] {
        let mut a = Scripted::new(Profile::rfc9293()).establish("<SEQ=300><ACK=101><WND=1000><CTL=SYN,ACK>", TcpOptions::NONE.mss(1460));
        a.connection.set_no_delay(true);
        assert_eq!(a.send(first).len(), 1);
        assert_eq!(a.send(700), second, "{} octets of the window are left", 1000 - first);
    }
}

#[test]
fn where_nothing_is_outstanding_no_window_is_too_small() {
    // (4): the override timeout is none.
    let mut a = Scripted::established(Profile::rfc9293());
    a.hear("<SEQ=301><ACK=101><WND=100><CTL=ACK>");
    assert_eq!(a.send(1000), ["<SEQ=101><ACK=301><LEN=100><CTL=ACK>"]);
}

#[test]
fn only_an_ack_alone_counts_at_the_right_edge() {
    for (len, acked, answer) in [(0, 10, &[][..]), (1, 0, &["<SEQ=111><ACK=301><CTL=ACK>"])] {
        let mut a = Scripted::established(Profile::rfc9293());
        a.send(10);
        let arrival = a.hear(&format!("<SEQ={}><ACK=111><LEN={len}><CTL=ACK>", 301 + 65_535));
        assert_eq!((arrival.acked, a.out()), (acked, answer.iter().map(ToString::to_string).collect()), "{len}");
    }
}

#[test]
fn a_window_reopens_as_far_as_the_scaled_field_reaches() {
    // RFC 7323 section 2.3: 65535 times the scale, beyond which the room is not offered.
    for (buffer, offered) in [("200000", 200_000), ("300000", 65_535 << 2)] {
        let offer = TcpOptions::NONE.mss(1460).nop().window_scale(2);
        let mut b = Scripted::new(profile(&[("receive-buffer", buffer), ("window-scale", "2")]))
            .establish("<SEQ=300><ACK=101><CTL=SYN,ACK>", offer);
        b.hear("<SEQ=301><ACK=101><LEN=1460><CTL=ACK>");
        b.out();
        b.connection.on_receive(b.now, 1460).expect("text is there");
        b.send(10);
        assert_eq!(b.connection.variables().rcv_wnd, Some(offered), "a buffer of {buffer}");
    }
}

/// As Linux, with text that a closed window keeps back.
fn kept_back(octets: u32) -> Scripted {
    let mut a = Scripted::established(Profile::linux());
    a.hear("<SEQ=301><ACK=101><WND=0><CTL=ACK>");
    assert_eq!(a.send(octets), NOTHING);
    a
}

#[test]
fn linux_probes_a_closed_window_by_an_old_number_and_counts_the_wait_from_the_answer() {
    let mut a = kept_back(100);
    for interval in [200, 400, 800] {
        assert_eq!(a.wait(), (interval, vec!["<SEQ=100><ACK=301><CTL=ACK>".to_owned()]));
        a.pass(Duration::from_millis(50));
        assert_eq!(a.answer("<SEQ=301><ACK=101><WND=0><CTL=ACK>"), NOTHING);
    }
    assert_eq!(a.answer("<SEQ=301><ACK=101><WND=1000><CTL=ACK>"), ["<SEQ=101><ACK=301><LEN=100><CTL=PSH,ACK>"]);
    assert_eq!(a.answer("<SEQ=301><ACK=201><WND=1000><CTL=ACK>"), NOTHING);
    assert_eq!(a.connection.poll_deadline(), None);
}

#[test]
fn linux_fills_a_window_that_is_too_small_by_a_probe_alone() {
    let mut a = kept_back(1000);
    a.wait();
    assert_eq!(a.answer("<SEQ=301><ACK=101><WND=300><CTL=ACK>"), NOTHING, "it is not open yet");
    assert_eq!(a.wait(), (400, vec!["<SEQ=101><ACK=301><LEN=300><CTL=PSH,ACK>".to_owned()]));
    assert_eq!(a.answer("<SEQ=301><ACK=401><WND=0><CTL=ACK>"), NOTHING);
    assert_eq!(a.wait(), (200, vec!["<SEQ=400><ACK=301><CTL=ACK>".to_owned()]), "what was answered doubles nothing");
    assert_eq!(a.answer("<SEQ=301><ACK=401><WND=700><CTL=ACK>"), ["<SEQ=401><ACK=301><LEN=700><CTL=PSH,ACK>"]);
}

#[test]
fn linux_keeps_a_part_of_a_segment_until_a_probe_is_due() {
    let mut a = Scripted::established(Profile::linux());
    a.hear("<SEQ=301><ACK=101><WND=500><CTL=ACK>");
    assert_eq!(a.send(1000), NOTHING);
    assert_eq!(a.wait(), (200, vec!["<SEQ=101><ACK=301><LEN=500><CTL=PSH,ACK>".to_owned()]));
}

#[test]
fn a_fin_at_a_closed_window_waits_behind_probes_on_linux() {
    let mut a = Scripted::established(Profile::linux());
    a.hear("<SEQ=301><ACK=101><WND=0><CTL=ACK>");
    assert_eq!(a.close(), NOTHING);
    assert_eq!(a.wait(), (200, vec!["<SEQ=100><ACK=301><CTL=ACK>".to_owned()]));
    assert_eq!(a.answer("<SEQ=301><ACK=101><WND=1><CTL=ACK>"), ["<SEQ=101><ACK=301><CTL=FIN,ACK>"]);
}

#[test]
fn what_left_before_the_window_closed_leaves_again_whole_on_linux() {
    let mut a = Scripted::established(Profile::linux());
    assert_eq!(a.send(1000).len(), 1);
    a.hear("<SEQ=301><ACK=101><WND=0><CTL=ACK>");
    for interval in [200, 400, 800] {
        assert_eq!(a.wait(), (interval, vec!["<SEQ=101><ACK=301><LEN=1000><CTL=PSH,ACK>".to_owned()]));
    }
}

#[test]
fn half_of_the_window_is_that_of_the_ack_where_the_peer_opened() {
    let mut b = requested(Profile::linux());
    b.hear("<SEQ=301><ACK=101><WND=1000><CTL=ACK>");
    assert_eq!(b.send(1000).first().map(String::as_str), Some("<SEQ=101><ACK=301><LEN=500><CTL=ACK>"));
    let mut a = Scripted::established(Profile::linux());
    a.hear("<SEQ=301><ACK=101><WND=1000><CTL=ACK>");
    assert_eq!(a.send(1000), ["<SEQ=101><ACK=301><LEN=1000><CTL=PSH,ACK>"], "its SYN,ACK showed 65535");
}
