//! Signed segments (RFC 2385): the keys of a socket, signatures of what leaves, and what becomes of what is not signed.
//!
//! The connection knows only that some room in the option area is not its own; the digest is made over a whole
//! segment, which is here for the first time.

use std::net::IpAddr;

use super::{Host, Outgoing, SocketId};
use crate::engine::profile::OptionLayout;
use crate::engine::{Instant, Segment, State, TcpOption, TcpOptions};
use crate::trace::{End, Envelope, Payload};
use crate::wire::{self, DIGEST, SIGNATURE};
use crate::worlds::Errno;

/// Octets the option takes, with the two no-operations that align it.
const OPTION: u8 = 20;

/// The longest key, in octets (`TCP_MD5SIG_MAXKEYLEN`).
const LONGEST: usize = 80;

/// A key, and whose segments are signed with it.
#[derive(Clone, Debug)]
pub(in super::super) struct Key {
    address: IpAddr,
    /// How many of its first bits count.
    prefix: u8,
    octets: Vec<u8>,
}

impl Key {
    fn is_for(&self, address: IpAddr) -> bool {
        let shift = |bits: u32| bits.saturating_sub(u32::from(self.prefix));
        match (self.address, address) {
            (IpAddr::V4(own), IpAddr::V4(other)) => (own.to_bits() ^ other.to_bits()).checked_shr(shift(32)).unwrap_or(0) == 0,
            (IpAddr::V6(own), IpAddr::V6(other)) => (own.to_bits() ^ other.to_bits()).checked_shr(shift(128)).unwrap_or(0) == 0,
            (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => false,
        }
    }
}

impl Host {
    /// `TCP_MD5SIG`: segments to and from this address are signed with `key`; an empty one ends that. With a `prefix`
    /// (`TCP_MD5SIG_EXT`), those of all addresses with the same first bits; the longest prefix counts.
    ///
    /// # Errors
    /// `EINVAL` for a prefix longer than an address, or a key of more than 80 octets; `ENOENT` if there is no key to end.
    pub fn set_signature_key(&mut self, id: SocketId, address: IpAddr, prefix: Option<u8>, key: &[u8]) -> Result<(), Errno> {
        let bits = if address.is_ipv4() { 32 } else { 128 };
        let prefix = prefix.unwrap_or(bits);
        if prefix > bits || key.len() > LONGEST {
            return Err(Errno::Invalid);
        }
        self.guarded = true;
        let socket = self.get_mut(id)?;
        let known = socket
            .keys
            .iter()
            .position(|known| known.prefix == prefix && known.is_for(address) && known.address.is_ipv4() == address.is_ipv4());
        match (known, key.is_empty()) {
            (None, true) => return Err(Errno::NoEntry),
            (Some(at), true) => _ = socket.keys.remove(at),
            (Some(at), false) => socket.keys[at].octets = key.to_vec(),
            (None, false) => socket.keys.push(Key { address, prefix, octets: key.to_vec() }),
        }
        if let Some(remote) = socket.remote {
            self.reserve_signature(id, remote);
        }
        Ok(())
    }

    /// Whether segments of this socket from and to that address are signed.
    pub fn signs(&self, id: SocketId, address: IpAddr) -> bool {
        self.signature_key(id, address).is_some()
    }

    fn signature_key(&self, id: SocketId, address: IpAddr) -> Option<&[u8]> {
        let keys = self.get(id).ok()?.keys.iter().filter(|key| key.is_for(address));
        keys.max_by_key(|key| key.prefix).map(|key| key.octets.as_slice())
    }

    /// A connection with this peer begins, or has a key from now on: its segments leave room for the signature.
    pub(super) fn reserve_signature(&mut self, id: SocketId, remote: End) {
        let octets = self.room_of_signature(id, remote);
        if let Ok(socket) = self.get_mut(id) {
            socket.connection.reserve_options(octets);
        }
    }

    /// Octets that a signature takes of segments to this peer.
    pub(super) fn room_of_signature(&self, id: SocketId, remote: End) -> u8 {
        if self.signs(id, remote.address) { OPTION } else { 0 }
    }

