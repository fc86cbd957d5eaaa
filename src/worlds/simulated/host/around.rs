//! What stands around a host's segments: what its sockets ask of their IP headers, and of those that arrive.

use super::{Host, Outgoing, SocketId};
use crate::engine::Segment;
use crate::trace::{End, Envelope, UdpPorts};
use crate::worlds::Errno;

impl Host {
    /// `IP_TTL`, `IPV6_UNICAST_HOPS`: `None` is the host's own default.
    ///
    /// # Errors
    /// `EBADF`.
    pub fn set_ttl(&mut self, id: SocketId, ttl: Option<u8>) -> Result<(), Errno> {
        self.get_mut(id)?.envelope.ttl = ttl.unwrap_or(Envelope::PLAIN.ttl);
        Ok(())
    }

    /// `IP_MINTTL`, `IPV6_MINHOPCOUNT`: what arrives with less is dropped (RFC 5082).
    ///
    /// # Errors
    /// `EBADF`.
    pub fn set_min_ttl(&mut self, id: SocketId, least: u8) -> Result<(), Errno> {
        self.get_mut(id)?.min_ttl = least;
        self.guarded = true;
        Ok(())
    }

    /// `IP_TOS`, `IPV6_TCLASS`: of the octet, the upper six bits; the lower two are TCP's own (RFC 3168).
    ///
    /// # Errors
    /// `EBADF`.
    pub fn set_tos(&mut self, id: SocketId, tos: u8) -> Result<(), Errno> {
        self.get_mut(id)?.envelope.dscp = tos >> 2;
        Ok(())
    }

    /// What it is.
    ///
    /// # Errors
    /// `EBADF`.
    pub fn tos(&self, id: SocketId) -> Result<u8, Errno> {
        Ok(self.get(id)?.envelope.dscp << 2)
    }

    /// The flow label of what leaves between IPv6 addresses, 20 bits.
    ///
    /// # Errors
    /// `EBADF`.
    pub fn set_flow_label(&mut self, id: SocketId, label: u32) -> Result<(), Errno> {
        self.get_mut(id)?.envelope.flow_label = label & 0xf_ffff;
        Ok(())
    }

    /// What stands around the segments of this socket; the ECN field aside, which each of them has its own.
    ///
    /// # Errors
    /// `EBADF`.
    pub fn envelope(&self, id: SocketId) -> Result<Envelope, Errno> {
        Ok(self.get(id)?.envelope)
    }

    /// `IP_MINTTL` again.
    ///
    /// # Errors
    /// `EBADF`.
    pub fn min_ttl(&self, id: SocketId) -> Result<u8, Errno> {
        Ok(self.get(id)?.min_ttl)
    }

    /// `IP_RECVERR`, `IPV6_RECVERR`: whether a soft ICMP error is what the next call returns, and not only `SO_ERROR`.
    ///
    /// # Errors
    /// `EBADF`.
    pub fn hear_soft_errors(&mut self, id: SocketId, on: bool) -> Result<(), Errno> {
        self.get_mut(id)?.hears_soft = on;
        Ok(())
    }

    /// `SO_ERROR`: what the next call would return, and does not return any more; else the last soft error, on Linux.
    ///
    /// # Errors
    /// `EBADF`.
    pub fn take_error(&mut self, id: SocketId) -> Result<Option<Errno>, Errno> {
        let tells = self.profile.fine_errnos;
        let socket = self.get_mut(id)?;
        Ok(socket.error.take().or_else(|| socket.soft_error.take_if(|_| tells)))
    }

    /// Whether the packet at hand has come from further away than this socket allows.
    pub(super) fn came_too_far(&self, id: SocketId) -> bool {
        self.get(id).is_ok_and(|socket| self.around.ttl < socket.min_ttl)
    }

    /// What stands around an answer to the packet at hand that is no socket's.
    pub(super) fn around_answer(&self) -> Envelope {
        let dscp = if self.profile.reset_keeps_dscp { self.around.dscp } else { 0 };
        let udp = self.around.udp.map(|UdpPorts { source, destination }| UdpPorts { source: destination, destination: source });
        Envelope { dscp, udp, ..Envelope::PLAIN }
    }

    /// An answer of this socket to the segment at hand that its connection knows nothing of.
    pub(super) fn answer(&mut self, id: SocketId, source: End, destination: End, mut segment: Segment, envelope: Envelope) {
        let (source, destination) = (destination, source);
        self.sign(id, source, destination, &mut segment, &[]);
        self.strays.push_back(Outgoing { socket: Some(id), source, destination, payload: super::bare(segment), envelope });
    }

    /// The same for an answer of this socket that its connection knows nothing of.
    pub(super) fn around_socket(&self, id: SocketId) -> Envelope {
        let answer = self.around_answer();
        self.get(id).map_or(answer, |socket| self.inherited(socket.envelope))
    }
}
