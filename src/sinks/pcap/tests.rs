use pcap_file::pcap::PcapReader;
use pcap_file::pcapng::{Block, PcapNgReader};
use pcap_parser::pcapng::Block as OtherBlock;
use pcap_parser::{LegacyPcapSlice, Linktype, PcapBlockOwned, PcapNGSlice};

use super::*;
use crate::engine::{Flags, Rule, Segment, SeqNumber, Signal, State, TcpOptions, Timer, WireWindow};
use crate::trace::{End, Envelope, Packet, Payload};
use crate::wire::{Checksums, decode_frame};

use State::{CloseWait, Closed, Established, Listen, SynReceived, SynSent};

const A: HostId = HostId(0);
const B: HostId = HostId(1);

/// A trace written by hand, entry by entry, 10 ms and 1 ns apart.
struct Hand(Trace);

impl Hand {
    fn new() -> Self {
        let host = |name: &str, last| HostInfo {
            name: name.into(),
            address: [10, 0, 0, last].into(),
            link_address: [2, 0, 0, 0, 0, last],
            initial_state: Closed,
        };
        let recipe = [("scenario", "by-hand"), ("seed", "1")].map(|(key, value)| (key.into(), value.into()));
        Self(Trace { recipe: recipe.into(), hosts: vec![host("A", 1), host("B", 2)], ..Trace::default() })
    }

    fn packet(&mut self, from: Option<HostId>, to: HostId, seq: u32, flags: Flags, text: &[u8]) -> PacketId {
        let end = |host: HostId| End { address: self.0.host(host).address, port: 1000 + u16::from(host.0) };
        let (source, destination) = (end(HostId(1 - to.0)), end(to));
        let segment = Segment {
            seq: SeqNumber::new(seq),
            ack: SeqNumber::new(7),
            flags,
            window: WireWindow(65535),
            urgent: 0,
            len: u32::try_from(text.len()).expect("short"),
            options: TcpOptions::NONE.mss(1460),
        };
        self.0.packets.push(Packet {
            from,
            to,
            source,
            destination,
            payload: Payload::Tcp { segment, text: text.into() },
            envelope: Envelope::PLAIN,
            damage: None,
        });
        PacketId(u32::try_from(self.0.packets.len() - 1).expect("few"))
    }

    fn entry(&mut self, host: HostId, what: What, before: State, after: State, rules: &[&str]) -> &mut Entry {
        let at = Instant::from_nanos(10_000_001 * self.0.entries.len() as u64);
        let rules = rules.iter().map(|name| Rule::named(name).expect("a rule")).collect();
        self.0.entries.push(Entry { at, host, endpoint: None, what, before, after, rules, signals: vec![], variables: None });
        self.0.entries.last_mut().expect("just pushed")
    }

    fn call(&mut self, host: HostId, call: &str, result: Result<&str, &str>, before: State, after: State, rules: &[&str]) -> &mut Entry {
        let result = result.map(Into::into).map_err(Into::into);
        self.entry(host, What::Call { call: call.into(), result, returned: false }, before, after, rules)
    }
}

/// A handshake whose first SYN-ACK is lost, an injected RST that is ignored, text with FIN.
fn by_hand() -> Trace {
    let mut hand = Hand::new();
    let syn = hand.packet(Some(A), B, 100, Flags::SYN, b"");
    let lost = hand.packet(Some(B), A, 300, Flags::SYN | Flags::ACK, b"");
    let syn_ack = hand.packet(Some(B), A, 300, Flags::SYN | Flags::ACK, b"");
    let rst = hand.packet(None, A, 5, Flags::RST, b"");
    let fin = hand.packet(Some(B), A, 301, Flags::PSH | Flags::FIN | Flags::ACK, b"odd");
    hand.call(B, "listen", Ok("0"), Closed, Listen, &["closed/open-passive"]);
    hand.call(A, "connect", Err("EINPROGRESS"), Closed, SynSent, &["closed/open-active"]);
    hand.entry(A, What::Departure(syn), SynSent, SynSent, &[]);
    hand.entry(B, What::Arrival(syn), Listen, SynReceived, &["listen/syn"]);
    hand.entry(B, What::Departure(lost), SynReceived, SynReceived, &[]);
    hand.entry(A, What::Loss(lost), SynSent, SynSent, &[]);
    hand.entry(B, What::Timer(Timer::Retransmission), SynReceived, SynReceived, &["syn-received/retransmit"]);
    hand.entry(B, What::Departure(syn_ack), SynReceived, SynReceived, &[]);
    hand.entry(A, What::Arrival(syn_ack), SynSent, Established, &["syn-sent/syn-ack"]).signals = vec![Signal::Open];
    hand.entry(A, What::Departure(rst), Established, Established, &[]);
    hand.entry(A, What::Arrival(rst), Established, Established, &["established/rst-outside"]);
    hand.entry(B, What::Departure(fin), Established, Established, &[]);
    let walk = ["established/ack", "established/text", "established/fin"];
    hand.entry(A, What::Arrival(fin), Established, CloseWait, &walk).signals = vec![Signal::Closing];
    hand.0
}

