//! The values a segment is made of, in tables: control bits, numbers, options, and the forms in which a person sees them.

use super::*;

const ACK: SeqNumber<Theirs> = SeqNumber::new(301);

fn fin(options: TcpOptions) -> Segment {
    Segment { seq: SeqNumber::new(101), ack: ACK, flags: Flags::FIN | Flags::ACK, window: WireWindow(77), urgent: 0, len: 2, options }
}

#[test]
fn control_bits_are_a_set() {
    let syn_ack = Flags::SYN | Flags::ACK;
    assert_eq!((Flags::FIN.bits(), Flags::AE.bits(), syn_ack.bits()), (0x001, 0x100, 0x012));
    assert_eq!((Flags::from_bits(0x012), Flags::from_bits(0xfe01)), (syn_ack, Flags::FIN), "the reserved bits are cut off");
    for (of, with, without, contains, intersects) in [
        (Flags::SYN, syn_ack, Flags::ACK, true, true),
        (Flags::RST, syn_ack | Flags::RST, syn_ack, false, false),
        (Flags::SYN | Flags::RST, syn_ack | Flags::RST, Flags::ACK, false, true),
        (syn_ack, syn_ack, Flags::NONE, true, true),
        (Flags::NONE, syn_ack, syn_ack, true, false),
    ] {
        assert_eq!((syn_ack.with(of), syn_ack.without(of)), (with, without), "{of}");
        assert_eq!((syn_ack.contains(of), syn_ack.intersects(of)), (contains, intersects), "{of}");
    }
}

#[test]
fn no_number_comes_after_itself() {
    let number = SeqNumber::<Ours>::new(7);
    assert!(number.plus(1).after(number) && !number.after(number) && !number.after(number.plus(1)));
    assert!(number.at_or_before(number) && !number.plus(1).at_or_before(number));
}

#[test]
fn no_moment_lies_before_the_beginning() {
    let at = Instant::from_nanos(1_500_000_000);
    assert_eq!(at - Duration::from_millis(500), Instant::from_nanos(1_000_000_000));
    assert_eq!(at - Duration::from_secs(2), Instant::START);
}

#[test]
fn values_show_what_a_person_reads() {
    assert_eq!(format!("{:?}", SeqNumber::<Ours>::new(101)), "101");
    assert_eq!(format!("{:?}", Flags::PSH | Flags::ACK), "PSH,ACK");
    assert_eq!(format!("{:?}", Instant::from_nanos(10_000_000)), "0.010 s");
    assert_eq!(format!("{:?}", fin(TcpOptions::NONE)), format!("<SEQ=101><ACK=301><LEN=2><CTL=FIN,ACK><WND=77>{:?}", TcpOptions::NONE));
    assert!(format!("{:?}", TcpOptions::NONE.mss(1460)).contains("mss 1460"));
    assert_eq!(Timer::ALL.map(Timer::name), ["user", "rexmt", "delayed-ack", "2msl", "finwait2", "keepalive"]);
}

#[test]
fn option_areas_are_equal_if_their_octets_are() {
    let (none, mss) = (TcpOptions::NONE, TcpOptions::NONE.mss(1460));
    assert!(none.is_empty() && !mss.is_empty());
    assert!(mss == TcpOptions::from_octets(&[2, 4, 5, 180]).expect("it fits") && mss != none && mss != TcpOptions::NONE.mss(1461));
}

#[test]
fn an_option_that_does_not_fit_is_left_out_whole() {
    let octets = [7; 8];
    let cookie = FastOpenCookie::new(&octets).expect("a length cookies have");
    for (before, after) in [(0, 10), (30, 40), (31, 31), (39, 39)] {
        let mut options = TcpOptions::from_octets(&vec![1; before]).expect("it fits");
        options.add_fast_open(&cookie, 0);
        assert_eq!(options.octets().len(), after, "behind {before} octets");
    }
    // Octets that somebody else fills count as full.
    for (before, free, after) in [(10, 20, 20), (10, 21, 10)] {
        let mut options = TcpOptions::from_octets(&vec![1; before]).expect("it fits");
        options.add_fast_open(&cookie, free);
        assert_eq!(options.octets().len(), after, "behind {before} octets, where {free} stay free");
    }
    let full = TcpOptions::from_octets(&[1; TcpOptions::MAX]).expect("it fits");
    for blocks in [0, 1] {
        let mut options = full;
        options.add_sack([(5, 9)].into_iter().take(blocks), 0);
        assert_eq!(options, full);
    }
}

