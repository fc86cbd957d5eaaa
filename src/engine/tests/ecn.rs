//! Explicit congestion notification: who asks for what, what is agreed, and what is reported.

use super::*;
use crate::engine::profile::EcnPolicy::{self, Accept, Accurate, Ask, Off};
use crate::engine::profile::KnobValue;

const CODEPOINTS: [(Codepoint, &str, u32); 4] =
    [(Codepoint::NotEct, "CWR", 5), (Codepoint::Ect1, "CWR,ECE", 5), (Codepoint::Ect0, "AE", 5), (Codepoint::Ce, "AE,CWR", 6)];

fn with(ecn: EcnPolicy) -> Profile {
    Profile { ecn, ..Profile::rfc9293() }
}

/// AE, CWR, ECE as a number in binary: `011`.
fn three(flags: Flags) -> String {
    [Flags::AE, Flags::CWR, Flags::ECE].into_iter().map(|flag| if flags.contains(flag) { '1' } else { '0' }).collect()
}

fn flags(bits: &str) -> Flags {
    let set = bits.chars().zip([Flags::AE, Flags::CWR, Flags::ECE]).filter(|(bit, _)| *bit == '1');
    set.fold(Flags::NONE, |flags, (_, flag)| flags.with(flag))
}

impl Scripted {
    /// As `hear`, of a packet with this codepoint.
    fn hear_marked(&mut self, codepoint: Codepoint, text: &str) {
        let segment = self.read(text, TcpOptions::NONE);
        self.connection.on_marked_segment(self.now, codepoint, &segment);
    }

    /// What leaves now, each with its codepoint.
    fn marked(&mut self) -> Vec<String> {
        let mut left = Vec::new();
        while let Some(segment) = self.connection.poll_segment(self.now) {
            left.push(format!("{} {}", self.write(segment), self.connection.codepoint().name()));
        }
        left
    }

    fn send_marked(&mut self, octets: u32) -> Vec<String> {
        assert_eq!(self.connection.on_send(self.now, octets, false), Ok(octets));
        self.marked()
    }

    /// In SYN-SENT, its SYN on the way.
    fn asking(profile: Profile) -> (Self, Vec<String>) {
        let mut client = Self::new(profile);
        client.connection.on_open_active(client.now, client.open()).expect("CLOSED");
        let syn = client.marked();
        (client, syn)
    }

    fn listening(profile: Profile) -> Self {
        let mut server = Self::new(profile);
        server.connection.on_open_passive(server.now, server.open()).expect("CLOSED");
        server
    }

    /// In ESTABLISHED by an active OPEN that this SYN,ACK answers.
    fn agreed(ecn: EcnPolicy, bits: &str) -> Self {
        let (mut client, _) = Self::asking(with(ecn));
        client.hear(&format!("<SEQ=300><ACK=101><CTL={bits}SYN,ACK>"));
        client.out();
        client
    }
}

#[test]
fn the_handshake_agrees_as_the_matrix_says() {
    // R3168-1, R3168-2, R3168-6, R3168-7, R9768-1, R9768-2, R9768-3, R9768-4, R9768-5, R9768-7, SHLD-8; RFC 9768 table 2.
    use EcnMode::{Accurate as Acc, Classic as Cla, Off as Non};
    let reflects = || Profile { ecn_reflect: true, ..Profile::rfc9293() };
    let marked = [(Codepoint::NotEct, "010"), (Codepoint::Ect1, "011"), (Codepoint::Ect0, "100"), (Codepoint::Ce, "110")];
    let mut rows = vec![
        (with(Ask), with(Off), Codepoint::NotEct, "011", "000", Non, Non),
        (with(Ask), reflects(), Codepoint::NotEct, "011", "011", Non, Non),
        (with(Ask), with(Accept), Codepoint::NotEct, "011", "001", Cla, Cla),
        (with(Ask), with(Accurate), Codepoint::NotEct, "011", "001", Cla, Cla),
        (with(Accurate), with(Off), Codepoint::NotEct, "111", "000", Non, Non),
        (with(Accurate), reflects(), Codepoint::NotEct, "111", "111", Non, Non),
        (with(Accurate), with(Ask), Codepoint::NotEct, "111", "001", Cla, Cla),
    ];
    rows.extend([Off, Accept, Ask, Accurate].map(|server| (with(Off), with(server), Codepoint::NotEct, "000", "000", Non, Non)));
    rows.extend(marked.map(|(codepoint, answer)| (with(Accurate), with(Accurate), codepoint, "111", answer, Acc, Acc)));
    for (client, server, codepoint, asks, answers, client_mode, server_mode) in rows {
        let context = format!("{} asks {} by a SYN with {}", client.ecn.show(), server.ecn.show(), codepoint.name());
        let (mut client, mut server) = (Connection::new(Arc::new(client)), Connection::new(Arc::new(server)));
        let now = Instant::START;
        server.on_open_passive(now, open(300)).expect("CLOSED");
        client.on_open_active(now, open(100)).expect("CLOSED");
        let syn = client.poll_segment(now).expect("SYN");
        server.on_marked_segment(now, codepoint, &syn.crossed());
        let syn_ack = server.poll_segment(now).expect("SYN,ACK");
        // R3168-5: neither travels with ECT.
        assert_eq!((client.codepoint(), server.codepoint()), (Codepoint::NotEct, Codepoint::NotEct), "{context}");
        client.on_segment(now, &syn_ack.crossed());
        assert_eq!((three(syn.flags).as_str(), three(syn_ack.flags).as_str()), (asks, answers), "{context}");
        assert_eq!((client.ecn_mode(), server.ecn_mode()), (client_mode, server_mode), "{context}");
    }
}

