//! Where Linux differs from the base, one test for each difference that no other file is about.

use super::*;
use crate::engine::Timestamps;

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

/// Linux with this knob off.
fn linux_but(knob: &str) -> Profile {
    let mut profile = Profile::linux();
    profile.set(knob, "off").expect("a knob");
    profile
}

/// In ESTABLISHED, both sides permitting SACK, without timestamps: RCV.NXT = 301.
fn with_sack(profile: Profile) -> Scripted {
    Scripted::new(profile).establish("<SEQ=300><ACK=101><CTL=SYN,ACK>", TcpOptions::NONE.mss(1460).sack_permitted())
}

/// The options of what answers each of these segments in turn.
fn options_after(mut b: Scripted, segments: &[&str]) -> Vec<String> {
    let mut answers = Vec::new();
    for segment in segments {
        b.hear(segment);
        answers.extend(b.segments().into_iter().map(|segment| segment.options.to_string()));
    }
    answers
}

#[test]
fn only_where_sack_is_permitted_a_tail_is_probed_before_the_timer_doubles() {
    // Twice the same wait: the first was the probe's.
    for (mut b, probes) in [
        (with_sack(Profile::linux()), true),
        (with_sack(linux_but("tail-loss-probe")), false),
        (Scripted::established(Profile::linux()), false),
        (Scripted::established(linux_but("tail-loss-probe")), false),
    ] {
        b.send(10);
        b.out();
        let [first, second, third] = [(); 3].map(|()| b.wait().0);
        let expected = if probes { (first, 2 * first) } else { (2 * first, 4 * first) };
        assert_eq!((second, third), expected, "after {first} ms");
    }
}

#[test]
fn what_comes_again_is_reported_as_received_twice() {
    // RFC 2883 section 4: the first block is what came again, cut where it is new.
    let first = "<SEQ=301><ACK=101><LEN=20><CTL=PSH,ACK>";
    for (again, block) in [
        ("<SEQ=301><ACK=101><LEN=10><CTL=PSH,ACK>", "nop,nop,sack 301:311"),
        ("<SEQ=301><ACK=101><LEN=20><CTL=PSH,ACK>", "nop,nop,sack 301:321"),
        ("<SEQ=301><ACK=101><LEN=30><CTL=PSH,ACK>", "nop,nop,sack 301:321"),
    ] {
        assert_eq!(options_after(with_sack(Profile::linux()), &[first, again]), ["", block], "{again}");
        assert_eq!(options_after(with_sack(linux_but("dsack")), &[first, again]), ["", ""], "{again}");
        assert_eq!(options_after(Scripted::established(Profile::linux()), &[first, again]), ["", ""], "nobody permits it");
    }
}

#[test]
fn a_repeat_is_reported_once_and_before_what_is_held() {
    let segments = [
        "<SEQ=301><ACK=101><LEN=20><CTL=PSH,ACK>",
        "<SEQ=331><ACK=101><LEN=10><CTL=PSH,ACK>",
        "<SEQ=301><ACK=101><LEN=20><CTL=PSH,ACK>",
        "<SEQ=341><ACK=101><LEN=10><CTL=PSH,ACK>",
    ];
    let said = ["", "nop,nop,sack 331:341", "nop,nop,sack 301:321 331:341", "nop,nop,sack 331:351"];
    assert_eq!(options_after(with_sack(Profile::linux()), &segments), said);
}

#[test]
fn a_fin_that_comes_again_is_reported_but_not_in_time_wait() {
    let fin = "<SEQ=301><ACK=101><CTL=FIN,ACK>";
    let mut b = with_sack(Profile::linux());
    b.hear(fin);
    b.wait();
    assert_eq!(options_after(b, &[fin]), ["nop,nop,sack 301:302"]);
    let mut b = with_sack(Profile::linux());
    b.close();
    b.hear("<SEQ=301><ACK=102><CTL=FIN,ACK>");
    b.out();
    assert_eq!(b.state(), State::TimeWait);
    assert_eq!(options_after(b, &["<SEQ=301><ACK=102><CTL=FIN,ACK>"]), [""]);
}

