//! Asks the kernel for its sockets while the command runs.

use std::net::IpAddr;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use super::Sighting;
use super::tap::Signs;
use crate::worlds::kernel::{Epoch, Row, socket_table};

/// Asks for all sockets now and then, and remembers every answer that is new.
pub(super) fn watch(epoch: Epoch, tap: &Signs, go_on: &Receiver<()>) -> Vec<Sighting> {
    let mut sightings: Vec<Sighting> = Vec::new();
    let mut rows_kept = 0;
    loop {
        let last = !matches!(go_on.recv_timeout(PAUSE), Err(RecvTimeoutError::Timeout));
        if let Some(sighting) = look(epoch, tap) {
            let new = sightings.last().is_none_or(|known| !known.rows.iter().map(key).eq(sighting.rows.iter().map(key)));
            if last || (new && rows_kept < ROWS) {
                rows_kept += sighting.rows.len() + 1;
                sightings.push(sighting);
            }
        }
        if last {
            return sightings;
        }
    }
}

/// What the kernel says now; `None` while packets pass, when its answer would be of no one moment.
fn look(epoch: Epoch, tap: &Signs) -> Option<Sighting> {
    for _ in 0..ATTEMPTS {
        let (from, passed) = (epoch.elapsed(), tap.passed());
        let mut rows = socket_table().ok()?;
        if tap.passed() == passed {
            rows.sort_unstable_by_key(key);
            return Some(Sighting { from, until: epoch.elapsed(), rows });
        }
    }
    None
}

/// What makes a row another one; how much text waits changes all the time.
fn key(row: &Row) -> (IpAddr, u16, IpAddr, u16, &'static str, u64) {
    (row.local.address, row.local.port, row.remote.address, row.remote.port, row.state.name(), row.inode)
}

/// How long between two looks.
const PAUSE: Duration = Duration::from_millis(20);
/// How often a look is tried.
const ATTEMPTS: usize = 3;
/// Rows kept in all, beyond which only the last look is.
const ROWS: usize = 1 << 20;
