//! What FreeBSD sends of its connection, and what it answers from numbers alone; its SYN cache; its timers.

use super::*;

const CHALLENGE: &str = "<SEQ=101><ACK=301><CTL=ACK>";
const SYN_ACK: &str = "<SEQ=100><ACK=301><CTL=SYN,ACK>";

/// A connection whose FIN has left, with the knob `acks-repeat-fin` as FreeBSD has it.
fn closed_first() -> Scripted {
    let mut a = Scripted::established(Profile::freebsd());
    assert_eq!(a.close(), ["<SEQ=101><ACK=301><CTL=FIN,ACK>"]);
    a
}

#[test]
fn an_ack_takes_the_fin_along_until_that_is_acknowledged() {
    let again = "<SEQ=101><ACK=301><CTL=FIN,ACK>";
    for stray in
        ["<SEQ=300><ACK=101><CTL=ACK>", "<SEQ=99999><ACK=101><CTL=ACK>", "<SEQ=290><LEN=5><ACK=101><CTL=ACK>", "<SEQ=300><CTL=PSH>"]
    {
        assert_eq!(closed_first().answer(stray), [again], "{stray}");
    }
    // A challenge is made from numbers.
    for stray in ["<SEQ=310><CTL=SYN>", "<SEQ=310><CTL=RST>", "<SEQ=310><ACK=101><CTL=SYN,ACK>", "<SEQ=301><ACK=100><CTL=ACK>"] {
        assert_eq!(closed_first().answer(stray), ["<SEQ=102><ACK=301><CTL=ACK>"], "{stray}");
    }
    // Text is acknowledged late, and as well.
    let mut a = closed_first();
    assert_eq!(a.answer("<SEQ=301><LEN=10><ACK=101><CTL=ACK>"), NOTHING);
    assert_eq!(a.wait(), (40, vec!["<SEQ=101><ACK=311><CTL=FIN,ACK>".to_owned()]));
    // So it is while text is under way, and no FIN.
    let mut open = Scripted::established(Profile::freebsd());
    open.send(10);
    assert_eq!(open.answer("<SEQ=300><ACK=101><CTL=ACK>"), ["<SEQ=111><ACK=301><CTL=ACK>"]);
    // In FIN-WAIT-2 an ACK is an ACK.
    a.hear("<SEQ=311><ACK=102><CTL=ACK>");
    assert_eq!((a.state(), a.answer("<SEQ=300><ACK=102><CTL=ACK>")), (State::FinWait2, vec!["<SEQ=102><ACK=311><CTL=ACK>".to_owned()]));
}

#[test]
fn the_ack_of_what_comes_again_is_looked_at() {
    // Both have closed: the FIN that comes again acknowledges ours.
    let mut a = closed_first();
    a.answer("<SEQ=301><ACK=101><CTL=FIN,ACK>");
    assert_eq!(a.answer("<SEQ=301><ACK=102><CTL=FIN,ACK>"), ["<SEQ=102><ACK=302><CTL=ACK>"]);
    assert_eq!(a.state(), State::TimeWait);
    // So where the other side opened.
    let mut accepted = requested(Profile::freebsd());
    accepted.hear("<SEQ=301><ACK=101><CTL=ACK>");
    accepted.close();
    accepted.answer("<SEQ=301><ACK=101><CTL=FIN,ACK>");
    accepted.answer("<SEQ=301><ACK=102><CTL=FIN,ACK>");
    assert_eq!(accepted.state(), State::TimeWait);
    // In LAST-ACK nothing is left to say.
    let mut b = Scripted::established(Profile::freebsd());
    b.answer("<SEQ=301><ACK=101><CTL=FIN,ACK>");
    assert_eq!(b.close(), ["<SEQ=101><ACK=302><CTL=FIN,ACK>"]);
    assert_eq!(b.answer("<SEQ=301><ACK=102><CTL=FIN,ACK>"), NOTHING);
    assert_eq!(b.state(), State::Closed);
    // Elsewhere the whole segment is refused.
    let mut c = Scripted::established(Profile::rfc9293());
    c.close();
    c.answer("<SEQ=301><ACK=101><CTL=FIN,ACK>");
    c.answer("<SEQ=301><ACK=102><CTL=FIN,ACK>");
    assert_eq!(c.state(), State::Closing);
}

