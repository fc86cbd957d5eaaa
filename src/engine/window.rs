//! The window this endpoint offers: RFC 9293 section 3.8.6.2.2, and Linux's way of the same.

use super::profile::WindowPolicy;
use super::tcb::Connection;

impl Connection {
    /// The first window, chosen when the numbers of the peer become known.
    pub(super) fn open_window(&mut self) {
        self.rcv.threshold = self.profile.receive_buffer;
        self.rcv.wnd = self.profile.receive_buffer.min(u32::from(u16::MAX));
    }

    /// The window to put into a SYN, before anything is known of the peer: octets, never scaled.
    pub(super) fn syn_window(&self) -> u32 {
        self.profile.receive_buffer.min(u32::from(u16::MAX))
    }

    /// Chooses RCV.WND for a segment that leaves now. The right edge never moves left (SHLD-14).
    pub(super) fn select_window(&mut self) {
        let free = self.profile.receive_buffer.saturating_sub(self.rcv.unread);
        let limit = u32::from(u16::MAX) << self.rcv.shift;
        self.rcv.wnd = match self.profile.window_policy {
            WindowPolicy::Buffer => {
                // MUST-39: the right edge waits until it can move by a segment or half the buffer.
                let step = u32::from(self.mss).min(self.profile.receive_buffer / 2);
                let gain = free.saturating_sub(self.rcv.wnd);
                if gain >= step { free } else { self.rcv.wnd }.min(limit)
            }
            WindowPolicy::Linux => free.min(self.rcv.threshold).max(self.rcv.wnd).min(limit),
        };
    }

    /// Whether the application has read so much that the peer should hear of the room.
    pub(super) fn window_update_due(&self) -> bool {
        let free = self.profile.receive_buffer.saturating_sub(self.rcv.unread);
        let step = u32::from(self.mss).min(self.profile.receive_buffer / 2);
        // Only a window that was small enough to stop the peer is worth a segment of its own.
        self.rcv.wnd < step && free.saturating_sub(self.rcv.wnd) >= step
    }
}

impl Connection {
    /// Text arrived: the threshold of [`WindowPolicy::Linux`] may grow.
    pub(super) fn grow_threshold(&mut self, _fresh: u32, _now: super::time::Instant) {}
}
