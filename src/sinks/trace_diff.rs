//! In what two traces differ, whatever made them: a scenario, a capture, a kernel.
//!
//! Their ladders are aligned by what each row is, so that one missing segment does not make all later ones differ,
//! and woven into one; every difference has a class and a place. What no two runs share is matched up to renaming:
//! numbers count from each side's SYN, ports are roles, a timestamp is the segment it echoes. Times are compared
//! only if a tolerance is given: two worlds have two clocks.
//!
//! ```
//! use synfin::sinks::trace_diff::{Class, Settings, diff};
//! use synfin::sources::scenario::{Overrides, parse_fault};
//!
//! let scenario = synfin::scenario("three-way-handshake")?;
//! let whole = scenario.run();
//! let faults = vec![parse_fault("example", "lose A:data#1").expect("a fault")];
//! let lossy = scenario.simulate(&Overrides { faults, ..Overrides::default() }).expect("can be played");
//!
//! let found = diff(["whole", "lossy"], [&whole, &lossy], &Settings::default());
//! assert!(!found.is_equal());
//! // The segment that is lost is one more; all that follows is the same.
//! let classes: Vec<Class> = found.differences.iter().map(|difference| difference.class).collect();
//! assert_eq!(classes, [Class::ExtraSegment]);
//! # Ok::<(), synfin::LoadError>(())
//! ```

use std::collections::HashMap;
use std::fmt;
use std::ops::Range;
use std::time::Duration;

use serde::Serialize;
use similar::{Algorithm, DiffOp, capture_diff_slices};

use super::agreement::{Kind, Shown, text_of};
use super::contrast::{Aspect, Contrast, Whose};
use super::ladder::{line, width_of};
use crate::engine::{Instant, State};
use crate::ladder::{Rung, RungKind, Step, steps};
use crate::trace::{End, Packet, PacketId, Trace, What};

/// What is compared, and how.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Settings {
    /// Compare when rows happen, since the first packet; a difference up to this much is none.
    pub tolerance: Option<Duration>,
    /// Compare sequence numbers and timestamps as they are.
    pub absolute: bool,
    /// Compare calls, timers and the states they lead to; of a capture there are none.
    pub remarks: bool,
}

impl Default for Settings {
    /// Packets and states; no times, and numbers relative.
    fn default() -> Self {
        Self { tolerance: None, absolute: false, remarks: false }
    }
}

/// The kinds of differences.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Class {
    /// A segment or datagram that only the first has.
    MissingSegment,
    /// One that only the second has.
    ExtraSegment,
    /// A field of a segment that both have.
    Field,
    /// The same options in another order.
    OptionOrder,
    /// A row that happens earlier or later than the tolerance allows.
    Timing,
    /// A state beside a row.
    State,
    /// A call, a timer, or a state that no segment shows.
    Remark,
}

impl Class {
    const ALL: [Self; 7] =
        [Self::MissingSegment, Self::ExtraSegment, Self::Field, Self::OptionOrder, Self::Timing, Self::State, Self::Remark];

    /// As a person says it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::MissingSegment => "missing segment",
            Self::ExtraSegment => "extra segment",
            Self::Field => "field",
            Self::OptionOrder => "option order",
            Self::Timing => "timing",
            Self::State => "state",
            Self::Remark => "remark",
        }
    }
}

/// One difference.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Difference {
    /// Of which kind it is.
    pub class: Class,
    /// Its position in the rows of the woven ladder.
    pub row: usize,
    /// The packet it is about, in either trace, counted from 1.
    pub packets: [Option<u32>; 2],
    /// Which field, or whose state.
    pub field: Option<String>,
    /// What the first has there.
    pub first: String,
    /// What the second has there.
    pub second: String,
}

/// Two traces, aligned.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct TraceDiff {
    /// Both ladders as one.
    pub ladder: Contrast,
    /// Every difference, from top to bottom.
    pub differences: Vec<Difference>,
    /// How many rows were compared, if not all were: a longer ladder is compared as far as that.
    pub compared: Option<usize>,
}

