//! Probing of the path MTU (RFC 4821), as Linux does it: when a probe leaves, how long it is, what follows from its fate.

use super::*;

/// Linux that probes its path from the beginning, with these knobs besides.
fn probing(knobs: &[(&str, &str)]) -> Profile {
    let mut profile = Profile::linux();
    profile.counts = true;
    let usual = [
        ("timestamps", "off"),
        ("congestion-control", "reno"),
        ("burst-segments", "0"),
        ("initial-window", "11"),
        ("mtu-probing", "always"),
    ];
    for (knob, value) in usual.iter().chain(knobs) {
        profile.set(knob, value).expect("a knob");
    }
    profile
}

fn sender_of(profile: Profile, syn_ack: &str, options: TcpOptions) -> Scripted {
    let mut a = Scripted::new(profile).establish(syn_ack, options);
    a.connection.set_no_delay(true);
    a
}

/// The peer takes 1460 octets, a window of 65535, and SACK.
fn sender(knobs: &[(&str, &str)]) -> Scripted {
    sender_of(probing(knobs), "<SEQ=300><ACK=101><CTL=SYN,ACK>", TcpOptions::NONE.mss(1460).sack_permitted())
}

/// Octets of text in each segment that leaves now.
fn lengths(a: &mut Scripted) -> Vec<u32> {
    a.segments().iter().map(|segment| segment.len).collect()
}

fn send(a: &mut Scripted, octets: u32) -> Vec<u32> {
    a.connection.on_send(a.now, octets, false).expect("room");
    lengths(a)
}

fn hear(a: &mut Scripted, text: &str) -> Vec<u32> {
    a.pass(Duration::from_millis(100));
    a.hear(text);
    lengths(a)
}

fn hear_sack(a: &mut Scripted, ack: u32, from: u32, to: u32) -> Vec<u32> {
    a.pass(Duration::from_millis(100));
    a.hear_with(&format!("<SEQ=301><ACK={ack}><CTL=ACK>"), TcpOptions::NONE.sack(from, to));
    lengths(a)
}

fn mss(a: &Scripted) -> u32 {
    a.connection.info(a.now).snd_mss
}

fn cwnd(a: &Scripted) -> u32 {
    a.connection.info(a.now).snd_cwnd.expect("counted")
}

#[test]
fn a_probe_leaves_halfway_between_what_arrives_and_what_the_peer_takes() {
    let mut a = sender(&[]);
    assert_eq!(mss(&a), 1024);
    assert_eq!(send(&mut a, 6000), [1242, 1024, 1024, 1024, 1024, 662]);
    let mut lower = sender(&[("mtu-probe-base", "600")]);
    assert_eq!(send(&mut lower, 6000)[..2], [1030, 600]);
}

#[test]
fn a_window_of_ten_segments_is_too_small_for_a_probe() {
    let mut a = sender(&[("initial-window", "10")]);
    assert_eq!(send(&mut a, 6000)[0], 1024);
}

#[test]
fn enough_must_wait_behind_a_probe_for_its_loss_to_be_told() {
    // 1242 octets, and four segments: the reordering that is no sign of loss, and one.
    assert_eq!(send(&mut sender(&[]), 5337)[0], 1024);
    assert_eq!(send(&mut sender(&[]), 5338)[0], 1242);
    // A FIN waits as well.
    let mut a = sender(&[]);
    a.connection.on_send(a.now, 5337, false).expect("room");
    a.connection.on_close(a.now, false).expect("open");
    assert_eq!(lengths(&mut a)[0], 1242);
}

#[test]
fn the_peers_window_must_take_all_that() {
    for (window, first) in [(5337, 1024), (5338, 1242)] {
        let syn_ack = format!("<SEQ=300><ACK=101><WND={window}><CTL=SYN,ACK>");
        let mut a = sender_of(probing(&[]), &syn_ack, TcpOptions::NONE.mss(1460).sack_permitted());
        assert_eq!(send(&mut a, 20_000)[0], first, "{window}");
    }
}

