//! Timestamps of the peer: RFC 7323 sections 3.2, 4.3 and 5.

use super::*;

fn stamped(val: u32, ecr: u32) -> TcpOptions {
    TcpOptions::NONE.nop().nop().timestamps(Timestamps { val, ecr })
}

/// With timestamps in use; TS.Recent is 1000.
fn passive(knobs: &[(&str, &str)]) -> Scripted {
    let knobs = [&[("timestamps", "on")], knobs].concat();
    let mut b = Scripted::new(profile(&knobs));
    b.connection.on_open_passive(b.now, b.open()).expect("CLOSED");
    b.hear_with("<SEQ=300><CTL=SYN>", stamped(1000, 0));
    b.out();
    b
}

fn established(knobs: &[(&str, &str)]) -> Scripted {
    let mut b = passive(knobs);
    b.hear_with("<SEQ=301><ACK=101><CTL=ACK>", stamped(1000, 0));
    assert_eq!(b.state(), State::Established);
    b
}

/// One in SYN-RECEIVED and one in each synchronized state, timestamps in use.
fn everywhere(knobs: &[(&str, &str)]) -> Vec<Scripted> {
    let mut all = vec![passive(knobs), established(knobs)];
    let mut step = |from: usize, close: bool, text: &str| {
        let mut b = all[from].clone();
        if close {
            b.close();
        }
        if !text.is_empty() {
            b.hear_with(text, stamped(1000, 0));
        }
        b.out();
        all.push(b);
        all.len() - 1
    };
    let fin_wait_1 = step(1, true, "");
    let fin_wait_2 = step(fin_wait_1, false, "<SEQ=301><ACK=102><CTL=ACK>");
    let close_wait = step(1, false, "<SEQ=301><ACK=101><CTL=FIN,ACK>");
    step(fin_wait_1, false, "<SEQ=301><ACK=101><CTL=FIN,ACK>");
    step(close_wait, true, "");
    step(fin_wait_2, false, "<SEQ=301><ACK=102><CTL=FIN,ACK>");
    let states: Vec<_> = all.iter().map(Scripted::state).collect();
    let expected: Vec<_> = State::ALL.iter().copied().filter(|state| state.is_synchronized() || *state == State::SynReceived).collect();
    assert_eq!(states, expected);
    all
}

fn numbers(b: &Scripted) -> (u32, u32) {
    let variables = b.connection.variables();
    (variables.rcv_nxt.expect("numbered").get(), variables.snd_nxt.expect("numbered").get())
}

#[test]
fn an_old_timestamp_is_acknowledged_and_the_segment_dropped_in_every_state() {
    // R7323-24; the comparison is modulo 2^32.
    for b in everywhere(&[]) {
        let (next, sent) = numbers(&b);
        for val in [999, 0, 1000_u32.wrapping_add(1 << 31)] {
            let mut b = b.clone();
            let (state, unread) = (b.state(), b.connection.receive_buffered());
            b.hear_with(&format!("<SEQ={next}><ACK={sent}><LEN=10><CTL=FIN,ACK>"), stamped(val, 0));
            assert!(b.walked()[0].ends_with("/paws"), "{:?}", b.walked());
            assert_eq!(b.out(), [format!("<SEQ={sent}><ACK={next}><CTL=ACK>")], "{val} in {state}");
            assert_eq!((b.state(), b.connection.receive_buffered()), (state, unread));
        }
    }
}

#[test]
fn paws_comes_before_the_sequence_number() {
    // R7323-23.
    let mut b = established(&[]);
    b.hear_with("<SEQ=200><ACK=101><LEN=5><CTL=ACK>", stamped(999, 0));
    assert_eq!(b.walked(), ["established/paws"]);
    b.hear_with("<SEQ=200><ACK=101><LEN=5><CTL=ACK>", stamped(1000, 0));
    assert_eq!(b.walked(), ["established/unacceptable"]);
}