/// Rows of one ladder that are compared. Aligning takes time that grows with the square of what differs.
pub const ROWS_AT_MOST: usize = 20_000;

/// Compares two traces.
pub fn diff(names: [&str; 2], traces: [&Trace; 2], settings: &Settings) -> TraceDiff {
    let renumbered = traces.map(|trace| if settings.absolute { trace.clone() } else { trace.with_relative_numbers() });
    let ladders = [0, 1].map(|side| steps(&renumbered[side], false));
    let rungs = ladders.iter().flatten().filter_map(|step| match step {
        Step::Rung(rung, _) => Some(rung),
        Step::Remark(..) => None,
    });
    let width = width_of(rungs);
    let all = [0, 1].map(|side| {
        let began = renumbered[side].entries.iter().find(|entry| packet_of(&entry.what).is_some()).map_or(Instant::START, |entry| entry.at);
        let reader = Reader { trace: &renumbered[side], settings, width, began };
        ladders[side].iter().filter_map(|step| reader.item(step)).collect::<Vec<_>>()
    });
    let compared = all.iter().any(|items| items.len() > ROWS_AT_MOST).then_some(ROWS_AT_MOST);
    let items = [0, 1].map(|side| &all[side][..all[side].len().min(ROWS_AT_MOST)]);
    let pairs = align(items[0], items[1]);
    let echoes = [0, 1].map(|side| echoes(traces[side], items[side], pairs.iter().map(|pair| if side == 0 { pair.0 } else { pair.1 })));
    let ladder = Contrast { names: names.map(str::to_owned), differs_in: std::collections::BTreeSet::new(), first: None, rows: Vec::new() };
    let mut weaver = Weaver { traces, settings, found: TraceDiff { ladder, differences: Vec::new(), compared }, echoes };
    for pair in pairs {
        match pair {
            (Some(ours), Some(theirs)) => weaver.both(&items[0][ours], &items[1][theirs]),
            (Some(ours), None) => weaver.alone(0, &items[0][ours]),
            (None, Some(theirs)) => weaver.alone(1, &items[1][theirs]),
            (None, None) => {}
        }
    }
    weaver.found
}

/// A row of one ladder.
struct Item {
    text: String,
    /// The states on its left and right.
    states: [Option<State>; 2],
    packet: Option<PacketId>,
    /// The signs on its left and right; empty for a row without a packet.
    course: String,
    /// What is compared of the packet; a row in which it only arrives has said it where it left.
    shown: Option<Shown>,
    /// What makes two rows the same row.
    identity: String,
    /// What makes two rows comparable.
    kind: String,
    /// Since the first packet.
    at: Duration,
}

fn packet_of(what: &What) -> Option<PacketId> {
    match what {
        What::Departure(id) | What::Arrival(id) | What::Loss(id) | What::Rejection(id) => Some(*id),
        What::Call { .. } | What::Timer(_) | What::Observation | What::Note(_) => None,
    }
}

/// Makes rows of the steps of one ladder.
struct Reader<'a> {
    trace: &'a Trace,
    settings: &'a Settings,
    width: usize,
    began: Instant,
}

