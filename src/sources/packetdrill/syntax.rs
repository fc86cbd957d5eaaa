//! A packetdrill script as a syntax tree: what is written, before anything is meant by it.
//!
//! Both dialects in union: google's, and the one of the FreeBSD test suites. Numbers stand as they are written; which
//! connection they belong to, and what they are on the wire, is the player's business.

use std::net::IpAddr;
use std::time::Duration;

/// Where something stands in a script.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct Span {
    /// The first octet.
    pub start: usize,
    /// Behind the last octet.
    pub end: usize,
}

/// A [`Span`] as a person is told of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Place<'a> {
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// Characters it covers of this line, at least 1.
    pub width: usize,
    /// The whole line.
    pub text: &'a str,
}

impl Span {
    /// Where in this text it stands; looks at all of the text before it.
    pub fn place(self, text: &str) -> Place<'_> {
        let boundary = |octet: usize| (0..=octet.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
        let (start, end) = (boundary(self.start), boundary(self.end.max(self.start)));
        let line_start = text[..start].rfind('\n').map_or(0, |newline| newline + 1);
        let line_end = text[start..].find('\n').map_or(text.len(), |len| start + len);
        Place {
            line: text[..start].bytes().filter(|octet| *octet == b'\n').count() + 1,
            column: text[line_start..start].chars().count() + 1,
            width: text[start..end.min(line_end)].chars().count().max(1),
            text: text[line_start..line_end].trim_end_matches('\r'),
        }
    }
}

/// A value and where it stands.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Spanned<T> {
    /// The value.
    pub value: T,
    /// Where it stands.
    pub span: Span,
}

/// A script.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Script {
    /// Its options, in order; a later one of the same name counts.
    pub options: Vec<Spanned<ScriptOption>>,
    /// A command before the first event, without a time.
    pub init: Option<Spanned<String>>,
    /// What happens, in order.
    pub events: Vec<Event>,
    /// A command behind the last event, without a time.
    pub cleanup: Option<Spanned<String>>,
    /// The names its `#ifdef`s ask for, as they stand, each once.
    pub asked: Vec<String>,
}

/// An option line: `--mtu=1500`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ScriptOption {
    /// Its name without dashes, `-` replaced by `_`.
    pub name: String,
    /// Its value as text, without quotes; `None` where there is none. That of `define` is `NAME=value`, where the value
    /// keeps its quotes or backticks: they tell what it stands for.
    pub value: Option<String>,
}

/// Something that happens at a time.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Event {
    /// When.
    pub time: Spanned<Time>,
    /// What; its span is what to replace when only a packet is written anew.
    pub what: Spanned<What>,
    /// All of it, from the time on.
    pub span: Span,
}

/// When an event happens.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Time {
    /// Since the script began: `1.5`.
    Absolute(Duration),
    /// Since the previous event: `+.1`.
    Relative(Duration),
    /// Whenever: `*`.
    Any,
    /// Between two moments since the script began: `1.0~1.2`.
    Range(Duration, Duration),
    /// Between two moments since the previous event: `+.1~+.2`.
    RelativeRange(Duration, Duration),
}

/// What happens.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum What {
    /// A packet that the script sends or expects.
    Packet(Packet),
    /// A system call.
    Call(SystemCall),
    /// A shell command, without its backticks.
    Command(Spanned<String>),
    /// `%{ }%`, without the signs.
    Code(Spanned<String>),
}

/// Who sends a packet.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Direction {
    /// `<`: the script, to the stack under test.
    Inbound,
    /// `>`: the stack under test.
    Outbound,
}

/// A packet line.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Packet {
    /// Who sends it.
    pub direction: Direction,
    /// Headers around it, outermost first.
    pub outer: Vec<Spanned<Outer>>,
    /// What stands in `( )` or `[ ]` of its IP header.
    pub ip: IpInfo,
    /// `encap psp spi N`: what its text is wrapped into.
    pub psp: Option<Spanned<u32>>,
    /// What it carries.
    pub body: Body,
}

/// A header around a packet.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Outer {
    /// `ipv4 [info] a > b:`.
    Ip {
        /// What stands in parentheses.
        info: IpInfo,
        /// Whence.
        source: IpAddr,
        /// Whereto.
        destination: IpAddr,
    },
    /// `gre ...:`, its text as written.
    Gre(String),
    /// `mpls ...:`, its text as written.
    Mpls(String),
}

