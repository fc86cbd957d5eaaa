//! When a socket wants to be woken, as its host queues it.

use super::SocketId;
use crate::engine::Instant;

/// A moment, and whose it is: first by time, then by socket.
// In one number, as a heap of thousands compares it a dozen times whenever one comes or goes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) struct Due(u128);

impl Due {
    pub(super) fn new(at: Instant, id: SocketId) -> Self {
        Self(u128::from(at.as_nanos()) << 64 | u128::from(id.slot) << 32 | u128::from(id.serial))
    }

    #[expect(clippy::cast_possible_truncation, reason = "cut into the numbers it was made of")]
    pub(super) const fn parts(self) -> (Instant, SocketId) {
        (Instant::from_nanos((self.0 >> 64) as u64), SocketId { slot: (self.0 >> 32) as u32, serial: self.0 as u32 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_is_that_of_time_then_of_sockets() {
        let numbers = [0, 1, u32::MAX];
        let mut parts = Vec::new();
        for at in numbers {
            for slot in numbers {
                parts.extend(numbers.map(|serial| (Instant::from_nanos(u64::from(at) << 32), SocketId { slot, serial })));
            }
        }
        assert!(parts.is_sorted(), "as they were made");
        let dues: Vec<_> = parts.iter().map(|&(at, id)| Due::new(at, id)).collect();
        assert!(dues.is_sorted());
        assert_eq!(dues.into_iter().map(Due::parts).collect::<Vec<_>>(), parts);
    }
}
