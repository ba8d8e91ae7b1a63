//! Opens a ledger file: checks its place, its kind and its version, and registers this process in
//! it.

use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, Transaction, TransactionBehavior};

use super::super::error::{Problem, UnusableLedger};
use super::books::Books;
use super::files::{FileId, OpenFiles, is_empty, other_names, own_mount};
use super::probe::lack_of_file_system;
use super::problem::{of_file, of_lock, of_sqlite};
use super::processes::{Locks, Process, RegisterError};
use super::schema::{migrate, not_newer, version};
use crate::private;

/// The wait between two checks whether a lock on the ledger file is free. SQLite's own wait grows
/// to 100 ms between two checks; with eight processes that starves the last one.
const POLL: Duration = Duration::from_millis(2);

/// The number of checks whether a lock on the ledger file is free, which take five seconds in all.
/// A transaction takes milliseconds; a process that keeps the file longer is not a gateway.
pub(super) const PATIENCE: u32 = 2_500;

/// The number of checks of a lock after which it is tested whether locks work at all: a tenth of a
/// second.
const DOUBT: u32 = 50;

/// The number of checks whether the log can be folded in. If another process keeps the log busy,
/// that process folds it in later.
const FOLDING_PATIENCE: u32 = 5;

/// An open ledger file, owned by its thread.
pub(super) struct OpenLedger {
    connection: Connection,
    path: PathBuf,
    files: OpenFiles,
    patience: u32,
    locks: Locks,
    process: Process,
    /// Whether something was written since the log was folded in.
    has_log: bool,
}

impl OpenLedger {
    /// Opens the ledger that `place` leads to, and creates the files that do not exist. `meanwhile`
    /// runs while another process has the lock.
    pub(super) fn open(
        place: &Path,
        patience: u32,
        meanwhile: &mut dyn FnMut(),
    ) -> Result<Self, UnusableLedger> {
        let (path, is_new) = canonical_path(place)?;
        Self::open_at(place, &path, patience, meanwhile).map_err(|it| {
            // An empty file beside locks looks like a ledger that was emptied.
            if is_new && is_empty(&path) {
                let _ = std::fs::remove_file(&path);
            }
            explained(&path, it)
        })
    }

