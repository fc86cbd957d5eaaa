//! Captures, of whatever program: pcap and pcapng become packets, packets become connections, and both ends of each
//! connection get the states that what passed by betrays.
//!
//! Here: files, interfaces, times. Link headers are in `link`, connections in [`flows`](Flows), states in
//! [`infer`](mod@infer). Not here: what stands in a packet ([`crate::wire`]).
//!
//! Made for what strangers send: memory is bounded whatever the file says, what cannot be read is counted and
//! named by the number of its packet (from 1, as tcpdump and Wireshark count), and nothing panics.
//!
//! ```
//! use synfin::State;
//! use synfin::sinks::pcap::{self, Format, Tap};
//! use synfin::sources::capture;
//!
//! let trace = synfin::scenario("half-close")?.run();
//! let mut file = Vec::new();
//! pcap::write(&trace, Format::PcapNg, Tap::Both, &mut file)?;
//!
//! let capture = capture::read(&file[..], capture::Limits::default())?;
//! let [connection] = &capture.flows[..] else { panic!("one connection") };
//! assert_eq!(connection.trace.entries.last().map(|entry| entry.after), Some(State::Closed));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod crossing;
mod flows;
pub mod infer;
mod link;
mod shadow;
#[cfg(test)]
mod tests;

use std::io::{self, Read};
use std::time::Duration;

use pcap_file::pcap::{PcapReadError, PcapReader, PcapTsResolution};
use pcap_file::pcapng::blocks::block_common::Block;
use pcap_file::pcapng::blocks::enhanced_packet::EnhancedPacketOption;
use pcap_file::pcapng::blocks::opt_common::{CommonOption, UnknownOption};
use pcap_file::pcapng::blocks::section_header::SectionHeaderOption;
use pcap_file::pcapng::{PcapNgReadError, PcapNgReader, PcapNgState};

use flows::Sighting;
pub use flows::{Flow, Flows, Limits, Protocol, Seen};
use link::Link;

use crate::wire::WireError;

/// What a capture holds.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Capture {
    /// Connections and exchanges, in the order in which they began.
    pub flows: Vec<Flow>,
    /// When the first packet passed, since 1970: time 0 of every trace.
    pub origin: Duration,
    /// How many packets the file holds.
    pub packets: u64,
    /// How many of them could not be read.
    pub unread: u64,
    /// The first of those, with why; at most [`UNREAD_AT_MOST`].
    pub reasons: Vec<(u64, Unread)>,
    /// How many were read and not kept: the limit was reached.
    pub left_out: u64,
    /// Why the file ends too early, if it does; all of the above holds for what stands before.
    pub broken: Option<CaptureError>,
}

/// Of how many unread packets it is said why.
pub const UNREAD_AT_MOST: usize = 100;

/// Why one packet of a capture is not read.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Unread {
    /// Its interface is of a kind that is not read.
    #[error("its link type is {number}: Ethernet (1), raw IP (101), null and loopback (0, 108), Linux cooked (113, 276) are read")]
    Link {
        /// The number of the link type.
        number: u32,
    },
    /// The header of the link names an unknown address family.
    #[error("its link header says address family {family}, not IPv4 (2) or IPv6 (10, 24, 28, 30)")]
    Family {
        /// The family.
        family: u32,
    },
    /// The capture kept less of it than its headers take.
    #[error("the capture cut it off before the end of its headers: capture more octets of each packet (snap length)")]
    CutShort,
    /// The block that holds it contradicts itself.
    #[error("its block cannot be read: {0}")]
    Block(String),
    /// It is no packet, or of a protocol that is not read.
    #[error(transparent)]
    Wire(WireError),
}

/// Why a file cannot be read as a capture, or not further.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum CaptureError {
    /// It begins with something else.
    #[error("not a capture: it begins with {}, a pcap or pcapng with one of a1b2c3d4, a1b23c4d, 0a0d0d0a{}", hex(.begins), compressed(.begins))]
    NotACapture {
        /// The first octets, at most four.
        begins: Vec<u8>,
    },
    /// The file ends inside a packet or block.
    #[error("the capture is cut off in packet {}: the file ends in the middle of it", .packets + 1)]
    CutOff {
        /// How many packets stand before.
        packets: u64,
    },
    /// The file says something that no reader could get past.
    #[error("the capture is broken at packet {}: {why}", .packets + 1)]
    Broken {
        /// How many packets stand before.
        packets: u64,
        /// What is wrong.
        why: String,
    },
    /// The input takes no more reading.
    #[error("cannot read packet {}: {why}", .packets + 1)]
    Io {
        /// How many packets stand before.
        packets: u64,
        /// What the system says.
        why: String,
    },
}

fn hex(octets: &[u8]) -> String {
    if octets.is_empty() { "nothing".to_owned() } else { octets.iter().map(|octet| format!("{octet:02x}")).collect() }
}

