//! System calls and their arguments.

use std::time::Duration;

use super::super::lex::{Kind, Token, is_word};
use super::super::syntax::{Expression, Field, Span, Spanned, SystemCall};
use super::{Parsed, Parser, wrong};

/// How deep structures and lists may stand in each other.
pub(super) const MAX_DEPTH: usize = 32;

/// Most values in the calls of a script, each of which takes some fifty octets.
pub(super) const MAX_VALUES: usize = 500_000;

impl Parser<'_> {
    pub(super) fn system_call(&mut self, end: Option<Spanned<Duration>>) -> Parsed<SystemCall> {
        let token = self.take();
        let name = Spanned { value: token.text.to_owned(), span: token.span };
        self.expect_sign('(', "( and the arguments of the call")?;
        let arguments = self.expressions(')', ", or ) behind an argument")?;
        self.expect_sign('=', "= and what the call returns")?;
        let result = self.result()?;
        let errno = if self.is_errno() {
            let token = self.take();
            Some(Spanned { value: token.text.to_owned(), span: token.span })
        } else {
            None
        };
        let note = if self.is_sign('(') { Some(self.note()?) } else { None };
        Ok(SystemCall { end, name, arguments, result, errno, note })
    }

    /// Whether the next word belongs to the call: on another line it may be a call that lacks a time.
    fn is_errno(&self) -> bool {
        self.token.kind == Kind::Word && (self.is_on_this_line() || self.token.text.starts_with('E'))
    }

    /// Words in parentheses, which mean nothing: letter by letter, for anything may stand there.
    fn note(&mut self) -> Parsed<String> {
        let open = self.token.span;
        let text = &self.lexer.text()[open.end..];
        let line = text.find('\n').unwrap_or(text.len());
        let mut depth = 0_usize;
        for (at, character) in text.char_indices() {
            // A note that ends on another line is one only as long as nothing else begins.
            if at >= line && !(is_word(character) || character.is_ascii_whitespace() || matches!(character, ',' | '|' | '.' | ')')) {
                break;
            }
            match character {
                '(' => depth += 1,
                ')' if depth > 0 => depth -= 1,
                ')' => {
                    self.resume(open.end + at + 1);
                    return Ok(text[..at].trim_ascii().to_owned());
                }
                _ => {}
            }
        }
        Err(wrong(open, "the ) at the end of the note", "none"))
    }

    /// Values up to a closing sign, which is taken too; the opening one is.
    fn expressions(&mut self, close: char, expected: &str) -> Parsed<Vec<Spanned<Expression>>> {
        let mut expressions = Vec::new();
        if self.sign(close) {
            return Ok(expressions);
        }
        loop {
            expressions.push(self.expression()?);
            if self.sign(close) {
                return Ok(expressions);
            }
            self.expect_sign(',', expected)?;
        }
    }

    fn expression(&mut self) -> Parsed<Spanned<Expression>> {
        let first = self.operand()?;
        if !self.is_sign('|') {
            return Ok(first);
        }
        let start = first.span.start;
        let mut parts = vec![first];
        while self.sign('|') {
            parts.push(self.operand()?);
        }
        Ok(Spanned { value: Expression::Or(parts), span: Span { start, end: self.end } })
    }

    /// What a call returns: a name in it takes no arguments, for parentheses behind it hold the note.
    fn result(&mut self) -> Parsed<Spanned<Expression>> {
        self.applies = false;
        let result = self.expression();
        self.applies = true;
        result
    }

    fn operand(&mut self) -> Parsed<Spanned<Expression>> {
        self.values += 1;
        if self.values > MAX_VALUES {
            return Err(self.unexpected(&format!("at most {MAX_VALUES} values in the calls of a script")));
        }
        if self.depth == MAX_DEPTH {
            return Err(self.unexpected(&format!("at most {MAX_DEPTH} structures and lists in each other")));
        }
        self.depth += 1;
        let start = self.token.span.start;
        let value = self.operand_value()?;
        self.depth -= 1;
        Ok(Spanned { value, span: Span { start, end: self.end } })
    }

    fn operand_value(&mut self) -> Parsed<Expression> {
        const EXPECTED: &str = "a value: a number, a constant, \"text\", ..., [list] or {structure}";
        let Token { kind, text, .. } = self.token;
        Ok(match kind {
            Kind::Ellipsis => {
                self.take();
                Expression::Ellipsis
            }
            Kind::Integer => {
                let Ok(value) = text.parse() else { return Err(self.unexpected("a number of 64 bits")) };
                self.take();
                Expression::Integer(value)
            }
            Kind::Hex => {
                let Ok(value) = u64::from_str_radix(&text[2..], 16) else { return Err(self.unexpected("a number of 64 bits")) };
                self.take();
                Expression::Hex(value)
            }
            Kind::Word => {
                self.take();
                if self.applies && self.sign('(') {
                    let name = text.to_owned();
                    Expression::Apply(name, self.expressions(')', ", or ) behind an argument")?)
                } else {
                    Expression::Word(text.to_owned())
                }
            }
            Kind::Text => {
                let mut joined = String::new();
                while self.token.kind == Kind::Text {
                    joined.push_str(self.take().text);
                }
                Expression::Text(joined)
            }
            Kind::Address => {
                let Ok(address) = text.parse() else { return Err(self.unexpected("an address")) };
                self.take();
                Expression::Address(address)
            }
            Kind::Sign('~') => {
                self.take();
                Expression::Not(Box::new(self.operand()?))
            }
            Kind::Sign('[' | '{') => {
                let applied = std::mem::replace(&mut self.applies, true);
                let value = if self.sign('[') {
                    Expression::List(self.expressions(']', ", or ] behind a value")?)
                } else {
                    self.take();
                    Expression::Record(self.fields()?)
                };
                self.applies = applied;
                value
            }
            _ => return Err(self.unexpected(EXPECTED)),
        })
    }

    fn fields(&mut self) -> Parsed<Vec<Field>> {
        let mut fields = Vec::new();
        if self.sign('}') {
            return Ok(fields);
        }
        loop {
            fields.push(self.field()?);
            if self.sign('}') {
                return Ok(fields);
            }
            self.expect_sign(',', ", or } behind a field")?;
        }
    }

    /// `name=value`, `name(count)=value`, or a value.
    fn field(&mut self) -> Parsed<Field> {
        let value = self.expression()?;
        if !self.is_sign('=') {
            return Ok(Field { name: None, count: None, value });
        }
        let Spanned { value, span } = value;
        let (name, count) = match value {
            Expression::Word(name) => (name, None),
            Expression::Apply(name, mut counts) if counts.len() == 1 => (name, counts.pop()),
            _ => return Err(wrong(span, "the name of a field before its =", "a value")),
        };
        self.take();
        let span = Span { start: span.start, end: span.start + name.len() };
        Ok(Field { name: Some(Spanned { value: name, span }), count, value: self.expression()? })
    }
}
