//! The connections of a script: which of its numbers are which on the wire.

use std::collections::BTreeMap;

use super::packet::Live;
use crate::engine::Flags;
use crate::sources::packetdrill::syntax::Number;
use crate::trace::{End, UdpPorts};
use crate::worlds::stack::Fd;

/// What a script's socket speaks.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) enum Protocol {
    Tcp,
    Udp,
    /// Another one: no packet line is about it.
    Other,
}

/// How far a script has come with a socket.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) enum Phase {
    /// It is there, perhaps bound.
    New,
    /// It listens.
    Listening,
    /// The first packet for a listener has been sent to it.
    PacketReceived,
    /// The SYN-ACK has been expected.
    SynAckSent,
    /// It has been answered.
    SynAckAcked,
    /// connect has been called.
    Connecting,
    /// The SYN has been expected.
    SynSent,
    /// It has been answered by a SYN.
    SynAcked,
}

/// A socket of the stack under test, as far as the script is concerned with it.
#[derive(Clone, Debug)]
pub(super) struct Socket {
    pub(super) protocol: Protocol,
    pub(super) phase: Phase,
    /// The stack's descriptor; a child has none before accept.
    pub(super) fd: Option<Fd>,
    /// Whether accept has handed it out.
    pub(super) accepted: bool,
    /// Its own address and port; 0 while nobody knows which it takes.
    pub(super) local: End,
    /// Whom it speaks to.
    pub(super) remote: End,
    /// The ports of UDP headers around its segments, as the stack under test receives them.
    pub(super) in_udp: Option<UdpPorts>,
    pub(super) numbers: Numbers,
    pub(super) stamps: Stamps,
    /// The last flow label: as written, as seen.
    pub(super) flow: Option<(u32, u32)>,
    /// SEQ behind the last packet sent to it, and its ACK, live; for the reset at the end.
    pub(super) sent_to: Option<(u32, u32)>,
    /// The last ACK that came from it.
    pub(super) acked: Option<u32>,
}

impl Socket {
    pub(super) fn new(protocol: Protocol, fd: Option<Fd>, local: End, remote: End) -> Self {
        Self {
            protocol,
            phase: Phase::New,
            fd,
            accepted: false,
            local,
            remote,
            in_udp: None,
            numbers: Numbers::default(),
            stamps: Stamps::default(),
            flow: None,
            sent_to: None,
            acked: None,
        }
    }

    /// Whether a reset can find the connection at the end.
    pub(super) const fn has_connection(&self) -> bool {
        match self.phase {
            Phase::New | Phase::Listening | Phase::Connecting => false,
            Phase::PacketReceived | Phase::SynAckSent | Phase::SynAckAcked | Phase::SynSent | Phase::SynAcked => true,
        }
    }

    /// Learns from a packet of its own.
    pub(super) fn learn(&mut self, live: &Live) {
        if self.local.port == 0 {
            self.local.port = live.source.port;
        }
        if let Some(segment) = live.segment().filter(|segment| segment.has(Flags::ACK)) {
            self.acked = Some(segment.ack.get());
        }
    }
}

/// Initial sequence numbers: those written, those on the wire.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Numbers {
    /// Of the stack under test, as the script has it.
    pub(super) script_local: u32,
    /// Of the stack under test.
    pub(super) live_local: u32,
    /// Of the script's side, as the script has it.
    pub(super) script_remote: u32,
    /// Of the script's side.
    pub(super) live_remote: u32,
}

impl Numbers {
    /// The script's side begins with this number, as written and on the wire.
    pub(super) const fn begin_remote(&mut self, seq: u32) {
        self.script_remote = seq;
        self.live_remote = seq;
    }

    /// What is added to a number of the stack under test to have the one on the wire: a SYN's are absolute, others relative.
    const fn local_offset(&self, syn: bool) -> u32 {
        if syn { self.live_local.wrapping_sub(self.script_local) } else { self.live_local }
    }

    const fn remote_offset(&self, syn: bool) -> u32 {
        if syn { self.live_remote.wrapping_sub(self.script_remote) } else { self.live_remote }
    }

    /// A number of the script's side on the wire.
    pub(super) const fn remote_live(&self, number: Number, syn: bool) -> u32 {
        if number.raw { number.value } else { number.value.wrapping_add(self.remote_offset(syn)) }
    }

    /// A number of the stack under test on the wire.
    pub(super) const fn local_live(&self, number: Number, syn: bool) -> u32 {
        if number.raw { number.value } else { number.value.wrapping_add(self.local_offset(syn)) }
    }

    /// A number of the script's side as the script writes it.
    pub(super) const fn remote_written(&self, live: u32, syn: bool) -> u32 {
        live.wrapping_sub(self.remote_offset(syn))
    }

    /// A number of the stack under test as the script writes it.
    pub(super) const fn local_written(&self, live: u32, syn: bool) -> u32 {
        live.wrapping_sub(self.local_offset(syn))
    }
}

/// TSvals of the stack under test: as written, as seen.
#[derive(Clone, Debug, Default)]
pub(super) struct Stamps {
    first: Option<(u32, u32)>,
    seen: BTreeMap<u32, u32>,
    written: BTreeMap<u32, u32>,
}

impl Stamps {
    pub(super) fn learn(&mut self, written: u32, live: u32) {
        self.first.get_or_insert((written, live));
        self.seen.insert(written, live);
        self.written.insert(live, written);
    }

    /// What was seen where this was written first.
    pub(super) const fn first(&self) -> Option<(u32, u32)> {
        self.first
    }

    /// The TSecr on the wire for one that is written; counted on from the first where that is asked for.
    pub(super) fn live(&self, written: u32, scaled: bool) -> Option<u32> {
        let counted = || self.first.filter(|_| scaled).map(|(base, live)| live.wrapping_add(written.wrapping_sub(base)));
        self.seen.get(&written).copied().or_else(counted)
    }

    /// How the script would write a TSval that was seen.
    pub(super) fn written(&self, live: u32) -> u32 {
        let counted = || self.first.map_or(live, |(base, first)| base.wrapping_add(live.wrapping_sub(first)));
        self.written.get(&live).copied().unwrap_or_else(counted)
    }
}
