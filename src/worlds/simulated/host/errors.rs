//! ICMP errors of a host: those it sends, and what those it hears are called in `errno.h`.

use super::{Host, Outgoing};
use crate::engine::{self};
use crate::trace::{End, Envelope, Icmp, IcmpError, Payload};
use crate::wire;
use crate::worlds::Errno;

/// Octets of an ICMP error at most, IP header included (RFC 1812 section 4.3.2.3; RFC 4443 section 3.1).
const fn longest(ipv6: bool) -> usize {
    if ipv6 { 1280 } else { 576 }
}

/// The errno of a call that fails because of this error; `None` for one that no call fails by.
///
/// Names are those of RFC 1122's section 4.2.3.9 in the sockets API; what asks for no answer fails nothing (MUST-55).
pub(super) const fn errno_of(error: IcmpError) -> Option<Errno> {
    match error {
        IcmpError::ProtocolUnreachable | IcmpError::PortUnreachable => Some(Errno::ConnectionRefused),
        IcmpError::NetUnreachable | IcmpError::NetUnknown | IcmpError::NetProhibited | IcmpError::NetUnreachableForService => {
            Some(Errno::NetworkUnreachable)
        }
        IcmpError::HostUnreachable
        | IcmpError::HostUnknown
        | IcmpError::HostIsolated
        | IcmpError::HostProhibited
        | IcmpError::HostUnreachableForService
        | IcmpError::Prohibited
        | IcmpError::PrecedenceViolation
        | IcmpError::PrecedenceCutoff
        | IcmpError::BeyondScope
        | IcmpError::PolicyFailed
        | IcmpError::RouteRejects
        | IcmpError::SourceRouteFailed
        | IcmpError::TimeExceeded
        | IcmpError::ReassemblyTimeExceeded
        | IcmpError::ParameterProblem => Some(Errno::HostUnreachable),
        IcmpError::FragmentationNeeded => Some(Errno::MessageTooLong),
        IcmpError::SourceQuench | IcmpError::RedirectNet | IcmpError::RedirectHost => None,
    }
}

/// The same in the finer words of Linux, which differ with the version of IP (`icmp_err_convert` and its relative).
pub(super) const fn fine_errno_of(error: IcmpError, ipv6: bool) -> Option<Errno> {
    match error {
        // ICMPv6 tells of it as of a parameter problem.
        IcmpError::ProtocolUnreachable if ipv6 => Some(Errno::Protocol),
        IcmpError::ProtocolUnreachable => Some(Errno::NoProtocol),
        IcmpError::Prohibited if ipv6 => Some(Errno::AccessDenied),
        IcmpError::PolicyFailed | IcmpError::RouteRejects => Some(Errno::AccessDenied),
        IcmpError::SourceRouteFailed => Some(Errno::NotSupported),
        IcmpError::HostUnknown => Some(Errno::HostDown),
        IcmpError::HostIsolated => Some(Errno::NoNetwork),
        IcmpError::ParameterProblem => Some(Errno::Protocol),
        // Fragments that are missing are nobody's error there but in IPv6.
        IcmpError::ReassemblyTimeExceeded if !ipv6 => None,
        IcmpError::NetUnreachable
        | IcmpError::HostUnreachable
        | IcmpError::PortUnreachable
        | IcmpError::FragmentationNeeded
        | IcmpError::NetUnknown
        | IcmpError::NetProhibited
        | IcmpError::HostProhibited
        | IcmpError::NetUnreachableForService
        | IcmpError::HostUnreachableForService
        | IcmpError::Prohibited
        | IcmpError::PrecedenceViolation
        | IcmpError::PrecedenceCutoff
        | IcmpError::BeyondScope
        | IcmpError::SourceQuench
        | IcmpError::RedirectNet
        | IcmpError::RedirectHost
        | IcmpError::TimeExceeded
        | IcmpError::ReassemblyTimeExceeded => errno_of(error),
    }
}

/// Whether Linux gives up a request in SYN-RECEIVED because of this error; of all others it takes no notice there.
pub(super) const fn drops_request(error: IcmpError, ipv6: bool) -> bool {
    match error {
        IcmpError::ParameterProblem => true,
        IcmpError::NetUnreachable | IcmpError::HostUnreachable | IcmpError::TimeExceeded | IcmpError::ReassemblyTimeExceeded => !ipv6,
        IcmpError::ProtocolUnreachable
        | IcmpError::PortUnreachable
        | IcmpError::Prohibited
        | IcmpError::PolicyFailed
        | IcmpError::RouteRejects => ipv6,
        IcmpError::FragmentationNeeded
        | IcmpError::SourceRouteFailed
        | IcmpError::NetUnknown
        | IcmpError::HostUnknown
        | IcmpError::HostIsolated
        | IcmpError::NetProhibited
        | IcmpError::HostProhibited
        | IcmpError::NetUnreachableForService
        | IcmpError::HostUnreachableForService
        | IcmpError::PrecedenceViolation
        | IcmpError::PrecedenceCutoff
        | IcmpError::BeyondScope
        | IcmpError::SourceQuench
        | IcmpError::RedirectNet
        | IcmpError::RedirectHost => false,
    }
}

