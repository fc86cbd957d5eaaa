use super::dialogue::Dialogue;
use crate::engine::Flags;
use crate::worlds::stack::Call;

#[test]
fn accept_waits_for_the_handshake() {
    let mut d = Dialogue::linux();
    let listener = d.socket();
    d.bind(listener);
    d.listen(listener);
    assert_eq!(d.accept(listener), "blocked");
    d.arrives(Flags::SYN, 0, 0, 0);
    assert_eq!(d.leaves(), ["S. 100:100(0)"]);
    assert_eq!(d.again(), "blocked");
    d.arrives(Flags::ACK, 1, 1, 0);
    assert_eq!(d.again(), "4");
}

#[test]
fn accept_without_waiting_is_eagain() {
    let mut d = Dialogue::linux();
    let listener = d.socket();
    d.bind(listener);
    d.listen(listener);
    d.nonblocking(listener);
    assert_eq!(d.accept(listener), "-1 EAGAIN");
}

#[test]
fn connect_waits_for_the_handshake() {
    let mut d = Dialogue::linux();
    let fd = d.socket();
    assert_eq!(d.connect(fd), "blocked");
    assert_eq!(d.leaves(), ["S 100:100(0)"]);
    d.arrives(Flags::SYN | Flags::ACK, 0, 1, 0);
    assert_eq!(d.leaves(), [". 101:101(0)"]);
    assert_eq!(d.again(), "0");
    assert_eq!(d.connect(fd), "-1 EISCONN");
}

#[test]
fn connect_without_waiting_is_under_way_then_there_then_over() {
    // Asked of Linux 6.18: EINPROGRESS, EALREADY, once 0, then EISCONN.
    let mut d = Dialogue::linux();
    let fd = d.socket();
    d.nonblocking(fd);
    assert_eq!(d.connect(fd), "-1 EINPROGRESS");
    assert_eq!(d.connect(fd), "-1 EALREADY");
    d.silence();
    d.arrives(Flags::SYN | Flags::ACK, 0, 1, 0);
    assert_eq!(d.get(fd, "SOL_SOCKET", "SO_ERROR"), "[0]");
    assert_eq!(d.connect(fd), "0");
    assert_eq!(d.connect(fd), "-1 EISCONN");
}

#[test]
fn a_refused_connect_tells_by_so_error_once() {
    // Asked of Linux 6.18: a connect after that finds it aborted.
    let mut d = Dialogue::linux();
    let fd = d.socket();
    d.nonblocking(fd);
    assert_eq!(d.connect(fd), "-1 EINPROGRESS");
    d.silence();
    d.arrives(Flags::RST | Flags::ACK, 0, 1, 0);
    assert_eq!(d.poll(fd, "65535"), "0x215d");
    assert_eq!(d.get(fd, "SOL_SOCKET", "SO_ERROR"), "[111]");
    assert_eq!(d.get(fd, "SOL_SOCKET", "SO_ERROR"), "[0]");
    assert_eq!(d.poll(fd, "65535"), "0x2155");
    assert_eq!(d.connect(fd), "-1 ECONNABORTED");
    assert_eq!(d.read(fd, 1), "-1 ENOTCONN");
    assert_eq!(d.write(fd, 1), "-1 EPIPE");
}

#[test]
fn a_refused_connect_that_waits_returns_it() {
    let mut d = Dialogue::linux();
    let fd = d.socket();
    assert_eq!(d.connect(fd), "blocked");
    d.silence();
    d.arrives(Flags::RST | Flags::ACK, 0, 1, 0);
    assert_eq!(d.again(), "-1 ECONNREFUSED");
    assert_eq!(d.connect(fd), "blocked");
    assert_eq!(d.leaves(), ["S 100:100(0)"]);
}

#[test]
fn a_listening_socket_cannot_connect_nor_be_read_or_written() {
    // Asked of Linux 6.18.
    let mut d = Dialogue::linux();
    let fd = d.socket();
    d.bind(fd);
    d.listen(fd);
    assert_eq!(d.connect(fd), "-1 EISCONN");
    assert_eq!(d.write(fd, 1), "-1 EPIPE");
    assert_eq!(d.read(fd, 1), "-1 ENOTCONN");
    assert_eq!(d.poll(fd, "65535"), "0x0");
    assert_eq!(d.listen(fd), "0");
    assert_eq!(d.shutdown(fd, "SHUT_WR"), "0");
    assert_eq!(d.shutdown(fd, "SHUT_RD"), "0");
    assert_eq!(d.poll(fd, "65535"), "0x114");
    assert_eq!(d.accept(fd), "-1 EINVAL");
    assert_eq!(d.listen(fd), "0");
}

