//! `llm-gateway verify`: whether a receipt holds, offline.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::process::ExitCode;

use llm_gateway_core::certificate::{
    LARGEST_BUNDLE, LARGEST_RECEIPT, Verification, VerifyResult, verify,
};
use llm_gateway_core::{Category, Envelope, Error};
use serde_json::json;

use crate::options::Verify;
use crate::terminal::{BAD, DOUBTFUL, FAINT, GOOD, Terminal, harmless};

pub(crate) fn run(arguments: &Verify, terminal: &mut Terminal) -> anyhow::Result<ExitCode> {
    let read = || -> Result<_, Error> {
        let receipt = read(&arguments.receipt, LARGEST_RECEIPT)?;
        let bundle = arguments.bundle.as_deref().map(|path| read(path, LARGEST_BUNDLE));
        Ok((receipt, bundle.transpose()?))
    };
    let (receipt, bundle) = match read() {
        Ok(files) => files,
        Err(error) => {
            terminal.failure(&Envelope::from(&error))?;
            return Ok(ExitCode::FAILURE);
        }
    };
    let found = verify(&receipt, bundle.as_deref());
    if terminal.json {
        // The check succeeded whatever it found; `data.result` and the exit code tell what.
        terminal.document(&Envelope::success(json!(found)))?;
    } else {
        show(&found, terminal)?;
    }
    Ok(ExitCode::from(exit_code(found.result)))
}

/// A whole file, or one byte more than `largest`, which `verify` refuses.
fn read(path: &Path, largest: usize) -> Result<Vec<u8>, Error> {
    let read = || -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        File::open(path)?.take(largest as u64 + 1).read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    read().map_err(|error| {
        let message = format!("`{}` cannot be read: {error}", path.display());
        Error::new(Category::InvalidRequest, message)
            .with_hint("name a file that `route --receipt FILE` or the policy's `receipts` wrote")
            .with_source(error)
    })
}

fn show(found: &Verification, terminal: &mut Terminal) -> io::Result<()> {
    let (style, told) = match found.result {
        VerifyResult::Holds => (GOOD, "holds: receipt and bundle bear each other out"),
        VerifyResult::Contradicted => (BAD, "contradicted: this is not what was recorded"),
        VerifyResult::Undecided => {
            (DOUBTFUL, "undecided: nothing contradicts it, and the bundle is needed to decide")
        }
        _ => (BAD, "no receipt"),
    };
    terminal.line(&format!("{style}{told}{style:#}"))?;
    for finding in &found.findings {
        terminal.line(&format!("  {FAINT}-{FAINT:#} {}", harmless(finding)))?;
    }
    Ok(())
}

fn exit_code(result: VerifyResult) -> u8 {
    match result {
        VerifyResult::Holds => 0,
        VerifyResult::Undecided => 2,
        VerifyResult::NoReceipt => 3,
        // A result that this program does not know is no reason to trust.
        _ => 1,
    }
}
