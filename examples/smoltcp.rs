//! packetdrill scripts against a stack in user space, in virtual time: here the smoltcp crate's.
//!
//! `cargo run --example smoltcp -- examples/smoltcp.pkt` plays a script. What follows is all it takes: calls are told in
//! smoltcp's words, packets go in and out through two queues, and the time is whatever the script says it is. Nothing is
//! opened, and nobody waits.

use std::collections::{BTreeMap, VecDeque};
use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::{fs, io};

use smoltcp::iface::{Config, Interface, SocketHandle, SocketSet};
use smoltcp::phy::{Device, DeviceCapabilities, Medium, RxToken, TxToken};
use smoltcp::socket::tcp::{RecvError, Socket, SocketBuffer, State};
use smoltcp::wire::{HardwareAddress, IpAddress, IpCidr};

use synfin::engine::Instant;
use synfin::sources::packetdrill::parse;
use synfin::sources::packetdrill::play::{Context, Verdict, play, settings};
use synfin::worlds::Errno;
use synfin::worlds::stack::{Answer, Call, Fd, Outcome, Stack, Virtual};

/// Octets of each socket's two buffers.
const BUFFER: usize = 65_535;

/// smoltcp with the sockets of one process.
pub(crate) struct Smoltcp {
    interface: Interface,
    sockets: SocketSet<'static>,
    queues: Queues,
    process: BTreeMap<Fd, Descriptor>,
    next_port: u16,
}

/// What a descriptor stands for.
struct Descriptor {
    handle: SocketHandle,
    port: Option<u16>,
    non_blocking: bool,
    phase: Phase,
}

/// What the process has made of a socket; smoltcp keeps no errors, so the end of a phase says which one it is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    Fresh,
    Listening,
    Connecting,
    Connected,
}

impl Smoltcp {
    /// A host with this address and MTU, whose packets all go out.
    pub(crate) fn new(address: Ipv4Addr, mtu: usize) -> Self {
        let mut queues = Queues { mtu, arrived: VecDeque::new(), sent: VecDeque::new() };
        let mut interface = Interface::new(Config::new(HardwareAddress::Ip), &mut queues, smoltcp::time::Instant::ZERO);
        interface.update_ip_addrs(|all| all.push(IpCidr::new(address.into(), 16)).expect("room for one address"));
        interface.routes_mut().add_default_ipv4_route(address).expect("room for one route");
        Self { interface, sockets: SocketSet::new(Vec::new()), queues, process: BTreeMap::new(), next_port: 49_152 }
    }

    fn fresh_socket(&mut self) -> SocketHandle {
        let buffer = || SocketBuffer::new(vec![0; BUFFER]);
        self.sockets.add(Socket::new(buffer(), buffer()))
    }

    fn open(&mut self, handle: SocketHandle, port: Option<u16>, phase: Phase) -> Fd {
        let fd = (3..Fd::MAX).find(|fd| !self.process.contains_key(fd)).expect("a process has few descriptors");
        self.process.insert(fd, Descriptor { handle, port, non_blocking: false, phase });
        fd
    }

    /// smoltcp's listener becomes the connection; another one takes its place.
    fn accept(&mut self, fd: Fd) -> Result<i64, Errno> {
        let Descriptor { handle, port, phase, .. } = self.process[&fd];
        if phase != Phase::Listening {
            return Err(Errno::Invalid);
        }
        let state = self.sockets.get::<Socket>(handle).state();
        if matches!(state, State::Listen | State::SynReceived) {
            return Err(Errno::Again);
        }
        let next = self.fresh_socket();
        listen(self.sockets.get_mut(next), port)?;
        self.process.get_mut(&fd).expect("it is there").handle = next;
        Ok(self.open(handle, port, Phase::Connected).into())
    }

    fn connect(&mut self, fd: Fd, to: synfin::trace::End) -> Result<i64, Errno> {
        let next_port = self.next_port;
        let descriptor = self.process.get_mut(&fd).ok_or(Errno::BadDescriptor)?;
        match descriptor.phase {
            Phase::Fresh => {}
            Phase::Connecting => return Err(Errno::Already),
            Phase::Connected | Phase::Listening => return Err(Errno::IsConnected),
        }
        let socket = self.sockets.get_mut::<Socket>(descriptor.handle);
        let IpAddr::V4(address) = to.address else { return Err(Errno::NetworkUnreachable) };
        let remote = (IpAddress::Ipv4(address), to.port);
        socket.connect(self.interface.context(), remote, descriptor.port.unwrap_or(next_port)).map_err(|_| Errno::NetworkUnreachable)?;
        descriptor.phase = Phase::Connecting;
        self.next_port += 1;
        Err(Errno::InProgress)
    }

