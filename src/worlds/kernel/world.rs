//! The kernel as a [`World`]: calls become system calls, frames on the loopback become packets.
//!
//! Time is the wall clock's here. What happens between two calls is known from the frames; states are
//! asked before every call, when nothing moves, and once at the end.

use std::net::IpAddr;
use std::time::Duration;

use super::diag::{Row, TableError, socket_table};
use super::knobs::sysctls;
use super::packet::SnifferError;
use super::process::Process;
use super::sniffer::Sniffer;
use super::socket::{Family, More, TcpSocket};
use super::sys::Direction;
use super::tcp_info::tcp_info;
use super::{Errno, Network, NetworkError, memory_in_receive_queue};
use crate::engine::{Instant, Profile, Segment, State};
use crate::trace::{End, Entry, HostId, HostInfo, IcmpError, Packet, PacketId, Trace, What};
use crate::wire::{Checksums, WireError, decode_frame};
use crate::worlds::{Call, Claim, NetworkAct, Outcome, SegmentKind, World};

/// How long the loopback must be silent before nothing is owed: longer than the kernel delays an ACK.
const SETTLED: Duration = Duration::from_millis(90);
/// How long it must be silent at least, all calls done or blocked, before nothing more is expected.
const OVER: Duration = Duration::from_millis(400);
/// The longest wait for one frame.
const TICK: Duration = Duration::from_millis(5);

/// How a kernel world is set up.
#[derive(Clone, Debug)]
pub struct KernelSetup {
    /// The addresses of the two hosts, both on the one loopback.
    pub addresses: [IpAddr; 2],
    /// MTU of the loopback, octets.
    pub mtu: u16,
    /// `key=value` pairs that say what is run.
    pub recipe: Vec<(String, String)>,
    /// What the namespace's sysctls are set to: the profile the simulation has.
    pub profile: Profile,
    /// Whether a host's process is an ordinary user's, without the right to ports below 1024.
    pub ordinary: [bool; 2],
    /// The longest silence after which something may still happen; nothing more is expected after that.
    pub patience: Duration,
}

