//! Where `route` writes the documents of a panel, or of a cascade's gate, which is one.
//!
//! They are this user's alone: a bundle holds prompt and answers, a receipt what was asked of whom.

use std::io;

use llm_gateway_core::{Failure, PanelAnswer, Reply, write_private};

use crate::options::Documents;
use crate::terminal::{FAINT, Terminal, harmless};

/// Whether both documents can be written: asked before anything is paid for.
///
/// # Errors
/// What is wrong with the two places.
pub(crate) fn check(documents: &Documents) -> Result<(), &'static str> {
    match documents.receipt.is_some() && documents.receipt == documents.bundle {
        true => Err("--receipt and --bundle name the same file: give each its own"),
        false => Ok(()),
    }
}

/// Writes what was asked for, and tells what became of it. False where something is missing
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
    let panel = match outcome {
        Ok(Reply::Panel(panel)) => &**panel,
        Ok(Reply::Cascade(cascade)) => &cascade.gate,
        Ok(_) => {
            terminal
                .complain("only a panel has a receipt, and one model answered: none is written");
            return Ok(false);
        }
        Err(failure) => match failure.panel() {
            Some(panel) => panel,
            // That nobody was asked has been told.
            None => return Ok(false),
        },
    };
    write_of(documents, panel, terminal)
}

fn write_of(
    documents: &Documents,
    panel: &PanelAnswer,
    terminal: &mut Terminal,
) -> io::Result<bool> {
    let receipt = documents.receipt.iter().map(|path| (path, "receipt", panel.receipt.to_bytes()));
    let bundle = documents.bundle.iter().map(|path| (path, "bundle", panel.bundle.to_bytes()));
    let mut all_written = true;
    for (path, what, bytes) in receipt.chain(bundle) {
        let shown = path.display();
        if let Err(error) = write_private(path, &bytes) {
            terminal.complain(&format!("the {what} cannot be written to `{shown}`: {error}"));
            all_written = false;
        } else if !terminal.json {
            let told = harmless(&format!("{what} written to {shown}"));
            terminal.note(&format!("{FAINT}{told}{FAINT:#}"))?;
        }
    }
    Ok(all_written)
}
