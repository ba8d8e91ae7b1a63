//! Detects which processes of a ledger are alive. Each process keeps an operating-system lock on a
//! file, and its holds name that file.
//!
//! The system frees the lock however a process ends, `kill -9` included, and never before. A
//! process id would not show this, because it may belong to another process by now. Lock files are
//! created and removed within a write transaction, so that nobody sees one before it is locked.
//!
//! A lock file that was removed or replaced shows nothing: its process may be alive, so its holds
//! stay. The ledger identifies each lock file by its inode, so that another file with the same name
//! is not mistaken for it. A living process puts its file back before it writes again.

use std::fs::{File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension};

use super::files::FileId;
use crate::private;

/// The folder of lock files beside a ledger.
#[derive(Debug, Clone)]
pub(super) struct Locks {
    folder: PathBuf,
}

/// The registration of this process in one ledger file. The process counts as living until the
/// registration is dropped.
pub(super) struct Process {
    pub(super) name: Arc<ProcessName>,
    lock: File,
}

/// The name of a process in one ledger file, which its holds carry. Names are compared by address
/// (`Arc::ptr_eq`), because a process has one in each file that it opened, and ids start again in a
/// new file.
#[derive(Debug)]
pub(super) struct ProcessName {
    pub(super) id: i64,
}

impl ProcessName {
    /// Returns the name of no process, for reading a ledger in which nothing is held.
    pub(super) fn nobody() -> Arc<Self> {
        Arc::new(Self { id: 0 })
    }
}

impl Process {
    /// Returns whether a hold still carries the name of this process.
    pub(super) fn has_holds(&self) -> bool {
        Arc::strong_count(&self.name) > 1
    }
}

/// The state of a ledger process, as its lock file shows it: alive, ended or unknown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum LockState {
    /// The lock is taken, or cannot be tested: the process is alive.
    Taken,
    /// The lock is free: the process has ended.
    Free,
    /// The lock file is gone or is another one, which shows nothing about the process.
    Missing,
}

impl Locks {
    /// Returns the locks of the ledger at `path`, in a folder of their own beside it.
    pub(super) fn beside(path: &Path) -> Self {
        let mut folder = path.as_os_str().to_owned();
        folder.push("-locks");
        Self { folder: PathBuf::from(folder) }
    }

    /// Creates the folder of the lock files.
    pub(super) fn create(&self) -> io::Result<()> {
        private::create_folder(&self.folder)
    }

    /// Returns whether the folder of the lock files exists. The folder is created once the ledger's
    /// file has its first page, so a folder beside an empty file shows that the file was emptied.
    pub(super) fn exist(&self) -> bool {
        self.folder.is_dir()
    }

    /// Registers this process under an id that no process had. The caller holds a write
    /// transaction.
    pub(super) fn register(&self, connection: &Connection) -> Result<Process, RegisterError> {
        loop {
            connection.execute("INSERT INTO processes DEFAULT VALUES", [])?;
            let id = connection.last_insert_rowid();
            // The lock is taken only if the database was set back to an older state; the next id
            // is tried then.
            if let Some(lock) = self.lock(id)? {
                note(connection, id, &lock)?;
                return Ok(Process { name: Arc::new(ProcessName { id }), lock });
            }
        }
    }

    /// Puts the lock file of this process back if it was removed or replaced. The caller holds a
    /// write transaction.
    pub(super) fn restore(
        &self,
        connection: &Connection,
        process: &mut Process,
    ) -> Result<(), RegisterError> {
        let id = process.name.id;
        let locked = FileId::of(&process.lock.metadata()?);
        if FileId::at(&self.file(id)) == Some(locked) {
            // What was noted with a new lock file is undone if its transaction fails.
            if noted(connection, id)? != locked.inode() {
                note(connection, id, &process.lock)?;
                connection.execute("INSERT OR IGNORE INTO processes VALUES (?1)", [id])?;
            }
            return Ok(());
        }
        self.create()?;
        // If another process has the lock, the ledger still knows the file that was there before,
        // and the id counts as living.
        if let Some(lock) = self.lock(id)? {
            note(connection, id, &lock)?;
            process.lock = lock;
        }
        // The process may have been removed while it held nothing.
        connection.execute("INSERT OR IGNORE INTO processes VALUES (?1)", [id])?;
        Ok(())
    }

