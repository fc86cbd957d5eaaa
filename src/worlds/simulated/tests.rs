//! Hosts by hand: the sockets API, demultiplexing and the backlog, without scenario and trace.

mod addresses;
mod around;
mod deferring;
mod encapsulation;
mod fastopen;
mod fastopen_linux;
mod icmp;
mod path_mtu;
mod peer;
mod profiles;
mod reordering;
mod signature;

use std::net::{Ipv4Addr, Ipv6Addr};

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::engine::{Flags, SeqNumber, TcpOptions, WireWindow};
use crate::worlds::{How, SocketOption};

fn address(last: u8, v6: bool) -> IpAddr {
    if v6 { Ipv6Addr::new(0xfd00, 0, 0, 0, 0, 0, 0, last.into()).into() } else { Ipv4Addr::new(10, 0, 0, last).into() }
}

fn host_with(last: u8, knobs: &[(&str, &str)]) -> Host {
    let mut profile = Profile::rfc9293();
    for (name, value) in knobs {
        profile.set(name, value).expect("a knob");
    }
    Host::new(address(last, false), 1500, Arc::new(profile), u64::from(last))
}

fn host(last: u8) -> Host {
    host_with(last, &[])
}

const PORT: u16 = 7007;

/// Two hosts and a wire without delay; `a` connects, `b` listens.
struct Net {
    now: Instant,
    hosts: [Host; 2],
    /// Every packet, as `A <SEQ=...>`.
    seen: Vec<String>,
}

impl Net {
    fn new() -> Self {
        Self::of(host(1), host(2))
    }

    fn of(a: Host, b: Host) -> Self {
        Self { now: Instant::START, hosts: [a, b], seen: Vec::new() }
    }

    fn end(&self, host: usize, port: u16) -> End {
        End { address: self.hosts[host].address(), port }
    }

    fn settle(&mut self) {
        for _ in 0..10_000 {
            let Some((from, out)) = (0..2).find_map(|from| Some((from, self.hosts[from].poll_packet(self.now)?))) else { return };
            self.seen.push(format!("{} {}", ["A", "B"][from], out.segment().expect("a segment")));
            let to = if out.destination.address == self.hosts[from].address() { from } else { 1 - from };
            self.hosts[to].on_enveloped_packet(self.now, out.source, out.destination, &out.payload, out.envelope);
        }
        panic!("it never ends: {:?}", &self.seen[self.seen.len() - 4..]);
    }

    /// Lets every timer fire for this long.
    fn wait(&mut self, time: Duration) {
        let end = self.now + time;
        for _ in 0..10_000 {
            self.settle();
            let Some(at) = self.hosts.iter_mut().filter_map(Host::poll_deadline).min().filter(|at| *at <= end) else { break };
            self.now = self.now.max(at);
            for host in &mut self.hosts {
                while host.on_time(self.now).is_some() {}
            }
        }
        self.settle();
        self.now = end;
    }

    fn listen(&mut self, backlog: u16) -> SocketId {
        let id = self.hosts[1].socket();
        self.hosts[1].bind(id, PORT).expect("free");
        self.hosts[1].listen(id, self.now, backlog).expect("bound");
        id
    }

    fn connect(&mut self, from_port: u16) -> SocketId {
        let id = self.hosts[0].socket();
        if from_port != 0 {
            self.hosts[0].bind(id, from_port).expect("free");
        }
        let to = self.end(1, PORT);
        assert_eq!(self.hosts[0].connect(id, self.now, to), Err(Errno::InProgress));
        id
    }

    /// Both ends of a connection, accepted.
    fn established(&mut self) -> (SocketId, SocketId) {
        let listener = self.hosts[1].listener(PORT).unwrap_or_else(|| self.listen(5));
        let a = self.connect(0);
        self.settle();
        let b = self.hosts[1].accept(listener).expect("it has arrived");
        self.seen.clear();
        (a, b)
    }

