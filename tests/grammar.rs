//! docs/ladder-grammar.md means what it says: every example in it is read.
//!
//! Blocks marked `ladder` must be scenarios; those marked `ladder error` must not be, with the message
//! behind `>`; those marked `ladder plays` must be, but cannot be played, with the message of their
//! first line.

use synfin::engine::{Flags, Profile, State};
use synfin::sources::scenario::{Overrides, Scenario};

const PAGE: &str = include_str!("../docs/ladder-grammar.md");

/// A fenced block: the line it begins on, the words behind its fence, its text.
fn blocks() -> Vec<(usize, &'static str, String)> {
    let mut blocks = Vec::new();
    let mut open: Option<(usize, &str, String)> = None;
    for (line, number) in PAGE.lines().zip(1..) {
        match (line.strip_prefix("```"), &mut open) {
            (Some(words), None) => open = Some((number, words, String::new())),
            (Some(_), Some(_)) => blocks.extend(open.take()),
            (None, Some((.., text))) => text.extend([line, "\n"]),
            (None, None) => {}
        }
    }
    assert!(open.is_none(), "the last block is not closed");
    blocks
}

fn marked(words: &str) -> impl Iterator<Item = (usize, String)> {
    let found: Vec<_> = blocks().into_iter().filter(|(_, of, _)| *of == words).map(|(line, _, text)| (line, text)).collect();
    assert!(!found.is_empty(), "no block is marked {words}");
    found.into_iter()
}

#[test]
fn examples_are_read_and_can_be_played() {
    for (line, text) in marked("ladder") {
        let scenario = Scenario::parse("example", &text).unwrap_or_else(|error| panic!("block on line {line}: {error}"));
        scenario.simulate(&Overrides::default()).unwrap_or_else(|error| panic!("block on line {line}: {error}"));
    }
}

#[test]
fn the_first_example_comes_true() {
    let (_, text) = marked("ladder").next().expect("there are examples");
    let scenario = Scenario::parse("example", &text).expect("read above");
    let expected: Vec<_> = scenario.expectation().collect();
    let actual = synfin::ladder::rungs(&scenario.run(), true);
    if let Some(mismatch) = synfin::sinks::diff::compare(&expected, &actual) {
        panic!("{mismatch}");
    }
}

#[test]
fn mistakes_are_told_as_shown() {
    for (line, text) in marked("ladder error") {
        let (text, message) = text.rsplit_once("\n> ").unwrap_or_else(|| panic!("block on line {line} shows no message"));
        let error = Scenario::parse("example", text).expect_err("marked as an error");
        let told = error.mistake.to_string();
        assert_eq!(told.lines().next(), Some(message.trim_end()), "block on line {line}");
    }
}

#[test]
fn what_cannot_be_played_says_why() {
    for (line, text) in marked("ladder plays") {
        let message = text.lines().next().and_then(|line| line.strip_prefix("# synfin: ")).expect("the message comes first");
        let scenario = Scenario::parse("example", &text).unwrap_or_else(|error| panic!("block on line {line}: {error}"));
        let error = scenario.simulate(&Overrides::default()).expect_err("cannot be played");
        assert_eq!(error.to_string(), message, "block on line {line}");
    }
}

#[test]
fn no_other_kind_of_block_claims_to_be_a_ladder() {
    for (line, words, _) in blocks() {
        let known = ["ladder", "ladder error", "ladder plays", "ebnf", "text"];
        assert!(known.contains(&words), "line {line}: {words:?} is not tested");
    }
}

#[test]
fn the_grammar_knows_every_word_the_parser_knows() {
    let grammar = marked("ebnf").next().expect("the grammar").1;
    let named = |word: &str| assert!(grammar.contains(&format!("\"{word}\"")), "{word} is not in the grammar");
    let states = State::ALL.iter().map(|state| state.name());
    let flags = Flags::NAMED.into_iter().map(|(_, name)| name);
    for word in states.chain(flags).chain(Profile::NAMES) {
        named(word);
    }
    // The message of the parser lists what it takes.
    let error = Scenario::parse("example", "A nothing").expect_err("no such call");
    let (list, _) = error.mistake.expected.split_once('(').expect("a list").1.split_once(')').expect("its end");
    list.split(", ").for_each(named);
}
