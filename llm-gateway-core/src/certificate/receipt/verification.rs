//! What `verify` found, in a form that can be shown: a receipt may be a stranger's.

use serde::{Deserialize, Serialize};

use super::document::Receipt;
use super::subject::Subject;
use crate::certificate::kind::ReceiptKind;
use crate::policy::Level;

/// The most findings that are told, and the most characters of one.
const TOLD: usize = 20;
const SHOWN: usize = 500;

/// What became of a receipt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum VerifyResult {
    /// The bytes bear it out: digests were computed and the run certified again.
    #[serde(rename = "holds")]
    Holds,
    /// Something in it, or between it and what it was held against, does not agree.
    #[serde(rename = "contradicted")]
    Contradicted,
    /// Nothing contradicts it, but the bundle is needed to decide.
    #[serde(rename = "undecided")]
    Undecided,
    /// It is no receipt.
    #[serde(rename = "no receipt")]
    NoReceipt,
}

/// What `verify` found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Verification {
    /// What became of the receipt.
    pub result: VerifyResult,
    /// Why, a sentence each, and what was taken on trust.
    pub findings: Vec<String>,
    /// What the receipt says of itself; `None` where it could not be read.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub stated: Option<Stated>,
}

/// What a receipt says of itself: shown by [`VerifyResult::Holds`], else its own word.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Stated {
    /// Its name.
    pub digest: String,
    /// What it is about.
    pub kind: ReceiptKind,
    /// The level that it says was reached; `None` for an orchestration, which has no levels.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub level: Option<Level>,
    /// The level that it says was required; `None` for an orchestration.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub required: Option<Level>,
    /// Whether it certifies the run. One that is contradicted certifies nothing.
    pub independence_certified: bool,
}

impl Verification {
    pub(super) fn new(result: VerifyResult, findings: &[String]) -> Self {
        let rest = findings.len().saturating_sub(TOLD);
        let mut findings: Vec<String> =
            findings.iter().take(TOLD).map(|finding| shown(finding)).collect();
        if rest > 0 {
            findings.push(format!("and {rest} more"));
        }
        Self { result, findings, stated: None }
    }

    pub(super) fn contradicted(findings: &[String]) -> Self {
        Self::new(VerifyResult::Contradicted, findings)
    }

    /// The same, with what the receipt says of itself.
    pub(super) fn of<S: Subject>(self, receipt: &Receipt<S>) -> Self {
        let (level, required) = receipt.subject.levels().unzip();
        let stated = Stated {
            digest: shown(receipt.digest()),
            kind: receipt.kind,
            level,
            required,
            independence_certified: self.result != VerifyResult::Contradicted
                && receipt.subject.is_certified(),
        };
        Self { stated: Some(stated), ..self }
    }
}

fn shown(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(SHOWN).collect()
}
