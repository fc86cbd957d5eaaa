//! Packets the script expects of the stack under test.

use super::Seen;
use super::clock::{Micros, Moment, instant, micros, seconds};
use super::compare::{self, compare};
use super::inbound;
use super::mismatch::{Difference, Subject};
use super::packet::{Live, LiveBody};
use super::player::Player;
use super::settings::{Dialect, Settings};
use super::socket::{Phase, Protocol, Socket};
use super::stop::Stop;
use crate::engine::{Flags, Instant, Segment};
use crate::sources::packetdrill::syntax::{self, Body, Event, Options, Packet, SegmentFlags, TcpOption};

/// How long beyond its time a packet is waited for.
const GRACE: Micros = 2_000_000;

impl<'a> Player<'a> {
    /// Takes the next packet of the socket under test and holds it against its line.
    pub(super) fn expect(&mut self, index: usize, event: &'a Event, script: &'a Packet, moment: Moment, base: Instant) -> Result<(), Stop> {
        if let Some(outer) = script.outer.first() {
            return Err(Stop::unsupported(outer.span, "packets in packets: GRE, MPLS, IP in IP"));
        }
        if let Some(psp) = &script.psp {
            return Err(Stop::unsupported(psp.span, "PSP"));
        }
        let under_test = self.under_test.ok_or_else(|| Stop::error(None, "there is no socket this packet could come from"))?;
        let begins = self.begins(under_test, script);
        let limit = match moment {
            Moment::From(_) => self.patience(),
            Moment::At(_) | Moment::Between(..) => {
                let distance = moment.last().saturating_sub(self.before.unwrap_or(0));
                micros(self.place.now()).saturating_add(distance / 1_000_000 * 1_000_000).saturating_add(GRACE)
            }
        };
        let Some((mut at, mut live)) = self.next(under_test, script, limit)? else {
            let summary = format!("Timed out waiting for packet: none until {} s", seconds(limit));
            let mut mismatch = self.mismatch(event.what.span, Subject::Packet, summary, Vec::new());
            mismatch.expected = Some(script.to_string());
            return Err(mismatch.into());
        };
        if begins && let Some(segment) = live.segment().filter(|segment| segment.has(Flags::SYN)) {
            self.sockets[under_test].numbers.live_local = segment.seq.get();
        }
        self.sockets[under_test].learn(&live);
        self.join(under_test, script, limit, &mut at, &mut live)?;
        let socket = &self.sockets[under_test];
        let compared = compare(script, &live, socket, &self.settings, micros(at))?;
        let mut differences = compared.differences;
        if let Err(expected) = moment.check(micros(at), self.before, &self.settings) {
            differences.push(Difference::new("time", expected, format!("{} s", seconds(micros(at)))));
        }
        self.learn(under_test, script, &live);
        let packet = compare::rewritten(script, &compared.actual);
        self.seen.push(Seen { event: index, at, base, packet });
        let Some(first) = differences.first() else { return Ok(()) };
        let summary = if first.field == "time" {
            format!("timing error: expected outbound packet at {} but happened at {}", first.expected, first.actual)
        } else {
            format!("live packet field {}: expected: {} vs actual: {}", first.field, first.expected, first.actual)
        };
        let mut mismatch = self.mismatch(event.what.span, Subject::Packet, summary, differences);
        mismatch.expected = Some(script.to_string());
        mismatch.actual = Some(format!("{} {}", seconds(micros(at)), compared.actual));
        Err(mismatch.into())
    }

    /// Whether this line says the first number of the stack's side: the SYN of a connect, or the answer to the first packet.
    fn begins(&mut self, index: usize, script: &Packet) -> bool {
        let Body::Tcp(segment) = &script.body else { return false };
        let flags = segment.flags.value;
        let syn = flags.has(SegmentFlags::SYN);
        let ack = flags.has(SegmentFlags::ACK);
        let socket = &mut self.sockets[index];
        socket.phase = match socket.phase {
            Phase::Connecting if syn && !ack => Phase::SynSent,
            Phase::PacketReceived if syn && ack => Phase::SynAckSent,
            _ => return false,
        };
        socket.numbers.script_local = segment.seq.as_ref().map_or(0, |seq| seq.value.value);
        true
    }

    /// The next packet of this socket, until `limit`; others are dropped.
    fn next(&mut self, index: usize, script: &Packet, limit: Micros) -> Result<Option<(Instant, Live)>, Stop> {
        loop {
            self.collect()?;
            while let Some(departed) = self.departed.pop_front() {
                let live = Live::read(&departed.packet, self.in_udp);
                if let Some(live) = live.filter(|live| belongs(live, &self.sockets[index], script)) {
                    return Ok(Some((departed.at, live)));
                }
            }
            if micros(self.place.now()) >= limit {
                return Ok(None);
            }
            self.place.wait(instant(limit))?;
        }
    }

