//! When Linux acknowledges, to the tick of 4 ms: what `kernel/pauses.trace` shows, at its bounds.
//!
//! tcp_event_data_recv, tcp_delack_timer_handler and tcp_incr_quickack are the sources.

use super::*;

/// In ESTABLISHED at a tick, by a passive OPEN; RTO is 200 ms, and nothing was heard yet.
fn open_with(knobs: &[(&str, &str)]) -> Scripted {
    let mut profile = Profile::linux();
    for (name, value) in knobs {
        profile.set(name, value).expect("a knob");
    }
    let mut b = requested(profile);
    b.hear("<SEQ=301><ACK=101><CTL=ACK>");
    b
}

/// Ten octets more; whether they are acknowledged at once.
fn hears(b: &mut Scripted) -> bool {
    let (next, sent) = (b.connection.variables().rcv_nxt.expect("numbered"), b.connection.variables().snd_nxt.expect("numbered"));
    let answer = b.answer(&format!("<SEQ={}><ACK={}><LEN=10><CTL=PSH,ACK>", next.get(), sent.get()));
    !answer.is_empty()
}

/// Text after each of these pauses, and an answer so long after the last; whether the next ACK waits for an answer too.
fn waits_for_an_answer(pauses: &[u64], answered_after: u64) -> bool {
    let mut b = open_with(&[]);
    assert!(hears(&mut b), "at first every ACK is quick");
    for pause in pauses {
        b.pass(Duration::from_millis(*pause));
        assert!(hears(&mut b), "still quick");
    }
    b.pass(Duration::from_millis(answered_after));
    assert_eq!(b.send(10).len(), 1);
    !hears(&mut b)
}

#[test]
fn an_answer_within_the_estimate_makes_the_next_ack_wait() {
    // The estimate begins at 40 ms. Pauses up to 20 ms draw it to 40, shorter ones than itself to twice their length.
    for (pauses, estimate) in [
        (&[][..], 40),
        (&[20], 40),
        (&[36], 56),
        (&[36, 36], 64),
        (&[36, 36, 24], 56),
        (&[36, 36, 20], 52),
        (&[36, 36, 16], 52),
        (&[36, 36, 4], 52),
        // As long as the estimate, or longer: it stays.
        (&[40], 40),
        (&[100], 40),
        (&[36, 36, 64], 64),
        // The RTO is the most.
        (&[36, 36, 60, 88, 128], 196),
        (&[36, 36, 60, 88, 128, 192], 200),
    ] {
        assert!(waits_for_an_answer(pauses, estimate - 4), "{pauses:?}, answered before {estimate} ms");
        assert!(!waits_for_an_answer(pauses, estimate), "{pauses:?}, answered at {estimate} ms");
    }
}

/// Hears text until an ACK is not quick; how many were. That ACK is due afterwards.
fn quick_acks(b: &mut Scripted) -> usize {
    (0..100).take_while(|_| hears(b)).count()
}

#[test]
fn quick_acks_are_as_many_as_the_window_has_pairs_of_segments() {
    // A full segment is guessed at 536 octets; two, where there is room for none, and sixteen at most.
    for (buffer, count) in [("160", 2), ("1000", 1), ("1500", 1), ("5000", 4), ("65536", 16)] {
        assert_eq!(quick_acks(&mut open_with(&[("receive-buffer", buffer), ("packet-overhead", "0")])), count, "{buffer}");
    }
    assert_eq!(quick_acks(&mut open_with(&[("quick-acks", "5")])), 5);
}

#[test]
fn after_a_pause_beyond_the_rto_acks_are_quick_again() {
    for (pause, count) in [(200, 0), (204, 16)] {
        let mut b = open_with(&[]);
        assert_eq!(quick_acks(&mut b), 16);
        b.wait();
        let heard = b.now.as_millis() - 44;
        b.pass(Duration::from_millis(heard + pause - b.now.as_millis()));
        assert_eq!(quick_acks(&mut b), count, "{pause}");
    }
}

#[test]
fn an_ack_that_had_to_be_sent_by_the_timer_doubles_the_estimate() {
    for (answered_after, waits) in [(76, true), (80, false)] {
        let mut b = open_with(&[]);
        assert_eq!(quick_acks(&mut b), 16);
        // 40 ms and the rest of a tick.
        assert_eq!(b.wait().0, 44);
        b.pass(Duration::from_millis(answered_after - 44));
        b.send(10);
        // After so long a pause the ACK is quick, unless it waits for an answer.
        b.pass(Duration::from_millis(300));
        assert_eq!(!hears(&mut b), waits, "answered after {answered_after} ms");
    }
}

#[test]
fn a_delayed_ack_that_is_nearly_due_leaves_with_the_next_text() {
    // A quarter of 40 ms before its time, and not earlier; the moment itself does not move.
    for (after, at_once) in [(32, false), (33, false), (34, true), (40, true)] {
        let mut b = open_with(&[]);
        assert_eq!(quick_acks(&mut b), 16);
        b.pass(Duration::from_millis(after));
        assert_eq!(hears(&mut b), at_once, "{after} ms later");
        if !at_once {
            assert_eq!(b.wait().0, 44 - after);
        }
    }
}

