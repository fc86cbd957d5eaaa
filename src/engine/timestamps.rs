//! Timestamps of the peer: TS.Recent, PAWS, and those of a RST (RFC 7323 sections 3.2, 4.3, 5).

use super::options::{TcpOptions, Timestamps};
use super::segment::{Flags, Segment};
use super::seq::Theirs;
use super::state::{Event, State};
use super::tcb::{Connection, Reset};
use super::time::Instant;

/// For how long TS.Recent is believed, in ticks of 2^30 nanoseconds: 24 days (R7323-27).
const BELIEVED: u32 = 1_931_190;

/// A clock that is coarse enough to need one word for 146 years.
#[expect(clippy::cast_possible_truncation, reason = "it wraps after 146 years")]
const fn ticks(now: Instant) -> u32 {
    (now.as_nanos() >> 30) as u32
}

impl Connection {
    /// What the timestamps say against a segment other than RST of a connection that uses them.
    #[inline(never)]
    pub(super) fn timestamp_event(&self, now: Instant, segment: &Segment<Theirs>) -> Option<Event> {
        let syn = segment.has(Flags::SYN);
        match segment.options.get_timestamps() {
            // R7323-24. A SYN in TIME-WAIT is judged by RFC 6191.
            Some(ts) => {
                let old = self.profile.paws && self.is_older(ts.val) && !self.is_ts_recent_stale(now);
                (old && !(syn && self.state == State::TimeWait)).then_some(Event::Paws)
            }
            // R7323-15, R7323-16. Whoever lost its memory of the connection, and its timestamps with it, must
            // still be told by an ACK: a SYN goes on.
            None => (self.profile.require_timestamps && !syn).then_some(Event::NoTimestamps),
        }
    }

    /// SEG.TSval < TS.Recent, modulo 2^32.
    pub(super) fn is_older(&self, val: u32) -> bool {
        val.wrapping_sub(self.ts_recent).cast_signed() < 0
    }

    /// R7323-27: after 24 idle days the peer's clock may have gone round.
    fn is_ts_recent_stale(&self, now: Instant) -> bool {
        ticks(now).wrapping_sub(self.ts_recent_at) > BELIEVED
    }

    pub(super) fn set_ts_recent(&mut self, val: u32, now: Instant) {
        self.ts_recent = val;
        self.ts_recent_at = ticks(now);
    }

    /// TS.Recent, if the segment spans the last ACK sent and is not older (R7323-19, R7323-20).
    #[inline(never)]
    pub(super) fn take_timestamp(&mut self, segment: &Segment<Theirs>, now: Instant) {
        if !self.bits.timestamps() {
            return;
        }
        if let Some(ts) = segment.options.get_timestamps() {
            let newer = !self.is_older(ts.val) || self.is_ts_recent_stale(now);
            if newer && segment.seq.at_or_before(self.last_ack_sent) {
                self.set_ts_recent(ts.val, now);
            }
        }
    }

    /// The option area of a RST: R7323-14 where it is ours, R7323-21 where it answers a segment.
    pub(super) fn reset_options(&self, reset: &Reset, now: Instant) -> TcpOptions {
        let ts = match reset.echo {
            Some(val) => Timestamps { val: 0, ecr: val },
            None if self.bits.timestamps() => {
                let ts = self.timestamps_now(now);
                // R7323-10: without ACK nothing is echoed.
                Timestamps { ecr: if reset.ack.is_some() { ts.ecr } else { 0 }, ..ts }
            }
            None => return TcpOptions::NONE,
        };
        TcpOptions::NONE.nop().nop().timestamps(ts)
    }
}
