//! Sockets and connections: `socket`, `bind`, `listen`, `accept`, `connect`, `shutdown`, `close`.

use std::net::IpAddr;

use super::choices::Choices;
use super::constants::{SOCK_NONBLOCK, System, is};
use super::states::is_over;
use super::table::{Datagram, Family, File, Progress, Stream};
use super::{Done, Sockets, Stop};
use crate::engine::{Instant, State};
use crate::trace::End;
use crate::worlds::simulated::SocketId;
use crate::worlds::stack::{Answer, Constant, Fd};
use crate::worlds::{Errno, How, SocketOption};

/// What `socket` takes for a type beyond those it knows: Linux has ten.
const TYPES: i64 = 11;

impl Sockets {
    pub(super) fn socket(&mut self, domain: &Constant, kind: &Constant, protocol: &Constant) -> Done {
        let number = if self.system == System::Linux { 10 } else { 28 };
        let family = if is(domain, &["AF_INET", "PF_INET"], 2) {
            Family::V4
        } else if is(domain, &["AF_INET6", "PF_INET6"], number) {
            Family::V6
        } else {
            return Err(Errno::FamilyNotSupported.into());
        };
        let nonblocking = SOCK_NONBLOCK.is_in(kind, self.system);
        let stream = kind.has("SOCK_STREAM") || (kind.names.is_empty() && kind.value & 0xf == 1);
        let datagram = kind.has("SOCK_DGRAM") || (kind.names.is_empty() && kind.value & 0xf == 2);
        let any = is(protocol, &["IPPROTO_IP"], 0);
        let (tcp, udp) = (is(protocol, &["IPPROTO_TCP"], 6), is(protocol, &["IPPROTO_UDP"], 17));
        for beyond in ["IPPROTO_SCTP", "IPPROTO_UDPLITE", "IPPROTO_MPTCP", "IPPROTO_DCCP", "IPPROTO_ICMP", "IPPROTO_RAW"] {
            if protocol.has(beyond) {
                return Err(Stop::Unsupported(format!("sockets of {beyond}")));
            }
        }
        for beyond in ["SOCK_RAW", "SOCK_SEQPACKET", "SOCK_RDM", "SOCK_PACKET", "SOCK_DCCP"] {
            if kind.has(beyond) {
                return Err(Stop::Unsupported(format!("sockets of type {beyond}")));
            }
        }
        // Beside the type there are two flags.
        if self.system == System::Linux && kind.value & !0x8_080f != 0 {
            return Err(Errno::Invalid.into());
        }
        if !stream && !datagram {
            let known = kind.value >= 0 && kind.value & 0xf < TYPES && kind.value < 16;
            return Err(if known { Errno::TypeNotSupported } else { Errno::Invalid }.into());
        }
        let fits = any || (stream && tcp) || (datagram && udp);
        if !fits {
            // FreeBSD knows the protocol, and says that it is of another type.
            let other = self.system == System::FreeBsd && (tcp || udp);
            return Err(if other { Errno::WrongType } else { Errno::ProtocolNotSupported }.into());
        }
        let choices = Choices::default();
        let file = if stream {
            let id = self.host.socket();
            if self.system == System::FreeBsd && self.parameters.always_keepalive {
                self.host.set_option(id, Instant::START, SocketOption::KeepAlive(true))?;
            }
            File::Stream(Stream {
                id,
                family,
                nonblocking,
                choices,
                progress: Progress::Unconnected,
                deferred: None,
                read: 0,
                urgent_read: None,
                held_until: None,
                memory: Box::default(),
                stamps: Box::default(),
                deaf: false,
                bound: None,
                saved_syn: None,
                passed_on: Vec::new(),
            })
        } else {
            File::Datagram(Datagram { port: None, peer: None, family, nonblocking, choices, read_shut: false, write_shut: false })
        };
        Ok(Answer::of(self.give_out(file)?.into()))
    }

