//! RFC 6298 and RFC 9293 section 3.8.3: what is sent again, when, and for how long.

use super::*;

fn waits(scripted: &mut Scripted) -> Vec<u64> {
    let mut waits = Vec::new();
    while scripted.state() != State::Closed {
        waits.push(scripted.wait().0 / 1000);
    }
    waits
}

#[test]
fn a_syn_is_sent_again_at_doubling_intervals_for_more_than_three_minutes() {
    // R6298-1, R6298-9, R6298-14.
    // RFC 6298 2.1, 5.5; MUST-22, MUST-23.
    let mut a = Scripted::new(Profile::rfc9293());
    a.connection.on_open_active(a.now, a.open()).expect("CLOSED");
    assert_eq!(a.out(), ["<SEQ=100><CTL=SYN>"]);
    assert_eq!(a.wait(), (1000, vec!["<SEQ=100><CTL=SYN>".to_owned()]));
    assert_eq!(waits(&mut a), [2, 4, 8, 16, 32, 64, 128]);
    assert_eq!(a.walked(), ["syn-sent/r2"]);
    assert_eq!(a.connection.poll_signal(), Some(Signal::Timeout));
    assert!(a.now.as_millis() >= 180_000, "MUST-23");
}

#[test]
fn a_syn_ack_is_sent_again_and_given_up() {
    let mut b = Scripted::new(profile(&[("syn-ack-retries", "2")]));
    b.connection.on_open_passive(b.now, b.open()).expect("CLOSED");
    assert_eq!(b.answer("<SEQ=300><CTL=SYN>"), ["<SEQ=100><ACK=301><CTL=SYN,ACK>"]);
    for interval in [1000, 2000] {
        assert_eq!(b.wait(), (interval, vec!["<SEQ=100><ACK=301><CTL=SYN,ACK>".to_owned()]));
    }
    assert_eq!(b.wait(), (4000, Vec::new()));
    assert_eq!(b.state(), State::Closed);
}

#[test]
fn text_is_sent_again_until_r2() {
    // R6298-13, R6298-14, R6298-15.
    // MUST-20, SHLD-11: R2 for text is 100 s at least.
    let mut a = Scripted::established(Profile::rfc9293());
    assert_eq!(a.send(10), ["<SEQ=101><ACK=301><LEN=10><CTL=PSH,ACK>"]);
    assert_eq!(a.wait(), (1000, vec!["<SEQ=101><ACK=301><LEN=10><CTL=PSH,ACK>".to_owned()]));
    assert_eq!(waits(&mut a), [2, 4, 8, 16, 32, 64]);
    assert_eq!(a.walked(), ["established/r2"]);
}

#[test]
fn r2_is_the_users_to_set() {
    // MUST-21.
    let mut a = Scripted::established(profile(&[("data-retries", "1")]));
    a.send(10);
    assert_eq!(waits(&mut a), [1, 2]);
}

#[test]
fn the_timeout_has_an_upper_bound() {
    // R6298-5.
    // RFC 6298 2.5.
    let mut a = Scripted::established(profile(&[("rto-max", "3s")]));
    a.send(10);
    assert_eq!(waits(&mut a), [1, 2, 3, 3, 3, 3, 3]);
}

#[test]
fn a_fin_is_sent_again_with_the_text_before_it() {
    let mut a = Scripted::established(Profile::rfc9293());
    a.connection.on_send(a.now, 10, false).expect("room");
    assert_eq!(a.close(), ["<SEQ=101><ACK=301><LEN=10><CTL=PSH,FIN,ACK>"]);
    assert_eq!(a.wait(), (1000, vec!["<SEQ=101><ACK=301><LEN=10><CTL=PSH,FIN,ACK>".to_owned()]));
    // The text has arrived after all; only the FIN is left.
    assert_eq!(a.answer("<SEQ=301><ACK=111><CTL=ACK>"), ["<SEQ=111><ACK=301><CTL=FIN,ACK>"]);
    assert_eq!(a.answer("<SEQ=301><ACK=112><CTL=ACK>"), NOTHING);
    assert_eq!((a.state(), a.connection.poll_deadline()), (State::FinWait2, None));
}

#[test]
fn bounds_the_wrong_way_round_are_no_panic() {
    // Knobs come from the command line.
    let mut a = Scripted::established(profile(&[("rto-min", "10min"), ("rto-max", "4min"), ("msl", "365days")]));
    a.send(10);
    a.pass(Duration::from_millis(20));
    a.hear("<SEQ=301><ACK=111><CTL=ACK>");
    assert_eq!(a.connection.variables().rto, Duration::from_mins(4));
    a.close();
    a.hear("<SEQ=301><ACK=112><CTL=FIN,ACK>");
    assert_eq!(a.state(), State::TimeWait);
}

