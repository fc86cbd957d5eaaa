//! Examples that enter namespaces and print facts, run as child processes.
//!
//! Children because namespaces are entered by a process with one thread, which no test has.

use std::path::Path;
use std::process::{Command, Output};

use super::example::{for_everyone, leave_out};

/// What the child reports, `name: value` a line.
pub(crate) struct Facts(Vec<String>);

impl Facts {
    /// All values of a name, in order.
    pub(crate) fn of(&self, name: &str) -> Vec<&str> {
        self.0.iter().filter_map(|line| line.strip_prefix(name)?.strip_prefix(": ")).collect()
    }
}

/// Runs the example, as `command` has it; `None` where namespaces are refused.
pub(crate) fn probe(name: &str, example: &str, command: impl FnOnce(&Path) -> Command) -> Option<Facts> {
    let (_folder, program) = for_everyone(example);
    let output: Output = command(&program).output().expect("the program starts");
    let text = String::from_utf8_lossy(&output.stdout);
    match output.status.code() {
        Some(0) => Some(Facts(text.lines().map(str::to_owned).collect())),
        Some(2) => {
            leave_out(name, text.trim());
            None
        }
        _ => panic!("{name}: {}: {text}{}", output.status, String::from_utf8_lossy(&output.stderr)),
    }
}

/// Runs the example as a user without any rights; `None` also if we are such a one already, and it was run so before.
pub(crate) fn as_ordinary_user(name: &str, example: &str) -> Option<Facts> {
    if !rustix::process::geteuid().is_root() {
        return None;
    }
    if Command::new("setpriv").arg("--version").output().is_err() {
        leave_out(name, "no setpriv on this machine");
        return None;
    }
    probe(name, example, |program| {
        let mut command = Command::new("setpriv");
        command.args(["--reuid=1000", "--regid=1000", "--clear-groups", "--inh-caps=-all"]).arg(program);
        command
    })
}
