//! The urgent mechanism (RFC 9293 section 3.8.5): a pointer beside the text, in either direction (MUST-30).

use super::call::CallError;
use super::records::Records;
use super::segment::{Flags, Segment};
use super::seq::{Ours, SeqNumber, Theirs};
use super::tcb::Connection;
use super::time::Instant;

/// Points in the text: where urgent data ends, and records. Few connections ever have any.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub(super) struct Urgent {
    /// SND.UP: the octet after the last urgent one, until that is acknowledged.
    snd_up: Option<SeqNumber<Ours>>,
    /// RCV.UP: the octet after the last urgent one, until that is read.
    rcv_up: Option<SeqNumber<Theirs>>,
    pub(super) records: Records,
    /// The user reads no more.
    pub(super) refuses: bool,
}

impl Connection {
    /// SEND with the URGENT flag (RFC 9293 section 3.10.2): the receiver should read up to the end of
    /// this text as soon as it can.
    ///
    /// # Errors
    /// As [`on_send`](Self::on_send).
    pub fn on_send_urgent(&mut self, now: Instant, octets: u32) -> Result<u32, CallError> {
        let taken = self.on_send(now, octets, false)?;
        // MUST-31: however much that is. MUST-62: the pointer is that of the octet after it.
        self.urgent.get_or_insert_default().snd_up = Some(self.text_start().plus(self.send_buffered()));
        Ok(taken)
    }

    /// Whether urgent data waits to leave or to be acknowledged. It is not held back, nor what is behind it: both
    /// Linux (`tcp_nagle_test`) and FreeBSD (`tcp_output`) send then.
    pub(super) fn is_urgent_under_way(&self) -> bool {
        self.urgent.as_ref().and_then(|urgent| urgent.snd_up).is_some_and(|up| self.snd.una.before(up))
    }

    /// Octets the user has still to read until the urgent data is over (MUST-33); 0 if there is none.
    ///
    /// Some of them may not have arrived yet.
    pub fn urgent_left(&self) -> u32 {
        let read = self.rcv.nxt.minus(self.rcv.unread + u32::from(self.bits.peer_fin()));
        let up = self.urgent.as_ref().and_then(|urgent| urgent.rcv_up);
        up.filter(|up| read.before(*up)).map_or(0, |up| up.since(read))
    }

    /// Whether the pointer of this segment tells the user something: it lies beyond any before, and beyond what was read.
    #[cold]
    pub(super) fn is_urgent_news(&self, segment: &Segment<Theirs>) -> bool {
        let (up, read) = (pointer(segment), self.rcv.nxt.minus(self.rcv.unread));
        let known = self.urgent.as_ref().and_then(|urgent| urgent.rcv_up);
        read.before(up) && known.is_none_or(|known| known.before(up))
    }

    /// RCV.UP = max(RCV.UP, SEG.UP).
    #[cold]
    pub(super) fn take_urgent(&mut self, segment: &Segment<Theirs>) {
        self.urgent.get_or_insert_default().rcv_up = Some(pointer(segment));
    }

    /// URG and the pointer, where urgent data is not behind a segment that begins with `seq`.
    #[cold]
    pub(super) fn mark_urgent(&mut self, seq: SeqNumber<Ours>) -> (Flags, u16) {
        let Some(urgent) = &mut self.urgent else { return (Flags::NONE, 0) };
        if urgent.snd_up.is_some_and(|up| up.at_or_before(self.snd.una)) {
            urgent.snd_up = None;
        }
        // Of more than the field can hold, as much as it can; later segments say the rest.
        let pointer = urgent.snd_up.filter(|up| seq.before(*up)).map(|up| u16::try_from(up.since(seq)).unwrap_or(u16::MAX));
        pointer.map_or((Flags::NONE, 0), |pointer| (Flags::URG, pointer))
    }

    /// What has been read is urgent no more.
    #[cold]
    pub(super) fn forget_urgent(&mut self) {
        let left = self.urgent_left();
        if let Some(urgent) = &mut self.urgent
            && left == 0
        {
            urgent.rcv_up = None;
            if urgent.snd_up.is_none() && urgent.records.is_empty() && !urgent.refuses {
                self.urgent = None;
            }
        }
    }
}

/// MUST-62: SEG.SEQ + SEG.UP is the octet after the urgent data.
fn pointer(segment: &Segment<Theirs>) -> SeqNumber<Theirs> {
    segment.seq.plus(u32::from(segment.urgent))
}
