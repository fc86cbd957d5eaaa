//! The children of a listener whose handshake is not done.

use std::collections::vec_deque::{self, VecDeque};

use super::socket::SocketId;

/// Sockets in the order in which they came, the oldest first.
// A queue, no tree: handshakes end nearly in the order in which they began, so what leaves stands at the front or near it.
// One that does not moves what lies between it and the nearer end, at most half a backlog of eight octets each.
#[derive(Clone, Debug, Default)]
pub(super) struct HalfOpen(VecDeque<SocketId>);

impl HalfOpen {
    /// Puts the newest socket of the host behind all others.
    pub(super) fn push(&mut self, newest: SocketId) {
        debug_assert!(self.0.back().is_none_or(|last| last.serial < newest.serial), "found by its serial later");
        self.0.push_back(newest);
    }

    /// Takes one out, wherever it stands.
    pub(super) fn remove(&mut self, id: SocketId) {
        if self.0.front() == Some(&id) {
            self.0.pop_front();
        } else if let Ok(at) = self.0.binary_search_by_key(&id.serial, |child| child.serial) {
            self.0.remove(at);
        }
    }

    /// The one that has waited longest.
    pub(super) fn oldest(&self) -> Option<SocketId> {
        self.0.front().copied()
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }
}

impl IntoIterator for HalfOpen {
    type Item = SocketId;
    type IntoIter = vec_deque::IntoIter<SocketId>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn queue() -> HalfOpen {
        let mut children = HalfOpen::default();
        for serial in [3, 5, 8, 9] {
            // Slots are given again, in any order.
            children.push(SocketId { slot: 10 - serial, serial });
        }
        children
    }

    #[test]
    fn handshakes_end_in_any_order() {
        for (ended, left) in [([3, 5], [8, 9]), ([5, 3], [8, 9]), ([9, 3], [5, 8]), ([8, 5], [3, 9]), ([9, 8], [3, 5])] {
            let mut children = queue();
            for serial in ended {
                children.remove(SocketId { slot: 10 - serial, serial });
            }
            assert_eq!(children.oldest().map(|id| id.serial), left.first().copied());
            assert_eq!(children.len(), left.len());
            assert_eq!(children.into_iter().map(|id| id.serial).collect::<Vec<_>>(), left);
        }
    }

    #[test]
    fn what_is_not_there_is_not_taken_out() {
        let mut children = queue();
        children.remove(SocketId { slot: 0, serial: 4 });
        assert_eq!(children.len(), 4);
    }
}
