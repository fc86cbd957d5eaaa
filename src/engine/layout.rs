//! The option area of what leaves: which options, in which order, how aligned.

use super::options::{TcpOptions, Timestamps};
use super::profile::OptionLayout;
use super::tcb::{Connection, PeerOffers};
use super::time::Instant;

impl Connection {
    /// The option area of a SYN, or of a SYN,ACK that answers `offers`.
    pub(super) fn syn_options(&self, answering: Option<PeerOffers>, now: Instant) -> TcpOptions {
        let profile = &self.profile;
        // R7323-2, R7323-12: a SYN,ACK offers what the SYN did.
        let asked = |peer: fn(PeerOffers) -> bool| answering.is_none_or(peer);
        // MUST-14, SHLD-5, MAY-3: in every SYN; MUST-65: and nowhere else, as R2018-2 says of SACK-permitted.
        let mss = profile.mss_option.then_some(self.mss);
        let sack = profile.sack && asked(|peer| peer.sack);
        let affordable = self.affords_timestamps(answering.is_none_or(|peer| peer.sack));
        let ts = (profile.timestamps && affordable && asked(|peer| peer.timestamps)).then(|| self.timestamps_now(now));
        let shift = profile.window_scale.0.filter(|_| asked(|peer| peer.shift.is_some()));
        let mut options = TcpOptions::NONE;
        if let Some(mss) = mss {
            options.add_mss(mss);
        }
        let full = profile.full_syn_retries;
        if answering.is_none() && full > 0 && self.backoff > full {
            options.pad();
            return options;
        }
        match (profile.option_layout, sack, ts) {
            (OptionLayout::Linux, true, Some(ts)) => {
                options.add_sack_permitted();
                options.add_timestamps(ts);
                options.add_scale_behind_nop(shift);
            }
            (OptionLayout::FreeBsd, sack, ts) => add_as_freebsd(&mut options, shift, sack, ts),
            (OptionLayout::Aligned | OptionLayout::Linux, sack, ts) => {
                if sack {
                    options.add_nop();
                    options.add_nop();
                    options.add_sack_permitted();
                }
                if let Some(ts) = ts {
                    options.add_nop();
                    options.add_nop();
                    options.add_timestamps(ts);
                }
                options.add_scale_behind_nop(shift);
            }
        }
        if self.fast_open.is_some() {
            self.add_fast_open(&mut options);
        }
        options.pad();
        options
    }

    /// Whether a SYN has room for timestamps beside what is reserved; with SACK beside it, a signature leaves too little.
    // So Linux; FreeBSD lays its options closer.
    pub(super) fn affords_timestamps(&self, sack: bool) -> bool {
        self.reserved == 0 || !sack || self.profile.option_layout == OptionLayout::FreeBsd
    }

    /// The option area of a segment without SYN.
    // R7323-13: every segment has them.
    #[inline(never)]
    pub(super) fn plain_options(&mut self, now: Instant) -> TcpOptions {
        let mut options = TcpOptions::NONE;
        if self.bits.timestamps() {
            options = options.nop().nop().timestamps(self.timestamps_now(now));
        }
        // R2018-3: only where both sides permit it.
        if self.held.is_some() && self.bits.sack() {
            let repeated = self.take_repeat();
            self.add_sack_blocks(&mut options, repeated);
        }
        options
    }
}

/// FreeBSD lays each option where its numbers are aligned.
#[inline(never)]
fn add_as_freebsd(options: &mut TcpOptions, shift: Option<u8>, sack: bool, ts: Option<Timestamps>) {
    if let Some(shift) = shift {
        options.align(1, 2);
        options.add_window_scale(shift);
    }
    if sack {
        options.align(0, 2);
        options.add_sack_permitted();
    }
    if let Some(ts) = ts {
        options.align(2, 4);
        options.add_timestamps(ts);
    }
}
