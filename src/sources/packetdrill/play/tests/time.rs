//! When something is to happen, and how late it may be.

use super::*;

#[test]
fn a_handshake_passes() {
    let fake = passes(ACCEPTED, accepted());
    let flags: Vec<_> = fake.came().iter().map(|segment| segment.flags).collect();
    // The last is the reset behind the script.
    assert_eq!(flags, [Flags::SYN, Flags::ACK, Flags::RST | Flags::ACK]);
}

#[test]
fn relative_times_count_from_when_the_event_before_happened() {
    let script = &format!("{ACCEPTED}+.1 write(4, ..., 10) = 10\n+.2 > P. 1:11(10) ack 1\n+.1 close(4) = 0");
    // The packet is 10 ms late, within the 12.5 percent that are allowed: the close is late with it.
    let fake = accepted().answering([Answer::of(10)]).leaving(310, segment(Flags::PSH | Flags::ACK, ISS.wrapping_add(1), 1, 10));
    let fake = passes(script, fake);
    let closed = fake.calls.iter().find(|(_, call)| matches!(call, Call::Close { fd: 4 })).expect("closed");
    assert_eq!(closed.0, millis(410));
}

#[test]
fn a_packet_may_be_early_or_late_by_the_tolerance_and_no_more() {
    let script = &format!("{ACCEPTED}+1 > . 1:1(0) ack 1");
    let leaving = |at| accepted().leaving(at, segment(Flags::ACK, ISS.wrapping_add(1), 1, 0));
    for at in [875, 1000, 1125] {
        passes(script, leaving(at));
    }
    for at in [874, 1126] {
        let text = fails(script, leaving(at));
        assert!(text.contains("timing error: expected outbound packet at 1.000 s, give or take 0.125 but happened at "), "{text}");
    }
    let tight = &format!("--tolerance_usecs=500\n--tolerance_percent=0\n{script}");
    passes(tight, leaving(1000));
    assert!(fails(tight, leaving(1001)).contains("1.000 s, give or take 0.0005"));
}

#[test]
fn a_star_waits_as_long_as_it_takes() {
    let script = &format!("{ACCEPTED}* > . 1:1(0) ack 1\n+1 close(4) = 0");
    let fake = passes(script, accepted().leaving(3_600_000, segment(Flags::ACK, ISS.wrapping_add(1), 1, 0)));
    assert_eq!(fake.calls.iter().find(|(_, call)| matches!(call, Call::Close { fd: 4 })).expect("closed").0, millis(3_601_000));
    assert!(fails(script, accepted()).contains("Timed out waiting for packet"));
}

#[test]
fn a_range_allows_what_lies_within() {
    for (script, times) in [("+1~+2 > . 1:1(0) ack 1", [900, 1500, 2100]), ("1~2 > . 1:1(0) ack 1", [900, 1500, 2100])] {
        let script = &format!("{ACCEPTED}{script}");
        let leaving = |at| accepted().leaving(at, segment(Flags::ACK, ISS.wrapping_add(1), 1, 0));
        for at in times {
            passes(script, leaving(at));
        }
        for at in [874, 2126] {
            assert!(fails(script, leaving(at)).contains("1.000~2.000 s"), "{at}");
        }
    }
}

#[test]
fn a_packet_is_waited_for_two_seconds_longer_than_expected() {
    let script = &format!("{ACCEPTED}+3 > . 1:1(0) ack 1");
    let text = fails(script, accepted().leaving(5_001, segment(Flags::ACK, ISS.wrapping_add(1), 1, 0)));
    assert!(text.contains("Timed out waiting for packet: none until 5.000 s"), "{text}");
    let text = fails(script, accepted().leaving(4_999, segment(Flags::ACK, ISS.wrapping_add(1), 1, 0)));
    assert!(text.contains("happened at 4.999 s"), "{text}");
}

#[test]
fn what_comes_too_late_for_the_next_event_is_told() {
    let script = &format!("{ACCEPTED}* > . 1:1(0) ack 1\n1 close(4) = 0");
    let text = fails(script, accepted().leaving(2_000, segment(Flags::ACK, ISS.wrapping_add(1), 1, 0)));
    assert!(text.contains("expected at 1.000 s"), "{text}");
    assert!(text.contains("not before 2.000 s"), "{text}");
}