#[test]
fn what_an_option_holds_is_written_over_where_it_holds_as_much() {
    for (area, kind, data, after) in [
        (&[19, 5, 0, 0, 0][..], 19, &[7, 8, 9][..], Some(&[19, 5, 7, 8, 9][..])),
        (&[1, 1, 19, 4, 0, 0], 19, &[7, 8], Some(&[1, 1, 19, 4, 7, 8])),
        (&[2, 4, 5, 180, 19, 4, 0, 0], 19, &[7, 8], Some(&[2, 4, 5, 180, 19, 4, 7, 8])),
        (&[19, 3, 0, 19, 4, 0, 0], 19, &[7, 8], Some(&[19, 3, 0, 19, 4, 7, 8])),
        // None of this kind, or none that holds as much.
        (&[2, 4, 5, 180], 19, &[7, 8], None),
        (&[19, 3, 0], 19, &[7, 8], None),
        (&[], 19, &[7, 8], None),
        // Behind the end of the list, or what is no option, there are none; nor is one that is cut off.
        (&[0, 19, 4, 0, 0], 19, &[7, 8], None),
        (&[5, 1, 19, 4, 0, 0], 19, &[7, 8], None),
        (&[19, 4, 0], 19, &[7, 8], None),
        (&[1, 19], 19, &[7, 8], None),
    ] {
        let mut options = TcpOptions::from_octets(area).expect("it fits");
        assert_eq!(options.fill(kind, data), after.is_some(), "{area:?}");
        assert_eq!(options.octets(), after.unwrap_or(area));
    }
}

#[test]
fn an_option_of_a_length_it_cannot_have_is_unknown() {
    for (octets, text) in [
        (&[5, 10, 1, 2, 3, 4, 5, 6, 7, 8][..], "sack 16909060:84281096"),
        (&[5, 9, 1, 2, 3, 4, 5, 6, 7], "kind 5 01020304050607"),
        (&[8, 10, 0, 0, 1, 0, 0, 0, 0, 2], "TS val 256 ecr 2"),
        (&[8, 11, 0, 0, 1, 0, 0, 0, 0, 2, 3], "kind 8 000001000000000203"),
    ] {
        assert_eq!(TcpOptions::from_octets(octets).expect("it fits").to_string(), text);
    }
}

#[test]
fn a_rule_says_where_it_is_written() {
    for (name, source) in [("listen/syn", "RFC 9293 section 3.10.7.2 third"), ("listen/cookie", "RFC 4987 section 3.6")] {
        assert_eq!(Rule::named(name).expect("a row").source(), source);
    }
    for rule in rules::RULES {
        let of_another = rule.rfc.starts_with("RFC ") || rule.rfc == "none";
        assert_eq!(rule.source().starts_with("RFC 9293 section"), !of_another, "{}", rule.name);
    }
}

#[test]
fn a_rule_is_the_same_if_it_does_the_same() {
    let (syn, ack) = (Rule::named("listen/syn").expect("a row"), Rule::named("listen/ack").expect("a row"));
    let other = Rule { does: ack.does, ..*syn };
    assert!(*syn == *syn && *syn != other);
    assert_eq!(format!("{:?} {:?}", syn.does, other.does), "[RecordSyn, HoldBehindSyn, SendSynAck] [ReplyRst]");
}

#[test]
fn events_of_timers_name_their_timer() {
    for (event, timer) in [
        (Event::UserTimeout, Some(Timer::User)),
        (Event::Retransmission, Some(Timer::Retransmission)),
        (Event::RetransmissionR2, Some(Timer::Retransmission)),
        (Event::DelayedAck, Some(Timer::DelayedAck)),
        (Event::TwoMsl, Some(Timer::TimeWait)),
        (Event::FinWait2Timeout, Some(Timer::FinWait2)),
        (Event::KeepAlive, Some(Timer::KeepAlive)),
        (Event::Send, None),
    ] {
        assert_eq!(event.timer(), timer, "{event}");
    }
}

#[test]
fn a_table_is_the_same_only_as_itself() {
    static EMPTY: Table = Table::new(&[]);
    assert!(TABLE == TABLE && EMPTY == EMPTY && TABLE != EMPTY);
    assert_eq!((format!("{EMPTY:?}"), format!("{TABLE:?}")), ("Table(0 rows)".to_owned(), format!("Table({} rows)", RULES.len())));
}