    /// How a connect under way stands.
    fn connected(&mut self, fd: Fd) -> Result<i64, Errno> {
        let descriptor = self.process.get_mut(&fd).ok_or(Errno::BadDescriptor)?;
        match self.sockets.get::<Socket>(descriptor.handle).state() {
            State::SynSent | State::SynReceived => Err(Errno::Already),
            State::Closed => {
                descriptor.phase = Phase::Fresh;
                Err(Errno::ConnectionRefused)
            }
            _ => {
                descriptor.phase = Phase::Connected;
                Ok(0)
            }
        }
    }

    fn send(&mut self, fd: Fd, count: u32) -> Result<i64, Errno> {
        let socket = self.sockets.get_mut::<Socket>(self.process[&fd].handle);
        if !socket.may_send() {
            return Err(if socket.state() == State::SynSent { Errno::Again } else { Errno::BrokenPipe });
        }
        let taken = socket.send_slice(&vec![0; count as usize]).map_err(|_| Errno::BrokenPipe)?;
        if taken == 0 && count > 0 { Err(Errno::Again) } else { Ok(taken.try_into().expect("a buffer is small")) }
    }

    fn receive(&mut self, fd: Fd, count: u32) -> Result<i64, Errno> {
        let socket = self.sockets.get_mut::<Socket>(self.process[&fd].handle);
        match socket.recv_slice(&mut vec![0; count as usize]) {
            Ok(0) if count > 0 => Err(Errno::Again),
            Ok(taken) => Ok(taken.try_into().expect("a buffer is small")),
            Err(RecvError::Finished) => Ok(0),
            Err(RecvError::InvalidState) if socket.state() == State::Closed => Err(Errno::ConnectionReset),
            Err(RecvError::InvalidState) => Err(Errno::NotConnected),
        }
    }

    /// The call as smoltcp understands it; `None` for one it does not.
    fn make(&mut self, call: &Call, again: bool) -> Option<Result<i64, Errno>> {
        let fd = match *call {
            Call::Socket { .. } => {
                let handle = self.fresh_socket();
                return Some(Ok(self.open(handle, None, Phase::Fresh).into()));
            }
            Call::Bind { fd, .. }
            | Call::Listen { fd, .. }
            | Call::Accept { fd }
            | Call::Connect { fd, .. }
            | Call::Send { fd, .. }
            | Call::Receive { fd, .. }
            | Call::Shutdown { fd, .. }
            | Call::Fcntl { fd, .. }
            | Call::SetOption { fd, .. }
            | Call::Close { fd } => fd,
            _ => return None,
        };
        let Some(descriptor) = self.process.get_mut(&fd) else { return Some(Err(Errno::BadDescriptor)) };
        Some(match call {
            Call::Bind { to, .. } => {
                descriptor.port = Some(to.port);
                Ok(0)
            }
            Call::Listen { .. } => {
                descriptor.phase = Phase::Listening;
                listen(self.sockets.get_mut(descriptor.handle), descriptor.port)
            }
            Call::Accept { .. } => self.accept(fd),
            Call::Connect { .. } if again => self.connected(fd),
            Call::Connect { to, .. } => self.connect(fd, (*to)?),
            Call::Send { count, .. } => self.send(fd, *count),
            Call::Receive { count, .. } => self.receive(fd, *count),
            Call::Shutdown { how, .. } if how.has("SHUT_WR") => {
                self.sockets.get_mut::<Socket>(descriptor.handle).close();
                Ok(0)
            }
            Call::Fcntl { command, .. } if command.has("F_GETFL") => Ok(2),
            Call::Fcntl { argument: Some(flags), .. } => {
                descriptor.non_blocking = flags.has("O_NONBLOCK");
                Ok(0)
            }
            Call::SetOption { name, .. } if name.has("SO_REUSEADDR") => Ok(0),
            Call::SetOption { name, value, .. } if name.has("TCP_NODELAY") => {
                let on = value.iter().any(|octet| *octet != 0);
                self.sockets.get_mut::<Socket>(descriptor.handle).set_nagle_enabled(!on);
                Ok(0)
            }
            Call::Close { .. } => {
                self.sockets.get_mut::<Socket>(descriptor.handle).close();
                self.process.remove(&fd);
                Ok(0)
            }
            _ => return None,
        })
    }

    fn ask(&mut self, call: &Call, again: bool) -> Outcome {
        let Some(result) = self.make(call, again) else { return Outcome::Unsupported(format!("{call:?}")) };
        match result {
            Ok(result) => Outcome::Returned(Answer::of(result)),
            Err(errno) if errno.is_wait() && self.waits(call) => Outcome::Blocked,
            Err(errno) => Outcome::Returned(Answer::failed(errno)),
        }
    }

