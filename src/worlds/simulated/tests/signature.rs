//! Signed segments (RFC 2385), as Linux 6.18 was measured to have them.

use super::peer::Alone;
use super::*;
use crate::engine::Timestamps;
use crate::wire::{DIGEST, SIGNATURE, signature, signature_of};

const KEY: &[u8] = b"secret";

impl Alone {
    /// As `arrive`, signed with this key: behind the options that are set.
    fn signed(&mut self, flags: Flags, seq: u32, ack: u32, text: &[u8], key: &[u8]) -> Option<SocketId> {
        let options = [self.options.octets(), &[1, 1, SIGNATURE, 18], &[0; DIGEST]].concat();
        let mut segment = Segment {
            seq: SeqNumber::new(seq),
            ack: SeqNumber::new(ack),
            flags,
            window: WireWindow(u16::MAX),
            urgent: 0,
            len: u32::try_from(text.len()).expect("short"),
            options: TcpOptions::from_octets(&options).expect("there is room"),
        };
        let (peer, own) = (self.peer(), End { address: self.host.address(), port: self.own_port });
        let digest = signature(peer, own, &segment, text, key).expect("encodes");
        assert!(segment.options.fill(SIGNATURE, &digest));
        let payload = Payload::Tcp { segment, text: text.to_vec() };
        self.host.on_enveloped_packet(self.now, peer, own, &payload, self.envelope)
    }

    /// What leaves next, which must be signed rightly; its options in words, without the digest.
    fn next_signed(&mut self) -> (Segment, String) {
        let out = self.next().expect("a segment");
        let Payload::Tcp { segment, text } = &out.payload else { panic!("{out:?}") };
        let shown = signature_of(&segment.options).expect("it is signed");
        let right = signature(out.source, out.destination, segment, text, KEY).expect("encodes");
        assert_eq!(shown, right, "{segment}");
        let mut plain = *segment;
        assert!(plain.options.fill(SIGNATURE, &[0; DIGEST]));
        (*segment, plain.options.to_string().replace(&format!("kind 19 {}", "00".repeat(DIGEST)), "md5"))
    }

    fn keyed_listener(&mut self) -> SocketId {
        let listener = self.listener();
        let peer = self.peer().address;
        self.host.set_signature_key(listener, peer, None, KEY).expect("a key");
        listener
    }

    /// A connection whose segments are signed.
    fn signed_connection(&mut self) -> SocketId {
        let listener = self.keyed_listener();
        self.options = TcpOptions::NONE.mss(1460).nop().nop().sack_permitted();
        self.signed(Flags::SYN, 0, 0, b"", KEY);
        self.options = TcpOptions::NONE;
        self.iss = self.next_signed().0.seq.get();
        self.signed(Flags::ACK, 1, self.iss.wrapping_add(1), b"", KEY);
        self.host.accept(listener).expect("the handshake is done")
    }
}

#[test]
fn a_listener_hears_only_what_its_key_has_signed() {
    let mut alone = Alone::linux();
    alone.keyed_listener();
    alone.arrive(Flags::SYN, 0, 0, 0);
    assert_eq!(alone.next(), None, "not signed");
    alone.signed(Flags::SYN, 0, 0, b"", b"another");
    assert_eq!(alone.next(), None, "wrongly signed");
    alone.signed(Flags::SYN, 0, 0, b"", KEY);
    assert_eq!(alone.next_signed().0.flags, Flags::SYN | Flags::ACK);
}

#[test]
fn what_nobody_has_a_key_for_must_not_be_signed() {
    let mut alone = Alone::linux();
    alone.listener();
    alone.signed(Flags::SYN, 0, 0, b"", KEY);
    assert_eq!(alone.next(), None, "a listener without a key");
    alone.own_port += 1;
    alone.signed(Flags::ACK, 1, 77, b"", KEY);
    assert_eq!(alone.next(), None, "nobody at all: no RST either");
}

