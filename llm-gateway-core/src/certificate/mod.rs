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
mod canonical;
mod claims;
mod evidence;
mod identity;
mod json;
mod kind;
mod lineage;
mod orchestration;
mod panel;
mod readers;
mod receipt;
mod recorded;
#[cfg(test)]
mod tests;
mod verify;

pub use crate::model::prompt::Ask;
pub use canonical::{ReceiptDigest, Salt};
pub use claims::{Claim, ClaimResult};
pub use evidence::{CallEvidence, Commitment, RecordedExchange};
pub(crate) use json::parse as parse_json;
pub use kind::ReceiptKind;
pub use lineage::{Kinship, Lineage, LineageRow};
pub use orchestration::{
    Judged, ORCHESTRATION_NOT_PROVEN, OfOrchestration, OrchestrationCertificate,
    OrchestrationClaims, OrchestrationEvidence, StepEvidence, certify_orchestration,
};
pub use panel::{CallerTexts, Certificate, Claims, Evidence, NOT_PROVEN, OfPanel, Rules, certify};
pub use receipt::{
    Against, AttemptCost, Bundle, LARGEST_BUNDLE, LARGEST_RECEIPT, Particulars, Receipt, Stated,
    Verification, VerifyResult,
};
pub use recorded::{RecordedBody, RecordedRequest, RecordedResponse};
pub use verify::verify;
