//! What the network does, as a scenario or a command line writes it: `lose A:FIN#1`, `link A>B loss 2% seed 7`.
//!
//! Here: the words behind a verb or `link`. Not here: where such a line may stand (`parse`).

use std::time::Duration;

use super::cursor::{Cursor, Parsed};
use crate::mistake::ParseError;
use crate::trace::{Damage, HostId};
use crate::worlds::{Chance, Fate, Fault, Impairment, LAST_OCTET, NetworkAct, Probability, Queue, Rate};

/// The acts on single segments.
pub(super) const ACTS: [&str; 5] = ["lose", "delay", "duplicate", "reorder", "corrupt"];
/// What a link can do to all that passes.
pub(super) const IMPAIRMENTS: [&str; 6] = ["loss", "duplicate", "reorder", "corrupt", "jitter", "rate"];

/// Reads one fault of a command line; `name` is what messages call it.
pub(super) fn fault(name: &str, text: &str) -> Result<Fault, ParseError> {
    let mut cursor = Cursor { number: 1, line: text, at: 0 };
    let fault = any_fault(&mut cursor).and_then(|fault| cursor.end().map(|()| fault));
    fault.map_err(|mistake| ParseError { name: name.to_owned(), mistake })
}

fn any_fault(cursor: &mut Cursor<'_>) -> Parsed<Fault> {
    if let Some(host) = host(cursor.peek_word()) {
        cursor.word();
        let before = cursor.clone();
        return match cursor.word() {
            verb if ACTS.contains(&verb) => cursor.network_act(verb, host).map(Fault::Act),
            _ => Err(before.mistake_word("an act of the network (lose, delay, duplicate, reorder or corrupt)", ACTS)),
        };
    }
    if cursor.begins_act() {
        return cursor.act_with_host().map(Fault::Act);
    }
    if cursor.peek_word() == "link" {
        cursor.word();
    } else if !cursor.begins_impairment() {
        let expected = "a fault, such as lose A:FIN#1 or loss 2% seed 7";
        return Err(cursor.mistake_word(expected, ACTS.into_iter().chain(IMPAIRMENTS)));
    }
    cursor.impairment()
}

fn host(name: &str) -> Option<HostId> {
    match name {
        "A" => Some(HostId(0)),
        "B" => Some(HostId(1)),
        _ => None,
    }
}