#[test]
fn a_held_fin_counts_in_sack_blocks() {
    for (profile, with_text, alone) in
        [(Profile::linux(), "nop,nop,sack 311:322", "nop,nop,sack 311:312"), (linux_but("sack-fin"), "nop,nop,sack 311:321", "")]
    {
        assert_eq!(options_after(with_sack(profile.clone()), &["<SEQ=311><ACK=101><LEN=10><CTL=FIN,ACK>"]), [with_text]);
        assert_eq!(options_after(with_sack(profile), &["<SEQ=311><ACK=101><CTL=FIN,ACK>"]), [alone]);
    }
}

#[test]
fn a_strange_ack_brings_the_syn_again_soon() {
    // The peer still has the connection from before our crash; it is gone when it has heard our RST.
    for (profile, wait) in [(Profile::linux(), 8), (Profile::rfc9293(), 1000)] {
        let mut a = Scripted::new(profile);
        a.connection.on_open_active(a.now, a.open()).expect("CLOSED");
        a.out();
        assert_eq!(a.answer("<SEQ=300><ACK=90><CTL=ACK>"), ["<SEQ=90><CTL=RST>"]);
        assert_eq!(a.wait(), (wait, vec!["<SEQ=100><CTL=SYN>".to_owned()]));
        // Only a SYN that has never timed out is hurried.
        a.answer("<SEQ=300><ACK=90><CTL=ACK>");
        assert!(a.wait().0 >= 1000);
    }
}

#[test]
fn what_comes_again_has_its_timestamp_taken_if_its_end_was_acknowledged_last() {
    let with = |val| TcpOptions::NONE.nop().nop().timestamps(Timestamps { val, ecr: 0 });
    let last = "<SEQ=311><ACK=101><LEN=10><CTL=PSH,ACK>";
    for (profile, again, echoed) in [
        (Profile::linux(), last, 30),
        (Profile::linux(), "<SEQ=301><ACK=101><LEN=10><CTL=PSH,ACK>", 20),
        (linux_but("lenient-sequence"), last, 20),
    ] {
        let offered = TcpOptions::NONE.mss(1460).nop().nop().timestamps(Timestamps { val: 10, ecr: 0 });
        let mut b = Scripted::new(profile).establish("<SEQ=300><ACK=101><CTL=SYN,ACK>", offered);
        b.hear_with("<SEQ=301><ACK=101><LEN=10><CTL=PSH,ACK>", with(20));
        b.out();
        b.hear_with(last, with(20));
        b.out();
        b.hear_with(again, with(30));
        let echoes = b.segments().iter().filter_map(|segment| segment.options.get_timestamps()).map(|ts| ts.ecr).collect::<Vec<_>>();
        assert_eq!(echoes, [echoed], "{again}");
    }
}

#[test]
fn an_old_ack_alone_that_was_acknowledged_last_has_its_timestamp_taken_and_no_answer() {
    // Measured: the next ACK echoes what the old one said.
    let with = |val| TcpOptions::NONE.nop().nop().timestamps(Timestamps { val, ecr: 0 });
    for (profile, at_once, echoed) in [(Profile::linux(), false, 30), (linux_but("lenient-sequence"), true, 20)] {
        let offered = TcpOptions::NONE.mss(1460).nop().nop().timestamps(Timestamps { val: 10, ecr: 0 });
        let mut b = Scripted::new(profile).establish("<SEQ=300><ACK=101><CTL=SYN,ACK>", offered);
        b.hear_with("<SEQ=301><ACK=101><LEN=10><CTL=PSH,ACK>", with(20));
        b.send(10);
        b.hear_with("<SEQ=311><ACK=111><LEN=10><CTL=PSH,ACK>", with(20));
        assert_eq!(b.out(), NOTHING, "it waits for an answer");
        b.hear_with("<SEQ=311><ACK=111><CTL=ACK>", with(30));
        let mut left = b.segments();
        assert_eq!(left.is_empty(), !at_once);
        if left.is_empty() {
            b.now = b.connection.deadline(Timer::DelayedAck).expect("an ACK is owed");
            b.connection.on_time(b.now);
            left = b.segments();
        }
        let echoes = left.iter().filter_map(|segment| segment.options.get_timestamps()).map(|ts| ts.ecr).collect::<Vec<_>>();
        assert_eq!(echoes, [echoed]);
    }
}

