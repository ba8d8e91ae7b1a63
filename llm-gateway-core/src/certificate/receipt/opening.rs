//! Opens a receipt and its bundle: converts bytes that anybody may have written into documents of a
//! known form and a bounded size. `check` decides whether the documents are true.

use serde::Deserialize;

use super::document::{BUNDLE_FORMAT, BUNDLE_VERSION, Bundle, RECEIPT_FORMAT, Receipt, VERSION};
use super::subject::Subject;
use super::verification::{Verification, VerifyResult};
use crate::certificate::canonical::{self, OpenedDocument, ReadFailure};
use crate::certificate::evidence::CallEvidence;
use crate::certificate::kind::ReceiptKind;
use crate::model::LONGEST_RECEIPT_NAME;

/// Size of the largest receipt that is issued and verified, in bytes of its canonical form. The row
/// of one attempt has about 500 bytes.
pub const LARGEST_RECEIPT: usize = 4 * 1024 * 1024;

/// Size of the largest bundle that is issued and verified, in bytes of its canonical form: four
/// times the largest body that the gateway accepts.
pub const LARGEST_BUNDLE: usize = 64 * 1024 * 1024;

/// Size of the largest file that is read as a receipt, in bytes. A tool may have rewritten the file
/// with more white space and escapes.
pub const LARGEST_RECEIPT_FILE: usize = LARGEST_RECEIPT * canonical::REWRITTEN;

/// Size of the largest file that is read as a bundle, in bytes.
pub const LARGEST_BUNDLE_FILE: usize = LARGEST_BUNDLE * canonical::REWRITTEN;

/// The largest number of members or steps that a receipt may have. The work grows with the square
/// of their number.
const MOST_RECEIPT_MEMBERS: usize = 256;

/// The largest number of attempts that a receipt may have. The work grows in proportion to their
/// number.
const MOST_CALLS: usize = 4_096;

/// The fields by which every receipt and every bundle identifies itself.
#[derive(Deserialize)]
struct Head {
    format: String,
    /// The version of the document, which a tool may have written as `1.0`.
    version: f64,
    kind: ReceiptKind,
}

/// The field by which a document states its format.
#[derive(Deserialize)]
struct StatedFormat {
    format: String,
}

/// Returns whether a file says that it is a receipt, of any version. The receipt is not checked.
pub fn is_receipt(bytes: &[u8]) -> bool {
    is_of_format(bytes, RECEIPT_FORMAT)
}

/// Returns whether a file says that it is a bundle, of any version.
pub fn is_bundle(bytes: &[u8]) -> bool {
    is_of_format(bytes, BUNDLE_FORMAT)
}

fn is_of_format(bytes: &[u8], format: &str) -> bool {
    let stated = serde_json::from_slice::<StatedFormat>(&canonical::decoded(bytes));
    stated.is_ok_and(|stated| stated.format == format)
}

/// The finding about a document with more than [`MOST_RECEIPT_MEMBERS`] or [`MOST_CALLS`].
const TOO_LARGE: &str = "it has more members, steps or calls than any run";

fn no_receipt(why: String) -> Verification {
    Verification::new(VerifyResult::NoReceipt, &[why])
}

/// Returns the kind of run that a receipt says it is about.
///
/// # Errors
/// The bytes are not a receipt; the verification says why.
pub(in crate::certificate) fn kind_of(bytes: &[u8]) -> Result<ReceiptKind, Verification> {
    stated_kind(bytes, LARGEST_RECEIPT_FILE, (RECEIPT_FORMAT, &[VERSION])).map_err(no_receipt)
}

/// Returns the kind of run that a document of the given format says it is about. The rest of the
/// document is not checked.
fn stated_kind(
    bytes: &[u8],
    largest: usize,
    (format, versions): (&str, &[u32]),
) -> Result<ReceiptKind, String> {
    if bytes.len() > largest {
        return Err(format!("it is larger than {largest} bytes"));
    }
    let head: Head = serde_json::from_slice(&canonical::decoded(bytes))
        .map_err(|error| canonical::parse_failure(&error))?;
    let is_known = |version: &u32| f64::from(*version) == head.version;
    if head.format != format || !versions.iter().any(is_known) {
        let version = versions.iter().max().unwrap_or(&VERSION);
        return Err(format!("it is not a `{format}` of version {version}"));
    }
    Ok(head.kind)
}

/// Reads a receipt about the kind of run `S`.
///
/// # Errors
/// The bytes are not a receipt of this kind, or not one that a gateway writes.
pub(super) fn receipt<S: Subject>(
    bytes: &[u8],
) -> Result<OpenedDocument<Receipt<S>>, Verification> {
    let opened = canonical::read(bytes, LARGEST_RECEIPT).map_err(|error| match error {
        ReadFailure::Form(why) => no_receipt(why),
        ReadFailure::Ambiguous(_) | ReadFailure::NotAsIssued => {
            Verification::contradicted(&[error.to_string()])
        }
    })?;
    let receipt: &Receipt<S> = &opened.document;
    if is_too_large(receipt.members.len(), receipt.calls.len(), receipt.commitments.len()) {
        return Err(no_receipt(TOO_LARGE.to_owned()));
    }
    if receipt.names().any(|length| length > LONGEST_RECEIPT_NAME) {
        return Err(no_receipt(format!(
            "a name in it is longer than {LONGEST_RECEIPT_NAME} bytes"
        )));
    }
    Ok(opened)
}

fn is_too_large(members: usize, calls: usize, commitments: usize) -> bool {
    members > MOST_RECEIPT_MEMBERS || calls > MOST_CALLS || commitments > MOST_RECEIPT_MEMBERS
}

/// Reads a bundle about the kind of run `S`.
///
/// # Errors
/// The bytes are not a bundle of this kind; the text says why.
pub(super) fn bundle<S: Subject>(
    bytes: &[u8],
) -> Result<OpenedDocument<Bundle<S::Evidence>>, String> {
    let kind = stated_kind(bytes, LARGEST_BUNDLE_FILE, (BUNDLE_FORMAT, &[1, BUNDLE_VERSION]))?;
    if kind != S::KIND {
        return Err(format!("it is of {kind}, and the receipt of {}", S::KIND));
    }
    let opened = canonical::read(bytes, LARGEST_BUNDLE).map_err(|error| error.to_string())?;
    let bundle: &Bundle<S::Evidence> = &opened.document;
    let members = S::calls(&bundle.evidence);
    let calls = members.iter().map(|member| member.exchanges.len()).sum();
    if is_too_large(members.len(), calls, 0) {
        return Err(TOO_LARGE.to_owned());
    }
    if members
        .iter()
        .any(|member| member.model.len().max(member.provider.len()) > LONGEST_RECEIPT_NAME)
    {
        return Err(format!("a name in it is longer than {LONGEST_RECEIPT_NAME} bytes"));
    }
    let is_of_version = |call: &&CallEvidence| match bundle.version {
        BUNDLE_VERSION => call.shares_requests(),
        _ => call.shares_nothing(),
    };
    if !members.iter().all(is_of_version) {
        return Err(ReadFailure::NotAsIssued.to_string());
    }
    Ok(opened)
}
