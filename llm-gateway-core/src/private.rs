//! Files and folders for this user alone: they hold prompts, answers, and what was spent.
//!
//! Rights are set where a file is made, so that there is no moment at which others can read it.
//! Elsewhere than on Unix a file has the rights that its folder hands down.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;

/// Makes a folder, and those above it, with mode 0700. One that is there stays as it is.
pub(crate) fn folder(path: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

/// Opens files to write; those that it makes have mode 0600. One that is there keeps its own.
pub(crate) fn options() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

/// Writes a file that nobody but this user may read (mode 0600). One that is there is replaced,
/// and closed to others first.
///
/// ```
/// # let folder = tempfile::tempdir()?;
/// let receipt = folder.path().join("receipt.json");
/// llm_gateway_core::write_private(&receipt, b"{}")?;
/// assert_eq!(std::fs::read(&receipt)?, b"{}");
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// # Errors
/// What the file system says; also where the file is another user's.
pub fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = options().create(true).truncate(true).open(path)?;
    close_to_others(&file)?;
    file.write_all(bytes)
}

/// For a file that was there before.
#[cfg(unix)]
fn close_to_others(file: &File) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    match file.metadata()?.is_file() {
        true => file.set_permissions(std::fs::Permissions::from_mode(0o600)),
        // A device or a pipe has its own rights.
        false => Ok(()),
    }
}

#[cfg(not(unix))]
fn close_to_others(_: &File) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    #[cfg(unix)]
    #[test]
    fn what_is_made_or_replaced_is_for_this_user_alone() {
        use std::fs::{self, Permissions};
        use std::os::unix::fs::PermissionsExt;
        use std::path::Path;

        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        let root = tempfile::tempdir().unwrap();
        let inner = root.path().join("outer/inner");
        super::folder(&inner).unwrap();
        assert_eq!((mode(&inner), mode(inner.parent().unwrap())), (0o700, 0o700));
        let (made, open) = (inner.join("made"), inner.join("open"));
        super::options().create_new(true).open(&made).unwrap();
        fs::write(&open, "a longer text that was there before").unwrap();
        fs::set_permissions(&open, Permissions::from_mode(0o644)).unwrap();
        super::write(&open, b"new").unwrap();
        assert_eq!((mode(&made), mode(&open)), (0o600, 0o600));
        assert_eq!(fs::read(&open).unwrap(), b"new");
    }
}