    fn forged(&mut self, to: usize, source: End, port: u16, seq: u32, ack: Option<u32>, flags: Flags) {
        let segment = Segment {
            seq: SeqNumber::new(seq),
            ack: SeqNumber::new(ack.unwrap_or(0)),
            flags,
            window: WireWindow(1000),
            urgent: 0,
            len: 0,
            options: TcpOptions::NONE,
        };
        let destination = self.end(to, port);
        self.hosts[to].on_packet(self.now, source, destination, &Payload::Tcp { segment, text: Vec::new() });
    }
}

#[test]
fn a_port_is_bound_once() {
    let mut a = host(1);
    let (one, two) = (a.socket(), a.socket());
    assert_eq!(a.bind(one, PORT), Ok(PORT));
    assert_eq!(a.bind(one, 8), Err(Errno::Invalid), "it has a name already");
    assert_eq!(a.bind(two, PORT), Err(Errno::AddressInUse));
    a.close(one, Instant::START).expect("held");
    assert_eq!(a.poll_packet(Instant::START), None);
    assert_eq!(a.bind(two, PORT), Ok(PORT));
}

#[test]
fn ephemeral_ports_go_round_and_run_out() {
    let mut a = host_with(1, &[("ephemeral-first", "100"), ("ephemeral-last", "102")]);
    let ids: Vec<_> = (0..4).map(|_| a.socket()).collect();
    let ports: Vec<_> = ids.iter().map(|id| a.bind(*id, 0)).collect();
    assert_eq!(ports, [Ok(100), Ok(101), Ok(102), Err(Errno::AddressNotAvailable)]);
    a.close(ids[1], Instant::START).expect("held");
    assert_eq!(a.poll_packet(Instant::START), None);
    assert_eq!(a.bind(ids[3], 0), Ok(101));
}

#[test]
fn an_ephemeral_port_is_never_0() {
    let mut a = host_with(1, &[("ephemeral-first", "0"), ("ephemeral-last", "1")]);
    let (one, two) = (a.socket(), a.socket());
    assert_eq!((a.bind(one, 0), a.bind(two, 0)), (Ok(1), Err(Errno::AddressNotAvailable)));
}

#[test]
fn a_connect_says_how_far_it_is() {
    let mut net = Net::new();
    net.listen(5);
    let a = net.connect(0);
    let to = net.end(1, PORT);
    assert_eq!(net.hosts[0].connect(a, net.now, to), Err(Errno::Already));
    assert_eq!(net.hosts[0].connect_result(a), Err(Errno::Already));
    net.settle();
    assert_eq!(net.hosts[0].connect_result(a), Ok(()));
    assert_eq!(net.hosts[0].connect(a, net.now, to), Err(Errno::IsConnected));
    let v6 = End { address: address(2, true), port: PORT };
    let other = net.hosts[0].socket();
    assert_eq!(net.hosts[0].connect(other, net.now, v6), Err(Errno::NetworkUnreachable));
}

#[test]
fn a_refused_socket_may_connect_again() {
    let mut net = Net::new();
    let a = net.connect(0);
    net.hosts[0].send(a, net.now, b"stale", false).expect("queued");
    net.settle();
    assert_eq!(net.hosts[0].connect_result(a), Err(Errno::ConnectionRefused));
    assert_eq!(net.seen.len(), 2);
    let listener = net.listen(5);
    let to = net.end(1, PORT);
    assert_eq!(net.hosts[0].connect(a, net.now, to), Err(Errno::InProgress));
    net.hosts[0].send(a, net.now, b"fresh", false).expect("queued");
    net.settle();
    let b = net.hosts[1].accept(listener).expect("it has arrived");
    assert_eq!(net.hosts[1].recv(b, net.now, 100), Ok(b"fresh".to_vec()));
}

