//! Packets that cross have no order: which of two left first says nothing if neither had arrived when the other left.

use crate::trace::{PacketId, Trace, What};

/// How many packets may lie between two that are to change places: more cannot have crossed on any link worth asking.
const FURTHEST: usize = 256;

/// The departures of their trace, brought into the order of ours where only packets that crossed stand in between.
pub(super) fn aligned((ours, mine): (&Trace, &[PacketId]), (theirs, mut other): (&Trace, Vec<PacketId>)) -> Vec<PacketId> {
    let (left, arrived) = moments(theirs);
    for (position, id) in mine.iter().enumerate().take(other.len()) {
        let from = ours.packet(*id).from;
        let Some(ahead) = other[position..].iter().take(FURTHEST).position(|id| theirs.packet(*id).from == from) else { continue };
        let when = left[other[position + ahead].0 as usize];
        // What had already reached its sender may be why it left.
        let crossed = |id: &PacketId| arrived[id.0 as usize].is_none_or(|arrived| when.is_some_and(|when| when < arrived));
        if other[position..position + ahead].iter().all(crossed) {
            other[position..=position + ahead].rotate_right(1);
        }
    }
    other
}

/// The entries at which each packet left and first arrived.
fn moments(trace: &Trace) -> (Vec<Option<usize>>, Vec<Option<usize>>) {
    let (mut left, mut arrived) = (vec![None; trace.packets.len()], vec![None; trace.packets.len()]);
    for (position, entry) in trace.entries.iter().enumerate() {
        match entry.what {
            What::Departure(PacketId(id)) => left[id as usize] = Some(position),
            What::Arrival(PacketId(id)) => _ = arrived[id as usize].get_or_insert(position),
            What::Call { .. } | What::Loss(_) | What::Rejection(_) | What::Timer(_) | What::Observation | What::Note(_) => {}
        }
    }
    (left, arrived)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::{Instant, State};
    use crate::trace::{End, Entry, Envelope, HostId, Packet, Payload};

    /// What happened, in words: `A1` leaves, `a1` arrives at the other host.
    fn trace(text: &str) -> Trace {
        let mut trace = Trace::default();
        for word in text.split(' ') {
            let (host, number) = word.split_at(1);
            let number: u32 = number.parse().expect("a number");
            let sender = HostId(u8::from(host.eq_ignore_ascii_case("b")));
            let end = End { address: [192, 0, 2, 1].into(), port: 0 };
            let packet = Packet {
                from: Some(sender),
                to: HostId(1 - sender.0),
                source: end,
                destination: end,
                payload: Payload::Udp { text: word.to_ascii_uppercase().into_bytes() },
                envelope: Envelope::PLAIN,
                damage: None,
            };
            while trace.packets.len() <= number as usize {
                trace.packets.push(packet.clone());
            }
            let leaves = word.starts_with(char::is_uppercase);
            if leaves {
                trace.packets[number as usize] = packet;
            }
            let what = if leaves { What::Departure(PacketId(number)) } else { What::Arrival(PacketId(number)) };
            trace.entries.push(Entry::bare(Instant::START, sender, what, State::Closed));
        }
        trace
    }

    fn in_order(ours: &str, theirs: &str) -> Vec<String> {
        let (ours, theirs) = (trace(ours), trace(theirs));
        let departures = super::super::departures;
        let other = aligned((&ours, &departures(&ours)), (&theirs, departures(&theirs)));
        other.iter().map(|id| String::from_utf8_lossy(theirs.packet(*id).payload.octets()).into_owned()).collect()
    }

    #[test]
    fn packets_that_crossed_stand_in_our_order() {
        assert_eq!(in_order("A0 B1 a0 b1", "B0 A1 b0 a1"), ["A1", "B0"]);
        assert_eq!(in_order("A0 A1 B2 a0 a1 b2", "B0 A1 A2 b0 a1 a2"), ["A1", "A2", "B0"]);
        assert_eq!(in_order("A0 a0", "B0 A1"), ["A1", "B0"], "lost, or still under way");
    }

    #[test]
    fn an_answer_is_never_put_before_what_it_answers() {
        assert_eq!(in_order("A0 B1 a0 b1", "B0 b0 A1 a1"), ["B0", "A1"]);
        assert_eq!(in_order("A0 B1 b1 a0", "B0 B1 b0 A2 b1 a2"), ["B0", "B1", "A2"]);
    }
}
