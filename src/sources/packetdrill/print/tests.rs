//! What is printed reads back; and how it looks.

use std::net::IpAddr;

use proptest::collection::vec;
use proptest::option::of;
use proptest::prelude::*;
use proptest::sample::select;

use super::super::parse;
use super::super::syntax::*;
use super::*;

fn at<T>(value: T) -> Spanned<T> {
    Spanned { value, span: Span::default() }
}

/// A script without where things stand.
pub(in super::super) fn meaning(script: &Script) -> String {
    let text = format!("{:?}", Script { asked: vec![], ..script.clone() });
    let mut pieces = text.split("Span { start: ");
    let first = pieces.next().unwrap_or_default().to_owned();
    pieces.fold(first, |text, piece| text + piece.split_once('}').map_or(piece, |(_, behind)| behind))
}

fn any_moment() -> impl Strategy<Value = Duration> {
    prop_oneof![Just(0), 1..2_000_000_u64, (0..30_u64).prop_map(|seconds| seconds * 1_000_000)].prop_map(Duration::from_micros)
}

fn any_word() -> impl Strategy<Value = String> {
    "[A-Z_][A-Z0-9_]{0,9}"
}

fn any_text() -> impl Strategy<Value = String> {
    r#"([a-z0-9 ,`%{}#/'é\n]|\\[a-z"\\]){0,12}"#
}

fn any_address() -> impl Strategy<Value = IpAddr> {
    prop_oneof![any::<[u8; 4]>().prop_map(IpAddr::from), any::<[u8; 16]>().prop_map(IpAddr::from), Just(IpAddr::from([0_u8; 16]))]
}

fn any_expression() -> impl Strategy<Value = Spanned<Expression>> {
    let leaf = prop_oneof![
        Just(Expression::Ellipsis),
        any::<i64>().prop_map(Expression::Integer),
        any::<u64>().prop_map(Expression::Hex),
        any_word().prop_map(Expression::Word),
        any_text().prop_map(Expression::Text),
        any_address().prop_map(Expression::Address),
    ];
    let single = leaf.prop_map(at).prop_recursive(3, 20, 4, |inner| {
        let or = vec(inner.clone(), 2..4).prop_map(|parts| {
            let or: Vec<_> = parts.into_iter().filter(|part| !matches!(part.value, Expression::Or(_))).collect();
            if or.len() < 2 { Expression::Ellipsis } else { Expression::Or(or) }
        });
        let not = inner.clone().prop_filter("an operand", |part| !matches!(part.value, Expression::Or(_)));
        let name = of((any_word(), of(inner.clone())));
        let field = (name, inner.clone()).prop_map(|(name, value)| {
            let (name, count) = name.map_or((None, None), |(name, count)| (Some(at(name)), count));
            Field { name, count, value }
        });
        prop_oneof![
            or,
            not.prop_map(|part| Expression::Not(Box::new(part))),
            (any_word(), vec(inner.clone(), 0..4)).prop_map(|(name, arguments)| Expression::Apply(name, arguments)),
            vec(inner, 0..4).prop_map(Expression::List),
            vec(field, 0..4).prop_map(Expression::Record),
        ]
        .prop_map(at)
    });
    single.boxed()
}

/// Whether a name that takes arguments stands outside all brackets, where a result cannot have it.
fn applies(value: &Expression) -> bool {
    match value {
        Expression::Apply(..) => true,
        Expression::Or(parts) => parts.iter().any(|part| applies(&part.value)),
        Expression::Not(part) => applies(&part.value),
        _ => false,
    }
}

fn any_call() -> impl Strategy<Value = SystemCall> {
    let name = select(vec!["socket", "read", "sendmsg", "poll", "f"]).prop_map(|name| at(name.to_owned()));
    let result = any_expression().prop_filter("a result", |result| !applies(&result.value));
    let errno = of("E[A-Z]{1,8}".prop_map(at));
    (of(any_moment().prop_map(at)), name, vec(any_expression(), 0..4), result, errno, of("[a-zA-Z][a-z, |]{0,8}[a-z](\\([a-z]\\))?"))
        .prop_map(|(end, name, arguments, result, errno, note)| SystemCall { end, name, arguments, result, errno, note })
}

fn any_ip_info() -> impl Strategy<Value = IpInfo> {
    let ecn = select(vec![Ecn::NotEct, Ecn::Ect0, Ecn::Ect1, Ecn::Ect01, Ecn::Ce]);
    let all = (of(ecn), of(any::<u8>()), of(0..64_u8), of(any::<u8>()), of(0..0x10_0000_u32));
    let all = all.prop_map(|(ecn, tos, dscp, ttl, flow_label)| IpInfo { ecn, tos, dscp, ttl, flow_label });
    prop_oneof![Just(IpInfo::default()), all]
}

fn any_ports() -> impl Strategy<Value = Option<Ports>> {
    of((any::<u16>(), any::<u16>()).prop_map(|(source, destination)| Ports { source, destination }))
}

fn any_number() -> impl Strategy<Value = Number> {
    (prop_oneof![0..5000_u32, any::<u32>()], any::<bool>()).prop_map(|(value, raw)| Number { value, raw })
}

