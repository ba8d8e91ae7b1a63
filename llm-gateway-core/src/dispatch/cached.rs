//! The answers that need not be asked for again: a call of a single model's task class is looked up
//! before any money is set aside, and its answer is kept.

use crate::cache::AnswerCache;
use crate::model::{Completion, CostBasis, NanoUsd};
use crate::transport::HttpRequest;

use super::Context;
use super::cost::Cost;
use super::prepare::PreparedCall;
use super::run::AnsweredAttempt;

/// Returns the answer that is kept for a call, if there is one. A cache that is slow costs the
/// request its time, and the call is then made or refused like any other.
pub(super) async fn cached(
    context: &Context<'_>,
    cache: Option<&dyn AnswerCache>,
    call: &PreparedCall,
) -> Option<AnsweredAttempt> {
    let find = cache?.find(call.request()?);
    let completion = context.in_time(find).await.ok()??;
    tracing::debug!(target = %call.planned.target, "answered from the cache");
    let (target, preflight) = (call.planned.target.clone(), call.preflight.clone());
    let cost = cost_of_hit(&completion);
    Some(AnsweredAttempt { target, completion, cost, preflight })
}

/// Keeps the answer to `request`.
pub(super) async fn keep(
    context: &Context<'_>,
    cache: &dyn AnswerCache,
    request: &HttpRequest,
    answer: &Completion,
) {
    // An answer that is not kept is asked for again.
    context.in_time(cache.keep(request, answer)).await.ok();
}

/// Returns the cost of an answer that was kept: nothing, whatever the answer did cost once.
fn cost_of_hit(completion: &Completion) -> Cost {
    let (amount, basis) = (Some(NanoUsd::ZERO), CostBasis::Free);
    let usage = completion.usage.unwrap_or_default();
    Cost { amount, basis, usage, tokens_are_estimated: completion.usage.is_none() }
}
