//! The real Linux kernel, in namespaces of our own: the same calls on real sockets, and what crossed the link.
//!
//! Here: a user namespace without root ([`enter_user_namespace`]), network namespaces as values
//! ([`Namespace`]), one with two addresses on a loopback ([`Network`]) and what passes it ([`Sniffer`]),
//! hosts in a namespace each with us between them ([`Switch`], [`HostNetwork`], [`Port`]), interfaces at
//! which we are whom the programs of a namespace talk to ([`Switch::lead_from`], [`Tun`]), sockets
//! ([`TcpSocket`]), what the kernel says of their states ([`tcp_info()`], [`SocketTable`]), and
//! [`Kernel`], which makes a [`World`](super::World) of a loopback.
//!
//! The order of use is fixed by the kernel: [`enter_user_namespace`] while the process has one thread,
//! then, on any thread and as often as one likes, [`Kernel::new`] or the pieces it is made of.
//!
//! # A kernel at the end of a cable
//!
//! One thread can own any number of hosts, and the network between them:
//!
//! ```no_run
//! use synfin::trace::End;
//! use synfin::worlds::kernel::{Family, HostSetup, Switch, TcpSocket, enter_user_namespace};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! enter_user_namespace()?;
//! let switch = Switch::new()?;
//! let setup = HostSetup {
//!     address: "192.0.2.1".parse()?,
//!     link_address: [2, 0, 0, 0, 0, 1],
//!     mtu: 1500,
//!     peer: ("192.0.2.2".parse()?, [2, 0, 0, 0, 0, 2]),
//! };
//! let (host, mut port) = switch.connect(&setup)?;
//! host.namespace().set_sysctl("net.ipv4.tcp_syn_retries", "2")?;
//!
//! // Made inside, used from here.
//! let socket = host.namespace().within(|| TcpSocket::new(Family::V4))??;
//! let _ = socket.connect(End { address: setup.peer.0, port: 7 }); // EINPROGRESS
//! let syn = port.next_frame()?.expect("a call's frames are there when it returns");
//! // What is sent into a port has been dealt with when `send` returns: its answer is there as well.
//! # let reply = syn.octets;
//! port.send(&reply)?;
//! # Ok(())
//! # }
//! ```
//!
//! With two hosts a frame from one port may go as it is to the other: its checksums are filled in.
//! Nothing crosses a cable that no call or frame has caused, and nothing of all this outlives the process.

mod datagram;
mod diag;
mod errno;
mod knobs;
mod links;
mod namespace;
mod netlink;
mod netns;
mod network;
mod packet;
mod ping;
mod place;
mod process;
pub mod record;
mod refusal;
mod sniffer;
mod socket;
mod switch;
mod sys;
mod sysctl;
mod tables;
mod tcp_info;
mod tun;
mod world;

pub use super::knobs::{EQUIVALENTS, Equivalent, Told, equivalent};
pub use diag::{Pending, Row, SocketTable, TableError, socket_table};
pub use errno::{Errno, errno_name};
pub use knobs::{as_kept_together, can_be_told, sysctls};
pub use namespace::enter_user_namespace;
pub use netns::Namespace;
pub use network::{Network, NetworkError, ipv6_is_there};
pub use packet::{Epoch, Frame, SnifferError, Statistics, wait_for_any};
pub use place::{KernelPlace, UnderTest};
pub(super) use process::Process;
pub use refusal::Refusal;
pub use sniffer::Sniffer;
pub use socket::{Family, Interest, More, TcpSocket};
pub use switch::{HostNetwork, HostSetup, Port, Switch};
pub use sys::Direction;
pub use tables::parse_table;
pub use tcp_info::{TcpInfo, memory_in_receive_queue, state_of, tcp_info};
pub use tun::Tun;
pub use world::{Kernel, KernelError, KernelSetup};
