use super::dialogue::Dialogue;
use crate::engine::Flags;

/// `SOF_TIMESTAMPING_TX_ACK`, `SOFTWARE`, `OPT_ID`, `OPT_TSONLY`, `OPT_STATS`, `RX_SOFTWARE`.
const TX_ACK: i32 = 1 << 9;
const SOFTWARE: i32 = 1 << 4;
const OPT_ID: i32 = 1 << 7;
const OPT_TSONLY: i32 = 1 << 11;
const OPT_STATS: i32 = 1 << 12;
const RX_SOFTWARE: i32 = 1 << 3;

#[test]
fn an_ack_is_told_of_once() {
    let mut d = Dialogue::linux();
    let fd = d.accepted();
    assert_eq!(d.set(fd, "SOL_SOCKET", "SO_TIMESTAMPING", TX_ACK | SOFTWARE | OPT_ID), "0");
    assert_eq!(d.write(fd, 10), "10");
    d.leaves();
    assert_eq!(d.recv(fd, 0, "MSG_ERRQUEUE"), "-1 EAGAIN");
    d.arrives(Flags::ACK, 1, 10, 0);
    assert_eq!(d.recv(fd, 0, "MSG_ERRQUEUE"), "-1 EAGAIN", "the last octet is what counts");
    d.arrives(Flags::ACK, 1, 11, 0);
    assert_eq!(d.poll(fd, "POLLIN"), "0x8", "POLLERR");
    assert_eq!(d.get(fd, "SOL_SOCKET", "SO_ERROR"), "[0]");
    assert!(d.recv(fd, 10, "MSG_ERRQUEUE").contains("unsupported"), "a packet would come along");
    assert_eq!(d.recv(fd, 0, "MSG_ERRQUEUE"), "0");
    assert_eq!(d.recv(fd, 0, "MSG_ERRQUEUE"), "-1 EAGAIN");
    assert_eq!(d.poll(fd, "POLLIN"), "0x0");
}

#[test]
fn without_the_packet_there_is_nothing_to_read() {
    let mut d = Dialogue::linux();
    let fd = d.accepted();
    assert_eq!(d.set(fd, "SOL_SOCKET", "SO_TIMESTAMPING", TX_ACK | SOFTWARE | OPT_TSONLY), "0");
    d.write(fd, 10);
    d.leaves();
    d.arrives(Flags::ACK, 1, 11, 0);
    assert_eq!(d.recv(fd, 10, "MSG_ERRQUEUE"), "0");
}

#[test]
fn what_cannot_be_told_is_unsupported() {
    let mut d = Dialogue::linux();
    let fd = d.accepted();
    let flags = OPT_STATS | OPT_TSONLY;
    assert!(d.set(fd, "SOL_SOCKET", "SO_TIMESTAMPING", flags).contains("unsupported"), "{flags:#x}");
    assert_eq!(d.set(fd, "SOL_SOCKET", "SO_TIMESTAMPING", RX_SOFTWARE | SOFTWARE), "0", "times of arrival are told");
    assert_eq!(d.set(fd, "SOL_SOCKET", "SO_TIMESTAMPING", RX_SOFTWARE), "0", "nobody asked to be told");
    assert_eq!(d.get(fd, "SOL_SOCKET", "SO_TIMESTAMPING"), "[8]");
}
