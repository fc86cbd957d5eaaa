//! What a host knows for TCP fast open (RFC 7413): the cookies it makes, and those it was given.

use std::hash::Hasher;
use std::net::IpAddr;

use siphasher::sip::{SipHasher13, SipHasher24};

use super::{Host, SocketId};
use crate::engine::{FastOpenAnswer, FastOpenCookie, FastOpenOutcome, FastOpenTry, Instant, Segment};
use crate::worlds::Errno;

/// What a client remembers of a server.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct KnownServer {
    /// Its cookie, and the MSS it announced with it (R7413-3).
    cookie: Option<(FastOpenCookie, u16)>,
    /// How it has to be asked for a cookie.
    form: Form,
    /// Until when it is spared fast opens (R7413-4, R7413-5).
    spared_until: Option<Instant>,
}

/// Which option asks a server for a cookie.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
enum Form {
    /// That of fast open.
    #[default]
    Own,
    /// The experimental one, for the other was not answered.
    Experimental,
    /// The first again: neither was.
    OwnAgain,
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

    /// `net.ipv4.tcp_fastopen_key`: makes cookies as Linux does, with these keys: the first makes them, all of them are taken.
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

    /// The cookies a listener takes, of which it gives the first.
    fn cookies_for(&self, listener: SocketId, now: Instant, client: IpAddr) -> Vec<FastOpenCookie> {
        let own = self.get(listener).map_or(&[][..], |socket| socket.fast_keys.as_slice());
        let keys = if own.is_empty() { &self.fast_open_keys } else { own };
        if keys.is_empty() {
            let epoch = self.cookie_epoch(now);
            return [epoch, epoch.wrapping_sub(1)].map(|epoch| self.cookie_of(client, epoch)).to_vec();
        }
        keys.iter().map(|key| self.keyed_cookie(client, key)).collect()
    }

    /// What a listener says to the option of this SYN; `None` if it takes no notice of it.
    pub(super) fn answer_fast_open(&self, listener: SocketId, now: Instant, client: IpAddr, syn: &Segment) -> Option<FastOpenAnswer> {
        let socket = self.get(listener).ok()?;
        // R7413-6: off unless the application asks for it. R7413-7: above the limit it is a SYN like any other.
        let limit = socket.fast_open?;
        if socket.fast_pending >= limit {
            return None;
        }
        let spoken = |cookie: &FastOpenCookie| self.profile.fast_open_experimental || !cookie.is_experimental();
        let shown = syn.options.fast_open().filter(spoken);
        if socket.fast_bare && (syn.len > 0 || shown.is_some()) {
            return Some(FastOpenAnswer { take: true, grant: None });
        }
        let shown = shown?;
        let cookies = self.cookies_for(listener, now, client);
        let known = cookies.iter().position(|cookie| cookie.octets() == shown.octets());
        // By an older key it is good as well, and there is a newer one to give. Without a key, the older one is the
        // same for another while.
        let keyed = !(self.fast_open_keys.is_empty() && socket.fast_keys.is_empty());
        let newest = if keyed { known == Some(0) } else { known.is_some() };
        let grant = cookies.first().map(|cookie| cookie.in_form(shown.is_experimental())).filter(|_| !newest);
        Some(FastOpenAnswer { take: known.is_some(), grant })
    }

    /// `TCP_FASTOPEN_KEY`: the keys for one listener.
    ///
    /// # Errors
    /// `EBADF`.
    pub fn set_listener_fast_open_keys(&mut self, id: SocketId, keys: &[[u8; 16]]) -> Result<(), Errno> {
        self.get_mut(id)?.fast_keys = keys.to_vec();
        Ok(())
    }

    /// The keys that count for this socket; none where the host makes its cookies in its own way.
    ///
    /// # Errors
    /// `EBADF`.
    pub fn fast_open_keys(&self, id: SocketId) -> Result<&[[u8; 16]], Errno> {
        let own = &self.get(id)?.fast_keys;
        Ok(if own.is_empty() { &self.fast_open_keys } else { own })
    }

    /// `TCP_FASTOPEN_NO_COOKIE`: text of a SYN is taken and given without one.
    ///
    /// # Errors
    /// `EBADF`.
    pub fn open_fast_without_cookie(&mut self, id: SocketId, on: bool) -> Result<(), Errno> {
        self.get_mut(id)?.fast_bare = on;
        Ok(())
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

    /// How this socket opens fast to this server now; `None` if it has to be spared that for a while.
    pub(super) fn try_fast(&self, id: SocketId, server: IpAddr, now: Instant) -> Option<FastOpenTry> {
        if self.get(id).is_ok_and(|socket| socket.fast_bare) {
            return Some(FastOpenTry::Bare);
        }
        let known = self.known_servers.get(&server).copied().unwrap_or_default();
        match known.cookie {
            _ if known.spared_until.is_some_and(|until| now < until) => None,
            Some((cookie, mss)) => Some(FastOpenTry::Show { cookie, mss }),
            None if known.form == Form::Experimental => Some(FastOpenTry::AskExperimentally),
            None => Some(FastOpenTry::Ask),
        }
    }

    /// Remembers what a connection has learned of its server.
    pub(super) fn learn(&mut self, server: IpAddr, outcome: FastOpenOutcome, now: Instant) {
        let (pause, experiments) = (self.profile.fast_open_pause, self.profile.fast_open_experimental);
        let known = self.known_servers.entry(server).or_default();
        if let Some(cookie) = outcome.cookie {
            known.cookie = Some((cookie, outcome.mss));
        } else if outcome.asked && !outcome.refused {
            // Who does not answer the one option may answer the other; that is tried once.
            known.form = match known.form {
                Form::Own if experiments => Form::Experimental,
                Form::Own => Form::Own,
                Form::Experimental | Form::OwnAgain => Form::OwnAgain,
            };
        }
        // A server that hands out a new cookie has only forgotten the old one.
        known.spared_until = (outcome.refused && outcome.cookie.is_none()).then(|| now + pause);
    }
}