    /// Locks the lock file of process `id`, which is created if it does not exist. Returns `None`
    /// if the lock is taken.
    fn lock(&self, id: i64) -> io::Result<Option<File>> {
        let lock =
            private::open_options().read(true).create(true).truncate(false).open(self.file(id))?;
        match lock.try_lock() {
            Ok(()) => Ok(Some(lock)),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }

    /// Returns whether a process has ended. A process counts as living if that cannot be found out.
    pub(super) fn has_ended(&self, connection: &Connection, id: i64) -> bool {
        self.state(connection, id) == LockState::Free
    }

    fn state(&self, connection: &Connection, id: i64) -> LockState {
        let path = self.file(id);
        let Some(file) = FileId::at(&path) else { return LockState::Missing };
        match noted(connection, id) {
            // A version that noted no inode locked the file that is there.
            Ok(None) => {}
            Ok(inode) if inode == file.inode() => {}
            Ok(_) => return LockState::Missing,
            Err(_) => return LockState::Taken,
        }
        match File::open(path) {
            // Between the look and the opening the file may have been replaced.
            Ok(opened) if opened.metadata().ok().map(|it| FileId::of(&it)) != Some(file) => {
                LockState::Missing
            }
            // A shared lock, so that two processes that look do not take each other for the owner.
            Ok(file) if file.try_lock_shared().is_ok() => LockState::Free,
            Err(error) if error.kind() == io::ErrorKind::NotFound => LockState::Missing,
            Ok(_) | Err(_) => LockState::Taken,
        }
    }

    /// Removes the processes that have ended and hold nothing, and those without a lock file: a
    /// living process registers itself again. The caller holds a write transaction.
    pub(super) fn remove_ended(&self, connection: &Connection) -> rusqlite::Result<()> {
        let mut idle = connection.prepare_cached(
            "SELECT id FROM processes WHERE id NOT IN (SELECT process FROM holds)",
        )?;
        let idle = idle.query_map([], |row| row.get::<_, i64>(0))?;
        for id in idle.collect::<rusqlite::Result<Vec<_>>>()? {
            if self.state(connection, id) != LockState::Taken {
                connection.execute("DELETE FROM processes WHERE id = ?1", [id])?;
                connection.execute("DELETE FROM lock_files WHERE process = ?1", [id])?;
                // A file that stays is empty, and its id is not used again.
                let _ = std::fs::remove_file(self.file(id));
            }
        }
        Ok(())
    }

    fn file(&self, id: i64) -> PathBuf {
        self.folder.join(format!("{id}.lock"))
    }
}

/// Stores which file the lock of process `id` is on. The caller holds a write transaction.
fn note(connection: &Connection, id: i64, lock: &File) -> Result<(), RegisterError> {
    if let Some(inode) = FileId::of(&lock.metadata()?).inode() {
        connection.execute("INSERT OR REPLACE INTO lock_files VALUES (?1, ?2)", [id, inode])?;
    }
    Ok(())
}

/// Returns the inode of the file that the lock of process `id` is on; `None` if none was stored.
fn noted(connection: &Connection, id: i64) -> rusqlite::Result<Option<i64>> {
    let mut select =
        connection.prepare_cached("SELECT inode FROM lock_files WHERE process = ?1")?;
    select.query_row([id], |row| row.get(0)).optional()
}

/// The error of a process that could not be registered.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub(super) enum RegisterError {
    Sqlite(#[from] rusqlite::Error),
    File(#[from] io::Error),
}
