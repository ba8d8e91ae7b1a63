//! The six claims of a panel, and the level that they reach.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::certificate::claims::{Claim, ClaimResult};
use crate::policy::Level;

/// The claims of a panel. Each is about the members that answered, the first about all that
/// sent something.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Claims {
    /// No request holds anything but the caller's text, the policy's and the protocol.
    pub context_blind: Claim,
    /// No answer came from a cache.
    pub fresh: Claim,
    /// As many answered as were required, and at least two.
    pub answered_quorum: Claim,
    /// The models that answered are pairwise distinct.
    pub model_distinct: Claim,
    /// Their developers are.
    pub vendor_distinct: Claim,
    /// Their families are.
    pub lineage_distinct: Claim,
}

impl Claims {
    /// All claims under their names.
    pub fn named(&self) -> Vec<(&'static str, &Claim)> {
        vec![
            ("context_blind", &self.context_blind),
            ("fresh", &self.fresh),
            ("answered_quorum", &self.answered_quorum),
            ("model_distinct", &self.model_distinct),
            ("vendor_distinct", &self.vendor_distinct),
            ("lineage_distinct", &self.lineage_distinct),
        ]
    }

    /// Climbs from level to level, up to the first claim that does not pass.
    pub fn level(&self) -> Level {
        let steps = [
            (&self.context_blind, Level::ContextBlind),
            (&self.model_distinct, Level::ModelDistinct),
            (&self.vendor_distinct, Level::VendorDistinct),
            (&self.lineage_distinct, Level::LineageDistinct),
        ];
        let passed = steps.into_iter().take_while(|(claim, _)| claim.result == ClaimResult::Pass);
        passed.last().map_or(Level::None, |(_, level)| level)
    }
}
