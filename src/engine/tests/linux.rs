//! Where Linux differs from the base, one test for each difference that no other file is about.

use super::*;

#[test]
fn a_syn_that_comes_again_draws_the_syn_ack_again() {
    for (profile, answer) in [
        (Profile::rfc9293(), "<SEQ=101><ACK=301><CTL=ACK>"),
        (Profile::linux(), "<SEQ=100><ACK=301><CTL=SYN,ACK>"),
        (Profile::freebsd(), "<SEQ=100><ACK=301><CTL=SYN,ACK>"),
    ] {
        let mut b = requested(profile);
        b.pass(Duration::from_millis(400));
        assert_eq!(b.answer("<SEQ=300><CTL=SYN>"), [answer]);
        assert_eq!(b.state(), State::SynReceived);
    }
}

#[test]
fn the_timer_of_a_syn_ack_sent_again_starts_again() {
    let mut b = requested(Profile::linux());
    b.pass(Duration::from_millis(400));
    b.answer("<SEQ=300><CTL=SYN>");
    assert_eq!(b.wait(), (1000, vec!["<SEQ=100><ACK=301><CTL=SYN,ACK>".to_owned()]));
}

#[test]
fn a_syn_ack_sent_again_gives_no_sample() {
    // MUST-18: the ACK may be for either of them.
    let mut b = requested(Profile::linux());
    b.pass(Duration::from_millis(400));
    b.answer("<SEQ=300><CTL=SYN>");
    b.pass(Duration::from_millis(10));
    b.hear("<SEQ=301><ACK=101><CTL=ACK>");
    assert_eq!((b.state(), b.connection.variables().srtt), (State::Established, None));
}

#[test]
fn a_syn_in_the_window_of_a_request_resets_it() {
    for (profile, answer) in [(Profile::rfc9293(), &[][..]), (Profile::linux(), &["<SEQ=0><ACK=302><CTL=RST,ACK>"])] {
        let mut b = requested(profile);
        assert_eq!(b.answer("<SEQ=301><CTL=SYN>"), answer);
        assert_eq!(b.state(), State::Listen);
    }
}

#[test]
fn a_crossed_syn_is_answered_by_all_options() {
    let offered = TcpOptions::NONE.mss(1460).sack_permitted().nop().nop();
    for (profile, options, field) in
        [(Profile::linux(), "mss 1460,sackOK,TS val 0 ecr 0,nop,wscale 10", 63), (Profile::freebsd(), "mss 1460,sackOK,eol", 65_535)]
    {
        let mut a = crossed(profile, offered);
        let syn_ack = a.segments().remove(0);
        assert_eq!((syn_ack.to_string().as_str(), syn_ack.options.to_string().as_str()), ("<SEQ=100><ACK=301><CTL=SYN,ACK>", options));
        // Linux scales windows from now on, though the peer has not asked for it.
        a.hear("<SEQ=301><ACK=101><CTL=ACK>");
        a.connection.on_send(a.now, 1, false).expect("open");
        assert_eq!(a.segments()[0].window, WireWindow(field));
    }
}
