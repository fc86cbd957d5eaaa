//! What single options of Linux change: time-outs that do not double, how long ACKs wait, time-outs as they are counted.

use super::*;

fn counting(knobs: &[(&str, &str)]) -> Scripted {
    let mut profile = Profile { counts: true, ..Profile::linux() };
    for (knob, value) in [("tail-loss-probe", "off"), ("timestamps", "off")].iter().chain(knobs) {
        profile.set(knob, value).expect("a knob");
    }
    Scripted::new(profile).establish("<SEQ=300><ACK=101><CTL=SYN,ACK>", TcpOptions::NONE.mss(1460).sack_permitted())
}

/// How long each of the next time-outs takes, in milliseconds.
fn timeouts(a: &mut Scripted, count: usize) -> Vec<u64> {
    (0..count).map(|_| a.wait().0).collect()
}

#[test]
fn time_outs_of_a_thin_stream_do_not_double() {
    let mut a = counting(&[("thin-linear-timeouts", "on")]);
    a.send(100);
    let linear = timeouts(&mut a, 9);
    assert_eq!(linear[..7], [linear[0]; 7]);
    assert_eq!(linear[7..], [2 * linear[0], 4 * linear[0]]);
}

#[test]
fn where_the_peer_has_closed_time_outs_double_thin_or_not() {
    let mut a = counting(&[("thin-linear-timeouts", "on")]);
    a.hear("<SEQ=301><ACK=101><CTL=FIN,ACK>");
    a.send(100);
    let doubled = timeouts(&mut a, 3);
    assert_eq!(doubled[1..], [2 * doubled[0], 4 * doubled[0]]);
}

#[test]
fn time_outs_are_counted_in_rows() {
    let mut a = counting(&[]);
    let told = |a: &Scripted| {
        let info = a.connection.info(a.now);
        (info.total_rto, info.total_rto_recoveries, info.total_rto_time.map(|time| time.as_millis()))
    };
    assert_eq!(told(&a), (Some(0), Some(0), Some(0)));
    a.send(100);
    let first = timeouts(&mut a, 1)[0];
    assert_eq!(told(&a), (Some(1), Some(1), Some(0)));
    timeouts(&mut a, 1);
    assert_eq!(told(&a), (Some(2), Some(1), Some(u128::from(2 * first))));
    a.pass(Duration::from_millis(50));
    a.hear("<SEQ=301><ACK=201><CTL=ACK>");
    let row = u128::from(2 * first) + 50;
    a.pass(Duration::from_millis(500));
    assert_eq!(told(&a), (Some(2), Some(1), Some(row)), "it ends with the acknowledgment");
    a.send(100);
    let again = timeouts(&mut a, 1)[0];
    assert!(again > 0);
    a.pass(Duration::from_millis(7));
    assert_eq!(told(&a), (Some(3), Some(2), Some(row + 7)));
}

/// The peer's text, and for how long its ACK waits for an answer, in ticks of 4 ms, the begun one counted.
fn ticks_of_an_ack(knobs: &[(&str, &str)], answers: u32) -> Option<u64> {
    let mut a = counting(knobs);
    let (mut theirs, mut ours) = (301, 101);
    for _ in 0..answers {
        a.hear(&format!("<SEQ={theirs}><ACK={ours}><LEN=100><CTL=PSH,ACK>"));
        theirs += 100;
        a.out();
        a.send(10);
        ours += 10;
        a.pass(Duration::from_millis(400));
    }
    a.hear(&format!("<SEQ={theirs}><ACK={ours}><LEN=100><CTL=PSH,ACK>"));
    let due = a.connection.deadline(Timer::DelayedAck)?;
    Some(u64::try_from(due.since(a.now).as_millis()).expect("not long") / 4)
}

#[test]
fn an_ack_waits_no_longer_than_it_is_told_and_than_the_least_rto() {
    assert_eq!(ticks_of_an_ack(&[], 1), Some(11));
    assert_eq!(ticks_of_an_ack(&[("delayed-ack-max", "12ms")], 1), Some(4));
    assert_eq!(ticks_of_an_ack(&[("rto-min", "20ms")], 1), Some(5));
    assert_eq!(ticks_of_an_ack(&[("rto-min", "1ms")], 1), Some(2), "a tick at least");
    assert_eq!(ticks_of_an_ack(&[("rto-min", "20ms"), ("delayed-ack-max", "8ms")], 1), Some(3));
}

#[test]
fn so_many_answers_make_acks_wait() {
    for (enough, answers, waits) in [("1", 1, true), ("3", 2, false), ("3", 3, true), ("3", 4, true)] {
        assert_eq!(ticks_of_an_ack(&[("interactive-after", enough)], answers).is_some(), waits, "{answers} of {enough}");
    }
}

#[test]
fn answers_are_counted_anew_once_an_ack_has_waited_in_vain() {
    let mut a = counting(&[("interactive-after", "2")]);
    a.connection.set_quick_ack(false);
    a.hear("<SEQ=301><ACK=101><LEN=100><CTL=PSH,ACK>");
    a.send(10);
    a.pass(Duration::from_millis(10));
    a.hear("<SEQ=401><ACK=111><LEN=100><CTL=PSH,ACK>");
    // Nothing is said to that, and its ACK leaves alone.
    a.wait();
    a.hear("<SEQ=501><ACK=111><LEN=100><CTL=PSH,ACK>");
    assert_eq!(a.out().len(), 1, "no longer interactive");
    a.send(10);
    a.pass(Duration::from_millis(10));
    a.hear("<SEQ=601><ACK=121><LEN=100><CTL=PSH,ACK>");
    assert_eq!(a.out().len(), 1, "one answer is not enough");
}
