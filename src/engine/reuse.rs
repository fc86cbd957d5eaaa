//! A new connection where an old one is in TIME-WAIT (RFC 9293 section 3.6.1, MAY-2, SHLD-4; RFC 6191).

use std::sync::Arc;

use super::arrival::Arrival;
use super::call::Open;
use super::profile::TimeWaitReuse;
use super::segment::{Flags, Segment};
use super::seq::{Ours, SeqNumber, Theirs};
use super::state::{Event, State};
use super::tcb::{Connection, Origin};
use super::time::Instant;

impl Connection {
    /// Whether this segment is a SYN that reopens a connection in TIME-WAIT, provided somebody listens.
    #[inline]
    pub fn may_reopen(&self, segment: &Segment<Theirs>) -> bool {
        // Asked of every segment of a host.
        self.state == State::TimeWait && self.is_reopening(segment)
    }

    fn is_reopening(&self, segment: &Segment<Theirs>) -> bool {
        let opens = segment.has(Flags::SYN) && !segment.flags.intersects(Flags::ACK | Flags::RST);
        let refused = segment.has(Flags::FIN) && self.profile.drop_syn_fin;
        opens && !refused && self.is_newer(segment)
    }

    /// RFC 6191 section 2 (SHLD-4).
    // R6191-1, R6191-2, R6191-3, R6191-4, R6191-5, R6191-6.
    fn is_newer(&self, syn: &Segment<Theirs>) -> bool {
        let beyond = self.rcv.nxt.before(syn.seq);
        // The last number seen is that of the FIN, one below RCV.NXT.
        let above = beyond || syn.seq == self.rcv.nxt;
        let stamped = syn.options.get_timestamps().filter(|_| self.bits.timestamps());
        let newer = stamped.is_some_and(|ts| ts.val != self.ts_recent && !self.is_older(ts.val));
        let older = stamped.is_some_and(|ts| self.is_older(ts.val));
        match self.profile.time_wait_reuse {
            TimeWaitReuse::Off => false,
            TimeWaitReuse::Rfc6191 => {
                let first_stamped = !self.bits.timestamps() && syn.options.get_timestamps().is_some();
                !older && (newer || first_stamped || above)
            }
            TimeWaitReuse::Linux => !older && (newer || beyond),
            TimeWaitReuse::Sequence => beyond,
        }
    }

    /// A SYN arrives in TIME-WAIT and a listener stands behind, which would open with `open`: the
    /// connection begins anew, as a child of that listener.
    ///
    /// Whether it does, [`may_reopen`](Self::may_reopen) says; a segment that does not reopen is
    /// heard as by [`on_segment`](Self::on_segment).
    pub fn on_reopening(&mut self, now: Instant, segment: &Segment<Theirs>, open: Open) -> Arrival {
        if !self.may_reopen(segment) {
            return self.on_segment(now, segment);
        }
        let iss = self.iss_above_old(open.iss);
        let mut fresh = Self::new(Arc::clone(&self.profile));
        fresh.bits.set_opened(true);
        fresh.take_open(Open { iss, ..open });
        fresh.origin = Origin::Passive;
        fresh.state = self.state;
        let old = std::mem::replace(self, fresh);
        self.previous = Some(Box::new(old));
        if self.apply(Event::SynNewer, now, Some(segment)).is_none() {
            // Only a table somebody has taken rows from.
            self.restore_previous();
        }
        Arrival { hold: self.take_fresh_hold(), ..Arrival::default() }
    }

    /// MAY-2: above every number of the old incarnation, which the peer may have seen.
    fn iss_above_old(&self, chosen: SeqNumber<Ours>) -> SeqNumber<Ours> {
        match self.profile.time_wait_iss_step {
            0 if self.snd.nxt.before(chosen) => chosen,
            0 => self.snd.nxt.plus(1),
            step => self.snd.nxt.plus(step),
        }
    }

    /// MAY-2, condition 2: the SYN was an old duplicate, and what it replaced is in TIME-WAIT again.
    #[cold]
    pub(super) fn restore_previous(&mut self) {
        if let Some(previous) = self.previous.take() {
            let (walk, signals) = (self.walk, self.signals);
            *self = *previous;
            (self.walk, self.signals) = (walk, signals);
        }
    }
}
