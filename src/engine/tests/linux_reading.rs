//! How Linux lets the receive buffer grow with what is read of it: tcp_rcv_space_adjust, tcp_rcvbuf_grow.
//!
//! `tests/scripts/linux/window/grows-with-reading.pkt` asks a kernel for the same numbers.

use super::*;
use crate::engine::Timestamps;

/// Text of a segment with timestamps.
const TEXT: u32 = 1448;

/// An open connection with timestamps that counts, a tenth of a second after the SYN; its memory goes in steps.
fn reader(change: impl FnOnce(&mut Profile)) -> Scripted {
    let mut profile = Profile { counts: true, linear_packets: true, packet_memory_steps: true, ..Profile::linux() };
    change(&mut profile);
    let mut b = Scripted::new(profile);
    b.pass(Duration::from_millis(100));
    b.connection.on_open_passive(b.now, b.open()).expect("CLOSED");
    b.hear_with(
        "<SEQ=300><CTL=SYN>",
        TcpOptions::NONE.mss(1460).sack_permitted().timestamps(Timestamps { val: 1, ecr: 0 }).nop().window_scale(7),
    );
    b.out();
    b.pass(Duration::from_millis(100));
    b.hear_with("<SEQ=301><ACK=101><CTL=ACK>", stamped(100));
    b
}

fn stamped(ecr: u32) -> TcpOptions {
    TcpOptions::NONE.nop().nop().timestamps(Timestamps { val: 2, ecr })
}

/// The next segment in order arrives.
fn text(b: &mut Scripted, ecr: u32) {
    let next = b.connection.variables().rcv_nxt.expect("numbered").get();
    b.hear_with(&format!("<SEQ={next}><ACK=101><LEN={TEXT}><CTL=ACK>"), stamped(ecr));
    b.out();
}

fn read(b: &mut Scripted, octets: u32) {
    assert_eq!(b.connection.on_receive(b.now, octets), Ok(octets));
    b.out();
}

/// What TCP_INFO tells of the reader: the round trip in milliseconds, and the octets read in one.
fn told(b: &Scripted) -> (u128, u32) {
    let info = b.connection.info(b.now);
    (info.rcv_rtt.expect("measured").as_millis(), info.rcv_space.expect("counted"))
}

#[test]
fn who_reads_more_in_a_round_trip_gets_a_larger_buffer() {
    let mut b = reader(|_| {});
    assert_eq!(told(&b), (0, 10 * TEXT));
    b.pass(Duration::from_millis(100));
    for _ in 0..20 {
        text(&mut b, 100);
        read(&mut b, TEXT);
    }
    assert_eq!(told(&b), (200, 10 * TEXT), "a round trip is not over");
    assert_eq!(b.connection.receive_memory(), Some(131_072));
    b.pass(Duration::from_millis(100));
    text(&mut b, 100);
    read(&mut b, TEXT);
    assert_eq!(told(&b), (200, 21 * TEXT));
    assert_eq!((b.connection.receive_memory(), b.connection.window_clamp()), (Some(311_376), Some(194_610)));
    // What comes next is counted from here.
    b.pass(Duration::from_millis(200));
    text(&mut b, 100);
    read(&mut b, TEXT);
    assert_eq!(told(&b), (200, 21 * TEXT));
}

#[test]
fn what_waits_to_be_read_is_not_read() {
    let mut b = reader(|_| {});
    b.pass(Duration::from_millis(100));
    for _ in 0..20 {
        text(&mut b, 100);
    }
    b.pass(Duration::from_millis(100));
    read(&mut b, 20 * TEXT);
    assert_eq!(told(&b), (200, 10 * TEXT), "all but one waited when it was looked at");
    // From that one on the next round trip counts.
    b.pass(Duration::from_millis(200));
    text(&mut b, 100);
    read(&mut b, TEXT);
    assert_eq!(told(&b), (200, 20 * TEXT));
}

