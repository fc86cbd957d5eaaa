//! Where one stands in a trace, and what each command changes about it.

use std::fmt;

use synfin::engine::Variables;
use synfin::trace::{Entry, HostId, Trace, What};
use synfin::{Scenario, State};

/// A place in a recorded run.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Model {
    /// The scenario's name.
    pub(super) name: String,
    /// Its title, for the first screen.
    pub(super) title: String,
    pub(super) trace: Trace,
    /// How many entries of the trace have happened.
    pub(super) position: usize,
    pub(super) screen: Screen,
}

/// What is shown.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Screen {
    /// What has just happened, and both endpoints.
    Endpoints,
    /// The ladder so far.
    Ladder,
    /// The commands.
    Help,
    /// That there is nothing in this direction.
    NoFurther(Direction),
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Direction {
    Forwards,
    Backwards,
}

/// What a line can ask for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Command {
    Next(usize),
    Back(usize),
    NextChange(usize),
    PreviousChange(usize),
    Jump(usize),
    Ladder,
    Help,
    Quit,
}

/// Every spelling of a command: short, long, whether a number may follow, and what it does.
pub(super) const COMMANDS: [(&str, &str, &str, &str); 8] = [
    ("n", "next", " [N]", "one step forwards, or N; also an empty line"),
    ("b", "back", " [N]", "one step backwards, or N"),
    ("s", "state", " [N]", "forwards to the next change of state, or the N-th"),
    ("S", "STATE", " [N]", "backwards to the previous change of state, or the N-th"),
    ("g", "go", " N", "to step N; 0 is before anything happened"),
    ("l", "ladder", "", "the ladder so far"),
    ("h", "help", "", "these commands"),
    ("q", "quit", "", "leave; so does the end of input"),
];

/// Why a line is no command.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Mistake {
    /// There is no such command.
    Unknown { word: String, nearest: Option<&'static str> },
    /// The command wants a number there, or nothing.
    Number { word: String, found: String, expected: &'static str },
}

impl Command {
    /// What a line asks for.
    pub(super) fn parse(line: &str) -> Result<Self, Mistake> {
        let mut words = line.split_whitespace();
        let Some(word) = words.next() else { return Ok(Self::Next(1)) };
        let known = COMMANDS.iter().find(|(short, long, ..)| *short == word || *long == word);
        let Some((short, _, takes, _)) = known else {
            return Err(Mistake::Unknown { word: shown(word), nearest: nearest(word) });
        };
        let rest = words.collect::<Vec<_>>().join(" ");
        let mistake = |expected| Mistake::Number { word: word.to_owned(), found: shown(&rest), expected };
        let count = || match rest.as_str() {
            "" => Ok(1),
            text => text.parse().map_err(|_| mistake("a whole number, or nothing")),
        };
        if takes.is_empty() && !rest.is_empty() {
            return Err(mistake("nothing"));
        }
        match *short {
            "n" => count().map(Self::Next),
            "b" => count().map(Self::Back),
            "s" => count().map(Self::NextChange),
            "S" => count().map(Self::PreviousChange),
            "g" => rest.parse().map(Self::Jump).map_err(|_| mistake("the number of a step")),
            "l" => Ok(Self::Ladder),
            "h" => Ok(Self::Help),
            _ => Ok(Self::Quit),
        }
    }
}

/// The command most like a word, or at least with its first letter.
fn nearest(word: &str) -> Option<&'static str> {
    let word = word.to_lowercase();
    let distances = COMMANDS.iter().map(|(_, long, ..)| (strsim::damerau_levenshtein(&word, long), *long));
    let near = distances.filter(|(distance, _)| *distance <= 2 && *distance < word.len()).min();
    let alike = || COMMANDS.iter().find(|(short, ..)| word.starts_with(short));
    near.map(|(_, long)| long).or_else(|| alike().map(|(_, long, ..)| *long))
}

