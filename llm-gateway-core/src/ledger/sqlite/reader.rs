//! Reads a ledger file without a write lock, so that a report never waits for a
//! writer.

use std::path::Path;

use rusqlite::{Transaction, TransactionBehavior};

use super::super::error::UnusableLedger;
use super::books::Books;
use super::files::is_empty;
use super::jobs::Job;
use super::open::{alone, connect, retry_while_locked};
use super::problem::of_sqlite;
use super::processes::{Locks, ProcessName};
use super::schema::is_current;

/// Lets `jobs` read the ledger file at `place`, and returns whether they did. They cannot read if
/// no writer has created a ledger of this version yet.
///
/// The connection is opened for this one read, to the file that is at the path now. If no other
/// process has the file open, closing the connection folds the log into the file.
pub(super) fn read(
    place: &Path,
    patience: u32,
    jobs: &mut [Box<dyn Job>],
) -> Result<bool, UnusableLedger> {
    let Ok(path) = place.canonicalize() else { return Ok(false) };
    alone(&path)?;
    if is_empty(&path) {
        return Ok(false);
    }
    let connection = retry_while_locked(patience, &mut || {}, || connect(&path))?;
    let failed = |error: rusqlite::Error| of_sqlite(&path, &error);
    let look = Transaction::new_unchecked(&connection, TransactionBehavior::Deferred);
    let look = look.map_err(failed)?;
    if !is_current(&look, &path)? {
        return Ok(false);
    }
    let (locks, nobody) = (Locks::beside(&path), ProcessName::nobody());
    let books = Books::new(&look, &locks, &nobody);
    jobs.iter_mut().try_for_each(|job| job.run(&books)).map_err(failed)?;
    Ok(true)
}
