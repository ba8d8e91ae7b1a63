//! What a claim is, and what may become of it.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What became of a claim.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ClaimResult {
    /// The evidence shows that it holds.
    Pass,
    /// The evidence shows that it does not hold.
    Fail,
    /// The evidence does not decide it.
    Unknown,
    /// There is nothing that it could be about.
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

/// A claim, and the evidence that decided it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Claim {
    /// What became of it.
    pub result: ClaimResult,
    /// Why: names the member, the JSON pointer, the header or the model id.
    pub because: String,
}

/// The most evidence that one sentence names; the rest is counted.
const NAMED: usize = 4;

impl Claim {
    pub(super) fn new(result: ClaimResult, because: impl Into<String>) -> Self {
        // It may hold names that a provider chose.
        let because: String = because.into();
        Self { result, because: because.chars().filter(|c| !c.is_control()).collect() }
    }

    /// Fails for what contradicts the claim, is unknown for what leaves it open, else passes.
    pub(super) fn weigh(against: &[String], open: &[String], pass: String) -> Self {
        match (against, open) {
            ([], []) => Self::new(ClaimResult::Pass, pass),
            ([], open) => Self::new(ClaimResult::Unknown, sentence(open)),
            (against, _) => Self::new(ClaimResult::Fail, sentence(against)),
        }
    }
}

/// The first of the points, and how many more there are.
pub(super) fn sentence(points: &[String]) -> String {
    let named: Vec<&str> = points.iter().take(NAMED).map(String::as_str).collect();
    let rest = points.len().saturating_sub(NAMED);
    let more = if rest > 0 { format!("; and {rest} more") } else { String::new() };
    named.join("; ") + &more
}
