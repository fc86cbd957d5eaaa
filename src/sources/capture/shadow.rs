//! One endpoint as its packets show it: it walks the transition table, and its user is guessed from what leaves.
//!
//! A shadow knows of its endpoint what a bystander can know: which numbers left and arrived. What it cannot see, a
//! call that sends nothing, a timer, a crash, it learns when a packet tells. [`Ahead`] says which packets those are.

use crate::engine::{Event, Flags, Ours, Rule, Segment, SeqNumber, State, Table, Theirs};

mod arrival;

/// What an endpoint does after the packet at hand, which shows how it took that.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Ahead<'a> {
    /// The next segment it sends.
    pub answer: Option<&'a Segment>,
    /// That is a SYN,ACK for the SYN at hand.
    pub takes_syn: bool,
    /// A RST that can only be the answer to the segment at hand.
    pub reset: Option<&'a Segment>,
    /// Some later SYN,ACK of it: somebody listens there.
    pub listens: bool,
}

/// What an endpoint is known to be.
#[derive(Clone, Debug)]
pub(super) struct Shadow {
    table: &'static Table,
    state: State,
    /// Whether anything is known of it: a connection that was there before the capture is not.
    known: bool,
    passive: bool,
    /// It replaced one in TIME-WAIT.
    reopened: bool,
    iss: Option<SeqNumber<Ours>>,
    una: SeqNumber<Ours>,
    nxt: SeqNumber<Ours>,
    /// The largest window of its peer; all of it in doubt.
    max_wnd: u32,
    /// The number behind its FIN.
    fin: Option<SeqNumber<Ours>>,
    irs: Option<SeqNumber<Theirs>>,
    rcv_nxt: SeqNumber<Theirs>,
    /// The first number beyond its window.
    edge: SeqNumber<Theirs>,
    /// The window of its SYN, for which there was no number yet.
    syn_window: u32,
    peer_fin: bool,
    /// The number behind a FIN that came early.
    held_fin: Option<SeqNumber<Theirs>>,
    /// Text and FIN of the peer's SYN: where the text begins and ends, and whether there is a FIN.
    behind_syn: Option<(SeqNumber<Theirs>, SeqNumber<Theirs>, bool)>,
    /// Text that came early, in order and apart.
    held: Vec<(SeqNumber<Theirs>, SeqNumber<Theirs>)>,
    /// What it and its peer offered in their SYNs: window shift and timestamps; none before.
    offered: [Option<(Option<u8>, bool)>; 2],
    ts_recent: Option<u32>,
    last_ack: SeqNumber<Theirs>,
    /// The state it was thought to leave when it was reset.
    reset_in: Option<State>,
    /// The state it must have been in before the packet at hand, of which the capture shows no beginning.
    assumed: Option<State>,
}

/// The window to believe in where the handshake, and with it the shift, was not seen.
const UNKNOWN_SHIFT: u8 = 14;
/// Ranges of early text that are kept; more than any stack holds apart.
const HELD_AT_MOST: usize = 64;

impl Shadow {
    pub(super) fn new(table: &'static Table) -> Self {
        let (ours, theirs) = (SeqNumber::new(0), SeqNumber::new(0));
        Self {
            table,
            state: State::Closed,
            known: false,
            passive: false,
            reopened: false,
            iss: None,
            una: ours,
            nxt: ours,
            max_wnd: 0,
            fin: None,
            irs: None,
            rcv_nxt: theirs,
            edge: theirs,
            syn_window: u32::from(u16::MAX),
            peer_fin: false,
            held_fin: None,
            behind_syn: None,
            held: Vec::new(),
            offered: [None; 2],
            ts_recent: None,
            last_ack: theirs,
            reset_in: None,
            assumed: None,
        }
    }

    pub(super) const fn state(&self) -> State {
        self.state
    }

    /// Whether it has been part of a connection that the capture shows.
    pub(super) const fn is_known(&self) -> bool {
        self.known
    }

