//! The command line of `synfin run`: ours, and packetdrill's own options in both dialects.

use std::path::PathBuf;

use clap::{ArgAction, Args, ValueEnum};
use synfin::sources::packetdrill::syntax::ScriptOption;

/// Run packetdrill scripts: in virtual time on the simulated host, or on the live Linux kernel.
///
/// Options of packetdrill itself are taken as it takes them, before or behind the scripts; they override those
/// that stand in a script. Exit codes: 0 all passed, or were skipped as unsupported; 1 a script failed; 2 a script
/// cannot be read, or the place to run it cannot be had; 4 with --ktap: all were skipped.
#[derive(Args, Debug)]
#[command(
    after_help = "A script whose first line is // synfin: --profile NAME --set KNOB=VALUE runs with that, as far as the command line \
                  does not say otherwise. Of others, one that asks for net.inet.* sysctls or #ifdef FreeBSD runs with the profile \
                  freebsd, and all else with linux."
)]
pub(crate) struct Run {
    /// Scripts, and folders whose *.pkt files are scripts; - is stdin.
    #[arg(value_name = "SCRIPT|FOLDER", required = true)]
    pub(crate) scripts: Vec<PathBuf>,
    /// Where they run.
    #[arg(long, value_enum, default_value_t = Place::Sim)]
    pub(crate) on: Place,
    /// How the simulated host's TCP behaves: rfc9293, linux or freebsd; as the script wants without.
    #[arg(long, value_name = "NAME")]
    pub(crate) profile: Option<String>,
    /// Set a knob of the simulated host: msl=1s, syn-retries=3.
    #[arg(long, value_name = "KNOB=VALUE", value_parser = crate::app::args::knob)]
    pub(crate) set: Vec<(String, String)>,
    /// How many scripts run at once; the result is the same for any number.
    #[arg(short, long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) jobs: Option<u16>,
    /// Write a capture of each script into this folder: pcapng, named as the script.
    #[arg(short = 'w', long = "write", value_name = "FOLDER")]
    pub(crate) write: Option<PathBuf>,
    /// Rewrite what the scripts expect to leave, and when, by what left.
    #[arg(long, conflicts_with = "dry_run")]
    pub(crate) update: bool,
    /// Show the ladder of each script.
    #[arg(long)]
    pub(crate) ladder: bool,
    /// Print it as JSON.
    #[arg(long, conflicts_with_all = ["tap", "ktap"])]
    pub(crate) json: bool,
    /// Print it in the Test Anything Protocol, version 13.
    #[arg(long, conflicts_with = "ktap")]
    pub(crate) tap: bool,
    /// Print it as the kernel's selftests do.
    #[arg(long)]
    pub(crate) ktap: bool,
    /// Write a JUnit report, too.
    #[arg(long, value_name = "FILE")]
    pub(crate) junit: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) theirs: Theirs,
}

/// Where scripts run.
#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Place {
    /// On the simulated host, in virtual time.
    Sim,
    /// On the live Linux kernel, in a network namespace of its own.
    Kernel,
}

