//! What Linux advertises, and when it acknowledges: replays of what a 6.18 kernel did over its loopback.
//!
//! A line is a moment in milliseconds and what happened: `< 200 PSH` is text of the peer, `recv` and
//! `send` are calls of the application, `> ACK 301 window 508` is what the kernel sent then, the
//! window as the field has it. The kernel's own timers keep to ticks of 4 ms, give or take two; where
//! in a tick a trace begins nobody knows, so one of the four must do.

use super::*;

struct Replay {
    b: Scripted,
    begin: u64,
    /// Milliseconds, and what left.
    left: Vec<(u64, String)>,
    heard: u32,
    acked: u32,
    stamps: bool,
}

impl Replay {
    fn new<'a>(knobs: impl Iterator<Item = (&'a str, &'a str)>, begin: u64) -> Self {
        let mut profile = Profile::linux();
        for (name, value) in knobs {
            profile.set(name, value).expect("a knob");
        }
        let (stamps, scaled) = (profile.timestamps, profile.window_scale.0.is_some());
        let mut replay = Self { b: Scripted::new(profile), begin, left: Vec::new(), heard: 0, acked: 0, stamps };
        replay.b.pass(Duration::from_millis(begin));
        replay.b.connection.on_open_passive(replay.b.now, replay.b.open()).expect("CLOSED");
        let mut options = replay.stamped().mss(1460);
        if scaled {
            options = options.window_scale(10);
        }
        replay.b.hear_with("<SEQ=300><CTL=SYN>", options);
        replay.drain();
        replay
    }

    fn stamped(&self) -> TcpOptions {
        let val = u32::try_from(self.b.now.as_millis()).expect("short");
        if self.stamps { TcpOptions::NONE.timestamps(Timestamps { val, ecr: val }) } else { TcpOptions::NONE }
    }

    fn drain(&mut self) {
        for segment in self.b.segments() {
            let (ack, text) = (segment.ack.get().wrapping_sub(300), segment.len);
            let kind = if segment.flags.contains(Flags::SYN) { "SYN,ACK".to_owned() } else { format!("ACK {ack}") };
            let text = if text > 0 { format!(" text {text}") } else { String::new() };
            self.acked = segment.end().get();
            self.left.push((self.b.now.as_millis() - self.begin, format!("> {kind}{text} window {}", segment.window.0)));
        }
    }

    fn until(&mut self, millis: u64) {
        let then = Instant::from_nanos((self.begin + millis) * 1_000_000);
        while let Some(at) = self.b.connection.poll_deadline().filter(|at| *at < then) {
            self.b.now = at;
            self.b.connection.on_time(at);
            self.drain();
        }
        self.b.now = then;
    }

    fn step(&mut self, millis: u64, words: &[&str]) {
        self.until(millis);
        let number = |at: usize| words.get(at).and_then(|word| word.parse::<u32>().ok());
        match words[0] {
            "recv" => {
                let read = self.b.connection.on_receive(self.b.now, number(1).expect("octets"));
                read.expect("open");
            }
            "send" => {
                self.b.connection.on_send(self.b.now, number(1).expect("octets"), false).expect("open");
            }
            _ => {
                let len = number(1).unwrap_or(0);
                let flags = [("PSH", ",PSH"), ("FIN", ",FIN")].map(|(word, flag)| if words.contains(&word) { flag } else { "" });
                let text = format!("<SEQ={}><ACK={}><LEN={len}><CTL=ACK{}>", 301 + self.heard, self.acked, flags.concat());
                self.heard += len;
                self.b.hear_with(&text, self.stamped());
            }
        }
        self.drain();
    }
}

/// Plays what came in, and compares what leaves; what differs, if anything.
fn difference(trace: &str, begin: u64) -> Option<String> {
    let (remarks, lines): (Vec<_>, Vec<_>) = trace.lines().partition(|line| line.starts_with('#'));
    let knobs = remarks.iter().find_map(|line| line.strip_prefix("# knobs:")).expect("knobs");
    let mut replay = Replay::new(knobs.split_whitespace().map(|knob| knob.split_once('=').expect("knob=value")), begin);
    let (mut expected, mut last) = (Vec::new(), 0);
    for line in lines {
        let (millis, what) = line.split_once(' ').expect("a moment");
        let millis = millis.parse().expect("milliseconds");
        if what.starts_with('>') {
            expected.push((millis, what.to_owned()));
        } else {
            replay.step(millis, &what.split(' ').collect::<Vec<_>>());
        }
        last = millis;
    }
    replay.until(last + 5);
    let agree = |ours: &(u64, String), theirs: &(u64, String)| ours.0.abs_diff(theirs.0) <= 8 && ours.1 == theirs.1;
    let differs = replay.left.iter().zip(&expected).find(|(ours, theirs)| !agree(ours, theirs));
    differs.map(|(ours, theirs)| format!("ours {ours:?}, the kernel's {theirs:?}")).or_else(|| {
        let (ours, theirs) = (replay.left.len(), expected.len());
        (ours != theirs).then(|| format!("{ours} segments are ours, {theirs} the kernel's"))
    })
}

fn agrees(name: &str, trace: &str) {
    let differences: Vec<_> = (0..4).map_while(|begin| difference(trace, begin)).collect();
    assert!(differences.len() < 4, "{name}:\n{}", differences.join("\n"));
}

macro_rules! replays {
    ($($test:ident: $name:literal)+) => {$(
        #[test]
        fn $test() {
            agrees($name, include_str!(concat!("kernel/", $name, ".trace")));
        }
    )+};
}

replays! {
    segments_of_many_sizes_open_the_window: "sizes"
    the_window_opens_in_its_finest_units: "sizes-fine"
    a_window_that_is_not_scaled_is_whole_segments: "sizes-unscaled"
    segments_without_timestamps_have_room_for_more: "sizes-bare"
    acks_wait_for_answers_and_not_in_pauses: "pauses"
    what_is_not_read_closes_the_window: "unread"
    packets_that_cost_more_than_their_text_open_it_less: "linear"
    packets_that_cost_more_close_it_sooner: "linear-fine"
    a_full_buffer_closes_the_window_until_there_is_room: "full"
    a_small_buffer_is_full_sooner: "full-small"
    a_buffer_below_a_segment_is_offered_as_it_is: "tiny"
    a_buffer_for_a_segment_and_a_half: "two"
    a_buffer_for_two_segments: "three"
    a_segment_as_large_as_the_buffer: "tiny-unscaled"
    a_fin_behind_text_takes_no_room: "fin"
    a_fin_behind_nothing_takes_room: "fin-alone"
    short_segments_of_one_length_are_full_ones: "guess"
    the_guess_counts_headers_without_timestamps: "guess-bare"
    a_full_buffer_closes_a_window_that_is_not_scaled: "full-unscaled"
}
