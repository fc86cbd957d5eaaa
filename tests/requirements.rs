//! docs/requirements.md: every label of `rfc/requirements.csv`, where the code meets it and which test proves it.
//!
//! `RENEW=1 cargo test --test requirements` writes it anew. A label that is not met, or that no test
//! can prove, stands with its reason in docs/requirements-open.csv.

mod common {
    pub(crate) mod citations;
    pub(crate) mod csv;
}

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use common::citations::{self, Citation};
use common::csv::csv;
use synfin::sources::scenario::catalogue;

const TABLE: &str = include_str!("rfc/requirements.csv");

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// All files below a folder with this extension, in order.
fn files(folder: &str, extension: &str) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut folders = vec![root().join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display())) {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|found| found == extension) {
                files.push(path);
            }
        }
    }
    files.sort();
    files
}

/// Every citation of the crate, but those of this test and of its examples.
fn citations() -> BTreeSet<Citation> {
    let mut all = BTreeSet::new();
    for (folder, extension, read) in [
        ("src", "rs", citations::of_rust as fn(&str, &str) -> Vec<Citation>),
        ("tests", "rs", citations::of_rust),
        ("src/sources/scenario/catalogue", "ladder", citations::of_ladder),
    ] {
        for path in files(folder, extension) {
            let name = path.strip_prefix(root()).expect("below the root").to_str().expect("UTF-8").replace('\\', "/");
            let stem = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
            // A scenario that nobody plays proves nothing.
            if name == "tests/requirements.rs" || extension == "ladder" && !catalogue::names().any(|known| known == stem) {
                continue;
            }
            let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{name}: {error}"));
            all.extend(read(&name, &text));
        }
    }
    all
}

/// One row of the table with all that is said of it.
struct Requirement {
    row: BTreeMap<String, String>,
    code: Vec<Citation>,
    tests: Vec<Citation>,
    /// What is missing, and why.
    open: Option<(String, String)>,
}

fn requirements(all: &BTreeSet<Citation>) -> Vec<Requirement> {
    let open = fs::read_to_string(root().join("docs/requirements-open.csv")).expect("docs/requirements-open.csv");
    let mut open: BTreeMap<String, (String, String)> =
        csv(&open).into_iter().map(|row| (row["id"].clone(), (row["missing"].clone(), row["reason"].clone()))).collect();
    let of = |id: &str, proves: bool| all.iter().filter(|one| one.label == id && one.proves == proves).cloned().collect();
    let rows = csv(TABLE).into_iter().map(|row| {
        let id = row["id"].clone();
        Requirement { code: of(&id, false), tests: of(&id, true), open: open.remove(&id), row }
    });
    let rows = rows.collect();
    assert!(open.is_empty(), "docs/requirements-open.csv has labels the table has not: {:?}", open.keys());
    rows
}

/// What is wrong with what is said of a requirement.
fn complaint(Requirement { code, tests, open, .. }: &Requirement) -> Option<&'static str> {
    let reasoned = open.as_ref().is_none_or(|(_, reason)| reason.split_whitespace().count() >= 3);
    let missing = open.as_ref().map(|(missing, _)| missing.as_str());
    match (code.is_empty(), tests.is_empty(), missing) {
        _ if !reasoned => Some("is open without a reason"),
        (false, false, None) | (true, true, Some("both")) | (false, true, Some("test")) => None,
        (true, true, None) => Some("is cited nowhere, and no reason says why"),
        (true, false, None) => Some("has a test, but no code cites it"),
        (false, true, None) => Some("is cited by code, but no test proves it"),
        (_, _, Some("both" | "test")) => Some("is cited after all: its line in docs/requirements-open.csv is wrong"),
        (_, _, Some(_)) => Some("misses neither both nor test"),
    }
}

fn places(citations: &[Citation]) -> String {
    let mut files: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for Citation { file, item, .. } in citations {
        files.entry(file).or_default().insert(item);
    }
    let place = |(file, items): (&str, BTreeSet<&str>)| {
        let items: Vec<_> = items.into_iter().filter(|item| !item.is_empty()).map(|item| format!("`{item}`")).collect();
        if file.ends_with(".ladder") {
            format!("scenario {}", items.join(", "))
        } else {
            format!("{file} {}", items.join(", ")).trim().to_owned()
        }
    };
    files.into_iter().map(place).collect::<Vec<_>>().join("; ")
}

fn document(requirements: &[Requirement]) -> String {
    let met = requirements.iter().filter(|one| one.open.is_none()).count();
    let mut text = format!(
        "# Requirements\n\nEvery label of the table of requirements: {met} of {} are met by code and proved by a test; the others say why not.\n\
         Generated from the comments that cite them, by `RENEW=1 cargo test --test requirements`; reasons stand in\n\
         [requirements-open.csv](requirements-open.csv).\n",
        requirements.len()
    );
    let mut standard = "";
    for Requirement { row, code, tests, open } in requirements {
        if row["rfc"] != standard {
            standard = &row["rfc"];
            let _ = write!(
                text,
                "\n## RFC {standard}\n\n| label | level | section | what it asks | where | test |\n| --- | --- | --- | --- | --- | --- |\n"
            );
        }
        let (place, proof) = match open {
            None => (places(code), places(tests)),
            Some((missing, reason)) if missing == "test" => (places(code), format!("*{reason}*")),
            Some((_, reason)) => (format!("*{reason}*"), String::new()),
        };
        let cell = |text: &str| text.replace('|', "\\|").replace('<', "&lt;");
        let cells = [&row["id"], &row["level"], &row["section"], &cell(&row["summary"]), &cell(&place), &cell(&proof)];
        let _ = writeln!(text, "| {} |", cells.map(String::clone).join(" | "));
    }
    text
}

