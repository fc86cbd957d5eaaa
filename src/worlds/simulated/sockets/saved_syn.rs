//! `TCP_SAVE_SYN`: the headers of the SYN that began a connection, for who accepts it.

use super::table::File;
use super::{Sockets, Stop};
use crate::engine::{Flags, State};
use crate::trace::{End, Payload};
use crate::wire::Decoded;
use crate::worlds::Errno;
use crate::worlds::stack::Fd;

/// SYNs that are kept for connections that wait.
const MOST: usize = 4096;

impl Sockets {
    /// A packet arrives: a SYN is kept if a listener of its port wants that.
    pub(super) fn save_syn(&mut self, packet: &[u8], decoded: &Decoded<'_>) {
        let Payload::Tcp { segment, .. } = decoded.payload.to_owned() else { return };
        if !segment.has(Flags::SYN) || segment.has(Flags::ACK) {
            return;
        }
        let port = decoded.destination.port;
        let wanted = self.files.values().any(|file| match file {
            File::Stream(stream) => {
                stream.choices.is_on("TCP_SAVE_SYN")
                    && self.host.state(stream.id) == State::Listen
                    && self.host.ends(stream.id).0 == Some(port)
            }
            File::Datagram(_) | File::Zeros(_) | File::Pipe(_) | File::Epoll(_) => false,
        });
        if wanted && self.saved_syns.len() < MOST {
            let headers = packet.len() - segment.len as usize;
            self.saved_syns.entry((decoded.source.address, decoded.source.port)).or_insert_with(|| packet[..headers].to_vec());
        }
    }

    /// The SYN of a connection that is accepted.
    pub(super) fn take_saved_syn(&mut self, peer: Option<End>) -> Option<Vec<u8>> {
        let peer = peer?;
        self.saved_syns.remove(&(peer.address, peer.port))
    }

    /// `TCP_SAVED_SYN`: told once, to who has room for it.
    pub(super) fn saved_syn(&mut self, fd: Fd, room: usize) -> Result<Vec<u8>, Stop> {
        let Some(saved) = &mut self.stream_mut(fd)?.saved_syn else { return Ok(Vec::new()) };
        if room < saved.len() {
            return Err(Errno::Invalid.into());
        }
        Ok(std::mem::take(saved))
    }
}
