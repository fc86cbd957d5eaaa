//! How many times as fast as smoltcp: measured in turns, so that a busy machine slows both.

use std::time::{Duration, Instant};

use super::{Bytes, Crowd, Engines, Hosts, Stacks, Values, profile};

/// Turns each side takes; odd, for the median.
const ROUNDS: usize = 41;
/// About how long a turn lasts.
const TURN: Duration = Duration::from_millis(25);

/// Prints one line for each demanded ratio.
pub(crate) fn print() {
    println!("\nconnections per second, in multiples of smoltcp's; medians of {ROUNDS} rounds");
    compare("values", "3", Crowd::Alone, Crowd::Alone.lives(|_| Engines::<Values>::new(profile())));
    compare("bytes", "1.5", Crowd::Alone, Crowd::Alone.lives(|_| Engines::<Bytes>::new(profile())));
    compare("among 1000", "9", Crowd::Among, Crowd::Among.lives(|places| Hosts::new(&profile(), places)));
    compare("1000 in step", "9", Crowd::InStep, Crowd::InStep.lives(|places| Hosts::new(&profile(), places)));
}

fn compare(name: &str, wanted: &str, crowd: Crowd, mut ours: impl FnMut()) {
    let connections = u32::try_from(crowd.places().1.len()).expect("few");
    let mut theirs = crowd.lives(Stacks::new);
    let (our_calls, their_calls) = (calls_in_a_turn(&mut ours), calls_in_a_turn(&mut theirs));
    let mut rounds: Vec<_> = (0..ROUNDS)
        .map(|_| {
            let (ours, theirs) = (time(our_calls, &mut ours), time(their_calls, &mut theirs));
            (theirs / ours, ours, theirs)
        })
        .collect();
    rounds.sort_by(|(one, ..), (other, ..)| one.total_cmp(other));
    let (ratio, ours, theirs) = rounds[ROUNDS / 2];
    let each = |seconds: f64| seconds / f64::from(connections) * 1e9;
    println!("ratio {name} {ratio:.2}x (wanted {wanted}): {:.0} ns a connection, smoltcp {:.0} ns", each(ours), each(theirs));
}

/// Seconds one call takes, measured over `calls` of them.
fn time(calls: u32, lives: &mut impl FnMut()) -> f64 {
    let start = Instant::now();
    (0..calls).for_each(|_| lives());
    start.elapsed().as_secs_f64() / f64::from(calls)
}

fn calls_in_a_turn(lives: &mut impl FnMut()) -> u32 {
    time(1, lives);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a small positive count")]
    let calls = (TURN.as_secs_f64() / time(4, lives)) as u32;
    calls.max(1)
}