    /// Whether a new connection can begin here without ending another.
    pub(super) const fn is_over(&self) -> bool {
        matches!(self.state, State::Closed | State::Listen | State::TimeWait)
    }

    /// Whether this SYN would be the first of a new connection.
    pub(super) fn is_news(&self, syn: &Segment) -> bool {
        self.iss != Some(syn.seq)
    }

    /// The number behind its FIN, as its peer reads it.
    pub(super) fn fin_crossed(&self) -> Option<SeqNumber<Theirs>> {
        self.fin.map(SeqNumber::crossed)
    }

    /// The state it must have been in before the packet at hand, if that could not be known; asked for after each.
    pub(super) const fn take_assumed(&mut self) -> Option<State> {
        self.assumed.take()
    }

    /// Somebody listens there, or nobody does, as long as nothing else is known.
    pub(super) fn rest(&mut self, listens: bool) {
        if matches!(self.state, State::Closed | State::Listen) && !self.known {
            self.state = if listens { State::Listen } else { State::Closed };
        }
    }

    /// Forgets the connection, and is in this state without one.
    fn begin(&mut self, state: State) {
        *self = Self { state, known: true, ..Self::new(self.table) };
    }

    fn row(&self, name: &'static str) -> Vec<&'static Rule> {
        self.table.rules().iter().filter(|rule| rule.name == name).collect()
    }

    /// A connection that was there before the capture began is open, as far as anybody can tell.
    fn assume_open(&mut self) {
        self.begin(State::Established);
        self.assumed = Some(State::Established);
        self.max_wnd = u32::from(u16::MAX) << UNKNOWN_SHIFT;
    }

    // --- what leaves ---------------------------------------------------------------------------

    /// A segment leaves; the rows that explain the change of state, where exactly those can.
    pub(super) fn sends(&mut self, segment: &Segment, peer_fin: Option<SeqNumber<Theirs>>) -> Vec<&'static Rule> {
        if segment.has(Flags::RST) {
            return self.sends_rst(segment);
        }
        let mut rules = Vec::new();
        match (segment.has(Flags::SYN), segment.has(Flags::ACK)) {
            (true, false) => rules = self.sends_syn(segment),
            (true, true) => self.sends_syn_ack(segment),
            (false, _) => self.sends_more(segment),
        }
        if segment.has(Flags::ACK) {
            self.acknowledges(segment, peer_fin);
        }
        if segment.has(Flags::FIN) && self.fin.is_none() {
            rules.extend(self.sends_fin());
            self.fin = Some(segment.end());
        }
        self.nxt = if self.iss == Some(segment.seq) && segment.has(Flags::SYN) && self.nxt == self.una {
            segment.end()
        } else {
            self.nxt.later_of(segment.end())
        };
        rules
    }

