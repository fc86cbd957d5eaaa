//! A trace as a capture file, as if someone had listened at one host or at each.
//!
//! A tap at a host sees its packets when they leave and the others' when they arrive. So a packet
//! that is lost later is seen by its sender only, an injected one by its receiver only. Same trace,
//! same octets, on every machine: byte order, snap length and time are fixed here, and nothing is
//! asked of clock or host.
//!
//! A pcapng file says more than a classic one: the recipe in its section header, one interface for
//! each tap, and on each packet its direction, its number in the trace (`epb_packetid`: the same at
//! both taps) and a comment, whose grammar is below.
//!
//! Here: blocks, interfaces, times, directions. Not here: headers and checksums ([`crate::wire`]).
//!
//! # The comment on a packet
//! One line of ASCII, in fields:
//!
//! ```text
//! A SYN-SENT -> ESTABLISHED | rcv SYN,ACK | syn-sent/syn-ack | RFC 9293 3.10.7.3 fourth | signal: connection opened
//! A ESTABLISHED -> ESTABLISHED | snd ACK | established/retransmit | RFC 9293 3.10.8 | after: call send 100, timer rexmt
//! B CLOSE-WAIT -> LAST-ACK | snd FIN,ACK | close-wait/fin-sent | RFC 9293 3.10.4 | after: loss 7, call close
//! ```
//! ```text
//! comment  = name " " change " | " way " " flags [" " ecn] " | " rules " | " sections [signals] [after]
//! change   = state " -> " state               ; the host's state before and after
//! way      = "snd" / "rcv" / "drop"        ; drop: received with a wrong checksum, and left unread
//! flags    = "none" / flag *("," flag)        ; SYN, FIN,ACK
//! ecn      = "ECT(1)" / "ECT(0)" / "CE"   ; the ECN field of the IP header, where it is not Not-ECT
//! rules    = "-" / rule *("+" rule)           ; rcv: those that fired, in order; snd: the one that let it leave
//! sections = "-" / "RFC 9293 " section *("; " section)   ; of the same rules, in the same order
//! signals  = " | signal: " signal *(", " signal)         ; what the user was told because of this packet
//! after    = " | after: " event *(", " event) [", " number " more"]
//! event    = thing [" (" change " by " rules ")"]        ; the change is left out where there is none
//! thing    = ("call" / "return") " " words [" = " errno] ; return: of a call that had blocked
//!          / "timer " name / "signal " signal
//!          / "loss " number                   ; the packet of this number, on its way to this host, is lost
//!          / "note " words
//! ```
//! `after` holds what happened at the host since its frame before this one and had no packet: it has
//! no frame of its own, and a fake one would not decode. What follows a host's last frame is not in
//! the capture. Of `words` at most 80 characters are kept, and `, | ( )` and all that is not printable
//! ASCII become `_`. At most 64 events are told, the others counted.

mod comment;
mod seen;
mod stream;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::io::{self, Write};
use std::path::Path;
use std::time::Duration;

use pcap_file::pcap::{PcapHeader, PcapPacket, PcapTsResolution, PcapWriteError, PcapWriter};
use pcap_file::pcapng::blocks::enhanced_packet::{EnhancedPacketBlock, EnhancedPacketOption};
use pcap_file::pcapng::blocks::interface_description::{InterfaceDescriptionBlock, InterfaceDescriptionOption, InterfaceTsResolution};
use pcap_file::pcapng::blocks::opt_common::{CommonOption, UnknownOption};
use pcap_file::pcapng::blocks::section_header::{SectionHeaderBlock, SectionHeaderOption};
use pcap_file::pcapng::{PcapNgWriteError, PcapNgWriter};
use pcap_file::{DataLink, Endianness};

use crate::engine::Instant;
use crate::trace::{Entry, Envelope, HostId, HostInfo, PacketId, Trace, What};
use crate::wire::{self, WireError};

use comment::Since;
pub use seen::{LinkHeader, SeenFrame, comments, write_seen};
pub use stream::Stream;

