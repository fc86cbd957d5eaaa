//! `poll` and `epoll`.

use std::collections::BTreeMap;
use std::time::Duration;

use super::constants::{
    EPOLLET, EPOLLONESHOT, POLLERR, POLLHUP, POLLIN, POLLNVAL, POLLOUT, POLLPRI, POLLRDHUP, POLLRDNORM, POLLWRBAND, POLLWRNORM, System, is,
};
use super::states::is_over;
use super::table::{Datagram, File, Stream};
use super::{Done, Sockets, Stop, wrote};
use crate::engine::{Instant, State};
use crate::worlds::Errno;
use crate::worlds::simulated::Glance;
use crate::worlds::stack::{Answer, Constant, EpollEvent, Fd, Output, PollFd};

/// Descriptors one `poll` may name (`RLIMIT_NOFILE`).
const MOST: usize = 1024;

/// An epoll descriptor: whom it watches.
#[derive(Clone, Debug, Default)]
pub(super) struct Epoll {
    watched: BTreeMap<Fd, Watched>,
    /// Whom it tells of next: as a kernel's list, it goes round.
    turn: Vec<Fd>,
}

/// A descriptor that is watched.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Watched {
    events: u32,
    data: u64,
    /// Something happened since it was last told of.
    stirred: bool,
    /// What was there when it was last looked at.
    seen: Seen,
}

/// What of a descriptor, when it grows, wakes those who wait for it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
struct Seen {
    bits: u32,
    readable: u32,
    waiting: usize,
    state: Option<State>,
    ended: bool,
}

impl Sockets {
    pub(super) fn poll(&mut self, now: Instant, fds: &[PollFd], timeout: i32) -> Done {
        if fds.len() > MOST {
            return Err(Errno::Invalid.into());
        }
        let found = self.found(fds);
        for (entry, bits) in fds.iter().zip(&found) {
            self.note_wish(entry.fd, asked(&entry.events), u32::from(bits.cast_unsigned()));
        }
        let count = found.iter().filter(|events| **events != 0).count();
        if count > 0 || timeout == 0 {
            return Ok(wrote(i64::try_from(count).unwrap_or(0), Output::Poll(found)));
        }
        let patience = u64::try_from(timeout).ok().map(Duration::from_millis);
        self.wait(now, patience, |_| Ok(wrote(0, Output::Poll(found))))
    }

    fn found(&self, fds: &[PollFd]) -> Vec<i16> {
        let always = POLLERR.on(self.system) | POLLHUP.on(self.system);
        let bits = fds.iter().map(|entry| {
            // A negative one is left out.
            if entry.fd < 0 {
                return 0;
            }
            let asked = asked(&entry.events);
            self.bits(entry.fd, asked).map_or(POLLNVAL.on(self.system), |bits| bits & (asked | always))
        });
        #[expect(clippy::cast_possible_truncation, reason = "poll has the lower sixteen bits")]
        bits.map(|bits| (bits as u16).cast_signed()).collect()
    }

    /// The events of a descriptor now; `None` if it is not open.
    fn bits(&self, fd: Fd, asked: u32) -> Option<u32> {
        let (readable, writable) =
            (POLLIN.on(self.system) | POLLRDNORM.on(self.system), POLLOUT.on(self.system) | POLLWRNORM.on(self.system));
        Some(match self.files.get(&fd)? {
            File::Stream(stream) => {
                let glance = self.host.glance(stream.id).ok()?;
                match self.system {
                    System::Linux => stream_bits(stream, &glance, self.is_writable(stream, &glance)),
                    System::FreeBsd => freebsd_bits(&glance, asked),
                }
            }
            File::Datagram(datagram) => self.datagram_bits(datagram),
            File::Zeros(_) => readable | writable,
            File::Pipe(pipe) if pipe.writes => {
                let room = if self.room_in(*pipe) > 0 { writable } else { 0 };
                room | if self.is_alone(*pipe) { POLLERR.on(self.system) } else { 0 }
            }
            File::Pipe(pipe) => {
                let held = if self.in_pipe(*pipe) > 0 { readable } else { 0 };
                held | if self.is_alone(*pipe) { POLLHUP.on(self.system) } else { 0 }
            }
            File::Epoll(epoll) => {
                let ready = epoll.watched.iter().any(|(fd, watched)| watched.stirred && self.wanted_bits(*fd, watched.events) != 0);
                if ready { readable } else { 0 }
            }
        })
    }

    fn datagram_bits(&self, datagram: &Datagram) -> u32 {
        let glance = datagram.port.map(|port| self.host.udp_glance(port)).unwrap_or_default();
        let system = self.system;
        let mut bits = POLLOUT.on(system) | POLLWRNORM.on(system) | POLLWRBAND.on(system);
        if glance.first.is_some() || datagram.read_shut {
            bits |= POLLIN.on(system) | POLLRDNORM.on(system);
        }
        if datagram.read_shut {
            bits |= POLLRDHUP.on(system);
        }
        if datagram.read_shut && datagram.write_shut {
            bits |= POLLHUP.on(system);
        }
        if glance.error.is_some() {
            bits |= POLLERR.on(system);
        }
        bits
    }

