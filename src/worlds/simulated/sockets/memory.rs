//! What text that was written takes in memory, as Linux counts it: in packets, which are cut when it is written and once
//! more when it leaves. A write takes text as long as there is room for another packet, not for another octet.
//!
//! `tcp_sendmsg_locked`, `sk_stream_memory_free`, `tcp_sndbuf_expand` and their kin of Linux 6.18.

use std::collections::VecDeque;
use std::time::Duration;

use super::states::is_over;
use super::table::{File, Stream};
use super::writing::{MOST_QUEUED, Manner};
use super::{Done, Sockets, Stop, System};
use crate::engine::{Info, Instant, State};
use crate::worlds::Errno;
use crate::worlds::simulated::{Glance, Sending};
use crate::worlds::stack::{Answer, Fd};

/// No packet that is cut on its way is longer: `GSO_LEGACY_MAX_SIZE` less `MAX_TCP_HEADER + 1`.
const LONGEST: u32 = 65_279;
/// A window that is no larger is filled by one packet (`TCP_MSS_DEFAULT`).
const SMALL_WINDOW: u32 = 536;

/// The packets of one socket that have not left, and the room there is.
#[derive(Clone, Debug, Default)]
pub(super) struct Memory {
    /// Octets ever written.
    written: u64,
    /// Where packets end to which nothing is added any more.
    ends: VecDeque<u64>,
    /// How far text was pushed (`pushed_seq`).
    pushed: u64,
    /// `sk_sndbuf`, once there is a connection and if the process has not set it.
    grown: Option<i64>,
    /// A write waits for room.
    sleeps: bool,
    /// Somebody met with no room (`SOCK_NOSPACE`), when so much was unacknowledged.
    full: Option<u32>,
    /// Since when that alone has kept the window from being filled, and how long it did before.
    starves_since: Option<Instant>,
    starved: Duration,
}

impl Memory {
    /// Forgets packets that have left, by what has not.
    fn settle(&mut self, glance: &Glance) {
        self.written = self.written.max(glance.unacknowledged.into());
        let left = self.written - u64::from(glance.unsent);
        while self.ends.front().is_some_and(|end| *end <= left) {
            self.ends.pop_front();
        }
    }

    /// How long the room for text alone has kept the window from being filled (`tcpi_sndbuf_limited`).
    pub(super) fn starved(&self, now: Instant) -> Duration {
        self.starved + self.starves_since.map_or(Duration::ZERO, |since| now.since(since))
    }

    fn starve(&mut self, now: Instant, starves: bool) {
        if starves {
            self.starves_since.get_or_insert(now);
        } else if self.starves_since.is_some() {
            self.starved = self.starved(now);
            self.starves_since = None;
        }
    }

    /// Octets ever written.
    pub(super) fn written(&self, glance: &Glance) -> u64 {
        self.written.max(glance.unacknowledged.into())
    }

    /// Which octet of all that were written has this number on the wire.
    pub(super) fn position(&self, glance: &Glance, number: u32) -> u64 {
        let unacknowledged = self.written(glance) - u64::from(glance.unacknowledged);
        unacknowledged.wrapping_add_signed(number.wrapping_sub(glance.text_start).cast_signed().into())
    }

    /// Octets of the last packet that has not left, whether or not text can be added to it.
    pub(super) fn last_packet(&self, glance: &Glance) -> u64 {
        let left = self.written - u64::from(glance.unsent);
        let ends = self.ends.iter().rev().copied().find(|end| *end < self.written);
        self.written - ends.unwrap_or(left).max(left)
    }

    /// Octets of the packet that more text is added to.
    fn tail(&self, glance: &Glance) -> u64 {
        let left = self.written - u64::from(glance.unsent);
        self.written - self.ends.back().copied().unwrap_or(left).max(left)
    }

    /// What all of it takes (`sk_wmem_queued`), where a packet takes so much beside its text.
    fn used(&self, glance: &Glance, beside: u16) -> i64 {
        let unsent = self.ends.len() as u64 + u64::from(self.tail(glance) > 0);
        let used = u64::from(glance.unacknowledged) + u64::from(beside) * (u64::from(glance.packets_under_way) + unsent);
        i64::try_from(used).unwrap_or(i64::MAX)
    }
}

impl Sockets {
    /// `sk_sndbuf`.
    pub(super) fn send_memory(&self, stream: &Stream) -> i64 {
        let set = stream.choices.set_number("SO_SNDBUF");
        set.or(stream.memory.grown).unwrap_or_else(|| self.parameters.usual_send())
    }

