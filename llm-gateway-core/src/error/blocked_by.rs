//! What in a policy refused a call.

use schemars::JsonSchema;
use serde::Serialize;

/// What refused a call that is [`PolicyBlocked`](crate::Category::PolicyBlocked).
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
    /// What the caller asked for: an override that the task class does not allow.
    Caller,
}
