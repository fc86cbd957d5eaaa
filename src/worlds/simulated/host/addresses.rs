//! Which addresses TCP speaks to and hears, and what ICMP errors say of its connections.

use std::net::IpAddr;

use super::errors::{drops_request, errno_of, errno_of_doubt, errno_of_refusal, fine_errno_of, judged_as_refusal};
use super::{Host, SocketId};
use crate::engine::profile::IcmpRequests;
use crate::engine::{self, Instant, Ours, Profile, SeqNumber, State};
use crate::trace::{IcmpError, Quote, Quoted};
use crate::worlds::Errno;

/// The hosts of a link share so many octets of an IPv4 address: the documentation networks are each a /24.
const NETWORK_OCTETS: usize = 3;

/// How often a SYN is repeated before a second doubt counts.
const DOUBTS_AFTER: u8 = 3;

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
        | IcmpError::ParameterProblem
        // Codes RFC 1122 section 3.2.2.1 adds tell of the same things; section 4.2.3.9 makes none of them hard.
        | IcmpError::NetUnknown
        | IcmpError::HostUnknown
        | IcmpError::HostIsolated
        | IcmpError::NetProhibited
        | IcmpError::HostProhibited
        | IcmpError::NetUnreachableForService
        | IcmpError::HostUnreachableForService
        | IcmpError::Prohibited
        | IcmpError::PrecedenceViolation
        | IcmpError::PrecedenceCutoff
        | IcmpError::BeyondScope
        | IcmpError::PolicyFailed
        | IcmpError::RouteRejects => Some(engine::IcmpError::Soft),
        // MUST-55. A redirect is for the routing table.
        IcmpError::SourceQuench | IcmpError::RedirectNet | IcmpError::RedirectHost => None,
    }
}

impl Host {
    /// An ICMP error about a packet of this host arrives: it goes to the connection that sent the quoted segment.
    pub(super) fn on_icmp_error<T: AsRef<[u8]>>(
        &mut self,
        now: Instant,
        error: IcmpError,
        parameter: u32,
        quote: &Quote<T>,
    ) -> Option<SocketId> {
        let seq = match quote.what {
            Quoted::Tcp(seq) => seq,
            Quoted::Udp => {
                if let Some(inner) = self.quoted_in_udp(quote) {
                    return self.on_icmp_error(now, error, parameter, &inner);
                }
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
        if error == IcmpError::FragmentationNeeded && self.profile.path_mtu_discovery {
            return self.on_too_big(id, now, parameter, seq);
        }
        if self.profile.icmp_refusals_only
            && let Some(errno) = errno_of_doubt(error, self.profile.icmp_may_reset)
        {
            return self.on_doubt(id, now, errno, seq);
        }
        if !self.profile.icmp_may_reset {
            return Some(id);
        }
        let ipv6 = self.address.is_ipv6();
        let Profile { icmp_refusals_only: refusals_only, fine_errnos, .. } = *self.profile;
        let errno = if refusals_only {
            errno_of_refusal(error)
        } else if fine_errnos {
            fine_errno_of(error, ipv6)
        } else {
            errno_of(error)
        };
        // What has no name is nobody's error.
        errno?;
        let mut judgment = if refusals_only { judged_as_refusal(error) } else { judged(error) }?;
        let requests = self.profile.icmp_requests;
        let socket = self.get_mut(id).ok()?;
        if refusals_only && socket.connection.state() != State::SynSent {
            return Some(id);
        }
        if socket.is_request() {
            match requests {
                IcmpRequests::Rfc => {}
                IcmpRequests::Linux if drops_request(error, ipv6) => judgment = engine::IcmpError::Hard,
                IcmpRequests::Linux | IcmpRequests::Off => return Some(id),
            }
        }
        socket.unreachable = errno;
        socket.connection.on_icmp(now, judgment, seq);
        self.after_input(id);
        Some(id)
    }

    /// FreeBSD is told of what may get better: it is why time is out, if that comes to pass, and the second one after a
    /// few repeats ends an opening. Of an open connection the ways to it are no matter (`tcp_notify`).
    fn on_doubt(&mut self, id: SocketId, now: Instant, errno: Errno, seq: SeqNumber<Ours>) -> Option<SocketId> {
        let socket = self.get_mut(id).ok()?;
        let state = socket.connection.state();
        if socket.is_request() || (state == State::Established && errno == Errno::HostUnreachable) {
            return Some(id);
        }
        let enough = state == State::SynSent && socket.soft_error.is_some() && socket.connection.info(now).retransmits > DOUBTS_AFTER;
        socket.unreachable = Some(errno);
        socket.connection.on_icmp(now, if enough { engine::IcmpError::Hard } else { engine::IcmpError::Soft }, seq);
        self.after_input(id);
        Some(id)
    }

    /// The connection whose segment is quoted (MUST-54).
    pub(in super::super) fn quoted<T>(&self, quote: &Quote<T>) -> Option<SocketId> {
        let ours = quote.source.address == self.address && matches!(quote.what, Quoted::Tcp(_));
        self.flows.get(&(quote.source.port, quote.destination)).filter(|_| ours).copied()
    }
}
