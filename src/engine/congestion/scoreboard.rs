//! What is under way, segment by segment, and what is known of each: the scoreboard of RFC 6675, as Linux keeps it.

use std::collections::VecDeque;

use crate::engine::seq::{Ours, SeqNumber};

type Seq = SeqNumber<Ours>;

/// A segment that left and is not acknowledged.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) struct Sent {
    pub start: Seq,
    pub end: Seq,
    /// When it left last, in nanoseconds.
    pub at: u64,
    pub marks: Marks,
}

impl Sent {
    /// Numbers it takes.
    pub(super) const fn len(&self) -> u32 {
        self.end.since(self.start)
    }
}

/// What is known of a segment.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub(super) struct Marks(u8);

impl Marks {
    /// A SACK block covers it.
    pub(super) const SACKED: Self = Self(1);
    /// It counts as lost.
    pub(super) const LOST: Self = Self(2);
    /// A copy of it is under way.
    pub(super) const RESENT: Self = Self(4);
    /// It left more than once.
    pub(super) const EVER_RESENT: Self = Self(8);
    /// It carries PSH.
    pub(super) const PUSH: Self = Self(16);
    /// It carries our FIN.
    pub(super) const FIN: Self = Self(32);
    /// It left in one packet with the segment before it.
    pub(super) const JOINED: Self = Self(64);
    /// RACK has seen it lost, and does not look at it until it leaves again.
    pub(super) const SETTLED: Self = Self(128);

    pub(super) const fn has(self, mark: Self) -> bool {
        self.0 & mark.0 != 0
    }

    pub(super) const fn with(self, mark: Self, on: bool) -> Self {
        if on { Self(self.0 | mark.0) } else { self }
    }

    pub(super) const fn add(&mut self, mark: Self) {
        self.0 |= mark.0;
    }

    pub(super) const fn remove(&mut self, mark: Self) {
        self.0 &= !mark.0;
    }
}

/// Every segment under way, in order, and how many of them have which mark.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub(super) struct Scoreboard {
    pub queue: VecDeque<Sent>,
    /// Without SACK: duplicate ACKs, each of which stands for a segment that arrived.
    pub sacked: u32,
    pub lost: u32,
    pub resent: u32,
}

/// Linux's windows and queues are bounded by memory; ours by the send buffer, which is an unsigned 32.
fn count(segments: usize) -> u32 {
    u32::try_from(segments).unwrap_or(u32::MAX)
}

impl Scoreboard {
    /// Segments that left and are not acknowledged (`packets_out`).
    pub(super) fn out(&self) -> u32 {
        count(self.queue.len())
    }

    /// Segments that are believed to be in the network (RFC 6675's pipe).
    pub(super) fn in_flight(&self) -> u32 {
        (self.out() + self.resent).saturating_sub(self.sacked + self.lost)
    }

    /// Numbers that left for the first time.
    pub(super) fn push(&mut self, start: Seq, end: Seq, at: u64, marks: Marks) {
        self.queue.push_back(Sent { start, end, at, marks });
    }

    /// The segment at `index` counts as lost, and so does a copy of it that is under way.
    pub(super) fn lose(&mut self, index: usize) {
        let sent = &mut self.queue[index];
        if sent.marks.has(Marks::SACKED) {
            return;
        }
        if !sent.marks.has(Marks::LOST) {
            sent.marks.add(Marks::LOST);
            self.lost += 1;
        } else if sent.marks.has(Marks::RESENT) {
            sent.marks.remove(Marks::RESENT);
            self.resent -= 1;
        }
    }

    /// A SACK block covers the segment at `index`.
    pub(super) fn sack(&mut self, index: usize) {
        let marks = &mut self.queue[index].marks;
        let (lost, resent) = (marks.has(Marks::LOST), marks.has(Marks::RESENT));
        if lost {
            marks.remove(Marks::LOST);
            self.lost -= 1;
        }
        // What did not count as lost is on its way still.
        if lost && resent {
            marks.remove(Marks::RESENT);
            self.resent -= 1;
        }
        marks.add(Marks::SACKED);
        self.sacked += 1;
    }

    /// No copy of the segment at `index` is under way.
    pub(super) fn forget_copy(&mut self, index: usize) {
        let marks = &mut self.queue[index].marks;
        if marks.has(Marks::RESENT) {
            marks.remove(Marks::RESENT);
            self.resent -= 1;
        }
    }

    /// Nothing counts as lost any more.
    pub(super) fn forgive(&mut self) {
        for sent in &mut self.queue {
            sent.marks.remove(Marks::LOST);
        }
        self.lost = 0;
    }

