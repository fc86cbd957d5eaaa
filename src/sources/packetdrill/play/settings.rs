//! What a script's options and the command line's say, together: addresses, ports, tolerances.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use super::stop::Stop;
use super::symbols::System;
use super::whose::speaks_of_freebsd;
use crate::engine::Profile;
use crate::nearest::nearest;
use crate::sources::packetdrill::syntax::{Body, Direction, IpInfo, Options, Packet, Script, ScriptOption, Span, TcpOption, What};
use crate::worlds::simulated::sockets::Sockets;

/// The version of IP a script runs on.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum IpVersion {
    /// IPv4 sockets and packets.
    #[default]
    V4,
    /// IPv6 sockets, IPv4 packets.
    Mapped,
    /// IPv6 sockets and packets.
    V6,
}

/// Which of the two packetdrills a script is written for, where they differ.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum Dialect {
    /// google's: consecutive segments may stand for one that is written.
    #[default]
    Google,
    /// nplab's, used for FreeBSD.
    Nplab,
}

/// What holds for a whole run: the script's options, overridden by the command line's.
#[derive(Clone, PartialEq, Debug)]
pub struct Settings {
    /// The version of IP.
    pub version: IpVersion,
    /// The address of the stack under test.
    pub local: IpAddr,
    /// The address the script speaks for.
    pub remote: IpAddr,
    /// The port of a passive open.
    pub bind_port: u16,
    /// The port of an active open.
    pub connect_port: u16,
    /// The link's MTU, octets.
    pub mtu: u16,
    /// By how much a moment may be missed.
    pub tolerance: Duration,
    /// The same as a part of the time since the event before, in thousandths of a percent.
    pub tolerance_millipercent: u64,
    /// How long a tick of TSval lasts; `None` for "do not look at it".
    pub timestamp_tick: Option<Duration>,
    /// A TSecr that no packet has shown is counted on from the first.
    pub scales_ecr: bool,
    /// One written packet is one packet.
    pub strict_segments: bool,
    /// The run goes on behind a packet that is not as expected.
    pub forgives_packets: bool,
    /// The run goes on behind a call that does not return what is expected.
    pub forgives_calls: bool,
    /// Scripts to run before, of sysctls.
    pub init_scripts: Vec<String>,
    /// `--udp_encapsulation=tcp`.
    pub in_udp: bool,
    /// `--tcp_md5_secret`.
    pub md5_secret: Option<String>,
    /// Names from `--define` with what they stand for.
    pub defines: Vec<(String, String)>,
    /// Whose packetdrill it is written for.
    pub dialect: Dialect,
    /// Whose numbers constants have.
    pub system: System,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            version: IpVersion::V4,
            local: Ipv4Addr::new(192, 168, 0, 1).into(),
            remote: Ipv4Addr::new(192, 0, 2, 1).into(),
            bind_port: 8080,
            connect_port: 8080,
            mtu: 1500,
            tolerance: Duration::from_millis(4),
            tolerance_millipercent: 12_500,
            timestamp_tick: None,
            scales_ecr: false,
            strict_segments: false,
            forgives_packets: false,
            forgives_calls: false,
            init_scripts: Vec::new(),
            in_udp: false,
            md5_secret: None,
            defines: Vec::new(),
            dialect: Dialect::Google,
            system: System::Linux,
        }
    }
}

/// The addresses of `run_all.py`, which fixes what packetdrill itself leaves to chance.
const LOCAL_6: Ipv6Addr = Ipv6Addr::new(0xfd3d, 0x0a0b, 0x17d6, 0, 0, 0, 0, 1);
const REMOTE_6: Ipv6Addr = Ipv6Addr::new(0xfd3d, 0xfa7b, 0xd17d, 0, 0, 0, 0, 1);

/// Options that change nothing here: how much is said, which device it is, what is said of a clock.
const WITHOUT_EFFECT: [&str; 22] = [
    "speed",
    "mss",
    "code_command",
    "code_format",
    "code_sockopt",
    "verbose",
    "debug",
    "dry_run",
    "is_anyip",
    "send_omit_free",
    "gateway_ip",
    "netmask_ip",
    "local_linklocal_ip",
    "gateway_linklocal_ip",
    "tun_dev",
    "persistent_tun_dev",
    "no_cleanup",
    "psp_udp_port",
    "wire_client_dev",
    "wire_server_dev",
    "wire_server_port",
    "so_flags",
];

/// Options only nplab's packetdrill has.
const NPLABS: [&str; 7] =
    ["local_linklocal_ip", "gateway_linklocal_ip", "udp_encapsulation", "tcp_md5_secret", "tun_dev", "persistent_tun_dev", "no_cleanup"];

