//! The result of `verify`, bounded and without control characters, so that it can be shown although
//! the receipt may come from a stranger.

use serde::{Deserialize, Serialize};

use super::document::Receipt;
use super::subject::Subject;
use crate::certificate::kind::ReceiptKind;
use crate::model::printable;
use crate::policy::Level;

/// The largest number of findings that a check returns; further findings are only counted.
const MOST_FINDINGS: usize = 20;
/// The largest number of characters that are shown of a finding or a digest.
const LONGEST_FINDING: usize = 500;

/// The result of checking a receipt, in one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum VerifyResult {
    /// The bundle's bytes confirm the receipt: its digests were computed again and the run was
    /// certified again.
    #[serde(rename = "holds")]
    Holds,
    /// The receipt contradicts itself, or the bundle or digest that it was checked against.
    #[serde(rename = "contradicted")]
    Contradicted,
    /// Nothing contradicts the receipt, but without its bundle it cannot be confirmed.
    #[serde(rename = "undecided")]
    Undecided,
    /// The bytes that were checked are not a receipt.
    #[serde(rename = "no receipt")]
    NoReceipt,
}

/// The result of checking a receipt with [`verify`](crate::certificate::verify()), and its reasons.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Verification {
    /// Result of the check in one word, such as `holds`.
    pub result: VerifyResult,
    /// Reasons for the result of the check, one sentence each, and what was taken on trust.
    pub findings: Vec<String>,
    /// The statements of the receipt about itself; `None` if the receipt could not be read.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub stated: Option<ReceiptSummary>,
}

/// The statements of a receipt about itself. They are proven only if the result is
/// [`VerifyResult::Holds`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ReceiptSummary {
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
    /// Creates a check's result from findings. Findings beyond the bound are only counted.
    pub(super) fn new(result: VerifyResult, findings: &[String]) -> Self {
        let rest = findings.len().saturating_sub(MOST_FINDINGS);
        let mut findings: Vec<String> =
            findings.iter().take(MOST_FINDINGS).map(|finding| shown(finding)).collect();
        if rest > 0 {
            findings.push(format!("and {rest} more"));
        }
        Self { result, findings, stated: None }
    }

    /// Creates the result of checking a receipt that is contradicted.
    pub(super) fn contradicted(findings: &[String]) -> Self {
        Self::new(VerifyResult::Contradicted, findings)
    }

    /// Adds what the receipt states about itself to the result of its check.
    pub(super) fn with_stated<S: Subject>(self, receipt: &Receipt<S>) -> Self {
        let (level, required) = receipt.subject.levels().unzip();
        let stated = ReceiptSummary {
            digest: shown(receipt.digest().as_str()),
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
    printable(text, LONGEST_FINDING)
}
