//! What a Linux sender makes of single ACKs, and what it puts into copies: what no trace of a kernel tells apart.

use super::*;
use crate::engine::Timestamps;

/// Of Linux with Reno, to a peer that takes segments of 1000 octets; every write leaves at once.
fn sender(knobs: &[(&str, &str)], sack: bool) -> Scripted {
    let mut linux = Profile { counts: true, ..Profile::linux() };
    for (knob, value) in [("congestion-control", "reno"), ("timestamps", "off")].iter().chain(knobs) {
        linux.set(knob, value).expect("a knob");
    }
    let mut options = TcpOptions::NONE.mss(1000);
    options = if sack { options.nop().nop().sack_permitted() } else { options };
    options = if linux.timestamps { options.nop().nop().timestamps(Timestamps { val: 7, ecr: 0 }) } else { options };
    let mut a = Scripted::new(linux).establish("<SEQ=300><ACK=101><CTL=SYN,ACK>", options);
    a.connection.set_no_delay(true);
    a.pass(Duration::from_millis(50));
    a
}

fn block(start: u32, end: u32) -> TcpOptions {
    TcpOptions::NONE.nop().nop().sack(start + 100, end + 100)
}

fn window(a: &Scripted) -> u32 {
    a.connection.info(a.now).snd_cwnd.expect("known")
}

#[test]
fn a_copy_takes_along_the_short_segments_that_fit() {
    // tcp_retrans_try_collapse: up to a full segment, and it stays one.
    let mut a = sender(&[], false);
    for octets in [600, 400, 100] {
        a.send(octets);
    }
    for _ in 0..2 {
        assert_eq!(a.wait().1, ["<SEQ=101><ACK=301><LEN=1000><CTL=PSH,ACK>"]);
    }
    let mut a = sender(&[], false);
    for octets in [600, 500] {
        a.send(octets);
    }
    assert_eq!(a.wait().1, ["<SEQ=101><ACK=301><LEN=600><CTL=PSH,ACK>"], "both are more than a segment");
    // A FIN takes no room.
    let mut a = sender(&[], false);
    a.send(600);
    a.connection.on_send(a.now, 400, false).expect("there is room");
    assert_eq!(a.close(), ["<SEQ=701><ACK=301><LEN=400><CTL=PSH,FIN,ACK>"]);
    assert_eq!(a.wait().1, ["<SEQ=101><ACK=301><LEN=1000><CTL=PSH,FIN,ACK>"]);
    // What is left of a packet of several is a segment like any other.
    let mut a = sender(&[], false);
    a.send(1500);
    a.send(100);
    a.hear("<SEQ=301><ACK=1101><CTL=ACK>");
    assert_eq!(a.wait().1, ["<SEQ=1101><ACK=301><LEN=600><CTL=PSH,ACK>"]);
}

#[test]
fn copies_behind_the_front_take_along_what_fits_too() {
    let mut a = sender(&[("loss-detection", "dupacks")], true);
    for octets in [1000, 300, 300, 1000, 1000, 1000, 1000] {
        a.send(octets);
    }
    for end in [2601, 3601] {
        a.hear_with("<SEQ=301><ACK=101><CTL=ACK>", block(1601, end));
        assert_eq!(a.out(), NOTHING);
    }
    a.hear_with("<SEQ=301><ACK=101><CTL=ACK>", block(1601, 4601));
    let mut left = a.out();
    a.hear_with("<SEQ=301><ACK=101><CTL=ACK>", block(1601, 5601));
    left.extend(a.out());
    assert_eq!(left, ["<SEQ=101><ACK=301><LEN=1000><CTL=PSH,ACK>", "<SEQ=1101><ACK=301><LEN=600><CTL=PSH,ACK>"]);
}

#[test]
fn a_copy_leaves_behind_what_was_delivered_even_where_no_time_passes() {
    let mut a = sender(&[], true);
    a.send(10_000);
    a.hear_with("<SEQ=301><ACK=101><CTL=ACK>", block(1001, 4001));
    assert_eq!(a.out(), ["<SEQ=101><ACK=301><LEN=1000><CTL=ACK>"]);
    a.hear_with("<SEQ=301><ACK=101><CTL=ACK>", block(1001, 5001));
    assert_eq!(a.connection.info(a.now).retrans, Some(1), "the copy has only just left");
}

#[test]
fn a_lost_syn_halves_the_window_of_reno() {
    let mut linux = Profile { counts: true, ..Profile::linux() };
    linux.set("congestion-control", "reno").expect("a knob");
    let mut a = Scripted::new(linux);
    a.connection.on_open_active(a.now, a.open()).expect("CLOSED");
    a.out();
    a.wait();
    assert_eq!((a.state(), a.connection.info(a.now).snd_ssthresh), (State::SynSent, Some(5)));
}

