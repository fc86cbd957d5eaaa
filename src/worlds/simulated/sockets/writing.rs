//! `write` and its relatives.

use super::constants::{Flag, MSG_DONTWAIT, MSG_EOF, MSG_EOR, MSG_FASTOPEN, MSG_MORE, MSG_OOB, MSG_ZEROCOPY, System};
use super::states::is_over;
use super::table::{File, Progress};
use super::{Done, Sockets, Stop};
use crate::engine::{Instant, State};
use crate::trace::End;
use crate::worlds::stack::{Answer, Constant, ControlMessage, Fd, SendForm};
use crate::worlds::{Errno, How};

/// The text of a datagram at most: 65535 less the headers of IPv4 and UDP.
const MOST_DATAGRAM: u32 = 65_507;

/// Octets that all sockets together may have queued: whoever drives this is a stranger.
pub(super) const MOST_QUEUED: u64 = 64 << 20;

/// A call that writes.
pub(super) struct Request<'a> {
    pub form: SendForm,
    /// A null pointer in place of the buffers.
    pub null: bool,
    pub count: u32,
    pub flags: &'a Constant,
    pub to: Option<End>,
    pub control: &'a [ControlMessage],
}

impl Request<'_> {
    /// `write` and `writev` have no flags.
    fn has(&self, flag: Flag, system: System) -> bool {
        !matches!(self.form, SendForm::Write | SendForm::Writev) && flag.is_in(self.flags, system)
    }
}

impl Sockets {
    pub(super) fn send(&mut self, now: Instant, fd: Fd, request: &Request<'_>) -> Done {
        if !matches!(request.form, SendForm::Write | SendForm::Writev) {
            self.must_be_socket(fd)?;
        }
        match self.file(fd)? {
            File::Stream(_) => self.send_stream(now, fd, request),
            File::Datagram(_) => self.send_datagram(fd, request),
            // The file was opened to be read.
            File::Zeros(_) => Err(Errno::BadDescriptor.into()),
            File::Pipe(_) => self.write_pipe(now, fd, request.count, request.null),
            File::Epoll(_) => Err(Errno::Invalid.into()),
        }
    }

    fn send_stream(&mut self, now: Instant, fd: Fd, request: &Request<'_>) -> Done {
        let has = |flag| request.has(flag, self.system);
        let linux = self.system == System::Linux;
        let stamps = self.stamps_in(fd, request.control)?;
        if linux && has(MSG_ZEROCOPY) {
            return Err(Stop::Unsupported("sending with MSG_ZEROCOPY".to_owned()));
        }
        let record = has(MSG_EOR);
        if record && !linux {
            // A stream has no records (`sosend_generic`).
            return Err(Errno::Invalid.into());
        }
        let stream = self.stream(fd)?;
        let waits = !stream.nonblocking && !has(MSG_DONTWAIT);
        let announced = linux && has(MSG_MORE);
        let more = announced || stream.is_corked();
        let (urgent, last) = (has(MSG_OOB), !linux && has(MSG_EOF));
        if let Some(to) = stream.deferred.filter(|_| !self.waiting.again) {
            return self.open_with_text(now, fd, to, request.count, waits);
        }
        if linux && has(MSG_FASTOPEN) && !self.waiting.again {
            if !self.parameters.fast_open_client() {
                return Err(Errno::NotSupported.into());
            }
            if stream.progress == Progress::Unconnected && self.host.glance(stream.id)?.state == State::Closed {
                // Without an address to connect to there is none to be found.
                let to = Self::address(stream.family, request.to.ok_or(Errno::Invalid)?)?;
                let to = self.reachable(to)?;
                return self.open_with_text(now, fd, to, request.count, waits);
            }
            match stream.progress {
                Progress::Connecting if self.host.state(stream.id) == State::SynSent => return Err(Errno::Already.into()),
                Progress::Unconnected | Progress::Connecting | Progress::Connected => return Err(Errno::IsConnected.into()),
            }
        }
        if !linux && request.to.is_some() {
            return Err(if self.has_peer(fd) { Errno::IsConnected.into() } else { Stop::Unsupported("sendto that connects".to_owned()) });
        }
        let answer = self.queue_text(now, fd, request.count, request.null, Manner { more, announced, urgent, record, stamps, waits })?;
        if last {
            let id = self.stream(fd)?.id;
            self.host.shutdown(id, now, How::Write)?;
        }
        Ok(answer)
    }

