//! Explicit congestion notification (RFC 3168, SHLD-8) and its accurate form (RFC 9768): how two sides agree
//! on it, and what each reports to the other.
//!
//! What a report does to the congestion window says `congestion`; where there is none, what is reported is the same.
//! RFC 9768's option is optional and not spoken: its three octet counters are kept, but never leave.

use super::arrival::Arrival;
use super::profile::EcnPolicy;
use super::segment::{Flags, Segment};
use super::seq::{Ours, SeqNumber, Theirs};
use super::state::{Event, State};
use super::tcb::{Connection, Origin};
use super::time::Instant;

/// The ECN field of the IP header: two bits of the TOS octet or of the traffic class (RFC 3168 section 5).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
#[repr(u8)]
pub enum Codepoint {
    /// 00: the transport does not know ECN.
    #[default]
    NotEct,
    /// 01: it does.
    Ect1,
    /// 10: it does.
    Ect0,
    /// 11: a router on the way has experienced congestion.
    Ce,
}

impl Codepoint {
    /// As the two bits say it; higher ones are cut off.
    pub const fn from_bits(bits: u8) -> Self {
        match bits & 3 {
            0 => Self::NotEct,
            1 => Self::Ect1,
            2 => Self::Ect0,
            _ => Self::Ce,
        }
    }

    /// The two bits.
    pub const fn bits(self) -> u8 {
        self as u8
    }

    /// `Not-ECT`, `ECT(1)`, `ECT(0)` or `CE`, as the RFC writes it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::NotEct => "Not-ECT",
            Self::Ect1 => "ECT(1)",
            Self::Ect0 => "ECT(0)",
            Self::Ce => "CE",
        }
    }
}

/// What two sides have agreed on.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum EcnMode {
    /// Nothing.
    #[default]
    Off,
    /// ECE until CWR (RFC 3168).
    Classic,
    /// A counter of marked packets (RFC 9768).
    Accurate,
}

/// What an accurate receiver has counted (RFC 9768 section 3.2.1).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct EcnCounters {
    /// Packets with CE.
    pub cep: u32,
    /// Octets of text with CE.
    pub ceb: u32,
    /// Octets of text with ECT(0).
    pub e0b: u32,
    /// Octets of text with ECT(1).
    pub e1b: u32,
}

impl EcnCounters {
    // R9768-14: no counter that is honest begins with bits that a middlebox would leave behind.
    const START: Self = Self { cep: 5, ceb: 0, e0b: 1, e1b: 1 };

    fn count(&mut self, codepoint: Codepoint, octets: u32) {
        match codepoint {
            Codepoint::NotEct => {}
            Codepoint::Ect1 => self.e1b = self.e1b.wrapping_add(octets),
            Codepoint::Ect0 => self.e0b = self.e0b.wrapping_add(octets),
            Codepoint::Ce => {
                self.cep = self.cep.wrapping_add(1);
                self.ceb = self.ceb.wrapping_add(octets);
            }
        }
    }
}

/// The ECN of one connection whose sides have asked for it, or one of them has.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(super) struct Ecn {
    mode: EcnMode,
    /// What our SYN,ACK says.
    answer: Flags,
    /// How the peer's SYN or SYN,ACK asks or answers.
    peer: EcnMode,
    /// A SYN or SYN,ACK without ECN left or arrived, or the path clears the bits: no ECT from us.
    plain: bool,
    /// The codepoint of the peer's SYN,ACK, until the third ACK has reported it.
    report: Option<Codepoint>,
    /// CE has arrived, and no CWR since.
    echo: bool,
    /// ECE has arrived: the next new text says CWR.
    reduced: bool,
    /// SND.NXT when ECE was last answered; reports of what lies below tell nothing new.
    answered: Option<SeqNumber<Ours>>,
    received: EcnCounters,
    /// The peer's count of our packets with CE, once it has said a first one.
    sent: Option<u32>,
    /// What the segment given out last travels with.
    leaving: Codepoint,
}

impl Ecn {
    const fn new() -> Self {
        Self {
            mode: EcnMode::Off,
            answer: Flags::NONE,
            peer: EcnMode::Off,
            plain: false,
            report: None,
            echo: false,
            reduced: false,
            answered: None,
            received: EcnCounters::START,
            sent: None,
            leaving: Codepoint::NotEct,
        }
    }
}

/// AE, CWR and ECE: as a number the ACE field.
const ALL: Flags = Flags::AE.with(Flags::CWR).with(Flags::ECE);

/// The three bits of a header as a number, AE highest.
const fn bits(flags: Flags) -> u8 {
    flags.contains(Flags::AE) as u8 * 4 + flags.contains(Flags::CWR) as u8 * 2 + flags.contains(Flags::ECE) as u8
}

