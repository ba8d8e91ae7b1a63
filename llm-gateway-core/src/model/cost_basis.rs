//! How well a cost is known.

use schemars::JsonSchema;
use serde::Serialize;

/// How well a cost is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum CostBasis {
    /// From the tokens that the provider reported.
    Exact,
    /// From an estimate of the tokens: the provider reported none.
    Estimated,
    /// The model has no price.
    Unknown,
    /// The model costs nothing.
    Free,
}
