//! The network between two hosts: a delay, and acts on single segments by name.

use std::time::Duration;

use crate::engine::{Flags, Segment};
use crate::trace::HostId;
use crate::worlds::{Fate, NetworkAct, SegmentKind};

/// The link, and what it has been told to do.
#[derive(Clone, Debug)]
pub(super) struct Link {
    pub(super) delay: Duration,
    acts: Vec<NetworkAct>,
}

/// What becomes of one segment: when its copies arrive, counted from its departure.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Passage {
    Lost,
    Arrives { after: Duration, copy: Option<Duration> },
}

impl Link {
    pub(super) fn new(delay: Duration) -> Self {
        Self { delay, acts: Vec::new() }
    }

    pub(super) fn arm(&mut self, act: NetworkAct) {
        self.acts.push(act);
    }

    /// Decides the fate of a segment that leaves now; the first armed act that matches counts.
    pub(super) fn pass(&mut self, from: HostId, segment: &Segment) -> Passage {
        let mut fate = None;
        for act in self.acts.iter_mut().filter(|act| act.from == from && act.count > 0 && act.which.matches(segment)) {
            if act.skip > 0 {
                act.skip -= 1;
            } else if fate.is_none() {
                act.count -= 1;
                fate = Some(act.fate);
            }
        }
        self.acts.retain(|act| act.count > 0);
        match fate {
            None => Passage::Arrives { after: self.delay, copy: None },
            Some(Fate::Lose) => Passage::Lost,
            Some(Fate::Delay(more)) => Passage::Arrives { after: self.delay + more, copy: None },
            Some(Fate::Duplicate(later)) => Passage::Arrives { after: self.delay, copy: Some(self.delay + later) },
        }
    }
}

impl SegmentKind {
    /// Whether `segment` is of this kind.
    pub fn matches(self, segment: &Segment) -> bool {
        let (syn, ack) = (segment.has(Flags::SYN), segment.has(Flags::ACK));
        match self {
            Self::Syn => syn && !ack,
            Self::SynAck => syn && ack,
            Self::Ack => ack && !segment.flags.intersects(Flags::SYN | Flags::FIN | Flags::RST) && segment.len == 0,
            Self::Fin => segment.has(Flags::FIN),
            Self::Rst => segment.has(Flags::RST),
            Self::Data => segment.len > 0,
            Self::Any => true,
        }
    }
}