fn compressed(begins: &[u8]) -> &'static str {
    match begins {
        [0x1f, 0x8b, ..] => "; it is compressed, unpack it with gunzip first",
        [0x28, 0xb5, 0x2f, 0xfd] => "; it is compressed, unpack it with unzstd first",
        _ => "",
    }
}

/// One frame as a file holds it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RawFrame<'a> {
    /// Its number in the file, from 1.
    pub number: u64,
    /// When it passed, since 1970.
    pub at: Duration,
    /// Its link type, by number.
    pub link: u32,
    /// How many octets it had before the capture cut it.
    pub original: u32,
    /// What is there of it.
    pub octets: &'a [u8],
    /// Whether the file says that it was sent or received.
    pub seen: Seen,
    /// What the file calls the packet, the same at every tap; else its copies are found by what they are.
    pub packet_id: Option<u64>,
    /// Whether the file is synfin's own and taken at both hosts: then there is a copy of it for each.
    pub both_taps: bool,
}

/// Reads a pcap or pcapng: its connections, and both ends' states.
///
/// # Errors
/// [`CaptureError`] if not one packet can be reached; one that comes later stands in [`Capture::broken`].
pub fn read(input: impl Read, limits: Limits) -> Result<Capture, CaptureError> {
    let mut capture = Capture::default();
    let mut flows = Flows::new(limits);
    let end = frames(input, |number, frame| {
        capture.packets = number;
        if let Err(why) = frame.and_then(|frame| take(&frame, &mut flows)) {
            capture.unread += 1;
            if capture.reasons.len() < UNREAD_AT_MOST {
                capture.reasons.push((number, why));
            }
        }
    });
    match end {
        Err(error) if capture.packets == 0 => return Err(error),
        end => capture.broken = end.err(),
    }
    capture.origin = flows.origin();
    capture.left_out = flows.left_out();
    capture.flows = flows.finish();
    Ok(capture)
}

fn take(frame: &RawFrame<'_>, flows: &mut Flows) -> Result<(), Unread> {
    let link = Link::of(frame.link).ok_or(Unread::Link { number: frame.link & 0xffff })?;
    let whole = link::whole(frame.octets, frame.original);
    let read = link::decode(link, &whole, frame.octets.len())?;
    if frame.both_taps {
        flows.expect_both_copies();
    }
    let seen = if frame.seen == Seen::Passing { read.seen } else { frame.seen };
    let mark = frame.packet_id.or(read.identification.map(u64::from));
    flows.numbered(&Sighting { number: frame.number, at: frame.at, seen, intact: read.intact, mark }, &read.decoded);
    Ok(())
}

