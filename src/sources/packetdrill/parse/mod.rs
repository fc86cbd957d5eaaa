//! From text to the syntax tree.
//!
//! Here: what a script consists of, and how a mistake is told. Beside: events and their times ([`event`]), packets
//! ([`packet`], [`tcp`], [`options`], [`icmp`]), system calls ([`call`]).

mod call;
mod event;
mod icmp;
mod options;
mod packet;
mod tcp;
#[cfg(test)]
mod tests;

use super::lex::{Kind, Lexer, Token, is_word};
use super::syntax::{Place, Script, ScriptOption, Span, Spanned};
use crate::mistake::{Mistake, ParseError};
use crate::nearest::nearest;

/// Most octets of a script that are read.
pub const MAX_OCTETS: usize = 16 << 20;

/// Most events of a script; the longest that are written by hand have a few hundred.
pub const MAX_EVENTS: usize = 100_000;

/// Most option lines of a script.
const MAX_OPTIONS: usize = 1000;

/// Reads a script; `name` is what a mistake in it is told by.
///
/// `defined` are the names that `-D` and the operating system define, with what words of these names stand for: a
/// string in `"`, a command in backticks, an integer or a word; nothing for a name that only an `#ifdef` asks for. They
/// count for more than what the script's own `--define` lines say.
///
/// # Errors
/// The first mistake: a thing that stands where another had to stand, a number out of its range, a time before the one
/// above it, more than [`MAX_OCTETS`] or [`MAX_EVENTS`].
pub fn parse(name: &str, text: &str, defined: &[(String, String)]) -> Result<Script, ParseError> {
    let read = if text.len() > MAX_OCTETS {
        let found = format!("{} octets", text.len());
        let (expected, span) = (format!("a script of at most {MAX_OCTETS} octets"), Span { start: MAX_OCTETS, end: MAX_OCTETS });
        Err(Box::new(Trouble { span, expected, found, hint: None }))
    } else {
        Parser::new(text, defined).script()
    };
    read.map_err(|trouble| ParseError { name: name.to_owned(), mistake: Box::new(trouble.mistake(text)) })
}

/// What was read, or what is wrong.
type Parsed<T> = Result<T, Box<Trouble>>;

/// A mistake as the parser knows it.
#[derive(Debug)]
struct Trouble {
    span: Span,
    expected: String,
    found: String,
    hint: Option<String>,
}

impl Trouble {
    fn mistake(self, text: &str) -> Mistake {
        let Self { span, expected, found, hint } = self;
        let Place { line, column, text, width } = span.place(text);
        Mistake { line, column, width, text: text.to_owned(), expected, found, hint }
    }
}

/// Reads a script with one token known ahead.
struct Parser<'a> {
    lexer: Lexer<'a>,
    /// The next token.
    token: Token<'a>,
    /// Behind the last token taken.
    end: usize,
    /// Where the event began that is being read: what is missing on its line is told at the end of that.
    began: usize,
    /// Structures and lists that are open.
    depth: usize,
    /// Values in the calls so far.
    values: usize,
    /// Whether parentheses behind a name hold its arguments.
    applies: bool,
}

impl<'a> Parser<'a> {
    fn new(text: &'a str, defined: &'a [(String, String)]) -> Self {
        let mut lexer = Lexer::new(text, defined);
        let token = lexer.token();
        Self { lexer, token, end: 0, began: 0, depth: 0, values: 0, applies: true }
    }

    fn script(mut self) -> Parsed<Script> {
        let mut script = Script::default();
        while self.token.kind == Kind::Sign('-') && self.at_option() {
            if script.options.len() == MAX_OPTIONS {
                return Err(self.unexpected(&format!("at most {MAX_OPTIONS} options")));
            }
            let option = self.option()?;
            script.options.push(option);
        }
        if self.token.kind == Kind::Command {
            script.init = Some(self.command());
        }
        while !matches!(self.token.kind, Kind::End | Kind::Command) {
            if script.events.len() == MAX_EVENTS {
                self.began = self.token.span.start;
                return Err(self.unexpected(&format!("at most {MAX_EVENTS} events")));
            }
            let event = self.event(&script.events)?;
            script.events.push(event);
        }
        self.began = self.token.span.start;
        if script.events.is_empty() {
            return Err(self.unexpected("the first event, such as `0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3`"));
        }
        if self.token.kind == Kind::Command {
            script.cleanup = Some(self.command());
            if self.token.kind != Kind::End {
                let command = script.cleanup.as_ref().map_or(Span::default(), |command| command.span);
                let expected = "a time before a command that is neither the first line nor the last";
                return Err(wrong(command, expected, "a command without one"));
            }
        }
        script.asked = self.lexer.into_asked();
        Ok(script)
    }

