//! RFC 6298 and RFC 9293 section 3.8.3: what is sent again, when, and for how long.

use super::*;

fn profile(knobs: &[(&str, &str)]) -> Profile {
    let mut profile = Profile::rfc9293();
    for (name, value) in knobs {
        profile.set(name, value).expect("a knob");
    }
    profile
}

fn waits(scripted: &mut Scripted) -> Vec<u64> {
    let mut waits = Vec::new();
    while scripted.state() != State::Closed {
        waits.push(scripted.wait().0 / 1000);
    }
    waits
}

#[test]
fn a_syn_is_sent_again_at_doubling_intervals_for_more_than_three_minutes() {
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
    let mut a = Scripted::established(profile(&[("rto-min", "10min"), ("rto-max", "4min"), ("msl", "18446744073709551615s")]));
    a.send(10);
    a.pass(Duration::from_millis(20));
    a.hear("<SEQ=301><ACK=111><CTL=ACK>");
    assert_eq!(a.connection.variables().rto, Duration::from_secs(240));
    a.close();
    a.hear("<SEQ=301><ACK=112><CTL=FIN,ACK>");
    assert_eq!(a.state(), State::TimeWait);
}

#[test]
fn a_timeout_of_nothing_does_not_stop_time() {
    let mut a = Scripted::established(profile(&[("rto-initial", "0s"), ("rto-min", "0s")]));
    a.hear("<SEQ=301><ACK=101><WND=0><CTL=ACK>");
    a.send(10);
    assert_eq!(a.wait(), (1, vec!["<SEQ=101><ACK=301><LEN=1><CTL=PSH,ACK>".to_owned()]));
}
