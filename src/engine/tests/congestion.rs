//! Congestion control of Linux, held to what the kernel did (`kernel/cc-*.trace`).
//!
//! A trace is one connection that was opened from outside over a TUN device: what the application wrote and the peer
//! sent, at which millisecond, or fraction of one; what left (`>`); and what `TCP_INFO` said behind each of them (`=`):
//! what is not named there is as it was.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use super::*;
use crate::engine::Timestamps;

/// The host of a trace, and its peer.
struct Replay {
    host: Scripted,
    /// Numbers of the peer's text so far.
    next: u32,
    /// TSval of each segment with text that left, and of whatever left last.
    stamps: Vec<u32>,
    last_stamp: u32,
    ts: bool,
    window: u16,
    /// Octets ever written, how many of them were pushed, and where the last packet of them begins.
    written: u32,
    pushed: u32,
    tail: u32,
    /// What left since the last line of the trace, and at which microsecond.
    left: Vec<(u64, String)>,
    name: String,
}

/// When the handshake is over, in milliseconds.
const BEGIN: u64 = 1000;

/// `101.25`, milliseconds, in microseconds.
fn micros(text: &str) -> u64 {
    let (whole, part) = text.split_once('.').unwrap_or((text, "0"));
    let whole: u64 = whole.parse().expect("milliseconds");
    whole * 1000 + format!("{part:0<3}").parse::<u64>().expect("a part")
}

impl Replay {
    fn new(name: &str, trace: &str, counts: bool) -> Self {
        let mut profile = Profile::linux();
        profile.counts = counts;
        profile.set("congestion-control", "reno").expect("a knob");
        profile.set("timestamps", "off").expect("a knob");
        let (mut mss, mut rtt, mut sack, mut ecn, mut no_delay, mut scale, mut window) =
            (1000, 100_000, true, false, false, None, u16::MAX);
        for line in trace.lines().filter_map(|line| line.strip_prefix("# set ")) {
            let words: Vec<_> = line.split(' ').collect();
            match words[..] {
                ["mss", value] => mss = value.parse().expect("octets"),
                ["rtt", value] => rtt = micros(value),
                ["win", value] => window = value.parse().expect("octets"),
                ["wscale", value] => scale = Some(value.parse().expect("a shift")),
                ["nosack"] => sack = false,
                ["ecn"] => ecn = true,
                ["nodelay"] => no_delay = true,
                ["ts"] => profile.set("timestamps", "on").expect("a knob"),
                ["knob", knob, value] => profile.set(knob, value).unwrap_or_else(|error| panic!("{name}: {error}")),
                _ => panic!("{name}: {line}"),
            }
        }
        let ts = profile.timestamps;
        let mut host = Scripted::new(profile);
        host.now = Instant::from_nanos((BEGIN * 1000 - rtt) * 1000);
        host.connection.on_open_passive(host.now, host.open()).expect("CLOSED");
        host.connection.set_no_delay(no_delay);
        let mut options = TcpOptions::NONE.mss(mss);
        options = if sack { options.nop().nop().sack_permitted() } else { options };
        options = if ts { options.nop().nop().timestamps(Timestamps { val: 900, ecr: 0 }) } else { options };
        options = if let Some(shift) = scale { options.nop().window_scale(shift) } else { options };
        let flags = if ecn { "CWR,ECE,SYN" } else { "SYN" };
        host.hear_with(&format!("<SEQ=300><WND={window}><CTL={flags}>"), options);
        let mut replay = Self {
            host,
            next: 301,
            stamps: Vec::new(),
            last_stamp: 0,
            ts,
            window,
            written: 0,
            pushed: 0,
            tail: 0,
            left: Vec::new(),
            name: name.to_owned(),
        };
        replay.take_segments();
        replay.host.now = Instant::from_nanos(BEGIN * 1_000_000);
        replay.hear("ack 1");
        replay.left.clear();
        assert_eq!(replay.host.state(), State::Established, "{name}");
        replay
    }

    fn take_segments(&mut self) {
        while self.take_segment() {}
    }

    fn take_packet(&mut self) {
        while self.take_segment() && self.host.connection.is_amid_packet() {}
    }

