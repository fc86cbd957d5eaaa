//! How much leaves in one packet that is cut on its way, and when it waits for more: tcp_write_xmit and what it asks.

use super::*;

/// Of Linux with Reno, whose handshake took `trip`; every write leaves at once.
fn sender(trip: Duration, window: u16, mss: u16) -> Scripted {
    let mut linux = Profile { counts: true, timestamps: false, ..Profile::linux() };
    linux.set("congestion-control", "reno").expect("a knob");
    let mut a = Scripted::new(linux);
    a.connection.on_open_active(a.now, a.open()).expect("CLOSED");
    a.out();
    a.pass(trip);
    a.hear_with(&format!("<SEQ=300><ACK=101><WND={window}><CTL=SYN,ACK>"), TcpOptions::NONE.mss(mss));
    a.out();
    a.connection.set_no_delay(true);
    a
}

const NEAR: Duration = Duration::from_micros(150);

/// The numbers behind what is pushed: where packets of several segments end, and the text.
fn pushed(left: &[Segment]) -> Vec<u32> {
    left.iter().filter(|segment| segment.has(Flags::PSH)).map(|segment| segment.seq.get() + segment.len).collect()
}

fn queue(a: &mut Scripted, octets: u32) {
    assert_eq!(a.connection.on_send(a.now, octets, false), Ok(octets));
}

#[test]
fn a_window_of_536_octets_is_not_halved_for_packets() {
    // tcp_bound_to_half_wnd: only what is larger is.
    for (window, end) in [(536, 601), (538, 501)] {
        let mut a = sender(NEAR, window, 100);
        queue(&mut a, 600);
        assert_eq!(pushed(&a.segments()).first(), Some(&end), "{window}");
    }
}

#[test]
fn a_packet_takes_along_only_the_next_one() {
    // tcp_grow_skb: packets are filled up to half the window, 2000 octets; the window has room for five segments.
    let mut a = sender(NEAR, 5000, 1000);
    queue(&mut a, 10_000);
    assert_eq!(pushed(&a.segments()).first(), Some(&4101));
}

/// Ten segments left, `after` that one was acknowledged, with this window.
fn one_acknowledged(trip: Duration, after: Duration, window: u16) -> Scripted {
    let mut a = sender(trip, 65_000, 1000);
    queue(&mut a, 30_000);
    assert_eq!(a.segments().len(), 10);
    a.pass(after);
    a.hear(&format!("<SEQ=301><ACK=1101><WND={window}><CTL=ACK>"));
    a
}

#[test]
fn text_waits_for_more_where_half_a_round_trip_is_left() {
    // tcp_tso_should_defer: the round trip is 140 us by now.
    for (micros, left) in [(69, 2), (70, 0)] {
        let mut a = one_acknowledged(NEAR, Duration::from_micros(micros), 65_000);
        assert_eq!(a.segments().len(), left, "{micros}");
    }
}

#[test]
fn text_waits_for_more_for_a_millisecond() {
    // tcp_tso_should_defer, counted from what left last.
    for (micros, left) in [(1000, 0), (1001, 2)] {
        let mut a = one_acknowledged(Duration::from_millis(1), Duration::from_micros(micros), 65_000);
        assert_eq!(a.segments().len(), left, "{micros}");
    }
}

#[test]
fn where_both_windows_keep_a_packet_short_the_peers_counts() {
    for (window, limited) in [(11_000, 10), (11_001, 0)] {
        let mut a = one_acknowledged(NEAR, Duration::from_micros(70), window);
        assert_eq!(a.out(), NOTHING);
        a.pass(Duration::from_micros(10));
        assert_eq!(a.connection.info(a.now).rwnd_limited, Some(Duration::from_micros(limited)), "{window}");
    }
}

#[test]
fn half_way_to_the_threshold_the_rate_is_a_fifth_above_the_window() {
    // tcp_update_pacing_rate: twice the window below half of the threshold, 5.
    let mut a = sender(Duration::from_millis(1), 65_000, 1000);
    queue(&mut a, 4000);
    a.out();
    a.wait();
    a.hear("<SEQ=301><ACK=1101><CTL=ACK>");
    let info = a.connection.info(a.now);
    // Three segments in a millisecond, and a fifth more.
    assert_eq!((info.snd_cwnd, info.snd_ssthresh, info.pacing_rate), (Some(2), Some(5), Some(3_600_000)));
}