#[test]
fn a_script_lasts_a_week_at_most() {
    let script = "0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n+700000 close(3) = 0";
    assert!(broken(script, accepted()).contains("a week"));
}

#[test]
fn an_inbound_packet_behind_another_counts_from_when_that_was_due() {
    // google's: both are written at 10 and 20 ms behind the call, whatever time the first took.
    let script = &format!("{ACCEPTED}+.01 < . 1:1(0) ack 1 win 1\n+.01 < . 1:1(0) ack 1 win 2");
    let fake = passes(script, accepted());
    let times: Vec<_> = fake.arrived.iter().map(|(at, _)| *at).collect();
    assert_eq!(times[2..4], [millis(10), millis(20)]);
}

#[test]
fn a_script_ends_at_once_and_what_nobody_asked_for_is_nobodys_business() {
    let fake = accepted().leaving(0, segment(Flags::ACK, ISS.wrapping_add(1), 1, 0));
    passes(ACCEPTED, fake);
}

#[test]
fn a_stack_that_is_never_at_rest_ends_the_run() {
    struct Restless;
    impl Stack for Restless {
        fn call(&mut self, _: Instant, _: &Call) -> Outcome {
            Outcome::Returned(Answer::of(3))
        }
        fn retry(&mut self, _: Instant, _: &Call) -> Outcome {
            Outcome::Blocked
        }
        fn on_packet(&mut self, _: Instant, _: &[u8]) {}
        fn poll_packet(&mut self, _: Instant, _: &mut Vec<u8>) -> bool {
            false
        }
        fn poll_deadline(&mut self) -> Option<Instant> {
            Some(Instant::START)
        }
        fn on_time(&mut self, _: Instant) {}
    }
    let text = "0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n+1 close(3) = 0";
    let script = parse("t.pkt", text, &[]).expect("a script");
    let report = play(&script, &context(text), &mut Virtual::new(Restless));
    assert!(told(&report.verdict).starts_with("error: t.pkt:2:1: the stack wants to be woken"), "{}", told(&report.verdict));
}

#[test]
fn a_blocking_call_returns_at_its_time() {
    let script = &format!("{ACCEPTED}+.1...0.5 read(4, ..., 100) = 10\n");
    let returning = |at, result| {
        let mut fake = accepted();
        fake.answers.push_back(Outcome::Blocked);
        fake.returns = Some((millis(at), Answer::of(result)));
        fake
    };
    passes(script, returning(500, 10));
    assert!(fails(script, returning(600, 10)).contains("expected system call return at 0.500 s"));
    assert!(fails(script, returning(500, 0)).contains("Expected result 10 but got 0"));
    // At the end of a script a call has a second left to return.
    let text = fails(script, returning(1_101, 10));
    assert!(text.contains("read still waits at 1.100 s"), "{text}");
}

#[test]
fn the_next_call_gives_one_that_waits_a_second() {
    let script = &format!("{ACCEPTED}+0...0.5 read(4, ..., 100) = 10\n+.1 close(4) = 0\n");
    let mut fake = accepted();
    fake.answers.push_back(Outcome::Blocked);
    fake.returns = Some((millis(500), Answer::of(10)));
    let fake = passes(script, fake);
    assert_eq!(fake.calls.iter().find(|(_, call)| matches!(call, Call::Close { fd: 4 })).expect("closed").0, millis(500));
}

#[test]
fn a_call_without_an_end_may_take_its_time() {
    let script = &format!("{ACCEPTED}+0 read(4, ..., 100) = 10\n+0 close(4) = 0\n");
    let mut fake = accepted();
    fake.answers.push_back(Outcome::Blocked);
    fake.returns = Some((millis(700), Answer::of(10)));
    let fake = passes(script, fake);
    assert_eq!(fake.calls.iter().find(|(_, call)| matches!(call, Call::Close { fd: 4 })).expect("closed").0, millis(700));
}