#[test]
fn a_probe_waits_for_the_window_rather_than_let_others_take_it() {
    for (before, left) in [(662, vec![1242, 1024, 1024, 1024, 1024]), (663, vec![])] {
        let mut a = sender_of(probing(&[]), "<SEQ=300><ACK=101><WND=6000><CTL=SYN,ACK>", TcpOptions::NONE.mss(1460).sack_permitted());
        assert_eq!(send(&mut a, before), [before]);
        assert_eq!(send(&mut a, 5338), left, "{before}");
    }
}

#[test]
fn a_probe_takes_two_places_in_the_window_of_congestion() {
    for (under_way, left) in [(9, vec![1242]), (10, vec![])] {
        let mut a = sender(&[]);
        for _ in 0..under_way {
            assert_eq!(send(&mut a, 1), [1]);
        }
        assert_eq!(send(&mut a, 6000), left, "{under_way}");
        assert_eq!(cwnd(&a), if left.is_empty() { 11 } else { 10 });
    }
}

#[test]
fn no_probe_takes_text_of_two_records() {
    for (record, first) in [(1241, 1024), (1242, 1242)] {
        let mut a = sender(&[]);
        a.connection.on_send(a.now, record, false).expect("room");
        a.connection.end_record();
        assert_eq!(send(&mut a, 6000)[0], first, "{record}");
    }
}

#[test]
fn no_probe_leaves_beside_sack_blocks() {
    let mut a = sender(&[]);
    a.hear("<SEQ=400><ACK=101><LEN=9><CTL=ACK>");
    a.out();
    assert_eq!(send(&mut a, 6000)[0], 1012);
}

#[test]
fn one_probe_is_under_way_at_a_time() {
    let mut a = sender(&[]);
    assert_eq!(send(&mut a, 5338)[0], 1242);
    assert_eq!(send(&mut a, 5338)[0], 1024);
}

#[test]
fn what_is_acknowledged_of_a_probe_is_the_length_of_all_that_follows() {
    let mut a = sender(&[("initial-window", "101")]);
    assert_eq!(send(&mut a, 5338), [1242, 1024, 1024, 1024, 1024]);
    assert_eq!(cwnd(&a), 100);
    hear(&mut a, "<SEQ=301><ACK=1342><CTL=ACK>");
    assert_eq!(mss(&a), 1024, "an octet of it is missing");
    hear(&mut a, "<SEQ=301><ACK=1343><CTL=ACK>");
    // As many octets as before, headers counted: 100 * 1064 / 1282.
    assert_eq!((mss(&a), cwnd(&a)), (1242, 82));
    assert_eq!(send(&mut a, 20_000)[..2], [1351, 1242]);
}

#[test]
fn headers_of_ipv6_are_longer() {
    let mut a = sender_of(
        Profile { headers: 60, ..probing(&[("initial-window", "101")]) },
        "<SEQ=300><ACK=101><CTL=SYN,ACK>",
        TcpOptions::NONE.mss(1460),
    );
    send(&mut a, 5338);
    hear(&mut a, "<SEQ=301><ACK=1343><CTL=ACK>");
    // 100 * 1084 / 1302.
    assert_eq!((mss(&a), cwnd(&a)), (1242, 83));
}

#[test]
fn a_probe_has_options_beside_its_text() {
    let options = TcpOptions::NONE.mss(1460).timestamps(Timestamps { val: 1, ecr: 0 });
    let mut a = sender_of(probing(&[("timestamps", "on")]), "<SEQ=300><ACK=101><CTL=SYN,ACK>", options);
    assert_eq!(mss(&a), 1024);
    // Halfway between 1036 and 1460 there are twelve octets of options.
    assert_eq!(send(&mut a, 6000)[..2], [1236, 1024]);
    let mut signed = sender(&[]);
    signed.connection.reserve_options(20);
    assert_eq!(mss(&signed), 1004);
}