/// The low three bits of a number as AE, CWR, ECE.
fn ace(number: u32) -> Flags {
    [(4, Flags::AE), (2, Flags::CWR), (1, Flags::ECE)]
        .into_iter()
        .filter(|(bit, _)| number & bit != 0)
        .fold(Flags::NONE, |flags, (_, flag)| flags.with(flag))
}

/// How a SYN or SYN,ACK reports the codepoint of what it answers (RFC 9768 sections 3.1.1 and 3.2.2.1).
fn handshake(codepoint: Codepoint) -> Flags {
    ace(match codepoint {
        Codepoint::NotEct => 0b010,
        Codepoint::Ect1 => 0b011,
        Codepoint::Ect0 => 0b100,
        Codepoint::Ce => 0b110,
    })
}

/// What a SYN with these bits asks of a host with this policy.
#[expect(clippy::match_same_arms, reason = "a table reads by what is asked")]
fn asked(policy: EcnPolicy, syn: Flags) -> EcnMode {
    match (policy, bits(syn)) {
        (EcnPolicy::Off, _) | (EcnPolicy::Accurate | EcnPolicy::AcceptAccurate, 0b000) => EcnMode::Off,
        // R3168-2, R3168-7: AE is a reserved bit to who knows RFC 3168 alone, and no other form asks.
        (EcnPolicy::Accept | EcnPolicy::Ask, 0b011 | 0b111) => EcnMode::Classic,
        (EcnPolicy::Accept | EcnPolicy::Ask, _) => EcnMode::Off,
        // R9768-5.
        (EcnPolicy::Accurate | EcnPolicy::AcceptAccurate, 0b011) => EcnMode::Classic,
        // R9768-7: what a later RFC may send is as good as 111.
        (EcnPolicy::Accurate | EcnPolicy::AcceptAccurate, _) => EcnMode::Accurate,
    }
}

/// What a SYN,ACK with these bits says to a host whose SYN asked by this policy.
#[expect(clippy::match_same_arms, reason = "a table reads by what is asked")]
fn answered(policy: EcnPolicy, syn_ack: Flags) -> EcnMode {
    match (policy, bits(syn_ack)) {
        (EcnPolicy::Off | EcnPolicy::Accept | EcnPolicy::AcceptAccurate, _) => EcnMode::Off,
        // R3168-7: both bits back is a server that reflects what it does not know.
        (EcnPolicy::Ask, 0b001 | 0b101) => EcnMode::Classic,
        (EcnPolicy::Ask, _) => EcnMode::Off,
        // R9768-3, R9768-4.
        (EcnPolicy::Accurate, 0b001) => EcnMode::Classic,
        (EcnPolicy::Accurate, 0b000 | 0b111) => EcnMode::Off,
        // R9768-7: 101 among them.
        (EcnPolicy::Accurate, _) => EcnMode::Accurate,
    }
}

impl Connection {
    /// As [`on_segment`](Self::on_segment), of a packet with this codepoint.
    pub fn on_marked_segment(&mut self, now: Instant, codepoint: Codepoint, segment: &Segment<Theirs>) -> Arrival {
        if codepoint == Codepoint::NotEct {
            return self.on_segment(now, segment);
        }
        self.set_mark(codepoint);
        let arrival = self.on_segment(now, segment);
        self.set_mark(Codepoint::NotEct);
        arrival
    }

    const fn set_mark(&mut self, codepoint: Codepoint) {
        self.bits.set_mark_low(codepoint.bits() & 1 != 0);
        self.bits.set_mark_high(codepoint.bits() & 2 != 0);
    }

    /// The codepoint of the packet whose segment is at hand.
    const fn mark(&self) -> Codepoint {
        Codepoint::from_bits(self.bits.mark_low() as u8 | (self.bits.mark_high() as u8) << 1)
    }

    /// The codepoint with which the segment travels that [`poll_segment`](Self::poll_segment) gave out last.
    #[inline]
    pub fn codepoint(&self) -> Codepoint {
        self.ecn.as_ref().map_or(Codepoint::NotEct, |ecn| ecn.leaving)
    }

    /// What the handshake has agreed on.
    pub fn ecn_mode(&self) -> EcnMode {
        self.ecn.as_ref().map_or(EcnMode::Off, |ecn| ecn.mode)
    }

    /// What this side has counted, where both are accurate.
    pub fn ecn_counters(&self) -> Option<EcnCounters> {
        self.ecn.as_ref().filter(|ecn| ecn.mode == EcnMode::Accurate).map(|ecn| ecn.received)
    }

