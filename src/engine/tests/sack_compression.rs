//! ACKs of text out of order that are held back, as Linux does it.

use super::*;

/// Linux with SACK; nothing was measured but a handshake that took no time, and no ACK is hurried.
fn receiver(knobs: &[(&str, &str)]) -> Scripted {
    let mut profile = Profile::linux();
    profile.set("timestamps", "off").expect("a knob");
    for (knob, value) in knobs {
        profile.set(knob, value).expect("a knob");
    }
    let mut a = Scripted::new(profile).establish("<SEQ=300><ACK=101><CTL=SYN,ACK>", TcpOptions::NONE.mss(1460).sack_permitted());
    a.connection.set_quick_ack(false);
    a
}

/// How many ACKs the next segments beyond a gap draw: each its own, `from` octets behind the gap.
fn beyond(a: &mut Scripted, from: std::ops::Range<u32>) -> Vec<usize> {
    from.map(|at| a.answer(&format!("<SEQ={}><ACK=101><LEN=100><CTL=ACK>", 401 + 100 * at)).len()).collect()
}

#[test]
fn three_acks_of_text_out_of_order_leave_at_once_and_then_one_for_all() {
    let mut a = receiver(&[]);
    assert_eq!(beyond(&mut a, 0..6), [1, 1, 1, 0, 0, 0]);
    let at = a.connection.poll_deadline().expect("a timer runs");
    assert_eq!(at.since(a.now), Duration::from_micros(100), "nothing is known of the round trip");
    a.now = at;
    a.connection.on_time(at);
    assert_eq!(a.out(), ["<SEQ=101><ACK=301><CTL=ACK>"]);
    assert_eq!(a.connection.poll_deadline(), None);
    // Those that leave at once are counted as long as the gap is the same.
    assert_eq!(beyond(&mut a, 6..8), [0, 0]);
}

#[test]
fn where_the_gap_moves_three_acks_leave_at_once_again() {
    let mut a = receiver(&[]);
    assert_eq!(beyond(&mut a, 0..4), [1, 1, 1, 0]);
    a.connection.set_quick_ack(false);
    a.hear("<SEQ=301><ACK=101><LEN=50><CTL=ACK>");
    assert_eq!(a.out(), ["<SEQ=101><ACK=351><CTL=ACK>"]);
    a.connection.set_quick_ack(false);
    assert_eq!(beyond(&mut a, 4..8), [1, 1, 1, 0]);
}

#[test]
fn so_many_acks_are_held_back_for_one() {
    let mut a = receiver(&[("sack-compression", "2")]);
    assert_eq!(beyond(&mut a, 0..9), [1, 1, 1, 0, 0, 1, 0, 0, 1]);
    assert_eq!(beyond(&mut receiver(&[("sack-compression", "0")]), 0..6), [1; 6]);
    assert_eq!(beyond(&mut receiver(&[("sack", "off")]), 0..6), [1; 6]);
    assert_eq!(beyond(&mut receiver(&[("ack-policy", "rfc")]), 0..6), [1; 6]);
}

#[test]
fn an_ack_that_is_hurried_is_not_held_back() {
    let mut a = receiver(&[]);
    a.connection.set_quick_ack(true);
    assert_eq!(beyond(&mut a, 0..6), [1; 6]);
}

#[test]
fn an_ack_that_leaves_tells_what_was_held_back() {
    let mut a = receiver(&[]);
    assert_eq!(beyond(&mut a, 0..5), [1, 1, 1, 0, 0]);
    a.send(100);
    assert_eq!(a.connection.deadline(Timer::DelayedAck), None);
    assert_eq!(beyond(&mut a, 5..6), [0]);
    assert_eq!(a.connection.deadline(Timer::DelayedAck), Some(a.now + Duration::from_micros(100)), "another one begins to wait");
}

#[test]
fn the_first_that_waits_says_for_how_long() {
    let mut a = receiver(&[("sack-compression-slack", "1ms")]);
    beyond(&mut a, 0..4);
    let due = a.now + Duration::from_millis(1);
    a.pass(Duration::from_micros(900));
    beyond(&mut a, 4..5);
    assert_eq!(a.connection.deadline(Timer::DelayedAck), Some(due));
}

/// Has measured these round trips: its own text's, and the peer's text's.
fn measured(sender: u64, receiver: u64, delay: &str) -> Duration {
    let mut profile = Profile { counts: true, ..Profile::linux() };
    profile.set("sack-compression-delay", delay).expect("a knob");
    let stamped = |val, ecr| TcpOptions::NONE.timestamps(Timestamps { val, ecr });
    let options = stamped(1, 0).mss(1460).sack_permitted();
    let mut a = Scripted::new(profile);
    a.connection.on_open_active(a.now, a.open()).expect("CLOSED");
    a.out();
    a.pass(Duration::from_millis(sender));
    a.hear_with("<SEQ=300><ACK=101><CTL=SYN,ACK>", options);
    a.out();
    a.pass(Duration::from_millis(receiver - sender + 1));
    a.hear_with("<SEQ=301><ACK=101><LEN=1448><CTL=ACK>", stamped(2, 1));
    a.out();
    a.connection.set_quick_ack(false);
    for at in 0..4 {
        a.hear_with(&format!("<SEQ={}><ACK=101><LEN=100><CTL=ACK>", 1849 + 100 * at), stamped(3, 1));
        a.out();
    }
    a.connection.deadline(Timer::DelayedAck).expect("one waits").since(a.now)
}

#[test]
fn an_ack_is_held_back_for_a_twentieth_of_the_shorter_round_trip() {
    assert_eq!(measured(200, 400, "1s"), Duration::from_micros(10_100));
    assert_eq!(measured(200, 400, "3ms"), Duration::from_micros(3100));
}
