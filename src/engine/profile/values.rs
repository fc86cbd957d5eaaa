//! What a knob's value can be, as text and back.

use std::time::Duration;

/// A value a knob can have, as text and back.
pub trait KnobValue: Sized {
    /// What a person may write, for the error message.
    const EXPECTED: &'static str;

    /// Reads the value; `None` if the text is not of the form [`KnobValue::EXPECTED`] names.
    fn parse(text: &str) -> Option<Self>;

    /// Writes it so that [`KnobValue::parse`] reads it back.
    fn show(&self) -> String;
}

impl KnobValue for bool {
    const EXPECTED: &'static str = "on or off";

    fn parse(text: &str) -> Option<Self> {
        match text {
            "on" | "true" | "yes" | "1" => Some(true),
            "off" | "false" | "no" | "0" => Some(false),
            _ => None,
        }
    }

    fn show(&self) -> String {
        if *self { "on" } else { "off" }.to_owned()
    }
}

macro_rules! number_knob {
    ($($type:ty => $expected:literal),+) => {$(
        impl KnobValue for $type {
            const EXPECTED: &'static str = $expected;

            fn parse(text: &str) -> Option<Self> {
                text.parse().ok()
            }

            fn show(&self) -> String {
                self.to_string()
            }
        }
    )+};
}

number_knob!(u8 => "a whole number from 0 to 255", u16 => "a whole number from 0 to 65535", u32 => "a whole number from 0 to 4294967295");

impl KnobValue for Duration {
    const EXPECTED: &'static str = "a duration such as 200ms, 1s or 2min, a year at most";

    fn parse(text: &str) -> Option<Self> {
        // What is doubled and added on the way must not overflow.
        humantime::parse_duration(text).ok().filter(|duration| *duration <= Self::from_hours(366 * 24))
    }

    fn show(&self) -> String {
        humantime::format_duration(*self).to_string().replace(' ', "")
    }
}

/// A window scale shift count of 0 to 14, or none offered (RFC 7323 section 2.2).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Shift(pub Option<u8>);

impl KnobValue for Shift {
    const EXPECTED: &'static str = "off, or a shift count from 0 to 14";

    fn parse(text: &str) -> Option<Self> {
        match text {
            "off" => Some(Self(None)),
            _ => text.parse().ok().filter(|shift| *shift <= 14).map(|shift| Self(Some(shift))),
        }
    }

    fn show(&self) -> String {
        self.0.map_or("off".to_owned(), |shift| shift.to_string())
    }
}

/// Which segments that are nobody's are dropped without an answer.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Blackhole {
    /// None: each is answered by a reset.
    Off,
    /// SYNs.
    Syn,
    /// All.
    All,
}

impl KnobValue for Blackhole {
    const EXPECTED: &'static str = "off, syn or on";

    fn parse(text: &str) -> Option<Self> {
        match text {
            "off" => Some(Self::Off),
            "syn" => Some(Self::Syn),
            "on" => Some(Self::All),
            _ => None,
        }
    }

    fn show(&self) -> String {
        match self {
            Self::Off => "off",
            Self::Syn => "syn",
            Self::All => "on",
        }
        .to_owned()
    }
}

/// In which order, and with what padding, options stand in a segment.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum OptionLayout {
    /// `mss`, `sackOK`, `TS`, `wscale`, each aligned by no-operations before it (RFC 7323 appendix A).
    Aligned,
    /// `mss,sackOK,TS,nop,wscale`; without timestamps `mss,nop,nop,sackOK,nop,wscale`.
    Linux,
    /// `mss,nop,wscale,sackOK,TS`: no-operations only where an option needs them, end-of-list behind the last.
    FreeBsd,
}

impl KnobValue for OptionLayout {
    const EXPECTED: &'static str = "aligned, linux or freebsd";

    fn parse(text: &str) -> Option<Self> {
        match text {
            "aligned" => Some(Self::Aligned),
            "linux" => Some(Self::Linux),
            "freebsd" => Some(Self::FreeBsd),
            _ => None,
        }
    }

    fn show(&self) -> String {
        match self {
            Self::Aligned => "aligned",
            Self::Linux => "linux",
            Self::FreeBsd => "freebsd",
        }
        .to_owned()
    }
}

/// What a host does about explicit congestion notification (RFC 3168, RFC 9768).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum EcnPolicy {
    /// Nothing: it neither asks nor accepts.
    Off,
    /// It accepts RFC 3168's, and does not ask.
    Accept,
    /// It asks for RFC 3168's.
    Ask,
    /// It asks for RFC 9768's, and accepts either.
    Accurate,
    /// It accepts either, and does not ask.
    AcceptAccurate,
}