/// What a script says of an IP header; what it does not name is not looked at.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct IpInfo {
    /// The ECN bits.
    pub ecn: Option<Ecn>,
    /// The whole octet, `tos 0xNN`.
    pub tos: Option<u8>,
    /// The upper six bits, `dscp X`.
    pub dscp: Option<u8>,
    /// Time to live or hop limit.
    pub ttl: Option<u8>,
    /// The flow label.
    pub flow_label: Option<u32>,
}

/// What a script says of the ECN bits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Ecn {
    /// `noecn`.
    NotEct,
    /// `ect0`.
    Ect0,
    /// `ect1`.
    Ect1,
    /// `ect01`: one of the two.
    Ect01,
    /// `ce`.
    Ce,
}

/// What a packet carries.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Body {
    /// A TCP segment.
    Tcp(Segment),
    /// `udp (len)`.
    Udp {
        /// `a > b`, where written.
        ports: Option<Ports>,
        /// Octets of text.
        len: u16,
    },
    /// `icmp ...`.
    Icmp(IcmpMessage),
}

/// `8081 > 8080`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Ports {
    /// Whence.
    pub source: u16,
    /// Whereto.
    pub destination: u16,
}

/// A TCP segment as a script writes it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Segment {
    /// Its ports, where written.
    pub ports: Option<Ports>,
    /// `/udp(a > b)`: it travels in UDP between these ports.
    pub udp: Option<Ports>,
    /// Its control bits.
    pub flags: Spanned<SegmentFlags>,
    /// `start`; `None` where it is `...`: not looked at.
    pub seq: Option<Spanned<Number>>,
    /// Octets of text.
    pub len: u16,
    /// `ack N`.
    pub ack: Option<Spanned<Number>>,
    /// `win N`.
    pub window: Option<u16>,
    /// `urg N`.
    pub urgent: Option<u16>,
    /// Its options.
    pub options: Options,
    /// `[code C, pen P]`: why there is a RST, told in its text.
    pub diagnosis: Option<Diagnosis>,
}

/// `[code C, pen P]`: why a connection is reset.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Diagnosis {
    /// The reason.
    pub code: u32,
    /// The enterprise that has numbered the reason, if it is no common one.
    pub pen: Option<u32>,
}

/// A number that is mapped to the live connection, unless it is raw.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Number {
    /// As written.
    pub value: u32,
    /// `!` behind it: it stands on the wire as written.
    pub raw: bool,
}

/// The control bits of a segment.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct SegmentFlags {
    /// FIN to CWR, and AE as bit 8, as they stand in the header.
    pub bits: u16,
    /// A digit: the counter of `AccECN` in the bits AE, CWR, ECE, instead of these.
    pub ace: Option<u8>,
}

impl SegmentFlags {
    /// `F`.
    pub const FIN: u16 = 1 << 0;
    /// `S`.
    pub const SYN: u16 = 1 << 1;
    /// `R`.
    pub const RST: u16 = 1 << 2;
    /// `P`.
    pub const PSH: u16 = 1 << 3;
    /// `.`.
    pub const ACK: u16 = 1 << 4;
    /// `U`.
    pub const URG: u16 = 1 << 5;
    /// `E`.
    pub const ECE: u16 = 1 << 6;
    /// `W`.
    pub const CWR: u16 = 1 << 7;
    /// `A`.
    pub const AE: u16 = 1 << 8;

    /// Whether all of these bits are written.
    pub const fn has(self, bits: u16) -> bool {
        self.bits & bits == bits
    }
}

/// The option area of a segment.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Options {
    /// These, in this order; none if nothing is written.
    Listed(Vec<Spanned<TcpOption>>),
    /// `<...>`: whatever stands there.
    Any,
}

/// A TCP option as a script writes it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum TcpOption {
    /// `nop`.
    Nop,
    /// `eol`.
    Eol,
    /// `mss N`.
    Mss(u16),
    /// `wscale N`.
    WindowScale(u8),
    /// `sackOK`.
    SackPermitted,
    /// `sack a:b c:d`.
    Sack(Vec<(Number, Number)>),
    /// `TS val V ecr E`.
    Timestamps {
        /// TSval; `None` for `...`: neither mapped nor learned from.
        val: Option<u32>,
        /// TSecr.
        ecr: Number,
    },
    /// `md5 HEX`; `None` for `md5 valid`: whatever is right.
    Md5(Option<Vec<u8>>),
    /// `FO HEX`: kind 34; nothing asks for a cookie.
    FastOpen(Vec<u8>),
    /// `FOEXP HEX`, `EXP-FO HEX`: kind 254 with the number 0xF989.
    ExperimentalFastOpen(Vec<u8>),
    /// AccECN's counters, kinds 172 and 174.
    AccEcn {
        /// The order of the fields: 0 or 1.
        order: u8,
        /// Each field in the order it has on the wire.
        counters: Vec<u32>,
        /// Carried in kind 254 instead.
        experimental: bool,
    },
    /// `exp-tarr [r]`: kind 254 with the number 0x00AC; a request for a rate of acknowledgements, and the rate.
    AckRate(Option<u8>),
    /// Any option by its kind and what follows its length: `gen-KIND HEX`; `exp-XXXX HEX` where the kind is 254.
    Generic {
        /// Its kind.
        kind: u8,
        /// What follows the length.
        data: Vec<u8>,
    },
    /// `<hexblob>`: octets of the option area as they are.
    Raw(Vec<u8>),
}

