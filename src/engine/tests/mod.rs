//! The engine's own tests, without hosts and network.
//!
//! [`Pair`] is two connections and a wire of values; [`Scripted`] is one connection whose peer is
//! whoever writes the segments, in the notation of the RFC's figures.

use std::sync::Arc;
use std::time::Duration;

use super::*;

/// One connection. Its ISS is 100 and its peer's 300 in everything a test writes or reads; where
/// they really lie in sequence space is `ours` and `theirs` further on.
#[derive(Clone)]
struct Scripted {
    now: Instant,
    connection: Connection,
    ours: u32,
    theirs: u32,
}

impl Scripted {
    fn new(profile: Profile) -> Self {
        Self::numbered(profile, 0, 0)
    }

    /// The same life elsewhere in sequence space.
    fn numbered(profile: Profile, ours: u32, theirs: u32) -> Self {
        Self { now: Instant::START, connection: Connection::new(Arc::new(profile)), ours, theirs }
    }

    fn open(&self) -> Open {
        open(100_u32.wrapping_add(self.ours))
    }

    /// In ESTABLISHED by an active OPEN; the peer's window is 65535, its MSS 1460.
    fn established(profile: Profile) -> Self {
        Self::new(profile).establish("<SEQ=300><ACK=101><CTL=SYN,ACK>", TcpOptions::NONE.mss(1460))
    }

    fn establish(mut self, syn_ack: &str, options: TcpOptions) -> Self {
        self.connection.on_open_active(self.now, self.open()).expect("CLOSED");
        self.out();
        self.hear_with(syn_ack, options);
        self.out();
        assert_eq!(self.state(), State::Established);
        self
    }

    fn state(&self) -> State {
        self.connection.state()
    }

    /// `<SEQ=300><ACK=101><LEN=9><WND=0><CTL=PSH,ACK>`; a window that is not written is 65535.
    fn read(&self, text: &str, options: TcpOptions) -> Segment<Theirs> {
        let field = |name: &str| {
            let (_, after) = text.split_once(&format!("<{name}="))?;
            after.split('>').next()
        };
        let number = |name: &str| field(name).map(|value| value.parse::<u32>().expect("a number"));
        let flags = field("CTL").expect("CTL").split(',').map(|flag| Flags::named(flag).expect("a flag"));
        Segment {
            seq: SeqNumber::new(number("SEQ").expect("SEQ").wrapping_add(self.theirs)),
            ack: SeqNumber::new(number("ACK").map_or(0, |ack| ack.wrapping_add(self.ours))),
            flags: flags.fold(Flags::NONE, Flags::with),
            window: WireWindow(number("WND").map_or(u16::MAX, |window| window.try_into().expect("16 bits"))),
            urgent: 0,
            len: number("LEN").unwrap_or(0),
            options,
        }
    }

    fn hear(&mut self, text: &str) -> Arrival {
        self.hear_with(text, TcpOptions::NONE)
    }

    fn hear_with(&mut self, text: &str, options: TcpOptions) -> Arrival {
        let segment = self.read(text, options);
        self.connection.on_segment(self.now, &segment)
    }

    /// A segment as the test writes it: relative to both ISSs.
    fn write(&self, mut segment: Segment) -> Segment {
        segment.seq = segment.seq.minus(self.ours);
        segment.ack = segment.ack.minus(self.theirs);
        segment
    }

    fn segments(&mut self) -> Vec<Segment> {
        let mut left = Vec::new();
        while let Some(segment) = self.connection.poll_segment(self.now) {
            left.push(self.write(segment));
            assert!(left.len() < 1000, "it never ends");
        }
        left
    }

    /// What leaves now.
    fn out(&mut self) -> Vec<String> {
        self.segments().iter().map(ToString::to_string).collect()
    }

    /// What answers this segment.
    fn answer(&mut self, text: &str) -> Vec<String> {
        self.hear(text);
        self.out()
    }

    fn send(&mut self, octets: u32) -> Vec<String> {
        assert_eq!(self.connection.on_send(self.now, octets, false), Ok(octets));
        self.out()
    }

    fn close(&mut self) -> Vec<String> {
        self.connection.on_close(self.now, false).expect("open");
        self.out()
    }

    /// Time passes until the next timer: how long that took, in milliseconds, and what it made leave.
    fn wait(&mut self) -> (u64, Vec<String>) {
        let at = self.connection.poll_deadline().expect("a timer runs");
        let waited = at.as_millis() - self.now.as_millis();
        self.now = at;
        self.connection.on_time(at);
        (waited, self.out())
    }

    fn walked(&self) -> Vec<&'static str> {
        self.connection.fired().map(|rule| rule.name).collect()
    }

    fn pass(&mut self, time: Duration) {
        self.now = self.now + time;
    }
}

