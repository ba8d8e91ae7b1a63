//! The claims that the certificate of a panel decides, and the level that they reach.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::certificate::claims::{Claim, ClaimResult};
use crate::policy::Level;

/// The claims of a panel's certificate. `context_blind` is about all members that were sent a
/// request; the others are about the members that answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Claims {
    /// No request contains anything but the caller's texts, the policy's texts and the protocol.
    pub context_blind: Claim,
    /// No answer came from a cache.
    pub fresh: Claim,
    /// At least the required number of members answered, and at least two.
    pub answered_quorum: Claim,
    /// The models that answered are pairwise distinct.
    pub model_distinct: Claim,
    /// The developers of the models that answered are pairwise distinct.
    pub vendor_distinct: Claim,
    /// The model families of the models that answered are pairwise distinct.
    pub lineage_distinct: Claim,
}

impl Claims {
    /// Returns the claims of a panel with their names, in the order of the certificate.
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

    /// Returns the highest level of independence that the panel reached: every claim up to it
    /// passes.
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
