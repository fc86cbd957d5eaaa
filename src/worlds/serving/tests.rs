//! Each service, talked to by another simulated host over a wire without delay.

use std::net::IpAddr;
use std::sync::Arc;

use super::{Server, Service};
use crate::engine::{Instant, Profile, State};
use crate::trace::End;
use crate::worlds::Errno;
use crate::worlds::simulated::{Host, Outgoing, SocketId};

const NOW: Instant = Instant::START;

/// A client, a server with this service at port 7, and the wire between them.
struct Pair {
    client: Host,
    server: Server,
}

impl Pair {
    fn serving(service: Service) -> Self {
        let host = |last: u8| Host::new(address(last), 1500, Arc::new(Profile::rfc9293()), u64::from(last));
        let mut server = Server::new(host(2));
        server.serve(NOW, 7, service).expect("a free port");
        Self { client: host(1), server }
    }

    /// Carries packets until nobody has one.
    fn settle(&mut self) {
        loop {
            if let Some(Outgoing { source, destination, payload, envelope, .. }) = self.client.poll_packet(NOW) {
                self.server.on_packet(NOW, source, destination, &payload, envelope);
                self.server.work(NOW);
            } else if let Some(Outgoing { source, destination, payload, envelope, .. }) = self.server.poll_packet(NOW) {
                self.client.on_enveloped_packet(NOW, source, destination, &payload, envelope);
            } else {
                return;
            }
        }
    }

    fn connect(&mut self) -> SocketId {
        let id = self.client.socket();
        let begun = self.client.connect(id, NOW, server_end());
        assert_eq!(begun, Err(Errno::InProgress));
        self.settle();
        id
    }

    fn say(&mut self, id: SocketId, text: &[u8]) -> Vec<u8> {
        self.client.send(id, NOW, text, false).expect("room");
        self.settle();
        self.hear(id)
    }

    fn hear(&mut self, id: SocketId) -> Vec<u8> {
        let mut heard = Vec::new();
        while let Ok(text) = self.client.recv(id, NOW, 1 << 20) {
            if text.is_empty() {
                break;
            }
            heard.extend(text);
            self.settle();
        }
        heard
    }

    fn states(&self, id: SocketId) -> [State; 2] {
        let port = self.client.ends(id).0.expect("connected");
        let accepted = self.server.host().lookup(End { address: address(1), port }, server_end()).expect("one of them");
        [self.client.state(id), self.server.state(accepted)]
    }
}

fn address(last: u8) -> IpAddr {
    IpAddr::from([192, 0, 2, last])
}

fn server_end() -> End {
    End { address: address(2), port: 7 }
}

#[test]
fn echo_sends_back_what_comes_and_closes_behind_the_client() {
    let mut pair = Pair::serving(Service::Echo);
    let id = pair.connect();
    assert_eq!(pair.say(id, b"hello"), b"hello");
    assert_eq!(pair.say(id, b" again"), b" again");
    pair.client.close(id, NOW).expect("open");
    pair.settle();
    assert_eq!(pair.client.state(id), State::TimeWait);
    assert!(pair.server.talks.is_empty());
}

#[test]
fn upper_sends_back_capital_letters() {
    let mut pair = Pair::serving(Service::Upper);
    let id = pair.connect();
    assert_eq!(pair.say(id, b"Hello, 9293"), b"HELLO, 9293");
}

#[test]
fn echo_of_more_than_any_buffer_holds_loses_nothing() {
    let mut pair = Pair::serving(Service::Echo);
    let id = pair.connect();
    let text: Vec<u8> = (0..1_000_000_u32).map(|number| (number % 251) as u8).collect();
    let (mut sent, mut heard) = (0, Vec::new());
    while heard.len() < text.len() {
        if let Ok(taken) = pair.client.send(id, NOW, &text[sent..], false) {
            sent += taken as usize;
        }
        pair.settle();
        let before = heard.len();
        heard.extend(pair.hear(id));
        assert!(heard.len() > before, "it stands still at {before} of {sent}");
    }
    assert!(heard == text);
}