    /// A copy of the segment at `index` leaves.
    pub(super) fn resend(&mut self, index: usize, at: u64) {
        let sent = &mut self.queue[index];
        sent.at = at;
        sent.marks.add(Marks::EVER_RESENT);
        sent.marks.remove(Marks::SETTLED);
        // A second copy beside the first counts as well, and is forgotten only with the last segment.
        sent.marks.add(Marks::RESENT);
        self.resent += 1;
    }

    /// Whether more counts as lost than copies are under way: only then is anything looked for that may leave again.
    pub(super) const fn wants_copies(&self) -> bool {
        self.resent < self.lost
    }

    /// The first segment that counts as lost and of which no copy is under way.
    pub(super) fn first_lost(&self) -> Option<usize> {
        self.queue.iter().position(|sent| sent.marks.has(Marks::LOST) && !sent.marks.has(Marks::RESENT) && !sent.marks.has(Marks::SACKED))
    }

    /// Takes a segment out, and its marks out of the counts; `true` if it was SACKed.
    pub(super) fn uncount(&mut self, sent: &Sent, sack: bool) {
        self.resent -= u32::from(sent.marks.has(Marks::RESENT));
        self.lost -= u32::from(sent.marks.has(Marks::LOST));
        if sack {
            self.sacked -= u32::from(sent.marks.has(Marks::SACKED));
        }
    }

    /// The number behind the last segment that a SACK block covers; `una` if there is none.
    pub(super) fn highest_sacked(&self, una: Seq) -> Seq {
        if self.sacked == 0 {
            return una;
        }
        self.queue.iter().rev().find(|sent| sent.marks.has(Marks::SACKED)).map_or(una, |sent| sent.end)
    }

    /// Whether any segment left more than once.
    pub(super) fn any_resent(&self) -> bool {
        // `tcp_any_retrans_done`: what is under way again, or the front was sent again.
        self.resent > 0 || self.queue.front().is_some_and(|sent| sent.marks.has(Marks::EVER_RESENT))
    }

    /// Segments that carry more than `most` octets of text are lost. A packet of several is cut anew as a whole, since it
    /// leaves again as one.
    pub(super) fn cut_anew(&mut self, most: u32) {
        let text = |sent: &Sent| sent.len() - u32::from(sent.marks.has(Marks::FIN));
        let mut index = 0;
        while index < self.queue.len() {
            let first = self.queue[index];
            if text(&first) <= most || first.marks.has(Marks::SACKED) {
                index += 1;
                continue;
            }
            let in_packet = |sent: &&Sent| sent.marks.has(Marks::JOINED) && !sent.marks.has(Marks::SACKED);
            let more = self.queue.iter().skip(index + 1).take_while(in_packet).count();
            let packet: Vec<Sent> = self.queue.drain(index..=index + more).collect();
            for sent in &packet {
                self.uncount(sent, true);
            }
            let last = packet[more];
            let ever = packet.iter().any(|sent| sent.marks.has(Marks::EVER_RESENT));
            let (mut start, end) = (first.start, last.end.minus(u32::from(last.marks.has(Marks::FIN))));
            while start != end {
                let cut = start.plus(end.since(start).min(most));
                let is_last = cut == end;
                let marks = Marks::default()
                    .with(Marks::LOST, true)
                    .with(Marks::EVER_RESENT, ever)
                    .with(Marks::JOINED, start != first.start || first.marks.has(Marks::JOINED))
                    .with(Marks::PUSH, is_last && last.marks.has(Marks::PUSH))
                    .with(Marks::FIN, is_last && last.marks.has(Marks::FIN));
                let end = if is_last { last.end } else { cut };
                self.queue.insert(index, Sent { start, end, at: first.at, marks });
                self.lost += 1;
                index += 1;
                start = cut;
            }
        }
    }

    /// Of a packet of several segments, what is acknowledged is taken off, be it a whole segment or not (`tcp_tso_acked`);
    /// `began`: segments before the front have been.
    pub(super) fn trim_front(&mut self, una: Seq, began: bool) {
        let joins = |index: usize| self.queue.get(index).is_some_and(|sent| sent.marks.has(Marks::JOINED));
        let several = (began && joins(0)) || joins(1);
        if several && let Some(front) = self.queue.front_mut() {
            front.start = front.start.later_of(una);
        }
    }

