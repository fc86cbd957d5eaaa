//! What stands around a segment on the wire, beside the addresses.

use crate::engine::Codepoint;

/// The fields of the headers around a payload that are neither addresses, lengths nor checksums.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Envelope {
    /// Time to live, or hop limit: how many hosts may still pass the packet on.
    pub ttl: u8,
    /// How routers are to treat it: the upper six bits of the TOS octet or of the traffic class (RFC 2474).
    pub dscp: u8,
    /// The ECN field: the lower two bits of that octet.
    pub codepoint: Codepoint,
    /// What its flow has in common, 20 bits; IPv6 only (RFC 6437).
    pub flow_label: u32,
    /// The UDP header between IP and TCP, where a segment travels in one.
    pub udp: Option<UdpPorts>,
}

/// The ports of a UDP header that carries a segment.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct UdpPorts {
    /// Of who sends.
    pub source: u16,
    /// Of whom it is for.
    pub destination: u16,
}

impl UdpPorts {
    /// Octets of the header they stand in (RFC 768).
    pub const HEADER: u16 = 8;
}

impl Envelope {
    /// What a host says that was asked for nothing: TTL 64, IANA's recommended default, and all else zero.
    pub const PLAIN: Self = Self { ttl: 64, dscp: 0, codepoint: Codepoint::NotEct, flow_label: 0, udp: None };

    /// A plain one with this ECN field.
    pub const fn marked(codepoint: Codepoint) -> Self {
        Self { codepoint, ..Self::PLAIN }
    }

    /// The TOS octet of IPv4, the traffic class of IPv6.
    pub const fn tos(&self) -> u8 {
        self.dscp << 2 | self.codepoint.bits()
    }

    /// With this TOS octet or traffic class.
    #[must_use]
    pub const fn with_tos(self, tos: u8) -> Self {
        Self { dscp: tos >> 2, codepoint: Codepoint::from_bits(tos), ..self }
    }
}

impl Default for Envelope {
    fn default() -> Self {
        Self::PLAIN
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dscp_and_ecn_share_an_octet() {
        // RFC 3168 section 5: ECN has the two lower bits. Expedited forwarding is 46 (RFC 3246).
        let envelope = Envelope::PLAIN.with_tos(0xba);
        assert_eq!((envelope.dscp, envelope.codepoint, envelope.tos()), (46, Codepoint::Ect0, 0xba));
    }
}