#[test]
fn every_form_of_syn_is_answered() {
    // R3168-2, R3168-7: to who knows RFC 3168 only CWR with ECE asks. R9768-5, R9768-7: what is neither 000 nor 011 is as 111.
    for (syn, classic, accurate) in [
        ("000", "000", "000"),
        ("001", "000", "010"),
        ("010", "000", "010"),
        ("011", "001", "001"),
        ("100", "000", "010"),
        ("101", "000", "010"),
        ("110", "000", "010"),
        ("111", "001", "010"),
    ] {
        for (policy, expected) in
            [(Off, "000"), (Accept, classic), (Ask, classic), (Accurate, accurate), (EcnPolicy::AcceptAccurate, accurate)]
        {
            let mut server = Scripted::listening(with(policy));
            let mut segment = server.read("<SEQ=300><CTL=SYN>", TcpOptions::NONE);
            segment.flags = segment.flags | flags(syn);
            server.connection.on_segment(server.now, &segment);
            let answer = server.segments()[0];
            assert_eq!((three(answer.flags).as_str(), answer.has(Flags::SYN | Flags::ACK)), (expected, true), "{syn} to {}", policy.show());
            // R9768-8.
            assert_ne!(expected, "101");
        }
    }
}

#[test]
fn every_form_of_syn_ack_is_read() {
    // R3168-7, R9768-3, R9768-4, R9768-7; AE is reserved to RFC 3168.
    use EcnMode::{Accurate as Acc, Classic as Cla, Off as Non};
    for (bits, classic, accurate) in [
        ("000", Non, Non),
        ("001", Cla, Cla),
        ("010", Non, Acc),
        ("011", Non, Acc),
        ("100", Non, Acc),
        ("101", Cla, Acc),
        ("110", Non, Acc),
        ("111", Non, Non),
    ] {
        for (policy, expected) in [(Off, Non), (Accept, Non), (Ask, classic), (Accurate, accurate)] {
            let (mut client, _) = Scripted::asking(with(policy));
            let mut segment = client.read("<SEQ=300><ACK=101><CTL=SYN,ACK>", TcpOptions::NONE);
            segment.flags = segment.flags | flags(bits);
            client.connection.on_segment(client.now, &segment);
            assert_eq!((client.state(), client.connection.ecn_mode()), (State::Established, expected), "{bits} to {}", policy.show());
        }
    }
}

#[test]
fn only_new_text_travels_with_ect() {
    // R3168-3, R3168-10, R3168-11.
    let mut client = Scripted::agreed(Ask, "ECE,");
    assert_eq!(client.send_marked(100), ["<SEQ=101><ACK=301><LEN=100><CTL=PSH,ACK> ECT(0)"]);
    client.hear("<SEQ=301><ACK=101><LEN=10><CTL=PSH,ACK>");
    assert_eq!(client.marked(), ["<SEQ=201><ACK=311><CTL=ACK> Not-ECT"]);
    client.now = client.connection.poll_deadline().expect("the retransmission timer");
    client.connection.on_time(client.now);
    assert_eq!(client.marked(), ["<SEQ=101><ACK=311><LEN=100><CTL=PSH,ACK> Not-ECT"]);
    client.hear("<SEQ=311><ACK=201><CTL=ACK>");
    client.connection.on_close(client.now, false).expect("open");
    assert_eq!(client.marked(), ["<SEQ=201><ACK=311><CTL=FIN,ACK> Not-ECT"]);
}

