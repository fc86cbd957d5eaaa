//! A mistake in a scenario, as a person is told of it: where, what stands there, what would be right.

use std::fmt;

/// A mistake in a scenario: where, what was found, what would be right.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{name}:{mistake}")]
pub struct ParseError {
    /// What was read: a path or a name.
    pub name: String,
    /// The mistake.
    pub mistake: Box<Mistake>,
}

/// Where in a text, what was expected, what was found.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Mistake {
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// Characters the mistake covers.
    pub width: usize,
    /// The whole line.
    pub text: String,
    /// What would have been right.
    pub expected: String,
    /// What stands there.
    pub found: String,
    /// The nearest thing that exists.
    pub hint: Option<String>,
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: expected {}, found {}", self.line, self.column, self.expected, self.found)?;
        if let Some(hint) = &self.hint {
            write!(f, "; did you mean {hint}?")?;
        }
        let number = self.line.to_string();
        let gutter = " ".repeat(number.len());
        let indent = " ".repeat(self.column.saturating_sub(1));
        write!(f, "\n {gutter} |\n {number} | {}\n {gutter} | {indent}{}", self.text, "^".repeat(self.width.max(1)))
    }
}