    fn take_segment(&mut self) -> bool {
        let at = (self.host.now.as_nanos() / 1000).saturating_sub(BEGIN * 1000);
        let segment = self.host.connection.poll_segment(self.host.now);
        if let Some(segment) = segment {
            let ect = if self.host.connection.codepoint() == Codepoint::Ect0 { " ect0" } else { "" };
            if let Some(ts) = segment.options.get_timestamps() {
                self.last_stamp = ts.val;
                if segment.len > 0 {
                    self.stamps.push(ts.val);
                }
            }
            let segment = self.host.write(segment);
            let start = segment.seq.get() - 100;
            let letters =
                [(Flags::SYN, 'S'), (Flags::FIN, 'F'), (Flags::RST, 'R'), (Flags::PSH, 'P'), (Flags::CWR, 'W'), (Flags::ECE, 'E')];
            let letters: String = letters.into_iter().filter(|(flag, _)| segment.has(*flag)).map(|(_, letter)| letter).collect();
            let letters = if letters.is_empty() { ".".to_owned() } else { letters };
            self.left.push((at, format!("{start}:{} {letters}{ect}", start + segment.len)));
        }
        segment.is_some()
    }

    /// `ack 1 win 100 data 5 sack 2001:3001 ecrof 3 ece ce`.
    fn hear(&mut self, text: &str) {
        let mut words = text.split(' ');
        let (mut ack, mut window, mut data, mut flags, mut ecr, mut ce) = (1, self.window, 0, "ACK", self.last_stamp, Codepoint::NotEct);
        let mut blocks = Vec::new();
        while let Some(word) = words.next() {
            let mut number = || words.next().and_then(|word| word.parse::<u32>().ok()).unwrap_or_else(|| panic!("{}: {text}", self.name));
            match word {
                "ack" => ack = number(),
                "win" => window = u16::try_from(number()).expect("16 bits"),
                "data" => data = number(),
                "ecrof" => ecr = self.stamps[number() as usize - 1],
                "ece" => flags = "ECE,ACK",
                "ce" => ce = Codepoint::Ce,
                "sack" => {}
                block => {
                    let (from, to) = block.split_once(':').expect("a block");
                    blocks.push((from.parse::<u32>().expect("a number") + 100, to.parse::<u32>().expect("a number") + 100));
                }
            }
        }
        let mut options = TcpOptions::NONE;
        if self.ts {
            let val = u32::try_from(self.host.now.as_millis()).expect("small");
            options = options.nop().nop().timestamps(Timestamps { val, ecr });
        }
        options.add_sack(blocks.into_iter(), 0);
        let segment = format!("<SEQ={}><ACK={}><LEN={data}><WND={window}><CTL={flags}>", self.next, ack + 100);
        self.next += data;
        let segment = self.host.read(&segment, options);
        self.host.connection.on_marked_segment(self.host.now, ce, &segment);
        self.take_segments();
    }

    /// Text is written packet by packet, and a full one leaves before the next is filled (`tcp_sendmsg_locked`).
    fn write(&mut self, octets: u32, more: bool) {
        let window = self.host.connection.largest_window();
        let half = if window > 536 { window / 2 } else { window };
        let mss = self.host.connection.info(self.host.now).snd_mss;
        // `GSO_LEGACY_MAX_SIZE` less `MAX_TCP_HEADER + 1`.
        let most = half.clamp(68, 65_279);
        let longest = if most < mss { most } else { most / mss * mss };
        let mut missing = octets;
        while missing > 0 {
            let left = self.written - self.host.connection.info(self.host.now).notsent_bytes;
            let tail = self.written - self.tail.max(left);
            let room = if tail < longest { longest - tail } else { longest };
            if tail >= longest {
                self.tail = self.written;
            }
            let taken = missing.min(room);
            missing -= taken;
            self.written += taken;
            let forced = self.written > self.pushed + window / 2;
            let pushed = forced || (missing == 0 && !more);
            if pushed {
                self.pushed = self.written;
            }
            assert_eq!(self.host.connection.on_send(self.host.now, taken, !pushed), Ok(taken));
            self.host.connection.hold_short(more && missing == 0);
            if forced || missing == 0 {
                self.take_segments();
            } else if self.tail <= left {
                self.take_packet();
            }
        }
    }

