//! The envelope of one model's answer.

use std::time::Duration;

use schemars::JsonSchema;
use serde::Serialize;

use crate::model::{CostBasis, FinishReason, NanoUsd, ProviderName, RunId, Target};
use crate::outcome::{Answer, Attempt, Budget, Cost};
use crate::policy::Preflight;

use super::{Envelope, millis, unless_recorded};

/// The `data` of one model's answer.
#[derive(Serialize, JsonSchema)]
pub(super) struct AnswerData {
    /// The text of the model's answer.
    text: String,
}

/// The `meta` of one model's answer.
#[derive(Serialize, JsonSchema)]
pub(super) struct AnswerMeta<'a> {
    /// The task class that the caller asked for.
    task_class: &'a str,
    /// The provider that answered.
    provider: &'a ProviderName,
    /// The model that the provider says answered.
    model: &'a str,
    /// The model that the gateway asked; present where another one answered.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    model_requested: Option<&'a str>,
    /// Time from the request to the answer, in milliseconds.
    latency_ms: u64,
    /// The tokens that the answered call used.
    tokens: TokenCounts,
    /// The cost of the answer in US dollars; null where it is unknown.
    cost_usd_approx: Option<NanoUsd>,
    /// The cost in US dollars that the provider itself states; present where it states one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "NanoUsd")]
    cost_usd_reported: Option<NanoUsd>,
    /// The basis of the cost: how certain it is.
    cost_basis: CostBasis,
    /// Present and false where the ledger could not record the cost of an attempt.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "bool")]
    spend_recorded: Option<bool>,
    /// The reason why the model stopped writing.
    finish_reason: FinishReason,
    /// The number of times that the target that answered was tried again.
    retries: usize,
    /// Every attempt of the request, in order.
    attempts: Vec<&'a Attempt>,
    /// What the tightest cap on the calls leaves; present where a cap limits them.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Budget")]
    budget: Option<Budget>,
    /// The price check of the answered call.
    preflight: &'a Preflight,
    /// The target that should have answered; present where a fallback answered instead.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Target")]
    fallback_from: Option<&'a Target>,
    /// Present and true where the answer is scripted and nothing left the machine.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    offline: bool,
    /// The id of the run.
    run_id: RunId,
}

/// The token counts of one call, in one shape for all providers.
#[derive(Serialize, JsonSchema)]
pub(super) struct TokenCounts {
    /// The number of input tokens, however they were billed.
    input: u64,
    /// The number of output tokens, reasoning included.
    output: u64,
    /// The number of input and output tokens together.
    total: u64,
    /// The number of input tokens that were read from the provider's cache.
    cached_input: u64,
    /// The number of output tokens that the model spent on reasoning.
    reasoning: u64,
    /// Present and true where the provider reported no tokens that count, so that these are a
    /// guess. The cost is computed from them.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    estimated: bool,
}

/// The figures of all calls of a run, which replace those of the answered call.
pub(super) struct TotalFigures<'a> {
    pub(super) latency: Duration,
    pub(super) cost: Option<NanoUsd>,
    pub(super) cost_basis: CostBasis,
    pub(super) attempts: Vec<&'a Attempt>,
    pub(super) spend_recorded: Option<bool>,
}

impl AnswerData {
    /// Creates the `data` of an answer.
    pub(super) fn of(answer: &Answer) -> Self {
        Self { text: answer.text() }
    }
}

impl<'a> AnswerMeta<'a> {
    pub(super) fn of(answer: &'a Answer) -> Self {
        let asked = answer.target.model.as_str();
        let answered = answer.completion.model.as_deref().unwrap_or(asked);
        Self {
            task_class: &answer.task_class,
            provider: &answer.target.provider,
            model: answered,
            model_requested: (answered != asked).then_some(asked),
            latency_ms: millis(answer.latency),
            tokens: TokenCounts::of(&answer.cost),
            cost_usd_approx: answer.total_cost(),
            cost_usd_reported: answer.completion.reported_cost,
            cost_basis: answer.cost_basis(),
            spend_recorded: unless_recorded(answer.spend_recorded()),
            finish_reason: answer.completion.finish_reason,
            retries: answer.retries(),
            attempts: answer.attempts.iter().collect(),
            budget: answer.budget.as_ref().map(Budget::beside_preflight),
            preflight: &answer.preflight,
            fallback_from: answer.fallback_from.as_ref(),
            offline: answer.offline,
            run_id: answer.run_id,
        }
    }

    /// Replaces the figures of the answered call by those of all calls of the run. A cost that one
    /// provider states would be read as the cost of the run, so it is removed.
    pub(super) fn of_all_calls(self, all: TotalFigures<'a>) -> Self {
        Self {
            latency_ms: millis(all.latency),
            cost_usd_approx: all.cost,
            cost_usd_reported: None,
            cost_basis: all.cost_basis,
            spend_recorded: unless_recorded(all.spend_recorded),
            attempts: all.attempts,
            ..self
        }
    }
}

impl TokenCounts {
    pub(super) fn of(cost: &Cost) -> Self {
        let usage = &cost.usage;
        Self {
            estimated: cost.tokens_are_estimated,
            input: usage.input(),
            output: usage.output,
            total: usage.total(),
            cached_input: usage.cache_read,
            reasoning: usage.reasoning,
        }
    }
}

impl From<&Answer> for Envelope {
    fn from(answer: &Answer) -> Self {
        Self::of(&AnswerData::of(answer), &AnswerMeta::of(answer))
    }
}
