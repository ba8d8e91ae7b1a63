//! The envelope of an orchestration.

use schemars::JsonSchema;
use serde::Serialize;

use crate::certificate::OrchestrationClaims;
use crate::model::{CostBasis, FinishReason, ModelId, NanoUsd, ProviderName, RunId, StepRole};
use crate::outcome::{Answer, Attempt, Ending, Failure, Orchestrated, Round, StepOutcome, Verdict};

use super::answer::TokenCounts;
use super::panel::ReceiptReference;
use super::{Envelope, Status, millis, unless_recorded};

/// `data` of an orchestration: the round that counts, and the others.
#[derive(Serialize, JsonSchema)]
pub(super) struct OrchestrationData<'a> {
    #[serde(flatten)]
    current: Option<RoundData<'a>>,
    /// The rounds whose artifacts do not count, in order; present where there are any.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    other_rounds: Vec<OtherRound<'a>>,
}

/// What one round of an orchestration made.
#[derive(Serialize, JsonSchema)]
struct RoundData<'a> {
    /// What the worker made; null where it made nothing.
    artifact: Option<&'a str>,
    /// What the planner wrote; null where none was asked or it wrote nothing.
    plan: Option<&'a str>,
    /// What the verifier decided; null where none was asked or it decided nothing.
    verdict: Option<&'a Verdict>,
}

/// A round whose artifact does not count.
#[derive(Serialize, JsonSchema)]
struct OtherRound<'a> {
    #[serde(flatten)]
    made: RoundData<'a>,
    /// The number of the round, from 1.
    round: usize,
}

/// `meta` of an orchestration.
#[derive(Serialize, JsonSchema)]
pub(super) struct OrchestrationMeta<'a> {
    /// `trivial`, `standard` or `complex`.
    depth: &'a str,
    /// Every call, in order.
    steps: Vec<StepMeta<'a>>,
    /// How many rounds there were.
    rounds: usize,
    /// What the verifier was shown, and what that says of its independence.
    visibility: VerifierVisibility<'a>,
    /// What recorded bytes show of the verifier's independence.
    certificate: VerifierCertificate<'a>,
    /// Cost of all attempts in US dollars; null where the cost of one is unknown.
    total_cost_usd_approx: Option<NanoUsd>,
    /// Time from the task to the end, in milliseconds.
    latency_ms: u64,
    /// Why nobody verified the artifact; present where the status is `unverified`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    unverified_because: Option<String>,
    /// Present and false where the ledger could not record the cost of an attempt.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "bool")]
    spend_recorded: Option<bool>,
    /// Present and true where answers are scripted and nothing left the machine.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    offline: bool,
    /// Identifies the run.
    run_id: RunId,
}

/// What a verifier was shown, and what that says of its independence.
#[derive(Serialize, JsonSchema)]
struct VerifierVisibility<'a> {
    /// What the policy shows the verifier: `task` and `artifact`; empty where nobody verifies.
    verifier_sees: &'a [&'static str],
    /// Whether the verifier saw nothing of a plan but what the artifact carries; null where nobody
    /// judged, or recorded bytes do not show it.
    verifier_blind_to_plan: Option<bool>,
    /// Whether recorded bytes certify the verifier's independence.
    independence_certified: bool,
}

/// The certificate of an orchestration.
#[derive(Serialize, JsonSchema)]
struct VerifierCertificate<'a> {
    /// Each claim with its result and the evidence that decided it.
    claims: &'a OrchestrationClaims,
    /// What no certificate of an orchestration shows.
    not_proven: &'a [String],
    /// What a reader should know although no claim fails by it.
    warnings: &'a [String],
    /// The receipt that holds this certificate.
    receipt: ReceiptReference<'a>,
}

/// A call in one row: who was asked, how it went, and what it cost.
#[derive(Serialize, JsonSchema)]
struct StepMeta<'a> {
    /// The name of the step: `plan`, `execute` or `verify`.
    step: &'a str,
    /// What the step is for.
    role: StepRole,
    /// The number of the round, from 1.
    round: u32,
    /// Present and true where the call asked again for a verdict that could not be read.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    repair: bool,
    /// The provider that was asked.
    provider: &'a ProviderName,
    /// The model that the provider says answered; the model that was asked where none answered.
    model: &'a str,
    /// The model that was asked; present where another one answered.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "ModelId")]
    model_requested: Option<&'a ModelId>,
    /// `ok`, or the category of the error.
    outcome: &'static str,
    #[serde(flatten)]
    answered: Option<AnsweredStep>,
    #[serde(flatten)]
    failed: Option<FailedStep<'a>>,
    /// Every attempt of the call, in order.
    attempts: &'a [Attempt],
}

