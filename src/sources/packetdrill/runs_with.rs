//! What a script runs with: a profile and knobs, told in a comment of its first line.
//!
//! `// synfin: --profile rfc9293 --set msl=1s`: words of `synfin run` where it was not told otherwise, and nothing but a
//! comment to packetdrill.

use std::fmt;

use crate::engine::Profile;
use crate::mistake::{Mistake, ParseError};
use crate::nearest::nearest;
use crate::sources::scenario;

/// What such a line begins with.
const SIGN: &str = "// synfin:";

/// A profile and knobs set on top of it.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct RunsWith {
    /// The profile; `None` for the one the script itself shows.
    pub profile: Option<String>,
    /// Knobs and their values, in order.
    pub knobs: Vec<(String, String)>,
}

impl RunsWith {
    /// What the first line of a script's text says, if it says anything; `name` is what messages call the script.
    ///
    /// # Errors
    /// [`ParseError`] at the word that is no such option, profile, knob or value.
    pub fn of(name: &str, text: &str) -> Result<Option<Self>, ParseError> {
        let line = text.lines().next().unwrap_or_default();
        let Some(said) = line.strip_prefix(SIGN) else { return Ok(None) };
        let mut runs_with = Self::default();
        let mut words = Words { line, rest: said };
        while let Some(word) = words.next() {
            match word {
                "--profile" => {
                    let expected = format!("a profile: {}", Profile::NAMES.join(", "));
                    let profile = words.next().ok_or_else(|| words.mistake(name, "", &expected, None))?;
                    if Profile::named(profile).is_none() {
                        return Err(words.mistake(name, profile, &expected, nearest(profile, Profile::NAMES)));
                    }
                    runs_with.profile = Some(profile.to_owned());
                }
                "--set" => {
                    let setting = words.next().unwrap_or_default();
                    let wrong = |expected: &str| words.mistake(name, setting, expected, None);
                    let (knob, value) = setting.split_once('=').ok_or_else(|| wrong("KNOB=VALUE, such as msl=1s"))?;
                    scenario::profile(Profile::NAMES[0], [(knob, value)]).map_err(|why| wrong(&format!("a knob of a host ({why})")))?;
                    runs_with.knobs.push((knob.to_owned(), value.to_owned()));
                }
                other => {
                    return Err(words.mistake(name, other, "--profile NAME or --set KNOB=VALUE", nearest(other, ["--profile", "--set"])));
                }
            }
        }
        Ok(Some(runs_with))
    }

    /// The profile it makes, where the script itself shows `otherwise`.
    ///
    /// # Errors
    /// A sentence that says what is wrong.
    pub fn profile(&self, otherwise: &str) -> Result<Profile, String> {
        let knobs = self.knobs.iter().map(|(knob, value)| (knob.as_str(), value.as_str()));
        scenario::profile(self.profile.as_deref().unwrap_or(otherwise), knobs)
    }
}

/// As the first line of a script.
impl fmt::Display for RunsWith {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(SIGN)?;
        if let Some(profile) = &self.profile {
            write!(f, " --profile {profile}")?;
        }
        self.knobs.iter().try_for_each(|(knob, value)| write!(f, " --set {knob}={value}"))
    }
}

/// The words of a line.
struct Words<'a> {
    line: &'a str,
    rest: &'a str,
}

impl<'a> Words<'a> {
    fn next(&mut self) -> Option<&'a str> {
        let rest = self.rest.trim_start();
        let end = rest.find(char::is_whitespace).unwrap_or(rest.len());
        let (word, rest) = rest.split_at(end);
        self.rest = rest;
        (!word.is_empty()).then_some(word)
    }

    /// A mistake in the word read last; nothing stands there if it is empty.
    fn mistake(&self, name: &str, word: &str, expected: &str, hint: Option<String>) -> ParseError {
        let before = &self.line[..self.line.len() - self.rest.len() - word.len()];
        let mistake = Mistake {
            line: 1,
            column: before.chars().count() + 1,
            width: word.chars().count().max(1),
            text: self.line.to_owned(),
            expected: expected.to_owned(),
            found: if word.is_empty() { "the end of the line".to_owned() } else { word.to_owned() },
            hint,
        };
        ParseError { name: name.to_owned(), mistake: Box::new(mistake) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_line_says_what_a_script_runs_with() {
        let said = RunsWith::of("t.pkt", "// synfin: --profile rfc9293 --set msl=1s --set sack=on\n0 socket\n").expect("right");
        let knobs = vec![("msl".to_owned(), "1s".to_owned()), ("sack".to_owned(), "on".to_owned())];
        assert_eq!(said, Some(RunsWith { profile: Some("rfc9293".to_owned()), knobs }));
        assert_eq!(said.expect("said").to_string(), "// synfin: --profile rfc9293 --set msl=1s --set sack=on");
    }

    #[test]
    fn other_comments_say_nothing() {
        for text in ["", "// A script.\n", "0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n// synfin: --profile linux\n"] {
            assert_eq!(RunsWith::of("t.pkt", text), Ok(None), "{text:?}");
        }
    }

    #[test]
    fn a_mistake_has_its_place() {
        for (text, column, expected) in [
            ("// synfin: --profil linux", 12, "--profile NAME or --set KNOB=VALUE"),
            ("// synfin: --profile solaris", 22, "a profile: rfc9293, linux, freebsd"),
            ("// synfin: --set msl", 18, "KNOB=VALUE, such as msl=1s"),
            ("// synfin: --profile", 21, "a profile: rfc9293, linux, freebsd"),
        ] {
            let error = RunsWith::of("t.pkt", text).expect_err(text);
            assert_eq!((error.mistake.column, error.mistake.expected.as_str()), (column, expected), "{text}");
        }
        let error = RunsWith::of("t.pkt", "// synfin: --set mls=1s").expect_err("no such knob").to_string();
        assert!(error.contains("did you mean msl?"), "{error}");
    }
}
