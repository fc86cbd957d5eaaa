//! When FreeBSD tells the peer of room that reading has made: `tcp_output`, where a window update is due.

use super::*;

#[test]
fn half_a_buffer_or_two_segments_and_a_quarter_are_worth_an_update() {
    let mut freebsd = Profile::freebsd();
    freebsd.set("receive-buffer", "20000").expect("a knob");
    // 20000 octets, grown to 38 segments of 536: 20368. A quarter are 5092.
    for (read, told) in [(5091, false), (5092, true)] {
        let mut a = Scripted::new(freebsd.clone()).establish("<SEQ=300><ACK=101><CTL=SYN,ACK>", TcpOptions::NONE.mss(536));
        for at in 0..20 {
            a.answer(&format!("<SEQ={}><ACK=101><LEN=500><CTL=ACK>", 301 + 500 * at));
        }
        assert_eq!(a.connection.on_receive(a.now, read), Ok(read));
        assert_eq!(!a.out().is_empty(), told, "{read} octets");
    }
    // Not while an ACK waits.
    let mut a = Scripted::new(freebsd).establish("<SEQ=300><ACK=101><CTL=SYN,ACK>", TcpOptions::NONE.mss(536));
    for at in 0..21 {
        a.answer(&format!("<SEQ={}><ACK=101><LEN=500><CTL=ACK>", 301 + 500 * at));
    }
    assert_eq!(a.connection.on_receive(a.now, 10_500), Ok(10_500));
    assert_eq!(a.out(), NOTHING);
}

/// A receive buffer, the peer's MSS, and whether windows are told in units of 64 octets.
#[derive(Clone, Copy, Debug)]
struct Buffer(u32, u16, bool);

/// Whether the peer hears of it when so much of a full, or partly full, buffer is read.
fn is_told(Buffer(octets, mss, scaled): Buffer, filled: u32, read: u32) -> bool {
    let mut freebsd = Profile::freebsd();
    for (knob, value) in [("receive-buffer", octets.to_string().as_str()), ("min-mss", "1")] {
        freebsd.set(knob, value).expect("a knob");
    }
    let options = if scaled { TcpOptions::NONE.mss(mss).nop().window_scale(6) } else { TcpOptions::NONE.mss(mss) };
    let mut a = Scripted::new(freebsd).establish("<SEQ=300><ACK=101><CTL=SYN,ACK>", options);
    // Two halves of a segment at a time: every second segment is acknowledged at once.
    let half = u32::from(mss) / 2;
    for at in (0..filled).step_by(half as usize) {
        a.answer(&format!("<SEQ={}><ACK=101><LEN={half}><CTL=ACK>", 301 + at));
    }
    assert_eq!(a.connection.variables().rcv_wnd, Some(octets - filled));
    assert_eq!(a.connection.on_receive(a.now, read), Ok(read));
    !a.out().is_empty()
}

#[test]
fn two_segments_are_told_where_they_are_a_quarter_of_the_buffer_or_all_there_is() {
    let buffer = Buffer(20_000, 1000, false);
    for (read, told) in [(1999, false), (2000, true), (2500, true), (2501, false), (4999, false), (5000, true)] {
        assert_eq!(is_told(buffer, 20_000, read), told, "{read} octets of a full buffer");
    }
    for (read, told) in [(4999, false), (5000, true)] {
        assert_eq!(is_told(buffer, 10_000, read), told, "{read} octets of a buffer half full");
    }
    // In a buffer of no more than eight segments, two are a quarter.
    for (read, told) in [(1999, false), (2000, true)] {
        assert_eq!(is_told(Buffer(8000, 1000, false), 4000, read), told, "{read} octets of eight segments");
    }
}

#[test]
fn half_the_buffer_is_told_however_few_segments_that_is() {
    for (read, told) in [(1499, false), (1500, true)] {
        assert_eq!(is_told(Buffer(3000, 1000, false), 3000, read), told, "{read}");
    }
}

#[test]
fn room_counts_as_far_as_the_field_can_say_it() {
    let buffer = Buffer(20_480, 1024, true);
    for (filled, read, told) in [(20_480, 2047, false), (20_480, 2048, true), (10_240, 5119, false), (10_240, 5120, true)] {
        assert_eq!(is_told(buffer, filled, read), told, "{read} of {filled}");
    }
    // Nearly all of the buffer, and yet less than a unit.
    for (read, told) in [(63, false), (64, true)] {
        assert_eq!(is_told(Buffer(64, 64, true), 64, read), told, "{read}");
    }
}
