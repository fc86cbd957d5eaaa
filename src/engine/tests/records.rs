//! Records: no segment takes text of two.

use super::*;

/// An established connection of Linux's profile that sends at once; the peer's MSS is 1000.
fn sender() -> Scripted {
    let mut profile = Profile::linux();
    profile.set("timestamps", "off").expect("a knob");
    let mut a = Scripted::new(profile).establish("<SEQ=300><ACK=101><CTL=SYN,ACK>", TcpOptions::NONE.mss(1000));
    a.connection.set_no_delay(true);
    a
}

fn queue(a: &mut Scripted, octets: u32, more: bool, ends: bool) {
    assert_eq!(a.connection.on_send(a.now, octets, more), Ok(octets));
    if ends {
        a.connection.end_record();
    }
}

/// `SEQ LEN PSH` of what leaves.
fn left(a: &mut Scripted) -> Vec<(u32, u32, bool)> {
    let segments = a.segments();
    segments.iter().map(|segment| (segment.seq.get(), segment.len, segment.has(Flags::PSH))).collect()
}

#[test]
fn what_comes_behind_a_record_begins_a_segment() {
    let mut a = sender();
    queue(&mut a, 100, false, true);
    queue(&mut a, 200, false, false);
    queue(&mut a, 300, false, true);
    queue(&mut a, 400, false, false);
    assert_eq!(left(&mut a), [(101, 100, true), (201, 500, true), (701, 400, true)]);
}

#[test]
fn a_long_record_ends_in_a_short_segment() {
    let mut a = sender();
    queue(&mut a, 2400, false, true);
    queue(&mut a, 1600, false, false);
    let left = left(&mut a);
    let lengths: Vec<_> = left.iter().map(|(seq, len, _)| (*seq, *len)).collect();
    assert_eq!(lengths, [(101, 1000), (1101, 1000), (2101, 400), (2501, 1000), (3501, 600)]);
    assert!(left[2].2 && left[4].2, "{left:?}");
}

#[test]
fn a_record_whose_call_announced_more_is_not_pushed() {
    let mut a = sender();
    queue(&mut a, 100, true, true);
    queue(&mut a, 100, false, false);
    assert_eq!(left(&mut a), [(101, 100, false), (201, 100, true)]);
}

#[test]
fn only_the_last_record_waits_for_company() {
    let mut a = sender();
    a.connection.set_no_delay(false);
    queue(&mut a, 100, false, false);
    assert_eq!(left(&mut a), [(101, 100, true)]);
    queue(&mut a, 100, false, true);
    assert_eq!(left(&mut a), [], "a short segment is under way (Nagle)");
    queue(&mut a, 100, false, true);
    assert_eq!(left(&mut a), [(201, 100, true)], "nothing can be added to it any more");
    a.hear("<SEQ=301><ACK=301><CTL=ACK>");
    assert_eq!(left(&mut a), [(301, 100, true)]);
}

#[test]
fn copies_of_two_records_are_not_joined() {
    let mut a = sender();
    queue(&mut a, 100, false, false);
    left(&mut a);
    queue(&mut a, 100, false, true);
    left(&mut a);
    queue(&mut a, 100, false, false);
    left(&mut a);
    queue(&mut a, 100, false, false);
    left(&mut a);
    // The peer has no SACK, so the timer is that of retransmission.
    assert_eq!(a.wait().1, ["<SEQ=101><ACK=301><LEN=200><CTL=PSH,ACK>"]);
    assert_eq!(a.answer("<SEQ=301><ACK=301><CTL=ACK>"), ["<SEQ=301><ACK=301><LEN=200><CTL=PSH,ACK>"]);
}

#[test]
fn without_congestion_control_copies_are_not_joined_either() {
    let mut a = Scripted::established(Profile::rfc9293());
    a.connection.set_no_delay(true);
    queue(&mut a, 100, false, true);
    queue(&mut a, 100, false, false);
    left(&mut a);
    assert_eq!(a.wait().1, ["<SEQ=101><ACK=301><LEN=100><CTL=ACK>"]);
}

#[test]
fn nothing_is_no_record() {
    let mut a = sender();
    a.connection.end_record();
    queue(&mut a, 100, true, false);
    queue(&mut a, 100, false, false);
    assert_eq!(left(&mut a), [(101, 200, true)]);
}

#[test]
fn records_are_forgotten_when_they_are_acknowledged() {
    let mut a = sender();
    queue(&mut a, 100, false, true);
    left(&mut a);
    a.hear("<SEQ=301><ACK=201><CTL=ACK>");
    let before = a.connection.clone();
    queue(&mut a, 100, false, true);
    let count = |connection: &Connection| connection.urgent.as_ref().map_or(0, |points| points.records.len());
    assert_eq!((count(&before), count(&a.connection)), (1, 1));
}

#[test]
fn reading_forgets_no_record() {
    let mut a = sender();
    a.hear("<SEQ=301><ACK=101><LEN=10><CTL=PSH,ACK>");
    a.out();
    queue(&mut a, 100, false, true);
    queue(&mut a, 100, false, false);
    assert_eq!(a.connection.on_receive(a.now, 10), Ok(10));
    assert_eq!(left(&mut a), [(101, 100, true), (201, 100, true)]);
}

#[test]
fn a_push_holds_no_segment_back() {
    let mut a = sender();
    queue(&mut a, 1000, false, false);
    a.connection.hold_short(true);
    assert_eq!(left(&mut a), [(101, 1000, true)]);
    queue(&mut a, 1100, false, false);
    a.connection.hold_short(true);
    assert_eq!(left(&mut a), [(1101, 1000, false)], "the rest waits for more");
}
