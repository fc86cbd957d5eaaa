//! One socket of a simulated host: a connection, its buffers, and what the user was told.

use std::collections::VecDeque;
use std::ops::Range;
use std::time::Duration;

use super::half_open::HalfOpen;
use super::host::{Key, PathMtuDiscovery};
use crate::engine::{Arrival, Connection, Event, Hold, Instant, KeepAlive, Segment, Signal, Signals, State, Theirs};
use crate::trace::{End, Envelope};
use crate::worlds::Errno;

/// A socket of one host. Never reused while the host lives.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct SocketId {
    /// Where it stands in its host; another socket may stand there later.
    pub(super) slot: u32,
    /// Counts the sockets of a host.
    pub(super) serial: u32,
}

/// A socket: what the process holds a descriptor of, or what outlives it.
#[derive(Clone, Debug)]
pub(super) struct Socket {
    pub connection: Connection,
    /// Counts the endpoints of a host.
    pub serial: u32,
    pub local_port: Option<u16>,
    pub remote: Option<End>,
    pub send: VecDeque<u8>,
    pub receive: VecDeque<u8>,
    /// Octets that wait for what is missing before them, from the first missing one on; with holes.
    pub early: Vec<u8>,
    /// The listener this came from, until `accept`.
    pub parent: Option<SocketId>,
    pub backlog: u16,
    /// Connections that wait for `accept`.
    pub accepted: VecDeque<SocketId>,
    /// Fast opens this listener lets be under way at once; `None`: none at all.
    pub fast_open: Option<u16>,
    /// `TCP_FASTOPEN_KEY`.
    pub fast_keys: Vec<[u8; 16]>,
    /// `TCP_FASTOPEN_NO_COOKIE`.
    pub fast_bare: bool,
    /// How many are.
    pub fast_pending: u16,
    /// The listener that counts this one among them.
    pub fast_parent: Option<SocketId>,
    /// Counted among the host's records in TIME-WAIT.
    pub in_time_wait: bool,
    /// Children whose handshake is not done.
    pub half_open: HalfOpen,
    /// It stands in its listener's queue.
    pub waits: bool,
    pub error: Option<Errno>,
    /// What the last ICMP error is called, should it end the connection.
    pub unreachable: Option<Errno>,
    /// What a soft error was called: told by `SO_ERROR`, or when time is out.
    pub soft_error: Option<Errno>,
    /// `IP_RECVERR`: the next call returns a soft error.
    pub hears_soft: bool,
    /// Whose segments are signed, and by which key.
    pub keys: Vec<Key>,
    /// `TCP_DEFER_ACCEPT`, as a count of time-outs of the SYN,ACK.
    pub deferral: u8,
    /// The third ACK has come, and is not enough.
    pub deferred: bool,
    /// `IP_MTU_DISCOVER`.
    pub discovery: PathMtuDiscovery,
    pub linger: Option<u16>,
    /// What the user wants of keep-alive; `None` inside is the profile's.
    pub keepalive: KeepAliveOptions,
    /// One TCB of the RFC's own: from LISTEN it becomes the connection itself, and forks no child.
    pub single: bool,
    /// The remote socket a passive OPEN specified.
    pub expects: Option<End>,
    pub mss: Option<u16>,
    /// Its profile is not the host's, and those of its children will be like it.
    pub adjusted: bool,
    pub reuse_address: bool,
    /// A process still holds the descriptor.
    pub held: bool,
    pub read_shut: bool,
    /// `SHUT_WR` was called before the connection was open, and waits for that.
    pub shut_early: bool,
    /// The deadline that stands in the host's queue.
    pub scheduled: Option<Instant>,
    /// In the host's queue of sockets with something to send.
    pub queued: bool,
    /// What the user was told by the last input.
    pub told: Signals,
    /// What stands around its segments; the ECN field aside.
    pub envelope: Envelope,
    /// What arrives with a lower TTL is not for this socket.
    pub min_ttl: u8,
}

/// `SO_KEEPALIVE` and its companions: off until asked for (MUST-25), each for one connection (MUST-24).
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct KeepAliveOptions {
    pub on: bool,
    /// `TCP_KEEPIDLE` (MUST-27).
    pub idle: Option<Duration>,
    /// `TCP_KEEPINTVL`.
    pub interval: Option<Duration>,
    /// `TCP_KEEPCNT`.
    pub probes: Option<u8>,
}

/// A copy of these octets of a buffer.
pub(super) fn copied(buffer: &VecDeque<u8>, range: Range<usize>) -> Vec<u8> {
    let (front, back) = buffer.as_slices();
    let (start, end) = (range.start.min(front.len()), range.end.min(front.len()));
    let mut octets = Vec::with_capacity(range.len());
    octets.extend_from_slice(&front[start..end]);
    octets.extend_from_slice(&back[range.start - start..range.end - end]);
    octets
}

