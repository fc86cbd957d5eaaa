//! The MD5 signature of a segment (RFC 2385): what goes into the digest, and where it stands.

use etherparse::{IpNumber, TcpHeader};
use md5::{Digest, Md5};

use super::{TCP_CHECKSUM, WireError, encode_packet, length};
use crate::engine::{Segment, TcpOption, TcpOptions};
use crate::trace::{End, Payload};
use std::net::IpAddr;

/// The kind of the option.
pub const SIGNATURE: u8 = 19;

/// Octets of the digest.
pub const DIGEST: usize = 16;

/// The digest of a segment between these ends under `key` (RFC 2385 section 2.0): over the pseudo-header, the header
/// without options and with a checksum of zero, the text, and the key.
///
/// The options count in both lengths, so the one of the digest must be among them; what is in it does not matter.
///
/// # Errors
/// Those of [`encode_packet`].
pub fn signature(source: End, destination: End, segment: &Segment, text: &[u8], key: &[u8]) -> Result<[u8; DIGEST], WireError> {
    let mut packet = Vec::new();
    encode_packet(source, destination, 0, &Payload::Tcp { segment: *segment, text }, &mut packet)?;
    let mut digest = Md5::new();
    let ip = match (source.address, destination.address) {
        (IpAddr::V4(source), IpAddr::V4(destination)) => {
            digest.update(source.octets());
            digest.update(destination.octets());
            20
        }
        (IpAddr::V6(source), IpAddr::V6(destination)) => {
            digest.update(source.octets());
            digest.update(destination.octets());
            40
        }
        // They would have been refused above.
        (source_address, destination_address) => return Err(WireError::Families { source_address, destination_address }),
    };
    let tcp = &packet[ip..];
    let long = length(tcp.len())?;
    let (protocol, long) = (u16::from(IpNumber::TCP.0).to_be_bytes(), long.to_be_bytes());
    if ip == 40 {
        // RFC 8200 section 8.1: the length comes first, and both have 32 bits.
        digest.update([0, 0, long[0], long[1], 0, 0, protocol[0], protocol[1]]);
    } else {
        digest.update([protocol[0], protocol[1], long[0], long[1]]);
    }
    digest.update(&tcp[..TCP_CHECKSUM]);
    digest.update([0, 0]);
    digest.update(&tcp[TCP_CHECKSUM + 2..TcpHeader::MIN_LEN]);
    digest.update(text);
    digest.update(key);
    Ok(digest.finalize().into())
}

/// What a segment brings as its signature; `None` if it brings none.
pub fn signature_of(options: &TcpOptions) -> Option<&[u8]> {
    options.iter().find_map(|option| match option {
        TcpOption::Unknown { kind: SIGNATURE, data } => Some(data),
        _ => None,
    })
}
