//! Receipts on disk, where the policy names a directory for them.
//!
//! Files are for this user alone: a bundle holds prompts and answers. The newest are kept.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use serde::Serialize;

use crate::certificate::{Bundle, Receipt};
use crate::model::RunId;
use crate::policy::Receipts;
use crate::private;

const RECEIPT: &str = ".receipt.json";
const BUNDLE: &str = ".bundle.json";

/// Writes the receipt of a run, and its bundle if one is given. Gives the receipt's path.
///
/// # Errors
/// What the file system says. What was written until then stays.
pub(crate) fn write<S: Serialize, E: Serialize>(
    receipts: &Receipts,
    run: RunId,
    receipt: &Receipt<S>,
    bundle: Option<&Bundle<E>>,
) -> io::Result<PathBuf> {
    private::folder(&receipts.dir)?;
    let path = receipts.dir.join(format!("{run}{RECEIPT}"));
    if let Some(bundle) = bundle {
        private::write(&receipts.dir.join(format!("{run}{BUNDLE}")), &bundle.to_bytes())?;
    }
    private::write(&path, &receipt.to_bytes())?;
    // The receipt is there; that an old one cannot be removed, perhaps because another run did,
    // takes nothing from it.
    if let Err(error) = prune(&receipts.dir, receipts.keep as usize) {
        tracing::debug!(%error, "an old receipt was not removed");
    }
    Ok(path)
}

/// Removes the oldest receipts, with their bundles, down to `keep`.
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
            // Not every receipt has one.
            let _ = fs::remove_file(bundle);
        }
    }
    Ok(())
}
