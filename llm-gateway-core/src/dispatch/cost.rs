//! What an answer cost, and how well that is known.

use serde::Serialize;

use crate::model::{Completion, NanoUsd, Usage};
use crate::policy::Policy;

use super::PreparedCall;

/// How well a cost is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum CostBasis {
    /// From the tokens that the provider reported.
    Exact,
    /// From an estimate of the tokens: the provider reported none.
    Estimated,
    /// The model has no price.
    Unknown,
    /// The model costs nothing.
    Free,
}

/// What an answer cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Cost {
    /// The amount; `None` = unknown.
    pub amount: Option<NanoUsd>,
    /// How well it is known.
    pub basis: CostBasis,
    /// The tokens that it was computed from.
    pub usage: Usage,
}

/// Prices an answer by the model that answered, where that has a row, else by the one that
/// was asked.
pub(super) fn of(policy: &Policy, call: &PreparedCall, completion: &Completion) -> Cost {
    let preflight = policy.preflight();
    let usage = completion.usage.unwrap_or_else(|| {
        let answer = preflight.estimated_tokens(completion.joined_text().chars().count());
        Usage::new(call.preflight.tokens_in_estimated, answer)
    });
    let spec = policy.providers().get(&call.planned.target.provider);
    let answered = completion.model.as_deref().and_then(|model| spec?.model(model));
    let facts = answered.or(call.planned.facts.as_ref());
    let Some(prices) = facts.and_then(|facts| facts.prices.as_ref()) else {
        return Cost { amount: None, basis: CostBasis::Unknown, usage };
    };
    let basis = match completion.usage {
        _ if prices.is_free() => CostBasis::Free,
        Some(_) => CostBasis::Exact,
        None => CostBasis::Estimated,
    };
    Cost { amount: Some(prices.cost(&usage)), basis, usage }
}
