//! What a panel may cost as a whole, held against the policy before anything is sent.

use crate::dispatch::{Context, PreparedCall, Refusal};
use crate::error::{Category, Error};
use crate::model::NanoUsd;
use crate::policy::PlannedPanel;

/// Holds the sum of all members against the kill switches and the panel's own cap, and gives
/// the members back.
///
/// # Errors
/// [`Category::PolicyBlocked`], with the figures.
pub(super) fn check(
    context: &Context<'_>,
    panel: &PlannedPanel,
    mut prepared: Vec<Result<PreparedCall, Refusal>>,
) -> Result<Vec<Result<PreparedCall, Refusal>>, Error> {
    let ends = |call: &Result<PreparedCall, Refusal>| matches!(call, Err(it) if it.ends_request);
    if let Some(index) = prepared.iter().position(ends)
        && let Err(refusal) = prepared.swap_remove(index)
    {
        return Err(refusal.error);
    }
    check_sum(context, panel, &prepared).map(|()| prepared)
}

fn check_sum(
    context: &Context<'_>,
    panel: &PlannedPanel,
    prepared: &[Result<PreparedCall, Refusal>],
) -> Result<(), Error> {
    let class = context.task_class;
    let calls = || prepared.iter().filter_map(|call| call.as_ref().ok());
    let estimate = sum(calls().map(|call| call.preflight().estimated_max_cost_usd));
    if let Some(why) = context.policy.switches().refuses_cost(estimate) {
        let message = format!("the panel `{class}` is refused: {why}");
        return Err(Error::new(Category::PolicyBlocked, message)
            .with_hint("take the variable out of the gateway's environment to allow the call"));
    }
    let Some(cap) = panel.cost_cap else { return Ok(()) };
    match sum(calls().map(PreparedCall::worst_case)) {
        Some(worst_case) if worst_case <= cap => Ok(()),
        Some(worst_case) => {
            let message = format!(
                "the panel `{class}` may cost up to {worst_case}, above its cost_cap_usd of {cap}"
            );
            Err(Error::new(Category::PolicyBlocked, message)
                .with_hint("lower max_tokens, shorten the prompt, or raise cost_cap_usd"))
        }
        None => {
            let message =
                format!("the panel `{class}` has a cost_cap_usd, and a member's price is unknown");
            Err(Error::new(Category::PolicyBlocked, message)
                .with_hint("add rows with `in` and `out` under providers.<name>.models"))
        }
    }
}

/// The sum; `None` where one is unknown.
fn sum(mut amounts: impl Iterator<Item = Option<NanoUsd>>) -> Option<NanoUsd> {
    amounts.try_fold(NanoUsd::ZERO, |sum, amount| Some(sum.saturating_add(amount?)))
}
