//! Which file a path leads to. A path may lead to another file than the one that is open: a
//! person moved it away, or put a backup in its place.

use std::fs::Metadata;
use std::path::Path;

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
