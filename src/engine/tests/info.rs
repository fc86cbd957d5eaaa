//! What [`Connection::info`] tells, in the words of `TCP_INFO`.

use super::*;
use crate::engine::profile::EcnPolicy;
use crate::engine::{CongestionState, Info};

fn told(profile: Profile, syn_ack: &str, options: TcpOptions) -> Info {
    let a = Scripted::new(profile).establish(syn_ack, options);
    a.connection.info(a.now)
}

#[test]
fn octets_are_counted_from_the_numbers() {
    let mut a = Scripted::established(Profile::linux());
    let info = a.connection.info(a.now);
    // Linux counts the SYN of an active OPEN as acknowledged, and the peer's not as received.
    assert_eq!((info.bytes_acked, info.bytes_received, info.notsent_bytes), (1, 0, 0));
    a.send(10);
    a.hear("<SEQ=301><ACK=111><LEN=20><CTL=PSH,ACK>");
    let info = a.connection.info(a.now);
    assert_eq!((info.bytes_acked, info.bytes_received, info.snd_wnd), (11, 20, 65_535));
}

#[test]
fn a_passive_open_has_no_acknowledged_syn() {
    let mut b = requested(Profile::rfc9293());
    b.hear("<SEQ=301><ACK=101><CTL=ACK>");
    let info = b.connection.info(b.now);
    assert_eq!((info.state, info.bytes_acked, info.bytes_received, info.snd_mss), (State::Established, 0, 0, 536));
}

#[test]
fn what_nobody_knows_yet_is_absent() {
    let a = Scripted::new(Profile::linux());
    let info = a.connection.info(a.now);
    assert_eq!((info.state, info.bytes_acked, info.bytes_received), (State::Closed, 0, 0));
    assert_eq!((info.rtt, info.ato, info.rcv_mss, info.last_data_recv, info.rcv_ssthresh), (None, None, None, None, None));
}

#[test]
fn congestion_states_have_the_numbers_of_tcp_h() {
    use CongestionState::{Cwr, Disorder, Loss, Open, Recovery};
    assert_eq!([Open, Disorder, Cwr, Recovery, Loss].map(CongestionState::number), [0, 1, 2, 3, 4]);
}

#[test]
fn windows_are_scaled_only_if_both_sides_asked() {
    let mut unscaled = Profile::linux();
    unscaled.set("window-scale", "off").expect("a knob");
    let mut scaled = Profile::rfc9293();
    scaled.set("window-scale", "2").expect("a knob");
    let offer = TcpOptions::NONE.mss(1460).nop().window_scale(7);
    for (profile, options, told_of) in
        [(scaled.clone(), offer, Some((7, 2))), (scaled, TcpOptions::NONE.mss(1460), None), (unscaled, offer, None)]
    {
        assert_eq!(told(profile, "<SEQ=300><ACK=101><CTL=SYN,ACK>", options).window_scale, told_of);
    }
}

#[test]
fn ecn_is_told_once_it_is_agreed() {
    let asks = Profile { ecn: EcnPolicy::Ask, ..Profile::rfc9293() };
    for (flags, agreed) in [("SYN,ACK,ECE", true), ("SYN,ACK", false)] {
        assert_eq!(told(asks.clone(), &format!("<SEQ=300><ACK=101><CTL={flags}>"), TcpOptions::NONE).ecn, agreed, "{flags}");
    }
}

#[test]
fn a_round_trip_brings_both_its_numbers() {
    let mut a = Scripted::new(Profile::rfc9293());
    a.connection.on_open_active(a.now, a.open()).expect("CLOSED");
    a.out();
    let before = a.connection.info(a.now);
    assert_eq!((before.rtt, before.rttvar), (None, None));
    a.pass(Duration::from_millis(80));
    a.hear("<SEQ=300><ACK=101><CTL=SYN,ACK>");
    let after = a.connection.info(a.now);
    let millis = |time: Option<Duration>| time.map(|time| time.as_micros().div_ceil(1000));
    assert_eq!((millis(after.rtt), millis(after.rttvar)), (Some(80), Some(40)));
}

#[test]
fn linux_tells_of_text_in_whole_ticks_once_some_has_come() {
    for (profile, ato, since, size) in [(Profile::linux(), Some(40), Some(12), Some(1000)), (Profile::rfc9293(), None, None, None)] {
        let mut b = requested(profile);
        b.hear("<SEQ=301><ACK=101><CTL=ACK>");
        b.hear("<SEQ=301><ACK=101><LEN=1000><CTL=PSH,ACK>");
        b.out();
        b.pass(Duration::from_millis(13));
        let info = b.connection.info(b.now);
        assert_eq!((info.ato, info.last_data_recv), (ato.map(Duration::from_millis), since.map(Duration::from_millis)));
        assert_eq!(info.rcv_mss, size);
    }
}

