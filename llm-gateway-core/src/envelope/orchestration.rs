//! The envelope of an orchestration.

use schemars::JsonSchema;
use serde::Serialize;

use crate::certificate::OrchestrationClaims;
use crate::model::{CostBasis, FinishReason, ModelId, NanoUsd, ProviderName, RunId, StepRole};
use crate::outcome::{
    Answer, Attempt, Budget, Ending, Failure, OrchestrationOutcome, Round, StepOutcome, Verdict,
};

use super::answer::TokenCounts;
use super::panel::ReceiptReference;
use super::{Envelope, Status, millis, unless_recorded};

/// The `data` of an orchestration: the round that counts, and the other rounds.
#[derive(Serialize, JsonSchema)]
pub(super) struct OrchestrationData<'a> {
    #[serde(flatten)]
    current: Option<RoundData<'a>>,
    /// The rounds whose artifacts do not count, in order; present where there are any.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    other_rounds: Vec<OtherRound<'a>>,
    /// The text that the step that failed had written when it failed or was stopped. It is no
    /// artifact, no plan and no verdict. Present where the orchestration failed and there is any.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    text: Option<&'a str>,
}

/// The results of one round of an orchestration.
#[derive(Serialize, JsonSchema)]
struct RoundData<'a> {
    /// The artifact that the worker made; null where it made none.
    artifact: Option<&'a str>,
    /// The plan that the planner wrote; null where no planner was asked or it wrote nothing.
    plan: Option<&'a str>,
    /// The verdict of the verifier; null where no verifier was asked or it decided nothing.
    verdict: Option<&'a Verdict>,
}

/// A round of an orchestration whose artifact does not count.
#[derive(Serialize, JsonSchema)]
struct OtherRound<'a> {
    #[serde(flatten)]
    made: RoundData<'a>,
    /// The number of the round, from 1.
    round: usize,
}

/// The `meta` of an orchestration.
#[derive(Serialize, JsonSchema)]
pub(super) struct OrchestrationMeta<'a> {
    /// The depth of the orchestration: `trivial`, `standard` or `complex`.
    depth: &'a str,
    /// Every call of the orchestration, in order.
    steps: Vec<StepMeta<'a>>,
    /// The number of rounds of the orchestration.
    rounds: usize,
    /// The visibility of the verifier: what it was shown, and what that says of its independence.
    visibility: VerifierVisibility<'a>,
    /// The certificate of the orchestration: what recorded bytes show of the verifier's
    /// independence.
    certificate: VerifierCertificate<'a>,
    /// The cost of all attempts in US dollars; null where the cost of one is unknown.
    total_cost_usd_approx: Option<NanoUsd>,
    /// What the tightest cap on the calls leaves; present where a cap limits them.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Budget")]
    budget: Option<&'a Budget>,
    /// Time from the task to the orchestration's end, in milliseconds.
    latency_ms: u64,
    /// The reason why nobody verified the artifact; present where the status is `unverified`.
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
    /// The id of the run.
    run_id: RunId,
}

/// The visibility of a verifier: what it was shown, and what that says of its independence.
#[derive(Serialize, JsonSchema)]
struct VerifierVisibility<'a> {
    /// The texts that the policy shows the verifier: `task` and `artifact`; empty where nobody
    /// verifies.
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
    /// The claims of the certificate, each with its result and the evidence that decided it.
    claims: &'a OrchestrationClaims,
    /// The limits of the certificate: what no certificate of an orchestration shows.
    not_proven: &'a [String],
    /// The warnings of the certificate, which a reader should know although no claim fails by them.
    warnings: &'a [String],
    /// The receipt that holds this certificate.
    receipt: ReceiptReference<'a>,
}

/// A call of an orchestration in one row: who was asked, how it went, and what it cost.
#[derive(Serialize, JsonSchema)]
struct StepMeta<'a> {
    /// The name of the step: `plan`, `execute` or `verify`.
    step: &'a str,
    /// The role of the step, which says what it is for.
    role: StepRole,
    /// The number of the round, from 1.
    round: u32,
    /// Present and true where the call asked again for a verdict that could not be read.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    repair: bool,
    /// The provider that the gateway asked.
    provider: &'a ProviderName,
    /// The model that the provider says answered; the model that was asked where none answered.
    model: &'a str,
    /// The model that the gateway asked; present where another one answered.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "ModelId")]
    model_requested: Option<&'a ModelId>,
    /// The outcome of the call: `ok`, or the category of its error.
    outcome: &'static str,
    #[serde(flatten)]
    answered: Option<AnsweredStep>,
    #[serde(flatten)]
    failed: Option<FailedStep<'a>>,
    /// Every attempt of the call, in order.
    attempts: &'a [Attempt],
}

