//! What SACK blocks say of single segments (RFC 2018, RFC 2883; `tcp_sacktag_write_queue`).

use super::arriving::{Heard, Left};
use super::scoreboard::Marks;
use super::{CongestionState, Sender, Seq};
use crate::engine::options::TcpOption;
use crate::engine::segment::Segment;
use crate::engine::seq::Theirs;
use crate::engine::tcb::Connection;

/// Most SACK blocks that fit an option area.
const BLOCKS: usize = 4;

/// What comes of the blocks of one ACK.
struct Sacking {
    /// The ACK's own number.
    una: Seq,
    /// The block at hand is a D-SACK.
    duplicate: bool,
    /// The number behind all that was SACKed before.
    highest: Seq,
    /// The first number that came late, below that.
    reordered: Option<Seq>,
    /// When those left that only now are SACKed.
    left: Option<Left>,
}

impl Connection {
    /// SACK blocks, the first of which may be a D-SACK. Returns when those left that only now are SACKed.
    pub(super) fn read_sack(&self, sender: &mut Sender, segment: &Segment<Theirs>, una: Seq, heard: &mut Heard) -> Option<Left> {
        let mut blocks = [(una, una, false); BLOCKS];
        let mut len = 0;
        for option in segment.options.iter() {
            if let TcpOption::Sack(octets) = option {
                for block in octets.chunks_exact(8).take(BLOCKS) {
                    let edge = |at: usize| Seq::new(u32::from_be_bytes([block[at], block[at + 1], block[at + 2], block[at + 3]]));
                    blocks[len] = (edge(0), edge(4), false);
                    len += 1;
                }
                break;
            }
        }
        let blocks = &mut blocks[..len];
        let &(start, end, _) = blocks.first()?;
        let within = blocks.get(1).is_some_and(|outer| end.at_or_before(outer.1) && outer.0.at_or_before(start));
        if (start.before(segment.ack) || within) && start.before(end) && end.at_or_before(self.snd.nxt) {
            blocks[0].2 = true;
            self.read_dsack(sender, start, end, una, heard);
        }
        // In order: what is SACKed with this ACK was not reordered by it.
        blocks.sort_unstable_by_key(|(start, ..)| start.since(una).cast_signed());
        let mut sacking =
            Sacking { una: self.snd.una, duplicate: false, highest: sender.board.highest_sacked(una), reordered: None, left: None };
        for &mut (start, end, duplicate) in blocks {
            if self.is_worth_marking(sender, (start, end), duplicate, una) {
                sacking.duplicate = duplicate;
                sender.mark_sacked(start, end, una, &mut sacking, heard);
            }
        }
        if let Some(low) = sacking.reordered
            && (sender.state != CongestionState::Loss || sender.undo_marker.is_some())
        {
            let highest = sender.board.highest_sacked(una);
            self.note_reordering(sender, low, highest);
        }
        sacking.left
    }

    /// Whether a block speaks of what is under way, or is a D-SACK of what left again lately (`tcp_is_sackblock_valid`).
    fn is_worth_marking(&self, sender: &Sender, (start, end): (Seq, Seq), duplicate: bool, una: Seq) -> bool {
        if !start.before(end) || end.after(self.snd.nxt) || !end.after(una) {
            return false;
        }
        // What begins below what was under way names none of it.
        start.after(self.snd.una) || (duplicate && sender.undo_marker.is_some() && end.at_or_before(self.snd.una))
    }

    /// One D-SACK (`tcp_dsack_seen`).
    fn read_dsack(&self, sender: &mut Sender, start: Seq, end: Seq, una: Seq, heard: &mut Heard) {
        let (len, mss) = (end.since(start), u32::from(self.effective_mss()));
        if len > self.snd.max_wnd {
            return;
        }
        let copies = len.div_ceil(mss);
        heard.dsacked_probe = len <= mss && sender.probe_high == Some(end);
        sender.counts.dsacks = sender.counts.dsacks.saturating_add(copies);
        if sender.counts.dsacks > sender.counts.resent {
            return;
        }
        if sender.reord_seen > 0 && !heard.dsacked_probe {
            sender.rack.dsack_seen = true;
        }
        heard.dsacked = true;
        sender.count_delivered(copies, heard.ece);
        // It names what is forgotten already.
        if let (Some(marker), Some(left)) = (sender.undo_marker, &mut sender.undo_resent)
            && end.at_or_before(una)
            && end.after(marker)
        {
            *left = left.saturating_sub(copies);
        }
    }
}

impl Sender {
    /// The segments that a block covers whole are SACKed.
    fn mark_sacked(&mut self, start: Seq, end: Seq, una: Seq, sacking: &mut Sacking, heard: &mut Heard) {
        let offset = start.since(una);
        let first = self.board.queue.partition_point(|sent| sent.start.before(una) || sent.start.since(una) < offset);
        for index in first..self.board.queue.len() {
            if end.before(self.board.queue[index].end) {
                break;
            }
            self.mark_one(index, sacking, heard);
        }
    }

    /// One segment (`tcp_sacktag_one`).
    fn mark_one(&mut self, index: usize, sacking: &mut Sacking, heard: &mut Heard) {
        let sent = self.board.queue[index];
        if sacking.duplicate && sent.marks.has(Marks::EVER_RESENT) {
            if let (Some(marker), Some(left)) = (self.undo_marker, &mut self.undo_resent)
                && sent.end.after(marker)
            {
                *left = left.saturating_sub(1);
            }
            if sent.marks.has(Marks::SACKED) {
                sacking.came_late(sent.start);
            }
        }
        // What is acknowledged with it is about to go.
        if sent.end.at_or_before(sacking.una) {
            return;
        }
        if !sent.marks.has(Marks::SACKED) {
            self.advance_rack(&sent, heard.now);
            heard.newest = heard.newest.max(Some(sent.at));
            if !sent.marks.has(Marks::EVER_RESENT) {
                // It lay in a hole.
                if sent.start.before(sacking.highest) {
                    sacking.came_late(sent.start);
                }
                heard.original_delivered |= sent.end.at_or_before(self.high);
                Left::note(&mut sacking.left, sent.at);
            }
            self.board.sack(index);
            self.count_delivered(1, heard.ece);
            heard.sacked_some = true;
        }
        if sacking.duplicate {
            self.board.forget_copy(index);
        }
    }
}

impl Sacking {
    fn came_late(&mut self, start: Seq) {
        if self.reordered.is_none_or(|low| start.before(low)) {
            self.reordered = Some(start);
        }
    }
}
