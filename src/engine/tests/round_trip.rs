//! What the handshake and the round trip make of the first window and of the timeout; Linux in its own integers.

use super::*;

/// What it knows of the round trip, in microseconds: SRTT, deviation, RTO.
fn known(connection: &Connection) -> (u128, u128, u128) {
    let info = connection.info(Instant::from_nanos(0));
    (info.rtt.expect("measured").as_micros(), info.rttvar.expect("measured").as_micros(), info.rto.as_micros())
}

/// Without timestamps, and without a handshake that would be a sample.
fn profile_of_linux() -> Profile {
    let mut profile = Profile::linux();
    profile.timestamps = false;
    profile.tail_loss_probe = false;
    profile
}

#[test]
fn a_first_sample_makes_the_timeout_three_times_as_long() {
    let mut a = Scripted::new(profile_of_linux());
    a.connection.on_open_active(a.now, a.open()).expect("CLOSED");
    a.out();
    a.now = a.now + Duration::from_millis(100);
    a.hear_with("<SEQ=300><ACK=101><CTL=SYN,ACK>", TcpOptions::NONE.mss(1460));
    assert_eq!(known(&a.connection), (100_000, 50_000, 300_000));
}

#[test]
fn a_longer_round_trip_counts_at_once_and_a_shorter_one_little() {
    let mut a = Scripted::new(profile_of_linux());
    a.connection.on_open_active(a.now, a.open()).expect("CLOSED");
    a.out();
    a.now = a.now + Duration::from_millis(100);
    a.hear_with("<SEQ=300><ACK=101><CTL=SYN,ACK>", TcpOptions::NONE.mss(1460));
    a.out();
    let mut told = Vec::new();
    for (number, sample) in [100, 300, 100, 20, 20, 20, 20, 500].into_iter().enumerate() {
        a.send(10);
        a.now = a.now + Duration::from_millis(sample);
        a.hear(&format!("<SEQ=301><ACK={}><CTL=ACK>", 111 + number * 10));
        told.push(known(&a.connection));
    }
    let expected = [
        (100_000, 37_500, 300_000),
        (125_000, 78_125, 437_500),
        (121_875, 64_843, 421_094),
        (109_140, 66_001, 399_557),
        (97_998, 66_724, 382_535),
        (88_248, 67_076, 368_728),
        (79_717, 67_112, 357_190),
        (132_252, 155_405, 753_875),
    ];
    assert_eq!(told, expected);
}

#[test]
fn a_handshake_that_was_lost_begins_with_one_segment() {
    // RFC 5681 section 3.1; Linux waits for the second loss.
    for (after, losses, segments) in [("1", 0, 3), ("1", 1, 1), ("2", 1, 3), ("2", 2, 1)] {
        let knobs = [("congestion-control", "reno"), ("small-start-after", after)];
        let mut a = Scripted::new(profile(&knobs));
        a.connection.on_open_active(a.now, a.open()).expect("CLOSED");
        a.out();
        for _ in 0..losses {
            a.wait();
        }
        a.hear_with("<SEQ=300><ACK=101><CTL=SYN,ACK>", TcpOptions::NONE.mss(1000));
        a.out();
        assert_eq!(a.send(3000).len(), segments, "{losses} of {after}");
    }
}
