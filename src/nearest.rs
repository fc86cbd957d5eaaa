//! The nearest known name to one that was mistyped, for the hint in an error message.

/// The name most like `text`, if any is near enough to be meant.
pub fn nearest<'a>(text: &str, names: impl IntoIterator<Item = &'a str>) -> Option<String> {
    // No name is that long, and comparing takes time and memory by the product of the lengths.
    if text.len() > MAX_LENGTH {
        return None;
    }
    let text = text.to_lowercase();
    names
        .into_iter()
        .map(|name| (strsim::damerau_levenshtein(&text, &name.to_lowercase()), name))
        .filter(|(distance, name)| *distance <= 1 + name.len().max(text.len()) / 4 || (text.len() >= 3 && name.starts_with(&text)))
        .min()
        .map(|(_, name)| name.to_owned())
}

/// Longest text that may be a mistyped name, octets.
const MAX_LENGTH: usize = 100;

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn a_slip_of_the_finger_is_recognized_and_nonsense_is_not() {
        let names = ["half-close", "normal-close", "simultaneous-close"];
        assert_eq!(nearest("halfclose", names).as_deref(), Some("half-close"));
        assert_eq!(nearest("nromal-close", names).as_deref(), Some("normal-close"));
        assert_eq!(nearest("xyzzy", names), None);
    }
}
