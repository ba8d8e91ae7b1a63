//! Opens a ledger file: checks its place, its kind and its version, and registers this process in
//! it.

use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, Transaction, TransactionBehavior};

use super::super::error::{Problem, Unusable};
use super::books::Books;
use super::files::{FileId, OpenFiles};
use super::problem::{of_file, of_lock, of_sqlite};
use super::processes::{Locks, Process, RegisterError};
use crate::private;

/// The wait between two looks at whether a lock on the ledger file is free. SQLite's own wait grows
/// to 100 ms between two looks; with eight processes that starves the one that came last.
const POLL: Duration = Duration::from_millis(2);

/// The number of looks at whether a lock on the ledger file is free, five seconds in all. A
/// transaction takes milliseconds; a process that keeps the file longer is not a gateway.
pub(super) const PATIENCE: u32 = 2_500;

/// The SQLite application id that marks a file as a ledger of this gateway: "llgw".
const APPLICATION_ID: i64 = 0x6c6c_6777;

/// The SQL scripts that build the ledger's schema, one for each version. `user_version` counts the
/// scripts that ran. Four lines of code run them, so no crate is needed for it.
const MIGRATIONS: [&str; 1] = [include_str!("schema.sql")];

/// An open ledger file, owned by its thread.
pub(super) struct OpenLedger {
    connection: Connection,
    path: PathBuf,
    files: OpenFiles,
    patience: u32,
    locks: Locks,
    process: Process,
}

impl OpenLedger {
    /// Opens the ledger that `place` leads to, and creates what does not exist.
    pub(super) fn open(place: &Path, patience: u32) -> Result<Self, Unusable> {
        let path = canonical_path(place)?;
        let locks = Locks::beside(&path).map_err(|error| of_file(&path, &error))?;
        let database = FileId::at(place);
        let connection = retry_while_locked(patience, || connect(&path))?;
        let (files, process) = {
            let transaction = retry_while_locked(patience, || begin(&connection, &path))?;
            // The same file before and after opening is the one that was opened.
            let files = OpenFiles::of(place, &path).ok_or_else(|| moved(&path))?;
            if database != Some(files.database()) {
                return Err(moved(&path));
            }
            migrate(&transaction, &path)?;
            let process = register(&locks, &transaction).map_err(|error| of_lock(&path, &error))?;
            transaction.commit().map_err(|error| of_sqlite(&path, &error))?;
            (files, process)
        };
        Ok(Self { connection, path, files, patience, locks, process })
    }

    /// Runs `run` in one write transaction: all of it is written, or nothing.
    pub(super) fn write(
        &mut self,
        run: impl FnOnce(&Books<'_>) -> rusqlite::Result<()>,
    ) -> Result<(), Unusable> {
        // Checked before the transaction, so that nothing is done to a log that other processes
        // share by now; and within it, because it may have waited for its turn.
        self.in_place()?;
        let transaction =
            retry_while_locked(self.patience, || begin(&self.connection, &self.path))?;
        self.in_place()?;
        let kept = self.locks.restore(&transaction, &mut self.process);
        kept.map_err(|error| of_lock(&self.path, &error))?;
        let books = Books::new(&transaction, &self.locks, &self.process.name);
        let written = run(&books).and_then(|()| transaction.commit());
        written.map_err(|error| of_sqlite(&self.path, &error))
    }

    /// Returns whether the ledger's files were moved, removed or replaced.
    pub(super) fn has_moved(&self) -> bool {
        self.files.have_moved()
    }

    /// Checks that the ledger's files are still at their paths.
    fn in_place(&self) -> Result<(), Unusable> {
        if self.has_moved() { Err(moved(&self.path)) } else { Ok(()) }
    }

    /// Closes a ledger whose files are no longer in their place. The holds of this process in them
    /// carry its registration, which counts as living until the returned value is dropped.
    pub(super) fn abandon(self) -> Process {
        // Otherwise SQLite would copy the log into the database and remove the files at the paths
        // of log and index. By now those may belong to a new database.
        let quiet = DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE;
        let _ = self.connection.set_db_config(quiet, true);
        self.process
    }

    /// Closes the ledger, and removes the registration of this process unless it still holds
    /// something.
    pub(super) fn close(self) {
        if self.has_moved() {
            drop(self.abandon());
            return;
        }
        let Self { connection, path, patience, locks, process, .. } = self;
        drop(process);
        // If this fails, the next process that opens the file does it.
        let begun = retry_while_locked(patience, || begin(&connection, &path));
        let Ok(transaction) = begun else { return };
        if locks.remove_ended(&transaction).is_ok() {
            let _ = transaction.commit();
        }
    }
}

/// Returns the canonical path of the ledger file, which is created if it does not exist. Locks are
/// named after the path, so two ways to one file must lead to the same locks.
fn canonical_path(path: &Path) -> Result<PathBuf, Unusable> {
    let failed = |error: &std::io::Error| of_file(path, error);
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        private::create_folder(folder).map_err(|error| failed(&error))?;
    }
    // A file that exists is not opened here: closing it would end SQLite's own locks on it
    // (https://sqlite.org/howtocorrupt.html, 2.2).
    match private::open_options().create_new(true).open(path) {
        Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => Err(failed(&error)),
        _ => path.canonicalize().map_err(|error| failed(&error)),
    }
}

