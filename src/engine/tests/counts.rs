//! What stands on a scoreboard and what is counted beside it, as `TCP_INFO` and a host are told.

use super::*;
use crate::engine::{CongestionState, Info};

/// What is told of a connection that counts, whose SYN has left.
fn counting(profile: &Profile) -> Scripted {
    let mut a = Scripted::new(Profile { counts: true, ..profile.clone() });
    a.connection.on_open_active(a.now, a.open()).expect("CLOSED");
    a.out();
    a
}

#[test]
fn a_syn_is_a_segment_under_way_and_lost_when_it_times_out() {
    // As Linux tells it: tcp_connect_queue_skb, and tcp_enter_loss for a SYN too, with the threshold of cubic.
    let mut a = counting(&Profile::linux());
    let of = |info: &Info| (info.ca_state, info.unacked, info.lost, info.retrans, info.snd_cwnd, info.snd_ssthresh);
    let info = a.connection.info(a.now);
    assert_eq!(of(&info), (Some(CongestionState::Open), Some(1), Some(0), Some(0), Some(10), Some(u32::MAX)));
    assert_eq!((info.segs_out, info.total_retrans, info.backoff), (Some(1), Some(0), 0));
    for _ in 0..2 {
        a.wait();
        let info = a.connection.info(a.now);
        assert_eq!(of(&info), (Some(CongestionState::Loss), Some(1), Some(1), Some(1), Some(1), Some(7)));
    }
    let info = a.connection.info(a.now);
    assert_eq!((info.segs_out, info.total_retrans), (Some(3), Some(2)));
    // Before an OPEN the window is the first one already; of a listener nothing is said, nor where there is no congestion control.
    let info = Scripted::new(Profile::linux()).connection.info(Instant::START);
    assert_eq!((info.unacked, info.snd_cwnd), (Some(0), Some(10)));
    let mut listening = Scripted::new(Profile::linux());
    listening.connection.on_open_passive(listening.now, listening.open()).expect("CLOSED");
    assert_eq!(listening.connection.info(listening.now).unacked, None);
    let base = counting(&Profile::rfc9293());
    assert_eq!(base.connection.info(base.now).unacked, None);
}

#[test]
fn without_a_scoreboard_one_segment_may_be_under_way() {
    let mut a = Scripted::established(Profile::linux());
    let told = |a: &Scripted| (a.connection.info(a.now).unacked, a.connection.packets_under_way());
    assert_eq!(told(&a), (Some(0), 0));
    a.send(10);
    assert_eq!(told(&a), (Some(1), 1));
    a.hear("<SEQ=301><ACK=111><CTL=ACK>");
    assert_eq!(told(&a), (Some(0), 0));
}

#[test]
fn segments_of_one_write_leave_in_one_packet() {
    // tcp_min_tso_segs: two segments at a time.
    let mut a = Scripted::new(Profile::linux()).establish("<SEQ=300><ACK=101><CTL=SYN,ACK>", TcpOptions::NONE.mss(1000));
    assert_eq!(a.send(4000).len(), 4);
    assert_eq!(a.connection.packets_under_way(), 2);
    a.hear("<SEQ=301><ACK=2101><CTL=ACK>");
    assert_eq!(a.connection.packets_under_way(), 1);
    assert_eq!(a.connection.first_unacknowledged(), SeqNumber::new(2101));
    // What is pushed ends its packet, and so does what had to leave alone, as the window took no more.
    let mut pushed = Scripted::new(Profile::linux()).establish("<SEQ=300><ACK=101><CTL=SYN,ACK>", TcpOptions::NONE.mss(1000));
    assert_eq!((pushed.send(1000).len(), pushed.send(1000).len()), (1, 1));
    assert_eq!(pushed.connection.packets_under_way(), 2);
    let mut alone = Scripted::new(Profile::linux()).establish("<SEQ=300><ACK=101><CTL=SYN,ACK>", TcpOptions::NONE.mss(1000));
    alone.hear("<SEQ=301><ACK=101><WND=1000><CTL=ACK>");
    assert_eq!(alone.send(2000).len(), 1);
    alone.pass(Duration::from_millis(50));
    assert_eq!(alone.answer("<SEQ=301><ACK=101><WND=2000><CTL=ACK>").len(), 1);
    assert_eq!(alone.connection.packets_under_way(), 2);
}

#[test]
fn the_largest_window_is_remembered() {
    // R5961-9.
    let mut a = Scripted::established(Profile::rfc9293());
    a.hear("<SEQ=301><ACK=101><WND=500><CTL=ACK>");
    assert_eq!(a.connection.largest_window(), 65_535);
}

