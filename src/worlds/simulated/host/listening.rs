//! A listener of the sockets API: it lives on, forks a child for each SYN, and has room for only so many.
//!
//! RFC 4987 tells what a flood of SYNs does here, and what helps.

use super::super::socket::Socket;
use super::{Host, Inspection, SocketId};
use crate::engine::profile::SynCookies;
use crate::engine::seq::Theirs;
use crate::engine::{Flags, Instant, Segment, State};
use crate::trace::End;
use crate::worlds::Errno;

/// What a host decided beside what its connections do.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Remark {
    /// In words.
    pub text: String,
    /// The socket that came to its end by it, the state it was in, and what its last input did.
    pub ended: Option<(SocketId, State, Inspection)>,
}

/// Whether a listener can take another SYN.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Room {
    /// It can.
    Free,
    /// Half-open connections take all of it.
    HalfOpen,
    /// Connections that wait for `accept` do.
    Waiting,
}

/// Why a request stays one, though its SYN,ACK is acknowledged.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Stays {
    /// The queue of its listener is full.
    NoPlace,
    /// Its listener waits for text.
    Deferred,
}

impl Host {
    /// What the host decided, oldest first.
    pub fn poll_remark(&mut self) -> Option<Remark> {
        self.remarks.pop_front()
    }

    fn remark(&mut self, text: String) {
        self.remarks.push_back(Remark { text, ended: None });
    }

    /// A listener forks a child for the SYN; anything else it answers itself.
    pub(super) fn on_listener_packet(
        &mut self,
        id: SocketId,
        now: Instant,
        source: End,
        destination: End,
        segment: &Segment,
        text: &[u8],
    ) -> Option<SocketId> {
        if self.opens(segment) {
            return self.on_syn(id, now, source, destination, segment, text);
        }
        if let Some(cookie) = self.returned_cookie(now, source, destination, segment) {
            if self.room(id) == Room::Waiting {
                self.remark(format!("ACK from {source} ignored: {}", full(Room::Waiting)));
                return None;
            }
            return self.rebuild(id, cookie, now, source, destination, segment, text);
        }
        let listener = self.get_mut(id).ok()?;
        listener.connection.on_segment(now, &segment.crossed());
        if let Some(reset) = listener.connection.poll_segment(now) {
            self.answer(id, source, destination, reset, self.around_answer());
        }
        Some(id)
    }

    /// Whether a segment asks a listener for a connection.
    pub(super) fn opens(&self, segment: &Segment) -> bool {
        let dropped = segment.has(Flags::FIN) && self.profile.drop_syn_fin;
        segment.has(Flags::SYN) && !segment.flags.intersects(Flags::ACK | Flags::RST) && !dropped
    }

    /// The standard is silent on a full backlog; practice drops the SYN and lets the client retry.
    fn on_syn(&mut self, id: SocketId, now: Instant, source: End, destination: End, segment: &Segment, text: &[u8]) -> Option<SocketId> {
        let room = self.room(id);
        let cookies = self.profile.syn_cookies;
        // R4987-6: cookies under pressure only, so that without it no option is lost.
        if room != Room::Waiting && (cookies == SynCookies::Always || (cookies == SynCookies::Pressure && room == Room::HalfOpen)) {
            self.answer_by_cookie(id, now, source, destination, segment);
            self.remark(format!("SYN from {source} answered by a cookie: nothing is kept"));
            return None;
        }
        if room == Room::HalfOpen && self.profile.evict_half_open {
            self.evict_oldest(id, now);
        } else if room != Room::Free {
            self.remark(format!("SYN from {source} dropped: {}", full(room)));
            return None;
        }
        self.fork(id, now, source, destination, segment, text)
    }

