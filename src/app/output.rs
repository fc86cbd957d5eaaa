//! Where results go: stdout, or a file that appears only when it is complete.

use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::os::fd::AsRawFd as _;
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, CWD, Mode, OFlags, linkat, open};
use rustix::io::Errno;
use synfin::sinks::pcap::Format;
use tempfile::NamedTempFile;

use super::Failure;
use super::args::FormatArg;

/// The format of a capture that goes to `path`: as asked for, or by its name; pcapng on stdout.
pub(crate) fn format_of(path: &Path, asked: Option<FormatArg>) -> Result<Format, Failure> {
    let asked = asked.map(|format| match format {
        FormatArg::Pcap => Format::Pcap,
        FormatArg::Pcapng => Format::PcapNg,
    });
    let by_name = if path.as_os_str() == "-" { Some(Format::PcapNg) } else { Format::of_path(path) };
    asked
        .or(by_name)
        .ok_or_else(|| Failure::Request(format!("cannot tell the format of {}: name it .pcap or .pcapng, or say -F pcap", path.display())))
}

/// Writes all of `text` to stdout; a reader that has gone is a normal end.
pub(crate) fn print(text: &str) -> Result<(), Failure> {
    to_stdout(|out| out.write_all(text.as_bytes()))
}

/// Writes `text` to stdout at once, for what is read while it happens.
pub(crate) fn print_now(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()
}

/// What came of writing to `what`, as the result of a command.
pub(crate) fn as_done(what: &str, result: io::Result<()>) -> Result<(), Failure> {
    result.map_err(|error| failure(what, &error))
}

/// Writes all of `text` to stderr; a reader that has gone is a normal end.
pub(crate) fn to_stderr(text: &str) -> Result<(), Failure> {
    io::stderr().lock().write_all(text.as_bytes()).map_err(|error| failure("stderr", &error))
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
    let fresh = Fresh::in_folder(folder).map_err(in_folder)?;
    {
        let mut out = BufWriter::new(fresh.file());
        write(&mut out)?;
        out.flush()?;
    }
    fresh.file().set_permissions(permissions)?;
    // Some file systems say only now that they are full.
    fresh.file().sync_all()?;
    fresh.persist(folder, &target)
}

/// A file that is not there yet.
enum Fresh {
    /// It has no name, so that nothing is left when the program is killed.
    Nameless(File),
    /// Where the file system knows no such files.
    Named(NamedTempFile),
}

impl Fresh {
    fn in_folder(folder: &Path) -> io::Result<Self> {
        match open(folder, OFlags::TMPFILE | OFlags::WRONLY | OFlags::CLOEXEC, Mode::RUSR | Mode::WUSR) {
            Ok(fd) => Ok(Self::Nameless(fd.into())),
            Err(Errno::OPNOTSUPP | Errno::ISDIR | Errno::NOSYS | Errno::INVAL) => {
                tempfile::Builder::new().prefix(PREFIX).tempfile_in(folder).map(Self::Named)
            }
            Err(errno) => Err(errno.into()),
        }
    }

    fn file(&self) -> &File {
        match self {
            Self::Nameless(file) => file,
            Self::Named(file) => file.as_file(),
        }
    }

    /// Gives it the name `target`, from which whatever has it now is gone.
    fn persist(self, folder: &Path, target: &Path) -> io::Result<()> {
        match self {
            Self::Named(file) => file.persist(target).map(drop).map_err(|error| error.error),
            Self::Nameless(file) => {
                let own = format!("/proc/self/fd/{}", file.as_raw_fd());
                let link = |to: &Path| linkat(CWD, &own, CWD, to, AtFlags::SYMLINK_FOLLOW);
                match link(target) {
                    Ok(()) => return Ok(()),
                    Err(Errno::EXIST) => {}
                    Err(errno) => return Err(errno.into()),
                }
                // A link replaces nothing, but a rename does.
                let between = tempfile::Builder::new().prefix(PREFIX).make_in(folder, |path| Ok(link(path)?))?;
                between.into_temp_path().persist(target).map_err(|error| error.error)
            }
        }
    }
}

/// How files begin that are about to become another.
const PREFIX: &str = ".synfin-";

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
