//! What an attempt cost, and how well that is known. Pure.

use crate::error::Error;
use crate::model::{Completion, CostBasis, NanoUsd, Prices, Usage};
use crate::policy::Policy;

use super::prepare::PreparedCall;

/// The cost of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Cost {
    /// Amount; `None` if it is unknown.
    pub amount: Option<NanoUsd>,
    /// How well the amount is known.
    pub basis: CostBasis,
    /// Tokens from which the amount was computed.
    pub usage: Usage,
}

/// Returns the cost of an answer, by the prices of the model that answered if the policy has any,
/// else of the model that was asked. Without reported tokens it costs what was set aside for it,
/// else an estimate.
pub(super) fn of(
    policy: &Policy,
    call: &PreparedCall,
    completion: &Completion,
    held: Option<NanoUsd>,
) -> Cost {
    let preflight = policy.preflight();
    let reported = completion.usage.filter(Usage::is_plausible);
    let usage = reported.unwrap_or_else(|| {
        let answer = preflight.estimated_tokens(completion.joined_text().chars().count());
        Usage::new(call.preflight.tokens_in_estimated, answer)
    });
    let Some(prices) = prices(policy, call, completion.model.as_deref()) else {
        return Cost { amount: None, basis: CostBasis::Unknown, usage };
    };
    let (amount, basis) = match reported {
        _ if prices.is_free() => (NanoUsd::ZERO, CostBasis::Free),
        Some(usage) => (prices.cost(&usage), CostBasis::Exact),
        None => (held.unwrap_or_else(|| prices.cost(&usage)), CostBasis::Estimated),
    };
    Cost { amount: Some(amount), basis, usage }
}

/// Returns what a failed attempt cost, or `None` if that is unknown. An unusable answer is billed
/// by its tokens. Nothing is billed if nothing was sent or the provider answered with an error
/// status. After a time-out or a cut body the cost is unknown.
pub(super) fn of_failure(policy: &Policy, call: &PreparedCall, error: &Error) -> Option<NanoUsd> {
    if let Some(usage) = error.usage().filter(|usage| usage.is_plausible()) {
        return prices(policy, call, error.answered_by()).map(|prices| prices.cost(usage));
    }
    let unbilled = error.nothing_sent() || error.http_status().is_some_and(|status| status >= 400);
    unbilled.then_some(NanoUsd::ZERO)
}

/// Returns the prices of the model that answered if it has any, else of the model that was asked.
fn prices<'a>(
    policy: &'a Policy,
    call: &'a PreparedCall,
    answered: Option<&str>,
) -> Option<&'a Prices> {
    let spec = policy.providers().get(&call.planned.target.provider);
    let answered = answered.and_then(|model| spec?.model(model)?.prices.as_ref());
    answered.or_else(|| call.planned.facts.as_ref()?.prices.as_ref())
}
