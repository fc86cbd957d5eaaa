//! The options whose value is no number, or is one that the host has to be asked for.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use super::super::constants::System;
use super::super::errnos;
use super::super::table::{Family, File};
use super::super::{Sockets, Stop};
use super::rows::Level;
use super::{INT, int};
use crate::engine::{Instant, State};
use crate::worlds::simulated::SocketId;
use crate::worlds::stack::{Constant, Fd};
use crate::worlds::{Errno, SocketOption};

/// The names of congestion controls that Linux 6.18 has built in and lets everybody choose, or that scripts ask for and
/// that grow as they do where nothing is lost.
const CONGESTION_CONTROLS: [&str; 2] = ["reno", "cubic"];
/// What a kernel may have besides.
const OTHERS: [&str; 18] = [
    "bbr",
    "bic",
    "cdg",
    "chd",
    "dctcp",
    "hd",
    "highspeed",
    "htcp",
    "hybla",
    "illinois",
    "lp",
    "nv",
    "prague",
    "scalable",
    "vegas",
    "veno",
    "westwood",
    "yeah",
];
/// Octets of the name of a congestion control (`TCP_CA_NAME_MAX`).
const NAME_OCTETS: usize = 16;

impl Sockets {
    /// The value of an option that is not in the table; `None` for those that are.
    pub(super) fn special_value(
        &mut self,
        now: Instant,
        fd: Fd,
        level: Level,
        name: &Constant,
        room: usize,
    ) -> Result<Option<Vec<u8>>, Stop> {
        let known = |known: &str| name.has(known);
        let value = match level {
            Level::Socket if known("SO_ERROR") => int(self.take_error(fd).map_or(0, |errno| errnos::number(errno, self.system))),
            Level::Socket if known("SO_TYPE") => int(if matches!(self.file(fd)?, File::Stream(_)) { 1 } else { 2 }),
            Level::Socket if known("SO_PROTOCOL") => int(if matches!(self.file(fd)?, File::Stream(_)) { 6 } else { 17 }),
            Level::Socket if known("SO_DOMAIN") => int(self.domain_of(fd)?),
            Level::Socket if known("SO_ACCEPTCONN") => int(self.accepts(fd)),
            Level::Socket if known("SO_SNDBUF") => int(self.send_buffer(fd)?),
            Level::Socket if known("SO_RCVBUF") => int(self.receive_buffer(fd)?),
            Level::Socket if known("SO_LINGER") => {
                let (on, seconds) = self.choices(fd)?.linger;
                let on = if self.system == System::FreeBsd && on { 0x80 } else { i64::from(on) };
                [int(on), int(seconds.into())].concat()
            }
            Level::Socket if known("SO_RCVTIMEO") => timeval(self.choices(fd)?.receive_timeout),
            Level::Socket if known("SO_SNDTIMEO") => timeval(self.choices(fd)?.send_timeout),
            Level::Socket if known("SO_BINDTODEVICE") => Vec::new(),
            Level::Socket if known("SO_TIMESTAMPING") && self.system == System::Linux => [int(self.stamps_of(fd)?), int(0)].concat(),
            Level::Socket if known("SO_MEMINFO") => self.memory_of(fd)?.into_iter().flat_map(int).collect(),
            Level::Tcp if known("TCP_CONGESTION") => {
                let chosen = self.choices(fd)?.congestion.clone();
                let mut text = chosen.unwrap_or_else(|| self.parameters.congestion_control.clone()).into_bytes();
                text.resize(NAME_OCTETS, 0);
                text
            }
            Level::Tcp if known("TCP_INFO") => self.info_octets(now, fd)?,
            Level::Tcp if known("TCP_CC_INFO") => Vec::new(),
            Level::Tcp if known("TCP_SAVED_SYN") => self.saved_syn(fd, room)?,
            Level::Tcp if known("TCP_REPAIR") => int(0),
            Level::Tcp if known("TCP_REPAIR_QUEUE") || known("TCP_QUEUE_SEQ") => return Err(Errno::Invalid.into()),
            Level::Tcp if known("TCP_ULP") => Vec::new(),
            Level::Tcp if known("TCP_FASTOPEN_KEY") => self.host.fast_open_keys(self.stream(fd)?.id)?.concat(),
            Level::Tcp if known("TCP_FUNCTION_BLK") && self.system == System::FreeBsd => {
                let mut set = OWN_STACK.to_vec();
                set.resize(STACK_NAME, 0);
                let users = self.files.values().filter(|file| matches!(file, File::Stream(_))).count();
                set.extend(int(i64::try_from(users).unwrap_or(0)));
                set
            }
            Level::Tcp if known("TCP_TIMESTAMP") && self.system == System::Linux => {
                let clock = self.host.timestamp_of(self.stream(fd)?.id, now)?;
                clock.to_ne_bytes().to_vec()
            }
            Level::Ip if known("IP_MTU") => int(self.mtu_of(now, fd)?),
            Level::Ipv6 if known("IPV6_MTU") => int(self.mtu_of(now, fd)?),
            Level::Socket | Level::Tcp | Level::Ip | Level::Ipv6 | Level::Udp => return self.foreign_value(level, name, room),
        };
        Ok(Some(value))
    }

