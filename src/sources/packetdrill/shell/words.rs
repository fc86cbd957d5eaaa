//! A command line into pipelines of words.

use std::iter::Peekable;
use std::str::Chars;

/// Commands with `|` between.
pub(super) type Pipeline = Vec<Command>;

/// A command: its words, and the file that takes its output.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Command {
    pub(super) words: Vec<String>,
    pub(super) into: Option<String>,
}

/// The pipelines of a command line or a file of them.
///
/// Each is expected to succeed: of `a && b` both count, of `a || b` the first.
pub(super) fn pipelines(text: &str) -> Result<Vec<Pipeline>, String> {
    let mut reader = Reader { rest: text.chars().peekable(), pipelines: Vec::new(), passed_over: false };
    reader.read()?;
    Ok(reader.pipelines)
}

struct Reader<'a> {
    rest: Peekable<Chars<'a>>,
    pipelines: Vec<Pipeline>,
    /// What stands behind `||`, which is for a command that fails.
    passed_over: bool,
}

impl Reader<'_> {
    fn read(&mut self) -> Result<(), String> {
        let mut pipeline = vec![Command::default()];
        while let Some(character) = self.rest.next() {
            match character {
                ' ' | '\t' | '\r' => {}
                '#' => while self.rest.next_if(|next| *next != '\n').is_some() {},
                '\\' if self.rest.next_if_eq(&'\n').is_some() => {}
                '\n' | ';' => self.end(&mut pipeline, false),
                '&' if self.rest.next_if_eq(&'&').is_some() => self.end(&mut pipeline, false),
                '|' if self.rest.next_if_eq(&'|').is_some() => self.end(&mut pipeline, true),
                '|' => pipeline.push(Command::default()),
                '&' | '(' | ')' | '{' | '}' | '<' | '`' => return Err(format!("{character} in a shell command")),
                '>' => self.redirect(&mut pipeline, false)?,
                _ => {
                    let word = self.word(character)?;
                    if word == "2" && self.rest.next_if_eq(&'>').is_some() {
                        self.redirect(&mut pipeline, true)?;
                    } else if let Some(command) = pipeline.last_mut() {
                        command.words.push(word);
                    }
                }
            }
        }
        self.end(&mut pipeline, false);
        Ok(())
    }

    fn end(&mut self, pipeline: &mut Pipeline, next_is_passed_over: bool) {
        let ended = std::mem::replace(pipeline, vec![Command::default()]);
        if !self.passed_over && ended.iter().any(|command| !command.words.is_empty()) {
            self.pipelines.push(ended);
        }
        self.passed_over = next_is_passed_over;
    }

    /// Behind `>` or `2>`.
    fn redirect(&mut self, pipeline: &mut Pipeline, of_errors: bool) -> Result<(), String> {
        let appends = self.rest.next_if_eq(&'>').is_some();
        if self.rest.next_if_eq(&'&').is_some() {
            while self.rest.next_if(char::is_ascii_digit).is_some() {}
            return Ok(());
        }
        while self.rest.next_if_eq(&' ').is_some() {}
        let first = self.rest.next().ok_or("> without a file in a shell command")?;
        let file = self.word(first)?;
        if file == "/dev/null" {
            return Ok(());
        }
        if of_errors || appends {
            return Err(format!("output to {file} in a shell command"));
        }
        if let Some(command) = pipeline.last_mut() {
            command.into = Some(file);
        }
        Ok(())
    }

    /// A word that begins with this character; what a variable would stand for is not known, and it stays as written.
    fn word(&mut self, first: char) -> Result<String, String> {
        let mut word = String::new();
        let mut next = Some(first);
        while let Some(character) = next {
            match character {
                '\'' => self.quoted('\'', &mut word)?,
                '"' => self.quoted('"', &mut word)?,
                '\\' => word.extend(self.rest.next().filter(|escaped| *escaped != '\n')),
                '$' if self.rest.next_if_eq(&'{').is_some() => {
                    word += "${";
                    for inner in self.rest.by_ref() {
                        word.push(inner);
                        if inner == '}' {
                            break;
                        }
                    }
                }
                '$' if self.rest.peek() == Some(&'(') => return Err("$( in a shell command".to_owned()),
                other => word.push(other),
            }
            next = self.rest.next_if(|next| !next.is_whitespace() && !";&|()<>`".contains(*next));
        }
        Ok(word)
    }

    fn quoted(&mut self, mark: char, word: &mut String) -> Result<(), String> {
        while let Some(character) = self.rest.next() {
            match character {
                _ if character == mark => return Ok(()),
                '\\' if mark == '"' => word.extend(self.rest.next()),
                other => word.push(other),
            }
        }
        Err(format!("{mark} without its end in a shell command"))
    }
}
