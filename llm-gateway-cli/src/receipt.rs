//! Writes receipts and bundles where `--receipt` and `--bundle` say.
//!
//! Only the user can read them: a bundle holds prompts and answers, a receipt what was asked of
//! which model.

use std::path::{Path, PathBuf};
use std::{fs, io};

use llm_gateway_core::front::write_private;
use llm_gateway_core::policy::RouteKind;
use llm_gateway_core::{Failure, Gateway, Reply};

use crate::options::Documents;
use crate::terminal::{FAINT, Terminal, harmless};

/// Checks, before anything is paid for, that receipt and bundle can be written, each to a path of
/// its own.
///
/// # Errors
/// Fails with a message about the first path that cannot be used.
pub(crate) fn check(documents: &Documents) -> Result<(), String> {
    let Documents { receipt, bundle } = documents;
    for (flag, path) in [("--receipt", receipt), ("--bundle", bundle)] {
        path.as_deref().map_or(Ok(()), |path| check_place(flag, path))?;
    }
    match (receipt, bundle) {
        (Some(receipt), Some(bundle)) if canonical(receipt) == canonical(bundle) => {
            Err("--receipt and --bundle name the same file: give each its own".to_owned())
        }
        _ => Ok(()),
    }
}

/// Checks whether a file may be written at a path, as far as that is known without creating one.
fn check_place(flag: &str, path: &Path) -> Result<(), String> {
    let shown = path.display();
    if path.is_dir() {
        return Err(format!("{flag} names a folder, `{shown}`: name a file in it"));
    }
    if !folder(path).is_dir() {
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
    let in_folder = || Some(fs::canonicalize(folder(path)).ok()?.join(path.file_name()?));
    fs::canonicalize(path).ok().or_else(in_folder).unwrap_or_else(|| path.to_owned())
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
    let receipt = documents.receipt.iter().map(|path| (path, "receipt", &receipt));
    let bundle = documents.bundle.iter().map(|path| (path, "bundle", &bundle));
    let (mut all_written, mut told) = (true, Ok(()));
    for (path, what, bytes) in receipt.chain(bundle) {
        let shown = path.display();
        if let Err(error) = write_private(path, bytes) {
            terminal.complain(&format!("the {what} cannot be written to `{shown}`: {error}"));
            all_written = false;
        } else if !terminal.json {
            let line = harmless(&format!("{what} written to {shown}"));
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
