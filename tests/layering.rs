//! Who may import whom: every `use crate::` is held against the picture in the crate's documentation.

use std::fs;
use std::path::{Path, PathBuf};

/// Top-level modules, and what each may import from the others. Data flows down this list.
const MAY_IMPORT: &[(&str, &[&str])] = &[
    ("engine", &[]),
    ("mistake", &[]),
    ("nearest", &[]),
    ("requirements", &[]),
    ("trace", &["engine"]),
    ("ladder", &["engine", "trace"]),
    ("wire", &["engine", "trace"]),
    ("worlds", &["engine", "trace", "wire"]),
    ("sources", &["engine", "trace", "ladder", "wire", "worlds", "mistake", "nearest"]),
    ("sinks", &["engine", "trace", "ladder", "wire"]),
    ("assert", &["engine", "trace", "ladder", "sinks", "sources", "nearest"]),
];

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("a source folder").map(|entry| entry.expect("an entry").path());
    entries
        .flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] })
        .filter(|path| path.extension().is_some_and(|ending| ending == "rs"))
        .collect()
}

fn imports(text: &str) -> impl Iterator<Item = String> + '_ {
    let mentions = text.lines().map(str::trim).filter(|line| !line.starts_with("//")).flat_map(|line| line.split("crate::").skip(1));
    mentions.map(|rest| rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect())
}

#[test]
fn imports_run_one_way() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut checked = 0;
    for file in files(&source) {
        let inside = file.strip_prefix(&source).expect("below src");
        let module = inside.components().next().expect("a name").as_os_str().to_string_lossy().trim_end_matches(".rs").to_owned();
        // The library's root shows everything, and the binary may use everything, through the library.
        if module == "lib" || module == "main" || module == "app" {
            continue;
        }
        let (_, allowed) =
            MAY_IMPORT.iter().find(|(name, _)| *name == module).unwrap_or_else(|| panic!("{module} has no place in the picture"));
        let text = fs::read_to_string(&file).expect("a readable file");
        // Tests may look at anything.
        let code = text.split("#[cfg(test)]").next().unwrap_or(&text);
        if inside.ends_with("tests.rs") || inside.components().any(|part| part.as_os_str() == "tests") {
            continue;
        }
        for import in imports(code) {
            let known = MAY_IMPORT.iter().any(|(name, _)| *name == import);
            assert!(!known || import == module || allowed.contains(&import.as_str()), "{} may not import {import}", inside.display());
            checked += 1;
        }
    }
    assert!(checked > 50, "only {checked} imports were seen");
}

#[test]
fn unsafe_code_stands_in_one_file() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let unsafe_files: Vec<_> =
        files(&source).into_iter().filter(|file| fs::read_to_string(file).expect("readable").contains("unsafe {")).collect();
    assert_eq!(unsafe_files, [source.join("worlds/kernel/sys.rs")]);
}
