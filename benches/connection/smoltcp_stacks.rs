//! smoltcp at its best: sockets, buffers and packets are reused, checksums are on as they are by default.
//!
//! Its interfaces speak plain IP, so no ARP is in the way, and one is polled only when there is something
//! for it to do. A client's socket is connected anew while it is in TIME-WAIT, which smoltcp allows:
//! nobody has to wait for the end of it.

use std::collections::VecDeque;
use std::hint::black_box;
use std::ops::Range;

use smoltcp::iface::{Config, Interface, SocketHandle, SocketSet};
use smoltcp::phy::{Device, DeviceCapabilities, Medium, RxToken, TxToken};
use smoltcp::socket::tcp::{Socket, SocketBuffer, State};
use smoltcp::time::{Duration, Instant};
use smoltcp::wire::{HardwareAddress, IpAddress, IpCidr};

use super::{ANSWER, DELAY, REQUEST, Side, World};

/// Octets of each socket's two buffers.
const BUFFER: usize = 2048;
const PORT: u16 = 7007;
const CLIENT: IpAddress = IpAddress::v4(10, 0, 0, 1);
const SERVER: IpAddress = IpAddress::v4(10, 0, 0, 2);

/// Two stacks, with one socket per place on both sides.
pub(crate) struct Stacks {
    now: Instant,
    client: Stack,
    server: Stack,
    /// The applications' own buffer.
    read: [u8; ANSWER.len()],
    next_port: u16,
    carried: u64,
}

struct Stack {
    interface: Interface,
    sockets: SocketSet<'static>,
    handles: Vec<SocketHandle>,
    device: Queues,
}

impl Stacks {
    pub(crate) fn new(places: usize) -> Self {
        let mut server = Stack::new(SERVER, places);
        for place in 0..places {
            server.socket(place).listen(PORT).expect("closed");
        }
        let client = Stack::new(CLIENT, places);
        Self { now: Instant::ZERO, client, server, read: [0; ANSWER.len()], next_port: 49_152, carried: 0 }
    }
}

impl World for Stacks {
    fn connect(&mut self, place: usize) {
        self.next_port = self.next_port.checked_add(1).unwrap_or(49_152);
        let Stack { interface, sockets, handles, .. } = &mut self.client;
        let socket = sockets.get_mut::<Socket>(handles[place]);
        socket.connect(interface.context(), (SERVER, PORT), self.next_port).expect("not open");
    }

    fn request(&mut self, place: usize) {
        assert_eq!(self.client.socket(place).send_slice(&REQUEST), Ok(REQUEST.len()));
    }

    fn answer(&mut self, place: usize) {
        let socket = self.server.sockets.get_mut::<Socket>(self.server.handles[place]);
        assert_eq!(socket.recv_slice(&mut self.read), Ok(REQUEST.len()));
        assert_eq!(socket.send_slice(&ANSWER), Ok(ANSWER.len()));
    }

    fn close(&mut self, place: usize) {
        let socket = self.client.sockets.get_mut::<Socket>(self.client.handles[place]);
        assert_eq!(socket.recv_slice(&mut self.read), Ok(ANSWER.len()));
        socket.close();
    }

    fn close_back(&mut self, place: usize) {
        let socket = self.server.socket(place);
        assert_eq!(socket.state(), State::CloseWait);
        socket.close();
    }

    fn settle(&mut self, first: Side) {
        let mut speaks = first;
        loop {
            let (this, other, next) = match speaks {
                Side::Client => (&mut self.client, &mut self.server, Side::Server),
                Side::Server => (&mut self.server, &mut self.client, Side::Client),
            };
            this.poll(self.now);
            self.carried += this.device.sent.len() as u64;
            this.device.carry_to(&mut other.device);
            if other.device.arrived.is_empty() {
                return;
            }
            self.now += DELAY.into();
            speaks = next;
        }
    }

    fn rest(&mut self) {
        self.now += Duration::from_secs(1);
        self.settle(Side::Client);
    }

