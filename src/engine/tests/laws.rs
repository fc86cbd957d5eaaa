//! What holds for every connection, whatever its user, its peer and the network do.

use std::collections::VecDeque;

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

/// Where a number of a forged segment lies.
#[derive(Clone, Copy, Debug)]
enum Number {
    /// So far from the edge that matters: RCV.NXT, SND.UNA.
    FromEdge(i32),
    /// So far behind SND.NXT; for a SEG.SEQ the same as above.
    FromNext(i32),
    /// Anywhere.
    Anywhere(u32),
}

#[derive(Clone, Debug)]
enum Act {
    OpenActive,
    OpenPassive,
    Send(u32, bool),
    Receive(u32),
    Close(bool),
    Abort,
    NoDelay(bool),
    UserTimeout(u16),
    Pass(u32),
    Timer,
    Segment { seq: Number, ack: Number, flags: u16, window: u16, len: u32, options: Vec<u8> },
}

fn any_number() -> impl Strategy<Value = Number> {
    prop_oneof![
        4 => prop_oneof![Just(0), -3..=3_i32, -3000..3000_i32, Just(i32::MIN)].prop_map(Number::FromEdge),
        2 => (-2..=2_i32).prop_map(Number::FromNext),
        1 => any::<u32>().prop_map(Number::Anywhere),
    ]
}

fn any_flags() -> impl Strategy<Value = u16> {
    let usual = [Flags::ACK, Flags::ACK, Flags::SYN, Flags::SYN | Flags::ACK, Flags::FIN | Flags::ACK, Flags::RST, Flags::PSH | Flags::ACK];
    prop_oneof![4 => prop::sample::select(usual.map(Flags::bits).to_vec()), 1 => 0..0x200_u16]
}

fn any_options() -> impl Strategy<Value = Vec<u8>> {
    let usual = [
        TcpOptions::NONE,
        TcpOptions::NONE.mss(1460).sack_permitted().timestamps(Timestamps { val: 5, ecr: 0 }).nop().window_scale(14),
        TcpOptions::NONE.mss(0).window_scale(2),
        TcpOptions::NONE.nop().nop().timestamps(Timestamps { val: u32::MAX, ecr: 1 }),
    ];
    prop_oneof![4 => prop::sample::select(usual.map(|options| options.octets().to_vec()).to_vec()), 1 => vec(any::<u8>(), 0..=40)]
}

fn any_act() -> impl Strategy<Value = Act> {
    let len = prop_oneof![6 => Just(0), 3 => 1..2000_u32, 1 => Just(65_495), 1 => Just(u32::MAX), 1 => any::<u32>()];
    prop_oneof![
        1 => Just(Act::OpenActive),
        1 => Just(Act::OpenPassive),
        3 => (0..5000_u32, any::<bool>()).prop_map(|(octets, more)| Act::Send(octets, more)),
        2 => (0..5000_u32).prop_map(Act::Receive),
        1 => any::<bool>().prop_map(Act::Close),
        1 => Just(Act::Abort),
        1 => any::<bool>().prop_map(Act::NoDelay),
        1 => any::<u16>().prop_map(Act::UserTimeout),
        2 => prop_oneof![0..300_u32, Just(u32::MAX)].prop_map(Act::Pass),
        2 => Just(Act::Timer),
        12 => (any_number(), any_number(), any_flags(), prop_oneof![Just(0), Just(u16::MAX), any::<u16>()], len, any_options())
            .prop_map(|(seq, ack, flags, window, len, options)| Act::Segment { seq, ack, flags, window, len, options }),
    ]
}

fn any_profile() -> impl Strategy<Value = Profile> {
    let knobs = (any::<bool>(), prop_oneof![Just(0), Just(1), 0..3000_u32, Just(65_535), Just(u32::MAX)], 0..3_u8, any::<bool>(), 0..3_u8);
    knobs.prop_map(|(linux, buffer, delay, options, shift)| {
        let mut profile = if linux { Profile::linux() } else { Profile::rfc9293() };
        profile.receive_buffer = buffer;
        profile.delayed_ack = Duration::from_millis(100 * u64::from(delay));
        profile.timestamps = options;
        profile.window_scale = [profile::Shift(None), profile::Shift(Some(0)), profile::Shift(Some(14))][usize::from(shift)];
        profile
    })
}

