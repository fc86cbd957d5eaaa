//! Frames somebody has seen on a real link, as they were, with what traces say of them.

use std::borrow::Cow;
use std::io::Write;
use std::time::Duration;

use pcap_file::pcap::{PcapHeader, PcapPacket, PcapTsResolution, PcapWriteError, PcapWriter};
use pcap_file::pcapng::PcapNgWriter;
use pcap_file::pcapng::blocks::enhanced_packet::{EnhancedPacketBlock, EnhancedPacketOption};
use pcap_file::pcapng::blocks::interface_description::{InterfaceDescriptionBlock, InterfaceDescriptionOption, InterfaceTsResolution};
use pcap_file::pcapng::blocks::opt_common::CommonOption;
use pcap_file::pcapng::blocks::section_header::{SectionHeaderBlock, SectionHeaderOption};
use pcap_file::{DataLink, Endianness};

use super::comment::{self, Since};
use super::{Format, PcapError, SNAP_LENGTH, Seen, Tap, octets};
use crate::trace::{PacketId, Trace};

/// What stands before the packet in each frame.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LinkHeader {
    /// An Ethernet II header (LINKTYPE_ETHERNET).
    Ethernet,
    /// Nothing: frames are IP packets (LINKTYPE_RAW), as on a TUN device.
    None,
}

/// A frame, and what is known of it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SeenFrame<'a> {
    /// When it passed, since 1970.
    pub at: Duration,
    /// All of it, from the link header on.
    pub octets: &'a [u8],
    /// What it did, one line each; a classic file leaves them out.
    pub comments: Vec<String>,
}

/// Writes frames, in order of time, as a capture at the interface of this name, and flushes it.
///
/// `about` says what was run. Frames have no direction: each stands for a packet that was sent and received.
///
/// # Errors
/// [`PcapError::Io`], if `out` takes no more; [`PcapError::Format`] for a moment no capture can say.
pub fn write_seen<'a>(
    frames: impl Iterator<Item = SeenFrame<'a>>,
    format: Format,
    (interface, header): (&str, LinkHeader),
    about: &str,
    out: &mut impl Write,
) -> Result<(), PcapError> {
    let datalink = match header {
        LinkHeader::Ethernet => DataLink::ETHERNET,
        LinkHeader::None => DataLink::RAW,
    };
    match format {
        Format::Pcap => {
            let header = PcapHeader {
                snaplen: SNAP_LENGTH,
                datalink,
                ts_resolution: PcapTsResolution::NanoSecond,
                endianness: Endianness::Little,
                ..PcapHeader::default()
            };
            let mut file = PcapWriter::with_header(&mut *out, header)?;
            for frame in frames {
                let packet = PcapPacket::new(frame.at, octets(frame.octets), frame.octets).map_err(PcapWriteError::from)?;
                file.write_packet(&packet)?;
            }
        }
        Format::PcapNg => {
            let mut file = PcapNgWriter::with_section_header(&mut *out, section(about))?;
            file.write_pcapng_block(InterfaceDescriptionBlock {
                linktype: datalink,
                snaplen: SNAP_LENGTH,
                options: vec![
                    InterfaceDescriptionOption::IfName(Cow::Borrowed(interface)),
                    InterfaceDescriptionOption::IfTsResol(InterfaceTsResolution::NANO),
                ],
            })?;
            for frame in frames {
                let comments =
                    frame.comments.into_iter().map(|comment| EnhancedPacketOption::Common(CommonOption::Comment(comment.into())));
                file.write_pcapng_block(EnhancedPacketBlock {
                    interface_id: 0,
                    timestamp: frame.at,
                    original_len: octets(frame.octets),
                    data: Cow::Borrowed(frame.octets),
                    options: comments.collect(),
                })?;
            }
        }
    }
    Ok(out.flush()?)
}

fn section(about: &str) -> SectionHeaderBlock<'_> {
    // An option has at most 65535 octets.
    let cut = about.char_indices().map(|(at, c)| at + c.len_utf8()).take_while(|end| *end <= 60_000).last().unwrap_or(0);
    SectionHeaderBlock {
        endianness: Endianness::Little,
        options: vec![
            SectionHeaderOption::Common(CommonOption::Comment(Cow::Borrowed(&about[..cut]))),
            SectionHeaderOption::UserApplication(concat!("synfin ", env!("CARGO_PKG_VERSION")).into()),
        ],
        ..SectionHeaderBlock::default()
    }
}

/// What the trace says of each packet, by the grammar of [`super`]: where it leaves, and where it arrives.
pub fn comments(trace: &Trace) -> Vec<(PacketId, String)> {
    let mut since = vec![Since::default(); trace.hosts.len()];
    let mut all = Vec::new();
    for entry in &trace.entries {
        let since = &mut since[usize::from(entry.host.0)];
        since.fired(entry);
        let Some(seen) = Seen::at(trace, Tap::Both, entry) else {
            since.note(entry);
            continue;
        };
        let mut text = String::new();
        comment::write(trace, seen, since, &mut text);
        since.clear();
        all.push((seen.packet, text));
    }
    all
}

#[cfg(test)]
mod tests {
    use pcap_file::pcapng::{Block, PcapNgReader};

    use super::*;

    #[test]
    fn what_was_seen_is_written_as_it_was() {
        let frame = [7_u8; 60];
        let seen = |at| SeenFrame { at, octets: &frame, comments: vec!["A one".to_owned(), "B two".to_owned()] };
        let at = Duration::new(1_700_000_000, 1);
        let mut file = Vec::new();
        write_seen([seen(at)].into_iter(), Format::PcapNg, ("lo", LinkHeader::Ethernet), &"ü".repeat(60_000), &mut file)
            .expect("memory takes all");
        let mut reader = PcapNgReader::new(&file[..]).expect("a section");
        let mut packets = 0;
        while let Some(block) = reader.next_block() {
            if let (Block::EnhancedPacket(packet), _) = block.expect("readable") {
                assert_eq!((packet.timestamp, &packet.data[..]), (at, &frame[..]));
                let options = format!("{:?}", packet.options);
                assert!(options.contains("A one") && options.contains("B two"), "{options}");
                packets += 1;
            }
        }
        assert_eq!(packets, 1);
    }

    #[test]
    fn each_packet_has_a_comment_of_each_host() {
        let trace = crate::scenario("half-close").expect("built in").run();
        let comments = comments(&trace);
        assert_eq!(comments.len(), 2 * trace.packets.len());
        assert!(comments[0].1.starts_with("A SYN-SENT") || comments[0].1.starts_with("A CLOSED"), "{}", comments[0].1);
        assert!(comments[1].1.starts_with("B LISTEN -> SYN-RECEIVED | rcv SYN"), "{}", comments[1].1);
    }
}
