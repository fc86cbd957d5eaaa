//! What ICMP errors do to a connection, and what calls return then. Of Linux, as measured on 6.18.

use super::peer::Alone;
use super::*;
use crate::trace::IcmpError;

/// Every error that Linux has a name for, and whether it ends a request in SYN-RECEIVED.
const FOUR: [(IcmpError, Errno, bool); 18] = [
    (IcmpError::NetUnreachable, Errno::NetworkUnreachable, true),
    (IcmpError::HostUnreachable, Errno::HostUnreachable, true),
    (IcmpError::ProtocolUnreachable, Errno::NoProtocol, false),
    (IcmpError::PortUnreachable, Errno::ConnectionRefused, false),
    (IcmpError::SourceRouteFailed, Errno::NotSupported, false),
    (IcmpError::NetUnknown, Errno::NetworkUnreachable, false),
    (IcmpError::HostUnknown, Errno::HostDown, false),
    (IcmpError::HostIsolated, Errno::NoNetwork, false),
    (IcmpError::NetProhibited, Errno::NetworkUnreachable, false),
    (IcmpError::HostProhibited, Errno::HostUnreachable, false),
    (IcmpError::NetUnreachableForService, Errno::NetworkUnreachable, false),
    (IcmpError::HostUnreachableForService, Errno::HostUnreachable, false),
    (IcmpError::Prohibited, Errno::HostUnreachable, false),
    (IcmpError::PrecedenceViolation, Errno::HostUnreachable, false),
    (IcmpError::PrecedenceCutoff, Errno::HostUnreachable, false),
    (IcmpError::TimeExceeded, Errno::HostUnreachable, true),
    (IcmpError::ParameterProblem, Errno::Protocol, true),
    (IcmpError::PortUnreachable, Errno::ConnectionRefused, false),
];

const SIX: [(IcmpError, Errno, bool); 10] = [
    (IcmpError::NetUnreachable, Errno::NetworkUnreachable, false),
    (IcmpError::Prohibited, Errno::AccessDenied, true),
    (IcmpError::BeyondScope, Errno::HostUnreachable, false),
    (IcmpError::HostUnreachable, Errno::HostUnreachable, false),
    (IcmpError::PortUnreachable, Errno::ConnectionRefused, true),
    (IcmpError::PolicyFailed, Errno::AccessDenied, true),
    (IcmpError::RouteRejects, Errno::AccessDenied, true),
    (IcmpError::TimeExceeded, Errno::HostUnreachable, false),
    (IcmpError::ReassemblyTimeExceeded, Errno::HostUnreachable, false),
    (IcmpError::ProtocolUnreachable, Errno::Protocol, true),
];

fn both() -> impl Iterator<Item = (bool, IcmpError, Errno, bool)> {
    let four = FOUR.into_iter().map(|(error, errno, drops)| (false, error, errno, drops));
    four.chain(SIX.into_iter().map(|(error, errno, drops)| (true, error, errno, drops)))
}

#[test]
fn in_syn_sent_every_error_ends_the_attempt_and_has_its_name() {
    for (six, error, errno, _) in both() {
        let mut alone = Alone::of("linux", &[], six);
        let id = alone.connecting();
        alone.icmp(error, 0, 0);
        assert_eq!(alone.host.state(id), State::Closed, "{error}");
        assert_eq!(alone.host.take_error(id), Ok(Some(errno)), "{error}, six: {six}");
        assert_eq!(alone.host.take_error(id), Ok(None));
    }
}

#[test]
fn what_is_no_error_of_tcp_ends_no_attempt() {
    for (six, error) in [
        (false, IcmpError::SourceQuench),
        (false, IcmpError::RedirectNet),
        (false, IcmpError::RedirectHost),
        (false, IcmpError::ReassemblyTimeExceeded),
        (false, IcmpError::FragmentationNeeded),
        (true, IcmpError::FragmentationNeeded),
    ] {
        let mut alone = Alone::of("linux", &[], six);
        let id = alone.connecting();
        alone.icmp(error, 1400, 0);
        assert_eq!(alone.host.state(id), State::SynSent, "{error}");
        assert_eq!(alone.host.take_error(id), Ok(None), "{error}");
    }
}

