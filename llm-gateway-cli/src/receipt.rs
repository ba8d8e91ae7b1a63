//! Where `route` and `orchestrate` write the documents of what several models did.
//!
//! They are this user's alone: a bundle holds prompt and answers, a receipt what was asked of whom.

use std::path::{Path, PathBuf};
use std::{fs, io};

use llm_gateway_core::front::write_private;
use llm_gateway_core::policy::RouteKind;
use llm_gateway_core::{Failure, Gateway, Reply};

use crate::options::Documents;
use crate::terminal::{FAINT, Terminal, harmless};

/// Whether each document has a place, and one of its own: asked before anything is paid for.
///
/// # Errors
/// What is wrong with the places.
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

/// Whether a file may be at a path, as far as can be known without making one.
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

/// Where a path leads, however it is written; as it is written where it leads nowhere.
fn canonical(path: &Path) -> PathBuf {
    let in_folder = || Some(fs::canonicalize(folder(path)).ok()?.join(path.file_name()?));
    fs::canonicalize(path).ok().or_else(in_folder).unwrap_or_else(|| path.to_owned())
}

/// Why a task class has none of the documents that a person wants, if so: asked before anything is
/// paid for. A class that the policy does not have is refused in another place.
pub(crate) fn unavailable_because(
    documents: &Documents,
    gateway: &Gateway,
    class: &str,
) -> Option<String> {
    if documents.receipt.is_none() && documents.bundle.is_none() {
        return None;
    }
    let classes = gateway.describe().ok()?.task_classes;
    let is_single = classes.iter().find(|it| it.name == class)?.kind == RouteKind::Single;
    is_single.then(|| format!("`{class}` asks one model, and one alone has no receipt"))
}

/// Writes what the person wants, and tells what became of it. False where something is missing
/// that should be there.
///
/// # Errors
/// That nobody can be told.
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
        // That nobody was asked has been told.
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

/// Receipt and bundle of what was asked, as far as it has one, even where it failed.
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
