//! What an option of the table changes at the host, and what it reads as when the host knows better.

use std::time::Duration;

use super::super::super::{PathMtuDiscovery, SocketId};
use super::super::choices::Choices;
use super::super::constants::System;
use super::super::table::File;
use super::super::{Sockets, Stop};
use crate::engine::{Instant, State};
use crate::worlds::stack::Fd;
use crate::worlds::{Errno, SocketOption};

/// `TCP_MIN_MSS` and `MAX_TCP_WINDOW`: between them Linux takes a TCP_MAXSEG.
const LEAST_MSS: i64 = 88;
const MOST_MSS: i64 = 32_767;
/// `net.inet.tcp.minmss`, and what is counted besides (`tcp_ctloutput`).
const FREEBSD_LEAST: i64 = 216;
const FREEBSD_HEADERS: i64 = 40;
/// `TCP_FIN_TIMEOUT_MAX`, seconds.
const MOST_LINGER2: i64 = 120;
/// Half of `SOCK_MIN_RCVBUF`.
const LEAST_CLAMP: i64 = 1152;
/// A tick of the measured kernel's clock, microseconds: HZ is 250.
const TICK_US: i64 = 4000;
/// `SO_MAX_PACING_RATE` of a socket that is not paced, in 32 bits.
const UNPACED: i64 = 0xffff_ffff;
/// The longest initial time-out `TCP_DEFER_ACCEPT` counts with, seconds.
const LONGEST_RTO: i64 = 120;

impl Sockets {
    /// What a system makes of a number before it looks at bounds; or the error it finds in it.
    pub(super) fn wanted(&self, fd: Fd, name: &str, value: i64) -> Result<i64, Stop> {
        let linux = self.system == System::Linux;
        let value = match name {
            "SO_RCVLOWAT" if linux => if value < 0 { i64::from(i32::MAX) } else { value.max(1) }.min(self.most_low_water(fd)?),
            "SO_RCVLOWAT" => value.max(1),
            "SO_TXREHASH" if value == -1 => 1,
            "TCP_MAXSEG" if linux && value != 0 && !(LEAST_MSS..=MOST_MSS).contains(&value) => return Err(Errno::Invalid.into()),
            "TCP_MAXSEG" if !linux => {
                let most = i64::from(self.host.max_segment(self.stream(fd)?.id)?);
                if value < 1 || value > most || value + FREEBSD_HEADERS < FREEBSD_LEAST {
                    return Err(Errno::Invalid.into());
                }
                value
            }
            "TCP_WINDOW_CLAMP" if value == 0 => {
                if self.host.state(self.stream(fd)?.id) != State::Closed {
                    return Err(Errno::Invalid.into());
                }
                0
            }
            "TCP_WINDOW_CLAMP" => value.max(LEAST_CLAMP),
            "TCP_LINGER2" if value < 0 => -1,
            "TCP_LINGER2" => value.min(MOST_LINGER2),
            "TCP_DEFER_ACCEPT" => deferral(value),
            // Kept in ticks of the kernel's clock.
            "TCP_RTO_MIN_US" | "TCP_DELACK_MAX_US" if (1..=200_000).contains(&value) => (value + TICK_US - 1) / TICK_US * TICK_US,
            "TCP_THIN_DUPACK" if value == 1 => 0,
            "TCP_FASTOPEN" if linux => {
                let state = self.host.state(self.stream(fd)?.id);
                if value < 0 || !matches!(state, State::Closed | State::Listen) {
                    return Err(Errno::Invalid.into());
                }
                value.min(self.parameters.most_waiting)
            }
            "TCP_FASTOPEN_CONNECT" | "TCP_FASTOPEN_NO_COOKIE" => {
                let state = self.host.state(self.stream(fd)?.id);
                let open =
                    if name == "TCP_FASTOPEN_CONNECT" { state == State::Closed } else { matches!(state, State::Closed | State::Listen) };
                if !(0..=1).contains(&value) || !open {
                    return Err(Errno::Invalid.into());
                }
                if name == "TCP_FASTOPEN_CONNECT" && !self.parameters.fast_open_client() {
                    return Err(Errno::NotSupported.into());
                }
                value
            }
            // The lower two bits are TCP's own.
            "IP_TOS" => value & 0xfc,
            "IP_TTL" | "IPV6_UNICAST_HOPS" if value == -1 => 64,
            "IPV6_TCLASS" if (0..=255).contains(&value) => value & 0xfc,
            "IPV6_TCLASS" if value == -1 => 0,
            "IPV6_V6ONLY" => {
                let bound = match self.file(fd)? {
                    File::Stream(stream) => self.host.ends(stream.id).0.is_some(),
                    File::Datagram(datagram) => datagram.port.is_some(),
                    File::Zeros(_) | File::Pipe(_) | File::Epoll(_) => false,
                };
                if bound {
                    return Err(Errno::Invalid.into());
                }
                value
            }
            _ => value,
        };
        Ok(value)
    }

