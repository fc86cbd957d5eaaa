//! A capture that grows while things happen: packets as octets, with the moments of a real clock.

use std::borrow::Cow;
use std::io::Write;
use std::time::Duration;

use pcap_file::DataLink;
use pcap_file::Endianness;
use pcap_file::pcap::{PcapHeader, PcapPacket, PcapTsResolution, PcapWriteError, PcapWriter};
use pcap_file::pcapng::PcapNgWriter;
use pcap_file::pcapng::blocks::enhanced_packet::{EnhancedPacketBlock, EnhancedPacketOption};
use pcap_file::pcapng::blocks::interface_description::{InterfaceDescriptionBlock, InterfaceDescriptionOption, InterfaceTsResolution};
use pcap_file::pcapng::blocks::opt_common::CommonOption;
use pcap_file::pcapng::blocks::section_header::{SectionHeaderBlock, SectionHeaderOption};

use super::{Direction, Format, PcapError, SNAP_LENGTH, octets};

/// A capture file that is written packet by packet, each flushed, so that whoever reads along sees it.
///
/// Its packets are IP packets without a link header (LINKTYPE_RAW).
pub struct Stream<W: Write> {
    file: File<W>,
}

enum File<W: Write> {
    Pcap(PcapWriter<W>),
    PcapNg(Box<PcapNgWriter<W>>),
}

impl<W: Write> Stream<W> {
    /// Begins a capture at an interface of this name.
    ///
    /// # Errors
    /// [`PcapError::Io`], if `out` takes no more.
    pub fn begin(out: W, format: Format, interface: &str) -> Result<Self, PcapError> {
        let file = match format {
            Format::Pcap => {
                let header = PcapHeader {
                    snaplen: SNAP_LENGTH,
                    datalink: DataLink::RAW,
                    ts_resolution: PcapTsResolution::NanoSecond,
                    endianness: Endianness::Little,
                    ..PcapHeader::default()
                };
                File::Pcap(PcapWriter::with_header(out, header)?)
            }
            Format::PcapNg => {
                let options = vec![SectionHeaderOption::UserApplication(concat!("synfin ", env!("CARGO_PKG_VERSION")).into())];
                let section = SectionHeaderBlock { endianness: Endianness::Little, options, ..SectionHeaderBlock::default() };
                let mut file = PcapNgWriter::with_section_header(out, section)?;
                file.write_pcapng_block(InterfaceDescriptionBlock {
                    linktype: DataLink::RAW,
                    snaplen: SNAP_LENGTH,
                    options: vec![
                        InterfaceDescriptionOption::IfName(Cow::Borrowed(interface)),
                        InterfaceDescriptionOption::IfTsResol(InterfaceTsResolution::NANO),
                    ],
                })?;
                File::PcapNg(Box::new(file))
            }
        };
        Ok(Self { file })
    }

    /// An IP packet, `since_1970`; `outbound` if it left the host at whose interface this is. The comment is for pcapng alone.
    ///
    /// # Errors
    /// [`PcapError`], if `out` takes no more or the format cannot hold the moment.
    pub fn packet(&mut self, since_1970: Duration, outbound: bool, packet: &[u8], comment: &str) -> Result<(), PcapError> {
        let direction = if outbound { Direction::Outbound } else { Direction::Inbound };
        match &mut self.file {
            File::Pcap(file) => {
                let packet = PcapPacket::new(since_1970, octets(packet), packet).map_err(PcapWriteError::from)?;
                file.write_packet(&packet)?;
                file.flush()?;
            }
            File::PcapNg(file) => {
                file.write_pcapng_block(EnhancedPacketBlock {
                    interface_id: 0,
                    timestamp: since_1970,
                    original_len: octets(packet),
                    data: Cow::Borrowed(packet),
                    options: vec![
                        EnhancedPacketOption::Common(CommonOption::Comment(Cow::Borrowed(comment))),
                        EnhancedPacketOption::Flags(direction.flags()),
                    ],
                })?;
                file.get_mut().flush()?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use pcap_file::pcap::PcapReader;
    use pcap_file::pcapng::{Block, PcapNgReader};

    use super::*;

    const AT: Duration = Duration::new(1_700_000_000, 123_456_789);
    const PACKET: [u8; 20] = [0x45; 20];

    fn stream(format: Format) -> Vec<u8> {
        let mut out = Vec::new();
        let mut stream = Stream::begin(&mut out, format, "synfin0").expect("memory takes all");
        stream.packet(AT, false, &PACKET, "first").expect("memory takes all");
        stream.packet(AT, true, &PACKET[..10], "second").expect("memory takes all");
        drop(stream);
        out
    }

    #[test]
    fn a_classic_stream_holds_ip_packets_and_nanoseconds() {
        let octets = stream(Format::Pcap);
        let mut file = PcapReader::new(&octets[..]).expect("a header");
        assert_eq!(file.header().datalink, DataLink::RAW);
        let first = file.next_packet().expect("a packet").expect("readable");
        assert_eq!((first.timestamp(), first.data()), (AT, &PACKET[..]));
    }

    #[test]
    fn a_pcapng_stream_says_directions_and_comments() {
        let octets = stream(Format::PcapNg);
        let mut file = PcapNgReader::new(&octets[..]).expect("a section");
        let mut seen = Vec::new();
        while let Some(block) = file.next_block() {
            if let (Block::EnhancedPacket(packet), _) = block.expect("readable") {
                assert_eq!(packet.timestamp, AT);
                seen.push(format!("{:?}", packet.options));
            }
        }
        assert!(seen[0].contains("first") && seen[0].contains("Flags(1)"), "{seen:?}");
        assert!(seen[1].contains("second") && seen[1].contains("Flags(2)"), "{seen:?}");
    }
}