/// What a life looked like, numbers relative to both ISSs.
type Seen = Vec<(State, Vec<&'static str>, Vec<String>, [Option<u32>; 4])>;

/// Lives through the acts and checks every law that one connection must keep.
fn live(profile: Profile, acts: &[Act], ours: u32, theirs: u32) -> Seen {
    let mut a = Scripted::numbered(profile, ours, theirs);
    // The rightmost number the peer has ever let us send up to.
    let mut edge: Option<SeqNumber<Ours>> = None;
    let mut seen = Vec::new();
    for act in acts {
        let before = a.state();
        let was = a.connection.variables();
        let now = a.now;
        let open = a.open();
        match *act {
            Act::OpenActive => drop(a.connection.on_open_active(now, open)),
            Act::OpenPassive => drop(a.connection.on_open_passive(now, open)),
            Act::Send(octets, more) => drop(a.connection.on_send(now, octets, more)),
            Act::Receive(octets) => drop(a.connection.on_receive(now, octets)),
            Act::Close(both) => drop(a.connection.on_close(now, both)),
            Act::Abort => drop(a.connection.on_abort(now)),
            Act::NoDelay(on) => {
                a.connection.on_time(now);
                a.connection.set_no_delay(on);
            }
            Act::UserTimeout(millis) => {
                a.connection.on_time(now);
                a.connection.set_user_timeout(Some(now + Duration::from_millis(u64::from(millis) + 1)));
            }
            Act::Pass(millis) => {
                a.pass(Duration::from_millis(u64::from(millis)));
                a.connection.on_time(a.now);
            }
            Act::Timer => {
                a.now = a.connection.poll_deadline().unwrap_or(now).max(now);
                a.connection.on_time(a.now);
            }
            Act::Segment { seq, ack, flags, window, len, ref options } => {
                let edge_of = |number, edge: u32, next: u32, base: u32| match number {
                    Number::FromEdge(by) => edge.wrapping_add_signed(by),
                    Number::FromNext(by) => next.wrapping_add_signed(by),
                    Number::Anywhere(at) => base.wrapping_add(at),
                };
                let nxt = was.rcv_nxt.map_or(theirs.wrapping_add(300), SeqNumber::get);
                let una = was.snd_una.map_or(ours, SeqNumber::get);
                let segment = Segment::<Theirs> {
                    seq: SeqNumber::new(edge_of(seq, nxt, nxt, theirs)),
                    ack: SeqNumber::new(edge_of(ack, una, was.snd_nxt.map_or(ours, SeqNumber::get), ours)),
                    flags: Flags::from_bits(flags),
                    window: WireWindow(window),
                    urgent: 0,
                    len,
                    options: TcpOptions::from_octets(options).expect("at most 40"),
                };
                let arrival = a.connection.on_segment(now, &segment);
                // No octet twice, none out of order: what is taken begins where the last ended.
                if arrival.take > 0 {
                    let first = segment.text_seq().plus(arrival.skip);
                    assert_eq!(first, was.rcv_nxt.unwrap_or(segment.seq.plus(1)), "{act:?}");
                    assert!(arrival.skip.checked_add(arrival.take).is_some_and(|end| end <= len), "{arrival:?} of {len}");
                }
                assert!(arrival.acked <= was.unsent.saturating_add(1 << 30), "{arrival:?}");
            }
        }
        let after = a.connection.variables();
        let fired: Vec<_> = a.connection.fired().collect();
        let end = fired.iter().fold(before, |state, rule| {
            assert_eq!(rule.from, state, "{act:?} walked {fired:?}");
            rule.to
        });
        assert_eq!(end, a.state(), "{act:?} walked {fired:?}");
        assert!(a.connection.poll_deadline().is_none_or(|at| at > now || !matches!(act, Act::Pass(_) | Act::Timer)), "due again at once");
        if let (Some(una), Some(wnd)) = (after.snd_una, after.snd_wnd) {
            let right = una.plus(wnd);
            edge = Some(edge.filter(|_| was.snd_una.is_some()).map_or(right, |edge| edge.later_of(right)));
        }
        let segments: Vec<_> = std::iter::from_fn(|| a.connection.poll_segment(a.now)).take(20_000).collect();
        for segment in segments.iter().filter(|segment| segment.len > 0) {
            let edge = edge.expect("text needs a window");
            assert!(segment.text_seq().plus(segment.len).at_or_before(edge.plus(1)), "{segment} beyond {edge}: {act:?}");
        }
        let left = a.connection.variables();
        if let (Some(una), Some(nxt)) = (left.snd_una, left.snd_nxt) {
            assert!(una.at_or_before(nxt), "SND.UNA {una} > SND.NXT {nxt}");
        }
        if left.iss.is_none() {
            edge = None;
        }
        let names = fired.iter().map(|rule| rule.name).collect();
        let shown = segments.iter().map(|segment| a.write(*segment).to_string()).collect();
        let relative = [
            left.snd_una.map(|number| number.get().wrapping_sub(ours)),
            left.snd_nxt.map(|number| number.get().wrapping_sub(ours)),
            left.rcv_nxt.map(|number| number.get().wrapping_sub(theirs)),
            left.rcv_wnd,
        ];
        seen.push((a.state(), names, shown, relative));
    }
    seen
}

/// Acts that begin with an OPEN, so that most of the life is one.
fn any_life() -> impl Strategy<Value = Vec<Act>> {
    (prop_oneof![Just(Act::OpenActive), Just(Act::OpenPassive)], vec(any_act(), 0..40)).prop_map(|(open, mut acts)| {
        acts.insert(0, open);
        acts
    })
}

/// The same with the handshake done.
fn any_established_life() -> impl Strategy<Value = Vec<Act>> {
    (any_options(), vec(any_act(), 0..40)).prop_map(|(options, mut acts)| {
        let flags = (Flags::SYN | Flags::ACK).bits();
        let syn_ack = Act::Segment { seq: Number::FromEdge(0), ack: Number::FromNext(0), flags, window: 4000, len: 0, options };
        acts.splice(0..0, [Act::OpenActive, syn_ack]);
        acts
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(150) })]

    #[test]
    fn no_sequence_of_acts_breaks_a_connection(profile in any_profile(), acts in any_life()) {
        live(profile, &acts, 0, 0);
    }

    #[test]
    fn no_sequence_of_acts_breaks_an_open_connection(profile in any_profile(), acts in any_established_life()) {
        live(profile, &acts, 0, 0);
    }

    #[test]
    fn the_place_in_sequence_space_never_matters(
        profile in any_profile(),
        acts in any_established_life(),
        ours in prop_oneof![any::<u32>(), (u32::MAX - 4000)..],
        theirs in prop_oneof![any::<u32>(), (u32::MAX - 4000)..],
    ) {
        // A RST to nobody may carry SEQ 0, which is a number of its own and not relative to an ISS.
        let relative = |seen: Seen| -> Seen {
            let keep = |(state, names, shown, numbers): (State, Vec<_>, Vec<String>, _)| {
                (state, names, shown.into_iter().filter(|text| !text.contains("RST")).collect(), numbers)
            };
            seen.into_iter().map(keep).collect()
        };
        prop_assert_eq!(relative(live(profile.clone(), &acts, 0, 0)), relative(live(profile, &acts, ours, theirs)));
    }
}

