//! Where FreeBSD differs from the base, one test for each difference.

use super::*;

#[test]
fn options_stand_where_freebsd_puts_them() {
    for (knobs, options) in [
        (&[][..], "mss 1460,nop,wscale 6,sackOK,TS val 0 ecr 0"),
        (&[("sack", "off")], "mss 1460,nop,wscale 6,nop,nop,TS val 0 ecr 0"),
        (&[("timestamps", "off"), ("window-scale", "off")], "mss 1460,sackOK,eol"),
        (&[("timestamps", "off"), ("window-scale", "off"), ("sack", "off")], "mss 1460"),
    ] {
        let mut freebsd = Profile::freebsd();
        for (knob, value) in knobs {
            freebsd.set(knob, value).expect("a knob");
        }
        let mut a = Scripted::new(freebsd);
        a.connection.on_open_active(a.now, a.open()).expect("CLOSED");
        let left = a.segments()[0].options;
        assert_eq!(left.to_string(), options);
        assert!(left.octets().len().is_multiple_of(4), "{options}");
    }
}

#[test]
fn every_wait_for_a_syn_but_the_first_has_a_slop() {
    let mut a = Scripted::new(Profile::freebsd());
    a.connection.on_open_active(a.now, a.open()).expect("CLOSED");
    a.out();
    for wait in [1000, 2200, 4200, 8200, 16_200] {
        assert_eq!(a.wait().0, wait);
    }
}

#[test]
fn later_syns_have_the_mss_alone_where_a_knob_says_so() {
    // net.inet.tcp.rexmit_drop_options; a SYN,ACK keeps all that was agreed.
    let all = ["mss 1460,nop,wscale 6,sackOK,TS val"; 5];
    for (knob, active, syns) in [
        ("0", true, &all[..]),
        (
            "2",
            true,
            &[
                "mss 1460,nop,wscale 6,sackOK,TS val",
                "mss 1460,nop,wscale 6,sackOK,TS val",
                "mss 1460,nop,wscale 6,sackOK,TS val",
                "mss 1460",
                "mss 1460",
            ],
        ),
        ("2", false, &all[..4]),
    ] {
        let mut freebsd = Profile::freebsd();
        freebsd.set("full-syn-retries", knob).expect("a knob");
        let mut a = Scripted::new(freebsd);
        if active {
            a.connection.on_open_active(a.now, a.open()).expect("CLOSED");
        } else {
            a.connection.on_open_passive(a.now, a.open()).expect("CLOSED");
            let offers = TcpOptions::NONE.mss(1460).window_scale(1).sack_permitted().timestamps(Timestamps { val: 9, ecr: 0 });
            a.hear_with("<SEQ=300><CTL=SYN>", offers.padded());
        }
        for (number, options) in syns.iter().enumerate() {
            let shown = a.segments()[0].options.to_string();
            assert_eq!(shown.split(" val").next(), options.split(" val").next(), "{knob}: SYN {number}");
            a.now = a.connection.deadline(Timer::Retransmission).expect("it is timed");
            a.connection.on_time(a.now);
        }
    }
}

#[test]
fn a_syn_ack_in_listen_is_ignored() {
    for (profile, answer) in
        [(Profile::rfc9293(), &["<SEQ=101><CTL=RST>"][..]), (Profile::linux(), &["<SEQ=101><CTL=RST>"]), (Profile::freebsd(), &[])]
    {
        let mut b = Scripted::new(profile);
        b.connection.on_open_passive(b.now, b.open()).expect("CLOSED");
        assert_eq!(b.answer("<SEQ=300><ACK=101><CTL=SYN,ACK>"), answer);
        // An ACK without SYN draws RST everywhere.
        assert_eq!(b.answer("<SEQ=300><ACK=101><CTL=ACK>"), ["<SEQ=101><CTL=RST>"]);
        assert_eq!(b.state(), State::Listen);
    }
}