    /// Opens the ledger at `path`, to which `place` leads.
    fn open_at(
        place: &Path,
        path: &Path,
        patience: u32,
        meanwhile: &mut dyn FnMut(),
    ) -> Result<Self, UnusableLedger> {
        let path = path.to_owned();
        let locks = Locks::beside(&path);
        let (database, had_log) = (FileId::at(place), has_log(&path));
        let connection = retry_while_locked(patience, meanwhile, || open_connection(&path))?;
        locks.create().map_err(|error| of_file(&path, &error))?;
        let (files, process) = {
            let transaction =
                retry_while_locked(patience, meanwhile, || begin(&connection, &path))?;
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
        let mut open = Self { connection, path, files, patience, locks, process, has_log: true };
        // A process that was killed left its log.
        if had_log {
            open.fold(0);
        }
        Ok(open)
    }

    /// Runs `run` in one write transaction: all of it is written, or nothing.
    pub(super) fn write(
        &mut self,
        meanwhile: &mut dyn FnMut(),
        run: impl FnOnce(&Books<'_>) -> rusqlite::Result<()>,
    ) -> Result<(), UnusableLedger> {
        // Checked before the transaction, so that nothing is done to a log that other processes
        // share by now; and within it, because it may have waited for its turn.
        self.in_place()?;
        let transaction =
            retry_while_locked(self.patience, meanwhile, || begin(&self.connection, &self.path))?;
        self.in_place()?;
        not_newer(&transaction, &self.path)?;
        let kept = self.locks.restore(&transaction, &mut self.process);
        kept.map_err(|error| of_lock(&self.path, &error))?;
        let books = Books::new(&transaction, &self.locks, &self.process.name);
        let written = run(&books).and_then(|()| transaction.commit());
        self.has_log = true;
        written.map_err(|error| of_sqlite(&self.path, &error))
    }

    /// Moves the content of the log into the file, so that a copy of the file is complete.
    pub(super) fn fold_in(&mut self) {
        self.fold(FOLDING_PATIENCE);
    }

    fn fold(&mut self, patience: u32) {
        if !self.has_log || self.in_place().is_err() {
            return;
        }
        let fold = || {
            let sql = "PRAGMA wal_checkpoint(TRUNCATE)";
            let busy = self.connection.query_row(sql, [], |row| row.get::<_, bool>(0));
            match busy.map_err(|error| of_sqlite(&self.path, &error))? {
                true => Err(locked(&self.path, "its log is in use")),
                false => Ok(()),
            }
        };
        // If somebody else keeps the log busy, that one folds it in later.
        self.has_log = retry_while_locked(patience, &mut || {}, fold).is_err();
    }

    /// Returns whether the ledger's files were moved, removed or replaced.
    pub(super) fn has_moved(&self) -> bool {
        self.files.have_moved()
    }

    /// Checks that the ledger's files are still at their paths.
    fn in_place(&self) -> Result<(), UnusableLedger> {
        if self.has_moved() {
            return Err(moved(&self.path));
        }
        // A mount over the file was looked for when it was opened.
        one_named(&self.path, other_names(&self.path))?;
        if is_empty(&self.path) { Err(emptied(&self.path)) } else { Ok(()) }
    }

    /// Closes a ledger whose files are no longer in their place. This process counts as living for
    /// the holds in those files until the returned value is dropped.
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
        let begun = retry_while_locked(patience, &mut || {}, || begin(&connection, &path));
        let Ok(transaction) = begun else { return };
        if locks.remove_ended(&transaction).is_ok() {
            let _ = transaction.commit();
        }
    }
}

/// Returns the canonical path of the ledger file, which is created if it does not exist, and
/// whether it was created. Locks are named after the path, so two ways to one file must lead to the
/// same locks.
fn canonical_path(path: &Path) -> Result<(PathBuf, bool), UnusableLedger> {
    let failed = |error: &std::io::Error| of_file(path, error);
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        private::create_folder(folder).map_err(|error| failed(&error))?;
    }
    // A file that exists is not opened here: closing it would end SQLite's own locks on it
    // (https://sqlite.org/howtocorrupt.html, 2.2).
    let is_new = match private::open_options().create_new(true).open(path) {
        Ok(_) => true,
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => false,
        Err(error) => return Err(failed(&error)),
    };
    let path = path.canonicalize().map_err(|error| failed(&error))?;
    alone(&path)?;
    if !is_new {
        // Another process may be creating the file at this moment.
        let looked = retry_while_locked(DOUBT, &mut || {}, || not_emptied(&path));
        looked.map_err(|_| emptied(&path))?;
    }
    Ok((path, is_new))
}

/// Checks that the file at `path` was not emptied. While the answer is unknown, the error says that
/// the file is locked.
fn not_emptied(path: &Path) -> Result<(), UnusableLedger> {
    // Whoever creates a ledger creates the locks after the first page, so they are looked at first.
    match Locks::beside(path).exist() && is_empty(path) {
        true => Err(locked(path, "it is empty")),
        false => Ok(()),
    }
}

/// Checks that all processes that use the ledger at `path` share its log and its locks. Every
/// process that opens the file calls this.
pub(super) fn alone(path: &Path) -> Result<(), UnusableLedger> {
    one_named(path, other_names(path).or_else(|| own_mount(path)))
}

/// Returns the error of a file with `other` names, if there are any.
fn one_named(path: &Path, other: Option<String>) -> Result<(), UnusableLedger> {
    let several =
        |detail| UnusableLedger::new(Problem::SeveralNames, path.display().to_string(), detail);
    other.map_or(Ok(()), |detail| Err(several(detail)))
}

/// Returns whether a log with content exists beside the file at `path`.
fn has_log(path: &Path) -> bool {
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    std::fs::metadata(log).is_ok_and(|metadata| metadata.len() > 0)
}