    /// `TCP_NOTSENT_LOWAT`, or what holds for all.
    fn most_unsent(&self, stream: &Stream) -> u64 {
        let set = stream.choices.set_number("TCP_NOTSENT_LOWAT").filter(|set| *set != 0);
        // It is a number without a sign.
        let set = set.map(|set| u64::from(u32::try_from(set & 0xffff_ffff).unwrap_or(u32::MAX)));
        set.unwrap_or(self.parameters.most_unsent)
    }

    /// Whether another packet may be begun (`sk_stream_memory_free`).
    fn takes_packet(&self, stream: &Stream, glance: &Glance) -> bool {
        let used = stream.memory.used(glance, self.host.profile().packet_overhead);
        used < self.send_memory(stream) && u64::from(glance.unsent) < self.most_unsent(stream)
    }

    /// Whether a third of the memory is free, and not too much waits to leave, for whom so much of it counts
    /// (`__sk_stream_is_writeable`).
    fn has_room(&self, stream: &Stream, glance: &Glance, weight: u64) -> bool {
        let used = stream.memory.used(glance, self.host.profile().packet_overhead);
        let free = self.send_memory(stream) - used;
        free >= used / 2 && u64::from(glance.unsent) * weight < self.most_unsent(stream)
    }

    /// Whether `poll` says that it can be written to.
    pub(super) fn is_writable(&self, stream: &Stream, glance: &Glance) -> bool {
        let mut settled = stream.clone();
        settled.memory.settle(glance);
        self.has_room(&settled, glance, 2)
    }

    /// The longest packet of this connection: whole segments, and no more than half of the largest window
    /// (`tcp_xmit_size_goal`).
    fn longest_packet(&self, fd: Fd, glance: &Glance, urgent: bool) -> Result<u64, Stop> {
        let mss = self.host.info(self.stream(fd)?.id, Instant::START)?.snd_mss.max(1);
        if urgent {
            return Ok(mss.into());
        }
        let window = glance.largest_window;
        let half = if window > SMALL_WINDOW { window / 2 } else { window };
        let most = if half > 0 { LONGEST.min(half.max(68)) } else { LONGEST };
        // Where a segment may be longer than half of a window, a packet may as well.
        Ok(u64::from((most / mss).max(1) * mss))
    }

    /// Writes as `tcp_sendmsg_locked` does, packet by packet.
    pub(super) fn fill_packets(&mut self, now: Instant, fd: Fd, count: u32, manner: Manner) -> Done {
        let (id, patience) = {
            let stream = self.stream(fd)?;
            (stream.id, stream.choices.send_timeout)
        };
        let begun = self.waiting.progress;
        let mut glance = self.host.glance(id)?;
        let again = self.waiting.again;
        let memory = &mut self.stream_mut(fd)?.memory;
        memory.settle(&glance);
        memory.sleeps &= again;
        // Who waits for room is woken when there is some, not when there is any.
        let woken = !self.stream(fd)?.memory.sleeps || self.has_room(self.stream(fd)?, &glance, 1);
        while woken && self.waiting.progress < count {
            let longest = self.longest_packet(fd, &glance, manner.urgent)?;
            let stream = self.stream(fd)?;
            let tail = stream.memory.tail(&glance);
            let mut room = if tail > 0 { longest.saturating_sub(tail) } else { 0 };
            if room == 0 {
                if !self.takes_packet(stream, &glance) {
                    break;
                }
                let written = stream.memory.written;
                if tail > 0 {
                    self.stream_mut(fd)?.memory.ends.push_back(written);
                }
                room = longest;
            }
            let missing = count - self.waiting.progress;
            let taken = missing.min(u32::try_from(room).unwrap_or(u32::MAX));
            if self.queued_text() + u64::from(taken) > MOST_QUEUED {
                return Err(Stop::Unsupported(format!("more than {MOST_QUEUED} octets that wait to be acknowledged")));
            }
            let last = taken == missing;
            let memory = &mut self.stream_mut(fd)?.memory;
            memory.written += u64::from(taken);
            // Half a window is pushed whatever follows (`forced_push`).
            let forced = memory.written > memory.pushed + u64::from(glance.largest_window / 2);
            let pushed = forced || (last && !manner.announced);
            if pushed {
                memory.pushed = memory.written;
            }
            let ends_record = last && manner.record;
            if ends_record {
                let end = memory.written;
                memory.ends.push_back(end);
            }
            let text = vec![0; taken as usize];
            let queued = if manner.urgent {
                self.host.send_urgent(id, now, &text)?
            } else {
                // What the call announced ends with it; a cork stays.
                let until_ack = !self.stream(fd)?.is_corked();
                self.host.send_in(id, now, &text, Sending { holds: manner.more && last, until_ack, pushed, ends_record })?
            };
            self.waiting.progress += queued;
            if queued < taken {
                break;
            }
            if last {
                self.ask_stamps(fd, manner.stamps)?;
            }
            if !last {
                // A packet that is full leaves, as far as it may, before the next one is filled.
                self.let_leave(now);
            }
            glance = self.host.glance(id)?;
            self.stream_mut(fd)?.memory.settle(&glance);
        }
        let progress = self.waiting.progress;
        let memory = &mut self.stream_mut(fd)?.memory;
        memory.sleeps = progress < count && manner.waits;
        if progress >= count {
            return Ok(Answer::of(progress.into()));
        }
        memory.full.get_or_insert(glance.unacknowledged);
        if progress > begun {
            // What there is leaves, whatever the call announced.
            self.push_held(now, id)?;
        }
        if !manner.waits {
            return if progress > 0 { Ok(Answer::of(progress.into())) } else { Err(Errno::Again.into()) };
        }
        self.wait(now, patience, |_| if progress > 0 { Ok(Answer::of(progress.into())) } else { Err(Errno::Again.into()) })
    }