/// The same for a connection of a host that heeds refusals only.
pub(super) const fn errno_of_refusal(error: IcmpError) -> Option<Errno> {
    let forbidden = matches!(error, IcmpError::NetProhibited | IcmpError::HostProhibited | IcmpError::Prohibited);
    if forbidden { Some(Errno::ConnectionRefused) } else { errno_of(error) }
}

/// The name of an error that ends nothing at once, to a host that heeds refusals only, or not even those (`icmp_errmap`).
pub(super) const fn errno_of_doubt(error: IcmpError, heeds_refusals: bool) -> Option<Errno> {
    match error {
        IcmpError::NetUnreachable
        | IcmpError::HostUnreachable
        | IcmpError::SourceRouteFailed
        | IcmpError::NetUnknown
        | IcmpError::HostUnknown
        | IcmpError::HostIsolated
        | IcmpError::NetUnreachableForService
        | IcmpError::HostUnreachableForService
        | IcmpError::PrecedenceViolation
        | IcmpError::PrecedenceCutoff
        | IcmpError::BeyondScope => Some(Errno::HostUnreachable),
        IcmpError::ParameterProblem => Some(Errno::NoProtocol),
        IcmpError::TimeExceeded
        | IcmpError::ProtocolUnreachable
        | IcmpError::PortUnreachable
        | IcmpError::NetProhibited
        | IcmpError::HostProhibited
        | IcmpError::Prohibited => {
            if heeds_refusals {
                None
            } else {
                errno_of_refusal(error)
            }
        }
        IcmpError::FragmentationNeeded
        | IcmpError::PolicyFailed
        | IcmpError::RouteRejects
        | IcmpError::SourceQuench
        | IcmpError::RedirectNet
        | IcmpError::RedirectHost
        | IcmpError::ReassemblyTimeExceeded => None,
    }
}

/// What TCP makes of an error that heeds refusals only: they end an attempt to connect, and nothing else is heard.
pub(super) const fn judged_as_refusal(error: IcmpError) -> Option<engine::IcmpError> {
    match error {
        IcmpError::ProtocolUnreachable
        | IcmpError::PortUnreachable
        | IcmpError::NetProhibited
        | IcmpError::HostProhibited
        | IcmpError::Prohibited
        | IcmpError::TimeExceeded => Some(engine::IcmpError::Hard),
        IcmpError::NetUnreachable
        | IcmpError::HostUnreachable
        | IcmpError::FragmentationNeeded
        | IcmpError::SourceRouteFailed
        | IcmpError::NetUnknown
        | IcmpError::HostUnknown
        | IcmpError::HostIsolated
        | IcmpError::NetUnreachableForService
        | IcmpError::HostUnreachableForService
        | IcmpError::PrecedenceViolation
        | IcmpError::PrecedenceCutoff
        | IcmpError::BeyondScope
        | IcmpError::PolicyFailed
        | IcmpError::RouteRejects
        | IcmpError::SourceQuench
        | IcmpError::RedirectNet
        | IcmpError::RedirectHost
        | IcmpError::ReassemblyTimeExceeded
        | IcmpError::ParameterProblem => None,
    }
}

/// The ICMP error about a packet with these ends, quoting as much of it as there is room for; `None` where this version
/// of IP has no such error.
pub(in super::super) fn about<T: AsRef<[u8]>>(error: IcmpError, source: End, destination: End, payload: &Payload<T>) -> Option<Icmp> {
    let ipv6 = source.address.is_ipv6();
    let headers = wire::packet_octets(source.address, 8) as usize;
    let mut packet = Vec::new();
    wire::encode_packet(source, destination, 0, payload, &mut packet).ok()?;
    let quote = wire::quote(&packet, longest(ipv6) - headers).ok()?;
    let told = Payload::Icmp(Icmp::Error { error, parameter: 0, quote });
    // Whether it has a number is for the wire to say.
    wire::encode_packet(destination, source, 0, &told, &mut Vec::new()).ok()?;
    match told.to_owned() {
        Payload::Icmp(icmp) => Some(icmp),
        Payload::Tcp { .. } | Payload::Udp { .. } | Payload::Neighbour(_) => None,
    }
}

impl Host {
    /// Tells the sender of a packet that it came to nothing here.
    pub(super) fn refuse<T: AsRef<[u8]>>(&mut self, error: IcmpError, source: End, destination: End, payload: &Payload<T>) {
        if let Some(icmp) = about(error, source, destination, payload) {
            let (from, to) = (End { port: 0, ..destination }, End { port: 0, ..source });
            self.strays.push_back(Outgoing {
                socket: None,
                source: from,
                destination: to,
                payload: Payload::Icmp(icmp),
                envelope: Envelope::PLAIN,
            });
        }
    }
}