/// What was typed, as much of it as a message bears.
fn shown(text: &str) -> String {
    let short: String = text.chars().take(20).collect();
    if text.chars().nth(20).is_some() { short + "..." } else { short }
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown { word, nearest } => {
                let hint = nearest.map_or(String::new(), |name| format!("; did you mean {name}?"));
                writeln!(f, "there is no command {word:?}{hint}")?;
                let names: Vec<_> = COMMANDS.iter().map(|(short, long, ..)| format!("{short} {long}")).collect();
                write!(f, "  expected {}", names.join(", "))
            }
            Self::Number { word, found, expected } if found.is_empty() => {
                write!(f, "{word}: expected {expected}, found the end of the line")
            }
            Self::Number { word, found, expected } => write!(f, "{word}: expected {expected}, found {found:?}"),
        }
    }
}

/// The model after a command.
pub(super) fn update(model: Model, command: Command) -> Model {
    let (here, end) = (model.position, model.trace.entries.len());
    let (position, screen) = match command {
        Command::Next(_) | Command::NextChange(_) if here == end => (here, Screen::NoFurther(Direction::Forwards)),
        Command::Back(_) | Command::PreviousChange(_) if here == 0 => (here, Screen::NoFurther(Direction::Backwards)),
        Command::Next(count) => (here.saturating_add(count).min(end), Screen::Endpoints),
        Command::Back(count) => (here.saturating_sub(count), Screen::Endpoints),
        Command::NextChange(0) | Command::PreviousChange(0) => (here, Screen::Endpoints),
        Command::NextChange(count) => {
            let found = (here + 1..=end).filter(|position| model.is_change(*position)).nth(count - 1);
            (found.unwrap_or(end), Screen::Endpoints)
        }
        Command::PreviousChange(count) => {
            let found = (1..here).rev().filter(|position| model.is_change(*position)).nth(count - 1);
            (found.unwrap_or(0), Screen::Endpoints)
        }
        Command::Jump(position) => (position.min(end), Screen::Endpoints),
        Command::Ladder => (here, Screen::Ladder),
        Command::Help => (here, Screen::Help),
        Command::Quit => (here, model.screen),
    };
    Model { position, screen, ..model }
}

impl Model {
    /// Before anything has happened.
    pub(super) fn new(scenario: &Scenario, trace: Trace) -> Self {
        Self { name: scenario.name.clone(), title: scenario.title.clone(), trace, position: 0, screen: Screen::Endpoints }
    }

    /// What has just happened; `None` at the beginning.
    pub(super) fn last(&self) -> Option<&Entry> {
        self.position.checked_sub(1).map(|last| &self.trace.entries[last])
    }

    /// What comes next; `None` at the end.
    pub(super) fn next(&self) -> Option<&Entry> {
        self.trace.entries.get(self.position)
    }

    /// Whether the step that leads to this position changes a state.
    fn is_change(&self, position: usize) -> bool {
        let entry = &self.trace.entries[position - 1];
        entry.before != entry.after || entry.rules.iter().any(|rule| rule.changes_state())
    }

    /// The endpoints of the hosts after `position` steps, in the order of the hosts.
    pub(super) fn sides(&self, position: usize) -> Vec<Side<'_>> {
        let happened = &self.trace.entries[..position];
        let side = |host: HostId, initial: State| {
            let mut own = happened.iter().rev().filter(|entry| entry.host == host);
            let state = own.clone().next().map_or(initial, |entry| entry.after);
            // A loss happens to the network, a rejection to no endpoint, a note to nobody: the variables stay what they were.
            let told = own.find(|entry| !matches!(entry.what, What::Loss(_) | What::Rejection(_) | What::Note(_)));
            Side { state, variables: told.and_then(|entry| entry.variables.as_deref()) }
        };
        (0_u8..).zip(&self.trace.hosts).map(|(id, host)| side(HostId(id), host.initial_state)).collect()
    }
}

/// One host as it stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Side<'a> {
    pub(super) state: State,
    /// `None` while there is no endpoint.
    pub(super) variables: Option<&'a Variables>,
}
