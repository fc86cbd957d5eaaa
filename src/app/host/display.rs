//! Packets as they pass, as rows of a ladder whose left side is a program we know nothing of.

use std::collections::VecDeque;

use rustc_hash::FxHashMap;
use synfin::engine::{Flags, Segment, State};
use synfin::ladder::{Course, Fields, Message, Rung, RungKind, Sign};
use synfin::sinks::ladder;
use synfin::trace::{End, Packet, count_from};

/// Connections whose numbers are remembered; the oldest is forgotten for a new one.
const MOST_FLOWS: usize = 4096;
/// Columns of the field list, which keep a line within 80.
const FIELDS: usize = 42;

/// Which connection a row is of, and where its numbers begin.
#[derive(Clone, Copy, Debug)]
struct Flow {
    number: u64,
    /// What is subtracted from SEQ of the peer and of the host.
    bases: [Option<u32>; 2],
}

/// Two ends, the peer's first.
type Ends = (End, End);

/// Lays packets out as they pass.
#[derive(Debug, Default)]
pub(super) struct Display {
    /// Whether sequence numbers are shown as they are.
    absolute: bool,
    /// Whether window and options are shown.
    options: bool,
    flows: FxHashMap<Ends, Flow>,
    order: VecDeque<Ends>,
    numbered: u64,
    /// The connection of the row above.
    shown: Option<u64>,
}

impl Display {
    pub(super) fn new(absolute: bool, options: bool) -> Self {
        Self { absolute, options, ..Self::default() }
    }

    /// The row of a packet, with a line above it where another connection's stands there; `outbound` if the host sent
    /// it, which is in `state` now.
    pub(super) fn rows(&mut self, packet: &Packet, outbound: bool, state: Option<State>) -> String {
        let Some(segment) = packet.segment() else {
            self.shown = None;
            let course = course(outbound);
            return row(RungKind::Message { course, message: Message::of(packet) }, state);
        };
        let ends = if outbound { (packet.destination, packet.source) } else { (packet.source, packet.destination) };
        let flow = self.flow(ends, segment, outbound);
        let mut text = String::new();
        if self.shown.replace(flow.number) != Some(flow.number) {
            text = format!("   ({}: {} -> {})\n", flow.number, ends.0, ends.1);
        }
        let mut shown = *segment;
        if !self.absolute {
            let side = usize::from(outbound);
            count_from(&mut shown, flow.bases[side], flow.bases[1 - side]);
        }
        text + &row(RungKind::Segment { course: course(outbound), fields: Fields::of(&shown, self.options) }, state)
    }

    fn flow(&mut self, ends: Ends, segment: &Segment, outbound: bool) -> Flow {
        let begins = segment.has(Flags::SYN) && !segment.has(Flags::ACK) && !outbound;
        let known = self.flows.get(&ends).copied();
        let mut flow = match known {
            // Another SYN of the same ends begins another connection; a repeated one does not.
            Some(flow) if !begins || flow.bases[0] == Some(segment.seq.get()) => flow,
            _ => {
                self.numbered += 1;
                Flow { number: self.numbered, bases: [None; 2] }
            }
        };
        let side = usize::from(outbound);
        flow.bases[side].get_or_insert(segment.seq.get());
        if segment.has(Flags::ACK) {
            // Whatever came before was not seen; its last octet counts as the SYN.
            flow.bases[1 - side].get_or_insert(segment.ack.get().wrapping_sub(1));
        }
        if self.flows.insert(ends, flow).is_none() {
            self.order.push_back(ends);
            if self.order.len() > MOST_FLOWS
                && let Some(oldest) = self.order.pop_front()
            {
                self.flows.remove(&oldest);
            }
        }
        flow
    }
}

const fn course(outbound: bool) -> Course {
    let sign = if outbound { Sign::Leftward } else { Sign::Rightward };
    Course { left: sign, right: sign }
}

fn row(kind: RungKind, state: Option<State>) -> String {
    ladder::line(&Rung { kind, left: None, right: state, beside: None }, FIELDS) + "\n"
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use synfin::engine::{SeqNumber, TcpOptions, WireWindow};
    use synfin::trace::{HostId, Payload};

    use super::*;

    fn end(last: u8, port: u16) -> End {
        End { address: IpAddr::from([192, 0, 2, last]), port }
    }

    fn packet(port: u16, outbound: bool, seq: u32, ack: Option<u32>, flags: Flags) -> Packet {
        let segment = Segment {
            seq: SeqNumber::new(seq),
            ack: SeqNumber::new(ack.unwrap_or(0)),
            flags,
            window: WireWindow(1000),
            urgent: 0,
            len: 0,
            options: TcpOptions::default(),
        };
        let (peer, host) = (end(1, port), end(2, 7));
        let (source, destination) = if outbound { (host, peer) } else { (peer, host) };
        Packet {
            from: None,
            to: HostId(0),
            source,
            destination,
            payload: Payload::Tcp { segment, text: Vec::new() },
            envelope: synfin::trace::Envelope::PLAIN,
            damage: None,
        }
    }

    #[test]
    fn numbers_count_from_each_sides_syn_and_connections_are_told_apart() {
        let mut display = Display::new(false, false);
        let syn = packet(40_000, false, 0xffff_fff0, None, Flags::SYN);
        let syn_ack = packet(40_000, true, 5000, Some(0xffff_fff1), Flags::SYN | Flags::ACK);
        let ack = packet(40_000, false, 0xffff_fff1, Some(5001), Flags::ACK);
        let other = packet(40_001, false, 77, None, Flags::SYN);
        let text = display.rows(&syn, false, Some(State::SynReceived))
            + &display.rows(&syn_ack, true, Some(State::SynReceived))
            + &display.rows(&ack, false, Some(State::Established))
            + &display.rows(&other, false, Some(State::SynReceived));
        let expected = "   (1: 192.0.2.1:40000 -> 192.0.2.2:7)
                --> <SEQ=0><CTL=SYN>                           --> SYN-RECEIVED
                <-- <SEQ=0><ACK=1><CTL=SYN,ACK>                <-- SYN-RECEIVED
                --> <SEQ=1><ACK=1><CTL=ACK>                    --> ESTABLISHED
   (2: 192.0.2.1:40001 -> 192.0.2.2:7)
                --> <SEQ=0><CTL=SYN>                           --> SYN-RECEIVED
";
        assert_eq!(text, expected);
    }

    #[test]
    fn the_same_ports_with_another_iss_are_another_connection() {
        let mut display = Display::new(false, false);
        for (seq, number) in [(10, "(1:"), (4000, "(2:")] {
            let text = display.rows(&packet(40_000, false, seq, None, Flags::SYN), false, None);
            assert!(text.contains(number), "{text}");
        }
        let again = display.rows(&packet(40_000, false, 4000, None, Flags::SYN), false, None);
        assert!(!again.contains('('), "a repeated SYN begins nothing: {again}");
    }

    #[test]
    fn what_is_remembered_of_connections_has_a_bound() {
        let mut display = Display::new(false, false);
        for number in 0..10_000_u32 {
            let mut syn = packet(40_000, false, number, None, Flags::SYN);
            syn.source = End { address: IpAddr::from((0x0a00_0000 + number).to_be_bytes()), port: 1000 };
            display.rows(&syn, false, None);
        }
        assert_eq!((display.flows.len(), display.order.len()), (MOST_FLOWS, MOST_FLOWS));
    }
}
