//! The congestion window of FreeBSD, which is counted in octets.

use super::*;

/// In ESTABLISHED, with segments of 1000 octets, a send buffer that takes all, and these knobs over FreeBSD's.
fn begun(knobs: &[(&str, &str)]) -> Scripted {
    let mut freebsd = Profile::freebsd();
    for (knob, value) in [("send-buffer", "1000000"), ("delayed-ack", "40ms")].iter().chain(knobs) {
        freebsd.set(knob, value).expect("a knob");
    }
    Scripted::new(freebsd).establish("<SEQ=300><ACK=101><CTL=SYN,ACK>", TcpOptions::NONE.mss(1000))
}

const RENO: (&str, &str) = ("congestion-control", "reno");

/// Window and threshold, as far as they are known.
fn windows(a: &Scripted) -> Option<(u32, u32)> {
    let info = a.connection.info(a.now);
    info.snd_cwnd_octets.zip(info.snd_ssthresh_octets)
}

fn ack(a: &mut Scripted, number: u32) -> usize {
    a.answer(&format!("<SEQ=301><ACK={number}><CTL=ACK>")).len()
}

const INFINITE: u32 = 65_535 << 14;

#[test]
fn the_initial_window_is_ten_segments_or_two_long_ones() {
    for (theirs, cwnd) in [(1000, 10_000), (1460, 14_600), (536, 5360), (300, 3000)] {
        let a = Scripted::new(Profile::freebsd()).establish("<SEQ=300><ACK=101><CTL=SYN,ACK>", TcpOptions::NONE.mss(theirs));
        assert_eq!(windows(&a), Some((cwnd, INFINITE)), "{theirs}");
    }
    let mut three = begun(&[("initial-window", "3")]);
    assert_eq!((windows(&three), three.send(9000).len()), (Some((3000, INFINITE)), 3));
}

#[test]
fn before_there_is_a_connection_nothing_is_told() {
    let mut a = Scripted::new(Profile::freebsd());
    a.connection.on_open_active(a.now, a.open()).expect("CLOSED");
    assert_eq!(windows(&a), None);
    assert_eq!(windows(&Scripted::established(Profile::linux())), None);
    assert_eq!(windows(&begun(&[("congestion-control", "off")])), None);
}

#[test]
fn slow_start_grows_by_what_is_acknowledged_up_to_the_limit() {
    let mut a = begun(&[]);
    assert_eq!(a.send(100_000).len(), 10);
    assert_eq!((ack(&mut a, 1101), windows(&a)), (2, Some((11_000, INFINITE))));
    assert_eq!((ack(&mut a, 3101), windows(&a)), (4, Some((13_000, INFINITE))));
    assert_eq!((ack(&mut a, 8101), windows(&a)), (7, Some((15_000, INFINITE))), "five segments count as two");
    assert_eq!((ack(&mut a, 8201), windows(&a)), (0, Some((15_100, INFINITE))), "a hundred octets have room for no segment");
}

#[test]
fn a_window_beyond_the_peers_does_not_grow() {
    let mut a = begun(&[]);
    a.send(100_000);
    assert_eq!(a.answer("<SEQ=301><ACK=101><WND=9999><CTL=ACK>"), NOTHING);
    for (number, cwnd) in [(1101, 10_000), (2101, 11_000), (3101, 11_000)] {
        a.answer(&format!("<SEQ=301><ACK={number}><WND=10000><CTL=ACK>"));
        assert_eq!(windows(&a), Some((cwnd, INFINITE)), "the window of an ACK counts for the next");
    }
}

#[test]
fn no_window_is_larger_than_any_that_can_be_offered() {
    for (options, cwnd) in [(TcpOptions::NONE, 65_535), (TcpOptions::NONE.nop().window_scale(1), 66_000)] {
        let mut freebsd = Profile::freebsd();
        for (knob, value) in [("send-buffer", "1000000"), ("initial-window", "65")] {
            freebsd.set(knob, value).expect("a knob");
        }
        let mut a = Scripted::new(freebsd).establish("<SEQ=300><ACK=101><CTL=SYN,ACK>", options.mss(1000));
        a.send(100_000);
        ack(&mut a, 1101);
        assert_eq!(windows(&a), Some((cwnd, INFINITE)), "{options}");
    }
}

