//! Where results go: stdout, or a file that appears only when it is complete.

use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use super::Failure;

/// Writes all of `text` to stdout; a reader that has gone is a normal end.
pub(crate) fn print(text: &str) -> Result<(), Failure> {
    to_stdout(|out| out.write_all(text.as_bytes()))
}

/// Lets `write` write to stdout.
pub(crate) fn to_stdout(write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<(), Failure> {
    let mut out = BufWriter::new(io::stdout().lock());
    write(&mut out).and_then(|()| out.flush()).map_err(|error| failure("stdout", &error))
}

/// Lets `write` fill `path`, which is replaced as a whole once the new content is complete.
///
/// Devices and pipes cannot be replaced and are written to directly.
pub(crate) fn to_file(path: &Path, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<(), Failure> {
    let shown = path.display().to_string();
    replace(path, write).map_err(|error| failure(&shown, &error))
}

fn replace(path: &Path, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
    let existing = std::fs::metadata(path).ok();
    if existing.as_ref().is_some_and(std::fs::Metadata::is_dir) {
        return Err(io::Error::other("it is a folder"));
    }
    if existing.is_some_and(|existing| !existing.is_file()) {
        let mut out = BufWriter::new(std::fs::OpenOptions::new().write(true).open(path)?);
        write(&mut out)?;
        return out.flush();
    }
    // A link stays a link: what it points to is replaced.
    let target = std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let folder = target.parent().filter(|folder| !folder.as_os_str().is_empty()).map_or_else(|| PathBuf::from("."), Path::to_owned);
    let mut fresh = tempfile::Builder::new().prefix(".synfin-").tempfile_in(&folder)?;
    {
        let mut out = BufWriter::new(fresh.as_file_mut());
        write(&mut out)?;
        out.flush()?;
    }
    let permissions = match std::fs::metadata(&target) {
        Ok(existing) => existing.permissions(),
        Err(_) => default_permissions(),
    };
    fresh.as_file().set_permissions(permissions)?;
    fresh.persist(&target).map_err(|error| error.error)?;
    Ok(())
}

/// What a file created plainly would have: temporary files are private, results are not.
fn default_permissions() -> std::fs::Permissions {
    use std::os::unix::fs::PermissionsExt as _;
    let mask = rustix::process::umask(rustix::fs::Mode::empty());
    rustix::process::umask(mask);
    std::fs::Permissions::from_mode(0o666 & !mask.bits())
}

fn failure(what: &str, error: &io::Error) -> Failure {
    if error.kind() == io::ErrorKind::BrokenPipe {
        return Failure::ClosedPipe;
    }
    Failure::Request(format!("cannot write {what}: {error}"))
}