const NOTHING: [&str; 0] = [];

/// In SYN-RECEIVED by a passive OPEN: RCV.NXT = 301.
fn requested(profile: Profile) -> Scripted {
    let mut b = Scripted::new(profile);
    b.connection.on_open_passive(b.now, b.open()).expect("CLOSED");
    assert_eq!(b.answer("<SEQ=300><CTL=SYN>"), ["<SEQ=100><ACK=301><CTL=SYN,ACK>"]);
    b
}

/// In SYN-RECEIVED by an active OPEN that crossed the peer's; the options are the peer's.
fn crossed(profile: Profile, options: TcpOptions) -> Scripted {
    let mut a = Scripted::new(profile);
    a.connection.on_open_active(a.now, a.open()).expect("CLOSED");
    a.out();
    a.hear_with("<SEQ=300><CTL=SYN>", options);
    assert_eq!(a.state(), State::SynReceived);
    a
}

/// The RFC's profile with these knobs set.
fn profile(knobs: &[(&str, &str)]) -> Profile {
    let mut profile = Profile::rfc9293();
    for (name, value) in knobs {
        profile.set(name, value).expect("a knob");
    }
    profile
}

mod acknowledging;
mod calls;
mod closing;
mod congestion;
mod cookie;
mod counts;
mod ecn;
mod fastopen;
mod freebsd;
mod freebsd_answers;
mod freebsd_updates;
mod info;
mod laws;
mod linux;
mod linux_acknowledging;
mod linux_closing;
mod linux_growing;
mod linux_options;
mod linux_reading;
mod linux_receiving;
mod linux_strays;
mod mtu_probe;
mod octets;
mod opening;
mod options;
mod packets;
mod path_mtu;
mod records;
mod recovery;
mod reordering;
mod reserved;
mod resets;
mod retransmission;
mod reuse;
mod round_trip;
mod sack_compression;
mod sending;
mod silence;
mod syn_text;
mod tail_probe;
mod timestamps;
mod urgent;
mod values;
mod window;
mod wrap;

struct Pair {
    now: Instant,
    a: Connection,
    b: Connection,
    /// Every segment that left, `A` or `B` first.
    seen: Vec<String>,
}

fn open(iss: u32) -> Open {
    Open { iss: SeqNumber::new(iss), mss: 1460, send_mss: 1460, default_mss: 536, ts_offset: 0 }
}

impl Pair {
    fn new(profile: Profile) -> Self {
        let profile = Arc::new(profile);
        let (a, mut b) = (Connection::new(Arc::clone(&profile)), Connection::new(profile));
        b.on_open_passive(Instant::START, open(300)).expect("CLOSED");
        Self { now: Instant::START, a, b, seen: Vec::new() }
    }

    fn established(profile: Profile) -> Self {
        let mut pair = Self::new(profile);
        pair.a.on_open_active(pair.now, open(100)).expect("CLOSED");
        pair.settle();
        assert_eq!(pair.states(), (State::Established, State::Established));
        pair.seen.clear();
        pair
    }

    fn states(&self) -> (State, State) {
        (self.a.state(), self.b.state())
    }

    /// Carries segments until both ends are silent.
    fn settle(&mut self) {
        loop {
            let mut quiet = true;
            while let Some(segment) = self.a.poll_segment(self.now) {
                self.seen.push(format!("A {segment}"));
                self.b.on_segment(self.now, &segment.crossed());
                quiet = false;
            }
            while let Some(segment) = self.b.poll_segment(self.now) {
                self.seen.push(format!("B {segment}"));
                self.a.on_segment(self.now, &segment.crossed());
                quiet = false;
            }
            if quiet {
                return;
            }
        }
    }
}

#[test]
fn three_way_handshake() {
    let mut pair = Pair::new(Profile::rfc9293());
    pair.a.on_open_active(pair.now, open(100)).expect("CLOSED");
    pair.settle();
    assert_eq!(pair.seen, ["A <SEQ=100><CTL=SYN>", "B <SEQ=300><ACK=101><CTL=SYN,ACK>", "A <SEQ=101><ACK=301><CTL=ACK>"]);
    assert_eq!(pair.states(), (State::Established, State::Established));
    assert_eq!((pair.a.poll_signal(), pair.a.poll_signal()), (Some(Signal::Open), None));
}

