//! The parts of a policy that can refuse a call.

use schemars::JsonSchema;
use serde::Serialize;

/// The part of a policy that refused a call with [`PolicyBlocked`](crate::Category::PolicyBlocked).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum BlockedBy {
    /// A kill switch in the environment.
    Switch,
    /// A spending cap at the ledger.
    Cap,
    /// The price check of the policy, or a price that is not known where a limit on money is set.
    Price,
    /// The limit on what the calls of one request may cost together: a panel's `cost_cap_usd` or
    /// `max_usd` of `orchestration`.
    MaxUsd,
    /// The caller's own request: an override that the task class does not allow.
    Caller,
}
