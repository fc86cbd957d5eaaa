//! The ladder as a value: how a trace reads in the notation of RFC 9293 section 3.5.
//!
//! Here: [`Rung`], which signs it can bear, and [`rungs`], which finds them in a [`Trace`]. Text is
//! read in `sources::scenario` and laid out in `sinks::ladder`.
//!
//! A packet is one rung where that tells the truth: where each side's own order of events agrees with
//! the order of the rungs. Where it does not (two segments cross, one overtakes another) the packet is
//! two rungs, one with `...` where it leaves and one with `...` where it arrives.

mod message;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt::{self, Write as _};

pub use message::{Message, Name};

use crate::engine::{Flags, Segment, State, Timer};
use crate::trace::{Entry, HostId, PacketId, Trace, What};

/// One row of a ladder.
#[derive(Clone, Debug)]
pub struct Rung {
    /// What it shows.
    pub kind: RungKind,
    /// The state of the left host after it, if it says.
    pub left: Option<State>,
    /// The state of the right host after it, if it says.
    pub right: Option<State>,
    /// The state of the host beside `...` or `XXX`, which is not drawn; an expectation may name it, as
    /// figure 13 does. Two rungs are equal if what is drawn is.
    pub beside: Option<State>,
}

impl PartialEq for Rung {
    fn eq(&self, other: &Self) -> bool {
        (&self.kind, self.left, self.right) == (&other.kind, other.left, other.right)
    }
}

impl Eq for Rung {}

/// What a rung shows.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum RungKind {
    /// A segment.
    Segment {
        /// Its course.
        course: Course,
        /// Its fields.
        fields: Fields,
    },
    /// A packet that carries no segment.
    Message {
        /// Its course.
        course: Course,
        /// Its fields.
        message: Message,
    },
    /// Only states: something happened without a packet.
    States,
}

/// The signs at both sides of a segment.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Course {
    /// The sign on the left.
    pub left: Sign,
    /// The sign on the right.
    pub right: Sign,
}

/// The RFC's own signs.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Sign {
    /// `-->`: departure on the left, arrival on the right.
    Rightward,
    /// `<--`: arrival on the left, departure on the right.
    Leftward,
    /// `...`: still, or before now, in the network.
    InNetwork,
    /// `XXX`: lost.
    Lost,
}

impl Sign {
    /// All signs.
    pub const ALL: [Self; 4] = [Self::Rightward, Self::Leftward, Self::InNetwork, Self::Lost];

    /// The three characters.
    pub const fn text(self) -> &'static str {
        match self {
            Self::Rightward => "-->",
            Self::Leftward => "<--",
            Self::InNetwork => "...",
            Self::Lost => "XXX",
        }
    }
}

impl Course {
    /// Whether the two signs make sense together.
    pub const fn is_possible(self) -> bool {
        use Sign::{InNetwork, Leftward, Lost, Rightward};
        matches!(
            (self.left, self.right),
            (Rightward, Rightward | InNetwork | Lost)
                | (InNetwork, Rightward | Leftward)
                | (Leftward, Leftward | InNetwork)
                | (Lost, Leftward)
        )
    }

    /// Whether the sender is the left host; `None` where the signs do not say.
    pub const fn from_left(self) -> bool {
        matches!((self.left, self.right), (Sign::Rightward, _) | (Sign::InNetwork, Sign::Rightward))
    }
}

/// The fields of a segment that a rung shows; an absent one is not compared.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Fields {
    /// SEG.SEQ.
    pub seq: Option<u32>,
    /// SEG.ACK.
    pub ack: Option<u32>,
    /// Octets of text; absent means none where CTL is given.
    pub len: Option<u32>,
    /// SEG.UP as carried, where URG is set.
    pub urgent: Option<u16>,
    /// The control bits.
    pub flags: Option<Flags>,
    /// SEG.WND as carried.
    pub window: Option<u16>,
    /// The option area in the words of `TcpOptions`.
    pub options: Option<String>,
}

impl Fields {
    /// All fields of a segment; window and options only if asked for.
    pub fn of(segment: &Segment, with_options: bool) -> Self {
        Self {
            seq: Some(segment.seq.get()),
            ack: segment.has(Flags::ACK).then_some(segment.ack.get()),
            len: (segment.len > 0).then_some(segment.len),
            urgent: segment.has(Flags::URG).then_some(segment.urgent),
            flags: Some(segment.flags),
            window: with_options.then_some(segment.window.0),
            options: (with_options && !segment.options.is_empty()).then(|| segment.options.to_string()),
        }
    }

