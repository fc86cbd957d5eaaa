//! What a server does with its connections, by the names of the small services every stack is tried with.

use crate::engine::Instant;
use crate::worlds::simulated::{Host, SocketId};
use crate::worlds::{Errno, SocketOption};

/// What is done with each connection to a port.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Service {
    /// What comes goes back (RFC 862).
    Echo,
    /// What comes goes back in capital letters, as in the first lesson on sockets.
    Upper,
    /// What comes is read and dropped (RFC 863).
    Discard,
    /// Lines of characters are sent for as long as there is room (RFC 864).
    Chargen,
    /// The connection is closed as soon as it is there: the server's end comes to TIME-WAIT.
    Close,
    /// The connection is reset as soon as it is there.
    Reset,
    /// Nothing is ever read or closed: the window fills, and a peer that closes waits in FIN-WAIT-2.
    Hold,
}

impl Service {
    /// Every service with its name and what it does.
    pub const ALL: [(&'static str, Self, &'static str); 7] = [
        ("echo", Self::Echo, "sends back what comes (RFC 862)"),
        ("upper", Self::Upper, "sends back what comes, in capital letters"),
        ("discard", Self::Discard, "reads and drops what comes (RFC 863)"),
        ("chargen", Self::Chargen, "sends lines of characters while there is room (RFC 864)"),
        ("close", Self::Close, "closes at once"),
        ("reset", Self::Reset, "resets at once"),
        ("hold", Self::Hold, "never reads, never closes"),
    ];

    /// The service of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|(known, ..)| *known == name).map(|(_, service, _)| *service)
    }

    /// The service its number stands for (7, 9 and 19 are assigned); echo for every other port.
    pub const fn of_port(port: u16) -> Self {
        match port {
            9 => Self::Discard,
            19 => Self::Chargen,
            _ => Self::Echo,
        }
    }

    /// What it answers a datagram with, if anything.
    pub(super) fn answer(self, datagram: &[u8]) -> Option<Vec<u8>> {
        match self {
            Self::Echo => Some(datagram.to_vec()),
            Self::Upper => Some(datagram.to_ascii_uppercase()),
            // RFC 864: a datagram is answered by some characters, whatever is in it.
            Self::Chargen => Some(characters(0, LINE)),
            Self::Discard | Self::Close | Self::Reset | Self::Hold => None,
        }
    }
}

/// Octets read, or made, at a time.
const CHUNK: u32 = 16 << 10;
/// Octets of a line of characters, with its CR LF.
const LINE: usize = 74;

/// One connection that is being served.
#[derive(Clone, Debug)]
pub(super) struct Talk {
    service: Service,
    /// What waits for room in the send buffer; nothing more is read meanwhile.
    unsent: Vec<u8>,
    /// How many characters have been made.
    made: usize,
}

impl Talk {
    pub(super) fn new(service: Service) -> Self {
        Self { service, unsent: Vec::new(), made: 0 }
    }

    /// Does whatever can be done now; `false` when the socket was closed and the talk is over.
    pub(super) fn go_on(&mut self, host: &mut Host, id: SocketId, now: Instant) -> bool {
        let over = match self.service {
            Service::Close => true,
            Service::Reset => {
                // Refused by no socket that was accepted.
                let _ = host.set_option(id, now, SocketOption::Linger(Some(0)));
                true
            }
            Service::Hold => return true,
            Service::Discard | Service::Echo | Service::Upper => self.answer(host, id, now),
            Service::Chargen => self.generate(host, id, now),
        };
        if over {
            let _ = host.close(id, now);
        }
        !over
    }

    /// Reads, and sends what answers it; whether there is nothing more to do.
    fn answer(&mut self, host: &mut Host, id: SocketId, now: Instant) -> bool {
        loop {
            match self.flush(host, id, now) {
                Ok(()) => {}
                Err(errno) => return !errno.is_wait(),
            }
            match host.recv(id, now, CHUNK) {
                Ok(text) if text.is_empty() => return true,
                Ok(_) if self.service == Service::Discard => {}
                Ok(text) if self.service == Service::Upper => self.unsent = text.to_ascii_uppercase(),
                Ok(text) => self.unsent = text,
                Err(errno) => return !errno.is_wait(),
            }
        }
    }

    /// Sends characters until there is no room, and drops what comes; whether the peer has had enough.
    fn generate(&mut self, host: &mut Host, id: SocketId, now: Instant) -> bool {
        loop {
            match host.recv(id, now, CHUNK) {
                Ok(text) if text.is_empty() => return true,
                Ok(_) => {}
                Err(errno) if errno.is_wait() => break,
                Err(_) => return true,
            }
        }
        loop {
            match self.flush(host, id, now) {
                Ok(()) => {
                    self.unsent = characters(self.made, CHUNK as usize);
                    self.made += self.unsent.len();
                }
                Err(errno) => return !errno.is_wait(),
            }
        }
    }

    fn flush(&mut self, host: &mut Host, id: SocketId, now: Instant) -> Result<(), Errno> {
        while !self.unsent.is_empty() {
            let taken = host.send(id, now, &self.unsent, false)? as usize;
            self.unsent.drain(..taken);
        }
        Ok(())
    }
}

/// The characters from position `from` on of the pattern of RFC 864: lines of 72, each begun one further.
fn characters(from: usize, count: usize) -> Vec<u8> {
    (from..from + count)
        .map(|position| match (position / LINE, position % LINE) {
            (_, 72) => b'\r',
            (_, 73) => b'\n',
            // 95 printable characters, from the space on; the sum stays below 256 by the remainder.
            (line, column) => b' ' + u8::try_from((line + column) % 95).unwrap_or(0),
        })
        .collect()
}