#[test]
fn the_ack_of_a_fin_that_crossed_ours_is_our_fin_again() {
    for (profile, answer) in [(Profile::rfc9293(), "<SEQ=102><ACK=302><CTL=ACK>"), (Profile::freebsd(), "<SEQ=101><ACK=302><CTL=FIN,ACK>")]
    {
        let mut a = Scripted::established(profile);
        assert_eq!(a.close(), ["<SEQ=101><ACK=301><CTL=FIN,ACK>"]);
        assert_eq!(a.answer("<SEQ=301><ACK=101><CTL=FIN,ACK>"), [answer]);
        assert_eq!(a.state(), State::Closing);
        // All that follows is a plain ACK.
        assert_eq!(a.answer("<SEQ=310><CTL=SYN>"), ["<SEQ=102><ACK=302><CTL=ACK>"]);
        assert_eq!(a.answer("<SEQ=302><ACK=102><CTL=ACK>"), NOTHING);
        assert_eq!(a.state(), State::TimeWait);
    }
}

#[test]
fn a_fin_that_has_not_left_is_not_sent_again() {
    // Our window is closed by the peer: text and FIN wait.
    let mut a = Scripted::new(Profile::freebsd()).establish("<SEQ=300><ACK=101><WND=0><CTL=SYN,ACK>", TcpOptions::NONE);
    assert_eq!((a.send(5), a.close()), (vec![], vec![]));
    assert_eq!(a.answer("<SEQ=301><ACK=101><WND=0><CTL=FIN,ACK>"), ["<SEQ=101><ACK=302><CTL=ACK>"]);
}

#[test]
fn no_reset_ends_time_wait_and_no_segment_without_ack_is_answered() {
    for segment in ["<SEQ=302><CTL=RST>", "<SEQ=310><CTL=RST>", "<SEQ=5><CTL=RST>", "<SEQ=5><CTL=PSH>", "<SEQ=301><CTL=FIN>"] {
        let mut a = Scripted::established(Profile::freebsd());
        a.close();
        a.answer("<SEQ=301><ACK=102><CTL=FIN,ACK>");
        assert_eq!(a.answer(segment), NOTHING, "{segment}");
        assert_eq!(a.state(), State::TimeWait);
    }
}

#[test]
fn the_buffer_grows_to_whole_segments_and_the_window_to_the_scale() {
    let offers = TcpOptions::NONE.mss(1460);
    // An answer cuts its window down to the scale; what else leaves rounds it up.
    for (options, edge, field) in [(offers, 65_700, 65_535), (offers.nop().window_scale(6), 65_728, 1026)] {
        let mut a = Scripted::new(Profile::freebsd()).establish("<SEQ=300><ACK=101><CTL=SYN,ACK>", options);
        let beyond = a.answer(&format!("<SEQ={}><CTL=RST>", 301 + edge));
        assert_eq!((beyond, a.state()), (vec![], State::Established));
        a.hear(&format!("<SEQ={}><CTL=RST>", 300 + edge));
        let challenge = a.segments().remove(0);
        assert_eq!((challenge.to_string().as_str(), challenge.window), ("<SEQ=101><ACK=301><CTL=ACK>", WireWindow(field)));
    }
}

#[test]
fn a_request_has_no_buffer_yet() {
    // The SYN cache: 65535 is the last number inside.
    for (seq, answer) in [(300 + 65_535, &["<SEQ=101><ACK=301><CTL=ACK>"][..]), (301 + 65_535, &[])] {
        let mut b = requested(Profile::freebsd());
        assert_eq!(b.answer(&format!("<SEQ={seq}><CTL=RST>")), answer);
        assert_eq!(b.state(), State::SynReceived);
    }
}

#[test]
fn a_connect_that_nobody_answers_fails_after_keepinit() {
    let mut a = Scripted::new(Profile::freebsd());
    a.connection.on_open_active(a.now, a.open()).expect("CLOSED");
    a.out();
    while a.state() == State::SynSent {
        a.wait();
    }
    assert_eq!((a.now.as_millis(), a.walked()), (75_000, vec!["syn-sent/user-timeout"]));
    // Once it is open, nothing limits it.
    let a = Scripted::established(Profile::freebsd());
    assert_eq!(a.connection.deadline(Timer::User), None);
}

#[test]
fn an_accepted_connection_has_its_buffer_at_once() {
    let mut b = requested(Profile::freebsd());
    b.hear("<SEQ=301><ACK=101><CTL=ACK>");
    // No MSS from the peer: 536 octets, and 123 times that.
    assert_eq!(b.connection.variables().rcv_wnd, Some(65_928));
}

