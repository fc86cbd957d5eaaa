//! The numbers of a kernel, shown as the scenario has them.
//!
//! A kernel chooses its initial sequence numbers and its timestamps, and a scenario prescribes both: its forged
//! segments count on them. So each host's own numbers are shifted at its port, in both directions, as a router that
//! rewrites addresses does: what leaves the kernel gets the scenario's number, what acknowledges it gets the
//! kernel's again. The network, the trace and the other host see the scenario's alone, and the numbers of two
//! incarnations relate as the scenario wants it, whichever the kernel chose.

use std::collections::{HashMap, VecDeque};

use crate::engine::{Flags, Instant, SeqNumber, TcpOptions};
use crate::trace::{End, Icmp, Payload, Quote, Quoted};

/// Most connections of one host whose numbers are known; a flood of them must not fill the memory.
const AT_MOST: usize = 4096;

/// What a host calls its numbers, and what everybody else does.
#[derive(Clone, Debug, Default)]
pub(super) struct Numbers {
    /// ISSs of the next connections as the scenario prescribes them, in order.
    iss: VecDeque<u32>,
    /// What the timestamp clocks of the next connections show at the beginning of the run; the last one stays, none
    /// is 0.
    timestamps: VecDeque<u32>,
    flows: HashMap<(End, End), Shift>,
}

/// What is added to the shown number to get the kernel's own.
#[derive(Clone, Copy, Debug)]
struct Shift {
    /// The ISS as the kernel chose it.
    chosen: u32,
    seq: u32,
    timestamp: u32,
}

impl Numbers {
    pub(super) fn new(iss: &[u32], timestamps: &[u32]) -> Self {
        Self { iss: iss.iter().copied().collect(), timestamps: timestamps.iter().copied().collect(), flows: HashMap::new() }
    }

    /// The stack begins anew: its old connections are nobody's, and so are their numbers.
    pub(super) fn forget(&mut self) {
        self.flows.clear();
    }

    /// A packet of the host leaves: its own numbers become those of the scenario.
    pub(super) fn leaving(&mut self, now: Instant, source: End, destination: End, payload: &mut Payload) {
        let Payload::Tcp { segment, .. } = payload else { return };
        let flow = (source, destination);
        let chosen = segment.seq.get();
        if segment.has(Flags::SYN) && self.flows.get(&flow).is_none_or(|shift| shift.chosen != chosen) {
            let clock = segment.options.get_timestamps().map(|ts| ts.val);
            let shift = self.begin(now, chosen, clock);
            if self.flows.len() >= AT_MOST {
                self.flows.clear();
            }
            self.flows.insert(flow, shift);
        }
        let Some(shift) = self.flows.get(&flow) else { return };
        // A RST that answers a segment without ACK says zero, which is a number of no connection (section 3.10.7.1);
        // one that answers in the name of no connection has no clock, and Linux says zero for that as well.
        let is_reset = segment.has(Flags::RST);
        if !(is_reset && segment.has(Flags::ACK) && chosen == 0) {
            segment.seq = SeqNumber::new(chosen.wrapping_sub(shift.seq));
        }
        segment.options = rewritten(&segment.options, |kind, octets| {
            if let (TIMESTAMPS, Some(val)) = (kind, octets.first_chunk_mut::<4>())
                && !(is_reset && *val == [0; 4])
            {
                *val = u32::from_be_bytes(*val).wrapping_sub(shift.timestamp).to_be_bytes();
            }
        });
    }

    /// A packet arrives at the host: what it says of the host's numbers becomes the kernel's own.
    pub(super) fn arriving(&self, source: End, destination: End, payload: &mut Payload) {
        match payload {
            Payload::Tcp { segment, .. } => {
                let Some(shift) = self.flows.get(&(destination, source)) else { return };
                if segment.has(Flags::ACK) {
                    segment.ack = SeqNumber::new(segment.ack.get().wrapping_add(shift.seq));
                }
                let echoes = segment.has(Flags::ACK);
                segment.options = rewritten(&segment.options, |kind, octets| match kind {
                    SACK => octets.as_chunks_mut::<4>().0.iter_mut().for_each(|edge| add(edge, shift.seq)),
                    // Without ACK nothing is echoed (RFC 7323 section 3.2), and zero is no time of ours.
                    TIMESTAMPS if echoes => {
                        if let Some(echo) = octets.get_mut(4..).and_then(|rest| rest.first_chunk_mut::<4>()) {
                            add(echo, shift.timestamp);
                        }
                    }
                    _ => {}
                });
            }
            Payload::Icmp(Icmp::Error { quote, .. }) => {
                if let (Quoted::Tcp(seq), Some(shift)) = (quote.what, self.flows.get(&(quote.source, quote.destination))) {
                    let seq = seq.plus(shift.seq);
                    quote.what = Quoted::Tcp(seq);
                    requote(quote, seq.get());
                }
            }
            Payload::Udp { .. } | Payload::Icmp(Icmp::EchoRequest(_) | Icmp::EchoReply(_)) | Payload::Neighbour(_) => {}
        }
    }