#[test]
fn every_requirement_is_met_and_proved_or_says_why_not() {
    let all = citations();
    let requirements = requirements(&all);
    let wrong: Vec<_> =
        requirements.iter().filter_map(|one| complaint(one).map(|complaint| format!("{} {complaint}", one.row["id"]))).collect();
    assert!(wrong.is_empty(), "{} requirements:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn every_cited_label_is_one_of_the_table() {
    let table = csv(TABLE);
    let known: BTreeSet<&String> = table.iter().map(|row| &row["id"]).collect();
    let unknown: Vec<_> = citations().into_iter().filter(|one| !known.contains(&one.label)).collect();
    assert!(unknown.is_empty(), "{unknown:#?}");
}

#[test]
fn the_ledger_is_up_to_date() {
    let path = root().join("docs/requirements.md");
    let new = document(&requirements(&citations()));
    if std::env::var_os("RENEW").is_some() {
        fs::write(&path, &new).expect("docs/ can be written");
    }
    let kept = fs::read_to_string(&path).expect("docs/requirements.md");
    assert!(new == kept, "docs/requirements.md is out of date; RENEW=1 cargo test --test requirements writes it anew");
}

// --- what counts as a citation --------------------------------------------------------------------

fn seen(file: &str, text: &str) -> Vec<(String, String, bool)> {
    citations::of_rust(file, text).into_iter().map(|one| (one.label, one.item, one.proves)).collect()
}

fn cited(label: &str, item: &str, proves: bool) -> (String, String, bool) {
    (label.to_owned(), item.to_owned(), proves)
}

#[test]
fn code_is_cited_by_the_item_that_the_comment_stands_in_or_above() {
    let text = "/// Keeps (MUST-13).\nfn above() {\n    let x = 1; // MUST-10\n}\n\nimpl Connection {\n    fn inside(&self) {\n        // SHLD-1, R793-1122-1.\n        call(\"MUST-4 // in a text\");\n    }\n}\n";
    let expected = [
        cited("MUST-13", "above", false),
        cited("MUST-10", "above", false),
        cited("SHLD-1", "Connection::inside", false),
        cited("R793-1122-1", "Connection::inside", false),
    ];
    assert_eq!(seen("src/a.rs", text), expected);
}

#[test]
fn rows_and_knobs_are_items() {
    let text = "static RULES: &[Rule] = &[\n    rule(\"closed/rst\", Closed), // MUST-66\n];\nknobs! {\n    /// As MUST-23 asks.\n    syn_retries: u8 = \"syn-retries\" {\n        rfc: 7, \"MUST-23\";\n    }\n}\n";
    assert_eq!(seen("src/a.rs", text), [cited("MUST-66", "row closed/rst", false), cited("MUST-23", "knob syn-retries", false)]);
}

#[test]
fn in_tests_only_test_functions_can_cite() {
    let text = "//! MUST-1.\n// MUST-2 helps.\nfn helper() {\n    // MUST-3\n}\n\n// MUST-4, too far away.\n\n// MUST-5.\n#[test]\nfn proof() {\n    // MUST-6\n    assert!(true);\n}\n// MUST-7\n";
    assert_eq!(seen("tests/a.rs", text), [cited("MUST-5", "proof", true), cited("MUST-6", "proof", true)]);
    let inner = format!(
        "fn code() {{}} // MUST-8\n#[cfg(test)]\nmod tests {{\n    // MUST-9\n    fn helper() {{}}\n\n    #[test]\n    fn proof() {{\n        // {}\n    }}\n}}\n",
        "SHLD-2"
    );
    assert_eq!(seen("src/a.rs", &inner), [cited("MUST-8", "code", false), cited("SHLD-2", "proof", true)]);
    let long = "proptest! {\n    #[test]\n    fn law(\n        a in any(),\n    ) {\n        // MUST-3\n    }\n}\n";
    assert_eq!(seen("tests/a.rs", long), [cited("MUST-3", "law", true)]);
}

#[test]
fn a_scenario_cites_in_its_source_and_its_comments() {
    let text = "title   MUST-1\nsource  RFC 9293, MUST-13\nA connect   # MUST-10\n";
    let found: Vec<_> = citations::of_ladder("x/fin-lost.ladder", text).into_iter().map(|one| (one.label, one.item)).collect();
    assert_eq!(found, [("MUST-13".to_owned(), "fin-lost".to_owned()), ("MUST-10".to_owned(), "fin-lost".to_owned())]);
}

#[test]
fn words_that_only_look_like_labels_are_none() {
    assert_eq!(citations::labels("RFC-9293 MAY-be MUST SHLD- R5961 R-1 -MUST-1- (MAY-12)"), ["MUST-1", "MAY-12"]);
}
