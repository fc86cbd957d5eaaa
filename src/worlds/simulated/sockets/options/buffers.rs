//! `SO_SNDBUF` and `SO_RCVBUF`: Linux counts memory, twice the text it is for; FreeBSD counts text.

use super::super::constants::System;
use super::super::table::File;
use super::super::{Sockets, Stop};
use crate::engine::Info;
use crate::worlds::Errno;
use crate::worlds::stack::Fd;

/// `SOCK_MIN_SNDBUF` and `SOCK_MIN_RCVBUF`: two packets, and one, with what the kernel keeps of each.
const LEAST_SEND: i64 = 4608;
const LEAST_RECEIVE: i64 = 2304;
/// `net.core.wmem_max` and `rmem_max` as the measured kernel has them.
pub(in super::super) const MOST_ASKED: i64 = 4_194_304;
/// `tcp_wmem[1]`, what Linux says before a connection lets the buffer grow.
pub(in super::super) const USUAL_SEND: i64 = 16_384;
/// `MAX_TCP_HEADER` and `struct skb_shared_info`, and `struct sk_buff`, octets as the measured kernel has them.
const HEADERS: i64 = 640;
const PACKET: i64 = 256;
/// `tcp_wmem[2]`.
pub(in super::super) const MOST_GROWN: i64 = 4_194_304;

impl Sockets {
    pub(super) fn send_buffer(&self, fd: Fd) -> Result<i64, Stop> {
        if let Some(set) = self.choices(fd)?.set_number("SO_SNDBUF") {
            return self.rounded(fd, set);
        }
        let File::Stream(stream) = self.file(fd)? else {
            return Ok(if self.system == System::Linux { 212_992 } else { 9_216 });
        };
        Ok(match self.system {
            System::FreeBsd => self.rounded(fd, self.host.profile_of(stream.id)?.send_buffer.into())?,
            System::Linux => self.send_memory(stream),
        })
    }

    /// `tcp_sndbuf_expand`: room for twice the congestion window in segments, as they lie in memory.
    pub(in super::super) fn grown(&self, info: &Info) -> i64 {
        let segment = i64::from(info.snd_mss + if info.timestamps { 12 } else { 0 }) + HEADERS;
        let in_memory = i64::try_from(segment.unsigned_abs().next_power_of_two()).unwrap_or(i64::MAX) + PACKET;
        let segments = i64::from(info.snd_cwnd.unwrap_or(0)).max(10);
        (2 * segments * in_memory).min(self.parameters.most_grown)
    }

    pub(super) fn set_send_buffer(&mut self, fd: Fd, value: i64, force: bool) -> Result<(), Stop> {
        let (memory, text) = match self.system {
            System::Linux => {
                let memory = if force { value.max(0) } else { asked(value, self.parameters.most_send) }
                    .saturating_mul(2)
                    .clamp(LEAST_SEND, i64::from(i32::MAX));
                (memory, memory / 2)
            }
            System::FreeBsd => within_freebsd(value, self.parameters.most_buffer)?,
        };
        if let (File::Stream(stream), System::FreeBsd) = (self.file(fd)?, self.system) {
            let octets = u32::try_from(text).unwrap_or(u32::MAX);
            self.host.adjust(stream.id, |profile| profile.send_buffer = octets)?;
        }
        self.choices_mut(fd)?.keep("SO_SNDBUF", memory);
        Ok(())
    }

    pub(super) fn receive_buffer(&self, fd: Fd) -> Result<i64, Stop> {
        if let Some(set) = self.choices(fd)?.set_number("SO_RCVBUF") {
            return self.rounded(fd, set);
        }
        let File::Stream(stream) = self.file(fd)? else {
            return Ok(self.host.profile().udp_receive_buffer.into());
        };
        let buffer = i64::from(self.host.profile_of(stream.id)?.receive_buffer);
        match self.system {
            System::Linux => Ok(self.host.receive_memory(stream.id)?.map_or(buffer * 2, i64::from)),
            System::FreeBsd => self.rounded(fd, buffer),
        }
    }

    /// FreeBSD grows the buffer to whole segments when the peer's SYN has said how long they are.
    fn rounded(&self, fd: Fd, buffer: i64) -> Result<i64, Stop> {
        let File::Stream(stream) = self.file(fd)? else { return Ok(buffer) };
        let state = self.host.state(stream.id);
        if self.system == System::Linux || !state.knows_peer() {
            return Ok(buffer);
        }
        let mss = i64::from(self.host.max_segment(stream.id)?).max(1);
        Ok(buffer.saturating_add(mss - 1) / mss * mss)
    }

    pub(super) fn set_receive_buffer(&mut self, fd: Fd, value: i64, force: bool) -> Result<(), Stop> {
        let (memory, text) = match self.system {
            System::Linux => {
                let memory = if force { value.max(0) } else { asked(value, self.parameters.most_receive) }
                    .saturating_mul(2)
                    .clamp(LEAST_RECEIVE, i64::from(i32::MAX));
                (memory, memory / 2)
            }
            System::FreeBsd => within_freebsd(value, self.parameters.most_buffer)?,
        };
        if let File::Stream(stream) = self.file(fd)? {
            let id = stream.id;
            let octets = u32::try_from(text).unwrap_or(u32::MAX);
            let grown = u32::try_from(memory).unwrap_or(u32::MAX);
            let linux = self.system == System::Linux;
            self.host.adjust(id, |profile| {
                profile.receive_buffer = octets;
                if linux {
                    // What the process has set never grows, and the scale is what this much needs.
                    profile.receive_buffer_grows = false;
                    let shift = octets.checked_ilog2().unwrap_or(0).saturating_sub(15).min(14);
                    profile.window_scale.0 = profile.window_scale.0.and(u8::try_from(shift).ok());
                }
            })?;
            if linux {
                self.host.set_receive_memory(id, grown)?;
            }
        }
        self.choices_mut(fd)?.keep("SO_RCVBUF", memory);
        Ok(())
    }
}

/// What Linux makes of a size: a negative one is a huge one, and nobody gets more than the limit.
fn asked(value: i64, most: i64) -> i64 {
    if value < 0 { most } else { value.min(most) }
}

/// `sbreserve`: of the largest buffer a ninth is for what is kept beside the text (`sb_max_adj`).
fn within_freebsd(value: i64, most: u32) -> Result<(i64, i64), Stop> {
    if value < 1 {
        return Err(Errno::Invalid.into());
    }
    if value > i64::from(most) * 2048 / 2304 {
        return Err(Errno::NoBuffers.into());
    }
    Ok((value, value))
}