    pub(super) fn bind(&mut self, fd: Fd, to: End) -> Done {
        self.must_be_socket(fd)?;
        let (family, bound) = match self.file(fd)? {
            File::Stream(stream) => (stream.family, self.host.ends(stream.id).0.is_some()),
            File::Datagram(datagram) => (datagram.family, datagram.port.is_some()),
            File::Zeros(_) | File::Pipe(_) | File::Epoll(_) => return Err(Errno::NotSocket.into()),
        };
        let to = Self::address(family, to)?;
        if !to.address.is_unspecified() && to.address != self.host.address() {
            return Err(Errno::AddressNotAvailable.into());
        }
        if bound {
            return Err(Errno::Invalid.into());
        }
        match self.file(fd)? {
            File::Stream(stream) => {
                let id = stream.id;
                if stream.choices.is_on("SO_REUSEPORT") && to.port != 0 && self.host.has_port(to.port) {
                    return Err(Stop::Unsupported("several sockets of one port by SO_REUSEPORT".to_owned()));
                }
                self.host.bind(id, to.port)?;
                self.stream_mut(fd)?.bound = Some(to.address);
            }
            File::Datagram(_) | File::Zeros(_) | File::Pipe(_) | File::Epoll(_) => {
                let port = self.host.udp_bind(to.port)?;
                self.datagram_mut(fd)?.port = Some(port);
            }
        }
        Ok(Answer::of(0))
    }

    pub(super) fn listen(&mut self, fd: Fd, now: Instant, backlog: i32) -> Done {
        let stream = self.stream(fd)?;
        let (id, progress) = (stream.id, stream.progress);
        // A negative number is the largest there is.
        let most = self.parameters.most_waiting;
        let places = if backlog < 0 { most } else { i64::from(backlog).min(most) };
        let places = u16::try_from(places).unwrap_or(u16::MAX);
        let glance = self.host.glance(id)?;
        if glance.state == State::Listen {
            self.host.set_backlog(id, places)?;
            return Ok(Answer::of(0));
        }
        if progress != Progress::Unconnected || glance.state != State::Closed {
            return Err(Errno::Invalid.into());
        }
        self.host.disown_remote(id)?;
        self.host.listen(id, now, places)?;
        if self.parameters.fast_open_server_without_option() && self.stream(fd)?.choices.set_number("TCP_FASTOPEN").is_none() {
            self.host.allow_fast_open(id, places)?;
        }
        if self.parameters.fast_open_server_without_cookie() {
            self.host.open_fast_without_cookie(id, true)?;
        }
        Ok(Answer::of(0))
    }

    pub(super) fn accept(&mut self, fd: Fd, now: Instant) -> Done {
        let stream = self.stream(fd)?;
        let (id, family, nonblocking) = (stream.id, stream.family, stream.nonblocking);
        let choices = stream.choices.clone();
        match self.host.accept(id) {
            Ok(child) => {
                let choices = self.passed_on(fd, child, choices)?;
                let saved_syn = self.take_saved_syn(self.host.ends(child).1);
                // FreeBSD hands O_NONBLOCK on; Linux does not.
                let nonblocking = nonblocking && self.system == System::FreeBsd;
                let accepted = Stream {
                    id: child,
                    family,
                    nonblocking,
                    choices,
                    progress: Progress::Connected,
                    deferred: None,
                    read: 0,
                    urgent_read: None,
                    held_until: None,
                    memory: Box::default(),
                    stamps: Box::default(),
                    deaf: false,
                    bound: None,
                    saved_syn,
                    passed_on: Vec::new(),
                };
                let fd = self.give_out(File::Stream(accepted))?;
                self.apply_all(now, fd)?;
                Ok(Answer::of(fd.into()))
            }
            Err(Errno::Again) if !nonblocking => self.wait(now, choices.receive_timeout, |_| Err(Errno::Again.into())),
            Err(errno) => Err(errno.into()),
        }
    }

    pub(super) fn connect(&mut self, fd: Fd, now: Instant, to: Option<End>) -> Done {
        self.must_be_socket(fd)?;
        if let File::Datagram(_) = self.file(fd)? {
            return self.connect_datagram(fd, to);
        }
        let Some(to) = to else { return self.disconnect(fd, now) };
        let stream = self.stream(fd)?;
        let (id, nonblocking, progress) = (stream.id, stream.nonblocking, stream.progress);
        let to = self.reachable(Self::address(stream.family, to)?)?;
        if self.system == System::FreeBsd && !self.waiting.again && is_over(&self.host.glance(id)?) {
            // One connection is all that a socket gets; what became of it is no longer asked (`tcp_usr_connect`).
            self.host.next_error(id);
            return Err(Errno::ConnectionRefused.into());
        }
        let fresh = match progress {
            Progress::Connected => return Err(Errno::IsConnected.into()),
            Progress::Connecting if stream.deferred.is_some() => return Err(Errno::IsConnected.into()),
            Progress::Connecting => false,
            Progress::Unconnected => {
                if self.host.glance(id)?.state == State::Listen {
                    return Err(if self.system == System::Linux { Errno::IsConnected } else { Errno::NotSupported }.into());
                }
                if self.system == System::Linux
                    && self.choices(fd)?.is_on("TCP_FASTOPEN_CONNECT")
                    && self.host.knows_cookie(id, to.address, now)
                {
                    let stream = self.stream_mut(fd)?;
                    stream.deferred = Some(to);
                    stream.progress = Progress::Connecting;
                    return Ok(Answer::of(0));
                }
                self.begin_connect(fd, now, to)?;
                true
            }
        };
        let fresh = fresh || self.waiting.again;
        self.connect_goes_on(fd, now, fresh, nonblocking)
    }