/// Gives every frame of a pcap or pcapng to `take`, with its number; what is no whole frame, with the reason.
///
/// Of the file a few megabytes are in memory at any time.
///
/// # Errors
/// [`CaptureError`]: what stands before it was given to `take`.
pub fn frames(mut input: impl Read, mut take: impl FnMut(u64, Result<RawFrame<'_>, Unread>)) -> Result<(), CaptureError> {
    let mut begins = Vec::new();
    input.by_ref().take(4).read_to_end(&mut begins).map_err(|error| CaptureError::Io { packets: 0, why: error.to_string() })?;
    let all = io::Cursor::new(begins.clone()).chain(input);
    match begins[..] {
        [0xa1, 0xb2, 0xc3, 0xd4] | [0xd4, 0xc3, 0xb2, 0xa1] | [0xa1, 0xb2, 0x3c, 0x4d] | [0x4d, 0x3c, 0xb2, 0xa1] => {
            pcap_frames(all, &mut take)
        }
        [0x0a, 0x0d, 0x0d, 0x0a] => pcapng_frames(all, &mut take),
        _ => Err(CaptureError::NotACapture { begins }),
    }
}

fn pcap_frames(input: impl Read, take: &mut impl FnMut(u64, Result<RawFrame<'_>, Unread>)) -> Result<(), CaptureError> {
    let failed = |packets, error| match error {
        PcapReadError::Io(error) => stopped(packets, &error),
        PcapReadError::Validation(error) => CaptureError::Broken { packets, why: error.to_string() },
    };
    let mut reader = PcapReader::new(input).map_err(|error| failed(0, error))?;
    let header = reader.header();
    let per_unit = if header.ts_resolution == PcapTsResolution::NanoSecond { 1 } else { 1000 };
    let mut number = 0;
    // Raw, because snap lengths and fractions that contradict the header are common and do no harm.
    while let Some(packet) = reader.next_raw_packet() {
        let packet = packet.map_err(|error| failed(number, error))?;
        number += 1;
        let fraction = Duration::from_nanos(u64::from(packet.ts_frac) * per_unit);
        let at = Duration::from_secs(u64::from(packet.ts_sec)) + fraction;
        let (link, original, octets) = (u32::from(header.datalink), packet.orig_len, &packet.data[..]);
        take(number, Ok(RawFrame { number, at, link, original, octets, seen: Seen::Passing, packet_id: None, both_taps: false }));
    }
    Ok(())
}

fn pcapng_frames(input: impl Read, take: &mut impl FnMut(u64, Result<RawFrame<'_>, Unread>)) -> Result<(), CaptureError> {
    let failed = |packets, error: PcapNgReadError| match error {
        PcapNgReadError::Io(error) => stopped(packets, &error),
        error => CaptureError::Broken { packets, why: with_causes(&error) },
    };
    let mut reader = PcapNgReader::new(input).map_err(|error| failed(0, error))?;
    let (mut number, mut last, mut described) = (0, Duration::ZERO, 0);
    loop {
        let before = reader.bytes_parsed();
        let known = reader.interfaces().len();
        match reader.next_block() {
            None => return Ok(()),
            Some(Ok((block, state))) => {
                if let Some(frame) = frame_of(&block, state, &mut last) {
                    number += 1;
                    take(number, Ok(RawFrame { number, ..frame }));
                }
            }
            Some(Err(PcapNgReadError::BlockConversion(error))) => match reader.next_raw_block() {
                Some(Ok((block, _))) if PACKET_BLOCKS.contains(&block.type_) => {
                    number += 1;
                    take(number, Err(Unread::Block(with_causes(&error))));
                }
                Some(Err(error)) => return Err(failed(number, error)),
                Some(Ok(_)) | None => {}
            },
            Some(Err(error)) => return Err(failed(number, error)),
        }
        // Descriptions of interfaces are kept as long as their section lasts.
        if reader.interfaces().len() > known {
            described += reader.bytes_parsed() - before;
        } else if reader.interfaces().len() < known {
            described = 0;
        }
        if described > DESCRIPTIONS_AT_MOST {
            let why = format!("its interfaces are described in more than {DESCRIPTIONS_AT_MOST} octets");
            return Err(CaptureError::Broken { packets: number, why });
        }
    }
}

/// Octets that the descriptions of the interfaces of one section may take.
const DESCRIPTIONS_AT_MOST: u64 = 4 << 20;

/// The blocks that hold a packet: obsolete, simple and enhanced.
const PACKET_BLOCKS: [u32; 3] = [2, 3, 6];

/// An option that pcap-file does not know: the number of the packet.
const EPB_PACKETID: u16 = 5;

/// The frame in a block, if it holds one; its number is not known here. A simple packet has no time: that of the one before.
fn frame_of<'a>(block: &'a Block<'_>, state: &PcapNgState, last: &mut Duration) -> Option<RawFrame<'a>> {
    let link = |interface: u32| state.interfaces().get(interface as usize).map(|interface| u32::from(interface.linktype));
    let ours = |option: &SectionHeaderOption<'_>| matches!(option, SectionHeaderOption::UserApplication(by) if by.starts_with("synfin "));
    let both_taps = state.interfaces().len() > 1 && state.section().options.iter().any(ours);
    let frame = |at, interface, original, octets, seen, packet_id| {
        Some(RawFrame { number: 0, at, link: link(interface)?, original, octets, seen, packet_id, both_taps })
    };
    match block {
        Block::EnhancedPacket(packet) => {
            *last = packet.timestamp;
            let flags = packet.options.iter().find_map(|option| match option {
                EnhancedPacketOption::Flags(flags) => Some(*flags),
                _ => None,
            });
            let seen = match flags.unwrap_or(0) & 3 {
                1 => Seen::Received,
                2 => Seen::Sent,
                _ => Seen::Passing,
            };
            let packet_id = packet.options.iter().find_map(|option| match option {
                EnhancedPacketOption::Common(CommonOption::Unknown(UnknownOption { code: EPB_PACKETID, value })) => {
                    // Its byte order does not matter: it is only compared.
                    value.as_ref().try_into().ok().map(u64::from_le_bytes)
                }
                _ => None,
            });
            frame(packet.timestamp, packet.interface_id, packet.original_len, &packet.data, seen, packet_id)
        }
        Block::Packet(packet) => {
            *last = packet.timestamp;
            frame(packet.timestamp, packet.interface_id.into(), packet.original_len, &packet.data, Seen::Passing, None)
        }
        Block::SimplePacket(packet) => frame(*last, 0, packet.original_len, &packet.data, Seen::Passing, None),
        _ => None,
    }
}

/// pcap-file says so of a file that ends in the middle of something, and of a length beyond all bounds.
fn stopped(packets: u64, error: &io::Error) -> CaptureError {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => CaptureError::CutOff { packets },
        _ => CaptureError::Io { packets, why: error.to_string() },
    }
}

/// An error with what caused it, which pcap-file keeps apart.
fn with_causes(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}
