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
