//! What is no socket: files of zeros, pipes, and the calls between them and sockets.

use super::constants::{O_NONBLOCK, SPLICE_F_NONBLOCK};
use super::table::File;
use super::writing::Manner;
use super::{Done, Sockets, Stop, wrote};
use crate::engine::Instant;
use crate::worlds::Errno;
use crate::worlds::stack::{Answer, Constant, Fd, Output};

/// Octets a pipe holds.
const CAPACITY: u32 = 65_536;
/// Octets Linux lets one call read or write.
const MOST: u32 = 0x7fff_f000;

/// One end of a pipe.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Pipe {
    /// What both ends have in common.
    number: u32,
    /// Whether it is the end that is written.
    pub writes: bool,
    pub nonblocking: bool,
    /// Octets in it, as the end that is read counts them.
    held: u32,
}

impl Sockets {
    pub(super) fn open(&mut self, _: &Constant) -> Done {
        Ok(Answer::of(self.give_out(File::Zeros(0))?.into()))
    }

    pub(super) fn pipe(&mut self) -> Done {
        let numbers = self.files.values().filter_map(|file| if let File::Pipe(pipe) = file { Some(pipe.number) } else { None });
        let number = numbers.max().map_or(0, |number| number + 1);
        let end = |writes| Pipe { number, writes, nonblocking: false, held: 0 };
        let read = self.give_out(File::Pipe(end(false)))?;
        let write = self.give_out(File::Pipe(end(true))).inspect_err(|_| {
            self.files.remove(&read);
        })?;
        Ok(wrote(0, Output::Pair(read, write)))
    }

    pub(super) fn read_zeros(&mut self, fd: Fd, count: u32, null: bool) -> Done {
        if null && count > 0 {
            return Err(Errno::Fault.into());
        }
        let count = count.min(MOST);
        if let Some(File::Zeros(at)) = self.files.get_mut(&fd) {
            *at += u64::from(count);
        }
        Ok(Answer::of(count.into()))
    }

    /// Octets in the pipe.
    pub(super) fn in_pipe(&self, pipe: Pipe) -> u32 {
        self.other_end(pipe.number, false).map_or(0, |(_, pipe)| pipe.held)
    }

    /// This end of the pipe, if it is open.
    pub(super) fn other_end(&self, number: u32, writes: bool) -> Option<(Fd, Pipe)> {
        self.files.iter().find_map(|(fd, file)| match file {
            File::Pipe(pipe) if pipe.number == number && pipe.writes == writes => Some((*fd, *pipe)),
            File::Pipe(_) | File::Stream(_) | File::Datagram(_) | File::Zeros(_) | File::Epoll(_) => None,
        })
    }

    /// Whether the other end of the pipe is closed.
    pub(super) fn is_alone(&self, pipe: Pipe) -> bool {
        self.other_end(pipe.number, !pipe.writes).is_none()
    }

    /// Octets there is room for.
    pub(super) fn room_in(&self, pipe: Pipe) -> u32 {
        CAPACITY.saturating_sub(self.in_pipe(pipe))
    }

    fn set_held(&mut self, number: u32, held: u32) {
        if let Some((fd, _)) = self.other_end(number, false)
            && let Some(File::Pipe(pipe)) = self.files.get_mut(&fd)
        {
            pipe.held = held;
        }
    }

    fn pipe_of(&self, fd: Fd, writes: bool) -> Result<Option<Pipe>, Errno> {
        match self.file(fd)? {
            File::Pipe(pipe) if pipe.writes == writes => Ok(Some(*pipe)),
            File::Pipe(_) => Err(Errno::BadDescriptor),
            File::Stream(_) | File::Datagram(_) | File::Zeros(_) | File::Epoll(_) => Ok(None),
        }
    }

    pub(super) fn read_pipe(&mut self, now: Instant, fd: Fd, count: u32, null: bool) -> Done {
        let Some(pipe) = self.pipe_of(fd, false)? else { return Err(Errno::BadDescriptor.into()) };
        let taken = pipe.held.min(count);
        if taken > 0 {
            if null {
                return Err(Errno::Fault.into());
            }
            self.set_held(pipe.number, pipe.held - taken);
            return Ok(Answer::of(taken.into()));
        }
        if count == 0 || self.is_alone(pipe) {
            return Ok(Answer::of(0));
        }
        if pipe.nonblocking {
            return Err(Errno::Again.into());
        }
        self.wait(now, None, |_| Err(Errno::Again.into()))
    }