/// Why the kernel cannot be asked, or cannot be understood.
#[derive(Debug, thiserror::Error)]
pub enum KernelError {
    /// There is no namespace to be had.
    #[error(transparent)]
    Network(#[from] NetworkError),
    /// The loopback cannot be watched.
    #[error(transparent)]
    Sniffer(#[from] SnifferError),
    /// The table of sockets cannot be read.
    #[error(transparent)]
    Table(#[from] TableError),
    /// A socket cannot be had or asked.
    #[error("cannot {tried}: {errno}")]
    Socket {
        /// What was tried, as an infinitive.
        tried: &'static str,
        /// What the kernel answered.
        errno: Errno,
    },
    /// A frame on the loopback is not what TCP over IP looks like.
    #[error("a frame on the loopback cannot be read: {0}")]
    Frame(#[from] WireError),
    /// Frames were missed.
    #[error("{0} frames were missed: the queue was full; is this machine overloaded?")]
    Missed(u64),
}

/// The real kernel: one network namespace with a loopback, two processes in it.
#[derive(Debug)]
pub struct Kernel {
    setup: KernelSetup,
    // Declared before the network: sockets go first.
    processes: [Process; 2],
    sniffer: Sniffer,
    _network: Network,
    started: std::time::Instant,
    /// When the last frame passed or the last call was made.
    stirred: std::time::Instant,
    trace: Trace,
    /// Packets seen leaving and not arriving yet, oldest first.
    under_way: Vec<PacketId>,
    failure: Option<KernelError>,
}

impl Kernel {
    /// Moves the calling thread into a network namespace of its own and opens its tap.
    ///
    /// # Errors
    /// [`KernelError`]: namespaces refused, or no tap.
    pub fn new(setup: KernelSetup) -> Result<Self, KernelError> {
        let network = Network::new(u32::from(setup.mtu), &setup.addresses)?;
        for (name, value) in sysctls(&setup.profile) {
            network.set_sysctl(name, &value)?;
        }
        let sniffer = Sniffer::open()?;
        let host = |name: &str, address| HostInfo { name: name.to_owned(), address, link_address: [0; 6], initial_state: State::Closed };
        let hosts = vec![host("A", setup.addresses[0]), host("B", setup.addresses[1])];
        let now = std::time::Instant::now();
        let trace = Trace { recipe: setup.recipe.clone(), hosts, ..Trace::default() };
        Ok(Self {
            processes: [HostId(0), HostId(1)].map(|host| {
                let mut process = Process::new(setup.addresses, host);
                process.ordinary = setup.ordinary[usize::from(host.0)];
                process
            }),
            setup,
            sniffer,
            _network: network,
            started: now,
            stirred: now,
            trace,
            under_way: Vec::new(),
            failure: None,
        })
    }

    /// Octets of memory a received packet takes beyond its text, in this kernel; its windows depend on it.
    ///
    /// # Errors
    /// [`KernelError`], if the little connection that is needed to see it cannot be had.
    pub fn packet_overhead(&mut self) -> Result<u16, KernelError> {
        let overhead = self.try_out()?;
        // Those packets are not the scenario's.
        self.sniffer.drain()?;
        Ok(overhead)
    }

    fn try_out(&self) -> Result<u16, KernelError> {
        let address = self.setup.addresses[0];
        let failed = |tried| move |errno| KernelError::Socket { tried, errno };
        let family = family_of(address);
        let listener = TcpSocket::new(family).map_err(failed("make a socket"))?;
        listener.bind(End { address, port: 0 }).map_err(failed("bind a socket"))?;
        listener.listen(1).map_err(failed("listen"))?;
        let local = listener.local().map_err(failed("ask a socket for its name"))?;
        let active = TcpSocket::new(family).map_err(failed("make a socket"))?;
        // Over the loopback the handshake is done before the call returns, whatever it says.
        let _ = active.connect(local);
        let (passive, _) = listener.accept().map_err(failed("accept"))?;
        active.send(b"x", More::No).map_err(failed("send"))?;
        let memory = memory_in_receive_queue(&passive).map_err(failed("ask a socket for its memory"))?;
        Ok(u16::try_from(memory.saturating_sub(1)).unwrap_or(u16::MAX))
    }

    /// What happened, or why that cannot be said.
    ///
    /// # Errors
    /// [`KernelError::Missed`] if frames were lost to us, or what went wrong on the way.
    pub fn finish(mut self) -> Result<Trace, KernelError> {
        self.pump();
        self.observe();
        let dropped = self.sniffer.statistics()?.dropped;
        if let Some(failure) = self.failure.take() {
            return Err(failure);
        }
        if dropped > 0 {
            return Err(KernelError::Missed(dropped));
        }
        Ok(self.trace)
    }

    pub(super) fn process(&mut self, host: HostId) -> &mut Process {
        &mut self.processes[usize::from(host.0)]
    }

    pub(super) fn address(&self, host: HostId) -> IpAddr {
        self.setup.addresses[usize::from(host.0)]
    }

    // --- what the kernel shows -----------------------------------------------------------------

    /// Takes every frame that has passed since into the trace.
    fn pump(&mut self) {
        loop {
            match self.sniffer.next_frame() {
                Ok(Some(frame)) => {
                    self.stirred = std::time::Instant::now();
                    if let Err(failure) = self.frame(&frame) {
                        self.failure.get_or_insert(failure);
                    }
                }
                Ok(None) => return,
                Err(failure) => {
                    self.failure.get_or_insert(failure.into());
                    return;
                }
            }
        }
    }

    /// Each packet passes twice: where it is sent and where it is received.
    fn frame(&mut self, frame: &super::Frame) -> Result<(), KernelError> {
        let decoded = match decode_frame(&frame.octets, Checksums::Trust) {
            Ok(decoded) => decoded,
            // Group membership, router solicitations and the like are none of our business.
            Err(WireError::UnknownProtocol { .. } | WireError::IcmpType { .. } | WireError::Neighbour { .. }) => return Ok(()),
            Err(error) => return Err(error.into()),
        };
        let host_of = |address: IpAddr| self.setup.addresses.iter().position(|known| *known == address);
        let (Some(from), Some(to)) = (host_of(decoded.source.address), host_of(decoded.destination.address)) else { return Ok(()) };
        let host = |position: usize| HostId(u8::from(position == 1));
        match frame.direction {
            Direction::Sent => {
                let packet = Packet {
                    from: Some(host(from)),
                    to: host(to),
                    source: decoded.source,
                    destination: decoded.destination,
                    payload: decoded.payload.to_owned(),
                    envelope: decoded.envelope,
                    damage: None,
                };
                let id = PacketId(u32::try_from(self.trace.packets.len()).unwrap_or(u32::MAX));
                self.trace.packets.push(packet);
                self.under_way.push(id);
                self.entry(frame.at, host(from), What::Departure(id));
            }
            Direction::Received => {
                // The loopback keeps order, so it is the oldest like it that is under way.
                let payload = decoded.payload.to_owned();
                let like_it = |id: &PacketId| {
                    let packet = self.trace.packet(*id);
                    packet.payload == payload && packet.source == decoded.source
                };
                if let Some(position) = self.under_way.iter().position(like_it) {
                    let id = self.under_way.remove(position);
                    self.entry(frame.at, host(to), What::Arrival(id));
                }
            }
        }
        Ok(())
    }

    fn entry(&mut self, at: Instant, host: HostId, what: What) {
        let state = self.processes[usize::from(host.0)].state.unwrap_or(State::Closed);
        let at = at.max(self.trace.entries.last().map_or(Instant::START, |entry| entry.at));
        self.trace.entries.push(Entry::bare(at, host, what, state));
    }

    /// Asks the kernel for the states of both hosts and writes down what it says.
    fn observe(&mut self) {
        let table = match socket_table() {
            Ok(table) => table,
            Err(failure) => {
                self.failure.get_or_insert(failure.into());
                return;
            }
        };
        for host in [HostId(0), HostId(1)] {
            let state = self.state_of(host, &table);
            let before = self.process(host).state.replace(state).unwrap_or(State::Closed);
            self.entry(self.now(), host, What::Observation);
            if let Some(entry) = self.trace.entries.last_mut() {
                entry.before = before;
            }
        }
    }

    /// `TCP_INFO` of the open socket; where that has become a mini-socket, or is closed, the table.
    fn state_of(&self, host: HostId, table: &[Row]) -> State {
        let process = &self.processes[usize::from(host.0)];
        if let Some(info) = process.connection.as_ref().and_then(|socket| tcp_info(socket).ok())
            && info.state != State::Closed
        {
            return info.state;
        }
        let address = self.address(host);
        // The newest connection counts; the ports of an accepted one are known from its first packet.
        let ends = process.ends.or_else(|| self.ends_of(address));
        let row = ends.and_then(|(local, remote)| table.iter().find(|row| row.local == local && row.remote == remote));
        if let Some(row) = row {
            return row.state;
        }
        let waits = process.connection.is_none() && ends.is_none();
        let listens = process.listener.is_some() && (waits || self.refused_for(address));
        if listens { State::Listen } else { State::Closed }
    }

    /// The ends of the last connection attempt at this address, as packets show them.
    fn ends_of(&self, address: IpAddr) -> Option<(End, End)> {
        self.trace.packets.iter().rev().find_map(|packet| {
            if packet.source.address == address {
                Some((packet.source, packet.destination))
            } else {
                (packet.destination.address == address).then_some((packet.destination, packet.source))
            }
        })
    }

    /// Whether nothing but refusals happened at this address: then its listener is what there is.
    fn refused_for(&self, address: IpAddr) -> bool {
        self.trace.packets.iter().all(|packet| packet.source.address != address || packet.has(crate::engine::Flags::RST))
    }

    fn record(&mut self, host: HostId, call: &Call, result: &Result<String, Errno>, returned: bool) {
        let result = result.clone().map_err(|errno| errno.name().to_owned());
        self.entry(self.now(), host, What::Call { call: call.to_string(), result, returned });
    }
}

impl World for Kernel {
    fn now(&self) -> Instant {
        Instant::START + self.started.elapsed()
    }

    fn call(&mut self, host: HostId, call: &Call) -> Outcome {
        self.pump();
        // Where nothing moves the states mean something, and looking at them costs no race.
        if self.is_settled() {
            self.observe();
        }
        self.process(host).progress = 0;
        let at = self.trace.entries.len();
        let result = self.process(host).dispatch(call);
        self.record(host, call, &result, false);
        // The call came before the frames it caused, and before those only this was written down.
        self.trace.entries[at..].rotate_right(1);
        self.stirred = std::time::Instant::now();
        self.pump();
        outcome(&result)
    }

    fn retry(&mut self, host: HostId, call: &Call) -> Outcome {
        let result = self.process(host).dispatch_again(call);
        let outcome = outcome(&result);
        if outcome != Outcome::Blocked {
            self.pump();
            self.record(host, call, &result, true);
            self.stirred = std::time::Instant::now();
        }
        outcome
    }

    fn network(&mut self, act: &NetworkAct) -> Result<(), String> {
        Err(format!("the kernel's network cannot {act}"))
    }

    fn report(&mut self, _: HostId, error: IcmpError, _: SegmentKind) -> Result<(), String> {
        Err(format!("the kernel's network cannot tell of {error}"))
    }

    fn inject(&mut self, _from: HostId, _claims: Claim, segment: &Segment) -> Result<(), String> {
        Err(format!("nobody forges {segment} on a loopback"))
    }

    fn netstat(&mut self, _host: HostId) -> Result<(), String> {
        Err("the kernel has a netstat of its own".to_owned())
    }

    fn step(&mut self, until: Option<Instant>) -> bool {
        let now = self.now();
        if until.is_some_and(|until| now >= until) {
            return false;
        }
        let wait = until.map_or(TICK, |until| until.since(now).min(TICK));
        match self.sniffer.wait(wait) {
            Ok(_) => self.pump(),
            Err(failure) => {
                self.failure.get_or_insert(failure.into());
                return false;
            }
        }
        self.stirred.elapsed() < OVER.max(self.setup.patience)
    }

    fn is_settled(&self) -> bool {
        self.stirred.elapsed() >= SETTLED
    }

    fn into_trace(self) -> Trace {
        self.trace
    }
}

fn outcome(result: &Result<String, Errno>) -> Outcome {
    let named = |errno: Errno| crate::worlds::Errno::named(errno.name()).unwrap_or(crate::worlds::Errno::Invalid);
    Outcome::of(result.clone().map_err(named))
}

pub(super) fn is_wait(errno: Errno) -> bool {
    crate::worlds::Errno::named(errno.name()).is_some_and(crate::worlds::Errno::is_wait)
}

pub(super) fn bad_descriptor() -> Errno {
    rustix::io::Errno::BADF.into()
}

pub(super) fn family_of(address: IpAddr) -> Family {
    if address.is_ipv4() { Family::V4 } else { Family::V6 }
}
