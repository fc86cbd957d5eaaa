//! Two hosts with a kernel stack each, and between them this program: one thread in three networks.
//!
//! Prints one fact a line, `name: value`, and ends with 0; with 2 where namespaces are refused. Given
//! `stay` it prints who it is once all is set up, and waits until it is killed.

use std::error::Error;
use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, UdpSocket};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use etherparse::{NetSlice, PacketBuilder, SlicedPacket, TransportSlice};
use synfin::engine::State;
use synfin::trace::End;
use synfin::worlds::kernel::{
    Direction, Errno, Family, Frame, HostNetwork, HostSetup, Interest, More, Namespace, NetworkError, Port, Refusal, Sniffer, SnifferError,
    SocketTable, Switch, TcpSocket, Tun, enter_user_namespace, ipv6_is_there, tcp_info,
};

/// Prints a line; that nobody reads it any more is no failure.
macro_rules! say {
    ($($what:tt)*) => {{ let _ = writeln!(std::io::stdout(), $($what)*); }};
}

const PORT: u16 = 7;
const MACS: [[u8; 6]; 2] = [[2, 0, 0, 0, 0, 1], [2, 0, 0, 0, 0, 2]];
/// A documentation address for each side (RFC 5737, RFC 3849).
const HOSTS: [(Family, [IpAddr; 2]); 2] = [
    (Family::V4, [IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1)), IpAddr::V4(Ipv4Addr::new(192, 0, 2, 2))]),
    (Family::V6, [IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1)), IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 2))]),
];
/// Longer than a kernel waits before it reports a multicast group.
const LISTENING: Duration = Duration::from_millis(1200);

fn main() -> ExitCode {
    if let Err(refusal) = enter_user_namespace() {
        say!("refused: {refusal}");
        return ExitCode::from(2);
    }
    let Err(error) = probe() else { return ExitCode::SUCCESS };
    let refusal: Option<&Refusal> = match error.downcast_ref() {
        Some(NetworkError::Refused(refusal) | NetworkError::Frames(SnifferError::Refused(refusal))) => Some(refusal),
        _ => error.downcast_ref(),
    };
    if let Some(refusal) = refusal {
        say!("refused: {refusal}");
        return ExitCode::from(2);
    }
    eprintln!("error: {error}");
    ExitCode::FAILURE
}

/// Two hosts and the ends of their cables.
struct Two {
    switch: Switch,
    hosts: [HostNetwork; 2],
    ports: [Port; 2],
}

impl Two {
    fn new(addresses: [IpAddr; 2]) -> Result<Self, NetworkError> {
        let switch = Switch::new()?;
        let host = |own: usize, peer: usize| {
            let setup = HostSetup { address: addresses[own], link_address: MACS[own], mtu: 1500, peer: (addresses[peer], MACS[peer]) };
            switch.connect(&setup)
        };
        let ((a, at_a), (b, at_b)) = (host(0, 1)?, host(1, 0)?);
        Ok(Self { switch, hosts: [a, b], ports: [at_a, at_b] })
    }

    /// Carries what there is from each to the other, until neither has more to say; the frames.
    fn relay(&mut self) -> Result<Vec<Frame>, Box<dyn Error>> {
        let mut frames = Vec::new();
        loop {
            let before = frames.len();
            let [a, b] = &mut self.ports;
            frames.extend(carry(a, b)?);
            frames.extend(carry(b, a)?);
            if frames.len() == before {
                return Ok(frames);
            }
        }
    }
}

/// Carries what one host has sent to the other.
fn carry(from: &mut Port, to: &Port) -> Result<Vec<Frame>, Box<dyn Error>> {
    let mut frames = Vec::new();
    while let Some(frame) = from.next_frame()? {
        to.send(&frame.octets)?;
        frames.push(frame);
    }
    Ok(frames)
}

fn probe() -> Result<(), Box<dyn Error>> {
    let here = Namespace::current()?.number();
    if std::env::args().nth(1).as_deref() == Some("stay") {
        let two = Two::new(HOSTS[0].1)?;
        let sockets = [0, 1].map(|host: usize| two.hosts[host].namespace().within(|| TcpSocket::new(Family::V4)));
        let [a, b] = two.hosts.each_ref().map(|host| host.namespace().number());
        say!("namespaces: {here} {} {a} {b}", two.switch.namespace().number());
        let _ = std::io::stdin().read(&mut [0]);
        drop(sockets);
        return Ok(());
    }
    ipv6_is_there()?;
    for (family, addresses) in HOSTS {
        talk(family, addresses)?;
    }
    first_frames()?;
    join()?;
    tun()?;
    say!("back: {}", Namespace::current()?.number() == here);
    Ok(())
}