#[test]
fn a_read_of_nothing_ends_no_round_trip() {
    let mut b = reader(|_| {});
    b.pass(Duration::from_millis(100));
    for _ in 0..20 {
        text(&mut b, 100);
        read(&mut b, TEXT);
    }
    b.pass(Duration::from_millis(100));
    text(&mut b, 100);
    read(&mut b, 0);
    assert_eq!(told(&b), (200, 10 * TEXT));
    read(&mut b, TEXT);
    assert_eq!(told(&b), (200, 21 * TEXT));
}

#[test]
fn who_reads_as_much_as_before_gets_no_larger_buffer() {
    // It would have memory for 28960 octets, 160 of 256 being text, which are 46336.
    let mut b = reader(|profile| profile.receive_buffer = 20_000);
    assert_eq!(told(&b), (0, 10 * TEXT));
    b.pass(Duration::from_millis(100));
    for _ in 0..9 {
        text(&mut b, 100);
        read(&mut b, TEXT);
    }
    b.pass(Duration::from_millis(100));
    text(&mut b, 100);
    read(&mut b, TEXT);
    assert_eq!((told(&b), b.connection.receive_memory()), ((200, 10 * TEXT), Some(40_000)));
}

#[test]
fn where_there_is_no_more_memory_the_window_stays_clamped() {
    let mut b = reader(|profile| profile.receive_memory_max = 131_072);
    b.connection.set_window_clamp(50_000);
    text(&mut b, 250);
    read(&mut b, TEXT);
    b.connection.set_window_clamp(50_000);
    read_all_of_a_round_trip(&mut b);
    assert_eq!((b.connection.receive_memory(), b.connection.window_clamp()), (Some(131_072), Some(50_000)));
}

#[test]
fn nobody_reads_more_in_a_round_trip_than_the_window_can_be() {
    // 601 octets take 2304 of memory: 66 of 256 are text, which is 2062 of 8000.
    let mut b = reader(|profile| (profile.timestamps, profile.receive_buffer) = (false, 4000));
    assert_eq!(told(&b), (0, 2920));
    b.hear("<SEQ=301><ACK=101><LEN=601><CTL=ACK>");
    assert_eq!((told(&b), b.connection.window_clamp()), ((0, 2062), Some(2062)));
}

#[test]
fn the_echo_of_text_that_is_held_counts_while_nothing_waits() {
    let hold = |b: &mut Scripted, start: u32, ecr: u32| {
        b.hear_with(&format!("<SEQ={start}><ACK=101><LEN={TEXT}><CTL=ACK>"), stamped(ecr));
        b.out();
    };
    let mut b = reader(|_| {});
    b.pass(Duration::from_millis(100));
    text(&mut b, 250);
    read(&mut b, TEXT);
    b.pass(Duration::from_millis(100));
    hold(&mut b, 10_000, 240);
    assert_eq!(told(&b).0, 63, "an eighth of 160, and seven of 50");
    text(&mut b, 240);
    hold(&mut b, 20_000, 200);
    assert_eq!(told(&b).0, 63, "text waits");
}

#[test]
fn an_echo_tells_a_round_trip_where_there_are_timestamps_and_text_goes_both_ways() {
    // tcp_rcv_rtt_measure_ts: of the same millisecond it says nothing, and behind a FIN nobody asks.
    let mut b = reader(|_| {});
    b.pass(Duration::from_millis(100));
    text(&mut b, 250);
    read(&mut b, TEXT);
    text(&mut b, 300);
    read(&mut b, TEXT);
    assert_eq!(told(&b).0, 50);
    b.close();
    text(&mut b, 290);
    assert_eq!((b.state(), told(&b).0), (State::FinWait1, 50));
    let mut none = reader(|profile| profile.timestamps = false);
    none.pass(Duration::from_millis(100));
    text(&mut none, 250);
    assert_eq!(told(&none).0, 0);
}

