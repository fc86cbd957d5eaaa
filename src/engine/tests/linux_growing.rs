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
fn a_packet_that_costs_more_opens_it_while_it_is_small() {
    // Halved with the most that memory may become, until it is worth its text: once for 424 octets, twice for 200.
    for (len, memory, window) in [
        (424, "213578", 70_080),
        (424, "213577", 67_160),
        (200, "427155", 70_080),
        (200, "427154", 67_160),
        (128, "33554432", 70_080),
        (127, "33554432", 67_160),
    ] {
        let mut b = Reader::new(&[("receive-memory-max", memory)]);
        assert_eq!(b.hear(1460), 67_160);
        assert_eq!(b.hear(len), window, "{len} octets, {memory}");
    }
}
