//! What the way to a peer takes: path MTU discovery (RFC 1191, RFC 8201), and the segments that follow from it.

use std::net::IpAddr;
use std::sync::Arc;

use super::{Host, SocketId};
use crate::engine::profile::MtuProbing;
use crate::engine::{Instant, Ours, Profile, SeqNumber, State};
use crate::trace::UdpPorts;
use crate::worlds::Errno;

/// What a router has said of the way to a host.
#[derive(Clone, Copy, Debug)]
pub(super) struct PathMtu {
    /// The longest packet that gets there, in octets.
    octets: u16,
    /// Until when that is believed.
    until: Instant,
}

/// `IP_MTU_DISCOVER`, `IPV6_MTU_DISCOVER`: what a socket makes of the path MTU.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum PathMtuDiscovery {
    /// `IP_PMTUDISC_DONT`: its segments are as long as the link lets them be.
    Dont,
    /// `IP_PMTUDISC_WANT`: they are as long as the path lets them be.
    #[default]
    Want,
    /// `IP_PMTUDISC_DO`: the same.
    Do,
    /// `IP_PMTUDISC_PROBE`: the same to TCP.
    Probe,
    /// `IP_PMTUDISC_INTERFACE`: as `Dont`.
    Interface,
    /// `IP_PMTUDISC_OMIT`: as `Dont`.
    Omit,
}

impl PathMtuDiscovery {
    const ALL: [Self; 6] = [Self::Dont, Self::Want, Self::Do, Self::Probe, Self::Interface, Self::Omit];

    /// The one of this number in `linux/in.h`.
    pub fn of_number(number: i64) -> Option<Self> {
        Self::ALL.get(usize::try_from(number).ok()?).copied()
    }

    /// Its number in `linux/in.h`.
    pub const fn number(self) -> i64 {
        self as i64
    }

    /// Whether segments follow what routers say.
    const fn follows(self) -> bool {
        matches!(self, Self::Want | Self::Do | Self::Probe)
    }
}

/// The least MTU of an IPv6 link (RFC 8200 section 5); who says less is not believed.
const LEAST_IPV6: u32 = 1280;

/// What a host of this address has of a profile: who probes paths has to know how long headers are.
pub(super) fn with_headers(profile: Arc<Profile>, address: IpAddr) -> Arc<Profile> {
    if profile.mtu_probing == MtuProbing::Off || address.is_ipv4() {
        profile
    } else {
        Arc::new(Profile { headers: 60, ..Profile::clone(&profile) })
    }
}

impl Host {
    /// The longest packet that gets to this address, as far as is known, in octets.
    pub fn path_mtu(&self, to: IpAddr, now: Instant) -> u16 {
        let known = self.path_mtus.get(&to).filter(|known| now < known.until);
        known.map_or(self.mtu, |known| known.octets.min(self.mtu))
    }

    /// `IP_MTU`, `IPV6_MTU`: the same of the way a connection takes.
    ///
    /// # Errors
    /// `ENOTCONN` without a peer.
    pub fn connection_mtu(&self, id: SocketId, now: Instant) -> Result<u16, Errno> {
        let remote = self.get(id)?.remote.ok_or(Errno::NotConnected)?;
        Ok(self.path_mtu(remote.address, now))
    }

    /// `IP_MTU_DISCOVER`, `IPV6_MTU_DISCOVER`.
    ///
    /// # Errors
    /// `EBADF`.
    pub fn set_path_mtu_discovery(&mut self, id: SocketId, discovery: PathMtuDiscovery) -> Result<(), Errno> {
        self.get_mut(id)?.discovery = discovery;
        Ok(())
    }

    /// What it is.
    ///
    /// # Errors
    /// `EBADF`.
    pub fn path_mtu_discovery(&self, id: SocketId) -> Result<PathMtuDiscovery, Errno> {
        Ok(self.get(id)?.discovery)
    }

    /// Forgets what routers have said, as `ip route flush cache` does.
    pub fn forget_paths(&mut self) {
        self.path_mtus.clear();
    }

    /// `TCP_MAXSEG`: octets of text in a full segment; before there is a connection, what was asked for.
    ///
    /// # Errors
    /// `EBADF`.
    pub fn max_segment(&self, id: SocketId) -> Result<u16, Errno> {
        let socket = self.get(id)?;
        let idle = matches!(socket.connection.state(), State::Closed | State::Listen);
        // FreeBSD begins with what a peer takes that does not say, which is more in IPv6.
        let default = if self.profile.max_segment_with_options { self.default_mss() } else { self.profile.default_mss };
        Ok(if idle { socket.mss.unwrap_or(default) } else { socket.connection.max_segment() })
    }

    /// What a peer takes that does not say.
    pub(super) fn default_mss(&self) -> u16 {
        if self.address.is_ipv4() { self.profile.default_mss } else { self.profile.default_mss_ipv6 }
    }

    /// Octets of text and options a packet of this length has room for, as this socket sends it.
    pub(super) fn segment_for(&self, id: SocketId, mtu: u16) -> u16 {
        let headers = if self.address.is_ipv4() { 40 } else { 60 };
        let in_udp = self.around.udp.is_some() || self.get(id).is_ok_and(|socket| socket.envelope.udp.is_some());
        mtu.saturating_sub(headers).saturating_sub(if in_udp { UdpPorts::HEADER } else { 0 }).max(1)
    }

    /// A router says that a packet was too long for its next hop, which takes `told` octets.
    pub(super) fn on_too_big(&mut self, id: SocketId, now: Instant, told: u32, quoted: SeqNumber<Ours>) -> Option<SocketId> {
        let remote = self.get(id).ok()?.remote?;
        if self.address.is_ipv6() && told < LEAST_IPV6 {
            return None;
        }
        let floor = if self.address.is_ipv4() { self.profile.min_pmtu } else { 0 };
        // One that does not say, as before RFC 1191, has the least.
        let octets = u16::try_from(told).unwrap_or(u16::MAX).max(floor).min(self.path_mtu(remote.address, now));
        let segment = self.segment_for(id, octets);
        let life = self.profile.path_mtu_life;
        let socket = self.get_mut(id).ok()?;
        let most = if socket.discovery.follows() { segment } else { u16::MAX };
        // A request's SYN,ACK is short enough for every path.
        if socket.is_request() || !socket.connection.on_path_mtu(now, quoted, most) {
            return Some(id);
        }
        self.path_mtus.insert(remote.address, PathMtu { octets, until: now + life });
        self.after_input(id);
        Some(id)
    }
}