/// One of packetdrill's options that has a value.
macro_rules! theirs {
    ($($(#[$doc:meta])* $field:ident $name:literal $value:literal,)+) => {
        /// The options of packetdrill.
        #[derive(Args, Debug, Default)]
        #[command(next_help_heading = "packetdrill's own options")]
        pub(crate) struct Theirs {
            $($(#[$doc])* #[arg(long = $name, value_name = $value, action = ArgAction::Append)] pub(crate) $field: Vec<String>,)+
            /// Define a symbol.
            #[arg(short = 'D', long, value_name = "NAME=VALUE")]
            pub(crate) define: Vec<String>,
            /// Read the scripts, and say what is wrong with them, but run none.
            #[arg(long = "dry_run", alias = "dry-run")]
            pub(crate) dry_run: bool,
            /// Show the ladder of each script.
            #[arg(short, long)]
            pub(crate) verbose: bool,
            /// One written packet is one packet, however long.
            #[arg(long = "strict_segments", alias = "strict-segments")]
            pub(crate) strict_segments: bool,
            /// A TSecr that no packet has shown is counted on from the first.
            #[arg(long = "tcp_ts_ecr_scaled", alias = "tcp-ts-ecr-scaled")]
            pub(crate) tcp_ts_ecr_scaled: bool,
            /// Options that say how packetdrill is to do what is done otherwise here; taken, and without effect.
            #[arg(long, hide = true)]
            pub(crate) debug: bool,
            #[arg(long = "is_anyip", hide = true)]
            pub(crate) is_anyip: bool,
            #[arg(long = "send_omit_free", hide = true)]
            pub(crate) send_omit_free: bool,
            #[arg(long = "no_cleanup", hide = true)]
            pub(crate) no_cleanup: bool,
            #[arg(long = "wire_client", hide = true)]
            pub(crate) wire_client: bool,
            #[arg(long = "wire_server", hide = true)]
            pub(crate) wire_server: bool,
        }

        impl Theirs {
            /// What was given, as a script would write it.
            pub(crate) fn given(&self) -> Vec<ScriptOption> {
                let mut given = Vec::new();
                $(given.extend(self.$field.iter().map(|value| ScriptOption { name: $name.to_owned(), value: Some(value.clone()) }));)+
                given.extend(self.flags());
                given
            }
        }
    };
}

impl Theirs {
    /// Those that have no value.
    fn flags(&self) -> impl Iterator<Item = ScriptOption> {
        let flags = [
            (self.strict_segments, "strict_segments"),
            (self.tcp_ts_ecr_scaled, "tcp_ts_ecr_scaled"),
            (self.wire_client, "wire_client"),
            (self.wire_server, "wire_server"),
        ];
        flags.into_iter().filter(|(given, _)| *given).map(|(_, name)| ScriptOption { name: name.to_owned(), value: None })
    }
}

theirs! {
    /// ipv4, ipv4-mapped-ipv6 or ipv6.
    ip_version "ip_version" "VERSION",
    /// The port of a passive open.
    bind_port "bind_port" "PORT",
    /// The port of an active open.
    connect_port "connect_port" "PORT",
    /// The address of the host under test.
    local_ip "local_ip" "ADDRESS",
    /// The address the script speaks from.
    remote_ip "remote_ip" "ADDRESS",
    /// The gateway of the host under test.
    gateway_ip "gateway_ip" "ADDRESS",
    /// The netmask of the host under test.
    netmask_ip "netmask_ip" "MASK",
    /// The link-local address of the host under test.
    local_linklocal_ip "local_linklocal_ip" "ADDRESS",
    /// The link-local address of its gateway.
    gateway_linklocal_ip "gateway_linklocal_ip" "ADDRESS",
    /// The MTU of the link, in octets.
    mtu "mtu" "OCTETS",
    /// The size that arriving packets are said to have been cut into.
    mss "mss" "OCTETS",
    /// The speed of the link.
    speed "speed" "SPEED",
    /// Scripts of sysctls to read before each script, with commas between.
    init_scripts "init_scripts" "FILES",
    /// How far a time may be off, in microseconds.
    tolerance_usecs "tolerance_usecs" "MICROSECONDS",
    /// How far a time may be off, in per cent.
    tolerance_percent "tolerance_percent" "PERCENT",
    /// How long a tick of the timestamp clock is; 0 does not look at timestamps.
    tcp_ts_tick_usecs "tcp_ts_tick_usecs" "MICROSECONDS",
    /// What is no reason to stop: packet, syscall.
    non_fatal "non_fatal" "KINDS",
    /// The secret of MD5 signatures.
    tcp_md5_secret "tcp_md5_secret" "SECRET",
    /// What carries segments in UDP: tcp.
    udp_encapsulation "udp_encapsulation" "PROTOCOL",
    /// Taken, and without effect.
    code_command "code_command" "COMMAND",
    /// Taken, and without effect.
    code_format "code_format" "FORMAT",
    /// Taken, and without effect.
    code_sockopt "code_sockopt" "OPTION",
    /// Taken, and without effect.
    tun_dev "tun_dev" "DEVICE",
    /// Taken, and without effect.
    persistent_tun_dev "persistent_tun_dev" "DEVICE",
    /// A stack in a shared object: unsupported.
    so_filename "so_filename" "FILE",
    /// What such a stack is told.
    so_flags "so_flags" "FLAGS",
    /// Taken, and without effect.
    psp_udp_port "psp_udp_port" "PORT",
    /// The other machine of a wire: unsupported.
    wire_server_ip "wire_server_ip" "ADDRESS",
    /// The same.
    wire_server_at "wire_server_at" "ADDRESS",
    /// Taken, and without effect.
    wire_server_port "wire_server_port" "PORT",
    /// Taken, and without effect.
    wire_client_dev "wire_client_dev" "DEVICE",
    /// Taken, and without effect.
    wire_server_dev "wire_server_dev" "DEVICE",
}
