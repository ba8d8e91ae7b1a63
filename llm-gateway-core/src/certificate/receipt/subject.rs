//! What a receipt is about: the part of it that a panel and an orchestration have each in a form
//! of their own. All else, from the rows of calls to the digests, they have in common.

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::rows::Rows;
use crate::certificate::evidence::CallEvidence;
use crate::certificate::kind::ReceiptKind;
use crate::certificate::lineage::Kinship;
use crate::policy::Level;

/// The part of a receipt that is of one kind: the terms of the run, and its certificate.
pub(in crate::certificate) trait Subject:
    Sized + Clone + PartialEq + Serialize + DeserializeOwned
{
    /// What the certificate is made from.
    type Evidence: Serialize + DeserializeOwned;

    const KIND: ReceiptKind;

    /// The calls that the evidence tells of, in their order.
    fn calls(evidence: &Self::Evidence) -> Vec<&CallEvidence>;

    /// All that the evidence holds beside commitments and exchanges, for its digest: taken apart
    /// by name, as there.
    fn declared(evidence: &Self::Evidence) -> impl Serialize;

    /// The part that follows from the evidence under the same terms.
    fn again(&self, evidence: &Self::Evidence, kinship: &Kinship) -> Self;

    /// What of it the receipt's own rows contradict.
    fn contradictions(&self, rows: &Rows<'_>) -> Vec<String>;

    /// How it differs from the one that follows.
    fn differences(&self, follows: &Self) -> Vec<String>;

    /// Whether it certifies the run.
    fn is_certified(&self) -> bool;

    /// The level that was reached, and the one that was required, where there are levels.
    fn levels(&self) -> Option<(Level, Level)>;
}