#[test]
fn who_offers_timestamps_counts_them_until_the_window_grows() {
    let mut a = sender(&[("timestamps", "on"), ("initial-window", "10")]);
    assert_eq!((mss(&a), send(&mut a, 2000)), (1036, vec![1036, 964]));
    hear(&mut a, "<SEQ=301><ACK=2101><WND=65535><CTL=ACK>");
    assert_eq!(mss(&a), 1036);
    let mut b = sender_of(
        probing(&[("timestamps", "on"), ("initial-window", "10")]),
        "<SEQ=300><ACK=101><WND=60000><CTL=SYN,ACK>",
        TcpOptions::NONE.mss(1460),
    );
    hear(&mut b, "<SEQ=301><ACK=101><WND=60001><CTL=ACK>");
    assert_eq!(mss(&b), 1024);
}

#[test]
fn who_was_connected_to_sends_full_segments_until_the_window_grows() {
    let mut b = Scripted::new(probing(&[]));
    b.connection.on_open_passive(b.now, b.open()).expect("CLOSED");
    b.hear_with("<SEQ=300><WND=60000><CTL=SYN>", TcpOptions::NONE.mss(1460));
    b.out();
    b.hear("<SEQ=301><ACK=101><WND=60000><CTL=ACK>");
    assert_eq!(mss(&b), 1460);
    hear(&mut b, "<SEQ=301><ACK=101><WND=60000><CTL=ACK>");
    assert_eq!(mss(&b), 1460);
    hear(&mut b, "<SEQ=301><ACK=101><WND=60001><CTL=ACK>");
    assert_eq!(mss(&b), 1024);
}

#[test]
fn a_probe_that_is_lost_alone_is_no_sign_of_congestion() {
    let mut a = sender(&[]);
    assert_eq!(send(&mut a, 10_000), [1242, 1024, 1024, 1024, 1024, 1024, 1024, 1024, 1024, 566]);
    assert_eq!(hear_sack(&mut a, 101, 1343, 4415), [1024, 218]);
    let info = a.connection.info(a.now);
    assert_eq!((info.ca_state, info.snd_cwnd, info.snd_ssthresh), (Some(CongestionState::Loss), Some(11), Some(u32::MAX)));
    hear(&mut a, "<SEQ=301><ACK=10101><CTL=ACK>");
    // Halfway to one octet less than that.
    assert_eq!((mss(&a), send(&mut a, 6000)[0]), (1024, 1132));
}

#[test]
fn what_is_lost_before_a_probe_is_a_sign_of_congestion() {
    let mut a = sender(&[]);
    assert_eq!(send(&mut a, 500), [500]);
    assert_eq!(send(&mut a, 9000)[..2], [1242, 1024]);
    hear_sack(&mut a, 101, 601, 4915);
    assert_eq!(a.connection.info(a.now).ca_state, Some(CongestionState::Recovery));
    // The copy leaves the probe in doubt.
    hear(&mut a, "<SEQ=301><ACK=9601><CTL=ACK>");
    assert_eq!(mss(&a), 1024);
}

#[test]
fn a_copy_leaves_a_probe_in_doubt() {
    // The probe of the tail is a copy, too.
    let mut a = sender(&[("initial-window", "40")]);
    send(&mut a, 5338);
    let (_, tail) = a.wait();
    assert_eq!(tail, ["<SEQ=4415><ACK=301><LEN=1024><CTL=PSH,ACK>"]);
    hear(&mut a, "<SEQ=301><ACK=5439><CTL=ACK>");
    assert_eq!((mss(&a), send(&mut a, 6000)[0]), (1024, 1242));
}

#[test]
fn a_little_more_is_not_worth_a_probe() {
    for (threshold, mss, first) in
        [("8", 1031, 1024), ("8", 1032, 1028), ("0", 1024, 1024), ("0", 1025, 1024), ("2", 1026, 1025), ("1", 900, 900)]
    {
        let profile = probing(&[("mtu-probe-threshold", threshold)]);
        let mut a = sender_of(profile, "<SEQ=300><ACK=101><CTL=SYN,ACK>", TcpOptions::NONE.mss(mss));
        assert_eq!(send(&mut a, 20_000)[0], first, "{threshold} {mss}");
    }
}

