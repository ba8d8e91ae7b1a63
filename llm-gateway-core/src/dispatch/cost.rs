//! The cost of an attempt, and how certain it is. This module is pure.

use crate::error::{Category, Error};
use crate::model::{Completion, CostBasis, ModelFacts, NanoUsd, Prices, Usage};
use crate::policy::Policy;

use super::prepare::PreparedCall;

/// The cost of an answer, and how certain it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Cost {
    /// Amount of the cost; `None` if it is unknown.
    pub amount: Option<NanoUsd>,
    /// The basis of the cost: how certain it is.
    pub basis: CostBasis,
    /// Tokens from which the amount was computed.
    pub usage: Usage,
    /// Whether the tokens are a guess, because the provider reported none that count.
    pub tokens_are_estimated: bool,
}

/// Returns the cost of an answer, by the prices of the model that answered if the policy has any,
/// else of the model that was asked. An answer without reported tokens costs the amount that was
/// set aside for it, else an estimate.
pub(super) fn of(
    policy: &Policy,
    call: &PreparedCall,
    completion: &Completion,
    held: Option<NanoUsd>,
) -> Cost {
    let reported = completion.usage.filter(Usage::is_plausible);
    let usage = reported.unwrap_or_else(|| guessed(policy, call, completion, held));
    let tokens_are_estimated = reported.is_none();
    let cost = |amount, basis| Cost { amount, basis, usage, tokens_are_estimated };
    let tier = completion.service_tier.as_deref();
    let Some(priced) = PricedAnswer::of(policy, call, completion.model.as_deref(), tier) else {
        return cost(None, CostBasis::Unknown);
    };
    let is_sure = priced.is_sure && !completion.usage_is_doubted;
    match reported {
        _ if priced.prices.is_free() => cost(Some(NanoUsd::ZERO), CostBasis::Free),
        Some(usage) if is_sure => cost(Some(priced.cost(&usage)), CostBasis::Exact),
        Some(usage) => cost(Some(priced.cost(&usage)), CostBasis::Estimated),
        None => {
            let amount = held.unwrap_or_else(|| priced.cost(&usage));
            cost(Some(amount), CostBasis::Estimated)
        }
    }
}

/// Returns the tokens of an answer without a count: the tokens that its hold was computed from, so
/// that both agree, else an estimate by its characters.
fn guessed(
    policy: &Policy,
    call: &PreparedCall,
    completion: &Completion,
    held: Option<NanoUsd>,
) -> Usage {
    if held.is_some() {
        let asked = &call.prepared.call;
        return Usage::new(asked.prompt.token_bound(), asked.max_tokens);
    }
    let characters = completion.joined_text().chars().count();
    let answer = policy.preflight().estimated_tokens(characters);
    Usage::new(call.preflight.tokens_in_estimated, answer)
}

/// Returns the cost of a failed attempt, or `None` if it is unknown. An unusable answer is billed
/// by its tokens. Nothing is billed if the model is free, nothing was sent, the provider says that
/// nothing is billed, or it refused the request: by an error status or, without any status, by the
/// category of its error. After a time-out or a cut body the cost is unknown, and so it is after a
/// status by which a server in front of the model gave up on a request that the model may have
/// done.
pub(super) fn of_failure(policy: &Policy, call: &PreparedCall, error: &Error) -> Option<NanoUsd> {
    if error.is_unbilled() {
        return Some(NanoUsd::ZERO);
    }
    if let Some(usage) = error.usage().filter(|usage| usage.is_plausible()) {
        return PricedAnswer::of(policy, call, error.answered_by(), None)
            .map(|priced| priced.cost(usage));
    }
    let is_free = PricedAnswer::of(policy, call, error.answered_by(), None)
        .is_some_and(|priced| priced.prices.is_free());
    let is_refused = match error.http_status() {
        Some(status) => status >= 400,
        None => error.category().is_refusal(),
    };
    let is_unbilled = error.nothing_sent() || is_free || is_refused && !is_billed_perhaps(error);
    is_unbilled.then_some(NanoUsd::ZERO)
}

/// Returns whether a request that was refused may be billed: the provider says so, the body counts
/// tokens, or the server that answered had waited for a model that had the request.
fn is_billed_perhaps(error: &Error) -> bool {
    error.may_be_billed()
        || error.category() == Category::Timeout
        || error.http_status().is_some_and(|status| GAVE_UP_WAITING.contains(&status))
}

/// The statuses by which a server gives up on a request that was sent: 408 and 504 of HTTP, 520 and
/// 524 of Cloudflare, 598 of other proxies. (522 and 523 are not among them, because they mean that
/// no connection to the model was made.)
const GAVE_UP_WAITING: [u16; 5] = [408, 504, 520, 524, 598];

/// The prices of an answer, and whether they are certainly the provider's.
struct PricedAnswer<'a> {
    prices: &'a Prices,
    /// The factor by which the prices are multiplied.
    factor: u64,
    /// Whether the model and the service tier have prices of their own.
    is_sure: bool,
}

impl<'a> PricedAnswer<'a> {
    /// Returns the prices of the model that answered if it has any, else of the model that was
    /// asked, at the service tier at which the answer was served.
    fn of(
        policy: &'a Policy,
        call: &'a PreparedCall,
        answered: Option<&str>,
        tier: Option<&str>,
    ) -> Option<Self> {
        let spec = policy.providers().get(&call.planned.target.provider);
        let asked = call.planned.facts.as_deref();
        let answering = answered.and_then(|model| spec?.model(model)).map(AsRef::as_ref);
        let row = answering.filter(|row: &&ModelFacts| row.prices.is_some());
        let is_asked = answered.is_none_or(|model| model == call.planned.target.model.as_str());
        let facts = row.or(asked)?;
        let ordinary = facts.prices.as_ref()?;
        let tier = tier.map(str::to_ascii_lowercase).filter(|tier| !is_ordinary(tier));
        let (prices, factor, has_tier) = match tier.as_deref() {
            None => (ordinary, 1, true),
            Some(tier) => match facts.service_tiers.get(tier) {
                Some(prices) => (prices, 1, true),
                None if tier == "priority" => (ordinary, PRIORITY_FACTOR, false),
                None => (ordinary, 1, false),
            },
        };
        Some(Self { prices, factor, is_sure: has_tier && (row.is_some() || is_asked) })
    }

    fn cost(&self, usage: &Usage) -> NanoUsd {
        let once = self.prices.cost(usage);
        NanoUsd::from_nanos(once.as_nanos().saturating_mul(self.factor))
    }
}

/// The price factor of the tier `priority` for models without a row for it: twice the ordinary
/// price, as OpenAI bills it (<https://openai.com/api-priority-processing/>).
const PRIORITY_FACTOR: u64 = 2;

/// Returns whether a service tier is the one that a row's prices are for.
fn is_ordinary(tier: &str) -> bool {
    matches!(tier, "default" | "standard" | "on_demand")
}