    /// Joins consecutive segments until they are as long as what is written.
    fn join(&mut self, index: usize, script: &Packet, limit: Micros, at: &mut Instant, live: &mut Live) -> Result<(), Stop> {
        let Body::Tcp(expected) = &script.body else { return Ok(()) };
        if !joins(&self.settings) {
            return Ok(());
        }
        let wanted = u32::from(expected.len);
        let mut first_len = None;
        while let LiveBody::Tcp { segment, .. } = &live.body {
            let joinable = segment.len > 0 && segment.len < wanted && !segment.flags.intersects(Flags::SYN | Flags::RST | Flags::FIN);
            if !joinable {
                return Ok(());
            }
            let each = *first_len.get_or_insert(segment.len);
            self.collect()?;
            while self.departed.is_empty() && micros(self.place.now()) < limit {
                self.place.wait(instant(limit))?;
                self.collect()?;
            }
            let Some(departed) = self.departed.front() else { return Ok(()) };
            let Some(next) = Live::read(&departed.packet, self.in_udp).filter(|next| belongs(next, &self.sockets[index], script)) else {
                self.departed.pop_front();
                continue;
            };
            let Some(joined) = joined(live, &next, each, wanted) else { return Ok(()) };
            *at = (*at).max(departed.at);
            self.departed.pop_front();
            self.sockets[index].learn(&next);
            *live = joined;
        }
        Ok(())
    }

    /// What a packet that was taken teaches of timestamps and flow labels.
    fn learn(&mut self, index: usize, script: &Packet, live: &Live) {
        let socket = &mut self.sockets[index];
        if let Some(label) = script.ip.flow_label {
            socket.flow = Some((label, live.envelope.flow_label));
        }
        let Body::Tcp(syntax::Segment { options: Options::Listed(listed), .. }) = &script.body else { return };
        let written = listed.iter().find_map(|option| match option.value {
            TcpOption::Timestamps { val, .. } => val,
            _ => None,
        });
        let seen = live.segment().and_then(|segment| segment.options.get_timestamps());
        if let (Some(written), Some(seen)) = (written, seen) {
            socket.stamps.learn(written, seen.val);
        }
    }
}

/// Whether several segments may stand for one that is written.
fn joins(settings: &Settings) -> bool {
    settings.dialect == Dialect::Google && !settings.strict_segments
}

/// Whether a packet is one of this socket's.
fn belongs(live: &Live, socket: &Socket, script: &Packet) -> bool {
    if live.destination.address != socket.remote.address || live.source.address != socket.local.address {
        return false;
    }
    let written = match &script.body {
        Body::Tcp(segment) => segment.ports,
        Body::Udp { ports, .. } => *ports,
        Body::Icmp(_) => None,
    };
    let (local, remote) = inbound::ports(written, socket.local, socket.remote);
    match (&live.body, socket.protocol) {
        (LiveBody::Tcp { segment, .. }, Protocol::Tcp) => {
            // Which port a connecting socket takes is its own choice, shown by its SYN.
            let begins = socket.local.port == 0 && segment.has(Flags::SYN);
            live.destination.port == remote.port && (live.source.port == local.port || begins)
        }
        (LiveBody::Udp { .. }, Protocol::Udp) => {
            let to = live.destination.port == remote.port || socket.remote.port == 0;
            to && (live.source.port == local.port || socket.local.port == 0)
        }
        (LiveBody::Icmp { .. }, _) => matches!(script.body, Body::Icmp(_)),
        (LiveBody::Tcp { .. } | LiveBody::Udp { .. }, _) => false,
    }
}

/// Two consecutive segments as one: all but the last are `each` octets long, and only the last may end or push.
fn joined(live: &Live, next: &Live, each: u32, wanted: u32) -> Option<Live> {
    let (LiveBody::Tcp { segment, zeros, reserved }, LiveBody::Tcp { segment: other, zeros: others, .. }) = (&live.body, &next.body) else {
        return None;
    };
    let last = Flags::PSH | Flags::FIN;
    let follows = segment.end() == other.seq && other.len > 0 && other.len <= each && segment.len.is_multiple_of(each);
    let alike = segment.ack == other.ack
        && segment.options == other.options
        && segment.flags.without(last) == other.flags.without(last)
        && live.envelope == next.envelope;
    let len = segment.len + other.len;
    if !follows || !alike || len > wanted {
        return None;
    }
    let flags = segment.flags.without(last) | Flags::from_bits(other.flags.bits() & last.bits());
    let segment = Segment { flags, len, ..*segment };
    Some(Live { body: LiveBody::Tcp { segment, zeros: *zeros && *others, reserved: *reserved }, ..live.clone() })
}