#[test]
fn copies_that_may_not_leave_are_a_packet_of_their_own() {
    // tcp_retransmit_skb cuts what is longer than the window; here one segment of four.
    let mut a = sender(NEAR, 65_000, 1000);
    queue(&mut a, 4000);
    a.out();
    assert_eq!(a.connection.packets_under_way(), 1);
    a.wait();
    assert_eq!(a.connection.packets_under_way(), 2);
}

#[test]
fn what_is_queued_behind_a_record_begins_a_packet() {
    let mut a = sender(NEAR, 7000, 1000);
    queue(&mut a, 1000);
    a.connection.end_record();
    queue(&mut a, 10_000);
    // Packets of 3000: one segment leaves alone, then what is left of the first with the second.
    assert_eq!(pushed(&a.segments()), [1101, 7101]);
}

/// With congestion control, but as the RFC asks a closed window: with an octet of text.
fn asking(window: u16) -> Scripted {
    let mut own = Profile { counts: true, ..Profile::rfc9293() };
    own.set("congestion-control", "reno").expect("a knob");
    let syn_ack = format!("<SEQ=300><ACK=101><WND={window}><CTL=SYN,ACK>");
    Scripted::new(own).establish(&syn_ack, TcpOptions::NONE.mss(1000))
}

#[test]
fn what_left_with_a_window_probe_is_under_way_like_any_other() {
    let mut a = asking(0);
    assert_eq!(a.send(3000), NOTHING);
    assert_eq!(a.wait().1, ["<SEQ=101><ACK=301><LEN=1><CTL=ACK>"]);
    assert_eq!(a.answer("<SEQ=301><ACK=101><WND=9000><CTL=ACK>").len(), 3);
    assert_eq!(a.connection.info(a.now).unacked, Some(3));
    assert_eq!(a.wait().1, ["<SEQ=101><ACK=301><LEN=1000><CTL=ACK>"]);
}

#[test]
fn what_lay_beyond_a_closed_window_is_lost_when_it_opens() {
    let mut a = asking(9000);
    assert_eq!(a.send(3000).len(), 3);
    a.hear("<SEQ=301><ACK=101><WND=0><CTL=ACK>");
    assert_eq!(a.wait().1.len(), 1);
    a.hear("<SEQ=301><ACK=101><WND=9000><CTL=ACK>");
    assert_eq!(a.connection.info(a.now).lost, Some(3));
    assert_eq!(a.out().len(), 3);
}

#[test]
fn text_of_a_syn_that_is_longer_than_a_segment_is_two() {
    let mut own = Profile { counts: true, ..Profile::rfc9293() };
    own.set("congestion-control", "reno").expect("a knob");
    let mut a = Scripted::new(own);
    assert_eq!(a.connection.on_open_active_with(a.now, a.open(), 501), Ok(501));
    a.out();
    a.hear_with("<SEQ=300><ACK=101><CTL=SYN,ACK>", TcpOptions::NONE.mss(500));
    a.out();
    a.now = a.connection.poll_deadline().expect("a timer runs");
    a.connection.on_time(a.now);
    let info = a.connection.info(a.now);
    assert_eq!((info.unacked, info.lost), (Some(2), Some(2)));
}

#[test]
fn segments_that_leave_alone_are_no_packet() {
    // Where the second segment under way is the beginning of congestion control, too.
    let mut linux = Profile { burst_segments: 0, timestamps: false, ..Profile::linux() };
    linux.set("congestion-control", "reno").expect("a knob");
    let mut a = Scripted::new(linux);
    a.connection.on_open_active(a.now, a.open()).expect("CLOSED");
    a.out();
    a.pass(NEAR);
    a.hear_with("<SEQ=300><ACK=101><WND=60000><CTL=SYN,ACK>", TcpOptions::NONE.mss(1000));
    a.out();
    queue(&mut a, 8000);
    assert_eq!(pushed(&a.segments()), [8101]);
}
