//! Parameters of the whole stack, by the names `sysctl` has for them.

use super::Sockets;
use crate::worlds::stack::Unsupported;

/// What is set that no knob of the profile is.
#[derive(Clone, Debug)]
pub(super) struct Parameters {
    /// `net.core.somaxconn`, `kern.ipc.somaxconn`: places in a backlog at most.
    pub most_waiting: i64,
    /// `net.ipv4.tcp_fastopen`.
    pub fast_open: u32,
    /// `net.ipv4.tcp_wmem`, the middle number, if it was set.
    pub send_memory: Option<i64>,
    /// `net.ipv4.tcp_congestion_control`.
    pub congestion_control: String,
}

impl Default for Parameters {
    fn default() -> Self {
        Self { most_waiting: 4096, fast_open: 1, send_memory: None, congestion_control: "cubic".to_owned() }
    }
}

impl Parameters {
    /// Whether a process may open fast.
    pub(super) const fn fast_open_client(&self) -> bool {
        self.fast_open & 1 != 0
    }

    /// Whether every listener takes fast opens, asked or not.
    pub(super) const fn fast_open_server_without_option(&self) -> bool {
        self.fast_open & 0x402 == 0x402
    }
}

impl Sockets {
    pub(super) fn set_parameter_named(&mut self, name: &str, value: &str) -> Result<(), Unsupported> {
        Err(Unsupported(format!("sysctl {name}={value}")))
    }
}
