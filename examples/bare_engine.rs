//! Two endpoints driven by hand: no hosts, no network, no clock; only calls, segments and the time.
//!
//! `cargo run --example bare_engine` prints every segment that leaves, from SYN to the end of TIME-WAIT.

use std::io::{self, Write};
use std::sync::Arc;
use std::time::Duration;

use synfin::{Connection, Instant, Open, Profile, SeqNumber};

/// How long a segment is under way.
const DELAY: Duration = Duration::from_millis(10);

fn main() -> io::Result<()> {
    live(&mut io::stdout().lock())
}

/// A whole life, told to `out`.
pub(crate) fn live(out: &mut impl Write) -> io::Result<()> {
    // Profiles are shared: a million connections need not carry a million copies.
    let profile = Arc::new(Profile::rfc9293());
    let mut active = Connection::new(Arc::clone(&profile));
    let mut passive = Connection::new(profile);
    let mut now = Instant::START;

    // The engine has no randomness, so whoever opens brings the ISS (RFC 6528 says how to choose one).
    passive.on_open_passive(now, open(300)).expect("it is CLOSED");
    active.on_open_active(now, open(100)).expect("it is CLOSED");
    exchange(&mut active, &mut passive, &mut now, out)?;

    // Text is counted, not carried: the octets stay with the owner of the buffers, who asks
    // `text_range` which of them a segment takes along.
    active.on_send(now, 2000, false).expect("the connection is open");
    exchange(&mut active, &mut passive, &mut now, out)?;
    // What has arrived shrinks the window until the application takes it.
    let read = passive.on_receive(now, u32::MAX).expect("the connection is open");
    writeln!(out, "passive reads {read} octets")?;

    active.on_close(now, true).expect("the connection is open");
    exchange(&mut active, &mut passive, &mut now, out)?;
    passive.on_close(now, true).expect("its user has not closed yet");
    exchange(&mut active, &mut passive, &mut now, out)?;

    // Nothing is under way any more, so the next thing that can happen is a timer.
    while let Some(deadline) = active.poll_deadline() {
        active.on_time(deadline);
        let rule = active.fired().next().map_or("no rule", |rule| rule.name);
        writeln!(out, "{deadline} s  {rule}: active is {}", active.state())?;
    }
    Ok(())
}

fn open(iss: u32) -> Open {
    // An MTU of 1500 less 40 octets of IPv4 and TCP header.
    Open { iss: SeqNumber::new(iss), mss: 1460, send_mss: 1460, default_mss: 536, ts_offset: 0 }
}

/// Carries segments to and fro until both endpoints are silent; each way takes [`DELAY`].
fn exchange(active: &mut Connection, passive: &mut Connection, now: &mut Instant, out: &mut impl Write) -> io::Result<()> {
    loop {
        let there = carry("active  -->", active, passive, now, out)?;
        let back = carry("passive -->", passive, active, now, out)?;
        if !there && !back {
            return Ok(());
        }
    }
}

/// Takes everything that must leave `from` to its peer; whether there was anything.
fn carry(sign: &str, from: &mut Connection, to: &mut Connection, now: &mut Instant, out: &mut impl Write) -> io::Result<bool> {
    // Polled until empty before anything arrives: one call may cause several segments.
    let leaving: Vec<_> = std::iter::from_fn(|| from.poll_segment(*now)).collect();
    for segment in &leaving {
        writeln!(out, "{now} s  {sign} {segment}  {}", from.state())?;
    }
    if !leaving.is_empty() {
        *now = *now + DELAY;
    }
    for segment in &leaving {
        // The receiver reads the same numbers from its own side: ours become theirs.
        to.on_segment(*now, &segment.crossed());
    }
    Ok(!leaving.is_empty())
}
