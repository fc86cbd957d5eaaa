//! Where records end (`MSG_EOR`): no segment takes text of two, neither the first time nor again.

use std::collections::VecDeque;

use super::seq::{Ours, SeqNumber};
use super::tcb::Connection;

/// The ends of records that are not acknowledged, in order.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub(super) struct Records(VecDeque<End>);

/// The number behind the last octet of a record, and whether that octet is pushed.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
struct End {
    at: SeqNumber<Ours>,
    pushed: bool,
}

impl Records {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }
}

impl Connection {
    /// What SEND has queued so far ends a record: what comes behind it begins a segment of its own (`MSG_EOR`).
    ///
    /// With nothing queued there is no record to end.
    pub fn end_record(&mut self) {
        let queued = self.send_buffered();
        if queued == 0 {
            return;
        }
        let (una, end) = (self.snd.una, End { at: self.text_start().plus(queued), pushed: !self.bits.unpushed() });
        let Records(ends) = &mut self.urgent.get_or_insert_default().records;
        while ends.front().is_some_and(|first| first.at.at_or_before(una)) {
            ends.pop_front();
        }
        ends.push_back(end);
        self.end_packet();
    }

    fn record_ends(&self) -> impl Iterator<Item = End> + '_ {
        self.urgent.iter().flat_map(|points| points.records.0.iter().copied())
    }

    /// Octets of one record that a segment beginning at `from` can carry.
    #[inline]
    pub(super) fn record_room(&self, from: SeqNumber<Ours>) -> u32 {
        self.record_ends().find(|end| from.before(end.at)).map_or(u32::MAX, |end| end.at.since(from))
    }

    /// The same; 0 where a record ends right before `from`.
    pub(super) fn record_left(&self, from: SeqNumber<Ours>) -> u32 {
        if self.record_ending(from).is_some() { 0 } else { self.record_room(from) }
    }

    /// Whether a record ends right before this number, and then whether its last octet is pushed.
    pub(super) fn record_ending(&self, at: SeqNumber<Ours>) -> Option<bool> {
        self.record_ends().find(|end| end.at == at).map(|end| end.pushed)
    }
}
