//! Text and FIN that arrived before their turn: which ranges are held, and what closes a gap.
//!
//! The engine holds numbers; whoever owns the buffers holds the octets, as [`Arrival`](super::Arrival) tells.

use super::options::TcpOptions;
use super::profile::WindowPolicy;
use super::sack_compression::Compression;
use super::segment::{Flags, Segment};
use super::seq::{SeqNumber, Theirs};
use super::state::State;
use super::tcb::Connection;
use super::time::Instant;

/// Most ranges that are held at once: one a lost segment; a sender that loses more sends again.
const MAX_RANGES: usize = 16;

/// Octets of a segment that have to be kept until what is missing before them arrives.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct Hold {
    /// Octets to keep, from the beginning of the segment's text; 0 if there are none.
    pub len: u32,
    /// How far they lie behind the first octet that has not become readable yet.
    pub at: u32,
}

/// Numbers from `start` up to but not including `end`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
struct Range {
    start: SeqNumber<Theirs>,
    end: SeqNumber<Theirs>,
    /// Memory its packets take, in Linux's steps.
    steps: u16,
}

impl Range {
    /// Whether all of the other lies within it.
    fn covers(&self, other: &Self) -> bool {
        self.start.at_or_before(other.start) && other.end.at_or_before(self.end)
    }
}

/// What is held beyond RCV.NXT (SHLD-31). Few connections ever have it.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub(super) struct Held {
    /// Apart from each other by a number at least; the one that grew last is first.
    ranges: Vec<Range>,
    /// The number of the FIN.
    fin: Option<SeqNumber<Theirs>>,
    /// What the segment that is being looked at brought.
    fresh: Hold,
    /// What the next ACK reports as received twice (RFC 2883).
    repeated: Option<Range>,
    /// Memory of what has just been taken out of it.
    freed: u16,
    /// ACKs of it that are held back.
    pub(super) compression: Compression,
}

impl Held {
    /// Adds a range, joined with what it touches; `false` if there are too many.
    fn insert(&mut self, mut new: Range) -> bool {
        self.ranges.retain(|old| {
            let apart = old.end.before(new.start) || new.end.before(old.start);
            if !apart {
                // What lies within the other is not kept twice.
                let (known, covered) = (old.covers(&new), new.covers(old));
                new.steps = if known { 0 } else { new.steps }.saturating_add(if covered && !known { 0 } else { old.steps });
                new.end = new.end.later_of(old.end);
                new.start = if old.start.before(new.start) { old.start } else { new.start };
            }
            apart
        });
        let fits = self.ranges.len() < MAX_RANGES;
        if fits {
            self.ranges.insert(0, new);
        }
        fits
    }

    /// The first numbers that a range shares with what is held.
    fn first_shared(&self, new: Range) -> Option<Range> {
        let shares = |old: &&Range| old.start.before(new.end) && new.start.before(old.end);
        let first = self.ranges.iter().filter(shares).reduce(|low, old| if old.start.before(low.start) { old } else { low })?;
        let end = if first.end.before(new.end) { first.end } else { new.end };
        Some(Range { start: first.start.later_of(new.start), end, steps: 0 })
    }

    /// These numbers came twice, too; what lies apart from those already noted is not told of (`tcp_dsack_extend`).
    fn repeat(&mut self, new: Range) {
        let known = self.repeated.get_or_insert(new);
        if new.start.at_or_before(known.end) && known.start.at_or_before(new.end) {
            known.end = known.end.later_of(new.end);
            known.start = if new.start.before(known.start) { new.start } else { known.start };
        }
    }

    /// The number behind all that is held in order from `nxt` on; those ranges are held no more.
    fn take(&mut self, nxt: SeqNumber<Theirs>) -> SeqNumber<Theirs> {
        let mut end = nxt;
        let freed = &mut self.freed;
        self.ranges.retain(|range| {
            let beyond = nxt.before(range.start);
            if !beyond {
                end = end.later_of(range.end);
                // What came again in order is not kept.
                *freed = freed.saturating_add(if nxt.before(range.end) { range.steps } else { 0 });
            }
            beyond
        });
        end
    }
}

/// The most octets a packet carries: a longer segment is nobody's.
const LONGEST: u32 = u16::MAX as u32;

impl Connection {
    /// Holds what the window has room for of text whose turn has not come.
    #[inline(never)]
    pub(super) fn hold_text(&mut self, segment: &Segment<Theirs>, now: Instant) {
        let (nxt, start) = (self.rcv.nxt, segment.text_seq());
        let at = start.since(nxt);
        let room = self.rcv.wnd.saturating_sub(at);
        // Who takes what lies partly beyond its window holds all of it, too: as much as a packet carries.
        let most = if self.profile.lenient_sequence && room > 0 { room.max(LONGEST) } else { room };
        // Behind a FIN there is nothing.
        let fin = self.held.as_ref().and_then(|held| held.fin);
        let before_fin = fin.map_or(u32::MAX, |fin| fin.since(nxt).saturating_sub(at));
        let len = segment.len.min(most).min(before_fin);
        if len == 0 {
            return;
        }
        let (tells, steps) = (self.tells_repeats(), self.linux_steps(len));
        let held = self.held.get_or_insert_default();
        let new = Range { start, end: start.plus(len), steps };
        if tells && let Some(shared) = held.first_shared(new) {
            held.repeat(shared);
        }
        if self.profile.window_policy == WindowPolicy::Linux && !held.ranges.iter().any(|old| old.covers(&new)) {
            self.linux_text_held(len, segment, now);
        }
        if let Some(held) = &mut self.held
            && held.insert(new)
        {
            held.fresh = Hold { len, at };
        }
        self.grow_for_held();
    }

