//! Real kernels behind the ports: each host a network namespace with its own stack, sysctls and sockets.

use std::net::IpAddr;
use std::os::fd::AsFd as _;
use std::time::Duration;

use super::clock::Clock;
use super::{Look, Outside, Stack, Wired, WiredError};
use crate::engine::{Instant, Profile, State};
use crate::trace::{End, HostId};
use crate::worlds::kernel::{
    self, HostNetwork, HostSetup, KernelError, NetworkError, Pending, Port, Process, Row, SocketTable, Switch, wait_for_any,
};
use crate::worlds::simulated::Setup;
use crate::worlds::{Call, Errno};

/// How a world with real kernels is set up.
#[derive(Clone, Debug)]
pub struct WiredSetup {
    /// Where the stack of each host is.
    pub stacks: [Stack; 2],
    /// The network and the hosts, as for a simulated world. Of a kernel host the addresses, the ISSs and timestamps to
    /// be shown count, and the profile as far as there are sysctls that say the same.
    pub setup: Setup,
    /// Further sysctls of each host, written last: `net.ipv4.tcp_fin_timeout`, `3`.
    pub sysctls: [Vec<(String, String)>; 2],
    /// The longest silence that is waited through for something that is still to come: [`WiredSetup::QUICK`], or
    /// [`WiredSetup::SLOW`] to see the end of TIME-WAIT.
    pub patience: Duration,
}

impl WiredSetup {
    /// Long enough for the retransmissions of a handshake, of text and of a FIN.
    pub const QUICK: Duration = Duration::from_secs(4);
    /// Long enough for TIME-WAIT, for FIN-WAIT-2, and for the longest time between retransmissions.
    pub const SLOW: Duration = Duration::from_secs(130);
}

impl Wired<Kernels> {
    /// A network of ours with the kernels it asks for; nothing has happened yet.
    ///
    /// To be called after [`enter_user_namespace`](kernel::enter_user_namespace), on any thread; the thread stays in
    /// the namespace it is in.
    ///
    /// # Errors
    /// [`WiredError::Outside`]: namespaces or veth devices are refused, or a sysctl is.
    pub fn new(wired: &WiredSetup) -> Result<Self, WiredError> {
        let kernels = Kernels::new(wired).map_err(WiredError::Outside)?;
        let remote = wired.stacks.map(|stack| stack == Stack::Kernel);
        Ok(Self::around(&wired.setup, remote, wired.patience, kernels))
    }
}

/// The kernels of a wired world.
#[derive(Debug)]
pub struct Kernels {
    hosts: [Option<KernelHost>; 2],
    switch: Switch,
    addresses: [IpAddr; 2],
    clock: Clock,
}

/// One host whose stack is a kernel's.
#[derive(Debug)]
struct KernelHost {
    /// Where its cable ends; declared first, so that nobody hears what sockets say when they are closed.
    port: Port,
    process: Process,
    table: SocketTable,
    network: HostNetwork,
    setup: HostSetup,
    habits: Habits,
    next_port: u16,
    missed: u64,
}

/// What the profile says of a kernel host.
#[derive(Clone, Debug)]
struct Habits {
    /// What its namespace is set to.
    sysctls: Vec<(String, String)>,
    /// Whether its process has no right to the system ports.
    ordinary: bool,
    /// How long a connection without a socket stays in FIN-WAIT-2.
    fin_wait_2: Duration,
    /// The first and the last of the ports it hands out.
    ports: (u16, u16),
}

impl Kernels {
    fn new(wired: &WiredSetup) -> Result<Self, KernelError> {
        let switch = Switch::new()?;
        let of = |position: usize| wired.setup.hosts.get(position).or(wired.setup.hosts.first());
        let address = |position| of(position).map_or(IpAddr::from([0, 0, 0, 0]), |host| host.address);
        let link_address = |position| of(position).map_or([0; 6], |host| host.link_address);
        let addresses = [address(0), address(1)];
        let mut hosts = [None, None];
        for (position, slot) in hosts.iter_mut().enumerate() {
            let Some(host) = of(position).filter(|_| wired.stacks[position] == Stack::Kernel) else { continue };
            let setup = HostSetup {
                address: addresses[position],
                link_address: link_address(position),
                mtu: u32::from(wired.setup.mtu),
                peer: (addresses[1 - position], link_address(1 - position)),
            };
            let sysctls = sysctls(&host.profile, &wired.sysctls[position]);
            let id = HostId(u8::from(position == 1));
            let profile = &host.profile;
            let first = profile.ephemeral_first.max(1);
            let habits = Habits {
                sysctls,
                ordinary: host.unprivileged,
                fin_wait_2: profile.fin_wait_2_timeout,
                ports: (first, profile.ephemeral_last.max(first)),
            };
            let mut kernel = KernelHost::new(&switch, setup, habits, addresses, id)?;
            kernel.process.ordinary = host.unprivileged;
            *slot = Some(kernel);
        }
        let clock = Clock { shown: Instant::START, at: switch.epoch().elapsed() };
        Ok(Self { hosts, switch, addresses, clock })
    }

