//! A claim of a certificate, its result, and the sentence that gives the reason.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::printable;

/// The result of a certificate's claim: whether the evidence shows that it is true.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ClaimResult {
    /// The evidence shows that the claim is true.
    Pass,
    /// The evidence shows that the claim is false.
    Fail,
    /// The evidence does not decide the claim.
    Unknown,
    /// The run has nothing that the claim could be about.
    NotApplicable,
}

impl fmt::Display for ClaimResult {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Pass => "pass",
            Self::Fail => "fail",
            Self::Unknown => "unknown",
            Self::NotApplicable => "not_applicable",
        })
    }
}

/// One claim of a certificate: its result, and the evidence that decided it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Claim {
    /// Result of the claim, such as pass or fail.
    pub result: ClaimResult,
    /// Reason for the claim's result: names the member, the JSON pointer, the header or the model
    /// id.
    pub because: String,
}

/// The largest number of points that one sentence lists; further points are only counted.
const MOST_POINTS: usize = 4;

impl Claim {
    /// Creates a claim from its result and the reason `because`, without control characters.
    pub(super) fn new(result: ClaimResult, because: impl Into<String>) -> Self {
        // The text may contain names that a provider chose.
        Self { result, because: printable(&because.into(), usize::MAX) }
    }

    /// Decides a claim from the evidence: it fails if anything is `against` it, stays unknown if
    /// anything leaves it `open`, and passes otherwise, with `pass` as its reason.
    pub(super) fn weigh(against: &[String], open: &[String], pass: String) -> Self {
        match (against, open) {
            ([], []) => Self::new(ClaimResult::Pass, pass),
            ([], open) => Self::new(ClaimResult::Unknown, sentence(open)),
            (against, _) => Self::new(ClaimResult::Fail, sentence(against)),
        }
    }
}

/// Joins the first points of a claim's reason to one sentence, which also counts the others.
pub(super) fn sentence(points: &[String]) -> String {
    let named: Vec<&str> = points.iter().take(MOST_POINTS).map(String::as_str).collect();
    let rest = points.len().saturating_sub(MOST_POINTS);
    let more = if rest > 0 { format!("; and {rest} more") } else { String::new() };
    named.join("; ") + &more
}
