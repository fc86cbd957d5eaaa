//! Of what is lost, what `kernel/cc-*.trace` and `tests/scripts/linux/recovery` cannot show, as a kernel's time never stands still.

use super::*;

/// In ESTABLISHED by an active OPEN, with Reno over Linux's knobs and segments of 1000 octets, a second later.
fn reno(options: TcpOptions) -> Scripted {
    let mut linux = Profile { counts: true, timestamps: false, ..Profile::linux() };
    linux.set("congestion-control", "reno").expect("a knob");
    let mut a = Scripted::new(linux).establish("<SEQ=300><ACK=101><CTL=SYN,ACK>", options.mss(1000));
    a.pass(Duration::from_secs(1));
    a
}

fn with_sack() -> Scripted {
    reno(TcpOptions::NONE.sack_permitted().nop().nop())
}

fn sack(a: &mut Scripted, ack: u32, blocks: &str) {
    let options = TcpOptions::spelled(&format!("nop,nop,sack {blocks}")).expect("blocks");
    a.hear_with(&format!("<SEQ=301><ACK={ack}><CTL=ACK>"), options);
}

/// State, window, and segments that count as lost.
fn told(a: &Scripted) -> (CongestionState, u32, u32) {
    let info = a.connection.info(a.now);
    (info.ca_state.expect("counted"), info.snd_cwnd.expect("counted"), info.lost.expect("counted"))
}

#[test]
fn what_is_acknowledged_before_its_copy_has_left_was_late() {
    // tcp_packet_delayed: with SACK, and without it below what was under way.
    let mut a = with_sack();
    a.send(10_000);
    a.pass(Duration::from_millis(100));
    sack(&mut a, 101, "2101:5101");
    assert_eq!(told(&a), (CongestionState::Recovery, 6, 2));
    a.hear("<SEQ=301><ACK=10101><CTL=ACK>");
    assert_eq!(told(&a), (CongestionState::Open, 17, 0));
    for (ack, after) in [(2101, (CongestionState::Disorder, 11, 0)), (10_101, (CongestionState::Recovery, 5, 0))] {
        let mut a = reno(TcpOptions::NONE);
        a.send(10_000);
        a.pass(Duration::from_millis(100));
        // The first is newer than the SYN,ACK, and no duplicate.
        for _ in 0..4 {
            a.hear("<SEQ=301><ACK=101><CTL=ACK>");
        }
        assert_eq!(told(&a).0, CongestionState::Recovery);
        a.hear(&format!("<SEQ=301><ACK={ack}><CTL=ACK>"));
        assert_eq!(told(&a), after, "{ack}");
    }
}

#[test]
fn before_a_copy_has_left_none_was_needless() {
    // tcp_init_undo: nothing that left again is not nothing that is left of it.
    let mut a = with_sack();
    a.send(10_000);
    a.pass(Duration::from_millis(100));
    sack(&mut a, 101, "2101:5101");
    sack(&mut a, 101, "2101:6101");
    assert_eq!(told(&a).0, CongestionState::Recovery);
}

#[test]
fn where_no_time_passes_a_copy_leaves_after_what_was_delivered() {
    let mut a = with_sack();
    a.send(10_000);
    sack(&mut a, 101, "2101:5101");
    assert_eq!(a.out(), ["<SEQ=101><ACK=301><LEN=1000><CTL=ACK>"]);
    sack(&mut a, 101, "2101:6101");
    assert_eq!(a.out(), NOTHING);
    sack(&mut a, 101, "2101:7101");
    assert_eq!(a.out(), ["<SEQ=1101><ACK=301><LEN=1000><CTL=ACK>"], "the first is under way");
}

#[test]
fn the_user_hears_at_r1_where_losses_are_counted_too() {
    // MUST-20, SHLD-9: of the time-outs the third.
    let mut a = Scripted::new(profile(&[("congestion-control", "reno")])).establish("<SEQ=300><ACK=101><CTL=SYN,ACK>", TcpOptions::NONE);
    while a.connection.poll_signal().is_some() {}
    a.send(2000);
    let told: Vec<_> = (0..4)
        .map(|_| {
            a.wait();
            a.connection.poll_signal()
        })
        .collect();
    assert_eq!(told, [None, None, Some(Signal::Unresponsive), None]);
}
