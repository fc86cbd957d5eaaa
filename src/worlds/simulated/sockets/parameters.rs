//! Parameters of the whole stack, by the names `sysctl` has for them.
//!
//! Most are knobs of the profile, and [`crate::worlds::knobs`] has the names. What is no knob stands in `unseen`: what
//! nobody can see is taken and ignored, what holds anyway is taken as it is, and all else is refused.

mod unseen;

use std::sync::Arc;

use super::constants::System;
use super::options::{MOST_ASKED, MOST_GROWN, USUAL_SEND};
use super::{Sockets, Stack as _};
use crate::engine::Profile;
use crate::engine::profile::SynCookies;
use crate::worlds::knobs::{EQUIVALENTS, FREEBSD, LINUX, Reading, Told, shift_of, whole, word};
use crate::worlds::stack::Unsupported;
use unseen::{HOLDS, UNSEEN};

/// What is set that no knob of the profile is.
#[derive(Clone, Debug)]
pub(super) struct Parameters {
    /// `net.core.somaxconn`, `kern.ipc.somaxconn`: places in a backlog at most.
    pub most_waiting: i64,
    /// `net.ipv4.tcp_fastopen`.
    pub fast_open: u32,
    /// `net.ipv4.tcp_wmem`, the middle number, if it was set.
    pub send_memory: Option<i64>,
    /// The last: what a send buffer may grow to.
    pub most_grown: i64,
    /// `net.ipv4.tcp_notsent_lowat`.
    pub most_unsent: u64,
    /// `net.ipv4.tcp_congestion_control`.
    pub congestion_control: String,
    /// `net.core.rmem_max` and `wmem_max`: what a process may ask for.
    pub most_receive: i64,
    pub most_send: i64,
    /// `net.inet.tcp.always_keepalive`.
    pub always_keepalive: bool,
    /// `kern.ipc.maxsockbuf`.
    pub most_buffer: u32,
}

impl Default for Parameters {
    fn default() -> Self {
        let congestion_control = "cubic".to_owned();
        Self {
            most_waiting: 4096,
            fast_open: 1,
            send_memory: None,
            most_grown: MOST_GROWN,
            most_unsent: u32::MAX.into(),
            congestion_control,
            most_receive: MOST_ASKED,
            most_send: MOST_ASKED,
            always_keepalive: true,
            most_buffer: 2_097_152,
        }
    }
}

impl Parameters {
    /// What a send buffer has before there is a connection.
    pub(super) fn usual_send(&self) -> i64 {
        self.send_memory.unwrap_or(USUAL_SEND)
    }

    /// Whether a process may open fast.
    pub(super) const fn fast_open_client(&self) -> bool {
        self.fast_open & 1 != 0
    }

    /// Whether listeners take fast opens.
    pub(super) const fn fast_open_server(&self) -> bool {
        self.fast_open & 2 != 0
    }

    /// `TFO_CLIENT_NO_COOKIE`: the text of a SYN needs none.
    pub(super) const fn fast_open_client_without_cookie(&self) -> bool {
        self.fast_open & 4 != 0
    }

    /// `TFO_SERVER_COOKIE_NOT_REQD`: the same of one that arrives.
    pub(super) const fn fast_open_server_without_cookie(&self) -> bool {
        self.fast_open & 0x200 != 0
    }

    /// Whether every listener takes them, asked or not.
    pub(super) const fn fast_open_server_without_option(&self) -> bool {
        self.fast_open & 0x402 == 0x402
    }
}

impl Sockets {
    pub(super) fn set_parameter_named(&mut self, name: &str, value: &str) -> Result<(), Unsupported> {
        let name = name.replace('/', ".");
        let value = value.split_whitespace().collect::<Vec<_>>().join(" ");
        let refused = || Unsupported(format!("sysctl {name}={value}"));
        let mut profile = self.host.profile().clone();
        let known = self.set_knobs(&mut profile, &name, &value).ok_or_else(refused)?;
        if known {
            self.host.set_profile(Arc::new(profile));
            return Ok(());
        }
        if self.set_other(&name, &value).ok_or_else(refused)? {
            return Ok(());
        }
        let holds = HOLDS.iter().find(|(known, ..)| *known == name);
        if let Some((_, values, _)) = holds {
            return if values.contains(&value.as_str()) { Ok(()) } else { Err(refused()) };
        }
        let unseen = UNSEEN.iter().any(|(known, _)| match known.strip_suffix('*') {
            Some(beginning) => name.starts_with(beginning),
            None => *known == name,
        });
        if unseen { Ok(()) } else { Err(refused()) }
    }

    /// Sets the knobs of this name; whether there are any. `None` if they cannot be told this.
    fn set_knobs(&self, profile: &mut Profile, name: &str, value: &str) -> Option<bool> {
        let mut known = false;
        let mut tell = |profile: &mut Profile, knob: &str, read: fn(&str) -> Option<String>| {
            known = true;
            let text = read(value)?;
            profile.set(knob, &text).ok()
        };
        if self.system == System::Linux {
            for row in EQUIVALENTS {
                if let Told::Sysctl { name: own, read, .. } = row.told
                    && own == name
                {
                    tell(profile, row.knob, read)?;
                }
            }
        }
        let further = if self.system == System::Linux { LINUX } else { FREEBSD };
        for Reading { knob, read, .. } in further.iter().filter(|row| row.name == name) {
            tell(profile, knob, *read)?;
        }
        if known && matches!(name, "net.ipv4.tcp_rmem" | "net.ipv4.tcp_window_scaling") {
            self.rescale(profile);
        }
        if known && name == "net.inet.tcp.rfc1323" {
            profile.window_scale.0 = profile.window_scale.0.map(|_| shift_of(self.parameters.most_buffer));
        }
        Some(known)
    }

