//! Probing of the path MTU by the sender's own segments (RFC 4821), as Linux does it (`tcp_mtu_probe`).
//!
//! Segments are as long as is known to arrive. From time to time one is longer: where it is acknowledged, all are from then
//! on; where it is lost, nothing else is thought of the path. It can also begin when nothing arrives any more, as routers
//! that drop what is too long need not say so.
//!
//! Lengths are those of text and options together, which is what a packet has room for behind its fixed headers.
//!
//! Not here: what routers say (`icmp`).

use super::{CongestionState, Sender, Seq};
use crate::engine::profile::MtuProbing;
use crate::engine::tcb::{Connection, Origin};
use crate::engine::time::{Instant, nanos};

/// No probe leaves in a smaller window, in segments.
const LEAST_WINDOW: u32 = 11;
/// Time-outs for so long are a sign of a black hole, in milliseconds: `tcp_retries1` is 3, and 0.2 + 0.4 + 0.8 + 1.6 s.
const BLACK_HOLE: u64 = 3000;
/// What timestamps take of each segment.
const TIMESTAMPS: u16 = 12;

/// What is being found out of a path.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(super) struct Path {
    /// The longest that link and routers take, as far as they have said.
    most: u16,
    /// The longest that may be worth a probe.
    high: u16,
    /// The longest that is known to arrive.
    low: u16,
    /// When this range was chosen, in nanoseconds.
    since: u64,
    /// What is under way as a probe: its length, and its numbers.
    probe: Option<Probe>,
    /// The next segment is to be a probe with so much text.
    due: Option<u16>,
    /// The range has just been chosen anew: probes wait for the next ACK.
    rests: bool,
    /// The peer's largest window when lengths were last reckoned.
    largest: u32,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
struct Probe {
    size: u16,
    start: Seq,
    end: Seq,
}

/// What leaves next, where a path is probed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Next {
    /// What would leave anyway.
    Usual,
    /// Nothing: until there is room for a probe.
    Nothing,
    /// A probe, with so much text.
    Probe(u16),
}

impl Path {
    /// As long as is known to arrive, and no longer than the path takes.
    fn sync(&mut self) -> u16 {
        self.high = self.high.min(self.most);
        self.most.min(self.low)
    }
}

impl Sender {
    /// Something leaves once more: what becomes of a probe says nothing any longer.
    pub(super) fn doubt_path_probe(&mut self) {
        if let Some(path) = &mut self.path {
            path.probe = None;
        }
    }
}

impl Connection {
    /// Octets of options that each segment has.
    fn fixed_options(&self) -> u16 {
        u16::from(self.reserved) + if self.bits.timestamps() { TIMESTAMPS } else { 0 }
    }

    fn path_from(&self, now: Instant) -> Box<Path> {
        Box::new(Path {
            most: self.send_mss,
            high: self.snd.mss.min(self.send_mss),
            low: self.profile.mtu_probe_base.saturating_add(self.fixed_options()),
            since: now.as_nanos(),
            probe: None,
            due: None,
            rests: false,
            largest: self.snd.max_wnd,
        })
    }

    /// The connection is open: its path is probed, where the profile wants that from the beginning.
    #[cold]
    pub(in crate::engine) fn begin_path_probing(&mut self, now: Instant) {
        if self.profile.mtu_probing != MtuProbing::Always || !self.has_congestion_control() {
            return;
        }
        if self.sender.is_none() {
            self.begin_congestion_control(now);
        }
        let path = self.path_from(now);
        if let Some(sender) = &mut self.sender {
            sender.path = Some(path);
        }
        // Who has opened passively sends full segments until lengths are reckoned again; who has opened actively reckons
        // with the options it has offered.
        if self.origin == Origin::Active {
            let offered = if self.profile.timestamps { TIMESTAMPS } else { 0 };
            self.send_mss = self.send_mss.min(self.profile.mtu_probe_base.saturating_add(offered));
        }
    }

    /// Another time-out: if nothing has arrived for long, segments may be too long for the path (`tcp_mtu_probing`).
    #[cold]
    pub(super) fn suspect_black_hole(&mut self, sender: &mut Sender, now: Instant) {
        let since = self.timestamps_now(now).val.wrapping_sub(self.timestamps_now(Instant::from_nanos(sender.resent_at)).val);
        if self.profile.mtu_probing == MtuProbing::Off || sender.timeouts == 0 || u64::from(since) < BLACK_HOLE {
            return;
        }
        let fixed = self.fixed_options();
        let (base, floor, least) = (self.profile.mtu_probe_base, self.profile.mtu_probe_floor, self.profile.min_mss);
        match &mut sender.path {
            None => sender.path = Some(self.path_from(now)),
            Some(path) => {
                let half = path.low.min(self.snd.mss).saturating_sub(fixed) / 2;
                path.low = half.min(base).max(floor).max(least).saturating_add(fixed);
            }
        }
        self.sync_path(sender);
    }

    /// Segments are as long as is known to arrive (`tcp_sync_mss`).
    fn sync_path(&mut self, sender: &mut Sender) {
        if let Some(path) = &mut sender.path {
            self.send_mss = path.sync();
        }
    }

