//! The open files of a ledger, and whether their paths still lead to them. A person may have moved
//! the files away, or put a backup in their place. A process that went on with the old files would
//! then count apart from all others, and every cap would allow its amount twice.

use std::fs::Metadata;
use std::path::{Path, PathBuf};

/// The identity of a file, whatever its name is. On systems other than Unix the standard library
/// cannot distinguish two files, so a file that exists counts as the one that was there before.
/// (Windows does not let anybody move a database that is open.)
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct FileId {
    #[cfg(unix)]
    device_and_inode: (u64, u64),
}

impl FileId {
    /// Returns the identity of the file at `path`, through links, or `None` if there is no file.
    /// The file is not opened, because closing it would end SQLite's own locks on it.
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

impl FileId {
    /// Returns the inode as the ledger stores it, or `None` on systems without inodes. The device
    /// is left out, because its number may change when the machine restarts.
    pub(super) fn inode(self) -> Option<i64> {
        #[cfg(unix)]
        return Some(self.device_and_inode.1.cast_signed());
        #[cfg(not(unix))]
        None
    }
}

/// Returns why the ledger file at `path` cannot be shared by all who use it, in words for a person.
/// The log and the locks of a ledger are named after its file. Under two names there would be two
/// logs and two sets of locks, and every cap would allow its amount twice.
pub(super) fn other_names(path: &Path) -> Option<String> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;

        let file = std::fs::metadata(path).ok().filter(Metadata::is_file);
        let names = file.map_or(1, |file| file.nlink());
        if names > 1 {
            return Some(format!("the file has {names} names (hard links)"));
        }
    }
    None
}

/// Describes a ledger file that is a mount point of its own, as in a container that was given only
/// the file. The list of mounts may be long, so it is read once, when a ledger is opened.
pub(super) fn own_mount(path: &Path) -> Option<String> {
    let mounts = std::fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
    is_mount_point(&mounts, path)
        .then(|| "the file is mounted by itself, without the files beside it".to_owned())
}

/// Returns whether `path` is a mount point of its own, by the text of proc_pid_mountinfo(5).
fn is_mount_point(mounts: &str, path: &Path) -> bool {
    let mut points = mounts.lines().filter_map(|line| line.split(' ').nth(4));
    points.any(|point| Path::new(&unescaped(point)) == path)
}

/// Returns a mount point without the escapes for blanks, line ends and backslashes.
fn unescaped(point: &str) -> String {
    let escapes = [("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")];
    escapes.iter().fold(point.to_owned(), |text, (from, to)| text.replace(from, to))
}

/// Returns whether the file at `path` exists and is empty.
pub(super) fn is_empty(path: &Path) -> bool {
    std::fs::metadata(path).is_ok_and(|file| file.is_file() && file.len() == 0)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_mounted_by_itself_is_found_whatever_its_name() {
        let mounts = "22 27 0:21 / /proc rw,nosuid shared:12 - proc proc rw\n\
                      41 27 8:1 /a/l.db /srv/my\\040state/ledger.db rw - ext4 /dev/sda1 rw\n\
                      42 27 8:1 / /srv/state rw - ext4 /dev/sda1 rw\n";
        for (path, is_mounted) in [
            ("/srv/my state/ledger.db", true),
            ("/srv/my\\040state/ledger.db", false),
            ("/srv/state/ledger.db", false),
            ("/srv/my state", false),
            ("/proc", true),
            ("/a/l.db", false),
        ] {
            assert_eq!(is_mount_point(mounts, Path::new(path)), is_mounted, "{path}");
        }
        assert!(!is_mount_point("", Path::new("")));
    }
}
