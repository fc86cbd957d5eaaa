//! A network that consists of one loopback and belongs to one thread.

use std::fs;
use std::marker::PhantomData;
use std::net::IpAddr;

use super::errno::Errno;
use super::namespace::Refusal;
use super::netlink::Netlink;
use super::sys;

/// The fresh network namespace the calling thread is in, its loopback up.
///
/// It ends with the thread, or when the thread makes the next one, and when all its sockets are closed.
/// The value is of its thread: it cannot be sent to another, which would be in another network.
#[derive(Debug)]
pub struct Network {
    of_this_thread: PhantomData<*const ()>,
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
    #[error("cannot give {address} to a loopback with an MTU of {mtu}: {errno}; {}", hint(*.address, *.mtu))]
    Address {
        /// The address.
        address: IpAddr,
        /// The MTU of the loopback, in octets.
        mtu: u32,
        /// What the kernel answered.
        errno: Errno,
    },
    /// A sysctl cannot be read or written.
    #[error(
        "cannot {tried} sysctl {name} in our network namespace: {errno}; only names under net. that are kept per namespace can be, and /proc/sys must be mounted for it"
    )]
    Sysctl {
        /// `read` or `write`.
        tried: &'static str,
        /// Its name with dots.
        name: String,
        /// What the kernel answered.
        errno: Errno,
    },
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
        let unshare = || sys::unshare_network().map_err(|errno| Refusal::now("make a network namespace", errno));
        unshare()?;
        // By default all namespaces share one hash table, sized for the whole machine, and listing our
        // few sockets takes milliseconds. A child namespace can have its own (since 6.1); without, it is slow.
        if fs::write("/proc/sys/net/ipv4/tcp_child_ehash_entries", "256").is_ok() {
            unshare()?;
        }
        let lo = |errno| NetworkError::Loopback { mtu, errno };
        let netlink = Netlink::open().map_err(lo)?;
        netlink.raise_loopback(mtu).map_err(lo)?;
        for &address in addresses.iter().filter(|address| !address.is_loopback()) {
            netlink.add_address(address).map_err(|errno| NetworkError::Address { address, mtu, errno })?;
        }
        Ok(Self { of_this_thread: PhantomData })
    }

    /// Writes a sysctl of this namespace: `net.ipv4.tcp_rmem`, `4096 131072 33554432`.
    ///
    /// # Errors
    /// [`NetworkError::Sysctl`], for names not under `net.` with `EINVAL`.
    pub fn set_sysctl(&self, name: &str, value: &str) -> Result<(), NetworkError> {
        with_path(name, "write", |path| fs::write(path, value))
    }

    /// Reads a sysctl of this namespace; blanks at the ends are cut off, tabs between numbers become blanks.
    ///
    /// # Errors
    /// As [`set_sysctl`](Self::set_sysctl).
    pub fn sysctl(&self, name: &str) -> Result<String, NetworkError> {
        let text = with_path(name, "read", fs::read_to_string)?;
        Ok(text.split_whitespace().collect::<Vec<_>>().join(" "))
    }
}

/// Does something with the file of a sysctl. `/proc/sys/net` shows the namespace of the thread that opens it.
fn with_path<T>(name: &str, tried: &'static str, act: impl FnOnce(String) -> std::io::Result<T>) -> Result<T, NetworkError> {
    let failed = |errno: Errno| NetworkError::Sysctl { tried, name: name.to_owned(), errno };
    // A name is also a path: nothing may lead out of /proc/sys/net.
    let plain = name
        .split('.')
        .all(|part| !part.is_empty() && part.bytes().all(|octet| octet.is_ascii_alphanumeric() || octet == b'_' || octet == b'-'));
    if !plain || !name.starts_with("net.") {
        return Err(failed(rustix::io::Errno::INVAL.into()));
    }
    act(format!("/proc/sys/{}", name.replace('.', "/"))).map_err(|error| failed(error.into()))
}

/// What is likely wrong with an address.
fn hint(address: IpAddr, mtu: u32) -> &'static str {
    match address {
        IpAddr::V6(_) if mtu < 1280 => "IPv6 needs an MTU of at least 1280",
        IpAddr::V6(_) => "is IPv6 switched off in this kernel?",
        IpAddr::V4(_) => "is it a unicast address, and named once?",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sysctl_names_do_not_leave_the_namespace() {
        for name in ["kernel.hostname", "net", "net.", "net..ipv4", "net.ipv4/../../kernel/x", "net.ipv4.tcp rmem", ""] {
            let error = with_path(name, "read", |_| Ok(())).expect_err(name);
            assert!(error.to_string().contains("EINVAL"), "{error}");
        }
        with_path("net.ipv4.conf.lo-1.rp_filter", "read", |path| {
            assert_eq!(path, "/proc/sys/net/ipv4/conf/lo-1/rp_filter");
            Ok(())
        })
        .expect("a plain name");
    }
}