    /// A child of the listener answers the SYN. Its record is a whole TCB; a SYN cache keeps less of it
    /// (RFC 4987 section 3.5, R4987-4), which nobody sees from outside.
    fn fork(&mut self, id: SocketId, now: Instant, source: End, destination: End, segment: &Segment, text: &[u8]) -> Option<SocketId> {
        let answer = self.answer_fast_open(id, now, source.address, segment);
        let iss = self.choose_iss(now, destination.port, source);
        let child = self.child(id, source, destination)?;
        let open = self.open_parameters(child, Some(source), now, iss);
        self.get_mut(id).ok()?.half_open.push(child);
        let mark = self.around.codepoint;
        let socket = self.get_mut(child).ok()?;
        socket.parent = Some(id);
        socket.connection.on_open_passive(now, open).ok()?;
        if let Some(answer) = answer {
            socket.connection.answer_fast_open(answer);
        }
        let arrival = socket.connection.on_marked_segment(now, mark, &segment.crossed());
        socket.take(&arrival, text);
        if self.profile.syn_ack_with_text {
            // The SYN,ACK waits for what its application has to say.
            self.completed(child);
        }
        if answer.is_some_and(|answer| answer.take) {
            // The application may read and answer before the handshake ends.
            self.completed(child);
            self.begin_fast(id, child);
        }
        self.after_input(child);
        Some(child)
    }

    /// A socket for the connection between these ends, with the options of the listener.
    pub(super) fn child(&mut self, listener: SocketId, source: End, destination: End) -> Option<SocketId> {
        let &Socket { keepalive, envelope, min_ttl, mss, deferral, ref keys, .. } = self.get(listener).ok()?;
        let (envelope, keys) = (self.inherited(envelope), keys.clone());
        let child = self.socket();
        self.behave_alike(child, listener);
        self.hold_port(child, destination.port).ok()?;
        self.flows.insert((destination.port, source), child);
        let socket = self.get_mut(child).ok()?;
        socket.held = false;
        socket.remote = Some(source);
        socket.keepalive = keepalive;
        if keepalive.on {
            // It begins to count when the handshake is done.
            socket.set_keepalive(Instant::START);
        }
        socket.envelope = envelope;
        socket.min_ttl = min_ttl;
        socket.mss = mss;
        socket.deferral = deferral;
        if !keys.is_empty() {
            socket.keys = keys;
            self.reserve_signature(child, source);
        }
        Some(child)
    }

    /// The handshake of a child is done: it waits for `accept`.
    pub(super) fn completed(&mut self, id: SocketId) {
        self.end_fast(id);
        let parent = self.get_mut(id).ok().and_then(|socket| socket.parent.take());
        if let Some(parent) = parent
            && let Ok(listener) = self.get_mut(parent)
        {
            listener.half_open.remove(id);
            self.queue(parent, id);
        }
    }

    /// A connection stands in the queue of its listener.
    pub(super) fn queue(&mut self, listener: SocketId, id: SocketId) {
        if let Ok(listener) = self.get_mut(listener) {
            listener.accepted.push_back(id);
        }
        if let Ok(child) = self.get_mut(id) {
            child.waits = true;
        }
    }

    /// R4987-1: a larger backlog takes a larger flood; `listen` says how large it is.
    pub(super) fn room(&self, id: SocketId) -> Room {
        let Ok(listener) = self.get(id) else { return Room::Free };
        let limit = usize::from(listener.backlog.saturating_add(self.profile.backlog_extra)).max(1);
        let (waiting, half_open) = (listener.accepted.len(), listener.half_open.len());
        let taken = if self.profile.backlog_counts_half_open { waiting + half_open } else { half_open };
        if waiting >= limit {
            Room::Waiting
        } else if taken >= limit {
            Room::HalfOpen
        } else {
            Room::Free
        }
    }

    /// R4987-3: the oldest half-open connection gives way (RFC 4987 section 3.4).
    fn evict_oldest(&mut self, listener: SocketId, now: Instant) {
        let Some(oldest) = self.get(listener).ok().and_then(|listener| listener.half_open.oldest()) else { return };
        self.evict(oldest, now, "half-open connection", "a new one needs its place");
        self.leave_flow(oldest);
        self.forget(oldest);
    }

