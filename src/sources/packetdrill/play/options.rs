//! The options of a segment, between a script's words and octets.

use super::socket::Socket;
use super::stop::Stop;
use crate::engine::TcpOptions;
use crate::sources::packetdrill::syntax::{Number, Spanned, TcpOption};
use crate::wire::DIGEST;

/// The kinds, by the registry of TCP options.
mod kind {
    pub(super) const EOL: u8 = 0;
    pub(super) const NOP: u8 = 1;
    pub(super) const MSS: u8 = 2;
    pub(super) const WINDOW_SCALE: u8 = 3;
    pub(super) const SACK_PERMITTED: u8 = 4;
    pub(super) const SACK: u8 = 5;
    pub(super) const TIMESTAMPS: u8 = 8;
    pub(super) const MD5: u8 = 19;
    pub(super) const FAST_OPEN: u8 = 34;
    pub(super) const ACC_ECN_0: u8 = 172;
    pub(super) const ACC_ECN_1: u8 = 174;
    pub(super) const EXPERIMENT: u8 = 254;
}

/// The experiments' numbers behind kind 254 (RFC 6994).
const FAST_OPEN_EXPERIMENT: [u8; 2] = [0xf9, 0x89];
const ACC_ECN_EXPERIMENTS: [[u8; 2]; 2] = [[0xac, 0xc0], [0xac, 0xc1]];
const ACK_RATE_EXPERIMENT: [u8; 2] = [0x00, 0xac];

/// How the numbers in options become those on the wire.
pub(super) struct Mapping<'a> {
    /// The connection.
    pub(super) socket: &'a Socket,
    /// Whether the segment has SYN.
    pub(super) syn: bool,
    /// Whether the segment has ACK: without it TSecr says nothing.
    pub(super) ack: bool,
    /// Whether an unknown TSecr is counted on.
    pub(super) scales_ecr: bool,
}

/// The option area of a segment the script sends.
pub(super) fn encode(options: &[Spanned<TcpOption>], mapping: &Mapping<'_>) -> Result<TcpOptions, Stop> {
    let mut area = Vec::new();
    for option in options {
        let stamp = |ecr: Number| {
            let Mapping { socket, ack, scales_ecr, .. } = mapping;
            if ecr.raw || !ack {
                return Ok(ecr.value);
            }
            let unseen = || Stop::error(option.span, format!("no packet had TS val {}, so nobody knows what ecr {0} is", ecr.value));
            socket.stamps.live(ecr.value, *scales_ecr).ok_or_else(unseen)
        };
        match &option.value {
            // Signed when all else is known.
            TcpOption::Md5(None) => append(&TcpOption::Md5(Some(vec![0; DIGEST])), &mut area),
            TcpOption::Timestamps { val, ecr } => {
                area.extend([kind::TIMESTAMPS, 10]);
                area.extend(val.unwrap_or(0).to_be_bytes());
                area.extend(stamp(*ecr)?.to_be_bytes());
            }
            TcpOption::Sack(blocks) => {
                area.extend([kind::SACK, length(8 * blocks.len())]);
                for (from, to) in blocks {
                    for edge in [from, to] {
                        area.extend(mapping.socket.numbers.local_live(*edge, mapping.syn).to_be_bytes());
                    }
                }
            }
            plain => append(plain, &mut area),
        }
    }
    TcpOptions::from_octets(&area).ok_or_else(|| {
        let span = options.first().map(|option| option.span);
        Stop::error(span, format!("the options have {} octets; there is room for 40", area.len()))
    })
}

/// The options with this signature in place of the one there is.
pub(super) fn signed(options: &TcpOptions, digest: [u8; DIGEST]) -> TcpOptions {
    let mut area = options.octets().to_vec();
    let mut at = 0;
    while let Some(&kind) = area.get(at) {
        let len = if kind <= kind::NOP { 1 } else { area.get(at + 1).copied().map_or(0, usize::from) };
        if kind == kind::MD5
            && let Some(place) = area.get_mut(at + 2..at + 2 + DIGEST)
        {
            place.copy_from_slice(&digest);
        }
        if len == 0 {
            break;
        }
        at += len;
    }
    TcpOptions::from_octets(&area).unwrap_or(*options)
}

/// The octets of options with their numbers as written.
pub(super) fn octets_as_written(options: &[TcpOption]) -> Vec<u8> {
    let mut area = Vec::new();
    for option in options {
        append(option, &mut area);
    }
    area
}

fn length(data: usize) -> u8 {
    u8::try_from(data + 2).unwrap_or(u8::MAX)
}