#[test]
fn text_of_a_syn_is_kept_only_where_opens_cross() {
    let mut b = Scripted::new(Profile::freebsd());
    b.connection.on_open_passive(b.now, b.open()).expect("CLOSED");
    b.answer("<SEQ=300><LEN=5><CTL=SYN,FIN>");
    b.hear("<SEQ=301><ACK=101><CTL=ACK>");
    assert_eq!((b.state(), b.connection.receive_buffered()), (State::Established, 0));
    let mut a = Scripted::new(Profile::freebsd());
    a.connection.on_open_active(a.now, a.open()).expect("CLOSED");
    a.out();
    assert_eq!(a.answer("<SEQ=300><LEN=5><CTL=SYN,FIN>"), ["<SEQ=100><ACK=301><CTL=SYN,ACK>"]);
    a.hear("<SEQ=306><ACK=101><CTL=ACK>");
    assert_eq!((a.state(), a.connection.receive_buffered()), (State::Established, 5));
}

#[test]
fn the_reset_of_an_abort_has_no_window() {
    for (profile, window) in [(Profile::linux(), 64_240), (Profile::freebsd(), 0)] {
        let mut a = Scripted::established(profile);
        a.connection.on_abort(a.now).expect("open");
        let reset = a.segments().remove(0);
        assert_eq!((reset.to_string().as_str(), reset.window), ("<SEQ=101><ACK=301><CTL=RST,ACK>", WireWindow(window)));
    }
}

#[test]
fn a_fin_that_rides_on_an_ack_gives_no_sample() {
    // R6298-6, MUST-18: the ACK may be for either FIN.
    let mut a = Scripted::established(Profile::freebsd());
    let before = a.connection.variables().srtt;
    assert_eq!(a.close(), ["<SEQ=101><ACK=301><CTL=FIN,ACK>"]);
    a.pass(Duration::from_millis(20));
    assert_eq!(a.answer("<SEQ=301><ACK=101><CTL=FIN,ACK>"), ["<SEQ=101><ACK=302><CTL=FIN,ACK>"]);
    a.pass(Duration::from_millis(20));
    a.hear("<SEQ=302><ACK=102><CTL=ACK>");
    assert_eq!((a.state(), a.connection.variables().srtt), (State::TimeWait, before));
}

#[test]
fn who_opens_actively_takes_a_whole_buffer_from_the_crossing_syn_on() {
    // 65536 octets, grown to 45 segments: 65700. Text at 65599 lies within, though beyond what 16 bits can say.
    let mut a = crossed(Profile::freebsd(), TcpOptions::NONE.mss(1460));
    assert_eq!(a.connection.variables().rcv_wnd, Some(65_700));
    a.hear("<SEQ=65900><ACK=101><LEN=10><CTL=ACK>");
    assert_eq!((a.state(), a.walked()), (State::Established, vec!["syn-received/ack", "established/text-out-of-order"]));
}

#[test]
fn a_window_opens_by_a_segment_or_by_a_quarter_of_the_buffer() {
    for (segments, silly) in [(10, 1459), (2, 729)] {
        let buffer = segments * 1460;
        let mut freebsd = Profile::freebsd();
        freebsd.set("receive-buffer", &buffer.to_string()).expect("a knob");
        let mut a = Scripted::established(freebsd);
        for segment in 0..segments {
            a.answer(&format!("<SEQ={}><ACK=101><LEN=1460><CTL=ACK>", 301 + 1460 * segment));
        }
        let probe = format!("<SEQ={}><ACK=101><LEN=1><CTL=ACK>", 301 + buffer);
        let mut offered_after = |read| {
            assert_eq!(a.connection.on_receive(a.now, read), Ok(read));
            a.hear(&probe);
            a.segments().last().expect("a probe is answered").window.0
        };
        assert_eq!(offered_after(silly), 0, "{buffer}: {silly} octets are not worth it");
        assert_eq!(u32::from(offered_after(1)), silly + 1, "{buffer}: and one more");
    }
}

