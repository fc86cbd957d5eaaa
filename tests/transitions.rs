//! Every core row of `rfc/transitions.csv`, on a connection that walked to its state.
//!
//! States are reached by calls and segments, never by writing fields. Where the table lists a
//! combination as one transition (a FIN that also acknowledges ours), the walk's net effect counts.

mod common {
    pub(crate) mod csv;
}

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use common::csv::csv;
use synfin::engine::{Connection, Flags, Instant, Open, Profile, Segment, SeqNumber, State, TcpOptions, Theirs, WireWindow};

/// Our ISS and theirs; numbers below count from these.
const ISS: u32 = 100;
const IRS: u32 = 300;

fn open() -> Open {
    Open { iss: SeqNumber::new(ISS), mss: 1460, send_mss: 1460, default_mss: 536, ts_offset: 0 }
}

/// A connection and the time; the peer is whoever writes the segments.
struct Walk {
    connection: Connection,
    now: Instant,
}

impl Walk {
    fn new() -> Self {
        Self { connection: Connection::new(Arc::new(Profile::rfc9293())), now: Instant::START }
    }

    /// A segment from the peer, numbered relative to both ISSs.
    fn hear(&mut self, flags: Flags, seq: u32, ack: u32) -> &mut Self {
        let segment: Segment<Theirs> = Segment {
            seq: SeqNumber::new(IRS + seq),
            ack: SeqNumber::new(if flags.contains(Flags::ACK) { ISS + ack } else { 0 }),
            flags,
            window: WireWindow(65_535),
            urgent: 0,
            len: 0,
            options: TcpOptions::NONE,
        };
        self.connection.on_segment(self.now, &segment);
        self
    }

    /// Lets everything leave that wants to.
    fn send_all(&mut self) -> Vec<Segment> {
        std::iter::from_fn(|| self.connection.poll_segment(self.now)).collect()
    }

    fn close(&mut self) -> &mut Self {
        self.connection.on_close(self.now, false).expect("open");
        self.send_all();
        self
    }

    /// Time passes until the state changes or no timer runs.
    fn wait(&mut self) {
        let state = self.connection.state();
        while let Some(deadline) = self.connection.poll_deadline().filter(|_| self.connection.state() == state) {
            self.now = deadline;
            self.connection.on_time(self.now);
            if self.connection.state() == state {
                self.send_all();
            }
        }
    }

    /// The shortest way to a state; `passive` says how the connection begins where both are possible.
    fn to(state: State, passive: bool) -> Self {
        let mut walk = Self::new();
        let now = walk.now;
        let (syn, ack, fin) = (Flags::SYN, Flags::ACK, Flags::FIN);
        match state {
            State::Closed => {}
            State::Listen => walk.connection.on_open_passive(now, open()).expect("CLOSED"),
            State::SynSent => {
                walk.connection.on_open_active(now, open()).expect("CLOSED");
                walk.send_all();
            }
            State::SynReceived => {
                walk = Self::to(if passive { State::Listen } else { State::SynSent }, passive);
                walk.hear(syn, 0, 0).send_all();
            }
            State::Established => {
                walk = Self::to(State::SynSent, false);
                walk.hear(syn | ack, 0, 1).send_all();
            }
            State::FinWait1 => {
                walk = Self::to(State::Established, false);
                walk.close();
            }
            State::FinWait2 => {
                walk = Self::to(State::FinWait1, false);
                walk.hear(ack, 1, 2).send_all();
            }
            State::CloseWait => {
                walk = Self::to(State::Established, false);
                walk.hear(fin | ack, 1, 1).send_all();
            }
            State::Closing => {
                walk = Self::to(State::FinWait1, false);
                walk.hear(fin | ack, 1, 1).send_all();
            }
            State::LastAck => {
                walk = Self::to(State::CloseWait, false);
                walk.close();
            }
            State::TimeWait => {
                walk = Self::to(State::FinWait2, false);
                walk.hear(fin | ack, 1, 2).send_all();
            }
        }
        assert_eq!(walk.connection.state(), state);
        walk
    }

    /// Number of the peer's next octet: behind its FIN, once that has come.
    fn next(&self) -> u32 {
        if self.connection.peer_has_closed() { 2 } else { 1 }
    }
}

