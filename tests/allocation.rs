//! Once a connection exists, the engine leaves the heap alone, whatever comes; so does the wire.
//!
//! A global allocator counts what the current thread asks for. Only the calls of the library stand
//! inside [`Pair::free`]; the test's own buffers do not.
#![expect(unsafe_code, reason = "a global allocator is an unsafe trait; this one only counts and passes on")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::sync::Arc;
use std::time::Duration;

use synfin::engine::profile::CongestionControl;
use synfin::engine::{Connection, Flags, Instant, Open, Profile, Segment, SeqNumber, State, TcpOptions, Timestamps, WireWindow};
use synfin::trace::{End, Payload};
use synfin::wire::{Checksums, decode_packet, encode_packet};

struct Counting;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

thread_local! {
    // Const and without a destructor: reading it allocates nothing, at the end of a thread neither.
    static ASKED: Cell<u64> = const { Cell::new(0) };
}

fn count() {
    ASKED.with(|asked| asked.set(asked.get() + 1));
}

// SAFETY: every call goes to `System` as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: the caller's promise, passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: the caller's promise, passed on.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count();
        // SAFETY: the caller's promise, passed on.
        unsafe { System.realloc(pointer, layout, size) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // Giving back is work on the heap as well.
        count();
        // SAFETY: the caller's promise, passed on.
        unsafe { System.dealloc(pointer, layout) }
    }
}

/// How often `work` went to the heap, and what it returned.
fn counted<T>(work: impl FnOnce() -> T) -> (u64, T) {
    let before = ASKED.get();
    let result = work();
    (ASKED.get() - before, result)
}

/// Two connections and a wire of values that loses what it is told to.
struct Pair {
    now: Instant,
    ends: [Connection; 2],
    /// Visits to the heap from inside the engine.
    visits: u64,
    segments: u32,
}

const A: usize = 0;
const B: usize = 1;

impl Pair {
    fn new(profile: Profile) -> Self {
        let profile = Arc::new(profile);
        let ends = [Connection::new(Arc::clone(&profile)), Connection::new(profile)];
        Self { now: Instant::START, ends, visits: 0, segments: 0 }
    }

    /// A call of the engine, which must leave the heap alone.
    fn free<T>(&mut self, end: usize, call: impl FnOnce(&mut Connection, Instant) -> T) -> T {
        let (visits, result) = counted(|| call(&mut self.ends[end], self.now));
        self.visits += visits;
        result
    }

    /// Whatever an owner asks after an input.
    fn look(&mut self, end: usize) {
        self.free(end, |connection, _| {
            while connection.poll_signal().is_some() {}
            assert!(connection.fired().all(|rule| !rule.name.is_empty()));
            connection.poll_deadline()
        });
    }

    /// Carries segments until both are silent; those of `lossy` get lost.
    fn settle(&mut self, lossy: Option<usize>) {
        loop {
            let mut silent = true;
            for (from, to) in [(A, B), (B, A)] {
                while let Some(segment) = self.free(from, Connection::poll_segment) {
                    silent = false;
                    self.segments += 1;
                    self.free(from, |connection, _| connection.text_range(&segment));
                    if lossy != Some(from) {
                        self.free(to, |connection, now| connection.on_segment(now, &segment.crossed()));
                        self.look(to);
                    }
                }
            }
            if silent {
                return;
            }
        }
    }

    /// Lets time pass until this end's next timer, and fires it.
    fn fire(&mut self, end: usize) {
        self.now = self.free(end, |connection, _| connection.poll_deadline()).expect("a timer runs");
        self.free(end, Connection::on_time);
        self.look(end);
    }

    /// Fires whatever is due within a second, delayed ACKs above all.
    fn idle(&mut self) {
        self.now = self.now + Duration::from_secs(1);
        for end in [A, B] {
            self.free(end, Connection::on_time);
            self.look(end);
        }
        self.settle(None);
    }

    fn states(&self) -> [State; 2] {
        [self.ends[A].state(), self.ends[B].state()]
    }
}

fn open(iss: u32) -> Open {
    Open { iss: SeqNumber::new(iss), mss: 1460, send_mss: 1460, default_mss: 536, ts_offset: 0 }
}