    /// Whether `self`, an expectation, holds for `actual`, which has all fields.
    pub fn hold_for(&self, actual: &Self) -> bool {
        fn same<T: PartialEq>(expected: Option<&T>, actual: Option<&T>) -> bool {
            expected.is_none() || expected == actual
        }
        same(self.seq.as_ref(), actual.seq.as_ref())
            && same(self.ack.as_ref(), actual.ack.as_ref())
            && same(self.urgent.as_ref(), actual.urgent.as_ref())
            && same(self.flags.as_ref(), actual.flags.as_ref())
            && same(self.window.as_ref(), actual.window.as_ref())
            // A row that shows flags and window shows the options too, or that there are none.
            && if self.flags.is_some() && self.window.is_some() { self.options == actual.options } else { same(self.options.as_ref(), actual.options.as_ref()) }
            && (self.flags.is_none() && self.len.is_none() || self.len == actual.len)
    }

    /// The part that fits beside the states: `<SEQ=100><ACK=301><LEN=9><CTL=PSH,ACK>`.
    pub fn main(&self) -> String {
        let mut text = String::new();
        let mut field = |name: &str, value: Option<String>| {
            if let Some(value) = value {
                let _ = write!(text, "<{name}={value}>");
            }
        };
        field("SEQ", self.seq.map(|seq| seq.to_string()));
        field("ACK", self.ack.map(|ack| ack.to_string()));
        field("LEN", self.len.map(|len| len.to_string()));
        field("UP", self.urgent.map(|up| up.to_string()));
        field("CTL", self.flags.map(|flags| flags.to_string()));
        text
    }

    /// The part that goes below it: `<WND=65535><OPT=mss 1460,sackOK>`; empty if there is none.
    pub fn extra(&self) -> String {
        let window = self.window.map_or(String::new(), |window| format!("<WND={window}>"));
        let options = self.options.as_ref().map_or(String::new(), |options| format!("<OPT={options}>"));
        window + &options
    }
}

impl Rung {
    /// Whether `self`, an expectation, holds for `actual`. What it leaves out may be anything.
    pub fn holds_for(&self, actual: &Self) -> bool {
        let state = |expected: Option<State>, actual: Option<State>| expected.is_none() || expected == actual;
        let kind = match (&self.kind, &actual.kind) {
            (RungKind::States, RungKind::States) => true,
            (RungKind::Segment { course: a, fields: x }, RungKind::Segment { course: b, fields: y }) => a == b && x.hold_for(y),
            (RungKind::Message { course: a, message: x }, RungKind::Message { course: b, message: y }) => a == b && x.holds_for(y),
            _ => false,
        };
        // At most one side of a rung is not drawn.
        kind && state(self.left, actual.left.or(actual.beside)) && state(self.right, actual.right.or(actual.beside))
    }
}

/// A line of a ladder: a rung, or a remark between rungs.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Step {
    /// A rung, and the entry of the trace that completed it.
    Rung(Rung, usize),
    /// A remark: what an application did, which timer fired.
    Remark(String, usize),
}

impl Step {
    /// The entry of the trace it stands for.
    pub const fn entry(&self) -> usize {
        match self {
            Self::Rung(_, entry) | Self::Remark(_, entry) => *entry,
        }
    }
}

/// The rungs of a trace, without remarks.
pub fn rungs(trace: &Trace, with_options: bool) -> Vec<Rung> {
    let only_rung = |step| match step {
        Step::Rung(rung, _) => Some(rung),
        Step::Remark(..) => None,
    };
    steps(trace, with_options).into_iter().filter_map(only_rung).collect()
}

/// The whole ladder of a trace, top to bottom.
pub fn steps(trace: &Trace, with_options: bool) -> Vec<Step> {
    // Which packets need two rungs is known only at their arrival; the second pass draws those where they leave.
    let states = states(trace);
    let first = draw(trace, &states, with_options, BTreeSet::new());
    draw(trace, &states, with_options, first.split).steps
}

