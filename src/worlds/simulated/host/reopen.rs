//! A new connection over one in TIME-WAIT, at the host: who listens, and whose socket it becomes.

use std::sync::Arc;

use super::listening::Room;
use super::{Host, SocketId};
use crate::engine::profile::TimeWaitReuse;
use crate::engine::{Connection, Instant, Segment, Theirs};
use crate::trace::End;

impl Host {
    /// A SYN that is newer than a connection in TIME-WAIT, with a listener behind: the connection goes on as
    /// a child of that listener (RFC 6191). `None` if it is not so.
    pub(super) fn reopen(
        &mut self,
        id: SocketId,
        now: Instant,
        source: End,
        destination: End,
        segment: &Segment,
        text: &[u8],
    ) -> Option<SocketId> {
        let arriving = segment.crossed();
        let old = self.get(id).ok()?;
        if !old.connection.may_reopen(&arriving) {
            return None;
        }
        let parent = self.listener_for(source, destination.port)?;
        if self.room(parent) != Room::Free {
            return None;
        }
        let listener = self.get(parent).ok().filter(|listener| !listener.single)?;
        let (envelope, min_ttl, keys) = (self.inherited(listener.envelope), listener.min_ttl, listener.keys.clone());
        let iss = self.choose_iss(now, destination.port, source);
        let open = self.open_parameters(parent, Some(source), now, iss);
        // The old incarnation's socket may still have a process; the new one must not be that process's.
        let child = self.socket();
        self.get_mut(parent).ok()?.half_open.push(child);
        self.hold_port(child, destination.port).ok()?;
        self.flows.insert((destination.port, source), child);
        let fresh = Connection::new(Arc::clone(&self.profile));
        let connection = std::mem::replace(&mut self.get_mut(id).ok()?.connection, fresh);
        self.enqueue(id);
        let socket = self.get_mut(child).ok()?;
        socket.connection = connection;
        socket.held = false;
        socket.remote = Some(source);
        socket.parent = Some(parent);
        socket.envelope = envelope;
        socket.min_ttl = min_ttl;
        socket.keys = keys;
        let arrival = socket.connection.on_reopening(now, &arriving, open);
        socket.take(&arrival, text);
        if self.profile.syn_ack_with_text {
            self.completed(child);
        }
        self.after_input(child);
        Some(child)
    }

    /// Whether a newer SYN ends a connection in TIME-WAIT though nobody listens, so that it is answered as one of nobody's.
    pub(super) fn ends_without_heir(&self, id: SocketId, source: End, destination: End, arriving: &Segment<Theirs>) -> bool {
        self.profile.time_wait_reuse == TimeWaitReuse::Sequence
            && self.get(id).is_ok_and(|old| old.connection.may_reopen(arriving))
            && self.listener_for(source, destination.port).is_none()
    }

    /// A child is no longer one its listener waits for.
    pub(super) fn disown(&mut self, id: SocketId) {
        let parent = self.get_mut(id).ok().and_then(|socket| socket.parent.take());
        if let Some(parent) = parent.and_then(|parent| self.get_mut(parent).ok()) {
            parent.half_open.remove(id);
        }
    }
}
