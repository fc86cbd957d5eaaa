use super::dialogue::{Dialogue, HERE, name};
use crate::worlds::stack::Call;

#[test]
fn a_descriptor_that_is_not_open_is_ebadf() {
    let mut d = Dialogue::linux();
    assert_eq!(d.read(3, 1), "-1 EBADF");
    assert_eq!(d.write(3, 1), "-1 EBADF");
    assert_eq!(d.close(3), "-1 EBADF");
    assert_eq!(d.accept(3), "-1 EBADF");
    assert_eq!(d.get(3, "SOL_SOCKET", "SO_ERROR"), "-1 EBADF");
    assert_eq!(d.poll(3, "POLLIN"), "0x20");
}

#[test]
fn a_file_is_no_socket() {
    let mut d = Dialogue::linux();
    assert_eq!(d.call(&Call::Open { path: "/dev/zero".to_owned(), flags: name("O_RDONLY") }), "3");
    assert_eq!(d.accept(3), "-1 ENOTSOCK");
    assert_eq!(d.read(3, 1), "-1 ENOTSOCK");
    assert_eq!(d.get(3, "SOL_SOCKET", "SO_ERROR"), "-1 ENOTSOCK");
}

#[test]
fn the_lowest_free_descriptor_is_given_out() {
    let mut d = Dialogue::linux();
    assert_eq!((d.socket(), d.socket(), d.socket()), (3, 4, 5));
    assert_eq!(d.close(4), "0");
    assert_eq!((d.socket(), d.socket()), (4, 6));
}

#[test]
fn a_socket_needs_a_family_a_type_and_a_protocol_that_go_together() {
    // Asked of Linux 6.18.
    let mut d = Dialogue::linux();
    for (domain, kind, protocol, result) in [
        ("99", "SOCK_STREAM", "0", "-1 EAFNOSUPPORT"),
        ("AF_INET", "77", "0", "-1 EINVAL"),
        ("AF_INET", "0", "0", "-1 ESOCKTNOSUPPORT"),
        ("AF_INET", "SOCK_STREAM", "IPPROTO_UDP", "-1 EPROTONOSUPPORT"),
        ("AF_INET", "SOCK_STREAM", "99", "-1 EPROTONOSUPPORT"),
        ("AF_INET", "SOCK_STREAM", "IPPROTO_TCP", "3"),
        ("AF_INET6", "SOCK_DGRAM", "IPPROTO_UDP", "4"),
    ] {
        let call = Call::Socket { domain: name(domain), kind: name(kind), protocol: name(protocol) };
        assert_eq!(d.call(&call), result, "{domain} {kind} {protocol}");
    }
}

#[test]
fn calls_of_connections_are_not_for_datagrams() {
    // Asked of Linux 6.18.
    let mut d = Dialogue::linux();
    let udp = d.socket_of("AF_INET", "SOCK_DGRAM");
    assert_eq!(d.listen(udp), "-1 EOPNOTSUPP");
    assert_eq!(d.accept(udp), "-1 EOPNOTSUPP");
    assert_eq!(d.shutdown(udp, "SHUT_WR"), "-1 ENOTCONN");
    assert_eq!(d.write(udp, 1), "-1 EDESTADDRREQ");
    d.nonblocking(udp);
    assert_eq!(d.read(udp, 1), "-1 EAGAIN");
    assert_eq!(d.poll(udp, "65535"), "0x304");
}

#[test]
fn f_getfl_tells_whether_calls_wait() {
    let mut d = Dialogue::linux();
    let fd = d.socket();
    let get = Call::Fcntl { fd, command: name("F_GETFL"), argument: None };
    assert_eq!(d.call(&get), "2");
    d.nonblocking(fd);
    assert_eq!(d.call(&get), "2050");
    let mut d = Dialogue::freebsd();
    d.socket();
    d.nonblocking(fd);
    assert_eq!(d.call(&get), "6");
}

#[test]
fn a_port_is_bound_once() {
    let mut d = Dialogue::linux();
    let (a, b) = (d.socket(), d.socket());
    assert_eq!(d.bind(a), "0");
    assert_eq!(d.bind(a), "-1 EINVAL");
    assert_eq!(d.bind(b), "-1 EADDRINUSE");
    let elsewhere = Call::Bind { fd: b, to: crate::trace::End { address: [10, 0, 0, 1].into(), ..HERE } };
    assert_eq!(d.call(&elsewhere), "-1 EADDRNOTAVAIL");
}
