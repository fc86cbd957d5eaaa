//! `fcntl` and `ioctl`.

use super::constants::{O_NONBLOCK, O_RDWR, O_WRONLY, is};
use super::table::File;
use super::{Done, Sockets, Stop, System, wrote};
use crate::engine::State;
use crate::worlds::Errno;
use crate::worlds::stack::{Answer, Constant, Fd, Output};

impl Sockets {
    pub(super) fn fcntl(&mut self, fd: Fd, command: &Constant, argument: Option<&Constant>) -> Done {
        self.file(fd)?;
        if is(command, &["F_GETFL"], 3) {
            let way = match self.file(fd)? {
                File::Stream(_) | File::Datagram(_) | File::Epoll(_) => O_RDWR.on(self.system),
                File::Pipe(pipe) if pipe.writes => O_WRONLY.on(self.system),
                File::Pipe(_) | File::Zeros(_) => 0,
            };
            let waits = if self.is_nonblocking(fd) { O_NONBLOCK.on(self.system) } else { 0 };
            return Ok(Answer::of((way | waits).into()));
        }
        if is(command, &["F_SETFL"], 4) {
            let on = argument.is_some_and(|argument| O_NONBLOCK.is_in(argument, self.system));
            self.set_nonblocking(fd, on);
            return Ok(Answer::of(0));
        }
        if is(command, &["F_GETFD"], 1) || is(command, &["F_SETFD"], 2) {
            return Ok(Answer::of(0));
        }
        let name = command.names.first().map_or_else(|| command.value.to_string(), Clone::clone);
        Err(Stop::Unsupported(format!("fcntl {name}")))
    }

    fn set_nonblocking(&mut self, fd: Fd, on: bool) {
        match self.files.get_mut(&fd) {
            Some(File::Stream(stream)) => stream.nonblocking = on,
            Some(File::Datagram(datagram)) => datagram.nonblocking = on,
            Some(File::Pipe(pipe)) => pipe.nonblocking = on,
            Some(File::Zeros(_) | File::Epoll(_)) | None => {}
        }
    }

    pub(super) fn ioctl(&mut self, fd: Fd, request: &Constant, argument: Option<i64>) -> Done {
        self.file(fd)?;
        if request.has("FIONBIO") {
            self.set_nonblocking(fd, argument.unwrap_or(0) != 0);
            return Ok(Answer::of(0));
        }
        let number = if request.has("FIONREAD") || request.has("SIOCINQ") || request.has("TIOCINQ") {
            self.left_to_read(fd)?
        } else if request.has("SIOCOUTQ") || request.has("TIOCOUTQ") || request.has("FIONWRITE") {
            self.left_to_send(fd, false)?
        } else if request.has("SIOCOUTQNSD") {
            self.left_to_send(fd, true)?
        } else if request.has("FIONSPACE") {
            let glance = self.host.glance(self.stream(fd)?.id)?;
            glance.send_buffer.saturating_sub(glance.unacknowledged).into()
        } else if request.has("SIOCATMARK") {
            self.at_mark(fd)?
        } else {
            let name = request.names.first().map_or_else(|| request.value.to_string(), Clone::clone);
            return Err(Stop::Unsupported(format!("ioctl {name}")));
        };
        Ok(wrote(0, Output::Number(number)))
    }

    fn left_to_read(&self, fd: Fd) -> Result<i64, Stop> {
        match self.file(fd)? {
            File::Stream(stream) => {
                let glance = self.host.glance(stream.id)?;
                if glance.state == State::Listen && self.system == System::Linux {
                    return Err(Errno::Invalid.into());
                }
                let inline = self.system == System::FreeBsd || stream.choices.is_on("SO_OOBINLINE");
                // What lies before the urgent octet, which lies apart.
                let apart = glance.urgent.checked_sub(1).filter(|mark| !inline && *mark < glance.readable);
                Ok(apart.unwrap_or(glance.readable).into())
            }
            File::Datagram(datagram) => {
                let first = datagram.port.map(|port| self.host.udp_glance(port)).and_then(|glance| glance.first);
                Ok(first.unwrap_or(0).into())
            }
            File::Pipe(pipe) => Ok(self.in_pipe(*pipe).into()),
            File::Zeros(_) => Err(Stop::Unsupported("FIONREAD of a file".to_owned())),
            File::Epoll(_) => Err(Errno::NotTerminal.into()),
        }
    }

    fn left_to_send(&self, fd: Fd, unsent: bool) -> Result<i64, Stop> {
        let File::Stream(stream) = self.file(fd)? else {
            let datagram = matches!(self.file(fd)?, File::Datagram(_));
            return if datagram && !unsent { Ok(0) } else { Err(Errno::NotTerminal.into()) };
        };
        let glance = self.host.glance(stream.id)?;
        let linux = self.system == System::Linux;
        if linux && glance.state == State::Listen {
            return Err(Errno::Invalid.into());
        }
        if glance.state.is_opening() {
            return Ok(0);
        }
        // Linux counts the number of the FIN as well.
        let fin = u32::from(linux && if unsent { glance.fin_unsent } else { glance.fin_unacknowledged });
        Ok(i64::from(if unsent { glance.unsent } else { glance.unacknowledged } + fin))
    }

    fn at_mark(&self, fd: Fd) -> Result<i64, Stop> {
        let glance = self.host.glance(self.stream(fd)?.id)?;
        // The octet before the end of urgent data is the one that counts.
        Ok((glance.urgent == 1).into())
    }
}