    fn bury(&mut self, places: Range<usize>) {
        black_box(&self.read);
        for place in places {
            assert_eq!(self.client.socket(place).state(), State::TimeWait);
            let socket = self.server.socket(place);
            assert_eq!(socket.state(), State::Closed);
            socket.listen(PORT).expect("closed");
        }
    }

    fn carried(&self) -> u64 {
        self.carried
    }
}

impl Stack {
    fn new(address: IpAddress, places: usize) -> Self {
        let mut device = Queues::default();
        let mut interface = Interface::new(Config::new(HardwareAddress::Ip), &mut device, Instant::ZERO);
        interface.update_ip_addrs(|addresses| addresses.push(IpCidr::new(address, 24)).expect("room for one"));
        let mut sockets = SocketSet::new(Vec::with_capacity(places));
        let buffer = || SocketBuffer::new(vec![0; BUFFER]);
        let handles = (0..places).map(|_| sockets.add(Socket::new(buffer(), buffer()))).collect();
        Self { interface, sockets, handles, device }
    }

    /// Does what is to be done now, and asks when the next timer is due, as the other worlds do in each turn:
    /// an owner cannot know that nothing will get lost.
    fn poll(&mut self, now: Instant) {
        self.interface.poll(now, &mut self.device, &mut self.sockets);
        while self.interface.poll_at(now, &self.sockets).is_some_and(|deadline| deadline <= now) {
            self.interface.poll(now, &mut self.device, &mut self.sockets);
        }
    }

    fn socket(&mut self, place: usize) -> &mut Socket<'static> {
        self.sockets.get_mut(self.handles[place])
    }
}

/// A device whose packets go round: what was read carries what is sent next.
#[derive(Default)]
struct Queues {
    arrived: VecDeque<Vec<u8>>,
    read: Vec<Vec<u8>>,
    sent: VecDeque<Vec<u8>>,
    spare: Vec<Vec<u8>>,
}

impl Queues {
    fn carry_to(&mut self, other: &mut Self) {
        other.arrived.append(&mut self.sent);
        self.spare.append(&mut self.read);
        // Who only sends would run out, and who only receives pile up.
        if self.spare.len() < other.spare.len() {
            let surplus = (other.spare.len() - self.spare.len()) / 2;
            self.spare.extend(other.spare.drain(..surplus));
        }
    }
}

impl Device for Queues {
    type RxToken<'a> = Arrived<'a>;
    type TxToken<'a> = Free<'a>;

    fn receive(&mut self, _: Instant) -> Option<(Arrived<'_>, Free<'_>)> {
        let packet = self.arrived.pop_front()?;
        Some((Arrived { packet, read: &mut self.read }, Free { spare: &mut self.spare, sent: &mut self.sent }))
    }

    fn transmit(&mut self, _: Instant) -> Option<Free<'_>> {
        Some(Free { spare: &mut self.spare, sent: &mut self.sent })
    }

    fn capabilities(&self) -> DeviceCapabilities {
        let mut capabilities = DeviceCapabilities::default();
        capabilities.medium = Medium::Ip;
        capabilities.max_transmission_unit = 1500;
        capabilities
    }
}

struct Arrived<'a> {
    packet: Vec<u8>,
    read: &'a mut Vec<Vec<u8>>,
}

impl RxToken for Arrived<'_> {
    fn consume<R, F: FnOnce(&[u8]) -> R>(self, read: F) -> R {
        let result = read(&self.packet);
        self.read.push(self.packet);
        result
    }
}

struct Free<'a> {
    spare: &'a mut Vec<Vec<u8>>,
    sent: &'a mut VecDeque<Vec<u8>>,
}

impl TxToken for Free<'_> {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, length: usize, write: F) -> R {
        // Old octets stay where they are, as in a network card's ring: smoltcp writes them all.
        let mut packet = self.spare.pop().unwrap_or_default();
        packet.resize(length, 0);
        let result = write(&mut packet);
        self.sent.push_back(packet);
        result
    }
}
