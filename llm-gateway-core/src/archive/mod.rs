//! Writes receipts to disk, into the directory that the policy names.
//!
//! Only this user may read the files, because a bundle contains prompts and answers. The newest
//! receipts are kept; which older files are removed is decided by [`keep`].

mod keep;

use std::io;
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::certificate::{Bundle, LARGEST_BUNDLE, LARGEST_RECEIPT, Receipt};
use crate::model::RunId;
use crate::policy::Receipts;
use crate::private;

use keep::RunFile;

/// Writes the receipt of a run to disk, then its bundle if there is one, and returns the receipt's
/// path. The file is there when the function returns. A bundle that cannot be written, or that
/// `verify` would not read, is logged.
///
/// # Errors
/// The file system refuses to write the receipt, `verify` would not read it, or newer receipts of
/// other runs have already pushed it out.
pub(crate) fn write<S: Serialize, E: Serialize>(
    receipts: &Receipts,
    run: RunId,
    receipt: &Receipt<S>,
    bundle: Option<&Bundle<E>>,
) -> io::Result<PathBuf> {
    let folder = &receipts.dir;
    private::create_folder(folder)?;
    let path = folder.join(RunFile::Receipt.name(run));
    let before = keep::newest(folder);
    // The receipt is written first, so a bundle without a receipt is always one that was left over.
    write_within(LARGEST_RECEIPT, &path, &receipt.to_bytes())?;
    if let Some(bundle) = bundle {
        let beside = folder.join(RunFile::Bundle.name(run));
        if let Err(error) = write_within(LARGEST_BUNDLE, &beside, &bundle.to_bytes()) {
            tracing::error!(path = %beside.display(), %error, "a bundle cannot be written");
        }
    }
    keep::clear(folder, run, receipts.keep, before);
    match path.is_file() {
        true => Ok(path),
        false => Err(io::Error::new(io::ErrorKind::NotFound, "newer receipts pushed it out")),
    }
}

