//! Finds out what a file system lacks that a ledger needs: locks, and files mapped into memory.
//!
//! A file system without locks answers every lock as if somebody else had it. So the question is
//! asked with a database that nobody else knows of: if that one is locked, locks do not work there.

use std::path::{Path, PathBuf};

use rusqlite::Connection;

use crate::private;

/// Returns what the file system of a ledger at `path` lacks, as words for a person, or `None` if
/// everything is there or it cannot be found out.
pub(super) fn lack_of_file_system(path: &Path) -> Option<&'static str> {
    let scratch = Scratch::beside(path)?;
    let connection = Connection::open(&scratch.0).ok()?;
    connection.busy_timeout(std::time::Duration::ZERO).ok()?;
    let made = connection.execute_batch("BEGIN EXCLUSIVE; CREATE TABLE probe (n); COMMIT");
    if made.is_err_and(|error| is_busy(&error)) {
        return Some("its file system has no locks");
    }
    let mode = connection.query_row("PRAGMA journal_mode = wal", [], |row| row.get::<_, String>(0));
    let used = mode.and_then(|mode| {
        connection.execute_batch("BEGIN IMMEDIATE; INSERT INTO probe VALUES (1); COMMIT")?;
        Ok(mode)
    });
    match used {
        Ok(mode) if mode.eq_ignore_ascii_case("wal") => None,
        Err(error) if is_busy(&error) => Some("its file system has no locks"),
        Ok(_) | Err(_) => Some("its file system cannot map files into memory"),
    }
}

/// Returns whether SQLite says that somebody else has a lock.
fn is_busy(error: &rusqlite::Error) -> bool {
    use rusqlite::ErrorCode::{DatabaseBusy, DatabaseLocked};
    matches!(error.sqlite_error_code(), Some(DatabaseBusy | DatabaseLocked))
}

/// A database that only this probe knows of. Its files are removed when this is dropped.
struct Scratch(PathBuf);

impl Scratch {
    /// Creates an empty file beside the ledger at `path`, under a name that no other process uses.
    fn beside(path: &Path) -> Option<Self> {
        let mut name = path.as_os_str().to_owned();
        name.push(format!("-probe-{}", std::process::id()));
        let scratch = Self(PathBuf::from(name));
        scratch.remove();
        private::open_options().create_new(true).open(&scratch.0).ok()?;
        Some(scratch)
    }

    fn remove(&self) {
        for suffix in ["", "-wal", "-shm", "-journal"] {
            let mut name = self.0.as_os_str().to_owned();
            name.push(suffix);
            let _ = std::fs::remove_file(PathBuf::from(name));
        }
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        self.remove();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_system_with_everything_lacks_nothing_and_keeps_no_trace() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(lack_of_file_system(&folder.path().join("ledger.db")), None);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
        assert_eq!(lack_of_file_system(&folder.path().join("nowhere/ledger.db")), None);
    }
}