impl TcpOption {
    /// How many octets of the option area it takes.
    pub fn octets(&self) -> usize {
        match self {
            Self::Nop | Self::Eol => 1,
            Self::SackPermitted => 2,
            Self::WindowScale(_) => 3,
            Self::Mss(_) => 4,
            Self::Sack(blocks) => 2 + 8 * blocks.len(),
            Self::Timestamps { .. } => 10,
            Self::Md5(digest) => 2 + digest.as_ref().map_or(16, Vec::len),
            Self::FastOpen(cookie) => 2 + cookie.len(),
            Self::ExperimentalFastOpen(cookie) => 4 + cookie.len(),
            Self::AccEcn { counters, experimental, .. } => 2 + 3 * counters.len() + if *experimental { 2 } else { 0 },
            Self::AckRate(rate) => 4 + usize::from(rate.is_some()),
            Self::Generic { data, .. } => 2 + data.len(),
            Self::Raw(octets) => octets.len(),
        }
    }
}

/// `icmp unreachable frag_needed mtu 1200 [1:1001(1000)]`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct IcmpMessage {
    /// The name of its type, or `type_N`; its number goes by the family the script runs on.
    pub kind: Spanned<String>,
    /// The name of its code, or `code_N`.
    pub code: Option<Spanned<String>>,
    /// `mtu N`.
    pub mtu: Option<u32>,
    /// `id N`.
    pub id: Option<u16>,
    /// What it quotes.
    pub echoed: Echoed,
}

/// What an ICMP message quotes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Echoed {
    /// Nothing is written: the beginning of the connection.
    Nothing,
    /// `[start:end(len)]`.
    Tcp {
        /// Its first number.
        seq: Number,
        /// Octets of text.
        len: u16,
    },
    /// `[udp (len)]`.
    Udp {
        /// Octets of text.
        len: u16,
    },
    /// `[raw (len)]`.
    Raw {
        /// Octets.
        len: u16,
    },
}

/// A system call line: `0...0.2 connect(3, ..., ...) = -1 ECONNREFUSED (Connection refused)`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SystemCall {
    /// `...END`: it blocks, and returns then.
    pub end: Option<Spanned<Duration>>,
    /// Its name.
    pub name: Spanned<String>,
    /// Its arguments.
    pub arguments: Vec<Spanned<Expression>>,
    /// What it is to return.
    pub result: Spanned<Expression>,
    /// The errno it is to fail with.
    pub errno: Option<Spanned<String>>,
    /// The words in parentheses.
    pub note: Option<String>,
}

/// An argument of a system call.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Expression {
    /// `...`: the obvious thing.
    Ellipsis,
    /// An integer.
    Integer(i64),
    /// A hexadecimal integer; it may be as large as 64 bits without a sign.
    Hex(u64),
    /// A constant's name.
    Word(String),
    /// `"text"`, as written between the quotes.
    Text(String),
    /// `a | b | c`: two at least.
    Or(Vec<Spanned<Self>>),
    /// `~a`.
    Not(Box<Spanned<Self>>),
    /// `htons(8080)`, `inet_addr("192.0.2.1")`, `u32(5)`.
    Apply(String, Vec<Spanned<Self>>),
    /// `[a, b]`.
    List(Vec<Spanned<Self>>),
    /// `{name=value, ...}`, in this order.
    Record(Vec<Field>),
    /// An IPv4 or IPv6 address.
    Address(IpAddr),
}

/// A field of a structure: `events=POLLIN`, `msg_iov(1)=[{..., 1000}]`, or a value alone.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Field {
    /// Its name; `None` for a value alone, as in `{..., 1000}`.
    pub name: Option<Spanned<String>>,
    /// What stands in parentheses behind the name: how many there are.
    pub count: Option<Spanned<Expression>>,
    /// What it is.
    pub value: Spanned<Expression>,
}
