//! Every row of `rfc/transitions.csv`, on a connection that walked to its state: the core ones as they
//! are, the others with the switch they need and no other.
//!
//! States are reached by calls and segments, never by writing fields. Where the table lists a
//! combination as one transition (a FIN that also acknowledges ours), the walk's net effect counts.

mod common {
    pub(crate) mod csv;
    pub(crate) mod transitions;
    pub(crate) mod walker;
}

use std::collections::BTreeMap;

use common::csv::csv;
use common::transitions::rows;
use synfin::engine::Profile;

#[test]
fn every_row_of_the_table_is_walked() {
    let rows = rows();
    let mut switches = BTreeMap::<_, usize>::new();
    for row in &rows {
        *switches.entry(row.switch.as_str()).or_default() += 1;
    }
    let known = [("advisory", 4), ("core", 62), ("optional", 20), ("practice", 4), ("rfc1337-off", 1), ("rfc5961-off", 8)];
    assert_eq!(switches, BTreeMap::from(known), "the table has changed");
    let profile = Profile::rfc9293();
    let wrong: Vec<_> = rows.iter().filter_map(|row| row.check(&profile).err()).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_change_of_state_in_the_rules_is_one_of_the_table() {
    let rows = csv(include_str!("rfc/transitions.csv"));
    for rule in synfin::engine::RULES.iter().filter(|rule| rule.changes_state()) {
        let known = rows.iter().any(|row| row["from_state"] == rule.from.name() && row["to_state"] == rule.to.name());
        assert!(known, "{}: {} -> {} is in no row of the table", rule.name, rule.from, rule.to);
    }
}