/// Makes the event of a table row happen.
fn happen(row: &BTreeMap<String, String>, from: State) -> Walk {
    let passive = row["guard"].contains("passive origin") || !row["guard"].contains("active origin") && from == State::SynReceived;
    let mut walk = Walk::to(from, passive);
    let (syn, ack, fin, rst) = (Flags::SYN, Flags::ACK, Flags::FIN, Flags::RST);
    let (now, next) = (walk.now, walk.next());
    match (row["id"].as_str(), row["event"].as_str()) {
        (_, "call-OPEN-passive") => walk.connection.on_open_passive(now, open()).expect("allowed"),
        (_, "call-OPEN-active") => walk.connection.on_open_active(now, open()).expect("allowed"),
        (_, "call-SEND") => {
            walk.connection.on_send_from_listen(now, open(), 5).expect("allowed");
        }
        (_, "call-CLOSE") => {
            walk.close();
        }
        (_, "call-ABORT") => walk.connection.on_abort(now).expect("allowed"),
        ("T022", _) => {
            // A CLOSE behind text is queued until the handshake is done.
            walk.connection.on_send(now, 5, false).expect("queued");
            walk.connection.on_close(now, false).expect("queued");
            assert_eq!(walk.connection.state(), State::SynReceived);
            walk.hear(ack, 1, 1);
        }
        ("T014", _) => {
            walk.hear(syn | fin | ack, 0, 1);
        }
        ("T027", _) => {
            walk.hear(syn, 5, 0);
        }
        (_, "seg-SYN") => {
            walk.hear(syn, 0, 0);
        }
        (_, "seg-SYN-ACK") => {
            walk.hear(syn | ack, 0, 1);
        }
        (_, "seg-RST") if from == State::SynSent => {
            walk.hear(rst | ack, 0, 1);
        }
        (_, "seg-RST") => {
            walk.hear(rst, next, 0);
        }
        (_, "seg-ACK") => {
            let ours = if from == State::SynReceived { 1 } else { 2 };
            walk.hear(ack, next, ours);
        }
        (_, "seg-FIN") => {
            let ours = if from == State::FinWait2 { 2 } else { 1 };
            walk.hear(fin | ack, next, ours);
        }
        (_, "seg-FIN-ACK") => {
            walk.hear(fin | ack, next, 2);
        }
        (_, "timeout-user") => {
            walk.connection.set_user_timeout(Some(now + Duration::from_millis(1)));
            walk.now = now + Duration::from_millis(1);
            walk.connection.on_time(walk.now);
        }
        (_, "timeout-rexmt") => {
            if from == State::Established || from == State::CloseWait {
                walk.connection.on_send(now, 5, false).expect("room");
                walk.send_all();
            }
            walk.wait();
        }
        (_, "timeout-2msl") => walk.wait(),
        (id, event) => panic!("{id}: nothing here makes {event} happen"),
    }
    walk
}

#[test]
fn every_core_row_of_the_table_is_walked() {
    let rows = csv(include_str!("rfc/transitions.csv"));
    let core: Vec<_> = rows.iter().filter(|row| row["profile"] == "core").collect();
    assert_eq!(core.len(), 62, "the table has changed");
    for row in core {
        let id = &row["id"];
        let (from, to) = (State::named(&row["from_state"]).expect(id), State::named(&row["to_state"]).expect(id));
        let walk = happen(row, from);
        assert_eq!(walk.connection.state(), to, "{id}: {} in {from}", row["event"]);
        // The walk over rows leads from one state to the other without a gap, and its last step has a
        // section the table names too.
        let walked: Vec<_> = walk.connection.fired().filter(|rule| rule.changes_state()).collect();
        assert_eq!(walked.first().map(|rule| rule.from), Some(from), "{id}: {walked:?}");
        assert!(walked.windows(2).all(|pair| pair[0].to == pair[1].from), "{id}: {walked:?}");
        let section = |text: &str| text.split([' ', ',']).next().unwrap_or_default().to_owned();
        let named: Vec<_> = walked.iter().flat_map(|rule| rule.rfc.split(", ")).map(section).collect();
        assert!(named.iter().any(|named| row["rfc_section"].contains(named.as_str())), "{id}: {named:?} and {}", row["rfc_section"]);
    }
}

#[test]
fn every_change_of_state_in_the_rules_is_one_of_the_table() {
    let rows = csv(include_str!("rfc/transitions.csv"));
    for rule in synfin::engine::RULES.iter().filter(|rule| rule.changes_state()) {
        let known = rows.iter().any(|row| row["from_state"] == rule.from.name() && row["to_state"] == rule.to.name());
        assert!(known, "{}: {} -> {} is in no row of the table", rule.name, rule.from, rule.to);
    }
}
