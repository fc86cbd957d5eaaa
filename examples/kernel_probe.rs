//! What the kernel on this machine does, seen from namespaces of our own: one connection per family.
//!
//! Prints one fact a line, `name: value`, and ends with 0; with 2 where namespaces are refused.

use std::error::Error;
use std::io::Write;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::process::ExitCode;
use std::time::Duration;

use etherparse::{NetSlice, SlicedPacket, TransportSlice};
use synfin::engine::{Flags, TcpOptions};
use synfin::trace::End;
use synfin::worlds::kernel::{
    Direction, Errno, Family, Frame, Interest, More, Network, NetworkError, Sniffer, TcpSocket, enter_user_namespace,
    memory_in_receive_queue, socket_table, tcp_info,
};

/// Prints a line; that nobody reads it any more is no failure.
macro_rules! say {
    ($($what:tt)*) => {{ let _ = writeln!(std::io::stdout(), $($what)*); }};
}

const MTU: u32 = 1500;
const PORT: u16 = 7;
const PATIENCE: Duration = Duration::from_secs(5);
/// A documentation address for each side (RFC 5737, RFC 3849).
const HOSTS: [(Family, [IpAddr; 2]); 2] = [
    (Family::V4, [IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1)), IpAddr::V4(Ipv4Addr::new(192, 0, 2, 2))]),
    (Family::V6, [IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1)), IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 2))]),
];

fn main() -> ExitCode {
    if let Err(refusal) = enter_user_namespace() {
        say!("refused: {refusal}");
        return ExitCode::from(2);
    }
    let Err(error) = probe() else { return ExitCode::SUCCESS };
    if let Some(NetworkError::Refused(refusal)) = error.downcast_ref() {
        say!("refused: {refusal}");
        return ExitCode::from(2);
    }
    eprintln!("error: {error}");
    ExitCode::FAILURE
}

fn probe() -> Result<(), Box<dyn Error>> {
    for (family, hosts) in HOSTS {
        let network = Network::new(MTU, &hosts)?;
        say!("network: {family:?} tcp_rmem {}", network.sysctl("net.ipv4.tcp_rmem")?);
        // Any setting of the namespace may be written; where /proc/sys is read-only, it stays as it is.
        match network.set_sysctl("net.ipv4.tcp_syn_retries", "5") {
            Ok(()) => say!("sysctl: tcp_syn_retries {}", network.sysctl("net.ipv4.tcp_syn_retries")?),
            Err(error) => say!("sysctl: {error}"),
        }
        connection(family, hosts)?;
    }
    Ok(())
}

/// Connects A to B, sends 1 octet and 20000, closes, and prints all there is to see.
fn connection(family: Family, [a, b]: [IpAddr; 2]) -> Result<(), Box<dyn Error>> {
    let mut sniffer = Sniffer::open()?;
    let listener = TcpSocket::new(family)?;
    listener.reuse_address(true)?;
    listener.bind(End { address: b, port: PORT })?;
    listener.listen(1)?;
    let active = TcpSocket::new(family)?;
    active.bind(End { address: a, port: 0 })?;
    say!("connect: {}", active.connect(End { address: b, port: PORT }).map_or_else(Errno::name, |()| "ok"));
    say!("writable: {}", active.ready(Interest::Write, PATIENCE)?);
    say!("error: {:?}", active.so_error()?);
    let (passive, peer) = listener.accept()?;
    say!("peer: {}", peer == active.local()?);
    for socket in [&active, &passive] {
        let info = tcp_info(socket)?;
        say!("state: {} mss {} wscale {:?}", info.state, info.snd_mss, info.window_scale);
    }
    show(&mut sniffer, a)?;

    active.send(b"x", More::No)?;
    passive.ready(Interest::Read, PATIENCE)?;
    say!("overhead: {}", memory_in_receive_queue(&passive)? - 1);
    say!("again: {}", active.recv(1).expect_err("nothing was sent").name());
    active.send(&vec![b'y'; 20_000], More::No)?;
    let mut got = 0;
    while got < 20_001 {
        passive.ready(Interest::Read, PATIENCE)?;
        got += passive.recv(65_536)?.len();
    }
    say!("got: {got}");
    let longest = sniffer.drain()?.iter().map(|frame| frame.octets.len()).max();
    say!("longest frame: {}", longest.unwrap_or(0));

    active.close();
    passive.ready(Interest::Read, PATIENCE)?;
    say!("end of text: {}", passive.recv(1)?.is_empty());
    say!("state: {}", tcp_info(&passive)?.state);
    passive.close();
    show(&mut sniffer, a)?;
    for row in socket_table()? {
        say!("table: {} {}", row.local.port == PORT, row.state);
    }
    let statistics = sniffer.statistics()?;
    say!("dropped: {} of more than {}", statistics.dropped, statistics.seen.min(60));
    Ok(())
}

/// Prints what was captured, each frame once.
fn show(sniffer: &mut Sniffer, a: IpAddr) -> Result<(), Box<dyn Error>> {
    let frames = sniffer.drain()?;
    let copies = |direction| frames.iter().filter(move |frame| frame.direction == direction);
    say!("both copies: {}", copies(Direction::Sent).map(|frame| &frame.octets).eq(copies(Direction::Received).map(|frame| &frame.octets)));
    say!("in order: {}", copies(Direction::Sent).is_sorted_by_key(|frame| frame.at));
    for frame in copies(Direction::Sent) {
        print_segment(frame, a)?;
    }
    Ok(())
}

fn print_segment(frame: &Frame, a: IpAddr) -> Result<(), Box<dyn Error>> {
    let packet = SlicedPacket::from_ethernet(&frame.octets)?;
    let source: IpAddr = match &packet.net {
        Some(NetSlice::Ipv4(ip)) => ip.header().source_addr().into(),
        Some(NetSlice::Ipv6(ip)) => ip.header().source_addr().into(),
        _ => return Ok(()),
    };
    let Some(TransportSlice::Tcp(tcp)) = packet.transport else { return Ok(()) };
    let from = if source == a { "A" } else { "B" };
    let flags = Flags::from_bits(u16::from(tcp.slice()[13]));
    let options = TcpOptions::from_octets(tcp.options()).unwrap_or_default();
    let kinds: Vec<String> = options.iter().map(|option| option.to_string().split(" val").next().unwrap_or_default().to_owned()).collect();
    say!("segment: {from} {flags} len {} win {} {}", tcp.payload().len(), tcp.window_size(), kinds.join(","));
    Ok(())
}