#[test]
fn linux_signs_first_and_gives_timestamps_up_for_sack() {
    let timestamps = Timestamps { val: 1, ecr: 0 };
    for (offers, answer) in [
        (TcpOptions::NONE.mss(1460).nop().nop().sack_permitted(), "nop,nop,md5,mss 1460,nop,nop,sackOK"),
        (TcpOptions::NONE.nop().nop().timestamps(timestamps), "nop,nop,md5,mss 1460,nop,nop,TS val 1000 ecr 1"),
        (TcpOptions::NONE.nop().nop().sack_permitted().timestamps(timestamps).nop().nop(), "nop,nop,md5,mss 1460,nop,nop,sackOK"),
        (TcpOptions::NONE.mss(1460).nop().window_scale(7), "nop,nop,md5,mss 1460,nop,wscale 10"),
    ] {
        let mut alone = Alone::linux();
        alone.keyed_listener();
        alone.options = offers;
        alone.signed(Flags::SYN, 0, 0, b"", KEY);
        assert_eq!(alone.next_signed().1, answer);
    }
}

#[test]
fn a_signed_syn_offers_what_there_is_room_for() {
    for (profile, options) in [
        ("linux", "nop,nop,md5,mss 1460,nop,nop,sackOK,nop,wscale 10"),
        ("rfc9293", "nop,nop,md5,mss 1460"),
        ("freebsd", "mss 1460,nop,wscale 6,sackOK,TS val 1000 ecr 0,nop,nop,md5"),
    ] {
        let mut alone = Alone::of(profile, &[], false);
        let id = alone.host.socket();
        let peer = alone.peer();
        alone.host.set_signature_key(id, peer.address, None, KEY).expect("a key");
        assert_eq!(alone.host.connect(id, alone.now, peer), Err(Errno::InProgress));
        let shown = alone.next_signed().1;
        assert!(shown.starts_with(options), "{profile}: {shown}");
    }
}

#[test]
fn a_signature_takes_twenty_octets_of_each_segment() {
    let mut alone = Alone::linux();
    let id = alone.signed_connection();
    alone.host.send(id, alone.now, &[0; 3000], false).expect("open");
    assert_eq!([(); 3].map(|()| alone.next_signed().0.len), [1440, 1440, 120]);
    assert_eq!(alone.host.max_segment(id), Ok(1460), "as Linux counts");
}

#[test]
fn beside_a_signature_there_is_room_for_two_sack_blocks() {
    let mut alone = Alone::linux();
    alone.signed_connection();
    let ack = alone.iss.wrapping_add(1);
    for seq in [11, 21, 31] {
        alone.signed(Flags::ACK, seq, ack, b"abc", KEY);
    }
    let last = std::iter::from_fn(|| alone.next().map(|out| *out.segment().expect("a segment"))).last().expect("an ACK");
    assert!(last.options.to_string().ends_with("nop,nop,sack 31:34 21:24"), "{}", last.options);
}

#[test]
fn what_is_not_signed_rightly_never_reaches_the_connection() {
    let mut alone = Alone::linux();
    let id = alone.signed_connection();
    let ack = alone.iss.wrapping_add(1);
    assert_eq!(alone.arrive(Flags::ACK | Flags::PSH, 1, ack, 3), None);
    assert_eq!(alone.arrive(Flags::RST, 1, 0, 0), None);
    alone.signed(Flags::RST, 1, 0, b"", b"another");
    assert_eq!((alone.host.state(id), alone.next()), (State::Established, None));
    alone.signed(Flags::RST, 1, 0, b"", KEY);
    assert_eq!(alone.host.state(id), State::Closed);
}

#[test]
fn a_listener_signs_the_reset_of_what_is_nobodys() {
    let mut alone = Alone::linux();
    alone.keyed_listener();
    alone.signed(Flags::ACK, 1, 77, b"", KEY);
    assert_eq!(alone.next_signed().0.to_string(), "<SEQ=77><CTL=RST>");
}