#[test]
fn the_shortest_round_trip_stays() {
    let mut a = counting(&Profile { timestamps: false, ..Profile::linux() });
    assert_eq!(a.connection.info(a.now).min_rtt, None);
    a.pass(Duration::from_millis(60));
    a.answer("<SEQ=300><ACK=101><CTL=SYN,ACK>");
    let mut shortest = Vec::new();
    for (number, sample) in [50, 30, 40].into_iter().enumerate() {
        a.send(10);
        a.pass(Duration::from_millis(sample));
        a.hear(&format!("<SEQ=301><ACK={}><CTL=ACK>", 111 + 10 * number));
        shortest.push(a.connection.info(a.now).min_rtt.map(|rtt| rtt.as_millis()));
    }
    assert_eq!(shortest, [Some(50), Some(30), Some(30)]);
}

#[test]
fn of_a_connection_that_is_over_nothing_is_under_way() {
    for counts in [true, false] {
        let mut a = Scripted::established(Profile { counts, ..Profile::linux() });
        a.send(4000);
        assert!(a.connection.packets_under_way() > 0);
        a.connection.on_abort(a.now).expect("open");
        assert_eq!((a.connection.packets_under_way(), a.connection.sender.is_some()), (0, counts));
        assert_eq!(a.connection.info(a.now).segs_out.is_some(), counts, "what was counted stays");
    }
}

#[test]
fn counting_changes_nothing_where_there_is_no_congestion_control() {
    for counts in [true, false] {
        let mut base = Profile { counts, ..Profile::rfc9293() };
        base.set("nagle-short-only", "on").expect("a knob");
        let mut a = Scripted::established(base.clone());
        assert_eq!((a.send(10).len(), a.send(10).len()), (1, 0), "a short segment is under way");
        assert_eq!([(); 3].map(|()| a.wait().0), [1000, 2000, 4000]);
        assert_eq!(a.connection.info(a.now).retransmits, 3);
        let mut closed = Scripted::new(base).establish("<SEQ=300><ACK=101><WND=0><CTL=SYN,ACK>", TcpOptions::NONE);
        closed.send(10);
        assert_eq!(closed.wait().1, ["<SEQ=101><ACK=301><LEN=1><CTL=ACK>"]);
    }
}

#[test]
fn a_segment_that_left_before_there_was_a_scoreboard_stands_there_as_it_left() {
    // tcp_rtx_queue: text and FIN in one; text that SACK blocks leave no room for is cut as tcp_retransmit_skb cuts it.
    for (text, fin, blocks, segments) in [
        (1000, true, false, 1),
        (1000, false, false, 1),
        (500, true, false, 1),
        (988, true, true, 1),
        (989, false, true, 2),
        (989, true, true, 2),
    ] {
        let mut a = Scripted::new(Profile { timestamps: false, ..Profile::linux() })
            .establish("<SEQ=300><ACK=101><CTL=SYN,ACK>", TcpOptions::NONE.mss(1000).sack_permitted().padded());
        a.connection.on_send(a.now, text, false).expect("room");
        if fin {
            a.connection.on_close(a.now, false).expect("open");
        }
        assert_eq!(a.out().len(), 1);
        if blocks {
            a.hear("<SEQ=400><ACK=101><LEN=10><CTL=ACK>");
        }
        assert!(a.connection.sender.is_none());
        a.wait();
        assert_eq!(a.connection.info(a.now).unacked, Some(segments), "{text} octets, a FIN: {fin}, blocks: {blocks}");
    }
}

#[test]
fn what_left_before_there_was_a_scoreboard_left_when_it_did() {
    // RFC 8985 section 6.2: the first left 50 ms before the second, which is here after 10.
    let mut a = Scripted::new(Profile { timestamps: false, ..Profile::linux() })
        .establish("<SEQ=300><ACK=101><CTL=SYN,ACK>", TcpOptions::NONE.mss(1000).sack_permitted().padded());
    a.send(1000);
    a.pass(Duration::from_millis(50));
    a.send(1000);
    a.pass(Duration::from_millis(10));
    a.hear_with("<SEQ=301><ACK=101><CTL=ACK>", TcpOptions::NONE.nop().nop().sack(1101, 2101));
    assert_eq!(a.out(), ["<SEQ=101><ACK=301><LEN=1000><CTL=PSH,ACK>"]);
}

/// Time-outs, those that were the first in a row, and for how many milliseconds there were any.
fn rows_of_timeouts(a: &Scripted) -> (u32, u32, u128) {
    let info = a.connection.info(a.now);
    let time = info.total_rto_time.expect("counted").as_nanos().div_ceil(1_000_000);
    (info.total_rto.expect("counted"), info.total_rto_recoveries.expect("counted"), time)
}