/// Hosts that talk as soon as they are there: a cable loses nothing in its first moment.
fn first_frames() -> Result<(), Box<dyn Error>> {
    let (mut answered, mut making) = (0, Duration::ZERO);
    for _ in 0..10 {
        let begin = Instant::now();
        let mut two = Two::new(HOSTS[0].1)?;
        making += begin.elapsed();
        let mut sniffer = two.hosts[0].namespace().within(|| Sniffer::on("net0"))??;
        // Nobody listens, so the answer to its SYN is a RST.
        let client = two.hosts[0].namespace().within(|| TcpSocket::new(Family::V4))??;
        let _ = client.connect(End { address: HOSTS[0].1[1], port: PORT });
        two.relay()?;
        let seen: Vec<_> = sniffer.drain()?.iter().map(|frame| frame.direction).collect();
        answered += u32::from(
            seen == [Direction::Sent, Direction::Received] && client.so_error()?.is_some_and(|errno| errno.name() == "ECONNREFUSED"),
        );
    }
    say!("first frames: {answered}");
    if let Err(error) = Sniffer::on("nowhere") {
        say!("nowhere: {error}");
    }
    say!("making: {:?} each", making / 10);
    Ok(())
}

/// A connection from A to B, and what its frames and states are at once.
fn talk(family: Family, addresses: [IpAddr; 2]) -> Result<(), Box<dyn Error>> {
    let mut two = Two::new(addresses)?;
    let [a, b] = addresses;
    let numbers = [two.hosts[0].namespace().number(), two.hosts[1].namespace().number(), Namespace::current()?.number()];
    say!("apart: {}", numbers[0] != numbers[1] && numbers[1] != numbers[2] && numbers[0] != numbers[2]);
    say!("quiet: {}", !two.ports[0].wait(LISTENING)? && !two.ports[1].wait(Duration::ZERO)?);

    let listener = two.hosts[1].namespace().within(|| TcpSocket::new(family))??;
    listener.bind(End { address: b, port: PORT })?;
    listener.listen(1)?;
    let mut table = two.hosts[1].namespace().within(SocketTable::open)??;
    let mut at_once = 0;
    let mut asking = Duration::ZERO;
    for _ in 0..100 {
        let client = two.hosts[0].namespace().within(|| TcpSocket::new(family))??;
        let answer = client.connect(End { address: b, port: PORT }).map_or_else(Errno::name, |()| "ok");
        // Nothing waits here: what a call or a frame causes is there when it returns.
        let syn = two.ports[0].next_frame()?.ok_or("no SYN at once")?;
        two.ports[1].send(&syn.octets)?;
        // A request has no socket: only the table shows it.
        let asked = Instant::now();
        let requests =
            table.tcp()?.iter().filter(|row| row.state == State::SynReceived && row.inode == 0 && row.remote.address == a).count();
        asking += asked.elapsed();
        let syn_ack = two.ports[1].next_frame()?.ok_or("no SYN,ACK at once")?;
        two.ports[0].send(&syn_ack.octets)?;
        let state = tcp_info(&client)?.state;
        let ack = two.ports[0].next_frame()?.ok_or("no ACK at once")?;
        two.ports[1].send(&ack.octets)?;
        let (server, _) = listener.accept()?;
        at_once +=
            u32::from(answer == "EINPROGRESS" && requests == 1 && state.to_string() == "ESTABLISHED" && tcp_info(&server)?.state == state);
        // A RST each, so that none is left.
        client.set_linger(Some(Duration::ZERO))?;
        client.close();
        two.relay()?;
    }
    say!("at once: {at_once}");
    say!("table: {:?} each", asking / 100);

    let client = two.hosts[0].namespace().within(|| TcpSocket::new(family))??;
    let _ = client.connect(End { address: b, port: PORT });
    two.relay()?;
    let (server, peer) = listener.accept()?;
    say!("peer: {}", peer.address == a);
    client.send(&vec![b'y'; 20_000], More::No)?;
    let (mut got, mut frames) = (0, Vec::new());
    while got < 20_000 {
        frames.extend(two.relay()?);
        got += if server.ready(Interest::Read, Duration::ZERO)? { server.recv(65_536)?.len() } else { 0 };
    }
    say!("got: {got}");
    say!("longest frame: {}", frames.iter().map(|frame| frame.octets.len()).max().unwrap_or(0));
    say!("links: {}", frames.iter().all(|frame| frame.octets[..12] == [MACS[1], MACS[0]].concat() || frame.octets[..12] == MACS.concat()));
    say!("checksums: {}", frames.iter().all(|frame| checksum_is_right(&frame.octets)));

    // A frame whose checksum is wrong is none: the kernel must not believe it because of where it comes from.
    client.send(b"z", More::No)?;
    let frame = two.ports[0].next_frame()?.ok_or("nothing sent")?;
    let mut damaged = frame.octets.clone();
    *damaged.last_mut().ok_or("an empty frame")? ^= 1;
    two.ports[1].send(&damaged)?;
    say!("damaged: {}", server.recv(1).map_or_else(Errno::name, |_| "taken"));
    two.ports[1].send(&frame.octets)?;
    say!("whole: {}", server.recv(1).map_or_else(Errno::name, |_| "taken"));
    for port in &mut two.ports {
        say!("dropped: {}", port.statistics()?.dropped);
    }
    Ok(())
}

