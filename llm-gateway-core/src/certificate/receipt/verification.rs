//! The result of `verify`, bounded and without control characters, so that it can be shown although
//! the receipt may be a stranger's.

use serde::{Deserialize, Serialize};

use super::document::Receipt;
use super::subject::Subject;
use crate::certificate::kind::ReceiptKind;
use crate::policy::Level;

/// How many findings are returned at most; the others are only counted.
const MOST_FINDINGS: usize = 20;
/// How many characters of a finding, or of a digest, are shown at most.
const LONGEST: usize = 500;

/// What a check of a receipt found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum VerifyResult {
    /// The bundle's bytes confirm the receipt: digests were computed and the run was certified
    /// again.
    #[serde(rename = "holds")]
    Holds,
    /// The receipt contradicts itself, or the bundle or digest that it was checked against.
    #[serde(rename = "contradicted")]
    Contradicted,
    /// Nothing contradicts the receipt, but without its bundle it cannot be confirmed.
    #[serde(rename = "undecided")]
    Undecided,
    /// The bytes are not a receipt.
    #[serde(rename = "no receipt")]
    NoReceipt,
}

/// The result of [`verify`](crate::certificate::verify()).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Verification {
    /// Result of the check.
    pub result: VerifyResult,
    /// Reasons for the result, one sentence each, and what was taken on trust.
    pub findings: Vec<String>,
    /// What the receipt states about itself; `None` if it could not be read.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub stated: Option<Stated>,
}

/// What a receipt states about itself. It is proven only if the result is [`VerifyResult::Holds`];
/// otherwise it is merely stated.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Stated {
    /// Digest that names the receipt.
    pub digest: String,
    /// Kind of run that the receipt is about.
    pub kind: ReceiptKind,
    /// Level that the panel reached; `None` for an orchestration, which has no levels.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub level: Option<Level>,
    /// Level that was required of the panel; `None` for an orchestration.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub required: Option<Level>,
    /// Whether the receipt certifies the run; always false if it is contradicted.
    pub independence_certified: bool,
}

impl Verification {
    /// Makes a result from findings, which are cut and counted where they exceed the bounds.
    pub(super) fn new(result: VerifyResult, findings: &[String]) -> Self {
        let rest = findings.len().saturating_sub(MOST_FINDINGS);
        let mut findings: Vec<String> =
            findings.iter().take(MOST_FINDINGS).map(|finding| shown(finding)).collect();
        if rest > 0 {
            findings.push(format!("and {rest} more"));
        }
        Self { result, findings, stated: None }
    }

    /// Makes the result of a receipt that is contradicted.
    pub(super) fn contradicted(findings: &[String]) -> Self {
        Self::new(VerifyResult::Contradicted, findings)
    }

    /// Adds what the receipt states about itself.
    pub(super) fn with_stated<S: Subject>(self, receipt: &Receipt<S>) -> Self {
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
    text.chars().filter(|c| !c.is_control()).take(LONGEST).collect()
}