/// The states of both hosts once each entry has happened.
fn states(trace: &Trace) -> Vec<[State; 2]> {
    let initial = |host: usize| trace.hosts.get(host).map_or(State::Closed, |host| host.initial_state);
    let mut now = [initial(0), initial(1)];
    let follow = |entry: &Entry| {
        if let Some(state) = now.get_mut(usize::from(entry.host.0)) {
            *state = entry.after;
        }
        now
    };
    trace.entries.iter().map(follow).collect()
}

fn draw<'a>(trace: &'a Trace, states: &'a [[State; 2]], with_options: bool, known_split: BTreeSet<PacketId>) -> Builder<'a> {
    let waiting = vec![VecDeque::new(); trace.hosts.len()];
    let held_back = held_back(trace);
    let mut builder = Builder { trace, states, with_options, waiting, held_back, known_split, split: BTreeSet::new(), steps: Vec::new() };
    for (index, entry) in trace.entries.iter().enumerate() {
        builder.entry(index, entry);
    }
    for host in 0..builder.waiting.len() {
        builder.flush(host);
    }
    builder
}

/// The packets that were under way more than twice as long as the fastest: the network held them back.
fn held_back(trace: &Trace) -> BTreeSet<PacketId> {
    let mut left = BTreeMap::new();
    let mut ways = BTreeMap::new();
    for entry in &trace.entries {
        match entry.what {
            What::Departure(id) => {
                left.insert(id, entry.at);
            }
            What::Arrival(id) => {
                if let Some(left) = left.get(&id) {
                    ways.entry(id).or_insert(entry.at.since(*left));
                }
            }
            What::Loss(_) | What::Rejection(_) | What::Timer(_) | What::Call { .. } | What::Observation | What::Note(_) => {}
        }
    }
    let fastest = ways.values().min().copied().unwrap_or_default();
    ways.into_iter().filter(|(_, way)| *way > fastest * 2).map(|(id, _)| id).collect()
}

/// Something a host did that is not drawn yet.
#[derive(Clone, Debug)]
enum Waiting {
    /// A packet under way, and its sender's state after it left.
    Packet(PacketId, State, usize),
    Remark(String, usize),
}

struct Builder<'a> {
    trace: &'a Trace,
    /// Looked up, for a trace may be long.
    states: &'a [[State; 2]],
    with_options: bool,
    /// What each host did that is not drawn yet, oldest first.
    waiting: Vec<VecDeque<Waiting>>,
    /// Packets so late that what their receiver did meanwhile stands between two rungs.
    held_back: BTreeSet<PacketId>,
    /// Packets that an earlier pass found to need two rungs.
    known_split: BTreeSet<PacketId>,
    /// Those this pass finds.
    split: BTreeSet<PacketId>,
    steps: Vec<Step>,
}

