//! Arguments of `record`, as typed.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use crate::app::args::FormatArg;

/// The command below which `record` starts what it records.
pub(crate) const KEEPER: &str = "record-keeper";

#[derive(Args, Debug)]
#[command(after_help = "\
The command runs as you, in your folder, at your terminal; its network is a loopback of its own (127.0.0.1 and
::1) on which every port is free, and its processes see only each other. When it has ended, what it did comes
on stderr, or in the file that -o names, and synfin's exit code is the command's: 128 + N if signal N ended it.
If the command cannot be run or recorded, stderr says so in a line that begins with `synfin: `, exit code 2.

  synfin record -- python3 udp.py
  synfin record -w run.pcapng -- sh -c 'python3 server.py & sleep 1; python3 client.py'
  synfin record -i eth0 -w run.pcapng --timeout 1m")]
pub(crate) struct Record {
    /// The command and its arguments.
    #[arg(value_name = "COMMAND", last = true, required_unless_present = "interface", conflicts_with = "interface")]
    pub(crate) command: Vec<OsString>,
    /// Listen on this interface of the machine instead, until Ctrl-C; wants the right to (CAP_NET_RAW).
    #[arg(short = 'i', long = "interface", value_name = "IFACE", conflicts_with = "mtu")]
    pub(crate) interface: Option<String>,
    /// End after so many frames; a packet on a loopback is two, one sent and one received.
    #[arg(short = 'c', long, value_name = "N", requires = "interface", conflicts_with = "command", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) count: Option<u64>,
    /// The longest it may take (30s, 2m); a command then gets SIGTERM, and SIGKILL two seconds later.
    #[arg(long, value_name = "TIME", value_parser = humantime::parse_duration)]
    pub(crate) timeout: Option<Duration>,
    /// MTU of the loopback, in octets; 1500 makes segments as on an Ethernet.
    #[arg(long, value_name = "OCTETS", default_value_t = 65_536, value_parser = clap::value_parser!(u32).range(1280..=65_536))]
    pub(crate) mtu: u32,
    /// Write what is shown to this file, - for stdout; without, stderr for a command and stdout for an interface.
    #[arg(short = 'o', long = "output", value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// Write a capture; .pcap or .pcapng by its name.
    #[arg(short = 'w', long = "write", value_name = "FILE")]
    pub(crate) write: Option<PathBuf>,
    /// Format of the capture, whatever its name says.
    #[arg(short = 'F', long = "format", value_enum, requires = "write")]
    pub(crate) format: Option<FormatArg>,
    /// Show it as JSON instead of ladders.
    #[arg(long)]
    pub(crate) json: bool,
    /// Show window and options of each segment.
    #[arg(long, conflicts_with = "json")]
    pub(crate) options: bool,
    /// Show sequence numbers as they were sent, not counted from each side's SYN.
    #[arg(short = 'S', long = "absolute", conflicts_with = "json")]
    pub(crate) absolute: bool,
}

#[derive(Args, Debug)]
pub(crate) struct Keep {
    /// The socket to the recorder.
    pub(crate) control: i32,
    /// The command.
    #[arg(last = true, required = true)]
    pub(crate) command: Vec<OsString>,
}
