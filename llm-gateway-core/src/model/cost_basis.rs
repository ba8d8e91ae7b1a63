//! The basis of a cost, which says how certain it is.

use schemars::JsonSchema;
use serde::Serialize;

/// The basis of a cost: how certain it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum CostBasis {
    /// The cost is computed from the tokens that the provider reported.
    Exact,
    /// The provider reported no tokens, so the cost is estimated or counted at its hold.
    Estimated,
    /// The price of the model is unknown, and so is the cost.
    Unknown,
    /// The model is free, so the cost is zero.
    Free,
}
