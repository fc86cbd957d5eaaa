use super::dialogue::{Dialogue, name};
use crate::engine::Flags;
use crate::worlds::stack::{Call, SendForm};

// As Linux 6.18 does, asked with a peer whose MSS is 1000: text is taken a packet at a time, and a packet is as long as half
// of the largest window, 32 segments. The first one leaves as far as the congestion window allows, and is filled up again.
#[test]
fn a_write_larger_than_the_memory_waits_until_a_third_of_it_is_free() {
    let mut d = Dialogue::linux();
    let fd = d.accepted();
    assert_eq!(d.set(fd, "SOL_SOCKET", "SO_SNDBUF", 5000), "0");
    assert_eq!(d.write(fd, 60_000), "blocked");
    d.silence();
    for acknowledged in [10_001, 30_001] {
        d.arrives(Flags::ACK, 1, acknowledged, 0);
        d.leaves();
        assert_eq!(d.again(), "blocked");
    }
    d.arrives(Flags::ACK, 1, 36_001, 0);
    assert_eq!(d.again(), "blocked", "6000 octets and their packets are left of 10,000");
    d.arrives(Flags::ACK, 1, 39_001, 0);
    assert_eq!(d.again(), "60000");
}

#[test]
fn a_write_that_does_not_wait_takes_whole_packets() {
    let mut d = Dialogue::linux();
    let fd = d.accepted();
    d.set(fd, "SOL_SOCKET", "SO_SNDBUF", 5000);
    d.nonblocking(fd);
    assert_eq!(d.write(fd, 6000), "6000");
    assert_eq!(d.poll(fd, "POLLOUT"), "0x0");
    assert_eq!(d.write(fd, 60_000), "36000", "a packet, and as much as has left of it");
    assert_eq!(d.write(fd, 1), "-1 EAGAIN");
}

#[test]
fn what_leaves_alone_takes_memory_beside_its_text() {
    let mut d = Dialogue::linux();
    let fd = d.accepted();
    d.nonblocking(fd);
    d.set(fd, "SOL_TCP", "TCP_NODELAY", 1);
    d.set(fd, "SOL_SOCKET", "SO_SNDBUF", 1);
    assert_eq!(d.get(fd, "SOL_SOCKET", "SO_SNDBUF"), "[4608]");
    for _ in 0..5 {
        assert_eq!(d.write(fd, 100), "100", "five packets of 932 octets are the first to be too many");
        d.leaves();
    }
    assert_eq!(d.write(fd, 100), "-1 EAGAIN");
}

#[test]
fn text_that_waits_to_leave_makes_a_socket_full() {
    let mut d = Dialogue::linux();
    let fd = d.accepted();
    d.nonblocking(fd);
    d.set(fd, "SOL_TCP", "TCP_NOTSENT_LOWAT", 8000);
    assert_eq!(d.write(fd, 14_000), "14000");
    d.leaves();
    assert_eq!(d.poll(fd, "POLLOUT"), "0x0", "4000 octets wait, half of the bound");
    d.arrives(Flags::ACK, 1, 1001, 0);
    d.leaves();
    assert_eq!(d.poll(fd, "POLLOUT"), "0x4");
}

#[test]
fn a_record_begins_a_segment() {
    let mut d = Dialogue::linux();
    let fd = d.accepted();
    d.set(fd, "SOL_TCP", "TCP_CORK", 1);
    assert_eq!(d.send(fd, 10, "MSG_EOR"), "10");
    assert_eq!(d.write(fd, 20), "20");
    assert_eq!(d.leaves(), ["P. 101:111(10)"]);
    assert_eq!(d.set(fd, "SOL_TCP", "TCP_NODELAY", 1), "0");
    assert_eq!(d.leaves(), ["P. 111:131(20)"]);
    let mut d = Dialogue::freebsd();
    let fd = d.accepted();
    assert_eq!(d.send(fd, 10, "MSG_EOR"), "-1 EINVAL", "a stream has none");
}

#[test]
fn a_cork_holds_back_no_push() {
    let mut d = Dialogue::linux();
    let fd = d.accepted();
    d.set(fd, "SOL_TCP", "TCP_CORK", 1);
    assert_eq!(d.write(fd, 1000), "1000");
    assert_eq!(d.leaves(), ["P. 101:1101(1000)"]);
    d.arrives(Flags::ACK, 1, 1001, 0);
    assert_eq!(d.send(fd, 1000, "MSG_MORE"), "1000");
    assert_eq!(d.leaves(), [". 1101:2101(1000)"]);
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

#[test]
fn a_cork_holds_back_whatever_is_acknowledged() {
    for (mut d, option) in [(Dialogue::linux(), "TCP_CORK"), (Dialogue::freebsd(), "TCP_NOPUSH")] {
        let fd = d.accepted();
        d.set(fd, "SOL_TCP", option, 1);
        assert_eq!(d.write(fd, 10), "10");
        d.arrives(Flags::ACK, 1, 1, 0);
        assert!(d.leaves().is_empty(), "{option}");
    }
}
