//! The envelopes of errors and failures, with everything that was paid for before they happened.

use std::time::Duration;

use schemars::JsonSchema;
use serde::Serialize;

use crate::config::{Diagnostic, PolicyProblems};
use crate::error::{BlockedBy, Category, Error, RefusingCap};
use crate::model::{ModelId, NanoUsd, ProviderName, RunId};
use crate::outcome::{Attempt, Budget, Failure, FailureParts};
use crate::policy::{Preflight, PreflightAction};

use super::cascade::CascadeTrace;
use super::partial::{FailureData, PartialMeta};
use super::{Envelope, Status, millis, object, unless_recorded};

/// The `meta` of an error.
#[derive(Serialize, JsonSchema)]
pub(super) struct ErrorMeta<'a> {
    /// The category of the error, which a program can branch on.
    error_category: Category,
    /// What refused the call; present where `error_category` is `policy_blocked`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "BlockedBy")]
    blocked_by: Option<BlockedBy>,
    /// The cap that refused the call, and what it leaves; present where `blocked_by` is `cap`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "RefusingCap")]
    cap: Option<&'a RefusingCap>,
    /// Advice on what the reader can do about the error; present where there is any.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    hint: Option<&'a str>,
    /// The provider that failed; present where one was asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "ProviderName")]
    provider: Option<&'a ProviderName>,
    /// The model that failed; present where one was asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "ModelId")]
    model: Option<&'a ModelId>,
    /// The HTTP status that the provider answered with; present where it answered.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "u16")]
    http_status: Option<u16>,
    /// Seconds until another request can succeed; present where that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "f64")]
    retry_after_s: Option<f64>,
}

/// The `data` of a policy that cannot be used.
#[derive(Serialize, JsonSchema)]
pub(super) struct ProblemsData<'a> {
    /// Every problem that was found in the policy, in the order of the file.
    problems: &'a [Diagnostic],
}

/// The `meta` of a request that failed.
#[derive(Serialize, JsonSchema)]
pub(super) struct FailureMeta<'a> {
    #[serde(flatten)]
    error: ErrorMeta<'a>,
    #[serde(flatten)]
    escalated: Option<EscalatedMeta<'a>>,
    #[serde(flatten)]
    partial: PartialMeta<'a>,
    /// The step of an orchestration that failed, or `preflight` where the whole was refused;
    /// present for orchestrations.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    failed_stage: Option<&'a str>,
    /// The task class that the caller asked for.
    task_class: &'a str,
    /// Time from the request to the failure, in milliseconds.
    latency_ms: u64,
    /// Every attempt of the request, in order.
    attempts: &'a [Attempt],
    /// Present and false where the ledger could not record the cost of an attempt.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "bool")]
    spend_recorded: Option<bool>,
    /// What the tightest cap on the calls leaves; present where a cap limits them.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Budget")]
    budget: Option<Budget>,
    /// The price check of the call that failed; present where it was made.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Preflight")]
    preflight: Option<&'a Preflight>,
    /// Present and true where answers are scripted and nothing left the machine.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    offline: bool,
    /// The id of the run.
    run_id: RunId,
}

/// The part of a failure's `meta` that a cascade adds once its gate was asked.
#[derive(Serialize, JsonSchema)]
struct EscalatedMeta<'a> {
    /// The cost of all attempts in US dollars; null where the cost of one is unknown. Present where
    /// a cascade failed.
    cost_usd_approx: Option<NanoUsd>,
    /// The trace of the cascade: how it came to its strong model. Present where a cascade failed.
    cascade: CascadeTrace<'a>,
}

/// The `meta` of a panel or an orchestration that failed after it had begun: the error, and all
/// that a success of the same kind has.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Failed{M}")]
pub(super) struct BegunMeta<'a, M> {
    #[serde(flatten)]
    error: ErrorMeta<'a>,
    /// The step of an orchestration that failed; present for orchestrations.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    failed_stage: Option<&'a str>,
    #[serde(flatten)]
    partial: PartialMeta<'a>,
    #[serde(flatten)]
    run: M,
}

