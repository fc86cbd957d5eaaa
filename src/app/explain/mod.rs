//! `synfin explain`: one word, and what synfin knows of it.

mod subjects;

use std::fmt::Write as _;

use serde::Serialize;

use super::args::Explain;
use super::{Failure, Verdict, output};

/// What is known of a word.
#[derive(Serialize)]
struct Explanation {
    kind: &'static str,
    name: String,
    about: String,
    sections: Vec<Section>,
}

/// A heading, and lines below it.
#[derive(Serialize)]
struct Section {
    title: &'static str,
    lines: Vec<String>,
}

impl Explanation {
    fn new(kind: &'static str, name: impl Into<String>, about: impl Into<String>) -> Self {
        Self { kind, name: name.into(), about: about.into(), sections: Vec::new() }
    }

    /// With a section, unless there is nothing to say in it.
    fn with(mut self, title: &'static str, lines: impl IntoIterator<Item = String>) -> Self {
        let lines: Vec<_> = lines.into_iter().filter(|line| !line.is_empty()).collect();
        if !lines.is_empty() {
            self.sections.push(Section { title, lines });
        }
        self
    }

    fn text(&self) -> String {
        let mut text = format!("{} ({})\n", self.name, self.kind);
        text += &wrapped(&self.about, 2);
        for section in &self.sections {
            let _ = write!(text, "\n{}\n", section.title);
            text.extend(section.lines.iter().map(|line| wrapped(line, 2)));
        }
        text
    }
}

pub(crate) fn run(arguments: &Explain) -> Result<Verdict, Failure> {
    let what = arguments.what.trim();
    let Some(explanation) = subjects::explain(what)? else { return Err(Failure::Request(unknown(what))) };
    if arguments.json {
        output::print(&(serde_json::to_string_pretty(&explanation).map_err(Failure::request)? + "\n"))?;
    } else {
        output::print(&explanation.text())?;
    }
    Ok(Verdict::Yes)
}

fn unknown(what: &str) -> String {
    let hint = synfin::nearest_name(what, subjects::names().iter().map(String::as_str));
    let hint = hint.map_or(String::new(), |name| format!("; did you mean {name}?"));
    format!(
        "nothing is known of {what:?}{hint}; expected a state, a transition, a scenario, a flag, a knob, a profile, an event, a signal or a requirement"
    )
}

/// Text in lines of at most 80 columns, where words allow; lines after the first stand two deeper.
fn wrapped(text: &str, indent: usize) -> String {
    let mut lines = format!("{:indent$}", "");
    let mut column = indent;
    for (index, word) in text.split(' ').enumerate() {
        if index > 0 && column + 1 + word.len() > 80 {
            let deeper = indent + 2;
            let _ = write!(lines, "\n{:deeper$}", "");
            column = deeper;
        } else if index > 0 {
            lines.push(' ');
            column += 1;
        }
        lines.push_str(word);
        column += word.len();
    }
    lines.lines().fold(String::new(), |text, line| text + line.trim_end() + "\n")
}