#[test]
fn a_row_of_time_outs_of_a_syn_begins_with_the_first_and_ends_with_the_ack() {
    // tcp_update_rto_stats, tcp_rcv_synsent_state_process.
    let mut a = counting(&Profile::linux());
    assert_eq!([(); 3].map(|()| a.wait().0), [1000, 1000, 1000]);
    assert_eq!(rows_of_timeouts(&a), (3, 1, 2000));
    a.pass(Duration::from_millis(100));
    a.hear_with("<SEQ=300><ACK=101><CTL=SYN,ACK>", TcpOptions::NONE.mss(1000).nop().nop().sack_permitted());
    a.out();
    a.pass(Duration::from_millis(500));
    assert_eq!(rows_of_timeouts(&a), (3, 1, 2100));
}

#[test]
fn time_outs_of_a_syn_ack_are_counted_from_when_the_first_left() {
    // tcp_conn_request's snt_synack is all that is known of it.
    let mut b = Scripted::new(Profile { counts: true, ..Profile::linux() });
    b.pass(Duration::from_millis(700));
    b.connection.on_open_passive(b.now, b.open()).expect("CLOSED");
    b.answer("<SEQ=300><CTL=SYN>");
    assert_eq!([(); 2].map(|()| b.wait().0), [1000, 2000]);
    assert_eq!(rows_of_timeouts(&b), (2, 1, 3000));
    b.pass(Duration::from_millis(100));
    b.answer("<SEQ=301><ACK=101><CTL=ACK>");
    b.pass(Duration::from_millis(500));
    assert_eq!(rows_of_timeouts(&b), (2, 1, 3100));
}

#[test]
fn without_a_round_trip_the_pacing_rate_is_that_of_an_eighth_of_a_second() {
    // tcp_update_pacing_rate: twice ten segments of the link. A SYN,ACK that left again is no round trip.
    let mut a = counting(&Profile { timestamps: false, ..Profile::linux() });
    a.pass(Duration::from_millis(100));
    a.hear_with("<SEQ=300><ACK=101><CTL=SYN,ACK>", TcpOptions::NONE.mss(1000));
    a.out();
    let mut b = Scripted::new(Profile { counts: true, timestamps: false, ..Profile::linux() });
    b.connection.on_open_passive(b.now, b.open()).expect("CLOSED");
    b.hear_with("<SEQ=300><CTL=SYN>", TcpOptions::NONE.mss(1000));
    b.out();
    b.wait();
    b.wait();
    b.hear("<SEQ=301><ACK=101><CTL=ACK>");
    let told = [a, b].map(|host| host.connection.info(host.now)).map(|info| (info.rtt, info.pacing_rate));
    assert_eq!(told, [(Some(Duration::from_millis(100)), Some(292_000)), (None, Some(16_000_000_000))]);
}

#[test]
fn the_window_is_told_of_to_the_end_where_there_is_one() {
    for (congestion_control, told) in [("off", None), ("reno", Some(10)), ("cubic", Some(10))] {
        for counts in [true, false] {
            let mut linux = Profile { counts, ..Profile::linux() };
            linux.set("congestion-control", congestion_control).expect("a knob");
            let mut a = Scripted::established(linux);
            a.hear("<SEQ=301><CTL=RST>");
            let info = a.connection.info(a.now);
            assert_eq!((info.state, info.snd_cwnd), (State::Closed, told), "{congestion_control}");
            assert_eq!(info.unacked, told.map(|_| 0));
        }
    }
    let mut octets = Scripted::established(Profile { counts: true, ..Profile::freebsd() });
    octets.hear("<SEQ=301><CTL=RST>");
    let info = octets.connection.info(octets.now);
    assert_eq!((info.state, info.snd_cwnd, info.ca_state), (State::Closed, None, None), "it is counted in octets");
}

#[test]
fn a_round_trip_to_a_block_is_that_of_what_it_covers() {
    // tcp_clean_rtx_queue: last_sackt, where an ACK acknowledges and SACKs.
    let mut a = counting(&Profile { timestamps: false, ..Profile::linux() });
    a.pass(Duration::from_millis(60));
    a.hear_with("<SEQ=300><ACK=101><CTL=SYN,ACK>", TcpOptions::NONE.mss(1000).nop().nop().sack_permitted());
    a.out();
    a.send(1000);
    a.pass(Duration::from_millis(20));
    a.send(1000);
    a.send(1000);
    a.pass(Duration::from_millis(30));
    a.hear_with("<SEQ=301><ACK=1101><CTL=ACK>", TcpOptions::NONE.nop().nop().sack(2101, 3101));
    assert_eq!(a.connection.info(a.now).min_rtt, Some(Duration::from_millis(30)));
}

#[test]
fn a_request_that_was_heard_is_told_of_by_nobody() {
    let mut b = Scripted::new(Profile::linux());
    b.connection.on_open_passive(b.now, b.open()).expect("CLOSED");
    b.hear("<SEQ=300><CTL=SYN>");
    let info = b.connection.info(b.now);
    assert_eq!((info.state, info.unacked, info.snd_cwnd), (State::SynReceived, None, None), "Linux has no socket of it yet");
}