    /// Tells the host of an option that is set.
    pub(in super::super) fn apply(&mut self, now: Instant, fd: Fd, name: &str, value: i64) -> Result<(), Stop> {
        let File::Stream(stream) = self.file(fd)? else { return Ok(()) };
        let id = stream.id;
        let on = value != 0;
        if self.is_of_other_ip(name) {
            return Ok(());
        }
        let linux = self.system == System::Linux;
        let whole = |most: i64| u16::try_from(value.min(most)).unwrap_or(u16::MAX);
        let octet = u8::try_from(value).ok();
        let seconds = Duration::from_secs(u64::try_from(value).unwrap_or(0));
        let option = match name {
            "TCP_NODELAY" => SocketOption::NoDelay(on),
            "TCP_QUICKACK" => SocketOption::QuickAck(on),
            "TCP_MAXSEG" => SocketOption::MaxSeg(if value == 0 { u16::MAX } else { whole(65_535) }),
            "TCP_USER_TIMEOUT" => SocketOption::UserTimeout(u32::try_from(value).unwrap_or(0)),
            "SO_KEEPALIVE" => SocketOption::KeepAlive(on || (!linux && self.parameters.always_keepalive)),
            "TCP_KEEPIDLE" => SocketOption::KeepIdle(whole(65_535)),
            "TCP_KEEPINTVL" => SocketOption::KeepInterval(whole(65_535)),
            "TCP_KEEPCNT" => SocketOption::KeepCount(u8::try_from(value).unwrap_or(u8::MAX)),
            "IP_TTL" | "IPV6_UNICAST_HOPS" => return Ok(self.host.set_ttl(id, octet)?),
            "IP_MINTTL" | "IPV6_MINHOPCOUNT" => return Ok(self.host.set_min_ttl(id, octet.unwrap_or(0))?),
            "IP_TOS" | "IPV6_TCLASS" => return Ok(self.host.set_tos(id, octet.unwrap_or(0))?),
            "IP_RECVERR" | "IPV6_RECVERR" => return Ok(self.host.hear_soft_errors(id, on)?),
            "IP_MTU_DISCOVER" | "IPV6_MTU_DISCOVER" => {
                let discovery = PathMtuDiscovery::of_number(value).ok_or(Errno::Invalid)?;
                return Ok(self.host.set_path_mtu_discovery(id, discovery)?);
            }
            "SO_REUSEADDR" => return Ok(self.host.set_reuse_address(id, on)?),
            "TCP_CORK" | "TCP_NOPUSH" if !on => return Ok(self.host.let_short_go(id)?),
            "TCP_REMOTE_UDP_ENCAPS_PORT" => return Ok(self.host.set_udp_encapsulation(id, whole(65_535))?),
            "TCP_MD5SIG" => return self.sign(id, on),
            "TCP_DEFER_ACCEPT" => return Ok(self.host.defer_accept(id, u32::try_from(value).unwrap_or(u32::MAX))?),
            "TCP_FASTOPEN_NO_COOKIE" => return Ok(self.host.open_fast_without_cookie(id, on)?),
            "TCP_SYNCNT" => return Ok(self.host.adjust(id, |profile| profile.syn_retries = u8::try_from(value).unwrap_or(u8::MAX))?),
            // Whatever the rate, what leaves would leave in its time from now on.
            "SO_MAX_PACING_RATE" if linux && value != -1 && value != UNPACED => {
                return Err(Stop::Unsupported("pacing (SO_MAX_PACING_RATE)".to_owned()));
            }
            "TCP_LINGER2" => {
                let usual = self.host.profile().fin_wait_2_timeout;
                return Ok(self.host.adjust(id, |profile| {
                    profile.fin_wait_2_timeout = if value > 0 { seconds } else { usual };
                    profile.fin_wait_2_forsaken = value < 0;
                })?);
            }
            "TCP_KEEPINIT" if on => return Ok(self.host.adjust(id, |profile| profile.connect_timeout = seconds)?),
            "TCP_RTO_MAX_MS" => return Ok(self.host.adjust(id, |profile| profile.rto_max = seconds / 1000)?),
            "TCP_RTO_MIN_US" => return Ok(self.host.adjust(id, |profile| profile.rto_min = seconds / 1_000_000)?),
            "TCP_NOOPT" if on => {
                return Ok(self.host.adjust(id, |profile| {
                    profile.mss_option = false;
                    profile.window_scale.0 = None;
                    profile.sack = false;
                    profile.timestamps = false;
                })?);
            }
            "TCP_FASTOPEN" if on && linux && !self.parameters.fast_open_server() => return Ok(()),
            "TCP_FASTOPEN" if on => return Ok(self.host.allow_fast_open(id, if linux { whole(65_535) } else { u16::MAX })?),
            "TCP_FASTOPEN" => return Ok(self.host.forbid_fast_open(id)?),
            "TCP_WINDOW_CLAMP" => return self.clamp_window(id, value),
            "SO_RCVLOWAT" if linux => return self.expect_text(fd, id, value),
            "TCP_THIN_LINEAR_TIMEOUTS" => {
                let all = self.host.profile().thin_linear_timeouts;
                return Ok(self.host.adjust(id, |profile| profile.thin_linear_timeouts = on || all)?);
            }
            "TCP_DELACK_MAX_US" => return Ok(self.host.adjust(id, |profile| profile.delayed_ack_max = seconds / 1_000_000)?),
            "TCP_TX_DELAY" | "TCP_MAXUNACKTIME" if on => {
                return Err(Stop::Unsupported(format!("{name} {value}")));
            }
            _ => return Ok(()),
        };
        self.host.set_option(id, now, option)?;
        if linux && option == SocketOption::NoDelay(true) {
            // Whatever has held it back.
            self.host.let_short_go(id)?;
        }
        Ok(())
    }