    /// Gives text to the connection, as much as it takes; waits for room for the rest if it may.
    pub(super) fn queue_text(&mut self, now: Instant, fd: Fd, count: u32, null: bool, manner: Manner) -> Done {
        let linux = self.system == System::Linux;
        let stream = self.stream(fd)?;
        let (id, patience) = (stream.id, stream.choices.send_timeout);
        let glance = self.host.glance(id)?;
        let progress = self.waiting.progress;
        // What was queued counts more than what has gone wrong since.
        let failed = |sockets: &mut Self, otherwise: Errno| -> Done {
            if progress > 0 {
                return Ok(Answer::of(progress.into()));
            }
            Err(sockets.host.next_error(id).unwrap_or(otherwise).into())
        };
        let waits_for = |sockets: &mut Self| {
            sockets.wait(now, patience, |_| if progress > 0 { Ok(Answer::of(progress.into())) } else { Err(Errno::Again.into()) })
        };
        match glance.state {
            State::SynSent | State::SynReceived if !linux && glance.write_shut => return Err(Errno::BrokenPipe.into()),
            State::SynSent | State::SynReceived if !linux => return Err(Errno::NotConnected.into()),
            // A fast open may be answered before the handshake is done.
            State::SynReceived if self.stream(fd)?.progress == Progress::Connected => {}
            State::SynSent | State::SynReceived => {
                if glance.error.is_some() {
                    return failed(self, Errno::BrokenPipe);
                }
                return if manner.waits { waits_for(self) } else { Err(Errno::Again.into()) };
            }
            State::Closed if glance.remote.is_none() || self.stream(fd)?.progress == Progress::Unconnected => {
                return failed(self, if linux { Errno::BrokenPipe } else { Errno::NotConnected });
            }
            State::Listen => return Err(if linux { Errno::BrokenPipe } else { Errno::NotConnected }.into()),
            State::Closed
            | State::Established
            | State::FinWait1
            | State::FinWait2
            | State::CloseWait
            | State::Closing
            | State::LastAck
            | State::TimeWait => {}
        }
        if manner.waits && glance.state.is_synchronized() {
            self.stream_mut(fd)?.progress = Progress::Connected;
        }
        if !linux && progress == 0 && (glance.write_shut || is_over(&glance)) {
            // That nothing can be sent is looked at before why (`sosend_generic`).
            return Err(Errno::BrokenPipe.into());
        }
        if glance.error.is_some() || glance.write_shut || is_over(&glance) {
            return failed(self, Errno::BrokenPipe);
        }
        let missing = count.saturating_sub(progress);
        if missing == 0 {
            return Ok(Answer::of(progress.into()));
        }
        if null {
            return Err(Errno::Fault.into());
        }
        if linux {
            return self.fill_packets(now, fd, count, manner);
        }
        let room = glance.send_buffer.saturating_sub(glance.unacknowledged);
        let fits = missing.min(room);
        if self.queued_text() + u64::from(fits) > MOST_QUEUED {
            return Err(Stop::Unsupported(format!("more than {MOST_QUEUED} octets that wait to be acknowledged")));
        }
        if fits > 0 {
            let text = vec![0; fits as usize];
            // What is cut off here goes on with the same call.
            let more = manner.more;
            let taken = if manner.urgent { self.host.send_urgent(id, now, &text)? } else { self.host.send(id, now, &text, more)? };
            self.waiting.progress += taken;
        }
        let progress = self.waiting.progress;
        if progress >= count || (progress > 0 && !manner.waits) {
            return Ok(Answer::of(progress.into()));
        }
        if !manner.waits {
            return Err(Errno::Again.into());
        }
        self.wait(now, patience, |_| if progress > 0 { Ok(Answer::of(progress.into())) } else { Err(Errno::Again.into()) })
    }

    /// Octets that all sockets of the process together have queued.
    pub(super) fn queued_text(&self) -> u64 {
        let streams = self.files.values().filter_map(|file| if let File::Stream(stream) = file { Some(stream.id) } else { None });
        streams.filter_map(|id| self.host.glance(id).ok()).map(|glance| u64::from(glance.unacknowledged)).sum()
    }

    /// `MSG_FASTOPEN`, or the first `write` behind `TCP_FASTOPEN_CONNECT`: the SYN takes text along if there is a cookie.
    fn open_with_text(&mut self, now: Instant, fd: Fd, to: End, count: u32, waits: bool) -> Done {
        let id = self.stream(fd)?.id;
        if self.parameters.fast_open_client_without_cookie() {
            self.host.open_fast_without_cookie(id, true)?;
        }
        let room = self.host.fast_open_room(id, to.address, now);
        let text = vec![0; room.unwrap_or(0).min(count) as usize];
        match self.host.connect_with(id, now, to, &text, true) {
            Ok(()) | Err(Errno::InProgress) => {}
            Err(errno) => return Err(errno.into()),
        }
        let stream = self.stream_mut(fd)?;
        stream.deferred = None;
        stream.progress = Progress::Connecting;
        let sent = u32::try_from(text.len()).unwrap_or(u32::MAX);
        self.waiting.progress = sent;
        if !waits {
            return if sent > 0 { Ok(Answer::of(sent.into())) } else { Err(Errno::InProgress.into()) };
        }
        // The call waits for the handshake, as connect does.
        let patience = self.choices(fd)?.send_timeout;
        self.wait(now, patience, |_| if sent > 0 { Ok(Answer::of(sent.into())) } else { Err(Errno::InProgress.into()) })
    }

