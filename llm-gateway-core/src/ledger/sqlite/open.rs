//! Opens the file: its place, its kind, its version, and this process's name in it.

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

/// How long to wait before looking again whether a lock is free. SQLite's own wait grows to
/// 100 ms between two looks; with eight processes that starves whoever came late.
const POLL: Duration = Duration::from_millis(2);

/// How often to look: five seconds. A transaction takes milliseconds; who keeps the file
/// longer is no gateway.
pub(super) const PATIENCE: u32 = 2_500;

/// Marks the file as ours: "llgw".
const APPLICATION_ID: i64 = 0x6c6c_6777;

/// One script per version of the schema: `user_version` counts those that ran. Four lines do
/// what is needed, so there is no crate for it.
const MIGRATIONS: [&str; 1] = [include_str!("schema.sql")];

/// An open ledger, owned by its thread.
pub(super) struct OpenLedger {
    connection: Connection,
    path: PathBuf,
    files: OpenFiles,
    patience: u32,
    locks: Locks,
    process: Process,
}

impl OpenLedger {
    /// Opens the ledger that `place` leads to, creating what is not there.
    pub(super) fn open(place: &Path, patience: u32) -> Result<Self, Unusable> {
        let path = existing(place)?;
        let locks = Locks::beside(&path).map_err(|error| of_file(&path, &error))?;
        let database = FileId::at(place);
        let connection = patiently(patience, || connect(&path))?;
        let (files, process) = {
            let transaction = patiently(patience, || begin(&connection, &path))?;
            // The same before and after: so it is the one that was opened.
            let files = OpenFiles::of(place, &path).ok_or_else(|| moved(&path))?;
            if database != Some(files.database()) {
                return Err(moved(&path));
            }
            migrate(&transaction, &path)?;
            let process = enter(&locks, &transaction).map_err(|error| of_lock(&path, &error))?;
            transaction.commit().map_err(|error| of_sqlite(&path, &error))?;
            (files, process)
        };
        Ok(Self { connection, path, files, patience, locks, process })
    }

    /// Runs `run` in one write transaction: all of it counts, or nothing.
    pub(super) fn write(
        &mut self,
        run: impl FnOnce(&Books<'_>) -> rusqlite::Result<()>,
    ) -> Result<(), Unusable> {
        // Before it, so that nothing is done to a log that others share by now; within it,
        // because it may have waited for its turn.
        self.in_place()?;
        let transaction = patiently(self.patience, || begin(&self.connection, &self.path))?;
        self.in_place()?;
        let kept = self.locks.keep(&transaction, &mut self.process);
        kept.map_err(|error| of_lock(&self.path, &error))?;
        let books = Books::new(&transaction, &self.locks, &self.process.name);
        let written = run(&books).and_then(|()| transaction.commit());
        written.map_err(|error| of_sqlite(&self.path, &error))
    }

    /// Whether its files were moved, removed or replaced.
    pub(super) fn has_moved(&self) -> bool {
        self.files.have_moved()
    }

    fn in_place(&self) -> Result<(), Unusable> {
        if self.has_moved() { Err(moved(&self.path)) } else { Ok(()) }
    }

    /// Leaves files that are no longer in their place. What this process holds in them bears
    /// its name, which lives as long as the value that is given back.
    pub(super) fn abandon(self) -> Process {
        // Else SQLite tidies up: it copies the log into the database, and removes the files at
        // the paths of log and index. By now they may be those of a new database.
        let quiet = DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE;
        let _ = self.connection.set_db_config(quiet, true);
        self.process
    }

    /// Leaves: the process's name goes unless it holds something still.
    pub(super) fn close(self) {
        if self.has_moved() {
            drop(self.abandon());
            return;
        }
        let Self { connection, path, patience, locks, process, .. } = self;
        drop(process);
        // Where this fails, the next to open the file does it.
        let begun = patiently(patience, || begin(&connection, &path));
        let Ok(transaction) = begun else { return };
        if locks.sweep(&transaction).is_ok() {
            let _ = transaction.commit();
        }
    }
}

/// The one path of the file, which is created if it is not there. Locks are named after it, so
/// two ways to one file must lead to the same locks.
fn existing(path: &Path) -> Result<PathBuf, Unusable> {
    let failed = |error: &std::io::Error| of_file(path, error);
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        private::folder(folder).map_err(|error| failed(&error))?;
    }
    // Never opened where it exists: closing it would end SQLite's own locks on it
    // (https://sqlite.org/howtocorrupt.html, 2.2).
    match private::options().create_new(true).open(path) {
        Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => Err(failed(&error)),
        _ => path.canonicalize().map_err(|error| failed(&error)),
    }
}

/// Says that the path leads elsewhere by now.
fn moved(path: &Path) -> Unusable {
    let detail = "it was moved, removed or replaced while it was open";
    Unusable::new(Problem::Moved, path.display().to_string(), detail)
}

fn connect(path: &Path) -> Result<Connection, Unusable> {
    let failed = |error: rusqlite::Error| of_sqlite(path, &error);
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags).map_err(failed)?;
    connection.busy_timeout(POLL).map_err(failed)?;
    // Looked at before anything is changed in a file that may be somebody else's; in one
    // transaction, because another process may be creating it.
    let look = Transaction::new_unchecked(&connection, TransactionBehavior::Deferred);
    let look = look.map_err(failed)?;
    version(&look, path)?;
    drop(look);
    // Readers and writers do not stop each other.
    connection.pragma_update(None, "journal_mode", "wal").map_err(failed)?;
    // A reservation must outlive a power cut: the call that it covers is on its way when the
    // lights go out. It costs a wait for the disk, which a batch shares, next to a call of seconds.
    connection.pragma_update(None, "synchronous", "full").map_err(failed)?;
    Ok(connection)
}

/// How many migrations the file has seen.
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

/// Enters this process, and forgets those that left.
fn enter(locks: &Locks, connection: &Connection) -> Result<Process, RegisterError> {
    locks.sweep(connection)?;
    locks.register(connection)
}

/// Begins to write. Immediate: what is read in it holds until the commit.
fn begin<'a>(connection: &'a Connection, path: &Path) -> Result<Transaction<'a>, Unusable> {
    Transaction::new_unchecked(connection, TransactionBehavior::Immediate)
        .map_err(|error| of_sqlite(path, &error))
}

/// Tries again as long as somebody else has the lock.
fn patiently<T>(
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