    /// Whether an option is of the version of IP that packets do not have here: it is remembered, and changes nothing.
    fn is_of_other_ip(&self, name: &str) -> bool {
        name.starts_with(if self.host.address().is_ipv4() { "IPV6_" } else { "IP_" })
    }

    /// Sends what was held back, and says that it is all.
    pub(in super::super) fn push_held(&mut self, now: Instant, id: SocketId) -> Result<(), Stop> {
        if self.host.glance(id)?.unsent > 0 {
            // A SEND of nothing ends the record; it can only be refused where there is nothing to push.
            let _ = self.host.send(id, now, &[], false);
        }
        Ok(())
    }

    /// `TCP_WINDOW_CLAMP` (`tcp_set_window_clamp`).
    fn clamp_window(&mut self, id: SocketId, value: i64) -> Result<(), Stop> {
        let octets = u32::try_from(value).unwrap_or(0);
        if self.host.window_clamp(id)?.is_some() {
            return Ok(self.host.clamp_window(id, octets)?);
        }
        let fallback = self.host.profile().window_scale.0;
        Ok(self.host.adjust(id, |profile| {
            profile.window_clamp = octets;
            // The scale is what so much needs.
            let shift = octets.checked_ilog2().map_or(14, |log| log.saturating_sub(15).min(14));
            profile.window_scale.0 = fallback.map(|usual| usual.min(u8::try_from(shift).unwrap_or(14)));
        })?)
    }

    /// The most that `SO_RCVLOWAT` may say: half of the memory there can be (`tcp_set_rcvlowat`).
    fn most_low_water(&self, fd: Fd) -> Result<i64, Stop> {
        let File::Stream(stream) = self.file(fd)? else { return Ok(i64::from(i32::MAX)) };
        let set = stream.choices.set_number("SO_RCVBUF");
        Ok(set.unwrap_or_else(|| self.host.profile().receive_memory_max.into()) / 2)
    }

