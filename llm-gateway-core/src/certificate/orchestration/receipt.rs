//! The part of a receipt that only an orchestration has: its steps and its certificate.

use serde::{Deserialize, Serialize};

use super::certify::{OrchestrationCertificate, TextClaims, certify_orchestration, claims};
use super::distinct::StepPlace;
use super::evidence::{OrchestrationEvidence, Order, StepEvidence};
use crate::certificate::canonical::Salt;
use crate::certificate::claims::{Claim, ClaimResult};
use crate::certificate::evidence::CallEvidence;
use crate::certificate::kind::ReceiptKind;
use crate::certificate::lineage::Kinship;
use crate::certificate::receipt::{
    Bundle, Particulars, Receipt, Rows, Subject, claims_differ, declared, issue, words_differ,
};
use crate::model::{Ask, Dialect, StepRole};
use crate::policy::Level;

/// The part of a receipt that is about an orchestration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OrchestrationSubject {
    /// The orchestration's steps as they ran, one for each row in the receipt's `members`.
    pub(in crate::certificate) steps: Vec<StepRow>,
    pub(in crate::certificate) certificate: OrchestrationCertificate,
}

/// The row of an orchestration's step in a receipt: the step without its texts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::certificate) struct StepRow {
    pub(in crate::certificate) position: u32,
    pub(in crate::certificate) name: String,
    pub(in crate::certificate) role: StepRole,
    pub(in crate::certificate) round: u32,
    /// The artifact and question that a verifier was asked to judge; `None` for other roles.
    pub(in crate::certificate) judged: Option<JudgementRow>,
}

/// The row of a judgement in a receipt: the evidence of the judgement without its nonce.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::certificate) struct JudgementRow {
    pub(in crate::certificate) artifact: u32,
    pub(in crate::certificate) ask: Ask,
    pub(in crate::certificate) structured: bool,
}

impl From<&StepEvidence> for StepRow {
    fn from(step: &StepEvidence) -> Self {
        let judged = step.judged.as_ref().map(|judged| JudgementRow {
            artifact: judged.artifact,
            ask: judged.ask,
            structured: judged.structured,
        });
        let (position, name) = (step.call.position, step.name.clone());
        Self { position, name, role: step.role, round: step.round, judged }
    }
}

impl Receipt<OrchestrationSubject> {
    /// Certifies an orchestration, and issues its receipt and the bundle that proves it.
    ///
    /// ```
    /// use llm_gateway_core::certificate::{
    ///     VerifyOptions, Kinship, OrchestrationEvidence, Particulars, Receipt, Salt, VerifyResult,
    ///     verify,
    /// };
    ///
    /// let evidence = OrchestrationEvidence::new("write a haiku", Vec::new());
    /// let salt = Salt::from_bytes([7; 32]);
    /// let (particulars, kinship) = (Particulars::default(), Kinship::default());
    /// let (receipt, bundle) =
    ///     Receipt::issue_orchestration(particulars, evidence, &kinship, salt);
    /// let bundle = bundle.to_bytes();
    /// let found = verify(&receipt.to_bytes(), VerifyOptions::default().with_bundle(&bundle));
    /// assert_eq!(found.result, VerifyResult::Holds);
    /// // No verifier judged anything, so nothing is certified.
    /// assert!(!receipt.certificate().independence_certified());
    /// ```
    pub fn issue_orchestration(
        particulars: Particulars,
        mut evidence: OrchestrationEvidence,
        kinship: &Kinship,
        salt: Salt,
    ) -> (Self, Bundle<OrchestrationEvidence>) {
        evidence.steps.iter_mut().for_each(|step| step.call.share_requests());
        let subject = OrchestrationSubject::of(&evidence, kinship);
        issue(particulars, evidence, subject, kinship, salt)
    }

    /// Returns the certificate of the orchestration.
    pub fn certificate(&self) -> &OrchestrationCertificate {
        &self.subject.certificate
    }
}

impl OrchestrationSubject {
    /// Creates the orchestration's part of a receipt from the evidence.
    fn of(evidence: &OrchestrationEvidence, kinship: &Kinship) -> Self {
        let steps = evidence.steps.iter().map(StepRow::from).collect();
        Self { steps, certificate: certify_orchestration(evidence, kinship) }
    }

    /// Returns position, role and round of each step in the receipt.
    fn places(&self) -> Vec<StepPlace> {
        let place = |step: &StepRow| {
            let StepRow { position, role, round, .. } = *step;
            StepPlace { position, role, round }
        };
        self.steps.iter().map(place).collect()
    }
}

impl Subject for OrchestrationSubject {
    type Evidence = OrchestrationEvidence;

    const KIND: ReceiptKind = ReceiptKind::Orchestration;

    fn calls(evidence: &OrchestrationEvidence) -> Vec<&CallEvidence> {
        evidence.steps.iter().map(|step| &step.call).collect()
    }

    fn declared(evidence: &OrchestrationEvidence) -> impl Serialize {
        let OrchestrationEvidence { task, steps } = evidence;
        let steps = steps.iter().map(|step| {
            let StepEvidence { name, role, round, instruction, judged, call } = step;
            (name, role, round, instruction, judged, declared(call))
        });
        (task, steps.collect::<Vec<_>>())
    }

    fn reissued(&self, evidence: &OrchestrationEvidence, kinship: &Kinship) -> Self {
        Self::of(evidence, kinship)
    }

