//! The open files of a ledger, and whether their paths still lead to them. A person may have moved
//! the files away, or put a backup in their place. A process that went on with the old files would
//! then count apart from all others, and every cap would allow its amount twice.

use std::fs::Metadata;
use std::path::{Path, PathBuf};

/// The identity of a file, whatever its name is. On systems other than Unix the standard library
/// cannot tell two files apart: there a file that exists counts as the one that was there before.
/// (Windows does not let anybody move a database that is open.)
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct FileId {
    #[cfg(unix)]
    device_and_inode: (u64, u64),
}

impl FileId {
    /// Returns the identity of the file at `path`, through links, or `None` if none can be seen
    /// there. The file is not opened: closing it would end SQLite's own locks on it.
    pub(super) fn at(path: &Path) -> Option<Self> {
        std::fs::metadata(path).ok().map(|metadata| Self::of(&metadata))
    }

    /// Returns the identity of the file that `metadata` describes.
    #[cfg(unix)]
    pub(super) fn of(metadata: &Metadata) -> Self {
        use std::os::unix::fs::MetadataExt;

        Self { device_and_inode: (metadata.dev(), metadata.ino()) }
    }

    /// Returns the same identity for every file.
    #[cfg(not(unix))]
    pub(super) fn of(_: &Metadata) -> Self {
        Self {}
    }
}

/// The files of an open ledger, each with the path that led to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct OpenFiles([(PathBuf, FileId); 3]);

impl OpenFiles {
    /// Returns the files that SQLite has open within a write transaction: the database, which
    /// `place` leads to, its write-ahead log and the index of the log. Returns `None` if one cannot
    /// be seen.
    ///
    /// The log matters as much as the database: `mv ledger.db*` moves one file after the other, and
    /// may take the log of a database that was created in between.
    pub(super) fn of(place: &Path, database: &Path) -> Option<Self> {
        let beside = |suffix| {
            let mut path = database.as_os_str().to_owned();
            path.push(suffix);
            PathBuf::from(path)
        };
        let seen = |path: PathBuf| FileId::at(&path).map(|file| (path, file));
        Some(Self([seen(place.to_owned())?, seen(beside("-wal"))?, seen(beside("-shm"))?]))
    }

    /// Returns the identity of the database file.
    pub(super) fn database(&self) -> FileId {
        let Self([(_, database), ..]) = self;
        *database
    }

    /// Returns whether the path of an open file now leads to another file, or to none.
    pub(super) fn have_moved(&self) -> bool {
        let Self(files) = self;
        files.iter().any(|(path, file)| FileId::at(path) != Some(*file))
    }
}