    /// The SYN leaves.
    pub(super) fn begin_connect(&mut self, fd: Fd, now: Instant, to: End) -> Result<(), Stop> {
        let id = self.stream(fd)?.id;
        let ask = self.choices(fd)?.is_on("TCP_FASTOPEN_CONNECT");
        match self.host.connect_with(id, now, to, &[], ask) {
            Ok(()) | Err(Errno::InProgress) => {
                self.stream_mut(fd)?.progress = Progress::Connecting;
                Ok(())
            }
            Err(errno) => Err(errno.into()),
        }
    }

    /// The handshake is under way, or over: `fresh` if this very call began it.
    fn connect_goes_on(&mut self, fd: Fd, now: Instant, fresh: bool, nonblocking: bool) -> Done {
        let id = self.stream(fd)?.id;
        let glance = self.host.glance(id)?;
        let linux = self.system == System::Linux;
        if glance.state.is_opening() {
            let later = if fresh { Errno::InProgress } else { Errno::Already };
            if nonblocking || (!linux && !fresh) {
                return Err(later.into());
            }
            let patience = self.choices(fd)?.send_timeout;
            return self.wait(now, patience, |_| Err(later.into()));
        }
        if glance.state == State::Closed {
            let errno = self.host.next_error(id).unwrap_or(Errno::Aborted);
            self.stream_mut(fd)?.progress = Progress::Unconnected;
            if linux {
                self.host.disconnect(id, now)?;
            }
            return Err(errno.into());
        }
        self.stream_mut(fd)?.progress = Progress::Connected;
        if !linux && !fresh { Err(Errno::IsConnected.into()) } else { Ok(Answer::of(0)) }
    }

    /// `connect` to `AF_UNSPEC`.
    fn disconnect(&mut self, fd: Fd, now: Instant) -> Done {
        if self.system == System::FreeBsd {
            return Err(Errno::FamilyNotSupported.into());
        }
        let id = self.stream(fd)?.id;
        let told = matches!(
            self.host.glance(id)?.state,
            State::SynSent | State::SynReceived | State::Established | State::CloseWait | State::FinWait1 | State::FinWait2
        );
        self.host.disconnect(id, now)?;
        if told {
            // tcp_disconnect leaves it to whoever asks next.
            self.host.set_error(id, Errno::ConnectionReset)?;
        }
        let stream = self.stream_mut(fd)?;
        stream.progress = Progress::Unconnected;
        stream.deferred = None;
        *stream.memory = super::memory::Memory::default();
        stream.deaf = false;
        Ok(Answer::of(0))
    }