/// Returns the error of a ledger path that leads to another file by now.
fn moved(path: &Path) -> Unusable {
    let detail = "it was moved, removed or replaced while it was open";
    Unusable::new(Problem::Moved, path.display().to_string(), detail)
}

/// Opens a connection to the ledger file, after a look at what kind of file it is.
fn connect(path: &Path) -> Result<Connection, Unusable> {
    let failed = |error: rusqlite::Error| of_sqlite(path, &error);
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags).map_err(failed)?;
    connection.busy_timeout(POLL).map_err(failed)?;
    // The file is looked at before anything is changed in it, because it may belong to another
    // program; in one transaction, because another process may be creating it.
    let look = Transaction::new_unchecked(&connection, TransactionBehavior::Deferred);
    let look = look.map_err(failed)?;
    version(&look, path)?;
    drop(look);
    // In this mode readers and writers do not block each other.
    connection.pragma_update(None, "journal_mode", "wal").map_err(failed)?;
    // A hold must outlive a power cut, because the call that it covers may have been sent. It costs
    // a wait for the disk, which a batch shares, beside a call of seconds.
    connection.pragma_update(None, "synchronous", "full").map_err(failed)?;
    Ok(connection)
}

/// Returns the number of migrations that have run in the ledger file.
fn version(connection: &Connection, path: &Path) -> Result<usize, Unusable> {
    let read = |sql: &str| connection.query_row(sql, [], |row| row.get::<_, i64>(0));
    let found = || Ok((read("PRAGMA application_id")?, read("PRAGMA user_version")?));
    let (application, version) = found().map_err(|error| of_sqlite(path, &error))?;
    let tables = read("SELECT count(*) FROM sqlite_master");
    let tables = tables.map_err(|error| of_sqlite(path, &error))?;
    let is_empty = application == 0 && version == 0 && tables == 0;
    if application != APPLICATION_ID && !is_empty {
        let detail = format!("it is a database with {tables} tables of something else");
        return Err(Unusable::new(Problem::Foreign, path.display().to_string(), detail));
    }
    let known = MIGRATIONS.len();
    usize::try_from(version).ok().filter(|version| *version <= known).ok_or_else(|| {
        let detail = format!("its schema has version {version}, this one knows up to {known}");
        Unusable::new(Problem::Newer, path.display().to_string(), detail)
    })
}

/// Runs the migrations that the ledger file lacks.
fn migrate(connection: &Connection, path: &Path) -> Result<(), Unusable> {
    let seen = version(connection, path)?;
    let run = |script: &&str| connection.execute_batch(script);
    let mut missing = MIGRATIONS.iter().skip(seen);
    missing
        .try_for_each(run)
        .and_then(|()| connection.pragma_update(None, "application_id", APPLICATION_ID))
        .and_then(|()| connection.pragma_update(None, "user_version", MIGRATIONS.len() as i64))
        .map_err(|error| of_sqlite(path, &error))
}

/// Registers this process in the ledger file, and removes processes that have ended.
fn register(locks: &Locks, connection: &Connection) -> Result<Process, RegisterError> {
    locks.remove_ended(connection)?;
    locks.register(connection)
}

/// Begins a write transaction. It is immediate, so that what is read in it stays true until the
/// commit.
fn begin<'a>(connection: &'a Connection, path: &Path) -> Result<Transaction<'a>, Unusable> {
    Transaction::new_unchecked(connection, TransactionBehavior::Immediate)
        .map_err(|error| of_sqlite(path, &error))
}

/// Repeats an attempt while another process has the lock, until `patience` is used up.
fn retry_while_locked<T>(
    patience: u32,
    mut attempt: impl FnMut() -> Result<T, Unusable>,
) -> Result<T, Unusable> {
    let mut looks = 0;
    loop {
        match attempt() {
            Err(unusable) if unusable.problem == Problem::Locked && looks < patience => wait(),
            result => return result,
        }
        looks += 1;
    }
}

#[allow(clippy::disallowed_methods)] // the ledger's own thread: no runtime, no clock to pause
fn wait() {
    std::thread::sleep(POLL);
}