#[test]
fn a_window_probe_has_neither_ect_nor_cwr() {
    // R3168-12.
    let mut client = Scripted::agreed(Ask, "ECE,");
    client.send(100);
    client.hear("<SEQ=301><ACK=201><WND=0><CTL=ECE,ACK>");
    assert_eq!(client.send_marked(10), [""; 0]);
    client.now = client.connection.poll_deadline().expect("the probe");
    client.connection.on_time(client.now);
    assert_eq!(client.marked(), ["<SEQ=201><ACK=301><LEN=1><CTL=ACK> Not-ECT"]);
    // What is new says that the window was heard of.
    client.hear("<SEQ=301><ACK=202><CTL=ACK>");
    assert_eq!(client.marked(), ["<SEQ=202><ACK=301><LEN=9><CTL=CWR,PSH,ACK> ECT(0)"]);
}

#[test]
fn a_syn_that_is_not_answered_asks_no_more() {
    // R3168-3, R3168-4, R3168-8, R9768-9, R9768-11: twice the same, then without; ISS stays.
    for (policy, asks) in [(Ask, "CWR,ECE,"), (Accurate, "AE,CWR,ECE,")] {
        let (mut client, syn) = Scripted::asking(with(policy));
        let asking = format!("<SEQ=100><CTL={asks}SYN>");
        assert_eq!(syn, [format!("{asking} Not-ECT")]);
        assert_eq!(client.wait().1, [asking]);
        assert_eq!(client.wait().1, ["<SEQ=100><CTL=SYN>"]);
        client.hear("<SEQ=300><ACK=101><CTL=ECE,SYN,ACK>");
        client.out();
        // The answer may be to an earlier SYN; ECT is out of question all the same.
        assert_eq!(client.send_marked(10), ["<SEQ=101><ACK=301><LEN=10><CTL=PSH,ACK> Not-ECT"]);
    }
    let (mut stubborn, _) = Scripted::asking(Profile { ecn_fallback: 0, ..with(Ask) });
    for _ in 0..4 {
        assert_eq!(stubborn.wait().1, ["<SEQ=100><CTL=CWR,ECE,SYN>"]);
    }
}

#[test]
fn ce_is_echoed_until_cwr() {
    // R3168-14.
    let mut server = Scripted::agreed(Ask, "ECE,");
    server.hear_marked(Codepoint::Ce, "<SEQ=301><ACK=101><LEN=10><CTL=PSH,ACK>");
    assert_eq!(server.out(), ["<SEQ=101><ACK=311><CTL=ECE,ACK>"]);
    server.hear_marked(Codepoint::Ect0, "<SEQ=311><ACK=101><LEN=10><CTL=PSH,ACK>");
    assert_eq!(server.out(), ["<SEQ=101><ACK=321><CTL=ECE,ACK>"]);
    server.hear_marked(Codepoint::Ce, "<SEQ=321><ACK=101><LEN=10><CTL=CWR,PSH,ACK>");
    assert_eq!(server.out(), ["<SEQ=101><ACK=331><CTL=ECE,ACK>"], "another congestion");
    server.hear_marked(Codepoint::Ect0, "<SEQ=331><ACK=101><LEN=10><CTL=CWR,PSH,ACK>");
    assert_eq!(server.out(), ["<SEQ=101><ACK=341><CTL=ACK>"]);
}

#[test]
fn without_ecn_ce_and_ece_mean_nothing() {
    // R3168-6.
    let mut client = Scripted::agreed(Off, "ECE,");
    client.hear_marked(Codepoint::Ce, "<SEQ=301><ACK=101><LEN=10><CTL=ECE,PSH,ACK>");
    assert_eq!(client.marked(), ["<SEQ=101><ACK=311><CTL=ACK> Not-ECT"]);
    assert_eq!(client.send_marked(10), ["<SEQ=101><ACK=311><LEN=10><CTL=PSH,ACK> Not-ECT"]);
}