    /// How many of our packets the peer says it got with CE, from 5 on.
    pub fn ecn_reported(&self) -> Option<u32> {
        self.ecn.as_ref().and_then(|ecn| ecn.sent)
    }

    /// What a SYN says: it asks, or has been lost so often that it asks no more.
    // R3168-1, R3168-6, R3168-8, R9768-1, R9768-8, R9768-9, R9768-11: 000, or always the same other.
    pub(super) fn syn_ecn(&mut self) -> Flags {
        match self.profile.ecn {
            EcnPolicy::Off | EcnPolicy::Accept | EcnPolicy::AcceptAccurate => Flags::NONE,
            EcnPolicy::Ask => self.ask_for_ecn(Flags::ECE | Flags::CWR),
            EcnPolicy::Accurate => self.ask_for_ecn(ALL),
        }
    }

    #[cold]
    fn ask_for_ecn(&mut self, asks: Flags) -> Flags {
        let falls_back = self.profile.ecn_fallback != 0 && self.backoff >= self.profile.ecn_fallback;
        let ecn = self.ecn.get_or_insert_with(|| Box::new(Ecn::new()));
        ecn.leaving = Codepoint::NotEct;
        ecn.plain |= falls_back;
        if falls_back { Flags::NONE } else { asks }
    }

    /// What a SYN,ACK says, first or again.
    // R3168-5: the SYN and this travel without ECT. R9768-11: it never says anything else.
    pub(super) fn syn_ack_ecn(&mut self) -> Flags {
        self.ecn.as_mut().map_or(Flags::NONE, |ecn| {
            ecn.leaving = Codepoint::NotEct;
            ecn.answer
        })
    }

    /// The peer's SYN or SYN,ACK is recorded: the mode begins, and stays (R9768-10).
    pub(super) fn negotiate_ecn(&mut self, segment: &Segment<Theirs>) {
        let (policy, mark) = (self.profile.ecn, self.mark());
        if segment.has(Flags::ACK) {
            if let Some(ecn) = &mut self.ecn {
                ecn.mode = answered(policy, segment.flags);
                ecn.peer = ecn.mode;
                // R9768-15.
                ecn.report = (ecn.mode == EcnMode::Accurate).then_some(mark);
                ecn.received.count(mark, 0);
            }
            return;
        }
        if self.profile.ecn_reflect {
            let ecn = self.ecn.get_or_insert_with(|| Box::new(Ecn::new()));
            ecn.answer = ace(bits(segment.flags).into());
            return;
        }
        let mode = asked(policy, segment.flags);
        // R9768-6: who asked as well answers as if it had not, but a SYN of ours without ECN counts (R3168-3).
        let crossed_plain = self.state == State::SynSent && self.ecn.is_none();
        if mode == EcnMode::Off {
            if let Some(ecn) = &mut self.ecn {
                ecn.plain = true;
            }
            return;
        }
        let ecn = self.ecn.get_or_insert_with(|| Box::new(Ecn::new()));
        ecn.mode = mode;
        ecn.peer = mode;
        ecn.plain |= crossed_plain;
        // R3168-2, R9768-2, R9768-5.
        ecn.answer = if mode == EcnMode::Accurate { handshake(mark) } else { Flags::ECE };
    }

    /// The peer's SYN or SYN,ACK once more, while the handshake is young: says so if it asks for something else.
    // R9768-12. R9768-13, R3168-4: one without ECN ends ECT.
    #[cold]
    pub(super) fn syn_again(&mut self, segment: &Segment<Theirs>) -> Option<Event> {
        let (policy, mark) = (self.profile.ecn, self.mark());
        let answers = segment.has(Flags::ACK);
        let young = match self.state {
            State::SynReceived => !answers,
            State::Established => answers && segment.ack == self.iss.plus(1) && self.rcv.nxt == self.irs.plus(1),
            State::Closed
            | State::Listen
            | State::SynSent
            | State::FinWait1
            | State::FinWait2
            | State::CloseWait
            | State::Closing
            | State::LastAck
            | State::TimeWait => false,
        };
        let ecn = self.ecn.as_mut().filter(|_| young && segment.seq == self.irs)?;
        let form = if answers { answered(policy, segment.flags) } else { asked(policy, segment.flags) };
        match (ecn.peer, form) {
            (_, EcnMode::Off) => ecn.plain = true,
            (EcnMode::Classic, EcnMode::Accurate) | (EcnMode::Accurate, EcnMode::Classic) => return Some(Event::EcnMixed),
            (EcnMode::Accurate, EcnMode::Accurate) => ecn.report = answers.then_some(mark),
            (EcnMode::Off, EcnMode::Classic | EcnMode::Accurate) | (EcnMode::Classic, EcnMode::Classic) => {}
        }
        None
    }

