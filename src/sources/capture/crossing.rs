//! When a packet that one tap saw has reached its receiver, as what that sends afterwards betrays.
//!
//! A capture at A shows A's FIN before a FIN of B that crossed it. Taken as they stand, B would answer what it had
//! not heard yet. So a SYN, FIN or RST arrives only before the first packet of its receiver that knows of it.

use std::collections::VecDeque;

use crate::engine::{Flags, Segment};
use crate::trace::Packet;

/// The arrivals that do not happen at the moment of the tap.
#[derive(Debug, Default)]
pub(super) struct Arrivals {
    /// Position of a copy, and a packet that arrives right before it, in order.
    released: VecDeque<(usize, u32)>,
    held: Vec<bool>,
}

impl Arrivals {
    /// Looks at copies in order: the packet of each, and the side of its sender where that side is seen only once.
    pub(super) fn of(packets: &[Packet], copies: &[(u32, Option<usize>)]) -> Self {
        let mut arrivals = Self { released: VecDeque::new(), held: vec![false; packets.len()] };
        let segment = |position: usize| packets[copies[position].0 as usize].segment();
        // The next packet of each side at or behind a position.
        let mut next = vec![[None; 2]; copies.len() + 1];
        for position in (0..copies.len()).rev() {
            next[position] = next[position + 1];
            if let (Some(side), Some(_)) = (copies[position].1, segment(position)) {
                next[position][side] = Some(position);
            }
        }
        let mut waiting: [VecDeque<u32>; 2] = Default::default();
        for (position, &(id, side)) in copies.iter().enumerate() {
            let (Some(side), Some(own)) = (side, segment(position)) else { continue };
            // What the other side has sent, and this packet knows of, has arrived before it left.
            arrivals.release(packets, &mut waiting[1 - side], position, Some(own));
            let answer = next[position + 1][1 - side].and_then(segment);
            if !waiting[side].is_empty() || answer.is_some_and(|answer| !knows(answer, own)) {
                arrivals.held[id as usize] = true;
                waiting[side].push_back(id);
            }
        }
        for waiting in &mut waiting {
            arrivals.release(packets, waiting, copies.len(), None);
        }
        arrivals
    }

    /// Lets arrive what `answer` knows of; at the end, whatever its sender did not have to send again.
    fn release(&mut self, packets: &[Packet], waiting: &mut VecDeque<u32>, position: usize, answer: Option<&Segment>) {
        while let Some(&id) = waiting.front() {
            let Some(own) = packets[id as usize].segment() else { break };
            match answer {
                Some(answer) if !knows(answer, own) => break,
                // It was never heard of: it must have been lost.
                None if own.flags.intersects(Flags::SYN | Flags::FIN) && !own.has(Flags::RST) => {}
                Some(_) | None => self.released.push_back((position, id)),
            }
            waiting.pop_front();
        }
    }

    pub(super) fn is_held(&self, packet: u32) -> bool {
        self.held.get(packet as usize).copied().unwrap_or_default()
    }

    /// The packets that arrive right before the copy at this position; positions must be asked for in order.
    pub(super) fn before(&mut self, position: usize) -> impl Iterator<Item = u32> {
        std::iter::from_fn(move || self.released.pop_front_if(|(at, _)| *at <= position).map(|(_, id)| id))
    }
}

/// Whether whoever sent `answer` can have had `own` before.
fn knows(answer: &Segment, own: &Segment) -> bool {
    if own.has(Flags::RST) {
        return answer.flags.intersects(Flags::RST | Flags::SYN);
    }
    let covers = || answer.has(Flags::ACK) && !answer.ack.before(own.end().crossed());
    !own.flags.intersects(Flags::SYN | Flags::FIN) || answer.has(Flags::RST) || covers()
}
