//! Text into tokens.

use std::ops::Range;

use super::{CodeError, Fault};

/// A token and where it stands.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Token {
    pub(super) kind: Kind,
    pub(super) span: Range<usize>,
}

/// What a token is.
#[derive(Clone, PartialEq, Debug)]
pub(super) enum Kind {
    Name(String),
    Int(i128),
    Float(f64),
    Text(String),
    /// `f'...'`: a text with expressions in braces.
    Format(String),
    /// An operator, a parenthesis, a comma and so on.
    Sign(&'static str),
    /// The end of a line outside parentheses.
    End,
    /// `;`.
    Semicolon,
    /// Spaces at the beginning of a line: a block.
    Indent,
}

/// Longer ones first: the first that fits is taken.
const SIGNS: [&str; 37] = [
    "**=", "//=", "<<=", ">>=", "==", "!=", "<=", ">=", "<>", "//", "**", "<<", ">>", "+=", "-=", "*=", "/=", "%=", "&=", "|=", "^=", "(",
    ")", "[", "]", ",", ":", "+", "-", "*", "/", "%", "<", ">", "=", "&", "|",
];
const MORE_SIGNS: [&str; 3] = ["^", "~", "."];

/// The longest snippet, in tokens.
const LONGEST: usize = 10_000;

/// The tokens of a snippet.
pub(super) fn tokens(text: &str) -> Result<Vec<Token>, CodeError> {
    let mut tokens = Vec::new();
    let mut at = 0;
    let mut depth = 0_usize;
    while let Some(character) = text[at..].chars().next() {
        let rest = &text[at..];
        let begun = at;
        let kind = match character {
            ' ' | '\t' | '\r' => {
                at += rest.len() - rest.trim_start_matches([' ', '\t', '\r']).len();
                let starts_line = tokens.last().is_some_and(|token: &Token| token.kind == Kind::End);
                let is_blank = text[at..].is_empty() || text[at..].starts_with(['\n', '#']);
                if starts_line && depth == 0 && !is_blank {
                    Kind::Indent
                } else {
                    continue;
                }
            }
            '#' => {
                at += rest.find('\n').unwrap_or(rest.len());
                continue;
            }
            '\\' if rest[1..].starts_with('\n') => {
                at += 2;
                continue;
            }
            '\n' => {
                at += 1;
                if depth > 0 {
                    continue;
                }
                Kind::End
            }
            ';' => {
                at += 1;
                Kind::Semicolon
            }
            '0'..='9' | '.' if rest.trim_start_matches('.').starts_with(|next: char| next.is_ascii_digit()) => {
                let len = rest.find(|next: char| !next.is_ascii_alphanumeric() && next != '.' && next != '_').unwrap_or(rest.len());
                at += len;
                number(&rest[..len]).ok_or_else(|| unknown(begun..begun + len, &rest[..len]))?
            }
            '"' | '\'' => {
                let (value, len) = string(rest, character).ok_or_else(|| endless(begun..text.len(), character))?;
                at += len;
                Kind::Text(value)
            }
            'f' | 'F' | 'r' | 'R' | 'u' | 'U' | 'b' | 'B' if rest[1..].starts_with(['"', '\'']) => {
                let mark = if rest[1..].starts_with('"') { '"' } else { '\'' };
                let (value, len) = string(&rest[1..], mark).ok_or_else(|| endless(begun..text.len(), mark))?;
                at += 1 + len;
                if matches!(character, 'f' | 'F') { Kind::Format(value) } else { Kind::Text(value) }
            }
            _ if character.is_alphabetic() || character == '_' => {
                let len = rest.find(|next: char| !next.is_alphanumeric() && next != '_').unwrap_or(rest.len());
                at += len;
                Kind::Name(rest[..len].to_owned())
            }
            _ => {
                let sign = SIGNS.iter().chain(&MORE_SIGNS).find(|sign| rest.starts_with(**sign));
                let sign = sign.ok_or_else(|| unknown(begun..begun + character.len_utf8(), &rest[..character.len_utf8()]))?;
                at += sign.len();
                match *sign {
                    "(" | "[" => depth += 1,
                    ")" | "]" => depth = depth.saturating_sub(1),
                    _ => {}
                }
                Kind::Sign(sign)
            }
        };
        if tokens.len() == LONGEST {
            return Err(CodeError::new(begun..at, Fault::Unsupported(format!("code of more than {LONGEST} words"))));
        }
        tokens.push(Token { kind, span: begun..at });
    }
    Ok(tokens)
}

fn endless(span: Range<usize>, mark: char) -> CodeError {
    CodeError::new(span, Fault::Malformed(format!("expected {mark} at the end of a text, found none")))
}

fn unknown(span: Range<usize>, text: &str) -> CodeError {
    CodeError::new(span, Fault::Unsupported(format!("{text} in code")))
}

fn number(text: &str) -> Option<Kind> {
    let plain = text.replace('_', "");
    let plain = plain.strip_suffix(['L', 'l']).unwrap_or(&plain);
    if let Some(hex) = plain.strip_prefix("0x").or_else(|| plain.strip_prefix("0X")) {
        return i128::from_str_radix(hex, 16).ok().map(Kind::Int);
    }
    if let Ok(value) = plain.parse() {
        return Some(Kind::Int(value));
    }
    plain.parse().ok().map(Kind::Float)
}

/// The text behind a quotation mark, and the octets it takes with its marks; a backslash takes the next character along.
fn string(rest: &str, mark: char) -> Option<(String, usize)> {
    let mut value = String::new();
    let mut characters = rest.char_indices().skip(1);
    while let Some((at, character)) = characters.next() {
        match character {
            _ if character == mark => return Some((value, at + 1)),
            '\\' => match characters.next()?.1 {
                'n' => value.push('\n'),
                't' => value.push('\t'),
                other => value.push(other),
            },
            other => value.push(other),
        }
    }
    None
}
