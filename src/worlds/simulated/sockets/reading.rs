//! `read` and its relatives.

use super::constants::{MSG_CTRUNC, MSG_DONTWAIT, MSG_ERRQUEUE, MSG_OOB, MSG_PEEK, MSG_TRUNC, MSG_WAITALL, System};
use super::states::is_over;
use super::table::File;
use super::{Done, Sockets, Stop, wrote};
use crate::engine::{Instant, State};
use crate::worlds::Errno;
use crate::worlds::stack::{Answer, Constant, ControlMessage, Fd, Output, ReceiveForm};

/// A call that reads.
pub(super) struct Request<'a> {
    pub form: ReceiveForm,
    /// A null pointer in place of the buffers.
    pub null: bool,
    pub count: u32,
    pub flags: &'a Constant,
    /// Room for control messages.
    pub control: u32,
}

impl Request<'_> {
    /// `read` and `readv` have no flags.
    fn has(&self, flag: super::constants::Flag, system: System) -> bool {
        !matches!(self.form, ReceiveForm::Read | ReceiveForm::Readv) && flag.is_in(self.flags, system)
    }
}

/// The control messages there is room for, the last of them cut short if need be; and whether something is missing
/// (`put_cmsg`).
fn fitted(messages: impl Iterator<Item = ControlMessage>, room: u32) -> (Vec<ControlMessage>, bool) {
    /// `struct cmsghdr`, and what messages are aligned to.
    const HEADER: usize = 16;
    const ALIGNED: usize = 8;
    let (mut room, mut cut, mut kept) = (room as usize, false, Vec::new());
    for mut message in messages {
        let Some(most) = room.checked_sub(HEADER) else {
            cut = true;
            continue;
        };
        cut |= message.data.len() > most;
        message.data.truncate(most);
        room = most.saturating_sub(message.data.len().next_multiple_of(ALIGNED));
        kept.push(message);
    }
    (kept, cut)
}

impl Sockets {
    pub(super) fn receive(&mut self, now: Instant, fd: Fd, request: &Request<'_>) -> Done {
        if !matches!(request.form, ReceiveForm::Read | ReceiveForm::Readv) {
            self.must_be_socket(fd)?;
        }
        match self.file(fd)? {
            File::Stream(_) => self.receive_stream(now, fd, request),
            File::Datagram(_) => self.receive_datagram(now, fd, request),
            File::Zeros(_) => self.read_zeros(fd, request.count, request.null),
            File::Pipe(_) => self.read_pipe(now, fd, request.count, request.null),
            File::Epoll(_) => Err(Errno::Invalid.into()),
        }
    }