#[test]
fn text_at_the_right_edge_is_not_held() {
    // tcp_data_queue: what begins there is out of the window; of what begins before, all is held.
    for (before, held) in [(0, 0), (1, 10)] {
        let mut a = Scripted::established(Profile::linux());
        let edge = 301 + a.connection.variables().rcv_wnd.expect("numbered");
        assert_eq!(a.hear(&format!("<SEQ={}><ACK=101><LEN=10><CTL=ACK>", edge - before)).hold.len, held);
    }
}

/// Twenty segments come and are read, and with one more, a round trip later, the reader is looked at.
fn read_all_of_a_round_trip(b: &mut Scripted) {
    b.pass(Duration::from_millis(100));
    for _ in 0..20 {
        text(b, 100);
        read(b, TEXT);
    }
    b.pass(Duration::from_millis(100));
    text(b, 100);
    read(b, TEXT);
}

#[test]
fn a_buffer_that_does_not_grow_is_only_told_of() {
    let mut b = reader(|profile| profile.receive_buffer_grows = false);
    read_all_of_a_round_trip(&mut b);
    assert_eq!((told(&b), b.connection.receive_memory()), ((200, 21 * TEXT), Some(131_072)));
}

#[test]
fn the_buffer_grows_no_further_than_memory_may() {
    let mut b = reader(|profile| profile.receive_memory_max = 200_000);
    read_all_of_a_round_trip(&mut b);
    assert_eq!((b.connection.receive_memory(), b.connection.window_clamp()), (Some(200_000), Some(125_000)));
}

#[test]
fn an_echo_counts_once_and_only_of_whole_segments() {
    let mut b = reader(|_| {});
    b.pass(Duration::from_millis(100));
    let next = b.connection.variables().rcv_nxt.expect("numbered").get();
    b.hear_with(&format!("<SEQ={next}><ACK=101><LEN=100><CTL=ACK>"), stamped(100));
    assert_eq!(told(&b).0, 0, "less than a segment");
    text(&mut b, 100);
    assert_eq!(told(&b).0, 0, "the same echo");
    text(&mut b, 250);
    assert_eq!(told(&b).0, 50);
    read(&mut b, 100 + 2 * TEXT);
    b.pass(Duration::from_millis(100));
    text(&mut b, 240);
    assert_eq!(told(&b).0, 63, "an eighth of 160, and seven of 50");
    text(&mut b, 200);
    assert_eq!(told(&b).0, 63, "text waits, and what is longer does not count");
    text(&mut b, 370);
    assert_eq!(told(&b).0, 30);
}

#[test]
fn a_window_that_is_filled_is_a_round_trip() {
    let mut b = reader(|profile| (profile.timestamps, profile.receive_buffer, profile.receive_memory_max) = (false, 4000, 8000));
    let mut round_trips = Vec::new();
    for wait in [10, 10, 10, 10, 1, 1, 1, 1, 10, 10, 10, 10] {
        b.pass(Duration::from_millis(wait));
        let next = b.connection.variables().rcv_nxt.expect("numbered").get();
        b.hear(&format!("<SEQ={next}><ACK=101><LEN=1000><CTL=ACK>"));
        read(&mut b, 1000);
        round_trips.push(told(&b).0);
    }
    // From an octet's being allowed to its coming: at first three segments, then four; a longer one counts for nothing.
    assert_eq!(round_trips, [0, 0, 0, 30, 30, 30, 30, 4, 4, 4, 4, 4]);
}

#[test]
fn a_clamp_bounds_the_threshold_from_above_only() {
    let mut b = reader(|_| {});
    let threshold = |b: &Scripted| b.connection.info(b.now).rcv_ssthresh.expect("Linux has one");
    assert_eq!((b.connection.window_clamp(), threshold(&b)), (Some(64_088), 64_088));
    for (asked, clamp, bound) in [(50_000, 50_000, 50_000), (100, 1152, 1152), (60_000, 60_000, 60_000), (100_000, 100_000, 65_160)] {
        b.connection.set_window_clamp(asked);
        assert_eq!((b.connection.window_clamp(), threshold(&b)), (Some(clamp), bound), "{asked}");
    }
}