    /// Most resets end the connection of who sends them; the others answer a segment that was not for it.
    fn sends_rst(&mut self, segment: &Segment) -> Vec<&'static Rule> {
        // An ACK that is not for our SYN is reset, and the request goes on.
        let answers = !self.state.knows_peer() || (self.state == State::SynReceived && segment.seq != self.nxt);
        if !answers {
            self.reset_in = Some(self.state);
            self.state = State::Closed;
        }
        self.known = true;
        Vec::new()
    }

    fn sends_syn(&mut self, segment: &Segment) -> Vec<&'static Rule> {
        if !self.is_news(segment) {
            return Vec::new();
        }
        let from_nothing = self.state == State::Closed;
        self.begin(State::SynSent);
        self.open(segment);
        if from_nothing { self.row("closed/open-active") } else { Vec::new() }
    }

    /// Our SYN, alone or with ACK: the numbers begin.
    fn open(&mut self, segment: &Segment) {
        self.iss = Some(segment.seq);
        (self.una, self.nxt) = (segment.seq, segment.seq);
        let offers = segment.options.offers();
        self.offered[0] = Some((offers.window_scale, offers.timestamps.is_some()));
        self.syn_window = u32::from(segment.window.0);
    }

    fn sends_syn_ack(&mut self, segment: &Segment) {
        if self.iss == Some(segment.seq) {
            return;
        }
        if self.state != State::SynReceived || self.iss.is_some() {
            // The SYN it answers was not captured.
            self.begin(State::SynReceived);
            self.assumed = Some(State::SynReceived);
            self.passive = true;
            self.irs = Some(segment.ack.minus(1));
            self.rcv_nxt = segment.ack;
        }
        self.open(segment);
        self.edge = self.rcv_nxt.plus(self.syn_window);
    }

    /// Text or an ACK: nobody sends that without a connection.
    fn sends_more(&mut self, segment: &Segment) {
        match self.state {
            State::Closed | State::Listen => {
                match self.reset_in.take() {
                    // The reset was not believed.
                    Some(state) => self.state = state,
                    None => self.assume_open(),
                }
                if self.una == self.nxt {
                    (self.una, self.nxt) = (segment.seq, segment.seq);
                }
            }
            // The SYN,ACK was not captured.
            State::SynSent if segment.has(Flags::ACK) => {
                self.state = State::Established;
                self.rcv_nxt = segment.ack;
                self.irs = Some(segment.ack.minus(1));
                self.una = self.una.later_of(segment.seq);
            }
            State::SynSent
            | State::SynReceived
            | State::Established
            | State::FinWait1
            | State::FinWait2
            | State::CloseWait
            | State::Closing
            | State::LastAck
            | State::TimeWait => {}
        }
    }

    /// It says what it has received, and how much more it takes.
    fn acknowledges(&mut self, segment: &Segment, peer_fin: Option<SeqNumber<Theirs>>) {
        if self.irs.is_none() && !self.is_numbered() {
            self.rcv_nxt = segment.ack;
            self.edge = segment.ack;
        }
        if self.rcv_nxt.before(segment.ack) {
            // It has more than the capture shows arriving.
            self.rcv_nxt = segment.ack;
            let fin = peer_fin.or(self.held_fin).filter(|fin| fin.at_or_before(segment.ack));
            if fin.is_some() && !self.peer_fin {
                self.peer_fin = true;
                self.walk(Event::Fin, &Ahead::default());
            }
        }
        self.last_ack = segment.ack;
        let shift = if segment.has(Flags::SYN) { 0 } else { self.own_shift() };
        self.edge = self.edge.later_of(segment.ack.plus(segment.window.scaled(shift)));
    }

    /// Whether it is known which numbers the peer uses.
    fn is_numbered(&self) -> bool {
        self.edge.get() != 0 || self.rcv_nxt.get() != 0
    }

    /// CLOSE, or SHUTDOWN, was called; now at the latest.
    fn sends_fin(&mut self) -> Vec<&'static Rule> {
        match self.state {
            State::SynReceived | State::Established => self.walk(Event::Close, &Ahead::default()),
            State::CloseWait => self.walk(Event::FinSent, &Ahead::default()),
            State::Closed
            | State::Listen
            | State::SynSent
            | State::FinWait1
            | State::FinWait2
            | State::Closing
            | State::LastAck
            | State::TimeWait => Vec::new(),
        }
    }

    /// The shift of the windows it sends.
    fn own_shift(&self) -> u8 {
        match self.offered {
            [Some((own, _)), Some((peer, _))] => own.filter(|_| peer.is_some()).unwrap_or(0).min(14),
            _ => UNKNOWN_SHIFT,
        }
    }

    /// The shift of the windows its peer sends.
    fn peer_shift(&self) -> u8 {
        match self.offered {
            [Some((own, _)), Some((peer, _))] => peer.filter(|_| own.is_some()).unwrap_or(0).min(14),
            _ => UNKNOWN_SHIFT,
        }
    }

    fn uses_timestamps(&self) -> bool {
        matches!(self.offered, [Some((_, true)), Some((_, true))])
    }
}