fn written(trace: &Trace, format: Format, tap: Tap) -> Vec<u8> {
    let mut out = Vec::new();
    write(trace, format, tap, &mut out).expect("a vector takes everything");
    out
}

/// Every packet of a pcapng file: interface, time, direction, number, comment, frame.
type Read = (u32, Duration, u32, u64, String, Vec<u8>);

fn read(file: &[u8]) -> Vec<Read> {
    let mut reader = PcapNgReader::new(file).expect("a section header");
    let mut packets = Vec::new();
    while let Some(block) = reader.next_block() {
        let Block::EnhancedPacket(packet) = block.expect("well-formed").0 else { continue };
        let [
            EnhancedPacketOption::Common(CommonOption::Comment(comment)),
            EnhancedPacketOption::Flags(flags),
            EnhancedPacketOption::Common(CommonOption::Unknown(UnknownOption { code: 5, value })),
        ] = &packet.options[..]
        else {
            panic!("{:?}", packet.options)
        };
        let id = u64::from_le_bytes(value[..].try_into().expect("64 bits"));
        packets.push((packet.interface_id, packet.timestamp, *flags, id, comment.to_string(), packet.data.to_vec()));
    }
    packets
}

#[test]
fn comments_tell_what_the_trace_does() {
    let comments: Vec<_> = read(&written(&by_hand(), Format::PcapNg, Tap::Both)).into_iter().map(|packet| packet.4).collect();
    assert_eq!(
        comments,
        [
            "A SYN-SENT -> SYN-SENT | snd SYN | closed/open-active | RFC 9293 3.10.1 | after: call connect = EINPROGRESS (CLOSED -> SYN-SENT by closed/open-active)",
            "B LISTEN -> SYN-RECEIVED | rcv SYN | listen/syn | RFC 9293 3.10.7.2 third | after: call listen (CLOSED -> LISTEN by closed/open-passive)",
            "B SYN-RECEIVED -> SYN-RECEIVED | snd SYN,ACK | listen/syn | RFC 9293 3.10.7.2 third",
            "B SYN-RECEIVED -> SYN-RECEIVED | snd SYN,ACK | syn-received/retransmit | RFC 9293 3.10.8 | after: timer rexmt",
            "A SYN-SENT -> ESTABLISHED | rcv SYN,ACK | syn-sent/syn-ack | RFC 9293 3.10.7.3 fourth | signal: connection opened | after: loss 1",
            "A ESTABLISHED -> ESTABLISHED | rcv RST | established/rst-outside | RFC 9293 3.10.7.4 first",
            "B ESTABLISHED -> ESTABLISHED | snd PSH,FIN,ACK | syn-received/retransmit | RFC 9293 3.10.8",
            "A ESTABLISHED -> CLOSE-WAIT | rcv PSH,FIN,ACK | established/ack+established/text+established/fin \
             | RFC 9293 3.10.7.4 fifth; 3.10.7.4 seventh; 3.10.7.4 eighth | signal: connection closing",
        ]
    );
}

#[test]
fn each_tap_sees_its_own_side() {
    let trace = by_hand();
    let seen =
        |tap| read(&written(&trace, Format::PcapNg, tap)).into_iter().map(|packet| (packet.0, packet.2, packet.3)).collect::<Vec<_>>();
    assert_eq!(seen(Tap::Host(A)), [(0, 2, 0), (0, 1, 2), (0, 1, 3), (0, 1, 4)], "the lost one never came");
    assert_eq!(seen(Tap::Host(B)), [(0, 1, 0), (0, 2, 1), (0, 2, 2), (0, 2, 4)], "the injected one never left");
    assert_eq!(seen(Tap::Both), [(0, 2, 0), (1, 1, 0), (1, 2, 1), (1, 2, 2), (0, 1, 2), (0, 1, 3), (1, 2, 4), (0, 1, 4)]);
}

