//! Fast open as Linux 6.18 was measured to do it: its cookies, the experimental option, and no cookie at all.

use super::peer::Alone;
use super::*;

/// The key of measurements, and the cookie it makes for 192.0.2.1 at 192.168.0.1.
const KEY: [u8; 16] = [0xa1, 0xa1, 0xa1, 0xa1, 0xb2, 0xb2, 0xb2, 0xb2, 0xc3, 0xc3, 0xc3, 0xc3, 0xd4, 0xd4, 0xd4, 0xd4];
const COOKIE: &str = "3021b9d889017eeb";
const COOKIE_6: &str = "c1d1e9742a47a9bc";

/// A listener that opens fast, and its host, at the addresses of the measurement.
fn listening(six: bool) -> (Alone, SocketId) {
    let mut alone = Alone::of("linux", &[], six);
    let (own, peer): (IpAddr, IpAddr) = if six {
        ("fd3d:a0b:17d6::1".parse().expect("an address"), "fd3d:fa7b:d17d::1".parse().expect("an address"))
    } else {
        ([192, 168, 0, 1].into(), [192, 0, 2, 1].into())
    };
    alone.host = Host::new(own, 1500, Arc::new(Profile::named("linux").expect("a profile")), 1);
    alone.peer_address = Some(peer);
    alone.host.set_fast_open_keys(vec![KEY]);
    let listener = alone.listener();
    alone.host.allow_fast_open(listener, 5).expect("held");
    (alone, listener)
}

/// What a SYN with this option and so much text is answered with: how much is acknowledged, and the option.
fn answered(alone: &mut Alone, option: &str, len: u32) -> (u32, String) {
    alone.port += 1;
    let options = format!("mss 1460,nop,nop,sackOK,{option}");
    alone.options = TcpOptions::spelled(options.trim_end_matches(',')).expect("options").padded();
    alone.arrive(Flags::SYN, 0, 0, len);
    let out = alone.next().expect("a SYN,ACK");
    let segment = out.segment().expect("a segment");
    let option = segment.options.to_string();
    let option = option.strip_prefix("mss 1460,nop,nop,sackOK").expect("those come first");
    (segment.ack.get(), option.trim_start_matches(',').to_owned())
}

#[test]
fn a_cookie_is_the_one_linux_makes() {
    for (six, cookie) in [(false, COOKIE), (true, COOKIE_6)] {
        let (mut alone, _) = listening(six);
        alone.arrive(Flags::SYN, 0, 0, 0);
        assert!(alone.next().is_some(), "nobody asked");
        alone.port += 1;
        alone.options = TcpOptions::spelled("FO,nop,nop").expect("options");
        alone.arrive(Flags::SYN, 0, 0, 0);
        let shown = alone.next().expect("a SYN,ACK").segment().expect("a segment").options.to_string();
        assert!(shown.ends_with(&format!("FO {cookie},nop,nop")), "{shown}");
    }
}

#[test]
fn each_option_is_answered_in_its_own_form() {
    let (mut alone, _) = listening(false);
    for (option, len, right) in [
        ("FO".to_owned(), 0, (1, format!("FO {COOKIE},nop,nop"))),
        ("FOEXP".to_owned(), 0, (1, format!("FOEXP {COOKIE}"))),
        (format!("FO {COOKIE}"), 3, (4, String::new())),
        (format!("FOEXP {COOKIE}"), 3, (4, String::new())),
        (format!("FO {COOKIE}"), 0, (1, String::new())),
        ("FO 3132333435363738".to_owned(), 3, (1, format!("FO {COOKIE},nop,nop"))),
        ("FOEXP 3132333435363738".to_owned(), 3, (1, format!("FOEXP {COOKIE}"))),
        (String::new(), 3, (1, String::new())),
    ] {
        assert_eq!(answered(&mut alone, &option, len), right, "{option}");
    }
}

