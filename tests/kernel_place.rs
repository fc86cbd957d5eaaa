//! The live kernel as a place for scripts, for real: a child process plays one connection of each family by hand.
//!
//! It is a child because namespaces are entered by a process with one thread, which no test has. Where
//! they are refused the tests say `left out` and pass, unless `SYNFIN_ORACLES=require`.

mod common {
    pub(crate) mod example;
    pub(crate) mod left_out;
    pub(crate) mod probe;
}

use std::process::Command;

use common::probe::{Facts, as_ordinary_user, probe};

#[test]
fn calls_and_packets_are_the_kernels() {
    let Some(facts) = probe("kernel place", "place_probe", |program| Command::new(program)) else { return };
    check(&facts);
}

#[test]
fn an_ordinary_user_may_do_the_same() {
    let Some(facts) = as_ordinary_user("kernel place as an ordinary user", "place_probe") else { return };
    check(&facts);
}

/// The facts of two connections, one of each family.
fn check(facts: &Facts) {
    // A call that blocks leaves the script free to go on, and returns when the peer has answered.
    for name in ["waits", "stamped", "woken", "handshake", "connected", "polls", "accepts"] {
        assert_eq!(facts.of(name), ["true"; 2], "{name}");
    }
    assert_eq!(facts.of("reads"), ["true"; 4]);
    // Both families: 1500 octets less the headers, whatever longer packets the link would take.
    assert_eq!(facts.of("mss"), ["1460", "1440"]);
    assert_eq!(facts.of("wrote"), ["4000"; 2]);
    // The peer has named no MSS, and each segment leaves by itself.
    assert_eq!(facts.of("pieces"), ["[536, 536, 536, 536, 536, 536, 536, 248]", "[1220, 1220, 1220, 340]"]);
    assert!(facts.of("within the mtu").iter().all(|fact| *fact == "true"));
    // 9000 octets in one packet over a link of 1500, as packetdrill's device takes them.
    assert_eq!(facts.of("taken"), ["true"; 2]);
    assert_eq!(facts.of("read"), ["9000", "10", "20"].repeat(2));
    assert_eq!(facts.of("nothing"), ["Poll([0])"; 2]);
    assert_eq!(facts.of("polled"), ["Poll([1])"; 2]);
    assert_eq!(facts.of("not open"), ["Some(\"EBADF\")"; 2]);
    assert_eq!(facts.of("null pointer"), ["Some(\"EFAULT\")"; 2]);
    // ESTABLISHED is 1; the window grew with the acknowledgment of all that was sent; 9000 + 10 + 20 + 5.
    assert!(facts.of("info").iter().all(|fact| fact.starts_with("1 ") && fact.ends_with(" 9035")));
    assert_eq!(facts.of("established"), ["1"; 2]);
    assert_eq!(facts.of("elsewhere established"), ["0"; 2]);
    assert_eq!(facts.of("forgotten"), ["true", "false"].repeat(2));
    assert_eq!(facts.of("elsewhere"), ["true"; 2]);
    assert_eq!((facts.of("set"), facts.of("get")), (vec!["0"; 2], vec!["true"; 2]));
    assert_eq!(facts.of("unread"), ["Number(5)"; 2]);
    assert_eq!((facts.of("sent"), facts.of("spliced"), facts.of("piped")), (vec!["100"; 2], vec!["5"; 2], vec!["5"; 2]));
    assert_eq!(facts.of("reset"), ["Some(\"ECONNRESET\")"; 2]);
    assert_eq!(facts.of("closed"), ["0", "Some(\"EBADF\")"].repeat(2));
}
