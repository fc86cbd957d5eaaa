//! ACKs we owe and ACKs we get: RFC 9293 sections 3.8.6.3 and 3.10.7.4, fifth.

use super::*;

fn delaying() -> Profile {
    profile(&[("delayed-ack", "200ms")])
}

#[test]
fn without_delay_every_segment_is_acknowledged_at_once() {
    let mut b = Scripted::established(Profile::rfc9293());
    assert_eq!(b.answer("<SEQ=301><ACK=101><LEN=10><CTL=ACK>"), ["<SEQ=101><ACK=311><CTL=ACK>"]);
}

#[test]
fn an_ack_may_wait_for_the_knobs_time() {
    // SHLD-18.
    let mut b = Scripted::established(delaying());
    assert_eq!(b.answer("<SEQ=301><ACK=101><LEN=10><CTL=ACK>"), NOTHING);
    assert_eq!(b.wait(), (200, vec!["<SEQ=101><ACK=311><CTL=ACK>".to_owned()]));
    assert_eq!(b.walked(), ["established/delayed-ack"]);
}

#[test]
fn an_ack_that_waits_rides_on_text() {
    // MUST-58.
    let mut b = Scripted::established(delaying());
    b.answer("<SEQ=301><ACK=101><LEN=10><CTL=ACK>");
    assert_eq!(b.send(5), ["<SEQ=101><ACK=311><LEN=5><CTL=PSH,ACK>"]);
    assert_eq!(b.connection.deadline(Timer::DelayedAck), None);
}

#[test]
fn two_segments_that_arrive_together_get_one_ack() {
    // MUST-59: all that is there is processed before an ACK leaves.
    let mut b = Scripted::established(Profile::rfc9293());
    b.hear("<SEQ=301><ACK=101><LEN=10><CTL=ACK>");
    assert_eq!(b.answer("<SEQ=311><ACK=101><LEN=10><CTL=ACK>"), ["<SEQ=101><ACK=321><CTL=ACK>"]);
}

#[test]
fn every_second_full_segment_is_acknowledged() {
    // SHLD-19. What is full is for our MSS to say, 1460, whatever the peer announced for its side.
    for theirs in [536, 9000] {
        let mut b = Scripted::new(delaying()).establish("<SEQ=300><ACK=101><CTL=SYN,ACK>", TcpOptions::NONE.mss(theirs));
        assert_eq!(b.answer("<SEQ=301><ACK=101><LEN=1460><CTL=ACK>"), NOTHING, "MSS {theirs}");
        assert_eq!(b.answer("<SEQ=1761><ACK=101><LEN=1460><CTL=ACK>"), ["<SEQ=101><ACK=3221><CTL=ACK>"], "MSS {theirs}");
        assert_eq!(b.answer("<SEQ=3221><ACK=101><LEN=1460><CTL=ACK>"), NOTHING, "MSS {theirs}");
    }
}

#[test]
fn a_gap_is_told_at_once() {
    let mut b = Scripted::established(delaying());
    assert_eq!(b.answer("<SEQ=311><ACK=101><LEN=10><CTL=ACK>"), ["<SEQ=101><ACK=301><CTL=ACK>"]);
}

#[test]
fn the_ack_of_a_fin_leaves_even_if_time_wait_comes_first() {
    // The knob delays it where the connection goes on; in TIME-WAIT no delay is running any more.
    let knobs = profile(&[("delayed-ack", "200ms"), ("delay-fin-ack", "on")]);
    let mut a = Scripted::established(knobs.clone());
    a.close();
    a.hear("<SEQ=301><ACK=102><CTL=ACK>");
    assert_eq!(a.answer("<SEQ=301><ACK=102><CTL=FIN,ACK>"), ["<SEQ=102><ACK=302><CTL=ACK>"]);
    let mut a = Scripted::established(knobs.clone());
    a.close();
    assert_eq!(a.answer("<SEQ=301><ACK=101><CTL=FIN,ACK>"), ["<SEQ=102><ACK=302><CTL=ACK>"]);
    let mut b = Scripted::established(knobs);
    assert_eq!(b.answer("<SEQ=301><ACK=101><CTL=FIN,ACK>"), NOTHING);
    assert_eq!(b.wait().1, ["<SEQ=101><ACK=302><CTL=ACK>"]);
}

