//! What a host asks of a connection, or sets, beyond the calls of RFC 9293.

use super::*;

#[test]
fn a_profile_that_is_adopted_counts_for_what_is_to_come() {
    let slow = Arc::new(profile(&[("rto-initial", "2s"), ("rto-max", "60s")]));
    let mut a = Scripted::new(Profile::rfc9293());
    a.connection.adopt(Arc::clone(&slow));
    a.connection.on_open_active(a.now, a.open()).expect("CLOSED");
    a.out();
    assert_eq!(a.wait().0, 2000);
    // What has been measured stays; bounds hold at once.
    let mut b = Scripted::established(Profile::rfc9293());
    b.connection.adopt(slow);
    b.send(1);
    assert_eq!((b.wait().0, b.wait().0), (1000, 2000));
    b.connection.adopt(Arc::new(profile(&[("rto-max", "3s")])));
    b.wait();
    assert_eq!(b.wait().0, 3000);
}

#[test]
fn a_side_has_closed_from_its_close_on() {
    let mut a = Scripted::established(Profile::rfc9293());
    assert!(!a.connection.has_closed());
    a.close();
    assert!(a.connection.has_closed());
    a.answer("<SEQ=301><ACK=102><CTL=ACK>");
    assert!(a.connection.has_closed(), "its FIN is acknowledged");
    // In SYN-RECEIVED a CLOSE behind text waits for ESTABLISHED.
    let mut b = requested(Profile::rfc9293());
    b.send(10);
    assert!(!b.connection.has_closed());
    b.close();
    assert!(b.connection.has_closed());
}

#[test]
fn the_longest_segment_is_told_less_options_unless_the_profile_counts_them_in() {
    // TCP_MAXSEG: Linux takes the timestamps off, FreeBSD does not.
    let stamps = TcpOptions::NONE.mss(1400).nop().nop().timestamps(Timestamps { val: 9, ecr: 0 });
    for (profile, options, most) in [
        (Profile::linux(), stamps, 1388),
        (Profile::linux(), TcpOptions::NONE.mss(1400), 1400),
        (Profile::freebsd(), stamps, 1400),
        (Profile::freebsd(), TcpOptions::NONE.mss(1400), 1400),
    ] {
        let a = Scripted::new(profile).establish("<SEQ=300><ACK=101><CTL=SYN,ACK>", options);
        assert_eq!(a.connection.max_segment(), most, "{options}");
    }
}

#[test]
fn a_syn_ack_that_is_due_again_can_be_withheld() {
    // TCP_DEFER_ACCEPT: its timer runs on, and every time counts.
    let mut b = requested(Profile::rfc9293());
    for timeouts in 0..3 {
        assert_eq!(b.connection.syn_ack_timeouts(), timeouts);
        b.now = b.connection.deadline(Timer::Retransmission).expect("the SYN,ACK is timed");
        b.connection.on_time(b.now);
        b.connection.withhold_syn_ack();
        assert_eq!(b.out(), NOTHING);
    }
    assert_eq!(b.wait().1, ["<SEQ=100><ACK=301><CTL=SYN,ACK>"]);
    // A SYN is no SYN,ACK, and time-outs of text are none of its.
    let mut a = Scripted::new(Profile::rfc9293());
    a.connection.on_open_active(a.now, a.open()).expect("CLOSED");
    a.connection.withhold_syn_ack();
    assert_eq!(a.out(), ["<SEQ=100><CTL=SYN>"]);
    a.hear("<SEQ=300><ACK=101><CTL=SYN,ACK>");
    a.send(10);
    a.wait();
    assert_eq!(a.connection.syn_ack_timeouts(), 0);
}

#[test]
fn a_limit_of_delivery_ends_with_what_was_outstanding_and_a_moment_that_was_named_does_not() {
    // RFC 9293 section 3.9.1.1 and 3.10.8, with and without a scoreboard.
    for segments in [1, 3] {
        let mut linux = Profile::linux();
        linux.set("timestamps", "off").expect("a knob");
        let mut a = Scripted::established(linux);
        let mut named = a.clone();
        a.connection.limit_delivery(a.now, Some(Duration::from_secs(10)));
        named.connection.set_user_timeout(Some(named.now + Duration::from_secs(10)));
        for side in [&mut a, &mut named] {
            assert_eq!(side.send(1460 * segments).len(), segments as usize);
            assert!(side.connection.deadline(Timer::User).is_some());
            side.hear(&format!("<SEQ=301><ACK={}><CTL=ACK>", 101 + 1460 * segments));
        }
        assert_eq!(a.connection.deadline(Timer::User), None, "{segments}");
        assert!(named.connection.deadline(Timer::User).is_some(), "{segments}");
    }
}