    /// Where an address leads: to nowhere is to this host itself.
    pub(super) fn reachable(&self, to: End) -> Result<End, Stop> {
        let own = self.host.address();
        if to.address.is_unspecified() {
            return Ok(End { address: own, ..to });
        }
        match (to.address, own) {
            (IpAddr::V4(_), IpAddr::V4(_)) | (IpAddr::V6(_), IpAddr::V6(_)) => Ok(to),
            (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => Err(Errno::NetworkUnreachable.into()),
        }
    }

    pub(super) fn shutdown(&mut self, fd: Fd, now: Instant, how: &Constant) -> Done {
        self.must_be_socket(fd)?;
        let how = if is(how, &["SHUT_RD"], 0) {
            How::Read
        } else if is(how, &["SHUT_WR"], 1) {
            How::Write
        } else if is(how, &["SHUT_RDWR"], 2) {
            How::Both
        } else {
            return Err(Errno::Invalid.into());
        };
        if let File::Datagram(_) = self.file(fd)? {
            return self.shutdown_datagram(fd, how);
        }
        let id = self.stream(fd)?.id;
        let linux = self.system == System::Linux;
        match self.host.glance(id)?.state {
            State::Closed => Err(Errno::NotConnected.into()),
            State::Listen if !linux => Err(Errno::NotConnected.into()),
            State::Listen if how == How::Write => Ok(Answer::of(0)),
            State::Listen | State::SynSent if linux => self.disconnect(fd, now),
            State::Listen
            | State::SynSent
            | State::SynReceived
            | State::Established
            | State::FinWait1
            | State::FinWait2
            | State::CloseWait
            | State::Closing
            | State::LastAck
            | State::TimeWait => {
                if linux && self.host.state(id) == State::TimeWait {
                    // Whoever holds the socket sees it closed: TIME-WAIT is a record of its own.
                    return Err(Errno::NotConnected.into());
                }
                // inet_shutdown takes what is open for connected, whether `connect` has said so or not.
                if linux && !self.host.state(id).is_opening() {
                    self.stream_mut(fd)?.progress = Progress::Connected;
                }
                self.host.shutdown(id, now, how)?;
                if linux && matches!(how, How::Read | How::Both) {
                    self.host.refuse_text(id)?;
                    self.stream_mut(fd)?.deaf = true;
                }
                Ok(Answer::of(0))
            }
        }
    }

    pub(super) fn close(&mut self, fd: Fd, now: Instant) -> Done {
        if let Some(id) = self.waiting.lingers {
            let patience = self.waiting.patience;
            if !self.host.is_unacknowledged(id) {
                return Ok(Answer::of(0));
            }
            return self.wait(now, patience, |_| Ok(Answer::of(0)));
        }
        let file = self.files.remove(&fd).ok_or(Errno::BadDescriptor)?;
        self.forget_watched(fd);
        match file {
            File::Stream(stream) => {
                let id = stream.id;
                let was_open = self.host.state(id).is_synchronized();
                let (on, seconds) = stream.choices.linger;
                self.host.close(id, now)?;
                if on && seconds != 0 && was_open && (self.system == System::Linux || !stream.nonblocking) {
                    let patience = u64::try_from(seconds).ok().map(std::time::Duration::from_secs);
                    self.waiting.lingers = Some(id);
                    self.waiting.patience = patience;
                    if self.host.is_unacknowledged(id) {
                        return self.wait(now, patience, |_| Ok(Answer::of(0)));
                    }
                }
            }
            File::Datagram(datagram) => {
                if let Some(port) = datagram.port {
                    self.host.udp_close(port)?;
                }
            }
            File::Pipe(_) | File::Zeros(_) | File::Epoll(_) => {}
        }
        Ok(Answer::of(0))
    }

    /// The connections that text would end.
    pub(super) fn deaf_ones(&self) -> Vec<SocketId> {
        let streams = self.files.values().filter_map(|file| match file {
            File::Stream(stream) if stream.deaf => Some(stream.id),
            File::Stream(_) | File::Datagram(_) | File::Zeros(_) | File::Pipe(_) | File::Epoll(_) => None,
        });
        streams.filter(|id| matches!(self.host.state(*id), State::FinWait1 | State::FinWait2)).collect()
    }

    /// Those of them that are over by now were reset, by one side or the other.
    pub(super) fn note_refused(&mut self, deaf: &[SocketId]) {
        for id in deaf {
            if self.host.glance(*id).is_ok_and(|glance| is_over(&glance) && glance.error.is_none()) {
                // It is there.
                let _ = self.host.set_error(*id, Errno::ConnectionReset);
            }
        }
    }

    /// What has happened to connections since: one that a `connect` waited for is there.
    pub(super) fn note_changes(&mut self, now: Instant) {
        self.note_stamps(now);
        self.grow_memory(now, true);
        self.note_events(now);
    }

    /// Whether a socket has a connection, or had one, as the process sees it.
    pub(super) fn has_peer(&self, fd: Fd) -> bool {
        self.stream(fd).is_ok_and(|stream| {
            self.host.glance(stream.id).is_ok_and(|glance| {
                is_over(&glance) || super::states::is_connected(glance.state) || matches!(glance.state, State::SynSent | State::SynReceived)
            })
        })
    }
}
