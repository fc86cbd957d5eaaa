//! A network that consists of one loopback, and what can be wrong with a network.

use std::net::IpAddr;

use rustix::net::{AddressFamily, SocketFlags, SocketType, socket_with};

use super::errno::Errno;
use super::links::{LOOPBACK, Links};
use super::netns::Namespace;
use super::packet::SnifferError;
use super::refusal::{Need, Refusal};
use super::sysctl;

/// A network namespace with its loopback up, and in it the thread that made it.
#[derive(Debug)]
pub struct Network {
    namespace: Namespace,
}

/// Why there is no such network.
#[derive(Debug, thiserror::Error)]
pub enum NetworkError {
    /// Network namespaces are refused altogether.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The loopback does not come up.
    #[error("cannot bring up the loopback with an MTU of {mtu}: {errno}; an MTU is 68 to 65536 octets, for IPv6 at least 1280")]
    Loopback {
        /// The MTU asked for, in octets.
        mtu: u32,
        /// What the kernel answered.
        errno: Errno,
    },
    /// An address is not taken.
    #[error("cannot give {address} to {interface} with an MTU of {mtu}: {errno}; {}", hint(*.address, *.mtu))]
    Address {
        /// The address.
        address: IpAddr,
        /// Of what kind the interface is: `a loopback`.
        interface: &'static str,
        /// Its MTU, in octets.
        mtu: u32,
        /// What the kernel answered.
        errno: Errno,
    },
    /// A sysctl cannot be read or written.
    #[error(
        "cannot {tried} sysctl {name} in our network namespace: {errno}; {}", of_sysctl(*.errno)
    )]
    Sysctl {
        /// `read` or `write`.
        tried: &'static str,
        /// Its name with dots.
        name: String,
        /// What the kernel answered.
        errno: Errno,
    },
    /// There is no way to see or send frames.
    #[error(transparent)]
    Frames(#[from] SnifferError),
}

impl Network {
    /// Moves the calling thread into a new network namespace whose loopback has this MTU, in octets, and these addresses.
    ///
    /// Addresses within 127.0.0.0/8, and `::1`, are there anyway. Text is cut into segments by TCP, never later:
    /// no packet carries more than one segment.
    ///
    /// # Errors
    /// [`NetworkError::Refused`] without the right to (see [`enter_user_namespace`](super::enter_user_namespace));
    /// the others for an MTU or an address the kernel does not take. The thread may then already be in the new namespace.
    pub fn new(mtu: u32, addresses: &[IpAddr]) -> Result<Self, NetworkError> {
        let namespace = Namespace::new()?;
        namespace.enter()?;
        if addresses.iter().any(IpAddr::is_ipv6) {
            ipv6_is_there()?;
            // Machines may hand a switch of theirs down to new namespaces. If it cannot be turned back, the address says so.
            let _ = sysctl::write_all("net.ipv6.conf", &[("disable_ipv6", "0")]);
        }
        let lo = |errno| NetworkError::Loopback { mtu, errno };
        let mut links = Links::open().map_err(lo)?;
        links.raise(LOOPBACK, mtu).map_err(lo)?;
        for &address in addresses.iter().filter(|address| !address.is_loopback()) {
            let prefix = if address.is_ipv4() { 32 } else { 128 };
            links.add_address(LOOPBACK, address, prefix).map_err(|errno| NetworkError::Address {
                address,
                interface: "a loopback",
                mtu,
                errno,
            })?;
        }
        Ok(Self { namespace })
    }

    /// The namespace, for sysctls, or for other threads to go in.
    pub const fn namespace(&self) -> &Namespace {
        &self.namespace
    }

    /// Writes a sysctl of this namespace: `net.ipv4.tcp_rmem`, `4096 131072 33554432`.
    ///
    /// # Errors
    /// [`NetworkError::Sysctl`], for names not under `net.` with `EINVAL`.
    pub fn set_sysctl(&self, name: &str, value: &str) -> Result<(), NetworkError> {
        self.namespace.set_sysctl(name, value)
    }

    /// Reads a sysctl of this namespace; blanks at the ends are cut off, tabs between numbers become blanks.
    ///
    /// # Errors
    /// As [`set_sysctl`](Self::set_sysctl).
    pub fn sysctl(&self, name: &str) -> Result<String, NetworkError> {
        self.namespace.sysctl(name)
    }
}

/// Whether this kernel speaks IPv6 at all.
///
/// # Errors
/// [`Refusal`] if it was built without it, or started with it switched off.
pub fn ipv6_is_there() -> Result<(), Refusal> {
    match socket_with(AddressFamily::INET6, SocketType::DGRAM, SocketFlags::CLOEXEC, None) {
        Ok(_) => Ok(()),
        Err(errno) => Err(Refusal::of(Need::Ipv6, "use IPv6", errno)),
    }
}

/// What is likely wrong with an address.
fn hint(address: IpAddr, mtu: u32) -> &'static str {
    match address {
        IpAddr::V6(_) if mtu < 1280 => "IPv6 needs an MTU of at least 1280",
        IpAddr::V6(_) => "is IPv6 switched off in this kernel?",
        IpAddr::V4(_) => "is it a unicast address, and named once?",
    }
}

/// What is likely wrong with a sysctl.
fn of_sysctl(errno: Errno) -> &'static str {
    match errno.value() {
        libc::EROFS => "/proc/sys is mounted read-only, as containers have it; run the container with `--privileged`, or none",
        libc::ENOENT => "this kernel has none of that name in a namespace",
        _ => "only names under net. that are kept per namespace can be, and /proc/sys must be mounted for it",
    }
}