/// A connection in each state with 10 octets acknowledged, so that duplicates and old ACKs exist.
fn in_state(state: State) -> Scripted {
    let mut a = Scripted::established(Profile::rfc9293());
    a.send(10);
    a.hear("<SEQ=301><ACK=111><WND=5><CTL=ACK>");
    match state {
        State::Established => {}
        State::FinWait1 => drop(a.close()),
        State::FinWait2 => {
            a.close();
            a.hear("<SEQ=301><ACK=112><WND=5><CTL=ACK>");
        }
        State::CloseWait => drop(a.answer("<SEQ=301><ACK=111><WND=5><CTL=FIN,ACK>")),
        State::Closing => {
            a.close();
            a.answer("<SEQ=301><ACK=111><WND=5><CTL=FIN,ACK>");
        }
        State::LastAck => {
            a.answer("<SEQ=301><ACK=111><WND=5><CTL=FIN,ACK>");
            a.close();
        }
        State::TimeWait => {
            a.close();
            a.answer("<SEQ=301><ACK=112><WND=5><CTL=FIN,ACK>");
        }
        State::Closed | State::Listen | State::SynSent | State::SynReceived => unreachable!("not synchronized"),
    }
    assert_eq!(a.state(), state);
    a
}

#[test]
fn an_ack_of_what_was_never_sent_is_answered_and_one_that_is_old_is_not() {
    // MAY-12, R5961-8, R5961-9.
    // RFC 9293 3.10.7.4 fifth; RFC 5961 section 5.2: too old is below SND.UNA - MAX.SND.WND.
    for &state in State::ALL.iter().filter(|state| state.is_synchronized()) {
        let a = in_state(state);
        let seq = if a.connection.peer_has_closed() { 302 } else { 301 };
        let variables = a.connection.variables();
        let (una, nxt) = (variables.snd_una.expect("numbered").get(), variables.snd_nxt.expect("numbered").get());
        let challenge = [format!("<SEQ={nxt}><ACK={seq}><CTL=ACK>")];
        for (ack, answered) in [
            (nxt + 1, true),
            (nxt + (1 << 30), true),
            (una, false),
            (una - 10, false),
            (una.wrapping_sub(65_535), false),
            (una.wrapping_sub(65_536), true),
        ] {
            let mut a = a.clone();
            let answer = a.answer(&format!("<SEQ={seq}><ACK={ack}><WND=5><CTL=ACK>"));
            assert_eq!(answer, if answered { &challenge[..] } else { &[] }, "SEG.ACK={ack} in {state}");
            assert_eq!((a.state(), a.connection.variables().snd_una), (state, variables.snd_una));
        }
        let mut a = a.clone();
        assert_eq!(a.answer(&format!("<SEQ={seq}><LEN=3><CTL=PSH>")), NOTHING, "no ACK, nothing at all in {state}");
    }
}

#[test]
fn in_syn_received_a_bad_ack_is_reset_and_changes_nothing() {
    // RFC 9293 3.10.7.4 fifth: <SEQ=SEG.ACK><CTL=RST>.
    let mut b = Scripted::new(Profile::rfc9293());
    b.connection.on_open_passive(b.now, b.open()).expect("CLOSED");
    b.answer("<SEQ=300><CTL=SYN>");
    for ack in [100, 102, 7] {
        assert_eq!(b.answer(&format!("<SEQ=301><ACK={ack}><CTL=ACK>")), [format!("<SEQ={ack}><CTL=RST>")]);
        assert_eq!(b.state(), State::SynReceived);
    }
}

#[test]
fn a_window_is_taken_from_the_newest_segment_only() {
    // RFC 9293 3.10.7.4 fifth: SND.WL1, SND.WL2.
    let mut a = Scripted::established(Profile::rfc9293());
    a.hear("<SEQ=301><ACK=101><LEN=10><WND=700><CTL=ACK>");
    let window = |a: &Scripted| a.connection.variables().snd_wnd;
    assert_eq!(window(&a), Some(700));
    a.hear("<SEQ=311><ACK=101><WND=800><CTL=ACK>");
    assert_eq!(window(&a), Some(800));
    a.hear("<SEQ=310><ACK=101><LEN=2><WND=900><CTL=ACK>");
    assert_eq!(window(&a), Some(800), "an older segment number");
    a.send(5);
    a.hear("<SEQ=312><ACK=106><WND=1000><CTL=ACK>");
    a.hear("<SEQ=312><ACK=101><WND=1100><CTL=ACK>");
    assert_eq!(window(&a), Some(1000), "an older acknowledgment");
}

