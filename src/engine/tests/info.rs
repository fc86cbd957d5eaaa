//! What [`Connection::info`] tells, in the words of `TCP_INFO`.

use super::*;

#[test]
fn octets_are_counted_from_the_numbers() {
    let mut a = Scripted::established(Profile::linux());
    let info = a.connection.info(a.now);
    // Linux counts the SYN of an active OPEN as acknowledged, and the peer's not as received.
    assert_eq!((info.bytes_acked, info.bytes_received, info.notsent_bytes), (1, 0, 0));
    a.send(10);
    a.hear("<SEQ=301><ACK=111><LEN=20><CTL=PSH,ACK>");
    let info = a.connection.info(a.now);
    assert_eq!((info.bytes_acked, info.bytes_received, info.snd_wnd), (11, 20, 65_535));
}

#[test]
fn a_passive_open_has_no_acknowledged_syn() {
    let mut b = requested(Profile::rfc9293());
    b.hear("<SEQ=301><ACK=101><CTL=ACK>");
    let info = b.connection.info(b.now);
    assert_eq!((info.state, info.bytes_acked, info.bytes_received, info.snd_mss), (State::Established, 0, 0, 536));
}

#[test]
fn what_nobody_knows_yet_is_absent() {
    let a = Scripted::new(Profile::linux());
    let info = a.connection.info(a.now);
    assert_eq!((info.state, info.bytes_acked, info.bytes_received), (State::Closed, 0, 0));
    assert_eq!((info.rtt, info.ato, info.rcv_mss, info.last_data_recv, info.rcv_ssthresh), (None, None, None, None, None));
}
