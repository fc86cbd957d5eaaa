//! Where results go: stdout, or a file that appears only when it is complete.

use std::fs::OpenOptions;
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
    // A link stays a link: what it points to is replaced, or made if it is not there yet.
    let (target, permissions) = match OpenOptions::new().write(true).open(path) {
        Ok(existing) => {
            let about = existing.metadata()?;
            if !about.is_file() {
                let mut out = BufWriter::new(existing);
                write(&mut out)?;
                return out.flush();
            }
            // A file that may not be written may not be replaced either, though its folder would allow it.
            (std::fs::canonicalize(path)?, about.permissions())
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => (followed(path)?, default_permissions()),
        Err(error) if error.kind() == io::ErrorKind::IsADirectory => return Err(io::Error::other("it is a folder")),
        Err(error) => return Err(error),
    };
    let folder = target.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    // Its own message would name the temporary file, which means nothing to anybody.
    let in_folder = |error: io::Error| {
        let why = std::fs::metadata(folder).err().unwrap_or_else(|| error.kind().into());
        io::Error::other(format!("no file can be made in {}: {why}", folder.display()))
    };
    let mut fresh = tempfile::Builder::new().prefix(".synfin-").tempfile_in(folder).map_err(in_folder)?;
    {
        let mut out = BufWriter::new(fresh.as_file_mut());
        write(&mut out)?;
        out.flush()?;
    }
    fresh.as_file().set_permissions(permissions)?;
    // Some file systems say only now that they are full.
    fresh.as_file().sync_all()?;
    fresh.persist(&target).map_err(|error| error.error)?;
    Ok(())
}

/// Where a path leads whose last part is a symbolic link to nothing.
fn followed(path: &Path) -> io::Result<PathBuf> {
    let mut target = path.to_owned();
    for _ in 0..MAX_LINKS {
        match std::fs::read_link(&target) {
            // `join` takes an absolute link as it is.
            Ok(link) => target = target.parent().unwrap_or(Path::new("")).join(link),
            Err(_) => return Ok(target),
        }
    }
    Err(io::Error::other("its symbolic links have no end"))
}

/// As many as Linux follows.
const MAX_LINKS: usize = 40;

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