#[test]
fn the_rest_of_a_write_leaves_behind_its_full_segments() {
    let rest = "<SEQ=1561><ACK=301><LEN=40><CTL=PSH,ACK>";
    let mut rfc = Scripted::established(Profile::rfc9293());
    assert_eq!(rfc.send(1500).len(), 1, "Nagle: it waits");
    let mut linux = Scripted::established(Profile::linux());
    assert_eq!(linux.send(1500)[1], rest);
    // But a short one waits for a short one.
    assert_eq!(linux.send(10), NOTHING);
    assert_eq!(linux.answer("<SEQ=301><ACK=1601><CTL=ACK>"), ["<SEQ=1601><ACK=301><LEN=10><CTL=PSH,ACK>"]);
}

#[test]
fn a_segment_is_at_most_half_of_the_largest_window() {
    for (window, first) in [(1000, 500), (536, 536), (65_535, 1460)] {
        let mut a = Scripted::new(Profile::linux())
            .establish(&format!("<SEQ=300><ACK=101><WND={window}><CTL=SYN,ACK>"), TcpOptions::NONE.mss(1460));
        assert!(a.send(2000)[0].contains(&format!("<LEN={first}>")), "{window}");
    }
}

#[test]
fn the_first_retransmission_is_a_probe_where_sack_is_agreed() {
    let mut a = after_a_moment(Profile::linux());
    a.send(5);
    let waits: Vec<_> = (0..4).map(|_| a.wait().0).collect();
    assert_eq!(waits[0], waits[1], "the probe doubles nothing");
    assert_eq!((waits[2], waits[3]), (2 * waits[1], 4 * waits[1]));
}

#[test]
fn a_connection_that_nobody_holds_is_given_up_earlier() {
    let retransmissions = |closed: bool| {
        let mut a = after_a_moment(Profile::linux());
        a.send(5);
        if closed {
            a.connection.on_close(a.now, true).expect("open");
            a.out();
        }
        (0..40).take_while(|_| !a.wait().1.is_empty()).count()
    };
    // The probe, and 8 or 15 behind it.
    assert_eq!((retransmissions(true), retransmissions(false)), (9, 16));
}

#[test]
fn text_and_fin_of_a_syn_ack_are_dropped() {
    let mut a = Scripted::new(Profile::linux());
    a.connection.on_open_active(a.now, a.open()).expect("CLOSED");
    a.out();
    assert_eq!(a.answer("<SEQ=300><ACK=101><LEN=20><CTL=SYN,FIN,ACK>"), ["<SEQ=101><ACK=301><CTL=ACK>"]);
    assert_eq!(a.state(), State::Established);
}

#[test]
fn text_with_a_bad_ack_counts_as_a_challenge() {
    let mut a = Scripted::established(Profile::linux());
    assert_eq!(a.answer("<SEQ=301><ACK=900><LEN=20><CTL=PSH,ACK>"), ["<SEQ=101><ACK=301><CTL=ACK>"]);
    assert_eq!(a.answer("<SEQ=301><ACK=900><LEN=20><CTL=PSH,ACK>"), NOTHING, "once in 500 ms");
}

/// The same, with a round trip of a millisecond.
fn after_a_moment(profile: Profile) -> Scripted {
    let mut a = with_sack(profile);
    a.pass(Duration::from_millis(1));
    a
}

#[test]
fn nothing_but_a_strange_ack_hurries_the_syn() {
    for other in ["<SEQ=300><CTL=RST>", "<SEQ=300><LEN=5><CTL=PSH>", "<SEQ=300><ACK=101><CTL=ACK>"] {
        let mut a = Scripted::new(Profile::linux());
        a.connection.on_open_active(a.now, a.open()).expect("CLOSED");
        a.out();
        a.answer(other);
        assert_eq!((a.state(), a.wait().0), (State::SynSent, 1000), "{other}");
    }
}

