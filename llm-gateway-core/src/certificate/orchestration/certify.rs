//! Certifies an orchestration by its evidence and its kinship. The function is pure, like
//! [`certify`](crate::certificate::certify()).

use serde::{Deserialize, Serialize};

use super::claims::OrchestrationClaims;
use super::distinct::{self, StepPlace};
use super::evidence::OrchestrationEvidence;
use super::leak;
use super::sight::{self, BlindnessClaims};
use super::step_answer;
use crate::certificate::answers::{self, AnsweredCall};
use crate::certificate::claims::{Claim, ClaimResult};
use crate::certificate::commitment::deviations;
use crate::certificate::kind::ReceiptKind;
use crate::certificate::lineage::Kinship;

/// The facts about an orchestration that no record of a gateway can prove. Every certificate of an
/// orchestration lists them.
pub const ORCHESTRATION_NOT_PROVEN: &[&str] = &[
    "which weights really ran: a model is what its API calls itself",
    "that the verifier's errors are independent of the worker's: distinct models learn from \
     overlapping data",
    "that a provider keeps no memory between requests",
    "that the artifact tells nothing of the plan in other words: only verbatim runs are counted",
    "that the task and the instructions held no other model's answer",
    "that the verdict is right",
];

/// The certificate of an orchestration: what its recorded bytes show of its verifiers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct OrchestrationCertificate {
    /// The claims about the orchestration, with their results.
    pub claims: OrchestrationClaims,
    /// The facts that the certificate does not prove; always [`ORCHESTRATION_NOT_PROVEN`].
    pub not_proven: Vec<String>,
    /// Warnings that a reader should know although they make no claim fail.
    pub warnings: Vec<String>,
}

impl OrchestrationCertificate {
    /// Creates the certificate that follows from the claims about an orchestration.
    pub(in crate::certificate) fn of(claims: OrchestrationClaims, warnings: Vec<String>) -> Self {
        let not_proven = ORCHESTRATION_NOT_PROVEN.iter().map(|&what| what.to_owned()).collect();
        Self { claims, not_proven, warnings }
    }

    /// Returns whether the orchestration's verdict is certified: the final artifact was judged, and
    /// every claim that applies passed. A claim that is unknown certifies nothing.
    pub fn independence_certified(&self) -> bool {
        let claims = self.claims.named();
        // The claim applies to every orchestration whose final artifact has a verdict.
        let is_judged = self.claims.verifier_worker_distinct.result != ClaimResult::NotApplicable;
        let stands =
            |claim: &Claim| matches!(claim.result, ClaimResult::Pass | ClaimResult::NotApplicable);
        is_judged && claims.iter().all(|(_, claim)| stands(claim))
    }
}

/// The claims about an orchestration that are decided from texts, which a receipt does not contain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::certificate) struct TextClaims {
    pub(in crate::certificate) verifier_plan_blind: Claim,
    pub(in crate::certificate) verifier_history_blind: Claim,
    pub(in crate::certificate) plan_leak: Claim,
}

/// Certifies an orchestration by its recorded evidence.
///
/// ```
/// use llm_gateway_core::certificate::{
///     ClaimResult, Kinship, OrchestrationEvidence, certify_orchestration,
/// };
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
    let BlindnessClaims { plan_blind, history_blind } = sight::blindness_claims(evidence, &said);
    let of_texts = TextClaims {
        verifier_plan_blind: plan_blind,
        verifier_history_blind: history_blind,
        plan_leak: leak::plan_leak(&evidence.task, &said),
    };
    let claims = claims(of_texts, &places(evidence), &answers(evidence), kinship);
    OrchestrationCertificate::of(claims, warnings(evidence))
}

/// Combines all claims of an orchestration: those decided from texts, and the one decided from the
/// answers. If the final artifact was not judged, none of the claims is applicable.
pub(in crate::certificate) fn claims(
    of_texts: TextClaims,
    places: &[StepPlace],
    answers: &[AnsweredCall<'_>],
    kinship: &Kinship,
) -> OrchestrationClaims {
    if let Some(because) = distinct::unjudged(places, answers) {
        return OrchestrationClaims::not_applicable(&because);
    }
    let TextClaims { verifier_plan_blind, verifier_history_blind, plan_leak } = of_texts;
    let verifier_worker_distinct = distinct::verifier_worker_distinct(places, answers, kinship);
    OrchestrationClaims {
        verifier_plan_blind,
        verifier_history_blind,
        verifier_worker_distinct,
        plan_leak,
    }
}

/// Returns position, role and round of each step in the evidence.
fn places(evidence: &OrchestrationEvidence) -> Vec<StepPlace> {
    let place = |step: &super::StepEvidence| StepPlace {
        position: step.call.position,
        role: step.role,
        round: step.round,
    };
    evidence.steps.iter().map(place).collect()
}

/// Returns the calls of steps that were answered, with the record of each answer.
fn answers(evidence: &OrchestrationEvidence) -> Vec<AnsweredCall<'_>> {
    let calls: Vec<_> = evidence.steps.iter().map(|step| &step.call).collect();
    answers::answered_calls(&calls, ReceiptKind::Orchestration)
}

/// Returns warnings about bytes that were sent to planners and workers without being committed. No
/// claim covers these bytes, because no verifier was shown them.
fn warnings(evidence: &OrchestrationEvidence) -> Vec<String> {
    let steps = evidence.steps.iter().filter(|step| !sight::is_asked_verifier(step));
    let mut warnings = Vec::new();
    for step in steps {
        let call = &step.call;
        let found = deviations(call).into_iter().flatten().next();
        warnings.extend(found.map(|what| format!("step {}{what}", call.position)));
    }
    warnings
}
