//! The attempt log: one entry for each attempt, in order.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Serialize, Serializer};

use crate::error::{Category, Error};
use crate::model::{CostBasis, ModelId, NanoUsd, ProviderName, Target, Usage};
use crate::observe::AttemptEnd;

use super::booking::Settlement;

/// The outcome of an attempt: an answer, or the category of its failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum AttemptOutcome {
    /// The attempt returned an answer.
    Ok,
    /// The attempt failed with this category.
    Failed(Category),
}

impl AttemptOutcome {
    /// Returns `ok` or the name of the category.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Failed(category) => category.as_str(),
        }
    }
}

impl fmt::Display for AttemptOutcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One attempt to have a call answered.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Attempt {
    /// Target that was asked.
    pub target: Target,
    /// Outcome of the attempt.
    pub outcome: AttemptOutcome,
    /// Time from the first byte sent to the end of the attempt.
    pub latency: Duration,
    /// Time waited before the attempt: for a retry, and for room within the provider's limits.
    pub waited: Duration,
    /// HTTP status of the response, if there was one.
    pub http_status: Option<u16>,
    /// Cost of the attempt; `None` if it is unknown.
    pub cost: Option<NanoUsd>,
    /// Basis of the cost: how certain it is.
    pub cost_basis: CostBasis,
    /// Whether the server refused to stream, so that the target was asked once more for a whole
    /// answer. That is no retry.
    pub refused_stream: bool,
    /// Amount set aside for the attempt; `None` if money is not counted or the price is unknown.
    pub reserved: Option<NanoUsd>,
    /// Whether the ledger has written the cost; `None` if money is not counted.
    pub recorded: Option<bool>,
    /// The recorder's number of the moment at which the request was sent; `None` if nothing was
    /// sent.
    pub(crate) sent: Option<u64>,
    /// Whether the call was passed on to its provider.
    asked: bool,
}

impl Attempt {
    fn new(target: &Target, outcome: AttemptOutcome) -> Self {
        Self {
            target: target.clone(),
            outcome,
            latency: Duration::ZERO,
            waited: Duration::ZERO,
            http_status: None,
            cost: None,
            cost_basis: CostBasis::Unknown,
            refused_stream: false,
            reserved: None,
            recorded: None,
            sent: None,
            asked: false,
        }
    }

    /// Returns whether the target was asked. It was not if a rule refused the call before anything
    /// was sent.
    pub fn was_asked(&self) -> bool {
        self.asked
    }

    /// Returns whether the attempt cost more than was set aside for it.
    pub fn is_above_hold(&self) -> bool {
        matches!((self.cost, self.reserved), (Some(cost), Some(reserved)) if cost > reserved)
    }

    /// Returns what an observer hears of the attempt, with the tokens that were reported.
    pub(super) fn end(&self, usage: Option<Usage>) -> AttemptEnd<'_> {
        let category = match self.outcome {
            AttemptOutcome::Ok => None,
            AttemptOutcome::Failed(category) => Some(category),
        };
        AttemptEnd {
            target: &self.target,
            category,
            http_status: self.http_status,
            latency: self.latency,
            waited: self.waited,
            usage,
            cost: self.cost,
            cost_basis: self.cost_basis,
        }
    }

    /// Sets the time waited before the attempt.
    #[must_use]
    pub(super) fn after(self, waited: Duration) -> Self {
        Self { waited, ..self }
    }

    /// Creates the entry of a target that was refused before anything was sent.
    pub(super) fn refused(target: &Target, category: Category) -> Self {
        let outcome = AttemptOutcome::Failed(category);
        let cost_basis = CostBasis::Free;
        Self { cost: Some(NanoUsd::ZERO), cost_basis, ..Self::new(target, outcome) }
    }

    /// Creates the entry of an attempt that returned an answer.
    pub(super) fn answered(target: &Target, latency: Duration, http_status: Option<u16>) -> Self {
        Self { latency, http_status, asked: true, ..Self::new(target, AttemptOutcome::Ok) }
    }

    /// Creates the entry of an attempt that failed.
    pub(super) fn failed(target: &Target, latency: Duration, error: &Error) -> Self {
        let outcome = AttemptOutcome::Failed(error.category());
        Self {
            latency,
            http_status: error.http_status(),
            refused_stream: error.refuses_form(),
            asked: true,
            ..Self::new(target, outcome)
        }
    }

    /// Sets the moment at which the request was sent.
    #[must_use]
    pub(super) fn sent_at(self, sent: Option<u64>) -> Self {
        Self { sent, ..self }
    }

    /// Sets the cost of the attempt, the money that was set aside, and whether the ledger has it.
    #[must_use]
    pub(super) fn booked(self, settlement: Settlement) -> Self {
        let Settlement { cost, basis, reserved, recorded } = settlement;
        Self { cost, cost_basis: basis, reserved, recorded, ..self }
    }
}

