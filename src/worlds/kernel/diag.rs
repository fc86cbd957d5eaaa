//! The kernel's tables of sockets, by sock_diag.
//!
//! They show what no socket option does: requests without a socket (SYN-RECEIVED) and connections that
//! outlive theirs (TIME-WAIT, FIN-WAIT-2 after a close).

use std::time::Duration;

use netlink_packet_sock_diag::SockDiagMessage;
use netlink_packet_sock_diag::constants::{AF_INET, AF_INET6, IPPROTO_TCP, IPPROTO_UDP};
use netlink_packet_sock_diag::inet::{ExtensionFlags, InetRequest, InetResponseHeader, SocketId, StateFlags, Timer};
use rustix::net::netlink::SOCK_DIAG;

use super::errno::Errno;
use super::netlink::Netlink;
use super::tables::proc_table;
use super::tcp_info::state_of;
use crate::engine::State;
use crate::trace::End;

/// One row: one endpoint, with or without a socket.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Row {
    /// Our address and port.
    pub local: End,
    /// The peer's; unspecified address and port 0 in LISTEN.
    pub remote: End,
    /// The state.
    pub state: State,
    /// The inode of the socket; 0 for rows without one.
    pub inode: u64,
    /// Octets sent and not acknowledged; nothing of use in LISTEN.
    pub send_queue: u32,
    /// Octets received in order and not read; in LISTEN connections nobody has accepted.
    pub receive_queue: u32,
    /// What the endpoint will do by itself, and how long until then, where the kernel says so.
    pub timer: Option<(Pending, Option<Duration>)>,
}

/// What an endpoint will do by itself.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Pending {
    /// Send again what is not acknowledged.
    Retransmission,
    /// Ask whether the peer is alive; of a connection nobody holds any more, give up waiting for its FIN.
    KeepAlive,
    /// Leave TIME-WAIT, or FIN-WAIT-2 without a socket.
    TimeWait,
    /// Ask whether the window has opened.
    Probe,
}

/// Why a table cannot be read.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum TableError {
    /// The kernel does not list its sockets.
    #[error("cannot {tried}: {errno}; {}", hint(*.errno))]
    Refused {
        /// The step, as an infinitive.
        tried: &'static str,
        /// What the kernel answered.
        errno: Errno,
    },
    /// The file cannot be read.
    #[error("cannot read {path}: {errno}; /proc must be mounted")]
    Unreadable {
        /// Which one.
        path: &'static str,
        /// What the kernel answered.
        errno: Errno,
    },
    /// A row is not of the form known.
    #[error("line {line}: expected {expected}, got `{got}`")]
    Row {
        /// Counted from 1, the heading included.
        line: usize,
        /// What should stand there.
        expected: &'static str,
        /// The row as it is.
        got: String,
    },
}

/// The sockets of one network namespace, to be asked for as often as one likes.
#[derive(Debug)]
pub struct SocketTable(Netlink);

impl SocketTable {
    /// Those of the calling thread's network namespace, even when the thread has left it.
    ///
    /// # Errors
    /// [`TableError::Refused`], if the kernel does not list its sockets.
    pub fn open() -> Result<Self, TableError> {
        let opened = Netlink::open(Some(SOCK_DIAG));
        opened.map(Self).map_err(|errno| TableError::Refused { tried: "open a socket to list sockets by", errno })
    }

    /// All TCP endpoints, of both families; those that are merely bound are none.
    ///
    /// # Errors
    /// [`TableError::Refused`], if the kernel does not list its sockets.
    pub fn tcp(&mut self) -> Result<Vec<Row>, TableError> {
        self.list(IPPROTO_TCP).map_err(|errno| TableError::Refused { tried: "list TCP sockets", errno })
    }

    /// All UDP sockets, of both families: ESTABLISHED if they are connected, otherwise CLOSED.
    ///
    /// # Errors
    /// [`TableError::Refused`], if the kernel does not list its sockets.
    pub fn udp(&mut self) -> Result<Vec<Row>, TableError> {
        self.list(IPPROTO_UDP).map_err(|errno| TableError::Refused { tried: "list UDP sockets", errno })
    }

    fn list(&mut self, protocol: u8) -> Result<Vec<Row>, Errno> {
        let mut rows = Vec::new();
        for (family, socket_id) in [(AF_INET, SocketId::new_v4()), (AF_INET6, SocketId::new_v6())] {
            let request = InetRequest { family, protocol, extensions: ExtensionFlags::empty(), states: StateFlags::all(), socket_id };
            self.0.list(SockDiagMessage::InetRequest(request), |answer| {
                if let SockDiagMessage::InetResponse(response) = answer {
                    rows.extend(row(&response.header));
                }
            })?;
        }
        Ok(rows)
    }
}

/// All TCP endpoints of the calling thread's network namespace.
///
/// # Errors
/// [`TableError`], if the kernel lists its sockets neither by netlink nor in `/proc`.
pub fn socket_table() -> Result<Vec<Row>, TableError> {
    SocketTable::open().and_then(|mut table| table.tcp()).or_else(|refused| proc_table().map_err(|_| refused))
}