    /// A router says that no more than `most` octets arrive; `true` where that is for probing to judge.
    #[cold]
    pub(in crate::engine) fn bound_path(&mut self, most: u16) -> bool {
        let Some(path) = self.sender.as_mut().and_then(|sender| sender.path.as_mut()) else { return false };
        path.most = path.most.min(most);
        self.send_mss = path.sync();
        true
    }

    /// An ACK was taken: a larger window lets lengths be reckoned again.
    #[cold]
    pub(super) fn heed_window_of_path(&mut self, sender: &mut Sender) {
        let largest = self.snd.max_wnd;
        let Some(path) = &mut sender.path else { return };
        path.rests = false;
        if largest > path.largest {
            path.largest = largest;
            self.sync_path(sender);
        }
    }

    /// Text was acknowledged, and the probe with it: all segments may be that long (`tcp_mtup_probe_success`).
    #[cold]
    pub(super) fn heed_path_probe(&mut self, sender: &mut Sender) {
        let (una, headers) = (self.snd.una, u64::from(self.profile.headers));
        let packet = u64::from(self.effective_mss()) + u64::from(self.fixed_options()) + headers;
        let Some(path) = &mut sender.path else { return };
        let Some(probe) = path.probe.filter(|probe| probe.end.at_or_before(una)) else { return };
        path.low = probe.size;
        path.probe = None;
        // The window holds as many octets as before.
        let cwnd = u64::from(sender.cwnd) * packet / (u64::from(probe.size) + headers);
        sender.cwnd = u32::try_from(cwnd).unwrap_or(u32::MAX).max(1);
        sender.grown = 0;
        sender.ssthresh = sender.present_threshold();
        self.sync_path(sender);
    }

    /// Something counts as lost: if it may be the probe alone, the network is not to blame (`tcp_mtup_probe_failed`).
    #[cold]
    pub(super) fn loses_path_probe(&mut self, sender: &mut Sender, now: Instant) -> bool {
        let una = self.snd.una;
        let Some(path) = &mut sender.path else { return false };
        let Some(probe) = path.probe.filter(|probe| probe.start == una && sender.state < CongestionState::Cwr) else { return false };
        path.high = probe.size - 1;
        path.probe = None;
        sender.cwnd += 1;
        self.lose_longer(sender, self.effective_mss().into(), now);
        true
    }

    /// Whether the usual does not leave now, as a probe does, or waits for room.
    #[cold]
    pub(super) fn prefers_path_probe(&mut self, now: Instant) -> bool {
        let Some(mut sender) = self.sender.take() else { return false };
        let next = self.next_of_path(&mut sender, now);
        if let Some(path) = &mut sender.path {
            path.due = match next {
                Next::Probe(text) => Some(text),
                Next::Usual | Next::Nothing => None,
            };
        }
        self.sender = Some(sender);
        next != Next::Usual
    }

    fn next_of_path(&self, sender: &mut Sender, now: Instant) -> Next {
        let (mss, fixed) = (self.effective_mss(), self.fixed_options());
        let calm = sender.state == CongestionState::Open && sender.cwnd >= LEAST_WINDOW;
        let (in_flight, cwnd, reordering) = (sender.board.in_flight(), sender.cwnd, sender.reordering);
        let Some(path) = &mut sender.path else { return Next::Usual };
        // SACK blocks would make a length that is not the one that is tried.
        if !calm || path.probe.is_some() || path.rests || self.sack_octets() > 0 {
            return Next::Usual;
        }
        let size = u16::midpoint(path.high, path.low);
        if path.high.saturating_sub(path.low) < self.profile.mtu_probe_threshold.max(1) {
            let over = now.as_nanos().saturating_sub(path.since) >= nanos(self.profile.mtu_probe_interval);
            if over {
                path.high = self.snd.mss;
                path.low = mss + fixed;
                path.since = now.as_nanos();
                path.rests = true;
            }
            return Next::Usual;
        }
        let text = size.saturating_sub(fixed);
        // So that its loss is told by what comes behind it.
        let needed = u32::from(text).saturating_add((reordering + 1).saturating_mul(mss.into()));
        let waiting = self.snd.unsent + u32::from(self.bits.fin_due());
        if waiting < needed || self.snd.wnd < needed {
            return Next::Usual;
        }
        if self.snd.nxt.plus(needed).after(self.snd.una.plus(self.snd.wnd)) {
            return Next::Nothing;
        }
        if in_flight + 2 > cwnd {
            return Next::Nothing;
        }
        if self.record_room(self.snd.nxt) < u32::from(text) {
            return Next::Usual;
        }
        Next::Probe(text)
    }

    /// The probe that is due leaves: with how much text.
    #[cold]
    pub(in crate::engine) fn take_path_probe(&mut self) -> Option<u32> {
        let (start, fixed) = (self.snd.nxt, self.fixed_options());
        let sender = self.sender.as_mut()?;
        let path = sender.path.as_mut()?;
        let text = path.due.take()?;
        path.probe = Some(Probe { size: text + fixed, start, end: start.plus(text.into()) });
        // It takes the place of two.
        sender.cwnd -= 1;
        Some(text.into())
    }
}