#[test]
fn quick_acks_are_the_users_to_switch() {
    // TCP_QUICKACK: the second segment's ACK of a connection that has answered waits, unless the user says otherwise.
    let settled = |quick: bool| {
        let mut a = Scripted::established(Profile::linux());
        a.connection.set_quick_ack(quick);
        a.answer("<SEQ=301><ACK=101><LEN=1><CTL=PSH,ACK>")
    };
    assert_eq!(settled(true), ["<SEQ=101><ACK=302><CTL=ACK>"]);
    assert_eq!(settled(false), NOTHING);
}

#[test]
fn a_fin_is_acknowledged_at_once_unless_the_profile_delays_it() {
    for (knob, answer) in [("off", &["<SEQ=101><ACK=302><CTL=ACK>"][..]), ("on", &[])] {
        let mut b = Scripted::established(profile(&[("delayed-ack", "200ms"), ("delay-fin-ack", knob)]));
        assert_eq!(b.answer("<SEQ=301><ACK=101><CTL=FIN,ACK>"), answer, "{knob}");
    }
}

#[test]
fn a_fin_in_fin_wait_2_is_acknowledged_at_once() {
    // In TIME-WAIT nothing leaves late.
    let mut a = Scripted::established(profile(&[("delayed-ack", "200ms"), ("delay-fin-ack", "on")]));
    a.close();
    a.hear("<SEQ=301><ACK=102><CTL=ACK>");
    assert_eq!(a.answer("<SEQ=301><ACK=102><LEN=10><CTL=PSH,ACK>"), NOTHING);
    assert_eq!(a.answer("<SEQ=311><ACK=102><CTL=FIN,ACK>"), ["<SEQ=102><ACK=312><CTL=ACK>"]);
}

#[test]
fn text_beside_an_ack_of_what_was_never_sent_is_dropped() {
    // RFC 9293 section 3.10.7.4, fifth: send an ACK, drop the segment, and return. Too old a number is as bad (MAY-12).
    for ack in [102, 101_u32.wrapping_sub(70_000)] {
        let mut a = Scripted::established(Profile::rfc9293());
        assert_eq!(a.answer(&format!("<SEQ=301><ACK={ack}><LEN=10><CTL=FIN,ACK>")), ["<SEQ=101><ACK=301><CTL=ACK>"], "{ack}");
        assert_eq!((a.state(), a.connection.receive_buffered()), (State::Established, 0));
    }
}

#[test]
fn an_ack_alone_that_left_before_our_window_moved_counts() {
    // RFC 9293 section 3.10.7.4, first: the allowance for valid ACKs; as far behind as the largest window reaches.
    for (scale, behind, acked) in [("off", 5, 10), ("off", 65_535, 10), ("off", 65_536, 0), ("2", 262_140, 10), ("2", 262_141, 0)] {
        let options = TcpOptions::NONE.mss(1460).nop().window_scale(0);
        let mut a = Scripted::new(profile(&[("window-scale", scale)])).establish("<SEQ=300><ACK=101><CTL=SYN,ACK>", options);
        a.send(10);
        let seq = 301_u32.wrapping_sub(behind);
        assert_eq!(a.hear(&format!("<SEQ={seq}><ACK=111><CTL=ACK>")).acked, acked, "{behind} behind, scale {scale}");
        assert_eq!(a.out().len(), 1, "its sender hears where we are");
        // Text makes it an old duplicate.
        assert_eq!(a.hear(&format!("<SEQ={seq}><ACK=111><LEN=1><CTL=ACK>")).acked, 0);
    }
}

#[test]
fn the_window_of_the_syn_counts_as_the_largest_where_an_acks_age_is_judged() {
    // R5961-8, R5961-9: SND.UNA - MAX.SND.WND is the oldest; Linux forgets the window of a request.
    for (profile, answered) in [(Profile::rfc9293(), false), (Profile::linux(), true)] {
        let mut b = requested(profile);
        b.hear("<SEQ=301><ACK=101><WND=1000><CTL=ACK>");
        for sent in 1..=6 {
            b.send(500);
            b.hear(&format!("<SEQ=301><ACK={}><WND=1000><CTL=ACK>", 101 + 500 * sent));
        }
        assert_eq!(!b.answer("<SEQ=301><ACK=101><WND=1000><CTL=ACK>").is_empty(), answered);
    }
}
