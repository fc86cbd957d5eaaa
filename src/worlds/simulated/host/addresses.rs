//! Which addresses TCP speaks to and hears, and what ICMP errors say of its connections.

use std::net::IpAddr;

use super::errors::{errno_of, errno_of_refusal, judged_as_refusal};
use super::{Host, SocketId};
use crate::engine::{self, Instant};
use crate::trace::{IcmpError, Quote, Quoted};
use crate::worlds::Errno;

/// The hosts of a link share so many octets of an IPv4 address: the documentation networks are each a /24.
const NETWORK_OCTETS: usize = 3;

/// Whether a single host can have this address, as a host at `own` sees it: neither unspecified, multicast nor
/// broadcast, that of its own network included (RFC 1122 section 3.2.1.3).
pub(super) fn is_unicast(address: IpAddr, own: IpAddr) -> bool {
    if address.is_unspecified() || address.is_multicast() {
        return false;
    }
    match (address, own) {
        (IpAddr::V4(address), IpAddr::V4(own)) => {
            let (octets, own) = (address.octets(), own.octets());
            let here = octets[..NETWORK_OCTETS] == own[..NETWORK_OCTETS];
            let to_all = here && octets[NETWORK_OCTETS] == u8::MAX;
            !address.is_broadcast() && !to_all
        }
        (IpAddr::V4(_) | IpAddr::V6(_), _) => true,
    }
}

/// What TCP makes of an ICMP error; `None` for one it takes no notice of (RFC 9293 section 3.9.2.2).
pub(super) fn judged(error: IcmpError) -> Option<engine::IcmpError> {
    match error {
        IcmpError::ProtocolUnreachable | IcmpError::PortUnreachable | IcmpError::FragmentationNeeded => Some(engine::IcmpError::Hard),
        IcmpError::NetUnreachable
        | IcmpError::HostUnreachable
        | IcmpError::SourceRouteFailed
        | IcmpError::TimeExceeded
        | IcmpError::ReassemblyTimeExceeded
        | IcmpError::ParameterProblem => Some(engine::IcmpError::Soft),
        // Codes RFC 1122 section 3.2.2.1 adds tell of the same things; section 4.2.3.9 makes none of them hard.
        IcmpError::NetUnknown | IcmpError::HostUnknown | IcmpError::NetProhibited | IcmpError::HostProhibited | IcmpError::Prohibited => {
            Some(engine::IcmpError::Soft)
        }
        // MUST-55.
        IcmpError::SourceQuench => None,
    }
}

impl Host {
    /// An ICMP error about a packet of this host arrives: it goes to the connection that sent the quoted segment.
    pub(super) fn on_icmp_error<T>(&mut self, now: Instant, error: IcmpError, quote: &Quote<T>) -> Option<SocketId> {
        let seq = match quote.what {
            Quoted::Tcp(seq) => seq,
            Quoted::Udp => {
                self.on_udp_error(error, quote.source, quote.destination);
                return None;
            }
            Quoted::Echo { id, seq } => {
                self.on_echo_error(error, id, seq);
                return None;
            }
            Quoted::Other(_) => return None,
        };
        let id = self.quoted(quote)?;
        let (refusals_only, names_protocol) = (self.profile.icmp_refusals_only, self.profile.protocol_errno);
        let judgment = if refusals_only { judged_as_refusal(error) } else { judged(error) }?;
        let socket = self.get_mut(id).ok()?;
        let named = names_protocol && error == IcmpError::ProtocolUnreachable;
        let errno = if refusals_only { errno_of_refusal(error) } else { errno_of(error) };
        socket.unreachable = if named { Some(Errno::NoProtocol) } else { errno };
        socket.connection.on_icmp(now, judgment, seq);
        self.after_input(id);
        Some(id)
    }

    /// The connection whose segment is quoted (MUST-54).
    pub(in super::super) fn quoted<T>(&self, quote: &Quote<T>) -> Option<SocketId> {
        let ours = quote.source.address == self.address && matches!(quote.what, Quoted::Tcp(_));
        self.flows.get(&(quote.source.port, quote.destination)).filter(|_| ours).copied()
    }
}