    pub(super) fn epoll_create(&mut self, size: i32) -> Done {
        if size <= 0 {
            return Err(Errno::Invalid.into());
        }
        Ok(Answer::of(self.give_out(File::Epoll(Epoll::default()))?.into()))
    }

    fn epoll(&mut self, epoll: Fd) -> Result<&mut Epoll, Errno> {
        match self.files.get_mut(&epoll).ok_or(Errno::BadDescriptor)? {
            File::Epoll(epoll) => Ok(epoll),
            File::Stream(_) | File::Datagram(_) | File::Zeros(_) | File::Pipe(_) => Err(Errno::Invalid),
        }
    }

    pub(super) fn epoll_control(&mut self, epoll: Fd, operation: &Constant, fd: Fd, events: &Constant, data: u64) -> Done {
        self.file(epoll)?;
        match self.file(fd)? {
            // A file of the disk is always ready, and not taken.
            File::Zeros(_) => return Err(Errno::NotPermitted.into()),
            File::Epoll(_) if fd != epoll => {
                self.epoll(epoll)?;
                return Err(Stop::Unsupported("epoll of an epoll".to_owned()));
            }
            File::Stream(_) | File::Datagram(_) | File::Pipe(_) | File::Epoll(_) => {}
        }
        self.epoll(epoll)?;
        if fd == epoll {
            return Err(Errno::Invalid.into());
        }
        let events = asked(events) | POLLERR.on(System::Linux) | POLLHUP.on(System::Linux);
        let seen = self.see(fd);
        let list = self.epoll(epoll)?;
        let there = list.watched.contains_key(&fd);
        if is(operation, &["EPOLL_CTL_ADD"], 1) {
            if there {
                return Err(Errno::Exists.into());
            }
            list.watched.insert(fd, Watched { events, data, stirred: true, seen });
            list.turn.push(fd);
        } else if is(operation, &["EPOLL_CTL_MOD"], 3) {
            if !there {
                return Err(Errno::NoEntry.into());
            }
            list.watched.insert(fd, Watched { events, data, stirred: true, seen });
        } else if is(operation, &["EPOLL_CTL_DEL"], 2) {
            if list.watched.remove(&fd).is_none() {
                return Err(Errno::NoEntry.into());
            }
            list.turn.retain(|other| *other != fd);
        } else {
            return Err(Errno::Invalid.into());
        }
        Ok(Answer::of(0))
    }

    pub(super) fn epoll_wait(&mut self, now: Instant, epoll: Fd, max: i32, timeout: i32) -> Done {
        self.file(epoll)?;
        let most = usize::try_from(max).ok().filter(|most| *most > 0).ok_or(Errno::Invalid)?;
        self.note_events(now);
        let turn = self.epoll(epoll)?.turn.clone();
        let mut found = Vec::new();
        for fd in turn {
            if found.len() >= most {
                break;
            }
            let Some(&watched) = self.epoll(epoll)?.watched.get(&fd) else { continue };
            let bits = if watched.stirred { self.wanted_bits(fd, watched.events) } else { 0 };
            self.note_wish(fd, watched.events, bits);
            let list = self.epoll(epoll)?;
            let Some(kept) = list.watched.get_mut(&fd) else { continue };
            if bits == 0 {
                // It has to stir again.
                kept.stirred = false;
                continue;
            }
            found.push(EpollEvent { events: bits, data: watched.data });
            if watched.events & EPOLLONESHOT.on(System::Linux) != 0 {
                kept.events &= EPOLLET.on(System::Linux) | EPOLLONESHOT.on(System::Linux);
                kept.stirred = false;
            } else if watched.events & EPOLLET.on(System::Linux) != 0 {
                kept.stirred = false;
            }
            list.turn.retain(|other| *other != fd);
            list.turn.push(fd);
        }
        if !found.is_empty() || timeout == 0 {
            return Ok(wrote(i64::try_from(found.len()).unwrap_or(0), Output::Epoll(found)));
        }
        let patience = u64::try_from(timeout).ok().map(Duration::from_millis);
        self.wait(now, patience, |_| Ok(wrote(0, Output::Epoll(Vec::new()))))
    }

    /// What is there of what is asked for.
    fn wanted_bits(&self, fd: Fd, events: u32) -> u32 {
        self.bits(fd, events).unwrap_or(0) & events
    }

    /// Whoever asks for room where there is none waits for it.
    fn note_wish(&mut self, fd: Fd, asked: u32, bits: u32) {
        if asked & !bits & POLLOUT.on(self.system) != 0 {
            self.note_no_room(fd);
        }
    }

