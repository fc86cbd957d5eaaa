//! How Linux lets the receive buffer grow with what is read: `tcp_rcv_rtt_update`, `tcp_rcv_space_adjust`,
//! `tcp_rcvbuf_grow` of 6.18.
//!
//! A connection that counts ([`Profile::counts`](super::Profile::counts)) does so; the window follows from the memory.

use std::collections::VecDeque;

use super::profile::WindowPolicy;
use super::segment::Segment;
use super::seq::{SeqNumber, Theirs};
use super::state::State;
use super::tcb::Connection;
use super::time::Instant;

/// TCP_INIT_CWND.
const FIRST_SEGMENTS: u32 = 10;

/// A packet that waits to be read: octets of text that are left of it, and the memory all of it takes, in Linux's steps.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
struct Waiting {
    left: u32,
    steps: u16,
}

/// What one connection knows of its reader.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub(super) struct Reading {
    /// What waits to be read, packet by packet.
    waiting: VecDeque<Waiting>,
    /// Octets read in a round trip (`rcvq_space.space`); 0 before the peer's options are known.
    space: u32,
    /// The octet that was read next when this round trip began, and when that was, in microseconds.
    from: SeqNumber<Theirs>,
    from_at: u64,
    /// Eight times the round trip in microseconds (`rcv_rtt_est.rtt_us`); 0: nothing has measured it.
    round_trip: u32,
    /// The right edge whose arrival is the next sample, and when it was offered; never while that is 0.
    edge: SeqNumber<Theirs>,
    edge_at: u64,
    /// Octets of memory for what was not read, where that is not what the profile says.
    memory: u32,
    /// TSecr of the last segment with text (`rcv_rtt_last_tsecr`).
    echo: u32,
}

impl Reading {
    /// A sample of the round trip, in microseconds. One that filled a window is an upper bound; one that the
    /// peer echoed counts less while text waits to be read (`tcp_rcv_rtt_update`).
    fn sample(&mut self, micros: u32, filled: bool, waits: bool) {
        let fresh = micros.saturating_mul(8);
        let before = if self.round_trip == 0 { fresh } else { self.round_trip };
        let after = if filled || waits { before } else { (before - before / 8).saturating_add(micros) };
        // What is shorter counts at once.
        self.round_trip = after.min(fresh);
    }
}

fn micros(now: Instant) -> u64 {
    now.as_nanos() / 1000
}

impl Connection {
    /// The first window is known (`tcp_init_buffer_space`).
    pub(super) fn begin_reading(&mut self) {
        let space = self.rcv.threshold.min(self.rcv.wnd).min(FIRST_SEGMENTS * self.advertised_mss());
        let from = self.rcv.nxt;
        if let Some(sender) = &mut self.sender {
            sender.reading = Reading { space, from, ..Reading::default() };
        }
    }

    /// The connection is open: the first round trip of its reader begins.
    pub(super) fn begin_to_read(&mut self, now: Instant) {
        if let Some(sender) = &mut self.sender {
            sender.reading.from_at = micros(now);
        }
    }

    /// Text came whose TSecr tells how long the round trip is (`tcp_rcv_rtt_measure_ts`).
    pub(super) fn measure_echo(&mut self, segment: &Segment<Theirs>, waits: bool, now: Instant) {
        let Some(stamps) = segment.options.get_timestamps().filter(|_| self.state == State::Established && self.bits.timestamps()) else {
            return;
        };
        let clock = self.timestamps_now(now).val;
        let whole = self.linux_rcv_mss().is_some_and(|mss| segment.seg_len() >= mss);
        let Some(sender) = &mut self.sender else { return };
        if std::mem::replace(&mut sender.reading.echo, stamps.ecr) == stamps.ecr || !whole {
            return;
        }
        // The clock has milliseconds.
        let micros = clock.wrapping_sub(stamps.ecr).checked_mul(1000).and_then(|micros| i32::try_from(micros).ok());
        if let Some(micros) = micros.filter(|micros| *micros > 0) {
            sender.reading.sample(micros.unsigned_abs(), false, waits);
        }
    }

    /// Text came in order: a round trip is over when it reaches the edge that was offered (`tcp_rcv_rtt_measure`).
    pub(super) fn measure_window(&mut self, now: Instant) {
        let (nxt, window, now) = (self.rcv.nxt, self.offered_window(), micros(now));
        let Some(sender) = &mut self.sender else { return };
        let edge_at = sender.reading.edge_at;
        if edge_at != 0 && nxt.before(sender.reading.edge) {
            return;
        }
        if edge_at != 0 {
            sender.reading.sample(u32::try_from((now - edge_at).max(1)).unwrap_or(u32::MAX), true, false);
        }
        (sender.reading.edge, sender.reading.edge_at) = (nxt.plus(window), now);
    }

