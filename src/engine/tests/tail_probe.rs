//! The first retransmission as a probe of the tail (RFC 8985 section 7), and the timers that are none.

use super::*;

/// Waits until so many segments have left; how long each took, in milliseconds.
fn waits(a: &mut Scripted, count: usize) -> Vec<u64> {
    (0..count).map(|_| a.wait().0).collect()
}

/// Of Linux, with SACK, over a way of 150 ms; its segments are counted or not.
fn far_away(counts: bool, window: u16) -> Scripted {
    let mut linux = Profile { counts, ..Profile::linux() };
    linux.set("timestamps", "off").expect("a knob");
    let mut b = Scripted::new(linux);
    b.connection.on_open_passive(b.now, b.open()).expect("CLOSED");
    b.hear_with("<SEQ=300><CTL=SYN>", TcpOptions::NONE.mss(1460).sack_permitted().padded());
    b.out();
    b.pass(Duration::from_millis(300));
    b.hear(&format!("<SEQ=301><ACK=101><WND={window}><CTL=ACK>"));
    b
}

#[test]
fn a_segment_alone_is_probed_and_a_closed_window_has_the_timeout() {
    // Measured: 2 SRTT and 200 ms, then the timeout of SRTT and four times RTTVAR, which doubles.
    for counts in [false, true] {
        let mut a = far_away(counts, 65_535);
        a.send(100);
        assert_eq!(waits(&mut a, 3), [800, 900, 1800], "counted: {counts}");
        let mut closed = far_away(counts, 0);
        closed.send(100);
        assert_eq!(waits(&mut closed, 3), [900, 1800, 3600], "counted: {counts}");
    }
}

#[test]
fn no_syn_ack_is_a_tail() {
    let mut b = Scripted::new(Profile::linux());
    b.connection.on_open_passive(b.now, b.open()).expect("CLOSED");
    b.hear_with("<SEQ=300><CTL=SYN>", TcpOptions::NONE.mss(1460).sack_permitted().padded());
    b.out();
    assert_eq!(waits(&mut b, 3), [1000, 2000, 4000]);
}

#[test]
fn without_congestion_control_the_probe_doubles_nothing_and_does_not_count() {
    let sack = TcpOptions::NONE.mss(1460).sack_permitted().padded();
    let probing = [("tail-loss-probe", "on"), ("sack", "on"), ("data-retries", "2")];
    for (knobs, options, window, expected) in [
        (&probing[..], sack, 9000, vec![1000, 1000, 2000, 4000]),
        (&probing, TcpOptions::NONE, 9000, vec![1000, 2000, 4000]),
        (&probing[1..], sack, 9000, vec![1000, 2000, 4000]),
        // A closed window is asked, and no tail is: R2 counts all.
        (&probing, sack, 0, vec![1000, 2000, 4000]),
    ] {
        let mut a = Scripted::new(profile(knobs)).establish(&format!("<SEQ=300><ACK=101><WND={window}><CTL=SYN,ACK>"), options);
        a.send(10);
        let mut waited = Vec::new();
        while a.state() != State::Closed {
            waited.push(a.wait().0);
        }
        assert_eq!(waited, expected, "{options}, window {window}");
    }
}

#[test]
fn a_probe_that_finds_the_window_closed_is_none() {
    // An ACK takes the room away between the timer and what it makes leave.
    let mut a = far_away(false, 65_535);
    assert_eq!((a.send(1460).len(), a.send(50).len(), a.send(20).len()), (1, 1, 0), "a short segment is under way");
    a.now = a.connection.deadline(Timer::Retransmission).expect("the probe");
    a.connection.on_time(a.now);
    let mut open = a.clone();
    assert_eq!(open.out(), ["<SEQ=1611><ACK=301><LEN=20><CTL=PSH,ACK>"]);
    a.hear("<SEQ=301><ACK=101><WND=0><CTL=ACK>");
    assert_eq!(a.out(), NOTHING);
}
