//! What the tightest cap on the calls of a run leaves.

use schemars::JsonSchema;
use serde::Serialize;

use crate::ledger::CapLeft;
use crate::model::NanoUsd;

/// The tightest cap on the calls of a run, and what it leaves after them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[non_exhaustive]
pub struct Budget {
    /// The calls that the cap is on: `total`, the name of a provider, or `class:NAME`.
    pub scope: String,
    /// The length of time over which the cap adds up: `session`, `day` or `month`.
    pub per: &'static str,
    /// The part of the cap that is neither spent nor set aside for calls under way, in US dollars.
    pub left_usd: NanoUsd,
    /// The warning that the cap is nearly used, with the time when it begins anew; absent while
    /// less than four fifths of it are used, and where the price check beside it says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    pub warning: Option<String>,
}

impl Budget {
    /// Sets the warning of a cap that is nearly used.
    pub(crate) fn with_warning(self, warning: Option<String>) -> Self {
        Self { warning, ..self }
    }

    /// Returns the budget as it stands beside a price check, which has the warning already.
    pub(crate) fn beside_preflight(&self) -> Self {
        self.clone().with_warning(None)
    }
}

impl From<&CapLeft> for Budget {
    fn from(CapLeft { cap, left }: &CapLeft) -> Self {
        let (scope, per) = (cap.scope.key(), cap.per.as_str());
        Self { scope, per, left_usd: *left, warning: None }
    }
}