/// The kinds of capture files.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Format {
    /// Classic pcap with nanoseconds, magic `0xa1b23c4d`: packets and times, nothing else.
    Pcap,
    /// pcapng: with interfaces, directions and comments.
    PcapNg,
}

impl Format {
    /// The format a file name asks for: `.pcap` or `.pcapng`, in any case; `None` for any other.
    pub fn of_path(path: &Path) -> Option<Self> {
        let extension = path.extension()?;
        if extension.eq_ignore_ascii_case("pcap") {
            Some(Self::Pcap)
        } else if extension.eq_ignore_ascii_case("pcapng") {
            Some(Self::PcapNg)
        } else {
            None
        }
    }
}

/// Where the capture is made.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Tap {
    /// At this host.
    Host(HostId),
    /// At every host: one interface each, in the order of the trace. Most packets are seen twice.
    Both,
}

/// Why there is no capture file, or not a whole one.
#[derive(Debug, thiserror::Error)]
pub enum PcapError {
    /// A classic file with more than one tap was asked for.
    #[error("a classic pcap file has one interface: choose one host's tap, or write pcapng")]
    OneInterface,
    /// The tap is at a host the trace does not have.
    #[error("there is no host number {} to capture at: the trace has {hosts}, numbered from 0", .host.0)]
    NoSuchHost {
        /// Whose tap was asked for.
        host: HostId,
        /// How many hosts there are.
        hosts: usize,
    },
    /// A packet of the trace cannot be put into octets.
    #[error("packet {} of the trace cannot be written", .packet.0)]
    Packet {
        /// Which.
        packet: PacketId,
        /// Why.
        source: WireError,
    },
    /// The output takes no more; the kind says whether a closed pipe or a full disk is the reason.
    #[error("cannot write the capture")]
    Io(#[from] io::Error),
    /// The format has no way to say it: a moment after 2106 in pcap or 2554 in pcapng, a recipe above 65535 octets.
    #[error("the capture format cannot hold the trace: {0}")]
    Format(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// For whoever writes into a file: what the output refused stays what it was, anything else is told through it.
impl From<PcapError> for io::Error {
    fn from(error: PcapError) -> Self {
        match error {
            PcapError::Io(error) => error,
            error => Self::other(error),
        }
    }
}

/// Time 0 of every trace: 2022-08-18T00:00:00Z, when RFC 9293 was published; as the time since 1970.
pub const EPOCH: Duration = Duration::from_hours(19_222 * 24);

/// The most octets of a packet a reader must expect; 262144 is what tcpdump and mergecap write too.
pub const SNAP_LENGTH: u32 = 262_144;

/// The link address of whoever injects packets: he is no host of the trace (locally administered).
pub const FORGER: [u8; 6] = [0x02, 0, 0, 0, 0, 0xff];

/// Writes what `tap` sees of `trace` to `out`, packet by packet, and flushes it.
///
/// The writes are small: give it a [`std::io::BufWriter`] for a file.
///
/// # Errors
/// [`PcapError::OneInterface`] for a classic file at both taps and [`PcapError::NoSuchHost`], before
/// anything is written. The others may come after some of it.
pub fn write(trace: &Trace, format: Format, tap: Tap, out: &mut impl Write) -> Result<(), PcapError> {
    match tap {
        Tap::Both if format == Format::Pcap => return Err(PcapError::OneInterface),
        Tap::Host(host) if usize::from(host.0) >= trace.hosts.len() => {
            return Err(PcapError::NoSuchHost { host, hosts: trace.hosts.len() });
        }
        Tap::Host(_) | Tap::Both => {}
    }
    match format {
        Format::Pcap => write_pcap(trace, tap, out)?,
        Format::PcapNg => write_pcapng(trace, tap, out)?,
    }
    Ok(out.flush()?)
}

fn write_pcap(trace: &Trace, tap: Tap, out: &mut impl Write) -> Result<(), PcapError> {
    let header = PcapHeader {
        snaplen: SNAP_LENGTH,
        datalink: DataLink::ETHERNET,
        ts_resolution: PcapTsResolution::NanoSecond,
        endianness: Endianness::Little,
        ..PcapHeader::default()
    };
    let mut file = PcapWriter::with_header(out, header)?;
    let mut frames = Frames::new(trace);
    for seen in trace.entries.iter().filter_map(|entry| Seen::at(trace, tap, entry)) {
        let frame = frames.encode(seen)?;
        let packet = PcapPacket::new(moment(seen.entry.at), octets(frame), frame).map_err(PcapWriteError::from)?;
        file.write_packet(&packet)?;
    }
    Ok(())
}

fn write_pcapng(trace: &Trace, tap: Tap, out: &mut impl Write) -> Result<(), PcapError> {
    let mut file = PcapNgWriter::with_section_header(out, section(trace))?;
    for host in trace.hosts.iter().zip(0..).filter(|(_, id)| tap.is_at(HostId(*id))).map(|(host, _)| host) {
        file.write_pcapng_block(interface(host))?;
    }
    let mut frames = Frames::new(trace);
    let mut since = vec![Since::default(); trace.hosts.len()];
    let mut comment = String::new();
    for entry in trace.entries.iter().filter(|entry| tap.is_at(entry.host)) {
        let since = &mut since[usize::from(entry.host.0)];
        since.fired(entry);
        let Some(seen) = Seen::at(trace, tap, entry) else {
            since.note(entry);
            continue;
        };
        comment.clear();
        comment::write(trace, seen, since, &mut comment);
        since.clear();
        let frame = frames.encode(seen)?;
        let packet_id = u64::from(seen.packet.0).to_le_bytes();
        file.write_pcapng_block(EnhancedPacketBlock {
            interface_id: if tap == Tap::Both { entry.host.0.into() } else { 0 },
            timestamp: moment(entry.at),
            original_len: octets(frame),
            data: Cow::Borrowed(frame),
            options: vec![
                EnhancedPacketOption::Common(CommonOption::Comment(Cow::Borrowed(&comment))),
                EnhancedPacketOption::Flags(seen.direction.flags()),
                EnhancedPacketOption::Common(CommonOption::Unknown(UnknownOption::new(EPB_PACKETID, &packet_id))),
            ],
        })?;
    }
    Ok(())
}

/// `epb_packetid`, a number of 64 bits. pcap-file does not know this option and takes its octets as they are,
/// so they must be in the byte order of the section, little endian.
const EPB_PACKETID: u16 = 5;

fn section(trace: &Trace) -> SectionHeaderBlock<'static> {
    let recipe: Vec<String> = trace.recipe.iter().map(|(key, value)| format!("{key}={value}")).collect();
    let mut options = Vec::new();
    if !recipe.is_empty() {
        options.push(SectionHeaderOption::Common(CommonOption::Comment(recipe.join(" ").into())));
    }
    options.push(SectionHeaderOption::UserApplication(concat!("synfin ", env!("CARGO_PKG_VERSION")).into()));
    SectionHeaderBlock { endianness: Endianness::Little, options, ..SectionHeaderBlock::default() }
}

fn interface(host: &HostInfo) -> InterfaceDescriptionBlock<'_> {
    InterfaceDescriptionBlock {
        linktype: DataLink::ETHERNET,
        snaplen: SNAP_LENGTH,
        options: vec![
            InterfaceDescriptionOption::IfName(Cow::Borrowed(&host.name)),
            InterfaceDescriptionOption::IfDescription(format!("tap at host {}, {}", host.name, host.address).into()),
            // Without it, readers take the times for microseconds.
            InterfaceDescriptionOption::IfTsResol(InterfaceTsResolution::NANO),
        ],
    }
}

impl Tap {
    fn is_at(self, host: HostId) -> bool {
        match self {
            Self::Host(tapped) => tapped == host,
            Self::Both => true,
        }
    }
}

/// A packet as one tap sees it.
#[derive(Clone, Copy)]
struct Seen<'a> {
    entry: &'a Entry,
    packet: PacketId,
    direction: Direction,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Direction {
    Inbound,
    Outbound,
}

impl Direction {
    /// Bits 0 and 1 of `epb_flags`.
    fn flags(self) -> u32 {
        match self {
            Self::Inbound => 1,
            Self::Outbound => 2,
        }
    }
}

impl<'a> Seen<'a> {
    /// The packet that `tap` sees at this entry, if any.
    fn at(trace: &Trace, tap: Tap, entry: &'a Entry) -> Option<Self> {
        let (packet, direction) = match entry.what {
            What::Arrival(packet) | What::Rejection(packet) => (packet, Direction::Inbound),
            // What a third party injects leaves no host, whichever the entry names.
            What::Departure(packet) if trace.packet(packet).from == Some(entry.host) => (packet, Direction::Outbound),
            What::Departure(_) | What::Call { .. } | What::Loss(_) | What::Timer(_) | What::Note(_) | What::Observation => return None,
        };
        tap.is_at(entry.host).then_some(Self { entry, packet, direction })
    }
}

/// Makes the frames of one trace, all in the same buffer.
struct Frames<'a> {
    trace: &'a Trace,
    identifications: Vec<u16>,
    buffer: Vec<u8>,
}