    fn receive_stream(&mut self, now: Instant, fd: Fd, request: &Request<'_>) -> Done {
        let stream = self.stream(fd)?;
        let (id, nonblocking) = (stream.id, stream.nonblocking);
        let linux = self.system == System::Linux;
        let has = |flag| request.has(flag, self.system);
        if has(MSG_ERRQUEUE) {
            // ICMP errors are told by SO_ERROR alone, whatever IP_RECVERR says.
            return self.receive_told(fd, request);
        }
        if has(MSG_OOB) {
            return self.receive_urgent(fd, has(MSG_PEEK));
        }
        let (peek, cut) = (has(MSG_PEEK), linux && has(MSG_TRUNC));
        let waits = !nonblocking && !has(MSG_DONTWAIT);
        let whole = has(MSG_WAITALL);
        let low = stream.choices.set_number("SO_RCVLOWAT").unwrap_or(1);
        let patience = stream.choices.receive_timeout;
        if linux && !peek {
            self.pass_mark(now, fd)?;
        }
        let glance = self.host.glance(id)?;
        let unconnected = glance.state == State::Closed && glance.remote.is_none() && glance.error.is_none();
        if unconnected || glance.state == State::Listen {
            return Err(Errno::NotConnected.into());
        }
        let asked = request.count;
        if asked == 0 && linux && matches!(request.form, ReceiveForm::Read | ReceiveForm::Readv) {
            return Ok(Answer::of(0));
        }
        let missing = asked.saturating_sub(self.waiting.progress);
        let target = if whole { asked } else { asked.min(u32::try_from(low).unwrap_or(u32::MAX)).max(1) };
        // At most so much is there; what is asked for may be more than there is memory.
        let skipped = if peek && linux { self.peek_offset(fd)?.unwrap_or(0) } else { 0 };
        let there = glance.readable.saturating_sub(skipped).min(missing).min(self.before_mark(fd)?);
        if request.null && there > 0 && !cut {
            return Err(Errno::Fault.into());
        }
        let before = self.waiting.progress;
        if peek {
            let over = glance.at_end || glance.read_shut || is_over(&glance) || glance.error.is_some();
            if there > 0 && (there >= target || over || !waits) {
                self.move_peek_offset(fd, |offset| offset.saturating_add(there))?;
                return Ok(self.received(fd, now, there, request));
            }
        } else if there > 0 {
            let taken = self.host.recv(id, now, there)?;
            self.waiting.progress += u32::try_from(taken.len()).unwrap_or(u32::MAX);
            self.stream_mut(fd)?.read += taken.len() as u64;
            let taken = u32::try_from(taken.len()).unwrap_or(u32::MAX);
            self.move_peek_offset(fd, |offset| offset.saturating_sub(taken))?;
            if self.is_at_mark(fd)? {
                // A read stops at the mark, whatever it was to wait for.
                return Ok(self.received(fd, now, self.waiting.progress, request));
            }
        }
        let progress = self.waiting.progress;
        let glance = self.host.glance(id)?;
        if progress > 0 && !peek && (progress >= target || !waits) {
            return Ok(self.received(fd, now, progress, request));
        }
        if asked == 0 && (glance.readable > 0 || glance.at_end || glance.read_shut) {
            return Ok(self.received(fd, now, 0, request));
        }
        // FreeBSD tells of an error only what has been read is gone; Linux likewise.
        if glance.readable == 0 || peek {
            if progress > 0 && (glance.error.is_some() || glance.at_end || glance.read_shut || is_over(&glance)) {
                return Ok(self.received(fd, now, progress, request));
            }
            // Behind the peer's FIN Linux says that it is the end, and leaves the error to others (SOCK_DONE).
            let ended = linux && glance.at_end;
            if glance.readable == 0
                && !ended
                && let Some(errno) = self.host.next_error(id)
            {
                return Err(errno.into());
            }
            if glance.readable == 0 && (glance.at_end || glance.read_shut || is_over(&glance)) {
                return Ok(self.received(fd, now, 0, request));
            }
        }
        if !waits {
            return Err(Errno::Again.into());
        }
        debug_assert!(before <= progress);
        self.wait(
            now,
            patience,
            |sockets| {
                if progress > 0 { Ok(sockets.received(fd, now, progress, request)) } else { Err(Errno::Again.into()) }
            },
        )
    }

    /// `SO_PEEK_OFF`: where `MSG_PEEK` begins, if the process has said so.
    fn peek_offset(&self, fd: Fd) -> Result<Option<u32>, Stop> {
        let offset = self.stream(fd)?.choices.set_number("SO_PEEK_OFF");
        Ok(offset.and_then(|offset| u32::try_from(offset).ok()).filter(|_| self.system == System::Linux))
    }

    fn move_peek_offset(&mut self, fd: Fd, moved: impl FnOnce(u32) -> u32) -> Result<(), Stop> {
        if let Some(offset) = self.peek_offset(fd)? {
            self.choices_mut(fd)?.keep("SO_PEEK_OFF", moved(offset).into());
        }
        Ok(())
    }

    /// So many octets were read.
    fn received(&self, fd: Fd, _: Instant, octets: u32, request: &Request<'_>) -> Answer {
        if request.form != ReceiveForm::Recvmsg {
            return Answer::of(octets.into());
        }
        let stamps = if octets > 0 { self.stamps_of_read(fd) } else { Vec::new() };
        let (control, cut) = fitted(stamps.into_iter().chain(self.inq_message(fd)), request.control);
        wrote(octets.into(), Output::Message { flags: if cut { MSG_CTRUNC.on(self.system) } else { 0 }, control })
    }

    /// `TCP_INQ`: what is left to read, beside what was read.
    fn inq_message(&self, fd: Fd) -> Option<ControlMessage> {
        let stream = self.stream(fd).ok().filter(|stream| stream.choices.is_on("TCP_INQ"))?;
        let left = self.host.glance(stream.id).map_or(0, |glance| match (glance.readable, glance.at_end) {
            // Something is there to hear of: the end.
            (0, true) => 1,
            (left, _) => left,
        });
        let level = Constant { value: 6, names: vec!["SOL_TCP".to_owned(), "IPPROTO_TCP".to_owned()] };
        let kind = Constant { value: 36, names: vec!["TCP_CM_INQ".to_owned(), "TCP_INQ".to_owned()] };
        Some(ControlMessage { level, kind, data: i32::try_from(left).unwrap_or(i32::MAX).to_ne_bytes().to_vec() })
    }