    /// The scale follows from the memory that a receive buffer may grow to.
    fn rescale(&self, profile: &mut Profile) {
        let asked = u32::try_from(self.parameters.most_receive).unwrap_or(u32::MAX);
        let shift = shift_of(profile.receive_memory_max.max(asked));
        profile.window_scale.0 = profile.window_scale.0.map(|_| shift);
    }

    /// Sets what is no knob; whether there is such a thing. `None` if it cannot be told this.
    fn set_other(&mut self, name: &str, value: &str) -> Option<bool> {
        let number = |most: i64| whole(value).and_then(|number| i64::try_from(number).ok()).filter(|number| *number <= most);
        match name {
            "net.core.somaxconn" | "kern.ipc.somaxconn" | "kern.ipc.soacceptqueue" => self.parameters.most_waiting = number(65_535)?,
            "net.ipv4.tcp_fastopen" => {
                self.parameters.fast_open = u32::try_from(whole(value)?).ok()?;
            }
            "net.ipv4.tcp_fastopen_key" => {
                let keys: Option<Vec<_>> = value.split(',').map(fast_open_key).collect();
                self.host.set_fast_open_keys(keys?);
            }
            "net.ipv4.tcp_wmem" => {
                let (usual, most) = (word(value, 1)?, word(value, 2)?);
                self.parameters.send_memory = i64::try_from(usual).ok();
                self.parameters.most_grown = i64::try_from(most).ok()?;
            }
            "net.ipv4.tcp_notsent_lowat" => {
                let most = if value == "-1" { u64::from(u32::MAX) } else { whole(value)? };
                self.parameters.most_unsent = most.min(u32::MAX.into());
            }
            "net.core.wmem_max" => self.parameters.most_send = number(i32::MAX.into())?,
            "net.core.rmem_max" => {
                self.parameters.most_receive = number(i32::MAX.into())?;
                let mut profile = self.host.profile().clone();
                self.rescale(&mut profile);
                self.host.set_profile(Arc::new(profile));
            }
            "net.ipv4.tcp_congestion_control" | "net.inet.tcp.cc.algorithm" => {
                if !matches!(value, "reno" | "newreno" | "cubic") {
                    return None;
                }
                value.clone_into(&mut self.parameters.congestion_control);
                self.set_congestion_knob(value);
            }
            "net.ipv4.ip_default_ttl" | "net.inet.ip.ttl" => {
                if number(255)? != 64 {
                    return None;
                }
            }
            "net.inet.tcp.always_keepalive" => self.parameters.always_keepalive = number(1)? != 0,
            "net.inet.tcp.delayed_ack" => {
                let usual = Profile::freebsd().delayed_ack;
                let delays = number(1)? != 0;
                self.change(|profile| match (delays, profile.delayed_ack.is_zero()) {
                    (false, _) => profile.delayed_ack = std::time::Duration::ZERO,
                    (true, true) => profile.delayed_ack = usual,
                    (true, false) => {}
                });
            }
            "net.inet.tcp.syncookies_only" => {
                let only = number(1)? != 0;
                self.change(|profile| match (only, profile.syn_cookies) {
                    (true, _) => profile.syn_cookies = SynCookies::Always,
                    (false, SynCookies::Always) => profile.syn_cookies = SynCookies::Pressure,
                    (false, SynCookies::Off | SynCookies::Pressure) => {}
                });
            }
            "kern.ipc.maxsockbuf" => {
                self.parameters.most_buffer = u32::try_from(whole(value)?).unwrap_or(u32::MAX);
                let shift = shift_of(self.parameters.most_buffer);
                let mut profile = self.host.profile().clone();
                profile.window_scale.0 = profile.window_scale.0.map(|_| shift);
                self.host.set_profile(Arc::new(profile));
            }
            "net.ipv4.route.flush" | "net.ipv6.route.flush" | "net.inet.tcp.hostcache.purgenow" => self.forget_peers().ok()?,
            _ => return Some(false),
        }
        Some(true)
    }

    /// Changes the host's profile.
    fn change(&mut self, change: impl FnOnce(&mut Profile)) {
        let mut profile = self.host.profile().clone();
        change(&mut profile);
        self.host.set_profile(Arc::new(profile));
    }

    /// The profile's congestion control is this one, where it has a knob for it.
    fn set_congestion_knob(&mut self, name: &str) {
        let mut profile = self.host.profile().clone();
        let name = if name == "newreno" { "reno" } else { name };
        if profile.set("congestion-control", name).is_ok() {
            self.host.set_profile(Arc::new(profile));
        }
    }
}

/// A key of fast open cookies: `00112233-44556677-8899aabb-ccddeeff`.
fn fast_open_key(text: &str) -> Option<[u8; 16]> {
    let mut key = [0; 16];
    let words: Vec<&str> = text.trim().split('-').collect();
    if words.len() != 4 {
        return None;
    }
    for (word, octets) in words.into_iter().zip(key.chunks_exact_mut(4)) {
        // Each word stands in memory as the machine has it: the least significant octet first.
        octets.copy_from_slice(&u32::from_str_radix(word, 16).ok()?.to_le_bytes());
    }
    Some(key)
}