    /// What exists on a live system and has no meaning here.
    fn foreign_value(&self, level: Level, name: &Constant, _: usize) -> Result<Option<Vec<u8>>, Stop> {
        const BEYOND: &[&str] = &["TCP_ZEROCOPY_RECEIVE", "SO_PEERCRED"];
        if super::rows::find(level, name, self.system).is_some() {
            return Ok(None);
        }
        match BEYOND.iter().find(|beyond| name.has(beyond)) {
            Some(beyond) => Err(Stop::Unsupported(format!("getsockopt of {beyond}"))),
            None => Ok(None),
        }
    }

    /// Sets an option that is not in the table; `false` for those that are.
    pub(super) fn set_special(
        &mut self,
        now: Instant,
        fd: Fd,
        level: Level,
        name: &Constant,
        given: &[u8],
        len: u32,
    ) -> Result<bool, Stop> {
        const BEYOND: &[&str] = &["IPV6_FLOWLABEL_MGR", "TCP_TIMESTAMP", "SO_ATTACH_FILTER", "SO_TXTIME", "IP_OPTIONS", "TCP_AO_ADD_KEY"];
        let known = |known: &str| name.has(known);
        match level {
            Level::Socket if known("SO_LINGER") => self.set_linger(now, fd, given, len)?,
            Level::Socket if known("SO_RCVTIMEO") => self.choices_mut(fd)?.receive_timeout = timeout(given, len)?,
            Level::Socket if known("SO_SNDTIMEO") => self.choices_mut(fd)?.send_timeout = timeout(given, len)?,
            Level::Socket if known("SO_SNDBUF") || known("SO_SNDBUFFORCE") => {
                let value = self.number_in(level, given, len)?;
                self.set_send_buffer(fd, value, known("SO_SNDBUFFORCE"))?;
            }
            Level::Socket if known("SO_RCVBUF") || known("SO_RCVBUFFORCE") => {
                let value = self.number_in(level, given, len)?;
                self.set_receive_buffer(fd, value, known("SO_RCVBUFFORCE"))?;
            }
            Level::Socket if known("SO_TIMESTAMPING") && self.system == System::Linux => {
                let value = self.number_in(level, given, len)?;
                self.set_stamps(fd, value)?;
            }
            Level::Socket if known("SO_BINDTODEVICE") => {
                if given.first().is_some_and(|octet| *octet != 0) {
                    return Err(Errno::NoDevice.into());
                }
            }
            Level::Tcp if known("TCP_CONGESTION") => self.set_congestion(fd, given, len)?,
            Level::Tcp if known("TCP_REPAIR") => {
                let value = self.number_in(level, given, len)?;
                if !(-1..=1).contains(&value) {
                    return Err(Errno::Invalid.into());
                }
                return Err(Stop::Unsupported("TCP_REPAIR: a connection that is made up".to_owned()));
            }
            Level::Tcp if known("TCP_REPAIR_QUEUE") || known("TCP_QUEUE_SEQ") => return Err(Errno::NotPermitted.into()),
            Level::Tcp if known("TCP_FASTOPEN_KEY") => {
                // One key, or one and the one before it.
                let (keys, []) = given.as_chunks::<16>() else { return Err(Errno::Invalid.into()) };
                if keys.is_empty() || keys.len() > 2 {
                    return Err(Errno::Invalid.into());
                }
                let id = self.stream(fd)?.id;
                self.host.set_listener_fast_open_keys(id, keys)?;
            }
            Level::Tcp if known("TCP_MD5SIG") && self.system == System::Linux => self.set_signature(fd, given, len, false)?,
            Level::Tcp if known("TCP_MD5SIG_EXT") => self.set_signature(fd, given, len, true)?,
            Level::Tcp if known("TCP_ULP") => return Err(Errno::NoEntry.into()),
            Level::Tcp if known("TCP_FUNCTION_BLK") && self.system == System::FreeBsd => choose_stack(given, len)?,
            Level::Socket | Level::Tcp | Level::Ip | Level::Ipv6 | Level::Udp => {
                return match BEYOND.iter().find(|beyond| name.has(beyond)) {
                    Some(beyond) if super::rows::find(level, name, self.system).is_none() => {
                        Err(Stop::Unsupported(format!("setsockopt of {beyond}")))
                    }
                    Some(_) | None => Ok(false),
                };
            }
        }
        Ok(true)
    }

