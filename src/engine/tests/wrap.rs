//! Sequence numbers wrap (RFC 9293 section 3.4): a life near 2^32, and one longer than 2^32 octets.

use super::*;

/// A life with retransmission, closed window and close, as it looks from outside.
fn life(mut a: Scripted) -> Vec<String> {
    a.connection.on_open_active(a.now, a.open()).expect("CLOSED");
    let mut seen = a.out();
    let mut note = |segments: Vec<String>| seen.extend(segments);
    note(a.answer("<SEQ=300><ACK=101><CTL=SYN,ACK>"));
    note(a.send(2000));
    note(a.answer("<SEQ=301><ACK=637><WND=400><CTL=ACK>"));
    note(a.wait().1);
    note(a.answer("<SEQ=301><ACK=1037><LEN=600><CTL=ACK>"));
    note(a.answer("<SEQ=901><ACK=2101><WND=0><CTL=ACK>"));
    note(a.send(5));
    note(a.wait().1);
    note(a.answer("<SEQ=901><ACK=2101><CTL=ACK>"));
    note(a.answer("<SEQ=880><ACK=2106><CTL=RST>"));
    note(a.answer("<SEQ=905><ACK=2106><CTL=RST>"));
    note(a.answer("<SEQ=901><ACK=2106><CTL=ACK>"));
    note(a.close());
    note(a.answer("<SEQ=901><ACK=2107><LEN=9><CTL=FIN,ACK>"));
    note(a.answer("<SEQ=901><ACK=2107><LEN=9><CTL=FIN,ACK>"));
    note(a.wait().1);
    assert_eq!(a.state(), State::Closed);
    seen
}

#[test]
fn a_life_looks_the_same_anywhere_in_sequence_space() {
    let plain = life(Scripted::new(Profile::rfc9293()));
    assert_eq!(plain.last().map(String::as_str), Some("<SEQ=2107><ACK=911><CTL=ACK>"));
    // So that ISS, first octet, any later octet, or FIN is number 0.
    for back in [100, 101, 102, 637, 1037, 2100, 2105, 2106, 2107, 300, 301, 900, 910, 911, 1 << 31] {
        let there = life(Scripted::numbered(Profile::rfc9293(), 0_u32.wrapping_sub(back), 0_u32.wrapping_sub(back)));
        assert_eq!(there, plain, "{back} before the wrap");
    }
}

#[test]
fn four_gigabytes_later_the_iss_is_a_number_like_any_other() {
    let mut profile = Profile::rfc9293();
    profile.set("send-buffer", "4294967295").expect("a knob");
    let mut a = Scripted::new(profile);
    let large = Open { send_mss: u16::MAX, ..a.open() };
    a.connection.on_open_active(a.now, large).expect("CLOSED");
    a.out();
    a.hear_with("<SEQ=300><ACK=101><CTL=SYN,ACK>", TcpOptions::NONE.mss(u16::MAX));
    a.out();
    // A retransmission at the beginning leaves its mark in the TCB.
    a.send(10);
    a.wait();
    a.hear("<SEQ=301><ACK=111><CTL=ACK>");
    let mut left: u64 = (1 << 32) - 11;
    let mut acked = 111_u32;
    while left > 0 {
        let octets = u32::try_from(left.min(65_535)).expect("small");
        assert_eq!(a.send(octets).len(), 1, "at {acked}, {left} before the ISS comes again");
        acked = acked.wrapping_add(octets);
        a.hear(&format!("<SEQ=301><ACK={acked}><CTL=ACK>"));
        left -= u64::from(octets);
    }
    assert_eq!(a.connection.variables().snd_una, a.connection.variables().iss);
    assert_eq!(a.send(10), ["<SEQ=100><ACK=301><LEN=10><CTL=PSH,ACK>"]);
    assert_eq!(a.wait().1, ["<SEQ=100><ACK=301><LEN=10><CTL=PSH,ACK>"]);
    assert_eq!(a.answer("<SEQ=301><ACK=110><CTL=ACK>"), NOTHING);
    assert_eq!(a.connection.send_buffered(), 0);
}