#[test]
fn a_rst_is_exempt_and_leaves_the_timestamps_alone() {
    // R7323-22: neither is it tested, nor does it count.
    for old in everywhere(&[]) {
        let (next, _) = numbers(&old);
        for options in [stamped(1, 0), TcpOptions::NONE] {
            let mut b = old.clone();
            b.hear_with(&format!("<SEQ={next}><CTL=RST>"), options);
            let after = if old.state() == State::SynReceived { State::Listen } else { State::Closed };
            assert_eq!(b.state(), after);
        }
    }
    let mut b = established(&[]);
    b.hear_with("<SEQ=305><CTL=RST>", stamped(5000, 0));
    assert_eq!(b.segments()[0].options.get_timestamps().expect("negotiated").ecr, 1000);
}

#[test]
fn missing_timestamps_are_dropped_in_silence() {
    // R7323-15, R7323-16.
    for b in everywhere(&[]) {
        let (next, sent) = numbers(&b);
        for flags in ["ACK", "PSH,ACK", "FIN,ACK"] {
            let mut b = b.clone();
            let state = b.state();
            assert_eq!(b.answer(&format!("<SEQ={next}><ACK={sent}><LEN=10><CTL={flags}>")), NOTHING, "{state}");
            assert!(b.walked()[0].ends_with("/no-timestamps"));
            assert_eq!(b.state(), state);
        }
    }
}

#[test]
fn a_syn_without_timestamps_still_gets_its_challenge_ack() {
    // RFC 5961 section 4.2: whoever asks lost its memory, its timestamps among it.
    let mut b = established(&[]);
    assert_eq!(b.answer("<SEQ=900><CTL=SYN>"), ["<SEQ=101><ACK=301><CTL=ACK>"]);
}

#[test]
fn the_knobs_switch_both_tests_off() {
    let mut b = established(&[("paws", "off"), ("require-timestamps", "off")]);
    b.hear_with("<SEQ=301><ACK=101><LEN=10><CTL=ACK>", stamped(1, 0));
    assert_eq!(b.connection.receive_buffered(), 10);
    b.hear("<SEQ=311><ACK=101><LEN=10><CTL=ACK>");
    assert_eq!(b.connection.receive_buffered(), 20);
}

#[test]
fn timestamps_that_were_not_negotiated_are_ignored() {
    // R7323-17.
    let mut a = Scripted::established(Profile::rfc9293());
    for val in [9000, 5, 0] {
        let before = a.connection.receive_buffered();
        a.hear_with(&format!("<SEQ={}><ACK=101><LEN=10><CTL=ACK>", 301 + before), stamped(val, 7));
        assert_eq!(a.connection.receive_buffered(), before + 10);
        assert!(a.segments().iter().all(|segment| segment.options.is_empty()));
    }
}

#[test]
fn ts_recent_never_goes_back_and_is_believed_for_24_days() {
    // R7323-20, R7323-27.
    let day = Duration::from_hours(24);
    for (idle, believed) in [(day * 23, true), (day * 25, false)] {
        let mut b = established(&[]);
        b.pass(idle);
        b.hear_with("<SEQ=301><ACK=101><LEN=10><CTL=ACK>", stamped(5, 0));
        let echoed = b.segments()[0].options.get_timestamps().expect("negotiated").ecr;
        assert_eq!((b.connection.receive_buffered(), echoed), if believed { (0, 1000) } else { (10, 5) });
    }
}

#[test]
fn a_rst_that_answers_a_segment_echoes_its_timestamp() {
    // R7323-21: TSecr=SEG.TSval, TSval=0.
    for (knob, text) in [("on", "nop,nop,TS val 0 ecr 77"), ("off", "")] {
        let mut nobody = Scripted::new(profile(&[("reset-timestamps", knob)]));
        nobody.hear_with("<SEQ=9><ACK=8><CTL=ACK>", stamped(77, 5));
        assert_eq!(nobody.segments()[0].options.to_string(), text);
    }
    let mut nobody = Scripted::new(Profile::rfc9293());
    nobody.hear("<SEQ=9><ACK=8><CTL=ACK>");
    assert!(nobody.segments()[0].options.is_empty());
}