    /// Whether whoever makes this call would wait for it.
    fn waits(&self, call: &Call) -> bool {
        match call {
            Call::Accept { fd } | Call::Connect { fd, .. } => !self.process[fd].non_blocking,
            Call::Send { fd, flags, .. } | Call::Receive { fd, flags, .. } => !self.process[fd].non_blocking && !flags.has("MSG_DONTWAIT"),
            _ => false,
        }
    }
}

fn listen(socket: &mut Socket<'_>, port: Option<u16>) -> Result<i64, Errno> {
    socket.listen(port.unwrap_or_default()).map(|()| 0).map_err(|_| Errno::Invalid)
}

impl Stack for Smoltcp {
    fn call(&mut self, _: Instant, call: &Call) -> Outcome {
        self.ask(call, false)
    }

    fn retry(&mut self, _: Instant, call: &Call) -> Outcome {
        self.ask(call, true)
    }

    fn on_packet(&mut self, now: Instant, packet: &[u8]) {
        self.queues.arrived.push_back(packet.to_vec());
        self.on_time(now);
    }

    fn poll_packet(&mut self, now: Instant, packet: &mut Vec<u8>) -> bool {
        if self.queues.sent.is_empty() {
            self.on_time(now);
        }
        let sent = self.queues.sent.pop_front();
        let left = sent.is_some();
        packet.clone_from(&sent.unwrap_or_default());
        left
    }

    fn poll_deadline(&mut self) -> Option<Instant> {
        let at = self.interface.poll_at(smoltcp::time::Instant::ZERO, &self.sockets)?;
        Some(Instant::from_nanos(at.total_micros().unsigned_abs() * 1000))
    }

    fn on_time(&mut self, now: Instant) {
        let micros = i64::try_from(now.as_nanos() / 1000).expect("a script is short");
        self.interface.poll(smoltcp::time::Instant::from_micros(micros), &mut self.queues, &mut self.sockets);
    }
}

/// The wire: what has arrived for the interface, and what it has sent.
struct Queues {
    mtu: usize,
    arrived: VecDeque<Vec<u8>>,
    sent: VecDeque<Vec<u8>>,
}

impl Device for Queues {
    type RxToken<'a> = Arrived;
    type TxToken<'a> = Sender<'a>;

    fn receive(&mut self, _: smoltcp::time::Instant) -> Option<(Arrived, Sender<'_>)> {
        Some((Arrived(self.arrived.pop_front()?), Sender(&mut self.sent)))
    }

    fn transmit(&mut self, _: smoltcp::time::Instant) -> Option<Sender<'_>> {
        Some(Sender(&mut self.sent))
    }

    fn capabilities(&self) -> DeviceCapabilities {
        let mut capabilities = DeviceCapabilities::default();
        capabilities.medium = Medium::Ip;
        capabilities.max_transmission_unit = self.mtu;
        capabilities
    }
}

struct Arrived(Vec<u8>);

impl RxToken for Arrived {
    fn consume<R, F: FnOnce(&[u8]) -> R>(self, read: F) -> R {
        read(&self.0)
    }
}

struct Sender<'a>(&'a mut VecDeque<Vec<u8>>);

impl TxToken for Sender<'_> {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, len: usize, write: F) -> R {
        let mut packet = vec![0; len];
        let result = write(&mut packet);
        self.0.push_back(packet);
        result
    }
}

/// Plays the script in this file, and says what came of it.
pub(crate) fn run(path: &Path) -> io::Result<Verdict> {
    let text = fs::read_to_string(path)?;
    let name = path.display().to_string();
    let script = parse(&name, &text, &[]).map_err(io::Error::other)?;
    let context = Context { name: &name, text: &text, folder: path.parent(), ..Context::default() };
    let settings = match settings(&script, &context) {
        Ok(settings) => settings,
        Err(verdict) => return Ok(verdict),
    };
    let IpAddr::V4(address) = settings.local else { return Err(io::Error::other("this smoltcp speaks IPv4 alone")) };
    let mut place = Virtual::new(Smoltcp::new(address, settings.mtu.into()));
    Ok(play(&script, &context, &mut place).verdict)
}

fn main() -> io::Result<ExitCode> {
    let mut code = ExitCode::SUCCESS;
    for path in std::env::args_os().skip(1).map(PathBuf::from) {
        match run(&path)? {
            Verdict::Passed => println!("pass  {}", path.display()),
            Verdict::Failed(mismatch) => {
                println!("fail  {mismatch}");
                code = ExitCode::FAILURE;
            }
            Verdict::Unsupported(trouble) => println!("skip  {trouble}"),
            Verdict::Error(trouble) => return Err(io::Error::other(trouble.to_string())),
        }
    }
    Ok(code)
}
