//! The envelope of a gateway's description.

use schemars::JsonSchema;
use serde::Serialize;

use crate::describe::Description;
use crate::ledger::CapLeft;
use crate::outcome::Budget;

use super::Envelope;

/// The `meta` of a gateway's description.
#[derive(Serialize, JsonSchema)]
pub(super) struct DescriptionMeta {
    /// What the tightest of all caps leaves; present where a cap is in force and the
    /// ledger could be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Budget")]
    budget: Option<Budget>,
}

impl From<&Description> for Envelope {
    fn from(description: &Description) -> Self {
        let caps = description.spend.iter().flat_map(|spend| spend.caps()).cloned();
        let budget = CapLeft::tightest(caps).as_ref().map(Budget::from);
        Self::of(description, &DescriptionMeta { budget })
    }
}