#[test]
fn only_challenges_have_the_budget_of_challenges() {
    let mut a = Scripted::established(Profile::freebsd());
    for _ in 0..5 {
        assert_eq!(a.answer("<SEQ=310><CTL=SYN>"), [CHALLENGE]);
    }
    assert_eq!(a.answer("<SEQ=310><CTL=SYN>"), NOTHING);
    assert_eq!(a.answer("<SEQ=310><CTL=RST>"), NOTHING);
    assert_eq!(a.answer("<SEQ=301><ACK=100><CTL=ACK>"), NOTHING, "of a number that never was");
    for stray in ["<SEQ=300><ACK=101><CTL=ACK>", "<SEQ=301><ACK=999><CTL=ACK>", "<SEQ=290><LEN=5><ACK=101><CTL=ACK>"] {
        assert_eq!(a.answer(stray), [CHALLENGE], "{stray}");
    }
    a.pass(Duration::from_secs(1));
    assert_eq!(a.answer("<SEQ=310><CTL=SYN>"), [CHALLENGE]);
    // Two sides that do not agree come to an end all the same.
    let mut b = Scripted::established(Profile::freebsd());
    let answers = (0..300).filter(|_| !b.answer("<SEQ=300><ACK=101><CTL=ACK>").is_empty()).count();
    assert_eq!(answers, 100);
    for text in ["<SEQ=290><LEN=5><ACK=101><CTL=ACK>", "<SEQ=99999><LEN=5><ACK=101><CTL=ACK>"] {
        assert_eq!(b.answer(text), [CHALLENGE], "text is always answered: {text}");
    }
    assert_eq!(b.answer("<SEQ=310><CTL=SYN>"), [CHALLENGE], "and has no part in that budget");
}

#[test]
fn an_ack_of_what_never_was_is_challenged_while_it_can_be_told() {
    let mut freebsd = Profile::freebsd();
    let ghost = "<SEQ=301><ACK=100><CTL=ACK>";
    assert_eq!(Scripted::established(freebsd.clone()).answer(ghost), [CHALLENGE]);
    assert_eq!(Scripted::established(freebsd.clone()).answer("<SEQ=301><ACK=101><CTL=ACK>"), NOTHING);
    freebsd.set("insecure-ack", "on").expect("a knob");
    assert_eq!(Scripted::established(freebsd).answer(ghost), NOTHING);
    assert_eq!(Scripted::established(Profile::rfc9293()).answer(ghost), NOTHING);
}

#[test]
fn a_window_further_on_the_age_of_an_ack_decides() {
    // tcp_do_segment: whichever of ISS+1 and SND.UNA-MAX.SND.WND is the stricter.
    let refused = |a: &Scripted, ack: u32| !a.clone().answer(&format!("<SEQ=301><ACK={ack}><WND=1000><CTL=ACK>")).is_empty();
    for (acked, least) in [(998, 101), (999, 101), (1000, 101), (1001, 102)] {
        let mut a = Scripted::new(Profile::freebsd()).establish("<SEQ=300><ACK=101><WND=1000><CTL=SYN,ACK>", TcpOptions::NONE.mss(1460));
        a.send(500);
        a.hear("<SEQ=301><ACK=601><WND=1000><CTL=ACK>");
        a.send(acked - 500);
        a.hear(&format!("<SEQ=301><ACK={}><WND=1000><CTL=ACK>", 101 + acked));
        assert_eq!(a.connection.variables().snd_una, Some(SeqNumber::new(101 + acked)));
        assert_eq!((refused(&a, least - 1), refused(&a, least)), (true, false), "{acked} octets are acknowledged");
    }
}

#[test]
fn a_syn_cache_knows_syns_and_acks() {
    // Any SYN without ACK brings the SYN,ACK again.
    for syn in ["<SEQ=300><CTL=SYN>", "<SEQ=310><CTL=SYN>", "<SEQ=90000><CTL=SYN>", "<SEQ=5><CTL=SYN,FIN>"] {
        let mut b = requested(Profile::freebsd());
        assert_eq!(b.answer(syn), [SYN_ACK], "{syn}");
        assert_eq!(b.state(), State::SynReceived);
    }
    for nothing in ["<SEQ=300><ACK=101><CTL=SYN,ACK>", "<SEQ=301><ACK=9><CTL=SYN,ACK>", "<SEQ=90000><CTL=FIN>", "<SEQ=5><CTL=PSH>"] {
        let mut b = requested(Profile::freebsd());
        assert_eq!(b.answer(nothing), NOTHING, "{nothing}");
        assert_eq!(b.state(), State::SynReceived);
    }
    // The number is judged before the ACK; 65535 octets are inside.
    for (ack, answer) in [
        ("<SEQ=300><ACK=7><CTL=ACK>", CHALLENGE),
        ("<SEQ=65836><ACK=101><CTL=ACK>", CHALLENGE),
        ("<SEQ=65835><ACK=7><CTL=ACK>", "<SEQ=7><CTL=RST>"),
    ] {
        assert_eq!(requested(Profile::freebsd()).answer(ack), [answer], "{ack}");
    }
    let mut dropping = Profile::freebsd();
    dropping.set("drop-syn-fin", "on").expect("a knob");
    assert_eq!(requested(dropping).answer("<SEQ=300><CTL=SYN,FIN>"), NOTHING);
}

