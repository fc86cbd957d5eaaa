//! What the handshake negotiates: RFC 9293 section 3.7.1, RFC 7323, RFC 2018.

use super::*;

fn ts(val: u32, ecr: u32) -> Timestamps {
    Timestamps { val, ecr }
}

/// The options of what leaves.
fn options(segments: &[Segment]) -> Vec<String> {
    segments.iter().map(|segment| segment.options.to_string()).collect()
}

fn answering(knobs: &[(&str, &str)], syn: TcpOptions) -> (Scripted, Segment) {
    let mut b = Scripted::new(profile(knobs));
    b.connection.on_open_passive(b.now, b.open()).expect("CLOSED");
    b.hear_with("<SEQ=300><CTL=SYN>", syn);
    let left = b.segments();
    assert_eq!(left.len(), 1);
    (b, left[0])
}

#[test]
fn without_the_option_the_peer_takes_536_octets() {
    // MUST-15; the host gives 1220 for IPv6.
    for default_mss in [536, 1220] {
        let mut a = Scripted::new(Profile::rfc9293());
        let open = Open { default_mss, ..a.open() };
        a.connection.on_open_active(a.now, open).expect("CLOSED");
        a.out();
        a.answer("<SEQ=300><ACK=101><CTL=SYN,ACK>");
        assert_eq!(a.connection.variables().mss, Some(default_mss));
        assert_eq!(a.send(2000)[0], format!("<SEQ=101><ACK=301><LEN={default_mss}><CTL=ACK>"));
    }
}

#[test]
fn the_smaller_mss_counts_and_options_are_taken_off() {
    // R6691-2.
    // MUST-16.
    // One of 0 says nothing, as Linux and FreeBSD take it.
    for (theirs, expected) in [(1000, 1000), (9000, 1460), (1, 1), (0, 536)] {
        let a = Scripted::new(Profile::rfc9293()).establish("<SEQ=300><ACK=101><CTL=SYN,ACK>", TcpOptions::NONE.mss(theirs));
        assert_eq!(a.connection.variables().mss, Some(expected));
    }
    let options = TcpOptions::NONE.mss(1000).timestamps(ts(5, 0));
    let a = Scripted::new(profile(&[("timestamps", "on")])).establish("<SEQ=300><ACK=101><CTL=SYN,ACK>", options);
    assert_eq!(a.connection.variables().mss, Some(988));
}

#[test]
fn mss_stands_in_both_syns_and_nowhere_else() {
    // MAY-3.
    // MUST-14, SHLD-5, MUST-65.
    let (mut b, syn_ack) = answering(&[], TcpOptions::NONE);
    assert_eq!(syn_ack.options.to_string(), "mss 1460");
    b.hear("<SEQ=301><ACK=101><CTL=ACK>");
    b.connection.on_send(b.now, 5, false).expect("room");
    assert_eq!(options(&b.segments()), [""]);
}

#[test]
fn a_syn_ack_offers_only_what_the_syn_did() {
    // R7323-2, R7323-12, R2018-1; MUST-69: the area ends in zeros only.
    // RFC 7323 2.2, 3.2, RFC 2018 2.
    let all = [("timestamps", "on"), ("sack", "on"), ("window-scale", "7")];
    let (_, syn_ack) = answering(&all, TcpOptions::NONE.mss(1460));
    assert_eq!(syn_ack.options.to_string(), "mss 1460");
    let (_, syn_ack) = answering(&all, TcpOptions::NONE.sack_permitted().timestamps(ts(9, 0)).window_scale(2).padded());
    assert_eq!(syn_ack.options.to_string(), "mss 1460,nop,nop,sackOK,nop,nop,TS val 0 ecr 9,nop,wscale 7");
    let (_, syn_ack) = answering(&[], TcpOptions::NONE.sack_permitted().timestamps(ts(9, 0)).window_scale(2).padded());
    assert_eq!(syn_ack.options.to_string(), "mss 1460");
}

#[test]
fn windows_are_scaled_only_if_both_sides_agree_and_never_in_a_syn() {
    // R7323-3, R7323-4, R7323-6; REC-1: 14 bits more than the field has.
    // RFC 7323 2.2, 2.3.
    for (ours, theirs, expected) in [("7", Some(3), 1000 << 3), ("7", None, 1000), ("off", Some(3), 1000), ("0", Some(14), 1000 << 14)] {
        let syn_ack = theirs.map_or(TcpOptions::NONE, |shift| TcpOptions::NONE.window_scale(shift).nop());
        let a = Scripted::new(profile(&[("window-scale", ours)]));
        let mut a = a.establish("<SEQ=300><ACK=101><WND=1000><CTL=SYN,ACK>", syn_ack);
        assert_eq!(a.connection.variables().snd_wnd, Some(1000), "a SYN's window is never scaled");
        a.hear("<SEQ=301><ACK=101><WND=1000><CTL=ACK>");
        assert_eq!(a.connection.variables().snd_wnd, Some(expected), "we {ours}, they {theirs:?}");
    }
}