    fn see(&self, fd: Fd) -> Seen {
        let bits = self.bits(fd, u32::MAX).unwrap_or(0);
        let glance = self.stream(fd).ok().and_then(|stream| self.host.glance(stream.id).ok());
        let Some(glance) = glance else { return Seen { bits, ..Seen::default() } };
        let ended = glance.at_end || glance.error.is_some();
        Seen { bits, readable: glance.readable, waiting: glance.waiting, state: Some(glance.state), ended }
    }

    /// Looks at everything that is watched: what has grown wakes whoever waits for it.
    pub(super) fn note_events(&mut self, _: Instant) {
        let lists: Vec<(Fd, Vec<Fd>)> = self
            .files
            .iter()
            .filter_map(
                |(fd, file)| if let File::Epoll(epoll) = file { Some((*fd, epoll.watched.keys().copied().collect())) } else { None },
            )
            .collect();
        for (epoll, watched) in lists {
            for fd in watched {
                let fresh = self.see(fd);
                let Ok(list) = self.epoll(epoll) else { continue };
                let Some(item) = list.watched.get_mut(&fd) else { continue };
                let old = item.seen;
                let arrived = fresh.readable > old.readable || fresh.waiting > old.waiting;
                let text = arrived && item.events & (POLLIN.on(System::Linux) | POLLRDNORM.on(System::Linux)) != 0;
                let risen = fresh.bits & !old.bits & item.events != 0;
                let changed = fresh.state != old.state || fresh.ended && !old.ended;
                item.stirred |= text || risen || changed;
                item.seen = fresh;
            }
        }
    }

    /// A descriptor is closed: nobody watches it any more.
    pub(super) fn forget_watched(&mut self, fd: Fd) {
        for file in self.files.values_mut() {
            if let File::Epoll(epoll) = file {
                epoll.watched.remove(&fd);
                epoll.turn.retain(|other| *other != fd);
            }
        }
    }
}

/// The bits asked for.
fn asked(events: &Constant) -> u32 {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the field has 32 bits")]
    (events.value as u32)
}

/// `tcp_poll` of Linux.
fn stream_bits(stream: &Stream, glance: &Glance, writable: bool) -> u32 {
    let on = |flag: super::constants::Flag| flag.on(System::Linux);
    if glance.state == State::Listen {
        return if glance.waiting > 0 { on(POLLIN) | on(POLLRDNORM) } else { 0 };
    }
    if stream.deferred.is_some() {
        return on(POLLOUT) | on(POLLWRNORM);
    }
    // Whoever holds a socket in TIME-WAIT sees it closed.
    let over = is_over(glance) || glance.state == State::TimeWait;
    let closed = over || glance.state == State::Closed;
    let (read_shut, write_shut) = (glance.read_shut || glance.at_end || over, glance.write_shut || over);
    let mut bits = 0;
    if closed || (read_shut && write_shut) {
        bits |= on(POLLHUP);
    }
    if read_shut {
        bits |= on(POLLIN) | on(POLLRDNORM) | on(POLLRDHUP);
    }
    // A child of a fast open can be read before its handshake is done.
    let early = glance.state == State::SynReceived && stream.progress == super::table::Progress::Connected;
    let opening = glance.state.is_opening() && !early;
    if !opening {
        let low = stream.choices.set_number("SO_RCVLOWAT").unwrap_or(1);
        if i64::from(glance.readable) >= low && glance.readable > 0 {
            bits |= on(POLLIN) | on(POLLRDNORM);
        }
        if write_shut || writable {
            bits |= on(POLLOUT) | on(POLLWRNORM);
        }
        let fresh = stream.urgent_read != Some(stream.read + u64::from(glance.urgent));
        if glance.urgent > 0 && glance.urgent <= glance.readable && fresh {
            bits |= on(POLLPRI);
        }
    }
    if glance.error.is_some() || stream.stamps.has_told() {
        bits |= on(POLLERR);
    }
    bits
}

/// `sopoll_generic` of FreeBSD.
fn freebsd_bits(glance: &Glance, asked: u32) -> u32 {
    let on = |flag: super::constants::Flag| flag.on(System::FreeBsd);
    if glance.state == State::Listen {
        return if glance.waiting > 0 { on(POLLIN) | on(POLLRDNORM) } else { 0 };
    }
    let over = is_over(glance);
    let (read_shut, write_shut) = (glance.read_shut || glance.at_end || over, glance.write_shut || over);
    let open = !matches!(glance.state, State::Closed | State::SynSent | State::SynReceived);
    let mut bits = 0;
    if glance.readable > 0 || read_shut || glance.error.is_some() {
        bits |= on(POLLIN) | on(POLLRDNORM);
    }
    let free = glance.send_buffer.saturating_sub(glance.unacknowledged);
    if (open && free >= 2048.min(glance.send_buffer)) || write_shut || glance.error.is_some() {
        bits |= on(POLLOUT) | on(POLLWRNORM);
    }
    if read_shut {
        bits |= asked & on(POLLRDHUP);
        if write_shut {
            bits |= on(POLLHUP);
        }
    }
    if glance.urgent > 0 {
        bits |= on(POLLPRI);
    }
    bits
}