#[test]
fn where_syns_have_crossed_an_ack_is_the_syn_ack_again() {
    let mut a = crossed(Profile::freebsd(), TcpOptions::NONE.mss(1460));
    a.out();
    let due = a.connection.deadline(Timer::Retransmission);
    a.pass(Duration::from_millis(10));
    for stray in ["<SEQ=300><CTL=SYN>", "<SEQ=90000><CTL=PSH>", "<SEQ=90000><ACK=101><CTL=ACK>"] {
        assert_eq!(a.answer(stray), [SYN_ACK], "{stray}");
    }
    assert_eq!(a.connection.deadline(Timer::Retransmission), due, "its timer runs on");
    // A SYN in the window is nothing, its right edge counted.
    for (seq, answer) in [(310, &[][..]), (301 + 65_700, &[]), (302 + 65_700, &[SYN_ACK])] {
        assert_eq!(a.answer(&format!("<SEQ={seq}><CTL=SYN>")), answer, "{seq}");
    }
    // A wrong ACK is looked at first, and what is older than the SYN is nobody's.
    assert_eq!(a.answer("<SEQ=90000><ACK=7><CTL=ACK>"), ["<SEQ=7><CTL=RST>"]);
    assert_eq!(a.answer("<SEQ=200><ACK=101><CTL=ACK>"), ["<SEQ=101><CTL=RST>"]);
    a.hear("<SEQ=301><ACK=101><CTL=ACK>");
    assert_eq!(a.state(), State::Established);
}

#[test]
fn every_second_segment_is_acknowledged_whatever_its_length() {
    let mut a = Scripted::established(Profile::freebsd());
    assert_eq!(a.answer("<SEQ=301><LEN=1><ACK=101><CTL=ACK>"), NOTHING);
    assert_eq!(a.answer("<SEQ=302><LEN=1><ACK=101><CTL=ACK>"), ["<SEQ=101><ACK=303><CTL=ACK>"]);
    assert_eq!(a.answer("<SEQ=303><LEN=1><ACK=101><CTL=ACK>"), NOTHING);
    assert_eq!(a.wait(), (40, vec!["<SEQ=101><ACK=304><CTL=ACK>".to_owned()]));
    // More than a segment at once was joined on the way.
    assert_eq!(a.answer("<SEQ=304><LEN=2000><ACK=101><CTL=ACK>"), ["<SEQ=101><ACK=2304><CTL=ACK>"]);
    for len in [536, 1460] {
        let mut b = Scripted::established(Profile::freebsd());
        assert_eq!(b.answer(&format!("<SEQ=301><LEN={len}><ACK=101><CTL=ACK>")), NOTHING, "{len}");
    }
}

#[test]
fn a_challenge_does_not_stand_for_an_ack_that_waits() {
    let mut a = Scripted::established(Profile::freebsd());
    assert_eq!(a.answer("<SEQ=301><LEN=10><ACK=101><CTL=ACK>"), NOTHING);
    assert_eq!(a.answer("<SEQ=400><CTL=SYN>"), ["<SEQ=101><ACK=311><CTL=ACK>"]);
    assert_eq!(a.wait(), (40, vec!["<SEQ=101><ACK=311><CTL=ACK>".to_owned()]));
}

#[test]
fn a_silent_peer_is_told_by_rst() {
    let mut freebsd = Profile::freebsd();
    freebsd.set("data-retries", "1").expect("a knob");
    for (close_first, name) in [(false, "established/r2-reset"), (true, "fin-wait-1/r2-reset")] {
        let mut a = Scripted::established(freebsd.clone());
        if close_first {
            a.close()
        } else {
            a.send(1)
        };
        a.wait();
        assert_eq!(a.wait().1, ["<SEQ=102><ACK=301><CTL=RST,ACK>"]);
        assert_eq!(a.walked(), [name]);
    }
    let mut c = crossed(Profile::freebsd(), TcpOptions::NONE);
    while c.state() == State::SynReceived {
        c.wait();
    }
    assert_eq!((c.now.as_millis(), c.walked()), (75_000, vec!["syn-received/user-timeout-reset"]));
}

