//! Scenarios on a network of ours whose hosts are this machine's kernel, at one end or at both, held against the
//! simulation.
//!
//! `wired_probe [-v] engine|kernel engine|kernel NAME...`: the stacks of A and B, and the scenarios. Prints one line
//! for each, and one for each difference; ends with 0 if there is none, 1 if there is, 2 where namespaces are refused.

use std::error::Error;
use std::io::Write;
use std::process::ExitCode;

use synfin::engine::Profile;
use synfin::sinks::agreement::compare;
use synfin::sources::scenario::{Overrides, Scenario, play_in};
use synfin::trace::Trace;
use synfin::worlds::kernel::{KernelError, NetworkError, enter_user_namespace};
use synfin::worlds::wired::{Stack, Wired, WiredError, WiredSetup};

/// Prints a line; that nobody reads it any more is no failure.
macro_rules! say {
    ($($what:tt)*) => {{ let _ = writeln!(std::io::stdout(), $($what)*); }};
}

fn main() -> ExitCode {
    if let Err(refusal) = enter_user_namespace() {
        say!("refused: {refusal}");
        return ExitCode::from(2);
    }
    match probe() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => match error.downcast_ref() {
            Some(WiredError::Outside(KernelError::Network(NetworkError::Refused(refusal)))) => {
                say!("refused: {refusal}");
                ExitCode::from(2)
            }
            Some(_) | None => {
                eprintln!("error: {error}");
                ExitCode::FAILURE
            }
        },
    }
}

fn probe() -> Result<bool, Box<dyn Error>> {
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
    let stacks = [stack(words.first())?, stack(words.get(1))?];
    let mut equal = true;
    for name in &words[2..] {
        equal &= held(name, stacks, verbose)?;
    }
    Ok(equal)
}

/// Whether the scenario comes out as in the simulation.
fn held(name: &str, stacks: [Stack; 2], verbose: bool) -> Result<bool, Box<dyn Error>> {
    let scenario = Scenario::load(name)?;
    let overrides = Overrides { profile: Some(Profile::linux().name.to_owned()), own_settings: false, ..Overrides::default() };
    let setup = scenario.setup(&overrides)?;
    let ours = scenario.simulate(&overrides)?;
    let wired = WiredSetup { stacks, setup, sysctls: Default::default(), patience: WiredSetup::QUICK };
    let started = std::time::Instant::now();
    let theirs = play_in(&scenario, Wired::new(&wired)?)?.finish()?;
    let agreement = compare(&ours, &theirs);
    let count = agreement.differences.len();
    let (packets, calls, states) = (agreement.packets, agreement.calls, agreement.states);
    say!("{name}: {count} differences, {packets} packets, {calls} calls, {states} states, {:.1} s", started.elapsed().as_secs_f64());
    for difference in &agreement.differences {
        say!("{name}: {difference}");
    }
    if verbose {
        for trace in [&ours, &theirs] {
            show(trace);
        }
    }
    Ok(count == 0)
}

fn show(trace: &Trace) {
    say!("--");
    for entry in &trace.entries {
        let what = match &entry.what {
            synfin::trace::What::Departure(id) | synfin::trace::What::Arrival(id) | synfin::trace::What::Loss(id) => {
                let packet = trace.packet(*id);
                let text = packet.segment().map_or_else(
                    || format!("{:?}", packet.payload),
                    |segment| format!("{segment} wnd {} {}", segment.window.0, segment.options),
                );
                format!(
                    "{} {text}",
                    if matches!(entry.what, synfin::trace::What::Departure(_)) {
                        "-->"
                    } else if matches!(entry.what, synfin::trace::What::Arrival(_)) {
                        "<--"
                    } else {
                        "XXX"
                    }
                )
            }
            what => format!("{what:?}"),
        };
        say!("{} {} {} -> {}: {what}", entry.at, trace.host(entry.host).name, entry.before, entry.after);
    }
}