impl Reader<'_> {
    fn item(&self, step: &Step) -> Option<Item> {
        let entry = &self.trace.entries[step.entry()];
        let at = entry.at.since(self.began);
        let packet = packet_of(&entry.what);
        match step {
            Step::Remark(text, _) => {
                // A remark may end in its moment.
                let words = text.rsplit_once(", ").filter(|(_, end)| end.ends_with(" s")).map_or(text.as_str(), |(words, _)| words);
                let shown = packet.is_some() || self.settings.remarks;
                let (identity, text) = (format!("({words})"), format!("   ({words})"));
                shown.then_some(Item {
                    text,
                    states: [None; 2],
                    packet: None,
                    course: String::new(),
                    shown: None,
                    kind: identity.clone(),
                    identity,
                    at,
                })
            }
            Step::Rung(rung, _) => {
                let Some(id) = packet else {
                    let (kind, text) = ("states".to_owned(), line(rung, self.width));
                    let item = Item {
                        text,
                        states: [rung.left, rung.right],
                        packet,
                        course: String::new(),
                        shown: None,
                        identity: kind.clone(),
                        kind,
                        at,
                    };
                    return self.settings.remarks.then_some(item);
                };
                Some(self.rung(rung, id, at))
            }
        }
    }

    fn rung(&self, rung: &Rung, id: PacketId, at: Duration) -> Item {
        let shown = Shown::as_it_stands(self.trace, id, self.settings.absolute);
        let course = match &rung.kind {
            RungKind::Segment { course, .. } | RungKind::Message { course, .. } => format!("{} {}", course.left, course.right),
            RungKind::States => String::new(),
        };
        let only_arrives = (course.starts_with("...") && course.ends_with("-->")) || (course.starts_with("<--") && course.ends_with("..."));
        let (identity, kind) = (format!("{course} {}", shown.identity()), format!("{only_arrives} {}", shown.kind()));
        let told = only_arrives && self.trace.packet(id).from.is_some();
        let (text, states) = (line(rung, self.width), [rung.left, rung.right]);
        Item { text, states, packet: Some(id), shown: (!told).then_some(shown), course, identity, kind, at }
    }
}

type Pairs = Vec<(Option<usize>, Option<usize>)>;

/// Which rows stand opposite each other: first the same, then, between those, the comparable.
fn align(first: &[Item], second: &[Item]) -> Pairs {
    let identities = |items: &[Item]| items.iter().map(|item| item.identity.clone()).collect::<Vec<_>>();
    let kinds = |items: &[Item]| items.iter().map(|item| item.kind.clone()).collect::<Vec<_>>();
    let mut pairs = Pairs::new();
    aligned(&identities(first), &identities(second), &mut |ours, theirs, equal| {
        if equal {
            pairs.extend(ours.zip(theirs).map(|(ours, theirs)| (Some(ours), Some(theirs))));
            return;
        }
        let (from, to) = (ours.start, theirs.start);
        aligned(&kinds(&first[ours]), &kinds(&second[theirs]), &mut |ours, theirs, equal| {
            let (ours, theirs) = (ours.map(|index| index + from), theirs.map(|index| index + to));
            if equal {
                pairs.extend(ours.zip(theirs).map(|(ours, theirs)| (Some(ours), Some(theirs))));
            } else {
                pairs.extend(ours.map(|index| (Some(index), None)));
                pairs.extend(theirs.map(|index| (None, Some(index))));
            }
        });
    });
    pairs
}

/// Gives runs of both lists to `take`, and whether they are equal.
fn aligned(first: &[String], second: &[String], take: &mut dyn FnMut(Range<usize>, Range<usize>, bool)) {
    for op in capture_diff_slices(Algorithm::Myers, first, second) {
        take(op.old_range(), op.new_range(), matches!(op, DiffOp::Equal { .. }));
    }
}

/// Of each packet the rows that show which segments its timestamp can echo; absent without timestamps.
type Echoes = HashMap<PacketId, Option<Range<usize>>>;

fn echoes(trace: &Trace, items: &[Item], rows: impl Iterator<Item = Option<usize>>) -> Echoes {
    let timestamps = |packet: &Packet| packet.segment()?.options.get_timestamps();
    // For each clock reading the rows of the packets that show it.
    let mut shown: HashMap<(End, u32), Range<usize>> = HashMap::new();
    let mut echoes = Echoes::new();
    for (row, item) in rows.enumerate() {
        let Some(id) = item.and_then(|item| items[item].shown.as_ref().and(items[item].packet)) else { continue };
        let packet = trace.packet(id);
        let Some(ts) = timestamps(packet) else { continue };
        echoes.insert(id, shown.get(&(packet.destination, ts.ecr)).cloned());
        shown.entry((packet.source, ts.val)).and_modify(|rows| rows.end = row + 1).or_insert(row..row + 1);
    }
    echoes
}

