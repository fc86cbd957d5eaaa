//! Fast open between two hosts: listeners, limits, and what a client remembers (RFC 7413).

use super::*;

impl Net {
    /// A listener that lets so many fast opens be under way.
    fn listen_fast(&mut self, pending: u16) -> SocketId {
        let id = self.listen(5);
        self.hosts[1].allow_fast_open(id, pending).expect("held");
        id
    }

    fn connect_fast(&mut self, text: &[u8]) -> SocketId {
        let id = self.hosts[0].socket();
        let to = self.end(1, PORT);
        assert_eq!(self.hosts[0].connect_with(id, self.now, to, text, true), Err(Errno::InProgress));
        id
    }

    /// A SYN with four octets of text and a good cookie, forged in the name of A; how much of it is acknowledged.
    fn forge_fast(&mut self, port: u16) -> u32 {
        let client = self.end(0, port);
        let cookie = self.hosts[1].fast_open_cookie(client.address, self.now);
        let area = [&[34, 10], cookie.octets(), &[0, 0]].concat();
        let syn = Segment {
            seq: SeqNumber::new(0),
            ack: SeqNumber::new(0),
            flags: Flags::SYN,
            window: WireWindow(1000),
            urgent: 0,
            len: 4,
            options: TcpOptions::from_octets(&area).expect("short enough"),
        };
        let destination = self.end(1, PORT);
        self.hosts[1].on_packet(self.now, client, destination, &Payload::Tcp { segment: syn, text: b"text".to_vec() });
        self.hosts[1].poll_packet(self.now).map_or(0, |answer| answer.segment().expect("a segment").ack.get())
    }

    /// What is in the cache of A leaves as an option of its next SYN.
    fn next_syn(&mut self) -> String {
        self.connect_fast(b"text");
        let now = self.now;
        let syn = self.hosts[0].poll_packet(now).expect("a SYN");
        format!("{} {}", syn.segment().expect("a segment"), syn.segment().expect("a segment").options)
            .replace("mss 1460", "")
            .split_once("<LEN")
            .map_or("no text".to_owned(), |(_, rest)| rest.to_owned())
    }
}

#[test]
fn a_cookie_is_asked_for_once_and_shown_ever_after() {
    // R7413-3, R7413-8.
    let mut net = Net::new();
    let listener = net.listen_fast(5);
    net.connect_fast(b"first");
    net.settle();
    let first = net.hosts[1].accept(listener).expect("it has arrived");
    assert_eq!(net.hosts[1].recv(first, net.now, 100), Ok(b"first".to_vec()));
    assert_eq!(net.seen[0].split_once("<CTL").map(|(_, rest)| rest), Some("=SYN>"));
    net.seen.clear();

    net.connect_fast(b"second");
    let syn = net.hosts[0].poll_packet(net.now).expect("a SYN");
    assert_eq!(syn.segment().expect("a segment").len, 6);
    net.hosts[1].on_packet(net.now, syn.source, syn.destination, &syn.payload);
    // Before the handshake is done the application has the connection and its text.
    let second = net.hosts[1].accept(listener).expect("opened early");
    assert_eq!(net.hosts[1].state(second), State::SynReceived);
    assert_eq!(net.hosts[1].recv(second, net.now, 100), Ok(b"second".to_vec()));
    net.settle();
    assert_eq!(net.hosts[1].state(second), State::Established);
    assert_eq!(net.hosts[1].accept(listener), Err(Errno::Again), "once");
}

#[test]
fn a_listener_takes_no_notice_of_cookies_unless_it_is_told_to() {
    // R7413-6.
    let mut net = Net::new();
    let listener = net.listen(5);
    let cookie = net.hosts[1].fast_open_cookie(net.hosts[0].address(), net.now);
    let server = net.hosts[1].address();
    net.hosts[0].remember_cookie(server, cookie, 1460);
    net.connect_fast(b"text");
    let syn = net.hosts[0].poll_packet(net.now).expect("a SYN");
    net.hosts[1].on_packet(net.now, syn.source, syn.destination, &syn.payload);
    assert_eq!(net.hosts[1].accept(listener), Err(Errno::Again));
    let syn_ack = net.hosts[1].poll_packet(net.now).expect("a SYN,ACK").segment().copied().expect("a segment");
    assert_eq!((syn_ack.ack.get(), syn_ack.options.fast_open()), (syn.segment().expect("a segment").seq.plus(1).get(), None));
}