impl<'a> ErrorMeta<'a> {
    fn of(error: &'a Error) -> Self {
        Self {
            error_category: error.category(),
            blocked_by: error.blocked_by(),
            cap: error.cap(),
            hint: error.hint(),
            provider: error.target().map(|target| &target.provider),
            model: error.target().map(|target| &target.model),
            http_status: error.http_status(),
            retry_after_s: error.retry_after().map(seconds),
        }
    }
}

impl<'a> FailureMeta<'a> {
    fn of(failure: &'a Failure) -> Self {
        let parts = failure.parts();
        Self {
            error: ErrorMeta::of(&parts.error),
            escalated: EscalatedMeta::of(parts),
            partial: PartialMeta::of(failure),
            failed_stage: failure.failed_stage(),
            task_class: &parts.task_class,
            latency_ms: millis(parts.latency),
            attempts: &parts.attempts,
            spend_recorded: unless_recorded(failure.spend_recorded()),
            budget: match parts.preflight.as_ref().map(|preflight| preflight.action) {
                // The price check of a call that was refused warns of nothing.
                None | Some(PreflightAction::Block) => parts.budget.clone(),
                Some(_) => parts.budget.as_ref().map(Budget::beside_preflight),
            },
            preflight: parts.preflight.as_ref(),
            offline: parts.offline,
            run_id: parts.run_id,
        }
    }
}

impl<'a> EscalatedMeta<'a> {
    fn of(parts: &'a FailureParts) -> Option<Self> {
        let (gate, why) = (parts.panel.as_deref()?, parts.escalation.as_ref()?);
        let cascade = CascadeTrace::without_answer(gate, why);
        Some(Self { cost_usd_approx: parts.total_cost(), cascade })
    }
}

/// Returns a wait in seconds, rounded up to a millisecond, so that nobody comes back too early.
fn seconds(wait: Duration) -> f64 {
    (wait.as_secs_f64() * 1e3).ceil() / 1e3
}

/// Creates the envelope of an error with `meta`.
fn failed(error: &Error, meta: &impl Serialize) -> Envelope {
    Envelope {
        status: Status::Error,
        error: Some(error.message().to_owned()),
        data: None,
        meta: object(meta),
    }
}

impl From<&Error> for Envelope {
    fn from(error: &Error) -> Self {
        failed(error, &ErrorMeta::of(error))
    }
}

impl From<&PolicyProblems> for Envelope {
    fn from(problems: &PolicyProblems) -> Self {
        let data = object(&ProblemsData { problems: problems.diagnostics() });
        Self { data: Some(data.into()), ..Self::from(&Error::from(problems)) }
    }
}

impl From<&Failure> for Envelope {
    fn from(failure: &Failure) -> Self {
        let error = failure.error();
        // Answers that were paid for are shown with the error.
        if let Some(Self { data, meta, .. }) = begun(failure) {
            let meta = BegunMeta {
                error: ErrorMeta::of(error),
                failed_stage: failure.failed_stage(),
                partial: PartialMeta::of(failure),
                run: meta,
            };
            return Self { data, ..failed(error, &meta) };
        }
        let parts = failure.parts();
        let data = match &parts.problems {
            Some(problems) => Self::from(problems).data,
            None => {
                FailureData::of(failure, parts.panel.as_deref()).map(|data| object(&data).into())
            }
        };
        Self { data, ..failed(error, &FailureMeta::of(failure)) }
    }
}

/// Returns the envelope of what a panel or an orchestration had made before it failed, if it had
/// begun. The gate of a cascade is not such a panel: what failed there is the cascade.
fn begun(failure: &Failure) -> Option<Envelope> {
    let panel = failure.panel().filter(|_| failure.parts().escalation.is_none());
    panel.map(Envelope::from).or_else(|| failure.orchestration().map(Envelope::from))
}
