//! Text and FIN that arrive before their turn (SHLD-31), and what SACK says of them.

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

fn with_sack() -> Scripted {
    let both = TcpOptions::NONE.mss(1460).nop().nop().sack_permitted();
    Scripted::new(profile(&[("sack", "on")])).establish("<SEQ=300><ACK=101><CTL=SYN,ACK>", both)
}

/// The options of the only segment that answers.
fn sack_of(a: &mut Scripted, text: &str) -> String {
    a.hear(text);
    let segments = a.segments();
    assert_eq!(segments.len(), 1, "{segments:?}");
    segments[0].options.to_string()
}

#[test]
fn text_beyond_a_gap_is_held_until_the_gap_is_filled() {
    // SHLD-31, RFC 9293 section 3.10.7.4.
    let mut a = Scripted::established(Profile::rfc9293());
    let arrival = a.hear("<SEQ=401><ACK=101><LEN=50><CTL=PSH,ACK>");
    assert_eq!(arrival, Arrival { hold: Hold { len: 50, at: 100 }, ..Arrival::default() });
    assert_eq!(
        (a.walked(), a.out()),
        (vec!["established/ack-duplicate", "established/text-out-of-order"], vec!["<SEQ=101><ACK=301><CTL=ACK>".to_owned()])
    );
    assert_eq!(a.connection.receive_buffered(), 0);
    let arrival = a.hear("<SEQ=301><ACK=101><LEN=100><CTL=ACK>");
    assert_eq!(arrival, Arrival { take: 100, release: 50, ..Arrival::default() });
    assert_eq!(a.out(), ["<SEQ=101><ACK=451><CTL=ACK>"]);
    assert_eq!(a.connection.receive_buffered(), 150);
    assert!(a.connection.held.is_none(), "nothing is held any more");
}

#[test]
fn a_segment_that_reaches_into_what_is_held_takes_its_own_part() {
    let mut a = Scripted::established(Profile::rfc9293());
    a.hear("<SEQ=321><ACK=101><LEN=20><CTL=ACK>");
    assert_eq!(a.hear("<SEQ=301><ACK=101><LEN=30><CTL=ACK>"), Arrival { take: 30, release: 10, ..Arrival::default() });
    // All of it, and more.
    a.hear("<SEQ=351><ACK=101><LEN=10><CTL=ACK>");
    assert_eq!(a.hear("<SEQ=331><ACK=101><LEN=100><CTL=ACK>"), Arrival { skip: 10, take: 90, ..Arrival::default() });
    assert_eq!(a.connection.variables().rcv_nxt, Some(SeqNumber::new(431)));
    assert!(a.connection.held.is_none());
}

#[test]
fn what_fills_part_of_a_gap_is_acknowledged_at_once() {
    // RFC 5681 section 4.2, whatever the delay of ACKs.
    let mut a = Scripted::established(profile(&[("delayed-ack", "200ms")]));
    a.answer("<SEQ=401><ACK=101><LEN=50><CTL=ACK>");
    assert_eq!(a.answer("<SEQ=301><ACK=101><LEN=10><CTL=ACK>"), ["<SEQ=101><ACK=311><CTL=ACK>"]);
    assert_eq!(a.answer("<SEQ=311><ACK=101><LEN=90><CTL=ACK>"), ["<SEQ=101><ACK=451><CTL=ACK>"]);
    assert_eq!(a.answer("<SEQ=451><ACK=101><LEN=10><CTL=ACK>"), NOTHING);
}

#[test]
fn the_ack_of_held_text_counts_at_once() {
    // RFC 9293 section 3.10.7.4, fifth before seventh: only text and FIN wait.
    let mut a = Scripted::established(Profile::rfc9293());
    a.send(10);
    let arrival = a.hear("<SEQ=401><ACK=111><LEN=50><WND=77><CTL=ACK>");
    assert_eq!((arrival.acked, arrival.hold), (10, Hold { len: 50, at: 100 }));
    assert_eq!(a.connection.variables().snd_una, Some(SeqNumber::new(111)));
    assert_eq!(a.connection.variables().snd_wnd, Some(77));
}

#[test]
fn only_what_the_window_has_room_for_is_held() {
    let mut a = Scripted::established(profile(&[("receive-buffer", "1000")]));
    assert_eq!(a.hear("<SEQ=1201><ACK=101><LEN=500><CTL=ACK>").hold, Hold { len: 100, at: 900 });
    let arrival = a.hear("<SEQ=301><ACK=101><LEN=2000><CTL=ACK>");
    assert_eq!((arrival.take, arrival.release), (1000, 0));
    assert_eq!(a.out(), ["<SEQ=101><ACK=1301><CTL=ACK>"]);
}