    /// A connection begins that the kernel numbers from `chosen` and whose timestamp is this now.
    fn begin(&mut self, now: Instant, chosen: u32, clock: Option<u32>) -> Shift {
        let iss = self.iss.pop_front().unwrap_or(chosen);
        let offset = if self.timestamps.len() > 1 { self.timestamps.pop_front() } else { self.timestamps.front().copied() };
        let shown = offset.unwrap_or(0).wrapping_add(millis(now));
        let timestamp = clock.map_or(0, |clock| clock.wrapping_sub(shown));
        Shift { chosen, seq: chosen.wrapping_sub(iss), timestamp }
    }
}

/// Milliseconds since the beginning, as a timestamp clock counts them.
#[expect(clippy::cast_possible_truncation, reason = "the clock wraps, as every timestamp does")]
const fn millis(now: Instant) -> u32 {
    (now.as_nanos() / 1_000_000) as u32
}

fn add(number: &mut [u8; 4], shift: u32) {
    *number = u32::from_be_bytes(*number).wrapping_add(shift).to_be_bytes();
}

/// Kinds of options, by their numbers.
const SACK: u8 = 5;
const TIMESTAMPS: u8 = 8;

/// The area with what `change` makes of the data of each whole option.
fn rewritten(options: &TcpOptions, mut change: impl FnMut(u8, &mut [u8])) -> TcpOptions {
    let mut area = [0; TcpOptions::MAX];
    let len = options.octets().len();
    area[..len].copy_from_slice(options.octets());
    let mut at = 0;
    while at < len {
        match area[at] {
            0 => break,
            1 => at += 1,
            kind => {
                let end = at + usize::from(*area[..len].get(at + 1).unwrap_or(&0));
                if end < at + 2 || end > len {
                    break;
                }
                change(kind, &mut area[at + 2..end]);
                at = end;
            }
        }
    }
    TcpOptions::from_octets(&area[..len]).unwrap_or(*options)
}

