//! What a shorter path means to segments that are under way (`tcp_simple_retransmit` of Linux).

use super::*;

fn sender(knobs: &[(&str, &str)]) -> Scripted {
    let mut profile = Profile::linux();
    profile.counts = true;
    profile.set("timestamps", "off").expect("a knob");
    for (knob, value) in knobs {
        profile.set(knob, value).expect("a knob");
    }
    let mut a = Scripted::new(profile).establish("<SEQ=300><ACK=101><CTL=SYN,ACK>", TcpOptions::NONE.mss(1000).sack_permitted());
    a.connection.set_no_delay(true);
    a
}

fn shrink(a: &mut Scripted, most: u16) -> Vec<String> {
    assert!(a.connection.on_path_mtu(a.now, SeqNumber::new(101), most));
    a.out()
}

fn copies(list: &[(u32, u32)]) -> Vec<String> {
    list.iter().map(|(seq, len)| format!("<SEQ={seq}><ACK=301><LEN={len}>")).collect()
}

/// What left, without flags.
fn numbers(left: &[String]) -> Vec<String> {
    left.iter().map(|segment| segment.split("<CTL").next().unwrap_or_default().to_owned()).collect()
}

#[test]
fn all_that_is_too_long_leaves_again() {
    // As Linux 6.18 does, asked with packets of two segments: each is cut anew as a whole. Without a round trip all is one.
    let mut a = sender(&[]);
    a.send(5000);
    let left = shrink(&mut a, 800);
    let cut = [(101, 800), (901, 800), (1701, 800), (2501, 800), (3301, 800), (4101, 800), (4901, 200)];
    assert_eq!(numbers(&left), copies(&cut));
    let info = a.connection.info(a.now);
    assert_eq!((info.lost, info.retrans, info.unacked), (Some(7), Some(7), Some(7)));
    assert_eq!((info.ca_state, info.snd_cwnd, info.snd_ssthresh), (Some(CongestionState::Loss), Some(10), Some(u32::MAX)));
    a.hear("<SEQ=301><ACK=5101><CTL=ACK>");
    assert_eq!(a.connection.info(a.now).ca_state, Some(CongestionState::Open));
}

#[test]
fn what_is_short_enough_stays_under_way() {
    let mut a = sender(&[]);
    for octets in [1000, 500, 1000] {
        a.send(octets);
    }
    assert_eq!(numbers(&shrink(&mut a, 800)), copies(&[(101, 800), (901, 200), (1601, 800), (2401, 200)]));
    let info = a.connection.info(a.now);
    assert_eq!((info.lost, info.unacked), (Some(4), Some(5)));
}

#[test]
fn nothing_is_too_long_for_a_path_that_takes_it() {
    let mut a = sender(&[]);
    a.send(500);
    assert_eq!(shrink(&mut a, 800), NOTHING);
    assert_eq!(a.connection.info(a.now).ca_state, Some(CongestionState::Open));
    a.send(500);
    assert_eq!(shrink(&mut a, 500), NOTHING, "as long as that to the octet");
    assert_eq!(numbers(&shrink(&mut a, 499)), copies(&[(101, 499), (600, 1), (601, 499), (1100, 1)]));
}

#[test]
fn what_was_sacked_is_not_lost() {
    let mut a = sender(&[("burst-segments", "0")]);
    a.send(3000);
    a.hear_with("<SEQ=301><ACK=101><CTL=ACK>", sack(1101, 2101));
    a.out();
    assert_eq!(numbers(&shrink(&mut a, 800)), copies(&[(101, 800), (901, 200), (2101, 800), (2901, 200)]));
    let info = a.connection.info(a.now);
    assert_eq!((info.lost, info.sacked, info.unacked), (Some(4), Some(1), Some(5)));
}

fn sack(from: u32, to: u32) -> TcpOptions {
    let mut options = TcpOptions::NONE;
    options.add_sack([(from, to)].into_iter(), 0);
    options
}

#[test]
fn a_fin_leaves_again_with_its_text() {
    let mut a = sender(&[]);
    a.connection.on_send(a.now, 1000, false).expect("room");
    a.close();
    let left = shrink(&mut a, 800);
    assert_eq!(left, ["<SEQ=101><ACK=301><LEN=800><CTL=ACK>", "<SEQ=901><ACK=301><LEN=200><CTL=PSH,FIN,ACK>"]);
}

#[test]
fn the_first_recovery_goes_on() {
    let mut a = sender(&[]);
    a.send(1000);
    // Its probe, and the retransmission timeout.
    a.wait();
    a.wait();
    let before = a.connection.info(a.now);
    assert_eq!(before.ca_state, Some(CongestionState::Loss));
    shrink(&mut a, 800);
    let after = a.connection.info(a.now);
    assert_eq!((after.ca_state, after.snd_cwnd, after.snd_ssthresh), (before.ca_state, before.snd_cwnd, before.snd_ssthresh));
}

#[test]
fn without_congestion_control_the_front_leaves_again_and_the_rest_with_its_acks() {
    // RFC 1191 section 6.5: what was too long is retransmitted at once.
    let mut a = Scripted::established(Profile::rfc9293());
    a.send(2920);
    assert_eq!(shrink(&mut a, 1460), NOTHING, "as long as the peer takes");
    assert_eq!(shrink(&mut a, 1000), ["<SEQ=101><ACK=301><LEN=1000><CTL=ACK>"]);
    assert_eq!(a.answer("<SEQ=301><ACK=1101><CTL=ACK>"), ["<SEQ=1101><ACK=301><LEN=1000><CTL=ACK>"]);
}

#[test]
fn without_congestion_control_all_that_is_under_way_is_one_segment() {
    for (most, again) in [(801, &[][..]), (800, &[]), (799, &["<SEQ=101><ACK=301><LEN=799><CTL=ACK>"])] {
        let mut a = Scripted::established(Profile::rfc9293());
        a.send(800);
        assert_eq!(shrink(&mut a, most), again, "{most}");
    }
}
