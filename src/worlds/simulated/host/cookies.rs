//! SYN cookies: a connection's beginning coded into the ISS, so that nothing need be kept of it.
//!
//! The layout is that of RFC 4987 appendix A: a slow counter, an index of MSS, a keyed hash of the ends.
//! What a SYN offered beyond its MSS rides in the timestamp, as Linux has it.

use std::hash::Hasher;
use std::net::IpAddr;
use std::sync::Arc;

use siphasher::sip::SipHasher13;

use super::{Host, SocketId};
use crate::engine::options::Offers;
use crate::engine::profile::SynCookies;
use crate::engine::seq::Ours;
use crate::engine::{Connection, Cookie, Flags, Instant, Segment, SeqNumber, TcpOptions};
use crate::trace::End;

/// What three bits can say of an MSS, in octets, rounded down: the least Linux takes, the defaults of both
/// families, tunnels, Ethernet, jumbo frames. A smaller one than the first is taken as the first.
const MSS: [u16; 8] = [88, 536, 1220, 1300, 1400, 1440, 1460, 8960];
/// The counter advances so often, in seconds; five bits of it stand in the cookie.
const TICK: u64 = 64;
/// Ticks a cookie stays good for beyond the one it was made in: 64 to 128 s, longer than any client waits.
const GOOD_FOR: u32 = 1;
/// The bits of TSval that a cookie takes: four of window scale, one of SACK.
const IN_TIMESTAMP: u32 = 0x3f;
/// As window scale: none was offered.
const NO_SCALE: u32 = 0xf;
const SACK: u32 = 0x10;

impl Host {
    /// R4987-5: answers a SYN and keeps nothing. There is no timer, so the SYN,ACK is never sent again.
    pub(super) fn answer_by_cookie(&mut self, id: SocketId, now: Instant, source: End, destination: End, segment: &Segment) {
        let offers = segment.options.offers();
        let mut open = self.open_parameters(id, Some(source), now, 0);
        open.iss = self.cookie(now, source, destination, segment.seq.get(), offers.mss.unwrap_or(open.default_mss));
        let mut syn = *segment;
        // ECN is declined: no bit of the cookie remembers it.
        syn.flags = syn.flags.without(Flags::ECE | Flags::CWR | Flags::AE);
        syn.len = 0;
        if offers.timestamps.is_some() && self.profile.timestamps {
            open.ts_offset = offset_for(&offers, now, open.ts_offset);
        } else {
            // Without a timestamp to carry it, nothing but the MSS can be agreed.
            syn.options = offers.mss.and_then(mss_alone).unwrap_or(TcpOptions::NONE);
        }
        let mut once = Connection::new(Arc::clone(&self.profile));
        once.reserve_options(self.room_of_signature(id, source));
        if once.on_open_passive(now, open).is_ok() {
            once.on_segment(now, &syn.crossed());
            if let Some(answer) = once.poll_segment(now) {
                self.answer(id, source, destination, answer, self.around_socket(id));
            }
        }
    }

    /// What the cookie says that this segment brings back, if it does and the cookie is ours.
    pub(super) fn returned_cookie(&self, now: Instant, source: End, destination: End, segment: &Segment) -> Option<Cookie> {
        if self.profile.syn_cookies == SynCookies::Off || !segment.has(Flags::ACK) || segment.flags.intersects(Flags::SYN | Flags::RST) {
            return None;
        }
        let (cookie, irs) = (segment.ack.get().wrapping_sub(1), segment.seq.get().wrapping_sub(1));
        let (made, index) = (cookie >> 27, (cookie >> 24) & 7);
        let age = tick(now).wrapping_sub(made) & 31;
        if age > GOOD_FOR || self.cookie_at(tick(now).wrapping_sub(age), source, destination, irs, index) != cookie {
            return None;
        }
        let mss = MSS[index as usize];
        let echoed = segment.options.get_timestamps().filter(|_| self.profile.timestamps).map(|ts| ts.ecr);
        let shift = echoed.map(|ecr| ecr & 0xf).filter(|shift| *shift != NO_SCALE).and_then(|shift| u8::try_from(shift).ok());
        Some(Cookie { mss, shift, sack: echoed.is_some_and(|ecr| ecr & SACK != 0) })
    }

    /// The third segment brought its cookie back: the connection is there, with what the cookie knew of it.
    #[expect(clippy::too_many_arguments, reason = "a packet, and what it is for")]
    pub(super) fn rebuild(
        &mut self,
        listener: SocketId,
        cookie: Cookie,
        now: Instant,
        source: End,
        destination: End,
        segment: &Segment,
        text: &[u8],
    ) -> Option<SocketId> {
        let child = self.child(listener, source, destination)?;
        let open = self.open_parameters(child, Some(source), now, segment.ack.get().wrapping_sub(1));
        let socket = self.get_mut(child).ok()?;
        socket.connection.on_open_passive(now, open).ok()?;
        let arrival = socket.connection.on_cookie(now, open, cookie, &segment.crossed());
        socket.take(&arrival, text);
        self.queue(listener, child);
        self.after_input(child);
        Some(child)
    }

    fn cookie(&self, now: Instant, source: End, destination: End, irs: u32, mss: u16) -> SeqNumber<Ours> {
        let index = (0_u32..).zip(MSS).take_while(|(_, known)| *known <= mss).last().map_or(0, |(index, _)| index);
        SeqNumber::new(self.cookie_at(tick(now), source, destination, irs, index))
    }

    fn cookie_at(&self, tick: u32, source: End, destination: End, irs: u32, index: u32) -> u32 {
        // Not the keys of the ISS: a cookie is seen by whoever asks for one.
        let mut hasher = SipHasher13::new_with_keys(!self.secret.0, self.secret.1.rotate_left(32));
        for end in [source, destination] {
            match end.address {
                IpAddr::V4(v4) => hasher.write(&v4.octets()),
                IpAddr::V6(v6) => hasher.write(&v6.octets()),
            }
            hasher.write(&end.port.to_be_bytes());
        }
        hasher.write(&irs.to_be_bytes());
        hasher.write(&tick.to_be_bytes());
        hasher.write(&index.to_be_bytes());
        #[expect(clippy::cast_possible_truncation, reason = "24 bits are all there is room for")]
        let hash = hasher.finish() as u32 & 0x00ff_ffff;
        ((tick & 31) << 27) | (index << 24) | hash
    }
}

/// The counter of cookies.
fn tick(now: Instant) -> u32 {
    u32::try_from(now.as_nanos() / 1_000_000_000 / TICK).unwrap_or(u32::MAX)
}

/// The option area that offers an MSS and nothing else.
fn mss_alone(mss: u16) -> Option<TcpOptions> {
    let [high, low] = mss.to_be_bytes();
    TcpOptions::from_octets(&[2, 4, high, low])
}

/// The offset with which TSval carries what the SYN offered, and is not ahead of the clock.
fn offset_for(offers: &Offers, now: Instant, offset: u32) -> u32 {
    #[expect(clippy::cast_possible_truncation, reason = "a timestamp clock wraps (RFC 7323 section 5.4)")]
    let millis = now.as_millis() as u32;
    let shown = offset.wrapping_add(millis);
    let scale = offers.window_scale.map_or(NO_SCALE, |shift| u32::from(shift.min(14)));
    let carried = scale | if offers.sack_permitted { SACK } else { 0 };
    let mut val = (shown & !IN_TIMESTAMP) | carried;
    if shown.wrapping_sub(val).cast_signed() < 0 {
        val = val.wrapping_sub(IN_TIMESTAMP + 1);
    }
    val.wrapping_sub(millis)
}
