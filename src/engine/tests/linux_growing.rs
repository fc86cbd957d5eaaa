//! How far Linux opens its window with what arrives, to the octet: tcp_grow_window, __tcp_grow_window.
//!
//! `kernel/linear-fine.trace` shows the same in units of 128 octets.

use super::*;

/// A reader whose windows are told in twos, of packets that cost 856 octets beside their text.
struct Reader(Scripted);

impl Reader {
    fn new(knobs: &[(&str, &str)]) -> Self {
        let mut profile = Profile::linux();
        let usual = [("window-scale", "1"), ("packet-overhead", "856"), ("linear-packets", "on")];
        for (name, value) in usual.iter().chain(knobs) {
            profile.set(name, value).expect("a knob");
        }
        let mut b = Scripted::new(profile);
        b.connection.on_open_passive(b.now, b.open()).expect("CLOSED");
        b.hear_with("<SEQ=300><CTL=SYN>", TcpOptions::NONE.mss(1460).nop().window_scale(1));
        b.out();
        b.hear("<SEQ=301><ACK=101><CTL=ACK>");
        Self(b)
    }

    /// So much text arrives, which the ACK must tell of at once, and is read.
    fn hear(&mut self, len: u32) -> u32 {
        let next = self.0.connection.variables().rcv_nxt.expect("numbered").get();
        self.0.hear(&format!("<SEQ={next}><ACK=101><LEN={len}><CTL=PSH,ACK>"));
        let acks = self.0.segments();
        assert_eq!(acks.len(), 1);
        assert_eq!(self.0.connection.on_receive(self.0.now, len), Ok(len));
        self.0.out();
        u32::from(acks[0].window.0) << 1
    }
}

#[test]
fn a_packet_worth_its_memory_opens_the_window_by_two_segments() {
    // 64240 are offered. 1460 of 2316 octets is text, 161/256, so that 131072 octets have room for 82432.
    let mut b = Reader::new(&[]);
    let windows: Vec<_> = (0..8).map(|_| b.hear(1460)).collect();
    assert_eq!(windows, [67_160, 70_080, 73_000, 75_920, 78_840, 80_976, 80_976, 80_976]);
}

#[test]
fn a_segment_beyond_the_mss_opens_the_window_by_twice_itself() {
    let mut b = Reader::new(&[]);
    assert_eq!(b.hear(2000), 64_240 + 4000);
}

#[test]
fn a_packet_that_costs_more_opens_it_while_it_is_small() {
    // Halved with the most that memory may become, until it is worth its text: not for 424 octets, once for 200, twice for 128.
    for (len, memory, window) in [
        (424, "213578", 70_080),
        (424, "213577", 67_160),
        (200, "427155", 70_080),
        (200, "427154", 67_160),
        (128, "854309", 70_080),
        (128, "854308", 67_160),
        (128, "33554432", 70_080),
        (127, "33554432", 67_160),
    ] {
        let mut b = Reader::new(&[("receive-memory-max", memory)]);
        assert_eq!(b.hear(1460), 67_160);
        assert_eq!(b.hear(len), window, "{len} octets, {memory}");
    }
}

/// Without window scaling, with so large a buffer and packets that cost so much beside their text.
fn unscaled(buffer: &str, overhead: &str) -> Scripted {
    let mut profile = Profile::linux();
    let knobs = [("receive-buffer", buffer), ("packet-overhead", overhead), ("linear-packets", "on"), ("window-scale", "off")];
    for (name, value) in knobs {
        profile.set(name, value).expect("a knob");
    }
    let mut b = requested(profile);
    b.hear("<SEQ=301><ACK=101><CTL=ACK>");
    b
}

fn window(b: &Scripted) -> u32 {
    b.connection.variables().rcv_wnd.expect("numbered")
}

/// So much text arrives and is acknowledged, be it late.
fn hear(b: &mut Scripted, len: u32, flags: &str) {
    let next = b.connection.variables().rcv_nxt.expect("numbered").get();
    b.answer(&format!("<SEQ={next}><ACK=101><LEN={len}><CTL={flags}>"));
    if b.connection.deadline(Timer::DelayedAck).is_some() {
        b.wait();
    }
}

