//! `llm-gateway verify`: checks offline whether a receipt holds.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::process::ExitCode;

use llm_gateway_core::certificate::{
    Kinship, LARGEST_BUNDLE_FILE, LARGEST_RECEIPT_FILE, ReceiptSummary, Verification,
    VerifyOptions, VerifyResult, verify,
};
use llm_gateway_core::config::built_in_models;
use llm_gateway_core::{Category, Envelope, Error};
use serde_json::json;

use crate::layout::{HANG, harmless};
use crate::options::{USAGE, Verify};
use crate::terminal::{BAD, DOUBTFUL, FAINT, GOOD, Terminal};

pub(crate) fn run(arguments: &Verify, terminal: &mut Terminal) -> anyhow::Result<ExitCode> {
    let is_stdin = |path: &Path| path == Path::new(STDIN);
    if is_stdin(&arguments.receipt) && arguments.bundle.as_deref().is_some_and(is_stdin) {
        terminal.complain("only one of receipt and bundle can come from stdin");
        return Ok(ExitCode::from(USAGE));
    }
    let read = || -> Result<_, Error> {
        let receipt = read(&arguments.receipt, LARGEST_RECEIPT_FILE)?;
        let bundle = arguments.bundle.as_deref().map(|path| read(path, LARGEST_BUNDLE_FILE));
        Ok((receipt, bundle.transpose()?))
    };
    let (receipt, bundle) = match read() {
        Ok(files) => files,
        Err(error) => {
            terminal.failure(&Envelope::from(&error))?;
            return Ok(ExitCode::FAILURE);
        }
    };
    let found = check(&receipt, bundle.as_deref(), arguments);
    if terminal.json {
        // The check itself succeeded, whatever it found: `data.result` and the exit code say what.
        terminal.document(&Envelope::success(json!(found)))?;
    } else {
        show(&found, terminal)?;
    }
    Ok(ExitCode::from(exit_code(found.result)))
}

/// Checks a receipt against the bundle, the digest and the built-in model rows.
fn check(receipt: &[u8], bundle: Option<&[u8]>, arguments: &Verify) -> Verification {
    let models = built_in_models();
    let rows = models.iter().map(|(provider, id, facts)| (&**provider, &**id, &**facts));
    let models = Kinship::from_facts(rows);
    let against = VerifyOptions::default().with_models(&models);
    let against = bundle.map_or(against, |bundle| against.with_bundle(bundle));
    let digest = arguments.digest.as_ref();
    verify(receipt, digest.map_or(against, |digest| against.with_digest(digest)))
}

/// The path that stands for stdin.
const STDIN: &str = "-";

/// Reads a receipt or bundle from a file or from stdin, up to one byte more than `largest`, which
/// `verify` then refuses as too large.
fn read(path: &Path, largest: usize) -> Result<Vec<u8>, Error> {
    let read = || -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        let from: Box<dyn Read> = match path == Path::new(STDIN) {
            true => Box::new(io::stdin()),
            false => Box::new(File::open(path)?),
        };
        from.take(largest as u64 + 1).read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    read().map_err(|error| {
        let message = format!("`{}` cannot be read: {error}", path.display());
        Error::new(Category::InvalidRequest, message)
            .with_hint(
                "name a file that `route --receipt FILE`, `orchestrate --receipt FILE` or the \
                 policy's `receipts` wrote",
            )
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
    if let Some(stated) = &found.stated {
        show_statement(found.result, stated, terminal)?;
    }
    for finding in &found.findings {
        terminal.line(&format!("  {FAINT}-{FAINT:#} {HANG}{}", harmless(finding)))?;
    }
    Ok(())
}

/// Shows what a receipt says about itself, and how far the check confirms it.
fn show_statement(
    result: VerifyResult,
    stated: &ReceiptSummary,
    terminal: &mut Terminal,
) -> io::Result<()> {
    let is_shown = result == VerifyResult::Holds;
    let (style, certified) = match stated.independence_certified {
        true if is_shown => (GOOD, "certified"),
        true => (DOUBTFUL, "certified by its own word"),
        false => (BAD, "not certified"),
    };
    let verb = if is_shown { "reached" } else { "stated" };
    let about = match (stated.level, stated.required) {
        (Some(level), Some(required)) => {
            format!("level {} {verb}, {} required", level.as_str(), required.as_str())
        }
        _ => stated.kind.to_string(),
    };
    terminal.line(&format!("  {style}{certified}{style:#}: {about}"))?;
    terminal.line(&format!("  digest {}", harmless(&stated.digest)))
}

fn exit_code(result: VerifyResult) -> u8 {
    match result {
        VerifyResult::Holds => 0,
        VerifyResult::Undecided => 2,
        VerifyResult::NoReceipt => 3,
        // A result that this program does not know is no reason to trust the receipt.
        _ => 1,
    }
}
