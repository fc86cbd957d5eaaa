//! Tokens into statements.

use std::ops::Range;

use super::lex::{Kind, Token, tokens};
use super::value::{Comparison, Operator, Part, parts};
use super::{CodeError, Fault};

/// How deep expressions may be nested.
const DEEPEST: usize = 64;

/// How many operators a statement may have: what they join is as deep as it is long.
const MOST_OPERATORS: usize = 200;

/// A statement.
#[derive(Clone, PartialEq, Debug)]
pub(super) enum Statement {
    /// `assert condition, message`.
    Assert(Expression, Option<Expression>),
    /// `name = value`.
    Assign(String, Expression),
    /// `if condition: statements`, of one line.
    If(Expression, Vec<Self>),
    /// An expression, which `print` makes.
    Evaluate(Expression),
    /// `pass`, and `import`, which brings names alone: whoever uses one of them is told.
    Nothing,
}

/// An expression and where it stands.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Expression {
    pub(super) what: What,
    pub(super) span: Range<usize>,
}

/// What an expression is.
#[derive(Clone, PartialEq, Debug)]
pub(super) enum What {
    Name(String),
    Int(i128),
    Float(f64),
    Text(String),
    /// `f'...'`: its parts, beside each other.
    Joined(Vec<Expression>),
    Tuple(Vec<Expression>),
    Call(String, Vec<Expression>),
    Not(Box<Expression>),
    Negative(Box<Expression>),
    Inverted(Box<Expression>),
    Both(Box<Expression>, Box<Expression>),
    Either(Box<Expression>, Box<Expression>),
    Operate(Box<Expression>, Operator, Box<Expression>),
    /// `a < b < c`: the first, and each next one with its sign.
    Compare(Box<Expression>, Vec<(Comparison, Expression)>),
    /// `a if condition else b`: condition, `a`, `b`.
    Choose(Box<[Expression; 3]>),
}

/// The statements of a snippet.
pub(super) fn statements(tokens: &[Token]) -> Result<Vec<Statement>, CodeError> {
    let mut parser = Parser { tokens, at: 0, depth: 0, operators: 0 };
    let mut statements = Vec::new();
    while parser.skip_ends() {
        statements.push(parser.statement()?);
    }
    Ok(statements)
}

struct Parser<'a> {
    tokens: &'a [Token],
    at: usize,
    depth: usize,
    operators: usize,
}

/// The operators, the weakest first, each row with those of the same strength.
const STRENGTHS: [&[(&str, Operator)]; 6] = [
    &[("|", Operator::Or)],
    &[("^", Operator::Xor)],
    &[("&", Operator::And)],
    &[("<<", Operator::ShiftLeft), (">>", Operator::ShiftRight)],
    &[("+", Operator::Add), ("-", Operator::Subtract)],
    &[("*", Operator::Multiply), ("//", Operator::FloorDivide), ("/", Operator::Divide), ("%", Operator::Remainder)],
];

const COMPARISONS: [(&str, Comparison); 7] = [
    ("==", Comparison::Equal),
    ("!=", Comparison::Unequal),
    ("<>", Comparison::Unequal),
    ("<=", Comparison::LessOrEqual),
    (">=", Comparison::GreaterOrEqual),
    ("<", Comparison::Less),
    (">", Comparison::Greater),
];

/// What [`What::Call`] calls the one method there is.
pub(super) const FORMAT: &str = ".format";

/// Words of Python that begin something this has not.
const UNSUPPORTED: [&str; 14] =
    ["for", "while", "def", "class", "try", "with", "lambda", "del", "global", "return", "raise", "exec", "else", "elif"];