#[test]
fn a_shift_above_14_is_read_as_14() {
    // R7323-5.
    // RFC 7323 2.3.
    let options = TcpOptions::NONE.window_scale(255).nop();
    let mut a = Scripted::new(profile(&[("window-scale", "0")])).establish("<SEQ=300><ACK=101><CTL=SYN,ACK>", options);
    a.hear("<SEQ=301><ACK=101><CTL=ACK>");
    assert_eq!(a.connection.variables().snd_wnd, Some(65_535 << 14));
}

#[test]
fn our_windows_are_scaled_behind_the_handshake() {
    // R7323-4, R7323-6.
    // RFC 7323 2.3: the field is RCV.WND >> Rcv.Wind.Shift.
    let (mut b, syn_ack) = answering(&[("window-scale", "4")], TcpOptions::NONE.window_scale(0).nop());
    assert_eq!(syn_ack.window, WireWindow(65_535));
    b.hear("<SEQ=301><ACK=101><CTL=ACK>");
    b.connection.on_send(b.now, 1, false).expect("room");
    assert_eq!(b.segments()[0].window, WireWindow(65_535 >> 4));
}

#[test]
fn timestamps_are_used_only_if_both_sides_do() {
    // R7323-10, R7323-12, R7323-13, R7323-17.
    // RFC 7323 3.2.
    for (knob, syn_ack, used) in [
        ("on", TcpOptions::NONE.timestamps(ts(7, 0)), true),
        ("on", TcpOptions::NONE, false),
        ("off", TcpOptions::NONE.timestamps(ts(7, 0)), false),
    ] {
        let mut a = Scripted::new(profile(&[("timestamps", knob)]));
        a.connection.on_open_active(a.now, a.open()).expect("CLOSED");
        assert_eq!(options(&a.segments())[0].contains("TS val 0 ecr 0"), knob == "on", "TSecr of a SYN is 0");
        a.hear_with("<SEQ=300><ACK=101><CTL=SYN,ACK>", syn_ack.padded());
        assert_eq!(options(&a.segments()), [if used { "nop,nop,TS val 0 ecr 7" } else { "" }]);
    }
}

#[test]
fn tsecr_echoes_the_segment_at_the_left_edge() {
    // R7323-11, R7323-19, R7323-20.
    // RFC 7323 4.3: TSval >= TS.Recent and SEG.SEQ =< Last.ACK.sent.
    let echo = |b: &mut Scripted, text: &str, val: u32| {
        b.hear_with(text, TcpOptions::NONE.timestamps(ts(val, 0)).padded());
        options(&b.segments())
    };
    let (mut b, _) = answering(&[("timestamps", "on"), ("delayed-ack", "200ms")], TcpOptions::NONE.timestamps(ts(10, 0)).padded());
    b.hear_with("<SEQ=301><ACK=101><CTL=ACK>", TcpOptions::NONE.timestamps(ts(11, 0)).padded());
    // The first of two segments that one ACK answers is echoed: it has waited longest.
    assert!(echo(&mut b, "<SEQ=301><ACK=101><LEN=1460><CTL=ACK>", 12).is_empty());
    assert_eq!(echo(&mut b, "<SEQ=1761><ACK=101><LEN=1460><CTL=ACK>", 13), ["nop,nop,TS val 0 ecr 12"]);
    // Beyond a gap: not at the left edge.
    assert_eq!(echo(&mut b, "<SEQ=3300><ACK=101><LEN=10><CTL=ACK>", 20), ["nop,nop,TS val 0 ecr 12"]);
    // What fills the gap, and TS.Recent never goes back (5.2).
    assert_eq!(echo(&mut b, "<SEQ=3221><ACK=101><LEN=10><CTL=ACK>", 21), ["nop,nop,TS val 0 ecr 21"]);
    assert_eq!(echo(&mut b, "<SEQ=3300><ACK=101><LEN=10><CTL=ACK>", 22), ["nop,nop,TS val 0 ecr 21"]);
    assert_eq!(echo(&mut b, "<SEQ=3231><ACK=101><LEN=2920><CTL=ACK>", 5), ["nop,nop,TS val 0 ecr 21"]);
}

#[test]
fn the_syn_ack_of_a_crossed_open_is_echoed_too() {
    let mut a = Scripted::new(profile(&[("timestamps", "on")]));
    a.connection.on_open_active(a.now, a.open()).expect("CLOSED");
    a.out();
    a.hear_with("<SEQ=300><CTL=SYN>", TcpOptions::NONE.timestamps(ts(7, 0)).padded());
    assert_eq!(options(&a.segments()), ["mss 1460,nop,nop,TS val 0 ecr 7"]);
    a.hear_with("<SEQ=300><ACK=101><CTL=SYN,ACK>", TcpOptions::NONE.timestamps(ts(9, 0)).padded());
    a.connection.on_send(a.now, 5, false).expect("room");
    assert_eq!(options(&a.segments()), ["nop,nop,TS val 0 ecr 9"]);
}

