//! What is not as a script expects, as a person is told of it.

use std::fmt;

use crate::mistake::Mistake;
use crate::sources::packetdrill::syntax::Span;

/// Where in a script.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Place {
    /// The script's name.
    pub name: String,
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// The line, and carets to go below it.
    excerpt: Option<(String, String)>,
}

impl Place {
    /// Where the octets of `span` stand in a script.
    pub(super) fn of(name: &str, text: &str, span: Span) -> Self {
        let place = span.place(text);
        let (line, column, width) = (place.line, place.column, place.width);
        let excerpt = (!text.is_empty()).then(|| {
            let (expected, found) = (String::new(), String::new());
            Mistake { line, column, width, text: place.text.to_owned(), expected, found, hint: None }.excerpt()
        });
        Self { name: name.to_owned(), line, column, excerpt }
    }

    /// The line with carets below it; nothing where there is no text.
    fn show(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some((excerpt, carets)) = &self.excerpt else { return Ok(()) };
        let number = self.line.to_string();
        let gutter = " ".repeat(number.len());
        write!(f, "\n {gutter} |\n {number} | {excerpt}\n {gutter} | {carets}")
    }
}

impl fmt::Display for Place {
    /// `script.pkt:12:5`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.name, self.line, self.column)
    }
}

/// One thing that is not as expected.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Difference {
    /// What: `flags`, `seq`, `time`.
    pub field: String,
    /// What the script says.
    pub expected: String,
    /// What there was.
    pub actual: String,
}

impl Difference {
    #[expect(clippy::needless_pass_by_value, reason = "numbers and texts alike")]
    pub(super) fn new(field: impl Into<String>, expected: impl ToString, actual: impl ToString) -> Self {
        Self { field: field.into(), expected: expected.to_string(), actual: actual.to_string() }
    }
}

/// What was at stake.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Subject {
    /// A packet.
    Packet,
    /// A system call.
    Call,
    /// A shell command.
    Command,
    /// An assertion in `%{ }%`.
    Code,
}

impl Subject {
    const fn words(self) -> &'static str {
        match self {
            Self::Packet => "error handling packet",
            Self::Call => "runtime error in system call",
            Self::Command => "error executing command",
            Self::Code => "assertion failed",
        }
    }
}

/// An event that did not go as its line says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Mismatch {
    /// Where.
    pub place: Place,
    /// What was at stake.
    pub subject: Subject,
    /// What is wrong, in a sentence.
    pub summary: String,
    /// The packet that is written, in the script's notation.
    pub expected: Option<String>,
    /// The packet there was, in the same notation.
    pub actual: Option<String>,
    /// All that differs, in the order in which it is looked at.
    pub differences: Vec<Difference>,
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = format!("{}: {}:", self.place, self.subject.words());
        let fits = place.chars().count() + 1 + self.summary.chars().count() <= COLUMNS;
        write!(f, "{place}{}{}", if fits { " " } else { "\n  " }, self.summary)?;
        self.place.show(f)?;
        for (word, packet) in [("script packet", &self.expected), ("actual packet", &self.actual)] {
            if let Some(packet) = packet {
                write!(f, "\n  {word}: {packet}")?;
            }
        }
        if self.differences.is_empty() {
            return Ok(());
        }
        let width = |text: fn(&Difference) -> &str, least: usize| {
            let widths = self.differences.iter().map(|difference| text(difference).chars().count());
            widths.max().unwrap_or(0).clamp(least, WIDEST)
        };
        let (first, second) = (width(|difference| &difference.field, 0), width(|difference| &difference.expected, "expected".len()));
        write!(f, "\n  {:first$}  {:second$}  actual", "", "expected")?;
        for Difference { field, expected, actual } in &self.differences {
            write!(f, "\n  {field:first$}  {expected:second$}  {actual}")?;
        }
        Ok(())
    }
}

/// How wide a terminal is taken to be.
const COLUMNS: usize = 80;

/// The widest column of the table below a mismatch.
const WIDEST: usize = 34;

/// Something that keeps a script from being judged.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Trouble {
    /// Where.
    pub place: Place,
    /// What.
    pub what: String,
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.what)?;
        self.place.show(f)
    }
}