fn append(option: &TcpOption, area: &mut Vec<u8>) {
    let mut put = |kind: u8, parts: &[&[u8]]| {
        area.extend([kind, length(parts.iter().map(|part| part.len()).sum())]);
        for part in parts {
            area.extend_from_slice(part);
        }
    };
    match option {
        TcpOption::Nop => area.push(kind::NOP),
        TcpOption::Eol => area.push(kind::EOL),
        TcpOption::Mss(mss) => put(kind::MSS, &[&mss.to_be_bytes()]),
        TcpOption::WindowScale(shift) => put(kind::WINDOW_SCALE, &[&[*shift]]),
        TcpOption::SackPermitted => put(kind::SACK_PERMITTED, &[]),
        TcpOption::Sack(blocks) => {
            let edges: Vec<u8> = blocks.iter().flat_map(|(from, to)| [from.value, to.value]).flat_map(u32::to_be_bytes).collect();
            put(kind::SACK, &[&edges]);
        }
        TcpOption::Timestamps { val, ecr } => put(kind::TIMESTAMPS, &[&val.unwrap_or(0).to_be_bytes(), &ecr.value.to_be_bytes()]),
        TcpOption::Md5(digest) => put(kind::MD5, &[digest.as_deref().unwrap_or_default()]),
        TcpOption::FastOpen(cookie) => put(kind::FAST_OPEN, &[cookie]),
        TcpOption::ExperimentalFastOpen(cookie) => put(kind::EXPERIMENT, &[&FAST_OPEN_EXPERIMENT, cookie]),
        TcpOption::AccEcn { order, counters, experimental } => {
            let counters: Vec<u8> = counters.iter().flat_map(|counter| counter.to_be_bytes()[1..].to_vec()).collect();
            let order = usize::from(*order > 0);
            if *experimental {
                put(kind::EXPERIMENT, &[&ACC_ECN_EXPERIMENTS[order], &counters]);
            } else {
                put([kind::ACC_ECN_0, kind::ACC_ECN_1][order], &[&counters]);
            }
        }
        TcpOption::AckRate(rate) => put(kind::EXPERIMENT, &[&ACK_RATE_EXPERIMENT, rate.as_slice()]),
        TcpOption::Generic { kind, data } => put(*kind, &[data]),
        TcpOption::Raw(octets) => area.extend_from_slice(octets),
    }
}

/// The options of a segment the stack under test sends, in the script's words and numbers.
pub(super) fn decode(area: &[u8], socket: &Socket, syn: bool) -> Vec<TcpOption> {
    read(area, &|live| socket.numbers.remote_written(live, syn), &|live| socket.stamps.written(live))
}

/// The options of a segment as a script writes them, given how it writes the edges of SACK blocks and TSvals.
pub(in crate::sources::packetdrill) fn read(area: &[u8], edge: &dyn Fn(u32) -> u32, stamp: &dyn Fn(u32) -> u32) -> Vec<TcpOption> {
    let mut options = Vec::new();
    let mut rest = area;
    while let Some((&kind, after)) = rest.split_first() {
        if kind == kind::EOL || kind == kind::NOP {
            options.push(if kind == kind::EOL { TcpOption::Eol } else { TcpOption::Nop });
            rest = after;
            continue;
        }
        let data = after.split_first().and_then(|(len, behind)| behind.split_at_checked(usize::from(*len).checked_sub(2)?));
        let Some((data, behind)) = data else {
            options.push(TcpOption::Raw(rest.to_vec()));
            break;
        };
        options.push(known(kind, data, edge, stamp).unwrap_or_else(|| TcpOption::Generic { kind, data: data.to_vec() }));
        rest = behind;
    }
    options
}

fn known(kind: u8, data: &[u8], edge: &dyn Fn(u32) -> u32, stamp: &dyn Fn(u32) -> u32) -> Option<TcpOption> {
    let long = |at: usize| data.get(at..at + 4).and_then(|octets| <[u8; 4]>::try_from(octets).ok()).map(u32::from_be_bytes);
    Some(match (kind, data) {
        (kind::MSS, &[high, low]) => TcpOption::Mss(u16::from_be_bytes([high, low])),
        (kind::WINDOW_SCALE, &[shift]) => TcpOption::WindowScale(shift),
        (kind::SACK_PERMITTED, []) => TcpOption::SackPermitted,
        (kind::SACK, blocks) if blocks.len().is_multiple_of(8) && !blocks.is_empty() => {
            let edge = |at: usize| long(at).map(|live| Number { value: edge(live), raw: false });
            let blocks = (0..blocks.len()).step_by(8).map(|at| edge(at).zip(edge(at + 4)));
            TcpOption::Sack(blocks.collect::<Option<_>>()?)
        }
        (kind::TIMESTAMPS, data) if data.len() == 8 => {
            let ecr = Number { value: long(4)?, raw: false };
            TcpOption::Timestamps { val: Some(stamp(long(0)?)), ecr }
        }
        (kind::MD5, digest) if digest.len() <= 16 => TcpOption::Md5(Some(digest.to_vec())),
        (kind::FAST_OPEN, cookie) => TcpOption::FastOpen(cookie.to_vec()),
        (kind::ACC_ECN_0 | kind::ACC_ECN_1, data) => {
            TcpOption::AccEcn { order: u8::from(kind == kind::ACC_ECN_1), counters: counters(data)?, experimental: false }
        }
        (kind::EXPERIMENT, [a, b, data @ ..]) => match ([*a, *b], data) {
            (FAST_OPEN_EXPERIMENT, cookie) => TcpOption::ExperimentalFastOpen(cookie.to_vec()),
            (ACK_RATE_EXPERIMENT, []) => TcpOption::AckRate(None),
            (ACK_RATE_EXPERIMENT, &[rate]) => TcpOption::AckRate(Some(rate)),
            (experiment, data) => {
                let order = ACC_ECN_EXPERIMENTS.iter().position(|known| *known == experiment)?;
                TcpOption::AccEcn { order: u8::try_from(order).ok()?, counters: counters(data)?, experimental: true }
            }
        },
        _ => return None,
    })
}

/// Counters of 24 bits.
fn counters(data: &[u8]) -> Option<Vec<u32>> {
    let (counters, []) = data.as_chunks::<3>() else { return None };
    (counters.len() <= 3).then(|| counters.iter().map(|&[a, b, c]| u32::from_be_bytes([0, a, b, c])).collect())
}