#[test]
fn a_fin_beyond_a_gap_is_held() {
    let mut a = Scripted::established(Profile::rfc9293());
    assert_eq!(a.answer("<SEQ=401><ACK=101><CTL=FIN,ACK>"), ["<SEQ=101><ACK=301><CTL=ACK>"]);
    assert_eq!((a.state(), a.walked().last().copied()), (State::Established, Some("established/fin-out-of-order")));
    let arrival = a.hear("<SEQ=301><ACK=101><LEN=100><CTL=ACK>");
    assert_eq!((arrival.take, arrival.release), (100, 0));
    assert_eq!(a.walked(), ["established/ack-duplicate", "established/text", "established/fin"]);
    assert_eq!((a.state(), a.out()), (State::CloseWait, vec!["<SEQ=101><ACK=402><CTL=ACK>".to_owned()]));
    assert!(a.connection.held.is_none());
}

#[test]
fn a_held_fin_ends_every_state_that_waits_for_one() {
    for (acknowledged, state, then) in [(101, State::FinWait1, State::Closing), (102, State::FinWait2, State::TimeWait)] {
        let mut a = Scripted::established(Profile::rfc9293());
        a.close();
        a.hear(&format!("<SEQ=311><ACK={acknowledged}><LEN=5><CTL=FIN,ACK>"));
        assert_eq!(a.state(), state);
        assert_eq!(a.hear(&format!("<SEQ=301><ACK={acknowledged}><LEN=10><CTL=ACK>")).release, 5);
        assert_eq!((a.state(), a.out().pop()), (then, Some("<SEQ=102><ACK=317><CTL=ACK>".to_owned())));
    }
}

#[test]
fn nothing_is_held_behind_a_fin() {
    let mut a = Scripted::established(Profile::rfc9293());
    a.hear("<SEQ=401><ACK=101><CTL=FIN,ACK>");
    assert_eq!(a.hear("<SEQ=391><ACK=101><LEN=50><CTL=ACK>").hold, Hold { len: 10, at: 90 });
    assert_eq!(a.hear("<SEQ=420><ACK=101><LEN=50><CTL=ACK>").hold, Hold::default());
}

#[test]
fn an_abort_forgets_what_is_held() {
    let mut a = Scripted::established(Profile::rfc9293());
    a.hear("<SEQ=401><ACK=101><LEN=50><CTL=FIN,ACK>");
    a.connection.on_abort(a.now).expect("open");
    assert!(a.connection.held.is_none());
}

#[test]
fn sack_reports_the_newest_block_first() {
    // R2018-3, R2018-4.
    let mut a = with_sack();
    assert_eq!(sack_of(&mut a, "<SEQ=401><ACK=101><LEN=50><CTL=ACK>"), "nop,nop,sack 401:451");
    assert_eq!(sack_of(&mut a, "<SEQ=601><ACK=101><LEN=50><CTL=ACK>"), "nop,nop,sack 601:651 401:451");
    assert_eq!(sack_of(&mut a, "<SEQ=451><ACK=101><LEN=9><CTL=ACK>"), "nop,nop,sack 401:460 601:651");
    // What moves RCV.NXT is not reported, the rest is.
    assert_eq!(sack_of(&mut a, "<SEQ=301><ACK=101><LEN=100><CTL=ACK>"), "nop,nop,sack 601:651");
    assert_eq!(sack_of(&mut a, "<SEQ=460><ACK=101><LEN=141><CTL=ACK>"), "");
}

#[test]
fn four_blocks_fit_and_three_beside_timestamps() {
    let mut a = with_sack();
    for start in [401, 501, 601, 701] {
        a.answer(&format!("<SEQ={start}><ACK=101><LEN=50><CTL=ACK>"));
    }
    assert_eq!(sack_of(&mut a, "<SEQ=801><ACK=101><LEN=50><CTL=ACK>"), "nop,nop,sack 801:851 701:751 601:651 501:551");
    // A full segment leaves room for them.
    assert_eq!(a.send(1460), ["<SEQ=101><ACK=301><LEN=1424><CTL=ACK>"]);

    let both = TcpOptions::NONE.sack_permitted().timestamps(Timestamps { val: 7, ecr: 0 });
    let mut a = Scripted::new(profile(&[("sack", "on"), ("timestamps", "on"), ("require-timestamps", "off")]));
    a = a.establish("<SEQ=300><ACK=101><CTL=SYN,ACK>", both);
    for start in [401, 501, 601] {
        a.answer(&format!("<SEQ={start}><ACK=101><LEN=50><CTL=ACK>"));
    }
    let options = sack_of(&mut a, "<SEQ=701><ACK=101><LEN=50><CTL=ACK>");
    assert_eq!(options, "nop,nop,TS val 0 ecr 7,nop,nop,sack 701:751 601:651 501:551");
}