/// The part of a step's row about a call that was answered.
#[derive(Serialize, JsonSchema)]
struct AnsweredStep {
    /// The reason why the model stopped writing; present where the call was answered.
    finish_reason: FinishReason,
    /// Time from the start of the call to its answer, in milliseconds; present where the call was
    /// answered.
    latency_ms: u64,
    /// The tokens that the call used; present where the call was answered.
    tokens: TokenCounts,
    /// The cost of all attempts of the call in US dollars, null where that of one is unknown;
    /// present where the call was answered.
    cost_usd_approx: Option<NanoUsd>,
    /// The basis of the cost: how certain it is; present where the call was answered.
    cost_basis: CostBasis,
}

/// The part of a step's row about a call that failed.
#[derive(Serialize, JsonSchema)]
struct FailedStep<'a> {
    /// The error of the call as one sentence for a person; present where the call failed.
    error: &'a str,
    /// Advice on what the reader can do about the error; present where the call failed and there is
    /// any.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    hint: Option<&'a str>,
}

impl<'a> OrchestrationData<'a> {
    fn of(orchestrated: &'a OrchestrationOutcome) -> Self {
        let other = |(round, made)| OtherRound { made: RoundData::of(made), round };
        Self {
            current: orchestrated.current_round().map(RoundData::of),
            other_rounds: orchestrated.other_rounds().map(other).collect(),
            text: orchestrated.partial().map(|partial| partial.text.as_str()),
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
    fn of(orchestrated: &'a OrchestrationOutcome) -> Self {
        let unverified =
            last_failure(orchestrated).filter(|_| orchestrated.ending == Ending::Unverified);
        Self {
            depth: &orchestrated.depth,
            steps: orchestrated.steps.iter().map(StepMeta::of).collect(),
            rounds: orchestrated.rounds.len(),
            visibility: VerifierVisibility::of(orchestrated),
            certificate: VerifierCertificate::of(orchestrated),
            total_cost_usd_approx: orchestrated.total_cost(),
            budget: orchestrated.budget.as_ref(),
            latency_ms: millis(orchestrated.latency),
            unverified_because: unverified.map(ToString::to_string),
            spend_recorded: unless_recorded(orchestrated.spend_recorded()),
            offline: orchestrated.offline,
            run_id: orchestrated.run_id,
        }
    }
}

impl<'a> VerifierVisibility<'a> {
    fn of(orchestrated: &'a OrchestrationOutcome) -> Self {
        Self {
            verifier_sees: &orchestrated.verifier_sees,
            verifier_blind_to_plan: orchestrated.is_verifier_blind_to_plan(),
            independence_certified: orchestrated.independence_certified(),
        }
    }
}

impl<'a> VerifierCertificate<'a> {
    fn of(orchestrated: &'a OrchestrationOutcome) -> Self {
        let certificate = orchestrated.certificate();
        Self {
            claims: &certificate.claims,
            not_proven: &certificate.not_proven,
            warnings: &certificate.warnings,
            receipt: ReceiptReference::new(
                orchestrated.receipt.digest().as_str(),
                orchestrated.receipt_path.as_deref(),
            ),
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
            tokens: TokenCounts::of(&answer.cost),
            cost_usd_approx: answer.total_cost(),
            cost_basis: answer.cost_basis(),
        }
    }
}

impl<'a> FailedStep<'a> {
    fn of(failure: &'a Failure) -> Self {
        Self { error: failure.error().message(), hint: failure.error().hint() }
    }
}

fn last_failure(orchestrated: &OrchestrationOutcome) -> Option<&Failure> {
    orchestrated.steps.last()?.result.as_ref().err()
}

impl From<&OrchestrationOutcome> for Envelope {
    fn from(orchestrated: &OrchestrationOutcome) -> Self {
        let status = match orchestrated.ending {
            Ending::Success => Status::Success,
            Ending::NeedsHumanReview => Status::NeedsHumanReview,
            Ending::Unverified => Status::Unverified,
            Ending::Failed { .. } => Status::Error,
        };
        Self {
            status,
            ..Self::of(&OrchestrationData::of(orchestrated), &OrchestrationMeta::of(orchestrated))
        }
    }
}
