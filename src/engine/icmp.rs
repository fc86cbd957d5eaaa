//! What an ICMP error means to a connection (RFC 9293 section 3.9.2.2).
//!
//! Reading the message and finding the connection is IP's business; here is only the judgment.

use super::seq::{Ours, SeqNumber};
use super::state::{Event, State};
use super::tcb::Connection;
use super::time::Instant;

/// The two kinds of ICMP errors TCP tells apart.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum IcmpError {
    /// Destination unreachable, codes 2 to 4: protocol, port, fragmentation needed where none can help.
    Hard,
    /// Destination unreachable, codes 0, 1 and 5, time exceeded, parameter problem.
    Soft,
}

impl Connection {
    /// An ICMP error arrived that quotes a segment of this connection with this SEG.SEQ (MUST-54).
    ///
    /// A number that is not in flight is not believed: it quotes an old segment, or is forged (RFC
    /// 5927 section 4.1). While nothing is, an ACK alone may have met with it, at SND.NXT. Hard errors abort (SHLD-26), soft ones are reported (MUST-47, MUST-56).
    // SHLD-25, R793-1122-2.
    pub fn on_icmp(&mut self, now: Instant, error: IcmpError, quoted: SeqNumber<Ours>) {
        self.begin();
        if self.believes(quoted) {
            let event = match error {
                IcmpError::Hard => Event::IcmpHard,
                IcmpError::Soft => Event::IcmpSoft,
            };
            self.apply(event, now, None);
        }
    }

    /// Whether the number that an ICMP error quotes is in flight.
    fn believes(&self, quoted: SeqNumber<Ours>) -> bool {
        let numbered = !matches!(self.state, State::Closed | State::Listen);
        let idle = self.snd.una == self.snd.nxt && quoted == self.snd.nxt;
        numbered && (idle || (self.snd.una.at_or_before(quoted) && quoted.before(self.snd.nxt)))
    }

    /// The way to the peer takes no segments of more than `most` octets, headers not counted (RFC 1191, RFC 8201): a
    /// router says so and quotes a segment with this SEG.SEQ. Returns whether that is believed.
    ///
    /// From now on segments are no longer than that, and what is under way and was longer leaves again at once.
    pub fn on_path_mtu(&mut self, now: Instant, quoted: SeqNumber<Ours>, most: u16) -> bool {
        self.begin();
        if !self.believes(quoted) {
            return false;
        }
        let counts = self.bits.syn_acked() && self.has_congestion_control() && !self.bits.probing();
        if counts {
            // Before they are cut otherwise.
            self.list_under_way(now);
        }
        let before = self.effective_mss();
        if !self.bound_path(most) {
            self.send_mss = self.send_mss.min(most.max(1));
        }
        let after = self.effective_mss();
        if !self.bits.syn_acked() || after >= before {
            return true;
        }
        if counts {
            self.lose_longer_than(after.into(), now);
        } else if self.text_in_flight() > u32::from(after) {
            self.recover = self.snd.nxt;
            self.bits.set_front_due(true);
            if self.counts_octets() {
                self.doubt_octets();
            }
        }
        true
    }
}