#[test]
fn abort_resets_whoever_has_closed() {
    let mut a = closed_first();
    a.answer("<SEQ=301><ACK=101><CTL=FIN,ACK>");
    a.connection.on_abort(a.now).expect("CLOSING");
    assert_eq!(a.out(), ["<SEQ=102><ACK=302><CTL=RST,ACK>"]);
    let mut b = Scripted::established(Profile::freebsd());
    b.answer("<SEQ=301><ACK=101><CTL=FIN,ACK>");
    b.close();
    b.connection.on_abort(b.now).expect("LAST-ACK");
    assert_eq!(b.out(), ["<SEQ=102><ACK=302><CTL=RST,ACK>"]);
}

#[test]
fn the_first_wait_for_text_knows_nothing_of_a_syn_cache() {
    let mut b = requested(Profile::freebsd());
    b.pass(Duration::from_millis(50));
    b.hear("<SEQ=301><ACK=101><CTL=ACK>");
    assert_eq!(b.connection.variables().srtt, None);
    b.send(1);
    assert_eq!(b.wait().0, 1000);
    assert_eq!(b.wait().0, 2200);
    // Who opened has measured its SYN.
    let mut a = Scripted::new(Profile::freebsd());
    a.connection.on_open_active(a.now, a.open()).expect("CLOSED");
    a.out();
    a.pass(Duration::from_millis(50));
    a.hear("<SEQ=300><ACK=101><CTL=SYN,ACK>");
    assert!(a.connection.variables().srtt.is_some());
}

#[test]
fn what_a_lost_syn_has_doubled_stays_until_something_is_measured() {
    let mut a = Scripted::new(Profile::freebsd());
    a.connection.on_open_active(a.now, a.open()).expect("CLOSED");
    a.out();
    a.wait();
    a.hear("<SEQ=300><ACK=101><CTL=SYN,ACK>");
    a.out();
    a.send(1);
    assert_eq!(a.wait().0, 2200);
    // Of a SYN,ACK nothing stays.
    let mut b = requested(Profile::freebsd());
    b.wait();
    b.hear("<SEQ=301><ACK=101><CTL=ACK>");
    b.send(1);
    assert_eq!(b.wait().0, 1000);
}

#[test]
fn a_buffer_stays_as_it_is_where_the_peer_says_no_mss() {
    for (options, room) in [(TcpOptions::NONE, 65_536), (TcpOptions::NONE.mss(1460), 65_700), (TcpOptions::NONE.mss(1000), 66_000)] {
        let a = Scripted::new(Profile::freebsd()).establish("<SEQ=300><ACK=101><CTL=SYN,ACK>", options);
        assert_eq!(a.connection.variables().rcv_wnd, Some(room));
    }
}

#[test]
fn fin_wait_2_lasts_as_long_as_all_probes_would_and_one_more() {
    for (knobs, seconds) in
        [(&[][..], 675), (&[("keepalive-interval", "10s"), ("keepalive-probes", "2")], 30), (&[("fin-wait-2-by-keepalive", "off")], 60)]
    {
        let mut freebsd = Profile::freebsd();
        for (knob, value) in knobs {
            freebsd.set(knob, value).expect("a knob");
        }
        let mut a = Scripted::established(freebsd);
        a.connection.on_close(a.now, true).expect("open");
        a.out();
        a.hear("<SEQ=301><ACK=102><CTL=ACK>");
        assert_eq!((a.wait(), a.state()), ((seconds * 1000, vec![]), State::Closed));
    }
}