/// Options that are read.
const KNOWN: [&str; 17] = [
    "ip_version",
    "bind_port",
    "connect_port",
    "local_ip",
    "remote_ip",
    "mtu",
    "init_scripts",
    "tolerance_usecs",
    "tolerance_percent",
    "tcp_ts_tick_usecs",
    "tcp_ts_ecr_scaled",
    "strict_segments",
    "non_fatal",
    "define",
    "udp_encapsulation",
    "tcp_md5_secret",
    "wire_client",
];

impl Settings {
    /// What holds for this script, with options that override its own, on a stack like FreeBSD's or Linux's.
    pub(super) fn of(script: &Script, overrides: &[ScriptOption], freebsd: bool) -> Result<Self, Stop> {
        let mut settings = Self::default();
        if freebsd {
            settings.system = System::FreeBsd;
        }
        if freebsd || is_nplabs(script, overrides) {
            settings.dialect = Dialect::Nplab;
        }
        let own = script.options.iter().map(|option| (&option.value, Some(option.span)));
        let all: Vec<_> = own.chain(overrides.iter().map(|option| (option, None))).collect();
        // What the addresses are when none are given goes by the version, wherever that stands.
        for (option, span) in all.iter().filter(|(option, _)| option.name == "ip_version") {
            settings.set(option, *span)?;
        }
        if settings.version == IpVersion::V6 {
            (settings.local, settings.remote) = (LOCAL_6.into(), REMOTE_6.into());
        }
        for (option, span) in &all {
            settings.set(option, *span)?;
        }
        for (name, address) in [("local_ip", settings.local), ("remote_ip", settings.remote)] {
            if address.is_ipv6() != (settings.version == IpVersion::V6) {
                let span = all.iter().rev().find(|(option, _)| option.name == name).and_then(|(_, span)| *span);
                let version = if settings.version == IpVersion::V6 { 6 } else { 4 };
                return Err(Stop::error(span, format!("--{name} is {address}, but --ip_version wants an IPv{version} address")));
            }
        }
        Ok(settings)
    }

    fn set(&mut self, option: &ScriptOption, span: Option<Span>) -> Result<(), Stop> {
        let name = option.name.as_str();
        let value = option.value.as_deref();
        let wrong = |expected: &str| {
            let found = value.unwrap_or("nothing");
            Stop::error(span, format!("--{name}: expected {expected}, found {found}"))
        };
        let text = |expected: &str| value.filter(|value| !value.is_empty()).ok_or_else(|| wrong(expected));
        let number = |most: u64| {
            let expected = format!("a number up to {most}");
            value.and_then(|value| value.parse::<u64>().ok()).filter(|number| *number <= most).ok_or_else(|| wrong(&expected))
        };
        let port = || number(u16::MAX.into()).map(|port| u16::try_from(port).unwrap_or(u16::MAX));
        let flag = || !matches!(value, Some("0" | "false" | "no"));
        let address = || {
            let address = text("an IP address")?.split('/').next().unwrap_or_default();
            address.parse::<IpAddr>().map_err(|_| wrong("an IP address"))
        };
        match name {
            "ip_version" => {
                self.version = match value {
                    Some("ipv4") => IpVersion::V4,
                    Some("ipv4-mapped-ipv6") => IpVersion::Mapped,
                    Some("ipv6") => IpVersion::V6,
                    _ => return Err(wrong("ipv4, ipv4-mapped-ipv6 or ipv6")),
                };
            }
            "bind_port" => self.bind_port = port()?,
            "connect_port" => self.connect_port = port()?,
            "local_ip" => self.local = address()?,
            "remote_ip" => self.remote = address()?,
            "mtu" => self.mtu = port()?,
            "init_scripts" => self.init_scripts = text("paths")?.split(',').map(|path| path.trim().to_owned()).collect(),
            "tolerance_usecs" => self.tolerance = Duration::from_micros(number(MOST_MICROS)?),
            "tolerance_percent" => {
                let percent = value.and_then(|value| value.parse::<f64>().ok()).filter(|percent| (0.0..=1e6).contains(percent));
                let percent = percent.ok_or_else(|| wrong("a number of percent"))?;
                #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is within 0 and a million")]
                {
                    self.tolerance_millipercent = (percent * 1000.0).round() as u64;
                }
            }
            "tcp_ts_tick_usecs" => {
                let tick = number(MOST_MICROS)?;
                self.timestamp_tick = (tick > 0).then(|| Duration::from_micros(tick));
            }
            "tcp_ts_ecr_scaled" => self.scales_ecr = flag(),
            "strict_segments" => self.strict_segments = flag(),
            "non_fatal" => {
                for what in text("packet, syscall")?.split(',').map(str::trim) {
                    match what {
                        "packet" | "packets" => self.forgives_packets = true,
                        "syscall" | "syscalls" => self.forgives_calls = true,
                        _ => return Err(wrong("packet, syscall")),
                    }
                }
            }
            "define" => {
                let (name, value) = text("NAME=value")?.split_once('=').ok_or_else(|| wrong("NAME=value"))?;
                self.defines.push((name.to_owned(), value.to_owned()));
            }
            "udp_encapsulation" => match value {
                Some("tcp") => self.in_udp = true,
                Some("sctp") => return Err(Stop::unsupported(span, "SCTP")),
                _ => return Err(wrong("tcp")),
            },
            "tcp_md5_secret" => self.md5_secret = Some(text("a secret")?.to_owned()),
            "wire_client" | "wire_server" | "wire_server_ip" | "wire_server_at" => {
                return Err(Stop::unsupported(span, format!("--{name}: two machines and a wire")));
            }
            "so_filename" => return Err(Stop::unsupported(span, "--so_filename: a stack in a shared object")),
            _ if WITHOUT_EFFECT.contains(&name) => {}
            _ => {
                let known = KNOWN.into_iter().chain(WITHOUT_EFFECT);
                let hint = nearest(name, known).map_or_else(String::new, |near| format!("; did you mean --{near}?"));
                return Err(Stop::error(span, format!("no such option: --{name}{hint}")));
            }
        }
        Ok(())
    }