#[test]
fn ece_is_answered_by_cwr_once_in_a_window() {
    // R3168-13.
    let mut client = Scripted::agreed(Ask, "ECE,");
    client.send(10);
    client.hear("<SEQ=301><ACK=111><CTL=ECE,ACK>");
    assert_eq!(client.send(10), ["<SEQ=111><ACK=301><LEN=10><CTL=CWR,PSH,ACK>"]);
    // Text from before the CWR is echoed still.
    client.hear("<SEQ=301><ACK=111><CTL=ECE,ACK>");
    client.connection.set_no_delay(true);
    assert_eq!(client.send(10), ["<SEQ=121><ACK=301><LEN=10><CTL=PSH,ACK>"]);
    client.hear("<SEQ=301><ACK=131><CTL=ECE,ACK>");
    assert_eq!(client.send(10), ["<SEQ=131><ACK=301><LEN=10><CTL=CWR,PSH,ACK>"]);
}

#[test]
fn the_third_ack_reports_how_the_syn_ack_travelled() {
    // R9768-14, R9768-15, R9768-16: afterwards every segment says the low bits of r.cep.
    for (codepoint, report, cep) in CODEPOINTS {
        let (mut client, _) = Scripted::asking(with(Accurate));
        client.hear_marked(codepoint, "<SEQ=300><ACK=101><CTL=CWR,SYN,ACK>");
        assert_eq!(client.marked(), [format!("<SEQ=101><ACK=301><CTL={report},ACK> Not-ECT")]);
        assert_eq!(client.connection.ecn_counters(), Some(EcnCounters { cep, ceb: 0, e0b: 1, e1b: 1 }));
        let counter = if cep == 5 { "AE,ECE" } else { "AE,CWR" };
        assert_eq!(client.send_marked(10), [format!("<SEQ=101><ACK=301><LEN=10><CTL={counter},PSH,ACK> ECT(0)")]);
        // A SYN,ACK that comes again is reported again.
        client.hear_marked(Codepoint::Ce, "<SEQ=300><ACK=101><CTL=CWR,SYN,ACK>");
        assert_eq!(client.marked(), ["<SEQ=111><ACK=301><CTL=AE,CWR,ACK> Not-ECT"]);
    }
}

#[test]
fn an_accurate_receiver_counts_packets_and_octets() {
    // R9768-16: three bits come round.
    let mut client = Scripted::agreed(Accurate, "CWR,");
    for (position, ace) in ["AE,CWR,", "AE,CWR,ECE,", "", "ECE,"].into_iter().enumerate() {
        let seq = 301 + 10 * position;
        client.hear_marked(Codepoint::Ce, &format!("<SEQ={seq}><ACK=101><LEN=10><CTL=AE,ECE,PSH,ACK>"));
        assert_eq!(client.out(), [format!("<SEQ=101><ACK={}><CTL={ace}ACK>", seq + 10)]);
    }
    client.hear_marked(Codepoint::Ect0, "<SEQ=341><ACK=101><LEN=7><CTL=AE,ECE,PSH,ACK>");
    client.hear_marked(Codepoint::Ect1, "<SEQ=348><ACK=101><LEN=3><CTL=AE,ECE,PSH,ACK>");
    assert_eq!(client.connection.ecn_counters(), Some(EcnCounters { cep: 9, ceb: 40, e0b: 8, e1b: 4 }));
}

#[test]
fn the_server_learns_what_its_packets_met() {
    // R9768-15: CE on the SYN,ACK is the first; RFC 9768 section 3.2.2.4: a cleared field ends ECT.
    for (report, count, ect) in [("CWR,", 5, "ECT(0)"), ("AE,CWR,", 6, "ECT(0)"), ("", 5, "Not-ECT")] {
        let mut server = Scripted::listening(with(Accurate));
        server.hear("<SEQ=300><CTL=AE,CWR,ECE,SYN>");
        server.out();
        server.hear(&format!("<SEQ=301><ACK=101><CTL={report}ACK>"));
        assert_eq!(server.connection.ecn_reported(), Some(count), "{report}");
        assert_eq!(server.send_marked(10), [format!("<SEQ=101><ACK=301><LEN=10><CTL=AE,ECE,PSH,ACK> {ect}")]);
        // 001 is four on from 5, three on from 6.
        server.hear("<SEQ=301><ACK=111><CTL=ECE,ACK>");
        assert_eq!(server.connection.ecn_reported(), Some(9));
    }
}

