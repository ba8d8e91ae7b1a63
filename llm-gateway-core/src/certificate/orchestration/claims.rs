//! The claims that the certificate of an orchestration decides.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::certificate::claims::{Claim, ClaimResult};

/// The claims of an orchestration's certificate, about all its rounds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct OrchestrationClaims {
    /// No verifier was shown a plan, except for what the artifact itself repeats of it.
    pub verifier_plan_blind: Claim,
    /// No verifier was shown an earlier verdict, critique or artifact, and no artifact repeats what
    /// an earlier verdict said was wrong.
    pub verifier_history_blind: Claim,
    /// Every verifier is another model than the worker that made the judged artifact, of another
    /// developer and another family.
    pub verifier_worker_distinct: Claim,
    /// No artifact repeats much of a plan verbatim, as a reader sees both. Not applicable to plans
    /// of fewer than eight words of their own.
    pub plan_leak: Claim,
}

impl OrchestrationClaims {
    /// Returns the claims of an orchestration with their names, in the order of the certificate.
    pub fn named(&self) -> Vec<(&'static str, &Claim)> {
        vec![
            ("verifier_plan_blind", &self.verifier_plan_blind),
            ("verifier_history_blind", &self.verifier_history_blind),
            ("verifier_worker_distinct", &self.verifier_worker_distinct),
            ("plan_leak", &self.plan_leak),
        ]
    }

    /// Creates the claims of an orchestration to which none of them is applicable.
    pub(in crate::certificate) fn not_applicable(because: &str) -> Self {
        let claim = || Claim::new(ClaimResult::NotApplicable, because);
        Self {
            verifier_plan_blind: claim(),
            verifier_history_blind: claim(),
            verifier_worker_distinct: claim(),
            plan_leak: claim(),
        }
    }
}