#[test]
fn a_life_needs_no_heap_once_the_connections_exist() {
    for profile in [Profile::rfc9293(), Profile::linux()] {
        let name = profile.name;
        // What came twice is reported from a box, as what is held is: in this life text of each side does so once.
        let reports = if profile.dsack { 2 } else { 0 };
        // A scoreboard comes with the second segment under way and goes with the last: a box and its queue, of each side.
        let scoreboards = if profile.congestion_control == CongestionControl::Off { 0 } else { 2 * (2 + 2) };
        let mut pair = Pair::new(profile);
        pair.free(B, |connection, now| connection.on_open_passive(now, open(300))).expect("closed");
        pair.free(A, |connection, now| connection.on_open_active(now, open(100))).expect("closed");
        // The first SYN and the first SYN,ACK get lost.
        for (lossy, retransmits) in [(A, A), (B, B)] {
            pair.settle(Some(lossy));
            pair.fire(retransmits);
        }
        pair.settle(None);
        assert_eq!(pair.states(), [State::Established; 2], "{name}");

        // Text both ways, many segments and ACKs.
        for round in 0..200 {
            let (from, to) = if round % 2 == 0 { (A, B) } else { (B, A) };
            let sent = pair.free(from, |connection, now| connection.on_send(now, 20_000, round % 3 == 0)).expect("open");
            assert_eq!(sent, 20_000, "{name}, round {round}");
            pair.settle(None);
            pair.idle();
            pair.free(from, |connection, now| connection.on_send(now, 10, false)).expect("open");
            pair.settle(None);
            pair.idle();
            let read = pair.free(to, |connection, now| connection.on_receive(now, u32::MAX)).expect("open");
            assert_eq!(read, 20_010, "{name}, round {round}");
            pair.settle(None);
        }

        // Text that gets lost and is sent again.
        for (from, to) in [(A, B), (B, A)] {
            pair.free(from, |connection, now| connection.on_send(now, 5_000, false)).expect("open");
            for _ in 0..3 {
                pair.settle(Some(from));
                pair.fire(from);
            }
            // One segment leaves for each ACK, and each ACK may be a delayed one.
            (0..4).for_each(|_| pair.idle());
            assert_eq!(pair.free(to, |connection, now| connection.on_receive(now, u32::MAX)), Ok(5_000), "{name}");
            pair.settle(None);
        }

        // Segments nobody expects: old, from the future, a SYN, a RST beside the point.
        for (offset, flags) in [(0_u32.wrapping_sub(9_000), Flags::ACK), (5_000, Flags::ACK), (0, Flags::SYN), (9, Flags::RST)] {
            let variables = pair.ends[A].variables();
            let stray: Segment = Segment {
                seq: variables.rcv_nxt.expect("numbered").crossed().plus(offset),
                ack: variables.snd_nxt.expect("numbered").crossed(),
                flags,
                window: WireWindow(1000),
                urgent: 0,
                len: 0,
                options: TcpOptions::NONE,
            };
            pair.free(A, |connection, now| connection.on_segment(now, &stray.crossed()));
            pair.look(A);
            pair.settle(None);
        }
        assert_eq!(pair.states(), [State::Established; 2], "{name}");

        // FIN both ways, each lost once; then 2 MSL.
        pair.free(A, |connection, now| connection.on_close(now, false)).expect("open");
        pair.settle(Some(A));
        pair.fire(A);
        pair.settle(None);
        pair.idle();
        assert_eq!(pair.states(), [State::FinWait2, State::CloseWait], "{name}");
        pair.free(B, |connection, now| connection.on_close(now, false)).expect("open");
        pair.settle(Some(B));
        pair.fire(B);
        pair.settle(None);
        pair.idle();
        assert_eq!(pair.states(), [State::TimeWait, State::Closed], "{name}");
        pair.fire(A);
        assert_eq!(pair.states(), [State::Closed; 2], "{name}");

        assert!(pair.segments > 3_000, "{name}: {} segments are not many", pair.segments);
        assert_eq!(pair.visits, reports + scoreboards, "{name}: visits to the heap in {} segments", pair.segments);
    }
}

#[test]
fn an_abort_needs_no_heap() {
    let mut pair = Pair::new(Profile::linux());
    pair.free(B, |connection, now| connection.on_open_passive(now, open(300))).expect("closed");
    pair.free(A, |connection, now| connection.on_open_active(now, open(100))).expect("closed");
    pair.settle(None);
    pair.free(A, Connection::on_abort).expect("open");
    pair.settle(None);
    assert_eq!((pair.states(), pair.visits), ([State::Closed; 2], 0));
}

#[test]
fn encoding_into_a_buffer_with_room_and_decoding_need_no_heap() {
    let text = [7; 1000];
    for address in [|last| [10, 0, 0, last].into(), |last| [0xfd00, 0, 0, 0, 0, 0, 0, u16::from(last)].into()] as [fn(u8) -> _; 2] {
        let (source, destination) = (End { address: address(1), port: 49_152 }, End { address: address(2), port: 7007 });
        let segment = Segment {
            seq: SeqNumber::new(1),
            ack: SeqNumber::new(2),
            flags: Flags::PSH | Flags::ACK,
            window: WireWindow(512),
            urgent: 0,
            len: 1000,
            options: TcpOptions::NONE.nop().nop().timestamps(Timestamps { val: 1, ecr: 2 }),
        };
        let mut packet = Vec::with_capacity(1500);
        let (visits, ()) = counted(|| {
            for identification in 0..100 {
                packet.clear();
                encode_packet(source, destination, identification, &Payload::Tcp { segment, text }, &mut packet).expect("fits");
                let decoded = decode_packet(&packet, Checksums::Verify).expect("as encoded");
                assert!(decoded.payload.segment() == Some(&segment) && decoded.payload.octets() == text);
            }
        });
        assert_eq!(visits, 0, "from {source:?}");
    }
}

#[test]
fn the_counter_counts() {
    let (visits, boxed) = counted(|| Box::new(1));
    assert_eq!((visits, *boxed), (1, 1));
}
