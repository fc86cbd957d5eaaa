//! The calls of a process on its UDP socket, as system calls.

use std::net::{SocketAddr, UdpSocket};

use super::Errno;
use super::process::Process;
use super::world::bad_descriptor;
use crate::trace::End;
use crate::worlds::{DEFAULT_PORT, UdpCall};

/// The largest datagram there can be, octets.
const LONGEST: usize = 65_535;

impl Process {
    pub(super) fn udp_call(&mut self, call: &UdpCall) -> Result<String, Errno> {
        match call {
            UdpCall::Bind { port } => {
                if self.datagrams.is_some() {
                    return Err(rustix::io::Errno::INVAL.into());
                }
                self.datagrams = Some(self.udp_socket(*port)?);
                Ok(String::new())
            }
            UdpCall::Connect { to, port } => {
                let peer = End { address: self.address_of(*to), port: *port };
                self.udp_any()?.connect(at(peer))?;
                self.correspondents.1 = Some(peer);
                Ok(String::new())
            }
            UdpCall::SendTo { to, port, text } => {
                let address = self.address_of(*to);
                let (last, peer) = self.correspondents;
                let usual = || peer.or(last).unwrap_or(End { address, port: DEFAULT_PORT });
                let destination = port.map_or_else(usual, |port| End { address, port });
                Ok(self.udp_any()?.send_to(text, at(destination))?.to_string())
            }
            UdpCall::RecvFrom(most) => self.udp_recv(*most),
        }
    }

    /// One datagram: how many octets of it were kept.
    pub(super) fn udp_recv(&mut self, most: Option<u32>) -> Result<String, Errno> {
        let socket = self.datagrams.as_ref().ok_or_else(bad_descriptor)?;
        let mut octets = vec![0; most.map_or(LONGEST, |most| (most as usize).min(LONGEST))];
        let (len, source) = socket.recv_from(&mut octets)?;
        self.correspondents.0 = Some(End { address: source.ip(), port: source.port() });
        Ok(len.to_string())
    }

    /// The UDP socket; one at an ephemeral port if the process has none yet.
    fn udp_any(&mut self) -> Result<&UdpSocket, Errno> {
        if self.datagrams.is_none() {
            self.datagrams = Some(self.udp_socket(0)?);
        }
        self.datagrams.as_ref().ok_or_else(bad_descriptor)
    }

    fn udp_socket(&self, port: u16) -> Result<UdpSocket, Errno> {
        let socket = UdpSocket::bind(SocketAddr::new(self.own_address(), port))?;
        socket.set_nonblocking(true)?;
        Ok(socket)
    }
}

fn at(end: End) -> SocketAddr {
    SocketAddr::new(end.address, end.port)
}
