//! The ways to a host: a veth pair or a TUN device; and the signals that end it.

use std::io;
use std::os::fd::AsFd as _;
use std::time::Duration;

use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use synfin::worlds::kernel::{HostSetup, Namespace, NetworkError, Port, Switch, Tun, wait_for_any};

use super::Failure;
use super::address::Addresses;
use super::running::Device;

/// Octets of the largest packet, as on Ethernet.
pub(super) const MTU: u16 = 1500;
/// The link addresses of the host and of the machine's end of the cable; locally administered.
const LINK_ADDRESSES: [[u8; 6]; 2] = [[2, 0, 0, 0, 0, 2], [2, 0, 0, 0, 0, 1]];
/// Octets of an Ethernet II header.
const LINK_HEADER: usize = 14;

/// One end of a veth pair whose other end is the machine's interface.
pub(super) struct Cable {
    port: Port,
    frame: Vec<u8>,
    /// Where the other end of the pair is, and nobody else.
    _switch: Switch,
}

impl Cable {
    /// Makes the interface in the namespace this process is in.
    pub(super) fn lay(name: &str, addresses: Addresses) -> Result<Self, Failure> {
        let [host, machine] = LINK_ADDRESSES;
        let setup = HostSetup { address: addresses.machine, link_address: machine, mtu: MTU.into(), peer: (addresses.host, host) };
        let lay = || -> Result<Self, NetworkError> {
            let here = Namespace::current()?;
            let switch = Switch::new()?;
            let port = switch.lead_from(&here, name, addresses.prefix(), &setup)?;
            Ok(Self { port, frame: Vec::new(), _switch: switch })
        };
        lay().map_err(|error| match &error {
            NetworkError::Refused(refusal) if refusal.errno.name() == "EPERM" => {
                Failure::Request(format!("{error}; as an ordinary user, first `unshare --user --map-root-user --net`"))
            }
            _ => Failure::request(error),
        })
    }
}

impl Device for Cable {
    fn send(&mut self, packet: &[u8]) -> io::Result<()> {
        let [host, machine] = LINK_ADDRESSES;
        let ether_type: u16 = if packet.first().is_some_and(|first| first >> 4 == 6) { 0x86dd } else { 0x0800 };
        self.frame.clear();
        self.frame.extend(machine);
        self.frame.extend(host);
        self.frame.extend(ether_type.to_be_bytes());
        self.frame.extend(packet);
        self.port.send(&self.frame).map_err(io::Error::other)
    }

    fn receive(&mut self, packet: &mut Vec<u8>) -> io::Result<bool> {
        let Some(frame) = self.port.next_frame().map_err(io::Error::other)? else { return Ok(false) };
        packet.clear();
        packet.extend(frame.octets.get(LINK_HEADER..).unwrap_or_default());
        Ok(true)
    }

    fn wait(&mut self, at_most: Duration) -> io::Result<()> {
        self.port.wait(at_most).map(drop).map_err(io::Error::other)
    }
}

/// A TUN device, for a kernel without veth pairs.
pub(super) struct Tunnel(Tun);

impl Tunnel {
    /// Makes the device in the namespace this process is in.
    pub(super) fn dig(name: &str, addresses: Addresses) -> Result<Self, Failure> {
        let mut tun = Tun::open(name).map_err(Failure::request)?;
        tun.raise(addresses.machine, addresses.prefix(), MTU.into()).map_err(Failure::request)?;
        Ok(Self(tun))
    }
}

impl Device for Tunnel {
    fn send(&mut self, packet: &[u8]) -> io::Result<()> {
        self.0.send(packet).map_err(io::Error::other)
    }

    fn receive(&mut self, packet: &mut Vec<u8>) -> io::Result<bool> {
        let Some(next) = self.0.next_packet().map_err(io::Error::other)? else { return Ok(false) };
        *packet = next;
        Ok(true)
    }

    fn wait(&mut self, at_most: Duration) -> io::Result<()> {
        wait_for_any(&[self.0.as_fd()], at_most).map(drop).map_err(io::Error::other)
    }
}

/// Signals that ask the host to end, held back so that what is being written gets finished.
pub(super) struct Signals(SignalFd);

impl Signals {
    /// From now on they are asked for, not acted upon.
    pub(super) fn take() -> io::Result<Self> {
        let asked = SigSet::from_iter([Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP]);
        asked.thread_block()?;
        Ok(Self(SignalFd::with_flags(&asked, SfdFlags::SFD_NONBLOCK | SfdFlags::SFD_CLOEXEC)?))
    }

    /// Whether one has come.
    pub(super) fn came(&self) -> bool {
        matches!(self.0.read_signal(), Ok(Some(_)))
    }
}