#[test]
fn text_that_comes_again_is_reported_so_and_a_fin_is_not() {
    let mut a = Scripted::new(Profile::freebsd()).establish("<SEQ=300><ACK=101><CTL=SYN,ACK>", TcpOptions::NONE.sack_permitted());
    a.answer("<SEQ=301><LEN=10><ACK=101><CTL=ACK>");
    let options = |a: &mut Scripted, text: &str| {
        a.hear(text);
        a.segments().into_iter().map(|segment| segment.options.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(options(&mut a, "<SEQ=301><LEN=10><ACK=101><CTL=FIN,ACK>")[..1], ["nop,nop,sack 301:311"]);
    assert_eq!(options(&mut a, "<SEQ=311><ACK=101><CTL=FIN,ACK>"), [""]);
}

#[test]
fn text_that_comes_again_in_part_is_acknowledged_at_once_where_that_can_be_told() {
    // tcp_do_segment: the next segment in order would clear the block that tells of it.
    let told = |profile: Profile, options: TcpOptions, text: &str| {
        let mut a = Scripted::new(profile).establish("<SEQ=300><ACK=101><CTL=SYN,ACK>", options);
        a.hear("<SEQ=301><LEN=10><ACK=101><CTL=ACK>");
        a.wait();
        a.hear(text);
        a.segments().into_iter().map(|segment| segment.options.to_string()).collect::<Vec<_>>()
    };
    let (sack, again) = (TcpOptions::NONE.mss(1460).sack_permitted().padded(), "<SEQ=306><LEN=10><ACK=101><CTL=ACK>");
    assert_eq!(told(Profile::freebsd(), sack, again), ["nop,nop,sack 306:311"]);
    assert!(told(Profile::freebsd(), sack, "<SEQ=311><LEN=10><ACK=101><CTL=ACK>").is_empty(), "nothing came again");
    assert!(told(Profile::freebsd(), TcpOptions::NONE.mss(1460), again).is_empty(), "without SACK");
    let late = profile(&[("sack", "on"), ("delayed-ack", "40ms")]);
    assert!(told(late, sack, again).is_empty(), "elsewhere its ACK waits as any");
}

#[test]
fn a_probe_of_keep_alive_is_made_from_numbers() {
    // tcp_timer_keep goes through tcp_respond, which cuts the window down to the scale; other segments round it up.
    let probe = |mut profile: Profile| {
        profile.set("window-scale", "6").expect("a knob");
        let mut a = Scripted::new(profile).establish("<SEQ=300><ACK=101><CTL=SYN,ACK>", TcpOptions::NONE.mss(1460).nop().window_scale(6));
        a.connection.set_keepalive(a.now, Some(a.connection.default_keepalive()));
        a.hear("<SEQ=301><ACK=101><CTL=ACK>");
        a.now = a.connection.deadline(Timer::KeepAlive).expect("it runs");
        a.connection.on_time(a.now);
        a.segments()[0].window.0
    };
    assert_eq!(probe(Profile::freebsd()), 1026, "65700 octets are 1026.6 units");
    assert_eq!(probe(Profile::linux()), 1004, "of 64240, not of the buffer, and rounded up");
}

#[test]
fn the_timestamp_of_a_syn_ack_measures_where_the_syn_cache_does_not() {
    let stamp = |val, ecr| TcpOptions::NONE.mss(1460).nop().nop().timestamps(Timestamps { val, ecr });
    let mut b = Scripted::new(Profile::freebsd());
    b.pass(Duration::from_secs(1));
    b.connection.on_open_passive(b.now, b.open()).expect("CLOSED");
    b.hear_with("<SEQ=300><CTL=SYN>", stamp(9, 0));
    let sent = b.segments()[0].options.get_timestamps().expect("agreed").val;
    b.pass(Duration::from_millis(50));
    b.hear_with("<SEQ=301><ACK=101><CTL=ACK>", stamp(9, sent));
    assert_eq!(b.connection.variables().srtt, Some(Duration::from_millis(50)));
}

#[test]
fn a_closed_window_is_asked_after_five_seconds_at_least() {
    // tcp_setpersist; persmin bounds no retransmission of a FIN, of which no text is left (tcp_output).
    let mut a = Scripted::new(Profile::freebsd()).establish("<SEQ=300><ACK=101><WND=0><CTL=SYN,ACK>", TcpOptions::NONE.mss(1460));
    a.send(5);
    assert_eq!((a.wait().0, a.wait().0), (5000, 5000));
    let mut fin = closed_first();
    fin.answer("<SEQ=301><ACK=101><WND=0><CTL=ACK>");
    assert!(fin.wait().0 < 1000);
    // Nor of the SYN,ACK, whatever the SYN's window.
    let mut b = Scripted::new(Profile::freebsd());
    b.connection.on_open_passive(b.now, b.open()).expect("CLOSED");
    b.answer("<SEQ=300><WND=0><CTL=SYN>");
    assert_eq!((b.wait().0, b.wait().0), (1000, 2200));
}
