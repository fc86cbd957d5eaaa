//! Just enough rtnetlink to set up a loopback: link settings and addresses, one request, one answer.

use std::net::IpAddr;
use std::os::fd::OwnedFd;

use rustix::net::netlink::SocketAddrNetlink;
use rustix::net::{AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, recv, sendto, socket_with};

use super::errno::Errno;

/// The loopback is the first interface of every network namespace.
pub(super) const LOOPBACK: u8 = 1;

/// A socket to the kernel's routing tables, of the namespace it was opened in.
pub(super) struct Netlink(OwnedFd);

impl Netlink {
    /// Opens one.
    pub(super) fn open() -> Result<Self, Errno> {
        // NETLINK_ROUTE is protocol 0, the default.
        Ok(Self(socket_with(AddressFamily::NETLINK, SocketType::RAW, SocketFlags::CLOEXEC, None)?))
    }

    /// Brings the loopback up, with this MTU in octets, and forbids packets of several segments.
    ///
    /// Without the latter a long text crosses `lo` in packets of up to 64 KiB, which no network would
    /// carry; with at most one segment a packet, TCP cuts every one itself and sends it by itself.
    pub(super) fn raise_loopback(&self, mtu: u32) -> Result<(), Errno> {
        let attributes = [attribute(IFLA_MTU, &mtu.to_ne_bytes()), attribute(IFLA_GSO_MAX_SEGS, &1_u32.to_ne_bytes())];
        self.request(RTM_NEWLINK, NONE, &link_body(), &attributes.concat())
    }

    /// Gives the loopback an address, for itself alone, usable at once.
    pub(super) fn add_address(&self, address: IpAddr) -> Result<(), Errno> {
        let (family, bits, octets) = match address {
            IpAddr::V4(v4) => (AddressFamily::INET, 32, v4.octets().to_vec()),
            IpAddr::V6(v6) => (AddressFamily::INET6, 128, v6.octets().to_vec()),
        };
        let family = u8::try_from(family.as_raw()).map_err(|_| Errno::from(rustix::io::Errno::AFNOSUPPORT))?;
        let body = [family, bits, IFA_F_NODAD, RT_SCOPE_UNIVERSE, LOOPBACK, 0, 0, 0];
        let attributes = [attribute(IFA_LOCAL, &octets), attribute(IFA_ADDRESS, &octets)];
        self.request(RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, &body, &attributes.concat())
    }

    /// Sends one request and waits for its acknowledgment.
    fn request(&self, kind: u16, flags: u16, body: &[u8], attributes: &[u8]) -> Result<(), Errno> {
        let message = message(kind, flags, body, attributes);
        sendto(&self.0, &message, SendFlags::empty(), &SocketAddrNetlink::new(0, 0))?;
        let mut answer = [0; 4096];
        let (len, _) = recv(&self.0, &mut answer, RecvFlags::empty())?;
        acknowledged(&answer[..len])
    }
}

/// A whole message: header, fixed part, attributes.
fn message(kind: u16, flags: u16, body: &[u8], attributes: &[u8]) -> Vec<u8> {
    let len = u32::try_from(HEADER + body.len() + attributes.len()).unwrap_or(u32::MAX);
    let mut message = Vec::with_capacity(HEADER + body.len() + attributes.len());
    message.extend(len.to_ne_bytes());
    message.extend(kind.to_ne_bytes());
    message.extend((NLM_F_REQUEST | NLM_F_ACK | flags).to_ne_bytes());
    message.extend(1_u32.to_ne_bytes()); // sequence number
    message.extend(0_u32.to_ne_bytes()); // port, the kernel's
    message.extend(body);
    message.extend(attributes);
    message
}

/// `struct ifinfomsg`: the loopback, and of its flags only `IFF_UP`, set.
fn link_body() -> Vec<u8> {
    let mut body = vec![0; 4];
    body.extend(u32::from(LOOPBACK).to_ne_bytes());
    body.extend(IFF_UP.to_ne_bytes());
    body.extend(IFF_UP.to_ne_bytes());
    body
}

/// One attribute, filled to a multiple of 4 octets. Ours are at most 20 octets long.
fn attribute(kind: u16, value: &[u8]) -> Vec<u8> {
    let mut attribute = Vec::with_capacity(4 + value.len().next_multiple_of(4));
    attribute.extend(u16::try_from(4 + value.len()).unwrap_or(u16::MAX).to_ne_bytes());
    attribute.extend(kind.to_ne_bytes());
    attribute.extend(value);
    attribute.resize(attribute.len().next_multiple_of(4), 0);
    attribute
}

/// Reads `NLMSG_ERROR`, whose error is 0 for an acknowledgment and a negative errno otherwise.
fn acknowledged(answer: &[u8]) -> Result<(), Errno> {
    let kind = answer.get(4..6).and_then(|octets| octets.try_into().ok()).map(u16::from_ne_bytes);
    let error = answer.get(HEADER..HEADER + 4).and_then(|octets| octets.try_into().ok()).map(i32::from_ne_bytes);
    match (kind, error) {
        (Some(NLMSG_ERROR), Some(0)) => Ok(()),
        (Some(NLMSG_ERROR), Some(error)) => Err(std::io::Error::from_raw_os_error(error.saturating_neg()).into()),
        _ => Err(rustix::io::Errno::PROTO.into()),
    }
}

/// Octets of `struct nlmsghdr`.
const HEADER: usize = 16;
const NONE: u16 = 0;
const NLM_F_REQUEST: u16 = 0x001;
const NLM_F_ACK: u16 = 0x004;
const NLM_F_EXCL: u16 = 0x200;
const NLM_F_CREATE: u16 = 0x400;
const NLMSG_ERROR: u16 = 2;
const RTM_NEWLINK: u16 = 16;
const RTM_NEWADDR: u16 = 20;
const IFF_UP: u32 = 1;
const IFLA_MTU: u16 = 4;
const IFLA_GSO_MAX_SEGS: u16 = 40;
const IFA_ADDRESS: u16 = 1;
const IFA_LOCAL: u16 = 2;
/// No duplicate address detection: an IPv6 address would not be usable for a second.
const IFA_F_NODAD: u8 = 0x02;
const RT_SCOPE_UNIVERSE: u8 = 0;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_are_padded_but_say_their_own_length() {
        assert_eq!(attribute(7, &[1, 2, 3, 4, 5])[..2], 9_u16.to_ne_bytes());
        assert_eq!(attribute(7, &[1, 2, 3, 4, 5]).len(), 12);
        let whole = message(RTM_NEWLINK, NONE, &link_body(), &attribute(IFLA_MTU, &1500_u32.to_ne_bytes()));
        assert_eq!(whole[..4], 40_u32.to_ne_bytes());
        assert_eq!(whole.len(), 40);
    }

    #[test]
    fn an_answer_is_an_acknowledgment_or_an_errno() {
        let answer = |error: i32| [&message(NLMSG_ERROR, 0, &[], &[])[..], &error.to_ne_bytes()].concat();
        assert_eq!(acknowledged(&answer(0)), Ok(()));
        assert_eq!(acknowledged(&answer(-libc::EPERM)).map_err(Errno::name), Err("EPERM"));
        for cut in 0..20 {
            assert_eq!(acknowledged(&answer(0)[..cut]).map_err(Errno::name), Err("EPROTO"), "{cut} octets");
        }
    }
}