#[test]
fn a_syn_without_ecn_ends_ect_but_not_the_mode() {
    // R9768-10, R9768-13, R3168-4.
    let mut server = Scripted::listening(with(Accurate));
    server.hear("<SEQ=300><CTL=AE,CWR,ECE,SYN>");
    assert_eq!(server.out(), ["<SEQ=100><ACK=301><CTL=CWR,SYN,ACK>"]);
    server.hear("<SEQ=300><CTL=SYN>");
    server.out();
    assert_eq!(server.wait().1, ["<SEQ=100><ACK=301><CTL=CWR,SYN,ACK>"]);
    server.hear("<SEQ=301><ACK=101><CTL=CWR,ACK>");
    assert_eq!(server.connection.ecn_mode(), EcnMode::Accurate);
    assert_eq!(server.send_marked(10), ["<SEQ=101><ACK=301><LEN=10><CTL=AE,ECE,PSH,ACK> Not-ECT"]);
}

#[test]
fn syns_that_cross_are_answered_as_by_a_server() {
    // R9768-6; R3168-3: a SYN of ours that did not ask counts.
    for (ours, theirs, answer, ect) in [
        (Accurate, "AE,CWR,ECE,", "CWR,", "ECT(0)"),
        (Accurate, "CWR,ECE,", "ECE,", "ECT(0)"),
        (Accurate, "", "", "Not-ECT"),
        (Ask, "AE,CWR,ECE,", "ECE,", "ECT(0)"),
        (Accept, "CWR,ECE,", "ECE,", "Not-ECT"),
    ] {
        let (mut one, _) = Scripted::asking(with(ours));
        assert_eq!(one.answer(&format!("<SEQ=300><CTL={theirs}SYN>")), [format!("<SEQ=100><ACK=301><CTL={answer}SYN,ACK>")]);
        one.hear(&format!("<SEQ=300><ACK=101><CTL={answer}SYN,ACK>"));
        one.out();
        assert_eq!(one.state(), State::Established);
        assert!(one.send_marked(10)[0].ends_with(ect), "{} against {theirs}", ours.show());
    }
}

#[test]
fn a_peer_that_mixes_both_kinds_is_reset() {
    // R9768-12.
    let mut server = Scripted::listening(with(Accurate));
    server.answer("<SEQ=300><CTL=CWR,ECE,SYN>");
    assert_eq!(server.answer("<SEQ=300><CTL=AE,CWR,ECE,SYN>"), ["<SEQ=0><ACK=301><CTL=RST,ACK>"]);
    assert_eq!(server.state(), State::Listen);
    let mut client = Scripted::agreed(Accurate, "ECE,");
    assert_eq!(client.answer("<SEQ=300><ACK=101><CTL=CWR,SYN,ACK>"), ["<SEQ=101><CTL=RST>"]);
    assert_eq!(client.state(), State::Closed);
    // Later than the handshake, or to who knows RFC 3168 alone, it is one SYN more.
    let mut later = Scripted::agreed(Accurate, "ECE,");
    later.answer("<SEQ=301><ACK=101><LEN=1><CTL=PSH,ACK>");
    assert_eq!(later.answer("<SEQ=300><ACK=101><CTL=CWR,SYN,ACK>"), ["<SEQ=101><ACK=302><CTL=ACK>"]);
    let mut classic = Scripted::listening(with(Accept));
    classic.answer("<SEQ=300><CTL=CWR,ECE,SYN>");
    assert_eq!(classic.answer("<SEQ=300><CTL=AE,CWR,ECE,SYN>"), ["<SEQ=101><ACK=301><CTL=ACK>"]);
}

#[test]
fn time_wait_and_closed_know_of_no_agreement() {
    // R3168-9.
    let mut client = Scripted::agreed(Ask, "ECE,");
    client.close();
    client.hear("<SEQ=301><ACK=102><CTL=FIN,ACK>");
    assert_eq!((client.state(), client.connection.ecn_mode()), (State::TimeWait, EcnMode::Off));
    let mut aborted = Scripted::agreed(Accurate, "CWR,");
    aborted.connection.on_abort(aborted.now).expect("open");
    assert_eq!((aborted.state(), aborted.connection.ecn_mode()), (State::Closed, EcnMode::Off));
}

#[test]
fn a_client_reads_counts_from_the_first_segment_on() {
    // R9768-16: to a client no report of the handshake comes; 111 is two on from 5, 110 one on.
    for (field, count) in [("AE,ECE,", 5), ("AE,CWR,", 6), ("AE,CWR,ECE,", 7), ("ECE,", 9)] {
        let mut client = Scripted::agreed(Accurate, "CWR,");
        client.send(10);
        client.hear(&format!("<SEQ=301><ACK=111><CTL={field}ACK>"));
        assert_eq!(client.connection.ecn_reported(), Some(count), "{field}");
        // An ACK from before that one tells old news.
        client.hear("<SEQ=301><ACK=110><CTL=CWR,ACK>");
        assert_eq!(client.connection.ecn_reported(), Some(count), "{field}");
    }
}