/// Sockets that are gone. Their memory, and that of their buffers, is for the next: a busy host has sockets come and go.
#[derive(Debug, Default)]
#[expect(clippy::vec_box, reason = "what is kept is the memory of the boxes")]
pub(super) struct Spare(Vec<Box<Socket>>);

impl Spare {
    /// Sockets that are kept at most.
    const MOST: usize = 1024;
    /// Octets of a buffer that are kept at most.
    const BUFFER: usize = 4096;

    /// A socket is gone.
    pub(super) fn put(&mut self, mut socket: Box<Socket>) {
        if self.0.len() < Self::MOST {
            (socket.send, socket.receive) = (emptied(&mut socket.send), emptied(&mut socket.receive));
            socket.early = Vec::new();
            self.0.push(socket);
        }
    }

    /// A socket as new.
    pub(super) fn take(&mut self, connection: Connection, serial: u32) -> Box<Socket> {
        let Some(mut socket) = self.0.pop() else { return Box::new(Socket::new(connection, serial)) };
        let (send, receive) = (std::mem::take(&mut socket.send), std::mem::take(&mut socket.receive));
        *socket = Socket { send, receive, ..Socket::new(connection, serial) };
        socket
    }
}

/// A copy of a host finds its own.
impl Clone for Spare {
    fn clone(&self) -> Self {
        Self::default()
    }
}

/// The buffer without its octets, if it is not too long to be kept.
fn emptied(buffer: &mut VecDeque<u8>) -> VecDeque<u8> {
    let mut buffer = std::mem::take(buffer);
    if buffer.capacity() > Spare::BUFFER {
        return VecDeque::new();
    }
    buffer.clear();
    buffer
}

impl Socket {
    fn new(connection: Connection, serial: u32) -> Self {
        Self {
            connection,
            serial,
            local_port: None,
            remote: None,
            send: VecDeque::new(),
            receive: VecDeque::new(),
            early: Vec::new(),
            parent: None,
            backlog: 0,
            accepted: VecDeque::new(),
            fast_open: None,
            fast_keys: Vec::new(),
            fast_bare: false,
            fast_pending: 0,
            fast_parent: None,
            half_open: HalfOpen::default(),
            in_time_wait: false,
            waits: false,
            error: None,
            unreachable: None,
            soft_error: None,
            hears_soft: false,
            keys: Vec::new(),
            deferral: 0,
            deferred: false,
            discovery: PathMtuDiscovery::default(),
            linger: None,
            keepalive: KeepAliveOptions::default(),
            single: false,
            expects: None,
            mss: None,
            adjusted: false,
            reuse_address: false,
            held: true,
            read_shut: false,
            shut_early: false,
            scheduled: None,
            queued: false,
            told: Signals::default(),
            envelope: Envelope::PLAIN,
            min_ttl: 0,
        }
    }

    /// Keeps what has arrived, as the connection says: read now, or later when a gap has closed.
    pub(super) fn take(&mut self, arrival: &Arrival, text: &[u8]) {
        // Most segments bring nothing of the kind, and taking nothing out of a buffer is work as well.
        if arrival.acked > 0 {
            self.send.drain(..(arrival.acked as usize).min(self.send.len()));
        }
        let start = arrival.skip as usize;
        // After SHUT_RD as well: Linux still hands it out, and it fills the window either way.
        if arrival.take > 0
            && let Some(fresh) = text.get(start..start + arrival.take as usize)
        {
            self.receive.extend(fresh);
            if !self.early.is_empty() {
                self.early.drain(..fresh.len().min(self.early.len()));
            }
        }
        if arrival.hold.len > 0 || arrival.release > 0 {
            self.keep(arrival, text);
        }
    }

    /// What is not in order, or has become so.
    #[cold]
    fn keep(&mut self, arrival: &Arrival, text: &[u8]) {
        let Hold { len, at } = arrival.hold;
        if let Some(kept) = text.get(..len as usize).filter(|kept| !kept.is_empty()) {
            let (start, end) = (at as usize, at as usize + kept.len());
            self.early.resize(end.max(self.early.len()), 0);
            self.early[start..end].copy_from_slice(kept);
        }
        self.receive.extend(self.early.drain(..(arrival.release as usize).min(self.early.len())));
    }

    /// Gives the connection the keep-alive its user wants.
    pub(super) fn set_keepalive(&mut self, now: Instant) {
        let KeepAliveOptions { on, idle, interval, probes } = self.keepalive;
        let usual = self.connection.default_keepalive();
        let (idle, interval) = (idle.unwrap_or(usual.idle), interval.unwrap_or(usual.interval));
        let wanted = on.then(|| KeepAlive::new(idle, interval, probes.unwrap_or(usual.probes)));
        self.connection.set_keepalive(now, wanted);
    }

