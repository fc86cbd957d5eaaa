//! Segments in UDP, as FreeBSD has them: one port of the host for all of them, the peer's for each connection.

use std::net::IpAddr;

use super::{Host, SocketId};
use crate::engine::{SeqNumber, State};
use crate::trace::{End, Envelope, Payload, Quote, Quoted, UdpPorts};
use crate::wire::{self, Decoded};
use crate::worlds::Errno;

impl Host {
    /// `TCP_REMOTE_UDP_ENCAPS_PORT`: the segments of this socket travel in UDP, to this port of the peer; 0 ends that.
    ///
    /// # Errors
    /// `EINVAL` where the host has no port for it (the knob `udp-tunneling-port`), or once there is a connection.
    pub fn set_udp_encapsulation(&mut self, id: SocketId, port: u16) -> Result<(), Errno> {
        let own = self.profile.udp_tunneling_port;
        let socket = self.get_mut(id)?;
        if socket.connection.state() != State::Closed || (own == 0 && port != 0) {
            return Err(Errno::Invalid);
        }
        socket.envelope.udp = (port != 0).then_some(UdpPorts { source: own, destination: port });
        Ok(())
    }

    /// The port of the peer, or 0.
    ///
    /// # Errors
    /// `EBADF`.
    pub fn udp_encapsulation(&self, id: SocketId) -> Result<u16, Errno> {
        Ok(self.get(id)?.envelope.udp.map_or(0, |ports| ports.destination))
    }

    /// Whether a segment that came in UDP came to the port for them, which is the only one that has an ear for it.
    pub(super) fn is_tunnel(&self, ports: UdpPorts) -> bool {
        self.profile.udp_tunneling_port != 0 && ports.destination == self.profile.udp_tunneling_port
    }

    /// The segment in a datagram that has come to the port for them: its ends, itself, and what is around it.
    pub(super) fn tunnelled<'a>(&self, source: End, destination: End, text: &'a [u8]) -> Option<Decoded<'a>> {
        let ours = self.profile.udp_tunneling_port;
        if ours == 0 || destination.port != ours {
            return None;
        }
        wire::unwrap_udp(&Decoded { source, destination, payload: Payload::Udp { text }, envelope: self.around })
    }

    /// Whether the packet at hand came as the segments of this connection come.
    pub(super) fn came_in_its_way(&self, id: SocketId) -> bool {
        let Ok(socket) = self.get(id) else { return true };
        socket.envelope.udp.map(|ports| ports.destination) == self.around.udp.map(|ports| ports.source)
    }

    /// What stands around the segments of a connection that the packet at hand begins.
    pub(super) fn inherited(&self, listener: Envelope) -> Envelope {
        let dscp = if self.profile.reflect_class { self.around.dscp } else { listener.dscp };
        Envelope { udp: self.around_answer().udp, dscp, ..listener }
    }

    /// What an ICMP error quotes that is about a segment in UDP; `None` if it is not, or quotes too little of it.
    pub(super) fn quoted_in_udp<'a>(&self, quote: &'a Quote<impl AsRef<[u8]>>) -> Option<Quote<&'a [u8]>> {
        let ours = self.profile.udp_tunneling_port;
        if ours == 0 || quote.what != Quoted::Udp || quote.source.port != ours {
            return None;
        }
        let octets = quote.octets.as_ref();
        let header = match quote.source.address {
            IpAddr::V4(_) => usize::from(octets.first()? & 15) * 4,
            IpAddr::V6(_) => 40,
        };
        let &[a, b, c, d, e, f, g, h] = octets.get(header + usize::from(UdpPorts::HEADER)..)?.first_chunk::<8>()?;
        Some(Quote {
            source: End { port: u16::from_be_bytes([a, b]), ..quote.source },
            destination: End { port: u16::from_be_bytes([c, d]), ..quote.destination },
            what: Quoted::Tcp(SeqNumber::new(u32::from_be_bytes([e, f, g, h]))),
            octets,
        })
    }
}