    /// Timers fire until then.
    fn wait_until(&mut self, micros: u64) {
        let until = Instant::from_nanos((BEGIN * 1000 + micros) * 1000);
        while let Some(at) = self.host.connection.poll_deadline().filter(|at| *at < until) {
            self.host.now = self.host.now.max(at);
            self.host.connection.on_time(self.host.now);
            self.take_segments();
        }
        self.host.now = until;
    }

    fn told(&self) -> Vec<(&'static str, u64)> {
        let info = self.host.connection.info(self.host.now);
        let number = |number: Option<u32>| u64::from(number.expect("known"));
        vec![
            ("ca", u64::from(info.ca_state.expect("known").number())),
            ("cwnd", number(info.snd_cwnd)),
            ("ssthresh", number(info.snd_ssthresh).min(0x7fff_ffff)),
            ("unacked", number(info.unacked)),
            ("sacked", number(info.sacked)),
            ("lost", number(info.lost)),
            ("retrans", number(info.retrans)),
            ("retransmits", info.retransmits.into()),
            ("backoff", info.backoff.into()),
            ("reord", number(info.reordering)),
            ("delivered", number(info.delivered)),
            ("total_retrans", number(info.total_retrans)),
            ("dsack", number(info.dsack_dups)),
            ("bytes_acked", info.bytes_acked.into()),
            ("bytes_received", info.bytes_received.into()),
            ("segs_in", number(info.segs_in)),
            ("segs_out", number(info.segs_out)),
            ("data_segs_in", number(info.data_segs_in)),
            ("data_segs_out", number(info.data_segs_out)),
            ("bytes_sent", info.bytes_sent.expect("known")),
            ("bytes_retrans", info.bytes_retrans.expect("known")),
            ("reord_seen", number(info.reord_seen)),
            ("ooo", number(info.rcv_ooopack)),
            ("notsent", info.notsent_bytes.into()),
            ("delivered_ce", number(info.delivered_ce)),
        ]
    }
}

/// Plays a trace; what differs, line by line.
fn differences(name: &str, trace: &str, counts: bool) -> Vec<String> {
    let mut replay = Replay::new(name, trace, counts);
    let mut wrong = Vec::new();
    let mut expected: Vec<(u64, &str)> = Vec::new();
    let mut known: BTreeMap<&str, u64> = BTreeMap::new();
    let (mut begun, mut now) = (0, 0);
    for (at, line) in trace.lines().enumerate().filter(|(_, line)| !line.starts_with('#') && !line.is_empty()) {
        if let Some(told) = line.strip_prefix('=') {
            // Segments that left since, in order, and each at about the time.
            // A kernel's timers are late by up to an eighth.
            let late = |(a, _): &(u64, String), (b, _): &(u64, &str)| *a <= *b + 4000 && *b <= *a + 10_000 + (*a - begun.min(*a)) / 8;
            let left = std::mem::take(&mut replay.left);
            let same =
                left.len() == expected.len() && left.iter().zip(&expected).all(|(ours, theirs)| ours.1 == theirs.1 && late(ours, theirs));
            if !same {
                wrong.push(format!("{name}:{} left {left:?}, kernel {expected:?}", at + 1));
            }
            expected.clear();
            if !counts {
                continue;
            }
            let words: Vec<_> = told.split_whitespace().collect();
            known.extend(words.chunks(2).map(|pair| (pair[0], pair[1].parse::<u64>().expect("a number"))));
            let ours = replay.told();
            for (&what, &theirs) in &known {
                let mine = ours.iter().find(|(name, _)| *name == what).unwrap_or_else(|| panic!("{name}: {what}")).1;
                if mine != theirs {
                    wrong.push(format!("{name}:{} {what} {mine}, kernel {theirs}", at + 1));
                }
            }
            continue;
        }
        let (time, what) = line.split_once(' ').expect("a time");
        let time = micros(time);
        if let Some(segment) = what.strip_prefix("> ") {
            expected.push((time, segment));
            continue;
        }
        replay.wait_until(time);
        if what != "wait" {
            begun = now;
            now = time;
        }
        match what.split(' ').collect::<Vec<_>>()[..] {
            ["write", octets, ..] => replay.write(octets.parse().expect("octets"), what.ends_with("more")),
            ["shutdown"] => replay.host.connection.on_close(replay.host.now, false).expect("open"),
            ["wait"] => {}
            ["<", ..] => replay.hear(&what[2..]),
            _ => panic!("{name}: {line}"),
        }
        replay.take_segments();
    }
    wrong
}