/// Returns whether the ledger has written the cost of every attempt, or `None` if money is not
/// counted.
pub(crate) fn all_recorded<'a>(attempts: impl IntoIterator<Item = &'a Attempt>) -> Option<bool> {
    let recorded = attempts.into_iter().filter_map(|attempt| attempt.recorded);
    recorded.reduce(|one, other| one && other)
}

/// Returns what several attempts cost together, or `None` if the cost of one is unknown.
pub(crate) fn total_cost<'a>(attempts: impl IntoIterator<Item = &'a Attempt>) -> Option<NanoUsd> {
    NanoUsd::total(attempts.into_iter().map(|attempt| attempt.cost))
}

/// Returns the basis of what several attempts cost together, which is as certain as its least
/// certain part.
pub(crate) fn total_basis<'a>(attempts: impl IntoIterator<Item = &'a Attempt>) -> CostBasis {
    attempts.into_iter().map(|attempt| attempt.cost_basis).fold(CostBasis::Free, |all, one| {
        use CostBasis::{Estimated, Exact, Free, Unknown};
        match (all, one) {
            (Unknown, _) | (_, Unknown) => Unknown,
            (Estimated, _) | (_, Estimated) => Estimated,
            (Exact, _) | (_, Exact) => Exact,
            (Free, Free) => Free,
        }
    })
}

/// One attempt of a call, as an envelope shows it.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Attempt")]
struct AttemptRow<'a> {
    /// The provider that was asked.
    provider: &'a ProviderName,
    /// The model that was asked.
    model: &'a ModelId,
    /// `ok`, or the category of the error.
    outcome: &'static str,
    /// Time from the first byte sent to the end, in milliseconds.
    latency_ms: u64,
    /// Time that was waited before the attempt, in milliseconds.
    waited_ms: u64,
    /// The HTTP status that the provider answered with; present where it answered.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "u16")]
    http_status: Option<u16>,
    /// Cost of the attempt in US dollars; null where it is unknown.
    cost_usd_approx: Option<NanoUsd>,
    /// Whether the server refused to stream and was asked once more for a whole answer, which is no
    /// retry; present where that is true.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    refused_stream: bool,
    /// The hold of the attempt in US dollars; present where the attempt cost more than that.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "NanoUsd")]
    reserved_usd: Option<NanoUsd>,
}

impl<'a> AttemptRow<'a> {
    fn of(attempt: &'a Attempt) -> Self {
        let millis = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        Self {
            provider: &attempt.target.provider,
            model: &attempt.target.model,
            outcome: attempt.outcome.as_str(),
            latency_ms: millis(attempt.latency),
            waited_ms: millis(attempt.waited),
            http_status: attempt.http_status,
            cost_usd_approx: attempt.cost,
            refused_stream: attempt.refused_stream,
            reserved_usd: attempt.reserved.filter(|_| attempt.is_above_hold()),
        }
    }
}

impl Serialize for Attempt {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        AttemptRow::of(self).serialize(serializer)
    }
}

impl JsonSchema for Attempt {
    fn schema_name() -> Cow<'static, str> {
        AttemptRow::schema_name()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        AttemptRow::json_schema(generator)
    }
}