    /// Memory that held text takes, in Linux's steps.
    pub(super) fn held_steps(&self) -> u16 {
        self.held.as_ref().map_or(0, |held| held.ranges.iter().fold(0, |sum, range| range.steps.saturating_add(sum)))
    }

    /// The number behind all that is held.
    pub(super) fn held_end(&self) -> Option<SeqNumber<Theirs>> {
        self.held.as_ref()?.ranges.iter().map(|range| range.end).reduce(SeqNumber::later_of)
    }

    /// Behind the peer's FIN Linux holds nothing, and reports nothing as held (`tcp_fin`).
    #[cold]
    pub(super) fn forget_behind_fin(&mut self) {
        if let Some(held) = &mut self.held {
            held.ranges.clear();
        }
    }

    /// Holds a FIN whose turn has not come, if the window reaches so far.
    #[cold]
    pub(super) fn hold_fin(&mut self, segment: &Segment<Theirs>) {
        let fin = segment.text_seq().plus(segment.len);
        if fin.within(self.rcv.nxt, self.rcv.wnd) {
            self.held.get_or_insert_default().fin.get_or_insert(fin);
        }
    }

    /// What of this segment has been received before is reported as received twice (RFC 2883), where the profile does.
    pub(super) fn note_repeat(&mut self, segment: &Segment<Theirs>) {
        let fin = self.profile.sack_fin;
        let (start, nxt) = (segment.seq, self.rcv.nxt);
        let end = if fin { segment.end() } else { segment.text_seq().plus(segment.len) };
        let in_question = self.tells_repeats() && !segment.flags.intersects(Flags::SYN | Flags::RST);
        // What Linux keeps of a connection without a socket, or in TIME-WAIT, knows of no SACK.
        let keeps_little = match self.state {
            State::TimeWait | State::SynReceived => true,
            State::FinWait2 => fin && self.bits.user_closed(),
            State::Closed
            | State::Listen
            | State::SynSent
            | State::Established
            | State::FinWait1
            | State::CloseWait
            | State::Closing
            | State::LastAck => false,
        };
        if in_question && !keeps_little && start != end && start.before(nxt) {
            self.report_twice(start, if nxt.before(end) { nxt } else { end });
        }
    }

    /// Whether the peer is told what came twice.
    fn tells_repeats(&self) -> bool {
        self.profile.dsack && self.bits.sack()
    }

    /// The next ACK reports these numbers as received twice.
    pub(super) fn report_twice(&mut self, start: SeqNumber<Theirs>, end: SeqNumber<Theirs>) {
        self.held.get_or_insert_default().repeated = Some(Range { start, end, steps: 0 });
    }

    /// What is to be reported as received twice, which is done once. Forgets the whole, where nothing is held.
    pub(super) fn take_repeat(&mut self) -> Option<(u32, u32)> {
        let held = self.held.as_mut()?;
        held.compression.tell();
        let repeated = held.repeated.take();
        if !self.holds_anything() {
            self.held = None;
        }
        repeated.map(|range| (range.start.get(), range.end.get()))
    }

    /// Whether text or a FIN waits for its turn.
    pub(super) fn holds_anything(&self) -> bool {
        self.held.as_ref().is_some_and(|held| !held.ranges.is_empty() || held.fin.is_some())
    }

    /// Whether held text begins at RCV.NXT: its turn comes with ESTABLISHED.
    #[cold]
    pub(super) fn is_held_text_due(&self) -> bool {
        self.held.as_ref().is_some_and(|held| held.ranges.iter().any(|range| range.start.at_or_before(self.rcv.nxt)))
    }

    /// Whether the held FIN is the next number.
    #[cold]
    pub(super) fn is_held_fin_due(&self) -> bool {
        !self.bits.peer_fin() && self.held.as_ref().is_some_and(|held| held.fin == Some(self.rcv.nxt))
    }

    /// RCV.NXT over held text that is in order now. Returns how many octets that is, and the memory they take.
    #[cold]
    pub(super) fn release_text(&mut self) -> (u32, u16) {
        let (nxt, tells) = (self.rcv.nxt, self.tells_repeats());
        let Some(held) = &mut self.held else { return (0, 0) };
        // What was held came again with what closed the gap (`tcp_ofo_queue`).
        let before = Range { start: nxt.minus(1 << 30), end: nxt, steps: 0 };
        if tells && let Some(shared) = held.first_shared(before) {
            held.repeat(shared);
        }
        let octets = held.take(nxt).since(nxt);
        let steps = std::mem::take(&mut held.freed);
        self.rcv.nxt = nxt.plus(octets);
        (octets, steps)
    }