    /// A SYN,ACK whose ACK has come does not leave again, though the listener waits for more; but for the last time.
    pub(super) fn withhold_syn_ack(&mut self) {
        if self.deferred && self.connection.syn_ack_timeouts() < self.deferral {
            self.connection.withhold_syn_ack();
        }
    }

    /// Whether it is a request: an answer to a SYN that no third ACK has confirmed, and that no process knows of.
    pub(super) fn is_request(&self) -> bool {
        self.parent.is_some() && self.connection.state() == State::SynReceived
    }

    /// What a call returns after "connection reset" of a connection that was open.
    fn reset_error(&self) -> Errno {
        let had_fin = self.connection.fired().any(|rule| rule.from == State::CloseWait);
        if had_fin && self.connection.profile().close_wait_reset_breaks_pipe { Errno::BrokenPipe } else { Errno::ConnectionReset }
    }

    /// Takes what the connection tells its user, and turns it into what calls will return.
    pub(super) fn hear(&mut self) {
        self.told = self.connection.take_signals();
        if !self.told.is_empty() {
            self.heed_signals();
        }
    }

    /// Whether what may get better is why time is out, if it does not.
    fn keeps_soft(&self) -> bool {
        let profile = self.connection.profile();
        profile.fine_errnos || profile.icmp_refusals_only
    }

    /// What got through was acknowledged, and with Linux no router's doubt outlives that (`tcp_ack`).
    #[cold]
    pub(super) fn forget_soft_error(&mut self, segment: &Segment<Theirs>) {
        let heard = |event| matches!(event, Event::AckAcceptable | Event::AckDuplicate | Event::FinAcked);
        let newest = segment.ack == self.connection.first_unacknowledged();
        if newest && self.connection.profile().fine_errnos && self.connection.fired().any(|rule| heard(rule.on)) {
            self.soft_error = None;
        }
    }

    // Apart: most inputs tell nothing.
    #[inline(never)]
    fn heed_signals(&mut self) {
        for signal in self.told.iter() {
            match signal {
                // To an opener the RFC says "connection reset" as well; sockets call it refused.
                Signal::Reset if self.connection.fired().any(|rule| rule.from == State::SynSent) => {
                    self.error = Some(Errno::ConnectionRefused);
                }
                Signal::Reset => self.error = Some(self.reset_error()),
                // Only a RST in SYN-RECEIVED says so.
                Signal::Refused if !self.connection.profile().crossed_reset_refuses => self.error = Some(Errno::ConnectionReset),
                Signal::Refused => self.error = Some(Errno::ConnectionRefused),
                Signal::Timeout => self.error = self.soft_error.take().or(Some(Errno::TimedOut)),
                Signal::Unreachable => self.error = self.unreachable.take().or(Some(Errno::NetworkUnreachable)),
                Signal::SoftError if self.hears_soft => self.error = self.unreachable.take(),
                // Those of other profiles are as soft, but forgotten.
                Signal::SoftError if self.keeps_soft() => self.soft_error = self.unreachable.take(),
                Signal::Open
                | Signal::Closing
                | Signal::Closed
                | Signal::SoftError
                | Signal::Unresponsive
                | Signal::Urgent
                | Signal::CallsClosing
                | Signal::CallsReset => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::engine::Profile;

    fn connection() -> Connection {
        Connection::new(Arc::new(Profile::rfc9293()))
    }

    #[test]
    fn a_socket_made_of_a_spare_one_is_as_new() {
        let mut spare = Spare::default();
        let mut old = spare.take(connection(), 1);
        old.send.extend([1; 100]);
        old.receive.extend(vec![2; Spare::BUFFER + 1]);
        old.early = vec![3];
        old.local_port = Some(7);
        old.held = false;
        spare.put(old);
        assert_eq!(spare.clone().0.len(), 0, "a copy has none");
        let new = spare.take(connection(), 2);
        assert_eq!(spare.0.len(), 0);
        assert_eq!((new.serial, new.local_port, new.held), (2, None, true));
        assert!(new.send.is_empty() && new.receive.is_empty() && new.early.is_empty());
        assert!(new.send.capacity() >= 100, "a short buffer is kept");
        assert_eq!(new.receive.capacity(), 0, "a long one is not");
    }

    #[test]
    fn only_so_many_sockets_are_kept() {
        let mut spare = Spare::default();
        for serial in 0..=Spare::MOST {
            spare.put(Box::new(Socket::new(connection(), u32::try_from(serial).expect("few"))));
        }
        assert_eq!(spare.0.len(), Spare::MOST);
    }
}