    fn set_linger(&mut self, now: Instant, fd: Fd, given: &[u8], len: u32) -> Result<(), Stop> {
        let (on, seconds) = two_ints(given, len)?;
        if let File::Stream(stream) = self.file(fd)? {
            let time = u16::try_from(seconds).unwrap_or(u16::MAX);
            self.host.set_option(stream.id, now, SocketOption::Linger((on != 0).then_some(time)))?;
        }
        // Linux keeps the seconds only while it is on.
        let kept = if on != 0 || self.system == System::FreeBsd { seconds } else { self.choices(fd)?.linger.1 };
        self.choices_mut(fd)?.linger = (on != 0, kept);
        Ok(())
    }

    /// `TCP_MD5SIG` of FreeBSD, a switch: the key is known to the host, for whichever peer.
    pub(super) fn sign(&mut self, id: SocketId, on: bool) -> Result<(), Stop> {
        let key = match (&self.secret, on) {
            (Some(secret), true) => secret.clone(),
            (None, true) => return Err(Stop::Unsupported("TCP_MD5SIG without a key that the host knows".to_owned())),
            (_, false) => Vec::new(),
        };
        let all = if self.host.address().is_ipv4() { IpAddr::V4(Ipv4Addr::UNSPECIFIED) } else { IpAddr::V6(Ipv6Addr::UNSPECIFIED) };
        match self.host.set_signature_key(id, all, Some(0), &key) {
            // It was off before.
            Err(Errno::NoEntry) => Ok(()),
            done => Ok(done?),
        }
    }

    /// `TCP_MD5SIG` of Linux: a `struct tcp_md5sig`.
    fn set_signature(&mut self, fd: Fd, given: &[u8], len: u32, extended: bool) -> Result<(), Stop> {
        const STRUCTURE: u32 = 216;
        const ADDRESS: usize = 128;
        const KEY: usize = 136;
        let id = self.stream(fd)?.id;
        let Some(given) = given.get(..STRUCTURE as usize) else { return Err(short(len, STRUCTURE)) };
        let family = u16::from_ne_bytes([given[0], given[1]]);
        let address: IpAddr = match family {
            2 => [given[4], given[5], given[6], given[7]].into(),
            10 => {
                let octets: [u8; 16] = given[8..24].try_into().map_err(|_| Errno::Invalid)?;
                Ipv6Addr::from(octets).to_canonical()
            }
            _ => return Err(Errno::Invalid.into()),
        };
        let (flags, prefix) = (given[ADDRESS], given[ADDRESS + 1]);
        let length = u16::from_ne_bytes([given[ADDRESS + 2], given[ADDRESS + 3]]);
        let key = given[KEY..].get(..usize::from(length)).ok_or(Errno::Invalid)?;
        let prefix = (extended && flags & 1 != 0).then_some(prefix);
        Ok(self.host.set_signature_key(id, address, prefix, key)?)
    }

    fn set_congestion(&mut self, fd: Fd, given: &[u8], len: u32) -> Result<(), Stop> {
        if len == 0 {
            return Err(Errno::Invalid.into());
        }
        let name: Vec<u8> = given.iter().copied().take(NAME_OCTETS - 1).take_while(|octet| *octet != 0).collect();
        let known = CONGESTION_CONTROLS.into_iter().chain(["newreno"].into_iter().filter(|_| self.system == System::FreeBsd));
        if let Some(other) = OTHERS.into_iter().find(|other| other.as_bytes() == name) {
            return Err(Stop::Unsupported(format!("the congestion control {other}: reno and cubic are simulated")));
        }
        let chosen = known.into_iter().find(|known| known.as_bytes() == name).ok_or(Errno::NoEntry)?;
        if let File::Stream(stream) = self.file(fd)? {
            let control = if chosen == "newreno" { "reno" } else { chosen };
            // A profile without such a knob has one congestion control for all.
            self.host.adjust(stream.id, |profile| _ = profile.set("congestion-control", control))?;
        }
        self.choices_mut(fd)?.congestion = Some(chosen.to_owned());
        Ok(())
    }

