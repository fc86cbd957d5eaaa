//! The grid: every pair of the eleven states and the 33 events of `rfc/event-matrix.csv` is answered as
//! the table says: next state, reply with SEQ and ACK, message to the user.
//!
//! Each state is reached along every shortest way through the rule graph, by calls and segments.

mod common {
    pub(crate) mod csv;
    pub(crate) mod grid;
    pub(crate) mod walker;
}

use common::grid::{Cell, cells};
use synfin::engine::{Profile, RULES, State};

#[test]
fn every_cell_is_answered_as_the_table_says() {
    let cells = cells();
    assert_eq!(cells.len(), 363, "11 states by 33 events");
    let profile = Profile::rfc9293();
    let wrong: Vec<_> = cells.iter().filter_map(|cell| cell.check(&profile).err()).collect();
    assert!(wrong.is_empty(), "{} cells are answered otherwise:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn what_cannot_happen_has_no_row() {
    // The table says "not applicable" where no TCB, no timer or no FIN is; nobody must have an answer ready.
    let impossible: Vec<_> = cells().into_iter().filter(Cell::is_impossible).collect();
    assert_eq!(impossible.len(), 39);
    for cell in impossible {
        let rows = RULES.iter().filter(|rule| rule.from == cell.state && rule.on.name() == cell.event);
        assert_eq!(rows.map(|rule| rule.name).collect::<Vec<_>>(), Vec::<&str>::new(), "{}", cell.id);
    }
}

#[test]
fn every_state_is_reached() {
    for &state in State::ALL {
        assert!(!common::walker::ways(state).is_empty(), "{state}");
    }
}
