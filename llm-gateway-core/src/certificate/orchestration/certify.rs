//! Evidence of an orchestration and kinship to its certificate: pure, as
//! [`certify`](crate::certificate::certify()) is.

use serde::{Deserialize, Serialize};

use super::claims::OrchestrationClaims;
use super::distinct::{self, StepPlace};
use super::evidence::OrchestrationEvidence;
use super::leak;
use super::sight::{self, BlindnessClaims};
use super::step_answer;
use crate::certificate::answers::{self, AnsweredCall};
use crate::certificate::claims::{Claim, ClaimResult};
use crate::certificate::kind::ReceiptKind;
use crate::certificate::lineage::Kinship;

/// What no record of an orchestration can show. Stands in every certificate of one.
pub const ORCHESTRATION_NOT_PROVEN: &[&str] = &[
    "which weights really ran: a model is what its API calls itself",
    "that the verifier's errors are independent of the worker's: distinct models learn from \
     overlapping data",
    "that a provider keeps no memory between requests",
    "that the artifact tells nothing of the plan in other words: only verbatim runs are counted",
    "that the task and the instructions held no other model's answer",
    "that the verdict is right",
];

/// What can be said of an orchestration, claim by claim.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct OrchestrationCertificate {
    /// What was claimed, and what became of it.
    pub claims: OrchestrationClaims,
    /// What this certificate does not show; always [`ORCHESTRATION_NOT_PROVEN`].
    pub not_proven: Vec<String>,
    /// What a reader should know although no claim fails by it.
    pub warnings: Vec<String>,
}

impl OrchestrationCertificate {
    /// The certificate that follows from these claims.
    pub(in crate::certificate) fn of(claims: OrchestrationClaims, warnings: Vec<String>) -> Self {
        let not_proven = ORCHESTRATION_NOT_PROVEN.iter().map(|&what| what.to_owned()).collect();
        Self { claims, not_proven, warnings }
    }

    /// Whether the verdict is certified: the artifact that stands was judged, and no claim about
    /// its judge failed.
    pub fn independence_certified(&self) -> bool {
        let claims = self.claims.named();
        // Who judged is compared with who worked wherever there is a verdict.
        let is_judged = self.claims.verifier_worker_distinct.result != ClaimResult::NotApplicable;
        is_judged && claims.iter().all(|(_, claim)| claim.result != ClaimResult::Fail)
    }
}

/// The claims that only the texts tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::certificate) struct OfTexts {
    pub(in crate::certificate) verifier_plan_blind: Claim,
    pub(in crate::certificate) verifier_history_blind: Claim,
    pub(in crate::certificate) plan_leak: Claim,
}

/// Certifies an orchestration by what was recorded of it.
///
/// ```
/// use llm_gateway_core::certificate::{Kinship, ClaimResult, OrchestrationEvidence, certify_orchestration};
///
/// let certificate = certify_orchestration(&OrchestrationEvidence::default(), &Kinship::default());
/// // Nothing was judged, so there is nothing to certify.
/// assert_eq!(certificate.claims.verifier_plan_blind.result, ClaimResult::NotApplicable);
/// assert!(!certificate.independence_certified());
/// ```
pub fn certify_orchestration(
    evidence: &OrchestrationEvidence,
    kinship: &Kinship,
) -> OrchestrationCertificate {
    let said = step_answer::read(evidence);
    let BlindnessClaims { plan_blind, history_blind } = sight::sight(evidence, &said);
    let of_texts = OfTexts {
        verifier_plan_blind: plan_blind,
        verifier_history_blind: history_blind,
        plan_leak: leak::plan_leak(&evidence.task, &said),
    };
    let claims = claims(of_texts, &places(evidence), &answers(evidence), kinship);
    OrchestrationCertificate::of(claims, warnings(evidence))
}

/// All claims: those that the texts tell, and the one from what is known of the answers. Of work
/// that nobody judged nothing is claimed.
pub(in crate::certificate) fn claims(
    of_texts: OfTexts,
    places: &[StepPlace],
    answers: &[AnsweredCall<'_>],
    kinship: &Kinship,
) -> OrchestrationClaims {
    if let Some(because) = distinct::unjudged(places, answers) {
        return OrchestrationClaims::none(&because);
    }
    let OfTexts { verifier_plan_blind, verifier_history_blind, plan_leak } = of_texts;
    let verifier_worker_distinct = distinct::verifier_worker_distinct(places, answers, kinship);
    OrchestrationClaims {
        verifier_plan_blind,
        verifier_history_blind,
        verifier_worker_distinct,
        plan_leak,
    }
}

/// Where each step stands.
fn places(evidence: &OrchestrationEvidence) -> Vec<StepPlace> {
    let place = |step: &super::StepEvidence| StepPlace {
        position: step.call.position,
        role: step.role,
        round: step.round,
    };
    evidence.steps.iter().map(place).collect()
}

/// The answers of the steps.
fn answers(evidence: &OrchestrationEvidence) -> Vec<AnsweredCall<'_>> {
    let calls: Vec<_> = evidence.steps.iter().map(|step| &step.call).collect();
    answers::of_calls(&calls, ReceiptKind::Orchestration)
}

/// Bytes that were not committed are no claim's matter where no verifier was shown them.
fn warnings(evidence: &OrchestrationEvidence) -> Vec<String> {
    let steps = evidence.steps.iter().filter(|step| !sight::is_shown(step));
    let mut warnings = Vec::new();
    for step in steps {
        let call = &step.call;
        let tries = call.exchanges.iter().zip(1..);
        let found = tries.filter_map(|(exchange, n)| call.deviation(n, exchange)).next();
        warnings.extend(found.map(|what| format!("step {}{what}", call.position)));
    }
    warnings
}
