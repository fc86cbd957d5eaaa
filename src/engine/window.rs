//! The window this endpoint offers: RFC 9293 section 3.8.6.2.2; Linux's and FreeBSD's ways of the same are in `linux` and `freebsd`.

use super::profile::WindowPolicy;
use super::state::State;
use super::tcb::{Connection, Origin};

impl Connection {
    /// The first window, chosen when the numbers of the peer become known.
    pub(super) fn open_window(&mut self) {
        match self.profile.window_policy {
            WindowPolicy::FreeBsd if self.origin == Origin::Active => self.rcv.wnd = self.rounded_buffer(),
            // FreeBSD's SYN cache has no buffer yet.
            WindowPolicy::Buffer | WindowPolicy::FreeBsd => self.rcv.wnd = self.profile.receive_buffer.min(u32::from(u16::MAX)),
            WindowPolicy::Linux => self.linux_open_window(),
        }
    }

    /// The window to put into a SYN, before anything is known of the peer: octets, never scaled.
    pub(super) fn syn_window(&self) -> u32 {
        let octets = match self.profile.window_policy {
            WindowPolicy::Buffer | WindowPolicy::FreeBsd => self.profile.receive_buffer,
            WindowPolicy::Linux => Self::linux_syn_window(&self.profile, self.mss),
        };
        octets.min(u32::from(u16::MAX))
    }

    /// Chooses RCV.WND for a segment that leaves now. The right edge never moves left (SHLD-14).
    #[inline]
    pub(super) fn select_window(&mut self) {
        self.rcv.wnd = match self.profile.window_policy {
            WindowPolicy::Buffer => self.buffer_window(),
            WindowPolicy::FreeBsd => self.freebsd_window(),
            WindowPolicy::Linux if self.window_is_frozen() => return,
            WindowPolicy::Linux => self.linux_select_window(),
        };
    }

    /// Whether the window stays what it is, whatever arrives: what Linux keeps of a connection that nobody holds, once its
    /// FIN is acknowledged, has no buffer.
    pub(super) fn window_is_frozen(&self) -> bool {
        let closed = matches!(self.state, State::FinWait2 | State::TimeWait) && self.bits.user_closed();
        closed && self.profile.window_policy == WindowPolicy::Linux
    }

    // R7323-8: what was offered once stays inside.
    fn buffer_window(&self) -> u32 {
        let free = self.profile.receive_buffer.saturating_sub(self.rcv.unread);
        // Most often it stands already where it can.
        if free <= self.rcv.wnd {
            return self.rcv.wnd;
        }
        // MUST-39: the right edge waits until it can move by a segment or half the buffer.
        let limit = u32::from(u16::MAX) << self.rcv.shift;
        if free - self.rcv.wnd >= self.window_step() { free.min(limit) } else { self.rcv.wnd }
    }

    fn window_step(&self) -> u32 {
        u32::from(self.mss).min(self.profile.receive_buffer / 2)
    }

    /// Whether the application has read so much that the peer should hear of the room.
    pub(super) fn window_update_due(&mut self) -> bool {
        match self.profile.window_policy {
            WindowPolicy::Buffer => {
                // Only a window that was small enough to stop the peer is worth a segment of its own.
                let free = self.profile.receive_buffer.saturating_sub(self.rcv.unread);
                self.rcv.wnd < self.window_step() && free.saturating_sub(self.rcv.wnd) >= self.window_step()
            }
            WindowPolicy::FreeBsd => self.freebsd_update_due(),
            WindowPolicy::Linux => self.linux_ack_after_read(),
        }
    }
}