    /// Whether the segment is signed as this socket wants it: rightly, or not at all where there is no key. One that is
    /// not is dropped, and nobody is told (RFC 2385 section 2.0).
    pub(super) fn is_rightly_signed(&self, id: Option<SocketId>, source: End, destination: End, segment: &Segment, text: &[u8]) -> bool {
        // Most areas are too short for one.
        let shown = if segment.options.octets().len() > DIGEST { wire::signature_of(&segment.options) } else { None };
        match (id.and_then(|id| self.signature_key(id, source.address)), shown) {
            (None, None) => true,
            (Some(key), Some(shown)) => wire::signature(source, destination, segment, text, key).is_ok_and(|right| right == shown),
            (None, Some(_)) | (Some(_), None) => false,
        }
    }

    /// Whether a connection takes notice of a segment at all, whatever its numbers are.
    #[cold]
    pub(super) fn may_enter(&mut self, id: SocketId, now: Instant, source: End, destination: End, segment: &Segment, text: &[u8]) -> bool {
        if !self.came_in_its_way(id) {
            self.refuse_segment(now, source, destination, &segment.crossed());
            return false;
        }
        // Linux keeps a record in TIME-WAIT that signs what it sends and looks at no signature.
        let waits = self.get(id).is_ok_and(|socket| socket.connection.state() == State::TimeWait);
        let looks = !(waits && self.profile.time_wait_unsigned);
        !self.came_too_far(id) && (!looks || self.is_rightly_signed(Some(id), source, destination, segment, text))
    }

    /// The packet of a socket that has keys.
    #[cold]
    pub(super) fn signed(
        &self,
        id: SocketId,
        source: End,
        destination: End,
        mut segment: Segment,
        text: Vec<u8>,
        envelope: Envelope,
    ) -> Outgoing {
        self.sign(id, source, destination, &mut segment, &text);
        Outgoing { socket: Some(id), source, destination, payload: Payload::Tcp { segment, text }, envelope }
    }

    /// Signs what leaves, if this socket has a key for its peer.
    #[cold]
    pub(super) fn sign(&self, id: SocketId, source: End, destination: End, segment: &mut Segment, text: &[u8]) {
        let Some(key) = self.signature_key(id, destination.address) else { return };
        let layout = self.profile.option_layout;
        let Some(unsigned) = with_signature(&segment.options, layout, [0; DIGEST]) else { return };
        segment.options = unsigned;
        // What cannot be encoded cannot leave either.
        let Ok(digest) = wire::signature(source, destination, segment, text, key) else { return };
        let _ = segment.options.fill(SIGNATURE, &digest);
    }
}

/// These options with a signature among them: first on Linux, behind the timestamps on FreeBSD; `None` if there is no
/// room.
fn with_signature(options: &TcpOptions, layout: OptionLayout, digest: [u8; DIGEST]) -> Option<TcpOptions> {
    let mut before = 0;
    if layout == OptionLayout::FreeBsd {
        for option in options.iter() {
            match option {
                TcpOption::MaximumSegmentSize(_) => before += 4,
                TcpOption::WindowScale(_) => before += 3,
                TcpOption::SackPermitted => before += 2,
                TcpOption::Timestamps(_) => before += 10,
                TcpOption::NoOperation => before += 1,
                TcpOption::EndOfList
                | TcpOption::Sack(_)
                | TcpOption::FastOpen(_)
                | TcpOption::Unknown { .. }
                | TcpOption::Malformed(_) => break,
            }
        }
    }
    let (front, behind) = options.octets().split_at(before);
    let behind = if behind.iter().all(|octet| *octet == 0) { &[] } else { behind };
    let mut area = front.to_vec();
    // What it is aligned by is either there or not.
    while area.len() % 4 != 2 {
        area.push(1);
    }
    area.extend_from_slice(&[SIGNATURE, OPTION - 2]);
    area.extend_from_slice(&digest);
    area.extend_from_slice(behind);
    TcpOptions::from_octets(&area).map(TcpOptions::padded)
}
