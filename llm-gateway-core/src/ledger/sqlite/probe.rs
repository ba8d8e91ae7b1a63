//! Detects what a file system lacks that a ledger needs: locks, and files mapped into memory.
//!
//! A file system without locks answers every lock as if another process had it. The probe therefore
//! locks a database that nobody else knows of: if it is locked, locks do not work.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::path::{Path, PathBuf};

use rusqlite::Connection;

use crate::private;

/// Returns what the file system of a ledger at `path` lacks, in words for a person. Returns `None`
/// if it lacks nothing, or that cannot be found out.
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
        Ok(_) => Some(NO_MAPPING),
        Err(error) if is_of_mapping(&error) => Some(NO_MAPPING),
        // Whatever else went wrong shows nothing about the file system.
        Err(_) => None,
    }
}

const NO_MAPPING: &str = "its file system cannot map files into memory";

/// Returns whether SQLite failed to open, size, lock or map the memory that processes share:
/// <https://www.sqlite.org/rescode.html>.
fn is_of_mapping(error: &rusqlite::Error) -> bool {
    use rusqlite::ffi::{
        SQLITE_IOERR_SHMLOCK, SQLITE_IOERR_SHMMAP, SQLITE_IOERR_SHMOPEN, SQLITE_IOERR_SHMSIZE,
    };
    let codes =
        [SQLITE_IOERR_SHMLOCK, SQLITE_IOERR_SHMMAP, SQLITE_IOERR_SHMOPEN, SQLITE_IOERR_SHMSIZE];
    error.sqlite_error().is_some_and(|error| codes.contains(&error.extended_code))
}

/// Returns whether SQLite says that another process has a lock.
fn is_busy(error: &rusqlite::Error) -> bool {
    use rusqlite::ErrorCode::{DatabaseBusy, DatabaseLocked};
    matches!(error.sqlite_error_code(), Some(DatabaseBusy | DatabaseLocked))
}

/// A database that only this probe uses. Its files are removed when the value is dropped.
struct Scratch(PathBuf);

impl Scratch {
    /// Creates an empty file beside the ledger at `path`, under a random name: other threads, and
    /// processes of other machines with the same process id, may probe at the same time.
    fn beside(path: &Path) -> Option<Self> {
        let random = RandomState::new().build_hasher().finish();
        let mut name = path.as_os_str().to_owned();
        name.push(format!("-probe-{random:016x}"));
        let scratch = PathBuf::from(name);
        private::open_options().create_new(true).open(&scratch).ok()?;
        Some(Self(scratch))
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

    /// Checks that several gateways of one program can probe at the same time.
    #[test]
    fn those_who_ask_together_do_not_disturb_each_other() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ledger.db");
        std::thread::scope(|scope| {
            let asked: Vec<_> = (0..16)
                .map(|_| scope.spawn(|| (0..8).find_map(|_| lack_of_file_system(&path))))
                .collect();
            for one in asked {
                assert_eq!(one.join().unwrap(), None);
            }
        });
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