#[test]
fn an_option_may_stand_in_any_segment() {
    // MUST-5: an unknown one, and one that belongs into a SYN, behind the handshake.
    let mut b = Scripted::established(Profile::rfc9293());
    let odd = TcpOptions::from_octets(&[77, 4, 1, 2, 2, 4, 0, 1, 3, 3, 9, 0]).expect("short enough");
    b.hear_with("<SEQ=301><ACK=101><LEN=5><CTL=ACK>", odd);
    assert_eq!(b.out(), ["<SEQ=101><ACK=306><CTL=ACK>"]);
    assert_eq!((b.connection.variables().mss, b.connection.variables().snd_wnd), (Some(1460), Some(65_535)), "the handshake is over");
    b.hear_with("<SEQ=306><ACK=101><CTL=FIN,ACK>", odd);
    assert_eq!(b.state(), State::CloseWait);
}

#[test]
fn what_a_syn_offers_is_offered_nowhere_else() {
    // R2018-2, MUST-65; R7323-1: valid in SYN segments alone.
    let all = [("timestamps", "on"), ("sack", "on"), ("window-scale", "7")];
    let (mut b, _) = answering(&all, TcpOptions::NONE.mss(1460).sack_permitted().timestamps(ts(9, 0)).window_scale(2));
    b.hear_with("<SEQ=301><ACK=101><CTL=ACK>", TcpOptions::NONE.timestamps(ts(9, 0)).padded());
    b.connection.on_send(b.now, 5, false).expect("room");
    b.connection.on_close(b.now, false).expect("open");
    for segment in b.segments() {
        let offers = segment.options.offers();
        assert_eq!((offers.mss, offers.window_scale, offers.sack_permitted), (None, None, false), "{segment}");
    }
}

#[test]
fn the_timestamp_clock_ticks_every_millisecond() {
    // R7323-26.
    let (mut b, _) = answering(&[("timestamps", "on")], TcpOptions::NONE.timestamps(ts(9, 0)).padded());
    b.hear_with("<SEQ=301><ACK=101><CTL=ACK>", TcpOptions::NONE.timestamps(ts(9, 0)).padded());
    for at in [1_234, 60_000] {
        b.now = Instant::from_nanos(at * 1_000_000);
        b.connection.on_send(b.now, 1500, false).expect("room");
        let left = options(&b.segments());
        assert_eq!(left.first().map(String::as_str), Some(format!("nop,nop,TS val {at} ecr 9").as_str()));
        assert_eq!(u64::from(b.connection.timestamp_clock(b.now)), at);
    }
}

#[test]
fn an_ack_of_nothing_new_is_no_sample() {
    // R7323-18: TSecr counts only where SND.UNA advances.
    let knobs = profile(&[("timestamps", "on"), ("rto-min", "1ms")]);
    let mut a = Scripted::new(knobs).establish("<SEQ=300><ACK=101><CTL=SYN,ACK>", TcpOptions::NONE.timestamps(ts(7, 0)).padded());
    let before = a.connection.variables();
    a.pass(Duration::from_secs(5));
    a.hear_with("<SEQ=301><ACK=101><LEN=5><CTL=ACK>", TcpOptions::NONE.timestamps(ts(8, 1)).padded());
    assert_eq!((a.connection.variables().srtt, a.connection.variables().rto), (before.srtt, before.rto));
}

#[test]
fn a_rst_needs_no_timestamps_and_moves_none() {
    // R7323-22.
    let (mut b, _) = answering(&[("timestamps", "on")], TcpOptions::NONE.timestamps(ts(9, 0)).padded());
    b.hear_with("<SEQ=301><ACK=101><CTL=ACK>", TcpOptions::NONE.timestamps(ts(9, 0)).padded());
    let old = TcpOptions::NONE.timestamps(ts(1, 0)).padded();
    let new = TcpOptions::NONE.timestamps(ts(500, 0)).padded();
    b.hear_with("<SEQ=302><CTL=RST>", new);
    assert_eq!(options(&b.segments()), ["nop,nop,TS val 0 ecr 9"], "the challenge ACK echoes what it did");
    b.hear_with("<SEQ=301><CTL=RST>", old);
    assert_eq!(b.state(), State::Closed);
}

#[test]
fn of_an_option_that_stands_twice_the_last_counts() {
    let twice = TcpOptions::NONE.mss(500).window_scale(3).mss(1000).window_scale(5);
    let offers = twice.offers();
    assert_eq!((offers.mss, offers.window_scale), (Some(1000), Some(5)));
}