fn checksum_is_right(frame: &[u8]) -> bool {
    let Ok(packet) = SlicedPacket::from_ethernet(frame) else { return false };
    let Some(TransportSlice::Tcp(tcp)) = packet.transport else { return false };
    let computed = match &packet.net {
        Some(NetSlice::Ipv4(ip)) => tcp.to_header().calc_checksum_ipv4(&ip.header().to_header(), tcp.payload()),
        Some(NetSlice::Ipv6(ip)) => tcp.to_header().calc_checksum_ipv6(&ip.header().to_header(), tcp.payload()),
        _ => return false,
    };
    computed.is_ok_and(|computed| computed == tcp.checksum())
}

const OURS: [u8; 4] = [192, 0, 2, 2];
const THEIRS: [u8; 4] = [192, 0, 2, 1];

/// A program in a namespace says something to us over a cable, and is answered.
fn join() -> Result<(), Box<dyn Error>> {
    let (switch, namespace) = (Switch::new()?, Namespace::new()?);
    let setup = HostSetup { address: THEIRS.into(), link_address: MACS[0], mtu: 1500, peer: (OURS.into(), MACS[1]) };
    let mut port = switch.lead_from(&namespace, "synfin0", 24, &setup)?;
    let program = namespace.within(|| UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)))??;
    program.set_nonblocking(true)?;
    program.send_to(b"hello", (Ipv4Addr::from(OURS), 7))?;
    let frame = port.next_frame()?.ok_or("nothing at the port")?;
    let mut reply = Vec::new();
    let builder = PacketBuilder::ethernet2(MACS[1], MACS[0]).ipv4(OURS, THEIRS, 64).udp(7, program.local_addr()?.port());
    builder.write(&mut reply, &upper(&SlicedPacket::from_ethernet(&frame.octets)?))?;
    port.send(&reply)?;
    say!("joined: {}", heard(&program)?);
    match switch.lead_from(&namespace, "synfin0", 24, &setup) {
        Err(error) => say!("taken: {error}"),
        Ok(_) => say!("taken: no"),
    }
    drop(switch);
    // The port is still there as a socket, but not what it was bound to.
    drop(port);
    Ok(())
}

/// The same over a TUN device, where we may have one.
fn tun() -> Result<(), Box<dyn Error>> {
    let namespace = Namespace::new()?;
    let mut tun = match namespace.within(|| Tun::open("synfin%d"))? {
        Ok(tun) => tun,
        Err(refusal) => {
            say!("tun: {refusal}");
            return Ok(());
        }
    };
    say!("down: {}", tun.send(&[0x45]).map_or_else(|refusal| refusal.errno.name(), |()| "ok"));
    namespace.within(|| tun.raise(THEIRS.into(), 24, 1500))??;
    let program = namespace.within(|| UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)))??;
    program.set_nonblocking(true)?;
    program.send_to(b"hello", (Ipv4Addr::from(OURS), 7))?;
    let packet = tun.next_packet()?.ok_or("nothing at the TUN device")?;
    let mut reply = Vec::new();
    let builder = PacketBuilder::ipv4(OURS, THEIRS, 64).udp(7, program.local_addr()?.port());
    builder.write(&mut reply, &upper(&SlicedPacket::from_ip(&packet)?))?;
    tun.send(&reply)?;
    say!("tun: {} {}", tun.name(), heard(&program)?);
    drop(tun);
    say!("gone: {}", program.send_to(b"hello", (Ipv4Addr::from(OURS), 7)).is_err());
    Ok(())
}

/// The text of a datagram in capitals.
fn upper(packet: &SlicedPacket<'_>) -> Vec<u8> {
    match &packet.transport {
        Some(TransportSlice::Udp(udp)) => udp.payload().to_ascii_uppercase(),
        _ => Vec::new(),
    }
}

/// What a program has been told by now.
fn heard(program: &UdpSocket) -> Result<String, Box<dyn Error>> {
    let mut text = [0; 16];
    let (len, from) = program.recv_from(&mut text)?;
    Ok(format!("{} from {from}", String::from_utf8_lossy(&text[..len])))
}