#[test]
fn without_the_need_of_a_cookie_text_is_taken_from_every_syn() {
    let (mut alone, listener) = listening(false);
    alone.host.open_fast_without_cookie(listener, true).expect("held");
    assert_eq!(answered(&mut alone, "", 3), (4, String::new()));
    assert_eq!(answered(&mut alone, "FO", 3), (4, String::new()));
    assert!(alone.host.accept(listener).is_ok() && alone.host.accept(listener).is_ok());
    assert_eq!(answered(&mut alone, "", 0), (1, String::new()));
    assert_eq!(alone.host.accept(listener), Err(Errno::Again), "without text it is a SYN like any other");
}

#[test]
fn a_cookie_of_the_second_key_is_good_and_replaced() {
    let (mut alone, listener) = listening(false);
    alone.host.set_listener_fast_open_keys(listener, &[[0x11; 16], KEY]).expect("held");
    let (ack, option) = answered(&mut alone, &format!("FO {COOKIE}"), 3);
    assert_eq!((ack, option.as_str()), (4, "FO 74193fdb71a48e48,nop,nop"));
    assert_eq!(alone.host.fast_open_keys(listener).map(<[_]>::len), Ok(2));
}

#[test]
fn a_profile_without_the_experimental_option_takes_no_notice_of_it() {
    let mut alone = Alone::of("rfc9293", &[("sack", "on")], false);
    let listener = alone.listener();
    alone.host.allow_fast_open(listener, 5).expect("held");
    assert_eq!(answered(&mut alone, "FOEXP", 0), (1, String::new()));
}

/// The SYN of a fast open with this much to say: how much rides, and its option.
fn opening(alone: &mut Alone, octets: usize, bare: bool) -> (u32, String, SocketId) {
    let id = alone.host.socket();
    alone.host.open_fast_without_cookie(id, bare).expect("held");
    let peer = alone.peer();
    assert_eq!(alone.host.connect_with(id, alone.now, peer, &vec![0; octets], true), Err(Errno::InProgress));
    let out = alone.next().expect("a SYN");
    assert_eq!(alone.next(), None);
    let segment = *out.segment().expect("a segment");
    (alone.own_port, alone.iss) = (out.source.port, segment.seq.get());
    let option = segment.options.to_string();
    let (_, option) = option.split_once("wscale 10").expect("it comes before");
    (segment.len, option.trim_start_matches(',').to_owned(), id)
}

#[test]
fn who_is_not_answered_asks_once_by_the_experimental_option() {
    let mut alone = Alone::linux();
    for right in ["FO,nop,nop", "FOEXP", "FO,nop,nop", "FO,nop,nop"] {
        let (_, option, id) = opening(&mut alone, 0, false);
        assert_eq!(option, right);
        alone.options = TcpOptions::NONE.mss(1400);
        alone.arrive(Flags::SYN | Flags::ACK, 0, alone.iss.wrapping_add(1), 0);
        assert_eq!(alone.host.connect_result(id), Ok(()));
        alone.all();
    }
}

#[test]
fn a_cookie_is_shown_in_the_form_it_came_in_beside_forty_octets_less() {
    let mut alone = Alone::of("linux", &[("timestamps", "off")], false);
    opening(&mut alone, 0, false);
    alone.options = TcpOptions::spelled("mss 1400,FOEXP 6162636465666768").expect("options");
    alone.arrive(Flags::SYN | Flags::ACK, 0, alone.iss.wrapping_add(1), 0);
    alone.all();
    alone.port += 1;
    let (len, option, _) = opening(&mut alone, 2000, false);
    assert_eq!((len, option.as_str()), (1360, "FOEXP 6162636465666768"));
}

#[test]
fn a_client_that_wants_no_cookie_sends_text_without_an_option_and_once() {
    let mut alone = Alone::of("linux", &[("timestamps", "off")], false);
    let (len, option, _) = opening(&mut alone, 2000, true);
    assert_eq!((len, option.as_str()), (1420, ""));
    alone.wait(Duration::from_millis(1100));
    assert_eq!(alone.all(), ["<SEQ=0><CTL=SYN>"]);
}