#[test]
fn a_path_is_probed_anew_after_ten_minutes() {
    let mut a = sender(&[("mtu-probe-threshold", "300"), ("slow-start-after-idle", "off")]);
    assert_eq!(send(&mut a, 10_000)[0], 1242);
    hear_sack(&mut a, 101, 1343, 4415);
    hear(&mut a, "<SEQ=301><ACK=10101><CTL=ACK>");
    // Between 1024 and 1241 there is not enough to find out.
    a.pass(Duration::from_micros(599_799_999));
    assert_eq!(send(&mut a, 10_000)[0], 1024);
    hear(&mut a, "<SEQ=301><ACK=20101><CTL=ACK>");
    assert_eq!(send(&mut a, 5338), [1024, 1024, 1024, 1024, 1024, 218], "the range is as it was; probes begin with the next ACK");
    hear(&mut a, "<SEQ=301><ACK=25439><CTL=ACK>");
    assert_eq!(send(&mut a, 6000)[0], 1242);
}

#[test]
fn a_router_bounds_what_is_worth_a_probe() {
    let mut a = sender(&[]);
    send(&mut a, 100);
    assert!(a.connection.on_path_mtu(a.now, SeqNumber::new(101), 1300));
    assert_eq!((mss(&a), send(&mut a, 6000)[0]), (1024, 1162));
    assert!(a.connection.on_path_mtu(a.now, SeqNumber::new(101), 700));
    assert_eq!(mss(&a), 700);
}

/// Time-outs without an answer: how long what left each time was.
fn timeouts(a: &mut Scripted, count: usize) -> Vec<u32> {
    let mut left = Vec::new();
    for _ in 0..count {
        a.now = a.connection.poll_deadline().expect("a timer runs");
        a.connection.on_time(a.now);
        left.extend(lengths(a));
    }
    left
}

/// Has measured a round trip of no time, so that the RTO is what the knob adds, and waits for the answer to a full segment.
fn unheard(knobs: &[(&str, &str)], mss: u16) -> Scripted {
    let knobs: Vec<_> =
        [("mtu-probing", "black-hole"), ("rto-min", "500ms"), ("tail-loss-probe", "off")].iter().chain(knobs).copied().collect();
    let mut a = sender_of(probing(&knobs), "<SEQ=300><ACK=101><CTL=SYN,ACK>", TcpOptions::NONE.mss(mss));
    a.pass(Duration::from_secs(10));
    assert_eq!(send(&mut a, mss.into()), [u32::from(mss)]);
    a
}

#[test]
fn time_outs_for_three_seconds_make_segments_shorter() {
    // The third comes six times the RTO after the first.
    assert_eq!(timeouts(&mut unheard(&[], 1460), 5), [1460, 1460, 1024, 512, 256]);
    assert_eq!(timeouts(&mut unheard(&[("rto-min", "499ms")], 1460), 5), [1460, 1460, 1460, 1024, 512]);
    assert_eq!(timeouts(&mut unheard(&[("mtu-probing", "off")], 1460), 5), [1460; 5]);
    assert_eq!(timeouts(&mut unheard(&[("mtu-probe-floor", "300")], 1460), 5)[2..], [1024, 512, 300]);
    assert_eq!(timeouts(&mut unheard(&[("mtu-probe-base", "200"), ("mtu-probe-floor", "10")], 1460), 6)[2..], [200, 100, 50, 48]);
    // A peer that takes less: half of that.
    assert_eq!(timeouts(&mut unheard(&[], 536), 4)[2..], [536, 268]);
}

#[test]
fn the_first_time_out_after_an_answer_is_no_black_hole() {
    let mut a = unheard(&[], 1460);
    assert_eq!(timeouts(&mut a, 2), [1460; 2]);
    a.hear("<SEQ=301><ACK=1561><CTL=ACK>");
    send(&mut a, 1460);
    assert_eq!(timeouts(&mut a, 1), [1460]);
}

#[test]
fn what_went_through_a_black_hole_is_the_length_of_all_that_follows() {
    let mut a = unheard(&[], 1460);
    timeouts(&mut a, 3);
    hear(&mut a, "<SEQ=301><ACK=1561><CTL=ACK>");
    assert_eq!((mss(&a), send(&mut a, 2000)), (1024, vec![1024, 976]));
}