#[test]
fn memory_for_what_a_process_waits_for_is_never_less_than_there_was() {
    let mut b = reader(|_| {});
    b.connection.expect_text(65_536);
    assert_eq!((b.connection.receive_memory(), b.connection.window_clamp()), (Some(131_072), Some(64_088)));
    b.connection.expect_text(100_000);
    assert_eq!((b.connection.receive_memory(), b.connection.window_clamp()), (Some(200_000), Some(100_000)));
    b.connection.set_receive_memory(8000);
    assert_eq!(b.connection.receive_memory(), Some(8000));
    let mut closed = Scripted::new(Profile::linux());
    closed.connection.expect_text(1);
    closed.connection.set_receive_memory(1);
    assert_eq!((closed.connection.receive_memory(), closed.connection.window_clamp()), (None, None));
}

#[test]
fn text_that_is_held_takes_memory_once() {
    let mut b = reader(|profile| profile.timestamps = false);
    let (packet, long) = (b.connection.linux_steps(1000), b.connection.linux_steps(3000));
    for (start, len, steps) in [
        (2301, 1000, packet),
        (2301, 1000, packet),
        (2401, 100, packet),
        (3301, 1000, 2 * packet),
        (1301, 1000, 3 * packet),
        (5301, 1000, 4 * packet),
        (5201, 3000, 3 * packet + long),
    ] {
        b.hear(&format!("<SEQ={start}><ACK=101><LEN={len}><CTL=ACK>"));
        assert_eq!(b.connection.held_steps(), steps, "{start}:{len}");
    }
    b.hear("<SEQ=301><ACK=101><LEN=1000><CTL=ACK>");
    assert_eq!(b.connection.held_steps(), long, "what can be read is held no more");
}

#[test]
fn a_packet_takes_its_memory_until_the_last_of_it_is_read() {
    let mut b = reader(|_| {});
    for (len, steps) in [(1000, 18), (100, 0), (1000, 18)] {
        b.connection.note_waiting(len, steps);
    }
    let read: Vec<_> = [600, 600, 5000, 1].into_iter().map(|octets| b.connection.note_read(octets)).collect();
    assert_eq!(read, [Some((0, 600)), Some((18, 500)), Some((18, 900)), None], "memory that is free, octets of the first");
    // What was held comes to the queue in packets as long as the others.
    text(&mut b, 100);
    b.connection.linux_text_released(2 * TEXT, 37);
    let read: Vec<_> = [TEXT, TEXT - 1, 1, TEXT].into_iter().map(|octets| b.connection.note_read(octets)).collect();
    let own = b.connection.linux_steps(TEXT);
    assert_eq!(read, [Some((own, TEXT)), Some((0, TEXT - 1)), Some((19, 1)), Some((18, TEXT))]);
}

#[test]
fn who_begins_out_of_order_is_not_hurried() {
    let acks = |first: u32, second: u32| {
        let mut b = reader(|profile| profile.timestamps = false);
        let mut answered = Vec::new();
        for start in [first, second, 301 + 2 * 1460] {
            b.hear(&format!("<SEQ={start}><ACK=101><LEN=1460><CTL=ACK>"));
            answered.push(b.segments().len());
            // A window that opens would be told of at once.
            b.connection.set_window_clamp(1152);
        }
        answered
    };
    assert_eq!(acks(301 + 1460, 301), [1, 1, 0], "the ACK of the first was its only quick one");
    assert_eq!(acks(301, 301 + 1460), [1, 1, 1]);
}

#[test]
fn text_held_beyond_the_window_is_no_longer_than_a_packet() {
    for len in [65_535, u32::MAX] {
        let mut b = reader(|_| {});
        b.hear_with(&format!("<SEQ=401><ACK=101><LEN={len}><CTL=ACK>"), stamped(100));
        b.out();
        b.hear_with("<SEQ=301><ACK=101><LEN=100><CTL=ACK>", stamped(100));
        assert_eq!(b.connection.variables().rcv_nxt.expect("numbered").get(), 401 + 65_535, "{len}");
    }
}
