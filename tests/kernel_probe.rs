//! The kernel's side of a comparison, for real: a child process enters namespaces and says what it sees.
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
fn namespaces_sockets_and_sniffer_agree() {
    let Some(facts) = probe("kernel probe", "kernel_probe", |program| Command::new(program)) else { return };
    check(&facts);
}

#[test]
fn an_ordinary_user_may_do_the_same() {
    let Some(facts) = as_ordinary_user("kernel probe as an ordinary user", "kernel_probe") else { return };
    check(&facts);
}

/// The facts of two connections, one for each family.
fn check(facts: &Facts) {
    assert_eq!(facts.of("network").iter().map(|fact| &fact[..2]).collect::<Vec<_>>(), ["V4", "V6"]);
    assert_eq!(facts.of("connect"), ["EINPROGRESS"; 2]);
    assert_eq!(facts.of("again"), ["EAGAIN"; 2]);
    assert_eq!(facts.of("error"), ["None"; 2]);
    for name in ["writable", "peer", "both copies", "in order", "end of text"] {
        assert!(facts.of(name).len() >= 2 && facts.of(name).iter().all(|fact| *fact == "true"), "{name}: {:?}", facts.of(name));
    }

    let segments = facts.of("segment");
    let (v4, v6) = segments.split_at(segments.len() / 2);
    for (segments, mss) in [(v4, 1460), (v6, 1440)] {
        let begins: Vec<_> = segments.iter().map(|line| line.split(" win").next().unwrap_or_default()).collect();
        assert_eq!(begins[..3], ["A SYN len 0", "B SYN,ACK len 0", "A ACK len 0"]);
        assert!(segments[..2].iter().all(|line| line.contains(&format!("mss {mss},sackOK,TS,nop,wscale"))), "{segments:?}");
        // B closes while its ACK of A's FIN is delayed: three segments, unless this machine slept for 40 ms.
        let close: Vec<_> = begins[3..].iter().filter(|line| **line != "B ACK len 0").collect();
        assert_eq!(close, [&"A FIN,ACK len 0", &"B FIN,ACK len 0", &"A ACK len 0"]);
    }

    let states: Vec<_> = facts.of("state").iter().map(|fact| fact.split(" mss").next().unwrap_or_default()).collect();
    assert_eq!(states, ["ESTABLISHED", "ESTABLISHED", "CLOSE-WAIT"].repeat(2));
    let mut table = facts.of("table");
    table.sort_unstable();
    assert_eq!(table, ["false TIME-WAIT", "false TIME-WAIT", "true LISTEN", "true LISTEN"]);

    // 20000 octets in one send, and no packet larger than the MTU: segments are not merged.
    assert_eq!(facts.of("got"), ["20001"; 2]);
    assert_eq!(facts.of("longest frame"), ["1514"; 2]);
    assert!(facts.of("dropped").iter().all(|fact| fact.starts_with("0 of")), "{:?}", facts.of("dropped"));
}