macro_rules! replays {
    ($($test:ident: $trace:literal,)+) => {
        $(
            #[test]
            fn $test() {
                let wrong = differences($trace, include_str!(concat!("kernel/cc-", $trace, ".trace")), true);
                assert!(wrong.is_empty(), "{}", wrong.join("\n"));
            }
        )+

        const TRACES: &[(&str, &str)] = &[$(($trace, include_str!(concat!("kernel/cc-", $trace, ".trace"))),)+];
    };
}

replays! {
    a_window_that_is_not_used_does_not_grow: "app-limited",
    a_window_that_was_not_used_lately_stays_while_acks_come: "app-limited-2",
    congestion_avoidance_adds_a_segment_a_window: "avoidance",
    short_segments_leave_again_as_one: "collapse",
    cubic_leaves_room_to_others: "cubic-converge",
    longer_round_trips_end_slow_start: "cubic-delay",
    cubic_is_never_below_reno: "cubic-friendly",
    an_idle_time_is_no_time_on_the_curve: "cubic-idle",
    cubic_comes_back_along_its_curve: "cubic-loss",
    the_first_search_of_cubic_is_not_slow: "cubic-search",
    a_timeout_forgets_the_curve: "cubic-timeout",
    a_train_of_acks_ends_slow_start: "cubic-train",
    segments_and_octets_are_counted: "counts",
    ece_takes_the_window_down_once_a_round_trip: "ece",
    a_fin_waits_for_the_window_and_is_sent_again: "fin",
    frto_tells_a_spurious_timeout_by_new_text: "frto-new",
    frto_tells_a_real_timeout_by_a_duplicate: "frto-real",
    frto_tells_a_spurious_timeout_by_sack: "frto-sack",
    after_an_idle_time_the_window_begins_again: "idle",
    two_duplicates_let_new_text_leave: "limited-transmit",
    a_copy_that_is_lost_as_well_leaves_again: "lost-copy",
    without_sack_three_duplicates_and_partial_acks_resend: "newreno",
    one_segment_under_way_is_not_lost_by_duplicates: "nosack-one",
    acks_with_text_are_no_duplicates: "open-window",
    recovery_from_ten_losses_is_proportional: "prr-30",
    recovery_sends_one_segment_for_each_that_arrives: "prr-one",
    two_sacks_lose_a_segment_when_its_time_is_over: "rack-time",
    what_the_peer_takes_back_leaves_again: "reneg",
    reordering_is_seen_and_measured: "reordering",
    a_timeout_loses_everything_and_starts_slowly: "rto",
    what_is_sacked_is_not_resent_after_a_timeout: "rto-sack",
    a_second_timeout_halves_nothing_more: "rto-twice",
    slow_start_adds_a_segment_for_each_acknowledged: "slow-start",
    one_ack_for_everything_ends_recovery: "stretch-ack",
    one_segment_is_probed_then_times_out: "tail-alone",
    a_probe_that_repairs_a_loss_takes_the_window_down: "tlp-ack",
    a_needless_probe_leaves_the_window: "tlp-dsack",
    the_probe_is_new_text_where_there_is_some: "tlp-new",
    a_second_hole_is_found_in_recovery: "two-losses",
    dsack_undoes_a_needless_recovery: "undo-dsack",
    a_late_dsack_undoes_it_as_well: "undo-dsack-late",
    dsack_undoes_a_needless_timeout: "undo-rto-dsack",
    a_timestamp_undoes_a_needless_timeout: "undo-rto-ts",
    a_timestamp_undoes_a_needless_recovery: "undo-ts",
    the_peers_window_bounds_what_leaves: "window-limited",
    acks_that_open_the_window_are_no_duplicates: "window-update",
    a_short_segment_waits_behind_a_short_one_alone: "write-write",
}

#[test]
fn what_leaves_does_not_depend_on_whether_it_is_counted() {
    // Without counting a scoreboard comes when it is needed, and knows of what left before what the connection knows.
    for (name, trace) in TRACES {
        let wrong = differences(name, trace, false);
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }
}