#[test]
fn frames_are_the_packets_of_the_trace() {
    let trace = by_hand();
    let packets = read(&written(&trace, Format::PcapNg, Tap::Both));
    for (_, _, _, id, _, frame) in &packets {
        let packet = &trace.packets[usize::try_from(*id).expect("few")];
        let decoded = decode_frame(frame, Checksums::Verify).expect("a frame");
        assert_eq!((decoded.source, decoded.destination), (packet.source, packet.destination));
        assert_eq!(decoded.payload.to_owned(), packet.payload);
        let from = packet.from.map_or(FORGER, |host| trace.host(host).link_address);
        assert_eq!((&frame[..6], &frame[6..12]), (&trace.host(packet.to).link_address[..], &from[..]));
    }
    // Each source counts its own packets; what both taps see has the same number at both.
    let identifications: Vec<_> = packets.iter().map(|packet| (packet.3, packet.5[14 + 5])).collect();
    assert_eq!(identifications, [(0, 1), (0, 1), (1, 1), (2, 2), (2, 2), (3, 1), (4, 3), (4, 3)]);
}

#[test]
fn both_formats_have_the_same_frames_and_times() {
    let trace = by_hand();
    for host in [A, B] {
        let modern: Vec<_> =
            read(&written(&trace, Format::PcapNg, Tap::Host(host))).into_iter().map(|packet| (packet.1, packet.5)).collect();
        let file = written(&trace, Format::Pcap, Tap::Host(host));
        let mut reader = PcapReader::new(&file[..]).expect("a header");
        let mut classic = Vec::new();
        while let Some(packet) = reader.next_packet() {
            let packet = packet.expect("well-formed");
            assert_eq!(packet.orig_len(), packet.len());
            classic.push((packet.timestamp(), packet.data().to_vec()));
        }
        assert_eq!(classic, modern);
    }
    let first = read(&written(&trace, Format::PcapNg, Tap::Host(A)))[0].1;
    assert_eq!(first, EPOCH + Duration::from_nanos(20_000_002), "the third entry");
}

#[test]
fn a_classic_file_begins_the_same_on_every_machine() {
    let file = written(&by_hand(), Format::Pcap, Tap::Host(A));
    #[rustfmt::skip]
    let right = [
        0x4d, 0x3c, 0xb2, 0xa1,  2, 0, 4, 0,  0, 0, 0, 0,  0, 0, 0, 0,  0, 0, 4, 0,  1, 0, 0, 0,
        0x00, 0x81, 0xfd, 0x62,  0x02, 0x2d, 0x31, 0x01,  58, 0, 0, 0,  58, 0, 0, 0,
    ];
    assert_eq!(file[..40], right);
}

#[test]
fn another_library_reads_the_same_classic_file() {
    let trace = by_hand();
    let file = written(&trace, Format::Pcap, Tap::Host(A));
    let slice = LegacyPcapSlice::from_slice(&file).expect("a header");
    assert!(slice.header.is_nanosecond_precision() && !slice.header.is_bigendian());
    assert_eq!((slice.header.snaplen, slice.header.network), (262_144, Linktype::ETHERNET));
    let mut times = Vec::new();
    for block in slice {
        let PcapBlockOwned::Legacy(packet) = block.expect("well-formed") else { panic!("not a packet") };
        times.push((packet.ts_sec, packet.ts_usec));
    }
    assert_eq!(times, [2_u32, 8, 10, 12].map(|entry| (1_660_780_800, entry * 10_000_001)));
}