impl Parser<'_> {
    fn peek(&self) -> Option<&Kind> {
        self.tokens.get(self.at).map(|token| &token.kind)
    }

    fn span(&self) -> Range<usize> {
        let end = self.tokens.last().map_or(0, |token| token.span.end);
        self.tokens.get(self.at).map_or(end..end, |token| token.span.clone())
    }

    /// Whether a statement ends here.
    fn ends(&self) -> bool {
        matches!(self.peek(), None | Some(Kind::End | Kind::Semicolon))
    }

    /// Whether anything is left behind ends of statements.
    fn skip_ends(&mut self) -> bool {
        while self.ends() && self.at < self.tokens.len() {
            self.at += 1;
        }
        self.peek().is_some()
    }

    fn is_sign(&self, sign: &str) -> bool {
        matches!(self.peek(), Some(Kind::Sign(found)) if *found == sign)
    }

    fn is_word(&self, word: &str) -> bool {
        matches!(self.peek(), Some(Kind::Name(found)) if found == word)
    }

    fn take(&mut self, is_there: bool) -> bool {
        self.at += usize::from(is_there);
        is_there
    }

    fn take_sign(&mut self, sign: &str) -> bool {
        let is_there = self.is_sign(sign);
        self.take(is_there)
    }

    fn take_word(&mut self, word: &str) -> bool {
        let is_there = self.is_word(word);
        self.take(is_there)
    }

    fn expected<T>(&self, what: &str) -> Result<T, CodeError> {
        let found = match self.peek() {
            None => "the end of the code".to_owned(),
            Some(Kind::End | Kind::Semicolon) => "the end of the statement".to_owned(),
            Some(Kind::Indent) => return Err(CodeError::new(self.span(), Fault::Unsupported("a block in code".to_owned()))),
            Some(Kind::Name(name)) => name.clone(),
            Some(Kind::Int(value)) => value.to_string(),
            Some(Kind::Float(value)) => value.to_string(),
            Some(Kind::Text(text) | Kind::Format(text)) => format!("{text:?}"),
            Some(Kind::Sign(".")) => return Err(CodeError::new(self.span(), Fault::Unsupported(". in code".to_owned()))),
            Some(Kind::Sign(sign)) => (*sign).to_owned(),
        };
        Err(CodeError::new(self.span(), Fault::Malformed(format!("expected {what}, found {found}"))))
    }

    fn statement(&mut self) -> Result<Statement, CodeError> {
        let statement = self.bare_statement()?;
        if self.ends() {
            return Ok(statement);
        }
        // What is an operator elsewhere is no mistake of the script.
        if let Some(Kind::Sign(sign @ ("**" | "["))) = self.peek() {
            return Err(CodeError::new(self.span(), Fault::Unsupported(format!("{sign} behind a value in code"))));
        }
        self.expected("an operator or the end of the statement")
    }

    /// Counts an operator.
    fn operator(&mut self) -> Result<(), CodeError> {
        self.operators += 1;
        if self.operators > MOST_OPERATORS {
            let words = format!("a statement of more than {MOST_OPERATORS} operators in code");
            return Err(CodeError::new(self.span(), Fault::Unsupported(words)));
        }
        Ok(())
    }

    fn bare_statement(&mut self) -> Result<Statement, CodeError> {
        self.operators = 0;
        if self.take_word("assert") {
            let condition = self.expression()?;
            let message = if self.take_sign(",") { Some(self.expression()?) } else { None };
            return Ok(Statement::Assert(condition, message));
        }
        if self.take_word("pass") {
            return Ok(Statement::Nothing);
        }
        if self.is_word("import") || self.is_word("from") {
            self.import();
            return Ok(Statement::Nothing);
        }
        if self.take_word("if") {
            return self.condition();
        }
        if self.is_word("print") && !matches!(self.tokens.get(self.at + 1).map(|token| &token.kind), Some(Kind::Sign("("))) {
            // Python 2 prints without parentheses.
            self.at += 1;
            return if self.ends() { Ok(Statement::Nothing) } else { self.list("").map(Statement::Evaluate) };
        }
        if let Some(Kind::Name(word)) = self.peek()
            && UNSUPPORTED.contains(&word.as_str())
        {
            return Err(CodeError::new(self.span(), Fault::Unsupported(format!("{word} in code"))));
        }
        if let (Some(Kind::Name(name)), Some(Kind::Sign(sign))) = (self.peek(), self.tokens.get(self.at + 1).map(|token| &token.kind))
            && let Some(operator) = sign.strip_suffix('=').filter(|_| !matches!(*sign, "==" | "!=" | "<=" | ">="))
        {
            let (name, before) = (name.clone(), self.span());
            self.at += 2;
            let value = self.list("")?;
            let value = match STRENGTHS.iter().flat_map(|row| row.iter()).find(|(sign, _)| *sign == operator) {
                Some((_, operator)) => {
                    let span = before.start..value.span.end;
                    let old = Expression { what: What::Name(name.clone()), span: before };
                    Expression { what: What::Operate(Box::new(old), *operator, Box::new(value)), span }
                }
                None => value,
            };
            return Ok(Statement::Assign(name, value));
        }
        self.list("").map(Statement::Evaluate)
    }

    /// Passes over `import a, b as c` and `from a import b`.
    fn import(&mut self) {
        while matches!(self.peek(), Some(Kind::Name(_) | Kind::Sign("," | "*" | "(" | ")"))) {
            self.at += 1;
        }
    }

    /// Behind `if`: all statements of the line hang on it.
    fn condition(&mut self) -> Result<Statement, CodeError> {
        let condition = self.expression()?;
        if !self.take_sign(":") {
            return self.expected(":");
        }
        if self.ends() {
            return Err(CodeError::new(self.span(), Fault::Unsupported("a block in code".to_owned())));
        }
        let mut hangs = vec![self.bare_statement()?];
        while self.peek() == Some(&Kind::Semicolon) {
            self.at += 1;
            if self.ends() {
                break;
            }
            hangs.push(self.bare_statement()?);
        }
        Ok(Statement::If(condition, hangs))
    }

    /// Expressions with commas between, up to `end`; one alone is itself.
    fn list(&mut self, end: &str) -> Result<Expression, CodeError> {
        let first = self.expression()?;
        if !self.is_sign(",") {
            return Ok(first);
        }
        let begun = first.span.start;
        let mut all = vec![first];
        while self.take_sign(",") {
            if self.ends() || self.is_sign(end) {
                break;
            }
            all.push(self.expression()?);
        }
        let span = begun..all.last().map_or(begun, |last| last.span.end);
        Ok(Expression { what: What::Tuple(all), span })
    }

    fn expression(&mut self) -> Result<Expression, CodeError> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(CodeError::new(self.span(), Fault::Unsupported(format!("code nested deeper than {DEEPEST}"))));
        }
        let value = self.either()?;
        let value = if self.take_word("if") {
            let condition = self.either()?;
            if !self.take_word("else") {
                return self.expected("else");
            }
            let other = self.expression()?;
            let span = value.span.start..other.span.end;
            Expression { what: What::Choose(Box::new([condition, value, other])), span }
        } else {
            value
        };
        self.depth -= 1;
        Ok(value)
    }

    fn either(&mut self) -> Result<Expression, CodeError> {
        let mut left = self.both()?;
        while self.take_word("or") {
            self.operator()?;
            let right = self.both()?;
            let span = left.span.start..right.span.end;
            left = Expression { what: What::Either(Box::new(left), Box::new(right)), span };
        }
        Ok(left)
    }

    fn both(&mut self) -> Result<Expression, CodeError> {
        let mut left = self.negation()?;
        while self.take_word("and") {
            self.operator()?;
            let right = self.negation()?;
            let span = left.span.start..right.span.end;
            left = Expression { what: What::Both(Box::new(left), Box::new(right)), span };
        }
        Ok(left)
    }

    fn negation(&mut self) -> Result<Expression, CodeError> {
        // Counted, not nested: there may be any number of them.
        let begun = self.span().start;
        let mut negations = 0;
        while self.take_word("not") {
            negations += 1;
        }
        let inner = self.comparison()?;
        if negations == 0 {
            return Ok(inner);
        }
        let span = begun..inner.span.end;
        let inner = Expression { what: What::Not(Box::new(inner)), span: span.clone() };
        Ok(if negations % 2 == 1 { inner } else { Expression { what: What::Not(Box::new(inner)), span } })
    }

    fn comparison(&mut self) -> Result<Expression, CodeError> {
        let first = self.operation(0)?;
        let mut others = Vec::new();
        while let Some(comparison) = self.comparison_sign() {
            others.push((comparison, self.operation(0)?));
        }
        let Some((_, last)) = others.last() else { return Ok(first) };
        let span = first.span.start..last.span.end;
        Ok(Expression { what: What::Compare(Box::new(first), others), span })
    }

    fn comparison_sign(&mut self) -> Option<Comparison> {
        if self.take_word("in") {
            return Some(Comparison::In);
        }
        if self.take_word("is") {
            return Some(if self.take_word("not") { Comparison::Unequal } else { Comparison::Equal });
        }
        if self.is_word("not") {
            self.at += 1;
            if self.take_word("in") {
                return Some(Comparison::NotIn);
            }
            self.at -= 1;
            return None;
        }
        let (_, comparison) = COMPARISONS.iter().find(|(sign, _)| self.is_sign(sign))?;
        self.at += 1;
        Some(*comparison)
    }

    fn operation(&mut self, strength: usize) -> Result<Expression, CodeError> {
        let Some(row) = STRENGTHS.get(strength) else { return self.sign() };
        let mut left = self.operation(strength + 1)?;
        while let Some((_, operator)) = row.iter().find(|(sign, _)| self.is_sign(sign)) {
            self.at += 1;
            self.operator()?;
            let right = self.operation(strength + 1)?;
            let span = left.span.start..right.span.end;
            left = Expression { what: What::Operate(Box::new(left), *operator, Box::new(right)), span };
        }
        Ok(left)
    }

    fn sign(&mut self) -> Result<Expression, CodeError> {
        let begun = self.span().start;
        let mut signs = Vec::new();
        while let Some(Kind::Sign(sign @ ("-" | "+" | "~"))) = self.peek() {
            signs.push(*sign);
            self.at += 1;
            if signs.len() > DEEPEST {
                return Err(CodeError::new(self.span(), Fault::Unsupported(format!("code nested deeper than {DEEPEST}"))));
            }
        }
        let mut value = self.power()?;
        for sign in signs.into_iter().rev() {
            let span = begun..value.span.end;
            value = match sign {
                "-" => Expression { what: What::Negative(Box::new(value)), span },
                "~" => Expression { what: What::Inverted(Box::new(value)), span },
                _ => value,
            };
        }
        Ok(value)
    }

    fn power(&mut self) -> Result<Expression, CodeError> {
        let base = self.atom()?;
        if !self.take_sign("**") {
            return Ok(base);
        }
        let exponent = self.atom()?;
        let span = base.span.start..exponent.span.end;
        Ok(Expression { what: What::Operate(Box::new(base), Operator::Power, Box::new(exponent)), span })
    }

    fn atom(&mut self) -> Result<Expression, CodeError> {
        let span = self.span();
        let what = match self.peek() {
            Some(Kind::Int(value)) => What::Int(*value),
            Some(Kind::Float(value)) => What::Float(*value),
            Some(Kind::Text(_) | Kind::Format(_)) => {
                let text = self.texts()?;
                return self.format_of(text);
            }
            Some(Kind::Name(name)) => {
                let name = name.clone();
                self.at += 1;
                if !self.take_sign("(") {
                    return Ok(Expression { what: What::Name(name), span });
                }
                let arguments = self.enclosed(")")?;
                return Ok(Expression { what: What::Call(name, arguments.0), span: span.start..arguments.1 });
            }
            Some(Kind::Sign("(")) => {
                self.at += 1;
                return self.parenthesis(span.start);
            }
            Some(Kind::Sign("[")) => {
                self.at += 1;
                let (all, end) = self.enclosed("]")?;
                return Ok(Expression { what: What::Tuple(all), span: span.start..end });
            }
            _ => return self.expected("a value"),
        };
        self.at += 1;
        Ok(Expression { what, span })
    }

    /// Texts that stand beside each other are one.
    fn texts(&mut self) -> Result<Expression, CodeError> {
        let begun = self.span();
        let (mut text, mut joined, mut end) = (String::new(), Vec::new(), begun.end);
        while let Some(Kind::Text(part) | Kind::Format(part)) = self.peek() {
            let span = self.span();
            if matches!(self.peek(), Some(Kind::Format(_))) {
                let unsupported = || CodeError::new(span.clone(), Fault::Unsupported("such a text in code".to_owned()));
                for part in parts(part).ok_or_else(unsupported)? {
                    match part {
                        Part::Plain(plain) => text.push(plain),
                        Part::Field(field) => {
                            let before = What::Text(std::mem::take(&mut text));
                            joined.push(Expression { what: before, span: span.clone() });
                            joined.push(self.field(field, &span)?);
                        }
                    }
                }
            } else {
                text += part;
            }
            end = span.end;
            self.at += 1;
        }
        let span = begun.start..end;
        if joined.is_empty() {
            return Ok(Expression { what: What::Text(text), span });
        }
        joined.push(Expression { what: What::Text(text), span: span.clone() });
        Ok(Expression { what: What::Joined(joined), span })
    }

    /// What stands in the braces of a text; where it stands is where the text does.
    fn field(&self, field: &str, span: &Range<usize>) -> Result<Expression, CodeError> {
        let there = |error: CodeError| CodeError::new(span.clone(), error.fault);
        let tokens = tokens(field).map_err(there)?;
        let mut parser = Parser { tokens: &tokens, at: 0, depth: self.depth, operators: self.operators };
        let mut value = parser.expression().map_err(there)?;
        if parser.peek().is_some() {
            return parser.expected("} behind a value").map_err(there);
        }
        value.span = span.clone();
        Ok(value)
    }

    /// `.format(...)` behind a text.
    fn format_of(&mut self, text: Expression) -> Result<Expression, CodeError> {
        let kinds = self.tokens.get(self.at..).unwrap_or_default().iter().map(|token| &token.kind).take(3).collect::<Vec<_>>();
        let [Kind::Sign("."), Kind::Name(name), Kind::Sign("(")] = kinds[..] else { return Ok(text) };
        if name != "format" {
            return Ok(text);
        }
        self.at += 3;
        let begun = text.span.start;
        let (mut all, end) = self.enclosed(")")?;
        all.insert(0, text);
        Ok(Expression { what: What::Call(FORMAT.to_owned(), all), span: begun..end })
    }

    /// Behind `(`: one expression is itself, several are a tuple.
    fn parenthesis(&mut self, begun: usize) -> Result<Expression, CodeError> {
        if self.is_sign(")") {
            let (all, end) = self.enclosed(")")?;
            return Ok(Expression { what: What::Tuple(all), span: begun..end });
        }
        let inner = self.list(")")?;
        let end = self.span().end;
        if !self.take_sign(")") {
            return self.expected(")");
        }
        Ok(Expression { what: inner.what, span: begun..end })
    }

    /// Expressions up to this sign, and where it ends.
    fn enclosed(&mut self, end: &str) -> Result<(Vec<Expression>, usize), CodeError> {
        let mut all = Vec::new();
        while !self.is_sign(end) {
            all.push(self.expression()?);
            if !self.take_sign(",") && !self.is_sign(end) {
                return self.expected(end);
            }
        }
        let at = self.span().end;
        self.at += 1;
        Ok((all, at))
    }
}