#[test]
fn a_connect_nobody_answers_times_out() {
    let mut net = Net::new();
    let id = net.hosts[0].socket();
    let nowhere = End { address: address(9, false), port: 1 };
    assert_eq!(net.hosts[0].connect(id, net.now, nowhere), Err(Errno::InProgress));
    let a = &mut net.hosts[0];
    while a.poll_packet(net.now).is_some() {}
    while let Some(at) = a.poll_deadline() {
        net.now = at;
        while a.on_time(at).is_some() {}
        while a.poll_packet(at).is_some() {}
    }
    assert_eq!(a.connect_result(id), Err(Errno::TimedOut));
    assert_eq!(a.netstat(), []);
}

#[test]
fn accept_waits_and_refuses() {
    let mut net = Net::new();
    let listener = net.listen(1);
    assert_eq!(net.hosts[1].accept(listener), Err(Errno::Again));
    let other = net.hosts[1].socket();
    assert_eq!(net.hosts[1].accept(other), Err(Errno::Invalid));
    assert_eq!(net.hosts[1].bind(other, PORT), Err(Errno::AddressInUse));
}

#[test]
fn a_full_backlog_drops_the_syn_and_counts_handshakes_under_way() {
    // RFC 4987 section 2: half-open connections take places in the backlog.
    let mut net = Net::new();
    let listener = net.listen(2);
    // Four SYNs before any of them is completed: as many as the queue takes are answered.
    for _ in 0..4 {
        net.connect(0);
    }
    net.settle();
    assert_eq!(net.seen.iter().filter(|seen| seen.contains("SYN,ACK")).count(), 2);
    for _ in 0..2 {
        net.hosts[1].accept(listener).expect("complete");
    }
    assert_eq!(net.hosts[1].accept(listener), Err(Errno::Again));
    // The others come back with the timer.
    net.wait(Duration::from_secs(1));
    assert!(net.hosts[1].accept(listener).is_ok() && net.hosts[1].accept(listener).is_ok());
}

#[test]
fn linger_0_resets() {
    let mut net = Net::new();
    let (a, b) = net.established();
    net.hosts[0].set_option(a, net.now, SocketOption::Linger(Some(0))).expect("held");
    net.hosts[0].close(a, net.now).expect("held");
    net.settle();
    assert!(net.seen.len() == 1 && net.seen[0].ends_with("<CTL=RST>"), "{:?}", net.seen);
    assert_eq!(net.hosts[1].recv(b, net.now, 1), Err(Errno::ConnectionReset));
    assert_eq!(net.hosts[1].recv(b, net.now, 1), Ok(Vec::new()), "an error is told once");
    assert_eq!(net.hosts[1].send(b, net.now, b"x", false), Err(Errno::BrokenPipe));
    assert_eq!(net.hosts[0].close(a, net.now), Err(Errno::BadDescriptor));
}

#[test]
fn what_came_before_a_rst_is_still_read() {
    let mut net = Net::new();
    let (a, b) = net.established();
    net.hosts[0].send(a, net.now, b"last words", false).expect("open");
    net.settle();
    net.hosts[0].set_option(a, net.now, SocketOption::Linger(Some(0))).expect("held");
    net.hosts[0].close(a, net.now).expect("held");
    net.settle();
    assert_eq!(net.hosts[1].recv(b, net.now, 100), Ok(b"last words".to_vec()));
    assert_eq!(net.hosts[1].recv(b, net.now, 100), Err(Errno::ConnectionReset));
}

#[test]
fn shutdown_ends_one_direction() {
    let mut net = Net::new();
    let (a, b) = net.established();
    net.hosts[0].shutdown(a, net.now, How::Write).expect("open");
    net.hosts[0].shutdown(a, net.now, How::Write).expect("no error the second time");
    assert_eq!(net.hosts[0].send(a, net.now, b"x", false), Err(Errno::BrokenPipe));
    net.settle();
    assert_eq!((net.hosts[0].state(a), net.hosts[1].state(b)), (State::FinWait2, State::CloseWait));
    assert_eq!(net.hosts[1].recv(b, net.now, 1), Ok(Vec::new()), "end of file");
    // SHUT_RD makes nothing of what has come or comes disappear, as on Linux.
    net.hosts[0].shutdown(a, net.now, How::Read).expect("open");
    net.hosts[1].send(b, net.now, b"answer", false).expect("open");
    net.settle();
    assert_eq!(net.hosts[0].recv(a, net.now, 100), Ok(b"answer".to_vec()));
    assert_eq!(net.hosts[0].recv(a, net.now, 100), Ok(Vec::new()));
}

