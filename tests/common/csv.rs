//! Reads the project's own tables.

use std::collections::BTreeMap;

/// The rows of a table, each by the names of its header; quoted fields may hold commas and doubled quotes.
pub(crate) fn csv(text: &str) -> Vec<BTreeMap<String, String>> {
    let record = |line: &str| {
        let (mut fields, mut field, mut quoted) = (Vec::new(), String::new(), false);
        let mut chars = line.chars().peekable();
        while let Some(c) = chars.next() {
            match c {
                '"' if quoted && chars.peek() == Some(&'"') => field.push(chars.next().unwrap_or('"')),
                '"' => quoted = !quoted,
                ',' if !quoted => fields.push(std::mem::take(&mut field)),
                c => field.push(c),
            }
        }
        fields.push(field);
        fields
    };
    let mut lines = text.lines();
    let header = record(lines.next().expect("a header"));
    lines.map(|line| header.iter().cloned().zip(record(line)).collect()).collect()
}
