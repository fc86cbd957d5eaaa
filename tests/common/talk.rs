//! Two hosts that talk over a wire which does to each packet what it is told, octet by octet.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use synfin::engine::{Instant, Profile};
use synfin::trace::End;
use synfin::worlds::Errno;
use synfin::worlds::simulated::{Host, Outgoing, SocketId};

/// What the wire does with one packet.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Fate {
    Pass,
    Lose,
    Twice,
    /// So many milliseconds late, behind others.
    Late(u16),
}

/// What one side has said and heard.
#[derive(Debug, Default)]
pub(crate) struct Side {
    socket: Option<SocketId>,
    /// Octets the user wants to send, and how many it has handed over.
    pub(crate) to_send: usize,
    pub(crate) sent: usize,
    pub(crate) heard: Vec<u8>,
    pub(crate) end_of_file: bool,
    pub(crate) error: Option<Errno>,
    pub(crate) closed: bool,
}

/// The octet at a place of what a side says: neither side's repeats itself, and they differ.
pub(crate) fn octet(side: usize, at: usize) -> u8 {
    let mixed = (at as u64 ^ (side as u64) << 40).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (mixed ^ mixed >> 29).wrapping_mul(0xbf58_476d_1ce4_e5b9).to_be_bytes()[0]
}

/// How much one SEND hands over at most: not a multiple of any segment.
const PIECE: usize = 3001;
const DELAY: Duration = Duration::from_millis(5);

/// Lets both sides say all they have and close, reading at most `bite` octets at a time; the wire does
/// what `fates` say and then behaves. Ends when nothing is left to happen.
pub(crate) fn talk(profiles: [Profile; 2], to_send: [usize; 2], bite: u32, fates: &[Fate]) -> [Side; 2] {
    let address = |last: u8| IpAddr::from([192, 0, 2, last]);
    let [a, b] = profiles.map(Arc::new);
    let mut hosts = [Host::new(address(1), 1500, a, 1), Host::new(address(2), 1500, b, 2)];
    let mut sides = to_send.map(|to_send| Side { to_send, ..Side::default() });
    let mut now = Instant::START;
    let listener = hosts[1].socket();
    hosts[1].bind(listener, 7).expect("free");
    hosts[1].listen(listener, now, 5).expect("bound");
    let active = hosts[0].socket();
    sides[0].socket = Some(active);
    let _ = hosts[0].connect(active, now, End { address: address(2), port: 7 });
    let mut fates = fates.iter().copied();
    let mut under_way: BTreeMap<(Instant, usize), (usize, Outgoing)> = BTreeMap::new();
    let mut departures = 0;
    for _ in 0..200_000 {
        if sides[1].socket.is_none() {
            sides[1].socket = hosts[1].accept(listener).ok();
        }
        for (at, (host, side)) in hosts.iter_mut().zip(&mut sides).enumerate() {
            act(at, host, side, now, bite);
            while let Some(packet) = host.poll_packet(now) {
                let mut arrive = |packet: &Outgoing, later: Duration| {
                    under_way.insert((now + DELAY + later, departures), (1 - at, packet.clone()));
                    departures += 1;
                };
                match fates.next().unwrap_or(Fate::Pass) {
                    Fate::Pass => arrive(&packet, Duration::ZERO),
                    Fate::Lose => {}
                    Fate::Twice => [0, 1].into_iter().for_each(|millis| arrive(&packet, Duration::from_millis(millis))),
                    Fate::Late(millis) => arrive(&packet, Duration::from_millis(millis.into())),
                }
            }
        }
        let timer = hosts.iter_mut().filter_map(Host::poll_deadline).min();
        let packet = under_way.keys().next().copied();
        match (packet, timer) {
            (Some(key), timer) if timer.is_none_or(|timer| key.0 <= timer) => {
                now = now.max(key.0);
                if let Some((to, packet)) = under_way.remove(&key) {
                    hosts[to].on_packet(now, packet.source, packet.destination, &packet.payload);
                }
            }
            (_, Some(timer)) => {
                now = now.max(timer);
                for host in &mut hosts {
                    while host.on_time(now).is_some() {}
                }
            }
            (_, None) => return sides,
        }
    }
    panic!("it never ends: {sides:?}");
}

/// The application: reads what there is, says what has room, closes when it has said and heard everything.
fn act(at: usize, host: &mut Host, side: &mut Side, now: Instant, bite: u32) {
    let Some(socket) = side.socket.filter(|_| !side.closed && side.error.is_none()) else { return };
    loop {
        match host.recv(socket, now, bite) {
            Ok(text) if text.is_empty() => side.end_of_file = true,
            Ok(text) => {
                side.heard.extend(text);
                continue;
            }
            Err(errno) if errno.is_wait() || errno == Errno::NotConnected => {}
            Err(errno) => side.error = Some(errno),
        }
        break;
    }
    while side.sent < side.to_send && side.error.is_none() {
        let piece: Vec<u8> = (side.sent..side.to_send.min(side.sent + PIECE)).map(|place| octet(at, place)).collect();
        match host.send(socket, now, &piece, false) {
            Ok(octets) => side.sent += octets as usize,
            Err(errno) if errno.is_wait() || errno == Errno::NotConnected => break,
            Err(errno) => side.error = Some(errno),
        }
    }
    if side.sent == side.to_send && !side.closed {
        // The half-close lets the other go on; the socket goes when there is nothing more to hear.
        let _ = host.shutdown(socket, now, synfin::worlds::How::Write);
        if side.end_of_file {
            side.closed = host.close(socket, now).is_ok();
        }
    }
}