#[test]
fn an_error_about_another_number_than_the_iss_is_not_believed() {
    // RFC 5927 section 4.1.
    for seq in [u32::MAX, 1] {
        let mut alone = Alone::linux();
        let id = alone.connecting();
        alone.icmp(IcmpError::PortUnreachable, 0, seq);
        assert_eq!(alone.host.state(id), State::SynSent);
    }
}

#[test]
fn in_established_an_error_is_soft_and_read_once_by_so_error() {
    for (six, error, errno, _) in both() {
        let mut alone = Alone::of("linux", &[], six);
        let id = alone.accepted();
        alone.host.send(id, alone.now, b"text", false).expect("open");
        alone.all();
        alone.icmp(error, 0, 1);
        assert_eq!(alone.host.state(id), State::Established, "{error}");
        assert_eq!(alone.host.recv(id, alone.now, 10), Err(Errno::Again), "{error}");
        assert_eq!(alone.host.take_error(id), Ok(Some(errno)), "{error}");
        assert_eq!(alone.host.take_error(id), Ok(None));
    }
}

#[test]
fn who_asks_for_it_hears_of_a_soft_error_by_the_next_call() {
    let mut alone = Alone::linux();
    let id = alone.accepted();
    alone.host.hear_soft_errors(id, true).expect("held");
    alone.host.send(id, alone.now, b"text", false).expect("open");
    alone.all();
    alone.icmp(IcmpError::HostUnknown, 0, 1);
    assert_eq!(alone.host.recv(id, alone.now, 10), Err(Errno::HostDown));
    assert_eq!(alone.host.recv(id, alone.now, 10), Err(Errno::Again), "once");
    assert_eq!(alone.host.state(id), State::Established);
}

#[test]
fn a_soft_error_says_why_time_is_out() {
    let mut alone = Alone::linux();
    let id = alone.accepted();
    alone.host.set_option(id, alone.now, SocketOption::UserTimeout(5000)).expect("held");
    alone.host.send(id, alone.now, b"text", false).expect("open");
    alone.all();
    alone.icmp(IcmpError::HostUnreachable, 0, 1);
    for _ in 0..20 {
        alone.wait(Duration::from_secs(1));
        alone.all();
    }
    assert_eq!(alone.host.recv(id, alone.now, 10), Err(Errno::HostUnreachable));
}

#[test]
fn a_request_ends_by_what_says_that_nobody_is_there() {
    for (six, error, _, drops) in both() {
        let mut alone = Alone::of("linux", &[], six);
        let listener = alone.listener();
        alone.arrive(Flags::SYN, 0, 0, 0);
        alone.iss = alone.next().expect("a SYN,ACK").segment().expect("a segment").seq.get();
        alone.icmp(error, 0, 0);
        assert_eq!(alone.all(), Vec::<String>::new(), "it goes silently");
        alone.arrive(Flags::ACK, 1, alone.iss.wrapping_add(1), 0);
        assert_eq!(alone.host.accept(listener).is_err(), drops, "{error}, six: {six}");
    }
}

#[test]
fn freebsd_keeps_a_request_whatever_routers_say() {
    let mut alone = Alone::of("freebsd", &[], false);
    let listener = alone.listener();
    alone.arrive(Flags::SYN, 0, 0, 0);
    alone.iss = alone.next().expect("a SYN,ACK").segment().expect("a segment").seq.get();
    alone.icmp(IcmpError::PortUnreachable, 0, 0);
    alone.arrive(Flags::ACK, 1, alone.iss.wrapping_add(1), 0);
    assert!(alone.host.accept(listener).is_ok());
}

#[test]
fn freebsd_says_of_an_opening_why_time_is_out() {
    let mut alone = Alone::of("freebsd", &[], false);
    let id = alone.connecting();
    alone.icmp(IcmpError::ParameterProblem, 0, 0);
    assert_eq!(alone.host.take_error(id), Ok(None), "it is not asked for before");
    for _ in 0..100 {
        alone.wait(Duration::from_secs(1));
        alone.all();
    }
    assert_eq!(alone.host.state(id), State::Closed);
    assert_eq!(alone.host.take_error(id), Ok(Some(Errno::NoProtocol)));
}
