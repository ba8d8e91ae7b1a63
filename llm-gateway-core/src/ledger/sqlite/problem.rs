//! Converts the errors of SQLite and of the file system into problems that a person can solve.

use std::io;
use std::path::Path;

use rusqlite::ErrorCode;

use super::super::error::{Problem, UnusableLedger};
use super::processes::RegisterError;
use crate::error::{has_no_descriptor, is_own_want};

/// Returns the problem behind an error of SQLite.
pub(super) fn of_sqlite(path: &Path, error: &rusqlite::Error) -> UnusableLedger {
    let problem = match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Problem::Locked,
        Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => Problem::ReadOnly,
        Some(ErrorCode::DiskFull) => Problem::DiskFull,
        Some(ErrorCode::OutOfMemory) => Problem::OutOfResources,
        // SQLite does not say why it could not open one of its files.
        Some(ErrorCode::CannotOpen | ErrorCode::SystemIoFailure) if has_no_descriptor() => {
            Problem::OutOfResources
        }
        Some(
            ErrorCode::CannotOpen
            | ErrorCode::SystemIoFailure
            | ErrorCode::FileLockingProtocolFailed
            | ErrorCode::NoLargeFileSupport,
        ) => Problem::Unreachable,
        // The file is not a database, or a page, a table or a value in it is damaged.
        _ => Problem::Corrupt,
    };
    UnusableLedger::new(problem, path.display().to_string(), error.to_string())
}

/// Returns the problem behind an error of the file system.
pub(super) fn of_file(path: &Path, error: &io::Error) -> UnusableLedger {
    let problem = match error.kind() {
        _ if is_own_want(error) => Problem::OutOfResources,
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => Problem::ReadOnly,
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Problem::DiskFull,
        _ => Problem::Unreachable,
    };
    UnusableLedger::new(problem, path.display().to_string(), error.to_string())
}

/// Returns the problem behind a lock that cannot be taken.
pub(super) fn of_lock(path: &Path, error: &RegisterError) -> UnusableLedger {
    match error {
        RegisterError::Sqlite(error) => of_sqlite(path, error),
        RegisterError::File(error) => of_file(path, error),
    }
}

#[cfg(test)]
mod tests {
    use rusqlite::ffi;

    use super::*;

    #[test]
    fn each_failure_below_has_a_name_and_a_way_out() {
        let cases = [
            (ffi::SQLITE_FULL, Problem::DiskFull),
            (ffi::SQLITE_READONLY_DBMOVED, Problem::ReadOnly),
            (ffi::SQLITE_BUSY_SNAPSHOT, Problem::Locked),
            (ffi::SQLITE_CORRUPT_INDEX, Problem::Corrupt),
            (ffi::SQLITE_NOTADB, Problem::Corrupt),
            (ffi::SQLITE_IOERR_FSYNC, Problem::Unreachable),
        ];
        for (code, problem) in cases {
            let error = rusqlite::Error::SqliteFailure(ffi::Error::new(code), None);
            let unusable = of_sqlite(Path::new("/state/ledger.db"), &error);
            assert_eq!(unusable.problem, problem, "{error}");
            assert!(unusable.to_string().contains("/state/ledger.db"), "{unusable}");
            assert!(!unusable.hint().is_empty());
        }
        let full = io::Error::from(io::ErrorKind::StorageFull);
        assert_eq!(of_file(Path::new("x"), &full).problem, Problem::DiskFull);
    }
}