/// So much is read; whether the peer hears of the room.
fn tells_of(b: &mut Scripted, octets: u32) -> bool {
    assert_eq!(b.connection.on_receive(b.now, octets), Ok(octets));
    !b.out().is_empty()
}

/// The window is filled by segments of 535 octets, and read until so much is left.
fn opens_again(buffer: &str, overhead: &str, left: u32) -> bool {
    let mut b = unscaled(buffer, overhead);
    while window(&b) > 0 {
        let len = window(&b).min(535);
        hear(&mut b, len, "PSH,ACK");
    }
    let unread = b.connection.receive_buffered();
    tells_of(&mut b, unread - left)
}

#[test]
fn a_closed_window_opens_with_room_for_a_segment_and_a_sixteenth_of_the_buffer() {
    // __tcp_select_window. Of 4000 octets of memory 1128 of text in three packets leave half of 1072, a segment.
    assert!(opens_again("2000", "600", 1128));
    assert!(!opens_again("2000", "600", 1130));
    // Of 40000 octets 17900 of text in 35 packets leave half of 2500, a sixteenth of 20000.
    assert!(opens_again("20000", "560", 17_900));
    assert!(!opens_again("20000", "560", 17_902));
}

#[test]
fn only_a_window_of_twice_the_size_is_news() {
    // __tcp_cleanup_rbuf: 10720 octets are the most, so that 5360 may become twice as many, and 5361 not.
    for (len, news) in [(435, true), (434, false)] {
        let mut b = unscaled("12180", "20000");
        for _ in 0..11 {
            hear(&mut b, 535, "PSH,ACK");
        }
        hear(&mut b, len, "PSH,ACK");
        assert_eq!(window(&b), 5360 + 435 - len);
        assert_eq!(tells_of(&mut b, 11 * 535 + len), news);
    }
}

#[test]
fn behind_a_fin_no_window_is_news() {
    for (flags, news) in [("ACK", true), ("FIN,ACK", false)] {
        let mut b = unscaled("2000", "600");
        hear(&mut b, 535, "ACK");
        hear(&mut b, 535, "ACK");
        hear(&mut b, 380, flags);
        assert_eq!(tells_of(&mut b, 1450), news, "{flags}");
    }
}

#[test]
fn a_window_that_fits_the_room_stays_as_it_is() {
    // 2920 octets are offered of 3000 and are free still; whole segments would be fewer.
    let mut b = unscaled("3000", "0");
    hear(&mut b, 10, "PSH,ACK");
    assert_eq!(window(&b), 2920);
}

#[test]
fn a_buffer_of_less_than_two_segments_moves_its_window_by_one() {
    // 460 octets stay, though 1460 are free: less than a segment more, if more than half of the 1910 there are.
    let mut b = unscaled("1500", "832");
    hear(&mut b, 1460, "ACK");
    assert!(tells_of(&mut b, 1460));
    hear(&mut b, 1000, "ACK");
    assert_eq!((window(&b), tells_of(&mut b, 1000)), (460, false));
}

#[test]
fn a_buffer_of_one_segment_moves_its_window_by_more_than_half() {
    for (len, news) in [(576, false), (577, true)] {
        let mut b = unscaled("1152", "1152");
        hear(&mut b, 1152, "ACK");
        assert!(tells_of(&mut b, 1152));
        hear(&mut b, len, "ACK");
        assert_eq!((window(&b), tells_of(&mut b, len)), (1152 - len, news));
    }
}

#[test]
fn half_a_buffer_left_keeps_acks_quick() {
    // 18540 octets are the most that may be offered; one packet of so much leaves 9270 of them, or 9269.
    for (overhead, quick) in [("21450", true), ("21452", false)] {
        let mut profile = Profile::linux();
        for (name, value) in [("receive-buffer", "20000"), ("packet-overhead", overhead)] {
            profile.set(name, value).expect("a knob");
        }
        let mut b = requested(profile);
        b.hear("<SEQ=301><ACK=101><CTL=ACK>");
        assert_eq!(b.answer("<SEQ=301><ACK=101><LEN=10><CTL=ACK>").len(), 1);
        assert_eq!(b.connection.on_receive(b.now, 10), Ok(10));
        assert_eq!(b.answer("<SEQ=311><ACK=101><LEN=10><CTL=ACK>").len(), usize::from(quick), "{overhead}");
    }
}