#[test]
fn beyond_the_threshold_a_window_of_acks_is_worth_a_segment() {
    let mut a = begun(&[RENO]);
    a.send(500);
    a.wait();
    assert_eq!(windows(&a), Some((1000, 5000)), "half of it, in whole segments");
    ack(&mut a, 601);
    assert_eq!(windows(&a), Some((1500, 5000)));
    a.send(100_000);
    let mut number = 601;
    while windows(&a).is_some_and(|(cwnd, ssthresh)| cwnd <= ssthresh) {
        number += 1000;
        ack(&mut a, number);
    }
    assert_eq!(windows(&a), Some((5500, 5000)));
    // Six acknowledgements make 5500 octets, and 500 of the next 6500.
    let first = [5500, 5500, 5500, 5500, 5500, 6500];
    for grown in first.into_iter().chain([6500, 6500, 6500, 6500, 6500, 7500]) {
        number += 1000;
        ack(&mut a, number);
        assert_eq!(windows(&a), Some((grown, 5000)));
    }
    assert!(!a.connection.is_in_doubt());
}

#[test]
fn a_window_that_has_just_reached_the_threshold_is_in_slow_start_still() {
    let mut a = begun(&[RENO]);
    a.send(1000);
    a.wait();
    a.send(20_000);
    for (number, cwnd) in [(1101, 2000), (2101, 3000), (3101, 4000), (4101, 5000), (5101, 6000), (6101, 6000)] {
        ack(&mut a, number);
        assert_eq!(windows(&a), Some((cwnd, 5000)), "{number}");
    }
}

#[test]
fn growth_of_cubic_beyond_the_threshold_is_in_doubt() {
    let mut a = begun(&[]);
    a.send(500);
    a.wait();
    assert_eq!(windows(&a), Some((1000, 7001)), "717 of 1024");
    ack(&mut a, 601);
    a.send(100_000);
    let mut number = 601;
    while windows(&a).is_some_and(|(cwnd, ssthresh)| cwnd <= ssthresh) {
        assert!(!a.connection.is_in_doubt());
        number += 1000;
        ack(&mut a, number);
    }
    ack(&mut a, number + 1000);
    assert_eq!((windows(&a), a.connection.is_in_doubt()), (None, true));
}

#[test]
fn duplicates_let_two_segments_leave_and_then_the_first_again() {
    for (knobs, ssthresh) in [(&[RENO][..], 5000), (&[], 5000), (&[RENO, ("limited-transmit", "off")], 5000)] {
        let mut a = begun(knobs);
        a.send(20_000);
        let more = usize::from(!knobs.contains(&("limited-transmit", "off")));
        assert_eq!((ack(&mut a, 101), ack(&mut a, 101)), (more, more));
        assert_eq!(a.answer("<SEQ=301><ACK=101><CTL=ACK>"), ["<SEQ=101><ACK=301><LEN=1000><CTL=ACK>"]);
        assert_eq!((windows(&a), a.connection.is_in_doubt()), (None, false));
        // All of it is there: two segments may leave.
        let end = 10_101 + 2000 * u32::try_from(more).expect("one");
        assert_eq!(ack(&mut a, end), 2);
        assert_eq!((windows(&a), a.connection.is_in_doubt()), (Some((2000, ssthresh)), false), "{knobs:?}");
    }
}

#[test]
fn what_follows_on_the_first_copy_is_in_doubt_if_there_is_something_to_send() {
    for (text, next, doubt) in [(20_000, 101, true), (20_000, 1101, true), (900, 101, false), (5000, 101, true), (5000, 2101, true)]
        .into_iter()
        // A segment, which has left again; and the last one under way, with text behind it.
        .chain([(1000, 101, false), (20_000, 11_101, true)])
    {
        let mut a = begun(&[RENO]);
        a.send(text);
        for _ in 0..3 {
            ack(&mut a, 101);
        }
        assert!(!a.connection.is_in_doubt());
        ack(&mut a, next);
        assert_eq!(a.connection.is_in_doubt(), doubt, "{text} {next}");
    }
}