/// What the wire does with one segment.
#[derive(Clone, Copy, Debug)]
enum Fate {
    Pass,
    Lose,
    Twice,
    /// Behind the next one.
    Late,
}

/// One side of a lossy wire: what it still has to say, and what it has heard.
struct Side {
    connection: Connection,
    to_send: u32,
    heard: u32,
    closed: bool,
}

impl Side {
    /// The application: sends what has room, reads all there is, closes when it has said everything.
    fn act(&mut self, now: Instant) {
        if self.connection.state() == State::Listen {
            return;
        }
        if let Ok(taken) = self.connection.on_send(now, self.to_send, false) {
            self.to_send -= taken;
        }
        self.heard += self.connection.on_receive(now, u32::MAX).unwrap_or(0);
        if self.to_send == 0 && !self.closed && self.connection.state().is_synchronized() {
            self.closed = self.connection.on_close(now, false).is_ok();
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(100) })]

    #[test]
    fn a_wire_that_stops_losing_delivers_everything_and_both_close(
        profile in any_profile(),
        texts in (0..20_000_u32, 0..20_000_u32),
        fates in vec(prop_oneof![Just(Fate::Pass), Just(Fate::Lose), Just(Fate::Twice), Just(Fate::Late)], 0..40),
    ) {
        let mut profile = profile;
        // A buffer of nothing takes nothing, and Linux offers no window below a segment.
        let unit = 1 << profile.window_scale.0.unwrap_or(0);
        let least = if profile.name == "linux" { 3000.max(unit) } else { unit };
        profile.receive_buffer = profile.receive_buffer.max(least);
        for knob in ["syn-retries", "syn-ack-retries", "data-retries"] {
            profile.set(knob, "100").expect("a knob");
        }
        profile.half_duplex_close = false;
        let mut pair = Pair::new(profile);
        pair.a.on_open_active(pair.now, open(100)).expect("CLOSED");
        let mut now = pair.now;
        let mut sides = [pair.a, pair.b].map(|connection| Side { connection, to_send: 0, heard: 0, closed: false });
        (sides[0].to_send, sides[1].to_send) = texts;
        let mut fates = fates.into_iter();
        let mut wires: [VecDeque<Segment<Theirs>>; 2] = Default::default();
        for turn in 0.. {
            prop_assert!(turn < 200_000, "at {now}: {} and {}", sides[0].connection.state(), sides[1].connection.state());
            let mut quiet = true;
            for from in [0, 1] {
                sides[from].act(now);
                while let Some(segment) = sides[from].connection.poll_segment(now) {
                    let segment = segment.crossed();
                    match fates.next().unwrap_or(Fate::Pass) {
                        Fate::Pass => wires[from].push_back(segment),
                        Fate::Lose => {}
                        Fate::Twice => wires[from].extend([segment, segment]),
                        Fate::Late => wires[from].insert(wires[from].len().saturating_sub(1), segment),
                    }
                }
            }
            for from in [0, 1] {
                if let Some(segment) = wires[from].pop_front() {
                    quiet = false;
                    sides[1 - from].connection.on_segment(now, &segment);
                }
            }
            if !quiet {
                continue;
            }
            let Some(at) = sides.iter().filter_map(|side| side.connection.poll_deadline()).min() else { break };
            now = now.max(at);
            for side in &mut sides {
                side.connection.on_time(now);
            }
        }
        let states = [&sides[0], &sides[1]].map(|side| side.connection.state());
        prop_assert_eq!(states, [State::Closed, State::Closed]);
        prop_assert_eq!((sides[0].heard, sides[1].heard), (texts.1, texts.0));
    }
}