#[test]
fn an_aborts_rst_carries_timestamps_where_they_are_in_use() {
    // R7323-14, R7323-10: without ACK nothing is echoed.
    for (knobs, text) in
        [(&[][..], "nop,nop,TS val 0 ecr 0"), (&[("abort-acks", "on")], "nop,nop,TS val 0 ecr 1000"), (&[("reset-timestamps", "off")], "")]
    {
        let mut b = established(knobs);
        b.connection.on_abort(b.now).expect("open");
        assert_eq!(b.segments()[0].options.to_string(), text);
    }
}

#[test]
fn a_syn_with_an_old_timestamp_is_an_old_duplicate_but_in_time_wait() {
    // R7323-24; RFC 6191 judges the SYN in TIME-WAIT, and what it does not take is a SYN like any other.
    for mut b in everywhere(&[]) {
        let (next, _) = numbers(&b);
        b.hear_with(&format!("<SEQ={next}><CTL=SYN>"), stamped(999, 0));
        assert_eq!(b.walked()[0].ends_with("/paws"), b.state() != State::TimeWait, "{:?}", b.walked());
    }
}

#[test]
fn ts_recent_is_believed_through_the_24th_day() {
    // R7323-27: more than 24 days.
    let mut b = established(&[]);
    b.pass(Duration::from_hours(24 * 24));
    b.hear_with("<SEQ=301><ACK=101><LEN=10><CTL=ACK>", stamped(5, 0));
    assert_eq!(b.walked(), ["established/paws"]);
}

#[test]
fn the_timestamp_beside_an_ack_of_what_was_not_sent_is_taken_before_or_not_at_all() {
    // RFC 7323 section 4.3 asks for the sequence number alone; Linux looks at the ACK first.
    for (after_ack, echoed) in [("off", 1007), ("on", 1000)] {
        let mut b = established(&[("timestamp-after-ack", after_ack)]);
        b.hear_with("<SEQ=301><ACK=500><CTL=ACK>", stamped(1007, 0));
        let echoes: Vec<_> = b.segments().iter().filter_map(|segment| segment.options.get_timestamps()).map(|ts| ts.ecr).collect();
        assert_eq!(echoes, [echoed], "{after_ack}");
    }
}

#[test]
fn a_syn_is_measured_by_our_own_clock_and_text_by_the_echo() {
    // R7323-18: an echo counts where text is acknowledged; it has whole milliseconds. Linux trusts its own clock first.
    let srtt = |profile: Profile, syn: Duration, text: Duration| {
        let mut b = Scripted::new(profile);
        b.connection.on_open_passive(b.now, b.open()).expect("CLOSED");
        b.hear_with("<SEQ=300><CTL=SYN>", stamped(1000, 0));
        let echo = |segments: &[Segment]| segments[0].options.get_timestamps().expect("agreed").val;
        let sent = echo(&b.segments());
        b.pass(syn);
        b.hear_with("<SEQ=301><ACK=101><CTL=ACK>", stamped(1000, sent));
        b.connection.on_send(b.now, 10, false).expect("room");
        let sent = echo(&b.segments());
        b.pass(text);
        b.hear_with("<SEQ=301><ACK=111><CTL=ACK>", stamped(1000, sent));
        b.connection.variables().srtt.expect("measured")
    };
    let (whole, more) = (Duration::from_millis(50), Duration::from_micros(50_400));
    for (profile, by_echo) in [(profile(&[("timestamps", "on")]), true), (Profile::linux(), false)] {
        assert_ne!(srtt(profile.clone(), whole, whole), srtt(profile.clone(), more, whole), "{}: the SYN", profile.name);
        assert_eq!(srtt(profile.clone(), whole, whole) == srtt(profile.clone(), whole, more), by_echo, "{}: text", profile.name);
    }
}
