//! `TCP_DEFER_ACCEPT`, as Linux 6.18 was measured to have it.

use super::peer::Alone;
use super::*;

/// A request at a listener that waits so many seconds for text; its SYN,ACK is acknowledged at once.
fn acknowledged(seconds: u32) -> (Alone, SocketId) {
    let mut alone = Alone::linux();
    let listener = alone.listener();
    alone.host.defer_accept(listener, seconds).expect("held");
    alone.arrive(Flags::SYN, 0, 0, 0);
    alone.iss = alone.next().expect("a SYN,ACK").segment().expect("a segment").seq.get();
    assert_eq!(alone.next(), None);
    acknowledge(&mut alone);
    (alone, listener)
}

fn acknowledge(alone: &mut Alone) {
    alone.arrive(Flags::ACK, 1, alone.iss.wrapping_add(1), 0);
}

/// When a SYN,ACK leaves again within eight seconds, in seconds.
fn again(alone: &mut Alone) -> Vec<u64> {
    let mut times = Vec::new();
    for second in 1..9 {
        alone.wait(Duration::from_secs(1));
        times.extend(alone.all().iter().map(|_| second));
    }
    times
}

#[test]
fn a_bare_ack_is_not_enough() {
    for (seconds, enough) in [(0, true), (1, false), (5, false)] {
        let (mut alone, listener) = acknowledged(seconds);
        assert_eq!(alone.host.accept(listener).is_ok(), enough, "{seconds}");
    }
}

#[test]
fn text_or_fin_is() {
    for (flags, len) in [(Flags::ACK | Flags::PSH, 1), (Flags::ACK | Flags::FIN, 0)] {
        let (mut alone, listener) = acknowledged(5);
        alone.arrive(flags, 1, alone.iss.wrapping_add(1), len);
        assert!(alone.host.accept(listener).is_ok(), "{flags}");
    }
}

#[test]
fn the_syn_ack_leaves_again_when_the_wait_is_over() {
    for (seconds, times) in [(1, vec![1, 3, 7]), (2, vec![3, 7]), (5, vec![7])] {
        let (mut alone, _) = acknowledged(seconds);
        assert_eq!(again(&mut alone), times, "{seconds} s");
    }
}

#[test]
fn a_bare_ack_is_enough_when_the_wait_is_over() {
    let (mut alone, listener) = acknowledged(5);
    again(&mut alone);
    acknowledge(&mut alone);
    assert!(alone.host.accept(listener).is_ok());
}