#[test]
fn only_an_ack_alone_with_the_same_window_is_a_duplicate() {
    for (strange, copied) in [
        ("<SEQ=301><ACK=101><WND=65534><CTL=ACK>", false),
        ("<SEQ=301><ACK=101><LEN=5><CTL=ACK>", false),
        ("<SEQ=301><ACK=100><CTL=ACK>", false),
        ("<SEQ=301><ACK=101><CTL=FIN,ACK>", false),
        ("<SEQ=301><ACK=101><CTL=ACK>", true),
    ] {
        let mut a = begun(&[RENO]);
        a.send(3000);
        ack(&mut a, 101);
        ack(&mut a, 101);
        let left = a.answer(strange);
        let copy = |segment: &String| segment.starts_with("<SEQ=101>") && segment.contains("<LEN=1000>");
        assert_eq!(left.iter().any(copy), copied, "{strange} {left:?}");
    }
}

#[test]
fn the_answers_of_a_closed_window_are_no_duplicates() {
    // No retransmission timer runs then (`tcp_do_segment`).
    let mut a = begun(&[RENO]);
    a.hear("<SEQ=301><ACK=101><WND=0><CTL=ACK>");
    assert_eq!(a.send(5000), NOTHING);
    for _ in 0..4 {
        assert_eq!(a.answer("<SEQ=301><ACK=101><WND=0><CTL=ACK>"), NOTHING);
    }
    for _ in 0..4 {
        assert_eq!(a.wait().1, ["<SEQ=101><ACK=301><LEN=1><CTL=ACK>"]);
        assert_eq!(a.answer("<SEQ=301><ACK=101><WND=0><CTL=ACK>"), NOTHING);
    }
    assert_eq!(windows(&a), Some((10_000, INFINITE)));
}

#[test]
fn a_window_that_closes_over_what_is_under_way_is_no_loss() {
    // `tcp_output` persists from then on.
    let mut a = begun(&[RENO]);
    a.send(3000);
    a.hear("<SEQ=301><ACK=101><WND=0><CTL=ACK>");
    a.wait();
    assert_eq!(windows(&a), Some((10_000, INFINITE)));
}

#[test]
fn no_threshold_is_below_two_segments() {
    for knobs in [&[RENO, ("initial-window", "3")][..], &[("initial-window", "3")]] {
        let mut a = begun(knobs);
        a.send(3000);
        for _ in 0..3 {
            ack(&mut a, 101);
        }
        ack(&mut a, 3101);
        assert_eq!(windows(&a), Some((2000, 2000)), "{knobs:?}");
    }
}

#[test]
fn sacked_text_of_more_than_two_segments_lets_the_first_leave_again() {
    // An ACK that reports what the last one did is no duplicate, but one of three.
    let copy = &["<SEQ=101><ACK=301><LEN=1000><CTL=ACK>"][..];
    for (acks, left) in [
        (&["1101:4101"][..], copy),
        (&["1101:3101"], &[]),
        (&["1101:2101 3101:4101"], &[]),
        (&["1101:2101 3101:4102"], copy),
        (&["1101:2101", "1101:2101", "1101:2101"], &[]),
        (&["1101:2101", "1101:3101", "1101:3101"], &[]),
        (&["1101:2101", "2101:3101", "1101:3101"], copy),
    ] {
        let mut freebsd = Profile::freebsd();
        freebsd.set("congestion-control", "reno").expect("a knob");
        let offers = TcpOptions::NONE.mss(1000).nop().nop().sack_permitted();
        let mut a = Scripted::new(freebsd).establish("<SEQ=300><ACK=101><CTL=SYN,ACK>", offers);
        a.send(5000);
        let mut last = Vec::new();
        for blocks in acks {
            let sack = TcpOptions::spelled(&format!("nop,nop,sack {blocks}")).expect("blocks");
            a.hear_with("<SEQ=301><ACK=101><CTL=ACK>", sack);
            last = a.out();
        }
        assert_eq!(last, left, "{acks:?}");
    }
}