#[test]
fn the_last_quick_ack_draws_the_estimate_back() {
    // Five segments 36 ms apart make it 70 ms; where the fifth takes the last quick ACK, it is 40 again.
    for (quick_acks, waits) in [("5", false), ("6", true)] {
        let mut b = open_with(&[("quick-acks", quick_acks)]);
        for _ in 0..5 {
            assert!(hears(&mut b));
            b.pass(Duration::from_millis(36));
        }
        b.pass(Duration::from_millis(44 - 36));
        b.send(10);
        b.pass(Duration::from_millis(300));
        assert_eq!(!hears(&mut b), waits, "{quick_acks} quick ACKs");
    }
}

#[test]
fn a_shorter_round_trip_hurries_an_ack_that_waits() {
    // Not longer than SRTT, 32 ms at first; a sample of 1 ms makes it 28, and the ACK a tick earlier.
    let mut linux = Profile::linux();
    for (name, value) in [("delayed-ack", "8ms"), ("quick-acks", "0")] {
        linux.set(name, value).expect("a knob");
    }
    let mut b = Scripted::new(linux);
    b.pass(Duration::from_millis(4));
    b.connection.on_open_passive(b.now, b.open()).expect("CLOSED");
    b.answer("<SEQ=300><CTL=SYN>");
    b.pass(Duration::from_millis(32));
    b.hear("<SEQ=301><ACK=101><CTL=ACK>");
    b.send(10);
    assert_eq!(b.answer("<SEQ=301><ACK=101><LEN=10><CTL=PSH,ACK>"), NOTHING);
    assert_eq!(b.connection.deadline(Timer::DelayedAck).map(Instant::as_millis), Some(72));
    b.pass(Duration::from_millis(1));
    assert_eq!(b.answer("<SEQ=311><ACK=111><LEN=10><CTL=PSH,ACK>"), NOTHING);
    assert_eq!(b.connection.deadline(Timer::DelayedAck).map(Instant::as_millis), Some(68));
}

#[test]
fn the_estimate_never_exceeds_the_rto() {
    // Doubled by three ACKs of the timer, 44 ms apart: 80, 168 and, instead of 256, 200 ms.
    for (answered_after, waits) in [(196, true), (200, false)] {
        let mut b = open_with(&[("quick-acks", "1")]);
        assert!(hears(&mut b));
        for _ in 0..3 {
            assert!(!hears(&mut b));
            assert_eq!(b.wait().0, 44);
        }
        b.pass(Duration::from_millis(answered_after - 44));
        b.send(10);
        b.pass(Duration::from_millis(300));
        assert_eq!(!hears(&mut b), waits, "answered after {answered_after} ms");
    }
}

#[test]
fn two_short_segments_of_one_length_become_the_guess_at_a_full_one() {
    // tcp_measure_rcv_mss, without timestamps: 536 octets, or 88 where nothing was pushed.
    for (flags, len, guessed) in [("PSH,ACK", 536, true), ("PSH,ACK", 535, false), ("ACK", 88, true), ("ACK", 87, false)] {
        let mut b = open_with(&[("quick-acks", "0"), ("packet-overhead", "0")]);
        let hears = |b: &mut Scripted, len: u32, read: bool| {
            let next = b.connection.variables().rcv_nxt.expect("numbered").get();
            let at_once = !b.answer(&format!("<SEQ={next}><ACK=101><LEN={len}><CTL={flags}>")).is_empty();
            if read {
                b.connection.on_receive(b.now, len).expect("open");
                if b.out().is_empty() && !at_once {
                    b.wait();
                }
            }
            at_once
        };
        for len in [1460, len, len] {
            hears(&mut b, len, true);
        }
        b.send(10);
        // More than a full segment is acknowledged at once, and less waits for the next answer.
        assert!(!hears(&mut b, len, false), "{len} {flags}");
        assert_eq!(hears(&mut b, len, false), guessed, "{len} {flags}");
    }
}

#[test]
fn a_fin_beyond_the_window_makes_nobody_wait() {
    // Only one that was taken has an answer of ours to wait for.
    let mut b = open_with(&[("receive-buffer", "20000"), ("packet-overhead", "0"), ("lenient-sequence", "off")]);
    assert_eq!(b.connection.variables().rcv_wnd, Some(18_980));
    assert_eq!(b.answer("<SEQ=301><ACK=101><LEN=19000><CTL=FIN,PSH,ACK>"), ["<SEQ=101><ACK=19281><CTL=ACK>"]);
    assert_eq!(b.connection.on_receive(b.now, 18_980), Ok(18_980));
    b.out();
    assert!(hears(&mut b));
}

#[test]
fn what_a_call_holds_back_leaves_with_an_ack_and_what_a_cork_holds_back_stays() {
    for (corked, left) in [(false, vec!["<SEQ=101><ACK=306><LEN=10><CTL=ACK>"]), (true, vec![])] {
        let mut a = Scripted::established(Profile { counts: true, ..Profile::linux() });
        a.connection.on_send(a.now, 10, true).expect("open");
        if !corked {
            a.connection.hold_short_until_ack();
        }
        assert_eq!(a.out(), NOTHING);
        let beside = a.answer("<SEQ=301><ACK=101><LEN=5><CTL=ACK>");
        assert_eq!(beside, ["<SEQ=101><ACK=306><CTL=ACK>"], "an ACK that only stands beside text is not looked at");
        assert_eq!(a.answer("<SEQ=306><ACK=101><CTL=ACK>"), left);
    }
}