#[test]
fn an_echo_of_nothing_is_no_echo() {
    // It would be older than the copy, and undo the time-out.
    let mut a = sender(&[("timestamps", "on"), ("frto", "off")], false);
    a.send(3000);
    a.wait();
    assert_eq!(window(&a), 1);
    a.hear_with("<SEQ=301><ACK=1089><CTL=ACK>", TcpOptions::NONE.nop().nop().timestamps(Timestamps { val: 8, ecr: 0 }));
    assert_eq!(window(&a), 2);
}

#[test]
fn blocks_that_were_not_agreed_on_are_none() {
    let mut a = sender(&[], false);
    a.send(5000);
    for duplicates in [0, 1, 2] {
        a.hear_with("<SEQ=301><ACK=101><CTL=ACK>", block(1001, 4001));
        assert_eq!(a.connection.info(a.now).sacked, Some(duplicates), "a duplicate stands for one segment");
    }
}

#[test]
fn a_connection_is_busy_until_all_is_acknowledged_and_nothing_waits() {
    let mut a = sender(&[], false);
    a.send(2000);
    for ack in [1101, 2101] {
        a.pass(Duration::from_millis(10));
        a.hear(&format!("<SEQ=301><ACK={ack}><CTL=ACK>"));
    }
    a.pass(Duration::from_millis(100));
    assert_eq!(a.connection.info(a.now).busy_time, Some(Duration::from_millis(20)));
    // The window closes, and text waits.
    a.send(1000);
    a.connection.on_send(a.now, 1000, true).expect("there is room");
    a.connection.on_send(a.now, 10, true).expect("there is room");
    a.out();
    a.hear("<SEQ=301><ACK=4101><WND=0><CTL=ACK>");
    a.pass(Duration::from_millis(30));
    assert_eq!(a.connection.info(a.now).busy_time, Some(Duration::from_millis(50)));
}

#[test]
fn what_left_with_the_front_does_not_put_its_timer_off() {
    // tcp_clean_rtx_queue: only what left later says that the path goes on.
    let mut a = sender(&[("loss-detection", "dupacks")], true);
    a.send(3000);
    let before = a.connection.poll_deadline();
    a.pass(Duration::from_millis(20));
    a.hear_with("<SEQ=301><ACK=101><CTL=ACK>", block(1001, 2001));
    assert_eq!(a.connection.poll_deadline(), before);
}

#[test]
fn after_reordering_a_sack_alone_opens_the_window() {
    // tcp_may_raise_cwnd.
    let mut a = sender(&[], true);
    a.send(10_000);
    let mut windows = Vec::new();
    a.hear_with("<SEQ=301><ACK=101><CTL=ACK>", block(5001, 6001));
    windows.push(window(&a));
    a.hear_with("<SEQ=301><ACK=101><CTL=ACK>", block(1001, 2001));
    windows.push(window(&a));
    assert_eq!(windows, [10, 11], "a distance of five segments is more than three");
}

#[test]
fn a_part_of_a_segment_is_no_round_trip() {
    let mut a = sender(&[("timestamps", "on"), ("frto", "off")], false);
    a.send(3000);
    a.wait();
    assert_eq!(a.connection.info(a.now).backoff, 1);
    let val = a.now.as_millis();
    let stamps = Timestamps { val: 8, ecr: u32::try_from(val).expect("small") };
    a.hear_with("<SEQ=301><ACK=601><CTL=ACK>", TcpOptions::NONE.nop().nop().timestamps(stamps));
    assert_eq!(a.connection.info(a.now).backoff, 1);
}

#[test]
fn only_a_plain_duplicate_says_that_a_probe_of_the_tail_was_needless() {
    // tcp_process_tlp_ack: at the number behind the probe, an ACK that advances or tells something else says nothing of it.
    for (told, options, reduced) in [
        ("", TcpOptions::NONE, true),
        ("<SEQ=301><ACK=1101><CTL=ACK>", TcpOptions::NONE, false),
        ("<SEQ=301><ACK=1101><WND=65000><CTL=ACK>", TcpOptions::NONE, false),
        ("<SEQ=301><ACK=1101><LEN=10><CTL=ACK>", TcpOptions::NONE, true),
        ("<SEQ=301><ACK=1101><CTL=ACK>", block(2001, 3001), true),
    ] {
        let mut a = sender(&[], true);
        a.send(1000);
        assert_eq!(a.wait().1, ["<SEQ=101><ACK=301><LEN=1000><CTL=PSH,ACK>"]);
        a.pass(Duration::from_millis(20));
        a.hear("<SEQ=301><ACK=1101><CTL=ACK>");
        for _ in 0..3 {
            a.send(1000);
        }
        if !told.is_empty() {
            a.hear_with(told, options);
        }
        a.pass(Duration::from_millis(5));
        a.hear("<SEQ=311><ACK=2101><CTL=ACK>");
        assert_eq!(a.connection.info(a.now).snd_ssthresh != Some(u32::MAX), reduced, "{told} {options:?}");
    }
}

