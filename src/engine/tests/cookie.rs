//! A connection that begins with the ACK of a SYN cookie: RFC 4987 section 3.6.

use super::*;

fn rebuilt(knobs: &[(&str, &str)], cookie: Cookie, options: TcpOptions) -> Scripted {
    let mut b = Scripted::new(profile(knobs));
    b.connection.on_open_passive(b.now, b.open()).expect("CLOSED");
    let ack = b.read("<SEQ=301><ACK=101><WND=50><CTL=ACK>", options);
    b.connection.on_cookie(b.now, b.open(), cookie, &ack);
    assert_eq!((b.state(), b.out()), (State::Established, vec![]));
    b
}

const COOKIE: Cookie = Cookie { mss: 1200, shift: Some(2), sack: true };

#[test]
fn a_cookie_says_what_the_syn_said() {
    let mut b = rebuilt(&[("window-scale", "3")], COOKIE, TcpOptions::NONE);
    let variables = b.connection.variables();
    assert_eq!(
        (variables.iss, variables.irs, variables.snd_una),
        (Some(SeqNumber::new(100)), Some(SeqNumber::new(300)), Some(SeqNumber::new(101)))
    );
    assert_eq!((variables.mss, variables.snd_wnd), (Some(1200), Some(200)));
    // Nothing was lost, as far as anyone knows: the RTO is the first one, not that after a lost SYN.
    assert_eq!((variables.srtt, variables.rto), (None, Profile::rfc9293().rto_initial));
    assert_eq!(b.send(5000), ["<SEQ=101><ACK=301><LEN=200><CTL=ACK>"]);
}

#[test]
fn sack_behind_a_cookie_needs_both_sides() {
    for (ours, theirs, expected) in [("on", true, "nop,nop,sack 401:411"), ("on", false, ""), ("off", true, "")] {
        let mut b = rebuilt(&[("sack", ours)], Cookie { sack: theirs, ..COOKIE }, TcpOptions::NONE);
        b.hear("<SEQ=401><ACK=101><LEN=10><CTL=ACK>");
        assert_eq!(b.segments()[0].options.to_string(), expected, "ours {ours}, theirs {theirs}");
    }
}

#[test]
fn timestamps_behind_a_cookie_need_both_sides() {
    let stamped = TcpOptions::NONE.nop().nop().timestamps(Timestamps { val: 7, ecr: 0 });
    for (ours, options, expected) in [("on", stamped, "nop,nop,TS val 0 ecr 7"), ("on", TcpOptions::NONE, ""), ("off", stamped, "")] {
        let mut b = rebuilt(&[("timestamps", ours)], COOKIE, options);
        b.connection.on_send(b.now, 5, false).expect("room");
        assert_eq!(b.segments()[0].options.to_string(), expected, "ours {ours}");
    }
}

#[test]
fn text_beside_the_cookie_is_taken() {
    let mut b = Scripted::new(Profile::rfc9293());
    b.connection.on_open_passive(b.now, b.open()).expect("CLOSED");
    let ack = b.read("<SEQ=301><ACK=101><LEN=20><CTL=ACK>", TcpOptions::NONE);
    let arrival = b.connection.on_cookie(b.now, b.open(), COOKIE, &ack);
    assert_eq!((arrival.take, b.out()), (20, vec!["<SEQ=101><ACK=321><CTL=ACK>".to_owned()]));
}

#[test]
fn a_fin_beside_the_cookie_is_no_text() {
    let mut b = Scripted::new(Profile::rfc9293());
    b.connection.on_open_passive(b.now, b.open()).expect("CLOSED");
    let ack = b.read("<SEQ=301><ACK=101><LEN=20><CTL=FIN,ACK>", TcpOptions::NONE);
    let arrival = b.connection.on_cookie(b.now, b.open(), COOKIE, &ack);
    assert_eq!((arrival, b.state()), (Arrival { take: 20, ..Arrival::default() }, State::CloseWait));
    assert_eq!(b.out(), ["<SEQ=101><ACK=322><CTL=ACK>"]);
}
