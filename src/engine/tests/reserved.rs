//! Octets of the option area that somebody else fills, such as a signature (RFC 2385), and what they leave room for.

use super::*;

/// SACK and timestamps are on; so many octets of each option area are not ours.
fn reserving(octets: u8) -> Scripted {
    let mut b = Scripted::new(profile(&[("sack", "on"), ("timestamps", "on")]));
    b.connection.reserve_options(octets);
    b
}

const TS: TcpOptions = TcpOptions::NONE.mss(1460).timestamps(Timestamps { val: 9, ecr: 0 });

#[test]
fn beside_a_signature_a_syn_ack_has_room_for_sack_or_timestamps() {
    for (syn, reserved, answer) in [
        (TS, 20, "mss 1460,nop,nop,TS val 0 ecr 9"),
        (TS.sack_permitted(), 20, "mss 1460,nop,nop,sackOK"),
        (TS.sack_permitted(), 0, "mss 1460,nop,nop,sackOK,nop,nop,TS val 0 ecr 9"),
    ] {
        let mut b = reserving(reserved);
        b.connection.on_open_passive(b.now, b.open()).expect("CLOSED");
        b.hear_with("<SEQ=300><CTL=SYN>", syn.padded());
        assert_eq!(b.segments()[0].options.to_string(), answer);
        b.hear("<SEQ=301><ACK=101><CTL=ACK>");
        assert_eq!(b.connection.info(b.now).timestamps, answer.contains("TS"), "{answer}");
    }
}

#[test]
fn timestamps_that_the_syn_had_no_room_for_are_not_agreed() {
    // R7323-12: they are used if both SYNs had them.
    for (reserved, agreed) in [(0, true), (20, false)] {
        let mut a = reserving(reserved);
        a.connection.on_open_active(a.now, a.open()).expect("CLOSED");
        assert_eq!(a.segments()[0].options.to_string().contains("TS"), agreed);
        a.hear_with("<SEQ=300><ACK=101><CTL=SYN,ACK>", TS.padded());
        assert_eq!((a.state(), a.connection.info(a.now).timestamps), (State::Established, agreed));
    }
}

#[test]
fn text_and_options_and_what_is_reserved_fill_a_segment() {
    // R6691-2: a segment is as long as the MSS says, options counted.
    for reserved in [0, 4, 8, 20] {
        for stamped in [true, false] {
            let options = if stamped { TS } else { TcpOptions::NONE.mss(1460) };
            let mut a = reserving(0).establish("<SEQ=300><ACK=101><CTL=SYN,ACK>", options.sack_permitted().padded());
            a.connection.reserve_options(reserved);
            for blocks in 0..6 {
                a.connection.on_send(a.now, 1460, false).expect("room");
                let left = a.segments()[0];
                let told = left.options.octets().len();
                let what = format!("{reserved} octets reserved, {blocks} ranges held, timestamps {stamped}: {left} {}", left.options);
                assert_eq!(left.len as usize + told + usize::from(reserved), 1460, "{what}");
                assert!(told + usize::from(reserved) <= TcpOptions::MAX, "{what}");
                // All is acknowledged, and a range more lies behind a gap.
                let end = a.connection.variables().snd_nxt.expect("numbered");
                let now = if stamped { TcpOptions::NONE.timestamps(Timestamps { val: 9, ecr: 0 }).padded() } else { TcpOptions::NONE };
                a.hear_with(&format!("<SEQ=301><ACK={end}><CTL=ACK>"), now);
                let rest = a.segments().last().map_or(end, Segment::end);
                a.hear_with(&format!("<SEQ={}><ACK={rest}><LEN=10><CTL=ACK>", 400 + 100 * blocks), now);
                a.out();
            }
        }
    }
}