impl Builder<'_> {
    fn entry(&mut self, index: usize, entry: &Entry) {
        let host = usize::from(entry.host.0);
        match &entry.what {
            What::Departure(id) => {
                self.waiting[host].push_back(Waiting::Packet(*id, entry.after, index));
                match self.trace.packet(*id).damage {
                    // What will be dropped is lost, wherever that happens.
                    Some(damage) => {
                        self.loss(*id, index);
                        let remark = format!("{}: octet {}, bit {} is turned on the wire", self.name(entry.host), damage.octet, damage.bit);
                        self.remark(host, remark, index);
                    }
                    None => self.release(host),
                }
            }
            What::Arrival(id) => self.arrival(index, entry, *id),
            What::Loss(id) => self.loss(*id, index),
            What::Rejection(id) => {
                let packet = self.trace.packet(*id);
                let what = packet.segment().map_or_else(|| Message::of(packet).to_string(), |segment| segment.flags.to_string());
                self.remark(host, format!("{}: drops {what}, wrong checksum, {} s", self.name(entry.host), entry.at), index);
            }
            What::Timer(timer) => self.timer(index, entry, *timer),
            What::Call { call, result, returned } => self.call(index, entry, call, result, *returned),
            What::Observation => {}
            What::Note(note) => {
                self.remark(host, format!("{}: {note}", self.name(entry.host)), index);
                if entry.before != entry.after {
                    self.states(index, entry);
                }
            }
        }
    }

    fn name(&self, host: HostId) -> &str {
        &self.trace.host(host).name
    }

    fn arrival(&mut self, index: usize, entry: &Entry, id: PacketId) {
        let packet = self.trace.packet(id);
        let to = usize::from(entry.host.0);
        let sender = packet.from.map(|from| usize::from(from.0));
        let waits = sender
            .and_then(|from| self.waiting[from].iter().position(|item| matches!(item, Waiting::Packet(waiting, ..) if *waiting == id)));
        match (sender, waits) {
            (Some(from), Some(position)) if from != to => {
                self.flush_first(from, position);
                self.flush(to);
                let Some(Waiting::Packet(_, state, _)) = self.waiting[from].pop_front() else { return };
                let (left, right) = if from == 0 { (state, entry.after) } else { (entry.after, state) };
                let sign = if from == 0 { Sign::Rightward } else { Sign::Leftward };
                self.packet(id, Course { left: sign, right: sign }, Some(left), Some(right), index);
                self.release(from);
            }
            _ => {
                self.flush(to);
                match sender {
                    Some(from) => self.flush_through(from, id),
                    // A forged segment comes in the other host's name: what that host sent before stands above.
                    None => self.flush(1 - to.min(1)),
                }
                let course = if to == 0 {
                    Course { left: Sign::Leftward, right: Sign::InNetwork }
                } else {
                    Course { left: Sign::InNetwork, right: Sign::Rightward }
                };
                let (left, right) = if to == 0 { (Some(entry.after), None) } else { (None, Some(entry.after)) };
                self.packet(id, course, left, right, index);
            }
        }
    }

    fn loss(&mut self, id: PacketId, index: usize) {
        let Some(from) = self.trace.packet(id).from.map(|from| usize::from(from.0)) else { return };
        let position = self.waiting[from].iter().position(|item| matches!(item, Waiting::Packet(waiting, ..) if *waiting == id));
        let Some(position) = position else { return };
        self.flush_first(from, position);
        let Some(Waiting::Packet(_, state, _)) = self.waiting[from].pop_front() else { return };
        self.draw_held_back(from);
        let (course, left, right) = if from == 0 {
            (Course { left: Sign::Rightward, right: Sign::Lost }, Some(state), None)
        } else {
            (Course { left: Sign::Lost, right: Sign::Leftward }, None, Some(state))
        };
        self.packet(id, course, left, right, index);
        self.release(from);
    }

    fn timer(&mut self, index: usize, entry: &Entry, timer: Timer) {
        let name = match timer {
            Timer::Retransmission if entry.before != entry.after => "gives up",
            Timer::Retransmission => "rexmt",
            Timer::TimeWait => "2 MSL",
            Timer::User => "user timeout",
            Timer::FinWait2 => "nobody waits for the FIN",
            Timer::KeepAlive if entry.before != entry.after => "peer is dead",
            Timer::KeepAlive => "keep-alive",
            // It says nothing that the ACK does not say.
            Timer::DelayedAck => return,
        };
        let remark = format!("{}: {name}, {} s", self.name(entry.host), entry.at);
        self.remark(usize::from(entry.host.0), remark, index);
        if entry.before != entry.after {
            self.states(index, entry);
        }
    }

    fn call(&mut self, index: usize, entry: &Entry, call: &str, result: &Result<String, String>, returned: bool) {
        let host = usize::from(entry.host.0);
        let name = self.name(entry.host);
        let waits = matches!(result, Err(errno) if errno == "EAGAIN" || errno == "EINPROGRESS" || errno == "EALREADY");
        // A call that brings something is worth a remark when it does, any other when it is made.
        let brings = call.starts_with("recv") || call.starts_with("ping") || call == "accept";
        let remark = match result {
            Err(errno) if !waits => Some(format!("{name}: {call}: {errno}")),
            Ok(value) if value == "end of file" || call.starts_with("ping") => Some(format!("{name}: {call}: {value}")),
            _ if brings != returned && (returned || waits) => None,
            _ => Some(format!("{name}: {call}")),
        };
        if let Some(remark) = remark {
            self.remark(host, remark, index);
        }
        // A segment that leaves at once shows the new state; a listener is where a ladder begins.
        let shown_by_segment = self.trace.entries[index + 1..]
            .iter()
            .take_while(|next| next.at == entry.at)
            .any(|next| next.host == entry.host && matches!(next.what, What::Departure(_)));
        if entry.before != entry.after && entry.after != State::Listen && !shown_by_segment {
            self.states(index, entry);
        }
    }

    /// A row of states alone: that of this host after the entry, and the other's as last seen.
    fn states(&mut self, index: usize, entry: &Entry) {
        self.flush(usize::from(entry.host.0));
        self.draw_held_back(usize::from(entry.host.0));
        let other = HostId(1 - entry.host.0.min(1));
        let known = self.state_at(other, index);
        let (left, right) = if entry.host.0 == 0 { (Some(entry.after), known) } else { (known, Some(entry.after)) };
        self.steps.push(Step::Rung(Rung { kind: RungKind::States, left, right, beside: None }, index));
    }

    /// The state of a host once this entry of the trace has happened; `None` if there is no such host.
    fn state_at(&self, host: HostId, index: usize) -> Option<State> {
        self.trace.hosts.get(usize::from(host.0))?;
        self.states.get(index)?.get(usize::from(host.0)).copied()
    }

    fn remark(&mut self, host: usize, text: String, index: usize) {
        self.waiting[host].push_back(Waiting::Remark(text, index));
        self.release(host);
    }

    /// Draws what stands at the front and need not wait: all that came before it is drawn.
    fn release(&mut self, host: usize) {
        while match self.waiting[host].front() {
            Some(Waiting::Remark(..)) => true,
            Some(Waiting::Packet(id, ..)) => self.known_split.contains(id),
            None => false,
        } {
            self.flush_first(host, 1);
        }
    }

    fn flush(&mut self, host: usize) {
        self.flush_first(host, self.waiting[host].len());
    }

    /// Draws what waits at `host` up to and including this packet, if it waits.
    fn flush_through(&mut self, host: usize, id: PacketId) {
        let position = self.waiting[host].iter().position(|item| matches!(item, Waiting::Packet(waiting, ..) if *waiting == id));
        if let Some(position) = position {
            self.flush_first(host, position + 1);
        }
    }

    /// Before a row of this host's own: what the network holds back on its way to it left earlier.
    fn draw_held_back(&mut self, host: usize) {
        let sender = 1 - host.min(1);
        let Some(waiting) = self.waiting.get(sender) else { return };
        let last = waiting.iter().rposition(|item| matches!(item, Waiting::Packet(id, ..) if self.held_back.contains(id)));
        if let Some(last) = last {
            self.flush_first(sender, last + 1);
        }
    }

    /// Draws the first `count` things that wait at `host`; packets as still in the network.
    fn flush_first(&mut self, host: usize, count: usize) {
        for item in self.waiting[host].drain(..count).collect::<Vec<_>>() {
            match item {
                Waiting::Remark(text, index) => self.steps.push(Step::Remark(text, index)),
                Waiting::Packet(id, state, index) if host == 0 => {
                    self.split.insert(id);
                    self.packet(id, Course { left: Sign::Rightward, right: Sign::InNetwork }, Some(state), None, index);
                }
                Waiting::Packet(id, state, index) => {
                    self.split.insert(id);
                    self.packet(id, Course { left: Sign::InNetwork, right: Sign::Leftward }, None, Some(state), index);
                }
            }
        }
    }

    fn packet(&mut self, id: PacketId, course: Course, left: Option<State>, right: Option<State>, index: usize) {
        let packet = self.trace.packet(id);
        let Some(segment) = packet.segment() else {
            // States are of TCP: beside what does not concern a connection they would say nothing.
            let (left, right) = if packet.payload.concerns_tcp() { (left, right) } else { (None, None) };
            let kind = RungKind::Message { course, message: Message::of(packet) };
            self.steps.push(Step::Rung(Rung { kind, left, right, beside: None }, index));
            return;
        };
        let fields = Fields::of(segment, self.with_options);
        let beside = match (left, right) {
            (None, Some(_)) => self.state_at(HostId(0), index),
            (Some(_), None) => self.state_at(HostId(1), index),
            _ => None,
        };
        self.steps.push(Step::Rung(Rung { kind: RungKind::Segment { course, fields }, left, right, beside }, index));
    }
}

impl fmt::Display for Sign {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.text())
    }
}
