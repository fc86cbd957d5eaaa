//! A mistake in a text that a person wrote, as a person is told of it: where, what stands there, what would be right.

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
        let (excerpt, carets) = self.excerpt();
        write!(f, "\n {gutter} |\n {number} | {excerpt}\n {gutter} | {carets}")
    }
}

impl Mistake {
    /// The mistake of a file that is no text from `octets[at]` on.
    pub(crate) fn no_text(octets: &[u8], at: usize) -> Self {
        let start = octets[..at].iter().rposition(|octet| *octet == b'\n').map_or(0, |newline| newline + 1);
        let end = octets[at..].iter().position(|octet| *octet == b'\n').map_or(octets.len(), |newline| at + newline);
        Self {
            line: octets[..start].split(|octet| *octet == b'\n').count(),
            column: String::from_utf8_lossy(&octets[start..at]).chars().count() + 1,
            width: 1,
            text: String::from_utf8_lossy(&octets[start..end]).into_owned(),
            expected: "text in UTF-8".to_owned(),
            found: format!("the octet 0x{:02x}", octets[at]),
            hint: None,
        }
    }

    /// The line around the mistake, and the carets to go below it.
    ///
    /// Only an excerpt of a long line, and nothing that a terminal would obey.
    pub(crate) fn excerpt(&self) -> (String, String) {
        let before = self.column.saturating_sub(1);
        let length = self.text.chars().count();
        let skipped = if length <= EXCERPT { 0 } else { before.saturating_sub(EXCERPT / 2) };
        let (mut excerpt, mut carets) = (String::new(), String::new());
        if skipped > 0 {
            excerpt.push('…');
            carets.push(' ');
        }
        for (position, character) in self.text.chars().enumerate().skip(skipped).take(EXCERPT) {
            excerpt.push(if is_obeyed(character) { char::REPLACEMENT_CHARACTER } else { character });
            if position < before {
                // A tab below a tab: wherever the terminal's stops are, the caret stands below its character.
                carets.push(if character == '\t' { '\t' } else { ' ' });
            }
        }
        let shown = length.min(skipped + EXCERPT);
        if shown < length {
            excerpt.push('…');
        }
        carets += &"^".repeat(self.width.min(shown.saturating_sub(before)).max(1));
        (excerpt, carets)
    }
}

/// Most characters of a line that are shown.
const EXCERPT: usize = 120;

/// Whether a terminal does something with the character instead of showing it.
fn is_obeyed(character: char) -> bool {
    character.is_control() && character != '\t' || matches!(character, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn excerpt(text: &str, column: usize, width: usize) -> (String, String) {
        let (expected, found) = (String::new(), String::new());
        Mistake { line: 1, column, width, text: text.to_owned(), expected, found, hint: None }.excerpt()
    }

    #[test]
    fn carets_stand_below_what_they_mean() {
        assert_eq!(excerpt("A\tconect", 3, 6), ("A\tconect".to_owned(), " \t^^^^^^".to_owned()));
        assert_eq!(excerpt("Ä  conect", 4, 6), ("Ä  conect".to_owned(), "   ^^^^^^".to_owned()));
        assert_eq!(excerpt("A", 2, 0), ("A".to_owned(), " ^".to_owned()));
    }

    #[test]
    fn a_long_line_is_shown_around_the_mistake() {
        let (excerpt, carets) = excerpt(&("a".repeat(5000) + "X" + &"b".repeat(5000)), 5001, 5001);
        assert_eq!(excerpt.chars().count(), EXCERPT + 2);
        let below = excerpt.chars().zip(carets.chars()).find(|(_, below)| *below == '^');
        assert_eq!(below, Some(('X', '^')));
        assert!(carets.chars().count() <= excerpt.chars().count());
    }

    #[test]
    fn a_terminal_is_not_commanded() {
        assert_eq!(excerpt("\u{1b}[2J\u{202e}", 1, 1).0, "\u{fffd}[2J\u{fffd}");
    }
}