    pub(super) fn write_pipe(&mut self, now: Instant, fd: Fd, count: u32, null: bool) -> Done {
        let Some(pipe) = self.pipe_of(fd, true)? else { return Err(Errno::BadDescriptor.into()) };
        if self.is_alone(pipe) {
            return Err(Errno::BrokenPipe.into());
        }
        if null && count > 0 {
            return Err(Errno::Fault.into());
        }
        let fits = self.room_in(pipe).min(count - self.waiting.progress.min(count));
        let held = self.in_pipe(pipe);
        self.set_held(pipe.number, held + fits);
        self.waiting.progress += fits;
        let progress = self.waiting.progress;
        if progress >= count || (pipe.nonblocking && progress > 0) {
            return Ok(Answer::of(progress.into()));
        }
        if pipe.nonblocking {
            return Err(Errno::Again.into());
        }
        self.wait(now, None, |_| Err(Errno::Again.into()))
    }

    pub(super) fn sendfile(&mut self, now: Instant, to: Fd, from: Fd, offset: i64, count: u32) -> Done {
        let File::Zeros(_) = self.file(from)? else {
            self.file(to)?;
            return Err(match self.file(from)? {
                File::Stream(_) | File::Datagram(_) | File::Epoll(_) | File::Zeros(_) => Errno::Invalid,
                File::Pipe(_) => Errno::IllegalSeek,
            }
            .into());
        };
        if offset < 0 {
            return Err(Errno::Invalid.into());
        }
        if let File::Stream(stream) = self.file(to)? {
            let waits = !stream.nonblocking;
            let more = stream.is_corked();
            return self.queue_text(
                now,
                to,
                count.min(MOST),
                false,
                Manner { more, announced: more, urgent: false, record: false, stamps: None, waits },
            );
        }
        Err(Stop::Unsupported("sendfile to what is no TCP socket".to_owned()))
    }

    pub(super) fn splice(&mut self, now: Instant, from: Fd, to: Fd, count: u32, flags: &Constant) -> Done {
        self.file(from)?;
        self.file(to)?;
        let dont_wait = SPLICE_F_NONBLOCK.is_in(flags, self.system) || O_NONBLOCK.is_in(flags, self.system) && flags.names.len() > 1;
        match (self.pipe_of(from, false)?, self.pipe_of(to, true)?) {
            (None, Some(pipe)) => self.splice_in(now, from, pipe, count, dont_wait),
            (Some(pipe), None) => self.splice_out(now, pipe, to, count, dont_wait),
            (Some(from), Some(to)) if from.number == to.number => Err(Errno::Invalid.into()),
            (Some(from), Some(to)) => {
                let moved = from.held.min(self.room_in(to)).min(count);
                self.set_held(from.number, from.held - moved);
                let held = self.in_pipe(to);
                self.set_held(to.number, held + moved);
                if moved == 0 && count > 0 && !self.is_alone(from) {
                    return Err(Errno::Again.into());
                }
                Ok(Answer::of(moved.into()))
            }
            (None, None) => Err(Errno::Invalid.into()),
        }
    }

    /// From a socket into a pipe.
    fn splice_in(&mut self, now: Instant, from: Fd, pipe: Pipe, count: u32, dont_wait: bool) -> Done {
        let room = self.room_in(pipe).min(count);
        let names = if dont_wait { vec!["MSG_DONTWAIT".to_owned()] } else { Vec::new() };
        let flags = Constant { value: 0, names };
        if room == 0 && count > 0 {
            return if dont_wait { Err(Errno::Again.into()) } else { self.wait(now, None, |_| Err(Errno::Again.into())) };
        }
        let form = crate::worlds::stack::ReceiveForm::Recv;
        let answer = self.receive(now, from, &super::reading::Request { form, null: false, count: room, flags: &flags, control: 0 })?;
        let moved = u32::try_from(answer.result).unwrap_or(0);
        let held = self.in_pipe(pipe);
        self.set_held(pipe.number, held + moved);
        Ok(answer)
    }

    /// From a pipe into a socket.
    fn splice_out(&mut self, now: Instant, pipe: Pipe, to: Fd, count: u32, dont_wait: bool) -> Done {
        let moved = pipe.held.min(count);
        if moved == 0 {
            if count == 0 || self.is_alone(pipe) {
                return Ok(Answer::of(0));
            }
            return if dont_wait || pipe.nonblocking {
                Err(Errno::Again.into())
            } else {
                self.wait(now, None, |_| Err(Errno::Again.into()))
            };
        }
        let File::Stream(stream) = self.file(to)? else {
            return Err(Stop::Unsupported("splice to what is no TCP socket".to_owned()));
        };
        let manner =
            Manner { more: false, announced: false, urgent: false, record: false, stamps: None, waits: !stream.nonblocking && !dont_wait };
        let room = self.host.glance(stream.id).map_or(0, |glance| glance.send_buffer.saturating_sub(glance.unacknowledged));
        // What does not fit stays in the pipe; a connection that is over says so.
        let asked = if room > 0 { moved.min(room) } else { moved };
        self.waiting.progress = 0;
        let answer = self.queue_text(now, to, asked, false, manner)?;
        let sent = u32::try_from(answer.result).unwrap_or(0);
        self.set_held(pipe.number, pipe.held.saturating_sub(sent));
        Ok(answer)
    }
}
