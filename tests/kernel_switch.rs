//! Hosts with a kernel stack each and us between them, for real: a child process makes them and says what it sees.
//!
//! It is a child because namespaces are entered by a process with one thread, which no test has. Where
//! they are refused the tests say `left out` and pass, unless `SYNFIN_ORACLES=require`.

mod common {
    pub(crate) mod example;
    pub(crate) mod left_out;
    pub(crate) mod probe;
}

use std::process::Command;

use common::example::leave_out;
use common::probe::{Facts, as_ordinary_user, probe};

#[test]
fn a_frame_sent_is_a_frame_dealt_with() {
    let Some(facts) = probe("kernel switch", "switch_probe", |program| Command::new(program)) else { return };
    check(&facts);
}

#[test]
fn an_ordinary_user_may_do_the_same() {
    let Some(facts) = as_ordinary_user("kernel switch as an ordinary user", "switch_probe") else { return };
    check(&facts);
}

/// The facts of two hosts, once for each family.
fn check(facts: &Facts) {
    // Three networks, one thread, and in the end it is where it was.
    assert_eq!(facts.of("apart"), ["true"; 2]);
    assert_eq!(facts.of("back"), ["true"]);
    // No neighbour is looked for, no router, no group is joined aloud.
    assert_eq!(facts.of("quiet"), ["true"; 2]);
    // Of 100 handshakes each segment was there, and each state entered, when the call that caused it returned.
    assert_eq!(facts.of("at once"), ["100"; 2]);
    assert_eq!(facts.of("peer"), ["true"; 2]);
    // 20000 octets in one send, and no packet larger than the MTU.
    assert_eq!(facts.of("got"), ["20000"; 2]);
    assert_eq!(facts.of("longest frame"), ["1514"; 2]);
    assert_eq!(facts.of("links"), ["true"; 2]);
    // Checksums are filled in where we read and believed by nobody where we write.
    assert_eq!(facts.of("checksums"), ["true"; 2]);
    assert_eq!(facts.of("damaged"), ["EAGAIN"; 2]);
    assert_eq!(facts.of("whole"), ["taken"; 2]);
    assert_eq!(facts.of("dropped"), ["0"; 4]);
    // Of hosts that are used at once nothing is lost, and whoever listens at one hears both directions.
    assert_eq!(facts.of("first frames"), ["10"]);
    assert_eq!(facts.of("nowhere"), ["cannot find the interface: ENODEV; there is no such interface; `ip link` lists those there are"]);

    // A program in a namespace there was before, over an interface made for it.
    assert_eq!(facts.of("joined"), ["HELLO from 192.0.2.2:7"]);
    let taken = facts.of("taken");
    assert!(taken[0].starts_with("cannot make a veth pair: EEXIST;") && taken[0].contains("choose another"), "{taken:?}");
    match facts.of("tun")[..] {
        ["synfin0 HELLO from 192.0.2.2:7"] => {
            assert_eq!(facts.of("down"), ["EIO"]);
            assert_eq!(facts.of("gone"), ["true"]);
        }
        // Where it is not for us, that is said with what helps.
        [refusal] => {
            assert!(refusal.starts_with("cannot open /dev/net/tun: E") && refusal.contains("or use a veth pair"), "{refusal}");
            if rustix::process::geteuid().is_root() && !refusal.contains("EACCES") {
                leave_out("a TUN device", refusal);
            }
        }
        _ => panic!("nothing of a TUN device"),
    }
}