    fn contradictions(&self, rows: &Rows<'_>) -> Vec<String> {
        let mut found: Vec<String> = self.disorder(rows).into_iter().collect();
        found.extend(self.unsupported_blindness(rows));
        found.extend(self.differences_from_rows(rows));
        found
    }

    fn differences(&self, follows: &Self) -> Vec<String> {
        let mut found = differences(&self.certificate, &follows.certificate);
        if self.steps != follows.steps {
            found.push("what the steps were is not what the bundle says".to_owned());
        }
        found
    }

    fn is_certified(&self) -> bool {
        self.certificate.independence_certified()
    }

    fn levels(&self) -> Option<(Level, Level)> {
        None
    }
}

impl OrchestrationSubject {
    /// Describes the first problem in the order of the steps: each step must have its row, and must
    /// have run after the step before it.
    fn disorder(&self, rows: &Rows<'_>) -> Option<String> {
        let steps = &self.steps;
        let same = rows.members.iter().map(|row| row.position);
        if !same.eq(steps.iter().map(|step| step.position)) {
            return Some("the steps are not those that were asked".to_owned());
        }
        let mut order = Order::default();
        order.places(steps.iter().map(|step| (step.position, step.round)));
        for step in steps {
            let committed = rows.commitments_of(step.position).iter();
            let calls = rows.calls_of(step.position).iter();
            let called = calls.flat_map(|call| {
                let came = call.response.as_ref().map(|came| came.sequence);
                std::iter::once(call.sequence).chain(came)
            });
            order.step(step.position, committed.map(|row| row.sequence).chain(called));
        }
        order.problem
    }

    /// Reports rows that do not support a certified blindness of verifiers: each call to a verifier
    /// must have its step's committed digest, and must have been committed before it was sent.
    fn unsupported_blindness(&self, rows: &Rows<'_>) -> Vec<String> {
        let claims = &self.certificate.claims;
        let is_open =
            |claim: &Claim| matches!(claim.result, ClaimResult::Fail | ClaimResult::Unknown);
        let is_judged = claims.verifier_worker_distinct.result != ClaimResult::NotApplicable;
        let blind = [&claims.verifier_plan_blind, &claims.verifier_history_blind];
        if !is_judged || blind.into_iter().any(is_open) {
            return Vec::new();
        }
        let mut found = Vec::new();
        for step in self.verifiers(rows) {
            for call in rows.calls_of(step.position) {
                match rows.committed(call) {
                    Err(what) => found.push(what),
                    Ok(committed) if committed > call.sequence => {
                        found.push(format!("step {} sent before it had committed", call.member));
                    }
                    Ok(_) => {}
                }
            }
        }
        found.extend(self.inapplicable_claims(rows));
        found
    }

    /// Returns the steps of verifiers that were sent a request.
    fn verifiers<'a>(&'a self, rows: &'a Rows<'_>) -> impl Iterator<Item = &'a StepRow> {
        let steps = self.steps.iter().zip(rows.members);
        let shown = steps.filter(|(step, row)| {
            let is_sent = !rows.calls_of(step.position).is_empty();
            let is_shown = is_sent || row.answered || row.dialect == Dialect::Own;
            step.role == StepRole::Verifier && is_shown
        });
        shown.map(|(step, _)| step)
    }

    /// Reports claims that are not applicable although the rows show that they are, and claims that
    /// are decided although the rows show nothing about them. The rows do not show whether a plan
    /// is long enough to be recognised, so `plan_leak` may be not applicable.
    fn inapplicable_claims(&self, rows: &Rows<'_>) -> Vec<String> {
        let mut planners =
            self.steps.iter().zip(rows.members).filter(|(step, _)| step.role == StepRole::Planner);
        let planned = planners.any(|(_, row)| row.answered);
        let judged_before =
            self.verifiers(rows).count() > 1 || self.verifiers(rows).any(|step| step.round > 1);
        let claims = &self.certificate.claims;
        let is_applied = |claim: &Claim| claim.result != ClaimResult::NotApplicable;
        let wrong = [
            ("verifier_plan_blind", is_applied(&claims.verifier_plan_blind) != planned),
            ("verifier_history_blind", is_applied(&claims.verifier_history_blind) != judged_before),
            ("plan_leak", is_applied(&claims.plan_leak) && !planned),
        ];
        let wrong = wrong.into_iter().filter(|(_, is_wrong)| *is_wrong);
        wrong.map(|(name, _)| format!("claim {name} is not about what the steps did")).collect()
    }

    /// Reports where the certificate differs from what the receipt's own rows imply: the claim
    /// about distinct models, and whether there was a verdict.
    fn differences_from_rows(&self, rows: &Rows<'_>) -> Vec<String> {
        let stated = &self.certificate;
        let of_texts = TextClaims {
            verifier_plan_blind: stated.claims.verifier_plan_blind.clone(),
            verifier_history_blind: stated.claims.verifier_history_blind.clone(),
            plan_leak: stated.claims.plan_leak.clone(),
        };
        let claims = claims(of_texts, &self.places(), &rows.answers(), &rows.kinship());
        differences(stated, &OrchestrationCertificate::of(claims, stated.warnings.clone()))
    }
}

/// Reports how an orchestration's stated certificate differs from the one that was made again.
fn differences(
    stated: &OrchestrationCertificate,
    follows: &OrchestrationCertificate,
) -> Vec<String> {
    let mut found = claims_differ(&stated.claims.named(), &follows.claims.named());
    let told = |certificate: &OrchestrationCertificate| {
        (certificate.not_proven.clone(), certificate.warnings.clone())
    };
    found.extend(words_differ(told(stated), told(follows)));
    found
}
