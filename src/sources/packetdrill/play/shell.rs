//! Shell commands done: parameters set, sockets counted, other files of commands read. Nothing is executed.
//!
//! A file is read if it lies below the folder of the script, or below the folder that was asked for and in which the
//! script lies. Suites keep what all their scripts begin with in one folder beside theirs, and are also played one script
//! at a time: `../common/defaults.sh` is read wherever it stands, and nothing else of the machine ever.

use std::path::{Path, PathBuf};

use super::clock::{micros, written};
use super::mismatch::{Difference, Subject};
use super::player::Player;
use super::stop::Stop;
use crate::sources::packetdrill::shell::{self, Act};
use crate::sources::packetdrill::syntax::{Span, Spanned};

/// How deep files may include files.
const DEEPEST: usize = 8;

/// How many files a script may include in all.
const MOST_FILES: usize = 100;

/// How much a script may ask for by its commands.
const MOST_ACTS: usize = 10_000;

/// The longest file that is read, octets.
const LONGEST_FILE: u64 = 1 << 20;

/// How far above a script the folder may lie that a suite shares.
const HIGHEST_COMMON: usize = 3;

/// How far above a script this path finds a suite's shared file of commands: `../../common/NAME.sh` is two.
fn above_in_common(path: &str) -> Option<usize> {
    let mut rest = path;
    let mut above = 0;
    while let Some(behind) = rest.strip_prefix("../") {
        (rest, above) = (behind, above + 1);
    }
    let name = rest.strip_prefix("common/")?.strip_suffix(".sh")?;
    ((1..=HIGHEST_COMMON).contains(&above) && !name.contains('/')).then_some(above)
}

impl Player<'_> {
    /// Does what a command says.
    pub(super) fn command(&mut self, command: &Spanned<String>) -> Result<(), Stop> {
        self.commands(&command.value, command.span, 0)
    }

    /// Does what a script of commands in a file says.
    pub(super) fn include(&mut self, path: &str) -> Result<(), Stop> {
        self.file(path, Span::default(), 0)
    }

    fn commands(&mut self, text: &str, span: Span, depth: usize) -> Result<(), Stop> {
        if text.len() as u64 > LONGEST_FILE {
            return Err(Stop::unsupported(span, format!("a command of more than {} KiB", LONGEST_FILE >> 10)));
        }
        for act in shell::read(text).map_err(|what| Stop::unsupported(span, what))? {
            self.acts += 1;
            if self.acts > MOST_ACTS {
                return Err(Stop::error(span, format!("the script has commands do more than {MOST_ACTS} things")));
            }
            self.act(&act, span, depth)?;
        }
        Ok(())
    }

    fn act(&mut self, act: &Act, span: Span, depth: usize) -> Result<(), Stop> {
        match act {
            Act::Set { name, value } => {
                self.place.set_parameter(name, value)?;
                self.chronicle.note(self.place.now(), format!("{name} = {value}"));
            }
            Act::Count { state, port, held, count } => {
                let actual = self.place.count_in_state(state, *port, *held)?;
                if actual != *count {
                    let summary = format!("expected {count} sockets in {state}, but there are {actual}");
                    let difference = Difference::new(format!("sockets in {state}"), count, actual);
                    return Err(self.mismatch(span, Subject::Command, summary, vec![difference]).into());
                }
            }
            Act::Drop { state } => self.place.drop_in_state(state)?,
            Act::ForgetPeers => self.place.forget_peers()?,
            Act::Sleep(duration) => {
                let until = micros(self.place.now()).saturating_add(written(*duration));
                if until > super::clock::LONGEST {
                    return Err(Stop::error(span, "the script is to last longer than a week, which is all there is"));
                }
                self.wait_until(until)?;
            }
            Act::Include(path) => self.file(path, span, depth + 1)?,
        }
        Ok(())
    }

    fn file(&mut self, path: &str, span: Span, depth: usize) -> Result<(), Stop> {
        self.files += 1;
        if depth > DEEPEST || self.files > MOST_FILES {
            return Err(Stop::error(span, format!("{path} is one file of commands too many: they include each other")));
        }
        let file = self.locate(path).map_err(|what| Stop::unsupported(span, what))?;
        let long = std::fs::metadata(&file).map_err(|error| Stop::error(span, format!("{path}: {error}")))?;
        if !long.is_file() || long.len() > LONGEST_FILE {
            return Err(Stop::unsupported(span, format!("{path}, which is no file of at most {} KiB", LONGEST_FILE >> 10)));
        }
        let text = std::fs::read_to_string(&file).map_err(|error| Stop::error(span, format!("{path}: {error}")))?;
        let inside = |stop: Stop| match stop {
            Stop::Unsupported { span, what } => Stop::Unsupported { span, what: format!("{what} (in {path})") },
            other => other,
        };
        self.commands(&text, span, depth).map_err(inside)
    }

    /// The file of a path, if it lies where files may be read.
    fn locate(&self, path: &str) -> Result<PathBuf, String> {
        let outside = || format!("the file {path}: only files below the script's folder are read");
        let folder = self.context.folder.ok_or_else(outside)?;
        let root = self.context.root.unwrap_or(folder).canonicalize().map_err(|_| outside())?;
        let file = folder.join(Path::new(path)).canonicalize().map_err(|error| format!("the file {path}: {error}"))?;
        // The script's own folder counts wherever it lies: somebody has named the script.
        let own = folder.canonicalize().map_err(|_| outside())?;
        let shared = above_in_common(path).and_then(|above| own.ancestors().nth(above)).map(|above| above.join("common"));
        let inside = file.starts_with(&own) || (own.starts_with(&root) && file.starts_with(&root));
        if inside || shared.is_some_and(|shared| file.starts_with(shared)) { Ok(file) } else { Err(outside()) }
    }
}