#[test]
fn normal_close_ends_in_time_wait_and_closed() {
    // MUST-13.
    let mut pair = Pair::established(Profile::rfc9293());
    pair.a.on_close(pair.now, false).expect("open");
    pair.settle();
    assert_eq!(pair.states(), (State::FinWait2, State::CloseWait));
    pair.b.on_close(pair.now, false).expect("open");
    pair.settle();
    assert_eq!(pair.states(), (State::TimeWait, State::Closed));
    assert_eq!(
        pair.seen,
        [
            "A <SEQ=101><ACK=301><CTL=FIN,ACK>",
            "B <SEQ=301><ACK=102><CTL=ACK>",
            "B <SEQ=301><ACK=102><CTL=FIN,ACK>",
            "A <SEQ=102><ACK=302><CTL=ACK>"
        ]
    );
    let deadline = pair.a.poll_deadline().expect("2 MSL runs");
    assert_eq!(deadline, Instant::from_nanos(240_000_000_000));
    pair.a.on_time(deadline);
    assert_eq!(pair.a.state(), State::Closed);
}

#[test]
fn a_fin_that_acknowledges_ours_walks_two_rows() {
    let mut pair = Pair::established(Profile::rfc9293());
    pair.a.on_close(pair.now, false).expect("open");
    let fin = pair.a.poll_segment(pair.now).expect("FIN");
    pair.b.on_segment(pair.now, &fin.crossed());
    pair.b.on_close(pair.now, false).expect("open");
    let fin = pair.b.poll_segment(pair.now).expect("FIN");
    assert_eq!(fin.to_string(), "<SEQ=301><ACK=102><CTL=FIN,ACK>");
    pair.a.on_segment(pair.now, &fin.crossed());
    let walked: Vec<_> = pair.a.fired().map(|rule| rule.name).collect();
    assert_eq!(walked, ["fin-wait-1/fin-acked", "fin-wait-2/fin"]);
    assert_eq!(pair.a.state(), State::TimeWait);
}

#[test]
fn text_is_cut_by_the_peers_mss_and_pushed_at_its_end() {
    // SHLD-27, SHLD-28.
    let mut pair = Pair::established(Profile::rfc9293());
    assert_eq!(pair.a.on_send(pair.now, 3000, false), Ok(3000));
    pair.settle();
    assert_eq!(
        pair.seen,
        [
            "A <SEQ=101><ACK=301><LEN=1460><CTL=ACK>",
            "A <SEQ=1561><ACK=301><LEN=1460><CTL=ACK>",
            "B <SEQ=301><ACK=3021><CTL=ACK>",
            "A <SEQ=3021><ACK=301><LEN=80><CTL=PSH,ACK>",
            "B <SEQ=301><ACK=3101><CTL=ACK>",
        ]
    );
    assert_eq!(pair.b.receive_buffered(), 3000);
    assert_eq!(pair.b.on_receive(pair.now, 5000), Ok(3000));
}

#[test]
fn a_connection_stays_small() {
    // A million of them must fit a laptop.
    assert!(size_of::<Connection>() <= 320, "{} octets", size_of::<Connection>());
}

#[test]
fn entering_time_wait_leaves_no_ack_behind() {
    // A has answered, so linux lets its ACKs wait; but in TIME-WAIT no timer is left to send one.
    let mut pair = Pair::established(Profile::linux());
    pair.b.on_send(pair.now, 1, false).expect("open");
    pair.settle();
    pair.a.on_receive(pair.now, 1).expect("arrived");
    pair.a.on_send(pair.now, 1, false).expect("open");
    pair.settle();
    pair.a.on_close(pair.now, false).expect("open");
    pair.settle();
    // B's ACK waits for an answer of its application that does not come.
    pair.now = pair.b.deadline(Timer::DelayedAck).expect("the ACK of a FIN is delayed");
    pair.b.on_time(pair.now);
    pair.settle();
    assert_eq!(pair.states(), (State::FinWait2, State::CloseWait));
    pair.b.on_close(pair.now, false).expect("open");
    pair.settle();
    assert_eq!(pair.states(), (State::TimeWait, State::Closed));
}

#[test]
fn two_ends_that_disagree_do_not_answer_each_other_for_ever() {
    // RFC 5961 section 7: a forged text makes B expect more than A has sent, and each finds the
    // other's ACK unacceptable.
    for profile in [Profile::rfc9293(), Profile::linux()] {
        let limit = usize::from(profile.challenge_acks) * 2 + 2;
        let mut pair = Pair::established(profile);
        let forged = Segment {
            seq: SeqNumber::new(101),
            ack: SeqNumber::new(301),
            flags: Flags::ACK,
            window: WireWindow(1000),
            urgent: 0,
            len: 500,
            options: TcpOptions::NONE,
        };
        pair.b.on_segment(pair.now, &forged);
        pair.settle();
        assert!(pair.seen.len() <= limit, "{} segments: {:?}", pair.seen.len(), &pair.seen[..8]);
    }
}
