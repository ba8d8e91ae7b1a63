//! The cap that refused a call, as an envelope shows it.

use schemars::JsonSchema;
use serde::Serialize;

use crate::model::NanoUsd;

/// The cap on money that refused a call, and what it leaves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[non_exhaustive]
pub struct RefusingCap {
    /// The calls that the cap is on: `total`, the name of a provider, or `class:NAME`.
    pub scope: String,
    /// The length of time over which the cap adds up: `session`, `day` or `month`.
    pub per: &'static str,
    /// The most that those calls may cost together in that time, in US dollars.
    pub cap_usd: NanoUsd,
    /// The part of the cap that is neither spent nor set aside, in US dollars; absent where the
    /// ledger could not be read and the call may cost more than the whole cap.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "NanoUsd")]
    pub left_usd: Option<NanoUsd>,
    /// The moment when the cap begins anew, as RFC 3339 writes it; absent for a session, which ends
    /// with its process, and where the call may cost more than the whole cap, so that no wait
    /// helps.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    pub resets_at: Option<String>,
}