#[test]
fn text_rides_beside_a_cookie_only_for_who_asks_for_it() {
    // R7413-16: a server may read it twice, and not every application can bear that.
    let mut net = Net::new();
    net.listen_fast(5);
    let cookie = net.hosts[1].fast_open_cookie(net.hosts[0].address(), net.now);
    let server = net.hosts[1].address();
    net.hosts[0].remember_cookie(server, cookie, 1460);
    let id = net.connect(0);
    net.hosts[0].send(id, net.now, b"text", false).expect("queued");
    let syn = net.hosts[0].poll_packet(net.now).expect("a SYN").segment().copied().expect("a segment");
    assert_eq!((syn.len, syn.options.fast_open()), (0, None));
}

#[test]
fn above_the_limit_a_fast_open_is_a_syn_like_any_other() {
    // R7413-7.
    let mut net = Net::new();
    let listener = net.listen_fast(1);
    assert_eq!((net.forge_fast(1), net.forge_fast(2)), (5, 1));
    let iss = net.hosts[1].accept(listener).map(|first| net.hosts[1].inspect(first).expect("accepted").variables.iss);
    assert_eq!(net.hosts[1].accept(listener), Err(Errno::Again), "the second has still to end its handshake");
    // The first handshake ends, and there is room for another.
    let iss = iss.expect("opened early").expect("numbered").get();
    net.forged(1, net.end(0, 1), PORT, 5, Some(iss.wrapping_add(1)), Flags::ACK);
    assert_eq!(net.forge_fast(3), 5);
}

#[test]
fn a_fast_open_that_ends_before_its_handshake_makes_room_again() {
    let mut net = Net::new();
    let listener = net.listen_fast(1);
    for port in [9, 10] {
        assert_eq!(net.forge_fast(port), 5);
        let child = net.hosts[1].accept(listener).expect("opened early");
        net.forged(1, net.end(0, port), PORT, 5, None, Flags::RST);
        assert_eq!(net.hosts[1].state(child), State::Closed);
        assert_eq!(net.hosts[1].recv(child, net.now, 10), Ok(b"text".to_vec()));
        assert_eq!(net.hosts[1].recv(child, net.now, 10), Err(Errno::ConnectionReset));
        net.hosts[1].close(child, net.now).expect("held");
        while net.hosts[1].poll_packet(net.now).is_some() {}
    }
}

#[test]
fn cookies_are_of_one_client_and_expire() {
    // R7413-2.
    let (a, b) = (host(1), host_with(2, &[("fast-open-cookie-life", "1h")]));
    let at = |hours: u64| Instant::START + Duration::from_hours(hours);
    assert_ne!(b.fast_open_cookie(a.address(), at(0)), b.fast_open_cookie(address(3, false), at(0)));
    assert_ne!(b.fast_open_cookie(a.address(), at(0)), host(3).fast_open_cookie(a.address(), at(0)));
    for (hours, acknowledged) in [(0, 5), (1, 5), (2, 1)] {
        let mut net = Net::of(host(1), b.clone());
        net.listen_fast(5);
        let cookie = net.hosts[1].fast_open_cookie(net.hosts[0].address(), net.now);
        let server = net.hosts[1].address();
        net.hosts[0].remember_cookie(server, cookie, 1460);
        net.now = at(hours);
        net.connect_fast(b"text");
        let syn = net.hosts[0].poll_packet(net.now).expect("a SYN");
        net.hosts[1].on_packet(net.now, syn.source, syn.destination, &syn.payload);
        let answer = net.hosts[1].poll_packet(net.now).expect("a SYN,ACK").segment().copied().expect("a segment");
        assert_eq!(answer.ack.since(syn.segment().expect("a segment").seq.crossed()), acknowledged, "after {hours} h");
        assert_eq!(answer.options.fast_open().is_some(), acknowledged == 1, "a new one where the old one is not taken");
    }
}

#[test]
fn a_server_that_did_not_answer_is_spared_for_a_while() {
    // R7413-4, R7413-5.
    let mut net = Net::of(host_with(1, &[("fast-open-pause", "10min")]), host(2));
    net.listen_fast(5);
    let cookie = net.hosts[1].fast_open_cookie(net.hosts[0].address(), net.now);
    let server = net.hosts[1].address();
    net.hosts[0].remember_cookie(server, cookie, 1460);
    net.connect_fast(b"text");
    assert!(net.hosts[0].poll_packet(net.now).is_some(), "and it is lost");
    net.wait(Duration::from_secs(2));
    assert_eq!(net.next_syn(), "no text");
    net.wait(Duration::from_mins(9));
    assert_eq!(net.next_syn(), "no text");
    net.wait(Duration::from_mins(2));
    assert!(net.next_syn().contains("FO "), "the cookie is still known");
}