/// Writes a file of at most `largest` bytes.
fn write_within(largest: usize, path: &Path, bytes: &[u8]) -> io::Result<()> {
    let size = bytes.len();
    if size > largest {
        let message = format!("it has {size} bytes, and `verify` reads {largest}");
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, message));
    }
    private::write(path, bytes)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::certificate::{Evidence, Kinship, PanelSubject, Particulars, Rules, Salt};
    use crate::policy::Level;

    /// Returns the receipt of a panel that nobody answered, and its bundle.
    fn documents() -> (Receipt<PanelSubject>, Bundle<Evidence>) {
        let (rules, salt) = (Rules::new(Level::None, None), Salt::from_bytes([7; 32]));
        let (particulars, kinship) = (Particulars::default(), Kinship::default());
        Receipt::issue(particulars, Evidence::default(), &rules, &kinship, salt)
    }

    /// Writes the receipt and the bundle of the run with the given number.
    fn archive(folder: &Path, keep: u32, run: u128) -> io::Result<PathBuf> {
        let receipts = Receipts { dir: folder.to_owned(), bundle: true, keep };
        let (receipt, bundle) = documents();
        write(&receipts, RunId::from_bits(run), &receipt, Some(&bundle))
    }

    /// Returns the names of everything in a folder, in their order.
    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap();
        let mut names: Vec<String> =
            entries.map(|it| it.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    /// Returns the names of the files of the runs with the given numbers, in their order.
    fn files_of(runs: &[u128]) -> Vec<String> {
        let of = |run: &u128| {
            let run = RunId::from_bits(*run);
            [RunFile::Bundle.name(run), RunFile::Receipt.name(run)]
        };
        let mut names: Vec<String> = runs.iter().flat_map(of).collect();
        names.sort();
        names
    }

    #[test]
    fn the_newest_receipts_are_kept_with_their_bundles() {
        let root = tempfile::tempdir().unwrap();
        // The names do not stand in the order in which they are written.
        for run in [9, 3, 7, 1] {
            let path = archive(root.path(), 2, run).unwrap();
            assert!(path.is_file(), "{}", path.display());
        }
        assert_eq!(names(root.path()), files_of(&[7, 1]));
    }

    #[test]
    fn a_receipt_that_cannot_be_written_leaves_no_bundle() {
        let root = tempfile::tempdir().unwrap();
        archive(root.path(), 2, 1).unwrap();
        let taken = root.path().join(RunFile::Receipt.name(RunId::from_bits(2)));
        fs::create_dir(&taken).unwrap();
        assert!(archive(root.path(), 2, 2).is_err());
        assert!(taken.is_dir() && names(root.path()).len() == 3, "{:?}", names(root.path()));
    }

    #[test]
    fn what_verify_would_not_read_is_not_written() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("file");
        let error = write_within(2, &path, b"abc").unwrap_err();
        assert_eq!(error.to_string(), "it has 3 bytes, and `verify` reads 2");
        assert!(!path.exists() && write_within(3, &path, b"abc").is_ok());
    }

    /// Checks that a receipt is written without its bundle: its digests can still be compared with
    /// an answer.
    #[test]
    fn a_bundle_that_cannot_be_written_does_not_lose_the_receipt() {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir(root.path().join(RunFile::Bundle.name(RunId::from_bits(1)))).unwrap();
        assert!(archive(root.path(), 1, 1).unwrap().is_file());
    }

    /// Sets the date of every file in a folder, as a clock that went wrong would have.
    fn date_all(folder: &Path, seconds_from_now: i64) {
        for name in names(folder) {
            let file = fs::File::options().append(true).open(folder.join(name)).unwrap();
            let now = file.metadata().unwrap().modified().unwrap();
            let by = std::time::Duration::from_secs(seconds_from_now.unsigned_abs());
            file.set_modified(if seconds_from_now < 0 { now - by } else { now + by }).unwrap();
        }
    }

    /// Checks that receipts are kept in the order in which they were written, whatever their dates
    /// say.
    #[test]
    fn a_clock_that_went_back_deletes_no_newer_receipt() {
        for keep in 1..=3u32 {
            for ahead in [0, 1, 600, 86_400, 400_000_000, -86_400] {
                let root = tempfile::tempdir().unwrap();
                for run in [5, 6] {
                    archive(root.path(), keep, run).unwrap();
                    date_all(root.path(), ahead);
                }
                let mut written = vec![5, 6];
                for run in [4, 8, 2] {
                    assert!(archive(root.path(), keep, run).unwrap().is_file());
                    written.push(run);
                    let kept = &written[written.len().saturating_sub(keep as usize)..];
                    assert_eq!(names(root.path()), files_of(kept), "keep {keep}, {ahead} s ahead");
                }
            }
        }
    }

    /// Checks that no other program's file is touched, and that none stops the clearing.
    #[test]
    fn files_that_are_not_of_this_gateways_naming_are_left_alone() {
        let root = tempfile::tempdir().unwrap();
        let hex = "0123456789abcdef0123456789abcdef";
        let mut foreign: Vec<String> = [
            "invoice-2026.receipt.json",
            "invoice-2026.bundle.json",
            "notes.txt",
            ".receipt.json",
            "0.receipt.json",
            ".bundle.json",
            "receipt.json",
        ]
        .map(str::to_owned)
        .to_vec();
        foreign.extend([
            format!("{}.receipt.json", hex.to_uppercase()),
            format!("{hex}0.receipt.json"),
            format!("{}.receipt.json", &hex[1..]),
            format!("{}g.receipt.json", &hex[1..]),
            format!("x{hex}.bundle.json"),
            format!(" {hex}.bundle.json"),
            format!("{hex}.receipt.json.bak"),
            format!("{hex}.receipt.json~"),
            format!("{hex}.receipt.jsonl"),
            format!("{hex}.RECEIPT.json"),
            format!("{hex}-receipt.json"),
            format!("{hex}.bundle.json.gz"),
            format!("{hex}.receipt.bundle.json"),
            format!(".{hex}.receipt.json.swp"),
            format!(".{hex}.bundle.json.12-"),
            format!(".{hex}.bundle.json.-1"),
            format!(".{hex}.bundle.json.1-2-3"),
        ]);
        for name in &foreign {
            fs::write(root.path().join(name), "somebody else's").unwrap();
        }
        date_all(root.path(), -1_000_000);
        for run in 1..=4 {
            archive(root.path(), 1, run).unwrap();
        }
        let mut expected = files_of(&[4]);
        expected.extend(foreign);
        expected.sort();
        assert_eq!(names(root.path()), expected);
    }

    /// Checks that links and folders stay even if they have the name of a receipt, and that they
    /// stop nothing.
    #[cfg(unix)]
    #[test]
    fn links_and_folders_are_left_alone_and_stop_nothing() {
        use std::os::unix::fs::symlink;

        let root = tempfile::tempdir().unwrap();
        let path = |name: &str| root.path().join(name);
        let hex = |n: u128| RunFile::Receipt.name(RunId::from_bits(n));
        fs::create_dir(path("folder")).unwrap();
        fs::write(path("file"), "theirs").unwrap();
        symlink("nowhere", path("0.receipt.json")).unwrap();
        symlink("nowhere", path(&hex(100))).unwrap();
        symlink("file", path(&hex(101))).unwrap();
        symlink("folder", path(&hex(102))).unwrap();
        symlink(hex(104), path(&hex(104))).unwrap();
        fs::create_dir(path(&hex(103))).unwrap();
        fs::write(path(&hex(103)).join("inside"), "theirs").unwrap();
        symlink("nowhere", path(&RunFile::Bundle.name(RunId::from_bits(105)))).unwrap();
        let before = names(root.path());
        for run in 1..=4 {
            archive(root.path(), 1, run).unwrap();
        }
        let mut expected = [before, files_of(&[4])].concat();
        expected.sort();
        assert_eq!(names(root.path()), expected);
        assert_eq!(fs::read(path("file")).unwrap(), b"theirs");
        assert!(path(&hex(103)).join("inside").exists());
    }

    /// Checks that a bundle without its receipt is removed, because a bundle contains prompts.
    #[test]
    fn what_was_left_over_is_cleared() {
        let root = tempfile::tempdir().unwrap();
        let path = |name: String| root.path().join(name);
        let orphan = RunFile::Bundle.name(RunId::from_bits(7));
        let unfinished = |n: u128| format!(".{}.31-0", RunFile::Bundle.name(RunId::from_bits(n)));
        fs::write(path(orphan.clone()), "prompts").unwrap();
        fs::write(path(unfinished(8)), "prompts").unwrap();
        date_all(root.path(), -7_200);
        fs::write(path(unfinished(9)), "another process writes this now").unwrap();
        archive(root.path(), 5, 1).unwrap();
        let mut expected = files_of(&[1]);
        expected.push(unfinished(9));
        expected.sort();
        assert_eq!(names(root.path()), expected);
        // A bundle that is as new as can be is left over as well.
        fs::write(path(orphan), "prompts").unwrap();
        archive(root.path(), 5, 2).unwrap();
        let mut expected = files_of(&[1, 2]);
        expected.push(unfinished(9));
        expected.sort();
        assert_eq!(names(root.path()), expected);
    }

    /// Checks a run whose receipt another run removes before the bundle is written.
    #[test]
    fn a_run_whose_receipt_was_pushed_out_leaves_no_bundle() {
        let root = tempfile::tempdir().unwrap();
        let run = RunId::from_bits(1);
        fs::write(root.path().join(RunFile::Bundle.name(run)), "prompts").unwrap();
        keep::clear(root.path(), run, 3, None);
        assert!(names(root.path()).is_empty());
    }

    /// Checks runs that write and clear at the same time, as processes with one folder do.
    #[test]
    fn runs_at_the_same_time_lose_only_what_newer_ones_push_out() {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path();
        std::thread::scope(|scope| {
            for thread in 0..4u128 {
                scope.spawn(move || {
                    for run in 0..20 {
                        let told = archive(folder, 3, thread * 1_000 + run);
                        assert!(
                            told.as_ref().is_ok_and(|path| path.starts_with(folder))
                                || told.is_err_and(|it| it.kind() == io::ErrorKind::NotFound)
                        );
                    }
                });
            }
        });
        archive(folder, 3, 9_999).unwrap();
        assert_eq!(names(folder).len(), 6, "{:?}", names(folder));
    }
}
