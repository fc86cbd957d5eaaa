//! `SO_TIMESTAMPING`: when text was handed down, left and was acknowledged, told in the error queue of its socket.
//!
//! What a write asks for is asked of its last octet (`tcp_tx_timestamp`): of a packet that several writes fill, only the
//! last one hears. The simulated link takes no time, so a segment is handed to it and leaves it in one moment.

use std::collections::VecDeque;

use super::constants::MSG_TRUNC;
use super::reading::Request;
use super::table::{Family, File, Stream};
use super::{Done, Sockets, Stop, System, wrote};
use crate::engine::{Instant, State};
use crate::trace::Payload;
use crate::worlds::Errno;
use crate::worlds::simulated::{Glance, Outgoing};
use crate::worlds::stack::{Answer, Constant, ControlMessage, Fd, Output, ReceiveForm};

/// `SOF_TIMESTAMPING_*` of `linux/net_tstamp.h`.
const TX_SOFTWARE: u32 = 1 << 1;
const RX_SOFTWARE: u32 = 1 << 3;
const SOFTWARE: u32 = 1 << 4;
const OPT_ID: u32 = 1 << 7;
const TX_SCHED: u32 = 1 << 8;
const TX_ACK: u32 = 1 << 9;
const OPT_TSONLY: u32 = 1 << 11;
const OPT_STATS: u32 = 1 << 12;
const OPT_ID_TCP: u32 = 1 << 16;
/// Those that ask for times of what is sent; the first is that of hardware, which nobody has here.
const TX_RECORD: u32 = 1 | TX_SOFTWARE | TX_SCHED | TX_ACK;
/// All there are.
const MASK: u32 = (1 << 19) - 1;
/// `MSG_ERRQUEUE` in `msg_flags`.
const MSG_ERRQUEUE: u32 = 0x2000;
/// Messages the error queue holds; a kernel bounds their memory.
const MOST_TOLD: usize = 4096;

/// What is told of an octet: `SCM_TSTAMP_*`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
enum What {
    Left = 0,
    HandedDown = 1,
    Acknowledged = 2,
}

/// A write that asked, by its last octet.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Asked {
    octet: u64,
    flags: u32,
}

/// A message in the error queue.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Told {
    what: What,
    at: Instant,
    /// Which octet, where they are numbered.
    data: u32,
    /// Without a packet beside it.
    alone: bool,
}

/// What one socket has asked for, and been told.
#[derive(Clone, Debug, Default)]
pub(super) struct Stamps {
    flags: u32,
    /// The octet that has number 0.
    base: u64,
    asked: VecDeque<Asked>,
    told: VecDeque<Told>,
    /// How many octets had arrived when a packet had brought the last of them, and when that was.
    arrived: VecDeque<(u64, Instant)>,
}

/// Packets whose time of arrival is kept; a kernel bounds their memory.
const MOST_ARRIVED: usize = 65_536;

impl Stamps {
    /// Whether something waits in the error queue.
    pub(super) fn has_told(&self) -> bool {
        !self.told.is_empty()
    }

    fn tell(&mut self, what: What, octet: u64, at: Instant) {
        if self.told.len() >= MOST_TOLD {
            return;
        }
        #[expect(clippy::cast_possible_truncation, reason = "numbers come round, as the kernel's do")]
        let data = if self.flags & OPT_ID != 0 { octet.wrapping_sub(self.base) as u32 } else { 0 };
        self.told.push_back(Told { what, at, data, alone: self.flags & OPT_TSONLY != 0 });
    }
}

impl Stream {
    /// Whether its process wants to know when text came.
    fn is_told_arrivals(&self) -> bool {
        let receives = self.stamps.flags & (RX_SOFTWARE | SOFTWARE) == RX_SOFTWARE | SOFTWARE;
        receives || self.choices.is_on("SO_TIMESTAMP") || self.choices.is_on("SO_TIMESTAMPNS")
    }
}

impl Sockets {
    /// `setsockopt` of `SO_TIMESTAMPING`.
    pub(super) fn set_stamps(&mut self, fd: Fd, value: i64) -> Result<(), Stop> {
        let flags = u32::try_from(value).ok().filter(|flags| flags & !MASK == 0).ok_or(Errno::Invalid)?;
        let has = |flag: u32| flags & flag != 0;
        if has(OPT_STATS) && !has(OPT_TSONLY) || has(OPT_ID_TCP) && !has(OPT_ID) {
            return Err(Errno::Invalid.into());
        }
        if has(OPT_STATS) {
            return Err(Stop::Unsupported(format!("SO_TIMESTAMPING {value}")));
        }
        let File::Stream(stream) = self.file(fd)? else {
            return if flags == 0 { Ok(()) } else { Err(Stop::Unsupported("SO_TIMESTAMPING of datagrams".to_owned())) };
        };
        let glance = self.host.glance(stream.id)?;
        let numbers = has(OPT_ID) && stream.stamps.flags & OPT_ID == 0;
        if numbers && matches!(glance.state, State::Closed | State::Listen) {
            return Err(Errno::Invalid.into());
        }
        let stream = self.stream_mut(fd)?;
        if numbers {
            let written = stream.memory.written(&glance);
            stream.stamps.base = if has(OPT_ID_TCP) { written } else { written - u64::from(glance.unacknowledged) };
        }
        stream.stamps.flags = flags;
        Ok(())
    }