fn any_octets(most: usize) -> impl Strategy<Value = Vec<u8>> {
    vec(any::<u8>(), 0..=most)
}

fn any_option() -> impl Strategy<Value = TcpOption> {
    prop_oneof![
        Just(TcpOption::Nop),
        Just(TcpOption::Eol),
        any::<u16>().prop_map(TcpOption::Mss),
        any::<u8>().prop_map(TcpOption::WindowScale),
        Just(TcpOption::SackPermitted),
        vec((any_number(), any_number()), 1..=4).prop_map(TcpOption::Sack),
        (of(any::<u32>()), any_number()).prop_map(|(val, ecr)| TcpOption::Timestamps { val, ecr }),
        of(any_octets(16)).prop_map(TcpOption::Md5),
        any_octets(16).prop_map(TcpOption::FastOpen),
        any_octets(16).prop_map(TcpOption::ExperimentalFastOpen),
        (0..2_u8, vec(0..1_u32 << 24, 0..=3), any::<bool>()).prop_map(|(order, counters, experimental)| TcpOption::AccEcn {
            order,
            counters,
            experimental
        }),
        of(any::<u8>()).prop_map(TcpOption::AckRate),
        (prop_oneof![any::<u8>(), Just(254)], any_octets(8)).prop_map(|(kind, data)| TcpOption::Generic { kind, data }),
        vec(any::<u8>(), 1..9).prop_map(TcpOption::Raw),
    ]
}

fn any_options() -> impl Strategy<Value = Options> {
    let listed = vec(any_option(), 0..6).prop_map(|options| {
        let mut octets = 0;
        let mut fitting: Vec<_> = options
            .into_iter()
            .take_while(|option| {
                octets += option.octets();
                octets <= 40
            })
            .collect();
        let octets: usize = fitting.iter().map(TcpOption::octets).sum();
        fitting.extend(std::iter::repeat_n(TcpOption::Nop, octets.next_multiple_of(4) - octets));
        Options::Listed(fitting.into_iter().map(at).collect())
    });
    prop_oneof![1 => Just(Options::Any), 4 => listed]
}

fn any_flags() -> impl Strategy<Value = SegmentFlags> {
    let letters = (0..1_u16 << 9).prop_map(|bits| SegmentFlags { bits, ace: None });
    let digit = (0..1_u16 << 6, 1..8_u8).prop_map(|(bits, ace)| SegmentFlags { bits, ace: Some(ace) });
    prop_oneof![letters, digit]
}

fn any_segment() -> impl Strategy<Value = Segment> {
    let numbers = (of(any_number().prop_map(at)), any::<u16>(), of(any_number().prop_map(at)), of(any::<u16>()), of(any::<u16>()));
    let diagnosis = of((any::<u32>(), of(any::<u32>())).prop_map(|(code, pen)| Diagnosis { code, pen }));
    (any_ports(), any_ports(), any_flags(), numbers, any_options(), diagnosis).prop_map(
        |(ports, udp, flags, (seq, len, ack, window, urgent), options, diagnosis)| Segment {
            ports,
            udp,
            flags: at(flags),
            seq,
            len,
            ack,
            window,
            urgent,
            options,
            diagnosis,
        },
    )
}

fn any_icmp() -> impl Strategy<Value = IcmpMessage> {
    let kind = select(vec!["unreachable", "packet_too_big", "echo_request", "type_9"]).prop_map(|kind| at(kind.to_owned()));
    let code = of(select(vec!["frag_needed", "no_route", "port_unreachable", "code_4"]).prop_map(|code| at(code.to_owned())));
    let echoed = prop_oneof![
        Just(Echoed::Nothing),
        (any_number(), any::<u16>()).prop_map(|(seq, len)| Echoed::Tcp { seq, len }),
        any::<u16>().prop_map(|len| Echoed::Udp { len }),
        any::<u16>().prop_map(|len| Echoed::Raw { len }),
    ];
    (kind, code, of(any::<u32>()), of(any::<u16>()), echoed).prop_map(|(kind, code, mtu, id, echoed)| IcmpMessage {
        kind,
        code,
        mtu,
        id,
        echoed,
    })
}

fn any_outer() -> impl Strategy<Value = Outer> {
    let pair = prop_oneof![
        any::<[[u8; 4]; 2]>().prop_map(|pair| pair.map(IpAddr::from)),
        any::<[[u8; 16]; 2]>().prop_map(|pair| pair.map(IpAddr::from)),
    ];
    prop_oneof![
        (any_ip_info(), pair).prop_map(|(info, [source, destination])| Outer::Ip { info, source, destination }),
        Just(Outer::Gre(String::new())),
        Just(Outer::Mpls("(label 5, tc 0, [S], ttl 64)".to_owned())),
    ]
}

