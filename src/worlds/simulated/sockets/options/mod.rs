//! `getsockopt` and `setsockopt`: values as they lie in memory, errors as the systems have them.

mod buffers;
mod effects;
pub(super) mod rows;
mod special;

pub(super) use buffers::{MOST_ASKED, MOST_GROWN, USUAL_SEND};

use super::choices::shown;
use super::constants::System;
use super::table::{Family, File};
use super::{Done, Sockets, Stop, wrote};
use crate::engine::Instant;
use crate::worlds::Errno;
use crate::worlds::stack::{Answer, Constant, Fd, Output};
use rows::{Level, Setting};

/// Octets of an `int`.
const INT: usize = 4;
/// The least that asks for anything: a negative length, as a call sees it.
const NEGATIVE: u32 = 1 << 31;

impl Sockets {
    pub(super) fn get_option(&mut self, now: Instant, fd: Fd, level: &Constant, name: &Constant, len: u32) -> Done {
        self.must_be_socket(fd)?;
        let level = match self.level_of(fd, level) {
            // What Linux asks IP in the end is not supported, what it tells IP has no such option.
            Err(Stop::Errno(Errno::NoProtocol)) if self.system == System::Linux => return Err(Errno::NotSupported.into()),
            level => level?,
        };
        if len >= NEGATIVE {
            return Err(Errno::Invalid.into());
        }
        if self.system == System::FreeBsd && level == Level::Tcp && self.is_gone(fd) {
            return Err(Errno::ConnectionReset.into());
        }
        let room = len as usize;
        if let Some(value) = self.special_value(now, fd, level, name, room)? {
            return Ok(value_of(value, room));
        }
        let row = rows::find(level, name, self.system).ok_or(Errno::NoProtocol)?;
        let profile = self.host.profile();
        let kept = self.choices(fd)?.number(row, profile);
        let value = shown(row, self.reading(fd, row.name, kept)?, self.system);
        Ok(self.number_of(level, row.name, value, room))
    }

    /// The octets of a number: an `int`, but of IP's options one octet where there is room for no more.
    fn number_of(&self, level: Level, name: &str, value: i64, room: usize) -> Answer {
        if name == "SO_MAX_PACING_RATE" && room >= 8 {
            return value_of(value.to_ne_bytes().to_vec(), room);
        }
        let short = level == Level::Ip && room < INT && room > 0 && self.system == System::Linux;
        if let (true, Ok(octet)) = (short, u8::try_from(value)) {
            return value_of(vec![octet], room);
        }
        value_of(int(value), room)
    }

    pub(super) fn set_option(&mut self, now: Instant, fd: Fd, level: &Constant, name: &Constant, value: &[u8], len: u32) -> Done {
        self.must_be_socket(fd)?;
        if len >= NEGATIVE {
            return Err(Errno::Invalid.into());
        }
        self.keep_for_children(fd);
        let level = self.level_of(fd, level)?;
        if self.system == System::FreeBsd && level == Level::Tcp && self.is_gone(fd) {
            return Err(Errno::ConnectionReset.into());
        }
        let given = &value[..value.len().min(len as usize)];
        if self.set_special(now, fd, level, name, given, len)? {
            return Ok(Answer::of(0));
        }
        let row = rows::find(level, name, self.system);
        let number = self.number_in(level, given, len)?;
        let row = row.filter(|row| row.setting != Setting::Never).ok_or(Errno::NoProtocol)?;
        let wanted = self.wanted(fd, row.name, number)?;
        let taken = rows::taken(row, wanted).ok_or(Errno::Invalid)?;
        self.apply(now, fd, row.name, taken)?;
        let linux = self.system == System::Linux;
        let choices = self.choices_mut(fd)?;
        choices.keep(row.name, taken);
        match row.name {
            // There is one clock for both.
            "SO_TIMESTAMP" => choices.forget("SO_TIMESTAMPNS"),
            "SO_TIMESTAMPNS" => choices.forget("SO_TIMESTAMP"),
            "IP_TOS" if linux => choices.keep("SO_PRIORITY", priority_of(taken)),
            _ => {}
        }
        Ok(Answer::of(0))
    }

    /// The number a call gives: too short is `EINVAL`, but of IP's options one octet will do.
    fn number_in(&self, level: Level, given: &[u8], len: u32) -> Result<i64, Stop> {
        if let Some(octets) = given.first_chunk::<INT>() {
            return Ok(i32::from_ne_bytes(*octets).into());
        }
        if len as usize >= INT {
            // There is not as much as it says.
            return Err(Errno::Fault.into());
        }
        match (level, self.system, given.first()) {
            (Level::Ip, System::Linux, octet) => Ok(octet.copied().map_or(0, i64::from)),
            _ => Err(Errno::Invalid.into()),
        }
    }

    /// The level, if a socket of this kind has it.
    fn level_of(&self, fd: Fd, level: &Constant) -> Result<Level, Stop> {
        let level = rows::level(level, self.system).ok_or(Errno::NoProtocol)?;
        let has = match (self.file(fd)?, level) {
            (_, Level::Socket) | (File::Stream(_), Level::Tcp | Level::Ip) | (File::Datagram(_), Level::Udp | Level::Ip) => true,
            (File::Stream(stream), Level::Ipv6) => stream.family == Family::V6,
            (File::Datagram(datagram), Level::Ipv6) => datagram.family == Family::V6,
            (_, Level::Tcp | Level::Udp | Level::Ip | Level::Ipv6) => false,
        };
        if has { Ok(level) } else { Err(Errno::NoProtocol.into()) }
    }

    /// Whether the connection of a socket is over: FreeBSD has nothing to tell of its TCP then, nor in TIME-WAIT.
    fn is_gone(&self, fd: Fd) -> bool {
        let glance = self.stream(fd).ok().and_then(|stream| self.host.glance(stream.id).ok());
        glance.is_some_and(|glance| super::states::is_over(&glance))
    }
}

/// What a type of service is worth in the queue of a device (`rt_tos2priority`).
const fn priority_of(tos: i64) -> i64 {
    match tos & 0x18 {
        0x00 => 0,
        0x08 => 2,
        0x10 => 6,
        _ => 4,
    }
}

/// An `int` in memory.
fn int(value: i64) -> Vec<u8> {
    #[expect(clippy::cast_possible_truncation, reason = "what an int has no room for is cut off, as in memory")]
    (value as i32).to_ne_bytes().to_vec()
}

/// Success with as much of a value as there is room for.
fn value_of(mut value: Vec<u8>, room: usize) -> Answer {
    value.truncate(room);
    wrote(0, Output::Value(value))
}
