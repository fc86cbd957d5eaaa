//! UDP sockets of a host (RFC 768, RFC 1122 section 4.1): datagrams whole or not at all, and nobody sends them again.

use std::collections::VecDeque;

use rustc_hash::FxHashMap;

use super::errors::errno_of;
use super::glance::DatagramGlance;
use super::{Host, Outgoing, Remark};
use crate::trace::{End, Envelope, IcmpError, Payload};
use crate::wire;
use crate::worlds::Errno;

/// Every UDP socket of a host; their ports have nothing to do with those of TCP.
#[derive(Clone, Debug, Default)]
pub(super) struct Udp {
    /// By local port, which only one can have.
    sockets: FxHashMap<u16, UdpSocket>,
    next_ephemeral: u16,
}

/// A UDP socket: a name, perhaps a peer, and what has arrived.
#[derive(Clone, Debug, Default)]
struct UdpSocket {
    peer: Option<End>,
    /// Who sent the datagram that was read last.
    last: Option<End>,
    received: VecDeque<(End, Vec<u8>)>,
    /// Octets of text in `received`.
    buffered: usize,
    /// What the next call fails with.
    error: Option<Errno>,
}

impl Udp {
    /// What a process can see of the socket at this port.
    pub(super) fn glance(&self, port: u16) -> DatagramGlance {
        let Some(socket) = self.sockets.get(&port) else { return DatagramGlance::default() };
        let first = socket.received.front().map(|(_, text)| u32::try_from(text.len()).unwrap_or(u32::MAX));
        DatagramGlance { first, error: socket.error }
    }

    pub(super) fn take_error(&mut self, port: u16) -> Option<Errno> {
        self.sockets.get_mut(&port)?.error.take()
    }

    pub(super) fn disconnect(&mut self, port: u16) -> Result<(), Errno> {
        self.sockets.get_mut(&port).map(|socket| socket.peer = None).ok_or(Errno::BadDescriptor)
    }
}

impl Host {
    /// `socket` and `bind`: a UDP socket at this port, or at an ephemeral one for 0.
    ///
    /// # Errors
    /// `EADDRINUSE` if another UDP socket has the port, `EADDRNOTAVAIL` if no ephemeral one is left.
    pub fn udp_bind(&mut self, port: u16) -> Result<u16, Errno> {
        let port = if port == 0 { self.udp_ephemeral_port()? } else { port };
        if self.udp.sockets.contains_key(&port) {
            return Err(Errno::AddressInUse);
        }
        self.udp.sockets.insert(port, UdpSocket::default());
        Ok(port)
    }

    fn udp_ephemeral_port(&mut self) -> Result<u16, Errno> {
        let (first, last) = (self.profile.ephemeral_first.max(1), self.profile.ephemeral_last);
        for _ in first..=last {
            let port = self.udp.next_ephemeral.clamp(first, last);
            self.udp.next_ephemeral = if port == last { first } else { port + 1 };
            if !self.udp.sockets.contains_key(&port) {
                return Ok(port);
            }
        }
        Err(Errno::AddressNotAvailable)
    }

    /// `connect` of the UDP socket at `port`: from now on it has this peer alone.
    ///
    /// # Errors
    /// `EBADF`; `ENETUNREACH` for an address of the other family.
    pub fn udp_connect(&mut self, port: u16, peer: End) -> Result<(), Errno> {
        if peer.address.is_ipv4() != self.address.is_ipv4() {
            return Err(Errno::NetworkUnreachable);
        }
        let socket = self.udp_socket(port)?;
        socket.peer = Some(peer);
        // What others sent before is not the peer's.
        socket.received.retain(|(source, _)| *source == peer);
        socket.buffered = socket.received.iter().map(|(_, text)| text.len()).sum();
        Ok(())
    }

    /// Whom a `sendto` without an address means: the peer, or who sent the datagram that was read last.
    pub fn udp_correspondent(&self, port: u16) -> Option<End> {
        let socket = self.udp.sockets.get(&port)?;
        socket.peer.or(socket.last)
    }

    /// `sendto`, or `send` where `to` is `None`: one datagram leaves.
    ///
    /// # Errors
    /// What an ICMP error told of an earlier datagram; `EBADF`; `ENOTCONN` without an address and without a peer; `EMSGSIZE` for more
    /// than one packet of the link holds, as nobody here cuts packets into fragments.
    pub fn udp_send(&mut self, port: u16, text: &[u8], to: Option<End>) -> Result<(), Errno> {
        let (address, mtu) = (self.address, u32::from(self.mtu));
        let socket = self.udp_socket(port)?;
        if let Some(error) = socket.error.take() {
            return Err(error);
        }
        let destination = to.or(socket.peer).ok_or(Errno::NotConnected)?;
        let payload = Payload::Udp { text: text.to_vec() };
        if wire::packet_octets(address, wire::payload_octets(&payload)) > mtu {
            return Err(Errno::MessageTooLong);
        }
        self.strays.push_back(Outgoing { socket: None, source: End { address, port }, destination, payload, envelope: Envelope::PLAIN });
        Ok(())
    }

    /// `recvfrom`, or `recv`: the next datagram, at most `most` octets of it; the rest of it is gone.
    ///
    /// # Errors
    /// What an ICMP error told; `EBADF`; `EAGAIN` while none has come.
    pub fn udp_recv(&mut self, port: u16, most: Option<u32>) -> Result<Vec<u8>, Errno> {
        let socket = self.udp_socket(port)?;
        if let Some(error) = socket.error.take() {
            return Err(error);
        }
        let (source, mut text) = socket.received.pop_front().ok_or(Errno::Again)?;
        socket.buffered -= text.len();
        socket.last = Some(source);
        text.truncate(most.map_or(usize::MAX, |most| most as usize));
        Ok(text)
    }

    /// `close` of the UDP socket at `port`: what it has not read is gone.
    ///
    /// # Errors
    /// `EBADF`.
    pub fn udp_close(&mut self, port: u16) -> Result<(), Errno> {
        self.udp.sockets.remove(&port).map(drop).ok_or(Errno::BadDescriptor)
    }

    fn udp_socket(&mut self, port: u16) -> Result<&mut UdpSocket, Errno> {
        self.udp.sockets.get_mut(&port).ok_or(Errno::BadDescriptor)
    }

    /// A datagram arrives: its socket keeps it while there is room; where there is no socket, its sender is told
    /// (RFC 1122 section 4.1.3.1).
    pub(super) fn on_datagram(&mut self, source: End, destination: End, text: &[u8]) {
        let room = self.profile.udp_receive_buffer as usize;
        let socket = self.udp.sockets.get_mut(&destination.port).filter(|socket| socket.peer.is_none_or(|peer| peer == source));
        let Some(socket) = socket else {
            self.refuse(IcmpError::PortUnreachable, source, destination, &Payload::Udp { text });
            return;
        };
        if socket.buffered + text.len() > room {
            let text = format!("datagram from {source} dropped: the receive queue is full");
            self.remarks.push_back(Remark { text, ended: None });
            return;
        }
        socket.buffered += text.len();
        socket.received.push_back((source, text.to_vec()));
    }

    /// An ICMP error quotes a datagram of this host: the socket is told, if that peer is its own.
    pub(super) fn on_udp_error(&mut self, error: IcmpError, source: End, destination: End) {
        if let Ok(socket) = self.udp_socket(source.port)
            && socket.peer == Some(destination)
        {
            socket.error = errno_of(error);
        }
    }
}
