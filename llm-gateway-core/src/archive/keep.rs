//! Decides which files of the receipts' folder are removed.
//!
//! Only regular files whose names are exactly those that this gateway uses are looked at; all
//! others belong to other programs. A file that cannot be read or removed does not keep the rest
//! from being removed.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::path::Path;
use std::time::{Duration, SystemTime};

use crate::model::RunId;

/// A file that this gateway writes for a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RunFile {
    Receipt,
    Bundle,
}

impl RunFile {
    /// Returns the name of this file of a run.
    pub(super) fn name(self, run: RunId) -> String {
        format!("{run}{}", self.suffix())
    }

    fn suffix(self) -> &'static str {
        match self {
            Self::Receipt => ".receipt.json",
            Self::Bundle => ".bundle.json",
        }
    }

    /// Reads the id of the run and the kind of file from a file's name. Returns `None` for a name
    /// that this gateway does not use.
    fn of(name: &str) -> Option<(&str, Self)> {
        let parts = [Self::Receipt, Self::Bundle].into_iter();
        let (run, part) =
            parts.filter_map(|part| Some((name.strip_suffix(part.suffix())?, part))).next()?;
        let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        (run.len() == 32 && run.bytes().all(is_digit)).then_some((run, part))
    }
}

/// The longest time for which a file may stay unfinished. A process that ended left an older one
/// behind.
const UNFINISHED: Duration = Duration::from_secs(3_600);

/// The time by which a new receipt is dated after the newest one, if the clock says that it is
/// older.
const LATER: Duration = Duration::from_millis(1);

/// The files of this gateway in one folder.
#[derive(Debug, Default)]
struct ArchivedFiles {
    /// The date and the run's id of each receipt.
    receipts: Vec<(SystemTime, String)>,
    /// The ids of the runs that have a bundle.
    bundles: BTreeSet<String>,
    /// The names and dates of files that were never finished.
    unfinished: Vec<(SystemTime, String)>,
}

impl ArchivedFiles {
    /// Lists the files of this gateway in a folder. Files that cannot be read are left out.
    fn of(folder: &Path) -> Self {
        let mut listing = Self::default();
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            let name = entry.file_name();
            let Some(name) = name.to_str() else { continue };
            // The metadata is that of a link itself, not of what it leads to.
            let Some(there) = entry.metadata().ok().filter(fs::Metadata::is_file) else { continue };
            let dated = there.modified().unwrap_or(SystemTime::UNIX_EPOCH);
            match RunFile::of(name) {
                Some((run, RunFile::Receipt)) => listing.receipts.push((dated, run.to_owned())),
                Some((run, RunFile::Bundle)) => drop(listing.bundles.insert(run.to_owned())),
                None if is_unfinished(name) => listing.unfinished.push((dated, name.to_owned())),
                None => {}
            }
        }
        listing
    }
}

/// Returns whether a name is a temporary one, under which [`private::write`](crate::private::write)
/// writes a receipt or a bundle.
fn is_unfinished(name: &str) -> bool {
    let inner = name.strip_prefix('.').and_then(|name| name.rsplit_once('.'));
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    inner.is_some_and(|(name, numbers)| {
        let numbers = numbers.split_once('-');
        RunFile::of(name).is_some() && numbers.is_some_and(|(a, b)| is_number(a) && is_number(b))
    })
}

/// Returns the date of the newest receipt in a folder; `None` if it has none.
pub(super) fn newest(folder: &Path) -> Option<SystemTime> {
    ArchivedFiles::of(folder).receipts.into_iter().map(|(dated, _)| dated).max()
}

/// Removes the oldest receipts of a folder with their bundles, until `keep` are left, and removes
/// the files of runs that did not finish. The receipt that `run` has just written stays.
///
/// Receipts are ordered by their dates. `before` is the date of the newest receipt that was there
/// before this run wrote its own. If the clock went back since, the new receipt is dated behind it,
/// so that the order of the dates is always that of writing.
pub(super) fn clear(folder: &Path, run: RunId, keep: u32, before: Option<SystemTime>) {
    let own = folder.join(RunFile::Receipt.name(run));
    let Some(written) = fs::metadata(&own).and_then(|there| there.modified()).ok() else {
        // Newer receipts pushed it out before its bundle was written.
        return remove(&folder.join(RunFile::Bundle.name(run)));
    };
    let later = before.filter(|before| *before >= written).and_then(|it| it.checked_add(LATER));
    if let Some(later) = later {
        let dated = File::options().append(true).open(&own).and_then(|it| it.set_modified(later));
        note(&own, dated);
    }
    let ArchivedFiles { mut receipts, bundles, unfinished } = ArchivedFiles::of(folder);
    let id = run.to_string();
    // What came after this run's receipt is the business of the runs that wrote it.
    let own_place = (later.unwrap_or(written), id.clone());
    let newer = receipts.iter().filter(|place| **place > own_place).count();
    let older = (keep as usize).saturating_sub(1).saturating_sub(newer);
    receipts.retain(|place| *place < own_place && place.1 != id);
    receipts.sort_unstable_by(|a, b| b.cmp(a));
    for (_, old) in receipts.iter().skip(older) {
        remove(&folder.join(format!("{old}{}", RunFile::Receipt.suffix())));
    }
    for bundle in &bundles {
        // The folder is looked at again, because another run may have written both since.
        let receipt = folder.join(format!("{bundle}{}", RunFile::Receipt.suffix()));
        if !fs::symlink_metadata(receipt).is_ok_and(|there| there.is_file()) {
            remove(&folder.join(format!("{bundle}{}", RunFile::Bundle.suffix())));
        }
    }
    for (dated, name) in unfinished {
        if dated.checked_add(UNFINISHED).is_some_and(|until| until < written) {
            remove(&folder.join(name));
        }
    }
}

/// Removes a file, and ignores a failure, because another run may have removed it.
fn remove(path: &Path) {
    note(path, fs::remove_file(path));
}

fn note(path: &Path, result: std::io::Result<()>) {
    if let Err(error) = result {
        tracing::debug!(path = %path.display(), %error, "an old receipt was not cleared");
    }
}