    /// The application has read on, the `first` octets of it from one packet (`tcp_rcv_space_adjust`).
    ///
    /// Called before the rest of what it reads is counted as read.
    pub(super) fn adjust_to_reader(&mut self, first: u32, taken: u32, now: Instant) {
        if self.profile.window_policy != WindowPolicy::Linux {
            return;
        }
        let now = micros(now);
        let waits = self.rcv.unread + (taken - first);
        let read = self.rcv.nxt.minus(waits + u32::from(self.bits.peer_fin()));
        let Some(reading) = self.sender.as_ref().map(|sender| &sender.reading) else { return };
        if reading.round_trip == 0 || now - reading.from_at < u64::from(reading.round_trip / 8) {
            return;
        }
        let copied = read.since(reading.from).saturating_sub(waits);
        if copied > reading.space {
            self.grow_receive_memory(copied);
        }
        if let Some(sender) = &mut self.sender {
            (sender.reading.from, sender.reading.from_at) = (read, now);
        }
    }

    /// Memory for twice what is read in a round trip, and for as much again as that has grown (`tcp_rcvbuf_grow`).
    pub(super) fn grow_receive_memory(&mut self, space: u32) {
        let Some(sender) = &mut self.sender else { return };
        let before = std::mem::replace(&mut sender.reading.space, space);
        if !self.profile.receive_buffer_grows || before == 0 {
            return;
        }
        let doubled = u64::from(space) * 2;
        let growth = doubled * u64::from(space.saturating_sub(before)) / u64::from(before);
        let window = doubled + 2 * growth + u64::from(self.held_end().map_or(0, |end| end.since(self.rcv.nxt)));
        let memory = self.memory_for(window).min(self.profile.receive_memory_max);
        self.widen_receive_memory(memory);
    }

    /// What is held takes memory, too, until what lies before it comes (`tcp_data_queue_ofo`).
    pub(super) fn grow_for_held(&mut self) {
        if let Some((_, space)) = self.reading_told() {
            self.grow_receive_memory(space);
        }
    }

    /// So much text waits to be read, in a packet of its own, or, where that has no steps of its own, behind the last one.
    #[cold]
    pub(super) fn note_waiting(&mut self, len: u32, steps: u16) {
        let Some(sender) = &mut self.sender else { return };
        let waiting = &mut sender.reading.waiting;
        match waiting.back_mut() {
            Some(last) if steps == 0 => last.left += len,
            Some(_) | None => waiting.push_back(Waiting { left: len, steps }),
        }
    }

    /// Octets were read: memory of the packets of which nothing is left, in steps, and octets read of the first; `None`
    /// where nobody knows of packets.
    #[cold]
    pub(super) fn note_read(&mut self, octets: u32) -> Option<(u16, u32)> {
        let sender = self.sender.as_mut()?;
        let waiting = &mut sender.reading.waiting;
        let first = waiting.front()?.left.min(octets);
        let (mut left, mut freed) = (octets, 0_u16);
        while let Some(packet) = waiting.front_mut() {
            let taken = packet.left.min(left);
            (packet.left, left) = (packet.left - taken, left - taken);
            if packet.left > 0 {
                break;
            }
            freed = freed.saturating_add(packet.steps);
            waiting.pop_front();
        }
        Some((freed, first))
    }

    /// The memory there is by now.
    #[cold]
    pub(super) fn grown_memory(&self) -> u32 {
        self.sender.as_ref().map_or(0, |sender| sender.reading.memory)
    }

    /// The memory is this much from now on, if anybody can remember it.
    pub(super) fn note_memory(&mut self, memory: u32) -> bool {
        self.sender.as_mut().map(|sender| sender.reading.memory = memory).is_some()
    }

    /// How much the application may read in a round trip is never more than the window can be.
    pub(super) fn bound_reading(&mut self, clamp: u32) {
        if let Some(sender) = &mut self.sender {
            sender.reading.space = sender.reading.space.min(clamp);
        }
    }

    /// What `tcpi_rcv_rtt` says, in microseconds, and `tcpi_rcv_space`, octets; nothing where nobody counts.
    pub(super) fn reading_told(&self) -> Option<(u32, u32)> {
        let reading = &self.sender.as_ref().filter(|_| self.profile.window_policy == WindowPolicy::Linux)?.reading;
        Some((reading.round_trip / 8, reading.space))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_round_trip_is_smoothed_and_never_grows_by_a_full_window() {
        let mut reading = Reading::default();
        for (micros, filled, waits, told) in [
            (1000, true, false, 1000),
            (2000, true, false, 1000),
            (2000, false, true, 1000),
            (2000, false, false, 1125),
            (500, true, true, 500),
            (1300, false, false, 600),
        ] {
            reading.sample(micros, filled, waits);
            assert_eq!(reading.round_trip / 8, told, "{micros} {filled} {waits}");
        }
    }
}
