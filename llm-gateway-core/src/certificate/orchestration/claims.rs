//! The four claims of an orchestration.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::certificate::claims::{Claim, ClaimResult};

/// The claims of an orchestration, over all its rounds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct OrchestrationClaims {
    /// No verifier was shown a plan, other than what the artifact itself carries of it.
    pub verifier_plan_blind: Claim,
    /// No verifier was shown an earlier verdict, critique or artifact.
    pub verifier_history_blind: Claim,
    /// Who judged is another model than who worked, of another developer and another family.
    pub verifier_worker_distinct: Claim,
    /// The artifact repeats little of the plan verbatim.
    pub plan_leak: Claim,
}

impl OrchestrationClaims {
    /// All claims under their names.
    pub fn named(&self) -> Vec<(&'static str, &Claim)> {
        vec![
            ("verifier_plan_blind", &self.verifier_plan_blind),
            ("verifier_history_blind", &self.verifier_history_blind),
            ("verifier_worker_distinct", &self.verifier_worker_distinct),
            ("plan_leak", &self.plan_leak),
        ]
    }

    /// The claims of an orchestration of which nothing can be claimed.
    pub(in crate::certificate) fn none(because: &str) -> Self {
        let claim = || Claim::new(ClaimResult::NotApplicable, because);
        Self {
            verifier_plan_blind: claim(),
            verifier_history_blind: claim(),
            verifier_worker_distinct: claim(),
            plan_leak: claim(),
        }
    }
}