struct Weaver<'a> {
    traces: [&'a Trace; 2],
    settings: &'a Settings,
    found: TraceDiff,
    echoes: [Echoes; 2],
}

impl Weaver<'_> {
    fn differ(&mut self, class: Class, items: [Option<&Item>; 2], field: Option<&str>, [first, second]: [String; 2]) {
        let aspect = match (class, field) {
            (Class::MissingSegment | Class::ExtraSegment, _) | (Class::Field, Some("course" | "packet" | "direction")) => Aspect::Segments,
            (Class::OptionOrder, _) | (Class::Field, Some("options")) => Aspect::Options,
            (Class::Field, Some("flags")) => Aspect::Flags,
            (Class::Field, Some("window")) => Aspect::Windows,
            (Class::Field, Some("seq" | "ack" | "length")) => Aspect::Numbers,
            (Class::Field, _) => Aspect::Contents,
            (Class::Timing, _) => Aspect::Times,
            (Class::State, _) => Aspect::States,
            (Class::Remark, _) => Aspect::Remarks,
        };
        self.found.ladder.mark(aspect);
        let packets = items.map(|item| item.and_then(|item| item.packet).map(|id| id.0 + 1));
        let (row, field) = (self.found.ladder.rows.len(), field.map(str::to_owned));
        self.found.differences.push(Difference { class, row, packets, field, first, second });
    }

    /// A row that only one has.
    fn alone(&mut self, side: usize, item: &Item) {
        let (class, of) = match (side, item.packet) {
            (0, Some(_)) => (Class::MissingSegment, Whose::First),
            (_, Some(_)) => (Class::ExtraSegment, Whose::Second),
            (0, None) => (Class::Remark, Whose::First),
            (_, None) => (Class::Remark, Whose::Second),
        };
        let said = item.shown.as_ref().map_or_else(|| item.text.trim().to_owned(), ToString::to_string);
        let nothing = || "nothing".to_owned();
        if side == 0 {
            self.differ(class, [Some(item), None], None, [said, nothing()]);
        } else {
            self.differ(class, [None, Some(item)], None, [nothing(), said]);
        }
        self.found.ladder.push(of, &item.text);
    }

    /// A row that both have; below it, in what they differ that the row does not show.
    fn both(&mut self, ours: &Item, theirs: &Item) {
        let items = [Some(ours), Some(theirs)];
        let told = self.found.differences.len();
        let mut below: [Vec<String>; 2] = [Vec::new(), Vec::new()];
        for (class, field, values) in self.fields(ours, theirs) {
            // Flags and numbers stand in the row itself.
            if !matches!(field, "flags" | "seq" | "ack" | "length" | "packet" | "direction" | "text" | "course") {
                for (below, value) in below.iter_mut().zip(&values) {
                    below.push(format!("{field} {}", if value.is_empty() { "none" } else { value }));
                }
            }
            self.differ(class, items, Some(field), values);
        }
        for (host, (a, b)) in ours.states.iter().zip(theirs.states).enumerate() {
            // Where one of them arrives and the other does not, that is the difference.
            if *a != b && ours.course == theirs.course {
                let name = self.traces[0].hosts.get(host).map_or("?", |host| host.name.as_str());
                let said = [*a, b].map(|state| state.map_or("none".to_owned(), |state| state.to_string()));
                self.differ(Class::State, items, Some(name), said);
            }
        }
        if let Some(tolerance) = self.settings.tolerance
            && ours.at.abs_diff(theirs.at) > tolerance
        {
            let said = [ours, theirs].map(|item| format!("{} s", Instant::START + item.at));
            for (below, value) in below.iter_mut().zip(&said) {
                below.push(format!("at {value}"));
            }
            self.differ(Class::Timing, items, None, said);
        }
        // Where nothing differs, ports may: they are roles.
        let alike = self.found.differences.len() == told;
        let ladder = &mut self.found.ladder;
        let [first, second] = below;
        if alike || ours.text == theirs.text {
            ladder.push(Whose::Both, &ours.text);
            beneath(ladder, Whose::First, &first);
            beneath(ladder, Whose::Second, &second);
        } else {
            ladder.push(Whose::First, &ours.text);
            beneath(ladder, Whose::First, &first);
            ladder.push(Whose::Second, &theirs.text);
            beneath(ladder, Whose::Second, &second);
        }
    }

    fn fields(&self, ours: &Item, theirs: &Item) -> Vec<(Class, &'static str, [String; 2])> {
        let (Some(a), Some(b)) = (&ours.shown, &theirs.shown) else { return Vec::new() };
        let (Some(first), Some(second)) = (ours.packet, theirs.packet) else { return Vec::new() };
        let mut fields: Vec<_> = a
            .differences(b)
            .into_iter()
            .map(|(kind, ours, theirs)| {
                let class = if kind == Kind::Options && same_options(&ours, &theirs) { Class::OptionOrder } else { Class::Field };
                (class, kind.name(), [ours, theirs])
            })
            .collect();
        if ours.course != theirs.course {
            fields.push((Class::Field, "course", [ours.course.clone(), theirs.course.clone()]));
        }
        let packets = [self.traces[0].packet(first), self.traces[1].packet(second)];
        let texts = packets.map(text_of);
        // Of a text that was cut short what is there counts.
        let shared = texts[0].len().min(texts[1].len());
        if let Some(at) = texts[0][..shared].iter().zip(&texts[1][..shared]).position(|(a, b)| a != b) {
            let said = texts.map(|text| format!("{:#04x} at octet {at}", text[at]));
            fields.push((Class::Field, "text", said));
        }
        let echoed = [self.echoes[0].get(&first), self.echoes[1].get(&second)];
        if let [Some(ours), Some(theirs)] = echoed
            && !self.settings.absolute
        {
            let same = match (ours, theirs) {
                (Some(ours), Some(theirs)) => ours.start < theirs.end && theirs.start < ours.end,
                (None, None) => true,
                _ => false,
            };
            if !same {
                let row = |rows: &Option<Range<usize>>| rows.as_ref().map_or("no segment".to_owned(), |rows| format!("row {}", rows.end));
                fields.push((Class::Field, "echo", [row(ours), row(theirs)]));
            }
        }
        fields
    }
}