/// One endpoint; `None` for a state that is none of TCP's.
fn row(header: &InetResponseHeader) -> Option<Row> {
    let id = &header.socket_id;
    Some(Row {
        local: End { address: id.source_address, port: id.source_port },
        remote: End { address: id.destination_address, port: id.destination_port },
        state: state_of(header.state)?,
        inode: u64::from(header.inode),
        send_queue: header.send_queue,
        receive_queue: header.recv_queue,
        timer: header.timer.as_ref().map(pending),
    })
}

fn pending(timer: &Timer) -> (Pending, Option<Duration>) {
    match *timer {
        Timer::Retransmit(wait, _) => (Pending::Retransmission, Some(wait)),
        Timer::KeepAlive(wait) => (Pending::KeepAlive, Some(wait)),
        // The kernel says how long here as well, but the library keeps it to itself.
        Timer::TimeWait => (Pending::TimeWait, None),
        Timer::Probe(wait) => (Pending::Probe, Some(wait)),
    }
}

/// What is likely wrong.
fn hint(errno: Errno) -> &'static str {
    match errno.value() {
        libc::ENOENT | libc::EPROTONOSUPPORT => {
            "this kernel does not list sockets by netlink; load that with `modprobe tcp_diag` as root, or run one with CONFIG_INET_DIAG"
        }
        _ => "in a container, allow sockets of AF_NETLINK",
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;
    use std::net::{Ipv4Addr, Ipv6Addr, Shutdown, SocketAddr, TcpListener, TcpStream, UdpSocket};

    use super::*;
    use crate::worlds::kernel::tcp_info;

    /// The rows with this port, each as text; the length of a listener's queue is not comparable.
    fn shown(rows: &[Row], port: u16) -> Vec<String> {
        let mut rows: Vec<_> = rows
            .iter()
            .filter(|row| row.local.port == port || row.remote.port == port)
            .map(|row| {
                let queues = if row.state == State::Listen { (0, 0) } else { (row.send_queue, row.receive_queue) };
                let (local, remote) = (row.local, row.remote);
                format!("{} {}#{} {}#{} {} {queues:?}", row.state, local.address, local.port, remote.address, remote.port, row.inode)
            })
            .collect();
        rows.sort();
        rows
    }

    /// One listener and three connections: one with unread text, one half closed, one whose closer waits.
    #[test]
    fn both_ways_of_listing_agree_with_the_sockets() {
        for address in [SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), SocketAddr::from((Ipv6Addr::LOCALHOST, 0))] {
            let Ok(listener) = TcpListener::bind(address) else { continue }; // a machine without IPv6
            let to = listener.local_addr().expect("bound");
            let pair = || {
                let active = TcpStream::connect(to).expect("a listener is there");
                (active, listener.accept().expect("connected").0)
            };
            let (mut active, passive) = pair();
            active.write_all(b"unread").expect("room");
            let (half, other) = pair();
            half.shutdown(Shutdown::Write).expect("connected");
            let (first, last) = pair();
            drop(first);
            drop(last);

            let mut table = SocketTable::open().expect("this kernel lists its sockets");
            // The FIN of the half-closed one is acknowledged a little later.
            while tcp_info(&half).expect("a TCP socket").state == State::FinWait1 {
                std::thread::yield_now();
            }
            let rows = table.tcp().expect("a list");
            assert_eq!(shown(&rows, to.port()), shown(&proc_table().expect("/proc"), to.port()));
            let states: Vec<_> = shown(&rows, to.port()).iter().map(|row| row.split(' ').next().unwrap_or_default().to_owned()).collect();
            assert_eq!(states, ["CLOSE-WAIT", "ESTABLISHED", "ESTABLISHED", "FIN-WAIT-2", "LISTEN", "TIME-WAIT"]);
            for socket in [&active, &passive, &half, &other] {
                let row = rows
                    .iter()
                    .find(|row| row.local.port == port_of(socket.local_addr()) && row.remote.port == port_of(socket.peer_addr()));
                assert_eq!(row.map(|row| row.state), tcp_info(socket).ok().map(|info| info.state));
            }
            assert!(rows.iter().any(|row| row.local.port == to.port() && row.receive_queue == 6), "six octets are unread");
        }
    }

    #[test]
    fn udp_sockets_are_listed() {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("a socket");
        let local = socket.local_addr().expect("bound");
        let mut table = SocketTable::open().expect("this kernel lists its sockets");
        let mut state = || {
            let rows = table.udp().expect("a list");
            rows.iter().find(|row| row.local.address == local.ip() && row.local.port == local.port()).map(|row| row.state)
        };
        assert_eq!(state(), Some(State::Closed));
        socket.connect(local).expect("to itself");
        assert_eq!(state(), Some(State::Established));
    }

    fn port_of(address: std::io::Result<SocketAddr>) -> u16 {
        address.expect("connected").port()
    }
}
