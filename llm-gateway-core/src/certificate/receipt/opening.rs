//! Opens a receipt and its bundle: from bytes that anybody may have written to documents of a
//! known form and a bounded size. Whether they are true is `verify`'s to say.

use serde::Deserialize;

use super::document::{BUNDLE_FORMAT, Bundle, RECEIPT_FORMAT, Receipt, VERSION};
use super::subject::Subject;
use super::verification::{Verification, VerifyResult};
use crate::certificate::canonical::{self, Unread};
use crate::certificate::kind::ReceiptKind;

/// The largest receipt that is read, in bytes. A call is a row of about 500 bytes.
pub const LARGEST_RECEIPT: usize = 4 * 1024 * 1024;

/// The largest bundle that is read, in bytes. Four times a body that is as large as the gateway takes.
pub const LARGEST_BUNDLE: usize = 64 * 1024 * 1024;

/// The most members or steps of a run that is read: work grows with the square of their number.
const MOST_MEMBERS: usize = 256;

/// The most calls that all of them made: work grows with the square of these, too.
const MOST_CALLS: usize = 4_096;

/// The most bytes of a name, and of all that a model row says: a finding may name each pair of
/// members. The ids of providers and models have at most 128.
const LONGEST_NAME: usize = 1_024;

/// What every receipt and every bundle says of itself.
#[derive(Deserialize)]
struct Head {
    format: String,
    version: u32,
    kind: ReceiptKind,
}

/// What is wrong with a document of more than [`MOST_MEMBERS`] or [`MOST_CALLS`].
const TOO_LARGE: &str = "it has more members, steps or calls than any run";

fn no_receipt(why: String) -> Verification {
    Verification::new(VerifyResult::NoReceipt, &[why])
}

/// What the receipt says that it is about.
///
/// # Errors
/// Why it is no receipt.
pub(in crate::certificate) fn kind_of(bytes: &[u8]) -> Result<ReceiptKind, Verification> {
    about(bytes, LARGEST_RECEIPT, RECEIPT_FORMAT).map_err(no_receipt)
}

/// What a document of this format says that it is about, read no further than that.
fn about(bytes: &[u8], largest: usize, format: &str) -> Result<ReceiptKind, String> {
    if bytes.len() > largest {
        return Err(format!("it is larger than {largest} bytes"));
    }
    let head: Head = serde_json::from_slice(bytes).map_err(|error| canonical::misfit(&error))?;
    if (head.format.as_str(), head.version) != (format, VERSION) {
        return Err(format!("it is not a `{format}` of version {VERSION}"));
    }
    Ok(head.kind)
}

/// Reads a receipt about `S`.
///
/// # Errors
/// Why it is none, or that it was written by no gateway.
pub(super) fn receipt<S: Subject>(bytes: &[u8]) -> Result<Receipt<S>, Verification> {
    let receipt: Receipt<S> = canonical::read(bytes).map_err(|error| match error {
        Unread::Form(why) => no_receipt(why),
        Unread::NotCanonical => Verification::contradicted(&[error.to_string()]),
    })?;
    if is_too_large(receipt.members.len(), receipt.calls.len(), receipt.commitments.len()) {
        return Err(no_receipt(TOO_LARGE.to_owned()));
    }
    if receipt.names().any(|length| length > LONGEST_NAME) {
        return Err(no_receipt(format!("a name in it is longer than {LONGEST_NAME} bytes")));
    }
    Ok(receipt)
}

fn is_too_large(members: usize, calls: usize, commitments: usize) -> bool {
    members > MOST_MEMBERS || calls > MOST_CALLS || commitments > MOST_MEMBERS
}

/// Reads a bundle about `S`.
///
/// # Errors
/// Why it is none.
pub(super) fn bundle<S: Subject>(bytes: &[u8]) -> Result<Bundle<S::Evidence>, String> {
    let kind = about(bytes, LARGEST_BUNDLE, BUNDLE_FORMAT)?;
    if kind != S::KIND {
        return Err(format!("it is of {kind}, and the receipt of {}", S::KIND));
    }
    let bundle: Bundle<S::Evidence> = canonical::read(bytes).map_err(|error| error.to_string())?;
    let members = S::calls(&bundle.evidence);
    let calls = members.iter().map(|member| member.exchanges.len()).sum();
    if is_too_large(members.len(), calls, 0) {
        return Err(TOO_LARGE.to_owned());
    }
    if members.iter().any(|member| member.model.len().max(member.provider.len()) > LONGEST_NAME) {
        return Err(format!("a name in it is longer than {LONGEST_NAME} bytes"));
    }
    Ok(bundle)
}
