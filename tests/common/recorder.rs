//! `synfin record` as whoever runs the tests, and as an ordinary user.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::path::{Path, PathBuf};
use std::process::Command;

pub(crate) use super::left_out::leave_out;

/// Who runs it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum User {
    /// Whoever runs the tests.
    Same,
    /// Somebody without any rights.
    Ordinary,
}

/// A folder with the program in it, which the user may use and write to.
pub(crate) struct Recorder {
    pub(crate) user: User,
    folder: tempfile::TempDir,
}

/// One for each kind of user there is here; `None` where this machine refuses namespaces.
pub(crate) fn recorders(name: &str) -> Option<Vec<Recorder>> {
    let mut users = vec![User::Same];
    if rustix::process::geteuid().is_root() {
        if Command::new("setpriv").arg("--version").output().is_ok() {
            users.push(User::Ordinary);
        } else {
            leave_out(name, "no setpriv on this machine");
        }
    }
    let recorders: Vec<_> = users.into_iter().map(Recorder::new).collect();
    for recorder in &recorders {
        let output = recorder.record(&["--", "true"]).output().expect("it runs");
        if output.status.code() == Some(2) && text(&output.stderr).contains("namespace") {
            leave_out(name, text(&output.stderr).trim());
            return None;
        }
    }
    Some(recorders)
}

impl Recorder {
    fn new(user: User) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let program = folder.path().join("synfin");
        fs::copy(env!("CARGO_BIN_EXE_synfin"), &program).expect("a copy");
        for path in [folder.path(), &program] {
            fs::set_permissions(path, fs::Permissions::from_mode(0o755)).expect("ours to change");
        }
        if user == User::Ordinary {
            chown(folder.path(), Some(1000), Some(1000)).expect("root may");
        }
        Self { user, folder }
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// A program run as this user, in the folder.
    pub(crate) fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = match self.user {
            User::Same => Command::new(program),
            User::Ordinary => {
                let mut command = Command::new("setpriv");
                command.args(["--reuid=1000", "--regid=1000", "--clear-groups", "--inh-caps=-all"]).arg(program);
                command
            }
        };
        command.current_dir(self.folder());
        command
    }

    /// `synfin record` with these arguments.
    pub(crate) fn record(&self, arguments: &[&str]) -> Command {
        let mut command = self.command(self.program());
        command.arg("record").args(arguments);
        command
    }

    pub(crate) fn program(&self) -> PathBuf {
        self.folder.path().join("synfin")
    }
}

pub(crate) fn text(octets: &[u8]) -> &str {
    std::str::from_utf8(octets).expect("UTF-8")
}
