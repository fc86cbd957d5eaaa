//! `%{ }%`: the statements about `tcpi_*` numbers that scripts make, in the Python they are written in.
//!
//! An evaluator for what scripts use of that language and nothing else: assertions, comparisons, arithmetic, a name
//! given to a value. No loops, no definitions, no attributes, no files: a snippet ends after as many steps as it has
//! tokens. What is not understood is unsupported, never true and never false.

mod evaluate;
mod lex;
mod parse;
#[cfg(test)]
mod tests;
mod value;

use std::collections::HashMap;

pub use value::Value;

/// Something in a snippet that does not hold, or cannot be meant.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CodeError {
    /// Where in the snippet, in octets.
    pub span: std::ops::Range<usize>,
    /// What is wrong.
    pub fault: Fault,
}

/// What is wrong with a snippet.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Fault {
    /// An assertion does not hold: what it said, and the values of the names it speaks of.
    Untrue(String),
    /// Something that Python has and this has not, or a name that nobody gave a value; in words.
    Unsupported(String),
    /// It is no Python: what was expected, what was found.
    Malformed(String),
}

impl CodeError {
    const fn new(span: std::ops::Range<usize>, fault: Fault) -> Self {
        Self { span, fault }
    }
}

/// The names of a script's snippets: one program, of which each snippet is a part.
#[derive(Clone, Debug, Default)]
pub struct Program {
    names: HashMap<String, Value>,
    /// Words of all snippets so far.
    words: usize,
}

/// Most words that the snippets of a script may have together.
const MOST_WORDS: usize = 500_000;

impl Program {
    /// A program that knows `True`, `False` and `None`.
    pub fn new() -> Self {
        let mut program = Self::default();
        program.define("True", Value::Bool(true));
        program.define("False", Value::Bool(false));
        program.define("None", Value::Nothing);
        program
    }

    /// Gives a name a value, as the snapshot before a snippet does with each `tcpi_*`.
    pub fn define(&mut self, name: &str, value: Value) {
        self.names.insert(name.to_owned(), value);
    }

    /// What this name meant is not known any more.
    pub fn forget(&mut self, name: &str) {
        self.names.remove(name);
    }

    /// Runs one snippet.
    ///
    /// # Errors
    /// [`CodeError`] for the first assertion that does not hold, and for what cannot be meant.
    pub fn run(&mut self, snippet: &str) -> Result<(), CodeError> {
        let tokens = lex::tokens(snippet)?;
        self.words += tokens.len();
        if self.words > MOST_WORDS {
            return Err(CodeError::new(0..snippet.len(), Fault::Unsupported(format!("code of more than {MOST_WORDS} words in all"))));
        }
        let statements = parse::statements(&tokens)?;
        statements.iter().try_for_each(|statement| evaluate::carry_out(&mut self.names, statement))
    }
}