fn beneath(ladder: &mut Contrast, of: Whose, parts: &[String]) {
    if !parts.is_empty() {
        ladder.push(of, &format!("     {}", parts.join("; ")));
    }
}

fn same_options(ours: &str, theirs: &str) -> bool {
    let sorted = |options: &str| {
        let mut options: Vec<String> = options.split(',').filter(|option| !matches!(*option, "nop" | "eol")).map(str::to_owned).collect();
        options.sort_unstable();
        options
    };
    sorted(ours) == sorted(theirs)
}

impl TraceDiff {
    /// Whether nothing differs, as far as was compared.
    pub fn is_equal(&self) -> bool {
        self.differences.is_empty()
    }

    /// How many differences there are of each class, in words: `1 missing segment, 2 fields`.
    pub fn summary(&self) -> String {
        let of = |class| self.differences.iter().filter(|difference| difference.class == class).count();
        let counted = Class::ALL.into_iter().map(|class| (class, of(class))).filter(|(_, count)| *count > 0);
        counted
            .map(|(class, count)| format!("{count} {}{}", class.name(), if count == 1 { "" } else { "s" }))
            .collect::<Vec<_>>()
            .join(", ")
    }
}

impl fmt::Display for TraceDiff {
    /// The woven ladder, and how many differences of each class there are.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.ladder)?;
        if let Some(rows) = self.compared {
            writeln!(f, "# only the first {rows} rows of each were compared")?;
        }
        if self.is_equal() { Ok(()) } else { writeln!(f, "# differences: {}", self.summary()) }
    }
}

