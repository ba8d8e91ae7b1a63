//! Creates files and folders that only this user may read, because they contain prompts, answers,
//! and amounts spent.
//!
//! Permissions are set when a file is created, so that there is no moment at which others can read
//! it. On systems other than Unix a file inherits the permissions of its folder.

use std::ffi::OsString;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Creates a folder, and its missing parents, with mode 0700. An existing folder stays as it is.
///
/// # Errors
/// The file system refuses to create the folder.
pub(crate) fn create_folder(path: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

/// Returns options for opening private files for writing. A file that they create has mode 0600; an
/// existing file keeps its own mode.
pub(crate) fn open_options() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

/// Writes a file that only this user may read (mode 0600). When the function returns, the file is
/// on the disk and in its folder, and a loss of power does not lose it.
///
/// An existing file is replaced as a whole: its readers find the old content or the new one, and
/// until the new one is complete the old file stays as it is. If the path is a symbolic link, the
/// file that it leads to is written, which need not exist yet, and the link stays. A device or a
/// pipe is written to.
///
/// ```
/// # let folder = tempfile::tempdir()?;
/// let receipt = folder.path().join("receipt.json");
/// llm_gateway_core::front::write_private(&receipt, b"{}")?;
/// assert_eq!(std::fs::read(&receipt)?, b"{}");
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// # Errors
/// The file system refuses, for example because no file can be created in the folder.
pub fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let path = match fs::metadata(path) {
        // A device or a pipe keeps its permissions, and is not replaced.
        Ok(there) if !there.is_file() => {
            return OpenOptions::new().write(true).open(path)?.write_all(bytes);
        }
        _ => write_place(path)?,
    };
    replace(&path, bytes, &mut File::sync_all)
}

/// Writes a new file and puts it in the place of `path`. `sync` brings a file or a folder to the
/// disk: the file before it takes its place, and the folder after that.
fn replace(
    path: &Path,
    bytes: &[u8],
    sync: &mut dyn FnMut(&File) -> io::Result<()>,
) -> io::Result<()> {
    let (beside, mut file) = create_beside(path)?;
    let written = file.write_all(bytes).and_then(|()| sync(&file));
    let replaced = written.and_then(|()| fs::rename(&beside, path));
    if replaced.is_err() {
        // The error to report is the one above, not one of this removal.
        let _ = fs::remove_file(&beside);
    }
    replaced?;
    sync_folder(path, sync)
}

/// Brings the folder of a file to the disk. Systems other than Unix have no such call, and some
/// file systems refuse it.
fn sync_folder(path: &Path, sync: &mut dyn FnMut(&File) -> io::Result<()>) -> io::Result<()> {
    if cfg!(not(unix)) {
        return Ok(());
    }
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let Ok(folder) = File::open(folder.unwrap_or(Path::new("."))) else { return Ok(()) };
    match sync(&folder) {
        Err(error) if is_refused(&error) => Ok(()),
        synced => synced,
    }
}

/// Returns whether an error of a file system says that it does not bring folders to the disk.
fn is_refused(error: &io::Error) -> bool {
    let kinds = [io::ErrorKind::InvalidInput, io::ErrorKind::Unsupported];
    kinds.contains(&error.kind()) || error.kind() == io::ErrorKind::PermissionDenied
}

/// The largest number of symbolic links that are followed one after the other, as usual in systems.
const LINKS: usize = 40;

/// Returns where [`write`](fn@write) puts the file of a path: where its links lead, even if nothing is there yet.
///
/// # Errors
/// The links lead in a circle.
pub fn write_place(path: &Path) -> io::Result<PathBuf> {
    fs::canonicalize(path).or_else(|_| link_target(path))
}

/// Returns where links lead whose target does not exist yet, and any other path as it is.
///
/// # Errors
/// The links lead in a circle.
fn link_target(path: &Path) -> io::Result<PathBuf> {
    let mut path = path.to_owned();
    for _ in 0..LINKS {
        let Ok(target) = fs::read_link(&path) else { return Ok(path) };
        path = path.parent().unwrap_or(Path::new("")).join(target);
    }
    Err(io::Error::other("its links lead in a circle"))
}

/// The number of names that are tried for a new file next to another. A name is taken only if an
/// earlier process with the same number left a file there, or by a write at the same time.
const MOST_NAMES_TRIED: u32 = 1_000;

