//! What a receipt is about: the part of it that a panel and an orchestration have each in a form
//! of their own. All else, from the rows of calls to the digests, they have in common.

use std::fmt;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::document::Receipt;
use crate::certificate::answers::Speaker;
use crate::certificate::evidence::MemberEvidence;
use crate::certificate::lineage::Kinship;
use crate::policy::Level;

/// What kind of run a receipt is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ReceiptKind {
    /// Several models were asked at the same time.
    Panel,
    /// Steps were run one after the other.
    Orchestration,
}

impl ReceiptKind {
    /// Who speaks at a position.
    pub(in crate::certificate) fn speaker(self, position: u32) -> Speaker {
        match self {
            Self::Panel => Speaker::Member(position),
            Self::Orchestration => Speaker::Step(position),
        }
    }

    /// What its calls are of.
    pub(in crate::certificate) fn units(self) -> &'static str {
        match self {
            Self::Panel => "members",
            Self::Orchestration => "steps",
        }
    }
}

impl fmt::Display for ReceiptKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Panel => "a panel",
            Self::Orchestration => "an orchestration",
        })
    }
}

/// The part of a receipt that is of one kind: the terms of the run, and its certificate.
pub(in crate::certificate) trait Subject:
    Sized + Clone + PartialEq + Serialize + DeserializeOwned
{
    /// What the certificate is made from.
    type Evidence: Serialize + DeserializeOwned;

    const KIND: ReceiptKind;

    /// The calls that the evidence tells of, in their order.
    fn calls(evidence: &Self::Evidence) -> Vec<&MemberEvidence>;

    /// All that the evidence holds beside commitments and exchanges, for its digest: taken apart
    /// by name, as there.
    fn declared(evidence: &Self::Evidence) -> impl Serialize;

    /// The part that follows from the evidence under the same terms.
    fn again(&self, evidence: &Self::Evidence, kinship: &Kinship) -> Self;

    /// What of it the receipt's own rows contradict.
    fn contradictions(receipt: &Receipt<Self>) -> Vec<String>;

    /// How it differs from the one that follows.
    fn differences(&self, follows: &Self) -> Vec<String>;

    /// Whether it certifies the run.
    fn is_certified(&self) -> bool;

    /// The level that was reached, and the one that was required, where there are levels.
    fn levels(&self) -> Option<(Level, Level)>;
}