    fn at_option(&self) -> bool {
        self.lexer.text()[self.token.span.start..].starts_with("--")
    }

    /// `--name`, `--name=value`, `--define NAME=value`, letter by letter: a value is no token.
    fn option(&mut self) -> Parsed<Spanned<ScriptOption>> {
        let text = self.lexer.text();
        let start = self.token.span.start;
        let begin = start + "--".len();
        let is_name = |c: char| is_word(c) || c == '-';
        let name_end = behind(text, begin, |c| !is_name(c));
        if name_end == begin {
            return Err(wrong(Span { start, end: begin }, "an option such as --mtu=1500", "no name"));
        }
        let name = text[begin..name_end].replace('-', "_");
        let rest = &text[name_end..];
        let equals = rest.starts_with('=');
        let spaces = rest.len() - rest.trim_start_matches([' ', '\t']).len();
        let follows = name == "define" && spaces > 0 && rest[spaces..].starts_with(is_word);
        let (value, end) = if equals || follows {
            let at = name_end + if equals { 1 } else { spaces };
            if name == "define" { self.definition(at)? } else { self.option_value(at)? }
        } else {
            let stray = name_end + spaces;
            if text[stray..].starts_with(|c: char| is_word(c) || c == '"') {
                let found = &text[stray..behind(text, stray, |c| c.is_ascii_whitespace())];
                let span = Span { start: stray, end: stray + found.len() };
                return Err(wrong(span, &format!("= before the value of --{name}"), &shown(found)));
            }
            (None, name_end)
        };
        if name == "define" && value.is_none() {
            return Err(wrong(Span { start, end }, "--define=NAME=value", "no name"));
        }
        if text[end..].starts_with(|c: char| !c.is_ascii_whitespace() && c != '/') {
            let stray = behind(text, end, |c| c.is_ascii_whitespace());
            return Err(wrong(Span { start: end, end: stray }, "the end of the option", &shown(&text[end..stray])));
        }
        self.resume(end);
        Ok(Spanned { value: ScriptOption { name, value }, span: Span { start, end } })
    }

    /// The value of an option that begins there, and its end.
    fn option_value(&mut self, at: usize) -> Parsed<(Option<String>, usize)> {
        let text = self.lexer.text();
        if text[at..].starts_with('"') {
            self.resume(at);
            if self.token.kind != Kind::Text {
                return Err(self.unexpected("a value in quotes"));
            }
            return Ok((Some(self.token.text.to_owned()), self.token.span.end));
        }
        let end = word_end(text, at);
        if end == at {
            return Err(wrong(Span { start: at, end: at + 1 }, "a value behind the =", "none"));
        }
        let written = &text[at..end];
        let value = self.lexer.definition(written).map_or(written, |value| value.trim_matches('"'));
        Ok((Some(value.to_owned()), end))
    }

    /// `NAME=value`, and the end of it; from here on words of this name stand for the value.
    fn definition(&mut self, at: usize) -> Parsed<(Option<String>, usize)> {
        let text = self.lexer.text();
        let name_end = behind(text, at, |c| !is_word(c));
        let name = &text[at..name_end];
        if name.is_empty() {
            return Err(wrong(Span { start: at, end: at + 1 }, "--define=NAME=value", "no name"));
        }
        if !text[name_end..].starts_with('=') {
            self.lexer.define(name, "");
            return Ok((Some(name.to_owned()), name_end));
        }
        let value_at = name_end + 1;
        let end = if text[value_at..].starts_with(['"', '`']) {
            self.resume(value_at);
            let token = self.token;
            if !matches!(token.kind, Kind::Text | Kind::Command) {
                return Err(self.unexpected("a value in quotes"));
            }
            token.span.end
        } else {
            word_end(text, value_at)
        };
        self.lexer.define(name, &text[value_at..end]);
        Ok((Some(text[at..end].to_owned()), end))
    }

    fn command(&mut self) -> Spanned<String> {
        let token = self.take();
        Spanned { value: token.text.to_owned(), span: token.span }
    }