#[test]
fn a_fresh_socket_has_nothing() {
    // Asked of Linux 6.18.
    let mut d = Dialogue::linux();
    let fd = d.socket();
    assert_eq!(d.poll(fd, "65535"), "0x114");
    assert_eq!(d.write(fd, 1), "-1 EPIPE");
    assert_eq!(d.read(fd, 1), "-1 ENOTCONN");
    assert_eq!(d.shutdown(fd, "SHUT_WR"), "-1 ENOTCONN");
    assert_eq!(d.shutdown(fd, "7"), "-1 EINVAL");
    assert_eq!(d.accept(fd), "-1 EINVAL");
    let mut d = Dialogue::freebsd();
    let fd = d.socket();
    assert_eq!(d.write(fd, 1), "-1 ENOTCONN");
    assert_eq!(d.read(fd, 1), "-1 ENOTCONN");
    assert_eq!(d.poll(fd, "65535"), "0x0");
    d.nonblocking(fd);
    assert_eq!(d.connect(fd), "-1 EINPROGRESS");
    assert_eq!(d.read(fd, 1), "-1 EAGAIN");
    assert_eq!(d.write(fd, 1), "-1 ENOTCONN");
}

#[test]
fn connect_to_af_unspec_ends_the_connection_by_a_reset() {
    // Asked of Linux 6.18: SO_ERROR is ECONNRESET, and the socket as new.
    let mut d = Dialogue::linux();
    let fd = d.accepted();
    assert_eq!(d.call(&Call::Connect { fd, to: None }), "0");
    assert_eq!(d.leaves(), ["R. 101:101(0)"]);
    assert_eq!(d.get(fd, "SOL_SOCKET", "SO_ERROR"), "[104]");
    assert_eq!(d.poll(fd, "65535"), "0x114");
    assert_eq!(d.read(fd, 1), "-1 ENOTCONN");
    assert_eq!(d.connect(fd), "blocked");
    assert_eq!(d.leaves(), ["S 100:100(0)"]);
}

#[test]
fn shutdown_of_an_attempt_to_connect_calls_it_off() {
    // Asked of Linux 6.18.
    let mut d = Dialogue::linux();
    let fd = d.socket();
    d.nonblocking(fd);
    d.connect(fd);
    d.silence();
    assert_eq!(d.shutdown(fd, "SHUT_WR"), "0");
    assert!(d.leaves().is_empty());
    assert_eq!(d.get(fd, "SOL_SOCKET", "SO_ERROR"), "[104]");
    assert_eq!(d.connect(fd), "-1 EINPROGRESS");
}

#[test]
fn a_fast_open_asks_for_a_cookie_and_then_takes_text_along() {
    let mut d = Dialogue::linux();
    let fd = d.socket();
    d.nonblocking(fd);
    let send = |fd| crate::worlds::stack::Call::Send {
        form: crate::worlds::stack::SendForm::Sendto,
        fd,
        buffers: Some(vec![500]),
        count: 500,
        flags: super::dialogue::name("MSG_FASTOPEN"),
        to: Some(super::dialogue::THERE),
        control: Vec::new(),
    };
    assert_eq!(d.call(&send(fd)), "-1 EINPROGRESS");
    assert_eq!(d.leaves(), ["S 100:100(0)"]);
    let cookie = crate::engine::FastOpenCookie::new(&[1, 2, 3, 4]).expect("a cookie");
    d.stack.host_mut().remember_cookie(super::dialogue::THERE.address, cookie, 1000);
    let fd = d.socket();
    d.nonblocking(fd);
    assert_eq!(d.call(&send(fd)), "500");
    assert_eq!(d.leaves(), ["S 100:600(500)"]);
    // The same by connect and write.
    let fd = d.socket();
    d.nonblocking(fd);
    assert_eq!(d.set(fd, "SOL_TCP", "TCP_FASTOPEN_CONNECT", 1), "0");
    assert_eq!(d.connect(fd), "0");
    assert_eq!(d.poll(fd, "65535"), "0x104");
    assert!(d.leaves().is_empty());
    assert_eq!(d.connect(fd), "-1 EISCONN");
    assert_eq!(d.write(fd, 100), "100");
    assert_eq!(d.leaves(), ["S 100:200(100)"]);
}

#[test]
fn close_lingers_until_everything_is_acknowledged() {
    let mut d = Dialogue::linux();
    let fd = d.accepted();
    let value = [1_i32.to_ne_bytes(), 5_i32.to_ne_bytes()].concat();
    let linger =
        Call::SetOption { fd, level: super::dialogue::name("SOL_SOCKET"), name: super::dialogue::name("SO_LINGER"), value, len: 8 };
    assert_eq!(d.call(&linger), "0");
    assert_eq!(d.close(fd), "blocked");
    assert_eq!(d.leaves(), ["F. 101:101(0)"]);
    d.arrives(Flags::ACK, 1, 2, 0);
    assert_eq!(d.again(), "0");
    assert_eq!(d.read(fd, 1), "-1 EBADF");
}

#[test]
fn close_lingers_no_longer_than_it_was_told() {
    let mut d = Dialogue::linux();
    let fd = d.accepted();
    let value = [1_i32.to_ne_bytes(), 1_i32.to_ne_bytes()].concat();
    let linger =
        Call::SetOption { fd, level: super::dialogue::name("SOL_SOCKET"), name: super::dialogue::name("SO_LINGER"), value, len: 8 };
    d.call(&linger);
    assert_eq!(d.close(fd), "blocked");
    d.pass(999);
    assert_eq!(d.again(), "blocked");
    d.pass(1);
    assert_eq!(d.again(), "0");
}
