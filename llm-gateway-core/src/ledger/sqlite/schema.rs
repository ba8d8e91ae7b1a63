//! The schema of a ledger file: what kind of file it is, which version of the gateway wrote it, and
//! the scripts that bring it to this version.

use std::path::Path;

use rusqlite::Connection;

use super::super::error::{Problem, UnusableLedger};
use super::problem::of_sqlite;

/// The SQLite application id that marks a file as a ledger of this gateway: "llgw".
const APPLICATION_ID: i64 = 0x6c6c_6777;

/// The SQL scripts that build the ledger's schema, one for each version. `user_version` counts the
/// scripts that ran. Four lines of code run the scripts, so no crate is needed.
const MIGRATIONS: [&str; 3] =
    [include_str!("schema.sql"), include_str!("sums.sql"), include_str!("days.sql")];

/// Returns the number of migrations that have run in the ledger file.
pub(super) fn version(connection: &Connection, path: &Path) -> Result<usize, UnusableLedger> {
    let read = |sql: &str| connection.query_row(sql, [], |row| row.get::<_, i64>(0));
    let found = || Ok((read("PRAGMA application_id")?, read("PRAGMA user_version")?));
    let (application, version) = found().map_err(|error| of_sqlite(path, &error))?;
    let tables = read("SELECT count(*) FROM sqlite_master");
    let tables = tables.map_err(|error| of_sqlite(path, &error))?;
    let is_empty = application == 0 && version == 0 && tables == 0;
    if application != APPLICATION_ID && !is_empty {
        let detail = format!("it is a database with {tables} tables of something else");
        return Err(UnusableLedger::new(Problem::Foreign, path.display().to_string(), detail));
    }
    known(version, path)
}

/// Returns the version of a schema, unless a newer gateway wrote it.
fn known(version: i64, path: &Path) -> Result<usize, UnusableLedger> {
    let known = MIGRATIONS.len();
    usize::try_from(version).ok().filter(|version| *version <= known).ok_or_else(|| {
        let detail = format!("its schema has version {version}, this one knows up to {known}");
        UnusableLedger::new(Problem::Newer, path.display().to_string(), detail)
    })
}

/// Checks that no newer gateway has changed the schema of a ledger file that is open: what this
/// one writes would be missing in what the newer one counts.
pub(super) fn not_newer(connection: &Connection, path: &Path) -> Result<(), UnusableLedger> {
    let mut select = connection
        .prepare_cached("PRAGMA user_version")
        .map_err(|error| of_sqlite(path, &error))?;
    let version =
        select.query_row([], |row| row.get(0)).map_err(|error| of_sqlite(path, &error))?;
    known(version, path).map(drop)
}

/// Returns whether every migration has run in the ledger file.
pub(super) fn is_current(connection: &Connection, path: &Path) -> Result<bool, UnusableLedger> {
    version(connection, path).map(|version| version == MIGRATIONS.len())
}

/// Runs the migrations that the ledger file lacks.
pub(super) fn migrate(connection: &Connection, path: &Path) -> Result<(), UnusableLedger> {
    let seen = version(connection, path)?;
    let run = |script: &&str| connection.execute_batch(script);
    let mut missing = MIGRATIONS.iter().skip(seen);
    missing
        .try_for_each(run)
        .and_then(|()| connection.pragma_update(None, "application_id", APPLICATION_ID))
        .and_then(|()| connection.pragma_update(None, "user_version", MIGRATIONS.len() as i64))
        .map_err(|error| of_sqlite(path, &error))
}