#[test]
fn a_socket_without_connection_says_so() {
    let mut a = host(1);
    let id = a.socket();
    let now = Instant::START;
    assert_eq!(a.send(id, now, b"x", false), Err(Errno::NotConnected));
    assert_eq!(a.recv(id, now, 1), Err(Errno::NotConnected));
    assert_eq!(a.shutdown(id, now, How::Both), Err(Errno::NotConnected));
    a.listen(id, now, 1).expect("an ephemeral port");
    assert_eq!(a.send(id, now, b"x", false), Err(Errno::NotConnected));
    assert_eq!(a.recv(id, now, 1), Err(Errno::NotConnected));
}

#[test]
fn nobodys_segment_is_reset() {
    // RFC 9293 3.10.7.1.
    let mut net = Net::new();
    let source = net.end(0, 9);
    net.forged(1, source, 81, 5, Some(77), Flags::ACK);
    net.forged(1, source, 81, 5, None, Flags::SYN);
    net.forged(1, source, 81, 5, None, Flags::RST);
    net.listen(1);
    net.forged(1, source, PORT, 5, Some(78), Flags::SYN | Flags::ACK);
    let out: Vec<_> = std::iter::from_fn(|| net.hosts[1].poll_packet(net.now))
        .map(|out| (out.source.port, out.destination, out.segment().expect("a segment").to_string()))
        .collect();
    let expected = [(81, "<SEQ=77><CTL=RST>"), (81, "<SEQ=0><ACK=6><CTL=RST,ACK>"), (PORT, "<SEQ=78><CTL=RST>")];
    assert_eq!(out, expected.map(|(port, text)| (port, source, text.to_owned())));
}

#[test]
fn a_listener_that_closes_resets_what_waits_and_forgets_what_is_half_open() {
    // As Linux does.
    let mut net = Net::of(host(1), host_with(2, &[("reset-half-open", "off")]));
    let listener = net.listen(5);
    net.connect(0);
    net.settle();
    let source = net.end(0, 5);
    net.forged(1, source, PORT, 1000, None, Flags::SYN);
    assert_eq!(net.hosts[1].netstat().len(), 3);
    net.seen.clear();
    net.hosts[1].close(listener, net.now).expect("held");
    // A new socket stands where the listener stood; no child may take it for its parent.
    net.settle();
    let other = net.hosts[1].socket();
    assert!(net.seen.len() == 1 && net.seen[0].contains("RST"), "{:?}", net.seen);
    assert_eq!((net.hosts[1].netstat(), net.hosts[1].poll_deadline()), (Vec::new(), None));
    assert_eq!((net.hosts[1].state(listener), net.hosts[1].accept(other)), (State::Closed, Err(Errno::Invalid)));
    assert_eq!(net.hosts[1].bind(other, PORT), Ok(PORT));
}

#[test]
fn closing_a_dead_socket_leaves_its_successor_alone() {
    // The same two ends again, while the descriptor of the first connection is still held.
    let mut net = Net::new();
    let listener = net.listen(5);
    let old = net.connect(5000);
    net.settle();
    let dead = net.hosts[1].accept(listener).expect("complete");
    net.hosts[0].set_option(old, net.now, SocketOption::Linger(Some(0))).expect("held");
    net.hosts[0].close(old, net.now).expect("held");
    net.settle();
    let new = net.connect(5000);
    net.settle();
    let alive = net.hosts[1].accept(listener).expect("complete");
    net.hosts[1].close(dead, net.now).expect("held");
    net.settle();
    net.hosts[0].send(new, net.now, b"still here", false).expect("open");
    net.settle();
    assert_eq!(net.hosts[1].recv(alive, net.now, 100), Ok(b"still here".to_vec()));
}