    /// What an acceptable segment without SYN says, and how it travelled.
    #[cold]
    pub(super) fn heed_ecn(&mut self, segment: &Segment<Theirs>, now: Instant) -> bool {
        let congested = self.hear_ecn(segment);
        if congested && self.sender.is_none() && self.snd.una != self.snd.nxt && self.has_congestion_control() {
            self.begin_congestion_control(now);
        }
        congested
    }

    fn hear_ecn(&mut self, segment: &Segment<Theirs>) -> bool {
        let has_window = self.has_congestion_control();
        let (mark, nxt, una, server) = (self.mark(), self.snd.nxt, self.snd.una, self.origin == Origin::Passive);
        let Some(ecn) = &mut self.ecn else { return false };
        match ecn.mode {
            EcnMode::Off => false,
            EcnMode::Classic => {
                // R3168-14: CE on the very packet that says CWR is another congestion.
                ecn.echo = mark == Codepoint::Ce || (ecn.echo && !segment.has(Flags::CWR));
                if ecn.answered.is_some_and(|answered| answered.before(segment.ack)) {
                    ecn.answered = None;
                }
                // R3168-13: once per window of data. Where there is no congestion window to halve, the receiver
                // must hear CWR nevertheless to fall silent.
                if segment.has(Flags::ECE) && ecn.answered.is_none() && !has_window {
                    ecn.answered = Some(nxt);
                    ecn.reduced = true;
                }
                segment.has(Flags::ECE)
            }
            EcnMode::Accurate => {
                ecn.received.count(mark, segment.len);
                let field = u32::from(bits(segment.flags));
                let before = ecn.sent;
                match ecn.sent {
                    // RFC 9768 section 3.2.2.4: a path that clears the bits cannot carry a report.
                    None if field == 0 => (ecn.sent, ecn.plain) = (Some(5), true),
                    // The third ACK, in the words of the handshake: CE on the SYN,ACK is the first one counted.
                    None if server => ecn.sent = Some(if field == 0b110 { 6 } else { 5 }),
                    None => ecn.sent = Some(5 + (field.wrapping_sub(5) & 7)),
                    Some(count) if una.at_or_before(segment.ack) => ecn.sent = Some(count.wrapping_add(field.wrapping_sub(count) & 7)),
                    Some(_) => {}
                }
                ecn.sent.unwrap_or(5) != before.unwrap_or(5)
            }
        }
    }

    /// The window has come down: the next new text says CWR (RFC 3168 section 6.1.2).
    #[cold]
    pub(super) fn promise_cwr(&mut self) {
        if let Some(ecn) = &mut self.ecn
            && ecn.mode == EcnMode::Classic
        {
            ecn.reduced = true;
        }
    }

    /// That was a mistake.
    #[cold]
    pub(super) fn withdraw_cwr(&mut self) {
        if let Some(ecn) = &mut self.ecn {
            ecn.reduced = false;
        }
    }

    /// What a segment without SYN reports, and how it travels; `fresh` where it brings text for the first time.
    // R3168-10, R3168-11, R3168-12: ACKs alone, what leaves again and probes carry neither ECT nor CWR.
    #[cold]
    pub(super) fn mark_ecn(&mut self, fresh: bool) -> Flags {
        let Some(ecn) = &mut self.ecn else { return Flags::NONE };
        let flags = match ecn.mode {
            EcnMode::Off => Flags::NONE,
            EcnMode::Classic => {
                let reduced = fresh && ecn.reduced;
                ecn.reduced &= !reduced;
                let echo = if ecn.echo { Flags::ECE } else { Flags::NONE };
                echo | if reduced { Flags::CWR } else { Flags::NONE }
            }
            // R9768-15, R9768-16.
            EcnMode::Accurate => ecn.report.take().map_or_else(|| ace(ecn.received.cep), handshake),
        };
        // R3168-3, R3168-4, R9768-13.
        let capable = fresh && ecn.mode != EcnMode::Off && !ecn.plain;
        ecn.leaving = if capable { Codepoint::Ect0 } else { Codepoint::NotEct };
        flags
    }

    /// A reset belongs to no agreement.
    #[cold]
    pub(super) fn leave_unmarked(&mut self) {
        if let Some(ecn) = &mut self.ecn {
            ecn.leaving = Codepoint::NotEct;
        }
    }

    /// TIME-WAIT: what was agreed holds no longer, but accurate counts stand in every segment (R9768-16).
    // R3168-9.
    pub(super) fn rest_ecn(&mut self) {
        if self.ecn_mode() != EcnMode::Accurate {
            self.ecn = None;
        }
    }
}
