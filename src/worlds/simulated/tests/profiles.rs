//! What calls return after a reset: sockets of different systems say it differently.

use super::*;

const FROM: u16 = 5000;

fn net_of(profile: &str) -> Net {
    let host = |last: u8| Host::new(address(last, false), 1500, Arc::new(Profile::named(profile).expect("a profile")), u64::from(last));
    Net::of(host(1), host(2))
}

impl Net {
    /// RST at exactly RCV.NXT of a socket of B, in the name of A; or of A, in the name of B.
    fn reset(&mut self, host: usize, id: SocketId) {
        let expected = self.hosts[host].inspect(id).and_then(|seen| seen.variables.rcv_nxt).expect("synchronized").get();
        let (source, port) = if host == 0 { (self.end(1, PORT), FROM) } else { (self.end(0, FROM), PORT) };
        self.forged(host, source, port, expected, None, Flags::RST);
    }
}

#[test]
fn a_reset_in_close_wait_breaks_the_pipe_on_linux() {
    for (profile, errno) in [("rfc9293", Errno::ConnectionReset), ("freebsd", Errno::ConnectionReset), ("linux", Errno::BrokenPipe)] {
        let mut net = net_of(profile);
        let listener = net.listen(5);
        let a = net.connect(FROM);
        net.settle();
        let b = net.hosts[1].accept(listener).expect("it has arrived");
        net.hosts[0].shutdown(a, net.now, How::Write).expect("open");
        net.settle();
        assert_eq!(net.hosts[1].state(b), State::CloseWait);
        net.reset(1, b);
        assert_eq!(net.hosts[1].state(b), State::Closed);
        assert_eq!(net.hosts[1].recv(b, net.now, 1), Err(errno), "{profile}");
    }
}

#[test]
fn a_reset_in_established_is_a_reset_everywhere() {
    for profile in Profile::NAMES {
        let mut net = net_of(profile);
        let listener = net.listen(5);
        net.connect(FROM);
        net.settle();
        let b = net.hosts[1].accept(listener).expect("it has arrived");
        net.reset(1, b);
        assert_eq!(net.hosts[1].recv(b, net.now, 1), Err(Errno::ConnectionReset), "{profile}");
    }
}

#[test]
fn a_reset_of_a_crossed_open_refuses_it_except_on_linux() {
    for (profile, errno) in
        [("rfc9293", Errno::ConnectionRefused), ("freebsd", Errno::ConnectionRefused), ("linux", Errno::ConnectionReset)]
    {
        let mut net = net_of(profile);
        let a = net.connect(FROM);
        let peer = net.end(1, PORT);
        while net.hosts[0].poll_packet(net.now).is_some() {}
        net.forged(0, peer, FROM, 300, None, Flags::SYN);
        assert_eq!(net.hosts[0].state(a), State::SynReceived);
        net.reset(0, a);
        assert_eq!(net.hosts[0].connect_result(a), Err(errno), "{profile}");
    }
}