    /// By how much an event may miss its moment, where so long lies between it and the event before.
    pub(super) fn tolerance_after(&self, distance: Duration) -> Duration {
        let micros = u64::try_from(distance.as_micros()).unwrap_or(u64::MAX);
        let part = u128::from(micros) * u128::from(self.tolerance_millipercent) / 100_000;
        self.tolerance.max(Duration::from_micros(u64::try_from(part).unwrap_or(u64::MAX)))
    }

    /// The sockets of a simulated host with this script's address, that knows the script's key.
    pub fn sockets(&self, profile: Profile, seed: u64) -> Sockets {
        let mut sockets = Sockets::new(self.local, self.mtu, profile, seed);
        if let Some(secret) = &self.md5_secret {
            sockets.set_signature_secret(secret.as_bytes());
        }
        sockets
    }

    /// An address as a socket of this run is given it.
    pub(super) fn as_given(&self, address: IpAddr) -> IpAddr {
        match (self.version, address) {
            (IpVersion::Mapped, IpAddr::V4(address)) => address.to_ipv6_mapped().into(),
            _ => address,
        }
    }
}

/// The longest time an option may speak of: an hour.
const MOST_MICROS: u64 = 3_600_000_000;

/// Whether something stands in a script that only nplab's packetdrill reads.
pub(super) fn is_nplabs(script: &Script, overrides: &[ScriptOption]) -> bool {
    let options = script.options.iter().map(|option| &option.value).chain(overrides);
    !script.asked.is_empty()
        || options.into_iter().any(|option| NPLABS.contains(&option.name.as_str()))
        || script.init.iter().chain(&script.cleanup).any(|command| speaks_of_freebsd(&command.value))
        || script.events.iter().any(|event| match &event.what.value {
            What::Packet(packet) => is_nplabs_packet(packet),
            What::Command(command) => speaks_of_freebsd(&command.value),
            What::Call(_) | What::Code(_) => false,
        })
}

fn is_nplabs_packet(packet: &Packet) -> bool {
    let IpInfo { dscp, .. } = packet.ip;
    let Body::Tcp(segment) = &packet.body else { return dscp.is_some() };
    let raw = |number: &Option<crate::sources::packetdrill::syntax::Spanned<_>>| {
        number.as_ref().is_some_and(|number: &crate::sources::packetdrill::syntax::Spanned<crate::sources::packetdrill::syntax::Number>| {
            number.value.raw
        })
    };
    let by_option = match &segment.options {
        Options::Any => false,
        Options::Listed(options) => options.iter().any(|option| match &option.value {
            TcpOption::Timestamps { val, ecr } => val.is_none() || ecr.raw,
            TcpOption::Md5(digest) => digest.is_none(),
            TcpOption::Generic { .. } | TcpOption::Raw(_) | TcpOption::AckRate(_) => true,
            _ => false,
        }),
    };
    let unlooked = segment.seq.is_none() && packet.direction == Direction::Outbound;
    dscp.is_some()
        || segment.udp.is_some()
        || segment.diagnosis.is_some()
        || unlooked
        || raw(&segment.seq)
        || raw(&segment.ack)
        || by_option
}