impl Cursor<'_> {
    /// Whether an act on a segment stands here, its host inside: `lose A:FIN`.
    pub(super) fn begins_act(&self) -> bool {
        let mut behind = self.clone();
        ACTS.contains(&behind.word()) && behind.peek_word().contains(':')
    }

    /// Whether what a link does to all that passes stands here, `link` left out: `loss 2%`, `A>B jitter 3ms`.
    pub(super) fn begins_impairment(&self) -> bool {
        let mut behind = self.clone();
        let word = behind.word();
        // What is also the name of an act needs a percentage to be meant so.
        let percentage = behind.peek_word().contains('%');
        word.contains('>') && !word.starts_with('-') || IMPAIRMENTS.contains(&word) && (!ACTS.contains(&word) || percentage)
    }

    /// `lose A:FIN#1 times 2`.
    pub(super) fn act_with_host(&mut self) -> Parsed<NetworkAct> {
        let verb = self.word().to_owned();
        self.skip_space();
        let prefix = self.peek_word().split(':').next().unwrap_or_default();
        let Some(from) = host(prefix) else {
            return Err(self.mistake_span(prefix.len(), "the host whose segment it is, A or B", [].into_iter()));
        };
        self.skip(prefix.len() + 1);
        self.network_act(&verb, from)
    }

    /// What stands behind the verb of an act: a segment, how long, how often.
    pub(super) fn network_act(&mut self, verb: &str, from: HostId) -> Parsed<NetworkAct> {
        let (which, skip) = self.segment_kind()?;
        let fate = match verb {
            "lose" => Fate::Lose,
            "delay" => Fate::Delay(self.duration()?),
            "reorder" => Fate::Reorder,
            "corrupt" => Fate::Corrupt(self.damage()?),
            _ => Fate::Duplicate(if self.at_end() || self.peek_word() == "times" { Duration::ZERO } else { self.duration()? }),
        };
        let mut count = 1;
        if self.peek_word() == "times" {
            self.word();
            let before = self.clone();
            count = self.number_u32("how many times")?;
            if count == 0 {
                return Err(before.mistake_word("at least 1 time", []));
            }
        }
        Ok(NetworkAct { from, which, skip, count, fate })
    }

    /// `octet 13 bit 0`, either left out.
    fn damage(&mut self) -> Parsed<Damage> {
        let mut damage = LAST_OCTET;
        if self.peek_word() == "octet" {
            self.word();
            let number = self.number("an octet of the segment, from 0", u64::from(u16::MAX - 1))?;
            damage.octet = u16::try_from(number).unwrap_or(u16::MAX);
        }
        if self.peek_word() == "bit" {
            self.word();
            damage.bit = u8::try_from(self.number("a bit, 0 the lowest", 7)?).unwrap_or(0);
        }
        Ok(damage)
    }

    /// `A>B loss 2% seed 7`, behind `link`.
    pub(super) fn impairment(&mut self) -> Parsed<Fault> {
        let before = self.clone();
        let from = match self.peek_word() {
            "A>B" => Some(HostId(0)),
            "B>A" => Some(HostId(1)),
            word if word.contains('>') => return Err(before.mistake_word("A>B or B>A", ["A>B", "B>A"])),
            _ => None,
        };
        if from.is_some() {
            self.word();
        }
        let before = self.clone();
        let what = match self.word() {
            "loss" => Impairment::Loss(self.chance()?),
            "duplicate" => Impairment::Duplicate(self.chance()?),
            "reorder" => Impairment::Reorder(self.chance()?),
            "corrupt" => Impairment::Corrupt(self.chance()?),
            "jitter" => Impairment::Jitter { up_to: self.duration()?, seed: self.seed()? },
            "rate" => Impairment::Rate(self.rate()?),
            _ if from.is_some() => {
                return Err(before.mistake_word("loss, duplicate, reorder, corrupt, jitter or rate", IMPAIRMENTS));
            }
            _ => {
                let names = ["delay", "mtu", "resolve", "A>B", "B>A"].into_iter().chain(IMPAIRMENTS);
                let expected = "delay, mtu, resolve, a direction (A>B or B>A), or what the link does (loss, duplicate, reorder, corrupt, jitter, rate)";
                return Err(before.mistake_word(expected, names));
            }
        };
        Ok(Fault::Link { from, what })
    }

    fn chance(&mut self) -> Parsed<Chance> {
        let before = self.clone();
        let probability = Probability::parse(self.word());
        let probability = probability.ok_or_else(|| before.mistake_word("a percentage from 0% to 100% such as 2% or 0.1%", []))?;
        Ok(Chance { probability, seed: self.seed()? })
    }

    fn seed(&mut self) -> Parsed<Option<u64>> {
        if self.peek_word() != "seed" {
            return Ok(None);
        }
        self.word();
        self.number("a seed, a whole number", u64::MAX).map(Some)
    }

    /// `1Mbit queue 10`.
    fn rate(&mut self) -> Parsed<Rate> {
        let before = self.clone();
        let word = self.word();
        let digits = word.find(|c: char| !c.is_ascii_digit()).unwrap_or(word.len());
        let (number, unit) = word.split_at(digits);
        let bits = Rate::UNITS.iter().find(|(name, _)| *name == unit).map(|(_, bits)| *bits);
        let rate = number.parse::<u64>().ok().zip(bits).and_then(|(number, bits)| number.checked_mul(bits)).filter(|rate| *rate > 0);
        let rate = rate.ok_or_else(|| before.mistake_word("a rate such as 1Mbit, 64kbit or 9600bit, at least 1bit", []))?;
        let mut queue = None;
        if self.peek_word() == "queue" {
            self.word();
            let most = self.number_u32("how many packets (or octets) may wait")?;
            queue = Some(Queue::Packets(most));
            if !self.at_end() {
                let units = [("packets", Queue::Packets(most)), ("octets", Queue::Octets(most))];
                queue = Some(self.choice("packets, octets, or the end of the line", &units)?);
            }
        }
        Ok(Rate { bits_per_second: rate, queue })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> String {
        fault("--fault", text).unwrap_or_else(|error| panic!("{error}")).to_string()
    }

    #[test]
    fn what_is_written_is_shown() {
        for text in [
            "lose A:FIN#2",
            "lose B:SYN,ACK times 3",
            "delay A:SYN 50ms",
            "duplicate B:any 0s",
            "reorder A:data#4",
            "corrupt A:data",
            "corrupt B:FIN bit 7",
            "corrupt A:SYN octet 13 bit 1 times 2",
            "link loss 2% seed 7",
            "link A>B duplicate 1%",
            "link B>A reorder 5%",
            "link corrupt 0.1% seed 18446744073709551615",
            "link jitter 3ms seed 1",
            "link A>B rate 1Mbit queue 10",
            "link rate 9600bit queue 3000 octets",
        ] {
            assert_eq!(shown(text), text);
        }
    }

    #[test]
    fn some_words_may_be_left_out_or_stand_elsewhere() {
        for (short, long) in [
            ("loss 2% seed 7", "link loss 2% seed 7"),
            ("A>B reorder 2%", "link A>B reorder 2%"),
            ("duplicate 100%", "link duplicate 100%"),
            ("A lose FIN#2", "lose A:FIN#2"),
            ("rate 1000kbit queue 5 packets", "link rate 1Mbit queue 5"),
        ] {
            assert_eq!(shown(short), long);
        }
    }

    #[test]
    fn a_mistake_says_what_would_be_right() {
        for (text, expected) in [
            ("", "1:1: expected a fault, such as lose A:FIN#1 or loss 2% seed 7, found the end of the line"),
            ("los A:FIN", "1:1: expected a fault, such as lose A:FIN#1 or loss 2% seed 7, found \"los\"; did you mean lose?"),
            ("lose C:FIN", "1:6: expected the host whose segment it is, A or B, found \"C\""),
            ("loss 2", "1:6: expected a percentage from 0% to 100% such as 2% or 0.1%, found \"2\""),
            ("link loss 101%", "1:11: expected a percentage from 0% to 100% such as 2% or 0.1%, found \"101%\""),
            ("A>C loss 2%", "1:1: expected A>B or B>A, found \"A>C\"; did you mean A>B?"),
            ("rate 0bit", "1:6: expected a rate such as 1Mbit, 64kbit or 9600bit, at least 1bit, found \"0bit\""),
            ("rate 99999999999Gbit", "1:6: expected a rate such as 1Mbit, 64kbit or 9600bit, at least 1bit, found \"99999999999Gbit\""),
            ("corrupt A:FIN bit 8", "1:19: expected a bit, 0 the lowest, a whole number from 0 to 7, found \"8\""),
            ("loss 2% 3%", "1:9: expected the end of the line, found \"3%\""),
            (
                "A close",
                "1:3: expected an act of the network (lose, delay, duplicate, reorder or corrupt), found \"close\"; did you mean lose?",
            ),
        ] {
            let error = fault("--fault", text).expect_err(text).mistake.to_string();
            assert_eq!(error.lines().next(), Some(expected));
        }
    }
}