#[test]
fn what_leaves_to_a_lossy_path_is_what_leaves_a_kernel() {
    // The peers are real receivers behind paths that lose, delay, reorder and repeat by chance.
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/engine/tests/kernel/lossy");
    let mut files: Vec<_> = fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path()).collect();
    files.sort();
    assert!(!files.is_empty());
    for file in files {
        let name = file.file_stem().expect("a name").to_string_lossy();
        let trace = fs::read_to_string(&file).expect("readable");
        for counts in [true, false] {
            let wrong = differences(&name, &trace, counts);
            assert!(wrong.is_empty(), "{}", wrong.join("\n"));
        }
    }
}

/// In ESTABLISHED by an active OPEN, with Reno and segments of 1000 octets.
fn reno(knobs: &[(&str, &str)]) -> Scripted {
    let mut all = vec![("congestion-control", "reno")];
    all.extend(knobs);
    Scripted::new(profile(&all)).establish("<SEQ=300><ACK=101><CTL=SYN,ACK>", TcpOptions::NONE.mss(1000))
}

fn windows(a: &Scripted) -> (Option<u32>, Option<u32>) {
    let info = a.connection.info(a.now);
    (info.snd_cwnd, info.snd_ssthresh)
}

#[test]
fn slow_start_then_congestion_avoidance() {
    // MUST-19: RFC 5681 section 3.1.
    let mut a = reno(&[("initial-window", "2")]);
    assert_eq!(a.send(60_000).len(), 2);
    assert_eq!(a.answer("<SEQ=301><ACK=1101><CTL=ACK>").len(), 2, "one that is acknowledged lets two leave");
    assert_eq!(a.answer("<SEQ=301><ACK=4101><CTL=ACK>").len(), 6);
    assert_eq!(windows(&a), (Some(6), Some(u32::MAX)));
    // A time-out: half of what was under way becomes the threshold, and one segment the window.
    a.wait();
    assert_eq!(windows(&a), (Some(1), Some(3)));
    a.hear("<SEQ=301><ACK=5101><CTL=ACK>");
    a.hear("<SEQ=301><ACK=7101><CTL=ACK>");
    assert_eq!(windows(&a), (Some(3), Some(3)), "slow start ends at the threshold");
    a.out();
    a.hear("<SEQ=301><ACK=9101><CTL=ACK>");
    a.out();
    a.hear("<SEQ=301><ACK=10101><CTL=ACK>");
    assert_eq!(windows(&a), (Some(4), Some(3)), "a window was acknowledged, and it grows by one");
}

#[test]
fn another_congestion_control_is_cubic() {
    // MAY-18: RFC 9438 sections 4.6 and 4.7: seven tenths remain, and what is regained comes quickly at first.
    let mut a = reno(&[("congestion-control", "cubic"), ("initial-window", "100"), ("send-buffer", "4000000"), ("nagle", "off")]);
    assert_eq!(a.send(60_000).len(), 60);
    a.wait();
    assert_eq!(windows(&a), (Some(1), Some(70)));
}

#[test]
fn request_and_response_keep_no_scoreboard() {
    let mut a = reno(&[]);
    for round in 0..5 {
        a.send(10);
        a.hear(&format!("<SEQ={}><ACK={}><LEN=10><CTL=PSH,ACK>", 301 + 10 * round, 111 + 10 * round));
        a.out();
        assert!(a.connection.sender.is_none());
    }
    // The answer may come behind the ACK, and an ACK twice.
    a.send(10);
    for _ in 0..2 {
        a.hear("<SEQ=351><ACK=161><CTL=ACK>");
        assert!(a.connection.sender.is_none());
    }
    let mut doubtful = a.clone();
    a.send(2000);
    assert!(a.connection.sender.is_some(), "two segments under way");
    doubtful.send(10);
    doubtful.hear("<SEQ=351><ACK=161><CTL=ACK>");
    assert!(doubtful.connection.sender.is_some(), "a duplicate ACK, while something is under way");
}

#[test]
fn without_congestion_control_the_peers_window_alone_counts() {
    let mut a = Scripted::established(Profile::rfc9293());
    assert_eq!(a.send(58_400).len(), 40);
    assert_eq!(windows(&a), (None, None));
}

