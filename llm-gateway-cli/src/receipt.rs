//! Writes receipts and bundles where `--receipt` and `--bundle` say.
//!
//! Only the user can read them: a bundle holds prompts and answers, a receipt what was asked of
//! which model.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::{fs, io};

use llm_gateway_core::certificate::{
    LARGEST_BUNDLE, LARGEST_BUNDLE_FILE, LARGEST_RECEIPT, LARGEST_RECEIPT_FILE, is_bundle,
    is_receipt,
};
use llm_gateway_core::front::{write_place, write_private};
use llm_gateway_core::policy::RouteKind;
use llm_gateway_core::{Failure, Gateway, Reply};

use crate::layout::path_name;
use crate::options::Documents;
use crate::terminal::{FAINT, Terminal};

/// A kind of document that is written to a file: a receipt or a bundle.
struct Document {
    name: &'static str,
    flag: &'static str,
    /// The size of the largest document that is written, because `verify` reads no larger one.
    largest: usize,
    /// The size of the largest file that may be such a document.
    largest_file: usize,
    is_one: fn(&[u8]) -> bool,
}

const RECEIPT: Document = Document {
    name: "receipt",
    flag: "--receipt",
    largest: LARGEST_RECEIPT,
    largest_file: LARGEST_RECEIPT_FILE,
    is_one: is_receipt,
};

const BUNDLE: Document = Document {
    name: "bundle",
    flag: "--bundle",
    largest: LARGEST_BUNDLE,
    largest_file: LARGEST_BUNDLE_FILE,
    is_one: is_bundle,
};

impl Document {
    /// Checks that writing to a path loses nothing but an earlier document of this kind. An empty
    /// file has nothing to lose, and a device or a pipe is not replaced.
    fn check_replaced(&self, path: &Path) -> Result<(), String> {
        let Self { name, flag, largest_file, .. } = self;
        if !path.is_file() {
            return Ok(());
        }
        let mut bytes = Vec::new();
        let read = fs::File::open(path)
            .and_then(|file| file.take(*largest_file as u64 + 1).read_to_end(&mut bytes));
        let is_one = read.is_ok() && bytes.len() <= *largest_file && (self.is_one)(&bytes);
        if is_one || read.is_ok() && bytes.is_empty() {
            return Ok(());
        }
        let shown = path.display();
        Err(format!(
            "{flag} names `{shown}`, which is no {name}: name another file, or add --force"
        ))
    }

    /// Writes the document.
    ///
    /// # Errors
    /// The text says why it is not written.
    fn write(&self, path: &Path, bytes: &[u8], force: bool) -> Result<(), String> {
        let Self { name, largest, .. } = self;
        let shown = path.display();
        if bytes.len() > *largest {
            let size = bytes.len();
            return Err(format!(
                "the {name} is not written: it has {size} bytes, and `verify` reads {largest}"
            ));
        }
        if !force {
            // The file may have come since the check.
            self.check_replaced(path)?;
        }
        write_private(path, bytes)
            .map_err(|error| format!("the {name} cannot be written to `{shown}`: {error}"))
    }
}

/// Checks, before anything is paid for, that receipt and bundle can be written, each to a path of
/// its own, and that no other file is lost.
///
/// # Errors
/// Fails with a message about the first path that cannot be used.
pub(crate) fn check(documents: &Documents) -> Result<(), String> {
    let Documents { receipt, bundle, force } = documents;
    let files = [(RECEIPT, receipt), (BUNDLE, bundle)];
    let files = files.iter().filter_map(|(document, path)| Some((document, path.as_deref()?)));
    files.clone().try_for_each(|(document, path)| check_place(document.flag, path))?;
    match (receipt, bundle) {
        (Some(receipt), Some(bundle)) if canonical(receipt) == canonical(bundle) => {
            return Err("--receipt and --bundle name the same file: give each its own".to_owned());
        }
        _ => {}
    }
    files.filter(|_| !force).try_for_each(|(document, path)| document.check_replaced(path))
}