#[test]
fn discard_answers_with_acknowledgments_alone() {
    let mut pair = Pair::serving(Service::Discard);
    let id = pair.connect();
    for _ in 0..100 {
        assert_eq!(pair.say(id, &[b'x'; 10_000]), b"");
    }
    assert_eq!(pair.states(id), [State::Established, State::Established]);
}

#[test]
fn chargen_fills_the_window_and_goes_on_when_it_opens() {
    let mut pair = Pair::serving(Service::Chargen);
    let id = pair.connect();
    let first = pair.client.recv(id, NOW, 1 << 20).expect("text");
    pair.settle();
    let second = pair.client.recv(id, NOW, 1 << 20).expect("more text");
    let all = [first, second].concat();
    assert_eq!(&all[..12], b" !\"#$%&'()*+");
    assert_eq!(&all[72..76], b"\r\n!\"", "the second line begins one character further");
    assert_eq!(all[95 * 74..][..72], all[..72], "after 95 lines it begins again");
    assert!(all.iter().all(|octet| (b' '..=b'~').contains(octet) || b"\r\n".contains(octet)));
}

#[test]
fn close_leaves_the_server_in_time_wait() {
    let mut pair = Pair::serving(Service::Close);
    let id = pair.connect();
    assert_eq!(pair.states(id), [State::CloseWait, State::FinWait2]);
    pair.client.close(id, NOW).expect("open");
    pair.settle();
    assert_eq!(pair.client.state(id), State::Closed);
    assert_eq!(pair.server.host().netstat().iter().map(|row| row.state).collect::<Vec<_>>(), [State::Listen, State::TimeWait]);
}

#[test]
fn reset_ends_the_connection_with_econnreset() {
    let mut pair = Pair::serving(Service::Reset);
    let id = pair.connect();
    assert_eq!(pair.client.recv(id, NOW, 100), Err(Errno::ConnectionReset));
    assert_eq!(pair.client.state(id), State::Closed);
}

#[test]
fn hold_leaves_a_closing_client_in_fin_wait_2() {
    let mut pair = Pair::serving(Service::Hold);
    let id = pair.connect();
    pair.client.shutdown(id, NOW, crate::worlds::How::Write).expect("connected");
    pair.settle();
    assert_eq!(pair.states(id), [State::FinWait2, State::CloseWait]);
}

#[test]
fn a_datagram_is_echoed_to_whom_it_came_from() {
    let mut pair = Pair::serving(Service::Upper);
    let port = pair.client.udp_bind(0).expect("a port");
    pair.client.udp_send(port, b"anybody there?", Some(server_end())).expect("it leaves");
    pair.settle();
    assert_eq!(pair.client.udp_recv(port, None).as_deref(), Ok(&b"ANYBODY THERE?"[..]));
}

#[test]
fn a_thousand_connections_are_served_and_the_next_one_waits() {
    let mut pair = Pair::serving(Service::Echo);
    let ids: Vec<SocketId> = (0..=super::MOST_TALKS).map(|_| pair.connect()).collect();
    assert_eq!(pair.server.talks.len(), super::MOST_TALKS);
    let waiting = *ids.last().expect("one");
    assert_eq!(pair.say(waiting, b"me too"), b"", "nobody has accepted it");
    pair.client.close(ids[0], NOW).expect("open");
    pair.settle();
    assert_eq!(pair.hear(waiting), b"me too", "a place has become free");
}

#[test]
fn ports_are_opened_once_and_never_port_zero() {
    let mut pair = Pair::serving(Service::Close);
    assert_eq!(pair.server.serve(NOW, 7, Service::Echo), Err(Errno::AddressInUse));
    assert_eq!(pair.server.serve(NOW, 0, Service::Echo), Err(Errno::Invalid));
}

#[test]
fn services_have_the_ports_that_are_assigned_to_them() {
    for (port, name) in [(7, "echo"), (9, "discard"), (19, "chargen"), (8080, "echo")] {
        assert_eq!(Some(Service::of_port(port)), Service::named(name), "port {port}");
    }
    assert_eq!(Service::named("telnet"), None);
}
