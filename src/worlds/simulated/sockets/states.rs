//! States as scripts and systems name and number them.

use super::constants::System;
use super::{Sockets, Stack as _};
use crate::engine::{Instant, State};
use crate::worlds::simulated::Glance;
use crate::worlds::stack::Unsupported;

/// Whether a socket has had a connection that is over.
pub(super) fn is_over(glance: &Glance) -> bool {
    glance.state == State::Closed && glance.remote.is_some()
}

/// Whether a socket has its own connection, or had one.
pub(super) fn is_connected(state: State) -> bool {
    state.is_synchronized()
}

/// The number of a state in `tcpi_state`.
pub(super) fn number(state: State, system: System) -> i64 {
    match system {
        // tcp_states.h; who holds a socket in TIME-WAIT sees CLOSE, for the record is another.
        System::Linux => match state {
            State::Established => 1,
            State::SynSent => 2,
            State::SynReceived => 3,
            State::FinWait1 => 4,
            State::FinWait2 => 5,
            State::TimeWait | State::Closed => 7,
            State::CloseWait => 8,
            State::LastAck => 9,
            State::Listen => 10,
            State::Closing => 11,
        },
        // tcp_fsm.h.
        System::FreeBsd => match state {
            State::Closed => 0,
            State::Listen => 1,
            State::SynSent => 2,
            State::SynReceived => 3,
            State::Established => 4,
            State::CloseWait => 5,
            State::FinWait1 => 6,
            State::Closing => 7,
            State::LastAck => 8,
            State::FinWait2 => 9,
            State::TimeWait => 10,
        },
    }
}

impl Sockets {
    pub(super) fn count(&self, state: &str, port: Option<u16>, held: bool) -> Result<usize, Unsupported> {
        let state = named(state)?;
        // A socket without a name, or whose connection is over, is nobody's but the process's. FreeBSD's half-open children
        // are no sockets: they stand in a table of their own.
        let in_table = state == State::SynReceived && self.system == System::FreeBsd;
        if held || in_table || state == State::Closed {
            let held = self.files.values().filter_map(|file| match file {
                super::table::File::Stream(stream) => self.host.glance(stream.id).ok(),
                super::table::File::Datagram(_)
                | super::table::File::Zeros(_)
                | super::table::File::Pipe(_)
                | super::table::File::Epoll(_) => None,
            });
            let of_port = |glance: &Glance| {
                port.is_none_or(|port| glance.port == Some(port) || glance.remote.is_some_and(|remote| remote.port == port))
            };
            return Ok(held.filter(|glance| glance.state == state && of_port(glance)).count());
        }
        let rows = self.host.netstat();
        let of_port = |local: u16, remote: Option<u16>| port.is_none_or(|port| local == port || remote == Some(port));
        Ok(rows.iter().filter(|row| row.state == state && of_port(row.local.port, row.remote.map(|end| end.port))).count())
    }

    pub(super) fn drop_in(&mut self, now: Instant, state: &str) -> Result<(), Unsupported> {
        let state = named(state)?;
        self.host.drop_in(state, now);
        if state != State::TimeWait {
            // Dropped without a word to the peer.
            let mut packet = Vec::new();
            while self.poll_packet(now, &mut packet) {}
        }
        Ok(())
    }
}

/// The state of this name, spelled as the RFC does.
fn named(name: &str) -> Result<State, Unsupported> {
    State::ALL.iter().copied().find(|state| state.to_string() == name).ok_or_else(|| Unsupported(format!("a state {name:?}")))
}