/// What a row says of a call that was answered.
#[derive(Serialize, JsonSchema)]
struct AnsweredStep {
    /// Why the model stopped; present where the call was answered.
    finish_reason: FinishReason,
    /// Time of the call, in milliseconds; present where the call was answered.
    latency_ms: u64,
    /// Tokens that the call used; present where the call was answered.
    tokens: TokenCounts,
    /// Cost of the answer in US dollars, null where it is unknown; present where the call was
    /// answered.
    cost_usd_approx: Option<NanoUsd>,
    /// How well the cost is known; present where the call was answered.
    cost_basis: CostBasis,
}

/// What a row says of a call that failed.
#[derive(Serialize, JsonSchema)]
struct FailedStep<'a> {
    /// One sentence for a person; present where the call failed.
    error: &'a str,
    /// What the reader can do about it; present where the call failed and there is advice.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    hint: Option<&'a str>,
}

impl<'a> OrchestrationData<'a> {
    fn of(work: &'a Orchestrated) -> Self {
        let other = |(round, made)| OtherRound { made: RoundData::of(made), round };
        Self {
            current: work.current_round().map(RoundData::of),
            other_rounds: work.other_rounds().map(other).collect(),
        }
    }
}

impl<'a> RoundData<'a> {
    fn of(round: &'a Round) -> Self {
        let Round { artifact, plan, verdict } = round;
        Self { artifact: artifact.as_deref(), plan: plan.as_deref(), verdict: verdict.as_ref() }
    }
}

impl<'a> OrchestrationMeta<'a> {
    fn of(work: &'a Orchestrated) -> Self {
        let unverified = last_failure(work).filter(|_| work.ending == Ending::Unverified);
        Self {
            depth: &work.depth,
            steps: work.steps.iter().map(StepMeta::of).collect(),
            rounds: work.rounds.len(),
            visibility: VerifierVisibility::of(work),
            certificate: VerifierCertificate::of(work),
            total_cost_usd_approx: work.total_cost(),
            latency_ms: millis(work.latency),
            unverified_because: unverified.map(ToString::to_string),
            spend_recorded: unless_recorded(work.spend_recorded()),
            offline: work.offline,
            run_id: work.run_id,
        }
    }
}

impl<'a> VerifierVisibility<'a> {
    fn of(work: &'a Orchestrated) -> Self {
        Self {
            verifier_sees: &work.verifier_sees,
            verifier_blind_to_plan: work.is_verifier_blind_to_plan(),
            independence_certified: work.independence_certified(),
        }
    }
}

impl<'a> VerifierCertificate<'a> {
    fn of(work: &'a Orchestrated) -> Self {
        let certificate = work.certificate();
        Self {
            claims: &certificate.claims,
            not_proven: &certificate.not_proven,
            warnings: &certificate.warnings,
            receipt: ReceiptReference::new(work.receipt.digest(), work.receipt_path.as_deref()),
        }
    }
}

impl<'a> StepMeta<'a> {
    fn of(step: &'a StepOutcome) -> Self {
        let asked = &step.target.model;
        let answer = step.result.as_ref().ok();
        let answered = answer.and_then(|answer| answer.completion.model.as_deref());
        let model = answered.unwrap_or(asked.as_str());
        let failure = step.result.as_ref().err();
        Self {
            step: &step.step,
            role: step.role,
            round: step.round,
            repair: step.is_repair,
            provider: &step.target.provider,
            model,
            model_requested: (model != asked.as_str()).then_some(asked),
            outcome: failure.map_or("ok", |failure| failure.category().as_str()),
            answered: answer.map(AnsweredStep::of),
            failed: failure.map(FailedStep::of),
            attempts: step.attempts(),
        }
    }
}

impl AnsweredStep {
    fn of(answer: &Answer) -> Self {
        Self {
            finish_reason: answer.completion.finish_reason,
            latency_ms: millis(answer.latency),
            tokens: TokenCounts::of(&answer.cost.usage),
            cost_usd_approx: answer.cost.amount,
            cost_basis: answer.cost.basis,
        }
    }
}

impl<'a> FailedStep<'a> {
    fn of(failure: &'a Failure) -> Self {
        Self { error: failure.error().message(), hint: failure.error().hint() }
    }
}

fn last_failure(work: &Orchestrated) -> Option<&Failure> {
    work.steps.last()?.result.as_ref().err()
}

impl From<&Orchestrated> for Envelope {
    fn from(work: &Orchestrated) -> Self {
        let status = match work.ending {
            Ending::Success => Status::Success,
            Ending::NeedsHumanReview => Status::NeedsHumanReview,
            Ending::Unverified => Status::Unverified,
            Ending::Failed { .. } => Status::Error,
        };
        Self { status, ..Self::of(&OrchestrationData::of(work), &OrchestrationMeta::of(work)) }
    }
}
