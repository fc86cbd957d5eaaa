//! ACKs of text out of order that are held back: one tells what several would (`__tcp_ack_snd_check` of Linux).
//!
//! The first three leave at once, since they are what lets the sender tell a loss; then there is one for all that comes
//! within a twentieth of a round trip, or a millisecond.

use super::profile::AckPolicy;
use super::reassembly::Held;
use super::seq::{SeqNumber, Theirs};
use super::tcb::Connection;
use super::time::{Instant, Timer, nanos};

/// As many ACKs let a sender tell a loss (TCP_FASTRETRANS_THRESH).
const TELLING: u8 = 3;

/// ACKs of text out of order: those that left at once, and those that were held back.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub(super) struct Compression {
    /// RCV.NXT of those counted in `told`.
    nxt: SeqNumber<Theirs>,
    /// Those that left at once.
    told: u8,
    /// Those held back since the last that left.
    held_back: u8,
}

impl Compression {
    /// An ACK leaves, which tells all.
    pub(super) const fn tell(&mut self) {
        self.held_back = 0;
    }
}

impl Connection {
    /// Text out of order came, and nothing else is to be told: the ACK that is due may wait.
    #[cold]
    pub(super) fn hold_back_ack(&mut self, now: Instant) {
        if !self.bits.sack() || self.profile.ack_policy != AckPolicy::Linux || self.acks_at_once() {
            return;
        }
        let (nxt, most) = (self.rcv.nxt, self.profile.sack_compression);
        let Some(Held { compression, .. }) = self.held.as_deref_mut() else { return };
        if compression.held_back >= most {
            return;
        }
        if compression.nxt != nxt {
            *compression = Compression { nxt, told: 0, ..*compression };
        }
        if compression.told < TELLING {
            compression.told += 1;
            return;
        }
        let first = compression.held_back == 0;
        compression.held_back += 1;
        self.bits.set_ack_due(false);
        if first {
            let due = now + self.compression_delay();
            let due = self.deadlines.get(Timer::DelayedAck).map_or(due, |other| other.min(due));
            self.deadlines.set(Timer::DelayedAck, due);
        }
    }

    /// How long it may wait.
    fn compression_delay(&self) -> std::time::Duration {
        // Before anything was measured there is no time to lose.
        let receiver = self.reading_told().map_or(0, |(round_trip, _)| u64::from(round_trip) * 1000);
        let round_trip = if self.rtt.srtt == 0 { receiver } else { receiver.min(self.rtt.srtt) };
        let delay = (round_trip / 20).min(nanos(self.profile.sack_compression_delay));
        std::time::Duration::from_nanos(delay) + self.profile.sack_compression_slack
    }

    /// Whether ACKs are held back now.
    pub(super) fn holds_back_acks(&self) -> bool {
        self.held.as_ref().is_some_and(|held| held.compression.held_back > 0)
    }
}
