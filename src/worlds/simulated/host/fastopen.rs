//! What a host knows for TCP fast open (RFC 7413): the cookies it makes, and those it was given.

use std::hash::Hasher;
use std::net::IpAddr;

use siphasher::sip::{SipHasher13, SipHasher24};

use super::{Host, SocketId};
use crate::engine::{FastOpenAnswer, FastOpenCookie, FastOpenOutcome, FastOpenTry, Instant, Segment};

/// What a client remembers of a server.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct KnownServer {
    /// Its cookie, and the MSS it announced with it (R7413-3).
    cookie: Option<(FastOpenCookie, u16)>,
    /// Until when it is spared fast opens (R7413-4, R7413-5).
    spared_until: Option<Instant>,
}

impl Host {
    /// The cookie this host gives a client now.
    pub fn fast_open_cookie(&self, client: IpAddr, now: Instant) -> FastOpenCookie {
        self.cookie_of(client, self.cookie_epoch(now))
    }

    /// One it gave long ago, and takes no more.
    pub fn stale_fast_open_cookie(&self, client: IpAddr, now: Instant) -> FastOpenCookie {
        self.cookie_of(client, self.cookie_epoch(now).wrapping_sub(2))
    }

    /// Makes cookies as Linux does, with these keys: the first makes them, all of them are taken.
    pub fn set_fast_open_keys(&mut self, keys: Vec<[u8; 16]>) {
        self.fast_open_keys = keys;
    }

    /// The cookie Linux makes with this key: SipHash of both addresses, the client's first.
    fn keyed_cookie(&self, client: IpAddr, key: &[u8; 16]) -> FastOpenCookie {
        let mut hasher = SipHasher24::new_with_key(key);
        for address in [client, self.address] {
            match address {
                IpAddr::V4(v4) => hasher.write(&v4.octets()),
                IpAddr::V6(v6) => hasher.write(&v6.octets()),
            }
        }
        FastOpenCookie::new(&hasher.finish().to_le_bytes()).unwrap_or(FastOpenCookie::REQUEST)
    }

    /// A MAC over the client's address, and over the time by which it expires (R7413-2).
    fn cookie_of(&self, client: IpAddr, epoch: u64) -> FastOpenCookie {
        if let Some(key) = self.fast_open_keys.first() {
            return self.keyed_cookie(client, key);
        }
        let mut hasher = SipHasher13::new_with_keys(self.secret.1, self.secret.0);
        match client {
            IpAddr::V4(v4) => hasher.write(&v4.octets()),
            IpAddr::V6(v6) => hasher.write(&v6.octets()),
        }
        hasher.write(&epoch.to_be_bytes());
        FastOpenCookie::new(&hasher.finish().to_be_bytes()).unwrap_or(FastOpenCookie::REQUEST)
    }

    /// Counts the lives of cookies; one is taken in its own and the next.
    fn cookie_epoch(&self, now: Instant) -> u64 {
        let life = self.profile.fast_open_cookie_life.as_secs();
        now.as_millis().checked_div(life * 1000).unwrap_or(0)
    }

    /// What a listener says to the option of this SYN; `None` if it takes no notice of it.
    pub(super) fn answer_fast_open(&self, listener: SocketId, now: Instant, client: IpAddr, syn: &Segment) -> Option<FastOpenAnswer> {
        let socket = self.get(listener).ok()?;
        // R7413-6: off unless the application asks for it. R7413-7: above the limit it is a SYN like any other.
        let limit = socket.fast_open?;
        let shown = syn.options.offers().fast_open.filter(|_| socket.fast_pending < limit)?;
        let epoch = self.cookie_epoch(now);
        let keyed = self.fast_open_keys.iter().any(|key| shown == self.keyed_cookie(client, key));
        let take = keyed || [epoch, epoch.wrapping_sub(1)].into_iter().any(|epoch| shown == self.cookie_of(client, epoch));
        Some(FastOpenAnswer { take, grant: (!take).then(|| self.cookie_of(client, epoch)) })
    }

    /// A child was opened fast: it counts until its handshake is done.
    pub(super) fn begin_fast(&mut self, listener: SocketId, child: SocketId) {
        if let Ok(listener) = self.get_mut(listener) {
            listener.fast_pending += 1;
        }
        if let Ok(child) = self.get_mut(child) {
            child.fast_parent = Some(listener);
        }
    }

    /// The handshake of a child is done, or will never be.
    pub(super) fn end_fast(&mut self, child: SocketId) {
        let parent = self.get_mut(child).ok().and_then(|child| child.fast_parent.take());
        if let Some(parent) = parent.and_then(|parent| self.get_mut(parent).ok()) {
            parent.fast_pending -= 1;
        }
    }

    /// Puts a cookie of this server, and its MSS, into the cache.
    pub fn remember_cookie(&mut self, server: IpAddr, cookie: FastOpenCookie, mss: u16) {
        self.known_servers.entry(server).or_default().cookie = Some((cookie, mss));
    }

    /// How to open fast to this server now; `None` if it has to be spared that for a while.
    pub(super) fn try_fast(&self, server: IpAddr, now: Instant) -> Option<FastOpenTry> {
        let known = self.known_servers.get(&server).copied().unwrap_or_default();
        match known.cookie {
            _ if known.spared_until.is_some_and(|until| now < until) => None,
            Some((cookie, mss)) => Some(FastOpenTry::Show { cookie, mss }),
            None => Some(FastOpenTry::Ask),
        }
    }

    /// Remembers what a connection has learned of its server.
    pub(super) fn learn(&mut self, server: IpAddr, outcome: FastOpenOutcome, now: Instant) {
        let pause = self.profile.fast_open_pause;
        let known = self.known_servers.entry(server).or_default();
        if let Some(cookie) = outcome.cookie {
            known.cookie = Some((cookie, outcome.mss));
        }
        // A server that hands out a new cookie has only forgotten the old one.
        known.spared_until = (outcome.refused && outcome.cookie.is_none()).then(|| now + pause);
    }
}