#[test]
fn a_timeout_of_nothing_does_not_stop_time() {
    let mut a = Scripted::established(profile(&[("rto-initial", "0s"), ("rto-min", "0s")]));
    a.hear("<SEQ=301><ACK=101><WND=0><CTL=ACK>");
    a.send(10);
    assert_eq!(a.wait(), (1, vec!["<SEQ=101><ACK=301><LEN=1><CTL=ACK>".to_owned()]));
}

fn rto(scripted: &Scripted) -> u128 {
    scripted.connection.variables().rto.as_millis()
}

#[test]
fn samples_smooth_the_timeout() {
    // R6298-2, R6298-3, R6298-7, MUST-18.
    // RFC 6298 2.2, 2.3: SRTT = R, RTTVAR = R/2; then RTTVAR before SRTT.
    let mut a = Scripted::new(profile(&[("rto-min", "1ms")]));
    a.pass(Duration::from_millis(1));
    a.connection.on_open_active(a.now, a.open()).expect("CLOSED");
    a.out();
    a.pass(Duration::from_millis(80));
    a.answer("<SEQ=300><ACK=101><CTL=SYN,ACK>");
    assert_eq!(rto(&a), 80 + 4 * 40);
    for (ack, expected) in [(111, 80 + 4 * 30), (121, 80 + 4 * 22 + 2)] {
        a.send(10);
        a.pass(Duration::from_millis(80));
        a.hear(&format!("<SEQ=301><ACK={ack}><CTL=ACK>"));
        assert_eq!(rto(&a), expected, "at {ack}");
    }
}

#[test]
fn a_segment_sent_twice_gives_no_sample_and_the_doubled_timeout_stays() {
    // R6298-4, R6298-6.
    // RFC 6298 section 3 (Karn), 5.5: only a sample collapses the backed-off timeout; MUST-18.
    let mut a = Scripted::established(Profile::rfc9293());
    a.send(10);
    a.wait();
    a.wait();
    assert_eq!(rto(&a), 4000);
    a.hear("<SEQ=301><ACK=111><CTL=ACK>");
    assert_eq!(rto(&a), 4000, "ambiguous: which copy was acknowledged?");
    a.send(10);
    assert_eq!(a.wait().0, 4000);
    a.hear("<SEQ=301><ACK=121><CTL=ACK>");
    a.send(10);
    a.hear("<SEQ=301><ACK=131><CTL=ACK>");
    assert_eq!(rto(&a), 1000, "a segment that was sent once tells the round trip again");
}

#[test]
fn timestamps_tell_which_copy_was_acknowledged() {
    // R6298-6.
    // RFC 6298 section 3: with timestamps a retransmitted segment gives a sample after all.
    let ts = |val, ecr| TcpOptions::NONE.nop().nop().timestamps(Timestamps { val, ecr });
    let knobs = profile(&[("timestamps", "on")]);
    let mut a = Scripted::new(knobs).establish("<SEQ=300><ACK=101><CTL=SYN,ACK>", ts(7, 0));
    a.pass(Duration::from_secs(5));
    a.send(10);
    a.wait();
    let now = u32::try_from(a.now.as_millis()).expect("seconds");
    a.hear_with("<SEQ=301><ACK=111><CTL=ACK>", ts(8, now));
    assert_eq!(rto(&a), 1000);
}

#[test]
fn after_a_lost_syn_text_has_three_seconds() {
    // R6298-16.
    // RFC 6298 5.7.
    let mut a = Scripted::new(Profile::rfc9293());
    a.connection.on_open_active(a.now, a.open()).expect("CLOSED");
    a.out();
    a.wait();
    a.wait();
    a.answer("<SEQ=300><ACK=101><CTL=SYN,ACK>");
    a.send(10);
    assert_eq!(a.wait().0, 3000);
}

#[test]
fn three_seconds_never_shorten_a_longer_first_timeout() {
    let mut a = Scripted::new(profile(&[("rto-initial", "5s")]));
    a.connection.on_open_active(a.now, a.open()).expect("CLOSED");
    a.out();
    a.wait();
    a.answer("<SEQ=300><ACK=101><CTL=SYN,ACK>");
    a.send(10);
    assert_eq!(a.wait().0, 5000);
}