#[test]
fn without_permission_there_is_no_sack() {
    // R2018-3.
    let mut a = Scripted::new(profile(&[("sack", "on")])).establish("<SEQ=300><ACK=101><CTL=SYN,ACK>", TcpOptions::NONE.mss(1460));
    assert_eq!(sack_of(&mut a, "<SEQ=401><ACK=101><LEN=50><CTL=ACK>"), "");
}

/// The receiver's side of a stream: octets go where `Arrival` says.
struct Stream {
    scripted: Scripted,
    read: Vec<u8>,
    early: Vec<u8>,
}

impl Stream {
    fn take(&mut self, from: u32, len: u32, flags: Flags) {
        let octets: Vec<u8> = (from..from + len).map(octet).collect();
        let segment = self.scripted.read(&format!("<SEQ={}><ACK=101><LEN={len}><CTL={flags}>", 301 + from), TcpOptions::NONE);
        let arrival = self.scripted.connection.on_segment(self.scripted.now, &segment);
        self.read.extend(&octets[arrival.skip as usize..][..arrival.take as usize]);
        self.early.drain(..(arrival.take as usize).min(self.early.len()));
        let Hold { len, at } = arrival.hold;
        if len > 0 {
            let end = (at + len) as usize;
            self.early.resize(end.max(self.early.len()), 0);
            self.early[at as usize..end].copy_from_slice(&octets[..len as usize]);
        }
        self.read.extend(self.early.drain(..arrival.release as usize));
        assert_eq!(self.read.len(), self.scripted.connection.receive_buffered() as usize);
        self.scripted.out();
    }
}

#[expect(clippy::cast_possible_truncation, reason = "any octet will do, if neighbours differ")]
const fn octet(position: u32) -> u8 {
    (position ^ (position >> 7)) as u8
}

proptest! {
    // Text arrives in order, once, unchanged, whatever the network does to the order of segments.
    #[test]
    fn text_arrives_in_order_once_and_unchanged(pieces in vec((0..400_u32, 1..60_u32), 0..60), wrap in any::<u32>(), sack in any::<bool>()) {
        let knobs = profile(&[("sack", if sack { "on" } else { "off" })]);
        let options = TcpOptions::NONE.mss(1460).nop().nop().sack_permitted();
        let scripted = Scripted::numbered(knobs, 0, wrap).establish("<SEQ=300><ACK=101><CTL=SYN,ACK>", options);
        let mut stream = Stream { scripted, read: Vec::new(), early: Vec::new() };
        for (from, len) in pieces {
            let last = from + len >= 400;
            let len = len.min(400 - from);
            stream.take(from, len, if last { Flags::FIN | Flags::ACK } else { Flags::ACK });
            let expected: Vec<u8> = (0..400).map(octet).take(stream.read.len()).collect();
            prop_assert_eq!(&stream.read, &expected);
        }
        // In the end the sender repeats whatever is missing, in small pieces.
        for from in (0..400).step_by(40) {
            stream.take(from, 40, if from == 360 { Flags::FIN | Flags::ACK } else { Flags::ACK });
        }
        prop_assert_eq!(stream.read, (0..400).map(octet).collect::<Vec<u8>>());
        prop_assert_eq!(stream.scripted.state(), State::CloseWait);
        prop_assert!(stream.scripted.connection.held.is_none());
    }
}

#[test]
fn held_text_takes_no_room_of_segments_without_sack() {
    for (sack, len) in [("on", 1448), ("off", 1460)] {
        let mut a = Scripted::new(profile(&[("sack", sack)]))
            .establish("<SEQ=300><ACK=101><CTL=SYN,ACK>", TcpOptions::NONE.mss(1460).sack_permitted());
        a.answer("<SEQ=401><ACK=101><LEN=10><CTL=ACK>");
        assert_eq!(a.send(3000)[0], format!("<SEQ=101><ACK=301><LEN={len}><CTL=ACK>"), "sack {sack}");
    }
}

#[test]
fn a_full_segment_leaves_room_for_the_report_of_what_came_twice() {
    // RFC 2883: the first block is what came twice, the second what is held.
    let mut a = Scripted::new(profile(&[("sack", "on"), ("dsack", "on")]));
    a = a.establish("<SEQ=300><ACK=101><CTL=SYN,ACK>", TcpOptions::NONE.mss(1460).sack_permitted());
    a.answer("<SEQ=301><ACK=101><LEN=50><CTL=ACK>");
    a.answer("<SEQ=401><ACK=101><LEN=50><CTL=ACK>");
    a.hear("<SEQ=301><ACK=101><LEN=50><CTL=ACK>");
    a.connection.on_send(a.now, 1460, false).expect("room");
    let left: Vec<_> = a.segments().iter().map(|segment| (segment.len, segment.options.to_string())).collect();
    assert_eq!(left[0], (1440, "nop,nop,sack 301:351 401:451".to_owned()));
}