#[test]
fn three_sacked_segments_above_lose_one_without_rack() {
    // RFC 6675 section 4, IsLost.
    let mut a = Scripted::new(profile(&[("congestion-control", "reno"), ("sack", "on")]))
        .establish("<SEQ=300><ACK=101><CTL=SYN,ACK>", TcpOptions::NONE.mss(1000).nop().nop().sack_permitted());
    a.send(10_000);
    let sack = |start: u32, end: u32| TcpOptions::NONE.nop().nop().sack(start + 100, end + 100);
    for (end, left) in [(3001, &[][..]), (4001, &[]), (5001, &["<SEQ=101><ACK=301><LEN=1000><CTL=ACK>"])] {
        a.hear_with("<SEQ=301><ACK=101><CTL=ACK>", sack(2001, end));
        assert_eq!(a.out(), left, "up to {end}");
    }
    // Two SACKed segments lie above the second, then three.
    a.hear_with("<SEQ=301><ACK=101><CTL=ACK>", sack(2001, 6001));
    assert_eq!(a.out(), NOTHING, "the window comes down");
}

#[test]
fn hostile_sack_blocks_change_nothing() {
    for (start, end) in [(0, 0), (5000, 4000), (1001, 99_999), (u32::MAX, 5), (1, 1001), (0x8000_0000, 1001)] {
        let mut a = Scripted::new(profile(&[("congestion-control", "reno"), ("sack", "on")]))
            .establish("<SEQ=300><ACK=101><CTL=SYN,ACK>", TcpOptions::NONE.mss(1000).nop().nop().sack_permitted());
        a.send(5000);
        let sack = TcpOptions::NONE.nop().nop().sack(100_u32.wrapping_add(start), 100_u32.wrapping_add(end));
        a.hear_with("<SEQ=301><ACK=101><CTL=ACK>", sack);
        assert_eq!(a.connection.info(a.now).sacked, Some(0), "{start}:{end}");
        assert_eq!(a.answer("<SEQ=301><ACK=5101><CTL=ACK>"), NOTHING);
        assert_eq!(a.connection.poll_deadline(), None);
    }
}

#[test]
fn an_old_ack_that_acknowledges_clears_the_scoreboard_too() {
    // It left before its sender had what made its number old: refused as a segment, taken as an ACK.
    let mut a = reno(&[]);
    a.send(3000);
    a.answer("<SEQ=301><ACK=101><LEN=2000><CTL=PSH,ACK>");
    a.connection.on_receive(a.now, 2000).expect("there is text");
    a.out();
    a.hear("<SEQ=301><ACK=3101><CTL=ACK>");
    a.out();
    assert!(!a.connection.lists_text(), "{:?}", a.connection.sender);
    assert_eq!(a.connection.poll_deadline(), None, "nothing is under way");
}

#[test]
fn a_window_that_shrinks_to_nothing_ends_no_connection_whose_peer_answers() {
    // SHLD-17: with a scoreboard as without.
    for knobs in [&[("data-retries", "3")][..], &[("data-retries", "3"), ("congestion-control", "off")]] {
        let mut a = reno(knobs);
        a.send(3000);
        a.hear("<SEQ=301><ACK=101><WND=0><CTL=ACK>");
        for _ in 0..10 {
            a.wait();
            a.hear("<SEQ=301><ACK=101><WND=0><CTL=ACK>");
        }
        assert_eq!(a.state(), State::Established);
    }
}

#[test]
fn a_closed_window_is_asked_whatever_stood_on_the_scoreboard_before() {
    let mut a = Scripted::new(Profile::linux()).establish("<SEQ=300><ACK=101><CTL=SYN,ACK>", TcpOptions::NONE.mss(1000));
    a.send(3000);
    a.hear("<SEQ=301><ACK=3101><WND=0><CTL=ACK>");
    assert!(a.connection.sender.is_some());
    assert_eq!(a.send(10), NOTHING);
    assert_eq!(a.wait().1, ["<SEQ=3100><ACK=301><CTL=ACK>"]);
}

#[test]
fn no_timer_runs_once_the_probe_of_a_closed_window_is_acknowledged() {
    let mut a = reno(&[]);
    a.send(3000);
    a.hear("<SEQ=301><ACK=3101><WND=0><CTL=ACK>");
    assert!(a.connection.sender.is_some());
    assert_eq!(a.send(1), NOTHING);
    assert_eq!(a.wait().1, ["<SEQ=3101><ACK=301><LEN=1><CTL=PSH,ACK>"]);
    a.hear("<SEQ=301><ACK=3102><WND=0><CTL=ACK>");
    assert_eq!(a.connection.poll_deadline(), None);
}
