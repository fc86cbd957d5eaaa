//! What the kernel says of one of our own sockets.

use std::os::fd::{AsFd, BorrowedFd};

use super::errno::Errno;
use super::sys::{self, word};
use crate::engine::State;

/// The part of `struct tcp_info` that a comparison needs.
///
/// A socket whose connection has gone to TIME-WAIT, or to FIN-WAIT-2 after its close, says CLOSED here:
/// the kernel then keeps a mini-socket that only [`socket_table`](super::socket_table) shows.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TcpInfo {
    /// The state.
    pub state: State,
    /// Timestamps (RFC 7323) are in use.
    pub timestamps: bool,
    /// SACK (RFC 2018) is in use.
    pub sack: bool,
    /// Our shift count and the peer's, as `(send, receive)`, if windows are scaled.
    pub window_scale: Option<(u8, u8)>,
    /// Segments retransmitted since the last new acknowledgment.
    pub retransmits: u8,
    /// The retransmission timeout, in microseconds.
    pub rto: u32,
    /// The delayed-ACK timeout the kernel would use next, in microseconds.
    pub ato: u32,
    /// Octets of text a segment we send may carry.
    pub snd_mss: u32,
    /// The kernel's guess at the octets of text the peer's segments carry.
    pub rcv_mss: u32,
    /// Segments sent and not acknowledged.
    pub unacked: u32,
    /// The largest window the kernel is ready to offer at present, in octets.
    pub rcv_ssthresh: u32,
    /// The smoothed round-trip time, in microseconds.
    pub rtt: u32,
    /// The congestion window, in segments.
    pub snd_cwnd: u32,
    /// The MSS we advertise less the options every segment carries, in octets.
    pub advmss: u32,
}

/// What the kernel says of this TCP socket.
///
/// # Errors
/// The errno; `EOPNOTSUPP` or `ENOPROTOOPT` for what is no TCP socket, `EPROTO` for an answer we cannot read.
pub fn tcp_info(fd: impl AsFd) -> Result<TcpInfo, Errno> {
    parse(&info_octets(fd.as_fd())?).ok_or_else(|| rustix::io::Errno::PROTO.into())
}

/// As much of `struct tcp_info` as the kernel has.
pub(super) fn info_octets(fd: BorrowedFd<'_>) -> Result<Vec<u8>, Errno> {
    let mut octets = vec![0; 512];
    let len = sys::option(fd, libc::IPPROTO_TCP, libc::TCP_INFO, &mut octets)?;
    octets.truncate(len);
    Ok(octets)
}

/// Octets of kernel memory that unread text takes, its packets' overhead included (`SO_MEMINFO`).
///
/// One unread packet with one octet shows what a packet costs, which the window's growth depends on.
///
/// # Errors
/// The errno.
pub fn memory_in_receive_queue(fd: impl AsFd) -> Result<u32, Errno> {
    let mut octets = [0; 36];
    let len = sys::option(fd.as_fd(), libc::SOL_SOCKET, libc::SO_MEMINFO, &mut octets)?;
    word(&octets[..len], 0).ok_or_else(|| rustix::io::Errno::PROTO.into())
}

/// The state of this number in `tcp_states.h`; `None` for numbers that name none.
///
/// `TCP_NEW_SYN_RECV`, a request that has no socket yet, is SYN-RECEIVED like `TCP_SYN_RECV`.
pub const fn state_of(number: u8) -> Option<State> {
    Some(match number {
        1 => State::Established,
        2 => State::SynSent,
        3 | 12 => State::SynReceived,
        4 => State::FinWait1,
        5 => State::FinWait2,
        6 => State::TimeWait,
        7 => State::Closed,
        8 => State::CloseWait,
        9 => State::LastAck,
        10 => State::Listen,
        11 => State::Closing,
        _ => return None,
    })
}

/// Reads the head of `struct tcp_info`, which only ever grows at its end.
fn parse(octets: &[u8]) -> Option<TcpInfo> {
    let options = *octets.get(5)?;
    // Two bit-fields of 4, which follow the byte order of the machine.
    let scales = *octets.get(6)?;
    let (send, receive) = if cfg!(target_endian = "little") { (scales & 15, scales >> 4) } else { (scales >> 4, scales & 15) };
    let field = |index: usize| word(octets, 8 + 4 * index);
    Some(TcpInfo {
        state: state_of(*octets.first()?)?,
        timestamps: options & OPT_TIMESTAMPS != 0,
        sack: options & OPT_SACK != 0,
        window_scale: (options & OPT_WSCALE != 0).then_some((send, receive)),
        retransmits: *octets.get(2)?,
        rto: field(0)?,
        ato: field(1)?,
        snd_mss: field(2)?,
        rcv_mss: field(3)?,
        unacked: field(4)?,
        rcv_ssthresh: field(14)?,
        rtt: field(15)?,
        snd_cwnd: field(18)?,
        advmss: field(19)?,
    })
}

const OPT_TIMESTAMPS: u8 = 1;
const OPT_SACK: u8 = 2;
const OPT_WSCALE: u8 = 4;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_state_has_a_number() {
        for state in State::ALL {
            assert!((1..=11).any(|number| state_of(number) == Some(*state)), "{state}");
        }
        assert_eq!(state_of(0), None);
        assert_eq!(state_of(12), Some(State::SynReceived));
        assert_eq!(state_of(13), None);
    }

    #[test]
    fn a_cut_answer_is_none_and_no_panic() {
        let mut octets = vec![0_u8; 104];
        octets[0] = 1;
        octets[5] = OPT_TIMESTAMPS | OPT_SACK | OPT_WSCALE;
        octets[6] = 0xaa;
        octets[16..20].copy_from_slice(&1448_u32.to_ne_bytes());
        let info = parse(&octets).expect("whole");
        assert_eq!((info.state, info.snd_mss, info.window_scale), (State::Established, 1448, Some((10, 10))));
        for cut in 0..88 {
            assert_eq!(parse(&octets[..cut]), None, "{cut} octets");
        }
    }
}