    /// Text has come: its packet's time is kept where the process wants to hear of it.
    pub(super) fn note_arrival(&mut self, now: Instant) {
        for file in self.files.values_mut() {
            let File::Stream(stream) = file else { continue };
            if !stream.is_told_arrivals() {
                continue;
            }
            let Ok(glance) = self.host.glance(stream.id) else { continue };
            let end = stream.read + u64::from(glance.readable);
            let arrived = &mut stream.stamps.arrived;
            while arrived.front().is_some_and(|(end, _)| *end < stream.read) {
                arrived.pop_front();
            }
            if arrived.back().map_or(stream.read, |(last, _)| *last) < end && arrived.len() < MOST_ARRIVED {
                arrived.push_back((end, now));
            }
        }
    }

    /// The time of the packet that brought the last octet that was read, as the process wants it (`tcp_recv_timestamp`).
    pub(super) fn stamps_of_read(&self, fd: Fd) -> Vec<ControlMessage> {
        const SECOND: u64 = 1_000_000_000;
        let Ok(stream) = self.stream(fd) else { return Vec::new() };
        let arrived = &stream.stamps.arrived;
        let Some((_, at)) = arrived.iter().find(|(end, _)| *end >= stream.read).copied() else { return Vec::new() };
        let (seconds, nanos) = (at.as_nanos() / SECOND, at.as_nanos() % SECOND);
        let pair = |fraction: u64| [seconds.to_ne_bytes(), fraction.to_ne_bytes()].concat();
        let mut told = Vec::new();
        if stream.choices.is_on("SO_TIMESTAMPNS") {
            told.push(message("SOL_SOCKET", 1, "SCM_TIMESTAMPNS", 35, pair(nanos)));
        } else if stream.choices.is_on("SO_TIMESTAMP") {
            told.push(message("SOL_SOCKET", 1, "SCM_TIMESTAMP", 29, pair(nanos / 1000)));
        }
        if stream.stamps.flags & (RX_SOFTWARE | SOFTWARE) == RX_SOFTWARE | SOFTWARE {
            told.push(message("SOL_SOCKET", 1, "SCM_TIMESTAMPING", 37, timestamping(at)));
        }
        told
    }

    /// What it was set to.
    pub(super) fn stamps_of(&self, fd: Fd) -> Result<i64, Stop> {
        Ok(match self.file(fd)? {
            File::Stream(stream) => stream.stamps.flags.into(),
            File::Datagram(_) | File::Zeros(_) | File::Pipe(_) | File::Epoll(_) => 0,
        })
    }

    /// What the control messages of a `sendmsg` ask for beyond what the socket does.
    pub(super) fn stamps_in(&self, fd: Fd, control: &[ControlMessage]) -> Result<Option<u32>, Stop> {
        let mut asked = None;
        for message in control {
            let named = message.kind.has("SO_TIMESTAMPING") || message.kind.has("SCM_TIMESTAMPING") || message.kind.value == 37;
            if !(named && message.level.value == 1 && self.system == System::Linux) {
                let name = message.kind.names.first().map_or("of this type", String::as_str);
                return Err(Stop::Unsupported(format!("sendmsg with a control message {name}")));
            }
            let octets = <[u8; 4]>::try_from(message.data.as_slice()).map_err(|_| Errno::Invalid)?;
            let flags = u32::from_ne_bytes(octets);
            if flags & !TX_RECORD != 0 {
                return Err(Errno::Invalid.into());
            }
            asked = Some((self.stream(fd)?.stamps.flags & !TX_RECORD) | flags);
        }
        Ok(asked)
    }

    /// The text of a write is queued, and nothing of its last packet has left.
    pub(super) fn ask_stamps(&mut self, fd: Fd, flags: Option<u32>) -> Result<(), Stop> {
        let stream = self.stream(fd)?;
        let flags = flags.unwrap_or(stream.stamps.flags) & TX_RECORD;
        if flags == 0 {
            return Ok(());
        }
        let glance = self.host.glance(stream.id)?;
        let (written, tail) = (stream.memory.written(&glance), stream.memory.last_packet(&glance));
        let asked = &mut self.stream_mut(fd)?.stamps.asked;
        let octet = written.saturating_sub(1);
        match asked.back_mut() {
            Some(before) if before.octet >= written - tail => *before = Asked { octet, flags: before.flags | flags },
            Some(_) | None => asked.push_back(Asked { octet, flags }),
        }
        Ok(())
    }

