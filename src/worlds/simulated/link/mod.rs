//! The network between two hosts: a delay, acts on single segments by name, and for each direction
//! a queue, a rate, and what chance does.
//!
//! A packet first waits for the wire (`queue`), then meets the first armed act that fits it, then, if
//! there was none, chance (`chance`). Chance draws the same for every departure, whatever becomes
//! of it, so that what it decides depends on its seed and on the order of departures alone.

mod chance;
mod queue;
#[cfg(test)]
mod tests;

use std::time::Duration;

use chance::Dice;
use queue::Transmitter;

use crate::engine::Instant;
use crate::trace::{Damage, HostId, Payload};
use crate::worlds::{Chance, Fate, Fault, Impairment, NetworkAct};

/// The link, and what it has been told to do.
#[derive(Clone, Debug)]
pub(super) struct Link {
    pub(super) delay: Duration,
    acts: Vec<NetworkAct>,
    /// By the host whose packets pass: A, B.
    wires: [Wire; 2],
}

/// One direction.
#[derive(Clone, Debug, Default)]
struct Wire {
    transmitter: Option<Transmitter>,
    loss: Option<Dice>,
    duplicate: Option<Dice>,
    reorder: Option<Dice>,
    corrupt: Option<Dice>,
    jitter: Option<(Dice, Duration)>,
}

/// A packet that leaves, as far as the link looks at it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Leaving<'a> {
    pub(super) at: Instant,
    pub(super) from: HostId,
    /// By whose kind acts choose.
    pub(super) content: &'a Payload,
    /// Octets of the IP packet.
    pub(super) octets: u32,
    /// Octets of what IP carries; damage is done there.
    pub(super) payload: u32,
    /// Whether it is for its own host, and needs no wire.
    pub(super) to_itself: bool,
}

/// What becomes of one packet.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Passage {
    Lost,
    /// The queue is full.
    Dropped,
    Arrives(Arrives),
}

/// When a packet and its copy arrive, counted from the departure, and in which shape.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Arrives {
    pub(super) after: Duration,
    pub(super) copy: Option<Duration>,
    pub(super) damage: Option<Damage>,
    /// Whether it lets the next one of its direction pass.
    pub(super) steps_back: bool,
}

/// How long a packet that lets the next one pass waits for it, beyond its own time on the link. A tenth of
/// the least RTO (RFC 6298 section 2.4), so that waiting in vain looks like delay and not like loss.
pub(super) const STEPS_BACK_AT_MOST: Duration = Duration::from_millis(100);

impl Link {
    /// A link of this delay; of two `faults` of the same kind for one direction the later counts. `seed` feeds
    /// the chances that have none of their own.
    pub(super) fn new(delay: Duration, faults: &[Fault], seed: u64) -> Self {
        let mut link = Self { delay, acts: Vec::new(), wires: [Wire::default(), Wire::default()] };
        for fault in faults {
            match fault {
                Fault::Act(act) => link.arm(act.clone()),
                Fault::Link { from, what } => {
                    for direction in [0, 1] {
                        if from.is_none_or(|from| from.0 == direction) {
                            link.wires[usize::from(direction)].set(*what, direction, seed);
                        }
                    }
                }
            }
        }
        link
    }

    pub(super) fn arm(&mut self, act: NetworkAct) {
        self.acts.push(act);
    }

