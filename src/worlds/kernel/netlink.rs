//! A netlink socket: one request, its answers, its acknowledgment.
//!
//! Netlink is answered while the request is being sent, so nothing here ever waits. What is asked is said
//! by the modules that use it: [`links`](super::links) and [`diag`](super::diag).

use std::os::fd::OwnedFd;

use netlink_packet_core::{
    NLM_F_ACK, NLM_F_DUMP, NLM_F_REQUEST, NetlinkDeserializable, NetlinkHeader, NetlinkMessage, NetlinkPayload, NetlinkSerializable,
};
use rustix::net::netlink::SocketAddrNetlink;
use rustix::net::{AddressFamily, Protocol, RecvFlags, SendFlags, SocketFlags, SocketType, recv, sendto, socket_with};

use super::errno::Errno;

/// A socket to the kernel, of the network namespace it was opened in, wherever it is used.
#[derive(Debug)]
pub(super) struct Netlink {
    fd: OwnedFd,
    sequence: u32,
    buffer: Vec<u8>,
}

impl Netlink {
    /// Opens one of this protocol; `None` is `NETLINK_ROUTE`.
    pub(super) fn open(protocol: Option<Protocol>) -> Result<Self, Errno> {
        let fd = socket_with(AddressFamily::NETLINK, SocketType::RAW, SocketFlags::CLOEXEC, protocol)?;
        Ok(Self { fd, sequence: 0, buffer: vec![0; LONGEST_ANSWER] })
    }

    /// Has something changed; whether it was.
    pub(super) fn change<M: NetlinkSerializable + NetlinkDeserializable>(&mut self, message: M, flags: u16) -> Result<(), Errno> {
        self.exchange(message, NLM_F_ACK | flags, |_| ())
    }

    /// Asks for one thing.
    pub(super) fn get<M: NetlinkSerializable + NetlinkDeserializable>(&mut self, message: M) -> Result<Option<M>, Errno> {
        let mut got = None;
        self.exchange(message, NLM_F_ACK, |answer| got = Some(answer))?;
        Ok(got)
    }

    /// Asks for everything of a kind.
    pub(super) fn list<M: NetlinkSerializable + NetlinkDeserializable>(&mut self, message: M, each: impl FnMut(M)) -> Result<(), Errno> {
        self.exchange(message, NLM_F_DUMP, each)
    }

    /// The socket, for questions that go by any socket of the namespace.
    pub(super) const fn fd(&self) -> &OwnedFd {
        &self.fd
    }

    /// Sends one request and takes its answers, up to the acknowledgment or the end of the list.
    fn exchange<M: NetlinkSerializable + NetlinkDeserializable>(
        &mut self,
        message: M,
        flags: u16,
        mut each: impl FnMut(M),
    ) -> Result<(), Errno> {
        self.sequence = self.sequence.wrapping_add(1);
        sendto(&self.fd, &request(message, flags, self.sequence), SendFlags::empty(), &SocketAddrNetlink::new(0, 0))?;
        loop {
            let (_, len) = recv(&self.fd, &mut self.buffer[..], RecvFlags::DONTWAIT | RecvFlags::TRUNC)?;
            let mut rest = self.buffer.get(..len).ok_or(UNREADABLE)?;
            while !rest.is_empty() {
                let answer = NetlinkMessage::<M>::deserialize(rest).map_err(|_| UNREADABLE)?;
                let len = usize::try_from(answer.header.length).map_err(|_| UNREADABLE)?.next_multiple_of(4).max(4);
                rest = rest.get(len..).unwrap_or_default();
                if answer.header.sequence_number != self.sequence {
                    continue; // what is left of a request that failed half way
                }
                match answer.payload {
                    NetlinkPayload::InnerMessage(message) => each(message),
                    NetlinkPayload::Error(error) => return outcome(error.raw_code()),
                    NetlinkPayload::Done(done) => return outcome(done.code),
                    _ => return Err(UNREADABLE.into()),
                }
            }
        }
    }
}

/// A whole request as it goes to the kernel.
fn request<M: NetlinkSerializable>(message: M, flags: u16, sequence: u32) -> Vec<u8> {
    let mut header = NetlinkHeader::default();
    header.flags = NLM_F_REQUEST | flags;
    header.sequence_number = sequence;
    let mut message = NetlinkMessage::new(header, NetlinkPayload::InnerMessage(message));
    message.finalize();
    let mut octets = vec![0; message.buffer_len()];
    message.serialize(&mut octets);
    octets
}

/// Netlink reports 0 or a negative errno.
fn outcome(code: i32) -> Result<(), Errno> {
    if code == 0 { Ok(()) } else { Err(std::io::Error::from_raw_os_error(code.saturating_neg()).into()) }
}

/// For an answer that is not of a form known.
const UNREADABLE: rustix::io::Errno = rustix::io::Errno::PROTO;
/// The kernel fills at most 32 KiB at a time, however much room there is.
const LONGEST_ANSWER: usize = 32 << 10;

#[cfg(test)]
mod tests {
    use netlink_packet_route::RouteNetlinkMessage;
    use netlink_packet_route::link::LinkMessage;

    use super::*;

    #[test]
    fn a_list_has_an_end_and_a_refusal_its_errno() {
        // Looking needs no rights, so the namespace of the test itself will do: every one has a loopback.
        let mut netlink = Netlink::open(None).expect("a socket");
        for _ in 0..2 {
            let mut links = 0;
            netlink.list(RouteNetlinkMessage::GetLink(LinkMessage::default()), |_| links += 1).expect("a list");
            assert!(links >= 1);
            let mut nobody = LinkMessage::default();
            nobody.header.index = 0x7fff_fff0;
            let refused = netlink.change(RouteNetlinkMessage::DelLink(nobody), 0).expect_err("no such link");
            assert!(["ENODEV", "EPERM"].contains(&refused.name()), "{refused}");
        }
    }

    #[test]
    fn an_outcome_is_zero_or_an_errno() {
        assert_eq!(outcome(0), Ok(()));
        assert_eq!(outcome(-libc::EPERM).map_err(Errno::name), Err("EPERM"));
        assert_eq!(outcome(i32::MIN).map_err(Errno::value), Err(i32::MAX));
    }
}