    /// What this segment brought to hold. Forgets the whole, where nothing is held any more.
    pub(super) fn take_fresh_hold(&mut self) -> Hold {
        let Some(held) = &mut self.held else { return Hold::default() };
        let fresh = std::mem::take(&mut held.fresh);
        if held.ranges.is_empty() && held.repeated.is_none() && held.fin.is_none_or(|fin| fin.before(self.rcv.nxt)) {
            self.held = None;
        }
        fresh
    }

    /// SACK blocks for all that is held, as many as fit, the newest first.
    #[cold]
    pub(super) fn add_sack_blocks(&self, options: &mut TcpOptions, first: Option<(u32, u32)>) {
        let fin = self.held.as_ref().and_then(|held| held.fin).filter(|fin| self.profile.sack_fin && !fin.before(self.rcv.nxt));
        let behind = |range: &Range| if fin == Some(range.end) { range.end.plus(1) } else { range.end };
        let ranges = self.held.iter().flat_map(|held| &held.ranges);
        // A FIN that is held without the text before it is a block of its own.
        let alone = fin.filter(|fin| !self.held.iter().flat_map(|held| &held.ranges).any(|range| range.end == *fin));
        let alone = alone.map(|fin| (fin.get(), fin.plus(1).get()));
        let held = alone.into_iter().chain(ranges.map(|range| (range.start.get(), behind(range).get())));
        // R2018-4: the block of the segment that caused this ACK comes first, unless that moved RCV.NXT.
        options.add_sack(first.into_iter().chain(held), self.reserved.into());
    }

    /// Octets that SACK blocks take of every segment now.
    pub(super) fn sack_octets(&self) -> u16 {
        let Some(held) = &self.held else { return 0 };
        let taken = usize::from(self.reserved) + if self.bits.timestamps() { 12 } else { 0 };
        let most = TcpOptions::MAX.saturating_sub(taken + 4) / 8;
        let blocks = (held.ranges.len() + usize::from(held.repeated.is_some())).min(most);
        #[expect(clippy::cast_possible_truncation, reason = "four blocks at most")]
        if blocks == 0 || !self.bits.sack() { 0 } else { 4 + 8 * blocks as u16 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(start: u32, end: u32) -> Range {
        Range { start: SeqNumber::new(start), end: SeqNumber::new(end), steps: 0 }
    }

    #[test]
    fn ranges_that_touch_are_one_and_the_newest_is_first() {
        let mut held = Held::default();
        for (start, end, left) in [
            (100, 200, vec![range(100, 200)]),
            (300, 400, vec![range(300, 400), range(100, 200)]),
            (201, 210, vec![range(201, 210), range(300, 400), range(100, 200)]),
            (200, 201, vec![range(100, 210), range(300, 400)]),
            (90, 350, vec![range(90, 400)]),
            (u32::MAX, 5, vec![range(u32::MAX, 5), range(90, 400)]),
        ] {
            assert!(held.insert(range(start, end)));
            assert_eq!(held.ranges, left, "after {start}..{end}");
        }
        assert_eq!(held.take(SeqNumber::new(u32::MAX - 1)).get(), u32::MAX - 1);
        assert_eq!(held.take(SeqNumber::new(0)).get(), 5);
        assert_eq!(held.take(SeqNumber::new(95)).get(), 400);
        assert_eq!(held, Held::default());
    }

    #[test]
    fn what_comes_twice_is_told_of_as_far_as_it_hangs_together() {
        let mut held = Held::default();
        assert!(held.insert(range(300, 400)) && held.insert(range(100, 200)) && held.insert(range(500, 600)));
        for (new, shared) in [
            (range(0, 100), None),
            (range(200, 300), None),
            (range(0, 101), Some(range(100, 101))),
            (range(120, 130), Some(range(120, 130))),
            (range(199, 250), Some(range(199, 200))),
            (range(250, 550), Some(range(300, 400))),
            (range(0, 1000), Some(range(100, 200))),
        ] {
            assert_eq!(held.first_shared(new), shared, "{new:?}");
        }
        for (new, told) in [
            (range(300, 310), range(300, 310)),
            (range(311, 320), range(300, 310)),
            (range(280, 299), range(300, 310)),
            (range(310, 320), range(300, 320)),
            (range(290, 300), range(290, 320)),
            (range(295, 315), range(290, 320)),
        ] {
            held.repeat(new);
            assert_eq!(held.repeated, Some(told), "after {new:?}");
        }
    }

    #[test]
    fn more_ranges_than_there_is_room_for_are_not_held() {
        let mut held = Held::default();
        for number in 0..16 {
            assert!(held.insert(range(number * 10, number * 10 + 5)));
        }
        assert!(!held.insert(range(200, 205)));
        assert_eq!(held.ranges.len(), 16);
        assert!(held.insert(range(5, 10)), "one that joins two makes room");
        assert_eq!(held.ranges.len(), 15);
    }
}
