//! Long silence and bad news: keep-alive (RFC 9293 section 3.8.4) and ICMP errors (section 3.9.2.2).

use super::resets::walked_to;
use super::*;

fn kept_alive(knobs: &[(&str, &str)]) -> Scripted {
    let mut a = Scripted::established(profile(knobs));
    let keepalive = a.connection.default_keepalive();
    a.connection.set_keepalive(a.now, Some(keepalive));
    a
}

fn signals(a: &mut Scripted) -> Vec<Signal> {
    std::iter::from_fn(|| a.connection.poll_signal()).collect()
}

const PROBE: &str = "<SEQ=100><ACK=301><CTL=ACK>";

#[test]
fn nobody_is_probed_unless_the_user_asks() {
    // MAY-5, MUST-24: on and off for each connection; MUST-25: off at first.
    let mut a = Scripted::established(Profile::rfc9293());
    assert_eq!(a.connection.poll_deadline(), None);
    let keepalive = a.connection.default_keepalive();
    a.connection.set_keepalive(a.now, Some(keepalive));
    assert_eq!(a.connection.poll_deadline(), Some(a.now + Duration::from_hours(2)));
    a.connection.set_keepalive(a.now, None);
    assert_eq!(a.connection.poll_deadline(), None);
}

#[test]
fn a_probe_has_an_old_number_and_no_text() {
    // SHLD-12; MUST-27: the interval is the user's to set, here and as a knob.
    let mut a = kept_alive(&[("keepalive-idle", "10s")]);
    assert_eq!(a.wait(), (10_000, vec![PROBE.to_owned()]));
    let (idle, interval) = (Duration::from_secs(20), Duration::from_secs(3));
    a.connection.set_keepalive(a.now, Some(KeepAlive::new(idle, interval, 5)));
    assert_eq!(a.wait(), (20_000, vec![PROBE.to_owned()]));
    assert_eq!(a.wait(), (3_000, vec![PROBE.to_owned()]));
    // MAY-6.
    let mut a = kept_alive(&[("keepalive-garbage", "on")]);
    assert_eq!(a.wait().1, ["<SEQ=100><ACK=301><LEN=1><CTL=ACK>"]);
}

#[test]
fn one_unanswered_probe_is_no_proof() {
    // MUST-29: only as many as the knob says end the connection; an answer begins the count anew.
    let mut a = kept_alive(&[("keepalive-probes", "3")]);
    signals(&mut a);
    for _ in 0..2 {
        assert_eq!(a.wait().1, [PROBE]);
    }
    a.hear("<SEQ=301><ACK=101><CTL=ACK>");
    assert_eq!(a.wait(), (7_200_000, vec![PROBE.to_owned()]));
    for _ in 0..2 {
        assert_eq!(a.wait(), (75_000, vec![PROBE.to_owned()]));
    }
    a.wait();
    assert_eq!((a.state(), signals(&mut a)), (State::Closed, vec![Signal::Timeout]));
}

#[test]
fn only_silence_is_probed() {
    // MUST-26: not while something is outstanding, and not before the interval is over since the last that was heard.
    let mut a = kept_alive(&[("keepalive-idle", "10s"), ("rto-min", "25s")]);
    a.pass(Duration::from_secs(6));
    a.hear("<SEQ=301><ACK=101><LEN=5><CTL=ACK>");
    a.out();
    assert_eq!(a.wait(), (10_000, vec!["<SEQ=100><ACK=306><CTL=ACK>".to_owned()]));
    a.hear("<SEQ=306><ACK=101><CTL=ACK>");
    a.send(5);
    assert_eq!(a.wait(), (10_000, Vec::new()), "text waits for its ACK");
    assert_eq!(a.wait(), (10_000, Vec::new()));
    assert_eq!(a.wait().1, ["<SEQ=101><ACK=306><LEN=5><CTL=PSH,ACK>"]);
}

/// States whose numbers an ICMP error can quote.
const NUMBERED: [State; 8] = [
    State::SynSent,
    State::SynReceived,
    State::Established,
    State::FinWait1,
    State::FinWait2,
    State::CloseWait,
    State::Closing,
    State::LastAck,
];

#[test]
fn a_soft_error_is_reported_and_ends_nothing() {
    // MUST-56, MUST-47, SHLD-25.
    for state in NUMBERED {
        let mut a = walked_to(state);
        signals(&mut a);
        let before = a.connection.variables();
        let quoted = before.snd_una.expect("numbered");
        a.connection.on_icmp(a.now, IcmpError::Soft, quoted);
        assert_eq!((a.state(), signals(&mut a)), (state, vec![Signal::SoftError]));
        assert_eq!((a.connection.variables(), a.out()), (before, Vec::new()), "{state}");
    }
}

#[test]
fn a_hard_error_aborts() {
    // SHLD-26: a passive SYN-RECEIVED only forgets its peer.
    for state in NUMBERED {
        let mut a = walked_to(state);
        signals(&mut a);
        let quoted = a.connection.variables().snd_una.expect("numbered");
        a.connection.on_icmp(a.now, IcmpError::Hard, quoted);
        let (after, told) = if state == State::SynReceived { (State::Listen, vec![]) } else { (State::Closed, vec![Signal::Unreachable]) };
        assert_eq!((a.state(), signals(&mut a), a.out()), (after, told, Vec::new()), "{state}");
    }
}

#[test]
fn an_error_that_quotes_nothing_in_flight_is_not_believed() {
    // R793-1122-2.
    // MUST-54: it belongs to another connection, or to nobody.
    let mut a = walked_to(State::Established);
    a.send(10);
    signals(&mut a);
    for quoted in [100, 111, 5000] {
        for error in [IcmpError::Hard, IcmpError::Soft] {
            a.connection.on_icmp(a.now, error, SeqNumber::new(quoted));
            assert_eq!((a.state(), signals(&mut a)), (State::Established, vec![]), "{error:?} quotes {quoted}");
        }
    }
}

#[test]
fn a_user_who_does_not_ask_is_not_told_and_misses_nothing_else() {
    // SHLD-20.
    let (mut asking, mut deaf) = (walked_to(State::Established), walked_to(State::Established));
    for a in [&mut asking, &mut deaf] {
        a.send(10);
        a.connection.on_icmp(a.now, IcmpError::Soft, SeqNumber::new(101));
    }
    assert!(signals(&mut asking).contains(&Signal::SoftError));
    for text in ["<SEQ=301><ACK=111><LEN=5><CTL=ACK>", "<SEQ=306><ACK=111><CTL=FIN,ACK>"] {
        assert_eq!(asking.answer(text), deaf.answer(text));
    }
    assert_eq!((deaf.state(), deaf.connection.variables()), (asking.state(), asking.connection.variables()));
}

#[test]
fn only_an_open_connection_is_probed() {
    for state in NUMBERED {
        let mut a = walked_to(state);
        let before = a.connection.poll_deadline();
        let keepalive = a.connection.default_keepalive();
        a.connection.set_keepalive(a.now, Some(keepalive));
        let probed = matches!(state, State::Established | State::CloseWait | State::FinWait2);
        assert_eq!(a.connection.deadline(Timer::KeepAlive).is_some(), probed, "{state}");
        assert!(probed || a.connection.poll_deadline() == before, "{state}");
    }
}
