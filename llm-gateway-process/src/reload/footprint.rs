//! What the system says of a file without reading it, by which a change is seen.

use std::fs::Metadata;
use std::io::ErrorKind;
use std::path::Path;

/// The metadata of one path. Two that are equal stand for the same content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Footprint {
    /// A file that can be read again and again.
    File { identity: (u64, u64), length: u64, modified: FileTime, changed: FileTime },
    /// A directory, a pipe or a device. Its times are left out: they change without an edit, and a
    /// pipe is read only once.
    Other { identity: (u64, u64), is_directory: bool },
    /// Nothing that can be looked at; a link to nowhere counts as a link.
    Nothing { why: ErrorKind, is_link: bool },
}

/// A time in seconds and nanoseconds, as the file system counts it.
type FileTime = (i64, i64);

impl Footprint {
    /// Looks at a path.
    pub(super) fn of(path: &Path) -> Self {
        match path.metadata() {
            Ok(metadata) if metadata.is_file() => Self::File {
                identity: identity(&metadata),
                length: metadata.len(),
                modified: modified(&metadata),
                changed: changed(&metadata),
            },
            Ok(metadata) => {
                Self::Other { identity: identity(&metadata), is_directory: metadata.is_dir() }
            }
            Err(error) => {
                let is_link = path.symlink_metadata().is_ok_and(|it| it.is_symlink());
                Self::Nothing { why: error.kind(), is_link }
            }
        }
    }

    /// Returns whether the file system seems to count whole seconds only, so that two edits within
    /// one second may look the same.
    pub(super) fn is_coarse(&self) -> bool {
        matches!(self, Self::File { modified: (_, 0), .. })
    }
}

/// Returns what tells a file from another one that takes its place.
#[cfg(unix)]
fn identity(metadata: &Metadata) -> (u64, u64) {
    use std::os::unix::fs::MetadataExt;
    (metadata.dev(), metadata.ino())
}

#[cfg(unix)]
fn modified(metadata: &Metadata) -> FileTime {
    use std::os::unix::fs::MetadataExt;
    (metadata.mtime(), metadata.mtime_nsec())
}

/// Returns when the content or the rights changed. Copying with the times of the original sets the
/// other time back, and not this one.
#[cfg(unix)]
fn changed(metadata: &Metadata) -> FileTime {
    use std::os::unix::fs::MetadataExt;
    (metadata.ctime(), metadata.ctime_nsec())
}

#[cfg(not(unix))]
fn identity(_: &Metadata) -> (u64, u64) {
    (0, 0)
}

#[cfg(not(unix))]
fn modified(metadata: &Metadata) -> FileTime {
    since_1970(metadata.modified())
}

#[cfg(not(unix))]
fn changed(metadata: &Metadata) -> FileTime {
    since_1970(metadata.created())
}