#[test]
fn time_wait_keeps_the_port() {
    let mut net = Net::new();
    let (a, b) = net.established();
    let port = net.hosts[0].ends(a).0.expect("bound");
    net.hosts[0].close(a, net.now).expect("held");
    net.settle();
    net.hosts[1].close(b, net.now).expect("held");
    net.settle();
    assert_eq!(net.hosts[0].netstat().iter().map(|row| row.state).collect::<Vec<_>>(), [State::TimeWait]);
    let (later, sharing) = (net.hosts[0].socket(), net.hosts[0].socket());
    assert_eq!(net.hosts[0].bind(later, port), Err(Errno::AddressInUse));
    net.hosts[0].reuse_address(sharing).expect("held");
    assert_eq!(net.hosts[0].bind(sharing, port), Ok(port));
    let to = net.end(1, PORT);
    assert_eq!(net.hosts[0].connect(sharing, net.now, to), Err(Errno::AddressNotAvailable), "these two ends are taken");
    net.hosts[0].close(sharing, net.now).expect("held");
    net.wait(Duration::from_mins(4));
    assert_eq!(net.hosts[0].bind(later, port), Ok(port));
}

#[test]
fn a_listen_that_fails_leaves_the_others_alone() {
    // MUST-41: a passive OPEN has a record of its own, or none.
    let mut net = Net::new();
    let (_, child) = net.established();
    let first = net.hosts[1].netstat();
    let second = net.hosts[1].socket();
    net.hosts[1].reuse_address(second).expect("held");
    let bound = net.hosts[1].bind(second, PORT).and_then(|_| net.hosts[1].listen(second, net.now, 1));
    assert_eq!(bound, Err(Errno::AddressInUse));
    net.hosts[1].close(second, net.now).expect("held");
    assert_eq!(net.hosts[1].netstat(), first);
    assert_eq!(net.hosts[1].state(child), State::Established);
}

#[test]
fn one_can_listen_beside_a_connection_in_syn_sent() {
    // MUST-42.
    let mut net = Net::new();
    net.connect(5000);
    let id = net.hosts[0].socket();
    net.hosts[0].reuse_address(id).expect("held");
    assert_eq!(net.hosts[0].bind(id, 5000), Ok(5000));
    assert_eq!(net.hosts[0].listen(id, net.now, 1), Ok(()));
}

#[test]
fn a_closed_socket_reads_on_so_that_the_peer_can_finish() {
    let mut net = Net::new();
    let (a, b) = net.established();
    net.hosts[0].close(a, net.now).expect("held");
    net.settle();
    // More than a window; nobody reads it.
    let mut left = 150_000;
    while left > 0 {
        match net.hosts[1].send(b, net.now, &vec![b'x'; left], false) {
            Ok(taken) => left -= taken as usize,
            Err(error) => assert_eq!(error, Errno::Again),
        }
        net.settle();
    }
    net.hosts[1].close(b, net.now).expect("held");
    net.settle();
    assert_eq!((net.hosts[0].state(a), net.hosts[1].state(b)), (State::TimeWait, State::Closed));
}

#[test]
fn ipv6_has_its_own_mss() {
    // R6691-1.
    // MUST-15, MUST-67: 1500 less 60; 1220 where the peer says nothing.
    let v6 = |last| Host::new(address(last, true), 1500, Arc::new(Profile::rfc9293()), 1);
    let mut net = Net::of(v6(1), v6(2));
    let (a, _) = net.established();
    let mss = |host: &Host, id| host.inspect(id).expect("a socket").variables.mss;
    assert_eq!(mss(&net.hosts[0], a), Some(1440));
    let silent = net.connect(4000);
    let syn = net.hosts[0].poll_packet(net.now).expect("SYN").segment().copied().expect("a segment");
    let source = net.end(1, PORT);
    net.forged(0, source, 4000, 7, Some(syn.seq.plus(1).get()), Flags::SYN | Flags::ACK);
    assert_eq!(mss(&net.hosts[0], silent), Some(1220));
}