impl KnobValue for EcnPolicy {
    const EXPECTED: &'static str = "off, accept, ask, accurate or accept-accurate";

    fn parse(text: &str) -> Option<Self> {
        match text {
            "off" => Some(Self::Off),
            "accept" => Some(Self::Accept),
            "ask" => Some(Self::Ask),
            "accurate" => Some(Self::Accurate),
            "accept-accurate" => Some(Self::AcceptAccurate),
            _ => None,
        }
    }

    fn show(&self) -> String {
        match self {
            Self::Off => "off",
            Self::Accept => "accept",
            Self::Ask => "ask",
            Self::Accurate => "accurate",
            Self::AcceptAccurate => "accept-accurate",
        }
        .to_owned()
    }
}

/// When a listener answers a SYN by a cookie and keeps nothing (RFC 4987 section 3.6).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum SynCookies {
    /// Never.
    Off,
    /// When there is no room for another half-open connection (RFC 4987 section 3.7).
    Pressure,
    /// Every time.
    Always,
}

impl KnobValue for SynCookies {
    const EXPECTED: &'static str = "off, pressure or always";

    fn parse(text: &str) -> Option<Self> {
        match text {
            "off" => Some(Self::Off),
            "pressure" => Some(Self::Pressure),
            "always" => Some(Self::Always),
            _ => None,
        }
    }

    fn show(&self) -> String {
        match self {
            Self::Off => "off",
            Self::Pressure => "pressure",
            Self::Always => "always",
        }
        .to_owned()
    }
}

/// How the window offered to the peer follows from the receive buffer.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum WindowPolicy {
    /// All free room, not moved by less than a segment or half the buffer (RFC 9293 section 3.8.6.2.2).
    Buffer,
    /// All free room of a buffer of whole segments, rounded up to the scale.
    FreeBsd,
    /// As Linux selects it: a threshold that grows with what arrives, rounded up to the scale.
    Linux,
}

impl KnobValue for WindowPolicy {
    const EXPECTED: &'static str = "buffer, freebsd or linux";

    fn parse(text: &str) -> Option<Self> {
        match text {
            "buffer" => Some(Self::Buffer),
            "freebsd" => Some(Self::FreeBsd),
            "linux" => Some(Self::Linux),
            _ => None,
        }
    }

    fn show(&self) -> String {
        match self {
            Self::Buffer => "buffer",
            Self::FreeBsd => "freebsd",
            Self::Linux => "linux",
        }
        .to_owned()
    }
}

/// Which SYN reopens a connection in TIME-WAIT, if a listener stands behind.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum TimeWaitReuse {
    /// None.
    Off,
    /// By timestamps where they can tell, else SEG.SEQ not below RCV.NXT (RFC 6191 section 2).
    Rfc6191,
    /// By timestamps where the old connection had them, else SEG.SEQ above RCV.NXT.
    Linux,
    /// SEG.SEQ above RCV.NXT, whatever the timestamps say.
    Sequence,
}

impl KnobValue for TimeWaitReuse {
    const EXPECTED: &'static str = "off, rfc6191, linux or sequence";

    fn parse(text: &str) -> Option<Self> {
        match text {
            "off" => Some(Self::Off),
            "rfc6191" => Some(Self::Rfc6191),
            "linux" => Some(Self::Linux),
            "sequence" => Some(Self::Sequence),
            _ => None,
        }
    }

    fn show(&self) -> String {
        match self {
            Self::Off => "off",
            Self::Rfc6191 => "rfc6191",
            Self::Linux => "linux",
            Self::Sequence => "sequence",
        }
        .to_owned()
    }
}

/// Which ACKs are not answered in TIME-WAIT.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum TimeWaitAcks {
    /// Those inside the window that acknowledge nothing beyond SND.NXT, nor too old a number.
    Rfc,
    /// Those at RCV.NXT without text, whatever they acknowledge.
    Number,
    /// Those at RCV.NXT without text that acknowledge SND.NXT.
    Exact,
}

impl KnobValue for TimeWaitAcks {
    const EXPECTED: &'static str = "rfc, number or exact";

    fn parse(text: &str) -> Option<Self> {
        match text {
            "rfc" => Some(Self::Rfc),
            "number" => Some(Self::Number),
            "exact" => Some(Self::Exact),
            _ => None,
        }
    }

    fn show(&self) -> String {
        match self {
            Self::Rfc => "rfc",
            Self::Number => "number",
            Self::Exact => "exact",
        }
        .to_owned()
    }
}