/// Checks whether a file may be written at a path, as far as that is known without creating one.
fn check_place(flag: &str, path: &Path) -> Result<(), String> {
    let shown = path.display();
    if path.is_dir() {
        return Err(format!("{flag} names a folder, `{shown}`: name a file in it"));
    }
    let place = write_place(path).map_err(|error| format!("{flag} names `{shown}`: {error}"))?;
    if !folder(&place).is_dir() {
        return Err(format!("{flag} names `{shown}`, whose folder is not there: create it first"));
    }
    Ok(())
}

fn folder(path: &Path) -> &Path {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    folder.unwrap_or(Path::new("."))
}

/// Returns the canonical form of a file's path. A path that leads nowhere is returned as it is.
fn canonical(path: &Path) -> PathBuf {
    let place = write_place(path).unwrap_or_else(|_| path.to_owned());
    let in_folder = || Some(fs::canonicalize(folder(&place)).ok()?.join(place.file_name()?));
    in_folder().unwrap_or(place)
}

/// Returns the reason why a task class has no receipt although one is wanted; `None` otherwise.
///
/// The function is called before anything is paid for. A class that the policy lacks is refused
/// elsewhere.
pub(crate) fn unavailable_because(
    documents: &Documents,
    gateway: &Gateway,
    class: &str,
) -> Option<String> {
    if documents.receipt.is_none() && documents.bundle.is_none() {
        return None;
    }
    let is_single = gateway.policy().ok()?.route(class)?.kind() == RouteKind::Single;
    is_single.then(|| format!("`{class}` asks one model, and one alone has no receipt"))
}

/// Writes the receipt and the bundle where they are wanted, and reports each on stderr.
///
/// Returns false if a document is missing that should have been written.
///
/// # Errors
/// Fails if a report cannot be written.
pub(crate) fn write(
    documents: &Documents,
    outcome: &Result<Reply, Failure>,
    terminal: &mut Terminal,
) -> io::Result<bool> {
    if documents.receipt.is_none() && documents.bundle.is_none() {
        return Ok(true);
    }
    let (receipt, bundle) = match receipt_and_bundle(outcome) {
        Some(sealed) => sealed,
        None if outcome.is_ok() => {
            terminal.complain("one model answered, and one alone has no receipt: none is written");
            return Ok(false);
        }
        // The error of the run has said already that nobody was asked.
        None => return Ok(false),
    };
    let receipt = documents.receipt.iter().map(|path| (path, RECEIPT, &receipt));
    let bundle = documents.bundle.iter().map(|path| (path, BUNDLE, &bundle));
    let (mut all_written, mut told) = (true, Ok(()));
    for (path, document, bytes) in receipt.chain(bundle) {
        if let Err(why) = document.write(path, bytes, documents.force) {
            terminal.complain(&why);
            all_written = false;
        } else if !terminal.json {
            let path = path_name(path);
            let line = format!("{} written to {path}", document.name);
            told = told.and(terminal.note(&format!("{FAINT}{line}{FAINT:#}")));
        }
    }
    told.map(|()| all_written)
}

/// Returns the receipt and the bundle of a run; `None` if it has none. A failed run may have both.
fn receipt_and_bundle(outcome: &Result<Reply, Failure>) -> Option<(Vec<u8>, Vec<u8>)> {
    let (panel, done) = match outcome {
        Ok(Reply::Panel(panel)) => (Some(&**panel), None),
        Ok(Reply::Cascade(cascade)) => (Some(&cascade.gate), None),
        Ok(Reply::Orchestration(done)) => (None, Some(&**done)),
        Ok(_) => (None, None),
        Err(failure) => (failure.panel(), failure.orchestration()),
    };
    let panel = panel.map(|panel| (panel.receipt.to_bytes(), panel.bundle.to_bytes()));
    panel.or_else(|| done.map(|done| (done.receipt.to_bytes(), done.bundle.to_bytes())))
}