    /// The next packet that leaves, and what is told of it.
    pub(super) fn take_leaving(&mut self, now: Instant) -> Option<Outgoing> {
        let leaving = self.host.poll_packet(now)?;
        if let (Some(id), Payload::Tcp { segment, .. }) = (leaving.socket, &leaving.payload)
            && segment.len > 0
            && let Ok(glance) = self.host.glance(id)
        {
            for file in self.files.values_mut() {
                let File::Stream(stream) = file else { continue };
                if stream.id != id || stream.stamps.asked.is_empty() {
                    continue;
                }
                let first = stream.memory.position(&glance, segment.text_seq().get());
                let covered = first..first + u64::from(segment.len);
                let asked: Vec<_> = stream.stamps.asked.iter().filter(|asked| covered.contains(&asked.octet)).copied().collect();
                for Asked { octet, flags } in asked {
                    for (flag, what) in [(TX_SCHED, What::HandedDown), (TX_SOFTWARE, What::Left)] {
                        if flags & flag != 0 {
                            stream.stamps.tell(what, octet, now);
                        }
                    }
                }
            }
        }
        Some(leaving)
    }

    /// Something may have been acknowledged.
    pub(super) fn note_stamps(&mut self, now: Instant) {
        for file in self.files.values_mut() {
            let File::Stream(stream) = file else { continue };
            if stream.stamps.asked.is_empty() {
                continue;
            }
            let Ok(glance) = self.host.glance(stream.id) else { continue };
            let acknowledged = acknowledged(stream.memory.written(&glance), &glance);
            while let Some(asked) = stream.stamps.asked.front().copied().filter(|asked| asked.octet < acknowledged) {
                stream.stamps.asked.pop_front();
                // A connection that was reset has told nothing of what it forgot.
                if asked.flags & TX_ACK != 0 && glance.state != State::Closed {
                    stream.stamps.tell(What::Acknowledged, asked.octet, now);
                }
            }
        }
    }

    /// `MSG_ERRQUEUE`.
    pub(super) fn receive_told(&mut self, fd: Fd, request: &Request<'_>) -> Done {
        let stream = self.stream_mut(fd)?;
        let (family, reports) = (stream.family, stream.stamps.flags & SOFTWARE != 0);
        let Some(told) = stream.stamps.told.front().copied() else { return Err(Errno::Again.into()) };
        if request.count > 0 && !told.alone {
            return Err(Stop::Unsupported("reading the packet beside a time stamp".to_owned()));
        }
        stream.stamps.told.pop_front();
        if request.form != ReceiveForm::Recvmsg {
            return Ok(Answer::of(0));
        }
        let cut = if told.alone { 0 } else { MSG_TRUNC.on(self.system) };
        let six = family == Family::V6 && self.host.address().is_ipv6();
        let mut control = Vec::new();
        if reports {
            control.push(message("SOL_SOCKET", 1, "SCM_TIMESTAMPING", 37, timestamping(told.at)));
        }
        control.push(if six {
            message("SOL_IPV6", 41, "IPV6_RECVERR", 25, extended(told, 28))
        } else {
            message("SOL_IP", 0, "IP_RECVERR", 11, extended(told, 16))
        });
        if request.control == 0 {
            control.clear();
        }
        Ok(wrote(0, Output::Message { flags: MSG_ERRQUEUE | cut, control }))
    }
}

/// Octets that are acknowledged of all that were written.
fn acknowledged(written: u64, glance: &Glance) -> u64 {
    written - u64::from(glance.unacknowledged)
}

fn message(level: &str, level_value: i64, kind: &str, kind_value: i64, data: Vec<u8>) -> ControlMessage {
    let constant = |name: &str, value| Constant { value, names: vec![name.to_owned()] };
    ControlMessage { level: constant(level, level_value), kind: constant(kind, kind_value), data }
}

/// `struct scm_timestamping`: three times, of which software has the first.
fn timestamping(at: Instant) -> Vec<u8> {
    const SECOND: u64 = 1_000_000_000;
    let nanos = at.as_nanos();
    let mut octets = [(nanos / SECOND).to_ne_bytes(), (nanos % SECOND).to_ne_bytes()].concat();
    octets.resize(48, 0);
    octets
}

/// `struct sock_extended_err`, and room for the address of who reported it: nobody.
fn extended(told: Told, address: usize) -> Vec<u8> {
    const ENOMSG: u32 = 42;
    const ORIGIN: u8 = 4;
    let mut octets = ENOMSG.to_ne_bytes().to_vec();
    octets.extend([ORIGIN, 0, 0, 0]);
    octets.extend(u32::from(told.what as u8).to_ne_bytes());
    octets.extend(told.data.to_ne_bytes());
    octets.resize(octets.len() + address, 0);
    octets
}