/// Whether text and FIN of a SYN wait for ESTABLISHED.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum HoldSynText {
    /// They do.
    Always,
    /// The text of a SYN that crosses ours does; nothing else.
    Crossed,
    /// They are dropped.
    Never,
}

impl KnobValue for HoldSynText {
    const EXPECTED: &'static str = "on, crossed or off";

    fn parse(text: &str) -> Option<Self> {
        match text {
            "on" => Some(Self::Always),
            "crossed" => Some(Self::Crossed),
            "off" => Some(Self::Never),
            _ => None,
        }
    }

    fn show(&self) -> String {
        match self {
            Self::Always => "on",
            Self::Crossed => "crossed",
            Self::Never => "off",
        }
        .to_owned()
    }
}

/// Which ICMP errors end a request in SYN-RECEIVED that came of a passive OPEN.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum IcmpRequests {
    /// Hard ones.
    Rfc,
    /// Those that say that nobody is there: net and host unreachable, time exceeded, parameter problem.
    Linux,
    /// None.
    Off,
}

impl KnobValue for IcmpRequests {
    const EXPECTED: &'static str = "rfc, linux or off";

    fn parse(text: &str) -> Option<Self> {
        match text {
            "rfc" => Some(Self::Rfc),
            "linux" => Some(Self::Linux),
            "off" => Some(Self::Off),
            _ => None,
        }
    }

    fn show(&self) -> String {
        match self {
            Self::Rfc => "rfc",
            Self::Linux => "linux",
            Self::Off => "off",
        }
        .to_owned()
    }
}

/// How much may be under way, and how that changes.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum CongestionControl {
    /// As much as the peer's window has room for.
    Off,
    /// Slow start and congestion avoidance (RFC 5681).
    Reno,
    /// As that, with a window that grows by a cubic function of time (RFC 9438).
    Cubic,
}

impl KnobValue for CongestionControl {
    const EXPECTED: &'static str = "off, reno or cubic";

    fn parse(text: &str) -> Option<Self> {
        match text {
            "off" => Some(Self::Off),
            "reno" => Some(Self::Reno),
            "cubic" => Some(Self::Cubic),
            _ => None,
        }
    }

    fn show(&self) -> String {
        match self {
            Self::Off => "off",
            Self::Reno => "reno",
            Self::Cubic => "cubic",
        }
        .to_owned()
    }
}

/// What a segment is told to be lost by, where SACK is in use.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum LossDetection {
    /// Three segments above it have arrived (RFC 6675).
    Dupacks,
    /// One that left later has arrived, and it is late (RFC 8985).
    Rack,
}

impl KnobValue for LossDetection {
    const EXPECTED: &'static str = "dupacks or rack";

    fn parse(text: &str) -> Option<Self> {
        match text {
            "dupacks" => Some(Self::Dupacks),
            "rack" => Some(Self::Rack),
            _ => None,
        }
    }

    fn show(&self) -> String {
        match self {
            Self::Dupacks => "dupacks",
            Self::Rack => "rack",
        }
        .to_owned()
    }
}

/// When the path MTU is probed (RFC 4821).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum MtuProbing {
    /// Never.
    Off,
    /// From when time-outs say that nothing arrives any more.
    BlackHole,
    /// Always.
    Always,
}

impl KnobValue for MtuProbing {
    const EXPECTED: &'static str = "off, black-hole or always";

    fn parse(text: &str) -> Option<Self> {
        match text {
            "off" => Some(Self::Off),
            "black-hole" => Some(Self::BlackHole),
            "always" => Some(Self::Always),
            _ => None,
        }
    }

    fn show(&self) -> String {
        match self {
            Self::Off => "off",
            Self::BlackHole => "black-hole",
            Self::Always => "always",
        }
        .to_owned()
    }
}

/// How the moment of an ACK is chosen.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum AckPolicy {
    /// At once, or after the knob's delay, and for every second full segment (SHLD-19).
    Rfc,
    /// After the knob's delay, and for every second segment, whatever its length.
    FreeBsd,
    /// As Linux does: quick at first, then as the application's habits suggest.
    Linux,
}

impl KnobValue for AckPolicy {
    const EXPECTED: &'static str = "rfc, freebsd or linux";

    fn parse(text: &str) -> Option<Self> {
        match text {
            "rfc" => Some(Self::Rfc),
            "freebsd" => Some(Self::FreeBsd),
            "linux" => Some(Self::Linux),
            _ => None,
        }
    }