/// Writes this sequence number into the quoted packet.
fn requote(quote: &mut Quote, seq: u32) {
    let octets = &mut quote.octets;
    let header = match octets.first() {
        Some(first) if first >> 4 == 6 => 40,
        Some(first) => usize::from(first & 15) * 4,
        None => return,
    };
    if let Some(field) = octets.get_mut(header + 4..header + 8) {
        field.copy_from_slice(&seq.to_be_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::{Segment, WireWindow};
    use std::time::Duration;

    const A: End = End { address: std::net::IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1)), port: 40_000 };
    const B: End = End { address: std::net::IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 2)), port: 7007 };

    fn segment(seq: u32, ack: u32, flags: Flags, options: &str) -> Payload {
        let options = TcpOptions::spelled(options).expect("options");
        let segment =
            Segment { seq: SeqNumber::new(seq), ack: SeqNumber::new(ack), flags, window: WireWindow(1), urgent: 0, len: 0, options };
        Payload::Tcp { segment, text: Vec::new() }
    }

    fn shown(payload: &Payload) -> (u32, u32, String) {
        let segment = payload.segment().expect("a segment");
        let options: Vec<String> = segment.options.iter().map(|option| option.to_string()).collect();
        (segment.seq.get(), segment.ack.get(), options.join(","))
    }

    fn leaves(numbers: &mut Numbers, millis: u64, mut payload: Payload) -> (u32, u32, String) {
        numbers.leaving(Instant::START + Duration::from_millis(millis), A, B, &mut payload);
        shown(&payload)
    }

    fn arrives(numbers: &Numbers, mut payload: Payload) -> (u32, u32, String) {
        numbers.arriving(B, A, &mut payload);
        shown(&payload)
    }

    #[test]
    fn a_kernels_numbers_are_shown_as_prescribed_and_acknowledged_as_chosen() {
        let mut numbers = Numbers::new(&[100, 400], &[1990]);
        let chosen = 0xffff_fff0;
        let syn = segment(chosen, 0, Flags::SYN, "nop,nop,TS val 77000 ecr 0");
        assert_eq!(leaves(&mut numbers, 10, syn.clone()), (100, 0, "nop,nop,TS val 2000 ecr 0".to_owned()));
        assert_eq!(leaves(&mut numbers, 1010, syn), (100, 0, "nop,nop,TS val 2000 ecr 0".to_owned()), "sent again");
        let ack = segment(300, 101, Flags::ACK, "nop,nop,TS val 9 ecr 2000,nop,nop,sack 110:120 130:140");
        let sack = "nop,nop,TS val 9 ecr 77000,nop,nop,sack 4294967290:4 14:24";
        assert_eq!(arrives(&numbers, ack), (300, chosen.wrapping_add(1), sack.to_owned()));
    }

    #[test]
    fn the_next_connection_has_the_next_number() {
        let mut numbers = Numbers::new(&[100, 400], &[]);
        leaves(&mut numbers, 0, segment(5000, 0, Flags::SYN, ""));
        assert_eq!(leaves(&mut numbers, 0, segment(9000, 0, Flags::SYN, "")).0, 400);
        assert_eq!(leaves(&mut numbers, 0, segment(9001, 1, Flags::ACK, "")).0, 401);
        assert_eq!(leaves(&mut numbers, 0, segment(123, 0, Flags::SYN, "")).0, 123, "nothing is prescribed any more");
    }

    #[test]
    fn what_belongs_to_no_connection_stays_as_it_is() {
        let mut numbers = Numbers::new(&[100], &[]);
        assert_eq!(leaves(&mut numbers, 0, segment(7, 8, Flags::RST, "")).0, 7);
        assert_eq!(arrives(&numbers, segment(7, 8, Flags::ACK, "")).1, 8);
        leaves(&mut numbers, 0, segment(5000, 0, Flags::SYN, ""));
        assert_eq!(leaves(&mut numbers, 0, segment(0, 401, Flags::RST.with(Flags::ACK), "")).0, 0, "SEQ=0 is no number of ours");
        let reset = segment(5001, 0, Flags::RST, "nop,nop,TS val 0 ecr 9");
        assert_eq!(leaves(&mut numbers, 0, reset), (101, 0, "nop,nop,TS val 0 ecr 9".to_owned()), "nor is TSval 0 a time");
        assert_eq!(arrives(&numbers, segment(7, 0, Flags::RST, "nop,nop,TS val 1500 ecr 0")).2, "nop,nop,TS val 1500 ecr 0");
        numbers.forget();
        assert_eq!(arrives(&numbers, segment(7, 8, Flags::ACK, "")).1, 8);
    }

    #[test]
    fn an_error_quotes_the_kernels_own_number() {
        let mut numbers = Numbers::new(&[100], &[]);
        leaves(&mut numbers, 0, segment(5000, 0, Flags::SYN, ""));
        let mut packet = Vec::new();
        crate::wire::encode_packet(A, B, 0, &segment(100, 0, Flags::SYN, ""), &mut packet).expect("a packet");
        let quote = crate::wire::quote(&packet, 28).expect("a quote");
        let error = Icmp::Error { error: crate::trace::IcmpError::HostUnreachable, parameter: 0, quote };
        let mut told = Payload::Icmp(error).to_owned();
        numbers.arriving(B, A, &mut told);
        let Payload::Icmp(Icmp::Error { quote, .. }) = told else { panic!("an error") };
        assert_eq!(quote.what, Quoted::Tcp(SeqNumber::new(5000)));
        assert_eq!(quote.octets[24..28], 5000_u32.to_be_bytes());
    }

    #[test]
    fn options_that_are_none_are_left_alone() {
        for octets in [&[8_u8, 10, 0, 0][..], &[5, 1, 2, 3], &[5], &[8, 2, 1, 1], &[0, 8, 10, 1]] {
            let options = TcpOptions::from_octets(octets).expect("short");
            assert_eq!(rewritten(&options, |_, data| data.fill(0xee)).octets(), octets);
        }
    }
}