#[test]
fn an_ack_of_something_new_begins_to_count_anew() {
    let mut a = begun(&[RENO]);
    a.send(5000);
    assert_eq!((ack(&mut a, 101), ack(&mut a, 101), ack(&mut a, 1101)), (0, 0, 0));
    assert_eq!((ack(&mut a, 1101), ack(&mut a, 1101)), (0, 0));
    assert_eq!(a.answer("<SEQ=301><ACK=1101><CTL=ACK>"), ["<SEQ=1101><ACK=301><LEN=1000><CTL=ACK>"]);
}

#[test]
fn a_time_out_of_several_segments_is_in_doubt() {
    for (text, doubt) in [(1000, false), (2000, true)] {
        let mut a = begun(&[RENO]);
        a.send(text);
        a.wait();
        assert_eq!(a.connection.is_in_doubt(), doubt, "{text}");
    }
}

#[test]
fn a_window_that_was_idle_for_a_timeout_is_the_initial_one() {
    let mut a = begun(&[RENO]);
    a.pass(Duration::from_millis(10));
    a.send(10_000);
    ack(&mut a, 10_101);
    assert_eq!(windows(&a), Some((12_000, INFINITE)));
    a.pass(Duration::from_millis(229));
    assert_eq!(a.send(20_000).len(), 12, "not long enough");
    let mut a = begun(&[RENO]);
    a.pass(Duration::from_millis(10));
    a.send(10_000);
    ack(&mut a, 10_101);
    a.pass(Duration::from_millis(230));
    assert_eq!((a.send(20_000).len(), windows(&a)), (10, Some((10_000, INFINITE))));
}

#[test]
fn who_hears_and_does_not_speak_is_idle() {
    // `tcp_output` asks when something last came, and when something last left.
    let mut a = begun(&[RENO]);
    a.pass(Duration::from_millis(10));
    a.send(10_000);
    ack(&mut a, 10_101);
    a.pass(Duration::from_millis(230));
    a.answer("<SEQ=301><ACK=10101><LEN=5><CTL=PSH,ACK>");
    assert_eq!((a.send(20_000).len(), windows(&a)), (10, Some((10_000, INFINITE))));
}

#[test]
fn after_an_idle_time_the_threshold_is_three_quarters_of_the_window_at_least() {
    let mut a = begun(&[RENO]);
    a.send(500);
    a.wait();
    ack(&mut a, 601);
    a.send(16_000);
    for number in 1..=16 {
        ack(&mut a, 601 + 1000 * number);
    }
    assert_eq!(windows(&a), Some((7500, 5000)));
    a.pass(Duration::from_secs(10));
    a.send(1000);
    assert_eq!(windows(&a), Some((7500, 5625)));
}

#[test]
fn a_lost_handshake_makes_the_window_one_segment() {
    let mut a = Scripted::new(Profile::freebsd());
    a.connection.on_open_active(a.now, a.open()).expect("CLOSED");
    a.out();
    a.wait();
    a.hear_with("<SEQ=300><ACK=101><CTL=SYN,ACK>", TcpOptions::NONE.mss(1000));
    a.out();
    assert_eq!(windows(&a), Some((1000, INFINITE)));
    assert_eq!(a.send(3000).len(), 1);
}

#[test]
fn a_path_that_takes_less_than_is_under_way_is_a_doubt() {
    for (text, doubt) in [(800, false), (900, true)] {
        let mut a = begun(&[RENO]);
        a.send(text);
        assert!(a.connection.on_path_mtu(a.now, SeqNumber::new(101), 800));
        assert_eq!(a.connection.is_in_doubt(), doubt, "{text}");
    }
}