    /// What the next call would fail with; it does not any more.
    pub(in super::super) fn take_error(&mut self, fd: Fd) -> Option<Errno> {
        match self.files.get(&fd)? {
            File::Stream(stream) => self.host.take_error(stream.id).ok()?,
            File::Datagram(datagram) => self.host.udp_take_error(datagram.port?),
            File::Zeros(_) | File::Pipe(_) | File::Epoll(_) => None,
        }
    }

    fn domain_of(&self, fd: Fd) -> Result<i64, Stop> {
        let family = match self.file(fd)? {
            File::Stream(stream) => stream.family,
            File::Datagram(datagram) => datagram.family,
            File::Zeros(_) | File::Pipe(_) | File::Epoll(_) => return Err(Errno::NotSocket.into()),
        };
        Ok(match (family, self.system) {
            (Family::V4, _) => 2,
            (Family::V6, System::Linux) => 10,
            (Family::V6, System::FreeBsd) => 28,
        })
    }

    fn accepts(&self, fd: Fd) -> i64 {
        let listens = self.stream(fd).is_ok_and(|stream| self.host.state(stream.id) == State::Listen);
        match (listens, self.system) {
            (false, _) => 0,
            (true, System::Linux) => 1,
            (true, System::FreeBsd) => 2,
        }
    }

    fn mtu_of(&self, now: Instant, fd: Fd) -> Result<i64, Stop> {
        let stream = self.stream(fd)?;
        if !self.host.state(stream.id).is_synchronized() {
            return Err(Errno::NotConnected.into());
        }
        Ok(self.host.connection_mtu(stream.id, now)?.into())
    }
}

/// The one stack there is: FreeBSD's own.
const OWN_STACK: &[u8] = b"freebsd";
/// `TCP_FUNCTION_NAME_LEN_MAX`: octets of a stack's name in a `struct tcp_function_set`.
const STACK_NAME: usize = 32;

/// `TCP_FUNCTION_BLK`: the one stack is had already, and any other would do otherwise.
fn choose_stack(given: &[u8], len: u32) -> Result<(), Stop> {
    let Some(name) = given.get(..STACK_NAME).filter(|_| given.len() >= STACK_NAME + INT) else {
        return Err(short(len, 36));
    };
    let end = name.iter().position(|octet| *octet == 0).unwrap_or(STACK_NAME);
    match &name[..end] {
        OWN_STACK | b"default" => Ok(()),
        other => Err(Stop::Unsupported(format!("the stack {}", String::from_utf8_lossy(other)))),
    }
}

/// A `struct timeval` of two 64-bit numbers; none is zeros.
fn timeval(patience: Option<Duration>) -> Vec<u8> {
    let patience = patience.unwrap_or_default();
    [patience.as_secs().to_ne_bytes(), u64::from(patience.subsec_micros()).to_ne_bytes()].concat()
}

/// A `struct timeval` that is given; zeros are none.
fn timeout(given: &[u8], len: u32) -> Result<Option<Duration>, Stop> {
    let Some((seconds, rest)) = given.split_first_chunk::<8>() else { return Err(short(len, 16)) };
    let Some((micros, _)) = rest.split_first_chunk::<8>() else { return Err(short(len, 16)) };
    let (seconds, micros) = (i64::from_ne_bytes(*seconds), i64::from_ne_bytes(*micros));
    let micros = u32::try_from(micros).ok().filter(|micros| *micros < 1_000_000).ok_or(Errno::OutOfDomain)?;
    // A time before the call is no wait at all.
    let Ok(seconds) = u64::try_from(seconds) else { return Ok(Some(Duration::from_nanos(1))) };
    let wanted = Duration::from_secs(seconds) + Duration::from_micros(micros.into());
    Ok((!wanted.is_zero()).then_some(wanted))
}

fn two_ints(given: &[u8], len: u32) -> Result<(i32, i32), Stop> {
    let Some((first, rest)) = given.split_first_chunk::<INT>() else { return Err(short(len, 8)) };
    let Some((second, _)) = rest.split_first_chunk::<INT>() else { return Err(short(len, 8)) };
    Ok((i32::from_ne_bytes(*first), i32::from_ne_bytes(*second)))
}

/// Too little is `EINVAL`; less than it is said to be is a pointer to nothing.
fn short(len: u32, needed: u32) -> Stop {
    if len < needed { Errno::Invalid.into() } else { Errno::Fault.into() }
}
