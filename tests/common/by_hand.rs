//! A trace written by hand: what the sinks can be tried on without an engine.

use std::net::IpAddr;

use synfin::engine::{Flags, Instant, Rule, Segment, SeqNumber, Signal, State, TcpOptions, Timer, WireWindow};
use synfin::trace::{End, Entry, Envelope, HostId, HostInfo, Packet, PacketId, Payload, Trace, What};

/// The host drawn left: it opens the connections.
pub(crate) const A: HostId = HostId(0);
/// The host drawn right.
pub(crate) const B: HostId = HostId(1);

const FIN_ACK: Flags = Flags::FIN.with(Flags::ACK);
const PSH_ACK: Flags = Flags::PSH.with(Flags::ACK);
const SYN_ACK: Flags = Flags::SYN.with(Flags::ACK);
const RST_ACK: Flags = Flags::RST.with(Flags::ACK);

/// Handshake, 5 octets of text, close by A and B, 2 MSL; then a refused connection from another port.
pub(crate) fn trace(addresses: [IpAddr; 2]) -> Trace {
    use State::{CloseWait, Closed, Established, FinWait1, FinWait2, LastAck, Listen, SynReceived, SynSent, TimeWait};

    let host =
        |name: &str, address, last| HostInfo { name: name.into(), address, link_address: [2, 0, 0, 0, 0, last], initial_state: Closed };
    let recipe = [("scenario", "by-hand"), ("profile", "rfc9293"), ("seed", "1")].map(|(key, value)| (key.into(), value.into()));
    let [a, b] = addresses;
    let trace = Trace { recipe: recipe.into(), hosts: vec![host("A", a, 1), host("B", b, 2)], ..Trace::default() };
    let mut hand = Hand { trace, port: 49152 };

    hand.call(B, "listen", [Closed, Listen], "closed/open-passive");
    hand.call(A, "connect", [Closed, SynSent], "closed/open-active");
    hand.carry(A, [100, 0], Flags::SYN, "", SynSent, [Listen, SynReceived], &["listen/syn"]);
    let seen = hand.carry(B, [300, 101], SYN_ACK, "", SynReceived, [SynSent, Established], &["syn-sent/syn-ack"]);
    seen.signals.push(Signal::Open);
    hand.carry(A, [101, 301], Flags::ACK, "", Established, [SynReceived, Established], &["syn-received/ack"]);
    hand.call(A, "send 5", [Established, Established], "established/send");
    hand.carry(A, [101, 301], PSH_ACK, "hello", Established, [Established; 2], &["established/ack-duplicate", "established/text"]);
    hand.carry(B, [301, 106], Flags::ACK, "", Established, [Established; 2], &["established/ack"]);
    hand.call(A, "close", [Established, FinWait1], "established/close");
    hand.carry(A, [106, 301], FIN_ACK, "", FinWait1, [Established, CloseWait], &["established/fin"]).signals.push(Signal::Closing);
    hand.carry(B, [301, 107], Flags::ACK, "", CloseWait, [FinWait1, FinWait2], &["fin-wait-1/fin-acked"]);
    hand.call(B, "close", [CloseWait, LastAck], "close-wait/close");
    hand.carry(B, [301, 107], FIN_ACK, "", LastAck, [FinWait2, TimeWait], &["fin-wait-2/fin"]);
    hand.carry(A, [107, 302], Flags::ACK, "", TimeWait, [LastAck, Closed], &["last-ack/fin-acked"]);
    hand.entry(A, What::Timer(Timer::TimeWait), [TimeWait, Closed], &["time-wait/2msl"]);

    hand.port += 1;
    hand.call(A, "connect", [Closed, SynSent], "closed/open-active");
    hand.carry(A, [900, 0], Flags::SYN, "", SynSent, [Closed; 2], &["closed/segment"]);
    hand.carry(B, [0, 901], RST_ACK, "", Closed, [SynSent, Closed], &["syn-sent/rst"]).signals.push(Signal::Refused);
    hand.trace
}

struct Hand {
    trace: Trace,
    /// A's port of the connection at hand.
    port: u16,
}

impl Hand {
    /// The next entry, 1 millisecond and 1 nanosecond after the last.
    fn entry(&mut self, host: HostId, what: What, [before, after]: [State; 2], rules: &[&str]) -> &mut Entry {
        let at = Instant::from_nanos(1_000_001 * self.trace.entries.len() as u64);
        let rules = rules.iter().map(|name| Rule::named(name).expect("a rule of the table")).collect();
        self.trace.entries.push(Entry { at, host, endpoint: None, what, before, after, rules, signals: vec![], variables: None });
        self.trace.entries.last_mut().expect("just pushed")
    }

    fn call(&mut self, host: HostId, call: &str, states: [State; 2], rule: &str) {
        self.entry(host, What::Call { call: call.into(), result: Ok(String::new()), returned: false }, states, &[rule]);
    }

    /// A packet from its departure to its arrival, whose entry is returned.
    #[expect(clippy::too_many_arguments, reason = "one line of a ladder each, in its order")]
    fn carry(
        &mut self,
        from: HostId,
        [seq, ack]: [u32; 2],
        flags: Flags,
        text: &str,
        state: State,
        there: [State; 2],
        rules: &[&str],
    ) -> &mut Entry {
        let to = if from == A { B } else { A };
        let end = |host: HostId| End { address: self.trace.host(host).address, port: if host == A { self.port } else { 4242 } };
        let options = if flags.contains(Flags::SYN) { TcpOptions::NONE.mss(1460) } else { TcpOptions::NONE };
        let segment = Segment {
            seq: SeqNumber::new(seq),
            ack: SeqNumber::new(ack),
            flags,
            window: WireWindow(if flags.contains(Flags::RST) { 0 } else { 65535 }),
            urgent: 0,
            len: u32::try_from(text.len()).expect("short"),
            options,
        };
        let packet = Packet {
            from: Some(from),
            to,
            source: end(from),
            destination: end(to),
            payload: Payload::Tcp { segment, text: text.into() },
            envelope: Envelope::PLAIN,
            damage: None,
        };
        self.trace.packets.push(packet);
        let id = PacketId(u32::try_from(self.trace.packets.len() - 1).expect("few"));
        self.entry(from, What::Departure(id), [state; 2], &[]);
        self.entry(to, What::Arrival(id), there, rules)
    }
}