#[test]
fn netstat_lists_listeners_first_and_then_by_port() {
    let mut net = Net::new();
    let (_, b) = net.established();
    net.hosts[1].send(b, net.now, b"12345", false).expect("open");
    let rows: Vec<_> =
        net.hosts[1].netstat().into_iter().map(|row| (row.state, row.send_queue, row.local.port, row.remote.is_some())).collect();
    assert_eq!(rows, [(State::Listen, 0, PORT, false), (State::Established, 5, PORT, true)]);
}

#[test]
fn another_secret_gives_another_iss() {
    // MUST-9, R6528-2, R6528-3: who does not know the secret cannot tell the number.
    let iss = |seed: u64| {
        let mut a = Host::new(address(1, false), 1500, Arc::new(Profile::rfc9293()), seed);
        let id = a.socket();
        a.bind(id, 5000).expect("free");
        let _ = a.connect(id, Instant::START, End { address: address(9, false), port: 80 });
        a.poll_packet(Instant::START).expect("SYN").segment().expect("a segment").seq.get()
    };
    let numbers: std::collections::BTreeSet<u32> = (0..100).map(iss).collect();
    assert_eq!(numbers.len(), 100);
}

#[test]
fn the_iss_depends_on_the_four_tuple_and_grows_with_time() {
    // R6528-1, R6528-4.
    // RFC 6528 section 3, MUST-8, SHLD-1.
    let iss = |last: u8, from: u16, to: u16, at: u64| {
        let mut a = host(last);
        let id = a.socket();
        a.bind(id, from).expect("free");
        let now = Instant::from_nanos(at);
        let _ = a.connect(id, now, End { address: address(9, false), port: to });
        a.poll_packet(now).expect("SYN").segment().expect("a segment").seq.get()
    };
    let first = iss(1, 5000, 80, 0);
    assert_eq!(first, iss(1, 5000, 80, 0), "the same seed, the same ISS");
    for other in [iss(1, 5001, 80, 0), iss(1, 5000, 81, 0), iss(2, 5000, 80, 0)] {
        assert_ne!(first, other);
    }
    assert_eq!(iss(1, 5000, 80, 4_000_000).wrapping_sub(first), 1000, "a tick is 4 microseconds");
}

#[test]
fn a_crash_leaves_nothing_behind_and_old_ids_are_bad() {
    let mut net = Net::new();
    let (a, b) = net.established();
    net.hosts[1].crash();
    assert_eq!((net.hosts[1].netstat(), net.hosts[1].poll_deadline()), (Vec::new(), None));
    let new = net.hosts[1].socket();
    assert_ne!(new, b);
    assert_eq!(net.hosts[1].recv(b, net.now, 1), Err(Errno::BadDescriptor));
    net.hosts[0].send(a, net.now, b"anybody?", false).expect("open");
    net.settle();
    assert_eq!(net.hosts[0].recv(a, net.now, 1), Err(Errno::ConnectionReset));
}

#[derive(Clone, Debug)]
enum Act {
    Listen(u16),
    Connect(u16),
    Accept(usize),
    Send(usize, usize),
    Recv(usize),
    Shutdown(usize, u8),
    Close(usize, bool),
    Crash,
    Pass(u32),
    Lose,
    Forge(u16, u16, u32, u32, u16),
}