#[test]
fn another_library_reads_the_same_pcapng_file() {
    let file = written(&by_hand(), Format::PcapNg, Tap::Both);
    assert_eq!(file[8..12], [0x4d, 0x3c, 0x2b, 0x1a], "little endian");
    let (mut names, mut packets) = (Vec::new(), Vec::new());
    for block in PcapNGSlice::from_slice(&file).expect("a section") {
        let PcapBlockOwned::NG(block) = block.expect("well-formed") else { panic!("not pcapng") };
        match block {
            OtherBlock::SectionHeader(section) => {
                assert!(!section.big_endian() && section.shb_hardware().is_none() && section.shb_os().is_none());
                assert_eq!(section.shb_userappl().expect("there"), Ok(concat!("synfin ", env!("CARGO_PKG_VERSION"))));
                assert_eq!(section.options[0].as_str(), Ok("scenario=by-hand seed=1"));
            }
            OtherBlock::InterfaceDescription(interface) => {
                assert_eq!((interface.snaplen, interface.linktype), (262_144, Linktype::ETHERNET));
                assert_eq!((interface.if_tsresol, interface.ts_resolution()), (9, Some(1_000_000_000)));
                names.push([interface.if_name(), interface.if_description()].map(|text| text.expect("there").expect("UTF-8").to_owned()));
            }
            OtherBlock::EnhancedPacket(packet) => {
                let nanos = u64::from(packet.ts_high) << 32 | u64::from(packet.ts_low);
                assert_eq!(packet.caplen, packet.origlen);
                packets.push((nanos - 1_660_780_800_000_000_000, packet.options[1].as_u32_le(), packet.options[2].as_u64_le()));
            }
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(names, [["A", "tap at host A, 10.0.0.1"], ["B", "tap at host B, 10.0.0.2"]]);
    let right = [(2, 2, 0), (3, 1, 0), (4, 2, 1), (7, 2, 2), (8, 1, 2), (10, 1, 3), (11, 2, 4), (12, 1, 4)];
    assert_eq!(packets, right.map(|(entry, direction, id)| (entry * 10_000_001, Ok(direction), Ok(id))));
}

#[test]
fn every_comment_follows_the_grammar() {
    let mut trace = by_hand();
    let long = "x".repeat(1 << 17);
    let notes = ["", "two\nlines, (and) | pipes = signs", "\u{7f}\u{0}", "é→∎", &long];
    let notes = notes.iter().flat_map(|note| vec![*note; 40]);
    let entries = std::mem::take(&mut trace.entries);
    let entry = |what| Entry { what, ..entries[0].clone() };
    let call = |call: &str| What::Call { call: call.into(), result: Err("E B,ADF".into()), returned: true };
    let hostile = notes.flat_map(|note| [entry(What::Note(note.into())), entry(call(note)), entry(What::Timer(Timer::TimeWait))]);
    trace.entries = hostile.chain(entries.iter().cloned()).collect();
    trace.hosts[0].name = "a | b\n".into();
    trace.hosts[1].name = String::new();
    for trace in [by_hand(), trace] {
        for (_, _, _, _, comment, _) in read(&written(&trace, Format::PcapNg, Tap::Both)) {
            grammar::check(&comment).unwrap_or_else(|wrong| panic!("{wrong} in {comment}"));
        }
    }
}

#[test]
fn only_what_can_be_written_is_begun() {
    let trace = by_hand();
    let mut out = Vec::new();
    let error = write(&trace, Format::Pcap, Tap::Both, &mut out).expect_err("two taps");
    assert_eq!(error.to_string(), "a classic pcap file has one interface: choose one host's tap, or write pcapng");
    let error = write(&trace, Format::PcapNg, Tap::Host(HostId(2)), &mut out).expect_err("two hosts");
    assert_eq!(error.to_string(), "there is no host number 2 to capture at: the trace has 2, numbered from 0");
    assert!(out.is_empty());
}

#[test]
fn what_goes_wrong_on_the_way_is_an_error() {
    /// Takes so many octets, then says what a full disk says.
    struct Full(usize);
    impl Write for Full {
        fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
            self.0 = self.0.checked_sub(octets.len()).ok_or(io::ErrorKind::StorageFull)?;
            Ok(octets.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    for (format, tap) in [(Format::Pcap, Tap::Host(A)), (Format::PcapNg, Tap::Both)] {
        let trace = by_hand();
        for room in 0..written(&trace, format, tap).len() {
            let error = write(&trace, format, tap, &mut Full(room)).expect_err("full");
            assert!(matches!(&error, PcapError::Io(cause) if cause.kind() == io::ErrorKind::StorageFull), "{error:?}");
        }
        let mut trace = by_hand();
        let Payload::Tcp { text, .. } = &mut trace.packets[2].payload else { panic!("a segment") };
        text.push(0);
        let error = write(&trace, format, tap, &mut io::sink()).expect_err("the segment says otherwise");
        assert!(matches!(error, PcapError::Packet { packet: PacketId(2), source: WireError::TextLength { .. } }), "{error:?}");
        let mut trace = by_hand();
        trace.entries[12].at = Instant::from_nanos(u64::MAX);
        let error = write(&trace, format, tap, &mut io::sink()).expect_err("too late");
        assert!(matches!(error, PcapError::Format(_)), "{error:?}");
    }
}

#[test]
fn the_file_name_says_the_format() {
    for (name, format) in [
        ("x.pcap", Some(Format::Pcap)),
        ("dir.pcapng/x.PCAP", Some(Format::Pcap)),
        ("x.pcap.pcapng", Some(Format::PcapNg)),
        ("x.cap", None),
        ("pcap", None),
        (".pcap", None),
        ("-", None),
    ] {
        assert_eq!(Format::of_path(Path::new(name)), format, "{name}");
    }
}

/// The grammar in the head of [`super`], read as it is written there.
mod grammar {
    use crate::engine::{Flags, RULES, Signal, State, Timer};

    type Checked = Result<(), String>;

    pub(super) fn check(comment: &str) -> Checked {
        must(comment.is_ascii() && !comment.contains(|c: char| c.is_ascii_control()), "one line of ASCII", comment)?;
        let mut fields = comment.split(" | ");
        let mut field = |name: &str| fields.next().ok_or(format!("no {name}"));
        let (_, states) = field("host")?.split_once(' ').ok_or("no host")?;
        change(states)?;
        let (way, flags) = field("flags")?.split_once(' ').ok_or("no flags")?;
        must(["snd", "rcv"].contains(&way), "a way", way)?;
        must(flags == "none" || flags.split(',').all(|flag| Flags::named(flag).is_some()), "flags", flags)?;
        let names = field("rules")?;
        let sections = field("sections")?;
        if names == "-" {
            must(sections == "-", "no sections", sections)?;
        } else {
            rules(names)?;
            let sections: Vec<_> = sections.strip_prefix("RFC 9293 ").ok_or("no RFC")?.split("; ").collect();
            let right: Vec<_> =
                names.split('+').filter_map(|name| RULES.iter().find(|rule| rule.name == name)).map(|rule| rule.rfc).collect();
            must(sections == right, "the sections of the rules", names)?;
        }
        let mut next = fields.next();
        if let Some(signals) = next.and_then(|field| field.strip_prefix("signal: ")) {
            signals.split(", ").try_for_each(signal)?;
            next = fields.next();
        }
        if let Some(field) = next {
            let mut events: Vec<_> = field.strip_prefix("after: ").ok_or(format!("a stray {field}"))?.split(", ").collect();
            if let Some(number) = events.last().and_then(|last| last.strip_suffix(" more")) {
                must(number.parse::<usize>().is_ok() && events.len() > 1, "a number", number)?;
                events.pop();
            }
            events.into_iter().try_for_each(event)?;
        }
        must(fields.next().is_none(), "the end", comment)
    }

    fn event(text: &str) -> Checked {
        let mut thing = text;
        if let Some((before, rest)) = text.split_once(" (") {
            let (states, by) = rest.strip_suffix(')').and_then(|rest| rest.split_once(" by ")).ok_or(format!("a half change {rest}"))?;
            change(states)?;
            if by != "-" {
                rules(by)?;
            }
            thing = before;
        }
        let (kind, rest) = thing.split_once(' ').ok_or(format!("a bare {thing}"))?;
        match kind {
            "call" | "return" | "note" => must(!rest.contains([',', '|', '(', ')']) && rest.len() < 200, "words", rest),
            "timer" => must(Timer::ALL.iter().any(|timer| timer.name() == rest), "a timer", rest),
            "signal" => signal(rest),
            "loss" => must(rest.parse::<u32>().is_ok(), "a number", rest),
            _ => Err(format!("a strange {kind}")),
        }
    }

    fn change(text: &str) -> Checked {
        let (before, after) = text.split_once(" -> ").ok_or(format!("no change in {text}"))?;
        must(State::named(before).is_some() && State::named(after).is_some(), "two states", text)
    }

    fn rules(text: &str) -> Checked {
        must(text.split('+').all(|name| RULES.iter().any(|rule| rule.name == name)), "rules", text)
    }

    fn signal(text: &str) -> Checked {
        must(Signal::named(text).is_some(), "a signal", text)
    }

    fn must(holds: bool, what: &str, text: &str) -> Checked {
        if holds { Ok(()) } else { Err(format!("expected {what}, found {text:?}")) }
    }
}
