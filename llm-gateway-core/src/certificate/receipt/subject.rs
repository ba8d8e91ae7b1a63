//! The subject of a receipt: the part that differs between a panel and an orchestration.
//! Everything else in a receipt, from the rows of calls to the digests, is common to both.

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::rows::Rows;
use crate::certificate::evidence::CallEvidence;
use crate::certificate::kind::ReceiptKind;
use crate::certificate::lineage::Kinship;
use crate::policy::Level;

/// The part of a receipt that belongs to one kind of run: the terms of the run and its certificate.
pub(in crate::certificate) trait Subject:
    Sized + Clone + PartialEq + Serialize + DeserializeOwned
{
    /// The type of the evidence that the run's certificate is made from.
    type Evidence: Serialize + DeserializeOwned;

    /// The kind of run that the receipt is about.
    const KIND: ReceiptKind;

    /// Returns the model calls in the evidence, in their order.
    fn calls(evidence: &Self::Evidence) -> Vec<&CallEvidence>;

    /// Returns everything in the evidence except commitments and exchanges, to be hashed.
    /// Implementations must destructure the evidence by field names, so that a new field cannot be
    /// left out.
    fn declared(evidence: &Self::Evidence) -> impl Serialize;

    /// Creates the subject of a receipt again from the evidence, under the same terms.
    fn reissued(&self, evidence: &Self::Evidence, kinship: &Kinship) -> Self;

    /// Reports what in the subject contradicts the receipt's own rows.
    fn contradictions(&self, rows: &Rows<'_>) -> Vec<String>;

    /// Reports how the subject differs from `follows`, the subject that was created again.
    fn differences(&self, follows: &Self) -> Vec<String>;

    /// Returns whether the certificate certifies the run.
    fn is_certified(&self) -> bool;

    /// Returns the level that the run reached and the level that was required; `None` if the kind
    /// of run has no levels.
    fn levels(&self) -> Option<(Level, Level)>;
}