/// Returns the error of a ledger file that was emptied.
fn emptied(path: &Path) -> UnusableLedger {
    let detail = "its file holds nothing, and its locks show that it did";
    UnusableLedger::new(Problem::Emptied, path.display().to_string(), detail)
}

/// Returns the error of a ledger that another process keeps busy.
fn locked(path: &Path, detail: &str) -> UnusableLedger {
    UnusableLedger::new(Problem::Locked, path.display().to_string(), detail)
}

/// Returns the error of a ledger path that now leads to another file.
fn moved(path: &Path) -> UnusableLedger {
    let detail = "it was moved, removed or replaced while it was open";
    UnusableLedger::new(Problem::Moved, path.display().to_string(), detail)
}

/// Checks what kind of file the ledger is, and opens a connection to it.
pub(super) fn connect(path: &Path) -> Result<Connection, UnusableLedger> {
    open_connection(path).map_err(|unusable| explained(path, unusable))
}

/// Returns the error of a file system that cannot map files, if that is the cause of an input or
/// output error; else the same error.
fn explained(path: &Path, unusable: UnusableLedger) -> UnusableLedger {
    match unusable.problem {
        Problem::Unreachable => lacking(path).unwrap_or(unusable),
        _ => unusable,
    }
}

/// Returns the error of a file system that lacks what a ledger needs, if the file system of `path`
/// does.
fn lacking(path: &Path) -> Option<UnusableLedger> {
    let detail = lack_of_file_system(path)?;
    Some(UnusableLedger::new(Problem::FileSystem, path.display().to_string(), detail))
}

/// Opens a connection to the ledger file, and sets it up.
fn open_connection(path: &Path) -> Result<Connection, UnusableLedger> {
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
    let mode = connection.query_row("PRAGMA journal_mode = wal", [], |row| row.get::<_, String>(0));
    let mode = mode.map_err(failed)?;
    if !mode.eq_ignore_ascii_case("wal") {
        let detail = format!("its file system allows no write-ahead log (journal_mode is {mode})");
        return Err(UnusableLedger::new(Problem::FileSystem, path.display().to_string(), detail));
    }
    // A hold must outlive a power cut, because the call that it covers may have been sent. It costs
    // a wait for the disk, which a batch shares, beside a call of seconds.
    connection.pragma_update(None, "synchronous", "full").map_err(failed)?;
    Ok(connection)
}

/// Registers this process in the ledger file, and removes processes that have ended.
fn register(locks: &Locks, connection: &Connection) -> Result<Process, RegisterError> {
    locks.remove_ended(connection)?;
    locks.register(connection)
}

/// Begins a write transaction. The transaction is immediate, so that what it reads stays true until
/// the commit.
fn begin<'a>(connection: &'a Connection, path: &Path) -> Result<Transaction<'a>, UnusableLedger> {
    Transaction::new_unchecked(connection, TransactionBehavior::Immediate)
        .map_err(|error| of_sqlite(path, &error))
}

/// Repeats an attempt while another process has the lock, until `patience` is used up. `meanwhile`
/// runs between two attempts. If the lock stays taken for long, it is tested whether locks work at
/// all.
pub(super) fn retry_while_locked<T>(
    patience: u32,
    meanwhile: &mut dyn FnMut(),
    mut attempt: impl FnMut() -> Result<T, UnusableLedger>,
) -> Result<T, UnusableLedger> {
    let mut looks = 0;
    loop {
        match attempt() {
            Err(unusable) if unusable.problem == Problem::Locked && looks < patience => {
                if looks == DOUBT
                    && let Some(lacking) = lacking(Path::new(&unusable.place))
                {
                    return Err(lacking);
                }
                wait();
            }
            result => return result,
        }
        meanwhile();
        looks += 1;
    }
}

#[allow(clippy::disallowed_methods)] // the ledger's own thread: no runtime, no clock to pause
fn wait() {
    std::thread::sleep(POLL);
}