/// An established connection that counts; the peer's MSS is 1000, its window 65535.
fn counting() -> Scripted {
    let mut profile = Profile::linux();
    profile.counts = true;
    profile.set("timestamps", "off").expect("a knob");
    let mut a = Scripted::new(profile).establish("<SEQ=300><ACK=101><CTL=SYN,ACK>", TcpOptions::NONE.mss(1000).sack_permitted());
    a.pass(Duration::from_millis(1));
    a
}

/// Milliseconds in which text was outstanding or waited, and in which the peer's window alone held it back.
fn busy_and_limited(a: &Scripted) -> (u128, u128) {
    let info = a.connection.info(a.now);
    (info.busy_time.expect("counted").as_millis(), info.rwnd_limited.expect("counted").as_millis())
}

#[test]
fn a_connection_is_busy_until_all_is_acknowledged() {
    let mut a = counting();
    assert_eq!(busy_and_limited(&a), (0, 0));
    a.send(1000);
    a.pass(Duration::from_millis(10));
    assert_eq!(busy_and_limited(&a), (10, 0));
    a.hear("<SEQ=301><ACK=1101><CTL=ACK>");
    a.out();
    a.pass(Duration::from_millis(10));
    assert_eq!(busy_and_limited(&a), (10, 0), "at rest");
    a.send(1000);
    a.pass(Duration::from_millis(10));
    assert_eq!(busy_and_limited(&a), (20, 0));
}

#[test]
fn a_window_that_holds_text_back_is_told_of() {
    let mut a = counting();
    a.send(14_000);
    a.pass(Duration::from_millis(10));
    assert_eq!(busy_and_limited(&a), (10, 0), "the congestion window has no room either");
    a.hear("<SEQ=301><ACK=10101><WND=2000><CTL=ACK>");
    a.out();
    a.pass(Duration::from_millis(30));
    assert_eq!(busy_and_limited(&a), (40, 30));
    a.hear("<SEQ=301><ACK=12101><WND=2000><CTL=ACK>");
    a.out();
    a.pass(Duration::from_millis(30));
    assert_eq!(busy_and_limited(&a), (70, 30), "all has left");
    a.hear("<SEQ=301><ACK=14101><WND=500><CTL=ACK>");
    a.out();
    a.send(1000);
    a.pass(Duration::from_millis(5));
    assert_eq!(busy_and_limited(&a).1, 35);
}

#[test]
fn a_window_that_has_room_for_all_limits_nobody() {
    // TCPI rwnd_limited: what Nagle holds back could leave, to the octet.
    for (window, limited) in [(150, 0), (149, 1000)] {
        let mut linux = Profile { counts: true, ..Profile::linux() };
        linux.set("timestamps", "off").expect("a knob");
        let mut a = Scripted::new(linux).establish("<SEQ=300><ACK=101><CTL=SYN,ACK>", TcpOptions::NONE.mss(1460));
        a.hear(&format!("<SEQ=301><ACK=101><WND={window}><CTL=ACK>"));
        assert_eq!((a.send(100).len(), a.send(50).len()), (1, 0));
        a.pass(Duration::from_secs(1));
        let told = a.connection.info(a.now).rwnd_limited.expect("counted");
        assert_eq!(told.as_nanos().div_ceil(1_000_000), limited, "{window}");
    }
}

#[test]
fn what_was_under_way_is_forgotten_at_the_end_and_how_often_it_timed_out_is_not() {
    let mut a = Scripted::established(Profile { counts: true, ..Profile::linux() });
    a.send(2000);
    a.wait();
    let info = a.connection.info(a.now);
    assert_eq!((info.unacked, info.backoff, info.retransmits), (Some(2), 1, 1));
    a.hear("<SEQ=301><CTL=RST>");
    let info = a.connection.info(a.now);
    assert_eq!((info.state, info.unacked, info.backoff, info.retransmits), (State::Closed, Some(0), 0, 1));
    assert_eq!((info.snd_cwnd, info.ca_state), (Some(1), Some(CongestionState::Loss)), "what the sender has come to stays");
}

#[test]
fn last_ack_is_told_from_the_close_on() {
    // The FIN is behind text that the window has no room for.
    let mut a = Scripted::established(Profile::linux());
    a.hear("<SEQ=301><ACK=101><CTL=FIN,ACK>");
    a.send(70_000);
    assert_eq!(a.connection.info(a.now).state, State::CloseWait);
    a.close();
    assert_eq!((a.connection.info(a.now).state, a.state()), (State::LastAck, State::CloseWait));
}
