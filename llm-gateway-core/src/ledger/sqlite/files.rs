//! Which files are open, and whether their paths still lead to them: a person may have moved
//! them away, or put a backup in their place. Who went on with the old files then would count
//! beside everybody else, and every cap would hold twice.

use std::fs::Metadata;
use std::path::{Path, PathBuf};

/// A file, whatever it is called. Elsewhere than on Unix the standard library cannot tell two
/// files apart; there one that exists is taken for the one that was there before. (Windows does
/// not let anybody move a database that is open.)
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct FileId {
    #[cfg(unix)]
    device_and_inode: (u64, u64),
}

impl FileId {
    /// The file at `path`, through links; `None` where there is none that can be seen. It is
    /// not opened: closing it would end SQLite's own locks on it.
    pub(super) fn at(path: &Path) -> Option<Self> {
        std::fs::metadata(path).ok().map(|metadata| Self::of(&metadata))
    }

    #[cfg(unix)]
    pub(super) fn of(metadata: &Metadata) -> Self {
        use std::os::unix::fs::MetadataExt;

        Self { device_and_inode: (metadata.dev(), metadata.ino()) }
    }

    #[cfg(not(unix))]
    pub(super) fn of(_: &Metadata) -> Self {
        Self {}
    }
}

/// The files of an open ledger, each with the path that led to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct OpenFiles([(PathBuf, FileId); 3]);

impl OpenFiles {
    /// The files that SQLite has open within a write transaction: the database, which `place`
    /// leads to, the log and its index. `None` where one cannot be seen.
    ///
    /// The log counts as much as the database: `mv ledger.db*` moves one after the other, and
    /// may take the log of a database that was made in between.
    pub(super) fn of(place: &Path, database: &Path) -> Option<Self> {
        let beside = |suffix| {
            let mut path = database.as_os_str().to_owned();
            path.push(suffix);
            PathBuf::from(path)
        };
        let seen = |path: PathBuf| FileId::at(&path).map(|file| (path, file));
        Some(Self([seen(place.to_owned())?, seen(beside("-wal"))?, seen(beside("-shm"))?]))
    }

    /// The database.
    pub(super) fn database(&self) -> FileId {
        let Self([(_, database), ..]) = self;
        *database
    }

    /// Whether a path leads elsewhere by now, or nowhere.
    pub(super) fn have_moved(&self) -> bool {
        let Self(files) = self;
        files.iter().any(|(path, file)| FileId::at(path) != Some(*file))
    }
}