impl<'a> Frames<'a> {
    fn new(trace: &'a Trace) -> Self {
        // One counter for each host and one for the forger, the last. Counted over the trace, not over what the
        // tap sees: a packet has the same number at both taps, and whichever is asked for.
        let mut counters = vec![0_u16; trace.hosts.len() + 1];
        let forger = trace.hosts.len();
        let identifications = trace
            .packets
            .iter()
            .map(|packet| {
                let counter = &mut counters[packet.from.map_or(forger, |host| usize::from(host.0))];
                *counter = counter.wrapping_add(1);
                *counter
            })
            .collect();
        Self { trace, identifications, buffer: Vec::new() }
    }

    fn encode(&mut self, seen: Seen<'_>) -> Result<&[u8], PcapError> {
        let packet = self.trace.packet(seen.packet);
        self.buffer.clear();
        wire::encode_frame(
            [packet.from.map_or(FORGER, |host| self.trace.host(host).link_address), self.trace.host(packet.to).link_address],
            packet.source,
            packet.destination,
            self.identifications[seen.packet.0 as usize],
            &packet.payload,
            &mut self.buffer,
        )
        .map_err(|source| PcapError::Packet { packet: seen.packet, source })?;
        if packet.envelope != Envelope::PLAIN {
            wire::enclose(&mut self.buffer, LINK_HEADER, &packet.envelope)
                .map_err(|source| PcapError::Packet { packet: seen.packet, source })?;
        }
        if let Some(damage) = packet.damage {
            wire::damage(&mut self.buffer[LINK_HEADER..], damage);
        }
        Ok(&self.buffer)
    }
}

/// Octets of an Ethernet II header.
const LINK_HEADER: usize = 14;

fn moment(at: Instant) -> Duration {
    EPOCH + Duration::from_nanos(at.as_nanos())
}

/// The length of a frame; it holds an IP packet, so it is far below 2^32.
fn octets(frame: &[u8]) -> u32 {
    u32::try_from(frame.len()).unwrap_or(u32::MAX)
}

impl From<PcapWriteError> for PcapError {
    fn from(error: PcapWriteError) -> Self {
        match error {
            PcapWriteError::Io(cause) | PcapWriteError::FieldWriteFailed(_, cause) => Self::Io(cause),
            PcapWriteError::Validation(cause) => Self::Format(cause.into()),
        }
    }
}

impl From<PcapNgWriteError> for PcapError {
    fn from(error: PcapNgWriteError) -> Self {
        match error {
            PcapNgWriteError::Io(cause) => Self::Io(cause),
            PcapNgWriteError::Validation { source, .. } => Self::Format(source),
            other @ (PcapNgWriteError::InvalidFormat(_) | PcapNgWriteError::StateUpdate(_)) => Self::Format(other.into()),
        }
    }
}