#[test]
fn a_short_segment_waits_for_a_short_one_alone_and_full_ones_between_change_nothing() {
    // Minshall's Nagle.
    let full = |seq| format!("<SEQ={seq}><ACK=301><LEN=1460><CTL=PSH,ACK>");
    let mut a = Scripted::established(profile(&[("nagle-short-only", "on")]));
    assert_eq!((a.send(1460), a.send(1460)), (vec![full(101)], vec![full(1561)]));
    assert_eq!(a.send(5), ["<SEQ=3021><ACK=301><LEN=5><CTL=PSH,ACK>"], "only full ones are under way");
    assert_eq!((a.send(1460), a.send(5).len()), (vec![full(3026)], 0), "a short one is under way still");
}

/// RCV.NXT and the window behind it.
fn window_of(a: &Scripted) -> (u32, u32) {
    let variables = a.connection.variables();
    (variables.rcv_nxt.expect("numbered").get(), variables.rcv_wnd.expect("numbered"))
}

#[test]
fn a_reset_just_behind_the_window_is_challenged() {
    for (profile, answer) in [(Profile::rfc9293(), &[][..]), (Profile::linux(), &["<SEQ=101><ACK=301><CTL=ACK>"])] {
        let mut b = Scripted::established(profile);
        let (nxt, wnd) = window_of(&b);
        assert_eq!(b.answer(&format!("<SEQ={}><CTL=RST>", nxt + wnd)), answer);
        assert!(b.answer(&format!("<SEQ={}><CTL=RST>", nxt + wnd + 1)).is_empty());
        assert_eq!(b.state(), State::Established);
    }
}

#[test]
fn a_reset_with_the_number_of_the_fin_counts_as_exact() {
    for (profile, state) in [(Profile::rfc9293(), State::CloseWait), (Profile::linux(), State::Closed)] {
        let mut b = Scripted::established(profile);
        // No FIN has come: the number before the next is old, and nothing else.
        assert!(b.answer("<SEQ=300><CTL=RST>").is_empty());
        assert_eq!(b.state(), State::Established);
        b.answer("<SEQ=301><ACK=101><CTL=FIN,ACK>");
        b.hear("<SEQ=301><CTL=RST>");
        assert_eq!(b.state(), state);
    }
}

#[test]
fn time_wait_judges_by_the_number_alone() {
    let time_wait = |profile| {
        let mut a = Scripted::established(profile);
        a.close();
        a.answer("<SEQ=301><ACK=102><CTL=FIN,ACK>");
        assert_eq!(a.state(), State::TimeWait);
        a.pass(Duration::from_secs(1));
        a
    };
    let answered = ["<SEQ=102><ACK=302><CTL=ACK>"];
    for segment in ["<SEQ=302><CTL=FIN>", "<SEQ=400><CTL=PSH>"] {
        assert!(time_wait(Profile::rfc9293()).answer(segment).is_empty(), "{segment}");
        assert_eq!(time_wait(Profile::linux()).answer(segment), answered, "{segment}");
    }
    assert!(time_wait(Profile::linux()).answer("<SEQ=302><CTL=PSH>").is_empty(), "what is expected");
    assert_eq!(time_wait(Profile::rfc9293()).answer("<SEQ=400><CTL=RST>"), answered);
    assert!(time_wait(Profile::linux()).answer("<SEQ=400><CTL=RST>").is_empty(), "a RST is never answered");
}

#[test]
fn text_that_waits_for_more_has_room() {
    // MSG_MORE: while nothing is under way, a timer ends that; the window is no reason to ask.
    for window in [65_535, 100] {
        let mut a = Scripted::new(Profile::linux()).establish("<SEQ=300><ACK=101><CTL=SYN,ACK>", TcpOptions::NONE.mss(1460));
        a.hear(&format!("<SEQ=301><ACK=101><WND={window}><CTL=ACK>"));
        assert_eq!(a.connection.on_send(a.now, 100, true), Ok(100));
        assert_eq!(a.out(), NOTHING);
        assert_eq!(a.connection.poll_deadline(), None, "{window}");
    }
}