    /// The segment at `index` is cut where `at` lies inside it.
    pub(super) fn split(&mut self, index: usize, at: Seq) {
        let first = self.queue[index];
        let mut rest = first;
        rest.start = at;
        rest.marks.remove(Marks::JOINED);
        let front = &mut self.queue[index];
        front.end = at;
        front.marks.remove(Marks::PUSH);
        front.marks.remove(Marks::FIN);
        self.lost += u32::from(first.marks.has(Marks::LOST));
        self.resent += u32::from(first.marks.has(Marks::RESENT));
        self.sacked += u32::from(first.marks.has(Marks::SACKED));
        self.queue.insert(index + 1, rest);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(number: u32) -> Seq {
        Seq::new(number)
    }

    /// Segments of 100 octets from number 0 on, with these marks.
    fn board(marks: &[&[Marks]]) -> Scoreboard {
        let mut board = Scoreboard::default();
        let mut start = at(0);
        for marks in marks {
            let all = marks.iter().fold(Marks::default(), |all, mark| all.with(*mark, true));
            board.push(start, start.plus(100), 0, all);
            start = start.plus(100);
            board.lost += u32::from(all.has(Marks::LOST));
            board.resent += u32::from(all.has(Marks::RESENT));
            board.sacked += u32::from(all.has(Marks::SACKED));
        }
        board
    }

    /// What stands on it: from where to where, and some of the marks.
    fn shown(board: &Scoreboard, marks: &[Marks]) -> Vec<(u32, u32, Vec<bool>)> {
        let show = |sent: &Sent| (sent.start.get(), sent.end.get(), marks.iter().map(|mark| sent.marks.has(*mark)).collect());
        board.queue.iter().map(show).collect()
    }

    fn counts(board: &Scoreboard) -> (u32, u32, u32) {
        (board.lost, board.resent, board.sacked)
    }

    #[test]
    fn both_parts_of_a_segment_that_is_cut_are_what_it_was() {
        // tcp_fragment: what ends it goes with the rest, and what joins it to the one before with the front.
        let ends = [Marks::PUSH, Marks::FIN, Marks::JOINED];
        let mut cut = board(&[&[], &[Marks::LOST, Marks::RESENT, Marks::PUSH, Marks::FIN, Marks::JOINED], &[Marks::SACKED]]);
        cut.split(1, at(130));
        let none = vec![false; 3];
        let expected =
            [(0, 100, none.clone()), (100, 130, vec![false, false, true]), (130, 200, vec![true, true, false]), (200, 300, none)];
        assert_eq!(shown(&cut, &ends), expected);
        assert_eq!(counts(&cut), (2, 2, 1));
        cut.split(3, at(250));
        assert_eq!((counts(&cut), cut.out()), ((2, 2, 2), 5));
    }

    #[test]
    fn only_a_packet_of_several_segments_is_shortened_by_what_is_acknowledged_of_it() {
        let joined: &[Marks] = &[Marks::JOINED];
        for (marks, began, start) in
            [(&[&[][..], &[]][..], true, 0), (&[&[], joined], false, 40), (&[joined, &[]], false, 0), (&[joined, &[]], true, 40)]
        {
            let mut board = board(marks);
            board.trim_front(at(40), began);
            assert_eq!(board.queue[0].start, at(start), "{marks:?} {began}");
        }
        let mut whole = board(&[&[], joined]);
        whole.trim_front(at(0).minus(1), false);
        assert_eq!(whole.queue[0].start, at(0), "nothing of it is");
    }

    #[test]
    fn a_copy_is_forgotten_once() {
        let mut board = board(&[&[Marks::LOST], &[Marks::LOST]]);
        board.resend(0, 5);
        board.resend(1, 5);
        for _ in 0..2 {
            board.forget_copy(0);
            assert_eq!((counts(&board), board.first_lost()), ((2, 1, 0), Some(0)));
        }
    }

    #[test]
    fn copies_are_wanted_while_more_is_lost_than_under_way_again() {
        let mut board = board(&[&[Marks::LOST], &[Marks::LOST], &[]]);
        assert!(board.wants_copies());
        board.resend(0, 5);
        assert!(board.wants_copies());
        board.resend(1, 5);
        assert!(!board.wants_copies());
        assert!(!Scoreboard::default().wants_copies());
    }

    #[test]
    fn something_has_left_again_while_a_copy_is_under_way_or_the_front_was_one() {
        let ever: &[Marks] = &[Marks::EVER_RESENT];
        let again: &[Marks] = &[Marks::EVER_RESENT, Marks::RESENT];
        for (marks, any) in [(&[&[][..], &[]][..], false), (&[ever, &[]], true), (&[&[], ever], false), (&[&[], again], true), (&[], false)]
        {
            assert_eq!(board(marks).any_resent(), any, "{marks:?}");
        }
    }

    #[test]
    fn a_fin_is_no_text_that_is_too_long() {
        for (most, lost) in [(99, false), (98, true)] {
            let mut board = board(&[&[Marks::FIN]]);
            board.cut_anew(most);
            assert_eq!(board.lost > 0, lost, "99 octets and a FIN, where {most} are the most");
        }
    }
}