    fn send_datagram(&mut self, fd: Fd, request: &Request<'_>) -> Done {
        if request.has(MSG_OOB, self.system) {
            return Err(Errno::NotSupported.into());
        }
        if !request.control.is_empty() {
            return Err(Stop::Unsupported("control messages to datagrams".to_owned()));
        }
        let datagram = self.datagram_mut(fd)?;
        let (family, peer, write_shut) = (datagram.family, datagram.peer, datagram.write_shut);
        if request.count > MOST_DATAGRAM {
            return Err(Errno::MessageTooLong.into());
        }
        let to = match (request.to, peer) {
            (Some(_), Some(_)) if self.system == System::FreeBsd => return Err(Errno::IsConnected.into()),
            (Some(to), _) => self.reachable(Self::address(family, to)?)?,
            (None, Some(peer)) => peer,
            (None, None) => return Err(Errno::DestinationRequired.into()),
        };
        if to.port == 0 {
            return Err(Errno::Invalid.into());
        }
        if write_shut {
            return Err(Errno::BrokenPipe.into());
        }
        if request.null && request.count > 0 {
            return Err(Errno::Fault.into());
        }
        let port = self.datagram_port(fd)?;
        match self.host.udp_send(port, &vec![0; request.count as usize], Some(to)) {
            Ok(()) => Ok(Answer::of(request.count.into())),
            // Any host would cut it into fragments; this one has none.
            Err(Errno::MessageTooLong) => Err(Stop::Unsupported("datagrams longer than the MTU".to_owned())),
            Err(errno) => Err(errno.into()),
        }
    }

    /// The port of a UDP socket; one that has none is given one.
    fn datagram_port(&mut self, fd: Fd) -> Result<u16, Stop> {
        if let Some(port) = self.datagram_mut(fd)?.port {
            return Ok(port);
        }
        let port = self.host.udp_bind(0)?;
        self.datagram_mut(fd)?.port = Some(port);
        Ok(port)
    }

    pub(super) fn connect_datagram(&mut self, fd: Fd, to: Option<End>) -> Done {
        let Some(to) = to else {
            let port = self.datagram_mut(fd)?.port;
            self.datagram_mut(fd)?.peer = None;
            if let Some(port) = port {
                self.host.udp_disconnect(port)?;
            }
            return Ok(Answer::of(0));
        };
        let family = self.datagram_mut(fd)?.family;
        let to = self.reachable(Self::address(family, to)?)?;
        let port = self.datagram_port(fd)?;
        self.host.udp_connect(port, to)?;
        let datagram = self.datagram_mut(fd)?;
        datagram.peer = Some(to);
        datagram.read_shut = false;
        datagram.write_shut = false;
        Ok(Answer::of(0))
    }

    pub(super) fn shutdown_datagram(&mut self, fd: Fd, how: How) -> Done {
        let datagram = self.datagram_mut(fd)?;
        if datagram.peer.is_none() {
            return Err(Errno::NotConnected.into());
        }
        datagram.read_shut |= matches!(how, How::Read | How::Both);
        datagram.write_shut |= matches!(how, How::Write | How::Both);
        Ok(Answer::of(0))
    }
}

impl Sockets {
    /// Linux holds a short segment back for MSG_MORE and TCP_CORK, but no longer than a retransmission timeout: with nothing
    /// under way the timer that probes a closed window sends it.
    pub(super) fn note_held(&mut self, now: Instant) {
        if self.system == System::FreeBsd {
            return;
        }
        for file in self.files.values_mut() {
            let File::Stream(stream) = file else { continue };
            let Ok(glance) = self.host.glance(stream.id) else { continue };
            let held = glance.unsent > 0 && glance.unsent == glance.unacknowledged && glance.state.is_synchronized();
            if !held {
                stream.held_until = None;
            } else if stream.held_until.is_none() {
                let info = self.host.info(stream.id, now);
                let waits = info.ok().filter(|info| info.snd_wnd >= glance.unsent).map(|info| now + info.rto);
                stream.held_until = waits;
            }
        }
    }

    /// What was held back long enough leaves.
    pub(super) fn release_held(&mut self, now: Instant) {
        let due: Vec<_> = self
            .files
            .values_mut()
            .filter_map(|file| match file {
                File::Stream(stream) if stream.held_until.is_some_and(|until| until <= now) => {
                    stream.held_until = None;
                    Some(stream.id)
                }
                File::Stream(_) | File::Datagram(_) | File::Zeros(_) | File::Pipe(_) | File::Epoll(_) => None,
            })
            .collect();
        for id in due {
            // It is there, or its connection is over and nothing is left to push.
            let _ = self.push_held(now, id);
        }
    }

    /// When that will be.
    pub(super) fn held_until(&self) -> Option<Instant> {
        let streams = self.files.values().filter_map(|file| if let File::Stream(stream) = file { stream.held_until } else { None });
        streams.min()
    }
}

/// How text is given to a connection.
#[derive(Clone, Copy, Debug)]
pub(super) struct Manner {
    /// More follows: a short segment may wait.
    pub more: bool,
    /// The call itself says so (`MSG_MORE`).
    pub announced: bool,
    /// It is urgent.
    pub urgent: bool,
    /// It ends a record.
    pub record: bool,
    /// What times of it are told, where the call says so itself (`SO_TIMESTAMPING`).
    pub stamps: Option<u32>,
    /// The call waits for room.
    pub waits: bool,
}