fn any_act() -> impl Strategy<Value = (usize, Act)> {
    let port = 1..4_u16;
    let act = prop_oneof![
        2 => port.clone().prop_map(Act::Listen),
        3 => port.clone().prop_map(Act::Connect),
        3 => any::<usize>().prop_map(Act::Accept),
        3 => (any::<usize>(), 0..100_000_usize).prop_map(|(socket, octets)| Act::Send(socket, octets)),
        2 => any::<usize>().prop_map(Act::Recv),
        1 => (any::<usize>(), 0..3_u8).prop_map(|(socket, how)| Act::Shutdown(socket, how)),
        3 => (any::<usize>(), any::<bool>()).prop_map(|(socket, linger)| Act::Close(socket, linger)),
        1 => Just(Act::Crash),
        2 => (0..5000_u32).prop_map(Act::Pass),
        1 => Just(Act::Lose),
        2 => (port.clone(), port, any::<u32>(), any::<u32>(), 0..0x40_u16).prop_map(|(from, to, seq, ack, flags)| Act::Forge(from, to, seq, ack, flags)),
    ];
    (0..2_usize, act)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(100) })]

    #[test]
    fn closing_everything_and_waiting_leaves_no_socket_and_no_port(linux: bool, acts in vec(any_act(), 0..60)) {
        let mut profile = if linux { Profile::linux() } else { Profile::rfc9293() };
        (profile.ephemeral_first, profile.ephemeral_last) = (1, 6);
        let profile = Arc::new(profile);
        let made = |last| Host::new(address(last, false), 1500, Arc::clone(&profile), 1);
        let mut net = Net::of(made(1), made(2));
        let mut held: [Vec<SocketId>; 2] = Default::default();
        for (at, act) in acts {
            let now = net.now;
            let of = |index: usize| held[at].get(index % held[at].len().max(1)).copied();
            match act {
                Act::Listen(port) => {
                    let id = net.hosts[at].socket();
                    held[at].push(id);
                    if net.hosts[at].bind(id, port).is_ok() {
                        let _ = net.hosts[at].listen(id, now, 2);
                    }
                }
                Act::Connect(port) => {
                    let id = net.hosts[at].socket();
                    held[at].push(id);
                    let to = net.end(1 - at, port);
                    let _ = net.hosts[at].connect(id, now, to);
                }
                Act::Accept(index) => {
                    if let Some(child) = of(index).and_then(|id| net.hosts[at].accept(id).ok()) {
                        held[at].push(child);
                    }
                }
                Act::Send(index, octets) => drop(of(index).map(|id| net.hosts[at].send(id, now, &vec![b'x'; octets], false))),
                Act::Recv(index) => drop(of(index).map(|id| net.hosts[at].recv(id, now, 70_000))),
                Act::Shutdown(index, how) => {
                    let how = [How::Read, How::Write, How::Both][usize::from(how)];
                    let _ = of(index).map(|id| net.hosts[at].shutdown(id, now, how));
                }
                Act::Close(index, linger) => {
                    if let Some(id) = of(index) {
                        held[at].retain(|other| *other != id);
                        let _ = net.hosts[at].set_option(id, now, SocketOption::Linger(linger.then_some(0)));
                        prop_assert_eq!(net.hosts[at].close(id, now), Ok(()));
                        prop_assert_eq!(net.hosts[at].close(id, now), Err(Errno::BadDescriptor));
                    }
                }
                Act::Crash => {
                    net.hosts[at].crash();
                    held[at].clear();
                }
                Act::Pass(millis) => net.wait(Duration::from_millis(u64::from(millis))),
                Act::Lose => drop(net.hosts[at].poll_packet(now)),
                Act::Forge(from, to, seq, ack, flags) => {
                    let source = net.end(1 - at, from);
                    net.forged(at, source, to, seq, Some(ack), Flags::from_bits(flags));
                }
            }
            if matches!(act, Act::Connect(_) | Act::Send(..)) {
                net.settle();
            }
        }
        for (host, held) in net.hosts.iter_mut().zip(held) {
            for id in held {
                prop_assert_eq!(host.close(id, net.now), Ok(()));
            }
        }
        // R2 of text is 127 s and 2 MSL 240 s, after which a peer may have to hear of it by RST.
        net.wait(Duration::from_secs(10_000));
        for host in &mut net.hosts {
            // A peer that crashed, or whose RST was lost, never sends FIN: for FIN-WAIT-2 the RFC has no timer.
            let (waiting, rest): (Vec<_>, Vec<_>) = host.netstat().into_iter().partition(|row| row.state == State::FinWait2);
            prop_assert_eq!(rest, []);
            prop_assert!(!waiting.is_empty() || host.is_empty(), "{host:?}");
        }
    }
}
