//! Where comments cite a label of `rfc/requirements.csv`: at which item of the code, in which test.
//!
//! In a test a label counts inside a `#[test]` function, or in the comment directly above it; in test
//! code elsewhere it is read past. Positions are names, not lines, which go stale.

/// One label in one comment.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct Citation {
    pub label: String,
    /// The file, from the root of the crate.
    pub file: String,
    /// The function, type, knob or row of the rule table; empty at the head of a file.
    pub item: String,
    pub proves: bool,
}

/// The citations of one Rust file, laid out as rustfmt does.
pub(crate) fn of_rust(file: &str, text: &str) -> Vec<Citation> {
    let mut reader = Reader {
        file: file.to_owned(),
        test_file: file.starts_with("tests/") || file.contains("/tests/") || file.ends_with("/tests.rs"),
        open: Vec::new(),
        above: Vec::new(),
        above_indent: 0,
        test_follows: false,
        in_attribute: false,
        found: Vec::new(),
    };
    text.lines().for_each(|line| reader.line(line));
    reader.cite_above(None);
    reader.found
}

/// The citations of a scenario of the catalogue, which `tests/scenarios.rs` proves: its source and its comments.
pub(crate) fn of_ladder(file: &str, text: &str) -> Vec<Citation> {
    let citing = text.lines().filter_map(|line| match line.strip_prefix("source") {
        Some(source) => Some(source),
        None => line.split_once('#').map(|(_, comment)| comment),
    });
    let item = file.rsplit('/').next().and_then(|name| name.strip_suffix(".ladder")).unwrap_or(file);
    let cite = |label| Citation { label, file: file.to_owned(), item: item.to_owned(), proves: true };
    citing.flat_map(labels).map(cite).collect()
}

/// Something between braces that is not closed yet.
struct Open {
    indent: usize,
    name: String,
    test: bool,
    /// Code that is only there to test.
    tests: bool,
}

struct Reader {
    file: String,
    test_file: bool,
    open: Vec<Open>,
    /// Labels in the comment that stands directly above the present line.
    above: Vec<String>,
    above_indent: usize,
    test_follows: bool,
    in_attribute: bool,
    found: Vec<Citation>,
}

impl Reader {
    fn line(&mut self, line: &str) {
        let trimmed = line.trim_start();
        let indent = line.len() - trimmed.len();
        if trimmed.is_empty() {
            self.cite_above(None);
            return;
        }
        if let Some(comment) = trimmed.strip_prefix("//!") {
            self.cite(labels(comment), None);
            return;
        }
        if trimmed.starts_with("//") {
            self.above.extend(labels(trimmed));
            self.above_indent = indent;
            return;
        }
        if self.in_attribute || trimmed.starts_with("#[") {
            self.test_follows |= trimmed == "#[test]";
            self.in_attribute = !trimmed.trim_end().ends_with(']');
            return;
        }
        // A comment at the end of a body belongs to what is closed behind it.
        if self.above_indent > indent {
            self.cite_above(None);
        }
        // What stands no deeper than this line is closed by it.
        // The end of a signature closes nothing.
        let closes = !trimmed.starts_with(')');
        while closes && self.open.last().is_some_and(|open| open.indent >= indent) {
            self.open.pop();
        }
        let behind = comment_behind(trimmed).map(labels).unwrap_or_default();
        let Some(name) = head(trimmed) else {
            let entry = entry(trimmed);
            self.cite_above(entry.as_deref());
            self.cite(behind, entry.as_deref());
            return;
        };
        let test = std::mem::take(&mut self.test_follows);
        let tests = self.is_test_code() || name == "tests" || test;
        self.open.push(Open { indent, name, test, tests });
        self.cite_above(None);
        self.cite(behind, None);
        if trimmed.ends_with(';') || trimmed.ends_with('}') && !trimmed.contains("=> {") && trimmed.contains('{') {
            self.open.pop();
        }
    }

    fn cite_above(&mut self, entry: Option<&str>) {
        let above = std::mem::take(&mut self.above);
        self.cite(above, entry);
    }

    fn is_test_code(&self) -> bool {
        self.test_file || self.open.iter().any(|open| open.tests)
    }

    fn cite(&mut self, labels: Vec<String>, entry: Option<&str>) {
        let test = self.open.iter().find(|open| open.test).map(|open| open.name.clone());
        if self.is_test_code() && test.is_none() {
            return;
        }
        let proves = test.is_some();
        let inner = self.open.iter().filter(|open| !open.name.is_empty()).map(|open| open.name.as_str());
        let item = match (test, entry) {
            (Some(test), _) => test,
            (None, Some(entry)) => entry.to_owned(),
            (None, None) => inner.collect::<Vec<_>>().join("::"),
        };
        let file = &self.file;
        self.found.extend(labels.into_iter().map(|label| Citation { label, file: file.clone(), item: item.clone(), proves }));
    }
}

/// The name of the item this line begins.
fn head(line: &str) -> Option<String> {
    let name_of = |text: &str| text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>();
    let mut words = line;
    loop {
        let (word, rest) = words.split_once(' ')?;
        match word {
            "pub" | "pub(crate)" | "pub(super)" | "const" if !rest.starts_with("fn") && word == "const" => {
                return Some(name_of(rest));
            }
            "pub" | "pub(crate)" | "pub(super)" | "const" | "async" | "unsafe" => words = rest,
            "fn" | "struct" | "enum" | "trait" | "mod" | "type" | "macro_rules!" => return Some(name_of(rest)),
            "static" => return Some(name_of(rest.trim_start_matches("mut "))),
            // The type, whatever it implements.
            "impl" => {
                let of = rest.rsplit_once(" for ").map_or(rest, |(_, of)| of);
                return Some(name_of(of.rsplit("::").next().unwrap_or(of)));
            }
            // A macro's own kind of enum, or a list in a macro: words! { State { ... } }.
            _ if rest == "{" && word.ends_with('!') => return Some(String::new()),
            _ if rest == "{" && name_of(word) == word => return Some(word.to_owned()),
            _ => return None,
        }
    }
}

/// A row of the rule table, or a knob.
fn entry(line: &str) -> Option<String> {
    let quoted = |text: &str| text.split('"').nth(1).map(str::to_owned);
    if line.starts_with("rule(\"") {
        return quoted(line).map(|name| format!("row {name}"));
    }
    (line.ends_with("\" {") && line.contains(" = \"")).then(|| quoted(line).map(|name| format!("knob {name}"))).flatten()
}

/// The comment behind the code of a line.
fn comment_behind(line: &str) -> Option<&str> {
    let (mut quoted, mut escaped) = (false, false);
    for (at, c) in line.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => quoted = !quoted,
            '/' if !quoted && line[at..].starts_with("//") => return Some(&line[at..]),
            _ => {}
        }
    }
    None
}

/// What looks like a label: `MUST-10`, `R5961-4`, `R793-1122-1`.
pub(crate) fn labels(text: &str) -> Vec<String> {
    let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '-').map(|word| word.trim_matches('-'));
    words.filter(|word| is_label(word)).map(str::to_owned).collect()
}

fn is_label(word: &str) -> bool {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|octet| octet.is_ascii_digit());
    let Some((kind, number)) = word.split_once('-') else { return false };
    let rfc = kind.strip_prefix('R').is_some_and(digits);
    let known = ["MUST", "SHLD", "MAY", "REC"].contains(&kind);
    known && digits(number) || rfc && number.split('-').all(digits)
}