fn any_packet() -> impl Strategy<Value = Packet> {
    let body = prop_oneof![
        4 => any_segment().prop_map(Body::Tcp),
        1 => (any_ports(), any::<u16>()).prop_map(|(ports, len)| Body::Udp { ports, len }),
        1 => any_icmp().prop_map(Body::Icmp),
    ];
    let direction = select(vec![Direction::Inbound, Direction::Outbound]);
    let outer = prop_oneof![3 => Just(vec![]), 1 => vec(any_outer().prop_map(at), 0..3)];
    (direction, outer, any_ip_info(), of(any::<u32>().prop_map(at)), body)
        .prop_map(|(direction, outer, ip, psp, body)| sound_packet(Packet { direction, outer, ip, psp, body }))
}

/// What an inbound packet cannot leave open is said.
fn sound_packet(mut packet: Packet) -> Packet {
    if packet.direction == Direction::Outbound {
        return packet;
    }
    let sound = |info: &mut IpInfo| info.ecn = info.ecn.map(|ecn| if ecn == Ecn::Ect01 { Ecn::Ect1 } else { ecn });
    sound(&mut packet.ip);
    for header in &mut packet.outer {
        if let Outer::Ip { info, .. } = &mut header.value {
            sound(info);
        }
    }
    if let Body::Tcp(segment) = &mut packet.body {
        segment.window.get_or_insert(1000);
        segment.seq.get_or_insert(at(Number { value: 1, raw: false }));
        match &mut segment.options {
            Options::Any => segment.options = Options::Listed(vec![]),
            Options::Listed(options) => options.iter_mut().for_each(|option| {
                if let TcpOption::Timestamps { val, .. } = &mut option.value {
                    val.get_or_insert(100);
                }
            }),
        }
    }
    packet
}

fn any_event() -> impl Strategy<Value = Event> {
    let what = prop_oneof![
        any_packet().prop_map(What::Packet),
        any_call().prop_map(What::Call),
        r#"([a-z0-9 "'$/\n]|\\`){0,12}"#.prop_map(|command| What::Command(at(command))),
        "[a-z=!_,é\n ]{0,12}".prop_map(|code| What::Code(at(code.trim_matches(' ').to_owned()))),
    ];
    let time = prop_oneof![
        any_moment().prop_map(Time::Absolute),
        any_moment().prop_map(Time::Relative),
        Just(Time::Any),
        (any_moment(), any_moment()).prop_map(|(a, b)| Time::Range(a.min(b), a.max(b))),
        (any_moment(), any_moment()).prop_map(|(a, b)| Time::RelativeRange(a.min(b), a.max(b))),
    ];
    (time, what).prop_map(|(time, what)| Event { time: at(time), what: at(what), span: Span::default() })
}

fn any_script() -> impl Strategy<Value = Script> {
    let value = prop_oneof!["[a-z0-9._:,-]{1,9}", "[a-z /]{0,9}"];
    let option = prop_oneof![
        ("[a-z][a-z_]{2,9}", of(value)).prop_filter("no define", |(name, _)| name != "define"),
        select(vec!["zz=1", "zz=\"a b\"", "zz=`true`", "zz"]).prop_map(|value| ("define".to_owned(), Some(value.to_owned()))),
    ];
    let option = option.prop_map(|(name, value)| at(ScriptOption { name, value }));
    let command = || of("[a-z ./=\n]{0,12}".prop_map(at));
    (vec(option, 0..4), command(), vec(any_event(), 1..6), command())
        .prop_map(|(options, init, events, cleanup)| sound_script(Script { options, init, events, cleanup, asked: vec![] }))
}

/// Times follow each other, and only packets come whenever they do.
fn sound_script(mut script: Script) -> Script {
    let mut previous = None;
    for event in &mut script.events {
        let is_packet = matches!(event.what.value, What::Packet(Packet { direction: Direction::Outbound, .. }));
        let time = &mut event.time.value;
        match *time {
            _ if previous.is_none() => *time = Time::Relative(Duration::ZERO),
            Time::Range(from, to) if is_packet => {
                let earliest = previous.flatten().unwrap_or_default();
                *time = Time::Range(from.max(earliest), to.max(earliest));
            }
            Time::Absolute(from) | Time::Range(from, _) => *time = Time::Absolute(from.max(previous.flatten().unwrap_or_default())),
            Time::Any | Time::RelativeRange(..) if !is_packet => *time = Time::Relative(Duration::from_millis(1)),
            Time::Any | Time::Relative(_) | Time::RelativeRange(..) => {}
        }
        let begins = match *time {
            Time::Absolute(from) | Time::Relative(from) => Some(from),
            Time::Any | Time::Range(..) | Time::RelativeRange(..) => None,
        };
        if let What::Call(SystemCall { end: Some(end), .. }) = &mut event.what.value {
            end.value = end.value.max(begins.unwrap_or_default());
        }
        previous = Some(match *time {
            Time::Absolute(from) | Time::Range(from, _) => Some(from),
            Time::Relative(_) | Time::Any | Time::RelativeRange(..) => None,
        });
    }
    script
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(300) })]

    #[test]
    fn what_is_printed_reads_back(script in any_script()) {
        let text = script.to_string();
        let read = parse("printed.pkt", &text, &[]).map_err(|error| TestCaseError::fail(format!("{error}\n\n{text}")))?;
        prop_assert_eq!(meaning(&read), meaning(&script), "{}", text);
        prop_assert_eq!(read.to_string(), text);
    }
}