#[cfg(test)]
mod tests {
    use super::{Class, Settings, TraceDiff, diff};
    use crate::engine::{SeqNumber, State, TcpOptions, WireWindow};
    use crate::sources::scenario::Scenario;
    use crate::trace::{Payload, Trace, What};

    fn run() -> Trace {
        Scenario::load("half-close").expect("of the catalogue").run()
    }

    fn of(change: impl Fn(&mut Trace)) -> TraceDiff {
        let (first, mut second) = (run(), run());
        change(&mut second);
        diff(["one", "other"], [&first, &second], &Settings::default())
    }

    fn classes(found: &TraceDiff) -> Vec<(Class, Option<&str>)> {
        found.differences.iter().map(|difference| (difference.class, difference.field.as_deref())).collect()
    }

    /// Changes the segment of one packet.
    fn segment(trace: &mut Trace, packet: usize, change: impl Fn(&mut crate::engine::Segment)) {
        if let Payload::Tcp { segment, .. } = &mut trace.packets[packet].payload {
            change(segment);
        }
    }

    #[test]
    fn each_difference_has_its_class_and_stands_alone() {
        assert!(of(|_| {}).is_equal());
        let window = of(|trace| segment(trace, 2, |segment| segment.window = WireWindow(7)));
        assert_eq!(classes(&window), [(Class::Field, Some("window"))]);
        assert_eq!(window.differences[0].packets, [Some(3), Some(3)]);
        let flags = of(|trace| segment(trace, 3, |segment| segment.flags = segment.flags.without(crate::engine::Flags::PSH)));
        assert_eq!(classes(&flags), [(Class::Field, Some("flags"))]);
        let (sack_first, mss_first) = (TcpOptions::NONE.sack_permitted().mss(1460), TcpOptions::NONE.mss(1460).sack_permitted());
        let mut first = run();
        segment(&mut first, 0, |segment| segment.options = mss_first);
        let mut second = run();
        segment(&mut second, 0, |segment| segment.options = sack_first);
        let order = diff(["one", "other"], [&first, &second], &Settings::default());
        assert_eq!(classes(&order), [(Class::OptionOrder, Some("options"))]);
        let text = of(|trace| {
            if let Payload::Tcp { text, .. } = &mut trace.packets[3].payload {
                text[9] ^= 1;
            }
        });
        assert_eq!(classes(&text), [(Class::Field, Some("text"))]);
        assert!(text.differences[0].first.ends_with("at octet 9"), "{:?}", text.differences);
        let state = of(|trace| {
            let arrival = trace.entries.iter_mut().rfind(|entry| matches!(entry.what, What::Arrival(_))).expect("packets");
            arrival.after = State::LastAck;
        });
        assert_eq!(classes(&state), [(Class::State, Some("B"))]);
    }

    #[test]
    fn a_segment_left_out_makes_nothing_else_differ() {
        for packet in 0..run().packets.len() {
            let found = of(|trace| {
                trace.entries.retain(|entry| !matches!(entry.what, What::Departure(id) | What::Arrival(id) if id.0 as usize == packet));
            });
            assert_eq!(classes(&found), [(Class::MissingSegment, None)], "packet {packet}: {found}");
        }
    }

    #[test]
    fn initial_numbers_are_no_difference() {
        let moved = of(|trace| {
            for packet in &mut trace.packets {
                let from_a = packet.from == Some(crate::trace::HostId(0));
                if let Payload::Tcp { segment, .. } = &mut packet.payload {
                    let (own, other) = if from_a { (u32::MAX, 77) } else { (77, u32::MAX) };
                    segment.seq = SeqNumber::new(segment.seq.get().wrapping_add(own));
                    segment.ack = SeqNumber::new(segment.ack.get().wrapping_add(other));
                }
                packet.source.port ^= 5;
                packet.destination.port ^= 5;
            }
        });
        assert!(moved.is_equal(), "{moved}");
    }
}
