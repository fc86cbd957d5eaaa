//! Sequence numbers as a person reads them: counted from each side's first SYN.

use std::collections::HashMap;

use super::{End, Icmp, Packet, Payload, Quoted, Trace};
use crate::engine::{Flags, Segment, SeqNumber, TcpOptions};

impl Trace {
    /// The same trace, each side's sequence numbers counted from its own first SYN, which becomes 0.
    ///
    /// Where a side's SYN is not in the trace, its first text or FIN is 1. Numbers of a side that never sent
    /// anything but RST stay as they are.
    #[must_use]
    pub fn with_relative_numbers(&self) -> Self {
        let mut bases = self.first_numbers();
        let mut trace = self.clone();
        for packet in &mut trace.packets {
            let Packet { from, source, destination, payload, .. } = packet;
            match payload {
                Payload::Tcp { segment, .. } => {
                    if segment.has(Flags::SYN) && from.is_some() {
                        bases.insert(*source, segment.seq.get());
                    }
                    count_from(segment, bases.get(source).copied(), bases.get(destination).copied());
                }
                Payload::Icmp(Icmp::Error { quote, .. }) => {
                    if let (Quoted::Tcp(seq), Some(base)) = (&mut quote.what, bases.get(&quote.source)) {
                        *seq = SeqNumber::new(seq.get().wrapping_sub(*base));
                    }
                }
                Payload::Udp { .. } | Payload::Icmp(_) | Payload::Neighbour(_) => {}
            }
        }
        trace
    }

    /// The number that becomes 0, of each end that sent something else than RST.
    fn first_numbers(&self) -> HashMap<End, u32> {
        let mut bases = HashMap::new();
        for packet in &self.packets {
            if let Some(segment) = packet.segment().filter(|segment| !segment.has(Flags::RST)) {
                let before = u32::from(!segment.has(Flags::SYN));
                bases.entry(packet.source).or_insert_with(|| segment.seq.get().wrapping_sub(before));
            }
        }
        bases
    }
}

/// Counts a segment's numbers from these, where they are known: its sender's from the first, what it acknowledges from the other.
pub fn count_from(segment: &mut Segment, sender: Option<u32>, receiver: Option<u32>) {
    // A reset with SEQ 0 says zero, not a number of the connection.
    let literal = segment.has(Flags::RST) && segment.seq.get() == 0;
    if let Some(base) = sender.filter(|_| !literal) {
        segment.seq = SeqNumber::new(segment.seq.get().wrapping_sub(base));
    }
    if let Some(base) = receiver {
        acknowledged_from(segment, base);
    }
}

/// Counts what a segment acknowledges, selectively too, from `base`.
fn acknowledged_from(segment: &mut Segment, base: u32) {
    if segment.has(Flags::ACK) {
        segment.ack = SeqNumber::new(segment.ack.get().wrapping_sub(base));
    }
    let mut octets = [0; TcpOptions::MAX];
    let len = segment.options.octets().len();
    octets[..len].copy_from_slice(segment.options.octets());
    let mut at = 0;
    while at + 1 < len {
        match (octets[at], usize::from(octets[at + 1])) {
            (1, _) => at += 1,
            (0, _) | (_, 0 | 1) => break,
            (SACK, size) => {
                for edge in octets[at + 2..(at + size).clamp(at + 2, len)].chunks_exact_mut(4) {
                    let number = u32::from_be_bytes([edge[0], edge[1], edge[2], edge[3]]);
                    edge.copy_from_slice(&number.wrapping_sub(base).to_be_bytes());
                }
                at += size;
            }
            (_, size) => at += size,
        }
    }
    if let Some(options) = TcpOptions::from_octets(&octets[..len]) {
        segment.options = options;
    }
}

/// The kind of a SACK option (RFC 2018 section 3).
const SACK: u8 = 5;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_sides_count_from_their_syn() {
        let trace = crate::scenario("half-close").expect("built in").run();
        let relative = trace.with_relative_numbers();
        let shown: Vec<_> = relative.packets.iter().filter_map(Packet::segment).map(ToString::to_string).collect();
        assert_eq!(shown[..3], ["<SEQ=0><CTL=SYN>", "<SEQ=0><ACK=1><CTL=SYN,ACK>", "<SEQ=1><ACK=1><CTL=ACK>"]);
        assert_eq!(relative.entries, trace.entries, "nothing else changes");
        assert_eq!(relative.with_relative_numbers(), relative);
    }

    #[test]
    fn selective_acknowledgments_are_counted_too() {
        let options = TcpOptions::NONE.nop().nop().sack(1100, 1200);
        let (seq, ack) = (SeqNumber::new(7), SeqNumber::new(1050));
        let flags = Flags::ACK;
        let mut segment = Segment { seq, ack, flags, window: crate::engine::WireWindow(1), urgent: 0, len: 0, options };
        acknowledged_from(&mut segment, 1000);
        assert_eq!((segment.ack.get(), segment.options), (50, TcpOptions::NONE.nop().nop().sack(100, 200)));
        for octets in [&[5][..], &[5, 1], &[5, 0], &[5, 40, 1], &[1, 1, 5], &[0, 5], &[8, 255]] {
            segment.options = TcpOptions::from_octets(octets).expect("short");
            acknowledged_from(&mut segment, 1);
            assert_eq!(segment.options.octets(), octets);
        }
    }
}
