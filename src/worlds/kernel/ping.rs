//! `ping` on the kernel: echo requests from a socket that needs no right but a group's.

use std::net::{IpAddr, SocketAddr};
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use rustix::net::{AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, bind, connect, ipproto, recv, send, socket_with};

use super::Errno;
use super::process::Process;
use crate::trace::HostId;

/// Between one request and the next, as in the simulation.
const INTERVAL: Duration = Duration::from_secs(1);
/// How long the last request is waited for where nothing has come back; else one interval.
const PATIENCE: Duration = Duration::from_secs(10);
/// Octets of a request.
const TEXT: u8 = 56;
/// Types of ICMP and ICMPv6: the request, and what answers it.
const TYPES: [(u8, u8); 2] = [(8, 0), (128, 129)];

/// The echoes a process waits for.
#[derive(Debug)]
pub(super) struct Ping {
    socket: OwnedFd,
    v6: bool,
    times: u16,
    /// When each request left, and how long its reply took.
    requests: Vec<(Instant, Option<Result<Duration, Errno>>)>,
}

impl Ping {
    fn open(own: IpAddr, to: IpAddr, times: u16) -> Result<Self, Errno> {
        let v6 = to.is_ipv6();
        let (family, protocol) = if v6 { (AddressFamily::INET6, ipproto::ICMPV6) } else { (AddressFamily::INET, ipproto::ICMP) };
        let socket = socket_with(family, SocketType::DGRAM, SocketFlags::CLOEXEC | SocketFlags::NONBLOCK, Some(protocol))?;
        bind(&socket, &SocketAddr::new(own, 0))?;
        connect(&socket, &SocketAddr::new(to, 0))?;
        Ok(Self { socket, v6, times, requests: Vec::new() })
    }

    fn request(&mut self) -> Result<(), Errno> {
        let number = u16::try_from(self.requests.len() + 1).unwrap_or(u16::MAX);
        let (request, _) = TYPES[usize::from(self.v6)];
        // Type, code, checksum and identifier (both the kernel's business), number, text.
        let mut octets = vec![request, 0, 0, 0, 0, 0];
        octets.extend(number.to_be_bytes());
        octets.extend(0..TEXT);
        self.requests.push((Instant::now(), None));
        send(&self.socket, &octets, SendFlags::NOSIGNAL)?;
        Ok(())
    }

    /// Takes what has come back.
    fn listen(&mut self) -> Result<(), Errno> {
        let (_, reply) = TYPES[usize::from(self.v6)];
        let mut octets = [0; 2048];
        loop {
            match recv(&self.socket, &mut octets[..], RecvFlags::empty()) {
                Ok((len @ 8.., _)) if octets[0] == reply && len == usize::from(TEXT) + 8 => {
                    let number = usize::from(u16::from_be_bytes([octets[6], octets[7]]));
                    if let Some((sent, answer @ None)) = number.checked_sub(1).and_then(|position| self.requests.get_mut(position)) {
                        *answer = Some(Ok(sent.elapsed()));
                    }
                }
                Ok(_) => {}
                Err(rustix::io::Errno::AGAIN) => return Ok(()),
                // What an ICMP error told of the last request.
                Err(errno) => match self.requests.last_mut() {
                    Some((_, answer @ None)) => *answer = Some(Err(errno.into())),
                    Some(_) | None => return Err(errno.into()),
                },
            }
        }
    }

    fn is_late(&self) -> bool {
        self.wait().is_some_and(|wait| wait.is_zero())
    }

    /// How long it is until the next request, or until the last one is given up.
    fn wait(&self) -> Option<Duration> {
        let (sent, _) = self.requests.last()?;
        let all_sent = self.requests.len() == usize::from(self.times);
        let heard = self.requests.iter().any(|(_, answer)| matches!(answer, Some(Ok(_))));
        Some(if all_sent && !heard { PATIENCE } else { INTERVAL }.saturating_sub(sent.elapsed()))
    }

    fn is_over(&self) -> bool {
        let all_sent = self.requests.len() == usize::from(self.times);
        all_sent && (self.is_late() || self.requests.iter().all(|(_, answer)| answer.is_some()))
    }

    fn result(self) -> Result<String, Errno> {
        let answers: Vec<_> = self.requests.into_iter().map(|(_, answer)| answer).collect();
        if !answers.iter().any(|answer| matches!(answer, Some(Ok(_)))) {
            let told = answers.into_iter().rev().find_map(|answer| answer.and_then(Result::err));
            return Err(told.unwrap_or_else(|| rustix::io::Errno::TIMEDOUT.into()));
        }
        let words = answers.into_iter().map(|answer| match answer {
            Some(Ok(round_trip)) => humantime::format_duration(Duration::from_micros(whole_micros(round_trip))).to_string(),
            Some(Err(errno)) => errno.to_string(),
            None => "lost".to_owned(),
        });
        Ok(words.collect::<Vec<_>>().join(", "))
    }
}

fn whole_micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

impl Process {
    pub(super) fn start_ping(&mut self, to: HostId, times: u16) -> Result<String, Errno> {
        let mut ping = Ping::open(self.own_address(), self.address_of(to), times)?;
        ping.request()?;
        self.ping = Some(ping);
        Err(rustix::io::Errno::AGAIN.into())
    }

    /// How long it is until a ping under way does something by itself.
    pub(in crate::worlds) fn ping_wait(&self) -> Option<Duration> {
        self.ping.as_ref().and_then(Ping::wait)
    }

    /// The round trips of a ping, in order; sends the next request if it is time.
    ///
    /// # Errors
    /// `EAGAIN` while it goes on; `ETIMEDOUT` if nothing came back, or what an ICMP error told.
    pub(super) fn ping_result(&mut self) -> Result<String, Errno> {
        let mut ping = self.ping.take().ok_or_else(|| Errno::from(rustix::io::Errno::INVAL))?;
        ping.listen()?;
        if ping.is_over() {
            return ping.result();
        }
        if ping.is_late() && ping.requests.len() < usize::from(ping.times) {
            ping.request()?;
        }
        self.ping = Some(ping);
        Err(rustix::io::Errno::AGAIN.into())
    }
}
