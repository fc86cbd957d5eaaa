//! The live kernel as a place for scripts: one connection, its calls and packets driven by hand.
//!
//! Prints one fact a line, `name: value`, and ends with 0; with 2 where namespaces are refused.

use std::error::Error;
use std::io::Write;
use std::net::IpAddr;
use std::process::ExitCode;
use std::time::Duration;

use etherparse::{NetSlice, PacketBuilder, SlicedPacket, TcpHeaderSlice, TransportSlice};
use synfin::engine::Instant;
use synfin::trace::End;
use synfin::worlds::Errno;
use synfin::worlds::kernel::{KernelPlace, NetworkError, Refusal, SnifferError, UnderTest, enter_user_namespace};
use synfin::worlds::stack::{Answer, Call, Constant, Fd, Outcome, Output, Place, PollFd, ReceiveForm, SendForm};

/// Prints a line; that nobody reads it any more is no failure.
macro_rules! say {
    ($($what:tt)*) => {{ let _ = writeln!(std::io::stdout(), $($what)*); }};
}

type Trouble = Box<dyn Error>;

const PORT: u16 = 8080;
const PATIENCE: Duration = Duration::from_secs(2);

fn main() -> ExitCode {
    if let Err(refusal) = enter_user_namespace() {
        say!("refused: {refusal}");
        return ExitCode::from(2);
    }
    let families = [
        ("192.168.0.1", 16, "192.168.0.254", "192.0.2.1", "net.ipv4.tcp_ecn"),
        ("fd3d:fa7b:d17d::1", 48, "fd3d:fa7b:d17d:8888::", "2001:db8::1", "net.ipv4.tcp_ecn"),
    ];
    for (local, prefix, gateway, remote, sysctl) in families {
        let Err(error) = Probe::new(local, prefix, gateway, remote).and_then(|mut probe| probe.run(sysctl)) else { continue };
        if let Some(NetworkError::Refused(refusal) | NetworkError::Frames(SnifferError::Refused(refusal))) = error.downcast_ref() {
            say!("refused: {refusal}");
            return ExitCode::from(2);
        }
        if let Some(refusal) = error.downcast_ref::<Refusal>() {
            say!("refused: {refusal}");
            return ExitCode::from(2);
        }
        eprintln!("error: {error}");
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

/// One host under test, and whom it talks to.
struct Probe {
    place: KernelPlace,
    local: IpAddr,
    remote: IpAddr,
    /// The port of the host, and the next number it expects of us and we of it.
    port: u16,
    ours: u32,
    theirs: u32,
}

/// What a segment says of itself.
struct Seen {
    at: Instant,
    header: etherparse::TcpHeader,
    text: usize,
    packet: usize,
}

fn constant(value: i32) -> Constant {
    Constant { value: value.into(), names: Vec::new() }
}

impl Probe {
    fn new(local: &str, prefix: u8, gateway: &str, remote: &str) -> Result<Self, Trouble> {
        let (local, remote) = (local.parse()?, remote.parse()?);
        let place = KernelPlace::new(&UnderTest { local: vec![(local, prefix)], gateways: vec![gateway.parse()?], mtu: 1500 })?;
        Ok(Self { place, local, remote, port: 0, ours: 1, theirs: 0 })
    }

    fn make(&mut self, call: &Call) -> Result<Answer, Trouble> {
        match self.place.call(call)? {
            Outcome::Returned(answer) => Ok(answer),
            other => Err(format!("{call:?}: {other:?}").into()),
        }
    }

    fn socket(&mut self) -> Result<Fd, Trouble> {
        let domain = constant(if self.local.is_ipv4() { libc::AF_INET } else { libc::AF_INET6 });
        let answer = self.make(&Call::Socket { domain, kind: constant(libc::SOCK_STREAM), protocol: constant(libc::IPPROTO_TCP) })?;
        Ok(Fd::try_from(answer.result)?)
    }

    fn next(&mut self) -> Result<Seen, Trouble> {
        let until = self.place.now() + PATIENCE;
        loop {
            if let Some(departed) = self.place.next_packet() {
                let sliced = SlicedPacket::from_ip(&departed.packet)?;
                let Some(TransportSlice::Tcp(tcp)) = sliced.transport else { continue };
                let header = TcpHeaderSlice::from_slice(tcp.slice())?.to_header();
                // Filled in, as whoever reads the script's output would have it.
                let whole = match sliced.net {
                    Some(NetSlice::Ipv4(ip)) => tcp.calc_checksum_ipv4(ip.header().source(), ip.header().destination())? == tcp.checksum(),
                    Some(NetSlice::Ipv6(ip)) => tcp.calc_checksum_ipv6(ip.header().source(), ip.header().destination())? == tcp.checksum(),
                    _ => false,
                };
                assert!(whole, "a checksum is wrong");
                return Ok(Seen { at: departed.at, header, text: tcp.payload().len(), packet: departed.packet.len() });
            }
            if self.place.now() >= until {
                return Err("no packet".into());
            }
            self.place.wait(until)?;
        }
    }

    fn inject(&mut self, flags: &str, text: usize) -> Result<(), Trouble> {
        let (source, destination) = (PORT, self.port);
        let mut tcp = etherparse::TcpHeader::new(source, destination, self.ours, 65_535);
        tcp.acknowledgment_number = self.theirs;
        (tcp.syn, tcp.ack, tcp.rst) = (flags.contains('S'), flags.contains('.'), flags.contains('R'));
        let mut packet = Vec::new();
        match (self.remote, self.local) {
            (IpAddr::V4(remote), IpAddr::V4(local)) => {
                PacketBuilder::ipv4(remote.octets(), local.octets(), 64).tcp_header(tcp).write(&mut packet, &vec![0; text])?;
            }
            (IpAddr::V6(remote), IpAddr::V6(local)) => {
                PacketBuilder::ipv6(remote.octets(), local.octets(), 64).tcp_header(tcp).write(&mut packet, &vec![0; text])?;
            }
            _ => return Err("addresses of two families".into()),
        }
        self.ours += u32::try_from(text)? + u32::from(flags.contains('S'));
        Ok(self.place.inject(&packet)?)
    }

    fn run(&mut self, sysctl: &str) -> Result<(), Trouble> {
        self.place.set_parameter(sysctl, "0")?;
        say!("elsewhere: {}", self.place.set_parameter("net.core.nothing", "1").is_err_and(|error| error.to_string().contains("ENOENT")));
        say!("forgotten: {}", self.place.forget_peers().is_ok());
        let fd = self.connect()?;
        say!("forgotten: {}", self.place.forget_peers().is_ok());
        self.text(fd)?;
        self.waiting(fd)?;
        self.views(fd)?;
        self.end(fd)
    }

    /// A connection from the host to us.
    fn connect(&mut self) -> Result<Fd, Trouble> {
        let fd = self.socket()?;
        let to = Some(End { address: self.remote, port: PORT });
        let began = self.place.now();
        say!("waits: {}", self.place.call(&Call::Connect { fd, to })? == Outcome::Blocked);
        let syn = self.next()?;
        say!("stamped: {}", began <= syn.at && syn.at <= self.place.now());
        (self.port, self.theirs) = (syn.header.source_port, syn.header.sequence_number + 1);
        let mss = syn.header.options_iterator().find_map(|option| match option {
            Ok(etherparse::TcpOptionElement::MaximumSegmentSize(mss)) => Some(mss),
            _ => None,
        });
        say!("mss: {}", mss.unwrap_or(0));
        // Nothing else happens for a while, and the wait is as long as it should be.
        let until = self.place.now() + Duration::from_millis(30);
        self.place.wait(until)?;
        say!("woken: {}", self.place.now() >= until && self.place.take_returned().is_none());
        self.inject("S.", 0)?;
        let ack = self.next()?;
        say!("handshake: {}", ack.header.ack && !ack.header.syn && ack.header.acknowledgment_number == 2);
        let until = self.place.now() + PATIENCE;
        self.place.wait(until)?;
        let (at, answer) = self.place.take_returned().ok_or("connect does not return")?;
        say!("connected: {}", answer == Answer::of(0) && at >= ack.at.min(at) && self.place.now() < until);
        Ok(fd)
    }

    /// Text both ways.
    fn text(&mut self, fd: Fd) -> Result<(), Trouble> {
        let write = Call::Send {
            form: SendForm::Write,
            fd,
            buffers: Some(vec![4000]),
            count: 4000,
            flags: constant(0),
            to: None,
            control: Vec::new(),
        };
        say!("wrote: {}", self.make(&write)?.result);
        let mut pieces = Vec::new();
        for _ in 0..8 {
            let seen = self.next()?;
            pieces.push(seen.text);
            self.theirs = seen.header.sequence_number + u32::try_from(seen.text)?;
            say!("within the mtu: {}", seen.packet <= 1500);
            if pieces.iter().sum::<usize>() >= 4000 {
                break;
            }
        }
        say!("pieces: {pieces:?}");
        // Longer than any packet the host would send.
        self.inject(".", 9000)?;
        let ack = self.next()?;
        say!("taken: {}", ack.header.acknowledgment_number == self.ours);
        Ok(())
    }

    fn read(fd: Fd, octets: u32) -> Call {
        Call::Receive { form: ReceiveForm::Read, fd, buffers: Some(vec![octets]), count: octets, flags: constant(0), control: 0 }
    }

    /// Calls that wait, and that do not.
    fn waiting(&mut self, fd: Fd) -> Result<(), Trouble> {
        say!("read: {}", self.make(&Self::read(fd, 20_000))?.result);
        let poll = |timeout| Call::Poll { fds: vec![PollFd { fd, events: constant(libc::POLLIN.into()) }], timeout };
        say!("nothing: {:?}", self.make(&poll(0))?.output);
        say!("polls: {}", self.place.call(&poll(5000))? == Outcome::Blocked);
        self.inject(".", 10)?;
        say!("polled: {:?}", self.returned()?.output);
        say!("read: {}", self.make(&Self::read(fd, 20_000))?.result);
        say!("reads: {}", self.place.call(&Self::read(fd, 20_000))? == Outcome::Blocked);
        self.inject(".", 20)?;
        say!("read: {}", self.returned()?.result);
        say!("not open: {:?}", self.make(&Self::read(fd + 100, 1))?.errno.map(Errno::name));
        let nowhere =
            Call::Receive { form: ReceiveForm::Recv, fd, buffers: None, count: 5, flags: constant(libc::MSG_DONTWAIT), control: 0 };
        self.inject(".", 5)?;
        say!("null pointer: {:?}", self.make(&nowhere)?.errno.map(Errno::name));
        Ok(())
    }

    fn returned(&mut self) -> Result<Answer, Trouble> {
        let until = self.place.now() + PATIENCE;
        loop {
            if let Some((_, answer)) = self.place.take_returned() {
                return Ok(answer);
            }
            if self.place.now() >= until {
                return Err("the call does not return".into());
            }
            while self.place.next_packet().is_some() {}
            self.place.wait(until)?;
        }
    }

    /// What the kernel tells.
    fn views(&mut self, fd: Fd) -> Result<(), Trouble> {
        let info = self.place.info(fd)?;
        let told = |name: &str| info.iter().find(|(known, _)| *known == name).map_or(-1, |(_, number)| *number);
        say!("info: {} {} {}", told("tcpi_state"), told("tcpi_snd_cwnd"), told("tcpi_bytes_received"));
        say!("established: {:?}", self.place.count_in_state("ESTABLISHED", Some(PORT), false)?);
        say!("elsewhere established: {:?}", self.place.count_in_state("ESTABLISHED", Some(1), false)?);
        let (level, name) = (constant(libc::SOL_SOCKET), constant(libc::SO_REUSEADDR));
        let value = 1_i32.to_ne_bytes().to_vec();
        say!("set: {:?}", self.make(&Call::SetOption { fd, level: level.clone(), name: name.clone(), value, len: 4 })?.result);
        say!("get: {:?}", self.make(&Call::GetOption { fd, level, name, len: 4 })?.output == Output::Value(1_i32.to_ne_bytes().to_vec()));
        let request = Constant { value: i64::try_from(libc::FIONREAD)?, names: Vec::new() };
        say!("unread: {:?}", self.make(&Call::Ioctl { fd, request, argument: None })?.output);
        Ok(())
    }

    /// A file of zeros, a pipe, and the end.
    fn end(&mut self, fd: Fd) -> Result<(), Trouble> {
        let file = Fd::try_from(self.make(&Call::Open { path: "zeros".to_owned(), flags: constant(libc::O_RDONLY) })?.result)?;
        say!("sent: {}", self.make(&Call::Sendfile { to: fd, from: file, offset: 0, count: 100 })?.result);
        let Output::Pair(from, to) = self.make(&Call::Pipe)?.output else { return Err("no pair".into()) };
        let piped = self.make(&Call::Splice { from: fd, to, count: 100, flags: constant(0) })?;
        say!("spliced: {}", piped.result);
        say!("piped: {}", self.make(&Self::read(from, 100))?.result);
        say!("reads: {}", self.place.call(&Self::read(fd, 1))? == Outcome::Blocked);
        self.inject("R.", 0)?;
        say!("reset: {:?}", self.returned()?.errno.map(Errno::name));
        say!("closed: {}", self.make(&Call::Close { fd })?.result);
        say!("closed: {:?}", self.make(&Call::Close { fd })?.errno.map(Errno::name));
        // Whoever still waits when all is over is let go.
        let listener = self.socket()?;
        self.make(&Call::Bind { fd: listener, to: End { address: self.local, port: PORT } })?;
        self.make(&Call::Listen { fd: listener, backlog: 1 })?;
        say!("accepts: {}", self.place.call(&Call::Accept { fd: listener })? == Outcome::Blocked);
        Ok(())
    }
}