    fn host(&mut self, host: HostId) -> Option<&mut KernelHost> {
        self.hosts[usize::from(host.0.min(1))].as_mut()
    }

    /// The power goes: whoever has sockets there hears nothing, and a stack without any takes its place.
    fn crash(&mut self, id: HostId) -> Result<(), KernelError> {
        let slot = usize::from(id.0.min(1));
        let Some(old) = self.hosts[slot].take() else { return Ok(()) };
        let mut fresh = KernelHost::new(&self.switch, old.setup, old.habits.clone(), self.addresses, id)?;
        fresh.missed = old.missed;
        fresh.process.ordinary = old.process.ordinary;
        self.hosts[slot] = Some(fresh);
        Ok(())
    }
}

/// What a host's namespace is set to: the profile where the kernel has a word for it, then what was asked for.
fn sysctls(profile: &Profile, more: &[(String, String)]) -> Vec<(String, String)> {
    let said = kernel::sysctls(profile).into_iter().map(|(name, value)| (name.to_owned(), value));
    said.chain(more.iter().cloned()).collect()
}

impl KernelHost {
    fn new(switch: &Switch, setup: HostSetup, habits: Habits, addresses: [IpAddr; 2], id: HostId) -> Result<Self, KernelError> {
        let (network, port) = switch.connect(&setup)?;
        network.namespace().set_sysctls(habits.sysctls.iter().map(|(name, value)| (name, value)))?;
        let table = network.namespace().within(SocketTable::open).map_err(NetworkError::from)??;
        let mut process = Process::new(addresses, id);
        process.ordinary = habits.ordinary;
        Ok(Self { port, process, table, network, setup, next_port: habits.ports.0, habits, missed: 0 })
    }

    fn dispatch(&mut self, call: impl FnOnce(&mut Process) -> Result<String, kernel::Errno>) -> Result<Result<String, Errno>, KernelError> {
        let process = &mut self.process;
        let result = self.network.namespace().within(|| call(process)).map_err(NetworkError::from)?;
        Ok(result.map_err(|errno| Errno::named(errno.name()).unwrap_or(Errno::Invalid)))
    }

    /// Connects from the port that is next, as the hosts of a simulated world do: a kernel takes one at random, and
    /// scenarios in which a host that has crashed comes back to its old port would not be played.
    fn connect_in_turn(&mut self, call: &Call) -> Result<Result<String, Errno>, KernelError> {
        let (first, last) = self.habits.ports;
        let mut result = Ok(Err(Errno::AddressNotAvailable));
        for _ in 0..PORTS_TRIED {
            let port = self.next_port.clamp(first, last);
            self.next_port = if port == last { first } else { port + 1 };
            self.network.namespace().set_sysctl(PORT_RANGE, &format!("{port} {port}"))?;
            result = self.dispatch(|process| process.dispatch(call));
            if !matches!(result, Ok(Err(Errno::AddressInUse | Errno::AddressNotAvailable))) {
                break;
            }
        }
        self.network.namespace().set_sysctl(PORT_RANGE, &format!("{first} {last}"))?;
        result
    }

    /// How long it is until an endpoint does something by itself.
    fn next_of(&self, row: &Row) -> Option<Duration> {
        let (pending, wait) = row.timer?;
        wait.or_else(|| {
            (pending == Pending::TimeWait).then(|| if row.state == State::TimeWait { TIME_WAIT } else { self.habits.fin_wait_2 })
        })
    }
}

impl Drop for KernelHost {
    /// Aborts what is open: a connection that is closed would go on for minutes, and its namespace with it.
    fn drop(&mut self) {
        if let Some(socket) = &self.process.connection {
            // It may be over already.
            let _ = socket.set_linger(Some(Duration::ZERO));
        }
    }
}

