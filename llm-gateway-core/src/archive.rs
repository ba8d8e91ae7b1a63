//! Writes receipts to disk, into the directory that the policy names.
//!
//! Only this user may read the files, because a bundle contains prompts and answers. The newest
//! receipts are kept; older ones are removed with their bundles.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use serde::Serialize;

use crate::certificate::{Bundle, Receipt};
use crate::model::RunId;
use crate::policy::Receipts;
use crate::private;

/// The suffix of a receipt's file name, after the id of its run.
const RECEIPT: &str = ".receipt.json";
/// The suffix of a bundle's file name, after the id of its run.
const BUNDLE: &str = ".bundle.json";

/// Writes the receipt of a run to disk, and its bundle if there is one, and returns the receipt's
/// path.
///
/// # Errors
/// The file system refuses the write. If the receipt cannot be written, its bundle is removed.
pub(crate) fn write<S: Serialize, E: Serialize>(
    receipts: &Receipts,
    run: RunId,
    receipt: &Receipt<S>,
    bundle: Option<&Bundle<E>>,
) -> io::Result<PathBuf> {
    private::create_folder(&receipts.dir)?;
    let path = receipts.dir.join(format!("{run}{RECEIPT}"));
    let beside = receipts.dir.join(format!("{run}{BUNDLE}"));
    if let Some(bundle) = bundle {
        private::write(&beside, &bundle.to_bytes())?;
    }
    if let Err(error) = private::write(&path, &receipt.to_bytes()) {
        // Bundles are removed with their receipts. Without one this bundle would keep its prompts
        // for ever.
        let _ = fs::remove_file(&beside);
        return Err(error);
    }
    // The receipt is written. It does not matter to it that an old one cannot be removed, perhaps
    // because another run removed it.
    if let Err(error) = prune(&receipts.dir, receipts.keep as usize) {
        tracing::debug!(%error, "an old receipt was not removed");
    }
    Ok(path)
}

/// Removes the oldest receipts of a folder, with their bundles, until `keep` receipts are left.
fn prune(folder: &Path, keep: usize) -> io::Result<()> {
    let mut receipts: Vec<(SystemTime, PathBuf)> = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.to_str().is_some_and(|path| path.ends_with(RECEIPT)) {
            receipts.push((fs::metadata(&path)?.modified()?, path));
        }
    }
    receipts.sort();
    for (_, path) in receipts.iter().take(receipts.len().saturating_sub(keep)) {
        fs::remove_file(path)?;
        let bundle = path.to_str().and_then(|path| path.strip_suffix(RECEIPT));
        if let Some(bundle) = bundle.map(|stem| format!("{stem}{BUNDLE}")) {
            // Not every receipt has a bundle.
            let _ = fs::remove_file(bundle);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::certificate::{Evidence, Kinship, Particulars, Rules, Salt};
    use crate::policy::Level;

    #[test]
    fn a_receipt_that_cannot_be_written_leaves_no_bundle() {
        let root = tempfile::tempdir().unwrap();
        let receipts = Receipts { dir: root.path().to_owned(), bundle: true, keep: 2 };
        let (rules, salt) = (Rules::new(Level::None, None), Salt::from_bytes([7; 32]));
        let (receipt, bundle) = Receipt::issue(
            Particulars::default(),
            Evidence::default(),
            &rules,
            &Kinship::default(),
            salt,
        );
        let files = || fs::read_dir(root.path()).unwrap().count();
        let good = RunId::from_bits(1);
        write(&receipts, good, &receipt, Some(&bundle)).unwrap();
        assert_eq!(files(), 2);
        let run = RunId::from_bits(2);
        fs::create_dir(root.path().join(format!("{run}{RECEIPT}"))).unwrap();
        assert!(write(&receipts, run, &receipt, Some(&bundle)).is_err());
        assert_eq!(files(), 3);
        assert!(!root.path().join(format!("{run}{BUNDLE}")).exists());
    }
}
