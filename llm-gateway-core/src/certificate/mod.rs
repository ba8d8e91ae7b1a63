//! Certificates: what the recorded bytes of a run show about the independence of its models.
//!
//! [`certify()`] takes the [`Evidence`] of a panel and decides its claims: each passes, fails or
//! stays unknown, and names the evidence that decided it. [`certify_orchestration`] does the same
//! for the claims about the verifier of an orchestration. [`Receipt::issue`] and
//! [`Receipt::issue_orchestration`] put the certificate and the digests of the recorded bytes into
//! one document, a receipt. [`verify()`] checks a receipt: alone as far as that is possible, and
//! fully when it is given the recorded bytes, the receipt's bundle.
//!
//! Everything in this module is pure. The bytes are read by readers that share no code with the
//! adapters that wrote them. A mistake in an adapter therefore shows as a failed claim instead of
//! being repeated by the reader.
//!
//! A certificate lists what it cannot show ([`NOT_PROVEN`], [`ORCHESTRATION_NOT_PROVEN`]). It does
//! not decide whether an uncertified run is an error: the policy says so, and the run obeys.
//!
//! # Example
//!
//! An offline panel issues a receipt, and anybody who has the receipt and its bundle can check it.
//!
//! ```
//! use llm_gateway_core::certificate::{VerifyOptions, VerifyResult, verify};
//! use llm_gateway_core::{Gateway, Request};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let gateway = Gateway::builder().offline().build()?;
//! let panel = gateway.panel(Request::new("triple_review", "Is 2^31 - 1 prime?")).await?;
//! let (receipt, bundle) = (panel.receipt.to_bytes(), panel.bundle.to_bytes());
//!
//! // With the bundle, requests and responses are read and certified again.
//! let found = verify(&receipt, VerifyOptions::default().with_bundle(&bundle));
//! assert_eq!(found.result, VerifyResult::Holds);
//! // Without it, nothing contradicts the receipt, but nothing proves it either.
//! assert_eq!(verify(&receipt, VerifyOptions::default()).result, VerifyResult::Undecided);
//! // The digest that came with the answer proves that this is the receipt that was issued.
//! let against = VerifyOptions::default().with_bundle(&bundle).with_digest(panel.receipt.digest());
//! assert_eq!(verify(&receipt, against).result, VerifyResult::Holds);
//! # Ok(())
//! # }
//! ```

mod answers;
mod canonical;
mod claims;
mod commitment;
mod effort;
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
mod shared_request;
mod stored_call;
#[cfg(test)]
mod tests;
mod verify;

pub use crate::model::prompt::frame::Ask;
pub use canonical::{InvalidHex, ReceiptDigest, Salt};
pub use claims::{Claim, ClaimResult};
pub use evidence::{CallEvidence, Commitment, RecordedExchange};
pub(crate) use json::parse as parse_json;
pub use kind::ReceiptKind;
pub use lineage::{Kinship, Lineage, LineageRow};
pub use orchestration::{
    JudgementEvidence, ORCHESTRATION_NOT_PROVEN, OrchestrationCertificate, OrchestrationClaims,
    OrchestrationEvidence, OrchestrationSubject, StepEvidence, certify_orchestration,
};
pub(crate) use panel::MOST_EARLIER_ANSWERS;
pub use panel::{
    CallerTexts, Certificate, Claims, Evidence, NOT_PROVEN, PanelSubject, Rules, certify,
};
pub use receipt::{
    AttemptCost, Bundle, LARGEST_BUNDLE, LARGEST_BUNDLE_FILE, LARGEST_RECEIPT,
    LARGEST_RECEIPT_FILE, Particulars, Receipt, ReceiptSummary, Verification, VerifyOptions,
    VerifyResult, is_bundle, is_receipt,
};
pub use recorded::{RecordedBody, RecordedRequest, RecordedResponse};
pub use shared_request::SharedRequest;
pub use verify::verify;