#[test]
fn segments_that_leave_alone_are_pushed_at_the_end_of_the_text() {
    for counts in [true, false] {
        let linux = Profile { counts, burst_segments: 0, ..Profile::linux() };
        let mut a = Scripted::new(linux).establish("<SEQ=300><ACK=101><CTL=SYN,ACK>", TcpOptions::NONE.mss(1000));
        let pushed: Vec<bool> = a.send(4000).iter().map(|segment| segment.contains("PSH")).collect();
        assert_eq!(pushed, [false, false, false, true]);
    }
}

#[test]
fn the_first_packet_is_as_long_as_segments_of_the_link_make_it() {
    // tcp_update_pacing_rate at the SYN,ACK, before its MSS counts: 1460 octets, not 1000, are the rate of 5 ms.
    let mut a = Scripted::new(Profile { timestamps: false, ..Profile::linux() });
    a.connection.on_open_active(a.now, a.open()).expect("CLOSED");
    a.out();
    a.pass(Duration::from_millis(5));
    a.hear_with("<SEQ=300><ACK=101><CTL=SYN,ACK>", TcpOptions::NONE.mss(1000));
    a.out();
    let left = a.send(10_000);
    let pushed: Vec<usize> = (0..left.len()).filter(|at| left[*at].contains("PSH")).collect();
    assert_eq!(pushed, [4, 9]);
}

#[test]
fn new_text_that_the_window_has_no_room_for_ends_the_doubt_of_a_time_out() {
    // tcp_xmit_recovery: part of a segment is acknowledged, and what F-RTO would send cannot leave.
    for (acks, left) in [(&[601, 1101][..], 1101), (&[1101], 10_101)] {
        let mut a = sender(&[], false);
        assert_eq!(a.send(20_000).len(), 10);
        a.wait();
        let mut last = Vec::new();
        for ack in acks {
            last = a.answer(&format!("<SEQ=301><ACK={ack}><CTL=ACK>"));
        }
        assert!(last[0].starts_with(&format!("<SEQ={left}>")), "{acks:?}: {last:?}");
    }
}

#[test]
fn a_distance_that_is_the_usual_one_is_no_news() {
    // tcp_check_sack_reordering: what was set may be more than the most that is learned.
    let mut a = sender(&[("reordering", "5"), ("max-reordering", "4")], true);
    a.send(10_000);
    a.hear_with("<SEQ=301><ACK=101><CTL=ACK>", block(6001, 7001));
    a.hear_with("<SEQ=301><ACK=101><CTL=ACK>", block(2001, 3001));
    let info = a.connection.info(a.now);
    assert_eq!((info.reordering, info.reord_seen), (Some(5), Some(1)));
}

#[test]
fn a_part_of_a_packet_that_is_acknowledged_makes_it_shorter() {
    // tcp_tso_acked, and not of a packet of one segment: then tcp_simple_retransmit finds it too long.
    for (acks, lost) in [(&[1601][..], false), (&[1101, 1601], true)] {
        let mut a = sender(&[], false);
        assert_eq!(a.send(2000).len(), 2);
        for ack in acks {
            a.hear(&format!("<SEQ=301><ACK={ack}><CTL=ACK>"));
        }
        assert!(a.connection.on_path_mtu(a.now, SeqNumber::new(1601), 700));
        assert_eq!(a.connection.info(a.now).lost != Some(0), lost, "{acks:?}");
    }
}

#[test]
fn an_echo_of_half_an_hour_is_no_round_trip() {
    // tcp_rtt_tsopt_us: as many milliseconds as make 2^31 microseconds are too many.
    for (age, backoff) in [(2_147_482, 0), (2_147_483, 1)] {
        let mut a = sender(&[("timestamps", "on"), ("frto", "off")], false);
        a.send(3000);
        a.wait();
        let ecr = u32::try_from(a.now.as_millis()).expect("small").wrapping_sub(age);
        a.hear_with("<SEQ=301><ACK=1089><CTL=ACK>", TcpOptions::NONE.nop().nop().timestamps(Timestamps { val: 8, ecr }));
        assert_eq!(a.connection.info(a.now).backoff, backoff, "{age}");
    }
}

#[test]
fn a_part_of_a_segment_is_no_use_of_the_window() {
    // tcp_may_raise_cwnd: nothing was acknowledged whole, and the window goes unused as before.
    for (ack, kept) in [(20_601, 15), (21_101, 20)] {
        let mut a = sender(&[], false);
        assert_eq!(a.send(20_000).len(), 10);
        a.hear("<SEQ=301><ACK=10101><CTL=ACK>");
        assert_eq!(a.out().len(), 10);
        a.hear("<SEQ=301><ACK=20101><CTL=ACK>");
        let before = window(&a);
        a.pass(Duration::from_millis(150));
        a.send(1000);
        a.pass(Duration::from_millis(40));
        a.hear(&format!("<SEQ=301><ACK={ack}><CTL=ACK>"));
        a.pass(Duration::from_millis(20));
        a.send(1000);
        assert_eq!((before, window(&a)), (20, kept), "{ack}");
    }
}
