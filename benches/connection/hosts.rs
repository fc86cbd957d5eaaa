//! Two [`Host`]s: the sockets API above, packets as values between them.

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use synfin::engine::{Instant, Profile, State};
use synfin::trace::End;
use synfin::worlds::Errno;
use synfin::worlds::simulated::{Host, Outgoing, SocketId};

use super::{ANSWER, DELAY, REQUEST, Side, World};

const PORT: u16 = 7007;

/// Two hosts. Every life has sockets of its own, which are gone after it; so is its TIME-WAIT, for which
/// the time passes.
pub(crate) struct Hosts {
    now: Instant,
    client: Host,
    server: Host,
    listener: SocketId,
    /// The sockets of each place: the client's, and the server's once accepted.
    sockets: Vec<(SocketId, SocketId)>,
    under_way: Vec<Outgoing>,
    carried: u64,
}

impl Hosts {
    pub(crate) fn new(profile: &Arc<Profile>, places: usize) -> Self {
        let host = |last: u8| Host::new([10, 0, 0, last].into(), 1500, Arc::clone(profile), u64::from(last));
        let (client, mut server) = (host(1), host(2));
        let listener = server.socket();
        server.bind(listener, PORT).expect("free");
        server.listen(listener, Instant::START, u16::try_from(places).expect("few")).expect("free");
        let sockets = vec![(listener, listener); places];
        Self { now: Instant::START, client, server, listener, sockets, under_way: Vec::new(), carried: 0 }
    }
}

impl World for Hosts {
    fn connect(&mut self, place: usize) {
        let socket = self.client.socket();
        let remote = End { address: self.server.address(), port: PORT };
        assert_eq!(self.client.connect(socket, self.now, remote), Err(Errno::InProgress));
        self.sockets[place].0 = socket;
    }

    fn request(&mut self, place: usize) {
        let (socket, accepted) = &mut self.sockets[place];
        *accepted = self.server.accept(self.listener).expect("the handshake is done");
        assert_eq!(self.client.connect_result(*socket), Ok(()));
        assert_eq!(self.client.send(*socket, self.now, &REQUEST, false), Ok(100));
    }

    fn answer(&mut self, place: usize) {
        let socket = self.sockets[place].1;
        assert_eq!(self.server.recv(socket, self.now, u32::MAX).expect("arrived").len(), REQUEST.len());
        assert_eq!(self.server.send(socket, self.now, &ANSWER, false), Ok(1000));
    }

    fn close(&mut self, place: usize) {
        let socket = self.sockets[place].0;
        assert_eq!(self.client.recv(socket, self.now, u32::MAX).expect("arrived").len(), ANSWER.len());
        self.client.close(socket, self.now).expect("open");
    }

    fn close_back(&mut self, place: usize) {
        let socket = self.sockets[place].1;
        assert_eq!(self.server.recv(socket, self.now, u32::MAX).expect("end of file").len(), 0);
        self.server.close(socket, self.now).expect("open");
    }

    fn settle(&mut self, first: Side) {
        let mut speaks = first;
        loop {
            let (this, other, next) = match speaks {
                Side::Client => (&mut self.client, &mut self.server, Side::Server),
                Side::Server => (&mut self.server, &mut self.client, Side::Client),
            };
            wake(this, self.now);
            while let Some(packet) = this.poll_packet(self.now) {
                self.under_way.push(packet);
            }
            if self.under_way.is_empty() {
                return;
            }
            self.carried += self.under_way.len() as u64;
            self.now = self.now + DELAY;
            for packet in self.under_way.drain(..) {
                other.on_packet(self.now, packet.source, packet.destination, &packet.payload);
            }
            speaks = next;
        }
    }

    fn rest(&mut self) {
        self.now = self.now + Duration::from_secs(1);
        self.settle(Side::Client);
    }

    fn bury(&mut self, places: Range<usize>) {
        for (client, server) in &self.sockets[places.clone()] {
            assert_eq!(self.client.state(*client), State::TimeWait);
            assert_eq!(self.server.state(*server), State::Closed);
        }
        // 2 MSL pass in no time.
        self.now = self.client.poll_deadline().expect("2 MSL");
        wake(&mut self.client, self.now);
        assert!(self.client.poll_packet(self.now).is_none());
        for (client, _) in &self.sockets[places] {
            assert_eq!(self.client.state(*client), State::Closed);
        }
    }

    fn carried(&self) -> u64 {
        self.carried
    }
}

/// Fires what is due.
fn wake(host: &mut Host, now: Instant) {
    if host.poll_deadline().is_some_and(|deadline| deadline <= now) {
        while host.on_time(now).is_some() {}
    }
}
