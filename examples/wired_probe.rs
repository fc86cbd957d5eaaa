//! Scenarios on a network of ours whose hosts are this machine's kernel, at one end or at both, held against the
//! simulation under the `linux` profile.
//!
//! `wired_probe [-v] engine|kernel engine|kernel NAME...`: the stacks of A and B, and the scenarios. Prints
//! `NAME: equal, ...` (for a handshake that a kernel begins, if nothing is asked for), or `NAME: different` and each difference; with `-v` all that happened. Ends with 0 if all could
//! be asked, and with 2 where namespaces are refused.

use std::error::Error;
use std::fmt::Write as _;
use std::io::Write as _;
use std::process::ExitCode;
use std::sync::Mutex;

use synfin::engine::Profile;
use synfin::sinks::agreement::compare;
use synfin::sources::scenario::{Overrides, Scenario, play_in};
use synfin::trace::{Trace, What};
use synfin::worlds::kernel::{KernelError, NetworkError, enter_user_namespace};
use synfin::worlds::wired::{Stack, Wired, WiredError, WiredSetup};

/// Prints a line; that nobody reads it any more is no failure.
macro_rules! say {
    ($($what:tt)*) => {{ let _ = writeln!(std::io::stdout(), $($what)*); }};
}

/// How often a difference must show: the kernel's clock is the wall's, and a busy machine is late.
const ATTEMPTS: usize = 4;
/// Scenarios asked at the same time; most of each is waiting.
const AT_ONCE: usize = 4;

fn main() -> ExitCode {
    // Before there is a second thread.
    if let Err(refusal) = enter_user_namespace() {
        say!("refused: {refusal}");
        return ExitCode::from(2);
    }
    match probe() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            if let Some(WiredError::Outside(KernelError::Network(NetworkError::Refused(refusal)))) = error.downcast_ref() {
                say!("refused: {refusal}");
                return ExitCode::from(2);
            }
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

type Failure = Box<dyn Error + Send + Sync>;

fn probe() -> Result<(), Failure> {
    let mut words: Vec<String> = std::env::args().skip(1).collect();
    let verbose = words.first().is_some_and(|word| word == "-v");
    if verbose {
        words.remove(0);
    }
    let stack = |word: Option<&String>| match word.map(String::as_str) {
        Some("kernel") => Ok(Stack::Kernel),
        Some("engine") => Ok(Stack::Engine),
        _ => Err("expected engine or kernel, twice, and names of scenarios"),
    };
    if words.is_empty() {
        words = ["kernel", "engine", "three-way-handshake"].map(str::to_owned).to_vec();
    }
    let stacks = [stack(words.first())?, stack(words.get(1))?];
    let next = Mutex::new(words[2..].iter());
    std::thread::scope(|scope| {
        let ask = || -> Result<(), Failure> {
            loop {
                let Some(name) = next.lock().ok().and_then(|mut next| next.next()) else { return Ok(()) };
                say!("{}", asked(name, stacks, verbose)?.trim_end());
            }
        };
        let workers: Vec<_> = (0..AT_ONCE).map(|_| scope.spawn(ask)).collect();
        workers.into_iter().try_for_each(|worker| worker.join().unwrap_or_else(|_| Err("a worker panicked".into())))
    })
}

/// What there is to say of one scenario.
fn asked(name: &str, stacks: [Stack; 2], verbose: bool) -> Result<String, Failure> {
    let mut attempt = 1;
    loop {
        let (equal, text) = held(name, stacks, verbose)?;
        if equal || attempt == ATTEMPTS {
            return Ok(text);
        }
        attempt += 1;
    }
}

/// Whether the scenario comes out as in the simulation, and what there is to say of it.
fn held(name: &str, stacks: [Stack; 2], verbose: bool) -> Result<(bool, String), Failure> {
    let scenario = Scenario::load(name)?;
    let overrides = Overrides { profile: Some(Profile::linux().name.to_owned()), own_settings: false, ..Overrides::default() };
    let setup = scenario.setup(&overrides)?;
    let ours = scenario.simulate(&overrides)?;
    let wired = WiredSetup { stacks, setup, sysctls: [Vec::new(), Vec::new()], patience: WiredSetup::QUICK };
    let world = match play_in(&scenario, Wired::new(&wired)?) {
        Ok(world) => world,
        Err(error) => return Ok((false, format!("{name}: different\n{name}: it ends early: {error}"))),
    };
    let theirs = world.finish()?;
    let agreement = compare(&ours, &theirs);
    let equal = agreement.differences.is_empty();
    let (packets, calls, states) = (agreement.packets, agreement.calls, agreement.states);
    let verdict = if equal { "equal" } else { "different" };
    let mut text = format!("{name}: {verdict}, {packets} packets, {calls} calls, {states} states\n");
    for difference in &agreement.differences {
        let _ = writeln!(text, "{name}: {difference}");
    }
    if verbose {
        show("simulated", &ours, &mut text);
        show("wired", &theirs, &mut text);
    }
    Ok((equal, text))
}

/// All that happened, an entry a line.
fn show(title: &str, trace: &Trace, text: &mut String) {
    let _ = writeln!(text, "-- {title}");
    for entry in &trace.entries {
        let packet = |id| {
            let packet = trace.packet(id);
            packet.segment().map_or_else(
                || packet.payload.protocol().to_owned(),
                |segment| format!("{segment} wnd {} {}", segment.window.0, segment.options),
            )
        };
        let what = match &entry.what {
            What::Departure(id) => format!("--> {}", packet(*id)),
            What::Arrival(id) => format!("<-- {}", packet(*id)),
            What::Loss(id) => format!("XXX {}", packet(*id)),
            What::Rejection(id) => format!("||| {}", packet(*id)),
            What::Call { call, result, returned } => format!("{call}{} {result:?}", if *returned { " returns" } else { "" }),
            What::Timer(timer) => format!("timer {}", timer.name()),
            What::Observation => "observation".to_owned(),
            What::Note(note) => note.clone(),
        };
        let _ = writeln!(
            text,
            "{:<12} {} {:>12} -> {:<12} {what}",
            entry.at.to_string(),
            trace.host(entry.host).name,
            entry.before.to_string(),
            entry.after.to_string()
        );
    }
}
