//! packetdrill scripts on the live kernel: `script_probe THREADS FILE...`.
//!
//! Prints a line for each script, `passed: FILE` or `failed: FILE: why`, and ends with 0; with 2 where namespaces are
//! refused. Moments may be missed by more than the scripts allow: other programs run on this machine too, and what is
//! asked is what the kernel says.

use std::collections::VecDeque;
use std::error::Error;
use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::ExitCode;
use std::sync::{Mutex, PoisonError};
use std::thread;

use synfin::sources::packetdrill::parse;
use synfin::sources::packetdrill::play::{Context, IpVersion, Verdict, play, settings};
use synfin::sources::packetdrill::syntax::ScriptOption;
use synfin::worlds::kernel::{KernelPlace, UnderTest, enter_user_namespace};

/// Prints a line; that nobody reads it any more is no failure.
macro_rules! say {
    ($($what:tt)*) => {{ let _ = writeln!(std::io::stdout(), $($what)*); }};
}

fn main() -> ExitCode {
    if let Err(refusal) = enter_user_namespace() {
        say!("refused: {refusal}");
        return ExitCode::from(2);
    }
    let mut arguments = std::env::args().skip(1);
    let threads: usize = arguments.next().and_then(|text| text.parse().ok()).unwrap_or(1);
    let files: Mutex<VecDeque<String>> = Mutex::new(arguments.collect());
    thread::scope(|scope| {
        for _ in 0..threads.max(1) {
            scope.spawn(|| {
                while let Some(file) = next(&files) {
                    match outcome(&file) {
                        Ok(None) => say!("passed: {file}"),
                        Ok(Some(why)) => say!("failed: {file}: {}", why.replace('\n', " / ")),
                        Err(error) => say!("failed: {file}: {error}"),
                    }
                }
            });
        }
    });
    ExitCode::SUCCESS
}

fn next(files: &Mutex<VecDeque<String>>) -> Option<String> {
    files.lock().unwrap_or_else(PoisonError::into_inner).pop_front()
}

/// Why a script did not pass.
fn outcome(file: &str) -> Result<Option<String>, Box<dyn Error>> {
    let text = fs::read_to_string(file)?;
    let script = parse(file, &text, &[])?;
    let overrides = [ScriptOption { name: "tolerance_usecs".to_owned(), value: Some("30000".to_owned()) }];
    let context = Context { name: file, text: &text, overrides: &overrides, folder: Path::new(file).parent(), ..Context::default() };
    let settings = settings(&script, &context).map_err(|verdict| format!("{verdict:?}"))?;
    let prefix = if settings.version == IpVersion::V6 { 48 } else { 16 };
    let setup = UnderTest { local: vec![(settings.local, prefix)], gateways: Vec::new(), mtu: settings.mtu };
    let report = play(&script, &context, &mut KernelPlace::new(&setup)?);
    Ok(match report.verdict {
        Verdict::Passed => None,
        Verdict::Failed(mismatch) => Some(mismatch.to_string()),
        Verdict::Unsupported(trouble) => Some(format!("unsupported: {trouble}")),
        Verdict::Error(trouble) => Some(trouble.to_string()),
    })
}
