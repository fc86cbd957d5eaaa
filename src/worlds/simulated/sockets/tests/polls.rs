use super::dialogue::{Dialogue, name};
use crate::engine::Flags;
use crate::worlds::stack::{Call, Outcome, Output, PollFd, Stack};

#[test]
fn poll_tells_of_each_direction() {
    // Asked of Linux 6.18.
    let mut d = Dialogue::linux();
    let listener = d.passive();
    assert_eq!(d.poll(listener, "65535"), "0x41");
    let fd = d.accept(listener).parse().expect("a descriptor");
    assert_eq!(d.poll(listener, "65535"), "0x0");
    assert_eq!(d.poll(fd, "65535"), "0x104");
    d.arrives(Flags::ACK | Flags::FIN, 1, 1, 5);
    assert_eq!(d.poll(fd, "65535"), "0x2145");
    assert_eq!(d.poll(fd, "POLLIN"), "0x1");
    d.shutdown(fd, "SHUT_WR");
    assert_eq!(d.poll(fd, "65535"), "0x2155");
    assert_eq!(d.poll(fd, "POLLPRI"), "0x10");
}

#[test]
fn a_socket_that_connects_has_no_event_yet() {
    let mut d = Dialogue::linux();
    let fd = d.socket();
    d.nonblocking(fd);
    d.connect(fd);
    assert_eq!(d.poll(fd, "65535"), "0x0");
    d.silence();
    d.arrives(Flags::SYN | Flags::ACK, 0, 1, 0);
    assert_eq!(d.poll(fd, "65535"), "0x104");
}

#[test]
fn poll_waits_no_longer_than_it_was_told() {
    let mut d = Dialogue::linux();
    let fd = d.accepted();
    let call = Call::Poll { fds: vec![PollFd { fd, events: name("POLLIN") }], timeout: 100 };
    assert_eq!(d.call(&call), "blocked");
    d.pass(99);
    assert_eq!(d.again(), "blocked");
    d.pass(1);
    assert_eq!(d.again(), "0");
    assert_eq!(d.call(&call), "blocked");
    d.arrives(Flags::ACK, 1, 1, 5);
    assert_eq!(d.again(), "1");
}

fn waits(d: &mut Dialogue, epoll: i32) -> Vec<(u32, u64)> {
    let call = Call::EpollWait { epoll, max: 8, timeout: 0 };
    let Outcome::Returned(answer) = d.stack.call(d.now, &call) else { panic!("it does not wait") };
    let Output::Epoll(events) = answer.output else { panic!("{answer:?}") };
    events.into_iter().map(|event| (event.events, event.data)).collect()
}

fn watch(d: &mut Dialogue, fd: i32, events: &str) -> i32 {
    let epoll = d.call(&Call::EpollCreate { size: 1 }).parse().expect("a descriptor");
    let add = Call::EpollControl { epoll, operation: name("EPOLL_CTL_ADD"), fd, events: name(events), data: 7 };
    assert_eq!(d.call(&add), "0");
    assert_eq!(d.call(&add), "-1 EEXIST");
    epoll
}

#[test]
fn epoll_by_level_tells_as_long_as_it_is_so() {
    let mut d = Dialogue::linux();
    let fd = d.accepted();
    let epoll = watch(&mut d, fd, "EPOLLIN");
    assert_eq!(waits(&mut d, epoll), []);
    d.arrives(Flags::ACK, 1, 1, 5);
    assert_eq!(waits(&mut d, epoll), [(1, 7)]);
    assert_eq!(waits(&mut d, epoll), [(1, 7)]);
    d.read(fd, 5);
    assert_eq!(waits(&mut d, epoll), []);
}

#[test]
fn epoll_by_edge_tells_when_something_happens() {
    let mut d = Dialogue::linux();
    let fd = d.accepted();
    let epoll = watch(&mut d, fd, "EPOLLIN|EPOLLOUT|EPOLLRDHUP|EPOLLET");
    assert_eq!(waits(&mut d, epoll), [(4, 7)]);
    assert_eq!(waits(&mut d, epoll), []);
    d.arrives(Flags::ACK, 1, 1, 5);
    assert_eq!(waits(&mut d, epoll), [(5, 7)]);
    assert_eq!(waits(&mut d, epoll), []);
    d.arrives(Flags::ACK, 6, 1, 5);
    assert_eq!(waits(&mut d, epoll), [(5, 7)]);
    d.arrives(Flags::ACK | Flags::FIN, 11, 1, 0);
    assert_eq!(waits(&mut d, epoll), [(0x2005, 7)]);
    assert_eq!(waits(&mut d, epoll), []);
}

#[test]
fn epoll_oneshot_tells_once() {
    let mut d = Dialogue::linux();
    let fd = d.accepted();
    let epoll = watch(&mut d, fd, "EPOLLIN|EPOLLONESHOT");
    d.arrives(Flags::ACK, 1, 1, 5);
    assert_eq!(waits(&mut d, epoll), [(1, 7)]);
    d.arrives(Flags::ACK, 6, 1, 5);
    assert_eq!(waits(&mut d, epoll), []);
    let again = Call::EpollControl { epoll, operation: name("EPOLL_CTL_MOD"), fd, events: name("EPOLLIN"), data: 8 };
    assert_eq!(d.call(&again), "0");
    assert_eq!(waits(&mut d, epoll), [(1, 8)]);
}