#[test]
fn a_cookie_is_signed() {
    let mut alone = Alone::of("linux", &[("syn-cookies", "always")], false);
    let listener = alone.keyed_listener();
    alone.signed(Flags::SYN, 0, 0, b"", KEY);
    let (cookie, _) = alone.next_signed();
    alone.signed(Flags::ACK, 1, cookie.seq.get().wrapping_add(1), b"", KEY);
    let id = alone.host.accept(listener).expect("the cookie came back");
    alone.host.send(id, alone.now, b"text", false).expect("open");
    assert_eq!(alone.next_signed().0.len, 4);
}

#[test]
fn an_aborted_connection_signs_its_reset() {
    let mut alone = Alone::linux();
    let id = alone.signed_connection();
    alone.host.set_option(id, alone.now, SocketOption::Linger(Some(0))).expect("held");
    alone.host.close(id, alone.now).expect("held");
    assert_eq!(alone.next_signed().0.flags, Flags::RST | Flags::ACK);
}

#[test]
fn in_time_wait_what_leaves_is_signed_and_on_linux_nothing_else_is_asked_for() {
    for (profile, answers) in [("linux", true), ("freebsd", false)] {
        let mut alone = Alone::of(profile, &[], false);
        let id = alone.signed_connection();
        let ack = alone.iss.wrapping_add(2);
        alone.host.close(id, alone.now).expect("held");
        alone.next_signed();
        alone.signed(Flags::FIN | Flags::ACK, 1, ack, b"", KEY);
        alone.next_signed();
        assert_eq!(alone.host.state(id), State::TimeWait);
        alone.now = alone.now + Duration::from_secs(1);
        alone.arrive(Flags::FIN | Flags::ACK, 1, ack, 0);
        if answers {
            assert_eq!(alone.next_signed().0.flags, Flags::ACK);
        } else {
            assert_eq!(alone.next(), None);
        }
    }
}

#[test]
fn the_key_of_the_longest_prefix_counts() {
    let mut alone = Alone::linux();
    let listener = alone.listener();
    let peer = alone.peer().address;
    let mut set = |prefix, key: &[u8]| alone.host.set_signature_key(listener, peer, Some(prefix), key);
    assert_eq!(set(0, b"all"), Ok(()));
    assert_eq!(set(24, KEY), Ok(()));
    assert_eq!(set(8, b"some"), Ok(()));
    alone.signed(Flags::SYN, 0, 0, b"", KEY);
    assert_eq!(alone.next_signed().0.flags, Flags::SYN | Flags::ACK);
}

#[test]
fn a_key_is_set_anew_and_taken_back() {
    let mut alone = Alone::linux();
    let listener = alone.listener();
    let peer = alone.peer().address;
    let mut set = |prefix, key: &[u8]| alone.host.set_signature_key(listener, peer, prefix, key);
    assert_eq!(set(None, b""), Err(Errno::NoEntry));
    assert_eq!(set(Some(33), KEY), Err(Errno::Invalid));
    assert_eq!(set(None, &[0; 81]), Err(Errno::Invalid));
    assert_eq!(set(None, b"old"), Ok(()));
    assert_eq!(set(None, KEY), Ok(()));
    assert_eq!(set(None, b""), Ok(()));
    assert!(!alone.host.signs(listener, peer));
    alone.arrive(Flags::SYN, 0, 0, 0);
    assert!(alone.next().is_some(), "without a key there is no signature to ask for");
}

#[test]
fn a_key_is_for_addresses_of_its_family() {
    let mut alone = Alone::linux();
    let id = alone.host.socket();
    alone.host.set_signature_key(id, address(2, true), Some(0), KEY).expect("a key");
    assert!(alone.host.signs(id, address(9, true)));
    assert!(!alone.host.signs(id, address(9, false)));
}