#[test]
fn an_ack_of_new_text_restarts_the_timer_and_the_last_one_stops_it() {
    // R6298-10, R6298-11, R6298-12.
    // RFC 6298 5.1 to 5.3.
    let mut a = Scripted::established(Profile::rfc9293());
    a.send(2000);
    a.pass(Duration::from_millis(600));
    assert_eq!(a.answer("<SEQ=301><ACK=1561><CTL=ACK>"), ["<SEQ=1561><ACK=301><LEN=540><CTL=PSH,ACK>"]);
    let due = a.connection.deadline(Timer::Retransmission).expect("text is outstanding");
    a.pass(Duration::from_millis(600));
    // A duplicate changes nothing.
    a.hear("<SEQ=301><ACK=1561><CTL=ACK>");
    assert_eq!(a.connection.deadline(Timer::Retransmission), Some(due));
    a.hear("<SEQ=301><ACK=2101><CTL=ACK>");
    assert_eq!(a.connection.poll_deadline(), None);
}

#[test]
fn partial_acks_after_a_timeout_bring_the_rest_one_by_one() {
    // R6298-13.
    // RFC 6298 5.4: the earliest only; what an ACK then leaves out was lost too.
    let mut a = Scripted::established(Profile::rfc9293());
    a.send(3 * 1460);
    assert_eq!(a.wait().1, ["<SEQ=101><ACK=301><LEN=1460><CTL=ACK>"]);
    assert_eq!(a.answer("<SEQ=301><ACK=1561><CTL=ACK>"), ["<SEQ=1561><ACK=301><LEN=1460><CTL=ACK>"]);
    assert_eq!(a.answer("<SEQ=301><ACK=3021><CTL=ACK>"), ["<SEQ=3021><ACK=301><LEN=1460><CTL=PSH,ACK>"]);
    assert_eq!(a.answer("<SEQ=301><ACK=4481><CTL=ACK>"), NOTHING);
    assert_eq!(a.connection.poll_deadline(), None);
}

#[test]
fn a_limit_of_delivery_counts_from_the_oldest_octet_outstanding() {
    // RFC 9293 3.9.1.1: "if data is not successfully delivered within the timeout"; TCP_USER_TIMEOUT.
    let mut a = Scripted::established(Profile::rfc9293());
    a.connection.limit_delivery(a.now, Some(Duration::from_secs(5)));
    assert_eq!(a.connection.poll_deadline(), None, "nothing is outstanding");
    a.pass(Duration::from_secs(100));
    a.send(2000);
    a.pass(Duration::from_millis(500));
    // Progress begins it anew, and an ACK of everything ends it.
    a.answer("<SEQ=301><ACK=637><CTL=ACK>");
    let from = a.now;
    while a.state() != State::Closed {
        a.wait();
    }
    assert_eq!((a.walked(), a.now.since(from)), (vec!["established/user-timeout"], Duration::from_secs(5)));
    let mut a = Scripted::established(Profile::rfc9293());
    a.connection.limit_delivery(a.now, Some(Duration::from_secs(5)));
    a.send(10);
    a.answer("<SEQ=301><ACK=111><CTL=ACK>");
    assert_eq!(a.connection.poll_deadline(), None);
}

#[test]
fn a_steady_round_trip_leaves_room_for_a_tick_of_the_clock() {
    // R6298-8: G, here 1 ms, where 4*RTTVAR is less.
    let mut a = Scripted::new(profile(&[("rto-min", "1ms")]));
    a.pass(Duration::from_millis(1));
    a.connection.on_open_active(a.now, a.open()).expect("CLOSED");
    a.out();
    a.pass(Duration::from_millis(80));
    a.answer("<SEQ=300><ACK=101><CTL=SYN,ACK>");
    for ack in (111..).step_by(10).take(60) {
        a.send(10);
        a.pass(Duration::from_millis(80));
        a.hear(&format!("<SEQ=301><ACK={ack}><CTL=ACK>"));
    }
    assert_eq!(rto(&a), 80 + 1);
}

#[test]
fn at_r1_the_user_hears_that_the_peer_does_not_answer() {
    // SHLD-9, SHLD-10, MUST-20: once, at the third retransmission, long before R2.
    let mut a = Scripted::established(Profile::rfc9293());
    while a.connection.poll_signal().is_some() {}
    a.send(10);
    let told: Vec<_> = (0..6)
        .map(|_| {
            a.wait();
            a.connection.poll_signal()
        })
        .collect();
    assert_eq!(told, [None, None, Some(Signal::Unresponsive), None, None, None]);
}

#[test]
fn a_limit_of_delivery_counts_from_now_for_what_is_outstanding() {
    let mut a = Scripted::established(Profile::rfc9293());
    a.pass(Duration::from_secs(100));
    a.send(10);
    a.connection.limit_delivery(a.now, Some(Duration::from_secs(5)));
    assert_eq!(a.connection.deadline(Timer::User), Some(a.now + Duration::from_secs(5)));
}

