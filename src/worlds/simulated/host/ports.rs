//! What a host hands out: ports, initial sequence numbers, and what an OPEN brings along.

use std::net::IpAddr;

use siphasher::sip::SipHasher13;

use super::{Host, SocketId};
use crate::engine::{Instant, Open, SeqNumber, State};
use crate::trace::End;
use crate::worlds::Errno;

/// The first port that no right is needed for: those below are the system ports of RFC 6335 section 6.
pub(super) const FIRST_USER_PORT: u16 = 1024;

impl Host {
    /// Takes the right to system ports from the process of this host, or gives it back.
    pub fn set_unprivileged(&mut self, unprivileged: bool) {
        self.unprivileged = unprivileged;
    }

    /// Whether the process may ask for this port by name.
    pub(super) fn may_name(&self, port: u16) -> Result<(), Errno> {
        if self.unprivileged && port < FIRST_USER_PORT { Err(Errno::AccessDenied) } else { Ok(()) }
    }

    pub(super) fn may_share(&self, port: u16, reuse: bool) -> bool {
        reuse
            && !self.listeners.contains_key(&port)
            && self
                .sockets
                .iter()
                .flatten()
                .filter(|socket| socket.local_port == Some(port))
                // MUST-42: also beside a connection in SYN-SENT or SYN-RECEIVED.
                .all(|socket| !matches!(socket.connection.state(), State::Closed | State::Listen))
    }

    pub(super) fn hold_port(&mut self, id: SocketId, port: u16) -> Result<(), Errno> {
        self.get_mut(id)?.local_port = Some(port);
        *self.ports.entry(port).or_insert(0) += 1;
        Ok(())
    }

    pub(super) fn ephemeral_port(&mut self) -> Result<u16, Errno> {
        // Port 0 is nobody's, whatever the knob says.
        let (first, last) = (self.profile.ephemeral_first.max(1), self.profile.ephemeral_last);
        let range = u32::from(last.saturating_sub(first)) + 1;
        for _ in 0..range {
            let port = self.next_ephemeral.max(first);
            self.next_ephemeral = if port >= last { first } else { port + 1 };
            if !self.ports.contains_key(&port) {
                return Ok(port);
            }
        }
        Err(Errno::AddressNotAvailable)
    }

    /// The ISS of RFC 6528 section 3: a clock of 4 microseconds plus a keyed hash of the four-tuple.
    // MUST-8, MUST-9, SHLD-1, R6528-1, R6528-2, R6528-3, R6528-4.
    pub(super) fn choose_iss(&mut self, now: Instant, port: u16, remote: End) -> u32 {
        // R6191-7: the clock itself is one for all connections.
        // A connection begins: its timestamp clock is the next one that was prescribed.
        self.timestamp_offset = self.timestamp_offsets.pop_front().unwrap_or(self.timestamp_offset);
        if let Some(iss) = self.prescribed_iss.pop_front() {
            return iss;
        }
        // Gathered first: one hash of some octets is much less work than four that go on where the last one ended.
        let (mut tuple, mut end) = ([0; 2 * (16 + 2)], 0);
        let mut put = |octets: &[u8]| {
            tuple[end..end + octets.len()].copy_from_slice(octets);
            end += octets.len();
        };
        for address in [self.address, remote.address] {
            match address {
                IpAddr::V4(v4) => put(&v4.octets()),
                IpAddr::V6(v6) => put(&v6.octets()),
            }
        }
        put(&port.to_be_bytes());
        put(&remote.port.to_be_bytes());
        let hash = SipHasher13::new_with_keys(self.secret.0, self.secret.1).hash(&tuple[..end]);
        #[expect(clippy::cast_possible_truncation, reason = "both wrap by design")]
        let (clock, hash) = ((now.as_nanos() / 4_000) as u32, hash as u32);
        clock.wrapping_add(hash)
    }

    /// What an OPEN of this socket brings along; a listener has no `remote` yet.
    pub(super) fn open_parameters(&self, id: SocketId, remote: Option<End>, now: Instant, iss: u32) -> Open {
        // MUST-15: what a peer takes that does not say; MUST-67: what we can receive.
        let default_mss = self.default_mss();
        let mtu = remote.map_or(self.mtu, |remote| self.path_mtu(remote.address, now));
        // R6691-1: the headers alone are taken off, no options.
        let mss = self.segment_for(id, mtu);
        let limit = self.get(id).ok().and_then(|socket| socket.mss);
        let announced = limit.map_or(mss, |limit| mss.min(limit));
        let send_mss = if self.profile.maxseg_limits_sending { announced } else { mss };
        Open { iss: SeqNumber::new(iss), mss: announced, send_mss, default_mss, ts_offset: self.timestamp_offset }
    }
}
