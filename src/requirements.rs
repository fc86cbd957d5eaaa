//! The requirements of the RFCs as data: what each asks, where it is met and what proves it.
//!
//! The table is the one the tests hold the code against; places come from the ledger that they generate
//! from the comments. Both are part of the program, so it can answer without a file.

/// One requirement.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Requirement {
    /// Its label: the level or the RFC, and a number.
    pub id: String,
    /// How strong it is: `MUST`, `SHOULD NOT`, `MAY`.
    pub level: String,
    /// The number of the RFC.
    pub rfc: String,
    /// The section of that RFC.
    pub section: String,
    /// What it asks.
    pub summary: String,
    /// What part of a TCP it speaks of: `core`, `data`, `ip`.
    pub scope: String,
    /// What else is to be known; may be empty.
    pub notes: String,
    /// Places of the code that meet it, or why none does.
    pub met: String,
    /// What proves it; may be empty.
    pub proved: String,
}

const TABLE: &str = include_str!("../tests/rfc/requirements.csv");
const LEDGER: &str = include_str!("../docs/requirements.md");

/// Every requirement, in the order of the table.
pub fn all() -> impl Iterator<Item = Requirement> {
    TABLE.lines().skip(1).map(|row| {
        let mut fields = fields(row).into_iter();
        let mut next = || fields.next().unwrap_or_default();
        let (id, level, rfc, section, summary, scope, notes) = (next(), next(), next(), next(), next(), next(), next());
        let (met, proved) = places(&id);
        Requirement { id, level, rfc, section, summary, scope, notes, met, proved }
    })
}

/// The requirement with this label, in any case.
pub fn named(label: &str) -> Option<Requirement> {
    all().find(|requirement| requirement.id.eq_ignore_ascii_case(label))
}

/// The last two columns of the ledger.
fn places(id: &str) -> (String, String) {
    let start = format!("| {id} |");
    let Some(row) = LEDGER.lines().find(|line| line.starts_with(&start)) else { return Default::default() };
    let mut columns = row.trim_end_matches('|').rsplit(" | ").map(|column| column.trim().replace("&lt;", "<").replace('*', ""));
    let proved = columns.next().unwrap_or_default();
    (columns.next().unwrap_or_default(), proved)
}

/// The fields of a row; quoted ones may hold commas and doubled quotes.
fn fields(row: &str) -> Vec<String> {
    let (mut fields, mut field, mut quoted) = (Vec::new(), String::new(), false);
    let mut chars = row.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '"' if quoted && chars.peek() == Some(&'"') => field.extend(chars.next()),
            '"' => quoted = !quoted,
            ',' if !quoted => fields.push(std::mem::take(&mut field)),
            c => field.push(c),
        }
    }
    fields.push(field);
    fields
}

#[cfg(test)]
mod tests {
    use super::{all, fields, named};

    #[test]
    fn every_requirement_has_a_level_a_section_and_a_place_or_a_reason() {
        for requirement in all() {
            let id = &requirement.id;
            assert!(!requirement.level.is_empty() && requirement.level == requirement.level.to_uppercase(), "{id}");
            assert!(!requirement.section.is_empty() && !requirement.summary.is_empty(), "{id}");
            assert!(!requirement.met.is_empty(), "{id} is met nowhere, and nobody says why");
        }
    }

    #[test]
    fn a_label_is_found_in_any_case_and_with_its_places() {
        let requirement = named("must-10").expect("a label");
        assert_eq!((requirement.id.as_str(), requirement.rfc.as_str(), requirement.section.as_str()), ("MUST-10", "9293", "3.5"));
        assert!(requirement.met.contains("src/engine/") && requirement.proved.contains("simultaneous-open"));
        assert!(named("MUST-1000").is_none());
    }

    #[test]
    fn quoted_fields_hold_commas_and_quotes() {
        assert_eq!(fields(r#"a,"b, ""c""",,d"#), ["a", r#"b, "c""#, "", "d"]);
    }
}