    /// Decides the fate of a packet that leaves now.
    pub(super) fn pass(&mut self, leaving: &Leaving<'_>) -> Passage {
        let fate = self.act_on(leaving);
        if leaving.to_itself {
            let plain = Arrives { after: Duration::ZERO, copy: None, damage: None, steps_back: false };
            return if fate == Some(Fate::Lose) { Passage::Lost } else { Passage::Arrives(plain) };
        }
        let wire = &mut self.wires[usize::from(leaving.from.0.min(1))];
        let chance = wire.draw(leaving);
        let waited = match &mut wire.transmitter {
            None => Duration::ZERO,
            Some(transmitter) => match transmitter.take(leaving.at, leaving.octets) {
                Some(left) => left.since(leaving.at),
                None => return Passage::Dropped,
            },
        };
        let after = self.delay + waited;
        let plain = Arrives { after, copy: None, damage: None, steps_back: false };
        match fate {
            Some(Fate::Lose) => Passage::Lost,
            Some(Fate::Delay(more)) => Passage::Arrives(Arrives { after: after + more, ..plain }),
            Some(Fate::Duplicate(later)) => Passage::Arrives(Arrives { copy: Some(after + later), ..plain }),
            Some(Fate::Reorder) => Passage::Arrives(Arrives { steps_back: true, ..plain }),
            Some(Fate::Corrupt(damage)) => Passage::Arrives(Arrives { damage: Some(within(damage, leaving.payload)), ..plain }),
            None if chance.lost => Passage::Lost,
            None => {
                let after = after + chance.more;
                let copy = chance.twice.then_some(after);
                Passage::Arrives(Arrives { after, copy, damage: chance.damage, steps_back: chance.steps_back })
            }
        }
    }

    /// What the first armed act that fits does; those that let some pass first count it.
    fn act_on(&mut self, leaving: &Leaving<'_>) -> Option<Fate> {
        let mut fate = None;
        for act in self.acts.iter_mut().filter(|act| act.from == leaving.from && act.count > 0 && act.which.matches(leaving.content)) {
            if act.skip > 0 {
                act.skip -= 1;
            } else if fate.is_none() {
                act.count -= 1;
                fate = Some(act.fate);
            }
        }
        self.acts.retain(|act| act.count > 0);
        fate
    }
}

/// What chance does to one packet.
struct Draw {
    lost: bool,
    twice: bool,
    steps_back: bool,
    damage: Option<Damage>,
    more: Duration,
}

impl Wire {
    fn set(&mut self, what: Impairment, direction: u8, seed: u64) {
        let dice = |Chance { probability, seed: own }: Chance, what: chance::What| {
            Some(Dice::new(probability, own.unwrap_or(seed), what, direction))
        };
        match what {
            Impairment::Loss(chance) => self.loss = dice(chance, chance::What::Loss),
            Impairment::Duplicate(chance) => self.duplicate = dice(chance, chance::What::Duplicate),
            Impairment::Reorder(chance) => self.reorder = dice(chance, chance::What::Reorder),
            Impairment::Corrupt(chance) => self.corrupt = dice(chance, chance::What::Corrupt),
            Impairment::Jitter { up_to, seed: own } => {
                self.jitter = Some((Dice::jitter(own.unwrap_or(seed), direction), up_to));
            }
            Impairment::Rate(rate) => self.transmitter = Some(Transmitter::new(rate)),
        }
    }

    /// One draw from each of the dice there are.
    fn draw(&mut self, leaving: &Leaving<'_>) -> Draw {
        let falls = |dice: &mut Option<Dice>| dice.as_mut().is_some_and(Dice::falls);
        Draw {
            lost: falls(&mut self.loss),
            twice: falls(&mut self.duplicate),
            steps_back: falls(&mut self.reorder),
            damage: self.corrupt.as_mut().and_then(|dice| {
                // Both are drawn, whether or not it falls.
                let (falls, bit) = (dice.falls(), dice.below(u64::from(leaving.payload) * 8));
                let octet = u16::try_from(bit / 8).unwrap_or(u16::MAX);
                falls.then(|| within(Damage { octet, bit: (bit % 8) as u8 }, leaving.payload))
            }),
            more: self.jitter.as_mut().map_or(Duration::ZERO, |(dice, up_to)| dice.up_to(*up_to)),
        }
    }
}

/// The same damage to an octet that is there.
fn within(damage: Damage, payload: u32) -> Damage {
    let last = u16::try_from(payload.saturating_sub(1)).unwrap_or(u16::MAX);
    Damage { octet: damage.octet.min(last), ..damage }
}
