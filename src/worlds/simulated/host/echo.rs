//! ICMP echo: every host answers (RFC 1122 section 3.2.2.6), and a process may ask.

use std::time::Duration;

use super::errors::errno_of;
use super::{Host, Outgoing};
use crate::engine::Instant;
use crate::trace::{Echo, End, Envelope, Icmp, IcmpError, Payload};
use crate::worlds::Errno;

/// Between one request and the next, as `ping` does.
const INTERVAL: Duration = Duration::from_secs(1);
/// How long the last request is waited for where nothing has come back, as iputils does; else two round trips, and one
/// interval at least.
const PATIENCE: Duration = Duration::from_secs(10);
/// Octets of a request, as `ping` sends.
const TEXT: u8 = 56;

/// Requests of one `ping` under way.
#[derive(Clone, Debug)]
pub(super) struct Ping {
    id: u16,
    to: End,
    /// How many requests there shall be.
    times: u16,
    /// What came of those that have left.
    requests: Vec<(Instant, Reply)>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Reply {
    None,
    After(Duration),
    Error(IcmpError),
}

impl Ping {
    /// When there is something to do without a reply: the next request, or giving up.
    fn deadline(&self) -> Option<Instant> {
        let (sent, _) = self.requests.last()?;
        if self.requests.len() < usize::from(self.times) {
            return Some(*sent + INTERVAL);
        }
        let round_trips = self.requests.iter().filter_map(|(_, reply)| match reply {
            Reply::After(round_trip) => Some(*round_trip),
            Reply::None | Reply::Error(_) => None,
        });
        Some(*sent + round_trips.max().map_or(PATIENCE, |longest| INTERVAL.max(longest * 2)))
    }

    fn request(&mut self, id: u16, seq: u16) -> Option<&mut (Instant, Reply)> {
        let position = usize::from(seq).checked_sub(1)?;
        self.requests.get_mut(position).filter(|(_, reply)| id == self.id && *reply == Reply::None)
    }
}

impl Host {
    /// Sends the first of so many echo requests.
    pub fn start_ping(&mut self, now: Instant, to: End, times: u16) {
        self.pings = self.pings.wrapping_add(1);
        let mut ping = Ping { id: self.pings, to: End { port: 0, ..to }, times, requests: Vec::new() };
        self.send_request(&mut ping, now);
        self.ping = Some(ping);
    }

    fn send_request(&mut self, ping: &mut Ping, now: Instant) {
        ping.requests.push((now, Reply::None));
        let seq = u16::try_from(ping.requests.len()).unwrap_or(u16::MAX);
        let payload = Payload::Icmp(Icmp::EchoRequest(Echo { id: ping.id, seq, text: (0..TEXT).collect() }));
        let source = End { address: self.address, port: 0 };
        self.strays.push_back(Outgoing { socket: None, source, destination: ping.to, payload, envelope: Envelope::PLAIN });
    }

    /// The round trips of a ping, in order; sends the next request if it is time.
    ///
    /// # Errors
    /// `EAGAIN` while it goes on; `ETIMEDOUT` if nothing came back, or what the last ICMP error says; `EINVAL` if none
    /// is under way.
    pub fn ping_result(&mut self, now: Instant) -> Result<String, Errno> {
        let mut ping = self.ping.take().ok_or(Errno::Invalid)?;
        let all_sent = ping.requests.len() == usize::from(ping.times);
        let late = ping.deadline().is_some_and(|deadline| deadline <= now);
        let all_back = ping.requests.iter().all(|(_, reply)| *reply != Reply::None);
        if !(all_sent && (late || all_back)) {
            if late {
                self.send_request(&mut ping, now);
            }
            self.ping = Some(ping);
            return Err(Errno::Again);
        }
        let errno = |reply: &Reply| match reply {
            Reply::None => Some(Errno::TimedOut),
            Reply::Error(error) => errno_of(*error),
            Reply::After(_) => None,
        };
        let replies: Vec<_> = ping.requests.into_iter().map(|(_, reply)| reply).collect();
        if !replies.iter().any(|reply| matches!(reply, Reply::After(_))) {
            return Err(replies.iter().rev().find_map(errno).unwrap_or(Errno::TimedOut));
        }
        let words = replies.into_iter().map(|reply| match reply {
            Reply::After(round_trip) => humantime::format_duration(round_trip).to_string(),
            Reply::None => "lost".to_owned(),
            Reply::Error(error) => error.name().to_owned(),
        });
        Ok(words.collect::<Vec<_>>().join(", "))
    }

    /// When a ping must be asked again; `None` if none is under way.
    pub fn ping_deadline(&self) -> Option<Instant> {
        self.ping.as_ref().and_then(Ping::deadline)
    }

    /// Nobody waits for replies any more.
    pub fn stop_ping(&mut self) {
        self.ping = None;
    }

    /// A request arrives: what it brought goes back, all of it.
    pub(super) fn on_echo_request(&mut self, source: End, destination: End, echo: &Echo) {
        let payload = Payload::Icmp(Icmp::EchoReply(echo.clone()));
        self.strays.push_back(Outgoing { socket: None, source: destination, destination: source, payload, envelope: Envelope::PLAIN });
    }

    pub(super) fn on_echo_reply(&mut self, now: Instant, echo: &Echo) {
        if let Some((sent, reply)) = self.ping.as_mut().and_then(|ping| ping.request(echo.id, echo.seq)) {
            *reply = Reply::After(now.since(*sent));
        }
    }

    /// An ICMP error quotes a request.
    pub(super) fn on_echo_error(&mut self, error: IcmpError, id: u16, seq: u16) {
        if let Some((_, reply)) = self.ping.as_mut().and_then(|ping| ping.request(id, seq)) {
            *reply = Reply::Error(error);
        }
    }
}
