//! The calls of a process that are not TCP's: on its UDP socket, and `ping`.

use super::Simulated;
use crate::trace::{End, HostId};
use crate::worlds::{DEFAULT_PORT, Errno, UdpCall};

impl Simulated {
    pub(super) fn udp_call(&mut self, host: HostId, call: &UdpCall) -> Result<String, Errno> {
        match call {
            UdpCall::Bind { port } => {
                if self.process(host).datagrams.is_some() {
                    return Err(Errno::Invalid);
                }
                let port = self.host_mut(host).udp_bind(*port)?;
                self.process(host).datagrams = Some(port);
                Ok(String::new())
            }
            UdpCall::Connect { to, port } => {
                let peer = End { address: self.host(*to).address(), port: *port };
                let own = self.udp_socket(host)?;
                self.host_mut(host).udp_connect(own, peer).map(|()| String::new())
            }
            UdpCall::SendTo { to, port, text } => {
                let own = self.udp_socket(host)?;
                let address = self.host(*to).address();
                let destination = match port {
                    Some(port) => End { address, port: *port },
                    None => self.host(host).udp_correspondent(own).unwrap_or(End { address, port: DEFAULT_PORT }),
                };
                self.host_mut(host).udp_send(own, text, Some(destination)).map(|()| text.len().to_string())
            }
            UdpCall::RecvFrom(most) => {
                let own = self.process(host).datagrams.ok_or(Errno::BadDescriptor)?;
                self.udp_recv(host, own, *most)
            }
        }
    }

    /// `send` on the UDP socket at `own`.
    pub(super) fn udp_send(&mut self, host: HostId, own: u16, text: &[u8]) -> Result<String, Errno> {
        self.host_mut(host).udp_send(own, text, None).map(|()| text.len().to_string())
    }

    /// One datagram: how many octets of it were kept.
    pub(super) fn udp_recv(&mut self, host: HostId, own: u16, most: Option<u32>) -> Result<String, Errno> {
        self.host_mut(host).udp_recv(own, most).map(|text| text.len().to_string())
    }

    /// The UDP socket of the process; one at an ephemeral port if it has none yet.
    fn udp_socket(&mut self, host: HostId) -> Result<u16, Errno> {
        if let Some(port) = self.process(host).datagrams {
            return Ok(port);
        }
        let port = self.host_mut(host).udp_bind(0)?;
        self.process(host).datagrams = Some(port);
        Ok(port)
    }

    /// The UDP socket, if `send`, `recv` and `close` speak of it: the process has none of TCP.
    pub(super) fn only_udp(&mut self, host: HostId) -> Option<u16> {
        let process = self.process(host);
        process.datagrams.filter(|_| process.connection.is_none() && process.listener.is_none())
    }

    pub(super) fn start_ping(&mut self, host: HostId, to: HostId, times: u16) -> Result<String, Errno> {
        let (now, address) = (self.now, self.host(to).address());
        self.host_mut(host).start_ping(now, End { address, port: 0 }, times);
        Err(Errno::Again)
    }
}
