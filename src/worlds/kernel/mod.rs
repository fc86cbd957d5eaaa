//! The real Linux kernel, in namespaces of our own: the same calls on real sockets, and what crossed the loopback.
//!
//! Here: a user and network namespace without root ([`enter_user_namespace`], [`Network`]), what passes
//! its loopback ([`Sniffer`]), sockets ([`TcpSocket`]), what the kernel says of their states
//! ([`tcp_info()`], [`socket_table`]), and [`Kernel`], which makes a [`World`](super::World) of them.
//!
//! The order of use is fixed by the kernel: [`enter_user_namespace`] while the process has one thread,
//! then per scenario, on any thread, [`Kernel::new`].

mod errno;
mod namespace;
mod netlink;
mod network;
mod process;
mod sniffer;
mod socket;
mod sys;
mod tables;
mod tcp_info;
mod world;

pub use errno::{Errno, errno_name};
pub use namespace::{Refusal, enter_user_namespace};
pub use network::{Network, NetworkError};
pub use sniffer::{Frame, Sniffer, SnifferError, Statistics};
pub use socket::{Family, Interest, More, TcpSocket};
pub use sys::Direction;
pub use tables::{Row, TableError, parse_table, socket_table};
pub use tcp_info::{TcpInfo, memory_in_receive_queue, state_of, tcp_info};
pub use world::{Kernel, KernelError, KernelSetup};