    /// What may leave does, and waits to be taken.
    fn let_leave(&mut self, now: Instant) {
        while let Some(packet) = self.take_leaving(now) {
            self.leaving.push_back(packet);
        }
    }

    /// Somebody looked for room and there was none: memory grows with what is acknowledged.
    pub(super) fn note_no_room(&mut self, fd: Fd) {
        let Ok(stream) = self.stream(fd) else { return };
        let Ok(glance) = self.host.glance(stream.id) else { return };
        if let Ok(stream) = self.stream_mut(fd) {
            stream.memory.full.get_or_insert(glance.unacknowledged);
        }
    }

    /// `tcp_init_buffer_space`, and with `more` `tcp_new_space`: an ACK has come, and what it lets leave has not left.
    pub(super) fn grow_memory(&mut self, now: Instant, more: bool) {
        if self.system == System::FreeBsd {
            return;
        }
        let streams: Vec<Fd> =
            self.files.iter().filter_map(|(fd, file)| if let File::Stream(_) = file { Some(*fd) } else { None }).collect();
        for fd in streams {
            // It is there.
            let _ = self.grow_memory_of(now, fd, more);
        }
    }

    fn grow_memory_of(&mut self, now: Instant, fd: Fd, more: bool) -> Result<(), Stop> {
        let stream = self.stream(fd)?;
        let glance = self.host.glance(stream.id)?;
        if !glance.state.is_synchronized() || is_over(&glance) || glance.state == State::TimeWait {
            return Ok(());
        }
        let acknowledged = stream.memory.full.is_some_and(|full| glance.unacknowledged < full);
        if !more {
            self.stream_mut(fd)?.memory.settle(&glance);
            if acknowledged && self.has_room(self.stream(fd)?, &glance, 1) {
                self.stream_mut(fd)?.memory.full = None;
            }
            let full = self.stream(fd)?.memory.full.is_some();
            // All has left, and more could have.
            let begins = full && glance.unsent == 0 && matches!(glance.state, State::Established | State::CloseWait);
            let begins = begins && has_window(&self.host.info(self.stream(fd)?.id, now)?);
            let memory = &mut self.stream_mut(fd)?.memory;
            memory.starve(now, full && glance.unacknowledged > 0 && (begins || memory.starves_since.is_some()));
        }
        let stream = self.stream(fd)?;
        let before = stream.memory.grown;
        if before.is_some() && !(acknowledged && more) {
            return Ok(());
        }
        let info = self.host.info(stream.id, now)?;
        let usual = self.parameters.usual_send();
        let grown = self.grown(&info);
        let memory = &mut self.stream_mut(fd)?.memory;
        memory.grown = Some(match before {
            None => usual.max(grown),
            Some(before) if has_window(&info) => before.max(grown),
            Some(before) => before,
        });
        Ok(())
    }
}

/// Whether the congestion window is not full.
fn has_window(info: &Info) -> bool {
    let under_way = info.unacked.unwrap_or(0) + info.retrans.unwrap_or(0);
    let under_way = under_way.saturating_sub(info.sacked.unwrap_or(0) + info.lost.unwrap_or(0));
    info.snd_cwnd.is_none_or(|window| under_way < window)
}
