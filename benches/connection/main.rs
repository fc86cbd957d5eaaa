//! The whole life of a connection, here and in smoltcp, in one run: statistics, then ratios.
//!
//! One life is three-way handshake, a request of 100 octets, an answer of 1000, FIN from the client,
//! FIN from the server, until the client is in TIME-WAIT and the server CLOSED. [`life`] is the only
//! script, and every [`World`] plays it, so all of them send the same segments: [`SEGMENTS`] a life.
//!
//! Run `cargo bench --bench connection`; `... -- --ratios` prints the ratios alone. Ratios are medians
//! over rounds in which both sides take turns; nothing here fails for being slow.

mod engines;
mod hosts;
mod ratios;
mod smoltcp_stacks;

use std::hint::black_box;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use criterion::{BenchmarkGroup, Criterion, Throughput, measurement::WallTime};
use synfin::engine::Profile;
use synfin::engine::profile::Shift;

use engines::{Bytes, Engines, Values};
use hosts::Hosts;
use smoltcp_stacks::Stacks;

/// Octets the client asks with.
const REQUEST: [u8; 100] = [b'?'; 100];
/// Octets the server answers with.
const ANSWER: [u8; 1000] = [b'!'; 1000];
/// Segments of one life: SYN; SYN,ACK; ACK; request; answer; then FIN and its ACK, twice.
const SEGMENTS: u64 = 9;
/// How many connections are alive at once in the crowds.
const CROWD: usize = 1000;
/// How long a segment is under way, in virtual time.
const DELAY: Duration = Duration::from_micros(100);

/// Who makes the first move.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Client,
    Server,
}

/// Two ends and a wire between them, with places for a number of connections.
///
/// Every call happens at one end and sends nothing; [`settle`](World::settle) then carries segments
/// until nobody has anything to say.
trait World {
    /// The client opens the connection of this place; the server waits for it already.
    fn connect(&mut self, place: usize);
    /// The connection is open at both ends, and the client sends [`REQUEST`].
    fn request(&mut self, place: usize);
    /// The server reads it and sends [`ANSWER`].
    fn answer(&mut self, place: usize);
    /// The client reads that and closes.
    fn close(&mut self, place: usize);
    /// The server hears of it and closes as well.
    fn close_back(&mut self, place: usize);
    /// Carries segments until both ends are silent, beginning with those of `first`.
    fn settle(&mut self, first: Side);
    /// A second passes, so that nobody owes an ACK any more.
    fn rest(&mut self);
    /// Panics unless these clients are in TIME-WAIT and the servers CLOSED; makes room for the next life.
    fn bury(&mut self, places: Range<usize>);
    /// Segments carried so far.
    fn carried(&self) -> u64;
}

/// The connections of all these places live one life, in step.
fn life(world: &mut impl World, places: Range<usize>) {
    greet(world, places.clone());
    part(world, places);
}

/// The first half of a life: what is left stays ESTABLISHED.
fn greet(world: &mut impl World, places: Range<usize>) {
    places.clone().for_each(|place| world.connect(place));
    world.settle(Side::Client);
    places.clone().for_each(|place| world.request(place));
    world.settle(Side::Client);
    places.for_each(|place| world.answer(place));
    world.settle(Side::Server);
}

/// The second half.
fn part(world: &mut impl World, places: Range<usize>) {
    places.clone().for_each(|place| world.close(place));
    world.settle(Side::Client);
    places.clone().for_each(|place| world.close_back(place));
    world.settle(Side::Server);
    world.bury(places);
}

/// Which lives are measured, in a world of which size.
#[derive(Clone, Copy)]
enum Crowd {
    /// One connection, alone.
    Alone,
    /// One connection in the midst of [`CROWD`] others that are ESTABLISHED and silent.
    Among,
    /// [`CROWD`] connections in step: each of them sends before the first is answered.
    ///
    /// The kindest order for smoltcp: it looks at all its sockets once for a thousand packets that leave.
    /// Only where a packet arrives it looks for its socket, as ever.
    InStep,
}

impl Crowd {
    /// Places the world must have, and those that live.
    fn places(self) -> (usize, Range<usize>) {
        match self {
            Self::Alone => (1, 0..1),
            Self::Among => (CROWD + 1, CROWD / 2..CROWD / 2 + 1),
            Self::InStep => (CROWD, 0..CROWD),
        }
    }

    /// A function that lets the connections live once, with everything around them set up.
    fn lives<W: World>(self, build: impl FnOnce(usize) -> W) -> impl FnMut() {
        let (places, living) = self.places();
        let mut world = build(places);
        if matches!(self, Self::Among) {
            greet(&mut world, 0..places);
            world.rest();
            part(&mut world, living.clone());
        }
        let before = world.carried();
        life(&mut world, living.clone());
        assert_eq!(world.carried() - before, SEGMENTS * living.len() as u64, "this world does not do what the others do");
        move || life(black_box(&mut world), living.clone())
    }
}

/// The knobs set so that the handshake offers what smoltcp offers, and ACKs wait as long as its do.
fn profile() -> Arc<Profile> {
    let like_smoltcp = Profile { delayed_ack: Duration::from_millis(10), window_scale: Shift(Some(0)), sack: true, ..Profile::rfc9293() };
    Arc::new(like_smoltcp)
}

/// Two bare engines and a wire of values, or of bytes with checksums, against two smoltcp stacks with one
/// socket each.
fn alone(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("alone");
    measure(&mut group, Crowd::Alone, "smoltcp", Stacks::new);
    measure(&mut group, Crowd::Alone, "values", |_| Engines::<Values>::new(profile()));
    measure(&mut group, Crowd::Alone, "bytes", |_| Engines::<Bytes>::new(profile()));
    group.finish();
}

/// Two simulated hosts, which demultiplex by hash, against two smoltcp stacks: one connection lives while 1,000 others are ESTABLISHED.
fn among(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("among 1000");
    measure(&mut group, Crowd::Among, "smoltcp", Stacks::new);
    measure(&mut group, Crowd::Among, "hosts", |places| Hosts::new(&profile(), places));
    group.finish();
}

/// The same, with all 1,000 connections living their lives in step.
fn in_step(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("1000 in step");
    measure(&mut group, Crowd::InStep, "smoltcp", Stacks::new);
    measure(&mut group, Crowd::InStep, "hosts", |places| Hosts::new(&profile(), places));
    group.finish();
}

fn measure<W: World>(group: &mut BenchmarkGroup<'_, WallTime>, crowd: Crowd, name: &str, build: impl Fn(usize) -> W) {
    group.throughput(Throughput::Elements(crowd.places().1.len() as u64));
    group.bench_function(name, |bencher| bencher.iter(crowd.lives(&build)));
}

fn main() {
    let is_given = |flag: &str| std::env::args().any(|argument| argument == flag);
    if !is_given("--ratios") {
        let mut criterion = Criterion::default().configure_from_args();
        alone(&mut criterion);
        among(&mut criterion);
        in_step(&mut criterion);
        criterion.final_summary();
    }
    // `cargo test --benches` wants to know that they run, not how fast; a profiler has chosen its bench.
    if is_given("--bench") && !is_given("--profile-time") {
        ratios::print();
    }
}
