//! Calls on a UDP socket, as a scenario names them.

use std::fmt;

use super::DEFAULT_PORT;
use crate::trace::HostId;

/// A call on the one UDP socket of a process. `send`, `recv` and `close` are those of any socket.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum UdpCall {
    /// `socket` and `bind`.
    Bind {
        /// Local port.
        port: u16,
    },
    /// `connect`: nothing leaves, but the socket has a peer, hears nobody else, and is told of errors.
    Connect {
        /// Whose port.
        to: HostId,
        /// Which port there.
        port: u16,
    },
    /// `sendto`: one datagram.
    SendTo {
        /// Whose port.
        to: HostId,
        /// Which port there; `None`: the peer, else whoever sent the datagram read last, else the usual port.
        port: Option<u16>,
        /// The text.
        text: Vec<u8>,
    },
    /// `recvfrom`: one datagram, of which so many octets are kept; all with `None`.
    RecvFrom(Option<u32>),
}

impl fmt::Display for UdpCall {
    /// As a scenario writes it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut named = |words: &str, port: u16| {
            write!(f, "{words}")?;
            if port == DEFAULT_PORT { Ok(()) } else { write!(f, " port {port}") }
        };
        match self {
            Self::Bind { port } => named("bind udp", *port),
            Self::Connect { port, .. } => named("connect udp", *port),
            Self::SendTo { text, port, .. } => {
                write!(f, "sendto {}", text.len())?;
                port.map_or(Ok(()), |port| write!(f, " port {port}"))
            }
            Self::RecvFrom(None) => write!(f, "recvfrom"),
            Self::RecvFrom(Some(octets)) => write!(f, "recvfrom {octets}"),
        }
    }
}