#[test]
fn a_reset_belongs_to_no_agreement_and_travels_without_ect() {
    // R7413-12: a fast open may answer while the handshake lasts, and an ACK of what was never sent draws RST.
    let mut server = Scripted::listening(with(Accept));
    server.connection.answer_fast_open(FastOpenAnswer { take: true, grant: None });
    let mut options = TcpOptions::NONE.mss(1460);
    options.add_fast_open(&FastOpenCookie::new(&[7; 8]).expect("a length cookies have"), 0);
    server.hear_with("<SEQ=300><LEN=50><CTL=CWR,ECE,SYN>", options.padded());
    server.marked();
    assert_eq!(server.send_marked(10), ["<SEQ=101><ACK=351><LEN=10><CTL=PSH,ACK> ECT(0)"]);
    server.hear("<SEQ=351><ACK=9000><CTL=ACK>");
    assert_eq!(server.marked(), ["<SEQ=9000><CTL=RST> Not-ECT"]);
    assert_eq!((server.state(), server.connection.ecn_mode()), (State::SynReceived, EcnMode::Classic));
}

/// Of Linux, one segment under way; the SYN,ACK said these flags.
fn linux_sender(ecn: EcnPolicy, bits: &str) -> Scripted {
    let (mut client, _) = Scripted::asking(Profile { ecn, ..Profile::linux() });
    client.hear_with(&format!("<SEQ=300><ACK=101><CTL={bits}SYN,ACK>"), TcpOptions::NONE.mss(1000).sack_permitted().padded());
    client.out();
    client
}

#[test]
fn congestion_that_the_peer_tells_of_lowers_the_window_of_a_single_segment_too() {
    // R3168-13, RFC 9768 section 3.2.2.5: ECE, or a count that has grown, where something is under way.
    for (policy, agrees, told, silent) in [(Ask, "ECE,", "ECE,", ""), (Accurate, "CWR,", "AE,CWR,", "AE,ECE,")] {
        for (field, state) in [(told, Some(CongestionState::Cwr)), (silent, Some(CongestionState::Open))] {
            let mut a = linux_sender(policy, agrees);
            a.send(100);
            a.hear(&format!("<SEQ=301><ACK=101><LEN=10><CTL={field}PSH,ACK>"));
            assert_eq!(a.connection.info(a.now).ca_state, state, "{} {field}", policy.show());
        }
        let mut idle = linux_sender(policy, agrees);
        idle.hear(&format!("<SEQ=301><ACK=101><LEN=10><CTL={told}PSH,ACK>"));
        assert!(idle.connection.sender.is_none(), "nothing is under way");
    }
}

#[test]
fn a_window_that_came_down_by_mistake_is_not_told_of() {
    // RFC 3168 section 6.1.2; tcp_ecn_withdraw_cwr: a D-SACK says that the copy was needless.
    for (mistake, flags) in [(true, "PSH,ACK"), (false, "CWR,PSH,ACK")] {
        let mut a = linux_sender(Ask, "ECE,");
        a.connection.set_no_delay(true);
        assert_eq!(a.send(5000).len(), 5);
        a.pass(Duration::from_millis(10));
        a.hear_with("<SEQ=301><ACK=101><CTL=ACK>", TcpOptions::NONE.nop().nop().sack(1101, 5101));
        assert_eq!(a.wait().1, ["<SEQ=101><ACK=301><LEN=1000><CTL=ACK>"]);
        let dsack = if mistake { TcpOptions::NONE.nop().nop().sack(101, 1101) } else { TcpOptions::NONE };
        a.hear_with("<SEQ=301><ACK=5101><CTL=ACK>", dsack);
        assert_eq!(a.send(10), [format!("<SEQ=5101><ACK=301><LEN=10><CTL={flags}>")]);
    }
}

#[test]
fn a_fin_alone_travels_without_ect_and_says_no_cwr() {
    // R3168-11: text alone has ECT; with a scoreboard, too.
    let mut a = linux_sender(Ask, "ECE,");
    a.connection.set_no_delay(true);
    assert_eq!(a.send(3000).len(), 3);
    a.hear("<SEQ=301><ACK=3101><CTL=ECE,ACK>");
    a.connection.on_close(a.now, false).expect("open");
    assert_eq!(a.marked(), ["<SEQ=3101><ACK=301><CTL=FIN,ACK> Not-ECT"]);
}
