//! The serde mirror of the key `budget` in `routing.yaml`, in which nothing is checked. An editor
//! shows the doc comments, so they speak to the person who edits the file.

use schemars::JsonSchema;
use serde::Deserialize;

/// The most that the calls of a task class, or orchestrations, may cost together in a length of
/// time. Calls beyond it are refused.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RawBudget {
    /// The amount in US dollars; 0 lets through only what costs nothing.
    #[schemars(range(min = 0, max = 1_000_000))]
    pub(super) usd: f64,
    /// The length of time over which calls are added up.
    pub(super) per: RawPer,
}

/// The length of time over which calls are added up.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum RawPer {
    /// The life of one process: one client's session of the server, or one command.
    Session,
    /// A calendar day in UTC, over all processes of the user; turns the ledger on.
    Day,
    /// A calendar month in UTC, over all processes of the user; turns the ledger on.
    Month,
}
