//! Who lives: each process keeps an operating-system lock on a file that its holds name.
//!
//! The system frees the lock however a process ends, `kill -9` included, and never before. A
//! process id could not say as much: it may belong to somebody else by now. Files are made and
//! removed within a write transaction, so that nobody sees one before it is locked.
//!
//! A file that somebody removed tells nothing: its process may live, so what it holds stays
//! held. A living one puts it back before it writes again.

use std::fs::{File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rusqlite::Connection;

use super::files::FileId;
use crate::private;

/// The lock files beside a ledger.
#[derive(Debug, Clone)]
pub(super) struct Locks {
    folder: PathBuf,
}

/// This process, as its holds name it. It lives as long as this value.
pub(super) struct Process {
    pub(super) name: Arc<ProcessName>,
    lock: File,
}

/// What the holds of a process bear. Told apart by where it is kept (`Arc::ptr_eq`), because a
/// process has one in each file that it opened, and ids begin anew in a new file.
#[derive(Debug)]
pub(super) struct ProcessName {
    pub(super) id: i64,
}

impl Process {
    /// Whether a hold bears its name still.
    pub(super) fn is_named(&self) -> bool {
        Arc::strong_count(&self.name) > 1
    }
}

/// What the lock of a process tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum LockState {
    /// It is taken, or cannot be looked at: the process lives.
    Taken,
    /// It is free: the process has ended.
    Free,
    /// Its file is gone, which says nothing of the process.
    Missing,
}

impl Locks {
    /// The locks of the ledger at `path`, in a folder of their own beside it.
    pub(super) fn beside(path: &Path) -> io::Result<Self> {
        let mut folder = path.as_os_str().to_owned();
        folder.push("-locks");
        let folder = PathBuf::from(folder);
        private::folder(&folder)?;
        Ok(Self { folder })
    }

    /// Enters this process under an id that nobody had. Within a write transaction.
    pub(super) fn register(&self, connection: &Connection) -> Result<Process, RegisterError> {
        loop {
            connection.execute("INSERT INTO processes DEFAULT VALUES", [])?;
            let id = connection.last_insert_rowid();
            // Taken only where the database was put back to an older state: the next id then.
            if let Some(lock) = self.lock(id)? {
                return Ok(Process { name: Arc::new(ProcessName { id }), lock });
            }
        }
    }

    /// Puts the lock of this process back where its file was removed, or replaced. Within a
    /// write transaction.
    pub(super) fn keep(
        &self,
        connection: &Connection,
        process: &mut Process,
    ) -> Result<(), RegisterError> {
        let id = process.name.id;
        let locked = FileId::of(&process.lock.metadata()?);
        if FileId::at(&self.file(id)) == Some(locked) {
            return Ok(());
        }
        private::folder(&self.folder)?;
        // Where somebody else has it, the id is one that lives: as good for what it holds.
        if let Some(lock) = self.lock(id)? {
            process.lock = lock;
        }
        // It may have been forgotten while it held nothing.
        connection.execute("INSERT OR IGNORE INTO processes VALUES (?1)", [id])?;
        Ok(())
    }

    /// Locks the file of `id`, which is made if it is not there; `None` where it is taken.
    fn lock(&self, id: i64) -> io::Result<Option<File>> {
        let lock =
            private::options().read(true).create(true).truncate(false).open(self.file(id))?;
        match lock.try_lock() {
            Ok(()) => Ok(Some(lock)),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }

    /// Whether a process has ended. Where that cannot be told, it lives.
    pub(super) fn has_ended(&self, id: i64) -> bool {
        self.sign(id) == LockState::Free
    }

    fn sign(&self, id: i64) -> LockState {
        match File::open(self.file(id)) {
            // Shared, so that two who look do not take each other for the owner.
            Ok(file) if file.try_lock_shared().is_ok() => LockState::Free,
            Err(error) if error.kind() == io::ErrorKind::NotFound => LockState::Missing,
            Ok(_) | Err(_) => LockState::Taken,
        }
    }

    /// Forgets processes that ended and hold nothing, and those without a file: one that lives
    /// enters itself again. Within a write transaction.
    pub(super) fn sweep(&self, connection: &Connection) -> rusqlite::Result<()> {
        let mut idle = connection.prepare_cached(
            "SELECT id FROM processes WHERE id NOT IN (SELECT process FROM holds)",
        )?;
        let idle = idle.query_map([], |row| row.get::<_, i64>(0))?;
        for id in idle.collect::<rusqlite::Result<Vec<_>>>()? {
            if self.sign(id) != LockState::Taken {
                connection.execute("DELETE FROM processes WHERE id = ?1", [id])?;
                // A file that stays is empty, and its id does not come back.
                let _ = std::fs::remove_file(self.file(id));
            }
        }
        Ok(())
    }

    fn file(&self, id: i64) -> PathBuf {
        self.folder.join(format!("{id}.lock"))
    }
}

/// Why a process could not be entered.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub(super) enum RegisterError {
    Sqlite(#[from] rusqlite::Error),
    File(#[from] io::Error),
}