impl Outside for Kernels {
    type Error = KernelError;

    const SETTLED: Duration = Duration::from_millis(90);

    fn now(&self) -> Instant {
        self.clock.now(self.switch.epoch().elapsed())
    }

    fn wait(&mut self, until: Instant) -> Result<(), KernelError> {
        let fds: Vec<_> = self.hosts.iter().flatten().map(|host| host.port.as_fd()).collect();
        let began = self.switch.epoch().elapsed();
        let now = self.clock.now(began);
        wait_for_any(&fds, until.since(now))?;
        let woken = self.switch.epoch().elapsed();
        self.clock.waited(now, woken.since(began), until, woken);
        Ok(())
    }

    fn next_frame(&mut self, host: HostId) -> Result<Option<Vec<u8>>, KernelError> {
        let Some(host) = self.host(host) else { return Ok(None) };
        Ok(host.port.next_frame()?.map(|frame| frame.octets))
    }

    fn deliver(&mut self, host: HostId, frame: &[u8]) -> Result<(), KernelError> {
        let Some(host) = self.host(host) else { return Ok(()) };
        Ok(host.port.send(frame)?)
    }

    fn call(&mut self, host: HostId, call: &Call) -> Result<Result<String, Errno>, KernelError> {
        if matches!(call, Call::Crash) {
            self.crash(host)?;
            return Ok(Ok(String::new()));
        }
        let Some(host) = self.host(host) else { return Ok(Err(Errno::Invalid)) };
        host.process.progress = 0;
        if let Call::Connect { from_port: None, .. } = call {
            return host.connect_in_turn(call);
        }
        host.dispatch(|process| process.dispatch(call))
    }

    fn retry(&mut self, host: HostId, call: &Call) -> Result<Result<String, Errno>, KernelError> {
        let Some(host) = self.host(host) else { return Ok(Err(Errno::Invalid)) };
        host.dispatch(|process| process.dispatch_again(call))
    }

    fn opened(&self, host: HostId) -> Option<(End, End)> {
        self.hosts[usize::from(host.0.min(1))].as_ref().and_then(|host| host.process.ends)
    }

    fn look(&mut self, host: HostId, flow: Option<(End, End)>) -> Result<Look, KernelError> {
        let Some(host) = self.host(host) else { return Ok(Look::default()) };
        let rows = host.table.tcp()?;
        let endpoints = || rows.iter().filter(|row| row.state != State::Listen);
        let state = flow.and_then(|flow| endpoints().find(|row| (row.local, row.remote) == flow)).map(|row| row.state);
        Ok(Look {
            state,
            listens: host.process.listener.is_some(),
            is_busy: endpoints().any(|row| matches!(row.timer, Some((Pending::Retransmission, _)))),
            next: endpoints().filter_map(|row| host.next_of(row)).chain(host.process.ping_wait()).min(),
        })
    }

    fn netstat(&mut self, host: HostId) -> Result<Vec<String>, KernelError> {
        let Some(host) = self.host(host) else { return Ok(Vec::new()) };
        let mut rows = host.table.tcp()?;
        rows.sort_by_key(|row| (row.state != State::Listen, row.local.port, row.remote.address, row.remote.port));
        let line = |row: &Row| {
            let remote = if row.state == State::Listen { "*:*".to_owned() } else { row.remote.to_string() };
            let (received, sent) = if row.state == State::Listen { (0, 0) } else { (row.receive_queue, row.send_queue) };
            format!("tcp {received} {sent} {} {remote} {}", row.local, row.state)
        };
        Ok(rows.iter().map(line).collect())
    }

    fn missed(&mut self) -> Result<u64, KernelError> {
        let mut missed = 0;
        for host in self.hosts.iter_mut().flatten() {
            missed += host.missed + host.port.statistics()?.dropped;
        }
        Ok(missed)
    }
}

/// The sysctl that says which ports a kernel hands out.
const PORT_RANGE: &str = "net.ipv4.ip_local_port_range";
/// How many ports are tried in turn, if they are taken.
const PORTS_TRIED: u16 = 16;
/// How long Linux stays in TIME-WAIT (`TCP_TIMEWAIT_LEN`), which no sysctl changes.
const TIME_WAIT: Duration = Duration::from_mins(1);