/// Creates a new file in the folder of `path`, whose place it is to take later.
fn create_beside(path: &Path) -> io::Result<(PathBuf, File)> {
    let name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?;
    let process = std::process::id();
    for n in 0..MOST_NAMES_TRIED {
        let mut hidden = OsString::from(".");
        hidden.push(name);
        hidden.push(format!(".{process}-{n}"));
        let beside = path.with_file_name(hidden);
        match open_options().create_new(true).open(&beside) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            made => return made.map(|file| (beside, file)),
        }
    }
    Err(io::ErrorKind::AlreadyExists.into())
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    #[cfg(unix)]
    #[test]
    fn what_is_made_or_replaced_is_for_this_user_alone() {
        use std::fs::Permissions;
        use std::os::unix::fs::PermissionsExt;

        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        let root = tempfile::tempdir().unwrap();
        let inner = root.path().join("outer/inner");
        super::create_folder(&inner).unwrap();
        assert_eq!((mode(&inner), mode(inner.parent().unwrap())), (0o700, 0o700));
        let (made, open) = (inner.join("made"), inner.join("open"));
        super::open_options().create_new(true).open(&made).unwrap();
        fs::write(&open, "a longer text that was there before").unwrap();
        fs::set_permissions(&open, Permissions::from_mode(0o644)).unwrap();
        super::write(&open, b"new").unwrap();
        assert_eq!((mode(&made), mode(&open)), (0o600, 0o600));
        assert_eq!(fs::read(&open).unwrap(), b"new");
    }

    /// Returns the names of everything in a folder.
    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap();
        let name = |entry: fs::DirEntry| entry.file_name().to_string_lossy().into_owned();
        let mut names: Vec<String> = entries.map(|entry| name(entry.unwrap())).collect();
        names.sort();
        names
    }

    #[cfg(unix)]
    #[test]
    fn a_file_is_replaced_as_a_whole_and_a_link_stays() {
        let root = tempfile::tempdir().unwrap();
        let path = |name: &str| root.path().join(name);
        super::write(&path("file"), b"old").unwrap();
        fs::hard_link(path("file"), path("reader")).unwrap();
        std::os::unix::fs::symlink("file", path("link")).unwrap();
        super::write(&path("link"), b"new").unwrap();
        // A reader that has the old file open goes on reading it.
        assert_eq!(fs::read(path("reader")).unwrap(), b"old");
        assert_eq!(fs::read(path("file")).unwrap(), b"new");
        assert!(fs::symlink_metadata(path("link")).unwrap().is_symlink());
        std::os::unix::fs::symlink("later", path("dangling")).unwrap();
        super::write(&path("dangling"), b"made").unwrap();
        assert_eq!(fs::read(path("later")).unwrap(), b"made");
        // A link to a link is no file either, and one that leads back to itself has no target.
        for (link, target) in
            [("first", "second"), ("second", "third"), ("odd", "even"), ("even", "odd")]
        {
            std::os::unix::fs::symlink(target, path(link)).unwrap();
        }
        super::write(&path("first"), b"made").unwrap();
        assert_eq!(fs::read(path("third")).unwrap(), b"made");
        assert!(super::write(&path("odd"), b"made").is_err());
        for link in ["first", "second", "odd", "even"] {
            assert!(fs::symlink_metadata(path(link)).unwrap().is_symlink(), "{link}");
        }
        super::write(Path::new("/dev/null"), b"gone").unwrap();
        let links =
            ["dangling", "even", "file", "first", "later", "link", "odd", "reader", "second"];
        assert_eq!(names(root.path()), [&links[..], &["third"]].concat());
    }

    /// Checks that a file is on the disk before it takes its place, so that it survives a loss of
    /// power.
    #[cfg(unix)]
    #[test]
    fn a_file_is_synced_before_it_takes_its_place_and_its_folder_after() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("file");
        fs::write(&path, "old").unwrap();
        let mut seen = Vec::new();
        super::replace(&path, b"new", &mut |file| {
            let is_folder = file.metadata().unwrap().is_dir();
            seen.push((is_folder, fs::read_to_string(&path).unwrap(), names(root.path()).len()));
            file.sync_all()
        })
        .unwrap();
        let expected = [(false, "old".to_owned(), 2), (true, "new".to_owned(), 1)];
        assert_eq!(seen, expected);
        let full =
            super::replace(&path, b"newer", &mut |_| Err(std::io::ErrorKind::StorageFull.into()));
        assert!(full.is_err());
        assert_eq!((fs::read(&path).unwrap(), names(root.path()).len()), (b"new".to_vec(), 1));
    }

    #[test]
    fn a_write_that_fails_leaves_what_was_there() {
        let root = tempfile::tempdir().unwrap();
        let file = root.path().join("file");
        fs::write(&file, "old").unwrap();
        for no_file in [root.path().join("absent/file"), root.path().to_owned()] {
            assert!(super::write(&no_file, b"new").is_err());
        }
        // A process that crashed left this file behind: its name is not used again.
        let taken = format!(".file.{}-0", std::process::id());
        fs::write(root.path().join(&taken), "left").unwrap();
        super::write(&file, b"new").unwrap();
        assert_eq!(fs::read(root.path().join(&taken)).unwrap(), b"left");
        assert_eq!(
            (names(root.path()), fs::read(&file).unwrap()),
            (vec![taken, "file".to_owned()], b"new".to_vec())
        );
    }
}