    /// Octets before the urgent one, which is the last that the pointer is about; of no end where there is none, or where
    /// it is text like any other.
    fn before_mark(&self, fd: Fd) -> Result<u32, Stop> {
        let stream = self.stream(fd)?;
        if self.system == System::FreeBsd {
            return Ok(u32::MAX);
        }
        let mark = self.host.glance(stream.id)?.urgent.checked_sub(1);
        // What begins at the mark goes on behind it.
        let mark = mark.filter(|mark| *mark > 0 || !stream.choices.is_on("SO_OOBINLINE"));
        Ok(mark.unwrap_or(u32::MAX))
    }

    /// Whether the urgent octet is the next one.
    fn is_at_mark(&self, fd: Fd) -> Result<bool, Stop> {
        Ok(self.system == System::Linux && self.host.glance(self.stream(fd)?.id)?.urgent == 1)
    }

    /// At the mark: the urgent octet is passed over.
    fn pass_mark(&mut self, now: Instant, fd: Fd) -> Result<(), Stop> {
        let id = self.stream(fd)?.id;
        if self.before_mark(fd)? == 0 && self.waiting.progress == 0 && self.host.glance(id)?.readable > 1 {
            let passed = self.host.recv(id, now, 1)?.len();
            self.stream_mut(fd)?.read += passed as u64;
        }
        Ok(())
    }

    /// `MSG_OOB`: the urgent octet alone.
    fn receive_urgent(&mut self, fd: Fd, peek: bool) -> Done {
        if self.system == System::FreeBsd {
            return Err(Stop::Unsupported("recv with MSG_OOB".to_owned()));
        }
        let stream = self.stream(fd)?;
        let glance = self.host.glance(stream.id)?;
        let mark = stream.read + u64::from(glance.urgent);
        if glance.urgent == 0 || stream.choices.is_on("SO_OOBINLINE") || stream.urgent_read == Some(mark) {
            return Err(Errno::Invalid.into());
        }
        if glance.readable < glance.urgent {
            // The pointer is there, and the octet is not.
            return Err(Errno::Again.into());
        }
        if !peek {
            self.stream_mut(fd)?.urgent_read = Some(mark);
        }
        Ok(Answer::of(1))
    }

    fn receive_datagram(&mut self, now: Instant, fd: Fd, request: &Request<'_>) -> Done {
        let has = |flag| request.has(flag, self.system);
        let (peek, real, dont_wait) = (has(MSG_PEEK), has(MSG_TRUNC) && self.system == System::Linux, has(MSG_DONTWAIT));
        if has(MSG_ERRQUEUE) {
            return Err(Errno::Again.into());
        }
        if has(MSG_OOB) {
            return Err(Errno::NotSupported.into());
        }
        let datagram = self.datagram_mut(fd)?;
        let (port, read_shut, waits) = (datagram.port, datagram.read_shut, !datagram.nonblocking && !dont_wait);
        let patience = datagram.choices.receive_timeout;
        let waiting = port.map(|port| self.host.udp_glance(port));
        if let Some(glance) = waiting {
            if let (Some(port), true) = (port, glance.error.is_some()) {
                return Err(self.host.udp_take_error(port).unwrap_or(Errno::Again).into());
            }
            if let (Some(port), Some(length)) = (port, glance.first) {
                if request.null && request.count > 0 && length > 0 {
                    return Err(Errno::Fault.into());
                }
                let copied = length.min(request.count);
                if !peek {
                    self.host.udp_recv(port, Some(copied))?;
                }
                let told = if real { length } else { copied };
                let flags = if length > request.count { MSG_TRUNC.on(self.system) } else { 0 };
                if request.form == ReceiveForm::Recvmsg {
                    return Ok(wrote(told.into(), Output::Message { flags, control: Vec::new() }));
                }
                return Ok(Answer::of(told.into()));
            }
        }
        // Linux looks at that only when it would wait.
        if read_shut && (waits || self.system == System::FreeBsd) {
            return Ok(Answer::of(0));
        }
        if !waits {
            return Err(Errno::Again.into());
        }
        self.wait(now, patience, |_| Err(Errno::Again.into()))
    }
}