    fn show(&self) -> String {
        match self {
            Self::Rfc => "rfc",
            Self::FreeBsd => "freebsd",
            Self::Linux => "linux",
        }
        .to_owned()
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Debug;

    use super::*;

    /// Each word is read as its value, and the value written as that word; the others are refused.
    fn spelled<T: KnobValue + PartialEq + Debug>(words: &[(&str, T)], wrong: &[&str]) {
        for (word, value) in words {
            assert_eq!(T::parse(word).as_ref(), Some(value), "{word}");
            assert_eq!(value.show(), *word);
            assert_eq!(words.iter().filter(|(_, other)| other == value).count(), 1, "{word} is no value of its own");
        }
        for word in wrong.iter().copied().chain(["", "aligne", "ON", "-1", "1.5"]) {
            assert_eq!(T::parse(word), None, "{word:?}");
        }
    }

    #[test]
    fn every_value_is_written_as_it_is_read() {
        spelled(&[("on", true), ("off", false)], &["2", "maybe"]);
        spelled(&[("off", Shift(None)), ("0", Shift(Some(0))), ("14", Shift(Some(14)))], &["15", "256"]);
        spelled(&[("aligned", OptionLayout::Aligned), ("linux", OptionLayout::Linux), ("freebsd", OptionLayout::FreeBsd)], &["windows"]);
        spelled(
            &[
                ("off", EcnPolicy::Off),
                ("accept", EcnPolicy::Accept),
                ("ask", EcnPolicy::Ask),
                ("accurate", EcnPolicy::Accurate),
                ("accept-accurate", EcnPolicy::AcceptAccurate),
            ],
            &["on"],
        );
        spelled(&[("off", Blackhole::Off), ("syn", Blackhole::Syn), ("on", Blackhole::All)], &["all"]);
        spelled(&[("off", SynCookies::Off), ("pressure", SynCookies::Pressure), ("always", SynCookies::Always)], &["on"]);
        spelled(&[("buffer", WindowPolicy::Buffer), ("freebsd", WindowPolicy::FreeBsd), ("linux", WindowPolicy::Linux)], &["rfc"]);
        spelled(
            &[
                ("off", TimeWaitReuse::Off),
                ("rfc6191", TimeWaitReuse::Rfc6191),
                ("linux", TimeWaitReuse::Linux),
                ("sequence", TimeWaitReuse::Sequence),
            ],
            &["on"],
        );
        spelled(&[("rfc", TimeWaitAcks::Rfc), ("number", TimeWaitAcks::Number), ("exact", TimeWaitAcks::Exact)], &["linux"]);
        spelled(&[("on", HoldSynText::Always), ("crossed", HoldSynText::Crossed), ("off", HoldSynText::Never)], &["always"]);
        spelled(&[("rfc", IcmpRequests::Rfc), ("linux", IcmpRequests::Linux), ("off", IcmpRequests::Off)], &["on"]);
        spelled(&[("off", CongestionControl::Off), ("reno", CongestionControl::Reno), ("cubic", CongestionControl::Cubic)], &["bbr"]);
        spelled(&[("dupacks", LossDetection::Dupacks), ("rack", LossDetection::Rack)], &["fack"]);
        spelled(&[("rfc", AckPolicy::Rfc), ("freebsd", AckPolicy::FreeBsd), ("linux", AckPolicy::Linux)], &["bsd"]);
    }

    #[test]
    fn a_switch_has_more_words_than_it_is_written_with() {
        for (word, value) in [("true", true), ("yes", true), ("1", true), ("false", false), ("no", false), ("0", false)] {
            assert_eq!(bool::parse(word), Some(value), "{word}");
        }
    }

    #[test]
    fn numbers_keep_to_their_width() {
        spelled(&[("0", 0_u8), ("255", 255)], &["256", "1s"]);
        spelled(&[("0", 0_u16), ("65535", 65_535)], &["65536", "1s"]);
        spelled(&[("0", 0_u32), ("4294967295", 4_294_967_295)], &["4294967296", "1s"]);
    }

    #[test]
    fn a_duration_is_a_year_at_most() {
        let (second, year) = (Duration::from_secs(1), Duration::from_hours(366 * 24));
        assert_eq!(Duration::parse("1s"), Some(second));
        assert_eq!(Duration::parse("1m 200ms").map(|duration| duration.show()), Some("1m200ms".to_owned()));
        assert_eq!(Duration::parse("1m200ms"), Some(Duration::from_millis(60_200)));
        assert_eq!(Duration::parse("366days"), Some(year));
        assert_eq!(Duration::parse("366days 1ns"), None);
        assert_eq!(Duration::parse("1"), None, "a duration has a unit");
    }
}