#[test]
fn an_echoed_timestamp_is_a_sample_in_milliseconds() {
    // RFC 7323 section 4.1.
    let stamped = |val, ecr| TcpOptions::NONE.nop().nop().timestamps(Timestamps { val, ecr });
    let mut a = Scripted::new(profile(&[("timestamps", "on")]));
    a.pass(Duration::from_secs(5));
    let mut a = a.establish("<SEQ=300><ACK=101><CTL=SYN,ACK>", stamped(1, 5000));
    let first = a.connection.variables().srtt.expect("the SYN was timed");
    a.send(10);
    a.pass(Duration::from_millis(80));
    a.hear_with("<SEQ=301><ACK=111><CTL=ACK>", stamped(2, 5000));
    assert_eq!(a.connection.variables().srtt.expect("timed"), (first * 7 + Duration::from_millis(80)) / 8);
}

#[test]
fn the_syn_of_a_crossed_open_is_sent_again_as_often_as_a_syn() {
    // MUST-23: who opened decides, passive or active.
    let knobs = [("syn-retries", "1"), ("syn-ack-retries", "3")];
    let mut a = crossed(profile(&knobs), TcpOptions::NONE);
    a.out();
    assert_eq!(waits(&mut a).len(), 2);
    let mut b = requested(profile(&knobs));
    assert_eq!(waits(&mut b).len(), 4);
}

#[test]
fn only_in_syn_sent_do_the_first_timeouts_stay_as_they_are() {
    let mut a = Scripted::new(profile(&[("syn-linear-timeouts", "2")]));
    a.connection.on_open_active(a.now, a.open()).expect("CLOSED");
    a.out();
    let first: Vec<_> = (0..5).map(|_| a.wait().0).collect();
    assert_eq!(first, [1000, 1000, 1000, 2000, 4000]);
    let mut b = requested(profile(&[("syn-linear-timeouts", "2")]));
    assert_eq!((0..3).map(|_| b.wait().0).collect::<Vec<_>>(), [1000, 2000, 4000]);
}

#[test]
fn what_leaves_again_is_what_left_and_where_it_lies() {
    // R6298-13: the earliest segment; what Nagle holds back behind it stays there.
    let mut a = Scripted::established(Profile::rfc9293());
    assert_eq!(a.send(10), ["<SEQ=101><ACK=301><LEN=10><CTL=PSH,ACK>"]);
    assert_eq!(a.send(5), NOTHING);
    assert_eq!(a.wait().1, ["<SEQ=101><ACK=301><LEN=10><CTL=ACK>"]);
    // The send buffer begins with what is not acknowledged.
    a.hear("<SEQ=301><ACK=111><CTL=ACK>");
    let next = a.connection.poll_segment(a.now).expect("what Nagle held");
    assert_eq!((a.write(next).to_string().as_str(), a.connection.text_range(&next)), ("<SEQ=111><ACK=301><LEN=5><CTL=PSH,ACK>", 0..5));
    a.connection.set_no_delay(true);
    a.connection.on_send(a.now, 7, false).expect("room");
    let next = a.connection.poll_segment(a.now).expect("no delay");
    assert_eq!(a.connection.text_range(&next), 5..12);
}

/// Ten octets timed out and left again; new text behind them is timed, and an ACK of five brings a third copy, with what fits.
fn timed_behind_a_loss(octets: u32, close: bool) -> Scripted {
    let mut a = Scripted::established(Profile::rfc9293());
    a.connection.set_no_delay(true);
    a.send(10);
    a.wait();
    a.send(octets);
    if close {
        a.close();
    }
    let before = rto(&a);
    a.pass(Duration::from_millis(200));
    let again = a.answer("<SEQ=301><ACK=106><CTL=ACK>");
    assert_eq!((again.len(), rto(&a)), (1, before), "{again:?}");
    a
}

#[test]
fn text_that_left_again_behind_a_loss_gives_no_sample() {
    // R6298-6, MUST-18.
    let mut a = timed_behind_a_loss(1000, false);
    let before = a.connection.variables().srtt;
    a.pass(Duration::from_millis(100));
    a.hear("<SEQ=301><ACK=1111><CTL=ACK>");
    assert_eq!(a.connection.variables().srtt, before);
}

#[test]
fn a_sample_whose_last_octet_did_not_leave_again_goes_on() {
    // 1460 octets from 106 on left again, up to 1566; the text that is timed ends behind 1566, and the FIN behind that.
    let mut a = timed_behind_a_loss(1456, true);
    let before = a.connection.variables().srtt;
    a.pass(Duration::from_millis(100));
    a.hear("<SEQ=301><ACK=1568><CTL=ACK>");
    assert_ne!(a.connection.variables().srtt, before);
}