#[test]
fn an_insecure_reset_need_only_be_in_the_window() {
    let mut freebsd = Profile::freebsd();
    let mut secure = Scripted::established(freebsd.clone());
    assert_eq!(secure.answer("<SEQ=400><CTL=RST>"), ["<SEQ=101><ACK=301><CTL=ACK>"]);
    freebsd.set("insecure-reset", "on").expect("a knob");
    let mut a = Scripted::established(freebsd.clone());
    assert_eq!(a.answer("<SEQ=300><CTL=RST>"), NOTHING);
    assert_eq!(a.state(), State::Established);
    assert_eq!(a.answer("<SEQ=400><CTL=RST>"), NOTHING);
    assert_eq!(a.state(), State::Closed);
    // A SYN is still answered by an ACK.
    let mut b = Scripted::established(freebsd);
    assert_eq!(b.answer("<SEQ=400><CTL=SYN>"), ["<SEQ=101><ACK=301><CTL=ACK>"]);
}

#[test]
fn an_insecure_syn_in_the_window_ends_the_connection_as_abort_does() {
    let mut freebsd = Profile::freebsd();
    freebsd.set("insecure-syn", "on").expect("a knob");
    let mut a = Scripted::established(freebsd.clone());
    assert_eq!(a.answer("<SEQ=300><CTL=SYN>"), ["<SEQ=101><ACK=301><CTL=ACK>"]);
    assert_eq!(a.answer("<SEQ=400><CTL=SYN>"), ["<SEQ=101><ACK=301><CTL=RST,ACK>"]);
    assert_eq!(a.state(), State::Closed);
    // A RST must still be exact; and TIME-WAIT keeps its own way.
    let mut b = Scripted::established(freebsd);
    assert_eq!(b.answer("<SEQ=400><CTL=RST>"), ["<SEQ=101><ACK=301><CTL=ACK>"]);
    assert_eq!(b.close(), ["<SEQ=101><ACK=301><CTL=FIN,ACK>"]);
    b.answer("<SEQ=301><ACK=102><CTL=FIN,ACK>");
    assert_eq!(b.answer("<SEQ=302><ACK=102><CTL=SYN,ACK>"), ["<SEQ=102><ACK=302><CTL=ACK>"]);
    assert_eq!(b.state(), State::TimeWait);
}

#[test]
fn no_peer_is_believed_to_take_less_than_minmss() {
    for (theirs, expected) in [(217, 217), (216, 216), (215, 216), (1, 216), (0, 536)] {
        let a = Scripted::new(Profile::freebsd()).establish("<SEQ=300><ACK=101><CTL=SYN,ACK>", TcpOptions::NONE.mss(theirs));
        assert_eq!(a.connection.variables().mss, Some(expected), "{theirs}");
    }
}

#[test]
fn the_send_buffer_grows_to_whole_segments() {
    for (mss, room) in [(1000, 33_000), (1460, 33_580), (512, 32_768)] {
        let a = Scripted::new(Profile::freebsd()).establish("<SEQ=300><ACK=101><CTL=SYN,ACK>", TcpOptions::NONE.mss(mss));
        assert_eq!(a.connection.send_capacity(), room, "{mss}");
    }
    // Not before there is a peer, nor for one that does not say, nor elsewhere.
    assert_eq!(Scripted::new(Profile::freebsd()).connection.send_capacity(), 32_768);
    let silent = Scripted::new(Profile::freebsd()).establish("<SEQ=300><ACK=101><CTL=SYN,ACK>", TcpOptions::NONE);
    assert_eq!(silent.connection.send_capacity(), 32_768);
    let a = Scripted::established(Profile::rfc9293());
    assert_eq!(a.connection.send_capacity(), Profile::rfc9293().send_buffer);
    let mut small = Profile::freebsd();
    small.set("send-buffer", "999").expect("a knob");
    let a = Scripted::new(small).establish("<SEQ=300><ACK=101><CTL=SYN,ACK>", TcpOptions::NONE.mss(1000));
    assert_eq!(a.connection.send_capacity(), 999, "less than a segment stays");
}

#[test]
fn a_crossing_syn_ack_is_answered_without_a_sack_block() {
    let offers = TcpOptions::NONE.mss(1460).sack_permitted();
    let mut a = crossed(Profile::freebsd(), offers);
    a.hear_with("<SEQ=300><ACK=101><CTL=SYN,ACK>", offers);
    let left = a.segments();
    assert_eq!((left.len(), left[0].to_string().as_str(), left[0].options), (1, "<SEQ=101><ACK=301><CTL=ACK>", TcpOptions::NONE));
}