    /// There is memory for as much as a process waits for, if it has not said how much there is.
    fn expect_text(&mut self, fd: Fd, id: SocketId, value: i64) -> Result<(), Stop> {
        if self.choices(fd)?.set_number("SO_RCVBUF").is_some() {
            return Ok(());
        }
        Ok(self.host.expect_text(id, u32::try_from(value).unwrap_or(u32::MAX))?)
    }

    /// A listener is about to choose otherwise: what has connected before keeps what it had then (`sk_clone`).
    pub(super) fn keep_for_children(&mut self, fd: Fd) {
        let Ok(stream) = self.stream(fd) else { return };
        let known = |child: &SocketId| stream.passed_on.iter().any(|(known, _)| known == child);
        let fresh: Vec<_> =
            self.host.waiting(stream.id).filter(|child| !known(child)).map(|child| (child, stream.choices.clone())).collect();
        if let (false, Ok(stream)) = (fresh.is_empty(), self.stream_mut(fd)) {
            stream.passed_on.extend(fresh);
        }
    }

    /// What a connection that is accepted has of its listener, which has chosen `choices` by now.
    pub(in super::super) fn passed_on(&mut self, listener: Fd, child: SocketId, choices: Choices) -> Result<Choices, Stop> {
        let linux = self.system == System::Linux;
        let kept = &mut self.stream_mut(listener)?.passed_on;
        let place = kept.iter().position(|(known, _)| *known == child);
        let mut choices = place.map_or(choices, |place| kept.swap_remove(place).1);
        if linux {
            for own in ["TCP_DEFER_ACCEPT", "TCP_FASTOPEN", "TCP_QUICKACK", "SO_PRIORITY"] {
                choices.forget(own);
            }
        }
        Ok(choices)
    }

    /// Gives an accepted socket what its listener has.
    pub(in super::super) fn apply_all(&mut self, now: Instant, fd: Fd) -> Result<(), Stop> {
        let choices = self.choices(fd)?.clone();
        for (name, value) in choices.numbers() {
            // Buffers and the like it has from its listener, and keeps.
            if matches!(name, "TCP_NODELAY" | "TCP_USER_TIMEOUT") {
                self.apply(now, fd, name, value)?;
            }
        }
        let (true, seconds) = choices.linger else { return Ok(()) };
        let id = self.stream(fd)?.id;
        self.host.set_option(id, now, SocketOption::Linger(Some(u16::try_from(seconds).unwrap_or(u16::MAX))))?;
        Ok(())
    }

    /// What an option reads as, which is kept as `value`.
    pub(super) fn reading(&self, fd: Fd, name: &str, value: i64) -> Result<i64, Stop> {
        let File::Stream(stream) = self.file(fd)? else { return Ok(value) };
        let state = self.host.state(stream.id);
        Ok(match name {
            "TCP_MAXSEG" if value == 0 && matches!(state, State::Closed | State::Listen) => 536,
            "TCP_MAXSEG" => self.host.max_segment(stream.id)?.into(),
            "TCP_LINGER2" if value == 0 => i64::try_from(self.host.profile().fin_wait_2_timeout.as_secs()).unwrap_or(0),
            "TCP_REMOTE_UDP_ENCAPS_PORT" => self.host.udp_encapsulation(stream.id)?.into(),
            "TCP_QUICKACK" => stream.choices.set_number(name).unwrap_or(1),
            // A connection may have it of its peer.
            "IP_TOS" | "IPV6_TCLASS" if !self.is_of_other_ip(name) => i64::from(self.host.tos(stream.id)?),
            "TCP_WINDOW_CLAMP" => self.host.window_clamp(stream.id)?.map_or(value, i64::from),
            _ => value,
        })
    }
}

/// `TCP_DEFER_ACCEPT` is kept as a count of time-outs, each twice as long as the one before, and read as their sum.
fn deferral(seconds: i64) -> i64 {
    if seconds <= 0 {
        return 0;
    }
    let (mut period, mut timeout) = (1, 1);
    for _ in 1..255 {
        if period >= seconds {
            break;
        }
        timeout = (timeout * 2).min(LONGEST_RTO);
        period += timeout;
    }
    period
}