    /// Takes the next token, whatever it is.
    fn take(&mut self) -> Token<'a> {
        let token = self.token;
        self.end = token.span.end;
        self.token = self.lexer.token();
        token
    }

    /// Goes on there, in the next token or behind it: what stands before was read letter by letter.
    fn resume(&mut self, octet: usize) {
        self.lexer.go_to_octet(octet);
        self.end = octet;
        self.token = self.lexer.token();
    }

    /// The token behind the next one.
    fn peek(&mut self) -> Token<'a> {
        let position = self.lexer.position();
        let token = self.lexer.token();
        self.lexer.go_to(position);
        token
    }

    /// Whether the next token stands on the line of the last one taken.
    fn is_on_this_line(&self) -> bool {
        self.lexer.text().get(self.end..self.token.span.start).is_some_and(|between| !between.contains('\n'))
    }

    fn is_sign(&self, sign: char) -> bool {
        self.token.kind == Kind::Sign(sign)
    }

    fn is_name(&self, word: &str) -> bool {
        self.token.kind == Kind::Word && self.token.text == word
    }

    /// Takes this sign if it is the next token.
    fn sign(&mut self, sign: char) -> bool {
        let found = self.is_sign(sign);
        if found {
            self.take();
        }
        found
    }

    /// Takes this word if it is the next token.
    fn name(&mut self, word: &str) -> bool {
        let found = self.is_name(word);
        if found {
            self.take();
        }
        found
    }

    fn expect_sign(&mut self, sign: char, expected: &str) -> Parsed<()> {
        if self.sign(sign) { Ok(()) } else { Err(self.unexpected(expected)) }
    }

    /// A whole number of at most `max`, written in decimal or with `0x`.
    fn number(&mut self, what: &str, max: u64) -> Parsed<u64> {
        let value = match self.token.kind {
            Kind::Integer => self.token.text.parse().ok(),
            Kind::Hex => u64::from_str_radix(&self.token.text[2..], 16).ok(),
            _ => None,
        };
        match value.filter(|value| *value <= max) {
            Some(value) => {
                self.take();
                Ok(value)
            }
            None => Err(self.unexpected(&format!("{what}, from 0 to {max}"))),
        }
    }

    fn number_u8(&mut self, what: &str) -> Parsed<u8> {
        self.number(what, u8::MAX.into()).map(|number| u8::try_from(number).unwrap_or(u8::MAX))
    }

    fn number_u16(&mut self, what: &str) -> Parsed<u16> {
        self.number(what, u16::MAX.into()).map(|number| u16::try_from(number).unwrap_or(u16::MAX))
    }

    fn number_u32(&mut self, what: &str) -> Parsed<u32> {
        self.number(what, u32::MAX.into()).map(|number| u32::try_from(number).unwrap_or(u32::MAX))
    }

    /// Something else stands where this had to stand.
    fn unexpected(&self, expected: &str) -> Box<Trouble> {
        self.unexpected_of(expected, [])
    }

    /// As [`unexpected`](Self::unexpected), where one of some names had to stand.
    fn unexpected_of<'n>(&self, expected: &str, names: impl IntoIterator<Item = &'n str>) -> Box<Trouble> {
        let Token { kind, span, .. } = self.token;
        let text = self.lexer.text();
        if let Kind::Bad { expected, found } = kind {
            let found = found.map_or_else(|| shown(&text[span.start..span.end]), str::to_owned);
            return wrong(span, expected, &found);
        }
        if kind == Kind::End {
            return wrong(Span { start: self.end, end: self.end }, expected, "the end of the script");
        }
        // What a line lacks is not found on the next one.
        if self.end > self.began && !self.is_on_this_line() {
            return wrong(Span { start: self.end, end: self.end }, expected, "the end of the line");
        }
        let written = &text[span.start..span.end];
        let mut trouble = wrong(span, expected, &shown(written));
        trouble.hint = nearest(written, names).filter(|near| near != written);
        trouble
    }
}

/// What stands there is wrong.
fn wrong(span: Span, expected: &str, found: &str) -> Box<Trouble> {
    Box::new(Trouble { span, expected: expected.to_owned(), found: found.to_owned(), hint: None })
}

/// What was found, in quotes, cropped where it is long.
fn shown(found: &str) -> String {
    match found.char_indices().nth(MAX_SHOWN) {
        None => format!("{found:?}"),
        Some((at, _)) => format!("{:?}...", &found[..at]),
    }
}

/// Most characters of what was found that a message repeats.
const MAX_SHOWN: usize = 60;

/// Where the first such character stands from `at` on, or the end.
fn behind(text: &str, at: usize, is_end: impl Fn(char) -> bool) -> usize {
    text[at..].find(is_end).map_or(text.len(), |len| at + len)
}

/// The end of what begins at `at` and ends at white space or a comment.
fn word_end(text: &str, at: usize) -> usize {
    let space = behind(text, at, |c| c.is_ascii_whitespace());
    let word = &text[at..space];
    at + word.find("//").into_iter().chain(word.find("/*")).min().unwrap_or(word.len())
}
