//! Words of the calls and acts that are not about TCP segments: UDP, echoes, ICMP errors.

use super::cursor::{Cursor, Parsed};
use crate::trace::IcmpError;
use crate::worlds::SegmentKind;

impl Cursor<'_> {
    /// `port 7008`, or nothing more on this line.
    pub(super) fn port_or_end(&mut self) -> Parsed<Option<u16>> {
        if self.at_end() {
            return Ok(None);
        }
        if self.peek_word() != "port" {
            return Err(self.mistake_word("port, or the end of the line", ["port"]));
        }
        self.argument("a port").map(Some)
    }

    /// How many octets to read, or nothing more on this line.
    pub(super) fn octets_or_end(&mut self) -> Parsed<Option<u32>> {
        if self.at_end() {
            return Ok(None);
        }
        self.number_u32("how many octets, or the end of the line").map(Some)
    }

    /// `times 3`.
    pub(super) fn ping_times(&mut self) -> Parsed<u16> {
        if self.peek_word() != "times" {
            return Err(self.mistake_word("times, or the end of the line", ["times"]));
        }
        self.word();
        self.number_from_1("echo requests", u16::MAX)
    }

    /// `icmp port-unreachable quoting SYN`.
    pub(super) fn icmp_error(&mut self) -> Parsed<(IcmpError, SegmentKind)> {
        self.word();
        let before = self.clone();
        let name = self.word().replace('-', " ");
        let Some(error) = IcmpError::named(&name) else {
            let names: Vec<_> = IcmpError::ALL.iter().map(|error| error.name().replace(' ', "-")).collect();
            return Err(before.mistake_word("an ICMP error, such as port-unreachable", names.iter().map(String::as_str)));
        };
        self.choice("quoting, and what it is about", &[("quoting", ())])?;
        let kinds = SegmentKind::ALL.map(|kind| (kind.name(), kind));
        let expected = "a kind of packet (SYN, SYN,ACK, ACK, FIN, RST, data, UDP, echo or any)";
        Ok((error, self.choice(expected, &kinds)?))
    }
}