    /// The implementation takes a record back.
    fn evict(&mut self, id: SocketId, now: Instant, what: &str, why: &str) {
        let Ok(socket) = self.get_mut(id) else { return };
        let (before, remote) = (socket.connection.state(), socket.remote);
        socket.connection.on_evict(now);
        socket.hear();
        let text = remote.map_or_else(|| format!("{what} deleted: {why}"), |remote| format!("{what} with {remote} deleted: {why}"));
        let ended = self.inspect(id).map(|inspection| (id, before, inspection));
        self.remarks.push_back(Remark { text, ended });
    }

    /// Why this third ACK does not end its handshake, if it does not.
    pub(super) fn stays_request(&self, id: SocketId, segment: &Segment<Theirs>) -> Option<Stays> {
        let child = self.get(id).ok()?;
        let parent = child.parent?;
        let plain = segment.has(Flags::ACK) && !segment.flags.intersects(Flags::SYN | Flags::RST);
        if !plain || child.connection.snd_nxt() != Some(segment.ack) {
            return None;
        }
        if self.room(parent) == Room::Waiting {
            return Some(Stays::NoPlace);
        }
        let bare = segment.seg_len() == 0 && child.connection.rcv_nxt() == Some(segment.seq);
        let deferred = bare && child.connection.syn_ack_timeouts() < child.deferral && child.connection.state() == State::SynReceived;
        deferred.then_some(Stays::Deferred)
    }

    /// `TCP_DEFER_ACCEPT`: a handshake is not done before text or FIN has come, or the SYN,ACK was due again as often as
    /// so many seconds take; 0 switches it off.
    ///
    /// # Errors
    /// `EBADF`.
    pub fn defer_accept(&mut self, id: SocketId, seconds: u32) -> Result<(), Errno> {
        let (mut wait, most) = (self.profile.rto_initial.as_secs().max(1), self.profile.rto_max.as_secs().max(1));
        let (mut until, mut times) = (0, 0_u8);
        while until < u64::from(seconds) && times < u8::MAX {
            until += wait;
            wait = (2 * wait).min(most);
            times += 1;
        }
        self.get_mut(id)?.deferral = times;
        Ok(())
    }

    /// A third ACK does not end its handshake.
    pub(super) fn keep_request(&mut self, why: Stays, id: SocketId, now: Instant, source: End) -> Option<SocketId> {
        match why {
            Stays::NoPlace => self.overflow(id, now, source),
            Stays::Deferred => {
                self.get_mut(id).ok()?.deferred = true;
                Some(id)
            }
        }
    }

    /// The third ACK of a handshake that no place is left for: as if it had been lost, or the end of the connection.
    fn overflow(&mut self, id: SocketId, now: Instant, source: End) -> Option<SocketId> {
        if self.profile.abort_on_overflow {
            let _ = self.get_mut(id).ok()?.connection.on_abort(now);
            self.after_input(id);
            self.remark(format!("connection with {source} aborted: {}", full(Room::Waiting)));
            return Some(id);
        }
        self.remark(format!("ACK from {source} ignored: {}", full(Room::Waiting)));
        None
    }

    /// One more record in TIME-WAIT than the knob allows is deleted once its ACK has left.
    pub(super) fn limit_time_wait(&mut self, id: SocketId, now: Instant) {
        let Ok(socket) = self.get_mut(id) else { return };
        let waits = socket.connection.state() == State::TimeWait;
        let counted = std::mem::replace(&mut socket.in_time_wait, waits);
        self.time_waits += u32::from(waits);
        self.time_waits -= u32::from(counted);
        if waits && self.time_waits > self.profile.time_wait_limit {
            self.evict(id, now, "connection in TIME-WAIT", "no place is left for it");
            self.time_waits -= 1;
            if let Ok(socket) = self.get_mut(id) {
                socket.in_time_wait = false;
            }
        }
    }
}

fn full(room: Room) -> &'static str {
    match room {
        Room::Free => "there is room",
        Room::HalfOpen => "half-open connections fill the backlog",
        Room::Waiting => "connections that wait for accept fill the backlog",
    }
}
