//! Which scripts a command line means.

use std::io;
use std::path::{Path, PathBuf};

use crate::app::Failure;

/// How deep folders are looked into.
const DEEPEST: usize = 32;

/// A script to run, and the folder it was found by, which is as far as it may look for others.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Found {
    /// Its path as a person is shown it; `-` is stdin.
    pub(super) path: PathBuf,
    /// The folder that was given, or the script's own.
    pub(super) root: PathBuf,
}

/// The scripts in the order they were given, those of a folder in the order of their names.
pub(super) fn collect(given: &[PathBuf]) -> Result<Vec<Found>, Failure> {
    let mut found = Vec::new();
    for path in given {
        if path.is_dir() {
            let before = found.len();
            below(path, path, 0, &mut found).map_err(|error| Failure::Request(format!("{}: {error}", path.display())))?;
            if found.len() == before {
                return Err(Failure::Request(format!("{}: no scripts there; their names end in .pkt", path.display())));
            }
        } else {
            found.push(Found { path: path.clone(), root: folder_of(path).to_path_buf() });
        }
    }
    Ok(found)
}

/// The folder a script lies in; that of a bare name, and of stdin, is the current one.
pub(super) fn folder_of(script: &Path) -> &Path {
    script.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

fn below(root: &Path, folder: &Path, depth: usize, found: &mut Vec<Found>) -> io::Result<()> {
    if depth > DEEPEST {
        return Err(io::Error::other(format!("folders deeper than {DEEPEST}")));
    }
    let mut entries = std::fs::read_dir(folder)?.collect::<io::Result<Vec<_>>>()?;
    entries.sort_unstable_by_key(std::fs::DirEntry::file_name);
    for entry in entries {
        let path = entry.path();
        // A link to a folder is not followed: it may lead back here.
        if entry.file_type()?.is_dir() {
            below(root, &path, depth + 1, found)?;
        } else if path.extension().is_some_and(|ending| ending == "pkt") && path.is_file() {
            found.push(Found { path, root: root.to_path_buf() });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_stands_for_its_scripts_in_order() {
        let folder = tempfile::tempdir().expect("a folder");
        for name in ["b.pkt", "a/z.pkt", "a/y.pkt", "a/notes.txt", "common/defaults.sh"] {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().expect("a folder")).expect("room");
            std::fs::write(path, "").expect("room");
        }
        std::os::unix::fs::symlink(folder.path(), folder.path().join("a/again")).expect("room");
        let found = collect(&[folder.path().to_owned()]).expect("scripts");
        let names: Vec<_> = found.iter().map(|found| found.path.strip_prefix(folder.path()).expect("below").to_owned()).collect();
        assert_eq!(names, ["a/y.pkt", "a/z.pkt", "b.pkt"].map(PathBuf::from));
        assert!(found.iter().all(|found| found.root == folder.path()));
    }

    #[test]
    fn a_script_may_look_around_in_its_own_folder() {
        let found = collect(&["x/y.pkt".into(), "z.pkt".into(), "-".into()]).expect("scripts");
        assert_eq!(found.iter().map(|found| found.root.to_str()).collect::<Vec<_>>(), [Some("x"), Some("."), Some(".")]);
        assert!(found.iter().all(|found| folder_of(&found.path) == found.root));
    }

    #[test]
    fn a_folder_without_scripts_is_a_mistake() {
        let folder = tempfile::tempdir().expect("a folder");
        let Err(Failure::Request(text)) = collect(&[folder.path().to_owned()]) else { panic!("there are none") };
        assert!(text.ends_with("no scripts there; their names end in .pkt"), "{text}");
    }
}
