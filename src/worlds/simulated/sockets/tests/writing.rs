use super::dialogue::{Dialogue, name};
use crate::engine::Flags;
use crate::worlds::stack::{Call, SendForm};

#[test]
fn a_write_larger_than_the_buffer_waits_until_all_is_queued() {
    let mut d = Dialogue::linux();
    let fd = d.accepted();
    assert_eq!(d.set(fd, "SOL_SOCKET", "SO_SNDBUF", 5000), "0");
    assert_eq!(d.write(fd, 6000), "blocked");
    d.silence();
    d.arrives(Flags::ACK, 1, 501, 0);
    assert_eq!(d.again(), "blocked");
    d.arrives(Flags::ACK, 1, 1001, 0);
    assert_eq!(d.again(), "6000");
}

#[test]
fn a_write_that_does_not_wait_takes_what_fits() {
    let mut d = Dialogue::linux();
    let fd = d.accepted();
    d.set(fd, "SOL_SOCKET", "SO_SNDBUF", 5000);
    d.nonblocking(fd);
    assert_eq!(d.write(fd, 6000), "5000");
    assert_eq!(d.write(fd, 6000), "-1 EAGAIN");
    assert_eq!(d.poll(fd, "POLLOUT"), "0x0");
}

#[test]
fn msg_more_and_tcp_cork_hold_a_short_segment_back() {
    let mut d = Dialogue::linux();
    let fd = d.accepted();
    assert_eq!(d.send(fd, 10, "MSG_MORE"), "10");
    assert!(d.leaves().is_empty());
    assert_eq!(d.write(fd, 10), "10");
    assert_eq!(d.leaves(), ["P. 101:121(20)"]);
    d.arrives(Flags::ACK, 1, 21, 0);
    assert_eq!(d.set(fd, "SOL_TCP", "TCP_CORK", 1), "0");
    assert_eq!(d.write(fd, 10), "10");
    assert!(d.leaves().is_empty());
    assert_eq!(d.set(fd, "SOL_TCP", "TCP_CORK", 0), "0");
    assert_eq!(d.leaves(), ["P. 121:131(10)"]);
}

#[test]
fn what_is_held_back_leaves_after_a_retransmission_timeout() {
    // Asked of Linux 6.18: 0.2 s and more, as the round trip says; here it is zero.
    let mut d = Dialogue::linux();
    let fd = d.accepted();
    d.set(fd, "SOL_TCP", "TCP_CORK", 1);
    d.write(fd, 10);
    assert!(d.leaves().is_empty());
    let until = crate::worlds::stack::Stack::poll_deadline(&mut d.stack).expect("a timer");
    assert!(until > d.now);
    d.now = until;
    crate::worlds::stack::Stack::on_time(&mut d.stack, until);
    assert_eq!(d.leaves(), ["P. 101:111(10)"]);
}

#[test]
fn tcp_nodelay_lets_go_what_is_held_back() {
    // Asked of Linux 6.18.
    let mut d = Dialogue::linux();
    let fd = d.accepted();
    d.set(fd, "SOL_TCP", "TCP_CORK", 1);
    d.write(fd, 10);
    assert!(d.leaves().is_empty());
    d.set(fd, "SOL_TCP", "TCP_NODELAY", 1);
    assert_eq!(d.leaves(), ["P. 101:111(10)"]);
    d.write(fd, 10);
    assert!(d.leaves().is_empty());
}

#[test]
fn nothing_is_written_after_shutdown() {
    let mut d = Dialogue::linux();
    let fd = d.accepted();
    assert_eq!(d.shutdown(fd, "SHUT_WR"), "0");
    assert_eq!(d.leaves(), ["F. 101:101(0)"]);
    assert_eq!(d.write(fd, 0), "-1 EPIPE");
    assert_eq!(d.write(fd, 1), "-1 EPIPE");
    assert_eq!(d.shutdown(fd, "SHUT_WR"), "0");
}

#[test]
fn what_is_queued_has_a_bound() {
    let mut d = Dialogue::linux();
    let fd = d.accepted();
    assert_eq!(d.set(fd, "SOL_SOCKET", "SO_SNDBUFFORCE", i32::MAX), "0");
    assert_eq!(d.write(fd, u32::MAX), "unsupported: more than 67108864 octets that wait to be acknowledged");
}

#[test]
fn a_null_buffer_is_efault() {
    let mut d = Dialogue::linux();
    let fd = d.accepted();
    let call = |count| Call::Send { form: SendForm::Write, fd, buffers: None, count, flags: name("0"), to: None, control: Vec::new() };
    assert_eq!(d.call(&call(10)), "-1 EFAULT");
    assert_eq!(d.call(&call(0)), "0");
    assert!(d.leaves().is_empty());
}

#[test]
fn the_queues_can_be_asked_for() {
    // Asked of Linux 6.18: SIOCOUTQ counts the FIN as well.
    let mut d = Dialogue::linux();
    let fd = d.accepted();
    d.write(fd, 10);
    assert_eq!(d.ioctl(fd, "SIOCOUTQ"), "[10]");
    assert_eq!(d.ioctl(fd, "SIOCOUTQNSD"), "[10]");
    d.silence();
    assert_eq!(d.ioctl(fd, "SIOCOUTQNSD"), "[0]");
    d.arrives(Flags::ACK, 1, 11, 0);
    assert_eq!(d.ioctl(fd, "SIOCOUTQ"), "[0]");
    d.shutdown(fd, "SHUT_WR");
    assert_eq!(d.ioctl(fd, "SIOCOUTQ"), "[1]");
}

#[test]
fn a_file_is_sent_as_its_octets() {
    let mut d = Dialogue::linux();
    let fd = d.accepted();
    assert_eq!(d.call(&Call::Open { path: String::new(), flags: name("O_RDONLY") }), "5");
    assert_eq!(d.call(&Call::Sendfile { to: fd, from: 5, offset: 0, count: 100 }), "100");
    assert_eq!(d.leaves(), ["P. 101:201(100)"]);
}

#[test]
fn splice_carries_text_through_a_pipe() {
    let mut d = Dialogue::linux();
    let fd = d.accepted();
    assert_eq!(d.call(&Call::Pipe), "0");
    d.arrives(Flags::ACK, 1, 1, 100);
    d.silence();
    assert_eq!(d.call(&Call::Splice { from: fd, to: 6, count: 80, flags: name("0") }), "80");
    assert_eq!(d.call(&Call::Splice { from: 5, to: fd, count: 50, flags: name("0") }), "50");
    assert_eq!(d.leaves(), ["P. 101:151(50)"]);
    assert_eq!(d.ioctl(5, "FIONREAD"), "[30]");
}
