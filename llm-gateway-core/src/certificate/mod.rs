//! What a panel's recorded bytes show of its members' independence.
//!
//! [`certify()`] takes the [`Evidence`] that a panel gathered and says of six claims whether they
//! pass, fail or stay unknown, each with the evidence that decided it. It is pure, and reads
//! bytes with readers of its own, which share no code with the adapters that wrote them: that is
//! what lets it fail. [`Receipt::issue`] puts the result and the digests of those bytes into one
//! document; [`verify()`] holds such a document, with or without the bytes, against itself.
//!
//! What it cannot show stands in every certificate ([`NOT_PROVEN`]). It decides nothing: whether
//! an uncertified panel is an error is the policy's word and the panel's deed.

mod answers;
mod blindness;
mod canonical;
mod certify;
mod claims;
mod consistency;
mod digests;
mod evidence;
mod freshness;
mod identity;
mod json;
mod kin;
mod opening;
mod panel;
mod quote;
mod readers;
mod receipt;
mod recorded;
mod recount;
mod rows;
mod subject;
#[cfg(test)]
mod tests;
mod verification;
mod verify;
mod work;

pub use crate::model::prompt::Ask;
pub use canonical::{ReceiptDigest, Salt};
pub use certify::{Certificate, NOT_PROVEN, Rules, certify};
pub use claims::{Claim, Claims, Verdict};
pub use evidence::{CallerTexts, Commitment, Evidence, MemberEvidence, RecordedExchange};
pub(crate) use json::parse as parse_json;
pub use kin::{Kin, KinRow, Kinship};
pub use opening::{LARGEST_BUNDLE, LARGEST_RECEIPT};
pub use panel::OfPanel;
pub use receipt::{Bundle, Particulars, Receipt};
pub use recorded::{RecordedBody, RecordedRequest, RecordedResponse};
pub use rows::Spent;
pub use subject::ReceiptKind;
pub use verification::{Stated, Verification, VerifyResult};
pub use verify::{Against, verify};
pub use work::{
    Judged, OfWork, StepEvidence, WORK_NOT_PROVEN, WorkCertificate, WorkClaims, WorkEvidence,
    certify_work,
};