#[cfg(not(unix))]
fn since_1970(time: std::io::Result<std::time::SystemTime>) -> FileTime {
    let since = time.ok().and_then(|time| time.duration_since(std::time::UNIX_EPOCH).ok());
    since.map_or((0, 0), |since| (since.as_secs().cast_signed(), since.subsec_nanos().into()))
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use std::fs;
    use std::os::unix::fs::{PermissionsExt, symlink};
    use std::path::PathBuf;
    use std::time::Duration;

    use tempfile::TempDir;

    use super::*;

    /// A way to change what is at a path.
    type Edit = Box<dyn Fn(&Path)>;

    fn edits_of_the_file() -> Vec<(&'static str, Edit)> {
        vec![
            ("longer", Box::new(|at| fs::write(at, "a longer text").unwrap())),
            ("as long", Box::new(|at| fs::write(at, "b").unwrap())),
            (
                "other rights",
                Box::new(|at| {
                    fs::set_permissions(at, fs::Permissions::from_mode(0o600)).unwrap();
                }),
            ),
            (
                "an edit with the old time",
                Box::new(|at| {
                    let time = at.metadata().unwrap().modified().unwrap();
                    fs::write(at, "b").unwrap();
                    fs::File::options().append(true).open(at).unwrap().set_modified(time).unwrap();
                }),
            ),
        ]
    }

    fn edits_of_the_path(other: PathBuf) -> Vec<(&'static str, Edit)> {
        let elsewhere = other.clone();
        vec![
            (
                "renamed onto it",
                Box::new(move |at| {
                    fs::write(&other, "b").unwrap();
                    fs::rename(&other, at).unwrap();
                }),
            ),
            ("gone", Box::new(|at| fs::remove_file(at).unwrap())),
            (
                "a directory",
                Box::new(|at| {
                    fs::remove_file(at).unwrap();
                    fs::create_dir(at).unwrap();
                }),
            ),
            (
                "a link to the same text",
                Box::new(move |at| {
                    fs::write(&elsewhere, "a").unwrap();
                    fs::remove_file(at).unwrap();
                    symlink(&elsewhere, at).unwrap();
                }),
            ),
            (
                "a link to nowhere",
                Box::new(|at| {
                    fs::remove_file(at).unwrap();
                    symlink("/nowhere/at/all", at).unwrap();
                }),
            ),
        ]
    }

    #[test]
    fn every_kind_of_edit_shows() {
        let place = TempDir::new().unwrap();
        let (at, other) = (place.path().join("policy"), place.path().join("other"));
        let edits = edits_of_the_file().into_iter().chain(edits_of_the_path(other.clone()));
        for (name, edit) in edits {
            let _ = (fs::remove_file(&at), fs::remove_dir(&at), fs::remove_file(&other));
            fs::write(&at, "a").unwrap();
            let before = Footprint::of(&at);
            assert_eq!(Footprint::of(&at), before, "{name}");
            // Times are counted in ticks, which last a few milliseconds.
            wait_for_a_tick(&place.path().join("tick"));
            edit(&at);
            assert_ne!(Footprint::of(&at), before, "{name}");
        }
    }

    /// Waits until the file system counts another time.
    fn wait_for_a_tick(at: &Path) {
        let written = || {
            fs::write(at, "tick").unwrap();
            at.metadata().unwrap().modified().unwrap()
        };
        let first = written();
        while written() == first {}
    }

    #[test]
    fn a_link_that_is_set_elsewhere_shows_and_so_does_its_target() {
        let place = TempDir::new().unwrap();
        let [at, one, two] = ["at", "one", "two"].map(|name| place.path().join(name));
        fs::write(&one, "a").unwrap();
        fs::write(&two, "a").unwrap();
        symlink(&one, &at).unwrap();
        let first = Footprint::of(&at);
        fs::remove_file(&at).unwrap();
        symlink(&two, &at).unwrap();
        let second = Footprint::of(&at);
        assert_ne!(first, second);
        fs::write(&two, "another text").unwrap();
        assert_ne!(Footprint::of(&at), second);
    }

    #[test]
    fn what_happens_inside_a_directory_or_a_pipe_is_no_edit() {
        let place = TempDir::new().unwrap();
        let at = place.path().join("policy");
        fs::create_dir(&at).unwrap();
        let before = Footprint::of(&at);
        fs::write(at.join("inside"), "").unwrap();
        assert_eq!(Footprint::of(&at), before);
        fs::remove_dir_all(&at).unwrap();
        let mut make = std::process::Command::new("mkfifo");
        assert!(make.arg(&at).status().unwrap().success());
        let before = Footprint::of(&at);
        let reader = fs::File::options().read(true).write(true).open(&at).unwrap();
        fs::write(&at, "text").unwrap();
        assert_eq!(Footprint::of(&at), before);
        drop(reader);
    }

    #[test]
    fn whole_seconds_are_coarse() {
        let place = TempDir::new().unwrap();
        let at = place.path().join("policy");
        let file = fs::File::create(&at).unwrap();
        let second = std::time::UNIX_EPOCH + Duration::from_secs(1_700_000_000);
        file.set_modified(second).unwrap();
        assert!(Footprint::of(&at).is_coarse());
        file.set_modified(second + Duration::from_nanos(5)).unwrap();
        assert!(!Footprint::of(&at).is_coarse());
        assert!(!Footprint::of(place.path()).is_coarse());
        assert!(!Footprint::of(&place.path().join("nothing")).is_coarse());
    }
}
